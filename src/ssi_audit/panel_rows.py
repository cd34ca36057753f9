"""Rows of the SQL as rows of the panel: in order, and each with what it looks back on.

The SQL counts what happened to a person in a period. What a period looks back on is found here, for every engine
alike: the last reading before it, the reading at the end of the lead, and the activity of the window. On rows in
order that is one search and one running sum; as joins and windows of a database it took nearly as much time as all
the counting (docs/bench.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ssi_audit import schema
from ssi_audit.errors import DataError, Problem
from ssi_audit.panel_sql import APART, count_name

if TYPE_CHECKING:
    from ssi_audit.panel import Plan
    from ssi_audit.panel_sql import Known

# The day of the end of a lead beyond the calendar: no reading is near it.
NEVER = -(10**6)
SCORES = ("ssi", *schema.PILLARS)
TEXTS = ("person", "team", "territory")


def panel_rows(counted: pa.Table, readings: pa.Table, plan: Plan, names: pa.Array) -> pa.Table:
    """All of the panel but names and regimes: one row per person and period with somebody on duty, in order.

    Parameters
    ----------
    counted : pa.Table
        What `panel_sql` gives: every person in every period from a window before the first one on, in any order.
    readings : pa.Table
        What `READINGS_SQL` gives, in any order.
    plan : Plan
    names : pa.Array
        Names of the persons by number, for messages.

    Returns
    -------
    pa.Table
        Columns as `build_panel`; ``person`` is a number, ``period`` and ``regime`` are not there yet.

    Raises
    ------
    DataError
        When a person has two readings on one day.
    """
    order, line = _in_order(counted["person"], counted["p"])
    person, p = np.divmod(line, APART)
    shown = (p >= plan.known.first_p) & (counted["on_duty"].to_numpy() > 0)[order]
    activity = _activity(counted, order, p, plan.known)
    rows, person, p = counted.take(pa.array(order[shown])), person[shown], p[shown]

    order, line = _in_order(readings["person"], readings["day"])
    twice = np.flatnonzero(line[1:] == line[:-1])
    if len(twice):
        who = names[int(line[twice[0]] // APART)]
        raise DataError(Problem("ssi.parquet", f"{who} has two readings on one day", "keep the later one"))
    # A reading of nobody stands first, for rows without one.
    line, scores = np.append(-APART, line), {k: np.append(np.nan, readings[k].to_numpy()[order]) for k in SCORES}
    exposure = _last_before(line, person * APART + plan.start_days[p] - 1, plan.known.stale)
    lead = _last_before(line, person * APART + plan.lead_ends[p], plan.known.stale)

    found = {
        **{name: score[exposure] for name, score in scores.items()},
        **{f"lead_{name}": score[lead] for name, score in scores.items()},
        **{name: values[shown] for name, values in activity.items()},
    }
    used = {"person", "p", "first_logged", *map(count_name, plan.known.types)}
    columns = {
        "person": rows["person"],
        "p": rows["p"],
        **{name: pa.array(values, from_pandas=True) for name, values in found.items()},  # NaN is missing
        **{name: rows[name] for name in rows.column_names if name not in used},
        "quota_hit": pc.cast(pc.greater_equal(rows["quota_revenue"], rows["quota"]), pa.float64()),
    }
    return pa.table(columns)


def named(rows: pa.Table, plan: Plan, names: pa.Array) -> pa.Table:
    """Rows of `panel_rows` with names, dates and the types of the file; the regime, which everybody decides, is 0."""
    period = np.array([np.datetime64(start, "us") for start in plan.starts.values()])
    columns = {
        "person": names.take(rows["person"]),
        "period": pa.array(period[rows["p"].to_numpy()]),
        **{name: rows[name] for name in rows.column_names if name != "person"},
        "regime": pa.array(np.zeros(len(rows), dtype="int64")),
    }
    return pa.table(columns).cast(panel_schema(list(columns)))


def panel_schema(columns: list[str]) -> pa.Schema:
    """Types of the columns of a panel in a file."""
    kinds = {"period": pa.timestamp("us"), "p": pa.int64(), "regime": pa.int64(), **dict.fromkeys(TEXTS, pa.string())}
    return pa.schema([(name, kinds.get(name, pa.float64())) for name in columns])


def _in_order(person: pa.ChunkedArray, day: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Order of rows by person and day, and their places on the line, in order."""
    line = person.to_numpy().astype("int64") * APART + day.to_numpy()
    order = np.argsort(line, kind="stable")
    return order, line[order]


def _last_before(line: np.ndarray, wanted: np.ndarray, stale: int) -> np.ndarray:
    """Where on the line each wanted day's last reading is; 0, which is nobody's, where it is too old or another's."""
    at = np.searchsorted(line, wanted, side="right") - 1
    return np.where(wanted - line[at] <= stale, at, 0)


def _activity(counted: pa.Table, order: np.ndarray, p: np.ndarray, known: Known) -> dict[str, np.ndarray]:
    """Count in the period and over the window before it, where this person's log reaches over the whole stretch."""
    first, window = counted["first_logged"].to_numpy().astype("float64")[order], known.window
    shape = (-1, known.last_p - max(known.first_p - window, 0) + 1)  # every person has all periods
    columns = {}
    for kind in schema.ACTIVITY_TYPES:
        now = before = np.full(len(p), np.nan)
        if kind in known.types:
            count = pc.fill_null(counted[count_name(kind)], 0).to_numpy()[order].reshape(shape)
            running = np.zeros((len(count), window + count.shape[1]), "int64")  # all that lies before a period
            np.cumsum(count[:, :-1], axis=1, out=running[:, window + 1 :])
            past = running[:, window:] - running[:, : count.shape[1]]
            now = np.where((first <= p) & (p <= known.last_logged), count.ravel() / 1e6, np.nan)
            before = np.where((first <= p - window) & (p - 1 <= known.last_logged), past.ravel() / 1e6, np.nan)
        columns |= {f"act_{kind}": now, f"A_{kind}": before}
    return columns
