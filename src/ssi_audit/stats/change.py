"""Do low starters grow faster, or do they only seem to?

Every reading carries noise. Whoever was read too low at the start will look
like a climber, so the correlation of the change with the start is negative
without any growth at all (regression to the mean). Oldham's test and
Blomqvist's slope take that out; the naive numbers are given beside them
because they are what everybody computes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.distributions import normal_quantile, t_quantile, t_tail

# Fisher's interval needs n - 3 > 0, and below this the t test has no power to speak of.
MIN_PEOPLE = 5
# A spread this small beside the other is none.
ROUNDING = 1e-9
# Readings this many days apart are taken to differ by noise alone (methods.md section 7).
CLOSE_DAYS = 2
MIN_CLOSE_PAIRS = 10


@dataclass(frozen=True)
class Oldham:
    """Correlation of change with the mean of start and end (unbiased under no differential growth).

    Attributes
    ----------
    r : float
        Correlation of last - first with (last + first) / 2. Below 0: low starters grew faster.
    low, high : float
        95 % interval of `r` (Fisher z).
    t, df, p : float
        Pitman-Morgan test of equal variances at start and end; two-sided p.
    n : int
        Persons.
    """

    r: float
    low: float
    high: float
    t: float
    df: int
    p: float
    n: int


@dataclass(frozen=True)
class NaiveChange:
    """Change against start as it is usually computed. Biased towards "low starters grow faster".

    Attributes
    ----------
    r, p : float
        Correlation of last - first with first, and its usual p.
    slope, se : float
        Least-squares slope of the change on the start and its standard error.
    n : int
        Persons.
    """

    r: float
    p: float
    slope: float
    se: float
    n: int


@dataclass(frozen=True)
class Blomqvist:
    """Slope of true change on true start.

    Attributes
    ----------
    slope : float
        (b + 1 - reliability) / reliability, b the naive slope.
    se, low, high : float
        Standard error and 95 % interval, t with n - 2 df, the reliability taken as known.
    reliability : float
        Share of the variance of the starts that is not noise.
    n : int
        Persons.
    """

    slope: float
    se: float
    low: float
    high: float
    reliability: float
    n: int


@dataclass(frozen=True)
class Reliability:
    """How much of the variance of a score is more than noise.

    Attributes
    ----------
    error_variance : float
        Half the mean squared difference of two close readings, points squared.
    within_variance : float
        Variance of the readings of one person around his mean, pooled over persons.
    within : float
        1 - error_variance / within_variance, never below 0.
    n_pairs, n_people : int
        Pairs of close readings, and persons with at least two readings.
    """

    error_variance: float
    within_variance: float
    within: float
    n_pairs: int
    n_people: int


def oldham(first: np.ndarray, last: np.ndarray) -> Oldham:
    """Test whether low starters grow faster, free of regression to the mean.

    Parameters
    ----------
    first, last : numpy.ndarray, shape (n,)
        Score of each person at the start and at the end; persons with a gap are left out.

    Raises
    ------
    NotEnoughData
        With fewer than `MIN_PEOPLE` persons, or when nobody changed.

    References
    ----------
    Oldham 1962; Pitman 1939; Morgan 1939; Tu & Gilthorpe 2007 (Statistics in Medicine).
    """
    first, last = _pairs(first, last)
    n = len(first)
    change, level = last - first, (last + first) / 2
    if np.ptp(change) == 0 or np.ptp(level) == 0:
        raise NotEnoughData("change and level: all persons have the same one, so there is nothing to relate.")
    r = float(np.clip(np.corrcoef(change, level)[0, 1], -1, 1))
    df = n - 2
    t = r * np.sqrt(df / (1 - r * r)) if abs(r) < 1 else np.copysign(np.inf, r)
    low, high = _fisher_interval(r, n)
    return Oldham(r, low, high, float(t), df, float(2 * t_tail(abs(t), df)), n)


def naive_change(first: np.ndarray, last: np.ndarray) -> NaiveChange:
    """Correlate change with start the usual, biased way (shown only to be warned about).

    Parameters
    ----------
    first, last : numpy.ndarray, shape (n,)
        As for `oldham`.

    Raises
    ------
    NotEnoughData
        With fewer than `MIN_PEOPLE` persons, or when all started alike.
    """
    first, last = _pairs(first, last)
    if np.ptp(first) == 0:
        raise NotEnoughData("start: all persons have the same one, so nothing can depend on it.")
    # The line of scipy.stats.linregress, without the second that importing it takes.
    n, x, y = len(first), first - first.mean(), last - first - (last - first).mean()
    if np.ptp(y) <= ROUNDING * np.ptp(x):  # everybody changed alike
        return NaiveChange(0.0, 1.0, 0.0, 0.0, n)
    slope = float(x @ y / (x @ x))
    left = y - slope * x
    r = slope * math.sqrt((x @ x) / (y @ y))
    error = math.sqrt(left @ left / (n - 2) / (x @ x))
    p = 2 * float(t_tail(abs(slope) / error, n - 2)) if error > 0 else float(slope == 0)
    return NaiveChange(r, p, slope, error, n)


def blomqvist(first: np.ndarray, last: np.ndarray, reliability: float) -> Blomqvist:
    """Slope of true change on true start, from the naive slope and a known reliability.

    Parameters
    ----------
    first, last : numpy.ndarray, shape (n,)
        As for `oldham`.
    reliability : float
        Share of the variance of `first` BETWEEN persons that is not noise, in (0, 1]; for instance
        ``1 - close_reading_reliability(...).error_variance / first.var(ddof=1)``.

    Raises
    ------
    ValueError
        If the reliability is not in (0, 1].
    NotEnoughData
        As `naive_change`.

    References
    ----------
    Blomqvist 1977 (JASA 72).
    """
    if not 0 < reliability <= 1:
        raise ValueError(f"reliability is {reliability}; a share above 0 and up to 1 was expected")
    naive = naive_change(first, last)
    slope = (naive.slope + 1 - reliability) / reliability
    se = naive.se / reliability
    half = t_quantile(0.975, naive.n - 2) * se
    return Blomqvist(slope, se, float(slope - half), float(slope + half), reliability, naive.n)


def close_reading_reliability(
    person: np.ndarray, day: np.ndarray, value: np.ndarray, max_days: float = CLOSE_DAYS
) -> Reliability:
    """Reliability of a score within persons, from readings a day or two apart.

    Real change between close readings counts as noise here, so the result is a
    lower bound; a score recomputed less often than it is read gives an upper one.

    Parameters
    ----------
    person, day, value : numpy.ndarray, shape (n,)
        Who, when (a number of days or a datetime64) and the score in points, in any order.
    max_days : float
        Two consecutive readings of a person this close or closer make a pair; two of one day do not.

    Raises
    ------
    NotEnoughData
        With fewer than `MIN_CLOSE_PAIRS` pairs, or no variance within persons.
    """
    value = np.asarray(value, dtype=float)
    person, day = np.asarray(person), _as_days(np.asarray(day))
    known = np.isfinite(value)
    codes = np.unique(person[known], return_inverse=True)[1]
    day, value = day[known], value[known]
    order = np.lexsort((day, codes))
    codes, day, value = codes[order], day[order], value[order]

    gap = np.diff(day)
    close = (np.diff(codes) == 0) & (gap > 0) & (gap <= max_days)
    n_pairs = int(close.sum())
    if n_pairs < MIN_CLOSE_PAIRS:
        raise NotEnoughData(
            f"only {n_pairs} pairs of readings at most {max_days:g} days apart, at least {MIN_CLOSE_PAIRS} are "
            "needed to tell noise from change. Daily readings of a few weeks would do."
        )
    error = float(np.mean(np.diff(value)[close] ** 2) / 2)

    counts = np.bincount(codes)
    means = np.bincount(codes, weights=value) / counts
    spare = int((counts - 1).sum())
    within = float(np.sum((value - means[codes]) ** 2) / spare)
    if within == 0:
        raise NotEnoughData("no person's score ever changed, so there is no variance within persons.")
    return Reliability(error, within, max(0.0, 1 - error / within), n_pairs, int((counts > 1).sum()))


def disattenuated(estimate: float, low: float, high: float, reliability: float) -> tuple[float, float, float]:
    """Divide a slope and its interval by the reliability (printed beside the slope, never instead of it).

    Raises
    ------
    ValueError
        If the reliability is not in (0, 1].
    """
    if not 0 < reliability <= 1:
        raise ValueError(f"reliability is {reliability}; a share above 0 and up to 1 was expected")
    return estimate / reliability, low / reliability, high / reliability


def _pairs(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, last = np.asarray(first, dtype=float), np.asarray(last, dtype=float)
    if first.shape != last.shape or first.ndim != 1:
        raise ValueError(
            f"first and last have shapes {first.shape} and {last.shape}; one number per person was expected"
        )
    both = np.isfinite(first) & np.isfinite(last)
    if both.sum() < MIN_PEOPLE:
        raise NotEnoughData(
            f"only {both.sum()} persons have a score at the start and at the end, {MIN_PEOPLE} are needed."
        )
    return first[both], last[both]


def _fisher_interval(r: float, n: int) -> tuple[float, float]:
    if abs(r) == 1:
        return r, r
    half = normal_quantile(0.975) / np.sqrt(n - 3)
    return float(np.tanh(np.arctanh(r) - half)), float(np.tanh(np.arctanh(r) + half))


def _as_days(day: np.ndarray) -> np.ndarray:
    # The unit of a datetime64 column differs between pandas versions; whole days do not.
    if np.issubdtype(day.dtype, np.datetime64):
        return day.astype("datetime64[D]").astype(float)
    return day.astype(float)
