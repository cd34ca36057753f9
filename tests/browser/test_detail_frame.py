"""Detail pages and failure pages in a browser: light, dark, phone and paper."""

import datetime as dt
import re
import shutil
import subprocess

import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ssi_audit.report.context import PageContext
from ssi_audit.report.jobs import StepFailure
from ssi_audit.report.page import render_failure, render_page
from ssi_audit.report.tables import Column, Table
from ssi_audit.report.words import Words

pytestmark = pytest.mark.browser

LONG = "Verkaufsaußendienstmitarbeitergespräche" * 3
SVG = (
    '<svg viewBox="0 0 400 100"><g id="a"><text x="10" y="50" style="fill: var(--mute)">0.72 strong</text>'
    '<circle r="5" cx="200" cy="50" style="fill: var(--blue)"/></g></svg>'
)
VIEWS = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "color_scheme": "light"},
}


def pages():
    """A detail page with one of everything, long words and a wide table; and the page of a failure."""
    context = PageContext(
        organisation=f"Zażółć Gęślą {LONG}",
        n_teams=1,
        start=dt.date(2025, 1, 1),
        end=dt.date(2025, 12, 31),
        sample=True,
        run_date=dt.date(2026, 1, 14),
        version="0.1.0",
        fingerprint="3f" * 32,
        settings_fingerprint="9a" * 32,
        links={name: f"{name}.html" for name in ("index", "02-correlation-brand", "02-correlation-total", LONG)},
        failed=("02-correlation-total",),
        settings={"columns": LONG},
    )
    head = "".join(f'<th scope="col">column {number}</th>' for number in range(30))
    region = '<div class="scroll" tabindex="0" role="region" aria-label="Wide">'
    wide = f'{region}<table class="data"><tr>{head}</tr></table></div>'
    figure = new_output(
        "display_data", {"image/svg+xml": SVG}, metadata={"image/svg+xml": {"title": "It fades", "alt": "Dots."}}
    )
    table = new_output("display_data", {"text/html": wide})
    printed = new_output("stream", name="stdout", text="x" * 300)
    notebook = new_notebook(
        cells=[
            new_markdown_cell(f"# What does brand go with, {LONG}?\n\nText, [a link](index.html), `code`."),
            new_markdown_cell("## Step\n\n| a | b |\n|---|--:|\n| ผู้ขาย | 1 |"),
            new_code_cell(f"draw('{LONG}')  # note\nif True: 1.5", outputs=[figure, table, printed]),
        ]
    )
    failure = StepFailure("02.ipynb", "Step", f"ValueError: {LONG}", "executed/02.ipynb")
    return {
        "detail": render_page(notebook, title="Brand", context=context, name="02-correlation-brand"),
        "failure": render_failure(failure, title="Total", context=context, name="02-correlation-total"),
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The pages as files."""
    folder = tmp_path_factory.mktemp("pages")
    for name, page in pages().items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return folder


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", ["detail", "failure"])
def test_page_is_accessible_and_quiet(browser, folder, name, view):
    """No axe violation, folded or unfolded; no request, no console message, no sideways scroll."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = browser.new_page(**VIEWS[view])
    heard = []
    page.on("request", lambda request: heard.append(request.url))
    page.on("console", lambda message: heard.append(message.text))
    address = (folder / f"{name}.html").as_uri()
    page.goto(address)
    for unfolded in (False, True):
        if unfolded:
            for summary in page.locator("summary").all():
                summary.click()
        assert axe.run(page).response["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= VIEWS[view]["viewport"]["width"]
    assert heard == [address]
    page.close()


def test_paper_shows_results_and_no_controls(browser, folder):
    """Printed: text and figures stay, code, navigation and the skip link go, also for readers in dark mode."""
    page = browser.new_page(**VIEWS["dark"])
    page.goto((folder / "detail.html").as_uri())
    page.emulate_media(media="print")
    hidden = {selector: page.locator(selector).first.is_hidden() for selector in ("details.code", "nav.pages", ".skip")}
    assert all(hidden.values()), hidden
    assert page.locator("svg.fig").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('section')).backgroundColor") == "rgb(255, 255, 255)"
    page.close()


def test_no_head_of_a_table_is_left_alone_on_paper(browser, tmp_path):
    """A small table stays in one piece with its heading, and each sheet of a long one holds two rows of it."""
    if shutil.which("pdftotext") is None:
        pytest.skip("no pdftotext on this machine (Debian: apt-get install poppler-utils)")
    cells = []
    for number in range(60):
        cells.append(new_markdown_cell(f"## Step{number}.\n\nText."))
        rows = 30 if number % 10 == 9 else 3 + number % 5
        cells.append(new_code_cell("show()", outputs=[_table(f"{number}", rows)]))
    made = tmp_path / "page.html"
    made.write_text(render_page(new_notebook(cells=cells), title="T", context=PageContext()), encoding="utf-8")
    page = browser.new_page()
    page.goto(made.as_uri())
    page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    page.close()
    text = subprocess.run(["pdftotext", "-layout", tmp_path / "page.pdf", "-"], capture_output=True, check=True).stdout
    sheets = [set(re.findall(r"\b(?:Step|Caption|Head|Row)\d+(?:-\d+)?", sheet)) for sheet in text.decode().split("\f")]
    for number in range(60):
        rows = [sum(word.startswith(f"Row{number}-") for word in sheet) for sheet in sheets]
        found = [(f"Head{number}" in sheet, n) for sheet, n in zip(sheets, rows, strict=True)]
        assert all(n > 1 for headed, n in found if headed), f"table {number}"
        assert sum(n > 0 for n in rows) == 1 or number % 10 == 9, f"table {number}"
        first = next(k for k, n in enumerate(rows) if n)
        assert {f"Step{number}", f"Caption{number}"} <= sheets[first], f"table {number}"


def _table(name, rows):
    """A table as a notebook shows it."""
    frame = pd.DataFrame({"a": [f"Row{name}-{row}" for row in range(rows)], "n": range(rows)})
    table = Table(f"Caption{name}", frame, (Column("a", f"Head{name}"), Column("n", "n", "count")))
    html = table.html(Words()) + Words().csv_link("tables/a.csv", "A")
    return new_output("display_data", {"text/html": str(html)})


def test_keyboard_reaches_everything(browser, folder):
    """Tab leads first to the skip link, which leads to main; folds and tables that scroll take the focus."""
    page = browser.new_page(**VIEWS["light"])
    page.goto((folder / "detail.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    seen = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.tagName + '.' + document.activeElement.className"))
    assert {"SUMMARY.", "DIV.scroll", "A."} <= seen
    page.close()
