"""Fit a model that is named by words, as a specification or a setting names it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ssi_audit.stats.fixed_effects import fe_ols, fe_poisson, pooled_ols, pooled_poisson
from ssi_audit.stats.working import ModelFit

MODELS = ("poisson", "ols")


def fit_by_name(
    model: str,
    y: ArrayLike,
    X: ArrayLike,
    groups: ArrayLike,
    offset: ArrayLike | None = None,
    calendar: ArrayLike | None = None,
    *,
    absorb: bool = True,
) -> ModelFit:
    """Poisson or least squares, with one effect per person or one intercept.

    Parameters
    ----------
    model : {"poisson", "ols"}
    y, X, groups, offset, calendar
        As in `fe_poisson`; least squares take no offset.
    absorb : bool
        One effect per person; False: one intercept.

    Raises
    ------
    ValueError
        If the model is unknown, or least squares are given an offset.
    """
    if model not in MODELS:
        raise ValueError(f'model is "poisson" or "ols", got {model!r}')
    if model == "poisson":
        return (fe_poisson if absorb else pooled_poisson)(y, X, groups, offset, calendar)
    if offset is not None:
        raise ValueError("least squares take no offset; divide the outcome by what the offset stands for")
    return (fe_ols if absorb else pooled_ols)(y, X, groups, calendar)


def as_columns(covariates: ArrayLike | None, n_rows: int) -> np.ndarray:
    """Covariates as a matrix, shape (n_rows, k); k is 0 where there are none."""
    if covariates is None:
        return np.empty((n_rows, 0))
    columns = np.asarray(covariates, float)
    columns = columns[:, None] if columns.ndim == 1 else columns
    if len(columns) != n_rows:
        raise ValueError(f"covariates have {len(columns)} rows, the outcome has {n_rows}")
    return columns
