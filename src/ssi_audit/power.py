"""What could this team see, and by when? Asked before a quarter starts, not after.

From typical rates of events (methods.md sections 6 and 9), or from the user's
own panel: its events, how much scores move within sellers, and the precision
it has reached so far.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import pandas as pd

from ssi_audit import schema, verdict
from ssi_audit.design import WEEKS_PER_QUARTER, columns, design
from ssi_audit.errors import NotEnoughData, Problem, SettingsError
from ssi_audit.settings import Settings
from ssi_audit.stats.power import (
    MIN_PEOPLE,
    MIN_WEEKS,
    PanelFacts,
    TeamPower,
    calibrate,
    panel_facts,
    rate_facts,
    team_power,
    volume_facts,
)

# Events per seller-week of a typical team (methods.md section 9): about 4 inquiries, half of them met, 15 % won.
INQUIRIES, MEETING_RATE, WIN_RATE = 4.2, 0.5, 0.15
MEETINGS = INQUIRIES * MEETING_RATE
# Weeks per calendar month, for panels that count months.
WEEKS_PER_MONTH = 52 / 12
ESTIMANDS = ("crude", "adjusted")
TYPICAL, OWN = "typical", "own data"
TOO_FEW = f"below {verdict.MIN_PEOPLE} sellers there is no verdict, however long they are watched"


@dataclass(frozen=True)
class PowerRow:
    """One outcome and estimand.

    Attributes
    ----------
    outcome : str
    estimand : {"crude", "adjusted"}
        The plain link (C); beyond logged activity (D).
    source : {"typical", "own data"}
        Where the planning values come from.
    mdrr : float
        Smallest ratio per +10 points that the team would find with 80 % power; infinite where nothing can be seen.
    sesoi : float
        Smallest ratio of interest.
    weeks_to_detect, weeks_to_rule_out : float
        Weeks in all until `sesoi` would be found, and until "nothing as large" could be shown, both not before there
        may be a verdict at all (`verdict.MIN_SELLER_YEARS`); infinite beyond ten years, and for a team too small.
    events : float
        Expected number of events behind it.
    why : str
        Why nothing can be seen, or why own data could not be used, where they were given; empty otherwise.
    """

    outcome: str
    estimand: str
    source: str
    mdrr: float
    sesoi: float
    weeks_to_detect: float
    weeks_to_rule_out: float
    events: float
    why: str = ""


@dataclass(frozen=True)
class PowerTable:
    """Power of a team of `people` over `weeks`."""

    people: int
    weeks: int
    rows: tuple[PowerRow, ...]

    def row(self, outcome: str, estimand: str) -> PowerRow:
        """The row of one outcome and estimand.

        Raises
        ------
        KeyError
            If there is none.
        """
        for row in self.rows:
            if (row.outcome, row.estimand) == (outcome, estimand):
                return row
        raise KeyError(f"no row for {outcome} and {estimand}")

    def frame(self) -> pd.DataFrame:
        """The rows as a table."""
        return pd.DataFrame([dataclasses.asdict(row) for row in self.rows])


def power_table(
    people: int, weeks: int, data: pd.DataFrame | None = None, settings: Settings | None = None
) -> PowerTable:
    """What a team of so many sellers would see after so many weeks, and when it would see enough.

    Parameters
    ----------
    people, weeks : int
        Size of the team; weeks with a score and with results.
    data : pandas.DataFrame, optional
        A panel as `build_panel` returns it: rates and precision are measured there instead of assumed.
    settings : Settings, optional
        For the smallest effects of interest and the horizons.

    Raises
    ------
    SettingsError
        With fewer than 3 people or 2 weeks.
    """
    _check_size(people, weeks)
    settings = settings or Settings()
    rows = []
    for outcome in schema.PRIMARY_OUTCOMES:
        for estimand in ESTIMANDS:
            facts, why = _facts(data, outcome, estimand)
            # The last cases of a rate are still open at the end: they say nothing yet.
            open_weeks = settings.horizon_weeks.get(outcome, 0)
            seen = team_power(people, max(weeks - open_weeks, MIN_WEEKS), facts, ratio=settings.sesoi[outcome])
            source = OWN if data is not None and not why else TYPICAL
            row = _row(outcome, estimand, source, seen, facts, open_weeks, why)
            if people < verdict.MIN_PEOPLE:
                row = _unseen(row, TOO_FEW)
            elif weeks - open_weeks < MIN_WEEKS:
                row = _undecided(row, weeks, open_weeks)
            rows.append(row)
    return PowerTable(people, weeks, tuple(rows))


def _check_size(people: int, weeks: int) -> None:
    """Refuse a team or a time for which there is nothing to plan."""
    least = {"--people": (people, MIN_PEOPLE), "--weeks": (weeks, MIN_WEEKS)}
    wrong = [f"{option} {given}: expected at least {low}" for option, (given, low) in least.items() if given < low]
    if wrong:
        raise SettingsError([Problem("", text) for text in wrong])


def _row(
    outcome: str, estimand: str, source: str, seen: TeamPower, facts: PanelFacts, open_weeks: int, why: str
) -> PowerRow:
    detect, rule_out = (
        max(weeks + open_weeks, _weeks_to_verdict(seen.people))
        for weeks in (seen.weeks_to_detect, seen.weeks_to_rule_out)
    )
    events = facts.events_per_week * seen.people * seen.weeks
    return PowerRow(outcome, estimand, source, seen.mdrr, seen.ratio, detect, rule_out, events, why)


def _weeks_to_verdict(people: int) -> int:
    """Weeks after which these people have been seen long enough for any verdict."""
    return math.ceil(verdict.MIN_SELLER_YEARS * verdict.PERIODS_PER_YEAR["week"] / people)


def _unseen(row: PowerRow, why: str) -> PowerRow:
    """A row of a team too small for a verdict: no effect is large enough, and no wait is long enough."""
    never = dict.fromkeys(("mdrr", "weeks_to_detect", "weeks_to_rule_out"), math.inf)
    return dataclasses.replace(row, **never, why=why)


def _undecided(row: PowerRow, weeks: int, open_weeks: int) -> PowerRow:
    """A row whose cases are all (but for a week of them) still open: nothing is seen yet; the wait stays."""
    name = row.outcome.replace("_", " ")
    why = f"{name}: a case is followed for {open_weeks} weeks, so after {weeks} weeks nothing can be seen yet"
    return dataclasses.replace(row, mdrr=math.inf, events=0.0, why=why)


def _facts(data: pd.DataFrame | None, outcome: str, estimand: str) -> tuple[PanelFacts, str]:
    """Planning values, and why they are the typical ones although data were given."""
    if data is None:
        return _typical(outcome, estimand), ""
    try:
        return _measured(data, outcome, estimand), ""
    except NotEnoughData as error:
        return _typical(outcome, estimand), str(error)


def _typical(outcome: str, estimand: str) -> PanelFacts:
    adjusted = estimand == "adjusted"
    if outcome in schema.VOLUME_OUTCOMES:
        return volume_facts(INQUIRIES if outcome == "inquiries" else MEETINGS, adjusted=adjusted)
    cases, rate = (INQUIRIES, MEETING_RATE) if outcome == "meeting_rate" else (MEETINGS, WIN_RATE)
    # Of so many cases with this chance each, the successes vary less than counts without a limit.
    return dataclasses.replace(rate_facts(cases * rate, adjusted=adjusted), dispersion=1 - rate)


def _measured(panel: pd.DataFrame, outcome: str, estimand: str) -> PanelFacts:
    """Planning values of these sellers; events and memory per week, also where the panel counts months."""
    from ssi_audit.links import cannot
    from ssi_audit.stats.clusters import interval
    from ssi_audit.stats.fixed_effects import fe_poisson

    given = columns(panel)
    why = cannot(given, outcome, estimand == "adjusted")
    if why:
        raise NotEnoughData(why)
    model = design(given, "total", outcome, estimand == "adjusted")
    # As in `models`: a redefined score has a level of its own, and its jump is no movement to learn from.
    fit = fe_poisson(model.y, model.X, model.group, model.offset, model.calendar, clusters=model.clusters)
    facts = panel_facts(fit, given["ssi"][model.rows], model.group, given.period[model.rows])
    per_period = 1.0 if given.facts["period"] == "week" else WEEKS_PER_MONTH
    # Weeks from the first to the last one used: a week without a case to win is a week of the team all the same.
    used = given.period[model.rows]
    weeks = round((used.max() - used.min() + 1) * per_period)
    weekly = dataclasses.replace(
        facts,
        events_per_week=float(fit.y.sum()) / (fit.n_clusters * weeks),
        memory=facts.memory ** (1 / per_period),
    )
    return calibrate(weekly, interval(fit, 0).se, fit.n_clusters, weeks)


def text_rows(table: PowerTable) -> list[tuple[str, ...]]:
    """The table for a terminal: a header line, then one line per outcome and estimand, all as text."""
    lines = [("outcome", "link", "would see", "matters from", "seen after", "ruled out after", "from")]
    few = table.people < verdict.MIN_PEOPLE
    for row in table.rows:
        lines.append(
            (
                row.outcome.replace("_", " "),
                "plain" if row.estimand == "crude" else "at equal activity",
                f"{100 * (row.mdrr - 1):+.0f}%" if row.mdrr < 10 else "nothing",
                f"{100 * (row.sesoi - 1):+.0f}%",
                *("never" if few else _duration(wait) for wait in (row.weeks_to_detect, row.weeks_to_rule_out)),
                row.source,
            )
        )
    return lines


def notes(table: PowerTable) -> list[str]:
    """Sentences below the table: why rows of it say that nothing can be seen, and that a verdict has to wait."""
    whys = dict.fromkeys(row.why for row in table.rows if row.why and not math.isfinite(row.mdrr))
    first = _weeks_to_verdict(table.people)
    if table.people >= verdict.MIN_PEOPLE and table.weeks < first:
        whys[f"below {verdict.MIN_SELLER_YEARS:.0f} seller-years there is no verdict, whatever is seen: {table.people} "
             f"sellers reach them after {first} weeks"] = None  # fmt: skip
    return [f"{why[:1].upper()}{why[1:]}." for why in whys]


def _duration(weeks: float) -> str:
    if not math.isfinite(weeks):
        return "over 10 years"
    years = weeks / (4 * WEEKS_PER_QUARTER)
    return f"{weeks:.0f} weeks" if years <= 2 else f"{years:.1f} years"
