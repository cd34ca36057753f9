"""The definition of the panel: one SQL text, the same for every engine and every number of rows.

Everything is whole numbers: persons, days since 1970-01-01, periods numbered
by a small calendar table, cents, millionths of a count (as doubles, exact far
beyond any count). So the text needs no date arithmetic and no as-of join, sums
do not depend on the order of the rows, and another engine gives the same
digits. Decimal literals are written with an exponent (``1e2``): that makes
them doubles everywhere.

What reaches over several periods is passed on to them and added up or joined
there: a reading to the periods it is the last one of, a count to the window
after it. That is half the work of window functions, which sort wide rows.

Tables it reads (made by `panel`): ssi, activity, crm_events, deal_events (the
events that share a deal with one of these persons), people, quotas, absences,
types, sources, calendar, periods and steps (0, 1, 2, … periods).
"""

from __future__ import annotations

from dataclasses import dataclass

from ssi_audit import schema

# A kind of event that first shows up this much later than the others was exported from then on:
# before that day it is unknown, not zero.
LATE_KIND_DAYS = 91

PANEL_SQL = """
WITH readings AS (                       -- one row per person and day with at least one score
    SELECT s.person, c.p, c.fresh_p, s.day, s.brand, s.people, s.insights, s.relationships,
           COALESCE(s.total, s.brand + s.people + s.insights + s.relationships) AS ssi,
           LEAD(s.day) OVER (PARTITION BY s.person ORDER BY s.day) AS next_day,
           LEAD(c.p) OVER (PARTITION BY s.person ORDER BY s.day) AS next_p
    FROM ssi s JOIN calendar c ON c.day = s.day
    WHERE COALESCE(s.total, s.brand + s.people + s.insights + s.relationships,
                   s.brand, s.people, s.insights, s.relationships) IS NOT NULL
),
lasting AS (                             -- the last period at whose end it is the last reading, and not stale
    SELECT r.*, CASE WHEN r.next_day = r.day THEN r.p
                     ELSE LEAST(r.fresh_p, COALESCE(r.next_p - 1, r.fresh_p)) END AS last_p
    FROM readings r
),
scores AS (                              -- the last reading at the end of each period
    SELECT r.person, r.p + k.n AS p, r.ssi, r.brand, r.people, r.insights, r.relationships
    FROM lasting r JOIN steps k ON k.n <= {longest} AND r.p + k.n <= r.last_p
),
actions AS (                             -- millionths of a count per person, period and type
    SELECT a.person, c.p, t.type, ROUND(a.count * 1e6) AS n
    FROM activity a JOIN types t ON t.metric = a.metric JOIN calendar c ON c.day = a.day
    WHERE a.first_day IS NULL OR a.first_day >= a.day
    UNION ALL                            -- totals over several days are spread over those days
    SELECT a.person, c.p, t.type, ROUND(a.count * 1e6 / (a.day - a.first_day + 1)) AS n
    FROM activity a JOIN types t ON t.metric = a.metric JOIN calendar c ON c.day BETWEEN a.first_day AND a.day
    WHERE a.first_day < a.day
),
action_counts AS (
    SELECT person, p {act_sums} FROM actions GROUP BY person, p
),
actions_before AS (                      -- over the window before: every count is passed on to the periods after it
    SELECT a.person, a.p + k.n AS p {act_windows}
    FROM action_counts a JOIN steps k ON k.n BETWEEN 1 AND {window}
    WHERE a.p + k.n <= {last_p}
    GROUP BY a.person, a.p + k.n
),
first_logged AS (SELECT person, MIN(p) AS first_p FROM action_counts GROUP BY person),
events AS (
    SELECT e.person, c.p, e.kind, COALESCE(s.class, 'unknown') AS source, e.cents
    FROM crm_events e
    JOIN calendar c ON c.day = e.day
    LEFT JOIN sources s ON s.source = e.source
),
event_counts AS (
    SELECT person, p, {event_sums},
           SUM(CASE WHEN kind = 'deal_won' THEN cents END) AS cents
    FROM events GROUP BY person, p
),
inquiries AS (
    SELECT e.person, e.deal, e.day
    FROM crm_events e LEFT JOIN sources s ON s.source = e.source
    WHERE e.kind = 'inquiry' AND {inquiry_filter}
),
inquiry_cases AS (                       -- an inquiry, once per deal id
    SELECT person, deal, MIN(day) AS day FROM inquiries WHERE deal IS NOT NULL GROUP BY person, deal
    UNION ALL
    SELECT person, deal, day FROM inquiries WHERE deal IS NULL
),
deals AS (                               -- a deal passes from hand to hand: whoever held the meeting or won it;
    SELECT deal,                         -- its case is the first seller's, then by code
           MIN(CASE WHEN kind = 'meeting' THEN day END) AS met,
           MIN(CASE WHEN kind = '{win_kind}' THEN day END) AS opened,
           -- day and code as one number, so that the earliest day decides, then the smallest code
           MIN(CASE WHEN kind = '{win_kind}' THEN (day + 1000000) * CAST(1000000000 AS BIGINT)
                    + COALESCE(person, 999999999) END) % 1000000000 AS seller,
           MIN(CASE WHEN kind = 'deal_won' THEN day END) AS won
    FROM deal_events WHERE deal IS NOT NULL AND kind IN ('meeting', '{win_kind}', 'deal_won') GROUP BY deal
),
cases AS (
    SELECT i.person, i.day, 1 AS asked, CASE WHEN d.met BETWEEN i.day AND i.day + {h_meeting} THEN 1 ELSE 0 END AS met,
           0 AS opened, 0 AS won
    FROM inquiry_cases i LEFT JOIN deals d ON d.deal = i.deal
    UNION ALL                            -- meetings that carry the day of their inquiry but no deal id
    SELECT e.person, e.started, 0, 1, 0, 0
    FROM crm_events e LEFT JOIN sources s ON s.source = e.source
    WHERE e.kind = 'meeting' AND e.deal IS NULL AND e.day BETWEEN e.started AND e.started + {h_meeting}
      AND {inquiry_filter}
    UNION ALL
    SELECT CAST(seller AS INTEGER), opened, 0, 0, 1, CASE WHEN won BETWEEN opened AND opened + {h_win} THEN 1 ELSE 0 END
    FROM deals WHERE opened IS NOT NULL
    UNION ALL
    SELECT person, day, 0, 0, 1, 0 FROM crm_events WHERE kind = '{win_kind}' AND deal IS NULL
    UNION ALL                            -- deals that carry the day of their meeting but no deal id
    SELECT person, started, 0, 0, 0, 1 FROM crm_events
    WHERE kind = 'deal_won' AND deal IS NULL AND day BETWEEN started AND started + {h_win}
),
cohorts AS (
    SELECT a.person, c.p, SUM(a.asked) AS asked, SUM(a.met) AS met, SUM(a.opened) AS opened, SUM(a.won) AS won
    FROM cases a JOIN calendar c ON c.day = a.day GROUP BY a.person, c.p
),
employed AS (                            -- first and last period, and the working days of these off the payroll
    SELECT m.person, m.team, m.territory, m.licence_start, m.hired_on,
           COALESCE(m.hired_on, -100000) AS from_day, COALESCE(m.left_on, 1000000) AS to_day,
           c.p AS from_p, c.before, z.p AS to_p, z.after
    FROM people m
    LEFT JOIN calendar c ON c.day = GREATEST(COALESCE(m.hired_on, {calendar_first}), {calendar_first})
    LEFT JOIN calendar z ON z.day = LEAST(COALESCE(m.left_on, {calendar_last}), {calendar_last})
),
away AS (                                -- working days off
    SELECT m.person, c.p, COUNT(DISTINCT c.day) AS days
    FROM absences a
    JOIN employed m ON m.person = a.person
    JOIN calendar c ON c.day BETWEEN a.first_day AND a.last_day AND c.day BETWEEN m.from_day AND m.to_day
    WHERE c.workday = 1
    GROUP BY m.person, c.p
),
grid AS (                                -- every person in every period of the calendar, with working days on duty
    SELECT m.person, q.p,
           CASE WHEN q.p BETWEEN m.from_p AND m.to_p
                THEN q.workdays - CASE WHEN q.p = m.from_p THEN m.before ELSE 0 END
                     - CASE WHEN q.p = m.to_p THEN m.after ELSE 0 END - COALESCE(a.days, 0)
                ELSE 0 END AS days
    FROM employed m CROSS JOIN periods q
    LEFT JOIN away a ON a.person = m.person AND a.p = q.p
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
quota_rows AS (
    SELECT q.person, q.p, MAX(q.quota) AS quota, SUM(e.cents) AS revenue
    FROM quota_starts q
    LEFT JOIN crm_events e ON e.person = q.person AND e.kind = 'deal_won'
         AND e.day BETWEEN q.period_start AND q.period_end
    GROUP BY q.person, q.p
)
SELECT s.person, s.p, q.start_day,
       x.ssi, x.brand, x.people, x.insights, x.relationships,
       l.ssi AS lead_ssi, l.brand AS lead_brand, l.people AS lead_people, l.insights AS lead_insights,
       l.relationships AS lead_relationships,
       {act_columns},
       {outcome_columns},
       CASE WHEN {meeting_rate_known} AND q.end_day + {h_meeting} <= {last_day} THEN COALESCE(h.met, 0) END
           AS meeting_rate_num,
       CASE WHEN {meeting_rate_known} AND q.end_day + {h_meeting} <= {last_day} THEN COALESCE(h.asked, 0) END
           AS meeting_rate_den,
       CASE WHEN {win_rate_known} AND q.end_day + {h_win} <= {last_day} THEN COALESCE(h.won, 0) END
           AS win_rate_num,
       CASE WHEN {win_rate_known} AND q.end_day + {h_win} <= {last_day} THEN COALESCE(h.opened, 0) END
           AS win_rate_den,
       qr.quota / 1e2 AS quota,
       CASE WHEN qr.quota IS NOT NULL THEN COALESCE(qr.revenue, 0) / 1e2 END AS quota_revenue,
       s.days * 1e0 / q.workdays AS on_duty,
       CASE WHEN m.hired_on IS NOT NULL THEN (q.start_day - m.hired_on) / 7e0 END AS tenure_weeks,
       m.team, m.territory,
       CASE WHEN m.licence_start IS NULL THEN 0 WHEN m.licence_start <= q.start_day THEN 1 ELSE 0 END AS licence
FROM grid s
JOIN periods q ON q.p = s.p
JOIN employed m ON m.person = s.person
LEFT JOIN scores x ON x.person = s.person AND x.p = s.p - 1
LEFT JOIN scores l ON l.person = s.person AND l.p = s.p + {lead}
LEFT JOIN action_counts a ON a.person = s.person AND a.p = s.p
LEFT JOIN actions_before b ON b.person = s.person AND b.p = s.p
LEFT JOIN first_logged f ON f.person = s.person
LEFT JOIN event_counts e ON e.person = s.person AND e.p = s.p
LEFT JOIN cohorts h ON h.person = s.person AND h.p = s.p
LEFT JOIN quota_rows qr ON qr.person = s.person AND qr.p = s.p
WHERE s.p BETWEEN {first_p} AND {last_p} AND s.days > 0
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
    calendar_first, calendar_last : int
        First and last day of the calendar.
    window, lead, longest : int
        Periods; `longest` is how far a reading can last before it is stale.
    meeting_horizon, win_horizon : int
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
    calendar_first: int
    calendar_last: int
    window: int
    lead: int
    longest: int
    meeting_horizon: int
    win_horizon: int


def panel_sql(known: Known) -> str:
    """`PANEL_SQL` without gaps: one row per person and period with somebody on duty, in no order."""
    return PANEL_SQL.format(
        act_sums="".join(f", SUM(CASE WHEN type = '{k}' THEN n END) AS n_{k}" for k in known.types),
        act_windows="".join(f", SUM(a.n_{k}) AS n_{k}" for k in known.types),
        act_columns=", ".join(_activity_columns(kind, known) for kind in schema.ACTIVITY_TYPES),
        event_sums=", ".join(
            f"COUNT(CASE WHEN kind = '{kind}' AND source = '{source}' THEN 1 END) AS {outcome}_{source}"
            for outcome, kind in schema.KIND_OF_OUTCOME.items()
            for source in schema.SOURCES
        ),
        outcome_columns=", ".join(_outcome_columns(known)),
        inquiry_filter="s.class = 'linkedin'" if known.inquiry_source == "linkedin" else "1 = 1",
        win_kind="opportunity" if known.win_denominator == "opportunities" else "meeting",
        meeting_rate_known="1 = 1" if "meeting_rate" not in known.missing else "1 = 0",
        win_rate_known="1 = 1" if "win_rate" not in known.missing else "1 = 0",
        h_meeting=known.meeting_horizon,
        h_win=known.win_horizon,
        first_day=known.first_day,
        last_day=known.last_day,
        first_p=known.first_p,
        last_p=known.last_p,
        lead=known.lead,
        window=known.window,
        longest=known.longest,
        calendar_first=known.calendar_first,
        calendar_last=known.calendar_last,
    )


def _activity_columns(kind: str, known: Known) -> str:
    """Count in the period and over the window before it, where this person's log reaches over the whole stretch."""
    if kind not in known.types:
        return f"CAST(NULL AS DOUBLE) AS act_{kind}, CAST(NULL AS DOUBLE) AS A_{kind}"
    return (
        f"CASE WHEN f.first_p <= s.p AND s.p <= {known.last_logged} "
        f"THEN COALESCE(a.n_{kind}, 0) / 1e6 END AS act_{kind}, "
        f"CASE WHEN f.first_p <= s.p - {known.window} AND s.p - 1 <= {known.last_logged} "
        f"THEN COALESCE(b.n_{kind}, 0) / 1e6 END AS A_{kind}"
    )


def _outcome_columns(known: Known) -> list[str]:
    """Counts: 0 where the kind was recorded and nothing happened, missing where it was not recorded."""
    columns = []
    for outcome, kind in schema.KIND_OF_OUTCOME.items():
        if kind not in known.kind_first:
            recorded = "1 = 0"
        elif known.kind_first[kind] - known.crm_first > LATE_KIND_DAYS:
            recorded = f"q.start_day >= {known.kind_first[kind]}"
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
