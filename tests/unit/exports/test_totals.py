"""Totals of periods beside counts by day and beside each other: each action counts once."""

from __future__ import annotations

import pytest

from ssi_audit.exports.totals import DAYS_COUNT, OTHER_TOTAL, TOTAL_COUNTS
from ssi_audit.exports.write import write_plain

from .folders import fates, named, reading

HEADER = "person,date,metric,count,first_day\n"


def rows_of(read) -> list[tuple]:
    """First day, last day, count."""
    return [(row[4], row[1], row[3]) for row in named(read, "activity")]


def test_a_larger_total_beats_the_days_inside_it(tmp_path):
    """84 searches in a report and 3 in an archive are 84: the report saw those in Sales Navigator too."""
    days = "Ada Berg,2026-02-23,searches,2,\nAda Berg,2026-02-25,searches,1,\nAda Berg,2026-03-02,searches,4,\n"
    files = {"activity_1.csv": HEADER + days, "activity_2.csv": f"{HEADER}Ada Berg,2026-02-28,searches,84,2026-02-01\n"}
    read = reading(tmp_path, files)
    assert rows_of(read) == [("2026-02-01", "2026-02-28", 84), (None, "2026-03-02", 4)]
    assert fates(read, "activity_1.csv") == [(2, 3, "skipped", TOTAL_COUNTS), (4, 4, "used", "")]


def test_days_that_sum_to_as_much_beat_the_total(tmp_path):
    """What is known by day is better than what is known for a month."""
    days = "Ada Berg,2026-02-23,searches,60,\nAda Berg,2026-02-25,searches,24,\n"
    files = {"activity_1.csv": HEADER + days, "activity_2.csv": f"{HEADER}Ada Berg,2026-02-28,searches,84,2026-02-01\n"}
    read = reading(tmp_path, files)
    assert rows_of(read) == [(None, "2026-02-23", 60), (None, "2026-02-25", 24)]
    assert fates(read, "activity_2.csv") == [(2, 2, "skipped", DAYS_COUNT)]


def test_of_overlapping_totals_the_finer_counts(tmp_path):
    """Months beat the quarter; of two reports of 30 days that overlap the earlier one counts."""
    fine = "Ada Berg,2026-02-28,searches,84,2026-02-01\nBo Lind,2026-01-30,searches,10,2026-01-01\n"
    coarse = "Ada Berg,2026-03-31,searches,200,2026-01-01\nBo Lind,2026-02-06,searches,12,2026-01-08\n"
    read = reading(tmp_path, {"activity_1.csv": HEADER + fine, "activity_2.csv": HEADER + coarse})
    assert rows_of(read) == [("2026-02-01", "2026-02-28", 84), ("2026-01-01", "2026-01-30", 10)]
    assert fates(read, "activity_2.csv") == [(2, 3, "skipped", OTHER_TOTAL)]


def test_other_metrics_other_people_and_totals_apart_are_left_alone(tmp_path):
    """Only the same actions of the same person can be told twice."""
    one = "Ada Berg,2026-02-28,searches,84,2026-02-01\n"
    other = (
        "Ada Berg,2026-03-31,searches,50,2026-03-01\nAda Berg,2026-02-10,comments,3,\nBo Lind,2026-02-10,searches,3,\n"
    )
    assert len(rows_of(reading(tmp_path, {"activity_1.csv": HEADER + one, "activity_2.csv": HEADER + other}))) == 4


def test_within_one_file_counts_add_up(tmp_path):
    """Who writes a total and a day into one file means both."""
    rows = "Ada Berg,2026-02-28,searches,84,2026-02-01\nAda Berg,2026-02-10,searches,3,\n"
    assert sum(count for *_, count in rows_of(reading(tmp_path, {"activity.csv": HEADER + rows}))) == 87


@pytest.mark.parametrize("count", [1, 90])
def test_what_is_left_reads_back_the_same(tmp_path, count):
    """The written tables overlap nowhere, whichever side counted more."""
    files = {
        "activity_1.csv": f"{HEADER}Ada Berg,2026-02-28,searches,84,2026-02-01\n",
        "activity_2.csv": f"{HEADER}Ada Berg,2026-02-10,searches,{count},\n",
    }
    read = reading(tmp_path / "in", files)
    write_plain(read, tmp_path / "out")
    assert rows_of(reading(tmp_path / "out")) == rows_of(read)
    assert len(rows_of(read)) == 1
