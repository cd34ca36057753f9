"""Pipedrive: deals, leads and activities, recognised by headers such as ``Deal - Owner``.

The status of a deal decides whether it was won, never its stage. Times carry
no zone and are UTC. The value of a deal nobody priced is written as 0: unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ssi_audit.exports import crm
from ssi_audit.exports.files import File
from ssi_audit.exports.table import Context, Rows, Table

KIND = "Pipedrive export"

DEALS = {
    "person": ("Deal - Owner", "Deal - Owner name"),
    "deal": ("Deal - ID", "Deal - System ID", "Deal - Pipedrive System ID"),
    "title": ("Deal - Title",),
    "company": ("Deal - Organization", "Organization - Name"),
    "created": ("Deal - Deal created", "Deal - Add time", "Deal - Created"),
    "closed": ("Deal - Deal closed on", "Deal - Close time"),
    "won_on": ("Deal - Won time",),
    "lost_on": ("Deal - Lost time",),
    "status": ("Deal - Status",),
    "amount": ("Deal - Value",),
    "currency": ("Deal - Currency of Value", "Deal - Currency"),
    "source": ("Deal - Source channel", "Deal - Source", "Deal - Source origin"),
    "pipeline": ("Deal - Pipeline",),
    "changed": ("Deal - Update time",),
}
INQUIRIES = {
    "person": ("Lead - Owner",),
    "id": ("Lead - ID", "Lead - System ID"),
    "deal": ("Lead - Deal ID", "Deal - ID"),
    "created": ("Lead - Lead created", "Lead - Add time", "Lead - Created"),
    "source": ("Lead - Source", "Lead - Source channel", "Lead - Source origin"),
    "company": ("Lead - Organization",),
    "changed": ("Lead - Update time",),
}
DONE = ("Activity - Done",)
MEETINGS = {
    "person": ("Activity - Assigned to user", "Activity - Assigned to"),
    "id": ("Activity - ID", "Activity - System ID", "Activity - Pipedrive System ID"),
    "deal": ("Deal - ID", "Activity - Deal ID"),
    "lead": ("Lead - ID", "Activity - Lead ID"),
    "start": ("Activity - Due date", "Activity - Marked as done time"),
    "start_time": ("Activity - Due time",),
    "subject": ("Activity - Subject",),
    "outcome": DONE,
    "type": ("Activity - Type",),
    "company": ("Activity - Organization", "Organization"),
    "created": ("Activity - Creation date", "Activity - Add time"),
    "changed": ("Activity - Update time",),
}
PREFIXES = ("deal - ", "lead - ", "activity - ")
DONE = ("Activity - Done",)
HEADER_WORDS = tuple(name for names in (DEALS, INQUIRIES, MEETINGS) for group in names.values() for name in group)
STYLE = crm.Style(owner="pipedrive_user", zone="UTC", zero_is_unknown=True)

NOT_DONE = "an activity that was not done"
OTHER_ACTIVITY = "an activity of another type"


def recognises(file: File) -> float:
    """1 for a header of deals, leads or activities with Pipedrive's prefixes: "Deal Status" is anybody's."""
    if file.kind not in ("text", "workbook") or not any(cell.lower().startswith(PREFIXES) for cell in file.header):
        return 0.0
    return 1.0 if _readable(file.words) else 0.0


def _readable(words: frozenset[str]) -> str:
    if crm.has_any(words, *MEETINGS["subject"]) and crm.has_any(words, *MEETINGS["start"]):
        return "meetings"
    if crm.has_any(words, *DEALS["status"]) or (crm.has_any(words, "Deal - Title") and crm.has_any(words, "Deal - ID")):
        return "deals"
    return "inquiries" if crm.has_any(words, "Lead - Title", *INQUIRIES["created"]) else ""


def read(file: File, context: Context) -> Iterator[Rows]:
    """Deals, leads or activities as events."""
    table, what = file.table(), _readable(file.words)
    if what == "meetings":
        yield _activities(file, table, context)
    elif what == "inquiries":
        columns = crm.find_columns(table, INQUIRIES, "inquiries", context)
        if crm.need(table, columns, "inquiries", "created", context, "Lead - Lead created"):
            yield crm.read_inquiries(file, table, columns, context, STYLE)
    else:
        yield _deals(file, table, context)


def _deals(file: File, table: Table, context: Context) -> Rows:
    columns = crm.find_columns(table, DEALS, "deals", context)
    ledger = table.ledger(context)
    if not all([
        crm.need(table, columns, "deals", "person", context, "Deal - Owner"),
        crm.need(table, columns, "deals", "status", context, "Deal - Status"),
    ]):  # fmt: skip
        return Rows(ledger)
    status = table.words(columns["status"]).str.lower()
    crm.skip(table, ledger, status.str.startswith("deleted").to_numpy(), crm.DELETED)
    return crm.read_deals(file, table, columns, context, STYLE, ledger)


def _activities(file: File, table: Table, context: Context) -> Rows:
    """Activities of the type meeting that were done, or of a type that the user calls a meeting."""
    columns = crm.find_columns(table, MEETINGS, "meetings", context)
    ledger = table.ledger(context)
    crm.need(table, columns, "meetings", "person", context, "Activity - Assigned to user")
    done = table.find(*DONE)
    if done is not None:
        crm.skip(table, ledger, ~_is_done(table.words(done)), NOT_DONE)
    said = table.words(columns["type"]) + " " + table.words(columns["subject"])
    wanted = crm.says_any(table.words(columns["type"]), MEETING_TYPES)
    wanted |= crm.says_any(said, context.settings.meeting_words)
    if columns["type"] is not None:
        crm.skip(table, ledger, ~wanted, OTHER_ACTIVITY)
    return crm.read_meetings(file, table, columns, context, STYLE, ledger)


# What a type of activity is called that is a meeting, in the languages of the users.
MEETING_TYPES = (
    "meeting", "demo", "besprechung", "termin", "reunion", "riunione", "spotkanie", "tapaaminen", "kokous", "rendez",
    "visit", "lunch", "appointment", "vergadering", "incontro",
)  # fmt: skip


def _is_done(words: pd.Series) -> np.ndarray:
    return words.str.lower().isin(("done", "1", "true", "yes", "erledigt", "hecho", "fatto", "zrobione")).to_numpy()
