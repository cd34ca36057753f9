"""The saved page linkedin.com/sales/ssi: one reading.

The exact answer stands in a `<code>` element of most copies. Where it does not,
the elements of the page are read by their ids, which are the same in every
language; the blocks with averages of industry and network use the same classes
and are left out (formats.md section 2.3).
"""

from __future__ import annotations

import email
import email.policy
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser

from ssi_audit.exports.files import File
from ssi_audit.exports.ssi_answer import reading_rows, values_of
from ssi_audit.exports.table import Context, Rows, cell_text
from ssi_audit.exports.text import Unreadable, fold
from ssi_audit.names import file_owner

KIND = "saved SSI page"
HEADER_WORDS = ()

_BARS = {
    "establish-brand": "brand",
    "find-people": "people",
    "engage-with-insights": "insights",
    "build-relationships": "relationships",
}
_SIGNS = (b"sub-score-bar", b"memberScore", b"ssi-score__value", b"user-ssi-score")
_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())  # noqa: SIM905
# Every text is compared with all elements around it; the pages of LinkedIn nest some forty deep.
MAX_DEPTH = 1_000
_NETWORK_WORDS = ("network", "rede", "red", "rete", "reseau", "netzwerk", "siec", "verkosto", "netwerk")


def recognises(file: File) -> float:
    """1 for a page (also saved as .mhtml) with the blocks of the score."""
    if file.kind not in ("html", "text") or not _looks_like_a_page(file.data):
        return 0.0
    return 1.0 if any(sign in file.data for sign in _SIGNS) or (_is_mhtml(file.data) and _values(file)) else 0.0


def read(file: File, context: Context) -> Iterator[Rows]:
    """One reading."""
    values = _values(file)
    if not values:
        raise Unreadable("a page of the SSI dashboard without a score in it", "save it again when the score is shown")
    days = file.days_in_name
    day = str(days[-1]) if days else _saved_on(file)
    record = {"date": day, **{ours: cell_text(value) for ours, value in values.items()}}
    yield reading_rows(file, [record], [file_owner(file, context)], context)


def _looks_like_a_page(data: bytes) -> bool:
    return b"<" in data[:4096] or _is_mhtml(data)


def _is_mhtml(data: bytes) -> bool:
    return b"multipart/related" in data[:2048]


def _page(file: File) -> str:
    if not _is_mhtml(file.data):
        try:
            return file.text
        except Unreadable:  # the page is read by its ids, which are ASCII whatever the letters around them are
            return file.data.decode("latin-1")
    message = email.message_from_bytes(file.data, policy=email.policy.default)
    part = message.get_body(preferencelist=("html",))
    return part.get_content() if part is not None else ""


def _saved_on(file: File) -> str:
    """Day on which a browser saved an .mhtml page; "" for other pages, which do not say."""
    if not _is_mhtml(file.data):
        return ""
    header = email.message_from_bytes(file.data, policy=email.policy.default)["Date"]
    when = getattr(header, "datetime", None)
    return when.date().isoformat() if when is not None else ""


def _values(file: File) -> dict[str, object]:
    page = _Page()
    page.feed(_page(file))
    page.close()
    for source in page.answers:
        answer = _answer_in(source)
        if answer:
            return answer
    return page.values()


def _answer_in(source: str) -> dict[str, object]:
    """The values of the first JSON object in a text that is an answer."""
    decoder = json.JSONDecoder()
    for match in re.finditer(r'\{\s*"(?:activeSeat|memberScore|data|object|groupScore)"', source):
        try:
            found, _ = decoder.raw_decode(source, match.start())
        except (ValueError, RecursionError):
            continue  # a text that only begins like one: the elements of the page are read instead
        for answer in (found, found.get("data")):
            values = values_of(answer) if isinstance(answer, dict) and "memberScore" in answer else {}
            if values:
                return values
    return {}


class _Page(HTMLParser):
    """Collects the answer in `<code>` and the blocks of the member's own score."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.answers: list[str] = []
        self.bars: dict[str, str] = {}
        self.total = ""
        self.ranks: list[tuple[str, str]] = []
        self._open: list[tuple[str, frozenset[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where we are; take the value of a pillar's bar."""
        given = dict(attrs)
        classes = frozenset((given.get("class") or "").split())
        if tag not in _VOID:
            if len(self._open) >= MAX_DEPTH:
                raise Unreadable("elements nested too deeply to be a page of LinkedIn", "save the page again")
            self._open.append((tag, classes))
        name = (given.get("id") or "").partition("__")[0]
        if tag == "progress" and name in _BARS and not self._inside("group-ssi-score"):
            self.bars.setdefault(_BARS[name], given.get("value") or "")
        if "ssi-rank" in classes:
            self.ranks.append(("", ""))
        if tag == "code":
            self.answers.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element without content opens nothing."""
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the element, and what was left open inside it."""
        for at in range(len(self._open) - 1, -1, -1):
            if self._open[at][0] == tag:
                del self._open[at:]
                return

    def handle_comment(self, data: str) -> None:
        """Older pages keep the answer in a comment inside `<code>`."""
        self.handle_data(data)

    def handle_data(self, data: str) -> None:
        """Text of the answer, of the total, of a rank."""
        if self._open and self._open[-1][0] in ("code", "script") and self.answers:
            self.answers[-1] += data
        elif self._inside("ssi-score__value") and self._inside("user-ssi-score") and not self.total:
            if not any(tag == "progress" for tag, _ in self._open):
                self.total = data.strip()
        elif self.ranks and self._inside("ssi-rank__category-name"):
            self.ranks[-1] = (self.ranks[-1][0] + data, self.ranks[-1][1])
        elif self.ranks and self._inside("ssi-rank__category-score"):
            self.ranks[-1] = (self.ranks[-1][0], self.ranks[-1][1] + data)

    def _inside(self, name: str) -> bool:
        return any(name in classes for _, classes in self._open)

    def values(self) -> dict[str, object]:
        """What the elements show, {} where there is neither a pillar nor a total."""
        found: dict[str, object] = {ours: value for ours, value in self.bars.items() if value}
        total = re.match(r"\d+(?:[.,]\d+)?", self.total)
        if total:
            found["total"] = total.group()
        if not found:
            return {}
        for at, (label, score) in enumerate(self.ranks[:2]):
            folded = fold(label)
            kind = "network_rank" if any(word in folded for word in _NETWORK_WORDS) else "industry_rank"
            if kind in found:  # both labels unknown: the industry comes first
                kind = "network_rank" if at else "industry_rank"
            found[kind] = "".join(score.split())
        return found
