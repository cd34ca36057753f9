"""Exports as received → tables: detection, dispatch, all problems at once.

`read_exports` reads every file of a folder (zips are opened as folders), asks each reader whether it knows the
file, lets the best one read it, resolves persons to codes and settles what was received twice. All problems of all
files are raised together, before anything else happens.

How to write a reader
---------------------
Put a module into this folder; it is found by itself. It has

``KIND``
    What the file is, in words for the user: ``"Pipedrive deals"``.
``HEADER_WORDS``
    Header cells of the format in any spelling. They help to find encoding, separator and header row.
``recognises(file) -> float``
    0 for "not mine" up to 1 for "certainly mine", by CONTENT (`File.kind`, `File.words`, `File.header`,
    `File.json`, `File.sheets`), never by name alone. The highest score wins; 0.5 is "the header words fit".
``read(file, context) -> Iterator[Rows]``
    Frames for any of ssi, activity, crm_events, quotas, absences, people, and a `Ledger`.
``SHEETS``, optional
    Each sheet of a workbook is a file of its own for a reader, but where this is ``"all"`` (the reader takes the
    whole workbook) or ``"own"`` (it takes all sheets that it recognises, and those that nobody does, together).
``claims(folder) -> list[File]`` and ``read_folder(folder, files, context) -> Iterator[Rows]``, optional
    For formats of several files (archives, data exports): the files taken out of a folder or zip (its own and
    those below it); asked for every folder from the top, before `recognises` is asked for single files.

A reader of a table looks like this::

    def read(file, context):
        table = file.table()                          # str cells, row numbers; Unreadable becomes a problem
        owner = table.find("Deal - Owner", "Owner")   # a column by any of its names, or None
        status = table.words("Deal - Status").str.lower()
        ledger = table.ledger(context)                # all rows "used"; blank lines, trailers, ragged lines seen to
        deleted = status.eq("deleted").to_numpy()
        ledger.skip(ledger.at(table.rows[deleted]), "deleted in the CRM")
        frame = pd.DataFrame({
            "person": identities(name=table.words(owner), pipedrive_user=table.words(owner)),
            "date": table.days(table.find("Deal - Deal created"), context),    # order decided on the whole column
            "kind": "opportunity",
            "amount": table.numbers(table.find("Deal - Value"), context),      # decimal sign decided on the column
            "row": table.rows,
        })
        yield Rows(ledger, crm_events=frame[~deleted])

Rules: never raise for a bad cell (`Table.numbers` and `Table.times` record it; `context.problem` for the rest);
give every frame a column ``row``; give one activity row per action with count 1 (the frame adds up within a file;
of the same day and metric in two files the larger counts); put identities into ``person``, never names, and
`file_owner(file, context)` where the file does not say whose it is; a used row from which no frame row came is
marked as skipped by the frame; never store message texts or other people's names. Times with a zone become days
of `settings.timezone`; `Table.where(mask)` gives a part of a table when only some rows must be readable.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pandas as pd

from ssi_audit import schema
from ssi_audit.errors import DataError, Problem
from ssi_audit.exports import settle, workbooks
from ssi_audit.exports.files import File, Folder, ReadingRules, SheetFile, open_folder
from ssi_audit.exports.ledger import Ledger, empty_ledger, whole_file
from ssi_audit.exports.table import Context, Rows, Table, column_list
from ssi_audit.exports.text import Dialect, Unreadable, fold
from ssi_audit.names import file_owner, identities
from ssi_audit.people import NO_OWNER
from ssi_audit.settings import Settings, load_settings

if TYPE_CHECKING:
    from ssi_audit.exports.spool import Spool

__all__ = [
    "NO_OWNER", "Context", "Dialect", "File", "Folder", "Ledger", "Reading", "Rows", "Table", "Unreadable",
    "file_owner", "fold", "identities", "read_exports", "read_folder",
]  # fmt: skip

NOT_RECOGNISED = "not recognised"
# Said of a file that a reader fails on; tests that feed broken files take it for a failure of ours.
FAULT = "this program fails on this file"
FAULT_FIX = "go on without it (--skip-unreadable), and please report this line without your data"
# Kinds that could be exports: a file of another kind is passed over without a word.
DATA_KINDS = ("text", "json", "html", "workbook", "sqlite", "parquet")
# Modules that a small folder has no use for.
FOR_LARGE_FOLDERS = ("chunks", "spool", "bulk", "bulk_write")


@dataclass(frozen=True)
class Reading:
    """Everything that came out of a folder.

    Attributes
    ----------
    tables : schema.Tables
    unmatched : dict of str to pandas.DataFrame
        Rows of ssi, activity, … that belong to nobody known, ``person`` as received.
    proposals : pandas.DataFrame
        Names that are not known, each with the nearest known one; `people.REVIEW_COLUMNS`.
    kinds : dict of str to str
        File → what it was recognised as.
    folder : str
        What was read.
    """

    tables: schema.Tables
    unmatched: dict[str, pd.DataFrame]
    proposals: pd.DataFrame
    kinds: dict[str, str]
    folder: str = ""


def read_exports(
    folder: Path | str, settings: Settings | None = None, *, skip_unreadable: bool = False
) -> schema.Tables:
    """Read a folder with any mix of exports.

    Parameters
    ----------
    folder : path
        Read with all sub-folders; zips are opened as folders.
    settings : Settings, optional
        Default: ``ssi-audit.toml`` in the folder, or the defaults.
    skip_unreadable : bool
        Leave out files with problems (they are listed in the ledger) instead of stopping.

    Returns
    -------
    schema.Tables
        Persons are codes; the order of files on disk does not matter.

    Raises
    ------
    DataError
        All problems of all files.
    """
    return read_folder(folder, settings, skip_unreadable=skip_unreadable).tables


def read_folder(folder: Path | str, settings: Settings | None = None, *, skip_unreadable: bool = False) -> Reading:
    """As `read_exports`, with what belongs to nobody known and the proposals for it."""
    settings = settings if settings is not None else load_settings(Path(folder))
    return settle.build(receive(folder, settings, skip_unreadable=skip_unreadable))


def receive(
    folder: Path | str, settings: Settings, *, skip_unreadable: bool = False, spool: Spool | None = None
) -> Received | None:
    """Let every file be read by the reader that knows it; persons are not resolved yet.

    Parameters
    ----------
    spool : spool.Spool, optional
        Takes the rows of large plain tables. Where there are none, nothing is read and None returned.

    Raises
    ------
    DataError
        All problems of all files.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(Problem(str(folder), "there is no such folder", "name the folder that holds the exports"))
    rules = ReadingRules(settings, header_words())
    top, passed, refused = open_folder(folder, rules)
    if spool is not None and not spool.choose(top):
        return None
    received = Received(str(folder), spool)
    received.ledgers += [whole_file(name, 0, why) for name, why in passed]
    for problem in refused:
        received.problem(problem, skip_unreadable)
    for reader, source, files in _units(top):
        _read_unit(reader, source, files, settings, received, skip_unreadable)
    if received.problems:
        raise DataError(received.problems)
    return received


class Received:
    """What all readers gave, before persons are resolved.

    Attributes
    ----------
    folder : str
        What was read.
    rows : list of Rows
        In the order of the files' names.
    readers : list of str
        Name of the reader of each of `rows`.
    ledgers : list of pandas.DataFrame
        Of files that were not read.
    hashes : dict of str to str
        File → sha256.
    kinds : dict of str to str
        File → what it was recognised as.
    tabs : dict of str to tuple of (str, int)
        Sheet that was read as a file → its workbook, and its place there.
    spool : spool.Spool, optional
        Takes the rows of large files.
    """

    def __init__(self, folder: str = "", spool: Spool | None = None) -> None:
        self.folder, self.spool = folder, spool
        self.rows: list[Rows] = []
        self.readers: list[str] = []
        self.ledgers: list[pd.DataFrame] = [empty_ledger()]
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self.hashes: dict[str, str] = {}
        self.kinds: dict[str, str] = {}
        self.tabs: dict[str, tuple[str, int]] = {}

    def problem(self, problem: Problem, skip: bool) -> None:
        """Something that stops the run, or, if the user wants that, leaves the file out."""
        if skip:
            self.notes.append(f"{problem.where} was left out: {problem.found}")
            self.ledgers.append(whole_file(problem.where, 0, "unreadable", problem.found))
        else:
            self.problems.append(problem)

    @property
    def fingerprint(self) -> str:
        """sha256 over the names and the bytes of all files."""
        lines = "\n".join(f"{name} {digest}" for name, digest in sorted(self.hashes.items()))
        return hashlib.sha256(lines.encode()).hexdigest()


@cache
def readers() -> tuple[ModuleType, ...]:
    """All modules of this folder that can read, in order of their names."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if module.name not in FOR_LARGE_FOLDERS]
    modules = (importlib.import_module(f"{__name__}.{name}") for name in names)
    return tuple(module for module in modules if hasattr(module, "recognises") and hasattr(module, "read"))


@cache
def header_words() -> frozenset[str]:
    """Header words of all formats, folded."""
    return frozenset(fold(word) for reader in readers() for word in reader.HEADER_WORDS) - {""}


def recognise(file: File) -> ModuleType | None:
    """The reader that knows a file best, None if none does."""
    scored = [(reader.recognises(file), reader) for reader in readers()]
    best = max((score for score, _ in scored), default=0)
    return next((reader for score, reader in scored if score == best), None) if best > 0 else None


def _units(top: Folder) -> list[tuple[ModuleType | None, File | Folder, list[File]]]:
    """What is read together, by whom, in order of the names: folders that a reader claims, then single files."""
    units: list[tuple[ModuleType | None, File | Folder, list[File]]] = []
    taken: set[str] = set()
    for folder in top.walk():
        folder.files = [part for file in folder.files for part in workbooks.split(file, recognise)]
    for folder in top.walk():
        for reader in readers():
            if not hasattr(reader, "claims"):
                continue
            try:
                files = [file for file in reader.claims(folder) if file.name not in taken]
            except Exception:  # one of the files is broken: each is then read on its own, and the broken one is named
                continue
            if files:
                units.append((reader, folder, files))
                taken |= {file.name for file in files}
    for file in top.all_files():
        if file.name not in taken:
            units.append((None, file, [file]))
    return sorted(units, key=lambda unit: unit[2][0].name)


def _read_unit(reader, source, files: list[File], settings, received: Received, skip_unreadable: bool) -> None:
    """Read one file, or the files that a reader claimed, and put what came out to the rest."""
    context = Context(settings)
    rows: list[Rows] = []
    strangers: list[pd.DataFrame] = []
    try:
        received.hashes |= {file.name: file.sha256 for file in files}
        received.tabs |= {file.name: (file.book.name, file.place) for file in files if isinstance(file, SheetFile)}
        if reader is not None:
            rows = list(reader.read_folder(source, [file.whole for file in files], context))
        elif (reader := recognise(source)) is not None:
            in_blocks = received.spool is not None and source is not source.whole
            rows = received.spool.read(source, context) if in_blocks else list(reader.read(source, context))
        else:
            strangers.append(_not_recognised(source, context))
    except Unreadable as error:
        context.problem(error.where or source.name, error.found, error.fix)
    except Exception as error:  # a file made to break readers, or a fault of a reader: one file, never a traceback
        context.problem(source.name, f"{FAULT}: {type(error).__name__}: {error}"[:300], FAULT_FIX)
    finally:
        for file in files:
            file.forget()
    if context.problems and skip_unreadable:
        received.notes.append(f"{context.problems[0].where} was left out: {context.problems[0].found}")
        received.ledgers += _left_out(files, rows, context)
        return
    received.problems += context.problems
    received.notes += context.notes
    received.ledgers += strangers
    received.rows += rows
    if reader is not None:
        received.readers += [reader.__name__.rpartition(".")[2]] * len(rows)
        for name in [*(item.ledger.file for item in rows), *(file.name for file in files)]:
            received.kinds.setdefault(name, reader.KIND)


def _not_recognised(file: File, context: Context) -> pd.DataFrame:
    """The ledger of a file that no reader knows: listed, with a note if it could be an export."""
    if file.kind == "damaged":
        raise Unreadable("the file is cut off or damaged: it cannot be opened", "download it again")
    if file.kind not in DATA_KINDS:
        return whole_file(file.name, 0, "empty file" if file.kind == "empty" else "not an export")
    _check_whole(file)
    n_rows, seen = 1, column_list(file.header[:8])
    if file.kind == "text":
        n_rows = max(sum(bool(line.strip()) for line in file.utf8.splitlines()) - 1, 0)
    elif file.kind == "workbook":
        n_rows = sum(len(sheet.cells) for sheet in file.sheets)
    what = "file" if file is file.book else "sheet"
    context.note(f"{file.name} is not a {what} this program knows{f' (columns: {seen})' if seen else ''}: left out")
    return whole_file(file.name, n_rows, NOT_RECOGNISED, seen)


def _check_whole(file: File) -> None:
    """A cut-off file is a problem, also when nobody can tell any more what it was."""
    if file.kind == "json" and file.base.lower().endswith(".json"):
        _ = file.json
    elif file.kind == "sqlite":
        _ = file.sqlite_tables
    elif file.kind == "parquet":
        file.parquet_table()


def _left_out(files: list[File], rows: Iterable[Rows], context: Context) -> list[pd.DataFrame]:
    """The ledger of a unit with problems: its rows are skipped, all of them."""
    reasons = {problem.where: problem.found for problem in reversed(context.problems)}
    read = {item.ledger.file: item.n_received for item in rows}
    names = dict.fromkeys([*(file.name for file in files), *read])
    return [whole_file(name, read.get(name, 0), "unreadable", reasons.get(name, "")) for name in names]
