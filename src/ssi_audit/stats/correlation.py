"""Correlations that say between whom: rows, persons, or the weeks of one person.

One r over all rows mixes two questions: do sellers with a higher score sell
more, and does a seller sell more in his better weeks? Each is asked on its
own, with an interval that counts persons. Classical formulas are here too,
for comparison and because other programs print them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.bootstrap import PERMUTATIONS, SEED, person_period_matrix, person_permutation, score_wild_bootstrap
from ssi_audit.stats.clusters import jackknife_interval
from ssi_audit.stats.distributions import mean_ranks, normal_quantile, t_tail
from ssi_audit.stats.fixed_effects import fit_ols
from ssi_audit.stats.rows import identify, prepare
from ssi_audit.stats.working import ModelFit, cluster_grams, factorize

# Fisher's z needs N - 3 (Spearman) or N - 4 (Kendall) above 0.
MIN_PEOPLE = 5
# Above this the normal approximation of Kendall's tau is exact to three digits, and permutations are slow.
MAX_PEOPLE_KENDALL = 200
ONE = 1 - 1e-12
# Pairs of persons compared in one go: what fits into the cache of a core.
SIGNS_AT_ONCE = 50_000


@dataclass(frozen=True)
class Correlation:
    """A correlation with its uncertainty.

    Attributes
    ----------
    r : float
    low, high : float
        95 % interval; NaN where none is defined.
    p : float
        Two-sided, of no association.
    df : float
        Degrees of freedom of the interval or the t test; NaN where the p comes from permutations.
    n_people : int
        Persons (or independent rows) behind it.
    n_rows : int
    method : str
        What was computed.
    """

    r: float
    low: float
    high: float
    p: float
    df: float
    n_people: int
    n_rows: int
    method: str


@dataclass(frozen=True)
class RepeatedMeasures:
    """Repeated-measures correlation: the common within-person association.

    Attributes
    ----------
    r : float
    slope : float
        Common within-person slope of y on x.
    df : float
        Rows minus persons minus 1 minus covariates.
    p, low, high : float
        Classical: as if rows within a person were independent. In weekly series they are not: the printed 95 %
        interval covers 87 % (methods.md section 6).
    jackknife_low, jackknife_high : float
        Interval that leaves out one person at a time, on Fisher's z, t with N - 1 degrees of freedom.
    n_people, n_rows : int
    """

    r: float
    slope: float
    df: float
    p: float
    low: float
    high: float
    jackknife_low: float
    jackknife_high: float
    n_people: int
    n_rows: int


# ---- within persons --------------------------------------------------------------------------------------


def rmcorr(
    x: ArrayLike,
    y: ArrayLike,
    groups: ArrayLike,
    covariates: ArrayLike | None = None,
    calendar: ArrayLike | None = None,
) -> RepeatedMeasures:
    """Repeated-measures correlation of x and y, optionally given covariates and calendar effects.

    Parameters
    ----------
    x, y : array, shape (n,)
        Rows with a missing value are left out; persons with one row say nothing.
    groups : array, shape (n,)
        Person of each row.
    covariates : array, shape (n, c), optional
        Taken out of both x and y, within persons (a partial correlation).
    calendar : array, shape (n,), optional
        Calendar unit; its effects are taken out of both.

    Raises
    ------
    NotEnoughData
        If x or y has no variation within persons (given the rest).

    References
    ----------
    Bland & Altman (1995), BMJ 310; Bakdash & Marusich (2017), https://doi.org/10.3389/fpsyg.2017.00456.
    """
    fit = _joint_fit(x, y, groups, covariates, calendar)
    block = _unexplained(fit.gram[None], len(fit.columns))[0]
    r = float(_r_of(block))
    df = fit.n_rows - fit.n_people - (fit.n_params - 2) - 1
    low, high = _fisher(r, 1 / np.sqrt(df - 1)) if df > 1 else (np.nan, np.nan)
    jack_low, jack_high = _jackknife_bounds(fit, r)
    return RepeatedMeasures(
        r=r, slope=float(block[0, 1] / block[0, 0]), df=float(df), p=_t_test_of_r(r, df),
        low=low, high=high, jackknife_low=jack_low, jackknife_high=jack_high,
        n_people=fit.n_people, n_rows=fit.n_rows,
    )  # fmt: skip


def within_correlation(
    x: ArrayLike,
    y: ArrayLike,
    groups: ArrayLike,
    covariates: ArrayLike | None = None,
    calendar: ArrayLike | None = None,
    seed: int = SEED,
) -> Correlation:
    """Within-person correlation as it is reported: person jackknife for the interval, wild bootstrap for p.

    Parameters and errors as in `rmcorr`; `seed` is that of the wild bootstrap.
    """
    both = rmcorr(x, y, groups, covariates, calendar)
    columns = np.column_stack([np.asarray(x, float), *_columns(covariates)])
    test = score_wild_bootstrap(y, columns, groups, calendar=calendar, model="ols", seed=seed)
    return Correlation(
        both.r, both.jackknife_low, both.jackknife_high, test.p, float(both.n_people - 1), both.n_people, both.n_rows,
        "within persons" if covariates is None else "within persons, partial",
    )  # fmt: skip


def _joint_fit(
    x: ArrayLike, y: ArrayLike, groups: ArrayLike, covariates: ArrayLike | None, calendar: ArrayLike | None
) -> ModelFit:
    """One working problem whose columns are the covariates, x and y: its Gram holds every cross-product."""
    columns = np.column_stack([*_columns(covariates), np.asarray(x, float), np.asarray(y, float)])
    sample = prepare(np.zeros(len(columns)), columns, groups, None, calendar, events=False, absorb=True)
    sample = sample.of_several_rows()
    if len(sample.people) < 2:
        raise NotEnoughData(f"Only {len(sample.people)} people have both values more than once, 2 are needed.")
    fit = fit_ols(identify(sample))
    for name, place in (("x", columns.shape[1] - 2), ("y", columns.shape[1] - 1)):
        if place in fit.dropped_columns:
            raise NotEnoughData(f"{name} does not vary within persons on its own in the {fit.n_rows} rows used.")
    return fit


def _unexplained(grams: np.ndarray, q: int) -> np.ndarray:
    """Cross-products of x and y (columns q - 2 and q - 1) free of all other columns, shape (batch, 2, 2)."""
    pair = np.array([q - 2, q - 1])
    rest = np.setdiff1d(np.arange(grams.shape[1]), pair)
    block = grams[:, pair[:, None], pair]
    if len(rest) == 0:
        return block
    scale = np.sqrt(np.maximum(np.einsum("gii->gi", grams)[:, rest], np.finfo(float).tiny))
    inner = grams[:, rest[:, None], rest] / (scale[:, :, None] * scale[:, None, :])
    cross = grams[:, rest[:, None], pair] / scale[:, :, None]
    # A pseudo-inverse: without one person a calendar unit may be empty.
    return block - cross.transpose(0, 2, 1) @ np.linalg.pinv(inner, rcond=1e-10, hermitian=True) @ cross


def _r_of(block: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):  # without one person nothing may vary: there is no r
        return np.clip(block[..., 0, 1] / np.sqrt(block[..., 0, 0] * block[..., 1, 1]), -1, 1)


def _jackknife_bounds(fit: ModelFit, r: float) -> tuple[float, float]:
    """95 % interval of a within correlation, leaving out one person at a time; NaN with fewer than three."""
    if fit.n_people < 3:
        return np.nan, np.nan
    total, q = fit.gram, len(fit.columns)
    deleted = np.concatenate([_r_of(_unexplained(total - grams, q)) for _, grams in cluster_grams(fit)])
    bounds = jackknife_interval(np.arctanh(np.clip(deleted, -ONE, ONE)), np.arctanh(np.clip(r, -ONE, ONE)))
    return float(np.tanh(bounds.low)), float(np.tanh(bounds.high))


def _columns(covariates: ArrayLike | None) -> list[np.ndarray]:
    if covariates is None:
        return []
    covariates = np.asarray(covariates, float)
    return [covariates[:, None] if covariates.ndim == 1 else covariates]


# ---- between persons, and over all rows ------------------------------------------------------------------


def between_spearman(
    x: ArrayLike, y: ArrayLike, groups: ArrayLike, n: int = PERMUTATIONS, seed: int = SEED
) -> Correlation:
    """Spearman's rank correlation of the persons' means.

    Parameters
    ----------
    x, y : array, shape (n,)
        Rows with a missing value are left out.
    groups : array, shape (n,)
        Person of each row.
    n, seed : int
        Permutations of persons for p.

    Raises
    ------
    NotEnoughData
        With fewer than five persons, or when all means of x or y are equal.

    References
    ----------
    Bonett & Wright (2000), https://doi.org/10.1007/BF02294183 (the interval).
    """
    x_mean, y_mean, n_rows = _person_means(x, y, groups)
    n_people = len(x_mean)
    a, b = _standard(mean_ranks(x_mean)), _standard(mean_ranks(y_mean))
    r = float(a @ b)
    low, high = _fisher(r, np.sqrt((1 + r**2 / 2) / (n_people - 3)))
    p = _permutation_p(r, lambda orders: (a[orders] * b).sum(axis=1), n_people, n, seed)
    return Correlation(r, low, high, p, np.nan, n_people, n_rows, "Spearman between persons")


def between_kendall(
    x: ArrayLike, y: ArrayLike, groups: ArrayLike, n: int = PERMUTATIONS, seed: int = SEED
) -> Correlation:
    """Kendall's tau-b of the persons' means; parameters and errors as in `between_spearman`.

    The interval is Fieller's, se .437/(N - 4) squared on the z scale, times what
    ties add to the variance (quota reached takes few values in a year; without
    that factor its intervals hold the truth in 89 to 91 %). Above 200 persons p is the
    normal approximation.
    """
    x_mean, y_mean, n_rows = _person_means(x, y, groups)
    n_people = len(x_mean)
    from scipy.stats import kendalltau  # a second to import

    test = kendalltau(x_mean, y_mean, method="asymptotic")
    r, p = float(test.statistic), float(test.pvalue)
    if n_people <= MAX_PEOPLE_KENDALL:
        a, b = (np.sign(np.subtract.outer(v, v)) for v in (x_mean, y_mean))
        ranks = np.unique(x_mean, return_inverse=True)[1]
        p = _permutation_p(float((a * b).sum()), lambda orders: _concordance(ranks, b, orders), n_people, n, seed)
    low, high = _fisher(r, np.sqrt(0.437 / (n_people - 4) * _tie_factor(x_mean, y_mean)))
    return Correlation(r, low, high, p, np.nan, n_people, n_rows, "Kendall tau-b between persons")


def pooled_spearman(
    x: ArrayLike,
    y: ArrayLike,
    groups: ArrayLike,
    periods: ArrayLike,
    n: int = PERMUTATIONS,
    seed: int = SEED,
) -> Correlation:
    """Spearman over all rows: descriptive only, because rows of one person are not independent.

    No interval; p by handing whole histories of x to other persons
    (`person_permutation` on centred ranks). Parameters as in
    `between_spearman`; `periods` says which rows belong together in time.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    codes, _ = factorize(groups)
    keep = np.isfinite(x) & np.isfinite(y) & (codes >= 0)
    _check_varies(x[keep], y[keep])
    a, b = (mean_ranks(v[keep]) for v in (x, y))
    a, b = a - a.mean(), b - b.mean()
    periods = np.asarray(periods)[keep]
    test = person_permutation(
        person_period_matrix(b, codes[keep], periods)[0], person_period_matrix(a, codes[keep], periods)[0], n, seed
    )
    r = float(a @ b / np.sqrt((a @ a) * (b @ b)))
    n_people = len(np.unique(codes[keep]))
    return Correlation(r, np.nan, np.nan, test.p, np.nan, n_people, int(keep.sum()), "Spearman over all rows")


def _person_means(x: ArrayLike, y: ArrayLike, groups: ArrayLike) -> tuple[np.ndarray, np.ndarray, int]:
    x, y = np.asarray(x, float), np.asarray(y, float)
    codes, people = factorize(groups)
    keep = np.isfinite(x) & np.isfinite(y) & (codes >= 0)
    rows = np.bincount(codes[keep], minlength=len(people))
    seen = rows > 0
    if seen.sum() < MIN_PEOPLE:
        raise NotEnoughData(f"Only {int(seen.sum())} people have both values, at least {MIN_PEOPLE} are needed.")
    means = [np.bincount(codes[keep], v[keep], len(people))[seen] / rows[seen] for v in (x, y)]
    _check_varies(*means)
    return means[0], means[1], int(keep.sum())


def _check_varies(x: np.ndarray, y: np.ndarray) -> None:
    for name, values in (("x", x), ("y", y)):
        if len(values) == 0 or np.ptp(values) == 0:
            raise NotEnoughData(f"All values of {name} are the same: there is nothing to correlate.")


def _standard(values: np.ndarray) -> np.ndarray:
    values = values - values.mean()
    return values / np.sqrt(values @ values)


def _concordance(ranks: np.ndarray, b: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """Agreeing minus disagreeing pairs, each counted twice, for each order of `ranks` against the signs `b`.

    Whole numbers below 2^24, so small types hold them exactly however they are added.
    """
    ranks, b = ranks.astype(np.int16), b.astype(np.float32).ravel()
    at_once = max(1, SIGNS_AT_ONCE // len(b))
    found = []
    for start in range(0, len(orders), at_once):
        placed = ranks[orders[start : start + at_once]]
        signs = placed[:, :, None] - placed[:, None, :]
        found.append(np.sign(signs, out=signs).reshape(len(placed), -1).astype(np.float32) @ b)
    return np.concatenate(found).astype(float)


def _permutation_p(
    observed: float, statistic: Callable[[np.ndarray], np.ndarray], n_people: int, n: int, seed: int
) -> float:
    """Share of orders of persons at least as extreme, the data's own order counted."""
    reached = (np.abs(statistic(_orders(n_people, n, seed))) >= abs(observed) * (1 - 1e-9)).sum()
    return float((1 + reached) / (n + 1))


@lru_cache(maxsize=1)
def _orders(n_people: int, n: int, seed: int) -> np.ndarray:
    """Random orders of persons, shape (n, n_people): the same for every pair of score and outcome, so drawn once."""
    orders = np.random.default_rng(seed).permuted(np.tile(np.arange(n_people), (n, 1)), axis=1)
    orders.flags.writeable = False
    return orders


def _tie_factor(x: np.ndarray, y: np.ndarray) -> float:
    """Variance of Kendall's tau-b under independence with these ties, over that without any (Kendall 1970, ch. 4)."""
    n = len(x)
    pairs = n * (n - 1.0)
    (x_two, x_three, x_own), (y_two, y_three, y_own) = (_tied(v) for v in (x, y))
    tied = (pairs * (2 * n + 5) - x_own - y_own) / 18
    tied += x_two * y_two / (2 * pairs) + x_three * y_three / (9 * pairs * (n - 2))
    return float(tied / ((1 - x_two / pairs) * (1 - y_two / pairs)) / (pairs * (2 * n + 5) / 18))


def _tied(values: np.ndarray) -> tuple[float, float, float]:
    """Sums of t(t-1), t(t-1)(t-2) and t(t-1)(2t+5) over groups of t equal values."""
    t = np.unique(values, return_counts=True)[1].astype(float)
    two = t * (t - 1)
    return float(two.sum()), float((two * (t - 2)).sum()), float((two * (2 * t + 5)).sum())


# ---- classical, for independent rows ---------------------------------------------------------------------


def simple_correlation(
    x: ArrayLike, y: ArrayLike, covariates: ArrayLike | None = None, method: str = "pearson"
) -> Correlation:
    """Pearson, Spearman or Kendall of independent rows; Pearson and Spearman also given covariates.

    Parameters
    ----------
    x, y : array, shape (n,)
    covariates : array, shape (n, c), optional
        Held constant, through the inverse of the correlation matrix (of ranks, for Spearman).
    method : {"pearson", "spearman", "kendall"}
        p from t with n - 2 - c degrees of freedom, for Kendall the normal approximation corrected for ties.
    """
    if method not in ("pearson", "spearman", "kendall"):
        raise ValueError(f'method is "pearson", "spearman" or "kendall", got {method!r}')
    if method == "kendall" and covariates is not None:
        raise ValueError("Kendall's tau has no partial form here; use Spearman.")
    data = _complete(x, y, covariates)
    n, c = len(data), data.shape[1] - 2
    if method == "kendall":
        from scipy.stats import kendalltau

        test = kendalltau(data[:, 0], data[:, 1], method="asymptotic")
        low, high = _fisher(test.statistic, np.sqrt(0.437 / (n - 4) * _tie_factor(data[:, 0], data[:, 1])))
        return Correlation(float(test.statistic), low, high, float(test.pvalue), np.nan, n, n, "Kendall tau-b")
    if method == "spearman":
        data = mean_ranks(data)
    inverse = np.linalg.inv(np.corrcoef(data, rowvar=False)) if c else None
    r = (
        np.corrcoef(data, rowvar=False)[0, 1]
        if inverse is None
        else -inverse[0, 1] / np.sqrt(inverse[0, 0] * inverse[1, 1])
    )
    spread = (1 + r**2 / 2) if method == "spearman" else 1.0
    low, high = _fisher(r, np.sqrt(spread / (n - 3 - c)))
    name = method.capitalize() + (", partial" if c else "")
    return Correlation(float(r), low, high, _t_test_of_r(r, n - 2 - c), float(n - 2 - c), n, n, name)


def semipartial_correlation(x: ArrayLike, y: ArrayLike, covariates: ArrayLike) -> Correlation:
    """Pearson correlation of y with the part of x that the covariates do not explain (independent rows)."""
    data = _complete(x, y, covariates)
    n, c = len(data), data.shape[1] - 2
    others = np.column_stack([np.ones(n), data[:, 2:]])
    left = data[:, 0] - others @ np.linalg.lstsq(others, data[:, 0], rcond=None)[0]
    r = float(_standard(left) @ _standard(data[:, 1]))
    low, high = _fisher(r, 1 / np.sqrt(n - 3 - c))
    df = n - 2 - c
    return Correlation(r, low, high, _t_test_of_r(r, df), float(df), n, n, "Pearson, semipartial")


def _complete(x: ArrayLike, y: ArrayLike, covariates: ArrayLike | None) -> np.ndarray:
    data = np.column_stack([np.asarray(x, float), np.asarray(y, float), *_columns(covariates)])
    data = data[np.isfinite(data).all(axis=1)]
    needed = data.shape[1] + 3
    if len(data) < needed:
        raise NotEnoughData(f"Only {len(data)} complete rows, at least {needed} are needed.")
    _check_varies(data[:, 0], data[:, 1])
    return data


def _fisher(r: float, se: float) -> tuple[float, float]:
    """95 % interval of a correlation through Fisher's z with a given standard error."""
    z, wide = np.arctanh(np.clip(r, -ONE, ONE)), normal_quantile(0.975) * se
    return float(np.tanh(z - wide)), float(np.tanh(z + wide))


def _t_test_of_r(r: float, df: float) -> float:
    if df < 1:
        return np.nan
    t = abs(r) * np.sqrt(df / max(1 - r**2, np.finfo(float).tiny))
    return float(2 * t_tail(t, df))
