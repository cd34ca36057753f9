"""Dose-response over bands of the score."""

from __future__ import annotations

import numpy as np
import pytest

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.clusters import cr2
from ssi_audit.stats.dose import dose_response
from ssi_audit.stats.fixed_effects import fe_poisson
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
