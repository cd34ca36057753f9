"""What a world's exports say when they are read back, one system at a time and all together."""

from __future__ import annotations

import hashlib
import json

import pandas as pd
import pytest

from ssi_audit import schema
from ssi_audit.cli import main
from ssi_audit.exports import read_folder
from ssi_audit.panel import build_panel
from ssi_audit.world_exports_calendar import write_ics, write_outlook, write_quota_plan
from ssi_audit.world_exports_crm import SYSTEMS, book_of, salesforce_id
from ssi_audit.world_exports_mixed import SETTINGS, by_system, write_mixed, write_people
from ssi_audit.world_exports_scores import write_saved_answers, write_saved_pages, write_tracker_logs
from ssi_audit.world_exports_workbook import Sheet, write_workbook
from ssi_audit.world_tables import world_tables, write_plain, write_world
from ssi_audit.worlds import make_world

TEAMS = ("Adriatic", "Baltic", "Channel", "Danube", "Elbe", "Fjord")


@pytest.fixture(scope="module")
def tables():
    """Tables of a small world with six teams: letters of five countries, won, lost and open deals."""
    tables = world_tables(make_world("licence_only", 12, 26, seed=3))
    team = [TEAMS[at % len(TEAMS)] for at in range(12)]
    return {**tables, "people": tables["people"].assign(team=team)}


@pytest.fixture(scope="module")
def book(tables):
    """Its cases."""
    return book_of(tables)


@pytest.fixture(scope="module")
def plain(tables, tmp_path_factory):
    """The world in the plain format, read back."""
    folder = tmp_path_factory.mktemp("plain")
    write_plain(tables, folder)
    return read_folder(folder).tables


@pytest.fixture(scope="module")
def mixed(tables, tmp_path_factory):
    """The world as an organisation would hand it over, read back."""
    folder = tmp_path_factory.mktemp("mixed")
    write_mixed(tables, folder)
    return read_folder(folder).tables


def told(events: pd.DataFrame) -> pd.DataFrame:
    """Events as every CRM can tell them, in one order: ids of deals, which each system makes up, become their case.

    A CRM keeps one amount a deal, and none says of a meeting where its customer came from.
    """
    won, met = events["kind"] == "deal_won", events["kind"] == "meeting"
    steps = (events["kind"] + " " + events["date"].astype("str")).groupby(events["deal"])
    events = events.assign(
        amount=events["amount"].where(won),
        currency=events["currency"].where(won),
        source=events["source"].mask(met),
        deal=events["deal"].map(steps.agg(lambda case: " ".join(sorted(case)))),
    )
    return events.sort_values(list(schema.CRM_COLUMNS), ignore_index=True)


def read_back(folder, *write, book) -> schema.Tables:
    """What some writers wrote, with people.csv, read back."""
    write_people(book, folder)
    for one, what in write:
        one(what, folder)
    return read_folder(folder).tables


@pytest.fixture(scope="module", params=SYSTEMS)
def crm(request, book, tmp_path_factory):
    """One CRM's files of the whole world, read back."""
    return read_back(tmp_path_factory.mktemp(request.param), (SYSTEMS[request.param], book), book=book)


def test_a_crm_tells_every_event(crm, plain):
    """Every inquiry, meeting, opportunity and closing of every seller, on its day, tied to its case."""
    read = crm
    pd.testing.assert_frame_equal(told(read.crm_events), told(plain.crm_events))
    assert set(plain.crm_events["kind"]) == set(schema.KINDS)


def test_a_crm_leaves_nothing_over(crm):
    """Every row is used but for lists of users and the lines behind a report."""
    unused = crm.ledger[crm.ledger["status"] != "used"]
    assert set(unused["reason"]) <= {"list of users: it says who the owners are", "trailer line"}


@pytest.mark.parametrize("write", [write_ics, write_outlook])
def test_a_calendar_tells_every_meeting_and_no_other(write, book, plain, tmp_path):
    """Meetings with customers on their days; team meetings, private and cancelled entries do not count."""
    (tmp_path / "ssi-audit.toml").write_text(SETTINGS, encoding="utf-8")
    read = read_back(tmp_path, (write, book), book=book)
    met = plain.crm_events[plain.crm_events["kind"] == "meeting"]
    expected = met[["person", "date", "kind"]].sort_values(["person", "date"], ignore_index=True)
    got = read.crm_events[["person", "date", "kind"]].sort_values(["person", "date"], ignore_index=True)
    pd.testing.assert_frame_equal(got, expected)
    assert {"only colleagues were invited", "cancelled or not held"} <= set(read.ledger["reason"])


@pytest.mark.parametrize("write", [write_saved_answers, write_saved_pages, write_tracker_logs])
def test_scores_come_back(write, tables, book, plain, tmp_path):
    """Pillars, total and ranks of every reading: of other people's averages, limits and increases nothing is left."""
    some = tables["ssi"].groupby("person").head(2)
    read = read_back(tmp_path, (write, some), book=book)
    expected = plain.ssi.groupby("person").head(2).reset_index(drop=True)
    pd.testing.assert_frame_equal(read.ssi, expected)
    assert len(expected) == 24


def test_a_sales_plan_comes_back(tables, book, plain, tmp_path):
    """Quotas of a sheet with semicolons, decimal commas and days first."""
    read = read_back(tmp_path, (write_quota_plan, tables["quotas"]), book=book)
    pd.testing.assert_frame_equal(read.quotas, plain.quotas)
    assert len(plain.quotas) == 24


def test_the_whole_folder_gives_the_same_tables(plain, mixed):
    """Six CRMs, calendars that repeat their meetings, four kinds of scores, archives: the plain format's tables."""
    pd.testing.assert_frame_equal(mixed.ssi, plain.ssi)
    pd.testing.assert_frame_equal(mixed.activity, plain.activity)
    pd.testing.assert_frame_equal(told(mixed.crm_events), told(plain.crm_events))
    pd.testing.assert_frame_equal(mixed.quotas, plain.quotas)
    columns = [*schema.PEOPLE_COLUMNS, "name"]
    pd.testing.assert_frame_equal(mixed.people[columns], plain.people[columns])


def test_the_whole_folder_gives_the_same_panel(plain, mixed):
    """Every row and column that an analysis is made of, but for counts by source of what comes after an inquiry."""
    one, other = build_panel(mixed), build_panel(plain)
    later = [f"{outcome}_{source}" for outcome in ("meetings", "opportunities", "deals") for source in schema.SOURCES]
    pd.testing.assert_frame_equal(one.drop(columns=later), other.drop(columns=later))
    assert one.attrs["facts"] == other.attrs["facts"]
    assert len(one) == 12 * 26


@pytest.mark.slow
def test_the_audit_says_the_same(tmp_path):
    """Every cell, verdict and claim of answer.json of a small world, from exports as from the plain format."""
    answers = []
    for as_ in ("plain", "exports"):
        write_world(make_world("activity_gauge", 24, 52, seed=7), tmp_path / as_, as_=as_)
        out = tmp_path / f"{as_}.json"
        assert main(["audit", str(tmp_path / as_), "--out", str(out), "--everything"]) == 0
        answers.append(json.loads(out.read_text(encoding="utf-8")))
    for part in ("overall", "cells", "claims"):
        assert answers[0][part] == answers[1][part]
    assert len(answers[0]["cells"]) == 40
    assert len(answers[0]["claims"]) == 22


def test_a_meeting_of_crm_and_calendar_counts_once(mixed):
    """Of sellers with a calendar beside the CRM every meeting was told twice, and says where it was counted."""
    calendars = mixed.ledger[mixed.ledger["file"].str.startswith("calendars/")]
    twice = calendars[calendars["reason"] == "the same meeting in another system"]
    assert twice["rows"].sum() > 20
    assert twice["detail"].str.contains("salesforce/data_export/Event.csv|hubspot/hubspot").all()
    assert not (calendars["status"] == "used").any()


def test_every_row_of_the_folder_is_accounted_for(mixed):
    """No row belongs to nobody, and only rows that are no facts of their own are left out."""
    assert set(mixed.ledger["status"]) == {"used", "skipped"}
    left_out = set(mixed.ledger.loc[mixed.ledger["status"] == "skipped", "reason"])
    assert left_out == {
        "says whose archive it is",
        "list of users: it says who the owners are",
        "trailer line",
        "the same meeting in another system",
        "only colleagues were invited",
        "a private entry",
        "cancelled or not held",
        "not an export",
    }


def test_teams_take_the_systems_in_turns(book):
    """Every seller is in one system, and six teams fill all six."""
    parts = by_system(book)
    assert list(parts) == list(SYSTEMS)
    assert sum(len(part.cases) for part in parts.values()) == len(book.cases)
    assert all(part.people["team"].nunique() == 1 for part in parts.values())


def test_the_same_world_gives_the_same_bytes(tmp_path):
    """Zips and workbooks carry no clock; truth.json lists every file."""
    digests = []
    for name in ("a", "b"):
        paths = write_world(make_world("null", 4, 8, seed=5), tmp_path / name, as_="exports")
        digests.append({
            path.relative_to(tmp_path / name).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in paths
        })  # fmt: skip
    assert digests[0] == digests[1]
    listed = json.loads((tmp_path / "a" / "truth.json").read_text(encoding="utf-8"))["files"]
    assert {*listed, "truth.json"} == set(digests[0])


def test_ids_of_salesforce_end_in_their_check_letters():
    """The suffix says which letters are capitals: no two ids differ in case only."""
    assert salesforce_id("005", 1) == "0055g0000000001AAA"
    assert salesforce_id("00Q", 17) == "00Q5g0000000017EAA"


def test_a_workbook_opens_elsewhere(tmp_path):
    """Text, numbers, days, times, hidden columns and sheets as another program reads them."""
    openpyxl = pytest.importorskip("openpyxl")
    rows = [("Name", "Day"), ("Kettle & <Finch>", pd.Timestamp("2024-03-05")), (2.5, pd.Timestamp("2024-03-05 16:45"))]
    path = write_workbook(
        tmp_path / "x.xlsx", [Sheet("One", rows, hidden_columns=1), Sheet("Two", [(1,)], hidden=True)]
    )
    book = openpyxl.load_workbook(path)
    assert [tuple(row) for row in book["One"].values] == rows
    assert book["One"]["B3"].is_date
    assert book["One"].column_dimensions["A"].hidden
    assert book["Two"].sheet_state == "hidden"
