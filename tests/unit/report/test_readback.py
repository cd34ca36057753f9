"""Every number on a detail page is in its file, and the file's numbers are those of answer.json: read back as HTML.

The notebooks run here as they are, cell by cell in this process, on twelve
sellers over forty weeks; what they display is put into pages as a report does.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import IPython.display
import nbformat
import pandas as pd
import pytest

from ssi_audit import schema
from ssi_audit.evidence import answer_json, audit_panel
from ssi_audit.panel import build_panel
from ssi_audit.report import sheet as sheets
from ssi_audit.report.context import PageContext
from ssi_audit.report.page import render_page
from ssi_audit.report.words import Words
from ssi_audit.settings import Settings
from ssi_audit.workspace import Run
from ssi_audit.worlds import make_world
from tests.worlds.tables import tables_of

NOTEBOOKS = Path(__file__).parents[3] / "notebooks"
PAGES = {
    "01-data-quality": {}, "02-correlation-total": {"pillar": "total"}, "03-regression-total": {"pillar": "total"},
    "03-regression-brand": {"pillar": "brand"}, "04-claims": {}, "05-limits": {},
}  # fmt: skip
LEDGER = [
    ("ssi.csv", "ssi", 2, 481, 480, "used", "", ""), ("ssi.csv", "ssi", 482, 484, 3, "skipped", "exact duplicate", ""),
    ("crm.csv", "crm_events", 2, 1501, 1500, "used", "", ""),
    ("crm.csv", "crm_events", 1502, 1503, 2, "unmatched", "not in people.csv", ""),
]  # fmt: skip
WORDS = Words()
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Read, joined and answered."""
    ledger = pd.DataFrame(LEDGER, columns=list(schema.LEDGER_COLUMNS))
    tables = dataclasses.replace(tables_of(make_world("activity_gauge", 12, 40, 1)), ledger=ledger)
    panel = build_panel(tables)
    return Run("key", tmp_path_factory.mktemp("run"), panel, tables, audit_panel(panel, tables), Settings())


@pytest.fixture(scope="module")
def report(run, tmp_path_factory):
    """Folder with the pages and their tables."""
    out = tmp_path_factory.mktemp("report")
    patch = pytest.MonkeyPatch()
    patch.setattr(sheets, "open_sheet", lambda name, *_: sheets.Sheet(name, run, WORDS, out))
    for name, parameters in PAGES.items():
        (out / f"{name}.html").write_text(_page(name, parameters, patch), encoding="utf-8")
    patch.undo()
    return out


def _page(name, parameters, patch):
    notebook = nbformat.read(NOTEBOOKS / f"{name.removesuffix('-total').removesuffix('-brand')}.ipynb", as_version=4)
    scope, shown = {}, []
    patch.setattr(IPython.display, "display", lambda *items: shown.extend(items))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            exec(cell.source, scope)
            if "parameters" in cell.metadata.get("tags", []):
                scope.update(parameters)
            html = [item._repr_html_() for item in shown]
            cell.outputs = [nbformat.v4.new_output("display_data", {"text/html": one}) for one in html]
            shown.clear()
    return render_page(notebook, title=name, context=PageContext(links={"index": "index.html"}), name=name)


class _Tables(HTMLParser):
    """Rows of each table of numbers, and the file named after it; values of each picture of dots."""

    def __init__(self):
        super().__init__()
        self.found, self.dots, self._rows, self._text, self._value = [], [], None, None, False

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "table":
            self._rows = []
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag in ("td", "th") and self._rows is not None:
            self._text = ""
        elif tag == "a" and attributes.get("class") == "csv" and self._rows:
            self.found.append((attributes["href"], [row for row in self._rows[1:] if row]))
            self._rows = None
        elif attributes.get("class") == "dots":
            self.dots.append([])
        elif attributes.get("class") == "v":
            self._value = True

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self._text is not None:
            self._rows[-1].append(self._text)
            self._text = None
        elif tag == "b":
            self._value = False

    def handle_data(self, data):
        if self._text is not None:
            self._text += data
        elif self._value and data.strip():
            self.dots[-1].append(data)


def _read(report, name):
    parser = _Tables()
    parser.feed((report / f"{name}.html").read_text(encoding="utf-8"))
    return parser


def _file(report, address):
    with (report / address).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _written(row):
    """Every way in which a page may write the numbers of a row of a file, and its texts."""
    ways = set()
    for text in row.values():
        ways |= set(NUMBER.findall(text))
        try:
            value = float(text)
        except ValueError:
            continue
        for said in (
            WORDS.count(value), WORDS.number(value, 1), WORDS.link(value), WORDS.ratio(value), WORDS.number(value, 3),
            WORDS.percent(value), WORDS.percent(value, 1),
        ):  # fmt: skip
            ways |= set(NUMBER.findall(said))
        ways |= {"0.001"} if value < 0.001 else set()
    return ways


@pytest.mark.parametrize("name", PAGES)
def test_every_number_of_a_table_is_in_its_file(report, name):
    """Row by row, to the printed digit; no table without a file, no row more or less."""
    tables = _read(report, name).found
    assert len(tables) >= 4
    for address, rows in tables:
        lines = _file(report, address)
        assert len(rows) == len(lines), address
        for row, line in zip(rows, lines, strict=True):
            ways = _written(line)
            for cell in row:
                months = re.fullmatch(r"(?:\d+ )?[A-Z][a-z]{2,3} (\d{4})", cell)
                said = [months[1]] if months else NUMBER.findall(cell)
                assert set(said) <= ways, (address, cell, line)


@pytest.mark.parametrize("name", [name for name in PAGES if not name.startswith("01")])
def test_every_value_of_a_picture_of_dots_is_in_the_table_below_it(report, name):
    """The picture and the fold show the same numbers in the same order."""
    page = _read(report, name)
    folds = [[cell for row in rows for cell in row] for _, rows in page.found]
    assert page.dots
    for values in page.dots:
        assert any(set(values) <= set(cells) for cells in folds), values


@pytest.mark.parametrize("pillar", ["total", "brand"])
@pytest.mark.parametrize("measure", ["adjusted", "crude", "between"])
def test_ratios_of_the_regression_page_are_those_of_answer_json(report, run, pillar, measure):
    """In full, for every outcome."""
    cells = [cell for cell in json.loads(answer_json(run.audit))["cells"] if cell["exposure"] == pillar]
    by_outcome = {WORDS.outcome(cell["outcome"]): cell[measure] for cell in cells}
    lines = _file(report, f"tables/03-regression-{pillar}-{measure}.csv")
    assert [line["name"] for line in lines] == [WORDS.outcome(name) for name in schema.OUTCOMES]
    for line in lines:
        for key in ("rr", "low", "high", "p", "n_people"):
            expected = by_outcome[line["name"]].get(key)
            assert (float(line[key]) if line[key] else None) == expected, (line["name"], key)


def test_links_of_the_correlation_page_are_those_of_answer_json(report, run):
    """The picture's numbers in full; the sentences say the same with two digits."""
    answer = json.loads(answer_json(run.audit))
    links = {WORDS.outcome(one["outcome"]): one["link"] for one in answer["cells"] if one["exposure"] == "total"}
    links[WORDS.outcome("activity")] = answer["activity"]["links"]["total"]
    for line in _file(report, "tables/02-correlation-total-links.csv"):
        expected = links[line["name"]]
        assert (float(line["r"]) if line["r"] else None) == expected["r"]
    html = (report / "02-correlation-total.html").read_text(encoding="utf-8")
    sentences = re.findall(r"<li>SSI in total and (.*?): <b>.*?</b>, (\S+) \((\S+) to (\S+)\)", html)
    assert len(sentences) >= 4
    for outcome, *numbers in sentences:
        assert numbers == [WORDS.link(links[outcome][key]) for key in ("r", "low", "high")], outcome


def test_analyses_of_the_limits_page_are_those_of_answer_json(report, run):
    """Each curve has the ratios of its specification, sorted, and as many as were counted."""
    curve = run.audit.specification
    lines = _file(report, f"tables/05-limits-choices-{curve['outcome']}.csv")
    assert [float(line["ratio"]) for line in lines] == sorted(row["ratio"] for row in curve["rows"])
    agreement = {line["outcome"]: line for line in _file(report, "tables/05-limits-agreement.csv")}
    for outcome, one in {curve["outcome"]: curve, **curve["others"]}.items():
        line = agreement[WORDS.outcome(outcome)]
        assert (int(line["agree"]), int(line["n"])) == (one["agree"], one["n"])


def test_claims_of_the_register_are_those_of_answer_json(report, run):
    """State, estimate and people of every claim, in its order."""
    claims = json.loads(answer_json(run.audit))["claims"]
    lines = _file(report, "tables/04-claims-register.csv")
    assert [line["claim"] for line in lines] == [WORDS.claim(claim["id"]) for claim in claims]
    for line, claim in zip(lines, claims, strict=True):
        assert line["state"] == WORDS.claim_state(claim["state"])
        assert (float(line["estimate"]) if line["estimate"] else None) == claim["estimate"]


def test_rows_of_the_data_check_add_up(report, run):
    """Received rows are used, repaired, skipped or unmatched; people and months are those of the panel."""
    for line in _file(report, "tables/01-data-quality-files.csv"):
        parts = ("used", "repaired", "skipped", "unmatched")
        assert int(line["received"]) == sum(int(line[key]) for key in parts) > 0
    months = _file(report, "tables/01-data-quality-months.csv")
    assert sum(int(line["deal_won"]) for line in months) == int((run.tables.crm_events["kind"] == "deal_won").sum())
    people = _file(report, "tables/01-data-quality-people.csv")
    assert int(people[0]["count"]) == run.panel["person"].nunique() == run.audit.data["people"]
    assert all(math.isfinite(float(line["count"])) for line in people)
