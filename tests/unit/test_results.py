"""Result objects and their JSON form."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from ssi_audit.results import ActivityLink, Audit, Cell, ClaimResult, Correlation, Fit, Overall, audit_from_dict


def an_audit() -> Audit:
    known = Fit(rr=1.1, low=0.9, high=1.3, p=0.2, df=12.5, n_people=24, n_rows=np.int64(900))
    none = Fit(why="no quota")
    link = Correlation(r=0.3, low=0.1, high=0.5, n_people=24, method="x")
    cell = Cell(
        "total", "deals", "inconclusive", ("negative",), "too_wide", known, none, none, none, none, link, link, link
    )
    return Audit(
        data={"people": 24, "teams": {"North": 12}},
        overall=Overall("inconclusive", "inconclusive", "inconclusive", "yes", 0.6),
        activity=ActivityLink("yes", 0.6, {"total": link}, ("posts",), ()),
        cells=(cell,),
        claims=(ClaimResult("quota", "not_testable", reason="no quotas.csv"),),
    )


def test_json_has_no_nan_and_says_why():
    """NaN becomes null, `why` stands only where there is no estimate."""
    values = an_audit().to_dict()
    text = json.dumps(values, allow_nan=False)
    assert values["schema"] == 1
    cell = values["cells"][0]
    assert cell["crude"]["rr"] == 1.1
    assert "why" not in cell["crude"]
    assert cell["adjusted"]["rr"] is None
    assert cell["adjusted"]["why"] == "no quota"
    assert "NaN" not in text


def test_json_reads_back():
    """What was written is the same object again."""
    found = an_audit()
    again = audit_from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.to_dict() == found.to_dict()
    assert math.isnan(again.cell("total", "deals").adjusted.rr)
    assert isinstance(again.cells, tuple)


def test_unknown_cell_is_named():
    """Asking for a pair that was not tried names it."""
    with pytest.raises(KeyError, match="brand and deals"):
        an_audit().cell("brand", "deals")
