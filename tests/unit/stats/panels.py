"""Small invented panels for the tests of `ssi_audit.stats`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Panel:
    """Rows of an unbalanced panel: counts `y`, columns `X` (first: the exposure), `person`, `quarter`, `offset`."""

    y: np.ndarray
    X: np.ndarray
    person: np.ndarray
    week: np.ndarray
    quarter: np.ndarray
    offset: np.ndarray

    def take(self, rows):
        """Some rows, in the given order."""
        return Panel(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def panel(n_people=10, n_weeks=26, slope=0.3, seed=1, n_columns=2, balanced=False):
    """Counts with person effects, a drifting exposure, shocks that last, and weeks missing at random."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(n_people), n_weeks)
    week = np.tile(np.arange(n_weeks), n_people)
    X = drifting(rng, n_people, n_weeks, n_columns)
    offset = np.log(rng.uniform(0.5, 1.0, len(person)))
    shock = drifting(rng, n_people, n_weeks, 1)[:, 0]
    effect = rng.normal(0, 0.5, n_people)[person]
    y = rng.poisson(np.exp(0.7 + effect + slope * X[:, 0] + 0.3 * shock + offset)).astype(float)
    rows = Panel(y, X, person, week, week // 13, offset)
    return rows if balanced else rows.take(rng.random(len(person)) < 0.85)


def drifting(rng, n_people, n_weeks, n_columns):
    """Autocorrelated columns with differences between persons, shape (n_people * n_weeks, n_columns)."""
    noise = rng.normal(size=(n_people, n_weeks, n_columns))
    for t in range(1, n_weeks):
        noise[:, t] = 0.8 * noise[:, t - 1] + 0.6 * noise[:, t]
    return (noise + rng.normal(size=(n_people, 1, n_columns))).reshape(-1, n_columns)


def dummies(codes):
    """One 0/1 column per distinct value."""
    return (np.asarray(codes)[:, None] == np.unique(codes)).astype(float)
