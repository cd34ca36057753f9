"""What a team can see, against the simulations of methods.md section 6."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ssi_audit.stats.clusters import cr2
from ssi_audit.stats.fixed_effects import fe_poisson
from ssi_audit.stats.power import (
    DF_SHARE,
    MAX_WEEKS,
    PanelFacts,
    _variance_shown,
    _weeks_for,
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


def test_the_variance_shown_is_that_of_a_fading_series():
    """1 minus the mean of the correlations of all pairs of weeks, memory to the power of their distance."""
    for weeks, memory in ((2, 0.9), (13, 0.93), (52, 0.5), (7, 0.0)):
        apart = np.abs(np.subtract.outer(np.arange(weeks), np.arange(weeks)))
        assert _variance_shown(weeks, memory) == pytest.approx(1 - np.mean(float(memory) ** apart), rel=1e-9)


def test_the_expected_error_of_a_score_without_memory_is_poissons():
    """se^2 = 1 / (events x variance of the score within, in units), one person given to the calendar."""
    facts = PanelFacts(2.5, score_sd=6.0, memory=0.0, r2=0.2, dispersion=3.0, unit=5.0)
    events = 2.5 * 11 * 40
    variance = (6 / 5) ** 2 * (1 - 1 / 40) * (1 - 0.2)
    assert expected_se(12, 40, facts) == pytest.approx(np.sqrt(3.0 / (events * variance)), rel=1e-9)
    assert expected_se(3, 2, facts) > expected_se(12, 40, facts)


def test_ten_years_and_the_smallest_team_are_within_reach():
    """Two degrees of freedom at least; weeks are counted for everybody; the bound of the search itself counts."""
    facts = volume_facts(4.0, adjusted=True)
    small, large = team_power(3, 52, facts), team_power(41, 52, facts, ratio=1.2)
    assert (small.df, large.df) == (2.0, pytest.approx(40 * DF_SHARE))
    assert large.seller_weeks_to_detect == 41 * large.weeks_to_detect
    assert large.seller_weeks_to_rule_out == 41 * large.weeks_to_rule_out
    at_the_end = expected_se(20, MAX_WEEKS, facts)
    assert _weeks_for(20, facts, at_the_end * (1 + 1e-12)) == MAX_WEEKS
    assert np.isinf(_weeks_for(20, facts, at_the_end * (1 - 1e-6)))
    assert _weeks_for(20, facts, 10.0) == 2


@pytest.mark.parametrize("wrong", [{"score_sd": 0.0}, {"dispersion": 0.0}, {"unit": 0.0}, {"r2": 1.0}, {"r2": -0.1},
                                   {"memory": -0.1}])  # fmt: skip
def test_each_fact_has_its_range(wrong):
    """Spread, dispersion and unit are above 0, memory and r2 shares below 1."""
    with pytest.raises(ValueError, match="must be"):
        expected_se(10, 52, replace(PanelFacts(3.0), **wrong))


def test_an_error_of_zero_cannot_be_calibrated_to():
    """A measured standard error is above 0."""
    with pytest.raises(ValueError, match="above 0 was expected"):
        calibrate(PanelFacts(3.0), 0.0, 10, 52)


def test_the_share_explained_is_that_of_the_exposure_on_the_other_columns():
    """Measured r2: the weighted regression of column 0 on the rest of the fitted model; any unit will do."""
    one = team(np.random.default_rng(3), people=12, weeks=40)
    fit = fe_poisson(one.events, np.column_stack([one.score, one.activity]), one.people, calendar=one.quarter)
    first, rest = fit.design[:, 0], fit.design[:, 1:]
    left = first - rest @ np.linalg.lstsq(rest, first, rcond=None)[0]
    facts = panel_facts(fit, 10 * one.score, one.people, one.weeks)
    assert facts.r2 == pytest.approx(1 - left @ left / (first @ first), rel=1e-6)
    assert facts.r2 > 0.3
    assert expected_se(12, 40, facts) == pytest.approx(cr2(fit, 0).se)
    assert expected_se(12, 40, replace(facts, unit=0.5)) == pytest.approx(cr2(fit, 0).se / 20)
