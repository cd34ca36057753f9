"""A table of text cells with its row numbers, and what a reader does with it.

Whatever a file was (CSV, workbook), readers get a `Table` of strings: the
decisions about numbers and dates are then made in one place, per column, from
all of its values. Every cell that cannot be read becomes a problem with file,
row, column and value; none is silently missing.
"""

from __future__ import annotations

import datetime as dt
import difflib
import io
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ssi_audit.errors import Problem
from ssi_audit.exports import bounds, dates, numbers, text
from ssi_audit.exports.ledger import Ledger
from ssi_audit.exports.text import Cells, OddLine, Unreadable

if TYPE_CHECKING:
    from ssi_audit.settings import Settings

# A column full of nonsense is one mistake: show a few cells and count the rest.
MAX_SHOWN = 5
CORRECT = "correct it in the file, or leave the cell empty where nothing is known"
# 32-bit numbers come as 8.750002 (formats.md rule 4).
LEFTOVER = 1e-3
BLANK_LINE = "blank line"
REPEATED_HEADER = "repeated header"
TRAILER = "trailer line"
_MISSING = pa.array(numbers.MISSING_WORDS, pa.large_string())
_LONGEST_MISSING = max(len(word.encode()) for word in numbers.MISSING_WORDS)
# What a locked xlsx is kept in. Of bytes, the library only says that it does not know the format.
_LOCKED = "EncryptedPackage".encode("utf-16-le")
_SAVE_WORKBOOK = "open it and save it as xlsx without a password, or as CSV UTF-8"


@dataclass(frozen=True)
class Complaint:
    """What is wrong in the same way in several places of a file.

    Attributes
    ----------
    file : str
    shown : tuple of str
        The first `MAX_SHOWN` of them.
    total : int
    more : str
        How the others are called.
    fix : str
    each : bool
        Whether every one of `shown` gets the fix, or only the last word.
    """

    file: str
    shown: tuple[str, ...]
    total: int
    more: str
    fix: str
    each: bool = False

    def problems(self) -> list[Problem]:
        """As they are shown to the user."""
        last = len(self.shown) - 1 if self.total == len(self.shown) else -1
        found = [
            Problem(self.file, text, self.fix if self.each or at == last else "") for at, text in enumerate(self.shown)
        ]
        if self.total > len(self.shown):
            more = f"and {self.total - len(self.shown):,} {self.more}"
            found.append(Problem(self.file, more, "" if self.each else self.fix))
        return found


@dataclass
class Context:
    """What a reader may ask and where it says what it found; one per file or folder that is read.

    Attributes
    ----------
    settings : Settings
    problems : list of errors.Problem
        They stop the run, all together.
    notes : list of str
        What was decided and a reader of the report must know.
    """

    settings: Settings
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def problem(self, file: str, found: str, fix: str = "") -> None:
        """Record something only the user can decide or mend."""
        self.problems.append(Problem(file, found, fix))

    def note(self, text: str) -> None:
        """Record a decision; said once however often it is made."""
        if text not in self.notes:
            self.notes.append(text)

    def complain(self, complaint: Complaint) -> None:
        """Record cells or lines that are wrong: the first few, and how many more."""
        self.problems += complaint.problems()

    def count(self, n: int, say: Callable[[int], str]) -> None:
        """Record a note about a number of rows."""
        self.note(say(n))

    def day_first(self, file: str, column: str) -> bool | None:
        """The user's answer on the order of dates, for a column, its file, or all files."""
        answer = self.settings.day_first
        if answer is None or isinstance(answer, bool):
            return answer
        base = PurePosixPath(file).name
        for key in (f"{file}:{column}", f"{base}:{column}", file, base):
            if key in answer:
                return answer[key]
        return None


@dataclass
class Rows:
    """What a reader yields: frames for any of the tables, and the ledger of the rows they came from.

    Every frame has a column ``row``, the row of the file it came from (one row may give several events), and, but
    for `people`, a column ``person`` with identities (`people.identities`), not names. Dates are days
    (``datetime64``). Columns as in `schema`, those that may be missing may be left out.

    Attributes
    ----------
    ledger : Ledger
    ssi, activity, crm_events, quotas, absences, people : pandas.DataFrame, optional
        `ssi` may have a column ``time`` (``datetime64``): of two readings on a day the later counts.
        `crm_events` may have columns that tell whether two rows are one event (`twice`): ``id``, the system's own;
        ``time``, the start of a meeting; ``about``, its subject or the company of a deal; ``state``, where the row
        tells a deal as a whole; ``changed``, when it was last changed; ``told``, when the file was made;
        ``held``, how far it knows at least what took place, where that is not the same.
    withdrawn : pandas.DataFrame, optional
        As `crm_events`, of nobody: records that are no event any more, which a later export takes back from an
        earlier one. Their rows are left out in the ledger.
    teams : pandas.DataFrame, optional
        ``person, team, territory``: lists of sellers.
    accepted : pandas.DataFrame, optional
        ``received, person``: proposals that the user accepted.
    parts : dict of int to array of int
        Where several rows of a file make one row of a frame: that row's number → the rows that share its fate.
    export : str
        What the file is part of (an archive, its folder): counts of the files of one export add up. Empty: the file
        stands alone.
    """

    ledger: Ledger
    ssi: pd.DataFrame | None = None
    activity: pd.DataFrame | None = None
    crm_events: pd.DataFrame | None = None
    withdrawn: pd.DataFrame | None = None
    quotas: pd.DataFrame | None = None
    absences: pd.DataFrame | None = None
    teams: pd.DataFrame | None = None
    people: pd.DataFrame | None = None
    accepted: pd.DataFrame | None = None
    parts: dict[int, np.ndarray] = field(default_factory=dict)
    export: str = ""

    @property
    def n_received(self) -> int:
        """Rows of the file."""
        return len(self.ledger)

    def frames(self) -> dict[str, pd.DataFrame | None]:
        """All frames by the names of their tables."""
        names = (
            "ssi", "activity", "crm_events", "withdrawn", "quotas", "absences", "teams", "people", "accepted",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def tells_the_same(self, other: Rows) -> bool:
        """Whether the frames hold the same rows."""
        for one, two in zip(self.frames().values(), other.frames().values()):
            if (one is None) != (two is None):
                return False
            if one is not None and not one.reset_index(drop=True).equals(two.reset_index(drop=True)):
                return False
        return True

    def leave_out(self, reason: str, detail: str) -> None:
        """Skip all rows."""
        self.ledger.skip(np.ones(len(self.ledger), dtype=bool), reason, detail)
        for name in self.frames():
            setattr(self, name, None)


@dataclass
class Table:
    """A table of text cells.

    Attributes
    ----------
    file : str
    header : list of str
        As in the file.
    frame : pandas.DataFrame
        ``str`` columns; a header that occurs again is called ``Amount (2)``, one without text ``column 3``.
    rows : numpy.ndarray
        Row of each line as the user's program shows it.
    header_row : int
    above : list of OddLine
        Lines above the header (titles, remarks).
    odd : list of OddLine
        Lines with another number of fields than the header, to be looked at by the reader or by `ledger`.
    set_aside : list of (int, str)
        Rows left out already, and why: blank lines, repeated headers.
    mended : numpy.ndarray, optional
        True for rows that had empty cells behind the last column.
    whole : bool
        False for a part of a table, whose rows may be repeated in another part.
    """

    whole: ClassVar[bool] = True

    file: str
    header: list[str]
    frame: pd.DataFrame
    rows: np.ndarray
    header_row: int = 1
    above: list[OddLine] = field(default_factory=list)
    odd: list[OddLine] = field(default_factory=list)
    set_aside: list[tuple[int, str]] = field(default_factory=list)
    mended: np.ndarray | None = None
    _known: tuple[pd.Index, dict[str, str]] | None = field(default=None, init=False, repr=False)
    _coded: dict[str | None, tuple[np.ndarray, pd.Series]] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.frame)

    def find(self, *names: str) -> str | None:
        """The first column with one of these names, compared by `text.fold`; None where there is none."""
        if self._known is None or self._known[0] is not self.frame.columns:
            self._known = self.frame.columns, {text.fold(column): column for column in reversed(self.frame.columns)}
        known = self._known[1]
        return next((known[text.fold(name)] for name in names if text.fold(name) in known), None)

    def where(self, mask: np.ndarray) -> Table:
        """The same table with some of its rows."""
        mask = np.asarray(mask, dtype=bool)
        return replace(self, frame=self.frame[mask].reset_index(drop=True), rows=self.rows[mask], odd=[], set_aside=[])

    def words(self, column: str | None) -> pd.Series:
        """A column as stripped text; all "" where there is no such column."""
        if column is None:
            return pd.Series("", index=self.frame.index, dtype="str")
        return self.frame[column].str.strip()

    def coded(self, column: str | None) -> tuple[np.ndarray, pd.Series]:
        """The distinct words of a column and which of them each row has: what they mean is asked once for each.

        Returns
        -------
        tuple of (numpy.ndarray, pandas.Series)
            For each row the position of its words, and the words in order of appearance.
        """
        if column is None:
            return np.zeros(len(self), dtype=np.int64), pd.Series([""] if len(self) else [], dtype="str")
        if column not in self._coded:
            codes, distinct = pd.factorize(self.words(column))
            self._coded[column] = codes, pd.Series(distinct, dtype="str")
        return self._coded[column]

    def categories(self, column: str | None) -> pd.Series:
        """As `words`, as categories: for a column of few distinct words."""
        codes, distinct = self.coded(column)
        return pd.Series(pd.Categorical.from_codes(codes, pd.Index(distinct)), index=self.frame.index)

    def distinct(self, *columns: str | None) -> tuple[np.ndarray, Table]:
        """Rows that say the same in some columns, once: for each row its place in the table of them, and that table."""
        codes = np.zeros(len(self), dtype=np.int64)
        for column in dict.fromkeys(columns):
            own, distinct = self.coded(column)
            codes = pd.factorize(codes * max(len(distinct), 1) + own)[0] if len(distinct) > 1 else codes
        first = np.full(codes.max(initial=-1) + 1, len(self))
        np.minimum.at(first, codes, np.arange(len(self)))
        return codes, replace(self, frame=self.frame.iloc[first].reset_index(drop=True), rows=self.rows[first], odd=[])

    def blank(self, column: str | None) -> np.ndarray:
        """True where a column holds nothing (or a word for nothing, such as ``n/a``)."""
        words = pa.array(self.words(column).array, pa.large_string())
        length = pc.fill_null(pc.binary_length(words), 0)
        short = pc.less_equal(length, _LONGEST_MISSING).to_numpy(zero_copy_only=False)
        blank = np.zeros(len(words), dtype=bool)
        if short.any():
            some = words if short.all() else words.filter(pa.array(short))
            blank[short] = pc.is_in(pc.utf8_lower(some), _MISSING).to_numpy(zero_copy_only=False)
        return blank

    def numbers(
        self,
        column: str | None,
        context: Context,
        *,
        low: float | None = None,
        high: float | None = None,
        integer: bool = False,
        expected: str = "",
    ) -> np.ndarray:
        """A column as float64, NaN where blank; problems for cells that are no number or out of range.

        Parameters
        ----------
        column : str, optional
            None gives a column of NaN.
        low, high : float, optional
            Range; what a 32-bit number leaves beyond it (25.000002) is cut off.
        integer : bool
            The column counts something.
        expected : str
            What is said of a value above the range.
        """
        if column is None:
            return np.full(len(self), np.nan)
        parsed = self.parsed_numbers(column, context, {"low": low, "high": high, "integer": integer})
        if parsed is None:
            return np.full(len(self), np.nan)
        self.complain(context, column, parsed.bad, "is not a number")
        return self.in_range(parsed.values, column, context, low, high, expected)

    def parsed_numbers(self, column: str, context: Context, bounds: dict) -> numbers.Numbers | None:
        """A column in the convention that all of its values show; None, with a problem, where they show none."""
        try:
            return numbers.parse_numbers(self.frame[column], decimal=context.settings.decimal, **bounds)
        except Unreadable as error:
            others = self._decimal_of_others(column) if isinstance(error, numbers.OpenDecimal) else None
            if others is None:
                context.problem(self.file, f'column "{column}": {error.found}', error.fix)
                return None
            context.note(f'{self.file}, "{column}": the decimal sign is that of the other columns, "{others}"')
            return numbers.parse_numbers(self.frame[column], decimal=others, **bounds)

    def are_shares(self, column: str, values: np.ndarray, context: Context) -> bool:
        """Whether ranks of up to 100 per cent are written as shares of one (0.05)."""
        known = values[~np.isnan(values)]
        return bool(len(known) and (known <= 1).all() and (known % 1 != 0).any())

    def in_range(
        self, values: np.ndarray, column: str, context: Context, low: float | None, high: float | None, expected: str
    ) -> np.ndarray:
        """Numbers with problems for those out of range; 32-bit leftovers beyond it are cut off."""
        with np.errstate(invalid="ignore"):
            below = np.zeros(len(values), bool) if low is None else values < low - LEFTOVER
            above = np.zeros(len(values), bool) if high is None else values > high + LEFTOVER
        if low is not None:
            self.complain(context, column, below, f"cannot be {'negative' if low == 0 else f'less than {low:g}'}")
        if high is not None:
            self.complain(context, column, above, expected or f"at most {high:g} is possible", separator=": ")
        return np.clip(values, low, high) if low is not None or high is not None else values

    def _decimal_of_others(self, column: str) -> str | None:
        """The decimal sign that the other columns of numbers show: one program wrote them all."""
        found = set()
        for other in self.frame.columns:
            if other == column:
                continue
            try:
                parsed = numbers.parse_numbers(self.frame[other])
            except Unreadable:
                continue
            if parsed.decimal and not parsed.bad.any():
                found.add(parsed.decimal)
        return found.pop() if len(found) == 1 else None

    def times(
        self,
        column: str | None,
        context: Context,
        *,
        day_first: bool | None = None,
        naive_zone: str | None = None,
        shift_hours: float = 0.0,
        earliest: np.datetime64 = dates.EARLIEST,
        latest: np.datetime64 = dates.LATEST,
    ) -> pd.Series:
        """A column as times (``datetime64[s]``), NaT where blank; problems for what is no date or far off.

        Parameters
        ----------
        column : str, optional
            None gives a column of NaT.
        day_first : bool, optional
            What is known of the format; the user's answer comes first, the values before both.
        naive_zone, shift_hours, earliest, latest
            As in `dates.parse_dates`.
        """
        if column is None:
            return pd.Series(np.full(len(self), np.datetime64("NaT"), "datetime64[s]"))
        options = {"naive_zone": naive_zone, "shift_hours": shift_hours, "earliest": earliest, "latest": latest}
        parsed = self.parsed_dates(column, context, {"day_first": day_first, **options})
        if parsed is None:
            return pd.Series(np.full(len(self), np.datetime64("NaT"), "datetime64[s]"))
        for note in parsed.notes:
            context.note(f'{self.file}, "{column}": {note}')
        self.complain(context, column, parsed.bad, "is not a date that can be right")
        return pd.Series(parsed.times)

    def parsed_dates(self, column: str, context: Context, options: dict) -> dates.Dates | None:
        """A column in the order of day and month that all of its values show; None, with a problem, where none."""
        answer = context.day_first(self.file, column)
        day_first = options["day_first"] if answer is None else answer
        try:
            return dates.parse_dates(
                self.frame[column], **{**options, "day_first": day_first, "zone": context.settings.timezone}
            )
        except Unreadable as error:
            base = PurePosixPath(self.file).name
            fix = error.fix
            if "day_first" in fix:
                fix = f'{fix}\nor for this column only: [day_first]  "{base}:{column}" = true'
            context.problem(self.file, f'column "{column}": {error.found}', fix)
            return None

    def days(self, column: str | None, context: Context, **options) -> pd.Series:
        """As `times`, without the time of day."""
        return self.times(column, context, **options).dt.floor("D")

    def complain(
        self, context: Context, column: str, where: np.ndarray, what: str, fix: str = "", separator: str = " "
    ) -> None:
        """Record the cells of a column that are wrong: the first few, and how many more."""
        at = np.flatnonzero(where)
        shown = []
        for index in at[:MAX_SHOWN]:
            value = " ".join(str(self.frame[column].iloc[index]).split())
            value = value if len(value) <= 60 else value[:57] + "..."
            cell = f'row {self.rows[index]}, "{column}"' + (f" = {value}{separator}" if value else " ")
            shown.append(f"{cell}{what}")
        more = f'more rows like these in "{column}"'
        context.complain(Complaint(self.file, tuple(shown), len(at), more, fix or CORRECT))

    def ledger(self, context: Context | None = None, table: str = "") -> Ledger:
        """A ledger of all rows of the file, those set aside included.

        With a context, lines with a wrong number of fields are dealt with: a lone cell behind the last row is a
        trailer line, anything else is a problem. Without one the reader sees to `odd` itself.
        """
        ledger = Ledger(self.file, self.rows, table)
        if self.mended is not None and self.mended.any():
            ledger.repair(self.mended, "empty cells behind the last column")
        for reason in dict.fromkeys(reason for _, reason in self.set_aside):
            ledger.add([row for row, why in self.set_aside if why == reason], "skipped", reason)
        if context is not None:
            self._judge_odd_lines(context, ledger)
        return ledger

    @property
    def last_row(self) -> int:
        """The last row of the whole table; 0 where there is none."""
        return int(self.rows[-1]) if len(self.rows) else 0

    def _judge_odd_lines(self, context: Context, ledger: Ledger) -> None:
        trailers = [line.row for line in self.odd if line.row > self.last_row and line.filled <= 1]
        wrong = [line for line in self.odd if line.row not in set(trailers)]
        ledger.add(trailers, "skipped", TRAILER)
        shown = []
        for line in wrong[:MAX_SHOWN]:
            fields = "1 field" if len(line.cells) == 1 else f"{len(line.cells)} fields"
            shown.append(f"row {line.row} has {fields}, the header has {len(self.header)}")
        fix = "a cell with a separator or a line break needs quotation marks around it"
        more = "more rows with another number of fields"
        context.complain(Complaint(self.file, tuple(shown), len(wrong), more, fix, each=True))
        ledger.add([line.row for line in wrong], "skipped", "wrong number of fields")


@dataclass
class TypedTable(Table):
    """A table whose columns have types already (Parquet): nothing to guess, the same checks."""

    def words(self, column: str | None) -> pd.Series:
        """A column as stripped text."""
        if column is None:
            return super().words(None)
        return self.frame[column].astype("str").fillna("").str.strip()

    def numbers(self, column: str | None, context: Context, **options) -> np.ndarray:
        """As `Table.numbers`; text columns are read as text."""
        if column is None or not pd.api.types.is_numeric_dtype(self.frame[column]):
            return self._as_text(column).numbers(column, context, **options)
        values = self.frame[column].to_numpy(dtype="float64", na_value=np.nan)
        self.complain(context, column, np.isinf(values), "is not a number")
        return self.in_range(
            values, column, context, options.get("low"), options.get("high"), options.get("expected", "")
        )

    def times(self, column: str | None, context: Context, **options) -> pd.Series:
        """As `Table.times`; text columns are read as text."""
        kind = None if column is None else self.frame[column].dtype
        if column is not None and isinstance(kind, pd.DatetimeTZDtype):
            local = self.frame[column].dt.tz_convert(context.settings.timezone)
            return local.dt.tz_localize(None).astype("datetime64[s]")
        if column is None or not pd.api.types.is_datetime64_dtype(kind):
            return self._as_text(column).times(column, context, **options)
        return self.frame[column].astype("datetime64[s]")

    def _as_text(self, column: str | None) -> Table:
        frame = self.frame if column is None else self.words(column).to_frame(column)
        return Table(self.file, self.header, frame, self.rows)


def spread(answers: Iterable[str], codes: np.ndarray) -> pd.Series:
    """Each row's answer as categories, of answers asked for once (`Table.coded`, `Table.distinct`)."""
    place, distinct = pd.factorize(pd.array(list(answers), dtype="str"))
    return pd.Series(pd.Categorical.from_codes(place[codes], pd.Index(distinct, dtype="str")))


def as_text(column: pd.Series) -> pd.Series:
    """Categories of text as text; any other column as it is."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return column
    texts = pd.array(column.cat.categories, dtype="str").take(column.cat.codes.to_numpy(), allow_fill=True)
    return pd.Series(texts, index=column.index)


# --------------------------------------------------------------------------- building tables


@lru_cache(maxsize=512)
def header_table(header: tuple[str, ...]) -> Table:
    """A table of a header alone: what a file would have, asked before its rows are read."""
    return Table(
        "", list(header), pd.DataFrame(columns=unique_names(header), dtype="str"), np.array([], dtype=np.int64)
    )


def text_table(file: str, cells: Cells) -> Table:
    """Cells of a text file as a table: lines that are no rows set aside, lines with empty extra cells taken back."""
    width = len(cells.header)
    extra = cells.frame.shape[1] - width
    keep = [line for line in cells.odd if _fits(line, width)]
    frame, rows = cells.frame, cells.rows
    odd = [line for line in cells.odd if line not in keep]
    mended = np.zeros(len(rows), dtype=bool)
    if extra > 0:  # every line has more fields than the header; those that hold something there are not rows
        filled = (frame.iloc[:, width:].apply(lambda column: column.str.strip()) != "").any(axis=1).to_numpy()
        odd += [OddLine(int(rows[at]), tuple(frame.iloc[at])) for at in np.flatnonzero(filled)]
        frame, rows, mended = frame.iloc[:, :width][~filled], rows[~filled], np.ones(int((~filled).sum()), bool)
    if keep:
        back = pd.DataFrame([line.cells[:width] for line in keep], columns=range(width), dtype="str")
        frame = pd.concat([frame, back], ignore_index=True)
        rows = np.concatenate([rows, [line.row for line in keep]])
        mended = np.concatenate([mended, [len(line.cells) > width for line in keep]])
        order = np.argsort(rows, kind="stable")
        frame, rows, mended = frame.iloc[order], rows[order], mended[order]
    frame = frame.reset_index(drop=True)
    odd = sorted(odd, key=lambda line: line.row)
    return _finish(file, cells.header, frame, rows, mended, cells.header_row, cells.above, odd)


def _fits(line: OddLine, width: int) -> bool:
    """A line with all its fields, and only empty ones behind them, is a row after all."""
    return len(line.cells) >= width and not any(cell.strip() for cell in line.cells[width:])


def _finish(file, header, frame, rows, mended, header_row, above, odd) -> Table:
    blank_odd = [line for line in odd if not line.filled]
    odd = [line for line in odd if line.filled]
    aside = [(line.row, BLANK_LINE) for line in blank_odd]
    frame.columns = unique_names(header)
    blank = _all_cells(frame, lambda column: column.str.strip() == "")
    again = _all_cells(frame, lambda column, name: column.str.strip() == name, header)
    aside += [(int(row), BLANK_LINE) for row in rows[blank]]
    aside += [(int(row), REPEATED_HEADER) for row in rows[again & ~blank]]
    out = blank | again
    if out.any():
        frame, rows, mended = frame[~out].reset_index(drop=True), rows[~out], mended[~out]
    return Table(file, header, frame, rows, header_row, above, odd, sorted(aside), mended)


def _all_cells(frame: pd.DataFrame, test: Callable, names: list[str] | None = None) -> np.ndarray:
    """Rows in which every cell passes; looks at a column only where all before it passed."""
    left = np.arange(len(frame))
    for at, column in enumerate(frame.columns):
        if not len(left):
            break
        cells = frame[column].iloc[left] if len(left) < len(frame) else frame[column]
        passed = test(cells) if names is None else test(cells, names[at])
        left = left[passed.to_numpy(dtype=bool)]
    mask = np.zeros(len(frame), dtype=bool)
    if frame.shape[1]:
        mask[left] = True
    return mask


def unique_names(header: Iterable[str]) -> list[str]:
    """Header cells as column names: no blank one, none twice."""
    names: dict[str, None] = {}
    counts: dict[str, int] = {}
    for at, cell in enumerate(header, start=1):
        name = cell or f"column {at}"
        while name in names:
            counts[cell] = counts.get(cell, 1) + 1
            name = f"{cell} ({counts[cell]})"
        names[name] = None
    return list(names)


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook.

    Attributes
    ----------
    name : str
    visible : bool
    cells : list of list of str
        As text, from A1 on: days and times as ISO, numbers with a point, truth as ``true`` and ``false``.
    """

    name: str
    visible: bool
    cells: list[list[str]]

    @property
    def filled(self) -> bool:
        """Whether anything stands in it."""
        return any(cell.strip() for row in self.cells for cell in row)

    def header(self, words: Collection[str]) -> tuple[int, list[str]]:
        """Index and cells of the header row."""
        at = text.find_header(self.cells, words)
        return at, [cell.strip() for cell in self.cells[at]] if self.cells else []


def read_sheets(data: bytes, only: Collection[str] | None = None, *, with_cells: bool = True) -> list[Sheet]:
    """The sheets of a workbook (xlsx, xlsm, xlsb, xls, ods).

    Parameters
    ----------
    data : bytes
    only : collection of str, optional
        Names of the sheets that are wanted; default: all.
    with_cells : bool
        False to be told which sheets there are, without what stands in them.

    Raises
    ------
    text.Unreadable
        If it is damaged or locked.
    """
    import python_calamine as calamine

    if _LOCKED in data:
        raise Unreadable("the workbook is locked with a password", "save it without one")
    bounds.check_workbook(data)
    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = []
        for meta in book.sheets_metadata:
            if meta.typ != calamine.SheetTypeEnum.WorkSheet or (only is not None and meta.name not in only):
                continue
            rows = book.get_sheet_by_name(meta.name).to_python(skip_empty_area=False) if with_cells else []
            visible = meta.visible == calamine.SheetVisibleEnum.Visible
            sheets.append(Sheet(meta.name, visible, [[cell_text(cell) for cell in row] for row in rows]))
    except (calamine.CalamineError, OSError, ValueError, OverflowError) as error:
        raise Unreadable(f"not readable as a workbook: {error}", _SAVE_WORKBOOK) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # the library gives up; it has no other name for that
            raise
        raise Unreadable("not readable as a workbook", _SAVE_WORKBOOK) from error
    return sheets


def cell_text(cell: object) -> str:
    """A typed cell as text that reads back as the same value whatever the convention of the column."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.replace(microsecond=0).isoformat(" ")
    if isinstance(cell, dt.date | dt.time):
        return cell.isoformat()
    if isinstance(cell, float):
        if cell.is_integer() and abs(cell) < 1e15:
            return str(int(cell))
        shown = repr(cell)
        # Three digits behind the point could be grouping; with a fourth they cannot.
        return shown + "0" if len(shown.rpartition(".")[2]) == 3 else shown
    return str(cell)


def sheet_table(file: str, sheet: Sheet, words: Collection[str], header_at: int | None = None) -> Table:
    """A sheet as a table; rows are numbered as the spreadsheet program numbers them."""
    if header_at is None:
        at = sheet.header(words)[0]
        text.refuse_second_header(sheet.cells, at, words)
    else:
        at = header_at
    header = [cell.strip() for cell in sheet.cells[at]]
    while len(header) > 1 and not header[-1]:
        header.pop()
    width = len(header)
    body = sheet.cells[at + 1 :]
    frame = pd.DataFrame([row[:width] for row in body], columns=range(width), dtype="str")
    rows = np.arange(at + 2, at + 2 + len(body), dtype=np.int64)
    above = [OddLine(i + 1, tuple(row)) for i, row in enumerate(sheet.cells[:at]) if any(c.strip() for c in row)]
    beyond = [any(cell.strip() for cell in row[width:]) for row in body]
    odd = [OddLine(int(rows[i]), tuple(row)) for i, row in enumerate(body) if beyond[i]]
    keep = ~np.array(beyond, dtype=bool)
    frame = frame[keep].reset_index(drop=True)
    return _finish(file, header, frame, rows[keep], np.zeros(int(keep.sum()), bool), at + 1, above, odd)


# --------------------------------------------------------------------------- missing columns


def missing_column(
    table: Table, ours: str, section: str, guesses: Iterable[str] = (), taken: Iterable[str | None] = ()
) -> tuple[str, str]:
    """What to say of a column that is needed and not there: what was found, and the line that maps it.

    Parameters
    ----------
    guesses : iterable of str
        What the column is usually called.
    taken : iterable of str or None
        Columns that are something else already: none of them is proposed.

    Returns
    -------
    tuple of (str, str)
        `found` and `fix` of a problem, as ux.md section 8 shows them.
    """
    names = list(table.frame.columns)
    known = set(taken)
    folded = {text.fold(name): name for name in names if name not in known}
    wanted = [text.fold(guess) for guess in (*guesses, ours)]
    near = [word for word in wanted if word in folded]
    for word in wanted:
        near += difflib.get_close_matches(word, folded, n=1, cutoff=0.5)
    target = folded[near[0]] if near else "your column"
    return (
        f'column "{ours}" is missing. Found: {column_list(names)}',
        f'add to ssi-audit.toml:  [columns.{section}]  {ours} = "{target}"',
    )


def column_list(names: Iterable[str]) -> str:
    """Names of columns as one may read them: long ones cut, no more than thirty."""
    shown = [" ".join(name[:60].split()) + ("…" if len(name) > 60 else "") for name in names]
    more = f" and {len(shown) - 30} more" if len(shown) > 30 else ""
    return ", ".join(shown[:30]) + more
