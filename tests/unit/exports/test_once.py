"""The same thing once: one deal in two CRMs, one meeting in a CRM and a calendar, one export twice, or half of it."""

from __future__ import annotations

import pytest

from ssi_audit.exports import twice
from ssi_audit.exports.settle import OTHER_STATE
from tests.unit.exports.crm_files import events, rows_of, sheet_text
from tests.unit.exports.folders import reading

SALESFORCE = ("Opportunity Owner", "Account Name", "Opportunity Name", "Stage", "Amount Currency", "Amount",
              "Close Date", "Created Date", "Opportunity ID")  # fmt: skip
HUBSPOT = ("Record ID", "Deal Name", "Deal Stage", "Close Date", "Create Date", "Deal owner", "Amount", "Currency",
           "Associated Company")  # fmt: skip
SALESFORCE_DEAL = {
    "owner": "Ada Berg", "company": "Birch, Ltd.", "title": "Birch - rollout", "stage": "Closed Won", "currency": "EUR",
    "amount": "1200.00", "closed": "2026-03-27", "created": "2026-01-04", "id": "0065g00000Ab001",
}  # fmt: skip
HUBSPOT_DEAL = {
    "id": "901", "title": "BIRCH rollout 2026", "stage": "Closed Won", "closed": "2026-03-27 16:05",
    "created": "2026-01-05 14:02", "owner": "Ada Berg", "amount": "1200.00", "currency": "EUR", "company": "Birch Ltd",
}  # fmt: skip
# Two deals that only Salesforce knows: it tells more, so its copy is kept.
MORE = [
    ("Ada Berg", "Oak", "Oak", "Closed Lost", "EUR", "10.00", "2026-02-20", "2026-02-01", "0065g00000Ab008"),
    ("Ada Berg", "Yew", "Yew", "Closed Lost", "EUR", "11.00", "2026-02-21", "2026-02-02", "0065g00000Ab009"),
]


def both(folder, ours: dict | None = None, theirs: dict | None = None):
    """One deal in Salesforce and one in HubSpot, with some facts as given."""
    files = {
        "salesforce.csv": sheet_text(SALESFORCE, tuple((SALESFORCE_DEAL | (ours or {})).values()), *MORE),
        "hubspot.csv": sheet_text(HUBSPOT, tuple((HUBSPOT_DEAL | (theirs or {})).values())),
    }
    return reading(folder, files)


def won(read) -> list[tuple]:
    """Won deals: person, day, amount, deal."""
    return [row[1:] for row in events(read, "kind", "person", "date", "amount", "deal") if row[0] == "deal_won"]


@pytest.mark.parametrize(
    "theirs",
    [
        {},
        {"created": "2026-01-04 14:02", "company": "", "title": "R-17"},
        {"amount": "", "currency": ""},
        {"stage": "Contract Sent", "created": "2026-01-04 09:00"},
    ],
    ids=["company, end, amount", "both days and amount", "company and end", "still open in one of them"],
)
def test_a_deal_in_two_systems_counts_once(tmp_path, theirs):
    """The seller and enough other facts agree: the better known copy stays, the ledger says where."""
    read = both(tmp_path, theirs=theirs)
    assert won(read) == [("Ada Berg", "2026-03-27", 1200, "0065g00000Ab001")]
    assert rows_of(read, "hubspot.csv") == {twice.SAME_DEAL: 1}
    detail = read.tables.ledger.set_index("reason").loc[twice.SAME_DEAL, "detail"]
    assert detail == "counted in salesforce.csv"


@pytest.mark.parametrize(
    "theirs",
    [
        {"owner": "Eve Holm"},
        {"closed": "2026-03-26 16:05"},
        {"stage": "Closed Lost"},
        {"company": "Fir Oy"},
        {"company": "Fir Oy", "created": "2026-01-04 10:00", "currency": "GBP"},
    ],
    ids=["another seller", "another day", "another end", "another company", "another currency"],
)
def test_deals_that_disagree_stay_two(tmp_path, theirs):
    """Nothing is merged on a guess: another seller, end, company or currency is another deal."""
    read = both(tmp_path, theirs=theirs)
    assert rows_of(read, "hubspot.csv") == {"used": 1}


def test_each_deal_of_a_system_is_merged_once(tmp_path):
    """Two equal deals in one system and one in the other: one pair is the same, the second deal stays."""
    twin = tuple((HUBSPOT_DEAL | {"id": "902"}).values())
    files = {
        "salesforce.csv": sheet_text(SALESFORCE, tuple(SALESFORCE_DEAL.values()), *MORE),
        "hubspot.csv": sheet_text(HUBSPOT, tuple(HUBSPOT_DEAL.values()), twin),
    }
    read = reading(tmp_path, files)
    assert len(won(read)) == 2
    assert rows_of(read, "hubspot.csv") == {twice.SAME_DEAL: 1, "used": 1}


def test_a_deal_in_three_systems_counts_once(tmp_path):
    """Pipedrive tells it too."""
    header = ("Deal - ID", "Deal - Title", "Deal - Owner", "Deal - Value", "Deal - Currency of Value",
              "Deal - Organization", "Deal - Status", "Deal - Deal created", "Deal - Won time")  # fmt: skip
    row = ("41", "Birch", "Ada Berg", "1200", "EUR", "Birch Ltd", "Won", "2026-01-06 10:00:00", "2026-03-27 10:00:00")
    files = {
        "salesforce.csv": sheet_text(SALESFORCE, tuple(SALESFORCE_DEAL.values()), *MORE),
        "hubspot.csv": sheet_text(HUBSPOT, tuple(HUBSPOT_DEAL.values())), "pipedrive.csv": sheet_text(header, row),
    }  # fmt: skip
    read = reading(tmp_path, files)
    assert len(won(read)) == 1
    assert len(events(read)) == 2 + 2 * len(MORE)


def test_ids_that_two_systems_use_for_different_deals_are_told_apart(tmp_path):
    """Deal 41 of one system is not deal 41 of the other: meetings and starts must not mix."""
    pipedrive = ("Deal - ID", "Deal - Title", "Deal - Owner", "Deal - Status", "Deal - Deal created")
    files = {
        "hubspot.csv": sheet_text(HUBSPOT, tuple((HUBSPOT_DEAL | {"id": "41"}).values())),
        "pipedrive.csv": sheet_text(pipedrive, ("41", "Fir", "Eve Holm", "Open", "2026-02-01 10:00:00")),
    }
    assert {row[0] for row in events(reading(tmp_path, files), "deal")} == {"hubspot 41", "pipedrive 41"}


def test_a_meeting_of_a_deal_follows_the_deal_into_the_other_system(tmp_path):
    """The deal is counted under Salesforce's id: the meeting that HubSpot ties to it says that id, too."""
    meetings = sheet_text(
        (
            "Record ID",
            "Meeting name",
            "Meeting start time",
            "Meeting outcome",
            "Activity assigned to",
            "Associated Deal IDs",
        ),
        ("71", "Demo", "2026-02-10 10:00", "Completed", "Ada Berg", "901"),
    )
    files = {
        "salesforce.csv": sheet_text(SALESFORCE, tuple(SALESFORCE_DEAL.values()), *MORE),
        "hubspot.csv": sheet_text(HUBSPOT, tuple(HUBSPOT_DEAL.values())), "meetings.csv": meetings,
    }  # fmt: skip
    read = reading(tmp_path, files)
    assert [row for row in events(read, "kind", "deal") if row[0] == "meeting"] == [("meeting", "0065g00000Ab001")]


# --------------------------------------------------------------------------- meetings


MEETINGS = ("Record ID", "Meeting name", "Meeting start time", "Meeting outcome", "Activity assigned to")
OUTLOOK = ("Subject", "Start Date", "Start Time", "All day event", "Required Attendees")


def two(folder, meetings: list[tuple], calendar: list[tuple], **settings):
    """Meetings of HubSpot and of Ada's calendar."""
    rows = [(str(70 + at), name, start, "Completed", "Ada Berg") for at, (name, start) in enumerate(meetings)]
    entries = [(subject, day, clock, "False", "Bo Lind") for subject, day, clock in calendar]
    files = {"hubspot.csv": sheet_text(MEETINGS, *rows), "Ada Berg.csv": sheet_text(OUTLOOK, *entries)}
    return reading(folder, files, **settings)


def test_a_meeting_in_crm_and_calendar_counts_once_by_its_start(tmp_path):
    """The same start is the same meeting, whatever it is called; what only one of them knows stays."""
    read = two(
        tmp_path,
        [("Discovery", "2026-02-10 10:00"), ("Demo", "2026-02-13 10:00")],
        [("Birch / Ada", "2026-02-10", "10:00:00"), ("Fir / Ada", "2026-02-12", "10:00:00")],
    )
    assert [row[1] for row in events(read)] == ["2026-02-10", "2026-02-12", "2026-02-13"]
    assert rows_of(read, "Ada Berg.csv") == {twice.SAME_MEETING: 1, "used": 1}
    assert rows_of(read, "hubspot.csv") == {"used": 2}


def test_without_a_time_day_and_subject_must_agree(tmp_path):
    """A CRM that knows only the day: the calendar's meeting of that day and subject is the same one."""
    meetings = sheet_text(("Sales Rep", "Meeting Date", "Subject"), ("Ada Berg", "2026-02-10", "Démo - Birch"),
                          ("Ada Berg", "2026-02-11", "Call"))  # fmt: skip
    calendar = sheet_text(OUTLOOK, ("Demo: Birch", "2026-02-10", "10:00:00", "False", "Bo Lind"),
                          ("Lunch", "2026-02-11", "12:00:00", "False", "Bo Lind"))  # fmt: skip
    read = reading(tmp_path, {"visits.csv": meetings, "Ada Berg.csv": calendar})
    assert [row[1] for row in events(read)] == ["2026-02-10", "2026-02-11", "2026-02-11"]
    assert rows_of(read, "Ada Berg.csv") == {twice.SAME_MEETING: 1, "used": 1}


def test_meetings_that_differ_in_start_are_two(tmp_path):
    """Half an hour apart, with the same subject, are two meetings."""
    read = two(tmp_path, [("Demo", "2026-02-10 10:00")], [("Demo", "2026-02-10", "10:30:00")])
    assert len(events(read)) == 2


def test_two_meetings_at_one_start_in_both_are_two(tmp_path):
    """Each copy takes the place of one, not of all."""
    start = ("2026-02-10", "10:00:00")
    read = two(
        tmp_path, [("A", "2026-02-10 10:00"), ("B", "2026-02-10 10:00")], [("A", *start), ("B", *start), ("C", *start)]
    )
    assert len(events(read)) == 3


def test_two_attendees_of_a_meeting_met_both(tmp_path):
    """The same start of another person is another person's meeting."""
    rows = [("70", "Demo", "2026-02-10 10:00", "Completed", "Ada Berg")]
    eve = [("Demo", "2026-02-10", "10:00:00", "False", "Bo Lind")]
    read = reading(tmp_path, {"hubspot.csv": sheet_text(MEETINGS, *rows), "Eve Holm.csv": sheet_text(OUTLOOK, *eve)})
    assert events(read) == [("Ada Berg", "2026-02-10", "meeting"), ("Eve Holm", "2026-02-10", "meeting")]


def test_of_two_copies_the_one_that_knows_the_deal_stays(tmp_path):
    """Of two CRMs the copy that knows the deal stays; a calendar never beats a CRM."""
    header = (*MEETINGS, "Associated Deal IDs")
    hubspot = sheet_text(header, ("71", "Demo", "2026-02-10 10:00", "Completed", "Ada Berg", "901"))
    zoho = sheet_text(("Record Id", "Host", "Title", "From"), ("z1", "Ada Berg", "Demo", "2026-02-10 10:00:00"))
    calendar = sheet_text(OUTLOOK, ("Demo", "2026-02-10", "10:00:00", "False", "Bo Lind"))
    read = reading(tmp_path, {"a.csv": zoho, "b.csv": hubspot, "Ada Berg.csv": calendar})
    assert events(read, "person", "deal") == [("Ada Berg", "901")]
    assert rows_of(read, "a.csv") == {twice.SAME_MEETING: 1}
    assert rows_of(read, "Ada Berg.csv") == {twice.SAME_MEETING: 1}


# --------------------------------------------------------------------------- exports


def test_the_same_export_twice_counts_once(tmp_path):
    """A copy under another name, byte for byte or saved again, adds nothing."""
    text = sheet_text(HUBSPOT, tuple(HUBSPOT_DEAL.values()))
    read = reading(tmp_path, {"a.csv": text, "copy of a.csv": text, "saved again.csv": text.replace('"', "")})
    assert len(events(read)) == 2
    assert rows_of(read, "copy of a.csv") == {"the same file again": 1}


def test_overlapping_exports_tell_each_deal_once(tmp_path):
    """January to March and February to April: the later state of a deal in both counts, the others stay."""
    first = [dict(HUBSPOT_DEAL, id="1"), dict(HUBSPOT_DEAL, id="2", company="Oak", stage="Contract Sent")]
    later = [dict(HUBSPOT_DEAL, id="2", company="Oak"), dict(HUBSPOT_DEAL, id="3", company="Yew")]
    files = {
        f"hubspot-deals-2026-0{month}-30.csv": sheet_text(HUBSPOT, *(tuple(row.values()) for row in rows))
        for month, rows in ((3, first), (4, later))
    }
    read = reading(tmp_path, files)
    assert [row[-1] for row in won_ids(read)] == ["1", "2", "3"]
    assert len(events(read)) == 6
    assert rows_of(read, "hubspot-deals-2026-03-30.csv") == {"used": 1, twice.LATER_EXPORT: 1}


DEALS = ("Deal ID", "Deal Name", "Deal Owner", "Stage", "Created Date", "Close Date", "Amount")
# The second download of the same list, when one of the two deals was won and the other given to somebody else.
BEFORE = [("D1", "Oak", "Ada Berg", "Negotiation", "2025-01-11", "2025-03-11", "1000"),
          ("D2", "Yew", "Ada Berg", "Negotiation", "2025-01-12", "2025-03-12", "2000")]  # fmt: skip
AFTER = [("D1", "Oak", "Ada Berg", "Closed Won", "2025-01-11", "2025-03-11", "1000"),
         ("D2", "Yew", "Bo Lund", "Negotiation", "2025-01-12", "2025-03-12", "2000")]  # fmt: skip


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("deals.csv", "deals (1).csv"),
        ("deals (2).csv", "deals (10).csv"),
        ("b/deals.csv", "a/deals (1).csv"),
        ("export.old/deals.csv", "export (1).old/deals.csv"),
        ("2/deals.csv", "10/deals.csv"),
    ],
)
def test_of_undated_exports_the_name_says_which_is_later(tmp_path, earlier, later):
    """A browser numbers downloads: the copy with the higher number counts, and it is said that only the name told."""
    read = reading(tmp_path, {earlier: sheet_text(DEALS, *BEFORE), later: sheet_text(DEALS, *AFTER)})
    assert won_ids(read) == [("deal_won", "D1")]
    assert ("Bo Lund", "2025-01-12", "opportunity") in events(read)
    assert rows_of(read, earlier) == {twice.LATER_EXPORT: 2}
    own = read.tables.ledger[read.tables.ledger["file"] == earlier]
    assert set(own["detail"]) == {f"counted in {later}; {twice.BY_NAME}"}
    assert [note for note in read.tables.notes if twice.BY_NAME in note and earlier in note and later in note]


def test_copies_that_tell_the_same_need_no_remark(tmp_path):
    """Which copy counts makes no difference, so nothing is said of names."""
    files = {"deals.csv": sheet_text(DEALS, *AFTER), "deals (1).csv": sheet_text(DEALS, *AFTER[::-1])}
    read = reading(tmp_path, files)
    assert len(events(read)) == 3
    assert not [note for note in read.tables.notes if twice.BY_NAME in note]
    assert set(read.tables.ledger["detail"]) == {"", "counted in deals (1).csv"}


def test_deal_numbers_that_begin_again_in_each_file_are_different_deals(tmp_path):
    """January's deal 1 is not February's: nothing but the number agrees, so both count, and a note says so."""
    january = ("1", "Oak", "Ada Berg", "Closed Won", "2025-01-03", "2025-01-23", "100")
    february = ("1", "Yew", "Ada Berg", "Closed Won", "2025-02-03", "2025-02-23", "700")
    files = {"jan.csv": sheet_text(DEALS, january), "feb.csv": sheet_text(DEALS, february)}
    read = reading(tmp_path, files)
    assert [row[1:] for row in won(read)] == [("2025-01-23", 100, "jan.csv 1"), ("2025-02-23", 700, "feb.csv 1")]
    assert rows_of(read, "jan.csv") == rows_of(read, "feb.csv") == {"used": 1}
    assert [note for note in read.tables.notes if note.startswith("feb.csv, jan.csv: 1 deal numbers")]


@pytest.mark.parametrize(
    "later",
    [
        {"Deal Owner": "Bo Lund", "Created Date": "", "Close Date": "2025-03-30", "Amount": "7"},
        {"Deal Name": "Yew", "Deal Owner": "Bo Lund", "Close Date": "2025-03-30", "Amount": "7"},
        {"Deal Name": "Yew", "Deal Owner": "Bo Lund", "Created Date": ""},
        {"Deal Name": "Yew", "Created Date": "", "Amount": "7"},
        {"Deal Name": "", "Created Date": "", "Stage": "Closed Lost", "Close Date": "2025-03-11", "Amount": ""},
    ],
    ids=["title", "created day", "close day and amount", "close day and owner", "another end"],
)
def test_a_deal_that_agrees_in_anything_is_one(tmp_path, later):
    """A deal that got another owner, name, end or amount is told once, by the later export as far as it says."""
    one = dict(zip(DEALS, AFTER[0]))
    files = {"deals.csv": sheet_text(DEALS, tuple(one.values())),
             "deals (1).csv": sheet_text(DEALS, tuple((one | later).values()))}  # fmt: skip
    read = reading(tmp_path, files)
    assert {row[0] for row in events(read, "deal")} == {"D1"}
    assert sorted(row[0] for row in events(read, "kind")) == [f"deal_{_end(later)}", "opportunity"]
    whole = later.get("Created Date", AFTER[0][4])
    assert rows_of(read, "deals.csv") == {twice.LATER_EXPORT if whole else OTHER_STATE: 1}


def _end(deal: dict[str, str]) -> str:
    return "lost" if deal.get("Stage") == "Closed Lost" else "won"


def test_what_tells_nothing_in_common_is_one_deal(tmp_path):
    """Openings in one file and closings in another: the number is all there is to go by."""
    head = ("person", "date", "kind", "amount", "deal")
    files = {
        "crm_events_opened.csv": sheet_text(head, ("Ada Berg", "2025-01-03", "opportunity", "", "1")),
        "crm_events_won.csv": sheet_text(head, ("Bo Lund", "2025-02-03", "deal_won", "7", "1")),
    }
    assert events(reading(tmp_path, files), "kind", "deal") == [("deal_won", "1"), ("opportunity", "1")]


def test_a_deal_whose_close_moved_is_one(tmp_path):
    """Known by number, seller and end alone: another end is a correction, not another deal."""
    head = ("person", "date", "kind", "amount", "deal")
    files = {
        f"crm_events_{month}.csv": sheet_text(head, ("Ada Berg", date, "deal_won", amount, "0065"))
        for month, date, amount in (("jan", "2025-01-30", "5"), ("mar", "2025-02-03", "7"))
    }
    assert events(reading(tmp_path, files), "date", "deal") == [("2025-02-03", "0065")]


def test_a_meeting_goes_with_its_persons_deal_of_that_number(tmp_path):
    """Two sellers count their deals from 1; a list of meetings of both says which seller met."""
    head = ("person", "date", "kind", "amount", "deal")
    files = {
        "crm_events_ada.csv": sheet_text(head, ("Ada Berg", "2025-01-03", "deal_won", "5", "1")),
        "crm_events_bo.csv": sheet_text(head, ("Bo Lund", "2025-02-03", "deal_won", "7", "1")),
        "crm_events_met.csv": sheet_text(head, ("Bo Lund", "2025-01-20", "meeting", "", "1"),
                                         ("Eve Holm", "2025-01-20", "meeting", "", "1")),
    }  # fmt: skip
    assert events(reading(tmp_path, files), "person", "kind", "deal") == [
        ("Ada Berg", "deal_won", "crm_events_ada.csv 1"), ("Bo Lund", "deal_won", "crm_events_bo.csv 1"),
        ("Bo Lund", "meeting", "crm_events_bo.csv 1"), ("Eve Holm", "meeting", "1"),
    ]  # fmt: skip


CONTACTS = ("Record ID", "First Name", "Last Name", "Contact owner", "Lifecycle Stage", "Create Date",
            "Became a Lead Date", "Original Source")  # fmt: skip


def test_the_day_of_an_export_beats_the_order_of_folders(tmp_path):
    """An older export in a folder that comes later does not take a contact back from its new owner."""
    rows = {
        "old/hubspot-crm-exports-all-contacts-2025-02-01.csv": ("Bo Lund", "Direct"),
        "crm/hubspot-crm-exports-all-contacts-2025-04-01.csv": ("Ada Berg", "LinkedIn"),
    }
    files = {
        name: sheet_text(
            CONTACTS, ("1", "X", "Y", owner, "Lead", "2025-01-05 10:00", "2025-01-06 10:00", source)
        )
        for name, (owner, source) in rows.items()
    }  # fmt: skip
    read = reading(tmp_path, files)
    assert events(read, "person", "source") == [("Ada Berg", "LinkedIn")]
    assert not [note for note in read.tables.notes if twice.BY_NAME in note]


def test_the_last_change_of_a_record_beats_the_name_of_its_file(tmp_path):
    """A system that says when a record was changed needs no names."""
    header = (*MEETINGS, "Last modified date")
    moved = ("1", "Demo", "2026-02-12 10:00", "Completed", "Ada Berg", "2026-02-12 11:00")
    before = ("1", "Demo", "2026-02-10 10:00", "Completed", "Ada Berg", "2026-02-01 11:00")
    read = reading(tmp_path, {"a.csv": sheet_text(header, moved), "b.csv": sheet_text(header, before)})
    assert [row[1] for row in events(read)] == ["2026-02-12"]


def won_ids(read) -> list[tuple]:
    """Deals that were won."""
    return sorted(row for row in events(read, "kind", "deal") if row[0] == "deal_won")


def test_lists_without_ids_overlap_where_they_tell_the_same(tmp_path):
    """Two lists of inquiries that agree on most days of both are one list, saved twice as it grew."""
    header = ("Sales Rep", "Inquiry Date", "Lead Source")
    rows = [("Ada Berg", f"2026-02-{day:02d}", "LinkedIn") for day in range(1, 11)]
    files = {"leads a.csv": sheet_text(header, *rows[:8]), "leads b.csv": sheet_text(header, *rows[2:])}
    read = reading(tmp_path, files)
    assert [row[1] for row in events(read)] == [row[1] for row in rows]
    assert rows_of(read, "leads a.csv") == {"used": 2, twice.OTHER_LIST: 6}


def test_lists_without_ids_that_agree_by_chance_stay_two(tmp_path):
    """Two teams' lists with a day or two in common are two lists."""
    header = ("Sales Rep", "Inquiry Date", "Lead Source")
    one = [("Ada Berg", f"2026-02-{day:02d}", "LinkedIn") for day in range(1, 11)]
    other = [("Ada Berg", f"2026-02-{day:02d}", "Web") for day in range(1, 10)] + [one[-1]]
    read = reading(tmp_path, {"leads a.csv": sheet_text(header, *one), "leads b.csv": sheet_text(header, *other)})
    assert len(events(read)) == 20


def test_a_meeting_behind_everything_these_files_know_is_planned(tmp_path):
    """A booking tool dates ahead: what lies behind the last day that anything else tells of has not happened."""
    meetings = sheet_text(("Sales Rep", "Meeting Date", "Client"), ("Ada Berg", "2026-02-10", "A"),
                          ("Ada Berg", "2026-06-10", "A"))  # fmt: skip
    leads = sheet_text(("Sales Rep", "Inquiry Date", "Lead Source"), ("Ada Berg", "2026-03-01", "Web"))
    read = reading(tmp_path, {"meetings.csv": meetings, "leads.csv": leads})
    assert [row[1] for row in events(read)] == ["2026-02-10", "2026-03-01"]
    assert rows_of(read, "meetings.csv") == {"used": 1, twice.PLANNED: 1}


def test_what_a_crm_says_was_held_is_not_planned(tmp_path):
    """An outcome that says so is knowledge of its day, also where nothing else tells of a later one."""
    rows = [
        ("1", "Demo", "2026-06-10 10:00", "Completed", "Ada Berg"),
        ("2", "Demo", "2026-06-11 10:00", "", "Ada Berg"),
    ]
    leads = sheet_text(("Sales Rep", "Inquiry Date", "Lead Source"), ("Ada Berg", "2026-03-01", "Web"))
    read = reading(tmp_path, {"meetings.csv": sheet_text(MEETINGS, *rows), "leads.csv": leads})
    assert rows_of(read, "meetings.csv") == {"used": 1, twice.PLANNED: 1}


def test_nothing_is_no_problem(tmp_path):
    """Exports of deals without a row, alone or beside others, give nothing and complain of nothing."""
    assert events(reading(tmp_path / "1", {"a.csv": sheet_text(HUBSPOT)})) == []
    files = {"a.csv": sheet_text(HUBSPOT), "b.csv": sheet_text(SALESFORCE, tuple(SALESFORCE_DEAL.values()))}
    assert len(events(reading(tmp_path / "2", files))) == 2


VISITS = ("Visit ID", "Sales Rep", "Visit Date", "Subject")
LEADS = ("Lead ID", "Lead Owner", "Lead Date", "Company", "Lead Source")


def visits(month: int, *subjects: str, moved: int = 0) -> str:
    """Ada's visits of a month, numbered from 1."""
    rows = [
        (str(at), "Ada Berg", f"2025-{month:02d}-{at + 2 + moved:02d}", said) for at, said in enumerate(subjects, 1)
    ]
    return sheet_text(VISITS, *rows)


def test_meeting_numbers_that_begin_again_in_each_file_are_different_meetings(tmp_path):
    """January's visit 1 is not February's; without a subject the day alone tells, and a note says so."""
    files = {"jan.csv": visits(1, "Oak", "Yew", ""), "feb.csv": visits(2, "Elm", "Fir", "", "Ash")}
    read = reading(tmp_path, files)
    assert [row[1] for row in events(read)] == [
        "2025-01-03", "2025-01-04", "2025-01-05", "2025-02-03", "2025-02-04", "2025-02-05", "2025-02-06",
    ]  # fmt: skip
    assert rows_of(read, "jan.csv") == {"used": 3}
    assert [note for note in read.tables.notes if note.startswith("feb.csv, jan.csv: 3 numbers of inquiries or")]


def test_a_meeting_that_moved_or_was_renamed_is_one(tmp_path):
    """Its subject, or its day, is that of the earlier export; the later export says when it was."""
    files = {"v.csv": visits(1, "Oak", "Yew"), "v (1).csv": visits(1, "Oak", "Yew", "Fir", moved=7)}
    assert [row[1] for row in events(reading(tmp_path / "1", files))] == ["2025-01-10", "2025-01-11", "2025-01-12"]
    files = {"v.csv": visits(1, "Oak", "Yew"), "v (1).csv": visits(1, "Elm", "Fir")}
    assert len(events(reading(tmp_path / "2", files))) == 2


def test_words_that_come_back_do_not_make_lists_one(tmp_path):
    """Two months of demos, each counted from 1, and two of deals with the same customers: hardly a day is the same."""
    files = {"jan.csv": visits(1, *["Demo"] * 4), "feb.csv": visits(2, *["Demo"] * 3)}
    assert len(events(reading(tmp_path / "1", files))) == 7
    names = ("Oak", "Yew", "Elm", "Fir")
    rows = {
        month: [(str(at), name, "Ada Berg", "Closed Won", f"2025-{month}-{at + 2:02d}", f"2025-{month}-23", "100")
                for at, name in enumerate(names, 1)]
        for month in ("01", "02")
    }  # fmt: skip
    files = {f"{month}.csv": sheet_text(DEALS, *own) for month, own in rows.items()}
    assert len(won(reading(tmp_path / "2", files))) == 8


def test_meetings_moved_from_one_months_list_to_the_next_are_one(tmp_path):
    """Two monthly exports of a system share what was moved, and nothing else: those days differ, the lists go on."""
    rows = {f"v {m}.csv": [(str(at), "Ada Berg", f"2025-0{m}-{at % 20 + 3:02d}", "Demo") for at in range(first, last)]
            for m, first, last in ((1, 1, 20), (2, 16, 40))}  # fmt: skip
    read = reading(tmp_path, {name: sheet_text(VISITS, *own) for name, own in rows.items()})
    assert len(events(read)) == 39


def test_a_system_does_not_give_its_long_numbers_twice(tmp_path):
    """Another day and subject under a number of ten digits: the meeting was changed."""
    one, other = (("7033412345", *met, "Completed", "Ada Berg") for met in
                  (("Demo", "2026-02-10 10:00"), ("Offer", "2026-02-12 10:00")))  # fmt: skip
    read = reading(tmp_path, {"m.csv": sheet_text(MEETINGS, one), "m (1).csv": sheet_text(MEETINGS, other)})
    assert [row[1] for row in events(read)] == ["2026-02-12"]


def test_inquiry_numbers_that_begin_again_in_each_file_are_different_inquiries(tmp_path):
    """Lead 1 of two lists; the case of each keeps its own name, so that no meeting is tied to the wrong one."""
    files = {
        "jan.csv": sheet_text(LEADS, ("1", "Ada Berg", "2025-01-03", "Oak", "Web"),
                              ("2", "Ada Berg", "2025-01-04", "Yew", "Web")),
        "feb.csv": sheet_text(LEADS, ("1", "Ada Berg", "2025-02-03", "Elm", "LinkedIn"),
                              ("2", "Bo Lund", "2025-01-04", "Yew", "Web")),
    }  # fmt: skip
    read = reading(tmp_path, files)
    assert events(read, "date", "person", "deal") == [
        ("2025-01-03", "Ada Berg", "jan.csv 1"),
        ("2025-01-04", "Ada Berg", "2"),
        ("2025-02-03", "Ada Berg", "feb.csv 1"),
    ]
