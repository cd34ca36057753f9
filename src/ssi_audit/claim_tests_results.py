"""Tests of claims about links with results within sellers: how much, of which pillar, where in the funnel.

Each function answers one kind of claim and says in its docstring how a state
comes about. The numbers are made in `stats`, the states in `claim_rules`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field

from ssi_audit import schema
from ssi_audit.claim_data import Amount, Case, Exposure, Outcome, Stage, words
from ssi_audit.claim_rules import (
    ALPHA,
    CONTRADICTED,
    NOT_ENOUGH,
    SMALLER,
    SUPPORTED,
    Finding,
    NotTestable,
    Parameters,
    absence_of_all,
    as_ratio,
    enough,
    mirror,
    multiple_of,
    presence,
    presence_of_all,
    rising,
)
from ssi_audit.design import design as build_design
from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.clusters import Interval
from ssi_audit.stats.dose import DoseResponse, dose_response
from ssi_audit.stats.inference import holm, minimum_detectable_ratio
from ssi_audit.stats.leave_out import paired_differences

# A band of fewer sellers says more about them than about the band.
MIN_PER_BAND = 6


# ---- how much more with more points ----------------------------------------------------------------------


class DoseAsked(Parameters):
    """`edges`: limits of the bands of the score, in points; thin bands join their neighbours."""

    outcomes: tuple[Amount, ...] = Field(min_length=1)
    edges: Annotated[tuple[float, ...], AfterValidator(rising)] = Field(min_length=4)


def dose_response_of(case: Case, ask: DoseAsked, number: float) -> Finding:
    """Trend over the score within persons, in both halves of the scores, and whether bands ever turn (isotonic check).

    Trend by the rule `presence` (smallest effect of interest of the outcome). "Step by step" is more than a trend: one
    that is there counts only where the slopes below and above the median score are each above 0. A half whose slope is
    shown to be too small to matter (Holm-adjusted over both) contradicts. So do bands that depart from every rising
    order by more than luck (p < .05), whatever the trend.
    """
    outcome = case.first_of(ask.outcomes)
    design = build_design(case.settled, "total", outcome, False)
    score = design.X[:, 0] * schema.EXPOSURE_UNIT["total"]
    found = dose_response(
        design.y, score, design.person, _peopled(ask.edges, score, design.person),
        offset=design.offset, calendar=design.calendar, seed=case.settings.seed,
    )  # fmt: skip
    smallest = case.smallest(outcome)
    state, reason = presence(found.trend, smallest)
    if state in (SUPPORTED, SMALLER):
        state, reason = _in_both_halves(found, smallest, state, reason)
    turns = found.p_departure < ALPHA
    if turns and state != CONTRADICTED:
        state, reason = CONTRADICTED, "The bands of the score do not rise step by step: the order turns."
    bands = [
        {
            "from": found.edges[k], "to": found.edges[k + 1], "people": found.people[k], "rows": found.rows[k],
            "mean_score": found.mean_score[k], "monotone": math.exp(found.monotone[k]),
            **({"estimate": 1.0, "low": 1.0, "high": 1.0} if effect is None else as_ratio(effect)),
        }
        for k, effect in enumerate(found.effects)
    ]  # fmt: skip
    details = {
        "outcome": outcome, "bands": bands, "p_departure": found.p_departure, "turns": turns, "knot": found.knot,
        "below": as_ratio(found.halves[0]), "above": as_ratio(found.halves[1]),
    }  # fmt: skip
    return Finding(state, reason, **as_ratio(found.trend), n_people=found.n_people, details=details)


def _in_both_halves(found: DoseResponse, smallest: float, state: str, reason: str) -> tuple[str, str]:
    """State and reason of a trend that is there, once each half of the scores has been asked."""
    of_halves, _, k = presence_of_all(found.halves, [smallest] * 2)
    if of_halves == CONTRADICTED:
        side = ("Below", "Above")[k]
        return CONTRADICTED, f"{side} {found.knot:.0f} points there is no link large enough to matter."
    if of_halves == NOT_ENOUGH:
        weaker = min(found.halves, key=lambda half: half.low)
        # Enough to see the slope of the whole in this half, too.
        multiple = (math.log(minimum_detectable_ratio(weaker.se, weaker.df)) / found.trend.estimate) ** 2
        return NOT_ENOUGH, (
            f"There is a trend, but not clearly on both sides of {found.knot:.0f} points. {enough(multiple)}"
        )
    return state, reason


def _peopled(edges: Sequence[float], score: np.ndarray, person: np.ndarray) -> list[float]:
    """Edges of bands that each hold enough sellers to be the one that others are compared with."""
    kept = list(edges)
    while len(kept) > 2:
        band = np.clip(np.searchsorted(kept, score, side="right") - 1, 0, len(kept) - 2)
        people = [len(np.unique(person[band == k])) for k in range(len(kept) - 1)]
        thin = next((k for k, n in enumerate(people) if n < MIN_PER_BAND), None)
        if thin is None:
            break
        del kept[thin + 1 if thin < len(people) / 2 else thin]  # towards the middle, where the sellers are
    if len(kept) < 4:
        raise NotEnoughData(
            f"only {len(kept) - 1} bands of the score hold at least {MIN_PER_BAND} sellers; to see steps takes three"
        )
    return kept


class EveryExposure(Parameters):
    """`exposures`: the scores that must each have a link."""

    outcomes: tuple[Outcome, ...] = Field(min_length=1)
    exposures: tuple[Exposure, ...] = Field(min_length=1)


def every_exposure(case: Case, ask: EveryExposure, number: float) -> Finding:
    """Crude link within persons of each score with one outcome (C); rule `presence_of_all`.

    All ranges above 1: supported (but smaller when one is too small to matter); one that is shown to be too small,
    Holm-adjusted: contradicted; else not enough data.
    """
    outcome = case.first_of(ask.outcomes)
    case.require_scores(ask.exposures)
    found = [case.effect(exposure, outcome, False) for exposure in ask.exposures]
    state, reason, k = presence_of_all(found, [case.smallest(outcome)] * len(found))
    shown = [{"exposure": name, **as_ratio(one)} for name, one in zip(ask.exposures, found, strict=True)]
    details = {"outcome": outcome, "exposures": shown, "decided_by": ask.exposures[k]}
    return Finding(
        state, f"{ask.exposures[k]} decides. {reason}", **as_ratio(found[k]), n_people=found[k].n_clusters,
        details=details,
    )  # fmt: skip


# ---- where in the funnel ---------------------------------------------------------------------------------


class EarlyStage(Parameters):
    """`early`: the first stage; `later`: conversions that come after it."""

    early: Amount
    later: tuple[Stage, ...] = Field(min_length=1)


def early_stage(case: Case, ask: EarlyStage, number: float) -> Finding:
    """Crude link with the early stage, and the same minus the link with each later conversion (paired jackknife).

    Supported: the early link is above 1 and every difference is above 0 (but smaller when the early link is too
    small to matter). Contradicted: the early link is ruled out (rule `presence`), or a later stage has the larger
    link, Holm-adjusted. Else not enough data. The estimate is the smallest of the ratios of links.
    """
    stages = (ask.early, *ask.later)
    for stage in stages:
        case.first_of([stage])
    early = case.effect("total", ask.early, False)
    first, *later = (case.model(case.design("total", stage, False)) for stage in stages)
    lead = [mirror(one) for one in paired_differences(later, first)]
    state, reason = presence(early, case.smallest(ask.early))
    least = min(range(len(lead)), key=lambda k: lead[k].estimate)
    behind = [
        k for k, p in enumerate(holm([one.p for one in lead])) if lead[k].high < 0 and p < ALPHA
    ]  # fmt: skip
    if state == CONTRADICTED:
        reason = f"With {words(ask.early)} themselves: {reason[0].lower()}{reason[1:]}"
    elif behind:
        least = min(behind, key=lambda k: lead[k].high)
        state, reason = CONTRADICTED, f"The link with {words(ask.later[least])} is the larger one."
    elif state in (SUPPORTED, SMALLER) and not all(one.low > 0 for one in lead):
        state = NOT_ENOUGH
        reason = (
            f"There is a link with {words(ask.early)}; whether it is larger than the one with "
            f"{words(ask.later[least])} cannot be told. {enough(multiple_of(lead[least], case.smallest(ask.early)))}"
        )
    details = {"funnel": funnel(case), "decided_by": ask.later[least], "early": as_ratio(early)}
    return Finding(state, reason, **as_ratio(lead[least]), n_people=early.n_clusters, details=details)


def funnel(case: Case) -> list[dict]:
    """Link of ten points with each stage, plain and at equal activity: where the link ends."""
    stages = []
    for stage in ("inquiries", "meeting_rate", "win_rate", "revenue_per_deal"):
        if case.missing(stage):
            continue
        row: dict = {"stage": stage}
        for name, adjusted in (("crude", False), ("adjusted", True)):
            if adjusted and not case.facts["activity_types"]:
                continue
            found = case.try_effect("total", stage, adjusted)
            row[name] = _stage(found) if found else None
        stages.append(row)
    return stages


def _stage(found: Interval) -> dict[str, float]:
    """A link with its 95 % and its 90 % range as ratios, and the people behind it."""
    ends = {name: math.exp(getattr(found, name)) for name in ("low90", "high90")}
    return {**as_ratio(found), **ends, "n_people": found.n_clusters}


class NoLink(Parameters):
    """`optional`: outcomes that count where the files hold them; `direction`: which links refute the claim."""

    exposures: tuple[Exposure, ...] = Field(min_length=1)
    outcomes: tuple[Stage, ...] = Field(min_length=1)
    optional: tuple[Stage, ...] = ()
    direction: Literal["more", "either"] = "either"


def no_link(case: Case, ask: NoLink, number: float) -> Finding:
    """Effects at equal activity within persons (D) of every score on every outcome; rule `absence_of_all` (K2).

    Supported: every one is ruled out, each by its own 90 % range inside the smallest effect of interest (an
    intersection of tests needs no correction). Contradicted: one is clear, Holm-adjusted over all, and not ruled out;
    a positive one only where the lead placebo and the negative control hold, as in the verdict (section 8).
    An outcome that the files lack keeps the claim from being supported, and is named.
    """
    case.require_activity()
    case.require_scores(ask.exposures)
    lacking = [outcome for outcome in ask.outcomes if case.missing(outcome)]
    outcomes = [outcome for outcome in (*ask.outcomes, *ask.optional) if not case.missing(outcome)]
    found, unsure = {}, ""
    for exposure in ask.exposures:
        for outcome in outcomes:
            try:
                found[exposure, outcome] = case.effect(exposure, outcome, True)
            except NotEnoughData as error:
                unsure = unsure or f"{words(outcome)}: {error}"
    if not found:
        if lacking:
            raise NotTestable(case.missing(lacking[0]))
        raise NotEnoughData(unsure)
    pairs = list(found)
    smallest = [case.smallest(outcome) for _, outcome in pairs]
    state, reason, k = absence_of_all(
        [found[pair] for pair in pairs], smallest, ask.direction, lambda k: case.doubt(*pairs[k])
    )
    if state != CONTRADICTED and lacking:
        raise NotTestable(case.missing(lacking[0]))
    if state != CONTRADICTED and unsure:
        raise NotEnoughData(unsure)
    exposure, outcome = pairs[k]
    decided = f"{'the score' if exposure == 'total' else exposure} and {words(outcome)}"
    shown = [
        {"exposure": pair[0], "outcome": pair[1], **as_ratio(found[pair]), "smallest": math.exp(s)}
        for pair, s in zip(pairs, smallest, strict=True)
    ]
    details = {"pairs": shown, "decided_by": {"exposure": exposure, "outcome": outcome}}
    return Finding(
        state, f"{reason} The pair that decides: {decided}.", **as_ratio(found[pairs[k]]),
        n_people=found[pairs[k]].n_clusters, details=details,
    )  # fmt: skip


KINDS = {
    "dose_response": (DoseAsked, dose_response_of),
    "every_exposure": (EveryExposure, every_exposure),
    "early_stage": (EarlyStage, early_stage),
    "no_link": (NoLink, no_link),
}
