"""Effects after a start, with staggered starts."""

from __future__ import annotations

import numpy as np
import pytest

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.eventstudy import permute_starts, sun_abraham
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
