"""A fitted regression as one weighted least-squares problem, and its matrices.

Everything about uncertainty follows from a few k x k matrices: the total
information, each person's part of it, and each person's score. They are built
from the columns and the integer calendar codes in blocks of whole persons, so
neither person dummies nor calendar dummies nor a T x T matrix ever exists.
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


@dataclass(frozen=True, eq=False)
class ModelFit:
    """A fitted regression as one weighted least-squares problem, rows sorted by person.

    Attributes
    ----------
    model : {"poisson", "ols", "weighted"}
        Which likelihood; decides what `weight` is.
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
        Persons with one row. They stay in, but with a person effect they say nothing about the slopes.
    dropped_columns : tuple of int
        Columns of X without variation (within persons, where effects are absorbed) or explained by others.
    rows : ndarray, shape (n_rows,)
        Positions of the used rows in the arrays that were given.
    people : ndarray, shape (n_people,)
        Labels of the persons, sorted.
    starts : ndarray, shape (n_people,)
        First row of each person.
    y, mu, weight : ndarray, shape (n_rows,)
        Outcome, fitted mean, weight (Poisson: mu; OLS: 1).
    columns : ndarray, shape (q, n_rows)
        The kept columns, one per line; centred within person where effects are absorbed.
    kept : ndarray, shape (q,)
        Position in `coef` of each line of `columns`.
    unit : ndarray, shape (n_rows,)
        Calendar code, 0 is the reference.
    n_units : int
        Number of calendar codes, 1 without a calendar.
    calendar_units, calendar_effects : ndarray
        The calendar units as given, sorted, and their effects (reference 0; merged units share one). Without a
        calendar: one unit with effect 0.
    cluster_starts : ndarray, shape (n_clusters,), optional
        First "person" of each cluster, where what is absorbed is finer than a cluster (a person under one definition
        of the score). None: every person is a cluster.
    cluster_labels : ndarray, shape (n_clusters,), optional
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
    columns: np.ndarray
    kept: np.ndarray
    unit: np.ndarray
    n_units: int
    calendar_units: np.ndarray
    calendar_effects: np.ndarray
    cluster_starts: np.ndarray | None = None
    cluster_labels: np.ndarray | None = None

    @property
    def clusters(self) -> np.ndarray:
        """Labels of the clusters, shape (n_clusters,)."""
        return self.people if self.cluster_labels is None else self.cluster_labels

    @property
    def n_clusters(self) -> int:
        """Independent units behind the estimate."""
        return len(self.clusters)

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
            raise NotEnoughData("The model did not settle: one column separates the rows with events from the rest.")
        try:
            return inverse_root(self.gram)
        except np.linalg.LinAlgError as error:
            raise NotEnoughData("Some columns explain each other: their coefficients cannot be told apart.") from error

    @cached_property
    def design(self) -> np.ndarray:
        """X~: weighted and (where effects are absorbed) weighted-demeaned columns, shape (n_rows, k)."""
        dummies = (self.unit[:, None] == np.arange(1, self.n_units)).astype(float)
        design = np.column_stack([self.columns.T, dummies])
        if self.absorbed:
            mean = np.add.reduceat(design * self.weight[:, None], self.starts, axis=0) / self.person_weight[:, None]
            design -= np.repeat(mean, self.counts, axis=0)
        return design * np.sqrt(self.weight)[:, None]

    @cached_property
    def residual(self) -> np.ndarray:
        """Outcome minus fitted mean, shape (n_rows,); made when asked for."""
        return self.y - self.mu

    @property
    def pearson(self) -> np.ndarray:
        """Pearson residuals e = (y - mu)/sqrt(weight), shape (n_rows,)."""
        # A fitted mean can underflow to 0 where no event was seen; such a row has no residual either.
        root = np.sqrt(self.weight)
        return np.divide(self.residual, root, out=np.zeros(self.n_rows), where=root > 0)

    @cached_property
    def person_of_row(self) -> np.ndarray:
        """Position of the person of each row, shape (n_rows,)."""
        return np.repeat(np.arange(self.n_people), self.counts)

    @cached_property
    def person_weight(self) -> np.ndarray:
        """Sum of the weights of each person, shape (n_people,)."""
        return np.add.reduceat(self.weight, self.starts)

    @cached_property
    def counts(self) -> np.ndarray:
        """Rows per person, shape (n_people,)."""
        return row_counts(self.starts, self.n_rows)

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


def weighted_fit(coef: ArrayLike, X: ArrayLike, weight: ArrayLike, residual: ArrayLike, groups: ArrayLike) -> ModelFit:
    """Wrap the last step of any generalised linear model, so that `clusters` can be used on it.

    Parameters
    ----------
    coef : array, shape (p,)
        The estimates.
    X : array, shape (n, p)
        All columns of the model, the intercept among them if there is one.
    weight : array, shape (n,)
        Weights of the last weighted least-squares step, above 0 (logit: m p (1 - p); NB2: mu / (1 + alpha mu)).
    residual : array, shape (n,)
        Such that X'residual is the score (logit: successes - m p; NB2: (y - mu) / (1 + alpha mu)).
    groups : array, shape (n,)
        Cluster of each row.
    """
    coef, X = np.asarray(coef, float), np.asarray(X, float)
    codes, people = factorize(groups)
    rows = np.argsort(codes, kind="stable")
    starts = person_starts(codes[rows])
    n = len(rows)
    residual = np.asarray(residual, float)[rows]
    return ModelFit(
        model="weighted", absorbed=False, coef=coef, converged=True, iterations=0, log_likelihood=np.nan,
        n_rows=n, n_people=len(people), n_missing=0, n_dropped_people=0, n_single_people=0, dropped_columns=(),
        rows=rows, people=people, starts=starts, y=residual, mu=np.zeros(n),
        weight=np.asarray(weight, float)[rows], columns=np.ascontiguousarray(X[rows].T),
        kept=np.arange(len(coef)), unit=np.zeros(n, int), n_units=1, calendar_units=np.zeros(1),
        calendar_effects=np.zeros(1),
    )  # fmt: skip


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
        add_gram(gram, columns[:, rows], unit[rows], n_units, weight[rows], local, absorbed)
    return gram


def add_gram(
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
    cell = np.repeat(np.arange(len(starts)) * n_units, row_counts(starts, len(unit))) + unit
    return np.bincount(cell, values, len(starts) * n_units).reshape(len(starts), n_units)


def cluster_grams(fit: ModelFit) -> Iterator[tuple[slice, np.ndarray]]:
    """X~_g'X~_g of each cluster, in batches: pairs (clusters, array of shape (clusters in batch, k, k))."""
    if fit.cluster_starts is None:
        yield from _person_grams(fit)
        return
    of_cluster = np.zeros((fit.n_clusters, fit.n_params, fit.n_params))
    place = np.searchsorted(fit.cluster_starts, np.arange(fit.n_people), side="right") - 1
    for people, grams in _person_grams(fit):
        np.add.at(of_cluster, place[people], grams)
    yield slice(0, fit.n_clusters), of_cluster


def _person_grams(fit: ModelFit) -> Iterator[tuple[slice, np.ndarray]]:
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


def gram_products(fit: ModelFit, vectors: np.ndarray) -> np.ndarray:
    """X~_g'X~_g v_g of each cluster, shape (n_clusters, k), from the rows: no matrix per cluster is made.

    `vectors` holds one v_g per cluster, shape (n_clusters, k).
    """
    q = len(fit.columns)
    if fit.cluster_starts is not None:
        vectors = np.repeat(vectors, row_counts(fit.cluster_starts, fit.n_people), axis=0)
    person = fit.person_of_row
    fitted = np.einsum("qn,nq->n", fit.columns, vectors[person, :q])
    if fit.n_units > 1:
        fitted += np.hstack([np.zeros((fit.n_people, 1)), vectors[:, q:]])[person, fit.unit]
    weighted = fit.weight * fitted
    if fit.absorbed:
        mean = np.add.reduceat(weighted, fit.starts) / fit.person_weight
        weighted -= fit.weight * mean[person]
    products = np.add.reduceat(fit.columns * weighted, fit.starts, axis=1).T
    if fit.n_units > 1:
        calendar = person_unit_sums(fit.unit, fit.n_units, weighted, fit.starts)
        products = np.hstack([products, calendar[:, 1:]])
    return by_cluster(fit, products)


def by_cluster(fit: ModelFit, of_person: np.ndarray) -> np.ndarray:
    """Add up what each person contributes within clusters; shape (n_people, …) to (n_clusters, …)."""
    return of_person if fit.cluster_starts is None else np.add.reduceat(of_person, fit.cluster_starts, axis=0)


def cluster_scores(fit: ModelFit) -> np.ndarray:
    """X~_g'e_g of each cluster, shape (n_clusters, k)."""
    # Residuals of a person add up to 0 where effects are absorbed, so the columns need no demeaning here.
    scores = np.add.reduceat(fit.columns * fit.residual, fit.starts, axis=1).T
    if fit.n_units > 1:
        calendar = person_unit_sums(fit.unit, fit.n_units, fit.residual, fit.starts)
        scores = np.hstack([scores, calendar[:, 1:]])
    return by_cluster(fit, scores)


def inverse_root(gram: np.ndarray) -> np.ndarray:
    """A matrix L with LL' = gram^-1, through the Cholesky factor of the matrix scaled to a unit diagonal."""
    if not (np.diag(gram) > 0).all():
        raise np.linalg.LinAlgError("a column without any weight")
    scale = np.sqrt(np.diag(gram))
    factor = np.linalg.cholesky(gram / np.outer(scale, scale))
    return np.linalg.inv(factor).T / scale[:, None]


def factorize(labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Sorted labels and the code of each row (-1: missing)."""
    labels = labels if isinstance(labels, pd.Series | pd.Index | pd.Categorical) else np.asarray(labels)
    long = isinstance(labels, np.ndarray) and labels.dtype.kind in "iu" and len(labels) > BLOCK_ROWS
    if long and (labels[1:] >= labels[:-1]).all():
        # Long tables mostly come sorted: no hash table, and codes of half the size.
        starts = np.append(0, np.flatnonzero(labels[1:] != labels[:-1]) + 1)
        counts = row_counts(starts, len(labels))
        return np.repeat(np.arange(len(starts), dtype=np.int32), counts), labels[starts]
    if isinstance(labels, np.ndarray) and labels.dtype.kind == "i" and len(labels):
        low, high = int(labels.min()), int(labels.max())
        if high - low <= len(labels):  # codes already, or years and months: counted, not hashed
            place = labels.astype(np.int64) - low
            seen = np.bincount(place) > 0
            return (np.cumsum(seen) - 1)[place], (np.flatnonzero(seen) + low).astype(labels.dtype)
    codes, unique = pd.factorize(labels, sort=True)
    return codes, np.asarray(unique)


def person_starts(codes: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.diff(codes, prepend=-1))


def row_counts(starts: np.ndarray, n_rows: int) -> np.ndarray:
    """Rows from each start to the next one, the last to `n_rows`."""
    counts = np.empty_like(starts)
    np.subtract(starts[1:], starts[:-1], out=counts[:-1])
    counts[-1:] = n_rows - starts[-1:]
    return counts


def nested(groups: ArrayLike, clusters: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes of groups in an order that keeps the groups of one cluster together.

    Returns
    -------
    codes : ndarray, shape (n,)
        -1: missing.
    cluster_of : ndarray, shape (n_groups,)
        Cluster code of each group, ascending.
    labels : ndarray
        Labels of the clusters.

    Raises
    ------
    ValueError
        If a group lies in two clusters.
    """
    group, groups_seen = factorize(groups)
    cluster, labels = factorize(clusters)
    known = (group >= 0) & (cluster >= 0)
    pairs, codes = np.unique(cluster[known] * len(groups_seen) + group[known], return_inverse=True)
    if len(pairs) > len(np.unique(group[known])):
        raise ValueError("A group lies in two clusters; every group must belong to one cluster.")
    result = np.full(len(group), -1)
    result[known] = codes
    return result, pairs // max(len(groups_seen), 1), labels
