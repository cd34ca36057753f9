"""Quantiles, tails and ranks, straight from scipy's special functions.

The same numbers as `scipy.stats` to the last bit; importing that package alone costs a fifth of a small audit.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special


def t_quantile(share: ArrayLike, df: ArrayLike) -> np.ndarray:
    """Value of Student's t below which a share of the distribution lies."""
    return special.stdtrit(df, share)


def t_tail(t: ArrayLike, df: ArrayLike) -> np.ndarray:
    """Share of Student's t above a value."""
    return special.stdtr(df, -np.asarray(t, float))


def normal_quantile(share: ArrayLike) -> np.ndarray:
    """Value of the standard normal below which a share of the distribution lies."""
    return special.ndtri(share)


def normal_tail(z: ArrayLike) -> np.ndarray:
    """Share of the standard normal above a value."""
    return special.ndtr(-np.asarray(z, float))


def chi2_tail(value: ArrayLike, df: ArrayLike) -> np.ndarray:
    """Share of the chi-squared distribution above a value."""
    return special.chdtrc(df, value)


def chi2_quantile(share: ArrayLike, df: ArrayLike) -> np.ndarray:
    """Value of the chi-squared distribution below which a share of it lies."""
    return special.chdtri(df, 1 - np.asarray(share, float))


def mean_ranks(values: ArrayLike) -> np.ndarray:
    """Ranks from 1, ties share their mean rank; a table is ranked column by column."""
    values = np.asarray(values, float)
    return (pd.Series if values.ndim == 1 else pd.DataFrame)(values).rank().to_numpy()
