"""Lags judged together."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats import lags as lags_module
from ssi_audit.stats.clusters import cr2, jackknife_interval, leave_one_out
from ssi_audit.stats.fixed_effects import fe_poisson
from ssi_audit.stats.lags import distributed_lag, lag_profile, lead_placebo
from tests.unit.stats.simulated import Team, team

LAGS = (1, 5, 9, 13, 17, 21, 26)


def history(one: Team, lags: tuple[int, ...] = LAGS) -> np.ndarray:
    return np.column_stack([one.shifted(lag) for lag in lags])


def test_each_lag_is_one_model_on_the_common_sample():
    """The effect at lag 5 is fe_poisson with CR2 on the rows where all lags are known."""
    one = team(np.random.default_rng(1))
    exposures = history(one)
    found = lag_profile(one.events, exposures, LAGS, one.people, calendar=one.quarter, draws=99)
    known = np.isfinite(exposures).all(axis=1)
    fit = fe_poisson(one.events[known], exposures[known, 1], one.people[known], calendar=one.quarter[known])
    assert found.effects[1] == cr2(fit, 0)
    assert found.n_rows == known.sum() == 24 * (52 - 26)


def test_a_late_effect_is_found_late():
    """An effect of the score 17 weeks ago peaks there and beats lag 1."""
    one = team(np.random.default_rng(2), people=60, weeks=104, effect=0.35, effect_lag=17)
    found = lag_profile(one.events, history(one), LAGS, one.people, one.activity, calendar=one.quarter, draws=499)
    assert abs(found.peak - 17) <= 4
    assert found.delayed
    assert found.difference.low > 0
    assert found.p == min(found.p_adjusted)


def test_an_immediate_effect_is_not_called_late():
    """An effect of the last reading peaks at the first lag, which beats nothing."""
    one = team(np.random.default_rng(3), people=60, weeks=104, effect=0.35, effect_lag=1)
    found = lag_profile(one.events, history(one), LAGS, one.people, calendar=one.quarter, draws=499)
    assert (found.peak, found.delayed) == (1, False)
    assert (found.difference.estimate, found.difference.se) == (0.0, 0.0)


def test_the_difference_uses_the_same_missing_person():
    """Both lags see the same weeks, so their difference is more certain than two separate models would say."""
    one = team(np.random.default_rng(4), effect=0.3, effect_lag=5)
    found = lag_profile(one.events, history(one, (1, 5)), (1, 5), one.people, calendar=one.quarter, draws=99)
    assert found.peak == 5
    apart = np.hypot(found.effects[0].se, found.effects[1].se)
    assert found.difference.se < 0.8 * apart


def test_the_total_of_all_lags_is_the_sum_of_their_effects():
    """The one coefficient of the turned model is the sum of the separate ones."""
    one = team(np.random.default_rng(5), effect=0.2)
    lags = (1, 14, 27)
    found = distributed_lag(one.events, history(one, lags), lags, one.people, one.activity, calendar=one.quarter)
    assert found.total.estimate == pytest.approx(sum(effect.estimate for effect in found.effects), abs=1e-8)


def test_least_squares_profiles_work_on_logs():
    """With model "ols" the effects are least-squares slopes."""
    one = team(np.random.default_rng(6), rate=30.0, effect=0.3, effect_lag=1)
    found = lag_profile(np.log1p(one.events), history(one, (1, 9)), (1, 9), one.people, model="ols", draws=99)
    assert found.effects[0].estimate == pytest.approx(0.3, abs=0.12)


def test_a_score_that_runs_after_success_fails_the_placebo():
    """Events that follow the reading of 13 weeks later make the later reading matter, and not the present one."""
    one = team(np.random.default_rng(7), people=60, weeks=104, effect=0.4)
    late = one.shifted(13)  # the score shows only 13 weeks later what went with the events
    found = lead_placebo(one.events, late, one.score, one.people, calendar=one.quarter)
    assert found.fails
    assert found.lead.estimate == pytest.approx(0.4, abs=0.1)
    assert found.now.low < 0 < found.now.high


def test_a_score_that_runs_ahead_passes_the_placebo():
    """When the present reading matters, the later one adds nothing."""
    one = team(np.random.default_rng(8), people=60, weeks=104, effect=0.4)
    found = lead_placebo(one.events, one.score, one.shifted(-13), one.people, calendar=one.quarter)
    assert not found.fails
    assert found.now.low > 0


def test_lags_must_rise_and_match():
    """Falling lags and a wrong number of columns are refused."""
    one = team(np.random.default_rng(9), people=10, weeks=30)
    with pytest.raises(ValueError, match="rising"):
        lag_profile(one.events, history(one, (5, 1)), (5, 1), one.people)
    with pytest.raises(ValueError, match=r"one column per lag \(3\)"):
        lag_profile(one.events, history(one, (1, 5)), (1, 5, 9), one.people)


def test_no_row_with_all_lags_is_named():
    """On 20 weeks nobody knows the score of 26 weeks ago."""
    one = team(np.random.default_rng(10), people=10, weeks=20)
    exposures = np.column_stack([one.shifted(1), np.full(200, np.nan)])
    with pytest.raises(NotEnoughData, match="from 1 to 26 periods back"):
        lag_profile(one.events, exposures, (1, 26), one.people)


@pytest.mark.slow
def test_scanning_lags_keeps_the_family_level():
    """Without any effect the whole profile rejects in at most 8 % of teams, and calls fewer still delayed."""
    rng = np.random.default_rng(11)
    found = []
    for _ in range(200):
        one = team(rng, people=16, weeks=60)
        found.append(lag_profile(one.events, history(one), LAGS, one.people, calendar=one.quarter, draws=199))
    assert np.mean([one.p < 0.05 for one in found]) <= 0.08
    assert np.mean([one.delayed for one in found]) <= 0.05


def test_all_lags_in_one_model_and_their_total():
    """Effects are those of one model with every lag; the total and its error follow from its covariance."""
    one = team(np.random.default_rng(12), effect=0.2)
    lags = (1, 14, 27)
    exposures = history(one, lags)
    found = distributed_lag(one.events, exposures, lags, one.people, one.activity, calendar=one.quarter)
    known = np.isfinite(exposures).all(axis=1)
    columns = np.column_stack([exposures, one.activity])[known]
    fit = fe_poisson(one.events[known], columns, one.people[known], calendar=one.quarter[known])
    assert [effect.estimate for effect in found.effects] == pytest.approx(fit.coef[:3], abs=1e-9)
    assert found.effects[1].se == pytest.approx(cr2(fit, 1).se, rel=1e-9)
    assert (found.lags, found.n_people, found.n_rows) == (lags, 24, int(known.sum()))
    parts = columns.copy()
    parts[:, 1:3] -= columns[:, :1]
    turned = fe_poisson(one.events[known], parts, one.people[known], calendar=one.quarter[known])
    assert found.total.se == pytest.approx(cr2(turned, 0).se, rel=1e-6)


@pytest.mark.parametrize(("p", "lags", "low", "high", "delayed"), [
    (0.04, (1, 8), 0.1, 0.3, True),
    (0.04, (1, 8), -0.3, -0.1, True),
    (0.04, (1, 7), 0.1, 0.3, False),
    (0.05, (1, 8), 0.1, 0.3, False),
    (0.04, (1, 8), 0.0, 0.3, False),
    (0.04, (1, 8), -0.3, 0.0, False),
])  # fmt: skip
def test_delayed_needs_three_things(p, lags, low, high, delayed, monkeypatch):
    """A profile clear of chance, a peak more than six weeks later, and a difference whose range excludes 0."""
    one = team(np.random.default_rng(2), people=20, weeks=60, effect=0.5, effect_lag=8)
    monkeypatch.setattr(lags_module, "max_t_wild", lambda scores, **_: SimpleNamespace(p=p, p_adjusted=np.full(2, p)))
    monkeypatch.setattr(
        lags_module, "jackknife_interval", lambda deleted, estimate: SimpleNamespace(low=low, high=high)
    )
    found = lag_profile(one.events, history(one, lags), lags, one.people)
    assert found.peak == lags[1]
    assert found.delayed is delayed


def test_the_placebo_fails_only_where_more_follows():
    """A later reading that goes with fewer events, however clearly, is not what the placebo looks for."""
    one = team(np.random.default_rng(7), people=60, weeks=104, effect=-0.4)
    found = lead_placebo(one.events, one.shifted(13), one.score, one.people, calendar=one.quarter)
    assert found.lead.high < 0
    assert not found.fails


def test_a_missing_covariate_leaves_the_row_out_of_every_lag():
    """The common sample knows all lags and all covariates; equal lags are refused, one lag is a profile."""
    one = team(np.random.default_rng(13), people=10, weeks=30)
    activity = np.where(one.weeks == 20, np.nan, one.activity)
    found = lag_profile(one.events, history(one, (1,)), (1,), one.people, activity, draws=19)
    assert found.n_rows == 10 * (30 - 2)
    for lags in ((), (5, 5)):
        with pytest.raises(ValueError, match="rising"):
            lag_profile(one.events, np.empty((300, len(lags))), lags, one.people)


def test_the_difference_of_lags_is_that_of_the_exposures_columns():
    """With a covariate in both models, the jackknife still compares the exposure's coefficients."""
    one = team(np.random.default_rng(14), effect=0.4, effect_lag=9)
    exposures = history(one, (1, 9))
    found = lag_profile(one.events, exposures, (1, 9), one.people, one.activity, draws=19)
    known = np.isfinite(exposures).all(axis=1)
    fits = [
        fe_poisson(one.events[known], np.column_stack([column, one.activity])[known], one.people[known])
        for column in exposures.T
    ]
    deleted = leave_one_out(fits[1])[:, 0] - leave_one_out(fits[0])[:, 0]
    expected = jackknife_interval(deleted, fits[1].coef[0] - fits[0].coef[0])
    assert found.peak == 9
    assert (found.difference.estimate, found.difference.se) == pytest.approx((expected.estimate, expected.se), rel=1e-9)
    assert (found.n_people, found.n_rows) == (24, int(known.sum()))
