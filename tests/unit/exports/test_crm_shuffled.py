"""Order of rows and columns, further columns and a header in the middle change nothing, in any CRM export."""

from __future__ import annotations

import datetime as dt
import random
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssi_audit.exports.table import REPEATED_HEADER
from tests.unit.exports.crm_files import rows_of, sheet_text
from tests.unit.exports.folders import fill, named, reading

# What rows tell in any system: whose they are, when it began, days to the end, how it ended, and how much.
FACTS = (
    ("Ada Berg", dt.date(2026, 1, 13), 12, "won", "1200.50"), ("Ada Berg", dt.date(2026, 1, 14), 1, "lost", "300.25"),
    ("Eve Holm", dt.date(2026, 1, 5), 30, "open", "75.50"), ("Eve Holm", dt.date(2026, 1, 5), 30, "won", "75.50"),
    ("Łukasz Żółć", dt.date(2026, 2, 2), 0, "won", "9999.99"), ("Łukasz Żółć", dt.date(2026, 2, 3), 7, "lost", "0.75"),
)  # fmt: skip
IDS = {"Ada Berg": "0055g00000AdaBe", "Eve Holm": "0055g00000EveHo", "Łukasz Żółć": "0055g00000Lukas"}
PEOPLE = "person,salesforce_user_id\n" + "".join(f"{name},{key}\n" for name, key in IDS.items())
STAGE = {"won": "Closed Won", "lost": "Closed Lost", "open": "Proposal sent"}


def us(day: dt.date) -> str:
    """As an American program writes it."""
    return f"{day.month}/{day.day}/{day.year}"


# Export → its header, and a row of it for number, owner, first day, last day, end and amount.
EXPORTS: dict[str, tuple[tuple[str, ...], Callable[..., tuple]]] = {
    "Salesforce opportunities": (
        ("Opportunity Owner", "Account Name", "Opportunity Name", "Stage", "Amount Currency", "Amount", "Close Date",
         "Created Date", "Opportunity ID"),
        lambda n, who, one, two, end, sum_: (
            who, f"C{n}", f"N{n}", STAGE[end], "EUR", sum_, us(two), us(one), f"0065g00000A{n:04d}"),
    ),
    "Salesforce leads": (
        ("Lead Owner", "Company / Account", "Lead Source", "Lead Status", "Create Date", "Lead ID"),
        lambda n, who, one, two, end, sum_: (who, f"C{n}", "Web", end, one, f"00Q5g00000A{n:04d}"),
    ),
    "Salesforce activities": (
        ("Assigned", "Subject", "Date", "Task", "Activity ID"),
        lambda n, who, one, two, end, sum_: (who, f"Call {n}", one, "01"[end == "open"], f"00U5g00000A{n:04d}"),
    ),
    "Salesforce object Opportunity": (
        ("Id", "IsDeleted", "Name", "StageName", "Amount", "CloseDate", "IsClosed", "IsWon", "OwnerId", "CreatedDate"),
        lambda n, who, one, two, end, sum_: (
            f"0065g00000A{n:04d}", "0", f"N{n}", "Stage", sum_, f"{two} 00:00:00", str(int(end != "open")),
            str(int(end == "won")), IDS[who], f"{one} 10:00:00"),
    ),
    "Salesforce object Event": (
        ("Id", "WhoId", "WhatId", "Subject", "ActivityDateTime", "DurationInMinutes", "OwnerId", "IsDeleted",
         "IsChild"),
        lambda n, who, one, two, end, sum_: (
            f"00U5g00000A{n:04d}", "0035g00000C1", "", "Call", f"{one} 10:{n:02d}:00", "30", IDS[who],
            str(int(end == "lost")), "0"),
    ),
    "Salesforce object Lead": (
        ("Id", "IsDeleted", "Company", "LeadSource", "OwnerId", "IsConverted", "CreatedDate"),
        lambda n, who, one, two, end, sum_: (
            f"00Q5g00000A{n:04d}", str(int(end == "lost")), f"C{n}", "Web", IDS[who], "0", f"{one} 10:00:00"),
    ),
    "HubSpot deals": (
        ("Record ID", "Deal Name", "Deal Stage", "Close Date", "Create Date", "Deal owner", "Amount", "Currency"),
        lambda n, who, one, two, end, sum_: (
            str(900 + n), f"N{n}", STAGE[end], f"{two} 16:05", f"{one} 14:02", who, sum_, "EUR"),
    ),
    "HubSpot contacts": (
        ("Record ID", "Contact owner", "Lifecycle Stage", "Original Source", "Create Date", "Became a Lead Date"),
        lambda n, who, one, two, end, sum_: (
            str(500 + n), who, "Lead", "Web", f"{one} 09:00", "" if end == "lost" else f"{two} 10:00"),
    ),
    "HubSpot meetings": (
        ("Record ID", "Meeting name", "Meeting start time", "Meeting outcome", "Activity assigned to"),
        lambda n, who, one, two, end, sum_: (
            str(700 + n), "Demo", f"{one} 10:{n:02d}", "Canceled" if end == "lost" else "Completed", who),
    ),
    "Pipedrive deals": (
        ("Deal - ID", "Deal - Title", "Deal - Owner", "Deal - Value", "Deal - Currency of Value", "Deal - Status",
         "Deal - Deal created", "Deal - Won time", "Deal - Lost time"),
        lambda n, who, one, two, end, sum_: (
            str(n), f"N{n}", who, sum_, "EUR", end, f"{one} 10:00:00", f"{two} 10:00:00" if end == "won" else "",
            f"{two} 10:00:00" if end == "lost" else ""),
    ),
    "Pipedrive leads": (
        ("Lead - ID", "Lead - Title", "Lead - Owner", "Lead - Source", "Lead - Lead created"),
        lambda n, who, one, two, end, sum_: (f"l{n}", f"N{n}", who, "Web", f"{one} 10:00:00"),
    ),
    "Pipedrive activities": (
        ("Activity - ID", "Activity - Subject", "Activity - Type", "Activity - Assigned to user", "Activity - Due date",
         "Activity - Due time", "Activity - Done"),
        lambda n, who, one, two, end, sum_: (
            str(n), "Demo", "Meeting", who, one, f"10:{n:02d}:00", "To do" if end == "open" else "Done"),
    ),
    "Dynamics opportunities": (
        ("(Do Not Modify) Opportunity", "(Do Not Modify) Row Checksum", "(Do Not Modify) Modified On", "Topic",
         "Status", "Actual Close Date", "Est. Revenue", "Owner", "Created On"),
        lambda n, who, one, two, end, sum_: (
            f"g{n}", "s", two, f"N{n}", end.title(), "" if end == "open" else two, sum_, who, one),
    ),
    "Dynamics appointments": (
        ("(Do Not Modify) Appointment", "(Do Not Modify) Row Checksum", "(Do Not Modify) Modified On", "Subject",
         "Owner", "Start Time", "Status Reason"),
        lambda n, who, one, two, end, sum_: (
            f"g{n}", "s", two, "Demo", who, f"{one} 10:{n:02d}", "Canceled" if end == "lost" else "Completed"),
    ),
    "Zoho deals": (
        ("Record Id", "Deal Owner.id", "Deal Owner", "Amount", "Deal Name", "Closing Date", "Stage", "Created Time"),
        lambda n, who, one, two, end, sum_: (
            f"zcrm_{n}", f"zcrm_9{len(who)}", who, sum_, f"N{n}", two, STAGE[end], f"{one} 10:00:00"),
    ),
    "Zoho meetings": (
        ("Record Id", "Host", "Title", "From", "Status"),
        lambda n, who, one, two, end, sum_: (
            f"zcrm_{n}", who, "Demo", f"{one} 10:{n:02d}:00", "Cancelled" if end == "lost" else ""),
    ),
    "deals of another CRM": (
        ("Sales Rep", "Deal Name", "Client", "Deal Status", "Created", "Close Date", "Deal Value"),
        lambda n, who, one, two, end, sum_: (who, f"N{n}", f"C{n}", end, one, two, sum_),
    ),
    "leads of another CRM": (
        ("Lead Owner", "Lead ID", "Inquiry Date", "Source"),
        lambda n, who, one, two, end, sum_: (who, f"l{n}", one, "Web"),
    ),
    "meetings of another CRM": (
        ("Account Executive", "Client", "Meeting Date", "Meeting Status"),
        lambda n, who, one, two, end, sum_: (who, f"C{n}", one, "No show" if end == "lost" else ""),
    ),
    "Outlook calendar": (
        ("Subject", "Start Date", "Start Time", "All day event", "Required Attendees", "Private"),
        lambda n, who, one, two, end, sum_: (
            "Demo", one, f"10:{n:02d}:00", "False", "Bo Lind" if end == "won" else "", "False"),
    ),
    "quotas": (
        ("Sales Rep", "Period Start", "Period End", "Quota", "Currency"),
        lambda n, who, one, two, end, sum_: (who, one, two, sum_, "EUR"),
    ),
    "log of an automation tool": (
        ("Timestamp", "Action", "Profile URL", "Status", "Sender"),
        lambda n, who, one, two, end, sum_: (
            f"{one} 10:{n:02d}:00", "Visited", f"https://www.linkedin.com/in/p{n}",
            "failed" if end == "lost" else "ok", who),
    ),
}  # fmt: skip
# The file's name says whose a calendar is.
FILE = "Ada Berg.csv"


def told(text: str) -> tuple:
    """What a folder with one file gives: rows of all tables, sorted, and the fates of the file's rows."""
    with tempfile.TemporaryDirectory() as folder:
        read = reading(fill(Path(folder), {FILE: text, "people.csv": PEOPLE}))
    rows = {table: sorted(named(read, table), key=str) for table in ("crm_events", "quotas", "activity")}
    return rows, rows_of(read, FILE), read.kinds[FILE]


@cache
def as_written(export: str) -> tuple:
    """The lines of an export in the order of its system, and what they tell."""
    header, row = EXPORTS[export]
    rows = [
        row(n, who, first, first + dt.timedelta(days=days), end, amount)
        for n, (who, first, days, end, amount) in enumerate(FACTS)
    ]
    return [header, *rows], told(sheet_text(header, *rows))


@pytest.mark.parametrize("export", sorted(EXPORTS))
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=2, deadline=None)
def test_the_shape_of_a_table_changes_nothing(export, seed):
    """Rows and columns in any order, a column more, and the header once again: the same rows and the same fates."""
    lines, (wanted, fates, kind) = as_written(export)
    assert any(wanted.values())
    shuffle = random.Random(seed)
    wide = [[*line, more] for line, more in zip(lines, ("Favourite colour", *["blue"] * len(FACTS)), strict=True)]
    columns = shuffle.sample(range(len(wide[0])), len(wide[0]))
    header, *rows = ([line[at] for at in columns] for line in wide)
    shuffle.shuffle(rows)
    again = shuffle.randint(1, len(rows))
    text = sheet_text(header, *rows[:again], header, *rows[again:])
    assert told(text) == (wanted, fates | {REPEATED_HEADER: 1}, kind)
