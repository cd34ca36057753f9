"""The rows of large files on disk, on their way from their reader to being settled (`bulk`).

Persons lie there as numbers of what the files call them: who that is can be
told only when every file has been read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ssi_audit.exports import plain, settle
from ssi_audit.exports.chunks import BulkFile, NotInBlocks, as_bulk, prepare
from ssi_audit.exports.files import Folder
from ssi_audit.exports.ledger import Ledger
from ssi_audit.exports.table import Context, Rows, as_text

# A file smaller than this is never what fills the memory.
SMALLEST = 8 * 1024**2
# Rows of a bucket. A million took half as much memory again and no less time.
BUCKET_ROWS = 300_000
BATCH_ROWS = 500_000
# Rows whose fate is written together.
WINDOW = 1_000_000
# What DuckDB may use to count the distinct rows of a file.
MEMORY = 1_000_000_000

# Its files are the only ones that are read in blocks.
READER = "plain"
KIND = {**dict.fromkeys(settle.DAYS, pa.timestamp("us")), **dict.fromkeys(settle.FLOATS, pa.float64())}
MARKS = pa.schema(
    [("row", pa.int64()), ("status", pa.string()), ("reason", pa.large_string()), ("detail", pa.large_string())]
)
LINES = pa.schema(
    [("first_row", pa.int64()), ("rows", pa.int64()), ("status", pa.string()), ("reason", pa.large_string()),
     ("detail", pa.large_string())]
)  # fmt: skip


@dataclass
class SpooledRows(Rows):
    """What a large file gave: on disk.

    Attributes
    ----------
    table : str
        One of `BIG`; "" once the file turned out to be another one again.
    kept, lines : Path
        Its rows, and the ledger of its reader.
    n_received : int
    conventions : dict
        What was decided on its columns.
    """

    table: str = ""
    kept: Path | None = None
    lines: Path | None = None
    n_received: int = 0
    conventions: dict = field(default_factory=dict)
    again: str = ""

    def tells_the_same(self, other: Rows) -> bool:
        """Whether two files of the same bytes were understood in the same way."""
        return isinstance(other, SpooledRows) and self.conventions == other.conventions

    def leave_out(self, reason: str, detail: str) -> None:
        """Nothing of this file counts."""
        self.again, self.table = detail, ""


class Spool:
    """The rows of a folder's large tables on disk.

    Parameters
    ----------
    folder : Path
        Empty, and removed by the caller.
    from_bytes : int
        Large files that are smaller than this together are read whole.
    smallest, bucket_rows, memory : int, optional
        For tests and small machines; default: the constants of this module.
    """

    def __init__(
        self, folder: Path, *, from_bytes: int, smallest: int | None = None,
        bucket_rows: int | None = None, memory: int = MEMORY,
    ) -> None:  # fmt: skip
        self.folder, self.memory = folder, memory
        self.from_bytes = from_bytes
        self.smallest = min(SMALLEST, self.from_bytes) if smallest is None else smallest
        self.bucket_rows = bucket_rows or BUCKET_ROWS
        self.identities: dict[str, int] = {}
        self._n_files = 0

    def choose(self, top: Folder) -> bool:
        """Put files that are read in blocks into the place of large ones, if there is enough of them."""
        found = [
            (folder, at, bulk)
            for folder in top.walk()
            for at, file in enumerate(folder.files)
            if file.path is not None and file.size >= self.smallest and (bulk := as_bulk(file)) is not None
        ]
        if not found or sum(bulk.size for *_, bulk in found) < self.from_bytes:
            return False
        for folder, at, bulk in found:
            folder.files[at] = bulk
        return True

    def read(self, file: BulkFile, context: Context) -> list[Rows]:
        """Read a large file to disk."""
        try:
            reading = prepare(file, context.settings)
        except NotInBlocks:
            return list(plain.read(file.whole, context))
        rows = SpooledRows(Ledger(file.name, []), table=reading.table, kept=self.path(), lines=self.path())
        with (
            pq.ParquetWriter(rows.kept, schema(reading.table)) as kept,
            pq.ParquetWriter(rows.lines, LINES) as lines,
        ):
            for block in reading.blocks(context):
                frame = getattr(block, reading.table)
                if frame is not None and len(frame):
                    kept.write_table(self.arrow(frame, reading.table))
                if len(block.ledger):
                    rows.n_received += len(block.ledger)
                    own = block.ledger.lines()
                    lines.write_table(pa.table({name: own[name] for name in LINES.names}, schema=LINES))
        rows.conventions = reading.decided.conventions()
        return [rows]

    def keep(self, frame: pd.DataFrame, table: str) -> Path:
        """Put the rows of a small file beside those of the large ones."""
        path = self.path()
        pq.write_table(self.arrow(frame, table), path)
        return path

    def arrow(self, frame: pd.DataFrame, table: str) -> pa.Table:
        """Rows as they lie on disk: persons as numbers of their identities."""
        frame = settle.typed(frame, table)
        known = self.identities
        numbers = np.array([known.setdefault(name, len(known)) for name in frame["person"].cat.categories], np.int32)
        columns = {name: as_text(frame[name]) for name in frame.columns if name != "person"}
        codes = frame["person"].cat.codes.to_numpy()
        columns["identity"] = numbers[codes] if len(numbers) else np.zeros(0, np.int32)
        return pa.table(
            {name: pa.array(columns[name], from_pandas=True) for name in schema(table).names}
        ).cast(schema(table))  # fmt: skip

    def path(self) -> Path:
        """A file that is not there yet."""
        self._n_files += 1
        return self.folder / f"{self._n_files:06d}"


def schema(table: str) -> pa.Schema:
    """Columns of a table on disk."""
    names = [name for name in settle.COLUMNS[table] if name != "person"]
    return pa.schema(
        [("identity", pa.int32()), *((name, KIND.get(name, pa.large_string())) for name in names), ("row", pa.int64())]
    )


def with_unit(table: str) -> pa.Schema:
    """Columns of a table whose rows are from several files."""
    return schema(table).append(pa.field("unit", pa.int64()))


def window_of(unit: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Shelf of a row's fate."""
    return unit * 2**32 + row // WINDOW


def windows_of(path: Path) -> Iterator[pd.DataFrame]:
    """The lines of a file, cut where a window ends, a window at a time."""
    waiting = pd.DataFrame()
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH_ROWS):
            lines = pd.concat([waiting, _cut(batch.to_pandas())], ignore_index=True)
            window = lines["first_row"] // WINDOW
            for number in window.unique()[:-1]:
                yield lines[window == number]
            waiting = lines[window == window.iloc[-1]]
    if len(waiting):
        yield waiting


def _cut(lines: pd.DataFrame) -> pd.DataFrame:
    """Lines that lie in several windows, as one line for each."""
    first, last = lines["first_row"].to_numpy(), (lines["first_row"] + lines["rows"] - 1).to_numpy()
    n = last // WINDOW - first // WINDOW + 1
    at = np.repeat(np.arange(len(lines)), n)
    window = first[at] // WINDOW + (np.arange(len(at)) - np.repeat(np.cumsum(n) - n, n))
    cut = lines.iloc[at].reset_index(drop=True)
    start, end = np.maximum(first[at], window * WINDOW), np.minimum(last[at], (window + 1) * WINDOW - 1)
    return cut.assign(first_row=start, rows=end - start + 1)


class Shelves:
    """Rows put onto numbered shelves, one file each, in the order in which they came."""

    def __init__(self, folder: Path, columns: pa.Schema) -> None:
        folder.mkdir()
        self._folder, self._columns = folder, columns
        self._open: dict[int, pa.RecordBatchStreamWriter] = {}

    def put(self, rows: pa.Table, shelf: np.ndarray) -> None:
        """Append each row to its shelf."""
        order = np.argsort(shelf, kind="stable")
        shelves, starts = np.unique(shelf[order], return_index=True)
        for number, part in zip(shelves.tolist(), np.split(order, starts[1:])):
            if number not in self._open:
                packed = pa.ipc.IpcWriteOptions(compression="lz4")
                self._open[number] = pa.ipc.new_stream(self._path(number), self._columns, options=packed)
            self._open[number].write_table(rows if len(shelves) == 1 else rows.take(pa.array(part)))

    def take(self, number: int) -> pa.Table:
        """All rows of a shelf, which is cleared."""
        if number not in self._open:
            return self._columns.empty_table()
        self._open.pop(number).close()
        with pa.OSFile(self._path(number)) as file:
            rows = pa.ipc.open_stream(file).read_all()
        Path(self._path(number)).unlink()
        return rows

    def _path(self, number: int) -> str:
        return str(self._folder / str(number))
