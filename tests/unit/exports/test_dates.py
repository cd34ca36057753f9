"""Text of a column → days: one order a column, or a question."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssi_audit.exports.dates import parse_dates
from ssi_audit.exports.text import Unreadable


def times(*cells: str, **options) -> list[str]:
    return [str(time) for time in parse_dates(pd.Series(cells, dtype="str"), **options).times]


def days(*cells: str, **options) -> list[str]:
    return [time[:10] for time in times(*cells, **options)]


@pytest.mark.parametrize(
    "cell",
    [
        "2026-03-02", "2026-03-02 16:05", "2026-03-02T16:05:11Z", "2026-03-02 16:05:11.123 UTC",
        "2026/03/02 16:05:11 UTC",
        "2026.03.02", "20260302", "2 Mar 2026", "02-Mar-26", "Mar 2, 2026", "March 2, 2026", "Monday, March 2, 2026",
        "2nd March 2026", "Mon Mar 02 10:11:12 UTC 2026", "2026-W10", "2026W10", "2026-W10-1", "46083", "46083.5",
        "1772445600000", "1772445600", "2569-03-02",
    ],
)  # fmt: skip
def test_forms_of_the_second_of_march(cell):
    """ISO, names of months, weeks, serial numbers, Unix times and Buddhist years all give one day."""
    assert days(cell) == ["2026-03-02"]


def test_american_style_of_linkedin():
    """M/D/YY with a 12-hour clock, also with the narrow space that browsers write."""
    cells = ("12/14/23, 12:13 PM", "2/24/26, 9:05 AM", "2/23/26, 11:59\u202fPM", "2/23/26, 12:00 AM")
    assert times(*cells) == ["2023-12-14T12:13:00", "2026-02-24T09:05:00", "2026-02-23T23:59:00", "2026-02-23T00:00:00"]


def test_one_value_settles_the_order_of_a_column():
    """2/5/2026 is 5 February beside 2/27/2026 and 2 May beside 27/2/2026."""
    assert days("2/5/2026", "2/27/2026") == ["2026-02-05", "2026-02-27"]
    assert days("2/5/2026", "27/2/2026") == ["2026-05-02", "2026-02-27"]


@pytest.mark.parametrize("cell", ["03/04/2025", "03.04.2025", "3-4-25"])
def test_open_order_is_asked_for(cell):
    """A column that both orders fit is refused; the message names the value, the fix the setting."""
    with pytest.raises(Unreadable, match="day first or month first") as caught:
        days(cell)
    assert "day_first" in caught.value.fix
    assert days(cell, day_first=True) == ["2025-04-03"]
    assert days(cell, day_first=False) == ["2025-03-04"]


def test_values_beat_the_answer():
    """A column whose values say month first is month first whatever the setting for all files says."""
    assert days("2/27/2026", "2/5/2026", day_first=True) == ["2026-02-27", "2026-02-05"]


def test_same_day_and_month_needs_no_answer():
    """03/03/2026 is the same day in both orders."""
    assert days("03/03/2026", "04/04/2026") == ["2026-03-03", "2026-04-04"]


def test_contradicting_orders_are_refused_with_both():
    """31/10 and 10/31 in one column are shown."""
    with pytest.raises(Unreadable, match="31/10/2023 and 10/31/2023"):
        days("31/10/2023", "10/31/2023")


@pytest.mark.parametrize(
    "cell",
    ["2026-02-30", "31/04/2026", "2026-13-01", "1850-01-01", "2150-01-01", "68-01-01", "soon", "2025-W53", "2026-W00",
     "12:30", "2026-03-02 25:00", "2026", "99/99/9999", "1/1/70"],
)  # fmt: skip
def test_impossible_and_far_off_dates_are_bad(cell):
    """Days that do not exist, years far off and words are marked bad, never moved to a near day."""
    parsed = parse_dates(pd.Series([cell, "2026-03-02"], dtype="str"))
    assert parsed.bad.tolist() == [True, False]
    assert np.isnat(parsed.times[0])


def test_buddhist_years_are_noted():
    """2568 is 2025, and that it was decided so is said."""
    parsed = parse_dates(pd.Series(["02/03/2568", "13/03/2568"], dtype="str"))
    assert [str(time)[:10] for time in parsed.times] == ["2025-03-02", "2025-03-13"]
    assert "Buddhist" in parsed.notes[0]
    assert parsed.converted.all()


def test_times_with_a_zone_become_days_of_the_users_zone():
    """23:30 UTC is the next day in Warsaw; a time without a zone and a bare day stay."""
    cells = ("2026-02-27T23:30:00Z", "2026-02-27T23:30:00+05:00", "2026-02-27 23:30", "2026-02-27")
    assert days(*cells, zone="Europe/Warsaw") == ["2026-02-28", "2026-02-27", "2026-02-27", "2026-02-27"]


def test_summer_time_is_kept_in_mind():
    """22:30 UTC is the next day in Warsaw in July, not in January."""
    assert days("2026-07-01 22:30 UTC", "2026-01-01 22:30 UTC", zone="Europe/Warsaw") == ["2026-07-02", "2026-01-01"]


def test_naive_times_of_a_known_zone_are_shifted():
    """Archive times are UTC without saying so; a shift in hours comes on top; bare days never move."""
    assert days("2026-02-27 23:30", naive_zone="UTC", zone="Europe/Helsinki") == ["2026-02-28"]
    assert days("2026-02-27 23:30", "2026-02-27", shift_hours=1) == ["2026-02-28", "2026-02-27"]


@pytest.mark.parametrize(
    ("week", "monday"),
    [("2026-W01", "2025-12-29"), ("2026-W53", "2026-12-28"), ("2025-W45", "2025-11-03"), ("2024-W01", "2024-01-01")],
)
def test_iso_weeks_begin_on_their_monday(week, monday):
    """The week of 1 January may belong to the other year."""
    assert days(week) == [monday]


@given(
    values=st.lists(st.dates(dt.date(1990, 1, 1), dt.date(2049, 12, 31)), min_size=1, max_size=25),
    style=st.sampled_from(
        ["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y-%m-%d", "%d %b %Y", "%b %d, %Y", "%d-%m-%Y", "%G-W%V-%u"]
    ),
)
@settings(max_examples=200, deadline=None)
def test_any_column_reads_back_or_is_asked_about(values, style):
    """Dates in any one style read back equal, or the order is asked for where every day is at most 12."""
    cells = [value.strftime(style) for value in values]
    expected = [value.isoformat() for value in values]
    try:
        assert days(*cells) == expected
    except Unreadable:
        assert all(value.day <= 12 for value in values)
    assert days(*cells, day_first=style.startswith("%d")) == expected


@given(values=st.lists(st.datetimes(dt.datetime(1990, 1, 2), dt.datetime(2049, 12, 30)), min_size=1, max_size=10))
@settings(max_examples=100, deadline=None)
def test_weeks_agree_with_the_calendar_of_the_standard_library(values):
    """The Monday of an ISO week is that of `date.fromisocalendar`."""
    weeks = [value.isocalendar() for value in values]
    cells = [f"{week.year}-W{week.week:02d}" for week in weeks]
    assert days(*cells) == [dt.date.fromisocalendar(week.year, week.week, 1).isoformat() for week in weeks]
