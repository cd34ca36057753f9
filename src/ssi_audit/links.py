"""Links: correlations of a score with an outcome, on the scale from -1 to 1 (methods.md section 7).

Links describe; the verdict rests on the rate ratios of `models.py`. The link
of the first screen compares each seller with himself, quarter by quarter.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from ssi_audit import schema
from ssi_audit.design import Columns, check_exposure, check_outcome, columns
from ssi_audit.errors import NotEnoughData
from ssi_audit.results import Correlation

METHODS = ("link", "rmcorr", "partial", "spearman_between", "kendall_between", "spearman_pooled")
# A quarter of one person counts for the quarterly link when at least half of its periods are known.
MIN_QUARTER_SHARE = 0.5


def correlate(
    panel: pd.DataFrame | Columns, exposure: str, outcome: str, method: str = "link", *, seed: int = 1
) -> Correlation:
    """Correlate a score with an outcome.

    Parameters
    ----------
    panel : pandas.DataFrame or Columns
        As `build_panel` returns it.
    exposure, outcome : str
        Names of `schema.EXPOSURES` and `schema.OUTCOMES`.
    method : {"link", "rmcorr", "partial", "spearman_between", "kendall_between", "spearman_pooled"}
        Within persons by quarter; within persons by period; the same given log activity and calendar; across
        person means (two measures); all rows, which is descriptive only.
    seed : int
        Of the permutations.

    Raises
    ------
    ValueError
        For an unknown name.
    """
    from ssi_audit.stats import correlation as stats

    check_exposure(exposure)
    check_outcome(outcome)
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; expected one of {', '.join(METHODS)}")
    if method == "link":
        return quarter_link(panel, exposure, outcome, seed=seed)
    given = columns(panel)
    why = cannot(given, outcome, adjusted=method == "partial")
    if why:
        return Correlation(why=why)
    x = given[schema.PANEL_EXPOSURE[exposure]]
    y, weight, _ = given.outcome(outcome)
    usable = np.isfinite(x) & np.isfinite(y) & (weight > 0)
    if method == "partial":
        usable &= np.isfinite(given.log_activity).all(axis=1)
    person, value = given.person[usable], y[usable] / weight[usable]
    n_people, n_rows = len(np.unique(person)), int(usable.sum())
    try:
        if method == "rmcorr":
            found = stats.within_correlation(x[usable], value, person, seed=seed)
        elif method == "partial":
            found = stats.within_correlation(
                x[usable], value, person, given.log_activity[usable], given.calendar_unit(usable, y), seed=seed
            )
        elif method == "spearman_pooled":
            found = stats.pooled_spearman(x[usable], value, person, given.period[usable], seed=seed)
        else:
            # One row per person: mean score, and the outcome per day worked or the rate over the whole time.
            sums = [np.bincount(person, part[usable], given.person.max() + 1) for part in (x, y, weight)]
            rows = np.bincount(person, minlength=given.person.max() + 1)
            seen = rows > 0
            between = {"spearman_between": stats.between_spearman, "kendall_between": stats.between_kendall}[method]
            means = (sums[0][seen] / rows[seen], sums[1][seen] / sums[2][seen])
            found = between(*means, np.arange(n_people), seed=seed)
    except NotEnoughData as error:
        return Correlation(why=str(error), n_people=n_people, n_rows=n_rows)
    where = {"rmcorr": "within sellers, by period", "partial": "within sellers, by period, activity held equal"}
    where |= {"spearman_pooled": "all rows, descriptive"}
    return dataclasses.replace(_result(found, where.get(method, "across sellers")), n_rows=n_rows)


def quarter_link(panel: pd.DataFrame | Columns, exposure: str, outcome: str, *, seed: int = 1) -> Correlation:
    """Within-person link on quarters: the number of the first screen.

    Mean score against the outcome per working day (or the rate, or logged activity), one point per person and
    quarter, person and quarter effects removed. Quarters because a week of one seller is mostly luck.
    """
    from ssi_audit.stats.correlation import within_correlation

    given = columns(panel)
    if outcome != "activity":
        why = cannot(given, outcome, adjusted=False)
    else:
        why = "" if given.facts["activity_types"] else "no LinkedIn activity in the files"
    if why:
        return Correlation(why=why)
    quarters = quarter_table(given, exposure, outcome)
    try:
        found = within_correlation(
            quarters["x"], quarters["y"], quarters["person"], calendar=quarters["quarter"], seed=seed
        )
    except NotEnoughData as error:
        return Correlation(why=str(error), n_people=quarters["person"].nunique(), n_rows=len(quarters))
    return _result(found, "within sellers, by quarter")


def quarter_table(panel: pd.DataFrame | Columns, exposure: str, outcome: str) -> pd.DataFrame:
    """One row per person and quarter: ``person`` and ``quarter`` (codes), ``x`` (points), ``y`` (see `quarter_link`).

    Persons with a single quarter say nothing about change and are left out.
    """
    given = columns(panel)
    x = given[schema.PANEL_EXPOSURE[exposure]]
    if outcome == "activity":
        y, weight = given.log_activity.mean(axis=1), np.ones(len(given))
    else:
        y, weight, _ = given.outcome(outcome)
    known = np.isfinite(x) & np.isfinite(y)
    n_quarters = given.quarter.max(initial=0) + 1
    cell = (given.person * n_quarters + given.quarter)[known]
    size = (given.person.max(initial=0) + 1) * n_quarters
    n, sum_x, sum_y, sum_weight = (
        np.bincount(cell, part, size) for part in (np.ones(known.sum()), x[known], y[known], weight[known])
    )
    # A quota stands in one period of its quarter; everything else needs half of them.
    enough = 1 if outcome in schema.BINARY_OUTCOMES else MIN_QUARTER_SHARE * given.per_quarter
    used = np.flatnonzero((n >= enough) & (sum_weight > 0))
    table = pd.DataFrame(
        {
            "person": used // n_quarters,
            "quarter": used % n_quarters,
            "x": sum_x[used] / n[used],
            "y": sum_y[used] / sum_weight[used],
        }
    )
    several = np.bincount(table["person"], minlength=1)[table["person"]] >= 2
    return table[several].reset_index(drop=True)


def cannot(given: Columns, outcome: str, adjusted: bool) -> str:
    """Why these files cannot answer; empty when they can."""
    if outcome in given.facts["missing"]:
        return given.facts["missing"][outcome]
    if adjusted and not given.facts["activity_types"]:
        return "no LinkedIn activity in the files, so nothing can be held equal"
    return ""


def _result(found: Any, method: str) -> Correlation:
    return Correlation(
        r=float(found.r), low=float(found.low), high=float(found.high), p=float(found.p),
        n_people=int(found.n_people), n_rows=int(found.n_rows), method=method,
    )  # fmt: skip


def seller_means(panel: pd.DataFrame | Columns) -> pd.DataFrame:
    """One row per seller: mean score, LinkedIn actions per week, deals per quarter; no person is named.

    Returns
    -------
    pandas.DataFrame
        ``ssi, activity, deals`` (missing where the files do not tell), sorted by score so that the order of the
        rows tells nothing else.
    """
    given = columns(panel)
    n = given.person.max(initial=-1) + 1
    weeks = 1.0 if given.facts["period"] == "week" else 52 / 12

    def per_period(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
        known = np.isfinite(values) & (weight > 0) & np.isfinite(given["ssi"])
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.bincount(given.person[known], values[known], n) / np.bincount(
                given.person[known], weight[known], n
            )

    kinds = given.facts["activity_types"]
    actions = (
        sum((given[f"act_{kind}"] for kind in kinds), np.zeros(len(given))) if kinds else np.full(len(given), np.nan)
    )
    deals = given["deals"] if "deals" not in given.facts["missing"] else np.full(len(given), np.nan)
    means = pd.DataFrame(
        {
            "ssi": per_period(given["ssi"], np.ones(len(given))),
            "activity": per_period(actions, given["on_duty"]) / weeks,
            "deals": per_period(deals, given["on_duty"]) * given.per_quarter,
        }
    )
    return means.sort_values(["ssi", "activity", "deals"], ignore_index=True)
