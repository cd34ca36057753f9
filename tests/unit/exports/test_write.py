"""`load`: what is written reads again to the same tables, safe to open, all or nothing."""

from __future__ import annotations

import csv

import pandas as pd
import pytest

from ssi_audit.errors import DataError
from ssi_audit.exports import read_folder
from ssi_audit.exports.write import write_plain
from tests.unit.exports.folders import SSI_HEADER, fates, named, reading

FILES = {
    "people.csv": "person,email,team,hired_on,left_on,pipedrive_user,aliases\n"
    "Ann Lee,ann@x.example,North,2019-05-06,,A. L.,Annie\n"
    "Bo Ray,bo@x.example,South,,2026-01-31,,\nAnna Nowak,n1@x.example,,,,,\nAnna Nowak,n2@x.example,,,,,\n",
    "ssi.csv": f"{SSI_HEADER},industry_rank\nAnn Lee,2026-03-02,8.750002,19.813,1.234,10,39.797,5\n"
    "Annie,2026-03-09,10,10,10,10,40,\nStranger,2026-03-02,10,10,10,10,40,7\nn1@x.example,2026-03-02,1,2,3,4,10,1\n",
    "activity.csv": "person,date,metric,count,first_day\nBo Ray,2026-03-02,posts,1234,\n"
    "Bo Ray,2026-03-31,searches,84,2026-03-01\n",
    "crm_events.csv": "person,date,kind,amount,currency,source,deal,started\n"
    'A. L.,2026-03-02,deal_won,1.234,EUR,"=HYPERLINK(""x"")",@D1,2026-01-02\nBo Ray,2026-03-02,inquiry,,,\'+x,,\n',
    "quotas.csv": "person,period_start,period_end,quota,currency\nAnn Lee,2026-01-01,2026-03-31,100000,EUR\n",
    "absences.csv": "person,first_day,last_day\nBo Ray,2026-02-01,2026-02-07\n",
}
TABLES = ("ssi", "activity", "crm_events", "people", "quotas", "absences")


def loaded(tmp_path, files=FILES, **settings):
    first = reading(tmp_path / "in", files, **settings)
    write_plain(first, tmp_path / "out")
    return first, read_folder(tmp_path / "out")


def test_output_reads_again_to_the_same_tables(tmp_path):
    """Every table, codes, namesakes, unmatched rows and all, comes back equal."""
    first, again = loaded(tmp_path, decimal=".")
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(first.tables, table), getattr(again.tables, table))
    for table, frame in first.unmatched.items():
        pd.testing.assert_frame_equal(frame, again.unmatched[table])
    assert first.unmatched["ssi"]["person"].tolist() == ["Stranger"]


def test_output_without_people_csv_reads_again_to_the_same_tables(tmp_path):
    """The people found in the files are written down and keep their codes."""
    files = {name: text for name, text in FILES.items() if name not in ("people.csv", "crm_events.csv")}
    first, again = loaded(tmp_path, files)
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(first.tables, table), getattr(again.tables, table))
    assert [name for name in again.tables.notes if "people.csv" in name] == []


def test_persons_are_named_as_in_people_csv(tmp_path):
    """Aliases become the name; namesakes what tells them apart; strangers stay as received."""
    loaded(tmp_path, decimal=".")
    persons = pd.read_csv(tmp_path / "out" / "ssi.csv")["person"]
    assert sorted(persons) == ["Ann Lee", "Ann Lee", "Stranger", "n1@x.example"]


def test_no_cell_can_run_as_a_formula(tmp_path):
    """Text that a spreadsheet would execute gets an apostrophe, and loses it when read."""
    first, _ = loaded(tmp_path, decimal=".")
    assert {row[5] for row in named(first, "crm_events")} == {'=HYPERLINK("x")', "+x"}
    for path in (tmp_path / "out").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as lines:
            for row in csv.reader(lines):
                assert not any(cell[:1] in ("=", "+", "@", "\t", "\r") for cell in row), (path.name, row)


def test_numbers_leave_no_question(tmp_path):
    """A lone 1.234 is written so that no point can be taken for grouping."""
    loaded(tmp_path, decimal=".")
    assert "1.2340" in (tmp_path / "out" / "crm_events.csv").read_text(encoding="utf-8")


def test_strangers_come_with_a_review_file(tmp_path):
    """people-review.csv lists them; a line marked yes counts in the next run."""
    loaded(tmp_path, decimal=".")
    review = (tmp_path / "out" / "people-review.csv").read_text(encoding="utf-8")
    assert review.splitlines()[1].startswith(",Stranger,")
    accepted = "accept,received,person\nyes,Stranger,Bo Ray\nno,Annie,Bo Ray\n"
    read = reading(tmp_path / "in", {"people-review.csv": accepted}, decimal=".")
    assert [row[0] for row in named(read, "ssi")].count("Bo Ray") == 1
    assert fates(read, "people-review.csv") == [(2, 2, "used", ""), (3, 3, "skipped", "proposal not accepted")]


def test_second_load_replaces_only_its_own_files(tmp_path):
    """Files of an earlier load that are not made again go; what others put there stays."""
    loaded(tmp_path, decimal=".")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    (tmp_path / "in" / "quotas.csv").unlink()
    write_plain(reading(tmp_path / "in", decimal="."), tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert "notes.txt" in names
    assert "quotas.csv" not in names


def test_failed_write_leaves_the_old_files(tmp_path, monkeypatch):
    """When writing fails nothing of the old output is touched and no litter stays."""
    first, _ = loaded(tmp_path, decimal=".")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}

    def full(*args, **kwargs):
        raise OSError("no space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OSError, match="no space left"):
        write_plain(first, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_input_is_never_written_into(tmp_path):
    """The data folder itself, and a folder in it, are refused."""
    read = reading(tmp_path, {"ssi.csv": FILES["ssi.csv"]})
    for out in (tmp_path, tmp_path / "out"):
        with pytest.raises(DataError, match="lies in the data folder itself"):
            write_plain(read, out)
