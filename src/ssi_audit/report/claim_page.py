"""The page of all published claims: one table, and the pictures that belong to single claims.

A picture is drawn from `ClaimResult.details`, where the test of the claim put
its numbers. A claim that could not be tested has no details; its picture is
then None, and the page says why.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ssi_audit import schema
from ssi_audit.claims import load_claims
from ssi_audit.report.charts import plot_lags
from ssi_audit.report.codes import find
from ssi_audit.report.dots import plot_ratios
from ssi_audit.report.event_chart import plot_path
from ssi_audit.report.picture import Figure
from ssi_audit.report.reasons import reason_in
from ssi_audit.report.tables import Column, Table
from ssi_audit.report.words import Words
from ssi_audit.results import Audit, ClaimResult, Fit

_RANGES = ("low", "high", "low90", "high90")


def result_of(audit: Audit, claim: str) -> ClaimResult:
    """The result of one claim of the register; "not testable" when it was not asked.

    Parameters
    ----------
    audit : Audit
    claim : str
        Its id.
    """
    asked = {result.id: result for result in audit.claims}
    return asked.get(claim, ClaimResult(claim, "not_testable"))


def claim_register(audit: Audit, words: Words) -> Table:
    """Every claim in the order of the register: claim, side, source, its number, ours, state and why.

    Parameters
    ----------
    audit : Audit
    words : Words
    """
    published = {claim.id: claim for claim in load_claims()}
    rows = []
    for result in audit.claims:
        claim = published.get(result.id)
        number = math.isfinite(result.claimed)
        rows.append(
            {
                "claim": words.claim(result.id),
                "side": words.say(f"claims_page.side_{result.side}") if result.side else "",
                "source": words.enumerate([_source(words, name) for name in claim.sources]) if claim else "",
                "published": words.claim_number(result.claimed, result.unit)
                if number
                else words.say("claims_page.no_number"),
                "ours": words.claim_estimate(result) or words.number(math.nan),
                **{key: getattr(result, key) for key in ("claimed", "estimate", "low", "high")},
                "unit": result.unit,
                "people": result.n_people,
                "state": words.claim_state(result.state),
                "why": reason_in(words, result.reason) or result.reason,
                "reason": result.reason,
            }
        )
    columns = (
        # On a phone only the first columns are in sight: the statement, and what became of it.
        Column("claim", words.say("claims_page.claim"), "long"),
        Column("state", words.say("claims_page.state")),
        Column("ours", words.say("claims_page.ours"), "range", where="page"),
        Column("published", words.say("claims_page.published"), where="page"),
        Column("side", words.say("claims_page.side")),
        Column("source", words.say("claims_page.source")),
        Column("estimate", words.say("column.value"), "ratio", where="file"),
        Column("low", words.say("column.low"), "ratio", where="file"),
        Column("high", words.say("column.high"), "ratio", where="file"),
        Column("claimed", words.say("column.claimed"), "ratio", where="file"),
        Column("unit", "unit", where="file"),
        Column("people", words.say("column.people"), "count", where="file"),
        Column("reason", words.say("claims_page.caveat"), "reason", where="page"),
        Column("why", words.say("claims_page.caveat"), where="file"),
    )
    frame = pd.DataFrame(rows, columns=[column.key for column in columns])
    return Table(words.say("claims_page.caption"), frame, columns)


def _source(words: Words, name: str) -> str:
    return words.say(f"source.{name}.name") if words.has(f"source.{name}.name") else name


def beside(audit: Audit, words: Words, *claims: str) -> list[str]:
    """What a reader must know next to the published numbers of these claims, each sentence once.

    Parameters
    ----------
    audit : Audit
    words : Words
    *claims : str
        Ids.
    """
    texts = dict.fromkeys(text for claim in claims for text in result_of(audit, claim).details.get("beside", ()))
    return [reason_in(words, text) or text for text in texts]


def why_not(audit: Audit, words: Words, claim: str) -> str:
    """The sentence that stands where a picture cannot be drawn."""
    found = result_of(audit, claim).reason
    reason = reason_in(words, found) or found or words.say("claims.empty")
    return words.say("claims_page.no_picture", reason=reason)


def plot_bands(audit: Audit, words: Words) -> Figure | None:
    """Results by band of the score: does more always go with more?"""
    details = result_of(audit, "higher-is-better").details
    if "bands" not in details:
        return None
    outcome = details["outcome"]
    items = [
        (
            words.say("claims_page.band", low=words.number(band["from"]), high=words.number(band["to"])),
            _fit(band, band["people"]),
            words.sesoi[outcome],
        )
        for band in details["bands"]
    ]
    title = words.say(
        "claims_page.bands_title_turns" if details["turns"] else "claims_page.bands_title",
        outcome=words.outcome(outcome),
    )
    return plot_ratios(
        items, words, name="bands", title=title, alt=words.say("claims_page.bands_alt"),
        axis=words.say("claims_page.bands_axis"), head=words.say("claims_page.bands_head"),
    )  # fmt: skip


def plot_lag_profile(audit: Audit, words: Words) -> Figure | None:
    """The link at each distance in time from score to result."""
    details = result_of(audit, "pays-off-later").details
    if "profile" not in details:
        return None
    fits = {lag["weeks"]: _fit(lag) for lag in details["profile"]}
    return plot_lags(fits, words, clearest=details["peak_weeks"] if details["clear"] else None)


def plot_lags_together(audit: Audit, words: Words) -> Figure | None:
    """What each distance in time adds when all stand in one model."""
    details = result_of(audit, "pays-off-later").details
    if "together" not in details:
        return None
    total = _fit(details["together_total"])
    gaps = {"ratio": words.ratio(total.rr), "low": words.ratio(total.low), "high": words.ratio(total.high)}
    fits = {lag["weeks"]: _fit(lag) for lag in details["together"]}
    return plot_lags(fits, words, title=words.say("chart.lags_together_title", **gaps), name="lags-together")


def plot_licence(audit: Audit, words: Words) -> Figure | None:
    """The score around the start of a licence."""
    result = result_of(audit, "licence-lifts-ssi")
    if not result.details.get("path"):
        return None
    return plot_path(pd.DataFrame(result.details["path"]).astype("float64"), words)


def plot_stages(audit: Audit, words: Words) -> Figure | None:
    """The link at each stage of the funnel, plain and at equal activity: where it ends."""
    stages = result_of(audit, "early-funnel").details.get("funnel")
    if not stages:
        return None
    items = []
    for stage in stages:
        name = stage["stage"]
        label = words.outcome(name) if name in schema.OUTCOMES else words.say(f"claims_page.{name}")
        sesoi = words.sesoi.get(name, words.sesoi["revenue"])
        for key, text in (("crude", label), ("adjusted", words.say("claims_page.funnel_equal", stage=label))):
            if stage.get(key):
                items.append((text, _stage_fit(audit, stage, key), sesoi))
    return plot_ratios(
        items, words, name="stages", title=words.say("claims_page.funnel_title"),
        alt=words.say("claims_page.funnel_alt"), axis=words.say("chart.forest_axis"), head=words.say("column.step"),
    )  # fmt: skip


def overlap_table(audit: Audit, words: Words, level: str) -> Table | None:
    """Links between the four pillars, each with its number.

    Parameters
    ----------
    audit : Audit
    words : Words
    level : {"between", "within"}
        Across sellers, or each against their own usual level.
    """
    details = result_of(audit, "pillars-overlap").details
    if level not in details:
        return None
    names = list(details["pillars"])
    frame = pd.DataFrame(details[level]["spearman"], columns=names).astype("float64")
    frame.insert(0, "pillar", [words.exposure(name) for name in names])
    columns = (
        Column("pillar", words.say("column.exposure")),
        *(Column(name, words.exposure(name), "link") for name in names),
    )
    return Table(words.say(f"claims_page.overlap_{level}"), frame, columns)


def overlap_sentences(audit: Audit, words: Words) -> list[str]:
    """How much of the four pillars lies on one line, across and within sellers."""
    details = result_of(audit, "pillars-overlap").details
    return [
        words.say(f"claims_page.overlap_share_{level}", **_shares(words, details[level]["first_share"], "share"))
        for level in ("between", "within")
        if level in details
    ]


def discordance_sentence(audit: Audit, words: Words) -> str:
    """In how many pairs of sellers the worse closer scores higher; empty when it was not computed."""
    result = result_of(audit, "spammer-above-closer")
    if "clear_pairs" not in result.details:
        return ""
    shares = {"estimate": result.estimate, "low": result.low, "high": result.high}
    return words.say("claims_page.discordance", n=result.details["clear_pairs"], **_shares(words, shares, "share"))


def _shares(words: Words, numbers: Mapping[str, float], name: str) -> dict[str, str]:
    keys = {name: "estimate", "low": "low", "high": "high"}
    return {gap: words.percent(numbers[key]) for gap, key in keys.items()}


def _stage_fit(audit: Audit, stage: Mapping[str, Any], key: str) -> Fit:
    """The estimate of a stage: that of the pages on regression where they show the stage, else the claim's own."""
    cell = find(audit, "total", stage["stage"])
    fit = getattr(cell, key) if cell else Fit()
    return fit if fit.known else _fit(stage[key], stage[key].get("n_people", 0))


def _fit(numbers: Mapping[str, Any], n_people: int = 0) -> Fit:
    """A ratio with its range as pictures take it; most `details` hold 95 % ranges only."""
    known = {name: numbers.get(key) for name, key in (("rr", "estimate"), *((key, key) for key in _RANGES))}
    return Fit(**{name: value for name, value in known.items() if value is not None}, n_people=n_people)
