"""Large folders on the command line: the same files, in less memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ssi_audit import workspace
from ssi_audit.cli import main
from ssi_audit.worlds import make_world, write_world
from tests.unit.exports.folders import fill

# In a process of its own, so that the peak is that of the reading alone.
MEASURE = """
import json, resource, sys
from pathlib import Path
from ssi_audit.settings import Settings
from ssi_audit.workspace import write_loaded
write_loaded(Path(sys.argv[1]), Settings(), Path(sys.argv[2]), as_="parquet", from_bytes=int(sys.argv[3]))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
print(json.dumps(peak))
"""
NEVER = 10**15


def written(folder: Path, out: Path) -> dict[str, Path]:
    """What load and panel write from a folder."""
    assert main(["load", str(folder), "--out", str(out / "csv")]) == 0
    assert main(["load", str(folder), "--as", "parquet", "--out", str(out / "parquet")]) == 0
    assert main(["panel", str(folder), "--out", str(out / "panel.parquet")]) == 0
    return {path.relative_to(out).as_posix(): path for path in sorted(out.rglob("*")) if path.is_file()}


def test_load_and_panel_write_the_same_from_large_files(tmp_path, monkeypatch):
    """Bytes of the plain tables and of the panel, rows of the Parquet tables; beside them the ledger, without names."""
    folder = tmp_path / "data"
    write_world(make_world("null", 6, 12, seed=3), folder)
    fill(folder, {"more/ssi_ann-lee.csv": "person,date,total\nAnn Lee,2026-03-02,0\nZed,2026-03-02,50\n"})
    small = written(folder, tmp_path / "small")
    monkeypatch.setattr(workspace, "LARGE", 0)
    large = written(folder, tmp_path / "large")
    ledger = pd.read_parquet(large.pop("parquet/ledger.parquet"))
    assert large.keys() == small.keys()
    for name, path in small.items():
        if name.startswith("parquet/"):
            pd.testing.assert_frame_equal(pd.read_parquet(large[name]), pd.read_parquet(path), check_exact=True)
        else:
            assert large[name].read_bytes() == path.read_bytes(), name
    shown = pd.read_csv(small["csv/ledger.csv"])
    assert ledger[["first_row", "rows", "status"]].to_numpy().tolist() == (
        shown[["first_row", "rows", "status"]].to_numpy().tolist()
    )
    assert set(ledger["detail"]) == {""}
    assert not ledger["file"].str.contains("ann|lee").any()
    assert sorted(path.name for path in (tmp_path / "large").iterdir()) == ["csv", "panel.parquet", "parquet"]


def test_a_run_that_fails_leaves_nothing(tmp_path, monkeypatch, capsys):
    """Bad data end with the same message, and neither tables nor what was on the way to them stay behind."""
    monkeypatch.setattr(workspace, "LARGE", 0)
    fill(tmp_path / "data", {"activity.csv": "person,date,metric,count\nAnn,2026-03-02,posts,-1\n"})
    for as_ in ("csv", "parquet"):
        assert main(["load", str(tmp_path / "data"), "--as", as_, "--out", str(tmp_path / "out")]) == 2
    assert 'row 2, "count" = -1 cannot be negative' in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(tmp_path):
    """A million and a half counts more cost next to nothing in blocks; read whole they cost hundreds of megabytes."""
    peaks = {}
    for parts in (1, 4):
        folder = many_counts(tmp_path / str(parts), parts)
        for name, from_bytes in (("blocks", 0), ("whole", NEVER)):
            out = tmp_path / f"{name}{parts}"
            done = subprocess.run(
                [sys.executable, "-c", MEASURE, str(folder), str(out), str(from_bytes)],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            peaks[name, parts] = json.loads(done.stdout)
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "blocks4/activity.parquet"), pd.read_parquet(tmp_path / "whole4/activity.parquet")
    )
    assert peaks["blocks", 4] - peaks["blocks", 1] < 0.35 * (peaks["whole", 4] - peaks["whole", 1])
    assert peaks["blocks", 4] < 800


def many_counts(folder: Path, parts: int) -> Path:
    """Half a million counts a part, of a thousand people each over two years, in no order."""
    folder.mkdir()
    rng = np.random.default_rng(20260105)
    days = pd.date_range("2024-01-01", periods=700).strftime("%d.%m.%Y").to_numpy()
    metrics = np.array(["posts", "comments", "reactions", "searches"])
    for part in range(parts):
        chosen = rng.permutation(1_000 * len(days) * len(metrics))[:500_000]
        frame = pd.DataFrame(
            {
                "person": np.array([f"Person {part}{at} Name{at % 97}" for at in range(1_000)])[chosen // 2_800],
                "date": days[chosen // 4 % 700],
                "metric": metrics[chosen % 4],
                "count": rng.poisson(3, len(chosen)),
            }
        )
        frame.to_csv(folder / "activity.csv", index=False, sep=";", mode="a", header=part == 0)
    return folder
