"""Workbooks with several tables: each visible sheet is read, or listed with its rows."""

from __future__ import annotations

import pytest

from ssi_audit.exports import linkedin_content, twice, workbooks
from tests.unit.exports.crm_files import workbook_of
from tests.unit.exports.folders import complaint, fates, fill, named, reading

PEOPLE = "person\nAda Berg\nBo Lund\n"
DEALS = ["Deal Owner", "Deal ID", "Deal Name", "Stage", "Created Date", "Close Date", "Amount"]
HUBSPOT = ["Record ID", "Deal Name", "Deal Stage", "Create Date", "Close Date", "Deal owner", "Associated Contact IDs"]
CONTACTS = "Record ID,Contact owner,Lifecycle Stage,Create Date,Associated Deal IDs\n7,Ada Berg,Lead,2025-01-01,5\n"
SSI = ["Date", "SSI", "Brand", "People", "Insights", "Relationships"]


def deal(number: int, month: int) -> list:
    """A row of a sheet of deals."""
    return ["Ada Berg", str(number), f"Deal {number}", "Closed Won", f"2025-{month:02}-03", f"2025-{month:02}-09", 100]


def won(read) -> list[str]:
    """Days of won deals."""
    return sorted(row[1] for row in named(read, "crm_events") if row[2] == "deal_won")


def read_book(
    folder, sheets: dict[str, list[list]], hidden: tuple[str, ...] = (), name: str = "deals.xlsx", **settings
):
    """Read a folder with the workbook and a list of people."""
    return reading(folder, {"people.csv": PEOPLE, name: workbook_of(sheets, hidden)}, **settings)


@pytest.mark.parametrize("few", [workbooks.FEW_CELLS, 0])
def test_a_sheet_a_month_is_read_as_a_file_a_month(tmp_path, monkeypatch, few):
    """The first goes by the name of the workbook; what nobody knows is listed with its rows and said.

    The same where the cells are too many to be kept, and are read again.
    """
    monkeypatch.setattr(workbooks, "FEW_CELLS", few)
    read = read_book(tmp_path, {"Jan": [DEALS, deal(1, 1)], "Feb": [DEALS, deal(2, 2)], "Notes": [["hello"], ["you"]]})
    assert won(read) == ["2025-01-09", "2025-02-09"]
    assert fates(read, "deals.xlsx") == [(2, 2, "used", "")]
    assert fates(read, "deals.xlsx [Feb]") == [(2, 2, "used", "")]
    assert fates(read, "deals.xlsx [Notes]") == [(1, 2, "skipped", "not recognised")]
    assert any(note.startswith("deals.xlsx [Notes] is not a sheet this program knows") for note in read.tables.notes)


def test_tables_of_different_kinds_in_one_workbook(tmp_path):
    """Each sheet has the reader that knows it."""
    read = read_book(
        tmp_path,
        {
            "crm_events": [["person", "date", "kind"], ["Ada Berg", "2025-01-05", "meeting"]],
            "quotas": [["person", "period_start", "period_end", "quota"], ["Ada Berg", "2025-01-01", "2025-01-31", 9]],
            "absences": [["person", "first_day", "last_day"], ["Ada Berg", "2025-01-01", "2025-01-31"]],
        },
    )
    assert [len(getattr(read.tables, name)) for name in ("crm_events", "quotas", "absences")] == [1, 1, 1]


def test_a_table_behind_an_overview(tmp_path):
    """The first sheet that is recognised goes by the name of the workbook, the overview by its own."""
    read = read_book(tmp_path, {"Overview": [["Review", ""], ["Total", 300]], "Data": [DEALS, deal(1, 1)]})
    assert won(read) == ["2025-01-09"]
    assert fates(read, "deals.xlsx") == [(2, 2, "used", "")]
    assert fates(read, "deals.xlsx [Overview]") == [(1, 2, "skipped", "not recognised")]


def test_a_table_behind_a_sheet_of_blank_cells(tmp_path):
    """Blank cells are no table."""
    assert won(read_book(tmp_path, {"A": [[" ", " "]], "Data": [DEALS, deal(1, 1)]})) == ["2025-01-09"]


def test_sheets_of_an_export_that_is_read_in_several_files(tmp_path):
    """HubSpot's deals a tab a year beside a file of contacts."""
    rows = [[str(at), "A", "Closed Won", f"202{at}-01-02", f"202{at}-02-02", "Ada Berg", "7"] for at in (4, 5)]
    fill(tmp_path, {"contacts.csv": CONTACTS})
    read = read_book(tmp_path, {"2024": [HUBSPOT, rows[0]], "2025": [HUBSPOT, rows[1]]})
    assert won(read) == ["2024-02-02", "2025-02-02"]
    assert read.kinds["deals.xlsx [2025]"] == read.kinds["contacts.csv"] == "HubSpot export"


def test_hidden_and_empty_sheets_are_nobodys_data(tmp_path):
    """As before: a workbook with one table is that table."""
    read = read_book(tmp_path, {"old": [DEALS, deal(1, 1)], "now": [DEALS, deal(2, 2)], "empty": []}, hidden=("old",))
    assert won(read) == ["2025-02-09"]
    assert set(read.tables.ledger["file"]) == {"deals.xlsx", "people.csv"}


def test_a_problem_names_the_sheet(tmp_path):
    """File, sheet, row and column; the other sheets can be read without it."""
    broken = [*deal(2, 2)[:-1], "much"]
    sheets = {"Jan": [DEALS, deal(1, 1)], "Feb": [DEALS, broken]}
    said = complaint(tmp_path, {"people.csv": PEOPLE, "deals.xlsx": workbook_of(sheets)})
    assert "deals.xlsx [Feb]: 1 problem" in said
    assert 'row 2, "Amount" = much' in said
    read = reading(tmp_path, skip_unreadable=True)
    assert won(read) == ["2025-01-09"]
    assert fates(read, "deals.xlsx [Feb]") == [(1, 1, "skipped", "unreadable")]


def test_a_sheet_with_a_fault_is_named(tmp_path, monkeypatch):
    """A reader that fails on the second sheet of a workbook: said, not passed over."""
    recognises = linkedin_content.recognises

    def fails(file):
        if file.title == "Feb":
            raise ValueError("odd")
        return recognises(file)

    monkeypatch.setattr(linkedin_content, "recognises", fails)
    said = complaint(tmp_path, {"deals.xlsx": workbook_of({"Jan": [["x"]], "Feb": [DEALS, deal(1, 1)]})})
    assert "this program fails on this file: ValueError: odd" in said


def test_a_copy_of_a_workbook_is_left_out_sheet_by_sheet(tmp_path):
    """Two sheets of one workbook have the same bytes and are not copies of each other."""
    sheets = {"Jan": [DEALS, deal(1, 1)], "Feb": [DEALS, deal(1, 1)]}
    book = workbook_of(sheets)
    read = reading(tmp_path, {"people.csv": PEOPLE, "a.xlsx": book, "b.xlsx": book})
    assert won(read) == ["2025-01-09"]
    reasons = {name: fates(read, name)[0][3] for name in ("a.xlsx [Feb]", "b.xlsx", "b.xlsx [Feb]")}
    assert reasons["b.xlsx"] == reasons["b.xlsx [Feb]"] != reasons["a.xlsx [Feb]"]


def test_scores_of_each_person_behind_deals(tmp_path):
    """The sheets of readings stay together: each is called after its person. What nobody knows is listed."""
    sheets = {
        "Deals": [DEALS, deal(1, 1)],
        "Ada Berg": [SSI, ["2025-03-02", 40, 10, 10, 10, 10]],
        "Bo Lund": [SSI, ["2025-03-02", 41, 11, 10, 10, 10]],
        "Notes": [["to do"]],
    }
    read = read_book(tmp_path, sheets, name="all.xlsx")
    assert sorted((row[0], row[6]) for row in named(read, "ssi")) == [("Ada Berg", 40), ("Bo Lund", 41)]
    assert won(read) == ["2025-01-09"]
    assert fates(read, "all.xlsx [Bo Lund]") == [(2, 2, "used", "")]
    assert fates(read, "all.xlsx [Notes]") == [(1, 1, "skipped", "sheet without readings")]


def test_the_owner_of_a_sheet(tmp_path):
    """The answer for the workbook holds for its sheets; one for a sheet comes before it."""
    counts = [["date", "metric", "count"], ["2025-03-02", "comments", 4]]
    days = [["Date", *SSI[1:]], ["2025-03-02", 40, 10, 10, 10, 10]]
    sheets = {"Deals": [DEALS, deal(1, 1)], "SSI": days, "more": counts}
    read = read_book(tmp_path, sheets, name="all.xlsx", persons={"all.xlsx": "Bo Lund"})
    assert [row[0] for row in named(read, "ssi")] == ["Bo Lund"]
    read = reading(tmp_path, persons={"all.xlsx": "Bo Lund", "all.xlsx [SSI]": "Ada Berg"})
    assert [row[0] for row in named(read, "ssi")] == ["Ada Berg"]


@pytest.mark.parametrize(
    "names",
    [
        ["Jan", "Feb", "Apr"],
        ["Apr", "Feb", "Jan"],
        ["styczeń 2025", "luty 2025", "kwiecień 2025"],
        ["Oct", "Nov", "Jan"],
        ["Tab 2", "Tab 10", "Old"],
    ],
)
def test_of_sheets_that_tell_a_deal_the_later_one_counts(tmp_path, names):
    """Sheets stand from the earliest to the latest, or the other way round where their names say so."""
    stages = ["Negotiation", "Closed Lost", "Closed Won"] if names[0] != "Apr" else ["Closed Won", "Closed Lost", "New"]
    rows = [["Ada Berg", "D1", "Oak", stage, "2025-01-03", "2025-04-09", 100] for stage in stages]
    read = read_book(tmp_path, {name: [DEALS, row] for name, row in zip(names, rows)})
    assert won(read) == ["2025-04-09"]
    assert any(twice.BY_NAME in note for note in read.tables.notes)


def test_scores_behind_a_cover_sheet_are_known_by_their_own_header(tmp_path):
    """A sheet of scores is read together with those that nobody knows, and one of them may stand to its left."""
    scores = [["Name", "Date", "SSI"], ["Ada Berg", "2025-01-05", 55], ["Ada Berg", "2025-01-12", 56]]
    sheets = {"Instructions": [["Fill in"], ["please"]], "Deals": [DEALS, deal(1, 1)], "SSI": scores}
    read = read_book(tmp_path, sheets)
    assert [row[6] for row in named(read, "ssi")] == [55, 56]
    assert won(read) == ["2025-01-09"]
    assert [fate[2] for fate in fates(read, "deals.xlsx [Instructions]")] == ["skipped"]
