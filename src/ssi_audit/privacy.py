"""What may leave the reading stage: codes instead of persons, classes instead of words, masked file names.

Files are often named after the person they belong to, and a CRM's own ids find
a person in one search. So nothing free-form is written under data/processed
or reports: file names keep only words that belong to formats, ids become
hashes, sources become classes, and details of the ledger stay on the terminal.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ssi_audit.panel import source_class
from ssi_audit.schema import Tables
from ssi_audit.settings import Settings

PEOPLE_SHOWN = (
    "person",
    "team",
    "territory",
    "hired_on",
    "left_on",
    "licence_start",
    "in_ssi",
    "in_crm",
    "in_activity",
)
# Options whose entries are the user's own words.
OWN_WORDS = (
    "day_first", "encoding", "columns", "stages", "linkedin_sources", "meeting_words", "not_meeting_words",
    "own_domains", "pipelines", "persons", "periods", "teams",
)  # fmt: skip
# Words that name formats, tables and systems, never a person. Everything else in a file name is masked.
_WORDS = """
a absences account accounts active activities activity all analytics archive audit basic brokerage calendar call
calls closed comments company complete connections contact contacts content crm csv currency daily data dataset
date day days deal deals details dynamics email emails engagement event events export exports fees file files
folder followers full google gz hist history html hubspot ics inquiries invitations invoice json lead leads
licence linkedin linkedindataexport log logs marketing meeting meetings member messages month monthly new of old
olist opportunities opportunity outlook page pages panel parquet people pipedrive pipeline plain posts product
products profile qualified quarter quota quotas raw reactions reading readings record records report reports
requests sales salesforce salesnav salesnavigator sample score scores search searchqueries seat seats sheet
shares snapshot sqlite ssi ssihistory table task tasks team teams the toml total totals tracker truth tsv txt usage
user users week weekly weeks xls xlsx xml year zip zoho
"""
FORMAT_WORDS = frozenset(_WORDS.split())
MASK = "***"
PARTS = re.compile(r"[^\W\d_]+|\d+|[\W_]", re.UNICODE)
# A long run of digits is an id, not a date.
DATE_DIGITS = 8


def public_tables(tables: Tables, settings: Settings | None = None) -> Tables:
    """Return the tables as they may be stored: no name, no address, no id of another system.

    Parameters
    ----------
    tables : Tables
        As `read_exports` returns them.
    settings : Settings, optional
        With ``show_names = true`` the names and file names stay.
    """
    settings = settings or Settings()
    events = tables.crm_events.copy()
    known = sorted(events["source"].dropna().astype(str).unique())
    events["source"] = events["source"].map(source_class(known, settings.linkedin_sources))
    events["deal"] = events["deal"].map(hashed, na_action="ignore")
    if settings.show_names:
        return dataclasses.replace(tables, crm_events=events)
    people = tables.people[[column for column in PEOPLE_SHOWN if column in tables.people]]
    ledger = tables.ledger.assign(file=masked_files(tables.ledger["file"]), detail="")
    return dataclasses.replace(tables, crm_events=events, people=people, ledger=ledger, notes=())


def coded_territories(tables: Tables, settings: Settings) -> Tables:
    """The tables with territories as codes in the order of their names: analyses need to tell them apart, no more."""
    if settings.show_names:
        return tables
    names = tables.people["territory"]
    codes = {name: f"A{number:03d}" for number, name in enumerate(sorted(names.dropna().unique()), start=1) if name}
    return dataclasses.replace(tables, people=tables.people.assign(territory=names.replace(codes)))


def public_settings(values: Mapping[str, Any], show_names: bool = False) -> dict[str, Any]:
    """Options as they may be shown: of those that hold the user's own words only how many entries they have.

    They name persons, files, stages and customers; the fingerprint of the settings stands for their content.
    """
    return {
        name: f"{len(value)} of your own" if name in OWN_WORDS and not show_names and isinstance(value, list | dict)
        else value
        for name, value in values.items()
    }  # fmt: skip


def hashed(text: str) -> str:
    """A short stand-in for an id: equal ids stay equal, the id itself cannot be read."""
    return hashlib.sha256(f"ssi-audit\0{text}".encode()).hexdigest()[:16]


def masked_files(files: pd.Series) -> pd.Series:
    """Mask file names; those that would become the same are numbered in the order of their real names."""
    names = sorted(files.dropna().unique())
    masks = {name: masked_name(name) for name in names}
    same: dict[str, list[str]] = {}
    for name in names:
        same.setdefault(masks[name], []).append(name)
    for mask, originals in same.items():
        if len(originals) > 1:
            masks |= {name: f"{mask} ({k})" for k, name in enumerate(originals, start=1)}
    return files.map(masks)


def masked_name(name: str) -> str:
    """Keep words of formats, dates and punctuation; replace every other word.

    >>> masked_name("ssi/ssi_page_ines-duarte_2026-03-02.html")
    'ssi/ssi_page_***_2026-03-02.html'
    """
    parts = []
    for part in PARTS.findall(name):
        if part.isdigit():
            parts.append(part if len(part) <= DATE_DIGITS else MASK)
        elif part.isalpha():
            parts.append(part if part.casefold() in FORMAT_WORDS else MASK)
        else:
            parts.append(part)
    return re.sub(r"\*{3}(?:[\s.,;'’_-]*\*{3})+", MASK, "".join(parts))
