"""What a later export says is no event any more: cancelled, deleted, left by its owner."""

from __future__ import annotations

import pytest

from ssi_audit.exports import crm, twice
from tests.unit.exports.crm_files import events, rows_of, sheet_text
from tests.unit.exports.folders import fill, reading
from tests.unit.exports.in_blocks import same, tiny_blocks  # noqa: F401

MEETINGS = ("Record ID", "Meeting name", "Meeting start time", "Meeting outcome", "Activity assigned to",
            "Create date")  # fmt: skip
PIPEDRIVE = ("Deal - ID", "Deal - Title", "Deal - Owner", "Deal - Status", "Deal - Deal created", "Deal - Won time")
OPPORTUNITIES = ("Id", "IsDeleted", "Name", "StageName", "CloseDate", "OwnerId", "CreatedDate", "LastModifiedDate")
USERS = ("Id", "FirstName", "LastName", "UserType")
CONTACTS = ("Record ID", "First Name", "Last Name", "Contact owner", "Lifecycle Stage", "Create Date",
            "Became a Lead Date")  # fmt: skip
EARLIER, LATER = "hubspot-crm-exports-all-2026-02-15.csv", "hubspot-crm-exports-all-2026-03-15.csv"


def met(number: str, outcome: str, owner: str = "Ada Berg", start: str = "2026-02-10 10:00") -> tuple:
    """A meeting of HubSpot."""
    return (number, f"Demo {number}", start, outcome, owner, "2026-02-01 09:00")


@pytest.mark.parametrize(
    "now",
    [met("1", "Canceled"), met("1", "No show"), met("1", "Completed", owner=""),
     met("1", "Scheduled", start="2026-04-01 10:00")],
    ids=["cancelled", "no show", "left by its owner", "moved behind the day of the export"],
)  # fmt: skip
@pytest.mark.parametrize("names", [(EARLIER, LATER), (f"b/{EARLIER}", f"a/{LATER}")])
def test_a_meeting_that_a_later_export_calls_off_does_not_count(tmp_path, names, now):
    """The earlier export told it as held or planned; what is merely absent from the later one stays."""
    earlier = sheet_text(MEETINGS, met("1", "Scheduled"), met("2", "Completed"))
    later = sheet_text(MEETINGS, now, met("3", "Completed", start="2026-02-20 10:00"))
    read = reading(tmp_path, {names[0]: earlier, names[1]: later})
    assert events(read, "kind", "date") == [("meeting", "2026-02-10"), ("meeting", "2026-02-20")]
    assert rows_of(read, names[0]) == {twice.TAKEN_BACK: 1, "used": 1}
    assert f"see {names[1]}" in set(read.tables.ledger["detail"])
    assert read.tables.ledger["rows"].sum() == 4


def test_a_meeting_that_an_earlier_export_calls_off_counts(tmp_path):
    """Whoever cancelled it by mistake held it after all."""
    files = {EARLIER: sheet_text(MEETINGS, met("1", "Canceled")), LATER: sheet_text(MEETINGS, met("1", "Completed"))}
    read = reading(tmp_path, files)
    assert len(events(read)) == 1
    assert rows_of(read, EARLIER) == {crm.NOT_HELD: 1}


def test_a_row_for_each_attendee_takes_nothing_back(tmp_path):
    """The same file tells the meeting as held and, for another attendee, as not: it stays."""
    files = {
        EARLIER: sheet_text(MEETINGS, met("1", "Completed")),
        LATER: sheet_text(MEETINGS, met("1", "Completed"), met("1", "No show")),
    }
    assert len(events(reading(tmp_path, files))) == 1


def test_only_names_that_tell_the_order_are_said(tmp_path):
    """Where nothing dates the files, a note says that their names were taken."""
    header, row = MEETINGS[:-1], met("1", "Completed")[:-1]
    files = {"m.csv": sheet_text(header, row, met("2", "Completed")[:-1]),
             "m (1).csv": sheet_text(header, met("1", "Canceled")[:-1], met("2", "Completed")[:-1])}  # fmt: skip
    read = reading(tmp_path, files)
    assert len(events(read)) == 1
    assert [note for note in read.tables.notes if twice.BY_NAME in note]


def test_a_deal_deleted_in_a_later_export_does_not_count(tmp_path):
    """Deleted, or without an owner: its opening and its end go; deals of the same number elsewhere stay."""

    def deal(number: str, status: str, owner: str = "Ada Berg") -> tuple:
        return (number, f"Oak {number}", owner, status, "2026-01-05 10:00:00", "2026-02-05 10:00:00")

    files = {
        "deals-2026-02-10.csv": sheet_text(PIPEDRIVE, *(deal(at, "Won") for at in "123")),
        "deals-2026-03-10.csv": sheet_text(PIPEDRIVE, deal("1", "Deleted"), deal("2", "Won", owner="")),
    }
    read = reading(tmp_path, files)
    assert events(read, "kind", "deal") == [("deal_won", "3"), ("opportunity", "3")]
    assert rows_of(read, "deals-2026-02-10.csv") == {twice.TAKEN_BACK: 2, "used": 1}


def test_a_number_that_began_again_takes_no_other_deal_back(tmp_path):
    """Deal 1 that was deleted in February's file is not January's deal 1."""
    files = {
        "jan.csv": sheet_text(PIPEDRIVE, ("1", "Oak", "Ada Berg", "Won", "2026-01-05", "2026-01-25")),
        "mar.csv": sheet_text(PIPEDRIVE, ("1", "Yew", "Ada Berg", "Deleted", "2026-02-05", "2026-02-25")),
    }
    assert len(events(reading(tmp_path, files))) == 2


def test_a_view_without_owners_takes_nothing_back(tmp_path):
    """A column that a later view does not show says nothing: the earlier export's contacts stay."""
    row = ("1", "X", "Y", "Ada Berg", "Lead", "2026-01-05 10:00", "2026-01-06 10:00")
    later = [cell for at, cell in enumerate(row) if at != 3], [cell for at, cell in enumerate(CONTACTS) if at != 3]
    files = {EARLIER: sheet_text(CONTACTS, row), LATER: sheet_text(later[1], later[0])}
    assert len(events(reading(tmp_path, files))) == 1


@pytest.mark.parametrize(("owner", "stage", "n"), [("", "Lead", 0), ("Ada Berg", "Other", 1)])
def test_a_contact_without_an_owner_is_taken_back_one_that_moved_on_is_not(tmp_path, owner, stage, n):
    """Whoever is called something else than a lead later was one all the same."""
    head, row = CONTACTS[:-1], ("1", "X", "Y", "Ada Berg", "Lead", "2026-01-05 10:00")
    files = {EARLIER: sheet_text(head, row), LATER: sheet_text(head, ("1", "X", "Y", owner, stage, row[-1]))}
    assert len(events(reading(tmp_path, files))) == n


def test_objects_of_salesforce_are_taken_back(tmp_path):
    """A deal that the weekly export of March marks as deleted, whatever else is in its folder."""
    user = ("0055g00000Ab001AAA", "Ada", "Berg", "Standard")

    def deal(number: int, deleted: str, changed: str) -> tuple:
        return (f"0065g00000Ab00{number}AAA", deleted, f"Oak {number}", "Closed Won", "2026-02-05", user[0],
                "2026-01-05 10:00:00", changed)  # fmt: skip

    files = {
        f"{folder}/{name}.csv": text
        for folder, rows in (("z-old", [deal(1, "0", "2026-02-05 10:00:00"), deal(2, "0", "2026-02-05 10:00:00")]),
                             ("a-new", [deal(1, "1", "2026-03-05 10:00:00")]))
        for name, text in (("User", sheet_text(USERS, user)), ("Opportunity", sheet_text(OPPORTUNITIES, *rows)))
    }  # fmt: skip
    read = reading(tmp_path, files)
    assert {row[0] for row in events(read, "deal")} == {"0065g00000Ab002"}
    assert rows_of(read, "z-old/Opportunity.csv") == {twice.TAKEN_BACK: 1, "used": 1}


def calendar(*entries: str) -> str:
    """An iCalendar of Ada's with these lines in its entries."""
    guests = "ATTENDEE;CN=C:mailto:c@firm.example\nATTENDEE;CN=A:mailto:ada@own.example\n"
    lines = "".join(f"BEGIN:VEVENT\n{entry}\n{guests}END:VEVENT\n" for entry in entries)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\n{lines}END:VCALENDAR\n"


def test_an_invitation_cancelled_in_a_later_calendar_does_not_count(tmp_path):
    """A single entry and one of a series that the calendar saved later calls off."""
    one = "UID:one\nSUMMARY:Demo\nDTSTART:20260210T100000\nDTEND:20260210T110000"
    series = "UID:many\nSUMMARY:Call\nDTSTART:20260202T100000\nDTEND:20260202T110000\nRRULE:FREQ=WEEKLY;COUNT=3"
    off = "UID:many\nSUMMARY:Call\nRECURRENCE-ID:20260209T100000\nDTSTART:20260209T100000\nSTATUS:CANCELLED"
    files = {
        "Ada Berg 2026-03-01.ics": calendar(one, series),
        "Ada Berg 2026-03-20.ics": calendar(f"{one}\nSTATUS:CANCELLED", series, off),
    }
    read = reading(tmp_path, files, own_domains=("own.example",))
    assert [row[1] for row in events(read)] == ["2026-02-02", "2026-02-16"]


@pytest.mark.usefixtures("tiny_blocks")
def test_beside_a_large_table_the_same_is_taken_back(tmp_path):
    """A folder that is read in blocks."""
    plain = "person,date,kind,deal\n" + "".join(f"Ada Berg,2026-01-{day:02d},inquiry,\n" for day in range(1, 20))
    earlier = sheet_text(MEETINGS, met("1", "Scheduled"), met("2", "Completed"))
    files = {"crm_events.csv": plain, EARLIER: earlier, LATER: sheet_text(MEETINGS, met("1", "Canceled"))}
    result = same(fill(tmp_path, files))
    assert result.in_blocks == 1
    assert (result.frames["crm_events"]["kind"] == "meeting").sum() == 1


DEALS = ("Deal ID", "Deal Name", "Deal Owner", "Stage", "Created Date", "Close Date")


def deals(*rows: tuple, without: int | None = None) -> str:
    """A list of deals, perhaps of a view that does not show one of its columns."""
    return sheet_text(*([cell for at, cell in enumerate(row) if at != without] for row in (DEALS, *rows)))


@pytest.mark.parametrize(
    ("stage", "closed", "left"),
    [
        ("Closed Won", "2025-03-20", [("deal_won", "2025-03-20"), ("opportunity", "2025-01-11")]),
        ("Closed Lost", "2025-03-20", [("deal_lost", "2025-03-20"), ("opportunity", "2025-01-11")]),
        ("Closed Won", "", [("deal_won", "2025-03-11"), ("opportunity", "2025-01-11")]),
        ("Negotiation", "2025-06-20", [("opportunity", "2025-01-11")]),
        ("Closed Lost", "", [("opportunity", "2025-01-11")]),
        ("Archive", "", [("deal_won", "2025-03-11"), ("opportunity", "2025-01-11")]),
    ],
    ids=["closed on another day", "lost after all", "no day", "open again", "lost, no day", "who knows"],
)
def test_a_later_view_without_the_opening_day_takes_no_opening_away(tmp_path, stage, closed, left):
    """What the later export tells counts; what it leaves open stays as the earlier one told it."""
    row = ("D1", "Oak", "Ada Berg", "Closed Won", "2025-01-11", "2025-03-11")
    other = ("D2", "Yew", "Ada Berg", "Closed Won", "2025-01-12", "2025-03-11")
    later = deals((*row[:3], stage, "", closed), other, without=4)
    read = reading(tmp_path, {"deals.csv": deals(row), "deals (1).csv": later})
    assert [row[:2] for row in events(read, "kind", "date", "deal") if row[2] == "D1"] == left
    assert read.tables.ledger["rows"].sum() == 3


@pytest.mark.parametrize(("first", "then", "n"), [("Completed", "Canceled", 1), ("Canceled", "Completed", 2)])
def test_the_last_meeting_is_corrected_like_any_other(tmp_path, first, then, n):
    """That it was held says that a file is not older; so does that it was not."""

    def row(number: str, day: int, outcome: str) -> tuple:
        return (number, "Demo", f"2026-02-{day:02d} 10:00", outcome, "Ada Berg")

    files = {
        "meetings.csv": sheet_text(MEETINGS[:-1], row("1", 1, "Completed"), row("2", 10, first)),
        "meetings (1).csv": sheet_text(MEETINGS[:-1], row("1", 1, "Completed"), row("2", 10, then)),
    }
    assert len(events(reading(tmp_path, files))) == n


def test_what_went_to_somebody_unknown_is_not_the_former_owners(tmp_path):
    """The later export names an owner who is not in people.csv: that is listed, and nobody else gets the deal."""
    row = ("D1", "Oak", "Ada Berg", "Closed Won", "2025-01-11", "2025-03-11")
    files = {
        "people.csv": "person\nAda Berg\nBo Lund\n",
        "deals.csv": deals(row, ("D2", "Yew", *row[2:])),
        "deals (1).csv": deals((*row[:2], "Zed Quux", *row[3:])),
    }
    read = reading(tmp_path, files)
    assert {row[0] for row in events(read, "deal")} == {"D2"}
    assert rows_of(read, "deals.csv") == {twice.TAKEN_BACK: 1, "used": 1}
    assert len(read.unmatched["crm_events"]) == 2


@pytest.mark.usefixtures("tiny_blocks")
def test_beside_a_large_table_strangers_are_looked_at_too(tmp_path):
    """A folder that is read in blocks."""
    plain = "person,date,kind,deal\n" + "".join(f"Ada Berg,2026-01-{day:02d},inquiry,\n" for day in range(1, 20))
    files = {
        "people.csv": "person\nAda Berg\nBo Lund\n",
        "crm_events.csv": plain,
        EARLIER: sheet_text(MEETINGS, met("1", "Completed"), met("2", "Completed")),
        LATER: sheet_text(MEETINGS, met("1", "Completed", owner="Zed Quux")),
    }
    result = same(fill(tmp_path, files))
    assert (result.frames["crm_events"]["kind"] == "meeting").sum() == 1
