"""Windows of days before a date."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ssi_audit.panel import day_number
from ssi_audit.windows import events_of, first_day_of, sum_between


def _events(*rows: tuple[str, int, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["person", "day", "value"])


def test_the_first_day_counts_and_the_last_does_not():
    """A window from 10 to 13 holds days 10, 11 and 12."""
    events = _events(*(("P01", day, 1.0) for day in range(8, 16)))
    assert sum_between(events, pd.Series(["P01"]), np.array([10]), np.array([13])) == [3.0]


def test_people_do_not_share_days():
    """Each person's sum is of his own events, also where the other's lie at the edge of time."""
    events = _events(("P01", 0, 5.0), ("P02", 100, 7.0), ("P01", 100, 11.0))
    who = pd.Series(["P01", "P02", "P03", "P01"])
    found = sum_between(events, who, np.array([0, 0, 0, 1]), np.array([100, 101, 101, 101]))
    assert found.tolist() == [5.0, 7.0, 0.0, 11.0]


def test_the_order_of_the_rows_changes_no_digit():
    """Sums of fractions are the same bytes for shuffled rows."""
    rng = np.random.default_rng(1)
    events = _events(*(("P01", int(day), float(v)) for day, v in zip(rng.integers(0, 50, 500), rng.random(500))))
    windows = (pd.Series(["P01"] * 40), np.arange(40), np.arange(40) + 10)
    once = sum_between(events, *windows)
    again = sum_between(events.sample(frac=1, random_state=2), *windows)
    assert once.tobytes() == again.tobytes()


def test_no_events_is_zero():
    """Without any event every sum is 0."""
    assert sum_between(_events(), pd.Series(["P01"]), np.array([0]), np.array([9])).tolist() == [0.0]


def test_totals_are_spread_over_their_days():
    """A total of 10 over five days is 2 a day; a daily count stays on its day; no row is lost."""
    table = pd.DataFrame(
        {
            "person": ["P01", "P01"],
            "date": pd.to_datetime(["2025-01-05", "2025-01-09"]),
            "first_day": pd.to_datetime(["2025-01-01", None]),
            "count": [10.0, 3.0],
        }
    )
    made = events_of(table, "count")
    start = int(day_number(pd.Series(pd.to_datetime(["2025-01-01"])))[0])
    assert made["day"].tolist() == [start + k for k in (0, 1, 2, 3, 4, 8)]
    assert made["value"].tolist() == [2.0] * 5 + [3.0]


def test_rows_without_person_or_day_are_no_events():
    """An event that nobody owns, or without a date, is in no window."""
    table = pd.DataFrame({"person": ["P01", None, "P01"], "date": pd.to_datetime(["2025-01-05", "2025-01-05", None])})
    assert len(events_of(table)) == 1


def test_the_first_day_of_somebody_without_events_is_unknown():
    """NaN, not the first day of the others."""
    found = first_day_of(_events(("P01", 4, 1.0), ("P01", 2, 1.0)), pd.Series(["P01", "P02"]))
    assert found[0] == 2
    assert np.isnan(found[1])


@pytest.mark.parametrize("missing", ["date", "count"])
def test_missing_values_are_left_out(missing):
    """A row without a count says nothing."""
    table = pd.DataFrame({"person": ["P01"], "date": pd.to_datetime(["2025-01-05"]), "count": [1.0]})
    table[missing] = None
    assert events_of(table.astype({"date": "datetime64[us]", "count": "float64"}), "count").empty
