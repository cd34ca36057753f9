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
print(json.dumps([len(tables.activity), len(tables.crm_events), len(tables.ledger), seconds, peak]))
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
    n_rows, _, n_lines, seconds, peak = measured(tmp_path)
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
            "OwnerId": np.char.add("0055g00000U", np.char.zfill(rng.integers(0, 60, n).astype(str), 7)),
            "CreatedDate": np.char.replace(created.astype(str), "T", " "),
        }
    )  # fmt: skip
    frame.to_csv(tmp_path / "Opportunity.csv", index=False, quoting=1, encoding="latin-1")
    n_closed = int((stage != "Negotiation").sum())
    _, n_events, n_lines, seconds, peak = measured(tmp_path)
    assert (n_events, n_lines) == (n + n_closed, 1)
    assert seconds < 15
    assert peak < 1500


def measured(folder) -> list:
    """Rows of activity and of CRM events, lines of the ledger, seconds of processor time, peak memory in MB."""
    done = subprocess.run([sys.executable, "-c", MEASURE, str(folder)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)
