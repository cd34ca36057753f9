"""The invented organisation of data/sample: a pure activity gauge with the mess of real exports.

Forty sellers in four teams, two years, holidays, joiners and leavers, some
licences, people who exist on one side only, and a few rows that are wrong in
ways that happen: a row exported twice, a reading that failed, a forgotten
week. Inquiries follow activity, the score follows activity, and the score adds
nothing to that. Everything follows from the seed, byte for byte.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ssi_audit import schema
from ssi_audit.world_names import Name, invented_name
from ssi_audit.world_tables import WORKDAYS, monday, world_tables, write_folder, write_plain
from ssi_audit.worlds import BURN_IN, START, WORLDS, World, simulate

# Picked by hand so that the planted truth shows without an accident of chance. Of 15 seeds looked at (20260101 to
# 20260129, every other one) 5 gave the planted answer, 9 "can't tell" and 1 a false yes: what 40 sellers can tell.
SAMPLE_SEED = 20260119
SAMPLE_WEEKS = 104
# An activity gauge in which some get a licence. More deals for the same meetings, so that two years can tell.
SAMPLE_WORLD = "licence_only"
SAMPLE_PARAMETERS = dataclasses.replace(
    WORLDS[SAMPLE_WORLD], licensed_share=0.4, other_inquiries_per_week=1.0, win_rate=0.25
)

# Two teams that can be scored, one that can only be shown, one too small for that (settings min_score, min_group).
TEAM_SIZES = {"Baltic": 15, "Adriatic": 14, "Highland": 7, "Danube": 4}
SELLERS = sum(TEAM_SIZES.values())
# After the sellers come those whom one side only knows; the last two are not in people.csv.
MARKETER, KEY_ACCOUNTS, GUEST, ROBOT = range(SELLERS, SELLERS + 4)
EVERYBODY = SELLERS + 4
SPECIAL_NAMES = {8: Name("กมล ใจดี", "kamon.jaidee"), ROBOT: Name("Integration User", "integration.user")}
# LinkedIn shows some people under another name than the payroll does.
LINKEDIN_NAMES = {12: "{}, MBA", 25: "Dr. {}"}

JOINERS = {6: 22, 17: 40, 30: 62}  # seller: first week
LEAVERS = {11: 58, 22: 83}  # seller: last week
GUEST_WEEKS = (40, 52)
COMMON_ABSENCES = (
    (dt.date(2024, 12, 23), dt.date(2025, 1, 1)),
    (dt.date(2025, 12, 24), dt.date(2025, 12, 26)),
)
SUMMERS = ((27, 34), (79, 86))  # weeks in which a holiday of two weeks may begin
WEEKS_OFF, DAYS_OFF = 30, 20  # single weeks, and absences of one to three days, over all sellers

TWICE, CORRECTED, FAILED, FORGOTTEN = 6, 3, 2, 8  # readings
LONG_GAP = 3  # weeks in a row of one seller: longer than a score is carried on
EVENTS_TWICE, COUNTS_TWICE = 6, 4


@dataclass(frozen=True, eq=False)
class Sample:
    """The sample organisation.

    Attributes
    ----------
    world : World
        Persons 0..39 are the sellers, then come those who exist on one side only.
    tables : dict of str to pandas.DataFrame
        Name of the file without ``.csv`` → its rows.
    truth : dict
        The right answers, and what is wrong with the files on purpose.
    """

    world: World
    tables: dict[str, pd.DataFrame]
    truth: dict[str, Any]


def sample_organisation(seed: int = SAMPLE_SEED) -> Sample:
    """Simulate the organisation behind data/sample.

    Parameters
    ----------
    seed : int
        Not negative; the same seed gives the same rows.
    """
    names = [SPECIAL_NAMES.get(i, invented_name(i)) for i in range(EVERYBODY)]
    absences = _absences(np.random.default_rng(seed))
    world = simulate(
        SAMPLE_PARAMETERS, EVERYBODY, SAMPLE_WEEKS, seed, SAMPLE_WORLD, share_of_week=_share_of_week(absences)
    )
    number = {invented_name(i).full: i for i in range(EVERYBODY)}
    rows = {name: table.assign(i=table["person"].map(number)) for name, table in world_tables(world).items()}

    full = np.array([name.full for name in names], dtype=object)
    on_linkedin = np.array([LINKEDIN_NAMES.get(i, "{}").format(name) for i, name in enumerate(full)], dtype=object)
    login = np.array([_login(name) for name in names], dtype=object)
    readings, mess = _with_mess(_readings(rows["ssi"]), world.stream("mess"))
    counts = _with_repeats(_weekly_counts(rows["activity"]), COUNTS_TWICE, world.stream("counts twice"))
    events = _with_repeats(_events(rows["crm_events"]), EVENTS_TWICE, world.stream("events twice"))
    inquiry = events["kind"] == "inquiry"
    tables = {
        "people": _people(world, rows["people"], full, on_linkedin, login, names),
        "quotas": _named(_quotas(rows["quotas"]), full, schema.QUOTA_COLUMNS),
        "absences": _named(absences, full, schema.ABSENCE_COLUMNS),
        "ssi": _named(readings, on_linkedin, schema.SSI_COLUMNS),
        "activity": _named(counts, login, ("person", "date", "metric", "count")),
        "crm_events_inquiries": _named(events[inquiry], login, ("person", "date", "kind", "source", "deal")),
        "crm_events_sales": _named(events[~inquiry], login, schema.CRM_COLUMNS),
    }
    return Sample(world, tables, {**world.truth, **_own_truth(full, mess)})


def write_sample(out: Path | str, seed: int = SAMPLE_SEED) -> list[Path]:
    """Write the sample organisation and its truth; the same seed writes the same bytes.

    Parameters
    ----------
    out : path
        A new or empty folder, or one that holds nothing but an earlier sample.
    seed : int

    Raises
    ------
    DataError
        If the folder holds other files.
    """
    sample = sample_organisation(seed)
    return write_folder(Path(out), lambda folder: write_plain(sample.tables, folder), sample.truth)


def _own_truth(full: np.ndarray, mess: dict[str, int]) -> dict[str, Any]:
    """What the truth of the sample says beyond that of its world."""
    return {
        "world": "sample",
        "made_as": SAMPLE_WORLD,
        "people": SELLERS,
        # Fewer events make the crude numbers of the world no promise.
        "beta_C": None,
        "teams": TEAM_SIZES,
        "one_side_only": {"ssi": [full[MARKETER], full[GUEST]], "crm": [full[KEY_ACCOUNTS], full[ROBOT]]},
        "not_in_people": [full[GUEST], full[ROBOT]],
        "mess": {**mess, "events_twice": EVENTS_TWICE, "counts_twice": COUNTS_TWICE},
    }


def _login(name: Name) -> str:
    """User code in the CRM: initial and family name, as in ``KWOJ``; technical users keep their name."""
    if name == SPECIAL_NAMES[ROBOT]:
        return name.full
    first, *_, family = name.slug.split(".")
    return (first[0] + family[:3]).upper()


def _named(rows: pd.DataFrame, names: np.ndarray, columns: tuple[str, ...]) -> pd.DataFrame:
    """Name the persons as this file does and keep its columns."""
    return rows.assign(person=names[rows["i"].to_numpy(dtype=int)])[list(columns)]


def _day(week: int, weekday: int = 0) -> np.datetime64:
    return monday(START, week) + weekday


def _employed_weeks(i: int) -> tuple[int, int]:
    return JOINERS.get(i, 1 - BURN_IN), LEAVERS.get(i, SAMPLE_WEEKS)


def _absences(rng: np.random.Generator) -> pd.DataFrame:
    """Holidays of the sellers while they were employed: person number, first and last day."""
    away = [(i, np.datetime64(first), np.datetime64(last)) for i in range(SELLERS) for first, last in COMMON_ABSENCES]
    for first, last in SUMMERS:
        begin = rng.integers(first, last + 1, SELLERS)
        away += [(i, _day(week), _day(week + 1, WORKDAYS - 1)) for i, week in enumerate(begin)]
    for i, week in zip(rng.integers(0, SELLERS, WEEKS_OFF), rng.integers(5, SAMPLE_WEEKS - 4, WEEKS_OFF)):
        away.append((i, _day(week), _day(week, WORKDAYS - 1)))
    for i, week in zip(rng.integers(0, SELLERS, DAYS_OFF), rng.integers(5, SAMPLE_WEEKS - 4, DAYS_OFF)):
        away.append((i, _day(week), _day(week, rng.integers(0, 3))))
    frame = pd.DataFrame(away, columns=["i", "first_day", "last_day"])
    return _employed(frame, "first_day", "last_day").sort_values(["i", "first_day"], kind="stable")


def _share_of_week(absences: pd.DataFrame) -> np.ndarray:
    """Share of the working days of each week that each person worked, shape (people, weeks with burn-in)."""
    works = np.ones((EVERYBODY, BURN_IN + SAMPLE_WEEKS, 7), dtype=bool)
    for i in range(EVERYBODY):
        first, last = _employed_weeks(i)
        works[i, : first - 1 + BURN_IN] = False
        works[i, last + BURN_IN :] = False
    days = works.reshape(EVERYBODY, -1)
    origin = _day(1 - BURN_IN)
    for i, first_day, last_day in absences.itertuples(index=False):
        first, last = ((np.datetime64(day, "D") - origin).astype(int) for day in (first_day, last_day))
        days[i, first : last + 1] = False
    return works[..., :WORKDAYS].mean(axis=-1)


def _employed(rows: pd.DataFrame, first: str = "date", last: str = "date") -> pd.DataFrame:
    """Rows within the employment of their person."""
    weeks = np.array([_employed_weeks(i) for i in range(EVERYBODY)])[rows["i"].to_numpy()]
    begins, ends = monday(START, weeks[:, 0]), monday(START, weeks[:, 1] + 1)
    return rows[(rows[first].to_numpy() >= begins) & (rows[last].to_numpy() < ends)]


def _readings(ssi: pd.DataFrame) -> pd.DataFrame:
    week = (ssi["date"].to_numpy() - _day(1)).astype("timedelta64[D]").astype(int) // 7 + 1
    guest_away = (ssi["i"] == GUEST) & ~pd.Series(week, ssi.index).between(*GUEST_WEEKS)
    return _employed(ssi[~ssi["i"].isin([KEY_ACCOUNTS, ROBOT]) & ~guest_away])


def _weekly_counts(activity: pd.DataFrame) -> pd.DataFrame:
    """A weekly tally per person and metric, entered on Friday; zeros are written in the first week only."""
    kept = _employed(activity[~activity["i"].isin([KEY_ACCOUNTS, GUEST, ROBOT])])
    friday = kept["date"] - pd.to_timedelta(kept["date"].dt.day_of_week - (WORKDAYS - 1), unit="D")
    weekly = kept.assign(date=friday).groupby(["i", "date", "metric"], sort=True)["count"].sum().reset_index()
    first = weekly["date"] == weekly.groupby("i")["date"].transform("min")
    return weekly[first | (weekly["count"] > 0)]


def _events(crm: pd.DataFrame) -> pd.DataFrame:
    """Events of all who are in the CRM; a deal that closes after its seller left stays his."""
    from_the_form = (crm["kind"] == "inquiry") & (crm["source"] == "Website")
    return crm[~crm["i"].isin([MARKETER, GUEST]) & ((crm["i"] != ROBOT) | from_the_form)]


def _quotas(quotas: pd.DataFrame) -> pd.DataFrame:
    return _employed(quotas[quotas["i"] < SELLERS], "period_start", "period_end")


def _people(
    world: World, people: pd.DataFrame, full: np.ndarray, on_linkedin: np.ndarray, login: np.ndarray, names: list[Name]
) -> pd.DataFrame:
    """people.csv with one more column, `left_on`."""
    listed = people[~people["i"].isin([GUEST, ROBOT])].set_index("i", drop=False)
    listed = listed.assign(
        email=[names[i].email for i in listed["i"]],
        linkedin_url=[names[i].linkedin_url for i in listed["i"]],
        linkedin_name=pd.Series(on_linkedin),
        crm_owner=pd.Series(login),
        team=pd.Series(_teams(world)),
        left_on=pd.Series({i: pd.Timestamp(_day(week, 4)) for i, week in LEAVERS.items()}),
    )
    for i, week in JOINERS.items():
        listed.loc[i, "hired_on"] = pd.Timestamp(_day(week))
    in_time = (listed["licence_start"] > listed["hired_on"]) & ~(listed["licence_start"] > listed["left_on"])
    listed["licence_start"] = listed["licence_start"].where(in_time & (listed["i"] < SELLERS))
    listed.loc[[MARKETER, KEY_ACCOUNTS], ["team", "territory"]] = ""
    listed.loc[MARKETER, ["crm_owner", "aliases"]] = ["", login[MARKETER]]
    listed.loc[KEY_ACCOUNTS, ["linkedin_name", "linkedin_url"]] = ""
    return _named(listed, full, (*schema.PEOPLE_COLUMNS, "left_on"))


def _teams(world: World) -> np.ndarray:
    labels = np.repeat(list(TEAM_SIZES), list(TEAM_SIZES.values()))
    return world.stream("sample teams").permutation(labels)


def _with_mess(readings: pd.DataFrame, rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, int]]:
    """Readings with what goes wrong when people write down a score every week, and how often it does."""
    of_sellers = np.flatnonzero(readings["i"] < SELLERS)
    of_one = np.flatnonzero(readings["i"] == rng.integers(SELLERS))
    begin = rng.integers(len(of_one) - LONG_GAP)
    gap = of_one[begin : begin + LONG_GAP]
    picked = rng.choice(np.setdiff1d(of_sellers, gap), TWICE + CORRECTED + FAILED + FORGOTTEN, replace=False)
    twice, corrected, failed, forgotten = np.split(picked, np.cumsum([TWICE, CORRECTED, FAILED]))
    scores, ranks = [*schema.PILLARS, "total"], ["industry_rank", "network_rank"]
    readings = readings.assign(order=np.arange(len(readings)) * 2)

    # A reading in the morning, and the one that counts, later on that day.
    morning = readings.iloc[corrected].assign(order=lambda frame: frame["order"] - 1)
    morning["people"] = (morning["people"] - 1).clip(lower=0)
    morning["total"] = morning["total"] - 1
    again = readings.iloc[twice].assign(order=lambda frame: frame["order"] + 1)
    zero = readings.iloc[failed].copy()
    zero[scores], zero[ranks] = 0.0, np.nan
    left_out = readings.index[np.concatenate([failed, forgotten, gap])]
    messy = pd.concat([readings.drop(left_out), morning, again, zero]).sort_values("order", ignore_index=True)
    counts = {
        "readings_twice": TWICE,
        "readings_corrected_the_same_day": CORRECTED,
        "failed_readings": FAILED,
        "weeks_without_a_reading": FORGOTTEN + LONG_GAP,
    }
    return messy, counts


def _with_repeats(rows: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Rows of which n come twice, one after the other."""
    times = np.ones(len(rows), dtype=int)
    times[rng.choice(len(rows), n, replace=False)] = 2
    return rows.iloc[np.repeat(np.arange(len(rows)), times)]
