"""Pictures: the finding as title, words for those who cannot see it, the same bytes on every run."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from ssi_audit import schema
from ssi_audit.report import figures
from ssi_audit.report.codes import spec_counts
from ssi_audit.report.words import Words
from ssi_audit.results import Fit
from tests.unit.report import factories
from tests.unit.report.factories import fit

WORDS = Words("en")
WEEKS = pd.date_range("2025-01-06", periods=52, freq="7D")


def _weeks_frame():
    rng = np.random.default_rng(5)
    return pd.concat(
        pd.DataFrame(
            {"exposure": name, "date": WEEKS, "middle": 12 + rng.normal(0, 1, 52).cumsum() * 0.2, "n": 40}
        ).assign(low=lambda frame: frame["middle"] - 3, high=lambda frame: frame["middle"] + 3)
        for name in schema.EXPOSURES
    )


def _gaps_frame():
    return pd.concat(
        pd.DataFrame({"table": table, "date": WEEKS, "n": np.where(np.arange(52) % 9 == skip, 0, 38)})
        for table, skip in (("SSI", 4), ("CRM", 99))
    )


def _drawn(words):
    audit = factories.activity_gauge()
    rows = [
        {**row, "choices": {"lag": ("1 week", "5 weeks")[i % 2], "model": "poisson"}}
        for i, row in enumerate(factories.specification()["rows"])
    ]
    effects = {
        name: fit(rr, 0.05, name) for name, rr in zip(schema.PRIMARY_OUTCOMES, (1.3, 1.0, 0.7, 1.05), strict=True)
    }
    offices = {f"Office <{i}>": fit(1.1, 0.2, "meetings") for i in range(5)}
    return {
        "fading": figures.plot_fading(audit, words),
        "effects": figures.plot_effects(effects, words, claim=True),
        "forest": figures.plot_forest(offices, fit(1.1, 0.05, "meetings"), words, "meetings", prediction=(0.9, 1.4)),
        "scatter-activity": figures.plot_scatter(factories.pictures()["activity"], words, "activity"),
        "scatter-deals": figures.plot_scatter(factories.pictures()["deals"], words, "deals"),
        "choices": figures.plot_choices(rows, spec_counts({"rows": rows}), words),
        "choices-detail": figures.plot_choices(
            rows, spec_counts({"rows": rows}), words, detail=True, name="choices-detail"
        ),
        "lags": figures.plot_lags({w: fit(1 + w / 100, 0.04, "meetings") for w in (1, 5, 9, 13)}, words, clearest=13),
        "weeks": figures.plot_weeks(_weeks_frame(), words, [WEEKS[18]]),
        "funnel": figures.plot_funnel({"Received": 21400, "Matched": 20900, "Used": 18000}, words),
        "gaps": figures.plot_gaps(_gaps_frame(), words),
    }  # fmt: skip


@pytest.fixture(scope="module")
def drawn():
    """Every picture once, in English."""
    return _drawn(WORDS)


NAMES = [
    "fading", "effects", "forest", "scatter-activity", "scatter-deals", "choices", "choices-detail", "lags", "weeks",
    "funnel", "gaps",
]  # fmt: skip
SVG = [name for name in NAMES if name not in ("fading", "effects", "forest")]

TITLES = {
    "fading": "The link fades on the way to a deal",
    "effects": "At equal activity, 2 results are clearly different",
    "forest": "5 offices, and all together",
    "scatter-activity": "SSI and LinkedIn activity: a clear slope",
    "scatter-deals": "SSI and closed deals: a cloud",
    "choices": "2 show clearly more, 0 clearly fewer, 46 neither",
    "lags": "The link is clearest after 13 weeks",
    "weeks": "SSI over time, with 1 change of the score by LinkedIn",
    "funnel": "18,000 of 21,400 rows were used",
    "gaps": "6 weeks without any reading",
}


@pytest.mark.parametrize(("name", "title"), TITLES.items())
def test_titles_state_the_finding(drawn, name, title):
    """Not the names of two axes."""
    assert drawn[name].title == title


@pytest.mark.parametrize("name", NAMES)
def test_every_picture_has_a_role_a_title_and_a_description(drawn, name):
    """What it shows, in words, for those who cannot see it."""
    figure = drawn[name]
    assert 'role="img"' in figure.body
    assert f'aria-labelledby="{name}-t {name}-d"' in figure.body
    assert f'id="{name}-t"' in figure.body and f'id="{name}-d"' in figure.body
    assert len(figure.alt) > 20


@pytest.mark.parametrize("name", NAMES)
def test_every_picture_brings_the_table_of_its_numbers(drawn, name):
    """In a fold below it, with a file."""
    html = drawn[name].html(WORDS, csv="tables/x.csv")
    assert html.count("<table") == 1 and '<a class="csv" href="tables/x.csv" download>' in html
    assert len(drawn[name].numbers.frame) > 0


def test_the_same_bytes_on_every_run(drawn):
    """No clock, no version, no random ids."""
    again = _drawn(WORDS)
    assert {name: figure.body for name, figure in again.items()} == {
        name: figure.body for name, figure in drawn.items()
    }


@pytest.mark.parametrize("name", SVG)
def test_svg_is_well_formed_and_asks_for_nothing(drawn, name):
    """It stands in a page without a request, a font or a style of its own."""
    body = drawn[name].body
    ET.fromstring(str(body))
    assert not re.search(r"<style|@import|https?://(?!www\.w3\.org/2000/svg)|DejaVu|<!DOCTYPE|<\?xml", body)


@pytest.mark.parametrize("name", SVG)
def test_svg_follows_dark_mode(drawn, name):
    """Every colour of the palette is a variable with its light value behind it; nothing is painted white."""
    body = drawn[name].body
    assert "var(--" in body
    bare = re.findall(r"(?<!, )#[0-9a-f]{6}", body)
    assert set(bare) <= {"#000000"}, bare
    assert "#ffffff" not in body


def test_ids_of_two_pictures_never_meet(drawn):
    """Several of them share a page."""
    ids = [set(re.findall(r'\bid="([^"]+)"', drawn[name].body)) for name in NAMES]
    assert sum(map(len, ids)) == len(set().union(*ids))


@pytest.mark.parametrize("name", SVG)
def test_references_inside_a_picture_lead_somewhere(drawn, name):
    """Clips and markers are found under their new ids."""
    body = drawn[name].body
    ids = set(re.findall(r'\bid="([^"]+)"', body))
    assert set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', body)) and all(
        (one or two) in ids for one, two in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', body)
    )


def test_dots_in_a_scatter_do_not_say_whose_they_are():
    """Sorted by score, so that even the order tells nothing."""
    shuffled = factories.pictures()["activity"]
    assert list(shuffled.x) == sorted(shuffled.x)
    body = figures.plot_scatter(shuffled, WORDS, "activity").body
    texts = set(re.findall(r"<text[^>]*>([^<]+)</text>", body))
    assert all(re.fullmatch(r"[\d.]+|SSI, average|LinkedIn actions per week", text) for text in texts)


def test_names_from_data_are_escaped(drawn):
    """An office may be called anything."""
    html = drawn["forest"].html(WORDS)
    assert "<1>" not in html and "Office &lt;1&gt;" in html


@pytest.mark.parametrize("lang", ["pl", "th", "fi"])
def test_letters_of_other_scripts_stay_text(lang):
    """No font is shipped and no warning shown; the label is in the picture as it was written."""
    words = Words(lang)
    body = figures.plot_scatter(factories.pictures()["deals"], words, "deals").body
    assert words.say("pictures.axis_deals") in body


def test_axis_numbers_follow_the_language():
    """A decimal comma where the reader expects one."""
    rows = factories.specification()["rows"]
    body = figures.plot_choices(rows, spec_counts({"rows": rows}), Words("pl")).body
    assert re.search(r">1,0</text>|>1,00</text>", body) and ">1.0</text>" not in body


def test_italian_thousands_survive_the_clean_up():
    """1.234 is a number of people there, not a coordinate with too many digits."""
    body = figures.plot_funnel({"Tutte": 21400, "Usate": 1234}, Words("it")).body
    assert ">1.234</text>" in body


def test_the_claim_is_marked_where_the_claims_brought_a_size():
    """And nothing is said of it where they did not."""
    with_claim = figures.plot_fading(factories.activity_gauge(), WORDS)
    assert 'class="claim"' in with_claim.body and "implies a link of 0.09 to 0.15" in with_claim.alt
    without = figures.plot_fading(factories.empty(), WORDS)
    assert 'class="claim"' not in without.body


def test_what_is_missing_keeps_its_line():
    """Four steps, four lines, whatever the data."""
    body = figures.plot_fading(factories.no_deals(), WORDS).body
    assert body.count('<span class="l">') == 4 and "not enough data" in body


def test_hopeless_ranges_stay_inside_the_picture():
    """One wild estimate does not press all others into a line, and infinity is no position."""
    effects = {
        "inquiries": fit(1.1, 0.05, "inquiries"), "meetings": fit(1.5, 3.0, "meetings"),
        "win_rate": Fit(rr=0.0, low=0.0, high=float("inf"), low90=0.0, high90=float("inf"), n_people=9),
        "deals": Fit(why="-"),
    }  # fmt: skip
    body = figures.plot_effects(effects, WORDS).body
    positions = [float(value) for value in re.findall(r"(?:left|width):(-?[\d.]+)%", body)]
    assert positions and all(0 <= value <= 100 for value in positions)
    assert "nan" not in body and "inf" not in body.replace("info", "")


def test_a_picture_shows_itself_in_a_notebook(drawn):
    """`display(figure)` needs nothing else."""
    assert drawn["gaps"]._repr_html_().startswith("<figure>")


def test_the_band_of_each_line_is_what_is_too_small_for_its_result():
    """Fifteen per cent for deals, ten for inquiries: a line may leave the narrower band and still be too small."""
    fits = {name: fit(1.0, 0.02, name) for name in ("inquiries", "deals")}
    body = figures.plot_effects(fits, WORDS).body
    bands = re.findall(r'<i class="band" style="left:([\d.]+)%;width:([\d.]+)%">', body)
    (left, width), (left_deals, width_deals) = (map(float, band) for band in bands)
    assert left_deals < left and width_deals > width
    assert left + width / 2 == pytest.approx(left_deals + width_deals / 2, abs=0.02)


@pytest.mark.parametrize("lang", schema.LANGUAGES)
def test_sellers_that_are_counted_differently_are_called_differently(lang):
    """Readings of a week in the files, and sellers whose last reading before a week is young enough."""
    words = Words(lang)
    received = figures.plot_gaps(_gaps_frame(), words).numbers.columns[-1].label
    analysed = figures.plot_weeks(_weeks_frame(), words).numbers.columns[-1].label
    assert len({received, analysed, words.column("people")}) == 3


def test_a_table_that_is_empty_is_not_said_to_be_complete():
    """The title counts the weeks of the first table only, and speaks of that one."""
    frame = pd.DataFrame({"table": ["score"] * 3 + ["activity"] * 3, "date": [*WEEKS[:3]] * 2, "n": [4, 5, 5, 0, 0, 0]})
    assert figures.plot_gaps(frame, WORDS).title == "A reading in every week"
    assert figures.plot_gaps(frame, Words("en", period="month")).title == "A reading in every month"
