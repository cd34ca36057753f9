"""Files as the user dropped them: folders, zips opened as folders, workbooks, text.

A `File` reads nothing until asked and keeps what it has read, so that a dozen
readers can look at a header without opening the file a dozen times. Names are
relative to the data folder; inside a zip they go on behind its name
(``archive.zip/Comments.csv``).
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import sqlite3
import zipfile
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ssi_audit.errors import Problem
from ssi_audit.exports import bounds, text
from ssi_audit.exports.table import Sheet, Table, TypedTable, cell_text, read_sheets, sheet_table, text_table
from ssi_audit.exports.text import Dialect, Unreadable

if TYPE_CHECKING:
    from ssi_audit.settings import Settings

IGNORED = (
    "ssi-audit.toml",
    "truth.json",
    "license",
    "licence",
    "license.txt",
    "license.md",
    "thumbs.db",
    "desktop.ini",
)
MAX_ZIP_DEPTH = 3
MAX_HEADER = 2_000
# A database of readings computes nothing; one that does is stopped after some ten seconds, or at a text of 16 MiB.
SQL_STEPS, SQL_LENGTH = 500, 16 * 1024**2

_WORKBOOK_PARTS = ("xl/workbook.xml", "xl/workbook.bin", "content.xml")
_NO_NAMES = ("/", "..", ".")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class File:
    """One file, read when asked.

    Attributes
    ----------
    name : str
        Path below the data folder, with ``/``.
    folder : Folder
        Where it lies; `folder.files` are its neighbours.
    path : pathlib.Path, optional
        Of a file on disk; None inside a zip.
    peeked : dict
        What `crm.peek` found in its beginning; stays when the content is forgotten.
    """

    def __init__(
        self,
        name: str,
        folder: Folder,
        load: Callable[[], bytes],
        size: int,
        context: ReadingRules,
        load_head: Callable[[], bytes] | None = None,
        path: Path | None = None,
    ) -> None:
        self.name, self.folder, self.size, self.path = name, folder, size, path
        self._load, self._load_head, self._rules = load, load_head, context
        self._tables: dict[Any, Table] = {}
        self.peeked: dict[frozenset[str], frozenset[str]] = {}

    def __repr__(self) -> str:
        return f"File({self.name!r})"

    @property
    def base(self) -> str:
        """Last part of the name."""
        return PurePosixPath(self.name).name

    @property
    def stem(self) -> str:
        """Last part of the name without its extension."""
        return PurePosixPath(self.name).stem

    @property
    def title(self) -> str:
        """What the table is called: the stem; in a workbook of several tables, the name of the sheet."""
        return self.stem

    @property
    def book(self) -> File:
        """The workbook that a sheet read as a file stands in; any other file itself."""
        return self

    @property
    def whole(self) -> File:
        """The file with all of its bytes: itself, but for one of which only the beginning is held (`chunks`)."""
        return self

    @property
    def settings(self) -> Settings:
        """The user's answers."""
        return self._rules.settings

    @cached_property
    def data(self) -> bytes:
        """All bytes."""
        with self._named():
            return self._load()

    @cached_property
    def head(self) -> bytes:
        """The first `text.HEAD_BYTES`; of a large file on disk nothing else is read."""
        if self._load_head is None or "data" in self.__dict__ or self.size <= text.HEAD_BYTES:
            return self.data[: text.HEAD_BYTES]
        with self._named():
            return self._load_head()

    @cached_property
    def sha256(self) -> str:
        """Of the bytes, as hex."""
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def kind(self) -> str:
        """What the bytes are: text, json, html, workbook, sqlite, parquet, zip, damaged, empty or binary."""
        beginning_is_enough = self.head.strip() and not self.head.startswith(b"PK")
        return _kind(self.head if beginning_is_enough else self.data)

    @cached_property
    def starts_like_a_zip(self) -> bool:
        """Whether the first bytes are those of a zip; reads no more than needed to say so."""
        return self.base.lower().endswith((".zip", ".xlsx")) or self.head[:2] == b"PK"

    def forget(self) -> None:
        """Give back the memory of what was read."""
        for name in ("data", "head", "utf8", "_sniffed", "sheets", "json", "_parquet", "sqlite_tables"):
            self.__dict__.pop(name, None)
        self._tables.clear()

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Put the file's name on whatever cannot be read."""
        try:
            yield
        except Unreadable as error:
            error.where = error.where or self.name
            error.fix = error.fix.replace(text.THIS_FILE, self.base)
            raise

    # ---- as text

    @cached_property
    def utf8(self) -> bytes:
        """The bytes as UTF-8; raises `text.Unreadable` where the encoding cannot be told."""
        with self._named():
            data, self.encoding = text.decode(self.data, self._rules.words, self._rules.encoding(self))
        return data

    @property
    def text(self) -> str:
        """The content as text."""
        return self.utf8.decode("utf-8")

    @cached_property
    def json(self) -> Any:
        """The content as JSON; raises `text.Unreadable` with line and column where it is none."""
        try:
            return json.loads(self.text)
        except json.JSONDecodeError as error:
            found = f"line {error.lineno}, column {error.colno}: not readable as JSON ({error.msg})"
            raise Unreadable(found, "save it again", self.name) from error
        except ValueError as error:  # a number of thousands of digits
            raise Unreadable(f"not readable as JSON: {error}", "leave the file out", self.name) from error
        except RecursionError as error:
            raise Unreadable("JSON nested too deeply to be an export", "leave the file out", self.name) from error

    # ---- as a table

    @cached_property
    def sheets(self) -> list[Sheet]:
        """The sheets of a workbook, in its order, hidden ones too."""
        with self._named():
            return read_sheets(self.data)

    @property
    def sheet(self) -> Sheet | None:
        """The first visible sheet that is not empty."""
        return next((sheet for sheet in self.sheets if sheet.visible and sheet.cells), None)

    @cached_property
    def _sniffed(self) -> tuple[Dialect, int, bool]:
        return text.sniff(self.utf8, self._rules.words)

    @property
    def dialect(self) -> Dialect:
        """Separator and quotes of a text table."""
        return self._sniffed[0]

    @cached_property
    def header(self) -> list[str]:
        """The header cells of a text table or of the first visible sheet; [] where there is none."""
        try:
            if self.kind == "workbook":
                return self.sheet.header(self._rules.words)[1] if self.sheet else []
            if self.kind == "parquet":
                return list(self._parquet.schema_arrow.names)
            if self.kind != "text":
                return []
            head, at = self._head_records(), self._sniffed[1]
            # A header of more cells than this is refused when the file is read; readers need not look at all of them.
            return [cell.strip() for cell in head[at][:MAX_HEADER]] if len(head) > at else []
        except Unreadable:
            return []  # said again, aloud, when the file is read

    def _head_records(self) -> list[list[str]]:
        """The records of a text table down to its header."""
        dialect, at, hidden = self._sniffed
        return text.sample_records(_without_first_line(self.utf8[: text.HEAD_BYTES], hidden), dialect, at + 1)

    def refuse_second_header(self) -> None:
        """As `text.refuse_second_header`, of a text table."""
        if self._sniffed[1]:
            with self._named():
                text.refuse_second_header(self._head_records(), self._sniffed[1], self._rules.words)

    @cached_property
    def words(self) -> frozenset[str]:
        """The header cells folded (`text.fold`): what a reader recognises a table by."""
        return frozenset(text.fold(cell) for cell in self.header) - {""}

    def table(
        self, *, dialect: Dialect | None = None, header_at: int | None = None, sheet: Sheet | None = None
    ) -> Table:
        """The whole table as text cells (cached).

        Parameters
        ----------
        dialect : Dialect, optional
            Where a format is known to be odd (backslash escapes); default: as found.
        header_at : int, optional
            Index of the header among the records; default: as found.
        sheet : Sheet, optional
            Of a workbook; default: the first visible one.

        Raises
        ------
        text.Unreadable
            If it is no table, or not without a decision of the user. The frame turns it into a problem.
        """
        key = (dialect, header_at, sheet.name if sheet else None)
        if key not in self._tables:
            with self._named():
                self._tables[key] = self._read_table(dialect, header_at, sheet)
        return self._tables[key]

    def _read_table(self, dialect: Dialect | None, header_at: int | None, sheet: Sheet | None) -> Table:
        if self.kind == "workbook":
            sheet = sheet or self.sheet
            if sheet is None:
                raise Unreadable("the workbook has no visible sheet with cells", "save the sheet that holds the table")
            return sheet_table(self.name, sheet, self._rules.words, header_at)
        found, at, hidden = self._sniffed
        if header_at is None:
            self.refuse_second_header()
        cells = text.cut(self.utf8, dialect or found, at if header_at is None else header_at, hidden_first=hidden)
        return text_table(self.name, cells)

    @cached_property
    def sqlite_tables(self) -> dict[str, list[list[str]]]:
        """The tables of a SQLite file as text, the names of the columns first; read from memory, never written."""
        data = bytearray(self.data)
        if int.from_bytes(data[16:18], "big") * int.from_bytes(data[28:32], "big") > len(data):  # pages, as it says
            raise Unreadable("the database is cut off", "copy the database again while no program uses it", self.name)
        data[18:20] = b"\x01\x01"  # without its write-ahead log a file in that mode would not open
        tables = {}
        try:
            with closing(sqlite3.connect(":memory:")) as base:
                base.deserialize(bytes(data))
                base.execute("pragma trusted_schema = off")
                base.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, SQL_LENGTH)
                steps = iter(range(SQL_STEPS))
                base.set_progress_handler(lambda: next(steps, None) is None, 1_000_000)
                names = base.execute("select name from sqlite_master where type = 'table' order by name").fetchall()
                for (name,) in names:
                    cursor = base.execute('select * from "{}"'.format(name.replace('"', '""')))
                    header = [column[0] for column in cursor.description]
                    tables[name] = [header, *([_sql_text(cell) for cell in row] for row in cursor)]
        except (sqlite3.DatabaseError, OverflowError) as error:
            fix = "copy the database again while no program uses it"
            raise Unreadable(f"not readable as SQLite: {error}", fix, self.name) from error
        return tables

    @cached_property
    def _parquet(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(pa.BufferReader(self.data))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise Unreadable(f"not readable as Parquet: {error}", "write the file again", self.name) from error

    def parquet_table(self) -> TypedTable:
        """A Parquet file, its rows numbered from 1; whole, because a date or a repeated count is told from all rows."""
        try:
            frame = self._parquet.read().to_pandas()
        except (pa.ArrowException, OSError, ValueError) as error:
            raise Unreadable(f"not readable as Parquet: {error}", "write the file again", self.name) from error
        return TypedTable(self.name, list(frame.columns), frame, np.arange(1, len(frame) + 1, dtype=np.int64))

    # ---- what the name says

    @property
    def days_in_name(self) -> list[np.datetime64]:
        """Days written in the file's name, in their order: ``2026-03-02``, ``20260302``, ``03-02-2026`` (US)."""
        days = []
        pattern = r"(?<!\d)(?:(\d{4})[-_.]?(\d{2})[-_.]?(\d{2})|(\d{1,2})-(\d{1,2})-(\d{4}))(?!\d)"
        for match in re.finditer(pattern, self.stem):
            year, month, day, us_month, us_day, us_year = match.groups()
            parts = (year, month, day) if year else (us_year, us_month.zfill(2), us_day.zfill(2))
            try:
                days.append(np.datetime64("-".join(parts), "D"))
            except ValueError:  # digits that are no day: a report number
                continue
        return days

    @property
    def name_words(self) -> list[str]:
        """The words of the file's name and of its folders, nearest first, each level one string."""
        levels = [self.stem, *reversed(PurePosixPath(self.name).parts[:-1])]
        return [" ".join(_name_tokens(level)) for level in levels]


class SheetFile(File):
    """Sheets of a workbook, read as a file of their own.

    Parameters
    ----------
    book : File
        The workbook.
    sheets : list of Sheet
        What is read of it; told again when it was forgotten.
    sheet : Sheet
        The one it is called after.
    first : bool
        The first table of a workbook goes by the workbook's own name, as it does where there is no other; each
        further one is ``file.xlsx [sheet]``.
    keep : bool
        Never forget the cells: they are few, or the workbook would be opened too often.
    place : int
        Which of the workbook's sheets it is, from the earliest to the latest.
    """

    def __init__(
        self, book: File, sheets: list[Sheet], sheet: Sheet, *, first: bool, keep: bool = False, place: int = 0
    ) -> None:
        # What stands behind a slash would be taken for the name of the file.
        self._title = " ".join(sheet.name.replace("/", " ").split())
        self._behind = "" if first else f" [{self._title}]"
        super().__init__(f"{book.name}{self._behind}", book.folder, book._load, book.size, book._rules)
        self._book, self._own, self._names = book, sheet.name, frozenset(one.name for one in sheets)
        self.kind = "workbook"
        self.place = place
        self.sheets = sheets
        self._kept = sheets if keep else None

    def forget(self) -> None:
        """Give back the memory of what was read."""
        super().forget()
        if self._kept is not None:
            self.sheets = self._kept

    @property
    def base(self) -> str:
        """Name of the workbook, and of the sheet if it is not the first."""
        return self._book.base + self._behind

    @property
    def stem(self) -> str:
        """That of the workbook: days and persons stand in it."""
        return self._book.stem

    @property
    def title(self) -> str:
        """Name of the sheet."""
        return self._title

    @property
    def book(self) -> File:
        """The workbook."""
        return self._book

    @property
    def sheet(self) -> Sheet | None:
        """The one it is called after: it was recognised by it, whatever stands to the left of it."""
        return next((sheet for sheet in self.sheets if sheet.name == self._own), None)

    @cached_property
    def sha256(self) -> str:
        """Of the bytes of the workbook, and of which sheet it is, if it is not the first."""
        return hashlib.sha256(self.data + self._behind.encode()).hexdigest()

    @cached_property
    def sheets(self) -> list[Sheet]:
        """The sheets that are read together."""
        with self._named():
            return read_sheets(self.data, self._names)

    @property
    def name_words(self) -> list[str]:
        """Those of the workbook; then of the sheet, where it may be called after a person.

        A lone word is not taken for one: "Jan", "April" and "May" are months here.
        """
        own = _name_tokens(self._title)
        return [*self._book.name_words, *([" ".join(own)] if len(own) > 1 and len(self._names) == 1 else [])]


class Folder:
    """A folder of the user, or a zip opened as one.

    Attributes
    ----------
    name : str
        Path below the data folder; "" for the data folder itself.
    files : list of File
        Directly in it, in order of their names.
    folders : list of Folder
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.files: list[File] = []
        self.folders: list[Folder] = []

    def __repr__(self) -> str:
        return f"Folder({self.name!r})"

    def get(self, base: str) -> File | None:
        """The file of this name (without regard to case) directly in the folder."""
        return next((file for file in self.files if file.base.lower() == base.lower()), None)

    def walk(self) -> Iterator[Folder]:
        """The folder and all below it, in order of their names."""
        yield self
        for folder in self.folders:
            yield from folder.walk()

    def all_files(self) -> list[File]:
        """All files in it and below it."""
        return [file for folder in self.walk() for file in folder.files]


class ReadingRules:
    """What a file must know to read itself: the settings and the header words of all readers."""

    def __init__(self, settings: Settings, words: Collection[str] = frozenset()) -> None:
        self.settings, self.words = settings, frozenset(words)

    def encoding(self, file: File) -> str | None:
        """The user's answer for a file, by its name or its path."""
        return self.settings.encoding.get(file.name) or self.settings.encoding.get(file.base)


def open_folder(root: Path, rules: ReadingRules) -> tuple[Folder, list[tuple[str, str]], list[Problem]]:
    """List a data folder; zips are opened.

    Returns
    -------
    tuple of (Folder, list, list)
        The folder; what was passed over: (name, why); and what cannot or must not be opened.
    """
    listing = Listing(rules, root.resolve())
    top = Folder("")
    listing.fill(top, root)
    return top, listing.passed, listing.refused


class Listing:
    """Goes through a folder and its zips once.

    Attributes
    ----------
    passed : list of (str, str)
        Names that are never data, and why.
    refused : list of Problem
        Zips and links that cannot or must not be opened.
    unpacked : int
        Bytes in all zips so far.
    """

    def __init__(self, rules: ReadingRules, root: Path) -> None:
        self.rules, self.root = rules, root
        self.passed: list[tuple[str, str]] = []
        self.refused: list[Problem] = []
        self.unpacked = 0
        # Members are read in the order of their names: the last few zips are the ones asked for again.
        self._archive = lru_cache(maxsize=MAX_ZIP_DEPTH + 1)(_open_archive)

    def fill(self, folder: Folder, path: Path) -> None:
        """List a folder of the disk; links are not followed."""
        for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
            base = _as_text(entry.name)
            name = f"{folder.name}/{base}" if folder.name else base
            if is_ignored(base):
                self.passed.append((name, "not an export"))
            elif entry.is_symlink():
                self.judge_link(name, Path(entry.path))
            elif entry.is_dir(follow_symlinks=False):
                inner = Folder(name)
                self.fill(inner, Path(entry.path))
                folder.folders.append(inner)
            elif entry.is_file():
                path = Path(entry.path)
                load, load_head = (_disk_loader(path, limit) for limit in (-1, text.HEAD_BYTES))
                self.add(folder, File(name, folder, load, entry.stat().st_size, self.rules, load_head, path))
            else:
                self.passed.append((name, "not a file"))

    def judge_link(self, name: str, path: Path) -> None:
        """A link within the folder leads to what is read anyway; one out of it could lead to anything."""
        target = Path(os.path.realpath(path))
        if not target.exists():
            self.passed.append((name, "a link to nothing"))
        elif target.is_relative_to(self.root):
            self.passed.append((name, "a link to another place of this folder"))
        else:
            fix = "copy what it leads to into the folder, or remove the link"
            self.refused.append(Problem(name, "a link out of the folder: it is not followed", fix))

    def add(self, folder: Folder, file: File, depth: int = 0) -> None:
        """Put a file into its folder, or open it if it is a zip."""
        try:
            if not (file.starts_like_a_zip and file.kind == "zip"):
                folder.files.append(file)
                return
            if depth < MAX_ZIP_DEPTH:
                self.open_zip(folder, file, depth + 1)
            else:
                self.refuse(file, f"a zip inside a zip, and so on {depth + 1} times")
            file.forget()
        except Unreadable as error:
            self.refused.append(Problem(error.where or file.name, error.found, error.fix))

    def refuse(self, file: File, why: str) -> None:
        """Leave a zip alone, aloud."""
        self.refused.append(Problem(file.name, why, "take it out, or unpack it into the folder"))

    def open_zip(self, folder: Folder, file: File, depth: int) -> None:
        """A zip as a folder; members are unpacked in memory only, so their names can reach nothing on disk."""
        outer = Folder(file.name)
        inner_folders = {"": outer}
        members = sorted(self._archive(file).infolist(), key=lambda member: member.filename)
        why = bounds.zip_refusal(members, len(file.data), self.unpacked)
        if why:
            self.refuse(file, why)
            return
        self.unpacked += sum(member.file_size for member in members)
        folder.folders.append(outer)
        for member in members:
            parts = tuple(
                part for part in PurePosixPath(member.filename.replace("\\", "/")).parts if part not in _NO_NAMES
            )
            if member.is_dir() or not parts:
                continue
            name = "/".join((file.name, *map(_as_text, parts)))
            if any(is_ignored(part) for part in parts) or bounds.is_link(member):
                self.passed.append((name, "a link" if bounds.is_link(member) else "not an export"))
                continue
            inside = _inner_folder(outer, inner_folders, parts[:-1])
            self.add(inside, File(name, inside, self._loader(file, member), member.file_size, self.rules), depth)

    def _loader(self, file: File, member: zipfile.ZipInfo) -> Callable[[], bytes]:
        def load() -> bytes:
            try:
                return self._archive(file).read(member)
            except bounds.BROKEN_ZIP as error:
                raise Unreadable(f"damaged inside the zip: {error}", "download the archive again") from error

        return load


def _open_archive(file: File) -> zipfile.ZipFile:
    """The zip in a file; keeps the packed bytes, not the file's."""
    return zipfile.ZipFile(io.BytesIO(file.data))


def _disk_loader(path: Path, limit: int) -> Callable[[], bytes]:
    def load() -> bytes:
        try:
            with path.open("rb") as file:
                return file.read(limit)
        except OSError as error:
            raise Unreadable(f"cannot be read: {error.strerror}", "make it readable, or take it out") from error

    return load


def _as_text(base: str) -> str:
    """A file name that can be written anywhere; bytes that are no text are shown as numbers."""
    return base if base.isprintable() else os.fsencode(base).decode("utf-8", "backslashreplace")


def is_ignored(base: str) -> bool:
    """Whether a name is one of those that are never data."""
    low = base.lower()
    return low.startswith((".", "~$", "readme", "__macosx")) or low in IGNORED


def _inner_folder(outer: Folder, known: dict[str, Folder], parts: tuple[str, ...]) -> Folder:
    for depth in range(1, len(parts) + 1):
        key = "/".join(parts[:depth])
        if key not in known:
            known[key] = Folder(f"{outer.name}/{key}")
            known["/".join(parts[: depth - 1])].folders.append(known[key])
    return known["/".join(parts)]


def _kind(data: bytes) -> str:
    head = data[:2048]
    if not data.strip():
        return "empty"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(data)
    if data.startswith(_OLE):
        return "workbook"  # old .xls, also a locked .xlsx
    if data.startswith(b"SQLite format 3\x00"):
        return "sqlite"
    if data.startswith(b"PAR1"):
        return "parquet"
    if data.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh")):
        return "binary"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] in (b"{", b"["):
        return "json"
    if re.match(rb"(?is)<(?:!doctype html|html|head|body|table|meta|code|div|!--)", start):
        return "html"
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff")) or text._utf16_without_mark(head)
    if not wide and sum(byte < 9 or 13 < byte < 32 for byte in head) > 0.02 * len(head) and b"," not in head:
        return "binary"
    return "text"


def _zip_kind(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
    except bounds.BROKEN_ZIP:
        return "damaged"
    return "workbook" if any(part in names for part in _WORKBOOK_PARTS) else "zip"


def _without_first_line(utf8: bytes, hidden: bool) -> str:
    shown = utf8.decode("utf-8", "ignore")
    return shown.split("\n", 1)[1] if hidden and "\n" in shown else shown


def _name_tokens(level: str) -> list[str]:
    """The words of one part of a path: camel case split, digits and punctuation left out."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", re.sub(r"\.\w{2,4}$", "", level))
    return [token for token in re.split(r"[\W\d_]+", spaced) if token]


def _sql_text(cell: object) -> str:
    if cell is None or isinstance(cell, bytes):
        return ""
    return cell_text(cell)
