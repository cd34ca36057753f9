"""The shared CRM fixtures and the real CRM data: exactly the rows that their READMEs promise."""

from __future__ import annotations

import json
import shutil

import pytest

from ssi_audit.exports import crm
from ssi_audit.exports.table import BLANK_LINE, TRAILER
from ssi_audit.people import NO_OWNER
from tests.unit.exports.crm_files import events, rows_of
from tests.unit.exports.folders import SHARED, needs_shared, reading

pytestmark = [pytest.mark.shared, needs_shared]

FIXTURES, DATA = SHARED / "fixtures", SHARED / "data"
EXPECTED = json.loads((FIXTURES / "expected.json").read_text(encoding="utf-8")) if FIXTURES.is_dir() else {}
CRM = sorted(name for name in EXPECTED if name.startswith("crm/"))
FIELDS = ("person", "date", "kind", "amount", "currency", "source")


def copied(name: str, folder) -> None:
    """A fixture, file or folder, alone in a folder."""
    source = FIXTURES / name
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, folder / name) if source.is_dir() else shutil.copy(source, folder / name)


@pytest.mark.parametrize("with_people", [True, False], ids=["people.csv", "names in the files"])
@pytest.mark.parametrize("name", CRM)
def test_a_fixture_gives_the_expected_events(name, with_people, tmp_path):
    """Each export alone, with the team's people.csv and without; the fixtures' only short name is Pipedrive's Tom O."""
    copied(name, tmp_path)
    if with_people:
        shutil.copy(FIXTURES / "people.csv", tmp_path)
    read = reading(tmp_path)
    wanted = [tuple(row[field] for field in FIELDS) for row in EXPECTED[name]["rows"]]
    if "pipedrive" in name and not with_people:
        wanted = [("Tom O." if row[0] == "Tom Okafor" else row[0], *row[1:]) for row in wanted]
    assert events(read, *FIELDS) == sorted(wanted, key=str)
    assert all(len(frame) == 0 for frame in read.unmatched.values())


def test_every_row_of_the_fixtures_has_a_fate(tmp_path):
    """What is not used is told: trailers, blank lines, deals of nobody, deleted rows, private events."""
    for name in CRM:
        copied(name, tmp_path / name.replace("/", " "))
    read = {name: reading(tmp_path / name.replace("/", " ")) for name in CRM}

    def fates(name: str, file: str = "") -> dict[str, int]:
        return rows_of(read[f"crm/{name}"], f"crm/{name}{file}")

    assert fates("salesforce_report1772442000123.csv") == {"used": 5, BLANK_LINE: 2, TRAILER: 5}
    assert fates("hubspot-crm-exports-all-deals-2026-03-02.csv") == {"used": 4, NO_OWNER: 1}
    assert fates("hubspot-meetings-2026-03-02.csv") == {"used": 2, crm.NOT_HELD: 2}
    assert fates("salesforce_data_export", "/Opportunity.csv") == {"used": 3, crm.DELETED: 1}
    assert sum(fates("salesforce_data_export", "/Event.csv").values()) == 4


def test_the_same_deals_in_all_systems_count_once(tmp_path):
    """Six systems tell the same few deals: three of them are in all, and what only one knows stays."""
    for name in CRM:
        copied(name, tmp_path)
    shutil.copy(FIXTURES / "people.csv", tmp_path)
    read = reading(tmp_path)
    ended = [row for row in events(read) if row[2] in ("deal_won", "deal_lost")]
    assert ended == [
        ("Nora Whitfield", "2026-02-25", "deal_lost"), ("Nora Whitfield", "2026-02-27", "deal_won"),
        ("Priya Raman", "2026-02-20", "deal_won"), ("Tom Okafor", "2026-03-02", "deal_won"),
    ]  # fmt: skip
    assert [row for row in events(read) if row[2] == "meeting"] == [
        ("Nora Whitfield", "2026-02-10", "meeting"), ("Nora Whitfield", "2026-02-17", "meeting"),
        ("Tom Okafor", "2026-02-10", "meeting"),
    ]  # fmt: skip
    assert len(read.tables.people) == 4


# --------------------------------------------------------------------------- real data


def counted(read) -> dict[str, int]:
    """Events by kind."""
    return read.tables.crm_events["kind"].value_counts().to_dict()


def test_maven_as_its_readme_says(tmp_path):
    """4,238 won, 2,473 lost, 8,300 opened; 30 sellers with rows, 35 with their list; no amount of a lost deal."""
    shutil.copytree(DATA / "maven_crm", tmp_path / "a", ignore=shutil.ignore_patterns("variants", "sales_teams*"))
    read = reading(tmp_path / "a")
    assert counted(read) == {"opportunity": 8300, "deal_won": 4238, "deal_lost": 2473}
    assert len(read.tables.people) == 30
    deals = read.tables.crm_events
    assert deals.loc[deals["kind"] == "deal_won", "amount"].sum() == 10_005_534
    assert deals.loc[deals["kind"] == "deal_lost", "amount"].isna().all()
    assert deals["currency"].isna().all()
    assert rows_of(read, "sales_pipeline.csv") == {"used": 8300, crm.OPEN_UNDATED: 500}
    shutil.copy(DATA / "maven_crm" / "sales_teams.csv", tmp_path / "a")
    people = reading(tmp_path / "a").tables.people
    assert len(people) == 35
    assert people["territory"].value_counts().to_dict() == {"West": 12, "East": 12, "Central": 11}


def test_maven_after_a_spreadsheet_program_gives_the_same_rows(tmp_path):
    """M/D/YYYY and LF instead of ISO and CRLF; both files together tell every deal once."""
    one, other = (
        DATA / "maven_crm" / "sales_pipeline.csv",
        DATA / "maven_crm" / "variants" / "sales_pipeline_us_dates.csv",
    )
    for folder, files in (("iso", [one]), ("us", [other]), ("both", [one, other])):
        (tmp_path / folder).mkdir()
        for file in files:
            shutil.copy(file, tmp_path / folder)
    iso, us, both = (reading(tmp_path / folder).tables for folder in ("iso", "us", "both"))
    assert us.crm_events.equals(iso.crm_events)
    assert both.crm_events.equals(iso.crm_events)


def test_olist_invents_nobody(tmp_path):
    """8,000 inquiries that belong to nobody, 842 won deals of 22 people; a revenue that was not asked is no amount."""
    shutil.copytree(DATA / "olist_funnel", tmp_path / "a")
    read = reading(tmp_path / "a")
    assert counted(read) == {"deal_won": 842}
    assert len(read.tables.people) == 22
    assert read.tables.crm_events["amount"].isna().all()
    assert read.unmatched["crm_events"]["kind"].value_counts().to_dict() == {"inquiry": 8000}
    assert set(read.unmatched["crm_events"]["person"]) == {""}
    assert rows_of(read, "olist_marketing_qualified_leads_dataset.csv") == {NO_OWNER: 8000}
    days = read.unmatched["crm_events"]["date"]
    assert (str(days.min().date()), str(days.max().date())) == ("2017-06-14", "2018-05-31")


def test_insurance_broker_as_its_readme_says(tmp_path):
    """34 meetings of nine executives; 49 open opportunities without a creation give no event; bills are left alone."""
    shutil.copytree(DATA / "insurance_broker", tmp_path / "a")
    read = reading(tmp_path / "a")
    assert counted(read) == {"meeting": 34}
    days = read.tables.crm_events["date"]
    assert (str(days.min().date()), str(days.max().date())) == ("2019-10-17", "2020-01-22")
    assert rows_of(read, "Opportunity.csv") == {crm.OPEN_UNDATED: 49}
    assert rows_of(read, "Invoice.csv") == {"not recognised": 204}
    assert read.tables.ledger.groupby("file")["rows"].sum().to_dict() == {
        "Individual_Budgets.csv": 10, "Invoice.csv": 204, "Opportunity.csv": 49, "brokerage.csv": 961, "fees.csv": 9,
        "meeting.csv": 34, "README.md": 0,
    }  # fmt: skip
