"""Pooling offices: what is handed over, what is refused, and what comes out."""

from __future__ import annotations

import dataclasses
import functools
import json
import math

import numpy as np
import pytest

from ssi_audit import schema
from ssi_audit.errors import DataError
from ssi_audit.evidence import audit_panel
from ssi_audit.panel import build_panel
from ssi_audit.pool import evidence_of, pool, pool_tables, run_pool, write_evidence
from ssi_audit.pool_read import read_evidence
from ssi_audit.results import (
    ActivityLink,
    Audit,
    Cell,
    ClaimResult,
    Correlation,
    Fit,
    Indicator,
    Overall,
    audit_from_dict,
)
from ssi_audit.settings import Settings
from ssi_audit.stats.meta import random_effects
from ssi_audit.worlds import make_world
from tests.worlds.tables import tables_of

NONE, NO_LINK = Fit(why="not tried"), Correlation(why="not tried")


def _fit(log_rr: float, se: float, people: int = 12) -> Fit:
    half = 2.2 * se
    return Fit(
        rr=math.exp(log_rr), low=math.exp(log_rr - half), high=math.exp(log_rr + half), p=0.5, df=8.0, se_log=se,
        n_people=people, n_rows=people * 52, n_events=500.0, mean=40.0,
    )  # fmt: skip


def _office(
    k: int, *, crude=0.12, adjusted=0.0, lead=0.0, se=0.10, outcomes=schema.PRIMARY_OUTCOMES, r2=0.6, **changes
) -> Audit:
    """An office whose estimates scatter around the given ones as their errors say."""
    rng = np.random.default_rng(k)
    link = Correlation(0.3, 0.1, 0.48, n_people=12, n_rows=48)
    cells = tuple(
        Cell(
            "total", outcome, schema.INCONCLUSIVE, (), "too_wide",
            _fit(crude + 0.5 * se * rng.normal(), se / 2), _fit(adjusted + se * rng.normal(), se),
            NONE, _fit(lead + 0.05 * rng.normal(), 0.05), NONE, NO_LINK, NO_LINK, link,
        )
        for outcome in outcomes
    )  # fmt: skip
    k1 = ActivityLink("yes", r2, {"total": link}, tuple(schema.ACTIVITY_TYPES), (), n_people=12, n_rows=600)
    data = {
        "people": 12, "periods": 52, "rows": 624, "start": "2024-01-01", "end": "2024-12-29", "sample": False,
        "fingerprint": f"office {k}", "inquiry_source": "linkedin", "win_denominator": "meetings", "score_breaks": [],
        "teams": {"Team Secret": 12},
    }  # fmt: skip
    overall = Overall(schema.INCONCLUSIVE, schema.INCONCLUSIVE, schema.INCONCLUSIVE, "yes", r2)
    return dataclasses.replace(Audit(data, overall, k1, cells, version="1.0"), **changes)


def _write(folder, offices: dict[str, Audit], settings: Settings | None = None) -> list:
    return [write_evidence(audit, folder / f"{name}.json", settings) for name, audit in offices.items()]


@functools.cache
def _real() -> Audit:
    made = tables_of(make_world("activity_gauge", 12, 40, 1))
    return audit_panel(build_panel(made), made)


# ---- what one office hands over --------------------------------------------------------------------------


def test_no_person_and_no_team_is_in_it(tmp_path):
    """Codes, names and teams of a whole audit stay at home."""
    text = write_evidence(_real(), tmp_path).read_text(encoding="utf-8")
    people = tables_of(make_world("activity_gauge", 12, 40, 1)).people
    secrets = {*people["person"], *people["name"], *people["email"], *people["team"], *people["territory"]}
    assert len(secrets) > 30
    assert not [secret for secret in secrets if str(secret) in text]
    assert "Team Secret" not in write_evidence(_office(1), tmp_path).read_text(encoding="utf-8")


def test_effects_errors_and_degrees_of_freedom_are_in_it():
    """For every pair what the audit found, on the log scale."""
    found = evidence_of(_real(), Settings())
    assert len(found["cells"]) == len(_real().cells)
    for cell, part in zip(_real().cells, found["cells"], strict=True):
        if cell.adjusted.known:
            assert part["adjusted"]["log_rr"] == pytest.approx(math.log(cell.adjusted.rr))
            assert (part["adjusted"]["se"], part["adjusted"]["df"]) == (cell.adjusted.se_log, cell.adjusted.df)
        else:
            assert part["adjusted"] is None


def test_every_claim_is_in_it_with_an_error():
    """Twenty-two claims; those with a range have a standard error on the scale of pooling."""
    audit = _real()
    parts = {part["id"]: part for part in evidence_of(audit, Settings())["claims"]}
    assert list(parts) == [claim.id for claim in audit.claims]
    assert sum(part["se"] is not None for part in parts.values()) >= 8
    ratio = next(claim for claim in audit.claims if claim.unit == "ratio_per_10" and math.isfinite(claim.low))
    assert parts[ratio.id]["estimate"] == pytest.approx(math.log(ratio.estimate))


def test_numbers_of_a_group_too_small_to_show_stay_at_home():
    """Four licensed sellers: the state travels, the numbers do not."""
    claim = ClaimResult("licence-lifts-ssi", "not_enough_data", 1.1, 0.9, 1.3, 1.2, unit="ratio", n_people=4)
    part = evidence_of(_office(1, claims=(claim,)), Settings(min_group=5))["claims"][0]
    assert (part["state"], part["estimate"], part["se"]) == ("not_enough_data", None, None)


@pytest.mark.parametrize("r", [1.0, -1.0])
def test_a_perfect_correlation_has_no_number_to_pool(r):
    """Five sellers in exactly the score's order: the audit shows it, the evidence leaves it out."""
    office = _office(1)
    perfect = Correlation(r, -0.5, 0.9, n_people=5, n_rows=5)
    cells = tuple(dataclasses.replace(cell, spearman_between=perfect) for cell in office.cells)
    parts = evidence_of(dataclasses.replace(office, cells=cells), Settings())["cells"]
    assert [part["spearman_between"] for part in parts] == [None] * len(parts)
    assert all(part["link"] for part in parts)


def test_same_audit_same_bytes(tmp_path):
    """Written twice: the same file."""
    once = write_evidence(_real(), tmp_path / "a.json").read_bytes()
    assert write_evidence(_real(), tmp_path / "b.json").read_bytes() == once
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "b.json"]


# ---- what is refused -------------------------------------------------------------------------------------


def test_other_definitions_are_listed(tmp_path):
    """Every definition that differs is named with both values, before anything is pooled."""
    paths = _write(tmp_path, {"north": _office(1)})
    paths += _write(tmp_path, {"south": _office(2)}, Settings(period="month", sesoi={"inquiries": 1.2}))
    with pytest.raises(DataError) as error:
        pool(paths)
    text = error.value.text()
    assert "south: 2 problems" in text
    assert "period is month, in north it is week" in text
    assert "sesoi inquiries is 1.2, in north it is 1.1" in text


def test_other_inquiries_are_other_effects(tmp_path):
    """One office counts inquiries from LinkedIn, another one all; an office without inquiries is no contradiction."""
    data = _office(1).data
    offices = {"a": _office(1), "b": _office(2, data={**data, "inquiry_source": ""})}
    assert pool(_write(tmp_path, offices)).audit.data["offices"] == 2
    offices["c"] = _office(3, data={**data, "inquiry_source": "all"})
    with pytest.raises(DataError, match="inquiry_source is all, in a it is linkedin"):
        pool(_write(tmp_path, offices))


def test_nobody_counts_twice(tmp_path):
    """The same evidence under two names would only pretend to be more."""
    with pytest.raises(DataError, match="holds the same evidence as a"):
        pool(_write(tmp_path, {"a": _office(1), "b": _office(1)}))


def test_all_unreadable_files_are_named_at_once(tmp_path):
    """A missing file, one that is no JSON, an answer.json by mistake, and an older format."""
    (tmp_path / "text.json").write_text("hello", encoding="utf-8")
    (tmp_path / "answer.json").write_text(json.dumps(_office(1).to_dict()), encoding="utf-8")
    old = evidence_of(_office(1), Settings()) | {"schema": 0}
    (tmp_path / "old.json").write_text(json.dumps(old), encoding="utf-8")
    with pytest.raises(DataError) as error:
        pool([tmp_path / name for name in ("none.json", "text.json", "answer.json", "old.json")])
    assert len(error.value.problems) == 4
    assert "is not an evidence file" in error.value.text()


def _refused(tmp_path, content: str) -> list:
    """The problems with a file of this content beside a good one."""
    good = _write(tmp_path, {"good": _office(1)})
    (tmp_path / "bad.json").write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as error:
        pool([*good, tmp_path / "bad.json"])
    assert {problem.where for problem in error.value.problems} == {str(tmp_path / "bad.json")}
    return error.value.problems


def _evidence(**changes) -> dict:
    claim = ClaimResult("quota", "supported", 1.1, 1.0, 1.2, 1.5, unit="ratio", side="for", n_people=12)
    watch = (Indicator("inquiries", 0.06, 0.0, 0.12, 12),)
    return evidence_of(_office(2, claims=(claim,), watch=watch), Settings()) | changes


@pytest.mark.parametrize(
    ("steps", "value", "place"),
    [
        (("cells", 1, "adjusted", "se"), 0, "cells[1] (total, meetings) adjusted.se is 0:"),
        (("cells", 1, "adjusted", "se"), -0.1, "cells[1] (total, meetings) adjusted.se is -0.1:"),
        (("cells", 1, "crude", "se"), 1000, "cells[1] (total, meetings) crude.se is 1000:"),
        (("cells", 1, "crude", "se"), True, "cells[1] (total, meetings) crude.se is true:"),
        (("cells", 0, "adjusted", "log_rr"), 1e6, "cells[0] (total, inquiries) adjusted.log_rr is 1000000.0:"),
        (("cells", 0, "adjusted", "log_rr"), "0.1", "cells[0] (total, inquiries) adjusted.log_rr is '0.1':"),
        (("cells", 0, "adjusted", "log_rr"), None, "cells[0] (total, inquiries) adjusted.log_rr is null:"),
        (("cells", 0, "adjusted", "df"), None, "cells[0] (total, inquiries) adjusted.df is null:"),
        (("cells", 0, "adjusted", "df"), 0.01, "cells[0] (total, inquiries) adjusted.df is 0.01:"),
        (("cells", 0, "adjusted", "n_rows"), 0, "cells[0] (total, inquiries) adjusted.n_rows is 0:"),
        (("cells", 0, "adjusted", "n_events"), 10**30, "cells[0] (total, inquiries) adjusted.n_events is 1000"),
        (("cells", 0, "adjusted"), {}, "cells[0] (total, inquiries) adjusted lacks log_rr"),
        (("cells", 0, "link", "se"), None, "cells[0] (total, inquiries) link: should have an estimate and its se"),
        (("cells", 0, "outcome"), "sales", "cells[0] (total, sales) outcome is 'sales':"),
        (("cells", 0, "exposure"), "ssi", "cells[0] (ssi, inquiries) exposure is 'ssi':"),
        (("cells", 1, "outcome"), "inquiries", "cells: has two entries for total, inquiries"),
        (("cells",), {}, "cells is {}:"),
        (("cells", 0), "x", "cells[0] is 'x': should be a valid dictionary"),
        (("data", "people"), None, "data.people is null:"),
        (("data", "start"), None, "data.start is null:"),
        (("data", "end"), "last year", "data.end is 'last year': should be a day"),
        (("activity", "r2"), "x", "activity.r2 is 'x':"),
        (("activity", "types"), "posts", "activity.types is 'posts':"),
        (("activity", "links"), {"ssi": None}, "activity.links.ssi is 'ssi':"),
        (("definitions",), None, "definitions is null:"),
        (("definitions", "sesoi deals"), 0, "definitions.sesoi deals is 0:"),
        (("definitions", "new"), [], "definitions.new is []:"),
        (("claims", 0, "state"), "maybe", "claims[0] (quota) state is 'maybe':"),
        (("claims", 0, "outcome"), "sales", "claims[0] (quota) outcome is 'sales':"),
        (("claims", 0, "unit"), "points", "claims[0] (quota) unit is 'points': should be 'ratio'"),
        (("claims", 0, "id"), "mine", "claims[0] (mine) id is 'mine':"),
        (("claims", 0, "se"), 100, "claims[0] (quota): should have the estimate and se of a log ratio, at most 20"),
        (("claims", 0, "estimate"), None, "claims[0] (quota): should have an estimate and its se"),
        (("watch", 0, "df"), 0, "watch[0] (inquiries) df is 0:"),
    ],
)
def test_a_damaged_value_is_named_with_its_place(tmp_path, steps, value, place):
    """Nothing that does not fit is pooled, and nothing ends in a traceback."""
    evidence = _evidence()
    above = evidence
    for step in steps[:-1]:
        above = above[step]
    above[steps[-1]] = value
    found = _refused(tmp_path, json.dumps(evidence))
    assert found[0].found.startswith(place)
    assert found[0].fix == "write it again with ssi-audit audit"


def test_all_damage_of_a_file_is_named_at_once(tmp_path):
    """One line for each value, missing ones included."""
    evidence = _evidence()
    del evidence["definitions_fingerprint"], evidence["cells"][2]["adjusted"]["df"]
    evidence["data"]["people"] = None
    assert [problem.found.partition(":")[0] for problem in _refused(tmp_path, json.dumps(evidence))] == [
        "lacks definitions_fingerprint", "data.people is null", "cells[2] (total, meeting_rate) adjusted lacks df",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("[" * 100_000, "cannot be read: lists within lists"),
        ("[]", "is not an evidence file"),
        ("9" * 10_000, "cannot be read"),
        (json.dumps(_evidence(data={"people": math.nan})), "cannot be read: it holds NaN, which is no number"),
        (json.dumps(_evidence(watch=[-math.inf])), "cannot be read: it holds -Infinity"),
        (json.dumps(_evidence()).replace('"n_people": 12', '"n_people": 1e999', 1), "activity.n_people is inf"),
    ],
    ids=["deep", "list", "digits", "nan", "infinity", "too large"],
)
def test_what_is_no_evidence_at_all_is_named_with_its_file(tmp_path, content, found):
    """Whatever the reader of JSON makes of it."""
    assert _refused(tmp_path, content)[0].found.startswith(found)


@pytest.mark.parametrize(
    "change",
    [{"rr": math.exp(21)}, {"rr": 0.0}, {"se_log": 21.0}, {"se_log": 1e-9}, {"df": 0.5}, {"df": math.nan}],
    ids=str,
)
def test_what_could_not_be_pooled_is_not_handed_over(change):
    """An office never writes what pool refuses."""
    office = _office(1)
    cells = tuple(
        dataclasses.replace(cell, adjusted=dataclasses.replace(cell.adjusted, **change)) for cell in office.cells
    )
    parts = evidence_of(dataclasses.replace(office, cells=cells), Settings())["cells"]
    assert [part["adjusted"] for part in parts] == [None] * len(parts)
    assert all(part["crude"] for part in parts)


def test_a_claim_out_of_range_is_handed_over_without_its_number():
    """Its state is counted all the same."""
    claim = ClaimResult("quota", "supported", math.exp(30), 1.0, math.exp(60), unit="ratio", side="for", n_people=12)
    part = evidence_of(_office(1, claims=(claim,)), Settings())["claims"][0]
    assert (part["state"], part["estimate"], part["se"]) == ("supported", None, None)


@pytest.mark.parametrize(
    ("world", "people", "weeks", "settings", "without"),
    [
        ("null", 5, 52, {}, ()),
        ("effectiveness", 4, 52, {}, ()),
        ("drives_inquiries", 12, 40, {"period": "month"}, ()),
        ("effectiveness", 12, 52, {}, ("activity",)),
        ("effectiveness", 8, 30, {}, ("crm_events",)),
        ("activity_gauge", 12, 40, {"sesoi": {"deals": 1.5}, "alpha": 0.01, "inquiry_source": "all"}, ()),
    ],
)
def test_what_audit_writes_is_read_unchanged(tmp_path, world, people, weeks, settings, without):
    """Few sellers, months, no log of activity, hardly any result: every value passes and stays what it is."""
    made = tables_of(make_world(world, people, weeks, 2))
    if "activity" in without:
        made = dataclasses.replace(made, activity=made.activity.iloc[:0])
    if "crm_events" in without:
        made = dataclasses.replace(made, crm_events=made.crm_events[made.crm_events["kind"] == "inquiry"])
    settings = Settings(**settings)
    path = write_evidence(audit_panel(build_panel(made, settings), made, settings), tmp_path, settings)
    written, read = json.loads(path.read_text(encoding="utf-8")), read_evidence(path)
    assert isinstance(read, dict), read
    assert read == {name: written[name] for name in read}
    assert set(written) - set(read) == {"kind", "schema", "version"}


def test_one_file_is_nothing_to_pool(tmp_path):
    """At least two."""
    with pytest.raises(DataError, match="at least two"):
        pool(_write(tmp_path, {"a": _office(1)}))


# ---- what comes out --------------------------------------------------------------------------------------


def _pooled(tmp_path, n=8, **changes):
    return pool(_write(tmp_path, {f"office {k}": _office(k, **changes) for k in range(n)}))


def test_estimates_are_random_effects(tmp_path):
    """Log ratios and squared errors of the offices go into REML with Hartung-Knapp; people and rows add up."""
    found = _pooled(tmp_path)
    fits = [_office(k).cell("total", "meetings").adjusted for k in range(8)]
    expected = random_effects([math.log(fit.rr) for fit in fits], [fit.se_log**2 for fit in fits])
    fit = found.audit.cell("total", "meetings").adjusted
    assert math.log(fit.rr) == pytest.approx(expected.estimate)
    assert (fit.se_log, fit.df, fit.p) == pytest.approx((expected.se, 7, expected.p))
    assert (math.log(fit.low), math.log(fit.high)) == pytest.approx((expected.low, expected.high))
    assert (fit.n_people, fit.n_rows, fit.n_events) == (96, 8 * 624, 4000)
    assert fit.mean == pytest.approx(40.0)
    forest = found.forest("total", "meetings")
    assert math.log(forest.predict_low) == pytest.approx(expected.predict_low)
    assert (forest.tau2, forest.i2, forest.q) == pytest.approx((expected.tau2, expected.i2, expected.q))


def test_the_interval_of_90_percent_is_inside(tmp_path):
    """For equivalence; t with offices minus one degrees of freedom."""
    fit = _pooled(tmp_path).audit.cell("total", "meetings").adjusted
    assert fit.low < fit.low90 < fit.rr < fit.high90 < fit.high
    assert math.log(fit.high90 / fit.rr) / fit.se_log == pytest.approx(1.894579, abs=1e-5)  # t(.95, 7)


def test_many_small_offices_can_tell(tmp_path):
    """Each office's range is too wide; twelve of them show a link that is activity only."""
    found = _pooled(tmp_path, 12)
    assert found.audit.overall.volume == schema.ACTIVITY_GAUGE
    assert found.audit.cell("total", "inquiries").reason == "only_activity"


def test_a_real_effect_is_told_too(tmp_path):
    """The same rule says yes: conversion beyond activity."""
    found = _pooled(tmp_path, 12, adjusted=0.25)
    assert found.audit.overall.verdict == schema.EFFECTIVENESS_MEASURE


def test_four_offices_are_too_few_to_judge(tmp_path):
    """Three degrees of freedom: an interval, no verdict."""
    cell = _pooled(tmp_path, 4, se=0.01).audit.cell("total", "inquiries")
    assert cell.adjusted.known
    assert (cell.verdict, cell.reason) == (schema.INCONCLUSIVE, "few_df")


def test_families_are_adjusted_again(tmp_path):
    """Holm over the four pooled tests, not over the offices'."""
    cells = [_pooled(tmp_path).audit.cell("total", outcome) for outcome in schema.PRIMARY_OUTCOMES]
    assert max(cell.adjusted.p_holm for cell in cells) >= max(cell.adjusted.p for cell in cells)
    assert min(cell.crude.p_holm for cell in cells) == pytest.approx(4 * min(cell.crude.p for cell in cells))


def test_an_outcome_of_one_office_is_not_pooled(tmp_path):
    """It has no second opinion; the cell says so."""
    offices = {f"o{k}": _office(k, outcomes=("inquiries", "meetings")) for k in range(5)}
    found = pool(_write(tmp_path, {**offices, "last": _office(9)}))
    cell = found.audit.cell("total", "win_rate")
    assert "only one" in cell.adjusted.why
    with pytest.raises(KeyError, match="fewer than two"):
        found.forest("total", "win_rate")


def test_one_thin_log_is_everybodys(tmp_path):
    """Beyond activity is only as good as the thinnest log; the share explained is the mean by rows."""
    thin = _office(7, r2=0.2)
    thin = dataclasses.replace(
        thin, activity=dataclasses.replace(thin.activity, types=("posts",), pillars_without=("people",), n_rows=200)
    )
    k1 = pool(_write(tmp_path, {"a": _office(1), "b": thin})).audit.activity
    assert k1.pillars_without == ("people",)
    assert k1.types == ("posts",)
    assert k1.r2 == pytest.approx((0.6 * 600 + 0.2 * 200) / 800)


def test_links_are_pooled_on_fishers_scale(tmp_path):
    """Equal links stay what they are, with a narrower range than one office's."""
    link = _pooled(tmp_path).audit.cell("total", "inquiries").link
    assert link.r == pytest.approx(0.3, abs=0.01)
    assert link.low > 0.1
    assert link.n_people == 96


def test_forest_rows_are_the_offices(tmp_path):
    """One row per file with its own range; weights add up to one."""
    forest = _pooled(tmp_path).forest("total", "inquiries", "crude")
    assert [row.label for row in forest.rows] == [f"office {k}" for k in range(8)]
    assert sum(row.weight for row in forest.rows) == pytest.approx(1)
    fit = _office(3).cell("total", "inquiries").crude
    assert forest.rows[3].estimate == pytest.approx(fit.rr)
    # Drawn with the office's own degrees of freedom, 8.
    assert math.log(forest.rows[3].high / fit.rr) / fit.se_log == pytest.approx(2.306004, abs=1e-5)


def test_files_of_one_name_are_told_apart(tmp_path):
    """evidence.json in two folders goes by the folders' names; equal names get numbers."""
    paths = []
    for k, name in enumerate(("north", "south")):
        (tmp_path / name).mkdir()
        paths.append(write_evidence(_office(k), tmp_path / name).parent)
    assert [office.label for office in pool(paths).offices] == ["north", "south"]
    other = tmp_path / "other"
    other.mkdir()
    paths = [*_write(tmp_path, {"a": _office(1)}), *_write(other, {"a": _office(2)})]
    assert [office.label for office in pool(paths).offices] == ["a (1)", "a (2)"]


def test_the_order_of_files_does_not_matter(tmp_path):
    """Same numbers to rounding, same verdicts."""
    paths = _write(tmp_path, {f"o{k}": _office(k) for k in range(6)})
    a, b = pool(paths), pool(paths[::-1])
    for one, other in zip(a.audit.cells, b.audit.cells, strict=True):
        assert one.verdict == other.verdict
        assert one.adjusted.rr == pytest.approx(other.adjusted.rr, rel=1e-9)


def test_it_writes_an_answer_that_reads_like_any_other(tmp_path):
    """answer.json is an audit plus offices and forests; every number of the pictures is in a table."""
    paths = _write(tmp_path, {f"o{k}": _office(k) for k in range(6)})
    answer = run_pool(paths, tmp_path / "out")
    written = json.loads((tmp_path / "out" / "answer.json").read_text(encoding="utf-8"))
    assert audit_from_dict(written).overall == answer.audit.overall
    assert len(written["pooled"]["offices"]) == 6
    assert written["data"]["people"] == 72
    tables = pool_tables(answer)
    assert sorted(path.name for path in (tmp_path / "out" / "tables").iterdir()) == [
        "pool-forest.csv", "pool-offices.csv", "pool-summary.csv",
    ]  # fmt: skip
    assert len(tables["summary"]) == len(answer.forests)
    assert len(tables["forest"]) == sum(len(forest.rows) for forest in answer.forests)


# ---- claims and indicators -------------------------------------------------------------------------------


def _claim(name: str, state: str, estimate: float, half: float, unit: str = "ratio", claimed=math.nan) -> ClaimResult:
    low, high = (math.exp(math.log(estimate) + sign * half) for sign in (-1, 1))
    return ClaimResult(name, state, estimate, low, high, claimed, unit=unit, side="for", n_people=12)


def _claims(tmp_path, claims, n=8, **changes):
    offices = {f"o{k}": _office(k, claims=tuple(claims(k)), **changes) for k in range(n)}
    return {claim.id: claim for claim in pool(_write(tmp_path, offices)).audit.claims}


def test_a_published_size_is_judged_on_the_pooled_ratio(tmp_path):
    """Eight offices that cannot tell alone reject 1.45 together."""

    def one(k):
        return [_claim("more-opportunities", "not_enough_data", 1.02 + 0.02 * (k % 3), 0.5, claimed=1.45)]

    found = _claims(tmp_path, one)["more-opportunities"]
    assert (found.state, found.claimed) == ("contradicted", 1.45)
    assert 1.0 < found.estimate < 1.08
    assert found.details["states"] == {"not_enough_data": 8}


@pytest.mark.parametrize(("rows", "state"), [(97, "not_enough_data"), (98, "contradicted")])
def test_short_offices_settle_no_claim_about_sales(tmp_path, rows, state):
    """Below 15 seller-years in all offices together a clear pooled ratio stays open, as the verdict does."""

    def one(k):
        return [_claim("more-opportunities", "not_enough_data", 1.02 + 0.02 * (k % 3), 0.5, claimed=1.45)]

    found = _claims(tmp_path, one, data=_office(1).data | {"rows": rows})["more-opportunities"]
    assert found.state == state and 1.0 < found.estimate < 1.08
    assert ("Below 15 seller-years this settles nothing yet." in found.reason) is (state == "not_enough_data")


def test_a_claim_about_effects_is_judged_on_the_pooled_effects(tmp_path):
    """Nothing about closing: the pooled conversion effects decide, whatever the offices said."""

    def one(k):
        return [_claim("not-effectiveness", "not_enough_data", 1.0, 0.4, "ratio_per_10")]

    assert _claims(tmp_path, one, n=12, se=0.05)["not-effectiveness"].state == "supported"
    assert _claims(tmp_path, one, n=12, adjusted=0.4)["not-effectiveness"].state == "contradicted"


@pytest.mark.parametrize("name", ["not-effectiveness", "only-through-activity"])
def test_a_pooled_effect_that_comes_before_the_score_refutes_no_claim(tmp_path, name):
    """The verdict does not take such an effect at its word, so a pooled claim does not either."""

    def one(k):
        return [_claim(name, "not_enough_data", 1.0, 0.4, "ratio_per_10")]

    assert _claims(tmp_path, one, n=12, adjusted=0.4)[name].state == "contradicted"
    found = _claims(tmp_path, one, n=12, adjusted=0.4, lead=0.4)[name]
    assert (found.state, "before the score" in found.reason) == ("not_enough_data", True)


@pytest.mark.parametrize("place", [0, 1, 6])
def test_an_office_without_an_estimate_may_come_first(tmp_path, place):
    """It names no outcome; the smallest effect is that of the offices that have an estimate."""
    name = "small-gaps-mean-nothing"

    def one(k):
        if k == place:
            return [ClaimResult(name, "not_enough_data", unit="ratio", side="against", n_people=12)]
        return [dataclasses.replace(_claim(name, "supported", 1.0, 0.01), details={"outcome": "deals"})]

    found = _claims(tmp_path, one, n=7)[name]
    assert (found.state, found.details["states"]) == ("supported", {"supported": 6, "not_enough_data": 1})


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["supported"] * 6 + ["not_enough_data"] * 2, "supported"),
        (["supported"] * 3 + ["not_enough_data"] * 5, "not_enough_data"),
        (["supported"] * 7 + ["contradicted"], "not_enough_data"),
        (["not_testable"] * 8, "not_testable"),
    ],
)
def test_a_claim_with_several_conditions_is_counted(tmp_path, states, expected):
    """Most offices must decide it, and none may say the opposite."""
    found = _claims(tmp_path, lambda k: [_claim("pays-off-later", states[k], 5.0, 0.3, "weeks")])
    assert found["pays-off-later"].state == expected


def test_indicators_are_pooled_as_they_are(tmp_path):
    """Skill of each, best first; what an office left out is not counted there."""

    def watch(k):
        left_out = Indicator("speed", math.nan, math.nan, math.nan, 0, "no_column")
        return (
            Indicator("inquiries", 0.06, 0.0, 0.12, 12),
            Indicator("ssi", 0.0 + k / 1000, -0.05, 0.05, 12),
            left_out,
        )

    offices = {f"o{k}": _office(k, watch=watch(k)) for k in range(5)}
    found = pool(_write(tmp_path, offices)).audit.watch
    assert [item.name for item in found] == ["inquiries", "ssi"]
    assert found[0].skill == pytest.approx(0.06)
    assert found[0].low > 0


def test_real_evidence_pools(tmp_path):
    """Two offices of a simulated world from tables to answer, every claim included."""
    made = tables_of(make_world("activity_gauge", 12, 40, 2))
    other = audit_panel(build_panel(made), made)
    found = pool(_write(tmp_path, {"a": _real(), "b": other}))
    assert len(found.audit.claims) == len(_real().claims)
    assert found.audit.data["people"] == 24
    json.dumps(found.to_dict(), allow_nan=False)
