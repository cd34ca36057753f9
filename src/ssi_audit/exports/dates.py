"""Text of one column → days and times, in one order for the whole column.

``03/04/2025`` is the third of April or the fourth of March. One value above 12
settles the order for its whole column; where no value does, the column is
refused with the setting that answers the question (formats.md rule 7).

All patterns run on the distinct values through Arrow's compiled functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ssi_audit.exports.numbers import MISSING_WORDS, SAMPLE, _plain_characters
from ssi_audit.exports.text import Unreadable

# Days outside of this are typing errors: LinkedIn began in 2003, CRM records may be older, forecasts newer.
EARLIEST = np.datetime64("1990-01-01")
LATEST = np.datetime64("2049-12-31")
# Spreadsheet programs count days from here (the year 1900 has a 29 February there).
SERIAL_EPOCH = np.datetime64("1899-12-30", "s")
BUDDHIST_OFFSET = 543
BUDDHIST_YEARS = (2400, 2700)
# Two-digit years: POSIX's rule, 69 to 99 are of the last century.
CENTURY_PIVOT = 69
DAY = 86_400
# Letters of 2026-03-02, 2026-03-02 16:05 and 2026-03-02 16:05:00, and of nothing.
_ISO_LENGTHS = {None, 10, 16, 19}

_TIME = (
    r"(?:,?[T ]+(?:at )?(?P<h>\d{1,2})[:.](?P<mi>\d{2})(?:[:.](?P<s>\d{2})(?:[.,]\d+)?)?"
    r" ?(?P<ap>[AaPp]\.?[Mm]\.?)?)?"
    r" ?(?P<z>Z|z|UTC|GMT|(?:UTC|GMT)?[+-]\d{2}:?\d{2})?$"
)
_WEEKDAY = r"^(?:(?i:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? )?"
_PATTERNS = {
    "iso": r"^(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})" + _TIME,
    "numeric": r"^(?P<a>\d{1,2}) ?[-/. ] ?(?P<b>\d{1,2}) ?[-/. ] ?(?P<y>\d{4}|\d{2})" + _TIME,
    "day_name": _WEEKDAY + r"(?P<d>\d{1,2})(?:st|nd|rd|th)?[-/. ]+(?P<name>[A-Za-z]{3,9})\.?,?[-/. ]+"
    r"(?P<y>\d{4}|\d{2})" + _TIME,
    "name_day": _WEEKDAY + r"(?P<name>[A-Za-z]{3,9})\.?[- ]+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?[- ]+"
    r"(?P<y>\d{4})" + _TIME,
    "unix": _WEEKDAY + r"(?P<name>[A-Za-z]{3}) +(?P<d>\d{1,2}) (?P<h>\d{1,2}):(?P<mi>\d{2}):(?P<s>\d{2})"
    r" ?(?P<z>UTC|GMT)? (?P<y>\d{4})$",
    "compact": r"^(?P<y>(?:19|20|25)\d{2})(?P<m>\d{2})(?P<d>\d{2})$",
}  # fmt: skip
_WEEK = r"^(?P<y>\d{4})[- ]?[Ww](?P<w>\d{2})(?:-(?P<n>[1-7]))?$"
_SERIAL = r"^(?P<n>\d{5}(?:[.,]\d+)?)$"
_EPOCH = r"^(?P<n>\d{10}|\d{13})$"
_MONTHS = {
    name[:length]: number
    for number, name in enumerate(
        ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
         "november", "december"), start=1,
    )
    for length in range(3, len(name) + 1)
}  # fmt: skip


@dataclass(frozen=True)
class Dates:
    """One column as times.

    Attributes
    ----------
    times : numpy.ndarray
        ``datetime64[s]``, wall time of the zone asked for; NaT for blank and bad cells.
    bad : numpy.ndarray
        True where a cell holds no date, one that does not exist, or one far off.
    notes : tuple of str
        What was decided: Buddhist years, a zone.
    converted : numpy.ndarray
        True where a Buddhist year was turned into a common one.
    day_first : bool, optional
        The order of day and month that was found; None where no value asked for it.
    """

    times: np.ndarray
    bad: np.ndarray
    notes: tuple[str, ...] = field(default=())
    converted: np.ndarray | None = None
    day_first: bool | None = None


def parse_dates(
    cells: pd.Series,
    *,
    day_first: bool | None = None,
    zone: str = "UTC",
    naive_zone: str | None = None,
    shift_hours: float = 0.0,
    earliest: np.datetime64 = EARLIEST,
    latest: np.datetime64 = LATEST,
) -> Dates:
    """Read a column of text as dates or times.

    Understood: ISO dates and times, day or month first with any separator, English month names,
    ``M/D/YY, h:mm AM``, ISO weeks (their Monday), spreadsheet serial numbers, Unix seconds and milliseconds,
    Buddhist years (2568 is 2025).

    Parameters
    ----------
    cells : pandas.Series
        ``str``; blank cells and words such as ``n/a`` are missing.
    day_first : bool, optional
        The user's answer, or what is known of a format; used only where the values leave it open.
    zone : str
        Times that carry a zone become wall times of this one.
    naive_zone : str, optional
        Zone of times that carry none; default: they are taken as they stand. Days without a time never move.
    shift_hours : float
        Added to times without a zone.
    earliest, latest : numpy.datetime64
        Dates outside are bad.

    Raises
    ------
    text.Unreadable
        If the values contradict each other or fit both orders.
    """
    plain = _iso_times(cells, zone, naive_zone, shift_hours, earliest, latest)
    if plain is not None:
        nothing = np.zeros(len(cells), bool)
        return Dates(plain, nothing, (), nothing)
    codes, distinct = pd.factorize(cells)
    if len(distinct) == 0:
        empty = np.zeros(len(cells), bool)
        return Dates(np.full(len(cells), np.datetime64("NaT"), "datetime64[s]"), empty, (), empty)
    shown = pa.array(distinct, type=pa.large_string())
    words = _spaced(shown)
    blank = pc.is_in(pc.utf8_lower(words), pa.array(MISSING_WORDS, pa.large_string())).to_numpy(zero_copy_only=False)
    parts, day_first = _read_parts(words, shown, day_first)
    seconds, timed, offset, buddhist = _assemble(parts)
    _add_weeks(words, seconds)
    moved = _add_counts(words, seconds, timed)
    offset[moved] = 0.0
    notes = []
    if buddhist.any():
        notes.append("years of the Buddhist calendar were turned into common ones (2568 is 2025)")
    seconds = _to_zone(seconds, timed, offset, zone, naive_zone, shift_hours)
    with np.errstate(invalid="ignore"):
        far = (seconds < earliest.astype("datetime64[s]")) | (seconds >= (latest + 1).astype("datetime64[s]"))
    bad = ~blank & (np.isnat(seconds) | far)
    seconds[bad | blank] = np.datetime64("NaT")
    return Dates(
        np.append(seconds, np.datetime64("NaT", "s"))[codes],
        np.append(bad, False)[codes],
        tuple(notes),
        np.append(buddhist, False)[codes],
        day_first,
    )


def deciding(cells: pd.Series) -> pd.Series:
    """The few cells of a column that decide the order of day and month, in their order.

    Those of all parts of a column, put together, are decided as the whole column would be.
    """
    distinct = pd.Series(cells.unique(), dtype="str")
    words = _spaced(pa.array(distinct, type=pa.large_string()))
    found = pc.extract_regex(words, _PATTERNS["numeric"])
    at = np.flatnonzero(~found.is_null().to_numpy(zero_copy_only=False))
    if not len(at):
        return distinct.iloc[:0]
    found = found.take(pa.array(at))
    kinds = _orders(*(_floats(pc.struct_field(found, name)) for name in ("a", "b")))
    return distinct.iloc[sorted({int(at[kind.argmax()]) for kind in kinds if kind.any()})]


def _spaced(shown: pa.Array) -> pa.Array:
    """Cells without spaces around them, and with plain single ones inside."""
    return pc.replace_substring_regex(pc.utf8_trim_whitespace(_plain_characters(shown)), " {2,}", " ")


def _iso_times(cells: pd.Series, zone, naive_zone, shift_hours, earliest, latest) -> np.ndarray | None:
    """The times of a column that holds nothing but whole ISO days and times of this century; None for any other.

    What systems export, read in one step without taking every value apart.
    """
    if len(cells) > SAMPLE and _iso_times(cells.iloc[:SAMPLE], zone, naive_zone, shift_hours, earliest, latest) is None:
        return None  # most columns that are written otherwise show it early
    words = pa.array(cells.array, type=pa.large_string())
    words = pc.if_else(pc.equal(words, ""), None, words)
    length = pc.binary_length(words)
    if not set(pc.unique(length).to_pylist()) <= _ISO_LENGTHS:
        return None
    try:
        times = pc.cast(words, pa.timestamp("s")).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:  # something else than a plain time, or a day that does not exist
        return None
    timed = pc.greater(length, 10).fill_null(False).to_numpy(zero_copy_only=False)
    seconds = _to_zone(times, timed, np.full(len(times), np.nan), zone, naive_zone, shift_hours)
    with np.errstate(invalid="ignore"):
        far = (seconds < earliest.astype("datetime64[s]")) | (seconds >= (latest + 1).astype("datetime64[s]"))
    return None if far.any() else seconds


def _read_parts(words: pa.Array, shown: pa.Array, day_first: bool | None) -> tuple[dict[str, np.ndarray], bool | None]:
    """Year, month, day, hour, minute, second and offset (minutes; NaN for none) of each value, NaN where unread.

    And the order of day and month, None where no value has one.
    """
    order = None
    n = len(words)
    parts = {name: np.full(n, np.nan) for name in ("y", "m", "d", "h", "mi", "s", "offset")}
    half = np.full(n, np.nan)  # 0 before noon, 1 after, NaN on a 24-hour clock
    unread = np.ones(n, bool)
    for kind, pattern in _PATTERNS.items():
        if not unread.any():
            break
        where = np.flatnonzero(unread)
        found = pc.extract_regex(words.take(pa.array(where)), pattern)
        hit = ~found.is_null().to_numpy(zero_copy_only=False)
        if not hit.any():
            continue
        at = where[hit]
        unread[at] = False
        found = found.filter(pa.array(hit))
        fields = {found.type.field(i).name for i in range(found.type.num_fields)}
        for name in fields & {"y", "m", "d", "h", "mi", "s"}:
            parts[name][at] = _floats(pc.struct_field(found, name))
        if "name" in fields:
            parts["m"][at] = _each_distinct(pc.struct_field(found, "name"), _month)
        if "ap" in fields:
            half[at] = _each_distinct(pc.struct_field(found, "ap"), _half_of_day)
        if "z" in fields:
            parts["offset"][at] = _each_distinct(pc.struct_field(found, "z"), _minutes_east)
        if kind == "numeric":
            first, second = _floats(pc.struct_field(found, "a")), _floats(pc.struct_field(found, "b"))
            order = _day_is_first(first, second, shown.take(pa.array(at)), day_first)
            if order:
                first, second = second, first
            parts["m"][at], parts["d"][at] = first, second
    parts["h"] = _clock24(parts["h"], half)
    short = parts["y"] < 100
    parts["y"] = np.where(short, parts["y"] + np.where(parts["y"] < CENTURY_PIVOT, 2000, 1900), parts["y"])
    return parts, order


def _floats(words: pa.Array) -> np.ndarray:
    plain = pc.if_else(pc.equal(words, ""), None, words)
    return pc.cast(plain, pa.float64()).to_numpy(zero_copy_only=False)


def _each_distinct(words: pa.Array, answer: Callable[[str], float]) -> np.ndarray:
    """The answer for each word, asked once for each distinct one."""
    encoded = pc.dictionary_encode(pc.fill_null(words, ""))
    answers = np.array([answer(word) for word in encoded.dictionary.to_pylist()], dtype="float64")
    return answers[encoded.indices.to_numpy(zero_copy_only=False)] if len(answers) else np.array([])


def _month(word: str) -> float:
    return _MONTHS.get(word.lower(), np.nan)


def _half_of_day(word: str) -> float:
    return {"a": 0.0, "p": 1.0}.get(word[:1].lower(), np.nan)


def _minutes_east(word: str) -> float:
    """Minutes east of Greenwich, NaN where no zone is written."""
    digits = word.upper().removeprefix("UTC").removeprefix("GMT").replace(":", "")
    if not word:
        return np.nan
    if digits in ("", "Z"):
        return 0.0
    return (1 if digits[0] == "+" else -1) * (int(digits[1:3]) * 60.0 + int(digits[3:5]))


def _clock24(hour: np.ndarray, half: np.ndarray) -> np.ndarray:
    twelve = ~np.isnan(half)
    wrong = twelve & ((hour < 1) | (hour > 12))
    hour = np.where(twelve, hour % 12 + 12 * np.nan_to_num(half), hour)
    return np.where(wrong, 99, hour)  # 99 is no hour: the value becomes bad


def _orders(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which values can only have the day first, only the month first, or either with another meaning."""
    possible = (first <= 31) & (second <= 31) & ((first <= 12) | (second <= 12))
    says_day, says_month = possible & (first > 12), possible & (second > 12)
    return says_day, says_month, possible & (first != second)


def _day_is_first(first: np.ndarray, second: np.ndarray, shown: pa.Array, day_first: bool | None) -> bool:
    """Whether the first number of every value is the day; decided on all of them."""
    says_day, says_month, open_to_both = _orders(first, second)
    if says_day.any() and says_month.any():
        one, other = shown[int(np.argmax(says_day))], shown[int(np.argmax(says_month))]
        raise Unreadable(
            f"mixes day first and month first: {one} and {other}", "write all dates of the column in one way"
        )
    if says_day.any() or says_month.any():
        return bool(says_day.any())
    if day_first is not None:
        return day_first
    if not open_to_both.any():
        return True  # 03/03/2026 only: both orders give the same day
    raise Unreadable(
        f"{shown[int(np.argmax(open_to_both))]} can be day first or month first: no value tells which",
        "add to ssi-audit.toml: day_first = true  (or false)",
    )


def _assemble(parts: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Times without a zone; whether each has a clock time; its offset; whether the year was Buddhist."""
    buddhist = (parts["y"] >= BUDDHIST_YEARS[0]) & (parts["y"] < BUDDHIST_YEARS[1])
    year = np.where(buddhist, parts["y"] - BUDDHIST_OFFSET, parts["y"])
    month, day = parts["m"], parts["d"]
    known = ~np.isnan(year) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    timed = ~np.isnan(parts["h"])
    hour, minute, second = (np.nan_to_num(parts[name]) for name in ("h", "mi", "s"))
    known &= (hour <= 24) & (minute < 60) & (second < 61)
    known &= (hour < 24) | ((minute == 0) & (second == 0))
    whole = np.where(known, (np.nan_to_num(year) - 1970) * 12 + np.nan_to_num(month) - 1, 0).astype("int64")
    first = whole.astype("datetime64[M]").astype("datetime64[D]")
    date = first + np.where(known, np.nan_to_num(day) - 1, 0).astype("int64")
    known &= date.astype("datetime64[M]") == whole.astype("datetime64[M]")  # there is no 31 April
    times = date.astype("datetime64[s]") + (hour * 3600 + minute * 60 + second).astype("int64")
    times[~known] = np.datetime64("NaT")
    return times, timed, parts["offset"].copy(), buddhist & known


def _add_weeks(words: pa.Array, seconds: np.ndarray) -> None:
    """ISO weeks: week 1 holds 4 January; a week stands for its Monday."""
    found = pc.extract_regex(words, _WEEK)
    hit = ~found.is_null().to_numpy(zero_copy_only=False)
    if not hit.any():
        return
    found = found.filter(pa.array(hit))
    year, week = (_floats(pc.struct_field(found, name)).astype("int64") for name in ("y", "w"))
    weekday = np.nan_to_num(_floats(pc.struct_field(found, "n")), nan=1).astype("int64")
    monday = _first_monday(year) + (week - 1) * 7
    exists = (week >= 1) & (monday < _first_monday(year + 1))
    days = (monday + weekday - 1).astype("datetime64[s]")
    days[~exists] = np.datetime64("NaT")
    seconds[hit] = days


def _first_monday(year: np.ndarray) -> np.ndarray:
    fourth = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]") + 3
    return fourth - (fourth.astype("int64") + 3) % 7  # day 0 of the epoch was a Thursday


def _add_counts(words: pa.Array, seconds: np.ndarray, timed: np.ndarray) -> np.ndarray:
    """Spreadsheet serials and Unix times; returns where a Unix time (UTC) was read."""
    serial = pc.extract_regex(words, _SERIAL)
    hit = ~serial.is_null().to_numpy(zero_copy_only=False)
    if hit.any():
        text = pc.replace_substring(pc.struct_field(serial.filter(pa.array(hit)), "n"), ",", ".")
        days = pc.cast(text, pa.float64()).to_numpy(zero_copy_only=False)
        seconds[hit] = SERIAL_EPOCH + np.round(days * DAY).astype("int64")
        timed[hit] = days % 1 != 0
    epoch = pc.extract_regex(words, _EPOCH)
    unix = ~epoch.is_null().to_numpy(zero_copy_only=False)
    if unix.any():
        count = pc.cast(pc.struct_field(epoch.filter(pa.array(unix)), "n"), pa.int64()).to_numpy(zero_copy_only=False)
        seconds[unix] = np.where(count >= 10**12, count // 1000, count).astype("datetime64[s]")
        timed[unix] = True
    return unix


def _to_zone(seconds, timed, offset, zone, naive_zone, shift_hours) -> np.ndarray:
    """Wall times of `zone`; days without a clock time stay the days they are."""
    zoned = timed & ~np.isnan(offset)
    out = seconds.copy()
    if zoned.any():
        out[zoned] = _wall(seconds[zoned] - (offset[zoned] * 60).astype("int64"), zone)
    naive = timed & np.isnan(offset)
    if naive.any() and shift_hours:
        out[naive] = out[naive] + int(shift_hours * 3600)
    if naive.any() and naive_zone and naive_zone != zone:
        local = pd.DatetimeIndex(out[naive]).tz_localize(naive_zone, ambiguous=False, nonexistent="shift_forward")
        out[naive] = _wall(local.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[s]"), zone)
    return out


def _wall(utc: np.ndarray, zone: str) -> np.ndarray:
    if zone == "UTC":
        return utc
    return (
        pd.DatetimeIndex(utc).tz_localize("UTC").tz_convert(zone).tz_localize(None).to_numpy().astype("datetime64[s]")
    )
