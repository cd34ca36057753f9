"""Whatever ends a run, the old report is whole or the new one is, and the next run gives the bytes of a clean one."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.report.small_report import write_notebooks

ROOT = Path(__file__).resolve().parents[2]
# In every test run, and in the slow one (make fuzz).
FEW, MANY = 2, 50
OLD, NEW = "old data", "new data"


def start(place: Path, data: str, seconds: float = 0.0) -> subprocess.Popen:
    """A process that makes the report of the small notebooks in a folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.unit.report.small_report", str(place), data, str(seconds)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(process: subprocess.Popen) -> tuple[int, str, str]:
    """Exit code and what was said."""
    out, err = process.communicate(timeout=240)
    return process.returncode, out, err


def make(place: Path, data: str, seconds: float = 0.0) -> None:
    """A run that has to end well."""
    code, out, err = finish(start(place, data, seconds))
    assert code == 0 and json.loads(out)["ok"], err


def content(place: Path) -> dict[str, bytes]:
    """All files of the report but the manifest, which holds seconds."""
    report = place / "reports"
    files = {path.relative_to(report).as_posix(): path for path in report.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if name != ".manifest.json"}


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> dict[str, dict[str, bytes]]:
    """What undisturbed runs give, by data; and the folder in which the old one was made, to start from."""
    place = tmp_path_factory.mktemp("clean")
    write_notebooks(place)
    found = {}
    for data in (NEW, OLD):  # the old one last: it stays in the folder
        make(place, data)
        found[data] = content(place)
        shutil.rmtree(place / ".cache") if data == NEW else None
    found["place"] = place
    assert found[OLD] != found[NEW]
    return found


@pytest.fixture
def place(clean, tmp_path) -> Path:
    """A folder with the old report and its cache, to be disturbed."""
    shutil.copytree(clean["place"], tmp_path / "place")
    return tmp_path / "place"


def check_after(place: Path, clean: dict, data: str = NEW) -> None:
    """One report or the other; the next run is right, also from what is left in the cache; nothing lies about."""
    assert content(place) in (clean[OLD], clean[NEW])
    make(place, data)
    assert content(place) == clean[data]
    left = [path.name for path in place.rglob("*") if path.name.startswith(("building-", "ready", "aside", ".new-"))]
    assert left == []


def kill_and_check(place: Path, clean: dict, after: float) -> None:
    process = start(place, NEW)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    finish(process)
    check_after(place, clean)


def moments(count: int, seed: int) -> list[float]:
    """Points in a run that takes four seconds alone and twice that beside others."""
    rng = random.Random(seed)
    return [round(rng.uniform(0.2, 8.0), 2) for _ in range(count)]


@pytest.mark.parametrize("after", moments(FEW, seed=1))
def test_killed(place, clean, after):
    """SIGKILL at a random point."""
    kill_and_check(place, clean, after)


@pytest.mark.slow
def test_killed_fifty_times(place, clean):
    """SIGKILL at fifty random points, one after the other in the same folder: what one leaves the next one finds."""
    for number, after in enumerate(moments(MANY, seed=2)):
        data = (NEW, OLD)[number % 2]
        process = start(place, data)
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        finish(process)
        assert content(place) in (clean[OLD], clean[NEW])
        if number % 5 == 4:
            check_after(place, clean, data)


@contextlib.contextmanager
def small_disk(place: Path, size: str) -> Iterator[None]:
    """Mount a small disk; skipped where that is not allowed."""
    place.mkdir()
    if not shutil.which("mount") or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def test_disk_full(clean, tmp_path):
    """With room for half a report the run fails and the old one stays; with room again the next run is right."""
    place = tmp_path / "disk"
    with small_disk(place, "8m"):
        shutil.copytree(clean["place"], place, dirs_exist_ok=True)
        (place / "filler").write_bytes(b"x" * (shutil.disk_usage(place).free - 40_000))
        code, _, err = finish(start(place, NEW))
        assert code != 0 and "No space left" in err
        assert content(place) == clean[OLD]
        (place / "filler").unlink()
        check_after(place, clean)


@pytest.mark.slow
def test_read_only(clean, tmp_path):
    """Where nothing can be written the run says so and ends; the old report stays."""
    place = tmp_path / "disk"
    with small_disk(place, "16m"):
        shutil.copytree(clean["place"], place, dirs_exist_ok=True)
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        code, _, err = finish(start(place, NEW))
        assert code != 0 and ("cannot write" in err or "Read-only file system" in err)
        assert content(place) == clean[OLD]
        subprocess.run(["mount", "-o", "remount,rw", place], check=True)
        check_after(place, clean)


def descendants(pid: int) -> list[int]:
    """Processes below a process, children before their children."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found through /proc")
def test_kernel_killed(place, clean):
    """A notebook whose kernel is killed costs its own page, which says so; the next run has it."""
    process = start(place, NEW, seconds=2.0)
    killed = 0
    while process.poll() is None:
        warm = descendants(process.pid)[:1]  # kernels are forked by this one; without it they are started afresh
        for pid in set(descendants(process.pid)) - set(warm):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
        time.sleep(0.2)
    code, out, err = finish(process)
    assert killed and code == 0, err
    assert not json.loads(out)["ok"]
    failed = [name for name, data in content(place).items() if name.endswith(".html") and b"kernel" in data]
    assert len(failed) >= 3
    make(place, NEW)
    assert content(place) == clean[NEW]


@pytest.mark.slow
def test_two_runs_at_once(place, clean):
    """Two runs on one output take turns; both end well, and the report is whole."""
    runs = [start(place, NEW), start(place, NEW)]
    for run in runs:
        code, out, err = finish(run)
        assert code == 0 and json.loads(out)["ok"], err
    check_after(place, clean)


@pytest.mark.slow
@pytest.mark.parametrize("years", [-40, 40])
def test_clock_changed(place, clean, years):
    """Files from the future, or from before the last change of the clock, are judged by what is in them."""
    then = time.time() + years * 365 * 86_400
    for path in place.rglob("*"):
        os.utime(path, (then, then), follow_symlinks=False)
    check_after(place, clean)


def test_output_deleted_meanwhile(place, clean):
    """A report folder that is deleted during a run is there again, whole, at its end."""
    process = start(place, NEW, seconds=0.0)
    time.sleep(1.5)
    shutil.rmtree(place / "reports")
    code, _, err = finish(process)
    assert code == 0, err
    check_after(place, clean)
