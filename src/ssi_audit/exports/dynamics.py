"""Dynamics 365: opportunities, leads and appointments, exported to Excel.

The first three columns are technical and named ``(Do Not Modify) …``, the first
after the kind of record; views without them are recognised by their labels. The
actual revenue of a won deal beats the estimate, and the actual close date is
the only one that makes an event. Owners may be written "Last, First".
"""

from __future__ import annotations

from collections.abc import Iterator

from ssi_audit.exports import crm
from ssi_audit.exports.files import File
from ssi_audit.exports.table import Context, Rows

KIND = "Dynamics 365 export"

_OWNER = ("Owner", "Besitzer", "Propietario", "Propriétaire", "Proprietario", "Właściciel", "Omistaja", "Eigenaar")
_CREATED = ("Created On", "Erstellt am", "Creado el", "Créé le", "Creato il", "Utworzono", "Luotu", "Gemaakt op")
_CHANGED = ("(Do Not Modify) Modified On", "Modified On", "Geändert am")
_STATUS = ("Status", "Estado", "Statut", "Stato", "Stan", "Tila", "State")
DEALS = {
    "person": _OWNER,
    "deal": ("(Do Not Modify) Opportunity", "Opportunity ID"),
    "title": ("Topic", "Name", "Thema", "Argomento", "Temat", "Tema", "Rubrique", "Aihe"),
    "company": (
        "Potential Customer", "Account", "Potenzieller Kunde", "Cliente potencial", "Client potentiel",
        "Potenziale cliente", "Potencjalny klient", "Mahdollinen asiakas",
    ),
    "created": _CREATED,
    "closed": (
        "Actual Close Date", "Tatsächl. Abschlussdatum", "Tatsächliches Abschlussdatum", "Fecha de cierre real",
        "Date de clôture réelle", "Data di chiusura effettiva", "Rzeczywista data zamknięcia",
        "Todellinen päättymispäivä",
    ),
    "status": _STATUS,
    "amount": (
        "Est. Revenue", "Estimated Revenue", "Geschätzter Umsatz", "Gesch. Umsatz", "Ingresos estimados",
        "Revenu estimé", "Ricavi previsti", "Szacowany przychód", "Arvioitu tuotto",
    ),
    "won_amount": (
        "Actual Revenue", "Tatsächlicher Umsatz", "Tatsächl. Umsatz", "Ingresos reales", "Revenu réel",
        "Ricavi effettivi", "Rzeczywisty przychód", "Todellinen tuotto",
    ),
    "currency": ("Currency", "Währung", "Divisa", "Devise", "Valuta", "Waluta", "Valuutta", "Transaction Currency"),
    "source": ("Lead Source", "Leadquelle", "Source Campaign", "Originating Lead Source", "Lead-Quelle"),
    "changed": _CHANGED,
}  # fmt: skip
_FORECAST = ("Est. Close Date", "Estimated Close Date", "Gepl. Abschlussdatum", "Geschätztes Abschlussdatum")
INQUIRIES = {
    "person": _OWNER,
    "id": ("(Do Not Modify) Lead",),
    "created": _CREATED,
    "source": DEALS["source"],
    "company": ("Company Name", "Company", "Firmenname"),
    "changed": _CHANGED,
}
MEETINGS = {
    "person": _OWNER,
    "id": ("(Do Not Modify) Appointment", "(Do Not Modify) Activity"),
    "start": ("Start Time", "Startzeit", "Scheduled Start", "Beginn", "Hora de inicio", "Ora di inizio"),
    "subject": ("Subject", "Betreff", "Asunto", "Oggetto", "Objet", "Temat", "Aihe"),
    "outcome": ("Status Reason", "Activity Status", "Statusgrund", *_STATUS),
    "type": ("Activity Type", "Aktivitätstyp"),
    "company": ("Regarding", "Bezug"),
    "created": _CREATED,
    "changed": _CHANGED,
}
HEADER_WORDS = (
    *(name for names in (DEALS, INQUIRIES, MEETINGS) for group in names.values() for name in group),
    *_FORECAST, "(Do Not Modify) Row Checksum",
)  # fmt: skip

NOT_APPOINTMENT = "an activity of another type"


def recognises(file: File) -> float:
    """1 for the technical columns of an export, 0.8 for the labels of an opportunity view."""
    if file.kind not in ("text", "workbook"):
        return 0.0
    if crm.has_any(file.words, "(Do Not Modify) Row Checksum", "(Do Not Modify) Modified On"):
        return 1.0 if _readable(file.words) else 0.0
    labels = (DEALS["closed"], _FORECAST, DEALS["amount"], DEALS["won_amount"])
    found = sum(crm.has_any(file.words, *names) for names in labels)
    return 0.8 if found >= 2 and crm.has_any(file.words, *_OWNER) and crm.has_any(file.words, *_STATUS) else 0.0


def _readable(words: frozenset[str]) -> str:
    if crm.has_any(words, *MEETINGS["id"]):
        return "meetings"
    if crm.has_any(words, "(Do Not Modify) Lead"):
        return "inquiries"
    closing = (*DEALS["deal"], *DEALS["closed"], *_FORECAST)
    return "deals" if crm.has_any(words, *closing) else ""


def read(file: File, context: Context) -> Iterator[Rows]:
    """Opportunities, leads or appointments of the visible sheet as events."""
    table, what = file.table(), _readable(file.words)
    ledger = table.ledger(context)
    if what == "meetings":
        columns = crm.find_columns(table, MEETINGS, "meetings", context)
        if columns["type"] is not None:
            kinds = ("appointment", "termin", "meeting", "cita", "appuntamento", "spotkanie", "tapaaminen", "rendez")
            crm.skip(table, ledger, ~crm.says_any(table.words(columns["type"]), kinds), NOT_APPOINTMENT)
        if crm.need(table, columns, "meetings", "start", context, "Start Time"):
            yield crm.read_meetings(file, table, columns, context, ledger=ledger)
    elif what == "inquiries":
        columns = crm.find_columns(table, INQUIRIES, "inquiries", context)
        if crm.need(table, columns, "inquiries", "created", context, "Created On"):
            yield crm.read_inquiries(file, table, columns, context, ledger=ledger)
    else:
        columns = crm.find_columns(table, DEALS, "deals", context)
        needed = [crm.need(table, columns, "deals", field, context) for field in ("person", "status")]
        yield crm.read_deals(file, table, columns, context, ledger=ledger) if all(needed) else Rows(ledger)
