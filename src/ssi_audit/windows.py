"""Sums over days before or after a date, for all persons and dates at once.

An indicator is only worth watching when it was known in time, so every window
is half open: the first day counts, the last one does not. Sums run over whole
millionths, so the order of the rows cannot change a digit.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ssi_audit.panel import day_number

MILLION = 1_000_000


def events_of(table: pd.DataFrame, value: str | None = None) -> pd.DataFrame:
    """Rows of a dated table as ``person, day, value`` (day number; without `value` each row counts 1).

    Totals over several days (``first_day`` before ``date``) are spread evenly over those days, as the panel does.
    """
    frame = pd.DataFrame(
        {
            "person": table["person"],
            "day": day_number(table["date"]),
            "value": 1.0 if value is None else table[value].astype("float64"),
        }
    ).reset_index(drop=True)
    usable = frame.notna().all(axis=1)
    frame = frame[usable].astype({"day": "int64"})
    if "first_day" not in table or table["first_day"].isna().all():
        return frame
    day = frame["day"].to_numpy()
    first = day_number(table["first_day"])[usable.to_numpy()].to_numpy("float64", na_value=np.inf)
    first = np.minimum(first, day).astype("int64")
    days = day - first + 1
    spread = frame.loc[frame.index.repeat(days)]
    place = np.arange(len(spread)) - np.repeat(np.cumsum(days) - days, days)
    return spread.assign(day=np.repeat(first, days) + place, value=spread["value"] / np.repeat(days, days))


def sum_between(events: pd.DataFrame, person: pd.Series, first: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Sum each person's values with ``first <= day < end``.

    Parameters
    ----------
    events : pandas.DataFrame
        ``person, day, value``, in any order.
    person : pandas.Series, length n
        Whose values are asked for.
    first, end : array of int, shape (n,)
        Day numbers (or any whole numbers that `events` counts in).

    Returns
    -------
    ndarray, shape (n,)
        0 where there is none.
    """
    first, end = np.asarray(first, "int64"), np.asarray(end, "int64")
    if len(events) == 0 or len(first) == 0:
        return np.zeros(len(first))
    codes, _ = pd.factorize(pd.concat([events["person"], person], ignore_index=True))
    day = events["day"].to_numpy("int64")
    start = min(day.min(), first.min(), end.min())
    span = max(day.max(), first.max(), end.max()) - start + 2
    key = codes[: len(events)] * span + (day - start)
    order = np.argsort(key, kind="stable")
    key = key[order]
    value = np.rint(events["value"].to_numpy("float64")[order] * MILLION).astype("int64")
    total = np.append(0, np.cumsum(value))
    asked = codes[len(events) :] * span - start
    below_end, below_first = np.searchsorted(key, asked + end), np.searchsorted(key, asked + first)
    return (total[below_end] - total[below_first]) / MILLION


def first_day_of(events: pd.DataFrame, person: pd.Series) -> np.ndarray:
    """Day of each person's first event as float; NaN without one."""
    return person.map(events.groupby("person")["day"].min()).to_numpy("float64")
