"""The cache gives back what was stored, or nothing."""

import json
import os
import stat
import sys
import threading

import pytest

from ssi_audit.report import cache as cache_module
from ssi_audit.report.cache import Cache

FILES = {"executed/a.ipynb": b"{}", "tables/a.csv": b"x,y\n1,2\n"}


@pytest.fixture
def cache(tmp_path):
    """An empty cache."""
    return Cache(tmp_path / "cache")


def contents(tmp_path):
    """Stored files by content."""
    return list((tmp_path / "cache" / "contents").iterdir())


def test_stored_files_come_back(cache):
    """Files and facts of a key are returned as they were stored."""
    cache.put("k", FILES, {"seconds": 1.5})
    entry = cache.get("k")
    assert entry.files == FILES
    assert entry.facts == {"seconds": 1.5}


def test_unknown_key_gives_nothing(cache):
    """A key that was never stored is not there."""
    assert cache.get("k") is None


@pytest.mark.parametrize("damage", [b"", b"x", b"{}x", None], ids=["empty", "other", "longer", "gone"])
def test_damaged_content_is_never_returned(cache, tmp_path, damage):
    """A stored file that was cut, changed or removed makes the key unknown."""
    cache.put("k", {"a": b"{}"})
    (path,) = contents(tmp_path)
    path.unlink() if damage is None else path.write_bytes(damage)
    assert cache.get("k") is None


def test_damaged_content_is_mended_by_the_next_run(cache, tmp_path):
    """Storing the same file again replaces the damaged one."""
    cache.put("k", {"a": b"{}"})
    contents(tmp_path)[0].write_bytes(b"x")
    cache.put("k", {"a": b"{}"})
    assert cache.get("k").files == {"a": b"{}"}


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"entry": 1, "seal": ""}'])
def test_damaged_entry_is_never_used(cache, tmp_path, damage):
    """An entry that is not what was written is not there."""
    cache.put("k", FILES)
    (tmp_path / "cache" / "entries" / "k").write_text(damage)
    assert cache.get("k") is None


def test_entry_that_points_elsewhere_is_never_used(cache, tmp_path):
    """Exchanging the files of an entry by hand breaks its seal."""
    cache.put("k", {"a": b"1", "b": b"2"})
    path = tmp_path / "cache" / "entries" / "k"
    entry = json.loads(path.read_text())
    files = entry["entry"]["files"]
    files["a"], files["b"] = files["b"], files["a"]
    path.write_text(json.dumps(entry, sort_keys=True))
    assert cache.get("k") is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_files_are_the_users_alone(cache, tmp_path):
    """Nobody else can read or list what is kept, whatever the umask."""
    old = os.umask(0)
    try:
        cache.put("k", FILES)
    finally:
        os.umask(old)
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
    assert {stat.S_IMODE(path.parent.stat().st_mode) for path in kept} == {0o700}


def test_a_write_that_fails_leaves_nothing(cache, tmp_path, monkeypatch):
    """When the disk is full in the middle of a file, neither the file nor its beginning stays."""
    monkeypatch.setattr(cache_module.os, "fdopen", _full_disk)
    with pytest.raises(OSError, match="No space left"):
        cache.put("k", FILES)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    monkeypatch.undo()
    assert cache.get("k") is None


class _full_disk:
    def __init__(self, descriptor, mode):
        self._descriptor = descriptor

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._descriptor)

    def write(self, content):
        raise OSError(28, "No space left on device")


def test_pruning_drops_what_was_not_used_for_longest(cache, tmp_path):
    """The oldest contents go first; what was read lately stays."""
    for number in range(4):
        cache.put(f"k{number}", {"a": bytes([number]) * 1000})
    for age, path in enumerate(sorted((tmp_path / "cache").rglob("*"), key=lambda path: path.stat().st_mtime_ns)):
        if path.is_file():
            os.utime(path, (1_700_000_000 + age, 1_700_000_000 + age))
    assert cache.get("k0") is not None
    cache.prune(max_bytes=2 * 1000 + 600)
    assert [cache.get(f"k{number}") is not None for number in range(4)] == [True, False, False, True]


def test_pruning_removes_what_a_killed_run_left(cache, tmp_path):
    """A half-written file that is a day old is removed; a new one may still be written to."""
    cache.put("k", FILES)
    old, new = (tmp_path / "cache" / "contents" / f"{cache_module.NEW}{name}" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (0, 0))
    cache.prune()
    assert (old.exists(), new.exists()) == (False, True)
    assert cache.get("k") is not None


def test_many_writers_at_once_do_not_mix(tmp_path):
    """Threads that store and read the same keys see whole entries only."""
    wrong = []

    def work(seed):
        cache = Cache(tmp_path / "cache")
        for number in range(30):
            key = f"k{number % 5}"
            cache.put(key, {"a": key.encode() * 500, "b": b"same"})
            entry = cache.get(key)
            if entry is None or entry.files != {"a": key.encode() * 500, "b": b"same"}:
                wrong.append((seed, number))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
