"""Zoho CRM: deals, leads and meetings; owners by name or by id alone."""

from __future__ import annotations

import pytest

from ssi_audit.exports import crm
from ssi_audit.people import NO_OWNER, UNKNOWN_ID
from tests.unit.exports.crm_files import events, lines_of, rows_in_ledger, rows_of, sheet_text
from tests.unit.exports.folders import complaint, reading

DEALS = ("Record Id", "Deal Owner.id", "Deal Owner", "Amount", "Deal Name", "Closing Date", "Account Name.id",
         "Account Name", "Stage", "Lead Source", "Created Time", "Modified Time")  # fmt: skip
WON = ("zcrm_201", "zcrm_101", "Ada Berg", "1200", "Birch rollout", "2026-03-27", "zcrm_301", "Birch Ltd", "Closed Won",
       "LinkedIn", "2026-01-04 14:02:11", "2026-03-27 16:05:00")  # fmt: skip
LOST = ("zcrm_202", "zcrm_101", "Ada Berg", "300", "Elm pilot", "2026-03-05", "zcrm_302", "Elm & Co",
        "Closed Lost to Competition", "Web", "2026-02-05 08:00:00", "2026-03-05 10:30:00")  # fmt: skip
OPEN = ("zcrm_203", "zcrm_102", "Eve Holm", "", "Fir trial", "2026-03-01", "", "", "Negotiation/Review", "",
        "2026-01-18 23:59:00", "2026-02-20 10:30:00")  # fmt: skip
NOBODYS = ("zcrm_204", "", "", "1", "Oak", "2026-03-01", "", "", "Closed Won", "", "2026-01-18 23:59:00", "")
FILE = "Deals_2026_03_28.csv"


def test_deals_by_their_stage(tmp_path):
    """The closing date of an open deal is a forecast; a deal of nobody is told."""
    text = sheet_text(DEALS, WON, LOST, OPEN, NOBODYS)
    read = reading(tmp_path, {FILE: text})
    assert read.kinds == {FILE: "Zoho CRM export"}
    assert events(read, "person", "date", "kind", "amount", "source", "deal") == [
        ("Ada Berg", "2026-01-04", "opportunity", 1200, "LinkedIn", "zcrm_201"),
        ("Ada Berg", "2026-02-05", "opportunity", 300, "Web", "zcrm_202"),
        ("Ada Berg", "2026-03-05", "deal_lost", 300, "Web", "zcrm_202"),
        ("Ada Berg", "2026-03-27", "deal_won", 1200, "LinkedIn", "zcrm_201"),
        ("Eve Holm", "2026-01-18", "opportunity", None, None, "zcrm_203"),
    ]
    assert rows_of(read, FILE) == {"used": 3, NO_OWNER: 1}
    assert rows_in_ledger(read, FILE) == lines_of(text)


def test_owners_by_id_alone_need_people_csv(tmp_path):
    """The column of names may be missing; the id finds its person with and without its prefix."""
    keep = [at for at, name in enumerate(DEALS) if name != "Deal Owner"]
    files = {FILE: sheet_text(*(tuple(row[at] for at in keep) for row in (DEALS, WON)))}
    assert rows_of(reading(tmp_path / "1", files), FILE) == {UNKNOWN_ID: 1}
    for number, written in (("2", "zcrm_101"), ("3", "101")):
        people = {"people.csv": f"person,zoho_owner_id\nAda Berg,{written}\n"}
        assert {row[0] for row in events(reading(tmp_path / number, files | people))} == {"Ada Berg"}


@pytest.mark.parametrize(
    ("closing", "created", "date"),
    [("27/03/2026", "04/01/2026 14:02", "2026-01-04"), ("03/27/2026", "01/04/2026 02:02 PM", "2026-01-04")],
)
def test_the_order_of_days_follows_the_account(tmp_path, closing, created, date):
    """One column shows the order for the other, day first or month first."""
    row = (*WON[:5], closing, *WON[6:10], created, "")
    read = reading(tmp_path, {FILE: sheet_text(DEALS, row)})
    assert [event[1] for event in events(read)] == [date, "2026-03-27"]


def test_leads_are_inquiries(tmp_path):
    """A converted lead shares the case of its deal."""
    header = ("Record Id", "Lead Owner.id", "Lead Owner", "Company", "Lead Source", "Created Time", "Converted Deal.id")
    rows = [
        ("zcrm_401", "zcrm_101", "Ada Berg", "Birch", "LinkedIn", "2026-01-02 10:00:00", "zcrm_201"),
        ("zcrm_402", "zcrm_102", "Eve Holm", "Elm", "Web", "2026-01-03 10:00:00", ""),
        ("zcrm_403", "zcrm_102", "Eve Holm", "Elm", "Web", "", ""),
    ]
    read = reading(tmp_path, {"Leads.csv": sheet_text(header, *rows)})
    assert events(read, "person", "date", "kind", "source", "deal") == [
        ("Ada Berg", "2026-01-02", "inquiry", "LinkedIn", "zcrm_201"),
        ("Eve Holm", "2026-01-03", "inquiry", "Web", "zcrm_402"),
    ]
    assert rows_of(read, "Leads.csv") == {"used": 2, crm.NO_DATE: 1}


def test_meetings_belong_to_their_host(tmp_path):
    """On the day they began, tied to what they are about; cancelled ones are none."""
    header = ("Record Id", "Host.id", "Host", "Title", "From", "To", "What Id.id", "Status")
    rows = [
        ("zcrm_501", "zcrm_101", "Ada Berg", "Demo", "2026-02-10 10:00:00", "2026-02-10 11:00:00", "zcrm_201", ""),
        ("zcrm_502", "zcrm_101", "Ada Berg", "Demo", "2026-02-11 10:00:00", "2026-02-11 11:00:00", "", "Cancelled"),
    ]
    read = reading(tmp_path, {"Meetings.csv": sheet_text(header, *rows)})
    assert events(read, "person", "date", "deal") == [("Ada Berg", "2026-02-10", "zcrm_201")]
    assert rows_of(read, "Meetings.csv") == {"used": 1, crm.NOT_HELD: 1}


def test_names_of_owners_without_ids_are_enough(tmp_path):
    """An export with the owner's name only is recognised and read the same."""
    keep = [at for at, name in enumerate(DEALS) if name != "Deal Owner.id"]
    read = reading(tmp_path, {FILE: sheet_text(*(tuple(row[at] for at in keep) for row in (DEALS, WON)))})
    assert read.kinds == {FILE: "Zoho CRM export"}
    assert len(events(read)) == 2


def test_other_modules_are_not_taken_for_deals(tmp_path):
    """Contacts have record ids, and nothing to count."""
    header = ("Record Id", "Contact Owner", "First Name", "Created Time")
    read = reading(tmp_path, {"Contacts.csv": sheet_text(header, ("zcrm_1", "Ada Berg", "Bo", "2026-01-02"))})
    assert read.kinds == {}


def test_stages_of_ones_own_are_asked_about(tmp_path):
    """Without any stage that is an end nobody can say what was won."""
    text = complaint(tmp_path, {FILE: sheet_text(DEALS, (*WON[:8], "Archiwum", *WON[9:]))})
    assert 'Stages without a known meaning: "Archiwum"' in text
