"""Where the panel's SQL runs: DuckDB in this process, or Spark.

An engine knows five things: take a small frame, name a query, keep the result
of a query, and give rows or a table back. The text is DuckDB's; Spark gets it
through sqlglot. DuckDB is given a memory limit and a folder to spill into, so
that a table may be larger than the machine.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssi_audit.errors import Problem, SettingsError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ENGINES = ("duckdb", "spark")
# A Spark address that is not given on the command line; `local[*]` is this machine alone.
SPARK_ADDRESS, SPARK_LOCAL = "SPARK_REMOTE", "local[*]"
# What stays beside the database: Python with its libraries, the bucket being finished, the file being written.
OUTSIDE_DATABASE = 0.35
UNITS = {"": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
SMALLEST_MEMORY = 10**9


def parse_memory(text: str) -> int:
    """Bytes of ``4GB``, ``1500 MB`` or a plain number.

    Raises
    ------
    SettingsError
        When it is no amount of memory, or below a gigabyte.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]b?|)\s*", text.lower())
    unit = found[2].rstrip("b") + "b" if found and found[2] else ""
    size = int(float(found[1]) * UNITS[unit]) if found else 0
    if size < SMALLEST_MEMORY:
        raise SettingsError(Problem("--memory", f"{text!r} is not an amount of memory", "at least 1GB, such as 4GB"))
    return size


class DuckDB:
    """DuckDB, in memory.

    Parameters
    ----------
    memory : int, optional
        Bytes for the whole process; default: DuckDB's own limit.
    spill : Path, optional
        Folder for what does not fit.
    """

    def __init__(self, memory: int | None = None, spill: Path | None = None) -> None:
        import duckdb

        self._connection = duckdb.connect()
        if memory is not None:
            self._run(f"SET memory_limit = '{int(memory * (1 - OUTSIDE_DATABASE) / 1e6)}MB'")
            # The order of rows comes from ORDER BY alone; keeping the order of a scan costs memory.
            self._run("SET preserve_insertion_order = false")
        if spill is not None:
            self._run(f"SET temp_directory = {text(str(spill))}")

    def give(self, name: str, frame: pd.DataFrame) -> None:
        """Make a frame known under a name; it is not copied."""
        self._connection.register(name, frame)

    def view(self, name: str, sql: str) -> None:
        """Name a query; it runs when it is read."""
        self._run(f"CREATE OR REPLACE TEMP VIEW {name} AS {sql}")

    def keep(self, name: str, sql: str) -> None:
        """Run a query and keep its rows under a name."""
        self._run(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a small result."""
        return self._run(sql)

    def arrow(self, sql: str) -> pa.Table:
        """Result as an Arrow table."""
        return self._connection.sql(sql).to_arrow_table()

    def parquet(self, paths: Sequence[Path]) -> str:
        """What to put behind FROM to read Parquet files."""
        return f"read_parquet([{', '.join(text(str(path)) for path in paths)}])"

    def round_even(self, sql: str) -> str:
        """SQL of a number rounded to a whole one, halves to the even neighbour as pandas does."""
        return f"round_even({sql}, 0)"

    def close(self) -> None:
        """Drop everything."""
        self._connection.close()

    def _run(self, sql: str) -> list[tuple[Any, ...]]:
        # A statement is finished only when everything is fetched.
        return self._connection.execute(sql).fetchall()


class Spark:
    """Spark, on this machine or on a cluster that sees the same files.

    Parameters
    ----------
    address : str, optional
        ``sc://host:port`` (Spark Connect), a master (``spark://…``, ``yarn``, ``local[4]``); default: the
        environment variable SPARK_REMOTE, or this machine.
    memory : int, optional
        Bytes of the driver, where Spark is started here.
    """

    def __init__(self, address: str | None = None, memory: int | None = None) -> None:
        try:
            import sqlglot  # noqa: F401
            from pyspark.sql import SparkSession
        except ImportError as error:
            why = f"--engine spark needs the package {error.name}"
            raise SettingsError(Problem("--engine", why, "pip install 'ssi-audit[spark]'")) from error
        address = address or os.environ.get(SPARK_ADDRESS) or SPARK_LOCAL
        builder = SparkSession.builder.appName("ssi-audit")
        builder = builder.remote(address) if address.startswith("sc://") else builder.master(address)
        if memory is not None:
            builder = builder.config("spark.driver.memory", f"{memory // 10**6}m")
        if address.startswith("local"):
            builder = builder.config("spark.ui.enabled", "false").config("spark.driver.bindAddress", "127.0.0.1")
            builder = builder.config("spark.driver.host", "127.0.0.1")
            builder = builder.config("spark.ui.showConsoleProgress", "false")
            # One partition per core is plenty on one machine; the default of 200 is for clusters.
            builder = builder.config("spark.sql.shuffle.partitions", "4")
        self._session = builder.getOrCreate()
        self._kept: dict[str, Any] = {}
        # DuckDB's arithmetic: a division by zero is missing, not an error; frames travel as Arrow.
        for option, value in {
            "spark.sql.ansi.enabled": "false",
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.execution.arrow.pyspark.enabled": "true",
        }.items():
            self._session.conf.set(option, value)

    def give(self, name: str, frame: pd.DataFrame) -> None:
        """Make a small frame known under a name; as Arrow, so that a column missing throughout has a type too."""
        import pyarrow as pa

        plain = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
        self._session.createDataFrame(plain).createOrReplaceTempView(name)

    def view(self, name: str, sql: str) -> None:
        """Name a query; it runs when it is read."""
        self._query(sql).createOrReplaceTempView(name)

    def keep(self, name: str, sql: str) -> None:
        """Run a query and keep its rows under a name, in place of what was kept before."""
        if name in self._kept:
            self._kept[name].unpersist()
        self._kept[name] = self._query(sql).persist()
        self._kept[name].createOrReplaceTempView(name)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a small result."""
        return [tuple(row) for row in self._query(sql).collect()]

    def arrow(self, sql: str) -> pa.Table:
        """Result as an Arrow table."""
        return self._query(sql).toArrow()

    def parquet(self, paths: Sequence[Path]) -> str:
        """What to put behind FROM to read Parquet files; a view of its own, because paths are no SQL."""
        name = f"file_{abs(hash(tuple(map(str, paths)))):x}"
        self._session.read.parquet(*(str(path) for path in paths)).createOrReplaceTempView(name)
        return name

    def round_even(self, sql: str) -> str:
        """SQL of a number rounded to a whole one, halves to the even neighbour as pandas does."""
        return f"BROUND({sql}, 0)"

    def close(self) -> None:
        """End the session."""
        self._session.stop()

    def _query(self, sql: str) -> Any:
        return self._session.sql(spark_sql(sql))


Engine = DuckDB | Spark


def spark_sql(sql: str) -> str:
    """DuckDB's text as Spark reads it."""
    import sqlglot

    return sqlglot.transpile(sql, read="duckdb", write="spark", identify=True)[0]


def text(value: str) -> str:
    """A string as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"


def day_sql(column: str) -> str:
    """SQL of a date as whole days since 1970-01-01."""
    return f"CAST(DATE_DIFF('day', DATE '{dt.date(1970, 1, 1)}', CAST({column} AS DATE)) AS INTEGER)"
