"""Tests of claims about the score itself: what moves it, what it is made of, what says more.

Each function answers one kind of claim and says in its docstring how a state
comes about. No person is named or ranked in any result.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from ssi_audit import schema, verdict
from ssi_audit.claim_data import NEEDS_ACTIVITY, Case
from ssi_audit.claim_rules import (
    CONTRADICTED,
    NOT_ENOUGH,
    SMALLER,
    SUPPORTED,
    Finding,
    NotTestable,
    Parameters,
    as_plain,
    presence,
)
from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.clusters import MIN_PEOPLE, interval, jackknife_interval
from ssi_audit.stats.discordance import UNSURE, score_discordance
from ssi_audit.stats.fixed_effects import fe_ols
from ssi_audit.stats.leave_out import first_share
from ssi_audit.stats.overlap import one_factor, overlap_between, overlap_within, scale_statistics

# With fewer persons on a side only the permutation of licences between persons is honest (methods.md section 4).
MIN_PER_SIDE = 6
# Event times of the licence study are half-months: a reading or two each, and cohorts of a quarter.
BIN_WEEKS = 2
COHORT_WEEKS = 13
SPAN_WEEKS = 30
PERMUTATIONS = 199


class Nothing(Parameters):
    """Nothing to ask for."""


# ---- activity --------------------------------------------------------------------------------------------


def activity_explains(case: Case, ask: Nothing, number: float) -> Finding:
    """Leave-one-person-out R2 of the score on logged activity and calendar, within persons (K1).

    From .25 on: supported ("tracks activity"); below .05 with a range below .25: contradicted; else not enough data
    (methods.md section 5 decides by the estimate alone; its range over persons is shown).
    """
    found = case.activity_r2
    _enough(found.n_people)
    between = found.r2 >= verdict.NO_ACTIVITY
    state, reason = {
        "yes": (SUPPORTED, "Counts of activity predict the score's movement for sellers left out."),
        "no": (CONTRADICTED, "Counts of activity do not predict the score's movement."),
        "unknown": (
            NOT_ENOUGH,
            "Between 5% and 25% of the movement is explained, too little and too much to decide."
            if between
            else "Counts of activity do not predict the score's movement here, but the range reaches 25%.",
        ),
    }[verdict.activity_status(found.r2, found.high)]
    types = case.facts["activity_types"]
    covered = {schema.PILLAR_OF_ACTIVITY[kind] for kind in types}
    without = [pillar for pillar in schema.PILLARS if pillar not in covered]
    if without and state != SUPPORTED:
        reason += f" No activity is logged that feeds {', '.join(without)}, so more may be explained."
    details = {
        "types": types, "pillars_without": without, "calendar_alone": found.r2_calendar,
        "beyond_calendar": found.added, "rows": found.n_rows,
    }  # fmt: skip
    return Finding(state, reason, found.r2, found.low, found.high, found.n_people, details)


def _enough(n_people: int) -> None:
    """Below eight persons nothing is decided (methods.md section 4)."""
    if n_people < MIN_PEOPLE:
        raise NotEnoughData(f"Only {n_people} people can be compared, at least {MIN_PEOPLE} are needed.")


class ActiveAgainstPassive(Parameters):
    """`smallest`: points between thirds that deserve the words low and high."""

    smallest: float = Field(gt=0, le=100)


def active_against_passive(case: Case, ask: ActiveAgainstPassive, number: float) -> Finding:
    """Mean score of the most active third of sellers minus that of the least active third, person jackknife.

    Rule `presence`: range above 0: supported (but smaller when a difference of `smallest` is ruled out); not above 0
    and `smallest` ruled out, or below 0: contradicted; else not enough data. Activity of a seller: mean of
    log(1 + count) over types.
    """
    case.require_activity()
    activity = case.columns.log_activity.mean(axis=1)
    table = pd.DataFrame({"person": case.columns.person, "score": case.columns["ssi"], "activity": activity}).dropna()
    people = table.groupby("person").mean()
    people = people.sort_values("activity", kind="stable")
    low, high = _thirds(len(people))
    if not low:
        raise NotEnoughData(f"only {len(people)} people have a score and 90 days of logged activity")
    _enough(low + high)
    score = people["score"].to_numpy()
    # Who is in which third is itself a matter of the sample: without a person the thirds are formed anew.
    gap = jackknife_interval(_gaps_without_each(score), float(score[-high:].mean() - score[:low].mean()))
    side = np.repeat([0.0, np.nan, 1.0], [low, len(people) - low - high, high])
    thirds = people.assign(side=side).dropna()
    state, reason = presence(gap, ask.smallest)
    sides = thirds.groupby("side").agg(people=("score", "size"), mean_score=("score", "mean"))
    sides = sides.where(sides["people"] >= case.settings.min_group)
    details = {"groups": {"active": sides.loc[1.0].to_dict(), "passive": sides.loc[0.0].to_dict()}}
    return Finding(state, reason, **as_plain(gap), n_people=len(thirds), details=details)


def _thirds(n: int) -> tuple[int, int]:
    """Sizes of the lowest and of the highest third of n people."""
    return n // 3, n - 2 * n // 3


def _gaps_without_each(score: np.ndarray) -> np.ndarray:
    """Mean of the highest third minus mean of the lowest one, without each person; `score` in order of activity."""
    n = len(score)
    low, high = _thirds(n - 1)
    below, place = np.append(0.0, np.cumsum(score)), np.arange(n)
    bottom = np.where(place < low, below[low + 1] - score, below[low]) / low
    top = np.where(place >= n - high, below[n] - below[n - high - 1] - score, below[n] - below[n - high]) / high
    return top - bottom


class ScoreOnActivity(Parameters):
    """`metrics` move, `given` is held equal; `smallest`: points per doubling that matter."""

    metrics: tuple[str, ...] = Field(min_length=1)
    given: tuple[str, ...] = Field(min_length=1)
    smallest: float = Field(gt=0, le=100)

    @field_validator("metrics", "given")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(value) - set(schema.METRICS))
        if unknown:
            raise ValueError(f"unknown metric {unknown[0]!r}; expected one of {', '.join(schema.METRICS)}")
        return value


# Where a metric that is not a plain action comes from, for claims that cannot be tested without it.
COMES_FROM = {
    "post_impressions": "the LinkedIn content analytics export (xlsx) of each seller",
    "post_engagements": "the LinkedIn content analytics export (xlsx) of each seller",
    "new_followers": "the LinkedIn content analytics export (xlsx) of each seller",
    "connections_added": "Connections.csv of each seller's LinkedIn archive",
}


def score_on_activity(case: Case, ask: ScoreOnActivity, number: float) -> Finding:
    """Points of the score per doubling of some activity at equal other counts of the same 90 days, within persons.

    Least squares with person and calendar effects, CR2; every count as log2(1 + count). Rule `presence`: range above
    0: supported (but smaller when `smallest` is ruled out); not above 0 and `smallest` ruled out, or below 0:
    contradicted; else not enough data. Without the counts that are moved or held equal: not testable, with the export
    that holds them.
    """
    if case.tables.activity.empty:
        raise NotTestable(NEEDS_ACTIVITY)
    logged = set(case.tables.activity["metric"].unique())
    metrics = [metric for metric in ask.metrics if metric in logged]
    given = [metric for metric in ask.given if metric in logged]
    for wanted, found in ((ask.metrics, metrics), (ask.given, given)):
        if not found:
            source = COMES_FROM.get(wanted[0], "a usage report or the archive of LinkedIn")
            raise NotTestable(f"no {' or '.join(wanted)} in the files: add {source}")
    # Reach and engagement are held equal one by one: a thousand views are not ten comments.
    counts = [case.window_counts(metrics), *(case.window_counts([metric]) for metric in given)]
    columns = np.log2(1 + np.column_stack(counts))
    score = case.columns["ssi"]
    used = np.isfinite(score) & np.isfinite(columns).all(axis=1)
    if not used.any():
        raise NotEnoughData(f"nobody has a score and 90 days of {', '.join((*metrics[:3], *given))} before it")
    fit = fe_ols(score[used], columns[used], case.columns.person[used], case.columns.calendar_unit(used, score))
    effect = interval(fit, 0)
    state, reason = presence(effect, ask.smallest)
    details = {"metrics": metrics, "given": given, "smallest": ask.smallest, "rows": fit.n_rows}
    return Finding(state, reason, **as_plain(effect), n_people=effect.n_clusters, details=details)


# ---- what the score is made of, and whom it orders -------------------------------------------------------


class PillarOverlap(Parameters):
    """`vif`: variance inflation that means overlap; `some`: share on one line that means some overlap."""

    vif: float = Field(gt=1)
    some: float = Field(gt=0.25, lt=1)


def pillar_overlap(case: Case, ask: PillarOverlap, number: float) -> Finding:
    """Share of the pillars' variance on one line (K8), at the level (between or within sellers) where it is larger.

    Share above the number and its range above `some`, or a variance inflation above `vif`: supported (methods.md
    section 5 decides by the estimate). Whole range below the number: supported but smaller when the share is above
    `some`, else contradicted. Not enough data in between.
    """
    case.require_scores(schema.PILLARS)
    rows = case.settled[list(schema.PILLARS)].to_numpy()
    person = case.settled["person"].to_numpy()
    levels, shares = {}, {}
    for name, measure in (("between", overlap_between), ("within", overlap_within)):
        found = measure(rows, person)
        shares[name] = first_share(rows, person, within=name == "within")
        levels[name] = {
            "spearman": found.spearman, "vif": found.vif, "eigenvalues": found.eigenvalues, "n": found.n,
            "first_share": {**as_plain(shares[name])},
        }  # fmt: skip
    _enough(shares["between"].n_clusters)
    level = max(shares, key=lambda name: shares[name].estimate)
    share, inflation = shares[level], max(max(one["vif"]) for one in levels.values())
    if inflation > ask.vif or (share.estimate > number and share.low > ask.some):
        state, reason = SUPPORTED, "The pillars lie on one line to a large part."
    elif share.high < number and share.estimate >= ask.some:
        state, reason = SMALLER, "The pillars go together, but less than one thing would."
    elif share.high < number:
        state, reason = CONTRADICTED, "The pillars go their own ways to a large part."
    else:
        state, reason = NOT_ENOUGH, "The range reaches from pillars that go their own ways to pillars that overlap."
    complete = np.isfinite(rows).all(axis=1)
    scale = scale_statistics(rows)
    factor = _factor(np.corrcoef(rows[complete], rowvar=False))
    details = {
        "pillars": schema.PILLARS, **levels, "level": level, "largest_vif": inflation, "alpha": scale.alpha_std,
        **factor, "item_rest": scale.item_rest,
    }  # fmt: skip
    return Finding(state, f"{level.capitalize()} sellers: {reason[0].lower()}{reason[1:]}", **as_plain(share),
                   n_people=share.n_clusters, details=details)  # fmt: skip


def _factor(correlations: np.ndarray) -> dict[str, Any]:
    """Omega and loadings; unknown where a pillar is another one, or the sum of others: such a matrix has no factor."""
    try:
        factor = one_factor(correlations)
    except ValueError:
        return {"omega": math.nan, "loadings": np.full(len(correlations), math.nan)}
    return {"omega": factor.omega, "loadings": factor.loadings}


def discordance(case: Case, ask: Nothing, number: float) -> Finding:
    """Share of pairs of sellers, of clear order as closers, in which the worse closer scores higher (K3).

    A pair is clear when the data give its order at least .8; so one clear pair in five may be misjudged. Share above
    .2 with its whole range: supported; below .2: contradicted; else not enough data. .5: the score does not order
    closers at all. A description, no test: nobody is named.
    """
    case.first_of(["win_rate"])
    people = case.panel.groupby("person").agg(
        score=("ssi", "mean"), won=("win_rate_num", "sum"), tries=("win_rate_den", "sum")
    )
    # Who logs wins with the day of a meeting, but few meetings, has more wins than meetings: all of these were won.
    people["won"] = people[["won", "tries"]].min(axis=1)
    found = score_discordance(*(people[name].to_numpy("float64") for name in ("score", "won", "tries")))
    border = UNSURE[0]
    if not math.isfinite(found.share):
        raise NotEnoughData("sellers' win rates differ no more than luck would make them, so no pair has a clear order")
    if not math.isfinite(found.low):
        state, reason = NOT_ENOUGH, "Too few pairs have a clear order."
    elif found.low > border:
        state, reason = SUPPORTED, "The worse closer has the higher score more often than misjudged pairs explain."
    elif found.high < border:
        state, reason = CONTRADICTED, "The score orders closers, but for what misjudged pairs explain."
    else:
        state, reason = NOT_ENOUGH, "The range includes a score that orders closers and one that does not."
    details = {
        "pairs": found.n_pairs, "clear_pairs": found.n_clear,
        "auc": {"estimate": found.auc, "low": found.auc_low, "high": found.auc_high},
    }  # fmt: skip
    return Finding(state, reason, found.share, found.low, found.high, found.n_people, details)


def better_indicator(case: Case, ask: Nothing, number: float) -> Finding:
    """Held-out skill of each indicator for deals a quarter ahead against that of the score (K9).

    Supported: the best other indicator's range lies above the score's. Contradicted: the score's lies above every
    other's. Else not enough data. Ranges that do not overlap are stricter than a test of the difference, which
    makes up for the best one having been looked for.
    """
    case.first_of(["deals"])
    if not case.watch:
        from ssi_audit.watch import rank_indicators

        case.watch = rank_indicators(case.panel, case.tables, case.settings)
    known = [one for one in case.watch if not one.left_out and math.isfinite(one.skill)]
    score = next((one for one in known if one.name == "ssi"), None)
    others = [one for one in known if one.name != "ssi"]
    if score is None:
        raise NotEnoughData("the score's skill for deals a quarter ahead cannot be computed")
    if not others:
        raise NotTestable(
            "no other indicator is in the files (inquiries, meetings, connections_added, searches, reach)"
        )
    best = max(others, key=lambda one: one.skill)
    if best.low > score.high and best.low > 0:
        state, reason = SUPPORTED, f"{best.name} says more about deals a quarter ahead than the score."
    elif all(score.low > one.high for one in others) and score.low > 0:
        state, reason = CONTRADICTED, "The score says more about deals a quarter ahead than any other indicator."
    else:
        state, reason = NOT_ENOUGH, "The ranges of the score and of the best other indicator overlap."
    shown = [{"name": one.name, "skill": one.skill, "low": one.low, "high": one.high} for one in known]
    details = {"best": best.name, "indicators": shown, "score": shown[known.index(score)]}
    return Finding(state, reason, best.skill, best.low, best.high, best.n_people, details)


KINDS = {
    "activity_explains": (Nothing, activity_explains),
    "active_against_passive": (ActiveAgainstPassive, active_against_passive),
    "score_on_activity": (ScoreOnActivity, score_on_activity),
    "pillar_overlap": (PillarOverlap, pillar_overlap),
    "discordance": (Nothing, discordance),
    "better_indicator": (Nothing, better_indicator),
}
