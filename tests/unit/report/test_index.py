"""The answer page: every block in its place, whatever is missing, in every language."""

import dataclasses
import itertools
import re
from html.parser import HTMLParser

import pytest

from ssi_audit.report import index
from ssi_audit.report.language import LANGUAGES
from ssi_audit.report.words import Words, plain
from tests.unit.report import factories

# ux.md section 2, points 1 to 13: the headings in their order.
SECTIONS = ["h-pillars", "h-watch", "h-trust", "h-pictures", "h-choices", "h-claims", "h-next", "h-rule"]


class _Reader(HTMLParser):
    """Collects headings, texts, ids, links and unclosed tags."""

    VOID = frozenset({"meta", "link", "br", "img", "input", "hr", "path", "use", "rect"})

    def __init__(self):
        super().__init__()
        self.open, self.headings, self.ids, self.links, self.texts, self.lang = [], [], [], [], [], ""

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "html":
            self.lang = attrs.get("lang", "")
        if tag not in self.VOID:
            self.open.append(tag)
        if re.fullmatch(r"h\d", tag):
            self.headings.append((int(tag[1]), attrs.get("id", "")))
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if tag == "a":
            self.links.append(attrs.get("href", ""))

    def handle_endtag(self, tag):
        if tag in self.VOID:
            return
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "title", "desc"} & set(self.open):
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def read(html):
    """Parse a page; fails when tags do not nest."""
    reader = _Reader()
    reader.feed(html)
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def pages():
    """Each audit's page in English."""
    return {
        name: index.render_index(make(), factories.context(), factories.pictures())
        for name, make in factories.ALL.items()
    }


@pytest.mark.parametrize("name", factories.ALL)
def test_every_block_stands_in_its_place(pages, name):
    """A block whose data are missing says so; it never vanishes."""
    page = read(pages[name])
    assert [identity for level, identity in page.headings if level == 2] == SECTIONS
    assert [level for level, _ in page.headings if level == 1] == [1]


@pytest.mark.parametrize("name", factories.ALL)
def test_headings_go_down_one_step_at_a_time(pages, name):
    """h1, then h2, and h3 only below h2."""
    levels = [level for level, _ in read(pages[name]).headings]
    assert levels[0] == 1
    assert all(second - first <= 1 for first, second in itertools.pairwise(levels))


@pytest.mark.parametrize("name", factories.ALL)
def test_no_id_is_used_twice(pages, name):
    """Labels and descriptions would point at the wrong thing."""
    ids = read(pages[name]).ids
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", factories.ALL)
def test_the_page_says_what_the_words_say(pages, name):
    """Page, terminal and JSON agree because they ask the same functions."""
    words, audit, text = Words("en", currency="EUR"), factories.ALL[name](), read(pages[name]).text
    said = [*words.verdict(audit), *words.lead(audit), *words.caveats(audit), words.fading_title(audit)]
    said += [part for fact in words.facts(audit) for part in fact]
    said += [part for idea in words.suggestions(audit) for part in idea]
    squeezed = re.sub(r"\s", "", text)
    for sentence in said:
        assert re.sub(r"\s", "", plain(sentence)) in squeezed, sentence


def test_cant_tell_shows_what_is_clear_instead_of_an_apology(pages):
    """Four points on the first screen, only there."""
    assert '<dl class="points">' in pages["inconclusive"]
    assert '<dl class="points">' not in pages["activity_gauge"]


def test_the_first_screen_changes_with_the_truth(pages):
    """The tool can lose: five audits, five first screens."""
    names = ("activity_gauge", "no_association", "leading", "effectiveness", "inconclusive", "negative")
    heroes = {re.search(r'<div class="hero">.*?</div>', pages[name], re.DOTALL)[0] for name in names}
    assert len(heroes) == len(names)


def test_missing_parts_say_what_is_missing(pages):
    """Empty watch, trust, specification, claims and pictures."""
    text = read(index.render_index(factories.empty(), factories.context())).text
    for part in (
        "Which other numbers would foretell deals better was not computed",
        "The checks were not run",
        "The two pictures need at least 8 sellers",
        "Other ways to run the analysis were not tried",
        "The published claims were not tested in this run.",
    ):
        assert part in text


def test_without_activity_or_deals_the_strip_keeps_its_columns(pages):
    """Four steps by five scores."""
    for name in ("no_activity", "no_deals"):
        table = re.search(r'<table class="heat">.*?</table>', pages[name], re.DOTALL)[0]
        assert table.count("<td ") == 20
        assert table.count('class="sx"') >= 5


@pytest.mark.parametrize("name", factories.ALL)
def test_headers_of_tables_are_never_empty(pages, name):
    """Each column and each row says what it is."""
    for cell in re.findall(r"<th [^>]*>(.*?)</th>", pages[name], re.DOTALL):
        assert re.sub(r"<[^>]*>", "", cell).strip()


def test_numbers_of_the_page_are_in_its_tables(pages, tmp_path):
    """Links of the strip and of the first picture, to the printed digit."""
    audit = factories.activity_gauge()
    pieces = index.build_index(audit, factories.context(), factories.pictures())
    written = {path.name for path in index.write_tables(pieces, tmp_path)}
    assert written == {
        "index-links.csv", "index-watch.csv", "index-groups.csv", "index-choices.csv", "index-claims.csv",
        "index-rule.csv",
    }  # fmt: skip
    links = (tmp_path / "tables" / "index-links.csv").read_text(encoding="utf-8")
    cells = re.findall(r'<td class="[sm]\w"><b>(.*?)</b>', pages["activity_gauge"])
    words = Words()
    rows = [line.split(",")[2] for line in links.splitlines()[1:]]
    assert cells == [words.link(float(value)) for value in rows]


def test_every_link_leads_to_a_page_or_a_table_that_exists(pages, tmp_path):
    """No dead link, also when a table is empty."""
    for name, make in factories.ALL.items():
        pieces = index.build_index(make(), factories.context(), factories.pictures())
        tables = {f"tables/{path.name}" for path in index.write_tables(pieces, tmp_path / name)}
        known = {*factories.context().links.values(), "#main", *tables}
        assert set(read(pages[name]).links) <= known


def test_links_go_only_to_pages_of_this_run():
    """A page that was not made is not linked."""
    html = index.render_index(factories.activity_gauge(), factories.context(links={"glossary": "glossary.html"}))
    assert {link for link in read(html).links if not link.startswith(("tables/", "#"))} == {"glossary.html"}


def test_the_sample_is_named_as_such():
    """Loudly, and only then."""
    audit = factories.activity_gauge()
    assert "Sample: all data invented" in index.render_index(audit, factories.context())
    assert "Sample: all data invented" not in index.render_index(audit, factories.context(sample=False))


def test_the_footer_says_which_run_this_was(pages):
    """Date, version and fingerprints."""
    footer = pages["activity_gauge"].split("<footer>")[1]
    for part in ("14 Jan 2026", "ssi-audit 1.0", "3f9a", "b7b7"):
        assert part in footer


@pytest.mark.parametrize("name", ["activity_gauge", "inconclusive", "flagged", "empty"])
@pytest.mark.parametrize("lang", [lang for lang in LANGUAGES if lang != "en"])
def test_a_page_is_in_one_language(pages, name, lang):
    """`lang` is set, the verdict is in that language, and nothing that the English page says stands on it."""
    audit = factories.ALL[name]()
    html = index.render_index(audit, factories.context(lang), factories.pictures())
    page = read(re.sub(r'(?s)<span lang="en">.*?</span>', "", html))
    assert page.lang == lang
    assert Words(lang).verdict(audit)[0] in page.text
    # Names of analyses and teams come from the data; everything of three words or more is ours.
    said = {text.strip() for text in read(pages[name]).texts if len(text.split()) > 2}
    assert len(said) > 30
    assert {text for text in page.texts if text.strip() in said and re.search("[a-z]{3}", text)} == set()


@pytest.mark.parametrize("name", factories.ALL)
def test_a_page_is_small_and_asks_for_nothing(pages, name):
    """Under 300 KB, no script, no address outside."""
    assert len(pages[name].encode()) < 300_000
    assert not re.search(r"<script|<iframe|@import|src=|https?://(?!www\.w3\.org/2000/svg)", pages[name])


def test_the_same_audit_gives_the_same_bytes(pages):
    """No clock but the run date."""
    again = index.render_index(factories.activity_gauge(), factories.context(), factories.pictures())
    assert again == pages["activity_gauge"]


def test_text_from_data_is_escaped_everywhere():
    """An organisation, a reason and an indicator may be called anything."""
    nasty = '<img src=x onerror="alert(1)">'
    audit = factories.activity_gauge()
    claims = tuple(dataclasses.replace(claim, reason=nasty) for claim in audit.claims)
    watch = (dataclasses.replace(audit.watch[0], name=nasty), dataclasses.replace(audit.watch[5], left_out=nasty))
    audit = dataclasses.replace(audit, claims=claims, watch=watch)
    context = factories.context(organisation=nasty, settings={nasty: nasty}, fingerprint=nasty)
    assert "<img" not in index.render_index(audit, context, factories.pictures())


def test_a_reason_in_english_is_marked_as_english():
    """A screen reader in Polish must not read it as Polish."""
    html = index.render_index(factories.activity_gauge(), factories.context("pl"), factories.pictures())
    assert '<p class="why"><span lang="en">no quotas.csv</span></p>' in html


def test_pieces_show_themselves_in_a_notebook():
    """`display(piece)` needs nothing else."""
    pieces = index.build_index(factories.activity_gauge(), factories.context())
    assert [piece.name for piece in pieces] == [
        "answer", "pillars", "watch-trust", "pictures", "choices-claims", "next", "rule",
    ]  # fmt: skip
    assert pieces[0]._repr_html_().lstrip().startswith('<div class="hero">')


def test_thirty_teams_and_a_long_name_fit_the_header():
    """Teams are a number in the header."""
    context = factories.context(organisation="Ł" * 120, n_teams=30)
    html = index.render_index(factories.activity_gauge(), context)
    assert "30 teams" in html


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("activity", "There is no picture of LinkedIn activity"), ("deals", "There is no picture of closed deals")],
)
def test_one_picture_alone_is_not_called_two(name, sentence):
    """The title does not promise what is not there, and the place of the other one says what is missing."""
    alone = {key: scatter for key, scatter in factories.pictures().items() if key != name}
    text = read(index.render_index(factories.activity_gauge(), factories.context(), alone)).text
    assert sentence in text
    assert "two pictures" not in text and "two different pictures" not in text
