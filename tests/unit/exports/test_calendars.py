"""Calendars as a source of meetings: iCalendar files, and the tables of Outlook and Google."""

from __future__ import annotations

from ssi_audit.exports import crm
from ssi_audit.exports.calendars import MOVED, ODD_PATTERN
from ssi_audit.exports.invitations import ALL_DAY, ALONE, AWAY, DECLINED, INTERNAL, PRIVATE
from tests.unit.exports.crm_files import events, lines_of, rows_in_ledger, rows_of, sheet_text
from tests.unit.exports.folders import complaint, fates, reading

ADA = "ada.berg@birch.example"
ADA_CALLED = f"person,email\nAda Berg,{ADA}\n"
STAMP = "DTSTAMP:20260328T100000Z"


def entry(uid: str, start: str, *lines: str, guests: tuple[str, ...] = ("bo@elm.example",), subject="Demo") -> str:
    """One entry of Ada's calendar, with guests."""
    invited = [f"ATTENDEE;PARTSTAT=ACCEPTED:mailto:{guest}" for guest in (*guests, ADA) if guests]
    organizer = [f"ORGANIZER;CN=Ada Berg:mailto:{ADA}"] if guests else []
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", STAMP, start, f"SUMMARY:{subject}", *organizer, *invited, *lines,
                      "END:VEVENT"])  # fmt: skip


def ics(*entries: str, head: str = f"X-WR-CALNAME:{ADA}") -> str:
    """A calendar of entries."""
    return "\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", head, *entries, "END:VCALENDAR", ""])


def days(read) -> list[str]:
    """Days of the meetings."""
    return [row[1] for row in events(read) if row[2] == "meeting"]


def of_ada(folder, text: str, **settings):
    """Read a calendar of Ada's beside the people.csv that knows her address."""
    return reading(folder, {"c.ics": text, "people.csv": ADA_CALLED}, **settings)


def test_an_entry_with_somebody_from_outside_is_a_meeting(tmp_path):
    """The calendar's own address says whose it is and who is a colleague."""
    text = ics(
        entry("1", "DTSTART:20260210T100000Z"),
        entry("2", "DTSTART:20260211T100000Z", guests=("eve@birch.example",)),
        entry("3", "DTSTART:20260212T100000Z", guests=()),
        entry("4", "DTSTART:20260213T100000Z", guests=("room-1@resource.calendar.google.com",)),
        entry("5", "DTSTART:20260214T100000Z", guests=("eve@sub.birch.example", "cy@fir.example")),
    )
    read = of_ada(tmp_path, text)
    assert events(read) == [("Ada Berg", "2026-02-10", "meeting"), ("Ada Berg", "2026-02-14", "meeting")]
    assert rows_of(read, "c.ics") == {"used": 2, INTERNAL: 1, ALONE: 2}
    assert rows_in_ledger(read, "c.ics") == [1, 2, 3, 4, 5]


def test_what_of_a_calendar_is_no_meeting(tmp_path):
    """Cancelled, private, away, declined by the owner, for whole days, called so by the user, on no day that exists."""
    cases = [
        (entry("1", "DTSTART:20260210T100000Z"), ""),
        (entry("2", "DTSTART:20260211T100000Z", "STATUS:CANCELLED"), crm.NOT_HELD),
        (entry("3", "DTSTART:20260211T100000Z", "CLASS:PRIVATE"), PRIVATE),
        (entry("4", "DTSTART:20260211T100000Z", "X-MICROSOFT-CDO-BUSYSTATUS:OOF"), AWAY),
        (entry("5", "DTSTART:20260211T100000Z", "CLASS:CONFIDENTIAL"), PRIVATE),
        (entry("6", "DTSTART:20260211T100000Z", f"ATTENDEE;PARTSTAT=DECLINED:mailto:{ADA}"), DECLINED),
        (entry("7", "DTSTART:20260211T100000Z", subject="Canceled: Demo"), crm.NOT_HELD),
        (entry("8", "DTSTART;VALUE=DATE:20260211", subject="Trade fair"), ALL_DAY),
        (entry("9", "DTSTART:20260211T100000Z", subject="Odwołane: Demo"), crm.NOT_HELD),
        (entry("10", "DTSTART:20260211T100000Z", subject="Daily stand-up"), crm.NOT_MEETING),
        (entry("11", "DTSTART:20260231T100000Z"), crm.NO_DATE),
        (entry("12", "DTSTART:20260212T100000Z"), ""),
        (entry("13", "DTSTART:soon"), crm.NO_DATE),
    ]
    read = of_ada(tmp_path, ics(*(lines for lines, _ in cases)), not_meeting_words=("STAND-UP",))
    assert days(read) == ["2026-02-10", "2026-02-12"]
    assert [reason for *_, reason in fates(read, "c.ics")] == [reason for _, reason in cases]


def test_words_of_the_user_make_a_meeting(tmp_path):
    """meeting_words overrule guests, whole days and absence, but not a cancellation."""
    text = ics(
        entry("1", "DTSTART;VALUE=DATE:20260210", subject="Visit Elm", guests=()),
        entry("2", "DTSTART:20260211T100000Z", "X-MICROSOFT-CDO-BUSYSTATUS:OOF", "CATEGORIES:Customer visit"),
        entry("3", "DTSTART:20260212T100000Z", "STATUS:CANCELLED", subject="Visit Fir"),
    )
    read = of_ada(tmp_path, text, meeting_words=("visit",))
    assert days(read) == ["2026-02-10", "2026-02-11"]
    assert rows_of(read, "c.ics") == {"used": 2, crm.NOT_HELD: 1}


def test_own_domains_say_who_is_a_colleague(tmp_path):
    """The setting beats the address of the calendar; without either every guest is a customer, and that is said."""
    text = ics(entry("1", "DTSTART:20260210T100000Z", guests=("bo@elm.example",)), head="X-WR-CALNAME:Work")
    files = {"Ada Berg.ics": text}
    assert days(reading(tmp_path / "1", files, own_domains=("@elm.example", "birch.example"))) == []
    read = reading(tmp_path / "2", files)
    assert days(read) == ["2026-02-10"]
    assert any("no setting own_domains says who is a colleague" in note for note in read.tables.notes)


def test_the_address_that_is_always_there_is_the_owners(tmp_path):
    """A calendar that names nobody belongs to whoever is invited to everything, if that is one address only."""
    text = ics(
        entry("1", "DTSTART:20260210T100000Z"), entry("2", "DTSTART:20260211T100000Z", guests=("cy@fir.example",)),
        entry("3", "DTSTART:20260212T100000Z", guests=("di@oak.example",)), head="PRODID:x",
    )  # fmt: skip
    read = reading(tmp_path / "1", {"calendar.ics": text, "people.csv": ADA_CALLED})
    assert {row[0] for row in events(read)} == {"Ada Berg"}
    pair = ics(entry("1", "DTSTART:20260210T100000Z"), entry("2", "DTSTART:20260211T100000Z"), head="PRODID:x")
    read = reading(tmp_path / "2", {"calendar.ics": pair, "people.csv": ADA_CALLED})
    assert len(events(read)) == 0
    assert any("[persons]" in note for note in read.tables.notes)


def test_a_calendar_is_nobodys_name(tmp_path):
    """Without people.csv no person is called Calendar, in any language."""
    text = ics(entry("1", "DTSTART:20260210T100000Z"), entry("2", "DTSTART:20260211T100000Z"), head="PRODID:x")
    names = ["calendar.ics", "Kalendarz.ics", "outlook calendar (1).ics", "basic.ics", "Work.ics"]
    read = reading(tmp_path, {name: f"{text}\n{name}" for name in names})
    assert len(read.tables.people) == 0
    assert len(read.unmatched["crm_events"]) == 2 * len(names)


def test_the_setting_persons_says_whose_a_calendar_is(tmp_path):
    """Before any address in it."""
    read = reading(tmp_path, {"c.ics": ics(entry("1", "DTSTART:20260210T100000Z"))}, persons={"c.ics": "Eve Holm"})
    assert {row[0] for row in events(read)} == {"Eve Holm"}


# --------------------------------------------------------------------------- moments


OWN_ZONE = """BEGIN:VTIMEZONE
TZID:Our Own Time
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0300
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZNAME:EET
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
TZOFFSETFROM:+0200
TZOFFSETTO:+0300
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZNAME:EEST
END:DAYLIGHT
END:VTIMEZONE"""


MOMENTS = [
    ("DTSTART:20260210T233000Z", "2026-02-11"),
    ("DTSTART:20260210T233000", "2026-02-10"),
    ("DTSTART;TZID=America/New_York:20260210T200000", "2026-02-11"),
    ("DTSTART;TZID=/freeassociation.sourceforge.net/America/New_York:20260210T200000", "2026-02-11"),
    ('DTSTART;TZID="Eastern Standard Time":20260210T200000', "2026-02-11"),
    ("DTSTART;TZID=Our Own Time:20260210T233000", "2026-02-10"),
    ("DTSTART;TZID=Nobody's Time:20260210T233000", "2026-02-10"),
    ("DTSTART;VALUE=DATE:20260210", "2026-02-10"),
]


def test_a_moment_falls_on_the_users_day(tmp_path):
    """UTC, zones of IANA and of Windows, zones the file defines itself; in an unknown one the clock stands as it is."""
    files = {
        f"Person {chr(65 + at)}{chr(65 + at)}.ics": ics(OWN_ZONE, entry("1", start), head="PRODID:x")
        for at, (start, _) in enumerate(MOMENTS)
    }
    read = reading(tmp_path, files, timezone="Europe/Helsinki", meeting_words=("demo",))
    assert [row[1] for row in events(read)] == [day for _, day in MOMENTS]


def test_a_zone_that_cannot_be_read_is_named(tmp_path):
    """A definition of a zone that contradicts itself stops the file, not the run."""
    broken = "BEGIN:VTIMEZONE\nTZID:Odd\nBEGIN:STANDARD\nDTSTART:x\nEND:STANDARD\nEND:VTIMEZONE"
    text = complaint(tmp_path, {"c.ics": ics(broken, entry("1", "DTSTART;TZID=Odd:20260210T100000"))})
    assert "a time zone of the calendar cannot be read" in text


def test_folded_lines_and_windows_line_ends(tmp_path):
    """A long line goes on behind a blank in the next; CRLF and an alarm inside an entry change nothing."""
    alarm = "BEGIN:VALARM\nTRIGGER:-PT15M\nSUMMARY:Canceled: alarm\nATTENDEE:mailto:x@y.example\nEND:VALARM"
    text = ics(entry("1", "DTSTART:20260210T100000Z", alarm, subject="De\n mo"))
    read = of_ada(tmp_path, text.replace("\n", "\r\n"))
    assert days(read) == ["2026-02-10"]


def test_a_calendar_that_was_cut_is_refused(tmp_path):
    """Half a download is a problem, whatever entries are whole."""
    text = ics(entry("1", "DTSTART:20260210T100000Z"), entry("2", "DTSTART:20260211T100000Z"))
    assert "2 entries begin and 1 end: the file was cut" in complaint(tmp_path, {"c.ics": text[:-40]})


def test_a_calendar_without_entries_is_no_problem(tmp_path):
    """Nothing to count, and nothing wrong."""
    assert days(of_ada(tmp_path, ics())) == []


def test_a_calendar_that_takes_its_entries_back_has_no_meeting(tmp_path):
    """METHOD:CANCEL is the file of a cancellation."""
    read = of_ada(tmp_path, ics(entry("1", "DTSTART:20260210T100000Z"), head=f"METHOD:CANCEL\nX-WR-CALNAME:{ADA}"))
    assert rows_of(read, "c.ics") == {crm.NOT_HELD: 1}


# --------------------------------------------------------------------------- series


def test_a_series_is_taken_apart_up_to_the_export(tmp_path):
    """Every week until the calendar was written; a day taken out, one added and one moved are seen to."""
    text = ics(
        entry(
            "1", "DTSTART:20260202T090000Z", "RRULE:FREQ=WEEKLY", "EXDATE:20260216T090000Z", "RDATE:20260218T090000Z"
        ),
        entry("1", "DTSTART:20260224T150000Z", "RECURRENCE-ID:20260223T090000Z"),
        entry("2", "DTSTART:20260203T090000Z"),
    )
    read = of_ada(tmp_path, text)
    assert days(read) == [
        "2026-02-02", "2026-02-03", "2026-02-09", "2026-02-18", "2026-02-24", "2026-03-02", "2026-03-09", "2026-03-16",
        "2026-03-23",
    ]  # fmt: skip
    assert rows_of(read, "c.ics") == {"used": 3}


RULES = [
    ("FREQ=DAILY;COUNT=3", ["2026-02-02", "2026-02-03", "2026-02-04"]),
    ("FREQ=WEEKLY;UNTIL=20260209", ["2026-02-02", "2026-02-09"]),
    ("FREQ=WEEKLY;UNTIL=20260209T083000Z", ["2026-02-02"]),
    ("FREQ=MONTHLY;BYDAY=1MO;COUNT=2", ["2026-02-02", "2026-03-02"]),
]


def test_rules_of_series(tmp_path):
    """A number of times, up to a day or a moment, the first Monday of each month."""
    files = {
        f"Person {chr(65 + at)}{chr(65 + at)}.ics": ics(
            entry("1", "DTSTART:20260202T090000Z", f"RRULE:{rule}"), head="PRODID:x"
        )
        for at, (rule, _) in enumerate(RULES)
    }
    assert [row[1] for row in events(reading(tmp_path, files))] == [day for _, found in RULES for day in found]


def test_nine_o_clock_stays_nine_o_clock_when_summer_time_begins(tmp_path):
    """A weekly meeting late in the evening does not slip to another day in March."""
    text = ics(entry("1", "DTSTART;TZID=Europe/Helsinki:20260322T233000", "RRULE:FREQ=WEEKLY;COUNT=3"))
    late = text.replace(STAMP, "DTSTAMP:20260501T100000Z")
    assert days(of_ada(tmp_path, late, timezone="Europe/Helsinki")) == ["2026-03-22", "2026-03-29", "2026-04-05"]


def test_days_taken_out_of_a_series_of_whole_days(tmp_path):
    """A day without a time takes out the meeting of that day, whatever its time."""
    rule = ("RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20260203")
    text = ics(entry("1", "DTSTART;VALUE=DATE:20260202", *rule), entry("2", "DTSTART:20260202T090000Z", *rule))
    assert days(of_ada(tmp_path, text, meeting_words=("demo",))) == ["2026-02-02"] * 2 + ["2026-02-04"] * 2


def test_series_of_which_nothing_is_left(tmp_path):
    """An alarm clock, a rule that says nothing, and a series whose only meeting was deleted."""
    start = "DTSTART:20260202T090000Z"
    text = ics(
        entry("1", start, "RRULE:FREQ=MINUTELY"), entry("2", start, "RRULE:FREQ=WEEKLY;BYDAY=XX"),
        entry("3", start, "RRULE:FREQ=WEEKLY;COUNT=1", "EXDATE:20260202T090000Z"),
        entry("4", "DTSTART:20260203T090000Z"),
    )  # fmt: skip
    assert rows_of(of_ada(tmp_path, text), "c.ics") == {"used": 1, ODD_PATTERN: 2, MOVED: 1}


def test_what_lies_behind_the_export_is_planned(tmp_path):
    """The day in the file's name, or stamps that all entries share, say when the calendar was written."""
    text = ics(
        entry("1", "DTSTART:20260210T100000Z"), entry("2", "DTSTART:20260401T100000Z"),
        entry("3", "DTSTART:20260402T100000Z", "RRULE:FREQ=WEEKLY"),
    )  # fmt: skip
    assert rows_of(of_ada(tmp_path / "1", text), "c.ics") == {"used": 1, crm.PLANNED: 2}
    read = reading(tmp_path / "2", {"c 2026-02-20.ics": text.replace(STAMP + "\n", ""), "people.csv": ADA_CALLED})
    assert rows_of(read, "c 2026-02-20.ics") == {"used": 1, crm.PLANNED: 2}


def test_stamps_of_changes_do_not_say_when_a_calendar_was_written(tmp_path):
    """With stamps of different days a series is followed on, and what the folder does not know yet is planned."""
    text = ics(
        entry("1", "DTSTART:20260102T090000Z", "RRULE:FREQ=MONTHLY").replace(STAMP, "DTSTAMP:20260102T100000Z"),
        entry("2", "DTSTART:20260110T100000Z").replace(STAMP, "DTSTAMP:20260303T100000Z"),
    )
    read = of_ada(tmp_path / "1", text)
    assert days(read)[:3] == ["2026-01-02", "2026-01-10", "2026-02-02"]
    assert max(days(read)) <= "2026-03-03"
    read = of_ada(tmp_path / "2", text, end="2026-02-20")
    assert days(read) == ["2026-01-02", "2026-01-10", "2026-02-02"]


def test_a_calendar_without_any_stamp_goes_to_its_last_entry(tmp_path):
    """Nothing says when it was written: series are followed as far as single entries lie."""
    text = ics(
        entry("1", "DTSTART:20260202T090000Z", "RRULE:FREQ=WEEKLY"), entry("2", "DTSTART:20260217T100000Z"),
    ).replace(STAMP + "\n", "")  # fmt: skip
    assert days(of_ada(tmp_path, text)) == ["2026-02-02", "2026-02-09", "2026-02-16", "2026-02-17"]


def test_guests_by_name_may_be_anybody(tmp_path):
    """A guest of whom only a name is written counts, unless colleagues are all that is known."""
    by_name = 'ATTENDEE;CN="Bo Lind":invalid:nomail'
    with_colleague = (by_name, "ATTENDEE:mailto:eve@birch.example")
    owner = f"ORGANIZER:mailto:{ADA}"
    one = entry("1", "DTSTART:20260210T100000Z", owner, by_name, guests=())
    two = entry("2", "DTSTART:20260211T100000Z", owner, *with_colleague, guests=())
    assert rows_of(of_ada(tmp_path, ics(one, two)), "c.ics") == {"used": 1, INTERNAL: 1}


# --------------------------------------------------------------------------- tables


OUTLOOK = ("Subject", "Start Date", "Start Time", "All day event", "Meeting Organizer", "Required Attendees",
           "Optional Attendees", "Categories", "Private", "Sensitivity", "Show time as")  # fmt: skip


def row(subject="Demo", day="2/10/2026", clock="10:00:00 AM", **other: str) -> tuple:
    """A row of Outlook's table with a guest from outside, with some cells as given."""
    usual = {
        "all_day": "False", "organizer": "Ada Berg", "required": "Bo Lind <bo@elm.example>", "optional": "",
        "categories": "", "private": "False", "sensitivity": "Normal", "busy": "2",
    }  # fmt: skip
    return (subject, day, clock, *(usual | other).values())


def outlook(*rows: tuple) -> dict[str, str]:
    return {"Ada Berg.csv": sheet_text(OUTLOOK, *rows)}


def test_a_table_of_outlook(tmp_path):
    """Owner by the file's name; every kind of entry that is no meeting is told with its reason."""
    rows = (
        row(), row(day="2/27/2026", clock="2:30:00 PM"),
        row("Stand-up", required="Eve Holm <eve@birch.example>"), row("Lunch", required=""),
        row("Fair", all_day="True"), row("Doctor", private="True"), row("Secret", sensitivity="Confidential"),
        row("Holiday", busy="4"), row("Canceled: Demo"), row(day=""),
    )  # fmt: skip
    files = outlook(*rows)
    read = reading(tmp_path, files, own_domains=("birch.example",))
    assert read.kinds == {"Ada Berg.csv": "calendar"}
    assert events(read) == [("Ada Berg", "2026-02-10", "meeting"), ("Ada Berg", "2026-02-27", "meeting")]
    assert rows_of(read, "Ada Berg.csv") == {
        "used": 2, INTERNAL: 1, ALONE: 1, ALL_DAY: 1, PRIVATE: 2, AWAY: 1, crm.NOT_HELD: 1, crm.NO_DATE: 1,
    }  # fmt: skip
    assert rows_in_ledger(read, "Ada Berg.csv") == lines_of(files["Ada Berg.csv"])


LANGUAGES = {
    "German": ("Betreff", "Beginnt am", "Beginnt um", "Ganztägiges Ereignis", "Erforderliche Teilnehmer", "27.2.2026"),
    "Polish": ("Temat", "Data rozpoczęcia", "Czas rozpoczęcia", "Wydarzenie całodzienne", "Wymagani uczestnicy",
               "27.02.2026"),
    "Italian": ("Oggetto", "Data inizio", "Ora inizio", "Evento giornata intera", "Partecipanti obbligatori",
                "27/02/2026"),
    "Finnish": ("Aihe", "Alkamispäivä", "Alkamisaika", "Koko päivän tapahtuma", "Pakolliset osallistujat", "27.2.2026"),
    "Thai": ("เรื่อง", "วันที่เริ่มต้น", "เวลาเริ่มต้น", "All day event", "Guests", "27/2/2569"),
}  # fmt: skip


def test_headers_follow_the_language_of_the_program(tmp_path):
    """Five languages and their ways to write a day."""
    files = {
        f"Ada {language}.csv": sheet_text(header, (f"Demo {language}", day, "10:00:00", "", "Bo Lind"))
        for language, (*header, day) in LANGUAGES.items()
    }
    read = reading(tmp_path, files)
    assert read.kinds == dict.fromkeys(files, "calendar")
    assert [row[1:] for row in events(read)] == [("2026-02-27", "meeting")] * len(files)


def test_a_calendar_that_does_not_say_who_was_invited_asks_for_words(tmp_path):
    """Google's own CSV has no guests: the words that tell a meeting have to come from the user."""
    header = ("Subject", "Start Date", "Start Time", "All Day Event")
    rows = [("Demo Elm", "2026-02-10", "10:00", "False"), ("Dentist", "2026-02-11", "10:00", "False")]
    files = {"Ada Berg.csv": sheet_text(header, *rows)}
    text = complaint(tmp_path / "1", files)
    assert "this calendar does not say who was invited" in text
    assert "meeting_words = [" in text
    read = reading(tmp_path / "2", files, meeting_words=("demo",))
    assert days(read) == ["2026-02-10"]
    assert rows_of(read, "Ada Berg.csv") == {"used": 1, ALONE: 1}


def test_the_day_in_the_name_of_a_table_parts_plans_from_meetings(tmp_path):
    """What lies behind it is planned, if most of the table lies before it."""
    rows = (row(day="2/10/2026"), row(day="2/11/2026"), row(day="3/30/2026"))
    read = reading(tmp_path, {"Ada Berg 2026-03-01.csv": sheet_text(OUTLOOK, *rows)})
    assert rows_of(read, "Ada Berg 2026-03-01.csv") == {"used": 2, crm.PLANNED: 1}


def test_an_entry_in_two_calendars_is_a_meeting_of_both_people(tmp_path):
    """The same entry in the calendars of two colleagues is one meeting of each; twice in one of them it is one."""
    mine = ics(entry("1", "DTSTART:20260210T100000Z"))
    files = {
        "Ada Berg/c.ics": mine, "Ada Berg/copy.ics": mine + "\n",
        "Eve Holm/c.ics": mine.replace(f"X-WR-CALNAME:{ADA}", "X-WR-CALNAME:eve@birch.example"),
        "people.csv": f"person,email\nAda Berg,{ADA}\nEve Holm,eve@birch.example\n",
    }  # fmt: skip
    assert events(reading(tmp_path, files)) == [
        ("Ada Berg", "2026-02-10", "meeting"), ("Eve Holm", "2026-02-10", "meeting"),
    ]  # fmt: skip


def test_guests_and_subjects_are_not_kept(tmp_path):
    """Names and addresses of other people, and what a meeting was about, stay in the file."""
    text = ics(entry("1", "DTSTART:20260210T100000Z", guests=("xyzzy@elm.example",), subject="Xyzzy secret"))
    tables = of_ada(tmp_path, text).tables
    kept = "".join(frame.to_csv() for frame in (tables.crm_events, tables.people, tables.ledger)) + repr(tables.notes)
    assert "xyzzy" not in kept.lower()
