"""Published claims over several offices: judged on pooled numbers where they decide, counted where they do not.

A claim about effects at equal activity is judged on the pooled effects, one
whose own test looks at a single estimate (a ratio between groups, a trend, a
gap) on the pooled estimate, each by the rule of its own test. A claim whose
test looks at several things at once (a whole lag profile, an order of bands)
cannot be decided from one number; there the offices' own answers are counted.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from ssi_audit import schema, verdict
from ssi_audit.claim_rules import (
    CONTRADICTED,
    NOT_ENOUGH,
    NOT_TESTABLE,
    SUPPORTED,
    Finding,
    absence,
    absence_of_all,
    interval_of,
    presence,
    presence_of_all,
    size,
    unless_short,
)  # fmt: skip
from ssi_audit.claims import ON_SALES, Claim, load_claims
from ssi_audit.results import ActivityLink, ClaimResult, Fit
from ssi_audit.stats.clusters import Interval, t_interval

# Kinds of claim whose test applies this rule to the one estimate it reports.
BY_SIZE = ("group_ratio", "superiority")
BY_PRESENCE = ("active_against_passive", "score_on_activity")
BY_ABSENCE = ("small_gap",)
# The probability of no difference; every other scale of pooling has its 0 there.
EVEN_CHANCE = 0.5

Fits = Mapping[tuple[str, str], Fit]


def pool_claims(
    evidence: Mapping[str, Mapping[str, Any]],
    fits: Mapping[str, Fits],
    activity: ActivityLink,
    sesoi: Mapping[str, float],
    pooled: Callable[..., Any],
    unscaled: Callable[[float, str], float],
    seller_years: float,
) -> tuple[ClaimResult, ...]:
    """Judge every claim that an office has tested.

    Parameters
    ----------
    evidence : mapping
        Label of the office → content of its `evidence.json`.
    fits : mapping
        ``crude``, ``adjusted``, ``lead_placebo`` and ``negative_control`` → pair of score and result → pooled fit.
    activity : ActivityLink
        Pooled.
    sesoi : mapping
        Smallest effect of interest by outcome.
    pooled : callable
        Random effects of parts with ``estimate``, ``se``, ``df`` and ``n_people``; keeps the forest.
    unscaled : callable
        A number on the scale of pooling, and the claim's unit → the number as it is shown.
    seller_years : float
        Of all offices together: below `verdict.MIN_SELLER_YEARS` no claim about sales is settled.
    """
    register = {claim.id: claim for claim in load_claims()}
    by_id: dict[str, dict[str, dict[str, Any]]] = {}
    for label, one in evidence.items():
        for part in one.get("claims", []):
            by_id.setdefault(part["id"], {})[label] = part
    order = [name for name in register if name in by_id] + [name for name in by_id if name not in register]
    results = []
    for name in order:
        claim, parts = register.get(name), by_id[name]
        states = Counter(part["state"] for part in parts.values())
        found = _pooled_number(name, parts, pooled)
        judged = None
        if claim is not None:
            judged = _by_fits(claim, fits, activity, sesoi) or _by_number(claim, found, parts, sesoi)
        state, reason = judged or _by_count(states)
        if claim is not None and claim.kind in ON_SALES:
            short = unless_short(Finding(state, reason), seller_years)
            state, reason = short.state, short.reason
        results.append(_result(name, parts, states, found, state, reason, unscaled))
    return tuple(results)


def _pooled_number(name: str, parts: Mapping[str, Mapping[str, Any]], pooled: Callable[..., Any]) -> Any:
    """Random effects of the claim's own estimates; None when fewer than two offices have the same one."""
    known = {label: part for label, part in parts.items() if part["se"] is not None}
    # Deals here and meetings there are answers to different questions.
    if len(known) < 2 or len({part["outcome"] for part in known.values()}) > 1:
        return None
    return pooled(known, ("", name, next(iter(known.values()))["unit"]))


def _result(
    name: str,
    parts: Mapping[str, Mapping[str, Any]],
    states: Counter[str],
    found: Any,
    state: str,
    reason: str,
    unscaled: Callable[[float, str], float],
) -> ClaimResult:
    first = next(iter(parts.values()))
    ends = (math.nan,) * 3
    if found is not None:
        ends = tuple(unscaled(value, first["unit"]) for value in (found.estimate, found.low, found.high))
    return ClaimResult(
        name, state, *ends, claimed=math.nan if first["claimed"] is None else first["claimed"], reason=reason,
        unit=first["unit"], side=first["side"], n_people=sum(part["n_people"] for part in parts.values()),
        details={"states": {state: states[state] for state in schema.CLAIM_STATES if states[state]}},
    )  # fmt: skip


# ---- three ways to a state -------------------------------------------------------------------------------


def _by_fits(
    claim: Claim, fits: Mapping[str, Fits], activity: ActivityLink, sesoi: Mapping[str, float]
) -> tuple[str, str] | None:
    """Claims about the pooled effects themselves."""
    ask = claim.parameters
    match claim.kind:
        case "no_link":
            outcomes = (*ask.outcomes, *(name for name in ask.optional if name in sesoi))
            seen = _intervals(fits["adjusted"], ask.exposures, outcomes)
            if seen is None:
                return None
            pairs = [(exposure, outcome) for exposure in ask.exposures for outcome in outcomes]
            smallest = [math.log(sesoi[outcome]) for _, outcome in pairs]
            return absence_of_all(seen, smallest, ask.direction, lambda k: _doubt(fits, pairs[k]))[:2]
        case "every_exposure":
            for outcome in ask.outcomes:
                seen = _intervals(fits["crude"], ask.exposures, (outcome,))
                if seen is not None:
                    return presence_of_all(seen, [math.log(sesoi[outcome])] * len(seen))[:2]
        case "beyond_activity":
            for outcome in ask.outcomes:
                seen = _intervals(fits["adjusted"], ("total",), (outcome,))
                if seen is not None:
                    return _beyond(seen[0], math.log(sesoi[outcome]), activity, _doubt(fits, ("total", outcome)))
        case "activity_explains" if activity.status != "unknown":
            state = SUPPORTED if activity.status == "yes" else CONTRADICTED
            return state, "By the mean share of the score's movement that activity explains."
    return None


def _intervals(fits: Fits, exposures: tuple[str, ...], outcomes: tuple[str, ...]) -> list[Interval] | None:
    """Pooled effects of every pair; None when one is missing."""
    found = [fits.get((exposure, outcome)) for exposure in exposures for outcome in outcomes]
    if any(fit is None or not fit.known for fit in found):
        return None
    return [interval_of(fit) for fit in found]


def _doubt(fits: Mapping[str, Fits], pair: tuple[str, str]) -> str:
    return verdict.doubt(*(fits[name][pair] for name in ("lead_placebo", "negative_control", "adjusted")))


def _beyond(seen: Interval, smallest: float, activity: ActivityLink, doubt: str) -> tuple[str, str]:
    state, reason = absence(seen, smallest, "either")
    if state == CONTRADICTED and seen.high < 0:
        return NOT_ENOUGH, "At equal activity higher scores go with fewer results, which the claim is not about."
    if state == CONTRADICTED and doubt:
        return NOT_ENOUGH, doubt
    if state == CONTRADICTED and verdict.log_incomplete(activity):
        return NOT_ENOUGH, "The score adds something, but the activity logs are too thin to rule activity out."
    return state, f"At equal activity: {reason[0].lower()}{reason[1:]}"


def _by_number(
    claim: Claim, found: Any, parts: Mapping[str, Mapping[str, Any]], sesoi: Mapping[str, float]
) -> tuple[str, str] | None:
    """Claims whose own test applies one rule to the number it reports."""
    if found is None:
        return None
    seen = t_interval(found.estimate, found.se, found.df, found.k, "REML, Hartung-Knapp")
    if claim.kind in BY_SIZE:
        if claim.unit == "probability":
            return size(seen, claim.number, EVEN_CHANCE)
        return size(seen, math.log(claim.number))
    if claim.kind in BY_PRESENCE:
        return presence(seen, float(claim.parameters.smallest))
    if claim.kind in BY_ABSENCE:
        # An office that has no estimate may name no outcome either; those that have one agree.
        outcome = next(part["outcome"] for part in parts.values() if part["se"] is not None)
        share = claim.parameters.points / schema.EXPOSURE_UNIT["total"]
        return absence(seen, math.log(sesoi[outcome]) * share)
    return None


def _by_count(states: Counter[str]) -> tuple[str, str]:
    """The answer of most offices, if no office says the opposite."""
    text = ", ".join(f"{state.replace('_', ' ')} in {n}" for state, n in states.most_common())
    reason = f"Counted office by office: {text}."
    decided = {state: n for state, n in states.items() if state not in (NOT_ENOUGH, NOT_TESTABLE)}
    if not decided:
        return (NOT_TESTABLE if set(states) == {NOT_TESTABLE} else NOT_ENOUGH), reason
    one_way = len({state == CONTRADICTED for state in decided}) == 1
    if one_way and 2 * sum(decided.values()) > sum(states.values()):
        return max(decided, key=decided.get), reason
    return NOT_ENOUGH, reason
