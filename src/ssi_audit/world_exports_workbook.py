"""A small xlsx writer for invented exports: text, numbers and real dates, nothing else.

The same rows give the same bytes (a library would write the clock into the
file), and making a sample needs no package that reading exports does not need.
"""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

SERIAL_EPOCH = dt.datetime(1899, 12, 30)
# Zips cannot hold an older day.
ZIP_DAY = (1980, 1, 1, 0, 0, 0)
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# Style 0 is general, 1 a day, 2 a day with its time.
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy-mm-dd hh:mm:ss"/>'
    '</numFmts><fonts count="1"><font/></fonts><fills count="1"><fill><patternFill/></fill></fills>'
    '<borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/>'
    '<xf numFmtId="164"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/>'
    "</cellStyles></styleSheet>"
)


@dataclass(frozen=True)
class Sheet:
    """One sheet to be written.

    Attributes
    ----------
    name : str
    rows : sequence of tuple
        Header first; cells are str, int, float, datetime or None.
    hidden : bool
    hidden_columns : int
        So many columns from the left are there and not shown.
    """

    name: str
    rows: Sequence[tuple]
    hidden: bool = False
    hidden_columns: int = 0


def write_workbook(path: Path, sheets: Sequence[Sheet]) -> Path:
    """Write sheets as an xlsx file; the same sheets give the same bytes."""
    numbers = range(1, len(sheets) + 1)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
        f'ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
        + "".join(
            f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{_TYPE}.worksheet+xml"/>'
            for number in numbers
        )
        + "</Types>",
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>'
        + "".join(
            f'<sheet name="{escape(sheet.name)}" sheetId="{number}" state="{"hidden" if sheet.hidden else "visible"}" '
            f'r:id="rId{number}"/>'
            for number, sheet in zip(numbers, sheets)
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": _relations(
            [*(("worksheet", f"worksheets/sheet{number}.xml") for number in numbers), ("styles", "styles.xml")]
        ),
        "xl/styles.xml": _STYLES,
    }
    parts |= {f"xl/worksheets/sheet{number}.xml": _sheet(sheet) for number, sheet in zip(numbers, sheets)}
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            entry = zipfile.ZipInfo(name, date_time=ZIP_DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + content)
    return path


def _relations(targets: list[tuple[str, str]]) -> str:
    lines = (
        f'<Relationship Id="rId{number}" Type="{_RELATIONS}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{"".join(lines)}</Relationships>'


def _sheet(sheet: Sheet) -> str:
    columns = f'<cols><col min="1" max="{sheet.hidden_columns}" width="13" hidden="1"/></cols>'
    rows = (
        f'<row r="{at}">{"".join(_cell(f"{_letters(place)}{at}", cell) for place, cell in enumerate(row))}</row>'
        for at, row in enumerate(sheet.rows, start=1)
    )
    shown = columns if sheet.hidden_columns else ""
    return f'<worksheet xmlns="{_MAIN}">{shown}<sheetData>{"".join(rows)}</sheetData></worksheet>'


def _cell(place: str, cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, dt.datetime):
        serial = (cell - SERIAL_EPOCH) / dt.timedelta(days=1)
        return f'<c r="{place}" s="{1 if serial.is_integer() else 2}"><v>{serial!r}</v></c>'
    if isinstance(cell, int | float):
        return f'<c r="{place}"><v>{cell!r}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(str(cell))}</t></is></c>'


def _letters(place: int) -> str:
    """Name of a column: A, B, … Z, AA."""
    name = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        name = chr(ord("A") + letter) + name
    return name
