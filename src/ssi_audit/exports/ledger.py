"""Every row received: used, repaired, skipped or unmatched, and why.

A reader marks rows of a file by mask; the ledger stores one small number per
row and is written as ranges of neighbours with the same fate, so that a
million used rows are one line. The `rows` of a file's lines add up to the
rows received: the ledger is where "who was not matched, what was left out" is
answered (ux.md section 1).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
import pandas as pd

from ssi_audit.schema import LEDGER_COLUMNS, LEDGER_STATUS

USED, REPAIRED, SKIPPED, UNMATCHED = range(len(LEDGER_STATUS))


class Ledger:
    """The fate of each row of one file; all rows are used until marked otherwise.

    Parameters
    ----------
    file : str
        Name relative to the data folder (`File.name`).
    rows : array of int
        Rows as the user's program shows them, ascending; a list of readings counts from 1.
    table : str
        Tables the rows went to; filled in from the frames when left empty.
    """

    def __init__(self, file: str, rows: Iterable[int], table: str = "") -> None:
        self.file, self.table = file, table
        self.rows = np.asarray(rows, dtype=np.int64)
        self._status = np.zeros(len(self.rows), dtype=np.int8)
        self._why = np.zeros(len(self.rows), dtype=np.int32)
        self._reasons: dict[tuple[str, str], int] = {("", ""): 0}

    @classmethod
    def of_lines(cls, file: str, lines: pd.DataFrame, table: str = "") -> Ledger:
        """The ledger that was written as lines (`first_row`, `rows`, `status`, `reason`, `detail`)."""
        n = lines["rows"].to_numpy()
        within = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
        ledger = cls(file, np.repeat(lines["first_row"].to_numpy(), n) + within, table)
        status = [LEDGER_STATUS.index(word) for word in lines["status"]]
        why = [ledger._reason(reason, detail) for reason, detail in zip(lines["reason"], lines["detail"])]
        ledger._status = np.repeat(np.array(status, dtype=np.int8), n)
        ledger._why = np.repeat(np.array(why, dtype=np.int32), n)
        return ledger

    def __len__(self) -> int:
        return len(self.rows)

    def skip(self, where: np.ndarray, reason: str, detail: str | np.ndarray = "") -> None:
        """Leave rows out; a row that is already skipped keeps its first reason."""
        self._mark(where, SKIPPED, reason, detail, over=(USED, REPAIRED, UNMATCHED))

    def repair(self, where: np.ndarray, reason: str, detail: str | np.ndarray = "") -> None:
        """Say that rows were used after something in them was mended."""
        self._mark(where, REPAIRED, reason, detail, over=(USED,))

    def unmatch(self, where: np.ndarray, reason: str, detail: str | np.ndarray = "") -> None:
        """Say that rows belong to nobody known; `detail` is the name as received."""
        self._mark(where, UNMATCHED, reason, detail, over=(USED, REPAIRED))

    def _mark(self, where, status: int, reason: str, detail, over: tuple[int, ...]) -> None:
        where = np.asarray(where, dtype=bool)
        if where.shape != self.rows.shape:
            raise ValueError(f"{self.file}: a mask of {where.shape} for {len(self.rows)} rows")
        where = where & np.isin(self._status, over)
        if not where.any():
            return
        if isinstance(detail, str):
            self._why[where] = self._reason(reason, detail)
        else:
            codes, names = pd.factorize(np.asarray(detail, dtype=object)[where])
            known = np.array([self._reason(reason, str(name)) for name in names], dtype=np.int32)
            self._why[where] = known[codes]
        self._status[where] = status

    def _reason(self, reason: str, detail: str) -> int:
        pair = (reason, " ".join(detail.split()))
        return self._reasons.setdefault(pair, len(self._reasons))

    def share(self, row: int, others: np.ndarray) -> None:
        """Give other rows the fate of one: together they made one row of a table."""
        (one,) = np.flatnonzero(self.at(np.array([row])))
        where = self.at(others)
        self._status[where], self._why[where] = self._status[one], self._why[one]

    def add(self, rows: Iterable[int], status: str, reason: str, detail: str = "") -> None:
        """Add lines that never became rows of a table: trailers, blank lines, repeated headers."""
        rows = np.asarray(rows, dtype=np.int64)
        if not len(rows):
            return
        order = np.argsort(np.concatenate([self.rows, rows]), kind="stable")
        self._status = np.concatenate([self._status, np.full(len(rows), LEDGER_STATUS.index(status), np.int8)])[order]
        self._why = np.concatenate([self._why, np.full(len(rows), self._reason(reason, detail), np.int32)])[order]
        self.rows = np.concatenate([self.rows, rows])[order]
        self.__dict__.pop("_gapless", None)

    @cached_property
    def _gapless(self) -> bool:
        """Whether the rows are consecutive."""
        return bool((np.diff(self.rows) == 1).all())

    @property
    def in_use(self) -> np.ndarray:
        """True for rows that are used or repaired."""
        return self._status <= REPAIRED

    def at(self, rows: np.ndarray) -> np.ndarray:
        """Mask of the given row numbers."""
        mask = np.zeros(len(self.rows), dtype=bool)
        rows = np.asarray(rows, dtype=np.int64)
        if not len(self.rows) or not len(rows):
            return mask
        if self._gapless:  # no need to search
            position = rows - self.rows[0]
            if position.min() < 0 or position.max() >= len(mask):
                position = position[(position >= 0) & (position < len(mask))]
            mask[position] = True
            return mask
        position = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        mask[position[self.rows[position] == rows]] = True
        return mask

    def ranges(self) -> pd.DataFrame:
        """The ledger of this file as `schema.LEDGER_COLUMNS`."""
        return ranges([self])

    def lines(self) -> dict[str, list]:
        """The lines of this file, of which there is at least one, by column."""
        new = np.ones(len(self.rows), dtype=bool)
        new[1:] = (np.diff(self._status) != 0) | (np.diff(self._why) != 0) | (np.diff(self.rows) > 1)
        first = np.flatnonzero(new)
        last = np.append(first[1:], len(self.rows)) - 1
        why, reasons = self._why[first], list(self._reasons)
        return {
            "file": [self.file] * len(first),
            "table": [self.table] * len(first),
            "first_row": self.rows[first].tolist(),
            "last_row": self.rows[last].tolist(),
            "rows": (last - first + 1).tolist(),
            "status": [LEDGER_STATUS[at] for at in self._status[first]],
            "reason": [reasons[at][0] for at in why],
            "detail": [reasons[at][1] for at in why],
        }


def ranges(ledgers: Iterable[Ledger]) -> pd.DataFrame:
    """The ledgers of many files as one, in their order."""
    columns: dict[str, list] = {name: [] for name in LEDGER_COLUMNS}
    for ledger in ledgers:
        if len(ledger):
            for name, cells in ledger.lines().items():
                columns[name] += cells
    return pd.DataFrame(columns) if columns["rows"] else empty_ledger()


def whole_file(file: str, rows: int, reason: str, detail: str = "", status: str = "skipped") -> pd.DataFrame:
    """One ledger line for a file that was not read at all."""
    line = (file, "", min(1, rows), rows, rows, status, reason, detail)
    return pd.DataFrame([line], columns=list(LEDGER_COLUMNS))


def empty_ledger() -> pd.DataFrame:
    """A ledger without lines."""
    columns = dict.fromkeys(LEDGER_COLUMNS, "str") | dict.fromkeys(("first_row", "last_row", "rows"), "int64")
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
