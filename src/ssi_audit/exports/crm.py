"""What the CRM exports have in common: rows of deals, leads and meetings → dated events.

A format's reader knows the names of the columns and the quirks of its system;
what a deal, an inquiry and a meeting are, is decided here once (formats.md
section 6): a deal is opened on the day it was created, won or lost on its close
date when it is closed; the close date of an open deal is a forecast and makes no
event. An inquiry is dated by its creation, a meeting by its start. Amounts keep
their currency; an empty one is unknown, never 0.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from anyascii import anyascii

from ssi_audit.exports import stages, text
from ssi_audit.exports.files import File
from ssi_audit.exports.ledger import Ledger
from ssi_audit.exports.money import currencies, money
from ssi_audit.exports.table import Context, Rows, Table, as_text, missing_column, spread
from ssi_audit.names import LABEL, file_owner, identities, split_identity
from ssi_audit.people import NO_OWNER

# Our fields of each kind of row, as the user may map them: [columns.deals]  closed = "the file's header".
FIELDS = {
    "deals": (
        "person", "person_id", "email", "deal", "title", "company", "created", "closed", "won_on", "lost_on", "stage",
        "status", "won", "lost", "is_closed", "probability", "amount", "won_amount", "currency", "source", "pipeline",
        "deleted", "changed",
    ),
    "inquiries": (
        "person", "person_id", "email", "id", "deal", "created", "source", "status", "company", "deleted", "changed",
    ),
    "meetings": (
        "person", "person_id", "email", "id", "deal", "lead", "start", "start_time", "subject", "outcome", "type",
        "company", "deleted", "created", "changed",
    ),
    "quotas": ("person", "period", "period_start", "period_end", "year", "quota", "currency"),
}  # fmt: skip
SECTIONS = tuple(FIELDS)
# Headers that mean the same in every system.
COMMON = {
    "deleted": (
        "Deleted", "Is Deleted", "Usunięte", "Usunięty", "Eliminato", "Eliminata", "Poistettu", "Gelöscht", "Eliminado",
        "Supprimé", "ลบแล้ว",
    ),
}  # fmt: skip

# How well a reader knows a table of deals of its system that has no column of owners: less than `generic_crm`, which
# may know another word for the seller, but enough to ask.
NO_SELLER = 0.45

# Columns of deals that go into every event as they are.
PASSED_ON = ("source", "deal", "about", "changed", "told")

# What is handed on of a deal of which a file tells neither when it was opened nor when it was closed.
STATE_ONLY = "state"
DELETED = "deleted in the CRM"
OTHER_PIPELINE = "another pipeline (setting pipelines)"
OPEN_UNDATED = "open deal without a creation date"
CLOSED_UNDATED = "closed deal without a date"
NO_DATE = "no date in this row"
NOT_HELD = "cancelled or not held"
PLANNED = "planned: it lies behind the day of the export"
NOT_MEETING = "not a meeting (setting not_meeting_words)"

_NUMERIC_DATE = r"^(?P<a>\d{1,2}) ?(?P<s>[-/. ]) ?(?P<b>\d{1,2}) ?[-/. ] ?\d{2,4}\b"
_NOT_HELD = re.compile(
    r"^\W*(?:cancell?ed|cancelad[oa]|abgesagt|annullat[oa]|annulee?|odwolan[eyoa]|anulowan[eyoa]|peruttu|peruutettu|"
    r"no[ -]?show(?:ed)?|nicht erschienen|rescheduled|verschoben|declined|deleted|rinviat[oa]|przelozon[eyoa]|"
    r"non presentato|nie odbyl\w*)\b"
)
_HELD = re.compile(
    r"^\W*(?:completed?|held|done|attended|took place|1|true|yes|abgeschlossen|erledigt|stattgefunden|durchgefuhrt|"
    r"realizad[oa]|celebrad[oa]|completad[oa]|hech[oa]|completat[oa]|svolt[oa]|fatt[oa]|zakonczon[eyoa]|odbyt[eyoa]|"
    r"zrobione|pidetty|valmis|tehty|toteutunut|terminee?|effectuee?)\b"
)


@dataclass(frozen=True)
class Style:
    """What is known of a system beyond the names of its columns.

    Attributes
    ----------
    owner : str
        Piece of an identity that the owner column is: ``name``, ``hubspot_owner``, …
    owner_id : str, optional
        Piece of an identity that the column of owners' ids is.
    zone : str, optional
        Zone of times that carry none; None: they are taken as they stand.
    zero_is_unknown : bool
        The system writes 0 where nobody typed an amount.
    needs_closing : bool
        Closed deals need a column that says when; not so where whoever makes a report chooses its columns, which then
        counts for its opened deals.
    """

    owner: str = "name"
    owner_id: str | None = None
    zone: str | None = None
    zero_is_unknown: bool = False
    needs_closing: bool = True


PLAIN = Style()

# --------------------------------------------------------------------------- columns


def find_columns(
    table: Table, names: Mapping[str, tuple[str, ...]], section: str, context: Context
) -> dict[str, str | None]:
    """The file's column of each of our fields: the user's own answer first, then any of the known names.

    Parameters
    ----------
    names : mapping of str to tuple of str
        Field → headers in any spelling.
    section : str
        One of `SECTIONS`: where the user answers in ``ssi-audit.toml``.
    """
    answers = context.settings.columns.get(section, {})
    for field in sorted(set(answers) - set(FIELDS[section])):
        near = difflib.get_close_matches(field, FIELDS[section], n=1, cutoff=0.5)
        guess = f'did you mean "{near[0]}"? ' if near else ""
        known = ", ".join(FIELDS[section])
        context.problem(table.file, f"[columns.{section}] has {field!r}", f"{guess}one of: {known}")
    found: dict[str, str | None] = {}
    for field in FIELDS[section]:
        own = (answers[field],) if field in answers else ()
        found[field] = table.find(*own, *names.get(field, COMMON.get(field, ())))
    return found


def has_any(words: frozenset[str], *names: str) -> bool:
    """Whether folded header words hold one of the names."""
    return any(text.fold(name) in words for name in names)


def peek(file: File, known: frozenset[str]) -> frozenset[str]:
    """The folded header words of a table, reading only the beginning of a text and keeping nothing.

    What is asked of every file of a folder must be cheap, and is asked again for every folder above it: the answer
    is kept. Empty for what is no table, and for text that is not Unicode.

    Parameters
    ----------
    known : frozenset of str
        Folded header words to look for.
    """
    if known not in file.peeked:
        file.peeked[known] = _header_words(file, known)
        file.forget()
    return file.peeked[known]


def _header_words(file: File, known: frozenset[str]) -> frozenset[str]:
    words: frozenset[str] = frozenset()
    if file.kind == "workbook":
        words = file.words
    elif file.kind == "text":
        try:
            head = text.begin(file.head)
        except UnicodeDecodeError:
            head = ""
        dialect, at, hidden = text.sniff(head.encode(), known)
        records = text.sample_records(head, dialect, at + 1 + hidden)
        words = frozenset(text.fold(cell) for cell in records[-1]) - {""} if records else words
    return words


def day_first_of(table: Table, *columns: str | None) -> bool | None:
    """The date order that other columns of the file prove: one program wrote them all.

    A point between day and month is only written where the day comes first. None where nothing proves an order,
    or where columns contradict each other.
    """
    proofs = set()
    for column in dict.fromkeys(column for column in columns if column is not None):
        cells = pc.unique(pa.array(table.words(column).array, type=pa.large_string()))
        if not pc.any(pc.match_substring_regex(cells.slice(0, 500), _NUMERIC_DATE)).as_py():
            continue
        parts = pc.drop_null(pc.extract_regex(cells, _NUMERIC_DATE))
        first, second = (pc.cast(pc.struct_field(parts, name), pa.int64()).to_numpy(False) for name in ("a", "b"))
        if (first > 12).any() or pc.all(pc.equal(pc.struct_field(parts, "s"), ".")).as_py():
            proofs.add(True)
        if (second > 12).any():
            proofs.add(False)
    return proofs.pop() if len(proofs) == 1 else None


def in_use(table: Table, ledger: Ledger) -> np.ndarray:
    """True for the rows of a table that the ledger has not left out."""
    return ledger.in_use if _same_rows(table, ledger) else ledger.in_use[np.searchsorted(ledger.rows, table.rows)]


def skip(table: Table, ledger: Ledger, where: np.ndarray, reason: str) -> None:
    """Leave out rows of a table; `where` is one truth for each of its rows."""
    if not where.any():
        return
    if not _same_rows(table, ledger):
        mask = np.zeros(len(ledger), dtype=bool)
        mask[np.searchsorted(ledger.rows, table.rows)] = where
        where = mask
    ledger.skip(where, reason)


def _same_rows(table: Table, ledger: Ledger) -> bool:
    """Whether the ledger has no line but the rows of the table."""
    return len(ledger) == len(table)


# --------------------------------------------------------------------------- who


def owners(table: Table, columns: dict[str, str | None], style: Style, file: File, context: Context) -> pd.Series:
    """Identity of the owner of each row, "" where there is none.

    A file without any column of owners belongs to the person that the setting ``[persons]`` names for it.
    """
    if columns["person"] is None and columns["person_id"] is None and columns["email"] is None:
        owner = file_owner(file, context)
        return pd.Series("" if LABEL in split_identity(owner) else owner, index=table.frame.index, dtype="str")
    codes, once = table.distinct(*(columns[name] for name in ("person", "person_id", "email") if columns[name]))
    person = once.words(columns["person"]).mask(pd.Series(once.blank(columns["person"])), "")
    address = once.words(columns["email"])
    is_address = person.str.contains("@", regex=False)
    pieces = {
        style.owner: person.where(~is_address, ""),
        "name": person.where(~is_address, ""),
        "email": person.where(is_address, address),
    }
    if style.owner_id and columns["person_id"]:
        pieces[style.owner_id] = once.words(columns["person_id"])
    return spread(identities(**pieces), codes)


def _left_out(table: Table, ledger: Ledger, columns: dict[str, str | None], owner: pd.Series) -> np.ndarray:
    """Leave out the rows of nobody; True for them and for all that were left out before.

    Where a file has no column of owners it says nothing of them: a row without one is then not taken back.
    """
    silent = columns["person"] is None and columns["person_id"] is None and columns["email"] is None
    before = ~in_use(table, ledger)
    skip(table, ledger, (owner == "").to_numpy(), NO_OWNER)
    return before if silent else ~in_use(table, ledger)


def withdrawn(frame: pd.DataFrame, gone: np.ndarray, key: str = "id") -> pd.DataFrame | None:
    """The rows of `frame` that say of a record that it is no event any more; None where there is none.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row for each of the table, as events.
    gone : numpy.ndarray of bool
    key : str
        Column by which another export knows the record.
    """
    gone = gone & (frame[key] != "").to_numpy()
    return frame[gone].assign(person="", state=stages.GONE) if gone.any() else None


def need(table: Table, columns: dict[str, str | None], section: str, field: str, context: Context, *guesses) -> bool:
    """Whether a column is there; a problem with the line that maps it where it is not."""
    if columns[field] is None:
        context.problem(table.file, *missing_column(table, field, section, guesses, columns.values()))
    return columns[field] is not None


# --------------------------------------------------------------------------- deals


def read_deals(
    file: File, table: Table, columns: dict[str, str | None], context: Context, style: Style = PLAIN,
    ledger: Ledger | None = None,
) -> Rows:  # fmt: skip
    """A table of deals as events.

    Parameters
    ----------
    columns : dict
        As `find_columns` gives them for ``deals``.
    ledger : Ledger, optional
        With rows already left out; default: all rows of the table.
    """
    ledger = ledger if ledger is not None else table.ledger(context)
    owner = owners(table, columns, style, file, context)
    skip(table, ledger, stages.flags(table, columns["deleted"]) == 1, DELETED)
    _skip_other_pipelines(table, ledger, columns["pipeline"], context)
    gone = _left_out(table, ledger, columns, owner)
    dates = ("created", "closed", "won_on", "lost_on", "changed")
    order = day_first_of(table, *(columns[name] for name in dates))
    time = {name: table.times(columns[name], context, day_first=order, naive_zone=style.zone) for name in dates}
    told = export_day(file, time["created"], time["changed"])
    closing = time["won_on"].fillna(time["lost_on"]).fillna(time["closed"]).dt.floor("D")
    ask = in_use(table, ledger) & closing.notna().to_numpy() & ~(closing > told).to_numpy()
    named = {name: columns[name] for name in ("stage", "status", "won", "lost", "probability", "pipeline")}
    whole = any(columns[name] for name in ("stage", "status", "won", "lost", "is_closed", "probability"))
    if whole:
        named["closed"] = columns["is_closed"]
        state = stages.outcomes(table, named, context, ask)
    else:  # a list of won deals says so by its dates only
        state = stages.by_dates(time["won_on"], time["lost_on"])
    if style.needs_closing:
        _need_closing(table, ledger, columns, state, context)
    won_on = time["won_on"].fillna(time["closed"])
    lost_on = time["lost_on"].fillna(time["closed"])
    stated = currencies(table, columns["currency"], context)
    amount, currency = money(table, columns["amount"], stated, context)
    won_amount, won_currency = money(table, columns["won_amount"], stated, context)
    no_won_amount = bool(np.isnan(won_amount).all())
    deals = pd.DataFrame(
        {
            "person": owner,
            "created": time["created"].dt.floor("D"),
            "closed": won_on.where(pd.Series(state == stages.WON), lost_on).dt.floor("D"),
            "state": state,
            "amount": amount,
            "currency": currency,
            "closed_amount": np.where(np.isnan(won_amount), amount, won_amount),
            "closed_currency": currency if no_won_amount else won_currency.where(~np.isnan(won_amount), currency),
            "source": table.categories(columns["source"]),
            "about": about(table, columns),
            "changed": time["changed"],
            "told": told,
        }
    )
    deals["deal"] = deal_ids(table, columns, deals)
    if style.zero_is_unknown:
        deals.loc[deals["amount"] == 0, "amount"] = np.nan
        deals.loc[deals["closed_amount"] == 0, "closed_amount"] = np.nan
    events = deal_events(table, ledger, deals, context)
    return Rows(
        ledger, crm_events=events if whole else events.drop(columns="state"),
        withdrawn=withdrawn_deals(table, deals, gone, stages.known(table, named, context) if whole else None),
    )  # fmt: skip


def _need_closing(
    table: Table, ledger: Ledger, columns: dict[str, str | None], state: np.ndarray, context: Context
) -> None:
    """A problem where deals are closed and no column can say when: every closing would be lost in silence."""
    found = any(columns[name] for name in ("closed", "won_on", "lost_on"))
    if not found and (in_use(table, ledger) & (state != stages.OPEN)).any():
        need(table, columns, "deals", "closed", context, "Close Date", "Closed Date")


def deal_events(table: Table, ledger: Ledger, deals: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Deals, one for each row of the table, as events; rows that give none are marked.

    Parameters
    ----------
    deals : pandas.DataFrame
        person (identity), deal, created, closed (days), state (`stages`), amount, currency, closed_amount,
        closed_currency, source, and optionally about, changed, told.

    Returns
    -------
    pandas.DataFrame
        With ``state`` in every row: it tells the deal as a whole, so that of two exports the later one counts.
    """
    is_closed = (deals["state"] != stages.OPEN).to_numpy()
    opened, ended = deals["created"].notna().to_numpy(), deals["closed"].notna().to_numpy() & is_closed
    skip(table, ledger, ~opened & ~is_closed, OPEN_UNDATED)
    skip(table, ledger, ~opened & is_closed & ~ended, CLOSED_UNDATED)
    used = in_use(table, ledger)
    undated = int((used & is_closed & ~ended).sum())
    if undated:
        context.note(f"{table.file}: {undated:,} closed deals have no close date: they count as opened only")
    # A lost deal of 0 is "no sale", not an amount.
    lost = (deals["state"] == stages.LOST).to_numpy()
    # Rows of the table, first those that were opened, then those that were closed: every column is copied once.
    at = np.concatenate([np.flatnonzero(opened & used), np.flatnonzero(ended & used)])
    closing = np.arange(len(at)) >= (opened & used).sum()
    state, states = pd.factorize(deals["state"])
    kinds = pd.Index(["opportunity", "deal_won", "deal_lost"], dtype="str")
    money = np.where(closing, deals["closed_amount"].to_numpy()[at], deals["amount"].to_numpy()[at])
    day = np.where(closing, deals["closed"].to_numpy()[at], deals["created"].to_numpy()[at])
    kind = np.where(closing, np.where((deals["state"] == stages.WON).to_numpy()[at], 1, 2), 0)
    currency = deals["currency"].take(at)
    if not deals["currency"].equals(deals["closed_currency"]):
        currency = as_text(currency).where(~closing, as_text(deals["closed_currency"]).take(at))
    return pd.DataFrame(
        {
            "person": deals["person"].array.take(at),
            "date": day,
            "kind": pd.Categorical.from_codes(kind, kinds),
            "amount": np.where(lost[at] & (money == 0), np.nan, money),
            "currency": currency.array,
            "row": table.rows[at],
            "state": pd.Categorical.from_codes(state[at], pd.Index(states, dtype="str")),
            **{name: deals[name].array.take(at) for name in PASSED_ON if name in deals},
        }
    )


def withdrawn_deals(
    table: Table, deals: pd.DataFrame, gone: np.ndarray, known: np.ndarray | None
) -> pd.DataFrame | None:
    """Deals that are none any more, dated by their opening; and of those without any day what state they are in.

    Parameters
    ----------
    deals : pandas.DataFrame
        As `deal_events` takes them.
    gone : numpy.ndarray of bool
    known : numpy.ndarray of object, optional
        State of each deal as far as it is certain (`stages.known`).
    """
    deals = deals.assign(row=table.rows)
    parts = [withdrawn(deals.assign(kind="opportunity", date=deals["created"]), gone, "deal")]
    if known is not None:
        undated = ~gone & deals["created"].isna().to_numpy() & (deals["deal"] != "").to_numpy()
        undated &= (known == stages.OPEN) | (deals["closed"].isna().to_numpy() & (known != stages.UNKNOWN))
        if undated.any():
            parts.append(deals[undated].assign(person="", kind=STATE_ONLY, state=known[undated]))
    parts = [part for part in parts if part is not None]
    return pd.concat(parts, ignore_index=True) if parts else None


def _skip_other_pipelines(table: Table, ledger: Ledger, column: str | None, context: Context) -> None:
    if column is None:
        return
    codes, words = table.coded(column)
    wanted = {text.fold(name) for name in context.settings.pipelines}
    if wanted:
        skip(table, ledger, ~words.map(text.fold).isin(wanted).to_numpy()[codes], OTHER_PIPELINE)
        return
    names = sorted(set(words) - {""})
    if len(names) > 1:
        listed = ", ".join(f'"{name}"' for name in names[:8])
        context.note(f"{table.file}: {len(names)} pipelines count: {listed}; choose with the setting pipelines")


def deal_ids(table: Table, columns: dict[str, str | None], deals: pd.DataFrame) -> pd.Series:
    """The system's id of each deal; without one, a mark made of its title, company and creation day.

    A made mark begins with ``~``. It is the same in two exports of one system, so that a deal is still opened and
    won once; rows that share it and differ in what they say are different deals.
    """
    ids = table.words(columns["deal"])
    blank = (ids == "").to_numpy()
    if not blank.any():
        return ids
    said = [table.words(columns[name]).str.lower() for name in ("title", "company")]
    created = deals["created"].dt.strftime("%Y-%m-%d").fillna("")
    key = (said[0] + "\x1f" + said[1] + "\x1f" + created)[blank]
    nameless = ((said[0] == "") & (said[1] == ""))[blank]
    rows = pd.Series(table.rows[blank], index=key.index).astype("str")
    key = key.where(~nameless, PurePosixPath(table.file).name + "\x1f" + rows)
    state = deals.loc[blank, ["closed", "state", "amount"]].assign(key=key)
    kinds = state.drop_duplicates()
    number = kinds.groupby("key").cumcount()
    again = state.merge(kinds.assign(number=number), how="left", on=["closed", "state", "amount", "key"])["number"]
    codes, distinct = pd.factorize(key)
    marks = np.array(["~" + hashlib.blake2b(one.encode(), digest_size=8).hexdigest() for one in distinct], dtype=object)
    made = pd.Series(marks[codes], index=key.index, dtype="str")
    made = made.where(again.to_numpy() == 0, made + "#" + (again + 1).astype("str").set_axis(key.index))
    result = ids.copy()
    result[blank] = made
    return result


def about(table: Table, columns: dict[str, str | None]) -> pd.Series:
    """Whom a deal is with, to know it again in another system: the company, else the title."""
    company = table.words(columns.get("company"))
    return company.where(company != "", table.words(columns.get("title")))


# --------------------------------------------------------------------------- inquiries


def read_inquiries(
    file: File, table: Table, columns: dict[str, str | None], context: Context, style: Style = PLAIN,
    ledger: Ledger | None = None,
) -> Rows:  # fmt: skip
    """A table of leads as inquiries, dated by their creation; `columns` as for ``inquiries``."""
    ledger = ledger if ledger is not None else table.ledger(context)
    owner = owners(table, columns, style, file, context)
    skip(table, ledger, stages.flags(table, columns["deleted"]) == 1, DELETED)
    gone = _left_out(table, ledger, columns, owner)
    dates = ("created", "changed")
    order = day_first_of(table, *(columns[name] for name in dates))
    time = {name: table.times(columns[name], context, day_first=order, naive_zone=style.zone) for name in dates}
    skip(table, ledger, time["created"].isna().to_numpy(), NO_DATE)
    ids, deal = table.words(columns["id"]), table.words(columns["deal"])
    frame = pd.DataFrame(
        {
            "person": owner,
            "date": time["created"].dt.floor("D"),
            "kind": "inquiry",
            "source": table.words(columns["source"]),
            "deal": deal.where(deal != "", ids),
            "id": ids,
            "about": about(table, columns),
            "changed": time["changed"],
            "told": export_day(file, time["created"], time["changed"]),
            "row": table.rows,
        }
    )
    return Rows(ledger, crm_events=frame[in_use(table, ledger)], withdrawn=withdrawn(frame, gone))


# --------------------------------------------------------------------------- meetings


def read_meetings(
    file: File, table: Table, columns: dict[str, str | None], context: Context, style: Style = PLAIN,
    ledger: Ledger | None = None,
) -> Rows:  # fmt: skip
    """A table of meetings as events on their start day; `columns` as for ``meetings``.

    An outcome that says cancelled, no-show or rescheduled is no meeting; an empty one counts as held, and so does
    one that still says "scheduled" after its day. What lies behind the day of the export is a plan. A meeting without
    a deal belongs to the case of the lead it names, as the inquiry of a lead does that never became a deal.
    """
    ledger = ledger if ledger is not None else table.ledger(context)
    owner = owners(table, columns, style, file, context)
    skip(table, ledger, stages.flags(table, columns["deleted"]) == 1, DELETED)
    skip(table, ledger, not_held(table.words(columns["outcome"])), NOT_HELD)
    skip(table, ledger, not_held(table.words(columns["subject"])), NOT_HELD)
    said = table.words(columns["subject"]) + " " + table.words(columns["type"])
    skip(table, ledger, says_any(said, context.settings.not_meeting_words), NOT_MEETING)
    gone = _left_out(table, ledger, columns, owner)
    order = day_first_of(table, columns["start"], columns["created"], columns["changed"])
    start = start_times(table, columns["start"], columns["start_time"], context, order, style.zone)
    made, changed = (
        table.times(columns[name], context, day_first=order, naive_zone=style.zone) for name in ("created", "changed")
    )
    off = not_held(table.words(columns["outcome"])) | not_held(table.words(columns["subject"]))
    held = _says(_HELD, table.words(columns["outcome"])) & ~off
    skip(table, ledger, start.isna().to_numpy(), NO_DATE)
    told = export_day(file, made, changed, start)
    ahead = (start.dt.floor("D") > told).to_numpy()
    skip(table, ledger, ahead, PLANNED)
    deal = table.words(columns["deal"])
    silent = in_use(table, ledger) & table.blank(columns["outcome"])
    if columns["outcome"] is not None and silent.any():
        context.note(f"{table.file}: {int(silent.sum()):,} past meetings without an outcome count as held")
    frame = pd.DataFrame(
        {
            "person": owner,
            "date": start.dt.floor("D"),
            "kind": "meeting",
            "deal": deal.where(deal != "", table.words(columns["lead"])),
            "id": table.words(columns["id"]),
            "time": start.where(start != start.dt.floor("D")),
            "about": table.words(columns["subject"]),
            "changed": changed,
            # The file is not older than what it says has taken place. What was called off may lie ahead: it tells of
            # two files which is later (or a correction of the last meeting would lose), but not how far they know.
            "told": told if pd.notna(told) else last_known(made, changed, start[held | off]),
            "held": told if pd.notna(told) else last_known(made, changed, start[held]),
            "row": table.rows,
        }
    )
    return Rows(ledger, crm_events=frame[in_use(table, ledger)], withdrawn=withdrawn(frame, gone | ahead))


def start_times(
    table: Table, day: str | None, clock: str | None, context: Context, day_first: bool | None, zone: str | None
) -> pd.Series:
    """Start of each row from one column, or from a column of days and one of clock times."""
    if clock is None or clock == day:
        return table.times(day, context, day_first=day_first, naive_zone=zone)
    days = table.times(day, context, day_first=day_first)
    hours = _clock(table.words(clock))
    start = days.dt.floor("D") + hours.fillna(pd.Timedelta(0))
    if zone and zone != context.settings.timezone:
        timed = hours.notna()
        moved = start[timed].dt.tz_localize(zone, ambiguous=False, nonexistent="shift_forward")
        start[timed] = moved.dt.tz_convert(context.settings.timezone).dt.tz_localize(None).astype(start.dtype)
    return start


def _clock(words: pd.Series) -> pd.Series:
    """``9:05``, ``09:05:00``, ``2:30 PM`` as a time since midnight; NaT for anything else."""
    parts = words.str.extract(r"^(\d{1,2})[:.](\d{2})(?:[:.]\d{2})?\s*([AaPp])?\.?[Mm]?\.?$")
    hour, minute = pd.to_numeric(parts[0]), pd.to_numeric(parts[1])
    half = parts[2].str.lower()
    hour = hour.where(half.isna(), hour % 12 + (half == "p") * 12)
    good = (hour < 24) & (minute < 60)
    return pd.to_timedelta((hour * 60 + minute).where(good), unit="min").astype("timedelta64[s]")


def not_held(words: pd.Series) -> np.ndarray:
    """True where a text begins with a word for cancelled, not held, or moved."""
    return _says(_NOT_HELD, words)


def _says(pattern: re.Pattern, words: pd.Series) -> np.ndarray:
    codes, distinct = pd.factorize(words)
    said = np.array([*(bool(pattern.match(anyascii(word).lower())) for word in distinct), False], dtype=bool)
    return said[codes]


def says_any(words: pd.Series, wanted: tuple[str, ...]) -> np.ndarray:
    """True where a text holds one of the user's words, whatever the case and the accents."""
    if not wanted:
        return np.zeros(len(words), dtype=bool)
    folded = [_plain(word) for word in wanted if word.strip()]
    codes, distinct = pd.factorize(words)
    said = np.array([*(any(word in _plain(one) for word in folded) for one in distinct), False], dtype=bool)
    return said[codes]


@lru_cache(maxsize=65_536)
def _plain(words: str) -> str:
    return " ".join(anyascii(words).lower().split())


# --------------------------------------------------------------------------- cases


# What a later event is a share of: a meeting comes of an inquiry, a deal of a meeting.
_COMES_OF = {"inquiry": ("meeting",), "meeting": ("opportunity", "deal_won", "deal_lost")}


def with_started(events: pd.DataFrame) -> pd.DataFrame:
    """Events with ``started`` where the files leave it open: the day of a meeting's inquiry, of a deal's first meeting.

    Only what lies on or before the event's own day, and only within a case (``deal``), whichever files tell of it.
    """
    cases = events["deal"].notna() & events["kind"].isin(tuple(_COMES_OF))
    if not cases.any():
        return events
    case, distinct = pd.factorize(events["deal"])
    date, started = events["date"].to_numpy(), events["started"].to_numpy(copy=True)
    for kind, later in _COMES_OF.items():
        earlier = ((events["kind"] == kind) & events["deal"].notna() & events["date"].notna()).to_numpy()
        first = np.full(len(distinct), np.iinfo(np.int64).max)
        np.minimum.at(first, case[earlier], date[earlier].astype(np.int64))
        unknown = np.isnat(started) & (events["kind"].isin(later) & events["deal"].notna()).to_numpy()
        at = np.flatnonzero(unknown)
        at = at[first[case[at]] <= date[at].astype(np.int64)]
        started[at] = first[case[at]].astype(date.dtype)
    return events.assign(started=started)


# --------------------------------------------------------------------------- when the file was made


# Of files that do not say when their rows were made and changed.
NO_TIMES = (pd.Series([], dtype="datetime64[s]"),) * 2


def export_day(file: File, created: pd.Series, changed: pd.Series, held: pd.Series | None = None) -> pd.Timestamp:
    """The day a file was exported, as far as its name says so; NaT otherwise.

    A day in a name can also be the first of a period: it is taken for the day of the export only if nothing in the
    file was created or changed after it, and (`held`) most of what the file tells lies before it.
    """
    days = [pd.Timestamp(day) for day in file.days_in_name]
    stamp = re.search(r"(?<!\d)1[4-9]\d{11}(?!\d)", file.stem)
    if stamp:  # Salesforce names a report after the millisecond of its export
        days.append(pd.Timestamp(int(stamp.group()), unit="ms").floor("D"))
    if not days:
        return pd.NaT
    day = max(days)
    latest = last_known(created, changed)
    if pd.notna(latest) and latest > day:
        return pd.NaT
    if held is not None and (held.dt.floor("D") > day).sum() > held.notna().sum() / 2:
        return pd.NaT
    return day


def last_known(*times: pd.Series) -> pd.Timestamp:
    """The latest day among times; NaT where there is none."""
    latest = [series.max() for series in times if series.notna().any()]
    return max(latest).floor("D") if latest else pd.NaT
