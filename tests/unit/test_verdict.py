"""The printed rule of methods.md section 8, case by case."""

from __future__ import annotations

import dataclasses
import math

import pytest

from ssi_audit import schema, verdict
from ssi_audit.results import ActivityLink, Cell, Correlation, Fit

TRACKS = ActivityLink("yes", 0.62, {}, tuple(schema.ACTIVITY_TYPES), ())


def fit(rr: float, half: float, p: float = 0.5, **more) -> Fit:
    """Return a fit whose 90 % interval is rr times exp(+-half) and whose 95 % interval is a fifth wider."""
    given = {
        "rr": rr,
        "low": rr * math.exp(-1.2 * half),
        "high": rr * math.exp(1.2 * half),
        "low90": rr * math.exp(-half),
        "high90": rr * math.exp(half),
        "p": p,
        "p_holm": p,
        "df": 15.0,
        "n_people": 24,
        "n_rows": 1200,
    }
    return Fit(**{**given, **more})


CLEAR_CRUDE = fit(1.12, 0.05, p=0.001)
NIL_CRUDE = fit(1.0, 0.015)
NIL = fit(1.01, 0.05)
WIDE = fit(1.05, 0.30)
CLEAR = fit(1.30, 0.10, p=0.001)
REVERSED = fit(0.75, 0.10, p=0.001)


def judged(outcome="inquiries", crude=CLEAR_CRUDE, adjusted=NIL, lead=WIDE, control=WIDE, activity=TRACKS, sesoi=1.10):
    return verdict.judge(verdict.Evidence(outcome, crude, adjusted, lead, control, activity), sesoi)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "activity_gauge"),
        ({"crude": NIL_CRUDE}, "no_association"),
        ({"crude": fit(1.03, 0.05)}, "no_association"),  # not clear, but inside the smallest effect of interest
        ({"crude": WIDE}, "inconclusive"),
        ({"crude": fit(0.9, 0.05, p=0.001)}, "activity_gauge"),
        ({"adjusted": WIDE}, "inconclusive"),
        ({"adjusted": CLEAR}, "leading_indicator"),
        ({"adjusted": CLEAR, "outcome": "win_rate"}, "effectiveness_measure"),
        ({"adjusted": REVERSED}, "activity_gauge"),
        ({"adjusted": REVERSED, "activity": dataclasses.replace(TRACKS, status="no", r2=0.01)}, "no_association"),
        ({"activity": dataclasses.replace(TRACKS, status="no", r2=0.01)}, "inconclusive"),
        ({"adjusted": CLEAR, "lead": fit(1.2, 0.1, p=0.01)}, "inconclusive"),
        ({"adjusted": CLEAR, "lead": fit(0.8, 0.1, p=0.01)}, "leading_indicator"),  # before success, not after
        ({"adjusted": CLEAR, "control": fit(1.3, 0.1)}, "inconclusive"),
        ({"adjusted": CLEAR, "control": fit(1.05, 0.02)}, "leading_indicator"),  # less than half of the effect
        ({"adjusted": CLEAR, "activity": dataclasses.replace(TRACKS, r2=0.4)}, "inconclusive"),
        ({"adjusted": CLEAR, "activity": dataclasses.replace(TRACKS, pillars_without=("people",))}, "inconclusive"),
        # A thin activity log matters for volume only: closing is not made of clicks.
        (
            {"adjusted": CLEAR, "activity": dataclasses.replace(TRACKS, r2=0.4), "outcome": "win_rate"},
            "effectiveness_measure",
        ),
        ({"adjusted": dataclasses.replace(CLEAR, n_people=7), "crude": fit(1, 0.1, n_people=7)}, "inconclusive"),
        ({"adjusted": dataclasses.replace(CLEAR, df=3.9)}, "inconclusive"),
        ({"activity": ActivityLink("unknown", math.nan, {}, (), schema.PILLARS)}, "inconclusive"),
        ({"adjusted": Fit(why="nothing")}, "inconclusive"),
    ],
)
def test_rule(changes, expected):
    """Each line of the rule decides as printed."""
    assert judged(**changes)[0] == expected


def test_negative_is_flagged():
    """A score that goes with worse conversion says so."""
    assert "negative" in judged(adjusted=REVERSED)[1]
    assert "negative" in judged(crude=fit(0.9, 0.05, p=0.001))[1]
    assert "negative" not in judged()[1]


def test_nil_wins_over_significance():
    """An effect that is clear but inside the smallest effect of interest is too small to matter."""
    assert verdict.adjusted_status(fit(1.03, 0.01, p=1e-6), 1.10) == "nil"
    assert verdict.crude_status(fit(1.03, 0.005, p=1e-6), 1.10) == "pos"


def test_adjusted_p_decides_not_the_raw_one():
    """A raw p below 5 % with a Holm p above is unknown; exploratory pairs use Benjamini-Hochberg."""
    assert verdict.adjusted_status(fit(1.3, 0.1, p=0.01, p_holm=0.08), 1.10) == "unknown"
    assert verdict.adjusted_status(fit(1.3, 0.1, p=0.01, p_holm=math.nan, p_bh=0.03), 1.10) == "pos"


def test_placebo_and_thin_log_are_flagged_whatever_the_verdict():
    """A failed placebo is on the first screen even when the verdict does not depend on it."""
    flags = judged(lead=fit(1.2, 0.1, p=0.01), activity=dataclasses.replace(TRACKS, r2=0.3))[1]
    assert set(flags) == {"lead_placebo", "activity_log_incomplete"}


@pytest.mark.parametrize(
    ("r2", "status"), [(0.25, "yes"), (0.2499, "unknown"), (0.05, "unknown"), (0.0499, "no"), (math.nan, "unknown")]
)
def test_tracks_activity(r2, status):
    """The bounds of K1."""
    assert verdict.activity_status(r2) == status


G = schema.ACTIVITY_GAUGE
L = schema.LEADING_INDICATOR
E = schema.EFFECTIVENESS_MEASURE
N = schema.NO_ASSOCIATION
I = schema.INCONCLUSIVE  # noqa: E741


@pytest.mark.parametrize(
    ("inquiries", "meetings", "meeting_rate", "win_rate", "volume", "effectiveness", "overall"),
    [
        (G, G, N, N, G, N, G),
        (G, N, N, N, G, N, G),
        (N, N, N, N, N, N, N),
        (N, N, G, N, N, N, G),
        (G, G, N, I, G, I, I),
        (I, G, N, N, I, N, I),
        (L, I, I, I, L, I, L),
        (L, L, E, I, L, E, E),
        (I, I, I, E, I, E, E),
    ],
)
def test_three_verdicts(inquiries, meetings, meeting_rate, win_rate, volume, effectiveness, overall):
    """How pairs make the volume, the effectiveness and the overall verdict."""
    cells = [
        Cell(
            "total",
            outcome,
            code,
            (),
            "",
            Fit(),
            Fit(),
            Fit(),
            Fit(),
            Fit(),
            Correlation(),
            Correlation(),
            Correlation(),
        )
        for outcome, code in zip(schema.PRIMARY_OUTCOMES, (inquiries, meetings, meeting_rate, win_rate), strict=True)
    ]
    found = verdict.judge_overall(cells, TRACKS)
    assert (found.volume, found.effectiveness, found.verdict) == (volume, effectiveness, overall)


def test_outcome_that_is_not_in_the_files_cannot_be_settled():
    """Without meetings the volume verdict is inconclusive, not a verdict on inquiries alone."""
    cell = Cell(
        "total", "inquiries", N, (), "", Fit(), Fit(), Fit(), Fit(), Fit(), Correlation(), Correlation(), Correlation()
    )
    assert verdict.judge_overall([cell], TRACKS).volume == I
