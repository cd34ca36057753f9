"""The facts that `check` prints."""

from __future__ import annotations

from ssi_audit.exports.summary import summarise
from tests.unit.exports.folders import SSI_HEADER, reading


def test_counts_and_reasons_of_each_file(tmp_path):
    """Received is used, repaired, skipped and unmatched; reasons and strangers are listed; weeks are counted."""
    facts = summarise(
        reading(
            tmp_path,
            {
                "people.csv": "person\nAnn Lee\nBo Ray\n",
                "ssi.csv": f"{SSI_HEADER}\nAnn Lee,2026-03-02,10,10,10,10,40\nAnn Lee,2026-03-04,10,10,10,10,40\n"
                "Ann Lee,2026-03-09,10,10,10,10,40\nCid,2026-03-02,10,10,10,10,40\nBo Ray,2026-03-02,0,0,0,0,0\n",
                "other.csv": "a,b\n1,2\n",
            },
        )
    )
    files = facts.files.set_index("file")
    assert files.loc["ssi.csv"].tolist() == ["plain table", 5, 3, 0, 1, 1]
    assert files.loc["other.csv", ["kind", "received", "skipped"]].tolist() == ["not an export", 1, 1]
    assert facts.totals == {"received": 8, "used": 5, "repaired": 0, "skipped": 2, "unmatched": 1}
    assert facts.strangers.to_numpy().tolist() == [["Cid", "not in people.csv", 1]]
    people = facts.people.set_index("name")
    assert people.loc["Ann Lee", ["readings", "ssi_weeks", "activity_days", "events"]].tolist() == [3, 2, 0, 0]
    assert people.loc["Bo Ray", "readings"] == 0


def test_empty_folder_has_a_summary(tmp_path):
    """No file, no rows, no crash."""
    facts = summarise(reading(tmp_path))
    assert facts.totals["received"] == 0
    assert len(facts.files) == len(facts.people) == 0
