"""How well does one set of indicators predict people it has not seen?

A coefficient says how outcomes differ with the score; skill says whether
knowing the score helps to tell a held-out seller's good weeks from his bad
ones. The model is fitted on other persons and predicts the SHARE of a
person's events that falls in each period, so a person's level never counts as
skill. Shapley shares divide the skill fairly where indicators overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import ArrayLike

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.bootstrap import SEED
from ssi_audit.stats.clusters import deletion_steps, jackknife_interval
from ssi_audit.stats.distributions import chi2_quantile, t_quantile
from ssi_audit.stats.fixed_effects import fit_ols, fit_poisson
from ssi_audit.stats.rows import Identified, Sample, identify, prepare
from ssi_audit.stats.working import (
    ModelFit,
    cluster_grams,
    cluster_scores,
    gram_products,
    nested,
    person_starts,
    row_counts,
)

# Up to this many persons each is held out alone, above it in ten groups.
MAX_LEAVE_ONE_OUT = 50
N_FOLDS = 10
# A Newton step of this size leaves an error of its square: far below what a skill is printed with.
HELD_OUT_TOLERANCE = 1e-6
# Near a root of 0 the delta method's error grows without limit: at most so many times the jackknife's of the root.
MAX_DELTA = 2.0
# Fewer degrees of freedom are not counted: 4 put the limit at eight times the price, 2 at forty times.
MIN_PRICE_DF = 4.0
# How the errors of what is explained and of the price go together: the price is taken off the estimate of the one and
# off the skill again. 0.3 to 0.7 over teams of every simulated world (docs/simulations.md); the largest errs on the
# wide side.
PRICE_CORRELATION = 0.7
# One among more than fifty persons has little leverage: a third of all information would leave 1e-4 of his pull.
PULL_TERMS = 8


@dataclass(frozen=True)
class Skill:
    """Share of a baseline's deviance on unseen persons that better indicators take away.

    Attributes
    ----------
    skill : float
        1 - deviance / baseline deviance; below 0 the indicators mislead.
    low, high : float
        95 % interval of the skill to be expected in teams of this size; `skill_of` says how.
    n_people : int
    """

    skill: float
    low: float
    high: float
    n_people: int


@dataclass(frozen=True, eq=False)
class ShareDeviance:
    """How far each person's shares lie from those a model expects, 2 sum_t y_t log(y_t / (Y pi_t)).

    Attributes
    ----------
    held_out : ndarray, shape (N,)
        By the fit on other persons.
    fitted : ndarray, shape (N,)
        By the fit on everybody.
    pull : ndarray, shape (N,)
        What the person costs the others: their deviance by the fit on everybody less that by a fit on them alone,
        linearised. The person himself gains about as much, so this is his part in the price of having learnt.
    """

    held_out: np.ndarray
    fitted: np.ndarray
    pull: np.ndarray

    @property
    def others(self) -> np.ndarray:
        """Deviance of all others by a fit on them alone, for each person; shape (N,)."""
        return self.fitted.sum() - self.fitted - self.pull


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
    """One block's share of the explained whole, with a 95 % interval: a person jackknife, of the whole `skill_of`."""

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


def skill_of(model: ShareDeviance, baseline: ShareDeviance) -> Skill:
    """Skill from the deviances of the same persons under two models.

    On the persons they were fitted on the better indicators explain R. That is more than the R0 they would explain
    with known weights, and on other persons they explain less by as much again: the price P of having learnt from N
    persons. So the skill is R - 2P, and what is to be expected in teams of N persons is R0 - P. The root of R has
    a standard error with and without a link (leaving out each person, t with N - 1 degrees of freedom); P is a mean
    of squares, and its limit that of a chi-squared variable with degrees of freedom counted from the persons' parts.
    The lower end is that of a difference of two uncertain parts, from their own limits and the correlation of their
    errors (Zou & Donner); the upper end is the largest R0 less P.
    A jackknife of the skill itself is too wide without a link and too narrow with one: where the slope is small by
    chance the skill is small, and so is its spread over persons.

    Raises
    ------
    NotEnoughData
        If the baseline leaves nothing to explain.

    References
    ----------
    Efron (2004), JASA 99, 619-632: price of fitting, and what it adds to held-out error. Zou & Donner (2008),
    Statistics in Medicine 27, 1693-1702: range of a difference from those of its parts. MacKinnon, Nielsen & Webb
    (2023), J. Applied Econometrics 38: linearised deletion. docs/simulations.md: how often the range holds the truth.
    """
    n = len(baseline.fitted)
    whole = baseline.held_out.sum()
    if not min(whole, baseline.fitted.sum()) > 0:
        raise NotEnoughData("The baseline already predicts every period: there is nothing to add to.")
    skill = 1 - model.held_out.sum() / whole
    explained = max(1 - model.fitted.sum() / baseline.fitted.sum(), 0.0)
    # Groups held out together are one draw of many: a lucky one makes the price too small, the pulls know no draw.
    parts = (model.pull - baseline.pull) / baseline.fitted.sum()
    price = max((explained - skill) / 2, parts.sum(), 0.0)
    root, error = np.sqrt(explained), _root_error(explained, model, baseline)
    # The mean of the squared root exceeds R0 by P, of which its own variance is all there is with one column only.
    beyond = max(price - error**2, 0.0)
    margin = t_quantile(0.975, n - 1) * error
    least, most = (max(max(bound, 0.0) ** 2 - beyond, 0.0) for bound in (root - margin, root + margin))
    expected = max(explained - price, 0.0)
    down, up = expected - least, _largest_price(price, parts, error) - price
    apart = np.sqrt(down**2 + up**2 + 2 * PRICE_CORRELATION * down * up)
    low = min(expected - price - apart, skill)
    high = min(max(most - price, skill), 1.0)
    return Skill(float(skill), float(low), float(high), n)


def _root_error(explained: float, model: ShareDeviance, baseline: ShareDeviance) -> float:
    """Standard error of the root of the explained share, by leaving out each person."""
    with np.errstate(divide="ignore", invalid="ignore"):
        without = np.maximum(1 - model.others / baseline.others, 0.0)
    root = np.sqrt(explained)
    error = jackknife_interval(np.sqrt(without), root).se
    if not root > 0:
        return error
    return min(jackknife_interval(without, explained).se / (2 * root), MAX_DELTA * error)


def _largest_price(price: float, parts: np.ndarray, root_error: float) -> float:
    """Upper 97.5 % limit of a price, or of the root's variance, which is the price of one column by another way."""
    n, squares = len(parts), parts @ parts
    df = 2 * parts.sum() ** 2 / squares if squares > 0 else n - 1
    df = np.array([max(min(df, n - 1), MIN_PRICE_DF), n - 1])
    return float(np.max(df / chi2_quantile(0.025, df) * [price, root_error**2]))


def deviance_by_person(sample: Sample, columns: np.ndarray, seed: int = SEED) -> ShareDeviance:
    """Deviance of each person's shares, predicted from the other persons, and by the fit on everybody.

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
    ShareDeviance
        In the order of ``sample.people``.
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
    return ShareDeviance(deviance, _share_deviance(sample, full), _pull(full))


def _pull(fit: ModelFit) -> np.ndarray:
    """What each person costs the others, d'X_g'e_g with d = b - b_(g); see `ShareDeviance`."""
    if fit.n_params == 0:
        return np.zeros(fit.n_people)
    scores = cluster_scores(fit)
    if fit.n_people <= MAX_LEAVE_ONE_OUT:
        return np.einsum("gi,gi->g", deletion_steps(fit), scores)
    # (H - B_g)^-1 = M + M B_g M + ...: with a hundred calendar effects many times as fast as decomposing everybody.
    steps = term = scores @ fit.bread
    for _ in range(PULL_TERMS):
        term = gram_products(fit, term) @ fit.bread
        steps = steps + term
    return np.einsum("gi,gi->g", steps, scores)


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


def within_r2_lopo(
    y: ArrayLike,
    X: ArrayLike,
    groups: ArrayLike,
    calendar: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
) -> HeldOutR2:
    """Leave-one-person-out R2 of a series within persons, for example of SSI on counts of activity.

    Exact: for least squares the deleted estimates have a closed form.

    Parameters
    ----------
    y, X, groups, calendar, clusters
        As in `fe_poisson`; what is held out together is a cluster.

    Raises
    ------
    NotEnoughData
        With fewer than three persons, or when y does not vary within persons.
    """
    codes, cluster_of, labels = nested(groups, groups if clusters is None else clusters)
    sample = prepare(y, X, np.where(codes < 0, np.nan, codes), None, calendar, events=False, absorb=True)
    sample = sample.of_several_rows()
    person = cluster_of[sample.people.astype(int)]
    first = person_starts(person)
    if len(first) < 3:
        raise NotEnoughData(f"Holding people out needs at least 3 people, got {len(first)}.")
    counts = row_counts(sample.starts, len(sample.y))
    mean = np.add.reduceat(sample.y, sample.starts) / counts
    whole = np.add.reduceat((sample.y - np.repeat(mean, counts)) ** 2, sample.starts[first])
    if not whole.sum() > 0:
        raise NotEnoughData("The series does not vary within persons: there is nothing to explain.")
    several = len(first) < len(sample.people)
    together = {"cluster_starts": first, "cluster_labels": labels[person[first]]} if several else {}
    error, calendar_error = (
        _held_out_squares(replace(fit_ols(identify(of)), **together))
        for of in (sample, sample.of_columns(np.arange(0)))
    )
    r2 = 1 - error.sum() / whole.sum()
    bounds = jackknife_interval(1 - (error.sum() - error) / (whole.sum() - whole), r2)
    return HeldOutR2(
        r2=float(r2), low=bounds.low, high=bounds.high,
        r2_calendar=float(1 - calendar_error.sum() / whole.sum()),
        added=float(1 - error.sum() / calendar_error.sum()), n_people=len(first), n_rows=len(sample.y),
    )  # fmt: skip


def _held_out_squares(fit: ModelFit) -> np.ndarray:
    """Sum of squared errors of each cluster, predicted by the least-squares fit without that cluster."""
    starts = fit.starts if fit.cluster_starts is None else fit.starts[fit.cluster_starts]
    squares = np.add.reduceat(fit.residual**2, starts)
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
    total = skill_of(deviance[frozenset(columns)], deviance[frozenset()])
    # Element 0 is the value on everybody, element j the value without person j.
    held_out = {
        subset: np.append(one.held_out.sum(), one.held_out.sum() - one.held_out) for subset, one in deviance.items()
    }
    shares = shapley({subset: 1 - value / held_out[frozenset()] for subset, value in held_out.items()})
    bounds = {name: jackknife_interval(share[1:], share[0]) for name, share in shares.items()}
    found = {name: ShapleyShare(one.estimate, one.low, one.high) for name, one in bounds.items()}
    return {**found, "total": ShapleyShare(total.skill, total.low, total.high)}


def _subsets(members: list[str]) -> list[frozenset[str]]:
    return [frozenset(chosen) for size in range(len(members) + 1) for chosen in combinations(members, size)]


def _columns(block: ArrayLike | None) -> list[np.ndarray]:
    if block is None:
        return []
    block = np.asarray(block, float)
    return [block[:, None] if block.ndim == 1 else block]
