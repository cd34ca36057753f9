"""Sales Navigator: usage reports, and the exports of its Analytics Services.

A usage report has one row a seat for a whole period, which stands in the file's
name, above the header, or in the settings; its totals carry `first_day`, its
scores are those of the last day. A seat holder who never finished the set-up
has a name and no numbers, which is not the same as no activity. No header line
of these reports is public: columns are found by their words (formats.md
section 3).

The activity export has one row an action, the seat export one row a seat as it
stands on one day. Both name people by seat.
"""

from __future__ import annotations

import datetime as dt
import re
from calendar import monthrange
from collections.abc import Iterator

import numpy as np
import pandas as pd

from ssi_audit.exports import dates, scores, text
from ssi_audit.exports.files import File
from ssi_audit.exports.ledger import Ledger
from ssi_audit.exports.table import Context, Rows, Table, column_list, header_table
from ssi_audit.exports.text import Unreadable
from ssi_audit.exports.us_dates import month_first
from ssi_audit.names import identities
from ssi_audit.people import NO_OWNER
from ssi_audit.schema import PILLARS

KIND = "Sales Navigator report"

# Words of a column's header, folded, that say what it counts; the first that fits takes the column.
COUNTS = {
    "days_active": r"daysactive|activedays",
    "inmails_sent": r"inmails?(?:messages?)?sent|sentinmails?|^inmails?(?:messages?)?$",
    "messages_sent": r"messagessent|sentmessages|^messages$",
    "searches": r"search(?:es)?(?:performed|made|done|count|conducted)|^searches$|(?:total|number)(?:of)?searches",
    "profile_views": r"profiles?views?(?:ed)?$|profilesviewed|viewedprofiles",
    "leads_saved": r"leadssaved|savedleads|^leadsaves$",
    "accounts_saved": r"accountssaved|savedaccounts|^accountsaves$",
    "invitations_sent": r"(?:connectionrequests?|invitations?|invites)sent",
    "connections_added": r"connections(?:made|added)|newconnections",
}
_NEVER = re.compile(r"rate|%|percent|averag|avg|change|accepted|received|response|replies|goal|target|rank|who")
CUMULATIVE = ("leads_saved", "accounts_saved")
# What else marks a usage report.
SIGNS = ("coachlevel", "listscreated", "inmailacceptancerate", "smartlinkscreated")

FIRST_NAME, LAST_NAME = ("First Name", "FirstName"), ("Last Name", "LastName")
NAMES = ("Name", "Full Name", "Seat Holder", "Seat Holder Name", "User", "User Name", "Member", "Team Member")
EMAILS = ("Email", "Email Address", "E-mail", "Work Email")
SEATS = ("seatId", "Seat ID", "Seat")
SEAT_STATUS = ("seatStatus", "Seat Status", "License Status", "Licence Status")
HEADER_WORDS = (
    *FIRST_NAME, *LAST_NAME, *NAMES, *EMAILS, *SEATS, *SEAT_STATUS, "Group", "Coach Level", "Days active",
    "Searches performed", "Profile views", "Leads saved", "Accounts saved", "Lists created", "Messages sent",
    "InMail messages sent", "InMail acceptance rate", "Connections", "SSI score", "activityId", "activityType",
    "createdAt", "memberIdentityKey", "Establish your professional brand", "Find the right people",
    "Engage with insights", "Build relationships",
)  # fmt: skip

ACTIVITY_WORDS = frozenset(("activityid", "activitytype", "createdat", "seatid"))
OUTCOME_WORDS = frozenset(("activityid", "activitytype"))
ACTIONS = {
    "SAVED_LEAD": "leads_saved",
    "SAVED_ACCOUNT": "accounts_saved",
    "SEARCH_PERFORMED": "searches",
    "PROFILE_VIEWED": "profile_views",
    "INMAIL_SENT": "inmails_sent",
    "MESSAGE_SENT": "messages_sent",
    "CONNECTION_MADE": "connections_added",
}

NO_SETUP = "a seat without numbers: not set up, which is not the same as no activity"
SUMMARY_ROW = "a line of totals or averages, not a seat"
OUTCOME = "the outcome of an action, not an action"
SAME_ACTION = "exact duplicate"
OTHER_ACTION = "an action that no metric counts"
CUMULATIVE_NOTE = "saved leads and accounts in usage reports of Sales Navigator may be totals since the seat began"
_PERIOD = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}")


def recognises(file: File) -> float:
    """1 for the activity export, 0.95 for a usage report, 0.9 for the other two."""
    if file.kind not in ("text", "workbook") or not file.header:
        return 0.0
    if file.words >= ACTIVITY_WORDS:
        return 1.0
    if file.words >= OUTCOME_WORDS:
        return 0.9
    empty = header_table(tuple(file.header))
    if not _person_columns(empty) or empty.find(*scores.DATE_WORDS):
        return 0.0
    n_counts = len(_count_columns(empty, file.settings.columns.get("activity", {})))
    if n_counts >= 2 and (n_counts >= 4 or "days_active" in _count_columns(empty, {}) or file.words & set(SIGNS)):
        return 0.95
    return 0.9 if _is_seats(empty) else 0.0


def read(file: File, context: Context) -> Iterator[Rows]:
    """Rows of ssi and activity."""
    table = file.table()
    if file.words >= ACTIVITY_WORDS:
        yield _read_actions(table, context)
    elif file.words >= OUTCOME_WORDS:
        ledger = table.ledger(context)
        ledger.skip(ledger.in_use, OUTCOME)
        yield Rows(ledger)
    elif _is_seats(table) and not _count_columns(table, {}).keys() - set(CUMULATIVE):
        yield _read_seats(file, table, context)
    else:
        yield _read_usage(file, table, context)


# --------------------------------------------------------------------------- usage report


def _read_usage(file: File, table: Table, context: Context) -> Rows:
    ledger = table.ledger(context)
    section = context.settings.columns.get("activity", {})
    columns = _count_columns(table, section)
    person = _person(table, ledger)
    period = _period(file, table, context)
    if period is None:
        return Rows(ledger)
    first, last = period
    context.note(f"{file.name}: totals from {first} to {last}; scores are those of the last day")
    counts = {metric: _counts(table, column, context) for metric, column in columns.items()}
    readings = _score_columns(table, columns)
    _list_spare(table, columns, readings, context)
    empty = np.all([np.isnan(count) for count in counts.values()], axis=0) & _no_reading(table, readings)
    ledger.skip(ledger.at(table.rows[empty]), NO_SETUP)
    if any(metric in columns for metric in CUMULATIVE):
        context.note(CUMULATIVE_NOTE)
    usable = ledger.in_use[np.searchsorted(ledger.rows, table.rows)]
    parts = [
        pd.DataFrame(
            {"person": person, "date": last, "metric": metric, "count": count, "first_day": first, "row": table.rows}
        )[usable & ~np.isnan(count)]
        for metric, count in counts.items()
    ]
    ssi = _ssi(table.where(usable), readings, person[usable], last, context)
    return Rows(ledger, ssi=ssi, activity=pd.concat(parts, ignore_index=True))


def _count_columns(table: Table, section: dict[str, str]) -> dict[str, str]:
    """Metric → column: the user's own map first, then the words of the headers."""
    found = {metric: column for metric in COUNTS if (column := table.find(section.get(metric, "")))}
    for metric, pattern in COUNTS.items():
        for column in table.frame.columns:
            folded = text.fold(column)
            taken = metric in found or column in found.values()
            if not taken and re.search(pattern, folded) and not _NEVER.search(folded):
                found[metric] = column
    return found


def _counts(table: Table, column: str, context: Context) -> np.ndarray:
    return table.numbers(column, context, low=0, integer=True, expected="a count cannot be negative")


def _list_spare(table: Table, columns: dict[str, str], readings: dict[str, str], context: Context) -> None:
    shown = ", ".join(f"{column} = {metric}" for metric, column in columns.items())
    context.note(f"{table.file}: columns read as activity: {shown}")
    known = {*columns.values(), *readings.values(), *_person_columns(table).values()}
    spare = [column for column in table.frame.columns if column not in known]
    if spare:
        context.note(f"{table.file}: columns left alone: {column_list(spare)}")


def _period(file: File, table: Table, context: Context) -> tuple[np.datetime64, np.datetime64] | None:
    """First and last day: the setting, two days in the file's name, a month in it, two days above the header."""
    answer = context.settings.periods
    for name in (file.name, file.base):
        if name in answer:
            first, last = answer[name]
            return np.datetime64(first), np.datetime64(last)
    days = file.days_in_name
    month = re.search(r"(?<!\d)(\d{4})[-_](\d{2})(?![-_.]?\d)", file.stem)
    if len(days) == 2 and days[0] <= days[1]:
        return days[0], days[1]
    if not days and month and 1 <= int(month[2]) <= 12:
        year, number = int(month[1]), int(month[2])
        last = dt.date(year, number, monthrange(year, number)[1])
        return np.datetime64(dt.date(year, number, 1)), np.datetime64(last)
    above = _period_above(table, context)
    if above is None:
        context.problem(
            file.name,
            "totals for a period, and neither the file nor its name says which",
            "put its first and last day into the name, such as usage_2026-02-01_2026-02-28.csv, or add to "
            f'ssi-audit.toml: [periods]  "{file.base}" = ["2026-02-01", "2026-02-28"]',
        )
    return above


def _period_above(table: Table, context: Context) -> tuple[np.datetime64, np.datetime64] | None:
    """The two days in the lines above the header, None where there are not exactly two or their order is open."""
    found = _PERIOD.findall(" ".join(cell for line in table.above for cell in line.cells))
    if len(found) != 2:
        return None
    try:
        parsed = dates.parse_dates(pd.Series(found), day_first=context.day_first(table.file, ""))
    except Unreadable:
        return None
    first, last = parsed.times.astype("datetime64[D]")
    return None if parsed.bad.any() or last < first else (first, last)


# --------------------------------------------------------------------------- scores, people


def _score_columns(table: Table, counts: dict[str, str]) -> dict[str, str]:
    """Columns of the score; none where only a word such as "score" was found and no pillar."""
    rest = table.frame.drop(columns=[*counts.values(), *_person_columns(table).values()])
    found = scores.score_columns(Table(table.file, list(rest.columns), rest, table.rows))
    named = re.search("ssi|socialselling", text.fold(found.get("total", "")))
    about_ssi = named or sum(pillar in found for pillar in PILLARS) >= 2
    return found if about_ssi else {}


def _no_reading(table: Table, readings: dict[str, str]) -> np.ndarray:
    return np.all([np.ones(len(table), bool), *(table.blank(column) for column in readings.values())], axis=0)


def _ssi(
    table: Table, readings: dict[str, str], person: pd.Series, day: np.datetime64, context: Context
) -> pd.DataFrame | None:
    if not readings:
        return None
    # A seat without a score is a row all the same where it has counts: its own ledger takes the reasons.
    own = Ledger(table.file, table.rows)
    time = pd.Series(np.full(len(table), day.astype("datetime64[s]")))
    return scores.score_frame(table, readings, context, own, person.reset_index(drop=True), time)


def _person_columns(table: Table) -> dict[str, str]:
    columns = {
        "first": table.find(*FIRST_NAME),
        "last": table.find(*LAST_NAME),
        "name": table.find(*NAMES),
        "email": table.find(*EMAILS),
        "seat": table.find(*SEATS),
    }
    return {key: column for key, column in columns.items() if column}


def _person(table: Table, ledger: Ledger) -> pd.Series:
    columns = _person_columns(table)
    name = table.words(columns.get("name"))
    if "first" in columns and "last" in columns:
        name = (table.words(columns["first"]) + " " + table.words(columns["last"])).str.strip()
    email, seat = table.words(columns.get("email")), table.words(columns.get("seat"))
    summary = name.map(text.fold).str.match(r"(?:grand|team)?(?:total|average|sum)").to_numpy(dtype=bool)
    ledger.skip(ledger.at(table.rows[summary & (email == "").to_numpy()]), SUMMARY_ROW)
    ledger.skip(ledger.at(table.rows[((name == "") & (email == "") & (seat == "")).to_numpy()]), NO_OWNER)
    return identities(name=name, email=email, salesnav_seat_id=seat.where(seat.str.fullmatch(r"\d+"), ""))


# --------------------------------------------------------------------------- Analytics Services


def _read_actions(table: Table, context: Context) -> Rows:
    """One row an action, times in UTC, month first."""
    ledger = table.ledger(context)
    kind = table.words(table.find("activityType")).str.upper()
    known = kind.isin(tuple(ACTIONS)).to_numpy()
    for other in sorted(set(kind[~known])):
        ledger.skip(ledger.at(table.rows[(kind == other).to_numpy()]), OTHER_ACTION, other)
    number = table.words(table.find("activityId"))
    again = (number.duplicated() & (number != "")).to_numpy()
    ledger.skip(ledger.at(table.rows[again]), SAME_ACTION)
    seat = table.words(table.find("seatId"))
    ledger.skip(ledger.at(table.rows[(seat == "").to_numpy()]), NO_OWNER)
    usable = ledger.in_use[np.searchsorted(ledger.rows, table.rows)]
    kept = table.where(usable)
    times = kept.times(kept.find("createdAt"), month_first(context), day_first=False, naive_zone="UTC")
    frame = pd.DataFrame(
        {
            "person": identities(salesnav_seat_id=seat[usable]),
            "date": times.dt.floor("D"),
            "metric": kind[usable].map(ACTIONS).to_numpy(),
            "count": 1.0,
            "row": kept.rows,
        }
    )
    return Rows(ledger, activity=frame[frame["date"].notna()])


def _is_seats(table: Table) -> bool:
    """Whether a header is that of the seat export: seats with their scores, no period."""
    seat = table.find(*SEATS, *SEAT_STATUS)
    return seat is not None and bool(_score_columns(table, {}))


def _read_seats(file: File, table: Table, context: Context) -> Rows:
    """One reading a seat, of the day in the file's name; connections and saved leads are stocks, not actions."""
    ledger = table.ledger(context)
    person = _person(table, ledger)
    readings = _score_columns(table, {})
    days = file.days_in_name
    if not days:
        context.problem(
            file.name,
            "scores of seats, and neither the file nor its name says of which day",
            "put the day into the name, such as seats_2026-03-02.csv",
        )
        return Rows(ledger)
    ledger.skip(ledger.at(table.rows[_no_reading(table, readings)]), NO_SETUP)
    usable = ledger.in_use[np.searchsorted(ledger.rows, table.rows)]
    _list_spare(table, {}, readings, context)
    return Rows(ledger, ssi=_ssi(table.where(usable), readings, person[usable], days[-1], context))
