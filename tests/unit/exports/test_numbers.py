"""Text of a column → numbers: one convention a column, or a question."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssi_audit.exports.numbers import OpenDecimal, parse_numbers
from ssi_audit.exports.text import Unreadable


def numbers(*cells: str, **options) -> list[float]:
    return parse_numbers(pd.Series(cells, dtype="str"), **options).values.tolist()


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("1", "2.5"), [1, 2.5]),
        (("1.234,56", "7"), [1234.56, 7]),
        (("1 234,56", "1\u202f000,00", "2\u00a0500,5"), [1234.56, 1000, 2500.5]),
        (("1'234.50", "1’000.00"), [1234.5, 1000]),
        (("4,50,000.00", "12"), [450000, 12]),
        (("12%", "Top 12%", "Primeiros 13%", "Los 5 % principales", "上位7%"), [12, 12, 13, 5, 7]),
        (("$1,200.50", "€5", "USD 7.1", "12 zł", "1.5 kr", "R$ 3.2"), [1200.5, 5, 7.1, 12, 1.5, 3.2]),
        (("(3.5)", "4-", "-5", "\u22126", "-$7.5"), [-3.5, -4, -5, -6, -7.5]),
        (("8.750002", "0.29999998"), [8.750002, 0.29999998]),
        (("1.5e-05", "2E3"), [1.5e-05, 2000]),
        (("๑๒", "３"), [12, 3]),
        (("1,234,567", "2"), [1234567, 2]),
    ],
)
def test_conventions(cells, expected):
    """Grouping, decimal signs, currencies, percentages, brackets and other digits are understood."""
    assert numbers(*cells) == expected


@pytest.mark.parametrize("word", ["", " ", "-", "n/a", "N/A", "NaN", "null", "—", "#REF!", "Error"])
def test_words_for_nothing_are_missing(word):
    """Blanks, dashes and n/a are missing, never zero and never bad."""
    parsed = parse_numbers(pd.Series([word, "1"], dtype="str"))
    assert np.isnan(parsed.values[0])
    assert not parsed.bad.any()


@pytest.mark.parametrize("word", ["abc", "Q1-2026", "1e400", "inf", "1.2.3", "12,34,5.6", "5 apples", "--3", "(4"])
def test_what_is_no_number_is_bad(word):
    """Text, infinities and broken grouping are marked, not guessed at."""
    assert parse_numbers(pd.Series([word, "1"], dtype="str")).bad.tolist() == [True, False]


def test_one_value_settles_the_column():
    """1.234 is a decimal beside 8.75, and a thousand beside 8,75."""
    assert numbers("1.234", "8.75") == [1.234, 8.75]
    assert numbers("1.234", "8,75") == [1234, 8.75]


def test_contradicting_values_are_refused_with_both():
    """A column with 1.5 and 2,5 is shown both."""
    with pytest.raises(Unreadable, match=r"mixes.*1\.5 and 2,5"):
        numbers("1.5", "2,5")


def test_open_decimal_sign_is_asked_for():
    """1,234 alone can be two numbers: the question names both and the setting."""
    with pytest.raises(OpenDecimal, match=r"1,234 can be 1\.234 or 1234") as caught:
        numbers("1,234")
    assert "decimal" in caught.value.fix


def test_answer_range_and_counts_settle_the_decimal_sign():
    """The user's answer, a range that only one reading fits, and counting settle it."""
    assert numbers("1,234", decimal=",") == [1.234]
    assert numbers("1,234", decimal=".") == [1234]
    assert numbers("19.813", low=0, high=25) == [19.813]
    assert numbers("1,234", integer=True) == [1234]


def _written(value: float, decimal: str, group: str) -> str:
    """A number with two decimals as a spreadsheet program of some country writes it."""
    return f"{value:,.2f}".translate({ord(","): group, ord("."): decimal})


@given(
    values=st.lists(st.floats(-1e9, 1e9).map(lambda value: round(value, 2)), min_size=1, max_size=30),
    convention=st.sampled_from([(".", ","), (",", "."), (",", " "), (",", "\u00a0"), (".", "'"), (".", ""), (",", "")]),
)
@settings(max_examples=150, deadline=None)
def test_any_column_in_one_convention_reads_back(values, convention):
    """Numbers with two decimals read back equal in every convention."""
    decimal, group = convention
    assert numbers(*(_written(value, decimal, group) for value in values)) == pytest.approx(values)


@given(
    values=st.lists(st.integers(0, 10**7), min_size=1, max_size=20),
    group=st.sampled_from([",", ".", " ", "'"]),
)
@settings(max_examples=100, deadline=None)
def test_whole_numbers_read_back_or_are_asked_about(values, group):
    """Grouped whole numbers are read right or refused with a question, never read as decimals."""
    cells = [f"{value:,}".replace(",", group) for value in values]
    try:
        assert numbers(*cells) == values
    except OpenDecimal:
        assert any(group in cell for cell in cells)
    try:
        assert numbers(*cells, integer=True) == values
    except OpenDecimal:  # 25,000 can be a 25 with three decimals even where things are counted
        assert all(cell.endswith(f"{group}000") for cell in cells if group in cell)
