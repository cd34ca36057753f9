"""The line through a scatter and a claim on the scale of a link, against their definitions."""

import math

import numpy as np
import pytest
import statsmodels.api as sm

from ssi_audit.stats.pictures import implied_link, scatter

RNG = np.random.default_rng(20260101)
X = RNG.normal(50, 12, 60)
Y = 4 + 0.05 * (X - 50) + RNG.normal(0, 1 + np.abs(X - 50) / 20)


def test_the_line_and_its_band_are_those_of_statsmodels():
    """OLS with HC3, t with n - 2 degrees of freedom; both are closed forms, so 1e-9 is rounding."""
    found = scatter(X, Y)
    fitted = sm.OLS(Y, sm.add_constant(X)).fit(cov_type="HC3", use_t=True)
    frame = fitted.get_prediction(sm.add_constant(np.array(found.line_x))).summary_frame(alpha=0.05)
    assert found.line == pytest.approx(frame["mean"].to_numpy(), rel=1e-9)
    assert found.low == pytest.approx(frame["mean_ci_lower"].to_numpy(), rel=1e-9)
    assert found.high == pytest.approx(frame["mean_ci_upper"].to_numpy(), rel=1e-9)
    assert (found.slope_low, found.slope_high) == pytest.approx(tuple(fitted.conf_int()[1]), rel=1e-9)


def test_order_and_missing_values_do_not_matter():
    """Dots are sorted, so that their place tells nothing."""
    shuffled = RNG.permutation(len(X))
    first, second = scatter(X, Y), scatter(np.append(X[shuffled], np.nan), np.append(Y[shuffled], 3.0))
    assert (first.x, first.y, first.groups) == (second.x, second.y, second.groups)
    assert first.line == pytest.approx(second.line, rel=1e-12)
    assert list(first.x) == sorted(first.x)


def test_groups_are_never_smaller_than_may_be_shown():
    """Thirds of at least five, or everybody together."""
    assert [n for n, _, _ in scatter(X, Y).groups] == [20, 20, 20]
    assert [n for n, _, _ in scatter(X[:14], Y[:14]).groups] == [14]
    assert [n for n, _, _ in scatter(X[:15], Y[:15]).groups] == [5, 5, 5]


@pytest.mark.parametrize(("slope", "direction"), [(0.5, "up"), (-0.5, "down"), (0.0, "flat")])
def test_direction_needs_an_interval_that_leaves_out_zero(slope, direction):
    """A slope that could be flat is called flat."""
    y = slope * X + np.random.default_rng(2).normal(0, 3, len(X))
    assert scatter(X, y).direction == direction


def test_a_picture_in_which_a_flat_line_fits_shows_no_direction():
    """The slope's own interval may leave out zero where the band drawn beside it leaves room for a flat line."""
    weak = scatter(X, 0.35 * X / X.std() + np.random.default_rng(4).normal(size=len(X)))
    assert weak.slope_low > 0
    assert max(weak.low) <= min(weak.high)
    assert weak.direction == "flat"


@pytest.mark.parametrize(("x", "y"), [(X[:7], Y[:7]), (np.ones(20), Y[:20]), ([], [])])
def test_too_few_or_equal_scores_give_no_picture(x, y):
    """Nothing is drawn from which nothing can be seen."""
    assert scatter(x, y) is None


def test_an_exact_line_has_no_width():
    """Full leverage and zero residuals are no division by zero."""
    found = scatter([0.0] * 9 + [1.0], [0.0] * 9 + [2.0])
    assert found.slope == pytest.approx(2.0)
    assert np.isfinite([*found.low, *found.high]).all()


def test_the_implied_link_is_recovered_from_data_made_with_that_ratio():
    """Poisson counts with 1.2 per ten points: the implied link is the link there is (Monte Carlo, 3 %)."""
    rng = np.random.default_rng(11)
    x = rng.normal(0, 8, 200_000)
    y = rng.poisson(5 * np.exp(math.log(1.2) * x / 10))
    assert implied_link(x, y, y.mean(), 1.2) == pytest.approx(np.corrcoef(x, y)[0, 1], rel=0.03)


def test_the_implied_link_is_bounded_and_knows_when_it_is_nothing():
    """No spread, no link."""
    assert implied_link([0.0, 100.0], [0.0, 0.001], 50.0, 3.0) == 1.0
    assert implied_link([0.0, 10.0], [1.0, 2.0], 1.5, 1.0) == 0.0
    assert math.isnan(implied_link([1.0, 1.0], [1.0, 2.0], 1.5, 1.2))
    assert math.isnan(implied_link([1.0, 2.0], [2.0, 2.0], 2.0, 1.2))


def test_groups_show_their_number_and_means():
    """Thirds by x with the means of both axes; what does not divide goes to the first groups."""
    x = np.arange(17.0)
    groups = scatter(x[::-1], 2 * x[::-1] + 1).groups
    assert [n for n, _, _ in groups] == [6, 6, 5]
    assert [mean for _, mean, _ in groups] == pytest.approx([2.5, 8.5, 14.0])
    assert [mean for _, _, mean in groups] == pytest.approx([6.0, 18.0, 29.0])


def test_eight_sellers_make_a_picture_if_so_few_may_be_shown():
    """Eight dots are enough; where groups of nine are the smallest shown, eight dots are none."""
    found = scatter(X[:8], Y[:8])
    assert (found.n_people, len(found.line_x)) == (8, 41)
    assert (found.line_x[0], found.line_x[-1]) == (min(X[:8]), max(X[:8]))
    assert scatter(X[:8], Y[:8], min_group=9) is None
    assert scatter(X[:9], Y[:9], min_group=9).groups[0][0] == 9


def test_the_implied_link_follows_its_formula():
    """It is mean * log(ratio) / unit * sd(x) / sd(y), with the sign of the claim, and -1 at the least."""
    x, y = [0.0, 4.0, 8.0], [1.0, 9.0, 2.0]
    expected = 3 * math.log(1.3) / 10 * np.std(x) / np.std(y)
    assert implied_link(x, y, 3.0, 1.3) == pytest.approx(expected)
    assert implied_link(x, y, 3.0, 1.3, unit=5.0) == pytest.approx(2 * expected)
    assert implied_link(x, y, 3.0, 1 / 1.3) == pytest.approx(-expected)
    assert implied_link([0.0, 100.0], [0.0, 0.001], 50.0, 1 / 3) == -1.0
    assert math.isnan(implied_link(x, y, 3.0, 0.0))
