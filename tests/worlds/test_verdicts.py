"""The rule on worlds whose truth is planted: it says yes, no and can't tell where it should.

Acceptance figures of methods.md section 8. The full runs are marked slow
(`make worlds`); a small version runs every time.
"""

from __future__ import annotations

import math
import multiprocessing
from collections import Counter

import numpy as np
import pytest

from ssi_audit import schema
from ssi_audit.evidence import decide
from ssi_audit.models import regress
from ssi_audit.parallel import n_workers
from ssi_audit.worlds import VERDICTS, WORLDS
from tests.worlds.tables import panel_of

NO_EFFECT = ("activity_gauge", "confounded", "reverse", "null", "licence_only", "spammers")
YES = (schema.LEADING_INDICATOR, schema.EFFECTIVENESS_MEASURE)


def verdict_of(world: tuple[str, int, int, int]) -> str:
    return decide(panel_of(*world)).verdict


def adjusted_of(world: tuple[str, int, int, int]) -> tuple[float, float]:
    """Log RR and p of D on inquiries."""
    fit = regress(panel_of(*world), "total", "inquiries", True, seed=None)
    return math.log(fit.rr), fit.p


def each(function, worlds):
    """Run over all cores, in order; every world is simulated in its own process."""
    with multiprocessing.get_context("fork").Pool(n_workers()) as pool:
        return pool.map(function, list(worlds), chunksize=1)


@pytest.mark.parametrize(
    ("name", "people", "weeks", "expected"),
    [
        ("drives_inquiries", 60, 104, {schema.LEADING_INDICATOR}),
        ("effectiveness", 60, 104, {schema.EFFECTIVENESS_MEASURE}),
        ("null", 12, 52, {schema.INCONCLUSIVE}),
    ],
)
def test_yes_no_and_cannot_tell(name, people, weeks, expected):
    """A world where the score works, one where it closes deals, one with too few sellers."""
    assert verdict_of((name, people, weeks, 1)) in expected


def test_a_plain_no():
    """With enough sellers a pure activity gauge is called one."""
    assert verdict_of(("activity_gauge", 110, 104, 3)) == schema.ACTIVITY_GAUGE


def test_small_teams_are_told_to_wait():
    """16 sellers over a year, no effect planted: nearly always can't tell, never a crowd of false yes."""
    # Other draws in each world: the same seed is the same luck in all of them.
    jobs = [(name, 16, 52, 100 * k + seed) for k, name in enumerate(NO_EFFECT) for seed in range(3)]
    found = Counter(each(verdict_of, jobs))
    assert found[schema.INCONCLUSIVE] >= 16
    assert sum(found[code] for code in YES) <= 1


def test_a_dozen_sellers_and_a_year_are_too_short_for_a_yes():
    """An effect that a dozen sellers see within a year is told when there are fifteen seller-years of them."""
    short, longer = (decide(panel_of("effectiveness", 12, weeks, 2)) for weeks in (52, 78))
    assert short.verdict == schema.INCONCLUSIVE and any("few_years" in reason for reason in short.reasons)
    assert longer.verdict == schema.EFFECTIVENESS_MEASURE


@pytest.mark.slow
def test_adjusted_p_keeps_its_level():
    """`null` at 24 x 52: adjusted p below .05 in 2 to 9 % of 200 seeds."""
    found = each(adjusted_of, [("null", 24, 52, seed) for seed in range(200)])
    share = np.mean([p < 0.05 for _, p in found])
    print(f"\nnull 24 x 52: adjusted p < .05 in {100 * share:.1f} % of 200 seeds")
    assert 0.02 <= share <= 0.09


@pytest.mark.slow
@pytest.mark.parametrize("name", NO_EFFECT)
@pytest.mark.parametrize("people", [12, 16])
def test_no_effect_in_small_teams(name, people):
    """50 seeds: at least 90 % inconclusive, at most 8 % falsely positive; 16 sellers are above the least to settle."""
    found = Counter(each(verdict_of, [(name, people, 52, seed) for seed in range(50)]))
    print(f"\n{name} {people} x 52: {dict(found)}")
    assert found[schema.INCONCLUSIVE] >= 45
    assert sum(found[code] for code in YES) <= 4


@pytest.mark.slow
def test_large_teams_are_told_the_truth():
    """150 x 104, 12 seeds of each world: at least 80 % of the verdicts are right, in every world too."""
    right = {}
    for name in WORLDS:
        found = each(verdict_of, [(name, 150, 104, seed) for seed in range(12)])
        right[name] = np.mean([code in VERDICTS[name][0] for code in found])
        print(f"\n{name} 150 x 104: {dict(Counter(found))}, right {100 * right[name]:.0f} %")
    assert np.mean(list(right.values())) >= 0.8
    assert min(right.values()) >= 0.75


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "truth"), [("null", 0.0), ("activity_gauge", 0.0), ("drives_inquiries", math.log(1.25))]
)
def test_adjusted_effect_is_unbiased(name, truth):
    """150 x 104: the mean of beta_D lies within .02 of the truth."""
    found = each(adjusted_of, [(name, 150, 104, seed) for seed in range(12)])
    mean = float(np.mean([beta for beta, _ in found]))
    print(f"\n{name} 150 x 104: mean beta_D {mean:.3f}, truth {truth:.3f}")
    assert abs(mean - truth) <= 0.02
