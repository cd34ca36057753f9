"""The made side of the house: one folder under data/processed per input, settings and code.

A run is looked up by a key over everything its numbers depend on; if the
folder is there, nothing is computed again. Notebooks, report and command line
all get their run here, so they cannot disagree. No name is written: persons
are codes, and file names that carry a name are masked.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssi_audit.errors import DataError, Problem
from ssi_audit.settings import FILE_NAME, Settings, load_settings

if TYPE_CHECKING:
    import pandas as pd

    from ssi_audit.results import Audit
    from ssi_audit.schema import Tables

PROJECT = Path(__file__).resolve().parents[2]
RAW, SAMPLE = "data/raw", "data/sample"
# Where runs are kept; the variable is for tests and for disks that are laid out differently.
PROCESSED, PROCESSED_VARIABLE = "data/processed", "SSI_AUDIT_PROCESSED"
TABLES = ("ssi", "activity", "crm_events", "people", "quotas", "absences", "ledger")
# Options that change words and looks, never a number.
PRESENTATION = ("language", "organisation")
# Parts of the package whose source a number depends on.
NUMBER_SOURCES = ("*.py", "exports/*.py", "stats/*.py", "*.toml")
# The report's own code and the commands never change a number.
NOT_NUMBERS = ("cli.py", "workspace.py", "bench.py", "worlds.py")
LIBRARIES = ("numpy", "scipy", "pandas", "statsmodels", "duckdb", "pyarrow")
KEEP_RUNS = 6
# Bytes from which large plain tables are read in blocks: five million rows or so, and 1.5 GB of memory.
LARGE = 256 * 1024**2
IGNORED_NAMES = ("README.md", "README.txt", "truth.json", ".gitkeep")


@dataclass(frozen=True)
class Run:
    """One input under one set of settings, read, joined and answered.

    Attributes
    ----------
    folder : pathlib.Path
        Where its tables lie as Parquet, beside ``manifest.json``.
    panel : pandas.DataFrame
    tables : Tables
        Persons are codes; `people` holds no name.
    audit : Audit
    settings : Settings
    """

    key: str
    folder: Path
    panel: pd.DataFrame
    tables: Tables
    audit: Audit
    settings: Settings


def processed() -> Path:
    """Folder of all runs."""
    return Path(os.environ.get(PROCESSED_VARIABLE) or PROJECT / PROCESSED)


def find_data(data: Path | str) -> tuple[Path, bool]:
    """Resolve the data folder; an empty ``data/raw`` means the sample.

    Returns
    -------
    folder : pathlib.Path
    sample : bool
        True when the invented sample stands in, or was asked for.

    Raises
    ------
    DataError
        If the folder does not exist.
    """
    folder = Path(data)
    if not folder.is_absolute() and not folder.exists():
        folder = PROJECT / folder
    if folder.is_file():
        fix = f"name the folder it lies in: {Path(data).parent}"
        raise DataError(Problem(str(data), "is a file, not a folder of exports", fix))
    if not folder.is_dir():
        raise DataError(Problem(str(data), "no such folder", "name a folder of exports: make report DATA=my/exports"))
    sample = (PROJECT / SAMPLE).resolve()
    if folder.resolve() == (PROJECT / RAW).resolve() and not list(input_files(folder)):
        return sample, True
    return folder, folder.resolve() == sample


def input_files(folder: Path) -> Iterator[Path]:
    """Files that can hold data, in an order that does not depend on the disk."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        # Links are not followed (`exports.files`), so what they lead to is no input.
        if path.is_file() and not path.is_symlink() and not hidden and path.name not in (*IGNORED_NAMES, FILE_NAME):
            yield path


def fingerprint(folder: Path) -> str:
    """Sha256 over names and bytes of all input files."""
    total = hashlib.sha256()
    for path in input_files(folder):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(os.fsencode(path.relative_to(folder).as_posix()) + f"\0{content}\n".encode())
    return total.hexdigest()


def code_fingerprint() -> str:
    """Sha256 over the source and the libraries that numbers depend on."""
    package = Path(__file__).parent
    total = hashlib.sha256()
    for pattern in NUMBER_SOURCES:
        for path in sorted(package.glob(pattern)):
            if path.name not in NOT_NUMBERS:
                total.update(path.name.encode() + b"\0" + path.read_bytes())
    for library in LIBRARIES:
        total.update(f"{library} {version(library)}\n".encode())
    return total.hexdigest()


def run_key(data_print: str, settings: Settings) -> str:
    """Key of everything that the numbers of a run depend on."""
    numeric = settings.model_dump(mode="json", exclude=set(PRESENTATION))
    text = json.dumps([data_print, numeric, code_fingerprint()], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def load_run(data: Path | str = SAMPLE, options: dict[str, Any] | None = None, **reading: Any) -> Run:
    """Return the run of a data folder, computing only what is not there yet.

    Parameters
    ----------
    data : path
        Folder of exports; relative to the working directory or the project.
    options : dict, optional
        Settings that take precedence over ``ssi-audit.toml`` of the folder.
    **reading
        Passed to `read_exports` (``skip_unreadable``).

    Raises
    ------
    DataError, SettingsError
        Every problem of the input at once.
    """
    asked = Path(data)
    folder, sample = find_data(data)
    settings = load_settings(asked if (asked / FILE_NAME).is_file() else folder, **(options or {}))
    data_print = fingerprint(folder)
    key = run_key(data_print + ("skip" if reading.get("skip_unreadable") else ""), settings)
    place = processed() / key[:12]
    if not (place / "manifest.json").is_file():
        _compute(folder, sample, settings, data_print, key, place, reading)
    return _read(place, key, settings)


def write_loaded(
    folder: Path, settings: Settings, out: Path, *, as_: str = "csv", skip_unreadable: bool = False, **bulk: int
) -> list[Path]:
    """Read a folder and write its tables: as `ssi-audit load` does.

    Large plain tables are read and written part by part (`exports.bulk`); the files have the same rows either way.

    Parameters
    ----------
    out : Path
    as_ : {"csv", "parquet"}
        The plain format with names, or what the panel needs with persons as codes.
    **bulk
        Passed to `exports.spool.Spool`.

    Returns
    -------
    list of Path
        What was written.
    """
    from ssi_audit.exports import read_folder
    from ssi_audit.exports.write import write_plain
    from ssi_audit.panel_files import write_tables

    if may_be_large(folder, bulk.get("from_bytes")):
        written = _write_large(folder, settings, out, as_, skip_unreadable, bulk)
        if written is not None:
            return written
    reading = read_folder(folder, settings, skip_unreadable=skip_unreadable)
    return write_tables(reading.tables, out) if as_ == "parquet" else write_plain(reading, out)


def may_be_large(folder: Path, from_bytes: int | None = None) -> bool:
    """Whether the files of a folder are large enough to ask what they are."""
    least = LARGE if from_bytes is None else from_bytes
    return sum(path.stat().st_size for path in input_files(folder)) >= least


def _write_large(
    folder: Path, settings: Settings, out: Path, as_: str, skip_unreadable: bool, bulk: dict[str, int]
) -> list[Path] | None:
    """Write the tables part by part; None where no large file is a plain table."""
    from ssi_audit.exports import receive
    from ssi_audit.exports.bulk import build
    from ssi_audit.exports.bulk_write import ParquetFiles, PlainFiles
    from ssi_audit.exports.spool import Spool
    from ssi_audit.panel_files import needed
    from ssi_audit.privacy import masked_files

    place = PlainFiles(folder, out) if as_ == "csv" else ParquetFiles(out, needed, masked_files)
    with place as output, tempfile.TemporaryDirectory(prefix=f".{out.name}-rows-", dir=out.parent) as rows:
        spool = Spool(Path(rows), **{"from_bytes": LARGE, **bulk})
        received = receive(folder, settings, skip_unreadable=skip_unreadable, spool=spool)
        return None if received is None else build(received, spool, output)


def _compute(
    folder: Path, sample: bool, settings: Settings, data_print: str, key: str, place: Path, reading: dict[str, Any]
) -> None:
    from ssi_audit.evidence import answer_json, audit_panel
    from ssi_audit.exports import read_exports
    from ssi_audit.panel import build_panel, write_panel
    from ssi_audit.privacy import coded_territories, public_settings, public_tables

    tables = coded_territories(read_exports(folder, settings, **reading), settings)
    tables = dataclasses.replace(tables, fingerprint=data_print, sample=sample)
    panel = build_panel(tables, settings)
    found = audit_panel(panel, tables, settings)
    public = public_tables(tables, settings)
    with new_folder(place) as part:
        for name in TABLES:
            getattr(public, name).to_parquet(part / f"{name}.parquet", index=False)
        write_panel(panel, part / "panel.parquet")
        (part / "answer.json").write_text(answer_json(found), encoding="utf-8")
        manifest = {
            "key": key,
            "data_fingerprint": data_print,
            "settings": public_settings(
                settings.model_dump(mode="json", exclude=set(PRESENTATION)), settings.show_names
            ),
            "code": code_fingerprint(),
            "sample": sample,
            "notes": list(public.notes),
            "files": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(part.iterdir())},
        }
        (part / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False), encoding="utf-8")
    prune(place.parent, keep=place.name)


def _read(place: Path, key: str, settings: Settings) -> Run:
    import pandas as pd

    from ssi_audit.panel import read_panel
    from ssi_audit.results import audit_from_dict
    from ssi_audit.schema import Tables

    manifest = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
    frames = {name: pd.read_parquet(place / f"{name}.parquet") for name in TABLES}
    tables = Tables(
        **frames,
        notes=tuple(manifest["notes"]),
        fingerprint=manifest["data_fingerprint"],
        sample=manifest["sample"],
    )
    answer = json.loads((place / "answer.json").read_text(encoding="utf-8"))
    # The numbers may be those of a run in another language: whose settings a report shows are this run's.
    found = dataclasses.replace(audit_from_dict(answer), settings_fingerprint=settings.fingerprint())
    return Run(key, place, read_panel(place / "panel.parquet"), tables, found, settings)


@contextlib.contextmanager
def new_folder(place: Path) -> Iterator[Path]:
    """Fill a private folder beside `place` and move it there when it is complete.

    A run that is killed leaves only a hidden folder, which the next run removes; two runs at once make the same
    folder twice and the first one stays.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        yield part
        try:
            part.rename(place)
        except OSError:
            if not place.is_dir():
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def prune(root: Path, keep: str) -> None:
    """Drop the oldest runs and what killed runs left behind."""
    runs = [path for path in root.iterdir() if (path / "manifest.json").is_file() and not path.name.startswith(".")]
    newest = sorted(runs, key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest[KEEP_RUNS:]:
        if path.name != keep:
            shutil.rmtree(path, ignore_errors=True)
    for path in root.glob(".*-*"):
        if path.is_dir() and _is_stale(path):
            shutil.rmtree(path, ignore_errors=True)


def _is_stale(path: Path) -> bool:
    import time

    return time.time() - path.stat().st_mtime > 3600
