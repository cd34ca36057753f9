"""Correlations between persons, within persons, and over all rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ssi_audit import stats
from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.correlation import _r_of
from tests.unit.stats.panels import panel


@pytest.fixture(scope="module")
def rows():
    return panel(n_people=12)


def means(values, person):
    return np.array([values[person == p].mean() for p in np.unique(person)])


def within(values, person):
    return values - means(values, person)[np.searchsorted(np.unique(person), person)]


def test_rmcorr_is_the_correlation_of_deviations(rows):
    """Without covariates r is Pearson's r of deviations from person means."""
    x, y = rows.X[:, 0], rows.y
    expected = np.corrcoef(within(x, rows.person), within(y, rows.person))[0, 1]
    assert stats.rmcorr(x, y, rows.person).r == pytest.approx(expected, rel=1e-12)


def test_the_jackknife_leaves_out_whole_people(rows):
    """The interval equals that from twelve recomputed correlations on Fisher's z, with covariate and calendar."""
    x, y, more = rows.X[:, 0], rows.y, rows.X[:, 1]
    ours = stats.rmcorr(x, y, rows.person, more, rows.quarter)
    deleted = []
    for person in range(12):
        m = rows.person != person
        deleted.append(stats.rmcorr(x[m], y[m], rows.person[m], more[m], rows.quarter[m]).r)
    expected = stats.jackknife_interval(np.arctanh(deleted), np.arctanh(ours.r))
    assert expected.df == 11
    assert (ours.jackknife_low, ours.jackknife_high) == pytest.approx(
        (np.tanh(expected.low), np.tanh(expected.high)), rel=1e-9
    )


def test_the_partial_correlation_is_that_of_residuals(rows):
    """Covariates and calendar effects are taken out of both series, within persons."""
    covariate, calendar = rows.X[:, 1], rows.quarter
    left = [
        fit.residual
        for fit in (
            stats.fe_ols(rows.X[:, 0], covariate, rows.person, calendar),
            stats.fe_ols(rows.y, covariate, rows.person, calendar),
        )
    ]
    ours = stats.rmcorr(rows.X[:, 0], rows.y, rows.person, covariate, calendar)
    assert ours.r == pytest.approx(np.corrcoef(*left)[0, 1], rel=1e-10)
    assert ours.df == len(rows.y) - 12 - 1 - 2


def test_repeating_rows_narrows_only_the_classical_interval(rows):
    """Ten copies of each week are not more evidence: the reported interval stays, the classical one shrinks."""
    copies = rows.take(np.repeat(np.arange(len(rows.y)), 10))
    once = stats.rmcorr(rows.X[:, 0], rows.y, rows.person)
    tenfold = stats.rmcorr(copies.X[:, 0], copies.y, copies.person)
    assert (tenfold.jackknife_low, tenfold.jackknife_high) == pytest.approx(
        (once.jackknife_low, once.jackknife_high), rel=1e-9
    )
    assert tenfold.high - tenfold.low < 0.4 * (once.high - once.low)


def test_the_within_report_has_jackknife_interval_and_wild_p(rows):
    """Interval from `rmcorr`, p from the wild bootstrap of the same least-squares model."""
    x, y, more = rows.X[:, 0], rows.y, rows.X[:, 1]
    ours = stats.within_correlation(x, y, rows.person, more, rows.quarter)
    both = stats.rmcorr(x, y, rows.person, more, rows.quarter)
    wild = stats.score_wild_bootstrap(y, np.column_stack([x, more]), rows.person, calendar=rows.quarter, model="ols")
    assert (ours.r, ours.low, ours.high) == (both.r, both.jackknife_low, both.jackknife_high)
    assert ours.p == wild.p
    assert (ours.n_people, ours.n_rows) == (12, len(y))


def test_people_with_one_row_do_not_count_within(rows):
    """A single row has no deviation: the result and the number of persons stay."""
    x, y = np.append(rows.X[:, 0], 50.0), np.append(rows.y, 50.0)
    ours = stats.rmcorr(x, y, np.append(rows.person, 99))
    plain = stats.rmcorr(rows.X[:, 0], rows.y, rows.person)
    assert ours.r == pytest.approx(plain.r, rel=1e-12)
    assert ours.n_people == plain.n_people == 12


def test_a_series_without_variation_within_people_is_named(rows):
    """The message says which of the two series is constant."""
    with pytest.raises(NotEnoughData, match="x does not vary within persons"):
        stats.rmcorr(rows.person, rows.y, rows.person)
    with pytest.raises(NotEnoughData, match="y does not vary within persons"):
        stats.rmcorr(rows.y, rows.person, rows.person)


def test_between_people_each_person_counts_once(rows):
    """Spearman and tau-b are those of the person means."""
    x, y = rows.X[:, 0], rows.y
    x_mean, y_mean = means(x, rows.person), means(y, rows.person)
    rho, tau = stats.between_spearman(x, y, rows.person), stats.between_kendall(x, y, rows.person)
    assert rho.r == pytest.approx(scipy_stats.spearmanr(x_mean, y_mean).statistic, rel=1e-12)
    assert tau.r == pytest.approx(scipy_stats.kendalltau(x_mean, y_mean).statistic, rel=1e-12)
    assert rho.n_people == tau.n_people == 12


def test_the_spearman_interval_is_bonett_and_wrights():
    """Fisher's z with standard error sqrt((1 + r^2/2)/(N - 3)), N persons."""
    x = np.arange(20.0)
    y = np.random.default_rng(1).permutation(20) + x
    ours = stats.between_spearman(np.repeat(x, 3), np.repeat(y, 3), np.repeat(np.arange(20), 3))
    wide = 1.959963984540054 * np.sqrt((1 + ours.r**2 / 2) / 17)
    assert (ours.low, ours.high) == pytest.approx(
        (np.tanh(np.arctanh(ours.r) - wide), np.tanh(np.arctanh(ours.r) + wide)), rel=1e-12
    )


@pytest.mark.parametrize("values", [20, 5, 2])
def test_the_kendall_interval_widens_with_ties(values):
    """Fieller's, times what ties add to the variance of tau-b: the one behind scipy's p; without ties nothing."""
    rng = np.random.default_rng(values)
    x, y = rng.normal(size=20), rng.permutation(20) % values
    ours = stats.between_kendall(x, y, np.arange(20))
    theirs = scipy_stats.kendalltau(x, y, method="asymptotic")
    spread = (theirs.statistic / scipy_stats.norm.isf(theirs.pvalue / 2)) ** 2
    factor = spread / (2 * (2 * 20 + 5) / (9 * 20 * 19))
    assert factor == pytest.approx(1) if values == 20 else factor > 1.1
    wide = 1.959963984540054 * np.sqrt(0.437 / 16 * factor)
    assert (np.arctanh(ours.low), np.arctanh(ours.high)) == pytest.approx(
        (np.arctanh(ours.r) - wide, np.arctanh(ours.r) + wide), rel=1e-9
    )
    plain = stats.simple_correlation(x, y, method="kendall")
    assert (plain.low, plain.high) == pytest.approx((ours.low, ours.high), rel=1e-12)


def test_permutation_p_agrees_with_the_exact_one():
    """For twenty persons the permutation p is near scipy's exact p of tau and of rho."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=20)
    y = 0.5 * x + rng.normal(size=20)
    person = np.arange(20)
    tau = stats.between_kendall(x, y, person, n=9999)
    assert tau.p == pytest.approx(scipy_stats.kendalltau(x, y, method="exact").pvalue, abs=0.01)
    rho = stats.between_spearman(x, y, person, n=9999)
    assert rho.p == pytest.approx(scipy_stats.spearmanr(x, y).pvalue, abs=0.01)


def test_the_pooled_correlation_has_no_interval_and_a_person_p():
    """Ten unrelated sellers with 50 weeks each: rows make most pairs of series "significant", persons do not."""
    rng = np.random.default_rng(11)
    person, week = np.repeat(np.arange(10), 50), np.tile(np.arange(50), 10)
    naive, ours = [], []
    for _ in range(60):
        x, y = rng.normal(size=(2, 10))[:, person] + 0.1 * rng.normal(size=(2, 500))
        naive.append(scipy_stats.spearmanr(x, y))
        ours.append(stats.pooled_spearman(x, y, person, week, n=199))
    assert [one.r for one in ours] == pytest.approx([one.statistic for one in naive], rel=1e-12)
    assert np.isnan([(one.low, one.high) for one in ours]).all()
    assert np.mean([one.pvalue <= 0.05 for one in naive]) > 0.6
    assert np.mean([one.p <= 0.05 for one in ours]) < 0.15


def test_too_few_people_between():
    """Four persons are no correlation between persons; equal values are none at all."""
    with pytest.raises(NotEnoughData, match="Only 4 people have both values, at least 5"):
        stats.between_spearman([1, 2, 3, 4.0], [1, 2, 3, 4.0], [1, 2, 3, 4])
    with pytest.raises(NotEnoughData, match="All values of y are the same"):
        stats.between_kendall(np.arange(6.0), np.ones(6), np.arange(6))


def test_missing_values_leave_rows_out(rows):
    """A row without x or y is not used anywhere."""
    x = rows.X[:, 0].copy()
    x[::3] = np.nan
    keep = ~np.isnan(x)
    for function in (stats.rmcorr, stats.between_spearman):
        assert function(x, rows.y, rows.person).r == function(x[keep], rows.y[keep], rows.person[keep]).r


def test_unknown_methods_are_refused():
    """The three methods are named."""
    with pytest.raises(ValueError, match="got 'phi'"):
        stats.simple_correlation([1, 2], [1, 2], method="phi")
    with pytest.raises(ValueError, match="no partial form"):
        stats.simple_correlation(np.arange(9), np.arange(9), np.arange(9), method="kendall")


def test_semipartial_interval_spends_a_degree_per_covariate():
    """Two covariates: Fisher's z with standard error 1/sqrt(n - 5), t with n - 4 degrees of freedom."""
    rng = np.random.default_rng(12)
    x, others, y = rng.normal(size=40), rng.normal(size=(40, 2)), rng.normal(size=40)
    found = stats.semipartial_correlation(x, y + 0.3 * x, others)
    half = scipy_stats.norm.ppf(0.975) / np.sqrt(40 - 5)
    bounds = np.tanh(np.arctanh(found.r) + np.array([-half, half]))
    assert (found.low, found.high) == pytest.approx(tuple(bounds), rel=1e-12)
    t = found.r * np.sqrt(36 / (1 - found.r**2))
    assert found.p == pytest.approx(2 * scipy_stats.t.sf(abs(t), 36), rel=1e-12)
    assert (found.df, found.n_people, found.n_rows) == (36, 40, 40)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("left", [0.0, -1e-9])
def test_nothing_left_to_vary_is_no_correlation_and_no_warning(left):
    """Without the one seller whose results move (one huge deal) rounding is all that is left, of either sign."""
    assert np.isnan(_r_of(np.array([[4.0, 0.0], [0.0, left]])))
