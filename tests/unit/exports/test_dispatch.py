"""A folder of anything: what is recognised, what is listed, what stops the run."""

from __future__ import annotations

import pytest

import ssi_audit
from ssi_audit.errors import DataError
from ssi_audit.exports import header_words, readers
from tests.unit.exports.folders import SSI_HEADER, complaint, fates, fill, named, reading

ROW = "Ann Lee,2026-03-02,10,10,10,10,40\n"
SSI = f"{SSI_HEADER}\n{ROW}"


def test_every_reader_keeps_the_contract():
    """A reader has a kind, header words, recognises and read; one that claims folders also reads them."""
    assert {"plain", "ssi_answer", "ssi_page", "ssi_log"} <= {
        reader.__name__.rpartition(".")[2] for reader in readers()
    }
    for reader in readers():
        assert isinstance(reader.KIND, str)
        assert all(isinstance(word, str) for word in reader.HEADER_WORDS)
        assert hasattr(reader, "claims") == hasattr(reader, "read_folder")
    assert "relationships" in header_words()


def test_public_name(tmp_path):
    """`ssi_audit.read_exports` returns the tables."""
    assert len(ssi_audit.read_exports(fill(tmp_path, {"ssi.csv": SSI})).ssi) == 1


def test_all_problems_of_all_files_come_at_once(tmp_path):
    """Nothing is raised before the last file was looked at."""
    text = complaint(
        tmp_path,
        {
            "a/ssi.csv": f"{SSI_HEADER}\nAnn Lee,2026-03-02,27.5,10,10,10,40\n",
            "b/ssi.csv": f"{SSI_HEADER}\nAnn Lee,tomorrow,10,10,10,10,140\n",
        },
    )
    assert 'a/ssi.csv: 1 problem\n  row 2, "brand" = 27.5: a pillar cannot exceed 25' in text
    assert 'b/ssi.csv: 2 problems\n  row 2, "date" = tomorrow is not a date' in text
    assert text.endswith("Nothing was run. Fix this and run the same command again.")


def test_many_bad_cells_are_counted_not_listed(tmp_path):
    """The first five are shown, and how many more there are."""
    text = complaint(tmp_path, {"ssi.csv": f"{SSI_HEADER}\n" + "Ann Lee,soon,10,10,10,10,40\n" * 1000})
    assert text.count("soon") == 5
    assert "and 995 more rows" in text


def test_unreadable_files_can_be_left_out(tmp_path):
    """With skip_unreadable the others are read, and the ledger says what was left out and why."""
    bad = f"{SSI_HEADER}\nAnn Lee,2026-03-02,27.5,10,10,10,40\n"
    read = reading(tmp_path, {"a.csv": SSI, "b.csv": bad}, skip_unreadable=True)
    assert len(read.tables.ssi) == 1
    assert fates(read, "b.csv") == [(1, 1, "skipped", "unreadable")]
    assert any("b.csv was left out" in note for note in read.tables.notes)


def test_unknown_tables_are_listed_with_their_rows(tmp_path):
    """A file no reader knows is no error: its rows are in the ledger, its columns in a note."""
    read = reading(
        tmp_path, {"ssi.csv": SSI, "stock.csv": 'sku,shelf\n1,"2\n2,3\n', "photo.png": b"\x89PNG\r\n\x1a\n00"}
    )
    assert fates(read, "stock.csv") == [(1, 2, "skipped", "not recognised")]
    assert fates(read, "photo.png") == [(0, 0, "skipped", "not an export")]
    assert any("stock.csv is not a file this program knows (columns: sku, shelf)" in note for note in read.tables.notes)


def test_file_order_does_not_matter(tmp_path):
    """The same rows split over files of other names give the same tables."""
    rows = [
        f"{name},2026-03-{day:02d},10,10,10,{day % 20},{30 + day % 20}\n"
        for name in ("Ann", "Bo")
        for day in range(1, 21)
    ]
    one = reading(tmp_path / "1", {"a.csv": f"{SSI_HEADER}\n{''.join(rows)}"})
    two = reading(
        tmp_path / "2",
        {"z.csv": f"{SSI_HEADER}\n{''.join(rows[:15])}", "b/q.csv": f"{SSI_HEADER}\n{''.join(reversed(rows[15:]))}"},
    )
    assert named(one, "ssi") == named(two, "ssi")
    assert one.tables.people.equals(two.tables.people)


def test_fingerprint_is_of_names_and_bytes(tmp_path):
    """The same files give the same fingerprint, another byte another one."""
    first = reading(tmp_path / "1", {"ssi.csv": SSI}).tables.fingerprint
    assert reading(tmp_path / "2", {"ssi.csv": SSI}).tables.fingerprint == first
    assert reading(tmp_path / "3", {"ssi.csv": SSI.replace("10,40", "11,41")}).tables.fingerprint != first


def test_missing_folder_is_named(tmp_path):
    """A folder that is not there is an error with its name."""
    with pytest.raises(DataError, match="nowhere: 1 problem\n  there is no such folder"):
        ssi_audit.read_exports(tmp_path / "nowhere")


def test_same_file_twice_counts_once(tmp_path):
    """A copy under another name is skipped as a whole."""
    read = reading(tmp_path, {"ssi.csv": SSI, "copies/ssi (1).csv": SSI})
    assert len(read.tables.ssi) == 1
    assert [fates(read, name)[0][3] for name in ("copies/ssi (1).csv", "ssi.csv")] == ["", "the same file again"]


def test_ledger_adds_up_to_the_rows_received(tmp_path):
    """Used, repaired, skipped and unmatched rows of a file are its data rows, blank and trailer lines included."""
    rows = f"{ROW}\n{SSI_HEADER}\nNobody,2026-03-02,0,0,0,0,0\n,2026-03-02,1,1,1,1,4\nBo,2026-03-02,1,1,1,1,\nTotal\n\n"
    read = reading(tmp_path, {"ssi.csv": f"{SSI_HEADER}\n{rows}"})
    assert fates(read, "ssi.csv") == [
        (2, 2, "used", ""),
        (3, 3, "skipped", "blank line"),
        (4, 4, "skipped", "repeated header"),
        (5, 5, "skipped", "failed reading (all zero)"),
        (6, 6, "skipped", "no owner"),
        (7, 7, "repaired", "the total is missing: the sum of the four pillars"),
        (8, 8, "skipped", "trailer line"),
        (9, 9, "skipped", "blank line"),
    ]
