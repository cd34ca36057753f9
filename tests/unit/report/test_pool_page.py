"""The pooled answer page: the frame of every page, a forest per main result, and every number as in the files."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import json
import math
import re

import pytest

from ssi_audit import schema
from ssi_audit.claims import load_claims
from ssi_audit.pool import evidence_of, pool, write_pool
from ssi_audit.report import pool_page
from ssi_audit.report.language import LANGUAGES
from ssi_audit.report.offline import requests_of
from ssi_audit.report.words import Words, plain
from ssi_audit.settings import Settings
from tests.unit.report import factories
from tests.unit.report.test_index import read

WORDS = Words()


def make_office(k: int):
    """One office of the mock's organisation, its ratios moved a little so that no two files are the same."""
    audit = factories.activity_gauge()
    shift = math.exp(0.02 * (k % 5 - 2))
    cells = tuple(
        dataclasses.replace(
            cell,
            adjusted=dataclasses.replace(cell.adjusted, rr=cell.adjusted.rr * shift),
            crude=dataclasses.replace(cell.crude, rr=cell.crude.rr * shift),
        )
        for cell in audit.cells
    )
    data = {**audit.data, "fingerprint": f"office {k}", "inquiry_source": "linkedin", "win_denominator": "meetings"}
    # A file needs a unit for every claim, the mock's pages do not.
    units = {claim.id: claim.unit for claim in load_claims()}
    claims = tuple(dataclasses.replace(claim, unit=units[claim.id]) for claim in audit.claims)
    return dataclasses.replace(audit, cells=cells, data=data, claims=claims)


def _without_activity(audit):
    """An office that logs nothing: no estimate at equal activity."""
    silent = dataclasses.replace(
        audit.activity, status="unknown", r2=math.nan, types=(), links={}, pillars_without=schema.PILLARS
    )
    cells = tuple(dataclasses.replace(cell, adjusted=factories.NO_FIT) for cell in audit.cells)
    return dataclasses.replace(audit, activity=silent, cells=cells)


def pool_offices(folder, offices):
    paths = []
    for name, audit in offices.items():
        paths.append(folder / f"{name}.json")
        paths[-1].write_text(json.dumps(evidence_of(audit, Settings())), encoding="utf-8")
    return pool(paths)


@pytest.fixture(scope="module")
def answer(tmp_path_factory):
    """Six offices; one has no record of activity, and its name is an attack."""
    offices = {f"Zespół {k}": make_office(k) for k in range(5)} | {"<b>last": _without_activity(make_office(7))}
    return pool_offices(tmp_path_factory.mktemp("offices"), offices)


@pytest.fixture(scope="module")
def folder(answer, tmp_path_factory):
    """The files of the pooled answer."""
    out = tmp_path_factory.mktemp("pooled")
    write_pool(answer, out)
    pool_page.write_pool_page(answer, out, pool_page.pool_context(answer, "en", dt.date(2026, 1, 14)))
    return out


@pytest.fixture(scope="module")
def html(folder):
    """The page in English."""
    return (folder / "index.html").read_text(encoding="utf-8")


def test_the_page_has_the_frame_of_every_page(html):
    """One first heading, every block in its place, one file that asks for nothing."""
    page = read(html)
    assert [identity for level, identity in page.headings if level == 1] == [""]
    assert [identity for level, identity in page.headings if level == 2] == [
        "h-pillars", "h-watch", "h-trust", "h-forests", "h-offices", "h-claims", "h-definitions", "h-next", "h-rule",
    ]  # fmt: skip
    assert requests_of(html) == []
    assert len(html.encode()) < 300_000
    assert len(page.ids) == len(set(page.ids))
    assert "6 offices together" in page.text and "14 Jan 2026" in page.text


def test_the_verdict_is_the_pooled_one_in_the_same_words(answer, html):
    """Codes become words where those of one office do."""
    text = re.sub(r"\s", "", read(html).text)
    for sentence in (*WORDS.verdict(answer.audit), *WORDS.lead(answer.audit)):
        assert re.sub(r"\s", "", plain(sentence)) in text


def test_every_link_of_the_page_leads_to_a_file(folder, html):
    """Each table and each forest can be downloaded."""
    links = [link for link in read(html).links if not link.startswith("#")]
    assert len([link for link in links if "forest-" in link]) == 5
    assert not [link for link in links if not (folder / link).is_file()]


def test_the_numbers_of_a_forest_are_those_of_answer_json(folder, html):
    """Each office, all together and one more: page, table and answer.json agree."""
    pooled = json.loads((folder / "answer.json").read_text(encoding="utf-8"))["pooled"]["forests"]
    found = {one["outcome"]: one for one in pooled if (one["exposure"], one["measure"]) == ("total", "adjusted")}
    for outcome in pool_page.OUTCOMES:
        forest = found[outcome]
        with (folder / f"tables/index-forest-{outcome}.csv").open(encoding="utf-8", newline="") as file:
            rows = {row["name"]: row for row in csv.DictReader(file)}
        for office in forest["rows"]:
            row = rows.pop(office["label"])
            assert [float(row[key]) for key in ("rr", "low", "high", "weight")] == [
                office[key] for key in ("estimate", "low", "high", "weight")
            ]
        together, one_more = rows.values()
        assert [float(together[key]) for key in ("rr", "low", "high")] == pytest.approx(
            [forest[key] for key in ("estimate", "low", "high")], rel=1e-12
        )
        assert [float(one_more[key]) for key in ("low", "high")] == [forest["predict_low"], forest["predict_high"]]
        picture = re.search(rf'aria-labelledby="forest-{outcome}-t.*?class="row foot"', html, re.DOTALL)[0]
        shown = re.findall(r'<span class="v"><b>(.*?)</b>', picture)
        assert shown == [
            *sorted((WORDS.ratio(row["estimate"]) for row in forest["rows"]), reverse=True),
            WORDS.ratio(forest["estimate"]),
        ]


def test_who_is_left_out_and_why_is_said(html):
    """The office without activity is in no main result; nobody else is missing."""
    table = re.search(r'id="h-offices".*?</table>', html, re.DOTALL)[0]
    rows = [re.sub(r"<[^>]+>", "|", row) for row in re.findall(r"<tr[^>]*><th scope=\"row\".*?</tr>", table, re.DOTALL)]
    assert [row for row in rows if "no record of LinkedIn activity" in row] == [row for row in rows if "0 of 4" in row]
    assert len([row for row in rows if "4 of 4" in row]) == 5
    assert "1 office is missing from a main result" in html


def test_a_silent_office_does_not_make_the_others_logs_incomplete(answer):
    """It brings nothing at equal activity, so there is nothing its log could spoil."""
    assert answer.audit.activity.types == tuple(schema.ACTIVITY_TYPES)
    assert answer.audit.activity.pillars_without == ()


def test_names_of_files_are_text(html):
    """A file may be called anything."""
    assert "<b>last" not in html and "&lt;b&gt;last" in html


def test_definitions_that_match_are_listed(html):
    """Each that changes a number, with its value in words."""
    block = re.search(r'<section aria-labelledby="h-definitions">.*?</section>', html, re.DOTALL)[0]
    text = read(block)
    for part in ("Smallest change that matters: Inquiries", "10%", "those from LinkedIn", "SSI in total", "13"):
        assert part in text.text, part


@pytest.mark.parametrize(("share", "code"), [(0.0, "hardly"), (24.6, "somewhat"), (49.4, "somewhat"), (50.0, "much")])
def test_how_much_offices_differ_has_three_words(answer, share, code):
    """By the share of their differences that is more than luck, compared as it is printed."""
    forest = dataclasses.replace(answer.forest("total", "meetings"), i2=share)
    assert pool_page.difference_code(forest) == code


def test_one_more_office_is_told_in_per_cent(answer):
    """A clear average that one office may not see is said to be so; a hopeless range is no number."""
    forest = dataclasses.replace(
        answer.forest("total", "meetings"), i2=60.0, low=1.1, high=1.3, predict_low=0.9, predict_high=1.6
    )
    assert pool_page.forest_sentences(forest, WORDS) == [
        "The offices differ much: 60% of what parts them is more than luck, so the average hides different answers.",
        "For one more office, expect −10% to +60% for ten more points.",
        "The average is clear; a single office may still see nothing of it.",
    ]
    wild = dataclasses.replace(forest, predict_low=0.0, predict_high=math.inf)
    assert "cannot be said from so few" in pool_page.forest_sentences(wild, WORDS)[-1]


def test_few_offices_get_no_verdict_and_the_number_that_would_do(tmp_path):
    """Four of six are four; pooled data are not told to pool."""
    found = pool_offices(tmp_path, {f"o{k}": make_office(k) for k in range(4)})
    assert found.audit.overall.verdict == schema.INCONCLUSIVE
    assert WORDS.settle(found.audit) == [
        "Only 4 offices bring an estimate at equal activity. At least 5 are needed for a verdict."
    ]
    assert "Join with other offices" not in dict(WORDS.suggestions(found.audit))


@pytest.mark.parametrize("lang", [lang for lang in LANGUAGES if lang != "en"])
def test_the_page_is_in_the_readers_language(answer, lang):
    """No sentence of the English page is left, but for reasons that are marked as English."""
    english = pool_page.render_pool(answer, pool_page.pool_context(answer, "en"))
    page = pool_page.render_pool(answer, pool_page.pool_context(answer, lang))
    said = {text.strip() for text in read(english).texts if len(text.split()) > 2}
    same = said & {text.strip() for text in read(re.sub(r'(?s)<span lang="en">.*?</span>', "", page)).texts}
    assert {text for text in same if re.search("[a-z]{3}", text)} <= set()
