"""Skill on people the model has not seen, and fair shares of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ssi_audit import stats
from ssi_audit.errors import NotEnoughData
from ssi_audit.stats import skill
from ssi_audit.stats.rows import prepare
from ssi_audit.stats.skill import deviance_by_person, skill_of
from tests.unit.stats.panels import panel


@pytest.fixture(scope="module")
def rows():
    return panel(n_people=12, slope=0.5)


def share_deviance(rows, columns):
    """Person by person: refit without him, predict his shares, compare with what he had."""
    deviance = []
    for person in np.unique(rows.person):
        others, own = rows.take(rows.person != person), rows.take(rows.person == person)
        fit = stats.fe_poisson(others.y, others.X[:, columns], others.person, others.offset, others.quarter)
        index = own.X[:, columns] @ fit.coef + fit.calendar_effects[own.quarter] + own.offset
        expected = own.y.sum() * np.exp(index) / np.exp(index).sum()
        seen = own.y > 0
        deviance.append(2 * np.sum(own.y[seen] * np.log(own.y[seen] / expected[seen])))
    return np.array(deviance)


def test_skill_equals_refits_written_out(rows):
    """Warm starts and shared preparation change nothing: the skill is that of twelve plain refits."""
    base, both = share_deviance(rows, [1]), share_deviance(rows, [1, 0])
    ours = stats.held_out_skill(rows.y, rows.X[:, 1], rows.X[:, 0], rows.person, rows.offset, rows.quarter)
    assert ours.skill == pytest.approx(1 - both.sum() / base.sum(), abs=1e-7)


def deviances(rows, n_columns):
    """Deviances of one model of the first columns, by the calendar's quarters."""
    sample = prepare(rows.y, rows.X, rows.person, rows.offset, rows.quarter, events=True, absorb=True)
    return deviance_by_person(sample, np.arange(n_columns))


def test_what_a_person_costs_the_others_is_that_of_a_refit(rows):
    """The linearised deviance of the others by a fit on them alone is that of the refit, to 2 % of what he costs."""
    ours = deviances(rows, 2)
    for place, person in enumerate(np.unique(rows.person)):
        again = deviances(rows.take(rows.person != person), 2).fitted.sum()
        kept = np.delete(ours.fitted, place).sum()
        assert kept - again == pytest.approx(ours.pull[place], rel=0.25, abs=0.02 * ours.pull.max())
        assert ours.others[place] == pytest.approx(again, rel=1e-3)


def test_the_range_is_what_is_explained_less_the_price():
    """Written out for one column: what is explained less the price, and how far the parts reach together."""
    rows = panel(n_people=24, slope=0.3, seed=1)
    model, baseline = deviances(rows, 1), deviances(rows, 0)
    ours = skill_of(model, baseline)
    explained = 1 - model.fitted.sum() / baseline.fitted.sum()
    root = np.sqrt(explained)
    error = stats.jackknife_interval(1 - model.others / baseline.others, explained).se / (2 * root)
    parts = (model.pull - baseline.pull) / baseline.fitted.sum()
    price = max((explained - ours.skill) / 2, parts.sum())
    beyond = max(price - error**2, 0)
    reach = scipy_stats.t.ppf(0.975, 23) * error
    df = 2 * parts.sum() ** 2 / np.sum(parts**2)
    of_price = price * df / scipy_stats.chi2.ppf(0.025, df)
    of_variance = error**2 * 23 / scipy_stats.chi2.ppf(0.025, 23)
    largest = max(of_price, of_variance)
    assert root > reach and 4 < df < 23
    down, up = explained - price - ((root - reach) ** 2 - beyond), largest - price
    apart = np.sqrt(down**2 + up**2 + 2 * 0.7 * down * up)
    assert ours.low == pytest.approx(explained - 2 * price - apart, rel=1e-9)
    assert ours.high == pytest.approx((root + reach) ** 2 - beyond - price, rel=1e-9)


def test_a_lucky_draw_of_groups_does_not_lift_the_range():
    """Held-out deviances as small as the fitted ones do not say that learning was free: the persons' pulls say."""
    rows = panel(n_people=24, slope=0.3, seed=1)
    model, baseline = deviances(rows, 1), deviances(rows, 0)
    price = (model.pull - baseline.pull).sum()
    assert price > 0
    baseline = replace(baseline, held_out=baseline.fitted)
    lucky = skill_of(replace(model, held_out=model.fitted), baseline)
    usual = skill_of(replace(model, held_out=model.fitted + 2 * price / 24), baseline)
    assert lucky.skill > usual.skill
    assert (lucky.low, lucky.high) == pytest.approx((usual.low, usual.high), rel=1e-9)


def test_the_range_holds_the_skill_even_without_a_link(rows):
    """With columns of noise the estimate lies in its range, which reaches below 0 and stays below 1."""
    for seed in range(5):
        noise = np.random.default_rng(seed).normal(size=(len(rows.y), 3))
        ours = stats.held_out_skill(rows.y, None, noise, rows.person, rows.offset)
        assert ours.low <= ours.skill <= ours.high <= 1
        assert ours.low < 0


def simulated_skills(slope, teams):
    """Skill, low and high of one column in teams of 12 persons and 12 periods."""
    found = []
    for seed in range(teams):
        data = panel(n_people=12, n_weeks=12, slope=slope, seed=seed, n_columns=1, balanced=True)
        one = stats.held_out_skill(data.y, None, data.X, data.person, data.offset)
        found.append((one.skill, one.low, one.high))
    return np.array(found).T


def held(skill, low, high):
    """Share of the teams whose range holds the skill that is expected at their size."""
    return np.mean((low <= skill.mean()) & (skill.mean() <= high))


def test_the_range_of_a_weak_link_holds_the_expected_skill():
    """60 teams with a weak link: a jackknife of the persons' differences held it in 46 of them only."""
    assert held(*simulated_skills(0.2, 60)) >= 0.92


def test_a_true_indicator_has_skill_and_noise_has_none(rows):
    """Held-out skill is clearly above 0 for the exposure and not above 0 for random numbers."""
    real = stats.held_out_skill(rows.y, None, rows.X[:, 0], rows.person, rows.offset)
    noise = np.random.default_rng(0).normal(size=(len(rows.y), 5))
    empty = stats.held_out_skill(rows.y, None, noise, rows.person, rows.offset)
    assert real.low > 0.05
    assert empty.skill < 0.01


def test_the_level_of_a_person_is_not_skill(rows):
    """A column that tells who somebody is, or ten times his counts, changes no share."""
    who = rows.person * 1.0
    told = stats.held_out_skill(rows.y, rows.X, who, rows.person, rows.offset)
    assert told.skill == pytest.approx(0, abs=1e-9)


def test_a_row_missing_in_the_added_column_is_missing_in_both_models(rows):
    """Both models are judged on the same rows."""
    added = rows.X[:, 0].copy()
    added[::5] = np.nan
    left = rows.take(~np.isnan(added))
    assert stats.held_out_skill(rows.y, rows.X[:, 1], added, rows.person).skill == pytest.approx(
        stats.held_out_skill(left.y, left.X[:, 1], left.X[:, 0], left.person).skill, abs=1e-9
    )


def test_above_fifty_people_ten_groups_are_held_out():
    """All persons get a deviance; the seed decides the groups."""
    many = panel(n_people=55, n_weeks=12)
    sample = prepare(many.y, many.X, many.person, many.offset, events=True, absorb=True)
    first, again, other = (deviance_by_person(sample, [0, 1], seed) for seed in (1, 1, 2))
    assert len(first.held_out) == len(sample.people) > 50
    assert (first.held_out == again.held_out).all()
    assert not np.allclose(first.held_out, other.held_out, rtol=1e-12)
    assert first.held_out.sum() == pytest.approx(other.held_out.sum(), rel=0.02)
    assert (first.fitted == other.fitted).all()


def test_above_fifty_people_the_pull_is_a_series(monkeypatch):
    """It ends where decomposing everybody's leverage ends, with effects per week as well."""
    many = panel(n_people=55, n_weeks=12)
    fit = stats.fe_poisson(many.y, many.X, many.person, many.offset, many.week)
    series = skill._pull(fit)
    monkeypatch.setattr(skill, "MAX_LEAVE_ONE_OUT", 60)
    assert series == pytest.approx(skill._pull(fit), rel=1e-6)


def test_a_quarter_that_only_the_held_out_person_has_is_bridged(rows):
    """A calendar unit the others never had takes its neighbour's effect instead of failing."""
    quarter = np.where((rows.person == 4) & (rows.week > 20), 9, rows.quarter)
    ours = stats.held_out_skill(rows.y, None, rows.X, rows.person, rows.offset, quarter)
    assert np.isfinite([ours.skill, ours.low, ours.high]).all()


def test_too_few_people_cannot_be_held_out(rows):
    """Two persons leave one to learn from: not enough."""
    two = rows.take(rows.person < 2)
    with pytest.raises(NotEnoughData, match="at least 3 people with events, got 2"):
        stats.held_out_skill(two.y, None, two.X, two.person)
    with pytest.raises(NotEnoughData, match="at least 3 people, got 2"):
        stats.within_r2_lopo(two.y, two.X, two.person)


def test_lopo_r2_equals_refits(rows):
    """The closed form is the sum of squared errors of refits without each person."""
    error = whole = 0.0
    for person in np.unique(rows.person):
        others, own = rows.take(rows.person != person), rows.take(rows.person == person)
        fit = stats.fe_ols(others.X[:, 0], others.X[:, 1], others.person, others.quarter)
        index = own.X[:, 1] * fit.coef[0] + fit.calendar_effects[own.quarter]
        own_y = own.X[:, 0] - own.X[:, 0].mean()
        error += np.sum((own_y - index + index.mean()) ** 2)
        whole += np.sum(own_y**2)
    ours = stats.within_r2_lopo(rows.X[:, 0], rows.X[:, 1], rows.person, rows.quarter)
    assert ours.r2 == pytest.approx(1 - error / whole, abs=1e-10)


def test_lopo_r2_holds_out_all_stretches_of_a_person(rows):
    """With an effect per person and stretch the person is held out whole, and counts once."""
    stretch = rows.person * 2 + (rows.quarter >= np.median(rows.quarter))
    error = whole = 0.0
    for person in np.unique(rows.person):
        others = rows.person != person
        fit = stats.fe_ols(rows.X[others, 0], rows.X[others, 1], stretch[others], rows.quarter[others])
        left = rows.X[:, 0] - rows.X[:, 1] * fit.coef[0] - fit.calendar_effects[rows.quarter]
        for one in np.unique(stretch[~others]):
            error += np.sum((left[stretch == one] - left[stretch == one].mean()) ** 2)
            whole += np.sum((rows.X[stretch == one, 0] - rows.X[stretch == one, 0].mean()) ** 2)
    ours = stats.within_r2_lopo(rows.X[:, 0], rows.X[:, 1], stretch, rows.quarter, clusters=rows.person)
    assert ours.r2 == pytest.approx(1 - error / whole, abs=1e-10)
    assert ours.n_people == len(np.unique(rows.person))


def test_lopo_r2_of_a_gauge_and_of_noise(rows):
    """A series made of activity and as much noise has about .5; unrelated columns have none."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(len(rows.y), 4))
    gauge = X.sum(axis=1) + 2 * rng.normal(size=len(rows.y))
    assert stats.within_r2_lopo(gauge, X, rows.person).r2 == pytest.approx(0.5, abs=0.1)
    assert stats.within_r2_lopo(rng.normal(size=len(rows.y)), X, rows.person).r2 < 0.01


def test_a_jump_for_everybody_is_the_calendars_doing(rows):
    """A change of the formula in one quarter is explained by the calendar, not by activity."""
    rng = np.random.default_rng(0)
    series = 20.0 * rows.quarter + rng.normal(size=len(rows.y))
    ours = stats.within_r2_lopo(series, rows.X, rows.person, rows.quarter)
    assert ours.r2 > 0.9 and ours.r2_calendar > 0.9
    assert ours.added < 0.02


def test_shapley_divides_the_whole():
    """Shares add up; members who do the same get the same; who does nothing gets nothing."""
    worth = {"a": 3.0, "b": 3.0, "idle": 0.0}
    values = {}
    for mask in range(8):
        subset = frozenset(name for bit, name in enumerate(worth) if mask >> bit & 1)
        alone = sum(worth[name] for name in subset)
        values[subset] = alone - (2.0 if {"a", "b"} <= subset else 0.0)
    shares = stats.shapley(values)
    assert shares == pytest.approx({"a": 2.0, "b": 2.0, "idle": 0.0})
    assert sum(shares.values()) == pytest.approx(values[frozenset(worth)])


def test_shapley_needs_every_subset():
    """A missing subset is named."""
    with pytest.raises(ValueError, match=r"1 subsets have no value, the first is \['a'\]"):
        stats.shapley({frozenset(): 0.0, frozenset("b"): 1.0, frozenset("ab"): 2.0})


def test_shapley_r2_of_unrelated_blocks_is_their_own_r2():
    """Where columns do not overlap each has what it explains alone."""
    rng = np.random.default_rng(2)
    X = np.linalg.qr(np.column_stack([np.ones(60), rng.normal(size=(60, 3))]))[0][:, 1:]
    y = X @ [2.0, 1.0, 0.0] + 0.1 * rng.normal(size=60)
    shares = stats.shapley_r2(y, {"one": X[:, 0], "two": X[:, 1:]})
    assert shares["one"] == pytest.approx(np.corrcoef(y, X[:, 0])[0, 1] ** 2, rel=1e-9)


def test_shapley_skill_adds_up_to_the_joint_skill(rows):
    """The shares of two blocks add up to the skill of both over the calendar, with intervals around them."""
    blocks = {"exposure": rows.X[:, 0], "other": rows.X[:, 1]}
    shares = stats.shapley_skill(rows.y, blocks, rows.person, rows.offset, rows.quarter)
    joint = stats.held_out_skill(rows.y, None, rows.X, rows.person, rows.offset, rows.quarter)
    assert shares["total"].share == pytest.approx(joint.skill, abs=1e-9)
    assert shares["exposure"].share + shares["other"].share == pytest.approx(joint.skill, abs=1e-9)
    assert shares["total"].low == pytest.approx(joint.low, abs=1e-9)
    assert shares["exposure"].low < shares["exposure"].share < shares["exposure"].high
    assert shares["exposure"].share > shares["other"].share


def test_the_range_of_the_held_out_r2_leaves_out_each_person(rows):
    """Without a person both his error and his part of the whole are gone; what is added is over the calendar alone."""
    error, whole, calendar = [], [], []
    for person in np.unique(rows.person):
        others, own = rows.take(rows.person != person), rows.take(rows.person == person)
        fit = stats.fe_ols(others.X[:, 0], others.X[:, 1], others.person, others.quarter)
        index = own.X[:, 1] * fit.coef[0] + fit.calendar_effects[own.quarter]
        only = stats.fe_ols(others.X[:, 0], np.empty((len(others.y), 0)), others.person, others.quarter)
        plain = only.calendar_effects[own.quarter]
        own_y = own.X[:, 0] - own.X[:, 0].mean()
        error.append(np.sum((own_y - index + index.mean()) ** 2))
        calendar.append(np.sum((own_y - plain + plain.mean()) ** 2))
        whole.append(np.sum(own_y**2))
    error, whole, calendar = np.array(error), np.array(whole), np.array(calendar)
    ours = stats.within_r2_lopo(rows.X[:, 0], rows.X[:, 1], rows.person, rows.quarter)
    bounds = stats.jackknife_interval(1 - (error.sum() - error) / (whole.sum() - whole), ours.r2)
    assert (ours.low, ours.high) == pytest.approx((bounds.low, bounds.high), abs=1e-9)
    assert ours.r2_calendar == pytest.approx(1 - calendar.sum() / whole.sum(), abs=1e-9)
    assert ours.added == pytest.approx(1 - error.sum() / calendar.sum(), abs=1e-9)
    assert (ours.n_people, ours.n_rows) == (12, len(rows.y))
