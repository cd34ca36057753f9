"""Quotas and targets in the shapes people keep them: one row a period, or one column a period.

A period is a month, a quarter, a half-year or a year, written in any of the usual
ways; a quota without a period is not used, because nobody can say what it was for.
Calendar quarters are meant; a fiscal year that begins in another month needs
``period_start`` and ``period_end``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache

import numpy as np
import pandas as pd

from ssi_audit.exports import crm, text
from ssi_audit.exports.files import File
from ssi_audit.exports.generic_crm import SELLER
from ssi_audit.exports.money import currencies, money
from ssi_audit.exports.scores import PERSON_WORDS
from ssi_audit.exports.table import Context, Rows, Table
from ssi_audit.names import identities
from ssi_audit.people import NO_OWNER

KIND = "quotas"

NAMES = {
    "person": (*SELLER, *PERSON_WORDS, "Employee Name", "Quota Owner"),
    "period": (
        "Period", "Quarter", "Month", "Fiscal Period", "Fiscal Quarter", "Okres", "Kwartał", "Miesiąc", "Trimestre",
        "Mese", "Kausi", "Neljännes", "Kuukausi", "Quartal", "Monat", "Zeitraum", "Periodo", "Mes",
    ),
    "period_start": ("Period Start", "Start Date", "Start", "From", "Od", "Inizio", "Alku", "Beginn", "Von", "Desde"),
    "period_end": ("Period End", "End Date", "End", "To", "Do", "Fine", "Loppu", "Ende", "Bis", "Hasta"),
    "year": ("Year", "Fiscal Year", "Rok", "Anno", "Vuosi", "Jahr", "Año", "Année"),
    "quota": (
        "Quota", "Target", "Sales Target", "Sales Quota", "Quota Amount", "Target Amount", "Goal", "Budget", "Plan",
        "Cel", "Cel sprzedaży", "Obiettivo", "Budget vendite", "Tavoite", "Myyntitavoite", "Ziel", "Vertriebsziel",
        "Objetivo", "Cuota", "Objectif", "Doel", "เป้าหมาย", "ยอดขายเป้าหมาย",
    ),
    "currency": ("Currency", "Waluta", "Valuta", "Valuutta", "Währung", "Moneda", "Divisa", "Devise"),
}  # fmt: skip
_SELLER = tuple(name for name in SELLER if name not in ("Owner", "Owner Name", "Responsible", "Agent", "Closer"))
_CERTAIN = ("Quota", "Sales Target", "Sales Quota", "Quota Amount", "Target", "Cel sprzedaży", "Myyntitavoite")
HEADER_WORDS = (*(name for field in ("period", "year", "quota") for name in NAMES[field]), "Q1", "Q2", "Q3", "Q4")
_QUOTA_WORD = re.compile(
    r"quota|target|budget|goal|obiettiv|tavoite|vertriebsziel|objetiv|cuota|objectif|cele?\b|plan\b"
)

NO_PERIOD = "no period that can be read"
NO_QUOTA = "no quota in this row"

# Languages in which months are recognised.
_LANGUAGES = ("en", "pl", "it", "fi", "th", "de", "es", "fr", "pt", "nl")


def recognises(file: File) -> float:
    """0.6 for a person, a period and a quota a row; 0.55 for a column a period beside a word for quota."""
    if file.kind not in ("text", "workbook") or not file.header:
        return 0.0

    def has(*fields: str) -> bool:
        return all(crm.has_any(file.words, *NAMES[field]) for field in fields)

    # "Name, Start, End, Budget" is a list of campaigns as well: a vague word needs a seller beside it.
    seller = crm.has_any(file.words, *_SELLER)
    named = seller or (has("person") and crm.has_any(file.words, *_CERTAIN))
    if has("quota") and named and (has("period") or has("period_start", "period_end") or has("year")):
        return 0.6
    if not has("person"):
        return 0.0
    periods = _period_columns(file.header, has("year"))
    said = any(_QUOTA_WORD.search(cell.lower()) for cell in (*file.header, file.title, *file.name_words))
    return 0.55 if len(periods) >= 2 and said else 0.0


def read(file: File, context: Context) -> Iterator[Rows]:
    """Quotas of either shape, a row of the table for each person and period."""
    table = file.table()
    columns = crm.find_columns(table, NAMES, "quotas", context)
    ledger = table.ledger(context)
    person = table.words(columns["person"])
    crm.skip(table, ledger, (person == "").to_numpy(), NO_OWNER)
    stated = currencies(table, columns["currency"], context)
    if any("fiscal" in cell.lower() or re.search(r"\bFY", cell) for cell in table.header):
        context.note(
            f"{file.name}: fiscal periods are taken for calendar ones; give period_start and period_end if not"
        )
    wide = _period_columns(table.header, columns["year"] is not None)
    if columns["quota"] is None and wide:
        parts = [_quota(table, column, _span(table, columns, column), stated, context) for column in wide]
    else:
        parts = [_quota(table, columns["quota"], _span(table, columns, None, context), stated, context)]
    frame = pd.concat([part.assign(person=identities(any=person), row=table.rows) for part in parts])
    readable = frame["period_start"].notna() & frame["period_end"].notna()
    filled = frame["quota"].notna()
    crm.skip(table, ledger, ~table_mask(table, frame[filled]), NO_QUOTA)
    crm.skip(table, ledger, ~table_mask(table, frame[filled & readable]), NO_PERIOD)
    frame = frame[filled & readable & frame["row"].isin(ledger.rows[ledger.in_use])]
    frame = frame.assign(told=crm.export_day(file, *crm.NO_TIMES))
    yield Rows(ledger, quotas=frame.reset_index(drop=True))


def table_mask(table: Table, frame: pd.DataFrame) -> np.ndarray:
    """True for the rows of a table that a frame made of it has."""
    return np.isin(table.rows, frame["row"].to_numpy())


def _quota(table: Table, column: str, span: pd.DataFrame, stated: pd.Series | None, context: Context) -> pd.DataFrame:
    values, currency = money(table, column, stated, context)
    table.complain(context, column, values < 0, "is negative: a quota cannot be")
    return span.assign(quota=values, currency=currency)


def _span(table: Table, columns: dict, header: str | None, context: Context | None = None) -> pd.DataFrame:
    """First and last day of the period of each row: of its own cells, or of a header such as ``Q1 2026``."""
    if header is None and columns["period_start"] and columns["period_end"]:
        order = crm.day_first_of(table, columns["period_start"], columns["period_end"])
        first, last = (table.days(columns[name], context, day_first=order) for name in ("period_start", "period_end"))
        return pd.DataFrame({"period_start": first, "period_end": last})
    year = table.words(columns["year"])
    said = table.words(columns["period"]) if header is None else pd.Series(header, index=year.index, dtype="str")
    codes, distinct = pd.factorize(said + "\x1f" + year)
    spans = [period_of(*one.split("\x1f")) for one in distinct]
    first = np.array([span[0] for span in spans], dtype="datetime64[s]")
    last = np.array([span[1] for span in spans], dtype="datetime64[s]")
    return pd.DataFrame({"period_start": first[codes], "period_end": last[codes]})


def _period_columns(header: list[str], with_year: bool) -> list[str]:
    """Headers that name a period; without a year in them only where the rows have one."""
    return [cell for cell in header if not np.isnat(period_of(cell, "2000" if with_year else "")[0])]


@lru_cache(maxsize=4096)
def period_of(words: str, year: str = "") -> tuple[np.datetime64, np.datetime64]:
    """First and last day of ``2026-Q1``, ``Q1/26``, ``H2 2026``, ``2026-03``, ``Mar 2026``, ``2026``; NaT if none.

    `year` is used where the words hold none.
    """
    plain = text.fold(words)
    plain = re.sub(
        r"^(?:fy|cy|quota|target|budget|goal|plan|cel|ziel)(?=[\dqh])|(?:quota|target|budget|goal)$", "", plain
    )
    own = re.search(r"(?:19|20)\d{2}", plain)
    rest = plain.replace(own.group(), "", 1) if own else plain
    if not own:
        short = re.fullmatch(r"(q[1-4]|h[12]|[1-4]q|[12]h|[a-z]{3,})(?:fy)?(\d{2})", rest)
        turned = re.fullmatch(r"(\d{2})(q[1-4]|h[12])", rest)
        if short or turned:
            rest, digits = short.groups() if short else reversed(turned.groups())
            found = f"20{digits}"
        else:
            found = year.strip().removeprefix("FY").strip()
    else:
        found = own.group()
    if not re.fullmatch(r"(?:19|20)\d{2}", found):
        return np.datetime64("NaT", "s"), np.datetime64("NaT", "s")
    months = _months(rest.removeprefix("fy").removesuffix("fy"))
    if months is None:
        return np.datetime64("NaT", "s"), np.datetime64("NaT", "s")
    start = np.datetime64(f"{found}-{months[0]:02d}", "M")
    return start.astype("datetime64[s]"), ((start + months[1]).astype("datetime64[D]") - 1).astype("datetime64[s]")


def _months(words: str) -> tuple[int, int] | None:
    """First month and number of months that words without a year mean."""
    if not words:
        return 1, 12
    quarter = re.fullmatch(
        r"(?:q|kw|quarter|quartal|kwartal|trimestre|t)([1-4])|([1-4])(?:q|kw|quarter|quartal|kwartal)", words
    )
    if quarter:
        return 3 * int(quarter.group(1) or quarter.group(2)) - 2, 3
    half = re.fullmatch(r"(?:h|hy)([12])|([12])(?:h|hy)", words)
    if half:
        return 6 * int(half.group(1) or half.group(2)) - 5, 6
    number = re.fullmatch(r"m?(0?[1-9]|1[0-2])", words)
    if number:
        return int(number.group(1)), 1
    return (_month_names()[words], 1) if words in _month_names() else None


@cache
def _month_names() -> dict[str, int]:
    """Folded names of the months in full and abbreviated, in the languages of the users → their number."""
    from babel.dates import get_month_names

    return {
        text.fold(name): month
        for language in _LANGUAGES
        for context in ("format", "stand-alone")
        for width in ("wide", "abbreviated")
        for month, name in get_month_names(width, context, language).items()
        if not text.fold(name).isdigit()
    }
