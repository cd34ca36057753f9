"""Run one notebook through papermill, on a kernel of ours, and say plainly what went wrong.

papermill injects the parameters and drives the cells; the engine registered
here gives it a kernel from `kernels` over a private socket. What comes back is
the executed notebook without clocks, random ids and addresses in memory, so
that the same input gives the same bytes.
"""

from __future__ import annotations

import itertools
import logging
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
import papermill
import zmq
import zmq.asyncio
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.v4 import new_output
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError

from ssi_audit.report.kernels import COMMAND, ForkedKernel, Kernels, WarmStopped
from ssi_audit.report.locks import MAKING

ENGINE = "ssi-audit"
# Starting a kernel takes a second or two; a machine that swaps may need a minute.
START_TIMEOUT = 120
# Everything about a cell has been sent when its reply comes; only a very busy machine is late with it.
OUTPUT_TIMEOUT = 120
# A socket's address may have 107 bytes on Linux, 103 on macOS.
LONGEST_FOLDER = 90
# We connect before the kernel listens. ZeroMQ would try again after a tenth to a fifth of a second, each socket on its
# own: what is published in between would be lost.
RECONNECT_MILLISECONDS = 5
# Seconds after which a kernel that is starting is asked again: without a reply, and without the news behind it.
ANSWER_TIMEOUT, NEWS_TIMEOUT = 1.0, 0.05
INJECTED = "injected-parameters"
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")

# jupyter_client logs a traceback before it raises; what a user sees is decided by who catches.
LOG = logging.getLogger("ssi_audit.notebooks")
LOG.addHandler(logging.NullHandler())
LOG.propagate = False

_numbers = itertools.count(1)


class NotebookFailed(Exception):
    """A notebook did not run to its end.

    Attributes
    ----------
    step : str
        Last heading before the cell that failed.
    reason : str
        One line.
    notebook : nbformat.NotebookNode
        As far as it was executed.
    """

    def __init__(self, step: str, reason: str, notebook: nbformat.NotebookNode) -> None:
        super().__init__(f"{step}: {reason}" if step else reason)
        self.step = step
        self.reason = reason
        self.notebook = notebook


class NotReady(DeadKernelError):
    """A kernel did not come up."""


@dataclass
class _Progress:
    """Where a run has got to: papermill does not say when it raises."""

    source: nbformat.NotebookNode
    environment: Mapping[str, str]
    fresh: bool = False
    notebook: nbformat.NotebookNode | None = None
    cell: int = 0
    process: Any = None


def execute(
    notebook: Path,
    parameters: Mapping[str, object],
    kernels: Kernels,
    *,
    environment: Mapping[str, str] | None = None,
    cell_timeout: float = 1800,
) -> nbformat.NotebookNode:
    """Run a notebook and return it executed, tidied by `tidy`.

    Parameters
    ----------
    notebook : Path
        The source; never written to.
    parameters : mapping
        Checked by the caller (`jobs.check_parameters`): papermill only warns.
    kernels : Kernels
        Where its kernel comes from.
    environment : mapping, optional
        Variables for this kernel alone.
    cell_timeout : float
        Seconds after which a cell counts as stuck.

    Raises
    ------
    NotebookFailed
        An exception in a cell, a cell that is stuck, a kernel that died.
    """
    progress = _Progress(nbformat.read(notebook, as_version=4), environment or {})
    try:
        try:
            executed = _run(progress, parameters, kernels, cell_timeout)
        except NotReady:
            # A forked kernel that cannot even start says nothing about the notebook: once more with a fresh one.
            if kernels.closed or not isinstance(progress.process, ForkedKernel):
                raise
            progress.fresh = True
            executed = _run(progress, parameters, kernels, cell_timeout)
    except PapermillExecutionError as error:
        raise _failed(progress, _what_was_raised(error)) from error
    except CellTimeoutError as error:
        raise _failed(progress, f"no answer after {cell_timeout:g} seconds") from error
    except (DeadKernelError, RuntimeError) as error:
        raise _failed(progress, _how_it_ended(progress.process) or _first_line(str(error))) from error
    return tidy(executed)


def _run(
    progress: _Progress, parameters: Mapping[str, object], kernels: Kernels, cell_timeout: float
) -> nbformat.NotebookNode:
    return papermill.execute_notebook(
        progress.source,
        None,
        parameters=dict(parameters),
        engine_name=ENGINE,
        kernel_name="python3",
        language="python",
        progress_bar=False,
        request_save_on_cell_execute=False,
        execution_timeout=cell_timeout,
        kernels=kernels,
        progress=progress,
    )


def tidy(notebook: nbformat.NotebookNode, failed: bool = False) -> nbformat.NotebookNode:
    """Take out of an executed notebook what differs from run to run.

    Times, papermill's notes and markers, the id of the injected cell, addresses in memory, and, where the
    notebook ran to its end, what libraries wrote to standard error.
    """
    notebook.metadata.pop("papermill", None)
    notebook.metadata.pop("widgets", None)
    notebook.cells = [c for c in notebook.cells if "papermill-error-cell-tag" not in c.metadata.get("tags", [])]
    for number, cell in enumerate(notebook.cells):
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        cell.pop("id", None)
        cell["id"] = INJECTED if INJECTED in cell.metadata.get("tags", []) else f"cell-{number:02d}"
        if cell.cell_type != "code":
            continue
        if not failed:
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        for output in cell.outputs:
            text = output.get("data", {}).get("text/plain")
            if text is not None:
                output.data["text/plain"] = ADDRESS.sub("at 0x…", text)
    return notebook


class _Provisioner(LocalProvisioner):
    """Takes the kernel from the warm process, or starts a fresh one where there is none."""

    kernels: Kernels
    progress: _Progress

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict:
        environment = self.progress.environment
        try:
            if self.progress.fresh:
                raise WarmStopped
            self.process = self.kernels.fork(self.parent.connection_file, environment)
        except WarmStopped:
            if self.kernels.closed:
                raise DeadKernelError("the run was stopped") from None
            kwargs |= {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            kwargs["env"] = {**kwargs["env"], **self.kernels.environment, **environment}
            connection = await super().launch_kernel(cmd, **kwargs)
        else:
            self.pid = self.pgid = self.process.pid  # it leads a session of its own
            connection = self.connection_info
        self.progress.process = self.process
        return connection


class _Client(AsyncKernelClient):
    """Knows that a kernel is ready from what it publishes, where the parent class waits for silence."""

    def _context_default(self) -> zmq.asyncio.Context:
        context = super()._context_default()
        context.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MILLISECONDS)
        return context

    async def _async_wait_for_ready(self, timeout: float | None = None) -> None:
        deadline = time.monotonic() + (timeout or START_TIMEOUT)
        while True:
            if await self._answered(self.kernel_info()):
                return
            if not await self._async_is_alive():
                raise NotReady("its kernel ended before the first cell")
            if time.monotonic() > deadline:
                raise NotReady(f"its kernel was not ready after {timeout:g} seconds")

    async def _answered(self, asked: str) -> bool:
        """Whether the reply to a message came, and with it the end of what was published about it."""
        try:
            reply = await _find(self.shell_channel, ANSWER_TIMEOUT, lambda message: _is_about(message, asked))
            self._handle_kernel_info_reply(reply)
            # Published before we were connected to where it publishes: lost, so it is soon asked again.
            await _find(
                self.iopub_channel,
                NEWS_TIMEOUT,
                lambda news: _is_about(news, asked) and news["content"].get("execution_state") == "idle",
            )
        except Empty:
            return False
        return True

    wait_for_ready = _async_wait_for_ready


async def _find(channel: Any, seconds: float, wanted: Callable[[dict], bool]) -> dict:
    """The first message that is wanted; those before it are of no use any more."""
    deadline = time.monotonic() + seconds
    while True:
        message = await channel.get_msg(timeout=max(0.0, deadline - time.monotonic()))
        if wanted(message):
            return message


def _is_about(message: dict, asked: str) -> bool:
    return message["parent_header"].get("msg_id") == asked


class _Manager(AsyncKernelManager):
    """A kernel of ours: neither looked up among the user's kernel specs nor reachable over a network."""

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            argv=[*COMMAND, "kernel", "{connection_file}"],
            display_name="ssi-audit",
            language="python",
            metadata={"supported_encryption": ["curve"]},
        )

    def client(self, **given: Any) -> Any:
        """A client of this kernel."""
        with MAKING:
            return super().client(**given)

    async def _async_wait(self, pollinterval: float = 0.1) -> None:
        # A tenth of a second per kernel would be seconds per report.
        await super()._async_wait(pollinterval=min(pollinterval, 0.005))


class Engine(NBClientEngine):
    """papermill's engine with kernels from `Kernels`."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man, kernel_name, *, kernels: Kernels, progress: _Progress, execution_timeout: float, **_: Any
    ) -> None:
        """Run the cells; see `papermill.engines.Engine`."""
        progress.notebook = nb_man.nb
        with MAKING:
            manager = _manager(kernels, progress)
            client = PapermillNotebookClient(
                nb_man,
                km=manager,
                kernel_name=manager.kernel_name,
                log=LOG,
                timeout=execution_timeout,
                startup_timeout=START_TIMEOUT,
                iopub_timeout=OUTPUT_TIMEOUT,
                record_timing=False,
                store_widget_state=False,
                on_cell_start=lambda cell, cell_index: setattr(progress, "cell", cell_index),
                on_cell_error=lambda cell, cell_index, execute_reply: _add_missing_error(
                    cell, execute_reply["content"]
                ),
            )
        client.owns_km = True  # ends the kernel, whatever happened
        client.shutdown_kernel = "immediate"
        client.execute()


papermill_engines.register(ENGINE, Engine)


def _manager(kernels: Kernels, progress: _Progress) -> _Manager:
    number = next(_numbers)
    # Sockets in the private folder instead of ports that anybody on the machine can reach. Windows has none, and
    # their path has a limit: then ports, encrypted.
    place = (
        {"transport": "ipc", "ip": str(kernels.folder / f"k{number}")}
        if sys.platform != "win32" and len(str(kernels.folder)) < LONGEST_FOLDER
        else {"transport": "tcp", "transport_encryption": "auto"}
    )
    manager = _Manager(
        connection_file=str(kernels.folder / f"k{number}.json"),
        client_factory=_Client,
        log=LOG,
        shutdown_wait_time=5.0,
        **place,
    )
    provisioner = _Provisioner(kernel_id=f"k{number}", kernel_spec=manager.kernel_spec, parent=manager)
    provisioner.kernels = kernels
    provisioner.progress = progress
    manager.provisioner = provisioner
    return manager


def _failed(progress: _Progress, reason: str) -> NotebookFailed:
    notebook = progress.notebook or progress.source
    return NotebookFailed(step_name(notebook.cells, progress.cell), reason, tidy(notebook, failed=True))


def _add_missing_error(cell: nbformat.NotebookNode, reply: Mapping[str, Any]) -> None:
    """Put the exception that a kernel answered with where papermill looks for it: among the outputs of the cell.

    It is published there too, but on a way of its own that can fail: IPython could not write the traceback (little
    memory, a group of exceptions, a source that changed under it), or it came too late on a very busy machine.
    """
    if all(output.output_type != "error" for output in cell.outputs):
        said = {name: reply.get(name, nothing) for name, nothing in (("ename", ""), ("evalue", ""), ("traceback", []))}
        cell.outputs.append(new_output("error", **said))


def _what_was_raised(error: PapermillExecutionError) -> str:
    if error.evalue.strip():
        return f"{error.ename}: {_first_line(error.evalue)}"
    fix = "close other programs, or use --workers 1" if error.ename == "MemoryError" else "see its executed notebook"
    return f"{error.ename} without a message in cell [{error.exec_count}]; {fix}"


def step_name(cells: list, index: int) -> str:
    """Last Markdown heading before a cell: the name of the step it belongs to."""
    for cell in reversed(cells[: index + 1]):
        headings = re.findall(r"(?m)^#{1,6}[ \t]+(.+?)[ \t]*#*$", cell.source) if cell.cell_type == "markdown" else []
        if headings:
            return headings[-1]
    return ""


def _how_it_ended(process: ForkedKernel | Any) -> str:
    status = process.poll() if process is not None else None
    if status is None:
        return ""
    if status < 0:
        return f"its kernel was ended by signal {-status}" + (" (too little memory?)" if status == -9 else "")
    return f"its kernel ended by itself (status {status})"


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0][:300] if lines else "no message"
