"""Amounts of a CRM and the currency of each: never added up across currencies, never guessed.

A currency stands in its own column, in the cell beside the amount, or in the
header. A sign that several countries share ("$", "kr") names none of them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ssi_audit.exports.table import Context, Table

_SIGNS = {"€": "EUR", "£": "GBP", "zł": "PLN", "₹": "INR", "฿": "THB", "₴": "UAH", "₽": "RUB", "₺": "TRY"}
# "USD 1,000.00 (EUR 860.00)": the second is the same amount in another currency.
_CONVERTED = r"\s*\(\s*(?:[A-Z]{3}|[^\d\s()]{1,3})\s*[\d.,'\s]+\)\s*$"


def money(table: Table, column: str | None, stated: pd.Series | None, context: Context) -> tuple[np.ndarray, pd.Series]:
    """Amounts and their currencies, "" where unknown.

    Parameters
    ----------
    stated : pandas.Series, optional
        What a column of its own says (`currencies`); None: the currency is looked for in the cell
        (``EUR 1,000.00``, ``1 000 zł``), then in the header (``Amount (EUR)``).

    A conversion in brackets behind an amount is left alone.
    """
    if column is None:
        blank = pd.Series("", index=table.frame.index, dtype="str")
        return np.full(len(table), np.nan), blank if stated is None else stated
    cells = table.words(column)
    codes, distinct = pd.factorize(cells)
    letters = pc.match_substring_regex(pa.array(distinct, pa.large_string()), r"[^\d.,'\s+-]")
    source, inside = table, None
    if pc.any(letters).as_py():
        bare = [re.sub(_CONVERTED, "", cell) for cell in distinct]
        source = replace(table, frame=table.frame.assign(**{column: pd.array(bare, dtype="str").take(codes)}))
        inside = pd.array([_currency_in(cell) for cell in bare], dtype="str")
    values = source.numbers(column, context)
    if stated is not None:
        return values, stated
    written = (
        pd.Series("", index=cells.index, dtype="str") if inside is None else pd.Series(inside.take(codes), cells.index)
    )
    header = _currency_in(column) if re.search(r"[(\[ ][A-Z]{3}[)\]]?$", column) else ""
    return values, written.where(written != "", header)


def currencies(table: Table, column: str | None, context: Context) -> pd.Series | None:
    """A column of currencies as codes of three letters; a problem for what is none; None without a column."""
    if column is None:
        return None
    codes, once = table.distinct(column)
    blank = once.blank(column)
    known = ["" if missing else _currency_in(word) for word, missing in zip(once.words(column), blank)]
    wrong = np.array([not word for word in known], dtype=bool) & ~blank
    table.complain(context, column, wrong[codes], "is not a currency", "use a code of three letters such as EUR")
    return pd.Series(pd.array(known, dtype="str").take(codes) if known else [], index=table.frame.index, dtype="str")


@lru_cache(maxsize=65_536)
def _currency_in(words: str) -> str:
    """The currency named in a text: a known code of three letters, or a sign that only one currency has."""
    from babel.numbers import is_currency

    for code in re.findall(r"(?<![A-Za-z])[A-Za-z]{3}(?![A-Za-z])", words):
        if is_currency(code.upper()):
            return code.upper()
    return next((code for sign, code in _SIGNS.items() if sign in words.lower()), "")
