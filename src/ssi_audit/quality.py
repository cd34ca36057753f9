"""Can I trust the input? Counts at every step, in the form a CRM report has them.

Everything here counts; nothing estimates. Groups smaller than `min_group`
are not shown on their own.
"""

from __future__ import annotations

import pandas as pd

from ssi_audit import schema
from ssi_audit.schema import Tables


def rows_by_file(ledger: pd.DataFrame) -> pd.DataFrame:
    """Rows of every file by what became of them; the columns add up to `received`.

    Returns
    -------
    pandas.DataFrame
        ``file, table, received, used, repaired, skipped, unmatched``, one row per file and table.
    """
    wide = ledger.pivot_table(index=["file", "table"], columns="status", values="rows", aggfunc="sum", fill_value=0)
    wide = wide.reindex(columns=list(schema.LEDGER_STATUS), fill_value=0)
    wide.insert(0, "received", wide.sum(axis=1))
    return wide.rename_axis(columns=None).reset_index().astype({"file": str, "table": str})


def rows_left_out(ledger: pd.DataFrame) -> pd.DataFrame:
    """Rows that were not used as they came, by file and reason.

    Returns
    -------
    pandas.DataFrame
        ``file, status, reason, rows, first_row``; `first_row` is where the user can look first.
    """
    odd = ledger[ledger["status"] != "used"]
    grouped = odd.groupby(["file", "status", "reason"], sort=True)
    return grouped.agg(rows=("rows", "sum"), first_row=("first_row", "min")).reset_index()


def funnel(ledger: pd.DataFrame) -> dict[str, int]:
    """Rows from received to used: without duplicates, totals and failed readings; then those of known people."""
    by_status = ledger.groupby("status")["rows"].sum()
    received = int(by_status.sum())
    kept = received - int(by_status.get("skipped", 0))
    return {"received": received, "kept": kept, "used": kept - int(by_status.get("unmatched", 0))}


def people_and_weeks(panel: pd.DataFrame) -> dict[str, int]:
    """Persons and seller-periods, from known to analysed."""
    sides = people_by_side(panel)
    scored = panel[panel["ssi"].notna()]
    return {
        "people_both": sides["both"],
        "people_no_ssi": sides["no_ssi"],
        "people_no_crm": sides["no_crm"],
        "seller_periods": len(panel),
        "analysed": len(scored),
    }


def events_by_month(tables: Tables, panel: pd.DataFrame) -> pd.DataFrame:
    """CRM events per calendar month and kind: the numbers to hold against a report of the CRM.

    Returns
    -------
    pandas.DataFrame
        ``month`` (first day), one column per kind with the events read, and ``analysed`` (those of sellers who are
        in the panel).
    """
    events = tables.crm_events
    month = pd.to_datetime(events["date"]).dt.to_period("M").dt.start_time
    counts = pd.crosstab(month, events["kind"]).reindex(columns=list(schema.KINDS), fill_value=0)
    kept = events["person"].isin(panel["person"].unique())
    counts["analysed"] = kept.groupby(month).sum().reindex(counts.index).astype("int64")
    return counts.rename_axis(index="month", columns=None).reset_index()


def sellers_by_week(panel: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """How many sellers have data in each period, for every table.

    Returns
    -------
    pandas.DataFrame
        ``table, date, n`` for every period of the panel; `table` is ``ssi``, ``activity`` or ``crm_events``.
    """
    periods = pd.DatetimeIndex(sorted(panel["period"].unique()))
    monthly = panel.attrs["facts"]["period"] == "month"
    parts = []
    for name in ("ssi", "activity", "crm_events"):
        frame = getattr(tables, name)
        day = pd.to_datetime(frame["date"])
        start = day.dt.to_period("M").dt.start_time if monthly else day - pd.to_timedelta(day.dt.day_of_week, unit="D")
        n = frame["person"].groupby(start).nunique().reindex(periods, fill_value=0)
        parts.append(pd.DataFrame({"table": name, "date": periods, "n": n.to_numpy("int64")}))
    return pd.concat(parts, ignore_index=True)


def scores_by_week(panel: pd.DataFrame, min_group: int) -> pd.DataFrame:
    """Median and quartiles of every score by period; periods with fewer sellers than `min_group` are left out.

    Returns
    -------
    pandas.DataFrame
        ``exposure, date, middle, low, high, n``.
    """
    parts = []
    for exposure, column in schema.PANEL_EXPOSURE.items():
        by_period = panel.dropna(subset=[column]).groupby("period")[column]
        # One quantile at a time: three at once have no columns for a score that nobody has.
        quartiles = {"middle": 0.5, "low": 0.25, "high": 0.75}
        found = pd.DataFrame({name: by_period.quantile(share) for name, share in quartiles.items()})
        found["n"] = by_period.size()
        found = found[found["n"] >= min_group].rename_axis(index="date").reset_index()
        parts.append(found.assign(exposure=exposure)[["exposure", "date", "middle", "low", "high", "n"]])
    return pd.concat(parts, ignore_index=True)


def people_by_side(panel: pd.DataFrame) -> dict[str, int]:
    """Persons in the analysis, and those left out by the side on which they are missing."""
    return {"both": panel["person"].nunique(), **panel.attrs["facts"]["left_out"]}
