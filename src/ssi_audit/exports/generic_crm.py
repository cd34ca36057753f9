"""Sales pipelines, leads, meetings and team lists of other systems, by the words of their headers.

The last resort before "not recognised": a table counts as deals only if it names
a seller, a stage or an outcome, and a day. Where the headers are unusual, the
user says which column is which under ``[columns.deals]``, ``[columns.inquiries]``
or ``[columns.meetings]``. A list of leads may name nobody: its inquiries are told
and belong to no person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from ssi_audit.exports import crm, text
from ssi_audit.exports.files import File
from ssi_audit.exports.table import Context, Rows, Table
from ssi_audit.names import identities
from ssi_audit.people import NO_OWNER
from ssi_audit.settings import Settings

KIND = "CRM table"
RECOGNISED = 0.5

SELLER = (
    "Sales Agent", "Sales Rep", "Sales Representative", "Salesperson", "Sales Person", "Rep", "Rep Name", "Seller",
    "Deal Owner", "Opportunity Owner", "Account Executive", "Account Exec", "Account Manager", "Account Owner", "AE",
    "Agent", "Owner", "Owner Name", "Assigned To", "Assignee", "Responsible", "Salesman", "Closer",
    "Handlowiec", "Opiekun", "Opiekun handlowy", "Sprzedawca", "Właściciel", "Venditore", "Commerciale", "Agente",
    "Responsabile", "Assegnatario", "Titolare", "Myyjä", "Vastuuhenkilö", "Vastuumyyjä", "Omistaja", "Verkäufer",
    "Vertriebsmitarbeiter", "Vertriebler", "Inhaber", "Comercial", "Vendedor", "Propietario", "Vendeur", "Commercial",
    "Propriétaire", "Verkoper", "พนักงานขาย", "ผู้ขาย",
)  # fmt: skip
EMAIL = ("Owner Email", "Seller Email", "Sales Rep Email", "Agent Email", "Rep Email", "Email Owner")
_COMPANY = (
    "Account", "Account Name", "Company", "Company Name", "Client", "Client Name", "Customer", "Customer Name",
    "Organisation", "Organization", "Klient", "Firma", "Cliente", "Azienda", "Asiakas", "Yritys", "Kunde", "Empresa",
    "Société", "ลูกค้า",
)  # fmt: skip
_SOURCE = (
    "Source", "Lead Source", "Origin", "Channel", "Marketing Channel", "Źródło", "Źródło leada", "Fonte", "Origine",
    "Provenienza", "Lähde", "Quelle", "Origen", "Canal", "Kanał", "แหล่งที่มา",
)  # fmt: skip
_CREATED = (
    "Created", "Created Date", "Created At", "Created On", "Create Date", "Creation Date", "Date Created", "Open Date",
    "Opened", "Opened On", "Opened Date", "Date Opened", "Engage Date", "Engagement Date", "Start Date", "Entry Date",
    "Data utworzenia", "Utworzono", "Data otwarcia", "Data creazione", "Data di creazione", "Data apertura", "Luotu",
    "Luontipäivä", "Avattu", "Erstellt", "Erstellt am", "Erstelldatum", "Eröffnet am", "Fecha de creación",
    "Fecha de apertura", "Date de création", "Date d'ouverture", "วันที่สร้าง",
)  # fmt: skip
DEALS = {
    "person": (*SELLER, "sr_id"),
    "email": EMAIL,
    "deal": (
        "Opportunity ID", "Deal ID", "Opp ID", "Opportunity Number", "Deal Number", "mql_id", "ID szansy",
        "Numer szansy", "ID opportunità", "ID trattativa", "Opportunity-ID", "ID de oportunidad", "Kaupan tunnus", "ID",
    ),
    "title": (
        "Opportunity Name", "Deal Name", "Opportunity", "Deal", "Deal Title", "Title", "Nazwa szansy", "Szansa",
        "Opportunità", "Trattativa", "Kauppa", "Verkaufschance", "Oportunidad",
    ),
    "company": _COMPANY,
    "created": _CREATED,
    "closed": (
        "Close Date", "Closed Date", "Closing Date", "Closed On", "Closed At", "Date Closed", "Closed", "Decision Date",
        "Data zamknięcia", "Zamknięto", "Data chiusura", "Data di chiusura", "Päättymispäivä", "Sulkemispäivä",
        "Päätetty", "Abschlussdatum", "Schlusstermin", "Abgeschlossen am", "Fecha de cierre", "Date de clôture",
        "วันที่ปิด",
    ),
    "won_on": ("Won Date", "Won On", "Date Won", "Won At", "Won Time", "Win Date", "Data wygranej", "Gewonnen am"),
    "lost_on": ("Lost Date", "Lost On", "Date Lost", "Lost At", "Lost Time", "Data przegranej", "Verloren am"),
    "stage": (
        "Deal Stage", "Stage", "Opportunity Stage", "Sales Stage", "Stage Name", "Pipeline Stage", "Phase", "Etap",
        "Etap szansy", "Fase", "Vaihe", "Etapa", "Étape", "ขั้นตอน",
    ),
    "status": (
        "Deal Status", "Opportunity Status", "Status", "State", "Outcome", "Deal Outcome", "Result", "Stan", "Wynik",
        "Stato", "Esito", "Tila", "Lopputulos", "Estado", "Resultado", "Statut", "สถานะ",
    ),
    "won": ("Is Won", "Won", "Is Closed Won"),
    "is_closed": ("Is Closed",),
    "probability": ("Probability", "Probability (%)", "Win Probability", "Prawdopodobieństwo", "Probabilità"),
    "amount": (
        "Close Value", "Deal Value", "Deal Amount", "Opportunity Value", "Opportunity Amount", "Deal Size", "Amount",
        "Value", "Revenue Amount", "Contract Value", "Kwota", "Wartość", "Wartość szansy", "Importo", "Valore", "Summa",
        "Arvo", "Betrag", "Wert", "Importe", "Valor", "Montant", "มูลค่า",
    ),
    "currency": ("Currency", "Waluta", "Valuta", "Valuutta", "Währung", "Moneda", "Divisa", "Devise", "สกุลเงิน"),
    "source": _SOURCE,
    "pipeline": ("Pipeline", "Sales Pipeline", "Lejek"),
}  # fmt: skip
INQUIRIES = {
    "person": (*SELLER, "Lead Owner"),
    "email": EMAIL,
    "id": ("mql_id", "Lead ID", "Inquiry ID", "Enquiry ID", "Request ID", "ID leada", "ID"),
    "created": (
        "First Contact Date", "Inquiry Date", "Enquiry Date", "Lead Date", "Lead Created", "Lead Created Date",
        "Date Received", "Received On", "Received", "Data zapytania", "Data richiesta", "Anfragedatum",
        "Yhteydenottopäivä", *_CREATED,
    ),
    "source": _SOURCE,
    "company": _COMPANY,
}  # fmt: skip
MEETINGS = {
    "person": (*SELLER, "Host", "Attended By", "Held By"),
    "email": EMAIL,
    "id": ("Meeting ID", "Event ID", "Appointment ID", "Visit ID"),
    "deal": ("Opportunity ID", "Deal ID", "Opp ID"),
    "start": (
        "Meeting Date", "Meeting Start", "Meeting Start Time", "Date of Meeting", "Meeting Time", "Meeting On",
        "Appointment Date", "Visit Date", "Data spotkania", "Termin spotkania", "Data riunione", "Data incontro",
        "Data appuntamento", "Tapaamispäivä", "Tapaamisen päivä", "Besprechungsdatum", "Datum der Besprechung",
        "Termindatum", "Fecha de reunión", "Fecha de la reunión", "Date de réunion", "Date du rendez-vous",
        "วันที่ประชุม",
    ),
    "start_time": ("Meeting Clock", "Godzina spotkania", "Ora riunione"),
    "subject": ("Subject", "Meeting Subject", "Topic", "Temat", "Oggetto", "Aihe", "Betreff", "Asunto"),
    "outcome": ("Meeting Status", "Meeting Outcome", "Outcome", "Status", "Result"),
    "type": ("Meeting Type", "Type"),
    "company": _COMPANY,
}  # fmt: skip
NAMES = {"deals": DEALS, "inquiries": INQUIRIES, "meetings": MEETINGS}
TEAMS = {
    # Not the manager: a team would be shown under somebody's name.
    "team": ("Team", "Sales Team", "Team Name", "Zespół", "Tiimi", "Squadra", "Vertriebsteam", "Equipo", "Équipe"),
    "territory": (
        "Territory", "Region", "Regional Office", "Office", "Branch", "Area", "Sales Region", "Region sprzedaży",
        "Regione", "Territorio", "Alue", "Gebiet",
    ),
}  # fmt: skip
HEADER_WORDS = (
    *(name for names in NAMES.values() for group in names.values() for name in group),
    *(name for group in TEAMS.values() for name in group), "sdr_id", "landing_page_id", "product", "sales_team",
)  # fmt: skip
# A part of a header, folded, that only a table of deals or of leads has.
_OF_DEALS = re.compile(
    r"deal|opportunit|oppid|szans|trattativ|verkaufschance|oportunidad|kaupan|closevalue|won(?:date|on)"
)
_OF_LEADS = re.compile(r"lead|mql|inquir|enquir|zapytan|richiest|anfrage|liidi|firstcontact|yhteydenott")

MAX_TEAM_COLUMNS = 8


def recognises(file: File) -> float:
    """0.9 where the user's own column map fits, 0.5 by the words of a header, 0.4 for a list of sellers."""
    if file.kind not in ("text", "workbook") or not file.header:
        return 0.0
    if _mapped(file.words, file.settings):
        return 0.9
    what = _readable(file.words)
    return {"": 0.0, "teams": 0.4}.get(what, RECOGNISED)


def _mapped(words: frozenset[str], settings: Settings) -> str:
    """The section of the user's own map whose columns a header has."""
    for section, needed in (("deals", ("closed", "created", "won_on")), ("meetings", ("start",)),
                            ("inquiries", ("created",))):  # fmt: skip
        answers = settings.columns.get(section, {})
        there = [field for field, header in answers.items() if text.fold(header) in words]
        if there and set(there) == set(answers) and set(there) & set(needed):
            return section
    return ""


def _readable(words: frozenset[str]) -> str:
    def has(names: dict, *fields: str) -> bool:
        return any(crm.has_any(words, *names.get(field, ())) for field in fields)

    def says(pattern: re.Pattern) -> bool:
        return any(pattern.search(word) for word in words)

    person = has(DEALS, "person", "email")
    if person and has(MEETINGS, "start"):
        return "meetings"
    dated = has(DEALS, "closed", "created", "won_on")
    ended = has(DEALS, "stage", "status", "won", "won_on")
    if person and dated and ended and (says(_OF_DEALS) or has(DEALS, "amount")):
        return "deals"
    if has(INQUIRIES, "created") and says(_OF_LEADS) and not has(DEALS, "won_on"):
        return "inquiries"
    team = has(TEAMS, "team", "territory") and not dated
    return "teams" if person and team and len(words) <= MAX_TEAM_COLUMNS else ""


def read(file: File, context: Context) -> Iterator[Rows]:
    """Deals, inquiries, meetings or a list of sellers."""
    table = file.table()
    what = _mapped(file.words, context.settings) or _readable(file.words)
    if what == "teams":
        yield _teams(table, context)
        return
    columns = crm.find_columns(table, NAMES[what], what, context)
    if what == "deals":
        yield _deals(file, table, columns, context)
    elif what == "meetings":
        crm.need(table, columns, what, "person", context, *SELLER)
        yield crm.read_meetings(file, table, columns, context)
    else:
        yield _inquiries(file, table, columns, context)


def _deals(file: File, table: Table, columns: dict[str, str | None], context: Context) -> Rows:
    if not any(columns[field] for field in ("person", "email")):
        crm.need(table, columns, "deals", "person", context, *SELLER)
        return Rows(table.ledger(context))
    helpers = table.find("sdr_id")
    if helpers is not None and columns["person"] is not None and text.fold(columns["person"]) == "srid":
        context.note(f"{file.name}: a won deal counts for its sr_id, who closed it; sdr_id, who qualified it, does not")
    return crm.read_deals(file, table, columns, context)


def _inquiries(file: File, table: Table, columns: dict[str, str | None], context: Context) -> Rows:
    """Leads as inquiries; those of nobody are told without a person."""
    if columns["person"] is not None or columns["email"] is not None:
        return crm.read_inquiries(file, table, columns, context)
    owner = crm.owners(table, {**columns, "person_id": None}, crm.PLAIN, file, context)
    if (owner != "").all():  # the setting [persons] says whose list it is
        return crm.read_inquiries(file, table, columns, context)
    ledger = table.ledger(context)
    order = crm.day_first_of(table, columns["created"])
    day = table.days(columns["created"], context, day_first=order)
    crm.skip(table, ledger, day.isna().to_numpy(), crm.NO_DATE)
    used = crm.in_use(table, ledger)
    ids = table.words(columns["id"])
    frame = pd.DataFrame(
        {"person": "", "date": day, "kind": "inquiry", "source": table.words(columns["source"]), "deal": ids, "id": ids,
         "row": table.rows}
    )[used]  # fmt: skip
    context.note(
        f"{file.name}: {len(frame):,} inquiries without a person: the file names nobody, they count for nobody"
    )
    ledger.skip(ledger.at(frame["row"].to_numpy()), NO_OWNER)
    return Rows(ledger, crm_events=frame)


def _teams(table: Table, context: Context) -> Rows:
    """A list of sellers with their team and territory."""
    columns = {field: table.find(*names) for field, names in TEAMS.items()}
    person = table.words(table.find(*SELLER))
    ledger = table.ledger(context)
    crm.skip(table, ledger, (person == "").to_numpy(), NO_OWNER)
    frame = pd.DataFrame(
        {
            "person": identities(name=person),
            "team": table.words(columns["team"]),
            "territory": table.words(columns["territory"]),
            "row": table.rows,
        }
    )
    return replace(Rows(ledger), teams=frame[np.asarray(crm.in_use(table, ledger))])
