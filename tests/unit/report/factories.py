"""Audits made by hand, one for each answer a page must be able to give.

The numbers are invented; only their shape matters: which range includes
zero, which verdict the rule gives for them, what is missing.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math

import numpy as np

from ssi_audit import schema
from ssi_audit.report.context import PageContext
from ssi_audit.results import (
    ActivityLink,
    Audit,
    Cell,
    ClaimResult,
    Correlation,
    Fit,
    Indicator,
    Overall,
    TrustCheck,
)
from ssi_audit.stats.pictures import Scatter, scatter

MEANS = {
    "inquiries": 54.3, "meetings": 27.2, "meeting_rate": 0.5, "win_rate": 0.154, "deals": 4.2,
    "revenue": 41_250.0, "opportunities": 18.4, "quota_hit": 0.46,
}  # fmt: skip
MAIN = (*schema.PRIMARY_OUTCOMES, "deals")
NO_FIT = Fit(why="only 3 people have an event")
NO_LINK = Correlation(why="fewer than 3 people have two quarters with both values")


def fit(rr: float, se: float, outcome: str, **changes: object) -> Fit:
    """A ratio with its ranges from a standard error on the log scale."""
    log = math.log(rr)
    made = Fit(
        rr=rr,
        low=math.exp(log - 2.02 * se),
        high=math.exp(log + 2.02 * se),
        low90=math.exp(log - 1.68 * se),
        high90=math.exp(log + 1.68 * se),
        p=0.01 if abs(log) > 2.02 * se else 0.4,
        p_holm=0.03 if abs(log) > 2.4 * se else 0.9,
        p_wild=0.02 if abs(log) > 2.02 * se else 0.4,
        df=38.0,
        se_log=se,
        n_people=40,
        n_rows=4012,
        n_events=900.0,
        mdrr=math.exp(2.87 * se),
        needed_multiple=(se * (1.68 + 1.3) / math.log(schema.SESOI[outcome])) ** 2,
        mean=MEANS[outcome],
    )
    return dataclasses.replace(made, **changes)


def link(r: float, half: float = 0.16, n_people: int = 40) -> Correlation:
    """A link with a symmetric range."""
    return Correlation(r, max(-1.0, r - half), min(1.0, r + half), n_people=n_people, n_rows=8 * n_people)


def cell(
    exposure: str, outcome: str, crude: Fit, adjusted: Fit, linked: Correlation, verdict: str, reason: str, *flags: str
) -> Cell:
    """A cell whose other measures do not matter here."""
    return Cell(
        exposure, outcome, verdict, flags, reason, crude, adjusted,
        between=crude, lead_placebo=NO_FIT, negative_control=NO_FIT, spearman_between=linked, rmcorr=linked,
        link=linked, strict=schema.INCONCLUSIVE, loose=verdict,
    )  # fmt: skip


def cells(table: dict[str, tuple], pillar_links: dict[str, dict[str, float]], half: float) -> tuple[Cell, ...]:
    """The total's cells from (crude rr, adjusted rr, se, link, verdict, reason, *flags); pillars from their links."""
    made = [
        cell("total", outcome, fit(crude, se * 0.6, outcome), fit(adjusted, se, outcome), link(r, half), *rest)
        for outcome, (crude, adjusted, se, r, *rest) in table.items()
    ]
    for pillar, links in pillar_links.items():
        made.extend(
            cell(
                pillar, outcome, fit(1.0 + r / 5, 0.03, outcome), fit(1.0, 0.04, outcome), link(r, half),
                schema.INCONCLUSIVE, "too_wide",
            )
            for outcome, r in links.items()
        )  # fmt: skip
    return tuple(made)


PILLAR_LINKS = {
    "brand": {"inquiries": 0.31, "meetings": 0.10, "deals": 0.06},
    "people": {"inquiries": 0.04, "meetings": -0.01, "deals": -0.07},
    "insights": {"inquiries": 0.16, "meetings": 0.06, "deals": -0.02},
    "relationships": {"inquiries": 0.15, "meetings": 0.15, "deals": 0.14},
}
ACTIVITY = {"total": 0.72, "brand": 0.56, "people": 0.49, "insights": 0.64, "relationships": 0.32}


def activity(links: dict[str, float] | None = None, status: str = "yes", r2: float = 0.62, half: float = 0.09):
    """K1 with all four types logged."""
    made = {name: link(r, half) for name, r in (links or ACTIVITY).items()}
    return ActivityLink(status, r2, made, tuple(schema.ACTIVITY_TYPES), (), n_people=40, n_rows=4012)


def data(people: int = 40, periods: int = 104) -> dict[str, object]:
    """Counts and coverage as `evidence.data_facts` gives them."""
    return {
        "people": people, "periods": periods, "period": "week", "start": "2024-01-01", "end": "2025-12-28",
        "rows": people * periods, "fingerprint": "3f9a" + "0" * 58 + "c1", "sample": True,
        "ledger": {"received": 21_400, "used": 20_900, "skipped": 320, "unmatched": 180},
    }  # fmt: skip


TRUST = (
    TrustCheck("enough", "pass", {"n_people": 40, "mdrr": 1.12}),
    TrustCheck("matched", "pass", {"share": 0.94, "left_out": 180}),
    TrustCheck("complete", "pass", {"known": 99, "n": 104}),
    TrustCheck("score_break", "care", {"dates": ["2025-05-05"]}),
    TrustCheck("activity_log", "pass", {"pillars": []}),
    TrustCheck("small_teams", "fail", {"teams": 9, "large": 0, "least": 10}),
)
WATCH = (
    Indicator("meeting_rate", 0.084, 0.041, 0.127, 40),
    Indicator("ssi", 0.003, -0.008, 0.014, 40),
    Indicator("reply_rate", 0.052, 0.019, 0.085, 40),
    Indicator("speed", 0.047, 0.011, 0.083, 40),
    Indicator("connections", 0.006, -0.012, 0.024, 40),
    Indicator("win_rate", math.nan, math.nan, math.nan, 0, left_out="contains_outcome"),
)
CLAIMS = (
    ClaimResult("more-opportunities", "contradicted", 1.04, 0.97, 1.12, 1.45, unit="ratio", side="for", n_people=40,
                details={"implied_link": [0.09, 0.15]}),
    ClaimResult("quota", "not_testable", claimed=1.51, side="for", reason="no quotas.csv"),
    ClaimResult("outsell-peers", "not_enough_data", 0.55, 0.38, 0.71, 0.78, unit="probability", side="for"),
    ClaimResult("measures-activity", "supported", 0.62, 0.55, 0.69, unit="share", side="against"),
    ClaimResult("pillars-overlap", "supported_smaller", 3.1, 2.2, 4.0, 5.0, side="against"),
)  # fmt: skip


def specification(n: int = 48, agree: int = 46, center: float = 1.0) -> dict[str, object]:
    """Analyses around a ratio; the last ones disagree."""
    rng = np.random.default_rng(7)
    ratios = np.sort(center + rng.normal(0, 0.03, n))
    rows = [
        {"ratio": float(r), "low": float(r - 0.08), "high": float(r + 0.08), "agrees": i < agree, "label": f"way {i}"}
        for i, r in enumerate(ratios)
    ]
    for row in rows[agree:]:
        row.update(ratio=row["ratio"] + 0.1, low=row["low"] + 0.12, high=row["high"] + 0.1)
    return {"rows": rows}


def pictures(slope: float = 0.0, n: int = 40) -> dict[str, Scatter]:
    """The two scatter panels."""
    rng = np.random.default_rng(3)
    ssi = rng.normal(50, 12, n).clip(10, 90)
    actions = (0.4 * ssi + rng.normal(0, 4, n)).clip(0)
    deals = (4.2 + slope * (ssi - 50) + rng.normal(0, 1.6, n)).clip(0)
    return {"activity": scatter(ssi, actions), "deals": scatter(ssi, deals)}


def _audit(verdict: str, volume: str, effectiveness: str, made: tuple[Cell, ...], **changes: object) -> Audit:
    flags = tuple(dict.fromkeys(flag for item in made for flag in item.flags))
    k1 = changes.pop("activity", activity())
    base = Audit(
        data=data(),
        overall=Overall(verdict, volume, effectiveness, k1.status, k1.r2, flags=flags),
        activity=k1,
        cells=made,
        claims=CLAIMS,
        watch=WATCH,
        trust=TRUST,
        specification=specification(),
        settings_fingerprint="b7" * 32,
        version="1.0",
    )
    return dataclasses.replace(base, **changes)


GAUGE, NOTHING = schema.ACTIVITY_GAUGE, schema.NO_ASSOCIATION
EARLY, BETTER, OPEN = schema.LEADING_INDICATOR, schema.EFFECTIVENESS_MEASURE, schema.INCONCLUSIVE


def activity_gauge() -> Audit:
    """The mock's organisation: the score follows activity, the link fades."""
    table = {
        "inquiries": (1.11, 1.01, 0.03, 0.22, GAUGE, "only_activity"),
        "meetings": (1.09, 1.00, 0.03, 0.11, GAUGE, "only_activity"),
        "meeting_rate": (1.00, 1.01, 0.03, 0.02, NOTHING, "both_nil"),
        "win_rate": (1.00, 1.01, 0.05, 0.01, NOTHING, "both_nil"),
        "deals": (1.02, 1.01, 0.05, 0.03, NOTHING, "both_nil"),
    }
    return _audit(GAUGE, GAUGE, NOTHING, cells(table, PILLAR_LINKS, 0.17))


def no_association() -> Audit:
    """Nothing goes with anything, and the ranges are narrow."""
    table = dict.fromkeys(
        ("inquiries", "meetings", "meeting_rate", "win_rate", "deals"), (1.0, 1.0, 0.02, 0.01, NOTHING, "both_nil")
    )
    low = {pillar: dict.fromkeys(("inquiries", "meetings", "deals"), 0.01) for pillar in schema.PILLARS}
    k1 = activity(dict.fromkeys(schema.EXPOSURES, 0.02), "no", 0.02)
    return _audit(NOTHING, NOTHING, NOTHING, cells(table, low, 0.08), activity=k1)


def leading() -> Audit:
    """More inquiries and meetings beyond activity; conversion does not move."""
    table = {
        "inquiries": (1.31, 1.24, 0.04, 0.51, EARLY, "beyond_activity"),
        "meetings": (1.29, 1.22, 0.05, 0.44, EARLY, "beyond_activity"),
        "meeting_rate": (1.00, 1.01, 0.03, 0.02, NOTHING, "both_nil"),
        "win_rate": (1.00, 0.99, 0.05, 0.01, NOTHING, "both_nil"),
        "deals": (1.26, 1.19, 0.09, 0.24, EARLY, "beyond_activity"),
    }
    return _audit(EARLY, EARLY, NOTHING, cells(table, PILLAR_LINKS, 0.16), specification=specification(center=1.2))


def effectiveness() -> Audit:
    """Better conversion from meeting to deal beyond activity."""
    table = {
        "inquiries": (1.07, 1.00, 0.03, 0.14, GAUGE, "only_activity"),
        "meetings": (1.22, 1.15, 0.04, 0.38, OPEN, "activity_not_ruled_out", "activity_log_incomplete"),
        "meeting_rate": (1.14, 1.14, 0.03, 0.41, BETTER, "beyond_activity"),
        "win_rate": (1.31, 1.30, 0.05, 0.46, BETTER, "beyond_activity"),
        "deals": (1.50, 1.46, 0.07, 0.57, OPEN, "activity_not_ruled_out"),
    }
    strong = {pillar: {"inquiries": 0.12, "meetings": 0.33, "deals": 0.44} for pillar in schema.PILLARS}
    return _audit(
        BETTER, OPEN, BETTER, cells(table, strong, 0.16), specification=specification(48, 41, 1.3), trust=TRUST[:3]
    )


def inconclusive() -> Audit:
    """Twelve sellers and one year: nothing about sales can be told."""
    table = {
        "inquiries": (1.02, 1.03, 0.09, 0.10, OPEN, "too_wide"),
        "meetings": (1.05, 1.01, 0.11, 0.08, OPEN, "too_wide"),
        "meeting_rate": (1.01, 1.02, 0.08, 0.05, OPEN, "too_wide"),
        "win_rate": (0.97, 1.06, 0.20, -0.04, OPEN, "too_wide"),
        "deals": (1.03, 1.08, 0.21, 0.06, OPEN, "too_wide"),
    }
    trust = (
        TrustCheck("enough", "fail", {"n_people": 12, "mdrr": 1.39}),
        TrustCheck("matched", "care", {"share": 0.81, "left_out": 77}),
        TrustCheck("complete", "pass", {"known": 50, "n": 52}),
        TrustCheck("score_break", "pass", {"dates": []}),
    )
    watch = tuple(dataclasses.replace(item, low=item.low - 0.2, high=item.high + 0.2) for item in WATCH)
    return _audit(
        OPEN, OPEN, OPEN, cells(table, PILLAR_LINKS, 0.42), activity=activity(half=0.2),
        data=data(12, 52), trust=trust, watch=watch, specification={},
        claims=tuple(dataclasses.replace(item, state="not_enough_data") for item in CLAIMS),
    )  # fmt: skip


def negative() -> Audit:
    """Higher scores, fewer meetings out of inquiries, at equal activity."""
    table = {
        "inquiries": (1.08, 1.01, 0.03, 0.18, GAUGE, "only_activity"),
        "meetings": (1.04, 1.00, 0.03, 0.06, NOTHING, "both_nil"),
        "meeting_rate": (0.95, 0.93, 0.02, -0.24, GAUGE, "negative", "negative"),
        "win_rate": (0.98, 0.97, 0.05, -0.04, NOTHING, "both_nil"),
        "deals": (0.96, 0.95, 0.05, -0.21, NOTHING, "both_nil"),
    }
    return _audit(GAUGE, GAUGE, NOTHING, cells(table, PILLAR_LINKS, 0.16))


def flagged() -> Audit:
    """Every flag at once: the first screen at its fullest."""
    table = {
        "inquiries": (1.25, 1.19, 0.04, 0.41, OPEN, "lead_placebo", "lead_placebo", "activity_log_incomplete"),
        "meetings": (1.20, 1.15, 0.05, 0.35, OPEN, "negative_control", "negative_control"),
        "meeting_rate": (0.95, 0.93, 0.02, -0.24, GAUGE, "negative", "negative"),
        "win_rate": (1.00, 1.02, 0.09, 0.05, OPEN, "too_wide"),
        "deals": (1.15, 1.10, 0.09, 0.20, OPEN, "too_wide"),
    }
    made = _audit(OPEN, OPEN, OPEN, cells(table, PILLAR_LINKS, 0.2))
    flags = ("negative", "lead_placebo", "negative_control", "activity_log_incomplete", "score_break")
    return dataclasses.replace(made, overall=dataclasses.replace(made.overall, flags=flags))


def no_activity() -> Audit:
    """No LinkedIn archive, so no activity at all."""
    table = dict.fromkeys(
        ("inquiries", "meetings", "meeting_rate", "win_rate", "deals"),
        (1.05, 1.0, 0.06, 0.12, OPEN, "no_activity_data"),
    )
    made = tuple(dataclasses.replace(item, adjusted=NO_FIT) for item in cells(table, PILLAR_LINKS, 0.2))
    k1 = ActivityLink("unknown", math.nan, {}, (), schema.PILLARS, why="no LinkedIn activity in the files")
    trust = (*TRUST[:3], TrustCheck("activity_log", "fail", {"pillars": list(schema.PILLARS)}))
    return _audit(OPEN, OPEN, OPEN, made, activity=k1, trust=trust)


def no_deals() -> Audit:
    """A CRM export without a single closed deal."""
    made = []
    for item in inconclusive().cells:
        if item.outcome in ("deals", "win_rate"):
            none = Fit(n_people=12, n_rows=600, n_events=0.0, why="no event")
            item = dataclasses.replace(item, crude=none, adjusted=none, link=NO_LINK, reason="no_estimate")
        made.append(item)
    return dataclasses.replace(inconclusive(), cells=tuple(made), watch=())


def empty() -> Audit:
    """One seller, nothing computed: the page stays whole and says what is missing."""
    k1 = ActivityLink("unknown", math.nan, {}, (), schema.PILLARS, why="no LinkedIn activity in the files")
    return Audit(data(1, 3), Overall(OPEN, OPEN, OPEN, "unknown", math.nan), k1, ())


ALL = {
    made.__name__: made
    for made in (
        activity_gauge, no_association, leading, effectiveness, inconclusive, negative, flagged,
        no_activity, no_deals, empty,
    )
}  # fmt: skip


def context(language: str = "en", **changes: object) -> PageContext:
    """The frame of a page."""
    base = PageContext(
        organisation="Northwind",
        n_teams=9,
        start=dt.date(2024, 1, 1),
        end=dt.date(2025, 12, 28),
        n_people=40,
        sample=True,
        run_date=dt.date(2026, 1, 14),
        version="1.0",
        fingerprint="3f9a" + "0" * 58 + "c1",
        settings_fingerprint="b7" * 32,
        links={
            "01-data-quality": "01-data-quality.html",
            **{f"02-correlation-{name}": f"02-correlation-{name}.html" for name in schema.EXPOSURES},
            **{f"03-regression-{name}": f"03-regression-{name}.html" for name in schema.EXPOSURES},
            "04-claims": "04-claims.html",
            "05-limits": "05-limits.html",
            "glossary": "glossary.html",
        },
        language=language,
        currency="EUR",
    )
    return dataclasses.replace(base, **changes)
