"""The answer page: everything of ux.md section 2, in its order, from one Audit.

Each block is a `Piece`: the notebook `00-answer` displays them one by one, and
`render_index` puts them into one page. A block whose data are missing says
what is missing; it never vanishes. Sentences come from words.py, pictures from
figures.py, and every number behind them is in one of the tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from ssi_audit import schema
from ssi_audit.report.codes import FUNNEL, HEADLINE_CLAIMS, is_score, ranked, skill_code, spec_counts
from ssi_audit.report.context import PageContext
from ssi_audit.report.figures import plot_choices, plot_fading, plot_scatter
from ssi_audit.report.limits_page import agreement_table
from ssi_audit.report.reasons import marked_reason
from ssi_audit.report.tables import Column, Table, link_table, rule_table, strip, write_csv
from ssi_audit.report.templating import environment, render
from ssi_audit.report.words import Words
from ssi_audit.results import Audit
from ssi_audit.stats.pictures import MIN_POINTS, Scatter

PAGE = "index"
MAX_IDEAS = 3
SIGNS = {"pass": ("ok", "✓"), "care": ("care", "△"), "fail": ("no", "✕")}
# A second sentence longer than this is set smaller, so that the first screen stays whole.
LONG_VERDICT = 34
# Room around the ranges of "what to watch", as a share of their width.
_MARGIN = 0.04


@dataclass(frozen=True)
class Piece:
    """One block of the page.

    Attributes
    ----------
    name : str
    html : Markup
    tables : dict of str to Table
        Stem of the file → numbers of the block, for `write_tables`.
    """

    name: str
    html: Markup
    tables: dict[str, Table] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        return str(self.html)


def build_index(
    audit: Audit,
    context: PageContext,
    pictures: Mapping[str, Scatter | None] | None = None,
    words: Words | None = None,
) -> list[Piece]:
    """Make the blocks of the answer page, in reading order.

    Parameters
    ----------
    audit : Audit
    context : PageContext
    pictures : dict, optional
        ``activity`` and ``deals``: one dot per seller, score against each (`stats.pictures.scatter`).
    words : Words, optional
        Default: the context's language and the recommended smallest effects.
    """
    words = words or Words(context.language, currency=context.currency)
    return [
        answer_piece(audit, words),
        pillars_piece(audit, words),
        beside("watch-trust", watch_piece(audit, words), _trust(audit, words, context)),
        _pictures(pictures or {}, words),
        beside("choices-claims", _choices(audit, words, context), claims_piece(audit, words, context)),
        next_piece(audit, words),
        rule_piece(audit, words),
    ]


def render_index(
    audit: Audit,
    context: PageContext,
    pictures: Mapping[str, Scatter | None] | None = None,
    words: Words | None = None,
) -> str:
    """The whole answer page, one offline file.

    Parameters are those of `build_index`.
    """
    from ssi_audit.report.page import checked, frame_of

    words = words or Words(context.language, currency=context.currency)
    pieces = build_index(audit, context, pictures, words)
    return checked(str(render("index.html.j2", pieces=pieces, **frame_of(words.say("frame.title"), context, PAGE))))


def write_tables(pieces: list[Piece], folder: Path | str) -> list[Path]:
    """Write the numbers of every block: ``tables/index-<name>.csv`` under `folder`."""
    return [
        write_csv(table, Path(folder) / _csv(name))
        for piece in pieces
        for name, table in piece.tables.items()
        if len(table.frame)
    ]


def _csv(name: str) -> str:
    return f"tables/{PAGE}-{name}.csv"


def fill(name: str, view: dict[str, Any], tables: dict[str, Table] | None = None) -> Piece:
    """A block from the macro of its name."""
    macro = getattr(environment().get_template("index_parts.html.j2").module, name)
    return Piece(name, Markup(macro(view)), tables or {})


def beside(name: str, *pieces: Piece) -> Piece:
    """Blocks side by side; on a phone one below the other."""
    html = Markup('<div class="two">{}</div>').format(Markup("").join(piece.html for piece in pieces))
    return Piece(name, html, {key: table for piece in pieces for key, table in piece.tables.items()})


# ---- first screen ----


def answer_piece(audit: Audit, words: Words, facts: list[tuple[str, str]] | None = None) -> Piece:
    """The first screen; `facts` replace the four of one organisation."""
    inconclusive = audit.overall.verdict == schema.INCONCLUSIVE
    verdict = words.verdict(audit)
    view = {
        "question": words.say("frame.title"),
        "verdict": verdict,
        "long": len(verdict[1]) > LONG_VERDICT,
        "lead": " ".join(words.lead(audit)),
        "facts": facts or words.facts(audit),
        # The strip below holds the same numbers as a table, and its file.
        "picture": plot_fading(audit, words).html(words, fold=False),
        "points": words.open_points(audit) if inconclusive else [],
        "caveats": words.caveats(audit),
    }
    return fill("answer", view)


def pillars_piece(audit: Audit, words: Words) -> Piece:
    """The strip of pillar by step."""
    rows = strip(audit, words)
    shown = {cell.style for _, _, _, cells in rows for cell in cells}
    key = [
        ("k3", words.say("link.strong")),
        ("k2", words.say("link.moderate")),
        ("k1", words.say("link.weak")),
        ("k0", words.say("pillars.key_zero")),
    ]
    if shown & {"m1", "m2", "m3"}:
        key.insert(3, ("m2", words.say("pillars.key_negative")))
    if "st" in shown:
        key.append(("st", words.say("pillars.key_small")))
    table = link_table(audit, words)
    view = {
        "title": words.pillars_title(audit),
        "sub": words.say("pillars.sub"),
        "luck": words.luck(audit),
        "region": words.say("pillars.region"),
        "row_head": words.say("pillars.row_head"),
        "steps": [words.outcome(step) for step in FUNNEL],
        "rows": rows,
        "key": key,
        "fold": table.fold(words, _csv("links")),
    }
    return fill("pillars", view, {"links": table})


# ---- below ----


def watch_piece(audit: Audit, words: Words) -> Piece:
    """Other numbers, ranked by how much they help to foretell deals."""
    items = ranked(audit.watch)
    low = min([0.0, *(item.low for item in items)])
    high = max([0.01, *(item.high for item in items)])
    low, high = low - _MARGIN * (high - low), high + _MARGIN * (high - low)

    def at(value: float) -> float:
        return round(100 * (value - low) / (high - low), 1)

    rows = [
        {
            "name": words.say("watch.ssi") if is_score(item) else words.indicator(item.name),
            "score": is_score(item),
            "style": "" if skill_code(item) == "clear" else " u",
            "low": at(item.low),
            "width": round(at(item.high) - at(item.low), 1),
            "middle": at(item.skill),
            "gain": words.percent(item.skill, 1),
            "word": words.skill_word(item),
            "range": words.say("number.range", low=words.percent(item.low, 1), high=words.percent(item.high, 1)),
        }
        for item in items
    ]
    frame = pd.DataFrame(
        [
            {
                "name": words.indicator(item.name),
                "gain": item.skill,
                "low": item.low,
                "high": item.high,
                "word": words.skill_word(item),
                "n": item.n_people,
            }
            for item in items
        ]
    )
    columns = (
        Column("name", words.say("column.name")),
        Column("gain", words.say("column.gain"), "percent1"),
        Column("low", words.say("column.low"), "percent1"),
        Column("high", words.say("column.high"), "percent1"),
        Column("word", words.say("column.word")),
        Column("n", words.say("column.people"), "count"),
    )
    table = Table(words.say("watch.table"), frame, columns)
    view = {
        "title": words.watch_title(audit),
        "sub": words.say("watch.sub"),
        "rows": rows,
        "zero": at(0.0),
        "left_out": words.left_out(audit.watch),
        "empty": words.say("watch.empty"),
        "fold": table.fold(words, _csv("watch")) if rows else "",
    }
    return fill("watch", view, {"watch": table} if rows else {})


def _trust(audit: Audit, words: Words, context: PageContext) -> Piece:
    rows = []
    for check in audit.trust:
        state, name, text = words.trust(check)
        style, sign = SIGNS[check.state]
        rows.append({"style": style, "sign": sign, "state": state, "name": name, "text": text})
    view = {
        "title": words.say("trust.title"),
        "sub": words.say("trust.sub"),
        "rows": rows,
        "empty": words.say("trust.empty"),
        "more": _more(context, "01-data-quality", words.say("page.data-quality")),
    }
    return fill("trust", view)


def _pictures(pictures: Mapping[str, Scatter | None], words: Words) -> Piece:
    found = {name: pictures.get(name) for name in ("activity", "deals")}
    drawn = {name: scatter for name, scatter in found.items() if scatter is not None}
    view: dict[str, Any] = {
        "title": words.say("pictures.title"),
        "sub": words.say("pictures.sub"),
        "caveat": words.say("pictures.caveat"),
        "figures": [],
        "lacking": "",
        "empty": words.say("pictures.missing", n=MIN_POINTS),
        "fold": "",
    }
    if not drawn:
        return fill("pictures", view)
    lacking = [name for name in found if name not in drawn]
    if lacking:
        view["title"] = words.say("pictures.title_one")
        view["lacking"] = words.say(f"pictures.lacking_{lacking[0]}", n=MIN_POINTS)
    elif len({scatter.direction for scatter in drawn.values()}) > 1:
        view["title"] = words.say("pictures.title_differ")
    edges = [value for scatter in drawn.values() for value in (scatter.x[0], scatter.x[-1])]
    room = 0.04 * (max(edges) - min(edges))
    xlim = (min(edges) - room, max(edges) + room)
    figures = {name: plot_scatter(scatter, words, name, xlim=xlim) for name, scatter in drawn.items()}
    table = _groups(drawn, words)
    view["figures"] = [figure.html(words, fold=False) for figure in figures.values()]
    view["fold"] = table.fold(words, _csv("groups"))
    return fill("pictures", view, {"groups": table})


def _groups(drawn: Mapping[str, Scatter], words: Words) -> Table:
    """Both panels in one table; they may rest on different sellers, so each has its own number of them."""
    rows = []
    for name, scatter in drawn.items():
        keys = ("all",) if len(scatter.groups) == 1 else ("low", "middle", "high")
        for key, (n, x, y) in zip(keys, scatter.groups, strict=True):
            label = words.say(f"pictures.group_{key}")
            rows.append({"group": label, "outcome": words.say(f"column.{name}"), "n": n, "ssi": x, "value": y})
    columns = (
        Column("group", words.say("pictures.group")),
        Column("outcome", words.say("column.outcome")),
        Column("n", words.say("column.people"), "count"),
        Column("ssi", words.say("column.mean_ssi"), "decimal"),
        Column("value", words.say("column.value"), "decimal"),
    )
    return Table(words.say("pictures.table"), pd.DataFrame(rows), columns)


def _choices(audit: Audit, words: Words, context: PageContext) -> Piece:
    counts = spec_counts(audit.specification)
    view: dict[str, Any] = {
        "title": words.say("spec.title"),
        "empty": words.say("spec.empty"),
        "figure": "",
        "text": "",
        "agreement": "",
        "more": _more(context, "05-limits", words.say("page.limits")),
    }
    if counts is None:
        return fill("choices", view)
    figure = plot_choices(audit.specification["rows"], counts, words)
    view["figure"] = figure.html(words, csv=_csv("choices"))
    most = audit.specification.get("moves_most")
    view["text"] = " ".join(
        [words.spec(counts), *([words.say("spec.most", choice=words.choice(most))] if most else [])]
    )
    tables = {"choices": figure.numbers}
    if audit.specification.get("others"):
        tables["agreement"] = _agreement(audit, words)
        view["agreement"] = tables["agreement"].html(words) + words.csv_link(_csv("agreement"), view["title"])
    return fill("choices", view, tables)


def _agreement(audit: Audit, words: Words) -> Table:
    """The picture shows one result; this, in few columns, how many analyses agree for each."""
    table = agreement_table(audit, words)
    keys = ("outcome", "answer", "agree", "n")
    return replace(table, columns=tuple(column for column in table.columns if column.key in keys))


def claims_piece(audit: Audit, words: Words, context: PageContext) -> Piece:
    """The published figures beside ours."""
    by_id = {claim.id: claim for claim in audit.claims}
    rows = [
        {
            "claim": words.claim(claim.id),
            "scale": words.claim_scale(claim),
            "state": words.claim_state(claim.state),
            "estimate": words.claim_estimate(claim),
            "reason": marked_reason(words, claim.reason),
        }
        for claim in (by_id[name] for name in HEADLINE_CLAIMS if name in by_id)
    ]
    view = {
        "title": words.say("claims.title"),
        "sub": words.say("claims.sub"),
        "scale": words.say("claims.scale"),
        "here": words.say("claims.here"),
        "rows": rows,
        "fact": f"{words.say('claims.fact')} {words.say('pictures.caveat')}",
        "empty": words.say("claims.none_main" if audit.claims else "claims.empty"),
        "counts": words.claim_counts(audit.claims) if audit.claims else "",
        "more": _more(context, "04-claims", words.say("page.claims")),
    }
    return fill("claims", view, {"claims": _claim_table(audit, words)} if audit.claims else {})


def _claim_table(audit: Audit, words: Words) -> Table:
    frame = pd.DataFrame(
        [
            {
                "claim": words.claim(claim.id),
                "state": words.claim_state(claim.state),
                **{key: getattr(claim, key) for key in ("estimate", "low", "high", "claimed")},
            }
            for claim in audit.claims
        ]
    )
    columns = (
        Column("claim", words.say("claims.published")),
        Column("state", words.say("claims.here")),
        Column("estimate", words.say("column.value"), "ratio"),
        Column("low", words.say("column.low"), "ratio"),
        Column("high", words.say("column.high"), "ratio"),
        Column("claimed", words.say("column.claimed"), "ratio"),
    )
    return Table(words.say("claims.caption"), frame, columns)


def next_piece(audit: Audit, words: Words) -> Piece:
    """Suggestions for the next quarter."""
    view = {
        "title": words.say("next.title"),
        "sub": words.say("next.sub"),
        "ideas": words.suggestions(audit)[:MAX_IDEAS],
    }
    return fill("next", view)


def rule_piece(audit: Audit, words: Words) -> Piece:
    """The rule that chose the verdict, and what it came to for each main result."""
    table = rule_table(audit, words)
    volume, deals = words.sesoi["inquiries"] - 1, words.sesoi["win_rate"] - 1
    view = {
        "title": words.say("rule.title"),
        "intro": words.say("rule.intro"),
        "steps": [words.say(f"rule.step{number}") for number in range(1, 6)],
        "sesoi": words.say("rule.sesoi", volume=words.percent(volume), deals=words.percent(deals)),
        "table": table.html(words) if len(table.frame) else "",
        "csv": words.csv_link(_csv("rule"), table.caption) if len(table.frame) else "",
    }
    return fill("rule", view, {"rule": table})


def _more(context: PageContext, page: str, label: str) -> tuple[str, str] | None:
    """Link to the page behind a block; without a list of pages all of design.md section 5 are there."""
    if context.links and page not in context.links:
        return None
    return (context.links.get(page, f"{page}.html"), label)
