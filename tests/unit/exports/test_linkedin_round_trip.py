"""What a world's LinkedIn exports say when they are read back: the tables of the plain format."""

from __future__ import annotations

import hashlib

import pandas as pd
import pytest

from ssi_audit.exports import read_folder
from ssi_audit.settings import Settings
from ssi_audit.world_exports_linkedin import write_linkedin_zip, write_ssi_answers, write_usage_report
from ssi_audit.world_tables import world_tables, write_plain
from ssi_audit.worlds import make_world


@pytest.fixture(scope="module")
def tables():
    """Tables of a small world: names with the letters of five countries."""
    return world_tables(make_world("licence_only", 8, 20, seed=3))


@pytest.fixture(scope="module")
def plain(tables, tmp_path_factory):
    """The world in the plain format, read back."""
    folder = tmp_path_factory.mktemp("plain")
    write_plain(tables, folder)
    return read_folder(folder, Settings()).tables


@pytest.fixture(scope="module")
def linkedin(tables, tmp_path_factory):
    """The world as archives and answers, with people.csv, read back."""
    folder = tmp_path_factory.mktemp("linkedin")
    write_linkedin_zip(tables, folder)
    write_ssi_answers(tables, folder)
    write_plain({"people": tables["people"]}, folder)
    return read_folder(folder, Settings()).tables


def told(activity: pd.DataFrame) -> pd.DataFrame:
    """Rows that say that something was done."""
    return activity[activity["count"] > 0].reset_index(drop=True)


def test_readings_come_back(plain, linkedin):
    """Every reading of every person, pillars, total and ranks, on its day."""
    pd.testing.assert_frame_equal(linkedin.ssi, plain.ssi)
    assert len(plain.ssi) == 8 * 21


def test_all_four_kinds_of_activity_come_back(plain, linkedin):
    """Posts, searches, comments and invitations of every day; an archive has no row for a day without any."""
    pd.testing.assert_frame_equal(told(linkedin.activity), told(plain.activity))
    assert set(linkedin.activity["metric"]) == {"posts", "searches", "comments", "invitations_sent"}


def test_nothing_is_left_over(linkedin):
    """Every row of every file is used but for the profiles, which only say whose the archive is."""
    unused = linkedin.ledger[linkedin.ledger["status"] != "used"]
    assert set(unused["reason"]) == {"says whose archive it is"}
    assert unused["rows"].sum() == 8


def test_the_same_people_without_people_csv(tables, plain, tmp_path):
    """Profiles and names of files name the same eight people."""
    write_linkedin_zip(tables, tmp_path)
    write_ssi_answers(tables, tmp_path)
    read = read_folder(tmp_path, Settings()).tables
    assert len(read.people) == 8
    assert (
        told(read.activity)
        .groupby("metric")["count"]
        .sum()
        .equals(told(plain.activity).groupby("metric")["count"].sum())
    )


def test_the_same_tables_give_the_same_bytes(tables, tmp_path):
    """Zips carry the day of the export, not the time of writing."""
    written = []
    for name in ("a", "b"):
        paths = write_linkedin_zip(tables, tmp_path / name) + write_ssi_answers(tables, tmp_path / name)
        written.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in paths])
    assert written[0] == written[1]


def test_a_usage_report_gives_totals_of_its_period(tables, plain, tmp_path):
    """Searches and days in use add up over four weeks; the score is the last reading, on the last day."""
    first, last = pd.Timestamp("2024-01-29"), pd.Timestamp("2024-02-25")
    write_usage_report(tables, tmp_path, first, last)
    write_plain({"people": tables["people"]}, tmp_path)
    read = read_folder(tmp_path, Settings()).tables
    inside = told(plain.activity)
    inside = inside[inside["date"].between(first, last)]
    wanted = {
        "searches": inside[inside["metric"] == "searches"].groupby("person")["count"].sum(),
        "days_active": inside.groupby("person")["date"].nunique().astype("float64"),
    }
    for metric, expected in wanted.items():
        own = read.activity[read.activity["metric"] == metric].set_index("person")["count"]
        assert own[own > 0].to_dict() == expected.to_dict()
    assert set(read.activity["first_day"]) == {first} and set(read.activity["date"]) == {last}
    day = plain.ssi[plain.ssi["date"] == last].drop(columns=["industry_rank", "network_rank"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(read.ssi.drop(columns=["industry_rank", "network_rank"]), day)
