"""Tables of the data check's page."""

from __future__ import annotations

import numpy as np
import pytest

from ssi_audit import schema
from ssi_audit.quality import scores_by_week
from tests.unit.claim_panels import panel


@pytest.mark.parametrize("kept", [("total",), ("people",), (), schema.EXPOSURES])
def test_a_score_that_nobody_has_is_left_out(kept):
    """Files with one score only, the least that is asked for: the others have no line."""
    frame = panel(n=6, weeks=4)
    columns = {name: column for name, column in schema.PANEL_EXPOSURE.items() if name not in kept}
    found = scores_by_week(frame.assign(**dict.fromkeys(columns.values(), np.nan)), 5)
    assert list(found.columns) == ["exposure", "date", "middle", "low", "high", "n"]
    assert set(found["exposure"]) == set(kept)
    if "total" in kept:
        first = found[found["exposure"] == "total"].iloc[0]
        known = frame.loc[frame["period"] == first["date"], "ssi"]
        assert tuple(first[["low", "middle", "high"]]) == tuple(np.quantile(known, [0.25, 0.5, 0.75]))
