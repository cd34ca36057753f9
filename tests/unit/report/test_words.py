"""Golden sentences: what a reader is told for a grid of results, the awkward ones included."""

import dataclasses
import itertools
import math
import re
import tomllib
from importlib import resources

import pytest

from ssi_audit import schema, verdict
from ssi_audit.report.codes import spec_counts
from ssi_audit.report.language import LANGUAGES
from ssi_audit.report.phrases import TRUST_FACTS
from ssi_audit.report.words import Words, plain
from ssi_audit.results import ClaimResult, Correlation, Fit, Indicator, Overall, TrustCheck
from tests.unit.report import factories
from tests.unit.report.factories import fit, link

ENGLISH = Words("en", currency="EUR")

UNITS = [
    # A usual link, as the mock has it.
    (fit(1.02, 0.04, "deals"), "deals", "Ten more SSI points go with 0.1 more deals per seller and"
     " quarter; the data fit"
     " anything from 0.2 fewer to 0.4 more. An average quarter has 4.2."),
    # Fewer, and the whole range on one side.
    (fit(0.80, 0.05, "deals"), "deals", "Ten more SSI points go with 0.8 fewer deals per seller and"
     " quarter; the data fit"
     " anything from 1.2 fewer to 0.5 fewer. An average quarter has 4.2."),
    # What would print as 0.0 is "less than" the smallest printed number; never 0.000.
    (fit(1.001, 0.005, "deals"), "deals", "Ten more SSI points go with less than 0.1 more deals per"
     " seller and quarter;"
     " the data fit anything from less than 0.1 fewer to less than 0.1 more. An average quarter has 4.2."),
    # Exactly no difference.
    (fit(1.0, 0.05, "meetings"), "meetings", "Ten more SSI points go with less than 0.1 more meetings"
     " per seller and"
     " quarter; the data fit anything from 2.6 fewer to 2.9 more. An average quarter has 27.2."),
    # Rates in cases out of 100.
    (fit(1.30, 0.05, "win_rate"), "win_rate", "Ten more SSI points go with 4.6 more deals from 100"
     " meetings; the data fit"
     " anything from 2.7 more to 6.7 more. On average 100 meetings lead to 15.4."),
    (fit(0.93, 0.02, "meeting_rate"), "meeting_rate", "Ten more SSI points go with 3.5 fewer meetings"
     " from 100 inquiries;"
     " the data fit anything from 5.3 fewer to 1.6 fewer. On average 100 inquiries lead to 50.0."),
    (fit(1.10, 0.08, "quota_hit"), "quota_hit", "Ten more SSI points go with 4.6 more of 100 quotas"
     " reached; the data fit"
     " anything from 3.0 fewer to 13.5 more. On average 46.0 of 100 are reached."),
    # Money in whole amounts, "less" and not "fewer".
    (fit(1.02, 0.03, "revenue", low=0.92242, high=1.04121), "revenue", "Ten more SSI points go with 825 EUR"
     " more revenue per seller and quarter; the data fit anything from 3,200 EUR less to 1,700 EUR more. An"
     " average quarter has 41,200 EUR."),
    # A range without end.
    (fit(1.5, 1.6, "deals"), "deals", "Ten more SSI points go with 2.1 more deals per seller and"
     " quarter; the data fit"
     " anything from 4.0 fewer to more than ten times as much. An average quarter has 4.2."),
    # An estimate beyond all reason.
    (fit(240.0, 1.0, "deals"), "deals", "Closed deals: the data are too thin to give the size of a link"
     " in sales units."),
    (dataclasses.replace(fit(1.2, 0.1, "deals"), low=math.nan), "deals",
     "Closed deals: the data are too thin to give the size of a link in sales units."),
    # An unknown average: per cent instead of units.
    (fit(1.05, 0.03, "inquiries", mean=math.nan), "inquiries", "Ten more SSI points go with a result"
     " that is 5% higher"
     " (Inquiries); the data fit anything from 1% lower to 12% higher."),
    (fit(1.001, 0.0015, "inquiries", mean=0.0), "inquiries", "Ten more SSI points go with a result that"
     " is less than 1%"
     " higher (Inquiries); the data fit anything from less than 1% lower to less than 1% higher."),
    # No events, no estimate, one seller.
    (Fit(n_people=12, n_rows=600, n_events=0.0, why="no event"), "deals",
     "Closed deals: none were recorded, so there is nothing to compare."),
    (Fit(n_people=1, n_rows=52, n_events=9.0, why="one person"), "deals", "Closed deals: not enough"
     " data for an estimate."),
    (Fit(), "meetings", "Meetings: not enough data for an estimate."),
]  # fmt: skip


@pytest.mark.parametrize(("result", "outcome", "sentence"), UNITS)
def test_effects_in_sales_units(result, outcome, sentence):
    """Number, range and average, in the unit that a team lead counts in."""
    assert ENGLISH.units(result, outcome).replace("\N{NO-BREAK SPACE}", " ") == sentence


def test_effects_at_equal_activity_and_of_pillars_say_so():
    """The same size means something else for another comparison."""
    result = fit(1.02, 0.04, "deals")
    assert ENGLISH.units(result, "deals", equal=True).startswith(
        "At equal LinkedIn activity, ten more SSI points go with"
    )
    assert ENGLISH.units(result, "deals", exposure="brand").startswith("Brand: 2.5 more points go with 0.1 more deals")


@pytest.mark.parametrize(
    ("lang", "sentence"),
    [
        ("pl", "Dziesięć punktów SSI więcej idzie w parze z liczbą transakcji na handlowca i kwartał"
         " wyższą o 0,1; dane"
         " dopuszczają wszystko od 0,2 mniej do 0,4 więcej. Średnio w kwartale: 4,2."),
        ("it", "Dieci punti SSI in più si accompagnano a 0,1 contratti in più per venditore e"
         " trimestre; i dati ammettono"
         " qualsiasi valore da 0,2 in meno a 0,4 in più. In media un trimestre ne conta 4,2."),
        ("fi", "Kymmenen SSI-pistettä lisää: kauppoja on 0,1 enemmän myyjää ja neljännestä kohti;"
         " aineistoon sopii mikä"
         " tahansa väliltä 0,2 vähemmän – 0,4 enemmän. Keskimäärin niitä on 4,2 neljänneksessä."),
        ("th", "SSI ที่มากขึ้นสิบคะแนนมาพร้อมกับดีลที่มากขึ้น 0.1 ดีลต่อคนต่อไตรมาส"
         " ข้อมูลสอดคล้องกับทุกค่าตั้งแต่น้อยลง 0.2"
         " ถึงมากขึ้น 0.4 โดยเฉลี่ยไตรมาสละ 4.2 ดีล"),
    ],
)  # fmt: skip
def test_effects_in_other_languages(lang, sentence):
    """A whole sentence of the language, not an English one with other words."""
    assert Words(lang).units(fit(1.02, 0.04, "deals"), "deals") == sentence


LINKS = [
    (link(0.03, 0.17), "SSI in total and Closed deals: **no visible link**, 0.03 (−0.14 to 0.20). 40"
     " sellers; this does"
     " not show cause."),
    (Correlation(-0.35, -0.5, -0.18, n_people=1), "SSI in total and Closed deals: **moderate, the other"
     " way**, −0.35"
     " (−0.50 to −0.18). 1 seller; this does not show cause."),
    (Correlation(why="fewer than 3 people"), "SSI in total and Closed deals: not enough data for a link."),
]  # fmt: skip


@pytest.mark.parametrize(("result", "sentence"), LINKS)
def test_links_in_words(result, sentence):
    """Words, number, range, caveat, in this order."""
    assert ENGLISH.link_sentence(result, "total", "deals") == sentence


def test_an_effect_sentence_begins_with_its_word_and_ends_with_its_caveat():
    """The pattern of ux.md section 3."""
    sentence = ENGLISH.fit_sentence(fit(1.30, 0.05, "win_rate"), "total", "win_rate")
    assert sentence.startswith("**Clearly more.** At equal LinkedIn activity")
    assert sentence.endswith("this does not show cause.")
    assert ENGLISH.fit_sentence(Fit(why="none"), "total", "deals") == UNITS[-2][2]


HEADLINES = {
    "activity_gauge": "Not as a measure of sales. It shows who is busy on LinkedIn.",
    "no_association": "Not as a measure of sales. It goes with nothing we can see.",
    "leading": "Yes, as an early signal: it goes with more inquiries and meetings, beyond plain activity.",
    "effectiveness": "Yes. Higher scores go with better conversion at both steps, to meeting and to"
    " deal, beyond plain activity.",
    "inconclusive": "Can’t tell yet. Clear so far: it shows who is busy on LinkedIn.",
    "negative": "Not as a measure of sales. It goes the other way.",
    "no_activity": "Can’t tell yet. These data leave the question open.",
    "empty": "Can’t tell yet. These data leave the question open.",
}  # fmt: skip


@pytest.mark.parametrize(("name", "sentence"), HEADLINES.items())
def test_each_verdict_has_the_words_of_the_specification(name, sentence):
    """ux.md section 2: code to words."""
    assert ENGLISH.headline(factories.ALL[name]()) == sentence
    assert ENGLISH.answer_sentence(factories.ALL[name]()) == sentence


@pytest.mark.parametrize(
    ("outcomes", "which"),
    [
        (["win_rate"], "from meeting to deal"), (["meeting_rate"], "from inquiry to meeting"),
        (["meeting_rate", "win_rate"], "at both steps"),
    ],
)  # fmt: skip
def test_a_positive_verdict_names_what_it_found(outcomes, which):
    """To say no more than "better conversion" would leave the reader guessing."""
    audit = factories.effectiveness()
    cells = tuple(
        dataclasses.replace(
            cell, verdict=schema.EFFECTIVENESS_MEASURE if cell.outcome in outcomes else schema.NO_ASSOCIATION
        )
        for cell in audit.cells
    )
    assert which in ENGLISH.headline(dataclasses.replace(audit, cells=cells))


def test_the_three_verdicts_stand_together():
    """methods.md section 8: volume, effectiveness, overall."""
    assert ENGLISH.parts(factories.effectiveness().overall) == (
        "Volume: can’t tell; effectiveness: better conversion; overall: better conversion"
    )


LEADS = {
    "activity_gauge": "When a seller’s SSI is above their own usual level, they also do much more on"
    " LinkedIn. We see no link"
    " with closed deals. Ten more SSI points go with 0.1 more deals per seller and quarter; the data"
    " fit anything from 0.2"
    " fewer to 0.4 more. An average quarter has 4.2.",
    "no_association": "We see no link between a seller’s SSI and what they do on LinkedIn. The link"
    " with closed deals is too"
    " small to matter. Ten more SSI points go with less than 0.1 more deals per seller and quarter; the"
    " data fit anything from"
    " 0.1 fewer to 0.1 more. An average quarter has 4.2.",
    "negative": "When a seller’s SSI is above their own usual level, they also do much more on"
    " LinkedIn. At equal LinkedIn"
    " activity, ten more SSI points go with 3.5 fewer meetings from 100 inquiries; the data fit"
    " anything from 5.3 fewer to 1.6"
    " fewer. On average 100 inquiries lead to 50.0.",
    "no_deals": "Closed deals: none were recorded, so there is nothing to compare. Ten more SSI points"
    " go with 1.1 more"
    " inquiries per seller and quarter; the data fit anything from 4.6 fewer to 7.5 more. An average"
    " quarter has 54.3.",
    "empty": "Closed deals: not enough data for an estimate. Inquiries: not enough data for an estimate.",
}  # fmt: skip


@pytest.mark.parametrize(("name", "text"), LEADS.items())
def test_the_lead_says_what_we_see(name, text):
    """One paragraph: link, sales units, range, average."""
    assert plain(" ".join(ENGLISH.lead(factories.ALL[name]()))) == text


def test_a_gauge_with_a_link_to_deals_shows_that_nothing_is_left_at_equal_activity():
    """Otherwise the verdict would contradict the number beside it: what the rule looks at is shown."""
    audit = _with_deals(link=link(0.3, 0.1), crude=fit(1.12, 0.03, "deals"))
    sentences = ENGLISH.lead(audit)
    assert "**The link with closed deals is moderate.**" in sentences
    assert sentences[-1].startswith("At equal LinkedIn activity, ten more SSI points go with 0.5 more inquiries")
    assert ENGLISH.caveats(audit) == []
    assert ENGLISH.fading_title(audit) == "Strong with activity, moderate with closed deals"


def test_deals_that_clearly_go_up_at_equal_activity_are_said_beside_the_verdict():
    """They are not among the four main results, but a reader must not find them later by chance."""
    caveats = ENGLISH.caveats(_with_deals(adjusted=fit(1.14, 0.05, "deals")))
    assert [plain(text) for text in caveats] == [
        "One number does not fit: closed deals, which are not among the four main results. At equal LinkedIn"
        " activity, ten more SSI points go with 0.6 more deals per seller and quarter; the data fit anything from"
        " 0.1 more to 1.1 more. An average quarter has 4.2."
    ]


def _with_deals(**changes):
    """The activity gauge with another result for closed deals."""
    audit = factories.activity_gauge()
    cells = tuple(
        dataclasses.replace(cell, **changes) if (cell.exposure, cell.outcome) == ("total", "deals") else cell
        for cell in audit.cells
    )
    return dataclasses.replace(audit, cells=cells)


def test_every_flag_is_one_caveat():
    """On the first screen, in the order in which they came."""
    caveats = [plain(text) for text in ENGLISH.caveats(factories.flagged())]
    assert [text.split(".")[0].split(" for ")[0] for text in caveats] == [
        "It goes the other way", "Success comes first", "Not only LinkedIn", "Part of the activity is"
        " not logged",
        "LinkedIn changed the score in this period",
    ]  # fmt: skip
    assert "Meetings per inquiry" in caveats[0]


def test_cant_tell_says_what_is_clear_what_is_out_what_is_open_and_what_would_do():
    """ux.md section 2: a useful page, not an apology."""
    points = dict(ENGLISH.open_points(factories.inconclusive()))
    assert points == {
        "Clear already": "SSI follows LinkedIn activity: what is logged accounts for 62% of its ups and"
        " downs.",
        "Not ruled out": "LinkedIn’s 45% more opportunities would mean about 10% for ten points. Our range"
        " for Inquiries, −9% to"
        " +14%, includes that: not ruled out.",
        "Still open": "Inquiries, Meetings, Meetings per inquiry and Deals per meeting.",
        "What would settle it": "About 19 times the data: 220 sellers over the same time, or 19 offices"
        " like this one, pooled"
        " without sharing a single row.",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rr", "se", "ending"),
    [
        (1.02, 0.02, "Our range for Inquiries ends at +6%: a link of that size is ruled out here."),
        (0.95, 0.02, "Our range for Inquiries ends at −1%: a link of that size is ruled out here."),
        (1.05, 0.10, "Our range for Inquiries, −14% to +29%, includes that: not ruled out."),
        (1.25, 0.04, "Our range for Inquiries starts at +15%: more than that size, before activity is held equal."),
    ],
)
def test_linkedins_own_figure_beside_our_range(rr, se, ending):
    """1.45 between leaders and laggards is 1.097 for ten points; their number and ours never share a sentence."""
    sentence = ENGLISH.against_claim(fit(rr, se, "inquiries"), "inquiries")
    assert sentence.endswith(ending)
    theirs, ours = sentence.split(". ", 1)
    assert "LinkedIn" in theirs and "LinkedIn" not in ours


def test_what_has_too_few_seller_years_goes_no_way_yet():
    """Worse results of too short a panel are no caution and no suggestion: better ones are not either."""
    settled, audit = factories.negative(), factories.negative()
    cells = tuple(
        dataclasses.replace(cell, verdict=schema.INCONCLUSIVE, reason="few_years") if cell.exposure == "total" else cell
        for cell in audit.cells
    )
    open_ = Overall(*[schema.INCONCLUSIVE] * 3, "yes", 0.62, flags=("negative", "score_break"))
    audit = dataclasses.replace(audit, cells=cells, overall=open_, data=factories.data(12, 52))
    assert ENGLISH.caveats(audit) == [ENGLISH.say("flag.score_break")]
    assert "Have a second look" not in dict(ENGLISH.suggestions(audit))
    assert "Have a second look" in dict(ENGLISH.suggestions(settled))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("weeks", "title"), [(64, "open.not_ruled_out"), (65, "open.ruled_out")])
def test_a_short_panel_rules_nothing_out(lang, weeks, title):
    """Below 15 seller-years a range that ends below LinkedIn's own figure rules nothing out yet, and says why."""
    words, audit = Words(lang), factories.inconclusive()
    cells = tuple(
        dataclasses.replace(cell, crude=dataclasses.replace(cell.crude, rr=1.01, low=0.97, high=1.05))
        for cell in audit.cells
    )
    label, text = words.open_points(dataclasses.replace(audit, cells=cells, data=factories.data(12, weeks)))[1]
    assert label == words.say(title)
    assert ("15" in text) is (weeks == 64)


@pytest.mark.parametrize(
    ("multiple", "people", "weeks", "part"),
    [
        (2.6, 24, 52, "About 2.6 times the data: 63 sellers over the same time, or the same sellers for"
         " 136 weeks, or 3 offices"),
        (4.0, 24, 104, "About 4.0 times the data: 96 sellers over the same time, or 4 offices"),
        (80.0, 24, 52, "More than 50 times the data of now: out of reach for this organisation alone."),
        # Below 15 seller-years no fewer data are enough, however narrow the ranges.
        (1.1, 12, 52, "About 1.3 times the data: 16 sellers over the same time, or the same sellers for 68 weeks"),
        (0.4, 12, 26, "About 2.5 times the data: 30 sellers over the same time, or the same sellers for 65 weeks"),
        (0.4, 15, 52, "Look again after the next quarter: there would have been enough data"),
    ],
)  # fmt: skip
def test_how_much_more_data_would_settle_it(multiple, people, weeks, part):
    """Sellers, weeks while a wait makes sense, or offices to pool."""
    audit = factories.inconclusive()
    cells = tuple(
        dataclasses.replace(cell, adjusted=dataclasses.replace(cell.adjusted, needed_multiple=multiple))
        for cell in audit.cells
    )
    audit = dataclasses.replace(audit, cells=cells, data=factories.data(people, weeks))
    assert ENGLISH.settle(audit)[0].startswith(part)


@pytest.mark.parametrize(
    ("reason", "part"),
    [
        ("few_people", "12 sellers can be analysed. At least 8 are needed"),
        ("few_years", "About 1.3 times the data: 16 sellers over the same time, or the same sellers for 68 weeks"),
        ("no_activity_data", "A record of LinkedIn activity"),
        ("lead_placebo", "Not more data, but better data"),
        ("activity_not_ruled_out", "A more complete record of LinkedIn activity"),
        ("no_estimate", "Data for Inquiries, Meetings, Meetings per inquiry and Deals per meeting"),
    ],
)
def test_what_would_settle_it_follows_from_the_reason(reason, part):
    """More sellers do not help where activity is not logged."""
    audit = factories.inconclusive()
    audit = dataclasses.replace(audit, cells=tuple(dataclasses.replace(cell, reason=reason) for cell in audit.cells))
    assert ENGLISH.settle(audit)[0].startswith(part)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_least_number_of_seller_years_is_the_one_of_the_rule(lang):
    """Rule, reason and claims name the number that the rule uses."""
    words, least = Words(lang), f"{verdict.MIN_SELLER_YEARS:.0f}"
    for key in ("rule.step1", "reason.few_years", "open.claim_short", "term.seller_year.text"):
        gaps = dict.fromkeys(("claimed", "outcome", "high"), "") if key == "open.claim_short" else {}
        assert least in words.say(key, **gaps)


def test_one_seller_is_told_what_is_needed():
    """The plural agrees, and nothing divides by zero."""
    assert ENGLISH.settle(factories.empty()) == [
        "1 seller can be analysed. At least 8 are needed for any answer, about 50 for a clear one; or"
        " pool several offices"
        " without sharing a single row."
    ]


TITLES = {
    "activity_gauge": ("The link fades on the way to a deal", "No pillar goes clearly with closed deals"),
    "no_association": ("No clear link at any step", "No pillar goes clearly with closed deals"),
    "effectiveness": ("The link reaches closed deals", "All four pillars go clearly with closed deals"),
    "inconclusive": ("Clear with activity, still open with results", "The pillars cannot be told apart yet"),
    "no_deals": ("Clear with activity, still open with results", "The pillars cannot be compared with closed deals"),
    "empty": ("No link could be computed", "The pillars cannot be compared with closed deals"),
}


@pytest.mark.parametrize(("name", "titles"), TITLES.items())
def test_titles_state_the_finding(name, titles):
    """And change with it."""
    audit = factories.ALL[name]()
    assert (ENGLISH.fading_title(audit), ENGLISH.pillars_title(audit)) == titles


@pytest.mark.parametrize(
    ("r", "title"),
    [
        (0.3, "One pillar goes with closed deals: Brand"),
        (-0.3, "One pillar goes the other way with closed deals: Brand"),
    ],
)
def test_a_single_pillar_is_named(r, title):
    """A link of one pillar is neither hidden nor spread over all four."""
    audit = factories.activity_gauge()
    cells = tuple(
        dataclasses.replace(cell, link=link(r, 0.1)) if (cell.exposure, cell.outcome) == ("brand", "deals") else cell
        for cell in audit.cells
    )
    assert ENGLISH.pillars_title(dataclasses.replace(audit, cells=cells)) == title


def test_luck_is_counted_over_the_links_with_results():
    """One in twenty is clear by chance; activity is not a result."""
    assert ENGLISH.luck(factories.activity_gauge()) == ("Clear links with results: 2 of 15; by luck alone about 1")
    assert ENGLISH.luck(factories.empty()) == ""


@pytest.mark.parametrize("name", factories.ALL)
def test_there_are_never_more_than_three_suggestions(name):
    """And every one has a title and a text."""
    ideas = ENGLISH.suggestions(factories.ALL[name]())
    assert 1 <= len(ideas) <= 3
    assert len({title for title, _ in ideas}) == len(ideas)
    assert all(title and text for title, text in ideas)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("activity_gauge", "Keep SSI out of targets"),
        ("effectiveness", "Give SSI a place on the dashboard"),
        ("leading", "Use it as an early signal"),
        ("inconclusive", "Leave targets as they are"),
    ],
)
def test_suggestions_follow_the_verdict(name, first):
    """The tool can lose: when SSI holds up, it is recommended."""
    ideas = dict(ENGLISH.suggestions(factories.ALL[name]()))
    assert next(iter(ideas)) == first
    assert "Do not rank or pay people by it." in ideas[first]


def test_only_numbers_that_clearly_help_are_put_in_its_place():
    """An indicator whose range includes zero is not recommended, nor is one when SSI itself holds."""
    audit = factories.activity_gauge()
    assert dict(ENGLISH.suggestions(audit))["Put two numbers in its place"].startswith(
        "Meetings per inquiry and Reply rate: each clearly helps to foretell deals a quarter ahead (8.4% and 5.2%)"
    )
    none = dataclasses.replace(audit, watch=(Indicator("meetings", 0.1, -0.1, 0.3, 40),))
    assert "Put two numbers in its place" not in dict(ENGLISH.suggestions(none))
    assert "Put two numbers in its place" not in dict(ENGLISH.suggestions(factories.effectiveness()))


FACTS = {
    "enough": {"n_people": 40, "mdrr": 1.12}, "matched": {"share": 0.94, "left_out": 8},
    "complete": {"known": 49, "n": 52}, "score_break": {"dates": ["2025-05-05"]},
    "activity_log": {"pillars": ["brand", "people"]}, "ceiling": {"share": 0.02},
    "inquiry_source": {"source": "all", "share": 0.4}, "currency": {"currency": "EUR", "others": ["USD"], "share": 0.1},
    "small_teams": {"teams": 4, "large": 2, "least": 10},
}  # fmt: skip


@pytest.mark.parametrize(("lang", "check", "state"), [*itertools.product(LANGUAGES, FACTS, ("pass", "care", "fail"))])
def test_every_check_has_words_for_every_state(lang, check, state):
    """Nothing is left unfilled in any language."""
    texts = Words(lang).trust(TrustCheck(check, state, FACTS[check]))
    assert all(texts) and not any("{" in text for text in texts)


def test_checks_say_their_numbers():
    """Whole sellers, per cent, dates in words."""
    said = {name: ENGLISH.trust(TrustCheck(name, "pass", facts))[2] for name, facts in FACTS.items()}
    assert said["enough"] == "40 sellers. A change of +12% for ten points would have shown up (80% chance)."
    assert said["matched"] == "94% of the rows found their seller; 8 left out."
    assert ENGLISH.trust(TrustCheck("small_teams", "care", FACTS["small_teams"]))[2].startswith("2 of 4 teams have")
    assert ENGLISH.trust(TrustCheck("score_break", "care", FACTS["score_break"]))[2] == (
        "LinkedIn seems to have changed the score (5 May 2025). Each side is compared with itself only."
    )


def test_a_check_without_its_facts_or_without_words_is_an_error():
    """A hole in a page is worse than no page."""
    with pytest.raises(ValueError, match="trust check 'enough' needs the fact 'mdrr'"):
        ENGLISH.trust(TrustCheck("enough", "pass", {"n_people": 4}))
    with pytest.raises(ValueError, match="no words for trust check 'weather'"):
        ENGLISH.trust(TrustCheck("weather", "pass"))
    assert set(FACTS) == set(TRUST_FACTS)


@pytest.mark.parametrize(
    ("agree", "text"),
    [
        (48, "Hardly. 48 of 48 reasonable analyses give this answer."),
        (38, "Somewhat. 38 of 48 reasonable analyses give this answer."),
        (20, "Yes. Only 20 of 48 reasonable analyses give this answer."),
    ],
)
def test_does_the_answer_depend_on_how_we_ask(agree, text):
    """Nine in ten is hardly, seven in ten somewhat."""
    assert ENGLISH.spec(spec_counts({**factories.specification(), "n_all": 48, "agree_all": agree})) == text


def test_choices_are_named_and_unknown_ones_keep_their_name():
    """An analyst may add a choice without touching the messages."""
    assert ENGLISH.choices({"lag": "5 weeks", "outliers": "pulled in", "weather": "rain"}) == (
        "Weeks from score to result: 5, Extreme periods: pulled in, weather: rain"
    )


NO_SCALE = "not a difference for ten points"
CLAIMS = [
    ("quota", "ratio", (1.04, 0.97, 1.12, 1.51), "about 11% more", "1.04 (0.97 to 1.12)"),
    ("outsell-peers", "probability", (0.81, 0.79, 0.83, 0.78), NO_SCALE, "81% (79% to 83%)"),
    ("pays-off-later", "weeks", (9.0,), NO_SCALE, "9.0 weeks"),
    ("licence-lifts-ssi", "points", (4.0, 2.5, 5.5), NO_SCALE, "4.0 points (2.5 to 5.5)"),
    ("low-starters-rise-faster", "correlation", (-0.4, -0.6, -0.1), NO_SCALE, "−0.40 (−0.60 to −0.10)"),
    ("watch-these-instead", "skill", (0.034, 0.01, 0.058), NO_SCALE, "3.4% (1.0% to 5.8%)"),
    ("quota", "ratio", (), NO_SCALE, ""),
]


@pytest.mark.parametrize(("name", "unit", "numbers", "scale", "estimate"), CLAIMS)
def test_claims_on_our_scale_and_our_number(name, unit, numbers, scale, estimate):
    """The published number and ours are two texts."""
    claim = ClaimResult(name, "supported", *numbers, unit=unit)
    assert (ENGLISH.claim_scale(claim), ENGLISH.claim_estimate(claim)) == (scale, estimate)


def test_an_added_claim_keeps_its_id():
    """The register can grow without a translation."""
    assert ENGLISH.claim("my-own-claim") == "my-own-claim"
    assert ENGLISH.claim("quota").startswith("Sellers with a high SSI are 51%")


def test_every_claim_of_the_register_has_words():
    """In English, hence in every language."""
    register = tomllib.loads((resources.files("ssi_audit") / "claims.toml").read_text(encoding="utf-8"))
    assert [claim["id"] for claim in register["claim"] if not ENGLISH.has(f"claim.{claim['id']}")] == []


def test_left_out_indicators_say_why():
    """A win rate against won deals would win by definition."""
    assert ENGLISH.left_out(factories.WATCH) == ("Left out: Deals per meeting (contains the deals themselves).")
    assert ENGLISH.left_out(factories.WATCH[:2]) == ""


@pytest.mark.parametrize(("lang", "name"), [*itertools.product(LANGUAGES, factories.ALL)])
def test_nothing_unfilled_and_nothing_unreadable_in_any_language(lang, name):
    """No gap, no nan, no 0.000, no number with four decimals, no hyphen for a minus."""
    words, audit, flat = Words(lang, currency="EUR"), factories.ALL[name](), itertools.chain.from_iterable
    said = [
        *words.verdict(audit), *words.lead(audit), *words.caveats(audit), *flat(words.facts(audit)),
        *flat(words.open_points(audit)), *flat(words.suggestions(audit)),
        words.fading_title(audit), words.pillars_title(audit), words.luck(audit), words.left_out(audit.watch),
        words.claim_counts(audit.claims), *(words.reason(cell) for cell in audit.cells),
        *(words.link_sentence(cell.link, cell.exposure, cell.outcome) for cell in audit.cells),
        *(words.fit_sentence(cell.adjusted, cell.exposure, cell.outcome) for cell in audit.cells),
    ]  # fmt: skip
    for text in said:
        assert not re.search(r"[{}]|\bnan\b|\binf\b|None|0[.,]000|\d[.,]\d{4}|(?<![\w-])-\d", text), text


@pytest.mark.parametrize("nothing", [None, math.nan, math.inf])
@pytest.mark.parametrize("state", ["pass", "care", "fail"])
def test_enough_sellers_without_an_estimate_says_so(nothing, state):
    """Without activity there is nothing that could have shown up; a number read back from JSON is None."""
    *_, text = ENGLISH.trust(TrustCheck("enough", state, {"n_people": 12, "mdrr": nothing}))
    assert text == (
        "12 sellers. There is no estimate at equal activity, so it cannot be said how large a change would have"
        " shown up."
    )


@pytest.mark.parametrize("size", [1.4, None])
def test_too_few_sellers_are_said_to_be_too_few(size):
    """Below eight, with an estimate or without."""
    *_, text = ENGLISH.trust(TrustCheck("enough", "fail", {"n_people": 7, "mdrr": size}))
    assert text == "Only 7 sellers: too few for an answer."


@pytest.mark.parametrize(
    ("lang", "weekly", "monthly"),
    [("en", "Seller-weeks on duty", "Seller-months on duty"),
     ("pl", "Przepracowane tygodnie handlowców", "Przepracowane miesiące handlowców")],
)  # fmt: skip
def test_a_run_by_month_speaks_of_months(lang, weekly, monthly):
    """A message that names the period has a second one for months; every other message stays."""
    words = Words(lang, period="month")
    assert Words(lang).say("quality.seller_periods") == weekly
    assert words.say("quality.seller_periods") == monthly
    assert words.column("week") == words.column("month")
    assert words.say("chart.gaps_title", n=2) != Words(lang).say("chart.gaps_title", n=2)
    assert words.say("chart.weeks_title") == Words(lang).say("chart.weeks_title")
