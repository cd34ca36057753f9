"""Invented tables of a large organisation as Parquet, written person range by person range.

One million means a million weekly readings, 1.25 million CRM events and 2.1
million activity rows; 24 million is what a company of 150,000 would have
after three years. Nothing is ever whole in memory.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

WEEKS = 156
FIRST = np.datetime64("2023-01-02")
# Rows of each table per reading, as in the organisation that was measured: 24, 30 and 50 million.
EVENTS, ACTIVITY = 30 / 24, 50 / 24
PEOPLE_AT_A_TIME = 8_000
METRICS = ("posts", "searches", "comments", "reactions", "messages_sent", "invitations_sent", "profile_views")
SOURCES = ("LinkedIn", "Website", "Referral", None)


def write_big_tables(folder: Path, million_readings: float, seed: int = 1) -> dict[str, int]:
    """Write ssi, activity, crm_events, people, quotas and absences; returns the number of rows of each."""
    n_people = max(round(million_readings * 1e6 / WEEKS), 20)
    writers: dict[str, pq.ParquetWriter] = {}
    rows: dict[str, int] = {}
    folder.mkdir(parents=True, exist_ok=True)
    for first in range(0, n_people, PEOPLE_AT_A_TIME):
        people = np.arange(first, min(first + PEOPLE_AT_A_TIME, n_people))
        for name, frame in _tables(people, np.random.default_rng([seed, first])).items():
            table = pa.Table.from_pandas(frame, preserve_index=False)
            if name not in writers:
                writers[name] = pq.ParquetWriter(folder / f"{name}.parquet", table.schema)
            writers[name].write_table(table.cast(writers[name].schema))
            rows[name] = rows.get(name, 0) + len(frame)
    for writer in writers.values():
        writer.close()
    return rows


def _tables(people: np.ndarray, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    code = np.array([f"P{number:06d}" for number in people])
    n = len(people)
    pillars = np.clip(12 + rng.normal(0, 3, (n, 1, 4)) + rng.normal(0, 0.4, (n, WEEKS, 4)).cumsum(axis=1), 0, 25)
    pillars = pillars.reshape(-1, 4).round(2)
    weeks = np.tile(np.arange(WEEKS), n)
    ssi = pd.DataFrame(pillars, columns=["brand", "people", "insights", "relationships"])
    ssi.insert(0, "person", np.repeat(code, WEEKS))
    ssi.insert(1, "date", FIRST + (7 * weeks + rng.integers(0, 7, len(weeks))).astype("timedelta64[D]"))
    ssi["total"] = pillars.sum(axis=1)

    n_activity = round(len(ssi) * ACTIVITY)
    who = np.sort(rng.integers(0, n, n_activity))
    activity = pd.DataFrame(
        {
            "person": code[who],
            "date": FIRST + rng.integers(0, 7 * WEEKS, n_activity).astype("timedelta64[D]"),
            "metric": np.array(METRICS)[rng.integers(0, len(METRICS), n_activity)],
            "count": rng.integers(1, 9, n_activity).astype(float),
            "first_day": np.datetime64("NaT"),
        }
    )
    return {
        "ssi": ssi,
        "activity": activity,
        "crm_events": _crm(code, rng, round(len(ssi) * EVENTS)),
        "people": pd.DataFrame(
            {
                "person": code,
                "team": pd.Series([f"T{number % 500:03d}" for number in people], dtype="str"),
                "territory": pd.Series([f"R{number % 12:02d}" for number in people], dtype="str"),
                "hired_on": FIRST - rng.integers(0, 900, n).astype("timedelta64[D]"),
                "left_on": np.full(n, np.datetime64("NaT", "D")),
                "licence_start": FIRST + rng.integers(0, 400, n).astype("timedelta64[D]"),
            }
        ),
        "quotas": pd.DataFrame(
            {
                "person": code,
                "period_start": FIRST + np.timedelta64(91, "D"),
                "period_end": FIRST + np.timedelta64(181, "D"),
                "quota": rng.uniform(1e4, 1e5, n).round(2),
                "currency": pd.Series(["EUR"] * n, dtype="str"),
            }
        ),
        "absences": pd.DataFrame(
            {
                "person": code,
                "first_day": FIRST + rng.integers(0, 7 * WEEKS, n).astype("timedelta64[D]"),
                "last_day": FIRST + np.timedelta64(7 * WEEKS, "D"),
            }
        ).assign(last_day=lambda frame: frame["first_day"] + np.timedelta64(13, "D")),
    }


def _crm(code: np.ndarray, rng: np.random.Generator, n_events: int) -> pd.DataFrame:
    """Half the events are inquiries; half of those lead to a meeting, some of these to a won deal of the same id."""
    n_inquiries = n_events // 2
    n_meetings = round(n_events * 0.35)
    n_won = n_events - n_inquiries - n_meetings
    who = np.sort(rng.integers(0, len(code), n_inquiries))
    began = rng.integers(0, 7 * WEEKS - 120, n_inquiries)
    deal = np.char.add(np.char.add(code[who], "-"), np.arange(n_inquiries).astype(str))
    met = np.sort(rng.choice(n_inquiries, n_meetings, replace=False))
    won = np.sort(rng.choice(met, n_won, replace=False))
    # One meeting in ten is held by a colleague: stages of one deal belong to different people.
    holder = np.where(rng.random(n_meetings) < 0.1, rng.integers(0, len(code), n_meetings), who[met])
    day = np.concatenate(
        [began, began[met] + rng.integers(1, 50, n_meetings), began[won] + rng.integers(50, 119, n_won)]
    )
    chosen = np.concatenate([np.arange(n_inquiries), met, won])
    person = np.concatenate([who, holder, who[won]])
    amount = np.full(n_events, np.nan)
    amount[-n_won:] = rng.lognormal(8, 1, n_won).round(2)
    frame = pd.DataFrame(
        {
            "person": code[person],
            "date": FIRST + day.astype("timedelta64[D]"),
            "kind": np.repeat(["inquiry", "meeting", "deal_won"], [n_inquiries, n_meetings, n_won]),
            "amount": amount,
            "currency": pd.Series(np.where(np.isnan(amount), None, "EUR"), dtype="str"),
            "source": pd.Series(np.array(SOURCES, dtype=object)[rng.integers(0, 4, n_inquiries)[chosen]], dtype="str"),
            "deal": deal[chosen],
            "started": np.datetime64("NaT"),
        }
    )
    return frame.iloc[np.argsort(person, kind="stable")]
