"""`make bench`: ratios measured in one run, because single seconds on a shared machine say little.

Each row compares two ways to do the same thing, on the same data, one after
the other. ``--scale`` is in million rows.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from ssi_audit.parallel import n_workers
from ssi_audit.stats.bootstrap import person_permutation, score_wild_bootstrap
from ssi_audit.stats.clusters import cr1
from ssi_audit.stats.fixed_effects import fe_ols, fe_poisson

SEED = 20260101


def timed(function: Callable[[], Any], repeat: int = 1) -> tuple[float, Any]:
    """Best wall time of some runs, and the last result."""
    best = float("inf")
    for _ in range(repeat):
        began = time.perf_counter()
        result = function()
        best = min(best, time.perf_counter() - began)
    return best, result


def invented(people: int, weeks: int, columns: int = 5) -> dict[str, np.ndarray]:
    """Counts of a panel with person effects and autocorrelated regressors."""
    rng = np.random.default_rng(SEED)
    person = np.repeat(np.arange(people), weeks)
    week = np.tile(np.arange(weeks), people)
    x = rng.normal(size=(people * weeks, columns)).cumsum(axis=0)
    x -= pd.DataFrame(x).groupby(person).transform("mean").to_numpy()
    x /= x.std(axis=0)
    y = rng.poisson(np.exp(0.1 * x[:, 0] + rng.normal(0, 0.5, people)[person]))
    return {"y": y.astype(float), "x": x, "person": person, "week": week}


def fixed_effects_against_pyfixest(million_rows: float) -> list[tuple[str, float, float, str]]:
    """FE Poisson with CR1 against pyfixest on the same rows and columns; estimates equal to 1e-8."""
    people = max(int(million_rows * 1e6 / 104), 50)
    data = invented(people, 104)
    ours, fit = timed(lambda: fe_poisson(data["y"], data["x"], data["person"]))
    cr1(fit, 0)
    try:
        import pyfixest
    except ImportError:
        return [(f"FE Poisson, {len(data['y']):,} rows", ours, float("nan"), "pyfixest is not installed")]
    names = [f"x{k}" for k in range(data["x"].shape[1])]
    frame = pd.DataFrame(data["x"], columns=names).assign(y=data["y"], person=data["person"])
    formula = f"y ~ {' + '.join(names)} | person"
    small = frame[frame["person"] < 50]
    pyfixest.fepois(formula, small, vcov={"CRV1": "person"})  # pays for its imports and compilation
    theirs, other = timed(lambda: pyfixest.fepois(formula, frame, vcov={"CRV1": "person"}))
    gap = float(np.abs(fit.coef - other.coef().to_numpy()).max())
    return [(f"FE Poisson with CR1, {len(frame):,} rows, against pyfixest", ours, theirs, f"largest gap {gap:.0e}")]


def bootstrap_against_refits() -> list[tuple[str, float, float, str]]:
    """9,999 score wild draws at 40 x 156 against refitting the model for each draw."""
    data = invented(40, 156)
    ours, _ = timed(lambda: score_wild_bootstrap(data["y"], data["x"], data["person"]), repeat=3)
    one, _ = timed(lambda: fe_poisson(data["y"], data["x"], data["person"]), repeat=5)
    return [("9,999 wild draws, 40 x 156, against a refit loop", ours, 9999 * one, "loop: 9,999 times one fit")]


def permutations_against_refits() -> list[tuple[str, float, float, str]]:
    """1,999 person permutations at 150 x 104 against refitting for each."""
    data = invented(150, 104)
    shape = (150, 104)
    residual, exposure = data["y"].reshape(shape), data["x"][:, 0].reshape(shape)
    ours, _ = timed(lambda: person_permutation(residual, exposure), repeat=3)
    one, _ = timed(lambda: fe_ols(data["y"], data["x"], data["person"]), repeat=5)
    return [("1,999 person permutations, 150 x 104, against a refit loop", ours, 1999 * one, "loop: 1,999 fits")]


def panel_against_floor(million_rows: float) -> list[tuple[str, float, float, str]]:
    """The panel against reading and rewriting its own rows, the least that any way to build it must do."""
    import tempfile
    from pathlib import Path

    from ssi_audit.panel import build_panel
    from ssi_audit.worlds import make_world
    from tests.worlds.tables import tables_of

    weeks = 104
    people = max(int(million_rows * 1e6 / weeks / 8), 20)  # about eight input rows per panel row
    tables = tables_of(make_world("activity_gauge", people, weeks, 1))
    ours, panel = timed(lambda: build_panel(tables))
    rows = len(tables.ssi) + len(tables.activity) + len(tables.crm_events)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "panel.parquet"
        plain = panel.copy()
        plain.attrs = {}

        def rewrite() -> None:
            plain.to_parquet(path)
            pd.read_parquet(path)

        floor, _ = timed(rewrite)
    return [(f"panel from {rows:,} rows, against writing and reading it", ours, floor, f"{len(panel):,} rows out")]


def main() -> None:
    """Run all comparisons and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="million rows")
    scale = parser.parse_args().scale
    rows = [
        *fixed_effects_against_pyfixest(scale),
        *bootstrap_against_refits(),
        *permutations_against_refits(),
        *panel_against_floor(scale),
    ]
    print(f"{platform.machine()}, {n_workers()} cores, Python {platform.python_version()}, {dt.date.today()}\n")
    print("| what | ours, s | other, s | ratio | |")
    print("| --- | ---: | ---: | ---: | --- |")
    for what, ours, other, note in rows:
        print(f"| {what} | {ours:.3f} | {other:.3f} | {ours / other:.3f} | {note} |")


if __name__ == "__main__":
    main()
