"""Tables written as HTML: what some systems save under the name ``.xls``."""

from __future__ import annotations

from html.parser import HTMLParser

from ssi_audit.exports.files import File
from ssi_audit.exports.table import Sheet, Table, sheet_table


def html_table(file: File, words: frozenset[str]) -> Table | None:
    """The rows of all tables of an HTML file as one table; None where it has none.

    Parameters
    ----------
    words : frozenset of str
        Folded header words, to find the header among titles and filters.
    """
    parser = _Rows()
    parser.feed(file.text)
    parser.close()
    cells = [row for row in parser.rows if row]
    width = max((len(row) for row in cells), default=0)
    if width < 2:
        return None
    return sheet_table(file.name, Sheet("", True, [row + [""] * (width - len(row)) for row in cells]), words)


class _Rows(HTMLParser):
    """Collects the text of every cell; a cell over several columns leaves blanks behind it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str]] = []
        self._text: list[str] | None = None
        self._span = 1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self._end_cell()
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self._end_cell()
            span = dict(attrs).get("colspan") or "1"
            self._text, self._span = [], min(int(span), 100) if span.isdigit() else 1
        elif tag == "br" and self._text is not None:
            self._text.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "tr", "table"):
            self._end_cell()

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def _end_cell(self) -> None:
        if self._text is not None:
            self.rows[-1] += [" ".join("".join(self._text).split()), *[""] * (self._span - 1)]
            self._text = None
