"""Numbers that only a picture needs: a line through a scatter, a claim on the scale of a link.

They are computed here because a chart computes nothing (design.md section 2);
seaborn would fit a line of its own and never tell which one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ssi_audit.stats.distributions import t_quantile

# With fewer points a line and its band say nothing.
MIN_POINTS = 8
_GRID = 41


@dataclass(frozen=True)
class Scatter:
    """One dot per seller and the straight line through them; no dot says whose it is.

    Attributes
    ----------
    x, y : tuple of float
        Dots, sorted by x and y, so that their order tells nothing.
    line_x, line, low, high : tuple of float
        The least-squares line and its pointwise 95 % band on a grid from the smallest to the largest x.
    slope, slope_low, slope_high : float
        Of the line, with its 95 % interval (unequal spread allowed: HC3).
    groups : tuple of (int, float, float)
        Number of sellers, mean x, mean y of equal groups by x, lowest first: what is shown as a table.
        Each holds at least `min_group` sellers.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    line_x: tuple[float, ...]
    line: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    slope: float
    slope_low: float
    slope_high: float
    groups: tuple[tuple[int, float, float], ...]

    @property
    def n_people(self) -> int:
        """Number of dots."""
        return len(self.x)

    @property
    def direction(self) -> str:
        """``up`` or ``down`` where the slope's interval excludes zero and no flat line fits the band, else ``flat``.

        One seller far out can make a slope that the eye, and a rank correlation, do not see.
        """
        if max(self.low) <= min(self.high):
            return "flat"
        if self.slope_low > 0:
            return "up"
        return "down" if self.slope_high < 0 else "flat"


def scatter(x: ArrayLike, y: ArrayLike, min_group: int = 5) -> Scatter | None:
    """Draw a line through one point per seller.

    Parameters
    ----------
    x, y : array_like, shape (n_people,)
        Means of each seller; pairs with a missing value are left out.
    min_group : int
        Smallest group that is shown on its own.

    Returns
    -------
    Scatter or None
        None with fewer than 8 sellers or a score that does not vary.

    References
    ----------
    Long & Ervin (2000), The American Statistician 54 (HC3: n may be small and spread grow with x).
    """
    x, y = np.asarray(x, dtype="float64"), np.asarray(y, dtype="float64")
    usable = np.isfinite(x) & np.isfinite(y)
    order = np.lexsort((y[usable], x[usable]))
    x, y = x[usable][order], y[usable][order]
    if len(x) < max(MIN_POINTS, min_group) or np.ptp(x) == 0:
        return None
    design = np.column_stack([np.ones_like(x), x - x.mean()])
    inverse = np.linalg.inv(design.T @ design)
    coef = inverse @ design.T @ y
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    scaled = (y - design @ coef) / np.maximum(1 - leverage, 1e-8)
    covariance = inverse @ (design.T * scaled**2) @ design @ inverse
    quantile = t_quantile(0.975, len(x) - 2)

    line_x = np.linspace(x[0], x[-1], _GRID)
    grid = np.column_stack([np.ones_like(line_x), line_x - x.mean()])
    line = grid @ coef
    half = quantile * np.sqrt(np.einsum("ij,jk,ik->i", grid, covariance, grid))
    slope_half = quantile * math.sqrt(covariance[1, 1])
    return Scatter(
        x=tuple(x.tolist()),
        y=tuple(y.tolist()),
        line_x=tuple(line_x.tolist()),
        line=tuple(line.tolist()),
        low=tuple((line - half).tolist()),
        high=tuple((line + half).tolist()),
        slope=float(coef[1]),
        slope_low=float(coef[1] - slope_half),
        slope_high=float(coef[1] + slope_half),
        groups=_groups(x, y, min_group),
    )


def _groups(x: np.ndarray, y: np.ndarray, min_group: int) -> tuple[tuple[int, float, float], ...]:
    """Thirds by x, or everybody together when a third would be too small to show."""
    parts = 3 if len(x) // 3 >= min_group else 1
    rows = np.array_split(np.arange(len(x)), parts)
    return tuple((len(part), float(x[part].mean()), float(y[part].mean())) for part in rows)


def implied_link(x: ArrayLike, y: ArrayLike, mean: float, ratio: float, unit: float = 10.0) -> float:
    """Link that a rate ratio would look like in these data.

    When results are `ratio` times as many for every `unit` points, they rise by about
    mean * log(ratio) / unit per point; the link is that slope times sd(x) / sd(y).

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Score and outcome as the link correlates them (deviations from person and quarter).
    mean : float
        Mean outcome, in the unit of y.
    ratio : float
        Per `unit` points of x.

    Returns
    -------
    float
        From -1 to 1; NaN when x or y does not vary.
    """
    spread = float(np.std(np.asarray(y, dtype="float64")))
    width = float(np.std(np.asarray(x, dtype="float64")))
    if not (spread > 0 and width > 0 and ratio > 0):
        return math.nan
    return float(np.clip(mean * math.log(ratio) / unit * width / spread, -1.0, 1.0))
