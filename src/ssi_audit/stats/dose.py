"""Does more score go with more results all the way up, or only at the ends?

"The higher, the better" says more than "the top beats the bottom": every step
up must help. So the score is cut into bands, each band gets its own effect,
and three questions are asked: is there a trend, does it hold in the lower and
in the upper half of the scores, and do the bands depart from any rising (or
falling) order by more than chance?
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.bootstrap import SEED
from ssi_audit.stats.by_name import as_columns, fit_by_name
from ssi_audit.stats.clusters import MIN_PEOPLE, Interval, interval, leave_one_out
from ssi_audit.stats.working import ModelFit

DRAWS = 999
# A band that fewer persons ever visit says more about those persons than about the band.
MIN_PEOPLE_IN_BAND = 3


@dataclass(frozen=True, eq=False)
class DoseResponse:
    """Effects by band of the score.

    Attributes
    ----------
    edges : numpy.ndarray, shape (m + 1,)
        Limits of the bands, in points; a band includes its lower limit.
    effects : tuple of Interval or None
        Log rate ratio of each band against the first one (None), CR2.
    people, rows : numpy.ndarray, shape (m,)
        Persons ever in the band, and rows.
    mean_score : numpy.ndarray, shape (m,)
        Mean score of the rows in the band.
    trend : Interval
        Log rate ratio per unit of the score as a straight line, CR2.
    knot : float
        Median score of the rows, in points.
    halves : tuple of Interval
        The same slope below and above `knot`, from one model with a bend there.
    monotone : numpy.ndarray, shape (m,)
        The closest effects that never turn, rising or falling, whichever is closer (first band 0).
    departure : float
        Distance of the effects from `monotone`, weighted by their precision; 0: they never turn.
    p_departure : float
        Share of sign draws, under a flat dose-response, that depart as far. Small: the curve really turns.
    n_people, n_rows : int
    """

    edges: np.ndarray
    effects: tuple[Interval | None, ...]
    people: np.ndarray
    rows: np.ndarray
    mean_score: np.ndarray
    trend: Interval
    knot: float
    halves: tuple[Interval, Interval]
    monotone: np.ndarray
    departure: float
    p_departure: float
    n_people: int
    n_rows: int


def dose_response(
    y: ArrayLike,
    score: ArrayLike,
    groups: ArrayLike,
    edges: ArrayLike,
    covariates: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    calendar: ArrayLike | None = None,
    *,
    unit: float = 10.0,
    model: str = "poisson",
    absorb: bool = True,
    draws: int = DRAWS,
    seed: int = SEED,
) -> DoseResponse:
    """Compare bands of a score, and check whether the order of the bands ever turns.

    Parameters
    ----------
    y, score : array, shape (n,)
        Outcome, and score in points.
    groups, covariates, offset, calendar
        As in `fe_poisson`.
    edges : array, shape (m + 1,)
        Rising limits of at least three bands, in points; scores outside count to the first and the last band.
        Bands visited by fewer than `MIN_PEOPLE_IN_BAND` persons join the one below (the first: above).
    unit : float
        Points per unit of the trend.
    model : {"poisson", "ols"}
    absorb : bool
        Compare inside persons (one effect each), or also between them.
    draws, seed : int
        Sign draws of the test of departure.

    Raises
    ------
    NotEnoughData
        With fewer than 8 persons, or fewer than three bands that enough persons visit.
    ValueError
        If edges do not rise or are fewer than four.

    References
    ----------
    Robertson, Wright & Dykstra 1988 (order-restricted inference); the draws turn the sign of each person's share
    of the estimates, as in the wild cluster bootstrap.
    """
    y, score, edges = (np.asarray(part, float) for part in (y, score, edges))
    if len(edges) < 4 or (np.diff(edges) <= 0).any():
        raise ValueError(f"edges are {edges.tolist()}; at least four rising limits were expected")
    others = as_columns(covariates, len(y))

    def fit_on(exposure: np.ndarray) -> ModelFit:
        return fit_by_name(model, y, np.column_stack([exposure, others]), groups, offset, calendar, absorb=absorb)

    straight = fit_on(score / unit)
    if straight.n_people < MIN_PEOPLE:
        raise NotEnoughData(f"Only {straight.n_people} people can be compared, at least {MIN_PEOPLE} are needed.")
    used = straight.rows
    people = np.repeat(np.arange(straight.n_people), straight.counts)
    edges = _peopled(edges, score[used], people)
    band = np.clip(np.searchsorted(edges, score, side="right") - 1, 0, len(edges) - 2)
    dummies = np.where(np.isnan(score)[:, None], np.nan, band[:, None] == np.arange(1, len(edges) - 1))
    fit = fit_on(dummies)
    m = len(edges) - 1
    knot = float(np.median(score[used]))
    bent = fit_on(np.column_stack([np.minimum(score, knot), np.maximum(score, knot)]) / unit)
    monotone, departure, p = _departure(fit, m - 1, draws, seed)

    inside = band[used][:, None] == np.arange(m)
    return DoseResponse(
        edges, (None, *(interval(fit, j) for j in range(m - 1))),
        np.array([len(np.unique(people[own])) for own in inside.T]), inside.sum(axis=0),
        np.array([score[used][own].mean() for own in inside.T]), interval(straight, 0), knot,
        (interval(bent, 0), interval(bent, 1)), np.append(0.0, monotone), departure, p, fit.n_people, fit.n_rows,
    )  # fmt: skip


def _peopled(edges: np.ndarray, score: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Edges of the bands that enough persons visit."""
    edges = edges.tolist()
    while len(edges) > 2:
        band = np.clip(np.searchsorted(edges, score, side="right") - 1, 0, len(edges) - 2)
        visits = [len(np.unique(people[band == j])) for j in range(len(edges) - 1)]
        thin = next((j for j, n in enumerate(visits) if n < MIN_PEOPLE_IN_BAND), None)
        if thin is None:
            break
        del edges[max(thin, 1)]
    if len(edges) < 4:
        raise NotEnoughData(
            f"only {len(edges) - 1} bands of the score are visited by at least {MIN_PEOPLE_IN_BAND} persons; "
            "a dose-response needs three."
        )
    return np.array(edges)


def _departure(fit: ModelFit, m: int, draws: int, seed: int) -> tuple[np.ndarray, float, float]:
    """Closest monotone effects of the first m columns, the distance from them, and its p under a flat curve."""
    for j in range(m):
        fit.position(j)  # a band without an effect of its own cannot be judged
    effects = fit.coef[:m]
    # Each person's share: how the effects change without him. Squares add up to the jackknife variance.
    n = fit.n_people
    deleted = leave_one_out(fit)[:, :m]
    shares = np.sqrt((n - 1) / n) * (deleted - effects)
    try:
        whiten = np.linalg.inv(np.linalg.cholesky(shares.T @ shares))
    except np.linalg.LinAlgError as error:
        raise NotEnoughData(f"{n} persons cannot tell {m + 1} bands apart; fewer bands would do.") from error
    # Rising effects are sums of steps that are not negative.
    steps = whiten @ np.tril(np.ones((m, m)))

    def distance(values: np.ndarray) -> tuple[np.ndarray, float]:
        rising, gap_rising = optimize.nnls(steps, whiten @ values)
        falling, gap_falling = optimize.nnls(-steps, whiten @ values)
        if gap_rising <= gap_falling:
            return np.cumsum(rising), float(gap_rising**2)
        return -np.cumsum(falling), float(gap_falling**2)

    monotone, departure = distance(effects)
    rng = np.random.default_rng(seed)
    signs = rng.integers(0, 2, (draws, n)) * 2.0 - 1.0
    drawn = [distance(values)[1] for values in signs @ shares]
    reached = int(np.sum(np.array(drawn) >= departure * (1 - 1e-9)))
    return monotone, departure, (1 + reached) / (1 + draws)
