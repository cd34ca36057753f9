"""What happens to the score around an event: one line with its range, weeks before and after."""

from __future__ import annotations

import pandas as pd

from ssi_audit.report.picture import Figure
from ssi_audit.report.svg import COLOURS, canvas, style, to_svg
from ssi_audit.report.tables import Column, Table
from ssi_audit.report.words import Words


def plot_path(path: pd.DataFrame, words: Words, *, name: str = "path") -> Figure:
    """Points above what was to be expected, around the start of a licence.

    Parameters
    ----------
    path : pandas.DataFrame
        ``weeks, points, low, high, people``: weeks since the start, difference with its 95 % range, sellers.
    words : Words
    """
    title, alt = words.say("claims_page.path_title"), words.say("claims_page.path_alt")
    with style(name):
        figure, axes = canvas(560, 260)
        axes.axhline(0.0, color=COLOURS["grey"], linewidth=1)
        axes.axvline(0.0, color=COLOURS["orange"], linewidth=1.4, linestyle=(0, (4, 2)))
        axes.fill_between(path["weeks"], path["low"], path["high"], color=COLOURS["mid"], alpha=0.35, linewidth=0)
        axes.plot(path["weeks"], path["points"], "o-", color=COLOURS["blue"], linewidth=1.6, markersize=4)
        axes.set(xlabel=words.say("claims_page.path_axis_x"), ylabel=words.say("claims_page.path_axis_y"))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: words.number(value))
        body = to_svg(figure, name, title, alt)
    columns = (
        Column("weeks", words.say("claims_page.path_weeks"), "count"),
        Column("points", words.say("claims_page.path_points"), "decimal"),
        Column("low", words.say("column.low"), "decimal"),
        Column("high", words.say("column.high"), "decimal"),
        Column("people", words.say("column.people"), "count"),
    )
    return Figure(name, title, alt, body, Table(title, path, columns))
