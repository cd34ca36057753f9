"""Dots with ranges, the workhorse for links and ratios, as HTML and CSS.

They follow the width of a phone, their text stays as large as the text around
it, and Thai or Polish need no fonts. Positions are per cent of a scale; what
they stand for was computed elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from ssi_audit import schema
from ssi_audit.report.codes import (
    CLAIMED_OPPORTUNITIES,
    FUNNEL,
    HEADLINE_CLAIMS,
    SMALL,
    WILD_RATIO,
    effect_code,
    is_clear,
    link_code,
    per_ten,
    step_link,
)
from ssi_audit.report.picture import Figure
from ssi_audit.report.tables import Column, Table, correlation_table, link_table
from ssi_audit.report.templating import render
from ssi_audit.report.words import Words
from ssi_audit.results import Audit, Correlation, Fit

# A scale of links wider than this has no room for a number at each fifth beside two columns of words.
WIDEST_BY_FIFTHS = 1.2


@dataclass(frozen=True)
class Dot:
    """One line of a picture of dots; positions in per cent of the scale."""

    label: str
    value: str
    word: str
    range: str
    style: str = "u"
    middle: float | None = None
    low: float = 0.0
    high: float = 0.0
    wide: tuple[float, float] | None = None
    claim: tuple[float, float] | None = None
    band: tuple[float, float] | None = None  # left edge and width, where it differs from line to line


@dataclass(frozen=True)
class Scale:
    """From numbers to per cent of the width; `log` for ratios."""

    low: float
    high: float
    log: bool = False

    def at(self, value: float) -> float:
        """Position of a value; what lies outside is put at the edge."""
        low, high, value = (math.log(max(v, 1e-9)) if self.log else v for v in (self.low, self.high, value))
        return round(100 * min(max((value - low) / (high - low), 0.0), 1.0), 2)


def _dots(
    name: str,
    title: str,
    alt: str,
    dots: Sequence[Dot],
    scale: Scale,
    zero: float,
    band: tuple[float, float],
    ticks: Sequence[tuple[float, str]],
    axis: str,
    words: Words,
    *,
    band_label: str = "",
    claim: str = "",
) -> Markup:
    return render(
        "dots.html.j2",
        name=name,
        title=title,
        alt=alt,
        dots=dots,
        zero=scale.at(zero),
        band=(scale.at(band[0]), round(scale.at(band[1]) - scale.at(band[0]), 2)),
        ticks=[(scale.at(value), label) for value, label in ticks],
        axis=axis,
        band_label=band_label,
        claim=claim,
    )


def claimed_link(audit: Audit) -> tuple[float, float] | None:
    """Link that LinkedIn's own figures imply here, where the claims brought one (`details["implied_link"]`)."""
    for claim in audit.claims:
        low, high = claim.details.get("implied_link") or (math.nan, math.nan)
        if claim.id in HEADLINE_CLAIMS and math.isfinite(low) and math.isfinite(high):
            return (low, high)
    return None


def plot_fading(audit: Audit, words: Words, name: str = "fading") -> Figure:
    """The picture of the first screen: SSI against activity, inquiries, meetings and closed deals.

    Parameters
    ----------
    audit : Audit
    words : Words
    name : str
        Stem of the file of numbers.
    """
    links = {step: step_link(audit, "total", step) for step in FUNNEL}
    numbers = link_table(audit, words, ("total",))
    claim = claimed_link(audit)
    return _link_figure(name, words.fading_title(audit), words.say("fading.alt"), links, numbers, words, claim=claim)


def plot_links(audit: Audit, words: Words, exposure: str = "total", *, name: str = "links") -> Figure:
    """One score against logged activity and against every result, within sellers by quarter."""
    links = {step: step_link(audit, exposure, step) for step in ("activity", *schema.OUTCOMES)}
    return plot_link_lines(links, words, name=name)


def plot_link_lines(links: Mapping[str, Correlation], words: Words, *, name: str = "links") -> Figure:
    """Links by step (``activity`` or an outcome), such as those of one team."""
    results = [link for step, link in links.items() if step != "activity" and link.known]
    clear = sum(is_clear(link_code(link)) for link in results)
    title = words.say("method.links_title_none")
    if clear:
        title = words.say("method.links_title_clear", n=clear, total=words.count(len(results)))
    labelled = {words.outcome(step): link for step, link in links.items()}
    numbers = correlation_table(labelled, words, title)
    return _link_figure(name, title, words.say("method.links_alt"), links, numbers, words)


def _link_figure(
    name: str,
    title: str,
    alt: str,
    links: Mapping[str, Correlation],
    numbers: Table,
    words: Words,
    *,
    claim: tuple[float, float] | None = None,
) -> Figure:
    """Links by outcome as dots with ranges; `claim` marks LinkedIn's own figure beside closed deals."""
    known = [link for link in links.values() if link_code(link) != "no_data"]
    scale = Scale(
        max(-1.0, min([-0.2, *(link.low for link in known)])),
        min(1.0, max([0.8, *(link.high for link in known)])),
    )
    dots, described = [], [alt]
    for step, link in links.items():
        code = link_code(link)
        if code == "no_data":
            dots.append(Dot(words.outcome(step), "", words.link_word(link), "", "x"))
            described.append(words.say("fading.alt_missing", outcome=words.outcome(step)))
            continue
        texts = {key: words.link(getattr(link, key)) for key in ("r", "low", "high")}
        dots.append(
            Dot(
                words.outcome(step),
                texts["r"],
                words.link_word(link),
                words.range(link.low, link.high),
                _link_style(code),
                scale.at(link.r),
                scale.at(link.low),
                scale.at(link.high),
                claim=(scale.at(claim[0]), scale.at(claim[1])) if claim and step == "deals" else None,
            )
        )
        described.append(words.say("fading.alt_item", outcome=words.outcome(step), word=words.link_word(link), **texts))
    if claim:
        described.append(words.say("fading.alt_claim", low=words.link(claim[0]), high=words.link(claim[1])))
    step = 0.2 if scale.high - scale.low <= WIDEST_BY_FIFTHS else 0.5
    ticks = [(value, words.number(value, 1) if value else "0") for value in _steps(scale.low, scale.high, step)]
    text = " ".join(described)
    body = _dots(
        name, title, text, dots, scale, 0.0, (-SMALL, SMALL), ticks, words.say("fading.axis"), words,
        band_label=words.say("fading.band"), claim=words.say("fading.claim") if claim else "",
    )  # fmt: skip
    return Figure(name, title, text, body, numbers)


def plot_effects(
    fits: Mapping[str, Fit], words: Words, exposure: str = "total", *, name: str = "effects", claim: bool = False
) -> Figure:
    """Ratios at equal activity as dots with ranges, one line per outcome.

    Parameters
    ----------
    fits : dict of str to Fit
        Outcome → estimate.
    words : Words
    exposure : str
        Whose unit the axis names.
    claim : bool
        Mark LinkedIn's own figure beside inquiries or opportunities.
    """
    items = [(words.outcome(outcome), fit, words.sesoi[outcome]) for outcome, fit in fits.items()]
    codes = [effect_code(fit, sesoi) for _, fit, sesoi in items]
    clear = sum(code in ("more", "fewer") for code in codes)
    title = words.say("chart.effects_title_clear", n=clear) if clear else words.say("chart.effects_title_none")
    step = words.say("chart.effects_step" if exposure == "total" else "chart.effects_step_pillar")
    marked = None
    if claim:
        marked = next((words.outcome(name) for name in ("opportunities", "inquiries") if name in fits), None)
    return _ratio_figure(
        name, title, words.say("chart.effects_alt"), "chart.effects_item", "outcome", items, words,
        words.say("chart.effects_axis", step=step), words.say("column.outcome"), marked=marked,
    )  # fmt: skip


def plot_ratios(
    items: Sequence[tuple[str, Fit, float]], words: Words, *, name: str, title: str, alt: str, axis: str, head: str
) -> Figure:
    """Any ratios as dots with ranges.

    Parameters
    ----------
    items : list of (str, Fit, float)
        Label, estimate and the effect that is too small to matter.
    words : Words
    name, title, alt, axis, head : str
        Stem of the file, finding, description, label of the axis, header of the first column.
    """
    return _ratio_figure(name, title, alt, "chart.effects_item", "outcome", items, words, axis, head)


def plot_forest(
    offices: Mapping[str, Fit],
    pooled: Fit,
    words: Words,
    outcome: str,
    *,
    prediction: tuple[float, float] | None = None,
    name: str = "forest",
) -> Figure:
    """Each office and all together; the thin line is what one more office may be expected to show.

    Parameters
    ----------
    offices : dict of str to Fit
        Name of the office → its estimate.
    pooled : Fit
    outcome : str
        Decides what is too small to matter.
    prediction : (float, float), optional
        Prediction interval, as ratios.
    """
    sesoi = words.sesoi[outcome]
    order = sorted(
        offices.items(), key=lambda item: (item[1].known, item[1].rr if item[1].known else 0.0), reverse=True
    )
    items = [(label, fit, sesoi) for label, fit in order]
    items.append((words.say("chart.forest_pooled"), pooled, sesoi))
    return _ratio_figure(
        name, words.say("chart.forest_title", n=len(offices)), words.say("chart.forest_alt"), "chart.forest_item",
        "office", items, words, words.say("chart.forest_axis"), words.say("column.office"), prediction=prediction,
    )  # fmt: skip


def _ratio_figure(
    name: str,
    title: str,
    alt: str,
    item_key: str,
    item_gap: str,
    items: Sequence[tuple[str, Fit, float]],
    words: Words,
    axis: str,
    head: str,
    *,
    marked: str | None = None,
    prediction: tuple[float, float] | None = None,
) -> Figure:
    known = [fit for _, fit, _ in items if fit.known]
    ends = [value for fit in known for value in (fit.low, fit.high) if 1 / WILD_RATIO < value < WILD_RATIO]
    ends += [value for value in prediction or () if 1 / WILD_RATIO < value < WILD_RATIO]
    scale = Scale(min([0.8, *ends]), max([1.25, *ends]), log=True)
    target = per_ten(CLAIMED_OPPORTUNITIES)
    dots, described, rows = [], [alt], []
    for index, (label, fit, sesoi) in enumerate(items):
        # The band of the score that all others are held against is 1, without a range.
        code = "reference" if fit.low == fit.high == 1 else effect_code(fit, sesoi)
        # What is too small to matter is wider for deals than for inquiries.
        band = (scale.at(1 / sesoi), round(scale.at(sesoi) - scale.at(1 / sesoi), 2))
        word = words.say(f"effect.{code}")
        rows.append({"name": label, "rr": fit.rr, "low": fit.low, "high": fit.high, "word": word, "n": fit.n_people})
        if code == "no_data":
            dots.append(Dot(label, "", word, "", "x", band=band))
            continue
        texts = {"ratio": words.ratio(fit.rr), "low": words.ratio(fit.low), "high": words.ratio(fit.high)}
        described.append(words.say(item_key, word=word, **{item_gap: label}, **texts))
        dots.append(
            Dot(
                label,
                texts["ratio"],
                word,
                "" if code == "reference" else words.ratio_range(fit.low, fit.high),
                {"more": "b", "fewer": "o"}.get(code, "u"),
                scale.at(fit.rr),
                scale.at(fit.low),
                scale.at(fit.high),
                wide=tuple(map(scale.at, prediction)) if prediction and index == len(items) - 1 else None,
                claim=(scale.at(target) - 0.8, scale.at(target) + 0.8) if label == marked else None,
                band=band,
            )
        )
    ticks = [(value, words.ratio(value)) for value in _ratio_steps(scale.low, scale.high)]
    sesoi = min((sesoi for _, _, sesoi in items), default=1.1)
    described_text = " ".join(described)
    body = _dots(
        name, title, described_text, dots, scale, 1.0, (1 / sesoi, sesoi), ticks, axis, words,
        band_label=words.say("fading.band"), claim=words.say("chart.effects_claim") if marked else "",
    )  # fmt: skip
    columns = (
        Column("name", head),
        Column("rr", words.say("column.ratio"), "ratio"),
        Column("low", words.say("column.low"), "ratio"),
        Column("high", words.say("column.high"), "ratio"),
        Column("word", words.say("column.word")),
        Column("n", words.say("column.people"), "count"),
    )
    numbers = Table(title, pd.DataFrame(rows, columns=[column.key for column in columns]), columns)
    note = words.say("chart.forest_prediction") if prediction else ""
    return Figure(name, title, described_text, body, numbers, note)


def _link_style(code: str) -> str:
    """Blue what is strong, lighter what is weak, grey what could be nothing, orange the other way."""
    if code.endswith("_negative"):
        return "o"
    return "b" if code == "strong" else "m" if is_clear(code) else "u"


def _steps(low: float, high: float, step: float) -> list[float]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 6) for index in range(first, last + 1)]


def _ratio_steps(low: float, high: float) -> list[float]:
    """Round ratios inside the scale, few enough to stand side by side on a phone."""
    for steps in ((0.9, 1.0, 1.1), (0.8, 1.0, 1.25), (0.5, 0.8, 1.0, 1.25, 2.0), (0.2, 0.5, 1.0, 2.0, 5.0)):
        if steps[0] <= low * 1.1 and high / 1.1 <= steps[-1]:
            return [value for value in steps if low <= value <= high]
    return [value for value in (0.2, 0.5, 1.0, 2.0, 5.0) if low <= value <= high]
