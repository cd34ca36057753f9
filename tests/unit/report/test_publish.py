"""A report replaces the old one whole, or not at all."""

import os
import random
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from ssi_audit.errors import SettingsError
from ssi_audit.report import publish as module
from ssi_audit.report.publish import (
    MANIFEST,
    OutputBusy,
    check_output,
    current_facts,
    locked,
    publish,
    read_manifest,
    workplace,
)

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither signals nor exchange of folders")


def report(tag, *more):
    """Files of a report, each with a tag that tells which run made it."""
    names = ["index.html", "answer.json", "tables/a.csv", *more]
    return {name: f"{name} {tag}".encode() for name in names}


def put(out, tag, *more):
    """Publish a report as a run does."""
    with locked(out) as work:
        publish(out, work, report(tag, *more), run_key=tag, facts={"failed": []})


def tree(out):
    """All files of a folder with their contents, the manifest left out."""
    files = (path for path in out.rglob("*") if path.is_file() and path.name != MANIFEST and ".cache" not in path.parts)
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(params=["exchanged", "two renames", "moved in"])
def way(request, monkeypatch):
    """Each of the three ways to put a report in place."""
    if request.param != "exchanged":
        monkeypatch.setattr(module, "_swap", lambda one, other: False)
    if request.param == "moved in":
        monkeypatch.setattr(module, "_may_exchange", lambda *_: False)
    return request.param


@pytest.fixture
def out(tmp_path):
    """A target in a folder of its own."""
    return tmp_path / "project" / "reports"


def test_new_folder_is_made(out, way):
    """The first report makes its folder, with a manifest of its files."""
    put(out, "one")
    assert tree(out) == report("one")
    assert set(read_manifest(out).files) == set(report("one"))


def test_old_report_is_replaced_and_old_pages_go(out, way):
    """A page that the new report does not have is removed, with its empty folder."""
    put(out, "one", "06-team-T1.html", "tables/old/b.csv")
    put(out, "two")
    assert tree(out) == report("two")
    assert not (out / "tables" / "old").exists()


def test_files_of_the_user_stay(out, way):
    """Notes, links, folders and empty folders of the user are still there, and are the same files."""
    put(out, "one", "old.html")
    (out / "notes" / "empty").mkdir(parents=True)
    (out / "notes" / "mine.txt").write_text("mine")
    (out / "tables" / "mine.csv").write_text("1")
    (out / ".gitkeep").touch()
    (out / "link").symlink_to("notes/mine.txt")
    (out / "away").symlink_to(out.parent, target_is_directory=True)
    before = (out / "notes" / "mine.txt").stat().st_ino
    put(out, "two")
    mine = {"notes/mine.txt": b"mine", "tables/mine.csv": b"1", ".gitkeep": b"", "link": b"mine"}
    assert tree(out) == {**report("two"), **mine}
    assert (out / "notes" / "mine.txt").stat().st_ino == before
    assert (out / "away").is_symlink()
    assert (out / "notes" / "empty").is_dir()


def test_file_of_the_user_with_our_name_is_refused(out, way):
    """A page is never written over a file that we did not make; nothing is written then."""
    out.mkdir(parents=True)
    (out / "index.html").write_text("mine")
    with pytest.raises(SettingsError, match=r"index\.html is there and was not made by ssi-audit"):
        put(out, "one")
    assert tree(out) == {"index.html": b"mine"}


def test_check_names_every_such_file(out):
    """All files in the way are told at once, before anything runs."""
    out.mkdir(parents=True)
    for name in ("a.html", "b.html"):
        (out / name).touch()
    with pytest.raises(SettingsError) as caught:
        check_output(out, ["a.html", "b.html", "c.html"])
    assert len(caught.value.problems) == 2


def test_target_that_is_a_file_is_refused(tmp_path):
    """A file cannot hold a report."""
    (tmp_path / "reports").touch()
    with pytest.raises(SettingsError, match="is a file; a report needs a folder"):
        check_output(tmp_path / "reports")


@posix
@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() == 0, reason="nothing is read-only for root")
def test_read_only_parent_is_explained(tmp_path):
    """A folder that cannot be written to gives a message with the reason."""
    tmp_path.chmod(0o500)
    with pytest.raises(SettingsError, match="cannot write beside"), locked(tmp_path / "reports"):
        pass


def test_full_disk_leaves_the_old_report(out, way, monkeypatch):
    """When a file cannot be written, the old report is untouched and nothing is left beside it."""
    put(out, "one")
    real = module._write

    def full(path, content):
        if path.name == "a.csv":
            raise OSError(28, "No space left on device")
        real(path, content)

    monkeypatch.setattr(module, "_write", full)
    with pytest.raises(OSError, match="No space left"):
        put(out, "two")
    assert tree(out) == report("one")
    assert [path.name for path in workplace(out).iterdir()] == ["lock"]


def test_current_facts_only_for_a_whole_report_of_the_same_things(out):
    """The same key and all files intact: known. Another key, a changed or a missing file: not."""
    assert current_facts(out, "one") is None
    put(out, "one")
    assert current_facts(out, "one") == {"failed": []}
    assert current_facts(out, "two") is None
    (out / "index.html").write_text("edited")
    assert current_facts(out, "one") is None
    put(out, "one")
    (out / "tables" / "a.csv").unlink()
    assert current_facts(out, "one") is None


def test_report_with_failures_is_made_again(out):
    """A page that failed is tried again by the next run, even when nothing changed."""
    with locked(out) as work:
        publish(out, work, report("one"), run_key="one", facts={"failed": ["02"]})
    assert current_facts(out, "one") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"run_key": "one"}', '{"run_key": "one", "files": 3, "facts": {}}'])
def test_damaged_manifest_counts_as_none(out, text):
    """A manifest that cannot be read makes the report unknown instead of the run fail."""
    out.mkdir(parents=True)
    (out / MANIFEST).write_text(text)
    assert read_manifest(out) is None


def test_permissions_of_the_target_stay(out, way):
    """A folder that the user opened to colleagues, or closed, stays that way."""
    put(out, "one")
    out.chmod(0o751)
    put(out, "two")
    assert stat.S_IMODE(out.stat().st_mode) == 0o751


def test_link_to_a_folder_is_followed(out, way):
    """A target that is a link stays a link, and the folder behind it gets the report."""
    real = out.parent / "elsewhere"
    real.mkdir(parents=True)
    out.symlink_to(real, target_is_directory=True)
    put(out, "one")
    put(out, "two")
    assert out.is_symlink()
    assert tree(real) == report("two")


def test_folder_one_works_in_is_not_exchanged(out, monkeypatch):
    """With the target as working folder the files change, and the folder stays the same one."""
    put(out, "one")
    monkeypatch.chdir(out)
    before = out.stat().st_ino
    put(out, "two")
    assert tree(out) == report("two")
    assert out.stat().st_ino == before


def test_file_that_comes_while_publishing_is_not_lost(out, monkeypatch):
    """A file the user saves in the last moment is in the new folder."""
    put(out, "one")
    real = module._swap

    def late(one, other):
        (out / "late.txt").write_text("late")
        return real(one, other)

    monkeypatch.setattr(module, "_swap", late)
    put(out, "two")
    assert tree(out) == {**report("two"), "late.txt": b"late"}


def test_second_run_waits_for_the_first(out):
    """Two runs on one target follow each other; the second is told that it waits."""
    order, told = [], []
    inside = threading.Event()

    def first():
        with locked(out):
            inside.set()
            time.sleep(0.3)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait()
    with locked(out, on_wait=lambda: told.append("waits")):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]
    assert told == ["waits"]


def test_second_run_gives_up_with_a_message(out):
    """A run that waited for long enough says what holds it up."""
    with locked(out), pytest.raises(OutputBusy, match="Another run is writing to"), locked(out, wait=0):
        pass


def test_targets_side_by_side_do_not_wait(out):
    """Reports in two folders of one parent have nothing to do with each other."""
    with locked(out), locked(out.with_name("other"), wait=0) as work:
        assert work.is_dir()


@posix
@pytest.mark.parametrize("way", ["exchanged", "moved in"])
def test_killed_at_any_moment_the_report_is_whole(tmp_path, way):
    """SIGKILL at random moments: the old report or the new one; at the latest after the next run starts."""
    out = tmp_path / "reports"
    names = [f"p{number:02d}.html" for number in range(40)]
    program = textwrap.dedent(
        """
        import itertools, sys
        from pathlib import Path
        from ssi_audit.report import publish as module
        out, way, first = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
        if way != "exchanged":
            module._may_exchange = lambda *_: False
        names = sys.argv[4:]
        print("ready", flush=True)
        for n in itertools.count(first):
            with module.locked(out) as work:
                module.publish(out, work, {name: f"{n}".encode() * 2000 for name in names}, run_key=str(n))
        """
    )
    chance = random.Random(1)
    seen = set()
    for turn in range(12):
        command = [sys.executable, "-c", program, str(out), way, str(turn * 1000), *names]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.12))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        if way != "exchanged":  # files are moved one by one; the next run finishes that first of all
            with locked(out):
                pass
        if out.exists():
            contents = {(out / name).read_bytes() for name in names}
            assert len(contents) == 1, "pages of two reports side by side"
            assert set(read_manifest(out).files) == set(names)
            seen |= contents
    assert len(seen) > 3
    with locked(out) as work:
        assert [path.name for path in work.iterdir()] == ["lock"]


def test_killed_between_two_renames_the_old_report_comes_back(out):
    """Where folders cannot be exchanged, the next run puts the old one back if the target is missing."""
    put(out, "one")
    out.rename(workplace(out) / "aside")
    with locked(out):
        pass
    assert tree(out) == report("one")


def test_workplace_is_beside_the_target_and_private(out):
    """Nothing unfinished is ever inside the report, and nobody else can look at it."""
    with locked(out) as work:
        assert work.is_relative_to(out.parent / ".cache")
        assert stat.S_IMODE(work.stat().st_mode) == 0o700


def test_workplace_is_inside_a_target_on_another_file_system(out, monkeypatch):
    """A mount point cannot be exchanged with a folder outside of it: everything happens inside, files move in."""
    put(out, "zero")
    monkeypatch.setattr(module.os, "access", lambda *_: False)
    assert workplace(out).is_relative_to(out)
    put(out, "one", "old.html")
    (out / "mine.txt").write_text("mine")
    put(out, "two")
    assert tree(out) == {**report("two"), "mine.txt": b"mine"}
