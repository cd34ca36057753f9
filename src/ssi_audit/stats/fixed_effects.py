"""Poisson and least-squares regressions with one effect per person.

Sellers differ in ways nobody records, so a model of their weeks carries one
effect per seller. The effects are concentrated out, never estimated as
columns: the largest object is the regressors themselves, and rows are visited
in blocks of whole persons. Calendar units stay integer codes for the same
reason. Every model here ends as one weighted least-squares problem, which is
all that `clusters` and `bootstrap` need to know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ssi_audit.errors import NotEnoughData

# Rows visited at a time: a handful of columns of this length stay in the processor's cache.
BLOCK_ROWS = 1 << 16
# Elements of one batch of per-person matrices (32 MB).
BLOCK_ELEMENTS = 1 << 22
# A column whose variation is explained by the earlier ones up to this share carries no information of its own.
COLLINEAR = 1e-10
MAX_ITERATIONS = 60


@dataclass(frozen=True, eq=False)
class ModelFit:
    """A fitted regression as one weighted least-squares problem, rows sorted by person.

    Attributes
    ----------
    model : {"poisson", "ols", "weighted"}
        Which likelihood; decides what `weight` and `residual` are.
    absorbed : bool
        True when there is one effect per person.
    coef : ndarray, shape (p,) or (p + 1,)
        One per column of the X that was given, NaN for a dropped one. Without
        person effects the intercept comes last.
    converged : bool
        False when the Newton steps did not settle (usually separation: events only at one end of a column).
    iterations : int
        Newton steps taken.
    log_likelihood : float
        Poisson: up to a constant that depends on y only. OLS: minus half the sum of squares.
    n_rows, n_people : int
        Used in the fit.
    n_missing : int
        Rows left out because a value was missing.
    n_dropped_people : int
        Persons without a single event: their effect is minus infinity and they say nothing.
    n_single_people : int
        Persons with one row: with a person effect they say nothing either.
    dropped_columns : tuple of int
        Columns of X without variation (within persons, where effects are absorbed) or explained by others.
    rows : ndarray, shape (n_rows,)
        Positions of the used rows in the arrays that were given.
    people : ndarray, shape (n_people,)
        Labels of the persons, sorted.
    starts : ndarray, shape (n_people,)
        First row of each person.
    y, mu, weight, residual : ndarray, shape (n_rows,)
        Outcome, fitted mean, weight (Poisson: mu; OLS: 1), and y - mu.
    columns : ndarray, shape (q, n_rows)
        The kept columns, one per line; centred within person where effects are absorbed.
    kept : ndarray, shape (q,)
        Position in `coef` of each line of `columns`.
    unit : ndarray, shape (n_rows,)
        Calendar code, 0 is the reference.
    n_units : int
        Number of calendar codes, 1 without a calendar.
    calendar_units, calendar_effects : ndarray
        The calendar units as given, sorted, and their effects (reference 0; merged units share one).
    """

    model: str
    absorbed: bool
    coef: np.ndarray
    converged: bool
    iterations: int
    log_likelihood: float
    n_rows: int
    n_people: int
    n_missing: int
    n_dropped_people: int
    n_single_people: int
    dropped_columns: tuple[int, ...]
    rows: np.ndarray
    people: np.ndarray
    starts: np.ndarray
    y: np.ndarray
    mu: np.ndarray
    weight: np.ndarray
    residual: np.ndarray
    columns: np.ndarray
    kept: np.ndarray
    unit: np.ndarray
    n_units: int
    calendar_units: np.ndarray
    calendar_effects: np.ndarray

    @property
    def n_params(self) -> int:
        """Columns of the working problem: kept columns, then calendar dummies."""
        return len(self.columns) + self.n_units - 1

    @cached_property
    def gram(self) -> np.ndarray:
        """X~'X~, the information matrix of the working problem, shape (k, k)."""
        return total_gram(self.columns, self.unit, self.n_units, self.weight, self.starts, self.absorbed)

    @cached_property
    def bread(self) -> np.ndarray:
        """M = (X~'X~)^-1, shape (k, k); for OLS without the residual variance."""
        root = self.root
        return root @ root.T

    @cached_property
    def root(self) -> np.ndarray:
        """A matrix L with LL' = M, shape (k, k)."""
        if not self.converged:
            raise NotEnoughData(
                "The model did not settle: in these data one column separates rows with and without events."
            )
        return inverse_root(self.gram)

    @cached_property
    def design(self) -> np.ndarray:
        """X~: weighted and (where effects are absorbed) weighted-demeaned columns, shape (n_rows, k)."""
        dummies = (self.unit[:, None] == np.arange(1, self.n_units)).astype(float)
        design = np.column_stack([self.columns.T, dummies])
        if self.absorbed:
            total = np.add.reduceat(self.weight, self.starts)
            mean = np.add.reduceat(design * self.weight[:, None], self.starts, axis=0) / total[:, None]
            design -= np.repeat(mean, self.counts, axis=0)
        return design * np.sqrt(self.weight)[:, None]

    @property
    def pearson(self) -> np.ndarray:
        """Pearson residuals e = (y - mu)/sqrt(weight), shape (n_rows,)."""
        return self.residual / np.sqrt(self.weight)

    @property
    def counts(self) -> np.ndarray:
        """Rows per person, shape (n_people,)."""
        return np.diff(np.append(self.starts, self.n_rows))

    def position(self, column: int) -> int:
        """Line of the working problem that holds a column of X (-1: the intercept, without person effects).

        Raises
        ------
        IndexError
            If there is no such column.
        NotEnoughData
            If the column was dropped: its coefficient cannot be told from these data.
        """
        column = range(len(self.coef))[column]
        if column in self.dropped_columns:
            why = "vary within persons" if self.absorbed else "vary"
            raise NotEnoughData(f"Column {column} does not {why} on its own in the {self.n_rows} rows used.")
        return int(np.searchsorted(self.kept, column))


def fe_poisson(
    y: ArrayLike,
    X: ArrayLike,
    groups: ArrayLike,
    offset: ArrayLike | None = None,
    calendar: ArrayLike | None = None,
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

    Returns
    -------
    ModelFit

    Raises
    ------
    NotEnoughData
        If nothing is left after persons without an event are dropped.
    ValueError
        If lengths differ, y is negative or a value is infinite.

    References
    ----------
    Wooldridge (1999), J. Econometrics 90; Santos Silva & Tenreyro (2006), REStat 88.
    """
    return _fit_poisson(_prepare(y, X, groups, offset, calendar, events=True, absorb=True))


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
    return _fit_poisson(_prepare(y, X, groups, offset, calendar, events=True, absorb=False))


def fe_ols(y: ArrayLike, X: ArrayLike, groups: ArrayLike, calendar: ArrayLike | None = None) -> ModelFit:
    """Least squares with one effect per person (the within estimator); parameters as in `fe_poisson`."""
    return _fit_ols(_prepare(y, X, groups, None, calendar, events=False, absorb=True))


def pooled_ols(y: ArrayLike, X: ArrayLike, groups: ArrayLike, calendar: ArrayLike | None = None) -> ModelFit:
    """Least squares with one intercept, the last coefficient; parameters as in `fe_poisson`."""
    return _fit_ols(_prepare(y, X, groups, None, calendar, events=False, absorb=False))


def weighted_fit(coef: ArrayLike, X: ArrayLike, weight: ArrayLike, residual: ArrayLike, groups: ArrayLike) -> ModelFit:
    """Wrap the last step of any GLM with a canonical link, so that `clusters` can be used on it.

    Parameters
    ----------
    coef : array, shape (p,)
        The estimates.
    X : array, shape (n, p)
        All columns of the model, the intercept among them if there is one.
    weight : array, shape (n,)
        Weights of the last weighted least-squares step, above 0 (logit: m p (1 - p)).
    residual : array, shape (n,)
        Outcome minus fitted mean, so that X'residual is the score (logit: successes - m p).
    groups : array, shape (n,)
        Cluster of each row.
    """
    coef, X = np.asarray(coef, float), np.asarray(X, float)
    codes, people = factorize(groups)
    rows = np.argsort(codes, kind="stable")
    starts = _starts(codes[rows])
    n = len(rows)
    residual = np.asarray(residual, float)[rows]
    return ModelFit(
        model="weighted", absorbed=False, coef=coef, converged=True, iterations=0, log_likelihood=np.nan,
        n_rows=n, n_people=len(people), n_missing=0, n_dropped_people=0, n_single_people=0, dropped_columns=(),
        rows=rows, people=people, starts=starts, y=residual, mu=np.zeros(n),
        weight=np.asarray(weight, float)[rows], residual=residual, columns=np.ascontiguousarray(X[rows].T),
        kept=np.arange(len(coef)), unit=np.zeros(n, int), n_units=1, calendar_units=np.array([]),
        calendar_effects=np.array([]),
    )  # fmt: skip


# ---- matrices of the working problem ---------------------------------------------------------------------


def person_blocks(starts: np.ndarray, n_rows: int, max_people: int) -> Iterator[tuple[slice, slice]]:
    """Cut rows into blocks of whole persons: pairs (rows, persons), about `BLOCK_ROWS` rows each."""
    n_people = len(starts)
    first = 0
    while first < n_people:
        last = int(np.searchsorted(starts, starts[first] + BLOCK_ROWS, side="left"))
        last = min(max(last, first + 1), first + max(max_people, 1), n_people)
        end = n_rows if last == n_people else int(starts[last])
        yield slice(int(starts[first]), end), slice(first, last)
        first = last


def total_gram(
    columns: np.ndarray, unit: np.ndarray, n_units: int, weight: np.ndarray, starts: np.ndarray, absorbed: bool
) -> np.ndarray:
    """Weighted cross-products of columns and calendar dummies, demeaned within person if absorbed; (k, k)."""
    q, n_rows = columns.shape
    gram = np.zeros((q + n_units - 1,) * 2)
    for rows, people in person_blocks(starts, n_rows, BLOCK_ELEMENTS // max(n_units, 1)):
        local = starts[people] - rows.start
        _add_gram(gram, columns[:, rows], unit[rows], n_units, weight[rows], local, absorbed)
    return gram


def _add_gram(
    gram: np.ndarray,
    columns: np.ndarray,
    unit: np.ndarray,
    n_units: int,
    weight: np.ndarray,
    starts: np.ndarray,
    absorbed: bool,
) -> None:
    q = len(columns)
    weighted = columns * weight
    gram[:q, :q] += columns @ weighted.T
    if n_units > 1:
        cross = [np.bincount(unit, line, n_units)[1:] for line in weighted]
        if q:
            gram[:q, q:] += cross
            gram[q:, :q] += np.transpose(cross)
        np.einsum("ii->i", gram[q:, q:])[...] += np.bincount(unit, weight, n_units)[1:]
    if absorbed:
        sums = np.add.reduceat(weighted, starts, axis=1)
        if n_units > 1:
            calendar = person_unit_sums(unit, n_units, weight, starts)
            sums = np.vstack([sums, calendar[:, 1:].T])
        gram -= (sums / np.add.reduceat(weight, starts)) @ sums.T


def person_unit_sums(unit: np.ndarray, n_units: int, values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Sum values over the rows of each person and calendar unit, shape (persons, n_units)."""
    counts = np.diff(np.append(starts, len(unit)))
    cell = np.repeat(np.arange(len(starts)) * n_units, counts) + unit
    return np.bincount(cell, values, len(starts) * n_units).reshape(len(starts), n_units)


def cluster_grams(fit: ModelFit) -> Iterator[tuple[slice, np.ndarray]]:
    """X~_g'X~_g of each person, in batches: pairs (persons, array of shape (persons in batch, k, k))."""
    q, k = len(fit.columns), fit.n_params
    for rows, people in person_blocks(fit.starts, fit.n_rows, BLOCK_ELEMENTS // max(k * k, 1)):
        columns, unit, weight = fit.columns[:, rows], fit.unit[rows], fit.weight[rows]
        starts = fit.starts[people] - rows.start
        weighted = columns * weight
        grams = np.zeros((len(starts), k, k))
        for i in range(q):
            grams[:, i, : i + 1] = np.add.reduceat(weighted[i] * columns[: i + 1], starts, axis=1).T
            grams[:, : i + 1, i] = grams[:, i, : i + 1]
        sums = np.add.reduceat(weighted, starts, axis=1).T
        if fit.n_units > 1:
            for i in range(q):
                cross = person_unit_sums(unit, fit.n_units, weighted[i], starts)[:, 1:]
                grams[:, i, q:] = cross
                grams[:, q:, i] = cross
            calendar = person_unit_sums(unit, fit.n_units, weight, starts)[:, 1:]
            np.einsum("gii->gi", grams[:, q:, q:])[...] = calendar
            sums = np.hstack([sums, calendar])
        if fit.absorbed:
            total = np.add.reduceat(weight, starts)
            grams -= sums[:, :, None] * (sums / total[:, None])[:, None, :]
        yield people, grams


def cluster_scores(fit: ModelFit) -> np.ndarray:
    """X~_g'e_g of each person, shape (n_people, k)."""
    # Residuals of a person add up to 0 where effects are absorbed, so the columns need no demeaning here.
    scores = np.add.reduceat(fit.columns * fit.residual, fit.starts, axis=1).T
    if fit.n_units == 1:
        return scores
    calendar = person_unit_sums(fit.unit, fit.n_units, fit.residual, fit.starts)
    return np.hstack([scores, calendar[:, 1:]])


def inverse_root(gram: np.ndarray) -> np.ndarray:
    """A matrix L with LL' = gram^-1, through the Cholesky factor of the matrix scaled to a unit diagonal."""
    scale = np.sqrt(np.diag(gram))
    factor = np.linalg.cholesky(gram / np.outer(scale, scale))
    return np.linalg.inv(factor).T / scale[:, None]


# ---- preparation of the data -----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Data:
    """Sorted, checked and thinned input of a fit; fields as in `ModelFit`."""

    absorbed: bool
    n_coef: int
    y: np.ndarray
    columns: np.ndarray
    kept: np.ndarray
    offset: np.ndarray | None
    unit: np.ndarray
    n_units: int
    calendar_units: np.ndarray
    calendar_codes: np.ndarray
    starts: np.ndarray
    people: np.ndarray
    rows: np.ndarray
    n_missing: int
    n_dropped_people: int
    n_single_people: int

    def spread(self) -> np.ndarray:
        """Unit in which a Newton step is judged: a column's root mean square (dummies: 1), shape (k,)."""
        size = np.sqrt(np.einsum("ij,ij->i", self.columns, self.columns) / len(self.y))
        return np.append(size, np.ones(self.n_units - 1))


def _prepare(
    y: ArrayLike,
    X: ArrayLike,
    groups: ArrayLike,
    offset: ArrayLike | None,
    calendar: ArrayLike | None,
    *,
    events: bool,
    absorb: bool,
) -> _Data:
    y = np.asarray(y, float)
    X = np.asarray(X, float)
    X = X[:, None] if X.ndim == 1 else X
    offset = None if offset is None else np.asarray(offset, float)
    codes, people = factorize(groups)
    unit, units = (np.zeros(len(y), int), np.array([])) if calendar is None else factorize(calendar)
    _check_input(y, X, codes, offset, unit, events)

    complete = np.isfinite(y) & np.isfinite(X).all(axis=1) & (codes >= 0) & (unit >= 0)
    if offset is not None:
        complete &= np.isfinite(offset)
    keep, n_no_event, n_single = complete, 0, 0
    if absorb:
        keep, n_no_event, n_single = _drop_people(codes, y if events else None, complete)
    if not keep.any() or (events and not y[keep].any()):
        who = "person with an event and at least two rows" if absorb and events else "row with an event"
        raise NotEnoughData(f"No {who} is left: {int(complete.sum())} of {len(y)} rows are complete.")

    rows = _sorted_rows(codes, keep)
    starts = _starts(codes[rows])
    y = y[rows]
    if absorb:
        columns, varies = _centre(np.ascontiguousarray(X[rows].T), starts)
    else:
        columns, varies = np.vstack([X[rows].T, np.ones(len(y))]), np.ones(X.shape[1] + 1, bool)
    merged = _merge_units(unit[rows], y if events else np.ones(len(y)), len(units))
    unit = merged[unit[rows]]
    usable, independent = _independent(columns, varies, unit, int(merged.max()) + 1, starts, absorb)
    recoded = np.where(independent, np.cumsum(independent) - 1, 0)
    return _Data(
        absorbed=absorb, y=y, columns=columns[usable], n_coef=len(usable), kept=np.flatnonzero(usable),
        offset=None if offset is None else offset[rows], unit=recoded[unit], n_units=int(independent.sum()),
        calendar_units=np.asarray(units), calendar_codes=recoded[merged], starts=starts,
        people=np.asarray(people)[codes[rows][starts]], rows=rows, n_missing=int((~complete).sum()),
        n_dropped_people=n_no_event, n_single_people=n_single,
    )  # fmt: skip


def factorize(labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Sorted labels and the code of each row (-1: missing)."""
    labels = labels if isinstance(labels, pd.Series | pd.Index | pd.Categorical) else np.asarray(labels)
    codes, unique = pd.factorize(labels, sort=True)
    return codes, np.asarray(unique)


def _check_input(
    y: np.ndarray, X: np.ndarray, codes: np.ndarray, offset: np.ndarray | None, unit: np.ndarray, events: bool
) -> None:
    lengths = {"y": len(y), "X": len(X), "groups": len(codes), "calendar": len(unit)}
    if offset is not None:
        lengths["offset"] = len(offset)
    if len(set(lengths.values())) > 1:
        raise ValueError("All inputs need one value per row, got " + ", ".join(f"{k}: {n}" for k, n in lengths.items()))
    for name, values in {"y": y, "X": X, "offset": offset}.items():
        if values is not None and np.isinf(values).any():
            raise ValueError(f"{name} holds infinite values; leave those rows out or mark them as missing.")
    if events and (y < 0).any():
        raise ValueError(f"Counts cannot be negative; the smallest y is {np.nanmin(y):g}.")


def _drop_people(codes: np.ndarray, y: np.ndarray | None, complete: np.ndarray) -> tuple[np.ndarray, int, int]:
    """Rows of persons who carry information, and how many have no event or only one row."""
    n_people = int(codes.max(initial=-1)) + 1
    n_rows = np.bincount(codes[complete], minlength=n_people)
    eventful = n_rows > 0
    if y is not None:
        eventful &= np.bincount(codes[complete], y[complete], n_people) > 0
    useful = eventful & (n_rows > 1)
    # Rows without a person have code -1 and are not complete, so what they look up does not matter.
    keep = complete & useful[codes] if n_people else complete
    return keep, int((n_rows > 0).sum() - eventful.sum()), int(eventful.sum() - useful.sum())


def _sorted_rows(codes: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Positions of the kept rows, by person, in their given order within a person."""
    rows = np.flatnonzero(keep)
    picked = codes[rows]
    if (picked[1:] >= picked[:-1]).all():
        return rows
    return rows[np.argsort(picked, kind="stable")]


def _starts(codes: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.diff(codes, prepend=-1))


def _centre(columns: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns minus their mean within person (in place), and which of them vary within persons."""
    counts = np.diff(np.append(starts, columns.shape[1]))
    varies = np.zeros(len(columns), bool)
    for j, line in enumerate(columns):
        size = np.abs(line).max()
        line -= np.repeat(np.add.reduceat(line, starts) / counts, counts)
        varies[j] = np.abs(line).max() > COLLINEAR * size
    return columns, varies


def _merge_units(unit: np.ndarray, amount: np.ndarray, n_units: int) -> np.ndarray:
    """New code of each calendar unit: one without events joins the unit before it (the first ones: after)."""
    eventful = np.bincount(unit, amount, max(n_units, 1)) > 0
    return np.maximum(np.cumsum(eventful) - 1, 0)


def _independent(
    columns: np.ndarray, varies: np.ndarray, unit: np.ndarray, n_units: int, starts: np.ndarray, absorb: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Which columns and which calendar units have a coefficient of their own (the first unit: reference).

    Intercept and calendar come first, then the columns as given: what the
    calendar explains is dropped from the columns, never the reverse.
    """
    q = len(columns)
    gram = total_gram(columns, unit, n_units, np.ones(len(unit)), starts, absorb)
    order = np.concatenate([np.arange(q, len(gram)), np.arange(q)])
    if not absorb:
        order = np.concatenate([[q - 1], order[:-1]])
    possible = np.append(varies, np.ones(n_units - 1, bool))
    chosen = np.zeros(len(gram), bool)
    chosen[_sweep(gram, order[possible[order]])] = True
    return chosen[:q], np.append(True, chosen[q:])


def _sweep(gram: np.ndarray, order: np.ndarray) -> list[int]:
    """Columns that earlier ones do not explain, by Cholesky factorisation in the given order."""
    diagonal = np.diag(gram)
    order = order[diagonal[order] > 0]
    scale = np.sqrt(diagonal[order])
    left = gram[np.ix_(order, order)] / np.outer(scale, scale)
    chosen = []
    for j in range(len(order)):
        pivot = left[j, j]
        if pivot <= COLLINEAR:
            continue
        chosen.append(int(order[j]))
        row = left[j, j + 1 :] / pivot
        left[j + 1 :, j + 1 :] -= np.outer(left[j, j + 1 :], row)
    return chosen


# ---- estimation ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _State:
    """Log-likelihood, score and information at one value of the coefficients."""

    log_likelihood: float
    score: np.ndarray
    gram: np.ndarray
    mu: np.ndarray


def _fit_poisson(data: _Data) -> ModelFit:
    q = len(data.columns)
    b = np.zeros(q + data.n_units - 1)
    if not data.absorbed:
        base = 1.0 if data.offset is None else np.exp(data.offset)
        b[q - 1] = np.log(data.y.sum() / (base * np.ones(len(data.y))).sum())
    spread = data.spread()
    state = _poisson_state(data, b)
    converged, iterations = len(b) == 0, 0
    while not converged and iterations < MAX_ITERATIONS:
        iterations += 1
        try:
            root = inverse_root(state.gram)
        except np.linalg.LinAlgError:
            break  # no curvature left: the means of a column's rows have run to zero
        step = root @ (root.T @ state.score)
        size = float(np.max(np.abs(step) * spread))
        if size < 1e-9:
            converged = True
            break
        if size > 2:
            step *= 0.5 ** np.ceil(np.log2(size / 2))
        b, state, accepted = _line_search(data, b, step, state)
        if not accepted:
            break
    return _result(data, "poisson", b, state.mu, state.mu, state.log_likelihood, converged, iterations)


def _line_search(data: _Data, b: np.ndarray, step: np.ndarray, state: _State) -> tuple[np.ndarray, _State, bool]:
    """Halve the step until the log-likelihood does not fall (up to rounding)."""
    floor = state.log_likelihood - 1e-12 * (1 + abs(state.log_likelihood))
    for _ in range(40):
        new = _poisson_state(data, b + step)
        if new.log_likelihood >= floor:
            return b + step, new, True
        step = step / 2
    return b, state, False


def _poisson_state(data: _Data, b: np.ndarray) -> _State:
    q, n_rows = data.columns.shape
    effects = np.append(0.0, b[q:])
    score, gram, mu = np.zeros(len(b)), np.zeros((len(b),) * 2), np.empty(n_rows)
    value = 0.0
    for rows, people in person_blocks(data.starts, n_rows, BLOCK_ELEMENTS // data.n_units):
        y, columns, unit, starts = (
            data.y[rows],
            data.columns[:, rows],
            data.unit[rows],
            data.starts[people] - rows.start,
        )
        eta = b[:q] @ columns
        if data.n_units > 1:
            eta += effects[unit]
        if data.offset is not None:
            eta += data.offset[rows]
        if data.absorbed:
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
        _add_gram(gram, columns, unit, data.n_units, block, starts, data.absorbed)
    return _State(float(value), score, gram, mu)


def _concentrate(y: np.ndarray, eta: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, float]:
    """Means with each person's effect at its best value, and the log-likelihood there."""
    counts = np.diff(np.append(starts, len(y)))
    eta = eta - np.repeat(np.maximum.reduceat(eta, starts), counts)  # largest is 0: exp cannot overflow
    mean = np.exp(eta)
    events, total = np.add.reduceat(y, starts), np.add.reduceat(mean, starts)
    mean *= np.repeat(events / total, counts)
    return mean, float(y @ eta - events @ np.log(total))


def _fit_ols(data: _Data) -> ModelFit:
    q = len(data.columns)
    y = data.y
    if data.absorbed:
        y = _centre(y[None].copy(), data.starts)[0][0]
    one = np.ones(len(y))
    gram = total_gram(data.columns, data.unit, data.n_units, one, data.starts, data.absorbed)
    cross = np.append(data.columns @ y, np.bincount(data.unit, y, data.n_units)[1:])
    root = inverse_root(gram)
    b = root @ (root.T @ cross)
    fitted = b[:q] @ data.columns + np.append(0.0, b[q:])[data.unit]
    if data.absorbed:
        fitted = _centre(fitted[None], data.starts)[0][0]
    residual = y - fitted
    value = -0.5 * float(residual @ residual)
    return _result(data, "ols", b, data.y - residual, one, value, True, 1)


def _result(
    data: _Data,
    model: str,
    b: np.ndarray,
    mu: np.ndarray,
    weight: np.ndarray,
    log_likelihood: float,
    converged: bool,
    iterations: int,
) -> ModelFit:
    coef = np.full(data.n_coef, np.nan)
    coef[data.kept] = b[: len(data.kept)]
    effects = np.append(0.0, b[len(data.kept) :])
    return ModelFit(
        model=model, absorbed=data.absorbed, coef=coef, converged=converged, iterations=iterations,
        log_likelihood=log_likelihood, n_rows=len(data.y), n_people=len(data.people), n_missing=data.n_missing,
        n_dropped_people=data.n_dropped_people, n_single_people=data.n_single_people,
        dropped_columns=tuple(np.flatnonzero(np.isnan(coef)).tolist()), rows=data.rows, people=data.people,
        starts=data.starts, y=data.y, mu=mu, weight=weight, residual=data.y - mu, columns=data.columns, kept=data.kept,
        unit=data.unit, n_units=data.n_units, calendar_units=data.calendar_units,
        calendar_effects=effects[data.calendar_codes][: len(data.calendar_units)],
    )  # fmt: skip
