"""Dynamics 365: opportunities, leads and appointments as Excel writes them."""

from __future__ import annotations

import datetime as dt

import pytest

from ssi_audit.exports import crm
from ssi_audit.exports.dynamics import NOT_APPOINTMENT
from ssi_audit.people import NO_OWNER
from tests.unit.exports.crm_files import events, rows_in_ledger, rows_of, sheet_text, workbook
from tests.unit.exports.folders import complaint, reading

TECHNICAL = ("(Do Not Modify) Opportunity", "(Do Not Modify) Row Checksum", "(Do Not Modify) Modified On")
LABELS = ("Topic", "Potential Customer", "Status", "Status Reason", "Est. Close Date", "Actual Close Date",
          "Est. Revenue", "Actual Revenue", "Owner", "Created On", "Lead Source")  # fmt: skip
DEALS = (*TECHNICAL, *LABELS)
CHANGED = dt.datetime(2026, 3, 27, 9, 0)
WON = ("a1-guid", "sum1", CHANGED, "Birch rollout", "Birch Ltd", "Won", "Won", dt.datetime(2026, 2, 28),
       dt.datetime(2026, 3, 27), 1500, 1200, "Berg, Ada", dt.datetime(2026, 1, 4, 14, 2), "LinkedIn")  # fmt: skip
LOST = ("b2-guid", "sum2", CHANGED, "Elm pilot", "Elm & Co", "Lost", "Canceled", dt.datetime(2026, 4, 30),
        dt.datetime(2026, 3, 5), 300, None, "Ada Berg", dt.datetime(2026, 2, 5), "Web")  # fmt: skip
OPEN = ("c3-guid", "sum3", CHANGED, "Fir trial", "Fir Oy", "Open", "In Progress", dt.datetime(2026, 3, 1), None, 50,
        None, "Eve Holm", dt.datetime(2026, 1, 18), "")  # fmt: skip
NOBODYS = ("d4-guid", "sum4", CHANGED, "Oak", "", "Open", "In Progress", None, None, None, None, "", CHANGED, "")
FILE = "All Opportunities 3-28-2026 9-14-05 AM.xlsx"


def test_technical_columns_and_sheets_are_passed_over(tmp_path):
    """Hidden columns and a hidden sheet; real cells of days; the actual revenue beats the estimate of a won deal."""
    book = workbook(DEALS, WON, LOST, OPEN, NOBODYS, hidden_columns="ABC", hidden_sheet=True, title="All Opportunities")
    read = reading(tmp_path, {FILE: book})
    assert read.kinds == {FILE: "Dynamics 365 export"}
    assert events(read, "person", "date", "kind", "amount", "currency", "source", "deal") == [
        ("Ada Berg", "2026-01-04", "opportunity", 1500, None, "LinkedIn", "a1-guid"),
        ("Ada Berg", "2026-02-05", "opportunity", 300, None, "Web", "b2-guid"),
        ("Ada Berg", "2026-03-05", "deal_lost", 300, None, "Web", "b2-guid"),
        ("Ada Berg", "2026-03-27", "deal_won", 1200, None, "LinkedIn", "a1-guid"),
        ("Eve Holm", "2026-01-18", "opportunity", 50, None, None, "c3-guid"),
    ]
    assert rows_of(read, FILE) == {"used": 3, NO_OWNER: 1}
    assert rows_in_ledger(read, FILE) == [2, 3, 4, 5]


def test_days_may_be_bare_serial_numbers(tmp_path):
    """46108 is 27 March 2026 in a column of days."""
    rows = [(*WON[:8], 46108, *WON[9:12], 46026, *WON[13:])]
    read = reading(tmp_path, {FILE: workbook(DEALS, *rows)})
    assert [row[1] for row in events(read)] == ["2026-01-04", "2026-03-27"]


def test_the_actual_revenue_has_a_currency_of_its_own(tmp_path):
    """An estimate in one currency and a revenue in another: each event keeps what was written beside its amount."""
    row = (*WON[:9], "EUR 1500.00", "USD 1200.00", *WON[11:])
    assert events(reading(tmp_path, {FILE: workbook(DEALS, row)}), "kind", "amount", "currency") == [
        ("deal_won", 1200, "USD"), ("opportunity", 1500, "EUR"),
    ]  # fmt: skip


# Topic, customer, status, actual close date, revenue, owner, created on; won; in the languages of the product.
LANGUAGES = {
    "German": (("Thema", "Potenzieller Kunde", "Status", "Tatsächl. Abschlussdatum", "Gesch. Umsatz", "Besitzer",
                "Erstellt am"), "Gewonnen"),
    "Polish": (("Temat", "Potencjalny klient", "Stan", "Rzeczywista data zamknięcia", "Szacowany przychód",
                "Właściciel", "Utworzono"), "Wygrana"),
    "Italian": (("Argomento", "Potenziale cliente", "Stato", "Data di chiusura effettiva", "Ricavi previsti",
                 "Proprietario", "Creato il"), "Vinta"),
    "Finnish": (("Aihe", "Mahdollinen asiakas", "Tila", "Todellinen päättymispäivä", "Arvioitu tuotto", "Omistaja",
                 "Luotu"), "Voitettu"),
    "Spanish": (("Tema", "Cliente potencial", "Estado", "Fecha de cierre real", "Ingresos estimados", "Propietario",
                 "Creado el"), "Ganada"),
    "French": (("Rubrique", "Client potentiel", "Statut", "Date de clôture réelle", "Revenu estimé", "Propriétaire",
                "Créé le"), "Remportée"),
}  # fmt: skip


def test_views_without_technical_columns_are_known_by_their_labels(tmp_path):
    """Labels of six languages, no technical column at all: the same two events."""
    closed, created = dt.datetime(2026, 3, 27), dt.datetime(2026, 1, 4)
    files = {
        f"{language}.xlsx": workbook(header, (language, f"{language} Ltd", won, closed, 1500, "Ada Berg", created))
        for language, (header, won) in LANGUAGES.items()
    }
    read = reading(tmp_path, files)
    assert read.kinds == dict.fromkeys(files, "Dynamics 365 export")
    assert events(read, "date", "kind", "amount") == [
        *[("2026-01-04", "opportunity", 1500)] * len(files), *[("2026-03-27", "deal_won", 1500)] * len(files),
    ]  # fmt: skip


@pytest.mark.parametrize(("lost", "field"), [("Owner", "person"), ("Status", "status")])
def test_a_view_without_a_needed_column_asks_for_it(tmp_path, lost, field):
    """The view decides which columns an export has: the missing one is named."""
    keep = [at for at, name in enumerate(DEALS) if name != lost]
    book = workbook(*(tuple(row[at] for at in keep) for row in (DEALS, WON)))
    assert f'column "{field}" is missing' in complaint(tmp_path, {FILE: book})


def test_leads_are_inquiries(tmp_path):
    """The technical column says that the records are leads."""
    header = ("(Do Not Modify) Lead", *TECHNICAL[1:], "Name", "Company Name", "Owner", "Lead Source", "Created On")
    rows = [
        ("l1", "s", CHANGED, "Bo Lind", "Birch", "Ada Berg", "LinkedIn", dt.datetime(2026, 1, 2, 9, 30)),
        ("l2", "s", CHANGED, "Cy Moe", "Elm", "Eve Holm", "", None),
    ]
    read = reading(tmp_path, {"leads.xlsx": workbook(header, *rows)})
    assert events(read, "person", "date", "kind", "source") == [("Ada Berg", "2026-01-02", "inquiry", "LinkedIn")]
    assert rows_of(read, "leads.xlsx") == {"used": 1, crm.NO_DATE: 1}


APPOINTMENTS = ("(Do Not Modify) Appointment", *TECHNICAL[1:], "Subject", "Regarding", "Owner", "Activity Type",
                "Start Time", "Status Reason")  # fmt: skip


def test_appointments_are_meetings(tmp_path):
    """Phone calls of the same view are none, nor what was cancelled."""
    rows = [
        (str(at), "s", CHANGED, "Demo", "Birch", "Ada Berg", kind, dt.datetime(2026, 2, 10 + at, 10, 0), why)
        for at, (kind, why) in enumerate(
            [
                ("Appointment", "Completed"),
                ("Phone Call", "Made"),
                ("Appointment", "Canceled"),
                ("Termin", "Abgeschlossen"),
            ]
        )
    ]
    read = reading(tmp_path, {"a.xlsx": workbook(APPOINTMENTS, *rows)})
    assert [row[1:] for row in events(read)] == [("2026-02-10", "meeting"), ("2026-02-13", "meeting")]
    assert rows_of(read, "a.xlsx") == {"used": 2, NOT_APPOINTMENT: 1, crm.NOT_HELD: 1}


@pytest.mark.parametrize(
    ("header", "lost", "field"),
    [
        (("(Do Not Modify) Lead", *TECHNICAL[1:], "Owner", "Topic"), "", "created"),
        (APPOINTMENTS, "Start Time", "start"),
    ],
)
def test_views_without_a_day_ask_for_it(tmp_path, header, lost, field):
    """Neither a lead nor an appointment is anything without a day."""
    names = [name for name in header if name != lost]
    text = complaint(tmp_path, {"x.csv": sheet_text(names, ["x"] * len(names))})
    assert f'column "{field}" is missing' in text


def test_technical_columns_of_other_records_are_no_deals(tmp_path):
    """An export of accounts has the same technical columns and nothing to count."""
    header = ("(Do Not Modify) Account", *TECHNICAL[1:], "Account Name", "Main Phone")
    read = reading(tmp_path, {"accounts.xlsx": workbook(header, ("x", "y", CHANGED, "Birch", "1"))})
    assert set(read.kinds) == set()
