"""Kernels for notebooks, forked from one process that has done the imports.

Importing pandas, seaborn and statsmodels costs a fresh kernel seconds, a
dozen notebooks half a minute. So one warm process imports what the notebooks
use, starts no thread, and forks a kernel per notebook. Where that cannot be
done (no fork, macOS, `SSI_AUDIT_WARM=0`) each kernel is a fresh process. Both
kinds run `_serve`, with the same environment, so that a page has the same
bytes either way.

This module is what those processes run and imports little itself: the warm
process is started as soon as there is work and imports while others do theirs.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

from ssi_audit.report.locks import try_lock

# Two notebooks run at a time, so one thread each; the sums must not depend on the number of cores either.
ONE_THREAD = dict.fromkeys(
    (
        "OPENBLAS_NUM_THREADS",
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMEXPR_NUM_THREADS",
    ),
    "1",
)
BACKEND = "module://matplotlib_inline.backend_inline"
# What every kernel imports beside what its notebook does.
SHELL = (
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "matplotlib.backends.backend_svg",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.core.pylabtools",
    "IPython.extensions.storemagic",
    "matplotlib_inline.config",
    "pyarrow.dataset",  # pandas reads Parquet with it
    "tornado.platform.asyncio",
)
# A debugger would be half of what a kernel costs to start, and nobody can attach to one here.
NO_DEBUGGER = "debugpy"
# A forked kernel would inherit the random state, a fresh one would make its own: both start from this one.
SEED = 0
# Private folders of runs. The file in each is locked while its run lives.
PREFIX, OWNER = "ssi-audit-", "owner"
COMMAND = (sys.executable, "-P", "-m", "ssi_audit.report.kernels")


class WarmStopped(Exception):
    """The warm process ended; kernels must be started afresh."""


class ForkedKernel:
    """A kernel that the warm process forked; looks like `subprocess.Popen` to jupyter_client."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, kernels: Kernels) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._kernels = kernels

    def poll(self) -> int | None:
        """Exit status (minus the signal that ended it), None while it runs."""
        if self.returncode is None:
            try:
                self.returncode = self._kernels.ask(do="poll", pid=self.pid)["status"]
            except WarmStopped:
                # Its kernels notice within a second that their parent is gone, and end themselves.
                self.returncode = -signal.SIGKILL
        return self.returncode

    def wait(self) -> int | None:
        """Status of a kernel known to have ended."""
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Signal the kernel, unless it has ended: its id is not reused before `poll` saw that."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


class Kernels:
    """Where kernels come from, for the length of a run: a warm process if there can be one, and a private folder.

    Starting one returns at once; the imports go on in the background until the first kernel is asked for.

    Parameters
    ----------
    warm : bool, optional
        Fork kernels; default: where that is safe (`can_fork`).
    """

    def __init__(self, warm: bool | None = None) -> None:
        # Readable by the user alone: it holds the sockets and the keys of the connections. In the system's
        # temporary folder, because the path of a socket may not be longer than about 100 characters.
        _sweep()
        self.folder, self._owner = _private_folder()
        (self.folder / "ipython").mkdir()
        (self.folder / "tmp").mkdir()
        self.environment = kernel_environment(self.folder)
        self._lock = threading.Lock()
        self._warm: subprocess.Popen | None = None
        # Answers that nobody has read yet. The first says that the warm process is ready.
        self._owed = 1
        self.closed = False
        if can_fork() if warm is None else warm:
            self._warm = subprocess.Popen(
                [*COMMAND, "warm", str(self.folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=self.environment,
                start_new_session=True,  # Ctrl-C is for the run, which then closes this
            )

    @property
    def warm(self) -> bool:
        """Whether kernels are forked (False once the warm process is gone)."""
        return self._warm is not None

    def load(self, modules: Iterable[str]) -> None:
        """Let the warm process import more before it forks the first kernel; fresh kernels do without.

        Parameters
        ----------
        modules : iterable of str
            `sources.loaded_first` of the notebooks' code.
        """
        self._send({"do": "import", "modules": list(modules)})

    def prepare(self, function: str, *arguments: object) -> None:
        """Let the warm process call a function before it forks the first kernel; fresh kernels do without.

        Parameters
        ----------
        function : str
            Dotted name.
        *arguments
            What JSON can hold.
        """
        self._send({"do": "call", "function": function, "arguments": arguments})

    def fork(self, connection_file: str, environment: Mapping[str, str]) -> ForkedKernel:
        """Fork a kernel that serves a connection file.

        Raises
        ------
        WarmStopped
            If there is no warm process any more.
        """
        return ForkedKernel(self.ask(do="fork", file=connection_file, environment=dict(environment))["pid"], self)

    def ask(self, **question: object) -> dict:
        """Send the warm process one question and return its answer."""
        with self._lock:
            if self._warm is None:
                raise WarmStopped
            try:
                while self._owed:
                    json.loads(self._warm.stdout.readline())
                    self._owed -= 1
                self._write(question)
                return json.loads(self._warm.stdout.readline())
            except (OSError, ValueError) as error:
                self._stop_warm()
                raise WarmStopped from error

    def _send(self, question: dict) -> None:
        """Ask without waiting for the answer."""
        with self._lock:
            if self._warm is None:
                return
            try:
                self._write(question)
                self._owed += 1
            except OSError:
                self._stop_warm()

    def _write(self, question: dict) -> None:
        self._warm.stdin.write(json.dumps(question) + "\n")
        self._warm.stdin.flush()

    def close(self) -> None:
        """End all kernels and remove the private folder."""
        self.closed = True
        with self._lock:
            self._stop_warm()
        self._owner.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Kernels:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _stop_warm(self) -> None:
        if self._warm is None:
            return
        warm, self._warm = self._warm, None
        # A closed pipe tells it to end its kernels; while it is busy it could not read that.
        with contextlib.suppress(OSError):
            warm.stdin.close()
        if self._owed:
            warm.kill()
        try:
            warm.wait(timeout=10)
        except subprocess.TimeoutExpired:
            warm.kill()
            warm.wait()
        warm.stdout.close()


def _private_folder() -> tuple[Path, TextIO]:
    """A new private folder and the open file that says that its run lives."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        owner = (folder / OWNER).open("w")
        if try_lock(owner.fileno()):
            return folder, owner
        owner.close()  # another run was quicker and takes it for a dead one's


def _sweep() -> None:
    """Remove private folders of runs that were killed."""
    for owner in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{OWNER}"):
        with contextlib.suppress(OSError), owner.open("a") as file:  # another user's, or just removed
            if try_lock(file.fileno()):
                shutil.rmtree(owner.parent, ignore_errors=True)


def can_fork() -> bool:
    """Whether kernels are forked by default.

    Not on macOS: system libraries that numpy uses there abort in a forked process. ``SSI_AUDIT_WARM=0``
    and ``=1`` decide it by hand.
    """
    choice = os.environ.get("SSI_AUDIT_WARM", "")
    if choice in ("0", "1"):
        return choice == "1" and hasattr(os, "fork")
    return sys.platform.startswith("linux") and hasattr(os, "fork")


def kernel_environment(folder: Path) -> dict[str, str]:
    """Environment of every kernel, warm or fresh: nothing of the user's that could change a page."""
    return {
        **os.environ,
        **ONE_THREAD,
        "JE_ARROW_MALLOC_CONF": "background_thread:false",  # the only thread that an import would start
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": "315532800",  # figures carry no date of today
        "MPLBACKEND": BACKEND,
        "MATPLOTLIBRC": str(Path(__file__).with_name("matplotlibrc")),
        "IPYTHONDIR": str(folder / "ipython"),  # no start-up files, no history
        "JUPYTER_RUNTIME_DIR": str(folder),
        "TMPDIR": str(folder / "tmp"),  # kernels are ended, not asked to tidy up
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def _serve(connection_file: str) -> None:
    """Be a kernel until told to stop."""
    sys.modules[NO_DEBUGGER] = None
    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config

    config = Config()
    if sys.platform != "win32":
        config.IPKernelApp.parent_handle = os.getppid()  # end when the parent does
    config.IPKernelApp.ignore_cwd = True
    config.HistoryManager.enabled = False
    config.InlineBackend.figure_formats = {"svg"}
    kernel = IPKernelApp.instance(config=config)
    kernel.initialize(["-f", connection_file])
    if "matplotlib_inline.backend_inline" in sys.modules:
        _draw_into(kernel.shell)
    if "pandas" in sys.modules:
        # As pandas decides when a kernel imports it; outside of one it would fit tables to a terminal.
        sys.modules["pandas"].set_option("display.max_columns", 20)
    # Not earlier: what a kernel does until its first cell draws random numbers too.
    events = kernel.shell.events
    events.register("pre_run_cell", _seed_once(events))
    kernel.start()


def _draw_into(shell: Any) -> None:
    """Do again what the backend does when it is imported: it was imported before the fork.

    There was no shell then to hook into, and every figure would be lost in silence.
    """
    from IPython.core.pylabtools import activate_matplotlib
    from matplotlib_inline.backend_inline import configure_inline_support

    activate_matplotlib(BACKEND)
    configure_inline_support(shell, BACKEND)


def _seed_once(events: Any) -> Callable[[object], None]:
    """Seed the global states that libraries use when nobody gives them a seed, before the first cell."""

    def seed(_: object) -> None:
        import numpy as np

        random.seed(SEED)
        np.random.seed(SEED)  # noqa: NPY002
        events.unregister("pre_run_cell", seed)

    return seed


def _stay_warm(folder: Path) -> None:
    """Import, then answer questions on standard input until it closes; end all kernels and clean up then."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what an import prints is no answer
    sys.modules[NO_DEBUGGER] = None
    _import_all(SHELL)
    statuses: dict[int, int | None] = {}
    try:
        _answer_questions(answers, statuses)
    finally:
        for pid, status in statuses.items():
            if status is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)  # the run itself may have been killed


def _answer_questions(answers: TextIO, statuses: dict[int, int | None]) -> None:
    """Fork kernels and tell how they ended, until nobody asks any more."""
    _answer(answers, {"ready": True})
    for line in sys.stdin:
        question = json.loads(line)
        if question["do"] == "fork":
            pid = os.fork()
            if pid == 0:
                _become_kernel(question)
            statuses[pid] = None
            _answer(answers, {"pid": pid})
        elif question["do"] == "import":
            _import_all(question["modules"])
            _answer(answers, {"done": True})
        elif question["do"] == "call":
            _answer(answers, {"done": _call(question["function"], question["arguments"])})
        else:
            pid = question["pid"]
            if statuses[pid] is None:
                ended, status = os.waitpid(pid, os.WNOHANG)
                statuses[pid] = os.waitstatus_to_exitcode(status) if ended else None
            _answer(answers, {"status": statuses[pid]})


def _call(name: str, arguments: Iterable[object]) -> bool:
    """Call a function by its name; whether it ended well."""
    module, _, function = name.rpartition(".")
    try:
        getattr(importlib.import_module(module), function)(*arguments)
    except Exception:
        return False  # kernels do without what it would have prepared, and say what is wrong with it
    gc.freeze()
    return True


def _import_all(names: Iterable[str]) -> None:
    """Import modules, so that what they made is shared with every kernel forked later."""
    gc.disable()  # imports leave little garbage, and looking for it is a tenth of their time
    for name in names:
        _import(name)
    gc.freeze()  # a collection in a kernel would copy every page that holds one of these objects
    gc.enable()


def _import(name: str) -> None:
    """Import a module, or the one that holds it when the name is that of a thing in it."""
    while name:
        try:
            importlib.import_module(name)
            return
        except Exception:
            # Missing or broken: the notebook that needs it will say so, with its own name and step.
            name = name.rpartition(".")[0]


def _become_kernel(question: dict) -> None:
    """Child of the fork: leave the warm process's session and pipes, and never return to its loop."""
    status = 1
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        os.environ.update(question["environment"])
        _serve(question["file"])
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0
    finally:
        try:
            atexit._run_exitfuncs()
        finally:
            os._exit(status)


def _answer(answers: TextIO, answer: dict) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    what, where, *_ = sys.argv[1:]  # nbclient adds options of its own
    if what == "warm":
        _stay_warm(Path(where))
        atexit._run_exitfuncs()
        os._exit(0)  # the run waits for this end: taking every module apart is of no use to it
    else:
        _serve(where)
