"""Totals of periods beside counts by day and beside each other: each action counts once."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ssi_audit.exports.settle import IN_PART
from ssi_audit.exports.totals import DAYS_COUNT, OTHER_TOTAL, TOTAL_COUNTS, cut_note
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
    """A month beats the quarter, of two reports of 30 days the earlier one; the other keeps the days left."""
    fine = "Ada Berg,2026-02-28,searches,84,2026-02-01\nBo Lind,2026-01-30,searches,10,2026-01-01\n"
    coarse = "Ada Berg,2026-03-31,searches,200,2026-01-01\nBo Lind,2026-02-06,searches,12,2026-01-08\n"
    read = reading(tmp_path, {"activity_1.csv": HEADER + fine, "activity_2.csv": HEADER + coarse})
    assert rows_of(read) == [
        ("2026-01-01", "2026-01-31", 58),
        ("2026-02-01", "2026-02-28", 84),
        ("2026-03-01", "2026-03-31", 58),
        ("2026-01-01", "2026-01-30", 10),
        ("2026-01-31", "2026-02-06", 4),
    ]
    assert fates(read, "activity_2.csv") == [(2, 3, "used", "")]
    assert cut_note(2) in read.tables.notes


@pytest.mark.parametrize(("inside", "left"), [(0, 1), (1, 0), (3, 0)])
def test_what_is_left_of_a_small_count_is_what_others_do_not_tell(tmp_path, inside, left):
    """One action in January: of its last three weeks another report tells none of it, all of it, or more."""
    files = {
        "activity_1.csv": f"{HEADER}Ada Berg,2026-01-31,inmails_sent,{inside},2026-01-11\n",
        "activity_2.csv": f"{HEADER}Ada Berg,2026-01-31,inmails_sent,1,2026-01-01\n",
    }
    counts = {row[0]: row[2] for row in rows_of(reading(tmp_path, files))}
    assert counts == {"2026-01-01": left, "2026-01-11": inside}


def test_counts_left_in_several_stretches_add_up_to_what_is_left(tmp_path):
    """One action on the days around two reports that tell none falls on one of the three stretches."""
    files = {
        "activity_1.csv": f"{HEADER}Ada Berg,2026-01-10,posts,0,2026-01-06\nAda Berg,2026-01-20,posts,0,2026-01-16\n",
        "activity_2.csv": f"{HEADER}Ada Berg,2026-01-31,posts,1,2026-01-01\n",
    }
    assert sum(count for *_, count in rows_of(reading(tmp_path, files))) == 1


def test_a_total_that_others_cover_whole_is_dropped(tmp_path):
    """Its three months tell all that the quarter tells."""
    months = "".join(
        f"Ada Berg,{last},searches,10,{last[:8]}01\n" for last in ("2026-01-31", "2026-02-28", "2026-03-31")
    )
    quarter = "Ada Berg,2026-03-31,searches,200,2026-01-01\n"
    read = reading(tmp_path, {"activity_1.csv": HEADER + months, "activity_2.csv": HEADER + quarter})
    assert [count for *_, count in rows_of(read)] == [10, 10, 10]
    assert fates(read, "activity_2.csv") == [(2, 2, "skipped", OTHER_TOTAL)]
    assert not [note for note in read.tables.notes if note.startswith("reports of totals")]


def test_days_beside_what_is_left_of_a_total(tmp_path):
    """Each stretch is compared with the days inside it, by its own share of the count."""
    files = {
        "activity_1.csv": f"{HEADER}Ada Berg,2026-01-10,searches,1,2026-01-06\n",
        "activity_2.csv": f"{HEADER}Ada Berg,2026-01-15,searches,21,2026-01-01\n",
        "activity_3.csv": f"{HEADER}Ada Berg,2026-01-02,searches,10,\nAda Berg,2026-01-12,searches,9,\n",
    }
    read = reading(tmp_path, files)
    assert rows_of(read) == [
        (None, "2026-01-02", 10),
        ("2026-01-06", "2026-01-10", 1),
        ("2026-01-11", "2026-01-15", 10),
    ]
    assert fates(read, "activity_2.csv") == [(2, 2, "used", "")]
    assert fates(read, "activity_3.csv") == [(2, 2, "used", ""), (3, 3, "skipped", TOTAL_COUNTS)]


USAGE = "Name,Days active,Searches performed,Profile views,SSI\n"


def test_usage_reports_widened_to_full_weeks_lose_no_month(tmp_path):
    """LinkedIn gives 30 December to 2 February for January: what February's report does not tell counts."""
    read = reading(
        tmp_path,
        {
            "usage_2024-12-30_2025-02-02.csv": f"{USAGE}Ada Berg,7,310,35,55\n",
            "usage_2025-02-01_2025-02-28.csv": f"{USAGE}Ada Berg,5,280,28,55\n",
        },
    )
    searches = [row for row in named(read, "activity") if row[2] == "searches"]
    assert [(row[4], row[1], row[3]) for row in searches] == [
        ("2024-12-30", "2025-01-31", 290),
        ("2025-02-01", "2025-02-28", 280),
    ]
    assert cut_note(1) in read.tables.notes


def test_a_row_that_loses_its_counts_says_so(tmp_path):
    """The score of a report counts, its searches are told by day elsewhere: used in part. Without the score: why."""
    files = {
        "usage_2025-02-01_2025-02-28.csv": f"{USAGE}Ada Berg,,20,,55\nBo Lind,,20,,45\n",
        "activity.csv": f"{HEADER}Ada Berg,2025-02-03,searches,30,\nBo Lind,2025-02-03,searches,30,\n",
        "ssi.csv": "person,date,brand,people,insights,relationships,total\nBo Lind,2025-02-28,10,10,10,15,45\n",
    }
    read = reading(tmp_path, files)
    assert fates(read, "usage_2025-02-01_2025-02-28.csv") == [
        (2, 2, "repaired", IN_PART),
        (3, 3, "skipped", DAYS_COUNT),
    ]
    assert DAYS_COUNT in set(read.tables.ledger["detail"])


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


TOTALS = st.tuples(st.integers(1, 20), st.integers(0, 10), st.integers(0, 40))


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(TOTALS, min_size=1, max_size=4, unique_by=lambda row: row[:2]), min_size=1, max_size=4))
def test_whatever_overlaps_no_day_is_lost_or_told_by_two_files(tmp_path_factory, files):
    """Every day that a file tells is told; what is written reads back the same."""
    folder = tmp_path_factory.mktemp("totals")
    given_files = {
        f"activity_{at}.csv": HEADER
        + "".join(f"Ada,2026-01-{a + n:02d},searches,{c},2026-01-{a:02d}\n" for a, n, c in rows)
        for at, rows in enumerate(files)
    }
    read = reading(folder / "in", given_files)
    days = {day for rows in files for a, n, _ in rows for day in range(a, a + n + 1)}
    told = {day for first, last, _ in rows_of(read) for day in range(int((first or last)[-2:]), int(last[-2:]) + 1)}
    assert told <= days
    if all(n for rows in files for _, n, _ in rows):  # no counts by day, which totals may beat
        assert told == days
    write_plain(read, folder / "out")
    assert rows_of(reading(folder / "out")) == rows_of(read)
