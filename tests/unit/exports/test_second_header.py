"""One export pasted under another, with more columns: asked about, never cut off."""

from __future__ import annotations

import pytest

from ssi_audit.settings import Settings
from tests.unit.exports.crm_files import workbook
from tests.unit.exports.folders import complaint, fates, reading
from tests.unit.exports.in_blocks import read_in_blocks, tiny_blocks  # noqa: F401

SHORT = ("Deal Owner", "Deal ID", "Deal Name", "Stage", "Created Date", "Close Date")
FULL = (*SHORT, "Amount", "Currency")
ROW = ("Ada Berg", "1", "A", "Closed Won", "2025-01-03", "2025-01-09")
STACKED = (SHORT, ROW, (*ROW[:1], "2", *ROW[2:]), (), FULL, (*ROW[:1], "3", *ROW[2:], "100", "EUR"))
SSI = (
    "person,date,total\nAda Berg,2025-01-05,40\n"
    "person,date,brand,people,insights,relationships,total\nAda Berg,2025-01-12,10,10,10,10,40\n"
)
FIX = "split the file into two"


def as_text(rows) -> str:
    return "".join(",".join(row) + "\n" for row in rows)


@pytest.mark.parametrize("name, content", [("deals.csv", as_text(STACKED)), ("deals.xlsx", workbook(*STACKED))])
def test_a_second_header_of_a_crm_export_is_a_problem(tmp_path, name, content):
    """The row of it, the row of the first, and what to do."""
    said = complaint(tmp_path, {name: content})
    assert f"{name}: 1 problem" in said
    assert "row 5: a second header, with other columns than the one in row 1" in said
    assert f"{FIX}: rows 1 to 4, and from row 5 on" in said


def test_a_second_header_of_a_plain_table_is_a_problem(tmp_path):
    """With one row between them, below a title, behind a separator line."""
    assert "row 3: a second header" in complaint(tmp_path / "a", {"ssi.csv": SSI})
    assert "row 5: a second header" in complaint(tmp_path / "b", {"ssi.csv": f"Scores\n\n{SSI}"})
    assert "row 3: a second header" in complaint(tmp_path / "c", {"ssi.csv": f"sep=,\n{SSI}"})


def test_a_second_header_of_an_object_of_salesforce_is_a_problem(tmp_path):
    """Its tables are cut by a reader of their own."""
    short = ("Id", "IsDeleted", "OwnerId", "CreatedDate", "CloseDate", "StageName")
    row = ("006A000000abcde", "0", "005A000000abcde", "2025-01-03 10:00:00", "2025-01-09", "Closed Won")
    full = (*short, "IsClosed", "IsWon", "Amount")
    said = complaint(tmp_path, {"Opportunity.csv": as_text((short, row, full, (*row, "1", "1", "9")))})
    assert "row 3: a second header" in said


@pytest.mark.usefixtures("tiny_blocks")
def test_a_second_header_of_a_large_table_is_a_problem(tmp_path):
    """Read in blocks, of which the first rows would go missing in the same way."""
    (tmp_path / "ssi.csv").write_text(SSI)
    assert "row 3: a second header" in read_in_blocks(tmp_path, Settings()).complaint


@pytest.mark.parametrize(
    "above",
    [
        [("Opportunity Report",), ("Deal Owner", "All", "Stage", "Won"), ("Close Date", "2025-01-01")],
        [("Deal Owner", "Amount")],
        [("Deal Owner", "Stage"), ("",), ("of the first quarter",)],
        [("Amount", "1,000.00"), ("Stage", "Won"), ("Currency", "EUR")],
    ],
)
def test_titles_and_filters_above_a_header_are_no_table(tmp_path, above):
    """Words of the header stand in them, but no rows below those."""
    rows = (*above, FULL, (*ROW, "100", "EUR"))
    read = reading(tmp_path, {"deals.xlsx": workbook(*rows)})
    assert fates(read, "deals.xlsx") == [(len(rows), len(rows), "used", "")]


def test_the_same_header_again_is_no_second_one(tmp_path):
    """Repeated as it is: its row is left out, all others are read."""
    read = reading(tmp_path, {"deals.csv": as_text((SHORT, ROW, SHORT, (*ROW[:1], "2", *ROW[2:])))})
    assert fates(read, "deals.csv") == [(2, 2, "used", ""), (3, 3, "skipped", "repeated header"), (4, 4, "used", "")]
