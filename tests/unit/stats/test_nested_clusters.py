"""Effects finer than clusters: a person whose score was redefined has two effects and is one cluster."""

from __future__ import annotations

import numpy as np
import pytest

from ssi_audit.stats.bootstrap import score_wild_bootstrap
from ssi_audit.stats.clusters import cr1, cr2, cv3l
from ssi_audit.stats.fixed_effects import fe_poisson, pooled_poisson


@pytest.fixture
def data():
    rng = np.random.default_rng(5)
    person = np.repeat(np.arange(14), 20)
    regime = np.tile(np.arange(20) >= 11, 14).astype(int)
    x = rng.normal(size=280)
    y = rng.poisson(np.exp(0.3 * x + rng.normal(0, 0.5, 14)[person] + 0.4 * regime))
    return y, x, person, regime


@pytest.mark.parametrize("method", [cr1, cr2, cv3l])
def test_equals_dummies_for_every_effect(data, method):
    """Absorbing person by regime and clustering by person equals a pooled model with all those dummies."""
    y, x, person, regime = data
    effect = person * 2 + regime
    dummies = (effect[:, None] == np.arange(1, 28)).astype(float)
    ours = method(fe_poisson(y, x, effect, clusters=person), 0)
    theirs = method(pooled_poisson(y, np.column_stack([x, dummies]), person), 0)
    assert ours.n_clusters == 14
    assert ours.estimate == pytest.approx(theirs.estimate, rel=1e-9)
    assert ours.se == pytest.approx(theirs.se, rel=1e-7)
    assert ours.df == pytest.approx(theirs.df, rel=1e-7)


def test_differs_from_taking_effects_for_clusters(data):
    """Counting each regime as a person of its own would double the sample."""
    y, x, person, regime = data
    effect = person * 2 + regime
    assert cr2(fe_poisson(y, x, effect), 0).n_clusters == 28
    assert cr2(fe_poisson(y, x, effect), 0).df > 1.5 * cr2(fe_poisson(y, x, effect, clusters=person), 0).df


def test_wild_signs_turn_whole_persons(data):
    """With 8 persons and 16 effects there are 2^8 sign vectors."""
    y, x, person, regime = data
    few = person < 8
    test = score_wild_bootstrap(
        y[few], x[few], (person * 2 + regime)[few], clusters=[f"seller {k}" for k in person[few]]
    )
    assert test.exhaustive
    assert test.n_draws == 2**8


def test_group_in_two_clusters_is_refused(data):
    """Clusters must be unions of groups."""
    y, x, person, regime = data
    with pytest.raises(ValueError, match="two clusters"):
        fe_poisson(y, x, regime, clusters=person)


def test_series_equals_decomposition(monkeypatch):
    """With many calendar effects CR2 sums a series instead of decomposing; the figures are the same."""
    from ssi_audit.stats import clusters

    rng = np.random.default_rng(8)
    person, week = np.repeat(np.arange(30), 40), np.tile(np.arange(40), 30)
    x = rng.normal(size=1200) + (person == 0) * rng.normal(0, 8, 1200)  # one person with a lot of leverage
    fit = fe_poisson(rng.poisson(np.exp(0.02 * x)), x, person, calendar=week)
    series = clusters.cr2(fit, 0)
    monkeypatch.setattr(clusters, "MIN_COLUMNS_SERIES", 10_000)
    plain = clusters.cr2(fit, 0)
    assert series.se == pytest.approx(plain.se, rel=1e-12)
    assert series.df == pytest.approx(plain.df, rel=1e-10)


def test_rows_without_an_effect_or_a_cluster_and_effects_without_an_event_are_left_out(data):
    """They are left out and counted as in a model where every effect is a cluster."""
    y, x, person, regime = data
    y = np.where((person == 3) & (regime == 0), 0, y)
    effect = (person * 2.0 + regime) + 0.0
    effect[5], owner = np.nan, person.astype(float)
    owner[45] = np.nan
    fit = fe_poisson(y, x, effect, clusters=owner)
    known = np.isfinite(effect) & np.isfinite(owner)
    plain = fe_poisson(y[known], x[known], effect[known])
    assert (fit.n_missing, fit.n_dropped_people, fit.n_rows) == (2, 1, plain.n_rows)
    assert fit.coef == pytest.approx(plain.coef, abs=1e-10)
    assert fit.clusters.tolist() == list(range(14))
    with pytest.raises(ValueError, match="cannot be negative"):
        fe_poisson(y - 1, x, effect, clusters=owner)
