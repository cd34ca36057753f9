"""Totals over a period beside counts by day, or beside other totals: the same actions told twice.

A usage report counts the searches of February, an archive those of each day,
and two usage reports may share a week. They are the same actions, so each day
of a person and metric is told by one of them only:

- of totals that overlap, the one of fewer days counts (of equal ones the earlier);
  the other keeps the days that are left, with what is left of its count: all of it
  but what the first counts on the days of both,
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
        f"reports of totals cut because other reports tell some of their days: {n:,}; what the others count "
        "there was taken off their counts, and the rest spread over the days left"
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
    stretches: dict[int, list[tuple[Stretch, float]]] = {}
    for i, days, n in _kept(first, last, count, file, total):
        stretches.setdefault(i, []).append((days, n))
    why[at[[i for i in np.flatnonzero(total) if i not in stretches]]] = OTHER_TOTAL
    cut = []
    for i, left in stretches.items():
        whole = int(first[i]), int(last[i])
        counting = []
        for days, n in left:
            inside = ~total & (last >= days[0]) & (last <= days[1]) & (file != file[i])
            by_day = count[inside].sum()
            if inside.any() and by_day >= n:
                continue
            counting.append((at[i], *days, n))
            if by_day > 0:
                why[at[inside]] = TOTAL_COUNTS
        if not counting:
            why[at[i]] = DAYS_COUNT
        elif left[0][0] != whole:
            cut += counting
    return cut


def _kept(
    first: np.ndarray, last: np.ndarray, count: np.ndarray, file: np.ndarray, total: np.ndarray
) -> list[tuple[int, Stretch, float]]:
    """The days that each total tells, and their counts: those that no total of another file with fewer days tells.

    What the others count on a part of their days is taken to be their share by days. Where that is more than the
    whole count, nothing is left: the larger of two counts of the same days counts.
    """
    order = np.lexsort([last, last - first])
    kept: list[tuple[int, Stretch, float]] = []
    for i in order[total[order]].tolist():
        whole = int(first[i]), int(last[i])
        others = [(days, n) for k, days, n in kept if file[k] != file[i] and _n_both(days, whole)]
        left = _days_left(whole, [days for days, _ in others])
        told = sum(n * _n_both(days, whole) / _n_days(days) for days, n in others)
        kept += [(i, days, n) for days, n in zip(left, _shared(max(count[i] - told, 0), left))]
    return kept


def _n_days(stretch: Stretch) -> int:
    return stretch[1] - stretch[0] + 1


def _n_both(one: Stretch, other: Stretch) -> int:
    """Days of both stretches."""
    return max(min(one[1], other[1]) - max(one[0], other[0]) + 1, 0)


def _days_left(whole: Stretch, taken: Iterable[Stretch]) -> list[Stretch]:
    """The days of a period that none of the stretches takes, each of which has days of it."""
    first, last = whole
    left = []
    for begin, end in sorted(taken):
        if begin > first:
            left.append((first, begin - 1))
        first = max(first, end + 1)
    return [*left, (first, last)] if first <= last else left


def _shared(count: float, left: list[Stretch]) -> np.ndarray:
    """A count shared out over stretches by their days; whole numbers, because actions are.

    Sums are rounded, not shares, so that together they are the (rounded) count.
    """
    if not left:
        return np.zeros(0)
    days = np.cumsum([_n_days(stretch) for stretch in left])
    return np.diff(np.rint(np.rint(count) * days / days[-1]), prepend=0)
