"""One team on its own: which teams may be shown, and what the data of one say.

A team page must not tell about a person. So small groups are never shown, and
they are put together until whoever subtracts all pages from the whole is left
with a group that could be shown as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from ssi_audit import schema
from ssi_audit.design import columns
from ssi_audit.errors import Problem, SettingsError
from ssi_audit.links import correlate, quarter_link
from ssi_audit.models import regress
from ssi_audit.results import Correlation, Fit
from ssi_audit.settings import Settings


@dataclass(frozen=True)
class TeamPlan:
    """Who gets a page, who is only listed, and who is neither.

    Attributes
    ----------
    pages : dict of str to str
        Code (``T01``) → name of the team, for teams of at least ``min_score`` sellers.
    listed : dict of str to int
        Name → sellers, for teams of at least ``min_group`` that are too small for a page.
    others : int
        Sellers of all other teams, and without a team.
    """

    pages: dict[str, str]
    listed: dict[str, int]
    others: int


def team_sizes(panel: pd.DataFrame) -> dict[str, int]:
    """Sellers with a score by team: what every page counts as teams. A blank name is no team.

    Parameters
    ----------
    panel : pandas.DataFrame
        As `build_panel` returns it.
    """
    scored = panel[panel["ssi"].notna() & panel["team"].notna()]
    sizes = scored.groupby(scored["team"].astype(str))["person"].nunique()
    return {team: int(n) for team, n in sizes.items() if team.strip()}


def plan_teams(sizes: Mapping[str, int], n_people: int, settings: Settings | None = None) -> TeamPlan:
    """Decide which teams are shown.

    Parameters
    ----------
    sizes : dict of str to int
        Team → sellers with a score; a seller without a team (empty name) is nobody's.
    n_people : int
        Sellers in all.
    settings : Settings, optional
        Its `teams`, `min_group` and `min_score`.
    """
    settings = settings or Settings()
    named = {team: n for team, n in sorted(sizes.items()) if team.strip()}
    wanted = {team: n for team, n in named.items() if not settings.teams or team in settings.teams}
    shown = {team: n for team, n in wanted.items() if n >= max(settings.min_score, settings.min_group)}
    listed = {team: n for team, n in wanted.items() if team not in shown and n >= settings.min_group}
    others = n_people - sum(shown.values()) - sum(listed.values())
    while 0 < others < settings.min_group and (listed or shown):
        # Subtracting all that is shown from the whole would leave this small group: the next one joins it.
        pool = listed or shown
        others += pool.pop(min(pool, key=lambda team: (pool[team], team)))
    codes = {team: f"T{number:02d}" for number, team in enumerate(named, start=1)}
    return TeamPlan({codes[team]: team for team in shown}, listed, others)


@dataclass(frozen=True)
class TeamResults:
    """What the data of one team show.

    Attributes
    ----------
    n_people : int
    links : dict of str to Correlation
        ``activity`` and each outcome → link with the score within sellers, by quarter.
    crude, adjusted : dict of str to Fit
        Outcome → estimands C and D. There is no verdict and no p-value adjusted for a family: a team is a
        part of the answer, not a test of its own.
    """

    n_people: int
    links: dict[str, Correlation]
    crude: dict[str, Fit]
    adjusted: dict[str, Fit]


def team_results(panel: pd.DataFrame, team: str, settings: Settings | None = None) -> TeamResults:
    """Estimate links and ratios of the total score on one team alone.

    Parameters
    ----------
    panel : pandas.DataFrame
        As `build_panel` returns it, of the whole organisation.
    team : str
        Its name.
    settings : Settings, optional

    Raises
    ------
    SettingsError
        If fewer sellers than ``min_score`` of this team have a score.
    """
    settings = settings or Settings()
    own = panel[panel["team"] == team]
    n_people = int(own.loc[own["ssi"].notna(), "person"].nunique())
    if n_people < max(settings.min_score, settings.min_group):
        raise SettingsError(
            Problem("", f"the team has {n_people} sellers with a score", f"a page needs {settings.min_score}")
        )
    given = columns(own)  # made once for all of them
    links = {"activity": quarter_link(given, "total", "activity", seed=settings.seed)}
    links |= {outcome: correlate(given, "total", outcome, seed=settings.seed) for outcome in schema.OUTCOMES}
    crude, adjusted = (
        {
            outcome: regress(given, "total", outcome, kind, sesoi=settings.sesoi[outcome], seed=None)
            for outcome in schema.OUTCOMES
        }
        for kind in (False, True)
    )
    return TeamResults(n_people, links, crude, adjusted)
