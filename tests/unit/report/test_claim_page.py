"""The page on published claims: pictures from the details of a claim."""

import dataclasses
import math

import pytest

from ssi_audit.claim_tests_change import TOO_SMALL
from ssi_audit.report import claim_page
from ssi_audit.report.codes import find
from ssi_audit.report.reasons import reason_in
from ssi_audit.report.words import Words
from ssi_audit.results import ClaimResult
from ssi_audit.schema import LANGUAGES
from tests.unit.report.factories import activity_gauge

LAGS = [{"weeks": week, "estimate": 1.01 * week**0.01, "low": 0.9, "high": 1.1} for week in (1, 13, 26)]
TOTAL = {"estimate": 1.234, "low": 1.05, "high": 1.45}


def with_details(**details):
    """An answer whose claim on delay carries these details."""
    claim = ClaimResult("pays-off-later", "not_enough_data", details=details)
    return dataclasses.replace(activity_gauge(), claims=(claim,))


def test_all_lags_in_one_picture_say_what_they_add_up_to():
    """The title of the distributed lag is its sum; the table holds one row per distance."""
    audit = with_details(together=LAGS, together_total=TOTAL)
    figure = claim_page.plot_lags_together(audit, Words())
    assert "1.23, from 1.05 to 1.45" in figure.title
    assert figure.numbers.frame["lag"].tolist() == [1, 13, 26]
    assert figure.numbers.frame["rr"].tolist() == pytest.approx([lag["estimate"] for lag in LAGS])


def test_no_picture_where_the_lags_cannot_be_told_apart():
    """Without the joint model there is nothing to draw."""
    assert claim_page.plot_lags_together(with_details(), Words()) is None


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_picture_of_few_licences(lang):
    """A hidden path leaves no picture, a sentence that says why, and a register without a number."""
    hidden = {"path": [], "before": None, "points": None}
    claim = ClaimResult("licence-lifts-ssi", "not_enough_data", claimed=1.2, reason=TOO_SMALL, details=hidden)
    audit, words = dataclasses.replace(activity_gauge(), claims=(claim,)), Words(lang)
    assert claim_page.plot_licence(audit, words) is None
    assert reason_in(words, TOO_SMALL) in claim_page.why_not(audit, words, claim.id)
    row = claim_page.claim_register(audit, words).frame.iloc[0]
    assert math.isnan(row["estimate"]) and row["ours"] == words.number(math.nan)


def test_stages_are_judged_as_on_the_pages_on_regression():
    """A stage that has a cell takes its word and its sellers from there; the last one has its own 90 % range."""
    own = {"estimate": 1.0, "low": 0.89, "high": 1.11, "low90": 0.91, "high90": 1.09, "n_people": 31}
    plain = {"estimate": 1.0, "low": 0.5, "high": 2.0}
    funnel = [{"stage": "inquiries", "crude": plain, "adjusted": plain}, {"stage": "revenue_per_deal", "crude": own}]
    words = Words(sesoi={"revenue": 1.1})
    audit = dataclasses.replace(
        activity_gauge(), claims=(ClaimResult("early-funnel", "contradicted", details={"funnel": funnel}),)
    )
    cell = find(audit, "total", "inquiries")
    frame = claim_page.plot_stages(audit, words).numbers.frame
    assert frame["rr"].tolist() == [cell.crude.rr, cell.adjusted.rr, 1.0]
    assert frame["n"].tolist() == [cell.crude.n_people, cell.adjusted.n_people, 31]
    expected = [words.effect_word(fit, "inquiries") for fit in (cell.crude, cell.adjusted)]
    assert frame["word"].tolist() == [*expected, words.say("effect.too_small")]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_band_that_others_are_held_against_is_no_result(lang):
    """It is 1 because it is the base, which is not "too small to matter"."""
    bands = [
        {"from": 0, "to": 40, "estimate": 1.0, "low": 1.0, "high": 1.0, "people": 17},
        {"from": 40, "to": 100, "estimate": 1.3, "low": 1.1, "high": 1.5, "people": 29},
    ]
    details = {"bands": bands, "outcome": "opportunities", "turns": False}
    claim = ClaimResult("higher-is-better", "not_enough_data", details=details)
    words = Words(lang)
    figure = claim_page.plot_bands(dataclasses.replace(activity_gauge(), claims=(claim,)), words)
    assert figure.numbers.frame["word"].tolist() == [words.say("effect.reference"), words.say("effect.more")]
    assert f"<small>{words.ratio_range(1.0, 1.0)}" not in figure.body
