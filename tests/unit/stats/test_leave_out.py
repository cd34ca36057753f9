"""Ranges by leaving out one person agree with fitting again without that person."""

from __future__ import annotations

import numpy as np
import pytest

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.clusters import interval, jackknife_interval
from ssi_audit.stats.distributions import t_quantile
from ssi_audit.stats.fixed_effects import fe_ols
from ssi_audit.stats.leave_out import first_share, paired_differences, share_explained
from ssi_audit.stats.overlap import overlap_between, overlap_within

N, T = 12, 15


@pytest.fixture
def data() -> dict[str, np.ndarray]:
    """Twelve persons, fifteen periods: two regressors that go together and two outcomes that share their luck."""
    rng = np.random.default_rng(11)
    person = np.repeat(np.arange(N), T)
    x = rng.normal(size=N * T) + rng.normal(size=N)[person]
    z = 0.6 * x + rng.normal(size=N * T)
    luck = rng.normal(size=N * T)
    return {"person": person, "x": x, "z": z, "one": 0.5 * x + 0.4 * z + luck, "other": 0.2 * x + luck}


def refitted(function, person: np.ndarray) -> np.ndarray:
    """`function` of the rows of all persons but one, for each person."""
    return np.array([function(person != g) for g in np.unique(person)])


def assert_same(ours, theirs):
    """Equal up to the rounding of two ways to sum (1e-9)."""
    for name in ("estimate", "se", "low", "high", "df"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-9)


def test_difference_leaves_the_same_person_out_of_both_models(data):
    """The jackknife of a difference is that of two refitted models (exact for least squares)."""

    def difference(rows):
        return np.subtract(
            *(fe_ols(data[y][rows], data["x"][rows], data["person"][rows]).coef[0] for y in ("one", "other"))
        )

    everybody = np.ones(N * T, bool)
    one, other = (fe_ols(data[y], data["x"], data["person"]) for y in ("one", "other"))
    found = paired_differences([one, one], other)
    assert found[0] == found[1]
    assert_same(found[0], jackknife_interval(refitted(difference, data["person"]), difference(everybody)))


def test_pairing_takes_out_what_the_models_share(data):
    """Outcomes that share their luck differ with less doubt than two separate estimates would."""
    one, other = (fe_ols(data[y], data["x"], data["person"]) for y in ("one", "other"))
    apart = paired_differences([one], fe_ols(data["other"][::-1], data["x"][::-1], data["person"][::-1] + 100))[0]
    assert paired_differences([one], other)[0].se < apart.se


def test_person_in_one_model_only_changes_that_one(data):
    """A person without rows in one model is left out of the other alone."""
    rows = data["person"] < N - 2
    one = fe_ols(data["one"], data["x"], data["person"])
    other = fe_ols(data["other"][rows], data["x"][rows], data["person"][rows])
    found = paired_differences([other], one)[0]
    assert found.n_clusters == N
    assert found.estimate == pytest.approx(other.coef[0] - one.coef[0], rel=1e-12)


def two_models(data, rows=slice(None)):
    """The model with one regressor and the one with both."""
    both = np.column_stack([data["x"], data["z"]])
    return [fe_ols(data["one"][rows], X[rows], data["person"][rows]) for X in (data["x"], both)]


def test_share_explained_ends_where_the_ratio_stops_being_likely(data):
    """At both ends adjusted - (1 - share) crude is as far from 0 as its margin, by refitted pairs of models."""
    crude, adjusted = two_models(data)
    found = share_explained(crude, adjusted)
    coefs = np.array([crude.coef[0], adjusted.coef[0]])
    assert found.estimate == pytest.approx(1 - coefs[1] / coefs[0], rel=1e-12)
    deleted = refitted(lambda rows: [fit.coef[0] for fit in two_models(data, rows)], data["person"])
    printed = interval(crude, 0)
    covariance = np.cov(deleted.T)
    covariance *= printed.se**2 / covariance[0, 0]
    for ends, level in (((found.low, found.high), 0.975), ((found.low90, found.high90), 0.95)):
        assert ends[0] < found.estimate < ends[1]
        for share in ends:
            weights = np.array([share - 1, 1])
            margin = t_quantile(level, printed.df) * np.sqrt(weights @ covariance @ weights)
            assert abs(weights @ coefs) == pytest.approx(margin, rel=1e-7)


@pytest.mark.parametrize("slope", [-0.3, -0.1, 0.0, 0.02, 0.2])
def test_share_explained_is_bounded_where_the_crude_link_is_clear(data, slope):
    """The range is finite exactly where the range printed for the crude coefficient leaves out 0."""
    luck = np.random.default_rng(2).normal(size=N * T)
    data["one"] = slope * (data["x"] + data["z"]) + luck
    crude, adjusted = two_models(data)
    printed = interval(crude, 0)
    assert np.isfinite(share_explained(crude, adjusted).low) == (printed.low > 0 or printed.high < 0)


def test_columns_without_a_say_explain_nothing(data):
    """A column that is constant within persons is dropped: the models are equal, and the share is 0."""
    crude = fe_ols(data["one"], data["x"], data["person"])
    same = fe_ols(data["one"], np.column_stack([data["x"], data["person"]]), data["person"])
    found = share_explained(crude, same)
    assert (found.estimate, found.low, found.high) == pytest.approx((0, 0, 0), abs=1e-7)


@pytest.mark.parametrize(("within", "measure"), [(True, overlap_within), (False, overlap_between)])
def test_first_share_is_that_of_overlap(within, measure):
    """Share and range equal those of the overlap computed again without each person; gaps do not count."""
    rng = np.random.default_rng(3)
    person = np.repeat(np.arange(N), T)
    items = rng.normal(size=(N * T, 4)) + rng.normal(size=(N * T, 1)) + rng.normal(size=(N, 4))[person]
    items[5, 2] = np.nan
    found = first_share(items, person, within=within)
    again = refitted(lambda rows: measure(items[rows], person[rows]).first_share, person)
    share = measure(items, person).first_share
    odds = jackknife_interval(np.log(again / (1 - again)), np.log(share / (1 - share)))
    assert (found.estimate, found.se) == pytest.approx((share, jackknife_interval(again, share).se), rel=1e-9)
    for name in ("low", "high", "low90", "high90"):
        assert getattr(found, name) == pytest.approx(1 / (1 + np.exp(-getattr(odds, name))), rel=1e-9)


def test_one_and_the_same_pillar_four_times_is_all_on_one_line():
    """Without any other direction the share is 1, and so are both ends."""
    rng = np.random.default_rng(3)
    items = np.repeat(rng.normal(size=(N * T, 1)), 4, axis=1)
    found = first_share(items, np.repeat(np.arange(N), T), within=True)
    assert (found.estimate, found.low, found.high) == pytest.approx((1, 1, 1), abs=1e-9)


def test_first_share_needs_people_and_variation():
    """Too few persons, and an item that never moves, are said."""
    items, person = np.random.default_rng(1).normal(size=(12, 4)), np.repeat(np.arange(4), 3)
    with pytest.raises(NotEnoughData, match="only 4 persons"):
        first_share(items, person, within=True)
    items, person = np.tile(items, (2, 1)), np.repeat(np.arange(8), 3)
    items[:, 1] = 7.0
    with pytest.raises(NotEnoughData, match="never varies"):
        first_share(items, person, within=True)
