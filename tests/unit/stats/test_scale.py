"""Long tables: many blocks of rows, bounded memory, the estimates of another program."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from ssi_audit.stats import bootstrap
from ssi_audit.stats.bootstrap import person_permutation, trajectory_permutation
from ssi_audit.stats.clusters import cr1, cr2, interval
from ssi_audit.stats.fixed_effects import fe_ols, fe_poisson, pooled_poisson
from ssi_audit.stats.working import BLOCK_ROWS

# Blocks add up in another order; nothing else may differ.
RTOL = 1e-12


@pytest.fixture(scope="module")
def long():
    """A quarter of a million rows: four blocks."""
    rng = np.random.default_rng(4)
    people, weeks = 1200, 208
    person, week = np.repeat(np.arange(people), weeks), np.tile(np.arange(weeks), people)
    x = rng.normal(size=(people * weeks, 4)) + rng.normal(size=people)[person, None]
    y = rng.poisson(np.exp(0.1 * x[:, 0] + rng.normal(0, 0.5, people)[person])).astype(float)
    assert len(y) > 3 * BLOCK_ROWS
    return y, x, person, week // 13


@pytest.mark.parametrize("model", [fe_poisson, fe_ols, pooled_poisson])
def test_order_and_kind_of_labels_change_nothing(long, model):
    """Sorted numbers take a shorter way than names in any order: the same estimate and interval."""
    y, x, person, quarter = long
    straight = model(y, x, person, calendar=quarter)
    order = np.random.default_rng(1).permutation(len(y))
    names = np.array([f"P{number:05d}" for number in range(person.max() + 1)])[person]
    shuffled = model(y[order], x[order], names[order], calendar=quarter[order])
    np.testing.assert_allclose(shuffled.coef, straight.coef, rtol=RTOL)
    np.testing.assert_allclose(cr1(shuffled, 0).se, cr1(straight, 0).se, rtol=RTOL)
    np.testing.assert_array_equal(order[shuffled.rows][shuffled.starts] // 208, np.arange(1200))


def test_many_people_get_the_plain_sandwich(long):
    """Above 200 persons CR1, whose difference from CR2 is below one per cent there."""
    y, x, person, _ = long
    fit = fe_poisson(y, x, person)
    assert interval(fit, 0).method == "CR1"
    assert cr1(fit, 0).se == pytest.approx(cr2(fit, 0).se, rel=0.01)


def test_memory_stays_under_twice_the_columns(long):
    """Beside the columns it is given, a fit with its interval takes no more than those, and six lines of a block."""
    y, x, person, _ = long
    tracemalloc.start()
    try:
        fit = fe_poisson(y, x, person)
        cr1(fit, 0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < y.nbytes + x.nbytes + person.nbytes + 6 * 8 * BLOCK_ROWS


def test_rows_left_out_are_left_out_in_long_tables_too(long):
    """Missing values and persons without an event: the fit of the other rows."""
    y, x, person, _ = long
    x, y = x.copy(), y.copy()
    x[::7, 1] = np.nan
    y[person == 3] = 0
    fit = fe_poisson(y, x, person)
    rest = np.isfinite(x).all(axis=1) & (person != 3)
    np.testing.assert_array_equal(fit.rows, np.flatnonzero(rest))
    assert (fit.n_dropped_people, fit.n_missing) == (1, int(np.isnan(x[:, 1]).sum()))
    np.testing.assert_allclose(fit.coef, fe_poisson(y[rest], x[rest], person[rest]).coef, rtol=RTOL)


@pytest.mark.slow
def test_estimates_are_those_of_pyfixest(long):
    """Slopes of pyfixest to 1e-8, its own tolerance; standard errors once its factor G/(G-1) is the same."""
    pyfixest = pytest.importorskip("pyfixest", reason="pyfixest is not installed: extra [bench]")
    import pandas as pd

    y, x, person, _ = long
    names = [f"x{k}" for k in range(x.shape[1])]
    frame = pd.DataFrame(x, columns=names).assign(y=y, person=person)
    theirs = pyfixest.fepois(
        f"y ~ {' + '.join(names)} | person", frame, vcov={"CRV1": "person"}, ssc=pyfixest.ssc(k_adj=False)
    )
    fit = fe_poisson(y, x, person)
    np.testing.assert_allclose(fit.coef, theirs.coef().to_numpy(), rtol=0, atol=1e-8)
    ours = [cr1(fit, k).se for k in range(len(names))]
    np.testing.assert_allclose(ours, theirs.se().to_numpy(), rtol=1e-6)


@pytest.mark.parametrize("test", [person_permutation, trajectory_permutation])
def test_thousands_of_people_are_permuted_in_bounded_memory(test, monkeypatch):
    """In small batches and without the table of all pairs: the same draws."""
    rng = np.random.default_rng(3)
    residuals, exposure = rng.normal(size=(2, 30, 12))
    whole = test(residuals, exposure, n=200)
    monkeypatch.setattr(bootstrap, "BLOCK_ELEMENTS", 700)
    cut = test(residuals, exposure, n=200)
    np.testing.assert_allclose(cut.draws, whole.draws, rtol=RTOL, atol=1e-12)
    assert (cut.p, cut.n_draws) == (whole.p, whole.n_draws)
    assert cut.statistic == pytest.approx(whole.statistic, rel=RTOL)
