"""A world as an organisation would hand it over: every team on its own CRM, scores kept in four ways, archives.

What no export can tell stands beside them in small plain files, as a careful
organisation would keep it: `people.csv` with the ids of all systems, and the
weeks in which somebody did nothing on LinkedIn, because an archive has rows for
what was done and none for nothing. Read back, the folder gives the tables of
the plain format (but for what `world_exports_crm` names).
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ssi_audit import schema
from ssi_audit.world_exports_calendar import write_ics, write_outlook, write_quota_plan
from ssi_audit.world_exports_crm import SYSTEMS, Book, book_of, stamp, write_rows
from ssi_audit.world_exports_linkedin import write_linkedin_zip, write_ssi_answers
from ssi_audit.world_exports_scores import write_saved_answers, write_saved_pages, write_tracker_logs
from ssi_audit.world_names import ORGANISATION_DOMAIN

# So many sellers of a team that keeps its meetings in Salesforce (HubSpot) handed in their calendars as well.
CALENDARS = 2
# What only the organisation knows: a meeting with nobody but its own people is none.
SETTINGS = f'own_domains = ["{ORGANISATION_DOMAIN}"]\n'


def write_mixed(tables: dict[str, pd.DataFrame], folder: Path) -> None:
    """Write a world in the formats of a dozen systems.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        As `world_tables.world_tables` makes them.
    folder : path
        An empty folder.
    """
    book = book_of(tables)
    (folder / "ssi-audit.toml").write_text(SETTINGS, encoding="utf-8", newline="\n")
    write_people(book, folder)
    for system, part in by_system(book).items():
        SYSTEMS[system](part, folder)
    write_calendars(book, folder)
    write_scores(tables["ssi"], folder)
    write_linkedin_zip(tables, folder)
    write_nothing_done(tables["activity"], folder)
    if len(tables["quotas"]):
        write_quota_plan(tables["quotas"], folder)


def by_system(book: Book) -> dict[str, Book]:
    """The part of each CRM: teams take the systems in turns."""
    systems = list(SYSTEMS)
    teams = sorted(set(book.people["team"]))
    system = book.people["team"].map({team: systems[at % len(systems)] for at, team in enumerate(teams)})
    return {name: book.of(book.people.loc[system == name, "person"]) for name in systems if (system == name).any()}


def write_people(book: Book, folder: Path) -> Path:
    """Write people.csv: who is who, with what each system calls them."""
    listed = book.people[[*schema.PEOPLE_COLUMNS, *(name for name in schema.SYSTEM_IDS if name in book.people)]]
    days = {column: stamp(listed[column], "%Y-%m-%d") for column in ("hired_on", "licence_start")}
    return write_rows(folder / "people.csv", dict(listed.assign(**days)))


def write_calendars(book: Book, folder: Path) -> None:
    """Write calendars that tell meetings of the CRM a second time: they count once."""
    parts = by_system(book)
    for system, write in (("salesforce", write_ics), ("hubspot", write_outlook)):
        if system in parts:
            write(parts[system].of(parts[system].people["person"].head(CALENDARS)), folder)


def write_scores(ssi: pd.DataFrame, folder: Path) -> None:
    """Write readings as a store, a tracker's log, or saved answers with a page of the newest one; people take turns."""
    place = ssi["person"].map({person: at for at, person in enumerate(sorted(set(ssi["person"])))}) % 3
    write_ssi_answers({"ssi": ssi[place == 0]}, folder)
    write_tracker_logs(ssi[place == 1], folder)
    saved = ssi[place == 2]
    newest = saved["date"] == saved.groupby("person")["date"].transform("max")
    write_saved_answers(saved[~newest], folder)
    write_saved_pages(saved[newest], folder)


def write_nothing_done(activity: pd.DataFrame, folder: Path) -> Path:
    """Write the rows that say "nothing on this day", which no archive has."""
    nothing = activity[activity["count"] == 0]
    columns = {"person": nothing["person"], "date": stamp(nothing["date"], "%Y-%m-%d"), "metric": nothing["metric"],
               "count": 0}  # fmt: skip
    return write_rows(folder / "activity_nothing_done.csv", columns)
