"""Salesforce data exports: objects joined by their ids, deleted rows and technical users left out, cases tied."""

from __future__ import annotations

import pytest

from ssi_audit.exports import crm
from ssi_audit.exports import salesforce_objects as objects
from ssi_audit.people import NO_OWNER, TECHNICAL, UNKNOWN_ID
from tests.unit.exports.crm_files import events, lines_of, rows_in_ledger, rows_of, sheet_text
from tests.unit.exports.folders import complaint, fates, reading

ADA, EVE, BOT, QUEUE = "0055g00000AdaBeAAG", "0055g00000EveHoAAG", "0055g00000AutoPAAX", "00G5g00000Queu1EAA"
DEAL, OTHER_DEAL, NOTHING = "0065g00000Ab001AAC", "0065g00000Ab002AAC", "000000000000000AAA"
LEAD, OTHER_LEAD, CONTACT = "00Q5g00000Le001EAC", "00Q5g00000Le002EAC", "0035g00000Co001AAC"

USERS = sheet_text(
    ("Id", "Username", "FirstName", "LastName", "Email", "IsActive", "UserType"),
    (ADA, "ada", "Ada", "Berg", "ada@birch.example", "1", "Standard"),
    (EVE, "eve", "Eve", "Holm", "eve@birch.example", "0", "Standard"),
    (BOT, "bot", "Automated", "Process", "", "1", "AutomatedProcess"),
)
OPPORTUNITY = ("Id", "IsDeleted", "AccountId", "Name", "StageName", "Amount", "Probability", "CloseDate", "LeadSource",
               "IsClosed", "IsWon", "CurrencyIsoCode", "OwnerId", "CreatedDate", "LastModifiedDate")  # fmt: skip
EVENT = ("Id", "WhoId", "WhatId", "Subject", "IsAllDayEvent", "ActivityDateTime", "ActivityDate", "OwnerId", "Type",
         "IsDeleted", "IsChild", "IsRecurrence", "IsPrivate", "CreatedDate", "LastModifiedDate")  # fmt: skip
LEADS = ("Id", "IsDeleted", "Company", "LeadSource", "OwnerId", "IsConverted", "ConvertedOpportunityId",
         "ConvertedContactId", "CreatedDate", "LastModifiedDate")  # fmt: skip


def opportunity(**other: str) -> tuple:
    """A won deal of Ada's, with some fields as given."""
    usual = dict(zip(OPPORTUNITY, (
        DEAL, "0", "", "Birch rollout", "Closed Won", "1200", "100", "2026-03-27 00:00:00", "LinkedIn", "1", "1", "EUR",
        ADA, "2026-01-04 14:02:11", "2026-03-27 09:00:00",
    )))  # fmt: skip
    return tuple((usual | other).values())


def event(**other: str) -> tuple:
    """A meeting of Ada's about the deal, with some fields as given."""
    usual = dict(zip(EVENT, (
        "00U5g00000Ev001EAC", CONTACT, DEAL, "Discovery call", "0", "2026-02-10 10:00:00", "2026-02-10 00:00:00", ADA,
        "Meeting", "0", "0", "0", "0", "2026-02-06 12:00:00", "2026-03-20 12:00:00",
    )))  # fmt: skip
    return tuple((usual | other).values())


def lead(**other: str) -> tuple:
    """A lead of Ada's that became nothing yet, with some fields as given."""
    usual = dict(zip(LEADS, (
        LEAD, "0", "Birch Ltd", "LinkedIn", ADA, "0", NOTHING, NOTHING, "2026-01-02 16:44:00", "2026-03-20 12:00:00",
    )))  # fmt: skip
    return tuple((usual | other).values())


def opportunities(*rows: tuple) -> str:
    return sheet_text(OPPORTUNITY, *rows)


def calendar(*rows: tuple) -> str:
    return sheet_text(EVENT, *rows)


def test_owners_are_joined_from_the_users(tmp_path):
    """Deals name their owner by an id of 18 characters; the users say who that is and are no rows of a table."""
    text = opportunities(
        opportunity(),
        opportunity(Id=OTHER_DEAL, OwnerId=EVE[:15], IsClosed="0", IsWon="0", StageName="Prospecting"),
    )
    read = reading(tmp_path, {"sf/Opportunity.csv": text, "sf/User.csv": USERS})
    assert events(read, "person", "date", "kind", "amount", "currency", "source", "deal") == [
        ("Ada Berg", "2026-01-04", "opportunity", 1200, "EUR", "LinkedIn", DEAL[:15]),
        ("Ada Berg", "2026-03-27", "deal_won", 1200, "EUR", "LinkedIn", DEAL[:15]),
        ("Eve Holm", "2026-01-04", "opportunity", 1200, "EUR", "LinkedIn", OTHER_DEAL[:15]),
    ]
    assert fates(read, "sf/User.csv") == [(2, 4, "skipped", objects.OWNER_LIST)]
    assert sorted(read.tables.people["email"]) == ["ada@birch.example", "eve@birch.example"]


def test_what_is_gone_or_nobodys_is_left_out_with_its_reason(tmp_path):
    """Deleted rows, queues, technical users and empty references: each row is in the ledger once."""
    text = opportunities(
        opportunity(), opportunity(Id="0065g00000Ab003AAC", IsDeleted="1"),
        opportunity(Id="0065g00000Ab004AAC", OwnerId=QUEUE), opportunity(Id="0065g00000Ab005AAC", OwnerId=BOT),
        opportunity(Id="0065g00000Ab006AAC", OwnerId=NOTHING), opportunity(Id="0065g00000Ab007AAC", OwnerId=""),
    )  # fmt: skip
    read = reading(tmp_path, {"Opportunity.csv": text, "User.csv": USERS})
    assert rows_of(read, "Opportunity.csv") == {
        "used": 1, crm.DELETED: 1, objects.QUEUE_OWNED: 1, TECHNICAL: 1, NO_OWNER: 2,
    }  # fmt: skip
    assert rows_in_ledger(read, "Opportunity.csv") == lines_of(text)


def test_owners_that_no_user_names_need_people_csv(tmp_path):
    """Without the object User only ids are known: unmatched, until people.csv holds them."""
    files = {"Opportunity.csv": opportunities(opportunity())}
    read = reading(tmp_path / "1", files)
    assert rows_of(read, "Opportunity.csv") == {UNKNOWN_ID: 1}
    assert len(read.unmatched["crm_events"]) == 2
    people = f"person,salesforce_user_id\nAda Berg,{ADA[:15]}\n"
    assert len(events(reading(tmp_path / "2", files | {"people.csv": people}))) == 2


def test_a_lone_object_says_who_its_users_are_not(tmp_path):
    """A user list alone holds no events: it is not taken for an export, and nothing is invented from it."""
    read = reading(tmp_path, {"User.csv": USERS})
    assert len(read.tables.people) == 0
    assert rows_in_ledger(read, "User.csv") == [2, 3, 4]


@pytest.mark.parametrize(
    ("flags", "stamp"),
    [
        (("true", "false"), "2026-01-04T14:02:11.000Z"),
        (("TRUE", "FALSE"), "2026-01-04T14:02:11.000+0000"),
    ],
)
def test_data_loader_writes_flags_and_times_in_its_own_way(tmp_path, flags, stamp):
    """True and false for 1 and 0, times with their zone, close dates as bare days."""
    yes, no = flags
    rows = [
        opportunity(IsDeleted=no, IsClosed=yes, IsWon=yes, CreatedDate=stamp, CloseDate="2026-03-27"),
        opportunity(Id=OTHER_DEAL, IsDeleted=yes, IsClosed=yes, IsWon=yes, CreatedDate=stamp),
    ]
    read = reading(tmp_path, {"extract.csv": opportunities(*rows), "User.csv": USERS})
    assert events(read) == [("Ada Berg", "2026-01-04", "opportunity"), ("Ada Berg", "2026-03-27", "deal_won")]
    assert rows_of(read, "extract.csv") == {"used": 1, crm.DELETED: 1}


def test_times_are_utc_and_a_close_date_has_no_zone(tmp_path):
    """Created late in the evening is the next day in Helsinki; the midnight of a close date is only pretended."""
    files = {
        "Opportunity.csv": opportunities(opportunity(CreatedDate="2026-01-04 23:30:00")),
        "Event.csv": calendar(event(ActivityDateTime="2026-02-10 22:30:00")),
        "User.csv": USERS,
    }
    read = reading(tmp_path, files, timezone="Europe/Helsinki")
    assert [row[1:] for row in events(read)] == [
        ("2026-01-05", "opportunity"), ("2026-02-11", "meeting"), ("2026-03-27", "deal_won"),
    ]  # fmt: skip


def test_the_systems_own_encoding_is_iso_8859_1(tmp_path):
    """What is not UTF-8 is ISO-8859-1 without a question, whatever its bytes could mean in Warsaw."""
    users = USERS.replace('"Ada"', '"Åsa"').replace('"Berg"', '"Müller"')
    files = {"Opportunity.csv": opportunities(opportunity(Name="Größe")).encode("iso-8859-1")}
    read = reading(tmp_path / "1", files | {"User.csv": users.encode("iso-8859-1")})
    assert {row[0] for row in events(read)} == {"Åsa Müller"}
    polish = USERS.replace('"Ada"', '"Łucja"').encode("cp1250")
    read = reading(tmp_path / "2", files | {"User.csv": polish}, encoding={"User.csv": "cp1250"})
    assert {row[0] for row in events(read)} == {"Łucja Berg"}


def test_flags_decide_before_the_name_of_a_stage(tmp_path):
    """IsClosed and IsWon are the system's own answer; the stage may be called anything."""
    rows = [
        opportunity(StageName="Lost cause"),
        opportunity(Id=OTHER_DEAL, StageName="Won over", IsWon="0"),
        opportunity(Id="0065g00000Ab003AAC", StageName="Signed?", IsClosed="0", IsWon="0"),
    ]
    read = reading(tmp_path, {"Opportunity.csv": opportunities(*rows), "User.csv": USERS})
    assert [row[1] for row in events(read, "date", "kind")] == ["opportunity"] * 3 + ["deal_lost", "deal_won"]


def test_a_zip_of_objects_is_one_export(tmp_path):
    """Objects in several folders of one export still know each other."""
    files = {"export/a/Opportunity.csv": opportunities(opportunity()), "export/b/User.csv": USERS}
    assert {row[0] for row in events(reading(tmp_path, files))} == {"Ada Berg"}


# --------------------------------------------------------------------------- events


def test_two_attendees_of_a_meeting_both_met(tmp_path):
    """The copy of another attendee is a meeting of that person; a second copy of the same person is none."""
    text = calendar(
        event(), event(Id="00U5g00000Ev002EAC", OwnerId=EVE, IsChild="1"),
        event(Id="00U5g00000Ev003EAC", IsChild="1"),
    )  # fmt: skip
    read = reading(tmp_path, {"Event.csv": text, "User.csv": USERS})
    assert events(read, "person", "date", "deal") == [
        ("Ada Berg", "2026-02-10", DEAL[:15]), ("Eve Holm", "2026-02-10", DEAL[:15]),
    ]  # fmt: skip
    assert rows_of(read, "Event.csv") == {"used": 2, objects.OTHER_ATTENDEE: 1}


def test_what_of_a_calendar_is_no_meeting(tmp_path):
    """Deleted, private, cancelled, undated, a mail, a pattern, behind the last change, or called so by the user."""
    cases = [
        ({"IsDeleted": "1"}, crm.DELETED),
        ({"IsRecurrence": "1"}, objects.SERIES),
        ({"IsPrivate": "1"}, objects.PRIVATE),
        ({"WhoId": "", "WhatId": ""}, objects.PRIVATE),
        ({"WhoId": NOTHING, "WhatId": NOTHING}, objects.PRIVATE),
        ({"Type": "Email"}, objects.IS_TASK),
        ({"Subject": "Canceled: Discovery call"}, crm.NOT_HELD),
        ({"Subject": "Abgesagt: Termin"}, crm.NOT_HELD),
        ({"ActivityDateTime": "", "ActivityDate": ""}, crm.NO_DATE),
        ({"ActivityDateTime": "2026-03-21 10:00:00"}, crm.PLANNED),
        ({"OwnerId": QUEUE}, objects.QUEUE_OWNED),
        ({"Subject": "Team lunch"}, crm.NOT_MEETING),
    ]
    rows = [event(Id=f"00U5g00000Ev{at:03d}EAC", **fields) for at, (fields, _) in enumerate(cases, start=100)]
    read = reading(tmp_path, {"Event.csv": calendar(event(), *rows), "User.csv": USERS}, not_meeting_words=("lunch",))
    assert len(events(read)) == 1
    told = {row: why for first, last, _, why in fates(read, "Event.csv") for row in range(first, last + 1)}
    assert told == {2: ""} | {row: reason for row, (_, reason) in enumerate(cases, start=3)}


def test_an_event_of_a_whole_day_has_a_day_and_no_time(tmp_path):
    """The day is ActivityDate, not the midnight of ActivityDateTime moved to another zone."""
    row = event(IsAllDayEvent="1", ActivityDateTime="2026-02-10 23:00:00", ActivityDate="2026-02-11 00:00:00")
    read = reading(tmp_path, {"Event.csv": calendar(row), "User.csv": USERS}, timezone="Europe/Helsinki")
    assert [row[1] for row in events(read)] == ["2026-02-11"]


def test_a_case_runs_from_the_lead_over_the_meeting_to_the_deal(tmp_path):
    """A meeting with the contact that a lead became belongs to the lead's deal; what came before says when it began."""
    files = {
        "Lead.csv": sheet_text(LEADS, lead(IsConverted="1", ConvertedOpportunityId=DEAL, ConvertedContactId=CONTACT)),
        "Event.csv": calendar(event(WhatId="")),
        "Opportunity.csv": opportunities(opportunity()),
        "User.csv": USERS,
    }
    read = reading(tmp_path, files)
    assert events(read, "date", "kind", "deal", "started") == [
        ("2026-01-02", "inquiry", DEAL[:15], None), ("2026-01-04", "opportunity", DEAL[:15], None),
        ("2026-02-10", "meeting", DEAL[:15], "2026-01-02"), ("2026-03-27", "deal_won", DEAL[:15], "2026-02-10"),
    ]  # fmt: skip


def test_a_contact_of_one_deal_only_ties_a_meeting_to_it(tmp_path):
    """Roles of contacts lead from a meeting to the deal, but not where the contact has two."""
    roles = ("Id", "OpportunityId", "ContactId", "Role", "IsDeleted")
    one = sheet_text(roles, ("00K1", DEAL, CONTACT, "Decision maker", "0"), ("00K2", OTHER_DEAL, CONTACT, "", "1"))
    two = sheet_text(roles, ("00K1", DEAL, CONTACT, "Decision maker", "0"), ("00K2", OTHER_DEAL, CONTACT, "", "0"))
    for name, text, deal in (("one", one, DEAL[:15]), ("two", two, None)):
        files = {"Event.csv": calendar(event(WhatId="")), "OpportunityContactRole.csv": text, "User.csv": USERS}
        read = reading(tmp_path / name, files)
        assert [row[-1] for row in events(read, "date", "deal")] == [deal]
        assert sum(rows_of(read, "OpportunityContactRole.csv").values()) == 2


def test_a_lead_that_became_nothing_is_a_case_of_its_own(tmp_path):
    """Its inquiry and the meeting about it share the lead's id; leads without a day or an owner are told."""
    rows = [
        lead(), lead(Id=OTHER_LEAD, CreatedDate=""), lead(Id="00Q5g00000Le003EAC", OwnerId=QUEUE),
        lead(Id="00Q5g00000Le004EAC", IsDeleted="1"),
    ]  # fmt: skip
    files = {
        "Lead.csv": sheet_text(LEADS, *rows), "Event.csv": calendar(event(WhatId="", WhoId=LEAD)), "User.csv": USERS,
    }  # fmt: skip
    read = reading(tmp_path, files)
    assert events(read, "kind", "deal", "started") == [
        ("inquiry", LEAD[:15], None), ("meeting", LEAD[:15], "2026-01-02"),
    ]  # fmt: skip
    assert rows_of(read, "Lead.csv") == {"used": 1, crm.NO_DATE: 1, objects.QUEUE_OWNED: 1, crm.DELETED: 1}


# --------------------------------------------------------------------------- the other objects


def test_a_history_tells_no_deal_again(tmp_path):
    """Every change of a stage has a row in OpportunityHistory; the deal itself counts, once."""
    history = sheet_text(
        ("Id", "OpportunityId", "CreatedDate", "StageName", "Amount", "CloseDate", "FromOpportunityStageName"),
        ("0081", DEAL, "2026-01-04 14:02:11", "Prospecting", "1000", "2026-04-30", ""),
        ("0082", DEAL, "2026-03-27 09:00:00", "Closed Won", "1200", "2026-03-27", "Prospecting"),
    )
    files = {"Opportunity.csv": opportunities(opportunity()), "OpportunityHistory.csv": history, "User.csv": USERS}
    read = reading(tmp_path, files)
    assert len(events(read)) == 2
    assert rows_of(read, "OpportunityHistory.csv") == {objects.HISTORY: 2}


def test_accounts_say_whom_a_deal_is_with(tmp_path):
    """Accounts are no rows of a table; another system's deal with the same company is the same deal."""
    accounts = sheet_text(("Id", "Name", "OwnerId", "Industry"), ("0015g00000Ac001AAB", "Birch Ltd", ADA, "Wood"))
    deals = sheet_text(
        (
            "Record ID",
            "Deal Name",
            "Deal Stage",
            "Close Date",
            "Create Date",
            "Deal owner",
            "Amount",
            "Associated Company",
        ),
        ("9001", "Rollout", "Closed Won", "2026-03-27 16:05", "2026-01-06 14:02", "Ada Berg", "1200.00", "Birch, Ltd."),
    )
    ours = opportunities(
        opportunity(AccountId="0015g00000Ac001AAB"),
        opportunity(Id=OTHER_DEAL, AccountId="0015g00000Ac009AAB", Name="Elm pilot", CloseDate="2026-03-20 00:00:00"),
    )
    files = {"Opportunity.csv": ours, "Account.csv": accounts, "User.csv": USERS, "hubspot.csv": deals}
    read = reading(tmp_path, files)
    assert [row[2] for row in events(read)] == ["opportunity"] * 2 + ["deal_won"] * 2
    assert rows_of(read, "Account.csv") == {objects.NO_EVENTS: 1}
    assert rows_of(read, "hubspot.csv") == {"the same deal in another system": 1}


def test_tasks_count_where_the_user_calls_them_meetings(tmp_path):
    """What holds a word of the user's, was completed and is about somebody is a meeting, on the day it was due."""
    header = ("Id", "WhoId", "WhatId", "Subject", "ActivityDate", "Status", "OwnerId", "Type", "IsClosed", "IsDeleted",
              "CreatedDate", "CompletedDateTime", "LastModifiedDate")  # fmt: skip
    changed = ("2026-02-01 08:00:00", "2026-02-11 15:30:00", "2026-03-20 08:00:00")
    rows = [
        ("00T1", CONTACT, DEAL, "Site visit", "2026-02-11", "Completed", ADA, "Other", "1", "0", *changed),
        ("00T2", CONTACT, DEAL, "Site visit", "", "Completed", EVE, "Other", "", "0", *changed),
        ("00T3", CONTACT, DEAL, "Site visit", "2026-02-11", "Open", ADA, "Other", "0", "0", *changed),
        ("00T4", CONTACT, DEAL, "Call", "2026-02-11", "Completed", ADA, "Call", "1", "0", *changed),
        ("00T5", "", "", "Site visit", "2026-02-11", "Completed", ADA, "Other", "1", "0", *changed),
    ]
    files = {"Opportunity.csv": opportunities(opportunity()), "Task.csv": sheet_text(header, *rows), "User.csv": USERS}
    read = reading(tmp_path / "1", files, meeting_words=("visit",))
    assert [row for row in events(read) if row[2] == "meeting"] == [
        ("Ada Berg", "2026-02-11", "meeting"), ("Eve Holm", "2026-02-11", "meeting"),
    ]  # fmt: skip
    assert rows_of(read, "Task.csv") == {"used": 2, objects.IS_TASK: 2, objects.PRIVATE: 1}
    assert rows_of(reading(tmp_path / "2", files), "Task.csv") == {objects.IS_TASK: 5}


QUOTAS = ("Id", "QuotaOwnerId", "StartDate", "QuotaAmount", "CurrencyIsoCode", "IsDeleted")


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        (("2026-01-01", "2026-02-01", "2026-03-01"), ["2026-01-31", "2026-02-28", "2026-03-31"]),
        (("2025-10-01", "2026-01-01", "2026-04-01"), ["2025-12-31", "2026-03-31", "2026-06-30"]),
        (("2024-01-01", "2025-01-01", "2026-01-01"), ["2024-12-31", "2025-12-31", "2026-12-31"]),
    ],
)
def test_a_quota_lasts_until_the_next_begins(tmp_path, starts, ends):
    """Forecasting quotas have a first day only: months, quarters and years are told by their distance."""
    rows = [(f"0J{at}", ADA, day, "5000", "EUR", "0") for at, day in enumerate(starts)]
    files = {"Quota.csv": sheet_text(QUOTAS, *rows), "Opportunity.csv": opportunities(opportunity()), "User.csv": USERS}
    quotas = reading(tmp_path, files).tables.quotas
    assert quotas["period_end"].dt.strftime("%Y-%m-%d").tolist() == ends
    assert set(zip(quotas["quota"], quotas["currency"])) == {(5000, "EUR")}


def test_a_quota_of_no_known_length_is_told(tmp_path):
    """One first day, or an odd distance, says nothing of a period; a blank amount is no quota of 0."""
    rows = [("0J1", ADA, "2026-01-01", "5000", "EUR", "0")]
    files = {"Quota.csv": sheet_text(QUOTAS, *rows), "Opportunity.csv": opportunities(opportunity()), "User.csv": USERS}
    read = reading(tmp_path / "1", files)
    assert rows_of(read, "Quota.csv") == {objects.NO_PERIOD: 1}
    assert len(read.tables.quotas) == 0
    rows = [("0J1", ADA, "2026-01-01", "", "EUR", "0"), ("0J2", ADA, "2026-02-01", "5000", "EUR", "0")]
    read = reading(tmp_path / "2", files | {"Quota.csv": sheet_text(QUOTAS, *rows)})
    assert rows_of(read, "Quota.csv") == {"no quota in this row": 1, "used": 1}


def test_objects_without_events_are_set_aside(tmp_path):
    """An object that nothing is taken from is named, its rows counted; alone it is no export."""
    campaign = sheet_text(("Id", "Name", "IsDeleted", "CreatedDate"), ("7011", "Spring", "0", "2026-01-01 00:00:00"))
    files = {"Campaign.csv": campaign, "Opportunity.csv": opportunities(opportunity()), "User.csv": USERS}
    assert rows_of(reading(tmp_path / "1", files), "Campaign.csv") == {objects.NO_EVENTS: 1}
    assert rows_in_ledger(reading(tmp_path / "2", {"Campaign.csv": campaign}), "Campaign.csv") in ([1], [2])


def test_one_broken_object_does_not_hide_the_others(tmp_path):
    """A cell that is no date and a line with too few fields, in two objects, are named together."""
    text = complaint(
        tmp_path,
        {
            "Opportunity.csv": opportunities(opportunity(CloseDate="soon")),
            "Event.csv": calendar(event()) + '"00U1","x"\n', "User.csv": USERS,
        },
    )  # fmt: skip
    assert 'row 2, "CloseDate" = soon is not a date that can be right' in text
    assert "Event.csv" in text
    assert "row 3 has 2 fields, the header has 15" in text


def test_an_object_that_cannot_be_cut_is_named(tmp_path):
    """A quotation mark that is never closed is a problem of its file only."""
    broken = calendar(event()) + '"00U1","never closed\n'
    text = complaint(
        tmp_path, {"Event.csv": broken, "Opportunity.csv": opportunities(opportunity()), "User.csv": USERS}
    )
    assert "Event.csv: 1 problem" in text
    assert "quotation mark" in text


def test_utf_16_and_semicolons_are_told_by_the_header(tmp_path):
    """An object that went through a spreadsheet program is still the object."""
    text = sheet_text(OPPORTUNITY, opportunity(), delimiter=";")
    read = reading(tmp_path, {"Opportunity.csv": text.encode("utf-16"), "User.csv": USERS.encode("utf-8-sig")})
    assert [row[0] for row in events(read)] == ["Ada Berg", "Ada Berg"]
