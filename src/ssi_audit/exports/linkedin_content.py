"""LinkedIn content analytics (xlsx): how far a member's posts reached, by day.

Sheet names, headers and dates follow the language of the account, so sheets
are known by their shape: a day and two numbers a row (impressions, engagements),
a day and one number under a total (new followers). Reach is what happens to a
member; it is kept, and never counted as activity.

All dates are text. Their order is told by the rows following each other day by
day; a short report in which both orders do is asked about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from ssi_audit.exports import dates
from ssi_audit.exports.files import File
from ssi_audit.exports.ledger import Ledger
from ssi_audit.exports.table import Context, Rows, Sheet, Table, sheet_table
from ssi_audit.exports.text import Unreadable, fold
from ssi_audit.names import file_owner

KIND = "LinkedIn content analytics"
HEADER_WORDS = ()
SHEETS = "all"

# Numbers of a daily sheet → what they are, in their order.
METRICS = {2: ("post_impressions", "post_engagements"), 1: ("new_followers",)}
_DAY = re.compile(r"^\d{1,4}[-/.] ?\d{1,2}[-/.] ?\d{1,4}\.?$")
_NUMBER = re.compile(r"^[\d.,'\s]*\d[\d.,'\s]*$")
# Sheets that are there in every language, in English at least: they back up the shape.
SHEET_WORDS = ("discovery", "topposts", "publicacionesprincipales", "demographics", "informaciondetallada")
OTHER_SHEET = "totals, single posts or groups of readers: no daily counts"


def recognises(file: File) -> float:
    """0.95 for a workbook with the daily sheet of impressions and a second sheet of these reports, by shape."""
    if file.kind != "workbook":
        return 0.0
    try:
        sheets = [sheet for sheet in file.sheets if sheet.cells]
    except Unreadable:
        return 0.0
    widths = [daily[1] for sheet in sheets if (daily := _daily(sheet))]
    if 2 not in widths:
        return 0.0
    backed = any(_is_posts(sheet) or fold(sheet.name) in SHEET_WORDS for sheet in sheets)
    return 0.95 if 1 in widths or backed else 0.0


def read(file: File, context: Context) -> Iterator[Rows]:
    """Rows of activity (reach only), a sheet at a time; days without any are told as 0."""
    owner = file_owner(file, context)
    named = False
    for sheet in file.sheets:
        daily = _daily(sheet)
        # The first daily sheet goes by the file's own name, as it does where a workbook has only one.
        name = f"{file.name} [{sheet.name}]" if named or daily is None else file.name
        named = named or daily is not None
        if daily is not None:
            yield _read_daily(sheet_table(name, sheet, (), daily[0]), daily[1], owner, context)
        elif sheet.cells:
            ledger = Ledger(name, np.arange(1, len(sheet.cells) + 1))
            ledger.skip(ledger.in_use, OTHER_SHEET)
            yield Rows(ledger)


def _daily(sheet: Sheet) -> tuple[int, int] | None:
    """Index of the header and number of counts of a sheet with a row a day; None for any other sheet."""
    rows = [[cell.strip() for cell in row] for row in sheet.cells]
    first = next((at for at, row in enumerate(rows[:8]) if row and _DAY.match(row[0])), 0)
    if first == 0:
        return None
    width = next((at for at, cell in enumerate(rows[first - 1]) if not cell), len(rows[first - 1])) - 1
    if width not in METRICS or (width == 1 and not _has_total(rows)):
        return None
    body = [row for row in rows[first:] if any(row)]
    fits = all(
        _DAY.match(row[0]) and all(not cell or _NUMBER.match(cell) for cell in row[1 : width + 1]) for row in body
    )
    return (first - 1, width) if fits else None


def _has_total(rows: list[list[str]]) -> bool:
    """Whether the first row is a remark with a number: "Total followers on 2/25/2026:"."""
    return len(rows[0]) > 1 and bool(rows[0][0]) and bool(_NUMBER.match(rows[0][1]))


def _is_posts(sheet: Sheet) -> bool:
    return any("linkedin.com/" in cell for row in sheet.cells[:6] for cell in row)


def _read_daily(table: Table, width: int, owner: str, context: Context) -> Rows:
    date, *counts = table.frame.columns[: width + 1]
    ledger = table.ledger()
    ledger.add([line.row for line in table.odd], "skipped", OTHER_SHEET)
    day = _days(table, date, context)
    parts = []
    for metric, column in zip(METRICS[width], counts):
        count = table.numbers(column, context, low=0, integer=True, expected="a count cannot be negative")
        frame = pd.DataFrame({"person": owner, "date": day, "metric": metric, "count": count, "row": table.rows})
        parts.append(frame[frame["count"].notna() & frame["date"].notna()])
    return Rows(ledger, activity=pd.concat(parts, ignore_index=True))


def _days(table: Table, column: str, context: Context) -> pd.Series:
    """The days of a sheet in the one order in which they follow each other; asked about where both do or none does."""
    if context.day_first(table.file, column) is None:
        read_as = [times for order in (False, True) if (times := _in_order(table.frame[column], order)) is not None]
        if read_as and all(np.array_equal(times, read_as[0]) for times in read_as):
            return pd.Series(read_as[0])
    return table.days(column, context)


def _in_order(cells: pd.Series, day_first: bool) -> np.ndarray | None:
    """The column read in one order, None if the rows are then not one day apart."""
    try:
        parsed = dates.parse_dates(cells, day_first=day_first)
    except Unreadable:
        return None
    apart = np.abs(np.diff(parsed.times.astype("datetime64[D]").astype("int64")))
    return parsed.times if len(apart) and not parsed.bad.any() and (apart == 1).all() else None
