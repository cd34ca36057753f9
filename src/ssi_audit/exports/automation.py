"""Exports of tools that act on LinkedIn for a member: visits, invitations and messages as activity.

They matter here, because such a tool can drive the score. Every tool has its
own columns and few are documented, so tables are known by what they hold: a
day and an action a row (logs), days of several actions a row (lists of
prospects: Linked Helper, Waalaxy, Dux-Soup), a day and counts of actions
(statistics), or a day and a profile where the file's name says the one action
(PhantomBuster). What was read as what is always told; what a tool planned,
failed to do or took back is not an action.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ssi_audit.exports import dates, text
from ssi_audit.exports.action_words import NOTHING, metric_of, spaced
from ssi_audit.exports.files import File
from ssi_audit.exports.ledger import Ledger
from ssi_audit.exports.table import Context, Rows, Table
from ssi_audit.exports.text import Unreadable
from ssi_audit.names import file_owner, identities

KIND = "log of a LinkedIn automation tool"

TIMES = (
    "timestamp", "date", "time", "datetime", "date time", "day", "action date", "action time", "activity date",
    "event date", "event time", "performed at", "performed on", "executed at", "execution date", "completed at",
    "done at", "sent at", "sent date", "created at", "occurred at", "logged at", "data", "datum", "fecha", "päivä",
)  # fmt: skip
ACTIONS = (
    "action", "action type", "action name", "activity", "activity type", "event", "event type", "event name", "step",
    "step type", "operation", "type", "akcja", "azione", "aktion", "toiminto", "acción",
)  # fmt: skip
# Expandi and others say what was done last as the state of a contact.
STATES = ("status", "contact status", "state", "prospect status", "campaign status", "last action")
COUNTS = ("count", "number", "n", "amount", "total", "actions", "quantity", "liczba", "numero", "anzahl", "määrä")
SENDERS = (
    "sender", "sender name", "sender email", "sender profile url", "sender account", "linkedin account",
    "linkedin user", "linkedin sender", "sent by", "sent from", "account owner", "campaign owner", "team member",
    "user", "user name", "username", "seat", "identity", "performed by",
)  # fmt: skip
PEOPLE = ("person", "name", "member", "employee", "seller", "sales rep")
ERRORS = ("error", "error message", "errors")
RESULTS = ("status", "result", "state", "success", "outcome", "delivery status")
# Columns that only one tool is known to write, folded.
TOOLS = {
    "lhid": "Linked Helper",
    "connectionrequestdate": "Waalaxy",
    "visittime": "Dux-Soup",
    "leadprofileurl": "HeyReach",
    "phantombusterid": "PhantomBuster",
}
HEADER_WORDS = (
    *TIMES, *ACTIONS, *COUNTS, *SENDERS, "profile url", "profile link", "linkedin url", "linkedin profile url",
    "linkedinUrl", "connectionRequestDate", "connectedAt", "lastReplyDetectedDate", "invited_date", "connected_at",
    "message_1_send_at", "VisitTime", "lh_id", "public_id",
)  # fmt: skip

_PROFILE = re.compile(
    r"linkedin.*(?:url|profile|link)|profile.*(?:url|link)|^(?:linkedin|profile|publicid)$|leadprofile"
)
_TIME_TOKEN = frozenset("at date on time timestamp datetime day when iso utc sent data datum fecha".split())  # noqa: SIM905
_NO_COUNT = re.compile(r"limit|prob|rate|%|percent|goal|target|average|avg|pending|max|min$|left|remaining|cost|id$")
_FAILED = re.compile(
    r"\b(?:fail|error|skip|not sent|unsent|pending|queue|schedul|planned|cancel|exclud|limit|invalid|not found|unable|"
    r"in progress|wait|reject|withdr|draft|false|no|0)\b|\b(?:fail|skip|schedul|cancel|exclud|withdr)"
)
# In statistics these are how many there are, not how many there were on the day.
_STOCKS = ("connections", "total connections", "my connections", "followers", "total followers")
# From this share of rows with a known action on, a column is one of actions.
KNOWN_SHARE = 0.5
DATE_SHARE = 0.8

FAILED = "planned, failed or taken back"
UNKNOWN_ACTION = "an action that no metric counts"
SAME_ROW = "exact duplicate"
NO_DAY = "no day in this row"


@dataclass(frozen=True)
class Log:
    """How a table tells actions.

    Attributes
    ----------
    time : str, optional
        Column of the day, for all but lists of prospects.
    action : str, optional
        Column of the action.
    metric : str
        What every row counts as, where the file's name says it.
    count : str, optional
        Column of how often.
    events : dict of str to str
        Column of days → metric: a list of prospects.
    daily : dict of str to str
        Column of counts → metric: statistics by day.
    """

    time: str | None = None
    action: str | None = None
    metric: str = ""
    count: str | None = None
    events: dict[str, str] = field(default_factory=dict)
    daily: dict[str, str] = field(default_factory=dict)


def recognises(file: File) -> float:
    """0.8 for a list of prospects, 0.75 for a log, 0.65 for statistics, 0.55 where the name says the action."""
    if file.kind not in ("text", "workbook") or not file.header or not _could_be(file.header):
        return 0.0
    try:
        log = _log(file.table(), file.stem)
    except Unreadable:
        return 0.0
    if log is None:
        return 0.0
    return 0.8 if log.events else 0.75 if log.action else 0.65 if log.daily else 0.55


def read(file: File, context: Context) -> Iterator[Rows]:
    """Rows of activity."""
    table = file.table()
    log = _log(table, file.stem) or Log()
    ledger = table.ledger(context)
    person = _person(file, table, log, context, ledger)
    _leave_out(table, log, ledger)
    if log.events:
        frame = _from_prospects(table, log, person, ledger, context)
    elif log.daily:
        frame = _from_statistics(table, log, person, ledger, context)
    else:
        frame = _from_log(table, log, person, ledger, context)
    _tell(table, log, frame, context)
    yield Rows(ledger, activity=frame)


# --------------------------------------------------------------------------- which kind of table


def _could_be(header: list[str]) -> bool:
    """A cheap look at the header alone: a word for time, and a profile, an action or two counts of actions."""
    folded = {text.fold(cell) for cell in header}
    if any("ssi" in cell for cell in folded):
        return False
    timed = folded & {text.fold(word) for word in TIMES} or any(
        _TIME_TOKEN & set(spaced(cell).split()) for cell in header
    )
    told = folded & {text.fold(word) for word in ACTIONS} or any(_PROFILE.search(cell) for cell in folded)
    return bool(timed) and (bool(told) or sum(bool(metric_of(cell)) for cell in header) >= 2)


def _log(table: Table, stem: str) -> Log | None:
    time, profile = table.find(*TIMES), _profile(table)
    count = table.find(*COUNTS)
    action = _action_column(table, ACTIONS) if time and (profile or count) else None
    if action is None and time and profile:
        action = _action_column(table, STATES)
    if action is not None:
        return Log(time=time, action=action, count=count if action and _is_count(table, count) else None)
    events = _event_columns(table) if profile else {}
    if events:
        return Log(events=events)
    daily = _daily_columns(table, time) if time and not profile else {}
    if len(daily) >= 2 and _are_dates(table, time):
        return Log(time=time, daily=daily)
    # "sent at" in a file called messages, "timestamp" in one called auto-connect.
    one = metric_of(f"{stem} {time}") if time and profile and _are_dates(table, time) else None
    return Log(time=time, metric=one) if one and table.find("message", "note", *ERRORS, *RESULTS) else None


def _profile(table: Table) -> str | None:
    return next((column for column in table.frame.columns if _PROFILE.search(text.fold(column))), None)


def _action_column(table: Table, names: tuple[str, ...]) -> str | None:
    """The column most of whose rows name an action that a metric counts."""
    for name in names:
        column = table.find(name)
        if column is None:
            continue
        words = table.words(column)
        told = words[words != ""]
        if len(told) and told.map(metric_of).map(bool).mean() >= KNOWN_SHARE:
            return column
    return None


def _event_columns(table: Table) -> dict[str, str]:
    """Columns of days whose header names an action → its metric.

    Of two columns of the same days (Linked Helper: ``invited_date`` and ``invited_date_iso``) the ISO one is taken;
    a column of only the last action of a kind is not needed where another has them all.
    """
    found = {}
    for column in table.frame.columns:
        tokens = spaced(column).split()
        metric = metric_of(column)
        if (
            metric
            and _TIME_TOKEN & set(tokens)
            and not _NO_COUNT.search(text.fold(column))
            and _are_dates(table, column)
        ):
            found[column] = metric
    plain = {spaced(column) for column in found}
    found = {column: metric for column, metric in found.items() if f"{spaced(column)} iso" not in plain}
    whole = {metric for column, metric in found.items() if "last" not in spaced(column).split()}
    return {
        column: metric
        for column, metric in found.items()
        if "last" not in spaced(column).split() or metric not in whole
    }


def _are_dates(table: Table, column: str) -> bool:
    """Whether nearly all filled cells of a column are dates of some kind."""
    filled = table.frame[column][~table.blank(column)]
    if not len(filled):
        return False
    try:
        return 1 - dates.parse_dates(filled, day_first=True).bad.mean() >= DATE_SHARE
    except Unreadable:  # dates in two orders: said aloud when they are read
        return True


def _daily_columns(table: Table, time: str) -> dict[str, str]:
    """Columns of counts whose header names an action → its metric, each metric once."""
    found: dict[str, str] = {}
    for column in table.frame.columns:
        metric = metric_of(column)
        unused = column != time and metric and metric not in found.values() and spaced(column) not in _STOCKS
        if unused and not _NO_COUNT.search(text.fold(column)) and _is_count(table, column):
            found[column] = metric
    return found


def _is_count(table: Table, column: str | None) -> bool:
    if column is None:
        return False
    filled = table.frame[column][~table.blank(column)].str.strip()
    return bool(len(filled)) and bool(filled.str.fullmatch(r"\d[\d.,' ]*").all())


# --------------------------------------------------------------------------- rows


def _person(file: File, table: Table, log: Log, context: Context, ledger: Ledger) -> pd.Series:
    """Who acted: the sender's column, else the owner of the file. The profiles in the rows are other people."""
    column = table.find(*SENDERS, *(PEOPLE if log.daily or log.count else ()))
    owner = file_owner(file, context)
    if column is None:
        return pd.Series(owner, index=range(len(table)), dtype="str")
    sender = identities(any=table.words(column))
    return sender.where(sender != "", owner)


def _leave_out(table: Table, log: Log, ledger: Ledger) -> None:
    """Skip what was exported twice, what failed and what was only planned."""
    if _profile(table) is not None:
        ledger.skip(ledger.at(table.rows[table.frame.duplicated().to_numpy()]), SAME_ROW)
    if log.events or log.daily:
        return
    error, result = table.find(*ERRORS), table.find(*RESULTS)
    if error is not None:
        ledger.skip(ledger.at(table.rows[~table.blank(error)]), FAILED)
    if result is not None and result != log.action:
        failed = table.words(result).map(lambda cell: bool(_FAILED.search(spaced(cell))))
        ledger.skip(ledger.at(table.rows[failed.to_numpy(dtype=bool)]), FAILED)


def _from_log(table: Table, log: Log, person: pd.Series, ledger: Ledger, context: Context) -> pd.DataFrame:
    metric = np.full(len(table), log.metric, dtype=object)
    if log.action is not None:
        words = table.words(log.action)
        metric = words.map(lambda cell: metric_of(cell) or NOTHING).to_numpy(dtype=object)
        ledger.skip(ledger.at(table.rows[metric == NOTHING]), UNKNOWN_ACTION)
    ledger.skip(ledger.at(table.rows[table.blank(log.time)]), NO_DAY)
    usable = ledger.in_use[np.searchsorted(ledger.rows, table.rows)]
    kept = table.where(usable)
    count = np.ones(len(kept))
    if log.count is not None:
        count = kept.numbers(log.count, context, low=0, integer=True, expected="a count cannot be negative")
    return _frame(person[usable], kept.days(log.time, context), metric[usable], count, kept.rows)


def _from_prospects(table: Table, log: Log, person: pd.Series, ledger: Ledger, context: Context) -> pd.DataFrame:
    usable = ledger.in_use[np.searchsorted(ledger.rows, table.rows)]
    kept, owner = table.where(usable), person[usable].reset_index(drop=True)
    parts = [_frame(owner, kept.days(column, context), metric, 1.0, kept.rows) for column, metric in log.events.items()]
    return pd.concat(parts, ignore_index=True)


def _from_statistics(table: Table, log: Log, person: pd.Series, ledger: Ledger, context: Context) -> pd.DataFrame:
    ledger.skip(ledger.at(table.rows[table.blank(log.time)]), NO_DAY)
    usable = ledger.in_use[np.searchsorted(ledger.rows, table.rows)]
    kept, owner = table.where(usable), person[usable].reset_index(drop=True)
    day = kept.days(log.time, context)
    context.note(f"{table.file}: each count is taken as that of the day in its row")
    parts = []
    for column, metric in log.daily.items():
        count = kept.numbers(column, context, low=0, integer=True, expected="a count cannot be negative")
        parts.append(_frame(owner, day, metric, count, kept.rows))
    return pd.concat(parts, ignore_index=True)


def _frame(person: pd.Series, day: pd.Series, metric, count, rows: np.ndarray) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"person": person.to_numpy(), "date": day.to_numpy(), "metric": metric, "count": count, "row": rows}
    )
    return frame[frame["date"].notna() & frame["count"].notna()]


# --------------------------------------------------------------------------- what is said of it


def _tell(table: Table, log: Log, frame: pd.DataFrame, context: Context) -> None:
    """Which words or columns were read as which metric, and which were left alone."""
    tool = next((name for sign, name in TOOLS.items() if sign in {text.fold(cell) for cell in table.header}), "")
    columns = log.events or log.daily
    if columns:
        shown = ", ".join(f'"{column}" = {metric}' for column, metric in columns.items())
    elif log.action is not None:
        counted = Counter(table.words(log.action))
        known = {word: n for word, n in sorted(counted.items()) if metric_of(word)}
        shown = ", ".join(f'"{word}" = {metric_of(word)} ({n:,})' for word, n in list(known.items())[:20])
        spare = [word for word in counted if word and word not in known]
        if spare:
            rows = sum(counted[word] for word in spare)
            context.note(f"{table.file}: {len(spare)} kinds of action ({rows:,} rows) are counted by no metric")
    else:
        shown = f"every row = {log.metric}, by the file's name"
    said = f"{table.file}: actions of {tool or 'an automation tool'}: {shown}"
    if any("last" in spaced(column).split() for column in log.events):
        said += "; of each contact only the last is dated, so there were more"
    context.note(said)
