"""Poisson and least squares with absorbed person effects."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from ssi_audit import stats
from ssi_audit.errors import NotEnoughData
from ssi_audit.stats import working
from tests.unit.stats.panels import dummies, panel


@pytest.fixture(scope="module")
def rows():
    return panel()


@pytest.fixture(scope="module")
def fit(rows):
    return stats.fe_poisson(rows.y, rows.X, rows.person, rows.offset, rows.quarter)


def test_equals_a_glm_with_explicit_dummies(rows, fit):
    """Slopes, fitted means and covariance equal a Poisson GLM that has a column per person and quarter."""
    design = np.column_stack([rows.X, dummies(rows.quarter)[:, 1:], dummies(rows.person)])
    glm = sm.GLM(rows.y, design, family=sm.families.Poisson(), offset=rows.offset).fit(tol=1e-14)
    assert fit.converged
    assert fit.coef == pytest.approx(glm.params[:2], abs=1e-8)
    assert fit.mu == pytest.approx(glm.fittedvalues[fit.rows], rel=1e-8)
    assert fit.bread[:2, :2] == pytest.approx(glm.cov_params()[:2, :2], rel=1e-7)


def test_calendar_effects_are_those_of_the_glm(rows, fit):
    """The calendar effects are differences from the first quarter."""
    design = np.column_stack([rows.X, dummies(rows.quarter)[:, 1:], dummies(rows.person)])
    glm = sm.GLM(rows.y, design, family=sm.families.Poisson(), offset=rows.offset).fit(tol=1e-14)
    assert list(fit.calendar_units) == [0, 1]
    assert fit.calendar_effects == pytest.approx([0, glm.params[2]], abs=1e-8)


def test_text_ids_give_the_same_fit_as_numbers(rows, fit):
    """Persons may be called anything."""
    names = np.array([f"P{number:02d}" for number in rows.person], dtype=object)
    named = stats.fe_poisson(rows.y, rows.X, names, rows.offset, rows.quarter)
    assert named.coef == pytest.approx(fit.coef, abs=1e-14)
    assert list(named.people) == sorted(set(names))


def test_row_order_does_not_matter(rows, fit):
    """Shuffled rows give the same estimates and intervals."""
    order = np.random.default_rng(5).permutation(len(rows.y))
    mixed = rows.take(order)
    other = stats.fe_poisson(mixed.y, mixed.X, mixed.person, mixed.offset, mixed.quarter)
    assert other.coef == pytest.approx(fit.coef, abs=1e-12)
    assert stats.cr2(other, 0).se == pytest.approx(stats.cr2(fit, 0).se, rel=1e-10)
    assert (mixed.y[other.rows] == other.y).all()


def test_people_without_events_are_dropped_and_counted(rows, fit):
    """A person whose counts are all 0 changes nothing but the report."""
    extra = 20
    y = np.append(rows.y, np.zeros(extra))
    X = np.vstack([rows.X, np.random.default_rng(0).normal(size=(extra, 2))])
    person = np.append(rows.person, np.repeat([97, 98], extra // 2))
    other = stats.fe_poisson(
        y, X, person, np.append(rows.offset, np.zeros(extra)), np.append(rows.quarter, np.zeros(extra))
    )
    assert (other.n_dropped_people, other.n_people) == (2, fit.n_people)
    assert other.coef == pytest.approx(fit.coef, abs=1e-12)


def test_a_person_with_one_row_says_nothing_about_slopes(rows, fit):
    """One row fits its own effect exactly; it is counted as single."""
    other = stats.fe_poisson(
        np.append(rows.y, 5), np.vstack([rows.X, [9.0, -9.0]]), np.append(rows.person, 99),
        np.append(rows.offset, 0.0), np.append(rows.quarter, 0),
    )  # fmt: skip
    assert other.n_single_people == 1
    assert other.coef == pytest.approx(fit.coef, abs=1e-9)


def test_a_quarter_without_events_joins_the_one_before(rows):
    """An empty calendar unit has no effect of its own; at the start it joins the next."""
    quarter = rows.week // 5
    y = np.where(np.isin(quarter, (0, 3)), 0.0, rows.y)
    joined = np.select([quarter == 0, quarter == 3], [1, 2], quarter)
    ours = stats.fe_poisson(y, rows.X, rows.person, calendar=quarter)
    theirs = stats.fe_poisson(y, rows.X, rows.person, calendar=joined)
    assert ours.converged
    assert ours.coef == pytest.approx(theirs.coef, abs=1e-12)
    assert ours.calendar_effects[0] == ours.calendar_effects[1]
    assert ours.calendar_effects[3] == ours.calendar_effects[2]


def test_a_column_without_variation_within_people_is_dropped(rows, fit):
    """A person's constant, such as a territory, is absorbed by his effect."""
    constant = 0.1 * (rows.person + 1)
    other = stats.fe_poisson(rows.y, np.column_stack([constant, rows.X]), rows.person, rows.offset, rows.quarter)
    assert other.dropped_columns == (0,)
    assert np.isnan(other.coef[0])
    assert other.coef[1:] == pytest.approx(fit.coef, abs=1e-10)
    with pytest.raises(NotEnoughData, match="Column 0 does not vary within persons on its own"):
        stats.cr2(other, 0)


def test_the_calendar_takes_what_it_explains(rows):
    """Weeks since hiring rise alike for everybody: with week effects the column goes, not a week."""
    tenure = rows.week + 10.0 * rows.person
    fit = stats.fe_poisson(rows.y, np.column_stack([tenure, rows.X]), rows.person, calendar=rows.week)
    assert fit.dropped_columns == (0,)
    assert fit.n_units == len(np.unique(rows.week))


def test_the_later_of_two_equal_columns_is_dropped(rows, fit):
    """A column that earlier ones explain is dropped, not the tested one before it."""
    copies = np.column_stack([rows.X, rows.X @ [2.0, -1.0]])
    other = stats.fe_poisson(rows.y, copies, rows.person, rows.offset, rows.quarter)
    assert other.dropped_columns == (2,)
    assert other.coef[:2] == pytest.approx(fit.coef, abs=1e-10)


def test_rows_with_missing_values_are_left_out_and_counted(rows):
    """A missing value in any input removes its row and no other."""
    y, X, offset = rows.y.copy(), rows.X.copy(), rows.offset.copy()
    y[3], X[10, 1], offset[20] = np.nan, np.nan, np.nan
    keep = np.setdiff1d(np.arange(len(y)), [3, 10, 20])
    ours = stats.fe_poisson(y, X, rows.person, offset, rows.quarter)
    left = rows.take(keep)
    theirs = stats.fe_poisson(left.y, left.X, left.person, left.offset, left.quarter)
    assert ours.n_missing == 3
    assert ours.coef == pytest.approx(theirs.coef, abs=1e-14)


def test_an_unknown_person_is_a_missing_value(rows):
    """A row without a person is left out."""
    person = rows.person.astype(object)
    person[0] = None
    fit = stats.fe_poisson(rows.y, rows.X, person)
    assert fit.n_missing == 1
    assert 0 not in fit.rows


@pytest.mark.parametrize("block", [1, 7, 64])
def test_blocks_of_rows_do_not_change_the_fit(rows, fit, block, monkeypatch):
    """Memory is bounded by visiting whole persons in blocks; the sums are the same."""
    monkeypatch.setattr(working, "BLOCK_ROWS", block)
    other = stats.fe_poisson(rows.y, rows.X, rows.person, rows.offset, rows.quarter)
    assert other.coef == pytest.approx(fit.coef, abs=1e-12)
    assert stats.cr2(other, 0).df == pytest.approx(stats.cr2(fit, 0).df, rel=1e-10)


def test_units_of_measurement_do_not_matter(rows, fit):
    """A column in millionths and an offset of 800 change coefficients only as they should."""
    scaled = rows.X * [1e6, 1.0]
    other = stats.fe_poisson(rows.y, scaled, rows.person, rows.offset + 800.0, rows.quarter)
    assert other.converged
    assert other.coef * [1e6, 1.0] == pytest.approx(fit.coef, rel=1e-9)


def test_amounts_need_not_be_whole(rows, fit):
    """Revenue is fitted by the same likelihood: doubling every amount changes no slope."""
    other = stats.fe_poisson(rows.y * 2.5, rows.X, rows.person, rows.offset, rows.quarter)
    assert other.coef == pytest.approx(fit.coef, abs=1e-10)


def test_separation_is_not_reported_as_an_estimate():
    """Events only where the column is largest: no finite estimate, and no interval."""
    x = np.tile([0.0, 1.0, 2.0, 3.0], 10)
    y = (x == 3).astype(float)
    fit = stats.fe_poisson(y, x, np.repeat(np.arange(10), 4))
    assert not fit.converged
    with pytest.raises(NotEnoughData, match="did not settle"):
        stats.cr2(fit, 0)


def test_pooled_poisson_has_the_intercept_last(rows):
    """Without person effects the estimates equal a GLM with one intercept."""
    glm = sm.GLM(rows.y, sm.add_constant(rows.X), family=sm.families.Poisson(), offset=rows.offset).fit(tol=1e-14)
    fit = stats.pooled_poisson(rows.y, rows.X, rows.person, rows.offset)
    assert fit.coef == pytest.approx(np.roll(glm.params, -1), abs=1e-8)


def test_fe_ols_equals_least_squares_with_dummies(rows):
    """The within estimator equals least squares on explicit person and quarter columns."""
    design = np.column_stack([rows.X, dummies(rows.quarter)[:, 1:], dummies(rows.person)])
    expected, rss, *_ = np.linalg.lstsq(design, rows.y, rcond=None)
    fit = stats.fe_ols(rows.y, rows.X, rows.person, rows.quarter)
    assert fit.coef == pytest.approx(expected[:2], abs=1e-10)
    assert fit.residual @ fit.residual == pytest.approx(rss[0], rel=1e-10)


def test_the_working_problem_is_consistent(fit):
    """Design, residuals, Gram and scores fit together, and the score is 0 at the estimate."""
    assert fit.design.T @ fit.design == pytest.approx(fit.gram, rel=1e-9)
    assert sum(grams.sum(axis=0) for _, grams in working.cluster_grams(fit)) == pytest.approx(fit.gram, rel=1e-9)
    scores = np.add.reduceat(fit.design * fit.pearson[:, None], fit.starts)
    assert working.cluster_scores(fit) == pytest.approx(scores, abs=1e-9)
    assert scores.sum(axis=0) == pytest.approx(0, abs=1e-6)


def test_no_columns_is_a_model_too(rows):
    """The calendar alone, or nothing at all, can be fitted."""
    nothing = np.empty((len(rows.y), 0))
    calendar = stats.fe_poisson(rows.y, nothing, rows.person, calendar=rows.quarter)
    assert calendar.converged and calendar.n_params == 1
    bare = stats.fe_poisson(rows.y, nothing, rows.person)
    means = np.array([rows.y[rows.person == person].mean() for person in range(10)])
    assert bare.mu == pytest.approx(np.repeat(means, bare.counts))


def test_wrong_input_is_refused_with_a_reason(rows):
    """Negative counts, infinite values and arrays of different lengths are told apart."""
    with pytest.raises(ValueError, match="smallest y is -1"):
        stats.fe_poisson(np.where(rows.y == 0, -1, rows.y), rows.X, rows.person)
    with pytest.raises(ValueError, match="offset holds infinite values"):
        stats.fe_poisson(rows.y, rows.X, rows.person, np.full(len(rows.y), -np.inf))
    with pytest.raises(ValueError, match=r"groups: 3"):
        stats.fe_poisson(rows.y, rows.X, rows.person[:3])
    with pytest.raises(NotEnoughData, match="No row with an event is left"):
        stats.fe_poisson(np.zeros(len(rows.y)), rows.X, rows.person)


def test_a_pooled_model_merges_units_without_events_and_refuses_negative_counts(rows):
    """What holds with effects per person holds with one intercept."""
    y = np.where(rows.week // 5 == 2, 0.0, rows.y)
    fit = stats.pooled_poisson(y, rows.X, rows.person, calendar=rows.week // 5)
    assert fit.converged and fit.n_units == 5
    assert fit.calendar_effects[2] == fit.calendar_effects[1] != fit.calendar_effects[3]
    with pytest.raises(ValueError, match="cannot be negative"):
        stats.pooled_poisson(rows.y - 5, rows.X, rows.person)


def test_far_starts_and_large_steps_still_settle():
    """Rates a million times apart: steps are shortened, and the slope is that of two means."""
    x = np.tile([0.0, 1.0], 20)
    y = np.tile([1.0, 1e6], 20)
    fit = stats.fe_poisson(y, x, np.repeat(np.arange(4), 10))
    assert fit.converged and fit.iterations > 5
    assert fit.coef[0] == pytest.approx(np.log(1e6), rel=1e-9)
    pooled = stats.pooled_poisson(y, x, np.repeat(np.arange(4), 10))
    assert pooled.coef == pytest.approx([np.log(1e6), 0.0], abs=1e-8)
