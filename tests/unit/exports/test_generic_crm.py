"""Pipelines, leads, meetings and team lists of any other system, by the words of their headers."""

from __future__ import annotations

import pytest

from ssi_audit.exports import crm
from ssi_audit.people import NO_OWNER
from tests.unit.exports.crm_files import events, lines_of, rows_in_ledger, rows_of, sheet_text
from tests.unit.exports.folders import complaint, reading

DEALS = ("opportunity_id", "sales_agent", "account", "deal_stage", "engage_date", "close_date", "close_value")
WON = ("A1", "Ada Berg", "Birch", "Won", "2026-01-04", "2026-03-27", "1200")
LOST = ("A2", "Ada Berg", "Elm", "Lost", "2026-02-05", "2026-03-05", "0")
OPEN = ("A3", "Eve Holm", "", "Engaging", "2026-01-18", "", "")
PROSPECT = ("A4", "Eve Holm", "", "Prospecting", "", "", "")


def test_a_pipeline_is_known_by_seller_stage_and_day(tmp_path):
    """A lost deal of 0 has no amount; a deal without any day is told."""
    text = sheet_text(DEALS, WON, LOST, OPEN, PROSPECT)
    read = reading(tmp_path, {"pipeline.csv": text})
    assert read.kinds == {"pipeline.csv": "CRM table"}
    assert events(read, "person", "date", "kind", "amount", "deal") == [
        ("Ada Berg", "2026-01-04", "opportunity", 1200, "A1"), ("Ada Berg", "2026-02-05", "opportunity", None, "A2"),
        ("Ada Berg", "2026-03-05", "deal_lost", None, "A2"), ("Ada Berg", "2026-03-27", "deal_won", 1200, "A1"),
        ("Eve Holm", "2026-01-18", "opportunity", None, "A3"),
    ]  # fmt: skip
    assert rows_of(read, "pipeline.csv") == {"used": 3, crm.OPEN_UNDATED: 1}
    assert rows_in_ledger(read, "pipeline.csv") == lines_of(text)


LANGUAGES = {
    "Polish": (("Handlowiec", "Nazwa szansy", "Etap", "Data utworzenia", "Data zamknięcia", "Kwota", "Waluta"),
               "Wygrana", "1 200,50", "04.01.2026", "27.03.2026"),
    "Italian": (("Venditore", "Trattativa", "Fase", "Data creazione", "Data chiusura", "Importo", "Valuta"),
                "Vinta", "1.200,50", "04/01/2026", "27/03/2026"),
    "Finnish": (("Myyjä", "Kauppa", "Vaihe", "Luontipäivä", "Sulkemispäivä", "Summa", "Valuutta"),
                "Voitettu", "1 200,50", "4.1.2026", "27.3.2026"),
    "Thai": (("พนักงานขาย", "Deal Name", "สถานะ", "วันที่สร้าง", "วันที่ปิด", "มูลค่า", "สกุลเงิน"),
             "ชนะ", "1,200.50", "4/1/2569", "27/3/2569"),
    "German": (("Verkäufer", "Verkaufschance", "Phase", "Erstellt am", "Abschlussdatum", "Betrag", "Währung"),
               "Gewonnen", "1.200,50", "04.01.2026", "27.03.2026"),
}  # fmt: skip


def test_headers_in_the_languages_of_the_users(tmp_path):
    """A hand-made list of deals in five languages gives the same two events."""
    files = {
        f"{language}.csv": sheet_text(header, ("Ada Berg", language, won, created, closed, amount, "EUR"))
        for language, (header, won, amount, created, closed) in LANGUAGES.items()
    }
    assert events(reading(tmp_path, files), "person", "date", "kind", "amount", "currency") == [
        *[("Ada Berg", "2026-01-04", "opportunity", 1200.5, "EUR")] * len(files),
        *[("Ada Berg", "2026-03-27", "deal_won", 1200.5, "EUR")] * len(files),
    ]


@pytest.mark.parametrize(
    "header",
    [
        ("Sales Rep", "Opportunity Name", "Stage", "Created Date", "Close Date"),
        ("Salesperson", "Deal Name", "Deal Stage", "Create Date", "Close Date"),
    ],
)
def test_a_seller_by_another_name_is_no_reason_to_ask(tmp_path, header):
    """Columns of Salesforce or HubSpot with a seller of another name: read, not refused for a missing owner."""
    read = reading(tmp_path, {"x.csv": sheet_text(header, ("Ada Berg", "A", "Closed Won", "2026-01-04", "2026-03-27"))})
    assert [row[0] for row in events(read)] == ["Ada Berg", "Ada Berg"]


def test_a_list_of_won_deals_says_so_by_its_dates(tmp_path):
    """A won date, or a lost one, is all that such a list tells; it takes nothing back that another file says."""
    header = ("mql_id", "seller_id", "sdr_id", "sr_id", "won_date")
    rows = [
        ("m1", "s1", "d1", "Ada Berg", "2026-03-27 19:58:54"),
        ("m2", "s2", "d2", "Eve Holm", "2026-03-28 20:17:59"),
    ]
    leads = sheet_text(
        ("mql_id", "first_contact_date", "landing_page_id", "origin"), ("m1", "2026-03-01", "p", "social")
    )
    read = reading(tmp_path, {"closed.csv": sheet_text(header, *rows), "leads.csv": leads})
    assert events(read) == [("Ada Berg", "2026-03-27", "deal_won"), ("Eve Holm", "2026-03-28", "deal_won")]
    assert any("a won deal counts for its sr_id" in note for note in read.tables.notes)
    assert sorted(read.tables.people["name"]) == ["Ada Berg", "Eve Holm"]
    lost = sheet_text(("Deal ID", "Sales Rep", "Won Date", "Lost Date"), ("1", "Ada Berg", "", "2026-03-05"))
    assert [row[2] for row in events(reading(tmp_path / "2", {"x.csv": lost}))] == ["deal_lost"]


def test_a_list_of_leads_may_name_nobody(tmp_path):
    """Its inquiries are told and counted for nobody, until the settings say whose list it is."""
    header = ("lead_id", "first_contact_date", "origin")
    rows = [("m1", "2026-03-01", "social"), ("m2", "2026-03-02", "paid"), ("m3", "", "paid")]
    files = {"leads.csv": sheet_text(header, *rows)}
    read = reading(tmp_path / "1", files)
    assert len(events(read)) == 0
    assert len(read.tables.people) == 0
    assert len(read.unmatched["crm_events"]) == 2
    assert rows_of(read, "leads.csv") == {NO_OWNER: 2, crm.NO_DATE: 1}
    assert any("2 inquiries without a person" in note for note in read.tables.notes)
    named = reading(tmp_path / "2", files, persons={"leads.csv": "Ada Berg"})
    assert events(named, "person", "date", "source", "deal") == [
        ("Ada Berg", "2026-03-01", "social", "m1"), ("Ada Berg", "2026-03-02", "paid", "m2"),
    ]  # fmt: skip


def test_leads_with_sellers_are_inquiries_of_theirs(tmp_path):
    """By name or by address."""
    header = ("Lead ID", "Lead Owner", "Owner Email", "Inquiry Date", "Lead Source")
    rows = [("1", "Ada Berg", "", "2026-03-01", "LinkedIn"), ("2", "", "ada@birch.example", "2026-03-02", "")]
    people = "person,email\nAda Berg,ada@birch.example\n"
    read = reading(tmp_path, {"leads.csv": sheet_text(header, *rows), "people.csv": people})
    assert [row[:2] for row in events(read)] == [("Ada Berg", "2026-03-01"), ("Ada Berg", "2026-03-02")]


@pytest.mark.parametrize(
    "header",
    [
        ("Account Executive", "Meeting Date", "Client"), ("Handlowiec", "Data spotkania", "Klient"),
        ("Venditore", "Data riunione", "Cliente"), ("Myyjä", "Tapaamispäivä", "Asiakas"),
        ("พนักงานขาย", "วันที่ประชุม", "ลูกค้า"),
    ],
)  # fmt: skip
def test_lists_of_meetings(tmp_path, header):
    """A seller and the day of a meeting a row; two rows of a day are two meetings."""
    rows = [("Ada Berg", "2026-02-10", "Birch"), ("Ada Berg", "2026-02-10", "Birch"), ("", "2026-02-11", "Elm"),
            ("Eve Holm", "", "Elm")]  # fmt: skip
    read = reading(tmp_path, {"meetings.csv": sheet_text(header, *rows)})
    assert events(read) == [("Ada Berg", "2026-02-10", "meeting")] * 2
    assert rows_of(read, "meetings.csv") == {"used": 2, NO_OWNER: 1, crm.NO_DATE: 1}


@pytest.mark.parametrize("clock", ["14:30", "2:30 PM", "14.30", "02:30:00 pm"])
def test_the_time_of_a_meeting_may_stand_in_a_column_of_its_own(tmp_path, clock):
    """A time that a calendar tells too makes the two one meeting; what is no time leaves the day alone."""
    header = ("Handlowiec", "Data spotkania", "Godzina spotkania", "Temat")
    rows = [("Ada Berg", "2026-02-10", clock, "Demo"), ("Ada Berg", "2026-02-11", "rano", "Demo"),
            ("Ada Berg", "2026-02-12", "25:00", "Demo")]  # fmt: skip
    calendar = sheet_text(
        ("Subject", "Start Date", "Start Time", "All day event", "Required Attendees"),
        ("Call Birch", "2026-02-10", "14:30:00", "False", "Bo Lind"),
    )
    read = reading(tmp_path, {"spotkania.csv": sheet_text(header, *rows), "Ada Berg.csv": calendar})
    assert [row[1] for row in events(read)] == ["2026-02-10", "2026-02-11", "2026-02-12"]
    assert rows_of(read, "Ada Berg.csv") == {"the same meeting in another system": 1}


def test_a_list_of_sellers_tells_their_teams(tmp_path):
    """Team and territory of people that other files know; a row without a name is told."""
    header = ("Sales Agent", "Manager", "Team", "Regional Office")
    rows = [
        ("Ada Berg", "Bo Lind", "North", "Turku"),
        ("Eve Holm", "Bo Lind", "South", ""),
        ("", "Bo Lind", "South", ""),
    ]
    files = {"teams.csv": sheet_text(header, *rows), "pipeline.csv": sheet_text(DEALS, WON, OPEN)}
    read = reading(tmp_path, files)
    people = read.tables.people.set_index("name")
    assert people["team"].to_dict() == {"Ada Berg": "North", "Eve Holm": "South"}
    assert people["territory"].fillna("").to_dict() == {"Ada Berg": "Turku", "Eve Holm": ""}
    assert rows_of(read, "teams.csv") == {"used": 2, NO_OWNER: 1}


def test_people_csv_beats_a_list_of_sellers(tmp_path):
    """A team of people.csv stays; only blank ones are filled in."""
    files = {
        "teams.csv": sheet_text(("Sales Agent", "Team"), ("Ada Berg", "North"), ("Eve Holm", "South")),
        "people.csv": "person,team\nAda Berg,East\nEve Holm,\n",
    }
    people = reading(tmp_path, files).tables.people.set_index("name")
    assert people["team"].to_dict() == {"Ada Berg": "East", "Eve Holm": "South"}


# --------------------------------------------------------------------------- the user's own map


@pytest.mark.parametrize(
    ("section", "header", "answers", "kinds"),
    [
        ("deals", ("who", "began", "ended", "how"),
         {"person": "who", "created": "began", "closed": "ended", "status": "how"}, ["opportunity", "deal_won"]),
        ("meetings", ("who", "began", "ended", "how"), {"person": "who", "start": "began"}, ["meeting"]),
        ("inquiries", ("who", "began", "ended", "how"), {"person": "who", "created": "began"}, ["inquiry"]),
    ],
)  # fmt: skip
def test_a_table_with_headers_of_ones_own_is_read_through_the_map(tmp_path, section, header, answers, kinds):
    """No header says anything; the map of the settings says all that is needed."""
    text = sheet_text(header, ("Ada Berg", "2026-01-04", "2026-03-27", "won"))
    assert reading(tmp_path / "1", {"x.csv": text}).kinds == {}
    read = reading(tmp_path / "2", {"x.csv": text}, columns={section: answers})
    assert [row[2] for row in events(read)] == kinds


def test_a_map_without_a_seller_asks_for_one(tmp_path):
    """Deals of nobody, meetings of nobody: the missing column is named with the line that maps it."""
    text = sheet_text(("began", "ended", "how"), ("2026-01-04", "2026-03-27", "won"))
    columns = {"deals": {"created": "began", "closed": "ended", "status": "how"}}
    assert 'column "person" is missing' in complaint(tmp_path / "1", {"x.csv": text}, columns=columns)
    columns = {"meetings": {"start": "began"}}
    assert 'column "person" is missing' in complaint(tmp_path / "2", {"x.csv": text}, columns=columns)


def test_other_tables_are_left_alone(tmp_path):
    """Stock, cars, campaigns, accounts and products are no pipelines."""
    texts = [
        "sku,shelf,stock\n1,2,3\n", "owner,car,colour\nAda Berg,Saab,red\n",
        "name,start date,end date,budget\nSpring,2026-01-01,2026-03-01,500\n",
        "account,sector,revenue,employees\nBirch,wood,100,5\n", "product,series,sales_price\nA,B,550\n",
    ]  # fmt: skip
    assert reading(tmp_path, {f"{at}.csv": text for at, text in enumerate(texts)}).kinds == {}


def test_closed_deals_without_any_closing_day_ask_for_its_column(tmp_path):
    """A renamed close date is named, and the column of another field is not proposed for it."""
    header = tuple("ended" if name == "close_date" else name for name in DEALS)
    text = complaint(tmp_path, {"pipeline.csv": sheet_text(header, WON, LOST, OPEN)})
    assert f'column "closed" is missing. Found: {", ".join(header)}' in text
    assert '[columns.deals]  closed = "' in text
    assert not any(f'closed = "{name}"' in text for name in DEALS)


@pytest.mark.parametrize("header", ["Deleted", "Is Deleted", "Usunięte", "Eliminato", "Poistettu", "ลบแล้ว"])
def test_deleted_rows_do_not_count(tmp_path, header):
    """A checkbox says so, in any language; a row that does not tick it counts."""
    head = ("Deal ID", "Sales Rep", "Stage", "Created Date", "Close Date", header)
    rows = [(str(at), "Ada Berg", "Closed Won", "2026-01-05", "2026-02-05", ticked)
            for at, ticked in enumerate(("TRUE", "FALSE", ""))]  # fmt: skip
    read = reading(tmp_path, {"deals.csv": sheet_text(head, *rows)})
    assert rows_of(read, "deals.csv") == {crm.DELETED: 1, "used": 2}
