"""Scatter, specification curve, lags, courses over time, bars: drawn by seaborn and matplotlib.

Nothing is computed here: lines, bands and ranges come in as numbers. No dot
says whose it is.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ssi_audit import schema
from ssi_audit.report.codes import Spec
from ssi_audit.report.picture import Figure
from ssi_audit.report.svg import COLOURS, canvas, style, to_svg
from ssi_audit.report.tables import Column, Table
from ssi_audit.report.words import Words
from ssi_audit.results import Fit
from ssi_audit.stats.pictures import Scatter

# Longest label of an axis before it is broken, in characters.
LABEL_WIDTH = 22


def plot_scatter(
    scatter: Scatter, words: Words, outcome: str, *, xlim: tuple[float, float] | None = None, name: str = ""
) -> Figure:
    """One dot per seller with a line and its band.

    Parameters
    ----------
    scatter : Scatter
        Dots, line and band, as `stats.pictures.scatter` gives them.
    words : Words
    outcome : {"activity", "deals"}
        What the vertical axis shows.
    xlim : (float, float), optional
        So that two panels have equal axes.
    """
    import seaborn

    name = name or f"scatter-{outcome}"
    title = words.say(f"pictures.{outcome}_{scatter.direction}")
    alt = words.say(f"pictures.alt_{scatter.direction}", n=scatter.n_people)
    colour = COLOURS["grey"] if scatter.direction == "flat" else COLOURS["blue"]
    with style(name):
        figure, axes = canvas(400, 236)
        seaborn.scatterplot(
            x=list(scatter.x), y=list(scatter.y), ax=axes, color=colour, alpha=0.6, s=26, linewidth=0, legend=False
        )
        axes.fill_between(scatter.line_x, scatter.low, scatter.high, color=COLOURS["ink"], alpha=0.12, linewidth=0)
        axes.plot(scatter.line_x, scatter.line, color=COLOURS["ink"], linewidth=2)
        axes.set(xlabel=words.say("pictures.axis_ssi"), ylabel=words.say(f"pictures.axis_{outcome}"), xlim=xlim)
        # No dot is cut by the edge; a band that goes far beyond all dots would press them together.
        low, high = min(0.0, min(scatter.y)), max(scatter.y)
        axes.set_ylim(low, high + 0.06 * ((high - low) or 1.0))
        _format_ticks(axes, words)
        body = to_svg(figure, name, title, alt)
    groups = ["all"] if len(scatter.groups) == 1 else ["low", "middle", "high"]
    rows = [
        {"group": words.say(f"pictures.group_{group}"), "n": n, "ssi": x, "y": y}
        for group, (n, x, y) in zip(groups, scatter.groups, strict=True)
    ]
    columns = (
        Column("group", words.say("pictures.group")),
        Column("n", words.say("column.people"), "count"),
        Column("ssi", words.say("column.mean_ssi"), "decimal"),
        Column("y", words.say(f"column.{outcome}"), "decimal"),
    )
    return Figure(name, title, alt, body, Table(words.say("pictures.table"), pd.DataFrame(rows), columns))


def plot_choices(
    rows: Sequence[Mapping[str, Any]], spec: Spec, words: Words, *, detail: bool = False, name: str = "choices"
) -> Figure:
    """Specification curve: every analysis as a dot with its range, sorted.

    Parameters
    ----------
    rows : list of dict
        ``ratio, low, high`` per ten points, ``agrees``, and ``choices`` (question → option) or ``label``.
    spec : Spec
        Counts of the same rows.
    detail : bool
        Show below which choices each analysis made.
    """
    ordered = sorted(rows, key=lambda row: row["ratio"])
    title = words.spec_counts(spec)
    alt = words.say("spec.alt", n=spec.shown, up=spec.up, down=spec.down, open=spec.open)
    options = _options(ordered, words) if detail else []
    with style(name):
        height = 190 if not options else 210 + 15 * len(options)
        figure, axes = canvas(
            400 if not options else 720, height, rows=2 if options else 1, ratios=(190, 15 * len(options))
        )
        top = axes[0] if options else axes
        _draw_curve(top, ordered, words, words.sesoi.get(spec.outcome, 1.1))
        top.set(ylabel=words.say("spec.axis_ratio"), xticks=[])
        if options:
            _draw_options(axes[1], ordered, options, words)
        else:
            top.set_xlabel(words.say("spec.axis_x", n=spec.shown))
        body = to_svg(figure, name, title, alt)
    frame = pd.DataFrame(
        {
            "analysis": [row.get("label") or words.choices(row["choices"]) for row in ordered],
            **{key: [row[key] for row in ordered] for key in ("ratio", "low", "high")},
            "agrees": [words.say("column.yes" if row["agrees"] else "column.no") for row in ordered],
        }
    )
    columns = (
        Column("analysis", words.say("column.analysis")),
        Column("ratio", words.say("column.ratio"), "ratio"),
        Column("low", words.say("column.low"), "ratio"),
        Column("high", words.say("column.high"), "ratio"),
        Column("agrees", words.say("column.agrees")),
    )
    return Figure(name, title, alt, body, Table(title, frame, columns))


def _draw_curve(axes: Any, ordered: Sequence[Mapping[str, Any]], words: Words, small: float) -> None:
    axes.axhspan(1 / small, small, color=COLOURS["band"], linewidth=0, zorder=0)
    axes.axhline(1.0, color=COLOURS["grey"], linewidth=1)
    # One line object per colour: with one per analysis the page would be twice as large.
    drawn: dict[str, list[int]] = {}
    for index, row in enumerate(ordered):
        clear = row["low"] > 1 or row["high"] < 1
        colour = COLOURS["grey"] if not clear else COLOURS["blue"] if row["low"] > 1 else COLOURS["orange"]
        drawn.setdefault(colour, []).append(index)
    for colour, at in drawn.items():
        ends = {end: [ordered[index][end] for index in at] for end in ("low", "high", "ratio")}
        axes.plot(*_strokes(at, ends["low"], ends["high"]), color=colour, alpha=0.55, linewidth=1.6)
        axes.plot(at, ends["ratio"], "o", color=colour, markersize=3.6, markeredgewidth=0)
    low = min(row["low"] for row in ordered)
    high = max(row["high"] for row in ordered)
    # One analysis with a hopeless range would press all others into a line.
    low, high = max(min(low, 0.88), 1 / 3), min(max(high, 1.14), 3.0)
    room = 0.04 * (high - low)
    axes.set_ylim(low - room, high + room)
    axes.set_xlim(-1, len(ordered))
    _format_ticks(axes, words)


def _strokes(at: Sequence[float], low: Sequence[float], high: Sequence[float]) -> tuple[list[float], list[float]]:
    """Upright strokes as one broken line: a hundredth of the bytes of as many lines."""
    x = [value for index in at for value in (index, index, math.nan)]
    return x, [value for pair in zip(low, high, strict=True) for value in (*pair, math.nan)]


def _options(ordered: Sequence[Mapping[str, Any]], words: Words) -> list[tuple[str, str]]:
    """Each option of each choice that has more than one, choice by choice, in the order of the messages."""
    options: dict[str, dict[str, None]] = {}
    for row in ordered:
        for name, option in (row.get("choices") or {}).items():
            options.setdefault(name, {})[option] = None
    known = {name: place for place, name in enumerate(words.keys("option"))}
    return [
        (name, option)
        for name, found in options.items()
        if len(found) > 1
        for option in sorted(found, key=lambda option: known.get(option.replace(" ", "-"), len(known)))
    ]


def _draw_options(
    axes: Any, ordered: Sequence[Mapping[str, Any]], options: Sequence[tuple[str, str]], words: Words
) -> None:
    for line, (choice, option) in enumerate(options):
        at = [index for index, row in enumerate(ordered) if row["choices"].get(choice) == option]
        strokes = _strokes(at, [line - 0.3] * len(at), [line + 0.3] * len(at))
        axes.plot(*strokes, color=COLOURS["ink"], linewidth=1.2, solid_capstyle="butt")
    labels = [_shorten(words.choice(choice, option), 56) for choice, option in options]
    axes.set_yticks(range(len(options)), labels, fontsize=10)
    axes.set(xlim=(-1, len(ordered)), ylim=(len(options) - 0.5, -0.5), xticks=[])
    axes.grid(False)
    axes.spines[:].set_visible(False)


def plot_lags(
    fits: Mapping[int, Fit], words: Words, *, clearest: int | None = None, title: str = "", name: str = "lags"
) -> Figure:
    """Effect by distance in time from score to result.

    Parameters
    ----------
    fits : dict of int to Fit
        Weeks from score to result → estimate, all on one sample.
    clearest : int, optional
        The distance that the joint test singled out; None: none.
    title : str
        Default: whether a distance was singled out.
    """
    title = title or (
        words.say("chart.lags_title_none")
        if clearest is None
        else words.say("chart.lags_title_later", weeks=words.count(clearest))
    )
    known = {weeks: fit for weeks, fit in fits.items() if fit.known}
    described = [words.say("chart.lags_alt")]
    described += [
        words.say(
            "chart.lags_item",
            weeks=words.count(weeks),
            ratio=words.ratio(fit.rr),
            low=words.ratio(fit.low),
            high=words.ratio(fit.high),
        )
        for weeks, fit in known.items()
    ]
    alt = " ".join(described)
    with style(name):
        figure, axes = canvas(560, 260)
        small = schema.SESOI["inquiries"]
        axes.axhspan(1 / small, small, color=COLOURS["band"], linewidth=0, zorder=0)
        axes.axhline(1.0, color=COLOURS["grey"], linewidth=1)
        for weeks, fit in known.items():
            colour = COLOURS["blue"] if weeks == clearest else COLOURS["grey"]
            axes.plot(
                [weeks, weeks], [fit.low, fit.high], color=colour, alpha=0.55, linewidth=4, solid_capstyle="round"
            )
            axes.plot(weeks, fit.rr, "o", color=colour, markersize=7, markeredgewidth=0)
        axes.set(xlabel=words.say("chart.lags_axis_x"), ylabel=words.say("chart.lags_axis_y"))
        axes.set_xticks(list(fits))
        _format_ticks(axes, words)
        body = to_svg(figure, name, title, alt)
    rows = [{"lag": weeks, "rr": fit.rr, "low": fit.low, "high": fit.high} for weeks, fit in fits.items()]
    columns = (
        Column("lag", words.say("column.lag"), "count"),
        Column("rr", words.say("column.ratio"), "ratio"),
        Column("low", words.say("column.low"), "ratio"),
        Column("high", words.say("column.high"), "ratio"),
    )
    return Figure(
        name, title, alt, body, Table(title, pd.DataFrame(rows, columns=["lag", "rr", "low", "high"]), columns)
    )


def plot_weeks(frame: pd.DataFrame, words: Words, breaks: Sequence[Any] = (), *, name: str = "weeks") -> Figure:
    """Small multiples of the score over time, with LinkedIn's changes of the score as lines.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``exposure, date, middle, low, high, n``: median and quartiles of sellers by week; weeks with fewer
        sellers than may be shown are left out by who makes it.
    breaks : list of date
        Weeks in which LinkedIn changed the score.
    """
    import seaborn

    title = words.say("chart.weeks_title_breaks", n=len(breaks)) if len(breaks) else words.say("chart.weeks_title")
    alt = words.say("chart.weeks_alt")
    exposures = [name for name in schema.EXPOSURES if name in set(frame["exposure"])]
    with style(name):
        figure, panels = canvas(720, 300, rows=2, columns=3)
        for axes, exposure in zip(panels.flat, exposures, strict=False):
            part = frame[frame["exposure"] == exposure]
            dates = pd.to_datetime(part["date"])
            axes.fill_between(dates, part["low"], part["high"], color=COLOURS["mid"], alpha=0.35, linewidth=0)
            seaborn.lineplot(x=dates, y=part["middle"], ax=axes, color=COLOURS["blue"], linewidth=1.8, errorbar=None)
            for day in breaks:
                axes.axvline(pd.Timestamp(day), color=COLOURS["orange"], linewidth=1.4, linestyle=(0, (4, 2)))
            axes.set(xlabel="", ylabel=words.say("chart.weeks_axis"), ylim=schema.EXPOSURE_RANGE[exposure])
            axes.set_title(words.exposure(exposure), fontsize=12, fontweight="bold", loc="left")
            _date_ticks(axes, dates, words)
            _format_ticks(axes, words, x=False)
        for axes in panels.flat[len(exposures) :]:
            axes.set_axis_off()
        body = to_svg(figure, name, title, alt)
    columns = (
        Column("date", words.say("column.week"), "date"),
        Column("exposure", words.say("column.exposure")),
        Column("middle", words.say("column.middle"), "decimal"),
        Column("low", words.say("column.low"), "decimal"),
        Column("high", words.say("column.high"), "decimal"),
        Column("n", words.say("column.people_analysed"), "count"),
    )
    labelled = frame.assign(exposure=[words.exposure(exposure) for exposure in frame["exposure"]])
    note = words.say("chart.weeks_break") if len(breaks) else ""
    return Figure(name, title, alt, body, Table(title, labelled, columns), note)


def plot_funnel(steps: Mapping[str, int], words: Words, *, name: str = "funnel") -> Figure:
    """Counts at every step as plain bars from zero.

    Parameters
    ----------
    steps : dict of str to int
        Label → rows, from the first step (received) to the last (used).
    """
    import seaborn

    counts = list(steps.values())
    title = words.say("chart.funnel_title", used=words.count(counts[-1]), received=words.count(counts[0]))
    items = [words.say("chart.funnel_item", step=step, count=words.count(count)) for step, count in steps.items()]
    alt = " ".join([words.say("chart.funnel_alt"), *items])
    labels = [_wrap(step) for step in steps]
    with style(name):
        figure, axes = canvas(560, 46 + 34 * len(steps))
        seaborn.barplot(
            x=counts, y=labels, ax=axes, color=COLOURS["mid"], width=0.62, saturation=1, orient="h", errorbar=None
        )
        for line, count in enumerate(counts):
            axes.annotate(
                words.count(count), (count, line), (5, 0), textcoords="offset points", va="center", color=COLOURS["ink"]
            )
        axes.set(xlabel=words.say("chart.funnel_axis"), ylabel="")
        axes.set_xlim(0, max([*counts, 1]) * 1.16)
        axes.grid(False)
        axes.set_xticks([])
        axes.tick_params(axis="y", labelcolor=COLOURS["ink"])
        body = to_svg(figure, name, title, alt)
    rows = [{"step": step, "count": count} for step, count in steps.items()]
    columns = (Column("step", words.say("column.step")), Column("count", words.say("column.count"), "count"))
    return Figure(name, title, alt, body, Table(title, pd.DataFrame(rows), columns))


def plot_gaps(frame: pd.DataFrame, words: Words, *, name: str = "gaps") -> Figure:
    """How many sellers have data in each week, one small chart per table.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``table, date, n``: every week of the period for every table, also those with 0 sellers. The first
        table is the one whose empty weeks the title counts.
    """
    tables = list(dict.fromkeys(frame["table"]))
    empty = int((frame.loc[frame["table"] == tables[0], "n"] == 0).sum()) if tables else 0
    title = words.say("chart.gaps_title", n=empty) if empty else words.say("chart.gaps_title_none")
    alt = words.say("chart.gaps_alt")
    with style(name):
        figure, panels = canvas(720, 30 + 86 * max(len(tables), 1), rows=max(len(tables), 1))
        for axes, table in zip(panels if len(tables) > 1 else [panels], tables, strict=True):
            part = frame[frame["table"] == table]
            dates = pd.to_datetime(part["date"])
            axes.fill_between(dates, 0, part["n"], step="mid", color=COLOURS["mid"], alpha=0.8, linewidth=0)
            missing = dates[part["n"].to_numpy() == 0]
            marks = axes.plot(missing, [0] * len(missing), "|", color=COLOURS["orange"], markersize=7, clip_on=False)
            # An empty line outside the clip has no size that the layout could work with: it would give up.
            marks[0].set_in_layout(False)
            axes.set_title(str(table), fontsize=11, fontweight="bold", loc="left")
            axes.set(ylim=(0, max(1, int(frame["n"].max()))), ylabel="")
            _date_ticks(axes, dates, words)
            _format_ticks(axes, words, x=False)
        body = to_svg(figure, name, title, alt)
    columns = (
        Column("date", words.say("column.week"), "date"),
        Column("table", words.say("column.table")),
        Column("n", words.say("column.people_received"), "count"),
    )
    return Figure(name, title, alt, body, Table(title, frame, columns))


def _format_ticks(axes: Any, words: Words, *, x: bool = True) -> None:
    """Numbers of both axes in the reader's language, as many digits as the steps need."""
    for axis in (axes.xaxis, axes.yaxis) if x else (axes.yaxis,):
        if not len(axis.get_majorticklocs()):
            continue
        axis.set_major_formatter(lambda value, _, axis=axis: words.number(value, _digits(axis.get_majorticklocs())))


def _digits(locations: Sequence[float]) -> int:
    """Decimals that tell neighbouring ticks apart and show each as it is: steps of 2.5 need one."""
    return next((digits for digits in range(3) if all(abs(x - round(x, digits)) < 1e-9 for x in locations)), 3)


def _date_ticks(axes: Any, dates: pd.Series, words: Words) -> None:
    """First, middle and last day: enough to read a course, narrow enough for small charts."""
    if dates.empty:
        return
    days = sorted(dict.fromkeys([dates.iloc[0], dates.iloc[len(dates) // 2], dates.iloc[-1]]))
    labels = [words.month(day.date()) for day in days]
    axes.set_xticks(days, labels, fontsize=10)
    for label, side in zip(axes.get_xticklabels(), ("left", "center", "right"), strict=False):
        label.set_horizontalalignment(side)


def _wrap(text: str) -> str:
    return "\n".join(textwrap.wrap(_shorten(text, 3 * LABEL_WIDTH), LABEL_WIDTH)) or text


def _shorten(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1].rstrip()}…"
