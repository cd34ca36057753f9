"""What was read, in numbers: the facts that `ssi-audit check` prints.

Counts at every step (received, used, repaired, skipped, unmatched) with the
reasons, because the first question of whoever knows the CRM is what was left
out (ux.md section 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ssi_audit.exports import Reading
from ssi_audit.schema import LEDGER_STATUS


@dataclass(frozen=True)
class Summary:
    """Facts of one reading.

    Attributes
    ----------
    files : pandas.DataFrame
        ``file, kind, received, used, repaired, skipped, unmatched``: rows, one line a file.
    reasons : pandas.DataFrame
        ``file, status, reason, rows``: why rows were repaired, skipped or not matched.
    strangers : pandas.DataFrame
        ``received, reason, rows``: names that belong to nobody known.
    people : pandas.DataFrame
        ``person, name, readings, ssi_weeks, first_day, last_day, activity_days, events``.
    totals : dict of str to int
        ``received, used, repaired, skipped, unmatched`` over all files.
    notes : tuple of str
    """

    files: pd.DataFrame
    reasons: pd.DataFrame
    strangers: pd.DataFrame
    people: pd.DataFrame
    totals: dict[str, int]
    notes: tuple[str, ...]


def summarise(reading: Reading) -> Summary:
    """Count what was read.

    Parameters
    ----------
    reading : Reading
        As `exports.read_folder` returns it.
    """
    ledger = reading.tables.ledger
    files = ledger.pivot_table(index="file", columns="status", values="rows", aggfunc="sum", fill_value=0)
    files = files.reindex(columns=list(LEDGER_STATUS), fill_value=0).astype("int64")
    files.columns.name = None
    files.insert(0, "received", files.sum(axis=1))
    files.insert(0, "kind", [reading.kinds.get(name, "not an export") for name in files.index])
    noted = ledger[ledger["status"] != "used"]
    reasons = noted.groupby(["file", "status", "reason"], as_index=False)["rows"].sum()
    lost = ledger[ledger["status"] == "unmatched"]
    strangers = lost.groupby(["detail", "reason"], as_index=False)["rows"].sum().rename(columns={"detail": "received"})
    totals = {column: int(files[column].sum()) for column in ("received", *LEDGER_STATUS)}
    return Summary(files.reset_index(), reasons, strangers, _people(reading), totals, reading.tables.notes)


def _people(reading: Reading) -> pd.DataFrame:
    tables = reading.tables
    people = tables.people[["person", "name"]].set_index("person")
    ssi = tables.ssi.assign(week=tables.ssi["date"].dt.to_period("W"))
    by_person = ssi.groupby("person")
    people["readings"] = by_person.size()
    people["ssi_weeks"] = by_person["week"].nunique()
    people["first_day"] = by_person["date"].min()
    people["last_day"] = by_person["date"].max()
    people["activity_days"] = tables.activity.groupby("person")["date"].nunique()
    people["events"] = tables.crm_events.groupby("person").size()
    counts = ["readings", "ssi_weeks", "activity_days", "events"]
    people[counts] = people[counts].fillna(0).astype("int64")
    return people.reset_index()
