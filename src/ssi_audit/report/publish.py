"""Put a finished report in place of the old one: whole, or not at all.

A report is built in a private folder beside the target and the two folders
are exchanged in one step of the file system. Whatever else the user keeps in
the target moves along; a manifest knows which files are ours. Where folders
cannot be exchanged (the target is a mount point, or the folder one works in),
files are moved one by one from a folder that the next run finishes if this
one is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ssi_audit.errors import Problem, SettingsError, UserError
from ssi_audit.report.locks import try_lock

MANIFEST = ".manifest.json"
# Files of the old report that the new one no longer has, where files are moved one by one.
OBSOLETE = ".obsolete.json"
# The answer goes last, after the pages it links to.
ANSWER = "index.html"
# More files than this that are not ours: the target is somebody's working folder, not a place for reports.
MANY_FILES = 1000


class OutputBusy(UserError):
    """Another run is writing to the same output."""


@dataclass(frozen=True)
class Manifest:
    """Which files of a folder are ours, and what they were made from.

    Attributes
    ----------
    run_key : str
        Fingerprint of everything that went into the report.
    files : dict of str to str
        Path inside the folder → sha256.
    facts : dict
        What the next run may want to know: verdict, failed pages.
    """

    run_key: str
    files: dict[str, str]
    facts: dict


def read_manifest(out: Path) -> Manifest | None:
    """Manifest of a folder; None when there is none that can be read."""
    try:
        content = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
        return Manifest(content["run_key"], dict(content["files"]), dict(content["facts"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def current_facts(out: Path, run_key: str) -> dict | None:
    """Facts of the report in a folder if it is whole, without failures and made from the same things; else None."""
    manifest = read_manifest(out)
    if manifest is None or manifest.run_key != run_key or manifest.facts.get("failed"):
        return None
    whole = all(_digest_of(out / name) == digest for name, digest in manifest.files.items())
    return manifest.facts if whole else None


def check_output(out: Path, names: Mapping[str, object] | list[str] = ()) -> None:
    """Refuse a target that cannot be written to, or that holds files of the user under our names.

    Raises
    ------
    SettingsError
        With every such file.
    """
    if out.exists() and not out.is_dir():
        raise SettingsError(Problem("", f"{out} is a file; a report needs a folder", "choose another --out"))
    manifest = read_manifest(out)
    ours = manifest.files if manifest else {}
    taken = [name for name in names if name not in ours and os.path.lexists(out / name)]
    if taken:
        fix = "move it away, or choose another --out"
        raise SettingsError(
            [Problem(str(out), f"{name} is there and was not made by ssi-audit", fix) for name in taken]
        )


@contextlib.contextmanager
def locked(out: Path, wait: float = 900, on_wait: Callable[[], None] | None = None) -> Iterator[Path]:
    """Hold a target for one run, and mend what a killed run left.

    The system drops the lock when the run ends, however it ends.

    Yields
    ------
    Path
        A private folder for the run, on the same file system as the target.

    Raises
    ------
    OutputBusy
        If another run holds it for longer than `wait` seconds.
    """
    work = workplace(out)
    try:
        work.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (work / "lock").open("ab")
    except OSError as error:
        raise SettingsError(
            Problem("", f"cannot write beside {out}: {error.strerror}", "choose another --out")
        ) from error
    with lock:
        deadline = time.monotonic() + wait
        waiting = False
        while not try_lock(lock.fileno()):
            if time.monotonic() >= deadline:
                raise OutputBusy(f"Another run is writing to {out}. Wait until it is done, or choose another --out.")
            if not waiting and on_wait is not None:
                on_wait()
            waiting = True
            time.sleep(0.1)
        _mend(out, work)
        yield work


def workplace(out: Path) -> Path:
    """Folder for the lock and unfinished reports of a target, on its file system.

    ``.cache/ssi-audit`` beside it; inside it where the parent cannot be written to or is another file system.
    """
    out = out.resolve()
    parent = next(folder for folder in out.parents if folder.exists())
    beside = os.access(parent, os.W_OK) and not (out.exists() and out.stat().st_dev != parent.stat().st_dev)
    return (out.parent if beside else out) / ".cache" / "ssi-audit" / "outputs" / (out.name or "report")


def publish(out: Path, work: Path, files: Mapping[str, bytes], run_key: str, facts: Mapping | None = None) -> None:
    """Replace the report in a folder by new files; what is not ours stays.

    Parameters
    ----------
    out : Path
        The target; made if missing.
    work : Path
        What `locked` yielded.
    files : mapping
        Path inside the folder → content.
    run_key, facts
        For the manifest.

    Raises
    ------
    SettingsError
        If a file of the user has the name of one of ours (`check_output`).
    OSError
        If the disk is full or not writable; the old report is untouched then.
    """
    out = out.resolve()
    check_output(out, list(files))
    old = read_manifest(out)
    ours = {*old.files, MANIFEST} if old else set()
    with _building(work) as new:
        for name, content in files.items():
            _write(new / name, content)
        foreign = list(_foreign(out, ours))
        exchange = _may_exchange(out, work, foreign)
        if exchange:
            for name in foreign:
                _take_along(out / name, new / name)
        # Last: a folder without a manifest is known to be unfinished.
        _write(new / MANIFEST, _manifest(run_key, files, facts))
        if out.exists():
            new.chmod(out.stat().st_mode & 0o7777)
        if exchange and _exchange(new, out, work):
            return
        _write(new / OBSOLETE, json.dumps(sorted(ours - set(files) - {MANIFEST})).encode())
        ready = work / "ready"
        new.rename(ready)
        _move_in(ready, out)


@contextlib.contextmanager
def _building(work: Path) -> Iterator[Path]:
    """A folder to build in; afterwards whatever is there (the old report, or a failed try) is removed."""
    private = Path(tempfile.mkdtemp(dir=work, prefix="building-"))
    (private / "report").mkdir()  # with the permissions that any new folder of the user has
    try:
        yield private / "report"
    finally:
        shutil.rmtree(private, ignore_errors=True)


def _mend(out: Path, work: Path) -> None:
    """Finish or undo what a killed run left."""
    if (work / "ready").exists():
        _move_in(work / "ready", out)
    aside = work / "aside"
    if aside.exists() and not out.exists():
        aside.rename(out)
    for folder, old in [(aside, aside), *((path, path / "report") for path in work.glob("building-*"))]:
        _rescue(old, out)
        shutil.rmtree(folder, ignore_errors=True)


def _exchange(new: Path, out: Path, work: Path) -> bool:
    """Let the new folder and the target change places; False when the target cannot be moved."""
    try:
        if not out.exists():
            out.parent.mkdir(parents=True, exist_ok=True)
            new.rename(out)
            return True
        if not _swap(new, out):
            # Two steps; a run killed between them leaves no report until the next run puts the old one back.
            aside = out.rename(work / "aside")
            try:
                new.rename(out)
            except OSError:
                aside.rename(out)
                raise
            aside.rename(new)
    except OSError as error:
        if error.errno in (errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM) and out.exists():
            return False
        raise
    _rescue(new, out)
    return True


def _swap(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False where the system or the file system cannot."""
    here, exchange = -100, 2
    try:
        if sys.platform.startswith("linux"):
            call, arguments = "renameat2", (here, os.fsencode(one), here, os.fsencode(other), exchange)
        elif sys.platform == "darwin":
            call, arguments = "renamex_np", (os.fsencode(one), os.fsencode(other), exchange)
        else:
            return False
        return getattr(ctypes.CDLL(None), call)(*arguments) == 0
    except AttributeError:  # an older C library
        return False


def _move_in(ready: Path, out: Path) -> None:
    """Move the files of a finished report in, one by one; can be repeated from any point."""
    out.mkdir(parents=True, exist_ok=True)
    names = [path.relative_to(ready).as_posix() for path in ready.rglob("*") if path.is_file()]
    for name in sorted(names, key=lambda name: (name == MANIFEST, name == ANSWER, name)):
        if name != OBSOLETE:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (ready / name).replace(out / name)
    with contextlib.suppress(FileNotFoundError):
        for name in json.loads((ready / OBSOLETE).read_text()):
            (out / name).unlink(missing_ok=True)
            _remove_empty((out / name).parent, out)
    shutil.rmtree(ready)


def _foreign(out: Path, ours: set[str]) -> Iterator[str]:
    """Files, links and empty folders in a folder that are not ours."""
    for folder, folders, names in os.walk(out):
        if Path(folder) == out and ".cache" in folders and (out / ".cache" / "ssi-audit").exists():
            folders.remove(".cache")
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in [*names, *links, *([] if folders or names or Path(folder) == out else ["."])]:
            path = Path(folder, name).relative_to(out).as_posix()
            if path not in ours:
                yield path


def _may_exchange(out: Path, work: Path, foreign: list[str]) -> bool:
    here = Path.cwd().resolve()
    return not work.is_relative_to(out) and out != here and out not in here.parents and len(foreign) <= MANY_FILES


def _take_along(path: Path, target: Path) -> None:
    """Give a file of the user a second place without copying what is in it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        target.symlink_to(path.readlink())
    elif path.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        try:
            target.hardlink_to(path)
        except OSError:
            shutil.copy2(path, target)


def _rescue(old: Path, out: Path) -> None:
    """Move files of the user back that came into the old folder while it was being replaced."""
    manifest = read_manifest(old)
    if manifest is None:  # never finished: it holds links to what is in the target
        return
    for name in _foreign(old, {*manifest.files, MANIFEST}):
        if not os.path.lexists(out / name):
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (old / name).rename(out / name)


def _remove_empty(folder: Path, out: Path) -> None:
    while folder != out and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _manifest(run_key: str, files: Mapping[str, bytes], facts: Mapping | None) -> bytes:
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    content = {"schema": 1, "run_key": run_key, "files": digests, "facts": dict(facts or {})}
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _digest_of(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
