"""What a team could see: typical rates, own data, and the text for the terminal."""

from __future__ import annotations

import dataclasses
import functools
import math

import pytest

from ssi_audit import models, schema
from ssi_audit.design import columns
from ssi_audit.errors import SettingsError
from ssi_audit.panel import build_panel
from ssi_audit.power import OWN, TYPICAL, notes, power_table, text_rows
from ssi_audit.settings import Settings
from ssi_audit.worlds import make_world
from tests.worlds.tables import tables_of


@functools.cache
def _panel(period: str = "week"):
    return build_panel(tables_of(make_world("activity_gauge", 30, 78, 2)), Settings(period=period))


# methods.md section 6: detectable ratio at equal activity, inquiries and win rate; it rounds to two digits,
# and its win rate counts two meetings a week where a typical team here has 2.1.
@pytest.mark.parametrize(
    ("people", "weeks", "inquiries", "win_rate"),
    [(12, 52, 1.39, 1.9), (24, 52, 1.25, 1.47), (40, 104, 1.10, 1.18), (40, 156, 1.08, 1.12), (150, 104, 1.05, 1.08)],
)
def test_typical_teams_see_what_the_simulations_saw(people, weeks, inquiries, win_rate):
    """Log ratios within a fifth of the simulated ones for inquiries, within a third for the win rate."""
    table = power_table(people, weeks)
    seen = math.log(table.row("inquiries", "adjusted").mdrr)
    assert seen == pytest.approx(math.log(inquiries), rel=0.2)
    assert math.log(table.row("win_rate", "adjusted").mdrr) == pytest.approx(math.log(win_rate), rel=1 / 3)


def test_every_main_outcome_crude_and_adjusted():
    """Four outcomes, two estimands each; holding activity equal always costs power."""
    table = power_table(24, 52)
    assert [(row.outcome, row.estimand) for row in table.rows] == [
        (outcome, estimand) for outcome in schema.PRIMARY_OUTCOMES for estimand in ("crude", "adjusted")
    ]
    for outcome in schema.PRIMARY_OUTCOMES:
        assert table.row(outcome, "crude").mdrr < table.row(outcome, "adjusted").mdrr


def test_more_sellers_and_more_weeks_see_more():
    """Both shorten the smallest effect that would be found, and more sellers the wait."""
    small, wide, long = power_table(20, 52), power_table(40, 52), power_table(20, 104)
    for a, b, c in zip(small.rows, wide.rows, long.rows, strict=True):
        assert b.mdrr < a.mdrr
        assert c.mdrr < a.mdrr
        assert b.weeks_to_detect < a.weeks_to_detect
        assert c.weeks_to_detect == a.weeks_to_detect


def test_the_wait_is_right():
    """After the weeks it names, the smallest effect of interest is within reach, and one week before it is not."""
    row = power_table(40, 52).row("inquiries", "adjusted")
    weeks = int(row.weeks_to_detect)
    assert power_table(40, weeks).row("inquiries", "adjusted").mdrr <= row.sesoi
    assert power_table(40, weeks - 1).row("inquiries", "adjusted").mdrr > row.sesoi


def test_the_wait_for_a_rate_includes_its_open_cases():
    """The last 13 weeks of meetings are not decided yet."""
    row = power_table(100, 52, settings=Settings(horizon_weeks={"win_rate": 13})).row("win_rate", "crude")
    later = power_table(100, 52, settings=Settings(horizon_weeks={"win_rate": 23})).row("win_rate", "crude")
    assert later.weeks_to_detect == row.weeks_to_detect + 10


def test_nothing_is_seen_of_cases_that_are_all_open():
    """Five weeks: no deal is decided (13 weeks), a single week of meetings is (4), inquiries need no time."""
    table = power_table(10_000, 5)
    for estimand in ("crude", "adjusted"):
        for outcome in schema.RATE_OUTCOMES:
            row = table.row(outcome, estimand)
            assert (row.mdrr, row.events) == (math.inf, 0.0)
        assert math.isfinite(table.row("inquiries", estimand).mdrr)
        assert table.row("win_rate", estimand).weeks_to_detect >= 15
    assert notes(table) == [
        "Meeting rate: a case is followed for 4 weeks, so after 5 weeks nothing can be seen yet.",
        "Win rate: a case is followed for 13 weeks, so after 5 weeks nothing can be seen yet.",
    ]


@pytest.mark.parametrize(("weeks", "seen"), [(13, False), (14, False), (15, True)])
def test_two_weeks_of_decided_cases_are_the_least(weeks, seen):
    """The border: a score moves from one week to the next, so one decided week says nothing."""
    row = power_table(10_000, weeks).row("win_rate", "crude")
    assert math.isfinite(row.mdrr) is seen
    assert (row.events > 0) is seen


def test_the_smallest_effect_is_a_setting():
    """A larger one is found sooner."""
    wide = power_table(24, 52, settings=Settings(sesoi={"inquiries": 1.3})).row("inquiries", "adjusted")
    assert wide.sesoi == 1.3
    assert wide.weeks_to_detect < power_table(24, 52).row("inquiries", "adjusted").weeks_to_detect


@pytest.mark.parametrize("period", ["week", "month"])
@pytest.mark.parametrize("outcome", schema.PRIMARY_OUTCOMES)
def test_own_data_reproduce_what_they_reached(period, outcome):
    """For the same team and time the plan says what the analysis of these data says."""
    panel = _panel(period)
    table = power_table(30, 78, panel, Settings(period=period))
    for estimand in ("crude", "adjusted"):
        row = table.row(outcome, estimand)
        fit = models.regress(panel, "total", outcome, estimand == "adjusted", seed=None)
        assert row.source == OWN
        # The plan spreads the degrees of freedom evenly; the analysis knows them.
        assert math.log(row.mdrr) == pytest.approx(math.log(fit.mdrr), rel=0.12)


@pytest.mark.parametrize("estimand", ["crude", "adjusted"])
@pytest.mark.parametrize("outcome", ["inquiries", "win_rate"])
def test_a_redefined_score_is_not_movement(outcome, estimand):
    """LinkedIn lifts everybody by 20 points: the plan learns as little from the jump as the analysis does."""
    tables = tables_of(make_world("activity_gauge", 30, 78, 2))
    ssi = tables.ssi.copy()
    later = ssi["date"] >= ssi["date"].min() + (ssi["date"].max() - ssi["date"].min()) / 2
    ssi.loc[later, "total"] += 20
    ssi.loc[later, list(schema.PILLARS)] += 5
    panel = build_panel(dataclasses.replace(tables, ssi=ssi))
    assert panel["regime"].nunique() == 2
    row = power_table(30, 78, panel).row(outcome, estimand)
    fit = models.regress(panel, "total", outcome, estimand == "adjusted", seed=None)
    assert row.source == OWN
    assert math.log(row.mdrr) == pytest.approx(math.log(fit.mdrr), rel=0.12)
    # Events are those of a seller's week, not of a seller's week under one definition.
    assert row.events == pytest.approx(fit.n_events, rel=0.25)


def test_what_own_data_lack_is_planned_with_typical_rates():
    """A file without activity: the adjusted rows say why they are typical."""
    panel = _panel().copy()
    panel.attrs["facts"] = {**panel.attrs["facts"], "activity_types": ()}
    table = power_table(30, 78, panel)
    row = table.row("inquiries", "adjusted")
    assert row.source == TYPICAL
    assert "activity" in row.why
    assert table.row("inquiries", "crude").source == OWN


def test_six_sellers_of_own_data_are_too_few_to_plan_with():
    """Fewer than eight: their precision is not measured, and the row says so."""
    panel = _panel()
    few = panel[panel["person"].isin(panel["person"].unique()[:6])]
    few.attrs = panel.attrs
    row = power_table(30, 78, few).row("inquiries", "crude")
    assert row.source == TYPICAL
    assert "6 people" in row.why


@pytest.mark.parametrize("people", [3, 7])
def test_below_eight_sellers_nothing_comes_out(people):
    """The rule gives no verdict on fewer than eight: no effect is large enough, and no wait is long enough."""
    table = power_table(people, 520)
    for row in table.rows:
        assert [row.mdrr, row.weeks_to_detect, row.weeks_to_rule_out] == [math.inf] * 3
        assert "below 8 sellers" in row.why
    assert {line[2] for line in text_rows(table)[1:]} == {"nothing"}
    assert {line[k] for line in text_rows(table)[1:] for k in (4, 5)} == {"never"}
    assert notes(table) == ["Below 8 sellers there is no verdict, however long they are watched."]


def test_from_eight_sellers_on_there_is_a_plan():
    """The border itself: eight sellers see something."""
    table = power_table(8, 520)
    assert all(math.isfinite(row.mdrr) for row in table.rows)
    assert notes(table) == []


def test_no_plan_ends_before_there_may_be_a_verdict():
    """Fifteen seller-years are the least, however soon an effect would be seen; the terminal says so."""
    table = power_table(12, 52)
    assert table.row("meeting_rate", "crude").weeks_to_detect == 65  # 12 sellers, 15 years of 52 weeks
    assert notes(table) == [
        "Below 15 seller-years there is no verdict, whatever is seen: 12 sellers reach them after 65 weeks."
    ]
    assert notes(power_table(12, 65)) == []


def test_text_has_a_cell_for_every_heading():
    """Terminal table: as many cells as headings, endless waits in words."""
    lines = text_rows(power_table(8, 20))
    assert {len(line) for line in lines} == {len(lines[0])}
    assert len(lines) == 9
    assert any("over 10 years" in line for line in lines)


def test_an_unknown_row_is_an_error():
    """A misspelt outcome is not answered with another one."""
    with pytest.raises(KeyError, match="no row for winrate"):
        power_table(24, 52).row("winrate", "crude")


@pytest.mark.parametrize(
    ("people", "weeks", "said"),
    [
        (2, 52, "--people 2: expected at least 3"),
        (1, 52, "--people 1"),
        (0, 52, "--people 0"),
        (24, 1, "--weeks 1: expected at least 2"),
        (24, -1, "--weeks -1"),
    ],
)
def test_a_size_without_a_plan_is_refused(people, weeks, said):
    """Below three sellers or two weeks there is nothing to plan; the message names the option."""
    with pytest.raises(SettingsError, match=said):
        power_table(people, weeks)


def test_both_sizes_are_named_at_once():
    """One run tells of both options."""
    with pytest.raises(SettingsError) as error:
        power_table(0, 0)
    assert [problem.found[:8] for problem in error.value.problems] == ["--people", "--weeks "]


def test_columns_and_panel_are_the_same_input():
    """Rows as a table carry the fields of the rows."""
    frame = power_table(24, 52, _panel()).frame()
    assert list(frame.columns) == [item.name for item in dataclasses.fields(power_table(24, 52).rows[0])]
    assert power_table(24, 52, columns(_panel())).frame().equals(frame)
