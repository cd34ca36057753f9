"""Tables to panel: one row per person and period, exposure strictly before outcome.

`panel_sql` says what a row is; here the tables become what it reads (dates as
day numbers, amounts as cents), and what only the whole input can tell is
decided: the days covered, which stages are linked, the currency. Tables too
large for pandas take the same way in person buckets (`panel_files`). Rules
and names: methods.md section 1.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ssi_audit import schema
from ssi_audit.engines import DuckDB
from ssi_audit.errors import NotEnoughData
from ssi_audit.panel_rows import NEVER, named, panel_rows
from ssi_audit.panel_sql import LATE_KIND_DAYS, READINGS_SQL, Known, panel_sql
from ssi_audit.settings import Settings

if TYPE_CHECKING:
    from ssi_audit.engines import Engine

__all__ = [
    "LATE_KIND_DAYS", "both_sides", "build_panel", "day_number", "period_starts", "read_panel", "score_breaks",
    "source_class", "write_panel",
]  # fmt: skip

EPOCH = dt.date(1970, 1, 1)
# A link between two stages (inquiry to meeting, meeting to deal) counts as recorded when at least this share
# of the later events names the earlier one. Below it, open ends would be taken for failures.
MIN_LINKED = 0.5
# Inquiries are split by source only when most of them carry one.
MIN_SOURCE_KNOWN = 0.5
# Score break: methods.md section 1.
BREAK_POINTS = 4.0
BREAK_SHARE = 0.8
BREAK_MIN_PEOPLE = 5
# Amounts in other currencies without a rate: up to this share they are left out, above it revenue is unknown.
MAX_FOREIGN = 0.05
NO_QUOTA = "no quota for a whole period (quotas.csv)"


def build_panel(tables: schema.Tables, settings: Settings | None = None) -> pd.DataFrame:
    """Build the panel of methods.md section 1.

    Parameters
    ----------
    tables : Tables
        As `read_exports` returns them.
    settings : Settings, optional

    Returns
    -------
    pandas.DataFrame
        One row per person and period with somebody on duty, sorted by person and period. Columns: ``person``,
        ``period`` (first day), exposures in points (``ssi`` and the pillars, last reading before the period),
        ``lead_*`` (reading at the end of the lead), ``act_<type>`` (count in the period), ``A_<type>`` (count
        over the 90 days before), outcome counts, ``revenue`` (currency units), ``<rate>_num`` and ``<rate>_den``
        (cohorts by the day they started), ``quota_hit`` (0/1 in the row in which the quota period begins),
        ``on_duty`` (share of working days), ``tenure_weeks``, ``team``, ``territory``, ``licence``, ``regime``.
        ``attrs["facts"]`` is a dict of what was decided: ``period``, ``first`` and ``last`` (first days of the
        first and last period), ``window`` and ``lead`` (periods), ``activity_types`` (types with a logged
        action), ``inquiry_source`` (which inquiries count: linkedin or all), ``win_denominator`` (meetings,
        opportunities or empty), ``missing`` (outcome → why it is not here), ``breaks`` (periods in which the
        score was redefined), ``currency``, ``left_out`` (reason → number of persons without a row).

    Raises
    ------
    NotEnoughData
        If there is no reading or no CRM event at all, nobody with both, or no period with both or anybody at work.
    """
    settings = settings or Settings()
    engine = DuckDB()
    try:
        sides, currency = both_sides(tables), revenue_currency(_priced(tables.crm_events), settings)
        names = _register(engine, tables, settings, currency[0], sides["both"])
        plan = make_plan(engine, settings, currency, sides)
        plan.facts["missing"].update(unread_quotas(tables.quotas, currency[0], settings))
        rows = panel_rows(engine.arrow(panel_sql(plan.known)), engine.arrow(READINGS_SQL), plan, names)
    finally:
        engine.close()
    return _finished(named(rows, plan, names).to_pandas(), plan)


@dataclass(frozen=True)
class Plan:
    """What was decided about a panel before its first row.

    Attributes
    ----------
    known : Known
        What fills the gaps of the SQL.
    facts : dict
        As in ``attrs["facts"]`` of a panel.
    starts : dict of int to date
        First day of each period.
    lead_ends : ndarray of int
        Last day of the lead of each period; `NEVER` beyond the calendar.
    """

    known: Known
    facts: dict[str, Any]
    starts: dict[int, dt.date]
    lead_ends: np.ndarray

    @property
    def start_days(self) -> np.ndarray:
        """First day of each period, as a number."""
        return np.array([_number(day) for day in self.starts.values()])


def day_number(values: pd.Series) -> pd.Series:
    """Dates as whole days since 1970-01-01 (Int64, missing stays missing)."""
    days = (pd.to_datetime(values) - pd.Timestamp(EPOCH)) // pd.Timedelta(days=1)
    return days.astype("Int64")


def period_starts(first: dt.date, last: dt.date, period: str) -> list[dt.date]:
    """First days of all periods that touch first..last: Mondays, or firsts of the month."""
    if period == "week":
        start = first - dt.timedelta(days=first.weekday())
        return [start + dt.timedelta(days=7 * k) for k in range((last - start).days // 7 + 1)]
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [dt.date(month // 12, month % 12 + 1, 1) for month in months]


def source_class(sources: list[str], words: tuple[str, ...]) -> dict[str, str]:
    """The CRM's own words for a source → linkedin, other or unknown."""
    lowered = [word.casefold() for word in words]

    def classify(source: str) -> str:
        text = source.strip().casefold()
        if text in ("", "unknown", "none", "n/a", "-"):
            return "unknown"
        return "linkedin" if any(word in text for word in lowered) else "other"

    return {source: classify(source) for source in sources}


def _days(values: pd.Series) -> pd.Series:
    """Day numbers in 32 bits: joins on them cost half, as long as both sides have the same width."""
    return day_number(values).astype("Int32")


def _register(engine: Engine, tables: schema.Tables, settings: Settings, main: str, people: list[str]) -> pa.Array:
    """Give the engine the tables: persons as numbers, dates as days, amounts as cents of one currency.

    Returns the names of the persons, by number.
    """
    crm = tables.crm_events
    days = {name: _days(getattr(tables, name)["date"]) for name in ("ssi", "activity", "crm_events")}
    frames = {
        "ssi": tables.ssi.assign(day=days["ssi"])[["person", "day", *schema.PILLARS, "total"]],
        "activity": tables.activity.assign(day=days["activity"], first_day=_days(tables.activity["first_day"]))[
            ["person", "day", "first_day", "metric", "count"]
        ],
        "crm_events": pd.DataFrame(
            {
                "person": crm["person"],
                "day": days["crm_events"],
                "kind": crm["kind"],
                "source": crm["source"],
                "deal": crm["deal"],
                "started": _days(crm["started"]),
                "cents": cents(crm["amount"], crm["currency"], main, settings),
            }
        ),
        "people": people_frame(tables.people[tables.people["person"].isin(people)]),
        "quotas": quota_frame(tables.quotas, main, settings),
        "absences": absence_frame(tables.absences),
    }
    if frames["ssi"].duplicated(["person", "day"]).any():
        raise ValueError("ssi has two readings of one person on one day; read_exports keeps the later one")
    names = sorted(_persons(tables.ssi) | _persons(crm))
    numbers = pd.Series(np.arange(len(names)), index=names, dtype="Int32")
    for name, frame in frames.items():
        engine.give(name, frame.assign(person=frame["person"].map(numbers).astype("Int32")))
    engine.view("deal_events", "SELECT * FROM crm_events")
    give_words(engine, sorted(crm["source"].dropna().astype(str).unique()), settings)
    return pa.array(names, pa.string())


def people_frame(people: pd.DataFrame) -> pd.DataFrame:
    """People as the SQL reads them."""
    return pd.DataFrame(
        {
            "person": people["person"].astype("str"),
            "team": people["team"].astype("str"),
            "territory": people["territory"].astype("str"),
            "hired_on": _days(people["hired_on"]),
            "left_on": _days(people["left_on"]),
            "licence_start": _days(people["licence_start"]),
        }
    )


def quota_frame(quotas: pd.DataFrame, main: str, settings: Settings) -> pd.DataFrame:
    """Quotas as the SQL reads them, in cents of the main currency."""
    return pd.DataFrame(
        {
            "person": quotas["person"].astype("str"),
            "period_start": _days(quotas["period_start"]),
            "period_end": _days(quotas["period_end"]),
            "cents": cents(quotas["quota"], quotas["currency"], main, settings),
        }
    )


def unread_quotas(quotas: pd.DataFrame, main: str, settings: Settings) -> dict[str, str]:
    """Why there is no quota to reach where all are in currencies without a rate; empty where any can be read."""
    if not len(quotas) or cents(quotas["quota"], quotas["currency"], main, settings).notna().any():
        return {}
    others = ", ".join(sorted(quotas["currency"].dropna().astype(str).unique())[:5])
    return {"quota_hit": f"quotas are in {others} and revenue in {main}; give [rates] in ssi-audit.toml"}


def absence_frame(absences: pd.DataFrame) -> pd.DataFrame:
    """Absences as the SQL reads them."""
    return pd.DataFrame(
        {
            "person": absences["person"].astype("str"),
            "first_day": _days(absences["first_day"]),
            "last_day": _days(absences["last_day"]),
        }
    )


def give_words(engine: Engine, sources: list[str], settings: Settings) -> None:
    """Tables types (metric → type of activity) and sources (the CRM's own words → class)."""
    kinds = [(metric, type_) for type_, metrics in schema.ACTIVITY_TYPES.items() for metric in metrics]
    engine.give("types", pd.DataFrame(kinds, columns=["metric", "type"]))
    classes = source_class(sources, settings.linkedin_sources)
    engine.give("sources", pd.DataFrame({"source": list(classes), "class": list(classes.values())}, dtype="str"))


def both_sides(tables: schema.Tables) -> dict[str, list[str]]:
    """Persons by what is known of them: ``both``, ``no_ssi`` (CRM only), ``no_crm`` (no CRM event), ``neither``.

    A person whom the CRM never names is most likely not matched or not a seller; counting zeros for them
    would invent failures.
    """
    return sides_of(tables.people["person"], _persons(tables.ssi), _persons(tables.crm_events))


def _persons(frame: pd.DataFrame) -> set[str]:
    return set(frame["person"].dropna().unique())


def sides_of(people: pd.Series, scored: set[str], selling: set[str]) -> dict[str, list[str]]:
    """`both_sides` from the persons with a reading and those with an event."""
    sides: dict[str, list[str]] = {"both": [], "no_ssi": [], "no_crm": [], "neither": []}
    for person in sorted(people):
        has = (person in scored, person in selling)
        sides[{(True, True): "both", (False, True): "no_ssi", (True, False): "no_crm"}.get(has, "neither")].append(
            person
        )
    return sides


def _priced(crm_events: pd.DataFrame) -> dict[str | None, int]:
    """Won deals with an amount, counted by currency; None: without one."""
    won = crm_events[(crm_events["kind"] == "deal_won") & crm_events["amount"].notna()]
    counts = won["currency"].astype(object).value_counts(dropna=False)
    return {None if pd.isna(currency) else str(currency): int(n) for currency, n in counts.items()}


def revenue_currency(priced: dict[str | None, int], settings: Settings) -> tuple[str, str]:
    """Currency of the revenue column, and why there is none (empty when there is).

    Parameters
    ----------
    priced : dict
        Currency (None: not said) → number of won deals with an amount.
    settings : Settings
    """
    known = {currency: n for currency, n in priced.items() if currency is not None}
    main = settings.currency or min(known, key=lambda currency: (-known[currency], currency), default="")
    if not priced:
        return main, "no won deal has an amount"
    foreign = {currency: n for currency, n in known.items() if currency not in (main, *settings.rates)}
    if sum(foreign.values()) / sum(priced.values()) > MAX_FOREIGN:
        others = ", ".join(sorted(foreign)[:5])
        return main, f"amounts are in {main} and {others}; give [rates] in ssi-audit.toml to add them up"
    return main, ""


def cents(amounts: pd.Series, currencies: pd.Series, main: str, settings: Settings) -> pd.Series:
    """Amounts as cents of the main currency; other currencies without a rate are missing."""
    rate = currencies.map({main: 1.0, **settings.rates}).astype("float64")
    rate = rate.where(currencies.notna(), 1.0)  # an amount without a currency is in the main one
    return (amounts.astype("float64") * rate * 100).round().astype("Int64")


def make_plan(engine: Engine, settings: Settings, currency: tuple[str, str], sides: dict[str, list[str]]) -> Plan:
    """Decide coverage, calendar and links from all tables, and give the engine its calendar.

    Parameters
    ----------
    engine : Engine
        Holds ssi, activity, crm_events, types and sources, whole.
    settings : Settings
    currency : tuple
        From `revenue_currency`.
    sides : dict
        From `both_sides`.

    Raises
    ------
    NotEnoughData
        If there is no reading or no CRM event at all, nobody with both, or no period in which both exist.
    """
    spans = {name: engine.rows(f"SELECT MIN(day), MAX(day) FROM {name}")[0] for name in ("ssi", "activity")}
    kinds = engine.rows("SELECT kind, MIN(day), MAX(day) FROM crm_events GROUP BY kind")
    kind_first = {kind: first for kind, first, _ in kinds if first is not None}
    if spans["ssi"][0] is None:
        raise NotEnoughData("no SSI reading was found: add an SSI history to the data folder")
    if not kind_first:
        raise NotEnoughData("no CRM event was found: add an export of inquiries, meetings or deals to the data folder")
    crm_first, crm_last = min(kind_first.values()), max(last for _, _, last in kinds if last is not None)
    if not sides["both"]:
        raise NotEnoughData(
            f"nobody has both a score and CRM events: {len(sides['no_crm'])} people have a score, "
            f"{len(sides['no_ssi'])} others stand in the CRM. "
            "Do the files call them by different names? Say in people.csv who is who "
            "(crm_owner, linkedin_name, email, aliases)"
        )
    first_day = max(crm_first, _number(settings.start, -(10**6)))
    last_day = min(crm_last, _number(settings.end, 10**6))
    if first_day > last_day:
        raise NotEnoughData(
            f"the CRM events go from {_date(crm_first)} to {_date(crm_last)}, and none of these days was asked for: "
            "move start or end in the settings (--from, --to)"
        )
    all_first = min(crm_first, *(span[0] for span in spans.values() if span[0] is not None))
    all_last = max(crm_last, *(span[1] for span in spans.values() if span[1] is not None))

    starts = period_starts(_date(min(all_first, first_day)), _date(max(all_last, last_day)), settings.period)
    ends = [*starts[1:], period_starts(starts[-1], starts[-1] + dt.timedelta(days=40), settings.period)[1]]
    start_of = {p: _number(day) for p, day in enumerate(starts)}
    first_p = next(p for p in start_of if start_of[p] + (ends[p] - starts[p]).days > first_day)
    # The last period counts when the data reach its last working day; half a week is not a week without deals.
    full = [p for p in start_of if _last_workday(ends[p] - dt.timedelta(days=1)) <= _date(last_day)]
    if not full or full[-1] < first_p:
        raise NotEnoughData("the CRM events do not cover one whole period")
    last_p = full[-1]
    # A week that is known to its Friday is known to its Sunday.
    last_day = max(last_day, _number(ends[last_p]) - 1)

    window = settings.window_weeks if settings.period == "week" else max(1, round(settings.window_weeks * 7 / 30.4))
    lead = settings.lead_weeks if settings.period == "week" else max(1, round(settings.lead_weeks * 7 / 30.4))
    calendar, periods = _calendar(starts, ends)
    engine.give("calendar", calendar)
    engine.give("periods", periods)
    links = _links(engine, settings)
    logged = engine.rows(
        "SELECT t.type, MAX(CASE WHEN a.count > 0 THEN 1 ELSE 0 END), MAX(a.day) "
        "FROM activity a JOIN types t ON t.metric = a.metric GROUP BY t.type"
    )
    seen = {type_ for type_, any_action, _ in logged if any_action == 1}
    types = tuple(kind for kind in schema.ACTIVITY_TYPES if kind in seen)
    last_logged = -1
    if types:
        last_logged = int(np.searchsorted(list(start_of.values()), max(day for *_, day in logged), side="right")) - 1
    missing = dict(links["missing"])
    for outcome, kind in schema.KIND_OF_OUTCOME.items():
        if kind not in kind_first:
            missing[outcome] = f"no event of kind {kind} in the files"
    if currency[1]:
        missing["revenue"] = currency[1]
    elif "deals" in missing:
        missing["revenue"] = missing["deals"]

    known = Known(
        types=types, last_logged=last_logged, kind_first=kind_first, crm_first=crm_first, missing=missing,
        inquiry_source=links["inquiry_source"], win_denominator=links["win_denominator"],
        first_day=first_day, last_day=last_day, first_p=first_p, last_p=last_p, window=window, lead=lead,
        stale=settings.stale_days_week if settings.period == "week" else settings.stale_days_month,
        meeting_horizon=7 * settings.horizon_weeks["meeting_rate"], win_horizon=7 * settings.horizon_weeks["win_rate"],
    )  # fmt: skip
    facts = {
        "period": settings.period,
        "first": starts[first_p],
        "last": starts[last_p],
        "window": window,
        "lead": lead,
        "activity_types": types,
        "inquiry_source": links["inquiry_source"],
        "win_denominator": links["win_denominator"],
        "missing": missing,
        "currency": currency[0],
        "left_out": {why: len(who) for why, who in sides.items() if why != "both"},
    }
    lead_ends = periods["end_day"].shift(-lead, fill_value=NEVER)
    return Plan(known, facts, dict(enumerate(starts)), lead_ends.to_numpy("int64"))


def _links(engine: Engine, settings: Settings) -> dict[str, Any]:
    """Which stages are tied to each other in these files, and which inquiries count."""
    missing: dict[str, str] = {}
    by_source = dict(
        engine.rows(
            "SELECT COALESCE(s.class, 'unknown'), COUNT(*) FROM crm_events e LEFT JOIN sources s "
            "ON s.source = e.source WHERE e.kind = 'inquiry' GROUP BY COALESCE(s.class, 'unknown')"
        )
    )
    inquiries, linkedin = sum(by_source.values()), by_source.get("linkedin", 0)
    split = linkedin > 0 and inquiries - by_source.get("unknown", 0) >= MIN_SOURCE_KNOWN * inquiries
    use_linkedin = settings.inquiry_source == "linkedin" or (settings.inquiry_source == "auto" and split)

    tied = _tied(engine)
    if inquiries == 0:
        missing["meeting_rate"] = "no event of kind inquiry in the files"
    elif tied["meeting", "inquiry"] < MIN_LINKED:
        missing["meeting_rate"] = (
            "the files do not say which inquiry a meeting came from (columns deal or started of crm_events)"
        )
    win = ""
    if tied["deal_won", "meeting"] >= MIN_LINKED:
        win = "meetings"
    elif tied["deal_won", "opportunity"] >= MIN_LINKED:
        win = "opportunities"
    else:
        missing["win_rate"] = (
            "the files do not say which meeting or opportunity a won deal came from "
            "(columns deal or started of crm_events)"
        )
    return {
        "missing": missing,
        "inquiry_source": "linkedin" if use_linkedin else "all",
        "win_denominator": win,
    }


def _tied(engine: Engine) -> dict[tuple[str, str], float]:
    """Share of the later events that name their earlier one, by deal id or by the day it started."""
    n = {
        kind: (count, dated)
        for kind, count, dated in engine.rows("SELECT kind, COUNT(*), COUNT(started) FROM crm_events GROUP BY kind")
    }
    pairs = (("meeting", "inquiry"), ("deal_won", "meeting"), ("deal_won", "opportunity"))
    sums = ", ".join(f"SUM(CASE WHEN n_{earlier} > 0 THEN open_{later} END)" for later, earlier in pairs)
    counts = ", ".join(
        [f"COUNT(CASE WHEN kind = '{kind}' THEN 1 END) AS n_{kind}" for kind in ("inquiry", "meeting", "opportunity")]
        + [
            f"COUNT(CASE WHEN kind = '{kind}' AND started IS NULL THEN 1 END) AS open_{kind}"
            for kind in ("meeting", "deal_won")
        ]
    )
    by_deal = engine.rows(
        f"SELECT {sums} FROM (SELECT deal, {counts} FROM crm_events WHERE deal IS NOT NULL GROUP BY deal) AS deals"
    )[0]
    return {
        (later, earlier): ((by_id or 0) + n[later][1]) / n[later][0] if later in n and earlier in n else 0.0
        for (later, earlier), by_id in zip(pairs, by_deal, strict=True)
    }


def _calendar(starts: list[dt.date], ends: list[dt.date]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables calendar (day → period, with running number of working days) and periods."""
    days = np.arange(_number(starts[0]), _number(ends[-1]))
    p = np.searchsorted([_number(start) for start in starts], days, side="right") - 1
    workday = (days + EPOCH.weekday()) % 7 < 5
    calendar = pd.DataFrame({"day": days, "p": p, "workday": workday, "worked": workday.cumsum()}).astype("int32")
    periods = calendar.groupby("p").agg(start_day=("day", "min"), end_day=("day", "max"), workdays=("workday", "sum"))
    return calendar, periods.reset_index()


def _finished(panel: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Split at score breaks, with the facts."""
    if panel.empty:
        raise NotEnoughData(
            "no seller was at work in any period of the CRM events: look at hired_on and left_on in people.csv, and at "
            "the absences"
        )
    breaks = score_breaks(panel)
    panel["regime"] = regimes(panel["p"].to_numpy(), breaks)
    negative = int((panel["revenue"] < 0).sum())
    panel.attrs["facts"] = final_facts(plan, breaks, panel["quota_hit"].notna().any(), negative)
    return panel


def regimes(p: np.ndarray, breaks: list[int]) -> np.ndarray:
    """Number of score breaks up to each period."""
    return np.searchsorted(np.array(breaks, dtype="int64"), p, side="right")


def final_facts(plan: Plan, breaks: list[int], any_quota: bool, negative: int) -> Facts:
    """The facts of a plan with what only the finished rows tell: any quota, and rows with a revenue below zero."""
    missing = dict(plan.facts["missing"])
    if negative:
        missing.setdefault(
            "revenue",
            f"credit notes make the revenue of {negative} rows negative; give a deal what is left of its amount",
        )
    if not any_quota:
        missing.setdefault("quota_hit", NO_QUOTA)
    return Facts(plan.facts | {"missing": missing, "breaks": tuple(plan.starts[p] for p in breaks)})


class Facts(dict):
    """What was decided about a panel. pandas copies `attrs` at every step; this one is shared instead."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Facts:
        return self


def score_breaks(panel: pd.DataFrame) -> list[int]:
    """Periods in which nearly everybody's score jumped the same way (methods.md section 1).

    Parameters
    ----------
    panel : pandas.DataFrame
        Columns ``person``, ``p`` (period number) and ``ssi``.

    Returns
    -------
    list of int
        Period numbers, ascending. The jump lies between the exposure of the period before and this one.
    """
    jumps = Jumps(int(panel["p"].max()) + 1 if len(panel) else 0)
    jumps.add(pd.factorize(panel["person"])[0], panel["p"].to_numpy("int64"), panel["ssi"].to_numpy("float64"))
    return jumps.breaks()


class Jumps:
    """What `score_breaks` needs to know of everybody's change, added up bucket by bucket.

    The median is never computed: it lies above the limit when more than half of the changes do, and with exactly
    half of them when the middle of the two values nearest to the limit does.

    Parameters
    ----------
    n_periods : int
    """

    def __init__(self, n_periods: int) -> None:
        self._n, self._up, self._down = np.zeros((3, n_periods), dtype="int64")
        self._beyond = np.zeros((2, n_periods), dtype="int64")
        self._outside = np.full((2, n_periods), np.inf)
        self._inside = np.full((2, n_periods), -np.inf)

    def add(self, person: np.ndarray, p: np.ndarray, ssi: np.ndarray) -> None:
        """Add rows of some persons, sorted by person and period; nobody may come twice."""
        known = ~np.isnan(ssi)
        person, p, ssi = person[known], p[known], ssi[known]
        follows = (person[1:] == person[:-1]) & (p[1:] == p[:-1] + 1)
        change, at, size = np.diff(ssi)[follows], p[1:][follows], len(self._n)
        self._n += np.bincount(at, minlength=size)
        self._up += np.bincount(at[change > 0], minlength=size)
        self._down += np.bincount(at[change < 0], minlength=size)
        for side, value in enumerate((change, -change)):
            far = value > BREAK_POINTS
            self._beyond[side] += np.bincount(at[far], minlength=size)
            np.minimum.at(self._outside[side], at[far], value[far])
            np.maximum.at(self._inside[side], at[~far], value[~far])

    def breaks(self) -> list[int]:
        """Periods in which nearly everybody's score jumped the same way."""
        half = self._n / 2
        with np.errstate(invalid="ignore"):
            middle = (self._outside + self._inside) / 2
        far = (self._beyond > half) | ((self._beyond == half) & (middle > BREAK_POINTS))
        same_way = np.maximum(self._up, self._down) >= BREAK_SHARE * self._n
        return np.flatnonzero(far.any(axis=0) & same_way & (self._n >= BREAK_MIN_PEOPLE)).tolist()


def write_panel(panel: pd.DataFrame, path: Path) -> None:
    """Write the panel as Parquet, whole or not at all."""
    from ssi_audit.panel_files import PanelWriter, arrow_panel

    with PanelWriter(path) as writer:
        writer.write(arrow_panel(panel))
        writer.facts = panel.attrs["facts"]


def read_panel(path: Path) -> pd.DataFrame:
    """Read what `write_panel` wrote, facts included."""
    panel = pd.read_parquet(path)
    facts = dict(panel.attrs["facts"])
    facts["first"], facts["last"] = (dt.date.fromisoformat(facts[name]) for name in ("first", "last"))
    facts["breaks"] = tuple(dt.date.fromisoformat(day) for day in facts["breaks"])
    facts["activity_types"] = tuple(facts["activity_types"])
    panel.attrs["facts"] = Facts(facts)
    return panel


def json_facts(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts as JSON can hold them."""

    def plain(value: Any) -> Any:
        if isinstance(value, dt.date):
            return value.isoformat()
        if isinstance(value, (tuple, list)):
            return [plain(item) for item in value]
        return value

    return {name: plain(value) for name, value in facts.items()}


def _number(day: dt.date | None, default: int = 0) -> int:
    return default if day is None else (day - EPOCH).days


def _date(number: int) -> dt.date:
    return EPOCH + dt.timedelta(days=int(number))


def _last_workday(day: dt.date) -> dt.date:
    return day - dt.timedelta(days=max(0, day.weekday() - 4))
