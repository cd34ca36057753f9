"""Tools that act for a member: recognised by what their tables hold, told aloud, nothing planned or failed."""

from __future__ import annotations

import pytest

from ssi_audit.exports.action_words import metric_of
from ssi_audit.exports.automation import FAILED, KIND, SAME_ROW, UNKNOWN_ACTION

from .folders import SHARED, fates, named, needs_shared, reading

BO, CY, DI = (f"https://www.linkedin.com/in/{name}-example" for name in ("bo", "cy", "di"))
LOG = "Ada Berg.csv"


def rows_of(read) -> list[tuple]:
    """Day, metric, count."""
    return [row[1:4] for row in named(read, "activity")]


@pytest.mark.parametrize(
    ("words", "metric"),
    [
        ("Profile Visited", "profile_views"),
        ("VISIT", "profile_views"),
        ("connection_request_sent", "invitations_sent"),
        ("Connect with message", "invitations_sent"),
        ("connectionRequestDate", "invitations_sent"),
        ("invited_date", "invitations_sent"),
        ("connectedAt", "connections_added"),
        ("Invitation accepted", "connections_added"),
        ("Message sent", "messages_sent"),
        ("Follow-up message", "messages_sent"),
        ("Follow profile", "follows"),
        ("InMail sent", "inmails_sent"),
        ("replied_message_1_send_at", "messages_received"),
        ("Invitation received", "invitations_received"),
        ("Liked a post", "reactions"),
        ("Post comment", "comments"),
        ("Wysłano zaproszenie", "invitations_sent"),
        ("Invitation withdrawn", ""),
        ("Email sent", ""),
        ("Endorsed skills", ""),
        ("Invite to event", ""),
        ("Unfollowed", ""),
        ("Moved to list", None),
    ],
)
def test_words_of_actions(words, metric):
    """A reply is received, an accepted invitation is a connection, a withdrawn one is nothing."""
    assert metric_of(words) == metric


def test_a_log_of_actions_counts_each_one(tmp_path):
    """A day, an action, a profile: one action a row; the note says what was read as what."""
    text = (
        "Timestamp,Action,Profile URL,Status\n"
        f"2026-02-23 08:00:00,Visited,{BO},success\n2026-02-23 08:01:00,Invited,{BO},success\n"
        f"2026-02-23 08:02:00,Visited,{CY},success\n2026-02-24 08:02:00,Message sent,{CY},done\n"
        f"2026-02-24 09:00:00,Tagged,{CY},success\n"
    )
    read = reading(tmp_path, {LOG: text})
    assert rows_of(read) == [
        ("2026-02-23", "invitations_sent", 1),
        ("2026-02-23", "profile_views", 2),
        ("2026-02-24", "messages_sent", 1),
    ]
    (note,) = [note for note in read.tables.notes if "actions of an automation tool" in note]
    assert '"Invited" = invitations_sent (1)' in note and '"Visited" = profile_views (2)' in note
    assert fates(read, LOG)[-1] == (6, 6, "skipped", UNKNOWN_ACTION)
    assert any("1 kinds of action (1 rows)" in note for note in read.tables.notes)


def test_what_failed_was_planned_or_written_twice_is_no_action(tmp_path):
    """Only what a tool did counts."""
    text = (
        "date;action;profile link;result;error message\n"
        f"2026-02-23 08:00;Connect;{BO};OK;\n2026-02-23 08:01;Connect;{CY};Failed;\n"
        f"2026-02-23 08:02;Connect;{DI};OK;weekly limit\n2026-02-25 08:02;Connect;{DI};Scheduled;\n"
        f"2026-02-23 08:00;Connect;{BO};OK;\n"
    )
    read = reading(tmp_path, {LOG: text})
    assert rows_of(read) == [("2026-02-23", "invitations_sent", 1)]
    assert fates(read, LOG) == [(2, 2, "used", ""), (3, 5, "skipped", FAILED), (6, 6, "skipped", SAME_ROW)]


def test_prospects_of_linked_helper_have_days_of_several_actions(tmp_path):
    """The ISO twin of a column counts once, the last message not beside the numbered ones, texts never."""
    header = (
        "lh_id,profile_url,full_name,connected_at,connected_at_iso,invited_date,invited_date_iso,message_1_text,"
        "message_1_send_at,message_2_send_at,last_sent_message_send_at,replied_message_1_send_at,add_to_target_date"
    )
    row = (
        f'1,{BO},Bo Lind,"2/24/2026, 10:00 AM",2026-02-24T10:00:00Z,"2/20/2026, 9:00 AM",2026-02-20T09:00:00Z,"Hi, Bo",'
        "2026-02-25 10:00,2026-02-27 10:00,2026-02-27 10:00,2026-02-28 10:00,2026-02-01 10:00"
    )
    read = reading(tmp_path, {LOG: f"{header}\n{row}\n2,{CY},Cy Moe,,,,,,,,,,\n"})
    assert rows_of(read) == [
        ("2026-02-20", "invitations_sent", 1),
        ("2026-02-24", "connections_added", 1),
        ("2026-02-25", "messages_sent", 1),
        ("2026-02-27", "messages_sent", 1),
        ("2026-02-28", "messages_received", 1),
    ]
    assert any("actions of Linked Helper" in note for note in read.tables.notes)
    assert fates(read, LOG)[1][2:] == ("skipped", "nothing to count in this row")


def test_prospects_of_waalaxy(tmp_path):
    """Names of columns in camel case; a lone "last" date is said to be the last of several."""
    header = "linkedinUrl,firstName,occupation,connectionRequestDate,connectedAt,lastReplyDetectedDate"
    rows = (
        f"{BO},Bo,Buyer,2026-02-20T09:00:00.000Z,2026-02-22T09:00:00.000Z,2026-02-23T09:00:00.000Z\n"
        f"{CY},Cy,COO,2026-02-20T09:30:00.000Z,,\n"
    )
    read = reading(tmp_path, {LOG: f"{header}\n{rows}"})
    assert rows_of(read) == [
        ("2026-02-20", "invitations_sent", 2),
        ("2026-02-22", "connections_added", 1),
        ("2026-02-23", "messages_received", 1),
    ]
    assert any("actions of Waalaxy" in note and "only the last is dated" in note for note in read.tables.notes)


def test_visits_of_dux_soup(tmp_path):
    """A column that holds the time of the visit makes each row a visit."""
    text = f"id,VisitTime,Profile,First Name\n1,2026-02-23 08:00:00,{BO},Bo\n2,2026-02-23 08:05:00,{CY},Cy\n"
    assert rows_of(reading(tmp_path, {LOG: text})) == [("2026-02-23", "profile_views", 2)]


def test_the_state_of_a_contact_is_its_last_action(tmp_path):
    """Expandi says what was done last as a status."""
    text = (
        "profile_link,status,timestamp\n"
        f"{BO},connection_request_sent,2026-02-23 08:00\n{CY},message_sent,2026-02-24 08:00\n"
    )
    assert rows_of(reading(tmp_path, {LOG: text})) == [
        ("2026-02-23", "invitations_sent", 1),
        ("2026-02-24", "messages_sent", 1),
    ]


def test_where_only_the_name_says_the_action_it_is_said(tmp_path):
    """PhantomBuster has a file an action: profile, time, message, error."""
    text = (
        f"profileUrl,message,timestamp,error\n{BO},Hi,2026-02-23T08:00:00.000Z,\n"
        f"{CY},Hi,2026-02-23T08:01:00.000Z,Not found\n"
    )
    read = reading(tmp_path, {"message sender Ada Berg.csv": text})
    assert rows_of(read) == [("2026-02-23", "messages_sent", 1)]
    assert any("every row = messages_sent, by the file's name" in note for note in read.tables.notes)


def test_statistics_by_day(tmp_path):
    """Counts a day; limits, rates and stocks are no actions; zeros are told."""
    text = (
        "Date,Invitations sent,Invitation limit,Messages sent,Reply rate,Connections,Profile visits\n"
        "2026-02-23,12,20,3,10%,1204,40\n2026-02-24,0,20,0,0%,1206,35\n"
    )
    assert rows_of(reading(tmp_path, {LOG: text})) == [
        ("2026-02-23", "invitations_sent", 12),
        ("2026-02-23", "messages_sent", 3),
        ("2026-02-23", "profile_views", 40),
        ("2026-02-24", "invitations_sent", 0),
        ("2026-02-24", "messages_sent", 0),
        ("2026-02-24", "profile_views", 35),
    ]


def test_a_senders_column_says_whose_actions_they_are(tmp_path):
    """One export of a team's accounts; the profiles in the rows are other people."""
    text = (
        "date,action,LinkedIn account,profile url\n"
        f"2026-02-23,Visited,Ada Berg,{BO}\n2026-02-23,Visited,Eve Holm,{CY}\n2026-02-23,Invited,Eve Holm,{BO}\n"
    )
    found = {(row[0], row[2]) for row in named(reading(tmp_path, {"log.csv": text}), "activity")}
    assert found == {
        ("Ada Berg", "profile_views"),
        ("Eve Holm", "profile_views"),
        ("Eve Holm", "invitations_sent"),
    }


def test_a_log_of_nobody_belongs_to_nobody(tmp_path):
    """The words of tools are nobody's name: the owner is asked for."""
    read = reading(tmp_path, {"waalaxy_export.csv": f"linkedinUrl,connectedAt\n{BO},2026-02-20\n"})
    assert len(read.tables.activity) == 0
    assert any("[persons]" in note for note in read.tables.notes)


def test_no_prospect_gets_into_tables_or_notes(tmp_path):
    """Names, addresses and texts of other people stay in the file."""
    text = f"date,action,profile url,name,message\n2026-02-23,Message sent,{BO}?xyzzy,Xyzzy,Dear Xyzzy\n"
    read = reading(tmp_path, {LOG: text})
    tables = read.tables
    kept = "".join(frame.to_csv() for frame in (tables.activity, tables.people, tables.ledger)) + repr(tables.notes)
    assert "xyzzy" not in kept.lower()
    assert len(tables.activity) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Date,Activity,Contact\n2026-02-23,Call,Bo\n2026-02-24,Meeting,Cy\n",
        f"linkedin url,name,created at\n{BO},Bo,2026-02-23\n",
        "Date,Total SSI,Messages sent,Invitations sent\n2026-02-23,50,3,4\n",
        "date,temperature,rain\n2026-02-23,3,4\n",
    ],
)
def test_other_tables_are_left_to_others(tmp_path, text):
    """Calls, lists of prospects without actions, logs of the score, and anything else."""
    assert KIND not in reading(tmp_path, {"x.csv": text}).kinds.values()


@pytest.mark.shared
@needs_shared
def test_the_shared_log_of_a_tool_gives_305_actions(tmp_path):
    """A real tool's actions by day: visits, follows and connections, as many as its README says."""
    source = SHARED / "data" / "ssi_tracker_log" / "actions_by_day.csv"
    read = reading(tmp_path, {"Ada Berg actions_by_day.csv": source.read_bytes()})
    assert sum(count for *_, count in rows_of(read)) == 305
    assert {metric for _, metric, _ in rows_of(read)} == {"connections_added", "follows", "profile_views"}
