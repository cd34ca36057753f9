"""Text of one column → numbers, in one convention for the whole column.

``1.234`` is a thousand and something in Milan and one and a bit in London. No
single cell can tell; all values of a column together usually can. Where they
cannot, the column is refused with the setting that answers the question.

Every step works on the distinct values of a column through Arrow's compiled
string functions, so that a million rows cost as much as their distinct values.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ssi_audit.exports.text import Unreadable

# What people and programs write where there is no value.
MISSING_WORDS = (
    "", "-", "--", "–", "—", "n/a", "na", "#n/a", "nan", "null", "none", "nil", "nd", "n.d.", "…", "...",
    "not available",
)  # fmt: skip

# What a spreadsheet or a tool writes where reading the value failed: as missing as a blank.
FAILED_WORDS = (
    "#ref!", "#value!", "#div/0!", "#name?", "#num!", "#null!", "#error!", "error", "err", "failed", "timeout",
    "unavailable",
)  # fmt: skip

_NOTHING = pa.array((*MISSING_WORDS, *FAILED_WORDS), pa.large_string())

# So many cells are looked at first where a whole column may be of one simple kind.
SAMPLE = 1_000
_SPACES = "[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000\ufeff\t]"
_CURRENCY = r"(?:[A-Z]{3}|[A-Za-z]{0,2}\p{Sc}|kr\.?|Kr\.?|zł|zl|Kč|Ft|Rs\.?|lei|руб\.?)"
_VALUE = (
    r"^(?P<open>\()?\s*(?P<sign>[+-])?\s*" + _CURRENCY + r"?\s*(?P<sign2>[+-])?\s*"
    r"(?P<core>\d[\d.,' ]*|[.,]\d+)(?P<exp>[eE][+-]?\d{1,3})?"
    r"\s*(?P<post>%|" + _CURRENCY + r")?\s*(?P<minus>-)?\s*(?P<close>\))?$"
)
# "Top 12%", "Primeiros 12%", "Los 12 % principales": words of any language around a percentage.
_PERCENT_IN_WORDS = r"^[^\d%]*?(?P<core>\d+(?:[.,]\d+)?)\s*%[^\d%]*$"
_GROUPED_BY_SPACE = r"^\d{1,3}(?:[ ']\d{3})+(?:[.,]\d*)?$"
_GROUPED_BY_POINT = r"^-?[1-9]\d{0,2}\.\d{3}$"
_POINT = r"^(?:\d*|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d?(?:,\d{2})+,\d{3})(?:\.\d*)?$"
_COMMA = r"^(?:\d*|[1-9]\d{0,2}(?:\.\d{3})+)(?:,\d*)?$"


class OpenDecimal(Unreadable):
    """No value of the column tells the decimal sign."""


@dataclass(frozen=True)
class Numbers:
    """One column as numbers.

    Attributes
    ----------
    values : numpy.ndarray
        float64, NaN for blank and bad cells.
    bad : numpy.ndarray
        True where a cell holds something that is no number.
    decimal : str
        The decimal sign found, "" when no value has any separator.
    """

    values: np.ndarray
    bad: np.ndarray
    decimal: str


def parse_numbers(
    cells: pd.Series,
    *,
    decimal: str | None = None,
    low: float | None = None,
    high: float | None = None,
    integer: bool = False,
    settled: str | None = None,
) -> Numbers:
    """Read a column of text as numbers.

    Currency signs and codes, per cent signs ("Top 12%" is 12), grouping by point, comma, apostrophe and any
    kind of space, Indian grouping, brackets and trailing minus for negative values are understood.

    Parameters
    ----------
    cells : pandas.Series
        ``str``; blank cells and words such as ``n/a`` are missing.
    decimal : {".", ","}, optional
        The user's answer, used only where the values leave it open.
    low, high : float, optional
        Possible range: settles a convention when only one keeps every value inside it.
    integer : bool
        The column counts something: ``1,234`` can only be grouping.
    settled : {"", ".", ","}, optional
        The decimal sign of the whole column, where `cells` are some of it (`deciding`).

    Raises
    ------
    text.Unreadable
        If the values contradict each other or (`OpenDecimal`) fit both conventions.
    """
    whole = _whole(cells)
    if whole is not None:
        return Numbers(whole, np.zeros(len(cells), bool), "")
    codes, distinct = pd.factorize(cells)
    if len(distinct) == 0:
        return Numbers(np.full(len(cells), np.nan), np.zeros(len(cells), bool), "")
    shown = pa.array(distinct, type=pa.large_string())
    words = pc.utf8_trim_whitespace(_plain_characters(shown))
    blank = pc.is_in(pc.utf8_lower(words), _NOTHING).to_numpy(zero_copy_only=False)
    simple = _simple(words, blank)
    if simple is not None:
        return Numbers(np.append(simple, np.nan)[codes], np.zeros(len(cells), bool), "." if _has_point(words) else "")
    as_point, as_comma, point, comma = _both_readings(words)
    bad = ~blank & ~((point & np.isfinite(as_point)) | (comma & np.isfinite(as_comma)))
    usable = ~blank & ~bad
    chosen = settled
    if chosen is None:
        chosen = _decide(shown, as_point, as_comma, usable & point, usable & comma, decimal, (low, high, integer))
    values = np.where(usable, as_comma if chosen == "," else as_point, np.nan)
    spread = codes  # factorize gives -1 for a missing cell, which the last element of the padded arrays answers
    return Numbers(np.append(values, np.nan)[spread], np.append(bad, False)[spread], chosen)


def deciding(cells: pd.Series) -> pd.Series:
    """The few cells of a column that decide its convention, in their order.

    The deciding cells of all parts of a column, put together, are decided as the whole column would be: they hold the
    first value of every kind that a decision or its message looks at, and the extremes under either reading.
    """
    whole = _whole(cells)
    if whole is not None:
        return cells.iloc[sorted(_extremes(whole, ~np.isnan(whole)))]
    distinct = pd.Series(cells.unique(), dtype="str")
    words = pc.utf8_trim_whitespace(_plain_characters(pa.array(distinct, type=pa.large_string())))
    blank = pc.is_in(pc.utf8_lower(words), _NOTHING).to_numpy(zero_copy_only=False)
    simple = _simple(words, blank)
    if simple is not None:  # with a value such as 12.5, or without any separator: no other reading is asked for
        only_point = _matches(words, r"\.") & ~_matches(words, _GROUPED_BY_POINT)
        return distinct.iloc[sorted({*_first(only_point), *_extremes(simple, ~blank)})]
    as_point, as_comma, point, comma = _both_readings(words)
    bad = ~blank & ~((point & np.isfinite(as_point)) | (comma & np.isfinite(as_comma)))
    point, comma = point & ~blank & ~bad, comma & ~blank & ~bad
    kept = {*_extremes(as_point, point), *_extremes(as_comma, comma)}
    for kind in (bad, point & ~comma, comma & ~point, point & comma & (as_point != as_comma)):
        kept |= _first(kind)
    return distinct.iloc[sorted(kept)]


def _first(where: np.ndarray) -> set[int]:
    return {int(where.argmax())} if where.any() else set()


def _extremes(values: np.ndarray, where: np.ndarray) -> set[int]:
    """Positions of the smallest and the largest value, and of the first that is no whole number."""
    at = np.flatnonzero(where)
    if not len(at):
        return set()
    broken = at[values[at] != np.floor(values[at])]
    return {int(at[values[at].argmin()]), int(at[values[at].argmax()]), *map(int, broken[:1])}


def _both_readings(words: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The values with a decimal point and with a decimal comma, and where each of them is possible."""
    core, negative, exponent, ok = _cores(words)
    point = ok & _matches(core, _POINT)
    comma = ok & _matches(core, _COMMA) & (exponent == "")
    sign = np.where(negative, -1.0, 1.0)
    as_point = sign * _values(core, point, exponent, group=",", decimal=".")
    as_comma = sign * _values(core, comma, exponent, group=".", decimal=",")
    return as_point, as_comma, point, comma


def _whole(cells: pd.Series) -> np.ndarray | None:
    """The values of a column that holds nothing but whole numbers without any sign between digits; else None."""
    if len(cells) > SAMPLE and _whole(cells.iloc[:SAMPLE]) is None:
        return None  # most columns that hold something else show it early
    words = pa.array(cells.array, type=pa.large_string())
    try:
        values = pc.cast(pc.if_else(pc.equal(words, ""), None, words), pa.int64())
    except pa.ArrowInvalid:  # anything else
        return None
    if pc.any(pc.match_substring_regex(words, "[xX]")).as_py():  # Arrow takes 0x1F for a number
        return None
    return pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def _simple(words: pa.Array, blank: np.ndarray) -> np.ndarray | None:
    """The values where a column holds nothing but 12 and 12.5 and no value could be grouping; else None.

    The commonest column by far, read without taking every value apart.
    """
    if not (_matches(words, r"^-?\d+(?:\.\d+)?$") | blank).all():
        return None
    pointed = _matches(words, r"\.")
    if pointed.any() and not (pointed & ~_matches(words, _GROUPED_BY_POINT)).any():
        return None
    return pc.cast(pc.if_else(pa.array(blank), None, words), pa.float64()).to_numpy(zero_copy_only=False)


def _has_point(words: pa.Array) -> bool:
    return bool(_matches(words, r"\.").any())


def _plain_characters(words: pa.Array) -> pa.Array:
    """Every kind of space, apostrophe, minus and digit as its ASCII sister."""
    if pc.all(pc.string_is_ascii(words)).as_py():
        return words
    words = pc.replace_substring_regex(words, _SPACES, " ")
    words = pc.replace_substring_regex(words, "[\u2019\u2018\u02bc\u00b4`]", "'")
    words = pc.replace_substring_regex(words, "[\u2212\u2012\u2013\ufe63\uff0d]", "-")
    if (
        pc.any(pc.match_substring_regex(words, r"[^\x00-\x7f]")).as_py()
        and pc.any(pc.match_substring_regex(words, r"[^\d\P{Nd}]")).as_py()
    ):
        return pa.array([_ascii_digits(word) for word in words.to_pylist()], pa.large_string())
    return words


def _ascii_digits(word: str) -> str:
    return "".join(str(unicodedata.digit(char)) if char.isdigit() else char for char in word)


def _cores(words: pa.Array) -> tuple[pa.Array, np.ndarray, np.ndarray, np.ndarray]:
    """The digits and separators of each value, whether it is negative, its exponent, whether it is one at all."""
    found = pc.extract_regex(words, _VALUE)
    ok = ~found.is_null().to_numpy(zero_copy_only=False)
    part = {
        name: pc.fill_null(pc.struct_field(found, name), "")
        for name in ("open", "close", "sign", "sign2", "minus", "exp")
    }
    core = pc.fill_null(pc.struct_field(found, "core"), "")
    if not ok.all():
        percent = pc.extract_regex(words, _PERCENT_IN_WORDS)
        extra = ~percent.is_null().to_numpy(zero_copy_only=False) & ~ok
        core = pc.if_else(pa.array(extra), pc.fill_null(pc.struct_field(percent, "core"), ""), core)
        ok = ok | extra
    core = pc.utf8_trim_whitespace(core)
    spaced = _matches(core, "[ ']")
    if spaced.any():
        ok &= ~spaced | _matches(core, _GROUPED_BY_SPACE)
        core = pc.replace_substring_regex(core, "[ ']", "")
    text = {name: _objects(value) for name, value in part.items()}
    ok &= (text["open"] == "(") == (text["close"] == ")")
    signs = [text["sign"] != "", text["sign2"] != "", text["minus"] != "", text["open"] != ""]
    ok &= np.sum(signs, axis=0) <= 1
    negative = (text["sign"] == "-") | (text["sign2"] == "-") | (text["minus"] == "-") | (text["open"] == "(")
    return core, negative, text["exp"], ok


def _objects(words: pa.Array) -> np.ndarray:
    return words.to_numpy(zero_copy_only=False)


def _matches(words: pa.Array, pattern: str) -> np.ndarray:
    return pc.match_substring_regex(words, pattern).to_numpy(zero_copy_only=False)


def _values(core: pa.Array, valid: np.ndarray, exponent: np.ndarray, *, group: str, decimal: str) -> np.ndarray:
    plain = pc.replace_substring(pc.replace_substring(core, group, ""), decimal, ".")
    if (exponent != "").any():
        plain = pc.binary_join_element_wise(
            plain, pa.array(exponent, pa.large_string()), pa.scalar("", pa.large_string())
        )
    has_digit = _matches(plain, r"\d")
    plain = pc.if_else(pa.array(valid & has_digit), plain, None)
    return pc.cast(plain, pa.float64()).to_numpy(zero_copy_only=False)


def _decide(shown, as_point, as_comma, point, comma, decimal, bounds) -> str:
    """The decimal sign of the column: "." or ",", or "" where no value has a separator."""
    only_point, only_comma = point & ~comma, comma & ~point
    if only_point.any() and only_comma.any():
        one, other = shown[int(np.argmax(only_point))], shown[int(np.argmax(only_comma))]
        raise Unreadable(
            f"mixes decimal points and decimal commas: {one} and {other}",
            "write all numbers of the column in one way",
        )
    if only_point.any():
        return "."
    if only_comma.any():
        return ","
    differ = point & comma & (as_point != as_comma)
    if not differ.any():
        return ""
    possible = [sign for sign, values in ((".", as_point[point]), (",", as_comma[comma])) if _inside(values, *bounds)]
    if len(possible) == 1:
        return possible[0]
    if decimal:
        return decimal
    example = shown[int(np.argmax(differ))].as_py()
    reading = as_point[differ][0], as_comma[differ][0]
    raise OpenDecimal(
        f"{example} can be {min(reading):g} or {max(reading):g}: no value tells the decimal sign",
        'add to ssi-audit.toml: decimal = "."  (or ",")',
    )


def _inside(values: np.ndarray, low: float | None, high: float | None, integer: bool) -> bool:
    if low is not None and (values < low).any():
        return False
    if high is not None and (values > high).any():
        return False
    return not integer or bool((values == np.floor(values)).all())
