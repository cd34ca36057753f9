"""Results of earlier runs, found again by what went into them.

A file is stored under the sha256 of its content, and an entry lists the files
of a key. Both are written beside their place and moved there, and both are
checked when read, so a run that was killed, a full disk or a curious editor
costs time but never shows a wrong page. Folders and files are the user's
alone: they hold what the report holds.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ssi_audit.writing import PRIVATE, write_whole

# A report of twenty pages is some 10 MB with its executed notebooks.
MAX_BYTES = 500_000_000
# A file being written; one that is a day old belongs to a run that was killed.
NEW = ".new-"


@dataclass(frozen=True)
class Entry:
    """Files of a key and what is known about how they were made."""

    files: dict[str, bytes]
    facts: dict


class Cache:
    """Files by key, in a folder.

    Parameters
    ----------
    folder : Path
        Made when something is stored.
    """

    def __init__(self, folder: Path) -> None:
        self._entries = folder / "entries"
        self._contents = folder / "contents"

    def get(self, key: str) -> Entry | None:
        """Files stored under a key, or None when any of them is missing or not what was stored."""
        path = self._entries / key
        entry = _read_entry(path)
        if entry is None:
            return None
        files = {name: self._content(digest) for name, digest in entry["files"].items()}
        if any(content is None for content in files.values()):
            return None
        _touch(path, *(self._contents / digest for digest in entry["files"].values()))
        return Entry(files, entry["facts"])

    def put(self, key: str, files: Mapping[str, bytes], facts: Mapping | None = None) -> None:
        """Store files under a key, with facts that are not part of it (such as seconds)."""
        digests = {name: _digest(content) for name, content in sorted(files.items())}
        for name, digest in digests.items():
            if self._content(digest) is None:
                write_privately(self._contents / digest, files[name])
        entry = {"files": digests, "facts": dict(facts or {})}
        write_privately(self._entries / key, _sealed(entry))

    def prune(self, max_bytes: int = MAX_BYTES) -> None:
        """Drop what has not been used for longest, until the rest fits."""
        known = []
        for path in [*_files(self._entries), *_files(self._contents)]:
            with contextlib.suppress(OSError):  # another run may be pruning too
                status = path.stat()
                known.append((status.st_mtime, status.st_size, path))
        known.sort(reverse=True)
        total = 0
        for changed, size, path in known:
            total += size
            left_behind = path.name.startswith(NEW) and time.time() - changed > 86_400
            if total > max_bytes or left_behind:
                path.unlink(missing_ok=True)

    def _content(self, digest: str) -> bytes | None:
        try:
            content = (self._contents / digest).read_bytes()
        except OSError:
            return None
        return content if _digest(content) == digest else None


def write_privately(path: Path, content: bytes) -> None:
    """Write a file that only the user can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(path, content, mode=PRIVATE, prefix=NEW)


def _sealed(entry: dict) -> bytes:
    text = json.dumps(entry, sort_keys=True)
    return json.dumps({"entry": entry, "seal": _digest(text.encode())}, sort_keys=True).encode()


def _read_entry(path: Path) -> dict | None:
    try:
        content = path.read_bytes()
        entry = json.loads(content)["entry"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return entry if _sealed(entry) == content else None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _touch(*paths: Path) -> None:
    for path in paths:
        with contextlib.suppress(OSError):  # a folder that cannot be written to can still be read from
            os.utime(path)


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else ()
