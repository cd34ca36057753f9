"""Saved pages of the dashboard: the answer inside, else the blocks by their ids."""

from __future__ import annotations

import html
import json

import pytest

from tests.unit.exports.folders import complaint, fates, named, reading

ANSWER = {
    "activeSeat": False,
    "memberScore": {"overall": 19.705, "subScores": [{"score": 13.118002, "pillar": "PROFESSIONAL_BRAND"}]},
    "groupScore": [{"groupType": "INDUSTRY", "rank": 75, "score": {"overall": 31}}],
}
BLOCKS = """
<dl class="ssi-ranks">
 <div class="ssi-rank x"><dt class="ssi-rank__category-name">{industry}</dt>
 <dd class="ssi-rank__category-score">{top} <span class="t">75</span>%</dd></div>
 <div class="ssi-rank x"><dt class="ssi-rank__category-name">{network}</dt>
 <dd class="ssi-rank__category-score">{top} <span class="t">81</span>%</dd></div>
</dl>
<div class="user-ssi-score"><figcaption><span class="ssi-score__value block">20</span> {of} 100</figcaption>
<img src="x.png"><br>
<progress id="establish-brand__sub-score-bar" value="13.118002" max="25">
<span class="ssi-score__value">13</span></progress>
<progress id="find-people__sub-score-bar" value="3.68" max="25"></progress>
<progress id="engage-with-insights__sub-score-bar" value="0.29999998" max="25"></progress>
<progress id="build-relationships__sub-score-bar" value="2.6077502" max="25"></progress></div>
<div class="group-ssi-score"><span class="ssi-score__value">31</span>
<progress id="establish-brand__sub-score-bar" value="11" max="25"></progress></div>
<div class="group-ssi-score"><span class="ssi-score__value">33</span></div>
"""
ENGLISH = {"industry": "Industry SSI rank", "network": "Network SSI rank", "top": "Top", "of": "out of"}
PORTUGUESE = {
    "industry": "Classificação SSI do setor", "network": "Classificação SSI da rede", "top": "Primeiros", "of": "de",
}  # fmt: skip
UNKNOWN = {"industry": "ปรากฏ", "network": "คน", "top": "สูงสุด", "of": "/"}
NAME = "ssi_ann-lee_2026-03-02.html"


def page(*parts: str) -> str:
    return f"<!DOCTYPE html><html><head><meta charset='utf-8'></head><body>{''.join(parts)}</body></html>"


def rows(tmp_path, content: str | bytes, name: str = NAME) -> list[tuple]:
    return named(reading(tmp_path, {name: content}), "ssi")


@pytest.mark.parametrize("words", [ENGLISH, PORTUGUESE, UNKNOWN])
def test_blocks_are_read_by_their_ids_in_any_language(tmp_path, words):
    """Pillars by id, the member's own total, ranks by word or order; the averages' blocks are left out."""
    assert rows(tmp_path, page(BLOCKS.format(**words))) == [
        ("Ann Lee", "2026-03-02", 13.118002, 3.68, 0.29999998, 2.6077502, 20, 75, 81)
    ]


def test_ranks_in_another_order_go_by_their_words(tmp_path):
    """The network's rank is the network's also where it comes first."""
    swapped = {**ENGLISH, "industry": "Network SSI rank", "network": "Industry SSI rank"}
    assert rows(tmp_path, page(BLOCKS.format(**swapped)))[0][7:] == (81, 75)


@pytest.mark.parametrize(
    "code",
    [
        f'<code id="bpr-1">{html.escape(json.dumps(ANSWER))}</code>',
        f'<code id="bpr-1"><!--{json.dumps(ANSWER)}--></code>',
        f'<code>{{"other": 1}}</code><code>{html.escape(json.dumps({"data": ANSWER}))}</code>',
    ],
)
def test_exact_answer_inside_the_page_beats_the_blocks(tmp_path, code):
    """The hidden answer has the exact total; the shown one is rounded."""
    row = rows(tmp_path, page(BLOCKS.format(**ENGLISH), code))[0]
    assert row[2] == 13.118002
    assert row[6] == 19.705


def test_broken_answer_falls_back_to_the_blocks(tmp_path):
    """A cut-off answer in the page does not hide the score that the page shows."""
    broken = html.escape(json.dumps(ANSWER))[:120]
    assert rows(tmp_path, page(BLOCKS.format(**ENGLISH), f"<code>{broken}</code>"))[0][6] == 20


def test_mhtml_page_brings_its_own_day(tmp_path):
    """A page saved as one .mhtml file says when it was saved."""
    body = page(BLOCKS.format(**ENGLISH)).replace("=", "=3D")
    mhtml = (
        "From: <Saved by Blink>\r\nSubject: SSI\r\nDate: Mon, 2 Mar 2026 16:05:11 -0000\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/related;\r\n\ttype="text/html";\r\n\tboundary="----B"\r\n\r\n\r\n------B\r\n'
        "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        f"{body}\r\n------B--\r\n"
    )
    assert rows(tmp_path, mhtml, "ann-lee ssi.mhtml")[0][:3] == ("Ann Lee", "2026-03-02", 13.118002)


def test_page_in_another_encoding_is_read_all_the_same(tmp_path):
    """Letters that cannot be told apart do not matter: the ids are ASCII."""
    content = page("<p>Dvořák</p>", BLOCKS.format(**ENGLISH)).replace("<meta charset='utf-8'>", "")
    assert rows(tmp_path, content.encode("cp1250"))[0][6] == 20


def test_page_without_a_score_is_a_question(tmp_path):
    """A dashboard that has not finished loading is named."""
    text = complaint(tmp_path, {NAME: page('<div class="user-ssi-score"></div>')})
    assert "a page of the SSI dashboard without a score in it" in text


def test_other_pages_are_not_taken_for_the_dashboard(tmp_path):
    """A saved login page is listed as not recognised."""
    read = reading(tmp_path, {"login_2026-03-02.html": page("<form>Sign in</form>")})
    assert fates(read, "login_2026-03-02.html")[0][3] == "not recognised"
