"""What a team can see, against the simulations of methods.md section 6."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ssi_audit.stats.clusters import cr2
from ssi_audit.stats.fixed_effects import fe_poisson
from ssi_audit.stats.power import (
    PanelFacts,
    calibrate,
    expected_se,
    panel_facts,
    rate_facts,
    team_power,
    volume_facts,
)
from tests.unit.stats.simulated import team

# methods.md section 6: mean standard errors of inquiries C, D and win rate C, D; detectable RR of the two D.
SIMULATED = {
    (12, 52): ((0.06, 0.10, 0.11, 0.20), (1.39, 1.9)),
    (24, 52): ((0.04, 0.07, 0.07, 0.13), (1.25, 1.47)),
    (40, 104): ((0.02, 0.03, 0.03, 0.055), (1.10, 1.18)),
    (40, 156): ((0.017, 0.026, 0.025, 0.04), (1.08, 1.12)),
    (150, 104): ((0.011, 0.018, 0.017, 0.029), (1.05, 1.08)),
}
INQUIRIES, WINS = 4.2, 2.1 * 0.15


@pytest.mark.parametrize("size", SIMULATED)
def test_expected_errors_are_the_simulated_ones(size):
    """All four standard errors of a team size are within 15 % of the (rounded) simulated means."""
    facts = [volume_facts(INQUIRIES, adjusted=adjusted) for adjusted in (False, True)]
    facts += [rate_facts(WINS, adjusted=adjusted) for adjusted in (False, True)]
    found = [expected_se(*size, one) for one in facts]
    assert found == pytest.approx(SIMULATED[size][0], rel=0.15)


@pytest.mark.parametrize("size", SIMULATED)
def test_detectable_ratios_are_the_simulated_ones(size):
    """The detectable ratios of D are within 15 % of the simulated ones, on the log scale."""
    found = [team_power(*size, facts(events, adjusted=True)).mdrr for facts, events in PAIRS]
    assert np.log(found) == pytest.approx(np.log(SIMULATED[size][1]), rel=0.16)


PAIRS = ((volume_facts, INQUIRIES), (rate_facts, WINS))


def test_weeks_to_detect_are_the_first_that_do():
    """After that many weeks the ratio is detectable, one week earlier it is not."""
    facts = volume_facts(INQUIRIES, adjusted=True)
    weeks = int(team_power(40, 52, facts, ratio=1.10).weeks_to_detect)
    assert team_power(40, weeks, facts).mdrr <= 1.10 < team_power(40, weeks - 1, facts).mdrr


def test_weeks_to_rule_out_are_where_the_needed_multiple_is_one():
    """From that week on the data suffice, before they do not."""
    facts = rate_facts(WINS, adjusted=True)
    weeks = int(team_power(150, 52, facts, ratio=1.15).weeks_to_rule_out)
    assert team_power(150, weeks, facts, ratio=1.15).needed_multiple <= 1
    assert team_power(150, weeks - 1, facts, ratio=1.15).needed_multiple > 1


def test_what_no_wait_would_show_is_infinite():
    """Five sellers will not find a ratio of 1.02 in ten years."""
    found = team_power(5, 52, rate_facts(0.1, adjusted=True), ratio=1.02)
    assert np.isinf(found.weeks_to_detect)
    assert np.isinf(found.seller_weeks_to_rule_out)


def test_more_of_anything_helps_and_more_noise_hurts():
    """Each fact moves the standard error the way it must."""
    facts = volume_facts(3.0, adjusted=False)
    base = expected_se(20, 52, facts)
    assert expected_se(40, 52, facts) < base / 1.35
    # Twice the weeks: twice the events, and the score wanders further.
    assert expected_se(20, 104, facts) < base / np.sqrt(2)
    assert expected_se(20, 52, replace(facts, score_sd=2 * facts.score_sd)) == pytest.approx(base / 2)
    assert expected_se(20, 52, replace(facts, r2=0.75)) == pytest.approx(2 * base)
    assert expected_se(20, 52, replace(facts, memory=0.99)) > base


def test_calibration_reproduces_the_measured_error():
    """After calibration the formula gives the measured number, and scales it from there."""
    facts = calibrate(volume_facts(4.0, adjusted=True), 0.05, 30, 60)
    assert expected_se(30, 60, facts) == pytest.approx(0.05)
    assert expected_se(60, 60, facts) == pytest.approx(0.05 * np.sqrt(30 * 29 / 30 / (60 * 59 / 60)))


def test_facts_of_a_panel_forecast_a_longer_one():
    """Facts measured on a year of 40 sellers predict the standard error of three years within a quarter."""
    rng = np.random.default_rng(1)
    predicted, actual = [], []
    for _ in range(6):
        long = team(rng, people=40, weeks=156)
        short = long.weeks < 52
        columns = np.column_stack([long.score, long.activity])
        fit = fe_poisson(long.events[short], columns[short], long.people[short], calendar=long.quarter[short])
        facts = panel_facts(fit, 10 * long.score[short], long.people[short], long.weeks[short])
        assert expected_se(40, 52, facts) == pytest.approx(cr2(fit, 0).se)
        predicted.append(expected_se(40, 156, facts))
        actual.append(cr2(fe_poisson(long.events, columns, long.people, calendar=long.quarter), 0).se)
    assert np.mean(predicted) == pytest.approx(np.mean(actual), rel=0.25)


def test_facts_of_a_panel_are_those_it_was_made_with():
    """Spread, memory and rate of a simulated team are measured near their true values."""
    one = team(np.random.default_rng(2), people=80, weeks=104)
    fit = fe_poisson(one.events, one.score, one.people, calendar=one.quarter)
    facts = panel_facts(fit, 10 * one.score, one.people, one.weeks)
    assert facts.memory == pytest.approx(0.93, abs=0.02)
    assert facts.score_sd == pytest.approx(7.0, rel=0.1)
    assert facts.events_per_week == pytest.approx(one.events.mean())
    assert facts.r2 < 0.1


@pytest.mark.parametrize(
    ("people", "weeks", "facts", "message"),
    [
        (2, 52, PanelFacts(3.0), "2 people"),
        (10, 1, PanelFacts(3.0), "1 weeks"),
        (10, 52, PanelFacts(0.0), "must be above 0"),
        (10, 52, PanelFacts(3.0, memory=1.0), "below 1"),
    ],
)
def test_impossible_facts_are_refused(people, weeks, facts, message):
    """Numbers outside their range are named."""
    with pytest.raises(ValueError, match=message):
        expected_se(people, weeks, facts)


def test_a_ratio_of_one_cannot_be_looked_for():
    """Nothing is a difference of nothing."""
    with pytest.raises(ValueError, match="above 1"):
        team_power(10, 52, PanelFacts(3.0), ratio=1.0)
