"""Evidence to verdict, by the printed rule and nothing else: methods.md section 8, and the least that settles anything.

Every function here is a table lookup over results; no number is computed. The
rule is symmetric: it says yes, no or can't tell, whatever anybody expects.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ssi_audit import schema
from ssi_audit.results import ActivityLink, Cell, Fit, Overall

MIN_PEOPLE = 8
MIN_DF = 4.0
# So much of the panel has to be there before anything is settled about sales: fifteen sellers for one year, eight for
# two. Below it only links larger than the true one come out clear (by a third to a half with 12 sellers and a year),
# and the lead placebo sees half of the teams in which success comes first: docs/simulations.md.
MIN_SELLER_YEARS = 15.0
PERIODS_PER_YEAR = {"week": 52, "month": 12}
# A crude link inside this band is nil whatever its p (methods.md section 8).
CRUDE_NIL = 1.02
# Below this leave-one-person-out R2 the activity log explains too little of the score to rule activity out.
MIN_R2_ACTIVITY = 0.50
# K1 (methods.md section 5).
TRACKS_ACTIVITY = 0.25
NO_ACTIVITY = 0.05
PLACEBO_ALPHA = 0.05
# The negative control fails when its effect is at least this share of the effect under test.
CONTROL_SHARE = 0.5
STRICT_SESOI = 1.05
LOOSE_SESOI = 1.20

POS, NEG, NIL, UNKNOWN = "pos", "neg", "nil", "unknown"


@dataclass(frozen=True)
class Evidence:
    """What the rule looks at for one exposure and one outcome."""

    outcome: str
    crude: Fit
    adjusted: Fit
    lead_placebo: Fit
    negative_control: Fit
    activity: ActivityLink
    seller_years: float


def seller_years(rows: int, period: str) -> float:
    """Length of a panel: its rows with a score as years of one seller each.

    Parameters
    ----------
    rows : int
        Sellers times periods on duty, as far as a score is known.
    period : {"week", "month"}
    """
    return rows / PERIODS_PER_YEAR[period]


def times_short(years: float) -> float:
    """How many times as long the panel has to be for any verdict, rounded up to a tenth."""
    return math.ceil(10 * MIN_SELLER_YEARS / years) / 10


def adjusted_status(fit: Fit, sesoi: float, alpha: float = 0.05) -> str:
    """Status of D: nil if the 90 % interval lies inside the band, whatever its p; else by adjusted p and sign."""
    if not fit.known:
        return UNKNOWN
    if inside(fit, sesoi):
        return NIL
    return _clear(fit, alpha) or UNKNOWN


def crude_status(fit: Fit, sesoi: float, alpha: float = 0.05) -> str:
    """Status of C: nil if inside 2 %; else by adjusted p and sign; else nil if inside the band."""
    if not fit.known:
        return UNKNOWN
    if inside(fit, CRUDE_NIL):
        return NIL
    return _clear(fit, alpha) or (NIL if inside(fit, sesoi) else UNKNOWN)


def inside(fit: Fit, sesoi: float) -> bool:
    """Is the whole 90 % interval inside (1/sesoi, sesoi)?"""
    return fit.low90 > 1 / sesoi and fit.high90 < sesoi


def _clear(fit: Fit, alpha: float) -> str:
    p = fit.p_bh if math.isnan(fit.p_holm) else fit.p_holm
    if not p < alpha:  # also when it is NaN
        return ""
    return POS if fit.rr > 1 else NEG


def activity_status(r2: float, high: float = -math.inf) -> str:
    """K1: yes from 0.25; no below 0.05, unless its 95 % range reaches 0.25; else unknown.

    The range is not in methods.md: nine sellers and four months of a score that follows activity may well give
    less than 0.
    """
    if not math.isfinite(r2):
        return "unknown"
    if r2 >= TRACKS_ACTIVITY:
        return "yes"
    return "no" if r2 < NO_ACTIVITY and not high >= TRACKS_ACTIVITY else "unknown"


def placebo_fails(fit: Fit) -> bool:
    """Does success come before the score? (the reading 13 weeks ahead has a positive coefficient)"""
    return fit.known and fit.rr > 1 and fit.p < PLACEBO_ALPHA


def control_fails(control: Fit, tested: Fit) -> bool:
    """Do inquiries that LinkedIn cannot have brought go with the score at least half as strongly?"""
    if not (control.known and tested.known):
        return False
    return control.low > 1 and math.log(control.rr) >= CONTROL_SHARE * math.log(tested.rr)


def doubt(lead: Fit, control: Fit, tested: Fit) -> str:
    """Why a positive effect at equal activity refutes no claim, in words; empty when nothing speaks against it.

    The verdict takes no such effect at its word (`judge`), and a claim must not say what the verdict does not.
    """
    if placebo_fails(lead):
        return "There is a link, but success seems to come before the score."
    if control_fails(control, tested):
        return "There is a link, but also with inquiries that did not come from LinkedIn."
    return ""


def log_incomplete(activity: ActivityLink) -> bool:
    """Is the activity log too thin to rule activity out?"""
    return not activity.r2 >= MIN_R2_ACTIVITY or bool(activity.pillars_without)


def judge(evidence: Evidence, sesoi: float, alpha: float = 0.05) -> tuple[str, tuple[str, ...], str]:
    """Apply the rule to one pair.

    Parameters
    ----------
    evidence : Evidence
    sesoi : float
        Smallest effect of interest, a rate ratio above 1.
    alpha : float

    Returns
    -------
    verdict : str
        One of `schema.VERDICTS`.
    flags : tuple of str
        Everything a reader must know beside the verdict.
    reason : str
        The step that decided, as a code that `report/words.py` turns into a sentence.
    """
    decided, flags, reason = _judge(evidence, sesoi, alpha)
    if decided != schema.INCONCLUSIVE and evidence.seller_years < MIN_SELLER_YEARS:
        return schema.INCONCLUSIVE, flags, "few_years"
    return decided, flags, reason


def _judge(evidence: Evidence, sesoi: float, alpha: float) -> tuple[str, tuple[str, ...], str]:
    """What the estimates say, however short the panel is."""
    flags = _flags(evidence)
    adjusted = evidence.adjusted
    if not (adjusted.n_people or evidence.crude.n_people):  # nobody has this result: the files lack it, not sellers
        return schema.INCONCLUSIVE, flags, "no_estimate"
    if adjusted.n_people < MIN_PEOPLE and evidence.crude.n_people < MIN_PEOPLE:
        return schema.INCONCLUSIVE, flags, "few_people"
    if evidence.activity.status == "unknown" and not evidence.activity.types:
        return schema.INCONCLUSIVE, flags, "no_activity_data"
    if not adjusted.known:
        return schema.INCONCLUSIVE, flags, "no_estimate"
    if adjusted.n_people < MIN_PEOPLE:
        return schema.INCONCLUSIVE, flags, "few_people"
    if adjusted.df < MIN_DF:
        return schema.INCONCLUSIVE, flags, "few_df"

    status = adjusted_status(adjusted, sesoi, alpha)
    tracks = evidence.activity.status == "yes"
    if status == POS:
        return _positive(evidence, flags)
    if status == NIL:
        crude = crude_status(evidence.crude, sesoi, alpha)
        if crude == NIL:
            return schema.NO_ASSOCIATION, flags, "both_nil"
        if crude == POS and tracks:
            return schema.ACTIVITY_GAUGE, flags, "only_activity"
        if crude == NEG and tracks:
            return schema.ACTIVITY_GAUGE, (*flags, "negative"), "only_activity_negative"
        return schema.INCONCLUSIVE, flags, "crude_unknown"
    if status == NEG:
        verdict = schema.ACTIVITY_GAUGE if tracks else schema.NO_ASSOCIATION
        return verdict, (*flags, "negative"), "negative"
    return schema.INCONCLUSIVE, flags, "too_wide"


def _positive(evidence: Evidence, flags: tuple[str, ...]) -> tuple[str, tuple[str, ...], str]:
    if "lead_placebo" in flags:
        return schema.INCONCLUSIVE, flags, "lead_placebo"
    if control_fails(evidence.negative_control, evidence.adjusted):
        return schema.INCONCLUSIVE, flags, "negative_control"
    if evidence.outcome in schema.EFFECTIVENESS_OUTCOMES:
        return schema.EFFECTIVENESS_MEASURE, flags, "beyond_activity"
    if log_incomplete(evidence.activity):
        return schema.INCONCLUSIVE, flags, "activity_not_ruled_out"
    return schema.LEADING_INDICATOR, flags, "beyond_activity"


def _flags(evidence: Evidence) -> tuple[str, ...]:
    flags = []
    if placebo_fails(evidence.lead_placebo):
        flags.append("lead_placebo")
    # Without a positive effect under test, half of it is nothing to compare with.
    if (
        evidence.adjusted.known
        and evidence.adjusted.rr > 1
        and control_fails(evidence.negative_control, evidence.adjusted)
    ):
        flags.append("negative_control")
    if evidence.activity.types and log_incomplete(evidence.activity):
        flags.append("activity_log_incomplete")
    return tuple(flags)


def volume_verdict(verdicts: list[str]) -> str:
    """One verdict over inquiries and meetings."""
    if schema.LEADING_INDICATOR in verdicts:
        return schema.LEADING_INDICATOR
    settled = {schema.ACTIVITY_GAUGE, schema.NO_ASSOCIATION}
    if verdicts and set(verdicts) <= settled:
        return schema.ACTIVITY_GAUGE if schema.ACTIVITY_GAUGE in verdicts else schema.NO_ASSOCIATION
    return schema.INCONCLUSIVE


def effectiveness_verdict(verdicts: list[str]) -> str:
    """One verdict over meeting rate and win rate."""
    if schema.EFFECTIVENESS_MEASURE in verdicts:
        return schema.EFFECTIVENESS_MEASURE
    if verdicts and set(verdicts) <= {schema.ACTIVITY_GAUGE, schema.NO_ASSOCIATION}:
        return schema.NO_ASSOCIATION
    return schema.INCONCLUSIVE


def overall_verdict(volume: str, effectiveness: str, conversion: list[str]) -> str:
    """The verdict of the first screen from the two above and the verdicts of the conversion pairs."""
    if effectiveness == schema.EFFECTIVENESS_MEASURE:
        return schema.EFFECTIVENESS_MEASURE
    if volume == schema.LEADING_INDICATOR:
        return schema.LEADING_INDICATOR
    if schema.INCONCLUSIVE in (volume, effectiveness):
        return schema.INCONCLUSIVE
    if volume == schema.ACTIVITY_GAUGE or schema.ACTIVITY_GAUGE in conversion:
        return schema.ACTIVITY_GAUGE
    return schema.NO_ASSOCIATION


def judge_overall(cells: list[Cell], activity: ActivityLink, *, score_break: bool = False) -> Overall:
    """Combine the cells of the total score into the three verdicts that are always shown together.

    Parameters
    ----------
    cells : list of Cell
        Those of exposure ``total``; other exposures are ignored.
    activity : ActivityLink
    score_break : bool
        Was the score redefined in the period?
    """
    total = {cell.outcome: cell for cell in cells if cell.exposure == "total"}
    # An outcome that the files do not hold cannot be settled: it stays in the list as inconclusive.
    volume = volume_verdict([_verdict_of(total, outcome) for outcome in schema.VOLUME_OUTCOMES])
    conversion = [_verdict_of(total, outcome) for outcome in schema.EFFECTIVENESS_OUTCOMES]
    effectiveness = effectiveness_verdict(conversion)
    primary = [total[outcome] for outcome in schema.PRIMARY_OUTCOMES if outcome in total]
    flags = list(dict.fromkeys(flag for cell in primary for flag in cell.flags))
    if score_break:
        flags.append("score_break")
    return Overall(
        verdict=overall_verdict(volume, effectiveness, conversion),
        volume=volume,
        effectiveness=effectiveness,
        tracks_activity=activity.status,
        r2_activity=activity.r2,
        flags=tuple(flags),
        reasons=tuple(f"{cell.outcome}: {cell.reason}" for cell in primary),
    )


def _verdict_of(cells: dict[str, Cell], outcome: str) -> str:
    return cells[outcome].verdict if outcome in cells else schema.INCONCLUSIVE
