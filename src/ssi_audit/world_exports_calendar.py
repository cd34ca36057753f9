"""A world's meetings as the sellers' own calendars: iCalendar files and Outlook's CSV.

Beside the meetings with customers stand those that do not count: the weekly
team meeting, the dentist, a call that was cancelled. A calendar does not know
which deal a meeting belongs to.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ssi_audit.world_exports_crm import MEETING_MINUTES, SUBJECTS, Book, write_rows
from ssi_audit.world_exports_linkedin import file_words

MEETING = pd.Timedelta(minutes=MEETING_MINUTES)
GUEST = "buyer{}@customer{}.example"
COLLEAGUE = "sales.desk@meridian.example"
UTC = "%Y%m%dT%H%M%SZ"


def write_ics(book: Book, folder: Path) -> list[Path]:
    """Write the calendar of each person as an iCalendar file, named after nobody: it says whose it is inside.

    Parameters
    ----------
    book : Book
        Its meetings, and the weekly team meeting, a private entry and a cancelled one, which do not count.
    folder : path
        Files go to ``calendars/<n>.ics`` below it.
    """
    (folder / "calendars").mkdir(parents=True, exist_ok=True)
    paths = []
    for person in book.people.to_dict("records"):
        met = book.among("met")
        own = met[met["person"] == person["person"]]
        address, exported = person["email"], f"{book.exported:{UTC}}"
        first = own["met"].min() if len(own) else book.exported
        monday = (first - pd.Timedelta(days=first.day_of_week)).floor("D") + pd.Timedelta(hours=7)
        entries = [
            _entry(f"case-{case['case']}@{address}", case["met"], exported, SUBJECTS[case["case"] % len(SUBJECTS)],
                   [address, GUEST.format(case["case"], case["case"] % 7)])
            for case in own.to_dict("records")
        ]  # fmt: skip
        entries += [
            _entry(f"weekly@{address}", monday, exported, "Team meeting", [address, COLLEAGUE], "RRULE:FREQ=WEEKLY"),
            _entry(f"dentist@{address}", monday + pd.Timedelta(hours=9), exported, "Dentist", [address],
                   "CLASS:PRIVATE"),
            _entry(f"off@{address}", monday + pd.Timedelta(hours=10), exported, "Demo", [address, GUEST.format(0, 1)],
                   "STATUS:CANCELLED"),
        ]  # fmt: skip
        lines = ["BEGIN:VCALENDAR", "PRODID:-//Google Inc//Google Calendar//EN", "VERSION:2.0", "METHOD:PUBLISH",
                 f"X-WR-CALNAME:{address}", "X-WR-TIMEZONE:UTC", *entries, "END:VCALENDAR", ""]  # fmt: skip
        path = folder / "calendars" / f"{person['seller']:04d}.ics"
        path.write_bytes("\r\n".join(lines).encode("utf-8"))
        paths.append(path)
    return paths


def _entry(uid: str, start: pd.Timestamp, exported: str, subject: str, people: list[str], *more: str) -> str:
    made = f"{start - pd.Timedelta(days=4):{UTC}}"
    guests = [f"ATTENDEE;CUTYPE=INDIVIDUAL;PARTSTAT=ACCEPTED:mailto:{address}" for address in people]
    return "\r\n".join([
        "BEGIN:VEVENT", f"DTSTART:{start:{UTC}}", f"DTEND:{start + MEETING:{UTC}}", f"DTSTAMP:{exported}",
        f"ORGANIZER:mailto:{people[0]}", f"UID:{uid}", *guests, f"CREATED:{made}", f"LAST-MODIFIED:{made}",
        f"SUMMARY:{subject.replace(',', chr(92) + ',')}", *more, "END:VEVENT",
    ])  # fmt: skip


def write_outlook(book: Book, folder: Path) -> list[Path]:
    """Write the calendar of each person as Outlook's CSV in German; the name stands in the name of the file.

    A meeting with a colleague only is among them, which the setting ``own_domains`` tells apart.

    Parameters
    ----------
    book : Book
    folder : path
        Files go to ``calendars/Kalender <person>.csv`` below it.
    """
    paths = []
    for person in book.people.to_dict("records"):
        met = book.among("met")
        own = met[met["person"] == person["person"]]
        customers = [GUEST.format(case, case % 7) for case in own["case"]]
        start = pd.concat([own["met"], own["met"].head(2) + pd.Timedelta(hours=6)], ignore_index=True)
        end, n_own = start + MEETING, len(own)
        n_noise = len(start) - n_own
        subjects = [SUBJECTS[case % len(SUBJECTS)] for case in own["case"]]
        columns = {
            "Betreff": [*subjects, *["Teamrunde", "Abgesagt: Demo"][:n_noise]],
            "Beginnt am": start.dt.strftime("%d.%m.%Y"), "Beginnt um": start.dt.strftime("%H:%M:%S"),
            "Endet am": end.dt.strftime("%d.%m.%Y"), "Endet um": end.dt.strftime("%H:%M:%S"),
            "Ganztägiges Ereignis": "Aus", "Besprechungsplanung": person["person"],
            "Erforderliche Teilnehmer": [
                *(f"{person['person']};{guest}" for guest in customers),
                *[f"{person['person']};{COLLEAGUE}", f"{person['person']};{GUEST.format(0, 1)}"][:n_noise],
            ],
            "Privat": "Aus", "Vertraulichkeit": "Normal", "Zeitspanne zeigen als": "2",
        }  # fmt: skip
        path = folder / "calendars" / f"Kalender {file_words(person['person'])}.csv"
        paths.append(write_rows(path, columns, quoted=True, encoding="utf-8-sig"))
    return paths


def write_quota_plan(quotas: pd.DataFrame, folder: Path) -> Path:
    """Write the quotas as a sales plan in Italian: semicolons, decimal commas, days first.

    Parameters
    ----------
    quotas : pandas.DataFrame
        Columns of `schema.QUOTA_COLUMNS`.
    folder : path
        The plan goes to ``plan/obiettivi.csv`` below it.
    """
    amount = [f"{quota:,.2f}".translate(str.maketrans(",.", ".,")) for quota in quotas["quota"]]
    columns = {
        "Venditore": quotas["person"], "Inizio": quotas["period_start"].dt.strftime("%d/%m/%Y"),
        "Fine": quotas["period_end"].dt.strftime("%d/%m/%Y"), "Obiettivo": amount, "Valuta": quotas["currency"],
    }  # fmt: skip
    return write_rows(folder / "plan" / "obiettivi.csv", columns, separator=";", encoding="utf-8-sig")
