"""Ranges for quantities made of several models: the same person is left out of each.

How much of a link activity explains, whether one stage's link beats another's,
how much of four pillars lies on one line: none of these has a formula for its
standard error that counts persons. Leaving out each person in turn does, and
what is common to the models cancels.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.clusters import Interval, interval, jackknife_interval, leave_one_out
from ssi_audit.stats.distributions import t_quantile, t_tail
from ssi_audit.stats.overlap import MIN_PEOPLE
from ssi_audit.stats.working import ModelFit, factorize

# Shares above this are the whole.
ALL_OF_IT = 1 - 1e-12


def paired_differences(fits: Sequence[ModelFit], reference: ModelFit, column: int = 0) -> list[Interval]:
    """Coefficient of each model minus that of a reference, leaving the same person out of both.

    Parameters
    ----------
    fits : sequence of ModelFit
    reference : ModelFit
        All models label their persons alike. A person who is in one model only changes only that one.
    column : int
        Column of X, the same in all models.

    Raises
    ------
    NotEnoughData
        With fewer than two persons, or when a coefficient cannot be told.
    """
    *deleted, base = _without_each([*fits, reference], column)
    return [
        jackknife_interval(one - base, float(fit.coef[column] - reference.coef[column]))
        for fit, one in zip(fits, deleted, strict=True)
    ]


def share_explained(crude: ModelFit, adjusted: ModelFit, column: int = 0) -> Interval:
    """Share of a coefficient that goes away when other columns join: 1 - adjusted / crude.

    Fieller's range of a ratio: the shares s for which adjusted - (1 - s) crude is not clear of 0. A ratio whose lower
    part is uncertain has a skewed distribution, which the jackknife of the ratio itself does not see. The joint
    variances are those of leaving the same person out of both models, scaled so that the crude coefficient has the
    range that is printed for it: the share's range is then bounded exactly where the crude one is clear of 0.

    Parameters
    ----------
    crude, adjusted : ModelFit
        Both label their persons alike; a person who is in one model only changes only that one.
    column : int
        Column of X, the same in both models.

    Returns
    -------
    Interval
        `se` by the delta method; `t` and `p` ask whether the two coefficients are equal (share 0). Ends are infinite
        where the crude coefficient is not clear of 0.

    Raises
    ------
    NotEnoughData
        With fewer than 8 persons, or when a coefficient cannot be told.

    References
    ----------
    methods.md, claim K4; Fieller (1954), JRSS B 16, 175-185.
    """
    printed = interval(crude, column)
    deleted = np.array(_without_each([crude, adjusted], column))
    spread = deleted - deleted.mean(axis=1, keepdims=True)
    covariance = spread @ spread.T
    covariance *= printed.se**2 / covariance[0, 0]
    below, above = float(crude.coef[column]), float(adjusted.coef[column])

    def error(ratio: float) -> float:
        """Standard error of adjusted - ratio * crude."""
        weights = np.array([-ratio, 1.0])
        return float(np.sqrt(weights @ covariance @ weights))

    with np.errstate(divide="ignore", invalid="ignore"):  # columns without a say: the models are the same
        t = float(np.divide(below - above, error(1.0)))
    (low, high), (low90, high90) = (
        _fieller(below, above, covariance * t_quantile(level, printed.df) ** 2) for level in (0.975, 0.95)
    )
    return Interval(
        estimate=1 - above / below, se=error(above / below) / abs(below), df=printed.df, t=t,
        p=float(2 * t_tail(abs(t), printed.df)), low=low, high=high, low90=low90, high90=high90,
        n_clusters=deleted.shape[1], method="Fieller",
    )  # fmt: skip


def _fieller(below: float, above: float, margins: np.ndarray) -> tuple[float, float]:
    """Shares 1 - r with (above - r below)^2 not over the squared margin of that difference, a parabola in r."""
    a, b, c = below**2 - margins[0, 0], above * below - margins[0, 1], above**2 - margins[1, 1]
    if a <= 0:
        return -np.inf, np.inf
    half = np.sqrt(max(b**2 - a * c, 0.0))
    return float(1 - (b + half) / a), float(1 - (b - half) / a)


def first_share(items: ArrayLike, person: ArrayLike, *, within: bool) -> Interval:
    """Share of the variance of k items on their first principal axis, with a range that counts persons.

    Parameters
    ----------
    items : array, shape (n, k)
        Scores; incomplete rows are left out.
    person : array, shape (n,)
    within : bool
        Deviations from the persons' means; False: the means themselves.

    Returns
    -------
    Interval
        Of the largest eigenvalue of the correlation matrix over k; 1/k without any overlap (in small samples the
        largest of k is always somewhat above). The ends come from a jackknife of the logit, so they lie between 0 and
        1 and allow for the skewness of a share; `se` is that of the share itself.

    Raises
    ------
    NotEnoughData
        With fewer than `overlap.MIN_PEOPLE` persons, or an item that does not vary.
    """
    items = np.asarray(items, float)
    complete = np.isfinite(items).all(axis=1)
    items = items[complete]
    codes, people = factorize(np.asarray(person)[complete])
    n, k = len(people), items.shape[1]
    if n < MIN_PEOPLE:
        raise NotEnoughData(f"only {n} persons have a reading of every pillar, {MIN_PEOPLE} are needed.")
    counts = np.bincount(codes)
    means = np.column_stack([np.bincount(codes, line) for line in items.T]) / counts[:, None]
    if within:
        deviation = items - means[codes]
        products = np.stack([[np.bincount(codes, a * b) for b in deviation.T] for a in deviation.T])
        parts = products.transpose(2, 0, 1)
        whole = parts.sum(axis=0)
        deleted = whole - parts
    else:
        centred = means - means.mean(axis=0)
        parts = centred[:, :, None] * centred[:, None, :]
        whole = parts.sum(axis=0)
        # Without a person the mean of the others moves too: (1 + 1/(n-1)) times his part goes away.
        deleted = whole - parts * n / (n - 1)
    if (np.diag(whole) <= 1e-12 * np.maximum(1, (items**2).sum(axis=0))).any():
        raise NotEnoughData("one of the pillars never varies, so there is nothing to overlap.")
    share, without = float(_top_share(whole[None])[0] / k), _top_share(deleted) / k
    turned = jackknife_interval(_logit(without), float(_logit(share)))
    ends = {name: float(special.expit(getattr(turned, name))) for name in ("low", "high", "low90", "high90")}
    return replace(jackknife_interval(without, share), **ends)


def _logit(share: ArrayLike) -> np.ndarray:
    """Log odds; finite where items are one and the same."""
    return special.logit(np.minimum(share, ALL_OF_IT))


def _top_share(products: np.ndarray) -> np.ndarray:
    """Largest eigenvalue of the correlation matrices that belong to matrices of cross-products."""
    scale = np.sqrt(np.einsum("gii->gi", products))
    return np.linalg.eigvalsh(products / (scale[:, :, None] * scale[:, None, :]))[:, -1]


def _without_each(fits: Sequence[ModelFit], column: int) -> list[np.ndarray]:
    """The coefficient of each model without each person of any model, in one order of persons."""
    everyone = functools.reduce(np.union1d, [fit.clusters for fit in fits])
    found = []
    for fit in fits:
        fit.position(column)
        value = np.full(len(everyone), fit.coef[column])
        value[np.searchsorted(everyone, fit.clusters)] = leave_one_out(fit)[:, column]
        found.append(value)
    return found
