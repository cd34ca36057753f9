"""Notebooks on a dask cluster: the same bytes as at home, and plain words when there is no cluster."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ssi_audit.errors import SettingsError
from ssi_audit.report.fanout import Cluster
from ssi_audit.report.publish import MANIFEST
from tests.unit.report.notebook_maker import write_notebook
from tests.unit.report.small_report import build, write_notebooks


def files_of(folder: Path) -> dict[str, bytes]:
    """All files of a report but the manifest, which holds the day."""
    found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name != MANIFEST}


def test_two_workers_make_the_same_report(tmp_path):
    """Every file has the bytes it has without a cluster, also those of a page that fails."""
    distributed = pytest.importorskip("distributed", reason="distributed is not installed: extra [dask]")
    reports = {}
    for place in ("here", "there"):
        write_notebooks(tmp_path / place)
        write_notebook(tmp_path / place / "01-data-quality.ipynb", "# Count", "## Divide", "print(1)\n1 / 0")
    reports["here"] = build(tmp_path / "here")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        fan = Cluster(cluster.scheduler_address)
        try:
            assert fan.workers == 2
            reports["there"] = build(tmp_path / "there", cluster=fan, workers=fan.workers)
        finally:
            fan.close()
    here, there = (files_of(tmp_path / place / "reports") for place in ("here", "there"))
    assert [failure.text() for failure in reports["there"].failures] == [
        '01-data-quality.ipynb failed at "Divide": ZeroDivisionError: division by zero'
    ]
    assert len(there) > 6
    assert there == here


def test_nobody_answers(monkeypatch):
    """The address is named, and how to start a scheduler."""
    pytest.importorskip("distributed", reason="distributed is not installed: extra [dask]")
    monkeypatch.setattr("ssi_audit.report.fanout.CONNECT_SECONDS", 0.5)
    with pytest.raises(SettingsError, match=r"(?s)no answer from tcp://127.0.0.1:9.*dask scheduler"):
        Cluster("tcp://127.0.0.1:9")


def test_without_dask_the_error_says_what_to_install(monkeypatch):
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SettingsError, match=r"pip install 'ssi-audit\[dask\]'"):
        Cluster("tcp://127.0.0.1:9")
