"""One table, many questions, all cores: fork, so that nobody copies the table.

The table reaches the workers through the fork itself; only the questions and
the answers travel. Where there is no fork (Windows), or little to do, the
same calls run one after the other and give the same answers.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable
from typing import Any

# Below this many rows the work is done before the workers are up.
MIN_ROWS = 500

_shared: tuple[Callable[..., Any], Any, tuple[Any, ...]] | None = None


def n_workers() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def starmap(
    function: Callable[..., Any],
    table: Any,
    questions: Iterable[tuple[Any, ...]],
    *rest: Any,
    min_rows: int = MIN_ROWS,
) -> list[Any]:
    """Call ``function(table, *question, *rest)`` for every question and return the answers in order.

    `min_rows` is lower where one question is a lot of work on few rows.
    """
    global _shared
    questions = list(questions)
    workers = min(n_workers(), len(questions))
    forks = "fork" in multiprocessing.get_all_start_methods() and not multiprocessing.current_process().daemon
    if workers < 2 or len(table) < min_rows or not forks:
        return [function(table, *question, *rest) for question in questions]
    _shared = (function, table, rest)
    gc.freeze()  # a worker that looks for garbage would copy every page it looks at
    try:
        with multiprocessing.get_context("fork").Pool(workers, _ignore_interrupts) as pool:
            return pool.map(_answer, questions, chunksize=1)
    finally:
        _shared = None
        gc.unfreeze()


def _ignore_interrupts() -> None:
    """Ctrl-C reaches every process of a terminal; the one that asks ends its workers, and they say nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _answer(question: tuple[Any, ...]) -> Any:
    function, table, rest = _shared
    return function(table, *question, *rest)
