"""HubSpot: deals, contacts and meetings, in the languages of the accounts, and as cases where they name each other."""

from __future__ import annotations

import pytest

from ssi_audit.exports import crm
from ssi_audit.exports.hubspot import NOT_A_LEAD
from ssi_audit.people import NO_OWNER, UNKNOWN
from tests.unit.exports.crm_files import events, lines_of, rows_in_ledger, rows_of, sheet_text, workbook
from tests.unit.exports.folders import complaint, reading

DEALS = ("Record ID", "Deal Name", "Deal Stage", "Pipeline", "Close Date", "Create Date", "Deal owner", "Amount",
         "Currency", "Original Source Type", "Associated Company")  # fmt: skip
WON = ("901", "Birch rollout", "Closed Won", "Sales", "2026-03-27 16:05", "2026-01-04 14:02", "Ada Berg", "1200.00",
       "EUR", "Social media", "Birch Ltd")  # fmt: skip
LOST = ("902", "Elm pilot", "closedlost", "Sales", "2026-03-05 10:30", "2026-02-05 08:00", "Ada Berg", "300.00", "EUR",
        "Organic search", "Elm & Co")  # fmt: skip
OPEN = ("903", "Fir trial", "Contract Sent", "Sales", "2026-03-01 18:00", "2026-01-18 23:59", "Eve Holm", "", "", "",
        "Fir Oy")  # fmt: skip
NOBODYS = ("904", "No owner", "Closed Won", "Sales", "2026-03-01 18:00", "2026-01-18 23:59", "", "1.00", "EUR", "", "")
FILE = "hubspot-crm-exports-all-deals-2026-03-28.csv"


def test_deals_by_their_stage(tmp_path):
    """Shown and internal names of stages; the close date of an open deal is a forecast; nobody's deal is told."""
    text = sheet_text(DEALS, WON, LOST, OPEN, NOBODYS)
    read = reading(tmp_path, {FILE: text})
    assert read.kinds == {FILE: "HubSpot export"}
    assert events(read, "person", "date", "kind", "amount", "currency", "source", "deal") == [
        ("Ada Berg", "2026-01-04", "opportunity", 1200, "EUR", "Social media", "901"),
        ("Ada Berg", "2026-02-05", "opportunity", 300, "EUR", "Organic search", "902"),
        ("Ada Berg", "2026-03-05", "deal_lost", 300, "EUR", "Organic search", "902"),
        ("Ada Berg", "2026-03-27", "deal_won", 1200, "EUR", "Social media", "901"),
        ("Eve Holm", "2026-01-18", "opportunity", None, None, None, "903"),
    ]
    assert rows_of(read, FILE) == {"used": 3, NO_OWNER: 1}
    assert rows_in_ledger(read, FILE) == lines_of(text)


# Name, stage, close date, create date, owner, amount, currency, as an account of the language calls them; a won stage.
LANGUAGES = {
    "Spanish": (("Nombre del negocio", "Etapa del negocio", "Fecha de cierre", "Fecha de creación",
                 "Propietario del negocio", "Valor", "Moneda"), "Cierre ganado"),
    "German": (("Deal-Name", "Deal-Phase", "Abschlussdatum", "Erstellungsdatum", "Für Deal zuständiger Mitarbeiter",
                "Betrag", "Währung"), "Abgeschlossen und gewonnen"),
    "French": (("Nom de la transaction", "Phase de la transaction", "Date de fermeture", "Date de création",
                "Propriétaire de la transaction", "Montant", "Devise"), "Fermée gagnée"),
    "Italian": (("Nome della trattativa", "Fase della trattativa", "Data di chiusura", "Data di creazione",
                 "Proprietario della trattativa", "Importo", "Valuta"), "Chiusa vinta"),
    "Portuguese": (("Nome do negócio", "Etapa do negócio", "Data de fechamento", "Data de criação",
                    "Proprietário do negócio", "Valor", "Moeda"), "Negócio ganho"),
    "Polish": (("Nazwa transakcji", "Etap transakcji", "Data zamknięcia", "Data utworzenia", "Właściciel transakcji",
                "Kwota", "Waluta"), "Zamknięta - wygrana"),
    "Finnish": (("Kaupan nimi", "Kaupan vaihe", "Sulkemispäivä", "Luontipäivä", "Kaupan omistaja", "Summa",
                 "Valuutta"), "Voitettu"),
    "Dutch": (("Dealnaam", "Dealfase", "Sluitingsdatum", "Aanmaakdatum", "Dealeigenaar", "Bedrag", "Valuta"),
              "Gesloten gewonnen"),
    "Thai": (("ชื่อดีล", "ขั้นตอนดีล", "วันที่ปิด", "วันที่สร้าง", "เจ้าของดีล", "จำนวนเงิน", "Currency"), "Closed Won"),
    "internal": (("dealname", "dealstage", "closedate", "createdate", "hubspot_owner_id", "amount",
                  "deal_currency_code"), "closedwon"),
}  # fmt: skip


def test_headers_follow_the_language_of_the_account(tmp_path):
    """Headers and stages of ten kinds give the same two events."""
    files = {
        f"{language}.csv": sheet_text(
            header, (language, won, "2026-03-27 16:05", "2026-01-04 14:02", "Ada Berg", "12500.50", "EUR")
        )
        for language, (header, won) in LANGUAGES.items()
    }
    read = reading(tmp_path, files)
    assert read.kinds == dict.fromkeys(files, "HubSpot export")
    assert events(read, "person", "date", "kind", "amount", "currency") == [
        *[("Ada Berg", "2026-01-04", "opportunity", 12500.5, "EUR")] * len(files),
        *[("Ada Berg", "2026-03-27", "deal_won", 12500.5, "EUR")] * len(files),
    ]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("xlsx", workbook(DEALS, WON, LOST, OPEN)),
        ("csv", sheet_text(DEALS, WON, LOST, OPEN, delimiter="\t").encode("utf-16")),
        ("csv", sheet_text(DEALS, WON, LOST, OPEN, end="\r\n").encode("utf-8-sig")),
    ],
    ids=["workbook", "UTF-16 with tabs", "with a byte order mark"],
)
def test_other_forms_of_the_same_export(tmp_path, kind, data):
    """A workbook, text with tabs as a spreadsheet saves it, or CRLF with a mark: the same events as the plain CSV."""
    wanted = events(reading(tmp_path / "csv", {FILE: sheet_text(DEALS, WON, LOST, OPEN)}), "person", "date", "amount")
    assert events(reading(tmp_path / "x", {f"deals.{kind}": data}), "person", "date", "amount") == wanted


def test_times_are_taken_as_they_stand(tmp_path):
    """Times are those of the account and state no zone: the setting of another zone moves nothing."""
    read = reading(tmp_path, {FILE: sheet_text(DEALS, OPEN)}, timezone="Europe/Helsinki")
    assert events(read) == [("Eve Holm", "2026-01-18", "opportunity")]


def test_the_owner_is_found_by_the_name_that_the_system_has_for_him(tmp_path):
    """people.csv may hold the owner as HubSpot calls him, or his e-mail address; anybody else is unmatched."""
    people = "person,hubspot_owner,email\nAda Berg,A. Berg (Sales),ada@birch.example\n"
    rows = [(*WON[:6], owner, *WON[7:]) for owner in ("A. Berg (Sales)", "ada@birch.example", "A. Bergson")]
    rows = [(str(900 + at), *row[1:]) for at, row in enumerate(rows)]
    read = reading(tmp_path, {FILE: sheet_text(DEALS, *rows), "people.csv": people})
    assert {row[0] for row in events(read)} == {"Ada Berg"}
    assert rows_of(read, FILE) == {"used": 2, UNKNOWN: 1}
    assert read.proposals["received"].tolist() == ["A. Bergson"]


def test_flags_decide_before_stages_of_ones_own(tmp_path):
    """Is Closed Won and its like are the system's answer, whatever emoji the stage is called."""
    header = ("Record ID", "Deal Name", "Deal Stage", "Close Date", "Create Date", "Deal owner", "Is Closed Won",
              "Is Deal Closed?")  # fmt: skip
    day = ("2026-03-27 16:05", "2026-01-04 14:02", "Ada Berg")
    rows = [
        ("1", "A", "🎉", *day, "true", "true"), ("2", "B", "👋", *day, "false", "true"),
        ("3", "C", "🤝", *day, "false", "false"),
    ]  # fmt: skip
    read = reading(tmp_path, {FILE: sheet_text(header, *rows)})
    closed = [row for row in events(read, "deal", "kind") if row[1] != "opportunity"]
    assert closed == [("1", "deal_won"), ("2", "deal_lost")]


def test_a_stage_of_no_known_meaning_beside_known_ends_is_open(tmp_path):
    """Where the pipeline has a won stage, an unknown one is taken as a step on the way, and that is said."""
    odd = ("905", "Odd", "🤝 handshake", *WON[3:])
    read = reading(tmp_path, {FILE: sheet_text(DEALS, WON, odd)})
    assert [row for row in events(read, "deal", "kind") if row[0] == "905"] == [("905", "opportunity")]
    assert any('stages taken as open: "🤝 handshake"' in note for note in read.tables.notes)


def test_probability_settles_what_the_stage_does_not_say(tmp_path):
    """Nobody is certain of an open deal: 1 is won, 0 is lost, also written as 100 % and 0 %."""
    header = ("Record ID", "Deal Name", "Deal Stage", "Close Date", "Create Date", "Deal owner", "Deal probability")
    for name, chances in (("share", ("1", "0", "0.4")), ("per cent", ("100%", "0%", "40%"))):
        rows = [
            (str(at), str(at), f"Stage {at}", "2026-03-27 16:05", "2026-01-04 14:02", "Ada Berg", chance)
            for at, chance in enumerate(chances)
        ]
        read = reading(tmp_path / name, {FILE: sheet_text(header, *rows)})
        closed = [row for row in events(read, "deal", "kind") if row[1] != "opportunity"]
        assert closed == [("0", "deal_won"), ("1", "deal_lost")]


def test_only_pipelines_that_were_asked_for_count(tmp_path):
    """Several pipelines are named in a note; the setting chooses, and the ledger says what it left out."""
    files = {FILE: sheet_text(DEALS, WON, (*LOST[:3], "Renewals", *LOST[4:]))}
    read = reading(tmp_path / "1", files)
    assert any('2 pipelines count: "Renewals", "Sales"; choose with the setting pipelines' in note
               for note in read.tables.notes)  # fmt: skip
    read = reading(tmp_path / "2", files, pipelines=("sales",))
    assert rows_of(read, FILE) == {"used": 1, crm.OTHER_PIPELINE: 1}


@pytest.mark.parametrize(
    "column",
    [
        'Date entered "Closed Won (Sales)"', "Date entered 'Closed Won (Sales)'", "Date entered “Closed Won (Sales)”",
        "hs_v2_date_entered_closedwon",
    ],
)  # fmt: skip
def test_a_blank_close_date_is_the_day_the_stage_was_entered(tmp_path, column):
    """The stage history, with quotes of any kind, fills the close date of a deal in that stage only."""
    rows = [(*WON[:4], "", *WON[5:], "2026-03-26 11:00"), (*LOST[:4], "", *LOST[5:], "2026-03-25 11:00")]
    read = reading(tmp_path, {FILE: sheet_text((*DEALS, column), *rows)})
    assert [row for row in events(read, "deal", "kind", "date") if row[1] != "opportunity"] == [
        ("901", "deal_won", "2026-03-26"),
    ]  # fmt: skip


def test_deals_without_an_owner_column_are_asked_about(tmp_path):
    """The line that maps a column names the one that is nearest."""
    header = ("Record ID", "Deal Name", "Deal Stage", "Close Date", "Create Date", "Deal owners")
    row = ("901", "A", "Closed Won", "2026-03-27", "2026-01-04", "Ada Berg")
    text = complaint(tmp_path, {FILE: sheet_text(header, row)})
    assert 'column "person" is missing' in text
    assert '[columns.deals]  person = "Deal owners"' in text


# --------------------------------------------------------------------------- contacts


CONTACTS = ("Record ID", "Email", "Contact owner", "Lifecycle Stage", "Original Source", "Create Date",
            "Became a Lead Date", "Became a Marketing Qualified Lead Date")  # fmt: skip


def test_an_inquiry_is_a_contact_that_became_a_lead(tmp_path):
    """On the day it became one; who was imported as qualified became one that day; a subscriber is none."""
    rows = [
        (
            "501",
            "a@x.example",
            "Ada Berg",
            "Customer",
            "Social media",
            "2026-01-18 09:00",
            "2026-01-20 16:44",
            "2026-01-25",
        ),
        (
            "502",
            "b@x.example",
            "Eve Holm",
            "Marketing Qualified Lead",
            "Web",
            "2026-02-01 09:00",
            "",
            "2026-02-03 08:00",
        ),
        ("503", "c@x.example", "Eve Holm", "Subscriber", "Web", "2026-02-22 10:00", "", ""),
        ("504", "d@x.example", "", "Lead", "Web", "2026-02-22 10:00", "2026-02-22 10:00", ""),
    ]
    text = sheet_text(CONTACTS, *rows)
    read = reading(tmp_path, {"contacts.csv": text})
    assert events(read, "person", "date", "kind", "source", "deal") == [
        ("Ada Berg", "2026-01-20", "inquiry", "Social media", "contact 501"),
        ("Eve Holm", "2026-02-03", "inquiry", "Web", "contact 502"),
    ]
    assert rows_of(read, "contacts.csv") == {"used": 2, NOT_A_LEAD: 1, NO_OWNER: 1}
    assert rows_in_ledger(read, "contacts.csv") == lines_of(text)


def test_without_such_a_day_the_lifecycle_and_the_creation_say_it(tmp_path):
    """Contacts from lead on are inquiries of the day they were created; that is said."""
    header = ("Record ID", "Contact owner", "Lifecycle Stage", "Create Date")
    rows = [
        ("1", "Ada Berg", stage, "2026-02-01 09:00")
        for stage in ("Lead", "salesqualifiedlead", "Customer", "Subscriber", "Other", "")
    ]
    read = reading(
        tmp_path, {"contacts.csv": sheet_text(header, *[(str(at), *row[1:]) for at, row in enumerate(rows)])}
    )
    assert len(events(read)) == 3
    assert rows_of(read, "contacts.csv") == {"used": 3, NOT_A_LEAD: 3}
    assert any("inquiries are dated by its creation" in note for note in read.tables.notes)


def test_the_history_of_the_lifecycle_is_such_a_day_too(tmp_path):
    """A column "Date entered "Lead (Lifecycle Stage Pipeline)"" says when a contact became a lead."""
    header = ("Record ID", "Contact owner", "Lifecycle Stage", "Create Date",
              'Date entered "Lead (Lifecycle Stage Pipeline)"')  # fmt: skip
    rows = [("1", "Ada Berg", "Lead", "2026-02-01 09:00", "2026-02-05 09:00"),
            ("2", "Ada Berg", "Lead", "2026-02-01 09:00", "")]  # fmt: skip
    read = reading(tmp_path, {"contacts.csv": sheet_text(header, *rows)})
    assert [row[1] for row in events(read)] == ["2026-02-05"]


# --------------------------------------------------------------------------- meetings


MEETINGS = ("Record ID", "Meeting name", "Meeting start time", "Meeting outcome", "Activity assigned to", "Create date")


def test_a_meeting_was_held_unless_its_outcome_says_otherwise(tmp_path):
    """Cancelled, no-show and rescheduled are none; no outcome in the past counts as held, and that is said."""
    outcomes = ("Completed", "Canceled", "No show", "Rescheduled", "", "Scheduled")
    rows = [
        (str(70 + at), "Demo", f"2026-02-1{at} 10:00", outcome, "Ada Berg", "2026-02-06 12:00")
        for at, outcome in enumerate(outcomes)
    ]
    rows += [
        ("80", "Cancelled: Demo", "2026-02-18 10:00", "Completed", "Ada Berg", "2026-02-06 12:00"),
        ("81", "Demo", "2026-04-18 10:00", "", "Ada Berg", "2026-02-06 12:00"),
        ("82", "Demo", "", "", "Ada Berg", "2026-02-06 12:00"),
        ("83", "Demo", "2026-02-19 10:00", "Completed", "", "2026-02-06 12:00"),
    ]
    name = "hubspot-meetings-2026-03-02.csv"
    text = sheet_text(MEETINGS, *rows)
    read = reading(tmp_path, {name: text})
    assert [row[1] for row in events(read)] == ["2026-02-10", "2026-02-14", "2026-02-15"]
    assert rows_of(read, name) == {"used": 3, crm.NOT_HELD: 4, crm.PLANNED: 1, crm.NO_DATE: 1, NO_OWNER: 1}
    assert rows_in_ledger(read, name) == lines_of(text)
    assert any("1 past meetings without an outcome count as held" in note for note in read.tables.notes)


def test_a_day_in_a_name_can_be_the_first_of_a_period(tmp_path):
    """Where most meetings lie behind it, or a record was made after it, it is not the day of the export."""
    rows = [(str(at), "Demo", f"2026-02-1{at} 10:00", "", "Ada Berg") for at in range(3)]
    files = {"meetings 2026-02-01.csv": sheet_text(MEETINGS[:5], *rows)}
    assert len(events(reading(tmp_path / "1", files))) == 3
    row = ("1", "Demo", "2026-02-10 10:00", "Completed", "Ada Berg", "2026-02-05 12:00")
    files = {"meetings 2026-02-01.csv": sheet_text(MEETINGS, row)}
    assert len(events(reading(tmp_path / "2", files))) == 1


def test_ids_of_associated_records_make_one_case(tmp_path):
    """The contact's inquiry, the meeting with it and its deal share the deal; each says when what came before began."""
    deals = sheet_text((*DEALS, "Associated Contact IDs"), (*WON, "501;502"), (*LOST, ""))
    contacts = sheet_text(
        (*CONTACTS, "Associated Deal IDs"),
        ("501", "", "Ada Berg", "Customer", "Social media", "2026-01-01 09:00", "2026-01-02 16:44", "", "901"),
        ("509", "", "Ada Berg", "Lead", "Web", "2026-01-01 09:00", "2026-01-03 16:44", "", ""),
    )
    meetings = sheet_text(
        (*MEETINGS, "Associated Contact IDs"),
        ("71", "Demo", "2026-01-10 10:00", "Completed", "Ada Berg", "2026-01-06 12:00", "502"),
        ("72", "Demo", "2026-01-11 10:00", "Completed", "Ada Berg", "2026-01-06 12:00", "509"),
        ("73", "Demo", "2026-01-12 10:00", "Completed", "Ada Berg", "2026-01-06 12:00", ""),
    )
    read = reading(tmp_path, {"deals.csv": deals, "contacts.csv": contacts, "meetings.csv": meetings})
    assert events(read, "date", "kind", "deal", "started") == [
        ("2026-01-02", "inquiry", "901", None),
        ("2026-01-03", "inquiry", "contact 509", None),
        ("2026-01-04", "opportunity", "901", None),
        ("2026-01-10", "meeting", "901", "2026-01-02"),
        ("2026-01-11", "meeting", "contact 509", "2026-01-03"),
        ("2026-01-12", "meeting", None, None),
        ("2026-02-05", "opportunity", "902", None),
        ("2026-03-05", "deal_lost", "902", None),
        ("2026-03-27", "deal_won", "901", "2026-01-10"),
    ]


def test_a_contact_of_several_deals_belongs_to_the_first(tmp_path):
    """Of several deals the one with the lowest number was made first."""
    deals = sheet_text((*DEALS, "Associated Contact IDs"), ("1000", *WON[1:], "501"), ("999", *LOST[1:], "501"))
    contacts = sheet_text(
        CONTACTS, ("501", "", "Ada Berg", "Customer", "Social media", "2026-01-01 09:00", "2026-01-02 16:44", "")
    )
    read = reading(tmp_path, {"deals.csv": deals, "contacts.csv": contacts})
    assert [row for row in events(read, "kind", "deal") if row[0] == "inquiry"] == [("inquiry", "999")]


def test_of_files_that_belong_together_the_broken_one_is_named(tmp_path):
    """One unreadable file of several is a problem of its own; the others are read on the way to the list."""
    deals = sheet_text((*DEALS, "Associated Contact IDs"), (*WON, "501"))
    contacts = (
        sheet_text(CONTACTS, ("501", "", "Ada Berg", "Lead", "Web", "2026-01-01 09:00", "soon", "")) + '"never closed\n'
    )
    text = complaint(tmp_path, {"deals.csv": deals, "contacts.csv": contacts})
    assert "contacts.csv: 1 problem" in text
    assert "quotation mark" in text


@pytest.mark.parametrize("created", ["Create Date", "Created on (Berlin)"])
def test_a_renamed_close_date_is_asked_for(tmp_path, created):
    """Closed deals without any column that says when are a problem, not rows to be left out one by one."""
    header = tuple({"Close Date": "Closed when", "Create Date": created}.get(name, name) for name in DEALS)
    files = {FILE: sheet_text(header, WON, LOST, OPEN)}
    text = complaint(tmp_path / "asked", files)
    assert f'column "closed" is missing. Found: {", ".join(header)}' in text
    assert '-> add to ssi-audit.toml:  [columns.deals]  closed = "Closed when"' in text
    read = reading(tmp_path / "told", files, columns={"deals": {"closed": "Closed when", "created": created}})
    assert [kind for (kind,) in events(read, "kind")].count("deal_won") == 1


def test_open_deals_need_no_close_date(tmp_path):
    """A list of open deals, and closed deals of nobody, lose nothing without it."""
    header = tuple("Forecast" if name == "Close Date" else name for name in DEALS)
    read = reading(tmp_path, {FILE: sheet_text(header, OPEN, NOBODYS)})
    assert events(read, "kind") == [("opportunity",)]


def test_no_column_with_a_meaning_is_proposed(tmp_path):
    """The name of the deal is not proposed for its owner."""
    header = tuple("Verantwortlich" if name == "Deal owner" else name for name in DEALS)
    text = complaint(tmp_path, {FILE: sheet_text(header, WON)})
    assert '[columns.deals]  person = "your column"' in text
