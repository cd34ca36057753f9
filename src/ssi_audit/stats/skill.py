"""How well does one set of indicators predict people it has not seen?

A coefficient says how outcomes differ with the score; skill says whether
knowing the score helps to tell a held-out seller's good weeks from his bad
ones. The model is fitted on other persons and predicts the SHARE of a
person's events that falls in each period, so a person's level never counts as
skill. Shapley shares divide the skill fairly where indicators overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import ArrayLike

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.bootstrap import SEED
from ssi_audit.stats.clusters import deletion_steps, jackknife_interval
from ssi_audit.stats.fixed_effects import fit_ols, fit_poisson
from ssi_audit.stats.rows import Identified, Sample, identify, prepare
from ssi_audit.stats.working import ModelFit, cluster_grams, cluster_scores, row_counts

# Up to this many persons each is held out alone, above it in ten groups.
MAX_LEAVE_ONE_OUT = 50
N_FOLDS = 10
# A Newton step of this size leaves an error of its square: far below what a skill is printed with.
HELD_OUT_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Skill:
    """Share of a baseline's deviance on unseen persons that better indicators take away.

    Attributes
    ----------
    skill : float
        1 - deviance / baseline deviance; below 0 the indicators mislead.
    low, high : float
        95 % interval, person jackknife.
    n_people : int
    """

    skill: float
    low: float
    high: float
    n_people: int


@dataclass(frozen=True)
class HeldOutR2:
    """Leave-one-person-out R2 within persons.

    Attributes
    ----------
    r2 : float
        1 - sum (y - prediction)^2 / sum y^2 on person-demeaned data, prediction from the other persons.
    low, high : float
        95 % interval of `r2`, person jackknife.
    r2_calendar : float
        The same with the calendar alone (0 without a calendar).
    added : float
        1 - squared error / squared error of the calendar alone.
    n_people, n_rows : int
    """

    r2: float
    low: float
    high: float
    r2_calendar: float
    added: float
    n_people: int
    n_rows: int


@dataclass(frozen=True)
class ShapleyShare:
    """One block's share of the explained whole, with a person-jackknife 95 % interval."""

    share: float
    low: float
    high: float


# ---- counts: shares of a held-out person's events --------------------------------------------------------


def held_out_skill(
    y: ArrayLike,
    base: ArrayLike | None,
    added: ArrayLike,
    groups: ArrayLike,
    offset: ArrayLike | None = None,
    calendar: ArrayLike | None = None,
    seed: int = SEED,
) -> Skill:
    """Skill of base + added columns over the base columns, both with the calendar.

    Parameters
    ----------
    y : array, shape (n,)
        Counts or other amounts.
    base : array, shape (n, b), or None
        Columns both models have; None: the calendar alone.
    added : array, shape (n, a)
        Columns whose worth is asked.
    groups, offset, calendar
        As in `fe_poisson`. A row with a missing value in any column is left out of both models.
    seed : int
        Of the folds above 50 persons.

    Raises
    ------
    NotEnoughData
        With fewer than three persons who have events.
    """
    both = np.column_stack([*_columns(base), *_columns(added)])
    n_base = both.shape[1] - _columns(added)[0].shape[1]
    sample = prepare(y, both, groups, offset, calendar, events=True, absorb=True).of_several_rows()
    deviance = deviance_by_person(sample, np.arange(both.shape[1]), seed)
    return skill_of(deviance, deviance_by_person(sample, np.arange(n_base), seed))


def skill_of(deviance: ArrayLike, baseline: ArrayLike) -> Skill:
    """Skill from the deviances of the same persons under two models, as `deviance_by_person` returns them."""
    deviance, baseline = np.asarray(deviance, float), np.asarray(baseline, float)
    total, whole = deviance.sum(), baseline.sum()
    if not whole > 0:
        raise NotEnoughData("The baseline already predicts every period: there is nothing to add to.")
    full = 1 - total / whole
    bounds = jackknife_interval(1 - (total - deviance) / (whole - baseline), full)
    return Skill(float(full), bounds.low, bounds.high, len(deviance))


def deviance_by_person(sample: Sample, columns: np.ndarray, seed: int = SEED) -> np.ndarray:
    """Deviance of each person's shares, predicted from the other persons.

    Parameters
    ----------
    sample : Sample
        From `ssi_audit.stats.rows.prepare` with ``events=True, absorb=True``.
    columns : array of int
        Positions of the columns used.
    seed : int
        Of the folds above 50 persons.

    Returns
    -------
    ndarray, shape (N,)
        2 sum_t y_t log(y_t / (Y pi_t)) of each person of ``sample.people``.
    """
    sample = sample.of_columns(np.asarray(columns, int))
    n_people = len(sample.people)
    if n_people < 3:
        raise NotEnoughData(f"Holding people out needs at least 3 people with events, got {n_people}.")
    full = fit_poisson(identify(sample))
    deviance = np.empty(n_people)
    for held_out in _folds(n_people, seed):
        others = identify(sample.of_people(~held_out))
        fit = fit_poisson(others, _warm_start(full, others), HELD_OUT_TOLERANCE)
        if not fit.converged:
            raise NotEnoughData("Without some people the model does not settle: too few events for these columns.")
        deviance[held_out] = _share_deviance(sample.of_people(held_out), fit)
    return deviance


def _folds(n_people: int, seed: int) -> Iterator[np.ndarray]:
    """True for the persons held out together."""
    fold = np.arange(n_people)
    if n_people > MAX_LEAVE_ONE_OUT:
        fold = np.random.default_rng(seed).permutation(n_people) % N_FOLDS
    return (fold == k for k in range(fold.max() + 1))


def _warm_start(full: ModelFit, others: Identified) -> np.ndarray:
    """The estimates on everybody, in the columns and calendar codes that the other persons have."""
    first_unit = np.unique(others.calendar_codes, return_index=True)[1]
    effects = full.calendar_effects[first_unit]
    return np.append(np.nan_to_num(full.coef[others.kept]), effects[1:] - effects[0])


def _share_deviance(held_out: Sample, fit: ModelFit) -> np.ndarray:
    """2 sum y log(y / (Y pi)) of each held-out person."""
    starts, y = held_out.starts, held_out.y
    counts = row_counts(starts, len(y))
    eta = np.nan_to_num(fit.coef) @ held_out.columns + fit.calendar_effects[held_out.unit]
    if held_out.offset is not None:
        eta = eta + held_out.offset
    eta = eta - np.repeat(np.maximum.reduceat(eta, starts), counts)
    log_share = eta - np.repeat(np.log(np.add.reduceat(np.exp(eta), starts)), counts)
    total = np.repeat(np.add.reduceat(y, starts), counts)
    seen = y > 0
    part = np.zeros(len(y))
    part[seen] = y[seen] * (np.log(y[seen] / total[seen]) - log_share[seen])
    return 2 * np.add.reduceat(part, starts)


# ---- continuous: leave-one-person-out R2 -----------------------------------------------------------------


def within_r2_lopo(y: ArrayLike, X: ArrayLike, groups: ArrayLike, calendar: ArrayLike | None = None) -> HeldOutR2:
    """Leave-one-person-out R2 of a series within persons, for example of SSI on counts of activity.

    Exact: for least squares the deleted estimates have a closed form.

    Parameters
    ----------
    y, X, groups, calendar
        As in `fe_poisson`.

    Raises
    ------
    NotEnoughData
        With fewer than three persons, or when y does not vary within persons.
    """
    sample = prepare(y, X, groups, None, calendar, events=False, absorb=True).of_several_rows()
    if len(sample.people) < 3:
        raise NotEnoughData(f"Holding people out needs at least 3 people, got {len(sample.people)}.")
    counts = row_counts(sample.starts, len(sample.y))
    mean = np.add.reduceat(sample.y, sample.starts) / counts
    whole = np.add.reduceat((sample.y - np.repeat(mean, counts)) ** 2, sample.starts)
    if not whole.sum() > 0:
        raise NotEnoughData("The series does not vary within persons: there is nothing to explain.")
    error = _held_out_squares(fit_ols(identify(sample)))
    calendar_error = _held_out_squares(fit_ols(identify(sample.of_columns(np.arange(0)))))
    r2 = 1 - error.sum() / whole.sum()
    bounds = jackknife_interval(1 - (error.sum() - error) / (whole.sum() - whole), r2)
    return HeldOutR2(
        r2=float(r2), low=bounds.low, high=bounds.high,
        r2_calendar=float(1 - calendar_error.sum() / whole.sum()),
        added=float(1 - error.sum() / calendar_error.sum()), n_people=len(sample.people), n_rows=len(sample.y),
    )  # fmt: skip


def _held_out_squares(fit: ModelFit) -> np.ndarray:
    """Sum of squared errors of each person, predicted by the least-squares fit without that person."""
    squares = np.add.reduceat(fit.residual**2, fit.starts)
    if fit.n_params == 0:
        return squares
    # With d = b - b_(g): sum (e_g + X_g d)^2 = e_g'e_g + 2 d'X_g'e_g + d'X_g'X_g d.
    steps, scores = deletion_steps(fit), cluster_scores(fit)
    for people, grams in cluster_grams(fit):
        d = steps[people]
        squares[people] += np.einsum("gi,gij,gj->g", d, grams, d) + 2 * np.einsum("gi,gi->g", d, scores[people])
    return squares


# ---- fair shares -----------------------------------------------------------------------------------------


def shapley(values: Mapping[frozenset[str], float | np.ndarray]) -> dict[str, float | np.ndarray]:
    """Divide the value of the whole among its members by their mean marginal worth.

    Parameters
    ----------
    values : mapping
        Value of every subset of the members, the empty one among them; arrays are treated element by element.

    Returns
    -------
    dict
        Share of each member; they add up to value(all) - value(none).

    Raises
    ------
    ValueError
        If a subset is missing.

    References
    ----------
    Shapley (1953); for R2 the LMG measure, Groemping (2006), J. Statistical Software 17.
    """
    members = sorted(frozenset().union(*values))
    missing = [subset for subset in _subsets(members) if subset not in values]
    if missing:
        raise ValueError(f"{len(missing)} subsets have no value, the first is {sorted(missing[0])}")
    k = len(members)
    shares = {}
    for member in members:
        others = [name for name in members if name != member]
        worth = [
            (values[subset | {member}] - values[subset]) / (k * comb(k - 1, len(subset))) for subset in _subsets(others)
        ]
        shares[member] = sum(worth[1:], worth[0])
    return shares


def shapley_r2(y: ArrayLike, blocks: Mapping[str, ArrayLike]) -> dict[str, float]:
    """Shapley (LMG) shares of R2 over blocks of columns, least squares with intercept on independent rows.

    Parameters
    ----------
    y : array, shape (n,)
    blocks : mapping of name to array, shape (n,) or (n, c)
        Rows with a missing value anywhere are left out.
    """
    columns = {name: _columns(block)[0] for name, block in blocks.items()}
    y = np.asarray(y, float)
    keep = np.isfinite(np.column_stack([y, *columns.values()])).all(axis=1)
    y = y[keep] - y[keep].mean()
    if not (y @ y) > 0:
        raise NotEnoughData("The outcome does not vary: there is nothing to explain.")
    columns = {name: block[keep] - block[keep].mean(axis=0) for name, block in columns.items()}

    def r2(subset: frozenset[str]) -> float:
        if not subset:
            return 0.0
        X = np.column_stack([columns[name] for name in sorted(subset)])
        error = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
        return float(1 - (error @ error) / (y @ y))

    return shapley({subset: r2(subset) for subset in _subsets(list(columns))})


def shapley_skill(
    y: ArrayLike,
    blocks: Mapping[str, ArrayLike],
    groups: ArrayLike,
    offset: ArrayLike | None = None,
    calendar: ArrayLike | None = None,
    seed: int = SEED,
) -> dict[str, ShapleyShare]:
    """Shapley shares of held-out skill over the calendar, over blocks of indicators.

    Parameters
    ----------
    y, groups, offset, calendar, seed
        As in `held_out_skill`.
    blocks : mapping of name to array, shape (n,) or (n, c)
        For example activity, SSI, tenure and past outcomes.

    Returns
    -------
    dict
        Share of each block, and under ``"total"`` the skill of all of them together.

    Raises
    ------
    NotEnoughData
        With fewer than three persons who have events.
    """
    if "total" in blocks:
        raise ValueError('"total" is the name of the sum; call the block something else')
    columns = {name: _columns(block)[0] for name, block in blocks.items()}
    places, first = {}, 0
    for name, block in columns.items():
        places[name] = np.arange(first, first + block.shape[1])
        first += block.shape[1]
    everything = np.column_stack(list(columns.values()))
    sample = prepare(y, everything, groups, offset, calendar, events=True, absorb=True).of_several_rows()
    deviance = {
        subset: deviance_by_person(
            sample, np.concatenate([np.arange(0), *(places[name] for name in sorted(subset))]), seed
        )
        for subset in _subsets(list(columns))
    }
    baseline = deviance[frozenset()]
    # Element 0 is the value on everybody, element j the value without person j.
    whole = np.append(baseline.sum(), baseline.sum() - baseline)
    values = {subset: 1 - np.append(dev.sum(), dev.sum() - dev) / whole for subset, dev in deviance.items()}
    shares = {**shapley(values), "total": values[frozenset(columns)]}
    bounds = {name: jackknife_interval(share[1:], share[0]) for name, share in shares.items()}
    return {name: ShapleyShare(one.estimate, one.low, one.high) for name, one in bounds.items()}


def _subsets(members: list[str]) -> list[frozenset[str]]:
    return [frozenset(chosen) for size in range(len(members) + 1) for chosen in combinations(members, size)]


def _columns(block: ArrayLike | None) -> list[np.ndarray]:
    if block is None:
        return []
    block = np.asarray(block, float)
    return [block[:, None] if block.ndim == 1 else block]
