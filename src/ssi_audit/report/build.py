"""`make report`, from the data folder to the pages: which notebooks, with which parameters, in which order.

The order of work: fingerprints first (a report that is already there ends the
run, before anything is started), then reading and estimating while the
notebooks' libraries load in the background, then the notebooks, then one move.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from ssi_audit import parallel, schema, workspace
from ssi_audit.report.fanout import Cluster
from ssi_audit.report.jobs import Job, JobResult, Step
from ssi_audit.report.kernels import Kernels
from ssi_audit.report.publish import current_facts
from ssi_audit.report.run import ReportResult, build_report, report_key, start_kernels
from ssi_audit.settings import FILE_NAME, Settings, load_settings
from ssi_audit.writing import check_apart

NOTEBOOKS = workspace.PROJECT / "notebooks"
# Seconds that a page takes at most, for the order of work on a first run.
WEIGHTS = {"00-answer": 3.0, "01-data-quality": 4.0, "03-regression": 1.0, "04-claims": 3.0, "05-limits": 4.0}


@dataclass(frozen=True)
class Request:
    """What the user asked for, checked and resolved.

    Attributes
    ----------
    data : str
        As the user wrote it.
    folder : Path
        Where the exports are (the sample, when data/raw is empty).
    sample : bool
    settings : Settings
    options : dict
        Settings given on the command line.
    """

    data: str
    folder: Path
    sample: bool
    settings: Settings
    options: dict[str, Any]
    skip_unreadable: bool = False


def make_report(
    data: str,
    out: Path,
    options: dict[str, Any] | None = None,
    *,
    workers: int | None = None,
    skip_unreadable: bool = False,
    scheduler: str | None = None,
    stream: TextIO | None = sys.stdout,
) -> ReportResult:
    """Make the whole report of a data folder.

    Parameters
    ----------
    data : str
        Folder of exports.
    out : Path
        Folder of the report.
    options : dict, optional
        Settings that take precedence over ``ssi-audit.toml``.
    workers : int, optional
        Notebooks at a time; default: one per core.
    skip_unreadable : bool
        Leave out files that cannot be read.
    scheduler : str, optional
        Address of a dask cluster that runs the notebooks.
    stream : file, optional
        Where progress is shown; None: nowhere.

    Raises
    ------
    DataError, SettingsError
        Every problem at once, before any notebook starts.
    """
    request = resolve(data, options or {}, skip_unreadable)
    check_apart(request.folder, out)
    return _make(request, out, workers, scheduler, stream)


def resolve(data: str, options: dict[str, Any], skip_unreadable: bool = False) -> Request:
    """Find the folder and check the settings."""
    folder, sample = workspace.find_data(data)
    asked = Path(data)
    settings = load_settings(asked if (asked / FILE_NAME).is_file() else folder, **options)
    return Request(data, folder, sample, settings, options, skip_unreadable)


def _key(request: Request, notebooks: Sequence[Path]) -> str:
    return report_key(
        notebooks,
        data=workspace.fingerprint(request.folder),
        settings=request.settings.fingerprint(),
        sample=request.sample,
        skip_unreadable=request.skip_unreadable,
    )


def _make(
    request: Request,
    out: Path,
    workers: int | None,
    scheduler: str | None,
    stream: TextIO | None,
) -> ReportResult:
    tell = _teller(stream)
    tell(f"ssi-audit  {_shown_path(request.folder)}  {_period(request.settings)}".rstrip())
    if request.sample:
        why = "no exports in data/raw/, so " if Path(request.data).resolve() != request.folder.resolve() else ""
        tell(f"  NOTE  {why}this is the invented sample, not your organisation.")
    notebooks = [path for path in sorted(NOTEBOOKS.glob("*.ipynb")) if path.stem in _KNOWN]
    key = _key(request, notebooks)
    known = current_facts(out, key)
    if known is not None:
        tell("  Nothing changed since the last run: the report is up to date.")
        _end(known, out, tell)
        return ReportResult(out, facts=known, unchanged=True)
    # From here on the notebooks' libraries load on the other core.
    place = Cluster(scheduler) if scheduler else start_kernels(notebooks)
    cluster, kernels = (place, None) if scheduler else (None, place)
    try:
        at_a_time = cluster.workers if cluster else workers or parallel.n_workers()
        return _run(request, out, key, kernels, at_a_time, cluster, stream, tell)
    finally:
        place.close()


def _run(
    request: Request,
    out: Path,
    key: str,
    kernels: Kernels | None,
    workers: int,
    cluster: Cluster | None,
    stream: TextIO | None,
    tell: Callable[[str], None],
) -> ReportResult:
    from ssi_audit.report.progress import Progress

    began = time.monotonic()
    run = workspace.load_run(request.data, request.options, skip_unreadable=request.skip_unreadable)
    tell(f"  read, joined and estimated  ok {time.monotonic() - began:5.1f} s   {_counts(run)}")
    from ssi_audit.report.sheet import SKIP_UNREADABLE, hand_over, page_context
    from ssi_audit.report.words import Words

    environment = {SKIP_UNREADABLE: "1"} if request.skip_unreadable else {}
    if kernels is not None:
        environment |= hand_over(run, request.data, request.options, kernels.folder / "run")
        kernels.prepare("ssi_audit.report.sheet.take_over", str(kernels.folder / "run"))

    words = Words(run.settings.language, run.settings.sesoi, run.audit.data["currency"])
    steps = plan(run, request, words)
    progress = Progress([(step.name, len(step.jobs)) for step in steps], stream=stream, workers=workers)
    found = _with_sentence(run, words)
    links = {job.stem: f"{job.stem}.html" for step in steps for job in step.jobs} | {"glossary": "glossary.html"}
    context = page_context(run, run_date=dt.datetime.now(tz=dt.UTC).date(), links=links)
    facts = {
        "verdict": found.overall.verdict,
        "headline": words.headline(found),
        "people": found.data["people"],
        "start": found.data["start"],
        "end": found.data["end"],
    }
    result = build_report(
        steps,
        out=out,
        context=context,
        run_key=key,
        extra=lambda results: _extra(found, context, request.settings),
        facts=facts,
        workers=workers,
        kernels=kernels,
        cluster=cluster,
        progress=progress,
        environment=environment,
        on_wait=lambda: tell("  Another run is writing to the same folder; waiting for it."),
    )
    for failure in result.failures:
        tell(f"  {failure.text()}")
        tell(f"    -> executed notebook: {out / failure.executed}")
    _end(result.facts, out, tell)
    return result


def plan(run: workspace.Run, request: Request, words: Any) -> list[Step]:
    """All pages of a report, as the terminal groups them."""
    from ssi_audit.report.sheet import teams_of

    options = dict(sorted(request.options.items()))
    depends = f"{run.key} {run.settings.fingerprint()} {run.audit.data['sample']}"

    def job(notebook: str, stem: str, **parameters: object) -> Job:
        return Job(
            notebook=NOTEBOOKS / f"{notebook}.ipynb",
            stem=stem,
            title=f"{stem} - ssi-audit",
            parameters={"options": options, **parameters},
            places={"data": Path(request.data)},
            depends=depends,
            weight=WEIGHTS.get(notebook, 2.0),
            layout="bare" if notebook == "00-answer" else "cards",
        )

    steps = [
        Step("data quality", (job("01-data-quality", "01-data-quality"),), lambda _: _counts(run)),
        Step("correlation", tuple(job("02-correlation", f"02-correlation-{p}", pillar=p) for p in schema.EXPOSURES)),
        Step("regression", tuple(job("03-regression", f"03-regression-{p}", pillar=p) for p in schema.EXPOSURES)),
    ]
    steps.append(Step("claims", (job("04-claims", "04-claims"),), lambda _: words.claim_counts(run.audit.claims)))
    steps.append(Step("limits", (job("05-limits", "05-limits"),), lambda _: _agreement(run)))
    # Names of files come from codes: a team's own name may be anything.
    codes = teams_of(run).pages
    if codes:
        steps.append(Step("teams", tuple(job("06-team", f"06-team-{code}", team=code) for code in codes)))
    steps.append(Step("answer", (job("00-answer", "index"),)))
    return [dataclasses.replace(step, summary=step.summary or _files_written) for step in steps]


_KNOWN = ("00-answer", "01-data-quality", "02-correlation", "03-regression", "04-claims", "05-limits", "06-team")


def _extra(found: Any, context: Any, settings: Settings) -> dict[str, bytes]:
    """Files beside the pages: answer.json, evidence.json and the glossary."""
    from ssi_audit.evidence import answer_json
    from ssi_audit.pool import evidence_json
    from ssi_audit.report.glossary import render_glossary

    return {
        "answer.json": answer_json(found).encode(),
        "evidence.json": evidence_json(found, settings).encode(),
        "glossary.html": render_glossary(context).encode(),
    }


def _with_sentence(run: workspace.Run, words: Any) -> Any:
    from ssi_audit.evidence import with_sentence

    return with_sentence(run.audit, words.headline(run.audit))


def _files_written(results: Sequence[JobResult]) -> str:
    tables = sum(name.startswith("tables/") for result in results for name in result.files)
    return f"{tables} tables"


def _counts(run: workspace.Run) -> str:
    data = run.audit.data
    ledger = data["ledger"]
    return (
        (
            f"{data['people']} sellers, {data['rows']:,} seller-{data['period']}s, "
            f"{ledger['used']:,} of {ledger['received']:,} rows used"
        )
        .replace(",", "\u202f")
        .replace("\u202f ", ", ")
    )


def _agreement(run: workspace.Run) -> str:
    curve = run.audit.specification
    return f"{curve['agree_all']} of {curve['n_all']} agree" if curve else ""


def _end(facts: dict[str, Any], out: Path, tell: Callable[[str], None]) -> None:
    tell(f"Verdict: {facts.get('headline', '')}".rstrip())
    tell(f"Open {_shown_path(out / 'index.html')}")


def _shown_path(path: Path) -> str:
    """A path as the user would write it: relative to where he stands, or to the project."""
    for base in (Path.cwd(), workspace.PROJECT):
        if path.resolve().is_relative_to(base.resolve()):
            return path.resolve().relative_to(base.resolve()).as_posix()
    return str(path)


def _period(settings: Settings) -> str:
    return " to ".join(str(day) for day in (settings.start, settings.end) if day)


def _teller(stream: TextIO | None) -> Callable[[str], None]:
    from ssi_audit.report.progress import write_line

    return (lambda text: write_line(stream, f"{text}\n")) if stream is not None else (lambda text: None)
