"""Workbooks with several tables: each sheet is read as a file of its own.

A CRM's deals come with a tab a month or a year, and people put all their tables
into one workbook behind an overview. What nobody recognises is listed with its
rows, so that no visible sheet goes missing without a word.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np

from ssi_audit.exports.files import File, SheetFile
from ssi_audit.exports.quotas import period_of
from ssi_audit.exports.table import Sheet, read_sheets
from ssi_audit.exports.text import Unreadable

# A reader fails on a sheet: it is read on its own, and that is said then.
_FAILS = "fails"
# Each sheet is asked for a few times. Cells up to this number stay in memory, and those of a workbook of more sheets:
# opening it again for each would take the square of their number.
FEW_CELLS, MANY_SHEETS = 200_000, 50


def split(file: File, recognise: Callable[[File], ModuleType | None]) -> list[File]:
    """The files that a file is read as: itself, or those of its sheets.

    Hidden sheets and empty ones are nobody's data. A workbook stays whole where there is only one other sheet, where
    its format has several, where no sheet is recognised on its own, and where it cannot be opened: what is wrong
    with it is said when it is read.

    Parameters
    ----------
    file : File
    recognise : callable
        `exports.recognise`.
    """
    try:
        if file.kind != "workbook":
            return [file]
        try:
            return _parts(file, recognise) if _has_several(file) else [file]
        finally:
            file.forget()
    except Unreadable:
        return [file]


def _has_several(file: File) -> bool:
    """Told without the cells: most workbooks have one sheet, and are read once, later."""
    return sum(sheet.visible for sheet in read_sheets(file.data, with_cells=False)) > 1


def _parts(file: File, recognise: Callable[[File], ModuleType | None]) -> list[File]:
    sheets = [sheet for sheet in file.sheets if sheet.visible and sheet.filled]
    if not sheets or (len(sheets) == 1 and sheets[0] is file.sheet):
        return [file]
    if getattr(_reader(file, recognise), "SHEETS", "") == "all":
        return [file]
    known = [_reader(SheetFile(file, [sheet], sheet, first=True), recognise) for sheet in sheets]
    if not any(known):
        return [file]
    groups = [[sheets[at] for at in group] for group in _groups(known)]
    n_cells = sum(len(row) for sheet in sheets for row in sheet.cells)
    keep = n_cells <= FEW_CELLS or len(sheets) > MANY_SHEETS
    place = {id(sheet): at for at, sheet in enumerate(_from_the_earliest(sheets))}
    parts = [
        SheetFile(file, group, called, first=at == 0, keep=keep, place=place[id(called)])
        for at, (called, *group) in enumerate(groups)
    ]
    for part in parts:
        part.forget()
    return parts


def _from_the_earliest(sheets: list[Sheet]) -> list[Sheet]:
    """Sheets in their order, or turned round where each is called after an earlier month, quarter or year."""
    starts = np.array([period_of(sheet.name, "2000")[0] for sheet in sheets])
    dated = starts[~np.isnat(starts)]
    return sheets[::-1] if len(dated) > 1 and (np.diff(dated) < np.timedelta64(0)).all() else sheets


def _groups(known: list) -> list[list[int]]:
    """Which sheets are read together: the one they are called after, then all of them; the recognised ones first."""
    own = [at for at, reader in enumerate(known) if getattr(reader, "SHEETS", "") == "own"]
    nobodys = [at for at, reader in enumerate(known) if reader is None]
    groups = []
    for at, reader in enumerate(known):
        if own and at == own[0]:
            groups.append([at, *sorted([*own, *nobodys])])
        elif reader is not None and at not in own:
            groups.append([at, at])
    return groups if own else [*groups, *([at, at] for at in nobodys)]


def _reader(file: File, recognise: Callable[[File], ModuleType | None]) -> ModuleType | str | None:
    try:
        return recognise(file)
    except Exception:  # of a file made to break readers: said when it is read
        return _FAILS
