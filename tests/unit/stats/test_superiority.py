"""Probability that one group beats the other."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.superiority import probability_of_superiority


def test_it_equals_scipy():
    """Statistic and p are those of scipy's Brunner-Munzel, the rank p those of its Mann-Whitney."""
    rng = np.random.default_rng(1)
    x, y = rng.poisson(4, 15), rng.poisson(3, 22)
    found = probability_of_superiority(x, y)
    theirs = scipy_stats.brunnermunzel(y, x, distribution="t")
    ranks = scipy_stats.mannwhitneyu(x, y, use_continuity=False, method="asymptotic")
    assert (found.statistic, found.p) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-10)
    assert found.p_mann_whitney == pytest.approx(ranks.pvalue, rel=1e-10)
    assert found.p_above == pytest.approx(ranks.statistic / (15 * 22), rel=1e-12)


def test_swapping_groups_mirrors_everything():
    """P(X > Y) and P(Y > X) add up to one, and so do the limits crosswise."""
    rng = np.random.default_rng(2)
    x, y = rng.normal(1, 2, 12), rng.normal(0, 1, 18)
    one, other = probability_of_superiority(x, y), probability_of_superiority(y, x)
    assert one.p_above + other.p_above == pytest.approx(1)
    assert one.low + other.high == pytest.approx(1)
    assert one.p == pytest.approx(other.p)


def test_groups_that_do_not_overlap_still_leave_doubt():
    """Five against five without overlap: 1, but the interval reaches down to about two thirds."""
    found = probability_of_superiority(np.arange(5) + 10, np.arange(5))
    assert (found.p_above, found.high, found.method) == (1.0, 1.0, "newcombe")
    assert 0.5 < found.low < 0.8
    assert np.isnan(found.p)


def test_all_tied_is_a_coin_with_a_wide_interval():
    """When everybody sold the same, the answer is one half and nothing is certain."""
    found = probability_of_superiority(np.ones(5), np.ones(5))
    assert found.p_above == 0.5
    assert found.low < 0.25
    assert found.high > 0.75
    assert found.p_mann_whitney == 1.0


def test_the_null_can_be_the_claim():
    """A test of .78 has a statistic of zero when the estimate is .78."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(0, 1, 30), rng.normal(0, 1, 30)
    p_above = probability_of_superiority(x, y).p_above
    found = probability_of_superiority(x, y, null=p_above)
    assert found.statistic == pytest.approx(0, abs=1e-12)
    assert found.p == pytest.approx(1)


def test_interval_covers_a_known_superiority():
    """Normal groups with P = .714: the 95 % interval covers in 92 to 98 % of samples."""
    rng = np.random.default_rng(4)
    truth = scipy_stats.norm.cdf(0.8 / np.sqrt(2))
    covers = []
    for _ in range(600):
        found = probability_of_superiority(rng.normal(0.8, 1, 12), rng.normal(0, 1, 12))
        covers.append(found.low <= truth <= found.high)
    assert 0.92 < np.mean(covers) < 0.98


def test_one_person_is_no_group():
    """A group of one is refused, gaps do not count."""
    with pytest.raises(NotEnoughData, match="groups of 1 and 3"):
        probability_of_superiority([1.0, np.nan], [1.0, 2.0, 3.0])


@pytest.mark.parametrize(("n_x", "n_y"), [(5, 5), (4, 11), (2, 2)])
def test_the_limit_without_overlap_is_newcombes(n_x, n_y):
    """At the limit the squared distance is z^2 times Newcombe's variance there (2006, part 2, method 5)."""
    found = probability_of_superiority(np.arange(n_x) + 100.0, np.arange(n_y))
    theta, spare = found.low, (n_x + n_y) / 2 - 1
    variance = theta * (1 - theta) * (1 + spare * ((1 - theta) / (2 - theta) + theta / (1 + theta))) / (n_x * n_y)
    assert (1 - theta) ** 2 == pytest.approx(1.959963985**2 * variance, rel=1e-6)
    mirrored = probability_of_superiority(np.arange(n_y), np.arange(n_x) + 100.0)
    assert (mirrored.p_above, mirrored.low) == (0.0, 0.0)
    assert mirrored.high == pytest.approx(1 - theta, rel=1e-9)
    assert (found.n_x, found.n_y, found.null) == (n_x, n_y, 0.5)


def test_a_coin_of_ties_has_limits_at_equal_distance():
    """All tied: the limits lie as far below one half as above, and more persons bring them nearer."""
    few, many = (probability_of_superiority(np.ones(n), np.ones(2 * n)) for n in (5, 50))
    for found in (few, many):
        assert found.low + found.high == pytest.approx(1)
    assert many.high - many.low < 0.4 * (few.high - few.low)


def test_limits_never_leave_zero_to_one():
    """One tie among groups of four apart: the t interval would reach beyond 1."""
    found = probability_of_superiority([5.0, 6, 7, 8], [1.0, 2, 3, 5])
    assert found.method == "brunner-munzel"
    assert (found.p_above, found.high) == (1 - 0.5 / 16, 1.0)
    assert probability_of_superiority([1.0, 2, 3, 5], [5.0, 6, 7, 8]).low == 0.0
