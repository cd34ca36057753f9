"""Panel columns to the arrays of one model: which rows, which regressors, which calendar effects.

Forty pairs of score and outcome look at the same panel, so its columns are
turned into numbers once (`Columns`) and picked from there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ssi_audit import schema
from ssi_audit.verdict import seller_years

WEEKS_PER_QUARTER = 13
MONTHS_PER_QUARTER = 3
# Calendar effects, methods.md section 2.
MIN_EVENTS_PER_MONTH = 10
MIN_PEOPLE_FOR_WEEKS = 100


@dataclass(frozen=True, eq=False)
class Columns:
    """A panel as plain arrays, each made once.

    Attributes
    ----------
    panel : pandas.DataFrame
        As `build_panel` returns it.
    facts : dict
        ``panel.attrs["facts"]``.
    """

    panel: pd.DataFrame
    facts: dict[str, Any]
    _made: dict[str, np.ndarray] = field(default_factory=dict)

    def __getitem__(self, name: str) -> np.ndarray:
        """Return a number column as float64, shape (rows,)."""
        if name not in self._made:
            self._made[name] = self.panel[name].to_numpy("float64")
        return self._made[name]

    def __len__(self) -> int:
        return len(self.panel)

    @cached_property
    def person(self) -> np.ndarray:
        """Code of the person of each row."""
        return pd.factorize(self.panel["person"], sort=True)[0]

    @cached_property
    def territory(self) -> tuple[np.ndarray, np.ndarray]:
        """Code of the territory of each row, and the territories."""
        return pd.factorize(self.panel["territory"].fillna("").astype(str), sort=True)

    @cached_property
    def group(self) -> np.ndarray:
        """Code of the unit whose effect is absorbed: a person under one definition of the score."""
        regime = self.panel["regime"].to_numpy("int64")
        return np.unique(self.person * (regime.max(initial=0) + 1) + regime, return_inverse=True)[1]

    @cached_property
    def period(self) -> np.ndarray:
        """Number of the period of each row, 0 for the first."""
        number = self.panel["p"].to_numpy("int64")
        return number - number.min(initial=number[0] if len(number) else 0)

    @cached_property
    def month(self) -> np.ndarray:
        """Calendar month in which the period begins, counted from year 0."""
        begin = self.panel["period"]
        return (begin.dt.year * 12 + begin.dt.month).to_numpy("int64")

    @cached_property
    def quarter(self) -> np.ndarray:
        """Number of the block of 13 weeks or 3 months, counted from the first period."""
        return self.period // self.per_quarter

    @property
    def per_quarter(self) -> int:
        """Periods per quarter."""
        return WEEKS_PER_QUARTER if self.facts["period"] == "week" else MONTHS_PER_QUARTER

    @cached_property
    def seller_years(self) -> float:
        """Years of sellers with a score; see `verdict.seller_years`."""
        return seller_years(int(np.isfinite(self["ssi"]).sum()), self.facts["period"])

    def exposure(self, exposure: str, prefix: str = "") -> np.ndarray:
        """Exposure in units of 10 points of the total or 2.5 points of a pillar."""
        check_exposure(exposure)
        return self[prefix + schema.PANEL_EXPOSURE[exposure]] / schema.EXPOSURE_UNIT[exposure]

    @cached_property
    def log_activity(self) -> np.ndarray:
        """log(1 + A_k) of every logged type, shape (rows, types)."""
        kinds = [np.log1p(self[f"A_{kind}"]) for kind in self.facts["activity_types"]]
        return np.column_stack(kinds) if kinds else np.empty((len(self), 0))

    def outcome(self, outcome: str) -> tuple[np.ndarray, np.ndarray, bool]:
        """Outcome, what its offset is the log of, and whether there is an offset at all."""
        check_outcome(outcome)
        if outcome in schema.RATE_OUTCOMES:
            return self[f"{outcome}_num"], np.nan_to_num(self[f"{outcome}_den"]), True
        if outcome in schema.BINARY_OUTCOMES:
            return self[outcome], np.ones(len(self)), False
        return self[outcome], self["on_duty"], True

    def calendar_unit(self, usable: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Calendar effect of the usable rows: period, month or quarter, by how much there is to estimate it from."""
        n_people = len(np.unique(self.person[usable]))
        month = self.month[usable]
        if n_people >= MIN_PEOPLE_FOR_WEEKS:
            return self.period[usable]
        if len(month) and y[usable].sum() / len(np.unique(month)) >= MIN_EVENTS_PER_MONTH:
            return month
        return self.quarter[usable]


@dataclass(frozen=True, eq=False)
class Design:
    """The rows and columns of one model.

    Attributes
    ----------
    y : ndarray, shape (n,)
        Outcome of the row.
    X : ndarray, shape (n, k)
        Regressors; the tested one is column 0.
    person, group : ndarray of int, shape (n,)
        Cluster; unit whose effect is absorbed (person by score regime).
    offset : ndarray, shape (n,) or None
        Log exposure time or log denominator.
    calendar : ndarray of int, shape (n,)
        Calendar unit of the row.
    mean : float
        Outcome per person and quarter; for rates the mean rate.
    rows : ndarray of int, shape (n,)
        Positions in the panel.
    """

    y: np.ndarray
    X: np.ndarray
    person: np.ndarray
    group: np.ndarray
    offset: np.ndarray | None
    calendar: np.ndarray
    mean: float
    rows: np.ndarray

    @cached_property
    def n_people(self) -> int:
        """Persons with at least one row."""
        return len(np.unique(self.person))

    @property
    def clusters(self) -> np.ndarray | None:
        """Persons, where they are not the absorbed units themselves."""
        return None if len(np.unique(self.group)) == self.n_people else self.person


def columns(panel: pd.DataFrame | Columns) -> Columns:
    """Turn a panel into arrays; arrays stay what they are."""
    return panel if isinstance(panel, Columns) else Columns(panel, panel.attrs["facts"])


def check_exposure(exposure: str) -> None:
    """Raise ValueError for a name that is no exposure, listing those that are."""
    if exposure not in schema.EXPOSURES:
        raise ValueError(f"unknown exposure {exposure!r}; expected one of {', '.join(schema.EXPOSURES)}")


def check_outcome(outcome: str) -> None:
    """Raise ValueError for a name that is no outcome, listing those that are."""
    if outcome not in (*schema.OUTCOMES, "inquiries_other"):
        raise ValueError(f"unknown outcome {outcome!r}; expected one of {', '.join(schema.OUTCOMES)}")


def design(
    panel: pd.DataFrame | Columns,
    exposure: str,
    outcome: str,
    adjusted: bool,
    extra: ArrayLike | None = None,
    x: ArrayLike | None = None,
) -> Design:
    """Choose the rows and build the regressors of one model.

    Parameters
    ----------
    panel : pandas.DataFrame or Columns
        As `build_panel` returns it.
    exposure, outcome : str
        Names of `schema.EXPOSURES` and `schema.OUTCOMES`.
    adjusted : bool
        Add log(1 + A_k) of every logged type of activity.
    extra : array, shape (rows,) or (rows, k), optional
        More regressors, one row per row of the panel, put after the exposure.
    x : array, shape (rows,), optional
        Takes the place of the exposure.

    Raises
    ------
    ValueError
        For an unknown exposure or outcome.
    """
    given = columns(panel)
    parts = [given.exposure(exposure) if x is None else np.asarray(x, "float64")]
    if extra is not None:
        parts.append(np.asarray(extra, "float64"))
    if adjusted:
        parts.append(given.log_activity)
    X = np.column_stack(parts)
    y, weight, has_offset = given.outcome(outcome)
    usable = np.isfinite(X).all(axis=1) & np.isfinite(y) & (weight > 0)
    return Design(
        y=y[usable],
        X=X[usable],
        person=given.person[usable],
        group=given.group[usable],
        offset=np.log(weight[usable]) if has_offset else None,
        calendar=given.calendar_unit(usable, y),
        mean=mean_outcome(y[usable], weight[usable], outcome, given.per_quarter),
        rows=np.flatnonzero(usable),
    )


def mean_outcome(y: np.ndarray, weight: np.ndarray, outcome: str, per_quarter: int) -> float:
    """Outcome per person and quarter; for a rate or a share the mean itself."""
    if not weight.sum() > 0:
        return math.nan
    mean = float(y.sum() / weight.sum())
    return mean if outcome in schema.RATE_OUTCOMES + schema.BINARY_OUTCOMES else mean * per_quarter
