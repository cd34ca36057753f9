"""One person in several systems counted once; namesakes apart; proposals written, and taken only when accepted."""

from __future__ import annotations

import csv

from ssi_audit.exports.write import REVIEW_FILE, write_plain
from ssi_audit.people import LOOKS_ALIKE, NAMESAKES, OTHER_ID, TECHNICAL, UNKNOWN
from tests.unit.exports.crm_files import events, rows_of, sheet_text
from tests.unit.exports.folders import SSI_HEADER, named, reading

SALESFORCE = ("Opportunity Owner", "Opportunity Name", "Stage", "Close Date", "Created Date", "Opportunity Owner ID")
HUBSPOT = ("Record ID", "Deal Name", "Deal Stage", "Create Date", "Deal owner")
PIPEDRIVE = ("Deal - ID", "Deal - Title", "Deal - Owner", "Deal - Status", "Deal - Deal created")
DYNAMICS = ("(Do Not Modify) Opportunity", "(Do Not Modify) Row Checksum", "(Do Not Modify) Modified On", "Topic",
            "Status", "Owner", "Created On")  # fmt: skip
ZOHO = ("Record Id", "Deal Owner.id", "Deal Name", "Stage", "Closing Date", "Created Time")


def in_every_system(salesforce="Ada Berg", hubspot="Ada Berg", pipedrive="Ada Berg", dynamics="Ada Berg", zoho="101"):
    """Files in which each system has one open deal of a seller as that system calls her, and a sheet of scores."""
    return {
        "salesforce.csv": sheet_text(SALESFORCE, (salesforce, "A", "Open", "", "2026-01-01", "0055g00000AdaBe")),
        "hubspot.csv": sheet_text(HUBSPOT, ("1", "B", "Contract sent", "2026-01-02", hubspot)),
        "pipedrive.csv": sheet_text(PIPEDRIVE, ("2", "C", pipedrive, "Open", "2026-01-03 10:00:00")),
        "dynamics.csv": sheet_text(DYNAMICS, ("g", "s", "2026-01-04", "D", "Open", dynamics, "2026-01-04")),
        "zoho.csv": sheet_text(ZOHO, ("zcrm_9", f"zcrm_{zoho}", "E", "Negotiation", "", "2026-01-05 10:00:00")),
        "ssi.csv": f"{SSI_HEADER}\nAda Berg,2026-03-02,10,10,10,10,40\n",
    }


def owners(read) -> list[str]:
    """Owners of the deals, in the order of their days."""
    return [row[1] for row in events(read, "date", "person")]


def test_one_person_in_all_systems_is_one(tmp_path):
    """Casing, accents, "Last, First", a title, an address, ids: people.csv knows her by all of them."""
    people = (
        "person,email,salesforce_user_id,pipedrive_user,zoho_owner_id\n"
        "Ada Berg,ada@birch.example,0055g00000AdaBeAAG,A. B.,101\n"
    )
    files = in_every_system("ÁDA  BERG", "ada@birch.example", "A. B.", "Berg, Ada", "101")
    read = reading(tmp_path, files | {"people.csv": people})
    assert owners(read) == ["Ada Berg"] * 5
    people = read.tables.people
    assert people[["name", "in_ssi", "in_crm"]].to_numpy().tolist() == [["Ada Berg", True, True]]


def test_without_people_csv_equal_names_are_one(tmp_path):
    """The systems that name her agree after folding; the one that only has an id is left unmatched."""
    read = reading(tmp_path, in_every_system("ÁDA BERG", "ada berg", "Ada Berg", "Berg, Ada"))
    assert len(read.tables.people) == 1
    assert len(owners(read)) == 4
    assert rows_of(read, "zoho.csv") == {"no people.csv says who this is": 1}


def test_namesakes_are_told_apart_by_their_ids(tmp_path):
    """Two of one name: the id matches one, the name alone matches nobody and is listed."""
    people = (
        "person,email,salesforce_user_id\nAda Berg,a1@birch.example,0055g00000AdaBe\n"
        "Ada Berg,a2@birch.example,0055g00000Other\n"
    )
    files = in_every_system(zoho="")
    read = reading(tmp_path, {name: files[name] for name in ("salesforce.csv", "hubspot.csv")} | {"people.csv": people})
    person = read.tables.people.set_index("email").loc["a1@birch.example", "person"]
    assert read.tables.crm_events["person"].tolist() == [person]
    assert rows_of(read, "hubspot.csv") == {NAMESAKES: 1}
    assert len(read.proposals) == 0


def test_a_name_with_another_id_is_not_the_same_person(tmp_path):
    """The name fits, the id is somebody else's: unmatched, with a proposal to look at."""
    people = "person,salesforce_user_id\nAda Berg,0055g00000Other\n"
    files = {"salesforce.csv": in_every_system()["salesforce.csv"], "people.csv": people}
    read = reading(tmp_path, files)
    assert rows_of(read, "salesforce.csv") == {OTHER_ID: 1}
    assert read.proposals[["received", "person", "reason"]].to_numpy().tolist() == [["Ada Berg", "Ada Berg", OTHER_ID]]


def test_technical_owners_are_left_out(tmp_path):
    """Owners that are no people are skipped with that reason, are nobody's proposal and nobody's row."""
    nobodies = ("Integration User", "Automated Process", "HubSpot", "system administrator", "Queue")
    rows = [(str(at), "B", "Contract sent", "2026-01-02", owner) for at, owner in enumerate(nobodies)]
    read = reading(tmp_path, {"hubspot.csv": sheet_text(HUBSPOT, *rows), "people.csv": "person\nAda Berg\n"})
    assert rows_of(read, "hubspot.csv") == {TECHNICAL: len(nobodies)}
    assert len(read.proposals) == 0
    assert len(read.unmatched["crm_events"]) == 0


def test_proposals_are_written_and_taken_when_accepted(tmp_path):
    """A near name is proposed, not merged; a yes in the file makes it a fact; no, or nothing, leaves it."""
    files = in_every_system("Ada Bergh", "Ada B.", "Qwerty Zzz", "Ada Berg") | {"people.csv": "person\nAda Berg\n"}
    read = reading(tmp_path / "data", files)
    assert owners(read) == ["Ada Berg"]
    assert rows_of(read, "salesforce.csv") == {UNKNOWN: 1}
    write_plain(read, tmp_path / "out")
    lines = list(csv.DictReader((tmp_path / "out" / REVIEW_FILE).open(encoding="utf-8", newline="")))
    found = {line["received"]: line for line in lines}
    assert {name: found[name]["person"] for name in ("Ada Bergh", "Ada B.", "Qwerty Zzz")} == {
        "Ada Bergh": "Ada Berg", "Ada B.": "Ada Berg", "Qwerty Zzz": "",
    }  # fmt: skip
    assert found["Ada Bergh"]["files"] == "salesforce.csv"
    assert int(found["Ada Bergh"]["similarity"]) >= 90
    assert {line["accept"] for line in lines} == {""}
    found["Ada Bergh"]["accept"], found["Ada B."]["accept"] = "yes", "no"
    with (tmp_path / "data" / REVIEW_FILE).open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, list(lines[0]))
        out.writeheader()
        out.writerows(lines)
    again = reading(tmp_path / "data")
    assert owners(again) == ["Ada Berg", "Ada Berg"]
    assert "Ada Bergh" not in set(again.proposals["received"])
    assert "Ada B." in set(again.proposals["received"])


def test_without_people_csv_two_spellings_are_proposed_as_one_person(tmp_path):
    """A spelling with scores and one with deals look alike: proposed, and counted as two until accepted."""
    files = {
        "ssi.csv": in_every_system()["ssi.csv"],
        "hubspot.csv": in_every_system(hubspot="Ada Bergh")["hubspot.csv"],
    }
    read = reading(tmp_path / "1", files)
    assert len(read.tables.people) == 2
    assert set(read.proposals["reason"]) == {LOOKS_ALIKE}
    review = read.proposals.assign(accept="tak").to_csv(index=False)
    assert len(reading(tmp_path / "2", files | {REVIEW_FILE: review}).tables.people) == 1


def test_people_who_are_in_the_same_table_are_not_proposed_as_one(tmp_path):
    """Two sellers in one CRM are two sellers, however alike their names."""
    rows = [("1", "B", "Contract sent", "2026-01-02", name) for name in ("Ada Berg", "Ada Bergh")]
    read = reading(
        tmp_path, {"hubspot.csv": sheet_text(HUBSPOT, *[(str(at), *row[1:]) for at, row in enumerate(rows)])}
    )
    assert len(read.tables.people) == 2
    assert len(read.proposals) == 0


def test_what_load_writes_is_read_again_as_the_same(tmp_path):
    """Events of several systems, an unmatched owner and a namesake survive the way through the plain files."""
    people = "person,email\nAda Berg,a1@birch.example\nAda Berg,a2@birch.example\nEve Holm,eve@birch.example\n"
    files = in_every_system("Eve Holm", "a1@birch.example", "Stranger One", "a2@birch.example")
    files["ssi.csv"] = f"{SSI_HEADER}\nEve Holm,2026-03-02,10,10,10,10,40\n"
    first = reading(tmp_path / "data", files | {"people.csv": people})
    write_plain(first, tmp_path / "out")
    again = reading(tmp_path / "out")
    assert named(again, "crm_events") == named(first, "crm_events")
    assert again.tables.crm_events["person"].tolist() == first.tables.crm_events["person"].tolist()
    assert len(again.unmatched["crm_events"]) == len(first.unmatched["crm_events"]) == 2
