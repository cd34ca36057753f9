"""Messages and numbers in the reader's language.

Messages are whole sentences with named gaps, one file per language, because
Polish and Finnish inflect: a sentence glued from English-shaped pieces is
wrong in both. Numbers, dates and plural rules come from Babel. A message that
a language lacks falls back to English; a test makes sure that none does.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import math
import string
import tomllib
from importlib import resources
from typing import Any

from babel import Locale, dates, lists, numbers

from ssi_audit.schema import LANGUAGES

PLURAL_CATEGORIES = frozenset({"zero", "one", "two", "few", "many", "other"})

# Half of our readers learnt English as a second language, most of them in Europe: day before month.
_BABEL = {"en": "en_GB", "pl": "pl_PL", "it": "it_IT", "fi": "fi_FI", "th": "th_TH"}
# The Thai calendar counts from the death of the Buddha; Babel knows the Gregorian one only.
_YEARS_AHEAD = {"th": 543}

MINUS = "\N{MINUS SIGN}"
NO_NUMBER = "\N{EN DASH}"


class Language:
    """One language: its messages, and how it writes numbers and dates.

    Parameters
    ----------
    lang : {"en", "pl", "it", "fi", "th"}

    Raises
    ------
    ValueError
        If there is no message file for the language.
    """

    def __init__(self, lang: str = "en") -> None:
        if lang not in LANGUAGES:
            raise ValueError(f"no messages in {lang!r}; expected one of {', '.join(LANGUAGES)}")
        self.lang = lang
        self.locale = Locale.parse(_BABEL[lang])
        self._messages = {**load_messages("en"), **load_messages(lang)}

    # ---- messages ----

    def say(self, key: str, **gaps: Any) -> str:
        """Return a message with its gaps filled.

        Parameters
        ----------
        key : str
            Dotted name in the message file.
        **gaps
            Text, or whole numbers (written with separators). `n` also chooses the plural form.

        Raises
        ------
        KeyError
            If neither the language nor English has the message, or a gap is not given.
        TypeError
            If a gap is a float: how many digits it has is decided where it is known what it means.
        """
        message = self._messages[key]
        if isinstance(message, dict):
            category = self.locale.plural_form(gaps["n"])
            message = message.get(category, message["other"])
        return message.format(**{name: self._gap(key, name, value) for name, value in gaps.items()})

    def has(self, key: str) -> bool:
        """Is there a message of this name?"""
        return key in self._messages

    def keys(self, prefix: str) -> list[str]:
        """Names of all messages below a prefix, in the order of the file, without the prefix."""
        return [key.removeprefix(f"{prefix}.") for key in self._messages if key.startswith(f"{prefix}.")]

    def _gap(self, key: str, name: str, value: Any) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, int) or hasattr(value, "__index__"):
            return self.count(int(value))
        raise TypeError(f"message {key!r}: gap {name!r} got {value!r}; format it as text first")

    def enumerate(self, items: list[str] | tuple[str, ...]) -> str:
        """Items joined as the language joins them: ``a, b and c``."""
        joined = lists.format_list(list(items), style="standard", locale=self.locale)
        return joined.replace("และ", " และ ").replace("  ", " ") if self.lang == "th" else joined

    # ---- numbers ----

    def number(self, value: float, digits: int = 0) -> str:
        """A number with fixed decimals, grouped, with a real minus sign and no negative zero.

        Not a number gives a dash.
        """
        if value is None or math.isnan(value):
            return NO_NUMBER
        if math.isinf(value):
            return "∞" if value > 0 else f"{MINUS}∞"
        rounded = round(float(value), digits) + 0.0
        pattern = "#,##0." + "0" * digits if digits else "#,##0"
        text = numbers.format_decimal(rounded, format=pattern, locale=self.locale, group_separator=True)
        return text.replace("-", MINUS)

    def count(self, value: float) -> str:
        """A whole number: people, rows, weeks."""
        return self.number(value, 0)

    def link(self, value: float) -> str:
        """A link from -1 to 1: always two decimals."""
        return self.number(value, 2)

    def ratio(self, value: float) -> str:
        """A rate ratio: two decimals; beyond 100 it says no more than that."""
        if value is not None and math.isfinite(value) and value > 100:
            return f"> {self.number(100)}"
        if value is not None and 0 < value < 0.005:
            return f"< {self.number(0.01, 2)}"
        return self.number(value, 2)

    def percent(self, share: float, digits: int = 0) -> str:
        """A share of 1 as the language writes per cent."""
        if share is None or math.isnan(share):
            return NO_NUMBER
        rounded = round(float(share), digits + 2) + 0.0
        pattern = self.locale.percent_formats[None].pattern.replace(
            "#,##0", "#,##0." + "0" * digits if digits else "#,##0"
        )
        return numbers.format_percent(rounded, format=pattern, locale=self.locale).replace("-", MINUS)

    def money(self, value: float, currency: str = "") -> str:
        """A whole amount, with its ISO code where there is one."""
        return f"{self.count(value)}\N{NO-BREAK SPACE}{currency}" if currency else self.count(value)

    def significant(self, value: float) -> str:
        """A whole number rounded to two significant digits: for sizes that are only guesses."""
        if not math.isfinite(value) or value < 100:
            return self.count(math.ceil(value) if math.isfinite(value) else value)
        step = 10 ** (math.floor(math.log10(value)) - 1)
        return self.count(math.ceil(value / step) * step)

    # ---- dates ----

    def date(self, day: dt.date | None) -> str:
        """One day in words, in the reader's calendar."""
        if day is None:
            return NO_NUMBER
        return f"{self._day(day)} {self._year(day)}"

    def span(self, start: dt.date | None, end: dt.date | None) -> str:
        """A period; the year is given once when it is the same."""
        if start is None or end is None:
            return ""
        if start == end:
            return self.date(start)
        first = self._day(start) if start.year == end.year else self.date(start)
        return f"{first} – {self.date(end)}"

    def month(self, day: dt.date) -> str:
        """Month and year, for the axis of a chart."""
        return f"{dates.format_date(day, 'LLL', locale=self.locale)} {self._year(day)}"

    def _day(self, day: dt.date) -> str:
        pattern = "d. MMMM" if self.lang == "fi" else "d MMM"
        return dates.format_date(day, pattern, locale=self.locale)

    def _year(self, day: dt.date) -> str:
        return str(day.year + _YEARS_AHEAD.get(self.lang, 0))


@functools.cache
def load_messages(lang: str) -> dict[str, Any]:
    """Messages of one language: dotted name → text, or plural category → text."""
    file = resources.files("ssi_audit.report") / "messages" / f"{lang}.toml"
    return dict(_flatten(tomllib.loads(file.read_text(encoding="utf-8"))))


@functools.cache
def load_prose(lang: str) -> dict[str, str]:
    """Text of the notebooks in one language: digest of the English text of a cell → the translation."""
    file = resources.files("ssi_audit.report") / "messages" / f"notebooks.{lang}.toml"
    if not file.is_file():  # English stands in the notebooks themselves
        return {}
    cells = tomllib.loads(file.read_text(encoding="utf-8"))
    return {cell["of"]: cell["text"] for cell in cells.values()}


def translated(text: str, lang: str) -> str:
    """The text of a notebook's cell in the reader's language; as it stands when it was never translated, or changed."""
    return load_prose(lang).get(hashlib.sha256(text.encode()).hexdigest()[:12], text)


def gaps_of(message: str) -> set[str]:
    """Names of the gaps of one message."""
    return {name for _, name, _, _ in string.Formatter().parse(message) if name}


def is_plural(value: Any) -> bool:
    """Is this table one message in several plural forms?"""
    return isinstance(value, dict) and "other" in value and set(value) <= PLURAL_CATEGORIES


def _flatten(table: dict[str, Any], prefix: str = ""):
    for name, value in table.items():
        if isinstance(value, dict) and not is_plural(value):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
