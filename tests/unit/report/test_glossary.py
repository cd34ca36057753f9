"""The glossary: each word in one line, in every language, with the sources."""

import pytest

from ssi_audit import schema
from ssi_audit.report.glossary import glossary_entries, render_glossary
from ssi_audit.report.language import LANGUAGES
from ssi_audit.report.words import Words
from tests.unit.report import factories
from tests.unit.report.test_index import read


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_glossary_is_a_whole_page(lang):
    """One h1, one lang, everything escaped and closed."""
    page = read(render_glossary(factories.context(lang)))
    assert page.lang == lang
    assert [level for level, _ in page.headings] == [1, 2, 2]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_word_is_explained_twice(lang):
    """One word per thing."""
    names = [name for name, _ in glossary_entries(Words(lang))["terms"]]
    assert len(names) == len(set(names)) > 30


def test_every_word_a_reader_meets_is_explained():
    """Scores, steps of the funnel, and the words for links and verdicts."""
    words = Words()
    text = " ".join(" ".join(pair) for pair in glossary_entries(words)["terms"]).lower()
    met = [words.exposure(name) for name in schema.PILLARS]
    met += [words.outcome(name) for name in ("activity", "meeting_rate", "win_rate")]
    met += [words.say(f"link.{code}") for code in ("weak", "moderate", "strong", "none", "cant_tell", "too_small")]
    met += ["range", "clear", "ten more points", "at equal activity", "early signal", "seller"]
    assert [word for word in met if word.lower() not in text] == []


def test_every_source_of_the_register_is_named():
    """Who published the claims that are put to the test."""
    assert set(Words().keys("source")) >= {f"{source}.name" for source in ("PL18", "PL23", "IT", "TH", "FI")}
