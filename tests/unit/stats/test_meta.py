"""Pooling of a handful of teams."""

from __future__ import annotations

import numpy as np
import pytest

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.meta import log_risk_ratio, random_effects


def test_interval_covers_with_five_teams():
    """Five teams with different effects and precisions: the interval covers in 94 to 99 % of draws."""
    rng = np.random.default_rng(1)
    covers = []
    for _ in range(1500):
        variance = rng.uniform(0.01, 0.09, 5)
        estimates = rng.normal(0.1, np.sqrt(variance + 0.02))
        found = random_effects(estimates, variance)
        covers.append(found.low <= 0.1 <= found.high)
    assert 0.94 < np.mean(covers) < 0.99


def test_prediction_interval_holds_the_next_team():
    """89 to 97 % of new teams' true effects fall into the prediction interval of 25 teams."""
    rng = np.random.default_rng(2)
    inside = []
    for _ in range(1000):
        variance = rng.uniform(0.01, 0.05, 25)
        found = random_effects(rng.normal(0.1, np.sqrt(variance + 0.04)), variance)
        inside.append(found.predict_low <= rng.normal(0.1, 0.2) <= found.predict_high)
    assert 0.89 < np.mean(inside) < 0.97


def test_teams_alike_have_no_variance_between_them():
    """Estimates closer than their errors give tau2 = 0 and I2 = 0."""
    found = random_effects([0.10, 0.11, 0.09], [0.04, 0.04, 0.04])
    assert (found.tau2, found.i2) == (0.0, 0.0)
    assert found.estimate == pytest.approx(0.10)
    assert found.q_p > 0.99


def test_the_same_number_thrice_is_not_certain():
    """Identical estimates keep the standard error that their own errors imply."""
    found = random_effects([0.1, 0.1, 0.1], [0.03, 0.03, 0.03])
    assert found.se == pytest.approx(0.1)


def test_tau2_maximises_the_restricted_likelihood():
    """No neighbouring value of tau2 has a higher REML likelihood."""
    rng = np.random.default_rng(3)
    v = rng.uniform(0.01, 0.1, 7)
    y = rng.normal(0, 0.5, 7)
    tau2 = random_effects(y, v).tau2

    def likelihood(value: float) -> float:
        w = 1 / (v + value)
        mean = w @ y / w.sum()
        return -0.5 * (np.log(v + value).sum() + np.log(w.sum()) + w @ (y - mean) ** 2)

    assert tau2 > 0
    assert likelihood(tau2) > max(likelihood(tau2 * 0.99), likelihood(tau2 * 1.01))


@pytest.mark.parametrize("factor", [1e-3, 1e3, 1e5])
def test_the_unit_does_not_matter(factor):
    """Estimates in another unit give the same pooling in that unit, however large or small its numbers."""
    y, v = np.array([0.1, 0.9, -0.4, 0.3]), np.array([0.01, 0.02, 0.005, 0.08])
    ours, other = random_effects(y, v), random_effects(factor * y, factor**2 * v)
    assert ours.tau2 > 0.05
    assert other.tau2 == pytest.approx(factor**2 * ours.tau2, rel=1e-9)
    assert (other.low, other.predict_high) == pytest.approx((factor * ours.low, factor * ours.predict_high), rel=1e-9)
    assert (other.t, other.i2, other.q) == pytest.approx((ours.t, ours.i2, ours.q), rel=1e-9)


def test_the_variance_between_teams_is_found_at_any_precision():
    """Two equally precise teams: tau2 is half their squared difference minus their variance, and never below 0."""
    for variance in (1e-8, 0.01, 0.3, 0.49999):
        assert random_effects([0.0, 1.0], [variance] * 2).tau2 == pytest.approx(0.5 - variance, rel=1e-9)
    assert random_effects([0.0, 1.0], [0.5001] * 2).tau2 == 0.0


def test_one_team_cannot_be_pooled():
    """A team without an estimate does not count."""
    with pytest.raises(NotEnoughData, match="1 estimate"):
        random_effects([0.1, np.nan], [0.04, 0.04])


def test_a_variance_of_zero_is_refused():
    """A standard error of 0 would take all the weight."""
    with pytest.raises(ValueError, match="a variance is 0"):
        random_effects([0.1, 0.2], [0.04, 0.0])


def test_a_group_without_a_case_has_no_log_ratio():
    """Zero cells are refused, not patched with a half."""
    for cases, compared in [([0, 3], [2, 2]), ([2, 2], [3, 0])]:
        with pytest.raises(ValueError, match="no case"):
            log_risk_ratio(cases, [10, 10], compared, [10, 10])


def test_one_case_is_enough_for_a_log_ratio():
    """1 of 10 against 1 of 5: log(1/2), with variance 1/1 - 1/10 + 1/1 - 1/5."""
    ratio, variance = log_risk_ratio([1], [10], [1], [5])
    assert (ratio[0], variance[0]) == pytest.approx((np.log(0.5), 1.7))
