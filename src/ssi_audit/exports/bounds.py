"""What a file may cost before it is opened: bytes, files, cells.

A zip of a few kilobytes can unpack to gigabytes, and a workbook with two cells,
one in each corner, is a table of seventeen thousand million. Both are told by
what is written at little cost: the index of the zip, the addresses of the cells.
"""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator

from ssi_audit.exports.text import Unreadable

# A zip that unpacks to more than this, with the zips inside it, is no export but an accident or an attack.
MAX_UNPACKED = 4 * 1024**3
# One file inside a zip is held in memory whole.
MAX_MEMBER = 512 * 1024**2
# Tables pack to a tenth, logs of zeros to a fiftieth; bombs to a thousandth.
MAX_RATIO, RATIO_FROM = 200, 64 * 1024**2
# An archive of LinkedIn holds some sixty files.
MAX_MEMBERS = 20_000
# Spreadsheet programs have this many rows and columns; a table of so many cells fills a gigabyte.
MAX_ROWS, MAX_COLUMNS, MAX_CELLS = 1_048_576, 16_384, 40_000_000
# What a zip that was cut, changed or made by hand can end in.
BROKEN_ZIP = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, NotImplementedError, OverflowError, RuntimeError,
    ValueError,
)  # fmt: skip

_WIDE = re.compile(rb"\sr\s*=\s*[\"']([A-Z]{2,})\d")
_FAR = re.compile(rb"\sr\s*=\s*[\"'][A-Z]*(\d{7,})")
_ROWS = re.compile(rb"\sr\s*=\s*[\"'][A-Z]*(\d+)")
_CHUNK, _OVERLAP = 1 << 20, 64


def zip_refusal(members: list[zipfile.ZipInfo], packed: int, before: int = 0) -> str:
    """Why a zip must not be opened; "" where it may be.

    Parameters
    ----------
    members : list of ZipInfo
    packed : int
        Bytes of the zip itself.
    before : int
        What other zips unpack to.
    """
    total = sum(member.file_size for member in members)
    most = max((member.file_size for member in members), default=0)
    much = total > RATIO_FROM and total > MAX_RATIO * packed
    if total + before > MAX_UNPACKED or most > MAX_MEMBER or much:
        return f"the zip unpacks to {total / 1024**3:.1f} GiB: that is no export"
    if len(members) > MAX_MEMBERS:
        return f"the zip holds {len(members):,} files: that is no export"
    return "the zip is locked with a password" if any(member.flag_bits & 1 for member in members) else ""


def is_link(member: zipfile.ZipInfo) -> bool:
    """Whether a member of a zip stands for a link."""
    return stat.S_ISLNK(member.external_attr >> 16)


def check_workbook(data: bytes) -> None:
    """Look at a workbook before a library builds its tables in memory.

    Raises
    ------
    Unreadable
        If it would unpack to a bomb, or has a cell so far off that the table up to it fills the memory.
    """
    if not data.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            why = zip_refusal(archive.infolist(), len(data))
            if why:
                raise Unreadable(why.replace("the zip", "the workbook"), "save the table on its own as CSV UTF-8")
            for member in archive.infolist():
                _check_part(archive, member)
    except BROKEN_ZIP as error:
        raise Unreadable(f"the workbook is damaged: {error}", "open it and save it as xlsx or CSV UTF-8") from error


def _check_part(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    is_sheet = member.filename.startswith("xl/worksheets/")
    widest, last = 26, 0
    for chunk in _chunks(archive, member):  # to the end also of other parts: a size that is a lie shows there
        if not is_sheet:
            continue
        widest = max([widest, *map(_column, set(_WIDE.findall(chunk)))])
        last = max([last, *map(_row, set(_FAR.findall(chunk)))])
    if widest * MAX_ROWS > MAX_CELLS:  # only then does it matter how many rows there are
        rows = (_row(row) for chunk in _chunks(archive, member) for row in set(_ROWS.findall(chunk)))
        last = max(rows, default=0)
    if last > MAX_ROWS or widest > MAX_COLUMNS or widest * last > MAX_CELLS:
        raise Unreadable(
            f"{member.filename} has cells as far off as row {last:,} or column {widest:,}",
            "delete what stands far outside of the table, or save the table as CSV UTF-8",
        )


def _chunks(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(member) as part:
        before = b""
        while piece := part.read(_CHUNK):
            yield before + piece
            before = piece[-_OVERLAP:]


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters[:6]:
        number = number * 26 + letter - 64
    return number


def _row(digits: bytes) -> int:
    return int(digits[:12])
