"""An executed notebook as one offline page that says what was found before how.

The cells under one heading become a card: text, results, and at its end one
fold with the code of that step. nbconvert fills a template of ours, because
its own ones load scripts from the network. Whatever a notebook brings is
escaped unless it is HTML or SVG that our own code made, and a page that would
ask the network for anything is not written at all.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import Environment
from markupsafe import Markup
from nbconvert.exporters.templateexporter import TemplateExporter

from ssi_audit.report.cards import cards_of
from ssi_audit.report.context import PageContext
from ssi_audit.report.jobs import StepFailure
from ssi_audit.report.language import Language
from ssi_audit.report.locks import MAKING
from ssi_audit.report.offline import requests_of
from ssi_audit.report.templating import environment, render

TEMPLATES = Path(__file__).with_name("templates")
ANSWER = "index"
# Words of the frame; the language's own message is taken where there is one (``frame.code``).
LABELS = {
    "skip": "Skip to the answer",
    "back": "Back to the answer",
    "run": "Run",
    "fingerprint": "data fingerprint",
    "settings": "settings",
    "details": "Detail reports",
    "code": "Show the code of this step",
    "scroll": "Table",
    "failed_title": "This page could not be made",
    "failed_lead": "The other pages of this report are complete. No earlier version of this page is shown instead.",
    "failed_where": "Step",
    "failed_reason": "Reason",
    "failed_look": "The notebook, as far as it ran",
}


class PageError(Exception):
    """A page breaks the offline rule; the message says how."""


def render_page(
    notebook: nbformat.NotebookNode | Path | str,
    *,
    title: str,
    context: PageContext,
    name: str = "",
    layout: str = "cards",
) -> str:
    """Turn an executed notebook into one self-contained HTML page.

    Parameters
    ----------
    notebook : NotebookNode or path
        Executed; results as text/html are taken for safe, images/svg+xml get title and description from
        their metadata: ``{"image/svg+xml": {"title": …, "alt": …}}``.
    title : str
        For the browser tab, and the heading of a notebook that has none.
    context : PageContext
        Header, footer, language and links.
    name : str
        Of this page (``02-correlation-brand``), to mark it among the links.
    layout : {"cards", "bare"}
        ``bare``: results stand directly in the page and bring their own cards.

    Raises
    ------
    PageError
        If the page would load anything.
    """
    if not isinstance(notebook, nbformat.NotebookNode):
        notebook = nbformat.read(notebook, as_version=4)
    frame = frame_of(title, context, name)
    cards = cards_of(notebook, title, frame["labels"]["scroll"], context.language)
    return checked(_fill("detail.html.j2", notebook, **frame, cards=cards, layout=layout))


def render_failure(failure: StepFailure, *, title: str, context: PageContext, name: str = "") -> str:
    """The page that stands where a notebook failed: what happened, where, and what to open.

    Parameters
    ----------
    failure : StepFailure
    title, context, name
        As for `render_page`.
    """
    frame = frame_of(title, context, name)
    return checked(str(render("failed.html.j2", **frame, failure=failure)))


def frame_of(title: str, context: PageContext, name: str = "") -> dict[str, Any]:
    """Everything ``base.html.j2`` asks for: title, style, words, header, footer and links."""
    language = Language(context.language)
    names = sorted(context.links, key=lambda page: page != ANSWER)
    pages = [_link(page, context, language) for page in names]
    label = next((page.label for page in pages if page.name == name), "")
    return {
        "lang": context.language,
        # Tabs are told apart by what stands first.
        "title": f"{language.say('frame.title') if name == ANSWER else label} – ssi-audit" if label else title,
        "name": name,
        "label": label,
        "style": Markup(_style()),
        "labels": {key: _label(key, language) for key in LABELS},
        "header": {
            "organisation": context.organisation,
            "teams": language.say("count.teams", n=context.n_teams) if context.n_teams else "",
            "period": language.span(context.start, context.end),
            "badge": language.say("frame.sample") if context.sample else "",
            "run_date": language.date(context.run_date) if context.run_date else "",
            "version": context.version,
            "fingerprint": context.fingerprint[:12],
            "settings_fingerprint": context.settings_fingerprint[:12],
            "settings": context.settings,
        },
        "pages": pages,
        "siblings": [page for page in pages if name and _family(page.name) == _family(name)],
        "answer": context.links.get(ANSWER, f"{ANSWER}.html"),
    }


def page_label(name: str, language: Language) -> str:
    """Name of a page in the reader's language: ``02-correlation-brand`` → Links: Brand."""
    if name == ANSWER:
        return language.say("page.answer")
    kind = re.sub(r"^\d+-", "", name)
    if language.has(f"page.{kind}"):
        return language.say(f"page.{kind}")
    kind, _, rest = kind.partition("-")
    if kind == "team":
        return language.say("page.team", team=rest)
    if language.has(f"page.{kind}") and language.has(f"exposure.{rest}"):
        return language.say(f"page.{kind}", exposure=language.say(f"exposure.{rest}"))
    return name


def checked(page: str) -> str:
    """The page itself.

    Raises
    ------
    PageError
        If opening it would run a script or load anything.
    """
    problems = requests_of(page)
    if problems:
        raise PageError("the page would not work offline: " + "; ".join(problems[:3]))
    return page


@dataclass(frozen=True)
class Link:
    """A page of the report as other pages link to it."""

    name: str
    address: str
    label: str
    failed: bool
    short: str = ""  # among pages that answer the same question: what is different


def _link(name: str, context: PageContext, language: Language) -> Link:
    label = context.labels.get(name) or page_label(name, language)
    failed = name in context.failed
    exposure = f"exposure.{name.rpartition('-')[2]}"
    short = language.say(exposure) if language.has(exposure) else label
    if failed:
        label, short = (language.say("frame.failed", page=text) for text in (label, short))
    return Link(name, context.links[name], label, failed, short)


def _label(key: str, language: Language) -> str:
    return language.say(f"frame.{key}") if language.has(f"frame.{key}") else LABELS[key]


def _family(name: str) -> str:
    """Pages that answer the same question about another pillar or team."""
    number = re.match(r"\d+-", name)
    return number[0] if number else name


class _Exporter(TemplateExporter):
    """nbconvert with our templates alone: it neither searches the user's folders nor changes the cells."""

    output_mimetype = "text/html"
    file_extension = ".html"
    default_preprocessors = ()  # each would check the whole notebook once more

    def _create_environment(self) -> Environment:
        return environment()


def _fill(template: str, notebook: nbformat.NotebookNode, **page: Any) -> str:
    with MAKING:
        exporter = _Exporter(template_file=template, template_paths=[str(TEMPLATES)])
    return exporter.from_notebook_node(notebook, resources={"page": page})[0]


@functools.cache
def _style() -> str:
    """style.css and index.css without what a browser does not need."""
    text = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in ("style.css", "index.css"))
    text = re.sub(r"(?s)/\*.*?\*/", "", text)
    return re.sub(r"\s*\n\s*", "\n", text).strip() + "\n"
