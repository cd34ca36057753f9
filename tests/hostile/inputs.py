"""Broken and hostile data folders, each made by a few lines of code, with how a run on it has to end.

`right(...)` names the readings that must come out; whatever else the folder holds must not disturb them.
`refused(...)` names what the message has to say: the file, where in it, what to do. `heavy=True` marks inputs that
are made to exhaust time or memory: they run in a process with limits.
"""

from __future__ import annotations

import io
import json
import os
import socket
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.hostile import made
from tests.hostile.made import GOOD, MIB, ROW, SSI, cell, in_zip, raw_zip, sheet_rows, workbook, zeros

ANN = ("Ann Lee", "2026-03-02", "40")


@dataclass(frozen=True)
class Hostile:
    """One data folder.

    Attributes
    ----------
    name : str
    make : callable
        Fills an empty folder.
    readings : tuple of (person, day, total)
        What must come out; None where the folder must be refused.
    words : tuple of str
        What the message must say.
    heavy : bool
    """

    name: str
    make: Callable[[Path], None]
    readings: tuple[tuple[str, str, str], ...] | None
    words: tuple[str, ...]
    heavy: bool


ALL: list[Hostile] = []


def right(*readings: tuple[str, str, str], heavy: bool = False):
    """The folder is read, and exactly these readings come out."""

    def keep(make: Callable[[Path], None]) -> Callable[[Path], None]:
        ALL.append(Hostile(make.__name__, make, readings, (), heavy))
        return make

    return keep


def refused(*words: str, heavy: bool = False):
    """Exit 2 with a message that has all of these words."""

    def keep(make: Callable[[Path], None]) -> Callable[[Path], None]:
        ALL.append(Hostile(make.__name__, make, None, words, heavy))
        return make

    return keep


def put(folder: Path, **files: str | bytes) -> None:
    """Write files; ``__`` stands for the point before the extension."""
    for name, content in files.items():
        path = folder / name.replace("__", ".")
        path.write_bytes(content.encode() if isinstance(content, str) else content)


# --------------------------------------------------------------------------- zips


@refused("a.zip", "cut off or damaged", "download it again")
def zip_cut_off(folder: Path) -> None:
    whole = in_zip({"ssi.csv": SSI + ROW * 50})
    put(folder, a__zip=whole[: len(whole) // 2])


@right(ANN)
def zip_with_paths_out_of_it(folder: Path) -> None:
    put(folder, a__zip=in_zip({"../../../../tmp/ssi.csv": GOOD}))


@right(ANN)
def zip_with_absolute_paths(folder: Path) -> None:
    put(folder, a__zip=in_zip({"/etc/ssi.csv": GOOD}))


@right(ANN)
def zip_with_windows_paths(folder: Path) -> None:
    put(folder, a__zip=in_zip({"..\\..\\C:\\Windows\\ssi.csv": GOOD}))


@right(ANN)
def zip_with_a_link_in_it(folder: Path) -> None:
    link = zipfile.ZipInfo("ssi_link.csv")
    link.external_attr = 0o120777 << 16
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("ssi.csv", GOOD)
    put(folder, a__zip=content.getvalue())


@refused("bomb.zip", "unpacks to", "take it out", heavy=True)
def zip_of_five_gigabytes(folder: Path) -> None:
    put(folder, bomb__zip=raw_zip([(f"ssi{k}.csv", *zeros(256)) for k in range(20)]))


@refused("bomb.zip", "unpacks to", "take it out", heavy=True)
def zip_of_one_gigabyte_in_one_file(folder: Path) -> None:
    put(folder, bomb__zip=raw_zip([("ssi.csv", *zeros(1024))]))


@refused("bomb.zip", "damaged", heavy=True)
def zip_that_lies_about_its_size(folder: Path) -> None:
    packed, check, _ = zeros(256, GOOD.encode())
    put(folder, bomb__zip=raw_zip([("ssi.csv", packed, check, 100)]))


@refused("bomb.zip", "unpacks to", heavy=True)
def zip_whose_files_overlap(folder: Path) -> None:
    put(folder, bomb__zip=made.overlapping_zip(copies=5_000, mib=16))


@refused("bomb.zip", "unpack", heavy=True)
def zip_bomb_within_zips(folder: Path) -> None:
    inner = raw_zip([(f"ssi{k}.csv", *zeros(64)) for k in range(4)])
    put(folder, bomb__zip=in_zip({f"{k}.zip": inner + bytes([k]) for k in range(40)}))


@right(ANN)
def zip_in_a_zip(folder: Path) -> None:
    put(folder, a__zip=made.nested(2, GOOD.encode()))


@refused("a.zip", "a zip inside a zip", "unpack it")
def zip_in_a_zip_in_a_zip_and_so_on(folder: Path) -> None:
    put(folder, a__zip=made.nested(9, GOOD.encode()))


@refused("a.zip", "files", "take it out", heavy=True)
def zip_of_a_hundred_thousand_files(folder: Path) -> None:
    put(folder, a__zip=raw_zip((f"{k}.csv", b"", 0, 0) for k in range(60_000)))


@refused("a.zip", "password")
def zip_with_a_password(folder: Path) -> None:
    put(folder, a__zip=raw_zip([("ssi.csv", b"x" * 40, 1, 28)], flags=1))


@refused("a.zip/ssi.csv", "damaged inside the zip", "download")
def zip_with_a_wrong_checksum(folder: Path) -> None:
    put(folder, a__zip=raw_zip([("ssi.csv", GOOD.encode(), 1, len(GOOD))], method=zipfile.ZIP_STORED))


@refused("a.zip/ssi.csv", "damaged inside the zip", "download")
def zip_packed_in_a_way_nobody_knows(folder: Path) -> None:
    put(folder, a__zip=raw_zip([("ssi.csv", GOOD.encode(), 1, len(GOOD))], method=77))


@right(ANN)
def zip_with_one_name_twice(folder: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("ssi.csv", GOOD)
        archive.writestr("ssi.csv", GOOD)


@right(ANN)
def zip_called_csv(folder: Path) -> None:
    put(folder, ssi__csv=in_zip({"x.csv": GOOD}))


@right(ANN)
def csv_called_zip_and_xlsx(folder: Path) -> None:
    put(folder, ssi__zip=GOOD, ssi__xlsx=GOOD)


# --------------------------------------------------------------------------- workbooks


@right(ANN, heavy=True)
def workbook_with_a_million_empty_rows(folder: Path) -> None:
    empty = "".join(f'<row r="{k}"><c r="A{k}" s="0"/><c r="G{k}" s="0"/></row>' for k in range(3, 1_048_577))
    put(folder, ssi__xlsx=workbook(sheet_rows(GOOD) + empty))


@refused("ssi.xlsx", "row 1,048,576 or column 16,384", "delete what stands far", heavy=True)
def workbook_with_a_cell_in_the_far_corner(folder: Path) -> None:
    corner = f'<row r="1048576">{cell("XFD1048576", "x")}</row>'
    put(folder, ssi__xlsx=workbook(sheet_rows(GOOD) + corner))


@refused("ssi.xlsx", "row 4,294,967,295", "delete what stands far", heavy=True)
def workbook_with_a_row_no_program_has(folder: Path) -> None:
    put(folder, ssi__xlsx=workbook(sheet_rows(GOOD) + f'<row r="4294967295">{cell("A4294967295", "x")}</row>'))


@refused("ssi.xlsx", "unpacks to", heavy=True)
def workbook_that_unpacks_to_a_gigabyte(folder: Path) -> None:
    start = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>'
    put(folder, ssi__xlsx=made.workbook_with("xl/sharedStrings.xml", zeros(1024, start), sheet_rows(GOOD)))


@refused("ssi.xlsx", "damaged", heavy=True)
def workbook_that_lies_about_its_size(folder: Path) -> None:
    start = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>'
    packed, check, _ = zeros(256, start)
    put(folder, ssi__xlsx=made.workbook_with("xl/sharedStrings.xml", (packed, check, 90), sheet_rows(GOOD)))


def _with_doctype(doctype: str, reference: str) -> bytes:
    sheet = made.SHEET.format(sheet_rows(GOOD.replace("Ann Lee", reference)))
    return workbook("", xl__worksheets__sheet1_xml=f'<?xml version="1.0"?><!DOCTYPE x [{doctype}]>{sheet}')


@refused("ssi.xlsx", "not readable as a workbook", "save it as xlsx", heavy=True)
def workbook_with_an_entity_bomb(folder: Path) -> None:
    laughs = '<!ENTITY l0 "lol">' + "".join(f'<!ENTITY l{k} "{f"&l{k - 1};" * 10}">' for k in range(1, 12))
    put(folder, ssi__xlsx=_with_doctype(laughs, "&l11;"))


@refused("ssi.xlsx", "not readable as a workbook", "save it as xlsx")
def workbook_that_asks_for_another_file(folder: Path) -> None:
    put(folder, ssi__xlsx=_with_doctype('<!ENTITY secret SYSTEM "file:///etc/passwd">', "&secret;"))


@right(ANN)
def workbook_with_links_to_other_files(folder: Path) -> None:
    link = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
        'Target="http://127.0.0.1:9/x.xlsx" TargetMode="External" Type="http://schemas.openxmlformats.org/'
        'officeDocument/2006/relationships/externalLinkPath"/></Relationships>'
    )
    put(folder, ssi__xlsx=workbook(sheet_rows(GOOD), **{"xl__externalLinks___rels__externalLink1_xml.rels": link}))


@right(ANN)
def workbook_with_formulas(folder: Path) -> None:
    formula = '<c r="G2"><f>WEBSERVICE("http://127.0.0.1:9/"&amp;A2)+10+10+10+10</f><v>40</v></c>'
    put(folder, ssi__xlsx=workbook(sheet_rows(GOOD).replace(cell("G2", "40"), formula)))


@right()
def workbook_whose_readings_are_errors(folder: Path) -> None:
    broken = "".join(f'<c r="{column}2" t="e"><v>#REF!</v></c>' for column in "CDEFG")
    head, name, day = sheet_rows(SSI), cell("A2", "Ann Lee"), cell("B2", "2026-03-02")
    put(folder, ssi__xlsx=workbook(head + f'<row r="2">{name}{day}{broken}</row>'))


@refused("ssi.xlsx", "cut off or damaged", "download it again")
def workbook_cut_off(folder: Path) -> None:
    whole = workbook(sheet_rows(SSI + ROW * 50))
    put(folder, ssi__xlsx=whole[: len(whole) - 200])


@refused("ssi.xls", "not readable as a workbook", "save it as xlsx")
def old_workbook_of_noise(folder: Path) -> None:
    put(folder, ssi__xls=b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(range(256)) * 40)


@refused("ssi.xlsx", "not readable as a workbook", "save it as xlsx")
def workbook_with_half_a_sheet(folder: Path) -> None:
    sheet = made.SHEET.format(sheet_rows(GOOD))
    put(folder, ssi__xlsx=workbook("", xl__worksheets__sheet1_xml=sheet[: len(sheet) // 2]))


@refused("ssi.xlsx", "row 2", "date")
def workbook_with_days_before_the_calendar(folder: Path) -> None:
    day = '<c r="B2"><v>-5</v></c>'
    put(folder, ssi__xlsx=workbook(sheet_rows(GOOD).replace(cell("B2", "2026-03-02"), day)))


# --------------------------------------------------------------------------- text tables


@refused("ssi.csv", "line 2 holds a NUL byte", "export it again")
def csv_with_nul_bytes(folder: Path) -> None:
    put(folder, ssi__csv=SSI + ROW.replace("Lee", "L\0e"))


@right(ANN)
def csv_with_ten_megabytes_in_one_field(folder: Path) -> None:
    put(folder, ssi__csv=SSI.replace("\n", ",notes\n") + ROW.replace("\n", f',"{"x" * 10 * MIB}"\n'))


@refused("ssi.csv", "row 2", "quotation mark is not closed", "correct that row")
def csv_with_a_quote_that_never_ends(folder: Path) -> None:
    put(folder, ssi__csv=SSI + '"' + ROW * 30_000)


@refused("ssi.csv", "encoding", "CSV UTF-8")
def csv_in_several_encodings(folder: Path) -> None:
    lines = [ROW.replace("Ann", name) for name in ("Zoë", "Łucja", "สมชาย")]
    mixed = b"".join(line.encode(name) for line, name in zip(lines, ("cp1252", "utf-8", "cp874")))
    put(folder, ssi__csv=SSI.encode() + mixed + ROW.replace("Ann", "\x81\x8d").encode("latin-1"))


@right(ANN)
def csv_in_utf16_without_a_mark(folder: Path) -> None:
    put(folder, ssi__csv=GOOD.encode("utf-16-le"))


@refused("ssi.csv", "utf-16", "CSV UTF-8")
def csv_in_utf16_cut_inside_a_letter(folder: Path) -> None:
    put(folder, ssi__csv=GOOD.encode("utf-16")[:-1])


@right(ANN)
def csv_with_two_byte_order_marks(folder: Path) -> None:
    put(folder, ssi__csv=b"\xef\xbb\xbf\xef\xbb\xbf" + GOOD.encode())


@right(("=cmd|' /C calc'!A0", "2026-03-02", "40"), ("@SUM(1+1)", "2026-03-02", "40"), ("+1-2", "2026-03-02", "40"))
def csv_with_formulas_for_names(folder: Path) -> None:
    put(folder, ssi__csv=SSI + "".join(ROW.replace("Ann Lee", n) for n in ("=cmd|' /C calc'!A0", "@SUM(1+1)", "+1-2")))


@right(('<img src=x onerror="alert(1)">', "2026-03-02", "40"), ("<script>alert(1)</script>", "2026-03-02", "40"))
def csv_with_markup_for_names(folder: Path) -> None:
    image = '"<img src=x onerror=""alert(1)"">"'
    put(folder, ssi__csv=SSI + ROW.replace("Ann Lee", image) + ROW.replace("Ann Lee", "<script>alert(1)</script>"))


@right(("Robert'); DROP TABLE panel;--", "2026-03-02", "40"))
def csv_with_sql_for_a_name(folder: Path) -> None:
    put(folder, ssi__csv=SSI + ROW.replace("Ann Lee", "Robert'); DROP TABLE panel;--"))


@right(("../../etc/passwd", "2026-03-02", "40"), ("C:\\Users\\x", "2026-03-02", "40"))
def csv_with_paths_for_names(folder: Path) -> None:
    put(folder, ssi__csv=SSI + ROW.replace("Ann Lee", "../../etc/passwd") + ROW.replace("Ann Lee", "C:\\Users\\x"))


@right(("CON", "2026-03-02", "40"), ("NUL.csv", "2026-03-02", "40"), ("AUX", "2026-03-02", "40"))
def names_that_windows_keeps_for_itself(folder: Path) -> None:
    put(folder, ssi__csv=SSI + "".join(ROW.replace("Ann Lee", name) for name in ("CON", "NUL.csv", "AUX")))


@right(ANN)
def names_that_differ_in_invisible_marks(folder: Path) -> None:
    marked = "\u202eAnn\u200b Lee\u200f"
    put(folder, people__csv=f"person,aliases\nAnn Lee,{marked}\n", ssi__csv=SSI + ROW.replace("Ann Lee", marked))


@refused("ssi.csv", "row 2", '"date" = 1900-01-01', "not a date")
def csv_of_the_year_1900(folder: Path) -> None:
    put(folder, ssi__csv=GOOD.replace("2026-03-02", "1900-01-01"))


@refused("ssi.csv", "row 2", '"date" = 2199-12-31', "not a date")
def csv_of_the_year_2199(folder: Path) -> None:
    put(folder, ssi__csv=GOOD.replace("2026-03-02", "2199-12-31"))


@refused("ssi.csv", "row 2", '"date" = 2026-02-30', "not a date")
def csv_of_a_day_that_does_not_exist(folder: Path) -> None:
    put(folder, ssi__csv=GOOD.replace("2026-03-02", "2026-02-30"))


@refused("ssi.csv", "row 2", "date", "999999999999999999999")
def csv_of_a_day_beyond_all_calendars(folder: Path) -> None:
    put(folder, ssi__csv=GOOD.replace("2026-03-02", "999999999999999999999-01-01"))


@refused("ssi.csv", "03/04/2026", "day_first = true")
def csv_whose_dates_read_two_ways(folder: Path) -> None:
    put(folder, ssi__csv=GOOD.replace("2026-03-02", "03/04/2026"))


@refused("activity.csv", "row 2", '"count" = -4 cannot be negative', "correct it in the file")
def csv_with_negative_counts(folder: Path) -> None:
    put(folder, activity__csv="person,date,metric,count\nAnn Lee,2026-03-02,posts,-4\n", ssi__csv=GOOD)


@refused("activity.csv", "row 2", '"count" = inf is not a number', "correct it")
def csv_with_infinite_counts(folder: Path) -> None:
    put(folder, activity__csv="person,date,metric,count\nAnn Lee,2026-03-02,posts,inf\n", ssi__csv=GOOD)


@refused("crm_events.csv", "row 2", "1e999", "not a number")
def csv_with_a_number_beyond_all_numbers(folder: Path) -> None:
    put(folder, crm_events__csv="person,date,kind,amount,currency\nAnn Lee,2026-03-02,deal_won,1e999,EUR\n",
        ssi__csv=GOOD)  # fmt: skip


@right(ANN)
def csv_with_not_a_number(folder: Path) -> None:
    put(folder, ssi__csv=GOOD + "Bo Lind,2026-03-02,NaN,NaN,NaN,NaN,NaN\n")


@refused("ssi.csv", 'row 2, "total" = 400: the index is a number from 0 to 100', "correct it")
def csv_with_a_score_of_four_hundred(folder: Path) -> None:
    put(folder, ssi__csv=GOOD.replace(",40\n", ",400\n"))


@refused("ssi.csv", "decimal", "write all numbers")
def csv_with_decimal_points_and_commas(folder: Path) -> None:
    put(folder, ssi__csv=GOOD.replace(",", ";").replace("40", "40,25") + "Bo;2026-03-02;1.5;1;1;1;4.5\n")


@refused("ssi.csv", "columns", heavy=True)
def csv_with_a_million_columns(folder: Path) -> None:
    put(folder, ssi__csv=SSI.strip() + ",x" * 1_000_000 + "\n" + ROW)


@refused("ssi.csv", "row 3 has 1000001 fields, the header has 7", "quotation marks")
def csv_with_a_million_separators_in_a_line(folder: Path) -> None:
    put(folder, ssi__csv=GOOD + "x" + ",x" * 1_000_000 + "\n" + ROW)


@refused("ssi.csv", "row 3 has 3 fields, the header has 7", "quotation marks")
def csv_with_lines_of_other_lengths(folder: Path) -> None:
    put(folder, ssi__csv=GOOD + "Bo Lind,2026-03-02,10\n" + ROW)


@refused("ssi.csv", '"total" stands in the header twice', "remove one")
def csv_with_two_columns_of_one_name(folder: Path) -> None:
    put(folder, ssi__csv="person,date,total,total\nAnn Lee,2026-03-02,40,50\n")


@right()
def csv_with_nothing_but_a_header(folder: Path) -> None:
    put(folder, ssi__csv=SSI)


@right(ANN)
def csv_with_a_million_empty_lines(folder: Path) -> None:
    put(folder, ssi__csv=GOOD + "\n" * 1_000_000)


@right(ANN)
def csv_with_three_kinds_of_line_ends(folder: Path) -> None:
    put(folder, ssi__csv=SSI.replace("\n", "\r") + ROW.replace("\n", "\r\n") + ROW)


@right(ANN)
def csv_with_a_quote_for_a_separator(folder: Path) -> None:
    put(folder, ssi__csv='sep="\n' + GOOD)


@refused("ssi.csv", 'column "person" is missing', "[columns.ssi]")
def csv_with_a_letter_beyond_ascii_for_a_separator(folder: Path) -> None:
    put(folder, ssi__csv="sep=ł\n" + GOOD.replace(",", "ł"))


@right(("A" * 100_000, "2026-03-02", "40"))
def csv_with_a_name_of_a_hundred_thousand_letters(folder: Path) -> None:
    put(folder, ssi__csv=SSI + ROW.replace("Ann Lee", "A" * 100_000))


@refused("ssi.csv", "row 2", '"total" = \\x1b[2J', "correct it")
def message_that_tries_to_paint_the_terminal(folder: Path) -> None:
    put(folder, ssi__csv=GOOD.replace(",40\n", ",\x1b[2J\x1b]0;owned\x07forty\n"))


# --------------------------------------------------------------------------- JSON, pages, databases, calendars


@refused("ssi.json", "nested too deeply", "leave the file out")
def json_nested_beyond_all_depth(folder: Path) -> None:
    put(folder, ssi__json="[" * 100_000 + "]" * 100_000)


@refused("ssi.json", "digits")
def json_with_a_number_of_ten_thousand_digits(folder: Path) -> None:
    put(folder, ssi__json='{"memberScore": {"overall": ' + "9" * 10_000 + "}}")


@refused("ssi_ann-lee_2026-03-02.json", "not a number")
def json_with_infinity(folder: Path) -> None:
    (folder / "ssi_ann-lee_2026-03-02.json").write_text('{"memberScore": {"overall": Infinity}}')


@refused("ssi.json", "line 1, column", "not readable as JSON", "save it again")
def json_cut_off(folder: Path) -> None:
    put(folder, ssi__json='{"memberScore": {"overall": 4')


@right(ANN)
def json_with_other_types_than_promised(folder: Path) -> None:
    answer = {"memberScore": {"overall": 50, "subScores": [{"pillar": ["x"], "score": {}}, 5]}, "groupScore": 7}
    (folder / "ssi_ann-lee_2026-03-02.json").write_text(
        json.dumps({"groupScore": [[]], "memberScore": {"overall": 40}})
    )
    (folder / "strange.json").write_text(json.dumps([answer["groupScore"], None, {"memberScore": []}]))


@refused("ssi.html", "nested", heavy=True)
def page_with_a_hundred_thousand_open_elements(folder: Path) -> None:
    put(folder, ssi__html="<html>" + '<div class="user-ssi-score">x' * 100_000)


@right(ANN)
def page_with_scripts_in_it(folder: Path) -> None:
    page = '<html><script>fetch("http://127.0.0.1:9")</script><code>{"memberScore": {"overall": 40}}</code></html>'
    (folder / "ssi_ann-lee_2026-03-02.html").write_text(page)


@refused("log.sqlite", "the database is cut off", "copy the database again")
def database_cut_off(folder: Path) -> None:
    whole = _database("create table ssi (person, date, total)", "insert into ssi values ('Ann', '2026-03-02', 40)")
    put(folder, log__sqlite=whole[: len(whole) // 2 + 200])


@refused("log.sqlite", "not readable as SQLite", heavy=True)
def database_that_makes_gigabytes(folder: Path) -> None:
    grow = "create table ssi (person, date, total, big text generated always as (hex(zeroblob(20000000))))"
    put(folder, log__sqlite=_database(grow, *["insert into ssi values ('Ann', '2026-03-02', 40)"] * 60))


def _database(*statements: str) -> bytes:
    with closing(sqlite3.connect(":memory:")) as base:
        for statement in statements:
            base.execute(statement)
        base.commit()
        return base.serialize()


@refused("ssi.parquet", "not readable as Parquet", "write the file again")
def parquet_cut_off(folder: Path) -> None:
    put(folder, ssi__parquet=_parquet()[:-40])


@refused("ssi.parquet", "not readable as Parquet", "write the file again")
def parquet_with_damaged_pages(folder: Path) -> None:
    whole = bytearray(_parquet())
    whole[4:300] = bytes(255 - byte for byte in whole[4:300])
    put(folder, ssi__parquet=bytes(whole))


def _parquet() -> bytes:
    import pandas as pd

    content = io.BytesIO()
    pd.read_csv(io.StringIO(SSI + ROW * 200)).to_parquet(content)
    return content.getvalue()


_EVENT = (
    "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nSUMMARY:Call\nORGANIZER:mailto:ann@x.example\n{}\n"
    "END:VEVENT\nEND:VCALENDAR\n"
)


@right(ANN)
def calendar_with_a_series_without_end(folder: Path) -> None:
    series = (
        "DTSTART:20260302T090000Z\nRRULE:FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE=1,2,3,4;BYSECOND=1,2,3;COUNT=999999999"
    )
    put(folder, ann__ics=_EVENT.format(series), ssi__csv=GOOD)


@right(ANN)
def calendar_with_a_series_that_never_happens(folder: Path) -> None:
    series = "DTSTART:20260302T090000Z\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"
    put(folder, ann__ics=_EVENT.format(series), ssi__csv=GOOD)


@refused("ann.ics", "the file was cut", "export the calendar again")
def calendar_cut_off(folder: Path) -> None:
    put(folder, ann__ics=_EVENT.format("DTSTART:20260302T090000Z")[:-30], ssi__csv=GOOD)


@right(ANN, heavy=True)
def calendar_that_wears_out_patterns(folder: Path) -> None:
    put(folder, ann__ics=_EVENT.format("DTSTART" + ';A="' * 100_000 + ":20260302"), ssi__csv=GOOD)


# --------------------------------------------------------------------------- what is no file


@refused("ssi_link.csv", "a link out of the folder", "copy what it leads to")
def link_to_a_file_outside(folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_text(GOOD.replace("Ann Lee", "Outside Person"))
    (folder / "ssi_link.csv").symlink_to(outside / "secret.csv")
    put(folder, ssi__csv=GOOD)


@refused("more", "a link out of the folder", "copy what it leads to")
def link_to_a_folder_outside(folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "ssi.csv").write_text(GOOD.replace("Ann Lee", "Outside Person"))
    (folder / "more").symlink_to(outside, target_is_directory=True)
    put(folder, ssi__csv=GOOD)


@right(ANN)
def links_that_lead_in_a_circle(folder: Path) -> None:
    put(folder, ssi__csv=GOOD)
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "one").symlink_to(folder / "two")
    (folder / "two").symlink_to(folder / "one")


@right(ANN)
def link_to_nothing(folder: Path) -> None:
    put(folder, ssi__csv=GOOD)
    (folder / "gone.csv").symlink_to(folder / "nowhere.csv")


@right(ANN, heavy=True)
def pipe_called_csv(folder: Path) -> None:
    put(folder, ssi__csv=GOOD)
    os.mkfifo(folder / "activity.csv")


@refused("ssi-audit.toml", "not a file", "rename it", heavy=True)
def settings_that_are_a_pipe(folder: Path) -> None:
    put(folder, ssi__csv=GOOD)
    os.mkfifo(folder / "ssi-audit.toml")


@refused("activity.csv", "a link out of the folder", "remove the link", heavy=True)
def device_without_end(folder: Path) -> None:
    put(folder, ssi__csv=GOOD)
    (folder / "activity.csv").symlink_to("/dev/zero")


@right(ANN)
def socket_called_csv(folder: Path) -> None:
    put(folder, ssi__csv=GOOD)
    here = Path.cwd()
    os.chdir(folder)  # the path of a socket may not be long
    with socket.socket(socket.AF_UNIX) as made_socket:
        made_socket.bind("activity.csv")
    os.chdir(here)


@right(ANN)
def folder_called_like_a_file(folder: Path) -> None:
    (folder / "ssi.csv").mkdir()
    (folder / "people.csv").mkdir()
    (folder / "ssi.csv" / "ssi.csv").write_text(GOOD)


@right(ANN, heavy=True)
def folders_three_hundred_deep(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder)
    for _ in range(300):
        os.mkdir("d")  # noqa: PTH102
        os.chdir("d")
    os.chdir(here)
    put(folder, ssi__csv=GOOD)


@right(ANN)
def file_name_of_bytes_that_are_no_text(folder: Path) -> None:
    with open(os.fsencode(folder) + b"/ssi_\xff\xfe.csv", "wb") as file:  # noqa: PTH123
        file.write(GOOD.encode())


@refused("ssi\\x1b[2J\\nOK: 0 problems.csv: 1 problem", "row 2", "total")
def file_name_that_tries_to_paint_the_terminal(folder: Path) -> None:
    (folder / "ssi\x1b[2J\nOK: 0 problems.csv").write_text(GOOD.replace(",40\n", ",forty\n"))


@right(ANN)
def file_names_that_windows_keeps_for_itself(folder: Path) -> None:
    put(folder, NUL__csv="a,b\n1,2\n", CON="x", ssi_COM1__csv=GOOD)


# --------------------------------------------------------------------------- settings and people


def _settings(toml: str | bytes) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        put(folder, ssi__csv=GOOD)
        (folder / "ssi-audit.toml").write_bytes(toml.encode() if isinstance(toml, str) else toml)

    return make


SETTINGS: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    "unknown": ("languge = 'en'", ('unknown setting "languge"', 'did you mean "language"?')),
    "wrong_types": ('seed = "many"\nmin_group = []\nshow_names = "perhaps"', ('"seed"', '"min_group"', '"show_names"')),
    "not_toml": ("language = en", ("not readable as TOML", "quotes")),
    "not_text": (b"\xff\xfe\x00language", ("not readable as TOML",)),
    "nul_bytes": ("language = 'en'\n\0", ("not readable as TOML",)),
    "deep": ("a = " + "[" * 100_000, ("not readable as TOML",)),
    "huge_number": ("seed = " + "9" * 10_000, ("not readable as TOML",)),
    "infinite": ("archive_shift_hours = inf", ('"archive_shift_hours"',)),
    "not_a_number": ("[rates]\nUSD = nan", ('"rates',)),
    "negative_rate": ("[rates]\nUSD = -3.0", ('"rates',)),
    "path_for_zone": ("timezone = '../../../etc/passwd'", ('"timezone"', "Europe/Warsaw")),
    "group_of_one": ("min_group = 1", ('"min_group" = 1',)),
    "ends_before_start": ("start = 2026-03-01\nend = 2025-03-01", ("end",)),
    "strange_encoding": ('[encoding]\n"ssi.csv" = "base64"', ("ssi.csv", "encoding")),
    "encoding_that_fails": ('[encoding]\n"ssi.csv" = "undefined"', ("ssi.csv", "undefined")),
}  # fmt: skip
for _name, (_toml, _words) in SETTINGS.items():
    ALL.append(Hostile(f"settings_{_name}", _settings(_toml), None, _words, heavy=False))


@refused("ssi-audit.toml", "not a file", "rename it")
def settings_that_are_a_folder(folder: Path) -> None:
    put(folder, ssi__csv=GOOD)
    (folder / "ssi-audit.toml").mkdir()


@refused("people.csv", "email a@x.example belongs to Ann Lee and to Bo", "correct it")
def people_list_with_one_person_twice(folder: Path) -> None:
    put(folder, people__csv="person,email\nAnn Lee,a@x.example\nAnn Lee,a@x.example\nBo,a@x.example\n", ssi__csv=GOOD)


@right(ANN)
def people_list_with_markup_in_every_field(folder: Path) -> None:
    markup = "<script>alert(1)</script>"
    put(folder, people__csv=f"person,team,territory,aliases\nAnn Lee,{markup},{markup},{markup}\n", ssi__csv=GOOD)


@refused("quotas.csv", "row 2", "period_end")
def quota_that_ends_before_it_begins(folder: Path) -> None:
    head = "person,period_start,period_end,quota,currency\n"
    put(folder, quotas__csv=head + "Ann Lee,2026-03-01,2026-01-01,5,EUR\n", ssi__csv=GOOD)


@right()
def folder_with_nothing_in_it(folder: Path) -> None:
    assert folder.is_dir()


@refused("noise.csv", "neither UTF-8 nor any Windows encoding", "CSV UTF-8")
def noise_beside_the_data(folder: Path) -> None:
    put(folder, noise__csv=bytes(range(256)) * 4000, noise__bin=os.urandom(64), ssi__csv=GOOD, x__pdf=b"%PDF-1.7 x")
