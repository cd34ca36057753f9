"""Can we trust this? Each check on data made to pass it, to need care, and to fail it."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pandas as pd
import pytest

from ssi_audit import schema
from ssi_audit.evidence import data_facts
from ssi_audit.panel import build_panel
from ssi_audit.results import ActivityLink, Cell, Correlation, Fit
from ssi_audit.settings import Settings
from ssi_audit.trust import trust_checks
from tests.unit.small_tables import day, event, reading, tables

WEEKS, PEOPLE = 30, 10
LINK = ActivityLink("yes", 0.6, {}, tuple(schema.ACTIVITY_TYPES), (), n_people=PEOPLE, n_rows=300)


def _tables(
    n_people: int = PEOPLE, *, score=lambda i, week: 50.0 + i + week % 3, source="LinkedIn", currency="EUR", **more
):
    who = [f"P{i:02d}" for i in range(n_people)]
    crm = []
    for name in who:
        for week in range(WEEKS):
            crm.append(event(name, day(week, 1), "inquiry", source=source))
            crm.append(event(name, day(week, 4), "deal_won", amount=100.0, currency=currency))
    readings = [
        reading(name, day(week, 6), score(i, week))
        for i, name in enumerate(who)
        for week in range(-1, WEEKS)
        if np.isfinite(score(i, week))
    ]
    return tables(readings, (), crm, **more)


def _cell(outcome: str, mdrr: float) -> Cell:
    fit = Fit(rr=1.0, low=0.9, high=1.1, mdrr=mdrr, n_people=PEOPLE)
    none, no_link = Fit(why="not tried"), Correlation(why="not tried")
    return Cell("total", outcome, schema.INCONCLUSIVE, (), "", fit, fit, none, none, none, no_link, no_link, no_link)


def _cells(mdrr: float) -> list[Cell]:
    return [_cell(outcome, mdrr) for outcome in schema.PRIMARY_OUTCOMES]


def _check(name, made=None, settings=None, cells=None, link=LINK):
    made = _tables() if made is None else made
    settings = settings or Settings()
    cells = _cells(1.05) if cells is None else cells
    found = {check.id: check for check in trust_checks(build_panel(made, settings), made, settings, cells, link)}
    return found.get(name)


@pytest.mark.parametrize(("mdrr", "state"), [(1.09, "pass"), (1.12, "care")])
def test_enough_when_what_matters_would_have_been_seen(mdrr, state):
    """Pass when the smallest effect of every main outcome is within reach, care when one is not."""
    check = _check("enough", cells=_cells(mdrr))
    assert (check.state, check.facts["n_people"]) == (state, PEOPLE)
    assert check.facts["mdrr"] == mdrr


def test_the_outcome_that_is_hardest_to_see_decides():
    """Three precise outcomes do not make up for the fourth."""
    cells = [_cell(outcome, 1.4 if outcome == "win_rate" else 1.05) for outcome in schema.PRIMARY_OUTCOMES]
    check = _check("enough", cells=cells)
    assert (check.state, check.facts["mdrr"]) == ("care", 1.4)


def test_seven_sellers_are_not_enough():
    """Below eight sellers no interval is printed, whatever the cells say."""
    assert _check("enough", _tables(7)).state == "fail"


def test_no_estimate_is_not_enough():
    """Without any estimate nothing could have been seen."""
    check = _check("enough", cells=[])
    assert check.state == "fail"
    assert math.isnan(check.facts["mdrr"])


def _ledger(used: int, unmatched: int) -> pd.DataFrame:
    rows = [("a.csv", "ssi", 1, used, used, "used", "", ""), ("a.csv", "ssi", 1, 1, unmatched, "unmatched", "", "")]
    return pd.DataFrame(rows, columns=list(schema.LEDGER_COLUMNS))


@pytest.mark.parametrize(("used", "unmatched", "state"), [(95, 5, "pass"), (80, 20, "care"), (70, 30, "fail")])
def test_matched_counts_rows_of_the_ledger(used, unmatched, state):
    """Share of the rows that found their seller; what was skipped for other reasons does not count."""
    check = _check("matched", dataclasses.replace(_tables(), ledger=_ledger(used, unmatched)))
    assert check.state == state
    assert check.facts["share"] == pytest.approx(used / (used + unmatched))
    assert check.facts["left_out"] == unmatched


def test_people_on_one_side_only_need_a_second_look():
    """Two of twelve have a score and no CRM event: care, although every row has its person."""
    made = _tables()
    extra = tables([reading(f"Q{k}", day(3), 50.0) for k in range(2)])
    made = dataclasses.replace(
        made, ssi=pd.concat([made.ssi, extra.ssi]), people=pd.concat([made.people, extra.people], ignore_index=True)
    )
    check = _check("matched", made)
    assert (check.state, check.facts["no_crm"]) == ("care", 2)


@pytest.mark.parametrize(("gap", "state"), [(0, "pass"), (9, "care"), (18, "fail")])
def test_complete_counts_weeks_with_a_score(gap, state):
    """Weeks without a reading stay empty and count as such."""
    made = _tables(score=lambda i, week: math.nan if 4 <= week < 4 + gap else 50.0 + week % 2)
    check = _check("complete", made)
    # A reading is carried on for 14 days, so two weeks of each gap are bridged.
    assert check.state == state
    assert check.facts["n"] == WEEKS
    assert check.facts["known"] == WEEKS - max(gap - 2, 0)


def _jumps(weeks):
    return lambda i, week: 40.0 + i + 8.0 * sum(week >= one for one in weeks)


@pytest.mark.parametrize(("weeks", "state"), [((), "pass"), ((15,), "care"), ((7, 14, 21), "fail")])
def test_score_breaks_are_dated(weeks, state):
    """One jump of everybody needs care; jumps more often than the score's own 90 days leave nothing to compare."""
    check = _check("score_break", _tables(score=_jumps(weeks)))
    assert check.state == state
    assert check.facts["dates"] == [day(week + 1).date().isoformat() for week in weeks]


@pytest.mark.parametrize(
    ("link", "state", "pillars"),
    [
        (LINK, "pass", []),
        (
            dataclasses.replace(LINK, types=("posts",), pillars_without=("people", "insights")),
            "care",
            ["people", "insights"],
        ),
        (dataclasses.replace(LINK, types=(), pillars_without=schema.PILLARS), "fail", list(schema.PILLARS)),
    ],
)
def test_the_activity_log_names_what_it_lacks(link, state, pillars):
    """All pillars covered, some not, no log at all."""
    check = _check("activity_log", link=link)
    assert (check.state, check.facts["pillars"], check.facts["r2"]) == (state, pillars, 0.6)


@pytest.mark.parametrize(("at_cap", "state"), [(1, "pass"), (2, "care"), (6, "fail")])
def test_readings_at_the_cap(at_cap, state):
    """One of ten sellers at the top is fine, two need care, six leave no differences to see."""
    check = _check("ceiling", _tables(score=lambda i, week: 98.0 if i < at_cap else 50.0))
    assert check.state == state
    assert check.facts["share"] == pytest.approx(at_cap / PEOPLE)
    assert check.facts["exposure"] == "total"


def test_the_pillar_with_most_readings_at_the_cap_counts():
    """A pillar can be full while the total is not."""
    made = _tables()
    made.ssi["people"] = 25.0
    check = _check("ceiling", made)
    assert (check.state, check.facts["exposure"]) == ("fail", "people")


@pytest.mark.parametrize(("source", "state", "share"), [("LinkedIn", "pass", 1.0), ("unknown", "care", 0.0)])
def test_inquiries_by_source(source, state, share):
    """Only where sources are known can other inquiries serve as a control."""
    check = _check("inquiry_source", _tables(source=source))
    assert (check.state, check.facts["share"]) == (state, share)


def test_a_second_currency_without_a_rate():
    """A twentieth of the deals in another currency needs care; with a rate it does not."""
    made = _tables()
    won = made.crm_events.index[made.crm_events["kind"] == "deal_won"]
    made.crm_events.loc[won[::20], "currency"] = "PLN"
    check = _check("currency", made)
    assert (check.state, check.facts["others"], check.facts["currency"]) == ("care", ["PLN"], "EUR")
    assert check.facts["share"] == pytest.approx(1 / 20)
    assert _check("currency", made, Settings(rates={"PLN": 0.23})).state == "pass"


@pytest.mark.parametrize(("sizes", "state"), [((10, 10), "pass"), ((10, 5), "care"), ((5, 5), "fail")])
def test_teams_that_are_too_small_to_be_read_alone(sizes, state):
    """All teams large enough, one of them, none."""
    people = [{"person": f"P{i:02d}", "team": "A" if i < sizes[0] else "B"} for i in range(sum(sizes))]
    check = _check("small_teams", _tables(sum(sizes), people=people))
    assert check.state == state
    assert check.facts == {"teams": 2, "large": sum(n >= 10 for n in sizes), "least": 10}


def test_the_header_counts_the_same_teams():
    """Two teams too small for a page are teams all the same; the header said 2, and the check spoke of all 4."""
    people = [{"person": f"P{i:02d}", "team": "AAAABBBBCD"[i % 10] if i < 30 else " "} for i in range(31)]
    made = _tables(31, people=people)
    assert _check("small_teams", made).facts == {"teams": 4, "large": 2, "least": 10}
    assert data_facts(build_panel(made), made, Settings())["teams_all"] == 4


def test_one_team_is_no_question():
    """Nothing to compare the team with."""
    assert _check("small_teams") is None


def test_facts_are_plain_and_name_nobody():
    """Facts go into answer.json as they are; no person, no team."""
    people = [{"person": f"P{i:02d}", "team": f"Team {i % 2}"} for i in range(PEOPLE)]
    made = _tables(people=people)
    checks = trust_checks(build_panel(made), made, Settings(), _cells(1.05), LINK)
    text = json.dumps([dataclasses.asdict(check) for check in checks])
    assert "P0" not in text
    assert "Team" not in text
    assert len({check.id for check in checks}) == len(checks) == 9


def test_every_check_has_words():
    """The page can say each of them in each state that occurs here."""
    from ssi_audit.report.words import Words

    people = [{"person": f"P{i:02d}", "team": f"Team {i % 2}"} for i in range(PEOPLE)]
    for made, cells in ((_tables(people=people), _cells(1.05)), (_tables(7, people=people[:7], source="unknown"), [])):
        for check in trust_checks(build_panel(made), made, Settings(), cells, LINK):
            assert all(Words("en").trust(check))
