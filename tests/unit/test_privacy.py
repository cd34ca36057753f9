"""What is stored names nobody."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from ssi_audit.privacy import (
    coded_territories,
    hashed,
    masked_files,
    masked_name,
    public_settings,
    public_tables,
)
from ssi_audit.settings import Settings
from tests.unit.small_tables import day, event, reading, tables


@pytest.mark.parametrize(
    ("name", "mask"),
    [
        ("ssi/ssi_nora-whitfield_2026-03-02.json", "ssi/ssi_***_2026-03-02.json"),
        ("linkedin-activity-priya-raman.csv", "linkedin-activity-***.csv"),
        ("Żaneta Łęcka/Connections.csv", "***/Connections.csv"),
        ("สมชาย/ssi.csv", "***/ssi.csv"),
        ("ssi_history_o'brien jr.csv", "ssi_history_***.csv"),
        ("ssi-audit.toml", "ssi-audit.toml"),
        ("deals-4471123-18.csv", "deals-4471123-18.csv"),
        ("report1772442000123.csv", "report***.csv"),
        ("weekly ssi export (3).csv", "weekly ssi export (3).csv"),
    ],
)
def test_file_names_keep_only_words_of_formats(name, mask):
    """A word that belongs to no format could be a name, so it goes."""
    assert masked_name(name) == mask


def test_masked_files_stay_distinct():
    """Two people's files of one kind are told apart by number."""
    files = pd.Series(["ssi_anna.csv", "ssi_berta.csv", "ssi_anna.csv"])
    assert masked_files(files).tolist() == ["ssi_***.csv (1)", "ssi_***.csv (2)", "ssi_***.csv (1)"]


def test_public_tables_hold_no_name_and_no_id():
    """Names, addresses, deal ids and source texts are gone; equal deals stay equal."""
    given = tables(
        ssi=[reading("P1", day(0), 50)],
        crm=[
            event("P1", day(0), "meeting", deal="006A1", source="Referral by Anna Nowak"),
            event("P1", day(1), "deal_won", deal="006A1", source="LinkedIn Ads"),
        ],
        people=[{"person": "P1", "name": "Anna Nowak", "email": "anna@nowak.example"}],
    )
    given.ledger.loc[0] = ["ssi_anna.csv", "ssi", 2, 2, 1, "unmatched", "not in people.csv", "Anna Nowak"]
    stored = public_tables(given)
    text = "".join(
        getattr(stored, name).to_csv() for name in ("ssi", "crm_events", "people", "ledger", "activity", "quotas")
    )
    for secret in ("Anna", "anna", "nowak", "006A1", "Referral", "Ads"):
        assert secret not in text
    assert stored.crm_events["deal"].nunique() == 1
    assert stored.crm_events["source"].tolist() == ["other", "linkedin"]


def test_names_stay_when_the_user_says_so():
    """show_names keeps people and file names; ids stay hashed."""
    given = tables(
        ssi=[reading("P1", day(0), 50)],
        crm=[event("P1", day(0), "meeting", deal="006A1")],
        people=[{"person": "P1", "name": "Anna Nowak"}],
    )
    stored = public_tables(given, Settings(show_names=True))
    assert stored.people["name"].tolist() == ["Anna Nowak"]
    assert stored.crm_events["deal"].tolist() == [hashed("006A1")]


def test_settings_that_name_somebody_are_counted_not_shown():
    """Of options that hold the user's words only their number is shown; numbers and choices stay."""
    own = {
        "persons": {"ssi_anna.html": "Anna Nowak"},
        "own_domains": ["nowak.example"],
        "day_first": {"anna.csv": True},
    }
    shown = public_settings({**own, "seed": 7, "start": "2026-01-01"})
    assert shown == {**dict.fromkeys(own, "1 of your own"), "seed": 7, "start": "2026-01-01"}
    assert public_settings(own, show_names=True) == own


def test_territories_become_codes_in_their_order():
    """An analysis can tell territories apart and sort them; nobody can read them."""
    people = [
        {"person": f"P{k}", "territory": name} for k, name in enumerate(["West (Anna)", "East", "", "West (Anna)"])
    ]
    given = tables(ssi=[reading("P1", day(0), 50)])
    given = dataclasses.replace(given, people=pd.DataFrame(people))
    assert coded_territories(given, Settings()).people["territory"].tolist() == ["A003", "A002", "", "A003"]
