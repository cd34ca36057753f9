"""Zoho CRM: deals, leads and meetings, recognised by ``Record Id`` beside an owner's id.

The closing date of an open deal is a forecast. The column of names may be
missing, so that only the owner's id is left; ids carry the prefix ``zcrm_``.
"""

from __future__ import annotations

from collections.abc import Iterator

from ssi_audit.exports import crm
from ssi_audit.exports.files import File
from ssi_audit.exports.table import Context, Rows

KIND = "Zoho CRM export"

_ID = ("Record Id", "Id", "Entity Id")
DEALS = {
    "person": ("Deal Owner", "Potential Owner", "Deal Owner Name", "Deal Owner.name"),
    "person_id": ("Deal Owner.id", "Deal Owner Id", "Potential Owner.id", "Owner.id"),
    "email": ("Deal Owner.email", "Owner Email"),
    "deal": _ID,
    "title": ("Deal Name", "Potential Name"),
    "company": ("Account Name",),
    "created": ("Created Time",),
    "closed": ("Closing Date",),
    "stage": ("Stage",),
    "probability": ("Probability (%)", "Probability"),
    "amount": ("Amount",),
    "currency": ("Currency",),
    "source": ("Lead Source",),
    "pipeline": ("Pipeline",),
    "changed": ("Modified Time",),
}
INQUIRIES = {
    "person": ("Lead Owner", "Lead Owner.name"),
    "person_id": ("Lead Owner.id", "Lead Owner Id"),
    "id": _ID,
    "deal": ("Converted Deal.id", "Converted Deal Id"),
    "created": ("Created Time",),
    "source": ("Lead Source",),
    "company": ("Company",),
    "changed": ("Modified Time",),
}
MEETINGS = {
    "person": ("Host", "Host Name", "Event Owner", "Meeting Owner"),
    "person_id": ("Host.id", "Host Id", "Event Owner.id", "Meeting Owner.id"),
    "id": _ID,
    "deal": ("What Id.id", "Related To.id"),
    "lead": ("Who Id.id",),
    "start": ("From", "Start DateTime", "Start Date Time"),
    "subject": ("Title", "Subject", "Event Title"),
    "outcome": ("Status", "Check-In Status", "Meeting Status"),
    "created": ("Created Time",),
    "changed": ("Modified Time",),
}
HEADER_WORDS = tuple(name for names in (DEALS, INQUIRIES, MEETINGS) for group in names.values() for name in group)
STYLE = crm.Style(owner_id="zoho_owner_id")


def recognises(file: File) -> float:
    """1 for Zoho's ids of records and owners, 0.9 with the name of the owner only."""
    if file.kind not in ("text", "workbook") or not crm.has_any(file.words, "Record Id", "Entity Id"):
        return 0.0
    what = _readable(file.words)
    if not what:
        return 0.0
    names = {"deals": DEALS, "inquiries": INQUIRIES, "meetings": MEETINGS}[what]
    return 1.0 if crm.has_any(file.words, *names["person_id"]) else 0.9


def _readable(words: frozenset[str]) -> str:
    def has(names: dict, *fields: str) -> bool:
        return all(crm.has_any(words, *names[field]) for field in fields)

    def owned(names: dict) -> bool:
        return has(names, "person") or has(names, "person_id")

    if owned(DEALS) and has(DEALS, "closed", "stage"):
        return "deals"
    if owned(INQUIRIES) and has(INQUIRIES, "created"):
        return "inquiries"
    return "meetings" if owned(MEETINGS) and has(MEETINGS, "start", "subject") else ""


def read(file: File, context: Context) -> Iterator[Rows]:
    """Deals, leads or meetings as events."""
    table, what = file.table(), _readable(file.words)
    if what == "deals":
        columns = crm.find_columns(table, DEALS, "deals", context)
        yield crm.read_deals(file, table, columns, context, STYLE)
    elif what == "inquiries":
        columns = crm.find_columns(table, INQUIRIES, "inquiries", context)
        yield crm.read_inquiries(file, table, columns, context, STYLE)
    else:
        columns = crm.find_columns(table, MEETINGS, "meetings", context)
        yield crm.read_meetings(file, table, columns, context, STYLE)
