"""Tables of a world without the detour over files: hundreds of worlds in the time of one report."""

from __future__ import annotations

import pandas as pd

from ssi_audit import schema, worlds
from ssi_audit.panel import build_panel
from ssi_audit.settings import Settings


def tables_of(world: worlds.World) -> schema.Tables:
    """Persons of a world as codes, dates as dates: what `read_exports` makes of its files."""
    frames = worlds.world_tables(world)
    people = frames["people"].assign(name=frames["people"]["person"])
    codes = {name: f"P{k + 1:03d}" for k, name in enumerate(people["name"])}
    for column in ("hired_on", "left_on", "licence_start", "team", "territory"):
        if column not in people:
            people[column] = None
    people["person"] = people["person"].map(codes)

    def coded(name: str, columns: tuple[str, ...], days: tuple[str, ...]) -> pd.DataFrame:
        frame = frames[name].reindex(columns=list(columns)) if name in frames else pd.DataFrame(columns=list(columns))
        frame = frame.assign(person=frame["person"].map(codes))
        return frame.assign(**{day: pd.to_datetime(frame[day]) for day in days})

    return schema.Tables(
        ssi=coded("ssi", schema.SSI_COLUMNS, ("date",)),
        activity=coded("activity", schema.ACTIVITY_COLUMNS, ("date", "first_day")),
        crm_events=coded("crm_events", schema.CRM_COLUMNS, ("date", "started")),
        people=people.assign(**{day: pd.to_datetime(people[day]) for day in ("hired_on", "left_on", "licence_start")}),
        quotas=coded("quotas", schema.QUOTA_COLUMNS, ("period_start", "period_end")),
        absences=coded("absences", schema.ABSENCE_COLUMNS, ("first_day", "last_day")),
        ledger=pd.DataFrame(columns=list(schema.LEDGER_COLUMNS)),
    )


def panel_of(name: str, people: int, weeks: int, seed: int, settings: Settings | None = None) -> pd.DataFrame:
    """Panel of one simulated world."""
    return build_panel(tables_of(worlds.make_world(name, people, weeks, seed)), settings)
