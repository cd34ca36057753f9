"""When do results come? One model per lag, judged together.

Scanning lags and keeping the best one finds a "significant" lag in half of
all teams without any link. So all lags use one common sample, the p is that
of the largest |t| with the same signs of persons at every lag, and a later
peak counts only when it beats the first lag with the same persons left out
of both models.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.bootstrap import DRAWS, SEED, max_t_wild, wild_scores
from ssi_audit.stats.by_name import as_columns, fit_by_name
from ssi_audit.stats.clusters import Interval, interval, jackknife_interval, leave_one_out

# The score sums up 90 days: lags closer than this many weeks look at the same days (methods.md, claim K6).
RESOLUTION = 6
ALPHA = 0.05


@dataclass(frozen=True, eq=False)
class LagProfile:
    """Effect of the exposure at each lag.

    Attributes
    ----------
    lags : tuple of int
        Periods between the reading and the outcome.
    effects : tuple of Interval
        One model per lag, CR2; log rate ratio (Poisson) per unit of the exposure.
    p : float
        Of the whole profile: max-T score wild bootstrap.
    p_adjusted : numpy.ndarray, shape (L,)
        Of each lag, corrected for having looked at all.
    peak : int
        Lag with the largest |t|.
    difference : Interval
        log RR(peak) - log RR(first lag), paired jackknife over persons; all zero when the peak is the first lag.
    delayed : bool
        True when p < .05, the peak is more than `RESOLUTION` periods after the first lag, and the interval of the
        difference excludes 0.
    n_people, n_rows : int
        The common sample.
    """

    lags: tuple[int, ...]
    effects: tuple[Interval, ...]
    p: float
    p_adjusted: np.ndarray
    peak: int
    difference: Interval
    delayed: bool
    n_people: int
    n_rows: int


@dataclass(frozen=True, eq=False)
class DistributedLag:
    """All lags in one model: what each adds to the others.

    Attributes
    ----------
    lags : tuple of int
    effects : tuple of Interval
        CR2. With overlapping windows they are wide, and neighbours trade places: a picture, no test.
    total : Interval
        Sum over the lags: one unit more at every lag.
    n_people, n_rows : int
    """

    lags: tuple[int, ...]
    effects: tuple[Interval, ...]
    total: Interval
    n_people: int
    n_rows: int


@dataclass(frozen=True)
class LeadPlacebo:
    """Does success precede the score? A later reading beside the present one.

    Attributes
    ----------
    lead, now : Interval
        Coefficients of the later and of the present reading in one model, CR2.
    fails : bool
        True when the later reading goes with more of the outcome (p < .05).
    """

    lead: Interval
    now: Interval
    fails: bool


def lag_profile(
    y: ArrayLike,
    exposures: ArrayLike,
    lags: tuple[int, ...],
    groups: ArrayLike,
    covariates: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    calendar: ArrayLike | None = None,
    *,
    model: str = "poisson",
    draws: int = DRAWS,
    seed: int = SEED,
) -> LagProfile:
    """Fit one model per lag on the rows where every lag is known.

    Parameters
    ----------
    y : array, shape (n,)
        Outcome of the row's period.
    exposures : array, shape (n, L)
        The exposure read `lags[j]` periods before, in units of the rate ratio (points / 10).
    lags : tuple of int
        One per column, rising; the first one is what a later peak must beat.
    groups, covariates, offset, calendar
        Persons, other columns (n, k), offset and calendar units as in `fe_poisson`.
    model : {"poisson", "ols"}
    draws, seed : int
        Of the max-T bootstrap.

    Raises
    ------
    NotEnoughData
        With fewer than 8 persons on the common sample.
    ValueError
        If lags and columns do not match, or lags do not rise.

    References
    ----------
    Westfall & Young 1993 (max-T); MacKinnon, Nielsen & Webb 2023 (jackknife).
    """
    y, exposures, others = _common_sample(y, exposures, lags, covariates)
    designs = [np.column_stack([exposure, others]) for exposure in exposures.T]
    fits = [fit_by_name(model, y, design, groups, offset, calendar) for design in designs]
    effects = tuple(interval(fit, 0) for fit in fits)
    scores = [wild_scores(y, design, groups, 0, offset, calendar, model=model) for design in designs]
    family = max_t_wild(scores, draws=draws, seed=seed)
    best = int(np.argmax([abs(effect.t) for effect in effects]))
    # The same person is missing from both models, so what is common to them cancels.
    deleted = leave_one_out(fits[best])[:, 0] - leave_one_out(fits[0])[:, 0]
    difference = jackknife_interval(deleted, effects[best].estimate - effects[0].estimate)
    later = lags[best] - lags[0] > RESOLUTION
    delayed = bool(family.p < ALPHA and later and (difference.low > 0 or difference.high < 0))
    return LagProfile(
        tuple(lags), effects, family.p, family.p_adjusted, lags[best], difference, delayed, fits[0].n_people,
        fits[0].n_rows,
    )  # fmt: skip


def distributed_lag(
    y: ArrayLike,
    exposures: ArrayLike,
    lags: tuple[int, ...],
    groups: ArrayLike,
    covariates: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    calendar: ArrayLike | None = None,
    *,
    model: str = "poisson",
) -> DistributedLag:
    """Fit all lags in one model; parameters and errors as in `lag_profile`."""
    y, exposures, others = _common_sample(y, exposures, lags, covariates)
    fit = fit_by_name(model, y, np.column_stack([exposures, others]), groups, offset, calendar)
    effects = tuple(interval(fit, j) for j in range(len(lags)))
    # sum b_l x_l = (sum b_l) x_1 + sum b_l (x_l - x_1): the total is one coefficient of the same model.
    turned = exposures.copy()
    turned[:, 1:] -= exposures[:, :1]
    total = interval(fit_by_name(model, y, np.column_stack([turned, others]), groups, offset, calendar), 0)
    return DistributedLag(tuple(lags), effects, total, fit.n_people, fit.n_rows)


def lead_placebo(
    y: ArrayLike,
    x: ArrayLike,
    lead: ArrayLike,
    groups: ArrayLike,
    covariates: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    calendar: ArrayLike | None = None,
    *,
    model: str = "poisson",
) -> LeadPlacebo:
    """Add the reading whose window begins after the outcome; in a causal story it adds nothing.

    Parameters
    ----------
    y, x, lead : array, shape (n,)
        Outcome, present reading, and the reading 13 weeks later.
    groups, covariates, offset, calendar, model
        As in `lag_profile`.

    Raises
    ------
    NotEnoughData
        With fewer than 8 persons, or when the later reading does not vary beside the present one.
    """
    y = np.asarray(y, float)
    columns = np.column_stack([np.asarray(lead, float), np.asarray(x, float), as_columns(covariates, len(y))])
    fit = fit_by_name(model, y, columns, groups, offset, calendar)
    ahead = interval(fit, 0)
    return LeadPlacebo(ahead, interval(fit, 1), bool(ahead.estimate > 0 and ahead.p < ALPHA))


def _common_sample(
    y: ArrayLike, exposures: ArrayLike, lags: tuple[int, ...], covariates: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcome, exposures and covariates; the outcome is missing wherever any of the others is."""
    y, exposures = np.asarray(y, float), np.asarray(exposures, float)
    if exposures.ndim != 2 or exposures.shape[1] != len(lags):
        raise ValueError(f"exposures has shape {exposures.shape}; one column per lag ({len(lags)}) was expected")
    if list(lags) != sorted(set(lags)) or not lags:
        raise ValueError(f"lags are {lags}; rising whole numbers were expected")
    others = as_columns(covariates, len(y))
    complete = np.isfinite(exposures).all(axis=1) & np.isfinite(others).all(axis=1)
    if not complete.any():
        raise NotEnoughData(f"no row knows the exposure at all lags from {lags[0]} to {lags[-1]} periods back.")
    return np.where(complete, y, np.nan), exposures, others
