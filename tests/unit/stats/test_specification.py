"""The curve of all specifications and its joint test."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats import specification
from ssi_audit.stats.bootstrap import SEED
from ssi_audit.stats.clusters import cr2
from ssi_audit.stats.fixed_effects import fe_poisson
from ssi_audit.stats.specification import (
    Specification,
    _bridged,
    _conclusion,
    _exchange_tables,
    _fit,
    _free_of_others,
    _one_step,
    joint_permutation,
    specification_curve,
)
from tests.unit.stats.simulated import Team, team


def specifications(one: Team, **changes: object) -> list[Specification]:
    """Twelve: activity in or out, quarters or months, three lags."""
    return [
        Specification(
            {"activity": activity, "calendar": calendar, "lag": str(lag)},
            one.events, one.shifted(lag), one.people, one.weeks,
            covariates=one.activity if activity == "in" else None,
            calendar=one.weeks // (13 if calendar == "quarter" else 4), **changes,
        )
        for activity in ("out", "in")
        for calendar in ("quarter", "month")
        for lag in (0, 1, 4)
    ]  # fmt: skip


def test_each_point_of_the_curve_is_its_own_model():
    """Effect and interval of a specification are fe_poisson with CR2."""
    one = team(np.random.default_rng(1))
    curve = specification_curve(specifications(one))
    fit = fe_poisson(one.events, np.column_stack([one.shifted(1), one.activity]), one.people, calendar=one.weeks // 13)
    expected = cr2(fit, 0)
    at = curve.choices.index({"activity": "in", "calendar": "quarter", "lag": "1"})
    assert (curve.effect[at], curve.low[at], curve.high[at]) == (expected.estimate, expected.low, expected.high)
    assert (curve.n_people[at], curve.n_rows[at]) == (24, 24 * 51)


def test_a_strong_link_is_agreed_upon():
    """With a large effect all twelve say positive."""
    one = team(np.random.default_rng(2), people=40, effect=0.5)
    curve = specification_curve(specifications(one))
    assert set(curve.conclusion) == {"positive"}
    assert (curve.share_agree, curve.n_same_sign) == (1.0, 12)


def test_the_choice_that_matters_comes_first():
    """When activity explains everything, leaving it out moves the answer most, and by the right amount."""
    one = team(np.random.default_rng(3), people=60, weeks=104, activity_effect=0.5)
    curve = specification_curve(specifications(one))
    first = curve.influence[0]
    assert first.choice == "activity"
    assert first.n_pairs == 6
    assert first.change == pytest.approx(np.mean(np.abs(curve.effect[:6] - curve.effect[6:])))
    assert first.means["out"] > 0.3 > 0.1 > abs(first.means["in"])
    assert first.flips > 0.9


def test_a_narrow_interval_around_nothing_is_too_small():
    """The conclusion depends on the smallest effect of interest, not on p alone."""
    one = team(np.random.default_rng(4), people=40, weeks=104)
    wide = specification_curve(specifications(one)[:1], margin=np.log(1.5))
    assert wide.conclusion == ("too_small",)
    strict = specification_curve(specifications(one)[:1], margin=np.log(1.001))
    assert strict.conclusion == ("unclear",)


def test_a_specification_that_cannot_be_fitted_says_why():
    """A constant exposure is reported as failed, and the others stand."""
    one = team(np.random.default_rng(5))
    good = specifications(one)[0]
    broken = replace(good, x=np.ones_like(one.score), choices={**good.choices, "lag": "none"})
    curve = specification_curve([good, broken])
    assert curve.conclusion[1] == "failed"
    assert "does not vary" in curve.why[1]
    assert (curve.n_fitted, curve.share_agree) == (1, 1.0)
    assert joint_permutation([good, broken], draws=19).n_specifications == 1


def test_a_main_specification_that_fails_is_an_error():
    """Without the main analysis there is nothing to agree with."""
    one = team(np.random.default_rng(6))
    broken = replace(specifications(one)[0], x=np.ones_like(one.score))
    with pytest.raises(NotEnoughData, match="main specification"):
        specification_curve([broken])


def test_choices_must_have_the_same_names():
    """A specification with another question cannot be compared."""
    one = team(np.random.default_rng(7), people=10, weeks=20)
    first = specifications(one)[0]
    with pytest.raises(ValueError, match="different choices"):
        specification_curve([first, replace(first, choices={"lag": "0"})])


def test_the_table_has_a_row_per_specification():
    """Choices and numbers stand side by side."""
    one = team(np.random.default_rng(8), people=12)
    table = specification_curve(specifications(one)).table()
    assert len(table) == 12
    assert {"activity", "calendar", "lag", "effect", "low", "high", "conclusion"} <= set(table.columns)


@pytest.mark.parametrize("changes", [{}, {"model": "ols"}, {"absorb": False}])
def test_one_step_is_close_to_a_refit(changes):
    """The observed one-step effect is the refitted one: exactly for least squares, to a hundredth for Poisson."""
    one = team(np.random.default_rng(9), effect=0.1)
    items = specifications(one, **changes)
    full = specification_curve(items).effect
    quick = joint_permutation(items, draws=1).effect
    tolerance = 1e-9 if changes.get("model") == "ols" else 0.01
    assert quick == pytest.approx(full, abs=tolerance)


def test_permuted_one_steps_are_close_to_refits_with_borrowed_histories():
    """For permuted persons too, one step from the null is a refit with the borrowed part of the exposure."""
    one = team(np.random.default_rng(10), people=16)
    item = Specification({}, one.events, one.score, one.people, one.weeks, one.activity, one.quarter)
    everyone = np.arange(16)
    order = np.random.default_rng(11).permutation(16)
    quick, _ = _one_step(_exchange_tables(item, everyone), order[None, :])
    free = _free_of_others(item, _fit(item, with_exposure=False)).reshape(16, 52)
    refit = _fit(replace(item, x=free[order].ravel()), with_exposure=True).coef[0]
    assert quick[0] == pytest.approx(refit, abs=0.01)


def test_least_squares_permutations_are_exact():
    """For least squares a permuted one-step effect equals the refit to rounding, also with gaps in the rows."""
    rng = np.random.default_rng(12)
    one = team(rng, people=12)
    rows = rng.random(len(one.events)) > 0.2
    item = Specification(
        {}, np.log1p(one.events), one.score, one.people, one.weeks, one.activity, one.quarter, rows=rows, model="ols"
    )
    order = rng.permutation(12)
    quick, _ = _one_step(_exchange_tables(item, np.arange(12)), order[None, :])
    free = _free_of_others(item, _fit(item, with_exposure=False)).reshape(12, 52)
    refit = _fit(replace(item, x=free[order].ravel()), with_exposure=True).coef[0]
    assert quick[0] == pytest.approx(refit, abs=1e-9)


def test_the_joint_test_sees_a_link_that_is_there():
    """With an effect everywhere the three p-values are as small as 99 draws allow, or nearly."""
    one = team(np.random.default_rng(13), people=30, effect=0.4)
    found = joint_permutation(specifications(one), draws=99)
    assert found.p <= 0.03
    assert found.p_median <= 0.03
    assert found.p_clear <= 0.03
    assert found.mean_t > 2


def test_the_joint_test_repeats_and_does_not_depend_on_row_order():
    """Shuffled rows and the same seed give the same test."""
    one = team(np.random.default_rng(14), people=12)
    item = specifications(one)[9]
    order = np.random.default_rng(15).permutation(len(one.events))
    shuffled = replace(
        item, **{name: getattr(item, name)[order] for name in ("y", "x", "people", "periods", "covariates", "calendar")}
    )
    here, there = (joint_permutation([each], draws=49, seed=SEED) for each in (item, shuffled))
    assert there.draws == pytest.approx(here.draws, abs=1e-9)
    assert there.p == here.p


def test_a_person_left_out_of_the_rows_still_lends_his_history():
    """Leaving out a star seller keeps him among the histories that are handed around."""
    one = team(np.random.default_rng(16), people=12)
    item = Specification({}, one.events, one.score, one.people, one.weeks, rows=one.people != 3)
    found = joint_permutation([item], draws=49)
    assert found.n_people == 12
    assert np.isfinite(found.draws).all()


def test_three_persons_cannot_be_permuted():
    """Six orders of three persons make no test."""
    one = team(np.random.default_rng(17), people=3)
    with pytest.raises(NotEnoughData, match="at least 4"):
        joint_permutation(specifications(one)[:1])


def test_many_draws_take_far_less_than_a_refit_each():
    """500 draws of 12 specifications are at least 20 times faster than the refits they replace."""
    one = team(np.random.default_rng(18))
    items = specifications(one)
    joint_permutation(items, draws=9)  # warm up
    began = time.perf_counter()
    joint_permutation(items, draws=500)
    quick = time.perf_counter() - began
    began = time.perf_counter()
    for item in items:
        for _ in range(3):
            _fit(item, with_exposure=True)
    refits = (time.perf_counter() - began) / 3 * 500
    assert refits > 20 * quick


def test_the_joint_test_keeps_its_level():
    """Without a link at most 8 % of teams are rejected at 5 %, though activity goes with the score."""
    rng = np.random.default_rng(19)
    found = []
    for _ in range(150):
        one = team(rng, people=16, weeks=40, activity_effect=0.3)
        items = [item for item in specifications(one) if item.choices["activity"] == "in"]
        found.append(joint_permutation(items[::2], draws=99, seed=int(rng.integers(1 << 31))))
    assert np.mean([one.p <= 0.05 for one in found]) <= 0.08
    assert np.mean([one.p_median <= 0.05 for one in found]) <= 0.09


@pytest.mark.slow
def test_the_joint_test_keeps_its_level_at_the_usual_size():
    """24 x 52, 300 teams without a link: at most 7 % rejections of each of the three."""
    rng = np.random.default_rng(20)
    found = []
    for _ in range(300):
        one = team(rng)
        found.append(joint_permutation(specifications(one), draws=199, seed=int(rng.integers(1 << 31))))
    for name in ("p", "p_median", "p_clear"):
        assert np.mean([getattr(one, name) <= 0.05 for one in found]) <= 0.07


def test_the_summary_of_a_curve_counts_what_it_says():
    """Agreement, signs and influences of a curve follow from its effects and conclusions."""
    one = team(np.random.default_rng(25), people=20, activity_effect=0.3)
    curve = specification_curve(specifications(one), main=3)
    assert curve.main == 3
    assert curve.n_agree == curve.conclusion.count(curve.conclusion[3])
    assert curve.n_same_sign == int((np.sign(curve.effect) == np.sign(curve.effect[3])).sum())
    assert 0 < curve.n_agree < 12
    assert [one.change for one in curve.influence] == sorted((one.change for one in curve.influence), reverse=True)
    by_name = {one.choice: one for one in curve.influence}
    effect = curve.effect.reshape(2, 2, 3)
    changes = {
        "activity": np.abs(effect[0] - effect[1]),
        "calendar": np.abs(effect[:, 0] - effect[:, 1]),
        "lag": np.abs(effect[:, :, [0, 0, 1]] - effect[:, :, [1, 2, 2]]),
    }
    said = np.array(curve.conclusion).reshape(2, 2, 3)
    for name, change in changes.items():
        assert by_name[name].n_pairs == change.size
        assert (by_name[name].change, by_name[name].largest) == pytest.approx((change.mean(), change.max()))
    assert by_name["lag"].flips == pytest.approx(np.mean(said[:, :, [0, 0, 1]] != said[:, :, [1, 2, 2]]))
    assert by_name["lag"].means["4"] == pytest.approx(effect[:, :, 2].mean())


@pytest.mark.parametrize(("limits", "conclusion"), [
    ((0.01, 0.2, 0.02, 0.19), "positive"),
    ((-0.2, -0.01, -0.19, -0.02), "negative"),
    ((-0.2, 0.2, -0.19, 0.19), "unclear"),
    ((0.0, 0.2, 0.02, 0.19), "unclear"),
    ((-0.2, 0.0, -0.19, -0.02), "unclear"),
    ((0.01, 0.2, 0.02, 0.09), "too_small"),
    ((-0.2, 0.2, -0.1, 0.09), "unclear"),
    ((-0.2, 0.2, -0.09, 0.1), "unclear"),
])  # fmt: skip
def test_conclusions_follow_from_the_limits(limits, conclusion):
    """Too small: the 90 % interval lies inside the margin; a sign: the 95 % interval excludes 0."""
    assert _conclusion(*limits, 0.1) == conclusion


def test_the_joint_test_sums_up_its_own_columns():
    """Mean t, median effect and clear ones of the data, and each p from the draws it lists."""
    one = team(np.random.default_rng(22), people=14, effect=0.15)
    found = joint_permutation(specifications(one), draws=39)
    assert (found.mean_t, found.median_effect) == pytest.approx((np.mean(found.t), np.median(found.effect)))
    assert found.n_clear == max((found.t > 1.96).sum(), (found.t < -1.96).sum()) > 0
    observed = np.array([found.mean_t, found.median_effect, found.n_clear])
    reached = (np.abs(found.draws) >= np.abs(observed) * (1 - 1e-9)).sum(axis=0)
    assert (found.p, found.p_median, found.p_clear) == pytest.approx(tuple((1 + reached) / 40))
    assert (found.n_draws, found.n_people, found.n_specifications) == (39, 14, 12)
    assert found.draws.shape == (39, 3)


def test_gaps_in_a_history_are_bridged_from_its_neighbours():
    """A line between neighbours, the nearest value at the ends, centred; a person without values lends a flat line."""
    x = np.array([[np.nan, 1.0, np.nan, 3.0, np.nan], [np.nan] * 5])
    filled = np.array([1.0, 1, 2, 3, 3])
    assert _bridged(x, True) == pytest.approx(np.array([filled - 2.0, np.zeros(5)]))
    assert _bridged(x + 5, False)[0] == pytest.approx(filled - 2.0)


def test_batches_of_permutations_do_not_change_them(monkeypatch):
    """All orders at once, or a few at a time."""
    one = team(np.random.default_rng(23), people=10)
    whole = joint_permutation(specifications(one)[:2], draws=20)
    monkeypatch.setattr(specification, "BATCH_ELEMENTS", 100)
    parts = joint_permutation(specifications(one)[:2], draws=20)
    assert parts.draws == pytest.approx(whole.draws, rel=1e-9)
