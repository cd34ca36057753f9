"""The page of all other analyses: would another analyst have got another answer?

Everything here was computed in `limits.specification_curve`; this turns it
into tables that name the choices in the reader's words.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from ssi_audit import schema, verdict
from ssi_audit.report.charts import plot_choices
from ssi_audit.report.codes import find, spec_counts
from ssi_audit.report.picture import Figure
from ssi_audit.report.tables import Column, Table
from ssi_audit.report.words import Words
from ssi_audit.results import Audit

STATUS_WORDS = {verdict.POS: "more", verdict.NEG: "fewer", verdict.NIL: "too_small", verdict.UNKNOWN: "cant_tell"}


def curves(audit: Audit) -> dict[str, Mapping[str, Any]]:
    """Outcome → its specification curve, the one of the first page first; empty when none was run."""
    top = audit.specification
    if not top.get("rows"):
        return {}
    return {top["outcome"]: top, **top.get("others", {})}


def plot_curves(audit: Audit, words: Words) -> dict[str, Figure]:
    """Outcome → its curve with the choices of every analysis below."""
    figures = {}
    for outcome, curve in curves(audit).items():
        # Counts of this outcome alone, not of all of them as on the first page.
        own = {key: value for key, value in curve.items() if key not in ("n_all", "agree_all")}
        counts = spec_counts({**own, "outcome": outcome})
        figures[outcome] = plot_choices(curve["rows"], counts, words, detail=True, name=f"choices-{outcome}")
    return figures


def agreement_table(audit: Audit, words: Words) -> Table:
    """For each outcome: how many analyses agree with the main one, and what moves the answer most."""
    rows = [
        {
            "outcome": words.outcome(outcome),
            "answer": _status(words, curve["status"]),
            "agree": curve["agree"],
            "n": curve["n"],
            "share": curve["agree"] / curve["n"],
            "most": words.choice(curve["moves_most"]) if curve["moves_most"] else "",
        }
        for outcome, curve in curves(audit).items()
    ]
    columns = (
        Column("outcome", words.say("column.outcome")),
        Column("answer", words.say("column.word")),
        Column("agree", words.say("limits_page.agree"), "count"),
        Column("n", words.say("limits_page.analyses"), "count"),
        Column("share", words.say("column.share"), "percent"),
        Column("most", words.say("limits_page.most")),
    )
    return _table(words.say("limits_page.agreement"), rows, columns)


def influence_table(audit: Audit, words: Words) -> Table:
    """By which factor each choice typically moves the answer, one column per outcome, the strongest first."""
    found = curves(audit)
    factors = {
        outcome: {item["choice"]: item["factor"] for item in curve["influence"]} for outcome, curve in found.items()
    }
    names = dict.fromkeys(name for by_choice in factors.values() for name in by_choice)
    ordered = sorted(names, key=lambda name: -max(by_choice.get(name, 1.0) for by_choice in factors.values()))
    rows = [
        {"choice": words.choice(name), **{outcome: factors[outcome].get(name, math.nan) for outcome in found}}
        for name in ordered
    ]
    columns = (Column("choice", words.say("column.choice")), *_outcome_columns(found, words))
    return _table(words.say("limits_page.influence"), rows, columns)


def means_table(audit: Audit, words: Words) -> Table:
    """The typical ratio under each option of each choice: extreme periods, lag, model and the rest."""
    found = curves(audit)
    means = {
        outcome: {
            (item["choice"], option): mean for item in curve["influence"] for option, mean in item["means"].items()
        }
        for outcome, curve in found.items()
    }
    pairs = dict.fromkeys(pair for by_pair in means.values() for pair in by_pair)
    rows = [
        {
            "choice": words.choice(choice),
            "option": words.option(option),
            **{outcome: means[outcome].get((choice, option), math.nan) for outcome in found},
        }
        for choice, option in pairs
    ]
    columns = (
        Column("choice", words.say("column.choice")),
        Column("option", words.say("limits_page.option")),
        *_outcome_columns(found, words),
    )
    return _table(words.say("limits_page.means"), rows, columns)


def _outcome_columns(outcomes: Iterable[str], words: Words) -> list[Column]:
    return [Column(outcome, words.outcome(outcome), "ratio") for outcome in outcomes]


def margin_table(audit: Audit, words: Words) -> Table:
    """The same curves if a smaller or a larger effect were the smallest that matters."""
    rows = [
        {
            "outcome": words.outcome(outcome),
            "smallest": margin["sesoi"] - 1,
            "answer": _status(words, margin["status"]),
            "agree": margin["agree"],
            "n": margin["n"],
        }
        for outcome, curve in curves(audit).items()
        for margin in curve["sesoi"]
    ]
    columns = (
        Column("outcome", words.say("column.outcome")),
        Column("smallest", words.say("limits_page.smallest"), "percent"),
        Column("answer", words.say("column.word")),
        Column("agree", words.say("limits_page.agree"), "count"),
        Column("n", words.say("limits_page.analyses"), "count"),
    )
    return _table(words.say("limits_page.sesoi"), rows, columns)


def curve_sentences(audit: Audit, words: Words) -> list[str]:
    """What all curves together say: share that agrees, the joint permutation test, analyses that failed."""
    counts = spec_counts(audit.specification)
    if counts is None:
        return [words.say("spec.empty")]
    sentences = [words.spec(counts)]
    if audit.specification.get("moves_most"):
        sentences.append(words.say("spec.most", choice=words.choice(audit.specification["moves_most"])))
    p, draws = audit.specification.get("p_joint"), audit.specification["joint"]["draws"]
    if p is not None:
        rare = p <= 1.5 / (1 + draws)  # nothing that was drawn was as extreme
        share = words.percent(max(p, 1 / (1 + draws)), 1 if p < 0.1 else 0)
        sentences.append(words.say("limits_page.joint_rare" if rare else "limits_page.joint", share=share))
    failed = sum(len(curve["failed"]) for curve in curves(audit).values())
    if failed:
        sentences.append(words.say("limits_page.failed", n=failed))
    return sentences


def within_table(audit: Audit, words: Words) -> Table:
    """The link of the score with each outcome within sellers, by quarter and by period, and across sellers."""
    rows = []
    for outcome in schema.OUTCOMES:
        cell = find(audit, "total", outcome)
        if cell is None:
            continue
        links = {"quarter": cell.link, "period": cell.rmcorr, "across": cell.spearman_between}
        row: dict[str, Any] = {"outcome": words.outcome(outcome)}
        for name, link in links.items():
            row |= {name: link.r, f"{name}_low": link.low, f"{name}_high": link.high}
            row[f"{name}_range"] = words.range(link.low, link.high) if link.known else ""
        rows.append(row)
    columns = [Column("outcome", words.say("column.outcome"))]
    for name, key in (("quarter", "by_quarter"), ("period", "by_period"), ("across", "across")):
        columns += [
            Column(name, words.say(f"limits_page.{key}"), "link"),
            Column(f"{name}_range", words.say("limits_page.range"), "range", where="page"),
            Column(f"{name}_low", words.say("column.low"), "link", where="file"),
            Column(f"{name}_high", words.say("column.high"), "link", where="file"),
        ]
    return _table(words.say("limits_page.within"), rows, tuple(columns))


def other_outcomes(audit: Audit) -> dict[str, Any]:
    """Outcome → estimate at equal activity, for the outcomes that do not enter the verdict."""
    names = [name for name in schema.OUTCOMES if name not in schema.PRIMARY_OUTCOMES]
    cells = {name: find(audit, "total", name) for name in names}
    return {name: cell.adjusted for name, cell in cells.items() if cell is not None}


def _status(words: Words, status: str) -> str:
    return words.say(f"effect.{STATUS_WORDS[status]}")


def _table(caption: str, rows: list[dict[str, Any]], columns: tuple[Column, ...]) -> Table:
    return Table(caption, pd.DataFrame(rows, columns=[column.key for column in columns]), columns)
