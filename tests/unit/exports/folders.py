"""Small folders of exports made in code, and reading them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from ssi_audit.errors import DataError
from ssi_audit.exports import Reading, read_folder
from ssi_audit.settings import Settings

SHARED = Path(__file__).resolve().parents[3].parent / "shared"

SSI_HEADER = "person,date,brand,people,insights,relationships,total"


def fill(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Write files (name → content; text as UTF-8) into a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def fill_zip(path: Path, files: dict[str, str]) -> Path:
    """Write files into a zip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def reading(folder: Path, files: dict[str, str | bytes] | None = None, **settings) -> Reading:
    """Read a folder, filled with files first."""
    skip = settings.pop("skip_unreadable", False)
    return read_folder(fill(folder, files or {}), Settings(**settings), skip_unreadable=skip)


def complaint(folder: Path, files: dict[str, str | bytes], **settings) -> str:
    """The text of the error that reading a folder ends in."""
    with pytest.raises(DataError) as caught:
        reading(folder, files, **settings)
    return str(caught.value)


def fates(read: Reading, file: str) -> list[tuple[int, int, str, str]]:
    """The ledger of a file: first and last row, status, reason."""
    own = read.tables.ledger[read.tables.ledger["file"] == file]
    return list(zip(own["first_row"], own["last_row"], own["status"], own["reason"]))


def named(read: Reading, table: str) -> list[tuple]:
    """Rows of a table as tuples, persons by name, dates as text; missing values are None."""
    names = dict(zip(read.tables.people["person"], read.tables.people["name"]))
    frame = getattr(read.tables, table)
    frame = frame.assign(person=frame["person"].map(names))
    for column in frame.columns:
        if str(frame[column].dtype).startswith("datetime"):
            frame[column] = frame[column].dt.strftime("%Y-%m-%d")
    return [
        tuple(None if value != value else value for value in row) for row in frame.itertuples(index=False, name=None)
    ]


needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the folder with shared fixtures is not beside the project"
)
