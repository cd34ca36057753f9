"""A quota told twice: one person, the same days, two rows.

Of two files the later one counts, as of two exports of a deal. Two amounts in
one file could be a correction, two products or a mistake of typing: nobody can
say which, so none of them counts, and that is said.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ssi_audit.exports.twice import QUOTAS_BY_NAME, QUOTAS_CONFLICT, Tabs, add_remarks, name_key

SAME_QUOTA = "the same quota again"
LATER_QUOTA = "a later file tells this quota"
CONFLICT = "another quota of this person for the same days stands in the same file: none counts"
REASONS = (SAME_QUOTA, LATER_QUOTA, CONFLICT)

KEY = ["person", "period_start", "period_end"]


def count_once(
    frame: pd.DataFrame, files: list[str], tabs: Tabs
) -> tuple[pd.DataFrame, list[tuple[pd.DataFrame, str, str]], dict[str, tuple[int, set[str]]]]:
    """One quota for each person and period.

    Parameters
    ----------
    frame : pandas.DataFrame
        Quotas with ``told`` (the day of their file, where anything says so), ``unit`` and ``row``.
    files : list of str
        File of each unit.
    tabs : dict of str to tuple of (str, int)
        Sheets among them (`twice.Events`).

    Returns
    -------
    tuple of (pandas.DataFrame, list, dict)
        What counts; what does not, why, and where the copy that does is; and remarks (`twice.notes`).
    """
    again = frame.duplicated(KEY, keep=False)
    if not again.any():
        return frame, [], {}
    place = {name: at for at, name in enumerate(sorted(set(files), key=lambda name: name_key(name, tabs)))}
    told = frame[again].assign(
        told=frame["told"].fillna(pd.Timestamp(0)),
        name=[place[files[unit]] for unit in frame.loc[again, "unit"]],
        stated=frame["currency"].notna(),
    )
    # The latest last, of equal ones that which says its currency.
    told = told.sort_values(["told", "name", "stated", "row"], kind="stable")
    gone: list[tuple[pd.DataFrame, str, str]] = []
    remarks: dict[str, tuple[int, set[str]]] = {}
    for _, own in told.groupby(KEY, sort=True, observed=True):
        last = own.iloc[-1]
        mine = (own["unit"] == last["unit"]).to_numpy()
        at = files[last["unit"]]
        if _several(own[mine]):
            gone.append((frame.loc[own.index[mine]], CONFLICT, ""))
            gone.append((frame.loc[own.index[~mine]], LATER_QUOTA, f"see {at}"))
            add_remarks(remarks, {QUOTAS_CONFLICT: (int(mine.sum()), {at})})
            continue
        same = np.array([not _several(own.loc[[label, own.index[-1]]]) for label in own.index])
        rest = np.arange(len(own)) < len(own) - 1
        gone.append((frame.loc[own.index[same & rest]], SAME_QUOTA, f"counted in {at}"))
        gone.append((frame.loc[own.index[~same]], LATER_QUOTA, f"counted in {at}"))
        by_name = ~same & (own["told"] == last["told"]).to_numpy()
        if by_name.any():
            others = {files[unit] for unit in own.loc[by_name, "unit"]}
            add_remarks(remarks, {QUOTAS_BY_NAME: (int(by_name.sum()), {at, *others})})
    gone = [part for part in gone if len(part[0])]
    lost = pd.Index(np.concatenate([part.index for part, *_ in gone]))
    return frame[~frame.index.isin(lost)], gone, remarks


def _several(quotas: pd.DataFrame) -> bool:
    """Whether rows of one person and period tell more than one quota; a currency that is not stated may be any."""
    return quotas["quota"].nunique() > 1 or quotas["currency"].nunique() > 1
