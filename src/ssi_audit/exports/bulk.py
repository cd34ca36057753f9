"""Tables larger than memory: what `settle` does, person bucket by person bucket.

Readings and counts of a person are settled by looking at this person only, and
events by looking at one deal. So the rows of large files go to disk as they
are read (`chunks`), are sorted into buckets of persons, and every bucket is
settled by the same functions as a small folder. What is written does not show
where a bucket ended. Only the names, one number a name, and the small tables
are ever in memory as a whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ssi_audit import people
from ssi_audit.engines import DuckDB
from ssi_audit.engines import text as sql_text
from ssi_audit.errors import DataError
from ssi_audit.exports import plain, settle, twice
from ssi_audit.exports.chunks import BIG
from ssi_audit.exports.crm import with_started
from ssi_audit.exports.ledger import Ledger
from ssi_audit.exports.settle import Settled
from ssi_audit.exports.spool import (
    BATCH_ROWS,
    MARKS,
    READER,
    Shelves,
    Spool,
    SpooledRows,
    window_of,
    windows_of,
    with_unit,
)
from ssi_audit.names import as_received

if TYPE_CHECKING:
    from ssi_audit.exports import Received


class Output(Protocol):
    """Where the tables go."""

    def start(self, roster: pd.DataFrame, files: Collection[str]) -> None:
        """Said first: who the people are, and which files the ledger tells of."""

    def rows(self, table: str, frame: pd.DataFrame, known: bool) -> None:
        """The next rows of one of `BIG`, in their final order: first those of known persons, then the others."""

    def ledger(self, lines: pd.DataFrame) -> None:
        """The next lines of the ledger."""

    def finish(self, small: Small) -> list[Path]:
        """Said last: the other tables; returns what was written."""


@dataclass(frozen=True)
class Small:
    """What fits into memory of a folder that does not.

    Attributes
    ----------
    people, quotas, absences : pandas.DataFrame
        As in `schema.Tables`.
    unmatched : dict of str to pandas.DataFrame
        Of quotas and absences, as in `exports.Reading`.
    proposals : pandas.DataFrame
    notes : tuple of str
    """

    people: pd.DataFrame
    quotas: pd.DataFrame
    absences: pd.DataFrame
    unmatched: dict[str, pd.DataFrame]
    proposals: pd.DataFrame
    notes: tuple[str, ...]


# --------------------------------------------------------------------------- who is where


@dataclass(frozen=True)
class Places:
    """Where the rows of each identity go.

    Attributes
    ----------
    person : pandas.Series
        Of each identity: the code, or what the files call a stranger.
    known : numpy.ndarray
    bucket : numpy.ndarray
        Persons in order; those of strangers come behind all others.
    n_known, n : int
        Buckets of known persons; of all.
    """

    person: pd.Series
    known: np.ndarray
    bucket: np.ndarray
    n_known: int
    n: int


def _places(matching: people.Matching, identities: list[str], counts: np.ndarray, bucket_rows: int) -> Places:
    codes = [matching.codes.get(identity, "") for identity in identities]
    known = np.array([code != "" for code in codes], dtype=bool)
    person = np.array([code or as_received(name) for code, name in zip(codes, identities)], dtype=object)
    bucket, first, n_known = np.zeros(len(codes), dtype=np.int64), 0, 0
    for side in (known, ~known):
        at = np.flatnonzero(side)
        _, order = np.unique(person[at].astype(str), return_inverse=True)
        before = np.cumsum(np.bincount(order, weights=counts[at])) if len(at) else np.zeros(1)
        bucket[at] = first + (np.maximum(before - 1, 0) // bucket_rows).astype(np.int64)[order]
        first = int(bucket[at].max()) + 1 if len(at) else first
        n_known = n_known or first
    n_known = n_known if known.any() else 0
    return Places(pd.Series(person, dtype="str"), known, bucket, n_known, first)


# --------------------------------------------------------------------------- settling


def build(received: Received, spool: Spool, output: Output) -> list[Path]:
    """As `settle.build`, writing the tables of `BIG` part by part.

    Raises
    ------
    DataError
        If people.csv contradicts itself.
    """
    settle.drop_same_files(received)
    work = _Work(received, spool, output)
    if work.matching.problems:
        raise DataError(work.matching.problems)
    small, unmatched, settled = work.small_tables()
    output.start(work.matching.people, work.files())
    for table in ("ssi", "activity"):
        work.settle(table)
    work.settle_events()
    settle.close_ledgers(received.rows, [*settled.values(), *work.settled])
    for lines in work.ledger():
        output.ledger(lines)
    roster = settle.with_teams(work.matching.people, settled["teams"].frame)
    there = {table: pd.DataFrame({"person": sorted(found)}) for table, found in work.there.items()}
    notes = settle.all_notes(received, work.matching, work.cut, work.remarks)
    return output.finish(
        Small(settle.with_presence(roster, there), small["quotas"], small["absences"], unmatched,
              work.matching.proposals, notes)
    )  # fmt: skip


class _Work:
    """One folder on its way to being settled."""

    def __init__(self, received: Received, spool: Spool, output: Output) -> None:
        self.received, self.spool, self.output = received, spool, output
        self.rows = received.rows
        self.far = np.array([isinstance(item, SpooledRows) for item in self.rows], dtype=bool)
        self.kept = {table: self._kept(table) for table in BIG}
        self.frames = {name: settle.combine(self.rows, name) for name in settle.COLUMNS if name not in BIG}
        self.counts = self._counts()
        self.identities = list(spool.identities)
        seen = pd.concat([self._seen(), settle.identities_seen(self.frames, self.rows)], ignore_index=True)
        self.matching = people.resolve(seen, settle.rosters(self.rows), settle.accepted(self.rows))
        self.marks = Shelves(spool.path(), MARKS)
        self.settled: list[Settled] = []
        self.remarks: dict[str, tuple[int, set[str]]] = {}
        self.cut: frozenset[tuple] = frozenset()
        self.there: dict[str, set[str]] = {table: set() for table in BIG}
        self.latest: dict[str, pd.Timestamp] = {}
        sources = [item.export or item.ledger.file for item in self.rows]
        files = {name: at for at, name in enumerate(dict.fromkeys(sources))}
        self.file_of = np.array([files[name] for name in sources], dtype=np.int64)

    # ---- who is who

    def _kept(self, table: str) -> dict[int, Path]:
        """Unit → its rows of a table on disk; those of small files are put there."""
        found = {}
        for unit, item in enumerate(self.rows):
            if isinstance(item, SpooledRows):
                if item.table == table:
                    found[unit] = item.kept
            elif (frame := getattr(item, table)) is not None and len(frame):
                found[unit] = self.spool.keep(frame, table)
        return found

    def _counts(self) -> dict[str, dict[int, pd.Series]]:
        """Rows of each identity by table and unit.

        Of a large file's counts only those that are not repeated (`plain.largest_count`).
        """
        engine = DuckDB(self.spool.memory, self.spool.path())
        try:
            return {
                table: {unit: self._count(engine, table, unit, path) for unit, path in units.items()}
                for table, units in self.kept.items()
            }
        finally:
            engine.close()

    def _count(self, engine: DuckDB, table: str, unit: int, path: Path) -> pd.Series:
        what = f"read_parquet({sql_text(str(path))})"
        if table == "activity" and self.far[unit]:
            what = f"(SELECT DISTINCT identity, date, metric, first_day FROM {what})"
        counted = engine.rows(f"SELECT identity, COUNT(*) FROM {what} GROUP BY identity ORDER BY identity")
        return pd.Series(dict(counted), dtype="int64")

    def _seen(self) -> pd.DataFrame:
        parts = [
            pd.DataFrame({"identity": pd.Series([self.identities[at] for at in own.index], dtype="str"),
                          "table": table, "file": self.rows[unit].ledger.file, "rows": own.to_numpy()})
            for table, units in self.counts.items() for unit, own in units.items()
        ]  # fmt: skip
        nothing = pd.DataFrame({"identity": pd.Series(dtype="str"), "table": "", "file": "", "rows": 0})
        return pd.concat(parts, ignore_index=True) if parts else nothing

    def small_tables(self) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame], dict[str, Settled]]:
        """Tables that are held whole, settled as in a small folder; what belongs to nobody known; and their rows."""
        kept, unmatched = settle.known_and_unmatched(self.frames, self.rows, self.matching)
        settled = {name: Settled(frame, frame) for name, frame in kept.items()}
        settled["quotas"] = settle.settle_quotas(
            kept["quotas"], [item.ledger.file for item in self.rows], self.received.tabs
        )
        twice.add_remarks(self.remarks, settled["quotas"].remarks)
        final = {name: settle.finished(settled[name].frame, name) for name in ("quotas", "absences")}
        return final, unmatched, settled

    # ---- one table

    def places(self, table: str) -> Places:
        """Buckets of a table."""
        counts = np.zeros(len(self.identities))
        for own in self.counts[table].values():
            counts[own.index.to_numpy(np.int64)] += own.to_numpy()
        return _places(self.matching, self.identities, counts, self.spool.bucket_rows)

    def batches(self, table: str) -> Iterator[pa.Table]:
        """All rows of a table, file after file, with their unit."""
        for unit, path in self.kept[table].items():
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(BATCH_ROWS):
                    rows = pa.Table.from_batches([batch])
                    yield rows.append_column("unit", pa.array(np.full(len(rows), unit)))

    def shelved(self, table: str, places: Places) -> Shelves:
        """The rows of a table on a shelf for each bucket."""
        shelves = Shelves(self.spool.path(), with_unit(table))
        for rows in self.batches(table):
            shelves.put(rows, places.bucket[rows["identity"].to_numpy()])
        return shelves

    def settle(self, table: str) -> None:
        """Settle readings or counts, bucket by bucket."""
        places = self.places(table)
        shelves = self.shelved(table, places)
        settle_one = settle.settle_ssi if table == "ssi" else settle.settle_activity
        for number in range(places.n):
            frame = self._frame(shelves.take(number), places)
            if table == "activity":
                frame = self._one_count(frame)
            if number >= places.n_known:
                self._strangers(table, frame)
                continue
            self._see(table, frame["date"].max())
            result = settle_one(frame)
            self.cut |= result.cut
            self._close(result)
            self._put_out(table, result.frame)

    def _see(self, table: str, day: pd.Timestamp) -> None:
        if pd.notna(day):
            self.latest[table] = max(day, self.latest.get(table, day))

    def _frame(self, rows: pa.Table, places: Places) -> pd.DataFrame:
        frame = rows.to_pandas()
        at = frame["identity"].to_numpy()
        person = places.person.array.take(at)
        return frame.assign(person=person, file=self.file_of[frame["unit"].to_numpy(np.int64)])

    def _one_count(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Of what a large file counts twice, the larger; of small files their readers have seen to it."""
        far = self.far[frame["unit"].to_numpy(np.int64)]
        kept, dropped = plain.largest_count(frame[far], ("unit", "identity", *plain.COUNT_OF[1:]))
        for gone, reason in dropped:
            self._mark(gone, "skipped", reason)
        return frame if len(kept) == far.sum() else frame[~far | frame.index.isin(kept.index)].reset_index(drop=True)

    def _strangers(self, table: str, frame: pd.DataFrame) -> None:
        """Rows of nobody known: told in the ledger, and written as such but for owners that are no people."""
        named = np.array(self.identities, dtype=object)[frame["identity"].to_numpy()]
        small = frame.assign(person=pd.Categorical(named))[~self.far[frame["unit"].to_numpy(np.int64)]]
        settle.mark_strangers(self.rows, small, self.matching)
        why = pd.DataFrame([self.matching.why[name] for name in named], columns=["status", "reason", "detail"])
        for (status, reason), own in why.groupby(["status", "reason"]):
            self._mark(frame.iloc[own.index], status, reason, own["detail"].to_numpy())
        left_out = pd.Series(named).isin(self.matching.left_out - {""}).to_numpy()
        self.output.rows(table, settle.finished(frame[~left_out], table), False)

    def _put_out(self, table: str, frame: pd.DataFrame) -> None:
        frame = settle.finished(frame, table)
        self.there[table].update(frame["person"].unique())
        self.output.rows(table, frame, True)

    def _close(self, result: Settled) -> None:
        """Remember what was kept and dropped of small files; mark what was dropped of large ones."""
        twice.add_remarks(self.remarks, result.remarks)
        if not self.far.all():
            self.settled.append(
                Settled(self._near(result.frame[:0]), self._near(result.counted),
                        [(self._near(gone), *why) for gone, *why in result.dropped])
            )  # fmt: skip
        for gone, reason, *detail in result.dropped:
            self._mark(gone, "skipped", reason, *detail)

    def _near(self, frame: pd.DataFrame) -> pd.DataFrame:
        if "unit" not in frame:
            return pd.DataFrame({"unit": [], "row": []}, dtype="int64")
        return frame.loc[~self.far[frame["unit"].to_numpy(np.int64)], ["unit", "row"]]

    def _mark(self, frame: pd.DataFrame, status: str, reason: str, detail: str | np.ndarray = "") -> None:
        """Say what became of rows of large files."""
        unit, row = frame["unit"].to_numpy(np.int64), frame["row"].to_numpy(np.int64)
        far = self.far[unit]
        if not far.any():
            return
        n = int(far.sum())
        told = [detail] * n if isinstance(detail, str) else detail[far]
        marks = {"row": row[far], "status": [status] * n, "reason": [reason] * n, "detail": told}
        self.marks.put(pa.table(marks, schema=MARKS), window_of(unit[far], row[far]))

    # ---- events

    def settle_events(self) -> None:
        """Settle events: deal by deal where ids and days alone decide, else as in a small folder, in memory."""
        if not self.kept["crm_events"]:
            return
        places = self.places("crm_events")
        shelves = Shelves(self.spool.path(), with_unit("crm_events"))
        for rows in self.batches("crm_events"):
            self._see_sure_days(rows, places)
            shelves.put(rows, _deal_shelf(rows, places))
        days = [day for day in self.latest.values() if pd.notna(day)]
        until = max(days, default=pd.NaT)
        if places.n_known and self._each_deal_alone(places, until):
            self._deal_by_deal(shelves, places, until)
        elif places.n_known:
            self._all_deals(shelves, places)
        for number in range(places.n_known, places.n):
            self._strangers("crm_events", self._frame(shelves.take(number), places))

    def _see_sure_days(self, rows: pa.Table, places: Places) -> None:
        """Days that tell how far these files know what happened: as `settle.known_until`."""
        sure = pc.is_in(rows["kind"], pa.array(("inquiry", "opportunity"), pa.large_string()))
        known = pa.array(places.known[rows["identity"].to_numpy()])
        days = [
            pc.max(rows["date"].filter(pc.and_(sure, known))),
            pc.max(pc.coalesce(rows["held"], rows["told"]).filter(known)),
        ]
        for day in days:
            self._see("crm_events", pd.Timestamp(day.as_py()) if day.is_valid else pd.NaT)

    def _deal_by_deal(self, shelves: Shelves, places: Places, until: pd.Timestamp) -> None:
        """What `twice.count_once` does where only files of one system, without lists in common, tell of events."""
        systems = np.array(self.received.readers, dtype=object)
        files = [item.ledger.file for item in self.rows]
        in_order = Shelves(self.spool.path(), with_unit("crm_events"))
        for number in range(places.n_known):
            frame = self._frame(shelves.take(number), places)
            if not len(frame):
                continue
            events = twice.Events(frame, systems, files)
            twice.tell_files_apart(events)
            twice.same_record(events)
            twice.planned(events, until)
            result = Settled(with_started(events.frame), events.frame, events.dropped, remarks=events.remarks)
            self._close(result)
            rows = pa.Table.from_pandas(result.frame[with_unit("crm_events").names], with_unit("crm_events"),
                                        preserve_index=False)  # fmt: skip
            in_order.put(rows, places.bucket[rows["identity"].to_numpy()])
        for number in range(places.n_known):
            self._put_out("crm_events", self._frame(in_order.take(number), places))

    def _all_deals(self, shelves: Shelves, places: Places) -> None:
        parts = [self._frame(shelves.take(number), places) for number in range(places.n_known)]
        whole = {
            "crm_events": pd.concat(parts).sort_values(["unit", "row"], kind="stable", ignore_index=True),
            "withdrawn": settle.taken_back(self.rows, settle.combine(self.rows, "crm_events"), self.matching),
        }
        days = {table: pd.DataFrame({"date": pd.Series([self.latest.get(table)], dtype="datetime64[us]")})
                for table in ("ssi", "activity")}  # fmt: skip
        files = [item.ledger.file for item in self.rows]
        result = settle.settle_events({**days, **whole}, self.received.readers, files, self.received.tabs)
        self._close(result)
        self._put_out("crm_events", result.frame)

    def _each_deal_alone(self, places: Places, until: pd.Timestamp) -> bool:
        """Whether no rule of `twice` but those about one deal or one day can drop an event."""
        units = list(self.kept["crm_events"])
        if any(self.received.readers[unit] != READER for unit in units):
            return False
        if len({int(self.file_of[unit]) for unit in units}) == 1:
            return True
        engine = DuckDB(self.spool.memory, self.spool.path())
        try:
            person = places.person.where(pd.Series(places.known), None)
            engine.give("places", pd.DataFrame({"identity": np.arange(len(person)), "person": person}))
            paths = {str(self.kept["crm_events"][unit]): int(self.file_of[unit]) for unit in units}
            engine.give("files", pd.DataFrame({"path": pd.Series(list(paths), dtype="str"), "file": paths.values()}))
            listed = ", ".join(sql_text(path) for path in paths)
            made = f"SELECT COUNT(*) FROM read_parquet([{listed}]) WHERE deal LIKE '{twice.MADE_ID}%'"
            return not engine.rows(made)[0][0] and not _lists_overlap(engine, listed, until)
        finally:
            engine.close()

    # ---- the ledger

    def files(self) -> set[str]:
        """All files that the ledger tells of."""
        return {item.ledger.file for item in self.rows}.union(*(part["file"] for part in self.received.ledgers))

    def ledger(self) -> Iterator[pd.DataFrame]:
        """The lines of all files in order of their names; those of large files are never in memory together."""
        far = {item.ledger.file: unit for unit, item in enumerate(self.rows) if self.far[unit]}
        near = settle.ledger_of(self.received)
        for name in sorted({*near["file"], *far}):
            if name in far:
                yield from self._lines(far[name])
            else:
                yield near[near["file"] == name]

    def _lines(self, unit: int) -> Iterator[pd.DataFrame]:
        item = self.rows[unit]
        waiting: pd.DataFrame | None = None
        for window in windows_of(item.lines):
            ledger = Ledger.of_lines(item.ledger.file, window, item.table)
            if item.again:
                ledger.skip(np.ones(len(ledger), dtype=bool), settle.SAME_FILE, item.again)
            first = int(ledger.rows[0])
            marks = self.marks.take(int(window_of(np.array([unit]), np.array([first]))[0])).to_pandas()
            for (status, reason), own in marks.groupby(["status", "reason"], sort=False):
                where = ledger.at(own["row"].to_numpy())
                detail = own.sort_values("row")["detail"].to_numpy(dtype=object)
                spread = np.full(len(ledger), "", dtype=object)
                spread[where] = detail
                (ledger.skip if status == "skipped" else ledger.unmatch)(where, reason, spread)
            lines = _joined(waiting, ledger.ranges())
            yield lines.iloc[:-1]
            waiting = lines.iloc[-1:]
        if waiting is not None:
            yield waiting


def _deal_shelf(rows: pa.Table, places: Places) -> np.ndarray:
    """All events of a deal on one shelf; those of strangers where strangers lie."""
    identity = rows["identity"].to_numpy()
    shelf = places.bucket[identity].copy()
    at = np.flatnonzero(places.known[identity])
    deal = rows["deal"].take(pa.array(at)).to_pandas()
    number = pd.util.hash_pandas_object(deal, index=False).to_numpy(copy=True)
    alone = deal.isna().to_numpy()
    number[alone] = rows["row"].to_numpy()[at][alone].astype(np.uint64)
    shelf[at] = (number % np.uint64(max(places.n_known, 1))).astype(np.int64)
    return shelf


def _lists_overlap(engine: DuckDB, paths: str, until: pd.Timestamp) -> bool:
    """Whether two files may be exports of the same list: the question of `twice`, asked of all pairs at once."""
    once = ", ".join(sql_text(kind) for kind in twice.ONCE_A_DEAL)
    planned = "" if pd.isna(until) else f"AND NOT (r.kind = 'meeting' AND r.date > TIMESTAMP '{until}')"
    told = ", ".join(name for name in twice.WHAT_IS_TOLD if name != "person")
    engine.view(
        "loose",
        f"SELECT p.person, {', '.join(f'r.{name}' for name in told.split(', '))}, f.file "
        f"FROM read_parquet([{paths}], filename = true) r JOIN places p ON p.identity = r.identity "
        "JOIN files f ON f.path = r.filename WHERE p.person IS NOT NULL AND r.id IS NULL "
        f"AND (r.deal IS NULL OR r.kind NOT IN ({once})) {planned}",
    )
    spans = engine.rows("SELECT file, MIN(date), MAX(date) FROM loose GROUP BY file ORDER BY file")
    pairs = [(a, b) for a, b in combinations(spans, 2) if max(a[1], b[1]) <= min(a[2], b[2])]
    if not pairs:
        return False
    engine.keep("told", f"SELECT person, {told}, file, COUNT(*) AS n FROM loose GROUP BY ALL")
    for (one, *first), (other, *second) in pairs:
        same = " AND ".join(f"a.{name} IS NOT DISTINCT FROM b.{name}" for name in twice.WHAT_IS_TOLD)
        both = (
            f"SELECT SUM(LEAST(a.n, b.n)) FROM told a JOIN told b ON {same} WHERE a.file = {one} AND b.file = {other}"
        )
        n_both = engine.rows(both)[0][0] or 0
        span = f"BETWEEN TIMESTAMP '{max(first[0], second[0])}' AND TIMESTAMP '{min(first[1], second[1])}'"
        covered = f"SELECT SUM(n) FROM told WHERE file IN ({one}, {other}) AND date {span} GROUP BY file ORDER BY file"
        counts = [n for (n,) in engine.rows(covered)]
        least = min(counts) if len(counts) == 2 else 0
        if n_both >= max(twice.OVERLAP_MIN, twice.OVERLAP_SHARE * least):
            return True
    return False


def _joined(before: pd.DataFrame | None, lines: pd.DataFrame) -> pd.DataFrame:
    """Lines behind the last one before them, which goes on if the first says the same."""
    if before is None:
        return lines
    last, first = before.iloc[0], lines.iloc[0]
    same = all(last[name] == first[name] for name in ("file", "table", "status", "reason", "detail"))
    if same and last["last_row"] + 1 == first["first_row"]:
        lines = lines.copy()
        lines.iloc[0, lines.columns.get_loc("first_row")] = last["first_row"]
        lines.iloc[0, lines.columns.get_loc("rows")] = last["rows"] + first["rows"]
        return lines
    return pd.concat([before, lines], ignore_index=True)
