"""The definition of the panel: one SQL text, the same for every engine and every number of rows.

It counts what happened to a person in a period; what the period looks back
on, the last reading and the activity before it, `panel_rows` adds to the rows
of any engine.

Everything is integers: persons by number, days since 1970-01-01, periods
numbered by a small calendar table, cents, millionths of a count. So the text
needs no date arithmetic, sums do not depend on the order of the rows, and
another engine gives the same digits. Decimal literals are written with an
exponent (``1e2``): that makes them doubles everywhere.

Tables it reads (made by `panel`): ssi, activity, crm_events, deal_events (the
events that share a deal with one of these persons), people, quotas, absences,
types, sources, calendar and periods.
"""

from __future__ import annotations

from dataclasses import dataclass

from ssi_audit import schema

# A kind of event that first shows up this much later than the others was exported from then on:
# before that day it is unknown, not zero.
LATE_KIND_DAYS = 91
# Persons and days, or periods, on one line: the days of one person lie this far from those of the next.
APART = 1 << 32

READINGS_SQL = """
SELECT person, day, COALESCE(total, brand + people + insights + relationships) AS ssi,
       brand, people, insights, relationships
FROM ssi
WHERE COALESCE(total, brand + people + insights + relationships, brand, people, insights, relationships) IS NOT NULL
"""

PANEL_SQL = """
WITH logged AS (
    SELECT a.person, a.day, a.first_day, t.type, a.count * 1000000 AS millionths
    FROM activity a JOIN types t ON t.metric = a.metric
),
actions AS (                             -- millionths of a count per person, period and type
    SELECT a.person, c.p, a.type, CAST(ROUND(a.millionths) AS BIGINT) AS n
    FROM logged a JOIN calendar c ON c.day = a.day
    WHERE a.first_day IS NULL OR a.first_day >= a.day
    UNION ALL                            -- totals over several days are spread over those days
    SELECT a.person, c.p, a.type, CAST(ROUND(a.millionths / (a.day - a.first_day + 1)) AS BIGINT) AS n
    FROM logged a JOIN calendar c ON c.day BETWEEN a.first_day AND a.day
    WHERE a.first_day < a.day
),
action_counts AS (
    SELECT person, p {act_sums} FROM actions GROUP BY person, p
),
first_logged AS (SELECT person, MIN(p) AS first_p FROM action_counts GROUP BY person),
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
deals AS (                               -- a deal passes from hand to hand: first days, whoever held them, and
    SELECT deal,                         -- its case (meeting or opportunity), one seller each: the first, then by code
           MIN(CASE WHEN kind = 'meeting' THEN day END) AS met,
           MIN(CASE WHEN kind = 'deal_won' THEN day END) AS won,
           MIN(CASE WHEN kind = '{win_kind}' THEN day * {apart} + COALESCE(person, {nobody}) END) AS first_case
    FROM deal_events WHERE deal IS NOT NULL GROUP BY deal
),
meeting_cohort AS (
    SELECT i.person, c.p, COUNT(*) AS den,
           COUNT(CASE WHEN d.met BETWEEN i.day AND i.day + {h_meeting} THEN 1 END) AS num
    FROM inquiry_cases i
    JOIN calendar c ON c.day = i.day
    LEFT JOIN deals d ON d.deal = i.deal
    GROUP BY i.person, c.p
    UNION ALL                            -- meetings that carry the day of their inquiry but no deal id
    SELECT e.person, c.p, 0 AS den, COUNT(*) AS num
    FROM events e JOIN calendar c ON c.day = e.started
    WHERE e.kind = 'meeting' AND e.deal IS NULL AND e.day BETWEEN e.started AND e.started + {h_meeting}
      AND {inquiry_filter}
    GROUP BY e.person, c.p
),
first_case AS (
    SELECT CAST(first_case % {apart} AS INTEGER) AS person, CAST(first_case // {apart} AS INTEGER) AS day, won
    FROM deals WHERE first_case IS NOT NULL
),
win_cohort AS (
    SELECT f.person, c.p, COUNT(*) AS den,
           COUNT(CASE WHEN f.won BETWEEN f.day AND f.day + {h_win} THEN 1 END) AS num
    FROM first_case f
    JOIN calendar c ON c.day = f.day
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
meeting_rate AS (
    SELECT person, p, CAST(SUM(num) AS BIGINT) AS num, CAST(SUM(den) AS BIGINT) AS den
    FROM meeting_cohort GROUP BY person, p
),
win_rate AS (
    SELECT person, p, CAST(SUM(num) AS BIGINT) AS num, CAST(SUM(den) AS BIGINT) AS den
    FROM win_cohort GROUP BY person, p
),
employed AS (
    SELECT person, team, territory, licence_start,
           hired_on,
           COALESCE(hired_on, -100000) AS from_day,
           COALESCE(left_on, 1000000) AS to_day
    FROM people
),
away AS (                                -- working days off
    SELECT m.person, c.p, COUNT(DISTINCT c.day) AS days
    FROM absences a
    JOIN employed m ON m.person = a.person
    JOIN calendar c ON c.day BETWEEN a.first_day AND a.last_day AND c.day BETWEEN m.from_day AND m.to_day
    WHERE c.workday = 1
    GROUP BY m.person, c.p
),
stretches AS (                           -- every person in every period of the calendar
    SELECT m.person, q.p, q.start_day, q.end_day, q.workdays,
           GREATEST(m.from_day, q.start_day) AS from_day, LEAST(m.to_day, q.end_day) AS to_day
    FROM employed m CROSS JOIN periods q
),
grid AS (                                -- working days on duty: the difference of their running numbers
    SELECT t.person, t.p, t.start_day, t.end_day, t.workdays,
           COALESCE(z.worked - c.worked + c.workday, 0) - COALESCE(a.days, 0) AS days
    FROM stretches t
    LEFT JOIN calendar c ON c.day = t.from_day
    LEFT JOIN calendar z ON z.day = t.to_day
    LEFT JOIN away a ON a.person = t.person AND a.p = t.p
),
quota_starts AS (                        -- a quota period stands in the first row of its days with somebody on duty
    SELECT q.person, q.period_start, q.period_end, MAX(q.cents) AS quota, MIN(d.p) AS p
    FROM quotas q
    JOIN calendar c ON c.day = q.period_start
    JOIN calendar z ON z.day = q.period_end
    JOIN grid d ON d.person = q.person AND d.p BETWEEN c.p AND z.p AND d.days > 0
    WHERE q.period_end <= {last_day} AND q.period_start >= {first_day} AND q.cents > 0
    GROUP BY q.person, q.period_start, q.period_end
),
quota_turns AS (                         -- in one row, as a year and its first quarter: the last to begin, the shortest
    SELECT person, p, period_start, period_end, quota,
           ROW_NUMBER() OVER (PARTITION BY person, p ORDER BY period_start DESC, period_end) AS k
    FROM quota_starts
),
quota_rows AS (
    SELECT q.person, q.p, MAX(q.quota) AS quota, SUM(e.cents) AS revenue
    FROM quota_turns q
    LEFT JOIN crm_events e ON e.person = q.person AND e.kind = 'deal_won'
         AND e.day BETWEEN q.period_start AND q.period_end
    WHERE q.k = 1
    GROUP BY q.person, q.p
)
SELECT s.person, s.p, f.first_p AS first_logged,
       {act_columns}
       {outcome_columns},
       CASE WHEN {meeting_rate_known} AND s.end_day + {h_meeting} <= {last_day} THEN COALESCE(mr.num, 0) END
           AS meeting_rate_num,
       CASE WHEN {meeting_rate_known} AND s.end_day + {h_meeting} <= {last_day} THEN COALESCE(mr.den, 0) END
           AS meeting_rate_den,
       CASE WHEN {win_rate_known} AND s.end_day + {h_win} <= {last_day} THEN COALESCE(wr.num, 0) END
           AS win_rate_num,
       CASE WHEN {win_rate_known} AND s.end_day + {h_win} <= {last_day} THEN COALESCE(wr.den, 0) END
           AS win_rate_den,
       qr.quota / 1e2 AS quota,
       CASE WHEN qr.quota IS NOT NULL THEN COALESCE(qr.revenue, 0) / 1e2 END AS quota_revenue,
       s.days * 1e0 / s.workdays AS on_duty,
       CASE WHEN m.hired_on IS NOT NULL THEN (s.start_day - m.hired_on) / 7e0 END AS tenure_weeks,
       m.team, m.territory,
       CASE WHEN m.licence_start IS NULL THEN 0 WHEN m.licence_start <= s.start_day THEN 1 ELSE 0 END AS licence
FROM grid s
JOIN employed m ON m.person = s.person
LEFT JOIN action_counts a ON a.person = s.person AND a.p = s.p
LEFT JOIN first_logged f ON f.person = s.person
LEFT JOIN event_counts e ON e.person = s.person AND e.p = s.p
LEFT JOIN meeting_rate mr ON mr.person = s.person AND mr.p = s.p
LEFT JOIN win_rate wr ON wr.person = s.person AND wr.p = s.p
LEFT JOIN quota_rows qr ON qr.person = s.person AND qr.p = s.p
WHERE s.p BETWEEN {first_p} - {window} AND {last_p}
"""


@dataclass(frozen=True)
class Known:
    """What the whole input says, and so no single bucket of persons can decide.

    Attributes
    ----------
    types : tuple of str
        Types of activity with a logged action.
    last_logged : int
        Last period with one, -1 without any.
    kind_first : dict of str to int
        Kind of CRM event → day of the first.
    crm_first : int
        Day of the first event of any kind.
    missing : dict of str to str
        Outcome → why it is not in the panel.
    inquiry_source : {"linkedin", "all"}
    win_denominator : {"meetings", "opportunities", ""}
    first_day, last_day, first_p, last_p : int
        Days and periods that the CRM events cover.
    window, lead : int
        Periods.
    stale, meeting_horizon, win_horizon : int
        Days.
    """

    types: tuple[str, ...]
    last_logged: int
    kind_first: dict[str, int]
    crm_first: int
    missing: dict[str, str]
    inquiry_source: str
    win_denominator: str
    first_day: int
    last_day: int
    first_p: int
    last_p: int
    window: int
    lead: int
    stale: int
    meeting_horizon: int
    win_horizon: int


def panel_sql(known: Known) -> str:
    """`PANEL_SQL` without gaps: every person in every period from a window before the first one on, in no order."""
    return PANEL_SQL.format(
        act_sums="".join(
            f", CAST(SUM(CASE WHEN type = '{k}' THEN n END) AS BIGINT) AS {count_name(k)}" for k in known.types
        ),
        act_columns="".join(f"a.{count_name(k)}, " for k in known.types),
        event_sums=", ".join(
            f"COUNT(CASE WHEN kind = '{kind}' AND source = '{source}' THEN 1 END) AS {outcome}_{source}"
            for outcome, kind in schema.KIND_OF_OUTCOME.items()
            for source in schema.SOURCES
        ),
        outcome_columns=", ".join(_outcome_columns(known)),
        inquiry_filter="source = 'linkedin'" if known.inquiry_source == "linkedin" else "1 = 1",
        win_kind="opportunity" if known.win_denominator == "opportunities" else "meeting",
        meeting_rate_known="1 = 1" if "meeting_rate" not in known.missing else "1 = 0",
        win_rate_known="1 = 1" if "win_rate" not in known.missing else "1 = 0",
        h_meeting=known.meeting_horizon,
        h_win=known.win_horizon,
        first_day=known.first_day,
        last_day=known.last_day,
        first_p=known.first_p,
        last_p=known.last_p,
        window=known.window,
        apart=APART,
        nobody=APART // 2 - 1,
    )


def count_name(kind: str) -> str:
    """Column of what the SQL counts of a type of activity: millionths."""
    return f"n_{kind}"


def _outcome_columns(known: Known) -> list[str]:
    """Counts: 0 where the kind was recorded and nothing happened, missing where it was not recorded."""
    columns = []
    for outcome, kind in schema.KIND_OF_OUTCOME.items():
        if kind not in known.kind_first:
            recorded = "1 = 0"
        elif known.kind_first[kind] - known.crm_first > LATE_KIND_DAYS:
            recorded = f"s.start_day >= {known.kind_first[kind]}"
        else:
            recorded = "1 = 1"
        by_source = {source: f"COALESCE(e.{outcome}_{source}, 0)" for source in schema.SOURCES}
        counted = " + ".join(by_source.values())
        if outcome == "inquiries" and known.inquiry_source == "linkedin":
            counted = by_source["linkedin"]
        columns.append(f"CASE WHEN {recorded} THEN {counted} END AS {outcome}")
        columns.extend(
            f"CASE WHEN {recorded} THEN {sql} END AS {outcome}_{source}" for source, sql in by_source.items()
        )
        if outcome == "deals":
            paid = recorded if "revenue" not in known.missing else "1 = 0"
            columns.append(f"CASE WHEN {paid} THEN COALESCE(e.cents, 0) / 1e2 END AS revenue")
    return columns
