"""Any table in any supported dialect reads back equal, or is refused with a question."""

from __future__ import annotations

import csv
import datetime as dt
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ssi_audit.errors import DataError
from ssi_audit.names import name_tokens
from tests.unit.exports.folders import fill, named, reading

COLUMNS = ["person", "date", "brand", "people", "insights", "relationships", "total"]
NAMES = {
    "utf-8": ["Ann Lee", "Łukasz Żółć", "สมชาย ใจดี", "Zoë O'Hara", 'Bo "B" Ray', "Li, Wei; a|b"],
    "utf-8-sig": ["Ann Lee", "Łukasz Żółć", "Åsa Mäkinen"],
    "utf-16": ["Ann Lee", "Łukasz Żółć", "สมชาย ใจดี"],
    "cp1250": ["Ann Lee", "Łukasz Żółć", "Jiří Dvořák"],
    "cp1252": ["Ann Lee", "Åsa Mäkinen", "Zoë Peña"],
    "cp874": ["Ann Lee", "สมชาย ใจดี"],
}
DATES = ["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d %b %Y", "%Y-%m-%d %H:%M"]

pillar = st.integers(1, 25_000).map(lambda value: value / 1000)
days = st.dates(dt.date(2014, 1, 1), dt.date(2040, 12, 31))


@st.composite
def tables(draw):
    """A table of readings, and a way to write it."""
    encoding = draw(st.sampled_from(sorted(NAMES)))
    person = st.sampled_from(NAMES[encoding])
    keys = draw(st.lists(st.tuples(person, days), min_size=1, max_size=12, unique=True))
    rows = [(*key, *(draw(pillar) for _ in range(4))) for key in keys]
    return {
        "rows": [(*row, round(sum(row[2:]), 3)) for row in rows],
        "encoding": encoding,
        "delimiter": draw(st.sampled_from([",", ";", "\t", "|"])),
        "newline": draw(st.sampled_from(["\n", "\r\n"])),
        "decimal": draw(st.sampled_from([".", ","])),
        "date": draw(st.sampled_from(DATES)),
        "quoting": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        "order": draw(st.permutations(range(len(COLUMNS)))),
        "extra": draw(st.booleans()),
        "header_again": draw(st.booleans()),
        "blank_line": draw(st.booleans()),
    }


def written(table: dict) -> bytes:
    """The table as a file in its dialect."""
    buffer = io.StringIO(newline="")
    out = csv.writer(buffer, delimiter=table["delimiter"], lineterminator=table["newline"], quoting=table["quoting"])

    def line(cells: list[str], extra: str) -> list[str]:
        return [cells[at] for at in table["order"]] + ([extra] if table["extra"] else [])

    out.writerow(line(COLUMNS, "mood"))
    for at, (person, date, *values) in enumerate(table["rows"]):
        numbers = [str(value).replace(".", table["decimal"]) for value in values]
        out.writerow(line([person, date.strftime(table["date"]), *numbers], "fine, thanks"))
        if at == 0 and table["header_again"]:
            out.writerow(line(COLUMNS, "mood"))
        if at == 0 and table["blank_line"]:
            buffer.write(table["newline"])
    return buffer.getvalue().encode(table["encoding"])


@given(table=tables())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_readings_read_back_in_any_dialect(table):
    """Encoding, separator, decimal sign, dates, order of columns, extra columns, repeated headers change nothing."""
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), {"ssi.csv": written(table)})
        try:
            read = reading(Path(folder))
        except DataError as error:
            text = str(error)
            assert "-> add to ssi-audit.toml" in text  # a question, with the setting that answers it
            assert "encoding" in text or all(date.day <= 12 for _, date, *_ in table["rows"])
            if "encoding" in text:
                assert table["encoding"] in ("cp1250", "cp1252")
            return
    got = {(name_tokens(row[0]), row[1]): row[2:7] for row in named(read, "ssi")}
    wanted = {(name_tokens(person), date.isoformat()): tuple(values) for person, date, *values in table["rows"]}
    assert sorted(date for _, date in got) == sorted(date for _, date in wanted)
    if not table["encoding"].startswith("cp125"):  # there a letter may come as its sister: ñ for ń
        assert got.keys() == wanted.keys()
        assert all(got[key] == pytest.approx(value) for key, value in wanted.items())
    assert sorted(value[4] for value in got.values()) == pytest.approx(sorted(value[4] for value in wanted.values()))


@given(data=st.binary(max_size=400))
@settings(max_examples=30, deadline=None)
def test_any_bytes_are_read_listed_or_refused(data):
    """No file crashes the reading: it gives rows, is listed, or is a problem with a name."""
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), {"ssi.csv": data, "x.json": data})
        try:
            read = reading(Path(folder))
        except DataError as error:
            assert all(problem.where for problem in error.problems)
        else:
            assert set(read.tables.ledger["file"]) <= {"ssi.csv", "x.json"}


@given(cells=st.lists(st.lists(st.text(max_size=8), min_size=1, max_size=6), max_size=6))
@settings(max_examples=30, deadline=None)
def test_any_cells_under_our_header_are_read_or_refused(cells):
    """Whatever stands in the cells of a plain table: rows of the ledger, or problems with rows and columns."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([["person", "date", "metric", "count"], *cells])
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), {"activity.csv": buffer.getvalue().encode("utf-8", "surrogatepass")})
        try:
            read = reading(Path(folder))
        except DataError as error:
            assert all(problem.where == "activity.csv" for problem in error.problems)
        else:
            assert read.tables.ledger["rows"].sum() >= len([row for row in cells if any(cell.strip() for cell in row)])
