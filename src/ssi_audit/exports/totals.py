"""Totals over a period beside counts by day, or beside other totals: the same actions told twice.

A usage report counts the searches of February, an archive those of each day,
and two usage reports may share a week. They are the same actions, so each day
of a person and metric is told by one of them only:

- of totals that overlap, the one of fewer days counts (of equal ones the earlier),
- of a total and the counts by day inside it, the larger sum counts, as of two
  files that count the same day.

Within one file nothing is told twice: its counts add up. So what is left, and
written into one file, changes no more when it is read again.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

OTHER_TOTAL = "a report of fewer days covers some of these days"
DAYS_COUNT = "counted by day in another file"
TOTAL_COUNTS = "a report of the period counts more"


def told_twice(activity: pd.DataFrame) -> np.ndarray:
    """Why rows of activity do not count.

    Parameters
    ----------
    activity : pandas.DataFrame
        ``person, date, metric, first_day, count, file``; one row for each of the first four.

    Returns
    -------
    numpy.ndarray of object
        A reason, or "" for rows that count.
    """
    why = np.full(len(activity), "", dtype=object)
    total = (activity["first_day"] < activity["date"]).to_numpy()
    if not total.any():
        return why
    pairs = activity.loc[total, ["person", "metric"]].drop_duplicates()
    both = activity.reset_index(drop=True).reset_index(names="at").merge(pairs, on=["person", "metric"])
    for _, own in both.groupby(["person", "metric"], sort=False):
        _settle_pair(own, why)
    return why


def _settle_pair(own: pd.DataFrame, why: np.ndarray) -> None:
    """Mark the rows of one person and metric."""
    first, last = own["first_day"].to_numpy("datetime64[D]"), own["date"].to_numpy("datetime64[D]")
    at, count, file = own["at"].to_numpy(), own["count"].to_numpy(), own["file"].to_numpy()
    total = first < last
    order = np.lexsort([last, last - first])
    kept: list[int] = []
    for i in order[total[order]]:
        if any(first[i] <= last[k] and first[k] <= last[i] and file[i] != file[k] for k in kept):
            why[at[i]] = OTHER_TOTAL
        else:
            kept.append(i)
    for i in kept:
        inside = ~total & (last >= first[i]) & (last <= last[i]) & (file != file[i])
        by_day = count[inside].sum()
        if inside.any() and by_day >= count[i]:
            why[at[i]] = DAYS_COUNT
        elif by_day > 0:
            why[at[inside]] = TOTAL_COUNTS
