"""How often score and closing disagree."""

from __future__ import annotations

import numpy as np
import pytest

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.discordance import (
    _jackknife_interval,
    _probability_below,
    _quarter_auc,
    beta_prior,
    score_discordance,
    shrunken_rate,
)


def team(rng: np.random.Generator, n: int, link: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, deals and meetings of n sellers whose win rates follow the score with strength `link`."""
    talent = rng.normal(size=n)
    score = 55 + 12 * (link * talent + np.sqrt(1 - link**2) * rng.normal(size=n))
    rate = 1 / (1 + np.exp(1.5 - 0.6 * talent))
    tries = rng.poisson(120, n) + 1
    return score, rng.binomial(tries, rate), tries


def test_a_score_that_orders_closers_is_not_discordant():
    """When the score follows talent, few clear pairs disagree and few bottom closers lead."""
    found = score_discordance(*team(np.random.default_rng(1), 60, link=0.95))
    assert found.high < 0.25
    assert found.auc_high < 0.25


def test_a_score_without_link_is_a_coin():
    """Without a link the intervals of both numbers contain one half in about 95 % of teams."""
    rng = np.random.default_rng(2)
    found = [score_discordance(*team(rng, 40, link=0.0)) for _ in range(150)]
    assert np.mean([one.share for one in found]) == pytest.approx(0.5, abs=0.03)
    assert 0.89 < np.mean([one.low <= 0.5 <= one.high for one in found]) <= 1
    assert 0.86 < np.mean([one.auc_low <= 0.5 <= one.auc_high for one in found]) <= 1


def test_pairs_whose_order_is_luck_do_not_count():
    """With five meetings each most pairs are unclear; with five hundred most are clear."""
    rng = np.random.default_rng(3)
    score, rate = rng.normal(50, 10, 30), rng.beta(4, 16, 30)
    few = score_discordance(score, rng.binomial(5, rate), np.full(30, 5))
    many = score_discordance(score, rng.binomial(500, rate), np.full(30, 500))
    assert few.n_pairs == many.n_pairs == 435
    assert few.n_clear < 0.6 * 435 < 0.75 * 435 < many.n_clear


def test_rates_that_differ_by_luck_alone_leave_nothing_to_order():
    """Equal observed rates give an infinite prior, no clear pair and no share."""
    found = score_discordance(np.arange(10.0), np.full(10, 3), np.full(10, 20))
    assert (found.a, found.n_clear) == (np.inf, 0)
    assert np.isnan(found.share)
    assert found.rate == pytest.approx(np.full(10, 0.15))
    assert found.worst is None


def test_beta_moments_recover_the_prior():
    """From 4,000 sellers the moments give back a = 3 and b = 17."""
    rng = np.random.default_rng(4)
    tries = rng.poisson(40, 4000) + 1
    a, b = beta_prior(rng.binomial(tries, rng.beta(3, 17, 4000)), tries)
    assert (a, b) == pytest.approx((3, 17), rel=0.1)


def test_shrinkage_pulls_few_meetings_further():
    """One of one is pulled to the team's rate far more than fifty of fifty."""
    one, fifty = shrunken_rate(np.array([1, 50]), np.array([1, 50]), 3, 17)
    assert one == pytest.approx(4 / 21)
    assert fifty == pytest.approx(53 / 70)


def test_order_probabilities_equal_draws_from_the_posteriors():
    """P(rate of i < rate of j) is that of two million posterior draws, and the two orders add up to one."""
    won, tries = np.array([2.0, 10.0, 40.0]), np.array([20.0, 50.0, 150.0])
    below = _probability_below(won, tries, 2.0, 8.0)
    rng = np.random.default_rng(5)
    draws = rng.beta(won + 2, tries - won + 8, (2_000_000, 3))
    assert below[0, 1] == pytest.approx(np.mean(draws[:, 0] < draws[:, 1]), abs=2e-3)
    assert below[1, 2] == pytest.approx(np.mean(draws[:, 1] < draws[:, 2]), abs=2e-3)
    assert below + below.T == pytest.approx(np.ones((3, 3)), abs=1e-9)


def test_the_worst_pair_is_the_widest_clear_contradiction():
    """A top scorer who closes nothing and a bottom scorer who closes most are named by position."""
    score = np.array([np.nan, 60.0, 95.0, 55.0, 20.0, 52.0, 58.0, 61.0, 57.0])
    tries = np.full(9, 100)
    won = np.array([99, 20, 1, 22, 60, 21, 19, 18, 23])
    found = score_discordance(score, won, tries)
    assert found.worst == (2, 4)
    assert found.n_people == 8
    assert np.isnan(found.rate[0])


def test_unanimous_pairs_are_not_certain():
    """When every clear pair agrees, the interval is Wilson's and not a point."""
    score = np.arange(12.0)
    found = score_discordance(score, np.arange(12) * 8, np.full(12, 100))
    assert (found.share, found.low) == (0.0, 0.0)
    assert 0.2 < found.high < 0.6
    assert found.auc_high > 0.2


def test_more_deals_than_meetings_are_refused():
    """Deals are a part of meetings."""
    with pytest.raises(ValueError, match="above tries"):
        score_discordance(np.arange(9.0), np.full(9, 5), np.full(9, 4))


def test_seven_persons_are_too_few():
    """Quarters of seven persons are single persons."""
    with pytest.raises(NotEnoughData, match="only 7 persons"):
        score_discordance(np.arange(7.0), np.full(7, 1), np.full(7, 4))


def test_the_quarters_are_compared_pair_by_pair():
    """Two of eight in each quarter: of four pairs one is higher and one tied, 1.5 of 4."""
    rate = np.array([0.1, 0.2, 0.3, 0.3, 0.3, 0.3, 0.8, 0.9])
    score = np.array([50.0, 70, 1, 2, 3, 4, 60, 70])
    assert _quarter_auc(score, rate) == 0.375
    assert _quarter_auc(score[[0, 1, 6]], rate[[0, 1, 6]]) == 0.0
    assert _quarter_auc(-score, rate) == 1 - 0.375
    # Quarters of twelve are three: the fourth from below, above everybody, is in none.
    assert _quarter_auc(np.array([1, 1, 1, 99, 5, 5, 5, 5, 5, 9, 9, 9]), np.arange(12.0)) == 0.0


def test_moments_of_the_prior_follow_kleinman():
    """Weighted by tries: rho = (spread / luck - (n - 1)) / (total - sum(tries^2) / total - (n - 1))."""
    won, tries = np.array([1.0, 9.0, 4.0, 30.0]), np.array([10.0, 12.0, 20.0, 40.0])
    mean = 44 / 82
    spread = np.sum(tries * (won / tries - mean) ** 2)
    rho = (spread / (mean * (1 - mean)) - 3) / (82 - np.sum(tries**2) / 82 - 3)
    a, b = beta_prior(won, tries)
    assert 1 / (a + b + 1) == pytest.approx(rho)
    assert a / (a + b) == pytest.approx(mean)


@pytest.mark.parametrize("won", [[0, 0, 0, 0], [5, 5, 5, 5]])
def test_nobody_who_ever_won_or_lost_has_no_prior(won):
    """Without any variation every rate is the team's."""
    assert beta_prior(np.array(won), np.full(4, 5)) == (np.inf, np.inf)
    assert beta_prior(np.array([0, 1, 1, 0]), np.ones(4)) == (np.inf, np.inf)


def test_winning_always_or_never_is_not_taken_for_the_truth():
    """Four who always win and four who never do: the prior keeps a strength of a thousandth."""
    a, b = beta_prior(np.array([9, 9, 9, 9, 0, 0, 0, 0]), np.full(8, 9))
    assert a + b == pytest.approx(1 / 0.999 - 1)
    assert a == pytest.approx(b)


def test_the_interval_is_the_jackknife_of_the_share():
    """Leaving out each person, with t of n - 1 degrees of freedom, and never outside 0 to 1."""
    values = np.array([0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0])
    low, high = _jackknife_interval(lambda kept: values[kept].mean(), 9, 4)
    half = 2.306004 * values.std(ddof=1) / 3
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), rel=1e-5)
    rare = np.array([1.0] + [0.0] * 8)
    assert _jackknife_interval(lambda kept: rare[kept].mean(), 9, 4)[0] == 0.0
    assert _jackknife_interval(lambda kept: 1 - rare[kept].mean(), 9, 4)[1] == 1.0
    assert np.isnan(_jackknife_interval(lambda kept: np.nan if len(kept) < 9 else 0.5, 9, 4)).all()


def test_the_interval_of_the_share_is_that_of_its_arcsine():
    """The same error on the scale of asin(sqrt(p)): one half stays the middle, and no end leaves 0 to 1."""
    values = np.array([0.0, 1.0] * 8)
    se = values.std(ddof=1) / 4
    low, high = _jackknife_interval(lambda kept: values[kept].mean(), 16, 8, arcsine=True)
    assert low == pytest.approx(np.sin(np.pi / 4 - 2.131450 * se) ** 2, rel=1e-5)
    assert low + high == pytest.approx(1)
    rare = np.array([1.0] + [0.0] * 8)
    low, high = _jackknife_interval(lambda kept: rare[kept].mean(), 9, 4, arcsine=True)
    assert low == 0.0 and 0.2 < high < 1


def test_where_nobody_matters_the_interval_is_wilsons():
    """A share of 1 among four independent pairs: n / (n + z^2) to 1."""
    low, high = _jackknife_interval(lambda kept: 1.0, 9, 4)
    assert (low, high) == pytest.approx((4 / (4 + 1.959964**2), 1.0), rel=1e-5)
    assert _jackknife_interval(lambda kept: 0.0, 9, 0)[1] == pytest.approx(1.959964**2 / (1 + 1.959964**2), rel=1e-5)


def test_a_pair_counts_where_its_order_is_four_to_one():
    """Clear pairs are those whose order has a posterior probability outside 0.2 to 0.8; tied scores are no pair."""
    rng = np.random.default_rng(6)
    score, won, tries = team(rng, 20, link=0.3)
    score[3] = score[4]
    found = score_discordance(score, won, tries)
    below = _probability_below(won.astype(float), tries.astype(float), found.a, found.b)
    higher = score[:, None] > score
    clear = higher & ((below < 0.2) | (below > 0.8))
    wrong = clear & (below > 0.5)
    assert (found.n_pairs, found.n_clear) == (189, clear.sum())
    assert found.share == pytest.approx(wrong.sum() / clear.sum())
    assert found.auc == _quarter_auc(score, found.rate)
    assert found.rate == pytest.approx((won + found.a) / (tries + found.a + found.b))


def test_a_person_without_a_meeting_has_no_rate():
    """No meeting, no score or an unknown count: left out; negative counts are refused."""
    rng = np.random.default_rng(7)
    score, won, tries = team(rng, 11, link=0.5)
    won, tries = won.astype(float), tries.astype(float)
    won[0] = tries[0] = 0
    score[1], won[2] = np.nan, np.nan
    found = score_discordance(score, won, tries)
    assert found.n_people == 8
    assert np.isnan(found.rate[:3]).all() and np.isfinite(found.rate[3:]).all()
    won[5] = -1
    with pytest.raises(ValueError, match="below 0"):
        score_discordance(score, won, tries)


def test_many_sellers_are_compared_on_a_bounded_grid():
    """With 300 sellers the probabilities are those of pairs on their own, to a hundredth."""
    rng = np.random.default_rng(8)
    tries = rng.poisson(60, 300) + 1.0
    won = rng.binomial(tries.astype(int), rng.beta(6, 24, 300)).astype(float)
    together = _probability_below(won, tries, 6.0, 24.0)
    for i, j in ((0, 1), (17, 250), (99, 100)):
        alone = _probability_below(won[[i, j]], tries[[i, j]], 6.0, 24.0)
        assert together[i, j] == pytest.approx(alone[0, 1], abs=0.01)
