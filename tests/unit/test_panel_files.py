"""The panel of Parquet tables in person buckets: the same file as the panel in one piece."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from ssi_audit import panel_files, schema
from ssi_audit.cli import main
from ssi_audit.engines import Spark, parse_memory
from ssi_audit.errors import DataError, SettingsError
from ssi_audit.panel import (
    BREAK_MIN_PEOPLE,
    BREAK_POINTS,
    BREAK_SHARE,
    build_panel,
    read_panel,
    score_breaks,
    write_panel,
)
from ssi_audit.panel_files import holds_tables, write_big_panel, write_tables
from ssi_audit.settings import Settings
from ssi_audit.worlds import make_world
from tests.unit.small_tables import day, event, reading, tables
from tests.worlds.tables import tables_of

RATES = Settings(currency="EUR", rates={"PLN": 0.2345})


@pytest.fixture(scope="module")
def everything():
    """Tables with all that a bucket could get wrong: deals that change hands, a score break, rates, absences."""
    made = tables_of(make_world("activity_gauge", 15, 40, 1))
    rng = np.random.default_rng(5)
    crm = made.crm_events.copy()
    handed = crm["kind"].isin(["meeting", "deal_won"]) & (rng.random(len(crm)) < 0.3)
    crm.loc[handed, "person"] = rng.permutation(crm.loc[handed, "person"].to_numpy())
    won = crm["kind"] == "deal_won"
    crm.loc[won, "amount"] = rng.uniform(1, 9000, won.sum()).round(3)
    crm.loc[won, "currency"] = np.array(["EUR", "PLN", "EUR"])[rng.integers(0, 3, won.sum())]
    stranger = crm.iloc[:5].assign(person="P999")
    ssi = made.ssi.copy()
    late = ssi["date"] > ssi["date"].min() + pd.Timedelta(weeks=22)
    pillars = ["brand", "people", "insights", "relationships"]
    ssi.loc[late, pillars] = (ssi.loc[late, pillars] + 3).clip(upper=25)
    ssi["total"] = ssi[pillars].sum(axis=1)
    person, first = made.people["person"], crm["date"].min()
    weeks = [first + pd.Timedelta(weeks=k) for k in range(len(person))]
    spread = made.activity.iloc[:40].assign(first_day=lambda rows: rows["date"] - pd.Timedelta(days=9))
    return dataclasses.replace(
        made,
        ssi=ssi,
        crm_events=pd.concat([crm, stranger], ignore_index=True),
        activity=pd.concat([made.activity, spread], ignore_index=True),
        people=made.people.assign(left_on=[weeks[-1], *[pd.NaT] * (len(person) - 1)]),
        quotas=pd.DataFrame(
            {
                "person": person,
                "period_start": first,
                "period_end": first + pd.Timedelta(days=83),
                "quota": 5000.0,
                "currency": "PLN",
            }
        ),
        absences=pd.DataFrame(
            {"person": person, "first_day": weeks, "last_day": [week + pd.Timedelta(days=8) for week in weeks]}
        ),
    )


@pytest.fixture(scope="module")
def whole(everything):
    return build_panel(everything, RATES)


@pytest.fixture(scope="module")
def folder(everything, tmp_path_factory):
    made = tmp_path_factory.mktemp("tables")
    write_tables(everything, made)
    return made


@pytest.mark.parametrize("buckets", [1, 3, 7])
def test_buckets_do_not_show_in_the_file(everything, whole, folder, buckets, tmp_path):
    """One, three and seven buckets write the bytes of the panel in one piece, score break and shared deals included."""
    assert whole.attrs["facts"]["breaks"]
    assert (everything.crm_events.dropna(subset="deal").groupby("deal")["person"].nunique() > 1).any()
    assert whole["quota_hit"].notna().any()
    write_panel(whole, tmp_path / "whole.parquet")
    done = write_big_panel(folder, tmp_path / "big.parquet", RATES, buckets=buckets)
    assert (done.rows, done.people, done.buckets) == (len(whole), whole["person"].nunique(), buckets)
    assert done.facts == whole.attrs["facts"]
    assert (tmp_path / "big.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_row_groups_are_even_and_read_back_as_the_same_panel(whole, folder, tmp_path, monkeypatch):
    """Many row groups, cut without regard to buckets, hold the same rows and regimes."""
    monkeypatch.setattr(panel_files, "ROW_GROUP", 100)
    write_big_panel(folder, tmp_path / "big.parquet", RATES, buckets=4)
    file = pq.read_metadata(tmp_path / "big.parquet")
    sizes = [file.row_group(k).num_rows for k in range(file.num_row_groups)]
    assert set(sizes[:-1]) == {100}
    pd.testing.assert_frame_equal(read_panel(tmp_path / "big.parquet"), whole, check_exact=True)
    assert read_panel(tmp_path / "big.parquet").attrs == whole.attrs


def test_tables_may_be_folders_of_files_in_any_order(whole, folder, tmp_path):
    """A table cut into several files, rows shuffled, gives the same panel."""
    cut = tmp_path / "cut"
    shutil.copytree(folder, cut)
    for name in ("ssi", "activity", "crm_events"):
        rows = pd.read_parquet(cut / f"{name}.parquet").sample(frac=1, random_state=2)
        (cut / f"{name}.parquet").unlink()
        (cut / name).mkdir()
        rows.iloc[::2].to_parquet(cut / name / "a.parquet", index=False)
        rows.iloc[1::2].to_parquet(cut / name / "b.parquet", index=False)
    write_big_panel(cut, tmp_path / "big.parquet", RATES, buckets=3)
    pd.testing.assert_frame_equal(read_panel(tmp_path / "big.parquet"), whole, check_exact=True)


def test_without_activity_there_is_a_panel(everything, folder, tmp_path):
    """Only scores, events and people are needed."""
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("ssi", "crm_events", "people"):
        shutil.copy(folder / f"{name}.parquet", bare)
    none = {name: getattr(everything, name).iloc[:0] for name in ("activity", "quotas", "absences")}
    write_big_panel(bare, tmp_path / "big.parquet", RATES, buckets=2)
    expected = build_panel(dataclasses.replace(everything, **none), RATES)
    pd.testing.assert_frame_equal(read_panel(tmp_path / "big.parquet"), expected, check_exact=True)


def test_two_readings_on_one_day_are_an_error_and_leave_no_file(tmp_path):
    """The person is named by code, and neither the file nor a part of it stays."""
    twice = tables(
        ssi=[reading("P1", day(0), 50), reading("P1", day(0), 51)],
        crm=[event("P1", day(0), "meeting"), event("P1", day(7, 4), "meeting")],
    )
    write_tables(twice, tmp_path / "tables")
    with pytest.raises(DataError, match="P1 has two readings on one day"):
        write_big_panel(tmp_path / "tables", tmp_path / "out" / "big.parquet")
    assert list((tmp_path / "out").iterdir()) == []


def test_missing_column_is_named_with_what_there_is(folder, tmp_path):
    """All tables are checked before anything runs."""
    shutil.copytree(folder, tmp_path / "tables")
    path = tmp_path / "tables" / "crm_events.parquet"
    pd.read_parquet(path).drop(columns=["deal", "started"]).to_parquet(path)
    (tmp_path / "tables" / "ssi.parquet").unlink()
    with pytest.raises(
        DataError, match=r"(?s)ssi.parquet.*no such table.*column deal, started is missing; it has person"
    ):
        write_big_panel(tmp_path / "tables", tmp_path / "big.parquet")
    assert not holds_tables(tmp_path / "tables")


def test_command_takes_tables_and_exports(tmp_path, capsys):
    """`load --as parquet` and `panel --memory` give the file that `panel` gives from the exports, without names."""
    assert main(["load", "data/sample", "--as", "parquet", "--out", str(tmp_path / "tables")]) == 0
    assert main(["panel", str(tmp_path / "tables"), "--memory", "2GB", "--out", str(tmp_path / "a.parquet")]) == 0
    assert main(["panel", "data/sample", "--out", str(tmp_path / "b.parquet")]) == 0
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert "name" not in pq.read_schema(tmp_path / "tables" / "people.parquet").names
    assert "people" in capsys.readouterr().out


@pytest.mark.parametrize(("text", "size"), [("4GB", 4e9), ("1500 mb", 1.5e9), ("2g", 2e9), ("3000000000", 3e9)])
def test_memory_is_read_with_its_unit(text, size):
    """Units in any case, with or without the B."""
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["much", "4 apples", "100MB", ""])
def test_memory_that_is_none_is_an_error(text):
    """A word, and less than a gigabyte."""
    with pytest.raises(SettingsError, match="not an amount of memory"):
        parse_memory(text)


def breaks_by_median(panel: pd.DataFrame) -> list[int]:
    """The rule as methods.md words it."""
    change = panel.groupby("person")["ssi"].diff()[panel.groupby("person")["p"].diff() == 1]
    by_period = change.groupby(panel["p"])
    same_way = np.maximum(by_period.agg(lambda d: (d > 0).mean()), by_period.agg(lambda d: (d < 0).mean()))
    found = (
        (by_period.median().abs() > BREAK_POINTS) & (same_way >= BREAK_SHARE) & (by_period.size() >= BREAK_MIN_PEOPLE)
    )
    return sorted(found.index[found])


def test_breaks_need_no_median():
    """Counting beyond the limit, and the two values nearest to it, decides as the median does, also with ties."""
    rng = np.random.default_rng(8)
    found = 0
    for _ in range(25):
        people, periods = rng.integers(4, 10), 12
        jump = np.where(rng.random(periods) < 0.4, rng.choice([-5, -4, 4, 5], periods), 0).cumsum()
        ssi = 50 + jump + rng.choice([0, 0, 0.5, 1], (people, periods))
        rows = pd.DataFrame(
            {
                "person": np.repeat(np.arange(people), periods),
                "p": np.tile(np.arange(periods), people),
                "ssi": ssi.ravel(),
            }
        ).sample(frac=0.95, random_state=1)
        rows = rows.sort_values(["person", "p"], ignore_index=True)
        assert score_breaks(rows) == breaks_by_median(rows)
        found += len(breaks_by_median(rows))
    assert found > 8


def test_without_spark_the_error_says_what_to_install(folder, tmp_path, monkeypatch, capsys):
    """The extra is named; nothing else happens."""
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    assert main(["panel", str(folder), "--engine", "spark", "--out", str(tmp_path / "p.parquet")]) == 2
    assert "pip install 'ssi-audit[spark]'" in capsys.readouterr().err
    assert not (tmp_path / "p.parquet").exists()


@pytest.mark.filterwarnings("ignore")
def test_spark_gives_the_same_panel(whole, folder, tmp_path, monkeypatch):
    """The same text on Spark, two buckets: counts equal to the last bit, sums to 1e-12."""
    pytest.importorskip("pyspark", reason="pyspark is not installed: extra [spark]")
    pytest.importorskip("sqlglot", reason="sqlglot is not installed: extra [spark]")
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        pytest.skip("Spark needs Java, and there is none on this machine")
    # A few hundred rows: compiling each plan would take longer than running it.
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    plain = ("codegen.wholeStage=false", "codegen.factoryMode=NO_CODEGEN", "adaptive.enabled=false")
    options = " ".join(f"--conf spark.sql.{option}" for option in plain)
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", f"{options} pyspark-shell")
    spark = Spark("local[2]")
    try:
        done = write_big_panel(folder, tmp_path / "spark.parquet", RATES, engine=spark, buckets=2)
    finally:
        spark.close()
    made = read_panel(tmp_path / "spark.parquet")
    assert done.facts == whole.attrs["facts"]
    counts = [c for c in made if c.split("_")[0] in schema.COUNT_OUTCOMES or c.endswith(("_num", "_den", "_hit"))]
    assert len(counts) > 16
    pd.testing.assert_frame_equal(made[counts], whole[counts], check_exact=True)
    pd.testing.assert_frame_equal(made, whole, rtol=1e-12, atol=0)
