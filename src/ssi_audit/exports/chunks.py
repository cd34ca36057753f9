"""A plain table that is larger than memory, read block by block as if it had been read whole.

What a cell means is decided on its whole column (is 03/04 in March?), so the
file is gone through twice. The first time keeps, of every column of numbers or
dates, only the few cells that decide (`numbers.deciding`, `dates.deciding`);
the second time the same readers as always are given block after block, with
the decisions made. What they complain of is put together, so that a user
reads the same five cells and the same count as of a small file.
"""

from __future__ import annotations

import codecs
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv

from ssi_audit.exports import dates, numbers, plain, text
from ssi_audit.exports.files import File
from ssi_audit.exports.table import MAX_SHOWN, Complaint, Context, Rows, Table, text_table, unique_names
from ssi_audit.exports.text import Cells, OddLine, RowsStart, Unreadable
from ssi_audit.settings import Settings

# Tables that grow with people and days; the others always fit into memory.
BIG = ("ssi", "activity", "crm_events")
# Of a large file this much is looked at to know what it is; header and first rows lie within it.
BEGINNING = 4 * text.HEAD_BYTES
# Rows handled together: some 100 MB as text cells.
BLOCK_ROWS = 500_000
# Bytes read, and cut by Arrow, together.
READ_BYTES = text.FIRST_BLOCK
NO_CELLS = pd.Series([], dtype="str")
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class BulkFile(File):
    """A large plain table on disk: whoever looks at it sees its beginning; only `read_blocks` goes through it.

    Attributes
    ----------
    path : pathlib.Path
    """

    def __init__(self, whole: File, path: Path) -> None:
        super().__init__(whole.name, whole.folder, lambda: _beginning(path), whole.size, whole._rules)
        self._whole, self.path = whole, path

    @property
    def whole(self) -> File:
        """The file as any other, for whoever must have all of it."""
        return self._whole

    @cached_property
    def content(self) -> Content:
        """What the bytes of the whole file tell."""
        return scan(self.path)

    @cached_property
    def sha256(self) -> str:
        """Of all bytes, as hex."""
        return self.content.sha256


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(BEGINNING)
        more = file.read(1)
    return data[: data.rfind(b"\n") + 1] or data if more else data


def as_bulk(file: File) -> BulkFile | None:
    """The file to be read in blocks; None where it must be read whole.

    A large table is written by a program: UTF-8, in the plain format, every column once. Anything else is left to
    the reader that can ask about it.
    """
    if file.path is None or file.settings.encoding.get(file.name) or file.settings.encoding.get(file.base):
        return None
    bulk = BulkFile(file, file.path)
    if bulk.kind != "text" or not text.is_unicode(bulk.data) or bulk.data.startswith(_WIDE_MARKS):
        return None
    if b"\x00" in bulk.data:
        return None
    table = plain.fits(bulk)
    if table not in BIG:
        return None
    columns = plain.LAYOUTS[table]
    ours = {bulk.settings.columns.get(table, {}).get(name, name) for group in columns for name in group}
    folded = [text.fold(cell) for cell in bulk.header]
    once = all(folded.count(text.fold(name)) <= 1 for name in ours)
    needed = all(text.fold(bulk.settings.columns.get(table, {}).get(name, name)) in folded for name in columns[0])
    return bulk if once and needed else None


# --------------------------------------------------------------------------- bytes


@dataclass(frozen=True)
class Content:
    """What the bytes of a file tell, without their being cut into cells.

    Attributes
    ----------
    sha256 : str
    size : int
    is_utf8 : bool
    nul_line : int
        The line of the first NUL byte; 0 where there is none.
    ends_line : bool
        Whether the last byte ends a line.
    """

    sha256: str
    size: int
    is_utf8: bool
    nul_line: int
    ends_line: bool


def scan(path: Path) -> Content:
    """Go through the bytes of a file once."""
    digest, decoder = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")()
    lines = nul_line = size = 0
    is_utf8, last = True, b""
    for piece in _pieces(path):
        digest.update(piece)
        size += len(piece)
        if not nul_line and b"\x00" in piece:
            nul_line = lines + piece.count(b"\n", 0, piece.index(b"\x00")) + 1
        lines += piece.count(b"\n")
        is_utf8 = is_utf8 and _decodes(decoder, piece)
        last = piece[-1:]
    is_utf8 = is_utf8 and _decodes(decoder, b"", final=True)
    return Content(digest.hexdigest(), size, is_utf8, nul_line, last in (b"\n", b"\r"))


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(READ_BYTES):
            yield piece


def _decodes(decoder: codecs.IncrementalDecoder, piece: bytes, final: bool = False) -> bool:
    if piece.isascii() and not final and decoder.getstate() == (b"", 0):
        return True
    try:
        decoder.decode(piece, final)
    except UnicodeDecodeError:
        return False
    return True


class _FromRows:
    """The bytes of a file from its first row on, as Arrow reads them; a last line without an end gets one.

    Counts quotation marks and line breaks as they go by.
    """

    closed = False

    def __init__(self, path: Path, start: int, ends_line: bool, quote: str) -> None:
        self._file = path.open("rb")
        self._file.seek(start)
        self._end = b"" if ends_line else b"\n"
        self._quote, self._before = quote.encode(), b""
        self.n_quotes = self.n_breaks = 0

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        if not data:
            data, self._end = self._end, b""
            return data
        self.n_quotes += data.count(self._quote)
        self.n_breaks += data.count(b"\n")
        if b"\r" in data or self._before == b"\r":
            split = self._before == b"\r" and data[:1] == b"\n"
            self.n_breaks += data.count(b"\r") - data.count(b"\r\n") - split
        self._before = data[-1:]
        return data

    def close(self) -> None:
        self._file.close()
        self.closed = True


# --------------------------------------------------------------------------- blocks


@dataclass
class Source:
    """Where the rows of a file begin and how they are cut.

    Attributes
    ----------
    offset : int
        First byte of the first row in the file.
    block : int
        Bytes that Arrow cuts together; grows where a row is longer.
    n_lines : int
        Below the header, once `tables` has come to the end.
    n_quotes, n_breaks : int
        Quotation marks and line breaks in these lines.
    """

    file: BulkFile
    dialect: text.Dialect
    start: RowsStart
    offset: int
    block: int
    n_lines: int = 0
    n_quotes: int = 0
    n_breaks: int = 0

    def tables(self) -> Iterator[Table]:
        """The rows of the file in blocks, each as `File.table` would give it; at least one, perhaps without rows."""
        odd: list[OddLine] = []
        first, line = self.start.header_row + 1, 0
        self.n_lines = 0
        for frame in self._frames(odd):
            # Arrow tells of lines of another length as soon as it cuts them: those of later blocks have to wait.
            odd.sort(key=lambda other: other.row)
            elsewhere = np.array([other.row for other in odd], dtype=np.int64)
            lines = np.setdiff1d(np.arange(line, line + len(frame) + len(odd)), elsewhere)[: len(frame)]
            line = int(lines[-1]) + 1
            n_here = int(np.searchsorted(elsewhere, line))
            self.n_lines += len(frame) + n_here
            yield self._table(frame, lines + first, odd[:n_here])
            del odd[:n_here]
        if odd or not self.n_lines:
            self.n_lines += len(odd)
            nothing = pd.DataFrame({at: pd.Series(dtype="str") for at in range(self.start.width)})
            yield self._table(nothing, np.array([], dtype=np.int64), sorted(odd, key=lambda other: other.row))

    def _frames(self, odd: list[OddLine]) -> Iterator[pd.DataFrame]:
        if self.offset >= self.file.content.size:
            return
        names = [f"f{at}" for at in range(self.start.width)]
        aside = text.aside_handler(self.dialect, odd)
        stream = _FromRows(self.file.path, self.offset, self.file.content.ends_line, self.dialect.quote)
        try:
            options = text.arrow_options(self.dialect, names, names, self.block, aside, threads=False)
            for batch in arrow_csv.open_csv(pa.PythonFile(stream, mode="r"), **options):
                for at in range(0, len(batch), BLOCK_ROWS):
                    part = batch.slice(at, BLOCK_ROWS)
                    yield pd.DataFrame(
                        {k: pd.Series(pd.array(column, dtype="str"), copy=False) for k, column in enumerate(part)}
                    )
        except pa.ArrowInvalid as error:
            self.block = text.larger_block(error, self.block)
            raise _LongRow from error
        finally:
            stream.close()
        self.n_quotes, self.n_breaks = stream.n_quotes, stream.n_breaks

    def _table(self, frame: pd.DataFrame, rows: np.ndarray, odd: list[OddLine]) -> Table:
        odd = [replace(line, row=line.row + self.start.header_row + 1) for line in odd]
        cells = Cells(self.start.header, frame, rows, self.start.header_row, self.start.above, odd)
        return text_table(self.file.name, cells)


class _LongRow(Exception):
    """A row is longer than a block: begin again with larger ones."""


# --------------------------------------------------------------------------- decisions


@dataclass
class Decided:
    """What was decided on all rows of a file.

    Attributes
    ----------
    numeric, dated : Table
        The cells that decide the columns of numbers and of dates, filled up with blanks: they are decided as the
        whole table would be.
    last_row : int
    """

    numeric: Table
    dated: Table
    last_row: int
    _answers: dict[tuple, tuple] = field(default_factory=dict)

    def of_numbers(self, column: str, settings: Settings, bounds: dict) -> tuple[Context, numbers.Numbers | None]:
        """What is said of the column, and its convention."""
        key = ("numbers", column, *bounds.values())
        if key not in self._answers:
            context = Context(settings)
            self._answers[key] = context, self.numeric.parsed_numbers(column, context, bounds)
        return self._answers[key]

    def of_dates(self, column: str, settings: Settings, options: dict) -> tuple[Context, dates.Dates | None]:
        """What is said of the column, and its order of day and month."""
        key = ("dates", column, *options.values())
        if key not in self._answers:
            context = Context(settings)
            self._answers[key] = context, self.dated.parsed_dates(column, context, options)
        return self._answers[key]

    def conventions(self) -> dict[tuple, str | bool | None]:
        """What was decided so far: a file of the same bytes, decided in the same way, has the same rows."""
        return {
            key: answer and (answer.decimal if key[0] == "numbers" else answer.day_first)
            for key, (_, answer) in self._answers.items()
        }


@dataclass
class Block(Table):
    """Some rows of a table; what is asked of a column is answered for the whole of it."""

    whole: ClassVar[bool] = False

    decided: Decided = field(kw_only=True)

    @property
    def last_row(self) -> int:
        """The last row of the whole table."""
        return self.decided.last_row

    def parsed_numbers(self, column: str, context: Context, bounds: dict) -> numbers.Numbers | None:
        """As `Table.parsed_numbers`."""
        said, answer = self.decided.of_numbers(column, context.settings, bounds)
        _say_again(said, context)
        return answer and numbers.parse_numbers(self.frame[column], settled=answer.decimal, **bounds)

    def parsed_dates(self, column: str, context: Context, options: dict) -> dates.Dates | None:
        """As `Table.parsed_dates`."""
        said, answer = self.decided.of_dates(column, context.settings, options)
        _say_again(said, context)
        if answer is None:
            return None
        order = options["day_first"] if answer.day_first is None else answer.day_first
        asked = {**options, "day_first": order, "zone": context.settings.timezone}
        return dates.parse_dates(self.frame[column], **asked)

    def are_shares(self, column: str, values: np.ndarray, context: Context) -> bool:
        """As `Table.are_shares`."""
        quiet = Context(context.settings)
        deciding = self.decided.numeric.numbers(column, quiet, low=0, high=100)
        return self.decided.numeric.are_shares(column, deciding, quiet)


def _say_again(said: Context, context: Context) -> None:
    for problem in said.problems:
        context.problem(problem.where, problem.found, problem.fix)
    for note in said.notes:
        context.note(note)


@dataclass
class Gathered(Context):
    """What is said of a file block by block, put together as if it had been said once.

    A reader asks the same questions of every block, in the same order: the number of complaints made so far, empty
    ones included, tells which of the reader's questions something belongs to.
    """

    step: int = 0
    _complaints: dict[int, Complaint] = field(default_factory=dict)
    _counts: dict[int, tuple] = field(default_factory=dict)
    _problems: dict[tuple, None] = field(default_factory=dict)
    _notes: dict[str, int] = field(default_factory=dict)

    def problem(self, file: str, found: str, fix: str = "") -> None:
        """As `Context.problem`; said of every block, recorded once."""
        self._problems.setdefault((self.step, file, found, fix))

    def note(self, text: str) -> None:
        """As `Context.note`."""
        self._notes.setdefault(text, self.step)

    def count(self, n: int, say) -> None:
        """As `Context.count`, adding up; the first block that has such rows says it."""
        before, first = self._counts.get(self.step, (0, say))
        self._counts[self.step] = before + n, first

    def complain(self, complaint: Complaint) -> None:
        """As `Context.complain`, adding up."""
        self.step += 1
        if not complaint.total:
            return
        before = self._complaints.get(self.step)
        if before is not None:
            shown = (*before.shown, *complaint.shown)[:MAX_SHOWN]
            complaint = replace(before, shown=shown, total=before.total + complaint.total)
        self._complaints[self.step] = complaint

    def tell(self, context: Context) -> None:
        """Say everything to the context of the file, in the order of the reader's questions."""
        steps = {*self._complaints, *self._counts, *(key[0] for key in self._problems), *self._notes.values()}
        for step in sorted(steps):
            if step in self._complaints:
                context.complain(self._complaints[step])
            for at, *problem in self._problems:
                if at == step:
                    context.problem(*problem)
            for note, at in self._notes.items():
                if at == step:
                    context.note(note)
            if step in self._counts:
                context.count(*self._counts[step])


# --------------------------------------------------------------------------- reading


class NotInBlocks(Exception):
    """A file turned out to be one that only reading it whole can judge."""


@dataclass
class _Asked(Table):
    """A table without rows that writes down which columns a reader takes for numbers and which for dates."""

    numeric: dict[str, None] = field(default_factory=dict, kw_only=True)
    dated: dict[str, None] = field(default_factory=dict, kw_only=True)

    def parsed_numbers(self, column: str, context: Context, bounds: dict) -> numbers.Numbers | None:
        self.numeric.setdefault(column)
        return super().parsed_numbers(column, context, bounds)

    def parsed_dates(self, column: str, context: Context, options: dict) -> dates.Dates | None:
        self.dated.setdefault(column)
        return super().parsed_dates(column, context, options)


@dataclass
class Reading:
    """A file that is ready to be read in blocks.

    Attributes
    ----------
    table : str
        One of `BIG`.
    """

    file: BulkFile
    table: str
    source: Source
    decided: Decided

    def blocks(self, context: Context) -> Iterator[Rows]:
        """The rows of the file, block by block, as its reader gives them; what there is to say comes at the end."""
        gathered = Gathered(context.settings)
        for table in self.source.tables():
            gathered.step = 0
            yield plain.read_table(_as(Block, table, decided=self.decided), self.table, gathered)
        gathered.tell(context)


def prepare(file: BulkFile, settings: Settings) -> Reading:
    """Go through a file once and decide what must be decided on all of it.

    Raises
    ------
    text.Unreadable
        As `File.table`.
    NotInBlocks
        If it is not UTF-8 after all.
    """
    if not file.content.is_utf8:
        raise NotInBlocks
    if file.content.nul_line:
        raise text.nul_byte(file.content.nul_line)
    source, table = _source(file), plain.fits(file)
    asked = _asked(source, table, settings)
    while True:
        try:
            decided = _decide(source, asked)
            break
        except _LongRow:
            continue
    _check_quotes(source)
    return Reading(file, table, source, decided)


def _source(file: BulkFile) -> Source:
    """Where the rows begin, told by the beginning of the file as `text.cut` would."""
    dialect, header_at, hidden_first = file._sniffed
    file.refuse_second_header()
    utf8, skipped = file.utf8, len(codecs.BOM_UTF8) if file.data.startswith(codecs.BOM_UTF8) else 0
    if hidden_first:
        at = utf8.index(b"\n") + 1
        utf8, skipped = utf8[at:], skipped + at
    start = text.rows_start(utf8, dialect, header_at)
    return Source(file, dialect, start, skipped + start.offset, READ_BYTES)


def _asked(source: Source, table: str, settings: Settings) -> _Asked:
    header = source.start.header
    nothing = pd.DataFrame(columns=unique_names(header), dtype="str")
    asked = _Asked(source.file.name, header, nothing, np.array([], dtype=np.int64))
    plain.read_table(asked, table, Context(settings))
    return asked


def _decide(source: Source, asked: _Asked) -> Decided:
    last_row = 0
    deciding = {"numeric": dict.fromkeys(asked.numeric, NO_CELLS), "dated": dict.fromkeys(asked.dated, NO_CELLS)}
    for table in source.tables():
        last_row = max(last_row, table.last_row)
        _look(table, deciding["numeric"], numbers.deciding)
        _look(table, deciding["dated"], dates.deciding)
    if any(_is_open(cells) for cells in deciding["numeric"].values()):  # then the other columns are asked, too
        others = [column for column in asked.frame.columns if column not in deciding["numeric"]]
        more = dict.fromkeys(others, NO_CELLS)
        for table in source.tables():
            _look(table, more, numbers.deciding)
        deciding["numeric"] |= more
    return Decided(*(_evidence(asked, cells) for cells in deciding.values()), last_row)


def _look(table: Table, kept: dict[str, pd.Series], deciding: Callable[[pd.Series], pd.Series]) -> None:
    """Keep of each column the cells that decide, of what was kept before and what is new."""
    for column, before in kept.items():
        kept[column] = deciding(pd.concat([before, table.frame[column]], ignore_index=True))


def _is_open(cells: pd.Series) -> bool:
    try:
        numbers.parse_numbers(cells.reset_index(drop=True))
    except numbers.OpenDecimal:
        return True
    except Unreadable:
        return False
    return False


def _evidence(asked: _Asked, kept: dict[str, pd.Series]) -> Table:
    longest = max((len(cells) for cells in kept.values()), default=0)
    columns = {
        column: [*kept.get(column, ()), *[""] * (longest - len(kept.get(column, ())))] for column in asked.frame.columns
    }
    return Table(asked.file, asked.header, pd.DataFrame(columns, dtype="str"), np.arange(longest))


def _check_quotes(source: Source) -> None:
    """As `text.cut` does: an unclosed quotation mark swallows lines without a trace."""
    if not source.n_quotes or (source.n_quotes % 2 == 0 and source.n_breaks <= source.n_lines):
        return
    with source.file.path.open("rb") as file:
        file.seek(source.offset)
        lines = io.TextIOWrapper(file, encoding="utf-8", newline="")
        text.find_open_quote(source.dialect.reader(lines, strict=True), source.start.header_row)


def _as(kind: type[Block], table: Table, **more) -> Block:
    own = {item.name: getattr(table, item.name) for item in fields(Table) if item.init}
    return kind(**own, **more)
