"""Standard errors and intervals when the persons, not the rows, are the sample.

The weeks of one seller resemble each other, so a model's own standard errors
are far too small. CR2 with Satterthwaite degrees of freedom keeps its promise
from eight persons on; CR1 is enough above two hundred; the linearised
jackknife CV3L is a cross-check and serves functions of several models.

With X~_g the rows of person g, e_g their residuals, M = (X~'X~)^-1 and
B_g = X~_g'X~_g, the CR2 weights are a_g = (I - X~_g M X~_g')^(-1/2) X~_g c.
They equal X~_g q_g with q_g = (I - M B_g)^(-1/2) c, so everything follows
from B_g and the score X~_g'e_g: k x k matrices, whatever the number of weeks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.distributions import t_quantile, t_tail
from ssi_audit.stats.working import ModelFit, by_cluster, cluster_grams, cluster_scores, gram_products, person_blocks

# methods.md section 4: below 8 persons only descriptive figures, above 200 the plain sandwich is as good.
MIN_PEOPLE = 8
MAX_PEOPLE_CR2 = 200
# Directions that one person alone determines: 1 - leverage below this counts as 0.
FULL_LEVERAGE = 1e-8
# With few columns decomposing is as fast as the series.
MIN_COLUMNS_SERIES = 24
MAX_TERMS = 60
SERIES_END = 1e-15


@dataclass(frozen=True)
class Interval:
    """An estimate with its uncertainty, on the scale of the coefficient (log scale in Poisson models).

    Attributes
    ----------
    estimate, se : float
        Coefficient and standard error.
    df : float
        Degrees of freedom of the t distribution used.
    t, p : float
        Statistic and two-sided p of the hypothesis that the coefficient is `null`.
    low, high : float
        95 % interval.
    low90, high90 : float
        90 % interval (two one-sided tests at 5 %).
    n_clusters : int
        Persons.
    method : str
        "CR1", "CR2", "CV3L", "jackknife" or another name of the estimator.
    null : float
        Value tested.
    """

    estimate: float
    se: float
    df: float
    t: float
    p: float
    low: float
    high: float
    low90: float
    high90: float
    n_clusters: int
    method: str
    null: float = 0.0


def t_interval(estimate: float, se: float, df: float, n_clusters: int, method: str, null: float = 0.0) -> Interval:
    """Interval and test from an estimate, its standard error and degrees of freedom."""
    estimate, se, df = float(estimate), float(se), float(df)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = float(np.divide(estimate - null, se))
    wide, narrow = t_quantile([0.975, 0.95], df) * se
    return Interval(
        estimate=estimate, se=se, df=df, t=t, p=float(2 * t_tail(abs(t), df)),
        low=float(estimate - wide), high=float(estimate + wide),
        low90=float(estimate - narrow), high90=float(estimate + narrow),
        n_clusters=int(n_clusters), method=method, null=float(null),
    )  # fmt: skip


def interval(fit: ModelFit, column: int, null: float = 0.0) -> Interval:
    """The recommended interval: CR2 for 8 to 200 persons, CR1 above.

    Raises
    ------
    NotEnoughData
        With fewer than 8 persons (in models with person effects: of at least two rows) no interval is trustworthy.
    """
    n = fit.n_clusters - (fit.n_single_people if fit.absorbed else 0)
    if n < MIN_PEOPLE:
        raise NotEnoughData(f"Only {n} people can be compared, at least {MIN_PEOPLE} are needed.")
    return (cr2 if n <= MAX_PEOPLE_CR2 else cr1)(fit, column, null)


def cr1(fit: ModelFit, column: int, null: float = 0.0) -> Interval:
    """Cluster sandwich with the factor G/(G-1), t with G - 1 degrees of freedom.

    Parameters
    ----------
    fit : ModelFit
    column : int
        Column of X, by position (-1: the intercept of a model without person effects).
    null : float
        Value tested, on the scale of the coefficient.
    """
    at = fit.position(column)
    c = fit.bread[:, at]
    q = len(fit.columns)
    of_person = np.empty(fit.n_people)
    for rows, people in person_blocks(fit.starts, fit.n_rows, fit.n_people):
        weights = c[:q] @ fit.columns[:, rows]
        if fit.n_units > 1:
            weights += np.append(0.0, c[q:])[fit.unit[rows]]
        # Not `fit.residual`: on a long table that is one more column in memory.
        weights *= fit.y[rows] - fit.mu[rows]
        of_person[people] = np.add.reduceat(weights, fit.starts[people] - rows.start)
    scores = by_cluster(fit, of_person)
    n = _at_least_two(fit)
    se = np.sqrt(n / (n - 1) * (scores @ scores))
    return t_interval(fit.coef[column], se, n - 1, n, "CR1", null)


def cr2(fit: ModelFit, column: int, null: float = 0.0) -> Interval:
    """Bias-reduced cluster sandwich with Satterthwaite degrees of freedom.

    Equal to the version with all person dummies; for OLS equal to
    clubSandwich. Parameters as in `cr1`.

    References
    ----------
    Bell & McCaffrey (2002), Survey Methodology 28; Pustejovsky & Tipton (2018), JBES 36,
    https://doi.org/10.1080/07350015.2016.1247004.
    """
    n = _at_least_two(fit)
    at = fit.position(column)
    q = _inverse_root(fit, fit.root[at])
    lever = gram_products(fit, q)
    squares = np.einsum("gi,gi->g", q, cluster_scores(fit)) ** 2
    half = lever @ fit.root
    omega = np.diag(np.einsum("gi,gi->g", lever, q)) - half @ half.T
    df = np.trace(omega) ** 2 / np.sum(omega**2)
    return t_interval(fit.coef[column], np.sqrt(squares.sum()), df, n, "CR2", null)


def leave_one_out(fit: ModelFit) -> np.ndarray:
    """Coefficients without each person in turn, linearised: one Newton step from the full fit.

    Returns
    -------
    ndarray, shape (n_clusters, len(fit.coef))
        Row g belongs to ``fit.clusters[g]``; NaN for dropped columns. A
        direction that person g alone determines keeps its full-sample value.
        Use the same row of several fits for functions of several models.

    References
    ----------
    MacKinnon, Nielsen & Webb (2023), J. Applied Econometrics 38, https://doi.org/10.1002/jae.2969.
    """
    deleted = np.full((fit.n_clusters, len(fit.coef)), np.nan)
    deleted[:, fit.kept] = fit.coef[fit.kept] - deletion_steps(fit)[:, : len(fit.kept)]
    return deleted


def deletion_steps(fit: ModelFit) -> np.ndarray:
    """What each person adds to every coefficient of the working problem, b - b_(g), shape (n_people, k)."""
    scores = cluster_scores(fit) @ fit.root
    steps = np.empty(scores.shape)
    for people, grams in cluster_grams(fit):
        steps[people] = _rescale(fit.root, grams, scores[people], lambda left: 1 / left)
    return steps


def cv3l(fit: ModelFit, column: int, null: float = 0.0) -> Interval:
    """Linearised delete-one-person jackknife around the full estimate, t with G - 1 degrees of freedom.

    Parameters as in `cr1`; `leave_one_out` gives the deleted estimates themselves.
    """
    n = _at_least_two(fit)
    fit.position(column)
    change = leave_one_out(fit)[:, column] - fit.coef[column]
    se = np.sqrt((n - 1) / n * (change @ change))
    return t_interval(fit.coef[column], se, n - 1, n, "CV3L", null)


def jackknife_interval(values: ArrayLike, full: float, null: float = 0.0) -> Interval:
    """Interval of any quantity from its values without each person in turn.

    Parameters
    ----------
    values : array, shape (N,)
        The quantity with person g left out.
    full : float
        The quantity on all persons.

    Returns
    -------
    Interval
        Variance (N-1)/N sum (value - mean)^2, t with N - 1 degrees of freedom.

    Raises
    ------
    NotEnoughData
        With fewer than two values, or when one of them is not a number.
    """
    values = np.asarray(values, float)
    n = len(values)
    if n < 2:
        raise NotEnoughData(f"A jackknife needs at least 2 people, got {n}.")
    if not np.isfinite(values).all():
        lost = int((~np.isfinite(values)).sum())
        raise NotEnoughData(f"Without {lost} of the {n} people the quantity cannot be computed.")
    spread = values - values.mean()
    return t_interval(full, np.sqrt((n - 1) / n * (spread @ spread)), n - 1, n, "jackknife", null)


def _at_least_two(fit: ModelFit) -> int:
    if fit.n_clusters < 2:
        raise NotEnoughData("Differences between persons need at least 2 people, got 1.")
    return fit.n_clusters


def _rescale(
    root: np.ndarray, grams: np.ndarray, vectors: np.ndarray, function: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """L f(I - L'B_g L) v_g for a batch of persons, shape (persons, k); f is 0 at full leverage.

    `vectors` holds one v_g per person, or a single line for all.
    """
    leverage, axes = np.linalg.eigh(root.T @ grams @ root)
    left = 1 - leverage
    factor = np.where(left > FULL_LEVERAGE, function(np.maximum(left, FULL_LEVERAGE)), 0.0)
    turned = np.einsum("gij,gi->gj", axes, np.broadcast_to(vectors, leverage.shape))
    return np.einsum("gij,gj->gi", axes, factor * turned) @ root.T


def _inverse_root(fit: ModelFit, target: np.ndarray) -> np.ndarray:
    """L (I - L'B_g L)^(-1/2) v for every person, shape (persons, k); `target` is v, shape (k,).

    One person among many has little leverage, so the power series of (1 - a)^(-1/2) ends after a few products of B_g
    and a vector, which need only the rows of the person; whoever it does not end for is decomposed. With 100 calendar
    effects that is many times as fast as decomposing everybody.
    """
    root = fit.root
    every = np.arange(fit.n_clusters)
    if fit.n_params < MIN_COLUMNS_SERIES:
        return _decomposed(fit, target, every)
    term = np.repeat(target[None, :], fit.n_clusters, axis=0)
    total = term.copy()
    open_ = every
    for n in range(1, MAX_TERMS + 1):
        term = gram_products(fit, term @ root.T) @ root * ((2 * n - 1) / (2 * n))
        total += term
        open_ = np.flatnonzero(np.abs(term).max(axis=1) > SERIES_END * np.abs(total).max(axis=1))
        if not len(open_):
            break
    total = total @ root.T
    if len(open_):
        total[open_] = _decomposed(fit, target, open_)
    return total


def _decomposed(fit: ModelFit, target: np.ndarray, which: np.ndarray) -> np.ndarray:
    """The same through the eigenvectors of the leverage of some persons, shape (len(which), k)."""
    result = np.empty((fit.n_clusters, fit.n_params))
    for people, grams in cluster_grams(fit):
        chosen = which[(which >= people.start) & (which < people.stop)]
        if len(chosen):
            own = grams[chosen - people.start]
            result[chosen] = _rescale(fit.root, own, target[None, :], lambda left: 1 / np.sqrt(left))
    return result[which]
