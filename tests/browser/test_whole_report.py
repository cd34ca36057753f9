"""A whole small report in a browser, made once: every page as its readers see it, and every number read back."""

import csv
import json
import os
import re
import shutil
import time

import pytest

from ssi_audit import schema
from ssi_audit.report import claim_page, limits_page
from ssi_audit.report.chromium import find_chromium
from ssi_audit.report.pdf import print_pdf
from ssi_audit.report.pictures import first_screen
from ssi_audit.report.words import Words

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or find_chromium()
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine (Debian: apt-get install chromium)"),
]

# One team of everybody, with a name that neither a file name nor a narrow column likes.
TEAM = 'Zespół „Źdźbło/..\\<b>&"' + "ทีมขายกรุงเทพ" * 12
EXPOSURES = ("brand", "people", "insights", "relationships", "total")
PAGES = (
    "index", "01-data-quality", *(f"02-correlation-{name}" for name in EXPOSURES),
    *(f"03-regression-{name}" for name in EXPOSURES), "04-claims", "05-limits", "06-team-T01", "glossary",
)  # fmt: skip
KINDS = (
    "index", "01-data-quality", "02-correlation-total", "03-regression-total", "04-claims", "05-limits", "06-team-T01",
    "glossary",
)  # fmt: skip
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
VIEWS = {
    "light": {"viewport": DESKTOP, "color_scheme": "light"},
    "dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "color_scheme": "light"},
    "print": {"viewport": DESKTOP, "color_scheme": "light"},
}
# ux.md section 6, in bytes: none above the first, nearly all below the second.
LARGEST, USUAL = 500_000, 300_000


@pytest.fixture(scope="session")
def exports(tmp_path_factory):
    """Twelve sellers over forty weeks, all in one team with an awkward name."""
    from ssi_audit.worlds import make_world, write_world

    folder = tmp_path_factory.mktemp("exports")
    write_world(make_world("activity_gauge", 12, 40, 3), folder)
    with (folder / "people.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with (folder / "people.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows({**row, "team": TEAM} for row in rows)
    return folder


@pytest.fixture(scope="session")
def report(exports, tmp_path_factory):
    """The report of these exports."""
    from ssi_audit.report.build import make_report

    out = tmp_path_factory.mktemp("report") / "made"
    result = make_report(str(exports), out, workers=2, stream=None)
    assert result.ok, [failure.text() for failure in result.failures]
    return out


@pytest.fixture
def visit(browser):
    """Open a page; what it asks for or logs is in its `problems`."""
    contexts = []

    def go(path, view="light", script=True):
        context = browser.new_context(**VIEWS[view], java_script_enabled=script)
        contexts.append(context)
        page = context.new_page()
        page.problems = []
        page.on("console", lambda message: page.problems.append(message.text))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("request", lambda request: page.problems.append(request.url)
                if not request.url.startswith(("file:", "data:")) else None)  # fmt: skip
        page.goto(path.as_uri())
        if view == "print":
            page.emulate_media(media="print")
        return page

    yield go
    for context in contexts:
        context.close()


def barriers(page):
    """What axe finds, as a list of short texts."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is in the extra [dev]")
    found = axe.Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found]


def sideways(page):
    """Pixels by which the page is wider than the screen."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def test_all_pages_are_there(report):
    """Nothing failed, nothing is missing, and no file is named after a team."""
    assert {path.stem for path in report.glob("*.html")} == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_page_is_quiet_and_as_wide_as_a_phone(report, visit, name):
    """No request, no message, no sideways scroll at 360 px with every fold open, no barrier in the light."""
    page = visit(report / f"{name}.html", "phone")
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.problems == []
    assert sideways(page) <= 0
    if name not in KINDS:
        assert barriers(page) == []


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", KINDS)
def test_no_barrier(report, visit, name, view):
    """Axe finds nothing: light, dark, phone, paper."""
    page = visit(report / f"{name}.html", view)
    assert barriers(page) == []
    assert sideways(page) <= 0


@pytest.mark.parametrize("name", ["index", "01-data-quality", "04-claims"])
def test_sentences_in_tables_are_read_without_scrolling_on_a_phone(report, visit, name):
    """A row of a table with sentences is a block: everything is in sight, each value beside its header."""
    page = visit(report / f"{name}.html", "phone")
    tables = page.locator("table.stacked")
    assert tables.count() >= 1
    hidden = "all => all.map(one => one.parentElement.scrollWidth - one.parentElement.clientWidth)"
    assert max(tables.evaluate_all(hidden)) <= 0
    cells = tables.locator("td")
    labels = cells.evaluate_all("all => all.map(one => getComputedStyle(one, '::before').content)")
    assert len(labels) >= 4 and all(len(label) > 2 and label != "none" for label in labels)
    assert all(box["width"] > 200 for box in (cells.nth(k).bounding_box() for k in range(4)))


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(report, visit, name):
    """Pages, anchors and files to download exist; every page but the answer links back to it."""
    page = visit(report / f"{name}.html")
    links = page.eval_on_selector_all("a[href]", "all => all.map(one => one.getAttribute('href'))")
    local = [link for link in links if not re.match(r"[a-z]+:", link)]
    for link in local:
        address, _, anchor = link.partition("#")
        assert not address or (report / address).is_file(), link
        if anchor and not address:
            assert page.query_selector(f"[id='{anchor}']") is not None, link
    assert name == "index" or "index.html" in local


@pytest.mark.parametrize("name", PAGES)
def test_page_is_small(report, name):
    """No page above 500 KB; only the curve of all analyses may come near it."""
    size = (report / f"{name}.html").stat().st_size
    assert size <= (LARGEST if name == "05-limits" else USUAL)


def test_every_chart_has_its_numbers(report, visit):
    """Each figure of a detail page is followed by its table in a fold, with a file."""
    for name in ("01-data-quality", "02-correlation-total", "03-regression-total", "04-claims", "05-limits"):
        page = visit(report / f"{name}.html")
        lonely = page.eval_on_selector_all(
            "main figure", "all => all.filter(one => !one.nextElementSibling?.matches('details.numbers:has(a.csv)'))"
            ".map(one => one.innerText.slice(0, 80))")  # fmt: skip
        assert lonely == [], name


def test_pages_work_without_scripts(report, visit):
    """Text and tables are in the file itself, and no page holds a script."""
    for name in KINDS:
        page = visit(report / f"{name}.html", script=False)
        assert page.locator("h1").count() == 1, name
        assert page.locator("script").count() == 0, name
        assert page.locator("table, dl, ul").count() > 0, name


def _minus(text):
    return text.replace("\N{MINUS SIGN}", "-")


def test_the_strip_shows_the_numbers_of_answer_json(report, visit):
    """Each cell of pillar by step is the link of answer.json, rounded."""
    answer = json.loads((report / "answer.json").read_text(encoding="utf-8"))
    cells = {(cell["exposure"], cell["outcome"]): cell["link"] for cell in answer["cells"]}
    page = visit(report / "index.html")
    shown = page.eval_on_selector_all(
        "table.heat tbody tr", "rows => rows.map(row => [...row.querySelectorAll('td b')].map(one => one.innerText))"
    )
    expected = []
    for exposure in ("total", *schema.PILLARS):
        links = [answer["activity"]["links"][exposure]]
        links += [cells[exposure, outcome] for outcome in ("inquiries", "meetings", "deals")]
        expected.append([f"{link['r']:.2f}" if link["r"] is not None else "–" for link in links])
    assert [[_minus(text) for text in row] for row in shown] == expected


def test_the_rule_shows_the_numbers_of_answer_json(report, visit):
    """The four ratios at equal activity and their ranges."""
    answer = json.loads((report / "answer.json").read_text(encoding="utf-8"))
    cells = {cell["outcome"]: cell["adjusted"] for cell in answer["cells"] if cell["exposure"] == "total"}
    page = visit(report / "index.html")
    shown = page.eval_on_selector_all(
        ".rule table tbody tr", "rows => rows.map(row => row.querySelectorAll('td')[1].innerText)"
    )
    expected = [
        f"{fit['rr']:.2f} ({fit['low']:.2f} to {fit['high']:.2f})"
        for fit in (cells[outcome] for outcome in schema.PRIMARY_OUTCOMES)
    ]
    assert shown == expected


def test_the_register_shows_the_claims_of_answer_json(report, visit):
    """Every claim has one row with its state, in the order of answer.json."""
    answer = json.loads((report / "answer.json").read_text(encoding="utf-8"))
    words = Words()
    page = visit(report / "04-claims.html")
    rows = page.eval_on_selector_all(
        "table.data:first-of-type tbody tr",
        "rows => rows.map(row => [...row.children].map(one => one.innerText))",
    )[: len(answer["claims"])]
    assert [(row[0], row[1]) for row in rows] == [
        (words.claim(claim["id"]), words.claim_state(claim["state"])) for claim in answer["claims"]
    ]


def test_tables_to_download_hold_the_numbers_in_full(report):
    """The file of the register has the estimates of answer.json, every digit."""
    answer = json.loads((report / "answer.json").read_text(encoding="utf-8"))
    with (report / "tables" / "04-claims-register.csv").open(encoding="utf-8", newline="") as file:
        found = [row["estimate"] for row in csv.DictReader(file)]
    assert [float(text) if text else None for text in found] == [claim["estimate"] for claim in answer["claims"]]


def test_the_answer_prints_to_two_tagged_pages(report):
    """`make pdf`: two pages of A4 with tags for screen readers."""
    made = print_pdf(report)
    content = made.read_bytes()
    assert made.name == "answer.pdf"
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", content)) == 2
    assert b"/StructTreeRoot" in content
    assert b"/MediaBox [0 0 594.95996 841.91998]" in content or re.search(rb"/MediaBox \[0 0 59\d[.\d]* 84\d", content)


def test_the_first_screen_is_photographed_at_its_size(report, tmp_path):
    """The README's picture is 1280 by 900 pixels."""
    made = first_screen(report, tmp_path / "first.png")
    header = made.read_bytes()[:24]
    assert header[1:4] == b"PNG"
    assert (int.from_bytes(header[16:20]), int.from_bytes(header[20:24])) == (1280, 900)


def test_a_team_page_names_the_team_and_no_person(report, exports, visit):
    """The name is text, whatever stands in it; sellers are not named on any page."""
    page = visit(report / "06-team-T01.html")
    assert TEAM in page.inner_text("main")
    with (exports / "people.csv").open(encoding="utf-8", newline="") as file:
        names = [row["person"] for row in csv.DictReader(file)]
    for path in report.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not [name for name in names if name in text], path.name


# ---- data with holes: the page stays whole and says what is missing ----


def _without(exports, folder, file, keep):
    shutil.copytree(exports, folder)
    if keep is None:
        (folder / file).unlink()
        return folder
    with (folder / file).open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    with (folder / file).open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, rows[0].keys())
        writer.writeheader()
        writer.writerows(row for row in rows if keep(row))
    return folder


HOLES = {
    "no-deals": ("crm_events.csv", lambda row: not row["kind"].startswith("deal")),
    "no-activity": ("activity.csv", None),
}


@pytest.mark.parametrize("hole", HOLES)
def test_missing_data_leave_a_whole_page(exports, tmp_path, visit, hole):
    """Without deals, or without activity: verdict, reasons and a full register of claims, no barrier."""
    from ssi_audit.evidence import audit
    from ssi_audit.report.context import PageContext
    from ssi_audit.report.index import render_index

    found = audit(_without(exports, tmp_path / "data", *HOLES[hole]))
    words = Words()
    (tmp_path / "index.html").write_text(render_index(found, PageContext()), encoding="utf-8")
    page = visit(tmp_path / "index.html", "phone")
    text = page.inner_text("main")
    assert barriers(page) == []
    assert sideways(page) <= 0
    assert words.headline(found) in " ".join(text.split())
    assert words.link_word(found.cell("total", "deals").link) in text
    register = claim_page.claim_register(found, words)
    assert len(register.frame) == len(found.claims) > 20
    lacking = register.frame.loc[register.frame["state"] == words.claim_state("not_testable"), "why"]
    assert len(lacking) and lacking.str.len().gt(20).all()
    assert limits_page.agreement_table(found, words).html(words)


def test_thirty_teams_fit_on_a_phone(visit, tmp_path):
    """Thirty links in the header of a team page wrap."""
    from nbformat.v4 import new_markdown_cell, new_notebook

    from ssi_audit.report.context import PageContext
    from ssi_audit.report.page import render_page

    links = {"index": "index.html"} | {f"06-team-T{k:02d}": f"06-team-T{k:02d}.html" for k in range(1, 31)}
    context = PageContext(links=links, n_teams=30)
    notebook = new_notebook(cells=[new_markdown_cell("# One team\n\nText.")])
    path = tmp_path / "06-team-T01.html"
    path.write_text(render_page(notebook, title="Team", context=context, name="06-team-T01"), encoding="utf-8")
    page = visit(path, "phone")
    assert sideways(page) <= 0
    assert page.locator("nav.pages a").count() == 31


def test_no_chromium_is_said_with_the_fix(report, monkeypatch):
    """`make pdf` on a machine without one names what to install, and leaves nothing behind."""
    from ssi_audit.errors import SettingsError
    from ssi_audit.report import chromium

    monkeypatch.setattr(chromium, "find_chromium", lambda: None)
    before = time.time()
    with pytest.raises(SettingsError, match="apt install chromium"):
        print_pdf(report)
    assert not [path for path in report.glob("*.part") if path.stat().st_mtime > before]
