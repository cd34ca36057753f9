"""Notebooks on forked and on fresh kernels: the same result, and a plain word about what went wrong."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zmq

from ssi_audit import schema, workspace
from ssi_audit.report import engine, sheet, sources
from ssi_audit.report.engine import NotebookFailed, execute, step_name
from ssi_audit.report.kernels import ForkedKernel, Kernels, WarmStopped, can_fork
from ssi_audit.report.run import _notebook_bytes
from ssi_audit.report.sheet import hand_over
from ssi_audit.settings import Settings
from tests.unit.report import factories
from tests.unit.report.notebook_maker import write_notebook

needs_fork = pytest.mark.skipif(not can_fork(), reason="kernels are not forked on this system")
pytestmark = needs_fork


@pytest.fixture(scope="module")
def warm():
    """Kernels forked from a process that knows numpy, pandas and matplotlib."""
    with Kernels(warm=True) as kernels:
        kernels.load(["numpy", "matplotlib.pyplot", "pandas"])
        yield kernels


@pytest.fixture(scope="module")
def fresh():
    """Kernels started afresh."""
    with Kernels(warm=False) as kernels:
        yield kernels


@pytest.fixture
def make(tmp_path):
    """Write a notebook of cells."""
    return lambda *cells, parameters="": write_notebook(tmp_path / "n.ipynb", "# Q", *cells, parameters=parameters)


def outputs(notebook):
    """Texts of all outputs, in order."""
    found = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output.get("text") or output["data"]["text/plain"] for output in found]


def test_forked_and_fresh_kernels_give_the_same_bytes(make, warm, fresh):
    """Figures, random numbers, order of sets, addresses in memory, warnings: no byte tells the kernels apart."""
    notebook = make(
        "import random\nimport numpy as np\nimport matplotlib.pyplot as plt",
        "print(random.random(), np.random.rand(), np.random.default_rng(1).random())",
        "list({'pear', 'apple', 'plum', 'fig', 'date'})",
        "_ = plt.plot([1, 2, 4], label='a')\nplt.legend()",
        "plt.scatter([1, 2], [3, 4]);",
        "object()",
        "import warnings; warnings.warn('noise')",
        "import numpy; numpy.__config__.show(mode='dicts')['Build Dependencies']['blas']['name']",
        "import matplotlib; matplotlib.get_backend(), matplotlib.rcParams['svg.fonttype']",
        "import pandas as pd; pd.DataFrame([range(10**9, 10**9 + 15)])",
        parameters="pillar = 'brand'",
    )
    forked = _notebook_bytes(execute(notebook, {"pillar": "people"}, warm), {})
    assert forked.count(b'"image/svg+xml"') == 2
    assert b"UserWarning" not in forked
    assert forked == _notebook_bytes(execute(notebook, {"pillar": "people"}, fresh), {})


def test_every_forked_kernel_starts_from_the_same_random_state(make, warm):
    """What one notebook draws does not depend on what another drew before."""
    notebook = make("import numpy as np, random\nprint(np.random.rand(), random.random())")
    assert outputs(execute(notebook, {}, warm)) == outputs(execute(notebook, {}, warm))


def test_notebooks_do_not_see_each_other(make, warm):
    """A variable, a changed setting of a library or an environment variable ends with its notebook."""
    leave = make("import os, numpy as np\nnp.secret = os.environ['SECRET'] = 'x'")
    execute(leave, {}, warm)
    look = make("import os, numpy as np\nprint(hasattr(np, 'secret'), 'SECRET' in os.environ)")
    assert outputs(execute(look, {}, warm)) == ["False False\n"]


@pytest.mark.parametrize("kind", ["warm", "fresh"])
def test_parameters_arrive_as_they_are(make, request, kind):
    """Text with quotes, letters of all kinds and line breaks, numbers, lists and None are what was given."""
    given = {"a": 'it\'s "ü" \\ \n ไทย {x}', "b": [1, 2.5, None], "c": {"k": True}, "d": -0.0}
    notebook = make("print([a, b, c, d])", parameters="a = ''\nb = []\nc = {}\nd = 0.0")
    executed = execute(notebook, given, request.getfixturevalue(kind))
    assert outputs(executed) == [f"{list(given.values())}\n"]


@pytest.mark.parametrize("kind", ["warm", "fresh"])
def test_environment_is_for_one_kernel(make, request, kind):
    """A variable given to a run is seen by its notebook."""
    notebook = make("import os\nprint(os.environ['WHERE'])")
    executed = execute(notebook, {}, request.getfixturevalue(kind), environment={"WHERE": "here"})
    assert outputs(executed) == ["here\n"]


def test_kernels_compute_on_one_thread(make, warm):
    """Two notebooks on two cores: one thread each, and sums in one order whatever the machine."""
    notebook = make("import os\nprint(os.environ['OPENBLAS_NUM_THREADS'], os.environ['PYTHONHASHSEED'])")
    assert outputs(execute(notebook, {}, warm)) == ["1 0\n"]


def test_source_is_not_changed(make, warm):
    """The notebook that is run stays as it is, to the byte."""
    notebook = make("1 + 1", parameters="a = 1")
    before = notebook.read_bytes()
    execute(notebook, {"a": 2}, warm)
    assert notebook.read_bytes() == before


def test_working_folder_does_not_hide_libraries(make, fresh, tmp_path, monkeypatch):
    """A file of the user with the name of a library is not what a notebook imports."""
    for name in ("traitlets", "statistics"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('mine')")
    monkeypatch.chdir(tmp_path)
    execute(make("import statistics"), {}, fresh)


@pytest.mark.parametrize("kind", ["warm", "fresh"])
def test_exception_names_step_and_reason(make, request, kind, capfd):
    """A cell that raises: heading of its step, one line of reason, cells before it with outputs, nothing printed."""
    notebook = make(
        "## Load", "print('before')", "## Fit\n\nText", "1 + 1", "raise ValueError('no such\\ncolumn')", "2"
    )
    with pytest.raises(NotebookFailed) as caught:
        execute(notebook, {}, request.getfixturevalue(kind))
    assert (caught.value.step, caught.value.reason) == ("Fit", "ValueError: no such")
    cells = caught.value.notebook.cells
    assert len(cells) == 7
    assert cells[2].outputs[0].text == "before\n"
    assert cells[5].outputs[0].output_type == "error"
    assert cells[6].outputs == []
    assert capfd.readouterr() == ("", "")


ODD = "class Odd(Exception):\n    def _render_traceback_(self): raise KeyError('no traceback')\n"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise ExceptionGroup('two reasons', [ValueError('a'), KeyError('b')])", "ExceptionGroup: two reasons"),
        (ODD + "raise Odd('undefined column')", "Odd: undefined column"),
        ("raise MemoryError", r"MemoryError without a message in cell \[2\]; close other programs, or use --workers 1"),
        ("raise KeyboardInterrupt", r"KeyboardInterrupt without a message in cell \[2\]; see its executed notebook"),
    ],
)
def test_exception_is_named_even_without_its_traceback(make, warm, code, reason):
    """Where IPython cannot write the traceback (its source changed, a group), papermill alone would say nothing."""
    with pytest.raises(NotebookFailed, match=f"Load: {reason}") as caught:
        execute(make("1 + 1", "## Load", code), {}, warm)
    (shown,) = [output for output in caught.value.notebook.cells[-1].outputs if output.output_type == "error"]
    assert shown.ename == reason.split()[0].rstrip(":")


KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


@pytest.mark.parametrize(
    ("kind", "code", "reason"),
    [
        ("warm", KILLED, r"its kernel was ended by signal 9 \(too little memory\?\)"),
        ("warm", KILLED.replace("KILL", "SEGV"), "its kernel was ended by signal 11"),
        ("warm", "import os; os._exit(3)", r"its kernel ended by itself \(status 3\)"),
        ("fresh", KILLED, r"its kernel was ended by signal 9 \(too little memory\?\)"),
    ],
)
def test_dead_kernel_is_noticed(make, request, kind, code, reason):
    """A kernel that is killed, crashes or leaves says how it ended."""
    with pytest.raises(NotebookFailed, match=f"Load: {reason}"):
        execute(make("## Load", code), {}, request.getfixturevalue(kind))


def test_stuck_cell_is_given_up(make, warm):
    """A cell that takes too long fails with the limit, and the next notebook runs."""
    with pytest.raises(NotebookFailed, match="Wait: no answer after 1 seconds"):
        execute(make("## Wait", "import time; time.sleep(60)"), {}, warm, cell_timeout=1)
    assert outputs(execute(make("print(1)"), {}, warm)) == ["1\n"]


def test_leaving_by_exit_is_no_failure(make, warm):
    """`exit()` in a notebook ends it without an error, as in papermill."""
    execute(make("raise SystemExit(0)"), {}, warm)


def test_fresh_kernels_follow_a_dead_warm_process(make):
    """When the warm process is killed, running and later notebooks go on with fresh kernels or say why not."""
    with Kernels(warm=True) as kernels:
        execute(make("1"), {}, kernels)
        os.kill(kernels._warm.pid, signal.SIGKILL)
        kernels._warm.wait()
        assert outputs(execute(make("print('still')"), {}, kernels)) == ["still\n"]
        assert not kernels.warm


def test_news_that_nobody_heard_is_asked_for_again(make, warm, monkeypatch):
    """A kernel that published before we listened is asked again at once, and sockets do not wait to be connected."""
    waited, pauses, real = [], set(), engine._find

    async def deaf_once(channel, seconds, wanted):
        waited.append(seconds)
        pauses.add(channel.socket.getsockopt(zmq.RECONNECT_IVL))
        return await real(channel, seconds, wanted if len(waited) != 2 else lambda _: False)

    monkeypatch.setattr(engine, "_find", deaf_once)
    assert outputs(execute(make("print('heard')"), {}, warm)) == ["heard\n"]
    assert waited.count(engine.NEWS_TIMEOUT) >= 2
    assert engine.NEWS_TIMEOUT <= 0.05
    assert pauses == {engine.RECONNECT_MILLISECONDS}


def test_forked_kernel_that_does_not_start_is_replaced(make, warm, monkeypatch):
    """A fork that dies before its first cell costs a second, not the notebook."""
    real = Kernels.fork

    def stillborn(self, connection_file, environment):
        kernel = real(self, connection_file, environment)
        kernel.kill()
        return kernel

    monkeypatch.setattr(Kernels, "fork", stillborn)
    assert outputs(execute(make("print('alive')"), {}, warm)) == ["alive\n"]


def test_closed_kernels_start_nothing(make):
    """After a run was stopped no kernel comes up any more."""
    kernels = Kernels(warm=True)
    kernels.close()
    with pytest.raises(WarmStopped):
        kernels.ask(do="poll", pid=1)
    with pytest.raises((NotebookFailed, OSError)):
        execute(make("1"), {}, kernels)


def test_libraries_are_there_in_every_kernel(make):
    """Those that cannot be imported are left to the notebook that needs them, and the answers keep their order."""
    with Kernels(warm=True) as kernels:
        kernels.load(["wave", "this"])  # prints a poem, which is no answer
        kernels.load(["no.such.module", "decimal.Decimal"])
        notebook = make("import sys\nprint('decimal' in sys.modules, 'wave' in sys.modules)")
        assert outputs(execute(notebook, {}, kernels)) == ["True True\n"]
        assert kernels.warm
    kernels.load(["wave"])  # of no use any more, and no error


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads in /proc")
def test_warm_process_has_one_thread():
    """Nothing that the package imports starts a thread before the fork: such threads would be missing after it."""
    code = "import ssi_audit as sa"
    modules = [*sources.loaded_first(code), *sources.used_modules(code), "seaborn"]
    with Kernels(warm=True) as kernels:
        kernels.load(modules)
        kernels.ask(do="fork", file="/nowhere.json", environment={})
        assert len(list(Path(f"/proc/{kernels._warm.pid}/task").iterdir())) == 1


def test_run_is_read_once_for_all_kernels(make, fresh):
    """A run handed over is what a notebook opens, forked or fresh: every cell and result; other options read anew."""
    frame = pd.DataFrame({"person": ["P01", "P02", None], "n": [0.1, np.nan, 3.0], "day": pd.Timestamp("2026-01-05")})
    frame.attrs["facts"] = {"period": "week"}
    tables = schema.Tables(*([frame] * 7), notes=("a note",))
    audit = factories.leading()
    audit.data["currency"] = "EUR"
    run = workspace.Run("key", Path("place"), frame, tables, audit, Settings(language="pl"))
    start, never = (
        "from ssi_audit import workspace\nfrom ssi_audit.report.sheet import open_sheet",
        "workspace.load_run = 0",
    )
    look = "run = open_sheet('x', data, options).run\nframe = run.tables.ledger"
    show = (
        "print(run, frame.dtypes.to_string(), frame.to_json(date_format='iso'), run.panel.attrs, run.audit.to_dict())"
    )
    notebook = make(start, never, look, show, parameters="data = ''\noptions = {}")
    with Kernels(warm=True) as kernels:
        kernels.load(sources.loaded_first(start))
        given = hand_over(run, "some/where/", {"language": "pl"}, kernels.folder / "run")
        kernels.prepare("ssi_audit.report.sheet.take_over", str(kernels.folder / "run"))
        taken = execute(notebook, {"data": "some/where", "options": {"language": "pl"}}, kernels)
        assert len(list(Path(f"/proc/{kernels._warm.pid}/task").iterdir())) == 1, "kernels would miss its threads"
        with pytest.raises(NotebookFailed, match="'int' object is not callable"):
            execute(notebook, {"data": "some/where", "options": {"language": "it"}}, kernels)
        asked = {"data": "some/where", "options": {"language": "pl"}}
        assert outputs(execute(notebook, asked, fresh, environment=given)) == outputs(taken)
    scope = {"run": run, "frame": frame}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(show, scope)
    assert outputs(taken) == [printed.getvalue()]


def test_preparation_that_fails_costs_nothing(make):
    """What cannot be prepared before the fork is left to the kernels."""
    with Kernels(warm=True) as kernels:
        kernels.prepare("ssi_audit.report.sheet.take_over", "/nowhere")
        assert outputs(execute(make("print(1)"), {}, kernels)) == ["1\n"]
        assert kernels.warm


def alive(pid):
    """Whether a process runs (one that ended and was not collected counts as ended)."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks at processes in /proc")
@pytest.mark.parametrize("kind", ["warm", "fresh"])
def test_nothing_is_left_when_the_run_is_killed(make, kind, tmp_path):
    """SIGKILL of the run: kernels and the warm process end by themselves, the warm one's private folder goes."""
    note = tmp_path / "pid"
    notebook = make(f"import os, time\nopen({str(note)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)")
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from ssi_audit.report.engine import execute
        from ssi_audit.report.kernels import Kernels
        kernels = Kernels(warm=sys.argv[2] == "warm")
        print(kernels.folder, flush=True)
        execute(Path(sys.argv[1]), {}, kernels)
        """
    )
    run = subprocess.Popen([sys.executable, "-c", program, str(notebook), kind], stdout=subprocess.PIPE, text=True)
    folder = Path(run.stdout.readline().strip())
    wait_until(lambda: note.exists() and note.read_text())
    run.kill()
    run.wait()
    run.stdout.close()
    wait_until(lambda: not alive(int(note.read_text())))
    if kind == "warm":
        wait_until(lambda: not folder.exists())
    Kernels(warm=False).close()  # the next run removes what a killed one left
    assert not folder.exists()


def test_folder_of_a_living_run_is_left_alone():
    """Starting a run does not touch the private folders of others."""
    with Kernels(warm=False) as one, Kernels(warm=False):
        assert one.folder.exists()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks at processes in /proc")
def test_warm_process_ends_when_the_run_is_killed_early():
    """SIGKILL while the imports still go on: the warm process cleans up after itself all the same."""
    program = "from ssi_audit.report.kernels import Kernels\nk = Kernels(warm=True)\nk.load(['pandas'])\n"
    program += "print(k.folder, k._warm.pid, flush=True)\nimport time\ntime.sleep(60)"
    run = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    folder, pid = run.stdout.readline().split()
    run.kill()
    run.communicate()
    wait_until(lambda: not alive(int(pid)) and not Path(folder).exists())


def wait_until(true, seconds=30):
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_private_folder_is_private_and_goes(make, tmp_path):
    """Sockets, keys and temporary files of notebooks are in a folder that only the user can enter, and go with it."""
    with Kernels(warm=False) as kernels:
        folder = kernels.folder
        executed = execute(make("import tempfile\nprint(tempfile.mkdtemp())"), {}, kernels)
        assert Path(outputs(executed)[0].strip()).is_relative_to(folder)
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()


def test_long_temporary_folder_gets_encrypted_ports(make, tmp_path, monkeypatch):
    """Where the path of a socket would be too long, kernels are reached through ports, with encryption."""
    long = tmp_path / ("long" * 25)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with Kernels(warm=False) as kernels:
        look = "import json, ipykernel\nprint('curve_publickey' in json.load(open(ipykernel.get_connection_file())))"
        assert outputs(execute(make(look), {}, kernels)) == ["True\n"]


def test_status_of_a_kernel_whose_parent_is_gone():
    """Without its warm process a forked kernel counts as killed."""
    kernels = Kernels(warm=False)
    assert ForkedKernel(123456789, kernels).poll() == -signal.SIGKILL
    kernels.close()


@pytest.mark.parametrize(("choice", "forks"), [("0", False), ("1", True)])
def test_forking_can_be_chosen(monkeypatch, choice, forks):
    """SSI_AUDIT_WARM decides by hand."""
    monkeypatch.setenv("SSI_AUDIT_WARM", choice)
    assert can_fork() is forks
    with Kernels() as kernels:
        assert kernels.warm is forks


@pytest.mark.parametrize(("index", "name"), [(0, "Top"), (1, "Top"), (2, "Two"), (4, "Three # x")])
def test_step_is_the_last_heading_before_a_cell(index, name):
    """A step is called by the heading above it; text without a heading does not count."""

    class Cell:
        def __init__(self, kind, source=""):
            self.cell_type, self.source = kind, source

    texts = ["# Top", None, "words\n\n## Two ##", "no heading", "### Three # x"]
    cells = [Cell("code", "# comment") if text is None else Cell("markdown", text) for text in texts]
    assert step_name(cells, index) == name
    assert step_name([Cell("code")], 0) == ""


@pytest.mark.parametrize("left_out", [True, False])
def test_kernels_elsewhere_know_whether_files_were_left_out(monkeypatch, left_out):
    """A worker of a cluster opens the run itself: with the unreadable files left out, or it would be refused."""
    monkeypatch.delenv(sheet.HANDED_OVER, raising=False)
    if left_out:
        monkeypatch.setenv(sheet.SKIP_UNREADABLE, "1")
    monkeypatch.setattr(sheet.workspace, "load_run", lambda data, options, **reading: reading)
    assert sheet._run_of("elsewhere", {}) == {"skip_unreadable": left_out}
