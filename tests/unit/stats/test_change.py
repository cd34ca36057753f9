"""Regression to the mean is told from growth."""

from __future__ import annotations

import numpy as np
import pytest

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.change import (
    blomqvist,
    close_reading_reliability,
    disattenuated,
    naive_change,
    oldham,
)


def noisy_pair(rng: np.random.Generator, n: int, growth: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """True scores with sd 10 that grow by `growth` per point below the mean, read twice with sd 5 noise."""
    truth = rng.normal(50, 10, n)
    later = truth + growth * (50 - truth) + rng.normal(0, 2, n)
    return truth + rng.normal(0, 5, n), later + rng.normal(0, 5, n)


def test_oldham_keeps_its_level_where_the_naive_test_does_not():
    """Without growth Oldham rejects about 5 %, the naive correlation at least four times as often."""
    rng = np.random.default_rng(1)
    fair, naive = [], []
    for _ in range(1000):
        truth = rng.normal(50, 10, 24)
        first, last = truth + rng.normal(0, 5, 24), truth + rng.normal(0, 5, 24)
        fair.append(oldham(first, last).p < 0.05)
        naive.append(naive_change(first, last).p < 0.05)
    assert 0.03 < np.mean(fair) < 0.07
    assert np.mean(naive) > 0.20


def test_oldham_sees_low_starters_grow():
    """When low starters do grow faster, r is negative and the test says so."""
    first, last = noisy_pair(np.random.default_rng(2), 200, growth=0.4)
    found = oldham(first, last)
    assert found.r < 0
    assert found.p < 0.001
    assert found.low < found.r < found.high < 0


def test_oldham_does_not_depend_on_the_order_of_persons_or_on_gaps():
    """Persons without both readings are left out, and order does not matter."""
    first, last = noisy_pair(np.random.default_rng(3), 30)
    order = np.random.default_rng(4).permutation(30)
    with_gaps = oldham(np.append(first[order], [np.nan, 40]), np.append(last[order], [50, np.nan]))
    assert with_gaps.n == 30
    assert with_gaps.r == pytest.approx(oldham(first, last).r, rel=1e-12)


def test_a_constant_gap_is_no_correlation():
    """Persons who all changed by the same amount give no correlation to test."""
    with pytest.raises(NotEnoughData, match="all persons have the same one"):
        oldham(np.arange(10.0), np.arange(10.0) + 3)


def test_too_few_persons_are_named():
    """Four persons are too few, and the message says how many there are."""
    with pytest.raises(NotEnoughData, match="only 4 persons"):
        oldham(np.arange(4.0), np.arange(4.0) ** 2)


def test_blomqvist_recovers_the_slope_of_true_change():
    """With the true reliability the slope is near the truth, which the naive slope misses by far."""
    rng = np.random.default_rng(5)
    first, last = noisy_pair(rng, 20_000, growth=0.2)
    corrected = blomqvist(first, last, reliability=100 / 125)
    assert corrected.slope == pytest.approx(-0.2, abs=0.03)
    assert naive_change(first, last).slope == pytest.approx(-0.2 * 0.8 - 0.2, abs=0.03)
    assert corrected.low < -0.2 < corrected.high


def test_a_perfect_reliability_leaves_the_naive_slope():
    """With reliability 1 Blomqvist and the naive slope are the same."""
    first, last = noisy_pair(np.random.default_rng(6), 40)
    assert blomqvist(first, last, 1.0).slope == pytest.approx(naive_change(first, last).slope, rel=1e-12)


@pytest.mark.parametrize("reliability", [0.0, -0.2, 1.01, float("nan")])
def test_an_impossible_reliability_is_refused(reliability):
    """A reliability is above 0 and at most 1."""
    with pytest.raises(ValueError, match="reliability is"):
        blomqvist(np.arange(9.0), np.arange(9.0) ** 2, reliability)


def test_reliability_from_close_readings_is_the_true_one():
    """Person-weeks that drift slowly under noise of sd 1: 1 - 1/Var_within."""
    rng = np.random.default_rng(7)
    people, days = 40, 200
    drift = np.cumsum(rng.normal(0, 0.15, (people, days)), axis=1)
    truth = 50 + drift + rng.normal(0, 10, (people, 1))
    read = truth + rng.normal(0, 1, truth.shape)
    person, day = np.repeat(np.arange(people), days), np.tile(np.arange(days), people)
    found = close_reading_reliability(person, day, read.ravel())
    within = np.mean(read.var(axis=1, ddof=1))
    assert found.within_variance == pytest.approx(within, rel=1e-9)
    assert found.error_variance == pytest.approx(1 + 0.15**2 / 2, rel=0.05)
    assert found.within == pytest.approx(1 - found.error_variance / within)
    assert found.n_pairs == people * (days - 1)


def test_reliability_takes_rows_in_any_order_and_dates():
    """Shuffled rows with calendar dates give the same numbers as sorted days."""
    rng = np.random.default_rng(8)
    person, day = np.repeat(np.arange(5), 30), np.tile(np.arange(30), 5)
    value = rng.normal(0, 1, 150)
    order = rng.permutation(150)
    dates = np.datetime64("2025-01-01") + day[order].astype("timedelta64[D]")
    shuffled = close_reading_reliability(person[order], dates.astype("datetime64[us]"), value[order])
    assert shuffled == close_reading_reliability(person, day, value)


def test_weekly_readings_make_no_close_pair():
    """Readings seven days apart cannot tell noise from change, and the message says what would."""
    person, day = np.repeat(np.arange(5), 30), np.tile(np.arange(30) * 7, 5)
    with pytest.raises(NotEnoughData, match="only 0 pairs of readings at most 2 days apart"):
        close_reading_reliability(person, day, np.random.default_rng(9).normal(size=150))


def test_two_readings_of_one_day_are_no_pair():
    """Readings of the same day are not two measurements of a daily score."""
    person, day = np.repeat(np.arange(20), 2), np.zeros(40)
    with pytest.raises(NotEnoughData, match="only 0 pairs"):
        close_reading_reliability(person, day, np.arange(40.0))


def test_disattenuation_divides_slope_and_limits():
    """A reliability of one half doubles the slope and both limits."""
    assert disattenuated(0.1, 0.05, 0.15, 0.5) == pytest.approx((0.2, 0.1, 0.3))


def test_a_change_that_all_share_depends_on_nothing():
    """Everybody three points up: no link with the start, whatever rounding leaves over."""
    first = np.random.default_rng(0).normal(50, 10, 30)
    found = naive_change(first, first + 3)
    assert (found.r, found.slope, found.p) == (0.0, 0.0, 1.0)
