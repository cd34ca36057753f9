"""CR1, CR2, CV3L and jackknives: persons are the sample."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ssi_audit import stats
from ssi_audit.errors import NotEnoughData
from tests.unit.stats.panels import dummies, panel


@pytest.fixture(scope="module")
def rows():
    return panel()


@pytest.fixture(scope="module")
def fit(rows):
    return stats.fe_poisson(rows.y, rows.X, rows.person, rows.offset, rows.quarter)


def cr2_with_all_dummies(design, weight, residual, groups, column):
    """Bell-McCaffrey by its definition: all columns, T x T matrices, symmetric roots."""
    X = design * np.sqrt(weight)[:, None]
    e = residual / np.sqrt(weight)
    M = np.linalg.inv(X.T @ X)
    c = M[:, column]
    variance, shares, lines = 0.0, [], []
    for group in np.unique(groups):
        Xg, eg = X[groups == group], e[groups == group]
        values, axes = np.linalg.eigh(np.eye(len(Xg)) - Xg @ M @ Xg.T)
        root = np.where(values > 1e-8, 1 / np.sqrt(np.maximum(values, 1e-8)), 0.0)
        a = axes @ (root * (axes.T @ (Xg @ c)))
        variance += (a @ eg) ** 2
        shares.append(a @ a)
        lines.append(Xg.T @ a)
    lines = np.array(lines)
    omega = np.diag(shares) - lines @ M @ lines.T
    return np.sqrt(variance), np.trace(omega) ** 2 / np.sum(omega**2)


def test_cr2_absorbed_equals_the_version_with_all_dummies(rows, fit):
    """Absorbing the effects changes neither the standard error nor the degrees of freedom."""
    design = np.column_stack([rows.X, dummies(rows.quarter)[:, 1:], dummies(rows.person)])[fit.rows]
    for column in (0, 1):
        se, df = cr2_with_all_dummies(design, fit.weight, fit.residual, rows.person[fit.rows], column)
        ours = stats.cr2(fit, column)
        assert ours.se == pytest.approx(se, rel=1e-10)
        assert ours.df == pytest.approx(df, rel=1e-9)


def test_cr2_pooled_equals_its_definition(rows):
    """The same holds with one intercept, for the intercept too."""
    fit = stats.pooled_ols(rows.y, rows.X, rows.person, rows.quarter)
    design = np.column_stack([rows.X, np.ones(len(rows.y)), dummies(rows.quarter)[:, 1:]])[fit.rows]
    for column in (0, 2):
        se, df = cr2_with_all_dummies(design, fit.weight, fit.residual, rows.person[fit.rows], column)
        assert (stats.cr2(fit, column).se, stats.cr2(fit, column).df) == pytest.approx((se, df), rel=1e-9)


def test_intervals_use_t_not_z(fit):
    """With ten persons the 95 % interval is wider than 1.96 standard errors, exactly by t with its df."""
    for method, df in ((stats.cr1, 9.0), (stats.cv3l, 9.0), (stats.cr2, None)):
        ours = method(fit, 0)
        assert ours.df == (df or ours.df) < 10
        quantile = scipy_stats.t.ppf(0.975, ours.df)
        assert quantile > 2.2
        assert (ours.high - ours.estimate) / ours.se == pytest.approx(quantile, rel=1e-12)
        assert (ours.low90 - ours.estimate) / ours.se == pytest.approx(scipy_stats.t.ppf(0.05, ours.df), rel=1e-12)
        assert ours.p == pytest.approx(2 * scipy_stats.t.sf(abs(ours.estimate / ours.se), ours.df), rel=1e-12)


@pytest.mark.parametrize("method", [stats.cr1, stats.cr2, stats.cv3l])
def test_repeating_every_row_adds_no_information(rows, method):
    """Ten copies of each week are still ten persons: the standard error stays, as it would not by rows."""
    once = stats.fe_ols(rows.y, rows.X, rows.person)
    many = rows.take(np.repeat(np.arange(len(rows.y)), 10))
    tenfold = stats.fe_ols(many.y, many.X, many.person)
    assert method(tenfold, 0).se == pytest.approx(method(once, 0).se, rel=1e-9)
    assert method(tenfold, 0).df == pytest.approx(method(once, 0).df, rel=1e-9)


def test_cr1_is_the_sandwich_over_people(rows, fit):
    """CR1 equals G/(G-1) times the sum of squared person scores, computed row by row."""
    influence = fit.design @ fit.bread[:, 0] * fit.pearson
    scores = np.array([influence[rows.person[fit.rows] == person].sum() for person in range(10)])
    assert stats.cr1(fit, 0).se == pytest.approx(np.sqrt(10 / 9 * (scores @ scores)), rel=1e-9)


def test_leave_one_out_is_exact_for_least_squares(rows):
    """The deleted estimates equal refits without each person."""
    fit = stats.fe_ols(rows.y, rows.X, rows.person, rows.quarter)
    deleted = stats.leave_one_out(fit)
    for line, person in enumerate(fit.people):
        left = rows.take(rows.person != person)
        assert deleted[line] == pytest.approx(stats.fe_ols(left.y, left.X, left.person, left.quarter).coef, abs=1e-10)


def test_leave_one_out_is_close_for_poisson(rows, fit):
    """One Newton step from the full fit is nearer the refit than a twentieth of the standard error."""
    deleted = stats.leave_one_out(fit)
    se = stats.cr2(fit, 0).se
    for line, person in enumerate(fit.people):
        left = rows.take(rows.person != person)
        refit = stats.fe_poisson(left.y, left.X, left.person, left.offset, left.quarter)
        assert abs(deleted[line, 0] - refit.coef[0]) < se / 20


def test_a_column_that_only_one_person_varies_in(rows):
    """Full leverage gives that direction weight 0: CR2 as by definition, and deletion as if he had no such column."""
    only = np.where(rows.person == 3, rows.X[:, 1], 0.0)
    X = np.column_stack([rows.X[:, 0], only])
    fit = stats.fe_ols(rows.y, X, rows.person)
    design = np.column_stack([X, dummies(rows.person)])[fit.rows]
    for column in (0, 1):
        se, df = cr2_with_all_dummies(design, fit.weight, fit.residual, rows.person[fit.rows], column)
        assert (stats.cr2(fit, column).se, stats.cr2(fit, column).df) == pytest.approx((se, df), rel=1e-8)
    left = rows.take(rows.person != 3)
    without = stats.fe_ols(left.y, left.X[:, 0], left.person)
    assert stats.leave_one_out(fit)[3, 0] == pytest.approx(without.coef[0], abs=1e-9)


def test_the_recommended_interval_follows_the_number_of_people(rows):
    """Fewer than 8: none. 8 to 200: CR2. More: CR1."""
    few = rows.take(rows.person < 7)
    with pytest.raises(NotEnoughData, match="Only 7 people can be compared, at least 8"):
        stats.interval(stats.fe_poisson(few.y, few.X, few.person), 0)
    eight = rows.take(rows.person < 8)
    assert stats.interval(stats.fe_poisson(eight.y, eight.X, eight.person), 0).method == "CR2"
    for n_people, method in ((200, "CR2"), (201, "CR1")):
        many = panel(n_people=n_people, n_weeks=8)
        assert stats.interval(stats.fe_ols(many.y, many.X, many.person), 0).method == method


def test_people_with_one_row_do_not_open_the_gate(rows):
    """Seven persons and five single rows are seven persons in a model with person effects."""
    few = rows.take(rows.person < 7)
    rng = np.random.default_rng(0)
    fit = stats.fe_ols(
        np.append(few.y, rng.normal(size=5)), np.vstack([few.X, rng.normal(size=(5, 2))]),
        np.append(few.person, np.arange(50, 55)),
    )  # fmt: skip
    assert fit.n_people == 12
    with pytest.raises(NotEnoughData, match="Only 7 people"):
        stats.interval(fit, 0)


def test_the_tested_value_moves_t_and_p_only(fit):
    """Testing the estimate itself gives t = 0 and p = 1; the interval stays."""
    plain, at_estimate = stats.cr2(fit, 0), stats.cr2(fit, 0, null=fit.coef[0])
    assert (at_estimate.t, at_estimate.p) == (0.0, 1.0)
    assert (at_estimate.low, at_estimate.high) == (plain.low, plain.high)


def test_jackknife_of_a_mean_is_the_t_interval_of_the_mean():
    """For a mean the jackknife is exact."""
    values = np.random.default_rng(3).normal(size=12)
    deleted = (values.sum() - values) / 11
    ours = stats.jackknife_interval(deleted, values.mean())
    expected = scipy_stats.ttest_1samp(values, 0)
    interval = expected.confidence_interval(0.95)
    assert (ours.low, ours.high, ours.p) == pytest.approx((interval.low, interval.high, expected.pvalue), rel=1e-10)


def test_a_jackknife_needs_every_value():
    """One person without whom nothing can be computed makes the interval impossible, in words."""
    with pytest.raises(NotEnoughData, match="Without 1 of the 3 people"):
        stats.jackknife_interval([1.0, np.nan, 2.0], 1.5)


def test_one_person_is_no_sample(rows):
    """Two persons at least, whatever the rows."""
    one = rows.take(rows.person == 0)
    with pytest.raises(NotEnoughData, match="at least 2 people"):
        stats.cr1(stats.fe_poisson(one.y, one.X, one.person), 0)


def test_two_people_are_the_smallest_sample(rows):
    """Two persons have one degree of freedom: wide, and said."""
    two = rows.take(rows.person < 2)
    fit = stats.fe_ols(two.y, two.X[:, 0], two.person)
    for ours in (stats.cr1(fit, 0), stats.cv3l(fit, 0), stats.jackknife_interval([1.0, 2.0], 1.5)):
        assert (ours.df, ours.n_clusters) == (1.0, 2)
        assert (ours.high - ours.low) / ours.se == pytest.approx(2 * 12.7062, rel=1e-5)
    with pytest.raises(NotEnoughData, match="at least 2 people"):
        stats.jackknife_interval([1.0], 1.0)
