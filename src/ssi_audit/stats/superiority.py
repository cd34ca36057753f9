"""How often does one group beat the other? P(X > Y), ties counted half.

The quoted wording "78 % of social sellers outsell peers" is a proportion, not
a ratio of sales, so it is tested as one (methods.md, claim L3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.distributions import mean_ranks, normal_quantile, normal_tail, t_quantile, t_tail

MIN_PER_GROUP = 2


@dataclass(frozen=True)
class Superiority:
    """Probability that a member of the first group is above one of the second.

    Attributes
    ----------
    p_above : float
        P(X > Y) + P(X = Y) / 2.
    low, high : float
        95 % interval.
    statistic, df, p : float
        Brunner-Munzel test of p_above = `null`, two-sided; NaN when the groups do not overlap.
    p_mann_whitney : float
        Mann-Whitney, normal approximation, corrected for ties, without continuity correction (null .5).
    null : float
        The value tested.
    n_x, n_y : int
        Sizes of the groups.
    method : str
        "brunner-munzel", or "newcombe" where the groups do not overlap and the variance cannot be estimated.
    """

    p_above: float
    low: float
    high: float
    statistic: float
    df: float
    p: float
    p_mann_whitney: float
    null: float
    n_x: int
    n_y: int
    method: str


def probability_of_superiority(x: np.ndarray, y: np.ndarray, null: float = 0.5) -> Superiority:
    """Probability that an `x` is above a `y`, with the Brunner-Munzel interval.

    Parameters
    ----------
    x, y : numpy.ndarray, shapes (n_x,) and (n_y,)
        One number per person; gaps are left out.
    null : float
        Probability tested, 0.5 for "no difference".

    Raises
    ------
    NotEnoughData
        With fewer than `MIN_PER_GROUP` persons on a side.

    References
    ----------
    Brunner & Munzel 2000 (Biometrical Journal 42); Newcombe 2006 (Statistics in Medicine 25), method 5.
    """
    x, y = (np.asarray(side, dtype=float) for side in (x, y))
    x, y = x[np.isfinite(x)], y[np.isfinite(y)]
    n_x, n_y = len(x), len(y)
    if min(n_x, n_y) < MIN_PER_GROUP:
        raise NotEnoughData(f"groups of {n_x} and {n_y} persons; at least {MIN_PER_GROUP} on each side are needed.")

    ranks = mean_ranks(np.concatenate([x, y]))
    # For each x the number of y below it (ties half), and the other way round.
    above_y = ranks[:n_x] - mean_ranks(x)
    above_x = ranks[n_x:] - mean_ranks(y)
    p_above = float(above_y.mean() / n_y)
    var_x = above_y.var(ddof=1) / (n_x * n_y**2)
    var_y = above_x.var(ddof=1) / (n_y * n_x**2)
    p_rank = _mann_whitney_p(ranks, n_x, n_y, p_above)
    variance = var_x + var_y
    if variance == 0:
        low, high = _newcombe_interval(p_above, n_x, n_y)
        nan = float("nan")
        return Superiority(p_above, low, high, nan, nan, nan, p_rank, null, n_x, n_y, "newcombe")
    df = variance**2 / (var_x**2 / (n_x - 1) + var_y**2 / (n_y - 1))
    statistic = (p_above - null) / np.sqrt(variance)
    half = t_quantile(0.975, df) * np.sqrt(variance)
    return Superiority(
        p_above, float(max(0.0, p_above - half)), float(min(1.0, p_above + half)), float(statistic), float(df),
        float(2 * t_tail(abs(statistic), df)), p_rank, null, n_x, n_y, "brunner-munzel",
    )  # fmt: skip


def _mann_whitney_p(ranks: np.ndarray, n_x: int, n_y: int, p_above: float) -> float:
    n = n_x + n_y
    ties = np.unique(ranks, return_counts=True)[1].astype(float)
    variance = n_x * n_y / 12 * (n + 1 - np.sum(ties**3 - ties) / (n * (n - 1)))
    if variance == 0:  # everybody is tied with everybody
        return 1.0
    z = n_x * n_y * (p_above - 0.5) / np.sqrt(variance)
    return float(2 * normal_tail(abs(z)))


def _newcombe_interval(p_above: float, n_x: int, n_y: int) -> tuple[float, float]:
    # Two groups that do not overlap have an estimated variance of 0, yet ten sellers prove no
    # certainty: Newcombe takes the variance at the limit itself, so it never vanishes.
    z2, half = normal_quantile(0.975) ** 2, (n_x + n_y) / 2 - 1

    def excess(theta: float) -> float:
        spread = theta * (1 - theta) * (1 + half * (1 - theta) / (2 - theta) + half * theta / (1 + theta))
        return (p_above - theta) ** 2 - z2 * spread / (n_x * n_y)

    if p_above == 0.5:  # every pair is tied: the limits lie on both sides
        return optimize.brentq(excess, 1e-12, 0.5), optimize.brentq(excess, 0.5, 1 - 1e-12)
    if p_above > 0.5:
        return optimize.brentq(excess, 1e-12, 1 - 1e-12), 1.0
    return 0.0, optimize.brentq(excess, 1e-12, 1 - 1e-12)
