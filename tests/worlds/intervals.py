"""Every interval that a run prints, and what is true of it in a world where no score goes with any sales.

The list is not written down: whatever has a ``low`` and a ``high`` in `answer.json` is an interval, and so is what
the correlation pages add. An interval that appears later without a truth here fails a test.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from ssi_audit import schema
from ssi_audit.design import columns
from ssi_audit.links import correlate
from ssi_audit.results import Audit

ESTIMATES = ("estimate", "rr", "r", "ratio", "skill", "slope", "points")
# Names of list entries, the first that an entry has.
NAMES = ("id", "name", "stage", "exposure", "weeks", "tenure_weeks", "from")
PAGE_METHODS = ("partial", "kendall_between")
LINKS = ("spearman_between", "rmcorr", "link", *PAGE_METHODS)
# Held-out skill and R2: their truth is what is expected at this size of team, the mean over many teams.
EXPECTED = "expected at this size"
LARGE = "in a large team"


def printed(found: Audit) -> Iterator[tuple[str, float, float, float]]:
    """Name, estimate, low and high of every interval in `answer.json`."""
    yield from _within(found.to_dict(), ())


def on_pages(panel: pd.DataFrame, seed: int = 1) -> Iterator[tuple[str, float, float, float]]:
    """The same for what the correlation pages compute themselves."""
    given = columns(panel)
    for exposure in schema.EXPOSURES:
        for outcome in schema.OUTCOMES:
            for method in PAGE_METHODS:
                link = correlate(given, exposure, outcome, method, seed=seed)
                if link.known and math.isfinite(link.low):
                    yield f"pages/{exposure}:{outcome}/{method}", link.r, link.low, link.high


def _within(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, float, float, float]]:
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from _within(item, (*path, _name(item, place)))
    if not isinstance(value, dict):
        return
    low, high = value.get("low"), value.get("high")
    # The band that others are compared with is 1 by definition; counts of groups have these keys, too.
    if isinstance(low, float) and isinstance(high, float) and not low == high == 1:
        estimate = next((value[key] for key in ESTIMATES if isinstance(value.get(key), float)), math.nan)
        yield "/".join(path), estimate, low, high
    for key, item in value.items():
        yield from _within(item, (*path, str(key)))


def _name(item: Any, place: int) -> str:
    if not isinstance(item, dict):
        return str(place)
    if "choices" in item:
        return "|".join(item["choices"].values())
    if "exposure" in item and "outcome" in item:
        return f"{item['exposure']}:{item['outcome']}"
    return next((str(item[key]) for key in NAMES if key in item), str(place))


def kind_of(name: str) -> str:
    """What intervals are counted together: one number of all outcomes, one claim, the watched indicators."""
    part, *rest = name.split("/")
    if part in ("cells", "pages"):
        return f"{rest[-1]}, {'total' if rest[0].startswith('total') else 'pillars'}"
    if part == "claims":
        return f"claim {rest[0]}" if "skill_gain" not in rest else "skill gain"
    return {"activity": "links with activity", "specification": "other analyses", "watch": "what to watch"}[part]


def truth_of(name: str) -> float | str:
    """Truth in `null`: a number, or that it is known `EXPECTED` or `LARGE` only; "" where nothing is defined
    or where the interval repeats another one.

    Raises
    ------
    KeyError
        For an interval nobody has thought about.
    """
    part, *rest = name.split("/")
    if part in ("cells", "pages"):
        return 0.0 if rest[-1] in LINKS else 1.0
    if part in ("activity", "specification", "watch"):
        return {"activity": LARGE, "specification": 1.0, "watch": EXPECTED}[part]
    return OF_CLAIM[rest[0]](rest[1:])


OF_CLAIM = {
    **dict.fromkeys(
        (
            "more-opportunities", "quota", "higher-is-better", "every-pillar-counts", "early-funnel", "pays-off-later",
            "not-effectiveness", "nothing-on-closing", "beginners-only", "small-gaps-mean-nothing",
        ),
        lambda rest: 1.0,
    ),
    "outsell-peers": lambda rest: 0.5 if not rest or rest[-1] == "share" else 1.0,
    # Of a link that does not exist no share can be explained.
    "only-through-activity": lambda rest: {"skill_gain": EXPECTED, "share_explained": ""}.get((rest or [""])[-1], 1.0),
    "spammer-above-closer": lambda rest: 0.5,
    "low-starters-rise-faster": lambda rest: 0.0,
    "measures-activity": lambda rest: EXPECTED,
    # The headline repeats the best indicator, or the level that overlaps more: one of those listed below it.
    "watch-these-instead": lambda rest: EXPECTED if rest else "",
    "pillars-overlap": lambda rest: LARGE if rest else "",
    # The headline repeats the published contrast or the line: mostly the line in small teams, the other in large ones.
    "productive-prospecting": lambda rest: LARGE if rest else "",
    "passive-score-low": lambda rest: LARGE,
}  # fmt: skip
