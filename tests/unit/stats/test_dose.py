"""Dose-response over bands of the score."""

from __future__ import annotations

import numpy as np
import pytest

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.clusters import cr2, leave_one_out
from ssi_audit.stats.dose import _departure, _peopled, dose_response
from ssi_audit.stats.fixed_effects import fe_ols, fe_poisson, pooled_poisson
from tests.unit.stats.simulated import fading

EDGES = (0, 40, 50, 60, 100)


def bands(rng: np.random.Generator, levels: tuple[float, ...], people: int = 40, weeks: int = 60) -> tuple:
    """Events whose log rate is `levels` by band of a wandering score; returns events, score, person."""
    score = 50 + fading(rng, people, weeks, 0.9, 11) + rng.normal(0, 3, (people, 1))
    band = np.clip(np.searchsorted(EDGES, score, side="right") - 1, 0, 3)
    rate = 3 * np.exp(np.array(levels)[band] + rng.normal(0, 0.4, (people, 1)))
    return rng.poisson(rate).ravel(), score.ravel(), np.repeat(np.arange(people), weeks)


def test_bands_are_dummies_with_cr2():
    """The effect of the third band is fe_poisson on dummies of all bands but the first."""
    y, score, person = bands(np.random.default_rng(1), (0, 0.2, 0.3, 0.5))
    found = dose_response(y, score, person, EDGES)
    band = np.clip(np.searchsorted(EDGES, score, side="right") - 1, 0, 3)
    fit = fe_poisson(y, (band[:, None] == [1, 2, 3]).astype(float), person)
    assert found.effects[0] is None
    assert found.effects[2].estimate == pytest.approx(cr2(fit, 1).estimate, abs=1e-9)
    assert found.effects[2].se == pytest.approx(cr2(fit, 1).se, rel=1e-9)
    assert found.rows.sum() == len(y)


def test_a_rising_curve_has_a_trend_and_no_departure():
    """Each band better than the one below: clear trend, nothing that turns."""
    y, score, person = bands(np.random.default_rng(2), (0, 0.2, 0.4, 0.6))
    found = dose_response(y, score, person, EDGES, draws=199)
    assert found.trend.low > 0
    assert found.p_departure > 0.2
    assert (np.diff(found.monotone) >= 0).all()
    assert [found.effects[j].estimate for j in (1, 2, 3)] == pytest.approx([0.2, 0.4, 0.6], abs=0.12)


def test_slopes_of_both_halves_are_one_model_with_a_bend():
    """Below and above the median score: fe_poisson on the two parts of the score, per ten points."""
    y, score, person = bands(np.random.default_rng(2), (0, 0.2, 0.4, 0.6))
    found = dose_response(y, score, person, EDGES, draws=19)
    assert found.knot == np.median(score)
    parts = np.column_stack([np.minimum(score - found.knot, 0), np.maximum(score - found.knot, 0)]) / 10
    fit = fe_poisson(y, parts, person)
    for k, half in enumerate(found.halves):
        assert (half.estimate, half.se) == pytest.approx((cr2(fit, k).estimate, cr2(fit, k).se), rel=1e-7)


def test_a_curve_that_turns_is_noticed():
    """Best in the middle, worse at the top: it departs from any order."""
    y, score, person = bands(np.random.default_rng(3), (0, 0.5, 0.5, 0.0))
    found = dose_response(y, score, person, EDGES, draws=199)
    assert found.p_departure <= 0.02
    assert found.departure > 10


def test_a_falling_curve_is_monotone_too():
    """Higher scores with fewer events: a negative trend, and no departure from a falling order."""
    y, score, person = bands(np.random.default_rng(4), (0, -0.2, -0.4, -0.6))
    found = dose_response(y, score, person, EDGES, draws=199)
    assert found.trend.high < 0
    assert (np.diff(found.monotone) <= 0).all()
    assert found.p_departure > 0.2


def test_monotone_effects_equal_the_effects_where_they_rise():
    """Nothing is pooled where the order already holds."""
    y, score, person = bands(np.random.default_rng(5), (0, 0.3, 0.6, 0.9), people=60)
    found = dose_response(y, score, person, EDGES, draws=19)
    assert found.departure == pytest.approx(0, abs=1e-9)
    assert found.monotone[1:] == pytest.approx([effect.estimate for effect in found.effects[1:]], abs=1e-9)


def test_a_thin_band_joins_its_neighbour():
    """A band that two persons visit is no band of its own."""
    y, score, person = bands(np.random.default_rng(6), (0, 0, 0, 0))
    score = np.clip(score, 20, 89)
    score[person == 0] = np.linspace(60, 95, 60)
    found = dose_response(y, score, person, (0, 40, 50, 60, 90, 100), draws=19)
    assert found.edges.tolist() == [0, 40, 50, 60, 100]
    assert (found.people >= 3).all()


def test_missing_scores_are_no_band():
    """A row without a score is left out of bands and trend."""
    y, score, person = bands(np.random.default_rng(7), (0, 0.1, 0.2, 0.3))
    score[::10] = np.nan
    found = dose_response(y, score, person, EDGES, draws=19)
    assert found.rows.sum() == found.n_rows == np.isfinite(score).sum()


def test_two_bands_are_no_dose_response():
    """Edges must make three bands, and scores must visit them."""
    y, score, person = bands(np.random.default_rng(8), (0, 0, 0, 0))
    with pytest.raises(ValueError, match="at least four rising limits"):
        dose_response(y, score, person, (0, 50, 100))
    with pytest.raises(NotEnoughData, match="only 1 bands"):
        dose_response(y, np.clip(score, 51, 59), person, EDGES)


def test_a_flat_curve_departs_in_about_five_per_cent():
    """Without any dose-response the test of departure rejects in at most 9 % of teams."""
    rng = np.random.default_rng(9)
    rejected = []
    for _ in range(120):
        y, score, person = bands(rng, (0, 0, 0, 0), people=20, weeks=40)
        rejected.append(dose_response(y, score, person, EDGES, draws=99).p_departure <= 0.05)
    assert np.mean(rejected) <= 0.09


def test_bands_are_described_by_their_own_rows():
    """People, rows and mean score of a band are those of its rows; a band includes its lower limit."""
    y, score, person = bands(np.random.default_rng(10), (0, 0.1, 0.2, 0.3), people=20)
    score = np.round(score)
    found = dose_response(y, score, person, EDGES, draws=19)
    for low, high, people, rows, mean in zip((-99, 40, 50, 60), (40, 50, 60, 999), found.people, found.rows,
                                             found.mean_score):  # fmt: skip
        own = (score >= low) & (score < high)
        assert (people, rows) == (len(np.unique(person[own])), own.sum())
        assert mean == pytest.approx(score[own].mean())


def test_the_trend_is_per_unit_of_points():
    """The straight line is fe_poisson on the score in units, with and without effects per person."""
    y, score, person = bands(np.random.default_rng(11), (0, 0.2, 0.4, 0.6), people=20)
    x = np.random.default_rng(12).normal(size=len(y))
    ten = dose_response(y, score, person, EDGES, x, draws=19).trend
    assert ten == cr2(fe_poisson(y, np.column_stack([score / 10, x]), person), 0)
    assert dose_response(y, score, person, EDGES, x, unit=5.0, draws=19).trend.estimate == pytest.approx(
        ten.estimate / 2, rel=1e-6
    )
    between = dose_response(y, score, person, EDGES, absorb=False, draws=19)
    assert between.trend == cr2(pooled_poisson(y, score / 10, person), 0)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_distance_from_order_is_that_of_the_pooled_bands(sign):
    """Effects that turn once: by generalised least squares the two offending bands get one effect."""
    fit = fe_ols(*pulse(sign * np.array([0.0, 1.0, 3.0, 2.0])))
    monotone, departure, p = _departure(fit, 3, 99, 1)
    shares = np.sqrt(11 / 12) * (leave_one_out(fit) - fit.coef)
    weight, pooled = np.linalg.inv(shares.T @ shares), np.array([[1.0, 0], [0, 1], [0, 1]])
    expected = pooled @ np.linalg.solve(pooled.T @ weight @ pooled, pooled.T @ weight @ fit.coef)
    assert monotone == pytest.approx(expected, rel=1e-6)
    gap = fit.coef - expected
    assert departure == pytest.approx(gap @ weight @ gap, rel=1e-6)
    assert p == 0.01


def pulse(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Twelve persons who visit four bands eight times each: outcomes at `levels`, with independent errors."""
    rng = np.random.default_rng(13)
    noise = rng.normal(size=(12, 32))
    band = np.tile(np.arange(4), 8)
    for j in range(4):  # errors of every band add up to nothing, over all persons
        noise[:, band == j] -= noise[:, band == j].mean()
    y = levels[band] + noise
    columns = np.tile(band[:, None] == [1, 2, 3], (12, 1)).astype(float)
    return y.ravel(), columns, np.repeat(np.arange(12), 32)


def test_eight_persons_are_enough_and_seven_are_not():
    """As for every interval of this report."""
    y, score, person = bands(np.random.default_rng(14), (0, 0.1, 0.2, 0.3), people=8)
    assert dose_response(y, score, person, EDGES, draws=19).n_people == 8
    with pytest.raises(NotEnoughData, match="Only 7 people"):
        dose_response(y[person < 7], score[person < 7], person[person < 7], EDGES, draws=19)
    with pytest.raises(ValueError, match="at least four rising limits"):
        dose_response(y, score, person, (0, 40, 40, 60))


def test_a_thin_first_band_joins_the_one_above():
    """Limits are taken away until three persons have been in every band."""
    score = np.array([5.0, 15, 25, 35, 45] * 3 + [5.0])
    people = np.repeat([0, 1, 2, 3], [5, 5, 5, 1])
    assert _peopled(np.array([0, 10, 20, 30, 50.0]), score, people).tolist() == [0, 10, 20, 30, 50]
    rarely = np.where((score == 5) & (people > 1), 15.0, score)
    assert _peopled(np.array([0, 10, 20, 30, 50.0]), rarely, people).tolist() == [0, 20, 30, 50]
    with pytest.raises(NotEnoughData, match="only 2 bands"):
        _peopled(np.array([0, 10, 20, 50.0]), rarely, people)
