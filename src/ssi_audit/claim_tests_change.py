"""Tests of claims about how the score changes: from a low start, and after a licence.

Each function answers one kind of claim and says in its docstring how a state
comes about. No person is named or ranked in any result.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
from pydantic import Field

from ssi_audit import schema
from ssi_audit.claim_data import WEEKS_PER_MONTH, Case
from ssi_audit.claim_rules import (
    ALPHA,
    CONTRADICTED,
    NORMAL_95,
    NOT_ENOUGH,
    SMALLER,
    SUPPORTED,
    Finding,
    NotTestable,
    Parameters,
    presence,
    range_of,
    size,
)
from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.change import blomqvist, close_reading_reliability, naive_change, oldham
from ssi_audit.stats.clusters import Interval
from ssi_audit.stats.eventstudy import EventStudy, permute_starts, sun_abraham

# With fewer persons on a side only the permutation of licences between persons is honest (methods.md section 4).
MIN_PER_SIDE = 6
# Event times of the licence study are half-months: a reading or two each, and cohorts of a quarter.
BIN_WEEKS = 2
COHORT_WEEKS = 13
SPAN_WEEKS = 30
PERMUTATIONS = 199
TOO_SMALL = "So few sellers hold a licence long enough that their numbers are not shown."


class ChangeOnStart(Parameters):
    """`weeks_apart`: least distance of start and end; `smallest`: correlation that matters."""

    weeks_apart: float = Field(default=26, gt=0)
    smallest: float = Field(gt=0, lt=1)


def change_on_start(case: Case, ask: ChangeOnStart, number: float) -> Finding:
    """Correlation of a seller's change with the mean of start and end, without licence (K7: Oldham, Pitman-Morgan).

    Rule `presence` on -r (Fisher z): p < .05 and r < 0: supported (but smaller when `smallest` is ruled out). r clear
    and above 0, or `smallest` ruled out without a clear r: contradicted. Else not enough data.
    Blomqvist's slope and the usual, biased correlation of change with start stand in the details.
    """
    rows = case.settled[(case.settled["licence"] == 0) & case.settled["ssi"].notna()]
    ordered = rows.sort_values(["person", "period"])
    ends = ordered.groupby("person").agg(
        first=("ssi", "first"), last=("ssi", "last"), start=("period", "first"), end=("period", "last")
    )
    ends = ends[(ends["end"] - ends["start"]).dt.days >= 7 * ask.weeks_apart]
    first, last = ends["first"].to_numpy(), ends["last"].to_numpy()
    found = oldham(first, last)
    falling = _on_z(-found.r, found.n)
    state, reason = presence(falling, math.atanh(ask.smallest))
    if state in (SUPPORTED, SMALLER) and found.p >= ALPHA:
        state, reason = NOT_ENOUGH, "The range just leaves out no link, the exact test does not."
    reason = {
        SUPPORTED: "Sellers who were low rose faster, beyond what noise in the readings would show.",
        SMALLER: "Sellers who were low rose faster, by little.",
        CONTRADICTED: "Low and high starters rose alike once noise in the readings is taken out."
        if found.high > 0 and found.low < 0 else "High starters rose faster.",
        NOT_ENOUGH: reason,
    }[state]  # fmt: skip
    naive = naive_change(first, last)
    details = {
        "p": found.p, "naive": {"r": naive.r, "p": naive.p, "slope": naive.slope, "biased": True},
        "blomqvist": _blomqvist(case, first, last),
    }  # fmt: skip
    return Finding(state, reason, found.r, found.low, found.high, found.n, details)


def _on_z(r: float, n: int) -> Interval:
    """A correlation on Fisher's z scale, standard error 1/sqrt(n - 3)."""
    z, half = math.atanh(max(-0.999999, min(r, 0.999999))), NORMAL_95 / math.sqrt(n - 3)
    return range_of(z, z - half, z + half, n, "Fisher z")


def _blomqvist(case: Case, first: np.ndarray, last: np.ndarray) -> dict:
    """Slope of true change on true start, or why there is none."""
    readings = case.tables.ssi
    total = readings["total"].fillna(readings[list(schema.PILLARS)].sum(axis=1, skipna=False))
    try:
        noise = close_reading_reliability(
            readings["person"].to_numpy(), readings["date"].to_numpy(), total.to_numpy("float64")
        )
        reliability = 1 - noise.error_variance / np.var(first, ddof=1)
        if not 0 < reliability <= 1:
            raise NotEnoughData("close readings differ more than the sellers' starts do")
        slope = blomqvist(first, last, float(reliability))
    except NotEnoughData as error:
        return {"why": str(error)}
    return {"slope": slope.slope, "low": slope.low, "high": slope.high, "reliability": slope.reliability}


class LicenceLift(Parameters):
    """`weeks`: first and last week after the start that are averaged; `smallest`: ratio that matters."""

    weeks: tuple[int, int]
    smallest: float = Field(gt=1)


def licence_lift(case: Case, ask: LicenceLift, number: float) -> Finding:
    """Score after a licence over the licensed sellers' own mean before it (L4, Sun-Abraham with jackknife).

    Range above 1 and not below the number: supported; above 1 and below it: supported but smaller ("up to" is a
    maximum, which a mean cannot refute). No change of `smallest` or more by the rule `presence`, or a fall:
    contradicted. Else not enough data. With fewer than six sellers with or without a licence no range is honest;
    licences are then handed out to other sellers at random, and only a clear rise or fall decides.
    Numbers of fewer licensed sellers than `min_group` are left out; the state and its p stay.
    """
    starts = case.licence_start
    if starts.notna().sum() == 0:
        raise NotTestable("nobody's licence is dated: fill licence_start in people.csv")
    study = _licence_rows(case, starts, ask.weeks)
    found = sun_abraham(*study["columns"], **study["options"])
    reached = _reached(study["rows"], ask.weeks, number - 1, study["weeks_per_period"])
    if reached["people"] < case.settings.min_group:
        reached = {"people": reached["people"]}
    least = case.settings.min_group
    # The estimate is the mean change of those who are still seen in the window, which may be fewer than are licensed.
    shown = _seen_in_window(found) >= least
    details = {
        "path": _path(found, study["bin_weeks"], least),
        "before": found.pre_mean if found.n_exposed >= least else math.nan,
        "points": found.window_effect if shown else math.nan, "reached": reached,
        "licensed": found.n_exposed, "not_licensed": found.n_control, "left_out": found.n_dropped,
        "claimed_as": "up to",
    }  # fmt: skip
    people = found.n_exposed + found.n_control
    if min(found.n_exposed, found.n_control) < MIN_PER_SIDE:
        chance = permute_starts(*study["columns"], **study["options"], draws=PERMUTATIONS, seed=case.settings.seed)
        details["permutation_p"] = chance.p
        state, reason = _by_permutation(chance.effect, chance.p, found.relative, number - 1)
        return _only_shown(Finding(state, reason, 1 + found.relative, n_people=people, details=details), shown)
    lift = range_of(found.relative, found.relative_low, found.relative_high, people, "Sun-Abraham jackknife")
    lift = dataclasses.replace(lift, df=found.window_df)
    state, reason = size(lift, number - 1)
    if state in (CONTRADICTED, NOT_ENOUGH):
        state, reason = presence(lift, ask.smallest - 1)
    if state == SMALLER:
        reason = "The mean lift is below the number; 'up to' is a maximum that a mean cannot refute."
        if "reached" in reached:
            reason += f" {reached['reached']} of {reached['people']} licensed sellers rose by {number - 1:.0%} or more."
    return _only_shown(Finding(state, reason, 1 + lift.estimate, 1 + lift.low, 1 + lift.high, people, details), shown)


def _only_shown(found: Finding, shown: bool) -> Finding:
    """The finding, without its numbers where they are those of a group too small to be shown."""
    if shown:
        return found
    blank = dict.fromkeys(("estimate", "low", "high"), math.nan)
    return dataclasses.replace(found, **blank, reason=f"{found.reason} {TOO_SMALL}")


def _seen_in_window(found: EventStudy) -> int:
    """The most licensed sellers at one event time of the window."""
    inside = (found.event >= found.window[0]) & (found.event <= found.window[1])
    return int(found.people[inside].max(initial=0))


def _path(found: EventStudy, bin_weeks: float, least: int) -> list[dict[str, float]]:
    """Change by weeks since the start, where at least so many sellers are seen."""
    columns = {
        "weeks": found.event * bin_weeks, "points": found.effect, "low": found.low, "high": found.high,
        "people": found.people,
    }  # fmt: skip
    rows = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    return [row for row in rows if row["people"] >= least]


def _by_permutation(points: float, p: float, relative: float, claimed: float) -> tuple[str, str]:
    """State where few sellers hold (or lack) a licence."""
    few = "Few sellers hold a licence, or few do not, so there is no range, only a permutation test."
    if p >= ALPHA:
        return NOT_ENOUGH, f"{few} The change is not unusual among licences handed out at random."
    if points < 0:
        return CONTRADICTED, f"{few} The score fell."
    if relative < claimed:
        return SMALLER, f"{few} The score rose, by less than the number; 'up to' is a maximum."
    return SUPPORTED, f"{few} The score rose by at least the number."


def _licence_rows(case: Case, starts: pd.Series, weeks: tuple[int, int]) -> dict:
    """Readings by the period they were taken in, with the start of each seller's licence."""
    rows = case.panel.loc[case.panel["ssi"].notna(), ["person", "p", "ssi"]].assign(
        reading=lambda frame: frame["p"] - 1,  # a row carries the reading of the period before
        start=lambda frame: frame["person"].map(starts),
    )
    weekly = case.facts["period"] == "week"
    width, per = (BIN_WEEKS, 1.0) if weekly else (1, WEEKS_PER_MONTH)
    bin_weeks = width * per
    options = {
        "window": tuple(int(week // bin_weeks) for week in weeks),
        "span": (-round(SPAN_WEEKS / bin_weeks), round(SPAN_WEEKS / bin_weeks)),
        "bin_width": width,
        "cohort_width": COHORT_WEEKS if weekly else 3,
    }
    columns = (rows["ssi"].to_numpy(), rows["person"].to_numpy(), rows["reading"].to_numpy(), rows["start"].to_numpy())
    return {"rows": rows, "columns": columns, "options": options, "bin_weeks": bin_weeks, "weeks_per_period": per}


def _reached(rows: pd.DataFrame, weeks: tuple[int, int], rise: float, weeks_per_period: float) -> dict[str, int]:
    """How many licensed sellers rose by this much over their own mean before: a count, without comparison group."""
    since = (rows["reading"] - rows["start"]) * weeks_per_period
    before = rows[since < 0].groupby("person")["ssi"].mean()
    after = rows[(since >= weeks[0]) & (since < weeks[1] + weeks_per_period)].groupby("person")["ssi"].mean()
    change = (after / before - 1).dropna()
    return {"people": len(change), "reached": int((change >= rise).sum())}


KINDS = {
    "change_on_start": (ChangeOnStart, change_on_start),
    "licence_lift": (LicenceLift, licence_lift),
}
