"""A million rows: seconds and memory of the reading stage."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.slow

# In a process of its own, so that the peak is that of the reading alone.
MEASURE = """
import json, sys, time
from ssi_audit.exports import read_exports
start = time.process_time()
tables = read_exports(sys.argv[1])
seconds = time.process_time() - start
try:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
except ImportError:
    peak = 0.0
print(json.dumps([len(tables.activity), len(tables.crm_events), len(tables.ledger), seconds, peak, len(tables.ssi)]))
"""


def test_million_rows_in_seconds(tmp_path):
    """A million counts load in under 10 s of processor time and 1.5 GB; the ledger stays one line."""
    rng = np.random.default_rng(20260101)
    chosen = rng.permutation(500 * 400 * 6)[:1_000_000]
    days = pd.date_range("2022-01-01", periods=400).strftime("%d.%m.%Y").to_numpy()
    metrics = np.array(["posts", "comments", "reactions", "searches", "messages_sent", "profile_views"])
    frame = pd.DataFrame(
        {
            "person": np.array([f"Person {at} Name{at % 97}" for at in range(500)])[chosen // 2400],
            "date": days[chosen // 6 % 400],
            "metric": metrics[chosen % 6],
            "count": rng.poisson(3, len(chosen)),
        }
    )
    frame.to_csv(tmp_path / "activity.csv", index=False, sep=";")
    n_rows, _, n_lines, seconds, peak, _ = measured(tmp_path)
    assert (n_rows, n_lines) == (1_000_000, 1)
    assert seconds < 10
    assert peak < 1500


def test_million_opportunities_in_seconds(tmp_path):
    """A million deals of a data export: counts add up, within 1.5 GB, in about 10 s (more where others run beside)."""
    n = 1_000_000
    rng = np.random.default_rng(20260102)
    stage = rng.choice(["Negotiation", "Closed Won", "Closed Lost"], n)
    created = np.datetime64("2023-01-01T08:00:00") + rng.integers(0, 3 * 365 * 86_400, n).astype("timedelta64[s]")
    closed = (created + np.timedelta64(90, "D")).astype("datetime64[D]").astype(str)
    number = np.char.zfill(np.arange(n).astype(str), 10)
    frame = pd.DataFrame(
        {
            "Id": np.char.add(np.char.add("0065g", number), "AAC"), "IsDeleted": "0", "Name": "Müller Café, rollout",
            "StageName": stage, "Amount": rng.integers(100, 99_999, n), "CloseDate": np.char.add(closed, " 00:00:00"),
            "IsClosed": (stage != "Negotiation").astype(int),
            "IsWon": (stage == "Closed Won").astype(int), "CurrencyIsoCode": "EUR",
            "OwnerId": np.char.add(np.char.add("0055g00000U", rng.integers(1000, 1060, n).astype(str)), "AAX"),
            "CreatedDate": np.char.replace(created.astype(str), "T", " "),
        }
    )  # fmt: skip
    frame.to_csv(tmp_path / "Opportunity.csv", index=False, quoting=1, encoding="latin-1")
    users = [(f"0055g00000U{at}AAX", f"Ann{at}", f"Lee{at}", "Standard") for at in range(1000, 1060)]
    columns = ["Id", "FirstName", "LastName", "UserType"]
    pd.DataFrame(users, columns=columns).to_csv(tmp_path / "User.csv", index=False, quoting=1)
    n_closed = int((stage != "Negotiation").sum())
    _, n_events, n_lines, seconds, peak, _ = measured(tmp_path)
    assert (n_events, n_lines) == (n + n_closed, 2)
    assert seconds < 15
    assert peak < 1500


def test_million_readings_in_seconds(tmp_path):
    """A million readings load in under 10 s of processor time and 1.5 GB; the ledger stays one line."""
    rng = np.random.default_rng(20260103)
    pillars = np.round(rng.uniform(1, 25, (1_000_000, 4)), 2)
    frame = pd.DataFrame(pillars, columns=["brand", "people", "insights", "relationships"])
    frame.insert(0, "date", np.tile(pd.date_range("2022-01-01", periods=500).strftime("%Y-%m-%d"), 2_000))
    frame.insert(0, "person", np.repeat([f"Person {at} Name{at % 97}" for at in range(2_000)], 500))
    frame.assign(total=frame[["brand", "people", "insights", "relationships"]].sum(axis=1).round(2)).to_csv(
        tmp_path / "ssi.csv", index=False
    )
    _, _, n_lines, seconds, peak, n_rows = measured(tmp_path)
    assert (n_rows, n_lines) == (1_000_000, 1)
    assert seconds < 10
    assert peak < 1500


def test_million_hubspot_deals_in_seconds(tmp_path):
    """A million deals with long ids and titles: counts add up, within 1.5 GB, in about 10 s."""
    n = 1_000_000
    rng = np.random.default_rng(20260104)
    stage = rng.choice(["Appointment Scheduled", "Closed Won", "Closed Lost"], n)
    created = np.datetime64("2023-01-01") + rng.integers(0, 900, n).astype("timedelta64[D]")
    frame = pd.DataFrame(
        {
            "Record ID": 9_000_000_000 + np.arange(n), "Deal Name": np.char.add("Rollout ", np.arange(n).astype(str)),
            "Deal Stage": stage, "Pipeline": "Sales Pipeline",
            "Close Date": np.char.add((created + np.timedelta64(60, "D")).astype(str), " 10:22"),
            "Create Date": np.char.add(created.astype(str), " 08:05"),
            "Deal owner": np.char.add("Person Name", rng.integers(100, 400, n).astype(str)),
            "Amount": rng.integers(100, 99_999, n).astype(float), "Currency": "EUR",
        }
    )  # fmt: skip
    frame.to_csv(tmp_path / "hubspot-crm-exports-all-deals-2026-03-02.csv", index=False, quoting=1)
    _, n_events, n_lines, seconds, peak, _ = measured(tmp_path)
    assert (n_events, n_lines) == (n + int((stage != "Appointment Scheduled").sum()), 1)
    assert seconds < 15
    assert peak < 1500


def measured(folder) -> list:
    """Rows of activity and of CRM events, lines of the ledger, processor seconds, peak memory in MB, readings."""
    done = subprocess.run([sys.executable, "-c", MEASURE, str(folder)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)
