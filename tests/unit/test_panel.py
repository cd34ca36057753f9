"""The panel of methods.md section 1, on tables small enough to check by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from ssi_audit.errors import NotEnoughData
from ssi_audit.panel import build_panel, period_starts, read_panel, score_breaks, source_class, write_panel
from ssi_audit.settings import Settings
from tests.unit.small_tables import day, event, reading, tables


def covering(person: str = "P1", weeks: int = 8, kind: str = "meeting") -> list[dict]:
    """Events that stretch the covered period over `weeks` weeks: the first Monday and the last Friday."""
    return [event(person, day(0), kind), event(person, day(weeks - 1, 4), kind)]


def row(panel: pd.DataFrame, week: int, person: str = "P1") -> pd.Series:
    found = panel[(panel["person"] == person) & (panel["period"] == day(week))]
    assert len(found) == 1
    return found.iloc[0]


def test_exposure_is_the_last_reading_before_the_period():
    """A reading of Sunday counts from Monday on, a reading of Monday only from the next week on."""
    made = build_panel(tables(ssi=[reading("P1", day(0, 6), 40), reading("P1", day(1, 0), 55)], crm=covering()))
    assert np.isnan(row(made, 0)["ssi"])
    assert row(made, 1)["ssi"] == 40
    assert row(made, 2)["ssi"] == 55


def test_stale_reading_is_not_carried_on():
    """A reading 14 days before the end of the previous week still counts, an older one is missing."""
    made = build_panel(tables(ssi=[reading("P1", day(0, 6), 40)], crm=covering()))
    assert row(made, 3)["ssi"] == 40  # the end of week 2 is 14 days after the reading
    assert np.isnan(row(made, 4)["ssi"])


def test_total_is_the_sum_of_known_pillars():
    """Without a total, four known pillars make one; three do not."""
    four = {"brand": 10, "people": 5, "insights": 2.5, "relationships": 20}
    made = build_panel(
        tables(
            ssi=[
                reading("P1", day(0), np.nan, **four),
                reading("P1", day(1), np.nan, **{**four, "brand": np.nan}),
            ],
            crm=covering(),
        )
    )
    assert row(made, 1)["ssi"] == 37.5
    assert np.isnan(row(made, 2)["ssi"])
    assert row(made, 2)["people"] == 5


def test_activity_window_needs_thirteen_logged_weeks():
    """A_k is missing until the person has logged 13 weeks, then sums exactly those before the period."""
    logged = [{"person": "P1", "date": day(k), "metric": "posts", "count": 1 + (k == 0)} for k in range(16)]
    made = build_panel(tables(ssi=[reading("P1", day(0), 50)], activity=logged, crm=covering(weeks=16)))
    assert np.isnan(row(made, 12)["A_posts"])
    assert row(made, 13)["A_posts"] == 14  # weeks 0..12, the first with two posts
    assert row(made, 14)["A_posts"] == 13
    assert row(made, 13)["act_posts"] == 1
    assert np.isnan(row(made, 13)["A_searches"])  # nobody logs searches: unknown, not zero


def test_period_total_is_spread_over_its_days():
    """A usage report's total over 14 days becomes half in each week, never one day's count."""
    report = [{"person": "P1", "date": day(1, 6), "metric": "searches", "count": 28, "first_day": day(0)}]
    made = build_panel(tables(ssi=[reading("P1", day(0), 50)], activity=report, crm=covering()))
    assert row(made, 0)["act_searches"] == 14
    assert row(made, 1)["act_searches"] == 14
    assert np.isnan(row(made, 2)["act_searches"])  # after the last logged day: unknown, not zero


def test_counts_are_zero_where_recorded_and_missing_where_not():
    """Weeks without an event count zero; a kind that the CRM never held is missing and says why."""
    made = build_panel(tables(ssi=[reading("P1", day(0), 50)], crm=covering()))
    assert row(made, 3)["meetings"] == 0
    assert made["deals"].isna().all()
    assert "deal_won" in made.attrs["facts"]["missing"]["deals"]


def test_late_kind_is_unknown_before_it_starts():
    """Inquiries exported from week 20 on are not zero before."""
    crm = [*covering(weeks=24), event("P1", day(20), "inquiry")]
    made = build_panel(tables(ssi=[reading("P1", day(0), 50)], crm=crm))
    assert np.isnan(row(made, 10)["inquiries"])
    assert row(made, 20)["inquiries"] == 1
    assert row(made, 21)["inquiries"] == 0


def test_win_rate_dates_both_ends_by_the_meeting_and_drops_young_cohorts():
    """A deal counts in the week of its meeting if won within 13 weeks; cohorts without 13 weeks are missing."""
    crm = [
        event("P1", day(0), "meeting", deal="a"),
        event("P1", day(0, 1), "meeting", deal="b"),
        event("P1", day(0, 2), "meeting", deal="c"),
        event("P1", day(5), "deal_won", deal="a", amount=100.0, currency="EUR"),
        event("P1", day(13, 2), "deal_won", deal="b", amount=100.0, currency="EUR"),  # 92 days later
        event("P1", day(19, 4), "meeting", deal="d"),
    ]
    made = build_panel(tables(ssi=[reading("P1", day(0), 50)], crm=crm))
    assert (row(made, 0)["win_rate_den"], row(made, 0)["win_rate_num"]) == (3, 1)
    assert row(made, 1)["win_rate_den"] == 0
    assert np.isnan(row(made, 8)["win_rate_den"])  # its 13 weeks are not over on the last day
    assert row(made, 5)["deals"] == 1
    assert row(made, 5)["revenue"] == 100


def test_started_ties_a_deal_to_its_meeting_without_a_deal_id():
    """`started` dates the numerator where there is no id."""
    crm = [
        *covering(weeks=20),
        event("P1", day(1), "meeting"),
        event("P1", day(4), "deal_won", started=day(1)),
    ]
    made = build_panel(tables(ssi=[reading("P1", day(0), 50)], crm=crm))
    assert (row(made, 1)["win_rate_den"], row(made, 1)["win_rate_num"]) == (1, 1)


def test_win_rate_falls_back_to_opportunities_and_says_so():
    """Without meetings, opportunities of the same deal id are the denominator."""
    crm = [
        event("P1", day(0), "opportunity", deal="a"),
        event("P1", day(0), "opportunity", deal="b"),
        event("P1", day(3), "deal_won", deal="a"),
        event("P1", day(19, 4), "opportunity", deal="z"),
    ]
    made = build_panel(tables(ssi=[reading("P1", day(0), 50)], crm=crm))
    assert made.attrs["facts"]["win_denominator"] == "opportunities"
    assert (row(made, 0)["win_rate_den"], row(made, 0)["win_rate_num"]) == (2, 1)


def test_meeting_rate_counts_inquiries_that_met_within_four_weeks():
    """An inquiry met after five weeks did not convert; the horizon cuts the youngest cohorts."""
    crm = [
        event("P1", day(0), "inquiry", deal="a", source="LinkedIn"),
        event("P1", day(0), "inquiry", deal="b", source="LinkedIn"),
        event("P1", day(0), "inquiry", deal="c", source="Website"),
        event("P1", day(2), "meeting", deal="a"),
        event("P1", day(5), "meeting", deal="b"),
        event("P1", day(9, 4), "inquiry", deal="d", source="LinkedIn"),
    ]
    made = build_panel(tables(ssi=[reading("P1", day(0), 50)], crm=crm))
    assert made.attrs["facts"]["inquiry_source"] == "linkedin"
    assert (row(made, 0)["meeting_rate_den"], row(made, 0)["meeting_rate_num"]) == (2, 1)
    assert row(made, 0)["inquiries"] == 2
    assert row(made, 0)["inquiries_other"] == 1
    assert np.isnan(row(made, 7)["meeting_rate_den"])


def test_unlinked_stages_have_no_rate():
    """Without ids or `started`, a rate is unknown with the reason, never a ratio of unrelated counts."""
    crm = [*covering(), event("P1", day(2), "deal_won"), event("P1", day(2), "inquiry")]
    made = build_panel(tables(ssi=[reading("P1", day(0), 50)], crm=crm))
    assert made["win_rate_num"].isna().all()
    assert set(made.attrs["facts"]["missing"]) >= {"win_rate", "meeting_rate"}


def test_on_duty_counts_working_days_and_drops_weeks_off():
    """Two of five days off make 0.6; a whole week off has no row; employment ends on left_on."""
    made = build_panel(
        tables(
            ssi=[reading("P1", day(0), 50)],
            crm=covering(),
            people=[{"person": "P1", "hired_on": day(0), "left_on": day(6, 1)}],
            absences=[
                {"person": "P1", "first_day": day(2, 3), "last_day": day(2, 6)},
                {"person": "P1", "first_day": day(3), "last_day": day(3, 6)},
            ],
        )
    )
    assert row(made, 2)["on_duty"] == pytest.approx(0.6)
    assert day(3) not in set(made["period"])
    assert row(made, 6)["on_duty"] == pytest.approx(0.4)
    assert day(7) not in set(made["period"])
    assert row(made, 4)["tenure_weeks"] == 4


def test_licence_switches_on_at_its_start():
    """0 before the period in which the licence starts, 1 after."""
    made = build_panel(
        tables(ssi=[reading("P1", day(0), 50)], crm=covering(), people=[{"person": "P1", "licence_start": day(3)}])
    )
    assert row(made, 2)["licence"] == 0
    assert row(made, 3)["licence"] == 1


def test_quota_hit_stands_where_its_period_begins():
    """Revenue inside the quota's days against the quota; an unfinished period is missing."""
    crm = [
        *covering(weeks=20),
        event("P1", day(1), "deal_won", amount=60.0, currency="EUR", started=day(0)),
        event("P1", day(6), "deal_won", amount=60.0, currency="EUR", started=day(0)),
        event("P1", day(14), "deal_won", amount=10.0, currency="EUR", started=day(0)),
    ]
    quotas = [
        {"person": "P1", "period_start": day(0), "period_end": day(12, 6), "quota": 100.0, "currency": "EUR"},
        {"person": "P1", "period_start": day(13), "period_end": day(25, 6), "quota": 5.0, "currency": "EUR"},
    ]
    made = build_panel(tables(ssi=[reading("P1", day(0), 50)], crm=crm, quotas=quotas))
    assert row(made, 0)["quota_hit"] == 1
    assert made["quota_hit"].notna().sum() == 1


def test_a_year_beside_its_quarters_is_not_added_to_them():
    """Quotas that begin in one row: the last to begin counts, the shortest of these, with the revenue of its days."""
    spans = [(0, 12, 100.0), (0, 17, 300.0), (13, 17, 40.0)]
    quotas = [
        {"person": "P1", "period_start": day(a), "period_end": day(b, 6), "quota": quota, "currency": "EUR"}
        for a, b, quota in spans
    ]
    won = [event("P1", day(k), "deal_won", amount=70.0, currency="EUR", started=day(0)) for k in (1, 15)]
    made = build_panel(tables(ssi=[reading("P1", day(0), 50)], crm=[*covering(weeks=20), *won], quotas=quotas))
    known = made.loc[made["quota"].notna(), ["quota", "quota_revenue", "quota_hit"]]
    assert known.to_numpy().tolist() == [[100, 70, 0], [40, 70, 1]]


def test_quotas_in_another_currency_say_so():
    """Quotas that cannot be compared with the revenue are not taken for quotas that are not there."""
    quotas = [{"person": "P1", "period_start": day(0), "period_end": day(1, 6), "quota": 9.0, "currency": "USD"}]
    won = [event("P1", day(1), "deal_won", amount=5.0, currency="EUR", started=day(0))]
    given = tables(ssi=[reading("P1", day(0), 50)], crm=[*covering(), *won], quotas=quotas)
    assert "quotas are in USD and revenue in EUR" in build_panel(given).attrs["facts"]["missing"]["quota_hit"]
    assert "quota_hit" not in build_panel(given, Settings(rates={"USD": 0.9})).attrs["facts"]["missing"]


def test_credit_notes_leave_revenue_unknown():
    """A row below zero cannot be modelled as revenue, and says why it is not."""
    won = [
        event("P1", day(k), "deal_won", amount=amount, currency="EUR", started=day(0))
        for k, amount in ((1, 90.0), (2, -30.0))
    ]
    made = build_panel(tables(ssi=[reading("P1", day(0), 50)], crm=[*covering(), *won]))
    assert "credit notes make the revenue of 1 rows negative" in made.attrs["facts"]["missing"]["revenue"]


def test_quota_of_a_holiday_week_stands_in_the_next_row():
    """A quota period that begins in a week off is kept; one that ends on the last Sunday is complete."""
    quotas = [{"person": "P1", "period_start": day(1), "period_end": day(7, 6), "quota": 1.0, "currency": "EUR"}]
    crm = [*covering(), event("P1", day(3), "deal_won", amount=5.0, currency="EUR", started=day(0))]
    off = [{"person": "P1", "first_day": day(1), "last_day": day(1, 6)}]
    made = build_panel(tables(ssi=[reading("P1", day(0), 50)], crm=crm, quotas=quotas, absences=off))
    assert row(made, 2)["quota_hit"] == 1


def test_currencies_are_never_added_up():
    """Two currencies without a rate leave revenue unknown; with a rate they add up."""
    crm = [
        *covering(),
        event("P1", day(1), "deal_won", amount=100.0, currency="EUR", started=day(0)),
        event("P1", day(1), "deal_won", amount=400.0, currency="PLN", started=day(0)),
    ]
    given = tables(ssi=[reading("P1", day(0), 50)], crm=crm)
    assert build_panel(given)["revenue"].isna().all()
    made = build_panel(given, Settings(currency="EUR", rates={"PLN": 0.25}))
    assert row(made, 1)["revenue"] == 200


def test_score_break_starts_a_new_regime():
    """A jump of everybody by five points splits the series; a jump of one person does not."""
    people = [f"P{k}" for k in range(6)]
    ssi = [reading(p, day(w, 6), 50 + 5 * (w >= 4) + 9 * (p == "P0" and w >= 2)) for p in people for w in range(10)]
    crm = [e for p in people for e in covering(p, weeks=10)]
    made = build_panel(tables(ssi=ssi, crm=crm))
    assert made.attrs["facts"]["breaks"] == (day(5).date(),)
    assert row(made, 4)["regime"] == 0
    assert row(made, 5)["regime"] == 1


def test_score_break_needs_most_people():
    """Half of the people jumping is no redefinition."""
    frame = pd.DataFrame({"person": np.repeat(list("abcdef"), 2), "p": [0, 1] * 6, "ssi": [50, 60] * 3 + [50, 50] * 3})
    assert score_breaks(frame) == []


def test_lead_is_the_reading_at_the_end_of_the_lead():
    """Week t's lead is what is known at the end of week t + 13."""
    ssi = [reading("P1", day(w, 6), float(w)) for w in range(30)]
    made = build_panel(tables(ssi=ssi, crm=covering(weeks=20)))
    assert row(made, 2)["ssi"] == 1
    assert row(made, 2)["lead_ssi"] == 15


def test_order_of_rows_changes_nothing():
    """Shuffled rows of every table give the same panel."""
    rng = np.random.default_rng(3)
    people = [f"P{k}" for k in range(5)]
    ssi = [reading(p, day(w, 6), rng.uniform(20, 80)) for p in people for w in range(20)]
    activity = [
        {"person": p, "date": day(w, 2), "metric": "posts", "count": int(rng.integers(5))}
        for p in people
        for w in range(20)
    ]
    crm = [
        event(p, day(int(rng.integers(20)), 1), "deal_won", amount=float(rng.uniform(1, 9)), deal=f"{p}{k}")
        for p in people
        for k in range(9)
    ] + [e for p in people for e in covering(p, 20)]
    given = tables(ssi=ssi, activity=activity, crm=crm)
    shuffled = dataclasses.replace(
        given,
        **{
            name: getattr(given, name).sample(frac=1, random_state=7).reset_index(drop=True)
            for name in ("ssi", "activity", "crm_events", "people")
        },
    )
    pd.testing.assert_frame_equal(build_panel(given), build_panel(shuffled), check_exact=True)


def test_people_on_one_side_only_are_left_out_and_counted():
    """A CRM owner without a score and a score without a CRM owner make no rows."""
    made = build_panel(
        tables(
            ssi=[reading("P1", day(0), 50), reading("P2", day(0), 60)],
            crm=[*covering("P1"), event("P3", day(1), "meeting")],
        )
    )
    assert set(made["person"]) == {"P1"}
    assert made.attrs["facts"]["left_out"] == {"no_ssi": 1, "no_crm": 1, "neither": 0}


def test_months_have_their_own_windows():
    """Monthly periods start on the first, windows are three months, readings live 31 days."""
    ssi = [reading("P1", pd.Timestamp("2025-01-31"), 40), reading("P1", pd.Timestamp("2025-02-10"), 44)]
    crm = [event("P1", pd.Timestamp("2025-01-02"), "meeting"), event("P1", pd.Timestamp("2025-06-30"), "meeting")]
    made = build_panel(tables(ssi=ssi, crm=crm), Settings(period="month"))
    by_month = made.set_index(made["period"].dt.month)["ssi"]
    assert by_month[2] == 40
    assert by_month[3] == 44
    assert np.isnan(by_month[4])
    assert made.attrs["facts"]["window"] == 3


def test_week_of_january_first_belongs_to_its_monday():
    """ISO weeks: 2025-01-01 lies in the week of Monday 2024-12-30."""
    import datetime as dt

    assert period_starts(dt.date(2025, 1, 1), dt.date(2025, 1, 6), "week") == [
        dt.date(2024, 12, 30),
        dt.date(2025, 1, 6),
    ]


def test_sources_are_told_apart_by_words():
    """LinkedIn in any spelling, another channel, or nothing known."""
    found = source_class(["LINKEDIN Ads", "Website", "", "Sales Navigator"], Settings().linkedin_sources)
    assert list(found.values()) == ["linkedin", "other", "unknown", "linkedin"]


def test_panel_survives_the_disk(tmp_path):
    """What is written as Parquet reads back with the same facts."""
    made = build_panel(tables(ssi=[reading("P1", day(0), 50)], crm=covering()))
    write_panel(made, tmp_path / "panel.parquet")
    again = read_panel(tmp_path / "panel.parquet")
    pd.testing.assert_frame_equal(made, again)
    assert again.attrs["facts"] == made.attrs["facts"]


def test_no_reading_and_no_event_are_said():
    """Without scores or without CRM events there is nothing to compare."""
    with pytest.raises(NotEnoughData, match="no SSI reading"):
        build_panel(tables(crm=covering()))
    with pytest.raises(NotEnoughData, match="no CRM event"):
        build_panel(tables(ssi=[reading("P1", day(0), 50)]))


def test_two_readings_of_one_day_are_refused():
    """Which of two readings counts is decided when files are read, not here."""
    twice = [reading("P1", day(0), 50), reading("P1", day(0), 51)]
    with pytest.raises(ValueError, match="two readings of one person on one day"):
        build_panel(tables(ssi=twice, crm=covering()))


def test_less_than_one_period_is_said():
    """Monday to Wednesday is no week."""
    few = [event("P1", day(0), "meeting"), event("P1", day(0, 2), "meeting")]
    with pytest.raises(NotEnoughData, match="do not cover one whole period"):
        build_panel(tables(ssi=[reading("P1", day(0), 50)], crm=few))


@pytest.mark.parametrize("asked", [{"start": day(9)}, {"end": day(-1)}])
def test_days_without_any_event_are_said(asked):
    """A start after the last event, or an end before the first, is named with the days there are."""
    with pytest.raises(NotEnoughData, match="from 2025-01-06 to 2025-02-28, and none of these days"):
        build_panel(tables(ssi=[reading("P1", day(0), 50)], crm=covering()), Settings(**asked))
