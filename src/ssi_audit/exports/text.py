"""Bytes of a text table → cells, without guessing what cannot be known.

A spreadsheet program saves the same table in a dozen dialects: another
encoding, another separator, a remark above the header, a line break inside a
cell. Each is decided here once per file from what is in the file; where the
content fits more than one reading, the file is refused with a question that
names the setting which answers it. Numbers and dates, which are decided per
column, are in `numbers` and `dates`.

The cells are cut by Arrow's C++ parser (a million rows in well under a
second); every line that does not have as many fields as the header is kept
aside with its row number, never dropped.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from typing import TextIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
from anyascii import anyascii

# What ux.md section 7 tries after UTF-8: Central European, Western, Thai Windows.
CANDIDATE_ENCODINGS = ("cp1252", "cp1250", "cp874")
DELIMITERS = (",", ";", "\t", "|")
# The dialect is decided on this much of a file; the header stands within it or nowhere.
HEAD_BYTES = 262_144
HEADER_SEARCH_ROWS = 40
# Bytes looked at together when an encoding is chosen; letters of a word that are looked at.
CHUNK = 1 << 24
MAX_WORD = 60
SAMPLE_ROWS = 200
# As many as spreadsheet programs have.
MAX_COLUMNS = 16_384
# Arrow's limit for one block is 2 GiB; a single cell of 10 MB needs blocks larger than the default of 1 MiB.
FIRST_BLOCK = 1 << 24
LAST_BLOCK = (1 << 31) - 1
# A table of this size takes long enough for two threads to be worth starting.
THREADS_FROM = 1 << 25

# Stands for the name of the file, which only the caller knows.
THIS_FILE = "<this file>"

csv.field_size_limit(LAST_BLOCK)

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Unreadable(Exception):
    """A whole file cannot be read without a decision of the user.

    Attributes
    ----------
    found, fix : str
        As in `errors.Problem`.
    where : str
        The file, filled in by `files.File`.
    """

    def __init__(self, found: str, fix: str = "", where: str = "") -> None:
        self.found, self.fix, self.where = found, fix, where
        super().__init__(found)


@dataclass(frozen=True)
class Dialect:
    """How the cells of a text table are separated.

    Attributes
    ----------
    delimiter, quote : str
        One character each.
    double_quote : bool
        A quote inside a quoted cell is written twice.
    escape : str
        Character that takes the meaning from the next one (LinkedIn's ``Comments.csv``: a backslash); "" for none.
    """

    delimiter: str = ","
    quote: str = '"'
    double_quote: bool = True
    escape: str = ""

    def reader(self, text: str | TextIO, *, strict: bool = False) -> Iterable[list[str]]:
        """Python's own csv reader for this dialect: slow, used on heads and to find faults."""
        return csv.reader(
            io.StringIO(text, newline="") if isinstance(text, str) else text,
            delimiter=self.delimiter,
            quotechar=self.quote,
            doublequote=self.double_quote,
            escapechar=self.escape or None,
            strict=strict,
        )


@dataclass(frozen=True)
class OddLine:
    """A line of a text table that has more or fewer fields than the header.

    Attributes
    ----------
    row : int
        Row as a spreadsheet program shows it (the first line is 1).
    cells : tuple of str
    """

    row: int
    cells: tuple[str, ...]

    @property
    def filled(self) -> int:
        """Number of cells that are not blank."""
        return sum(bool(cell.strip()) for cell in self.cells)


@dataclass(frozen=True)
class Cells:
    """A text table cut into cells.

    Attributes
    ----------
    header : list of str
        As in the file, stripped.
    frame : pandas.DataFrame
        ``str`` columns named by position (0, 1, …), one row per data line; blank cells are "".
    rows : numpy.ndarray
        Row of each line of `frame` as a spreadsheet program shows it.
    header_row : int
    above : list of OddLine
        Lines above the header that are not blank.
    odd : list of OddLine
        Lines below the header with another number of fields.
    """

    header: list[str]
    frame: pd.DataFrame
    rows: np.ndarray
    header_row: int = 1
    above: list[OddLine] = field(default_factory=list)
    odd: list[OddLine] = field(default_factory=list)


@lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """A header or a word without case, accents, spaces and punctuation.

    ``"Deal - Owner"`` → ``"dealowner"``; letters of any script become Latin (``ł`` → ``l``), which plain
    Unicode folding does not do.
    """
    return re.sub(r"[^0-9a-z%#]", "", anyascii(text).lower()) if not text.isascii() else _plain_fold(text)


def _plain_fold(text: str) -> str:
    return re.sub(r"[^0-9a-z%#]", "", text.lower())


# --------------------------------------------------------------------------- encoding


def decode(data: bytes, words: Collection[str] = (), encoding: str | None = None) -> tuple[bytes, str]:
    """Bytes in any of the supported encodings → UTF-8 without a byte order mark.

    Parameters
    ----------
    data : bytes
    words : collection of str
        Folded header words that are known; they settle an encoding (detectors fail on short files).
    encoding : str, optional
        The user's own answer.

    Returns
    -------
    tuple of (bytes, str)
        UTF-8, and the name of the encoding found.

    Raises
    ------
    Unreadable
        If more than one encoding fits and they give different letters.
    """
    if encoding:
        return _transcode(data, encoding), encoding
    for mark, name in _BOMS:
        if data.startswith(mark):
            body = data[len(mark) :]
            return (body, name) if name == "utf-8" and _is_utf8(body) else (_transcode(body, name), name)
    wide = _utf16_without_mark(data)
    if wide:
        return _transcode(data, wide), wide
    if _is_utf8(data):
        return data, "utf-8"
    name = _choose_encoding(data, words)
    return _transcode(data, name), name


def is_unicode(data: bytes) -> bool:
    """Whether bytes are UTF-8, or carry the mark of a Unicode encoding."""
    return data.startswith(tuple(mark for mark, _ in _BOMS)) or _is_utf8(data)


def begin(data: bytes) -> str:
    """The first lines of a Unicode text; raises `UnicodeDecodeError` for any other."""
    head = data[:HEAD_BYTES]
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return head.decode("utf-16", "ignore")
    return (head[: head.rfind(b"\n") + 1] or head).decode("utf-8-sig")


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for at in range(0, len(data), CHUNK):  # in pieces: a large file is not there a second time as text
            decoder.decode(data[at : at + CHUNK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _transcode(data: bytes, encoding: str) -> bytes:
    if encoding == "cp1252" and not _has_controls(data):
        # The same letters, read many times faster, and piece by piece: the text is never there three times.
        return b"".join(data[at : at + CHUNK].decode("latin-1").encode() for at in range(0, len(data), CHUNK))
    try:
        return data.decode(encoding).removeprefix("\ufeff").encode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Unreadable(
            f"line {line} is not {encoding}: {error.reason}",
            'save the file again as "CSV UTF-8", or name its encoding in ssi-audit.toml under [encoding]',
        ) from error
    except (LookupError, UnicodeError) as error:
        raise Unreadable(f"no encoding is called {encoding!r}", "use a name such as utf-8, cp1252 or cp1250") from error


def _utf16_without_mark(data: bytes) -> str | None:
    head = data[:4096]
    if len(head) < 4 or b"\x00" not in head:
        return None
    even, odd = head[0::2].count(0) / len(head[0::2]), head[1::2].count(0) / len(head[1::2])
    if odd > 0.5 and even < 0.05:
        return "utf-16-le"
    if even > 0.5 and odd < 0.05:
        return "utf-16-be"
    return None


def _choose_encoding(data: bytes, words: Collection[str]) -> str:
    """Pick a one-byte encoding by the header, then by the letters, then only if it makes no difference."""
    possible = [name for name in CANDIDATE_ENCODINGS if _decodes(_bytes_in(data), name)]
    if not possible:
        raise Unreadable(
            "neither UTF-8 nor any Windows encoding: " + ", ".join(CANDIDATE_ENCODINGS),
            'save the file again as "CSV UTF-8"',
        )
    lines = [line for line in data[:HEAD_BYTES].split(b"\n")[:HEADER_SEARCH_ROWS] if line.strip()]
    hits = {name: max(_known_words(line.decode(name), words) for line in lines) for name in possible}
    best = [name for name in possible if hits[name] == max(hits.values())]
    high = _words_with_high_bytes(data)
    spelled = {name: [word.decode(name) for word in high] for name in best}
    good = [name for name in best if not any(_implausible(word) for word in spelled[name])] or best
    # Where two encodings differ only in accents that folding removes, names match under either.
    folded = {name: [anyascii(word).lower() for word in spelled[name]] for name in good}
    if all(folded[name] == folded[good[0]] for name in good):
        return good[0]
    raise Unreadable(_encoding_question(lines, good), f'add to ssi-audit.toml: [encoding]  "{THIS_FILE}" = "{good[0]}"')


def is_latin(data: bytes) -> bool:
    """Whether what is no Unicode can be read as ISO-8859-1 byte by byte, because Windows' own letters do not occur."""
    return not _has_controls(data)


def _has_controls(data: bytes) -> bool:
    """Whether a byte lies where ISO-8859-1 has control characters and Windows has letters."""
    signed = np.frombuffer(data, np.int8)
    return any((signed[at : at + CHUNK] < 0x9F + 1 - 256).any() for at in range(0, len(data), CHUNK))


def _decodes(data: bytes, name: str) -> bool:
    try:
        data.decode(name)
    except UnicodeDecodeError:
        return False
    return True


def _known_words(line: str, words: Collection[str]) -> int:
    return sum(fold(cell) in words for cell in re.split(r"[,;\t|]", line) if cell.strip())


def _bytes_in(data: bytes) -> bytes:
    """Each byte value that occurs, once: in a one-byte encoding that is all that decides whether it fits."""
    there = np.zeros(256, dtype=bool)
    for chunk in _chunks(data):
        there[np.frombuffer(chunk, np.uint8)] = True
    return bytes(np.flatnonzero(there).tolist())


def _chunks(data: bytes) -> Iterable[bytes]:
    """Pieces of a text, cut behind line breaks so that no word is."""
    start = 0
    while start < len(data):
        end = data.rfind(b"\n", start, start + CHUNK) + 1 if start + CHUNK < len(data) else len(data)
        end = end if end > start else start + CHUNK
        yield data[start:end]
        start = end


def _words_with_high_bytes(data: bytes) -> list[bytes]:
    """The distinct words with a letter beyond ASCII; a word is followed from there to both sides."""
    letter = np.zeros(258, dtype=bool)  # the two last stand for the ends of a chunk
    letter[[*range(65, 91), *range(97, 123), *range(128, 256)]] = True
    found: set[bytes] = set()
    for chunk in _chunks(data):
        cells = np.full(len(chunk) + 2, 256, dtype=np.uint16)
        cells[1:-1] = np.frombuffer(chunk, np.uint8)
        high = np.flatnonzero((cells > 127) & (cells < 256))
        first, last = high.copy(), high.copy()
        for _ in range(MAX_WORD):
            left, right = letter[cells[first - 1]], letter[cells[last + 1]]
            if not left.any() and not right.any():
                break
            first -= left
            last += right
        spans = np.unique(first * len(cells) + last)
        found.update(chunk[at - 1 : to] for at, to in zip(*divmod(spans, len(cells))))
    return sorted(found)


def _implausible(word: str) -> bool:
    """Whether a word holds a symbol, a capital behind a small letter, or letters of two scripts."""
    letters = [char for char in word if char.isalpha()]
    if not letters:
        return False
    # A no-break space or a quote at the edge of a word is ordinary; inside a word no symbol is.
    inner = word.strip("\xa0„“”‚‘’«»…–—·•®™©")
    if any(not char.isalpha() and not _is_mark(char) for char in inner):
        return True
    if any(a.islower() and b.isupper() and not b.isascii() for a, b in pairwise(inner)):
        return True
    scripts = {"thai" if "\u0e00" <= char <= "\u0e7f" else "latin" for char in letters}
    return len(scripts) > 1 or bool(inner and _is_mark(inner[0]))


def _is_mark(char: str) -> bool:
    return char in "\u0e31\u0e34\u0e35\u0e36\u0e37\u0e38\u0e39\u0e3a\u0e47\u0e48\u0e49\u0e4a\u0e4b\u0e4c\u0e4d\u0e4e"


def _encoding_question(lines: list[bytes], candidates: list[str]) -> str:
    telling = next((line for line in lines if not line.isascii()), lines[0])
    shown = "; ".join(f"{name}: {telling.decode(name, 'replace').strip()[:60]}" for name in candidates)
    return f"the encoding cannot be told from the content. The same line read as {shown}"


# --------------------------------------------------------------------------- separator and header


def sniff(utf8: bytes, words: Collection[str] = (), encoding: str = "utf-8") -> tuple[Dialect, int, bool]:
    """Find the separator and the header of a text table.

    Parameters
    ----------
    utf8 : bytes
        The beginning of the table at least, as UTF-8.
    words : collection of str
        Folded header words that are known.
    encoding : str
        Of `utf8`, where it is something else after all (`cut`).

    Returns
    -------
    tuple of (Dialect, int, bool)
        The dialect; the index of the header among the records (0 for the first line); whether a line ``sep=;``
        stands first (spreadsheet programs write and hide it).
    """
    text = _whole_lines(utf8, encoding)
    declared = re.match(r"\s*\"?sep=([\t !#-/:-@\[\]^_`{-~])\"?[ \t]*\r?\n", text)
    if declared:
        text = text[declared.end() :]
    options = (declared.group(1),) if declared else _worth_a_try(text)
    scored = []
    for preference, delimiter in enumerate(options):
        records = sample_records(text, Dialect(delimiter))
        at = find_header(records, words)
        width = len(records[at]) if records else 0
        hits = _hits(records[at], words) if records else 0
        below = [record for record in records[at + 1 :] if any(cell.strip() for cell in record)]
        same = sum(len(record) == width for record in below) / len(below) if below else 1.0
        scored.append(((hits, width > 1, round(same, 2), width, -preference), Dialect(delimiter), at))
    _, dialect, at = max(scored, key=lambda item: item[0])
    return dialect, at, bool(declared)


def _worth_a_try(text: str) -> list[str]:
    """The separators that occur, and the first of those that do not: they all leave the lines whole."""
    there = {delimiter: delimiter in text for delimiter in DELIMITERS}
    first = next((delimiter for delimiter in DELIMITERS if not there[delimiter]), "")
    return [delimiter for delimiter in DELIMITERS if there[delimiter] or delimiter == first]


def _whole_lines(utf8: bytes, encoding: str = "utf-8") -> str:
    head = utf8[:HEAD_BYTES]
    if len(utf8) > HEAD_BYTES and b"\n" in head:
        head = head[: head.rindex(b"\n") + 1]
    return head.decode(encoding, "ignore")


def sample_records(text: str, dialect: Dialect, limit: int = SAMPLE_ROWS) -> list[list[str]]:
    """The first records of a text table."""
    records: list[list[str]] = []
    for record in dialect.reader(text):
        records.append(record)
        if len(records) >= limit:
            break
    return records


def find_header(records: list[list], words: Collection[str] = ()) -> int:
    """Index of the header: the first record with the most known words, else the first with two cells.

    Exports begin with titles, filters and notes; a header stands below them.
    """
    top = records[:HEADER_SEARCH_ROWS]
    hits = [_hits(record, words) for record in top]
    if hits and max(hits) >= 2:
        return hits.index(max(hits))
    filled = [_n_filled(record) for record in top]
    for at, count in enumerate(filled):
        if count >= 2:
            return at
    return next((at for at, count in enumerate(filled) if count), 0)


def refuse_second_header(records: list[list], at: int, words: Collection[str] = ()) -> None:
    """Look for a table above the header that was found: one export pasted under another, with more columns.

    The fuller header is the one that is found, and all rows above it would be taken for titles and remarks. A header
    is told from such a line by its cells: most of them are known words, or stand in the other header too.

    Parameters
    ----------
    records : list of list of str
        From the first on, down to the header at least.
    at : int
        Index of the header.
    words : collection of str
        Folded header words that are known.

    Raises
    ------
    Unreadable
        If rows stand between the header and another one above it.
    """
    header = {fold(cell) for cell in records[at] if isinstance(cell, str)} if at < len(records) else set()
    for first, record in enumerate(records[:at]):
        filled, known = _n_filled(record), _hits(record, words)
        again = 2 * _hits(record, header) > filled
        if known < 2 or not (again or 2 * known > filled):
            continue
        # Filters stand above a report in pairs, "Stage, Won": two known words, and two more below them.
        least = max(2 if again else 3, filled / 2)
        if any(_n_filled(line) >= least and _is_no_header(line, words) for line in records[first + 1 : at]):
            raise Unreadable(
                f"row {at + 1}: a second header, with other columns than the one in row {first + 1}: these are two "
                "tables under each other",
                f"split the file into two: rows {first + 1} to {at}, and from row {at + 1} on",
            )


def _is_no_header(record: list, words: Collection[str]) -> bool:
    """Whether a row is filled with something else than words of a header."""
    known = _hits(record, words)
    return known < 2 or 2 * known < _n_filled(record)


def _n_filled(record: list) -> int:
    return sum(bool(str(cell).strip()) for cell in record)


def _hits(record: list, words: Collection[str]) -> int:
    known = words if isinstance(words, set | frozenset) else set(words)
    return len({fold(cell) for cell in record if isinstance(cell, str) and cell.strip()} & known)


# --------------------------------------------------------------------------- cells


def cut(
    utf8: bytes, dialect: Dialect, header_at: int = 0, *, hidden_first: bool = False, only: Collection[str] = (),
    encoding: str = "utf-8",
) -> Cells:  # fmt: skip
    """Cut a text table into cells.

    Parameters
    ----------
    utf8 : bytes
        The whole table.
    dialect : Dialect
    header_at : int
        Index of the header record.
    hidden_first : bool
        The first line is ``sep=;``: skipped and not counted as a row.
    only : collection of str
        Folded headers of the columns that are wanted; empty: all. A table with lines of another length is cut whole,
        because only all of their cells tell what they are.
    encoding : str
        Of `utf8`: that, or ``latin-1`` (`is_latin`). Separators are the same bytes in both, so a large table is cut as
        it stands and only cells that are wanted and hold more than ASCII are turned into UTF-8.

    Raises
    ------
    Unreadable
        For a NUL byte and for a quotation mark that is never closed, with the row.
    """
    if b"\x00" in utf8:
        raise nul_byte(utf8[: utf8.index(b"\x00")].count(b"\n") + 1)
    if hidden_first:
        utf8 = utf8[utf8.index(b"\n") + 1 :]
    start = rows_start(utf8, dialect, header_at, encoding)
    if start is None:
        return Cells([], pd.DataFrame(), np.array([], dtype=np.int64))
    header, width = start.header, start.width
    wanted = [at for at, cell in enumerate(header) if not only or fold(cell) in only]
    if not only or width > len(header) or not wanted:
        wanted = list(range(width))
    try:
        table, odd = _arrow_cut(utf8, start.offset, dialect, width, wanted, keep_odd=encoding == "utf-8")
    except Unreadable:
        if encoding == "utf-8":
            raise
        return cut(_transcode(utf8, encoding), dialect, header_at, only=only)  # a line set aside has to be text
    if odd and len(wanted) < width:
        wanted = list(range(width))
        table, odd = _arrow_cut(utf8, start.offset, dialect, width, wanted)
    _check_quotes(utf8, start.offset, table.num_rows + len(odd), dialect, start.header_row, encoding)
    header = [header[at] for at in wanted] if len(wanted) < width else header
    first_row = start.header_row + 1
    numbers = np.delete(np.arange(table.num_rows + len(odd)), [line.row for line in odd]) + first_row
    odd = [replace(line, row=line.row + first_row) for line in odd]
    frame = pd.DataFrame(
        {at: _as_str(_in_utf8(column, encoding)) for at, column in enumerate(table.columns)},
        index=pd.RangeIndex(table.num_rows), columns=range(len(wanted)), copy=False,
    )  # fmt: skip
    return Cells(header, frame, numbers, start.header_row, start.above, odd)


@dataclass(frozen=True)
class RowsStart:
    """Where the rows of a text table begin, told by its head.

    Attributes
    ----------
    header : list of str
    header_row : int
    above : list of OddLine
        Lines above the header that are not blank.
    offset : int
        First byte behind the header.
    width : int
        Fields of a row: those of the header, or more where most rows have more.
    """

    header: list[str]
    header_row: int
    above: list[OddLine]
    offset: int
    width: int


def rows_start(utf8: bytes, dialect: Dialect, header_at: int, encoding: str = "utf-8") -> RowsStart | None:
    """Header and first row of a text table, of which only the beginning is looked at; None where there is no header."""
    top, offset = _records_to(utf8, dialect, header_at, encoding)
    if not top:
        return None
    header = [cell.strip() for cell in top[-1]]
    while len(header) > 1 and not header[-1]:
        header.pop()
    above = [OddLine(at + 1, tuple(cells)) for at, cells in enumerate(top[:-1]) if any(c.strip() for c in cells)]
    if len(header) > MAX_COLUMNS:
        raise Unreadable(f"the header has {len(header):,} columns: that is no export", "leave the file out")
    width = max(len(header), _usual_width(utf8[offset : offset + HEAD_BYTES], dialect, len(header), encoding))
    return RowsStart(header, len(top), above, offset, width)


def nul_byte(line: int) -> Unreadable:
    """What is said of a file with a NUL byte."""
    return Unreadable(
        f"line {line} holds a NUL byte: the file was cut or damaged",
        "export it again, or open it in a spreadsheet program and save it as CSV UTF-8",
    )


def _records_to(utf8: bytes, dialect: Dialect, header_at: int, encoding: str) -> tuple[list[list[str]], int]:
    """The records down to the header, and the offset of the first byte behind it."""
    text = _whole_lines(utf8, encoding)
    seen: list[str] = []

    def lines() -> Iterable[str]:
        for line in re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", text):
            seen.append(line)
            yield line

    reader = csv.reader(
        lines(), delimiter=dialect.delimiter, quotechar=dialect.quote, doublequote=dialect.double_quote,
        escapechar=dialect.escape or None,
    )  # fmt: skip
    records = [record for _, record in zip(range(header_at + 1), reader)]
    return records, len("".join(seen).encode(encoding))


def _usual_width(body: bytes, dialect: Dialect, expected: int, encoding: str) -> int:
    """The commonest number of fields of the lines; on a tie the expected one."""
    widths = [len(record) for record in sample_records(_whole_lines(body, encoding), dialect) if record]
    return max(sorted(set(widths)), key=lambda width: (widths.count(width), width == expected), default=expected)


def _arrow_cut(
    utf8: bytes, start: int, dialect: Dialect, width: int, wanted: list[int], *, keep_odd: bool = True
) -> tuple[pa.Table, list[OddLine]]:
    """All lines of `width` fields as an Arrow table of strings, and the others by the index of their line.

    Without `keep_odd` a line of another length makes the table unreadable.

    Two threads cut a large table; they cannot say in which line they met one of another length, so with such a line
    it is cut again by one.
    """
    names = [f"f{at}" for at in range(width)]
    shown = [names[at] for at in wanted]
    if start >= len(utf8):
        return pa.table({name: pa.array([], pa.large_string()) for name in shown}), []
    if utf8[-1:] not in (b"\n", b"\r"):
        utf8 += b"\n"
    body = pa.py_buffer(utf8).slice(start)
    odd: list[OddLine] = []
    threads = body.size > THREADS_FROM
    keep_aside = aside_handler(dialect, odd) if keep_odd else None

    block = FIRST_BLOCK
    while True:
        odd.clear()
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(body), **arrow_options(dialect, names, shown, block, keep_aside, threads)
            )
        except pa.ArrowInvalid as error:
            block = larger_block(error, block)
        else:
            if not (threads and odd):
                return table, odd
            threads = False


def arrow_options(dialect: Dialect, names: list[str], shown: list[str], block: int, aside, threads: bool) -> dict:
    """How Arrow cuts a table: every cell as text, lines of another length given to `aside`."""
    return {
        "read_options": arrow_csv.ReadOptions(use_threads=threads, column_names=names, block_size=block),
        "parse_options": arrow_csv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char=dialect.quote,
            double_quote=dialect.double_quote,
            escape_char=dialect.escape or False,
            newlines_in_values=True,
            ignore_empty_lines=False,
            invalid_row_handler=aside,
        ),
        "convert_options": arrow_csv.ConvertOptions(
            check_utf8=False,  # `decode` has seen to it
            strings_can_be_null=False,
            column_types={name: pa.large_string() for name in names},
            include_columns=shown,
        ),
    }


def aside_handler(dialect: Dialect, odd: list[OddLine]) -> Callable[[arrow_csv.InvalidRow], str]:
    """Put lines of another length into a list, by the index of their line."""

    def keep_aside(row: arrow_csv.InvalidRow) -> str:
        cells = next(iter(dialect.reader(row.text)), [])
        odd.append(OddLine((row.number or 0) - 1, tuple(cells)))
        return "skip"

    return keep_aside


def larger_block(error: pa.ArrowInvalid, block: int) -> int:
    """The next block size to try where a row is longer than a block; raises `Unreadable` for anything else."""
    if "straddling" not in str(error) or block >= LAST_BLOCK:
        raise Unreadable(f"not readable as a table: {error}", "save the file again as CSV UTF-8") from error
    return min(block * 8, LAST_BLOCK)


def _check_quotes(
    utf8: bytes, start: int, n_lines: int, dialect: Dialect, rows_above: int, encoding: str = "utf-8"
) -> None:
    """An unclosed quotation mark swallows lines without a trace: look where cells run over several lines."""
    cells = np.frombuffer(utf8, np.uint8)[start:]
    quote = ord(dialect.quote)
    n_quotes = sum(np.count_nonzero(cells[at : at + CHUNK] == quote) for at in range(0, len(cells), CHUNK))
    if not n_quotes or not dialect.double_quote:
        return
    n_breaks = utf8.count(b"\n", start)
    if b"\r" in utf8:
        n_breaks += utf8.count(b"\r", start) - utf8.count(b"\r\n", start)
    if n_quotes % 2 == 0 and n_breaks <= n_lines:
        return
    find_open_quote(dialect.reader(utf8[start:].decode(encoding), strict=True), rows_above)


def find_open_quote(records: Iterable[list[str]], rows_above: int) -> None:
    """Go through all records with Python's strict reader; raises `Unreadable` at the first fault."""
    row = rows_above
    try:
        for _ in records:
            row += 1
    except csv.Error as error:
        raise Unreadable(
            f"row {row + 1}: a quotation mark is not closed, or not written twice inside a cell ({error})",
            "correct that row, or export the file again",
        ) from error


def _in_utf8(column: pa.ChunkedArray, encoding: str) -> pa.ChunkedArray:
    """A column of cells in ISO-8859-1 as UTF-8: every letter beyond ASCII takes two bytes instead of one."""
    if encoding == "utf-8":
        return column
    return pa.chunked_array([_chunk_in_utf8(chunk) for chunk in column.chunks], type=pa.large_string())


def _chunk_in_utf8(cells: pa.Array) -> pa.Array:
    _, ends, letters = cells.buffers()
    ends = np.frombuffer(ends, np.int64)[cells.offset : cells.offset + len(cells) + 1]
    letters = memoryview(letters)[ends[0] : ends[-1]] if len(cells) else b""
    high = np.flatnonzero(np.frombuffer(letters, np.int8) < 0)
    if not len(high):
        return cells
    ends = ends - ends[0]
    ends = ends + np.searchsorted(high, ends)
    text = bytes(letters).decode("latin-1").encode()
    return pa.LargeStringArray.from_buffers(len(cells), pa.py_buffer(ends), pa.py_buffer(text))


def _as_str(column: pa.ChunkedArray) -> pd.Series:
    """An Arrow column as a pandas ``str`` series, without copying the text."""
    return pd.Series(pd.array(column, dtype="str"), copy=False)
