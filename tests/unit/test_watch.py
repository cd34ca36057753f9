"""What to watch instead: on tables where it is known which number comes before the deals."""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np
import pandas as pd
import pytest

from ssi_audit import schema
from ssi_audit.errors import NotEnoughData
from ssi_audit.panel import build_panel
from ssi_audit.settings import Settings
from ssi_audit.watch import CONTAIN_OUTCOME, rank_indicators, watch_sample
from tests.unit.small_tables import day, tables

PEOPLE, WEEKS = 14, 100


@functools.cache
def _organisation(people: int = PEOPLE) -> schema.Tables:
    """New connections swing slowly and bring deals in the next quarter; score, inquiries and searches are noise."""
    rng = np.random.default_rng(5)
    ssi, activity, crm = [], [], []
    for i in range(people):
        who = f"P{i:02d}"
        phase = rng.uniform(0, 2 * np.pi)
        swing = np.sin(2 * np.pi * np.arange(WEEKS) / 60 + phase)
        for week in range(WEEKS):
            ssi.append({"person": who, "date": day(week, 6), "total": float(rng.integers(40, 70))})
            for metric, mean in (("connections_added", 6 * np.exp(0.9 * swing[week])), ("searches", 10)):
                count = float(rng.poisson(mean))
                activity.append({"person": who, "date": day(week), "metric": metric, "count": count})
            crm += [{"person": who, "date": day(week, 1), "kind": "inquiry", "source": "LinkedIn"}] * rng.poisson(2)
            crm += [{"person": who, "date": day(week, 1), "kind": "inquiry", "source": "Fair"}] * rng.poisson(1)
            past = swing[max(week - 13, 0) : week].mean() if week else 0.0
            crm += [{"person": who, "date": day(week, 2), "kind": "deal_won"}] * rng.poisson(0.5 * np.exp(1.2 * past))
    return tables(ssi, activity, crm)


@functools.cache
def _ranked() -> dict:
    made = _organisation()
    return {item.name: item for item in rank_indicators(build_panel(made), made)}


def test_the_number_that_comes_before_the_deals_is_on_top():
    """New connections foretell the quarter clearly; the score, which is noise here, does not."""
    ranked = _ranked()
    assert next(iter(ranked)) == "connections"
    assert ranked["connections"].low > 0
    assert ranked["ssi"].low <= 0
    assert ranked["searches"].low <= 0


def test_the_score_is_always_in_the_list():
    """For comparison, with a number of its own."""
    assert math.isfinite(_ranked()["ssi"].skill)


def test_best_comes_first():
    """Indicators with a result fall in skill; those left out come last."""
    skills = [item.skill for item in _ranked().values()]
    known = [skill for skill in skills if math.isfinite(skill)]
    assert known == sorted(known, reverse=True)
    assert all(math.isnan(skill) for skill in skills[len(known) :])


@pytest.mark.parametrize("name", CONTAIN_OUTCOME)
def test_what_contains_the_deals_is_left_out(name):
    """Deals so far and the win rate would win by definition."""
    assert _ranked()[name].left_out == "contains_outcome"


@pytest.mark.parametrize("name", ["meetings", "engagement", "reply_rate", "speed", "meeting_rate"])
def test_a_missing_column_is_named_as_such(name):
    """Nobody exported reach, messages or meetings here."""
    assert _ranked()[name].left_out == "no_column"


def test_everybody_is_judged_on_the_same_people():
    """One common sample: the number of sellers is the same for every indicator."""
    assert {item.n_people for item in _ranked().values() if not item.left_out} == {PEOPLE}


def test_same_input_same_numbers():
    """Rows in another order change nothing."""
    made = _organisation()
    shuffled = dataclasses.replace(
        made, **{name: getattr(made, name).sample(frac=1, random_state=3) for name in ("ssi", "activity", "crm_events")}
    )
    again = rank_indicators(build_panel(shuffled), shuffled)
    for item in again:
        assert item == _ranked()[item.name] or math.isnan(item.skill)


def test_nothing_of_the_quarter_itself_is_used():
    """What happens on the first day of a quarter or later does not move its indicators."""
    made = _organisation()
    panel = build_panel(made)
    whole = watch_sample(panel, made, Settings()).rows
    start = whole["start"].quantile(0.5, interpolation="lower")
    cut = pd.Timestamp("1970-01-01") + pd.Timedelta(days=int(start))
    later = made.crm_events["date"] >= cut
    changed = made.crm_events.assign(
        kind=made.crm_events["kind"].where(~(later & (made.crm_events["kind"] == "inquiry")), "meeting")
    )
    part = watch_sample(panel, dataclasses.replace(made, crm_events=changed), Settings()).rows
    before = whole["start"] <= start
    assert before.any()
    assert (whole.loc[before, "inquiries"] == part.loc[before, "inquiries"]).all()
    assert (whole.loc[~before, "inquiries"] > part.loc[~before, "inquiries"]).all()


def test_deals_are_those_of_the_quarter_that_begins():
    """91 days from the Monday on, counted by hand for one row."""
    made = _organisation()
    row = watch_sample(build_panel(made), made, Settings()).rows.iloc[7]
    days = (made.crm_events["date"] - pd.Timestamp("1970-01-01")).dt.days
    mine = (made.crm_events["person"] == row["person"]) & (made.crm_events["kind"] == "deal_won")
    assert row["deals"] == (mine & days.between(row["start"], row["start"] + 90)).sum()
    assert row["on_duty"] == 13


def test_inquiries_are_those_of_the_outcome():
    """Where sources are known, inquiries from a fair are no LinkedIn inquiries here either."""
    made = _organisation()
    row = watch_sample(build_panel(made), made, Settings()).rows.iloc[7]
    crm = made.crm_events
    days = (crm["date"] - pd.Timestamp("1970-01-01")).dt.days
    mine = (
        (crm["person"] == row["person"]) & (crm["source"] == "LinkedIn") & days.between(row["from"], row["start"] - 1)
    )
    assert np.expm1(row["inquiries"]) == pytest.approx(mine.sum())


def test_a_metric_of_a_few_weeks_is_left_out():
    """A log that begins late must not take everybody's rows with it."""
    made = _organisation()
    late = (made.activity["metric"] != "searches") | (made.activity["date"] >= day(70))
    changed = dataclasses.replace(made, activity=made.activity[late])
    found = {item.name: item for item in rank_indicators(build_panel(changed), changed)}
    assert found["searches"].left_out == "too_few"
    assert found["connections"].n_people == PEOPLE


def test_too_few_sellers_with_deals_give_no_ranking():
    """Seven sellers: an empty list, which pages explain."""
    made = _organisation(people=7)
    assert rank_indicators(build_panel(made), made) == ()


def test_no_deals_no_ranking():
    """Without won deals there is nothing to foretell."""
    made = _organisation()
    without = dataclasses.replace(made, crm_events=made.crm_events[made.crm_events["kind"] != "deal_won"])
    panel = build_panel(without)
    assert rank_indicators(panel, without) == ()
    with pytest.raises(NotEnoughData, match="deal_won"):
        watch_sample(panel, without, Settings())


def test_months_work_too():
    """On a monthly panel the quarter is three calendar months."""
    made = _organisation()
    settings = Settings(period="month")
    rows = watch_sample(build_panel(made, settings), made, settings).rows
    assert rows["on_duty"].max() == 3
    assert set((pd.to_datetime(rows["period"]) + pd.DateOffset(months=3) - pd.to_datetime(rows["period"])).dt.days) <= {
        89, 90, 91, 92,
    }  # fmt: skip
    assert {item.name for item in rank_indicators(build_panel(made, settings), made, settings)} >= {
        "ssi",
        "connections",
    }


def test_speed_is_days_from_inquiry_to_meeting():
    """A quicker quarter has a smaller value, by deal id or by the day the meeting's inquiry came in."""
    made = _organisation()
    deals = made.crm_events["kind"] == "inquiry"
    inquiries = made.crm_events[deals].reset_index(drop=True)
    inquiries["deal"] = [f"D{k}" for k in range(len(inquiries))]
    slow = (inquiries["date"] >= day(50)).to_numpy()
    meetings = inquiries.assign(kind="meeting", date=inquiries["date"] + pd.to_timedelta(np.where(slow, 9, 1), "D"))
    crm = pd.concat([made.crm_events[~deals], inquiries, meetings], ignore_index=True)
    changed = dataclasses.replace(made, crm_events=crm)
    rows = watch_sample(build_panel(changed), changed, Settings()).rows
    early, late = rows[rows["period"] < day(49)], rows[rows["period"] > day(64)]
    # A day or nine plus the half of the day of asking, drawn a little towards the team's five.
    assert np.exp(early["speed"]).mean() == pytest.approx(1.5, abs=1)
    assert np.exp(late["speed"]).mean() == pytest.approx(9.5, abs=1)
