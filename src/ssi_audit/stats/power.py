"""What can this team see, and by when?

A seller is one observation however many weeks he is watched, but more weeks
still help: the score then moves more within him, and more events are counted.
The formula below says how much, from five facts of a panel:

    se^2 = dispersion / (people (1 - 1/people) weeks events W (1 - r2))

with W the variance of the score within persons (units of the rate ratio) that
`weeks` weeks will show when its deviations fade with `memory` per week. Its
defaults reproduce the standard errors of methods.md section 6 within an
eighth; one fitted model calibrates it to the team at hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.bootstrap import person_period_matrix
from ssi_audit.stats.clusters import interval
from ssi_audit.stats.inference import minimum_detectable_ratio, needed_multiple
from ssi_audit.stats.working import ModelFit

# Fitted to the 20 standard errors of methods.md section 6 (simulated teams of 12 to 150 sellers).
SCORE_SD = 9.4
MEMORY = 0.936
MEMORY_BEYOND_ACTIVITY = 0.969
R2_ACTIVITY = 0.515
# Extra-Poisson variance per event a week: shocks to a seller's weeks, and that they last.
SHOCKS = 0.85
# Satterthwaite degrees of freedom of the adjusted models, as a share of people - 1 (same simulations).
DF_SHARE = 0.6
# Ten years: nobody waits longer.
MAX_WEEKS = 520
MIN_PEOPLE = 3
MIN_WEEKS = 2


@dataclass(frozen=True)
class PanelFacts:
    """What decides how precise an estimate will be.

    Attributes
    ----------
    events_per_week : float
        Events of the outcome per seller-week (of a rate: its numerator, for instance deals).
    score_sd : float
        Standard deviation of a seller's score around his own long-run mean, in points.
    memory : float
        Correlation of the part of the score under test in consecutive weeks, 0 to below 1.
    r2 : float
        Share of the score's variance within sellers that the other columns explain; 0 for the crude link.
    dispersion : float
        Variance of the estimate over what pure Poisson counts would give; 1 for a rate.
    unit : float
        Points per unit of the rate ratio.
    """

    events_per_week: float
    score_sd: float = SCORE_SD
    memory: float = MEMORY
    r2: float = 0.0
    dispersion: float = 1.0
    unit: float = 10.0


@dataclass(frozen=True)
class TeamPower:
    """What a team of this size sees after this many weeks.

    Attributes
    ----------
    people, weeks : int
    se, df : float
        Expected standard error of the log rate ratio, and degrees of freedom.
    mdrr : float
        Smallest ratio above 1 that these data would find.
    needed_multiple : float
        This many times the seller-weeks would settle "smaller than `ratio`" if there is no link; 1 or less: enough.
    weeks_to_detect, weeks_to_rule_out : float
        Weeks in all that this team needs to find `ratio`, and to show that there is nothing as large;
        infinite beyond `MAX_WEEKS`.
    seller_weeks_to_detect, seller_weeks_to_rule_out : float
        The same times people.
    ratio : float
        As asked.
    """

    people: int
    weeks: int
    se: float
    df: float
    mdrr: float
    needed_multiple: float
    weeks_to_detect: float
    weeks_to_rule_out: float
    seller_weeks_to_detect: float
    seller_weeks_to_rule_out: float
    ratio: float


def volume_facts(events_per_week: float, *, adjusted: bool) -> PanelFacts:
    """Typical facts of a count of events (inquiries, meetings), crude or beyond activity."""
    return _typical(events_per_week, 1 + SHOCKS * events_per_week, adjusted)


def rate_facts(events_per_week: float, *, adjusted: bool) -> PanelFacts:
    """Typical facts of a conversion rate; `events_per_week` counts conversions (meetings x win rate)."""
    return _typical(events_per_week, 1.0, adjusted)


def expected_se(people: int, weeks: int, facts: PanelFacts) -> float:
    """Expected standard error of the log rate ratio per `facts.unit` points.

    Parameters
    ----------
    people, weeks : int
        Size of the team, and weeks with a score.
    facts : PanelFacts

    Raises
    ------
    ValueError
        If a number is outside its range, or with fewer than `MIN_PEOPLE` people or two weeks.
    """
    _check(people, weeks, facts)
    shown = (facts.score_sd / facts.unit) ** 2 * _variance_shown(weeks, facts.memory)
    # The calendar, shared by all, takes one person's worth.
    information = facts.events_per_week * people * (1 - 1 / people) * weeks * shown * (1 - facts.r2)
    return float(np.sqrt(facts.dispersion / information))


def calibrate(facts: PanelFacts, se: float, people: int, weeks: int) -> PanelFacts:
    """Adjust the dispersion so that the formula gives a standard error that was measured."""
    if not se > 0:
        raise ValueError(f"se is {se}; a measured standard error above 0 was expected")
    return replace(facts, dispersion=facts.dispersion * (se / expected_se(people, weeks, facts)) ** 2)


def team_power(people: int, weeks: int, facts: PanelFacts, *, ratio: float = 1.10) -> TeamPower:
    """What a team sees after some weeks, and how long it would need; 80 % power, two-sided 5 %.

    Parameters
    ----------
    people, weeks : int
        Size of the team; weeks with a score and an outcome.
    facts : PanelFacts
        From `volume_facts`, `rate_facts` or `panel_facts`.
    ratio : float
        Smallest rate ratio of interest, above 1.

    Raises
    ------
    ValueError
        As `expected_se`, or if the ratio is not above 1.
    """
    se, df = expected_se(people, weeks, facts), max(2.0, DF_SHARE * (people - 1))
    multiple = needed_multiple(se, ratio, df)
    se_to_detect = float(np.log(ratio) / np.log(minimum_detectable_ratio(1.0, df)))
    detect = _weeks_for(people, facts, se_to_detect)
    rule_out = _weeks_for(people, facts, se / np.sqrt(multiple))
    return TeamPower(
        people, weeks, se, df, minimum_detectable_ratio(se, df), multiple, detect, rule_out, people * detect,
        people * rule_out, ratio,
    )  # fmt: skip


def panel_facts(
    fit: ModelFit, score: ArrayLike, people: ArrayLike, periods: ArrayLike, *, unit: float = 10.0
) -> PanelFacts:
    """Measure the facts on a fitted model (weekly rows), calibrated to its own standard error.

    Parameters
    ----------
    fit : ModelFit
        Poisson with person effects; the exposure, in `unit` points, is column 0.
    score, people, periods : array, shape (n,)
        The exposure in points and its owner and week, for the rows given to the fit.
    unit : float
        Points per unit of the rate ratio.

    Raises
    ------
    NotEnoughData
        With fewer than 8 persons, or no two consecutive weeks.
    """
    measured = interval(fit, 0)
    at = fit.position(0)
    r2 = 1 - 1 / (fit.bread[at, at] * fit.gram[at, at])
    score = np.asarray(score, float)[fit.rows]
    matrix = person_period_matrix(score, np.asarray(people)[fit.rows], np.asarray(periods)[fit.rows])[0]
    weeks = round(fit.n_rows / fit.n_people)
    memory = _memory(matrix, weeks)
    deviations = matrix - np.nanmean(matrix, axis=1, keepdims=True)
    shown = np.nansum(deviations**2) / np.isfinite(deviations).sum()
    sd = float(np.sqrt(shown / _variance_shown(weeks, memory)))
    facts = PanelFacts(float(fit.y.mean()), sd, memory, float(np.clip(r2, 0, 0.999)), 1.0, unit)
    return calibrate(facts, measured.se, fit.n_people, weeks)


def _typical(events_per_week: float, dispersion: float, adjusted: bool) -> PanelFacts:
    if adjusted:
        return PanelFacts(events_per_week, SCORE_SD, MEMORY_BEYOND_ACTIVITY, R2_ACTIVITY, dispersion)
    return PanelFacts(events_per_week, dispersion=dispersion)


def _check(people: int, weeks: int, facts: PanelFacts) -> None:
    if people < MIN_PEOPLE or weeks < MIN_WEEKS:
        least = f"at least {MIN_PEOPLE} people and {MIN_WEEKS} weeks were expected"
        raise ValueError(f"{people} people and {weeks} weeks; {least}")
    if not (facts.events_per_week > 0 and facts.score_sd > 0 and facts.dispersion > 0 and facts.unit > 0):
        raise ValueError(f"events, spread, dispersion and unit must be above 0, got {facts}")
    if not (0 <= facts.memory < 1 and 0 <= facts.r2 < 1):
        raise ValueError(f"memory and r2 must be at least 0 and below 1, got {facts.memory} and {facts.r2}")


def _variance_shown(weeks: int, memory: float) -> float:
    """Share of the long-run variance that deviations from the mean of so many weeks show."""
    of_mean = (1 + memory) / (1 - memory) - 2 * memory * (1 - memory**weeks) / (weeks * (1 - memory) ** 2)
    return 1 - of_mean / weeks


def _memory(matrix: np.ndarray, weeks: int) -> float:
    """Week-to-week correlation of deviations, corrected for the mean being taken from the same weeks."""
    deviations = matrix - np.nanmean(matrix, axis=1, keepdims=True)
    both = np.isfinite(deviations[:, 1:]) & np.isfinite(deviations[:, :-1])
    if not both.any():
        raise NotEnoughData("no person has a score in two consecutive weeks.")
    before, after = deviations[:, :-1][both], deviations[:, 1:][both]
    observed = float(before @ after / np.sqrt((before @ before) * (after @ after)))
    # Taking out the mean lowers the variance and the lag-1 covariance by about the same amount.
    candidates = np.linspace(0, 0.995, 400)
    lowered = np.array([1 - _variance_shown(weeks, one) for one in candidates])
    expected = (candidates - lowered) / (1 - lowered)
    return float(candidates[np.argmin(np.abs(expected - observed))])


def _weeks_for(people: int, facts: PanelFacts, wanted: float) -> float:
    """Fewest weeks with an expected standard error of at most `wanted` (it falls with every week)."""
    if expected_se(people, MAX_WEEKS, facts) > wanted:
        return float("inf")
    low, high = MIN_WEEKS, MAX_WEEKS
    while low < high:
        middle = (low + high) // 2
        if expected_se(people, middle, facts) <= wanted:
            high = middle
        else:
            low = middle + 1
    return float(low)
