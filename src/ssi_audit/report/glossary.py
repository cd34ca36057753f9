"""The page that says what each word of the reports means, and where the claims come from."""

from __future__ import annotations

from markupsafe import Markup

from ssi_audit.report.context import PageContext
from ssi_audit.report.templating import render
from ssi_audit.report.words import Words

PAGE = "glossary"


def glossary_entries(words: Words) -> dict[str, list[tuple[str, str]]]:
    """Words, facts about the score and sources: section → pairs of name and text.

    Parameters
    ----------
    words : Words
    """
    return {
        "terms": _pairs(words, "term"),
        "facts": [(key, words.say(f"score_fact.{key}")) for key in words.keys("score_fact")],
        "studies": _pairs(words, "source"),
    }


def _pairs(words: Words, section: str) -> list[tuple[str, str]]:
    keys = dict.fromkeys(key.rsplit(".", 1)[0] for key in words.keys(section))
    return [(words.say(f"{section}.{key}.name"), words.say(f"{section}.{key}.text")) for key in keys]


def glossary_html(words: Words) -> Markup:
    """The page without its frame."""
    return render("glossary_parts.html.j2", words=words, **glossary_entries(words))


def render_glossary(context: PageContext) -> str:
    """The whole page, one offline file.

    Parameters
    ----------
    context : PageContext
        Header, footer and language.
    """
    from ssi_audit.report.page import checked, frame_of

    words = Words(context.language)
    frame = frame_of(words.say("glossary.title"), context, PAGE)
    return checked(str(render("glossary.html.j2", content=glossary_html(words), **frame)))
