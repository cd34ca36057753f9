"""The report of the sample against its pure computation and against papermill and nbconvert one after another.

Pure computation: the same data read and estimated and the cells of all
notebooks run in processes that hold every import, two at a time, with no
notebook, no page and no file around them.
"""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat

from ssi_audit import workspace
from ssi_audit.parallel import n_workers
from ssi_audit.report import kernels, sources
from tests.bench import run as bench

# Notebooks that are timed with the commands; the rest is taken to cost as much each.
BY_COMMAND = 3
# Pages of the two teams of the sample, again and again; a hundred would take `make bench` past its three minutes.
FEW_PAGES, MANY_PAGES = 40, 100


def report_rows(folder: Path, n_pages: int) -> list[str]:
    """Three rows of the table; nothing is cached before."""
    jobs = [
        (job.notebook, {**job.parameters, "data": str(workspace.PROJECT / workspace.SAMPLE)}) for job in _jobs(folder)
    ]
    ours = bench.cost(lambda: _report(folder))
    pure = bench.cost(lambda: _pure(folder, jobs))
    some = bench.cost(lambda: _by_commands(folder, jobs[:: max(len(jobs) // BY_COMMAND, 1)][:BY_COMMAND]))
    many = len(jobs) / BY_COMMAND
    commands = bench.Cost(some.wall * many, some.cpu * many, some.gb)
    note = f"{len(jobs)} notebooks"
    pages = [job for job in jobs if "team" in job[1]] * (n_pages // 2)
    teams, alone = bench.cost(lambda: _team_pages(folder, n_pages)), bench.cost(lambda: _pure(folder, pages))
    return [
        bench.row("report of the sample, nothing cached, against pure computation", ours, pure, note),
        bench.row("the same, against papermill and nbconvert commands", ours, commands, f"{BY_COMMAND} timed, scaled"),
        bench.row(
            f"{n_pages} team pages, against pure computation",
            teams,
            alone,
            f"{teams.wall / n_pages:.2f} s a page",
        ),
    ]


def _environment(folder: Path, name: str) -> dict[str, str]:
    return {**os.environ, workspace.PROCESSED_VARIABLE: str(folder / name)}


def _report(folder: Path) -> None:
    command = [sys.executable, "-m", "ssi_audit.cli", "report", "data/sample", "--out", str(folder / "reports")]
    # A fork of multiprocessing has no standard input to pass on, and a kernel must not start without one.
    done = subprocess.run(
        command,
        cwd=workspace.PROJECT,
        env=_environment(folder, "one"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"the report failed:\n{done.stdout}{done.stderr}")


def _jobs(folder: Path) -> Sequence[Any]:
    from ssi_audit.report.build import plan, resolve
    from ssi_audit.report.words import Words

    os.environ[workspace.PROCESSED_VARIABLE] = str(folder / "plan")
    sample = str(workspace.PROJECT / workspace.SAMPLE)
    run, request = workspace.load_run(sample), resolve(sample, {})
    steps = plan(run, request, Words("en", run.settings.sesoi, run.audit.data["currency"]))
    return [job for step in steps for job in step.jobs]


def _team_pages(folder: Path, n_pages: int) -> None:
    """Run the notebook of each team many times, each for a page of another name, and render them all."""
    from ssi_audit.report.build import NOTEBOOKS, plan, resolve
    from ssi_audit.report.run import build_report, start_kernels
    from ssi_audit.report.sheet import hand_over, page_context
    from ssi_audit.report.words import Words

    os.environ[workspace.PROCESSED_VARIABLE] = str(folder / "two")
    sample = str(workspace.PROJECT / workspace.SAMPLE)
    with start_kernels([NOTEBOOKS / "06-team.ipynb"]) as place:
        run = workspace.load_run(sample)
        hand_over(run, sample, {}, place.folder / "run")
        place.prepare("ssi_audit.report.sheet.take_over", str(place.folder / "run"))
        steps = plan(run, resolve(sample, {}), Words("en", run.settings.sesoi, run.audit.data["currency"]))
        (step,) = (step for step in steps if step.name == "teams")
        jobs = [
            dataclasses.replace(job, stem=f"{job.stem}-{number}")
            for number in range(n_pages // len(step.jobs))
            for job in step.jobs
        ]
        made = build_report(
            [dataclasses.replace(step, jobs=tuple(jobs))], out=folder / "teams", context=page_context(run),
            run_key="", kernels=place, workers=n_workers(), cache_folder=folder / "cache",
        )  # fmt: skip
    if not made.ok:
        raise RuntimeError("; ".join(failure.text() for failure in made.failures))


def _pure(folder: Path, jobs: Sequence[tuple[Path, dict[str, Any]]]) -> None:
    os.environ[workspace.PROCESSED_VARIABLE] = str(folder / "two")
    workspace.load_run(workspace.PROJECT / workspace.SAMPLE)
    code = "\n".join(sources.notebook_code(notebook) for notebook in {notebook for notebook, _ in jobs})
    for name in ("IPython.core.interactiveshell", "matplotlib.backends.backend_svg", *sources.loaded_first(code)):
        kernels._import(name)
    with multiprocessing.get_context("fork").Pool(n_workers(), maxtasksperchild=1) as pool:
        pool.starmap(_cells, jobs, chunksize=1)


def _cells(notebook: Path, parameters: dict[str, Any]) -> None:
    """Run the code of a notebook in this process."""
    import matplotlib
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    matplotlib.use("svg")
    shell = InteractiveShell.instance()
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.cell_type == "code":
            with capture_output():
                shell.run_cell(cell.source).raise_error()
            if "parameters" in cell.metadata.get("tags", []):
                shell.push({name: value for name, value in parameters.items() if name in shell.user_ns})


def _by_commands(folder: Path, jobs: Sequence[tuple[Path, dict[str, Any]]]) -> None:
    environment = _environment(folder, "two")
    for number, (notebook, parameters) in enumerate(jobs):
        made = folder / f"{number}.ipynb"
        given = ["-y", json.dumps(parameters), "-k", "python3", "--no-progress-bar"]
        for command in (
            ["papermill", str(notebook), str(made), *given],
            ["nbconvert", "--to", "html", "--no-input", str(made)],
        ):
            subprocess.run(
                [sys.executable, "-m", *command], check=True, env=environment, cwd=workspace.PROJECT,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
