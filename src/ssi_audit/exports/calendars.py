"""Calendar exports as a source of meetings: iCalendar files, and CSV from Outlook or Google.

Series are taken apart into their meetings, as far as the export knows them; moved
and deleted ones are seen to. The owner is the calendar's own address, else the
one that is invited to everything, else the name of the file. Subjects and guests
decide whether an entry is a meeting (`invitations`) and are not kept.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from ssi_audit.exports import crm, ics, invitations, stages
from ssi_audit.exports.files import File
from ssi_audit.exports.ics import Entry, Property
from ssi_audit.exports.invitations import Guests
from ssi_audit.exports.ledger import Ledger
from ssi_audit.exports.table import Context, Rows, Table
from ssi_audit.names import LABEL, file_owner, identities, split_identity

KIND = "calendar"

COLUMNS = {
    "subject": ("Subject", "Betreff", "Temat", "Oggetto", "Aihe", "Asunto", "Objet", "Title", "เรื่อง"),
    "start": (
        "Start Date", "Beginnt am", "Data rozpoczęcia", "Data inizio", "Data di inizio", "Alkamispäivä", "Alkupäivä",
        "Fecha de comienzo", "Fecha de inicio", "Date de début", "Début", "วันที่เริ่มต้น",
    ),
    "start_time": (
        "Start Time", "Beginnt um", "Czas rozpoczęcia", "Godzina rozpoczęcia", "Ora inizio", "Ora di inizio",
        "Alkamisaika", "Alkuaika", "Comienzo", "Hora de inicio", "Heure de début", "Début (2)", "เวลาเริ่มต้น",
    ),
    "all_day": (
        "All day event", "All Day", "Ganztägiges Ereignis", "Ganztaegiges Ereignis", "Wydarzenie całodzienne",
        "Zdarzenie całodzienne", "Evento giornata intera", "Giornata intera", "Koko päivän tapahtuma",
        "Todo el día", "Journée entière",
    ),
    "organizer": (
        "Meeting Organizer", "Organizer", "Besprechungsplanung", "Besprechungsorganisator", "Organizator spotkania",
        "Organizzatore riunione", "Kokouksen järjestäjä", "Organizador de la reunión", "Organisateur de la réunion",
    ),
    "required": (
        "Required Attendees", "Attendees", "Guests", "Participants", "Erforderliche Teilnehmer", "Wymagani uczestnicy",
        "Partecipanti obbligatori", "Partecipanti necessari", "Pakolliset osallistujat", "Asistentes necesarios",
        "Participants obligatoires", "Invitees",
    ),
    "optional": (
        "Optional Attendees", "Optionale Teilnehmer", "Opcjonalni uczestnicy", "Uczestnicy opcjonalni",
        "Partecipanti facoltativi", "Valinnaiset osallistujat", "Asistentes opcionales", "Participants facultatifs",
    ),
    "categories": ("Categories", "Kategorien", "Kategorie", "Categorie", "Luokat", "Categorías", "Catégories"),
    "private": ("Private", "Privat", "Prywatne", "Privato", "Yksityinen", "Privado", "Privé"),
    "sensitivity": ("Sensitivity", "Vertraulichkeit", "Charakter", "Riservatezza", "Luottamuksellisuus"),
    "busy": ("Show time as", "Zeitspanne zeigen als", "Pokaż czas jako", "Mostra orario come", "Näytä aika"),
    "status": ("Status", "Meeting Status"),
}  # fmt: skip
_MARKS = ("all_day", "organizer", "required", "busy")
HEADER_WORDS = tuple(name for names in COLUMNS.values() for name in names)

_AWAY = re.compile(
    r"^4$|out of office|oof|abwesend|poza biurem|fuori (?:sede|ufficio)|poissa|fuera|absent", re.IGNORECASE
)
_NOT_PRIVATE = ("", "normal", "public", "personal", "standard", "normale", "normalny", "normaali", "offentlig")
# A series without an end is followed this far beyond the last change of an export that does not say its day.
_FORESIGHT = pd.Timedelta(days=366)
# An export stamps all its entries within minutes; other stamps are those of the last change.
_ONE_EXPORT = pd.Timedelta(minutes=10)
# Share of the entries with guests in which the owner's own address stands.
_OWNER_SHARE = 0.9

# Why an entry is no meeting any more; the other reasons are the same in every export.
_TAKEN_BACK = (crm.NOT_HELD, invitations.DECLINED)
ODD_PATTERN = "a series with a pattern that is no meeting's"
MOVED = "no meeting of this series is left: deleted or moved"


def recognises(file: File) -> float:
    """1 for iCalendar, 0.8 for the columns of Outlook's or Google's CSV."""
    if file.kind == "text" and re.match(rb"\s*(?:\xef\xbb\xbf)?BEGIN:VCALENDAR", file.data[:200], re.IGNORECASE):
        return 1.0
    if file.kind not in ("text", "workbook"):
        return 0.0
    found = {field for field, names in COLUMNS.items() if crm.has_any(file.words, *names)}
    return 0.8 if {"subject", "start"} <= found and found & set(_MARKS) else 0.0


def read(file: File, context: Context) -> Iterator[Rows]:
    """Entries with people from outside as meetings."""
    yield _read_ics(file, context) if b"BEGIN:VCALENDAR" in file.data[:200].upper() else _read_table(file, context)


# --------------------------------------------------------------------------- iCalendar


def _read_ics(file: File, context: Context) -> Rows:
    calendar = ics.read_calendar(file.text)
    ledger = Ledger(file.name, np.arange(1, len(calendar.entries) + 1))
    if not calendar.entries:
        return Rows(ledger)
    entries = pd.DataFrame([_facts(entry) for entry in calendar.entries])
    entries["cancelled"] |= calendar.cancels
    entries["row"] = ledger.rows
    asked = calendar.address or _always_there(entries["people"])
    owner = _owner(file, context, asked)
    entries["guests"] = [invitations.guests(people, asked) for people in entries["people"]]
    entries["declined"] = [asked in declined for declined in entries["declined"]]
    domains = invitations.own_domains(context, asked)
    if not domains:
        _say_no_domains(file, context)
    why = invitations.reasons(entries, context, domains)
    for reason in dict.fromkeys(why[why != ""]):
        ledger.skip(why == reason, reason)
    told, certain = _told(file, entries)
    frame = _meetings(entries[why == ""], entries, ledger, context, told, certain)
    # The same entry in the calendars of two people is a meeting of both.
    mine = (frame["id"] + "|" + owner).where(frame["id"] != "", "")
    return Rows(
        ledger, crm_events=frame.assign(person=owner, id=mine, told=told),
        withdrawn=_withdrawn(entries[np.isin(why, _TAKEN_BACK)], entries, context, owner, told, certain),
    )  # fmt: skip


def _withdrawn(
    gone: pd.DataFrame, entries: pd.DataFrame, context: Context, owner: str, told: pd.Timestamp, certain: bool
) -> pd.DataFrame | None:
    """Entries that were cancelled or declined, series taken apart, as an earlier export may tell them."""
    if gone.empty:
        return None
    frame = _meetings(gone, entries, Ledger("", entries["row"]), context, told, certain)
    mine = (frame["id"] + "|" + owner).where(frame["id"] != "", "")
    return crm.withdrawn(frame.assign(id=mine, told=told), np.ones(len(frame), dtype=bool))


def _facts(entry: Entry) -> dict[str, Any]:
    """What is looked at of one entry."""
    attendees = entry.lines.get("ATTENDEE", [])
    people = [one for one in attendees if one.parameters.get("CUTYPE", "").upper() not in ("ROOM", "RESOURCE")]
    organizer = entry.lines.get("ORGANIZER", [])[:1] if attendees else []
    subject = entry.text("SUMMARY")
    busy = entry.text("X-MICROSOFT-CDO-BUSYSTATUS") or entry.text("X-MICROSOFT-CDO-INTENDEDSTATUS")
    return {
        "entry": entry,
        "uid": entry.text("UID"),
        "subject": subject,
        "words": f"{subject} {entry.text('CATEGORIES')}",
        "people": [_address(one) for one in (*people, *organizer)],
        "declined": {_address(one) for one in attendees if one.parameters.get("PARTSTAT", "").upper() == "DECLINED"},
        "cancelled": entry.text("STATUS").upper() == "CANCELLED",
        "private": entry.text("CLASS").upper() in ("PRIVATE", "CONFIDENTIAL"),
        "all_day": entry.all_day,
        "away": busy.upper() == "OOF",
        "stamp": _stamp(entry, "DTSTAMP"),
        "changed": max((_stamp(entry, name) for name in ("CREATED", "LAST-MODIFIED")), key=_or_first),
    }


def _address(attendee: Property) -> str:
    """Address of an attendee, else the name that stands for it."""
    found = re.sub(r"^mailto:", "", attendee.value.strip(), flags=re.IGNORECASE).lower()
    return found if "@" in found else attendee.parameters.get("CN", found)


def _stamp(entry: Entry, name: str) -> pd.Timestamp:
    moment = entry.moment(name)
    return pd.NaT if moment is None else pd.Timestamp(ics.instant(moment))


def _or_first(stamp: pd.Timestamp) -> pd.Timestamp:
    return pd.Timestamp(0) if pd.isna(stamp) else stamp


def _always_there(people: pd.Series) -> str:
    """The one address that stands in nearly all entries with guests: the owner's."""
    with_guests = [set(one) for one in people if len(one) > 1]
    counted = Counter(address for one in with_guests for address in one if "@" in address).most_common(2)
    if not counted or counted[0][1] < max(2, _OWNER_SHARE * len(with_guests)):
        return ""
    return counted[0][0] if len(counted) == 1 or counted[1][1] < counted[0][1] else ""


def _owner(file: File, context: Context, address: str) -> str:
    """Identity of the owner: the setting ``[persons]``, the calendar's address, the name of the file."""
    owner = file_owner(file, context)
    if LABEL in split_identity(owner) and address:
        return identities(email=address).iloc[0]
    return owner


def _say_no_domains(file: File, context: Context) -> None:
    context.note(
        f"{file.name}: no setting own_domains says who is a colleague: every entry with a guest counts as a meeting"
    )


def _told(file: File, entries: pd.DataFrame) -> tuple[pd.Timestamp, bool]:
    """The day of the export, and whether that is certain; else the latest change."""
    stamps = entries["stamp"].dropna()
    named = crm.export_day(file, entries["changed"], entries["changed"])
    if pd.notna(named):
        return named, True
    latest = crm.last_known(entries["stamp"], entries["changed"])
    one_export = len(stamps) > 1 and (stamps.max() - stamps < _ONE_EXPORT).mean() > _OWNER_SHARE
    return latest, one_export


def _meetings(
    used: pd.DataFrame, entries: pd.DataFrame, ledger: Ledger, context: Context, told: pd.Timestamp, certain: bool
) -> pd.DataFrame:
    """A row for each meeting of the entries that count; series are taken apart."""
    until = _until(entries, context, told, certain)
    moved = _moved(entries)
    rows = []
    for entry, row, uid, subject in used[["entry", "row", "uid", "subject"]].itertuples(index=False):
        own, reason = _starts(entry, uid, moved, until)
        if reason:
            ledger.skip(ledger.rows == row, reason)
        rows += [(row, _in_zone(start, context), f"{uid}|{key}" if uid else "", subject) for start, key in own]
    frame = pd.DataFrame(rows, columns=["row", "start", "id", "about"])
    start = pd.to_datetime(frame["start"]).astype("datetime64[s]")
    timed = start.where(start != start.dt.floor("D"))
    frame = frame.assign(date=start.dt.floor("D"), time=timed, kind="meeting").drop(columns="start")
    planned = frame["date"] > told if certain else pd.Series(False, index=frame.index)
    ahead = set(frame.loc[planned, "row"]) - set(frame.loc[~planned, "row"])
    ledger.skip(ledger.at(np.array(sorted(ahead), dtype=np.int64)), crm.PLANNED)
    return frame[~planned]


def _until(entries: pd.DataFrame, context: Context, told: pd.Timestamp, certain: bool) -> dt.datetime:
    """How far series are followed."""
    end = told + pd.Timedelta(days=1) if certain else told + _FORESIGHT if pd.notna(told) else _last_start(entries)
    if context.settings.end is not None:
        end = min(end, pd.Timestamp(context.settings.end) + pd.Timedelta(days=1))
    return end.to_pydatetime()


def _last_start(entries: pd.DataFrame) -> pd.Timestamp:
    starts = [pd.Timestamp(ics.naive(entry.start)) for entry in entries["entry"] if entry.start is not None]
    return max(starts, default=pd.Timestamp(0))


def _moved(entries: pd.DataFrame) -> dict[str, set[dt.datetime]]:
    """UID → starts of a series that an entry of their own replaces."""
    moved: dict[str, set[dt.datetime]] = {}
    for entry, uid in zip(entries["entry"], entries["uid"]):
        if entry.replaces is not None:
            moved.setdefault(uid, set()).add(ics.instant(entry.replaces))
    return moved


def _starts(entry: Entry, uid: str, moved: dict[str, set], until: dt.datetime) -> tuple[list[tuple[Any, str]], str]:
    """Starts of an entry, each with what tells it from the others of its UID; or none and why."""
    if entry.start is None:
        return [], crm.NO_DATE
    if entry.replaces is not None:
        return [(entry.start, _key(entry.replaces))], ""
    if not entry.is_series:
        return [(entry.start, "")], ""
    series = entry.series(until)
    if series is None:
        return [], ODD_PATTERN
    left = [start for start in series if ics.instant(start) not in moved.get(uid, ())]
    if ics.naive(entry.start) > until:
        return [], crm.PLANNED
    return [(start, _key(start)) for start in left], "" if left else MOVED


def _key(start: dt.date) -> str:
    return f"{ics.instant(start):%Y%m%dT%H%M}"


def _in_zone(moment: dt.date, context: Context) -> dt.datetime:
    """Wall time of the setting ``timezone``; a moment without a zone as it stands."""
    if isinstance(moment, dt.datetime) and moment.tzinfo:
        return moment.astimezone(ZoneInfo(context.settings.timezone)).replace(tzinfo=None)
    return ics.naive(moment)


# --------------------------------------------------------------------------- tables


def _read_table(file: File, context: Context) -> Rows:
    """A calendar saved as CSV or workbook: one meeting a row, series already taken apart."""
    table = file.table()
    columns = {field: table.find(*names) for field, names in COLUMNS.items()}
    ledger = table.ledger(context)
    if columns["required"] is None and columns["optional"] is None and not context.settings.meeting_words:
        context.problem(
            file.name,
            "this calendar does not say who was invited: no entry can be told to be a meeting with a customer",
            'add to ssi-audit.toml the words that tell one:  meeting_words = ["demo", "call with", "visit"]',
        )
        return Rows(ledger)
    owner = _owner(file, context, "")
    entries = _entries(table, columns)
    domains = invitations.own_domains(context, "")
    if not domains and columns["required"] is not None:
        _say_no_domains(file, context)
    why = invitations.reasons(entries, context, domains)
    for reason in dict.fromkeys(why[why != ""]):
        crm.skip(table, ledger, why == reason, reason)
    order = crm.day_first_of(table, columns["start"])
    start = crm.start_times(table, columns["start"], columns["start_time"], context, order, None)
    crm.skip(table, ledger, start.isna().to_numpy(), crm.NO_DATE)
    told = crm.export_day(file, *crm.NO_TIMES, start)
    crm.skip(table, ledger, (start.dt.floor("D") > told).to_numpy(), crm.PLANNED)
    frame = pd.DataFrame(
        {
            "person": owner,
            "date": start.dt.floor("D"),
            "kind": "meeting",
            "time": start.where(start != start.dt.floor("D")),
            "about": entries["subject"],
            "told": told,
            "row": table.rows,
        }
    )
    return Rows(ledger, crm_events=frame[crm.in_use(table, ledger)])


def _entries(table: Table, columns: dict[str, str | None]) -> pd.DataFrame:
    subject = table.words(columns["subject"])
    people = table.words(columns["required"]) + ";" + table.words(columns["optional"])
    organizer = table.words(columns["organizer"])
    secret = table.words(columns["sensitivity"]).str.lower()
    return pd.DataFrame(
        {
            "subject": subject,
            "words": subject + " " + table.words(columns["categories"]),
            "guests": [_guests_of(*pair) for pair in zip(people, organizer)],
            "cancelled": crm.not_held(table.words(columns["status"])),
            "declined": False,
            "private": (stages.flags(table, columns["private"]) == 1) | ~secret.isin(_NOT_PRIVATE).to_numpy(),
            "all_day": stages.flags(table, columns["all_day"]) == 1,
            "away": table.words(columns["busy"]).str.contains(_AWAY).to_numpy(),
        }
    )


def _guests_of(people: str, organizer: str) -> Guests:
    """People of a cell with several, ``;`` between them; the organizer alone is no guest."""
    named = [person for person in re.split(r"[;\n]", people) if person.strip()]
    others = [person for person in named if person.strip().lower() != organizer.strip().lower()]
    return invitations.guests(others + ([organizer] if others else []))
