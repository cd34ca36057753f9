"""Steps that look at a value once however often it stands in a file: the same answers as cell by cell."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ssi_audit.exports import text
from ssi_audit.exports.ledger import Ledger
from ssi_audit.exports.settle import _alike, _order
from ssi_audit.exports.table import Table, as_text, spread
from ssi_audit.exports.text import Unreadable


def table(**columns: list[str]) -> Table:
    """A table of text cells that begins in row 2."""
    frame = pd.DataFrame(columns, dtype="str")
    return Table("deals.csv", list(columns), frame, np.arange(2, 2 + len(frame)))


def test_rows_that_say_the_same_are_one():
    """The distinct rows stand in order of appearance, each row knows which of them it is."""
    codes, once = table(stage=["Won", " Lost", "Won ", "Lost"], owner=["Ann", "Bo", "Ann", "Cy"]).distinct(
        "stage", "owner"
    )
    assert codes.tolist() == [0, 1, 0, 2]
    assert once.words("stage").tolist() == ["Won", "Lost", "Lost"]
    assert once.rows.tolist() == [2, 3, 5]


def test_no_column_is_one_blank_answer():
    """A column that a file does not have gives every row the same blank."""
    codes, words = table(stage=["Won", "Lost"]).coded(None)
    assert (codes.tolist(), words.tolist()) == ([0, 0], [""])
    codes, once = table(stage=[]).distinct(None)
    assert (len(codes), len(once)) == (0, 0)


def test_blank_knows_words_for_nothing_among_long_cells():
    """Cells are blank by their words, whatever stands in the other cells of the column."""
    cells = ["", "  ", " N/A ", "not available", "nothing at all is known", "–", "0"]
    assert table(note=cells).blank("note").tolist() == [True, True, True, True, False, True, False]


def test_equal_answers_are_one_category():
    """Two words with one meaning give one category, and come back as text."""
    given = spread(["EUR", "", "EUR"], np.array([2, 1, 0, 1]))
    assert list(given.cat.categories) == ["EUR", ""]
    assert as_text(given).tolist() == ["EUR", "", "EUR", ""]


def test_missing_categories_are_missing_text():
    """A row without a category is missing, not blank."""
    given = spread(["EUR", ""], np.array([0, 1])).cat.remove_categories([""])
    assert as_text(given).isna().tolist() == [False, True]


@pytest.mark.parametrize("rows", [[2, 3, 4, 5], [2, 3, 5, 9]], ids=["consecutive", "with gaps"])
def test_ledger_finds_rows_and_passes_over_others(rows):
    """Rows that the file does not have are marked nowhere, whether or not the rows are consecutive."""
    mask = Ledger("a.csv", rows).at(np.array([1, 3, 5, 70]))
    assert [row for row, marked in zip(rows, mask) if marked] == [3, 5]


def test_added_lines_are_found():
    """A line set aside between the rows is found after it was added."""
    ledger = Ledger("a.csv", [2, 3, 5])
    ledger.at(np.array([3]))
    ledger.add([4], "skipped", "blank line")
    assert ledger.at(np.array([4, 5])).tolist() == [False, False, True, True]


@pytest.mark.parametrize("big", [10, 2**40], ids=["packed with positions", "too large for that"])
def test_order_is_that_of_sort_values(big):
    """Sorting by packed ranks, categories included, gives what sorting by all columns gives."""
    rng = np.random.default_rng(4)
    n = 500
    frame = pd.DataFrame(
        {
            "person": spread(["P2", "P1", "P3"], rng.integers(0, 3, n)),
            "amount": rng.integers(0, big, n).astype(float),
            "spare": rng.integers(0, big, n),
            "more": rng.integers(0, big, n),
            "other": rng.integers(0, big, n),
            "last": rng.integers(0, big, n),
            "lots": rng.integers(0, big, n),
            "source": spread(["web", "a", "b"], rng.integers(0, 3, n)).cat.remove_categories(["a"]),
            "deal": pd.Series(rng.choice(["x", "y", "z"], n), dtype="str"),
        }
    )
    plain = frame.assign(person=as_text(frame["person"]), source=as_text(frame["source"]))
    expected = plain.sort_values(list(plain.columns), kind="stable", na_position="last").reset_index(drop=True)
    pd.testing.assert_frame_equal(plain.take(_order(frame)).reset_index(drop=True), expected)


def test_frames_of_no_type_stand_alone():
    """Frames of the same columns and types are put together; those with cells of no type are not."""
    typed = [(unit, pd.DataFrame({"count": [1.0], "row": [unit]})) for unit in (0, 2)]
    loose = [(unit, pd.DataFrame({"count": pd.Series([1], dtype="object"), "row": [unit]})) for unit in (1, 3)]
    groups = _alike(sorted([*typed, *loose], key=lambda pair: pair[0]))
    assert [units for units, _ in groups] == [[0, 2], [1], [3]]


# --------------------------------------------------------------------------- bytes of ISO-8859-1

LATIN = 'Id,Name,Stage\n1,"Müller, Café",Won\n2,plain,Lost\n3,,Öl\n'


def test_cells_of_iso_8859_are_read_where_they_lie():
    """Only the wanted columns are turned into UTF-8, with the same letters as when the whole file is."""
    whole = text.cut(LATIN.encode(), text.Dialect())
    part = text.cut(LATIN.encode("latin-1"), text.Dialect(), only={"name", "stage"}, encoding="latin-1")
    assert part.header == ["Name", "Stage"]
    assert part.frame[0].tolist() == whole.frame[1].tolist() == ["Müller, Café", "plain", ""]
    assert part.frame[1].tolist() == ["Won", "Lost", "Öl"]


def test_odd_lines_of_iso_8859_are_text():
    """Lines of another length come back as text in their rows, too."""
    data = (LATIN + "Größe\n").encode("latin-1")
    cells = text.cut(data, text.Dialect(), only={"name"}, encoding="latin-1")
    assert [(line.row, line.cells) for line in cells.odd] == [(5, ("Größe",))]
    assert cells.frame[1].tolist() == ["Müller, Café", "plain", ""]


def test_unclosed_quote_is_found_below_lines_set_aside():
    """Lines of another length explain as many line breaks as there are of them, and no more."""
    lines = "a,b\n1,2\nlone\n" + '3,"x\n4,y"\n' + 'z"\n'
    with pytest.raises(Unreadable, match="quotation mark"):
        text.cut((lines + '5,"open\n').encode(), text.Dialect())


def test_only_separators_that_occur_are_tried():
    """A separator that occurs nowhere is tried once at most, and the answer stays the same."""
    assert text._worth_a_try("a;b\nc;d\n") == [",", ";"]
    assert text.sniff(b"person;date\nAnn;2026-01-01\n", {"person", "date"})[0].delimiter == ";"
    assert text.sniff(b"person\nAnn\n", {"person"})[0].delimiter == ","
