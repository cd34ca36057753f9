"""Tables typed in by hand, for tests that need to know every row."""

from __future__ import annotations

import pandas as pd

from ssi_audit import schema

MONDAY = pd.Timestamp("2025-01-06")


def day(week: int, weekday: int = 0) -> pd.Timestamp:
    """Return a day of week 0, 1, … counted from Monday 2025-01-06."""
    return MONDAY + pd.Timedelta(days=7 * week + weekday)


def tables(ssi=(), activity=(), crm=(), people=(), quotas=(), absences=()) -> schema.Tables:
    """Build `Tables` from rows as dicts; every column that is not named is missing."""

    def frame(rows, columns, dates):
        made = pd.DataFrame(list(rows), columns=list(columns))
        for column in dates:
            made[column] = pd.to_datetime(made[column])
        return made

    rows = list(people)
    if not rows:
        names = sorted({row["person"] for row in [*ssi, *activity, *crm]})
        rows = [{"person": name} for name in names]
    people_frame = frame(
        rows,
        ("person", "name", "email", "team", "territory", "hired_on", "left_on", "licence_start"),
        ("hired_on", "left_on", "licence_start"),
    )
    crm_frame = frame(crm, schema.CRM_COLUMNS, ("date", "started"))
    for column in ("source", "deal", "currency"):
        crm_frame[column] = crm_frame[column].astype("str")
    crm_frame["amount"] = crm_frame["amount"].astype("float64")
    ssi_frame = frame(ssi, schema.SSI_COLUMNS, ("date",))
    ssi_frame[[*schema.PILLARS, "total"]] = ssi_frame[[*schema.PILLARS, "total"]].astype("float64")
    activity_frame = frame(activity, schema.ACTIVITY_COLUMNS, ("date", "first_day"))
    activity_frame["count"] = activity_frame["count"].astype("float64")
    quota_frame = frame(quotas, schema.QUOTA_COLUMNS, ("period_start", "period_end"))
    quota_frame["currency"] = quota_frame["currency"].astype("str")
    quota_frame["quota"] = quota_frame["quota"].astype("float64")
    return schema.Tables(
        ssi=ssi_frame,
        activity=activity_frame,
        crm_events=crm_frame,
        people=people_frame,
        quotas=quota_frame,
        absences=frame(absences, schema.ABSENCE_COLUMNS, ("first_day", "last_day")),
        ledger=pd.DataFrame(columns=list(schema.LEDGER_COLUMNS)),
    )


def reading(person: str, when: pd.Timestamp, total: float, **pillars: float) -> dict:
    """Return one SSI row."""
    return {"person": person, "date": when, "total": total, **pillars}


def event(person: str, when: pd.Timestamp, kind: str, **more) -> dict:
    """Return one CRM row."""
    return {"person": person, "date": when, "kind": kind, **more}
