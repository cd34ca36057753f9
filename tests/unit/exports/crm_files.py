"""Small CRM exports made in code, and what came out of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from ssi_audit.exports import Reading
from tests.unit.exports.folders import fates, named

Row = Sequence[object]


def sheet_text(*rows: Row, delimiter: str = ",", quoting: int = csv.QUOTE_ALL, end: str = "\n") -> str:
    """Rows as the text of a CSV file, every value quoted unless asked otherwise; an empty row is a blank line."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, quoting=quoting, lineterminator=end)
    for row in rows:
        writer.writerow(row) if row else buffer.write(end)
    return buffer.getvalue()


def workbook(*rows: Row, title: str = "Sheet", hidden_columns: Iterable[str] = (), hidden_sheet: bool = False) -> bytes:
    """Rows as an xlsx file; with a hidden sheet in front of them where asked."""
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    if hidden_sheet:
        sheet.title, sheet.sheet_state = "hiddenSheet", "hidden"
        sheet.append(["opportunity:a1b2c3", "name", "ownerid"])
        sheet = book.create_sheet(title)
    for row in rows:
        sheet.append(list(row))
    for letter in hidden_columns:
        sheet.column_dimensions[letter].hidden = True
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def workbook_of(sheets: dict[str, list[list]], hidden: tuple[str, ...] = ()) -> bytes:
    """Sheets (name → rows) as the bytes of an xlsx file."""
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        if name in hidden:
            sheet.sheet_state = "hidden"
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def events(read: Reading, *fields: str) -> list[tuple]:
    """CRM events, sorted: person, date and kind, or the fields asked for."""
    columns = list(read.tables.crm_events.columns)
    wanted = [columns.index(field) for field in fields or ("person", "date", "kind")]
    return sorted((tuple(row[at] for at in wanted) for row in named(read, "crm_events")), key=str)


def rows_of(read: Reading, file: str) -> dict[str, int]:
    """How many rows of a file met which fate; used rows by their status, all others by their reason."""
    own = read.tables.ledger[read.tables.ledger["file"] == file]
    fate = own["reason"].where(own["reason"] != "", own["status"])
    return own.groupby(fate)["rows"].sum().to_dict()


def lines_of(text: str, header_row: int = 1) -> list[int]:
    """The rows below the header, as a spreadsheet program numbers them."""
    return list(range(header_row + 1, len(list(csv.reader(io.StringIO(text)))) + 1))


def rows_in_ledger(read: Reading, file: str) -> list[int]:
    """Every row of a file that has a fate, in order; a row with two would be there twice."""
    return [row for first, last, *_ in fates(read, file) for row in range(first, last + 1)]
