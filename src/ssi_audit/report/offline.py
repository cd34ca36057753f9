"""The offline rule: a page shows the same on a plane in five years.

A browser that opens a page may load nothing and run nothing. Tests look at
every page in a browser; this looks at every page that is written, because a
notebook that a user changed is in no test.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser


def requests_of(page: str) -> list[str]:
    """Everything in a page that would make a browser load something or run a script."""
    parser = _Requests()
    parser.feed(page)
    parser.close()
    return parser.found


class _Requests(HTMLParser):
    LOADING = frozenset({"src", "srcset", "data", "poster", "background", "action", "formaction", "ping", "manifest"})
    FORBIDDEN = frozenset({"script", "iframe", "frame", "object", "embed", "base", "applet", "portal", "form"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        if tag in self.FORBIDDEN:
            self.found.append(f"<{tag}>")
        for name, value in attributes:
            value = (value or "").strip()
            loads = name in self.LOADING or (name.endswith("href") and tag not in ("a", "area"))
            if loads and not value.startswith(("data:", "#")):
                self.found.append(f'<{tag} {name}="{value[:60]}">')
            elif name.startswith("on") or value.lower().startswith("javascript:"):
                self.found.append(f"<{tag} {name}>")
            elif name == "http-equiv" and value.lower() == "refresh":
                self.found.append("<meta refresh>")
            elif name == "style":
                self._check_style(value)

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self._check_style(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def _check_style(self, text: str) -> None:
        for address in re.findall(r"url\(\s*['\"]?([^'\")]*)", text):
            if not address.startswith(("data:", "#")):
                self.found.append(f"url({address[:60]})")
        if "@import" in text:
            self.found.append("@import")
