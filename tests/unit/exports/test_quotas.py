"""Quotas: one row a period or one column a period, periods in any of the usual ways."""

from __future__ import annotations

import pytest

from ssi_audit.exports.quotas import NO_PERIOD, NO_QUOTA
from ssi_audit.exports.quotas_twice import CONFLICT, LATER_QUOTA, SAME_QUOTA
from ssi_audit.exports.settle import OTHER_QUOTAS
from ssi_audit.exports.twice import BY_NAME
from ssi_audit.people import NO_OWNER
from tests.unit.exports.crm_files import lines_of, rows_in_ledger, rows_of, sheet_text
from tests.unit.exports.folders import complaint, fill, named, reading
from tests.unit.exports.in_blocks import same, tiny_blocks  # noqa: F401


def test_a_quota_a_row(tmp_path):
    """A person, a period, an amount and its currency; what lacks one of the first three is told."""
    rows = [
        ("Ada Berg", "Q1 2026", "60000", "EUR"), ("Ada Berg", "Q2 2026", "65000", "EUR"), ("", "Q1 2026", "1", "EUR"),
        ("Eve Holm", "soon", "9000", "EUR"), ("Eve Holm", "Q1 2026", "", "EUR"),
    ]  # fmt: skip
    text = sheet_text(("Sales Rep", "Quarter", "Quota", "Currency"), *rows)
    read = reading(tmp_path, {"quotas.csv": text})
    assert read.kinds == {"quotas.csv": "quotas"}
    assert named(read, "quotas") == [
        ("Ada Berg", "2026-01-01", "2026-03-31", 60000, "EUR"), ("Ada Berg", "2026-04-01", "2026-06-30", 65000, "EUR"),
    ]  # fmt: skip
    assert rows_of(read, "quotas.csv") == {"used": 2, NO_OWNER: 1, NO_PERIOD: 1, NO_QUOTA: 1}
    assert rows_in_ledger(read, "quotas.csv") == lines_of(text)


PERIODS = [
        ("2026-Q1", "2026-01-01", "2026-03-31"), ("Q3/26", "2026-07-01", "2026-09-30"),
        ("26Q2", "2026-04-01", "2026-06-30"), ("FY26 Q4", "2026-10-01", "2026-12-31"),
        ("4. Quartal 2026", "2026-10-01", "2026-12-31"), ("Kwartał 2 2026", "2026-04-01", "2026-06-30"),
        ("H2 2026", "2026-07-01", "2026-12-31"), ("1H26", "2026-01-01", "2026-06-30"),
        ("2026-02", "2026-02-01", "2026-02-28"), ("02/2024", "2024-02-01", "2024-02-29"),
        ("Mar 2026", "2026-03-01", "2026-03-31"), ("marzec 2026", "2026-03-01", "2026-03-31"),
        ("Marzo 2026", "2026-03-01", "2026-03-31"), ("maaliskuu 2026", "2026-03-01", "2026-03-31"),
        ("M3 2026", "2026-03-01", "2026-03-31"), ("Mar-26", "2026-03-01", "2026-03-31"),
        ("2026", "2026-01-01", "2026-12-31"), ("FY2026", "2026-01-01", "2026-12-31"),
]  # fmt: skip


def test_periods_in_the_ways_people_write_them(tmp_path):
    """Quarters, halves, months in several languages, years; what is none is told, not guessed."""
    none = ["Q5 2026", "2026-13", "13/2026", "Spring 2026", "Q1", "99"]
    rows = [(f"Seller {at}", written, str(at)) for at, written in enumerate([*(row[0] for row in PERIODS), *none])]
    read = reading(tmp_path, {"q.csv": sheet_text(("Sales Rep", "Period", "Target"), *rows)})
    found = {int(row[3]): row[1:3] for row in named(read, "quotas")}
    assert found == {at: (first, last) for at, (_, first, last) in enumerate(PERIODS)}
    assert rows_of(read, "q.csv") == {"used": len(PERIODS), NO_PERIOD: len(none)}


def test_a_year_in_a_column_of_its_own(tmp_path):
    """Q1 beside 2026, and a year alone."""
    text = sheet_text(
        ("Sales Rep", "Year", "Quarter", "Quota"), ("Ada Berg", "2026", "Q1", "5"), ("Ada Berg", "FY2027", "Q2", "6")
    )
    assert [row[1:4] for row in named(reading(tmp_path / "1", {"q.csv": text}), "quotas")] == [
        ("2026-01-01", "2026-03-31", 5), ("2027-04-01", "2027-06-30", 6),
    ]  # fmt: skip
    text = sheet_text(("Sales Rep", "Year", "Quota"), ("Ada Berg", "2026", "5"))
    assert [row[1:3] for row in named(reading(tmp_path / "2", {"q.csv": text}), "quotas")] == [
        ("2026-01-01", "2026-12-31")
    ]


def test_first_and_last_day_are_taken_as_they_stand(tmp_path):
    """A fiscal year of its own is said by its days; the order of one column settles that of the other."""
    text = sheet_text(
        ("Sales Rep", "Period Start", "Period End", "Quota"), ("Ada Berg", "01/02/2026", "30/04/2026", "5")
    )
    assert [row[1:3] for row in named(reading(tmp_path, {"q.csv": text}), "quotas")] == [("2026-02-01", "2026-04-30")]


@pytest.mark.parametrize(
    ("header", "spans"),
    [
        (("Sales Rep", "Q1 2026", "Q2 2026"), ["2026-01-01", "2026-04-01"]),
        (("Handlowiec", "Jan 2026", "Feb 2026"), ["2026-01-01", "2026-02-01"]),
        (("Venditore", "2025", "2026"), ["2025-01-01", "2026-01-01"]),
    ],
)
def test_a_column_a_period(tmp_path, header, spans):
    """A word for quota in the file's name says what the numbers are; blank cells are no quota of 0."""
    rows = [("Ada Berg", "5000", "6000"), ("Eve Holm", "", "7000"), ("Bo Lind", "", "")]
    read = reading(tmp_path, {"quotas.csv": sheet_text(header, *rows)})
    assert {(row[0], row[1], row[3]) for row in named(read, "quotas")} == {
        ("Ada Berg", spans[0], 5000), ("Ada Berg", spans[1], 6000), ("Eve Holm", spans[1], 7000),
    }  # fmt: skip
    assert rows_of(read, "quotas.csv") == {"used": 2, NO_QUOTA: 1}


def test_a_column_a_quarter_beside_the_year(tmp_path):
    """Headers without a year take the one of the row."""
    text = sheet_text(("Sales Rep", "Year", "Q1", "Q2", "Sum of target"), ("Ada Berg", "2026", "5", "6", "11"))
    assert [row[1:4] for row in named(reading(tmp_path, {"x.csv": text}), "quotas")] == [
        ("2026-01-01", "2026-03-31", 5), ("2026-04-01", "2026-06-30", 6),
    ]  # fmt: skip


def test_columns_of_periods_without_a_word_for_quota_could_be_anything(tmp_path):
    """Revenue by quarter looks the same: it is not taken for quotas."""
    text = sheet_text(("Sales Rep", "Q1 2026", "Q2 2026"), ("Ada Berg", "5", "6"))
    assert len(reading(tmp_path, {"x.csv": text}).tables.quotas) == 0


def test_fiscal_periods_are_taken_for_calendar_ones_and_that_is_said(tmp_path):
    """Nobody's file says when the fiscal year begins."""
    text = sheet_text(("Sales Rep", "Fiscal Quarter", "Quota"), ("Ada Berg", "Q1 2026", "5"))
    notes = reading(tmp_path, {"q.csv": text}).tables.notes
    assert any("fiscal periods are taken for calendar ones" in note for note in notes)


def test_a_negative_quota_is_named(tmp_path):
    """A quota below zero is a mistake of the sheet."""
    text = sheet_text(("Sales Rep", "Quarter", "Quota"), ("Ada Berg", "Q1 2026", "-5"))
    assert 'row 2, "Quota" = -5 is negative: a quota cannot be' in complaint(tmp_path, {"q.csv": text})


def test_amounts_with_currencies_in_their_cells(tmp_path):
    """As people type them; the currency in the cell is kept."""
    text = sheet_text(("Myyjä", "Kausi", "Tavoite"), ("Ada Berg", "Q1 2026", "€ 60 000,50"))
    assert [row[3:] for row in named(reading(tmp_path, {"q.csv": text}), "quotas")] == [(60000.5, "EUR")]


def test_a_list_of_campaigns_is_no_list_of_quotas(tmp_path):
    """Name, start, end and budget need a seller beside them."""
    text = sheet_text(("Name", "Start", "End", "Budget"), ("Spring", "2026-01-01", "2026-03-31", "500"))
    assert reading(tmp_path, {"x.csv": text}).kinds == {}


# --------------------------------------------------------------------------- told twice

QUARTERS = ("Sales Rep", "Quarter", "Quota", "Currency")


@pytest.mark.parametrize("names", [("plan.csv", "plan (1).csv"), ("b/plan 2026-01-05.csv", "a/plan 2026-02-05.csv")])
@pytest.mark.parametrize("amounts", [("60000", "50000"), ("50000", "60000")])
def test_of_two_files_the_later_quota_counts(tmp_path, names, amounts):
    """A plan that was revised, up or down; what only the earlier one tells stays."""
    first = sheet_text(QUARTERS, ("Ada Berg", "Q1 2026", amounts[0], "EUR"), ("Bo Lind", "Q1 2026", "7", "EUR"))
    later = sheet_text(QUARTERS, ("Ada Berg", "Q1 2026", amounts[1], "EUR"))
    read = reading(tmp_path, {names[0]: first, names[1]: later})
    assert [row[3] for row in named(read, "quotas")] == [float(amounts[1]), 7]
    assert rows_of(read, names[0]) == {LATER_QUOTA: 1, "used": 1}
    assert bool([note for note in read.tables.notes if BY_NAME in note]) == ("2026" not in names[0])


def test_quotas_that_conflict_in_one_file_do_not_count(tmp_path):
    """Two products, a correction or a typing error: nobody can say, so none counts, and a note says what to do."""
    rows = [("Ada Berg", "Q1 2026", "60000", "EUR"), ("Ada Berg", "Q1 2026", "65000", "EUR"),
            ("Ada Berg", "Q2 2026", "9", "EUR"), ("Bo Lind", "Q1 2026", "7", "EUR"),
            ("Bo Lind", "Q1 2026", "7", "PLN")]  # fmt: skip
    older = sheet_text(QUARTERS, ("Ada Berg", "Q1 2026", "1", "EUR"))
    read = reading(tmp_path, {"q 1.csv": older, "q 2.csv": sheet_text(QUARTERS, *rows)})
    assert [row[1:4] for row in named(read, "quotas")] == [("2026-04-01", "2026-06-30", 9)]
    assert rows_of(read, "q 2.csv") == {CONFLICT: 4, "used": 1}
    assert rows_of(read, "q 1.csv") == {LATER_QUOTA: 1}
    (note,) = [note for note in read.tables.notes if "quotas stand beside another" in note]
    assert note.startswith("q 2.csv: 4 quotas")


def test_the_same_quota_again_counts_once(tmp_path):
    """In another row or file; where one of them does not say its currency, the other does."""
    one = ("Ada Berg", "Q1 2026", "60000", "EUR")
    files = {"quotas 1.csv": sheet_text(QUARTERS, one, (*one[:3], "")), "quotas 2.csv": sheet_text(QUARTERS, one)}
    read = reading(tmp_path, files)
    assert [row[3:] for row in named(read, "quotas")] == [(60000, "EUR")]
    assert rows_of(read, "quotas 1.csv") == {SAME_QUOTA: 2}
    assert not [note for note in read.tables.notes if "quotas" in note]


def test_a_row_of_which_one_quota_counts_elsewhere_is_used_in_part(tmp_path):
    """A column a quarter: the second quarter was revised in a later file."""
    files = {
        "quotas 1.csv": sheet_text(("Sales Rep", "Q1 2026", "Q2 2026"), ("Ada Berg", "5", "6")),
        "quotas 2.csv": sheet_text(("Sales Rep", "Q2 2026", "Q3 2026"), ("Ada Berg", "8", "9")),
    }
    read = reading(tmp_path, files)
    assert [row[3] for row in named(read, "quotas")] == [5, 8, 9]
    assert rows_of(read, "quotas 1.csv") == {OTHER_QUOTAS: 1}


@pytest.mark.usefixtures("tiny_blocks")
def test_beside_a_large_table_quotas_are_told_once(tmp_path):
    """A folder that is read in blocks."""
    plain = "person,date,kind\n" + "".join(f"Ada Berg,2026-01-{day:02d},inquiry\n" for day in range(1, 20))
    quotas = "person,period_start,period_end,quota\nAda Berg,2026-01-01,2026-03-31,{}\n"
    files = {"crm_events.csv": plain, "quotas.csv": quotas.format(5), "quotas (1).csv": quotas.format(4)}
    result = same(fill(tmp_path, files))
    assert result.frames["quotas"]["quota"].tolist() == [4]
