"""Executed notebooks as pages: offline, accessible, with code folded and everything escaped."""

import dataclasses
import datetime as dt
import re
from html.parser import HTMLParser

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ssi_audit.report import language
from ssi_audit.report.cards import highlight, inline_svg
from ssi_audit.report.context import PageContext
from ssi_audit.report.jobs import StepFailure
from ssi_audit.report.language import Language
from ssi_audit.report.offline import requests_of
from ssi_audit.report.page import PageError, frame_of, page_label, render_failure, render_page

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">'
SVG = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns:xlink="http://www.w3.org/1999/xlink" width="9pt" height="9pt" viewBox="0 0 9 9" version="1.1">
 <metadata><dc:date>2025-01-01</dc:date></metadata>
 <defs><style type="text/css">*{stroke-linejoin: round}</style></defs>
 <g id="figure_1"><defs><path id="m1" d="M 0 0"/></defs>
  <use xlink:href="#m1" clip-path="url(#p1)"/><text>id="m1" of A &amp; B</text></g>
 <defs><clipPath id="p1"><rect/></clipPath></defs>
</svg>
"""


@pytest.fixture
def context():
    """A page's frame with everything in it."""
    return PageContext(
        organisation="Nordwind <GmbH>",
        n_teams=2,
        start=dt.date(2025, 1, 1),
        end=dt.date(2025, 12, 31),
        n_people=40,
        sample=True,
        run_date=dt.date(2026, 1, 14),
        version="0.1.0",
        fingerprint="3f" * 32,
        settings_fingerprint="9a" * 32,
        links={
            name: f"{name}.html"
            for name in ("index", "01-data-quality", "02-correlation-brand", "02-correlation-total")
        },
        failed=("01-data-quality",),
        settings={"period": "month"},
    )


def display(mime, data, **metadata):
    """An output of a cell that displayed something."""
    return new_output("display_data", {mime: data}, metadata=metadata)


def figure(title="The link fades", alt="Four dots."):
    """An output with a figure, as the helpers of the notebooks display it."""
    return display("image/svg+xml", SVG, **{"image/svg+xml": {"title": title, "alt": alt}})


def notebook(*cells):
    """A notebook of cells; a text is Markdown, a tuple is code with its outputs."""
    made = [
        new_markdown_cell(cell) if isinstance(cell, str) else new_code_cell(cell[0], outputs=list(cell[1:]))
        for cell in cells
    ]
    return new_notebook(cells=made)


def render(*cells, context=None, **options):
    """A page of cells."""
    return render_page(notebook(*cells), title="Links: Brand", context=context or PageContext(), **options)


class Outline(HTMLParser):
    """Tags, ids and attributes of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        """Keep it."""
        self.tags.append((tag, dict(attributes)))

    def all(self, name):
        """Attributes of all tags of a name."""
        return [attributes for tag, attributes in self.tags if tag == name]

    @property
    def ids(self):
        """All ids, in order."""
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]


@pytest.fixture
def full_page(context):
    """A page with one of everything."""
    return render(
        "# What does brand go with?\n\nText with a [link](05-limits.html) and **stars**.",
        ("import pandas as pd",),
        "## Step one\n\n| a | b |\n|---|--:|\n| x | 1 |",
        ("draw()", figure(), figure("Again", "The same.")),
        (
            "frame",
            display(
                "text/html", '<div class="scroll" tabindex="0"><table><tr><th scope="col">n</th></tr></table></div>'
            ),
        ),
        "## Step two",
        (
            "print(1)",
            new_output("stream", name="stdout", text="hello"),
            new_output("stream", name="stderr", text="NOISE"),
        ),
        context=context,
        name="02-correlation-brand",
    )


def test_page_loads_nothing(full_page):
    """No script, no address to load from, no style from elsewhere."""
    assert requests_of(full_page) == []
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", full_page)
    assert "MathJax" not in full_page
    assert "<script" not in full_page


def test_page_has_its_landmarks(full_page):
    """Language, one title, one h1, a skip link that leads to main, header, navigation and footer."""
    outline = Outline(full_page)
    assert outline.all("html") == [{"lang": "en"}]
    assert [len(outline.all(tag)) for tag in ("title", "h1", "main", "header", "footer")] == [
        1 + 2,
        1,
        1,
        1,
        1,
    ]  # fmt: skip -- each figure has a title too
    assert {"class": "skip", "href": "#main"} in outline.all("a")
    assert outline.all("main")[0]["id"] == "main"
    assert all("aria-label" in attributes for attributes in outline.all("nav"))


def test_ids_are_unique_and_references_lead_somewhere(full_page):
    """No id twice, though the same figure is there twice; every reference has its target."""
    outline = Outline(full_page)
    assert len(outline.ids) == len(set(outline.ids))
    wanted = {word for _, attributes in outline.tags for word in attributes.get("aria-labelledby", "").split()}
    wanted |= set(re.findall(r"url\(#([^)]+)\)", full_page)) | set(re.findall(r'href="#([^"]+)"', full_page))
    assert wanted <= set(outline.ids)


def test_cards_follow_the_headings(full_page):
    """A card per step, named by its heading, text first and the code of the step last."""
    cards = re.findall(r"(?s)<section.*?</section>", full_page)
    assert len(cards) == 3
    assert [re.search(r"<h[12][^>]*>(.*?)</h", card)[1] for card in cards] == [
        "What does brand go with?",
        "Step one",
        "Step two",
    ]
    for card in cards:
        assert card.rstrip().endswith("</details>\n</section>")
        assert card.count('<details class="code">') == 1
    assert "draw()" in cards[1]
    assert "frame" in cards[1]


def test_code_is_folded(full_page):
    """Code stands inside folds that are closed."""
    outside = re.sub(r"(?s)<details.*?</details>", "", full_page)
    assert "import" not in re.sub(r"(?s)<style>.*?</style>", "", outside)
    assert "<details open" not in full_page
    assert "<summary>Show the code of this step</summary>" in full_page


def test_figures_are_named_and_described(full_page):
    """role=img, title and description from the metadata, visible caption, scalable, no date inside."""
    svg = Outline(full_page).all("svg")
    assert [attributes["role"] for attributes in svg] == ["img", "img"]
    assert [attributes["aria-labelledby"] for attributes in svg] == ["f1-t f1-d", "f2-t f2-d"]
    assert '<desc id="f1-d">Four dots.</desc>' in full_page
    assert "<figcaption>The link fades</figcaption>" in full_page
    assert "2025-01-01" not in full_page
    assert "width" not in svg[0]


def test_figure_without_a_title_takes_the_heading():
    """A plain figure still has a name."""
    page = render("# Q", "## A & B", ("draw()", display("image/svg+xml", SVG)))
    assert '<title id="f1-t">A &amp; B</title>' in page


def test_svg_text_is_left_alone():
    """Only attributes get new ids; a text that looks like one does not."""
    assert 'id="m1" of A &amp; B' in inline_svg(SVG, prefix="f1", title="t")


def test_svg_metadata_is_escaped():
    """A title or description from data cannot close its tag."""
    assert "<script>" not in inline_svg(SVG, prefix="f1", title=EVIL, alt=EVIL)


def test_stderr_and_representations_are_noise(full_page):
    """Library warnings and <Axes: …> are not shown; what was printed is."""
    assert "NOISE" not in full_page
    assert "hello" in full_page
    page = render("# Q", ("plot", new_output("execute_result", {"text/plain": "<Axes: xlabel='a'>"})))
    assert "xlabel" not in page


@pytest.mark.parametrize(
    "cells",
    [
        (f"# {EVIL}",),
        (f"# Q\n\n{EVIL}",),
        (f"# Q\n\n    {EVIL}\n\n`{EVIL}`\n\n```python\n{EVIL}\n```",),
        ("# Q\n\n[x](javascript:alert(1)) ![x](http://example.org/x.png)",),
        (f"# Q\n\n| {EVIL} |\n|---|\n| {EVIL} |",),
        ("# Q", (f"x = '{EVIL}'",)),
        ("# Q", ("x", new_output("stream", name="stdout", text=EVIL))),
        ("# Q", ("x", new_output("execute_result", {"text/plain": f"'{EVIL}'"}))),
        ("# Q", ("x", display("text/markdown", EVIL))),
        ("# Q", ("x", display("image/png", '"><script>', alt=EVIL))),
        ("# Q", ("x", figure(EVIL, EVIL))),
    ],
    ids=["heading", "text", "code in text", "link", "table", "code", "stdout", "value", "markdown", "png", "figure"],
)
def test_text_is_never_markup(cells):
    """Markup in a text, a value, a title or code is shown, not obeyed."""
    assert requests_of(render(*cells)) == []


def test_frame_is_never_markup(context):
    """Neither is the name of the organisation, a team or a setting."""
    evil = {"organisation": EVIL, "settings": {EVIL: EVIL}, "links": {EVIL: EVIL}}
    page = render("# Q", context=PageContext(**evil), name=EVIL)
    assert requests_of(page) == []
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    "markup",
    [
        '<script src="https://cdn.example/x.js"></script>', "<script>1</script>", '<img src="http://x/y.png">',
        '<img srcset="//x/y.png 2x">', '<link rel="stylesheet" href="x.css">', '<iframe srcdoc=""></iframe>',
        "<style>@import 'x.css'</style>", "<style>a{background:url(http://x)}</style>",
        '<p style="background:url(x.png)">', '<a href="javascript:1">', '<p onclick="1">', '<svg><image xlink:href="http://x/y.png"/></svg>',
        '<meta http-equiv="refresh" content="0">', '<svg><use href="other.svg#a"/></svg>', '<form action="x">',
        '<video poster="x.png">', '<object data="x">', '<base href="http://x">',
    ],
)  # fmt: skip
def test_page_that_would_load_something_is_refused(markup):
    """Whatever a notebook displays, a page that breaks the offline rule is not written."""
    with pytest.raises(PageError, match="would not work offline"):
        render("# Q", ("x", display("text/html", markup)))


@pytest.mark.parametrize(
    "markup",
    ['<a href="https://example.org">x</a>', '<a href="tables/a.csv" download>x</a>',
     '<img alt="" src="data:image/png;base64,AA">', '<svg><use href="#a"/></svg>', '<p style="fill:url(#a)">'],
)  # fmt: skip
def test_links_and_inner_references_are_allowed(markup):
    """A link that a reader follows is not a request of the page."""
    assert requests_of(markup) == []


def test_frame_of_a_page_is_small(context):
    """Style, header and navigation leave nearly all of the 300 KB of a page to what it says."""
    assert len(render("# Q", context=context).encode()) < 30_000


def test_pandas_tables_become_accessible():
    """A frame shown as it is gets scopes, no empty heading and a region that can be scrolled by keyboard."""
    import pandas as pd

    frame = pd.DataFrame({"n": [1, 2], "<b>": ["x", EVIL]})
    page = render("# Q", ("frame", display("text/html", frame._repr_html_())))
    headings = Outline(page).all("th")
    assert [attributes["scope"] for attributes in headings] == ["col", "col", "row", "row"]
    assert not re.search(r"<th[^>]*>\s*</th>", page)
    assert re.search('<div class="scroll" tabindex="0" role="region" aria-label="Table[^"]*">', page)
    assert "<style scoped>" not in page
    assert requests_of(page) == []


def test_given_parameters_hide_the_defaults():
    """With values given, the code shows those and not the defaults above them."""
    made = notebook("# Q", ('pillar = "total"',), ('pillar = "brand"',))
    made.cells[1].metadata["tags"] = ["parameters"]
    made.cells[2].metadata["tags"] = ["injected-parameters"]
    main = re.search(r"(?s)<main.*</main>", render_page(made, title="T", context=PageContext()))[0]
    assert "brand" in main
    assert "total" not in main


def test_notebook_without_a_title_gets_one():
    """There is exactly one h1, from the title if the notebook has none, never two."""
    assert re.findall(r"<h1[^>]*>(.*?)</h1>", render("no title", ("1",))) == ["Links: Brand"]
    assert re.findall(r"<h([12])[^>]*>(.*?)</h", render("# One", "# Two")) == [("1", "One"), ("2", "Two")]


def test_bare_layout_leaves_cards_to_the_notebook():
    """The answer's results stand directly in the page, its code is not shown."""
    page = render("# Q", ("secret_code()", display("text/html", "<section><h2>x</h2></section>")), layout="bare")
    assert page.count("<section") == 1
    assert "secret_code" not in page


def test_frame_says_whose_data_and_which_run(full_page):
    """Organisation, teams, period, the loud badge, run date, version, fingerprints, changed settings."""
    for text in (
        "Nordwind &lt;GmbH&gt;", "2 teams", "1 Jan – 31 Dec 2025", 'class="badge"', "14 Jan 2026", "ssi-audit 0.1.0",
        "3f3f3f3f3f3f", "9a9a9a9a9a9a", "period = month",
    ):  # fmt: skip
        assert text in full_page


def test_real_data_have_no_badge():
    """Only sample data are called so."""
    assert 'class="badge"' not in render("# Q")


def test_pages_link_to_each_other(full_page):
    """Back to the answer, to the same question about other pillars, to all pages; failed ones say so."""
    outline = Outline(full_page)
    links = [attributes["href"] for attributes in outline.all("a")]
    assert links[1] == "index.html"
    assert {"02-correlation-total.html", "01-data-quality.html", "05-limits.html"} <= set(links)
    assert "Data check (could not be made in this run)" in full_page
    assert [a["href"] for a in outline.all("a") if "aria-current" in a] == ["02-correlation-brand.html"] * 2


def test_language_of_the_page(monkeypatch):
    """Another language is declared, and the frame is in it where there are messages."""
    messages = {"en": language.load_messages("en"), "pl": {"frame.back": "Do odpowiedzi"}}
    monkeypatch.setattr(language, "load_messages", messages.__getitem__)
    page = render("# Q", context=PageContext(language="pl", start=dt.date(2025, 1, 1), end=dt.date(2025, 5, 2)))
    assert '<html lang="pl">' in page
    assert "Do odpowiedzi" in page
    assert "1 sty – 2 maj 2025" in page


def test_same_notebook_same_bytes(context):
    """Rendering twice gives the same page."""
    cells = ("# Q", ("draw()", figure()))
    assert render(*cells, context=context) == render(*cells, context=context)


def test_notebook_can_be_a_file(tmp_path, context):
    """A path will do."""
    path = tmp_path / "a.ipynb"
    made = notebook("# Q")
    nbformat.write(made, path)
    assert render_page(path, title="T", context=context) == render_page(made, title="T", context=context)


def test_page_of_a_failure_says_what_and_where(context):
    """The page in the place of a failed one names step and reason, links to the notebook, shows no result."""
    failure = StepFailure("02-correlation.ipynb", "Load <x>", f"ValueError: {EVIL}", "executed/02.ipynb")
    page = render_failure(failure, title="Links: Brand", context=context, name="02-correlation-brand")
    assert requests_of(page) == []
    assert re.findall(r"<h1[^>]*>(.*?)</h1>", page) == ["This page could not be made"]
    for text in (
        "Load &lt;x&gt; (02-correlation.ipynb)",
        "ValueError: &lt;script",
        'href="executed/02.ipynb"',
        "index.html",
    ):
        assert text in page


@pytest.mark.parametrize(
    ("name", "label"),
    [("index", "The answer"), ("01-data-quality", "Data check"), ("02-correlation-brand", "Links: Brand"),
     ("06-team-T3", "Team T3"), ("glossary", "Glossary"), ("99-something", "99-something")],
)  # fmt: skip
def test_labels_of_pages(name, label):
    """Names of files become what a reader calls the page."""
    assert page_label(name, Language("en")) == label


def test_highlighting_changes_no_letter():
    """Marked code reads as it was written."""
    code = 'def f(a="<b>"):  # note\n    return a, 1.5\n'
    text = re.sub(r"<[^>]+>", "", str(highlight(code)))
    assert text.replace("&lt;", "<").replace("&gt;", ">").replace("&#34;", '"') == code
    assert '<span class="k">return</span>' in highlight(code)


def test_links_name_the_team_and_say_only_what_differs_among_siblings(context):
    """A team is known by its name, not its code; pages of one question are told apart by the pillar alone."""
    links = {**context.links, "06-team-T01": "06-team-T01.html", "index": "index.html"}
    named = dataclasses.replace(context, links=links, labels={"06-team-T01": "Team <Łódź>"})
    frame = frame_of("title", named, "02-correlation-brand")
    labels = {page.name: page.label for page in frame["pages"]}
    assert labels["06-team-T01"] == "Team <Łódź>"
    assert frame["pages"][0].name == "index"
    assert {page.short for page in frame["siblings"]} <= {
        "Brand",
        "SSI in total",
        "People",
        "Insights",
        "Relationships",
    }
    assert (frame["label"], frame["title"]) == ("Links: Brand", "Links: Brand – ssi-audit")


def test_the_date_of_the_run_stands_above_the_answer(full_page):
    """Page 1 of the printed answer stands alone."""
    header = full_page[full_page.index("<header") : full_page.index("</header>")]
    assert re.search(r"<span>Run \d+ \w+ \d{4}</span>", header)
