"""What `check` says can be tested, what is missing, and in which weeks who is covered."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from ssi_audit import check
from ssi_audit.claim_data import Case
from ssi_audit.claim_needs import missing_for
from ssi_audit.claims import load_claims, test_claims
from ssi_audit.cli import main
from ssi_audit.settings import Settings
from ssi_audit.world_tables import world_tables, write_plain
from ssi_audit.worlds import make_world
from tests.unit.claim_panels import log_of, panel, tables_beside
from tests.unit.small_tables import day, event, reading, tables

ALWAYS = {"can-be-gamed", "network-inflates"}  # the worlds have neither reach nor connections


@pytest.fixture(scope="module")
def world():
    """Tables of a world with licences, hiring dates and quotas."""
    return world_tables(make_world("licence_only", 4, 30, seed=2))


def found(folder, world, **changes) -> check.Check:
    """Check a world of which some tables or columns are changed."""
    write_plain({name: table for name, table in {**world, **changes}.items() if table is not None}, folder)
    return check.check_folder(folder, Settings())


def lacking(result: check.Check) -> dict[str, str]:
    """Claims that cannot be tested → what is missing."""
    return {claim: why for claim, why in result.claims.items() if why}


def test_a_wrong_hiring_date_is_not_silent():
    """Who was hired after most of his readings loses them in the panel; one event after somebody left is no news."""
    given = tables(
        ssi=[reading(person, day(k), 50) for person in ("P1", "P2") for k in range(12)],
        crm=[event(person, day(k, 2), "meeting") for person in ("P1", "P2") for k in range(12)],
        people=[{"person": "P1", "hired_on": day(9)}, {"person": "P2", "left_on": day(11)}],
    )
    (note,) = check.outside_employment(given)
    assert "people.csv: 18 readings and CRM events are dated before the hired_on of their seller (sellers: 1)" in note


def test_all_claims_are_judged(world, tmp_path):
    """Twenty-two claims; of a world with everything but reach and connections, two lack them."""
    result = found(tmp_path, world)
    assert set(result.claims) == {claim.id for claim in load_claims()}
    assert set(lacking(result)) == ALWAYS
    assert "content analytics export (xlsx)" in result.claims["can-be-gamed"]
    assert "Connections.csv" in result.claims["network-inflates"]


def without(world, kind: str) -> dict:
    """The CRM events but for one kind."""
    return {"crm_events": world["crm_events"][world["crm_events"]["kind"] != kind]}


MISSING = {
    "licence-lifts-ssi": (
        lambda w: {"people": w["people"].assign(licence_start=pd.NaT)},
        "licence_start in people.csv",
    ),
    "beginners-only": (lambda w: {"people": w["people"].assign(hired_on=pd.NaT)}, "hired_on in people.csv"),
    "quota": (lambda w: {"quotas": None}, "quotas.csv"),
    "measures-activity": (lambda w: {"activity": None}, "usage report or LinkedIn archives"),
    "every-pillar-counts": (lambda w: {"ssi": w["ssi"].assign(people=np.nan)}, "no reading of people"),
    "watch-these-instead": (lambda w: without(w, "deal_won"), "kind deal_won"),
    "early-funnel": (
        lambda w: {"crm_events": w["crm_events"].assign(deal="", started=pd.NaT)},
        "columns deal or started of crm_events",
    ),
}


@pytest.mark.parametrize("claim", MISSING)
def test_what_is_missing_is_named(claim, world, tmp_path):
    """The claim that needs a file or column names it where it is not there."""
    take_out, named = MISSING[claim]
    assert named in found(tmp_path, world, **take_out(world)).claims[claim]


def test_without_any_reading_nothing_can_be_tested(world, tmp_path):
    """No panel, no claim: all of them say why."""
    result = found(tmp_path, world, ssi=None)
    assert set(result.claims.values()) == {result.problem}
    assert "no SSI reading was found" in result.problem


def variants() -> dict:
    """Panels that lack something, with their tables."""
    whole = panel(n=12, weeks=40)
    counts = whole["act_engagements"].to_numpy()
    logged = log_of(whole, comments=counts)
    no_time = whole.assign(tenure_weeks=np.nan, brand=np.nan)
    no_ends = panel(n=12, weeks=40, missing={"win_rate": "no ends", "deals": "no deals", "revenue": "no money"})
    return {
        "whole": (whole, tables_beside(whole, logged)),
        "no activity": (panel(n=12, weeks=40, types=()), tables_beside(whole)),
        "no tenure, no brand": (no_time, tables_beside(no_time, logged)),
        "no deals": (no_ends, tables_beside(no_ends, logged)),
    }


@pytest.mark.parametrize("name", ["whole", "no activity", "no tenure, no brand", "no deals"])
def test_check_and_report_agree(name):
    """A claim lacks something here exactly where its test, after all the fitting, says "not testable", and why."""
    frame, beside = variants()[name]
    case = Case(frame, beside, Settings())
    said = {claim.id: missing_for(claim, case) for claim in load_claims()}
    tested = {result.id: result for result in test_claims(frame, beside, Settings())}
    for claim, why in said.items():
        assert (tested[claim].state == "not_testable") == bool(why), claim
        if why:
            assert tested[claim].reason.rstrip(".").lower() == why.lower()


def covered() -> check.Coverage:
    """Two people over ten weeks: one with a gap of four weeks, one with a single reading and no activity."""
    weeks = [0, 1, 2, 3, 8, 9]
    return check.coverage(
        tables(
            ssi=[*(reading("P1", day(week), 50) for week in weeks), reading("P2", day(5), 40)],
            activity=[
                {"person": "P1", "date": day(week), "metric": "posts", "count": 0, "first_day": None}
                for week in range(5)
            ],
        )
    )


def test_a_gap_is_seen():
    """Four weeks are a letter: all, none, some; the person with most gaps stands first."""
    found = covered()
    assert (found.first, found.last, found.weeks, found.per_mark) == ("2025-01-06", "2025-03-10", 10, 4)
    assert found.people.index.tolist() == ["P2", "P1"]
    assert found.people["score_marks"].to_dict() == {"P1": "# #", "P2": " . "}
    assert found.people["activity_marks"].to_dict() == {"P1": "#. ", "P2": "   "}
    assert found.people["score"].to_dict() == {"P1": 6, "P2": 1}


def test_years_fit_a_line():
    """Ten years of weeks are drawn in no more letters than a strip has."""
    found = check.coverage(tables(ssi=[reading("P1", day(week), 50) for week in range(0, 520, 2)]))
    assert found.per_mark == 20
    assert len(found.people["score_marks"].iloc[0]) == 26
    assert set(found.people["score_marks"].iloc[0]) == {":"}


def test_people_are_codes(world, tmp_path, capsys):
    """The terminal shows codes, and names only where the settings ask for them."""
    write_plain(world, tmp_path)
    assert main(["check", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "P001 |" in shown
    assert not any(name in shown for name in world["people"]["person"])
    (tmp_path / "ssi-audit.toml").write_text("show_names = true\n", encoding="utf-8")
    assert main(["check", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in world["people"]["person"])


def test_what_is_shown_and_what_machines_get_agree(world, tmp_path, capsys):
    """Claims, coverage and totals of --json are those of the text; nothing is written."""
    write_plain(world, tmp_path)
    before = sorted(path.name for path in tmp_path.rglob("*"))
    assert main(["check", str(tmp_path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [claim["id"] for claim in facts["claims"] if not claim["testable"]] == sorted(ALWAYS)
    assert facts["coverage"][0] == {"person": "P001", "score": 31, "activity": 43}
    assert main(["check", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "Published claims: 20 of 22 can be tested with these files" in shown
    assert "not testable: network-inflates\n    -> no connections_added in the files" in shown
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_only_rows_of_one_side_are_not_a_crash():
    """People with activity and no score have an empty strip; without either there is no picture."""
    some = tables(
        activity=[{"person": "P1", "date": day(0), "metric": "posts", "count": 1, "first_day": None}],
        crm=[event("P1", day(0), "meeting")],
    )
    assert check.coverage(some).people["score_marks"].to_dict() == {"P1": " "}
    assert check.coverage(tables(crm=[event("P1", day(0), "meeting")])).weeks == 0
