"""HubSpot: deals, contacts and meetings; headers follow the language of the account.

Times are those of the account, without a zone. An inquiry is a contact that
became a lead, on that day. Where the exports carry ids of associated records,
the contact's inquiry, its meetings and its deal become one case; files of
several kinds are read together for that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from anyascii import anyascii

from ssi_audit.exports import crm, text
from ssi_audit.exports.files import File, Folder
from ssi_audit.exports.table import Context, Rows, Table
from ssi_audit.exports.text import Unreadable

KIND = "HubSpot export"

_ID = (
    "Record ID", "hs_object_id", "ID de registro", "ID del registro", "Datensatz-ID", "Record-ID",
    "ID de fiche d'informations", "ID record", "ID oggetto", "ID do registro", "ID rekordu", "Tietueen tunnus",
)  # fmt: skip
_CREATED = (
    "Create Date", "createdate", "Created Date", "Fecha de creación", "Erstellungsdatum", "Erstelldatum", "Erstellt am",
    "Date de création", "Data di creazione", "Data de criação", "Data utworzenia", "Luontipäivä", "Aanmaakdatum",
    "วันที่สร้าง",
)  # fmt: skip
_CHANGED = ("Last Modified Date", "hs_lastmodifieddate", "Fecha de última modificación", "Datum der letzten Änderung")
_SOURCE = (
    "Original Source Type", "Original Traffic Source", "Original Source", "hs_analytics_source", "Fuente original",
    "Fuente de tráfico original", "Ursprüngliche Quelle", "Ursprüngliche Traffic-Quelle", "Source d'origine",
    "Fonte originale", "Fonte de tráfego original", "Oryginalne źródło", "Alkuperäinen lähde", "Lead Source",
)  # fmt: skip
_AN_ID = r"\w+"
_DEAL_LINK = ("Associated Deal IDs", "Associated Deal ID", "ID de Deals asociados", "Zugehörige Deal-IDs")
_CONTACT_LINK = ("Associated Contact IDs", "Associated Contact ID", "Zugehörige Kontakt-IDs")

DEALS = {
    "person": (
        "Deal owner", "hubspot_owner_id", "Propietario del negocio", "Zuständiger Mitarbeiter für Deal",
        "Für Deal zuständiger Mitarbeiter", "Deal-Inhaber", "Propriétaire de la transaction",
        "Proprietario della trattativa", "Proprietario dell'offerta", "Proprietário do negócio", "Dealeigenaar",
        "Właściciel transakcji", "Właściciel deala", "Kaupan omistaja", "เจ้าของดีล",
    ),
    "deal": _ID,
    "title": (
        "Deal Name", "dealname", "Nombre del negocio", "Deal-Name", "Nom de la transaction", "Nome della trattativa",
        "Nome dell'offerta", "Nome trattativa", "Nome do negócio", "Nazwa transakcji", "Nazwa deala", "Kaupan nimi",
        "Dealnaam", "ชื่อดีล",
    ),
    "company": ("Associated Company", "Empresa asociada", "Zugehöriges Unternehmen", "Primary Associated Company"),
    "created": _CREATED,
    "closed": (
        "Close Date", "closedate", "Fecha de cierre", "Abschlussdatum", "Date de fermeture", "Date de clôture",
        "Data di chiusura", "Data de fechamento", "Data zamknięcia", "Sulkemispäivä", "Päättymispäivä",
        "Sluitingsdatum", "วันที่ปิด",
    ),
    "stage": (
        "Deal Stage", "dealstage", "Etapa del negocio", "Deal-Phase", "Phase de la transaction",
        "Fase della trattativa", "Fase dell'offerta", "Fase trattativa", "Etapa do negócio", "Fase do negócio",
        "Etap transakcji", "Etap deala", "Kaupan vaihe", "Dealfase", "ขั้นตอนดีล",
    ),
    "won": ("Is Closed Won", "hs_is_closed_won"),
    "lost": ("Is Closed Lost", "hs_is_closed_lost"),
    "is_closed": ("Is Deal Closed?", "Is Closed", "hs_is_closed"),
    "probability": ("Deal probability", "hs_deal_stage_probability"),
    "amount": (
        "Amount", "Valor", "Importe", "Betrag", "Montant", "Importo", "Kwota", "Summa", "Bedrag", "จำนวนเงิน",
    ),
    "currency": ("Currency", "deal_currency_code", "Moneda", "Währung", "Devise", "Valuta", "Moeda", "Waluta",
                 "Valuutta"),
    "source": _SOURCE,
    "pipeline": ("Pipeline", "Canalización", "Embudo", "Lejek"),
    "changed": _CHANGED,
}  # fmt: skip
INQUIRIES = {
    "person": (
        "Contact owner", "Propietario del contacto", "Zuständiger Mitarbeiter für Kontakt", "Kontaktinhaber",
        "Für Kontakt zuständiger Mitarbeiter", "Propriétaire du contact", "Proprietario del contatto",
        "Proprietário do contato", "Właściciel kontaktu", "Yhteyshenkilön omistaja", "Contacteigenaar",
    ),
    "id": _ID,
    "deal": _DEAL_LINK,
    "created": _CREATED,
    "source": _SOURCE,
    "changed": _CHANGED,
}  # fmt: skip
_LIFECYCLE = (
    "Lifecycle Stage", "lifecyclestage", "Etapa del ciclo de vida", "Lifecycle-Phase", "Phase du cycle de vie",
    "Fase del ciclo di vita", "Fase do ciclo de vida", "Etap cyklu życia", "Elinkaaren vaihe",
)  # fmt: skip
# The day a contact became a lead; without one, the day it became what follows a lead.
_BECAME = (
    ("Became a Lead Date", "hs_lifecyclestage_lead_date", "Fecha en que se convirtió en lead",
     "Fecha en la que se convirtió en lead", "Datum, an dem der Kontakt zum Lead wurde", "Wurde Lead am"),
    ("Became a Marketing Qualified Lead Date", "hs_lifecyclestage_marketingqualifiedlead_date"),
    ("Became a Sales Qualified Lead Date", "hs_lifecyclestage_salesqualifiedlead_date"),
)  # fmt: skip
MEETINGS = {
    "person": (
        "Activity assigned to", "Meeting owner", "Assigned to", "Actividad asignada a", "Aktivität zugewiesen an",
        "Activité attribuée à", "Attività assegnata a", "Atividade atribuída a",
    ),
    "id": _ID,
    "deal": _DEAL_LINK,
    "start": (
        "Meeting start time", "hs_meeting_start_time", "Start time", "Hora de inicio de la reunión",
        "Meeting-Startzeit", "Startzeit des Meetings", "Heure de début de la réunion",
        "Ora di inizio della riunione", "Activity date",
    ),
    "subject": (
        "Meeting name", "Meeting title", "hs_meeting_title", "Nombre de la reunión", "Meeting-Name",
        "Titel des Meetings", "Nom de la réunion", "Nome della riunione",
    ),
    "outcome": (
        "Meeting outcome", "hs_meeting_outcome", "Outcome", "Resultado de la reunión", "Meeting-Ergebnis",
        "Résultat de la réunion", "Esito della riunione",
    ),
    "created": _CREATED,
    "changed": _CHANGED,
}  # fmt: skip
HEADER_WORDS = (
    *(name for names in (DEALS, INQUIRIES, MEETINGS) for group in names.values() for name in group),
    *_LIFECYCLE, *_CONTACT_LINK, *(name for names in _BECAME for name in names),
)  # fmt: skip
_FOLDED_WORDS = frozenset(text.fold(word) for word in HEADER_WORDS) - {""}
STYLE = crm.Style(owner="hubspot_owner")

NOT_A_LEAD = "a contact that never became a lead"
# Lifecycle stages from lead on, by internal and shown names, folded.
_LEADS = (
    "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist", "mql", "sql",
    "cliente", "oportunidad", "kunde", "opportunitat", "verkaufschance", "client", "opportunite", "klient",
)  # fmt: skip
_HISTORY = re.compile(
    r"^(?:date entered|fecha de entrada(?: en)?|eingetreten am|date d'entree(?: dans)?|data di ingresso(?: in)?)\W+"
    r"(?P<stage>.+?)\s*(?:\((?P<pipeline>[^()]*)\))?\W*$"
)
_INTERNAL_HISTORY = re.compile(r"^hs_(?:v2_)?date_entered_(?P<stage>\w+)$")


def recognises(file: File) -> float:
    """1 for the columns of deals, contacts or meetings in any language, 0.9 without ``Record ID``.

    Deals without their column of owners are left to whoever finds the seller by another name.
    """
    if file.kind not in ("text", "workbook") or not readable(file.words):
        return 0.0
    if readable(file.words) == "deals" and not crm.has_any(file.words, *DEALS["person"]):
        return crm.NO_SELLER
    return 1.0 if crm.has_any(file.words, *_ID) else 0.9


def readable(words: frozenset[str]) -> str:
    """Which of deals, inquiries and meetings a header is of; "" for none."""

    def has(names: dict, *fields: str) -> bool:
        return all(crm.has_any(words, *names[field]) for field in fields)

    if has(DEALS, "title") and has(DEALS, "stage"):
        return "deals"
    if has(INQUIRIES, "person") and (crm.has_any(words, *_LIFECYCLE) or crm.has_any(words, *_BECAME[0])):
        return "inquiries"
    meeting = sum(has(MEETINGS, field) for field in ("subject", "start", "outcome"))
    return "meetings" if meeting >= 2 and has(MEETINGS, "person") else ""


def claims(folder: Folder) -> list[File]:
    """Files of several kinds that name each other's records: they are read together."""
    found = {file: words for file in folder.all_files() if readable(words := crm.peek(file, _FOLDED_WORDS))}
    linked = [words for words in found.values() if crm.has_any(words, *_DEAL_LINK, *_CONTACT_LINK)]
    return list(found) if linked and len({readable(words) for words in found.values()}) > 1 else []


def read(file: File, context: Context) -> Iterator[Rows]:
    """Deals, contacts or meetings as events."""
    yield _read_one(file, context)[1]


def read_folder(folder: Folder, files: list[File], context: Context) -> Iterator[Rows]:
    """Files whose records name each other: one case from the inquiry to the deal."""
    read = []
    for file in files:
        try:
            read.append(_read_one(file, context))
        except Unreadable as error:
            context.problem(file.name, error.found, error.fix)
        finally:
            file.forget()
    deal_of = _deal_of_contact([links for links, _ in read])
    frames = [_joined(links, rows, deal_of) for links, rows in read]
    for (_, rows), frame in zip(read, frames):
        yield replace(rows, crm_events=frame)


def _read_one(file: File, context: Context) -> tuple[pd.DataFrame, Rows]:
    """Rows of a file, and for each row of the table the records it names (`_links`)."""
    table, what = file.table(), readable(file.words)
    if what == "deals":
        rows, contact = _deals(file, table, context), table.find(*_CONTACT_LINK)
        links = _links(table, table.find(*_ID), contact)
    elif what == "inquiries":
        rows, links = _contacts(file, table, context), _links(table, table.find(*_DEAL_LINK), table.find(*_ID))
    else:
        columns = crm.find_columns(table, MEETINGS, "meetings", context)
        rows = crm.read_meetings(file, table, columns, context, STYLE)
        links = _links(table, table.find(*_DEAL_LINK), table.find(*_CONTACT_LINK))
    if rows.crm_events is not None and what != "deals":
        rows = replace(rows, crm_events=_joined(links, rows, {}))
    return links, rows


def _links(table: Table, deals: str | None, contacts: str | None) -> pd.DataFrame:
    """row, deals, contacts: the records that a row names of each kind, as the file lists them."""
    return pd.DataFrame({"row": table.rows, "deals": table.words(deals), "contacts": table.words(contacts)})


def _deal_of_contact(links: list[pd.DataFrame]) -> dict[str, str]:
    """The deal that each contact belongs to; of several the one with the lowest number, which was made first."""
    named = pd.concat([part[(part["deals"] != "") & (part["contacts"] != "")] for part in links], ignore_index=True)
    named = named[["deals", "contacts"]].drop_duplicates()
    listed = pd.DataFrame({kind: ids.str.findall(_AN_ID) for kind, ids in named.items()})
    pairs = listed.explode("deals").explode("contacts").dropna().drop_duplicates()
    pairs = pairs.assign(number=pd.to_numeric(pairs["deals"], errors="coerce")).sort_values(["number", "deals"])
    return pairs.drop_duplicates("contacts").set_index("contacts")["deals"].to_dict()


def _joined(links: pd.DataFrame, rows: Rows, deal_of: dict[str, str]) -> pd.DataFrame | None:
    """Events with the deal of their case; a contact without a deal is a case of its own."""
    events = rows.crm_events
    if events is None or not events["kind"].isin(("inquiry", "meeting")).any():
        return events
    named = events[["row"]].merge(links, how="left", on="row").set_axis(events.index)
    deal, contact = _first(named["deals"]), _first(named["contacts"])
    through = contact.map(deal_of).astype("str").fillna("")
    alone = ("contact " + contact).where(contact != "", "")
    return events.assign(deal=deal.where(deal != "", through.where(through != "", alone)))


def _first(ids: pd.Series) -> pd.Series:
    """The first of each list of ids, "" where there is none."""
    codes, distinct = pd.factorize(ids)
    found = [found.group() if (found := re.search(_AN_ID, one)) else "" for one in distinct]
    return pd.Series(pd.array([*found, ""], dtype="str").take(codes), index=ids.index)


def _deals(file: File, table: Table, context: Context) -> Rows:
    columns = crm.find_columns(table, DEALS, "deals", context)
    if not crm.need(table, columns, "deals", "person", context, "Deal owner"):
        return Rows(table.ledger(context))
    return crm.read_deals(file, _with_entered(table, columns), columns, context, STYLE)


def _with_entered(table: Table, columns: dict[str, str | None]) -> Table:
    """Close dates that are blank filled from the stage history: the day a deal entered the stage it is in."""
    entered = _stage_history(table)
    if not entered or columns["closed"] is None:
        return table
    stage = table.words(columns["stage"]).map(text.fold)
    closed = table.words(columns["closed"])
    for name, column in entered.items():
        closed = closed.where((closed != "") | (stage != name), table.words(column))
    return replace(table, frame=table.frame.assign(**{columns["closed"]: closed}))


def _stage_history(table: Table) -> dict[str, str]:
    """Folded name of a stage → the column that says when it was entered; quotes of any kind around the name."""
    found: dict[str, str] = {}
    for column in table.frame.columns:
        plain = anyascii(column).strip()
        match = _HISTORY.match(plain.lower()) or _INTERNAL_HISTORY.match(plain.lower())
        if match:
            found.setdefault(text.fold(match["stage"]), column)
    return found


def _contacts(file: File, table: Table, context: Context) -> Rows:
    """Contacts that became leads, on that day; the day of creation where no column says when."""
    columns = crm.find_columns(table, INQUIRIES, "inquiries", context)
    ledger = table.ledger(context)
    lifecycle = table.find(*_LIFECYCLE)
    became = [column for names in _BECAME if (column := table.find(*names))]
    if not became:
        became = [column for stage, column in _stage_history(table).items() if stage.startswith("lead")]
    if became:
        days = table.words(became[0])
        for column in became[1:]:
            days = days.where(days != "", table.words(column))
        crm.skip(table, ledger, (days == "").to_numpy(), NOT_A_LEAD)
        table = replace(table, frame=table.frame.assign(**{became[0]: days}))
        columns["created"] = became[0]
    else:
        crm.skip(table, ledger, ~_is_lead(table.words(lifecycle)), NOT_A_LEAD)
        context.note(f"{file.name}: no column says when a contact became a lead: inquiries are dated by its creation")
    no_lead = table.rows[~crm.in_use(table, ledger)]
    rows = crm.read_inquiries(file, table, columns, context, STYLE, ledger)
    if rows.withdrawn is None:
        return rows
    # Who is not called a lead any more was one all the same: the stage moves on.
    return replace(rows, withdrawn=rows.withdrawn[~rows.withdrawn["row"].isin(no_lead)])


def _is_lead(stages: pd.Series) -> np.ndarray:
    return stages.map(lambda word: text.fold(word).startswith(_LEADS)).to_numpy(dtype=bool)
