"""The ledger: counts add up, first reasons stay, neighbours become ranges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi_audit.exports.ledger import Ledger
from ssi_audit.schema import LEDGER_COLUMNS


def mask(ledger: Ledger, *rows: int) -> np.ndarray:
    return np.isin(ledger.rows, rows)


def lines(ledger: Ledger) -> list[tuple]:
    frame = ledger.ranges()
    return list(zip(frame["first_row"], frame["last_row"], frame["rows"], frame["status"], frame["reason"]))


def test_million_used_rows_are_one_line():
    """Rows with the same fate are one range."""
    ledger = Ledger("a.csv", np.arange(2, 1_000_002))
    assert lines(ledger) == [(2, 1_000_001, 1_000_000, "used", "")]
    assert tuple(ledger.ranges().columns) == LEDGER_COLUMNS


def test_first_reason_of_a_skipped_row_stays():
    """A row skipped twice keeps the first reason; a skipped row is never repaired or unmatched afterwards."""
    ledger = Ledger("a.csv", [2, 3, 4])
    ledger.skip(mask(ledger, 3), "first")
    ledger.skip(mask(ledger, 3, 4), "second")
    ledger.repair(mask(ledger, 3), "mended")
    ledger.unmatch(mask(ledger, 2, 3), "nobody", "Tom O.")
    assert lines(ledger) == [
        (2, 2, 1, "unmatched", "nobody"), (3, 3, 1, "skipped", "first"), (4, 4, 1, "skipped", "second"),
    ]  # fmt: skip


def test_gaps_split_ranges():
    """Rows that are not neighbours are not one range."""
    assert [line[:3] for line in lines(Ledger("a.csv", [2, 3, 7]))] == [(2, 3, 2), (7, 7, 1)]


def test_detail_of_each_row():
    """An array of details gives each row its own, in one line."""
    ledger = Ledger("a.csv", [2, 3, 4])
    ledger.unmatch(mask(ledger, 2, 4), "nobody", np.array(["Ann\nB", "x", "Cid"], dtype=object))
    assert ledger.ranges()["detail"].tolist() == ["Ann B", "", "Cid"]


def test_added_lines_find_their_place():
    """Trailers and blank lines are counted in the order of the file."""
    ledger = Ledger("a.csv", [2, 4])
    ledger.add([3, 5], "skipped", "blank line")
    assert [line[0] for line in lines(ledger)] == [2, 3, 4, 5]


def test_rows_share_the_fate_of_the_reading_they_are_part_of():
    """Seven lines that make one reading are unmatched together."""
    ledger = Ledger("a.csv", [2, 3, 4])
    ledger.unmatch(mask(ledger, 2), "nobody")
    ledger.share(2, np.array([2, 4]))
    assert [line[3] for line in lines(ledger)] == ["unmatched", "used", "unmatched"]


def test_mask_of_another_length_is_refused():
    """A mask that does not fit the rows is a mistake of a reader, not of the user."""
    with pytest.raises(ValueError, match=r"a\.csv: a mask of \(2,\) for 3 rows"):
        Ledger("a.csv", [2, 3, 4]).skip(np.array([True, False]), "x")


@given(
    rows=st.lists(st.integers(2, 60), unique=True, max_size=40).map(sorted),
    marks=st.lists(
        st.tuples(st.sampled_from(["skip", "repair", "unmatch"]), st.sets(st.integers(2, 60)), st.sampled_from("abc")),
        max_size=6,
    ),
)
def test_counts_always_add_up(rows, marks):
    """Whatever is marked, the lines cover every row once."""
    ledger = Ledger("a.csv", rows)
    for method, where, reason in marks:
        getattr(ledger, method)(mask(ledger, *where), reason)
    covered = [row for first, last, _, _, _ in lines(ledger) for row in range(first, last + 1)]
    assert covered == rows
    assert sum(line[2] for line in lines(ledger)) == len(rows)
