"""A report from notebooks: what is run again, what is kept, what a failure costs, what a killed run leaves."""

import dataclasses
import functools
import io
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ssi_audit.errors import SettingsError
from ssi_audit.report import engine, run
from ssi_audit.report.engine import NotebookFailed
from ssi_audit.report.jobs import Job, Step
from ssi_audit.report.kernels import Kernels
from ssi_audit.report.progress import Progress
from ssi_audit.report.publish import MANIFEST, current_facts, read_manifest, workplace
from ssi_audit.report.run import build_report, run_notebooks
from tests.unit.report.notebook_maker import write_notebook
from tests.unit.report.small_report import CONTEXT, build, steps, write_notebooks

ROOT = Path(__file__).resolve().parents[3]
PAGES = {"index.html", "01-data-quality.html", "02-correlation-brand.html", "02-correlation-total.html"}
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


@pytest.fixture(scope="module")
def kernels():
    """Kernels for all tests of this module."""
    with Kernels() as kernels:
        kernels.load(["numpy"])
        yield kernels


@pytest.fixture
def project(tmp_path):
    """A folder with the small notebooks."""
    write_notebooks(tmp_path)
    return tmp_path


@pytest.fixture
def never(monkeypatch):
    """No kernel may be started."""

    def refuse(*_, **__):
        raise AssertionError("a notebook was run")

    monkeypatch.setattr(engine, "execute", refuse)
    monkeypatch.setattr(run, "start_kernels", refuse)


def ran(result):
    """Pages whose notebooks were run, not kept."""
    return {stem for stem, job in result.results.items() if not job.kept}


def tree(folder):
    """All files of a report with their contents, the manifest left out."""
    paths = (path for path in (folder / "reports").rglob("*") if path.is_file() and path.name != MANIFEST)
    return {path.relative_to(folder / "reports").as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def built(tmp_path_factory, kernels):
    """A folder with a finished report, to look at only."""
    folder = tmp_path_factory.mktemp("built")
    write_notebooks(folder)
    assert build(folder, kernels=kernels).ok
    return folder


@pytest.fixture
def made(built, tmp_path):
    """A folder with a finished report and its cache, to be changed."""
    return Path(shutil.copytree(built, tmp_path / "made"))


def test_report_has_pages_tables_and_executed_notebooks(built):
    """A first run gives a page, an executed notebook and tables per job, extra files and a manifest of all."""
    project = built
    names = PAGES | {f"executed/{Path(page).stem}.ipynb" for page in PAGES}
    assert set(tree(project)) == names | {"tables/01-data-quality-rows.csv", "answer.json"}
    assert set(read_manifest(project / "reports").files) == set(tree(project))
    assert b"pillar total" in tree(project)["02-correlation-total.html"]


def test_places_and_clocks_are_in_no_file(built, kernels):
    """No path of this machine, no time of this run and no id of this kernel is in the report."""
    for name, content in tree(built).items():
        for trace in (str(built), str(kernels.folder), "papermill", f"{time.gmtime().tm_year}-"):
            assert trace not in content.decode(), (name, trace)


def test_same_input_same_bytes_whatever_the_kernels(built, project, monkeypatch):
    """A second report from nothing, in another folder and with fresh kernels, has the same bytes in every file."""
    monkeypatch.setenv("SSI_AUDIT_WARM", "0")
    build(project)
    assert tree(project) == tree(built)


def test_nothing_changed_nothing_done(project, kernels, never_again):
    """The second run reads a manifest and ends with the facts of the first."""
    build(project, kernels=kernels, facts={"verdict": "inconclusive"})
    before = {path: path.stat().st_mtime_ns for path in (project / "reports").rglob("*")}
    never_again()
    result = build(project)
    assert result.unchanged
    assert result.facts == {"verdict": "inconclusive", "failed": []}
    assert {path: path.stat().st_mtime_ns for path in (project / "reports").rglob("*")} == before


@pytest.fixture
def never_again(request):
    """Forbid kernels from the moment this is called."""
    return lambda: request.getfixturevalue("never")


def test_unchanged_run_is_quick_and_imports_little(built):
    """Without a change, a whole process computes for well under a second and loads neither papermill nor pandas."""
    answer = in_process(built)
    assert answer.pop("seconds") < 1.0
    assert answer == {"ok": True, "unchanged": True, "heavy": []}


def test_deleted_report_comes_back_from_the_cache(made, never_again):
    """Without its folder the report is made again, but no notebook is run."""
    first = tree(made)
    for path in sorted((made / "reports").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    never_again()
    result = build(made)
    assert not result.unchanged
    assert ran(result) == set()
    assert tree(made) == first


def test_changed_page_is_mended(made, never_again):
    """A page that was edited or lost is put right by the next run."""
    first = tree(made)
    (made / "reports" / "index.html").write_text("edited")
    never_again()
    build(made)
    assert tree(made) == first


def test_one_changed_parameter_reruns_one_notebook(made, kernels):
    """Another parameter of one page leaves the others as they are."""
    result = build(made, pillars={"total": {"seconds": 0.01}}, kernels=kernels)
    assert ran(result) == {"02-correlation-total"}


def test_one_changed_notebook_reruns_its_pages(made, kernels):
    """Another source of one notebook reruns all pages made from it, and only those."""
    path = made / "02-correlation.ipynb"
    path.write_text(path.read_text().replace("print('pillar', pillar)", "print('column', pillar)"))
    result = build(made, kernels=kernels)
    assert ran(result) == {"02-correlation-brand", "02-correlation-total"}
    assert b"column total" in tree(made)["02-correlation-total.html"]


def test_changed_data_rerun_everything(made, kernels):
    """Other data make every notebook run again."""
    assert ran(build(made, "other data", kernels=kernels)) == {Path(page).stem for page in PAGES}


def test_another_run_date_renders_but_does_not_run(made, never_again):
    """The date is on the pages and in no notebook."""
    never_again()
    (made / "reports" / "answer.json").unlink()
    result = build(made, context=dataclasses.replace(CONTEXT, run_date=CONTEXT.run_date.replace(day=15)))
    assert ran(result) == set()
    assert b"15 Jan 2026" in tree(made)["02-correlation-total.html"]


def test_damaged_cache_costs_time_only(made, kernels):
    """Whatever is done to stored results, the next report is right."""
    first = tree(made)
    stored = [path for path in (workplace(made / "reports").parents[1] / "results").rglob("*") if path.is_file()]
    for path, damage in zip(stored, itertools.cycle((b"", b"{}", b"x" * 1000))):
        path.write_bytes(damage)
    (made / "reports" / "answer.json").unlink()
    result = build(made, kernels=kernels)
    assert ran(result) == {Path(page).stem for page in PAGES}
    assert tree(made) == first


def test_code_edited_during_a_run_is_not_remembered(project, kernels, monkeypatch):
    """A result is kept under the code that made it, or not at all."""
    real, path = engine.execute, project / "00-answer.ipynb"

    def edited_meanwhile(notebook, *arguments, **options):
        executed = real(notebook, *arguments, **options)
        if notebook == path:
            path.write_text(path.read_text().replace("print('answer')", "print('other')"))
        return executed

    monkeypatch.setattr(engine, "execute", edited_meanwhile)
    build(project, kernels=kernels)
    monkeypatch.undo()
    assert ran(build(project, kernels=kernels)) == {"index"}
    assert b"other" in tree(project)["executed/index.ipynb"]


def test_failure_under_edited_code_says_so(project, kernels, monkeypatch):
    """A notebook that fails while somebody edits the code is to be run again, not to be understood."""
    real, path = engine.execute, project / "02-correlation.ipynb"

    def edited_meanwhile(notebook, *arguments, **options):
        if notebook == path:
            path.write_text(path.read_text().replace("print('pillar', pillar)", "print(pillar, missing)"))
        return real(notebook, *arguments, **options)

    monkeypatch.setattr(engine, "execute", edited_meanwhile)
    reasons = {failure.reason for failure in build(project, kernels=kernels).failures}
    assert reasons == {f"NameError: name 'missing' is not defined ({run.EDITED})"}


def fail(made):
    """Make the correlation notebook fail for one pillar."""
    path = made / "02-correlation.ipynb"
    bad = "if pillar == 'total': raise ValueError('too few <people>')"
    path.write_text(path.read_text().replace("print('pillar', pillar)", bad))


def test_failed_notebook_costs_its_own_page(made, kernels):
    """The others are delivered; the failed one says why, never shows an older result; the answer marks it."""
    fail(made)
    result = build(made, kernels=kernels)
    assert not result.ok
    (failure,) = result.failures
    assert (failure.notebook, failure.step) == ("02-correlation.ipynb", "Draw")
    assert failure.reason == "ValueError: too few <people>"
    pages = tree(made)
    assert b"ValueError: too few &lt;people&gt;" in pages["02-correlation-total.html"]
    assert b"pillar total" not in pages["02-correlation-total.html"]
    assert b"could not be made" not in pages["02-correlation-brand.html"].split(b"<nav")[0]
    assert b"(could not be made in this run)" in pages["index.html"]
    assert b"ValueError" in pages[failure.executed]
    assert "tables/01-data-quality-rows.csv" in pages


def test_failed_notebook_names_no_folder_of_the_machine(project, kernels, monkeypatch):
    """A traceback is full of paths, and a path may hold a person's name: the home folder is a tilde."""
    monkeypatch.setattr(Path, "home", lambda: Path(sys.prefix))
    code = "from pathlib import Path\nimport json\nPath(reports_dir, 'x').touch()\njson.loads(reports_dir)"
    write_notebook(project / "00-answer.ipynb", "# Q", code, parameters="reports_dir = ''")
    result = build(project, kernels=kernels)
    executed = tree(project)[result.failures[0].executed].decode()
    assert "JSONDecodeError" in executed
    assert sys.prefix not in executed
    assert str(kernels.folder) not in executed


def test_failed_notebook_is_tried_again(project, kernels):
    """A failure is not remembered: the next run tries that notebook, and only that, again."""
    fail(project)
    build(project, kernels=kernels)
    result = build(project, kernels=kernels)
    assert ran(result) == {"02-correlation-total"}
    assert not result.ok


def test_failed_answer_is_a_page_too(project, kernels):
    """When the answer itself fails, its page says so and links to the rest."""
    write_notebook(project / "00-answer.ipynb", "# Q", "## Decide", "1 / 0")
    result = build(project, kernels=kernels)
    assert [failure.step for failure in result.failures] == ["Decide"]
    page = tree(project)["index.html"].decode()
    assert "ZeroDivisionError: division by zero" in page
    assert 'href="01-data-quality.html"' in page


def test_page_that_breaks_the_offline_rule_fails(project, kernels):
    """A notebook that displays a script gets no page of its own, and leaves no table behind."""
    code = "from IPython.display import HTML, display\ndisplay(HTML('<script src=\"http://x\"></script>'))"
    write_notebook(project / "00-answer.ipynb", "# Q", code)
    result = build(project, kernels=kernels)
    assert "would not work offline" in result.failures[0].reason
    assert b"<script" not in tree(project)["index.html"]


def test_two_notebooks_may_not_write_one_table(tmp_path, kernels):
    """Which of two tables of one name is shown must not be left to chance."""
    code = "from pathlib import Path\n_ = Path(reports_dir, 'a.csv').write_text(name)"
    notebook = write_notebook(tmp_path / "n.ipynb", "# Q", code, parameters="reports_dir = ''\nname = ''")
    jobs = tuple(Job(notebook, name, name, {"name": name}) for name in ("a", "b"))
    result = build_report([Step("x", jobs)], out=tmp_path / "out", context=CONTEXT, run_key="k", kernels=kernels)
    assert [failure.reason for failure in result.failures] == ["a.csv is written by another notebook too"]
    assert (tmp_path / "out" / "a.csv").read_text() == "a"


def test_wrong_parameter_starts_nothing(project, never):
    """A misspelt pillar ends the run before any kernel, with nothing written."""
    with pytest.raises(SettingsError, match="did you mean brand"):
        build(project, pillars={"brand": {"pillar": "brnad"}})
    assert not (project / "reports").exists()


def test_file_in_the_way_starts_nothing(project, never):
    """A file of the user with the name of a page ends the run before any kernel."""
    (project / "reports").mkdir()
    (project / "reports" / "index.html").write_text("mine")
    with pytest.raises(SettingsError, match="was not made by ssi-audit"):
        build(project)


def test_lines_of_a_run(project, kernels):
    """The terminal gets one line per step with its summary, and a kept step says so."""
    first, second = io.StringIO(), io.StringIO()
    lines = [(step.name, len(step.jobs)) for step in steps(project)]
    build(project, kernels=kernels, progress=Progress(lines, first))
    (project / "reports" / "answer.json").unlink()
    build(project, kernels=kernels, progress=Progress(lines, second))
    assert [line.split("ok")[0].strip() for line in first.getvalue().splitlines()] == [
        "1/3 data quality", "2/3 correlation  2 of 2", "3/3 answer",
    ]  # fmt: skip
    assert first.getvalue().splitlines()[0].endswith("   3 rows")
    assert second.getvalue().count("kept") == 3


def test_extra_files_can_depend_on_results(project, kernels):
    """The index or a summary can be made after the notebooks, knowing which of them failed."""
    fail(project)
    seen = {}

    def extra(results):
        seen.update({stem: result.ok for stem, result in results.items()})
        return {"answer.json": b"{}"}

    build(project, kernels=kernels, extra=extra)
    assert seen == {"01-data-quality": True, "02-correlation-brand": True, "02-correlation-total": False, "index": True}


class FakeRun:
    """Stands in for `engine.execute`: notes what runs at the same time, and in which order."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.order = []
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def __call__(self, notebook, parameters, kernels, **_):
        """Sleep for as long as the notebook is said to take."""
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            self.order.append(notebook.stem)
        time.sleep(self.seconds[notebook.stem])
        with self._lock:
            self._now -= 1
        raise NotebookFailed("", "fake", engine.nbformat.v4.new_notebook())


@pytest.fixture
def fake_jobs(tmp_path, monkeypatch):
    """Four jobs that only sleep."""
    fake = FakeRun({"a": 0.05, "b": 0.3, "c": 0.1, "d": 0.2})
    monkeypatch.setattr(engine, "execute", fake)
    jobs = [
        Job(write_notebook(tmp_path / f"{name}.ipynb", "# Q"), name, name, weight=seconds)
        for name, seconds in fake.seconds.items()
    ]
    return fake, jobs


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_so_many_at_a_time_longest_first(fake_jobs, kernels, workers):
    """No more notebooks at a time than workers, the longest first, results in the order of the jobs."""
    fake, jobs = fake_jobs
    results = run_notebooks(jobs, workers=workers, kernels=kernels)
    assert fake.most == workers
    assert set(fake.order[:workers]) == set("bdc"[:workers])
    assert list(results) == ["a", "b", "c", "d"]


def test_order_is_learnt_from_earlier_runs(project, kernels, tmp_path):
    """A notebook that took longest last time starts first, whatever was guessed."""
    cache = run.Cache(tmp_path / "cache")
    jobs = [job for step in steps(project) for job in step.jobs]
    cache.put(run._pace_key(jobs[2]), {}, {"seconds": 99.0})
    cache.put(run._pace_key(jobs[0]), {}, {"seconds": 0.1})
    assert [job.stem for job in run._longest_first(jobs, cache)] == [
        "02-correlation-total", "02-correlation-brand", "index", "01-data-quality",
    ]  # fmt: skip


# ---- whole processes: killed, interrupted, two at once ----


def command(project, depends="data", seconds=0.0):
    """A process that makes the report."""
    arguments = [sys.executable, "-m", "tests.unit.report.small_report", str(project), depends, str(seconds)]
    # Tests that run in the background of a shell would hand on that Ctrl-C is ignored.
    heed = functools.partial(signal.signal, signal.SIGINT, signal.default_int_handler)
    return subprocess.Popen(
        arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=heed if os.name == "posix" else None,
    )  # fmt: skip


def in_process(project, *arguments):
    """What a whole process that makes the report says."""
    process = command(project, *arguments)
    answer, problems = process.communicate(timeout=120)
    assert process.returncode == 0, problems
    assert problems == ""
    return json.loads(answer)


@posix
def test_killed_run_leaves_the_old_report(made, kernels):
    """SIGKILL at random moments of a run: the old report is whole, the cache is right, the next run works."""
    old = tree(made)
    chance = random.Random(3)
    for turn in range(3):
        process = command(made, f"data {turn}", 0.05)
        time.sleep(chance.uniform(0.5, 4.0))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        manifest = read_manifest(made / "reports")
        assert current_facts(made / "reports", manifest.run_key) is not None, "a page is not the one of its report"
        assert tree(made) == old or tree(made)["answer.json"] == f'"data {turn}"'.encode()
        old = tree(made)
    result = build(made, "after", kernels=kernels)
    assert result.ok
    other = made / "other"
    write_notebooks(other)
    build(other, "after", kernels=kernels)
    assert tree(made) == tree(other)
    assert [path.name for path in workplace(made / "reports").iterdir()] == ["lock"]


@posix
def test_interrupted_run_ends_at_once(project):
    """Ctrl-C ends the run and its kernels long before their notebooks would."""
    process = command(project, "data", 120.0)
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert time.monotonic() - began < 20
    assert not (project / "reports").exists()


def test_two_runs_at_once_do_not_mix(project):
    """The second run on one folder waits for the first, and finds nothing left to do."""
    processes = [command(project) for _ in range(2)]
    answers = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    assert sorted(answer["unchanged"] for answer in answers) == [False, True]
    assert set(tree(project)) >= PAGES
    assert [path.name for path in workplace(project / "reports").iterdir()] == ["lock"]
