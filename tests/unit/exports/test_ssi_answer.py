"""Saved answers of the score's address: all shapes, days and persons from the name."""

from __future__ import annotations

import json

import pytest

from tests.unit.exports.folders import complaint, fates, named, reading

SUB_SCORES = [
    {"pillar": "STRONG_RELATIONSHIP", "score": 4},
    {"pillar": "PROFESSIONAL_BRAND", "score": 1.5},
    {"pillar": "INSIGHT_ENGAGEMENT", "score": 3},
    {"pillar": "FIND_RIGHT_PEOPLE", "score": 2},
]
GROUPS = [
    {"groupType": "TEAM", "rank": 1, "score": {"overall": 90}},
    {"groupType": "NETWORK", "rank": 24, "score": {"overall": 46.19, "subScores": SUB_SCORES}},
    {"groupType": "INDUSTRY", "rank": 5, "groupSize": 120311, "score": {"overall": 33.75}},
]
ANSWER = {"activeSeat": True, "memberScore": {"overall": 10.5, "subScores": SUB_SCORES}, "groupScore": GROUPS}
FULL = ("Ann Lee", "2026-03-02", 1.5, 2, 3, 4, 10.5, 5, 24)


def rows(tmp_path, answer, name: str = "ssi_ann-lee_2026-03-02.json") -> list[tuple]:
    return named(reading(tmp_path, {name: json.dumps(answer)}), "ssi")


@pytest.mark.parametrize(
    "answer",
    [ANSWER, {"object": "LinkedinRawData", "data": ANSWER}, {"raw": ANSWER}, [ANSWER], {"status": 200, "data": ANSWER}],
)
def test_full_answer_in_any_wrapping(tmp_path, answer):
    """Pillars by name whatever their order, ranks by group, averages of other people never."""
    assert rows(tmp_path, answer) == [FULL]


@pytest.mark.parametrize(
    ("answer", "total", "industry", "network"),
    [
        ({"memberScore": {"ssi": 61, "industry": {"ssi": 31, "top": 4}, "network": {"ssi": 33, "top": 7}}}, 61, 4, 7),
        ({"memberScore": {"overall": 61}, "industry": {"ssi": 31, "top": 4}, "network": {"top": 7}}, 61, 4, 7),
        ({"ssi": 61}, 61, None, None),
        ({"socialSellingIndex": {"currentScore": {"score": 61}}}, 61, None, None),
    ],
)
def test_thinner_shapes(tmp_path, answer, total, industry, network):
    """A total and ranks are taken where they are; the averages beside them are not."""
    assert rows(tmp_path, answer) == [("Ann Lee", "2026-03-02", None, None, None, None, total, industry, network)]


def test_answers_that_say_their_day_and_person(tmp_path):
    """A list of answers with a date and a person each needs nothing from the name."""
    answers = [
        {"date": "2026-03-01", "person": "Bo", "data": ANSWER},
        {"collectedAt": 1772445600000, "person": "Cid", **ANSWER},
    ]
    assert [row[:2] for row in sorted(rows(tmp_path, answers, "all.json"))] == [
        ("Bo", "2026-03-01"),
        ("Cid", "2026-03-02"),
    ]


def test_person_of_the_settings_comes_first(tmp_path):
    """The setting persons names the owner of a file, a folder or a pattern."""
    files = {"x_2026-03-02.json": json.dumps(ANSWER), "dan/y_2026-03-02.json": json.dumps(ANSWER)}
    read = reading(tmp_path, files, persons={"x_*.json": "Eve Ray", "dan": "Dan Oh"})
    assert sorted(row[0] for row in named(read, "ssi")) == ["Dan Oh", "Eve Ray"]


def test_answer_without_a_day_is_a_question(tmp_path):
    """Neither the answer nor the name says the day: the message shows a name that does."""
    assert "put the day into the name, such as ssi_nora-whitfield_2026-03-02.json" in complaint(
        tmp_path, {"ssi_ann-lee.json": json.dumps(ANSWER)}
    )


@pytest.mark.parametrize("code", [401, 403, 429, 999])
def test_error_answers_are_skipped(tmp_path, code):
    """A saved refusal is no score and no crash."""
    read = reading(tmp_path, {"ssi_ann_2026-03-02.json": json.dumps({"status": code, "message": "no"})})
    assert fates(read, "ssi_ann_2026-03-02.json") == [(1, 1, "skipped", "an error answer, not a score")]


def test_failed_answer_is_missing_not_zero(tmp_path):
    """An answer of zeros is skipped."""
    zero = {"memberScore": {"overall": 0, "subScores": [{**part, "score": 0} for part in SUB_SCORES]}}
    read = reading(tmp_path, {"ssi_ann_2026-03-02.json": json.dumps(zero)})
    assert len(read.tables.ssi) == 0
    assert fates(read, "ssi_ann_2026-03-02.json")[0][2:] == ("skipped", "failed reading (all zero)")


def test_same_bytes_on_two_days_are_two_readings(tmp_path):
    """The score often stands still: two saved answers are the same file only if the name gives the same day."""
    files = {f"ssi_ann-lee_2026-03-0{day}.json": json.dumps(ANSWER) for day in (1, 2)}
    files["copy/ssi_ann-lee_2026-03-02.json"] = json.dumps(ANSWER)
    read = reading(tmp_path, files)
    assert [row[1] for row in named(read, "ssi")] == ["2026-03-01", "2026-03-02"]


def test_impossible_score_is_a_problem(tmp_path):
    """A pillar of 26 in an answer is named like one in a table."""
    bad = {"memberScore": {"overall": 40, "subScores": [{"pillar": "PROFESSIONAL_BRAND", "score": 26}]}}
    assert '"brand" = 26: a pillar cannot exceed 25' in complaint(tmp_path, {"ssi_a_2026-03-02.json": json.dumps(bad)})


def test_other_json_is_not_taken_for_an_answer(tmp_path):
    """A configuration file is listed as not recognised."""
    read = reading(tmp_path, {"config.json": '{"name": "x", "ssi": "off", "data": {"a": 1}}'})
    assert fates(read, "config.json")[0][3] == "not recognised"
