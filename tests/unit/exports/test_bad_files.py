"""Files that cannot be read are named with the reason: exit 2, or the rest with --skip-unreadable."""

from __future__ import annotations

import io
import json
import zipfile

from ssi_audit.cli import main
from tests.unit.exports.crm_files import sheet_text, workbook
from tests.unit.exports.folders import SSI_HEADER, fill

SSI = f"{SSI_HEADER}\nAda Berg,2026-03-02,10,10,10,10,40\n"
DEALS = (
    ("Record ID", "Deal Name", "Deal Stage", "Create Date", "Deal owner"),
    ("1", "A", "Open", "2026-01-02", "Ada Berg"),
)


def half_a_zip() -> bytes:
    """The first half of a zip with something in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("deals.csv", sheet_text(*DEALS) * 50)
    return buffer.getvalue()[: len(buffer.getvalue()) // 2]


def locked_zip() -> bytes:
    """A zip whose only member says that it needs a password."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("deals.csv", "x")
    data = bytearray(buffer.getvalue())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(mark) + at] |= 1
    return bytes(data)


def locked_workbook() -> bytes:
    """The beginning of what Excel writes for a workbook with a password: an OLE file with an encrypted package.

    One sector of allocation, one of the directory: Root Entry, EncryptionInfo, EncryptedPackage.
    """
    end, free, fat = b"\xfe\xff\xff\xff", b"\xff\xff\xff\xff", b"\xfd\xff\xff\xff"
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + b"\x3e\x00\x03\x00\xfe\xff\x09\x00\x06\x00" + bytes(6)
    header += bytes(4) + b"\x01\x00\x00\x00" + b"\x01\x00\x00\x00" + bytes(4) + b"\x00\x10\x00\x00" + end + bytes(4)
    header += end + bytes(4) + b"\x00\x00\x00\x00" + free * 108
    table = fat + end + end * 8 + free * 118

    def entry(name: str, kind: int, child: bytes, right: bytes, start: bytes, size: int) -> bytes:
        written = (name + "\0").encode("utf-16-le")
        return (written.ljust(64, b"\0") + len(written).to_bytes(2, "little") + bytes([kind, 1]) + free + right + child
                + bytes(36) + start + size.to_bytes(8, "little"))  # fmt: skip

    directory = entry("Root Entry", 5, b"\x01\x00\x00\x00", free, end, 0)
    directory += entry("EncryptionInfo", 2, free, b"\x02\x00\x00\x00", b"\x02\x00\x00\x00", 4096)
    directory += entry("EncryptedPackage", 2, free, free, b"\x02\x00\x00\x00", 4096) + bytes(128)
    return header + table + directory + bytes(512 * 8)


BAD = {
    "half.zip": (half_a_zip(), "the file is cut off or damaged"),
    "locked.zip": (locked_zip(), "the zip is locked with a password"),
    "half.xlsx": (workbook(*DEALS)[:1000], "the file is cut off or damaged"),
    "locked.xlsx": (locked_workbook(), "the workbook is locked with a password"),
    "broken.json": (b'{"memberScore": {', "not readable as JSON"),
    "open quote.csv": (sheet_text(*DEALS).encode() + b'"2","never closed\n', "a quotation mark is not closed"),
    "broken.sqlite": (b"SQLite format 3\x00" + b"\x10\x00" * 200, "database"),
    "broken.parquet": (b"PAR1" + b"\x00" * 40, "not readable as Parquet"),
}


def test_files_that_cannot_be_read_stop_the_run_by_their_names(tmp_path, capsys):
    """Exit 2 with every such file and the reason at once, and nothing written."""
    fill(tmp_path / "data", {name: data for name, (data, _) in BAD.items()} | {"ssi.csv": SSI})
    assert main(["load", str(tmp_path / "data"), "--out", str(tmp_path / "out")]) == 2
    shown = capsys.readouterr().err
    for name, (_, reason) in BAD.items():
        assert reason in shown.partition(f"{name}: 1 problem\n")[2].splitlines()[0]
    assert not (tmp_path / "out").exists()


def test_the_rest_is_read_where_the_user_says_so(tmp_path, capsys):
    """--skip-unreadable: the others load, and check names each file that was left out, with the reason."""
    fill(tmp_path / "data", {name: data for name, (data, _) in BAD.items()} | {"ssi.csv": SSI})
    assert main(["check", str(tmp_path / "data"), "--skip-unreadable", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert {row["file"] for row in facts["reasons"] if row["reason"] == "unreadable"} == set(BAD)
    assert facts["people"] == 1
    assert main(["check", str(tmp_path / "data"), "--skip-unreadable"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for name, (_, reason) in BAD.items():
        assert f"{name} was left out: " in shown
        assert reason in shown
    assert main(["load", str(tmp_path / "data"), "--skip-unreadable", "--out", str(tmp_path / "out")]) == 0
    assert "Ada Berg,2026-03-02" in (tmp_path / "out" / "ssi.csv").read_text(encoding="utf-8")


def test_unknown_and_empty_files_are_named_and_stop_nothing(tmp_path, capsys):
    """A table that nobody knows and an empty file are listed with their reason; the rest loads without being asked."""
    files = {
        "stock.csv": "sku,shelf\n1,2\n",
        "empty.csv": "",
        "blank.csv": " \r\n\r\n",
        "photo.jpg": b"\xff\xd8\xff\xe0x",
    }
    fill(tmp_path / "data", files | {"ssi.csv": SSI})
    assert main(["check", str(tmp_path / "data"), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert {row["file"]: row["reason"] for row in facts["reasons"]} == {
        "stock.csv": "not recognised", "empty.csv": "empty file", "blank.csv": "empty file",
        "photo.jpg": "not an export",
    }  # fmt: skip
    assert any("stock.csv is not a file this program knows (columns: sku, shelf)" in note for note in facts["notes"])


def test_a_zip_that_is_damaged_inside_is_named_with_its_member(tmp_path, capsys):
    """The list of a zip can be whole while one of its files is not."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("deals.csv", sheet_text(*DEALS))
    data = bytearray(buffer.getvalue())
    at = data.find(b"Ada Berg")
    data[at : at + 3] = b"Eve"
    fill(tmp_path / "data", {"a.zip": bytes(data), "ssi.csv": SSI})
    assert main(["check", str(tmp_path / "data")]) == 2
    shown = capsys.readouterr().err
    assert "a.zip/deals.csv: 1 problem" in shown
    assert "damaged inside the zip" in shown


def test_a_workbook_with_hidden_sheets_only_is_named(tmp_path, capsys):
    """Nothing to see in it: said, instead of reading what its owner had hidden."""
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(list(DEALS[0]))
    book.active.sheet_state = "hidden"
    book.create_sheet("empty")
    buffer = io.BytesIO()
    book.save(buffer)
    fill(tmp_path / "data", {"deals.xlsx": buffer.getvalue(), "ssi.csv": SSI})
    assert main(["check", str(tmp_path / "data"), "--json"]) == 0
    reasons = json.loads(capsys.readouterr().out)["reasons"]
    assert [(row["file"], row["reason"]) for row in reasons] == [("deals.xlsx", "not recognised")]
