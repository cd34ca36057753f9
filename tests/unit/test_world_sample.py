"""The sample organisation has the people, the absences and the mess that it says it has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ssi_audit import schema
from ssi_audit.world_sample import (
    EVENTS_TWICE,
    GUEST,
    JOINERS,
    KEY_ACCOUNTS,
    LEAVERS,
    MARKETER,
    ROBOT,
    SELLERS,
    sample_organisation,
    write_sample,
)

IN_GIT = Path(__file__).resolve().parents[2] / "data" / "sample"
FIRST = pd.Timestamp("2024-01-01")


@pytest.fixture(scope="module")
def sample():
    """Make the organisation behind data/sample."""
    return sample_organisation()


@pytest.fixture(scope="module")
def people(sample):
    """people.csv; the row of a seller has his number in the world."""
    return sample.tables["people"].reset_index(drop=True)


@pytest.fixture(scope="module")
def crm(sample):
    """Both files of CRM events."""
    return pd.concat([sample.tables["crm_events_inquiries"], sample.tables["crm_events_sales"]], ignore_index=True)


def test_data_sample_is_remade_byte_for_byte(tmp_path):
    """The files in git are what write_sample writes, and nothing else."""
    write_sample(tmp_path / "sample")
    made = {path.name: path.read_bytes() for path in (tmp_path / "sample").iterdir()}
    assert sorted(made) == sorted(path.name for path in IN_GIT.iterdir())
    for name, content in made.items():
        assert (IN_GIT / name).read_bytes() == content, name


def test_data_sample_is_small_enough_for_git():
    """All files together stay near 2.4 MB."""
    assert sum(path.stat().st_size for path in IN_GIT.iterdir()) < 2_500_000


def test_another_seed_makes_another_organisation(tmp_path):
    """The seed decides every draw."""
    write_sample(tmp_path / "other", seed=1)
    assert (tmp_path / "other" / "ssi.csv").read_bytes() != (IN_GIT / "ssi.csv").read_bytes()


def test_team_sizes_lie_on_both_sides_of_both_limits(people):
    """40 sellers: two teams that can be scored, one that can only be shown, one that cannot."""
    sizes = people["team"].iloc[:SELLERS].value_counts()
    assert sizes.sum() == 40
    assert (sizes >= 10).sum() == 2
    assert sizes.between(5, 9).sum() == 1
    assert (sizes < 5).sum() == 1
    assert (people["team"].iloc[SELLERS:] == "").all()


def test_codes_and_addresses_of_people_are_unique(people):
    """No two persons share a name, an address or a CRM code."""
    for column in ("person", "email"):
        assert people[column].is_unique
    codes = people["crm_owner"].replace("", np.nan).dropna()
    assert codes.is_unique
    assert len(codes) == SELLERS + 1


def test_names_come_in_the_letters_of_the_team(people):
    """Polish, Finnish and Italian letters, and one name in Thai script with an address in ASCII."""
    names = people["person"]
    assert set("łżäóę'") <= set("".join(names))
    thai = people[names.str.contains("[\u0e00-\u0e7f]")]
    assert list(thai["email"]) == ["kamon.jaidee@meridian.example"]
    assert list(thai["crm_owner"]) == ["KJAI"]


def test_every_name_in_the_files_is_known_but_two(sample, people, crm):
    """Scores use LinkedIn names, counts and events use codes; the guest and the robot are nobody's."""
    known = {name for column in ("person", "linkedin_name", "crm_owner", "aliases") for name in people[column]}
    used = {*sample.tables["ssi"]["person"], *sample.tables["activity"]["person"], *crm["person"]}
    assert used - known == set(sample.truth["not_in_people"])
    assert "Integration User" in used
    for name in ("quotas", "absences"):
        assert set(sample.tables[name]["person"]) <= set(people["person"])
    different = people[(people["linkedin_name"] != people["person"]) & (people["linkedin_name"] != "")]
    assert set(different["linkedin_name"]) <= set(sample.tables["ssi"]["person"])
    assert len(different) == 2


def test_some_exist_on_one_side_only(sample, people, crm):
    """Two have a score and no CRM event, two have events and no score."""
    scored = set(sample.tables["ssi"]["person"])
    marketer, key_accounts = people.iloc[SELLERS], people.iloc[SELLERS + 1]
    guest, robot = sample.truth["not_in_people"]
    assert sample.truth["one_side_only"] == {
        "ssi": [marketer["person"], guest], "crm": [key_accounts["person"], robot],
    }  # fmt: skip
    assert {marketer["linkedin_name"], guest} <= scored
    assert {key_accounts["crm_owner"], robot} <= set(crm["person"])
    assert not {key_accounts["person"], robot} & scored
    assert not {marketer["aliases"], guest} & set(crm["person"])
    assert (MARKETER, KEY_ACCOUNTS, GUEST, ROBOT) == (40, 41, 42, 43)


def test_joiners_and_leavers_have_rows_only_while_employed(sample, people, crm):
    """Scores, counts and inquiries begin with the first day and end with the last; won deals may come later."""
    inquiries = crm[crm["kind"] == "inquiry"]
    for i, begins in [(i, True) for i in JOINERS] + [(i, False) for i in LEAVERS]:
        row = people.iloc[i]
        for rows, name in (
            (sample.tables["ssi"], row["linkedin_name"]),
            (sample.tables["activity"], row["crm_owner"]),
            (inquiries, row["crm_owner"]),
        ):
            own = rows[rows["person"] == name]["date"]
            assert len(own) > 20
            if begins:
                assert row["hired_on"] <= own.min() <= row["hired_on"] + pd.Timedelta(days=21)
            else:
                assert row["left_on"] - pd.Timedelta(days=21) <= own.max() < row["left_on"] + pd.Timedelta(days=3)
    assert people["left_on"].notna().sum() == len(LEAVERS)
    assert (people["hired_on"] > FIRST).sum() == len(JOINERS)


def test_nobody_acts_or_sells_in_a_week_of_holiday(sample):
    """Whole weeks off have no activity, no inquiry and no meeting; at Christmas that is everybody."""
    world = sample.world
    off = world.share_of_week == 0
    assert off[:SELLERS, world.analysis].sum() > 200
    for counts in (world.activity.sum(axis=-1), world.inquiries, world.other_inquiries, world.meetings):
        assert (counts[off] == 0).all()
    christmas = world.week == 52
    assert off[:SELLERS, christmas].all()


def test_absences_are_the_missing_share_of_each_week(sample, people):
    """Working days in absences.csv and before or after employment make up the share that the world used."""
    absences = sample.tables["absences"]
    days = pd.date_range(FIRST, periods=7 * 104)
    weekday = days.day_of_week < 5
    for i in (0, 6, 11, 22, 39):
        row = people.iloc[i]
        works = np.ones(len(days), dtype=bool)
        works &= days >= row["hired_on"]
        if pd.notna(row["left_on"]):
            works &= days <= row["left_on"]
        for away in absences[absences["person"] == row["person"]].itertuples():
            works &= ~((days >= away.first_day) & (days <= away.last_day))
        share = (works & weekday).reshape(-1, 7).sum(axis=1) / 5
        assert (share == sample.world.share_of_week[i, sample.world.analysis]).all()


def test_some_weeks_are_worked_in_part(sample):
    """Christmas 2024 leaves two days of the first week of January to work."""
    world = sample.world
    january = world.share_of_week[:SELLERS, world.week == 53]
    assert (january == 0.4).sum() > 30


def test_readings_are_as_messy_as_the_truth_says(sample, people):
    """Repeated, corrected, failed and forgotten readings are as many as declared, and no others."""
    ssi, mess = sample.tables["ssi"], sample.truth["mess"]
    assert ssi.duplicated().sum() == mess["readings_twice"]
    distinct = ssi.drop_duplicates()
    assert distinct.duplicated(["person", "date"]).sum() == mess["readings_corrected_the_same_day"]
    zero = distinct[distinct["total"] == 0]
    assert len(zero) == mess["failed_readings"]
    assert (zero[list(schema.PILLARS)] == 0).all(axis=None)
    assert zero[["industry_rank", "network_rank"]].isna().all(axis=None)
    employed = 105 * SELLERS - sum(week for week in JOINERS.values()) - sum(104 - week for week in LEAVERS.values())
    sellers = distinct[distinct["person"].isin(people["linkedin_name"].iloc[:SELLERS])]
    assert len(sellers.drop_duplicates(["person", "date"])) == employed - mess["weeks_without_a_reading"]


def test_the_later_reading_of_a_day_is_the_true_one(sample, people):
    """Keeping the last row of each day gives the simulated score wherever there is a reading."""
    ssi = sample.tables["ssi"]
    last = ssi[ssi["total"] > 0].drop_duplicates(["person", "date"], keep="last")
    number = {name: i for i, name in enumerate(people["linkedin_name"].iloc[:SELLERS])}
    last = last[last["person"].isin(number)]
    column = ((last["date"] - FIRST).dt.days // 7 + 1).to_numpy() - sample.world.week[0]
    assert (sample.world.score[last["person"].map(number).to_numpy(), column] == last["total"].to_numpy()).all()


def test_events_come_twice_as_often_as_the_truth_says(sample, crm):
    """Exact repetitions aside, each case has one event of a kind."""
    assert crm.duplicated().sum() == sample.truth["mess"]["events_twice"] == EVENTS_TWICE
    assert not crm.drop_duplicates().duplicated(["kind", "deal"]).any()
    assert sample.tables["activity"].duplicated().sum() == sample.truth["mess"]["counts_twice"]


def test_quotas_are_for_sellers_and_whole_quarters_of_employment(sample, people):
    """Nobody has a quota for a quarter in which he came or left."""
    quotas = sample.tables["quotas"].merge(people[["person", "hired_on", "left_on"]], on="person")
    assert (quotas["hired_on"] <= quotas["period_start"]).all()
    assert not (quotas["left_on"] < quotas["period_end"] - pd.Timedelta(days=3)).any()
    assert quotas["person"].nunique() == SELLERS
    assert (quotas["quota"] >= 500).all()


def test_part_of_the_sellers_get_a_licence(people):
    """About a third has a date, within his employment."""
    licence = people["licence_start"]
    assert 10 <= licence.notna().sum() <= 16
    assert (licence.dropna() > people["hired_on"][licence.notna()]).all()


def test_the_truth_is_an_activity_gauge(sample):
    """The score adds nothing to activity, and the file says so."""
    truth = sample.truth
    assert truth["world"] == "sample"
    assert truth["people"] == 40
    assert truth["verdict"]["overall"] == (schema.ACTIVITY_GAUGE,)
    assert set(truth["beta_D"].values()) == {0.0}
    assert truth["parameters"]["activity_on_inquiries"] == 0.5
