"""What a report is made of: notebooks with parameters, grouped into the steps that a terminal shows.

Nothing here imports papermill or pandas: a run finds out what is left to do,
and whether every parameter exists, before anything slow is loaded.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ssi_audit.errors import Problem, SettingsError
from ssi_audit.report.sources import fingerprint, library_versions, notebook_cells, notebook_sources

# A notebook that has this parameter gets a private folder in it; what it writes there becomes part of the
# report at the same place (`<folder>/tables/02-correlation-brand.csv` → `tables/02-correlation-brand.csv`).
OUT_PARAMETER = "reports_dir"


@dataclass(frozen=True)
class Job:
    """One notebook with one set of parameters: one page.

    Attributes
    ----------
    notebook : Path
        The source, ``notebooks/02-correlation.ipynb``.
    stem : str
        Name of the page and of the executed notebook, ``02-correlation-brand``.
    title : str
        Of the page, as a browser tab shows it.
    parameters : mapping
        Values for the notebook's parameters: plain literals.
    places : mapping of str to Path
        Parameters that say where something is, not what: left out of the key and of the page.
    depends : str
        Fingerprint of everything the notebook reads beside its parameters: data and settings.
    weight : float
        Expected seconds, for the order; a run before this one knows better.
    layout : {"cards", "bare"}
        ``bare``: the notebook's outputs bring their own cards, as those of the answer do.
    """

    notebook: Path
    stem: str
    title: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    places: Mapping[str, Path] = field(default_factory=dict)
    depends: str = ""
    weight: float = 1.0
    layout: str = "cards"

    def key(self, read: Callable[[Path], dict[str, str]] = notebook_sources) -> str:
        """Sha256 of everything that decides what the notebook computes.

        Parameters
        ----------
        read : callable
            `sources.notebook_sources`, or one that remembers: hundreds of pages come from one notebook.
        """
        return fingerprint(
            {
                "parameters": {name: repr(value) for name, value in self.parameters.items()},
                "depends": self.depends,
                "stem": self.stem,
                "sources": read(self.notebook),
                "libraries": library_versions(),
            }
        )


@dataclass(frozen=True)
class StepFailure:
    """Why a page could not be made.

    Attributes
    ----------
    notebook : str
        File name of the notebook.
    step : str
        Heading of the step that failed; empty when it has none.
    reason : str
        One line.
    executed : str
        Path of the executed notebook inside the report; empty when there is none.
    """

    notebook: str
    step: str
    reason: str
    executed: str = ""

    def text(self) -> str:
        """One sentence for a terminal."""
        where = f' at "{self.step}"' if self.step else ""
        return f"{self.notebook} failed{where}: {self.reason}"


@dataclass(frozen=True)
class JobResult:
    """What one job left behind.

    Attributes
    ----------
    job : Job
    files : dict of str to bytes
        Path inside the report → content: the executed notebook, tables and, once rendered, the page.
    seconds : float
        Wall clock of the notebook when it ran.
    kept : bool
        True when it was taken from the cache.
    failure : StepFailure, optional
    """

    job: Job
    files: dict[str, bytes]
    seconds: float
    kept: bool = False
    failure: StepFailure | None = None

    @property
    def ok(self) -> bool:
        """True when the notebook ran to its end."""
        return self.failure is None


@dataclass(frozen=True)
class Step:
    """Jobs that the terminal shows as one line, with a summary of what they found.

    Attributes
    ----------
    name : str
        ``data quality``.
    jobs : tuple of Job
    summary : callable, optional
        Results of the step → a few words behind its line; called when all its jobs ended well.
    """

    name: str
    jobs: tuple[Job, ...]
    summary: Callable[[Sequence[JobResult]], str] | None = None


def check_parameters(jobs: Iterable[Job]) -> None:
    """Compare all parameters with the cells tagged ``parameters``: papermill would only warn.

    A default gives the type (an integer will do for a decimal number, anything for None), and a comment
    ``# one of: brand, people, insights`` behind it the allowed values.

    Raises
    ------
    SettingsError
        Every unknown name and every wrong value at once.
    """
    problems = [problem for job in jobs for problem in _parameter_problems(job)]
    if problems:
        raise SettingsError(list(dict.fromkeys(problems)))


@dataclass(frozen=True)
class Parameter:
    """A parameter as the notebook declares it."""

    default: object
    allowed: tuple[str, ...] = ()


def declared_parameters(notebook: Path) -> dict[str, Parameter]:
    """Parameters of a notebook: the assignments of plain literals in its cell tagged ``parameters``."""
    cells = [cell for cell in notebook_cells(notebook) if "parameters" in cell["metadata"].get("tags", [])]
    declared: dict[str, Parameter] = {}
    for cell in cells[:1]:
        lines = cell["source"].splitlines()
        for node in ast.parse(cell["source"]).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            for target in targets:
                if isinstance(target, ast.Name) and node.value is not None:
                    choice = re.search(r"#\s*one of:\s*(.+)$", lines[node.end_lineno - 1])
                    allowed = tuple(word.strip() for word in choice[1].split(",")) if choice else ()
                    declared[target.id] = Parameter(ast.literal_eval(node.value), allowed)
    return declared


def _parameter_problems(job: Job) -> Iterable[Problem]:
    where = job.notebook.name
    declared = declared_parameters(job.notebook)
    for name, value in {**job.parameters, **{name: str(path) for name, path in job.places.items()}}.items():
        if name not in declared:
            near = difflib.get_close_matches(name, declared, n=1, cutoff=0.5)
            known = f"did you mean {near[0]}?" if near else f"parameters: {', '.join(declared) or 'none'}"
            yield Problem(where, f"unknown parameter {name}", known)
            continue
        parameter = declared[name]
        if not _fits(value, parameter.default):
            expected, example = type(parameter.default).__name__, repr(parameter.default)
            yield Problem(where, f"parameter {name} = {value!r} is not of type {expected}", f"such as {example}")
        elif parameter.allowed and str(value) not in parameter.allowed:
            near = difflib.get_close_matches(str(value), parameter.allowed, n=1, cutoff=0.5)
            fix = f"did you mean {near[0]}?" if near else ""
            yield Problem(where, f"parameter {name} = {value!r}; one of: {', '.join(parameter.allowed)}", fix)


def _fits(value: object, default: object) -> bool:
    if default is None or value is None:
        return default is None
    if isinstance(default, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is type(default)
