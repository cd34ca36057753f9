"""A known-truth world as the tables and files of the plain format (design.md section 3).

Weekly counts become dated rows: one reading on the Sunday that ends each week,
activity on working days, and CRM events whose cases carry one id from inquiry
to closing. Nothing later than the last week is told, because on that day
nobody knows it yet.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from ssi_audit import schema
from ssi_audit.errors import DataError, Problem, SettingsError
from ssi_audit.world_names import Name, invented_name

if TYPE_CHECKING:
    from ssi_audit.worlds import World

TRUTH_FILE = "truth.json"
KEEP_FILE = ".gitkeep"  # keeps an empty folder in git; stays where it is
# One metric per type of activity, in the order of `worlds.ACTIVITY`.
METRICS = ("posts", "searches", "comments", "invitations_sent")
LOG_WEEKS_BEFORE = 13  # weeks -12..0, so that the 90 days before week 1 are complete
WORKDAYS = 5

CLOSING_WEEKS = 4  # from the meeting to the won deal
LOSING_WEEKS = (2, 8)
OPPORTUNITY_SHARE = 0.40  # of the meetings that are not won
DEAL_MEAN, DEAL_LOG_SD = 12_000.0, 0.5
CURRENCY = "EUR"
OTHER_SOURCES = ("Website", "Referral", "Trade fair", "Cold call")

QUARTER_WEEKS = 13
TEAM_SIZE = 12
TEAMS = ("Adriatic", "Baltic", "Channel", "Danube", "Elbe", "Fjord", "Gulf", "Highland")
TERRITORIES = ("East", "North", "South", "West")

# Columns that are written without decimals.
WHOLE = ("total", "industry_rank", "network_rank", "count", "amount", "quota")


def world_tables(world: World) -> dict[str, pd.DataFrame]:
    """Make the tables of a world: ssi, activity, crm_events, people and quotas.

    Parameters
    ----------
    world : World

    Returns
    -------
    dict of str to pandas.DataFrame
        Columns as in `schema`; dates are ``datetime64``, persons are full names. Readings for weeks
        0 to T, activity for weeks -12 to T, CRM events for weeks 1 to T.
    """
    names = [invented_name(i) for i in range(world.people)]
    person = np.array([name.full for name in names], dtype=object)
    return {
        "ssi": _ssi(world, person),
        "activity": _activity(world, person),
        "crm_events": _crm_events(world, person),
        "people": _people(world, names),
        "quotas": _quotas(world, person),
    }


def monday(start: dt.date, week: np.ndarray | int) -> np.ndarray:
    """First day of a week, as ``datetime64[D]``; `start` is the first day of week 1."""
    return np.datetime64(start, "D") + 7 * (np.asarray(week) - 1)


def _ssi(world: World, person: np.ndarray) -> pd.DataFrame:
    """One reading on the Sunday that ends each of the weeks 0..T."""
    since_week_0 = world.week >= 0
    score = world.score[:, since_week_0]
    pillars = world.pillars[:, since_week_0].round(2)
    # Ranks follow from the score and from how others do, which differs between the two groups and the days.
    rng = world.stream("ranks")
    others = rng.normal(0, 4, (len(person), 1)) + rng.normal(0, 1, score.shape)
    sunday = monday(world.start, world.week[since_week_0]) + 6
    return pd.DataFrame(
        {
            "person": np.repeat(person, score.shape[1]),
            "date": np.tile(sunday, len(person)),
            **{pillar: pillars[..., k].ravel() for k, pillar in enumerate(schema.PILLARS)},
            "total": score.ravel(),
            "industry_rank": _rank(score - 38).ravel(),
            "network_rank": _rank(score - 45 + others).ravel(),
        },
        columns=list(schema.SSI_COLUMNS),
    )


def _rank(above_average: np.ndarray) -> np.ndarray:
    """Points above the average of a group as "top N %"."""
    return np.clip(np.round(100 * ndtr(-above_average / 17)), 1, 99)


def _activity(world: World, person: np.ndarray) -> pd.DataFrame:
    """Counts on the working days of the weeks -12..T.

    A week without any action of a type gets a row of zero: it was logged, nothing happened. So does the
    first Monday, which says since when the log is kept.
    """
    logged = world.week > -LOG_WEEKS_BEFORE
    weekly = world.activity[:, logged]
    per_day = world.stream("workdays").multinomial(weekly, [1 / WORKDAYS] * WORKDAYS).transpose(0, 1, 3, 2)
    told = per_day > 0
    told[:, :, 0] |= weekly == 0
    told[:, 0, 0] = True
    i, week, day, metric = np.nonzero(told)
    return pd.DataFrame(
        {
            "person": person[i],
            "date": monday(world.start, world.week[logged])[week] + day,
            "metric": np.array(METRICS, dtype=object)[metric],
            "count": per_day[told].astype(float),
            "first_day": np.full(len(i), np.datetime64("NaT", "D")),
        },
        columns=list(schema.ACTIVITY_COLUMNS),
    )


def _crm_events(world: World, person: np.ndarray) -> pd.DataFrame:
    """Inquiries, and what becomes of those from LinkedIn, as dated events of numbered cases."""
    rng = world.stream("crm")
    inquiry = _linkedin_cases(world, rng)
    other = _events_of(world.other_inquiries[:, world.analysis])
    other = other.assign(
        day=monday(world.start, other["week"].to_numpy()) + rng.integers(0, 7, len(other)),
        source=rng.choice(np.array(OTHER_SOURCES, dtype=object), len(other), p=[0.5, 0.25, 0.15, 0.1]),
    )
    cases = pd.concat([inquiry.assign(source="LinkedIn"), other], ignore_index=True)
    cases = cases.sort_values(["day", "i"], kind="stable", ignore_index=True)
    width = len(str(len(cases)))
    cases["deal"] = [f"D{number:0{width}d}" for number in range(1, len(cases) + 1)]

    met = cases[cases["met_on"].notna()]
    opened = met[met["opened"].astype(bool)]
    known = opened[opened["closed_on"] < monday(world.start, world.weeks + 1)]
    won, lost = known[known["won"].astype(bool)], known[~known["won"].astype(bool)]
    amount = np.round(_deal_amounts(rng, len(won)), -1)
    stages = [
        cases.assign(kind="inquiry", date=cases["day"], started=np.datetime64("NaT", "s")),
        met.assign(kind="meeting", date=met["met_on"], started=met["day"]),
        opened.assign(kind="opportunity", date=opened["met_on"], started=opened["met_on"]),
        won.assign(kind="deal_won", date=won["closed_on"], started=won["met_on"], amount=amount, currency=CURRENCY),
        lost.assign(kind="deal_lost", date=lost["closed_on"], started=lost["met_on"]),
    ]
    events = pd.concat(stages, ignore_index=True).assign(person=lambda frame: person[frame["i"]])
    # Stable: within one day the stages of a case keep their order.
    return events.sort_values(["date", "deal"], kind="stable", ignore_index=True)[list(schema.CRM_COLUMNS)]


def _linkedin_cases(world: World, rng: np.random.Generator) -> pd.DataFrame:
    """LinkedIn inquiries with the days on which they were met and closed."""
    inquiries = world.inquiries[:, world.analysis]
    cases = _events_of(inquiries)
    start = monday(world.start, cases["week"].to_numpy())
    weekday = rng.integers(0, WORKDAYS, len(cases))
    # Days are drawn alike for all inquiries of a week, so the first ones are as random a subset as any.
    cell = (cases["i"].to_numpy(), cases["week"].to_numpy() - 1)
    is_met = cases["place"].to_numpy() < world.meetings[:, world.analysis][cell]
    is_won = cases["place"].to_numpy() < world.deals[:, world.analysis][cell]
    later = np.floor(rng.random(len(cases)) * (WORKDAYS - weekday)).astype(int)
    met_on = start + weekday + later
    lost_on = start + 7 * rng.integers(LOSING_WEEKS[0], LOSING_WEEKS[1] + 1, len(cases))
    lost_on = lost_on + rng.integers(0, WORKDAYS, len(cases))
    return cases.assign(
        day=start + weekday,
        met_on=np.where(is_met, met_on, np.datetime64("NaT", "D")),
        opened=is_won | (is_met & (rng.random(len(cases)) < OPPORTUNITY_SHARE)),
        won=is_won,
        closed_on=np.where(is_won, met_on + 7 * CLOSING_WEEKS, lost_on),
    )


def _events_of(counts: np.ndarray) -> pd.DataFrame:
    """Counts (N, T) as single events: person number, week (from 1), place among those of the week."""
    flat = counts.ravel()
    cell = np.repeat(np.arange(flat.size), flat)
    place = np.arange(len(cell)) - np.repeat(np.cumsum(flat) - flat, flat)
    return pd.DataFrame({"i": cell // counts.shape[1], "week": cell % counts.shape[1] + 1, "place": place})


def _deal_amounts(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.lognormal(np.log(DEAL_MEAN) - DEAL_LOG_SD**2 / 2, DEAL_LOG_SD, n)


def _people(world: World, names: list[Name]) -> pd.DataFrame:
    """Who is who: teams at random, territories by market, entry by tenure."""
    person = [name.full for name in names]
    hired_on = monday(world.start, 1) - 7 * world.sellers.tenure[:, world.analysis][:, 0]
    licence = np.full(world.people, np.datetime64("NaT", "D"))
    licensed = np.isfinite(world.sellers.licence_week)
    licence[licensed] = monday(world.start, world.sellers.licence_week[licensed].astype(int))
    return pd.DataFrame(
        {
            "person": person,
            "email": [name.email for name in names],
            "linkedin_name": person,
            "linkedin_url": [name.linkedin_url for name in names],
            "team": _teams(world),
            "territory": np.array(TERRITORIES, dtype=object)[_quantile(world.sellers.market, len(TERRITORIES))],
            "hired_on": hired_on,
            "licence_start": licence,
            "crm_owner": person,
            "aliases": "",
        },
        columns=list(schema.PEOPLE_COLUMNS),
    )


def _teams(world: World) -> np.ndarray:
    """Teams of about twelve."""
    n_teams = max(1, round(world.people / TEAM_SIZE))
    labels = [TEAMS[k % len(TEAMS)] + (f" {k // len(TEAMS) + 1}" if k >= len(TEAMS) else "") for k in range(n_teams)]
    member = world.stream("teams").permutation(world.people) % n_teams
    return np.array(labels, dtype=object)[member]


def _quantile(values: np.ndarray, n: int) -> np.ndarray:
    """Number of the n-quantile of each value, from 0."""
    rank = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return rank * n // len(values)


def _quotas(world: World, person: np.ndarray) -> pd.DataFrame:
    """Quotas for whole quarters of 13 weeks, which about half of the sellers meet.

    A quota is the revenue that the seller's lasting level promises, whatever he does on LinkedIn: so the
    score is tied to quota attainment where it is tied to sales, and nowhere else.
    """
    n_quarters = world.weeks // QUARTER_WEEKS
    closing = world.share_of_week[:, world.analysis].copy()
    closing[:, -CLOSING_WEEKS:] = 0  # met, not closed within the data
    in_quarter = np.roll(closing, CLOSING_WEEKS, axis=1)[:, : n_quarters * QUARTER_WEEKS]
    in_quarter = in_quarter.reshape(world.people, n_quarters, QUARTER_WEEKS).sum(axis=2)
    sellers = world.sellers
    level = np.exp(sellers.level + sellers.meeting_level + sellers.win_level)[:, None]
    closed = world.deals[:, world.analysis][:, :-CLOSING_WEEKS].sum(axis=1)
    # The typical seller's deals per unit of level: a few stars must not set everybody's quota.
    deals_per_level = np.median(closed / np.maximum((level * closing).sum(axis=1), 1e-9))
    expected = level * in_quarter * deals_per_level
    # The median of a small count lies about a third below its mean.
    quota = DEAL_MEAN * np.maximum(expected - 0.37, expected / 2)
    first_day = monday(world.start, 1 + QUARTER_WEEKS * np.arange(n_quarters))
    return pd.DataFrame(
        {
            "person": np.repeat(person, n_quarters),
            "period_start": np.tile(first_day, world.people),
            "period_end": np.tile(first_day + 7 * QUARTER_WEEKS - 1, world.people),
            "quota": np.maximum(500.0, np.round(quota / 500) * 500).ravel(),
            "currency": CURRENCY,
        },
        columns=list(schema.QUOTA_COLUMNS),
    )


def write_world(world: World, out: Path | str, as_: str = "plain") -> list[Path]:
    """Write the files of a world, and ``truth.json`` beside them.

    Parameters
    ----------
    world : World
    out : path
        A new or empty folder, or one that holds nothing but an earlier sample.
    as_ : {"plain", "exports"}
        Format of the files: tables of the plain format, or the exports of LinkedIn, six CRMs and calendars.

    Returns
    -------
    list of pathlib.Path
        The files, in the order of writing.

    Raises
    ------
    DataError
        If the folder holds files that are not of a sample.
    SettingsError
        If there is no such format.
    """
    if as_ not in FORMATS:
        raise SettingsError(f"there is no format {as_!r}; formats: {', '.join(FORMATS)}")
    return write_folder(Path(out), lambda folder: FORMATS[as_](world_tables(world), folder), world.truth)


def write_plain(tables: dict[str, pd.DataFrame], folder: Path) -> None:
    """Write one CSV per table: UTF-8, LF, pillars with two decimals, all other numbers whole."""
    for name, table in tables.items():
        text = table.astype({column: "Int64" for column in WHOLE if column in table})
        text.to_csv(
            folder / f"{name}.csv", index=False, encoding="utf-8", lineterminator="\n", float_format="%.2f",
            date_format="%Y-%m-%d",
        )  # fmt: skip


def write_exports(tables: dict[str, pd.DataFrame], folder: Path) -> None:
    """Write the tables as the exports of the systems that an organisation has."""
    from ssi_audit.world_exports_mixed import write_mixed

    write_mixed(tables, folder)


FORMATS: dict[str, Callable[[dict[str, pd.DataFrame], Path], None]] = {"plain": write_plain, "exports": write_exports}


def write_folder(out: Path, write: Callable[[Path], None], truth: dict[str, Any]) -> list[Path]:
    """Write into a folder beside the target, and put it in place when it is complete.

    ``truth.json`` lists the files of the sample; only a folder that holds nothing else is replaced later.
    """
    if out.is_symlink():  # the folder behind it is exchanged, not the link
        out = out.resolve()
    _check_replaceable(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    staging = out.parent / f".{out.name}.{os.getpid()}.new"
    staging.mkdir()
    try:
        write(staging)
        files = _files_below(staging)
        text = json.dumps({**truth, "files": files}, indent=2, ensure_ascii=False)
        (staging / TRUTH_FILE).write_text(text + "\n", encoding="utf-8", newline="\n")
        if (out / KEEP_FILE).exists():
            shutil.copy2(out / KEEP_FILE, staging / KEEP_FILE)
        _swap(staging, out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return [out / name for name in (*files, TRUTH_FILE)]


def _swap(staging: Path, out: Path) -> None:
    """Put a complete folder in the place of another, which comes back if that fails."""
    if not out.exists():
        staging.rename(out)
        return
    retired = staging.with_suffix(".old")
    out.rename(retired)
    try:
        staging.rename(out)
    except OSError:
        retired.rename(out)
        raise
    shutil.rmtree(retired)


def _check_replaceable(out: Path) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise DataError(Problem(str(out), "is a file, not a folder", "choose another folder with --out"))
    strange = sorted(set(_files_below(out)) - _files_of_sample(out) - {KEEP_FILE})
    if strange:
        shown = ", ".join(strange[:3]) + (f" and {len(strange) - 3} more" if len(strange) > 3 else "")
        fix = "choose an empty folder with --out: a sample never overwrites other files or mixes with them"
        raise DataError(Problem(str(out), f"holds {shown}, which no earlier sample wrote", fix))


def _files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _files_of_sample(folder: Path) -> set[str]:
    """Names that the truth of an earlier sample lists, and its own."""
    truth = folder / TRUTH_FILE
    if not truth.is_file():
        return set()
    try:
        listed = json.loads(truth.read_text(encoding="utf-8"))["files"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        return set()  # somebody else's truth.json
    return {TRUTH_FILE, *listed}
