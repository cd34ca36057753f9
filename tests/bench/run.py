"""`make bench`: ratios measured in one run, because single seconds on a shared machine say little.

Each row compares two ways to do the same thing, on the same data, one after
the other, each in a process of its own. Wall clock decides on an idle
machine; processor seconds, children included, are beside it because they
also mean something on a busy one. ``--scale`` is in million rows.
"""

from __future__ import annotations

import argparse
import datetime as dt
import multiprocessing
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from ssi_audit.parallel import n_workers
from ssi_audit.stats.bootstrap import person_permutation, score_wild_bootstrap
from ssi_audit.stats.clusters import cr1
from ssi_audit.stats.fixed_effects import fe_ols, fe_poisson
from tests.bench.big_tables import write_big_tables

SEED = 20260101
MEMORY = 4 * 10**9
# One pass of a refit loop is timed so often, and multiplied.
REFITS = 20


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock, seconds of processors, peak memory in GB beyond what was there at the start, result."""

    wall: float
    cpu: float
    gb: float
    result: Any = None


def cost(function: Callable[[], Any]) -> Cost:
    """Run in a fork, so that memory and imports of one way do not help or burden the next."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_measured, args=(function, theirs))
    child.start()
    theirs.close()
    answer = ours.recv()
    child.join()
    if isinstance(answer, str):
        raise RuntimeError(answer)
    return answer


def _measured(function: Callable[[], Any], pipe: Any) -> None:
    before, used, began = _memory(), _cpu(), time.perf_counter()
    try:
        result = function()
        pipe.send(Cost(time.perf_counter() - began, _cpu() - used, max(_memory() - before, 0.0), result))
    except Exception as error:  # goes to the parent, which raises it
        pipe.send(f"{type(error).__name__}: {error}")


def _cpu() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def _memory() -> float:
    """Peak so far, in GB (Linux counts in kB, macOS in bytes)."""
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def row(what: str, ours: Cost, other: Cost, note: str = "") -> str:
    """One line of the table."""
    return (
        f"| {what} | {ours.wall:.2f} | {other.wall:.2f} | {ours.wall / other.wall:.2f} | "
        f"{ours.cpu / max(other.cpu, 1e-9):.2f} | {note} |"
    )


# ---- panel ----------------------------------------------------------------------------------------------------------


def panel_rows(scale: float, folder: Path) -> list[str]:
    """The panel against reading its input once, rewriting its output, pandas, and itself on less."""
    rows = write_big_tables(folder / "big", scale)
    small = min(1.0, scale / 4)
    write_big_tables(folder / "small", small)
    big = cost(lambda: build(folder / "big", folder / "big.parquet"))
    little = cost(lambda: build(folder / "small", folder / "small.parquet"))
    scan = cost(lambda: scan_all(folder / "big"))
    finished, copy = folder / "big.parquet", folder / "again.parquet"
    in_order, any_order = (cost(lambda keep=keep: rewrite(finished, copy, keep)) for keep in (True, False))
    n = sum(rows[name] for name in ("ssi", "activity", "crm_events"))
    made = f"{n / 1e6:.1f} million rows in, {big.result / 1e6:.2f} million out, peak {big.gb:.1f} GB of 4"
    lines = [
        row("panel, against reading every column once", big, scan, made),
        row("panel, against reading the finished panel and writing it again, in its order", big, in_order, "aim: 4"),
        row("the same, written in any order", big, any_order),
    ]
    if scale <= 2:
        frames = cost(lambda: pandas_core(folder / "big"))
        lines.append(row("panel, against exposure, activity and counts alone in pandas", big, frames))
    grown = (big.wall / scale) / (little.wall / small)
    by_cpu = (big.cpu / scale) / (little.cpu / small)
    lines.append(
        f"| panel, time per row at {scale:g} million readings against {small:g} | {big.wall / scale:.2f} | "
        f"{little.wall / small:.2f} | {grown:.2f} | {by_cpu:.2f} | seconds per million readings |"
    )
    return lines


def build(folder: Path, out: Path) -> int:
    """The panel within 4 GB; returns its number of rows."""
    from ssi_audit.panel_files import write_big_panel

    return write_big_panel(folder, out, memory=MEMORY).rows


def _duckdb(folder: Path) -> Any:
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET memory_limit = '3GB'; SET temp_directory = '{folder}'").fetchall()
    return connection


def scan_all(folder: Path) -> None:
    """Read every column of the big tables."""
    connection = _duckdb(folder)
    for name in ("ssi", "activity", "crm_events"):
        path = folder / f"{name}.parquet"
        columns = [column for column, *_ in connection.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()]
        values = ", ".join(f"MAX({column})" for column in columns)
        connection.execute(f"SELECT {values} FROM '{path}'").fetchall()


def rewrite(path: Path, out: Path, in_order: bool) -> None:
    """Read the finished panel and write it again: as it is, in its order, or in whatever order comes first."""
    connection = _duckdb(path.parent)
    connection.execute(f"SET preserve_insertion_order = {in_order}").fetchall()
    connection.execute(f"COPY (SELECT * FROM '{path}') TO '{out}' (FORMAT parquet)").fetchall()


def pandas_core(folder: Path) -> int:
    """A part of the panel as one would write it in pandas: last reading before the week, counts, 13-week sums."""
    names = ("ssi", "activity", "crm_events")
    ssi, activity, crm = (pd.read_parquet(folder / f"{name}.parquet") for name in names)
    for frame in (ssi, activity, crm):
        frame["date"] = frame["date"].astype("datetime64[us]")
        frame["week"] = frame["date"] - pd.to_timedelta(frame["date"].dt.day_of_week, unit="D")
    weeks = pd.date_range(ssi["week"].min(), crm["week"].max(), freq="7D").astype("datetime64[us]")
    grid = pd.MultiIndex.from_product([ssi["person"].unique(), weeks], names=["person", "week"]).to_frame(index=False)
    panel = pd.merge_asof(
        grid.sort_values("week"), ssi.drop(columns="week").sort_values("date"), left_on="week", right_on="date",
        by="person", allow_exact_matches=False, tolerance=pd.Timedelta(days=15),
    ).sort_values(["person", "week"])  # fmt: skip
    counts = crm.groupby(["person", "week", "kind"]).size().unstack(fill_value=0)
    acts = activity.groupby(["person", "week", "metric"])["count"].sum().unstack(fill_value=0)
    panel = panel.merge(counts, on=["person", "week"], how="left").merge(acts, on=["person", "week"], how="left")
    before = panel.groupby("person")[list(acts.columns)].shift().fillna(0)
    panel[[f"A_{name}" for name in acts]] = before.groupby(panel["person"]).rolling(13).sum().to_numpy()
    return len(panel)


# ---- statistics -----------------------------------------------------------------------------------------------------


def invented(people: int, weeks: int, columns: int = 5) -> dict[str, np.ndarray]:
    """Counts of a panel with person effects and autocorrelated regressors."""
    rng = np.random.default_rng(SEED)
    person = np.repeat(np.arange(people), weeks)
    x = rng.normal(size=(people, weeks, columns)).cumsum(axis=1)
    x -= x.mean(axis=1, keepdims=True)
    x = (x / x.std()).reshape(-1, columns)
    y = rng.poisson(np.exp(0.1 * x[:, 0] + rng.normal(0, 0.5, people)[person]))
    return {"y": y.astype(float), "x": x, "person": person}


def fixed_effects_rows(scale: float) -> list[str]:
    """FE Poisson with CR1 against pyfixest on the same rows and columns."""
    data = invented(max(int(scale * 1e6 / 104), 50), 104)
    used = sum(data[name].nbytes for name in data) / 1e9

    def fit() -> tuple[np.ndarray, float]:
        fitted = fe_poisson(data["y"], data["x"], data["person"])
        return fitted.coef, cr1(fitted, 0).se

    ours = cost(fit)
    theirs = cost(lambda: with_pyfixest(data))
    gap = float(np.abs(ours.result[0] - theirs.result[0]).max())
    note = f"largest gap {gap:.0e}; {ours.gb:.2f} GB beside {used:.2f} of columns, pyfixest {theirs.gb:.2f}"
    seconds = theirs.result[1]
    theirs = Cost(seconds[0], seconds[1], theirs.gb)
    return [row(f"FE Poisson with CR1, {len(data['y']):,} rows, against pyfixest", ours, theirs, note)]


def with_pyfixest(data: dict[str, np.ndarray]) -> tuple[np.ndarray, tuple[float, float]]:
    """Slopes and seconds, once its imports and compilation are paid on few rows."""
    import pyfixest

    names = [f"x{k}" for k in range(data["x"].shape[1])]
    frame = pd.DataFrame(data["x"], columns=names).assign(y=data["y"], person=data["person"])
    formula = f"y ~ {' + '.join(names)} | person"
    pyfixest.fepois(formula, frame[frame["person"] < 50], vcov={"CRV1": "person"})
    began, used = time.perf_counter(), _cpu()
    fitted = pyfixest.fepois(formula, frame, vcov={"CRV1": "person"})
    return fitted.coef().to_numpy(), (time.perf_counter() - began, _cpu() - used)


def refit_rows() -> list[str]:
    """Bootstrap and permutations against refitting the model for every draw (a few are timed and multiplied)."""
    wild, turned = invented(40, 156), invented(150, 104)
    residual, exposure = turned["y"].reshape(150, 104), turned["x"][:, 0].reshape(150, 104)
    ways = [
        ("9,999 score wild draws, 40 x 156", 9999, lambda: score_wild_bootstrap(wild["y"], wild["x"], wild["person"]),
         lambda: fe_poisson(wild["y"], wild["x"], wild["person"])),
        ("1,999 person permutations, 150 x 104", 1999, lambda: person_permutation(residual, exposure),
         lambda: fe_ols(turned["y"], turned["x"], turned["person"])),
    ]  # fmt: skip
    lines = []
    for name, draws, ours, refit in ways:
        ours()
        refit()
        quick = cost(ours)
        some = cost(lambda refit=refit: [refit() for _ in range(REFITS)])
        loop = Cost(some.wall / REFITS * draws, some.cpu / REFITS * draws, some.gb)
        note = f"{loop.wall / quick.wall:,.0f} times as fast; {1000 * quick.wall:.0f} ms"
        lines.append(row(f"{name}, against a refit loop", quick, loop, note))
    return lines


# ---- all ------------------------------------------------------------------------------------------------------------


def main() -> None:
    """Run all comparisons and print one table."""
    from tests.bench.reports import FEW_PAGES, MANY_PAGES, report_rows

    parts: dict[str, Callable[[float, Path], list[str]]] = {
        "report": lambda scale, folder: report_rows(folder, MANY_PAGES if scale > 1 else FEW_PAGES),
        "statistics": lambda scale, folder: [*fixed_effects_rows(scale), *refit_rows()],
        "panel": panel_rows,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="million rows")
    parser.add_argument("--only", choices=parts, default=None)
    given = parser.parse_args()
    print(f"{platform.machine()}, {n_workers()} cores, Python {platform.python_version()}, {dt.date.today()}\n")
    print(f"| what, at scale {given.scale:g} | ours, s | other, s | ratio | ratio of processor seconds | |")
    print("| --- | ---: | ---: | ---: | ---: | --- |", flush=True)
    for name, part in parts.items():
        if given.only in (None, name):
            with tempfile.TemporaryDirectory(prefix="ssi-audit-bench-") as folder:
                for line in part(given.scale, Path(folder)):
                    print(line, flush=True)


if __name__ == "__main__":
    main()
