"""Each kind of claim ends where the planted truth is, in favour and against; the register checks what it reads."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ssi_audit import claim_rules as rules
from ssi_audit import schema
from ssi_audit.claim_data import Case
from ssi_audit.claim_tests_groups import Contrast
from ssi_audit.claim_tests_score import _gaps_without_each
from ssi_audit.claims import KINDS, ON_SALES, REGISTER, load_claims, test_claims
from ssi_audit.errors import SettingsError
from ssi_audit.models import activity_link, regress
from ssi_audit.panel import build_panel
from ssi_audit.results import Audit, Cell, Correlation, Fit, Indicator, Overall
from ssi_audit.settings import Settings
from ssi_audit.stats.clusters import t_interval
from ssi_audit.worlds import make_world
from tests.unit.claim_panels import log_of, memory, panel, tables_beside
from tests.worlds.tables import tables_of

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
CLAIMS = {claim.id: claim for claim in load_claims()}
# Scores from 20 to 80 that last: enough sellers on both sides of 30 and 70.
WIDE = np.linspace(-34, 34, 30)
# A licence for two sellers in three, at different times.
LICENSED = np.where(np.arange(30) % 3 == 0, np.nan, 12.0 + np.arange(30) % 12)


def judged(claim_id: str, frame: pd.DataFrame, tables: schema.Tables | None = None, **changes):
    """Test one claim of the register; `changes` go to its parameters."""
    claim = CLAIMS[claim_id]
    if changes:
        claim = dataclasses.replace(claim, parameters=claim.parameters.model_copy(update=changes))
    found = test_claims(frame, tables or tables_beside(frame), claims=[claim])
    return found[0]


@pytest.fixture(scope="module")
def nothing() -> pd.DataFrame:
    """A score that goes with activity and with nothing else."""
    return panel(level=WIDE)


@pytest.fixture(scope="module")
def strong() -> pd.DataFrame:
    """A score that goes with inquiries beyond activity, and with no conversion."""
    return panel(level=WIDE, on_inquiries=0.15)


# ---- leaders and laggards --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("effect", "state"), [(0.0, "contradicted"), (0.04, "supported_smaller"), (0.08, "supported"), (0.3, "supported")]
)
def test_more_opportunities(effect, state):
    """Leaders against laggards: no difference, a smaller one, the published one, a larger one."""
    found = judged("more-opportunities", panel(level=WIDE, own=3, activity_moves_score=False, on_inquiries=effect))
    assert (found.state, found.details["used"]) == (state, "claim")
    assert found.details["groups"]["high"]["people"] >= 6 <= found.details["groups"]["low"]["people"]


@pytest.mark.parametrize(("effect", "state"), [(0.0, "contradicted"), (0.08, "supported")])
def test_claims_contrast_that_cannot_be_formed(effect, state):
    """With few leaders and laggards a straight line decides where thirds agree, and says what it is."""
    frame = panel(level=np.linspace(-22, 22, 30), own=2, activity_moves_score=False, on_inquiries=effect)
    found = judged("more-opportunities", frame)
    assert (found.state, found.details["used"], found.details["claim"]) == (state, "line", None)
    assert found.reason.startswith("Not the claim's contrast: too few ")
    assert found.details["thirds"]["points_apart"] == pytest.approx(29, abs=2)


@pytest.mark.parametrize(
    ("line", "thirds", "state"),
    [
        (0.0, 0.0, "contradicted"),
        (0.5, 0.2, "supported"),
        (0.5, 0.0, "not_enough_data"),
        (0.0, None, "not_enough_data"),
    ],
)
def test_line_decides_only_with_the_thirds(line, thirds, state):
    """Forty points along a line decide where thirds twenty points apart say the same of half the size."""
    groups = {side: {"people": 3} for side in ("high", "low")}
    of_thirds = None if thirds is None else a_range(thirds, 0.05)
    seen = Contrast(None, a_range(line, 0.05), of_thirds, 20.0, groups, 70.0, 30.0)
    assert seen.judge(1.45)[0] == state


def test_other_outcome_is_named():
    """Where a CRM keeps no opportunities the claim is read by inquiries, and says so."""
    found = judged("more-opportunities", panel(level=WIDE, missing={"opportunities": "no event of kind opportunity"}))
    assert found.details["outcome"] == "inquiries"
    assert "Counted as inquiries" in found.reason


def test_implied_link_grows_with_the_claim(nothing):
    """The link that the published size would look like is positive and below 1."""
    low, high = judged("more-opportunities", nothing).details["implied_link"]
    assert 0 < low <= high < 1


@pytest.mark.parametrize(("effect", "state"), [(0.0, "contradicted"), (0.08, "supported")])
def test_quota(effect, state):
    """Quota reached, leaders against laggards."""
    assert judged("quota", panel(n=60, level=np.tile(WIDE, 2), weeks=78, on_inquiries=effect)).state == state


def test_quota_without_quotas_names_the_file():
    """Without quotas the claim says which file would hold them."""
    found = judged("quota", panel(missing={"quota_hit": "no quota for a whole period (quotas.csv)"}))
    assert found.state == "not_testable"
    assert "quotas.csv (person, period_start, period_end, quota)" in found.reason


@pytest.mark.parametrize(("effect", "state"), [(0.0, "contradicted"), (0.2, "supported")])
def test_outsell_peers(effect, state):
    """The share of pairs in which the high scorer sold more, with both readings of the number."""
    found = judged("outsell-peers", panel(n=90, level=np.tile(WIDE, 3), on_inquiries=effect))
    readings = found.details["readings"]
    assert found.state == readings["share"]["state"] == state
    assert (readings["share"]["claimed"], readings["ratio"]["claimed"]) == (0.78, 1.78)
    assert readings["ratio"]["state"] in (state, "supported_smaller", "contradicted")


def test_few_sellers_never_settle_a_share():
    """Thirds of four sellers each are too few, however far apart."""
    found = judged("outsell-peers", panel(n=12, level=np.linspace(-34, 34, 12), on_inquiries=0.3))
    assert found.state == "not_enough_data"


@pytest.mark.parametrize(("effect", "state"), [(0.0, "contradicted"), (0.45, "supported")])
def test_productive_prospecting(effect, state):
    """Meetings per search and invitation: busier sellers have fewer, unless the score brings many more."""
    assert judged("productive-prospecting", panel(level=WIDE, on_inquiries=effect)).state == state


def test_productive_prospecting_without_searches():
    """Without searches and invitations there is no prospecting to divide by."""
    found = judged("productive-prospecting", panel(types=("posts",)))
    assert (found.state, "searches or invites" in found.reason) == ("not_testable", True)


@pytest.mark.parametrize(("effect", "state"), [(0.0, "supported"), (0.15, "contradicted")])
def test_small_gaps(effect, state):
    """Four points between colleagues."""
    found = judged("small-gaps-mean-nothing", panel(level=WIDE, own=3, activity_moves_score=False, on_inquiries=effect))
    assert found.state == state
    assert found.estimate == pytest.approx(math.exp(0.4 * effect), abs=0.02)


# ---- links with results ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "contradicted"),
        ({"on_inquiries": 0.2}, "supported"),
        ({"on_inquiries": -0.1}, "contradicted"),
        ({"shape": lambda s: 0.02 * np.where(s < 60, s - 60, 60 - s)}, "contradicted"),  # rises, then falls
    ],
)
def test_higher_is_better(changes, state):
    """A trend, none, a falling one, and one that turns."""
    found = judged("higher-is-better", panel(level=20.0, own=12, **changes))
    assert found.state == state
    assert found.details["turns"] == ("shape" in changes)
    assert found.details["bands"][0]["estimate"] == 1.0


def test_higher_is_better_in_both_halves():
    """A score that helps up to the middle and no further has a trend, and is not "the higher, the better"."""
    rises = {"shape": lambda s: 0.03 * np.minimum(s - 50, 0)}
    found = judged("higher-is-better", panel(level=20.0, own=12, **rises))
    assert found.low > 1 and not found.details["turns"]
    assert found.details["below"]["low"] > 1.2 > found.details["above"]["high"]
    assert found.state == "contradicted"
    assert found.reason == "Above 50 points there is no link large enough to matter."
    few = judged("higher-is-better", panel(n=10, level=20.0, own=3, on_inquiries=0.15))
    assert few.low > 1
    assert few.state == "not_enough_data"
    assert few.reason.startswith("There is a trend, but not clearly on both sides of 54 points. ")


@pytest.mark.parametrize(("effect", "state"), [(0.0, "contradicted"), (0.3, "supported")])
def test_every_pillar_counts(effect, state):
    """All four pillars follow a score that matters; none follows one that does not."""
    found = judged("every-pillar-counts", panel(on_inquiries=effect, own=10, pillars_differ=0.1))
    assert found.state == state
    assert [one["exposure"] for one in found.details["exposures"]] == list(schema.PILLARS)


def test_pillar_that_was_never_read():
    """A claim about pillars names the columns that are empty."""
    found = judged("every-pillar-counts", panel().assign(brand=np.nan))
    assert (found.state, "column brand" in found.reason) == ("not_testable", True)


@pytest.mark.parametrize(
    ("changes", "state"),
    [({}, "contradicted"), ({"on_inquiries": 0.2}, "supported"),
     ({"on_inquiries": 0.1, "on_win_rate": 0.25}, "contradicted")],
)  # fmt: skip
def test_early_funnel(changes, state):
    """A link with inquiries alone, with nothing, and a larger one with closing."""
    found = judged("early-funnel", panel(own=10, **changes))
    assert found.state == state
    stages = [row["stage"] for row in found.details["funnel"]]
    assert stages == ["inquiries", "meeting_rate", "win_rate", "revenue_per_deal"]
    last = found.details["funnel"][-1]["crude"]
    assert last["low"] < last["low90"] < last["estimate"] < last["high90"] < last["high"]
    assert last["n_people"] > 0


@pytest.mark.parametrize(
    ("changes", "effectiveness", "closing"),
    [
        ({}, "supported", "supported"),
        ({"on_inquiries": 0.2}, "supported", "supported"),
        ({"on_win_rate": 0.3}, "contradicted", "contradicted"),
        ({"on_win_rate": -0.3}, "contradicted", "supported"),  # worse closing is effectiveness, but no closing
    ],
)
def test_effectiveness_and_closing(changes, effectiveness, closing):
    """Conversion at equal activity: none, none beside inquiries, better, worse."""
    frame = panel(own=10, **changes)
    assert judged("not-effectiveness", frame).state == effectiveness
    assert judged("nothing-on-closing", frame).state == closing


def test_effectiveness_without_a_stage():
    """A missing stage keeps the claim from being supported and is named; it does not keep it from being refuted."""
    lost = {"win_rate": "the files do not say which meeting a won deal came from"}
    found = judged("not-effectiveness", panel(own=10, missing=lost))
    assert found.state == "not_testable"
    assert "columns deal or started of crm_events" in found.reason
    assert judged("not-effectiveness", panel(own=10, missing=lost, on_meeting_rate=0.3)).state == "contradicted"


# ---- beyond activity, for whom, and when -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "state"),
    [({"activity_on_inquiries": 0.5}, "supported"), ({"on_inquiries": 0.3}, "contradicted"), ({}, "supported")],
)
def test_only_through_activity(changes, state):
    """Activity brings the deals; the score does; nothing does, so there is nothing to add either."""
    found = judged("only-through-activity", panel(n=40, own=4, **changes))
    assert found.state == state
    assert set(found.details["skill_gain"]) == {"estimate", "low", "high"}
    assert (found.details["share_explained"] is None) == (not changes)


def test_thin_log_refutes_nothing():
    """With only posts logged a link beyond activity is not held against the claim."""
    found = judged("only-through-activity", panel(n=40, own=7, on_inquiries=0.3, types=("posts",)))
    assert (found.state, "too thin" in found.reason) == ("not_enough_data", True)


@pytest.mark.parametrize(
    ("claim_id", "changes"),
    [
        ("only-through-activity", {"own": 4, "on_inquiries": 0.3}),
        ("not-effectiveness", {"own": 10, "on_inquiries": 0.2, "on_win_rate": 0.3}),
    ],
)
def test_effect_that_the_verdict_doubts_refutes_nothing(claim_id, changes):
    """Success that comes first, and a score that goes with other inquiries too, keep a clear effect undecided."""
    frame = panel(n=40, **changes)
    assert judged(claim_id, frame).state == "contradicted"
    rates = frame["opportunities"] if claim_id == "only-through-activity" else frame["deals"] / frame["meetings"]
    found = judged(claim_id, frame.assign(lead_ssi=50 + 10 * (rates / rates.mean() - 1)))
    assert (found.state, "before the score" in found.reason) == ("not_enough_data", True)
    other = frame.assign(inquiries_other=2 * frame["inquiries"])
    other.attrs["facts"] = {**frame.attrs["facts"], "inquiry_source": "linkedin"}
    found = judged(claim_id, other)
    assert (found.state, "did not come from LinkedIn" in found.reason) == ("not_enough_data", True)


@pytest.mark.parametrize(
    ("changes", "state"),
    [({"on_inquiries": 0.3, "per_year": -0.2}, "supported"), ({"on_inquiries": 0.2}, "contradicted"),
     ({"on_inquiries": 0.2, "per_year": 0.1}, "contradicted"),
     # Half of the smallest effect in a year: gone within the 2.5 years between beginner and experienced.
     ({"on_inquiries": 0.2, "per_year": -0.05}, "supported")],
)  # fmt: skip
def test_beginners_only(changes, state):
    """A link that fades with tenure, one that stays, one that grows."""
    found = judged("beginners-only", panel(own=10, **changes))
    assert found.state == state
    assert found.estimate == pytest.approx(math.exp(changes.get("per_year", 0.0)), abs=0.03)


def test_beginners_without_hiring_dates():
    """The claim names the column of people.csv."""
    found = judged("beginners-only", panel().assign(tenure_weeks=np.nan))
    assert (found.state, "hired_on in people.csv" in found.reason) == ("not_testable", True)


@pytest.mark.parametrize(
    ("changes", "state"),
    [({"on_inquiries": 0.25, "lag": 17}, "supported"), ({"on_inquiries": 0.25}, "contradicted"), ({}, "contradicted")],
)
def test_pays_off_later(changes, state):
    """What a reading brings comes four months later, at once, never."""
    found = judged("pays-off-later", panel(weeks=90, own=12, **changes))
    assert found.state == state
    assert [row["weeks"] for row in found.details["profile"]] == [1, 5, 9, 13, 17, 21, 26]
    assert changes == {} or found.estimate == changes.get("lag", 1)


def test_all_lags_in_one_model_find_the_one_that_counts():
    """Where a reading brings something 17 weeks later, that lag stands out beside the others, and they add up to it."""
    details = judged("pays-off-later", panel(weeks=90, own=12, on_inquiries=0.25, lag=17)).details
    together = {row["weeks"]: row for row in details["together"]}
    assert [week for week, row in together.items() if row["low"] > 1] == [17]
    assert details["together_total"]["low"] > 1
    product = np.prod([row["estimate"] for row in together.values()])
    assert details["together_total"]["estimate"] == pytest.approx(product)


def test_lags_do_not_cross_a_score_break():
    """Half of the readings before and half after a redefinition leave no common sample of half a year."""
    frame = panel(weeks=40)
    frame["regime"] = (frame["p"] >= 20).astype(int)
    found = judged("pays-off-later", frame)
    assert (found.state, "all lags" in found.reason) == ("not_enough_data", True)


# ---- the score itself ------------------------------------------------------------------------------------


def test_measures_activity():
    """The score follows activity, or does not; the estimate is the share on sellers left out."""
    follows = judged("measures-activity", panel(own=3))
    assert (follows.state, follows.low < follows.estimate < follows.high) == ("supported", True)
    assert judged("measures-activity", panel(activity_moves_score=False)).state == "contradicted"


@pytest.mark.parametrize("claim_id", ["measures-activity", "pillars-overlap"])
def test_seven_sellers_settle_nothing_about_the_score(claim_id):
    """Below eight sellers every claim stays open, however clear it looks."""
    found = judged(claim_id, panel(n=7, own=1, pillars_differ=0.05))
    assert (found.state, "at least 8 are needed" in found.reason) == ("not_enough_data", True)
    assert activity_link(panel(n=7, own=1)).status == "unknown"


def test_a_score_break_makes_no_second_seller():
    """Redefined half-way, the score has an effect per seller and definition; sellers are counted and held out whole."""
    frame = panel(own=3)
    frame["regime"] = (frame["p"] > frame["p"].median()).astype("int64")
    found = judged("measures-activity", frame)
    assert (found.state, found.n_people) == ("supported", frame["person"].nunique())


@pytest.mark.parametrize(
    "claim_id", ["measures-activity", "not-effectiveness", "only-through-activity", "passive-score-low"]
)
def test_no_activity_is_said(claim_id):
    """Claims about activity say which files would hold it."""
    found = judged(claim_id, panel(types=()))
    assert (found.state, found.reason.startswith("No LinkedIn activity in the files")) == ("not_testable", True)


@pytest.mark.parametrize(("moves", "state"), [(True, "supported"), (False, "contradicted")])
def test_passive_score_low(moves, state):
    """The busiest third against the least busy third."""
    frame = panel(n=60, level=14.0 if moves else 6.0, activity_moves_score=moves)
    assert judged("passive-score-low", frame).state == state


def test_thirds_are_formed_anew_without_each_seller():
    """The jackknife of the gap between thirds leaves a seller out of the ranking too, not only out of the means."""
    rng = np.random.default_rng(4)
    for n in (12, 13, 14, 60):
        score = rng.normal(50, 10, n)
        left = [np.delete(score, k) for k in range(n)]
        thirds = [(one[-(n - 1 - 2 * (n - 1) // 3) :], one[: (n - 1) // 3]) for one in left]
        assert _gaps_without_each(score) == pytest.approx([high.mean() - low.mean() for high, low in thirds])


@pytest.fixture(scope="module")
def spam() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Panel, and a log in which messages and connections move by themselves, and impressions follow posts."""
    frame = panel(n=30, weeks=70)
    rng = np.random.default_rng(5)
    n, weeks = 30, 70
    posts, messages, connections = (np.round(20 * np.exp(0.6 * memory(rng, (n, weeks), 0.97))) for _ in range(3))
    log = log_of(
        frame, posts=posts, comments=posts + 1, messages_sent=messages, connections_added=connections,
        post_impressions=np.round(100 * posts * rng.uniform(0.9, 1.1, (n, weeks))),
    )  # fmt: skip
    return frame, log


@pytest.mark.parametrize(
    ("claim_id", "mover", "per_doubling", "state"),
    [
        ("can-be-gamed", "messages_sent", 6.0, "supported"),
        ("can-be-gamed", "post_impressions", 6.0, "contradicted"),
        ("network-inflates", "connections_added", 3.0, "supported"),
        ("network-inflates", "connections_added", 0.4, "supported_smaller"),
        ("network-inflates", "comments", 3.0, "contradicted"),
    ],
)
def test_score_follows_activity_or_reach(spam, claim_id, mover, per_doubling, state):
    """Points per doubling of an activity, at equal reach or engagement of the same 90 days."""
    frame, log = spam
    tables = tables_beside(frame, log)
    moved = Case(frame, tables, Settings()).window_counts([mover])
    noise = 0.3 * np.random.default_rng(2).normal(size=len(frame))
    followed = frame.assign(ssi=50 + per_doubling * (np.log2(1 + moved) - 8) + noise)
    found = judged(claim_id, followed, tables)
    assert found.state == state
    if claim_id == "network-inflates" and state != "contradicted":
        assert found.estimate == pytest.approx(per_doubling, rel=0.1)


@pytest.mark.parametrize(
    ("claim_id", "missing", "export"),
    [
        ("can-be-gamed", "post_impressions or post_engagements", "LinkedIn content analytics export (xlsx)"),
        ("network-inflates", "connections_added", "Connections.csv"),
    ],
)
def test_export_that_would_hold_a_metric_is_named(spam, claim_id, missing, export):
    """Without reach or connections the claims say which export of LinkedIn holds them."""
    frame, log = spam
    found = judged(claim_id, frame, tables_beside(frame, log[log["metric"].isin(["posts", "messages_sent"])]))
    assert found.state == "not_testable"
    assert missing in found.reason and export in found.reason


@pytest.mark.parametrize(
    ("slope", "state"), [(-0.7, "supported"), (0.0, "contradicted"), (0.9, "contradicted")]
)  # fmt: skip
def test_low_starters(slope, state):
    """Low starters rise, nobody does, high starters rise; noise in the readings alone makes no climber."""
    rng = np.random.default_rng(1)
    n, weeks = 150, 40
    start = rng.normal(50, 12, n)
    score = start[:, None] + slope * (start[:, None] - 50) * np.linspace(0, 1, weeks) + rng.normal(0, 4, (n, weeks))
    frame = panel(n=n, weeks=weeks).assign(ssi=score.ravel())
    found = judged("low-starters-rise-faster", frame)
    assert found.state == state
    assert found.details["naive"]["biased"] is True
    if slope == 0:
        assert found.details["naive"]["r"] < -0.15 < found.estimate


def test_low_starters_leave_licences_out():
    """Readings after a licence do not count: nobody is left when all start with one."""
    found = judged("low-starters-rise-faster", panel(licence_start=np.zeros(30)))
    assert (found.state, "score at the start and at the end" in found.reason) == ("not_enough_data", True)


@pytest.mark.parametrize(
    ("points", "state"),
    [(13.0, "supported"), (5.0, "supported_smaller"), (0.0, "contradicted"), (-8.0, "contradicted")],
)
def test_licence(points, state):
    """A licence that lifts by a quarter, by a tenth, not at all, and one that lowers."""
    frame = panel(
        weeks=60, own=1.0, level=3.0, activity_moves_score=False, licence_start=LICENSED, licence_points=points
    )  # fmt: skip
    found = judged("licence-lifts-ssi", frame, tables_beside(frame, licence=LICENSED))
    assert found.state == state
    assert found.estimate == pytest.approx(1 + points / 50 * 24.5 / 26, abs=0.03)
    assert {"weeks", "points", "low", "high", "people"} == set(found.details["path"][0])
    assert state != "supported_smaller" or "maximum" in found.reason


@pytest.mark.parametrize(("points", "state"), [(8.0, "supported_smaller"), (0.0, "not_enough_data")])
def test_few_licences(points, state):
    """With three licences there is a permutation test and no range; no change is then never shown."""
    few = np.where(np.arange(30) < 3, 20.0, np.nan)
    frame = panel(weeks=60, own=1.0, level=3.0, activity_moves_score=False, licence_start=few, licence_points=points)
    found = judged("licence-lifts-ssi", frame, tables_beside(frame, licence=few))
    assert found.state == state
    assert math.isnan(found.low) and "permutation" in found.reason
    assert found.details["reached"] == {"people": 3}
    assert 0 < found.details["permutation_p"] <= 1


def test_numbers_of_few_licences_are_not_shown():
    """Three licensed sellers: their mean score, their rise and its path would be the numbers of three persons."""
    few = np.where(np.arange(30) < 3, 20.0, np.nan)
    frame = panel(weeks=60, own=1.0, level=3.0, activity_moves_score=False, licence_start=few, licence_points=8.0)
    found = judged("licence-lifts-ssi", frame, tables_beside(frame, licence=few))
    assert found.details["path"] == []
    assert (found.details["before"], found.details["points"]) == (None, None)
    assert math.isnan(found.estimate)
    assert found.reason.endswith("their numbers are not shown.")


def test_licences_seen_long_enough_by_few():
    """Of eight sellers four are licensed too late to be seen half a year on: the rise is that of the other four."""
    starts = np.full(30, np.nan)
    starts[:8] = [20.0] * 4 + [50.0] * 4
    frame = panel(weeks=60, own=1.0, level=3.0, activity_moves_score=False, licence_start=starts, licence_points=8.0)
    found = judged("licence-lifts-ssi", frame, tables_beside(frame, licence=starts))
    assert math.isnan(found.estimate) and math.isnan(found.low) and found.details["points"] is None
    assert found.reason.endswith("their numbers are not shown.")
    assert found.details["before"] == pytest.approx(50, abs=5)
    assert {step["people"] for step in found.details["path"]} == {8}
    assert max(step["weeks"] for step in found.details["path"]) < 22


def test_licence_without_dates():
    """The claim names the column of people.csv."""
    found = judged("licence-lifts-ssi", panel())
    assert (found.state, "licence_start in people.csv" in found.reason) == ("not_testable", True)


@pytest.mark.parametrize(
    ("differ", "state"), [(0.05, "supported"), (0.72, "supported_smaller"), (1.0, "contradicted")]
)  # fmt: skip
def test_pillars_overlap(differ, state):
    """Pillars that are one thing, that share some of it, and that share nothing."""
    frame = panel(n=150, weeks=30, level=0.1, own=10, activity_moves_score=False, pillars_differ=differ)
    found = judged("pillars-overlap", frame)
    assert found.state == state
    assert np.shape(found.details["within"]["spearman"]) == (4, 4)


def test_pillars_that_are_one_number_overlap():
    """A tracker that writes a quarter of the total into each pillar: no factor can be fitted, and the claim holds."""
    frame = panel(level=6.0)
    frame[list(schema.PILLARS)] = np.repeat(frame[["ssi"]].to_numpy() / 4, 4, axis=1)
    found = judged("pillars-overlap", frame)
    assert found.state == "supported"
    assert found.details["omega"] is None


def test_more_wins_than_meetings_are_all_meetings_won():
    """Wins that carry the day of a meeting nobody logged leave the order of closers as it is."""
    frame = panel(n=40, level=np.linspace(-34, 34, 40), own=3, on_win_rate=0.4, activity_moves_score=False)
    best = frame["person"] == frame.groupby("person")["win_rate_num"].sum().idxmax()
    frame.loc[best, "win_rate_num"] += frame.loc[best, "win_rate_den"]
    assert judged("spammer-above-closer", frame).state == "contradicted"


@pytest.mark.parametrize(("effect", "state"), [(0.0, "supported"), (0.4, "contradicted")])
def test_spammer_above_closer(effect, state):
    """A score that does not order closers, and one that does."""
    frame = panel(n=40, level=np.linspace(-34, 34, 40), own=3, on_win_rate=effect, activity_moves_score=False)
    found = judged("spammer-above-closer", frame)
    assert found.state == state
    assert "worst" not in json.dumps(found.details)


def watched(*indicators: Indicator) -> Audit:
    nothing = Overall("inconclusive", "inconclusive", "inconclusive", "unknown", math.nan)
    return Audit(data={}, overall=nothing, activity=None, cells=(), watch=indicators)


@pytest.mark.parametrize(
    ("inquiries", "score", "state"),
    [
        ((0.2, 0.1, 0.3), (0.0, -0.05, 0.05), "supported"),
        ((0.0, -0.05, 0.05), (0.2, 0.1, 0.3), "contradicted"),
        ((0.1, -0.1, 0.3), (0.0, -0.1, 0.1), "not_enough_data"),
    ],
)
def test_watch_these_instead(inquiries, score, state):
    """Another indicator's range above the score's, below it, and overlapping it."""
    audit = watched(Indicator("inquiries", *inquiries, 30), Indicator("ssi", *score, 30),
                    Indicator("win_rate", math.nan, math.nan, math.nan, 0, "contains_outcome"))  # fmt: skip
    frame = panel(weeks=30)
    found = test_claims(frame, tables_beside(frame), audit=audit, claims=[CLAIMS["watch-these-instead"]])[0]
    assert (found.state, len(found.details["indicators"])) == (state, 2)


# ---- all of them -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small_world():
    """Tables of a small invented team."""
    return tables_of(make_world("licence_only", 12, 52, 3))


@pytest.mark.parametrize("period", ["week", "month"])
def test_every_claim_is_answered(small_world, period):
    """Each claim ends in a known state with a reason, JSON-plain details and nobody's name or code."""
    settings = Settings(period=period)
    found = test_claims(build_panel(small_world, settings), small_world, settings)
    assert [one.id for one in found] == list(CLAIMS)
    for one in found:
        assert one.state in schema.CLAIM_STATES
        assert one.reason.endswith(".")
        text = json.dumps(one.details, allow_nan=False)
        assert not re.search(r"\bP\d{3}\b", text + one.reason)
        assert all(name not in text for name in small_world.people["name"])


def test_fits_of_an_audit_are_used():
    """With the fits of an audit the claims come out as without it, and the audit's own numbers are the ones used."""
    frame = panel(n=20, weeks=40, on_inquiries=0.1)
    asked = [CLAIMS[name] for name in ("every-pillar-counts", "not-effectiveness", "only-through-activity")]
    alone = test_claims(frame, tables_beside(frame), claims=asked)
    cells = tuple(
        Cell(exposure, outcome, "", (), "", *(regress(frame, exposure, outcome, adjusted, seed=None)
             for adjusted in (False, True)), Fit(), Fit(), Fit(), Correlation(), Correlation(), Correlation())
        for exposure in schema.EXPOSURES for outcome in ("opportunities", "meeting_rate", "win_rate")
    )  # fmt: skip
    audit = dataclasses.replace(watched(), cells=cells)
    found = test_claims(frame, tables_beside(frame), audit=audit, claims=asked)
    for one, other in zip(alone, found, strict=True):
        assert (one.id, one.state) == (other.id, other.state)
        assert [other.estimate, other.low, other.high] == pytest.approx([one.estimate, one.low, one.high], rel=1e-9)
    other_numbers = tuple(
        dataclasses.replace(cell, crude=dataclasses.replace(cell.crude, rr=2.0, se_log=0.01)) for cell in cells
    )
    audit = dataclasses.replace(audit, cells=other_numbers)
    assert test_claims(frame, tables_beside(frame), audit=audit, claims=asked[:1])[0].state == "supported"


@pytest.mark.parametrize(("weeks", "state"), [(51, "not_enough_data"), (52, "contradicted")])
def test_a_short_panel_settles_no_claim_about_sales(weeks, state):
    """Below 15 seller-years a clear number stays open, keeps its range, and the reason says what is missing."""
    frame = panel(n=15, weeks=weeks, on_meeting_rate=0.2)
    found = test_claims(frame, tables_beside(frame), claims=[CLAIMS["not-effectiveness"]])[0]
    assert found.state == state and found.low > 1
    waiting = "Below 15 seller-years this settles nothing yet. About 1.1 times as many seller-weeks would be enough"
    assert (waiting in found.reason) is (state == "not_enough_data")
    about_the_score = test_claims(frame, tables_beside(frame), claims=[CLAIMS["measures-activity"]])[0]
    assert about_the_score.state == "supported"


@pytest.mark.parametrize(
    ("reason", "years", "said"),
    [
        ("It is open. About 1.1 times as many seller-weeks would be enough to tell.", 12.0,
         "It is open. About 1.3 times as many seller-weeks would be enough to tell."),
        ("It is open. About 29 times as many seller-weeks would be enough to tell.", 12.0, None),
        ("It is open. About 1.1 times as many seller-weeks would be enough to tell.", 15.0, None),
        ("It is open. These data could have told; the estimate lies near the border.", 6.0,
         "It is open. Below 15 seller-years this settles nothing yet. About 2.5 times as many seller-weeks would be "
         "enough to tell."),
        ("Only 3 people have a score.", 0.0, None),
    ],
)  # fmt: skip
def test_an_open_claim_promises_nothing_before_a_verdict_may_be_given(reason, years, said):
    """The least number of seller-years is also the least that an open claim asks for."""
    found = rules.unless_short(rules.Finding("not_enough_data", reason), years)
    assert (found.state, found.reason) == ("not_enough_data", said or reason)


def test_both_readings_of_a_short_panel_stay_open():
    """The ratio beside the share of pairs settles no more than the share does."""
    found = judged("outsell-peers", panel(n=30, weeks=24, level=WIDE, on_inquiries=0.3))
    assert found.state == "not_enough_data"
    assert {one["state"] for one in found.details["readings"].values()} == {"not_enough_data"}


def test_claims_about_sales_are_known_as_such():
    """Every kind is either about sales or about what the score is made of."""
    about_score = {
        "activity_explains", "active_against_passive", "score_on_activity", "pillar_overlap", "change_on_start",
        "licence_lift",
    }  # fmt: skip
    assert ON_SALES | about_score == set(KINDS) and not ON_SALES & about_score


@pytest.mark.parametrize(("n", "weeks"), [(1, 3), (3, 60), (7, 60), (9, 4)])
def test_too_little_is_never_an_error(n, weeks):
    """However little there is, each claim says so instead of failing, and none about sales is decided."""
    frame = panel(n=n, weeks=weeks)
    found = test_claims(frame, tables_beside(frame))
    assert len(found) == len(CLAIMS)
    undecided = {one.id for one in found if one.state.startswith("not_")}
    assert {"more-opportunities", "quota", "outsell-peers", "higher-is-better", "early-funnel", "pays-off-later",
            "not-effectiveness", "only-through-activity", "small-gaps-mean-nothing"} <= undecided  # fmt: skip


def test_order_of_rows_changes_nothing(small_world):
    """Tables in another order of rows give the same answers."""
    frame = build_panel(small_world)
    turned = dataclasses.replace(
        small_world,
        **{
            name: getattr(small_world, name).iloc[::-1].reset_index(drop=True) for name in ("ssi", "activity", "people")
        },
    )
    some = [CLAIMS[name] for name in ("licence-lifts-ssi", "can-be-gamed", "low-starters-rise-faster")]
    one, other = (test_claims(frame, tables, claims=some) for tables in (small_world, turned))
    assert [found.details for found in one] == [found.details for found in other]


# ---- rows that the claims share --------------------------------------------------------------------------


def test_groups_are_formed_before_the_quarter():
    """A quarter counts with the reading before its first period, whatever is read later; half a quarter is needed."""
    frame = panel(n=8, weeks=32)
    rows = Case(frame, tables_beside(frame), Settings()).quarters("meetings")
    own = frame[frame["person"] == "P01"]
    assert rows.loc[rows["person"] == 0, "score"].tolist() == own.loc[own["p"].isin([0, 13]), "ssi"].tolist()
    assert rows.loc[rows["person"] == 0, "y"].tolist() == [own["meetings"][:13].sum(), own["meetings"][13:26].sum()]
    later = frame.assign(ssi=np.where(frame["p"] % 13 == 0, frame["ssi"], 99.0))
    assert Case(later, tables_beside(later), Settings()).quarters("meetings").equals(rows)


def test_window_counts_are_the_ninety_days_before():
    """Counts of the 13 weeks before a row, missing where the log begins later or ended before."""
    frame = panel(n=8, weeks=20)
    log = pd.DataFrame(
        {
            "person": ["P01", "P01", "P02", "P03"], "metric": "posts", "count": [5.0, 14.0, 3.0, 1.0],
            "date": frame["period"].iloc[0] + pd.to_timedelta([-91, 13, 0, 16 * 7], unit="D"),
            "first_day": [pd.NaT, frame["period"].iloc[0], pd.NaT, pd.NaT],
        }
    )  # fmt: skip
    case = Case(frame, tables_beside(frame, log), Settings())
    counts = pd.Series(case.window_counts(["posts"]), index=pd.MultiIndex.from_frame(frame[["person", "p"]]))
    assert counts["P01", 0] == 5.0
    assert counts["P01", 1] == 7.0  # half of a total over two weeks, and no more of the week that left the window
    assert counts["P01", 13] == 14.0
    assert np.isnan(counts["P02", 12]) and counts["P02", 13] == 3.0
    assert np.isnan(counts["P04", 0]) and np.isnan(counts["P01", 18])


# ---- the three rules -------------------------------------------------------------------------------------


def a_range(estimate: float, se: float, df: float = 20.0):
    return t_interval(estimate, se, df, 22, "CR2")


@pytest.mark.parametrize(
    ("estimate", "se", "df", "state"),
    [
        (0.0, 0.05, 20, "contradicted"),
        (0.2, 0.05, 20, "supported_smaller"),
        (0.35, 0.05, 20, "supported"),
        (0.8, 0.05, 20, "supported"),
        (0.1, 0.3, 20, "not_enough_data"),
        (-0.5, 0.05, 20, "contradicted"),
        (0.8, 0.05, 3.9, "not_enough_data"),
    ],
)
def test_size(estimate, se, df, state):
    """A published size of log 1.45 against ranges on all sides of it."""
    assert rules.size(a_range(estimate, se, df), math.log(1.45))[0] == state


def test_size_the_other_way():
    """A range that is clear of no difference, from below, is said to be so."""
    assert "other way" in rules.size(a_range(-0.5, 0.05, 20), math.log(1.45))[1]
    assert "not clear of no difference" in rules.size(a_range(-0.05, 0.05, 20), math.log(1.45))[1]


@pytest.mark.parametrize("df", [3.0, 5.0, 20.0])
@pytest.mark.parametrize("se", [0.01, 0.04, 0.3])
@pytest.mark.parametrize("estimate", [-0.3, -0.05, 0.0, 0.05, 0.12, 0.3])
def test_presence_and_absence_mirror_each_other(estimate, se, df):
    """What supports a link refutes its absence and the reverse; too small to matter counts as none."""
    found = a_range(estimate, se, df)
    mirrored = {
        "supported": "contradicted",
        "supported_smaller": "supported",
        "contradicted": "supported",
        "not_enough_data": "not_enough_data",
    }
    assert rules.absence(found, 0.1)[0] == mirrored[rules.presence(found, 0.1)[0]]


def test_all_or_none():
    """Each link must be shown or ruled out; one that fails decides, after correction for having looked at all."""
    clear, nil, wide, barely = a_range(0.3, 0.05), a_range(0.0, 0.02), a_range(0.1, 0.3), a_range(0.3, 0.125)
    assert rules.presence_of_all([clear] * 4, [0.1] * 4)[0] == "supported"
    assert rules.presence_of_all([clear, nil, clear], [0.1] * 3)[::2] == ("contradicted", 1)
    assert rules.presence_of_all([clear, wide], [0.1] * 2)[::2] == ("not_enough_data", 1)
    assert rules.absence_of_all([nil] * 4, [0.1] * 4)[0] == "supported"
    assert rules.absence_of_all([nil, clear], [0.1] * 2)[::2] == ("contradicted", 1)
    assert rules.absence_of_all([barely], [0.1])[0] == "contradicted"
    assert rules.absence_of_all([barely, *[wide] * 9], [0.1] * 10)[0] == "not_enough_data"
    assert rules.absence_of_all([a_range(-0.3, 0.05)], [0.1])[0] == "supported"
    assert rules.absence_of_all([a_range(-0.3, 0.05)], [0.1], "either")[0] == "contradicted"


def test_what_would_be_enough():
    """A wide range says how many times the data would do."""
    reason = rules.presence(a_range(0.0, 0.2), 0.1)[1]
    assert re.search(r"About \d+ times as many seller-weeks would be enough", reason)


# ---- the register ----------------------------------------------------------------------------------------


def test_register_holds_nine_for_and_thirteen_against():
    """Every claim of the two tables is here, on its side."""
    sides = [claim.side for claim in CLAIMS.values()]
    assert (sides.count("for"), sides.count("against"), len(CLAIMS)) == (9, 13, 22)
    assert {claim.kind for claim in CLAIMS.values()} == set(KINDS)


@pytest.mark.shared
def test_register_matches_the_list_of_claims():
    """Ids and sides are those of claims.md."""
    text = SHARED / "claims.md"
    if not text.is_file():
        pytest.skip("claims.md is not beside the project")
    pro, contra = text.read_text(encoding="utf-8").split("## Claims against it")
    for side, part in (("for", pro.split("## Claims for the index")[1]), ("against", contra)):
        ids = [line.split("|")[1].strip() for line in part.splitlines() if line.startswith("| ")]
        assert [name for name in ids if name not in ("id", "---")] == [
            claim.id for claim in CLAIMS.values() if claim.side == side
        ]


def written(tmp_path: Path, more: str) -> Path:
    path = tmp_path / "claims.toml"
    path.write_text(REGISTER.read_text(encoding="utf-8") + more, encoding="utf-8")
    return path


NEW = """
[[claim]]
id = "twice-the-meetings"
claim = "Sellers above 60 points have twice the meetings of sellers below 40."
side = "for"
sources = ["IT"]
number = 2.0
unit = "ratio"
kind = "group_ratio"
parameters = { outcomes = ["meetings"], high = 60, low = 40 }
estimand = "Meetings per seller and quarter, above 60 over below 40"
needs = ["CRM meetings"]
"""


def test_another_claim_needs_no_code(tmp_path, strong):
    """A claim of a known kind is tested as soon as it stands in the file."""
    claims = load_claims(written(tmp_path, NEW))
    found = test_claims(strong, tables_beside(strong), claims=claims[-1:])[0]
    assert (found.id, found.state, found.claimed) == ("twice-the-meetings", "supported", 2.0)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'kind = "group_ratio"',
            'kind = "group_ration"',
            "unknown kind 'group_ration'\n    -> did you mean \"group_ratio\"",
        ),
        ("high = 60", "hihg = 60", "unknown key parameters.'hihg'\n    -> did you mean \"high\""),
        ("high = 60", "high = 160", "parameters.high: Input should be less than or equal to 100"),
        ('["meetings"]', '["meeting"]', "parameters.outcomes: Input should be 'inquiries'"),
        ("number = 2.0\n", "", "number is missing, and a group_ratio is compared with one"),
        ("number = 2.0", "number = 1.0", "number: a ratio of a group_ratio lies above 1 and below inf"),
        ("number = 2.0", "number = nan", "number: a ratio of a group_ratio lies above 1 and below inf"),
        ("high = 60", "high = 40", "high must lie above low"),
        ('side = "for"', 'side = "pro"', "side: Input should be 'for' or 'against'"),
        ('unit = "ratio"', 'unit = "rate"', "unit: Input should be 'ratio'"),
        ('sources = ["IT"]', 'sources = ["ITA"]', "unknown source 'ITA'\n    -> did you mean \"IT\""),
        ('estimand = "', 'estimate = "', "unknown key 'estimate'\n    -> did you mean \"estimand\""),
        ("twice-the-meetings", "quota", "claim 'quota': the id is used twice"),
        ("twice-the-meetings", "Twice the meetings", "id: String should match pattern"),
        ('id = "twice', 'ids = "twice', "id is missing"),
    ],
)
def test_wrong_entries_are_named(tmp_path, old, new, message):
    """A wrong entry says what is wrong, and with a near name what was meant."""
    assert old in NEW
    with pytest.raises(SettingsError, match=re.escape(message)):
        load_claims(written(tmp_path, NEW.replace(old, new)))


@pytest.mark.parametrize(
    ("kind", "parameters", "message"),
    [
        ("lag_peak", 'outcomes = ["deals"], weeks = [0, 9]', "parameters.weeks: Input should be greater than 0"),
        ("lag_peak", 'outcomes = ["deals"], weeks = [9, 1]', "weeks: each should be above the one before"),
        ("dose_response", 'outcomes = ["deals"], edges = [0, 50, 50, 100]', "edges: each should be above"),
        ("superiority", 'outcomes = ["deals"], high = 60, low = 40, ratio = 1.5', "lies above 0.5 and below 1"),
    ],
)
def test_parameters_out_of_order_are_named(tmp_path, kind, parameters, message):
    """A list that goes back, a lag of nothing and a share above one are errors of the entry, not of the run."""
    entry = NEW.replace("group_ratio", kind).replace('outcomes = ["meetings"], high = 60, low = 40', parameters)
    if kind == "superiority":
        entry = entry.replace('"ratio"', '"probability"')
    with pytest.raises(SettingsError, match=re.escape(message)):
        load_claims(written(tmp_path, entry))


def test_all_problems_at_once(tmp_path):
    """Two wrong entries are both named, and so is a stray table."""
    wrong = NEW.replace("group_ratio", "x") + NEW.replace('["IT"]', '["XX"]') + "[claims]\n"
    with pytest.raises(SettingsError, match=r"(?s)unknown key 'claims'.*unknown kind 'x'.*unknown source 'XX'"):
        load_claims(written(tmp_path, wrong))


@pytest.mark.parametrize(("text", "message"), [("[[claim", "cannot be read"), ("", "holds no")])
def test_a_file_that_is_no_register(tmp_path, text, message):
    """Broken TOML and an empty file are errors of the settings."""
    path = tmp_path / "claims.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=message):
        load_claims(path)


def test_unknown_metric_is_refused(tmp_path):
    """Metrics of a claim are checked against those that files can hold."""
    entry = NEW.replace("group_ratio", "score_on_activity").replace(
        '{ outcomes = ["meetings"], high = 60, low = 40 }', '{ metrics = ["likes"], given = ["posts"], smallest = 1 }'
    )
    with pytest.raises(SettingsError, match="unknown metric 'likes'; expected one of posts"):
        load_claims(written(tmp_path, entry))


def test_published_facts_stand_beside_the_numbers(nothing):
    """What a reader must know about the survey behind 1.45 comes with the result."""
    beside = judged("more-opportunities", nothing).details["beside"]
    assert any("respondents" in line for line in beside) and any("in-sample" in line for line in beside)


def test_tenures_in_the_wrong_order_are_refused(tmp_path):
    """Nobody is experienced before being a beginner."""
    entry = NEW.replace("group_ratio", "fades_with_tenure").replace(
        "high = 60, low = 40", "beginner_weeks = 156, experienced_weeks = 26"
    )
    with pytest.raises(SettingsError, match="experienced_weeks must lie after beginner_weeks"):
        load_claims(written(tmp_path, entry))
