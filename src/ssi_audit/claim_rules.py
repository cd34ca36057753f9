"""From an estimate with its range to one of the five states of a claim.

Three rules serve all claims, and each can end in favour and against:
`size` (a number was published), `presence` (there is a link worth having) and
`absence` (there is none). They are mirror images of each other: what supports
one contradicts the other. A wide range is "not enough data", never "no".
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ssi_audit import schema, verdict
from ssi_audit.results import ClaimResult, Fit
from ssi_audit.stats.clusters import Interval, t_interval
from ssi_audit.stats.inference import equivalence, holm, minimum_detectable_ratio, needed_multiple

SUPPORTED, SMALLER, CONTRADICTED, NOT_ENOUGH, NOT_TESTABLE = schema.CLAIM_STATES

ALPHA = 0.05
NORMAL_95 = 1.959964  # half width of a normal 95 % range in standard errors

FEW_CARRY = "So few sellers carry the estimate that its range cannot be trusted. More sellers are needed."
BORDER = "These data could have told; the estimate lies near the border."
# What `enough` says otherwise, after the number.
_TELL = "times as many seller-weeks would be enough to tell."
_TIMES = re.compile(rf"About (\d+(?:\.\d+)?) {re.escape(_TELL)}")


class Parameters(BaseModel):
    """Base of what a kind needs to know; a name that is not listed is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def rising(values: tuple[float, ...]) -> tuple[float, ...]:
    """Check that numbers of a claim are in order, each above the one before."""
    if any(later <= earlier for earlier, later in itertools.pairwise(values)):
        raise ValueError("each should be above the one before")
    return values


class HighLow(Parameters):
    """`high`, `low`: points above which a score is high and below which it is low."""

    high: float = Field(ge=0, le=100)
    low: float = Field(ge=0, le=100)

    @model_validator(mode="after")
    def _apart(self) -> HighLow:
        if self.high <= self.low:
            raise ValueError("high must lie above low")
        return self


class NotTestable(Exception):
    """The files lack what a claim is about; the message names it."""


@dataclass(frozen=True)
class Finding:
    """What a test found, before it gets the claim's name.

    Attributes
    ----------
    state : str
        One of `schema.CLAIM_STATES`.
    reason : str
        Why, in one or two sentences.
    estimate, low, high : float
        On the claim's own scale; the number that decided.
    n_people : int
    details : dict
        What tables and charts need besides.
    """

    state: str
    reason: str
    estimate: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n_people: int = 0
    details: dict[str, Any] = field(default_factory=dict)


def result_of(
    claim_id: str, side: str, unit: str, claimed: float, beside: Sequence[str], found: Finding
) -> ClaimResult:
    """Give a finding the claim's name; `details` become plain JSON values."""
    details = dict(found.details)
    if beside:
        details["beside"] = list(beside)
    return ClaimResult(
        id=claim_id, state=found.state, estimate=float(found.estimate), low=float(found.low), high=float(found.high),
        claimed=float(claimed), reason=found.reason, unit=unit, side=side, n_people=int(found.n_people),
        details=plain(details),
    )  # fmt: skip


def plain(value: Any) -> Any:
    """Numpy values and tuples as JSON knows them; a number that is not one becomes None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def unless_short(found: Finding, seller_years: float) -> Finding:
    """Leave a claim about sales open below `verdict.MIN_SELLER_YEARS`, as the verdict does; numbers stay.

    A claim that is open anyway promises no answer before those seller-years either.
    """
    if found.state == NOT_TESTABLE or seller_years >= verdict.MIN_SELLER_YEARS:
        return found
    short = f"Below {verdict.MIN_SELLER_YEARS:.0f} seller-years this settles nothing yet."
    if found.state == NOT_ENOUGH:
        reason = _not_before(found.reason, short, seller_years)
    else:
        reason = f"{found.reason} {short} {enough(verdict.times_short(seller_years))}"
    details = dict(found.details)
    if "readings" in details:  # the other reading of a number is as short
        details["readings"] = {name: {**one, "state": NOT_ENOUGH} for name, one in details["readings"].items()}
    return dataclasses.replace(found, state=NOT_ENOUGH, reason=reason, details=details)


def _not_before(reason: str, short: str, seller_years: float) -> str:
    """The reason of an open claim, in which fewer data than a verdict takes are said to be enough by nobody."""

    def at_least(said: re.Match[str]) -> str:
        least = verdict.times_short(seller_years)
        return said[0] if float(said[1]) >= least else enough(least)

    if BORDER in reason:
        return reason.replace(BORDER, f"{short} {enough(verdict.times_short(seller_years))}")
    return _TIMES.sub(at_least, reason)


# ---- the three rules -------------------------------------------------------------------------------------


def size(found: Interval, claimed: float, null: float = 0.0) -> tuple[str, str]:
    """Judge a published size; all numbers on one scale (ratios: logarithms), `claimed` above `null`.

    Returns
    -------
    state, reason : str
        Whole 95 % range above the null and not below the claim: supported (also when it exceeds the claim).
        Above the null, whole below the claim: supported, but smaller. Whole below the claim, reaching the null or
        below it: contradicted. Anything else, or fewer than four degrees of freedom: not enough data.
    """
    if found.df < verdict.MIN_DF:
        return NOT_ENOUGH, FEW_CARRY
    if found.low > null:
        if found.high < claimed:
            return SMALLER, "There is a difference, and its whole range lies below the published size."
        if found.low > claimed:
            return SUPPORTED, "The whole range lies above the published size."
        return SUPPORTED, "The range is clear of no difference and includes the published size."
    if found.high < null:
        return CONTRADICTED, "The whole range lies below no difference: it goes the other way."
    if found.high < claimed:
        return CONTRADICTED, "The whole range lies below the published size and is not clear of no difference."
    multiple = (math.log(minimum_detectable_ratio(found.se, found.df)) / (claimed - null)) ** 2
    return NOT_ENOUGH, f"The range includes both no difference and the published size. {enough(multiple)}"


def presence(found: Interval, smallest: float) -> tuple[str, str]:
    """Judge "there is a positive link"; 0 is none, `smallest` the smallest that matters.

    Returns
    -------
    state, reason : str
        95 % range above 0: supported; but smaller when the 90 % range lies inside (-`smallest`, `smallest`) (two
        one-sided tests). Not above 0 and inside that band, or 95 % range below 0: contradicted. Else, or with fewer
        than four degrees of freedom: not enough data.
    """
    if found.df < verdict.MIN_DF:
        return NOT_ENOUGH, FEW_CARRY
    if found.low > 0:
        if _inside(found, smallest):
            return SMALLER, "There is a link, and it is too small to matter."
        return SUPPORTED, "The range is clear of no link."
    if found.high < 0:
        return CONTRADICTED, "The link goes the other way."
    if _inside(found, smallest):
        return CONTRADICTED, "There is no link large enough to matter."
    return NOT_ENOUGH, f"The range includes both no link and one that matters. {enough(multiple_of(found, smallest))}"


def absence(found: Interval, smallest: float, direction: str = "more") -> tuple[str, str]:
    """Judge "there is no link"; the mirror of `presence`, with "too small to matter" counting as none.

    Parameters
    ----------
    found : Interval
    smallest : float
        Smallest link that matters, above 0.
    direction : {"more", "either"}
        Only a positive link refutes the claim, or one of either sign.

    Returns
    -------
    state, reason : str
        90 % range inside (-`smallest`, `smallest`): supported, whatever its p (direction "more": also a 95 % range
        below 0). Else clear of 0: contradicted. Else, or with fewer than four degrees of freedom: not enough data.
    """
    if found.df < verdict.MIN_DF:
        return NOT_ENOUGH, FEW_CARRY
    if _inside(found, smallest):
        return SUPPORTED, "A link large enough to matter is ruled out."
    if found.high < 0 and direction == "more":
        return SUPPORTED, "The link goes the other way."
    if found.low > 0:
        return CONTRADICTED, "There is a link, and it is not ruled out that it matters."
    if found.high < 0:
        return CONTRADICTED, "There is a link, in the other direction, and it is not ruled out that it matters."
    return NOT_ENOUGH, f"The range includes both no link and one that matters. {enough(multiple_of(found, smallest))}"


def presence_of_all(found: Sequence[Interval], smallest: Sequence[float]) -> tuple[str, str, int]:
    """Judge "each of these has a positive link".

    Returns
    -------
    state, reason : str
        Every one supported by `presence`: supported (an intersection of tests needs no correction); but smaller when
        one of them is. One of them contradicted, Holm-adjusted over all: contradicted. Else not enough data.
    decisive : int
        Position of the one that decided.
    """
    states = [presence(r, s)[0] for r, s in zip(found, smallest, strict=True)]
    strength = [r.estimate / s for r, s in zip(found, smallest, strict=True)]
    weakest = int(np.argmin(strength))
    small = [k for k, state in enumerate(states) if state == SMALLER]
    if all(state in (SUPPORTED, SMALLER) for state in states):
        if small:
            return SMALLER, "Each has a link, but not each one large enough to matter.", small[0]
        return SUPPORTED, "Each one's range is clear of no link.", weakest
    p = holm([_p_against(r, s) for r, s in zip(found, smallest, strict=True)])
    refuted = [k for k, state in enumerate(states) if state == CONTRADICTED and p[k] < ALPHA]
    if refuted:
        return CONTRADICTED, "At least one has no link large enough to matter.", min(refuted, key=lambda k: strength[k])
    return NOT_ENOUGH, *_undecided(found, smallest, [k for k, s in enumerate(states) if s not in (SUPPORTED, SMALLER)])


def absence_of_all(
    found: Sequence[Interval],
    smallest: Sequence[float],
    direction: str = "more",
    doubt: Callable[[int], str] = lambda k: "",
) -> tuple[str, str, int]:
    """Judge "none of these has a link"; the mirror of `presence_of_all`.

    Parameters
    ----------
    found, smallest, direction
        As in `absence`, one each.
    doubt : callable
        Position of a clear positive link → why it refutes nothing, or an empty text.

    Returns
    -------
    state, reason : str
        Every one supported by `absence`: supported. One of them contradicted, Holm-adjusted over all, and beyond
        doubt: contradicted. Else not enough data.
    decisive : int
        Position of the one that decided.
    """
    states = [absence(r, s, direction)[0] for r, s in zip(found, smallest, strict=True)]
    strength = [(r.estimate if direction == "more" else abs(r.estimate)) / s for r, s in zip(found, smallest)]
    if all(state == SUPPORTED for state in states):
        return SUPPORTED, "For each one a link large enough to matter is ruled out.", int(np.argmax(strength))
    p = holm([r.p for r in found])
    clear = [k for k, state in enumerate(states) if state == CONTRADICTED and p[k] < ALPHA]
    doubts = {k: doubt(k) if found[k].low > 0 else "" for k in clear}
    firm = [k for k in clear if not doubts[k]]
    if firm:
        return CONTRADICTED, "At least one has a clear link.", max(firm, key=lambda k: strength[k])
    if clear:
        strongest = max(clear, key=lambda k: strength[k])
        return NOT_ENOUGH, doubts[strongest], strongest
    return NOT_ENOUGH, *_undecided(found, smallest, [k for k, state in enumerate(states) if state != SUPPORTED])


def _inside(found: Interval, smallest: float) -> bool:
    """Are both one-sided tests passed: does the 90 % range lie inside the band?"""
    return -smallest < found.low90 and found.high90 < smallest


def _p_against(found: Interval, smallest: float) -> float:
    """Two-sided or equivalence p of what contradicts a positive link: equivalence with none, or a negative one."""
    nil = equivalence(found.estimate, found.se, found.df, -smallest, smallest).p
    return min(nil, found.p) if found.estimate < 0 else nil


def _undecided(found: Sequence[Interval], smallest: Sequence[float], unsure: Sequence[int]) -> tuple[str, int]:
    """Reason and position of the one that needs the most data."""
    decisive = max(unsure, key=lambda k: multiple_of(found[k], smallest[k]))
    multiple = multiple_of(found[decisive], smallest[decisive])
    return f"Not every link is clear, and none is ruled out that would settle it. {enough(multiple)}", decisive


def multiple_of(found: Interval, smallest: float) -> float:
    """How many times the data would rule out a link of `smallest`."""
    return needed_multiple(found.se, math.exp(smallest), found.df)


def enough(multiple: float) -> str:
    """What would be enough, as seller-weeks: more sellers, more weeks, or offices pooled."""
    if not math.isfinite(multiple):
        return "More sellers are needed."
    if multiple <= 1:
        return BORDER
    times = f"{multiple:.1f}" if multiple < 10 else f"{multiple:.0f}"
    return f"About {times} {_TELL}"


# ---- scales ----------------------------------------------------------------------------------------------


def interval_of(fit: Fit) -> Interval:
    """A rate ratio back on the log scale, where the rules work."""
    return t_interval(math.log(fit.rr), fit.se_log, fit.df, fit.n_people, "CR2")


def range_of(estimate: float, low: float, high: float, n_people: int, method: str, null: float = 0.0) -> Interval:
    """Wrap a 95 % range that does not come from a t distribution; the 90 % range as if it were normal."""
    return dataclasses.replace(
        t_interval(estimate, (high - low) / (2 * NORMAL_95), math.inf, n_people, method, null), low=low, high=high
    )


def mirror(one: Interval) -> Interval:
    """The same range with the sign turned."""
    return dataclasses.replace(
        one, estimate=-one.estimate, t=-one.t, low=-one.high, high=-one.low, low90=-one.high90, high90=-one.low90
    )


def as_ratio(found: Interval, factor: float = 1.0) -> dict[str, float]:
    """A log ratio and its 95 % range as ratios, for `factor` units."""
    return {name: math.exp(factor * getattr(found, name)) for name in ("estimate", "low", "high")}


def as_plain(found: Interval) -> dict[str, float]:
    """An estimate and its 95 % range as they are."""
    return {name: getattr(found, name) for name in ("estimate", "low", "high")}
