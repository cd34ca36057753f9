"""Poisson and least-squares regressions with one effect per person.

Sellers differ in ways nobody records, so a model of their weeks carries one
effect per seller. The effects are concentrated out, never estimated as
columns: the largest object is the regressors themselves, and rows are visited
in blocks of whole persons. Calendar units stay integer codes for the same
reason. Every model here ends as one weighted least-squares problem, which is
all that `clusters` and `bootstrap` need to know.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ssi_audit.stats.rows import Identified, centre, identify, prepare
from ssi_audit.stats.working import (
    BLOCK_ELEMENTS,
    ModelFit,
    add_gram,
    inverse_root,
    nested,
    person_blocks,
    person_starts,
    row_counts,
    total_gram,
)

# Steps are in units of a column's spread; larger ones are halved, smaller ones end the search.
MAX_STEP = 2.0
TOLERANCE = 1e-9
MAX_ITERATIONS = 60


def fe_poisson(
    y: ArrayLike,
    X: ArrayLike,
    groups: ArrayLike,
    offset: ArrayLike | None = None,
    calendar: ArrayLike | None = None,
    *,
    clusters: ArrayLike | None = None,
) -> ModelFit:
    """Poisson regression with one effect per person, E[y] = exp(effect + X b + calendar + offset).

    Concentrated Newton: given b the effects are known in closed form. The
    slopes equal those of a GLM with person dummies, of conditional Poisson and
    of PPML; y need not be whole numbers.

    Parameters
    ----------
    y : array, shape (n,)
        Counts or other amounts, not negative.
    X : array, shape (n, p) or (n,)
        Regressors. A row with a missing value anywhere is left out and counted.
    groups : array, shape (n,)
        Person of each row; any labels, in any order.
    offset : array, shape (n,), optional
        Added to the linear predictor, for example log(exposure).
    calendar : array, shape (n,), optional
        Calendar unit of each row (sortable); one effect each. Units without an event join the unit before them.
    clusters : array, shape (n,), optional
        Independent unit of each row where it is coarser than `groups`: a person whose score was redefined has two
        effects and is one cluster. Every group lies in one cluster.

    Returns
    -------
    ModelFit

    Raises
    ------
    NotEnoughData
        If nothing is left after persons without an event are dropped.
    ValueError
        If lengths differ, y is negative, a value is infinite or a group lies in two clusters.

    References
    ----------
    Wooldridge (1999), J. Econometrics 90; Santos Silva & Tenreyro (2006), REStat 88.
    """
    if clusters is None:
        return fit_poisson(identify(prepare(y, X, groups, offset, calendar, events=True, absorb=True)))
    codes, cluster_of, labels = nested(groups, clusters)
    fit = fit_poisson(
        identify(prepare(y, X, np.where(codes < 0, np.nan, codes), offset, calendar, events=True, absorb=True))
    )
    kept = cluster_of[fit.people.astype(int)]
    starts = person_starts(kept)
    return replace(fit, cluster_starts=starts, cluster_labels=labels[kept[starts]])


def pooled_poisson(
    y: ArrayLike,
    X: ArrayLike,
    groups: ArrayLike,
    offset: ArrayLike | None = None,
    calendar: ArrayLike | None = None,
) -> ModelFit:
    """Poisson regression with one intercept; `groups` only say which rows belong to one cluster.

    Parameters and errors as in `fe_poisson`; the intercept is the last coefficient.
    """
    return fit_poisson(identify(prepare(y, X, groups, offset, calendar, events=True, absorb=False)))


def fe_ols(y: ArrayLike, X: ArrayLike, groups: ArrayLike, calendar: ArrayLike | None = None) -> ModelFit:
    """Least squares with one effect per person (the within estimator); parameters as in `fe_poisson`."""
    return fit_ols(identify(prepare(y, X, groups, None, calendar, events=False, absorb=True)))


def pooled_ols(y: ArrayLike, X: ArrayLike, groups: ArrayLike, calendar: ArrayLike | None = None) -> ModelFit:
    """Least squares with one intercept, the last coefficient; parameters as in `fe_poisson`."""
    return fit_ols(identify(prepare(y, X, groups, None, calendar, events=False, absorb=False)))


@dataclass(frozen=True, eq=False)
class _State:
    """Log-likelihood, score and information at one value of the coefficients."""

    log_likelihood: float
    score: np.ndarray
    gram: np.ndarray


def fit_poisson(data: Identified, start: np.ndarray | None = None, tolerance: float = TOLERANCE) -> ModelFit:
    """Newton steps on an identified sample, from `start` (columns, then calendar codes from 1 on) if given."""
    sample, q = data.sample, len(data.columns)
    b = np.zeros(q + data.n_units - 1) if start is None else start
    if start is None and not sample.absorbed:
        base = len(sample.y) if sample.offset is None else np.exp(sample.offset).sum()
        b[q - 1] = np.log(sample.y.sum() / base)
    # A step is judged in units of a column's root mean square, so that no choice of units matters.
    squares = np.array([line @ line for line in data.columns])
    spread = np.append(np.sqrt(squares / data.columns.shape[1]), np.ones(data.n_units - 1))
    mu = np.empty(data.columns.shape[1])  # one array for all steps: only the columns are larger
    state = _poisson_state(data, b, mu)
    converged, iterations = len(b) == 0, 0
    while not converged and iterations < MAX_ITERATIONS:
        iterations += 1
        try:
            root = inverse_root(state.gram)
        except np.linalg.LinAlgError:
            break  # no curvature left: the means of a column's rows have run to zero
        step = root @ (root.T @ state.score)
        size = float(np.max(np.abs(step) * spread))
        if size < tolerance:
            converged = True
            break
        if size > MAX_STEP:
            step *= 0.5 ** np.ceil(np.log2(size / MAX_STEP))
        b, state, accepted = _line_search(data, b, step, state, mu)
        if not accepted:
            break
    return _result(data, "poisson", b, mu, mu, state.log_likelihood, converged, iterations)


def _line_search(
    data: Identified, b: np.ndarray, step: np.ndarray, state: _State, mu: np.ndarray
) -> tuple[np.ndarray, _State, bool]:
    """Halve the step until the log-likelihood does not fall (up to rounding); `mu` is filled for the result."""
    floor = state.log_likelihood - 1e-12 * (1 + abs(state.log_likelihood))
    for _ in range(40):
        new = _poisson_state(data, b + step, mu)
        if new.log_likelihood >= floor:
            return b + step, new, True
        step = step / 2
    return b, _poisson_state(data, b, mu), False


def _poisson_state(data: Identified, b: np.ndarray, mu: np.ndarray) -> _State:
    """Everything at `b`; the fitted means are written into `mu`."""
    sample, (q, n_rows) = data.sample, data.columns.shape
    effects = np.append(0.0, b[q:])
    score, gram = np.zeros(len(b)), np.zeros((len(b),) * 2)
    value = 0.0
    for rows, people in person_blocks(sample.starts, n_rows, BLOCK_ELEMENTS // data.n_units):
        y, columns, unit = sample.y[rows], data.columns[:, rows], data.unit[rows]
        starts = sample.starts[people] - rows.start
        eta = b[:q] @ columns
        if data.n_units > 1:
            eta += effects[unit]
        if sample.offset is not None:
            eta += sample.offset[rows]
        if sample.absorbed:
            block, part = _concentrate(y, eta, starts)
        else:
            block = np.exp(np.minimum(eta, 500.0))  # a wild first step: the line search halves it
            part = y @ eta - block.sum()
        value += part
        mu[rows] = block
        residual = y - block
        score[:q] += columns @ residual
        if data.n_units > 1:
            score[q:] += np.bincount(unit, residual, data.n_units)[1:]
        add_gram(gram, columns, unit, data.n_units, block, starts, sample.absorbed)
    return _State(float(value), score, gram)


def _concentrate(y: np.ndarray, eta: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, float]:
    """Means with each person's effect at its best value, and the log-likelihood there."""
    counts = row_counts(starts, len(y))
    eta = eta - np.repeat(np.maximum.reduceat(eta, starts), counts)  # largest is 0: exp cannot overflow
    mean = np.exp(eta)
    events, total = np.add.reduceat(y, starts), np.add.reduceat(mean, starts)
    mean *= np.repeat(events / total, counts)
    return mean, float(y @ eta - events @ np.log(total))


def fit_ols(data: Identified) -> ModelFit:
    """Least squares on an identified sample."""
    sample, q = data.sample, len(data.columns)
    y = centre(sample.y[None].copy(), sample.starts)[0] if sample.absorbed else sample.y
    one = np.ones(len(y))
    gram = total_gram(data.columns, data.unit, data.n_units, one, sample.starts, sample.absorbed)
    root = inverse_root(gram)
    b = root @ (root.T @ np.append(data.columns @ y, np.bincount(data.unit, y, data.n_units)[1:]))
    fitted = b[:q] @ data.columns + np.append(0.0, b[q:])[data.unit]
    if sample.absorbed:
        centre(fitted[None], sample.starts)
    residual = y - fitted
    value = -0.5 * float(residual @ residual)
    return _result(data, "ols", b, sample.y - residual, one, value, True, 1)


def _result(
    data: Identified,
    model: str,
    b: np.ndarray,
    mu: np.ndarray,
    weight: np.ndarray,
    log_likelihood: float,
    converged: bool,
    iterations: int,
) -> ModelFit:
    sample, q = data.sample, len(data.columns)
    coef = np.full(len(sample.columns), np.nan)
    coef[data.kept] = b[:q]
    return ModelFit(
        model=model, absorbed=sample.absorbed, coef=coef, converged=converged, iterations=iterations,
        log_likelihood=log_likelihood, n_rows=len(sample.y), n_people=len(sample.people), n_missing=sample.n_missing,
        n_dropped_people=sample.n_dropped_people, n_single_people=sample.n_single_people,
        dropped_columns=tuple(np.flatnonzero(np.isnan(coef)).tolist()), rows=sample.rows, people=sample.people,
        starts=sample.starts, y=sample.y, mu=mu, weight=weight, columns=data.columns, kept=data.kept,
        unit=data.unit, n_units=data.n_units, calendar_units=sample.units,
        calendar_effects=np.append(0.0, b[q:])[data.calendar_codes],
    )  # fmt: skip
