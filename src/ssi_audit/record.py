"""Append one reading to a history: atomically, once a day per person, never a failed reading.

The history is a plain ``ssi*.csv``; what is in it already is kept byte for byte.
"""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import io
import math
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ssi_audit import schema
from ssi_audit.errors import DataError, Problem
from ssi_audit.writing import PRIVATE, write_whole

COLUMNS = schema.SSI_COLUMNS
VALUES = (*schema.PILLARS, "total", "industry_rank", "network_rank")
# LinkedIn shows the rounded sum of the pillars (formats.md section 1, rule 3).
TOTAL_TOLERANCE = 1.0
# Seconds for a reading beside this one; a file system that cannot lock refuses for ever.
LONGEST_WAIT = 10.0


def record(history: Path, person: str, day: dt.date, values: dict[str, float | None]) -> bool:
    """Append one reading.

    Parameters
    ----------
    history : Path
        CSV in the plain format; made when it is not there.
    person : str
    day : date
        Not later than tomorrow (somewhere it is that day already).
    values : dict
        Any of `VALUES`; missing ones stay empty.

    Returns
    -------
    bool
        False when the same reading of that day is there already.

    Raises
    ------
    DataError
        For a failed or impossible reading, another reading of the same person and day, or a file of another
        format. Nothing is written then.
    """
    _check_whose(person, day, history)
    _check(values, history)
    row = {"person": person.strip(), "date": day.isoformat()}
    row |= {name: _text(values.get(name)) for name in VALUES}
    history = history.resolve()  # a link to a history elsewhere stays a link
    with _one_at_a_time(history.parent):
        return _add(history, row)


def _add(history: Path, row: dict[str, str]) -> bool:
    before, header = _existing(history)
    for line, old in enumerate(before, start=2):
        if (old.get("person", "").strip(), old.get("date", "")[:10]) != (row["person"], row["date"]):
            continue
        if all(_same(old.get(name, ""), row[name]) for name in VALUES if name in header):
            return False
        raise DataError(
            Problem(
                history.name,
                f"row {line} already holds another reading of {row['person']} on {row['date']}",
                "one reading a day counts: change that row, or record another day",
            )
        )
    missing = [name for name in COLUMNS if name not in header and row.get(name)]
    if missing:
        raise DataError(
            Problem(history.name, f"the file has no column {', '.join(missing)}", "record into a new file with --to")
        )
    _append(history, header, row)
    return True


def read_reading(file: Path) -> dict[str, float]:
    """Read the values of one saved page or JSON answer.

    Raises
    ------
    DataError
        If the file holds no reading, or several.
    """
    import shutil

    from ssi_audit.exports import read_exports
    from ssi_audit.settings import Settings

    if not file.is_file():
        raise DataError(Problem(str(file), "no such file", "name a saved page or a copied JSON answer"))
    # The reader wants to know whose it is and of which day; both are given by the caller, so a stand-in will do.
    with tempfile.TemporaryDirectory() as folder:
        stand_in = Path(folder) / f"reading_2000-01-03{file.suffix}"
        shutil.copyfile(file, stand_in)
        tables = read_exports(folder, Settings(persons={stand_in.name: "reading"}))
    if len(tables.ssi) != 1:
        raise DataError(
            Problem(file.name, f"{len(tables.ssi)} readings found, expected one", "save the SSI page or its answer")
        )
    found = tables.ssi.iloc[0]
    return {name: float(found[name]) for name in VALUES if not math.isnan(found[name])}


def _check_whose(person: str, day: dt.date, history: Path) -> None:
    """Refuse a reading of nobody, or of a day that has not come: a later run could not tell it from a good one."""
    problems = []
    if not person.strip() or not person.isprintable():
        problems.append(
            Problem(history.name, f"--person {person!r} is no name", "name the person as people.csv does, on one line")
        )
    if day > dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=1):
        problems.append(
            Problem(history.name, f"{day} has not come yet", "give the day on which LinkedIn showed the score")
        )
    if problems:
        raise DataError(problems)


def _check(values: dict[str, float | None], history: Path) -> None:
    known = {name: value for name, value in values.items() if value is not None}
    problems = []
    for name, value in known.items():
        low, high = schema.EXPOSURE_RANGE.get(name, (0.0, 100.0))
        if not (math.isfinite(value) and low <= value <= high):
            problems.append(
                Problem(
                    history.name, f'"{name}" = {value:g}: expected {low:g} to {high:g}', "is the decimal sign wrong?"
                )
            )
    scores = [known[name] for name in (*schema.PILLARS, "total") if name in known]
    if not scores:
        problems.append(Problem(history.name, "a reading needs at least one score", "give --total or the four pillars"))
    elif not any(scores):
        problems.append(Problem(history.name, "all scores are 0: this is a failed reading, not a score", "try again"))
    pillars = [known.get(name) for name in schema.PILLARS]
    if "total" in known and None not in pillars and abs(sum(pillars) - known["total"]) > TOTAL_TOLERANCE:
        problems.append(
            Problem(
                history.name,
                f"the pillars add up to {sum(pillars):g}, the total is {known['total']:g}",
                "check the numbers; they may differ by rounding only",
            )
        )
    if problems:
        raise DataError(problems)


def _existing(history: Path) -> tuple[list[dict[str, str]], list[str]]:
    if not history.exists():
        return [], list(COLUMNS)
    try:
        text = history.read_bytes().decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), restval="", strict=True)
        header = list(reader.fieldnames or [])
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:  # a quote that never ends would swallow the new row
        why = "is not UTF-8" if isinstance(error, UnicodeDecodeError) else f"is no CSV that can be continued: {error}"
        raise DataError(
            Problem(history.name, why, "save it as CSV (UTF-8), or record into a new file with --to")
        ) from error
    if not {"person", "date"} <= set(header):
        raise DataError(
            Problem(
                history.name,
                f"not a history in the plain format. Found: {', '.join(header) or 'an empty file'}",
                f"expected a header with {', '.join(COLUMNS)}",
            )
        )
    return rows, header


@contextlib.contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Hold a folder, so that of two readings at the same minute the later does not write over the earlier.

    The folder itself is locked, where the system can do that (not on Windows): no file is left in it.
    """
    from ssi_audit.report.locks import try_lock

    folder.mkdir(parents=True, exist_ok=True)
    try:
        held = os.open(folder, os.O_RDONLY)
    except OSError:
        yield
        return
    try:
        until = time.monotonic() + LONGEST_WAIT
        while not try_lock(held) and time.monotonic() < until:
            time.sleep(0.02)
        yield
    finally:
        os.close(held)


def _append(history: Path, header: list[str], row: dict[str, str]) -> None:
    """Write the old bytes and one line more; a new history is for its owner only."""
    line = io.StringIO()
    old = history.read_bytes() if history.exists() else (",".join(header) + "\n").encode()
    end = "\r\n" if b"\r\n" in old else "\n"  # as the program that made it ends its lines
    csv.DictWriter(line, header, extrasaction="ignore", lineterminator=end).writerow(row)
    if old and not old.endswith(b"\n"):
        old += end.encode()
    mode = history.stat().st_mode & 0o777 if history.exists() else PRIVATE
    write_whole(history, old + line.getvalue().encode(), mode=mode, durable=True)


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"


def _same(old: str, new: str) -> bool:
    if not old.strip() or not new:
        return not old.strip() and not new
    try:
        return math.isclose(float(old), float(new), abs_tol=1e-6)
    except ValueError:
        return False
