"""Pool one effect over teams: random effects by REML, Hartung-Knapp interval.

With a handful of teams the usual normal interval is too short; Hartung and
Knapp's is not, as long as its factor is kept from shrinking the error of
teams that happen to agree. The prediction interval answers the question a
team lead has, what would the next team see; it is too short with few teams
(86 % instead of 95 % of new teams with eight, 92 % with 25).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.distributions import chi2_tail, t_quantile, t_tail


@dataclass(frozen=True)
class RandomEffects:
    """Random-effects summary of k estimates (log scale for ratios).

    Attributes
    ----------
    estimate, se : float
        Pooled estimate and its Hartung-Knapp standard error (never below the usual one).
    low, high : float
        95 % interval, t with k - 1 df.
    t, df, p : float
        Test of estimate = 0.
    predict_low, predict_high : float
        95 % prediction interval for the true effect in another team.
    tau2 : float
        Variance of the true effects between teams (REML).
    i2 : float
        Share of the total variance that lies between teams, in per cent.
    q, q_p : float
        Cochran's Q and the p of "all teams alike".
    k : int
        Estimates pooled.
    """

    estimate: float
    se: float
    low: float
    high: float
    t: float
    df: int
    p: float
    predict_low: float
    predict_high: float
    tau2: float
    i2: float
    q: float
    q_p: float
    k: int


def random_effects(estimates: np.ndarray, variances: np.ndarray) -> RandomEffects:
    """Pool estimates of several teams, allowing that their true effects differ.

    Parameters
    ----------
    estimates, variances : numpy.ndarray, shape (k,)
        Effect and squared standard error of each team; teams with a gap are left out.

    Raises
    ------
    NotEnoughData
        With fewer than two teams.
    ValueError
        If a variance is not above 0.

    References
    ----------
    Viechtbauer 2005 (REML); Hartung & Knapp 2001; Rover, Knapp & Friede 2015 (the factor kept at 1 or above);
    Higgins, Thompson & Spiegelhalter 2009 (prediction).
    """
    estimates, variances = np.asarray(estimates, dtype=float), np.asarray(variances, dtype=float)
    known = np.isfinite(estimates) & np.isfinite(variances)
    y, v = estimates[known], variances[known]
    k = len(y)
    if k < 2:
        raise NotEnoughData(f"{k} estimate to pool; at least two teams are needed.")
    if (v <= 0).any():
        raise ValueError(f"a variance is {v.min():g}; squared standard errors above 0 were expected")

    tau2 = _reml_tau2(y, v)
    weight = 1 / (v + tau2)
    estimate = float(weight @ y / weight.sum())
    df = k - 1
    # Teams that agree better than their own errors allow do so by luck, so the factor stays at 1 or above.
    factor = max(1.0, float(weight @ (y - estimate) ** 2 / df))
    se = float(np.sqrt(factor / weight.sum()))
    t, crit = estimate / se, float(t_quantile(0.975, df))
    spread = crit * np.sqrt(se**2 + tau2)

    fixed = 1 / v
    q = float(fixed @ (y - fixed @ y / fixed.sum()) ** 2)
    typical = df * fixed.sum() / (fixed.sum() ** 2 - (fixed**2).sum())
    return RandomEffects(
        estimate, se, estimate - crit * se, estimate + crit * se, t, df, float(2 * t_tail(abs(t), df)),
        float(estimate - spread), float(estimate + spread), tau2, float(100 * tau2 / (tau2 + typical)),
        q, float(chi2_tail(q, df)), k,
    )  # fmt: skip


def log_risk_ratio(
    events_1: np.ndarray, total_1: np.ndarray, events_0: np.ndarray, total_0: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Log risk ratio of two groups in each of k teams, and its large-sample variance.

    Parameters
    ----------
    events_1, total_1, events_0, total_0 : numpy.ndarray, shape (k,)
        Cases and persons (or tries) in the first group and in the group compared with; no cell may be 0.

    Raises
    ------
    ValueError
        If a group has no case.
    """
    e1, n1, e0, n0 = (np.asarray(part, dtype=float) for part in (events_1, total_1, events_0, total_0))
    if (e1 <= 0).any() or (e0 <= 0).any():
        raise ValueError("a group has no case, so its log risk ratio does not exist")
    return np.log(e1 / n1) - np.log(e0 / n0), 1 / e1 - 1 / n1 + 1 / e0 - 1 / n0


def _reml_tau2(y: np.ndarray, v: np.ndarray) -> float:
    # Root of the REML score. Where the score at 0 is negative the likelihood only falls: 0 is the answer. At the
    # squared range it is always negative: with shares p of the weights it is at most sum(w) times
    # sum p_i (y_i - m)^2 / range^2 - (1 - sum p_i^2), and the first part never exceeds half the second.
    def score(tau2: float) -> float:
        weight = 1 / (v + tau2)
        total = weight.sum()
        mean = weight @ y / total
        return float(weight**2 @ (y - mean) ** 2 - total + weight @ weight / total)

    if score(0.0) <= 0:
        return 0.0
    return float(optimize.brentq(score, 0.0, np.ptp(y) ** 2, xtol=1e-14, rtol=1e-14))
