"""Matplotlib figures as SVG that may stand in a page: small, offline, the same bytes on every run.

Text stays text (searchable, in the reader's fonts), colours become the
variables of style.css so that a picture follows dark mode, ids get a prefix so
that several pictures share a page. No global state: figures never meet pyplot.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from markupsafe import Markup, escape

# The light values of style.css: each is replaced by its variable in the saved SVG, and is its fallback there.
COLOURS = {
    "ink": "#1b2733", "mute": "#52606d", "blue": "#1d5c96", "mid": "#6f9fc8", "grey": "#8a95a1",
    "orange": "#a34b17", "band": "#eceff2", "grid": "#dfe4e9",
}  # fmt: skip

# A chart is never drawn larger than this times its own size: its words would shout.
LARGEST = 1.3
# Wider charts scroll sideways on a phone; narrower ones shrink.
NARROW = 500

_STYLE = {
    "svg.fonttype": "none",
    "font.size": 11,
    "axes.labelsize": 11,
    "axes.labelcolor": COLOURS["mute"],
    "axes.edgecolor": COLOURS["grid"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": COLOURS["grid"],
    "grid.linewidth": 0.8,
    "xtick.color": COLOURS["mute"],
    "ytick.color": COLOURS["mute"],
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "text.color": COLOURS["ink"],
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


def style(name: str) -> AbstractContextManager[None]:
    """Settings of one figure: its own hash salt, so that its ids are the same on every run."""
    import matplotlib

    return matplotlib.rc_context({**_STYLE, "svg.hashsalt": name})


def canvas(width: int, height: int, rows: int = 1, columns: int = 1, ratios: Sequence[float] | None = None):
    """An empty figure of that many pixels, without any global state."""
    import matplotlib.figure

    figure = matplotlib.figure.Figure(figsize=(width / 72, height / 72), layout="constrained")
    grid = {"height_ratios": ratios} if ratios and rows > 1 else None
    return figure, figure.subplots(rows, columns, gridspec_kw=grid)


_TAG = re.compile(r"<[^>]+>")
_HEADER = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_FONT = re.compile(r"; ?font-family: [^;\"]*|font-family: [^;\"]*; ?")
_NOTHING_TURNED = re.compile(r' transform="rotate\(-?0 [^)]*\)"')
_ID = re.compile(r'\bid="')
_REFERENCE = re.compile(r'(xlink:href="#|url\(#)')
_NUMBER = re.compile(r"(?<![\w#.-])-?\d+\.\d{3,}")


def to_svg(figure: Any, name: str, title: str, alt: str) -> Markup:
    """Save a figure as SVG that may stand in a page: variables for colours, own ids, title and description."""
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # Letters that matplotlib's own font lacks are drawn by the reader's fonts: the text stays text.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from")
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = _HEADER.sub("", buffer.getvalue(), count=1)
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Only inside tags: a label may hold anything, also what looks like an id or a number of matplotlib's.
    text = _TAG.sub(lambda match: _clean(match[0], name), text)
    view = re.search(r'viewBox="([^"]*)"', text)[1]
    width = float(view.split()[2])
    classes = "fig wide" if width > NARROW else "fig"
    head = (
        f'<svg class="{classes}" style="max-width:{width * LARGEST:.0f}px" role="img" '
        f'aria-labelledby="{name}-t {name}-d" viewBox="{view}" '
        f'xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif">'
        f'<title id="{name}-t">{escape(title)}</title><desc id="{name}-d">{escape(alt)}</desc>'
    )
    return Markup(re.sub(r"^<svg[^>]*>", lambda _: head, text, count=1))


def _clean(tag: str, name: str) -> str:
    """One tag with ids of this figure, two decimals, variables for colours, and no fonts of its own."""
    tag = _NOTHING_TURNED.sub("", _FONT.sub("", tag))
    tag = _REFERENCE.sub(rf"\g<1>{name}-", _ID.sub(f'id="{name}-', tag)).replace("xlink:href", "href")
    tag = _NUMBER.sub(lambda match: f"{float(match[0]):.2f}", tag)
    for variable, value in COLOURS.items():
        tag = tag.replace(value, f"var(--{variable}, {value})")
    return re.sub(r"\s*\n\s*", " ", tag)
