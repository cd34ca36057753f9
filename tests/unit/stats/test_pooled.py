"""Models of other analysts: groups, Mundlak, logit, negative binomial, other clusterings."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from ssi_audit import stats
from ssi_audit.errors import NotEnoughData
from tests.unit.stats.panels import panel


@pytest.fixture(scope="module")
def rows():
    return panel(n_people=12)


def test_a_group_ratio_without_covariates_is_the_ratio_of_rates(rows):
    """Events per time of one group over those of the other."""
    exposed = (rows.person < 5).astype(float)
    ours = stats.group_ratio(rows.y, exposed, rows.person, offset=rows.offset)
    rates = [rows.y[exposed == side].sum() / np.exp(rows.offset[exposed == side]).sum() for side in (1, 0)]
    assert np.exp(ours.interval.estimate) == pytest.approx(rates[0] / rates[1], rel=1e-9)
    assert (ours.n_exposed, ours.n_unexposed) == (5, 7)
    assert ours.interval.method == "CR2"


def test_people_who_change_sides_count_in_both(rows):
    """A seller may be a leader in one quarter and not in the next; rows in neither group are left out."""
    exposed = np.where(rows.week < 13, 1.0, 0.0)
    exposed[rows.person == 0] = np.nan
    ours = stats.group_ratio(rows.y, exposed, rows.person)
    assert (ours.n_exposed, ours.n_unexposed) == (11, 11)
    assert ours.fit.n_missing == np.sum(rows.person == 0)


def test_an_empty_group_is_no_comparison(rows):
    """Nobody above the threshold: the message counts both sides."""
    with pytest.raises(NotEnoughData, match="0 people exposed, 12 not"):
        stats.group_ratio(rows.y, np.zeros(len(rows.y)), rows.person)
    with pytest.raises(ValueError, match="exposed must be 0 or 1"):
        stats.group_ratio(rows.y, rows.X[:, 0], rows.person)


def test_mundlak_within_equals_fixed_effects_despite_gaps(rows):
    """Means are taken over the rows that are used, so the within slopes stay exact with missing values."""
    X, y = rows.X.copy(), rows.y.copy()
    X[::7, 0], y[::11] = np.nan, np.nan
    ours = stats.mundlak(y, X, rows.person, model="ols")
    fixed = stats.fe_ols(y, X, rows.person)
    assert [one.estimate for one in ours.within] == pytest.approx(list(fixed.coef), abs=1e-10)


def test_contextual_is_between_minus_within(rows):
    """The two parametrisations are one model, for counts too."""
    ours = stats.mundlak(rows.y, rows.X, rows.person, rows.week, rows.offset)
    for within, between, contextual in zip(ours.within, ours.between, ours.contextual):
        assert contextual.estimate == pytest.approx(between.estimate - within.estimate, abs=1e-8)


def test_a_seniority_confounder_shows_between_people_only():
    """A trait that raises score and sales gives a between slope and no within slope."""
    rng = np.random.default_rng(12)
    person = np.repeat(np.arange(60), 30)
    trait = rng.normal(size=60)[person]
    x = trait + rng.normal(size=len(person))
    y = rng.poisson(np.exp(0.5 + 0.5 * trait))
    ours = stats.mundlak(y, x, person)
    assert abs(ours.within[0].estimate) < 0.05
    assert ours.between[0].low > 0.2 and ours.contextual[0].p < 0.001


def test_logit_leaves_out_incomplete_rows(rows):
    """A missing trial count removes its row."""
    trials = np.maximum(rows.y, 1) + 2
    gap = trials.copy()
    gap[:9] = np.nan
    left = np.arange(len(rows.y)) >= 9
    ours = stats.logit(rows.y.clip(max=2), rows.X, rows.person, gap)
    theirs = stats.logit(rows.y[left].clip(max=2), rows.X[left], rows.person[left], trials[left])
    assert ours.coef == pytest.approx(theirs.coef, abs=1e-12)
    assert stats.cr2(ours, 0).se == pytest.approx(stats.cr2(theirs, 0).se, rel=1e-10)


def test_negative_binomial_with_offset_equals_statsmodels(rows):
    """Coefficients and dispersion are the joint maximum-likelihood ones."""
    X = sm.add_constant(rows.X)
    joint = sm.NegativeBinomial(rows.y, X, offset=rows.offset).fit(disp=0, method="newton", maxiter=200)
    ours = stats.negative_binomial(rows.y, rows.X, rows.person, rows.offset)
    assert ours.fit.coef == pytest.approx(np.roll(joint.params[:3], -1), abs=1e-5)
    assert ours.alpha == pytest.approx(joint.params[3], rel=1e-4)
    assert np.isfinite(stats.cr2(ours.fit, 0).se)


def test_counts_without_overdispersion_have_no_dispersion():
    """Counts less spread than Poisson counts do not settle on a dispersion."""
    y = np.tile([2.0, 3.0], 100)
    with pytest.raises(NotEnoughData, match="dispersion"):
        stats.negative_binomial(y, np.random.default_rng(0).normal(size=200), np.arange(200))


def test_gee_ignores_rows_with_gaps(rows):
    """Missing values are left out before the estimating equations see them."""
    y = rows.y.copy()
    y[:4] = np.nan
    assert stats.gee_poisson(y, rows.X, rows.person).coef == pytest.approx(
        stats.gee_poisson(rows.y[4:], rows.X[4:], rows.person[4:]).coef, abs=1e-10
    )


def test_driscoll_kraay_without_lags_is_clustering_by_period(rows):
    """With no lag only rows of one period belong together: CR0 over periods of the demeaned rows."""
    fit = stats.fe_ols(rows.y, rows.X, rows.person)
    week = rows.week[fit.rows]
    sums = np.array([(fit.columns[:, week == w] * fit.residual[week == w]).sum(axis=1) for w in np.unique(week)])
    expected = np.sqrt(np.diag(fit.bread @ (sums.T @ sums) @ fit.bread))
    ours = stats.driscoll_kraay(rows.y, rows.X, rows.person, rows.week, max_lag=0)
    assert ours.se_robust == pytest.approx(expected, rel=1e-9)


def test_standardised_risk_without_covariates_is_the_plain_risk_ratio():
    """With the exposure alone standardising changes nothing."""
    exposed = np.repeat([1.0, 0.0], 50)
    y = np.concatenate([np.repeat([1.0, 0.0], [20, 30]), np.repeat([1.0, 0.0], [10, 40])])
    ours = stats.standardised_risk(y, exposed)
    assert (ours.risk_exposed, ours.risk_unexposed, ours.ratio) == pytest.approx((0.4, 0.2, 2.0), rel=1e-9)
    # The textbook standard error of a log risk ratio.
    assert ours.se_log_ratio == pytest.approx(np.sqrt(1 / 20 - 1 / 50 + 1 / 10 - 1 / 50), rel=1e-9)


def test_a_risk_ratio_without_covariates_is_that_of_the_fourfold_table():
    """12 of 20 against 6 of 25: the log ratio has variance 1/12 - 1/20 + 1/6 - 1/25, and limits on both sides."""
    y = np.repeat([1.0, 0.0, 1.0, 0.0], [12, 8, 6, 19])
    exposed = np.repeat([1.0, 0.0], [20, 25])
    ours = stats.standardised_risk(np.append(y, np.nan), np.append(exposed, 1.0))
    se = np.sqrt(1 / 12 - 1 / 20 + 1 / 6 - 1 / 25)
    assert ours.ratio == pytest.approx(2.5, rel=1e-9)
    assert np.log([ours.low, ours.high]) == pytest.approx(np.log(2.5) + np.array([-1, 1]) * 1.959964 * se, rel=1e-6)


@pytest.mark.parametrize("label", ["person", "week"])
def test_a_row_of_nobody_or_of_no_time_is_no_cluster(rows, label):
    """Errors by person and period are those of the rows that have both."""
    labels = {"person": rows.person.astype(float), "week": rows.week.astype(float)}
    labels[label][::7] = np.nan
    known = np.isfinite(labels[label])
    ours = stats.twoway_ols(rows.y, rows.X, labels["person"], labels["week"])
    alone = stats.twoway_ols(rows.y[known], rows.X[known], rows.person[known], rows.week[known])
    assert ours.n_rows == known.sum()
    assert ours.se_robust == pytest.approx(alone.se_robust, rel=1e-12)
