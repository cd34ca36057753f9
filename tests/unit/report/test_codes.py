"""Which word is meant: every line of the table of words, and the edges between them."""

import dataclasses
import math

import pytest

from ssi_audit.report import codes
from ssi_audit.results import Correlation, Fit, Indicator
from tests.unit.report import factories


@pytest.mark.parametrize(
    ("r", "low", "high", "code"),
    [
        (0.03, -0.14, 0.21, "none"),
        (0.22, 0.05, 0.39, "weak"),
        (0.31, 0.14, 0.46, "moderate"),
        (0.72, 0.62, 0.79, "strong"),
        (0.16, -0.02, 0.32, "cant_tell"),
        (-0.10, -0.31, 0.12, "cant_tell"),
        (0.00, -0.10, 0.10, "too_small"),
        (0.06, 0.02, 0.10, "too_small"),
        (-0.35, -0.50, -0.18, "moderate_negative"),
        (-0.55, -0.70, -0.30, "strong_negative"),
        (0.0, -0.30, 0.30, "none"),
        (0.5, 0.2, 0.8, "strong"),
        (0.4951, 0.2, 0.8, "strong"),
        (0.2951, 0.1, 0.5, "moderate"),
        (0.2949, 0.1, 0.5, "weak"),
        (0.15, 0.004, 0.29, "none"),
        (0.11, 0.006, 0.21, "weak"),
        (1.0, 1.0, 1.0, "strong"),
    ],
)
def test_a_link_gets_the_word_of_the_printed_numbers(r, low, high, code):
    """ux.md section 3, compared at two decimals, as a reader sees them."""
    assert codes.link_code(Correlation(r, low, high, n_people=40)) == code


@pytest.mark.parametrize(
    "link",
    [
        Correlation(why="one seller"),
        Correlation(0.3),
        Correlation(math.nan, -0.1, 0.1),
        Correlation(0.3, -0.1, math.nan),
    ],
)
def test_a_link_without_a_range_has_no_word(link):
    """A number without its uncertainty says nothing."""
    assert codes.link_code(link) == "no_data"


@pytest.mark.parametrize(
    ("rr", "se", "code"),
    [(1.0, 0.02, "too_small"), (1.3, 0.05, "more"), (0.8, 0.05, "fewer"), (1.05, 0.2, "cant_tell")],
)
def test_an_effect_gets_its_word(rr, se, code):
    """Too small by the 90 % range, clear by the 95 % range."""
    assert codes.effect_code(factories.fit(rr, se, "inquiries"), 1.10) == code


def test_an_effect_inside_the_band_is_small_even_when_clear():
    """A clear change of 3 % is still too small to matter."""
    assert codes.effect_code(factories.fit(1.03, 0.008, "inquiries"), 1.10) == "too_small"
    assert codes.effect_code(Fit(why="none"), 1.10) == "no_data"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("strong", "weak", "none", "none"), "fades"),
        (("strong", "none", "none", "none"), "activity_only"),
        (("none", "none", "none", "none"), "none"),
        (("too_small", "too_small", "none", "none"), "none"),
        (("strong", "strong", "moderate", "weak"), "compare"),
        (("strong", "strong", "moderate", "strong"), "reaches"),
        (("none", "strong", "moderate", "weak"), "reaches"),
        (("strong", "none", "none", "weak"), "skips"),
        (("strong", "weak", "none", "weak_negative"), "turns"),
        (("strong", "cant_tell", "cant_tell", "cant_tell"), "open"),
        (("cant_tell", "cant_tell", "cant_tell", "cant_tell"), "unknown"),
        (("strong", "weak", "weak", "no_data"), "open"),
        (("no_data", "no_data", "no_data", "no_data"), "no_data"),
        (("no_data", "weak", "none", "none"), "fades"),
    ],
)
def test_the_pictures_title_follows_the_four_words(words, code):
    """No title says "fades" of a link that arrives."""
    assert codes.fading_code(list(words)) == code


@pytest.mark.parametrize(
    ("r", "rr", "se", "code"),
    [
        (0.03, 1.02, 0.05, "none"),
        (0.03, 1.20, 0.04, "mixed"),
        (0.30, 1.02, 0.05, "mixed"),
        (0.30, 1.20, 0.04, "moderate"),
        (-0.30, 0.80, 0.04, "negative"),
        (0.30, 0.80, 0.04, "mixed"),
        (-0.03, 0.80, 0.04, "mixed"),
    ],
)
def test_two_measures_that_disagree_are_called_mixed(r, rr, se, code):
    """The sentence never says "no link" above a range that leaves out "no difference"."""
    cell = factories.cell(
        "total",
        "deals",
        factories.fit(rr, se, "deals"),
        factories.NO_FIT,
        factories.link(r),
        "inconclusive",
        "too_wide",
    )
    assert codes.deals_code(cell) == code


def test_without_a_link_the_sales_units_speak_alone():
    """And without both there is nothing to say."""
    cell = factories.cell(
        "total", "deals", factories.fit(1.2, 0.04, "deals"), factories.NO_FIT, factories.NO_LINK, "inconclusive", ""
    )
    assert codes.deals_code(cell) == ""
    assert codes.deals_code(dataclasses.replace(cell, crude=factories.NO_FIT)) == "no_data"


@pytest.mark.parametrize(
    ("low", "high", "code"),
    [(0.01, 0.2, "clear"), (-0.01, 0.2, "none"), (-0.2, -0.01, "negative"), (0.0004, 0.2, "none")],
)
def test_skill_is_clear_only_when_its_range_is(low, high, code):
    """A number that might not help is not recommended."""
    assert codes.skill_code(Indicator("meetings", (low + high) / 2, low, high, 40)) == code


def test_indicators_are_ranked_with_the_score_last():
    """SSI is there for comparison, whatever its rank."""
    names = [item.name for item in codes.ranked(factories.WATCH)]
    assert names == ["meeting_rate", "reply_rate", "speed", "connections", "ssi"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("activity_gauge", "good"), ("effectiveness", "good"), ("inconclusive", "thin"), ("empty", "not_enough"),
        ("no_activity", "not_enough"),
    ],
)  # fmt: skip
def test_evidence_is_graded_by_what_came_out(name, code):
    """Good needs a verdict, thin an estimate."""
    assert codes.evidence_code(factories.ALL[name]()) == code


def test_a_failed_check_makes_good_evidence_thin():
    """But teams that are too small to show alone say nothing about the whole."""
    audit = factories.activity_gauge()
    failed = dataclasses.replace(audit.trust[1], state="fail")
    assert codes.evidence_code(dataclasses.replace(audit, trust=(failed,))) == "thin"
    assert any(check.state == "fail" for check in audit.trust) and codes.evidence_code(audit) == "good"


def test_the_multiple_settles_the_widest_open_outcome():
    """Less data would leave one of them open."""
    audit = factories.inconclusive()
    widest = max(codes.find(audit, "total", name).adjusted.needed_multiple for name in ("meetings", "win_rate"))
    assert codes.needed_multiple(audit) == widest
    assert math.isnan(codes.needed_multiple(factories.activity_gauge()))


def test_the_curve_is_counted_not_judged():
    """Counts of the rows; over all outcomes where the curve brings them."""
    rows = factories.specification(10, 8)["rows"]
    assert codes.spec_counts({"rows": rows}).agree == 8
    both = codes.spec_counts({"rows": rows, "n_all": 40, "agree_all": 31, "outcome": "meetings"})
    assert (both.n, both.agree, both.shown, both.outcome) == (40, 31, 10, "meetings")
    assert codes.spec_counts({}) is None


def test_a_ratio_over_forty_points_is_restated_for_ten():
    """methods.md section 8: 1.45 over 40 points is 1.097 for ten."""
    assert codes.per_ten(1.45) == pytest.approx(1.0973, abs=5e-5)
