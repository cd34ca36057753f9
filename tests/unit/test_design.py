"""Which rows and columns enter a model."""

from __future__ import annotations

import numpy as np
import pytest

from ssi_audit import schema
from ssi_audit.design import columns, design
from tests.unit.claim_panels import panel


@pytest.fixture(scope="module")
def given():
    """A small panel as arrays."""
    return columns(panel())


@pytest.mark.parametrize("exposure", schema.EXPOSURES)
def test_one_score_at_a_time(given, exposure):
    """Beside the tested score only activity is held equal: never the total and its pillars in one model."""
    model = design(given, exposure, "inquiries", True)
    types = given.log_activity[model.rows]
    assert model.X.shape[1] == 1 + types.shape[1]
    assert np.array_equal(model.X[:, 0], given.exposure(exposure)[model.rows])
    assert np.array_equal(model.X[:, 1:], types)


def test_rows_need_score_outcome_and_a_day_worked(given):
    """A row without one of them is in no model."""
    model = design(given, "total", "inquiries", False)
    y, weight, _ = given.outcome("inquiries")
    missing = np.setdiff1d(np.arange(len(given)), model.rows)
    known = np.isfinite(given["ssi"]) & np.isfinite(y) & (weight > 0)
    assert not known[missing].any()
    assert known[model.rows].all()
