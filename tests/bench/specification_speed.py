"""Time the joint test of a specification curve against refitting every specification on every draw.

Run from the project's folder: python -m tests.bench.specification_speed
Refits are timed on a few draws and scaled; both run on the same simulated team.
"""

from __future__ import annotations

import time

import numpy as np

from ssi_audit.stats.fixed_effects import fe_poisson
from ssi_audit.stats.specification import Specification, joint_permutation, specification_curve
from tests.unit.stats.simulated import Team, team

PEOPLE, WEEKS, DRAWS, REFITTED_DRAWS = 24, 52, 500, 5


def specifications(one: Team) -> list[Specification]:
    """48: outcome, activity, calendar and lag."""
    rng = np.random.default_rng(1)
    outcomes = {rate: rng.binomial(one.events.astype(int), rate).astype(float) for rate in (1.0, 0.5, 0.3, 0.15)}
    return [
        Specification(
            {"outcome": str(rate), "activity": activity, "calendar": str(unit), "lag": str(lag)},
            y, one.shifted(lag), one.people, one.weeks,
            covariates=one.activity if activity == "in" else None, calendar=one.weeks // unit,
        )
        for rate, y in outcomes.items()
        for activity in ("out", "in")
        for unit in (13, 4)
        for lag in (0, 1, 4)
    ]  # fmt: skip


def refit(items: list[Specification], orders: list[np.ndarray]) -> None:
    """What the joint test replaces: every specification again, with every borrowed exposure."""
    for order in orders:
        for item in items:
            borrowed = np.asarray(item.x).reshape(PEOPLE, WEEKS)[order].ravel()
            columns = borrowed if item.covariates is None else np.column_stack([borrowed, item.covariates])
            fe_poisson(item.y, columns, item.people, calendar=item.calendar)


def seconds(action, *arguments: object, **options: object) -> float:
    began = time.perf_counter()
    action(*arguments, **options)
    return time.perf_counter() - began


def main() -> None:
    rng = np.random.default_rng(2)
    items = specifications(team(rng, PEOPLE, WEEKS))
    joint_permutation(items[:2], draws=9)  # imports and warm-up
    curve = seconds(specification_curve, items)
    joint = min(seconds(joint_permutation, items, draws=DRAWS) for _ in range(3))
    refits = seconds(refit, items, [rng.permutation(PEOPLE) for _ in range(REFITTED_DRAWS)])
    scaled = refits / REFITTED_DRAWS * DRAWS
    print(f"{len(items)} specifications, {PEOPLE} x {WEEKS}, {DRAWS} draws")
    print(f"curve with CR2 {curve:.2f} s, joint test {joint:.2f} s, refits {scaled:.0f} s: {scaled / joint:.0f} times")


if __name__ == "__main__":
    main()
