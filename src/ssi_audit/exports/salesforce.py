"""Salesforce: reports (CSV, formatted xlsx, xls) in any language, and data exports by object.

A report has labels, trailer lines and the user's own date order; a formatted one
also titles above the header, owners written once a group, and subtotals. The
objects of a data export, wherever they lie, are read together
(`salesforce_objects`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ssi_audit.exports import crm, salesforce_objects, stages, text
from ssi_audit.exports.files import File, Folder
from ssi_audit.exports.ledger import Ledger
from ssi_audit.exports.markup import html_table
from ssi_audit.exports.table import TRAILER, Context, Rows, Table
from ssi_audit.exports.text import OddLine, Unreadable

KIND = "Salesforce export"

_CREATED = (
    "Created Date", "Create Date", "Erstelldatum", "Erstellt am", "Fecha de creación", "Fecha creación",
    "Date de création", "Data creazione", "Data di creazione", "Data de criação", "Data utworzenia", "Luontipäivä",
    "Luontipäivämäärä", "Aanmaakdatum", "วันที่สร้าง",
)  # fmt: skip
_CHANGED = ("Last Modified Date", "Zuletzt geändert am", "Datum der letzten Änderung", "Fecha de última modificación")
_SOURCE = (
    "Lead Source", "Lead-Quelle", "Leadquelle", "Origen del candidato", "Origen del prospecto", "Origine de la piste",
    "Origine lead", "Origem do lead", "Źródło potencjalnego klienta", "Źródło leada", "Liidin lähde", "Leadbron",
)  # fmt: skip
_COMPANY = (
    "Account Name", "Accountname", "Account-Name", "Company / Account", "Firma/Account", "Nombre de la cuenta",
    "Nombre de cuenta", "Nom du compte", "Nome account", "Nome da conta", "Nazwa konta", "Tilin nimi", "Accountnaam",
)  # fmt: skip
DEALS = {
    "person": (
        "Opportunity Owner", "Opportunity-Inhaber", "Opportunityinhaber", "Verkaufschance-Inhaber",
        "Propietario de oportunidad", "Propietario de la oportunidad", "Propriétaire de l'opportunité",
        "Titolare opportunità", "Proprietario opportunità", "Proprietário da oportunidade",
        "Właściciel szansy sprzedaży", "Właściciel szansy", "Mahdollisuuden omistaja", "Eigenaar opportunity",
        "Opportunity-eigenaar", "Opportunity Owner: Full Name", "Opportunity: Owner: Full Name",
        "เจ้าของโอกาสทางการขาย",
    ),
    "person_id": ("Opportunity Owner ID", "Owner ID", "Opportunity Owner: User ID"),
    "email": ("Opportunity Owner: Email", "Opportunity Owner Email"),
    "deal": (
        "Opportunity ID", "Opportunity-ID", "Id. de oportunidad", "ID de oportunidad", "ID opportunité",
        "ID opportunità", "ID da oportunidade", "Identyfikator szansy", "Case Safe ID", "Opportunity ID 18",
    ),
    "title": (
        "Opportunity Name", "Opportunity-Name", "Nombre de la oportunidad", "Nombre de oportunidad",
        "Nom de l'opportunité", "Nome opportunità", "Nome da oportunidade", "Nazwa szansy sprzedaży", "Nazwa szansy",
        "Mahdollisuuden nimi", "Naam opportunity", "Opportunitynaam", "ชื่อโอกาสทางการขาย",
    ),
    "company": _COMPANY,
    "created": _CREATED,
    "closed": (
        "Close Date", "Schlusstermin", "Fecha de cierre", "Date de clôture", "Data chiusura", "Data di chiusura",
        "Data de fechamento", "Data zamknięcia", "Päättymispäivä", "Sulkemispäivä", "Sluitingsdatum", "วันที่ปิด",
    ),
    "stage": (
        "Stage", "Phase", "Etapa", "Étape", "Fase", "Estágio", "Etap", "Vaihe", "Opportunity Stage", "ขั้นตอน",
    ),
    "won": ("Won", "Gewonnen", "Ganada", "Ganado", "Gagné", "Gagnée", "Acquisita", "Vinta", "Ganho", "Wygrane",
            "Voitettu"),
    "is_closed": ("Closed", "Geschlossen", "Cerrada", "Cerrado", "Fermé", "Fermée", "Chiusa", "Chiuso", "Fechado",
                  "Zamknięte", "Suljettu"),
    "probability": (
        "Probability (%)", "Wahrscheinlichkeit (%)", "Probabilidad (%)", "Probabilité (%)", "Probabilità (%)",
        "Probabilidade (%)", "Prawdopodobieństwo (%)", "Todennäköisyys (%)",
    ),
    "amount": (
        "Amount", "Betrag", "Importe", "Montant", "Importo", "Ammontare", "Valor", "Kwota", "Summa", "Bedrag",
        "Opportunity-Betrag", "จำนวนเงิน", "Amount (converted)", "Betrag (konvertiert)",
    ),
    "currency": ("Opportunity Currency", "Währung der Opportunity"),
    "source": _SOURCE,
    "changed": _CHANGED,
}  # fmt: skip
INQUIRIES = {
    "person": (
        "Lead Owner", "Lead-Inhaber", "Leadinhaber", "Propietario del candidato", "Propietario del prospecto",
        "Propriétaire de la piste", "Titolare lead", "Proprietário do lead", "Właściciel potencjalnego klienta",
        "Liidin omistaja", "Eigenaar lead",
    ),
    "person_id": ("Lead Owner ID",),
    "id": ("Lead ID", "Lead-ID"),
    "deal": ("Opportunity ID", "Opportunity-ID", "Converted Opportunity ID"),
    "created": _CREATED,
    "source": _SOURCE,
    "company": _COMPANY,
    "changed": _CHANGED,
}  # fmt: skip
MEETINGS = {
    "person": ("Assigned", "Assigned To", "Zugewiesen", "Zugewiesen an", "Asignado a", "Assigné à", "Assegnato a"),
    "id": ("Activity ID", "Aktivitäts-ID"),
    "deal": ("Opportunity ID", "Opportunity-ID"),
    "lead": ("Lead ID", "Lead-ID"),
    "start": ("Start", "Start Date Time", "Date", "Datum", "Fecha", "Data"),
    "subject": ("Subject", "Betreff", "Asunto", "Objet", "Oggetto"),
    "outcome": ("Status",),
    "type": ("Activity Type", "Aktivitätstyp", "Event Type", "Task Subtype"),
    "company": _COMPANY,
    "created": _CREATED,
}
_TASK = ("Task", "Aufgabe", "Tarea", "Tâche", "Attività da svolgere", "Zadanie")
_LEAD_WORDS = ("Lead Status", "Lead-Status", "Leadstatus", "Lead Source", "Converted", "Konvertiert", *_SOURCE)
# Behind the label of an amount, in orgs with several currencies.
_CURRENCY_WORDS = ("Currency", "Währung", "Moneda", "Divisa", "Devise", "Valuta", "Moeda", "Waluta", "Valuutta")
HEADER_WORDS = (
    *(name for names in (DEALS, INQUIRIES, MEETINGS) for group in names.values() for name in group),
    *(f"{amount} {word}" for amount in DEALS["amount"] for word in _CURRENCY_WORDS),
    *salesforce_objects.FIELD_NAMES, "Fiscal Period", "Age", "Next Step", "Owner Role", "Expected Revenue",
)  # fmt: skip
_FOLDED_WORDS = frozenset(text.fold(word) for word in HEADER_WORDS)

GROUP_HEADING = "heading of a group"
IS_TASK = "a task, not a meeting"
_TRAILER_TEXT = re.compile(
    r"^(?:copyright\b|©|\(c\)|confidential information|grand tot(?:al|als)\b|(?:sub)?total[es]?\b|zwischensumme|"
    r"gesamtsumme|gesamt\b|sous-total|total general|totale(?: parziale| complessivo)?\b|suma\b|razem\b|summa\b|"
    r"välisumma|generated by|as of\b|erstellt von|generado por|généré par|generato da|wygenerowan|filtered by|count\b|"
    r"sum\b|anzahl\b|avg\b|average\b|vertrauliche informationen)",
    re.IGNORECASE,
)
_COUNT_BEHIND = r"\s*\(\d[\d.,\s]*(?:\s*[^\W\d]+)?\)\s*$"


def recognises(file: File) -> float:
    """1 for the labels of an opportunity report, 0.9 for leads and activities; API names of a single object too.

    Without its column of owners a report is left to whoever finds the seller by another name.
    """
    if file.kind in ("text", "workbook"):
        if salesforce_objects.kind_of(file):
            return 1.0
        if _readable(file.words) == "deals":
            return 1.0 if crm.has_any(file.words, *DEALS["person"]) else crm.NO_SELLER
        return 0.9 if _readable(file.words) else 0.0
    if file.kind == "html":
        table = _html(file)
        return 0.9 if table is not None and _readable(_words(table)) else 0.0
    return 0.0


def _html(file: File) -> Table | None:
    try:
        return html_table(file, _FOLDED_WORDS)
    except Unreadable:
        return None  # said again, aloud, when the file is read


def _words(table: Table) -> frozenset[str]:
    return frozenset(text.fold(cell) for cell in table.header) - {""}


def _readable(words: frozenset[str]) -> str:
    def has(names: dict, *fields: str) -> bool:
        return all(crm.has_any(words, *names[field]) for field in fields)

    named = has(DEALS, "person") or has(DEALS, "title")
    if named and has(DEALS, "stage") and (has(DEALS, "closed") or has(DEALS, "created")):
        return "deals"
    if has(INQUIRIES, "person", "created") and crm.has_any(words, *_LEAD_WORDS):
        return "inquiries"
    activity = has(MEETINGS, "person", "subject", "start")
    return "meetings" if activity and (crm.has_any(words, *_TASK) or has(MEETINGS, "type")) else ""


def claims(folder: Folder) -> list[File]:
    """The objects of a data export in a folder and below it."""
    return salesforce_objects.objects_of(folder)


def read_folder(folder: Folder, files: list[File], context: Context) -> Iterator[Rows]:
    """All objects of a data export together."""
    return salesforce_objects.read_objects(files, context)


def read(file: File, context: Context) -> Iterator[Rows]:
    """A report, or one object of a data export."""
    if file.kind != "html" and salesforce_objects.kind_of(file):
        yield from salesforce_objects.read_objects([file], context)
        return
    table = html_table(file, _FOLDED_WORDS) if file.kind == "html" else file.table()
    what = _readable(_words(table))
    if what == "deals":
        yield _deals(file, table, context)
        return
    names = INQUIRIES if what == "inquiries" else MEETINGS
    columns = crm.find_columns(table, names, what, context)
    table = _short_ids(table, *(columns.get(name) for name in ("id", "deal", "lead")))
    table, ledger = _without_trailers(file, table, columns, ("created", "start", "subject"), context)
    if what == "inquiries":
        yield crm.read_inquiries(file, table, columns, context, _STYLE, ledger)
        return
    crm.skip(table, ledger, stages.flags(table, table.find(*_TASK)) == 1, IS_TASK)
    yield crm.read_meetings(file, table, columns, context, _STYLE, ledger)


_STYLE = crm.Style(owner_id="salesforce_user_id", needs_closing=False)


def _deals(file: File, table: Table, context: Context) -> Rows:
    columns = crm.find_columns(table, DEALS, "deals", context)
    if not crm.need(table, columns, "deals", "person", context, "Opportunity Owner"):
        return Rows(table.ledger())
    if columns["amount"] and not columns["currency"]:
        columns["currency"] = table.find(*(f"{columns['amount']} {word}" for word in _CURRENCY_WORDS))
    table = _short_ids(table, columns["deal"])
    table, ledger = _without_trailers(file, table, columns, ("stage", "closed", "created"), context)
    return crm.read_deals(file, table, columns, context, _STYLE, ledger)


def _short_ids(table: Table, *columns: str | None) -> Table:
    """Ids of 15 and of 18 characters name the same record: the first 15 do."""
    ids = {column: salesforce_objects.short(table.words(column)) for column in columns if column is not None}
    return replace(table, frame=table.frame.assign(**ids))


def _without_trailers(
    file: File, table: Table, columns: dict[str, str | None], fields: tuple[str, ...], context: Context
) -> tuple[Table, Ledger]:
    """The table with the owner in every row, and its ledger with trailers, subtotals and headings left out."""
    table = replace(table, odd=[line for line in table.odd if not _is_trailer_line(line)], set_aside=[
        *table.set_aside, *((line.row, TRAILER) for line in table.odd if _is_trailer_line(line))])  # fmt: skip
    ledger = table.ledger(context)
    # Without a stage and a day a row is no deal; where it has a name as well, only its words can tell what it is.
    bare = np.ones(len(table), dtype=bool)
    for field in fields:
        bare &= table.blank(columns.get(field))
    empty = bare & table.blank(columns.get("title"))
    filled = np.zeros(len(table), dtype=np.int64)
    first = np.full(len(table), "", dtype=object)
    for column in table.frame.columns if bare.any() else ():
        cells = table.words(column).to_numpy(dtype=object)[bare]
        new = (filled[bare] == 0) & (cells != "")
        first[np.flatnonzero(bare)[new]] = cells[new]
        filled[bare] += cells != ""
    said = np.zeros(len(table), dtype=bool)
    said[bare] = [bool(_TRAILER_TEXT.match(str(cell))) for cell in first[bare]]
    owner = columns["person"]
    grouped = file.kind in ("workbook", "html") and owner is not None
    named = table.words(owner) != "" if grouped else np.zeros(len(table), dtype=bool)
    heading = empty & ~said & (filled == 1) & np.asarray(named)
    trailer = (bare & said) | (empty & (filled <= 1) & ~heading)
    crm.skip(table, ledger, trailer, TRAILER)
    crm.skip(table, ledger, heading, GROUP_HEADING)
    if not grouped:
        return table, ledger
    words = table.words(owner).mask(trailer, "").str.replace(_COUNT_BEHIND, "", regex=True)
    return replace(table, frame=table.frame.assign(**{owner: words.where(words != "").ffill().fillna("")})), ledger


def _is_trailer_line(line: OddLine) -> bool:
    said = next((cell.strip() for cell in line.cells if cell.strip()), "")
    return bool(_TRAILER_TEXT.match(said))
