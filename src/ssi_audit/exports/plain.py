"""The plain format: tables that people make themselves, and that `ssi-audit load` writes.

Recognised by the header alone (design.md section 3); column order is free,
extra columns are left alone and listed. Also as Parquet with the same columns,
which is read in pieces. `absences` (person, first_day, last_day) is our
addition: days on which a person was away.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from ssi_audit import schema
from ssi_audit.exports import scores, text
from ssi_audit.exports.files import File
from ssi_audit.exports.ledger import Ledger
from ssi_audit.exports.table import Context, Rows, Table, column_list, missing_column, spread
from ssi_audit.names import identities
from ssi_audit.people import NO_OWNER

KIND = "plain table"

# People may have been hired long before LinkedIn.
EARLIEST_HIRE = np.datetime64("1940-01-01")
DUPLICATE = "exact duplicate"
SMALLER_COUNT = "another count for the same day and metric; the larger counts"
NO_COUNT = "no count in this row"
# What one count of a file is about.
COUNT_OF = ("person", "date", "metric", "first_day")

# Table → columns that must be there, columns that may be.
LAYOUTS = {
    "ssi": (("person", "date"), scores.VALUES),
    "activity": (("person", "date", "metric", "count"), ("first_day",)),
    "crm_events": (("person", "date", "kind"), ("amount", "currency", "source", "deal", "started")),
    "quotas": (("person", "period_start", "period_end", "quota"), ("currency",)),
    "absences": (("person", "first_day", "last_day"), ()),
    "people": (("person",), (*schema.PEOPLE_COLUMNS[1:], "left_on", *schema.SYSTEM_IDS)),
    "ledger": (schema.LEDGER_COLUMNS, ()),
    "people-review": (("accept", "received", "person"), ("similarity", "reason", "rows", "files")),
}
HEADER_WORDS = tuple(dict.fromkeys(word for needed, other in LAYOUTS.values() for word in (*needed, *other)))
CURRENCY_SIGNS = {"€": "EUR", "£": "GBP", "zł": "PLN", "₹": "INR", "¥": "JPY", "฿": "THB", "₴": "UAH", "₽": "RUB"}


def recognises(file: File) -> float:
    """1 for the header of one of our tables, 0.05 for a file that has its name only."""
    if file.kind not in ("text", "workbook", "parquet") or not file.header:
        return 0.0
    return 1.0 if fits(file) else 0.05 * bool(_named_like(file))


def fits(file: File) -> str | None:
    """The table whose columns the header has."""
    for table, (needed, others) in LAYOUTS.items():
        have = file.words | {
            text.fold(ours)
            for ours, theirs in file.settings.columns.get(table, {}).items()
            if text.fold(theirs) in file.words
        }
        if not {text.fold(column) for column in needed} <= have:
            continue
        if table in ("ssi", "people") and not {text.fold(column) for column in others} & have:
            continue
        return table
    return None


def _named_like(file: File) -> str | None:
    """The table that a file is named after: its columns are then missed aloud, not silently."""
    title = file.title.lower()
    return next((table for table in sorted(LAYOUTS, key=len, reverse=True) if title.startswith(table)), None)


def read(file: File, context: Context) -> Iterator[Rows]:
    """Rows of one of the plain tables."""
    table_name = fits(file) or _named_like(file)
    table = file.parquet_table() if file.kind == "parquet" else file.table()
    columns = _columns(table, table_name, context)
    yield Rows(table.ledger(context)) if columns is None else _READERS[table_name](table, columns, context)


def read_table(table: Table, name: str, context: Context) -> Rows:
    """Rows of a part of one of the plain tables that has all columns it needs."""
    return _READERS[name](table, _columns(table, name, context), context)


def _columns(table: Table, name: str, context: Context) -> dict[str, str | None] | None:
    """Our columns → the file's; None, with a problem for each, where a needed one is missing."""
    needed, others = LAYOUTS[name]
    section = context.settings.columns.get(name, {})
    columns = {ours: table.find(section.get(ours, ours)) for ours in (*needed, *others)}
    missing = [ours for ours in needed if columns[ours] is None]
    if name == "ssi" and not any(columns[value] for value in scores.VALUES):
        missing.append("total")
    for ours in missing:
        context.problem(table.file, *missing_column(table, ours, name, _guesses(ours), columns.values()))
    for theirs in columns.values():
        twice = f"{theirs} (2)"
        if theirs and twice in table.frame.columns and not table.frame[theirs].equals(table.frame[twice]):
            context.problem(
                table.file, f'column "{theirs}" stands in the header twice, with different values', "remove one of them"
            )
    spare = [column for column in table.frame.columns if column not in columns.values()]
    spare = [column for column in spare if not column.endswith(" (2)")]
    if name == "ssi" and not missing:
        _miss_pillars(table, columns, spare, context)
    if spare and name not in ("people", "people-review"):
        context.note(f"{PurePosixPath(table.file).name}: columns left alone: {column_list(spare)}")
    return None if missing else columns


def _miss_pillars(table: Table, columns: dict, spare: list[str], context: Context) -> None:
    """Some pillars but not all, and a column that is spelled much like a missing one: a typing error."""
    missing = [pillar for pillar in schema.PILLARS if columns[pillar] is None]
    if len(missing) == len(schema.PILLARS):
        return
    for pillar in missing:
        folded = {text.fold(column): column for column in spare}
        near = difflib.get_close_matches(pillar, folded, n=1, cutoff=0.6)
        guess = scores.score_columns(table).get(pillar)
        if near or guess:
            context.problem(table.file, *missing_column(table, pillar, "ssi", [guess or pillar], columns.values()))


def _guesses(ours: str) -> tuple[str, ...]:
    return {"person": scores.PERSON_WORDS, "date": scores.DATE_WORDS, **scores.WORDS}.get(ours, ())


# --------------------------------------------------------------------------- the tables


def _read_ssi(table: Table, columns: dict, context: Context) -> Rows:
    ledger = table.ledger(context)
    person = _person(table, columns, ledger)
    time = _needed_days(table, columns["date"], context, ledger, with_time=True)
    values = {ours: columns[ours] for ours in scores.VALUES if columns[ours]}
    return Rows(ledger, ssi=scores.score_frame(table, values, context, ledger, person, time))


def _read_activity(table: Table, columns: dict, context: Context) -> Rows:
    ledger = table.ledger(context)
    person = _person(table, columns, ledger)
    metric = _one_of(table, columns["metric"], schema.METRICS, context, ledger)
    count = table.numbers(columns["count"], context, low=0, integer=True)
    date = _needed_days(table, columns["date"], context, ledger)
    first_day = table.days(columns["first_day"], context)
    if columns["first_day"]:
        table.complain(
            context, columns["first_day"], (first_day > date).to_numpy(), "is later than the date of the row"
        )
    ledger.skip(ledger.at(table.rows[np.isnan(count)]), NO_COUNT)
    frame = pd.DataFrame(
        {"person": person, "date": date, "metric": metric, "count": count, "first_day": first_day, "row": table.rows}
    )
    frame = frame[frame["count"].notna()]
    if table.whole:  # of a part of a table the rest must be asked too (`bulk`)
        frame, dropped = largest_count(frame, COUNT_OF)
        for gone, reason in dropped:
            ledger.skip(ledger.at(gone["row"].to_numpy()), reason)
    return Rows(ledger, activity=frame)


def largest_count(frame: pd.DataFrame, key: tuple[str, ...]) -> tuple[pd.DataFrame, list[tuple[pd.DataFrame, str]]]:
    """One count a person, day and metric: a repeated row counts once, of different counts the largest.

    Returns
    -------
    tuple of (pandas.DataFrame, list)
        What counts; and the rows that do not, with the reason.
    """
    key = list(key)
    if not frame.duplicated(key).any():
        return frame, []
    repeated = frame.duplicated([*key, "count"])
    largest = frame[~repeated].sort_values(["count", "row"], kind="stable").drop_duplicates(key, keep="last").index
    smaller = ~repeated & ~frame.index.isin(largest)
    return frame[frame.index.isin(largest)], [(frame[repeated], DUPLICATE), (frame[smaller], SMALLER_COUNT)]


def _read_events(table: Table, columns: dict, context: Context) -> Rows:
    ledger = table.ledger(context)
    frame = pd.DataFrame(
        {
            "person": _person(table, columns, ledger),
            "date": _needed_days(table, columns["date"], context, ledger),
            "kind": _one_of(table, columns["kind"], schema.KINDS, context, ledger),
            "amount": table.numbers(columns["amount"], context),
            "currency": _currency(table, columns["currency"], context),
            "source": _unguarded_words(table, columns["source"]),
            "deal": unguarded(table.words(columns["deal"])),
            "started": table.days(columns["started"], context),
            "row": table.rows,
        }
    )
    return Rows(ledger, crm_events=frame)


def _read_quotas(table: Table, columns: dict, context: Context) -> Rows:
    ledger = table.ledger(context)
    frame = pd.DataFrame(
        {
            "person": _person(table, columns, ledger),
            "period_start": _needed_days(table, columns["period_start"], context, ledger),
            "period_end": _needed_days(table, columns["period_end"], context, ledger),
            "quota": table.numbers(columns["quota"], context, low=0),
            "currency": _currency(table, columns["currency"], context),
            "row": table.rows,
        }
    )
    wrong = (frame["period_end"] < frame["period_start"]).to_numpy()
    table.complain(context, columns["period_end"], wrong, "is before the start of the period")
    ledger.skip(ledger.at(frame["row"][frame["quota"].isna()].to_numpy()), "no quota in this row")
    return Rows(ledger, quotas=frame[frame["quota"].notna()])


def _read_absences(table: Table, columns: dict, context: Context) -> Rows:
    ledger = table.ledger(context)
    frame = pd.DataFrame(
        {
            "person": _person(table, columns, ledger),
            "first_day": _needed_days(table, columns["first_day"], context, ledger),
            "last_day": _needed_days(table, columns["last_day"], context, ledger),
            "row": table.rows,
        }
    )
    wrong = (frame["last_day"] < frame["first_day"]).to_numpy()
    table.complain(context, columns["last_day"], wrong, "is before the first day")
    return Rows(ledger, absences=frame)


def _read_people(table: Table, columns: dict, context: Context) -> Rows:
    ledger = table.ledger(context)
    theirs = {column: ours for ours, column in columns.items() if column}
    frame = pd.DataFrame({theirs.get(column, column): unguarded(table.words(column)) for column in table.frame.columns})
    for ours in ("hired_on", "left_on", "licence_start"):
        frame[ours] = table.days(columns[ours], context, earliest=EARLIEST_HIRE)
    nameless = (frame["person"] == "").to_numpy()
    ledger.skip(ledger.at(table.rows[nameless]), "no name in this row")
    return Rows(ledger, people=frame.assign(row=table.rows)[~nameless])


def _read_review(table: Table, columns: dict, context: Context) -> Rows:
    """Proposals of an earlier run: those that the user marked with yes are facts now."""
    ledger = table.ledger(context)
    answer = table.words(columns["accept"]).map(text.fold)
    yes = answer.isin(("yes", "y", "x", "true", "1", "ok", "tak", "si", "kylla")).to_numpy()
    ledger.skip(ledger.at(table.rows[~yes]), "proposal not accepted")
    frame = pd.DataFrame(
        {
            "received": unguarded(table.words(columns["received"])),
            "person": unguarded(table.words(columns["person"])),
            "row": table.rows,
        }
    )
    return Rows(ledger, accepted=frame[yes])


def _read_ledger(table: Table, columns: dict, context: Context) -> Rows:
    """The ledger that `load` wrote beside its tables: nothing to count."""
    ledger = table.ledger(context)
    ledger.skip(ledger.in_use, "the ledger of an earlier run")
    return Rows(ledger)


_READERS = {
    "ledger": _read_ledger,
    "ssi": _read_ssi,
    "activity": _read_activity,
    "crm_events": _read_events,
    "quotas": _read_quotas,
    "absences": _read_absences,
    "people": _read_people,
    "people-review": _read_review,
}


# --------------------------------------------------------------------------- columns


def _unguarded_words(table: Table, column: str | None) -> pd.Series:
    """A column of few distinct words as categories (`unguarded`)."""
    codes, distinct = table.coded(column)
    return spread(unguarded(distinct), codes)


def _person(table: Table, columns: dict, ledger: Ledger) -> pd.Series:
    codes, distinct = table.coded(columns["person"])
    person = unguarded(distinct)
    ledger.skip(ledger.at(table.rows[(person == "").to_numpy()[codes]]), NO_OWNER)
    return spread(identities(any=person), codes)


def _needed_days(table: Table, column: str, context: Context, ledger: Ledger, *, with_time: bool = False) -> pd.Series:
    times = table.times(column, context)
    blank = table.blank(column) & ledger.in_use[np.searchsorted(ledger.rows, table.rows)]
    table.complain(context, column, blank, "is empty: every row needs a day")
    return times if with_time else times.dt.floor("D")


def _one_of(table: Table, column: str, allowed: tuple[str, ...], context: Context, ledger: Ledger) -> pd.Series:
    """A column of fixed words, in any spelling; a problem for every other word."""
    codes, distinct = table.coded(column)
    known = {text.fold(word): word for word in allowed}
    ours = [known.get(text.fold(word), "") for word in distinct]
    wrong = [word for word, our in zip(distinct, ours) if not our]
    near = difflib.get_close_matches(text.fold(wrong[0]), known, n=1) if wrong else []
    guess = f"did you mean {known[near[0]]}? " if near else ""
    where = np.array([not our for our in ours], dtype=bool)[codes]
    table.complain(context, column, where, "is not known", f"{guess}one of: {', '.join(allowed)}")
    return spread(ours, codes)


def _currency(table: Table, column: str | None, context: Context) -> pd.Series:
    codes, once = table.distinct(column)
    words = once.words(column).replace(CURRENCY_SIGNS).str.upper()
    blank = once.blank(column)
    if column is not None:
        wrong = ~words.str.fullmatch(r"[A-Z]{3}").to_numpy(dtype=bool) & ~blank
        table.complain(context, column, wrong[codes], "is not a currency", "use a code of three letters such as EUR")
    return spread(words.mask(pd.Series(blank), ""), codes)


# What a spreadsheet program takes for a formula; an apostrophe before it makes it text.
_FORMULA = r"^'*[=+\-@\t\r]"


def guarded(words: pd.Series) -> pd.Series:
    """Text with an apostrophe before what a spreadsheet program would run as a formula."""
    return words.where(~words.str.contains(_FORMULA, na=False), "'" + words)


def unguarded(words: pd.Series) -> pd.Series:
    """Text as it was before `guarded`."""
    marked = words.str.startswith("'")
    if not marked.any():
        return words
    return words.where(~(marked & words.str.contains(_FORMULA)), words.str.slice(1))
