"""What to conclude from estimates: several tests at once, equivalence, detectable effects, two rates.

A large p does not say "no effect". Two one-sided tests do, when the whole
90 % interval lies inside the smallest effect of interest; and where they
cannot, the detectable ratio and the needed multiple say how far away the
data are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.distributions import normal_quantile, t_quantile, t_tail

POWER = 0.80


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided tests of an estimate against two bounds.

    Attributes
    ----------
    p_lower, p_upper : float
        Of "at or below the lower bound" and "at or above the upper bound".
    p : float
        The larger of the two; equivalence at level 5 % when it is below .05.
    low90, high90 : float
        90 % interval; lies inside the bounds exactly when p < .05.
    """

    p_lower: float
    p_upper: float
    p: float
    low90: float
    high90: float


@dataclass(frozen=True)
class TwoRates:
    """Comparison of two rates of events per time.

    Attributes
    ----------
    ratio : float
        First rate over second.
    p : float
        Exact conditional test of `null`, two-sided.
    low, high : float
        Exact 95 % interval of the ratio.
    wald_low, wald_high : float
        95 % interval on the log scale, normal approximation.
    z : float
        (log ratio - log null) / its standard error.
    null : float
        Ratio tested.
    """

    ratio: float
    p: float
    low: float
    high: float
    wald_low: float
    wald_high: float
    z: float
    null: float


def holm(p: ArrayLike) -> np.ndarray:
    """Holm-adjusted p-values of one family.

    Parameters
    ----------
    p : array, shape (m,)
        NaN: a test that could not be made; it stays NaN and does not count.

    References
    ----------
    Holm (1979), Scandinavian J. Statistics 6.
    """
    return adjust(p, "holm")


def benjamini_hochberg(p: ArrayLike) -> np.ndarray:
    """False-discovery-rate-adjusted p-values, for exploration only; parameters as in `holm`.

    References
    ----------
    Benjamini & Hochberg (1995), JRSS B 57.
    """
    return adjust(p, "fdr_bh")


def adjust(p: ArrayLike, method: str) -> np.ndarray:
    """Adjusted p-values by any method of `statsmodels.stats.multitest.multipletests`; NaN stays NaN.

    Holm's and the false-discovery rate are computed here: they are asked for once per analysis of a specification
    curve, and that function clears the whole memory each time (0.15 s).
    """
    p = np.asarray(p, float)
    adjusted = np.full(p.shape, np.nan)
    made = ~np.isnan(p)
    if not made.any():
        return adjusted
    if method in ("holm", "fdr_bh"):
        adjusted[made] = _stepwise(p[made], method)
        return adjusted
    from statsmodels.stats.multitest import multipletests

    adjusted[made] = multipletests(p[made], method=method)[1]
    return adjusted


def _stepwise(p: np.ndarray, method: str) -> np.ndarray:
    """Step-down (Holm) or step-up (Benjamini-Hochberg) adjustment of p-values without gaps."""
    order = np.argsort(p, kind="stable")
    m = len(p)
    if method == "holm":
        stepped = np.maximum.accumulate(p[order] * np.arange(m, 0, -1))
    else:
        stepped = np.minimum.accumulate((p[order] * m / np.arange(1, m + 1))[::-1])[::-1]
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def equivalence(estimate: float, se: float, df: float, low: float, high: float) -> Equivalence:
    """Two one-sided t tests: does the estimate lie between two bounds?

    Parameters
    ----------
    estimate, se, df : float
        On one scale with the bounds: for a rate ratio its logarithm.
    low, high : float
        Bounds, for example -log(1.10) and log(1.10).

    References
    ----------
    Schuirmann (1987), J. Pharmacokinetics 15; Lakens (2017), SPPS 8.
    """
    if not low < high:
        raise ValueError(f"the lower bound must be below the upper one, got {low:g} and {high:g}")
    p_lower = float(t_tail((estimate - low) / se, df))
    p_upper = float(t_tail((high - estimate) / se, df))
    wide = float(t_quantile(0.95, df) * se)
    return Equivalence(p_lower, p_upper, max(p_lower, p_upper), float(estimate - wide), float(estimate + wide))


def welch_equivalence(x: ArrayLike, y: ArrayLike, low: float, high: float) -> Equivalence:
    """Two one-sided Welch tests of mean(x) - mean(y)."""
    x, y = _values(x), _values(y)
    parts = np.array([x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)])
    df = parts.sum() ** 2 / (parts**2 / [len(x) - 1, len(y) - 1]).sum()
    return equivalence(float(x.mean() - y.mean()), float(np.sqrt(parts.sum())), float(df), low, high)


def paired_equivalence(x: ArrayLike, y: ArrayLike, low: float, high: float) -> Equivalence:
    """Two one-sided t tests of the mean of x - y, pair by pair."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    if x.shape != y.shape:
        raise ValueError(f"pairs need two arrays of one length, got {len(x)} and {len(y)}")
    change = _values(x - y)
    se = float(change.std(ddof=1) / np.sqrt(len(change)))
    return equivalence(float(change.mean()), se, len(change) - 1, low, high)


def _values(x: ArrayLike) -> np.ndarray:
    x = np.asarray(x, float)
    x = x[~np.isnan(x)]
    if len(x) < 2:
        raise NotEnoughData(f"A mean with an interval needs at least 2 values, got {len(x)}.")
    return x


def minimum_detectable_ratio(se: float, df: float) -> float:
    """Ratio that a two-sided 5 % test finds with 80 % power, from the standard error of its logarithm."""
    return float(np.exp((t_quantile(0.975, df) + t_quantile(POWER, df)) * se))


def needed_multiple(se: float, sesoi: float, df: float) -> float:
    """How many times as many seller-weeks would show "smaller than `sesoi`" with 80 % power.

    Parameters
    ----------
    se : float
        Standard error of the log ratio in these data.
    sesoi : float
        Smallest effect of interest, as a ratio above 1.
    df : float

    Returns
    -------
    float
        (se/needed)^2; below 1 the data suffice already.
    """
    if not sesoi > 1:
        raise ValueError(f"a smallest effect is a ratio above 1, got {sesoi:g}")
    # Both one-sided tests must succeed when the truth is 1, hence .90 for 80 % power.
    needed = np.log(sesoi) / (t_quantile(0.95, df) + t_quantile((1 + POWER) / 2, df))
    return float((se / needed) ** 2)


def poisson_two_rates(events_1: int, time_1: float, events_2: int, time_2: float, null: float = 1.0) -> TwoRates:
    """Compare two rates exactly, as R's `poisson.test` does.

    For events that fall independently of one another: two totals of single
    events. Weeks of few sellers are not like that; use `pooled_poisson` and
    `cr2` for them.

    Parameters
    ----------
    events_1, events_2 : int
        Events.
    time_1, time_2 : float
        Time (or other exposure) in which they fell.
    null : float
        Ratio tested.

    Raises
    ------
    NotEnoughData
        Without a single event there is no ratio.

    References
    ----------
    Lehmann & Romano (2005), Testing Statistical Hypotheses, section 4.5 (given the sum, the first count is binomial).
    """
    if min(events_1, events_2) < 0 or min(time_1, time_2) <= 0 or null <= 0:
        raise ValueError("events must not be negative; times and the ratio tested must be above 0")
    total = events_1 + events_2
    if total == 0:
        raise NotEnoughData("No event on either side: a ratio of rates does not exist.")
    share = null * time_1 / (null * time_1 + time_2)
    from scipy.stats import binomtest

    test = binomtest(int(events_1), int(total), share)
    bounds = test.proportion_ci(0.95, method="exact")
    low, high = (float(np.divide(b, 1 - b)) * time_2 / time_1 if b < 1 else np.inf for b in bounds)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.divide(events_1 / time_1, events_2 / time_2)
        se = np.sqrt(np.divide(1.0, events_1) + np.divide(1.0, events_2))
        wald = np.exp(np.log(ratio) + np.array([-1, 1]) * normal_quantile(0.975) * se)
        z = (np.log(ratio) - np.log(null)) / se
    return TwoRates(float(ratio), float(test.pvalue), low, high, float(wald[0]), float(wald[1]), float(z), float(null))
