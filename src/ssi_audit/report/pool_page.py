"""The answer page of several offices together: same frame and words as one office's, and a forest per main result.

The pooled numbers come from `ssi_audit.pool`; nothing is computed here. What
only one office can know (matching, missing weeks, other analyses) stays in the
office's own report. In its place stand the questions that pooling raises: are
the offices alike, did they count alike, who is missing from which result.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from ssi_audit import schema, verdict
from ssi_audit.pool import Forest, Office, PooledAnswer
from ssi_audit.report import index
from ssi_audit.report.codes import MIN_PEOPLE, effect_code, find
from ssi_audit.report.context import PageContext
from ssi_audit.report.dots import plot_forest
from ssi_audit.report.index import PAGE, Piece
from ssi_audit.report.picture import Figure
from ssi_audit.report.tables import Column, Table
from ssi_audit.report.templating import environment, render
from ssi_audit.report.words import Words
from ssi_audit.results import Fit

# Results with a forest of their own: the four that the verdict rests on, and deals.
OUTCOMES = (*schema.PRIMARY_OUTCOMES, "deals")
# Shares of what parts the offices that are more than luck (I², Higgins and others 2003), in per cent.
SOMEWHAT, MUCH = 25, 50
# Below so many offices the interval for one more is too short (stats.meta).
FEW = 25
# Fewer offices leave the pooled estimate fewer degrees of freedom than a verdict needs (`verdict.MIN_DF`).
ENOUGH = verdict.MIN_DF + 1


def build_pool(answer: PooledAnswer, words: Words) -> list[Piece]:
    """Make the blocks of the pooled answer page, in reading order.

    Parameters
    ----------
    answer : PooledAnswer
    words : Words
    """
    audit, nowhere = answer.audit, PageContext(links={"index": "index.html"})
    return [
        index.answer_piece(audit, words, facts=_facts(answer, words)),
        index.pillars_piece(audit, words),
        index.beside("watch-trust", index.watch_piece(audit, words), _trust(answer, words)),
        _forests(answer, words),
        _offices(answer, words),
        index.claims_piece(audit, words, nowhere),
        _definitions(answer, words),
        index.next_piece(audit, words),
        index.rule_piece(audit, words),
    ]


def pool_context(answer: PooledAnswer, language: str = "en", run_date: dt.date | None = None) -> PageContext:
    """Header and footer of the pooled page."""
    data, words = answer.audit.data, Words(language)
    return PageContext(
        organisation=words.say("pool.together", offices=words.say("pool.offices", n=len(answer.offices))),
        start=dt.date.fromisoformat(data["start"]),
        end=dt.date.fromisoformat(data["end"]),
        n_people=data["people"],
        sample=data["sample"],
        run_date=run_date,
        version=answer.audit.version,
        fingerprint=data["fingerprint"],
        settings_fingerprint=answer.definitions_fingerprint,
        links={"index": "index.html"},
        language=language,
    )


def render_pool(answer: PooledAnswer, context: PageContext) -> str:
    """The whole page, one offline file."""
    from ssi_audit.report.page import checked, frame_of

    words = words_of(answer, context.language)
    frame = frame_of(words.say("frame.title"), context, PAGE)
    return checked(str(render("index.html.j2", pieces=build_pool(answer, words), **frame)))


def words_of(answer: PooledAnswer, language: str) -> Words:
    """Words that know which effect is too small to matter in these files, and how long a period is."""
    given = {name.removeprefix("sesoi "): x for name, x in answer.definitions.items() if name.startswith("sesoi ")}
    return Words(language, given, period=answer.definitions["period"])


def write_pool_page(answer: PooledAnswer, out: Path | str, context: PageContext) -> Path:
    """Write ``index.html`` and the tables behind it beside the files of `pool.run_pool`.

    Parameters
    ----------
    answer : PooledAnswer
    out : path
    context : PageContext

    Returns
    -------
    pathlib.Path
        The page.
    """
    from ssi_audit.writing import write_whole

    page = Path(out) / f"{PAGE}.html"
    index.write_tables(build_pool(answer, words_of(answer, context.language)), out)
    write_whole(page, render_pool(answer, context))
    return page


# ---- how alike the offices are ----


def difference_code(forest: Forest) -> str:
    """Do offices differ: ``hardly``, ``somewhat`` or ``much``?"""
    share = round(forest.i2)  # as it is printed
    return "hardly" if share < SOMEWHAT else "somewhat" if share < MUCH else "much"


def _main_forests(answer: PooledAnswer) -> dict[str, Forest]:
    """Forests at equal activity of the total score, by outcome; those of fewer than two offices do not exist."""
    found = {forest.outcome: forest for forest in answer.forests if _is_main(forest)}
    return {outcome: found[outcome] for outcome in OUTCOMES if outcome in found}


def _is_main(forest: Forest) -> bool:
    return forest.exposure == "total" and forest.measure == "adjusted"


def _judged(answer: PooledAnswer) -> dict[str, Forest]:
    return {name: forest for name, forest in _main_forests(answer).items() if name in schema.PRIMARY_OUTCOMES}


def _facts(answer: PooledAnswer, words: Words) -> list[tuple[str, str]]:
    """The four facts; in place of other analyses: whether the offices are alike."""
    evidence, _, parts, cause = words.facts(answer.audit)
    offices = words.say("pool.offices", n=len(answer.offices))
    text = evidence[1].replace("** ", f"** {offices}, ", 1)
    return [(evidence[0], text), (words.say("pool.alike"), _alike(answer, words)), parts, cause]


def _alike(answer: PooledAnswer, words: Words) -> str:
    forests = _judged(answer)
    if not forests:
        return words.say("pool.alike_unknown")
    outcome = max(forests, key=lambda name: forests[name].i2)
    code = difference_code(forests[outcome])
    return words.say(f"pool.alike_{code}", **({} if code == "hardly" else {"outcome": words.outcome(outcome)}))


def forest_sentences(forest: Forest, words: Words) -> list[str]:
    """How much the offices differ, and what to expect of one more."""
    said = [words.say(f"pool.differ_{difference_code(forest)}", share=words.percent(forest.i2 / 100))]
    ends = (forest.predict_low, forest.predict_high)
    if not all(map(math.isfinite, ends)) or ends[1] > 10:
        return [*said, words.say("pool.predict_wild")]
    said.append(words.say("pool.predict", low=words.change(ends[0]), high=words.change(ends[1])))
    if (forest.low > 1 or forest.high < 1) and ends[0] < 1 < ends[1]:
        said.append(words.say("pool.predict_nothing"))
    return said


# ---- blocks ----


def _trust(answer: PooledAnswer, words: Words) -> Piece:
    audit = answer.audit
    offices = words.say("pool.offices", n=len(answer.offices))
    people = words.say("count.people", n=audit.data["people"])
    much = [name for name, forest in _judged(answer).items() if difference_code(forest) == "much"]
    missing = sum(bool(_missing(answer, office)) for office in answer.offices)
    pillars = words.enumerate([words.exposure(name) for name in audit.activity.pillars_without])
    logged = bool(audit.activity.types)
    found = len(answer.offices) - missing
    checks = [
        ("enough", "pass", "enough", {"offices": offices, "people": people})
        if found >= ENOUGH
        else ("enough", "fail", "few", {"offices": offices, "people": people, "found": found}),
        ("same", "pass", "same", {}),
        ("alike", "care", "differ", {"list": words.outcomes(much)}) if much else ("alike", "pass", "alike", {}),
        ("all", "care", "some", {"n": missing}) if missing else ("all", "pass", "all", {}),
        ("log", "care" if logged else "fail", "log_some", {"pillars": pillars or words.outcome("activity")})
        if audit.activity.pillars_without or not logged
        else ("log", "pass", "log", {}),
    ]
    rows = []
    for name, state, key, gaps in checks:
        style, sign = index.SIGNS[state]
        text = words.say(f"pool_trust.{key}", **gaps)
        title = words.say(f"pool_trust.{name}_name")
        rows.append({"style": style, "sign": sign, "state": words.say(f"trust.{state}"), "name": title, "text": text})
    view = {
        "title": words.say("trust.title"), "sub": words.say("trust.sub"), "rows": rows, "empty": "", "more": None,
    }  # fmt: skip
    return index.fill("trust", view)


def _forests(answer: PooledAnswer, words: Words) -> Piece:
    forests = _main_forests(answer)
    items, tables = [], {}
    for outcome in OUTCOMES:
        if outcome not in forests:
            items.append(
                {"figure": "", "fold": "", "text": words.say("pool.forest_none", outcome=words.outcome(outcome))}
            )
            continue
        figure = forest_figure(answer, forests[outcome], words)
        name = f"forest-{outcome}"
        tables[name] = figure.numbers
        said = [words.units_of(answer.audit, outcome, equal=True), *forest_sentences(forests[outcome], words)]
        fold = figure.numbers.fold(words, _csv(name))
        items.append({"figure": figure.html(words, fold=False), "text": " ".join(said), "fold": fold})
    most = max((len(forest.rows) for forest in forests.values()), default=0)
    others = _others(answer, words)
    tables["others"] = others
    view = {
        "title": words.say("pool.forests"),
        "sub": f"{words.say('pool.forests_sub')} {words.say('units.caveat')}",
        "items": items,
        "caveat": words.say("pool.predict_few", n=most) if 0 < most < FEW else "",
        "fold": others.fold(words, _csv("others")),
        "raw": _raw_links(words),
    }
    return _fill("forests", view, tables)


def forest_figure(answer: PooledAnswer, forest: Forest, words: Words) -> Figure:
    """One forest: each office, all together, and the range to expect for one more."""
    cell = find(answer.audit, forest.exposure, forest.outcome)
    rows = {row.label: Fit(rr=row.estimate, low=row.low, high=row.high, n_people=row.n_people) for row in forest.rows}
    ends = (forest.predict_low, forest.predict_high)
    figure = plot_forest(
        rows, cell.adjusted, words, forest.outcome, prediction=ends if all(map(math.isfinite, ends)) else None,
        name=f"forest-{forest.outcome}",
    )  # fmt: skip
    word = words.say(f"effect.{effect_code(cell.adjusted, words.sesoi[forest.outcome])}")
    title = words.say("pool.forest_title", outcome=words.outcome(forest.outcome), word=word)
    weights = {row.label: row.weight for row in forest.rows}
    frame = figure.numbers.frame.assign(weight=[weights.get(name, math.nan) for name in figure.numbers.frame["name"]])
    one_more = {"name": words.say("pool.one_more"), "low": ends[0], "high": ends[1], "rr": math.nan, "word": "", "n": 0}
    frame = pd.concat([frame, pd.DataFrame([one_more | {"n": None, "weight": math.nan}])], ignore_index=True)
    columns = (*figure.numbers.columns, Column("weight", words.say("pool.weight"), "percent"))
    # The name of the picture in the page is its title: the finding, not the count of offices.
    body = Markup(figure.body.replace(figure.title, title, 1))
    return dataclasses.replace(figure, title=title, body=body, numbers=Table(title, frame, columns))


def _others(answer: PooledAnswer, words: Words) -> Table:
    """Everything else that was pooled for the total score: before activity is held equal, and across sellers."""
    rows = []
    for measure in ("adjusted", "crude", "between", "lead_placebo", "negative_control"):
        for outcome in schema.OUTCOMES:
            cell = find(answer.audit, "total", outcome)
            fit = getattr(cell, measure) if cell is not None else Fit()
            if not fit.known:
                continue
            key = {"lead_placebo": "placebo", "negative_control": "control"}.get(measure, measure)
            rows.append(
                {
                    "outcome": words.outcome(outcome), "comparison": words.say(f"regression.{key}"),
                    "rr": fit.rr, "low": fit.low, "high": fit.high,
                    "word": words.effect_word(fit, outcome), "n": fit.n_people,
                }
            )  # fmt: skip
    columns = (
        Column("outcome", words.say("column.outcome")),
        Column("comparison", words.say("pool.comparison"), "long"),
        Column("rr", words.say("column.ratio"), "ratio"),
        Column("low", words.say("column.low"), "ratio"),
        Column("high", words.say("column.high"), "ratio"),
        Column("word", words.say("column.word")),
        Column("n", words.say("column.people"), "count"),
    )
    return Table(words.say("pool.others"), pd.DataFrame(rows, columns=[one.key for one in columns]), columns)


def _raw_links(words: Words) -> Markup:
    links = [
        Markup('<a class="csv" href="tables/pool-{0}.csv" download>{1}</a>').format(name, words.say(f"pool.raw_{name}"))
        for name in ("summary", "forest")
    ]
    before, after = words.say("pool.raw", files="\0").split("\0")
    return Markup("{}{}{}").format(before, Markup(", ").join(links), after)


def _missing(answer: PooledAnswer, office: Office) -> list[str]:
    """Main results at equal activity to which an office brought no estimate."""
    brought = {name for name, one in _judged(answer).items() if office.label in {row.label for row in one.rows}}
    return [name for name in schema.PRIMARY_OUTCOMES if name not in brought]


def _why(office: Office, words: Words) -> str:
    if not office.activity:
        return words.say("pool.why_activity")
    return words.say("pool.why_people" if office.people < MIN_PEOPLE else "pool.why_data")


def _offices(answer: PooledAnswer, words: Words) -> Piece:
    rows = []
    for office in answer.offices:
        missing = _missing(answer, office)
        total = len(schema.PRIMARY_OUTCOMES)
        rows.append(
            {
                "office": office.label, "people": office.people, "periods": office.periods,
                "start": office.start, "end": office.end,
                "found": words.say("pool.in_of", found=total - len(missing), total=total),
                "missing": words.outcomes(missing) if missing else words.say("pool.nothing_left_out"),
                "why": _why(office, words) if missing else words.say("pool.nothing_left_out"),
            }
        )  # fmt: skip
    columns = (
        Column("office", words.say("column.office")),
        Column("people", words.say("column.people"), "count"),
        Column("periods", words.say(f"pool.{answer.definitions['period']}"), "count"),
        Column("start", words.say("pool.from"), "date"),
        Column("end", words.say("pool.to"), "date"),
        Column("found", words.say("pool.in_results"), "range"),
        Column("missing", words.say("pool.left_out")),
        Column("why", words.say("pool.why"), "long"),
    )
    table = Table(words.say("pool.who_table"), pd.DataFrame(rows), columns)
    view = {
        "title": words.say("pool.who"),
        "sub": words.say("pool.who_sub"),
        "table": table.html(words, caption=False),
        "csv": words.csv_link(_csv("offices"), table.caption),
        "after": words.say("pool.choice"),
    }
    return _fill("offices", view, {"offices": table})


def _definitions(answer: PooledAnswer, words: Words) -> Piece:
    rows = [
        {"definition": name, "value": value}
        for name, value in (_definition(key, value, words) for key, value in answer.definitions.items())
        if name
    ]
    columns = (Column("definition", words.say("pool.definition")), Column("value", words.say("column.value")))
    table = Table(words.say("pool.same"), pd.DataFrame(rows, columns=["definition", "value"]), columns)
    view = {
        "title": words.say("pool.same"),
        "sub": words.say("pool.same_sub"),
        "table": table.html(words, caption=False),
        "csv": words.csv_link(_csv("definitions"), table.caption),
        "after": "",
    }
    return _fill("definitions", view, {"definitions": table}, macro="offices")


def _definition(key: str, value: Any, words: Words) -> tuple[str, str]:
    """Name and value of a definition in the reader's words; empty for what only programs need."""
    kind, _, of = key.partition(" ")
    if not words.has(f"definition.{kind}") or value == "":
        return "", ""
    match kind:
        case "sesoi":
            return words.say("definition.sesoi", outcome=words.outcome(of)), words.percent(value - 1)
        case "horizon_weeks":
            return words.say("definition.horizon_weeks", outcome=words.outcome(of)), words.count(value)
        case "unit":
            return words.say("definition.unit", exposure=words.exposure(of)), words.number(value, 1)
        case "alpha":
            return words.say("definition.alpha"), words.number(value, 2)
        case "period":
            return words.say("definition.period"), words.option(value)
        case "window_weeks" | "lead_weeks":
            return words.say(f"definition.{kind}"), words.count(value)
    text = words.say(f"definition.{value}") if words.has(f"definition.{value}") else str(value)
    return words.say(f"definition.{kind}"), text


def _csv(name: str) -> str:
    return f"tables/{PAGE}-{name}.csv"


def _fill(name: str, view: dict[str, Any], tables: dict[str, Table], macro: str = "") -> Piece:
    made = getattr(environment().get_template("pool_parts.html.j2").module, macro or name)
    return Piece(name, Markup(made({**view, "id": f"h-{name}"})), tables)
