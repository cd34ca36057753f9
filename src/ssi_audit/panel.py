"""Tables to panel: one row per person and period, exposure strictly before outcome.

The panel is one SQL text over integer day numbers. Dates become days since
1970-01-01 and periods come from a small calendar table made here, so the SQL
needs no date arithmetic and no as-of join, and reads the same on every engine.
Rules and names: methods.md section 1. Sums run over integers (cents, millionths
of a count), so the order of the rows cannot change a digit.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ssi_audit import schema
from ssi_audit.errors import NotEnoughData
from ssi_audit.settings import Settings

if TYPE_CHECKING:
    import duckdb

EPOCH = dt.date(1970, 1, 1)
# A kind of event that first shows up this much later than the others was exported from then on:
# before that day it is unknown, not zero.
LATE_KIND_DAYS = 91
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


PANEL_SQL = """
WITH readings AS (                       -- one row per person and day with at least one score
    SELECT person, day, brand, people, insights, relationships,
           COALESCE(total, brand + people + insights + relationships) AS ssi
    FROM ssi
    WHERE COALESCE(total, brand + people + insights + relationships, brand, people, insights, relationships)
          IS NOT NULL
),
last_reading AS (                        -- the last reading of each period
    SELECT r.person, c.p, MAX(r.day) AS day
    FROM readings r JOIN calendar c ON c.day = r.day
    GROUP BY r.person, c.p
),
actions AS (                             -- millionths of a count per person, period and type
    SELECT a.person, c.p, t.type, SUM(CAST(ROUND(a.count * 1000000) AS BIGINT)) AS n
    FROM activity a
    JOIN types t ON t.metric = a.metric
    JOIN calendar c ON c.day = a.day
    WHERE a.first_day IS NULL OR a.first_day >= a.day
    GROUP BY a.person, c.p, t.type
    UNION ALL                            -- totals over several days are spread over those days
    SELECT a.person, c.p, t.type,
           SUM(CAST(ROUND(a.count * 1000000 / (a.day - a.first_day + 1)) AS BIGINT)) AS n
    FROM activity a
    JOIN types t ON t.metric = a.metric
    JOIN calendar c ON c.day BETWEEN a.first_day AND a.day
    WHERE a.first_day < a.day
    GROUP BY a.person, c.p, t.type
),
action_counts AS (
    SELECT person, p, {act_sums} FROM actions GROUP BY person, p
),
first_logged AS (
    SELECT a.person, MIN(c.p) AS first_p
    FROM activity a
    JOIN types t ON t.metric = a.metric
    JOIN calendar c ON c.day = COALESCE(a.first_day, a.day)
    GROUP BY a.person
),
events AS (
    SELECT e.person, e.day, c.p, e.kind, e.deal, e.started, e.cents,
           COALESCE(s.class, 'unknown') AS source
    FROM crm_events e
    JOIN calendar c ON c.day = e.day
    LEFT JOIN sources s ON s.source = e.source
),
event_counts AS (
    SELECT person, p, {event_sums},
           SUM(CASE WHEN kind = 'deal_won' THEN cents END) AS cents
    FROM events GROUP BY person, p
),
inquiry_cases AS (                       -- an inquiry, once per deal id
    SELECT person, deal, MIN(day) AS day FROM events
    WHERE kind = 'inquiry' AND deal IS NOT NULL AND {inquiry_filter} GROUP BY person, deal
    UNION ALL
    SELECT person, deal, day FROM events WHERE kind = 'inquiry' AND deal IS NULL AND {inquiry_filter}
),
first_meeting AS (
    SELECT deal, MIN(day) AS day FROM events WHERE kind = 'meeting' AND deal IS NOT NULL GROUP BY deal
),
meeting_cohort AS (
    SELECT i.person, c.p, COUNT(*) AS den,
           SUM(CASE WHEN m.day BETWEEN i.day AND i.day + {h_meeting} THEN 1 ELSE 0 END) AS num
    FROM inquiry_cases i
    JOIN calendar c ON c.day = i.day
    LEFT JOIN first_meeting m ON m.deal = i.deal
    GROUP BY i.person, c.p
    UNION ALL                            -- meetings that carry the day of their inquiry but no deal id
    SELECT e.person, c.p, 0 AS den, COUNT(*) AS num
    FROM events e JOIN calendar c ON c.day = e.started
    WHERE e.kind = 'meeting' AND e.deal IS NULL AND e.day BETWEEN e.started AND e.started + {h_meeting}
      AND {inquiry_filter}
    GROUP BY e.person, c.p
),
win_cases AS (                           -- a meeting (or an opportunity), once per deal id
    SELECT person, deal, MIN(day) AS day FROM events
    WHERE kind = '{win_kind}' AND deal IS NOT NULL GROUP BY person, deal
    UNION ALL
    SELECT person, deal, day FROM events WHERE kind = '{win_kind}' AND deal IS NULL
),
first_case AS (                          -- one seller per deal: the first, then by code
    SELECT person, deal, day,
           ROW_NUMBER() OVER (PARTITION BY deal ORDER BY day, person) AS k
    FROM win_cases WHERE deal IS NOT NULL
),
won AS (
    SELECT deal, MIN(day) AS day FROM events WHERE kind = 'deal_won' AND deal IS NOT NULL GROUP BY deal
),
win_cohort AS (
    SELECT f.person, c.p, COUNT(*) AS den,
           SUM(CASE WHEN w.day BETWEEN f.day AND f.day + {h_win} THEN 1 ELSE 0 END) AS num
    FROM first_case f
    JOIN calendar c ON c.day = f.day
    LEFT JOIN won w ON w.deal = f.deal
    WHERE f.k = 1
    GROUP BY f.person, c.p
    UNION ALL
    SELECT e.person, e.p, COUNT(*) AS den, 0 AS num
    FROM events e WHERE e.kind = '{win_kind}' AND e.deal IS NULL GROUP BY e.person, e.p
    UNION ALL                            -- deals that carry the day of their meeting but no deal id
    SELECT e.person, c.p, 0 AS den, COUNT(*) AS num
    FROM events e JOIN calendar c ON c.day = e.started
    WHERE e.kind = 'deal_won' AND e.deal IS NULL AND e.day BETWEEN e.started AND e.started + {h_win}
    GROUP BY e.person, c.p
),
meeting_rate AS (SELECT person, p, SUM(num) AS num, SUM(den) AS den FROM meeting_cohort GROUP BY person, p),
win_rate AS (SELECT person, p, SUM(num) AS num, SUM(den) AS den FROM win_cohort GROUP BY person, p),
employed AS (
    SELECT person, team, territory, licence_start,
           hired_on,
           COALESCE(hired_on, -100000) AS from_day,
           COALESCE(left_on, 1000000) AS to_day
    FROM people
),
duty AS (
    SELECT m.person, c.p, COUNT(*) AS days
    FROM employed m
    JOIN workdays c ON c.day BETWEEN m.from_day AND m.to_day
    LEFT JOIN absent_days a ON a.person = m.person AND a.day = c.day
    WHERE a.person IS NULL
    GROUP BY m.person, c.p
),
quota_starts AS (                        -- a quota period stands in the first row of its days with somebody on duty
    SELECT q.person, q.period_start, q.period_end, MAX(q.cents) AS quota, MIN(d.p) AS p
    FROM quotas q
    JOIN calendar c ON c.day = q.period_start
    JOIN calendar z ON z.day = q.period_end
    JOIN duty d ON d.person = q.person AND d.p BETWEEN c.p AND z.p
    WHERE q.period_end <= {last_day} AND q.period_start >= {first_day} AND q.cents > 0
    GROUP BY q.person, q.period_start, q.period_end
),
quota_rows AS (
    SELECT q.person, q.p, MAX(q.quota) AS quota, SUM(e.cents) AS revenue
    FROM quota_starts q
    LEFT JOIN crm_events e ON e.person = q.person AND e.kind = 'deal_won'
         AND e.day BETWEEN q.period_start AND q.period_end
    GROUP BY q.person, q.p
),
grid AS (                                -- every person in every period of the calendar
    SELECT m.person, q.p, q.start_day, q.end_day, q.workdays
    FROM employed m CROSS JOIN periods q
),
scored AS (
    SELECT g.*, r.day AS read_day,
           MAX(r.day) OVER (PARTITION BY g.person ORDER BY g.p
                            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS exposure_day,
           MAX(r.day) OVER (PARTITION BY g.person ORDER BY g.p
                            ROWS BETWEEN UNBOUNDED PRECEDING AND {lead} FOLLOWING) AS lead_day,
           MAX(g.end_day) OVER (PARTITION BY g.person ORDER BY g.p
                            ROWS BETWEEN UNBOUNDED PRECEDING AND {lead} FOLLOWING) AS lead_end,
           MAX(g.p) OVER (PARTITION BY g.person) AS last_p,
           {act_now},
           {act_windows}
    FROM grid g
    LEFT JOIN last_reading r ON r.person = g.person AND r.p = g.p
    LEFT JOIN action_counts a ON a.person = g.person AND a.p = g.p
)
SELECT s.person, s.p, s.start_day,
       x.ssi, x.brand, x.people, x.insights, x.relationships,
       CASE WHEN s.p + {lead} <= s.last_p THEN l.ssi END AS lead_ssi,
       CASE WHEN s.p + {lead} <= s.last_p THEN l.brand END AS lead_brand,
       CASE WHEN s.p + {lead} <= s.last_p THEN l.people END AS lead_people,
       CASE WHEN s.p + {lead} <= s.last_p THEN l.insights END AS lead_insights,
       CASE WHEN s.p + {lead} <= s.last_p THEN l.relationships END AS lead_relationships,
       {act_columns},
       {outcome_columns},
       CASE WHEN {meeting_rate_known} AND s.end_day + {h_meeting} <= {last_day} THEN COALESCE(mr.num, 0) END
           AS meeting_rate_num,
       CASE WHEN {meeting_rate_known} AND s.end_day + {h_meeting} <= {last_day} THEN COALESCE(mr.den, 0) END
           AS meeting_rate_den,
       CASE WHEN {win_rate_known} AND s.end_day + {h_win} <= {last_day} THEN COALESCE(wr.num, 0) END
           AS win_rate_num,
       CASE WHEN {win_rate_known} AND s.end_day + {h_win} <= {last_day} THEN COALESCE(wr.den, 0) END
           AS win_rate_den,
       qr.quota / 100.0 AS quota,
       CASE WHEN qr.quota IS NOT NULL THEN COALESCE(qr.revenue, 0) / 100.0 END AS quota_revenue,
       COALESCE(d.days, 0) * 1.0 / s.workdays AS on_duty,
       CASE WHEN m.hired_on IS NOT NULL THEN (s.start_day - m.hired_on) / 7.0 END AS tenure_weeks,
       m.team, m.territory,
       CASE WHEN m.licence_start IS NULL THEN 0 WHEN m.licence_start <= s.start_day THEN 1 ELSE 0 END AS licence
FROM scored s
JOIN employed m ON m.person = s.person
LEFT JOIN readings x ON x.person = s.person AND x.day = s.exposure_day
     AND s.start_day - 1 - s.exposure_day <= {stale}
LEFT JOIN readings l ON l.person = s.person AND l.day = s.lead_day AND s.lead_end - s.lead_day <= {stale}
LEFT JOIN first_logged f ON f.person = s.person
LEFT JOIN event_counts e ON e.person = s.person AND e.p = s.p
LEFT JOIN meeting_rate mr ON mr.person = s.person AND mr.p = s.p
LEFT JOIN win_rate wr ON wr.person = s.person AND wr.p = s.p
LEFT JOIN quota_rows qr ON qr.person = s.person AND qr.p = s.p
LEFT JOIN duty d ON d.person = s.person AND d.p = s.p
WHERE s.p BETWEEN {first_p} AND {last_p} AND COALESCE(d.days, 0) > 0
"""


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
        If there is no reading or no CRM event at all, or no period in which both exist.
    """
    import duckdb

    settings = settings or Settings()
    connection = duckdb.connect()
    try:
        _register(connection, tables, settings)
        plan = _plan(connection, tables, settings)
        frame = connection.execute(PANEL_SQL.format(**plan.parts)).df()
    finally:
        connection.close()
    return _finish(frame, plan, settings)


@dataclass(frozen=True)
class _Plan:
    """The gaps of `PANEL_SQL` and the facts they came from."""

    parts: dict[str, Any]
    facts: dict[str, Any]
    starts: dict[int, dt.date]


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


def _register(connection: duckdb.DuckDBPyConnection, tables: schema.Tables, settings: Settings) -> None:
    """Give the engine the tables, with dates as day numbers and amounts as cents of one currency."""
    ssi = tables.ssi.assign(day=day_number(tables.ssi["date"]))
    if ssi.duplicated(["person", "day"]).any():
        raise ValueError("ssi has two readings of one person on one day; read_exports keeps the later one")
    connection.register("ssi", ssi[["person", "day", *schema.PILLARS, "total"]])
    activity = tables.activity.assign(
        day=day_number(tables.activity["date"]), first_day=day_number(tables.activity["first_day"])
    )
    connection.register("activity", activity[["person", "day", "first_day", "metric", "count"]])
    crm = tables.crm_events
    events = pd.DataFrame(
        {
            "person": crm["person"],
            "day": day_number(crm["date"]),
            "kind": crm["kind"],
            "source": crm["source"],
            "deal": crm["deal"],
            "started": day_number(crm["started"]),
            "cents": _cents(crm["amount"], crm["currency"], revenue_currency(crm, settings)[0], settings),
        }
    )
    connection.register("crm_events", events)
    quotas = tables.quotas
    connection.register(
        "quotas",
        pd.DataFrame(
            {
                "person": quotas["person"].astype("str"),
                "period_start": day_number(quotas["period_start"]),
                "period_end": day_number(quotas["period_end"]),
                "cents": _cents(quotas["quota"], quotas["currency"], revenue_currency(crm, settings)[0], settings),
            }
        ),
    )
    people = tables.people[tables.people["person"].isin(both_sides(tables)["both"])]
    connection.register(
        "people",
        pd.DataFrame(
            {
                "person": people["person"].astype("str"),
                "team": people["team"].astype("str"),
                "territory": people["territory"].astype("str"),
                "hired_on": day_number(people["hired_on"]),
                "left_on": day_number(people["left_on"]),
                "licence_start": day_number(people["licence_start"]),
            }
        ),
    )
    absences = tables.absences
    connection.register(
        "absences",
        pd.DataFrame(
            {
                "person": absences["person"].astype("str"),
                "first_day": day_number(absences["first_day"]),
                "last_day": day_number(absences["last_day"]),
            }
        ),
    )
    kinds = [(metric, type_) for type_, metrics in schema.ACTIVITY_TYPES.items() for metric in metrics]
    connection.register("types", pd.DataFrame(kinds, columns=["metric", "type"]))
    classes = source_class(sorted(crm["source"].dropna().astype(str).unique()), settings.linkedin_sources)
    connection.register(
        "sources",
        pd.DataFrame({"source": list(classes), "class": list(classes.values())}, dtype="str"),
    )


def both_sides(tables: schema.Tables) -> dict[str, list[str]]:
    """Persons by what is known of them: ``both``, ``no_ssi`` (CRM only), ``no_crm`` (no CRM event), ``neither``.

    A person whom the CRM never names is most likely not matched or not a seller; counting zeros for them
    would invent failures.
    """
    scored, selling = set(tables.ssi["person"]), set(tables.crm_events["person"].dropna())
    sides: dict[str, list[str]] = {"both": [], "no_ssi": [], "no_crm": [], "neither": []}
    for person in sorted(tables.people["person"]):
        has = (person in scored, person in selling)
        sides[{(True, True): "both", (False, True): "no_ssi", (True, False): "no_crm"}.get(has, "neither")].append(
            person
        )
    return sides


def main_currency(amounts: pd.Series, currencies: pd.Series, settings: Settings) -> str:
    """The currency in which revenue is counted: the setting, or the commonest one of known amounts."""
    if settings.currency:
        return settings.currency
    known = currencies[amounts.notna() & currencies.notna()]
    counts = known.value_counts()
    if counts.empty:
        return ""
    return min(counts.index[counts == counts.iloc[0]])


def revenue_currency(crm_events: pd.DataFrame, settings: Settings) -> tuple[str, str]:
    """Currency of the revenue column, and why there is none (empty when there is)."""
    won = crm_events[crm_events["kind"] == "deal_won"]
    main = main_currency(won["amount"], won["currency"], settings)
    priced = won[won["amount"].notna()]
    if priced.empty:
        return main, "no won deal has an amount"
    foreign = priced["currency"].notna() & ~priced["currency"].isin([main, *settings.rates])
    if foreign.mean() > MAX_FOREIGN:
        others = ", ".join(sorted(set(priced.loc[foreign, "currency"].astype(str)))[:5])
        return main, f"amounts are in {main} and {others}; give [rates] in ssi-audit.toml to add them up"
    return main, ""


def _cents(amounts: pd.Series, currencies: pd.Series, main: str, settings: Settings) -> pd.Series:
    """Amounts as cents of the main currency; other currencies without a rate are missing."""
    rate = currencies.map({main: 1.0, **settings.rates}).astype("float64")
    rate = rate.where(currencies.notna(), 1.0)  # an amount without a currency is in the main one
    return (amounts.astype("float64") * rate * 100).round().astype("Int64")


def _plan(connection: duckdb.DuckDBPyConnection, tables: schema.Tables, settings: Settings) -> _Plan:
    """Decide coverage, calendar and links, and fill the gaps of the SQL."""
    spans = {
        name: _rows(connection, f"SELECT MIN(day), MAX(day) FROM {name}")[0]
        for name in ("ssi", "activity", "crm_events")
    }
    if spans["ssi"][0] is None:
        raise NotEnoughData("no SSI reading was found: add an SSI history to the data folder")
    if spans["crm_events"][0] is None:
        raise NotEnoughData("no CRM event was found: add an export of inquiries, meetings or deals to the data folder")
    first_day = max(spans["crm_events"][0], _number(settings.start, -(10**6)))
    last_day = min(spans["crm_events"][1], _number(settings.end, 10**6))
    all_first = min(span[0] for span in spans.values() if span[0] is not None)
    all_last = max(span[1] for span in spans.values() if span[1] is not None)

    starts = period_starts(_date(min(all_first, first_day)), _date(max(all_last, last_day)), settings.period)
    ends = [*starts[1:], period_starts(starts[-1], starts[-1] + dt.timedelta(days=40), settings.period)[1]]
    _register_calendar(connection, starts, ends)

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
    links = _links(connection, settings)
    currency, foreign = revenue_currency(tables.crm_events, settings)
    types = tuple(
        row[0]
        for row in _rows(
            connection, "SELECT DISTINCT t.type FROM activity a JOIN types t ON t.metric = a.metric WHERE a.count > 0"
        )
    )
    types = tuple(kind for kind in schema.ACTIVITY_TYPES if kind in types)
    last_logged = -1
    if types:
        last_logged = _rows(
            connection,
            "SELECT MAX(c.p) FROM activity a JOIN types t ON t.metric = a.metric JOIN calendar c ON c.day = a.day",
        )[0][0]
    kind_first = dict(_rows(connection, "SELECT kind, MIN(day) FROM crm_events GROUP BY kind"))
    missing = dict(links["missing"])
    for outcome, kind in schema.KIND_OF_OUTCOME.items():
        if kind not in kind_first:
            missing[outcome] = f"no event of kind {kind} in the files"
    if foreign:
        missing["revenue"] = foreign
    elif "deals" in missing:
        missing["revenue"] = missing["deals"]

    all_types = tuple(schema.ACTIVITY_TYPES)
    preceding = f"OVER (PARTITION BY g.person ORDER BY g.p ROWS BETWEEN {window} PRECEDING AND 1 PRECEDING)"
    parts = {
        "act_sums": ", ".join(f"SUM(CASE WHEN type = '{k}' THEN n END) AS n_{k}" for k in all_types),
        "act_now": ", ".join(f"a.n_{k} AS n_{k}" for k in all_types),
        "act_windows": ", ".join(f"SUM(a.n_{k}) {preceding} AS w_{k}" for k in all_types),
        "act_columns": ", ".join(
            f"CASE WHEN {_logged(k, types, 's.p', last_logged)} THEN COALESCE(s.n_{k}, 0) / 1000000.0 END AS act_{k}, "
            f"CASE WHEN {_logged(k, types, f's.p - {window}', last_logged, 's.p - 1')} "
            f"THEN COALESCE(s.w_{k}, 0) / 1000000.0 END AS A_{k}"
            for k in all_types
        ),
        "event_sums": ", ".join(
            f"SUM(CASE WHEN kind = '{kind}' AND source = '{source}' THEN 1 ELSE 0 END) AS {outcome}_{source}"
            for outcome, kind in schema.KIND_OF_OUTCOME.items()
            for source in schema.SOURCES
        ),
        "outcome_columns": ", ".join(
            _outcome_columns(kind_first, spans["crm_events"][0], links["inquiry_source"], "revenue" not in missing)
        ),
        "inquiry_filter": "source = 'linkedin'" if links["inquiry_source"] == "linkedin" else "1 = 1",
        "win_kind": {"meetings": "meeting", "opportunities": "opportunity", "": "meeting"}[links["win_denominator"]],
        "meeting_rate_known": "1 = 1" if "meeting_rate" not in missing else "1 = 0",
        "win_rate_known": "1 = 1" if "win_rate" not in missing else "1 = 0",
        "h_meeting": 7 * settings.horizon_weeks["meeting_rate"],
        "h_win": 7 * settings.horizon_weeks["win_rate"],
        "first_day": first_day,
        "last_day": last_day,
        "first_p": first_p,
        "last_p": last_p,
        "lead": lead,
        "stale": settings.stale_days_week if settings.period == "week" else settings.stale_days_month,
    }
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
        "currency": currency,
        "left_out": {why: len(who) for why, who in both_sides(tables).items() if why != "both"},
    }
    return _Plan(parts, facts, dict(enumerate(starts)))


def _logged(kind: str, types: tuple[str, ...], first: str, last_logged: int, last: str = "") -> str:
    """SQL: is this type logged for this person over the whole stretch?"""
    if kind not in types:
        return "1 = 0"
    return f"f.first_p <= {first} AND {last or first} <= {last_logged}"


def _outcome_columns(kind_first: dict[str, int], crm_first: int, inquiry_source: str, revenue_known: bool) -> list[str]:
    """SQL of the counts: 0 where the kind was recorded and nothing happened, missing where it was not recorded."""
    columns = []
    for outcome, kind in schema.KIND_OF_OUTCOME.items():
        if kind not in kind_first:
            known = "1 = 0"
        elif kind_first[kind] - crm_first > LATE_KIND_DAYS:
            known = f"s.start_day >= {kind_first[kind]}"
        else:
            known = "1 = 1"
        by_source = {source: f"COALESCE(e.{outcome}_{source}, 0)" for source in schema.SOURCES}
        counted = " + ".join(by_source.values())
        if outcome == "inquiries" and inquiry_source == "linkedin":
            counted = by_source["linkedin"]
        columns.append(f"CASE WHEN {known} THEN {counted} END AS {outcome}")
        columns.extend(f"CASE WHEN {known} THEN {sql} END AS {outcome}_{source}" for source, sql in by_source.items())
        if outcome == "deals":
            paid = known if revenue_known else "1 = 0"
            columns.append(f"CASE WHEN {paid} THEN COALESCE(e.cents, 0) / 100.0 END AS revenue")
    return columns


def _links(connection: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, Any]:
    """Which stages are tied to each other in these files, and which inquiries count."""
    missing: dict[str, str] = {}
    inquiries, known, linkedin = _rows(
        connection,
        "SELECT COUNT(*), COUNT(*) FILTER (WHERE s.class <> 'unknown'), COUNT(*) FILTER (WHERE s.class = 'linkedin') "
        "FROM crm_events e LEFT JOIN sources s ON s.source = e.source WHERE e.kind = 'inquiry'",
    )[0]
    split = linkedin > 0 and known >= MIN_SOURCE_KNOWN * inquiries
    use_linkedin = settings.inquiry_source == "linkedin" or (settings.inquiry_source == "auto" and split)

    if inquiries == 0:
        missing["meeting_rate"] = "no event of kind inquiry in the files"
    elif _tied(connection, "meeting", "inquiry") < MIN_LINKED:
        missing["meeting_rate"] = (
            "the files do not say which inquiry a meeting came from (columns deal or started of crm_events)"
        )
    win = ""
    if _tied(connection, "deal_won", "meeting") >= MIN_LINKED:
        win = "meetings"
    elif _tied(connection, "deal_won", "opportunity") >= MIN_LINKED:
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


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """All rows of a small result; a statement is finished only when everything is fetched."""
    return connection.execute(sql).fetchall()


def _tied(connection: duckdb.DuckDBPyConnection, later: str, earlier: str) -> float:
    """Share of the later events that name their earlier one, by deal id or by the day it started."""
    n_earlier, n, tied = _rows(
        connection,
        f"WITH cases AS (SELECT DISTINCT deal FROM crm_events WHERE kind = '{earlier}' AND deal IS NOT NULL) "
        f"SELECT (SELECT COUNT(*) FROM crm_events WHERE kind = '{earlier}'), COUNT(*), "
        "COALESCE(SUM(CASE WHEN e.started IS NOT NULL OR c.deal IS NOT NULL THEN 1 ELSE 0 END), 0) "
        f"FROM crm_events e LEFT JOIN cases c ON c.deal = e.deal WHERE e.kind = '{later}'",
    )[0]
    return tied / n if n and n_earlier else 0.0


def _register_calendar(connection: duckdb.DuckDBPyConnection, starts: list[dt.date], ends: list[dt.date]) -> None:
    """Tables calendar (day → period), periods, workdays and absent_days."""
    rows = []
    for p, (start, end) in enumerate(zip(starts, ends, strict=True)):
        first = _number(start)
        rows.extend((first + k, p, (start.weekday() + k) % 7 < 5) for k in range((end - start).days))
    days = pd.DataFrame(rows, columns=["day", "p", "workday"])
    connection.register("calendar_all", days)
    _rows(connection, "CREATE TEMP TABLE calendar AS SELECT day, p FROM calendar_all")
    _rows(connection, "CREATE TEMP TABLE workdays AS SELECT day, p FROM calendar_all WHERE workday")
    _rows(
        connection,
        "CREATE TEMP TABLE periods AS SELECT p, MIN(day) AS start_day, MAX(day) AS end_day, "
        "SUM(CASE WHEN workday THEN 1 ELSE 0 END) AS workdays FROM calendar_all GROUP BY p",
    )
    _rows(
        connection,
        "CREATE TEMP TABLE absent_days AS SELECT DISTINCT a.person, w.day FROM absences a "
        "JOIN workdays w ON w.day BETWEEN a.first_day AND a.last_day",
    )


def _finish(frame: pd.DataFrame, plan: _Plan, settings: Settings) -> pd.DataFrame:
    """Name the periods, score the quotas, split at score breaks, drop persons the CRM does not know."""
    frame = frame.sort_values(["person", "p"], ignore_index=True, kind="stable")
    frame.insert(1, "period", pd.to_datetime(frame["p"].map(plan.starts)).astype("datetime64[us]"))
    frame["quota_hit"] = (frame["quota_revenue"] >= frame["quota"]).astype("float64").where(frame["quota"].notna())
    if frame["quota_hit"].notna().sum() == 0:
        plan.facts["missing"].setdefault("quota_hit", "no quota for a whole period (quotas.csv)")
    breaks = score_breaks(frame)
    frame["regime"] = np.searchsorted(np.array(breaks, dtype="int64"), frame["p"].to_numpy(), side="right")
    number = [c for c in frame.columns if c not in ("person", "period", "team", "territory", "p", "regime")]
    frame[number] = frame[number].astype("float64")
    plan.facts["breaks"] = tuple(plan.starts[p] for p in breaks)
    frame = frame.drop(columns=["start_day"])
    frame.attrs["facts"] = Facts(plan.facts)
    return frame


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
    ordered = panel[["person", "p", "ssi"]].dropna()
    change = ordered.groupby("person", sort=False)["ssi"].diff()
    consecutive = ordered.groupby("person", sort=False)["p"].diff() == 1
    change = change[consecutive]
    by_period = change.groupby(ordered.loc[change.index, "p"])
    median, n = by_period.median(), by_period.size()
    same_way = np.maximum(by_period.agg(lambda d: (d > 0).mean()), by_period.agg(lambda d: (d < 0).mean()))
    broken = (median.abs() > BREAK_POINTS) & (same_way >= BREAK_SHARE) & (n >= BREAK_MIN_PEOPLE)
    return sorted(int(p) for p in median.index[broken])


def write_panel(panel: pd.DataFrame, path: Path) -> None:
    """Write the panel as Parquet, whole or not at all."""
    temporary = path.with_name(f".{path.name}.part")
    stored = panel.copy()
    stored.attrs = {"facts": _json_facts(panel.attrs["facts"])}
    stored.to_parquet(temporary, index=False)
    temporary.replace(path)


def read_panel(path: Path) -> pd.DataFrame:
    """Read what `write_panel` wrote, facts included."""
    panel = pd.read_parquet(path)
    facts = dict(panel.attrs["facts"])
    facts["first"], facts["last"] = (dt.date.fromisoformat(facts[name]) for name in ("first", "last"))
    facts["breaks"] = tuple(dt.date.fromisoformat(day) for day in facts["breaks"])
    facts["activity_types"] = tuple(facts["activity_types"])
    panel.attrs["facts"] = Facts(facts)
    return panel


def _json_facts(facts: dict[str, Any]) -> dict[str, Any]:
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
