"""Why a claim got its state, in the reader's language.

The tests of the claims say why in English, because `answer.json` is read by
programs and people of every language. The sentences they use are the section
``finding`` of the English messages; here each one is recognised, its gaps
(numbers, outcomes, pillars) are read, and it is said again. A sentence that is
not recognised stays as it is, and the caller can mark it as English.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from markupsafe import Markup

from ssi_audit import schema
from ssi_audit.claim_data import words as outcome_in_reasons
from ssi_audit.report.language import load_messages
from ssi_audit.report.words import Words

SECTION = "finding"
# Full stop, then a new sentence: not the point in "people.csv" or "1.4 times".
_BREAK = re.compile(r"(?<=\.) (?=[A-Z'])|(?<=\.) (?=(?:brand|people|insights|relationships|total) decides\.)")
_GAP = re.compile(r"\\\{(\w+)\\\}")


def reason_in(words: Words, reason: str) -> str | None:
    """A reason in the reader's language, or None when a sentence of it is not known.

    Parameters
    ----------
    words : Words
    reason : str
        One or more sentences, as in `ClaimResult.reason`.
    """
    said = [_say(words, sentence) for sentence in _BREAK.split(reason.strip()) if sentence]
    return " ".join(said) if said and None not in said else None


def marked_reason(words: Words, reason: str) -> str | Markup:
    """A reason for a page: one that has no words in the reader's language is marked as English, for ears."""
    said = reason_in(words, reason)
    if said is not None or words.lang == "en" or not reason:
        return said or reason
    return Markup('<span lang="en">{}</span>').format(reason)


@functools.cache
def _templates() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Name and pattern of each sentence, the most specific first."""
    found = {key: text for key, text in load_messages("en").items() if key.startswith(f"{SECTION}.")}
    ordered = sorted(found.items(), key=lambda item: -len(re.sub(r"\{\w+\}", "", item[1])))
    return tuple((key, re.compile(_GAP.sub(r"(?P<\1>.+?)", re.escape(text)))) for key, text in ordered)


def _say(words: Words, sentence: str) -> str | None:
    upper = sentence[:1].upper() + sentence[1:]
    for key, pattern in _templates():
        match = pattern.fullmatch(sentence) or pattern.fullmatch(upper)
        if match is None:
            continue
        gaps = {name: _gap(words, name, text) for name, text in match.groupdict().items()}
        if None not in gaps.values():
            said = words.say(key, **gaps)
            return said[:1].upper() + said[1:]
    return None


def _gap(words: Words, name: str, text: str) -> str | None:
    """What stands in a gap, as the reader's language writes it; None when it is not what the gap is for."""
    read: dict[str, Callable[[Words, str], str | None]] = {
        "times": _number, "share": _share, "rest": _rest, "pillar": _pillar, "pillars": _pillars,
        "outcome": _outcome, "outcome_b": _outcome, "indicator": _indicator, "metrics": _metrics, "states": _states,
    }  # fmt: skip
    if name in read:
        return read[name](words, text)
    return _number(words, text) if len(name) == 1 else text


def _number(words: Words, text: str) -> str | None:
    """A number, or "<5" where a group is too small to be counted."""
    found = re.fullmatch(r"(<?)(\d+(?:\.(\d+))?)", text)
    if found is None:
        return None
    less, value, decimals = found.groups()
    number = words.number(float(value), len(decimals or ""))
    return words.say("number.fewer_than", x=number) if less else number


def _share(words: Words, text: str) -> str | None:
    return words.percent(int(text[:-1]) / 100) if re.fullmatch(r"\d+%", text) else None


def _rest(words: Words, text: str) -> str | None:
    """The sentence after a colon: it goes on in small letters, names keep theirs."""
    said = _say(words, text)
    return said if said is None or said[:3] in ("SSI", "Lin") else said[:1].lower() + said[1:]


def _pillar(words: Words, text: str) -> str | None:
    return words.exposure(text) if text in schema.EXPOSURES else None


def _pillars(words: Words, text: str) -> str | None:
    names = [_pillar(words, name) for name in text.split(", ")]
    return None if None in names else words.enumerate(names)


def _outcome(words: Words, text: str) -> str | None:
    if text == outcome_in_reasons("revenue_per_deal"):
        return words.say("claims_page.revenue_per_deal")
    return next((words.outcome(name) for name in schema.OUTCOMES if outcome_in_reasons(name) == text), None)


def _indicator(words: Words, text: str) -> str | None:
    return words.indicator(text)


def _metrics(words: Words, text: str) -> str | None:
    """Columns of the files, which have no other name; only what joins them is a word."""
    return text if words.lang == "en" else words.enumerate(re.split(r" or |, ", text))


def _states(words: Words, text: str) -> str | None:
    said = [_say(words, state) for state in text.split(", ")]
    return None if None in said else words.enumerate([state[:1].lower() + state[1:] for state in said])
