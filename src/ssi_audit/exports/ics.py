"""iCalendar text → entries: the properties that tell a meeting, with moments in their zones.

Only a dozen properties of an entry are looked at. They are cut out here, because
a whole parse of a few years of a busy calendar, with its descriptions and
alarms, takes minutes for a team; the time zones that an export defines itself
are read by the icalendar package. Series are taken apart in their own clock
time, so that nine o'clock stays nine o'clock when summer time begins.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from functools import cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ssi_audit.exports.text import Unreadable

_ENTRY = re.compile(r"^BEGIN:VEVENT[ \t]*\n(.*?)^END:VEVENT", re.DOTALL | re.MULTILINE | re.IGNORECASE)
_ALARM = re.compile(r"^BEGIN:VALARM\b.*?^END:VALARM[^\n]*\n", re.DOTALL | re.MULTILINE | re.IGNORECASE)
_ZONE = re.compile(r"^BEGIN:VTIMEZONE\b.*?^END:VTIMEZONE", re.DOTALL | re.MULTILINE | re.IGNORECASE)
_LINE = re.compile(
    r"^(UID|DTSTART|DTSTAMP|CREATED|LAST-MODIFIED|RRULE|RDATE|EXDATE|RECURRENCE-ID|SUMMARY|STATUS|CLASS|ORGANIZER|"
    r"ATTENDEE|CATEGORIES|X-MICROSOFT-CDO-BUSYSTATUS|X-MICROSOFT-CDO-INTENDEDSTATUS)"
    r'((?:;[\w-]+=(?:"[^"\n]*"|[^";:\n]*))*):(.*)$',
    re.MULTILINE | re.IGNORECASE,
)
_PARAMETER = re.compile(r';([\w-]+)=(?:"([^"]*)"|([^";]*))')
_MOMENT = re.compile(r"^(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})?(Z)?)?$", re.IGNORECASE)

# What a series of meetings is made of; an alarm clock repeats by the minute.
_PATTERNS = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_MAX_MEETINGS = 5_000


@dataclass(frozen=True)
class Property:
    """One line of an entry: its parameters, upper case, and its value."""

    parameters: dict[str, str]
    value: str


@dataclass
class Entry:
    """One entry of a calendar.

    Attributes
    ----------
    lines : dict of str to list of Property
        By upper-case name.
    zones : dict of str to datetime.tzinfo or None
        Of the calendar, by id; None for an id that nothing explains: its times are taken as they stand.
    """

    lines: dict[str, list[Property]]
    zones: dict[str, dt.tzinfo | None] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """The value of a property as text, "" where there is none."""
        lines = self.lines.get(name)
        return re.sub(r"\\([,;\\])", r"\1", re.sub(r"\\[nN]", " ", lines[0].value)).strip() if lines else ""

    def moments(self, name: str) -> list[dt.date]:
        """All days or moments of a property; of a period its beginning."""
        found = []
        for line in self.lines.get(name, []):
            zone = self.zones.get(line.parameters.get("TZID", ""))
            found += [self._moment(part.partition("/")[0], zone) for part in line.value.split(",")]
        return [moment for moment in found if moment is not None]

    @staticmethod
    def _moment(value: str, zone: dt.tzinfo | None) -> dt.date | None:
        match = _MOMENT.match(value.strip())
        if not match:
            return None
        year, month, day, hour, minute, second, utc = match.groups()
        try:
            if hour is None:
                return dt.date(int(year), int(month), int(day))
            moment = dt.datetime(int(year), int(month), int(day), int(hour), int(minute), min(int(second or 0), 59))
        except ValueError:  # a day that does not exist
            return None
        return moment.replace(tzinfo=dt.UTC if utc else zone)

    def moment(self, name: str) -> dt.date | None:
        """The day or moment of a property; None where there is none that exists."""
        found = self.moments(name)
        return found[0] if found else None

    @cached_property
    def start(self) -> dt.date | None:
        """Begin of the entry, or of its series."""
        return self.moment("DTSTART")

    @property
    def all_day(self) -> bool:
        """Whether the entry is for whole days."""
        return self.start is not None and not isinstance(self.start, dt.datetime)

    @property
    def replaces(self) -> dt.date | None:
        """The meeting of a series that this entry replaces."""
        return self.moment("RECURRENCE-ID")

    @property
    def is_series(self) -> bool:
        """Whether the entry stands for several meetings."""
        return "RRULE" in self.lines or "RDATE" in self.lines

    def series(self, until: dt.datetime) -> list[dt.date] | None:
        """All starts of a series up to a clock time, without those taken out; None if its pattern is no meeting's."""
        first = naive(self.start)
        days = {first}
        for rule in self.lines.get("RRULE", []):
            more = self._rule(rule.value, first, until)
            if more is None:
                return None
            days |= more
        days |= {naive(self._in_own_zone(day)) for day in self.moments("RDATE")}
        gone = {instant(day) for day in self.moments("EXDATE")}
        # A day without a time takes out the meeting of that day.
        gone_days = {day for day in self.moments("EXDATE") if not isinstance(day, dt.datetime)}
        starts = [self._like_start(day) for day in sorted(days) if day <= until and day.date() not in gone_days]
        return [start for start in starts if instant(start) not in gone]

    def _rule(self, rule: str, first: dt.datetime, until: dt.datetime) -> set[dt.datetime] | None:
        from dateutil.rrule import rrulestr

        parts = dict(part.upper().split("=", 1) for part in rule.split(";") if "=" in part)
        if parts.get("FREQ") not in _PATTERNS:
            return None
        limit = self._moment(parts.pop("UNTIL", ""), None)
        if limit is not None:
            until = min(until, self._end_of(limit))
        try:
            pattern = rrulestr(";".join(f"{name}={value}" for name, value in parts.items()), dtstart=first)
        except (ValueError, KeyError, TypeError):  # a pattern that says nothing
            return None
        days: set[dt.datetime] = set()
        for day in pattern:
            if day > until or len(days) >= _MAX_MEETINGS:
                break
            days.add(day)
        return days

    def _end_of(self, limit: dt.date) -> dt.datetime:
        if isinstance(limit, dt.datetime):
            return naive(self._in_own_zone(limit))
        return dt.datetime.combine(limit, dt.time.max)

    def _in_own_zone(self, moment: dt.date) -> dt.date:
        own = getattr(self.start, "tzinfo", None)
        return moment.astimezone(own) if own and getattr(moment, "tzinfo", None) else moment

    def _like_start(self, day: dt.datetime) -> dt.date:
        return day.date() if self.all_day else day.replace(tzinfo=self.start.tzinfo)


@dataclass
class Calendar:
    """What an iCalendar file holds.

    Attributes
    ----------
    entries : list of Entry
    address : str
        Of the owner, "" where the file does not say.
    cancels : bool
        The file takes its entries back.
    """

    entries: list[Entry]
    address: str = ""
    cancels: bool = False


def read_calendar(text: str) -> Calendar:
    """Cut an iCalendar text into entries.

    Raises
    ------
    Unreadable
        If an entry is not closed: the file was cut.
    """
    text = re.sub(r"\n[ \t]", "", text.replace("\r\n", "\n").replace("\r", "\n"))
    begun = len(re.findall(r"^BEGIN:VEVENT", text, re.MULTILINE | re.IGNORECASE))
    blocks = _ENTRY.findall(text)
    if len(blocks) != begun:
        raise Unreadable(f"{begun} entries begin and {len(blocks)} end: the file was cut", "export the calendar again")
    around = _ENTRY.sub("", text)
    entries = [Entry(_properties(block)) for block in blocks]
    named = {line.parameters.get("TZID", "") for entry in entries for lines in entry.lines.values() for line in lines}
    zones = _zones(named - {""}, around)
    for entry in entries:
        entry.zones = zones
    name = re.search(r"^X-WR-CALNAME[^:\n]*:.*?([\w.+-]+@[\w.-]+\.\w+)", around, re.MULTILINE | re.IGNORECASE)
    cancels = re.search(r"^METHOD:CANCEL", around, re.MULTILINE | re.IGNORECASE) is not None
    return Calendar(entries, name.group(1).lower() if name else "", cancels)


def _properties(block: str) -> dict[str, list[Property]]:
    lines: dict[str, list[Property]] = {}
    for name, parameters, value in _LINE.findall(_ALARM.sub("", block)):
        known = {key.upper(): quoted or plain for key, quoted, plain in _PARAMETER.findall(parameters)}
        lines.setdefault(name.upper(), []).append(Property(known, value))
    return lines


def _zones(ids: set[str], around: str) -> dict[str, dt.tzinfo | None]:
    """Time zones by the ids that entries use: known names first, then what the file defines itself."""
    zones = {zone_id: _known_zone(zone_id) for zone_id in ids}
    if any(zone is None for zone in zones.values()):
        own = _own_zones(around)
        zones = {zone_id: zone or own.get(zone_id) for zone_id, zone in zones.items()}
    return zones


def _known_zone(zone_id: str) -> dt.tzinfo | None:
    """Zone of an IANA name, also behind a path, or of one of Windows' names."""
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

    parts = zone_id.strip("/").split("/")
    for name in (zone_id.strip("/"), "/".join(parts[-2:]), WINDOWS_TO_OLSON.get(zone_id, "")):
        try:
            if name:
                return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # the next spelling
            continue
    return None


def _own_zones(around: str) -> dict[str, dt.tzinfo]:
    from icalendar import Timezone

    zones: dict[str, dt.tzinfo] = {}
    for block in _ZONE.findall(around):
        try:
            component = Timezone.from_ical(block.replace("\n", "\r\n") + "\r\n")
            zones[str(component["TZID"])] = component.to_tz(lookup_tzid=False)
        except (ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
            raise Unreadable(f"a time zone of the calendar cannot be read: {error}", "export it again") from error
    return zones


def naive(moment: dt.date) -> dt.datetime:
    """Clock time of a moment; midnight of a day."""
    if isinstance(moment, dt.datetime):
        return moment.replace(tzinfo=None)
    return dt.datetime.combine(moment, dt.time())


def instant(moment: dt.date) -> dt.datetime:
    """A moment in UTC, to compare moments of different zones; one without a zone as it stands."""
    if isinstance(moment, dt.datetime) and moment.tzinfo:
        return moment.astimezone(dt.UTC).replace(tzinfo=None)
    return naive(moment)
