"""Run the command line in a process that may take so much memory and time, and say what it took."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

# What the issue allows: neither a hang nor more than 2 GB. The limit is on addresses, of which a program takes more
# than it fills.
MEMORY = 2 * 1024**3
CPU_SECONDS = 60
# Several test processes share two cores.
WALL_SECONDS = 240


@dataclass(frozen=True)
class Ended:
    """How a process ended: exit code (minus the signal), what it said, processor seconds, most memory in MiB."""

    code: int
    out: str
    err: str
    seconds: float
    mib: float


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def run(*arguments: str, folder: Path | None = None) -> Ended:
    """Run ``ssi-audit ARGUMENTS`` with limits on memory and time."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "ssi_audit.cli", *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            cwd=folder, preexec_fn=_limit,
        )  # fmt: skip
        deadline = time.monotonic() + WALL_SECONDS
        while True:
            ended, status, used = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            if time.monotonic() > deadline:
                process.kill()
            time.sleep(0.02)
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
        return Ended(process.returncode, *texts, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
