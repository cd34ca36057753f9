"""Reasons of claims in every language: each sentence that a test of a claim can give is known."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re

import pytest

from ssi_audit.claims import load_claims
from ssi_audit.report import claim_page
from ssi_audit.report.language import LANGUAGES
from ssi_audit.report.reasons import reason_in
from ssi_audit.report.words import Words
from ssi_audit.results import ClaimResult
from tests.unit.report import factories

MODULES = (
    "claim_rules", "claim_tests_beyond", "claim_tests_change", "claim_tests_results", "claim_tests_score",
    "pool_claims",
)  # fmt: skip
ENGLISH = Words()
CLEAR = "The range is clear of no link."


def _sentences(module):
    """Whole sentences in the source of a module: no documentation, and no piece of a longer text."""
    tree = ast.parse(inspect.getsource(importlib.import_module(f"ssi_audit.{module}")))
    scopes = (ast.Module, ast.FunctionDef, ast.ClassDef)
    documented = [node.body[0] for node in ast.walk(tree) if isinstance(node, scopes) and node.body]
    skipped = {id(one.value) for one in documented if isinstance(one, ast.Expr)}
    skipped |= {id(value) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for value in node.values}
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    found = [node.value.strip() for node in texts if id(node) not in skipped]
    return [text for text in found if re.fullmatch(r"[A-Z'].* .*\.", text)]


@pytest.mark.parametrize("module", MODULES)
def test_every_sentence_of_the_tests_of_claims_is_known(module):
    """A new sentence needs its translations: it would stand in English on a page in Thai."""
    sentences = _sentences(module)
    assert sentences
    assert [text for text in sentences if reason_in(Words("th"), text) is None] == []


def test_what_a_model_raises_is_known():
    """Why there is no estimate is the reason of a claim as it stands."""
    tree = ast.parse(inspect.getsource(importlib.import_module("ssi_audit.stats.working")))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    raised = [node.args[0] for node in calls if getattr(node.func, "id", "") == "NotEnoughData"]
    texts = [text.value for text in raised if isinstance(text, ast.Constant)]
    assert texts
    assert [text for text in texts if reason_in(Words("th"), text) is None] == []


@pytest.mark.parametrize("kind", ["vary within persons", "vary"])
def test_a_column_without_variation_is_known(kind):
    """What a model raises where a column was dropped."""
    said = reason_in(Words("th"), f"Column 0 does not {kind} on its own in the 120 rows used.")
    assert re.findall(r"\d+", said) == ["0", "120"]


def test_what_stands_beside_the_headline_figures_is_known():
    """The texts of the register that the page of claims shows."""
    texts = {text for claim in load_claims() if claim.id in ("more-opportunities", "quota") for text in claim.beside}
    assert texts
    assert [text for text in texts if reason_in(Words("fi"), text) is None] == []


@pytest.mark.parametrize(
    ("reason", "polish"),
    [
        (
            "The range includes both no link and one that matters. About 1.4 times as many seller-weeks would be"
            " enough to tell.",
            "Zakres mieści i brak związku, i taki, który ma znaczenie. Wystarczyłoby około 1,4 razy więcej tygodni"
            " handlowców.",
        ),
        (
            "At equal activity: a link large enough to matter is ruled out.",
            "Przy równej aktywności: związek na tyle duży, by miał znaczenie, jest wykluczony.",
        ),
        (
            "brand decides. Each one's range is clear of no link.",
            "Rozstrzyga: Marka. Zakres każdego z nich nie mieści braku związku.",
        ),
        (
            "At least one has a clear link. The pair that decides: the score and conversion to deals.",
            "Co najmniej jeden ma wyraźny związek. Rozstrzygająca para: SSI ogółem i Transakcje na spotkanie.",
        ),
        (
            "Counted office by office: supported in 4, not enough data in 1.",
            "Policzono biuro po biurze: potwierdzone: 4 i za mało danych: 1.",
        ),
        (
            "12 of 20 licensed sellers rose by 20% or more.",
            "O 20% lub więcej wzrosło 12 z 20 handlowców z licencją.",
        ),
    ],
)
def test_numbers_and_names_are_carried_over(reason, polish):
    """Gaps are read and written as the language writes them; English stays what it was but for names."""
    assert reason_in(Words("pl"), reason) == polish
    assert re.findall(r"[\d.]+%?", reason_in(ENGLISH, reason)) == re.findall(r"[\d.]+%?", reason)


@pytest.mark.parametrize("reason", ["", "An analyst's own words.", "At equal activity: who knows.", "wealth decides."])
def test_what_is_not_known_is_not_guessed(reason):
    """No sentence, an unknown one, an unknown rest, an unknown pillar."""
    assert reason_in(Words("it"), reason) is None


def test_the_register_marks_only_what_stays_english():
    """On the page for ears; the file has the text alone."""
    audit = factories.activity_gauge()
    own = ClaimResult("quota", "not_testable", claimed=1.51, side="for", reason="My <own> words.")
    known = ClaimResult(
        "more-opportunities", "contradicted", 1.0, 0.9, 1.1, 1.45, reason="The range is clear of no link."
    )
    table = claim_page.claim_register(dataclasses.replace(audit, claims=(own, known)), Words("fi"))
    html = table.html(Words("fi"))
    assert '<span lang="en">My &lt;own&gt; words.</span>' in html
    assert "Vaihteluväliin ei mahdu ”ei yhteyttä”." in html
    assert list(table.for_file()["why"]) == ["My <own> words.", "Vaihteluväliin ei mahdu ”ei yhteyttä”."]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_says_every_reason(lang):
    """The sentence of each language has the gaps filled and no brace left."""
    reason = "Not the claim's contrast: too few sellers began a quarter above 70 points (19) or below 30 (<5), so this is 40 points along a straight line over all sellers."  # noqa: E501
    said = reason_in(Words(lang), reason)
    assert sorted(re.findall(r"\d+", said)) == ["19", "30", "40", "5", "70"]
    assert "{" not in said
    assert "<" not in said


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_run_by_month_speaks_of_months(lang):
    """What would be enough to tell is said in the rows that the run counts, and not recognised a second time."""
    reason = "About 1.4 times as many seller-weeks would be enough to tell."
    weekly, monthly = (reason_in(Words(lang, period=period), reason) for period in ("week", "month"))
    assert weekly != monthly
    assert re.findall(r"\d[.,]\d", monthly) == re.findall(r"\d[.,]\d", weekly)
    assert monthly == reason.replace("week", "month") or lang != "en"
