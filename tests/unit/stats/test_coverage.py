"""Intervals and tests keep their promise in autocorrelated panels (simulation; slow)."""

from __future__ import annotations

import numpy as np
import pytest

from ssi_audit import stats
from tests.unit.stats.panels import drifting, panel

pytestmark = pytest.mark.slow
REPLICATIONS = 400


@pytest.fixture(scope="module")
def null_panels():
    """p-values of every method on 12 persons and 52 weeks whose exposure has no effect."""
    p = {name: [] for name in ("CR2", "wild", "CV3L", "CR1 z", "default")}
    for seed in range(REPLICATIONS):
        rows = panel(n_people=12, n_weeks=52, slope=0.0, seed=seed, n_columns=1)
        fit = stats.fe_poisson(rows.y, rows.X, rows.person, rows.offset, rows.quarter)
        p["CR2"].append(stats.cr2(fit, 0).p)
        p["CV3L"].append(stats.cv3l(fit, 0).p)
        p["CR1 z"].append(0.0 if abs(stats.cr1(fit, 0).t) > 1.96 else 1.0)
        p["default"].append(0.0 if abs(fit.coef[0]) / np.sqrt(fit.bread[0, 0]) > 1.96 else 1.0)
        wild = stats.score_wild_bootstrap(rows.y, rows.X, rows.person, 0, rows.offset, rows.quarter)
        p["wild"].append(wild.p)
    return {name: np.mean(np.array(values) <= 0.05) for name, values in p.items()}


@pytest.mark.parametrize("method", ["CR2", "wild", "CV3L"])
def test_false_alarms_stay_near_five_percent(null_panels, method):
    """Three Monte Carlo errors around 5 % with 12 persons."""
    assert 0.017 < null_panels[method] < 0.083


def test_what_other_programs_print_gives_too_many(null_panels):
    """Default errors and CR1 with z reject more often: the simulation would notice a mix-up."""
    assert null_panels["default"] > 0.15
    assert null_panels["CR1 z"] > null_panels["CR2"] + 0.015


def test_intervals_cover_the_truth():
    """The 95 % interval of CR2 holds the true slope in about 95 % of panels of 24 persons."""
    covered = []
    for seed in range(REPLICATIONS):
        rows = panel(n_people=24, n_weeks=40, slope=0.1, seed=10_000 + seed, n_columns=1)
        ours = stats.interval(stats.fe_poisson(rows.y, rows.X, rows.person, rows.offset, rows.quarter), 0)
        covered.append(ours.low <= 0.1 <= ours.high)
    assert 0.915 < np.mean(covered) < 0.98


def test_the_jackknife_interval_covers_where_the_classical_one_does_not():
    """Repeated-measures correlation 0 in drifting series: person jackknife about 95 %, classical far less."""
    jackknife, classical = [], []
    person = np.repeat(np.arange(20), 52)
    rng = np.random.default_rng(77)
    for _ in range(REPLICATIONS):
        x, y = drifting(rng, 20, 52, 2).T
        ours = stats.rmcorr(x, y, person)
        jackknife.append(ours.jackknife_low <= 0 <= ours.jackknife_high)
        classical.append(ours.low <= 0 <= ours.high)
    assert 0.915 < np.mean(jackknife) < 0.98
    assert np.mean(classical) < 0.80


def test_person_permutation_keeps_its_level_under_trends():
    """Personal trends in both series: studentised permutation of persons stays near 5 %."""
    rng = np.random.default_rng(3)
    time = np.linspace(-1, 1, 52)
    p = []
    for _ in range(REPLICATIONS):
        R, X = (
            drifting(rng, 24, 52, 1).reshape(24, 52) + rng.normal(size=(24, 1)) * rng.exponential(2, (24, 1)) * time
            for _ in range(2)
        )
        R, X = R - R.mean(axis=1, keepdims=True), X - X.mean(axis=1, keepdims=True)
        p.append(stats.person_permutation(R, X, n=399, seed=1).p)
    assert 0.017 < np.mean(np.array(p) <= 0.05) < 0.083


def test_max_t_over_many_lags_keeps_the_family_level():
    """Seven correlated exposures without effect: the family rejects in about 5 % of panels."""
    p = []
    for seed in range(200):
        rows = panel(n_people=12, n_weeks=40, slope=0.0, seed=seed, n_columns=7)
        scores = [stats.wild_scores(rows.y, rows.X[:, k], rows.person, 0, rows.offset, rows.quarter) for k in range(7)]
        p.append(stats.max_t_wild(scores).p)
    assert np.mean(np.array(p) <= 0.05) < 0.10
