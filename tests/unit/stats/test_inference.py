"""Families of tests, equivalence, detectable effects and two rates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests

from ssi_audit import stats
from ssi_audit.errors import NotEnoughData


def test_holm_by_hand():
    """Smallest p times four, next times three, and never falling."""
    assert stats.holm([0.04, 0.01, 0.03, 0.5]) == pytest.approx([0.09, 0.04, 0.09, 0.5])


def test_a_test_that_could_not_be_made_does_not_count():
    """NaN stays NaN and the family has one member less."""
    adjusted = stats.holm([0.01, np.nan, 0.04])
    assert np.isnan(adjusted[1])
    assert adjusted[[0, 2]] == pytest.approx([0.02, 0.04])
    assert np.isnan(stats.benjamini_hochberg([np.nan, np.nan])).all()


@given(estimate=st.floats(-1, 1), se=st.floats(0.01, 0.5), df=st.floats(4, 200), bound=st.floats(0.02, 1))
def test_equivalence_is_the_90_percent_interval_inside_the_bounds(estimate, se, df, bound):
    """Equivalence has p < .05 exactly when the 90 % interval lies between the bounds."""
    ours = stats.equivalence(estimate, se, df, -bound, bound)
    inside = -bound < ours.low90 and ours.high90 < bound
    if abs(ours.p - 0.05) > 1e-9:
        assert (ours.p < 0.05) == inside


def test_bounds_in_the_wrong_order_are_refused():
    """The lower bound comes first."""
    with pytest.raises(ValueError, match="lower bound must be below"):
        stats.equivalence(0, 1, 10, 0.5, -0.5)


@pytest.mark.parametrize("df", [6.0, 40.0, 1e6])
def test_the_detectable_ratio_is_found_with_about_80_percent_power(df):
    """Power of the t test at the printed ratio, from the noncentral t distribution."""
    se = 0.07
    shift = np.log(stats.minimum_detectable_ratio(se, df)) / se
    power = scipy_stats.nct.sf(scipy_stats.t.ppf(0.975, df), df, shift)
    assert power == pytest.approx(0.80, abs=0.015)


def test_the_needed_multiple_gives_80_percent_power():
    """With the needed standard error both one-sided tests succeed in 80 % when the truth is 1."""
    df, sesoi = 1e6, 1.10
    se = 0.05
    needed = se / np.sqrt(stats.needed_multiple(se, sesoi, df))
    reach = (np.log(sesoi) - scipy_stats.norm.ppf(0.95) * needed) / needed
    assert scipy_stats.norm.cdf(reach) - scipy_stats.norm.cdf(-reach) == pytest.approx(0.80, abs=1e-3)


def test_half_the_error_needs_a_quarter_of_the_data():
    """The multiple is a ratio of variances; a smallest effect at or below 1 makes no sense."""
    assert stats.needed_multiple(0.1, 1.1, 20) == pytest.approx(4 * stats.needed_multiple(0.05, 1.1, 20))
    with pytest.raises(ValueError, match=r"ratio above 1, got 0\.9"):
        stats.needed_multiple(0.1, 0.9, 20)


def test_two_rates_without_events_on_one_side():
    """A ratio of 0 has an upper bound; no event at all has none."""
    none = stats.poisson_two_rates(0, 10, 5, 10)
    assert (none.ratio, none.low) == (0, 0)
    assert 0 < none.high < 2
    mirrored = stats.poisson_two_rates(5, 10, 0, 10)
    assert mirrored.high == np.inf
    assert mirrored.low == pytest.approx(1 / none.high)
    assert mirrored.p == pytest.approx(none.p)
    with pytest.raises(NotEnoughData, match="No event on either side"):
        stats.poisson_two_rates(0, 1, 0, 1)


def test_swapping_the_sides_inverts_the_ratio():
    """The exact interval of the inverse is the inverse interval."""
    one, other = stats.poisson_two_rates(12, 40, 30, 55), stats.poisson_two_rates(30, 55, 12, 40)
    assert (one.ratio, one.low, one.high) == pytest.approx((1 / other.ratio, 1 / other.high, 1 / other.low))


def test_equivalence_needs_two_values_and_pairs_of_one_length():
    """Too few values and unpaired pairs are told apart."""
    with pytest.raises(NotEnoughData, match="at least 2 values, got 1"):
        stats.welch_equivalence([1.0], [1.0, 2.0], -1, 1)
    with pytest.raises(ValueError, match="got 2 and 3"):
        stats.paired_equivalence([1.0, 2.0], [1.0, 2.0, 3.0], -1, 1)


def test_both_adjustments_equal_statsmodels():
    """Holm and Benjamini-Hochberg are those of multipletests, with ties and many p-values; others are asked there."""
    p = np.round(np.random.default_rng(1).beta(0.5, 2, 60), 3)
    for ours, method in ((stats.holm, "holm"), (stats.benjamini_hochberg, "fdr_bh")):
        assert ours(p) == pytest.approx(multipletests(p, method=method)[1], rel=1e-12)
    gaps = np.append(p, np.nan)
    assert stats.adjust(gaps, "bonferroni")[:60] == pytest.approx(np.minimum(60 * p, 1))
    assert np.isnan(stats.adjust(gaps, "bonferroni")[60])


def test_one_sided_tests_equal_scipy():
    """Welch and paired equivalence are two one-sided tests of scipy's; gaps are left out."""
    rng = np.random.default_rng(2)
    x, y = rng.normal(0.2, 1, 9), rng.normal(0, 2, 14)
    ours = stats.welch_equivalence(np.append(x, np.nan), y, -1.0, 1.5)
    lower = scipy_stats.ttest_ind(x + 1.0, y, equal_var=False, alternative="greater")
    upper = scipy_stats.ttest_ind(x - 1.5, y, equal_var=False, alternative="less")
    assert (ours.p_lower, ours.p_upper) == pytest.approx((lower.pvalue, upper.pvalue), rel=1e-9)
    assert ours.p == max(ours.p_lower, ours.p_upper)
    wide = lower.confidence_interval(0.95).low - 1.0, upper.confidence_interval(0.95).high + 1.5
    assert (ours.low90, ours.high90) == pytest.approx(wide, rel=1e-9)
    pairs = stats.paired_equivalence(x, y[:9], -1.0, 1.0)
    assert pairs.p_lower == pytest.approx(scipy_stats.ttest_1samp(x - y[:9], -1.0, alternative="greater").pvalue)


def test_the_normal_comparison_of_rates_is_that_of_their_logarithms():
    """The z and the interval come from log(rate ratio) with standard error sqrt(1/a + 1/b)."""
    found = stats.poisson_two_rates(20, 50, 10, 40, null=1.2)
    log, se = np.log(20 / 50 / (10 / 40)), np.sqrt(1 / 20 + 1 / 10)
    assert found.z == pytest.approx((log - np.log(1.2)) / se)
    assert np.log([found.wald_low, found.wald_high]) == pytest.approx([log - 1.959964 * se, log + 1.959964 * se])
    assert found.null == 1.2


@pytest.mark.parametrize(
    "wrong", [(-1, 1, 1, 1, 1), (1, 0, 1, 1, 1), (1, 1, -1, 1, 1), (1, 1, 1, 0, 1), (1, 1, 1, 1, 0)]
)
def test_impossible_rates_are_refused(wrong):
    """Events are not negative, times and the ratio tested are above 0."""
    with pytest.raises(ValueError, match="must not be negative"):
        stats.poisson_two_rates(*wrong)


def test_the_exact_test_takes_its_share_from_the_times():
    """Given the sum, the first count is binomial with share null t1 / (null t1 + t2)."""
    found = stats.poisson_two_rates(7, 30, 3, 10, null=0.5)
    assert found.p == pytest.approx(scipy_stats.binomtest(7, 10, 15 / 25).pvalue)


def test_two_values_have_a_mean_with_an_interval():
    """Two values on each side are the fewest: one degree of freedom each."""
    ours = stats.welch_equivalence([1.0, 2.0], [4.0, 8.0], -9, 9)
    assert ours.low90 < -4.5 < ours.high90
    assert stats.paired_equivalence([1.0, 2.0], [4.0, 8.0], -9, 9).low90 < -4.5
