"""The data dictionary says what the program does: every column, metric and kind of event, and examples that load."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ssi_audit import schema
from ssi_audit.settings import Settings
from tests.unit.exports.folders import named, reading

TEXT = (Path(__file__).resolve().parents[2] / "data" / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```csv\n(.*?)```", TEXT, flags=re.DOTALL)
TABLES = ("ssi", "activity", "crm_events", "people", "quotas", "absences")


def backticked(text: str) -> set[str]:
    """All words in code marks, examples left out."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return {word for mark in re.findall(r"`([^`]+)`", text) for word in re.split(r"[\s,]+", mark)}


@pytest.mark.parametrize(
    "names",
    [
        schema.SSI_COLUMNS,
        schema.ACTIVITY_COLUMNS,
        schema.CRM_COLUMNS,
        schema.PEOPLE_COLUMNS,
        schema.SYSTEM_IDS,
        schema.QUOTA_COLUMNS,
        schema.ABSENCE_COLUMNS,
        schema.LEDGER_COLUMNS,
        schema.METRICS,
        schema.KINDS,
        schema.LEDGER_STATUS,
    ],
)
def test_every_column_metric_and_kind_is_in_the_dictionary(names):
    """What the program calls a thing stands in the dictionary under that name."""
    assert set(names) <= backticked(TEXT)


def test_the_settings_it_names_exist():
    """A setting that the dictionary sends the reader to is one."""
    told = {"linkedin_sources", "rates", "persons", "periods", "archive_shift_hours", "stages", "pipelines", "timezone"}
    told |= {"own_domains", "meeting_words", "currency", "min_group"}
    assert told <= set(Settings.model_fields)
    assert all(name in TEXT for name in told)


def test_the_examples_load(tmp_path):
    """Each example is a file that is read, every row used, and together they are about one person."""
    assert len(EXAMPLES) == len(TABLES)
    read = reading(tmp_path, {f"{name}.csv": text for name, text in zip(TABLES, EXAMPLES)})
    assert set(read.tables.ledger["status"]) == {"used"}
    assert list(read.tables.people["name"]) == ["Ada Berg"]
    assert [row[2:] for row in named(read, "activity")] == [("comments", 3, None), ("searches", 84, "2026-03-02")]
    assert len(read.tables.crm_events) == 3


def test_examples_have_the_headers_of_the_schema():
    """An example without its header in the schema would teach a wrong name."""
    headers = [text.splitlines()[0].split(",") for text in EXAMPLES]
    known = {*schema.PEOPLE_COLUMNS, *schema.SYSTEM_IDS, "left_on"}
    assert [tuple(header) for header in headers[:3]] == [
        schema.SSI_COLUMNS,
        schema.ACTIVITY_COLUMNS,
        schema.CRM_COLUMNS,
    ]
    assert set(headers[3]) <= known
