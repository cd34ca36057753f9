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


def judged(
    outcome="inquiries", crude=CLEAR_CRUDE, adjusted=NIL, lead=WIDE, control=WIDE, activity=TRACKS, sesoi=1.10, years=23
):
    return verdict.judge(verdict.Evidence(outcome, crude, adjusted, lead, control, activity, years), sesoi)


UNRELATED = dataclasses.replace(TRACKS, status="no", r2=0.01)
THIN = dataclasses.replace(TRACKS, r2=0.4)
ONE_PILLAR_MISSING = dataclasses.replace(TRACKS, pillars_without=("people",))
NOTHING_LOGGED = ActivityLink("unknown", math.nan, {}, (), schema.PILLARS)
SHORT_LOG = ActivityLink("unknown", math.nan, {}, tuple(schema.ACTIVITY_TYPES), (), why="too short")
LEADS = fit(1.2, 0.1, p=0.01)
FEW = fit(1, 0.1, n_people=7)


@pytest.mark.parametrize(
    ("changes", "expected", "reason", "flags"),
    [
        ({}, "activity_gauge", "only_activity", ()),
        ({"crude": NIL_CRUDE}, "no_association", "both_nil", ()),
        ({"crude": fit(1.03, 0.05)}, "no_association", "both_nil", ()),  # not clear, but inside the smallest effect
        ({"crude": WIDE}, "inconclusive", "crude_unknown", ()),
        ({"crude": fit(0.9, 0.05, p=0.001)}, "activity_gauge", "only_activity_negative", ("negative",)),
        ({"adjusted": WIDE}, "inconclusive", "too_wide", ()),
        ({"adjusted": CLEAR}, "leading_indicator", "beyond_activity", ()),
        ({"adjusted": CLEAR, "outcome": "win_rate"}, "effectiveness_measure", "beyond_activity", ()),
        ({"adjusted": REVERSED}, "activity_gauge", "negative", ("negative",)),
        (
            {"adjusted": REVERSED, "activity": UNRELATED},
            "no_association", "negative", ("activity_log_incomplete", "negative"),
        ),
        ({"activity": UNRELATED}, "inconclusive", "crude_unknown", ("activity_log_incomplete",)),
        ({"adjusted": CLEAR, "lead": LEADS}, "inconclusive", "lead_placebo", ("lead_placebo",)),
        ({"adjusted": CLEAR, "lead": fit(0.8, 0.1, p=0.01)}, "leading_indicator", "beyond_activity", ()),
        ({"adjusted": CLEAR, "lead": Fit(why="too short")}, "leading_indicator", "beyond_activity", ()),
        ({"adjusted": CLEAR, "control": fit(1.3, 0.1)}, "inconclusive", "negative_control", ("negative_control",)),
        ({"adjusted": CLEAR, "control": fit(1.05, 0.02)}, "leading_indicator", "beyond_activity", ()),  # under a half
        ({"adjusted": CLEAR, "control": Fit(why="no sources")}, "leading_indicator", "beyond_activity", ()),
        ({"adjusted": WIDE, "control": fit(1.3, 0.1)}, "inconclusive", "too_wide", ("negative_control",)),
        ({"adjusted": fit(0.98, 0.3), "control": fit(1.3, 0.1)}, "inconclusive", "too_wide", ()),  # nothing to halve
        (
            {"adjusted": CLEAR, "activity": THIN},
            "inconclusive", "activity_not_ruled_out", ("activity_log_incomplete",),
        ),
        (
            {"adjusted": CLEAR, "activity": ONE_PILLAR_MISSING},
            "inconclusive", "activity_not_ruled_out", ("activity_log_incomplete",),
        ),
        # A thin activity log matters for volume only: closing is not made of clicks.
        (
            {"adjusted": CLEAR, "activity": THIN, "outcome": "win_rate"},
            "effectiveness_measure", "beyond_activity", ("activity_log_incomplete",),
        ),
        ({"adjusted": dataclasses.replace(CLEAR, n_people=7), "crude": FEW}, "inconclusive", "few_people", ()),
        ({"adjusted": dataclasses.replace(CLEAR, n_people=7)}, "inconclusive", "few_people", ()),
        ({"adjusted": Fit(why="nothing"), "crude": FEW}, "inconclusive", "few_people", ()),
        ({"adjusted": dataclasses.replace(CLEAR, n_people=8)}, "leading_indicator", "beyond_activity", ()),
        ({"adjusted": dataclasses.replace(CLEAR, df=3.9)}, "inconclusive", "few_df", ()),
        ({"adjusted": dataclasses.replace(CLEAR, df=4.0)}, "leading_indicator", "beyond_activity", ()),
        # Too short a panel settles nothing, whichever way it points; where the estimates are open, they say why.
        ({"adjusted": CLEAR, "years": 14.99}, "inconclusive", "few_years", ()),
        ({"adjusted": CLEAR, "years": 15.0}, "leading_indicator", "beyond_activity", ()),
        ({"crude": NIL_CRUDE, "years": 14.99}, "inconclusive", "few_years", ()),
        ({"adjusted": REVERSED, "years": 14.99}, "inconclusive", "few_years", ("negative",)),
        ({"adjusted": WIDE, "years": 3.0}, "inconclusive", "too_wide", ()),
        ({"activity": NOTHING_LOGGED}, "inconclusive", "no_activity_data", ()),
        ({"activity": SHORT_LOG}, "inconclusive", "crude_unknown", ("activity_log_incomplete",)),
        ({"adjusted": Fit(why="nothing", n_people=24)}, "inconclusive", "no_estimate", ()),
        # A result that nobody has is missing in the files; it says nothing about how many sellers there are.
        ({"adjusted": Fit(why="no deals"), "crude": Fit(why="no deals")}, "inconclusive", "no_estimate", ()),
        # Few people in the plain model is another reason than no estimate, or no activity, in the adjusted one.
        ({"adjusted": Fit(why="nothing"), "activity": NOTHING_LOGGED}, "inconclusive", "no_activity_data", ()),
        ({"adjusted": Fit(why="nothing"), "crude": fit(1, 0.1, n_people=8)}, "inconclusive", "no_estimate", ()),
    ],
)  # fmt: skip
def test_rule(changes, expected, reason, flags):
    """Each line of the rule decides as printed, names itself as the reason and carries its flags."""
    assert judged(**changes) == (expected, flags, reason)


@pytest.mark.parametrize(("rows", "period"), [(15 * 52, "week"), (15 * 12, "month")])
def test_fifteen_sellers_for_a_year_are_enough(rows, period):
    """Fifteen sellers for a year just reach the least that a verdict asks for, by week and by month."""
    assert verdict.seller_years(rows, period) == verdict.MIN_SELLER_YEARS == 15


@pytest.mark.parametrize(
    ("found", "holds"),
    [
        (lambda: verdict.inside(fit(1.0, 0, low90=1 / 1.1, high90=1.05), 1.1), False),  # an end on the border is out
        (lambda: verdict.inside(fit(1.0, 0, low90=0.95, high90=1.1), 1.1), False),
        (lambda: verdict.inside(fit(1.0, 0, low90=0.95, high90=1.05), 1.1), True),
        (lambda: verdict.adjusted_status(fit(1.3, 0.1, p=0.05), 1.1) == "pos", False),  # p must be below alpha
        (lambda: verdict.crude_status(fit(1.3, 0.3, p=0.2), 1.1) == "pos", False),  # alpha is 5 % unless given
        (lambda: verdict.placebo_fails(fit(1.2, 0.1, p=0.05)), False),
        (lambda: verdict.placebo_fails(fit(1.0, 0.1, p=0.01)), False),
        (lambda: verdict.control_fails(fit(1.3, 0.1), Fit(why="nothing")), False),
        (lambda: verdict.control_fails(fit(1.2, 0, low=1.0), fit(1.2, 0.1)), False),
        (lambda: verdict.control_fails(fit(1.21, 0.01), fit(1.21**2, 0.1)), True),  # exactly half is enough
        (lambda: verdict.log_incomplete(dataclasses.replace(TRACKS, r2=0.5)), False),
        (lambda: verdict.log_incomplete(dataclasses.replace(TRACKS, r2=0.4999)), True),
    ],
)
def test_borders(found, holds):
    """What lies exactly on a border belongs to the side that is printed."""
    assert found() is holds


def test_level_is_a_setting():
    """A stricter alpha turns a clear link into an unknown one, at equal activity and without."""
    lenient = verdict.Evidence("inquiries", CLEAR_CRUDE, fit(1.3, 0.1, p=0.03), WIDE, WIDE, TRACKS, 23.0)
    assert verdict.judge(lenient, 1.10)[0] == "leading_indicator"
    assert verdict.judge(lenient, 1.10, alpha=0.01)[2] == "too_wide"
    gauge = verdict.Evidence("inquiries", fit(1.12, 0.05, p=0.03), NIL, WIDE, WIDE, TRACKS, 23.0)
    assert verdict.judge(gauge, 1.10)[2] == "only_activity"
    assert verdict.judge(gauge, 1.10, alpha=0.01)[2] == "crude_unknown"


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


@pytest.mark.parametrize(("r2", "high", "status"), [(-0.05, 0.56, "unknown"), (-0.05, 0.24, "no"), (0.3, 0.9, "yes")])
def test_a_range_that_reaches_tracking_rules_nothing_out(r2, high, status):
    """Few sellers and weeks of a score that follows activity may predict worse than nothing."""
    assert verdict.activity_status(r2, high) == status


G = schema.ACTIVITY_GAUGE
L = schema.LEADING_INDICATOR
E = schema.EFFECTIVENESS_MEASURE
N = schema.NO_ASSOCIATION
I = schema.INCONCLUSIVE  # noqa: E741


def cell(outcome: str, code: str, exposure: str = "total", flags: tuple[str, ...] = (), reason: str = "why") -> Cell:
    return Cell(exposure, outcome, code, flags, reason, *[Fit()] * 5, *[Correlation()] * 3)


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
    codes = (inquiries, meetings, meeting_rate, win_rate)
    cells = [cell(outcome, code) for outcome, code in zip(schema.PRIMARY_OUTCOMES, codes, strict=True)]
    found = verdict.judge_overall(cells, TRACKS)
    assert (found.volume, found.effectiveness, found.verdict) == (volume, effectiveness, overall)


def test_outcome_that_is_not_in_the_files_cannot_be_settled():
    """Without meetings the volume verdict is inconclusive, not a verdict on inquiries alone."""
    assert verdict.judge_overall([cell("inquiries", N)], TRACKS).volume == I


def test_overall_carries_flags_reasons_and_the_link_to_activity():
    """The first screen gets every flag once, one reason per main result of the total score, and K1."""
    cells = [
        cell("inquiries", N, flags=("lead_placebo",), reason="both_nil"),
        cell("meetings", N, flags=("lead_placebo", "negative_control"), reason="too_wide"),
        cell("inquiries", E, exposure="brand", flags=("negative",)),
        cell("deals", E, flags=("negative",)),
    ]
    found = verdict.judge_overall(cells, TRACKS)
    assert found.flags == ("lead_placebo", "negative_control")
    assert found.reasons == ("inquiries: both_nil", "meetings: too_wide")
    assert (found.tracks_activity, found.r2_activity) == ("yes", 0.62)
    assert verdict.judge_overall(cells, TRACKS, score_break=True).flags == (*found.flags, "score_break")


def test_a_fit_that_could_not_be_made_has_no_status():
    """Nothing is nil or clear about a model that was not fitted, crude or adjusted."""
    missing = Fit(why="only 3 people can be compared")
    assert not missing.known
    assert verdict.adjusted_status(missing, 1.10) == verdict.crude_status(missing, 1.10) == verdict.UNKNOWN


@pytest.mark.parametrize(
    ("lead", "control", "word"),
    [(WIDE, WIDE, ""), (LEADS, WIDE, "before the score"), (WIDE, CLEAR, "did not come"), (LEADS, CLEAR, "before")],
)
def test_what_the_verdict_doubts_refutes_no_claim(lead, control, word):
    """The words of the doubt are empty exactly where the verdict takes a positive effect at its word."""
    doubt = verdict.doubt(lead, control, CLEAR)
    assert word in doubt
    trusted = judged("win_rate", adjusted=CLEAR, lead=lead, control=control)[0] == schema.EFFECTIVENESS_MEASURE
    assert trusted == (not doubt)
