"""Jinja as every page uses it: everything is escaped, and two stars are bold.

Templates are read from the package; there is no other place where HTML is
written, so there is no other place where a name from a CRM could break out.
"""

from __future__ import annotations

import functools
import re

import jinja2
from markupsafe import Markup, escape

_BOLD = re.compile(r"\*\*(.+?)\*\*")


def rich(text: str) -> Markup:
    """Escape a sentence of words.py and make what stands between two stars bold."""
    return Markup(_BOLD.sub(r"<b>\1</b>", str(escape(text))))


@functools.cache
def environment() -> jinja2.Environment:
    """The one environment: autoescape on, a missing variable is an error."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("ssi_audit.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["rich"] = rich
    return made


def render(template: str, **values: object) -> Markup:
    """Render a template of the package."""
    return Markup(environment().get_template(template).render(**values))
