"""Totals over a period beside counts by day, or beside other totals: the same actions told twice.

A usage report counts the searches of February, an archive those of each day,
and two usage reports may share a week. They are the same actions, so each day
of a person and metric is told by one of them only:

- of totals that overlap, the one of fewer days counts (of equal ones the earlier);
  the other keeps the days that are left, with their share of its count,
- of a total and the counts by day inside it, the larger sum counts, as of two
  files that count the same day.

Within one file nothing is told twice: its counts add up. So what is left, and
written into one file, changes no more when it is read again.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

OTHER_TOTAL = "other reports cover all of these days"
DAYS_COUNT = "counted by day in another file"
TOTAL_COUNTS = "a report of the period counts more"

# First and last day of a stretch, as day numbers.
Stretch = tuple[int, int]


def cut_note(n: int) -> str:
    """What is said of `n` reports of which only some days count."""
    return (
        f"reports of totals cut because other reports tell some of their days: {n:,}; their counts were shared out by "
        "days, and spread over the days left"
    )


def told_twice(activity: pd.DataFrame) -> tuple[np.ndarray, pd.DataFrame]:
    """Why rows of activity do not count, and what is left of totals of which some days count.

    Parameters
    ----------
    activity : pandas.DataFrame
        ``person, date, metric, first_day, count, file``; one row for each of the first four.

    Returns
    -------
    numpy.ndarray of object
        A reason, or "" for rows that count.
    pandas.DataFrame
        ``at, first_day, date, count``: the stretches that are left of the total at a position, which they replace.
    """
    why = np.full(len(activity), "", dtype=object)
    total = (activity["first_day"] < activity["date"]).to_numpy()
    left: list[tuple] = []
    if not total.any():
        return why, _stretches(left)
    pairs = activity.loc[total, ["person", "metric"]].drop_duplicates()
    both = activity.reset_index(drop=True).reset_index(names="at").merge(pairs, on=["person", "metric"])
    for _, own in both.groupby(["person", "metric"], sort=False):
        left += _settle_pair(own, why)
    return why, _stretches(left)


def _stretches(left: list[tuple]) -> pd.DataFrame:
    frame = pd.DataFrame(left, columns=["at", "first_day", "date", "count"])
    days = {name: frame[name].to_numpy("datetime64[D]").astype("datetime64[us]") for name in ("first_day", "date")}
    return frame.assign(**days).astype({"at": "int64", "count": "float64"})


def _settle_pair(own: pd.DataFrame, why: np.ndarray) -> list[tuple]:
    """Mark the rows of one person and metric; returns what is left of totals that were cut."""
    first, last = (own[name].to_numpy("datetime64[D]").astype(np.int64) for name in ("first_day", "date"))
    at, count, file = own["at"].to_numpy(), own["count"].to_numpy(), own["file"].to_numpy()
    total = (own["first_day"] < own["date"]).to_numpy()
    stretches: dict[int, list[Stretch]] = {}
    for i, days in _kept(first, last, file, total):
        stretches.setdefault(i, []).append(days)
    why[at[[i for i in np.flatnonzero(total) if i not in stretches]]] = OTHER_TOTAL
    cut = []
    for i, left in stretches.items():
        whole = int(first[i]), int(last[i])
        counts = [count[i]] if left == [whole] else _shares(count[i], left, whole)
        counting = []
        for days, n in zip(left, counts):
            inside = ~total & (last >= days[0]) & (last <= days[1]) & (file != file[i])
            by_day = count[inside].sum()
            if inside.any() and by_day >= n:
                continue
            counting.append((at[i], *days, n))
            if by_day > 0:
                why[at[inside]] = TOTAL_COUNTS
        if not counting:
            why[at[i]] = DAYS_COUNT
        elif left != [whole]:
            cut += counting
    return cut


def _kept(first: np.ndarray, last: np.ndarray, file: np.ndarray, total: np.ndarray) -> list[tuple[int, Stretch]]:
    """The days that each total tells: those that no total of another file with fewer days tells."""
    order = np.lexsort([last, last - first])
    kept: list[tuple[int, Stretch]] = []
    for i in order[total[order]].tolist():
        whole = int(first[i]), int(last[i])
        left = _days_left(whole, [days for k, days in kept if _overlap(days, whole) and file[k] != file[i]])
        kept += [(i, days) for days in left]
    return kept


def _overlap(one: Stretch, other: Stretch) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _days_left(whole: Stretch, taken: Iterable[Stretch]) -> list[Stretch]:
    """The days of a period that none of the stretches takes, each of which has days of it."""
    first, last = whole
    left = []
    for begin, end in sorted(taken):
        if begin > first:
            left.append((first, begin - 1))
        first = max(first, end + 1)
    return [*left, (first, last)] if first <= last else left


def _shares(count: float, left: list[Stretch], whole: Stretch) -> np.ndarray:
    """The share of a count that falls on each stretch, by days; whole numbers, because actions are.

    Sums are rounded, not shares, so that together they are never off by more than one stretch would be.
    """
    days = np.cumsum([last - first + 1 for first, last in left])
    return np.diff(np.rint(count * days / (whole[1] - whole[0] + 1)), prepend=0)
