"""The shared fixtures and real files: exactly the rows that a correct loader gets."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.unit.exports.folders import SHARED, named, needs_shared, reading

pytestmark = [pytest.mark.shared, needs_shared]

OURS = [
    "ssi/ssi_nora-whitfield_2026-03-02.json",
    "ssi/ssi_priya-raman_2026-03-02.json",
    "ssi/ssi_page_ines-duarte_2026-03-02.html",
    "ssi/ssi_history_tom-okafor.csv",
    "ssi/ssiHistory_nora-whitfield.json",
    "ssi/linkedin-activity-priya-raman.csv",
    "ssi/team_ssi_sheet.csv",
]
# brand, people, insights, relationships, shown total, industry and network rank: the README of the set.
NINE_DAYS = {
    "2026-04-27": (20.973, 6.38, 10.25, 15, 53, 10, 12),
    "2026-05-12": (21.048, 6.5, 10.25, 15, 53, 10, 12),
    "2026-05-13": (21.048, 6.5, 9.5, 15, 52, 10, 13),
    "2026-05-14": (20.998, 6.5, 9.55, 15, 52, 10, 13),
    "2026-05-15": (20.998, 6.5, 10.25, 15, 53, 10, 12),
    "2026-05-16": (20.998, 6.4, 10.25, 15, 53, 10, 12),
    "2026-05-17": (20.998, 6.4, 10.25, 15, 53, 10, 12),
    "2026-05-18": (20.998, 6.4, 10.25, 15, 53, 10, 12),
    "2026-05-19": (20.998, 6.4, 10.25, 15, 53, 9, 11),
}


@pytest.fixture(scope="module")
def expected() -> dict:
    """The rows of each fixture."""
    return json.loads((SHARED / "fixtures" / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("with_people", [True, False], ids=["people.csv", "names of files"])
@pytest.mark.parametrize("name", OURS)
def test_fixture_gives_the_expected_rows(name, with_people, expected, tmp_path):
    """Each file alone in its folder, with the team's people.csv and without."""
    (tmp_path / name).parent.mkdir(parents=True)
    shutil.copy(SHARED / "fixtures" / name, tmp_path / name)
    if with_people:
        shutil.copy(SHARED / "fixtures" / "people.csv", tmp_path)
    read = reading(tmp_path)
    facts = expected[name]
    for table, key in (("ssi", "ssi_rows" if "ssi_rows" in facts else "rows"), ("activity", "activity_rows")):
        got = {row[:3] if table == "activity" else row[:2]: row for row in named(read, table)}
        rows = [tuple(row.values()) for row in facts.get(key, [])]
        assert len(got) == len(rows)
        for row in rows:
            known = got[row[:3] if table == "activity" else row[:2]]
            assert known[: len(row)] == pytest.approx(row, abs=1e-6)
    assert not set(facts.get("missing", [])) & {row[1] for row in named(read, "ssi")}


def test_real_tracker_log_has_ten_good_rows(tmp_path):
    """The log of a tool: four failed readings of fourteen, totals 41, 47 and 49."""
    shutil.copytree(SHARED / "data" / "ssi_tracker_log", tmp_path / "some-body")
    read = reading(tmp_path)
    assert [row[6] for row in named(read, "ssi")] == [41, *[47] * 6, *[49] * 3]
    own = read.tables.ledger[read.tables.ledger["file"] == "some-body/ssi_history.csv"]
    assert own.groupby("status")["rows"].sum().to_dict() == {"skipped": 4, "used": 10}


def test_nine_real_days_in_portuguese(tmp_path):
    """Own pillars, never the averages of industry and network; both spellings of the sections."""
    shutil.copytree(SHARED / "data" / "ssi_daily_pt", tmp_path / "some-body")
    assert {row[1]: row[2:] for row in named(reading(tmp_path), "ssi")} == NINE_DAYS


def test_days_of_nobody_are_kept_apart(tmp_path):
    """Without a name the nine days are unmatched, not lost, until the settings say whose they are."""
    shutil.copytree(SHARED / "data" / "ssi_daily_pt", tmp_path, dirs_exist_ok=True)
    read = reading(tmp_path)
    assert len(read.tables.ssi) == 0
    assert len(read.unmatched["ssi"]) == 9
    assert len(reading(tmp_path, persons={"ssi_*": "Ann Lee"}).tables.ssi) == 9
