"""Folders, zips and kinds of files; what a file's name says."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from ssi_audit.exports.files import File, Folder, ReadingRules, open_folder
from ssi_audit.exports.text import Unreadable
from ssi_audit.settings import Settings
from tests.unit.exports.folders import SSI_HEADER, complaint, fates, fill, fill_zip, reading

RULES = ReadingRules(Settings())
ROW = "Ann Lee,2026-03-02,10,10,10,10,40\n"


def a_file(name: str, data: bytes = b"") -> File:
    return File(name, Folder(""), lambda: data, len(data), RULES)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "empty"), (b" \r\n", "empty"), (b"a,b\n1,2\n", "text"), ("a,b\n".encode("utf-16"), "text"),
        (b' {"a": 1}', "json"), (b"\xef\xbb\xbf[1]", "json"), (b"<!DOCTYPE html><html>", "html"),
        (b"SQLite format 3\x00...", "sqlite"), (b"PAR1....", "parquet"), (b"%PDF-1.7", "binary"),
        (b"\x89PNG\r\n", "binary"), (b"PK\x03\x04 cut off", "damaged"),
    ],
)  # fmt: skip
def test_kind_is_told_by_the_bytes(data, kind):
    """What a file is does not depend on its name."""
    assert a_file("x.csv", data).kind == kind


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("ssi_nora-whitfield_2026-03-02.json", ["2026-03-02"]), ("Deals_2026_03_02.csv", ["2026-03-02"]),
        ("usage_2026-02-01_2026-02-28.csv", ["2026-02-01", "2026-02-28"]), ("ssi-20260302.csv", ["2026-03-02"]),
        ("All Opportunities 3-2-2026 9-14-05 AM.xlsx", ["2026-03-02"]), ("report1772442000123.csv", []),
        ("x_2026-13-45.csv", []), ("deals-4471123-18.csv", []),
    ],
)  # fmt: skip
def test_days_in_a_name(name, days):
    """Days of a file's name are found in their order; report numbers are no days."""
    assert a_file(name).days_in_name == [np.datetime64(day) for day in days]


def test_words_of_a_name_come_nearest_first():
    """Camel case and digits are taken apart; the folder follows the file."""
    assert a_file("team a/ssiHistory_nora-whitfield (1).json").name_words == ["ssi History nora whitfield", "team a"]


def test_zip_is_read_as_a_folder(tmp_path):
    """A zip, and a zip in a zip, give the rows of the files inside, under their path."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("deep/ssi.csv", f"{SSI_HEADER}\n{ROW}")
    fill_zip(tmp_path / "a.zip", {"inner.zip": inner.getvalue()})
    read = reading(tmp_path)
    assert len(read.tables.ssi) == 1
    assert fates(read, "a.zip/inner.zip/deep/ssi.csv") == [(2, 2, "used", "")]


def test_names_inside_a_zip_reach_nothing_on_disk(tmp_path):
    """A member called ../../x is read in memory only."""
    fill_zip(tmp_path / "data" / "a.zip", {"../../ssi.csv": f"{SSI_HEADER}\n{ROW}"})
    assert len(reading(tmp_path / "data").tables.ssi) == 1
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.zip", "data"]


def test_zip_that_explodes_is_refused(tmp_path, monkeypatch):
    """What would unpack to more than the limit is named and not unpacked."""
    monkeypatch.setattr("ssi_audit.exports.bounds.MAX_UNPACKED", 1_000_000)
    fill_zip(tmp_path / "bomb.zip", {"ssi.csv": "0" * 1_000_001})
    assert "bomb.zip: 1 problem\n  the zip unpacks to" in complaint(tmp_path, {})
    assert fates(reading(tmp_path, skip_unreadable=True), "bomb.zip")[0][3] == "unreadable"


def test_cut_off_zip_is_named(tmp_path):
    """Half a download is a problem, not an ignored file."""
    fill_zip(tmp_path / "a.zip", {"ssi.csv": f"{SSI_HEADER}\n{ROW * 50}"})
    whole = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(whole[: len(whole) // 2])
    assert "a.zip: 1 problem\n  the file is cut off or damaged" in complaint(tmp_path, {})


def test_what_is_never_data_is_passed_over(tmp_path):
    """Hidden files, read-mes, settings and truth are listed with no rows and no note."""
    names = [".hidden.csv", "README.md", "ssi-audit.toml", "truth.json", "LICENSE", ".gitkeep", "~$ssi.xlsx"]
    read = reading(tmp_path, dict.fromkeys(names, "person,date,total\nx,y,z\n") | {"ssi.csv": f"{SSI_HEADER}\n{ROW}"})
    ignored = read.tables.ledger[read.tables.ledger["reason"] == "not an export"]
    assert sorted(ignored["file"]) == sorted(names)
    assert ignored["rows"].sum() == 0
    assert len(read.tables.ssi) == 1


def test_order_of_listing_is_that_of_names(tmp_path):
    """Folders and files are read in the order of their names whatever the disk says."""
    fill(tmp_path, {"b/2.csv": "x", "b/1.csv": "x", "a.csv": "x", "c/z/q.csv": "x"})
    top, _, _ = open_folder(tmp_path, RULES)
    assert [file.name for file in top.all_files()] == ["a.csv", "b/1.csv", "b/2.csv", "c/z/q.csv"]


def test_broken_json_is_named_with_line_and_column():
    """A cut-off answer says where it stops being JSON."""
    with pytest.raises(Unreadable, match="line 2, column 8: not readable as JSON"):
        _ = a_file("ssi.json", b'{"memberScore":\n {"a": ,}}').json


def test_link_to_a_folder_above_is_not_followed(tmp_path):
    """A link that leads back into the folder does not read it twice or for ever."""
    fill(tmp_path, {"data/ssi.csv": f"{SSI_HEADER}\n{ROW}"})
    try:
        (tmp_path / "data" / "loop").symlink_to(tmp_path / "data", target_is_directory=True)
    except OSError:
        pytest.skip("no links on this file system")
    assert len(reading(tmp_path / "data").tables.ssi) == 1
