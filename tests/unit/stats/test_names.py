"""The public names of `ssi_audit.stats` load when they are used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ssi_audit import stats

FOLDER = Path(stats.__file__).parent


def test_every_public_name_exists():
    """Each name in the table is found in its module, and no name is also a module's."""
    for name in stats.__all__:
        assert getattr(stats, name).__module__.startswith("ssi_audit.stats.")
    assert not set(stats.__all__) & {path.stem for path in FOLDER.glob("*.py")}


def test_unknown_names_are_attribute_errors():
    """A misspelt name fails as in any module."""
    with pytest.raises(AttributeError, match="no attribute 'cr3'"):
        _ = stats.cr3


def test_the_core_does_not_load_statsmodels():
    """Fits, intervals and permutations cost no import of statsmodels, pydantic or a drawing library."""
    code = (
        "import sys; from ssi_audit.stats import fe_poisson, cr2, score_wild_bootstrap, rmcorr, held_out_skill\n"
        "print([name for name in ('statsmodels', 'pydantic', 'matplotlib', 'duckdb') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
