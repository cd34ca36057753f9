"""Tables on a page and in a file: accessible, in the reader's language, and harmless in a spreadsheet."""

import csv
import io
import math

import numpy as np
import pandas as pd
import pytest

from ssi_audit.report.tables import (
    Column,
    Table,
    correlation_table,
    fit_table,
    link_table,
    rule_table,
    safe_cell,
    strip,
    write,
    write_csv,
)
from ssi_audit.report.words import Words
from tests.unit.report import factories

WORDS = Words("en")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_text_that_could_be_a_formula_gets_an_apostrophe(start):
    """OWASP's list of first characters."""
    assert safe_cell(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


@pytest.mark.parametrize("value", [-0.35, -7, 0.0, np.float64(-1.5), "Team A", "a=b", ""])
def test_numbers_and_harmless_texts_stay_as_they_are(value):
    """A minus sign makes a number no formula."""
    assert safe_cell(value) is value


def test_a_file_has_all_digits_and_no_formula(tmp_path):
    """Rows and numbers survive the way to the file and back."""
    frame = pd.DataFrame({"=name": ["=1+1", "+Ł", 'ไทย, "x"'], "r": [-0.123456789012345, math.nan, 1e-9]})
    text = write_csv(frame, tmp_path / "tables" / "a.csv").read_bytes().decode()
    assert list(csv.reader(io.StringIO(text))) == [
        ["'=name", "r"], ["'=1+1", "-0.123456789012345"], ["'+Ł", ""], ["ไทย, \"x\"", "1e-09"],
    ]  # fmt: skip


def test_the_same_numbers_give_the_same_bytes_and_leave_nothing_beside(tmp_path):
    """Written beside and moved into place."""
    table = link_table(factories.activity_gauge(), WORDS)
    first = write_csv(table, tmp_path / "a.csv").read_bytes()
    assert write_csv(table, tmp_path / "a.csv").read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_range_is_one_text_on_the_page_and_two_numbers_in_the_file():
    """A page is read, a file is computed with."""
    table = rule_table(factories.activity_gauge(), WORDS)
    assert "1.01 (0.95 to 1.07)" in table.html(WORDS)
    assert list(table.for_file().columns) == ["outcome", "verdict", "rr", "low", "high", "strict", "loose", "why"]
    assert table.for_file()["rr"].iloc[0] == 1.01


def test_a_table_has_a_caption_and_no_empty_header():
    """Every column and every row has a header with its scope."""
    table = fit_table({"Inquiries": factories.fit(1.2, 0.05, "inquiries")}, WORDS, "What <b>goes</b> with it")
    html = table.html(WORDS)
    assert '<caption class="hidden">What &lt;b&gt;goes&lt;/b&gt; with it</caption>' in html
    assert html.count('<th scope="col"') == len(table.columns)
    assert html.count('<th scope="row">') == 1
    assert '"></th>' not in html and ">None<" not in html


def test_texts_from_data_are_escaped():
    """A name from a CRM is text, whatever it holds."""
    frame = pd.DataFrame({"name": ["<script>alert(1)</script>"], "n": [3]})
    table = Table("x", frame, (Column("name", "Name"), Column("n", "Number", "count")))
    assert "<script>" not in table.fold(WORDS, "tables/x.csv")


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (1234, "count", "1,234"), (0.0349, "link", "0.03"), (-0.001, "link", "0.00"), (1.0973, "ratio", "1.10"),
        (0.94, "percent", "94%"), (0.0234, "percent1", "2.3%"), (41.25, "decimal", "41.2"),
        ("2025-05-05", "date", "5 May 2025"),
        (pd.Timestamp("2025-05-05"), "date", "5 May 2025"), (0.00004, "p", "< 0.001"), (0.0312, "p", "0.031"),
        (math.nan, "ratio", "–"), (None, "text", "–"), (pd.NaT, "date", "–"),
    ],
)  # fmt: skip
def test_each_kind_of_value_has_its_digits(value, kind, text):
    """Two decimals for links, whole numbers for people, never 0.000."""
    assert write(WORDS, value, kind) == text


def test_an_unknown_kind_is_an_error():
    """A typing error must not print a raw number."""
    with pytest.raises(ValueError, match="no way to write 'percentage'"):
        write(WORDS, 1.0, "percentage")


def test_the_strip_repeats_the_word_in_its_colour():
    """Three steps for clear links, hatching for what could be nothing, and the other way in its own colour."""
    rows = {code: cells for code, _, _, cells in strip(factories.activity_gauge(), WORDS)}
    assert [cell.style for cell in rows["total"]] == ["s3", "s1", "s0", "s0"]
    assert [cell.word for cell in rows["brand"]] == ["strong", "moderate", "no visible link", "no visible link"]
    assert rows["people"][3].number == "−0.07" and rows["people"][3].range == "−0.24 to 0.10"
    turned = {code: cells for code, _, _, cells in strip(factories.negative(), WORDS)}
    assert turned["total"][3].style == "m1"


def test_a_missing_link_is_a_dash_with_its_word():
    """The cell stays where it is."""
    cells = strip(factories.no_deals(), WORDS)[0][3]
    assert (cells[3].number, cells[3].word, cells[3].range, cells[3].style) == ("–", "not enough data", "", "sx")


def test_an_unknown_link_leaves_its_numbers_empty():
    """An estimate without a range is not passed on as if it had one."""
    table = correlation_table({"x": factories.NO_LINK, "y": factories.link(0.2)}, WORDS, "c")
    assert table.frame["r"].isna().tolist() == [True, False]
    assert table.frame["word"].tolist() == ["not enough data", "weak"]
