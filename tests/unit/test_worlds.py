"""The worlds are what methods.md section 9 says: levels, true effects and mechanisms."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from ssi_audit import schema, worlds
from ssi_audit.errors import SettingsError
from ssi_audit.stats import fe_poisson
from ssi_audit.worlds import BURN_IN, EXTRA_WORLDS, WORLDS, Parameters, World, make_world, simulate

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
RATES = ("inquiries", "meetings", "meeting_rate", "win_rate")
# Three to four standard errors, with persons as clusters, of 600 x 104.
TOLERANCE_ADJUSTED = {"inquiries": 0.036, "meetings": 0.045, "meeting_rate": 0.018, "win_rate": 0.055}
TOLERANCE_CRUDE = {"inquiries": 0.024, "meetings": 0.028, "meeting_rate": 0.014, "win_rate": 0.036}


@pytest.fixture(scope="module")
def large():
    """Make each world once, in a size at which effects are known to a few per cent."""
    made: dict[str, World] = {}

    def get(name: str) -> World:
        if name not in made:
            made[name] = make_world(name, 600, 104, seed=1)
        return made[name]

    return get


def outcome_of(world: World, outcome: str) -> tuple[np.ndarray, np.ndarray]:
    """Counts of an outcome and of what it is a share of, weeks of the analysis."""
    now = world.analysis
    ones = np.ones_like(world.inquiries[:, now])
    return {
        "inquiries": (world.inquiries[:, now], ones),
        "meetings": (world.meetings[:, now], ones),
        "meeting_rate": (world.meetings[:, now], world.inquiries[:, now]),
        "win_rate": (world.deals[:, now], world.meetings[:, now]),
    }[outcome]


def slopes(world: World, outcome: str, *columns: np.ndarray, activity: bool = True) -> np.ndarray:
    """Coefficients of `columns` (N, T) within persons, over quarters, given log activity or not."""
    num, den = outcome_of(world, outcome)
    weeks = num.shape[1]
    person = np.repeat(np.arange(world.people), weeks)
    quarter = np.tile(np.arange(weeks) // 13, world.people)
    X = np.stack([column.ravel() for column in columns], axis=1)
    if activity:
        X = np.hstack([X, np.log1p(world.activity_window[:, world.analysis].reshape(-1, 4))])
    used = (den.ravel() > 0) & np.isfinite(X).all(axis=1)
    fit = fe_poisson(num.ravel()[used], X[used], person[used], np.log(den.ravel()[used]), quarter[used])
    return fit.coef[: len(columns)]


def score_slope(world: World, outcome: str, *, activity: bool = True) -> float:
    """Log rate ratio per +10 points."""
    return float(slopes(world, outcome, world.exposure[:, world.analysis], activity=activity)[0])


def test_there_are_eight_worlds_and_two_for_single_claims():
    """The names are those of methods.md section 9, in its order."""
    assert tuple(WORLDS) == (
        "activity_gauge", "confounded", "drives_inquiries", "effectiveness", "reverse", "null", "licence_only",
        "spammers",
    )  # fmt: skip
    assert tuple(EXTRA_WORLDS) == ("beginners", "regression_to_mean")


def test_score_has_the_stated_moments(large):
    """Mean 56, sd 14 between persons, 8 within, as stated to the nearest point or so."""
    world = large("activity_gauge")
    score = world.score[:, world.analysis]
    person = score.mean(axis=1, keepdims=True)
    assert score.mean() == pytest.approx(56, abs=1.5)
    assert person.std() == pytest.approx(14, abs=1)
    assert (score - person).std() == pytest.approx(8, abs=0.5)


def test_sales_have_the_stated_levels(large):
    """About 4.2 LinkedIn inquiries, 2.1 meetings and .33 deals per seller-week."""
    world = large("activity_gauge")
    now = world.analysis
    assert world.inquiries[:, now].mean() == pytest.approx(4.2, rel=0.05)
    assert world.meetings[:, now].mean() == pytest.approx(2.1, rel=0.05)
    assert world.deals[:, now].mean() == pytest.approx(0.33, rel=0.07)
    assert world.other_inquiries[:, now].mean() == pytest.approx(2.0, rel=0.06)


def test_activity_explains_the_stated_share_of_the_score():
    """R2 of SSI on log activity within held-out persons is about .62 in teams of 40."""
    found = [held_out_r2(make_world("activity_gauge", 40, 104, seed)) for seed in range(6)]
    assert np.mean(found) == pytest.approx(0.62, abs=0.04)


def test_activity_explains_nothing_of_a_noise_score():
    """In regression_to_mean the score knows nothing of activity."""
    assert held_out_r2(make_world("regression_to_mean", 40, 104, seed=0)) < 0.02


def held_out_r2(world: World) -> float:
    """K1 of methods.md section 5: person by person, fitted on the others."""
    now = world.analysis
    log_activity = np.log1p(world.activity_window[:, now])
    weeks = log_activity.shape[1]
    quarter = np.eye(weeks // 13)[np.arange(weeks) // 13][:, 1:]
    X = np.concatenate([log_activity, np.tile(quarter, (world.people, 1, 1))], axis=2)
    X = X - X.mean(axis=1, keepdims=True)
    y = world.exposure[:, now] - world.exposure[:, now].mean(axis=1, keepdims=True)
    gram, cross = np.einsum("itj,itk->ijk", X, X), np.einsum("itj,it->ij", X, y)
    b = np.linalg.solve(gram.sum(axis=0) - gram, (cross.sum(axis=0) - cross)[..., None])[..., 0]
    return 1 - ((y - np.einsum("itj,ij->it", X, b)) ** 2).sum() / (y**2).sum()


@pytest.mark.parametrize("name", WORLDS)
def test_adjusted_effects_are_the_true_ones(large, name):
    """A within-person Poisson regression given activity finds beta_D in every world."""
    world = large(name)
    for outcome in RATES:
        found = score_slope(world, outcome)
        assert found == pytest.approx(world.truth["beta_D"][outcome], abs=TOLERANCE_ADJUSTED[outcome]), outcome


@pytest.mark.parametrize("name", WORLDS)
def test_crude_effects_are_the_stated_ones(large, name):
    """Without activity in the model the same regression finds beta_C."""
    world = large(name)
    for outcome in RATES:
        found = score_slope(world, outcome, activity=False)
        assert found == pytest.approx(world.truth["beta_C"][outcome], abs=TOLERANCE_CRUDE[outcome]), outcome


@pytest.mark.parametrize(("name", "truth"), [("reverse", 0.157), ("activity_gauge", 0.0)])
def test_later_score_follows_success_only_in_the_reverse_world(large, name, truth):
    """The score of 13 weeks later is tied to inquiries of today where success comes first."""
    world = large(name)
    exposure = world.exposure[:, world.analysis]
    lead = np.full_like(exposure, np.nan)
    lead[:, :-14] = exposure[:, 14:]  # exposure of t is the reading of t-1, the lead that of t+13
    found = slopes(world, "inquiries", exposure, lead)[1]
    assert found == pytest.approx(truth, abs=0.03)
    assert world.truth["lead_placebo_fails"] == (name == "reverse")


def test_seniority_ties_persons_but_not_weeks_in_the_confounded_world():
    """Person means of the score go with inquiries and win rate, as stated."""
    world = make_world("confounded", 1500, 104, seed=2)
    now = world.analysis
    score = world.score[:, now].mean(axis=1)
    win_rate = world.deals[:, now].sum(axis=1) / world.meetings[:, now].sum(axis=1)
    assert spearmanr(score, world.inquiries[:, now].sum(axis=1)).statistic == pytest.approx(0.47, abs=0.06)
    assert spearmanr(score, win_rate).statistic == pytest.approx(0.39, abs=0.06)


def test_licence_lifts_the_score_but_hardly_inquiries():
    """Half a year after the start the score is 6 to 8 points higher, and inquiries at most 4 per cent."""
    licensed = make_world("licence_only", 2000, 104, seed=3)
    without = simulate(Parameters(activity_on_inquiries=0.5), 2000, 104, 3, "activity_gauge")
    holders = np.isfinite(licensed.sellers.licence_week)
    assert holders.mean() == 0.6
    since = licensed.week - licensed.sellers.licence_week[:, None]
    lift = licensed.score - without.score
    assert lift[since < 0].mean() == pytest.approx(0, abs=0.2)
    assert lift[~holders].mean() == pytest.approx(0, abs=0.2)
    assert 6 < lift[since == 26].mean() < 8.5
    extra = 0.5 * (licensed.log_activity - without.log_activity)[since >= 26].mean()
    assert 1.0 < np.exp(extra) < 1.04


def test_spam_multiplies_activity_and_spoils_conversion(large):
    """While somebody spams, comments triple, invitations quintuple, and meetings and wins get rarer."""
    world = large("spammers")
    spams = world.sellers.spams
    assert spams.any(axis=1).mean() == pytest.approx(0.30, abs=0.001)
    factor = world.activity[spams].sum(axis=0) / world.organic[spams].sum(axis=0)
    assert factor == pytest.approx([1, 1, 3, 5], rel=0.02)
    assert (world.activity[~spams] == world.organic[~spams]).all()
    spammers = spams.any(axis=1)
    by_spam = {flag: spammers[:, None] & (spams == flag) for flag in (True, False)}
    meeting = {flag: world.meetings[rows].sum() / world.inquiries[rows].sum() for flag, rows in by_spam.items()}
    win = {flag: world.deals[rows].sum() / world.meetings[rows].sum() for flag, rows in by_spam.items()}
    assert meeting[True] / meeting[False] == pytest.approx(0.6, abs=0.02)
    assert win[True] / win[False] == pytest.approx(0.7, abs=0.05)
    assert world.score[by_spam[True]].mean() > world.score[by_spam[False]].mean() + 5


def test_score_helps_beginners_only(large):
    """The effect on inquiries is log 1.30 in the first year of tenure and nothing after it."""
    world = large("beginners")
    now = world.analysis
    novice = (world.sellers.tenure[:, now] < 52).astype(float)
    assert 0.1 < novice.mean() < 0.3
    exposure = world.exposure[:, now]
    found = slopes(world, "inquiries", exposure * novice, exposure * (1 - novice), novice)
    assert found[0] == pytest.approx(np.log(1.30), abs=0.045)
    assert found[1] == pytest.approx(0, abs=0.035)


def test_low_starters_seem_to_rise_in_a_world_without_growth():
    """Change against the first reading is negative by construction, against the mean it is not (Oldham)."""
    world = make_world("regression_to_mean", 2000, 52, seed=4)
    first, last = world.score[:, BURN_IN], world.score[:, -1]
    assert np.corrcoef(last - first, first)[0, 1] < -0.25
    assert np.corrcoef(last - first, last + first)[0, 1] == pytest.approx(0, abs=0.05)
    assert (last - first).mean() == pytest.approx(0, abs=0.6)


def test_exposure_is_the_reading_of_the_week_before():
    """X of week t is the score at the end of week t-1, in 10 points from 50."""
    world = make_world("null", 5, 20, seed=5)
    assert (world.exposure[:, 1:] == (world.score[:, :-1] - 50) / 10).all()
    assert (world.score == np.round(world.pillars.sum(axis=-1))).all()
    assert ((world.pillars >= 0) & (world.pillars <= 25)).all()


def test_activity_window_is_the_13_weeks_before():
    """A of week t sums the counts of weeks t-13 to t-1."""
    world = make_world("activity_gauge", 5, 20, seed=5)
    t = BURN_IN + 7
    assert (world.activity_window[:, t] == world.activity[:, t - 13 : t].sum(axis=1)).all()


def test_later_stages_never_exceed_earlier_ones():
    """Deals come from meetings, meetings from inquiries."""
    for name in (*WORLDS, *EXTRA_WORLDS):
        world = make_world(name, 20, 30, seed=6)
        assert (world.deals <= world.meetings).all()
        assert (world.meetings <= world.inquiries).all()
        assert (world.inquiries > world.meetings).any()


def test_same_seed_same_world_other_seed_another():
    """A world follows from its name, size and seed alone."""
    arrays = ("score", "activity", "inquiries", "other_inquiries", "meetings", "deals")
    one, again, other = (make_world("reverse", 12, 26, seed) for seed in (7, 7, 8))
    for array in arrays:
        assert (getattr(one, array) == getattr(again, array)).all()
        assert (getattr(one, array) != getattr(other, array)).any()


def test_150_sellers_and_two_years_take_less_than_a_second():
    """The simulation is fast enough for thousands of replications (processor time)."""
    begin = time.process_time()
    make_world("reverse", 150, 104, seed=9)
    assert time.process_time() - begin < 1.0


@pytest.mark.parametrize("name", [*WORLDS, *EXTRA_WORLDS])
def test_the_smallest_world_exists(name):
    """One person and one week are a world too."""
    world = make_world(name, 1, 1, seed=0)
    assert world.score.shape == (1, BURN_IN + 1)
    assert (world.people, world.weeks) == (1, 1)


def test_an_unknown_world_is_refused_with_the_nearest_name():
    """A misspelt world names the one that was meant."""
    with pytest.raises(SettingsError, match=r"no world 'spamers'; did you mean \"spammers\""):
        make_world("spamers", 10, 10, seed=1)
    with pytest.raises(SettingsError, match="worlds: activity_gauge, confounded"):
        make_world("qqq", 10, 10, seed=1)


@pytest.mark.parametrize(("people", "weeks", "seed"), [(0, 10, 1), (10, 0, 1), (10, 10, -1)])
def test_impossible_sizes_are_refused(people, weeks, seed):
    """A world without persons or weeks, or with a negative seed, is a mistake."""
    with pytest.raises(SettingsError, match="at least 1 person, 1 week and a seed of 0 or more"):
        make_world("null", people, weeks, seed)


def test_success_cannot_feed_what_feeds_success():
    """A world with a closed loop between sales and activity has no formula here."""
    with pytest.raises(ValueError, match="cannot feed activity while activity or the score feeds sales"):
        Parameters(activity_on_inquiries=0.5, success_on_activity=0.25)


@pytest.mark.parametrize("name", [*WORLDS, *EXTRA_WORLDS])
def test_truth_is_json_with_known_verdicts(name):
    """truth.json can be read back, and its verdicts are codes of the schema."""
    truth = make_world(name, 3, 5, seed=1).truth
    back = json.loads(json.dumps(truth))
    assert back["world"] == name
    assert {"overall", "volume", "effectiveness"} == set(back["verdict"])
    assert {code for codes in back["verdict"].values() for code in codes} <= set(schema.VERDICTS)
    assert back["parameters"]["inquiries_per_week"] == 4.0


def test_only_the_effective_world_denies_that_the_score_is_no_effectiveness():
    """The claim against effectiveness is false in one world only, and its verdict says so."""
    denied = [name for name, claims in worlds.CLAIMS.items() if claims["not-effectiveness"] is False]
    measures = [name for name, (overall, *_) in worlds.VERDICTS.items() if schema.EFFECTIVENESS_MEASURE in overall]
    assert denied == measures == ["effectiveness"]


@pytest.mark.shared
def test_claims_of_the_truth_are_claims_of_the_register():
    """Every claim that a world decides stands in the list of published claims."""
    source = SHARED / "claims.md"
    if not source.is_file():
        pytest.skip("the list of published claims (claims.md) is not beside the project")
    published = set(re.findall(r"^\| ([a-z-]+) \|", source.read_text(encoding="utf-8"), flags=re.MULTILINE))
    decided = {claim for claims in worlds.CLAIMS.values() for claim in claims}
    assert len(decided) > 10
    assert decided <= published
