"""Cells of an executed notebook as cards: what was found first, the code of the step last and folded.

Text from data is escaped; only HTML and SVG that our own code displayed pass
as they are. Figures get a name, a description and ids of their own.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from operator import itemgetter
from typing import Any

import mistune
import nbformat
from markupsafe import Markup, escape
from mistune.plugins.table import table as table_plugin
from pygments import token
from pygments.lexers.python import PythonLexer

from ssi_audit.report.language import translated

# Colour for four kinds of words is enough to read code by.
TOKENS = ((token.Keyword, "k"), (token.String, "s"), (token.Comment, "c"), (token.Number, "m"))
# What a function returned to nobody, such as <Axes: xlabel='SSI'>: no result to show.
REPR = re.compile(r"<[\w.]+[^\n]*>\Z")
XLINK = "http://www.w3.org/1999/xlink"
# Text for those who open the notebook; the page says it better.
LAB_ONLY = "lab-only"
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass
class Card:
    """One step of a notebook.

    Attributes
    ----------
    heading : str
        Id of its heading; empty when it has none.
    parts : list of Markup
        Text and results, in order.
    code : list of str
        Sources of its code cells.
    """

    heading: str = ""
    parts: list[Markup] = field(default_factory=list)
    code: list[str] = field(default_factory=list)

    @property
    def highlighted(self) -> Markup:
        """Its code as it stands in the fold."""
        return highlight("\n\n".join(self.code))


def cards_of(notebook: nbformat.NotebookNode, title: str, table_label: str, lang: str = "en") -> list[Card]:
    """Cards of a notebook; the first one holds the page's only heading of the first level.

    Parameters
    ----------
    notebook : NotebookNode
        Executed.
    title : str
        The heading, for a notebook that has none.
    table_label : str
        What a screen reader calls a table that has no name of its own.
    lang : str
        Language of the page: text of our own notebooks is shown in it.
    """
    text = _Text(table_label)
    figures = itertools.count(1)
    cards = [Card()]
    for cell in notebook.cells:
        if LAB_ONLY in cell.metadata.get("tags", []):
            continue
        if cell.cell_type == "markdown":
            part = text.html(translated(cell.source, lang))
            if text.starts_card and (cards[-1].parts or cards[-1].code):
                cards.append(Card())
            cards[-1].heading = cards[-1].heading or text.first_heading
            cards[-1].parts.append(part)
        elif cell.cell_type == "code":
            cards[-1].parts.extend(part for output in cell.outputs for part in _output(output, figures, text))
            cards[-1].code.append(cell.source)
    shown = any("<h1" in part for card in cards for part in card.parts)
    if not text.has_title and not shown:
        cards[0].parts.insert(0, Markup('<h1 id="top">{}</h1>').format(title))
        cards[0].heading = "top"
    _drop_default_parameters(notebook, cards)
    return cards


def _drop_default_parameters(notebook: nbformat.NotebookNode, cards: list[Card]) -> None:
    """Where values were given, the defaults above them would only confuse."""
    tags = {tag: cell.source for cell in notebook.cells for tag in cell.metadata.get("tags", [])}
    if "injected-parameters" in tags and "parameters" in tags:
        for card in cards:
            card.code = [source for source in card.code if source != tags["parameters"]]


class _Text(mistune.HTMLRenderer):
    """Markdown to HTML, for all texts of one page.

    Raw HTML is shown as text and images become their description, so that neither a text from data nor a
    changed notebook can make a page load anything. Headings are numbered, and only one is of the first level.
    """

    def __init__(self, table_label: str) -> None:
        super().__init__(escape=True)
        self._table_label = table_label
        self._n_headings = 0
        self.has_title = False
        self.first_heading = ""
        self.last_heading = ""
        self.starts_card = False

    def html(self, markdown: str) -> Markup:
        """HTML of one cell; afterwards `first_heading` and `starts_card` tell about this cell."""
        self.first_heading, self.starts_card = "", False
        parser = mistune.Markdown(renderer=self)
        table_plugin(parser)
        self.register("table", lambda _, rows: self._scrollable(f'<table class="data">\n{rows}</table>'))
        self.register("table_cell", _table_cell)
        return Markup(parser(markdown))

    def heading(self, text: str, level: int, **_: Any) -> str:
        level = 2 if level == 1 and self.has_title else level
        self.has_title = self.has_title or level == 1
        self._n_headings += 1
        self.last_heading = unescape(re.sub(r"<[^>]+>", "", text))
        identity = f"h{self._n_headings}"
        if not self.first_heading:
            self.first_heading = identity
            self.starts_card = level <= 2
        return f'<h{level} id="{identity}">{text}</h{level}>\n'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return text

    def link(self, text: str, url: str, title: str | None = None) -> str:
        away = ' rel="noreferrer"' if re.match(r"[a-z]+:", url) else ""
        return f'<a href="{escape(self.safe_url(url))}"{away}>{text}</a>'

    def block_code(self, code: str, info: str | None = None) -> str:
        return f"<pre>{highlight(code) if info == 'python' else escape(code)}</pre>\n"

    def plain_tables(self, text: str) -> Markup:
        """Give pandas' own tables what a table of ours has: scopes, no empty heading, a way to scroll."""
        if 'class="dataframe"' not in text:
            return Markup(text)
        text = re.sub(r"(?s)<style scoped>.*?</style>", "", text)
        text = re.sub(r"<th\b[^>]*>\s*</th>", "<td></td>", text)
        head, body, rows = text.partition("<tbody>")
        head, rows = head.replace("<th>", '<th scope="col">'), rows.replace("<th>", '<th scope="row">')
        table = re.compile(r'(?s)<table\b[^>]*class="dataframe"[^>]*>(.*?)</table>')
        ours = '<table class="data">{}</table>'
        return Markup(table.sub(lambda found: self._scrollable(ours.format(found[1])), head + body + rows))

    def _scrollable(self, table: str) -> str:
        label = escape(self._table_label)
        return f'<div class="scroll" tabindex="0" role="region" aria-label="{label}">{table}</div>\n'


def _table_cell(_: _Text, text: str, align: str | None = None, head: bool = False) -> str:
    numbers = ' class="n"' if align == "right" else ""
    return f'<th scope="col"{numbers}>{text}</th>\n' if head and text else f"<td{numbers}>{text}</td>\n"


def _output(output: Mapping[str, Any], figures: Iterator[int], text: _Text) -> Iterator[Markup]:
    """What a reader sees of one output of a cell: the richest form that we can show, or nothing."""
    if output["output_type"] == "stream":
        if output["name"] == "stdout" and output["text"].strip():
            yield _preformatted(output["text"])
        return
    data, metadata = output.get("data", {}), output.get("metadata", {})
    if "image/svg+xml" in data:
        about = {**metadata, **metadata.get("image/svg+xml", {})}
        title, alt = about.get("title", ""), about.get("alt", "")
        caption = Markup("<figcaption>{}</figcaption>").format(title) if title else ""
        name = title or text.last_heading
        svg = inline_svg(data["image/svg+xml"], prefix=f"f{next(figures)}", title=name, alt=alt)
        yield Markup("<figure>{}{}</figure>").format(caption, svg)
    elif "text/html" in data:
        yield text.plain_tables(data["text/html"])
    elif "text/markdown" in data:
        yield text.html(data["text/markdown"])
    elif "image/png" in data:
        about = {**metadata, **metadata.get("image/png", {})}
        image = Markup('<figure><img alt="{}" src="data:image/png;base64,{}"></figure>')
        yield image.format(about.get("alt", ""), re.sub(r"\s", "", data["image/png"]))
    elif "text/plain" in data and not REPR.match(data["text/plain"].strip()):
        yield _preformatted(data["text/plain"])


def _preformatted(text: str) -> Markup:
    return Markup('<pre tabindex="0">{}</pre>').format(ANSI.sub("", text).rstrip())


def inline_svg(svg: str, *, prefix: str, title: str = "", alt: str = "") -> Markup:
    """An SVG file as part of a page: named, scalable, and with ids that no other figure has.

    Parameters
    ----------
    svg : str
        As matplotlib wrote it.
    prefix : str
        Put before every id, unique in the page.
    title, alt : str
        What the figure is, and the finding it shows.
    """
    svg = re.sub(r"(?s)^.*?(?=<svg\b)|<metadata>.*?</metadata>|<(style|script)\b.*?</\1>|\s*version=\"1.1\"", "", svg)
    opening, shapes = re.match(r"(?s)(<svg\b[^>]*>)(.*)", re.sub(r"<defs>\s*</defs>", "", svg)).groups()
    box = re.search(r'viewBox="[^"]*"', opening)
    names = {f"{prefix}-t": ("title", title), f"{prefix}-d": ("desc", alt)}
    named = [Markup('<{0} id="{1}">{2}</{0}>').format(tag, name, text) for name, (tag, text) in names.items() if text]
    labelled = " ".join(name for name, (_, text) in names.items() if text)
    return Markup('<svg class="fig" role="img" aria-labelledby="{}" {} xmlns:xlink="{}">{}{}').format(
        labelled,
        Markup(box[0] if box else ""),
        XLINK,
        Markup("").join(named),
        Markup(re.sub(r"<[^>]+>", lambda tag: _prefix_ids(tag[0], prefix), re.sub(r"\n\s+", "\n", shapes.strip()))),
    )


def _prefix_ids(tag: str, prefix: str) -> str:
    return re.sub(r'(\bid="|url\(#|\bhref="#)', rf"\g<1>{prefix}-", tag)


def highlight(code: str) -> Markup:
    """Python with four kinds of words marked; the rest is plain text."""
    tokens = PythonLexer(stripnl=False, ensurenl=False).get_tokens(code)
    marked = ((next((mark for family, mark in TOKENS if kind in family), ""), text) for kind, text in tokens)
    pieces = ((mark, "".join(text for _, text in run)) for mark, run in itertools.groupby(marked, key=itemgetter(0)))
    span = Markup('<span class="{}">{}</span>')
    return Markup("").join(span.format(mark, text) if mark else text for mark, text in pieces)
