"""What the tests of claims have in common: rows, fits and activity windows, each made once.

A claim says which outcome it is about; this module says whether the files
hold it, and names the file or column where they do not.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ssi_audit import models, schema, verdict
from ssi_audit.claim_rules import NotTestable, interval_of
from ssi_audit.design import Columns, Design, columns
from ssi_audit.design import design as build_design
from ssi_audit.errors import NotEnoughData
from ssi_audit.links import MIN_QUARTER_SHARE
from ssi_audit.results import Audit, Fit, Indicator
from ssi_audit.settings import Settings
from ssi_audit.stats.clusters import Interval
from ssi_audit.stats.fixed_effects import fe_poisson
from ssi_audit.stats.skill import HeldOutR2, within_r2_lopo
from ssi_audit.stats.working import ModelFit
from ssi_audit.windows import events_of, first_day_of, sum_between

WEEKS_PER_MONTH = 365.25 / 12 / 7
# What would put an outcome into the panel; `facts["missing"]` says what was found.
NEEDED_FOR = {
    "inquiries": "CRM events of kind inquiry",
    "meetings": "CRM events of kind meeting",
    "opportunities": "CRM events of kind opportunity",
    "deals": "CRM events of kind deal_won",
    "revenue": "amounts of won deals in one currency",
    "revenue_per_deal": "amounts of won deals in one currency",
    "meeting_rate": "meetings that name their inquiry (columns deal or started of crm_events)",
    "win_rate": "won deals that name their meeting or opportunity (columns deal or started of crm_events)",
    "quota_hit": "quotas.csv (person, period_start, period_end, quota)",
}
NEEDS_ACTIVITY = "no LinkedIn activity in the files: add a usage report or LinkedIn archives"

Outcome = Literal[schema.OUTCOMES]
Amount = Literal[(*schema.COUNT_OUTCOMES, *schema.AMOUNT_OUTCOMES)]
Stage = Literal[(*schema.OUTCOMES, "revenue_per_deal")]
Exposure = Literal[schema.EXPOSURES]
WORDS = {
    "meeting_rate": "conversion to meetings", "win_rate": "conversion to deals", "quota_hit": "reached quotas",
    "deals": "won deals", "revenue_per_deal": "revenue per deal",
}  # fmt: skip


def words(outcome: str) -> str:
    """An outcome as a reason names it."""
    return WORDS.get(outcome, outcome)


class Case:
    """One panel with its tables and settings; fits are kept, so that no claim fits what another one has fitted.

    Parameters
    ----------
    panel : pandas.DataFrame
        As `build_panel` returns it.
    tables : Tables
    settings : Settings
    audit : Audit, optional
        Its fits are used instead of fitting again.
    """

    def __init__(self, panel: pd.DataFrame, tables: schema.Tables, settings: Settings, audit: Audit | None = None):
        self.panel = panel
        self.columns = columns(panel)
        self.tables = tables
        self.settings = settings
        self.facts: dict[str, Any] = panel.attrs["facts"]
        self._watch = audit.watch if audit else ()
        self._fits: dict[tuple[str, str, bool], Fit] = {}
        for cell in audit.cells if audit else ():
            self._fits[cell.exposure, cell.outcome, False] = cell.crude
            self._fits[cell.exposure, cell.outcome, True] = cell.adjusted

    def __len__(self) -> int:
        return len(self.panel)

    # ---- what the files hold ----

    def missing(self, outcome: str) -> str:
        """Why an outcome is not in the panel, and what would put it there; empty when it is there."""
        facts = self.facts["missing"]
        why = facts.get("revenue" if outcome == "revenue_per_deal" else outcome, "")
        return f"{why} (needed: {NEEDED_FOR[outcome]})" if why else ""

    def first_of(self, outcomes: Sequence[str]) -> str:
        """Return the first outcome that the files hold.

        Raises
        ------
        NotTestable
            If they hold none; says why the first one is missing.
        """
        for outcome in outcomes:
            if not self.missing(outcome):
                return outcome
        raise NotTestable(self.missing(outcomes[0]))

    def require_activity(self) -> None:
        """Raise NotTestable without any logged activity."""
        if not self.facts["activity_types"]:
            raise NotTestable(NEEDS_ACTIVITY)

    def require_scores(self, exposures: Sequence[str]) -> None:
        """Raise NotTestable when a score that a claim is about was never read."""
        unread = [name for name in exposures if not np.isfinite(self.columns[schema.PANEL_EXPOSURE[name]]).any()]
        if unread:
            raise NotTestable(f"no reading of {', '.join(unread)} in the SSI files (column{'s'[: len(unread) > 1]} "
                              f"{', '.join(unread)})")  # fmt: skip

    def smallest(self, outcome: str) -> float:
        """Log of the smallest effect of interest per exposure unit."""
        return math.log(self.settings.sesoi["revenue" if outcome == "revenue_per_deal" else outcome])

    @functools.cached_property
    def watch(self) -> tuple[Indicator, ...]:
        """Indicators ranked by held-out skill, from the audit where it has them."""
        if self._watch:
            return self._watch
        from ssi_audit.watch import rank_indicators

        return rank_indicators(self.panel, self.tables, self.settings)

    # ---- fits within persons ----

    def design(self, exposure: str, outcome: str, adjusted: bool, **more: ArrayLike) -> Design:
        """`design.design`, with revenue per deal as one more outcome."""
        if outcome == "revenue_per_deal":
            return build_design(self._per_deal, exposure, "win_rate", adjusted, **more)
        return build_design(self.columns, exposure, outcome, adjusted, **more)

    @functools.cached_property
    def _per_deal(self) -> Columns:
        """The panel with revenue over deals in the place of a rate: revenue, with the log of deals as offset."""
        return columns(self.panel.assign(win_rate_num=self.panel["revenue"], win_rate_den=self.panel["deals"]))

    def effect(self, exposure: str, outcome: str, adjusted: bool) -> Interval:
        """Log ratio per exposure unit within persons: C, or D when `adjusted` (methods.md section 2).

        Raises
        ------
        NotTestable, NotEnoughData
        """
        self.require_scores([exposure])
        self.first_of([outcome])
        if adjusted:
            self.require_activity()
        key = (exposure, outcome, adjusted)
        if key not in self._fits:
            sesoi = math.exp(self.smallest(outcome))
            self._fits[key] = models.fit_design(self.design(exposure, outcome, adjusted), sesoi)
        fit = self._fits[key]
        if not fit.known:
            raise NotEnoughData(fit.why)
        return interval_of(fit)

    def try_effect(self, exposure: str, outcome: str, adjusted: bool) -> Interval | None:
        """`effect`, or None where these data cannot give it."""
        try:
            return self.effect(exposure, outcome, adjusted)
        except (NotTestable, NotEnoughData):
            return None

    def doubt(self, exposure: str, outcome: str) -> str:
        """Why a positive effect at equal activity refutes nothing, by `verdict.doubt`."""
        per_deal = outcome == "revenue_per_deal"
        given, name = (self._per_deal, "win_rate") if per_deal else (self.columns, outcome)
        lead, control = models.lead_placebo(given, exposure, name), models.negative_control(self.columns, exposure)
        return verdict.doubt(lead, control, self._fits[exposure, outcome, True])

    def model(self, design: Design) -> ModelFit:
        """Poisson with person effects; its clusters are the panel's codes of persons, so that models can be paired."""
        # Where the score was redefined, there is one effect per person and regime; the person is still one cluster.
        several = self.panel["regime"].nunique() > 1
        return fe_poisson(
            design.y, design.X, design.group, design.offset, design.calendar,
            clusters=design.person if several else None,
        )  # fmt: skip

    # ---- the score ----

    @functools.cached_property
    def in_settled(self) -> np.ndarray:
        """Rows of the longest stretch without a score break: levels before and after a break do not compare."""
        regime = self.panel["regime"].to_numpy()
        return regime == np.bincount(regime).argmax()

    @functools.cached_property
    def settled(self) -> pd.DataFrame:
        """The panel of that stretch."""
        return self.panel[self.in_settled]

    def score_before(self, periods: int) -> np.ndarray:
        """Score read this many periods before each row (1: the row's own exposure), NaN across a score break."""
        given = self.columns
        grid = np.full((given.person.max() + 1, given.period.max() + 1), np.nan)
        grid[given.person, given.period] = np.where(self.in_settled, given["ssi"], np.nan)
        back = given.period - (periods - 1)
        return np.where((back >= 0) & self.in_settled, grid[given.person, np.maximum(back, 0)], np.nan)

    @functools.cached_property
    def activity_r2(self) -> HeldOutR2:
        """How much of the score's movement within persons logged activity predicts for a person left out (K1)."""
        self.require_activity()
        given, score = self.columns, self.columns["ssi"]
        used = np.isfinite(score) & np.isfinite(given.log_activity).all(axis=1)
        if not used.any():
            raise NotEnoughData("nobody has a score and 90 days of logged activity before it")
        calendar = given.calendar_unit(used, score)
        return within_r2_lopo(
            score[used], given.log_activity[used], given.group[used], calendar, clusters=given.person[used]
        )

    @property
    def log_is_complete(self) -> bool:
        """Does the activity log explain enough of the score, with something for every pillar (methods.md section 8)?"""
        covered = {schema.PILLAR_OF_ACTIVITY[kind] for kind in self.facts["activity_types"]}
        return covered == set(schema.PILLARS) and self.activity_r2.r2 >= verdict.MIN_R2_ACTIVITY

    # ---- rows per person and quarter ----

    def quarters(self, outcome: str, per_activity: Sequence[str] = ()) -> pd.DataFrame:
        """One row per person and quarter, with the reading that came before it.

        Parameters
        ----------
        outcome : str
            Count, amount, rate or yes/no outcome of the panel.
        per_activity : sequence of str
            Types of activity whose count takes the place of time on duty.

        Returns
        -------
        pandas.DataFrame
            Columns ``person``, ``quarter``, ``score`` (points, read before the person's first period of the
            quarter), ``y``, ``weight`` (working time in periods, tries or actions; above 0).
        """
        y, weight, _ = self.columns.outcome(outcome)
        if per_activity:
            weight = np.sum([self.columns[f"act_{kind}"] for kind in per_activity], axis=0)
        known = np.isfinite(y) & np.isfinite(weight)
        table = pd.DataFrame(
            {
                "person": self.columns.person,
                "quarter": self.columns.quarter,
                "score": self.columns["ssi"],
                "y": np.where(known, y, np.nan),
                "weight": np.where(known, weight, np.nan),
            }
        )
        if outcome in schema.BINARY_OUTCOMES:  # a quota period stands in its first row
            return table.dropna().reset_index(drop=True)
        key = ["person", "quarter"]
        # A row's score is the last one before the row, so the first row's was read before any result of the quarter.
        score = table.drop_duplicates(key).set_index(key)["score"]
        grouped = table.groupby(key, sort=True)
        quarters = grouped.agg(y=("y", "sum"), weight=("weight", "sum"), n=("y", "count")).join(score).reset_index()
        enough = (quarters["n"] >= MIN_QUARTER_SHARE * self.columns.per_quarter) & (quarters["weight"] > 0)
        return quarters[enough & quarters["score"].notna()].drop(columns="n").reset_index(drop=True)

    # ---- activity by metric ----

    def window_counts(self, metrics: Sequence[str]) -> np.ndarray:
        """Actions of these metrics over the 90 days that each row's score sums up, shape (rows of the panel,).

        NaN where the window begins before the person's first logged day of any of them, or ends after the last
        logged period of all persons.
        """
        log = self.tables.activity
        events = events_of(log[log["metric"].isin(list(metrics))], "count")
        events["day"] = self._period_of(pd.to_datetime(events["day"], unit="D"))
        p = self.panel["p"].to_numpy()
        counted = sum_between(events, self.panel["person"], p - self.facts["window"], p)
        covered = (first_day_of(events, self.panel["person"]) <= p - self.facts["window"]) & (
            p <= events["day"].max() + 1
        )
        return np.where(covered, counted, np.nan)

    def _period_of(self, dates: pd.Series) -> pd.Series:
        """Number of the panel's period in which a date lies; before and after the panel too."""
        origin, p = self.panel["period"].iloc[0], int(self.panel["p"].iloc[0])
        if self.facts["period"] == "week":
            return p + (dates - origin).dt.days // 7
        return p + (dates.dt.year - origin.year) * 12 + dates.dt.month - origin.month

    @functools.cached_property
    def licence_start(self) -> pd.Series:
        """Period in which each person's licence starts, NaN without one; index: person."""
        people = self.tables.people.drop_duplicates("person").set_index("person")
        dates = pd.to_datetime(people["licence_start"]).dropna()
        return self._period_of(dates).astype("float64").reindex(people.index)
