"""Files that are whole or not there: written beside their place and moved into it.

Whoever reads at the same moment, or pulls the plug, sees the old file or the new one.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ssi_audit.errors import DataError, Problem

READABLE = 0o644
PRIVATE = 0o600


def write_whole(
    path: Path, content: bytes | str, *, mode: int = READABLE, prefix: str = "", durable: bool = False
) -> None:
    """Write a file whole or not at all.

    Parameters
    ----------
    path : Path
        Its folder is made if it is missing.
    content : bytes or str
        Text is written as UTF-8.
    mode : int
        Rights of the finished file; until then only its owner can read it.
    prefix : str
        Of the unfinished file, so that a killed run's leftovers can be told; default: a dot and the file's name.
    durable : bool
        Wait until the bytes are on the disk.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=prefix or f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        Path(part).chmod(mode)
        Path(part).replace(path)
    except BaseException as error:
        Path(part).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, part):
            error.filename = str(path)  # a full disk names no file, and nobody knows the unfinished one
        raise


def check_apart(source: Path, *outputs: Path) -> None:
    """Refuse to write into the folder that is read: the next run would read what this one made.

    Parameters
    ----------
    source : Path
        The data folder.
    *outputs : Path
        Files or folders to be written.

    Raises
    ------
    DataError
        With every one that lies in the data folder, or is it.
    """
    inside = [out for out in outputs if out.resolve().is_relative_to(source.resolve())]
    if inside:
        fix = "choose a place outside of it with --out"
        raise DataError([Problem("", f"{out} lies in the data folder itself", fix) for out in inside])
