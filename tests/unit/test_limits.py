"""The specification curve: which analyses, what they are compared with, and that nothing else changes them."""

from __future__ import annotations

import dataclasses
import functools
import json
import math

import numpy as np
import pandas as pd
import pytest

from ssi_audit import limits, models, parallel, schema, verdict
from ssi_audit.evidence import adjust_families
from ssi_audit.limits import CROSSED_LAGS, NO_ACTIVITY, curve_of, specification_curve
from ssi_audit.panel import build_panel
from ssi_audit.report.words import spec_counts
from ssi_audit.results import ActivityLink, Audit, Cell, Correlation, Fit, Overall
from ssi_audit.settings import Settings
from ssi_audit.worlds import make_world
from tests.unit.small_tables import day
from tests.worlds.tables import tables_of

WORLD = ("effectiveness", 14, 48, 4)


@functools.cache
def _data():
    made = tables_of(make_world(*WORLD))
    return build_panel(made), made


@functools.cache
def _curve() -> dict:
    return specification_curve(*_data())


def _all(curve: dict) -> list[dict]:
    return [curve, *curve["others"].values()]


def test_every_main_outcome_has_at_least_48_analyses():
    """All four, none of them twice."""
    curves = _all(_curve())
    assert [one["outcome"] for one in curves] == list(schema.PRIMARY_OUTCOMES)
    for one in curves:
        choices = [tuple(row["choices"].items()) for row in (*one["rows"], *one["failed"])]
        assert len(set(choices)) == len(choices) >= 48
        assert one["n"] == len(one["rows"])
    assert _curve()["n_all"] == sum(one["n"] for one in curves)
    assert _curve()["agree_all"] == sum(one["agree"] for one in curves)


def test_the_choices_that_matter_are_crossed():
    """Every combination of period, lag, score, extreme periods and model stands on the curve once."""
    rows = [row["choices"] for row in _curve()["rows"]]
    names = ("period", "lag", "score", "outliers", "model")
    usual = [row for row in rows if row["activity"] == "all" and row["calendar"] == rows[0]["calendar"]]
    crossed = {tuple(row[name] for name in names) for row in usual if row["lag"] in CROSSED_LAGS}
    crossed = {key for key in crossed if key[3] in (limits.KEPT, limits.PULLED_IN)}
    assert len(crossed) == 2**5


@pytest.mark.parametrize("outcome", schema.PRIMARY_OUTCOMES)
def test_the_main_row_is_the_main_estimate(outcome):
    """First on the curve stands what the answer page shows."""
    row = curve_of(_curve(), outcome)["rows"][0]
    fit = models.regress(_data()[0], "total", outcome, True, seed=None)
    assert row["main"]
    assert not any(other["main"] for other in curve_of(_curve(), outcome)["rows"][1:])
    for name, value in (("ratio", fit.rr), ("low", fit.low), ("high", fit.high), ("df", fit.df)):
        assert row[name] == pytest.approx(value, abs=2e-6)
    assert (row["n_people"], row["n_rows"]) == (fit.n_people, fit.n_rows)


def test_the_main_answer_is_the_printed_rule_with_holm():
    """Status of the main analysis of each question as the verdict sees it, all four outcomes in one family."""
    panel, _ = _data()
    for adjusted, rule in ((True, verdict.adjusted_status), (False, verdict.crude_status)):
        pairs = {
            ("total", name): models.regress(panel, "total", name, adjusted, seed=None)
            for name in schema.PRIMARY_OUTCOMES
        }
        for (_, outcome), fit in adjust_families(pairs).items():
            rows = curve_of(_curve(), outcome)["rows"]
            main = next(row for row in rows if (row["choices"]["activity"] != NO_ACTIVITY) == adjusted)
            assert main["status"] == rule(fit, schema.SESOI[outcome])
            assert main["agrees"]


def test_agreement_is_with_the_same_question():
    """With activity held equal a row is compared with D, without it with C; the counts add up."""
    for one in _all(_curve()):
        main = {}
        for row in one["rows"]:
            main.setdefault(row["choices"]["activity"] != NO_ACTIVITY, row["status"])
            assert row["agrees"] == (row["status"] == main[row["choices"]["activity"] != NO_ACTIVITY])
        assert one["agree"] == sum(row["agrees"] for row in one["rows"])
        assert one["status"] == one["rows"][0]["status"]


def test_other_smallest_effects_change_answers_not_estimates():
    """1.05, the setting and 1.20 stand beside each other; at the setting it is the curve's own count."""
    for one in _all(_curve()):
        sesoi = schema.SESOI[one["outcome"]]
        shown = {item["sesoi"]: item for item in one["sesoi"]}
        assert set(shown) == {1.05, sesoi, 1.20}
        assert (shown[sesoi]["agree"], shown[sesoi]["n"]) == (one["agree"], one["n"])


def test_words_can_count_it():
    """The report reads the same numbers."""
    counts = spec_counts(_curve())
    assert (counts.n, counts.agree, counts.shown) == (_curve()["n_all"], _curve()["agree_all"], _curve()["n"])
    assert counts.up == sum(row["low"] > 1 for row in _curve()["rows"])


def test_it_is_json_as_it_stands():
    """No numpy, no NaN; it goes into answer.json."""
    assert json.loads(json.dumps(_curve(), allow_nan=False)) == _curve()


def test_the_choice_that_moves_most_leads_the_list():
    """By the mean change between two analyses that differ in it alone."""
    for one in _all(_curve()):
        factors = [item["factor"] for item in one["influence"]]
        assert factors == sorted(factors, reverse=True)
        assert one["moves_most"] == one["influence"][0]["choice"]


def test_a_chosen_outcome_stands_on_top():
    """The page shows the curve of the outcome that the verdict speaks of."""
    panel, made = _data()
    assert specification_curve(panel, made, outcome="win_rate")["outcome"] == "win_rate"


@pytest.mark.parametrize(
    ("overall", "expected"),
    [
        (schema.EFFECTIVENESS_MEASURE, "win_rate"),
        (schema.LEADING_INDICATOR, "meetings"),
        (schema.INCONCLUSIVE, ""),
        (schema.ACTIVITY_GAUGE, ""),
    ],
)
def test_the_curve_on_top_is_the_verdicts(overall, expected):
    """A yes shows the outcome that says yes; any other verdict the first main outcome."""
    none, link = Fit(why="not tried"), Correlation(why="not tried")
    verdicts = dict.fromkeys(schema.PRIMARY_OUTCOMES, schema.INCONCLUSIVE)
    verdicts |= {"meetings": schema.LEADING_INDICATOR, "win_rate": schema.EFFECTIVENESS_MEASURE}
    cells = tuple(
        Cell("total", name, code, (), "", none, none, none, none, none, link, link, link)
        for name, code in verdicts.items()
    )
    k1 = ActivityLink("unknown", math.nan, {}, (), ())
    found = Audit({}, Overall(overall, "", "", "unknown", math.nan), k1, cells)
    assert limits.headline_outcome(found) == expected


def test_no_choice_is_without_effect_on_the_rows():
    """A later lag, a month and the top seller left out use other rows than the main analysis."""
    rows = _curve()["rows"]
    main = rows[0]

    def alone(name, option):
        return next(row for row in rows if {**main["choices"], name: option} == row["choices"])

    assert alone("lag", "13 weeks")["n_rows"] < alone("lag", "5 weeks")["n_rows"] < main["n_rows"]
    assert alone("period", "month")["n_rows"] < main["n_rows"] / 3
    assert alone("outliers", limits.WITHOUT_TOP)["n_people"] == main["n_people"] - 1
    for name, option in (("score", limits.SCORES[1]), ("model", "linear"), ("activity", "without posts")):
        assert alone(name, option)["ratio"] != main["ratio"]


def test_a_crowd_is_sampled(monkeypatch):
    """Above the limit the curve is drawn for a random part of the sellers, the same one each time, and says so."""
    panel, made = _data()
    monkeypatch.setattr(limits, "MAX_PEOPLE", 10)
    curve = specification_curve(panel, made)
    assert curve["people"] == {"all": 14, "used": 10}
    assert max(row["n_people"] for one in _all(curve) for row in one["rows"]) == 10
    assert _curve()["people"] == {"all": 14, "used": 14}


def test_workers_and_row_order_change_nothing(monkeypatch):
    """One process or two, shuffled rows or not: the same result."""
    made = _data()[1]
    shuffled = dataclasses.replace(
        made, **{name: getattr(made, name).sample(frac=1, random_state=1) for name in ("ssi", "activity", "crm_events")}
    )
    monkeypatch.setattr(parallel, "n_workers", lambda: 1)
    assert specification_curve(build_panel(shuffled), shuffled) == _curve()


def test_without_activity_only_the_plain_link_is_asked():
    """No log: the crude estimate is the main one, and no choice speaks of activity."""
    panel, made = _data()
    without = dataclasses.replace(made, activity=made.activity.iloc[:0])
    panel = build_panel(without)
    curve = specification_curve(panel, without)
    row = curve["rows"][0]
    assert {row["choices"]["activity"] for row in curve["rows"]} == {NO_ACTIVITY}
    assert row["ratio"] == pytest.approx(models.regress(panel, "total", "inquiries", False, seed=None).rr, abs=2e-6)


def test_an_outcome_that_is_missing_has_no_curve():
    """No meetings in the files: inquiries alone, one test in the family."""
    made = _data()[1]
    inquiries = dataclasses.replace(made, crm_events=made.crm_events[made.crm_events["kind"] == "inquiry"])
    curve = specification_curve(build_panel(inquiries), inquiries)
    assert curve["outcome"] == "inquiries"
    assert curve["others"] == {}
    with pytest.raises(KeyError):
        curve_of(curve, "meetings")


def test_a_handful_of_sellers_has_no_curve():
    """Below eight sellers there is no interval and no curve; the page says so."""
    made = tables_of(make_world("null", 6, 40, 1))
    assert specification_curve(build_panel(made), made) == {}


def test_beginners_are_left_out_where_there_are_some():
    """Two who were hired shortly before the start: one more choice, on fewer rows."""
    panel, made = _data()
    hired = made.people["hired_on"].copy()
    hired.iloc[:2] = pd.Timestamp(panel["period"].min()) - pd.Timedelta(days=30)
    changed = dataclasses.replace(made, people=made.people.assign(hired_on=hired))
    rows = specification_curve(build_panel(changed), changed)["rows"]
    experienced = [row for row in rows if row["choices"]["tenure"] != "everybody"]
    assert [row["choices"]["model"] for row in experienced] == ["poisson", "linear"]
    assert experienced[0]["n_rows"] < rows[0]["n_rows"]


def test_a_redefined_score_is_compared_within_each_definition():
    """Twenty points more for everybody from one week on move no estimate far: each side has its own mean."""
    made = _data()[1]
    later = made.ssi["date"] >= made.ssi["date"].min() + pd.Timedelta(weeks=24)
    changed = dataclasses.replace(made, ssi=made.ssi.assign(total=made.ssi["total"] + 20 * later))
    broken = build_panel(changed)
    assert broken.attrs["facts"]["breaks"]
    plain, jumped = (curve["rows"][0] for curve in (_curve(), specification_curve(broken, changed)))
    assert abs(math.log(jumped["ratio"] / plain["ratio"])) < 2 * (jumped["high"] - jumped["low"]) / 4


def test_extreme_periods_are_pulled_in():
    """Counts above the quantile fall to it; a rate keeps its value and loses cases."""
    y, weight = np.array([0.0, 1, 2, 3, 100]), np.ones(5)
    capped, same = limits._pulled_in(y, weight, rate=False)
    assert capped.max() == pytest.approx(np.quantile([1, 2, 3, 100], 0.99))
    assert (same == weight).all()
    won, met = np.array([1.0, 1, 50]), np.array([2.0, 4, 100])
    won_in, met_in = limits._pulled_in(won, met, rate=True)
    assert met_in[2] < 100
    assert won_in / met_in == pytest.approx(won / met)


def test_linear_slopes_are_relative():
    """An outcome over its mean has mean 1 per working day, so that a slope stands beside a log ratio."""
    y, weight = np.array([2.0, 4, np.nan, 6]), np.array([1.0, 1, np.nan, 0.5])
    relative = limits._relative(y, weight)
    known = np.isfinite(weight)
    assert np.average(relative[known], weights=weight[known]) == pytest.approx(1)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("y", "weight"), [([1.0, 2.0], [math.nan, math.nan]), ([0.0, 0.0], [3.0, 1.0])])
def test_no_case_and_no_success_have_no_mean(y, weight):
    """Every case still open (a horizon as long as the data), or none won: unknown, without a word on the terminal."""
    assert np.isnan(limits._relative(np.array(y), np.array(weight))).all()


def test_the_mean_score_is_of_the_four_weeks_before():
    """Readings of the last 28 days before the period; what comes with the period itself does not count."""
    from tests.unit.small_tables import event, reading, tables

    crm = [event("P1", day(week, 1), "inquiry") for week in range(12)]
    made = tables([reading("P1", day(week, 6), 10.0 * week) for week in range(12)], (), crm)
    panel = build_panel(made)
    mean = limits._mean_reading(panel, made) * schema.EXPOSURE_UNIT["total"]
    # Week 8 sees the Sundays of weeks 4 to 7.
    by_week = dict(zip(panel["period"], mean, strict=True))
    assert by_week[day(8)] == pytest.approx(55.0)
    assert math.isnan(by_week[day(0)])


def test_settings_in_months_turn_the_question_round():
    """With a monthly panel as the main one, the weekly analyses are the others."""
    made = _data()[1]
    settings = Settings(period="month")
    curve = specification_curve(build_panel(made, settings), made, settings)
    assert curve["rows"][0]["choices"]["period"] == "month"
    assert {row["choices"]["period"] for row in curve["rows"]} == {"week", "month"}
