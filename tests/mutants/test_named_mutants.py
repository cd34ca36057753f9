"""Mistakes that analysts make with this kind of data, planted one at a time: a test notices each of them.

Each mutant is a copy of the source with one change; the test named beside it must fail there and pass here. Slow,
because every mutant is a Python of its own (`make mutants`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Mutant:
    """One planted mistake: `old` becomes `new` in `file`, and `test` must notice."""

    file: str
    old: str
    new: str
    test: str


MUTANTS = {
    "exposure merged one week too late": Mutant(
        "panel_rows.py",
        "person * APART + plan.start_days[p] - 1, plan.known.stale",
        "person * APART + plan.start_days[p] + 6, plan.known.stale",
        "tests/unit/test_panel.py::test_exposure_is_the_last_reading_before_the_period",
    ),
    "z for t": Mutant(
        "stats/clusters.py",
        "t_quantile([0.975, 0.95], df)",
        "t_quantile([0.975, 0.95], 1e9)",
        "tests/unit/stats/test_clusters.py::test_intervals_use_t_not_z",
    ),
    "rows for persons in a permutation": Mutant(
        "stats/bootstrap.py",
        "    return _permutation_test(residuals, exposure, n, seed, _studentised)",
        "    residuals, exposure = np.reshape(residuals, (-1, 1)), np.reshape(exposure, (-1, 1))\n"
        "    return _permutation_test(residuals, exposure, n, seed, _studentised)",
        "tests/unit/stats/test_bootstrap.py::test_permuting_people_keeps_its_level_where_permuting_rows_does_not",
    ),
    "censored cohorts counted as failures": Mutant(
        "panel_sql.py",
        "CASE WHEN {win_rate_known} AND s.end_day + {h_win} <= {last_day} THEN COALESCE(wr.den, 0) END",
        "CASE WHEN {win_rate_known} THEN COALESCE(wr.den, 0) END",
        "tests/unit/test_panel.py::test_win_rate_dates_both_ends_by_the_meeting_and_drops_young_cohorts",
    ),
    "total and four pillars in one model": Mutant(
        "design.py",
        "    if adjusted:\n        parts.append(given.log_activity)",
        "    if adjusted:\n        parts.append(given.log_activity)\n"
        "        parts += [given.exposure(name) for name in schema.PILLARS]",
        "tests/unit/test_design.py::test_one_score_at_a_time",
    ),
    "text seller ids": Mutant(
        "stats/working.py",
        "    labels = labels if isinstance(labels, pd.Series | pd.Index | pd.Categorical) else np.asarray(labels)",
        "    labels = np.asarray(labels, float)",
        "tests/unit/stats/test_fixed_effects.py::test_text_ids_give_the_same_fit_as_numbers",
    ),
}


def run(test: str, source: Path) -> subprocess.CompletedProcess[str]:
    """Run one test against a copy of the source."""
    environment = {**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-n", "0", "-x", "-q", "-p", "no:cacheprovider", "-m", "", test]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the source."""
    target = tmp_path_factory.mktemp("mutant") / "src"
    shutil.copytree(ROOT / "src", target, ignore=shutil.ignore_patterns("__pycache__"))
    return target


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_test_notices(name, copy):
    """The named test passes on the source as it is and fails with the mistake."""
    mutant = MUTANTS[name]
    file = copy / "ssi_audit" / mutant.file
    text = file.read_text(encoding="utf-8")
    assert text.count(mutant.old) == 1, "the source has changed: write this mutant anew"
    assert run(mutant.test, copy).returncode == 0
    try:
        file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        noticed = run(mutant.test, copy)
    finally:
        file.write_text(text, encoding="utf-8")
    assert noticed.returncode == 1, noticed.stdout[-2000:]
    assert "AssertionError" in noticed.stdout or "Error" in noticed.stdout
