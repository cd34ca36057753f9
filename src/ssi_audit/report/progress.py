"""What a terminal shows while a report is made: one line per step, and nothing else.

On a terminal the lines are live; in a file or a CI log each is printed once,
in order. Colours only on a terminal, and not when `NO_COLOR` is set.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TextIO

COLOURS = {"ok": "32", "failed": "1;31", "waiting": "2", "…": "36"}
# A guess about the rest is worth showing once a few notebooks have been timed and the wait is noticeable.
ENOUGH_JOBS = 2
SHORT_WAIT = 5.0
REDRAW_SECONDS = 0.25


@dataclass
class _Line:
    name: str
    n_jobs: int
    n_done: int = 0
    n_failed: int = 0
    n_kept: int = 0
    seconds: float = 0.0
    running: int = 0
    summary: str = ""
    settled: bool = False

    @property
    def complete(self) -> bool:
        return self.n_done == self.n_jobs

    @property
    def state(self) -> str:
        if self.complete:
            return "failed" if self.n_failed else "ok"
        return "…" if self.running or self.n_done else "waiting"


class Progress:
    """Lines of a run.

    Parameters
    ----------
    steps : sequence of (str, int)
        Name of each step and number of its notebooks.
    stream : file, optional
        Where to write; default: standard output. None writes nothing.
    live : bool, optional
        Draw again and again; default: when the stream is a terminal.
    workers : int
        Notebooks that run at a time, for the time that is left.
    clock : callable
        Seconds.
    """

    def __init__(
        self,
        steps: Sequence[tuple[str, int]],
        stream: TextIO | None = sys.stdout,
        live: bool | None = None,
        workers: int = 2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lines = [_Line(name, n_jobs) for name, n_jobs in steps]
        self._stream = stream
        self._live = is_live(stream) if live is None else live
        self._colour = self._live and not os.environ.get("NO_COLOR")
        self._workers = workers
        self._clock = clock
        self._drawn = 0
        self._printed = 0
        self._last = -REDRAW_SECONDS

    def start(self, step: int) -> None:
        """A notebook of a step begins."""
        self._lines[step].running += 1
        self._draw()

    def done(self, step: int, *, seconds: float, kept: bool = False, failed: bool = False) -> None:
        """A notebook of a step ended, or was kept from an earlier run."""
        line = self._lines[step]
        line.running -= not kept
        line.n_done += 1
        line.n_failed += failed
        line.n_kept += kept
        line.seconds += 0.0 if kept else seconds
        self._draw()

    def settle(self, step: int, summary: str = "") -> None:
        """Put a few words behind the line of a complete step; nothing more will change on it."""
        self._lines[step].summary = summary
        self._lines[step].settled = True
        self._draw()

    def tick(self) -> None:
        """Draw again when the last time is a while ago."""
        if self._clock() - self._last >= REDRAW_SECONDS:
            self._draw()

    def close(self) -> None:
        """Leave the finished lines on the screen."""
        self._draw(final=True)
        self._drawn = 0

    def _draw(self, final: bool = False) -> None:
        if self._stream is None:
            return
        self._last = self._clock()
        if self._live:
            left = [] if final else self._time_left()
            columns = None if final else shutil.get_terminal_size().columns - 1
            lines = [self._text(number, columns) for number in range(len(self._lines))] + left
            up = f"\x1b[{self._drawn}A" if self._drawn else ""
            self._write(up + "".join(f"\x1b[2K{line}\n" for line in lines) + "\x1b[J")
            self._drawn = len(lines)
            return
        while self._printed < len(self._lines) and (final or self._lines[self._printed].settled):
            self._write(self._text(self._printed) + "\n")
            self._printed += 1

    def _text(self, step: int, columns: int | None = None) -> str:
        """The line of a step, cut to so many columns: a line that wraps could not be drawn over."""
        line = self._lines[step]
        width = max(len(other.name) for other in self._lines)
        many = max(len(f"{other.n_jobs} of {other.n_jobs}") for other in self._lines)
        count = f"{line.n_done - line.n_failed} of {line.n_jobs}" if line.n_jobs > 1 else ""
        total = len(self._lines)
        number = f"{step + 1:>{len(str(total))}}/{total}"
        spent = "kept" if line.n_kept == line.n_jobs else duration(line.seconds) if line.n_done else ""
        begin = f"  {number} {line.name:<{width}} {count:>{many}} "
        end = f" {spent:>6}   {line.summary}".rstrip()
        if columns is not None:
            end = end[: max(0, columns - len(begin) - len(line.state))]
        return begin + self._coloured(line.state, f"{line.state:<2}" if end else line.state) + end

    def _time_left(self) -> list[str]:
        fresh = sum(line.n_done - line.n_kept for line in self._lines)
        waiting = sum(line.n_jobs - line.n_done for line in self._lines)
        if fresh < ENOUGH_JOBS or not waiting:
            return []
        left = waiting * sum(line.seconds for line in self._lines) / fresh / self._workers
        return [f"  about {duration(left)} left"] if left >= SHORT_WAIT else []

    def _coloured(self, state: str, text: str) -> str:
        return f"\x1b[{COLOURS[state]}m{text}\x1b[0m" if self._colour else text

    def _write(self, text: str) -> None:
        write_line(self._stream, text)


def is_live(stream: TextIO | None) -> bool:
    """Whether lines can be drawn again."""
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def write_line(stream: TextIO, text: str) -> None:
    """Write text even where the terminal lacks some of its letters."""
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()


def duration(seconds: float) -> str:
    """Seconds as a reader says them: 0.4 s, 31 s, 2 min 5 s."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole} s" if whole < 100 else f"{whole // 60} min {whole % 60} s"
