"""Ranges of skill, of the share that activity explains and of the pillars' overlap, on arrays of simulated teams.

`test_coverage` counts every printed interval in `null`. These three depend on how strong a link is, so they are
counted at every strength, without the detour over tables: 400 teams take minutes. Skill is what a team of this size is
to expect, the mean over the teams. Up to 50 sellers the deviances without a seller take one Newton step from the fit
on everybody instead of a refit; the quick test here says how far that is from the real thing.
"""

from __future__ import annotations

import functools
import multiprocessing

import numpy as np
import pytest

from ssi_audit import worlds
from ssi_audit.parallel import n_workers
from ssi_audit.stats.clusters import deletion_steps, interval
from ssi_audit.stats.discordance import score_discordance
from ssi_audit.stats.fixed_effects import fe_poisson, fit_poisson
from ssi_audit.stats.leave_out import first_share, share_explained
from ssi_audit.stats.rows import Sample, identify, prepare
from ssi_audit.stats.skill import MAX_LEAVE_ONE_OUT, ShareDeviance, _pull, _share_deviance, deviance_by_person, skill_of

SEEDS, FIRST = 400, 20_000
BURN_IN, QUARTER, STEP = worlds.BURN_IN, 13, 4
# Columns of `quarters` and of `weeks` whose skill is asked, with those that both models have.
WATCHED = {"score": (0,), "activity": (1,), "inquiries": (2,), "meetings": (3,)}
WEEKLY = {
    "score": ((), (0,)), "four activities": ((), (1, 2, 3, 4)),
    "score beyond them": ((1, 2, 3, 4), (0,)), "they beyond the score": ((0,), (1, 2, 3, 4)),
}  # fmt: skip
# Besides the published worlds: what ten points of the score add to the log rate of inquiries, and nothing else.
STRENGTHS = {f"ten points {log}": worlds.Parameters(score_on_inquiries=log) for log in (0.03, 0.05, 0.1, 0.15)}


def team(world: str, people: int, seed: int) -> worlds.World:
    """One team over 52 weeks."""
    return worlds.simulate({**worlds.WORLDS, **STRENGTHS}[world], people, 52, seed, name="null")


def quarters(world: worlds.World) -> Sample:
    """What to watch: deals of the quarter ahead, and four numbers of the quarter behind, every four weeks."""
    closed = np.zeros_like(world.deals)
    closed[:, 4:] = world.deals[:, :-4]
    counted = (world.activity.sum(axis=-1), world.inquiries + world.other_inquiries, world.meetings)
    weeks = np.arange(BURN_IN + QUARTER, BURN_IN + world.weeks - QUARTER + 1, STEP)
    rows = [
        [world.score[:, t - 1] / 10, *(np.log1p(one[:, t - QUARTER : t].sum(axis=1)) for one in counted)] for t in weeks
    ]
    deals = np.column_stack([closed[:, t : t + QUARTER].sum(axis=1) for t in weeks])
    return absorbed(deals, np.array(rows).transpose(2, 0, 1), (weeks - BURN_IN) // QUARTER)


def weeks(world: worlds.World) -> Sample:
    """Meetings of each week, the score before and the four activities of the quarter behind, effects per four weeks."""
    since = slice(BURN_IN + QUARTER, None)
    columns = np.concatenate([world.exposure[:, since, None], np.log1p(world.activity_window[:, since])], axis=2)
    return absorbed(world.meetings[:, since], columns, np.arange(columns.shape[1]) // STEP)


def absorbed(counts: np.ndarray, columns: np.ndarray, calendar: np.ndarray) -> Sample:
    """Counts (persons, periods) and columns (persons, periods, k) as rows with one effect per person."""
    people, periods = counts.shape
    person = np.repeat(np.arange(people), periods)
    X = columns.reshape(people * periods, -1)
    return prepare(counts.ravel(), X, person, None, np.tile(calendar, people), events=True, absorb=True)


def deviances(sample: Sample, columns: tuple[int, ...]) -> ShareDeviance:
    """`deviance_by_person`, up to 50 persons with one Newton step in place of each refit."""
    if len(sample.people) > MAX_LEAVE_ONE_OUT:
        return deviance_by_person(sample, np.array(columns, int))
    sample = sample.of_columns(np.array(columns, int))
    fit = fit_poisson(identify(sample))
    steps, q, person = deletion_steps(fit), len(fit.columns), fit.person_of_row
    calendar = np.hstack([np.zeros((len(steps), 1)), steps[:, q:]])
    index = np.log(fit.mu) - np.einsum("qn,nq->n", fit.columns, steps[person, :q]) - calendar[person, fit.unit]
    mean = np.exp(index)
    expected = mean * (np.add.reduceat(sample.y, sample.starts) / np.add.reduceat(mean, sample.starts))[person]
    log_ratio = np.log(np.maximum(sample.y, 1) / expected)
    held_out = 2 * np.add.reduceat(np.where(sample.y > 0, sample.y * log_ratio, 0.0), sample.starts)
    return ShareDeviance(held_out, _share_deviance(sample, fit), _pull(fit))


def skills(job: tuple[str, int, int]) -> dict[str, tuple[float, float, float]]:
    """Skill, low and high of every question."""
    world = team(*job)
    ahead, weekly = quarters(world), weeks(world)
    of_quarters, of_weeks = (functools.cache(functools.partial(deviances, rows)) for rows in (ahead, weekly))
    found = {f"watch {name}": skill_of(of_quarters(added), of_quarters(())) for name, added in WATCHED.items()}
    found |= {
        f"week {name}": skill_of(of_weeks(tuple(sorted(base + added))), of_weeks(base))
        for name, (base, added) in WEEKLY.items()
    }
    return {name: (one.skill, one.low, one.high) for name, one in found.items()}


def shares(job: tuple[str, int, int]) -> dict[str, tuple[float, float, float]]:
    """Share explained, low and high of each outcome whose plain link is clear."""
    world = team(*job)
    since = slice(BURN_IN + QUARTER, None)
    columns = np.concatenate([world.exposure[:, since, None], np.log1p(world.activity_window[:, since])], axis=2)
    people, periods, k = columns.shape
    X, person = columns.reshape(-1, k), np.repeat(np.arange(people), periods)
    found = {}
    for outcome in ("inquiries", "meetings"):
        y = getattr(world, outcome)[:, since].ravel()
        calendar = np.tile(np.arange(periods) // STEP, people)
        crude, adjusted = (fe_poisson(y, part, person, None, calendar) for part in (X[:, :1], X))
        printed = interval(crude, 0)
        if printed.low > 0 or printed.high < 0:
            share = share_explained(crude, adjusted)
            found[outcome] = (share.estimate, share.low, share.high)
    return found


def overlaps(job: tuple[str, int, int]) -> dict[str, tuple[float, float, float]]:
    """Share of the pillars on one line, between and within sellers."""
    pillars = team(*job).pillars[:, BURN_IN:]
    person = np.repeat(np.arange(len(pillars)), pillars.shape[1])
    both = {
        level: first_share(pillars.reshape(-1, 4), person, within=level == "within") for level in ("between", "within")
    }
    return {level: (one.estimate, one.low, one.high) for level, one in both.items()}


def order(job: tuple[str, int, int]) -> dict[str, tuple[float, float, float]]:
    """Share of clear pairs in which the worse closer has the higher score, where any pair is clear."""
    world = team(*job)
    score, won, tries = (one[:, BURN_IN:] for one in (world.score, world.deals, world.meetings))
    found = score_discordance(score.mean(axis=1), won.sum(axis=1), tries.sum(axis=1))
    return {"share": (found.share, found.low, found.high)} if np.isfinite(found.low) else {}


def held(function, world: str, people: int, truth: float | dict[str, float] | None = None) -> dict[str, float]:
    """Per cent of the teams that print a range whose range holds the truth; None: the mean estimate is the truth."""
    n_teams = SEEDS if people <= MAX_LEAVE_ONE_OUT else SEEDS // 2
    with multiprocessing.get_context("fork").Pool(n_workers()) as pool:
        teams = pool.map(function, [(world, people, FIRST + k) for k in range(n_teams)], chunksize=4)
    result = {}
    for name in dict.fromkeys(name for one in teams for name in one):
        estimate, low, high = np.array([one[name] for one in teams if name in one]).T
        right = estimate.mean() if truth is None else truth[name] if isinstance(truth, dict) else truth
        result[name] = 100 * np.mean((low <= right) & (right <= high))
        print(
            f"{world}, {people} sellers, {name}: {result[name]:.1f} % of {len(low)} hold {right:.4f}, "
            f"too high {100 * np.mean(low > right):.1f}, too low {100 * np.mean(high < right):.1f}"
        )
    return result


@pytest.mark.parametrize("rows", [quarters, weeks])
def test_one_step_is_close_to_a_refit(rows):
    """Deviances by one Newton step differ from those by refits by less than a fiftieth of the skill's range."""
    sample = rows(team("drives_inquiries", 24, FIRST))
    step, refit = deviances(sample, (0,)), deviance_by_person(sample, np.array([0]))
    empty = deviance_by_person(sample, np.array([], int))
    real = skill_of(refit, empty)
    assert abs(skill_of(step, empty).skill - real.skill) < (real.high - real.low) / 50


PUBLISHED = ("null", "activity_gauge", "drives_inquiries")
TEAMS = [
    *((world, 12) for world in (*PUBLISHED, "ten points 0.1")),
    *((world, 24) for world in (*PUBLISHED, *STRENGTHS, "effectiveness")),
    *((world, 60) for world in ("null", "drives_inquiries")),
]


@pytest.mark.slow
@pytest.mark.parametrize(("world", "people"), TEAMS)
def test_ranges_of_skill_hold_at_every_strength(world, people):
    """92 to 98 % of the teams on average over the questions, and no question in fewer than 92 %.

    Sixty sellers are held out in ten groups drawn by chance, and only 200 such teams are counted: 91 % there. The
    largest shares (99.8 %) belong to links too small for the team to see.
    """
    print()
    found = held(skills, world, people)
    assert 92 <= np.mean(list(found.values())) <= 98
    assert min(found.values()) >= (92 if people <= MAX_LEAVE_ONE_OUT else 91)


@pytest.mark.slow
@pytest.mark.parametrize(("world", "share"), [("activity_gauge", 1.0), ("drives_inquiries", 1 - 0.223 / 0.290)])
def test_ranges_of_the_share_explained_hold_where_they_are_printed(world, share):
    """Of the teams of 24 with a clear plain link 92 to 98 % print a range that holds the share."""
    print()
    assert all(92 <= one <= 98 for one in held(shares, world, 24, share).values())


@pytest.mark.slow
@pytest.mark.parametrize("people", [12, 24])
def test_ranges_of_the_overlap_hold(people):
    """The share on one line is that of six teams of 400."""
    print()
    large = [overlaps(("null", 400, 70_000 + k)) for k in range(6)]
    truth = {level: np.mean([one[level][0] for one in large]) for level in large[0]}
    assert all(92 <= one <= 98 for one in held(overlaps, "null", people, truth).values())


@pytest.mark.slow
@pytest.mark.parametrize("people", [12, 24, 60])
def test_ranges_of_the_discordance_hold(people):
    """A score that has nothing to do with closing orders half of the pairs."""
    print()
    assert all(92 <= one <= 98 for one in held(order, "null", people, 0.5).values())
