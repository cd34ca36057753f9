"""Files that no program would write, byte by byte: zips that lie, workbooks with one far corner, pages without end."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable
from functools import cache

SSI = "person,date,brand,people,insights,relationships,total\n"
ROW = "Ann Lee,2026-03-02,10,10,10,10,40\n"
GOOD = SSI + ROW
MIB = 1 << 20


def in_zip(files: dict[str, str | bytes], **options: int) -> bytes:
    """A zip of files by name."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", options.get("method", zipfile.ZIP_DEFLATED)) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


@cache
def zeros(mib: int, before: bytes = b"") -> tuple[bytes, int, int]:
    """So many MiB of zeros deflated, behind some other bytes: what it packs to, no checksum, its size."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    start = packer.compress(before) + packer.flush(zlib.Z_FULL_FLUSH)
    piece = packer.compress(b"0" * MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + piece * mib + packer.flush(), 0, len(before) + mib * MIB


def raw_zip(
    members: Iterable[tuple[str, bytes, int, int]], method: int = zipfile.ZIP_DEFLATED, flags: int = 0
) -> bytes:
    """A zip of (name, packed bytes, checksum, size) that says whatever it is told to say."""
    body, index = bytearray(), bytearray()
    count = 0
    for name, packed, check, size in members:
        low = min(size, 0xFFFFFFFE)
        head = struct.pack("<HHHHHIIIHH", 20, flags, method, 0, 33, check, len(packed), low, len(name.encode()), 0)
        index += b"PK\x01\x02" + struct.pack("<H", 20) + head + struct.pack("<HHHII", 0, 0, 0, 0, len(body))
        index += name.encode()
        body += b"PK\x03\x04" + head + name.encode() + packed
        count += 1
    end = struct.pack("<HHHHIIH", 0, 0, min(count, 0xFFFF), min(count, 0xFFFF), len(index), len(body), 0)
    return bytes(body + index + b"PK\x05\x06" + end)


def overlapping_zip(copies: int, mib: int) -> bytes:
    """A zip whose members all lie in the same bytes."""
    packed, check, size = zeros(mib)
    once = raw_zip([("ssi.csv", packed, check, size)])
    start = once.index(b"PK\x01\x02")
    body, entry = once[:start], once[start : once.rindex(b"PK\x05\x06")]
    end = struct.pack("<HHHHIIH", 0, 0, copies, copies, len(entry) * copies, len(body), 0)
    return body + entry * copies + b"PK\x05\x06" + end


_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship '
    'Id="r1" Target="xl/workbook.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>',
    "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
    '<sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Target="worksheets/sheet1.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"/>'
    '<Relationship Id="r2" Target="sharedStrings.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"/></Relationships>',
}
SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)


def cell(place: str, text: str) -> str:
    """A cell with its own text."""
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def sheet_rows(csv: str, first: int = 1) -> str:
    """Lines of a plain CSV as rows of a sheet."""
    rows = []
    for number, line in enumerate(csv.strip().split("\n"), start=first):
        cells = "".join(cell(f"{chr(65 + at)}{number}", value) for at, value in enumerate(line.split(",")))
        rows.append(f'<row r="{number}">{cells}</row>')
    return "".join(rows)


def workbook(rows: str, **parts: str) -> bytes:
    """A workbook with one sheet; `parts` are further files, ``/`` written as ``__``."""
    more = {name.replace("__", "/").replace("_xml", ".xml"): content for name, content in parts.items()}
    return in_zip({**_PARTS, "xl/worksheets/sheet1.xml": SHEET.format(rows), **more})


def workbook_with(name: str, packed: tuple[bytes, int, int], rows: str) -> bytes:
    """A workbook with one part that is packed already."""
    parts = {**_PARTS, "xl/worksheets/sheet1.xml": SHEET.format(rows)}
    members = [_packed(part, content.encode()) for part, content in parts.items() if part != name]
    return raw_zip([*members, (name, *packed)])


def _packed(name: str, content: bytes) -> tuple[str, bytes, int, int]:
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return name, packer.compress(content) + packer.flush(), zlib.crc32(content), len(content)


def nested(depth: int, content: bytes) -> bytes:
    """A zip in a zip in a zip …"""
    for level in range(depth):
        content = in_zip({f"inner{level}.zip" if level else "ssi.csv": content})
    return content
