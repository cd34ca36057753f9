"""Where the tables of a large folder go: the plain format, or Parquet with persons as codes.

The same files with the same rows as a small folder gives (`write`,
`panel_files.write_tables`), written part by part, whole or not at all.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ssi_audit.exports import settle, write
from ssi_audit.exports.chunks import BIG
from ssi_audit.exports.ledger import empty_ledger
from ssi_audit.writing import check_apart

if TYPE_CHECKING:
    from ssi_audit.exports.bulk import Small


class _Folder:
    """Files on their way into a folder, made beside it; use as a context that removes what was not finished."""

    def __init__(self, out: Path) -> None:
        self.out = out
        out.parent.mkdir(parents=True, exist_ok=True)
        self.made = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.made, ignore_errors=True)


class PlainFiles(_Folder):
    """The plain format as CSV, persons by name: as `write.write_plain`.

    Parameters
    ----------
    source, out : Path
        The folder that is read, and the one to write.
    """

    def __init__(self, source: Path, out: Path) -> None:
        check_apart(source, out)
        super().__init__(out)
        self._begun: set[str] = set()

    def start(self, roster: pd.DataFrame, files: Collection[str]) -> None:
        """Who the people are, and which files the ledger tells of."""
        self._names = write.handles(roster)

    def rows(self, table: str, frame: pd.DataFrame, known: bool) -> None:
        """The next rows of a table."""
        if known:
            frame = frame.assign(person=frame["person"].map(self._names).astype("str"))
        self._append(table, frame)

    def ledger(self, lines: pd.DataFrame) -> None:
        """The next lines of the ledger."""
        self._append("ledger", lines)

    def finish(self, small: Small) -> list[Path]:
        """The other tables; moves everything into place."""
        for name in write.IF_ANY:
            self.rows(name, getattr(small, name), True)
            self.rows(name, small.unmatched[name], False)
        for name in write.ALWAYS:
            if name not in self._begun:
                self._append(name, settle.empty_table(name), even_if_empty=True)
        if "ledger" not in self._begun:
            self._append("ledger", empty_ledger(), even_if_empty=True)
        self._append("people", write.people_table(small.people), even_if_empty=True)
        self._append(Path(write.REVIEW_FILE).stem, small.proposals)
        names = [name for name in write.FILES if Path(name).stem in self._begun]
        write.move(self.made, self.out, names)
        return [self.out / name for name in names]

    def _append(self, name: str, frame: pd.DataFrame, even_if_empty: bool = False) -> None:
        if len(frame) or even_if_empty:
            write.append(frame, self.made / f"{name}.csv", header=name not in self._begun)
            self._begun.add(name)


class ParquetFiles(_Folder):
    """Parquet with persons as codes, for the panel; rows of nobody known are told in the ledger only.

    Parameters
    ----------
    out : Path
    shape : callable
        Table and its name → what the panel needs of it (`panel_files.needed`).
    masked : callable
        Names of files → what may be stored of them (`privacy.masked_files`).
    """

    def __init__(
        self, out: Path, shape: Callable[[pd.DataFrame, str], pd.DataFrame], masked: Callable[[pd.Series], pd.Series]
    ) -> None:
        super().__init__(out)
        self._shape, self._masked = shape, masked
        self._writers: dict[str, pq.ParquetWriter] = {}

    def start(self, roster: pd.DataFrame, files: Collection[str]) -> None:
        """Who the people are, and which files the ledger tells of."""
        names = pd.Series(sorted(files), dtype="str")
        self._shown = dict(zip(names, self._masked(names)))

    def rows(self, table: str, frame: pd.DataFrame, known: bool) -> None:
        """The next rows of a table."""
        if known:
            self._append(table, self._shape(frame, table))

    def ledger(self, lines: pd.DataFrame) -> None:
        """The next lines of the ledger, without what the files say of persons."""
        if len(lines):
            self._append("ledger", public_lines(lines, self._shown))

    def finish(self, small: Small) -> list[Path]:
        """The other tables; moves everything into place."""
        for name in BIG:
            self.rows(name, settle.empty_table(name), True)
        self._append("ledger", empty_ledger())
        for name in ("people", "quotas", "absences"):
            self._append(name, self._shape(getattr(small, name), name))
        for writer in self._writers.values():
            writer.close()
        self.out.mkdir(exist_ok=True)
        for name in self._writers:
            (self.made / f"{name}.parquet").replace(self.out / f"{name}.parquet")
        return [self.out / f"{name}.parquet" for name in self._writers]

    def __exit__(self, *failed: object) -> None:
        for writer in self._writers.values():
            writer.close()
        super().__exit__(*failed)

    def _append(self, name: str, frame: pd.DataFrame) -> None:
        rows = pa.Table.from_pandas(frame, preserve_index=False)
        if name not in self._writers:
            self._writers[name] = pq.ParquetWriter(self.made / f"{name}.parquet", rows.schema)
        if len(rows):
            self._writers[name].write_table(rows.cast(self._writers[name].schema))


def public_lines(lines: pd.DataFrame, shown: dict[str, str]) -> pd.DataFrame:
    """Lines of a ledger as they may be stored beside codes."""
    return lines.assign(file=lines["file"].map(shown).astype("str"), detail=pd.Series("", lines.index, dtype="str"))
