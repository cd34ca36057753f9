"""Regression to the mean is told from growth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import linregress, pearsonr
from scipy.stats import t as t_distribution

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
    assert disattenuated(0.1, 0.05, 0.15, 1.0) == (0.1, 0.05, 0.15)
    with pytest.raises(ValueError, match="reliability is 0"):
        disattenuated(0.1, 0.05, 0.15, 0.0)


def test_a_change_that_all_share_depends_on_nothing():
    """Everybody three points up: no link with the start, whatever rounding leaves over."""
    first = np.random.default_rng(0).normal(50, 10, 30)
    found = naive_change(first, first + 3)
    assert (found.r, found.slope, found.p) == (0.0, 0.0, 1.0)


def test_the_naive_line_is_that_of_scipy():
    """r, slope, standard error and p of the change on the start equal scipy.stats.linregress."""
    first, last = noisy_pair(np.random.default_rng(10), 12, growth=0.3)
    found, line = naive_change(first, last), linregress(first, last - first)
    assert (found.r, found.slope) == pytest.approx((line.rvalue, line.slope), rel=1e-12)
    assert (found.se, found.p) == pytest.approx((line.stderr, line.pvalue), rel=1e-10)
    corrected = blomqvist(first, last, 0.8)
    half = t_distribution.ppf(0.975, 10) * line.stderr / 0.8
    assert corrected.se == pytest.approx(line.stderr / 0.8, rel=1e-10)
    assert (corrected.low, corrected.high) == pytest.approx((corrected.slope - half, corrected.slope + half), rel=1e-10)


def test_a_perfect_line_has_no_error_and_a_p_of_zero():
    """Everybody moves half way to 50: the slope is -1/2 without any error."""
    first = np.array([40.0, 44, 48, 56, 60])
    found = naive_change(first, (first + 50) / 2)
    assert (found.r, found.slope) == pytest.approx((-1, -0.5))
    assert found.se == pytest.approx(0, abs=1e-12)
    assert found.p == pytest.approx(0, abs=1e-12)


def test_one_start_for_all_explains_no_change():
    """Where all started alike there is nothing the change could depend on."""
    with pytest.raises(NotEnoughData, match="nothing can depend on it"):
        naive_change(np.full(6, 50.0), np.arange(6.0))


def test_a_level_that_all_share_is_no_correlation():
    """Persons who only trade places around one level give no level to relate their change to."""
    first = np.array([40.0, 45, 50, 55, 60])
    with pytest.raises(NotEnoughData, match="all persons have the same one"):
        oldham(first, 100 - first)


def test_five_persons_are_enough_and_their_interval_is_fishers():
    """With five persons z has standard error 1/sqrt(2), and t three degrees of freedom."""
    first, last = np.array([40.0, 45, 52, 58, 61]), np.array([47.0, 43, 60, 55, 64])
    found = oldham(first, last)
    z = np.arctanh(np.corrcoef(last - first, last + first)[0, 1])
    assert np.arctanh([found.low, found.high]) == pytest.approx(z + np.array([-1, 1]) * 1.959964 / np.sqrt(2), rel=1e-6)
    assert (found.n, found.df) == (5, 3)
    # Pitman and Morgan: the same p as that of the correlation of sum and difference.
    assert found.p == pytest.approx(pearsonr(last - first, last + first).pvalue, rel=1e-9)


def test_a_change_in_step_with_the_level_is_certain():
    """Everybody grows by a tenth: r is 1 with no interval around it, and p is 0."""
    first = np.array([40.0, 45, 50, 55, 60])
    found = oldham(first, 1.1 * first)
    assert (found.r, found.low, found.high) == pytest.approx((1, 1, 1))
    assert found.p == pytest.approx(0, abs=1e-9)


def test_pairs_are_close_up_to_the_days_asked_for():
    """Ten pairs two days apart are enough; with one day they are no pairs; three days apart none are."""
    person, day = np.repeat(np.arange(10), 2), np.tile([0, 2], 10)
    value = np.tile([50.0, 52.0], 10)
    found = close_reading_reliability(person, day, value)
    # Each pair differs by 2: half of 4 is the error, and all that varies within a person.
    assert (found.n_pairs, found.n_people, found.error_variance, found.within) == (10, 10, 2.0, 0.0)
    for days, most in ((day, 1), (day * 1.5, 2)):
        with pytest.raises(NotEnoughData, match="only 0 pairs"):
            close_reading_reliability(person, days, value, max_days=most)
    with pytest.raises(NotEnoughData, match="only 9 pairs"):
        close_reading_reliability(person[2:], day[2:], value[2:])


def test_a_person_read_once_and_a_missing_value_do_not_count():
    """One reading says nothing of the variance within; a value that is missing is no reading."""
    person = np.array([*np.repeat(np.arange(10), 3), 10, 11, 11])
    day = np.array([*np.tile([0, 1, 9], 10), 0, 0, 1])
    value = np.array([*np.tile([50.0, 52.0, 57.0], 10), 40, 41, np.nan])
    found = close_reading_reliability(person, day, value)
    assert (found.n_pairs, found.n_people, found.error_variance) == (10, 10, 2.0)
    assert found.within_variance == pytest.approx(np.var([50.0, 52.0, 57.0], ddof=1))


def test_a_score_that_never_moves_has_no_reliability_within():
    """Without variance within persons nothing can be told from noise."""
    with pytest.raises(NotEnoughData, match="no person's score ever changed"):
        close_reading_reliability(np.repeat(np.arange(10), 2), np.tile([0, 1], 10), np.full(20, 50.0))


def test_shapes_must_match():
    """One number per person at the start and at the end."""
    with pytest.raises(ValueError, match="one number per person was expected"):
        oldham(np.arange(6.0), np.arange(5.0))
    with pytest.raises(ValueError, match="one number per person was expected"):
        oldham(np.ones((6, 2)), np.ones((6, 2)))
