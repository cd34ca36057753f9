"""Amounts of a CRM: one convention a column, a currency each, never guessed and never added up."""

from __future__ import annotations

import pytest

from tests.unit.exports.crm_files import events, sheet_text
from tests.unit.exports.folders import complaint, reading

HEADER = ("Sales Rep", "Deal Name", "Stage", "Created", "Amount")


def amounts(folder, *cells: str, amount: str = "Amount", currency: tuple[str, ...] = (), **settings) -> list[tuple]:
    """Amount and currency of deals whose cells hold these amounts."""
    header = (*HEADER[:4], amount, *(("Currency",) if currency else ()))
    extra = [(one,) for one in currency] or [()] * len(cells)
    rows = [
        ("Ada Berg", f"D{at:02d}", "Open", f"2026-01-{at + 10}", cell, *more)
        for at, (cell, more) in enumerate(zip(cells, extra, strict=True))
    ]
    read = reading(folder, {"deals.csv": sheet_text(header, *rows)}, **settings)
    return [row[1:] for row in events(read, "date", "amount", "currency")]


IN_CELLS = [
        ("EUR 1,000.50", 1000.5, "EUR"), ("1 000,50 zł", 1000.5, "PLN"), ("€1.000,50", 1000.5, "EUR"),
        ("£ 12,500.00", 12500, "GBP"), ("฿12,500.00", 12500, "THB"), ("₹4,50,000.00", 450000, "INR"),
        ("USD 1,000.00 (EUR 860.00)", 1000, "USD"), ("$1,000.50", 1000.5, None), ("1 000,50 kr", 1000.5, None),
        ("1000.50", 1000.5, None), ("", None, None), ("-", None, None), ("12'500.00 CHF", 12500, "CHF"),
]  # fmt: skip


def test_the_currency_may_stand_in_the_cell(tmp_path):
    """Codes and signs of one country name a currency; a dollar or a crown names none; blank is unknown, not 0."""
    files = {
        f"{at}.csv": sheet_text(HEADER, ("Ada Berg", f"D{at:02d}", "Open", f"2026-01-{at + 10}", cell))
        for at, (cell, *_) in enumerate(IN_CELLS)
    }
    read = reading(tmp_path, files)
    assert [row[1:] for row in events(read, "date", "amount", "currency")] == [row[1:] for row in IN_CELLS]


def test_rows_of_one_column_may_have_different_currencies(tmp_path):
    """Each keeps its own."""
    assert amounts(tmp_path, "EUR 10.50", "GBP 20.50", "30.50") == [(10.5, "EUR"), (20.5, "GBP"), (30.5, None)]


@pytest.mark.parametrize("header", ["Amount (EUR)", "Amount EUR", "Amount [EUR]"])
def test_the_header_may_name_the_currency(tmp_path, header):
    """Where the cells name none, the header does; a cell that names another one is right."""
    got = amounts(tmp_path, "10.50", "GBP 20.50", amount=header, columns={"deals": {"amount": header}})
    assert got == [(10.5, "EUR"), (20.5, "GBP")]


def test_a_column_of_currencies_comes_first(tmp_path):
    """As codes, signs or words around a code; where it is blank nothing is taken from elsewhere."""
    got = amounts(tmp_path, "1.50", "2.50", "3.50", "EUR 4.50", currency=("EUR", "zł", "GBP - British Pound", ""))
    assert got == [(1.5, "EUR"), (2.5, "PLN"), (3.5, "GBP"), (4.5, None)]


def test_a_word_that_is_no_currency_is_named(tmp_path):
    """With its row and what is expected."""
    header = (*HEADER, "Currency")
    text = complaint(tmp_path, {"d.csv": sheet_text(header, ("Ada Berg", "A", "Open", "2026-01-10", "1", "shells"))})
    assert 'row 2, "Currency" = shells is not a currency' in text
    assert "use a code of three letters" in text


def test_an_amount_that_is_no_number_is_named(tmp_path):
    """Words in a column of amounts stop the run with row and column."""
    text = complaint(tmp_path, {"d.csv": sheet_text(HEADER, ("Ada Berg", "A", "Open", "2026-01-10", "lots"))})
    assert 'row 2, "Amount" = lots is not a number' in text


def test_an_amount_that_can_be_two_is_a_question(tmp_path):
    """12,500 in every row is twelve thousand or twelve and a half: the setting answers it."""
    files = {"d.csv": sheet_text(HEADER, ("Ada Berg", "A", "Open", "2026-01-10", "12,500"))}
    assert 'column "Amount": 12,500 can be 12.5 or 12500' in complaint(tmp_path / "1", files)
    assert amounts(tmp_path / "2", "12,500", decimal=".") == [(12500, None)]
    assert amounts(tmp_path / "3", "12,500", decimal=",") == [(12.5, None)]


def test_a_table_without_amounts_keeps_its_currencies(tmp_path):
    """No amount, but a currency: unknown in a known currency."""
    header = ("Sales Rep", "Deal Name", "Stage", "Created", "Currency")
    read = reading(tmp_path, {"d.csv": sheet_text(header, ("Ada Berg", "A", "Open", "2026-01-10", "EUR"))})
    assert events(read, "amount", "currency") == [(None, "EUR")]
