"""What is read in one step because it is simple reads as it would cell by cell."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ssi_audit.exports import dates, numbers, settle, stages, text
from ssi_audit.exports.files import File, Folder, ReadingRules
from ssi_audit.exports.table import Context, Table
from ssi_audit.settings import Settings


def column(*cells: str) -> pd.Series:
    return pd.Series(cells, dtype="str")


@pytest.mark.parametrize("zone", ["UTC", "Europe/Warsaw"])
def test_iso_times_in_one_step(monkeypatch, zone):
    """Days, minutes and seconds in one column, blanks between them, moved to a zone: the same times either way."""
    cells = column("2026-03-02", "2026-03-29 00:30", "", "2026-10-25 01:30:00", "2026-02-28T23:59:59")
    asked = {"zone": zone, "naive_zone": "UTC", "shift_hours": 1.0}
    fast = dates.parse_dates(cells, **asked)
    assert dates._iso_times(cells, *asked.values(), dates.EARLIEST, dates.LATEST) is not None
    monkeypatch.setattr(dates, "_iso_times", lambda *ignored: None)
    slow = dates.parse_dates(cells, **asked)
    np.testing.assert_array_equal(fast.times, slow.times)
    assert not slow.bad.any() and not fast.bad.any()


@pytest.mark.parametrize(
    ("cell", "bad"), [("2026-02-30", True), ("2026-03-02 10", True), ("2060-01-01", True), ("2568-03-02", False),
                      ("2026-03-02T10:00:00Z", False), ("n/a", False)],
)  # fmt: skip
def test_other_dates_are_not_taken_for_plain_ones(cell, bad):
    """Days that do not exist, hours alone, far years, Buddhist years, zones and words go the careful way."""
    read = dates.parse_dates(column("2026-03-01", cell))
    assert read.bad.tolist() == [False, bad]
    if cell == "2568-03-02":
        assert read.times[1] == np.datetime64("2025-03-02")


@pytest.mark.parametrize("cells", [("12", "", "-5", "007"), ("1200000", "3"), ("", "")])
def test_whole_numbers_in_one_step(monkeypatch, cells):
    """Digits alone: the same values either way."""
    fast = numbers.parse_numbers(column(*cells))
    assert numbers._whole(column(*cells)) is not None
    monkeypatch.setattr(numbers, "_whole", lambda ignored: None)
    slow = numbers.parse_numbers(column(*cells))
    np.testing.assert_array_equal(fast.values, slow.values)
    assert fast.decimal == slow.decimal == ""


@pytest.mark.parametrize("cell", ["0x1F", "1.5", "1,5", " 7", "+3", "n/a", "EUR 4"])
def test_other_numbers_are_not_taken_for_whole_ones(cell):
    """Signs, separators, spaces, words and what only a computer takes for a number go the careful way."""
    assert numbers._whole(column("12", cell)) is None
    assert numbers.parse_numbers(column("12", cell)).bad[1] == (cell == "0x1F")


def test_late_cells_of_another_kind_are_seen():
    """A column is simple only if all of it is, not only its beginning."""
    many = ["2026-03-02"] * dates.SAMPLE
    assert dates.parse_dates(column(*many, "yesterday")).bad.tolist() == [False] * dates.SAMPLE + [True]
    assert numbers.parse_numbers(column(*["7"] * numbers.SAMPLE, "seven")).bad.sum() == 1


def test_events_in_the_order_of_all_columns():
    """Sorted as pandas sorts, missing values last, also where only the id of the deal or the start decides."""
    rng = np.random.default_rng(4)
    n = 500
    frame = pd.DataFrame(
        {
            "person": rng.choice(["P1", "P2"], n),
            "date": pd.to_datetime(rng.choice(["2026-01-05", "2026-01-06"], n)),
            "kind": rng.choice(["meeting", "inquiry"], n),
            "amount": rng.choice([1.0, np.nan], n),
            "currency": pd.Series(rng.choice(["EUR", ""], n), dtype="str").replace("", np.nan),
            "source": "x",
            "deal": pd.Series(rng.choice(["", *(f"D{at}" for at in range(40))], n), dtype="str").replace("", np.nan),
            "started": pd.to_datetime(rng.choice(["2026-01-01", "2026-01-02", "NaT"], n)),
        }
    )
    expected = frame.sort_values(list(frame.columns), kind="stable", ignore_index=True)
    pd.testing.assert_frame_equal(frame.take(settle._order(frame)).reset_index(drop=True), expected)


CSV = b'Id,Extra,Name\n1,a,"M\xc3\xbc"\n2,b,"two\nlines"\n3,c,Li\n'


def test_only_wanted_columns_are_cut():
    """The cells of the wanted columns, rows as in the whole table."""
    dialect = text.Dialect()
    whole, part = text.cut(CSV, dialect), text.cut(CSV, dialect, only={"id", "name"})
    assert part.header == ["Id", "Name"]
    assert part.frame[1].tolist() == whole.frame[2].tolist() == ["Mü", "two\nlines", "Li"]
    np.testing.assert_array_equal(part.rows, whole.rows)


def test_with_an_odd_line_all_columns_are_cut():
    """What a line of another length is can be told from all of its cells only."""
    cells = text.cut(CSV + b"Total,3\n", text.Dialect(), only={"id"})
    assert cells.header == ["Id", "Extra", "Name"]
    assert [(line.row, line.cells) for line in cells.odd] == [(5, ("Total", "3"))]


@pytest.mark.parametrize("behind", [b"", b"Total,3\n4,d,Bo\n"])
def test_two_threads_cut_as_one(monkeypatch, behind):
    """The same rows and the same odd lines with their places."""
    one = text.cut(CSV + behind, text.Dialect())
    monkeypatch.setattr(text, "THREADS_FROM", 0)
    two = text.cut(CSV + behind, text.Dialect())
    pd.testing.assert_frame_equal(one.frame, two.frame)
    assert one.odd == two.odd
    np.testing.assert_array_equal(one.rows, two.rows)


def test_a_text_is_read_in_pieces_of_any_size(monkeypatch):
    """Letters cut in two by the end of a piece are one letter; bytes of Windows are not taken for ISO-8859-1."""
    monkeypatch.setattr(text, "CHUNK", 3)
    thai = "ก,ข\nสมชาย,1\n".encode()
    assert text.decode(thai) == (thai, "utf-8")
    assert not text.is_unicode(thai[:-4] + b"\xe0\n")
    assert text.decode("Müller Café".encode("latin-1"), encoding="cp1252")[0] == "Müller Café".encode()
    assert text.decode("5 € – Müller".encode("cp1252"), encoding="cp1252")[0] == "5 € – Müller".encode()


def test_rows_that_say_the_same_are_judged_once():
    """Every row gets the state it would have alone, and only stages that matter are asked about."""
    stage = ["Closed Won", "Closed Lost", "Onboarding", "Closed Won", "Onboarding", "Negotiation"]
    flag = ["1", "0", "", "", "1", ""]
    table = Table("d.csv", ["s", "w"], pd.DataFrame({"s": stage, "w": flag}, dtype="str"), np.arange(2, 8))
    context = Context(Settings(stages={"Negotiation": "lost"}))
    columns = {"stage": "s", "won": "w", "status": None}
    state = stages.outcomes(table, columns, context, np.ones(6, dtype=bool))
    assert state.tolist() == ["won", "lost", "open", "won", "won", "lost"]
    assert not context.problems
    assert len(context.notes) == 1 and '"Onboarding"' in context.notes[0]


def test_the_kind_of_a_large_file_is_told_by_its_beginning():
    """Nothing but the beginning is read until somebody needs the rest."""
    size = text.HEAD_BYTES + 10

    def all_of_it() -> bytes:
        raise AssertionError("the whole file was read")

    file = File("x.csv", Folder(""), all_of_it, size, ReadingRules(Settings()), lambda: b"Id,Name\n1,a\n")
    assert (file.kind, file.starts_like_a_zip) == ("text", False)


def test_a_beginning_of_blanks_is_not_an_empty_file():
    """A file that begins with more blank lines than are looked at first is read whole to say what it is."""
    data = b"\n" * (text.HEAD_BYTES + 5) + b"Id,Name\n"
    file = File("x.csv", Folder(""), lambda: data, len(data), ReadingRules(Settings()), lambda: data[: text.HEAD_BYTES])
    assert file.kind == "text"
