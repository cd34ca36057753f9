"""Numbers, dates and messages as each language writes them."""

import datetime as dt
import json
import math
import re
from pathlib import Path

import pytest

from ssi_audit.report.language import LANGUAGES, Language, gaps_of, load_messages, load_prose, translated
from ssi_audit.report.phrases import ledger_key
from ssi_audit.report.words import Words

NBSP = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        ("en", "−1,234.56"),
        ("pl", f"−1{NBSP}234,56"),
        ("it", "−1.234,56"),
        ("fi", f"−1{NBSP}234,56"),
        ("th", "−1,234.56"),
    ],
)
def test_numbers_are_grouped_and_have_a_real_minus(lang, expected):
    """Babel's separators, and U+2212 for minus."""
    assert Language(lang).number(-1234.56, 2) == expected


@pytest.mark.parametrize("value", [-0.0, -0.004, 0.004, 0.0])
def test_there_is_no_negative_zero(value):
    """What rounds to nothing has no sign."""
    assert Language().link(value) == "0.00"


@pytest.mark.parametrize(("value", "expected"), [(math.nan, "–"), (math.inf, "∞"), (-math.inf, "−∞"), (None, "–")])
def test_what_is_no_number_is_written_as_one_sign(value, expected):
    """A missing number is a dash, never "nan"."""
    assert Language().number(value, 1) == expected


@pytest.mark.parametrize(("lang", "expected"), [("en", "94%"), ("fi", f"94{NBSP}%"), ("pl", "94%")])
def test_percent_follows_the_locale(lang, expected):
    """Finnish has a space before the sign."""
    assert Language(lang).percent(0.944) == expected


def test_percent_with_one_digit():
    """Skill is small: one decimal."""
    assert Language("it").percent(0.0234, 1) == "2,3%"


@pytest.mark.parametrize(
    ("value", "expected"), [(1.2345, "1.23"), (1e9, "> 100"), (0.001, "< 0.01"), (0.0, "0.00"), (math.nan, "–")]
)
def test_ratios_never_run_away(value, expected):
    """A ratio is two decimals, and says no more than that where it is hopeless."""
    assert Language().ratio(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(61.2, "62"), (99.0, "99"), (1234, "1,300"), (100.0, "100")])
def test_guessed_sizes_have_two_significant_digits(value, expected):
    """Rounded up to "about 1,300 sellers": fewer would not do."""
    assert Language().significant(value) == expected


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        ("en", "1 Jan – 28 Dec 2025"),
        ("pl", "1 sty – 28 gru 2025"),
        ("it", "1 gen – 28 dic 2025"),
        ("fi", "1. tammikuuta – 28. joulukuuta 2025"),
        ("th", "1 ม.ค. – 28 ธ.ค. 2568"),
    ],
)
def test_a_period_in_words_and_in_the_readers_calendar(lang, expected):
    """The Thai year counts 543 more."""
    assert Language(lang).span(dt.date(2025, 1, 1), dt.date(2025, 12, 28)) == expected


def test_a_period_over_two_years_names_both():
    """A year is given once only when it is the same."""
    assert Language().span(dt.date(2024, 1, 1), dt.date(2025, 12, 28)) == "1 Jan 2024 – 28 Dec 2025"


def test_a_period_without_end_is_nothing():
    """Unknown dates are not shown as a dash in the header."""
    assert Language().span(None, dt.date(2025, 1, 1)) == ""
    assert Language().date(None) == "–"


@pytest.mark.parametrize(
    ("n", "expected"), [(1, "1 handlowiec"), (2, "2 handlowców"), (5, "5 handlowców"), (22, "22 handlowców")]
)
def test_polish_people_follow_the_plural_rules(n, expected):
    """One, few and many are different forms."""
    assert Language("pl").say("count.people", n=n) == expected


@pytest.mark.parametrize(
    ("n", "expected"), [(1, "1 tydzień"), (3, "3 tygodnie"), (12, "12 tygodni"), (104, "104 tygodnie")]
)
def test_polish_weeks_follow_the_plural_rules(n, expected):
    """Twelve is many, a hundred and four is few."""
    assert Language("pl").say("count.week", n=n) == expected


def test_a_float_in_a_sentence_must_be_formatted_first():
    """How many digits a number has is decided where it is known what it means."""
    with pytest.raises(TypeError, match=r"gap 'left_out' got 3\.7"):
        Language().say("trust.matched.pass", share="94%", left_out=3.7)


def test_a_missing_gap_is_named():
    """A sentence with a hole never reaches a reader."""
    with pytest.raises(KeyError, match="share"):
        Language().say("trust.matched.pass", left_out="3")


def test_unknown_languages_are_refused_by_name():
    """The message lists what there is."""
    with pytest.raises(ValueError, match="'de'; expected one of en, pl, it, fi, th"):
        Language("de")


def test_lists_are_joined_as_the_language_joins_them():
    """Commas and "and", with spaces in Thai where the eye needs them."""
    assert Language("fi").enumerate(["a", "b", "c"]) == "a, b ja c"
    assert Language("th").enumerate(["a", "b"]) == "a และ b"
    assert Language().enumerate(["a"]) == "a"
    assert Language().enumerate([]) == ""


# ---- message files ----


def _texts(message):
    return list(message.values()) if isinstance(message, dict) else [message]


def _gaps(message):
    return set().union(*map(gaps_of, _texts(message)))


OTHERS = [lang for lang in LANGUAGES if lang != "en"]


@pytest.mark.parametrize("lang", OTHERS)
def test_every_language_has_every_message(lang):
    """A missing message would fall back to English, an extra one would never be read."""
    assert set(load_messages(lang)) == set(load_messages("en"))


@pytest.mark.parametrize("lang", OTHERS)
def test_every_translation_has_the_same_gaps(lang):
    """A gap that is lost loses a number; `n` may go where the form of the word says it, `what` repeats English."""
    ours, english = load_messages(lang), load_messages("en")
    different = {key: _gaps(ours[key]) ^ _gaps(english[key]) for key in english if key in ours}
    assert {key: gaps for key, gaps in different.items() if gaps - {"n", "what"}} == {}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_plural_has_the_forms_of_its_language(lang):
    """Forms that CLDR knows for this language, and the one for decimals; Italian millions share the latter."""
    needed = (Language(lang).locale.plural_form.tags | {"other"}) - ({"many"} if lang == "it" else set())
    plurals = {key: set(message) for key, message in load_messages(lang).items() if isinstance(message, dict)}
    assert plurals
    assert {key: forms for key, forms in plurals.items() if forms != needed} == {}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_message_is_empty_or_carries_markup(lang):
    """Messages are text: bold is two stars, everything else belongs to templates."""
    for key, message in load_messages(lang).items():
        for text in _texts(message):
            assert text.strip() == text != "", key
            assert "<" not in text and "&" not in text, key
            assert text.count("**") % 2 == 0, key


@pytest.mark.parametrize(
    "word", ["significant", "p-value", "β", "heteroskedastic", "proves", "drives", "impact", "boosts", "!"]
)
def test_words_that_reports_do_not_use(word):
    """ux.md section 3: statistics live in the details, and nothing claims cause."""
    used = {key for key, message in load_messages("en").items() for text in _texts(message) if word in text.lower()}
    assert used == set()


# ---- text of the notebooks ----

NOTEBOOKS = sorted((Path(__file__).parents[3] / "notebooks").glob("*.ipynb"))


def _prose():
    """Text cells that stand on pages: id → English."""
    cells = [cell for path in NOTEBOOKS for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
    texts = [cell for cell in cells if cell["cell_type"] == "markdown"]
    shown = [cell for cell in texts if "lab-only" not in cell["metadata"].get("tags", [])]
    return {cell["id"]: "".join(cell["source"]) for cell in shown}


@pytest.mark.parametrize("lang", OTHERS)
def test_every_text_of_a_notebook_is_translated_as_it_stands_now(lang):
    """A text that was changed since, or never translated, would stand in English on a page of another language."""
    english = _prose()
    assert len(english) > 30
    assert [name for name, text in english.items() if translated(text, lang) == text] == []
    assert len(load_prose(lang)) == len(english)


@pytest.mark.parametrize("lang", OTHERS)
def test_translated_text_has_the_same_parts(lang):
    """Headings, paragraphs, words of code and stressed words are as many as in English."""
    for name, text in _prose().items():
        found = translated(text, lang)
        for sign in ("\n\n", "`", "*"):
            assert found.count(sign) == text.count(sign), (name, sign)
        assert re.findall(r"^#+", found) == re.findall(r"^#+", text), name


def test_a_text_that_was_changed_is_not_replaced_by_an_old_translation():
    """An analyst's own words stay."""
    text = next(iter(_prose().values()))
    assert translated(f"{text} More.", "pl") == f"{text} More."
    assert translated(text, "en") == text


# ---- reasons of the ledger ----


def test_every_reason_of_the_ledger_that_has_words_is_one_the_readers_give():
    """A translation of a reason that no reader of exports gives would never be shown."""
    sources = " ".join(
        path.read_text(encoding="utf-8")
        for folder in ("exports", ".")
        for path in (Path(__file__).parents[3] / "src/ssi_audit" / folder).glob("*.py")
    )
    known = [text for key, text in load_messages("en").items() if key.startswith("ledger.")]
    assert len(known) > 60
    assert [text for text in known if f'"{text}"' not in sources] == []


def test_a_reason_of_the_ledger_is_said_in_the_readers_language():
    """One that has no words there stays as it is."""
    words = Words("pl")
    assert words.ledger_reason("exact duplicate") == "dokładny duplikat"
    assert words.ledger_reason("something new") == "something new"
    assert {key for key in load_messages("en") if key.startswith("ledger.")} == {
        f"ledger.{ledger_key(text)}" for key, text in load_messages("en").items() if key.startswith("ledger.")
    }


@pytest.mark.parametrize("page", ["01", "02", "03", "06"])
def test_the_text_of_a_page_holds_for_runs_by_month_too(page):
    """It is written once: a sentence that speaks of weeks speaks of months as well."""
    texts = [text for name, text in _prose().items() if name.startswith(page)]
    sentences = [sentence for text in texts for sentence in re.split(r"(?<=[.?])\s|\n", text)]
    assert sentences
    assert [one for one in sentences if "week" in one.lower() and "month" not in one.lower()] == []
