"""One reading more in a history."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from ssi_audit.errors import DataError
from ssi_audit.record import read_reading, record

DAY = dt.date(2026, 2, 27)
GOOD = {"brand": 10.0, "people": 8.5, "insights": 5.0, "relationships": 20.0, "total": 44.0}


def test_a_new_history_gets_a_header_and_one_row(tmp_path):
    """The first reading makes the file."""
    path = tmp_path / "ssi.csv"
    assert record(path, "Anna Nowak", DAY, GOOD)
    header, row = path.read_text().splitlines()
    assert header.startswith("person,date,brand")
    assert row == "Anna Nowak,2026-02-27,10,8.5,5,20,44,,"


def test_once_a_day(tmp_path):
    """The same reading again changes nothing; another one of that day is refused with its row."""
    path = tmp_path / "ssi.csv"
    record(path, "Anna Nowak", DAY, GOOD)
    before = path.read_bytes()
    assert not record(path, "Anna Nowak", DAY, GOOD)
    with pytest.raises(DataError, match="row 2 already holds another reading"):
        record(path, "Anna Nowak", DAY, {**GOOD, "total": 43.0})
    assert path.read_bytes() == before
    assert record(path, "Anna Nowak", DAY + dt.timedelta(days=1), GOOD)


def test_old_bytes_stay(tmp_path):
    """Columns of the user and a missing last line break survive."""
    path = tmp_path / "ssi.csv"
    path.write_bytes("person,date,total,Notiz\nBo,2026-01-01,30,gut ✓".encode())
    record(path, "Bo", DAY, {"total": 31.0})
    assert path.read_bytes() == "person,date,total,Notiz\nBo,2026-01-01,30,gut ✓\nBo,2026-02-27,31,\n".encode()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"brand": 27.5}, "expected 0 to 25"),
        ({"total": float("nan")}, "expected 0 to 100"),
        ({"total": 0.0, "brand": 0.0}, "failed reading"),
        ({"industry_rank": 4.0}, "at least one score"),
        ({**GOOD, "total": 60.0}, "add up to 43.5"),
    ],
)
def test_failed_readings_are_refused(tmp_path, values, message):
    """Nothing is written for a reading that cannot be true."""
    path = tmp_path / "ssi.csv"
    with pytest.raises(DataError, match=message):
        record(path, "Bo", DAY, values)
    assert not path.exists()


@pytest.mark.parametrize("person", ["", "  ", "Anna\nNowak"])
def test_a_reading_of_nobody_is_refused(tmp_path, person):
    """An empty shell variable in a script does not fill the history with rows that belong to nobody."""
    path = tmp_path / "ssi.csv"
    with pytest.raises(DataError, match="is no name"):
        record(path, person, DAY, GOOD)
    assert not path.exists()


def test_a_day_that_has_not_come_is_refused(tmp_path):
    """A mistyped year is noticed while somebody still knows the right one."""
    path = tmp_path / "ssi.csv"
    today = dt.datetime.now().astimezone().date()
    with pytest.raises(DataError, match="has not come yet"):
        record(path, "Anna", today.replace(year=today.year + 9, day=1), GOOD)
    assert not path.exists()
    assert record(path, "Anna", today, GOOD)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("person,date,total\nŁucja,2026-01-01,50\n".encode("cp1250"), "is not UTF-8"),
        (b'person,date,total\n"Anna,2026-01-01,50\n', "is no CSV that can be continued"),
    ],
)
def test_a_history_that_cannot_be_read_is_left_alone(tmp_path, content, message):
    """Letters of another encoding, and a quote that never ends: said, not a traceback, and no row is added."""
    path = tmp_path / "ssi.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        record(path, "Anna", DAY, GOOD)
    assert path.read_bytes() == content


def test_a_short_row_is_no_traceback(tmp_path):
    """A row of which only the name was filled in is somebody else's matter."""
    path = tmp_path / "ssi.csv"
    path.write_text("person,date,total\nAnna\n")
    assert record(path, "Anna", DAY, {"total": 31.0})
    assert path.read_text() == "person,date,total\nAnna\nAnna,2026-02-27,31\n"


def test_a_link_stays_a_link_and_line_ends_stay(tmp_path):
    """The history behind a link gets the row, in the line ends that it has."""
    path, link = tmp_path / "real.csv", tmp_path / "link.csv"
    path.write_bytes(b"person,date,total\r\nBo,2026-01-01,30\r\n")
    link.symlink_to(path)
    record(link, "Bo", DAY, {"total": 31.0})
    assert link.is_symlink()
    assert path.read_bytes() == b"person,date,total\r\nBo,2026-01-01,30\r\nBo,2026-02-27,31\r\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a folder cannot be locked there")
def test_readings_at_the_same_moment_are_all_kept(tmp_path):
    """A script that records a team side by side loses none of its readings."""
    path = tmp_path / "ssi.csv"
    names = [f"P{k}" for k in range(40)]
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda name: record(path, name, DAY, GOOD), names))
    assert sorted(line.split(",")[0] for line in path.read_text().splitlines()[1:]) == sorted(names)


def test_another_format_is_refused(tmp_path):
    """A file that is no history is left alone."""
    path = tmp_path / "other.csv"
    path.write_text("a;b\n1;2\n")
    with pytest.raises(DataError, match="not a history"):
        record(path, "Bo", DAY, GOOD)
    assert path.read_text() == "a;b\n1;2\n"


def test_a_column_that_is_missing_is_named(tmp_path):
    """A history without pillars cannot take pillars in silence."""
    path = tmp_path / "ssi.csv"
    path.write_text("person,date,total\n")
    with pytest.raises(DataError, match="no column brand, people"):
        record(path, "Bo", DAY, GOOD)


def test_a_failing_write_leaves_the_old_file(tmp_path, monkeypatch):
    """The disk gives up in the middle: the old history is whole and no part is left."""
    path = tmp_path / "ssi.csv"
    record(path, "Bo", DAY, GOOD)
    before = path.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        record(path, "Bo", DAY + dt.timedelta(days=1), GOOD)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["ssi.csv"]


def test_a_copied_answer_is_read(tmp_path):
    """The JSON of LinkedIn's own address gives pillars by name and ranks."""
    pillars = {"PROFESSIONAL_BRAND": 10, "FIND_RIGHT_PEOPLE": 8.5, "INSIGHT_ENGAGEMENT": 5, "STRONG_RELATIONSHIP": 20}
    answer = {
        "memberScore": {
            "overall": 43.5,
            "subScores": [{"pillar": name, "score": score} for name, score in pillars.items()],
        },
        "groupScore": [{"groupType": "INDUSTRY", "rank": 4, "score": {"overall": 31}}],
    }
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(answer))
    assert read_reading(path) == {
        "brand": 10.0, "people": 8.5, "insights": 5.0, "relationships": 20.0, "total": 43.5, "industry_rank": 4.0,
    }  # fmt: skip
