"""What happened after the licence? Cohort by event-time effects of Sun and Abraham.

Sellers get their licences at different times. A plain two-way regression then
compares late sellers with early ones whose effect is still growing, and can
even turn its sign. Here every cohort (sellers who started together) is
compared only with sellers who never started (or have not yet), event time by
event time, and the effects are averaged with the cohorts' shares.

All columns are dummies: two effects and one per cohort and event time. So
cross-products are counts, and no column is ever made.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.distributions import t_quantile, t_tail

# The period before the start: every effect is a difference from it.
REFERENCE = -1
# Cohort of those who never start; a start may well lie before period 0.
NEVER = np.iinfo(np.int64).min
# Up to so many different ways to hand out the starts, all of them are tried.
MAX_ENUMERATED = 2000


@dataclass(frozen=True, eq=False)
class EventStudy:
    """Effects by event time, their average over a window, and what they rest on.

    Attributes
    ----------
    event : numpy.ndarray, shape (m,)
        Event times, in bins of periods since the start (0: the first bin exposed); the reference -1 is left out.
    effect, se, low, high, p : numpy.ndarray, shape (m,)
        Average effect on the exposed at each event time, units of y; standard error, 95 % interval, two-sided p.
    people : numpy.ndarray, shape (m,)
        Exposed persons seen at each event time.
    window : tuple of int
        First and last event time averaged into the numbers below.
    window_effect, window_se, window_low, window_high, window_p, window_df : float
        Average over the rows of exposed persons in the window.
    pre_mean : float
        Mean of the exposed persons' own means before their start.
    relative, relative_low, relative_high : float
        window_effect / pre_mean with its 95 % interval (the same person's part in both).
    cohort, cohort_event, cohort_effect, cohort_se, cohort_rows : numpy.ndarray, shape (c,)
        One entry per cohort and event time.
    kind : {"CR0", "CR1", "jackknife"}
        Where the standard errors come from.
    n_exposed, n_control, n_dropped, n_alone : int
        Exposed persons; persons compared with; persons left out (nothing before their start, or nothing in
        the reference bin for their whole cohort); exposed persons who are alone in their cohort.
    n_rows : int
    """

    event: np.ndarray
    effect: np.ndarray
    se: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    people: np.ndarray
    window: tuple[int, int]
    window_effect: float
    window_se: float
    window_low: float
    window_high: float
    window_p: float
    window_df: float
    pre_mean: float
    relative: float
    relative_low: float
    relative_high: float
    cohort: np.ndarray
    cohort_event: np.ndarray
    cohort_effect: np.ndarray
    cohort_se: np.ndarray
    cohort_rows: np.ndarray
    kind: str
    n_exposed: int
    n_control: int
    n_dropped: int
    n_alone: int
    n_rows: int


@dataclass(frozen=True, eq=False)
class StartPermutation:
    """The window effect under starts handed out at random.

    Attributes
    ----------
    effect : float
        As observed.
    p : float
        Share of assignments (the observed one among them) with an effect at least as far from 0.
    draws : numpy.ndarray
        Window effects of the other assignments.
    exact : bool
        True when every assignment was tried.
    """

    effect: float
    p: float
    draws: np.ndarray
    exact: bool


def sun_abraham(
    y: ArrayLike,
    person: ArrayLike,
    period: ArrayLike,
    start: ArrayLike,
    *,
    window: tuple[int, int] | None = None,
    span: tuple[int, int] | None = None,
    bin_width: int = 1,
    cohort_width: int = 1,
    control: str = "auto",
    kind: str = "jackknife",
) -> EventStudy:
    """Event study with person and calendar effects, unbiased under staggered starts.

    Parameters
    ----------
    y : array, shape (n,)
        Outcome per person and period (a score or a count).
    person, period : array, shape (n,)
        Who, and when (whole numbers, one unit per period).
    start : array, shape (n,)
        First exposed period of the row's person, the same in all of his rows; NaN: never.
    window : tuple of int, optional
        Event times to average over, both included; default: all from 0 on.
    span : tuple of int, optional
        Rows of exposed persons outside of these event times are left out.
    bin_width : int
        Periods per event time. Weekly data: 4 makes the reference the last four weeks before the start.
    cohort_width : int
        Periods whose starts form one cohort. Cohorts of one person leave the sandwich without any idea of
        that person's noise (`jackknife` is right in either case), and many cohorts of weekly rows take long:
        13 is a good choice there.
    control : {"auto", "never", "last"}
        Compare with those who never start, or with the last cohort before it starts ("auto": the first, if any).
    kind : {"jackknife", "CR0", "CR1"}
        Standard errors: leave out one person at a time (shares recomputed), or the clustered sandwich.

    Raises
    ------
    NotEnoughData
        Without two exposed persons and two to compare them with, or nothing in the window.
    ValueError
        If a person has two starts, or a name is unknown.

    References
    ----------
    Sun & Abraham 2021 (J. Econometrics 225); the last cohort as control is their section 4.
    """
    if kind not in ("jackknife", "CR0", "CR1"):
        raise ValueError(f"kind is {kind!r}; expected 'jackknife', 'CR0' or 'CR1'")
    panel = _prepare(y, person, period, start, span, bin_width, cohort_width, control)
    window = (0, int(panel.cell_event.max(initial=0))) if window is None else window
    events = np.unique(panel.cell_event)
    averages = [(event, event) for event in events.tolist()] + [window]

    coef, parts = _estimate(panel, averages, kind)
    told = np.where(np.isfinite(coef), panel.cell_rows, 0)
    values = np.concatenate([coef, [_shares(panel, told, pair) @ np.nan_to_num(coef) for pair in averages]])
    error = np.sqrt((parts**2).sum(axis=0))
    df = _welch_df(parts, panel.exposed)
    half = t_quantile(0.975, df) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * t_tail(np.abs(values) / error, df)
    c, every = len(coef), slice(len(coef), -1)

    pre_mean, pre_parts = _pre_mean(panel)
    ratio = values[-1] / pre_mean
    ratio_error = np.sqrt(np.sum((parts[:, -1] - ratio * pre_parts) ** 2)) / abs(pre_mean)
    ratio_half = t_quantile(0.975, df[-1]) * ratio_error
    return EventStudy(
        event=events, effect=values[every], se=error[every], low=(values - half)[every],
        high=(values + half)[every], p=p[every],
        people=np.array([panel.cell_people[panel.cell_event == event].sum() for event in events]),
        window=window, window_effect=float(values[-1]), window_se=float(error[-1]),
        window_low=float(values[-1] - half[-1]), window_high=float(values[-1] + half[-1]), window_p=float(p[-1]),
        window_df=float(df[-1]), pre_mean=float(pre_mean), relative=float(ratio),
        relative_low=float(ratio - ratio_half), relative_high=float(ratio + ratio_half),
        cohort=panel.cell_cohort, cohort_event=panel.cell_event, cohort_effect=coef, cohort_se=error[:c],
        cohort_rows=panel.cell_rows, kind=kind, n_exposed=int(panel.exposed.sum()),
        n_control=int((~panel.exposed).sum()), n_dropped=panel.n_dropped, n_alone=panel.n_alone,
        n_rows=len(panel.y),
    )  # fmt: skip


def permute_starts(
    y: ArrayLike,
    person: ArrayLike,
    period: ArrayLike,
    start: ArrayLike,
    *,
    window: tuple[int, int] | None = None,
    span: tuple[int, int] | None = None,
    bin_width: int = 1,
    cohort_width: int = 1,
    control: str = "auto",
    draws: int = 999,
    seed: int = 0,
) -> StartPermutation:
    """Hand the starts out to other persons and see how unusual the observed effect is.

    The only honest p with fewer than six exposed or six unexposed persons
    (methods.md section 4). Exact when persons could have been licensed in any
    order; every way to hand out the starts is tried when there are at most
    `MAX_ENUMERATED`.

    Parameters
    ----------
    y, person, period, start, window, span, bin_width, cohort_width, control
        As in `sun_abraham`.
    draws : int
        Random assignments where there are too many to try all.
    seed : int
        Of the random assignments.

    Raises
    ------
    NotEnoughData
        As `sun_abraham`.
    """
    person = np.asarray(person)
    people, codes = np.unique(person, return_inverse=True)
    starts = _one_start_each(np.asarray(start, dtype=float), codes, len(people))
    if control == "auto":
        control = "never" if np.isnan(starts).any() else "last"

    def effect(assigned: np.ndarray) -> float:
        panel = _prepare(y, person, period, assigned[codes], span, bin_width, cohort_width, control)
        reach = (0, int(panel.cell_event.max(initial=0))) if window is None else window
        coef = _quick_solve(panel.gram, panel.moment)[: len(panel.cell_event)]
        told = np.where(np.isfinite(coef), panel.cell_rows, 0)
        return float(_shares(panel, told, reach) @ np.nan_to_num(coef))

    observed = effect(starts)
    assignments, exact = _assignments(starts, draws, np.random.default_rng(seed))
    others = []
    for assigned in assignments:
        try:
            others.append(effect(assigned))
        except NotEnoughData:  # a short-lived seller drew a start outside his own time: no such world exists
            continue
    others = np.array(others)
    # Equal assignments must count as equal, whatever order their sums were taken in.
    n_as_far = int(np.sum(np.abs(others) >= abs(observed) * (1 - 1e-9)))
    return StartPermutation(observed, (1 + n_as_far) / (1 + len(others)), others, exact)


# ---- the panel as cross-products -------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Panel:
    """Rows in use and the cross-products of their dummies: cells first, then calendar.

    A cell is a cohort at an event time; a row's `cell` is the number of cells where it has none, its `time` 0 in
    the reference period. `exposed` has one entry per person in use; `before`: rows of exposed persons before the
    start. `gram` and `moment` are free of person effects.
    """

    y: np.ndarray
    person: np.ndarray
    cell: np.ndarray
    time: np.ndarray
    before: np.ndarray
    exposed: np.ndarray
    gram: np.ndarray
    moment: np.ndarray
    cell_cohort: np.ndarray
    cell_event: np.ndarray
    cell_rows: np.ndarray
    cell_people: np.ndarray
    n_dropped: int
    n_alone: int


def _prepare(
    y: ArrayLike,
    person: ArrayLike,
    period: ArrayLike,
    start: ArrayLike,
    span: tuple[int, int] | None,
    bin_width: int,
    cohort_width: int,
    control: str,
) -> _Panel:
    if control not in ("auto", "never", "last"):
        raise ValueError(f"control is {control!r}; expected 'auto', 'never' or 'last'")
    y, start = np.asarray(y, dtype=float), np.asarray(start, dtype=float)
    known = np.isfinite(y)
    people, codes = np.unique(np.asarray(person)[known], return_inverse=True)
    y, period, start = y[known], np.asarray(period)[known].astype(np.int64), start[known]
    starts = _one_start_each(start, codes, len(people))

    cohorts = np.full(len(people), NEVER)
    ever = np.isfinite(starts)
    cohorts[ever] = starts[ever] // cohort_width
    keep = np.ones(len(y), dtype=bool)
    if control == "last" or (control == "auto" and ever.all()):
        # Those who never start are no part of this comparison; the last cohort serves until it starts.
        keep &= ever[codes]
        last = ever & (cohorts == cohorts.max(initial=NEVER))
        keep &= period < np.min(starts[last], initial=np.inf)
        cohorts[last] = NEVER
    exposed = cohorts != NEVER
    event = np.zeros(len(y), dtype=np.int64)
    row_exposed = exposed[codes]
    event[row_exposed] = (period[row_exposed] - starts[codes[row_exposed]].astype(np.int64)) // bin_width
    if span is not None:
        keep &= ~row_exposed | ((event >= span[0]) & (event <= span[1]))

    keep &= _comparable(codes, cohorts, event, keep)
    # A period without anybody to compare with says nothing about an effect.
    keep &= np.isin(period, period[keep & ~row_exposed])
    return _cross_products(y[keep], codes[keep], period[keep], cohorts, event[keep], len(people))


def _one_start_each(start: np.ndarray, codes: np.ndarray, n_people: int) -> np.ndarray:
    starts = np.full(n_people, np.nan)
    starts[codes] = start
    if not np.array_equal(starts[codes], start, equal_nan=True):
        raise ValueError("a person has two different starts; one first exposed period per person was expected")
    return starts


def _comparable(codes: np.ndarray, cohorts: np.ndarray, event: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Rows of persons seen before their start, in cohorts seen in the reference bin (controls: all rows)."""
    exposed = cohorts[codes] != NEVER
    before = np.zeros(len(cohorts), dtype=bool)
    before[codes[keep & exposed & (event < 0)]] = True
    reference = keep & exposed & (event == REFERENCE)
    with_reference = np.isin(cohorts, cohorts[codes[reference]])
    return ~exposed | (before & with_reference)[codes]


def _cross_products(
    y: np.ndarray, codes: np.ndarray, period: np.ndarray, cohorts: np.ndarray, event: np.ndarray, n_all: int
) -> _Panel:
    used, person = np.unique(codes, return_inverse=True)
    cohort_of = cohorts[used]
    exposed = cohort_of != NEVER
    if exposed.sum() < 2 or (~exposed).sum() < 2:
        raise NotEnoughData(
            f"{exposed.sum()} persons seen before and after their start, {(~exposed).sum()} to compare them with; "
            "at least two of each are needed."
        )
    row_exposed = exposed[person]
    in_cell = row_exposed & (event != REFERENCE)
    cohort_labels, cohort = np.unique(cohort_of, return_inverse=True)
    event_labels, place = np.unique(event[in_cell], return_inverse=True)
    cells, own_cell = np.unique(cohort[person[in_cell]] * len(event_labels) + place, return_inverse=True)
    cell = np.full(len(y), len(cells))
    cell[in_cell] = own_cell
    times, time = np.unique(period, return_inverse=True)

    c, t, n_people = len(cells), len(times), len(used)
    sizes = np.bincount(person)
    sums = _person_sums(person, cell, time, (n_people, c, t))
    totals = _person_sums(np.zeros_like(person), cell, time, (1, c, t), y)[0]
    cohort_sizes = np.bincount(cohort[exposed])
    return _Panel(
        y=y, person=person, cell=cell, time=time, before=row_exposed & (event < 0), exposed=exposed,
        gram=_squares(cell, time, c, t) - sums.T @ (sums / sizes[:, None]),
        moment=totals - sums.T @ (np.bincount(person, weights=y) / sizes),
        cell_cohort=cohort_labels[cells // len(event_labels)], cell_event=event_labels[cells % len(event_labels)],
        cell_rows=np.bincount(own_cell, minlength=c), cell_people=(sums[:, :c] > 0).sum(axis=0),
        n_dropped=n_all - n_people, n_alone=int((cohort_sizes == 1).sum()),
    )  # fmt: skip


def _person_sums(
    person: np.ndarray,
    cell: np.ndarray,
    time: np.ndarray,
    shape: tuple[int, int, int],
    values: np.ndarray | None = None,
) -> np.ndarray:
    """Sums of the dummies (times values) over each person's rows, shape (people, cells + times - 1)."""
    n_people, c, t = shape
    in_cells = np.bincount(person * (c + 1) + cell, values, n_people * (c + 1)).reshape(n_people, c + 1)
    at_times = np.bincount(person * t + time, values, n_people * t).reshape(n_people, t)
    return np.hstack([in_cells[:, :c], at_times[:, 1:]])


def _squares(cell: np.ndarray, time: np.ndarray, c: int, t: int) -> np.ndarray:
    """Cross-products of the dummies, shape (cells + times - 1,) * 2."""
    counts = np.bincount(cell * t + time, minlength=(c + 1) * t).reshape(c + 1, t).astype(float)
    squares = np.diag(np.concatenate([counts[:c].sum(axis=1), counts[:, 1:].sum(axis=0)]))
    squares[:c, c:] = counts[:c, 1:]
    squares[c:, :c] = counts[:c, 1:].T
    return squares


# ---- estimates and their variance ------------------------------------------------------------------------


def _solve(gram: np.ndarray, moment: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and inverse; NaN for a coefficient these rows cannot tell."""
    values, vectors = np.linalg.eigh(gram)
    real = values > 1e-10 * values[-1]
    inverse = (vectors[:, real] / values[real]) @ vectors[:, real].T
    coef = inverse @ moment
    coef[(np.abs(vectors[:, ~real]) > 1e-6).any(axis=1)] = np.nan
    return coef, inverse


def _quick_solve(gram: np.ndarray, moment: np.ndarray) -> np.ndarray:
    """Coefficients through Cholesky, ten times faster than `_solve`, to which an odd matrix is handed."""
    scale = np.sqrt(np.diag(gram))
    factor, failed = linalg.lapack.dpotrf(gram / np.outer(scale, scale), lower=1) if scale.all() else (None, 1)
    if failed or (np.diag(factor) ** 2).min() < 1e-10:
        return _solve(gram, moment)[0]
    return linalg.cho_solve((factor, True), moment / scale) / scale


def _shares(panel: _Panel, cell_rows: np.ndarray, pair: tuple[int, int]) -> np.ndarray:
    """Weights of the cells in an average over event times: each row of an exposed person counts once."""
    inside = np.where((panel.cell_event >= pair[0]) & (panel.cell_event <= pair[1]), cell_rows, 0)
    if not inside.any():
        raise NotEnoughData(f"no exposed person is seen at event times {pair[0]} to {pair[1]}.")
    return inside / inside.sum()


def _estimate(panel: _Panel, averages: list[tuple[int, int]], kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Cell coefficients (c,) and each person's part in every number, shape (people, c + averages).

    The squared parts of a number add up to its variance.
    """
    coef, inverse = _solve(panel.gram, panel.moment)
    c = len(panel.cell_event)
    if kind == "jackknife":
        return coef[:c], _jackknife_parts(panel, np.array(averages))
    told = np.where(np.isfinite(coef[:c]), panel.cell_rows, 0)
    weights = np.vstack([np.eye(c)] + [_shares(panel, told, pair) for pair in averages])
    n_people, t = len(panel.exposed), len(coef) - c + 1
    known = np.nan_to_num(coef)
    residual = panel.y - np.append(known[:c], 0.0)[panel.cell] - np.append(0.0, known[c:])[panel.time]
    residual -= (np.bincount(panel.person, weights=residual) / np.bincount(panel.person))[panel.person]
    scores = _person_sums(panel.person, panel.cell, panel.time, (n_people, c, t), residual)
    parts = scores @ inverse[:, :c] @ weights.T
    return coef[:c], parts * np.sqrt(n_people / (n_people - 1) if kind == "CR1" else 1)


def _jackknife_parts(panel: _Panel, averages: np.ndarray) -> np.ndarray:
    """Each person's part by leaving him out; `averages` has one line (first, last event time) per average."""
    n_people, c = len(panel.exposed), len(panel.cell_event)
    t = len(panel.moment) - c + 1
    sums = _person_sums(panel.person, panel.cell, panel.time, (n_people, c, t))
    totals = _person_sums(panel.person, panel.cell, panel.time, (n_people, c, t), panel.y)
    sizes = np.bincount(panel.person)
    means = np.bincount(panel.person, weights=panel.y) / sizes
    order = np.argsort(panel.person, kind="stable")
    starts = np.append(0, np.cumsum(sizes))
    inside = (panel.cell_event >= averages[:, :1]) & (panel.cell_event <= averages[:, 1:])
    without = np.empty((n_people, c + len(averages)))
    for i in range(n_people):
        own = order[starts[i] : starts[i + 1]]
        gram = panel.gram - _squares(panel.cell[own], panel.time[own], c, t) + np.outer(sums[i], sums[i]) / sizes[i]
        moment = panel.moment - totals[i] + sums[i] * means[i]
        # A cohort of one is gone with its member, and its share goes to the others.
        left = np.append(panel.cell_rows > sums[i, :c], np.ones(t - 1, dtype=bool))
        coef = np.full(c + t - 1, np.nan)
        coef[left] = _quick_solve(gram[np.ix_(left, left)], moment[left])
        without[i, :c] = coef[:c]
        told = np.where(np.isfinite(coef[:c]), panel.cell_rows - sums[i, :c], 0)
        with np.errstate(invalid="ignore"):  # 0/0: nobody else is seen there
            without[i, c:] = inside @ (told * np.nan_to_num(coef[:c])) / (inside @ told)
    return np.sqrt((n_people - 1) / n_people) * (without.mean(axis=0) - without)


def _welch_df(parts: np.ndarray, exposed: np.ndarray) -> np.ndarray:
    """Degrees of freedom of a difference of two groups, from the variance that each contributes."""
    one, other = (parts[exposed] ** 2).sum(axis=0), (parts[~exposed] ** 2).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (one + other) ** 2 / (one**2 / (exposed.sum() - 1) + other**2 / ((~exposed).sum() - 1))


def _pre_mean(panel: _Panel) -> tuple[float, np.ndarray]:
    """Mean over exposed persons of their means before the start, and each person's part in it."""
    sums = np.bincount(panel.person, weights=panel.y * panel.before)
    counts = np.bincount(panel.person, weights=panel.before)
    n = panel.exposed.sum()
    means = sums[panel.exposed] / counts[panel.exposed]
    parts = np.zeros(len(panel.exposed))
    parts[panel.exposed] = (means - means.mean()) / np.sqrt(n * (n - 1))
    return float(means.mean()), parts


# ---- permutation -----------------------------------------------------------------------------------------


def _assignments(starts: np.ndarray, draws: int, rng: np.random.Generator) -> tuple[list[np.ndarray], bool]:
    """Other ways to hand out the starts: all of them if there are few, else random ones."""
    labels, counts = np.unique(np.where(np.isnan(starts), np.inf, starts), return_counts=True)
    n_ways = factorial(len(starts))
    for count in counts.tolist():
        n_ways //= factorial(count)
    if n_ways > MAX_ENUMERATED:
        return [rng.permutation(starts) for _ in range(draws)], False
    ways = _arrangements(labels, counts.tolist())
    same = np.where(np.isnan(starts), np.inf, starts)
    return [np.where(np.isinf(way), np.nan, way) for way in ways if not np.array_equal(way, same)], True


def _arrangements(labels: np.ndarray, counts: list[int]) -> list[np.ndarray]:
    """All distinct orders of a multiset."""
    n = sum(counts)
    ways: list[list[float]] = [[]]
    for _ in range(n):
        ways = [
            [*way, label] for way in ways for label, count in zip(labels.tolist(), counts) if way.count(label) < count
        ]
    return [np.array(way) for way in ways]
