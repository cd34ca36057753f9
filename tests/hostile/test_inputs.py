"""Every broken or hostile folder ends in a right result, or in exit 2 with a message that says where and what to do."""

from __future__ import annotations

import csv
import hashlib
import os
import stat
from pathlib import Path

import pytest

from ssi_audit.cli import BAD_INPUT, DONE, main
from ssi_audit.errors import UserError
from ssi_audit.exports import FAULT
from tests.hostile.inputs import ALL, Hostile
from tests.hostile.limited import MEMORY, run

LIGHT = [hostile for hostile in ALL if not hostile.heavy]
HEAVY = [hostile for hostile in ALL if hostile.heavy]
# Half a minute of the machine between them: with `make fuzz`, not in every test run.
HEAVIEST = ("workbook_with_a_million_empty_rows", "database_that_makes_gigabytes", "zip_of_a_hundred_thousand_files")
# Characters that no line of ours may send to a terminal.
UNSEEN = {*map(chr, range(32)), "\x7f", "\u202e"} - {"\n"}


def prints(folder: Path) -> dict[bytes, str]:
    """Everything below a folder, names as bytes, with what it is and holds; links and pipes are not opened."""
    seen = {}
    for where, folders, files in os.walk(os.fsencode(folder)):
        for name in [*folders, *files]:
            path = os.path.join(where, name)  # noqa: PTH118
            status = os.lstat(path)
            holds = os.fsdecode(os.readlink(path)) if stat.S_ISLNK(status.st_mode) else ""  # noqa: PTH115
            if stat.S_ISREG(status.st_mode):
                with open(path, "rb") as file:  # noqa: PTH123
                    holds = hashlib.file_digest(file, "sha256").hexdigest()
            seen[path] = f"{status.st_mode} {status.st_mtime_ns * stat.S_ISREG(status.st_mode)} {holds}"
    return seen


def readings(out: Path) -> set[tuple[str, str, str]]:
    """Person, day and total of every reading that was written."""
    with (out / "ssi.csv").open(encoding="utf-8") as file:
        return {(row["person"], row["date"], row["total"]) for row in csv.DictReader(file)}


def guarded(name: str) -> str:
    """A name as it stands in a table that a spreadsheet program may open."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name


def check(hostile: Hostile, code: int, said: str, before: dict[bytes, str], place: Path) -> None:
    """The end is the one that was expected, and nothing was touched on the way."""
    assert "Traceback" not in said
    assert FAULT not in said
    assert not UNSEEN & set(said)
    if hostile.readings is None:
        assert code == BAD_INPUT, said
        for word in (*hostile.words, UserError.closing):
            assert word in said
        assert not (place / "written").exists()
    else:
        assert code == DONE, said
        assert readings(place / "written") == {(guarded(name), day, total) for name, day, total in hostile.readings}
    after = prints(place)
    assert {
        path: print_ for path, print_ in after.items() if not path.startswith(os.fsencode(place / "written"))
    } == before


@pytest.mark.parametrize("hostile", LIGHT, ids=[hostile.name for hostile in LIGHT])
def test_ends_well(hostile, tmp_path, capsys):
    """The result is right, or refused with file, place and fix; inputs stay, nothing appears outside of the output."""
    data = tmp_path / "data"
    data.mkdir()
    hostile.make(data)
    before = prints(tmp_path)
    code = main(["load", str(data), "--out", str(tmp_path / "written")])
    said = capsys.readouterr()
    check(hostile, code, said.err + said.out, before, tmp_path)


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="no limits on memory here")
@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(hostile, id=hostile.name, marks=[pytest.mark.slow] if hostile.name in HEAVIEST else [])
        for hostile in HEAVY
    ],
)
def test_ends_well_within_limits(hostile, tmp_path):
    """As above, in a process that may take 2 GB and a minute."""
    data = tmp_path / "data"
    data.mkdir()
    hostile.make(data)
    before = prints(tmp_path)
    ended = run("load", str(data), "--out", str(tmp_path / "written"))
    check(hostile, ended.code, ended.err + ended.out, before, tmp_path)
    assert ended.mib < MEMORY / 2**20 / 2


def test_there_are_enough_inputs():
    """At least sixty, each with a name of its own."""
    assert len({hostile.name for hostile in ALL}) == len(ALL) >= 60
