"""What to watch instead: which number foretells a quarter's deals for sellers it has not seen.

Every candidate is measured over the same 90 days that end where the quarter
begins, on the same rows, and judged by the same held-out skill (methods.md
section 7, claim K9). A number that contains the deals themselves is left out:
it would win by definition. The score is always in the list, for comparison.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ssi_audit import schema
from ssi_audit.design import columns
from ssi_audit.errors import NotEnoughData
from ssi_audit.panel import LATE_KIND_DAYS, day_number, source_class
from ssi_audit.results import Indicator
from ssi_audit.settings import Settings
from ssi_audit.windows import events_of, first_day_of, sum_between

# Windows overlap for twelve of thirteen weeks from one week to the next: every fourth week loses next to nothing.
STEP_WEEKS = 4
QUARTER_DAYS = 91
QUARTER_MONTHS = 3
# Fewer sellers with a deal: no ranking (methods.md section 4).
MIN_PEOPLE = 8
# A candidate that is missing in more of the rows is left out, so that it does not take the others' rows with it.
MIN_KNOWN = 0.8
# A rate of no cases is unknown, one of two cases is luck: so many cases at the team's own rate are added to each.
PRIOR_CASES = 5.0
# A log of activity may end some days before the window does: over a weekend, or with the day of the export.
LOG_SLACK_DAYS = 7

COUNTED_KINDS = {"inquiries": "inquiry", "meetings": "meeting", "opportunities": "opportunity"}
COUNTED_METRICS = {
    "connections": ("connections_added",),
    "engagement": ("post_engagements",),
    "searches": ("searches",),
    "activity": tuple(metric for metrics in schema.ACTIVITY_TYPES.values() for metric in metrics),
}
ANSWERED, ASKED = ("messages_received",), ("messages_sent", "inmails_sent")
# Won deals of the past, in any guise, are the outcome itself.
CONTAIN_OUTCOME = ("win_rate", "past_deals")
NO_COLUMN, TOO_FEW, CONTAINS = "no_column", "too_few", "contains_outcome"


@dataclass(frozen=True, eq=False)
class WatchSample:
    """The common rows on which all candidates are compared.

    Attributes
    ----------
    rows : pandas.DataFrame
        ``person``, ``period``, ``calendar``, ``deals`` (won in the quarter that begins with the period), ``on_duty``
        (periods worked in it), and one column per candidate.
    candidates : tuple of str
        Columns of `rows` to compare.
    left_out : dict of str to str
        Candidate → why it could not be compared.
    """

    rows: pd.DataFrame
    candidates: tuple[str, ...]
    left_out: dict[str, str]


def rank_indicators(
    panel: pd.DataFrame, tables: schema.Tables, settings: Settings | None = None
) -> tuple[Indicator, ...]:
    """Rank what a team could watch by its held-out skill for deals a quarter ahead.

    Parameters
    ----------
    panel : pandas.DataFrame
        As `build_panel` returns it.
    tables : Tables
        The same run's tables: reach, messages and meeting days are not in the panel.
    settings : Settings, optional

    Returns
    -------
    tuple of Indicator
        Best first, then those left out; empty when the deals themselves are too few or unknown. `skill` is the share
        of the calendar's deviance on unseen sellers that the indicator takes away, with the range of `skill_of`.
    """
    settings = settings or Settings()
    try:
        sample = watch_sample(panel, tables, settings)
        ranked = [Indicator(name, *found) for name, found in _skills(sample, settings.seed).items()]
    except NotEnoughData:
        return ()
    ranked.sort(key=lambda item: (-item.skill, item.name))
    rest = [Indicator(name, math.nan, math.nan, math.nan, 0, why) for name, why in sample.left_out.items()]
    return (*ranked, *rest)


def _skills(sample: WatchSample, seed: int) -> dict[str, tuple[float, float, float, int]]:
    """Skill, interval and number of sellers of each candidate over the calendar alone."""
    from ssi_audit.stats.rows import prepare
    from ssi_audit.stats.skill import deviance_by_person, skill_of

    rows = sample.rows
    data = prepare(
        rows["deals"], rows[list(sample.candidates)], rows["person"].to_numpy(), np.log(rows["on_duty"]),
        rows["calendar"].to_numpy(), events=True, absorb=True,
    )  # fmt: skip
    baseline = deviance_by_person(data, np.array([], int), seed)
    found = {}
    for place, name in enumerate(sample.candidates):
        skill = skill_of(deviance_by_person(data, np.array([place]), seed), baseline)
        found[name] = (skill.skill, skill.low, skill.high, skill.n_people)
    return found


def watch_sample(panel: pd.DataFrame, tables: schema.Tables, settings: Settings) -> WatchSample:
    """Measure every candidate over the window before each quarter, on one common sample.

    Raises
    ------
    NotEnoughData
        If deals are not in the files, or fewer than `MIN_PEOPLE` sellers won one in the rows that are left.
    """
    facts = panel.attrs["facts"]
    if "deals" in facts["missing"]:
        raise NotEnoughData(facts["missing"]["deals"])
    rows = _quarters_ahead(panel, tables, settings)
    _check_people(rows)
    tables = dataclasses.replace(tables, crm_events=_counted_events(tables.crm_events, facts, settings))
    columns = {name: measure(rows) for name, measure in _candidates(tables).items()}
    left_out = dict.fromkeys(CONTAIN_OUTCOME, CONTAINS)
    kept = {}
    for name, values in columns.items():
        known = np.isfinite(values).mean()
        if known >= MIN_KNOWN or name == "ssi":
            kept[name] = values
        else:
            left_out[name] = TOO_FEW if known > 0 else NO_COLUMN
    rows = rows.assign(**kept)
    rows = rows[np.isfinite(rows[list(kept)]).all(axis=1)]
    _check_people(rows)
    return WatchSample(rows, tuple(kept), left_out)


def _check_people(rows: pd.DataFrame) -> None:
    winners = rows.loc[rows["deals"] > 0, "person"].nunique()
    if winners < MIN_PEOPLE:
        raise NotEnoughData(f"only {winners} sellers have won a deal in a quarter that can be looked ahead to")


def _quarters_ahead(panel: pd.DataFrame, tables: schema.Tables, settings: Settings) -> pd.DataFrame:
    """Rows with a known score, a full window before and a full quarter after, and the deals of that quarter."""
    facts = panel.attrs["facts"]
    months = facts["period"] == "month"
    rows = panel[["person", "period", "p", "ssi"]].assign(calendar=columns(panel).quarter)
    rows = rows[rows["ssi"].notna()]
    if not months:
        rows = rows[(rows["p"] - panel["p"].min()) % STEP_WEEKS == 0]
    quarter = pd.DateOffset(months=QUARTER_MONTHS) if months else pd.Timedelta(days=QUARTER_DAYS)
    start, end = (day_number(day).astype("int64") for day in (rows["period"], rows["period"] + quarter))
    rows = rows.assign(start=start, end=end, **{"from": start - 7 * settings.window_weeks})
    length = pd.DateOffset(months=1) if months else pd.Timedelta(days=7)
    covered = pd.Series([facts["first"], pd.Timestamp(facts["last"]) + length])
    since, until = day_number(covered)
    rows = rows[(rows["from"] >= since) & (rows["end"] <= until)]
    n_periods = QUARTER_MONTHS if months else QUARTER_DAYS // 7
    duty = panel[["person", "p", "on_duty"]].rename(columns={"p": "day", "on_duty": "value"})
    rows["on_duty"] = sum_between(duty, rows["person"], rows["p"], rows["p"] + n_periods)
    won = tables.crm_events[tables.crm_events["kind"] == "deal_won"]
    rows["deals"] = sum_between(events_of(won), rows["person"], rows["start"], rows["end"])
    return rows[rows["on_duty"] > 0].reset_index(drop=True)


def _candidates(tables: schema.Tables) -> dict[str, Callable[[pd.DataFrame], np.ndarray]]:
    """Name → function that measures it on rows with ``person``, ``from`` and ``start``; NaN where unknown."""
    measures: dict[str, Callable[[pd.DataFrame], np.ndarray]] = {
        name: lambda rows, kind=kind: np.log1p(_kind_sum(rows, tables, kind)) for name, kind in COUNTED_KINDS.items()
    }
    measures["meeting_rate"] = lambda rows: _log_rate(
        _kind_sum(rows, tables, "meeting"), _kind_sum(rows, tables, "inquiry")
    )
    measures["speed"] = lambda rows: _speed(rows, tables)
    measures |= {
        name: lambda rows, metrics=metrics: np.log1p(_metric_sum(rows, tables, metrics))
        for name, metrics in COUNTED_METRICS.items()
    }
    measures["reply_rate"] = lambda rows: _log_rate(
        _metric_sum(rows, tables, ANSWERED), _metric_sum(rows, tables, ASKED)
    )
    measures["ssi"] = lambda rows: rows["ssi"].to_numpy("float64") / schema.EXPOSURE_UNIT["total"]
    return measures


def _counted_events(crm: pd.DataFrame, facts: dict[str, Any], settings: Settings) -> pd.DataFrame:
    """CRM events without those inquiries that the outcome does not count either."""
    if facts["inquiry_source"] != "linkedin":
        return crm
    classes = source_class(sorted(crm["source"].dropna().astype(str).unique()), settings.linkedin_sources)
    return crm[(crm["kind"] != "inquiry") | (crm["source"].map(classes) == "linkedin")]


def _kind_sum(rows: pd.DataFrame, tables: schema.Tables, kind: str) -> np.ndarray:
    """Events of a kind in the window; unknown where the kind was not exported yet."""
    crm = tables.crm_events
    events = events_of(crm[crm["kind"] == kind])
    if events.empty:
        return np.full(len(rows), np.nan)
    since = day_number(crm["date"]).min()
    if events["day"].min() - since > LATE_KIND_DAYS:
        since = events["day"].min()
    counted = sum_between(events, rows["person"], rows["from"], rows["start"])
    return np.where(rows["from"] >= since - LOG_SLACK_DAYS, counted, np.nan)


def _metric_sum(rows: pd.DataFrame, tables: schema.Tables, metrics: tuple[str, ...]) -> np.ndarray:
    """Sum of metrics in the window; unknown before a person's first logged day and after the log's last one."""
    events = events_of(tables.activity[tables.activity["metric"].isin(metrics)], "count")
    if not (events["value"] > 0).any():
        return np.full(len(rows), np.nan)
    since, until = first_day_of(events, rows["person"]), events["day"].max() + 1 + LOG_SLACK_DAYS
    counted = sum_between(events, rows["person"], rows["from"], rows["start"])
    return np.where((rows["from"] >= since) & (rows["start"] <= until), counted, np.nan)


def _log_rate(cases: np.ndarray, tries: np.ndarray) -> np.ndarray:
    """Log of cases per try, drawn towards the team's rate where there were few tries."""
    known = np.isfinite(cases) & np.isfinite(tries)
    whole = tries[known].sum()
    if not (whole > 0 and cases[known].sum() > 0):
        return np.full(len(cases), np.nan)
    usual = cases[known].sum() / whole
    return np.log((cases + PRIOR_CASES * usual) / (tries + PRIOR_CASES))


def _speed(rows: pd.DataFrame, tables: schema.Tables) -> np.ndarray:
    """Log of the mean days from an inquiry to its meeting, over the meetings held in the window."""
    crm = tables.crm_events
    met = crm[crm["kind"] == "meeting"]
    if met.empty:
        return np.full(len(rows), np.nan)
    asked = crm[(crm["kind"] == "inquiry") & crm["deal"].notna()].groupby("deal")["date"].min()
    began = met["started"].fillna(pd.Series(asked.reindex(met["deal"]).to_numpy(), index=met.index))
    # A meeting on the day of the inquiry took part of a day; without it the log of a quick team would not exist.
    days = (met["date"] - began).dt.days + 0.5
    timed = met.assign(days=days)[(days > 0).to_numpy()]
    waited = sum_between(events_of(timed, "days"), rows["person"], rows["from"], rows["start"])
    n = sum_between(events_of(timed), rows["person"], rows["from"], rows["start"])
    known = np.isfinite(_kind_sum(rows, tables, "meeting"))
    return np.where(known, _log_rate(waited, n), np.nan)
