"""Tests of claims that compare sellers with each other: leaders and laggards, colleagues a few points apart.

Each function answers one kind of claim and says in its docstring how a state
comes about. The numbers are made in `stats`, the states in `claim_rules`.
Groups are formed by the reading before the quarter, never by a later one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from ssi_audit import schema
from ssi_audit.claim_data import Amount, Case, Outcome, words
from ssi_audit.claim_rules import (
    NOT_ENOUGH,
    SMALLER,
    SUPPORTED,
    Finding,
    HighLow,
    NotTestable,
    Parameters,
    absence,
    as_ratio,
    range_of,
    size,
)
from ssi_audit.errors import NotEnoughData
from ssi_audit.links import quarter_table
from ssi_audit.stats.clusters import MIN_PEOPLE, Interval
from ssi_audit.stats.fixed_effects import fe_ols
from ssi_audit.stats.pictures import implied_link
from ssi_audit.stats.pooled import group_ratio as ratio_of_groups
from ssi_audit.stats.pooled import mundlak
from ssi_audit.stats.superiority import probability_of_superiority

# Fewer persons than this on a side: the published contrast cannot be formed (methods.md section 5).
MIN_PER_SIDE = 6


# ---- leaders against laggards ----------------------------------------------------------------------------


class GroupRatio(HighLow):
    """`high`, `low`: points above and below which a reading makes a leader or a laggard of the quarter."""

    outcomes: tuple[Outcome, ...] = Field(min_length=1)
    per_activity: tuple[Literal[tuple(schema.ACTIVITY_TYPES)], ...] = ()


def group_ratio(case: Case, ask: GroupRatio, number: float) -> Finding:
    """Outcome per person and quarter of leaders over that of laggards (L1, L2; per action with `per_activity`).

    Pooled Poisson with quarters, CR2 on persons, against the published ratio by the rule `size`: whole range
    above 1 and not below the number: supported; above 1 and all below it: supported but smaller; all below it and
    reaching 1: contradicted; else not enough data. With fewer than six persons on a side the published contrast
    cannot be formed. Then 40 points along a straight line between persons (Mundlak) take its place, said to be "not
    the claim's contrast", and decide only where top against bottom third, with the number scaled to their distance,
    says the same.
    """
    outcome = case.first_of(ask.outcomes)
    types = tuple(kind for kind in ask.per_activity if kind in case.facts["activity_types"])
    if ask.per_activity and not types:
        case.require_activity()
        raise NotTestable(f"no {' or '.join(ask.per_activity)} in the activity files")
    seen = contrast(case.quarters(outcome, types), outcome, ask.high, ask.low, case.settings.min_group)
    state, reason = seen.judge(number)
    if outcome != ask.outcomes[0]:
        reason = f"Counted as {words(outcome)}, because the files hold no {words(ask.outcomes[0])}. {reason}"
    details = {"outcome": outcome, **seen.shown()}
    if outcome in ("opportunities", "inquiries") and not types:
        details["implied_link"] = implied_links(case, number ** (10 / (ask.high - ask.low)))
    return Finding(state, reason, **as_ratio(seen.used), n_people=seen.used.n_clusters, details=details)


@dataclass(frozen=True)
class Contrast:
    """High scores against low ones, three ways; log ratios.

    Attributes
    ----------
    claim : Interval or None
        Readings above `high` against readings below `low`; None with fewer than `MIN_PER_SIDE` persons on a side.
    line : Interval
        `high` - `low` points along a straight line between persons.
    thirds : Interval or None
        Top against bottom third of the readings, where each has `MIN_PER_SIDE` persons.
    gap : float
        Points between the means of the thirds.
    groups : dict
        People, quarters and mean outcome of each side.
    high, low : float
    """

    claim: Interval | None
    line: Interval
    thirds: Interval | None
    gap: float
    groups: dict[str, dict[str, float | str]]
    high: float
    low: float

    @property
    def used(self) -> Interval:
        """The one whose number is printed."""
        return self.line if self.claim is None else self.claim

    def judge(self, number: float) -> tuple[str, str]:
        """State and reason against a published ratio."""
        if self.claim is not None:
            return size(self.claim, math.log(number))
        label = (
            f"Not the claim's contrast: too few sellers began a quarter above {self.high:g} points "
            f"({self.groups['high']['people']}) or below {self.low:g} ({self.groups['low']['people']}), so this is "
            f"{self.high - self.low:g} points along a straight line over all sellers."
        )
        state, reason = size(self.line, math.log(number))
        if state == NOT_ENOUGH:
            return state, f"{label} {reason}"
        if self.thirds is None:
            return NOT_ENOUGH, f"{label} {reason} There are too few sellers to set top against bottom third as well."
        other = size(self.thirds, math.log(number) * self.gap / (self.high - self.low))[0]
        agree = other == state or {other, state} == {SUPPORTED, SMALLER}
        if not agree:
            return NOT_ENOUGH, f"{label} Top against bottom third does not say the same. More sellers are needed."
        return state, f"{label} {reason} Top against bottom third says the same."

    def shown(self) -> dict:
        """What a table needs."""
        return {
            "used": "line" if self.claim is None else "claim",
            "groups": self.groups,
            "claim": None if self.claim is None else as_ratio(self.claim),
            "line": {**as_ratio(self.line), "points_apart": self.high - self.low},
            "thirds": None if self.thirds is None else {**as_ratio(self.thirds), "points_apart": self.gap},
        }


def contrast(rows: pd.DataFrame, outcome: str, high: float, low: float, min_group: int) -> Contrast:
    """Compare high with low scores on rows per person and quarter.

    Parameters
    ----------
    rows : pandas.DataFrame
        As `Case.quarters` returns it.
    outcome : str
    high, low : float
        Points.
    min_group : int
        Means of smaller groups are not shown.

    Raises
    ------
    NotEnoughData
        With fewer than eight persons.
    """
    require_people(rows)
    score = rows["score"].to_numpy()
    cut = np.quantile(score, [1 / 3, 2 / 3])
    sides = {
        "claim": (score > high, score < low),
        "thirds": (score >= cut[1], (score <= cut[0]) & (score < cut[1])),
    }  # fmt: skip
    ratio: dict[str, Interval | None] = {}
    for name, (top, bottom) in sides.items():
        people = min(rows["person"][top].nunique(), rows["person"][bottom].nunique())
        enough_people = people >= MIN_PER_SIDE and rows["person"][top | bottom].nunique() >= MIN_PEOPLE
        side = np.where(top, 1.0, np.where(bottom, 0.0, np.nan))
        ratio[name] = _ratio(rows, outcome, side) if enough_people else None
    line = mundlak(
        rows["y"], score / (high - low), rows["person"], offset=_log_weight(rows, outcome), calendar=rows["quarter"]
    ).between[0]
    top, bottom = sides["thirds"]
    gap = float(score[top].mean() - score[bottom].mean()) if bottom.any() else math.nan
    groups = {name: _side(rows[side], min_group) for name, side in zip(("high", "low"), sides["claim"], strict=True)}
    return Contrast(ratio["claim"], line, ratio["thirds"], gap, groups, high, low)


def require_people(rows: pd.DataFrame) -> None:
    """Raise NotEnoughData with too few persons for any range."""
    people = rows["person"].nunique()
    if people < MIN_PEOPLE:
        raise NotEnoughData(f"only {people} people have a score and the outcome, at least {MIN_PEOPLE} are needed")


def _ratio(rows: pd.DataFrame, outcome: str, side: np.ndarray) -> Interval:
    return ratio_of_groups(
        rows["y"], side, rows["person"], offset=_log_weight(rows, outcome), calendar=rows["quarter"]
    ).interval


def _log_weight(rows: pd.DataFrame, outcome: str) -> np.ndarray | None:
    return None if outcome in schema.BINARY_OUTCOMES else np.log(rows["weight"].to_numpy())


def _side(rows: pd.DataFrame, min_group: int) -> dict[str, float | str]:
    """How many, and their mean; of a small group only that it is one."""
    people, total = int(rows["person"].nunique()), rows["weight"].sum()
    if people < min_group:
        return {"people": f"<{min_group}", "quarters": math.nan, "mean": math.nan}
    return {"people": people, "quarters": len(rows), "mean": float(rows["y"].sum() / total)}


def implied_links(case: Case, ratio: float) -> list[float]:
    """Smallest and largest within-person link by quarter that a ratio per ten points would look like here."""
    links = []
    for outcome in schema.COUNT_OUTCOMES:
        if case.missing(outcome):
            continue
        rows = quarter_table(case.columns, "total", outcome)
        if rows.empty:
            continue
        nothing = np.empty((len(rows), 0))
        x, y = (fe_ols(rows[name], nothing, rows["person"], rows["quarter"]).residual for name in ("x", "y"))
        links.append(implied_link(x, y, float(rows["y"].mean()), ratio))
    found = [link for link in links if math.isfinite(link)]
    return [min(found), max(found)] if found else []


class SuperiorityAsked(HighLow):
    """`ratio`: the size of the common misreading, shown beside the share."""

    outcomes: tuple[Amount, ...] = Field(min_length=1)
    ratio: float = Field(gt=1)


def superiority(case: Case, ask: SuperiorityAsked, number: float) -> Finding:
    """P(a high scorer sold more than a low scorer), persons' means, Brunner-Munzel against the published share (L3).

    Rule `size` around one half: whole range above .5 and not below the number: supported; above .5 and below it:
    supported but smaller; below it and reaching .5: contradicted; else not enough data. Groups by the person's mean
    reading; with fewer than six on a side top against bottom third, said to be "not the claim's contrast". The
    other reading of the number, a ratio of sales, is judged the same way and stands in ``details["readings"]``.
    """
    outcome = case.first_of(ask.outcomes)
    rows = case.quarters(outcome)
    require_people(rows)
    people = rows.groupby("person").agg(score=("score", "mean"), y=("y", "sum"), weight=("weight", "sum"))
    sales = people["y"] / people["weight"]
    high, low = people["score"] > ask.high, people["score"] < ask.low
    used, label = "claim", ""
    if min(high.sum(), low.sum()) < MIN_PER_SIDE:
        rank = people["score"].rank(method="first")
        used, high, low = "thirds", rank > len(people) * 2 / 3, rank <= len(people) / 3
        label = (
            f"Not the claim's contrast: too few sellers have a mean above {ask.high:g} or below {ask.low:g} points, so "
            "the top third is set against the bottom third. "
        )
    found = probability_of_superiority(sales[high], sales[low])
    share = range_of(found.p_above, found.low, found.high, found.n_x + found.n_y, found.method, 0.5)
    state, reason = size(share, number, null=0.5)
    if min(found.n_x, found.n_y) < MIN_PER_SIDE:
        state, reason = NOT_ENOUGH, f"At least {MIN_PER_SIDE} sellers are needed on each side."
    ratio = contrast(rows, outcome, ask.high, ask.low, case.settings.min_group)
    readings = {
        "share": {"claimed": number, "state": state, "estimate": share.estimate, "low": share.low, "high": share.high},
        "ratio": {"claimed": ask.ratio, "state": ratio.judge(ask.ratio)[0], **as_ratio(ratio.used), **ratio.shown()},
    }
    details = {
        "outcome": outcome, "used": used, "readings": readings, "method": found.method,
        "groups": {"high": {"people": found.n_x}, "low": {"people": found.n_y}},
        "points_apart": float(people["score"][high].mean() - people["score"][low].mean()),
    }  # fmt: skip
    return Finding(state, label + reason, share.estimate, share.low, share.high, share.n_clusters, details)


class SmallGap(Parameters):
    """`points`: the gap between two colleagues."""

    outcomes: tuple[Amount, ...] = Field(min_length=1)
    points: float = Field(gt=0, le=100)


def small_gap(case: Case, ask: SmallGap, number: float) -> Finding:
    """Ratio of results between colleagues who are `points` apart (between persons, B), rule `absence` ("more").

    The smallest difference that matters is that of ten points scaled to the gap. All of the 90 % range below it:
    supported; range above 1 and not below it: contradicted; else not enough data.
    """
    outcome = case.first_of(ask.outcomes)
    rows = case.quarters(outcome)
    require_people(rows)
    split = mundlak(
        rows["y"], rows["score"] / ask.points, rows["person"], offset=_log_weight(rows, outcome),
        calendar=rows["quarter"],
    )  # fmt: skip
    gap = split.between[0]
    smallest = case.smallest(outcome) * ask.points / schema.EXPOSURE_UNIT["total"]
    state, reason = absence(gap, smallest)
    details = {
        "outcome": outcome, "points": ask.points, "smallest": math.exp(smallest),
        "same_seller": as_ratio(split.within[0]),
    }  # fmt: skip
    return Finding(state, reason, **as_ratio(gap), n_people=gap.n_clusters, details=details)


KINDS = {
    "group_ratio": (GroupRatio, group_ratio),
    "superiority": (SuperiorityAsked, superiority),
    "small_gap": (SmallGap, small_gap),
}
