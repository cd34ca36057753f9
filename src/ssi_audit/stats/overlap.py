"""Do the four pillars measure four things, or one thing four times?

Between persons a pillar may follow another because some people simply do more
of everything; within a person it may not. So every measure of overlap is
taken on both: on person means, and on deviations from them. The scale
statistics (alpha, omega, one factor, item-rest) and the intraclass
correlations are the textbook ones, on any table of items.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.distributions import mean_ranks

# Below this a rank correlation of person means is noise.
MIN_PEOPLE = 5
# Lower limit of a uniqueness, as in R's factanal: at 0 the likelihood has no maximum inside (Heywood case).
MIN_UNIQUENESS = 0.005


@dataclass(frozen=True)
class Overlap:
    """How far k items overlap at one level (between persons or within).

    Attributes
    ----------
    spearman : numpy.ndarray, shape (k, k)
        Rank correlations.
    vif : numpy.ndarray, shape (k,)
        1 / (1 - R2) of each item on the others; infinite where one is their sum.
    eigenvalues : numpy.ndarray, shape (k,)
        Of the Pearson correlation matrix, largest first.
    first_share : float
        Largest eigenvalue / k: share of all variance on one line.
    n : int
        Rows used (persons, or person-periods).
    """

    spearman: np.ndarray
    vif: np.ndarray
    eigenvalues: np.ndarray
    first_share: float
    n: int


@dataclass(frozen=True)
class OneFactor:
    """Maximum-likelihood one-factor model of a correlation matrix.

    Attributes
    ----------
    loadings, uniquenesses : numpy.ndarray, shape (k,)
        Loadings have a positive sum.
    omega : float
        (sum loadings)^2 / ((sum loadings)^2 + sum uniquenesses).
    heywood : bool
        True when a uniqueness sits at its limit: read the loadings with care.
    """

    loadings: np.ndarray
    uniquenesses: np.ndarray
    omega: float
    heywood: bool


@dataclass(frozen=True)
class Scale:
    """Item statistics of a sum score.

    Attributes
    ----------
    alpha_raw, alpha_std : float
        Cronbach's alpha from covariances and from correlations.
    item_total : numpy.ndarray, shape (k,)
        Correlation of each item with the sum it is part of: too high by construction.
    item_rest : numpy.ndarray, shape (k,)
        Correlation with the sum of the others.
    n : int
        Complete rows.
    """

    alpha_raw: float
    alpha_std: float
    item_total: np.ndarray
    item_rest: np.ndarray
    n: int


@dataclass(frozen=True)
class IntraclassCorrelations:
    """The six forms of Shrout and Fleiss: rater model 1, 2, 3, one rating or the mean of k."""

    icc1: float
    icc2: float
    icc3: float
    icc1k: float
    icc2k: float
    icc3k: float
    n: int
    k: int


def overlap_between(items: np.ndarray, person: np.ndarray) -> Overlap:
    """Overlap of items across persons, each person once (his means).

    Parameters
    ----------
    items : numpy.ndarray, shape (n, k)
        Scores in points; incomplete rows are left out.
    person : numpy.ndarray, shape (n,)
        Who.

    Raises
    ------
    NotEnoughData
        With fewer than `MIN_PEOPLE` persons or an item that is the same for all.
    """
    items, codes = _complete(items, person)
    return _overlap(_person_means(items, codes), "between persons")


def overlap_within(items: np.ndarray, person: np.ndarray) -> Overlap:
    """Overlap of items inside persons: deviations from each person's own means.

    Parameters and errors as `overlap_between`.
    """
    items, codes = _complete(items, person)
    return _overlap(items - _person_means(items, codes)[codes], "within persons")


def vif(columns: np.ndarray) -> np.ndarray:
    """Variance inflation of each column: 1 / (1 - R2) on the others and an intercept.

    Parameters
    ----------
    columns : numpy.ndarray, shape (n, k)
        No gaps.

    Returns
    -------
    numpy.ndarray, shape (k,)
        Infinite for a column that the others determine.
    """
    columns = np.asarray(columns, dtype=float)
    centred = columns - columns.mean(axis=0)
    scaled = centred / np.sqrt((centred**2).sum(axis=0))
    inflation = np.empty(scaled.shape[1])
    for j in range(scaled.shape[1]):
        others = np.delete(scaled, j, axis=1)
        left = scaled[:, j] - others @ np.linalg.lstsq(others, scaled[:, j], rcond=None)[0]
        unexplained = left @ left
        # Rounding leaves about 1e-30 where a column is an exact sum of the others.
        inflation[j] = np.inf if unexplained < 1e-20 else 1 / unexplained
    return inflation


def one_factor(correlations: np.ndarray) -> OneFactor:
    """Fit one common factor by maximum likelihood (as R's factanal with factors = 1).

    Parameters
    ----------
    correlations : numpy.ndarray, shape (k, k)
        Correlation matrix of at least three items, not singular.

    Raises
    ------
    ValueError
        With fewer than three items, or a singular matrix (an item that is the sum of the others).

    References
    ----------
    Joreskog 1967; Lawley & Maxwell 1971, chapter 4.
    """
    matrix = np.asarray(correlations, dtype=float)
    k = len(matrix)
    if k < 3:
        raise ValueError(f"{k} items; one factor needs at least three")
    if np.linalg.eigvalsh(matrix)[0] < 1e-10:
        raise ValueError("the correlation matrix is singular: one item is the sum of others. Leave it out")

    def discrepancy(uniqueness: np.ndarray) -> tuple[float, np.ndarray]:
        scale = 1 / np.sqrt(uniqueness)
        values, vectors = np.linalg.eigh(matrix * np.outer(scale, scale))
        rest = values[:-1]
        loading = vectors[:, -1] * np.sqrt(max(values[-1] - 1, 0)) * np.sqrt(uniqueness)
        implied = np.outer(loading, loading) + np.diag(uniqueness)
        gradient = np.diag(implied - matrix) / uniqueness**2
        return float(np.sum(rest - np.log(rest)) - (k - 1)), gradient

    start = (1 - 0.5 / k) / np.diag(np.linalg.inv(matrix))
    best = optimize.minimize(
        discrepancy, start, jac=True, method="L-BFGS-B", bounds=[(MIN_UNIQUENESS, 1)] * k,
        options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 1000},
    )  # fmt: skip
    uniqueness = best.x
    scale = 1 / np.sqrt(uniqueness)
    values, vectors = np.linalg.eigh(matrix * np.outer(scale, scale))
    loadings = vectors[:, -1] * np.sqrt(max(values[-1] - 1, 0)) * np.sqrt(uniqueness)
    loadings *= np.copysign(1.0, loadings.sum())
    common = loadings.sum() ** 2
    heywood = bool((uniqueness <= MIN_UNIQUENESS * 1.001).any())
    return OneFactor(loadings, uniqueness, float(common / (common + uniqueness.sum())), heywood)


def scale_statistics(items: np.ndarray) -> Scale:
    """Cronbach's alpha and the correlation of each item with the sum and with the rest of it.

    Parameters
    ----------
    items : numpy.ndarray, shape (n, k)
        At least two items; incomplete rows are left out.

    Raises
    ------
    NotEnoughData
        With fewer than three complete rows or an item that never varies.
    """
    items = np.asarray(items, dtype=float)
    items = items[np.isfinite(items).all(axis=1)]
    n = len(items)
    if n < 3:
        raise NotEnoughData(f"only {n} complete rows, at least 3 are needed.")
    _check_varies(items, "scale")
    covariance, correlation = np.cov(items, rowvar=False), np.corrcoef(items, rowvar=False)
    total = items.sum(axis=1)
    item_total = np.array([_pearson(item, total) for item in items.T])
    item_rest = np.array([_pearson(item, total - item) for item in items.T])
    return Scale(_alpha(covariance), _alpha(correlation), item_total, item_rest, n)


def intraclass(ratings: np.ndarray) -> IntraclassCorrelations:
    """Six intraclass correlations of a complete table of targets by raters.

    Parameters
    ----------
    ratings : numpy.ndarray, shape (n, k)
        One line per target (a person), one column per rater (a reading); no gaps.

    Raises
    ------
    NotEnoughData
        With fewer than two targets or two raters.
    ValueError
        With gaps in the table.

    References
    ----------
    Shrout & Fleiss 1979 (Psychological Bulletin 86).
    """
    ratings = np.asarray(ratings, dtype=float)
    n, k = ratings.shape
    if min(n, k) < 2:
        raise NotEnoughData(f"{n} targets by {k} raters; at least two of each are needed.")
    if not np.isfinite(ratings).all():
        raise ValueError("the table has gaps; a rating of every target by every rater was expected")
    grand = ratings.mean()
    targets, raters = ratings.mean(axis=1), ratings.mean(axis=0)
    between = k * np.sum((targets - grand) ** 2) / (n - 1)
    judges = n * np.sum((raters - grand) ** 2) / (k - 1)
    within = np.sum((ratings - targets[:, None]) ** 2) / (n * (k - 1))
    error = np.sum((ratings - targets[:, None] - raters + grand) ** 2) / ((n - 1) * (k - 1))
    one = (between - within) / (between + (k - 1) * within)
    two = (between - error) / (between + (k - 1) * error + k * (judges - error) / n)
    three = (between - error) / (between + (k - 1) * error)
    one_k = (between - within) / between
    two_k = (between - error) / (between + (judges - error) / n)
    three_k = (between - error) / between
    return IntraclassCorrelations(*(float(form) for form in (one, two, three, one_k, two_k, three_k)), n, k)


def _overlap(items: np.ndarray, where: str) -> Overlap:
    _check_varies(items, where)
    k = items.shape[1]
    ranks = mean_ranks(items)
    values = np.linalg.eigvalsh(np.corrcoef(items, rowvar=False))[::-1]
    return Overlap(np.corrcoef(ranks, rowvar=False), vif(items), values, float(values[0] / k), len(items))


def _complete(items: np.ndarray, person: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    items, person = np.asarray(items, dtype=float), np.asarray(person)
    known = np.isfinite(items).all(axis=1)
    people, codes = np.unique(person[known], return_inverse=True)
    if len(people) < MIN_PEOPLE:
        raise NotEnoughData(f"only {len(people)} persons have a reading of every pillar, {MIN_PEOPLE} are needed.")
    return items[known], codes


def _person_means(items: np.ndarray, codes: np.ndarray) -> np.ndarray:
    counts = np.bincount(codes)
    return np.column_stack([np.bincount(codes, weights=item) for item in items.T]) / counts[:, None]


def _check_varies(items: np.ndarray, where: str) -> None:
    still = np.flatnonzero(np.ptp(items, axis=0) < 1e-9)
    if len(still):
        raise NotEnoughData(f"{where}: column {still[0] + 1} of {items.shape[1]} never varies.")


def _alpha(covariance: np.ndarray) -> float:
    k = len(covariance)
    return float(k / (k - 1) * (1 - np.trace(covariance) / covariance.sum()))


def _pearson(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one, other)[0, 1])
