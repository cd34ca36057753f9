"""A LinkedIn archive ("Get a copy of your data"), zip or folder: the owner's own actions, by day.

Only days and counts are taken. Texts, search words and the names of other
people are in these files; none of it gets into a table or the ledger, which is
why no message of this module shows a cell that could hold text.

Comments are quoted in a way of their own (formats.md section 4): quotes inside
a text have a backslash, and for some years a text with a line break was not
quoted at all. Where a file does not fall into the columns of its header, rows
are found by what each begins with, a time and an address on linkedin.com.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from ssi_audit.exports import text
from ssi_audit.exports.archive_files import (
    HEADER_WORDS,
    INVITATIONS,
    LAYOUTS,
    MESSAGES,
    OTHER_FILES,
    OTHER_FOLDERS,
    PROFILE,
    PROFILE_SIGNS,
    PROFILE_WORDS,
    Layout,
    archive_name,
)
from ssi_audit.exports.archive_messages import Owner, drafts, folded_name, own_address, sent_by
from ssi_audit.exports.files import File, Folder
from ssi_audit.exports.ledger import Ledger
from ssi_audit.exports.table import Context, Rows, Table, text_table
from ssi_audit.exports.text import Dialect, Unreadable
from ssi_audit.exports.us_dates import month_first
from ssi_audit.names import LABEL, file_owner, identities

__all__ = ["HEADER_WORDS", "KIND", "claims", "read", "read_folder", "recognises"]

KIND = "LinkedIn archive"

# What a cell with a day looks like; anything else in that column is a piece of a text that broke its row.
_DAY = (
    r"^(?:[A-Z][a-z]{2} [A-Z][a-z]{2} )?\d{1,4}"
    r"(?:[-/.]\d{1,2}[-/.]\d{2,4}| [A-Z][a-z]{2,8} \d{2,4}| \d{2}:\d{2})[^,]{0,20}(?:, \d.{3,11})?$"
)
_ROW_START = re.compile(
    r'^"?(?P<time>\d{1,4}[-/]\d{1,2}[-/]\d{2,4}[ ,]+[\d:]{4,8}(?: ?[AP]M)?)"?'
    r'[,\t;] ?"?https?://(?:\w+\.)?linkedin\.com/',
    re.MULTILINE,
)
_LINKEDINS_ZIP = re.compile(r"linkedin[ _-]?data[ _-]?export[^/]*\.zip(?:/|$)", re.IGNORECASE)
_ZONE = r"(?:UTC|GMT|Z)\b"

NO_ACTIONS = "part of the archive that holds no actions of its owner"
OWNER_FILE = "says whose archive it is"
NO_DAY = "no day in this row"
BROKEN = "piece of a text that was not quoted"
DRAFT = "a draft: not sent"
NOT_KNOWN_WHO = "not known who of the two wrote it: Profile.csv is missing"
NO_DIRECTION = "neither sent nor received"
UNFOLLOWED = "not followed any more"
FOUND_BY_START = "the quoting of the texts is broken: rows found by their beginnings"

UTC_NOTE = "LinkedIn archives: times without a zone are read as UTC"
INVITATIONS_NOTE = (
    "LinkedIn archives hold pending and recent invitations only: invitations_sent is too low for the weeks long ago"
)
VOTES_NOTE = "LinkedIn archives: a vote in a poll counts as a reaction"


# --------------------------------------------------------------------------- which files


def claims(folder: Folder) -> list[File]:
    """The files of an archive: those with actions, by name and header; the rest of it where it is surely one.

    A zip under LinkedIn's own name is LinkedIn's, all of it, also files of a kind that is new. Elsewhere users put
    other files beside those of an archive, so only names that LinkedIn is known to give are taken.
    """
    own = [file for file in folder.files if _layout_by_name(file) or _is_profile(file)]
    if not own:
        return []
    if _LINKEDINS_ZIP.search(folder.name):
        return folder.all_files()
    if not any(_is_profile(file) for file in own) and len(own) < 2:
        return own
    others = [file for file in folder.files if archive_name(file.base) in OTHER_FILES and not _known_elsewhere(file)]
    below = [inner for inner in folder.folders if text.fold(inner.name.rpartition("/")[2]) in OTHER_FOLDERS]
    return [*own, *others, *(file for inner in below for file in inner.all_files())]


def _known_elsewhere(file: File) -> bool:
    """Whether another reader knows a file: an `events.csv` beside an archive may be the CRM's."""
    from ssi_audit.exports import recognise

    return recognise(file) is not None


def recognises(file: File) -> float:
    """For a single file of an archive under any name: 0.95, or 0.7 where its columns are few and plain."""
    if file.kind != "text" or not file.words:
        return 0.0
    if _is_profile(file, by_name=False):
        return 0.95
    layout = _layout_by_header(file)
    if layout is None:
        return 0.0
    if layout.others is None or layout.name in ("votes", "companyfollows"):
        return 0.95
    return 0.7 if archive_name(file.base) == layout.name or b"linkedin.com" in file.data[:65_536] else 0.0


def _layout_by_name(file: File) -> Layout | None:
    name = archive_name(file.base)
    return next(
        (known for known in LAYOUTS if known.name == name and file.kind == "text" and known.fits(file.words)), None
    )


def _layout_by_header(file: File) -> Layout | None:
    return _layout_by_name(file) or next((known for known in LAYOUTS if known.fits(file.words)), None)


def _is_profile(file: File, *, by_name: bool = True) -> bool:
    if by_name and archive_name(file.base) != PROFILE:
        return False
    return file.kind == "text" and file.words >= PROFILE_WORDS and bool(file.words & PROFILE_SIGNS)


# --------------------------------------------------------------------------- reading


def read_folder(folder: Folder, files: list[File], context: Context) -> Iterator[Rows]:
    """Rows of activity, a file at a time; they are one export, so their counts add up."""
    owner = _owner(folder, files, context)
    for file in files:
        layout = _layout_by_name(file)
        if layout is not None:
            yield _read_actions(file, layout, owner, context, f"{folder.name}/")
        else:
            yield Rows(_set_aside(file))


def read(file: File, context: Context) -> Iterator[Rows]:
    """Rows of activity of a file that lies alone; whose it is, its name or its neighbour Profile.csv must say."""
    layout = _layout_by_header(file)
    if layout is None:
        yield Rows(_set_aside(file))
        return
    yield _read_actions(file, layout, _owner(file.folder, [file, *file.folder.files], context), context, "")


def _owner(folder: Folder, files: list[File], context: Context) -> Owner:
    """The user's own answer, else the name in Profile.csv, else the words of the names of file and folder."""
    identity = file_owner(files[0], context)
    profile = next((file for file in files if _is_profile(file)), None)
    name = _profile_name(profile) if profile is not None else ""
    if identity.startswith(LABEL):
        # The archive's own file names are no names of people; its folder may be called after one.
        inside = [words for words, part in zip(_levels(identity), _parts(files[0])) if not _is_archive_part(part)]
        identity = identities(name=name).iloc[0] if name else f"{LABEL}={'/'.join(inside)}"
    return Owner(identity, folded_name(name), _address(files))


def _levels(label: str) -> list[str]:
    return label.removeprefix(f"{LABEL}=").split("/")


def _parts(file: File) -> list[str]:
    """Parts of a file's path, the nearest first."""
    return list(reversed(file.name.split("/")))


def _is_archive_part(part: str) -> bool:
    name = archive_name(part)
    return name == PROFILE or name in OTHER_FILES or any(name == layout.name for layout in LAYOUTS)


def _profile_name(profile: File) -> str:
    table = profile.table()
    if not len(table):
        return ""
    first, last = table.words(table.find("First Name")), table.words(table.find("Last Name"))
    return f"{first.iloc[0]} {last.iloc[0]}".strip()


def _address(files: list[File]) -> str:
    invitations = next((file for file in files if _layout_by_name(file) is INVITATIONS), None)
    return own_address(_table(invitations, INVITATIONS)[0]) if invitations is not None else ""


def _read_actions(file: File, layout: Layout, owner: Owner, context: Context, export: str) -> Rows:
    table, by_start = _table(file, layout)
    ledger = table.ledger()
    ledger.add([line.row for line in table.odd], "skipped", BROKEN)
    if by_start:
        ledger.repair(ledger.in_use, FOUND_BY_START)
    column = table.find(*layout.time)
    blank, dated = table.blank(column), _is_day(table, column)
    ledger.skip(ledger.at(table.rows[blank]), NO_DAY)
    ledger.skip(ledger.at(table.rows[~blank & ~dated]), BROKEN)
    metric = _metric(table, layout, owner, ledger, context)
    keep = dated & (metric != "")
    kept = table.where(keep)
    times = kept.times(
        column,
        month_first(context),
        day_first=False,
        naive_zone="UTC",
        shift_hours=context.settings.archive_shift_hours,
    )
    _say(kept, column, layout, context)
    frame = pd.DataFrame(
        {"person": owner.identity, "date": times.dt.floor("D"), "metric": metric[keep], "count": 1.0, "row": kept.rows}
    )
    return Rows(ledger, activity=frame[frame["date"].notna()], export=export)


def _is_day(table: Table, column: str) -> np.ndarray:
    return table.words(column).str.match(_DAY).to_numpy(dtype=bool)


def _say(table: Table, column: str, layout: Layout, context: Context) -> None:
    """What a reader of the report must know of these rows."""
    words = table.words(column)
    if (words.str.contains(":", regex=False) & ~words.str.contains(_ZONE)).any():
        hours = context.settings.archive_shift_hours
        context.note(f"{UTC_NOTE}{f' and moved by {hours:g} hours (archive_shift_hours)' if hours else ''}")
    if layout is INVITATIONS and len(table):
        context.note(INVITATIONS_NOTE)
    if layout.name == "votes" and len(table):
        context.note(VOTES_NOTE)


def _metric(table: Table, layout: Layout, owner: Owner, ledger: Ledger, context: Context) -> np.ndarray:
    """What each row counts as, "" for none; rows without a metric are skipped in the ledger."""
    if layout is INVITATIONS:
        direction = table.words(table.find("Direction")).str.upper()
        metric = direction.map({"OUTGOING": "invitations_sent", "INCOMING": "invitations_received"}).fillna("")
        ledger.skip(ledger.at(table.rows[(metric == "").to_numpy()]), NO_DIRECTION)
        return metric.to_numpy(dtype=object)
    metric = np.full(len(table), layout.metric, dtype=object)
    if layout is MESSAGES:
        draft, sent = drafts(table), sent_by(owner, table)
        ledger.skip(ledger.at(table.rows[draft]), DRAFT)
        if sent is None:
            context.note(f"{table.file}: {NOT_KNOWN_WHO}; the messages were left out")
            ledger.skip(ledger.at(table.rows), NOT_KNOWN_WHO)
            return metric
        metric[:] = np.where(sent, "messages_sent", "messages_received")
        metric[draft] = ""
    if layout.name == "memberfollows":
        ended = table.words(table.find("Status")).str.contains("inactive|unfollow|removed", case=False).to_numpy()
        ledger.skip(ledger.at(table.rows[ended]), UNFOLLOWED)
        metric[ended] = ""
    return metric


# --------------------------------------------------------------------------- cutting rows


def _table(file: File, layout: Layout) -> tuple[Table, bool]:
    """The rows of a file, and whether they could only be found by their beginnings.

    Of the two ways of quoting the one is taken in which every row has the columns of the header and begins with a
    day.
    """
    delimiter = file.dialect.delimiter if _has_letters(file) else ","
    plain, escaped = Dialect(delimiter), Dialect(delimiter, double_quote=False, escape="\\")
    best: Table | None = None
    for dialect in (escaped, plain) if layout.name == "comments" else (plain, escaped) if layout.link else (plain,):
        try:
            table = _cut(file, dialect)
        except Unreadable:
            if not layout.link:
                raise
            continue
        column = table.find(*layout.time)
        dated = _is_day(table, column)
        if not layout.link or (not table.odd and dated.all()):
            return table, False
        if best is None or dated.sum() > _is_day(best, best.find(*layout.time)).sum():
            best = table
    found = _by_beginnings(file, layout)
    if best is None or len(found) >= _is_day(best, best.find(*layout.time)).sum():
        return found, True
    return best, False


def _has_letters(file: File) -> bool:
    """Whether the encoding can be told."""
    try:
        return bool(file.utf8)
    except Unreadable:
        return False


def _cut(file: File, dialect: Dialect) -> Table:
    """The table of a file; letters that cannot be told do not matter where only days are taken."""
    if _has_letters(file):
        return file.table(dialect=dialect)
    utf8 = file.data.decode("latin-1").encode()
    at = text.find_header(text.sample_records(utf8.decode(), dialect, 40), {text.fold(word) for word in HEADER_WORDS})
    return text_table(file.name, text.cut(utf8, dialect, at))


def _by_beginnings(file: File, layout: Layout) -> Table:
    """One row for each line that begins with a time and an address on linkedin.com."""
    content = file.text if _has_letters(file) else file.data.decode("latin-1")
    times = [match["time"] for match in _ROW_START.finditer(content)]
    frame = pd.DataFrame({layout.time[0]: pd.Series(times, dtype="str")})
    return Table(file.name, list(frame.columns), frame, np.arange(2, len(frame) + 2, dtype=np.int64))


def _set_aside(file: File) -> Ledger:
    """The ledger of a file without actions: its lines, counted without looking into them."""
    n_rows = sum(bool(line.strip()) for line in file.data.splitlines()) - 1 if file.kind == "text" else 1
    ledger = Ledger(file.name, np.arange(2, 2 + max(n_rows, 0)))
    ledger.skip(ledger.in_use, OWNER_FILE if _is_profile(file) else NO_ACTIONS)
    return ledger
