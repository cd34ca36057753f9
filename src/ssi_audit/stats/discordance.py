"""Can somebody who closes little score above somebody who closes a lot?

Win rates of a few meetings are mostly luck, so they are pulled towards the
team's rate first (beta-binomial), and a pair of sellers counts only when the
data say with some confidence who closes better. No test: a description with
its interval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.distributions import t_quantile

# Two persons in each quarter of closers: below this "the bottom quarter" is one man.
MIN_PEOPLE = 8
# A pair counts when the posterior probability of its order is outside these (methods.md section 7).
UNSURE = (0.2, 0.8)
# Points at which posteriors are compared: enough for 1e-4 on a probability.
GRID = 1024


@dataclass(frozen=True)
class Discordance:
    """How often the score and the closing disagree about who is better.

    Attributes
    ----------
    share, low, high : float
        Share of discordant pairs among those whose order is known, and its 95 % jackknife interval;
        NaN when no pair is clear. .5 means that the score does not order closers.
    n_pairs, n_clear : int
        Pairs of persons with different scores; those of them with a clear order.
    auc, auc_low, auc_high : float
        P(score of a bottom-quarter closer > score of a top-quarter closer), ties half, with interval.
    a, b : float
        Prior of the win rate: shrunken rate = (won + a) / (meetings + a + b). Infinite when the rates differ
        no more than luck would make them.
    rate : numpy.ndarray, shape (n,)
        Shrunken win rate of each person, in the order given.
    worst : tuple of int or None
        Positions (high score, better closer) of the clear discordant pair with the widest gap in score.
        It names two persons: print it only where names may be shown.
    n_people : int
    """

    share: float
    low: float
    high: float
    n_pairs: int
    n_clear: int
    auc: float
    auc_low: float
    auc_high: float
    a: float
    b: float
    rate: np.ndarray
    worst: tuple[int, int] | None
    n_people: int


def score_discordance(score: np.ndarray, won: np.ndarray, tries: np.ndarray) -> Discordance:
    """Compare the order of a score with the order of shrunken win rates.

    Parameters
    ----------
    score : numpy.ndarray, shape (n,)
        One score per person, in points (his mean, or his latest).
    won, tries : numpy.ndarray, shape (n,)
        Deals won and meetings held.

    Raises
    ------
    NotEnoughData
        With fewer than `MIN_PEOPLE` persons who have a score and a meeting.
    ValueError
        If somebody won more than he tried.
    """
    score, won, tries = (np.asarray(part, dtype=float) for part in (score, won, tries))
    if (won > tries).any() or (won < 0).any():
        raise ValueError("won is below 0 or above tries for somebody; the first is a part of the second")
    use = np.isfinite(score) & np.isfinite(won) & (tries > 0)
    n = int(use.sum())
    if n < MIN_PEOPLE:
        raise NotEnoughData(f"only {n} persons have a score and a meeting, at least {MIN_PEOPLE} are needed.")
    places = np.flatnonzero(use)
    score, won, tries = score[use], won[use], tries[use]

    a, b = beta_prior(won, tries)
    rate = shrunken_rate(won, tries, a, b)
    # The prior is the team's; it is held where it is while persons are left out one by one.
    below = _probability_below(won, tries, a, b)
    above_score = score[:, None] > score
    clear = above_score & ((below < UNSURE[0]) | (below > UNSURE[1]))
    wrong = clear & (below > 0.5)

    def share(kept: np.ndarray) -> float:
        known = clear[np.ix_(kept, kept)].sum()
        return wrong[np.ix_(kept, kept)].sum() / known if known else np.nan

    def auc(kept: np.ndarray) -> float:
        return _quarter_auc(score[kept], rate[kept])

    everyone = np.arange(n)
    # Of P persons at most P/2 pairs have nobody in common.
    n_apart = int((clear | clear.T).any(axis=1).sum()) // 2
    quarter = max(1, n // 4)
    low, high = _jackknife_interval(share, n, n_apart, arcsine=True)
    auc_low, auc_high = _jackknife_interval(auc, n, quarter)
    shrunken = np.full(len(use), np.nan)
    shrunken[places] = rate
    return Discordance(
        float(share(everyone)), low, high, int(above_score.sum()), int(clear.sum()), auc(everyone),
        auc_low, auc_high, a, b, shrunken, _worst_pair(score, wrong, places), n,
    )  # fmt: skip


def beta_prior(won: np.ndarray, tries: np.ndarray) -> tuple[float, float]:
    """Parameters a, b of a beta distribution of win rates, by moments.

    Parameters
    ----------
    won, tries : numpy.ndarray, shape (n,)
        Successes and tries (above 0) of each person.

    Returns
    -------
    tuple of float
        Infinite both when persons differ no more than binomial luck explains, or nobody ever won or lost.

    References
    ----------
    Kleinman 1973 (JASA 68), weights proportional to tries.
    """
    won, tries = np.asarray(won, dtype=float), np.asarray(tries, dtype=float)
    total = tries.sum()
    mean = won.sum() / total
    luck = mean * (1 - mean)
    spread = tries @ (won / tries - mean) ** 2
    # E[spread] = luck * ((n - 1) + rho * (total - sum(tries^2)/total - (n - 1))), rho = 1 / (a + b + 1).
    n_spare = len(tries) - 1
    room = total - tries @ tries / total - n_spare
    if luck == 0 or room <= 0:
        return np.inf, np.inf
    rho = (spread / luck - n_spare) / room
    if rho <= 0:
        return np.inf, np.inf
    # At 1 everybody would win always or never; that much is never known from a sample.
    strength = 1 / min(rho, 0.999) - 1
    return float(mean * strength), float((1 - mean) * strength)


def shrunken_rate(won: np.ndarray, tries: np.ndarray, a: float, b: float) -> np.ndarray:
    """Win rates pulled towards the team's: (won + a) / (tries + a + b); the team's rate if a is infinite."""
    won, tries = np.asarray(won, dtype=float), np.asarray(tries, dtype=float)
    if np.isinf(a):
        return np.full(won.shape, won.sum() / tries.sum())
    return (won + a) / (tries + a + b)


def _probability_below(won: np.ndarray, tries: np.ndarray, a: float, b: float) -> np.ndarray:
    """P(rate of i < rate of j) for all pairs, shape (n, n); .5 when all rates are one."""
    n = len(won)
    if np.isinf(a):
        return np.full((n, n), 0.5)
    left, right = (won + a)[:, None], (tries - won + b)[:, None]
    # Edges at quantiles of every posterior: fine where any of them has mass.
    per_person = max(8, GRID // n)
    edges = np.unique(special.betaincinv(left, right, (np.arange(per_person) + 0.5) / per_person))
    if len(edges) > GRID:
        edges = edges[np.linspace(0, len(edges) - 1, GRID).astype(int)]
    cdf = special.betainc(left, right, np.concatenate([[0.0], edges, [1.0]]))
    mass = np.diff(cdf, axis=1)
    # i in a cell, j in a later one, or in the same one (then either order is as likely).
    return mass @ (1 - cdf[:, 1:] + mass / 2).T


def _quarter_auc(score: np.ndarray, rate: np.ndarray) -> float:
    order = np.argsort(rate, kind="stable")
    quarter = max(1, len(rate) // 4)
    bottom, top = score[order[:quarter], None], score[order[-quarter:]]
    return float(np.mean((bottom > top) + 0.5 * (bottom == top)))


def _worst_pair(score: np.ndarray, wrong: np.ndarray, places: np.ndarray) -> tuple[int, int] | None:
    if not wrong.any():
        return None
    gap = np.where(wrong, score[:, None] - score, -np.inf)
    high, better = np.unravel_index(np.argmax(gap), gap.shape)
    return int(places[high]), int(places[better])


def _jackknife_interval(
    statistic: Callable[[np.ndarray], float], n: int, n_apart: int, *, arcsine: bool = False
) -> tuple[float, float]:
    """95 % interval of a share, from leaving out each person in turn, t with n - 1 df.

    The fewer pairs have a clear order, the more a share's own spread depends on the share; the ends are then those of
    its arcsine, where it does not (docs/simulations.md: as they are they hold the truth in 91 to 92 % of teams of
    24). Where nobody's absence changes anything (all pairs agree), Wilson's interval for `n_apart` independent pairs:
    no deviation seen is not none possible.
    """
    everyone = np.arange(n)
    whole = statistic(everyone)
    parts = np.array([statistic(np.delete(everyone, i)) for i in range(n)])
    if not np.isfinite(parts).all() or not np.isfinite(whole):
        return float("nan"), float("nan")
    spread = np.sqrt((n - 1) / n * np.sum((parts - parts.mean()) ** 2))
    if spread < 1e-12:
        from scipy.stats import binomtest

        result = binomtest(round(whole * n_apart), max(n_apart, 1)).proportion_ci(method="wilson")
        return float(min(result.low, whole)), float(max(result.high, whole))
    half = t_quantile(0.975, n - 1) * spread
    if arcsine:
        angle, half = np.arcsin(np.sqrt(whole)), half / (2 * np.sqrt(whole * (1 - whole)))
        low, high = np.sin([max(angle - half, 0.0), min(angle + half, np.pi / 2)]) ** 2
        return float(low), float(high)
    return float(max(0.0, whole - half)), float(min(1.0, whole + half))
