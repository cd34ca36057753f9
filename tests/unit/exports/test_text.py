"""Bytes → cells: encoding, separator, header, and lines that do not fit."""

from __future__ import annotations

import pytest

from ssi_audit.exports.text import Dialect, Unreadable, cut, decode, fold, sniff

WORDS = frozenset({"name", "date", "grosse", "total", "person"})


def cells(data: bytes, words: frozenset[str] = WORDS):
    """All decisions one after the other, as `File.table` makes them."""
    utf8, _ = decode(data, words)
    dialect, at, hidden = sniff(utf8, words)
    return cut(utf8, dialect, at, hidden_first=hidden)


def table(data: bytes) -> list[list[str]]:
    found = cells(data)
    return [found.header, *found.frame.to_numpy().tolist()]


SMALL = [["Name", "Date"], ["Łukasz", "1"], ["Zoë", "2"]]
SMALL_TEXT = "Name;Date\nŁukasz;1\nZoë;2\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_is_read_with_and_without_a_mark(encoding):
    """All Unicode encodings give the same cells."""
    assert table(SMALL_TEXT.encode(encoding)) == SMALL


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("cp1252", "Name;Größe\nCafé Müller;1\n"),
        ("cp1250", "Name;Date\nŁukasz Wałęsa;1\n"),
        ("cp874", "Name;Date\nสมชาย ใจดี;1\n"),
    ],
)
def test_one_byte_encoding_is_told_by_header_or_letters(encoding, content):
    """A known header word, or words of letters only, settle a one-byte encoding."""
    assert table(content.encode(encoding)) == [line.split(";") for line in content.splitlines()]


def test_encoding_that_cannot_be_told_is_asked_for():
    """Dvořák in cp1250 is a word in cp1252 too: both readings are shown."""
    with pytest.raises(Unreadable, match=r"Dvoøák.*Dvořák") as caught:
        decode("Name;Date\nDvořák;1\n".encode("cp1250"), WORDS)
    assert "[encoding]" in caught.value.fix


def test_users_answer_settles_the_encoding():
    """The encoding of the settings is used, and a wrong one is named with the line."""
    data = "Name;Date\nDvořák;1\n".encode("cp1250")
    assert "Dvořák" in decode(data, WORDS, "cp1250")[0].decode()
    with pytest.raises(Unreadable, match="line 2 is not utf-8"):
        decode(data, WORDS, "utf-8")
    with pytest.raises(Unreadable, match="no encoding is called 'utf-99'"):
        decode(data, WORDS, "utf-99")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_separator_and_line_end_are_found(delimiter, newline):
    """Four separators and three line ends give the same cells, with or without an end to the last line."""
    lines = [delimiter.join(row) for row in SMALL]
    assert table(newline.join(lines).encode()) == SMALL
    assert table((newline.join(lines) + newline).encode()) == SMALL


def test_separator_is_not_mistaken_for_one_inside_cells():
    """Commas inside quoted cells and decimals do not outvote the separator of the header."""
    data = b'Name;Date;Total\n"a, b, c";1,5;2,5\n"d, e, f";3,5;4,5\n'
    assert table(data)[1] == ["a, b, c", "1,5", "2,5"]


def test_declared_separator_line_is_no_row():
    """`sep=;` stands before the header and is not counted: spreadsheet programs hide it."""
    found = cells(b"sep=;\r\nName;Date\r\nx;1\r\n")
    assert (found.header, found.rows.tolist()) == (["Name", "Date"], [2])


def test_header_below_remarks_is_found():
    """Titles and notes above the header are kept, rows are numbered from the top of the file."""
    found = cells(b'Notes:\n"two\nlines, one cell"\n\nName,Date\nx,1\n')
    assert found.header == ["Name", "Date"]
    assert [line.row for line in found.above] == [1, 2]
    assert found.rows.tolist() == [5]


def test_line_break_inside_a_cell_is_part_of_it():
    """Doubled quotes, separators and line breaks inside quotes belong to the cell."""
    assert table(b'Name,Date\n"a ""b"", c\nd",1\ne,2\n')[1:] == [['a "b", c\nd', "1"], ["e", "2"]]


def test_lines_of_another_length_are_kept_aside_with_their_rows():
    """Short and long lines are reported, the rows after them keep their numbers."""
    found = cells(b"Name,Date\na,1\nb\nc,3,4\nd,4\n")
    assert [(line.row, line.cells) for line in found.odd] == [(3, ("b",)), (4, ("c", "3", "4"))]
    assert found.rows.tolist() == [2, 5]


def test_header_shorter_than_the_rows_by_empty_cells():
    """A separator at the end of every row is no column."""
    found = cells(b"Name,Date\na,1,\nb,2,\n")
    assert found.header == ["Name", "Date"]
    assert found.frame.shape == (2, 3)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'Name,Date\na,"1\nb,2\n', "row 2: a quotation mark is not closed"),
        (b'Name,Date\na,1\n"b"c,2\n"d",3\ne,"4\n', "row 3|row 5"),
        (b'Name,Date\na,1\nb,"2\nc,"3\nd,4\n', "row 3: a quotation mark is not closed"),
        (b"Name,Date\na,1\nb,\x002\n", "line 3 holds a NUL byte"),
    ],
)
def test_damage_is_named_with_its_place(data, message):
    """An unclosed quote swallows lines and a NUL cuts cells: both are refused, with the row."""
    with pytest.raises(Unreadable, match=message):
        cells(data)


def test_cell_of_ten_megabytes_is_read():
    """A huge cell needs no setting."""
    found = cells(b'Name,Date\na,"' + b"x" * 10_000_000 + b'"\nb,2\n')
    assert found.frame[1].str.len().tolist() == [10_000_000, 1]


def test_empty_and_header_only_tables_have_no_rows():
    """Nothing, a header, and a header without a line end are tables without rows."""
    assert len(cells(b"").frame) == 0
    assert len(cells(b"Name,Date\n").frame) == 0
    assert cells(b"Name,Date").header == ["Name", "Date"]


def test_backslash_dialect_reads_escaped_quotes():
    """LinkedIn's Comments.csv escapes quotes with a backslash."""
    data = b'Date,Message\n1,"a \\"b\\", c"\n'
    found = cut(data, Dialect(",", double_quote=False, escape="\\"))
    assert found.frame.to_numpy().tolist() == [["1", 'a "b", c']]


def test_fold_makes_letters_of_any_script_comparable():
    """ł and đ fold too, which plain Unicode folding does not do."""
    assert fold("Łączny  Wynik_SSI") == "lacznywynikssi"
    assert fold("Deal - Owner") == fold("deal owner") == "dealowner"
