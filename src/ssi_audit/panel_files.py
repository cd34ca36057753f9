"""The panel of tables that are larger than memory: Parquet in, Parquet out, one bucket of persons at a time.

The rows of a person need the tables of this person only, with one exception:
a deal passes from hand to hand. So what the whole input must tell is asked
first (days covered, links, currency, deals that belong to more than one
bucket), then the one SQL text of the panel runs bucket by bucket, and every
bucket is appended to the file. The file is the same, byte for byte, whatever
the number of buckets.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ssi_audit import schema
from ssi_audit.engines import DuckDB, Engine, Spark, day_sql, parse_memory, text
from ssi_audit.errors import DataError, Problem
from ssi_audit.panel import (
    Jumps,
    Plan,
    absence_frame,
    final_facts,
    give_words,
    json_facts,
    make_plan,
    people_frame,
    quota_frame,
    regimes,
    revenue_currency,
    sides_of,
    unread_quotas,
)
from ssi_audit.panel_rows import named, panel_rows, panel_schema
from ssi_audit.panel_sql import READINGS_SQL, panel_sql
from ssi_audit.settings import Settings
from ssi_audit.writing import write_whole

# Tables as `ssi-audit load --as parquet` writes them: one row per fact, persons as codes, dates as dates.
BIG, SMALL = ("ssi", "activity", "crm_events"), ("people", "quotas", "absences")
REQUIRED = ("ssi", "crm_events", "people")
NEEDED = {
    "ssi": ("person", "date", *schema.PILLARS, "total"),
    "activity": ("person", "date", "metric", "count", "first_day"),
    "crm_events": ("person", "date", "kind", "amount", "currency", "source", "deal", "started"),
    "people": ("person", "team", "territory", "hired_on", "left_on", "licence_start"),
    "quotas": ("person", "period_start", "period_end", "quota", "currency"),
    "absences": ("person", "first_day", "last_day"),
}
DATES = (
    "date",
    "first_day",
    "last_day",
    "started",
    "hired_on",
    "left_on",
    "licence_start",
    "period_start",
    "period_end",
)
# Memory per input row of a bucket: with less the hash tables of the joins no longer fit and are written to disk,
# which doubles the time (13 processor seconds a million readings instead of 8).
BYTES_PER_ROW = 2000
# Small enough to write often, large enough to compress well.
ROW_GROUP = 1 << 17
# Rows per bucket that keep hash tables near the processor, where memory would allow more.
MAX_BUCKET_ROWS = 4_000_000


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes
    ----------
    people, rows, buckets : int
    facts : dict
        As in ``attrs["facts"]`` of a panel.
    """

    people: int
    rows: int
    buckets: int
    facts: dict[str, Any]


def holds_tables(folder: Path) -> bool:
    """Whether a folder holds tables as Parquet rather than exports."""
    found = {name: _files(folder, name) for name in REQUIRED}
    return all(found.values()) and all(
        set(NEEDED[name]) <= set(pq.read_schema(path).names) for name, files in found.items() for path in files
    )


def write_tables(tables: schema.Tables, folder: Path) -> list[Path]:
    """Write what the panel needs of the tables as Parquet: persons as codes, no name."""
    written = []
    for name in NEEDED:
        path = folder / f"{name}.parquet"
        write_whole(path, needed(getattr(tables, name), name).to_parquet(index=False))
        written.append(path)
    return written


def needed(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """The columns of a table that the panel needs, in the types of the file."""
    table = frame[list(NEEDED[name])]
    days = {column: table[column].astype("datetime64[us]") for column in table if column in DATES}
    texts = {column: table[column].astype("str") for column in table if table[column].dtype == object}
    return table.assign(**{**texts, **days})


def panel_within(
    folder: Path,
    out: Path,
    settings: Settings,
    write: Callable[[Path], object],
    memory: str | None = None,
    engine: str = "duckdb",
    address: str | None = None,
) -> Written:
    """`write_big_panel` as the command line asks for it: from tables, or from exports once they are read.

    Parameters
    ----------
    folder, out, settings
        As `write_big_panel`.
    write : callable
        Writes the tables of the exports into a folder, where the folder holds none.
    memory : str, optional
        Such as ``4GB``.
    engine : {"duckdb", "spark"}
    address : str, optional
        Of Spark.
    """
    limit = parse_memory(memory) if memory else None
    spark = Spark(address, limit) if engine == "spark" else None
    try:
        if holds_tables(folder):
            return write_big_panel(folder, out, settings, engine=spark, memory=limit)
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-tables-", dir=out.parent) as tables:
            write(Path(tables))
            return write_big_panel(Path(tables), out, settings, engine=spark, memory=limit)
    finally:
        if spark is not None:
            spark.close()


def write_big_panel(
    folder: Path,
    out: Path,
    settings: Settings | None = None,
    *,
    engine: Engine | None = None,
    memory: int | None = None,
    buckets: int | None = None,
) -> Written:
    """Build the panel from Parquet tables and write it as Parquet.

    Parameters
    ----------
    folder : Path
        Holds ``ssi.parquet``, ``crm_events.parquet``, ``people.parquet`` and, if there are any,
        ``activity.parquet``, ``quotas.parquet`` and ``absences.parquet``; or folders of these names with files.
    out : Path
    settings : Settings, optional
    engine : Engine, optional
        Default: DuckDB. Closed by the caller.
    memory : int, optional
        Bytes that this process may use; default: half of the machine's.
    buckets : int, optional
        Default: as many as `memory` asks for.

    Raises
    ------
    DataError
        A table or a column is missing, a person is listed twice, or has two readings on one day.
    NotEnoughData
        As `build_panel`.
    """
    settings, memory = settings or Settings(), memory or _half_of_memory()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as spill:
        ours = engine is None
        engine = engine or DuckDB(memory, Path(spill))
        try:
            n_rows = _name_tables(engine, folder)
            small = {name: _small(folder, name) for name in SMALL}
            _refuse_twice(small["people"]["person"])
            plan, sides, names, main = _decide(engine, folder, small, settings)
            plan.facts["missing"].update(unread_quotas(small["quotas"], main, settings))
            wanted = buckets or -(-n_rows // min(MAX_BUCKET_ROWS, max(memory // BYTES_PER_ROW, 1)))
            crowd = _number_people(engine, names, sides["both"], wanted)
            return _write(engine, plan, crowd, _as_read(small, main, settings, names, sides["both"]), out)
        finally:
            if ours:
                engine.close()


def _write(engine: Engine, plan: Plan, crowd: _Crowd, tables: dict[str, pd.DataFrame], out: Path) -> Written:
    sql, jumps = panel_sql(plan.known), Jumps(len(plan.starts))

    def append(counted: pa.Table, readings: pa.Table) -> tuple[int, int, int]:
        """Write a bucket; how many persons, quotas and rows with a negative revenue it has."""
        rows = panel_rows(counted, readings, plan, crowd.labels)
        person, p = (rows[name].to_numpy() for name in ("person", "p"))
        jumps.add(person, p, rows["ssi"].to_numpy())
        writer.write(named(rows, plan, crowd.labels))
        n_people = np.count_nonzero(np.diff(person, prepend=-1))  # in order, and no number is negative
        negative = np.count_nonzero(rows["revenue"].to_numpy() < 0)
        return n_people, len(rows) - rows["quota_hit"].null_count, negative

    # While one bucket is put in order and written, which takes one core, the engine computes the next.
    with PanelWriter(out) as writer, ThreadPoolExecutor(1) as behind:
        written: list[Future[tuple[int, int, int]]] = []
        for bucket in range(crowd.n_buckets):
            _open_bucket(engine, crowd, bucket, tables)
            rows = engine.arrow(sql), engine.arrow(READINGS_SQL)
            for last in written[-1:]:  # one bucket at a time is held beside the engine's, and a failure ends the run
                last.result()
            written.append(behind.submit(append, *rows))
        people, quotas, negative = zip(*(part.result() for part in written), strict=True)
        writer.breaks = jumps.breaks()
        writer.facts = final_facts(plan, writer.breaks, any(quotas), sum(negative))
    return Written(sum(people), writer.n_rows, crowd.n_buckets, writer.facts)


# ---- what the whole input tells -------------------------------------------------------------------------------------


def _name_tables(engine: Engine, folder: Path) -> int:
    """Views ``every_ssi``, … of the big tables, persons as text; returns the number of rows."""
    problems, n_rows = [], 0
    for name, columns in NEEDED.items():
        files = _files(folder, name)
        if not files and name in REQUIRED:
            problems.append(Problem(f"{name}.parquet", "no such table", "write it with `ssi-audit load --as parquet`"))
        for path in files:
            there = pq.read_schema(path).names
            missing = [column for column in columns if column not in there]
            if missing:
                found = f"column {', '.join(missing)} is missing; it has {', '.join(there)}"
                problems.append(Problem(path.name, found, "write it with `ssi-audit load --as parquet`"))
            n_rows += pq.read_metadata(path).num_rows if name in BIG else 0
    if problems:
        raise DataError(problems)
    scores = ", ".join(f"NULLIF(CAST({c} AS DOUBLE), CAST('NaN' AS DOUBLE)) AS {c}" for c in (*schema.PILLARS, "total"))
    engine.view("every_ssi", f"SELECT person, {day_sql('date')} AS day, {scores} FROM {_from(engine, folder, 'ssi')}")
    days = f"{day_sql('date')} AS day, {day_sql('first_day')} AS first_day"
    engine.view(
        "every_activity",
        f"SELECT person, {days}, metric, CAST(count AS DOUBLE) AS count FROM {_from(engine, folder, 'activity')}",
    )
    return n_rows


def _from(engine: Engine, folder: Path, name: str) -> str:
    """What to put behind FROM to read a table; one that is not there is empty."""
    files = _files(folder, name)
    if files:
        return engine.parquet(files)
    none = ", ".join(f"CAST(NULL AS {'DATE' if c in DATES else 'VARCHAR'}) AS {c}" for c in NEEDED[name])
    return f"(SELECT {none} WHERE 1 = 0) AS nothing"


def _decide(
    engine: Engine, folder: Path, small: dict[str, pd.DataFrame], settings: Settings
) -> tuple[Plan, dict[str, list[str]], np.ndarray, str]:
    """Plan, persons by what is known of them, all persons with a row anywhere (sorted), and the currency."""
    raw = _from(engine, folder, "crm_events")
    priced = engine.rows(
        f"SELECT currency, COUNT(*) FROM {raw} WHERE kind = 'deal_won' AND amount IS NOT NULL GROUP BY currency"
    )
    currency = revenue_currency(dict(priced), settings)
    rates = {currency[0]: 1.0, **settings.rates}
    # An amount without a currency is in the main one; one in a currency without a rate is missing. Rates stand in the
    # text rather than in a table, because a join would be made for every question about the events.
    rate = " ".join(f"WHEN e.currency = {text(code)} THEN {value:.16e}" for code, value in rates.items())
    amount = f"CAST(e.amount AS DOUBLE) * CASE WHEN e.currency IS NULL THEN 1e0 {rate} END * 100"
    engine.view(
        "every_crm_events",
        f"SELECT e.person, {day_sql('e.date')} AS day, e.kind, e.source, e.deal, {day_sql('e.started')} AS started, "
        f"CAST({engine.round_even(amount)} AS BIGINT) AS cents FROM {raw} e",
    )
    for name in BIG:
        engine.view(name, f"SELECT * FROM every_{name}")
    sources = engine.rows("SELECT DISTINCT source FROM crm_events WHERE source IS NOT NULL")
    give_words(engine, sorted(source for (source,) in sources), settings)
    scored, selling = (
        {person for (person,) in engine.rows(f"SELECT DISTINCT person FROM {name} WHERE person IS NOT NULL")}
        for name in ("ssi", "crm_events")
    )
    sides = sides_of(small["people"]["person"].astype(str), scored, selling)
    return make_plan(engine, settings, currency, sides), sides, np.array(sorted(scored | selling)), currency[0]


@dataclass(frozen=True)
class _Crowd:
    """Persons as numbers, in the order of their names, and cut into buckets.

    Attributes
    ----------
    names : ndarray of str
        All persons with a row anywhere, sorted; the position is the number.
    labels : Array
        The same for Arrow, which names a row fifteen times as fast.
    bounds : list of (str, str)
        First and last person of each bucket.
    """

    names: np.ndarray
    labels: pa.Array
    bounds: list[tuple[str, str]]

    @property
    def n_buckets(self) -> int:
        return len(self.bounds)


def _number_people(engine: Engine, names: np.ndarray, people: list[str], buckets: int) -> _Crowd:
    """Give the engine numbers and buckets of persons, and the events of deals that more than one bucket holds."""
    parts = np.array_split(np.array(people), max(1, min(buckets, len(people))))
    bucket = pd.Series(np.repeat(np.arange(len(parts)), [len(part) for part in parts]), index=people)
    codes = pd.DataFrame({"name": pd.Series(names, dtype="str"), "code": np.arange(len(names))})
    codes["bucket"] = bucket.reindex(names).fillna(-1).to_numpy("int64")
    engine.give("all_codes", codes)
    engine.keep("codes", "SELECT name, CAST(code AS INTEGER) AS code, CAST(bucket AS INTEGER) AS bucket FROM all_codes")
    engine.view(
        "deals",
        "SELECT e.deal, e.kind, e.day, k.code AS person, COALESCE(k.bucket, -1) AS bucket "
        "FROM every_crm_events e LEFT JOIN codes k ON k.name = e.person WHERE e.deal IS NOT NULL",
    )
    if len(parts) > 1:
        engine.keep(
            "passed_on",
            "SELECT e.deal, e.kind, e.day, e.person, e.bucket FROM deals e JOIN (SELECT deal FROM deals GROUP BY deal "
            "HAVING MIN(bucket) <> MAX(bucket)) AS d ON d.deal = e.deal",
        )
        engine.keep("passed_to", "SELECT DISTINCT deal, bucket FROM passed_on")
    return _Crowd(names, pa.array(names, pa.string()), [(str(part[0]), str(part[-1])) for part in parts])


def _as_read(
    small: dict[str, pd.DataFrame], main: str, settings: Settings, names: np.ndarray, people: list[str]
) -> dict[str, pd.DataFrame]:
    """Small tables as the SQL reads them: only persons of the panel, as numbers."""
    tables = {
        "people": people_frame(small["people"]),
        "quotas": quota_frame(small["quotas"], main, settings),
        "absences": absence_frame(small["absences"]),
    }
    here = {name: frame[frame["person"].isin(people)] for name, frame in tables.items()}
    return {
        name: frame.assign(person=np.searchsorted(names, frame["person"]).astype("int32"))
        for name, frame in here.items()
    }


# ---- one bucket -----------------------------------------------------------------------------------------------------


def _open_bucket(engine: Engine, crowd: _Crowd, bucket: int, tables: dict[str, pd.DataFrame]) -> None:
    """Point the names that the SQL uses at the rows of one bucket."""
    first, last = crowd.bounds[bucket]
    # The range of names lets the engine skip what a sorted file holds of others.
    who = (
        f"JOIN codes k ON k.name = x.person WHERE k.bucket = {bucket} "
        f"AND x.person BETWEEN {text(first)} AND {text(last)}"
    )
    scores = ", ".join(f"x.{column}" for column in (*schema.PILLARS, "total"))
    engine.view("ssi", f"SELECT k.code AS person, x.day, {scores} FROM every_ssi x {who}")
    engine.view(
        "activity", f"SELECT k.code AS person, x.day, x.first_day, x.metric, x.count FROM every_activity x {who}"
    )
    engine.keep(
        "own_events",
        f"SELECT k.code AS person, x.day, x.kind, x.source, x.deal, x.started, x.cents FROM every_crm_events x {who}",
    )
    engine.view("crm_events", "SELECT * FROM own_events")
    if crowd.n_buckets == 1:
        engine.view("deal_events", "SELECT deal, kind, day, person FROM deals")
    else:
        engine.view(
            "deal_events",
            "SELECT deal, kind, day, person FROM crm_events WHERE deal IS NOT NULL UNION ALL "
            f"SELECT deal, kind, day, person FROM passed_on WHERE bucket <> {bucket} "
            f"AND deal IN (SELECT deal FROM passed_to WHERE bucket = {bucket})",
        )
    low, high = np.searchsorted(crowd.names, [first, last])
    for name, frame in tables.items():
        engine.give(name, frame[frame["person"].between(low, high)].reset_index(drop=True))


# ---- files ----------------------------------------------------------------------------------------------------------


class PanelWriter:
    """Writes a panel part by part, whole or not at all; the file does not show where a part ended.

    Set `facts` before the block ends, and `breaks` where the regimes of the parts are not final.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(f".{path.name}.part")
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []
        self.n_rows = 0
        self.facts: dict[str, Any] = {}
        self.breaks: list[int] = []

    def __enter__(self) -> PanelWriter:
        """Nothing is opened before the first part."""
        return self

    def write(self, part: pa.Table) -> None:
        """Append rows, in order."""
        self._waiting.append(part)
        self.n_rows += len(part)
        if sum(map(len, self._waiting)) >= ROW_GROUP:
            self._flush(ROW_GROUP)

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        """Move the finished file into place, or leave no trace."""
        try:
            if failed is None:
                self._flush(1)
                self._close(self._writer)
                if self.breaks:
                    self._mark_breaks()
                self._part.replace(self._path)
        finally:
            if self._writer is not None:
                self._writer.close()
            self._part.unlink(missing_ok=True)

    def _flush(self, at_least: int) -> None:
        """Write whole row groups, and at the end what is left."""
        rows = pa.concat_tables(self._waiting)
        if self._writer is None:
            self._writer = self._open(self._part, rows.schema)
        start = 0
        while len(rows) - start >= at_least:
            self._writer.write_table(rows.slice(start, ROW_GROUP), row_group_size=ROW_GROUP)
            start += ROW_GROUP
            if start >= len(rows):
                break
        self._waiting = [rows.slice(min(start, len(rows)))]

    def _open(self, path: Path, columns: pa.Schema) -> pq.ParquetWriter:
        # Without Arrow's own copy of the schema, the facts may be added at the end: only then they are known. Least
        # and largest values help who looks for persons or periods; those of fifty numbers cost a quarter of the time.
        return pq.ParquetWriter(path, columns, store_schema=False, write_statistics=["person", "period", "p"])

    def _close(self, writer: pq.ParquetWriter) -> None:
        writer.add_key_value_metadata({"PANDAS_ATTRS": json.dumps({"facts": json_facts(self.facts)})})
        writer.close()

    def _mark_breaks(self) -> None:
        """Write the file again with the regimes that were found."""
        again = self._path.with_name(f".{self._path.name}.again")
        with pq.ParquetFile(self._part) as file:
            writer = self._open(again, self._writer.schema)
            for number in range(file.num_row_groups):
                rows = file.read_row_group(number)
                regime = pa.array(regimes(rows["p"].to_numpy(), self.breaks))
                rows = rows.set_column(rows.column_names.index("regime"), "regime", regime)
                writer.write_table(rows.cast(self._writer.schema), row_group_size=ROW_GROUP)
            self._close(writer)
        again.replace(self._part)


def arrow_panel(panel: pd.DataFrame) -> pa.Table:
    """A panel in memory as the file holds it."""
    plain = panel.copy(deep=False)
    plain.attrs = {}
    rows = pa.Table.from_pandas(plain, schema=panel_schema(list(plain.columns)), preserve_index=False)
    return rows.replace_schema_metadata()


def _files(folder: Path, name: str) -> list[Path]:
    """Parquet files of a table: one file, or all in a folder of its name."""
    for place in (folder / f"{name}.parquet", folder / name):
        if place.is_file():
            return [place]
        if place.is_dir():
            return sorted(place.glob("*.parquet"))
    return []


def _small(folder: Path, name: str) -> pd.DataFrame:
    """A table that always fits into memory; empty when there is none."""
    files = _files(folder, name)
    columns = list(NEEDED[name])
    if files:
        return pd.concat([pd.read_parquet(path, columns=columns) for path in files], ignore_index=True)
    return pd.DataFrame(
        {c: pd.Series(dtype="float64" if c == "quota" else "datetime64[us]" if c in DATES else "str") for c in columns}
    )


def _refuse_twice(people: pd.Series) -> None:
    twice = people[people.duplicated()].unique()
    if len(twice):
        more = f" and {len(twice) - 5} more" if len(twice) > 5 else ""
        found = f"{', '.join(map(str, twice[:5]))}{more} listed more than once"
        raise DataError(Problem("people.parquet", found, "keep one row of each"))


def _half_of_memory() -> int:
    if hasattr(os, "sysconf"):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return 4 * 10**9
