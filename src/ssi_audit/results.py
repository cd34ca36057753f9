"""What the analysis found, as frozen dataclasses: one per question.

A page, a chart, a table, the terminal and `answer.json` all read these
objects; nothing downstream computes a statistic. `Audit.to_dict` is the
contract of design.md section 5.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import typing
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Fit:
    """A rate ratio with its uncertainty, or the reason why there is none.

    Attributes
    ----------
    rr : float
        Rate ratio per +10 points of the total, per +2.5 points of a pillar.
    low, high, low90, high90 : float
        95 % and 90 % interval (CR2 with Satterthwaite degrees of freedom).
    p, p_holm, p_bh, p_wild : float
        Of rr = 1: CR2 t test; the same, Holm-adjusted in its family, or by Benjamini-Hochberg when the pair is
        exploratory (one of the two is set); score wild bootstrap.
    df : float
        Satterthwaite degrees of freedom.
    se_log : float
        Standard error of log(rr).
    n_people, n_rows, n_events : float
        Persons and rows that inform the estimate; sum of the outcome over them.
    mdrr : float
        Smallest ratio above 1 that these data would find with 80 % power.
    needed_multiple : float
        This many times the data would settle "too small to matter".
    mean : float
        Outcome per person and 13 weeks (a rate: mean conversion), to turn rr into sales units.
    why : str
        Reason when there is no estimate; empty otherwise.
    """

    rr: float = math.nan
    low: float = math.nan
    high: float = math.nan
    low90: float = math.nan
    high90: float = math.nan
    p: float = math.nan
    p_holm: float = math.nan
    p_bh: float = math.nan
    p_wild: float = math.nan
    df: float = math.nan
    se_log: float = math.nan
    n_people: int = 0
    n_rows: int = 0
    n_events: float = 0.0
    mdrr: float = math.nan
    needed_multiple: float = math.nan
    mean: float = math.nan
    why: str = ""

    @property
    def known(self) -> bool:
        """True when there is an estimate."""
        return not self.why and math.isfinite(self.rr)


@dataclass(frozen=True)
class Correlation:
    """A link on the scale from -1 to 1 with its 95 % interval, or the reason why there is none."""

    r: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    n_people: int = 0
    n_rows: int = 0
    method: str = ""
    why: str = ""

    @property
    def known(self) -> bool:
        """True when there is an estimate."""
        return not self.why and math.isfinite(self.r)


@dataclass(frozen=True)
class Cell:
    """Everything about one exposure and one outcome.

    Attributes
    ----------
    crude, adjusted, between, lead_placebo, negative_control : Fit
        Estimands C, D and B of methods.md section 2; D's coefficient of the reading 13 weeks ahead;
        D on inquiries that did not come from LinkedIn.
    spearman_between, rmcorr : Correlation
        Across persons; within persons, per panel period.
    link : Correlation
        Within persons, on calendar quarters: the number of the first screen.
    verdict : str
        One of `schema.VERDICTS`.
    flags : tuple of str
        ``negative``, ``lead_placebo``, ``negative_control``, ``activity_log_incomplete``, ``score_break``.
    reason : str
        The step of the rule that decided, in words.
    strict, loose : str
        The verdict for a smallest effect of 1.05 and of 1.20.
    """

    exposure: str
    outcome: str
    verdict: str
    flags: tuple[str, ...]
    reason: str
    crude: Fit
    adjusted: Fit
    between: Fit
    lead_placebo: Fit
    negative_control: Fit
    spearman_between: Correlation
    rmcorr: Correlation
    link: Correlation
    strict: str = ""
    loose: str = ""


@dataclass(frozen=True)
class ActivityLink:
    """K1: does logged activity explain the score?

    Attributes
    ----------
    status : {"yes", "no", "unknown"}
    r2 : float
        Leave-one-person-out within R2 of the score on log activity and calendar.
    links : dict of str to Correlation
        Exposure → within-person quarterly link with logged activity.
    types : tuple of str
        Types of activity that were logged (`schema.ACTIVITY_TYPES`).
    pillars_without : tuple of str
        Pillars for which no activity is logged.
    """

    status: str
    r2: float
    links: dict[str, Correlation]
    types: tuple[str, ...]
    pillars_without: tuple[str, ...]
    n_people: int = 0
    n_rows: int = 0
    why: str = ""


@dataclass(frozen=True)
class ClaimResult:
    """One published claim on these data.

    Attributes
    ----------
    state : str
        One of `schema.CLAIM_STATES`.
    estimate, low, high, claimed : float
        On the claim's own scale (`unit`).
    reason : str
        Why this state; names the missing column or what would be enough.
    """

    id: str
    state: str
    estimate: float = math.nan
    low: float = math.nan
    high: float = math.nan
    claimed: float = math.nan
    reason: str = ""
    unit: str = ""
    side: str = ""
    n_people: int = 0
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Indicator:
    """What to watch instead: one candidate's out-of-sample skill for deals a quarter ahead."""

    name: str
    skill: float
    low: float
    high: float
    n_people: int
    left_out: str = ""


@dataclass(frozen=True)
class TrustCheck:
    """One line of "Can we trust this?".

    Attributes
    ----------
    state : {"pass", "care", "fail"}
    facts : dict
        Numbers that the words need.
    """

    id: str
    state: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Overall:
    """The three verdicts that are always shown together."""

    verdict: str
    volume: str
    effectiveness: str
    tracks_activity: str
    r2_activity: float
    flags: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    sentence: str = ""


@dataclass(frozen=True)
class Audit:
    """All results of one run: what `answer.json` holds.

    Attributes
    ----------
    data : dict
        Counts and coverage (design.md section 5).
    cells : tuple of Cell
        Every exposure by every outcome that could be tried.
    specification : dict
        The specification curve (methods.md; issue "all the evidence"); empty when not run.
    """

    data: dict[str, Any]
    overall: Overall
    activity: ActivityLink
    cells: tuple[Cell, ...]
    claims: tuple[ClaimResult, ...] = ()
    watch: tuple[Indicator, ...] = ()
    trust: tuple[TrustCheck, ...] = ()
    specification: dict[str, Any] = field(default_factory=dict)
    settings_fingerprint: str = ""
    version: str = ""

    def cell(self, exposure: str, outcome: str) -> Cell:
        """Return the cell of an exposure and an outcome.

        Raises
        ------
        KeyError
            If the pair was not tried.
        """
        for cell in self.cells:
            if (cell.exposure, cell.outcome) == (exposure, outcome):
                return cell
        raise KeyError(f"no cell for {exposure} and {outcome}")

    def to_dict(self) -> dict[str, Any]:
        """`answer.json`, with NaN as None."""
        return _plain({"schema": 1, **{item.name: getattr(self, item.name) for item in dataclasses.fields(self)}})


def _plain(value: Any) -> Any:
    """Dataclasses and tuples to what JSON knows; a number that is not one to None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {item.name: _plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
        if fields.get("why") == "":  # the contract has "why" only where there is no estimate
            del fields["why"]
        return fields
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, str):  # numpy scalar
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def audit_from_dict(values: dict[str, Any]) -> Audit:
    """Read back what `Audit.to_dict` wrote: None becomes NaN where a number belongs, lists become tuples."""
    return _build(Audit, values)


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _build(kind: Any, value: Any) -> Any:
    """Shape plain JSON values as a dataclass field of type `kind` wants them."""
    if dataclasses.is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: _build(hints[name], value[name]) for name in hints if name in value})
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        return tuple(_build(inner[0], item) for item in value)
    if origin is dict:
        return {name: _build(inner[1], item) for name, item in value.items()}
    if kind is float:
        return math.nan if value is None else float(value)
    return value
