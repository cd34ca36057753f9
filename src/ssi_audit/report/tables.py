"""Results as tables: on the page, and as a file to download.

A table on a page has a caption, a header for each row and column, and numbers
written as the reader's language writes them. The file behind it has the same
rows with the numbers in full, and opens in a spreadsheet without running
anything: a text that could be a formula gets an apostrophe in front.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from ssi_audit import schema
from ssi_audit.report.codes import FUNNEL, is_clear, link_code, step_link
from ssi_audit.report.reasons import marked_reason
from ssi_audit.report.templating import render
from ssi_audit.report.words import Words
from ssi_audit.results import Audit, Correlation, Fit
from ssi_audit.writing import write_whole

# A spreadsheet runs a cell that begins with one of these (OWASP, "CSV injection").
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
# Colour step of the strip; the word in the cell says the same.
STEPS = {"strong": 3, "moderate": 2, "weak": 1}
# p-values stand in detail tables only, and never as 0.000.
_SMALLEST_P = 0.001


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    key : str
        Column of the frame, and its header in the file.
    label : str
        Header on the page.
    kind : str
        How a value is written: ``text``, ``range`` (never broken), ``long`` (a sentence), ``reason`` (one of a claim,
        in English), ``english`` (one that is not translated), ``count``, ``link``, ``ratio``, ``percent``,
        ``percent1``, ``decimal``, ``date``, ``month`` or ``p``.
    where : {"both", "page", "file"}
        A range is one text on a page and two numbers in a file.
    """

    key: str
    label: str
    kind: str = "text"
    where: str = "both"


@dataclass(frozen=True)
class Table:
    """A frame with what a reader needs to read it.

    Attributes
    ----------
    caption : str
    frame : pandas.DataFrame
        Numbers in full; its first column names the rows.
    columns : tuple of Column
        In the order in which they are shown.
    """

    caption: str
    frame: pd.DataFrame
    columns: tuple[Column, ...]

    def html(self, words: Words, *, caption: bool = True) -> Markup:
        """The table for a page.

        Parameters
        ----------
        words : Words
        caption : bool
            False hides the caption from the eye where a heading above says the same; it stays for ears.
        """
        shown = [column for column in self.columns if column.where != "file"]
        rows = [
            [(write(words, row[column.key], column.kind), column.kind) for column in shown]
            for row in self.frame.to_dict("records")
        ]
        return render("table.html.j2", caption=self.caption, columns=shown, rows=rows, show_caption=caption)

    def for_file(self) -> pd.DataFrame:
        """The numbers in full, as they are written to a file."""
        return self.frame[[column.key for column in self.columns if column.where != "page"]]

    def fold(self, words: Words, csv: str = "") -> Markup:
        """The table behind "Show the numbers", with its file to download when there is one."""
        return render("fold.html.j2", table=self.html(words), title=self.caption, csv=csv, words=words)


def write(words: Words, value: Any, kind: str) -> str:
    """One value as the reader's language writes it; a missing one is a dash."""
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return words.number(math.nan)
    match kind:
        case "text" | "range" | "long" | "english":
            return str(value)
        case "reason":
            return marked_reason(words, value)
        case "count":
            return words.count(value)
        case "link":
            return words.link(value)
        case "ratio":
            return words.ratio(value)
        case "percent":
            return words.percent(value)
        case "percent1":
            return words.percent(value, 1)
        case "decimal":
            return words.number(value, 1)
        case "date":
            return words.date(_day(value))
        case "month":
            return words.month(_day(value))
        case "p":
            return f"< {words.number(_SMALLEST_P, 3)}" if value < _SMALLEST_P else words.number(value, 3)
    raise ValueError(f"no way to write {kind!r}")


def _day(value: Any) -> dt.date:
    return dt.date.fromisoformat(value[:10]) if isinstance(value, str) else pd.Timestamp(value).date()


# ---- files ----


def safe_cell(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula gets an apostrophe; numbers stay as they are."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def write_csv(table: Table | pd.DataFrame, path: Path | str) -> Path:
    """Write the numbers behind a table or a chart, all digits, UTF-8, the same bytes for the same numbers.

    Parameters
    ----------
    table : Table or pandas.DataFrame
    path : path
        Written beside and moved into place, so that nobody reads half a file.
    """
    path = Path(path)
    frame = table.for_file() if isinstance(table, Table) else table
    safe = frame.map(safe_cell)
    safe.columns = [safe_cell(str(name)) for name in frame.columns]
    write_whole(path, safe.to_csv(index=False, lineterminator="\n"))
    return path


# ---- tables of results ----


def link_table(audit: Audit, words: Words, exposures: tuple[str, ...] = schema.EXPOSURES) -> Table:
    """Links of scores with the steps of the funnel: the numbers of the strip and of the first picture."""
    rows = []
    for exposure in exposures:
        for step in FUNNEL:
            link = step_link(audit, exposure, step)
            rows.append(
                {"exposure": words.exposure(exposure), "outcome": words.outcome(step), **_link_row(link, words)}
            )
    columns = (
        Column("exposure", words.say("column.exposure")),
        Column("outcome", words.say("column.outcome")),
        *link_columns(words),
    )
    return Table(words.say("fading.table"), pd.DataFrame(rows), columns)


def correlation_table(correlations: dict[str, Correlation], words: Words, caption: str) -> Table:
    """Links by name (an outcome, a method, a lag), one row each."""
    rows = [{"name": name, **_link_row(link, words), "p": link.p} for name, link in correlations.items()]
    columns = (Column("name", words.say("column.outcome")), *link_columns(words), Column("p", "p", "p"))
    return Table(caption, pd.DataFrame(rows, columns=[column.key for column in columns]), columns)


def link_columns(words: Words) -> tuple[Column, ...]:
    """The columns that every table of links has."""
    return (
        Column("r", words.say("column.link"), "link"),
        Column("low", words.say("column.low"), "link"),
        Column("high", words.say("column.high"), "link"),
        Column("word", words.say("column.word")),
        Column("n_people", words.say("column.people"), "count"),
    )


def _link_row(link: Correlation, words: Words) -> dict[str, Any]:
    shown = link if link.known else Correlation(n_people=link.n_people)
    return {
        "r": shown.r,
        "low": shown.low,
        "high": shown.high,
        "word": words.link_word(link),
        "n_people": shown.n_people,
    }


def fit_table(fits: dict[str, Fit], words: Words, caption: str, outcomes: dict[str, str] | None = None) -> Table:
    """Ratios by name, one row each.

    Parameters
    ----------
    fits : dict of str to Fit
        Label of the row → estimate.
    outcomes : dict of str to str, optional
        Label → outcome, where the label is not the outcome's own; decides which effect is too small to matter.
    """
    by_label = {words.outcome(name): name for name in schema.OUTCOMES} | (outcomes or {})
    rows = [
        {
            "name": label,
            **{
                key: getattr(fit, key) for key in ("rr", "low", "high", "p", "p_holm", "n_people", "n_rows", "n_events")
            },
            "word": words.effect_word(fit, by_label[label]),
        }
        for label, fit in fits.items()
    ]
    columns = (
        Column("name", words.say("column.outcome")),
        Column("rr", words.say("column.ratio"), "ratio"),
        Column("low", words.say("column.low"), "ratio"),
        Column("high", words.say("column.high"), "ratio"),
        Column("word", words.say("column.word")),
        Column("p", "p", "p"),
        Column("p_holm", "p (Holm)", "p"),
        Column("n_people", words.say("column.people"), "count"),
        Column("n_rows", words.say("column.rows"), "count"),
        Column("n_events", words.say("column.events"), "count"),
    )
    return Table(caption, pd.DataFrame(rows, columns=[column.key for column in columns]), columns)


def range_table(fits: dict[str, Fit], words: Words, caption: str) -> Table:
    """Ratios by outcome with their ranges and words, without tests: what one team alone shows."""
    rows = [
        {
            "name": words.outcome(outcome),
            **{key: getattr(fit, key) for key in ("rr", "low", "high", "n_people")},
            "word": words.effect_word(fit, outcome),
        }
        for outcome, fit in fits.items()
    ]
    columns = (
        Column("name", words.say("column.outcome")),
        Column("rr", words.say("column.ratio"), "ratio"),
        Column("low", words.say("column.low"), "ratio"),
        Column("high", words.say("column.high"), "ratio"),
        Column("word", words.say("column.word")),
        Column("n_people", words.say("column.people"), "count"),
    )
    return Table(caption, pd.DataFrame(rows, columns=[column.key for column in columns]), columns)


def rule_table(audit: Audit, words: Words) -> Table:
    """The four main results and their verdicts, also for a smaller and a larger effect that matters."""
    cells = [cell for cell in audit.cells if cell.exposure == "total" and cell.outcome in schema.PRIMARY_OUTCOMES]
    rows = [
        {
            "outcome": words.outcome(cell.outcome),
            "verdict": words.verdict_word(cell.verdict),
            "effect": words.ratio_and_range(cell.adjusted),
            **{key: getattr(cell.adjusted, key) if cell.adjusted.known else math.nan for key in ("rr", "low", "high")},
            "strict": words.verdict_word(cell.strict) if cell.strict else "",
            "loose": words.verdict_word(cell.loose) if cell.loose else "",
            "why": words.reason(cell),
        }
        for cell in cells
    ]
    columns = (
        Column("outcome", words.say("rule.outcome")),
        Column("verdict", words.say("rule.verdict")),
        Column("effect", words.say("rule.effect"), "range", where="page"),
        Column("rr", words.say("column.ratio"), "ratio", where="file"),
        Column("low", words.say("column.low"), "ratio", where="file"),
        Column("high", words.say("column.high"), "ratio", where="file"),
        Column("strict", words.say("rule.strict")),
        Column("loose", words.say("rule.loose")),
        Column("why", words.say("rule.why"), "long"),
    )
    return Table(words.say("rule.caption"), pd.DataFrame(rows, columns=[column.key for column in columns]), columns)


# ---- the strip ----


@dataclass(frozen=True)
class StripCell:
    """One cell of the strip: what it says, and the colour step that repeats it."""

    number: str
    word: str
    range: str
    style: str


def strip(audit: Audit, words: Words) -> list[tuple[str, str, str, list[StripCell]]]:
    """Pillar by outcome: code, name, note and four cells of each score."""
    return [
        (
            exposure,
            words.exposure(exposure),
            words.say(f"exposure_note.{exposure}"),
            [_strip_cell(step_link(audit, exposure, step), words) for step in FUNNEL],
        )
        for exposure in schema.EXPOSURES
    ]


def _strip_cell(link: Correlation, words: Words) -> StripCell:
    code = link_code(link)
    if code == "no_data":
        return StripCell(words.number(math.nan), words.link_word(link), "", "sx")
    style = "s0"
    if is_clear(code):
        style = f"{'m' if code.endswith('_negative') else 's'}{STEPS[code.removesuffix('_negative')]}"
    elif code == "too_small":
        style = "st"
    return StripCell(words.link(link.r), words.link_word(link), words.range(link.low, link.high), style)
