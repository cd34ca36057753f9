"""The answer page and the glossary in a browser: as a team lead, a phone, a projector and a printer see them."""

import dataclasses
import datetime as dt
import itertools
import re

import pytest
from tests.unit.report import factories
from tests.unit.report.test_pool_page import make_office, pool_offices

from ssi_audit.report import pool_page
from ssi_audit.report.glossary import render_glossary
from ssi_audit.report.index import render_index

pytestmark = pytest.mark.browser

# ux.md section 2: all of the first screen is visible at this size.
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}
# Verdicts whose first screen holds no list of open points or caveats; with those it may run a little longer.
PLAIN = ("activity_gauge", "no_association", "leading")
LONG = "Przedsiębiorstwo Handlowo-Usługowe „Źdźbło i Spółka” ห้างหุ้นส่วนจำกัดตัวอย่างชื่อยาวมากที่ไม่มีช่องว่างเลย" * 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The pages as files, so that a relative address is one."""
    made = tmp_path_factory.mktemp("pages")
    for name, make in factories.ALL.items():
        html = render_index(make(), factories.context(), factories.pictures())
        (made / f"{name}.html").write_text(html, encoding="utf-8")
    for lang in ("pl", "it", "fi", "th"):
        html = render_index(factories.inconclusive(), factories.context(lang), factories.pictures())
        (made / f"inconclusive-{lang}.html").write_text(html, encoding="utf-8")
        (made / f"glossary-{lang}.html").write_text(render_glossary(factories.context(lang)), encoding="utf-8")
    watch = tuple(dataclasses.replace(item, name=f"{LONG} {item.name}") for item in factories.WATCH)
    long = dataclasses.replace(factories.flagged(), watch=watch)
    context = factories.context(organisation=LONG, n_teams=30)
    (made / "long.html").write_text(render_index(long, context, factories.pictures()), encoding="utf-8")
    pooled = pool_offices(made, {f"office-{k}": make_office(k) for k in range(5)})
    for lang in ("en", "pl"):
        html = pool_page.render_pool(pooled, pool_page.pool_context(pooled, lang, dt.date(2026, 1, 5)))
        (made / f"pooled-{lang}.html").write_text(html, encoding="utf-8")
    return made


PAGES = [*factories.ALL, "long", "inconclusive-pl", "inconclusive-th", "glossary-fi", "pooled-en", "pooled-pl"]
MODES = [("light", DESKTOP), ("dark", DESKTOP), ("light", PHONE), ("dark", PHONE)]
# axe takes seconds a page: one page in every mode, the others in the mode that is hardest on them.
SEEN_BY_AXE = [
    *(("flagged", *mode) for mode in MODES),
    ("activity_gauge", *MODES[0]), ("negative", *MODES[1]), ("effectiveness", *MODES[3]), ("inconclusive", *MODES[2]),
    ("empty", *MODES[1]), ("long", *MODES[2]), ("inconclusive-th", *MODES[2]), ("glossary-fi", *MODES[1]),
    ("pooled-en", *MODES[0]), ("pooled-en", *MODES[1]), ("pooled-pl", *MODES[2]),
]  # fmt: skip


def _open(browser, path, *, scheme="light", viewport=DESKTOP, script=True):
    page = browser.new_page(viewport=viewport, color_scheme=scheme, java_script_enabled=script)
    page.problems = []
    page.on("console", lambda message: page.problems.append(message.text))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("request", lambda request: page.problems.append(request.url) if not request.url.startswith(
        ("file:", "data:")) else None)  # fmt: skip
    page.goto(path.as_uri())
    return page


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("lang", ["en", "fi"])
def test_a_wide_scale_has_room_for_its_numbers(browser, tmp_path, lang, viewport):
    """Nine sellers: ranges from −0.7 to 0.8. No two numbers overlap, and the band has no gap beside a long word."""
    wide = {"activity": (0.6, 0.2), "inquiries": (0.1, 0.6), "meetings": (-0.1, 0.6), "deals": (-0.46, 0.27)}
    made = factories.negative()
    cells = [
        dataclasses.replace(cell, link=factories.link(*wide[cell.outcome], n_people=9))
        if cell.outcome in wide
        else cell
        for cell in made.cells
    ]
    html = render_index(dataclasses.replace(made, cells=tuple(cells)), factories.context(lang))
    (tmp_path / "index.html").write_text(html, encoding="utf-8")
    page = _open(browser, tmp_path / "index.html", viewport=viewport)
    edges = (
        "found => found.map(one => one.getBoundingClientRect()).map(box => [box.left, box.right, box.top, box.bottom])"
    )
    ticks = page.locator(".picture .tick").evaluate_all(edges)
    assert len(ticks) >= 3
    assert all(one[1] < other[0] for one, other in itertools.pairwise(ticks))
    bands = page.locator(".picture .band").evaluate_all(edges)
    assert len(bands) == 4
    if viewport is DESKTOP:
        assert all(below[2] - above[3] < 1 for above, below in itertools.pairwise(bands))
    page.close()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("name", PAGES)
def test_no_request_no_error_no_sideways_scroll(browser, folder, name, viewport):
    """Nothing is loaded or logged, and the page is as wide as the screen, also with every fold open."""
    page = _open(browser, folder / f"{name}.html", viewport=viewport)
    assert page.problems == []
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    page.evaluate("document.querySelectorAll('details').forEach(item => item.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    page.close()


@pytest.mark.parametrize("width", [1280, 1024])
def test_the_strip_does_not_scroll_on_a_desktop(browser, folder, width):
    """All five columns are in sight, without a bar below them."""
    page = _open(browser, folder / "activity_gauge.html", viewport={"width": width, "height": 900})
    strip = page.locator(".scroll:has(> table.heat)").first
    assert strip.evaluate("item => item.scrollWidth - item.clientWidth") == 0
    page.close()


@pytest.mark.parametrize(("name", "scheme", "viewport"), SEEN_BY_AXE)
def test_no_barrier(browser, folder, name, scheme, viewport):
    """Zero axe violations: contrast, names, landmarks, headings, tables."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is in the extra [dev]")
    page = _open(browser, folder / f"{name}.html", scheme=scheme, viewport=viewport)
    page.evaluate("document.querySelectorAll('details').forEach(item => item.open = true)")
    violations = axe.Axe().run(page).response["violations"]
    assert [(item["id"], item["nodes"][0]["html"][:200]) for item in violations] == []
    page.close()


@pytest.mark.parametrize("name", PLAIN)
def test_the_first_screen_is_whole_at_1280_by_900(browser, folder, name):
    """Verdict, picture and strip without scrolling."""
    page = _open(browser, folder / f"{name}.html")
    bottom = page.evaluate("document.querySelector('#h-pillars').closest('section').getBoundingClientRect().bottom")
    assert bottom <= DESKTOP["height"]
    page.close()


@pytest.mark.parametrize("name", [name for name in factories.ALL if name not in PLAIN])
def test_longer_answers_keep_verdict_and_picture_on_the_first_screen(browser, folder, name):
    """With open points and caveats the strip may begin lower, but the answer does not."""
    page = _open(browser, folder / f"{name}.html")
    bottom = page.evaluate("document.querySelector('.hero').getBoundingClientRect().bottom")
    assert bottom <= 0.8 * DESKTOP["height"]
    page.close()


@pytest.mark.parametrize(
    "name", [*factories.ALL, "inconclusive-pl", "inconclusive-it", "inconclusive-fi", "inconclusive-th"]
)
def test_paper_holds_the_page_on_two_sheets(browser, folder, name):
    """A4, with the watch list and the checks on the first one."""
    page = _open(browser, folder / f"{name}.html")
    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 2
    page.close()


def test_the_first_sheet_holds_verdict_strip_watch_and_checks(browser, folder):
    """What is forwarded as page 1 stands alone: 275 mm of paper inside the margins, at 96 px an inch."""
    page = _open(browser, folder / "activity_gauge.html", viewport={"width": 703, "height": 1040})
    page.emulate_media(media="print")
    bottom = page.evaluate("document.querySelector('#h-trust').closest('.two').getBoundingClientRect().bottom")
    assert bottom <= 275 / 25.4 * 96
    page.close()


def test_the_page_works_without_scripts(browser, folder):
    """Folds are real elements."""
    page = _open(browser, folder / "activity_gauge.html", script=False)
    fold = page.locator("details.numbers").first
    fold.locator("summary").click()
    assert fold.locator("table").is_visible()
    page.close()


def test_the_page_can_be_read_at_double_size(browser, folder):
    """200 % zoom is half the width in CSS pixels."""
    page = _open(browser, folder / "inconclusive.html", viewport={"width": 640, "height": 450})
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
    page.close()


def test_keyboard_reaches_the_answer_and_the_tables(browser, folder):
    """The skip link comes first, and what scrolls can be focused."""
    page = _open(browser, folder / "activity_gauge.html", viewport=PHONE)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"
    assert page.evaluate("document.querySelector('table.heat').closest('.scroll').tabIndex") == 0
    page.close()
