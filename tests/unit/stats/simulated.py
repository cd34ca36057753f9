"""Small simulated teams for the tests of this folder: autocorrelated scores, counts with lasting shocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Team:
    """Rows of a balanced team, person by person; scores in units of the rate ratio."""

    people: np.ndarray
    weeks: np.ndarray
    score: np.ndarray
    activity: np.ndarray
    events: np.ndarray
    quarter: np.ndarray
    n_people: int
    n_weeks: int

    def shifted(self, lag: int) -> np.ndarray:
        """The score `lag` weeks before (negative: after), missing where there is none."""
        table = self.score.reshape(self.n_people, self.n_weeks)
        moved = np.full(table.shape, np.nan)
        if lag >= 0:
            moved[:, lag:] = table[:, : self.n_weeks - lag]
        else:
            moved[:, :lag] = table[:, -lag:]
        return moved.ravel()


def fading(rng: np.random.Generator, people: int, weeks: int, memory: float, sd: float) -> np.ndarray:
    """Series that forget at rate `memory`, started from their long-run spread; shape (people, weeks)."""
    series = np.empty((people, weeks))
    series[:, 0] = rng.normal(0, sd, people)
    for week in range(1, weeks):
        series[:, week] = memory * series[:, week - 1] + rng.normal(0, sd * np.sqrt(1 - memory**2), people)
    return series


def team(
    rng: np.random.Generator,
    people: int = 24,
    weeks: int = 52,
    effect: float = 0.0,
    effect_lag: int = 0,
    activity_effect: float = 0.0,
    rate: float = 3.0,
) -> Team:
    """A team whose events follow the score of `effect_lag` weeks ago with log rate ratio `effect`."""
    deviation = fading(rng, people, weeks + effect_lag, 0.93, 0.7)
    score = 5 + rng.normal(0, 1.2, (people, 1)) + deviation
    activity = 0.8 * deviation + fading(rng, people, weeks + effect_lag, 0.9, 0.4)
    log_rate = (
        np.log(rate)
        + rng.normal(0, 0.5, (people, 1))
        + effect * deviation[:, :weeks]
        + activity_effect * activity[:, :weeks]
        + fading(rng, people, weeks, 0.8, 0.2)
    )
    events = rng.poisson(np.exp(log_rate))
    week = np.tile(np.arange(weeks), people)
    return Team(
        np.repeat(np.arange(people), weeks), week, score[:, effect_lag:].ravel(), activity[:, effect_lag:].ravel(),
        events.ravel().astype(float), week // 13, people, weeks,
    )  # fmt: skip
