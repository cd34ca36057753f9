"""What a period looks back on, held to pandas' own as-of join and rolling sum."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from ssi_audit import schema
from ssi_audit.errors import DataError
from ssi_audit.panel import build_panel
from ssi_audit.panel_files import write_big_panel, write_tables
from ssi_audit.settings import Settings
from ssi_audit.worlds import make_world
from tests.unit.small_tables import day, event, reading, tables
from tests.worlds.tables import tables_of

PERIOD_DAYS = {"week": 7, "month": 31}
SCORES = ("ssi", *schema.PILLARS)


@pytest.fixture(scope="module")
def gappy():
    """A world in which two readings of three are missing, pillars are missing here and there, and people come late."""
    made, rng = tables_of(make_world("activity_gauge", 12, 40, 3)), np.random.default_rng(4)
    ssi = made.ssi[rng.random(len(made.ssi)) < 1 / 3].copy()
    ssi["date"] += pd.to_timedelta(rng.integers(0, 3, len(ssi)), "D")
    ssi.loc[rng.random(len(ssi)) < 0.2, ["total", "people"]] = np.nan
    activity = made.activity[rng.random(len(made.activity)) < 0.8]
    late = made.people["person"].iloc[:4]
    activity = activity[~activity["person"].isin(late) | (activity["date"] > activity["date"].quantile(0.5))]
    return dataclasses.replace(made, ssi=ssi, activity=activity)


def last_reading(ssi: pd.DataFrame, wanted: pd.DataFrame, stale: int) -> pd.DataFrame:
    """Scores of the last reading up to a day, by pandas."""
    known = ssi.assign(ssi=ssi["total"].fillna(ssi[list(schema.PILLARS)].sum(axis=1, skipna=False)))
    known = known.dropna(subset=list(SCORES), how="all").sort_values("date")[["person", "date", *SCORES]]
    return pd.merge_asof(
        wanted.sort_values("date"), known, on="date", by="person", tolerance=pd.Timedelta(days=stale)
    ).sort_values("row", ignore_index=True)[list(SCORES)]


@pytest.mark.parametrize("period", PERIOD_DAYS)
def test_scores_are_those_of_an_as_of_join(gappy, period):
    """Exposure: the last reading before the period; lead: the last one up to the end of the lead. Old ones are gone."""
    settings = Settings(period=period)
    panel = build_panel(gappy, settings)
    stale = settings.stale_days_week if period == "week" else settings.stale_days_month
    step = pd.DateOffset(weeks=1) if period == "week" else pd.DateOffset(months=1)
    until = {"": panel["period"], "lead_": panel["period"] + step * (panel.attrs["facts"]["lead"] + 1)}
    last_known = max(gappy.ssi["date"].max(), gappy.activity["date"].max(), gappy.crm_events["date"].max())
    for prefix, end in until.items():
        wanted = pd.DataFrame({"row": panel.index, "person": panel["person"], "date": end - pd.Timedelta(days=1)})
        expected = last_reading(gappy.ssi, wanted.astype({"date": gappy.ssi["date"].dtype}), stale)
        if prefix:  # a lead that ends after the calendar has no end
            expected = expected.where(wanted["date"] < last_known + step)
        found = panel[[prefix + name for name in SCORES]].set_axis(list(SCORES), axis=1)
        assert found.notna().any().all()
        assert found.isna().any().all()
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_activity_of_the_window_is_a_rolling_sum(gappy):
    """The sum of the thirteen weeks before, by pandas; missing until a person's log is thirteen weeks old."""
    panel = build_panel(gappy, Settings(start=(gappy.crm_events["date"].min() + pd.Timedelta(weeks=5)).date()))
    kind_of = {metric: kind for kind, metrics in schema.ACTIVITY_TYPES.items() for metric in metrics}
    log = gappy.activity.assign(
        kind=gappy.activity["metric"].map(kind_of), week=gappy.activity["date"].dt.to_period("W-SUN").dt.start_time
    ).dropna(subset="kind")
    weeks = pd.date_range(log["week"].min() - pd.Timedelta(weeks=30), panel["period"].max(), freq="7D")
    first = log.groupby("person")["week"].min()
    for kind in panel.attrs["facts"]["activity_types"]:
        counts = log[log["kind"] == kind].pivot_table(index="week", columns="person", values="count", aggfunc="sum")
        counts = counts.reindex(index=weeks, columns=first.index).fillna(0)
        before = counts.rolling(13).sum().shift(1)
        before = before.where(before.index.to_numpy()[:, None] >= (first + pd.Timedelta(weeks=13)).to_numpy())
        expected = [before.at[week, person] for person, week in zip(panel["person"], panel["period"], strict=True)]
        assert panel[f"A_{kind}"].isna().any()
        np.testing.assert_allclose(panel[f"A_{kind}"], expected, rtol=1e-12, atol=1e-9)


def test_a_person_listed_twice_is_an_error(tmp_path):
    """Rows of such a person would count double; the message names the file and the code, and nothing is written."""
    once = tables(
        ssi=[reading("P1", day(0), 50), reading("P2", day(0), 40)],
        crm=[event(person, day(k, 4), "meeting") for person in ("P1", "P2") for k in (0, 1)],
    )
    people = pd.concat([once.people, once.people.iloc[1:]], ignore_index=True)
    write_tables(dataclasses.replace(once, people=people), tmp_path / "tables")
    with pytest.raises(DataError, match=r"(?s)people.parquet.*P2 listed more than once"):
        write_big_panel(tmp_path / "tables", tmp_path / "out" / "big.parquet")
    assert list((tmp_path / "out").iterdir()) == []
