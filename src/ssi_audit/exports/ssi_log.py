"""Logs of the score that people and tools keep: a row, or a block of rows, a reading.

Tracker files, the sheet a team fills in by hand, the store of a browser
extension, tables of SQLite trackers, and a long table with one figure a row.
Columns are found by their words; the averages of other people, plans and
limits that stand beside the score are left out (formats.md section 2.4).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ssi_audit.exports import scores, text
from ssi_audit.exports.files import File
from ssi_audit.exports.ledger import Ledger
from ssi_audit.exports.ssi_answer import reading_rows, values_of
from ssi_audit.exports.table import (
    Context,
    Rows,
    Sheet,
    Table,
    cell_text,
    header_table,
    missing_column,
    sheet_table,
    spread,
)
from ssi_audit.exports.text import Unreadable
from ssi_audit.names import LABEL, file_owner, identities, split_identity
from ssi_audit.people import NO_OWNER
from ssi_audit.schema import PILLARS
from ssi_audit.settings import Settings

KIND = "SSI log"
SHEETS = "own"

# A tool that logs a member's own actions beside the score; its other columns are running totals.
ACTIVITY_COLUMNS = {
    "ActiveMinutes": "active_minutes",
    "Reactions": "reactions",
    "Comments": "comments",
    "Connects": "invitations_sent",
    "Messages": "messages_sent",
    "Reposts": "reposts",
    "Posts": "posts",
}
LONG_COLUMNS = ("data_referencia", "secao", "campo", "valor_numerico")
FIRST_NAME, LAST_NAME = ("first name", "firstname", "given name"), ("last name", "lastname", "surname", "family name")
HEADER_WORDS = (
    *(word for words in scores.WORDS.values() for word in words), *scores.PERSON_WORDS, *scores.DATE_WORDS,
    *scores.EMAIL_WORDS, *ACTIVITY_COLUMNS, *LONG_COLUMNS, *FIRST_NAME, *LAST_NAME,
    "hora_referencia", "valor_original", "unidade", "escala", "observacao", "fonte",
    "Total_Connections", "SSI_Increase", "Connection_Limit", "Follow_Limit", "Total_Followers",
)  # fmt: skip

NO_READINGS = "sheet without readings"
OTHERS = "average of other people, or a remark"
NOT_A_PERSON = "a line of totals or averages, not a person"
_SUMMARY_ROW = re.compile(
    r"^(?:the|grand|team|overall)*(?:total.*|average.*|avg|mean|median|sum|averages|keskiarvo|yhteensa|summa|suma|srednia"
    r"|sredni|razem|media|totale|promedio|moyenne|durchschnitt|gesamt|medio)$"
)
# Without one a cell is no word (days and numbers, mostly); beyond ASCII anything can fold to letters.
_LETTER = r"[A-Za-z]|[^\x00-\x7F]"
_ABOUT_OTHERS = re.compile(r"industr|sector|source|note|comment|remark|group|status|company|title|team|region|date")
# Our word → what the fields of the extension's store are called.
_STORE_FIELDS = {
    "total": "overall",
    "brand": "prof_brand",
    "people": "find_right_people",
    "insights": "insight_engagement",
    "relationships": "relationship",
}


def recognises(file: File) -> float:
    """0.9 for a layout that is known, 0.6 for a table with days and readings."""
    if file.kind == "json":
        return 0.9 if _store(file) else 0.0
    if file.kind == "sqlite":
        return 0.9 if _score_tables(file) else 0.0
    if file.kind not in ("text", "workbook") or not file.header:
        return 0.0
    if _is_long(file.words):
        return 0.95
    if {text.fold(name) for name in ("ActiveMinutes", "Connects", "Reposts")} <= file.words:
        return 0.9
    if _has_readings(file.header, file):
        return 0.6
    return 0.5 if _adds_up(file) else 0.0


def read(file: File, context: Context) -> Iterator[Rows]:
    """Rows of ssi, and of activity where the log holds the member's own actions."""
    if file.kind == "json":
        yield _read_store(file, context)
    elif file.kind == "sqlite":
        for name, cells in _score_tables(file).items():
            sheet = Sheet(name, True, cells)
            yield _read_wide(file, sheet_table(file.name, sheet, (), 0), context)
    elif file.kind == "workbook":
        yield from _read_sheets(file, context)
    elif _is_long(file.words):
        yield _read_long(file, context)
    else:
        yield _read_wide(file, file.table(), context)


def _has_readings(header: list[str], file: File) -> bool:
    """Whether a header has days and enough of the score to be about it."""
    empty = header_table(tuple(header))
    section = file.settings.columns.get("ssi", {})
    found = scores.score_columns(empty, section)
    pillars = sum(pillar in found for pillar in PILLARS)
    # "brand", "people" and "total" stand in many tables: three of the pillars together, or the index by its name.
    named = any(
        re.search(r"ssi|socialselling|profbrand|professionalbrand|rightpeople", text.fold(c)) for c in found.values()
    )
    dated = _date_column(empty, section) is not None or len(file.days_in_name) == 1
    return dated and (pillars >= 3 or (named and (pillars >= 1 or _person_columns(empty, section) != {})))


def _adds_up(file: File) -> bool:
    """Whether a table with days and a total has four columns that add up to it, whatever they are called."""
    section = file.settings.columns.get("ssi", {})
    header = header_table(tuple(file.header))
    if _date_column(header, section) is None or "total" not in scores.score_columns(header, section):
        return False
    try:
        table = file.table()
    except Unreadable:
        return False  # said again by whoever reads the file
    return scores.pillars_by_order(table, scores.score_columns(table, section)) != {}


# --------------------------------------------------------------------------- one row a reading


def _read_sheets(file: File, context: Context) -> Iterator[Rows]:
    """Every visible sheet with readings; a sheet may be called after the person."""
    sheets = [sheet for sheet in file.sheets if sheet.visible and sheet.cells]
    words = {text.fold(word) for word in HEADER_WORDS}
    fitting = [sheet for sheet in sheets if _has_readings(sheet.header(words)[1], file)]
    for sheet in fitting:
        table = sheet_table(file.name, sheet, words)
        if sheet is not fitting[0]:
            table.file = f"{file.book.name} [{sheet.name}]"
        yield _read_wide(file, table, context, sheet.name if len(fitting) > 1 else "")
    others = [sheet for sheet in sheets if sheet not in fitting and sheet.filled]
    if others:
        shown = ", ".join(sheet.name for sheet in others)
        context.note(f"{file.book.name}: sheets without readings left alone: {shown}")
    for sheet in others:
        ledger = Ledger(f"{file.book.name} [{sheet.name}]", np.arange(1, len(sheet.cells) + 1))
        ledger.skip(ledger.in_use, NO_READINGS)
        yield Rows(ledger)


def _read_wide(file: File, table: Table, context: Context, part: str = "") -> Rows:
    section = context.settings.columns.get("ssi", {})
    ledger = table.ledger(context)
    person = _person(file, table, section, context, ledger, part)
    date = _date_column(table, section)
    if date is not None:
        ledger.skip(ledger.at(table.rows[_summaries(table.words(date))]), NOT_A_PERSON)
        ledger.skip(ledger.at(table.rows[table.blank(date)]), "no day in this row")
    usable = ledger.in_use[np.searchsorted(ledger.rows, table.rows)]
    table, person = table.where(usable), person[usable].reset_index(drop=True)
    time = _time(file, table, date, context)
    columns = _columns(table, section, context)
    activity = _own_activity(table, person, time, context)
    # A day without a reading is a row all the same where it holds the member's own actions.
    own = Ledger(table.file, table.rows) if activity is not None else ledger
    ssi = scores.score_frame(table, columns, context, own, person, time)
    return Rows(ledger, ssi=ssi, activity=activity)


def _time(file: File, table: Table, date: str | None, context: Context) -> pd.Series:
    if date is not None:
        return table.times(date, context)
    day = file.days_in_name[0]
    context.note(f"{table.file}: the day is that of the file's name, {day}")
    return pd.Series(np.full(len(table), day.astype("datetime64[s]")))


def _columns(table: Table, section: dict[str, str], context: Context) -> dict[str, str]:
    """Which column is which, said in a note; a problem where some pillars have a name nobody knows."""
    columns = scores.score_columns(table, section)
    missing = [pillar for pillar in PILLARS if pillar not in columns]
    if missing:
        by_order = scores.pillars_by_order(table, columns)
        if by_order:
            columns |= by_order
            context.note(f"{table.file}: pillars by their order, because the four add up to the total")
        elif len(missing) < len(PILLARS) and _spare_scores(table, columns):
            for pillar in missing:
                context.problem(table.file, *missing_column(table, pillar, "ssi", taken=columns.values()))
    if any(text.fold(column) != ours.replace("_", "") for ours, column in columns.items()):
        shown = ", ".join(f"{ours} = {columns[ours]}" for ours in scores.VALUES if ours in columns)
        context.note(f"columns of readings: {shown}")
    return columns


def _spare_scores(table: Table, columns: dict[str, str]) -> bool:
    """Whether a column that has no meaning yet could hold a pillar: numbers from 0 to 25."""
    for column in table.frame.columns:
        if column in columns.values():
            continue
        quiet = Context(Settings())
        values = table.numbers(column, quiet, low=0, high=25)
        if not quiet.problems and not np.isnan(values).all():
            return True
    return False


def _own_activity(table: Table, person: pd.Series, time: pd.Series, context: Context) -> pd.DataFrame | None:
    """The daily counts of the one tool that logs them; None for every other log."""
    columns = {metric: table.find(theirs) for theirs, metric in ACTIVITY_COLUMNS.items()}
    if columns["active_minutes"] is None or columns["invitations_sent"] is None:
        return None
    parts = []
    for metric, column in columns.items():
        count = table.numbers(column, context, low=0)
        frame = pd.DataFrame({"person": person, "date": time.dt.floor("D"), "metric": metric, "count": count})
        parts.append(frame.assign(row=table.rows)[~np.isnan(count)])
    return pd.concat(parts, ignore_index=True)


def _person(
    file: File, table: Table, section: dict[str, str], context: Context, ledger: Ledger, part: str
) -> pd.Series:
    """Identities from the columns of names and addresses, or from the file's name for all rows."""
    columns = _person_columns(table, section)
    if not columns:
        owner = file_owner(file, context, part)
        names = _column_of_names(table) if LABEL in split_identity(owner) else None
        if names is not None:
            context.problem(table.file, *missing_column(table, "person", "ssi", [names]))
        return spread([owner], np.zeros(len(table), dtype=np.int64))
    name = table.words(columns.get("name"))
    if "first" in columns:
        name = (table.words(columns["first"]) + " " + table.words(columns["last"])).str.strip()
    email = table.words(columns.get("email"))
    ledger.skip(ledger.at(table.rows[_summaries(name)]), NOT_A_PERSON)
    nobody = ((name == "") & (email == "")).to_numpy()
    ledger.skip(ledger.at(table.rows[nobody]), NO_OWNER)
    return identities(any=name, email=email)


def _column_of_names(table: Table) -> str | None:
    """A column without a meaning that holds names of people: of two words each, and not one name all the way down."""
    for column in table.frame.columns:
        if _ABOUT_OTHERS.search(text.fold(column)):
            continue
        words = table.words(column)
        # Two words or an address: most columns hold nothing of the kind, and need not be looked at cell by cell.
        could_be = pc.match_substring_regex(pa.array(words.array, pa.large_string()), "[ ,@]")
        if not len(words) or pc.sum(could_be).as_py() <= 0.8 * len(words):
            continue
        named = words.str.fullmatch(r"[^\W\d_]+[ ,]+[^\d_]+|\S+@\S+\.\S+").to_numpy(dtype=bool)
        if len(words) and named.mean() > 0.8 and (words.nunique() > 1 or len(words) == 1):
            return column
    return None


def _summaries(words: pd.Series) -> np.ndarray:
    found = pc.match_substring_regex(pa.array(words.array, pa.large_string()), _LETTER).to_numpy(zero_copy_only=False)
    found[found] = words[found].map(text.fold).str.match(_SUMMARY_ROW).to_numpy(dtype=bool)
    return found


def _person_columns(table: Table, section: dict[str, str]) -> dict[str, str]:
    first, last = table.find(*FIRST_NAME), table.find(*LAST_NAME)
    columns = {"email": table.find(*scores.EMAIL_WORDS)}
    if "person" in section and table.find(section["person"]):
        columns["name"] = table.find(section["person"])
    elif first and last:
        columns |= {"first": first, "last": last}
    else:
        columns["name"] = table.find(*scores.PERSON_WORDS)
    return {key: column for key, column in columns.items() if column}


def _date_column(table: Table, section: dict[str, str]) -> str | None:
    own = table.find(section["date"]) if "date" in section else None
    return own or table.find(*scores.DATE_WORDS)


# --------------------------------------------------------------------------- other layouts


def _is_long(words: frozenset[str]) -> bool:
    return {text.fold(column) for column in LONG_COLUMNS} <= words


def _read_long(file: File, context: Context) -> Rows:
    """The Portuguese log: a figure a row; own pillars and averages share their names, the section tells them apart."""
    table = file.table()
    ledger = table.ledger(context)
    field = _long_fields(table)
    ledger.skip(ledger.at(table.rows[(field == "").to_numpy()]), OTHERS)
    own = table.where((field != "").to_numpy())
    value = own.words(own.find("valor_numerico"))
    shown = own.words(own.find("valor_original"))
    long = pd.DataFrame(
        {
            "when": own.words(own.find("data_referencia")) + " " + own.words(own.find("hora_referencia")),
            "field": field[field != ""].to_numpy(),
            "value": value.where(value != "", shown),
            "row": own.rows,
        }
    )
    first = long.groupby("when")["row"].transform("first")
    wide = long.assign(first=first).pivot_table(
        index=["first", "when"], columns="field", values="value", aggfunc="last"
    )
    wide = wide.reset_index()
    readings = wide.rename(columns={"when": "date"}).reindex(columns=["date", *scores.VALUES]).astype("str").fillna("")
    readings["date"] = readings["date"].str.strip()
    grouped = Table(file.name, list(readings.columns), readings, wide["first"].to_numpy(dtype=np.int64))
    person = pd.Series(file_owner(file, context), index=range(len(grouped)), dtype="str")
    columns = {ours: ours for ours in scores.VALUES}
    ssi = scores.score_frame(grouped, columns, context, ledger, person, grouped.times("date", context))
    parts = {int(row): members.to_numpy() for row, members in long["row"].groupby(first)}
    return Rows(ledger, ssi=ssi, parts=parts)


def _long_fields(table: Table) -> pd.Series:
    """Which of `scores.VALUES` each row holds, "" for averages and remarks."""
    section = table.words(table.find("secao")).map(text.fold)
    name = table.words(table.find("campo")).map(text.fold)
    field = pd.Series("", index=section.index, dtype="str")
    current = section.str.contains("ssi|socialsellingindex") & ~section.str.contains("benchmark|setor|rede")
    field[current & name.str.contains("atual|current|indiceatual")] = "total"
    pillar_rows = section.str.contains("component")
    for pillar in PILLARS:
        words = {text.fold(word) for word in scores.WORDS[pillar]}
        field[pillar_rows & name.isin(words)] = pillar
    rank_rows = section.str.contains("classifica|ranking")
    field[rank_rows & name.str.contains("setor|industr")] = "industry_rank"
    field[rank_rows & name.str.contains("rede|network")] = "network_rank"
    return field


def _store(file: File) -> list[dict[str, Any]]:
    """The entries of a browser extension's store; [] if the file is something else."""
    try:
        content = file.json
    except Unreadable:
        return []
    if isinstance(content, dict):
        lists = [value for value in content.values() if isinstance(value, list) and value]
        content = lists[0] if len(lists) == 1 else []
    if not isinstance(content, list):
        return []
    entries = [entry for entry in content if isinstance(entry, dict)]
    fits = entries and all(
        isinstance(entry.get("parsed"), dict) or isinstance(entry.get("raw"), dict) for entry in entries
    )
    return entries if fits and len(entries) == len(content) else []


def _read_store(file: File, context: Context) -> Rows:
    records = []
    for entry in _store(file):
        values = _parsed(entry.get("parsed") or {}) or values_of(entry.get("raw") or {})
        when = entry.get("date") or entry.get("collectedAt") or ""
        shown = {ours: cell_text(value) for ours, value in values.items() if value is not None}
        records.append({"date": cell_text(when), **shown})
    owner = file_owner(file, context)
    return reading_rows(file, records, [owner] * len(records), context)


def _parsed(parsed: dict[str, Any]) -> dict[str, Any]:
    """The values of one entry; `industry.ssi` and `network.ssi` are averages of other people."""
    values = {ours: parsed.get(theirs) for ours, theirs in _STORE_FIELDS.items()}
    for kind in ("industry", "network"):
        if isinstance(parsed.get(kind), dict):
            values[f"{kind}_rank"] = parsed[kind].get("top")
    return {ours: value for ours, value in values.items() if value is not None}


def _score_tables(file: File) -> dict[str, list[list[str]]]:
    """The tables of a SQLite file that hold readings."""
    return {name: cells for name, cells in file.sqlite_tables.items() if _has_readings(cells[0], file)}
