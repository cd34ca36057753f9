"""Tests of claims about the kind of link: beyond activity or not, for whom, and how soon.

Each function answers one kind of claim and says in its docstring how a state
comes about. The numbers are made in `stats`, the states in `claim_rules`.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, Field, PositiveInt, model_validator

from ssi_audit import schema
from ssi_audit.claim_data import WEEKS_PER_MONTH, Amount, Case, Outcome
from ssi_audit.claim_rules import (
    ALPHA,
    CONTRADICTED,
    NOT_ENOUGH,
    SMALLER,
    SUPPORTED,
    Finding,
    NotTestable,
    Parameters,
    absence,
    absence_of_all,
    as_plain,
    as_ratio,
    enough,
    mirror,
    multiple_of,
    presence,
    rising,
)
from ssi_audit.design import Design
from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.clusters import Interval, interval
from ssi_audit.stats.inference import holm
from ssi_audit.stats.lags import RESOLUTION, LagProfile, distributed_lag, lag_profile
from ssi_audit.stats.leave_out import paired_differences, share_explained
from ssi_audit.stats.skill import held_out_skill
from ssi_audit.stats.working import ModelFit

# ---- beyond activity -------------------------------------------------------------------------------------


class BeyondActivity(Parameters):
    """`outcomes`: what stands for reaching targets."""

    outcomes: tuple[Amount, ...] = Field(min_length=1)


def beyond_activity(case: Case, ask: BeyondActivity, number: float) -> Finding:
    """What ten points add at equal activity (D), what activity explains of the plain link (K4), gain in skill.

    Supported: D is ruled out by the rule `absence` ("either"). Supported but smaller ("mostly, not only"): D is
    clear, and yet activity explains more than half of the plain link (Fieller's range above .5). Contradicted:
    D is clear, not ruled out, and positive. Where the lead placebo or the negative control fails, or the activity log
    is too thin to rule activity out (methods.md section 8), a clear D contradicts nothing. Else not enough data.
    """
    case.require_activity()
    outcome = case.first_of(ask.outcomes)
    crude_design, design = (case.design("total", outcome, adjusted) for adjusted in (False, True))
    beyond, crude = case.effect("total", outcome, True), case.effect("total", outcome, False)
    state, reason = absence(beyond, case.smallest(outcome), "either")
    share = None
    if crude.low > 0 or crude.high < 0:  # a share of nothing is no number
        share = share_explained(case.model(crude_design), case.model(design))
    if state == SUPPORTED:
        reason = f"At equal activity: {reason[0].lower()}{reason[1:]}"
        if crude.low <= 0:
            reason += " There is no clear plain link to explain either."
    elif state == CONTRADICTED and beyond.high < 0:
        state, reason = (
            NOT_ENOUGH,
            "At equal activity higher scores go with fewer results, which the claim is not about.",
        )
    elif state == CONTRADICTED and (doubt := case.doubt("total", outcome)):
        state, reason = NOT_ENOUGH, doubt
    elif state == CONTRADICTED and not case.log_is_complete:
        state, reason = NOT_ENOUGH, "The score adds something, but the activity log is too thin to rule activity out."
    elif state == CONTRADICTED and share is not None and share.low > 0.5:
        state, reason = SMALLER, "Activity explains most of the link, but the score adds something beyond it."
    elif state == CONTRADICTED:
        reason = "At equal activity higher scores still go with more results."
    gain = held_out_skill(
        design.y, design.X[:, 1:], design.X[:, 0], design.person, design.offset, design.calendar, case.settings.seed
    )
    details = {
        "outcome": outcome, "crude": as_ratio(crude), "adjusted": as_ratio(beyond),
        "share_explained": None if share is None else as_plain(share),
        "skill_gain": {"estimate": gain.skill, "low": gain.low, "high": gain.high},
    }  # fmt: skip
    return Finding(state, reason, **as_ratio(beyond), n_people=beyond.n_clusters, details=details)


class FadesWithTenure(Parameters):
    """Tenures at which the link is shown, and between which it must fall; `experienced_weeks` is the later one."""

    outcomes: tuple[Outcome, ...] = Field(min_length=1)
    beginner_weeks: float = Field(default=26, ge=0)
    experienced_weeks: float = Field(default=156, gt=0)

    @model_validator(mode="after")
    def _in_order(self) -> FadesWithTenure:
        if self.experienced_weeks <= self.beginner_weeks:
            raise ValueError("experienced_weeks must lie after beginner_weeks")
        return self


def fades_with_tenure(case: Case, ask: FadesWithTenure, number: float) -> Finding:
    """Factor by which the link of ten points changes per year of tenure (K5), at equal activity where there is any.

    Falling link by the rule `presence`: range of the factor below 1: supported; a fall that matters ruled out:
    contradicted; else not enough data. A fall matters that takes the outcome's smallest effect of interest away between
    `beginner_weeks` and `experienced_weeks`. A link that falls but is of no use to beginners either (ruled out at
    `beginner_weeks`) contradicts the claim too.
    """
    outcome = case.first_of(ask.outcomes)
    tenure = case.columns["tenure_weeks"]
    if not np.isfinite(tenure).any():
        raise NotTestable("nobody's tenure is known: fill hired_on in people.csv")
    adjusted = bool(case.facts["activity_types"])
    x = case.columns.exposure("total")

    def fit_at(weeks: float, held: bool) -> ModelFit:
        """Model whose column 0 is the link at this tenure, and column 1 its change per year."""
        return case.model(case.design("total", outcome, held, extra=x * (tenure - weeks) / 52))

    at_start = fit_at(ask.beginner_weeks, adjusted)
    change, beginner = interval(at_start, 1), interval(at_start, 0)
    experienced = interval(fit_at(ask.experienced_weeks, adjusted), 0)
    smallest = case.smallest(outcome)
    years = (ask.experienced_weeks - ask.beginner_weeks) / 52
    state, reason = presence(mirror(change), smallest / years)
    reason = {
        SUPPORTED: "The link falls with tenure.",
        SMALLER: "The link falls with tenure, by less than would matter.",
        CONTRADICTED: "The link does not fall with tenure by as much as would matter.",
        NOT_ENOUGH: reason,
    }[state]
    if state in (SUPPORTED, SMALLER) and absence(beginner, smallest)[0] == SUPPORTED:
        state, reason = CONTRADICTED, "The link falls with tenure, but there is none worth having at the start either."
    details = {
        "outcome": outcome, "adjusted": adjusted,
        "links": [
            {"tenure_weeks": ask.beginner_weeks, **as_ratio(beginner)},
            {"tenure_weeks": ask.experienced_weeks, **as_ratio(experienced)},
        ],
        "crude": as_ratio(interval(fit_at(52, False), 1) if adjusted else change),
    }  # fmt: skip
    return Finding(state, reason, **as_ratio(change), n_people=change.n_clusters, details=details)


# ---- when ------------------------------------------------------------------------------------------------


class LagPeak(Parameters):
    """`weeks`: lags between the reading and the outcome, rising."""

    outcomes: tuple[Amount, ...] = Field(min_length=1)
    weeks: Annotated[tuple[PositiveInt, ...], AfterValidator(rising)] = Field(min_length=2)


def lag_peak(case: Case, ask: LagPeak, number: float) -> Finding:
    """Crude link at each lag on one common sample, max-T over the lags, paired jackknife against the first (K6).

    Supported: the profile is clear (max-T p < .05) and some lag, more than six weeks after the first and later than
    the published number of weeks, has a larger link than the first, and a positive one. Contradicted: the profile is
    clear, the first link is positive and every such lag has a smaller one; or no lag has a link large enough to
    matter (rule `absence_of_all`). Lags within six weeks of the first cannot be told from it. Else not enough data.
    Comparisons with the first lag are Holm-adjusted.
    """
    outcome = case.first_of(ask.outcomes)
    lags, weeks = _lags(ask.weeks, case.facts["period"])
    late = [k for k in range(1, len(lags)) if weeks[k] - weeks[0] > RESOLUTION and weeks[k] > number]
    if not late:
        raise NotTestable(f"no lag lies more than {RESOLUTION} weeks after the first one and beyond {number:g} weeks")
    exposures = np.column_stack([case.score_before(lag) for lag in lags]) / schema.EXPOSURE_UNIT["total"]
    complete = np.isfinite(exposures).all(axis=1)
    if not complete.any():
        raise NotEnoughData(f"no row knows the score at all lags from {weeks[0]} to {weeks[-1]} weeks back")
    designs = [case.design("total", outcome, False, x=np.where(complete, x, np.nan)) for x in exposures.T]
    rows = designs[0]
    found = lag_profile(
        rows.y, exposures[rows.rows], tuple(lags), rows.person, offset=rows.offset, calendar=rows.calendar,
        seed=case.settings.seed,
    )  # fmt: skip
    fits = [case.model(designs[k]) for k in (0, *late)]
    against_first = paired_differences(fits[1:], fits[0])
    state, reason = _timing(found, {weeks[k]: one for k, one in zip(late, against_first, strict=True)},
                            {weeks[k]: found.effects[k] for k in late}, case.smallest(outcome))  # fmt: skip
    clear = found.p < ALPHA
    peak = weeks[max(range(len(lags)), key=lambda k: found.effects[k].estimate)]
    profile = [
        {"weeks": week, **as_ratio(effect), "p_adjusted": p}
        for week, effect, p in zip(weeks, found.effects, found.p_adjusted, strict=True)
    ]
    details = {
        "outcome": outcome, "profile": profile, "p": found.p, "clear": clear, "peak_weeks": peak,
        "against_first": [{"weeks": weeks[k], **as_ratio(one)} for k, one in zip(late, against_first, strict=True)],
        **_together(rows, exposures[rows.rows], lags, weeks),
    }  # fmt: skip
    return Finding(state, reason, peak if clear else math.nan, n_people=found.n_people, details=details)


def _together(rows: Design, exposures: np.ndarray, lags: list[int], weeks: list[int]) -> dict[str, Any]:
    """All lags in one model, for the picture: what each adds to the others, and what they add up to."""
    try:
        found = distributed_lag(
            rows.y, exposures, tuple(lags), rows.person, offset=rows.offset, calendar=rows.calendar
        )  # fmt: skip
    except NotEnoughData:
        # Readings of one quarter can be too alike to be told apart; the profile, one lag at a time, stands alone then.
        return {}
    effects = [{"weeks": week, **as_ratio(effect)} for week, effect in zip(weeks, found.effects, strict=True)]
    return {"together": effects, "together_total": as_ratio(found.total)}


def _timing(
    found: LagProfile, against_first: dict[int, Interval], late: dict[int, Interval], smallest: float
) -> tuple[str, str]:
    """State and reason; `against_first` and `late`: week → difference from the first lag, and link."""
    p = dict(zip(against_first, holm([one.p for one in against_first.values()]), strict=True))
    larger = [w for w, one in against_first.items() if one.low > 0 and p[w] < ALPHA and late[w].estimate > 0]
    smaller = [w for w, one in against_first.items() if one.high < 0 and p[w] < ALPHA]
    clear, first = found.p < ALPHA, found.effects[0]
    if clear and larger:
        best = max(larger, key=lambda w: late[w].estimate)
        return SUPPORTED, f"The link {best} weeks later is larger than the one at once."
    if clear and len(smaller) == len(late) and first.estimate > 0:
        return CONTRADICTED, "The link is largest at once and smaller at every later lag."
    if absence_of_all(found.effects, [smallest] * len(found.effects))[0] == SUPPORTED:
        return CONTRADICTED, "At no lag is there a link large enough to matter."
    multiple = max(multiple_of(one, smallest) for one in against_first.values())
    what = "A link is clear, but not whether a later one is larger" if clear else "No lag has a clear link"
    return NOT_ENOUGH, f"{what}. {enough(multiple)}"


def _lags(weeks: tuple[int, ...], period: str) -> tuple[list[int], list[int]]:
    """Lags in periods, and in weeks; months that fall together count once."""
    if period == "week":
        return list(weeks), list(weeks)
    months = sorted({max(1, round(week / WEEKS_PER_MONTH)) for week in weeks})
    return months, [round(month * WEEKS_PER_MONTH) for month in months]


KINDS = {
    "beyond_activity": (BeyondActivity, beyond_activity),
    "fades_with_tenure": (FadesWithTenure, fades_with_tenure),
    "lag_peak": (LagPeak, lag_peak),
}
