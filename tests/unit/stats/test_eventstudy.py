"""Effects after a start, with staggered starts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.eventstudy import _assignments, permute_starts, sun_abraham
from tests.unit.stats.simulated import fading


def licences(
    rng: np.random.Generator, people: int, weeks: int, exposed: int, ramp: float = 0.0, full_after: int = 26
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Long arrays y, person, week, start; an effect that grows to `ramp` within `full_after` weeks."""
    noise = fading(rng, people, weeks, 0.9, 1.0) + rng.normal(0, 0.5, (people, weeks))
    y = 10 + rng.normal(0, 3, (people, 1)) + 0.5 * np.sin(np.arange(weeks) / 8) + noise
    start = np.full(people, np.nan)
    start[:exposed] = rng.integers(weeks // 6, 5 * weeks // 6, exposed)
    since = np.arange(weeks) - np.where(np.isnan(start), np.inf, start)[:, None]
    y += ramp * np.clip(since / full_after, 0, 1)
    person = np.repeat(np.arange(people), weeks)
    return y.ravel(), person, np.tile(np.arange(weeks), people), start[person]


def test_it_equals_least_squares_with_all_dummies():
    """On an unbalanced panel the cohort effects are those of dummies for everything, and so is the CR0 error."""
    rng = np.random.default_rng(1)
    y, person, week, start = licences(rng, 12, 8, 7)
    keep = rng.random(len(y)) > 0.1
    y, person, week, start = y[keep], person[keep], week[keep], start[keep]
    found = sun_abraham(y, person, week, start, cohort_width=2, kind="CR0")

    event, cohort = week - start, start // 2
    used = np.isnan(start) | np.isin(cohort, cohort[event == -1])
    y, person, week, event, cohort = y[used], person[used], week[used], event[used], cohort[used]
    cells = list(zip(found.cohort, found.cohort_event))
    columns = [((cohort == c) & (event == e)).astype(float) for c, e in cells]
    columns += [(person == i).astype(float) for i in np.unique(person)]
    columns += [(week == t).astype(float) for t in np.unique(week)[1:]]
    X = np.column_stack(columns)
    coef = np.linalg.lstsq(X, y, rcond=None)[0]
    assert found.cohort_effect == pytest.approx(coef[: len(cells)], abs=1e-8)

    bread = np.linalg.pinv(X.T @ X)
    scores = np.array([X[person == i].T @ (y - X @ coef)[person == i] for i in np.unique(person)])
    error = np.sqrt(np.diag(bread @ scores.T @ scores @ bread))
    assert found.cohort_se == pytest.approx(error[: len(cells)], abs=1e-8)


def test_a_growing_effect_is_found_where_plain_two_way_effects_miss_it():
    """A ramp to 4 points in 26 weeks: the window of weeks 22 to 26 is near 4 times its mean exposure."""
    rng = np.random.default_rng(2)
    y, person, week, start = licences(rng, 150, 104, 90, ramp=4.0)
    found = sun_abraham(y, person, week, start, bin_width=2, cohort_width=13, window=(11, 12), kind="CR1")
    truth = 4 * np.mean(np.arange(22, 26)) / 26
    assert found.window_effect == pytest.approx(truth, abs=0.4)
    assert found.window_low < truth < found.window_high
    assert np.abs(found.effect[found.event < -1]).mean() < 0.5


def test_the_relative_effect_is_the_effect_over_the_level_before():
    """With a jump of 2 on a level of 10 the licence adds a fifth."""
    rng = np.random.default_rng(3)
    y, person, week, start = licences(rng, 60, 60, 30, ramp=2.0, full_after=1)
    found = sun_abraham(y, person, week, start, bin_width=4, cohort_width=13, window=(1, 6), kind="CR1")
    assert found.relative == pytest.approx(found.window_effect / found.pre_mean)
    assert found.relative == pytest.approx(0.2, abs=0.08)
    assert found.relative_low < 0.2 < found.relative_high


def test_the_jackknife_is_the_estimate_without_each_person():
    """Leaving people out by hand gives the jackknife's standard error."""
    y, person, week, start = licences(np.random.default_rng(4), 10, 12, 5)
    options = {"cohort_width": 4, "window": (0, 2)}
    found = sun_abraham(y, person, week, start, kind="jackknife", **options)
    without = []
    for i in range(10):
        keep = person != i
        part = sun_abraham(y[keep], person[keep], week[keep], start[keep], kind="CR0", **options)
        without.append(part.window_effect)
    spread = np.array(without) - np.mean(without)
    assert found.window_se == pytest.approx(np.sqrt(0.9 * spread @ spread), rel=1e-8)


def test_sellers_alone_in_their_cohort_are_counted_and_not_certain():
    """With one seller per cohort the sandwich is far below the jackknife, and `n_alone` says why."""
    y, person, week, _ = licences(np.random.default_rng(5), 14, 40, 6)
    start = np.where(person < 6, 10 + 3 * person, np.nan)
    jackknife = sun_abraham(y, person, week, start, bin_width=4)
    sandwich = sun_abraham(y, person, week, start, bin_width=4, kind="CR1")
    assert jackknife.n_alone == 6
    assert jackknife.window_effect == sandwich.window_effect
    assert sandwich.window_se < 0.75 * jackknife.window_se


def test_persons_never_seen_before_their_start_are_left_out():
    """A seller who came with a licence says nothing about its effect."""
    y, person, week, start = licences(np.random.default_rng(6), 20, 30, 8)
    with_old = sun_abraham(y, person, week, np.where(person == 19, -5.0, start), kind="CR1")
    keep = person != 19
    without = sun_abraham(y[keep], person[keep], week[keep], start[keep], kind="CR1")
    assert with_old.n_dropped == 1
    assert with_old.window_effect == pytest.approx(without.window_effect, rel=1e-10)


def test_when_all_start_the_last_cohort_serves_until_it_starts():
    """Without anybody who never starts, the last to start are the comparison, and later weeks are left out."""
    y, person, week, _ = licences(np.random.default_rng(7), 20, 30, 0)
    start = np.where(person < 12, 8.0, 20.0)
    found = sun_abraham(y, person, week, start, kind="CR1")
    by_hand = sun_abraham(
        y[week < 20], person[week < 20], week[week < 20], np.where(start == 20, np.nan, start)[week < 20], kind="CR1"
    )
    assert found.n_control == 8
    assert found.n_rows == 20 * 20
    assert found.effect == pytest.approx(by_hand.effect, rel=1e-10)


def test_rows_in_any_order_give_the_same():
    """Shuffled rows and text labels change nothing."""
    y, person, week, start = licences(np.random.default_rng(8), 12, 20, 5)
    order = np.random.default_rng(9).permutation(len(y))
    names = np.array([f"P{i:02d}" for i in person])
    one = sun_abraham(y, person, week, start)
    other = sun_abraham(y[order], names[order], week[order], start[order])
    assert other.effect == pytest.approx(one.effect, rel=1e-9)
    assert other.window_se == pytest.approx(one.window_se, rel=1e-9)


def test_the_permutation_of_two_licences_tries_all_assignments():
    """Two licences at different weeks among eight: 56 ways, and p is a share of them."""
    y, person, week, _ = licences(np.random.default_rng(10), 8, 30, 0)
    start = np.where(person == 0, 10.0, np.where(person == 1, 15.0, np.nan))
    found = permute_starts(y, person, week, start, bin_width=2)
    assert found.exact
    assert len(found.draws) == 8 * 7 - 1
    assert found.p * 56 == pytest.approx(round(found.p * 56), abs=1e-9)
    assert found.effect == pytest.approx(sun_abraham(y, person, week, start, bin_width=2).window_effect, rel=1e-9)


def test_a_large_effect_has_the_smallest_possible_p():
    """Two sellers who jump by 30 points are the most extreme of all 28 pairs."""
    y, person, week, _ = licences(np.random.default_rng(11), 8, 30, 0)
    start = np.where(person < 2, 15.0, np.nan)
    y = y + 30 * ((person < 2) & (week >= 15))
    assert permute_starts(y, person, week, start).p == pytest.approx(1 / 28)


def test_random_assignments_repeat_with_their_seed():
    """The same seed gives the same p, and p is never 0."""
    y, person, week, start = licences(np.random.default_rng(12), 16, 20, 7)
    one = permute_starts(y, person, week, start, draws=20, seed=3)
    other = permute_starts(y, person, week, start, draws=20, seed=3)
    assert not one.exact
    assert one.p == other.p >= 1 / 21


def test_two_starts_of_one_person_are_refused():
    """A start is a fact about a person, not about a row."""
    y, person, week, start = licences(np.random.default_rng(13), 6, 20, 3)
    start[0] += 1
    with pytest.raises(ValueError, match="two different starts"):
        sun_abraham(y, person, week, start)


def test_one_exposed_person_is_not_enough():
    """One licence gives no variance between licensed sellers."""
    y, person, week, start = licences(np.random.default_rng(14), 6, 20, 1)
    with pytest.raises(NotEnoughData, match="1 persons seen before and after"):
        sun_abraham(y, person, week, start)


def test_a_window_nobody_reaches_is_named():
    """Weeks 40 to 50 after the start cannot be judged on 20 weeks."""
    y, person, week, start = licences(np.random.default_rng(15), 10, 20, 4)
    with pytest.raises(NotEnoughData, match="event times 40 to 50"):
        sun_abraham(y, person, week, start, window=(40, 50))


@pytest.mark.slow
def test_the_jackknife_keeps_its_level_with_staggered_licences():
    """14 of 24 licensed one by one, no effect: at most 9 % rejections, where CR1 has more than 15 %."""
    rng = np.random.default_rng(16)
    options = {"bin_width": 4, "window": (0, 6)}
    worlds = [licences(rng, 24, 52, 14) for _ in range(300)]
    jackknife = np.mean([sun_abraham(*world, **options).window_p < 0.05 for world in worlds])
    sandwich = np.mean([sun_abraham(*world, kind="CR1", **options).window_p < 0.05 for world in worlds])
    assert jackknife <= 0.09
    assert sandwich > 0.15


@pytest.mark.slow
def test_permuting_starts_keeps_its_level_with_two_licences():
    """Two of 24 licensed, no effect: 5 % rejections, give or take."""
    rng = np.random.default_rng(17)
    rejected = []
    for _ in range(150):
        y, person, week, start = licences(rng, 24, 40, 2)
        rejected.append(permute_starts(y, person, week, start, bin_width=4, draws=99).p <= 0.05)
    assert 0.01 <= np.mean(rejected) <= 0.10


def two_periods(n_exposed: int = 5, n_control: int = 7) -> tuple[np.ndarray, ...]:
    """One reading before and one after a common start: y, person, period, start, and who is exposed."""
    n = n_exposed + n_control
    y = np.random.default_rng(18).normal(10, 2, (n, 2))
    exposed = np.arange(n) < n_exposed
    y[exposed, 1] += 3
    person = np.repeat(np.arange(n), 2)
    start = np.where(exposed, 1.0, np.nan)[person]
    return y, person, np.tile([0, 1], n), start, exposed


def test_before_and_after_is_the_difference_of_mean_changes():
    """Two periods: the effect, its jackknife error, Welch's degrees of freedom and p, written out."""
    y, person, period, start, exposed = two_periods()
    found = sun_abraham(y.ravel(), person, period, start)
    change = y[:, 1] - y[:, 0]
    one, other = change[exposed], change[~exposed]
    effect = one.mean() - other.mean()
    assert (found.window, found.window_effect) == ((0, 0), pytest.approx(effect))
    # Without one of n persons a mean moves by deviation / (n_group - 1).
    parts = [11 / 12 * np.sum((group - group.mean()) ** 2) / (len(group) - 1) ** 2 for group in (one, other)]
    se, df = np.sqrt(sum(parts)), sum(parts) ** 2 / (parts[0] ** 2 / 4 + parts[1] ** 2 / 6)
    assert (found.window_se, found.window_df) == pytest.approx((se, df), rel=1e-9)
    half = scipy_stats.t.ppf(0.975, df) * se
    assert (found.window_low, found.window_high) == pytest.approx((effect - half, effect + half), rel=1e-9)
    assert found.window_p == pytest.approx(2 * scipy_stats.t.sf(abs(effect) / se, df), rel=1e-9)
    assert (found.event.tolist(), found.people.tolist(), found.cohort_rows.tolist()) == ([0], [5], [5])
    assert (found.effect[0], found.se[0], found.low[0]) == pytest.approx((effect, se, effect - half))
    assert (found.kind, found.n_exposed, found.n_control, found.n_rows) == ("jackknife", 5, 7, 24)


@pytest.mark.parametrize(("kind", "factor"), [("CR0", 1.0), ("CR1", 12 / 11)])
def test_the_sandwich_is_the_sum_of_squared_shares(kind, factor):
    """Two periods: squared deviations over squared group sizes, with G/(G-1) for CR1."""
    y, person, period, start, exposed = two_periods()
    found = sun_abraham(y.ravel(), person, period, start, kind=kind)
    change = y[:, 1] - y[:, 0]
    variance = sum(
        np.sum((group - group.mean()) ** 2) / len(group) ** 2 for group in (change[exposed], change[~exposed])
    )
    assert found.window_se == pytest.approx(np.sqrt(factor * variance), rel=1e-9)


def test_the_range_of_the_relative_effect_knows_that_both_parts_vary():
    """The ratio's error is that of effect - ratio x level, person by person, over the level."""
    y, person, period, start, exposed = two_periods()
    found = sun_abraham(y.ravel(), person, period, start)
    before, change = y[exposed, 0], y[:, 1] - y[:, 0]
    ratio = found.window_effect / before.mean()
    assert (found.pre_mean, found.relative) == pytest.approx((before.mean(), ratio))
    shift = np.where(exposed, change - change[exposed].mean(), change[~exposed].mean() - change)
    parts = np.sqrt(11 / 12) * shift / np.where(exposed, 4, 6)
    level = np.zeros(12)
    level[exposed] = (before - before.mean()) / np.sqrt(5 * 4)
    error = np.sqrt(np.sum((parts - ratio * level) ** 2)) / before.mean()
    half = scipy_stats.t.ppf(0.975, found.window_df) * error
    assert (found.relative_low, found.relative_high) == pytest.approx((ratio - half, ratio + half), rel=1e-6)


def test_averages_weigh_each_row_of_an_exposed_person_once():
    """The effect at an event time is the mean of the cohorts' effects, weighted by their rows; so is the window's."""
    y, person, week, start = licences(np.random.default_rng(19), 14, 20, 8)
    found = sun_abraham(y, person, week, start, cohort_width=6, window=(0, 2), kind="CR0")
    for at, event in enumerate(found.event):
        own = found.cohort_event == event
        assert found.effect[at] == pytest.approx(np.average(found.cohort_effect[own], weights=found.cohort_rows[own]))
        assert found.people[at] <= 8
    own = (found.cohort_event >= 0) & (found.cohort_event <= 2)
    expected = np.average(found.cohort_effect[own], weights=found.cohort_rows[own])
    assert found.window_effect == pytest.approx(expected, rel=1e-9)
    assert found.n_rows == len(y)


def test_rows_outside_the_span_are_left_out():
    """A span of -3 to 4 keeps these weeks of exposed persons, and all weeks of the others that can be compared."""
    y, person, week, start = licences(np.random.default_rng(20), 14, 20, 6)
    found = sun_abraham(y, person, week, start, span=(-3, 4), kind="CR0")
    event = week - start
    keep = np.isnan(start) | ((event >= -3) & (event <= 4))
    by_hand = sun_abraham(y[keep], person[keep], week[keep], start[keep], kind="CR0")
    assert (found.event.min(), found.event.max()) == (-3, 4)
    assert found.effect == pytest.approx(by_hand.effect, rel=1e-9)


def test_the_last_cohort_can_be_asked_for_as_comparison():
    """With "last" those who never start are no part of it; unknown words are refused."""
    y, person, week, start = licences(np.random.default_rng(21), 16, 24, 0)
    start = np.select([person < 6, person < 12], [8.0, 16.0], np.nan)
    last = sun_abraham(y, person, week, start, control="last", kind="CR0")
    keep = person < 12
    by_hand = sun_abraham(y[keep], person[keep], week[keep], start[keep], kind="CR0")
    assert last.n_control == 6
    assert last.effect == pytest.approx(by_hand.effect, rel=1e-9)
    never = sun_abraham(y, person, week, start, kind="CR0")
    assert (never.n_exposed, never.n_control) == (12, 4)
    with pytest.raises(ValueError, match="control is 'first'"):
        sun_abraham(y, person, week, start, control="first")
    with pytest.raises(ValueError, match="kind is 'CR2'"):
        sun_abraham(y, person, week, start, kind="CR2")


def test_a_missing_outcome_is_no_row():
    """Rows without an outcome are left out before anything is counted."""
    y, person, week, start = licences(np.random.default_rng(22), 10, 12, 4)
    gaps = y.copy()
    gaps[::7] = np.nan
    keep = np.isfinite(gaps)
    one = sun_abraham(gaps, person, week, start, kind="CR0")
    other = sun_abraham(y[keep], person[keep], week[keep], start[keep], kind="CR0")
    assert one.n_rows == other.n_rows < len(y)
    assert one.effect == pytest.approx(other.effect, rel=1e-12)


def test_every_way_to_hand_out_the_starts_is_tried_once():
    """Starts 1, 1, 2 and two never: 5! / (2! 1! 2!) = 30 ways, the observed one left out; many are drawn."""
    starts = np.array([1.0, 1.0, 2.0, np.nan, np.nan])
    ways, exact = _assignments(starts, 9, np.random.default_rng(0))
    shown = {tuple(np.nan_to_num(way, nan=-1).tolist()) for way in ways}
    assert exact and len(ways) == len(shown) == 29
    assert tuple(np.nan_to_num(starts, nan=-1).tolist()) not in shown
    assert all(sorted(way) == [-1, -1, 1, 1, 2] for way in shown)
    drawn, exact = _assignments(np.append(np.arange(12.0), [np.nan] * 12), 9, np.random.default_rng(0))
    assert not exact and len(drawn) == 9
    assert all(np.array_equal(np.sort(way), np.append(np.arange(12.0), [np.nan] * 12), equal_nan=True) for way in drawn)
