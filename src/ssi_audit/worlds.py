"""Worlds with a known truth: sellers whose score, activity and sales follow written-down formulas.

A method that is run on real exports can be wrong without anybody noticing,
because nobody knows the answer there. In these worlds the answer is known: the
score only reflects activity, or runs ahead of inquiries, or tracks closing, or
is driven by success, by a licence, by spam. The formulas are those of
methods.md section 9, for all persons at once; weeks are looped over only where
success feeds back into activity.

`world_tables` makes the tables of a world, `write_world` writes them as files.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import difflib
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from ssi_audit import schema
from ssi_audit.errors import SettingsError
from ssi_audit.world_tables import world_tables, write_world

__all__ = [
    "EXTRA_WORLDS", "START", "WORLDS", "Parameters", "Sellers", "World",
    "make_world", "simulate", "world_tables", "write_world",
]  # fmt: skip

START = dt.date(2024, 1, 1)  # Monday of week 1
MOST_WEEKS = 5200  # dates end two centuries later
BURN_IN = 40  # weeks -39..0: three windows, so that week 1 remembers nothing of the start
WINDOW = 13  # weeks of activity that a score summarises (LinkedIn: 90 days)
NOVICE_WEEKS = 52  # tenure below which the score matters in the world `beginners`

# Types of activity and their mean per seller-week, in the order of the pillars that they feed.
ACTIVITY = tuple(schema.ACTIVITY_TYPES)
ACTIVITY_PER_WEEK = np.array([2.0, 15.0, 10.0, 6.0])
PILLAR_FLOOR = np.array([0.30, 0.10, 0.10, 0.20])
PILLAR_SCALE = WINDOW * ACTIVITY_PER_WEEK / 0.6
# How well somebody writes and listens moves two pillars and is in no count.
QUALITY_WEIGHT = np.array([0.0, 0.0, 0.8, 0.8])
ON_DUTY = 0.94

# A licence: points per pillar and extra searches, reached after half a year.
LICENCE_POINTS = np.array([0.0, 4.0, 0.0, 2.0])
LICENCE_SEARCHES = 0.3
LICENCE_RAMP_WEEKS = 26
SPAM_FACTOR = np.array([1.0, 1.0, 3.0, 5.0])
SPAM_MEETING_RATE = 0.6
SPAM_WIN_RATE = 0.7

# regression_to_mean: mean 56, between sd 14, within sd 8 as in the other worlds, and no memory.
NOISE_PILLAR_MEAN = 14.0
NOISE_PERSON_SD, NOISE_PERSON_PILLAR_SD = 3.4, 1.0
NOISE_WEEK_SD, NOISE_WEEK_PILLAR_SD = 1.95, 1.0


@dataclass(frozen=True)
class Parameters:
    """What distinguishes one world from another; the defaults are the world `null`.

    Attributes
    ----------
    activity_on_inquiries : float
        bA: log rate ratio of LinkedIn inquiries per unit of log activity.
    score_on_inquiries, score_on_meetings, score_on_wins : float
        bI, bM, bW: log ratio per +10 points of the score.
    novices_only : bool
        `score_on_inquiries` holds below 52 weeks of tenure only, and 60 % start below.
    shock_memory, shock_sd : float
        AR(1) of demand.
    diligence_own, diligence_seniority : float
        Weights of an own draw and of seniority in lasting diligence.
    level_seniority, level_market, wins_seniority : float
        What seniority and market add to the lasting level of inquiries and of the win rate.
    success_on_activity : float
        Log intensity of activity per standard deviation of recent success.
    licensed_share, spam_share : float
        Share of sellers who get a licence; who spam for a while.
    score_is_noise : bool
        The score is the person's mean plus noise, whatever he does.
    inquiries_per_week, other_inquiries_per_week, meeting_rate, win_rate : float
        Level of a typical seller.
    """

    activity_on_inquiries: float = 0.0
    score_on_inquiries: float = 0.0
    score_on_meetings: float = 0.0
    score_on_wins: float = 0.0
    novices_only: bool = False
    shock_memory: float = 0.80
    shock_sd: float = 0.25
    diligence_own: float = 1.0
    diligence_seniority: float = 0.0
    level_seniority: float = 0.0
    level_market: float = 0.0
    wins_seniority: float = 0.0
    success_on_activity: float = 0.0
    licensed_share: float = 0.0
    spam_share: float = 0.0
    score_is_noise: bool = False
    inquiries_per_week: float = 4.0
    other_inquiries_per_week: float = 2.0
    meeting_rate: float = 0.5
    win_rate: float = 0.15

    def __post_init__(self) -> None:
        on_sales = (
            self.activity_on_inquiries, self.score_on_inquiries, self.score_on_meetings, self.score_on_wins
        )  # fmt: skip
        if self.success_on_activity and any(on_sales):
            raise ValueError("sales cannot feed activity while activity or the score feeds sales")


def _log(ratio: float) -> float:
    return float(np.log(ratio))


WORLDS = {
    "activity_gauge": Parameters(activity_on_inquiries=0.5),
    "confounded": Parameters(
        diligence_own=0.35, diligence_seniority=0.4, level_seniority=0.5, level_market=0.3, wins_seniority=0.2
    ),
    "drives_inquiries": Parameters(activity_on_inquiries=0.3, score_on_inquiries=_log(1.25)),
    "effectiveness": Parameters(activity_on_inquiries=0.3, score_on_meetings=_log(1.15), score_on_wins=_log(1.30)),
    "reverse": Parameters(shock_memory=0.95, shock_sd=0.40, success_on_activity=0.25),
    "null": Parameters(),
    "licence_only": Parameters(activity_on_inquiries=0.5, licensed_share=0.6),
    "spammers": Parameters(activity_on_inquiries=0.4, spam_share=0.3),
}
# For single claims only: beginners-only and low-starters-rise-faster.
EXTRA_WORLDS = {
    "beginners": Parameters(activity_on_inquiries=0.3, score_on_inquiries=_log(1.30), novices_only=True),
    "regression_to_mean": Parameters(score_is_noise=True),
}

# Large-sample log rate ratio per +10 points without activity in the model: inquiries, meeting rate, win rate
# (methods.md section 9). In `beginners` it depends on the mix of tenures.
BETA_CRUDE = {
    "activity_gauge": (0.112, 0.0, 0.0),
    "confounded": (0.0, 0.0, 0.0),
    "drives_inquiries": (0.290, 0.0, 0.0),
    "effectiveness": (0.067, 0.138, 0.262),
    "reverse": (0.088, 0.0, 0.0),
    "null": (0.0, 0.0, 0.0),
    "licence_only": (0.109, 0.0, 0.0),
    "spammers": (0.080, -0.037, -0.022),
    "regression_to_mean": (0.0, 0.0, 0.0),
}
# The lead placebo's coefficient on inquiries where success comes first.
BETA_LEAD = {"reverse": 0.157}

_GAUGE, _NONE = (schema.ACTIVITY_GAUGE,), (schema.NO_ASSOCIATION,)
# Right answers given enough data, by the rule of methods.md section 8: overall, volume, effectiveness.
# `inconclusive` is right wherever the data are too few to tell.
VERDICTS = {
    "activity_gauge": (_GAUGE, _GAUGE, _NONE),
    "confounded": (_NONE, _NONE, _NONE),
    "drives_inquiries": ((schema.LEADING_INDICATOR,), (schema.LEADING_INDICATOR,), _NONE),
    "effectiveness": (
        (schema.EFFECTIVENESS_MEASURE,), (schema.LEADING_INDICATOR,), (schema.EFFECTIVENESS_MEASURE,)
    ),
    "reverse": (_GAUGE + _NONE, _GAUGE + _NONE, _NONE),
    "null": (_NONE, _NONE, _NONE),
    "licence_only": (_GAUGE, _GAUGE, _NONE),
    "spammers": (_GAUGE, _GAUGE, _NONE),
    "beginners": ((schema.LEADING_INDICATOR, *_GAUGE), (schema.LEADING_INDICATOR, *_GAUGE), _NONE),
    "regression_to_mean": (_NONE, _NONE, _NONE),
}  # fmt: skip

# Claims that hold, and claims that do not, in a large enough team of this world. Claims that would come out
# near their border are left out.
_EVERYWHERE = {
    "measures-activity": True, "passive-score-low": True, "not-effectiveness": True, "nothing-on-closing": True,
    "productive-prospecting": False,
}  # fmt: skip
_BUSIER_SELL_MORE = {"more-opportunities": True, "quota": True, "higher-is-better": True}
_NO_LINK = {
    "more-opportunities": False, "quota": False, "outsell-peers": False, "higher-is-better": False,
    "every-pillar-counts": False, "early-funnel": False, "small-gaps-mean-nothing": True,
}  # fmt: skip
_REAL_LINK = {**_BUSIER_SELL_MORE, "outsell-peers": True, "only-through-activity": False, "beginners-only": False}
_NO_GROWTH = {"low-starters-rise-faster": False}
CLAIMS = {
    "activity_gauge": {**_EVERYWHERE, **_BUSIER_SELL_MORE, **_NO_GROWTH, "only-through-activity": True},
    # Seniors score higher and sell more, with or without the score: true of people, false within a person.
    "confounded": {
        **_EVERYWHERE, **_NO_GROWTH, "more-opportunities": True, "outsell-peers": True, "quota": False
    },
    "drives_inquiries": {**_EVERYWHERE, **_REAL_LINK, **_NO_GROWTH},
    "effectiveness": {
        **_EVERYWHERE, **_REAL_LINK, **_NO_GROWTH, "not-effectiveness": False, "nothing-on-closing": False,
        "early-funnel": False,
    },
    "reverse": {**_EVERYWHERE, **_NO_GROWTH, "more-opportunities": False},
    "null": {**_EVERYWHERE, **_NO_LINK, **_NO_GROWTH},
    "licence_only": {
        **_EVERYWHERE, **_BUSIER_SELL_MORE, "only-through-activity": True, "licence-lifts-ssi": True
    },
    "spammers": {**_EVERYWHERE, "can-be-gamed": True, "spammer-above-closer": True},
    "beginners": {**_EVERYWHERE, **_NO_GROWTH, "beginners-only": True},
    "regression_to_mean": {
        **_EVERYWHERE, **_NO_LINK, **_NO_GROWTH, "measures-activity": False, "passive-score-low": False
    },
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Sellers:
    """What is lasting or given in advance; N persons, W weeks with burn-in.

    Attributes
    ----------
    seniority, market : ndarray, shape (N,)
        Standard normal.
    diligence : ndarray, shape (N,)
        Lasting log intensity of activity.
    level, meeting_level, win_level : ndarray, shape (N,)
        Lasting log level of inquiries, of the meeting rate, of the win rate.
    tenure : ndarray of int, shape (N, W)
        Weeks since the person was hired, at the Monday of the week.
    licence_week : ndarray, shape (N,)
        Week in which a licence starts, NaN without one.
    licence_ramp : ndarray, shape (N, W)
        0 before the licence, 1 from 26 weeks after its start.
    spams : ndarray of bool, shape (N, W)
    """

    seniority: np.ndarray
    market: np.ndarray
    diligence: np.ndarray
    level: np.ndarray
    meeting_level: np.ndarray
    win_level: np.ndarray
    tenure: np.ndarray
    licence_week: np.ndarray
    licence_ramp: np.ndarray
    spams: np.ndarray


@dataclass(frozen=True, eq=False)
class World:
    """One simulated organisation with everything that is hidden in a real one.

    N persons, W = 40 + `weeks` weeks; ``array[:, world.analysis]`` is weeks 1..`weeks`.

    Attributes
    ----------
    name : str
    parameters : Parameters
    seed : int
    start : datetime.date
        Monday of week 1.
    week : ndarray of int, shape (W,)
        Number of the week, from -39.
    sellers : Sellers
    share_of_week : ndarray, shape (N, W)
        Share of the week that the person works; scales activity and inquiries.
    on_duty : ndarray of bool, shape (N, W)
        False in weeks without any activity (inquiries come in all the same).
    activity, organic : ndarray of int, shape (N, W, 4)
        Counts by type (`ACTIVITY`), with and without what spam adds.
    quality : ndarray, shape (N, W)
        Moves the score and is in no count.
    pillars : ndarray, shape (N, W, 4)
        Points, at the end of the week.
    score : ndarray, shape (N, W)
        Rounded sum of the pillars.
    exposure : ndarray, shape (N, W)
        X: score at the end of the week before, in 10 points from 50.
    log_activity : ndarray, shape (N, W)
        L: log of the mean organic activity of the 13 weeks before.
    inquiries, other_inquiries : ndarray of int, shape (N, W)
        From LinkedIn and from elsewhere.
    meetings : ndarray of int, shape (N, W)
        LinkedIn inquiries of the week that were met.
    deals : ndarray of int, shape (N, W)
        Meetings of the week that were won; they close four weeks later.
    """

    name: str
    parameters: Parameters
    seed: int
    start: dt.date
    week: np.ndarray
    sellers: Sellers
    share_of_week: np.ndarray
    on_duty: np.ndarray
    activity: np.ndarray
    organic: np.ndarray
    quality: np.ndarray
    pillars: np.ndarray
    score: np.ndarray
    exposure: np.ndarray
    log_activity: np.ndarray
    inquiries: np.ndarray
    other_inquiries: np.ndarray
    meetings: np.ndarray
    deals: np.ndarray

    @property
    def people(self) -> int:
        """Number of persons."""
        return len(self.score)

    @property
    def weeks(self) -> int:
        """Number of weeks without the burn-in."""
        return len(self.week) - BURN_IN

    @property
    def analysis(self) -> slice:
        """Columns of weeks 1 to `weeks`."""
        return slice(BURN_IN, None)

    @property
    def activity_window(self) -> np.ndarray:
        """Counts of the 13 weeks before each week by type (A of the panel), shape (N, W, 4)."""
        return _week_before(_window_sum(self.activity))

    def stream(self, part: str) -> np.random.Generator:
        """Random numbers for a part of what is made of this world; the same for the same seed."""
        return _stream(self.seed, part)

    @property
    def truth(self) -> dict[str, Any]:
        """The right answers, ready for JSON: what ``truth.json`` holds."""
        return _truth(self)


def make_world(world: str, people: int, weeks: int, seed: int) -> World:
    """Simulate one of the known-truth worlds.

    Parameters
    ----------
    world : str
        A name in `WORLDS` or `EXTRA_WORLDS`.
    people, weeks : int
        Size of the team and of the analysis; 40 weeks of burn-in come before.
    seed : int
        Not negative. The same four arguments give the same world.

    Raises
    ------
    SettingsError
        If there is no such world, or a size is too small.

    References
    ----------
    methods.md, section 9.
    """
    known = {**WORLDS, **EXTRA_WORLDS}
    if world not in known:
        near = difflib.get_close_matches(world, known, n=1)
        hint = f'did you mean "{near[0]}"?' if near else "worlds: " + ", ".join(known)
        raise SettingsError(f"there is no world {world!r}; {hint}")
    return simulate(known[world], people, weeks, seed, name=world)


def simulate(
    parameters: Parameters,
    people: int,
    weeks: int,
    seed: int,
    name: str,
    share_of_week: np.ndarray | None = None,
) -> World:
    """Simulate a world with any parameters.

    Parameters
    ----------
    parameters : Parameters
    people, weeks, seed : int
        As in `make_world`.
    name : str
        The world whose truth holds: a name in `WORLDS` or `EXTRA_WORLDS`.
    share_of_week : ndarray, shape (people, 40 + weeks), optional
        Share of each week that a person works; default: all of it.

    Raises
    ------
    SettingsError
        If a size is too small, or time is too long.
    """
    if people < 1 or weeks < 1 or seed < 0:
        raise SettingsError(
            f"a world needs at least 1 person, 1 week and a seed of 0 or more, not {people}, {weeks} and {seed}"
        )
    if weeks > MOST_WEEKS:
        raise SettingsError(f"a world has at most {MOST_WEEKS} weeks (a hundred years), not {weeks}")
    week = np.arange(1 - BURN_IN, weeks + 1)
    shape = (people, len(week))
    share = np.ones(shape) if share_of_week is None else share_of_week
    sellers = _make_sellers(parameters, people, week, seed)

    urge = np.zeros(shape)
    if parameters.success_on_activity:
        # Here sales depend on nothing below, so they can come first.
        _, _, met, _ = _draw_sales(parameters, sellers, week, share, np.zeros(shape), np.zeros(shape), seed)
        urge = parameters.success_on_activity * np.clip(_recent_success(met), -3, 3)
    on_duty, organic, activity = _draw_activity(sellers, share, urge, seed)
    quality, pillars = _draw_pillars(parameters, sellers, activity, seed)
    score = np.round(pillars.sum(axis=-1))

    exposure = (_week_before(score) - 50) / 10
    volume = (_window_sum(organic) / (WINDOW * ACTIVITY_PER_WEEK)).sum(axis=-1)
    log_activity = np.log((1 + _week_before(volume)) / 5)
    inquiries, others, meetings, deals = _draw_sales(parameters, sellers, week, share, exposure, log_activity, seed)
    return World(
        name, parameters, seed, START, week, sellers, share, on_duty, activity, organic, quality, pillars, score,
        exposure, log_activity, inquiries, others, meetings, deals,
    )  # fmt: skip


def _make_sellers(parameters: Parameters, people: int, week: np.ndarray, seed: int) -> Sellers:
    rng = _stream(seed, "sellers")
    seniority, market, diligence, level, meeting_level, win_level = rng.standard_normal((6, people))
    diligence = parameters.diligence_own * 0.5 * diligence + parameters.diligence_seniority * seniority
    level = 0.4 * level + parameters.level_seniority * seniority + parameters.level_market * market
    licence_week = _licence_weeks(parameters.licensed_share, people, week[-1], _stream(seed, "licence"))
    since = np.nan_to_num(week - licence_week[:, None], nan=0.0)
    return Sellers(
        seniority=seniority,
        market=market,
        diligence=diligence,
        level=level,
        meeting_level=0.1 * meeting_level,
        win_level=0.25 * win_level + parameters.wins_seniority * seniority,
        tenure=_tenure_in_week_1(parameters, seniority, seed)[:, None] + week - 1,
        licence_week=licence_week,
        licence_ramp=np.clip(since / LICENCE_RAMP_WEEKS, 0, 1),
        spams=_spam_weeks(parameters.spam_share, people, week, _stream(seed, "spam")),
    )


def _tenure_in_week_1(parameters: Parameters, seniority: np.ndarray, seed: int) -> np.ndarray:
    """Weeks since hiring, always more than the 13 that the activity log reaches back."""
    if not parameters.novices_only:
        return np.round(26 + 104 * np.exp(0.7 * seniority)).astype(int)
    rng, people = _stream(seed, "tenure"), len(seniority)
    novice = _chosen(0.6, people, rng)
    return np.where(novice, rng.integers(14, 41, people), rng.integers(60, 209, people))


def _licence_weeks(share: float, people: int, weeks: int, rng: np.random.Generator) -> np.ndarray:
    first = np.floor(rng.uniform(weeks / 6, 5 * weeks / 6, people))
    return np.where(_chosen(share, people, rng), np.maximum(first, 1), np.nan)


def _spam_weeks(share: float, people: int, week: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    first = rng.uniform(week[-1] / 8, week[-1] / 2, (people, 1))
    length = rng.uniform(week[-1] / 4, week[-1], (people, 1))
    return _chosen(share, people, rng)[:, None] & (week >= first) & (week < first + length)


def _chosen(share: float, people: int, rng: np.random.Generator) -> np.ndarray:
    """A random set of the given share, exact to one person."""
    return rng.permutation(people) < round(share * people)


def _draw_activity(
    sellers: Sellers, share: np.ndarray, urge: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weeks on duty, counts that reach somebody, and all counts."""
    rng = _stream(seed, "activity")
    people, n_weeks = share.shape
    common = sellers.diligence[:, None] + _ar1(rng, share.shape, 0.90, 0.35) + urge
    own = rng.normal(0, 0.3, (people, 4, 1)) + _ar1(rng, (people, 4, n_weeks), 0.80, 0.25)
    intensity = ACTIVITY_PER_WEEK * np.exp(common[..., None] + own.transpose(0, 2, 1)) * share[..., None]
    intensity[..., ACTIVITY.index("searches")] *= 1 + LICENCE_SEARCHES * sellers.licence_ramp
    on_duty = rng.random(share.shape) < ON_DUTY
    organic = rng.poisson(intensity * on_duty[..., None])
    inflated = rng.poisson(intensity * on_duty[..., None] * (SPAM_FACTOR - 1) * sellers.spams[..., None])
    return on_duty, organic, organic + inflated


def _draw_pillars(
    parameters: Parameters, sellers: Sellers, activity: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Quality and the four pillars at the end of each week."""
    rng = _stream(seed, "score")
    people, n_weeks, _ = activity.shape
    quality = rng.normal(0, 0.5, (people, 1)) + _ar1(rng, (people, n_weeks), 0.97, 0.6)
    if parameters.score_is_noise:
        person = rng.normal(0, NOISE_PERSON_SD, (people, 1, 1))
        person = person + rng.normal(0, NOISE_PERSON_PILLAR_SD, (people, 1, 4))
        noise = rng.normal(0, NOISE_WEEK_SD, (people, n_weeks, 1))
        noise = noise + rng.normal(0, NOISE_WEEK_PILLAR_SD, activity.shape)
        return quality, np.clip(NOISE_PILLAR_MEAN + person + noise, 0, 25)
    effective = _window_sum(activity) * np.exp(QUALITY_WEIGHT * quality[..., None])
    filled = PILLAR_FLOOR + (1 - PILLAR_FLOOR) * (1 - np.exp(-effective / PILLAR_SCALE))
    own = rng.normal(0, 1, (people, 4, 1)) + _ar1(rng, (people, 4, n_weeks), 0.90, 1.0)
    bonus = LICENCE_POINTS * sellers.licence_ramp[..., None]
    return quality, np.clip(25 * filled + own.transpose(0, 2, 1) + bonus, 0, 25)


def _draw_sales(
    parameters: Parameters,
    sellers: Sellers,
    week: np.ndarray,
    share: np.ndarray,
    exposure: np.ndarray,
    log_activity: np.ndarray,
    seed: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """LinkedIn inquiries, other inquiries, meetings and won deals of each week."""
    rng = _stream(seed, "sales")
    shock = _ar1(rng, share.shape, parameters.shock_memory, parameters.shock_sd)
    other_shock = _ar1(rng, share.shape, parameters.shock_memory, parameters.shock_sd)
    luck, other_luck = rng.gamma(4.0, 1 / 4.0, (2, *share.shape))
    base = sellers.level[:, None] + 0.15 * np.sin(2 * np.pi * week / 52) - 0.1

    score_effect = parameters.score_on_inquiries * exposure
    if parameters.novices_only:
        score_effect = score_effect * (sellers.tenure < NOVICE_WEEKS)
    rate = np.exp(base + shock + parameters.activity_on_inquiries * log_activity + score_effect)
    inquiries = rng.poisson(parameters.inquiries_per_week * rate * luck * share)
    other_rate = np.exp(base + 0.5 * shock + 0.87 * other_shock)
    others = rng.poisson(parameters.other_inquiries_per_week * other_rate * other_luck * share)

    meeting_rate = np.exp(sellers.meeting_level[:, None] + parameters.score_on_meetings * exposure)
    meeting_rate = np.minimum(0.95, parameters.meeting_rate * meeting_rate)
    meetings = rng.binomial(inquiries, np.where(sellers.spams, SPAM_MEETING_RATE, 1) * meeting_rate)
    win_rate = np.exp(sellers.win_level[:, None] + parameters.score_on_wins * exposure)
    win_rate = np.minimum(0.95, parameters.win_rate * win_rate)
    deals = rng.binomial(meetings, np.where(sellers.spams, SPAM_WIN_RATE, 1) * win_rate)
    return inquiries, others, meetings, deals


def _recent_success(meetings: np.ndarray) -> np.ndarray:
    """Meetings of the four weeks before against the running mean, in standard deviations."""
    success = np.zeros(meetings.shape)
    running = meetings[:, 0].astype(float)
    for t in range(1, meetings.shape[1]):
        recent = meetings[:, max(0, t - 4) : t].mean(axis=1)
        success[:, t] = (recent - running) / np.sqrt(np.maximum(running, 0.5) / 4)
        running += (meetings[:, t] - running) / min(t + 1, 60)
    return success


def _ar1(rng: np.random.Generator, shape: tuple[int, ...], memory: float, sd: float) -> np.ndarray:
    """Stationary AR(1) along the last axis, started from its own distribution."""
    series = rng.normal(0, sd, shape)
    series[..., 1:] *= np.sqrt(1 - memory**2)
    for t in range(1, shape[-1]):
        series[..., t] += memory * series[..., t - 1]
    return series


def _window_sum(counts: np.ndarray) -> np.ndarray:
    """Sum over the 13 weeks that end with each week (axis 1); shorter at the start of the burn-in."""
    total = np.cumsum(counts, axis=1)
    total[:, WINDOW:] -= total[:, :-WINDOW].copy()
    return total


def _week_before(values: np.ndarray) -> np.ndarray:
    """The same array one week later (axis 1); the first week of the burn-in keeps its own value."""
    return np.concatenate([values[:, :1], values[:, :-1]], axis=1)


def _stream(seed: int, name: str) -> np.random.Generator:
    """One random stream per part, so that worlds of one seed share what they have in common."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _truth(world: World) -> dict[str, Any]:
    parameters = world.parameters
    overall, volume, effectiveness = VERDICTS[world.name]
    adjusted = {
        "inquiries": parameters.score_on_inquiries,
        "meetings": parameters.score_on_inquiries + parameters.score_on_meetings,
        "meeting_rate": parameters.score_on_meetings,
        "win_rate": parameters.score_on_wins,
    }
    truth: dict[str, Any] = {
        "world": world.name,
        "people": world.people,
        "weeks": world.weeks,
        "seed": world.seed,
        "start": world.start.isoformat(),
        "unit": "log rate ratio per +10 points of the total",
        "verdict": {"overall": overall, "volume": volume, "effectiveness": effectiveness},
        "tracks_activity": "no" if parameters.score_is_noise else "yes",
        "lead_placebo_fails": world.name in BETA_LEAD,
        "beta_D": adjusted,
        "beta_C": None,
        "beta_lead": {"inquiries": BETA_LEAD.get(world.name, 0.0)},
        "claims": CLAIMS[world.name],
        "parameters": dataclasses.asdict(parameters),
    }
    if parameters.novices_only:
        later = {"inquiries": 0.0, "meetings": 0.0}
        truth["beta_D"] = {"meeting_rate": 0.0, "win_rate": 0.0}
        truth["beta_D_below_52_weeks"] = {outcome: adjusted[outcome] for outcome in later}
        truth["beta_D_from_52_weeks"] = later
    else:
        inquiries, meeting_rate, win_rate = BETA_CRUDE[world.name]
        truth["beta_C"] = {
            "inquiries": inquiries,
            "meetings": round(inquiries + meeting_rate, 3),
            "meeting_rate": meeting_rate,
            "win_rate": win_rate,
        }
    return truth
