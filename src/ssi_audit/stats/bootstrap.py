"""p-values from signs and permutations of whole persons.

A second opinion that needs no degrees of freedom: turn the sign of each
person's share of the score, or hand each person another person's exposure
history, and see how often the statistic is as large. Whole persons move, so
any dependence between the weeks of one person is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from math import factorial

import numpy as np
from numpy.typing import ArrayLike

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.fixed_effects import fe_ols, fe_poisson, pooled_ols, pooled_poisson
from ssi_audit.stats.rows import COLLINEAR
from ssi_audit.stats.working import BLOCK_ELEMENTS, ModelFit, by_cluster, cluster_scores, factorize, person_unit_sums

SEED = 20260101
DRAWS = 9999
PERMUTATIONS = 1999
# 2^12 sign vectors are fewer than the random draws and exact.
MAX_ENUMERATED = 12
# Ties (a sign vector and its mirror) must count whatever the rounding.
TIE = 1 - 1e-9
# Persons up to which a matrix of persons by persons beats one person after another.
DENSE_PERSONS = 120
# A sum of scores this small beside its parts is 0.
ROUNDING = 1e-14


@dataclass(frozen=True, eq=False)
class WildScores:
    """What the score wild bootstrap needs of one model: sums per person at the restricted estimate.

    Attributes
    ----------
    people : ndarray, shape (G,)
        Labels of the persons.
    score, information : ndarray, shape (G,)
        s_g = sum x~ r and J_g = sum w x~^2, with x~ the tested column free of the others.
    cross, nuisance : ndarray, shape (G, k)
        P_g = sum w x~ Z and q_g = sum Z r for the other columns Z.
    bread : ndarray, shape (k, k)
        A = (Z'WZ)^-1.
    null : float
        Value tested.
    """

    people: np.ndarray
    score: np.ndarray
    information: np.ndarray
    cross: np.ndarray
    nuisance: np.ndarray
    bread: np.ndarray
    null: float


@dataclass(frozen=True)
class WildTest:
    """A wild bootstrap test.

    Attributes
    ----------
    t : float
        Studentised score at the data (positive: the coefficient is above `null`).
    p : float
        Two-sided.
    n_extreme, n_draws : int
        Sign vectors at least as extreme as the data, and all of them.
    exhaustive : bool
        True when all 2^G sign vectors were used (the data's own among them).
    n_clusters : int
        Persons.
    """

    t: float
    p: float
    n_extreme: int
    n_draws: int
    exhaustive: bool
    n_clusters: int


@dataclass(frozen=True, eq=False)
class MaxT:
    """A family of wild bootstrap tests judged by their largest |t|.

    Attributes
    ----------
    t : ndarray, shape (L,)
        Studentised score of each model.
    p : float
        Of the family: share of sign vectors whose largest |t| reaches the observed largest.
    p_adjusted : ndarray, shape (L,)
        Of each model, corrected for having looked at all.
    n_draws : int
    exhaustive : bool
    n_clusters : int
        Persons in any of the models.
    """

    t: np.ndarray
    p: float
    p_adjusted: np.ndarray
    n_draws: int
    exhaustive: bool
    n_clusters: int


@dataclass(frozen=True, eq=False)
class PermutationTest:
    """A test by permutation of whole persons.

    Attributes
    ----------
    statistic : float
        At the data, with its sign.
    p : float
        Two-sided.
    draws : ndarray, shape (n_draws,)
        Statistic of each permutation, for a picture of where the data lie.
    n_draws : int
    exhaustive : bool
        True when all permutations were used (the data's own among them).
    n_people : int
    """

    statistic: float
    p: float
    draws: np.ndarray
    n_draws: int
    exhaustive: bool
    n_people: int


# ---- score wild cluster bootstrap ------------------------------------------------------------------------


def score_wild_bootstrap(
    y: ArrayLike,
    X: ArrayLike,
    groups: ArrayLike,
    column: int = 0,
    offset: ArrayLike | None = None,
    calendar: ArrayLike | None = None,
    *,
    model: str = "poisson",
    absorb: bool = True,
    null: float = 0.0,
    clusters: ArrayLike | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
    max_enumerated: int = MAX_ENUMERATED,
) -> WildTest:
    """Score wild cluster bootstrap of one coefficient, Rademacher signs per person.

    The model is fitted once, under the null hypothesis. For least squares
    this is exactly the restricted wild cluster bootstrap.

    Parameters
    ----------
    y, X, groups, offset, calendar
        As in `fe_poisson`; X holds the tested column.
    column : int
        Position of the tested column.
    model : {"poisson", "ols"}
    absorb : bool
        One effect per person; False: one intercept.
    null : float
        Value tested.
    clusters : array, shape (n,), optional
        Unit that turns its sign, where it is coarser than `groups`; as in `fe_poisson`.
    draws, seed : int
        Random sign vectors when there are more than `max_enumerated` persons; then p = (1 + #)/(draws + 1).
        With fewer, all 2^G are used and p is their share.

    Raises
    ------
    NotEnoughData
        If the tested column has no variation of its own.

    References
    ----------
    Kline & Santos (2012), J. Econometric Methods 1; Cameron, Gelbach & Miller (2008), REStat 90;
    MacKinnon, Nielsen & Webb (2024), https://arxiv.org/abs/2406.00650.
    """
    scores = wild_scores(
        y, X, groups, column, offset, calendar, model=model, absorb=absorb, null=null, clusters=clusters
    )
    family = max_t_wild([scores], draws=draws, seed=seed, max_enumerated=max_enumerated)
    extreme = round(family.p * family.n_draws if family.exhaustive else family.p * (family.n_draws + 1) - 1)
    return WildTest(float(family.t[0]), family.p, extreme, family.n_draws, family.exhaustive, family.n_clusters)


def wild_scores(
    y: ArrayLike,
    X: ArrayLike,
    groups: ArrayLike,
    column: int = 0,
    offset: ArrayLike | None = None,
    calendar: ArrayLike | None = None,
    *,
    model: str = "poisson",
    absorb: bool = True,
    null: float = 0.0,
    clusters: ArrayLike | None = None,
) -> WildScores:
    """Fit the model without the tested column and sum its score per person; parameters as in `score_wild_bootstrap`."""
    if model not in ("poisson", "ols"):
        raise ValueError(f'model is "poisson" or "ols", got {model!r}')
    X = np.asarray(X, float)
    X = X[:, None] if X.ndim == 1 else X
    tested, others = X[:, column], np.delete(X, column, axis=1)
    # A row without the tested column must not enter the restricted model either.
    y = np.where(np.isnan(tested), np.nan, np.asarray(y, float))
    if model == "ols":
        fit = (fe_ols if absorb else pooled_ols)(y - null * tested, others, groups, calendar)
    else:
        if null:
            offset = null * tested + (0.0 if offset is None else np.asarray(offset, float))
        if clusters is None or not absorb:
            fit = (fe_poisson if absorb else pooled_poisson)(y, others, groups, offset, calendar)
        else:
            fit = fe_poisson(y, others, groups, offset, calendar, clusters=clusters)
    return _scores_of(fit, tested[fit.rows], null)


def _scores_of(fit: ModelFit, tested: np.ndarray, null: float) -> WildScores:
    tested = tested - tested.mean()
    before = np.abs(tested).max()
    if fit.absorbed:
        tested = tested - _person_mean(fit, tested)
    weighted = fit.weight * tested
    project = fit.bread @ _sums(fit, weighted).sum(axis=0)
    q = len(fit.columns)
    tested = tested - project[:q] @ fit.columns - np.append(0.0, project[q:])[fit.unit]
    if fit.absorbed:
        tested = tested - _person_mean(fit, tested)
    if not np.abs(tested).max(initial=0.0) > np.sqrt(COLLINEAR) * before:
        raise NotEnoughData(f"The tested column does not vary on its own in the {fit.n_rows} rows used.")
    return WildScores(
        people=fit.clusters,
        score=by_cluster(fit, np.add.reduceat(tested * fit.residual, fit.starts)),
        information=by_cluster(fit, np.add.reduceat(fit.weight * tested**2, fit.starts)),
        cross=by_cluster(fit, _sums(fit, fit.weight * tested)),
        nuisance=cluster_scores(fit),
        bread=fit.bread,
        null=float(null),
    )


def _person_mean(fit: ModelFit, values: np.ndarray) -> np.ndarray:
    """Weighted mean of each row's person."""
    mean = np.add.reduceat(fit.weight * values, fit.starts) / fit.person_weight
    return np.repeat(mean, fit.counts)


def _sums(fit: ModelFit, values: np.ndarray) -> np.ndarray:
    """Sum of values times each column of the working problem, per person, shape (G, k)."""
    sums = np.add.reduceat(fit.columns * values, fit.starts, axis=1).T
    if fit.n_units == 1:
        return sums
    return np.hstack([sums, person_unit_sums(fit.unit, fit.n_units, values, fit.starts)[:, 1:]])


def max_t_wild(
    scores: Sequence[WildScores], *, draws: int = DRAWS, seed: int = SEED, max_enumerated: int = MAX_ENUMERATED
) -> MaxT:
    """Score wild bootstrap of several models with the same signs, for example one model per lag.

    A person turns his sign in every model at once, so the dependence between
    the models is kept. A person missing from a model contributes nothing there.

    Parameters
    ----------
    scores : sequence of WildScores
        From `wild_scores`, one per model.
    draws, seed, max_enumerated
        As in `score_wild_bootstrap`.

    References
    ----------
    Westfall & Young (1993), Resampling-Based Multiple Testing.
    """
    people, places = _places([one.people for one in scores])
    n = len(people)
    if n < 2:
        raise NotEnoughData(f"Signs of persons need at least 2 people, got {n}.")
    observed = np.array([_wild_t(one, np.ones((1, len(one.people))))[0] for one in scores])
    exhaustive = n <= max_enumerated
    n_draws = 2**n if exhaustive else draws
    reached = np.zeros(len(scores), int)
    for signs in _signs(n, n_draws, exhaustive, seed):
        largest = np.zeros(len(signs))
        for one, place in zip(scores, places):
            own = signs if len(place) == n else signs[:, place]
            largest = np.maximum(largest, np.abs(_wild_t(one, own)))
        reached += (largest[:, None] >= np.abs(observed) * TIE).sum(axis=0)
    p = reached / n_draws if exhaustive else (1 + reached) / (n_draws + 1)
    return MaxT(observed, float(p.min()), p, n_draws, exhaustive, n)


def _places(people: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """All persons of several models, and where each model's persons stand among them."""
    codes, union = factorize(np.concatenate(people))
    return union, np.split(codes, np.cumsum([len(labels) for labels in people])[:-1])


def _signs(n: int, n_draws: int, exhaustive: bool, seed: int) -> Iterable[np.ndarray]:
    """Sign vectors in batches, shape (batch, n), values -1 and 1.

    Forty pairs of score and outcome ask for the same ones: what fits into one batch is drawn once.
    """
    few = n * n_draws <= BLOCK_ELEMENTS
    return _drawn_once(n, n_draws, exhaustive, seed) if few else _draw_signs(n, n_draws, exhaustive, seed)


@lru_cache(maxsize=4)
def _drawn_once(n: int, n_draws: int, exhaustive: bool, seed: int) -> list[np.ndarray]:
    return list(_draw_signs(n, n_draws, exhaustive, seed))


def _draw_signs(n: int, n_draws: int, exhaustive: bool, seed: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(seed)
    batch = max(BLOCK_ELEMENTS // n, 1)
    for first in range(0, n_draws, batch):
        size = min(batch, n_draws - first)
        if exhaustive:
            bits = np.arange(first, first + size)[:, None] >> np.arange(n) & 1
        else:
            bits = rng.integers(0, 2, (size, n), dtype=np.int8)
        yield bits * 2.0 - 1.0


def _wild_t(one: WildScores, signs: np.ndarray) -> np.ndarray:
    """Studentised score under each sign vector, shape (len(signs),)."""
    total = signs @ one.score
    # What a sign vector does is linear in it: one product with a matrix of persons by persons is the fastest way while
    # that matrix is small (24 persons: 1 ms instead of 5).
    if len(one.score) <= DENSE_PERSONS + 2 * one.nuisance.shape[1]:
        effect = np.diag(one.score) - one.nuisance @ one.bread @ one.cross.T
        turned = signs @ (effect - np.outer(one.score, one.information / one.information.sum()))
    else:
        turned = signs * one.score
        turned -= (signs @ (one.nuisance @ one.bread)) @ one.cross.T
        turned -= (total / one.information.sum())[:, None] * one.information
    size = np.sqrt(np.einsum("bg,bg->b", turned, turned))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.abs(total) <= ROUNDING * np.abs(one.score).sum(), 0.0, total / size)


# ---- permutations of persons -----------------------------------------------------------------------------


def person_period_matrix(
    values: ArrayLike, people: ArrayLike, periods: ArrayLike
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Long values as a matrix, one line per person and one column per period, NaN where there is none.

    Rows without a person or a period are left out.

    Returns
    -------
    matrix : ndarray, shape (N, T)
    people : ndarray, shape (N,)
    periods : ndarray, shape (T,)
    """
    line, people = factorize(people)
    place, periods = factorize(periods)
    known = (line >= 0) & (place >= 0)
    line, place = line[known], place[known]
    if len(np.unique(line * len(periods) + place)) < len(line):
        raise ValueError("Some person has two values in one period.")
    matrix = np.full((len(people), len(periods)), np.nan)
    matrix[line, place] = np.asarray(values, float)[known]
    return matrix, people, periods


def person_permutation(
    residuals: ArrayLike, exposure: ArrayLike, n: int = PERMUTATIONS, seed: int = SEED
) -> PermutationTest:
    """Test of an association over time by handing whole exposure histories to other persons.

    Parameters
    ----------
    residuals : array, shape (N, T)
        Residuals of the outcome's model without the exposure, one line per person.
    exposure : array, shape (N, T)
        Residuals of the exposure (person and calendar effects taken out), same persons and periods.
        A NaN in either counts as 0: the cell adds nothing. Meant for balanced panels; with many gaps the
        test is approximate, because the gaps move with the histories.
    n, seed : int
        Random permutations; all N! where they are fewer.

    Returns
    -------
    PermutationTest
        statistic = sum_i C_i,pi(i) / sqrt(sum_i C_i,pi(i)^2) with C = residuals exposure'. Studentised, so that
        persons with wild series or trends do not make it reject too often.

    References
    ----------
    DiCiccio & Romano (2017), JASA 112, https://doi.org/10.1080/01621459.2016.1202117.
    """
    return _permutation_test(residuals, exposure, n, seed, _studentised)


def trajectory_permutation(
    residuals: ArrayLike, exposure: ArrayLike, n: int = PERMUTATIONS, seed: int = SEED
) -> PermutationTest:
    """Test of a yes/no exposure that few persons ever have, such as a licence.

    With two of 24 exposed every sandwich and bootstrap fails (methods.md
    section 4); exchanging the exposure histories between persons is exact when
    any person could have had any history. The statistic is the plain sum: the
    spread of one or two exposed persons cannot be estimated, and studentising
    by it costs power (two of 24 exposed, 52 weeks: 24 % against 37 %) and
    wins nothing in level, which the exchange itself guarantees.

    Parameters and errors as in `person_permutation`; `exposure` is the 0/1 history itself (it is centred by
    person and by period here), or shape (N, 1) for an exposure that never changes.
    """
    residuals, exposure = _zeros(residuals), np.atleast_2d(np.asarray(exposure, float))
    exposure = exposure - np.nanmean(exposure, axis=0)
    if exposure.shape[1] > 1:
        exposure = exposure - np.nanmean(exposure, axis=1, keepdims=True)
    return _permutation_test(residuals, exposure, n, seed, _total)


def circular_shift(
    residuals: ArrayLike, exposure: ArrayLike, n: int = PERMUTATIONS, seed: int = SEED
) -> PermutationTest:
    """Test by shifting each person's exposure around his own calendar; an extra beside `person_permutation`.

    Parameters as in `person_permutation`. Studentised: without it, shifts
    reject twice as often as they should when persons have trends.
    """
    R, E = _zeros(residuals), _zeros(exposure)
    _check_shapes(R, E)
    n_people, n_periods = R.shape
    spectrum = np.fft.rfft(R, axis=1) * np.conj(np.fft.rfft(E, axis=1))
    by_shift = np.fft.irfft(spectrum, n_periods, axis=1)  # [i, l] = sum_t R_it E_i,t-l
    shifts = np.random.default_rng(seed).integers(0, n_periods, (n, n_people))
    observed = _studentised(np.einsum("it,it->i", R, E)[None])[0]
    draws = _studentised(by_shift[np.arange(n_people), shifts])
    return _judge(observed, draws, exhaustive=False, n_people=n_people)


def _permutation_test(
    residuals: ArrayLike, exposure: ArrayLike, n: int, seed: int, statistic: Callable[[np.ndarray], np.ndarray]
) -> PermutationTest:
    residuals, exposure = _zeros(residuals), _zeros(exposure)
    _check_shapes(residuals, exposure)
    if not (np.any(residuals, axis=0) & np.any(exposure, axis=0)).any():
        raise NotEnoughData("Residuals and exposure have no common period with variation.")
    shares = _shares(residuals, exposure)
    n_people = len(residuals)
    exhaustive = factorial(n_people) <= n if n_people < 10 else False
    observed = statistic(shares(np.arange(n_people)[None]))[0]
    draws = [statistic(shares(orders)) for orders in _orders(n_people, n, exhaustive, seed)]
    return _judge(observed, np.concatenate(draws), exhaustive, n_people)


def _shares(residuals: np.ndarray, exposure: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """What each person adds to the statistic, for some orders of the exposure histories; shape (orders, persons).

    Every pair of persons is worked out once, as long as that table is small; with thousands of persons only the
    pairs that an order asks for.
    """
    people = np.arange(len(residuals))
    if len(people) ** 2 <= BLOCK_ELEMENTS:
        cross = residuals @ exposure.T
        return lambda orders: cross[people, orders]
    return lambda orders: np.stack([np.einsum("it,it->i", residuals, exposure[order]) for order in orders])


def _orders(n_people: int, n: int, exhaustive: bool, seed: int) -> Iterator[np.ndarray]:
    """Orders of the persons in batches; the same ones whatever the size of a batch."""
    if exhaustive:
        yield np.array(list(permutations(range(n_people))))
        return
    random, batch = np.random.default_rng(seed), max(BLOCK_ELEMENTS // n_people, 1)
    for first in range(0, n, batch):
        yield random.permuted(np.tile(np.arange(n_people), (min(batch, n - first), 1)), axis=1)


def _judge(observed: float, draws: np.ndarray, exhaustive: bool, n_people: int) -> PermutationTest:
    reached = int((np.abs(draws) >= abs(observed) * TIE).sum())
    p = reached / len(draws) if exhaustive else (1 + reached) / (len(draws) + 1)
    return PermutationTest(float(observed), float(p), draws, len(draws), exhaustive, n_people)


def _total(shares: np.ndarray) -> np.ndarray:
    return shares.sum(axis=1)


def _studentised(shares: np.ndarray) -> np.ndarray:
    size = np.sqrt(np.einsum("bi,bi->b", shares, shares))
    return np.divide(shares.sum(axis=1), size, out=np.zeros(len(shares)), where=size > 0)


def _zeros(matrix: ArrayLike) -> np.ndarray:
    return np.nan_to_num(np.atleast_2d(np.asarray(matrix, float)), nan=0.0)


def _check_shapes(residuals: np.ndarray, exposure: np.ndarray) -> None:
    if residuals.shape != exposure.shape:
        raise ValueError(f"residuals {residuals.shape} and exposure {exposure.shape} need one shape (people, periods).")
    if len(residuals) < 2:
        raise NotEnoughData(f"A permutation of persons needs at least 2 people, got {len(residuals)}.")
