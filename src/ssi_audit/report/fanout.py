"""Run notebooks on an existing dask cluster: hundreds of team pages, the same bytes.

A worker does what this machine would do: it keeps one warm process and forks
a kernel per notebook. Only jobs and finished files travel. Its machine needs
this package at this version, and sees the data and the tables of the run at
the same place.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssi_audit import workspace
from ssi_audit.errors import Problem, SettingsError
from ssi_audit.report import sources

if TYPE_CHECKING:
    from ssi_audit.report.jobs import Job, JobResult
    from ssi_audit.report.kernels import Kernels

CONNECT_SECONDS = 20

_lock = threading.Lock()
_warm: dict[Path, Kernels] = {}


class Cluster:
    """A dask cluster that is running already.

    Parameters
    ----------
    address : str
        ``tcp://host:port`` of its scheduler.

    Raises
    ------
    SettingsError
        The extra is not installed, nobody answers, the cluster is empty, or its workers have another version.
    """

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ImportError as error:
            why = f"--scheduler needs the package {error.name}"
            raise SettingsError(Problem("--scheduler", why, "pip install 'ssi-audit[dask]'")) from error
        try:
            self._client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise SettingsError(
                Problem("--scheduler", f"no answer from {address}", "start one with `dask scheduler`")
            ) from error
        self.workers = sum(self._client.nthreads().values())
        if not self.workers:
            self.close()
            raise SettingsError(Problem("--scheduler", f"{address} has no workers", f"dask worker {address}"))
        others = {theirs for theirs in self._client.run(code_version).values() if theirs != code_version()}
        if others:
            self.close()
            why = "workers run another version of ssi-audit or of a library it computes with"
            raise SettingsError(Problem("--scheduler", why, "install the same version on every machine"))

    def run(self, job: Job, environment: Mapping[str, str], cell_timeout: float) -> JobResult:
        """Run one notebook on a worker and wait for it."""
        # Workers stand elsewhere in the tree: what is relative here is not relative there.
        places = {name: Path(path).resolve() for name, path in job.places.items()}
        sent = dataclasses.replace(job, places=places)
        here = {workspace.PROCESSED_VARIABLE: str(workspace.processed().resolve()), **environment}
        result = self._client.submit(run_here, sent, here, cell_timeout, pure=False).result()
        return dataclasses.replace(result, job=job)

    def close(self) -> None:
        """Let go of the cluster; it goes on."""
        self._client.close()


def run_here(job: Job, environment: Mapping[str, str], cell_timeout: float) -> JobResult:
    """Run a notebook in this process's care: what a worker does."""
    from ssi_audit.report.run import run_one

    return run_one(job, _kernels(job.notebook.parent), environment, cell_timeout)


def code_version() -> str:
    """What decides the bytes of a page: two machines with the same answer make the same page."""
    return sources.fingerprint([sources.source_fingerprint(), sources.library_versions()])


def _kernels(folder: Path) -> Any:
    """The warm process of this worker, for all notebooks of a folder."""
    from ssi_audit.report.run import start_kernels

    with _lock:
        if folder not in _warm or _warm[folder].closed:
            _warm[folder] = start_kernels(sorted(folder.glob("*.ipynb")))
        return _warm[folder]
