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
    with pytest.raises(ValueError, match="no case"):
        log_risk_ratio([0, 3], [10, 10], [2, 2], [10, 10])
