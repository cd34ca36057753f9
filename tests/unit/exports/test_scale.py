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
print(json.dumps([len(tables.activity), len(tables.ledger), seconds, peak]))
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
    done = subprocess.run([sys.executable, "-c", MEASURE, str(tmp_path)], capture_output=True, text=True, check=True)
    n_rows, n_lines, seconds, peak = json.loads(done.stdout)
    assert (n_rows, n_lines) == (1_000_000, 1)
    assert seconds < 10
    assert peak < 1500
