"""Pieces of saved pages and answers that browsers and older versions of the page write in their own way."""

from __future__ import annotations

import datetime as dt

import pytest

from ssi_audit.exports.ssi_answer import _readings, values_of
from ssi_audit.exports.ssi_page import MAX_DEPTH, _answer_in, _Page, _saved_on, _values
from ssi_audit.exports.table import cell_text
from ssi_audit.exports.text import Unreadable
from tests.unit.exports.folders import named, reading

ANSWER = '{"memberScore": {"overall": 42.5, "subScores": []}}'


def shown(page: str) -> _Page:
    reader = _Page()
    reader.feed(page)
    reader.close()
    return reader


def test_a_text_that_only_begins_like_an_answer_is_passed_over():
    """Broken JSON, a list or an object of something else stand before the answer; alone they are none."""
    broken = '{"data": [1, 2 ... {"object": {"rank": 1}} {"data": []}'
    assert _answer_in(broken + ANSWER) == {"total": 42.5}
    assert _answer_in(broken) == {}
    assert _answer_in('{"data": ' + ANSWER + "}") == {"total": 42.5}


def test_the_answer_may_stand_in_a_comment_or_a_script_inside_code():
    """Older pages write it as a comment; text behind a closed element is no part of it."""
    for page in (f"<code><!--{ANSWER}--></code>", f"<code><script>{ANSWER}</script></code>"):
        assert [_answer_in(text) for text in shown(page).answers] == [{"total": 42.5}]
    assert shown(f"<code></code>{ANSWER}").answers == [""]


def test_elements_that_close_nothing_or_themselves_do_no_harm():
    """A stray end tag, an element without content and an image leave the place where it was."""
    page = shown('</p><div class="user-ssi-score"></b><i/><img/><span class="ssi-score__value">61</span></div>')
    assert page.values() == {"total": "61"}
    assert shown('<div class="user-ssi-score">nothing</div>').values() == {}


def test_a_total_inside_a_bar_is_that_of_the_bar():
    """The number inside a pillar's bar is not the member's total, nor is a second number."""
    inside = '<progress id="establish-brand__x" value="9"><span class="ssi-score__value">9</span></progress>'
    first = '<span class="ssi-score__value">61</span><span class="ssi-score__value">33</span>'
    page = shown(f'<div class="user-ssi-score">{inside}{first}</div>')
    assert page.values() == {"brand": "9", "total": "61"}


def test_elements_without_end_are_refused():
    """A page of nothing but opened elements is no page of LinkedIn."""
    assert shown("<b>" * MAX_DEPTH).values() == {}
    with pytest.raises(Unreadable, match="nested too deeply"):
        shown("<b>" * (MAX_DEPTH + 1))


class Saved:
    """A file of some bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data


@pytest.mark.parametrize(("header", "day"), [("Date: Mon, 2 Mar 2026 10:00:00 +0100\r\n", "2026-03-02"), ("", "")])
def test_an_mhtml_page_says_when_it_was_saved_or_not(header, day):
    """The date of the mail header is the day of the reading; without one there is none."""
    head = f"From: <Saved>\r\n{header}MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=B\r\n\r\n"
    part = "--B\r\nContent-Type: text/html\r\n\r\n<code>" + ANSWER + "</code>\r\n--B--\r\n"
    assert _saved_on(Saved((head + part).encode())) == day
    assert _values(Saved((head + part).encode())) == {"total": 42.5}
    picture = "--B\r\nContent-Type: image/png\r\n\r\nx\r\n--B--\r\n"
    assert _values(Saved((head + picture).encode())) == {}


def test_a_page_in_no_known_encoding_is_read_by_its_ids(tmp_path):
    """Ids and numbers are ASCII whatever the letters around them are."""
    page = b'<html><div class="user-ssi-score"><span class="ssi-score__value">61</span>\x81\x8d\xff\xfe</div></html>'
    rows = named(reading(tmp_path, {"ssi_ann-lee_2026-03-02.html": page}), "ssi")
    assert [row[-3] for row in rows] == [61]


def test_an_answer_may_be_a_number_and_may_hold_what_nobody_knows():
    """The member's score as a number or as "ssi"; unknown pillars and truth values are no score."""
    assert values_of({"memberScore": 55}) == values_of({"ssi": 55}) == {"total": 55}
    odd = {"memberScore": {"overall": True, "subScores": [{"pillar": "NEW", "score": 3}, 4]}}
    assert values_of(odd) == {}
    assert values_of({"socialSellingIndex": {"currentScore": {"score": 70}}}) == {"total": 70}
    assert values_of({"socialSellingIndex": {"currentScore": 71}}) == {"total": 71}
    assert _readings([{"memberScore": 55}, "no answer"]) == []


@pytest.mark.parametrize(("cell", "text"), [
    (True, "true"), (False, "false"), (3.0, "3"), (1e15, "1000000000000000.0"), (0.125, "0.1250"), (2.5, "2.5"),
    (dt.datetime(2026, 3, 2), "2026-03-02"), (dt.datetime(2026, 3, 2, 9, 5, 1, 7), "2026-03-02 09:05:01"),
    (dt.date(2026, 3, 2), "2026-03-02"), (dt.time(9, 5), "09:05:00"), ("x", "x"),
])  # fmt: skip
def test_typed_cells_become_text_that_reads_back(cell, text):
    """Dates as ISO, whole numbers without a point, three digits behind one with a fourth."""
    assert cell_text(cell) == text
