"""Make a report: run what changed, render what was run, publish it whole.

This is what the command line calls. It imports papermill, nbconvert and what
draws only when there is something left to do: a second run with nothing
changed reads a manifest and ends.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssi_audit.report import sources
from ssi_audit.report.cache import Cache
from ssi_audit.report.context import PageContext
from ssi_audit.report.jobs import (
    OUT_PARAMETER,
    Job,
    JobResult,
    Step,
    StepFailure,
    check_parameters,
    declared_parameters,
)
from ssi_audit.report.kernels import Kernels
from ssi_audit.report.progress import REDRAW_SECONDS, Progress
from ssi_audit.report.publish import check_output, current_facts, locked, publish, workplace

if TYPE_CHECKING:
    from ssi_audit.report.fanout import Cluster

ANSWER = "index"
EDITED = "ssi-audit or the notebook was edited while this ran: run it again"
# A cell that computes for longer than this is taken for stuck.
CELL_TIMEOUT = 3600.0

Extra = Callable[[Mapping[str, JobResult]], Mapping[str, bytes]]


@dataclass(frozen=True)
class ReportResult:
    """What a run made.

    Attributes
    ----------
    out : Path
    results : dict of str to JobResult
        By name of page; empty when nothing had changed.
    failures : tuple of StepFailure
    facts : dict
        As stored with the report, for ``--json``.
    unchanged : bool
        True when the report in place was already this one.
    seconds : float
    """

    out: Path
    results: dict[str, JobResult] = field(default_factory=dict)
    failures: tuple[StepFailure, ...] = ()
    facts: dict = field(default_factory=dict)
    unchanged: bool = False
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """True when every page could be made."""
        return not self.failures


def report_key(notebooks: Iterable[Path], **parts: Any) -> str:
    """Fingerprint of a whole report: all our code, all notebooks, library versions and what the caller adds.

    Parameters
    ----------
    notebooks : iterable of Path
    **parts
        Fingerprints of data and settings, language, … (text, numbers, lists, dicts).
    """
    return sources.fingerprint(
        {
            "parts": parts,
            "package": sources.source_fingerprint(),
            "notebooks": {path.name: sources.notebook_fingerprint(path) for path in notebooks},
            "libraries": sources.library_versions(),
        }
    )


def start_kernels(notebooks: Iterable[Path]) -> Kernels:
    """Begin to import, in the background, what notebooks use; close the result, or pass it on."""
    kernels = Kernels()
    kernels.load(sources.loaded_first("\n".join(sources.notebook_code(path) for path in notebooks)))
    return kernels


def build_report(
    steps: Sequence[Step],
    *,
    out: Path,
    context: PageContext,
    run_key: str,
    extra: Extra | Mapping[str, bytes] | None = None,
    facts: Mapping[str, Any] | None = None,
    workers: int = 2,
    kernels: Kernels | None = None,
    cache_folder: Path | None = None,
    progress: Progress | None = None,
    environment: Mapping[str, str] | None = None,
    on_wait: Callable[[], None] | None = None,
    cluster: Cluster | None = None,
) -> ReportResult:
    """Run the notebooks of all steps and put the report in place.

    A notebook that fails costs its own page, which then says so; everything else is delivered.

    Parameters
    ----------
    steps : sequence of Step
        As the terminal shows them. Notebooks of all steps run side by side, those that take longest first.
    out : Path
        Folder of the report; files in it that are not ours stay.
    context : PageContext
        `links` may be empty: then all pages of the steps are linked; `failed` is filled here.
    run_key : str
        From `report_key`: a report in place with the same key is not made again.
    extra : mapping, or callable that returns one, optional
        More files (``answer.json``, ``glossary.html``); a callable gets the results by page name.
    facts : mapping, optional
        Stored with the report and returned by an unchanged run.
    workers : int
        Notebooks at a time.
    kernels : Kernels, optional
        From `start_kernels`, when it was called early; closed by the caller.
    cache_folder : Path, optional
        Default: ``.cache/ssi-audit/results`` beside the report.
    progress : Progress, optional
    environment : mapping, optional
        Variables for all kernels: where things are, never what is computed.
    on_wait : callable, optional
        Called once when another run holds the folder.
    cluster : Cluster, optional
        Runs the notebooks elsewhere; closed by the caller.

    Raises
    ------
    SettingsError
        A wrong parameter, or a file of the user in the place of one of ours: before any notebook starts.
    OutputBusy
        Another run holds the folder for too long.
    OSError
        The report could not be written; the old one is still in place.
    """
    began = time.monotonic()
    jobs = [job for step in steps for job in step.jobs]
    check_parameters(jobs)
    check_output(out, [f"{job.stem}.html" for job in jobs])
    progress = progress or Progress([(step.name, len(step.jobs)) for step in steps], stream=None)
    with locked(out, on_wait=on_wait) as work:
        known = current_facts(out, run_key)
        if known is not None:
            return ReportResult(out, facts=known, unchanged=True, seconds=time.monotonic() - began)
        cache = Cache(cache_folder or workplace(out).parents[1] / "results")
        links = context.links or {job.stem: f"{job.stem}.html" for job in jobs}
        pages = _Pages(dataclasses.replace(context, links=links), cache)
        try:
            results = run_notebooks(
                jobs,
                workers=workers,
                kernels=kernels,
                cluster=cluster,
                cache=cache,
                environment=environment,
                render=pages.render,
                watch=_Watch(steps, progress),
            )
        finally:
            progress.close()
        files, failures = pages.finish(results)
        more = extra(results) if callable(extra) else extra or {}
        files.update(more)
        stored = {**(facts or {}), "failed": sorted(stem for stem, failure in failures.items())}
        publish(out, work, files, run_key, stored)
        cache.prune()
    return ReportResult(out, results, tuple(failures.values()), stored, seconds=time.monotonic() - began)


def run_notebooks(
    jobs: Sequence[Job],
    *,
    workers: int = 2,
    kernels: Kernels | None = None,
    cluster: Cluster | None = None,
    cache: Cache | None = None,
    environment: Mapping[str, str] | None = None,
    cell_timeout: float = CELL_TIMEOUT,
    render: Callable[[JobResult], JobResult] | None = None,
    watch: _Watch | None = None,
) -> dict[str, JobResult]:
    """Run notebooks side by side, except those whose result is known.

    Parameters
    ----------
    jobs : sequence of Job
    workers : int
        Notebooks at a time.
    kernels : Kernels, optional
        Default: made and closed here when needed.
    cluster : Cluster, optional
        Runs the notebooks elsewhere, as many at a time as it has room for.
    cache : Cache, optional
        Default: nothing is known and nothing is kept.
    environment : mapping, optional
        Variables for all kernels.
    cell_timeout : float
        Seconds.
    render : callable, optional
        Applied to each result as soon as it is there.
    watch : optional
        Told about starts and ends.

    Returns
    -------
    dict of str to JobResult
        By `Job.stem`, in the order of the jobs.

    Raises
    ------
    SettingsError
        If a parameter is unknown or wrong (before any notebook starts).
    """
    check_parameters(jobs)
    render = render or (lambda result: result)
    watch = watch or _Watch((), None)
    results: dict[str, JobResult] = {}
    waiting: list[Job] = []
    read = functools.cache(sources.notebook_sources)
    keys = {job.stem: job.key(read) for job in jobs} if cache else {}
    for job in jobs:
        entry = cache.get(keys[job.stem]) if cache else None
        if entry is None:
            waiting.append(job)
            continue
        results[job.stem] = render(JobResult(job, entry.files, entry.facts["seconds"], kept=True))
        watch.ended(results[job.stem])
    if waiting and cluster is not None:
        run = _Run(
            cluster,
            functools.partial(cluster.run, environment=environment or {}, cell_timeout=cell_timeout),
            cache,
            keys,
            render,
        )
        results.update(run.all(_longest_first(waiting, cache), cluster.workers, watch))
    elif waiting:
        own = kernels is None
        kernels = start_kernels({job.notebook for job in waiting}) if own else kernels
        try:
            here = functools.partial(run_one, kernels=kernels, environment=environment or {}, cell_timeout=cell_timeout)
            run = _Run(kernels, here, cache, keys, render)
            results.update(run.all(_longest_first(waiting, cache), workers, watch))
        finally:
            if own:
                kernels.close()
    return {job.stem: results[job.stem] for job in jobs}


@dataclass(frozen=True)
class _Run:
    """What all notebooks of a run share."""

    place: Kernels | Cluster
    work: Callable[[Job], JobResult]
    cache: Cache | None
    keys: Mapping[str, str]
    render: Callable[[JobResult], JobResult]

    def all(self, jobs: Sequence[Job], workers: int, watch: _Watch) -> dict[str, JobResult]:
        """Results by page name; `watch` is told in this thread."""
        from ssi_audit.report import engine  # noqa: F401  papermill: while the warm process imports too

        results: dict[str, JobResult] = {}
        pool = ThreadPoolExecutor(workers, thread_name_prefix="notebook")
        queue = list(jobs)
        running: set[Future[JobResult]] = set()
        try:
            while queue or running:
                while queue and len(running) < workers:
                    job = queue.pop(0)
                    watch.started(job)
                    running.add(pool.submit(self.one, job))
                from ssi_audit.report import page  # noqa: F401  nbconvert: while the first notebooks compute

                ended, running = wait(running, timeout=REDRAW_SECONDS, return_when=FIRST_COMPLETED)
                watch.tick()
                for future in ended:
                    result = future.result()
                    results[result.job.stem] = result
                    watch.ended(result)
        except BaseException:
            self.place.close()  # or the threads would wait for their notebooks
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        return results

    def one(self, job: Job) -> JobResult:
        """Run one notebook, keep what it left if it ran to its end, and render it."""
        result = self.work(job)
        # Code that was edited while the notebook ran: nobody knows which of the two made this result.
        edited = self.cache is not None and job.key() != self.keys[job.stem]
        if not result.ok:
            return _with_advice(result, EDITED) if edited else result
        if self.cache is not None and not edited:
            self.cache.put(self.keys[job.stem], result.files, {"seconds": result.seconds})
            self.cache.put(_pace_key(job), {}, {"seconds": result.seconds})
        return self.render(result)


def run_one(job: Job, kernels: Kernels, environment: Mapping[str, str], cell_timeout: float) -> JobResult:
    """Run one notebook on this machine and collect what it left; its page is not rendered."""
    from ssi_audit.report.engine import NotebookFailed, execute

    began = time.monotonic()
    executed = f"executed/{job.stem}.ipynb"
    places = {name: str(path) for name, path in job.places.items()}
    folder = Path(tempfile.mkdtemp(dir=kernels.folder, prefix="out-"))
    if OUT_PARAMETER in declared_parameters(job.notebook) and OUT_PARAMETER not in job.parameters:
        places[OUT_PARAMETER] = str(folder)
    try:
        notebook = execute(
            job.notebook, {**job.parameters, **places}, kernels, environment=environment, cell_timeout=cell_timeout
        )
        files = {executed: _notebook_bytes(notebook, places), **_files_in(folder)}
    except NotebookFailed as error:
        failure = StepFailure(job.notebook.name, error.step, error.reason, executed)
        files = {executed: _notebook_bytes(error.notebook, places)}
        return JobResult(job, files, time.monotonic() - began, failure=failure)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return JobResult(job, files, round(time.monotonic() - began, 3))


class _Pages:
    """Renders results to pages; the answer last, because it says which pages are missing."""

    def __init__(self, context: PageContext, cache: Cache) -> None:
        self._context = context
        self._cache = cache
        self._how = sources.source_fingerprint("ssi_audit.report.page")

    def render(self, result: JobResult) -> JobResult:
        """The result with its page; every page but the answer is rendered while others still run."""
        return result if not result.ok or result.job.stem == ANSWER else self._with_page(result, self._context)

    def finish(self, results: Mapping[str, JobResult]) -> tuple[dict[str, bytes], dict[str, StepFailure]]:
        """All files of the report, and why pages are missing."""
        failed = tuple(stem for stem, result in results.items() if not result.ok)
        context = dataclasses.replace(self._context, failed=failed)
        files: dict[str, bytes] = {}
        failures: dict[str, StepFailure] = {}
        for stem, result in sorted(results.items(), key=lambda item: item[0] == ANSWER):
            if result.ok and (failed or stem == ANSWER):
                result = self._with_page(result, dataclasses.replace(context, failed=(*failed, *failures)))
            taken = [name for name, content in result.files.items() if files.get(name, content) != content]
            if taken:
                reason = f"{taken[0]} is written by another notebook too"
                result = _failed(result, reason)
            if not result.ok:
                failures[stem] = result.failure
                result = self._with_failure(result, context)
            files.update(result.files)
        return files, failures

    def _with_page(self, result: JobResult, context: PageContext) -> JobResult:
        job = result.job
        executed = result.files[f"executed/{job.stem}.ipynb"]
        content = hashlib.sha256(executed).hexdigest()
        key = sources.fingerprint([job.stem, job.title, job.layout, repr(context), content, self._how])
        entry = self._cache.get(key)
        if entry is None:
            import nbformat

            from ssi_audit.report.page import PageError, render_page

            notebook = nbformat.reads(executed.decode(), as_version=4)
            try:
                page = render_page(notebook, title=job.title, context=context, name=job.stem, layout=job.layout)
            except PageError as error:
                return _failed(result, str(error))
            self._cache.put(key, {f"{job.stem}.html": page.encode()})
            return _add(result, {f"{job.stem}.html": page.encode()})
        return _add(result, entry.files)

    def _with_failure(self, result: JobResult, context: PageContext) -> JobResult:
        from ssi_audit.report.page import render_failure

        job = result.job
        page = render_failure(result.failure, title=job.title, context=context, name=job.stem)
        return _add(result, {f"{job.stem}.html": page.encode()})


class _Watch:
    """Tells the progress lines which step a notebook belongs to."""

    def __init__(self, steps: Sequence[Step], progress: Progress | None) -> None:
        self._steps = steps
        self._progress = progress
        self._step = {job.stem: number for number, step in enumerate(steps) for job in step.jobs}
        self._results: dict[int, list[JobResult]] = {}

    def started(self, job: Job) -> None:
        if self._progress is not None:
            self._progress.start(self._step[job.stem])

    def ended(self, result: JobResult) -> None:
        if self._progress is None:
            return
        number = self._step[result.job.stem]
        results = self._results.setdefault(number, [])
        results.append(result)
        self._progress.done(number, seconds=result.seconds, kept=result.kept, failed=not result.ok)
        step = self._steps[number]
        if len(results) == len(step.jobs):
            found = step.summary is not None and all(other.ok for other in results)
            self._progress.settle(number, step.summary(results) if found else "")

    def tick(self) -> None:
        if self._progress is not None:
            self._progress.tick()


def _longest_first(jobs: Sequence[Job], cache: Cache | None) -> list[Job]:
    """With the longest at the end, one worker would finish it alone."""
    paces = {job.stem: cache.get(_pace_key(job)) if cache else None for job in jobs}
    seconds = {job.stem: paces[job.stem].facts["seconds"] if paces[job.stem] else job.weight for job in jobs}
    return sorted(jobs, key=lambda job: -seconds[job.stem])


def _pace_key(job: Job) -> str:
    return sources.fingerprint(["pace", job.notebook.name, job.stem])


def _notebook_bytes(notebook: Any, places: Mapping[str, str]) -> bytes:
    """The executed notebook as a file, without the folders of this machine: they may hold a name."""
    for cell in notebook.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            lines = cell.source.splitlines()
            cell.source = "\n".join(line for line in lines if line.partition(" = ")[0] not in places)
    text = json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    named = {**{path: f"<{name}>" for name, path in places.items()}, str(Path.cwd()): ".", str(Path.home()): "~"}
    for path in sorted(named, key=len, reverse=True):
        if Path(path).is_absolute() and len(Path(path).parts) > 1:
            text = text.replace(json.dumps(path, ensure_ascii=False)[1:-1], named[path])
    return text.encode()


def _files_in(folder: Path) -> dict[str, bytes]:
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _add(result: JobResult, files: Mapping[str, bytes]) -> JobResult:
    return dataclasses.replace(result, files={**result.files, **files})


def _with_advice(result: JobResult, advice: str) -> JobResult:
    failure = dataclasses.replace(result.failure, reason=f"{result.failure.reason} ({advice})")
    return dataclasses.replace(result, failure=failure)


def _failed(result: JobResult, reason: str) -> JobResult:
    """A notebook that ran, but whose page cannot be shown: only what may help to see why is left of it."""
    executed = f"executed/{result.job.stem}.ipynb"
    failure = StepFailure(result.job.notebook.name, "", reason, executed)
    return dataclasses.replace(result, files={executed: result.files[executed]}, failure=failure)
