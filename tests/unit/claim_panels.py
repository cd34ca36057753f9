"""Panels drawn straight from a planted truth, with so many events that thirty sellers settle a claim.

Worlds (`ssi_audit.worlds`) are as noisy as life; here the question is only
whether each test ends where the truth is.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ssi_audit import schema
from tests.unit.small_tables import MONDAY

KINDS = tuple(schema.ACTIVITY_TYPES)


def memory(rng: np.random.Generator, shape: tuple[int, int], keep: float = 0.9) -> np.ndarray:
    """Series with a memory and standard deviation 1, one per line."""
    series = rng.normal(size=shape)
    for t in range(1, shape[1]):
        series[:, t] = keep * series[:, t - 1] + np.sqrt(1 - keep**2) * series[:, t]
    return series


def panel(
    n: int = 30,
    weeks: int = 60,
    seed: int = 1,
    *,
    level: np.ndarray | float = 14.0,
    own: float = 6.0,
    activity_moves_score: bool = True,
    on_inquiries: float = 0.0,
    on_meeting_rate: float = 0.0,
    on_win_rate: float = 0.0,
    activity_on_inquiries: float = 0.0,
    per_year: float = 0.0,
    lag: int = 1,
    shape=None,
    pillars_differ: float = 0.5,
    licence_start: np.ndarray | None = None,
    licence_points: float = 0.0,
    missing: dict[str, str] | None = None,
    types: tuple[str, ...] = KINDS,
) -> pd.DataFrame:
    """Sellers whose score, activity and sales follow the arguments.

    Parameters
    ----------
    n, weeks, seed : int
    level : array or float
        Standard deviation between sellers, or each seller's lasting distance from 50 points.
    own : float
        Standard deviation of what moves the score and is in no count.
    on_inquiries, on_meeting_rate, on_win_rate : float
        Log ratio per ten points; `per_year` is added to the first per year of tenure from one year on.
    lag : int
        Weeks between the reading and what it brings.
    shape : callable, optional
        Points → log ratio of inquiries, instead of a straight line.
    pillars_differ : float
        Share of a pillar's movement that is its own.
    licence_start : array, optional
        Period of each seller's licence (NaN: none), which adds `licence_points` within half a year.
    missing, types
        As in the facts of a panel.
    """
    rng = np.random.default_rng(seed)
    total = weeks + 30
    spread = level if isinstance(level, np.ndarray) else rng.normal(0, level, n)
    busy = 0.5 * memory(rng, (n, total)) + (0.03 * spread[:, None] if activity_moves_score else 0)
    moved = 12 * busy if activity_moves_score else 0
    score = 50 + (spread[:, None] if not activity_moves_score else 0.64 * spread[:, None])
    score = score + moved + own * memory(rng, (n, total))
    if licence_start is not None:
        since = np.arange(total) - 30 - np.nan_to_num(licence_start, nan=1e9)[:, None]
        score = score + licence_points * np.clip((since + 1) / 26, 0, 1)
    score = np.clip(score, 1, 99)
    tenure = rng.integers(10, 200, n)[:, None] + np.arange(total)
    x = (np.roll(score, lag - 1, axis=1) - 50) / 10
    effect = on_inquiries * x if shape is None else shape(np.roll(score, lag - 1, axis=1))
    effect = effect + per_year * x * (tenure / 52 - 1)
    u = rng.normal(0, 0.1, (n, 1))
    inquiries = rng.poisson(30 * np.exp(u + effect + activity_on_inquiries * busy))
    meetings = rng.binomial(inquiries, np.clip(0.4 * np.exp(on_meeting_rate * x), 0, 0.95))
    deals = rng.binomial(meetings, np.clip(0.3 * np.exp(on_win_rate * x + rng.normal(0, 0.15, (n, 1))), 0, 0.95))
    revenue = 10_000.0 * deals * rng.lognormal(-0.02, 0.2, deals.shape)
    keep = slice(30, None)
    frame = pd.DataFrame(
        {
            "person": np.repeat([f"P{i + 1:02d}" for i in range(n)], weeks),
            "period": np.tile(pd.date_range(MONDAY, periods=weeks, freq="7D"), n),
            "p": np.tile(np.arange(weeks), n),
            "ssi": score[:, keep].ravel(),
        }
    )
    for k, pillar in enumerate(schema.PILLARS):
        noise = 10 * memory(rng, (n, weeks), 0.5 + 0.1 * k)
        mix = (1 - pillars_differ) * (score[:, keep] - 50) + pillars_differ * noise
        frame[pillar] = np.clip(12.5 + mix / 4, 0, 25).ravel()
    for name in ("ssi", *schema.PILLARS):
        frame[f"lead_{name}"] = np.nan
    for k, kind in enumerate(KINDS):
        counts = np.round((20 + 10 * k) * np.exp(busy[:, keep] + 0.05 * rng.normal(size=(n, weeks))))
        frame[f"act_{kind}"] = counts.ravel() if kind in types else np.nan
        frame[f"A_{kind}"] = 13.0 * counts.ravel() if kind in types else np.nan
    for name, values in {"inquiries": inquiries, "meetings": meetings, "deals": deals, "revenue": revenue}.items():
        frame[name] = values[:, keep].ravel().astype(float)
    frame["opportunities"] = frame["meetings"]
    frame["inquiries_other"] = 0.0
    frame["meeting_rate_num"], frame["meeting_rate_den"] = frame["meetings"], frame["inquiries"]
    frame["win_rate_num"], frame["win_rate_den"] = frame["deals"], frame["meetings"]
    first_of_quarter = frame["p"] % 13 == 0
    usual = frame.groupby("p")["inquiries"].transform("median")
    frame["quota_hit"] = (frame["inquiries"] > usual).astype(float).where(first_of_quarter)
    frame["on_duty"] = 1.0
    frame["tenure_weeks"] = tenure[:, keep].ravel().astype(float)
    frame["team"] = frame["territory"] = "North"
    start = np.full(n, np.nan) if licence_start is None else licence_start
    frame["licence"] = (frame["p"].to_numpy() >= np.repeat(np.nan_to_num(start, nan=1e9), weeks)).astype(float)
    frame["regime"] = 0
    frame.attrs["facts"] = {
        "period": "week", "window": 13, "lead": 13, "first": MONDAY.date(),
        "last": (MONDAY + pd.Timedelta(days=7 * (weeks - 1))).date(), "activity_types": types,
        "inquiry_source": "all", "win_denominator": "meetings", "missing": missing or {}, "breaks": (),
        "currency": "EUR", "left_out": {},
    }  # fmt: skip
    return frame


def tables_beside(frame: pd.DataFrame, activity: pd.DataFrame | None = None, licence=None) -> schema.Tables:
    """Tables that go with a panel: who there is, readings of each week's end, and a log of activity by metric."""
    names = frame["person"].unique()
    start = pd.Series(pd.NaT, index=names, dtype="datetime64[us]")
    if licence is not None:
        dated = ~np.isnan(licence)
        start[dated] = [MONDAY + pd.Timedelta(days=7 * int(week)) for week in licence[dated]]
    people = pd.DataFrame({"person": names, "licence_start": start.to_numpy()})
    ssi = frame[["person", *schema.PILLARS]].assign(
        date=frame["period"] - pd.Timedelta(days=1), total=frame["ssi"], industry_rank=np.nan, network_rank=np.nan
    )
    if activity is None:
        activity = pd.DataFrame(columns=list(schema.ACTIVITY_COLUMNS)).astype({"date": "datetime64[us]"})
    crm = pd.DataFrame(columns=list(schema.CRM_COLUMNS)).astype({"date": "datetime64[us]", "started": "datetime64[us]"})
    empty = {name: pd.DataFrame() for name in ("quotas", "absences", "ledger")}
    return schema.Tables(ssi=ssi, activity=activity, people=people, crm_events=crm, **empty)


def log_of(frame: pd.DataFrame, **metrics: np.ndarray) -> pd.DataFrame:
    """Activity rows: each metric's count per person and week, dated on its Monday, from 13 weeks before the panel."""
    parts = [
        pd.DataFrame({"person": frame["person"], "date": frame["period"], "metric": name, "count": values.ravel()})
        for name, values in metrics.items()
    ]
    log = pd.concat(parts, ignore_index=True)
    before = log[log["date"] == log["date"].min()]
    earlier = [before.assign(date=before["date"] - pd.Timedelta(days=7 * k)) for k in range(1, 14)]
    return pd.concat([*earlier, log], ignore_index=True).assign(first_day=pd.NaT)
