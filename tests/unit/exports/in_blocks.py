"""Reading a folder in blocks, into memory, to be compared with reading it whole."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest

from ssi_audit import schema
from ssi_audit.errors import DataError
from ssi_audit.exports import chunks, read_folder, receive, settle, spool
from ssi_audit.exports.bulk import Small, build
from ssi_audit.exports.ledger import empty_ledger
from ssi_audit.settings import Settings

TABLES = ("ssi", "activity", "crm_events", "quotas", "absences")


@dataclass
class Held:
    """An output that keeps everything."""

    parts: dict[tuple[str, bool], list[pd.DataFrame]] = field(default_factory=dict)
    lines: list[pd.DataFrame] = field(default_factory=list)
    small: Small | None = None

    def start(self, roster: pd.DataFrame, files: set[str]) -> None:
        self.files = files

    def rows(self, table: str, frame: pd.DataFrame, known: bool) -> None:
        self.parts.setdefault((table, known), []).append(frame)

    def ledger(self, lines: pd.DataFrame) -> None:
        self.lines.append(lines)

    def finish(self, small: Small) -> list[Path]:
        self.small = small
        return []

    def table(self, name: str, known: bool) -> pd.DataFrame:
        """All rows of a table."""
        if name not in chunks.BIG:
            return getattr(self.small, name) if known else self.small.unmatched[name]
        parts = [part for part in self.parts.get((name, known), []) if len(part)]
        return pd.concat(parts, ignore_index=True) if parts else settle.empty_table(name)


@dataclass(frozen=True)
class Result:
    """What came out of a folder, or why nothing did."""

    complaint: str = ""
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    in_blocks: int = 0


@pytest.fixture
def tiny_blocks(monkeypatch):
    """Blocks, buckets and windows of a few rows, so that everything lies across their borders."""
    monkeypatch.setattr(chunks, "BLOCK_ROWS", 5)
    monkeypatch.setattr(chunks, "READ_BYTES", 220)
    monkeypatch.setattr(spool, "WINDOW", 9)
    monkeypatch.setattr(spool, "BATCH_ROWS", 8)


def read_whole(folder: Path, settings: Settings, skip: bool = False) -> Result:
    """As a small folder."""
    try:
        read = read_folder(folder, settings, skip_unreadable=skip)
    except DataError as error:
        return Result(complaint=str(error))
    frames = {name: getattr(read.tables, name) for name in (*TABLES, "people", "ledger")}
    frames |= {f"unmatched {name}": read.unmatched[name] for name in TABLES}
    return Result(frames=frames | {"proposals": read.proposals}, notes=read.tables.notes)


def read_in_blocks(folder: Path, settings: Settings, skip: bool = False, bucket_rows: int = 9) -> Result:
    """As a large folder, whatever the size of its files."""
    with tempfile.TemporaryDirectory() as rows:
        try:
            keep = spool.Spool(Path(rows), from_bytes=0, smallest=0, bucket_rows=bucket_rows)
            received = receive(folder, settings, skip_unreadable=skip, spool=keep)
            if received is None:
                return Result()
            held = Held()
            build(received, keep, held)
        except DataError as error:
            return Result(complaint=str(error))
    frames = {name: held.table(name, True) for name in TABLES} | {"people": held.small.people}
    frames |= {f"unmatched {name}": held.table(name, False) for name in TABLES}
    lines = [part for part in held.lines if len(part)]
    frames["ledger"] = pd.concat(lines, ignore_index=True) if lines else empty_ledger()
    frames["proposals"] = held.small.proposals
    n_far = sum(isinstance(item, spool.SpooledRows) for item in received.rows)
    assert set(frames["ledger"]["file"]) <= held.files
    return Result(frames=frames, notes=held.small.notes, in_blocks=n_far)


def same(folder: Path, settings: Settings | None = None, **options) -> Result:
    """Read a folder both ways; fails where anything differs."""
    settings = settings or Settings()
    skip = options.pop("skip", False)
    whole, blocks = read_whole(folder, settings, skip), read_in_blocks(folder, settings, skip, **options)
    assert blocks.complaint == whole.complaint
    assert blocks.notes == whole.notes
    assert blocks.frames.keys() == whole.frames.keys()
    for name, frame in whole.frames.items():
        pd.testing.assert_frame_equal(blocks.frames[name].reset_index(drop=True), frame, check_exact=True, obj=name)
    ledger = blocks.frames.get("ledger")
    assert ledger is None or list(ledger.columns) == list(schema.LEDGER_COLUMNS)
    return blocks
