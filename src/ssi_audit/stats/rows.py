"""From arrays as given to rows ready for a fit: sorted by person, complete, and identified.

What cannot be told from the data leaves here, and is counted: rows with a
missing value, persons without an event, calendar units without an event,
columns without variation of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.working import factorize, person_blocks, person_starts, row_counts, total_gram

# A column whose variation is explained by the earlier ones up to this share carries no information of its own.
COLLINEAR = 1e-10


@dataclass(frozen=True, eq=False)
class Sample:
    """Complete rows of the persons who carry information, sorted by person.

    Attributes
    ----------
    events : bool
        True when y counts events, so that a calendar unit without any has no effect of its own.
    absorbed : bool
        True when there is one effect per person; the columns are then centred within person.
    columns : ndarray, shape (p, n)
        The columns of X, then (not absorbed) the intercept.
    size : ndarray, shape (p,)
        Largest absolute value of each column before centring.
    unit : ndarray, shape (n,)
        Position of the row's calendar unit in `units`.
    y, offset, starts, people, rows, n_missing, n_dropped_people, n_single_people
        As in `ModelFit`.
    """

    events: bool
    absorbed: bool
    y: np.ndarray
    columns: np.ndarray
    size: np.ndarray
    offset: np.ndarray | None
    unit: np.ndarray
    units: np.ndarray
    starts: np.ndarray
    people: np.ndarray
    rows: np.ndarray
    n_missing: int
    n_dropped_people: int
    n_single_people: int

    def of_people(self, chosen: np.ndarray) -> Sample:
        """The rows of some persons; `chosen` is True or False per person."""
        counts = row_counts(self.starts, len(self.y))
        rows = np.repeat(chosen, counts)
        return replace(
            self, y=self.y[rows], columns=self.columns[:, rows],
            offset=None if self.offset is None else self.offset[rows], unit=self.unit[rows],
            starts=np.append(0, np.cumsum(counts[chosen]))[:-1], people=self.people[chosen], rows=self.rows[rows],
        )  # fmt: skip

    def of_several_rows(self) -> Sample:
        """Without the persons who have one row: within persons they say nothing."""
        return self.of_people(row_counts(self.starts, len(self.y)) > 1)

    def of_columns(self, chosen: np.ndarray) -> Sample:
        """Some of the columns, by position; the same rows."""
        return replace(self, columns=self.columns[chosen], size=self.size[chosen])


@dataclass(frozen=True, eq=False)
class Identified:
    """A sample with those columns and calendar codes that have a coefficient of their own.

    Attributes
    ----------
    sample : Sample
    columns : ndarray, shape (q, n)
        The kept columns.
    kept : ndarray, shape (q,)
        Their positions.
    unit : ndarray, shape (n,)
        Calendar code of each row, 0 is the reference.
    n_units : int
    calendar_codes : ndarray
        Code of each of the sample's calendar units.
    """

    sample: Sample
    columns: np.ndarray
    kept: np.ndarray
    unit: np.ndarray
    n_units: int
    calendar_codes: np.ndarray


def prepare(
    y: ArrayLike,
    X: ArrayLike,
    groups: ArrayLike,
    offset: ArrayLike | None = None,
    calendar: ArrayLike | None = None,
    *,
    events: bool,
    absorb: bool,
) -> Sample:
    """Check the arrays, leave out what says nothing, and sort by person; parameters as in `fe_poisson`."""
    y = np.asarray(y, float)
    X = np.asarray(X, float)
    X = X[:, None] if X.ndim == 1 else X
    offset = None if offset is None else np.asarray(offset, float)
    codes, people = factorize(groups)
    # Without a calendar every row has unit 0: one number, seen n times.
    unit, units = (np.broadcast_to(0, len(y)), np.zeros(1)) if calendar is None else factorize(calendar)
    _check_input(y, X, codes, offset, unit, events)

    complete = np.isfinite(y) & (codes >= 0) & (unit >= 0)
    for column in X.T:
        complete &= np.isfinite(column)
    if offset is not None:
        complete &= np.isfinite(offset)
    keep, n_no_event = complete, 0
    if absorb and events:
        keep, n_no_event = _drop_eventless(codes, y, complete)
    if not keep.any() or (events and not y[keep].any()):
        what = "row with an event" if events else "complete row"
        raise NotEnoughData(f"No {what} is left: {int(complete.sum())} of {len(y)} rows are complete.")

    rows = _sorted_rows(codes, keep)
    starts = person_starts(_picked(codes, rows))
    columns = _lines(X, rows, intercept=not absorb)
    size = largest(columns)
    if absorb:
        centre(columns, starts)
    single = row_counts(starts, len(rows)) == 1
    return Sample(
        events=events, absorbed=absorb, y=_picked(y, rows), columns=columns, size=size,
        offset=None if offset is None else _picked(offset, rows), unit=_picked(unit, rows), units=units,
        starts=starts, people=people[codes[rows[starts]]], rows=rows, n_missing=int((~complete).sum()),
        n_dropped_people=n_no_event, n_single_people=int(single.sum()),
    )  # fmt: skip


def identify(sample: Sample) -> Identified:
    """Merge calendar units without events, drop columns without variation of their own.

    Intercept and calendar come first, then the columns as given: what the
    calendar explains is dropped from the columns, never the reverse.
    """
    amount = sample.y if sample.events else np.broadcast_to(1.0, len(sample.y))
    merged = _merge_units(sample.unit, amount, len(sample.units)) if len(sample.units) > 1 else np.zeros(1, int)
    n_units = int(merged.max()) + 1
    unit = merged[sample.unit] if len(merged) > 1 else sample.unit
    columns, q = sample.columns, len(sample.columns)
    varies = largest(columns) > COLLINEAR * sample.size

    gram = total_gram(columns, unit, n_units, np.broadcast_to(1.0, len(unit)), sample.starts, sample.absorbed)
    order = np.concatenate([np.arange(q, len(gram)), np.arange(q)])
    if not sample.absorbed:
        order = np.concatenate([[q - 1], order[:-1]])
    possible = np.append(varies, np.ones(n_units - 1, bool))
    chosen = np.zeros(len(gram), bool)
    chosen[_sweep(gram, order[possible[order]])] = True

    # A calendar unit without an effect of its own becomes part of the reference.
    own_effect = np.append(True, chosen[q:])
    recoded = np.where(own_effect, np.cumsum(own_effect) - 1, 0)
    unit = unit if len(recoded) == 1 else recoded[unit]
    return Identified(
        sample, columns if chosen[:q].all() else columns[chosen[:q]], np.flatnonzero(chosen[:q]), unit,
        int(own_effect.sum()), recoded[merged],
    )  # fmt: skip


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


def _drop_eventless(codes: np.ndarray, y: np.ndarray, complete: np.ndarray) -> tuple[np.ndarray, int]:
    """Rows of persons with an event, and how many persons have none."""
    n_people = int(codes.max(initial=-1)) + 1
    known, amounts = (codes, y) if complete.all() else (codes[complete], y[complete])
    n_rows = np.bincount(known, minlength=n_people)
    eventful = np.bincount(known, amounts, n_people) > 0
    # Rows without a person have code -1 and are not complete, so what they look up does not matter.
    keep = complete & eventful[codes] if n_people else complete
    return keep, int((n_rows > 0).sum() - eventful.sum())


def _sorted_rows(codes: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Positions of the kept rows, by person, in their given order within a person."""
    narrow = np.int32 if len(codes) < 2**31 else np.int64
    if keep.all():
        rows, picked = np.arange(len(codes), dtype=narrow), codes
    else:
        rows = np.flatnonzero(keep).astype(narrow)
        picked = codes[rows]
    if (picked[1:] >= picked[:-1]).all():
        return rows
    return rows[np.argsort(picked, kind="stable")]


def _picked(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Values of the chosen rows; the array itself where that is all of them, in order."""
    in_place = len(rows) == len(values) and (rows[1:] > rows[:-1]).all()
    return values if in_place else values[rows]


def _lines(X: np.ndarray, rows: np.ndarray, intercept: bool) -> np.ndarray:
    """The columns of X as contiguous lines, one at a time: they are the largest thing in memory."""
    lines = np.empty((X.shape[1] + intercept, len(rows)))
    for line, column in zip(lines, X.T):
        line[:] = _picked(column, rows)
    if intercept:
        lines[-1] = 1.0
    return lines


def largest(columns: np.ndarray) -> np.ndarray:
    """Largest absolute value of each line."""
    return np.array([max(line.max(), -line.min()) for line in columns])


def centre(columns: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Subtract from each line its mean within person, in place; returns the same array."""
    counts = row_counts(starts, columns.shape[1])
    for rows, people in person_blocks(starts, columns.shape[1], len(starts)):
        for line in columns[:, rows]:
            means = np.add.reduceat(line, starts[people] - rows.start) / counts[people]
            line -= np.repeat(means, counts[people])
    return columns


def _merge_units(unit: np.ndarray, amount: np.ndarray, n_units: int) -> np.ndarray:
    """New code of each calendar unit: one without events joins the unit before it (the first ones: after)."""
    eventful = np.bincount(unit, amount, n_units) > 0
    return np.maximum(np.cumsum(eventful) - 1, 0)


def _sweep(gram: np.ndarray, order: np.ndarray) -> list[int]:
    """Columns that earlier ones do not explain, by Cholesky factorisation in the given order."""
    diagonal = np.diag(gram)
    order = order[diagonal[order] > 0]
    scale = np.sqrt(diagonal[order])
    left = gram[np.ix_(order, order)] / np.outer(scale, scale)
    try:
        pivots = np.diag(np.linalg.cholesky(left)) ** 2
    except np.linalg.LinAlgError:
        pivots = np.zeros(1)
    if (pivots > COLLINEAR).all():
        return order.tolist()  # the usual case, at a tenth of the time
    chosen = []
    for j in range(len(order)):
        pivot = left[j, j]
        if pivot <= COLLINEAR:
            continue
        chosen.append(int(order[j]))
        row = left[j, j + 1 :] / pivot
        left[j + 1 :, j + 1 :] -= np.outer(left[j, j + 1 :], row)
    return chosen
