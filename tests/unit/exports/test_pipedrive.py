"""Pipedrive: deals, leads and activities."""

from __future__ import annotations

import pytest

from ssi_audit.exports import crm
from ssi_audit.exports.pipedrive import NOT_DONE, OTHER_ACTIVITY
from ssi_audit.people import NO_OWNER
from tests.unit.exports.crm_files import events, lines_of, rows_in_ledger, rows_of, sheet_text, workbook
from tests.unit.exports.folders import complaint, reading

DEALS = ("Deal - ID", "Deal - Title", "Deal - Owner", "Deal - Value", "Deal - Currency of Value", "Deal - Organization",
         "Deal - Pipeline", "Deal - Stage", "Deal - Status", "Deal - Deal created", "Deal - Won time",
         "Deal - Lost time", "Deal - Deal closed on", "Deal - Expected close date",
         "Deal - Source channel")  # fmt: skip
WON = ("41", "Birch deal", "Ada Berg", "1200", "EUR", "Birch Ltd", "Sales", "Contact Made", "Won",
       "2026-01-04 14:02:11", "2026-03-27 16:05:00", "", "2026-03-27 16:05:00", "2026-02-28", "LinkedIn")  # fmt: skip
LOST = ("42", "Elm deal", "Ada Berg", "300", "EUR", "Elm & Co", "Sales", "Won't say", "lost", "2026-02-05 08:00:00", "",
        "2026-03-05 10:30:00", "2026-03-05 10:30:00", "2026-04-30", "")  # fmt: skip
OPEN = ("43", "Fir deal", "Eve Holm", "0", "EUR", "Fir Oy", "Sales", "Closed Won", "Open", "2026-01-18 23:30:00", "",
        "", "", "2026-03-01", "Web")  # fmt: skip
GONE = ("44", "Gone", "Eve Holm", "9", "EUR", "", "Sales", "Demo", "Deleted", "2026-01-18 23:30:00", "", "", "", "", "")
FILE = "deals-4471123-18.csv"


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_status_decides_and_never_the_stage(tmp_path, form):
    """An open deal in a stage called "Closed Won" is open; deleted ones are gone; a value of 0 was never typed."""
    rows = (DEALS, WON, LOST, OPEN, GONE)
    text = sheet_text(*rows)
    file = f"deals.{form}"
    read = reading(tmp_path, {file: text if form == "csv" else workbook(*rows)})
    assert read.kinds == {file: "Pipedrive export"}
    assert events(read, "person", "date", "kind", "amount", "currency", "source", "deal") == [
        ("Ada Berg", "2026-01-04", "opportunity", 1200, "EUR", "LinkedIn", "41"),
        ("Ada Berg", "2026-02-05", "opportunity", 300, "EUR", None, "42"),
        ("Ada Berg", "2026-03-05", "deal_lost", 300, "EUR", None, "42"),
        ("Ada Berg", "2026-03-27", "deal_won", 1200, "EUR", "LinkedIn", "41"),
        ("Eve Holm", "2026-01-18", "opportunity", None, "EUR", "Web", "43"),
    ]
    assert rows_of(read, file) == {"used": 3, crm.DELETED: 1}
    assert rows_in_ledger(read, file) == lines_of(text)


def test_times_are_utc(tmp_path):
    """Half past eleven at night is the next day in Helsinki, for the opening and for the closing."""
    won = (*WON[:9], "2026-01-04 23:30:00", "2026-03-27 22:30:00", "", "2026-03-27 22:30:00", *WON[13:])
    read = reading(tmp_path, {FILE: sheet_text(DEALS, won)}, timezone="Europe/Helsinki")
    assert [row[1] for row in events(read)] == ["2026-01-05", "2026-03-28"]


def test_older_headers_are_known(tmp_path):
    """Add time and Close time of older accounts; quoted differently, the same events."""
    header = ("Deal - ID", "Deal - Title", "Deal - Owner", "Deal - Value", "Deal - Status", "Deal - Add time",
              "Deal - Close time")  # fmt: skip
    row = ("41", "Birch deal", "Ada Berg", "1200", "won", "2026-01-04 14:02:11", "2026-03-27 16:05:00")
    read = reading(tmp_path, {FILE: sheet_text(header, row, quoting=0)})
    assert [row[1:] for row in events(read)] == [("2026-01-04", "opportunity"), ("2026-03-27", "deal_won")]


@pytest.mark.parametrize(("lost", "field"), [("Deal - Owner", "person"), ("Deal - Status", "status")])
def test_a_column_that_is_needed_is_asked_for(tmp_path, lost, field):
    """Without owner or status nothing can be counted: the missing field is named."""
    keep = [at for at, name in enumerate(DEALS) if name != lost]
    rows = [tuple(row[at] for at in keep) for row in (DEALS, WON)]
    text = complaint(tmp_path, {FILE: sheet_text(*rows)})
    assert f'column "{field}" is missing' in text
    assert "[columns.deals]" in text


def test_a_user_by_his_short_name_needs_people_csv(tmp_path):
    """The owner A. B. is somebody else only where people.csv says so; otherwise a person of his own."""
    files = {FILE: sheet_text(DEALS, (*WON[:2], "A. B.", *WON[3:]))}
    known = reading(tmp_path / "1", files | {"people.csv": "person,pipedrive_user\nAda Berg,A. B.\n"})
    assert {row[0] for row in events(known)} == {"Ada Berg"}
    assert {row[0] for row in events(reading(tmp_path / "2", files))} == {"A. B."}


def test_leads_are_inquiries(tmp_path):
    """On the day they were created; a lead that became a deal shares its case."""
    header = ("Lead - ID", "Lead - Title", "Lead - Owner", "Lead - Source", "Lead - Lead created", "Lead - Deal ID")
    rows = [
        ("a1", "Birch", "Ada Berg", "LinkedIn", "2026-01-02 10:00:00", "41"),
        ("a2", "Elm", "Eve Holm", "Web", "2026-01-03 10:00:00", ""),
        ("a3", "Fir", "Eve Holm", "Web", "", ""), ("a4", "Oak", "", "Web", "2026-01-03 10:00:00", ""),
    ]  # fmt: skip
    read = reading(tmp_path, {"leads.csv": sheet_text(header, *rows)})
    assert events(read, "person", "date", "kind", "source", "deal") == [
        ("Ada Berg", "2026-01-02", "inquiry", "LinkedIn", "41"), ("Eve Holm", "2026-01-03", "inquiry", "Web", "a2"),
    ]  # fmt: skip
    assert rows_of(read, "leads.csv") == {"used": 2, crm.NO_DATE: 1, NO_OWNER: 1}


def test_leads_without_a_day_are_asked_about(tmp_path):
    """No column says when a lead came in."""
    text = complaint(
        tmp_path, {"leads.csv": sheet_text(("Lead - ID", "Lead - Title", "Lead - Owner"), ("a", "b", "c"))}
    )
    assert 'column "created" is missing' in text


ACTIVITIES = ("Activity - ID", "Activity - Subject", "Activity - Type", "Activity - Assigned to user",
              "Activity - Due date", "Activity - Due time", "Activity - Done", "Deal - ID")  # fmt: skip


def test_activities_that_are_meetings_and_were_done(tmp_path):
    """A call is none, a meeting that is still to do is none; date and time stand in two columns, in UTC."""
    rows = [
        ("1", "Discovery", "Meeting", "Ada Berg", "2026-02-10", "10:00:00", "Done", "41"),
        ("2", "Ring up", "Call", "Ada Berg", "2026-02-10", "11:00:00", "Done", "41"),
        ("3", "Offer", "Meeting", "Ada Berg", "2026-02-11", "10:00:00", "To do", "41"),
        ("4", "Spotkanie w biurze", "Spotkanie", "Eve Holm", "2026-02-12", "", "Done", ""),
        ("5", "Late one", "Demo", "Eve Holm", "2026-02-12", "23:30", "1", ""),
        ("6", "Cancelled: Demo", "Demo", "Eve Holm", "2026-02-12", "", "1", ""),
    ]
    text = sheet_text(ACTIVITIES, *rows)
    read = reading(tmp_path, {"activities.csv": text}, timezone="Europe/Helsinki")
    assert events(read, "person", "date", "deal") == [
        ("Ada Berg", "2026-02-10", "41"), ("Eve Holm", "2026-02-12", None), ("Eve Holm", "2026-02-13", None),
    ]  # fmt: skip
    assert rows_of(read, "activities.csv") == {"used": 3, OTHER_ACTIVITY: 1, NOT_DONE: 1, crm.NOT_HELD: 1}
    assert rows_in_ledger(read, "activities.csv") == lines_of(text)


def test_the_user_says_which_other_activities_are_meetings(tmp_path):
    """meeting_words are looked for in type and subject; without a column of types every done activity counts."""
    rows = [("1", "Fair in Turku", "Task", "Ada Berg", "2026-02-10", "", "Done", "")]
    files = {"activities.csv": sheet_text(ACTIVITIES, *rows)}
    assert len(events(reading(tmp_path / "1", files))) == 0
    assert len(events(reading(tmp_path / "2", files, meeting_words=("fair",)))) == 1
    untyped = [tuple(cell for at, cell in enumerate(row) if at != 2) for row in (ACTIVITIES, *rows)]
    assert len(events(reading(tmp_path / "3", {"activities.csv": sheet_text(*untyped)}))) == 1
