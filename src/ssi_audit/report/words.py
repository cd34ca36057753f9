"""Results to sentences: the only place where a code or a number becomes words.

A page, a chart, a table, the terminal and `answer.json` say the same because
they all ask here. Every finding reads: plain words, number, range, caveat.
Effects come in sales units first. Nothing here says "causes"; nothing here
knows which answer anybody hopes for. No statistic is computed: rounding,
percentages and "so many times as many sellers" are all the arithmetic.

Words for a link follow the table of ux.md section 3. Numbers are compared as
they are printed, so that a page never says "0.30" and "weak" in one line.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ssi_audit import schema
from ssi_audit.report.language import Language
from ssi_audit.results import (
    ActivityLink,
    Audit,
    Cell,
    ClaimResult,
    Correlation,
    Fit,
    Indicator,
    Overall,
    TrustCheck,
)

# ux.md section 3: a link inside this band is too small to matter; beyond `FAR` it would be worth seeing.
SMALL = 0.10
FAR = 0.30
STRONG = 0.50

# LinkedIn compares sellers above 70 points with sellers below 30 (methods.md section 8).
POINTS_APART = 40
CLAIMED_OPPORTUNITIES = 1.45
# methods.md section 5, L1 to L3: ratios; the third is a share of pairs and has no "per ten points".
HEADLINE_CLAIMS = ("more-opportunities", "quota", "outsell-peers")
RATIO_CLAIMS = ("more-opportunities", "quota")
SHARE_CLAIMS = ("outsell-peers", "measures-activity")

# Beyond these, a size in sales units would only pretend to know (a ratio of ten), and a plan to collect
# more data is none (fifty times the data, three years of waiting).
WILD_RATIO = 10.0
FAR_MULTIPLE = 50.0
MAX_WEEKS = 156
MIN_PEOPLE = 8

# Shares of analyses with the same answer: "yes", "mostly", else "it depends".
HOLDS = 0.90
MOSTLY = 0.70

# Facts that each trust check must bring (results.TrustCheck.facts).
TRUST_FACTS = {
    "enough": ("n_people", "mdrr"),  # mdrr: smallest ratio per ten points found with 80 % power
    "matched": ("share", "left_out"),  # of the rows of all tables; left_out: rows
    "complete": ("known", "n"),  # periods with a reading, all periods
    "score_break": ("dates",),  # list of date or ISO text; empty when there is none
    "activity_log": ("pillars",),  # pillars without any logged activity
    "ceiling": ("share",),  # of readings at the top of the scale
    "small_teams": ("size", "least"),  # mean sellers per team; smallest team that is shown
}

_UNIT_DIGITS = {"revenue": 0}
_BOLD = re.compile(r"\*\*(.+?)\*\*")


@dataclass(frozen=True)
class Spec:
    """What the specification curve comes to: counts only, for words and for the picture's title."""

    n: int
    agree: int
    up: int
    down: int

    @property
    def open(self) -> int:
        """Analyses whose range includes "no difference"."""
        return self.n - self.up - self.down

    @property
    def share(self) -> float:
        """Share of analyses that agree with the main one."""
        return self.agree / self.n


# ---- codes: which word, in no language yet ----


def link_code(link: Correlation) -> str:
    """Code of the word for a link, from the table of ux.md section 3.

    Returns
    -------
    str
        ``too_small``, ``none``, ``cant_tell``, ``weak``, ``moderate``, ``strong`` (clear links below zero
        end in ``_negative``), or ``no_data``.
    """
    if not link.known or not (math.isfinite(link.low) and math.isfinite(link.high)):
        return "no_data"
    r, low, high = (round(value, 2) for value in (link.r, link.low, link.high))
    if low >= -SMALL and high <= SMALL:
        return "too_small"
    if low <= 0 <= high:
        return "none" if max(-low, high) <= FAR else "cant_tell"
    size = "strong" if abs(r) >= STRONG else "moderate" if abs(r) >= FAR else "weak"
    return size if r > 0 else f"{size}_negative"


def is_clear(code: str) -> bool:
    """Does this word of a link say that the range excludes zero?"""
    return code.removesuffix("_negative") in ("weak", "moderate", "strong")


def effect_code(fit: Fit, sesoi: float) -> str:
    """Code of the word for a ratio: ``more``, ``fewer``, ``too_small``, ``cant_tell`` or ``no_data``.

    Parameters
    ----------
    fit : Fit
    sesoi : float
        Smallest effect of interest, a ratio above 1.
    """
    if not fit.known:
        return "no_data"
    if fit.low90 > 1 / sesoi and fit.high90 < sesoi:
        return "too_small"
    if round(fit.low, 2) > 1:
        return "more"
    return "fewer" if round(fit.high, 2) < 1 else "cant_tell"


def skill_code(indicator: Indicator) -> str:
    """Does an indicator foretell deals: ``clear``, ``none``, ``negative`` or ``left_out``?"""
    if indicator.left_out or not math.isfinite(indicator.skill):
        return "left_out"
    if indicator.low > 0:
        return "clear"
    return "negative" if indicator.high < 0 else "none"


def evidence_code(audit: Audit) -> str:
    """Is the evidence ``good``, ``thin`` or ``not_enough``?

    Not enough: fewer than 8 sellers, or no estimate at equal activity. Thin: no verdict came out, or a
    check failed. Good: the rest.
    """
    primary = [find(audit, "total", outcome) for outcome in schema.PRIMARY_OUTCOMES]
    estimates = [cell for cell in primary if cell is not None and cell.adjusted.known]
    if int(audit.data.get("people") or 0) < MIN_PEOPLE or not estimates:
        return "not_enough"
    failed = any(check.state == "fail" and check.id != "small_teams" for check in audit.trust)
    return "thin" if failed or audit.overall.verdict == schema.INCONCLUSIVE else "good"


def find(audit: Audit, exposure: str, outcome: str) -> Cell | None:
    """The cell of an exposure and an outcome, or None when the pair was not tried."""
    for cell in audit.cells:
        if (cell.exposure, cell.outcome) == (exposure, outcome):
            return cell
    return None


def step_link(audit: Audit, exposure: str, outcome: str) -> Correlation:
    """The first screen's link of a score with a step (``activity`` or an outcome); unknown when not tried."""
    if outcome == "activity":
        return audit.activity.links.get(exposure, Correlation(why="not computed"))
    cell = find(audit, exposure, outcome)
    return cell.link if cell is not None else Correlation(why="not computed")


def outcomes_with(audit: Audit, verdict: str) -> list[str]:
    """Main outcomes whose verdict for the total score is this one."""
    cells = [find(audit, "total", outcome) for outcome in schema.PRIMARY_OUTCOMES]
    return [cell.outcome for cell in cells if cell is not None and cell.verdict == verdict]


def negative_outcomes(audit: Audit) -> list[str]:
    """Main outcomes that go the other way."""
    cells = [find(audit, "total", outcome) for outcome in schema.PRIMARY_OUTCOMES]
    return [cell.outcome for cell in cells if cell is not None and "negative" in cell.flags]


def spec_counts(specification: Mapping[str, Any]) -> Spec | None:
    """Counts of a specification curve, None when it was not run.

    Parameters
    ----------
    specification : dict
        ``rows``: one per analysis with ``low`` and ``high`` (ratios per ten points) and ``agrees``
        (gives the main answer).
    """
    rows = specification.get("rows") or []
    if not rows:
        return None
    return Spec(
        n=len(rows),
        agree=sum(bool(row["agrees"]) for row in rows),
        up=sum(row["low"] > 1 for row in rows),
        down=sum(row["high"] < 1 for row in rows),
    )


def per_ten(ratio: float, points: float = POINTS_APART) -> float:
    """A ratio between sellers so many points apart, restated for ten points."""
    return ratio ** (10 / points)


def plain(text: str) -> str:
    """A sentence without the stars that mark bold."""
    return _BOLD.sub(r"\1", text)


# ---- sentences ----


class Words(Language):
    """Everything the reports say, in one language.

    Parameters
    ----------
    lang : {"en", "pl", "it", "fi", "th"}
    sesoi : dict, optional
        Smallest effect of interest by outcome; default: the recommended ones.
    currency : str
        ISO code of amounts.
    """

    def __init__(self, lang: str = "en", sesoi: Mapping[str, float] | None = None, currency: str = "") -> None:
        super().__init__(lang)
        self.sesoi = {**schema.SESOI, **(sesoi or {})}
        self.currency = currency

    # -- single words --

    def outcome(self, name: str) -> str:
        """Label of an outcome, or of ``activity``."""
        return self.say(f"outcome.{name}")

    def exposure(self, name: str) -> str:
        """Label of the total score or a pillar."""
        return self.say(f"exposure.{name}")

    def outcomes(self, names: Iterable[str]) -> str:
        """Several outcomes in one list."""
        return self.enumerate([self.outcome(name) for name in names])

    def link_word(self, link: Correlation) -> str:
        """The word for a link."""
        return self.say(f"link.{link_code(link)}")

    def effect_word(self, fit: Fit, outcome: str) -> str:
        """The word for a ratio."""
        return self.say(f"effect.{effect_code(fit, self.sesoi[outcome])}")

    def verdict_word(self, code: str) -> str:
        """One or two words for a verdict, for tables and for the three parts."""
        return self.say(f"short.{code}")

    def range(self, low: float, high: float) -> str:
        """A range of links."""
        return self.say("number.range", low=self.link(low), high=self.link(high))

    def ratio_range(self, low: float, high: float) -> str:
        """A range of ratios."""
        return self.say("number.range", low=self.ratio(low), high=self.ratio(high))

    def ratio_and_range(self, fit: Fit) -> str:
        """A ratio with its range in brackets, or a dash."""
        if not fit.known:
            return self.number(math.nan)
        numbers = {"x": fit.rr, "low": fit.low, "high": fit.high}
        return self.say("number.with_range", **{name: self.ratio(value) for name, value in numbers.items()})

    def change(self, ratio: float) -> str:
        """A ratio as a signed change in per cent: ``+10%``."""
        if not math.isfinite(ratio) or ratio > WILD_RATIO:
            return f"> +{self.percent(WILD_RATIO - 1)}"
        text = self.percent(ratio - 1)
        return f"+{text}" if round(ratio - 1, 2) > 0 else text

    # -- the verdict --

    def verdict(self, audit: Audit) -> tuple[str, str]:
        """The two short sentences of the verdict, the biggest text of the page."""
        code = audit.overall.verdict
        first = self.say(f"verdict.{code}.first")
        if code in (schema.LEADING_INDICATOR, schema.EFFECTIVENESS_MEASURE):
            return first, self.say(f"verdict.{code}.{_which(outcomes_with(audit, code))}")
        if code == schema.INCONCLUSIVE:
            return first, self.say(f"verdict.{code}.{audit.overall.tracks_activity}")
        if "negative" in audit.overall.flags:
            return first, self.say("verdict.negative.second")
        return first, self.say(f"verdict.{code}.second")

    def headline(self, audit: Audit) -> str:
        """The verdict in one line, for the terminal and `answer.json`."""
        return " ".join(self.verdict(audit))

    def parts(self, overall: Overall) -> str:
        """Volume, effectiveness and overall: always together."""
        return self.say(
            "fact.parts_text",
            volume=self.verdict_word(overall.volume),
            effectiveness=self.verdict_word(overall.effectiveness),
            overall=self.verdict_word(overall.verdict),
        )

    def caveats(self, audit: Audit) -> list[str]:
        """One sentence for each flag of the first screen."""
        outcomes = self.outcomes(negative_outcomes(audit))
        return [
            self.say(f"flag.{flag}", **({"outcomes": outcomes} if flag == "negative" else {}))
            for flag in dict.fromkeys(audit.overall.flags)
        ]

    def lead(self, audit: Audit) -> list[str]:
        """The one paragraph of the first screen: what we see, in sales units, with range and average."""
        verdict = audit.overall.verdict
        if verdict in (schema.LEADING_INDICATOR, schema.EFFECTIVENESS_MEASURE):
            found = [self.units_of(audit, outcome, equal=True) for outcome in outcomes_with(audit, verdict)]
            return [*found, *self._deals(audit)[:1]]
        if verdict == schema.INCONCLUSIVE:
            deals = find(audit, "total", "deals")
            if deals is not None and deals.crude.known:
                return self._deals(audit)
            return [*self._deals(audit), self.units_of(audit, "inquiries")]
        against = negative_outcomes(audit)
        if against:
            return [
                self.activity_link(audit.activity),
                *[self.units_of(audit, outcome, equal=True) for outcome in against],
            ]
        sentences = [self.activity_link(audit.activity), *self._deals(audit)]
        cell = find(audit, "total", "deals")
        if cell is not None and cell.adjusted.known and deals_code(cell) in ("weak", "moderate", "strong", "mixed"):
            sentences.append(self.units_of(audit, "deals", equal=True))
        return sentences

    def activity_link(self, activity: ActivityLink) -> str:
        """Does a seller's score go with what they do on LinkedIn?"""
        code = link_code(activity.links.get("total", Correlation(why="not computed")))
        return self.say(f"lead.activity.{'negative' if code.endswith('_negative') else code}")

    def _deals(self, audit: Audit) -> list[str]:
        """The link with deals and its size in sales units; only why not, when there is neither."""
        cell = find(audit, "total", "deals")
        code = deals_code(cell) if cell is not None else "no_data"
        units = self.units_of(audit, "deals")
        return [units] if code in ("", "no_data") else [self.say(f"lead.deals.{code}"), units]

    # -- one finding --

    def units_of(self, audit: Audit, outcome: str, *, equal: bool = False, exposure: str = "total") -> str:
        """`units` for a cell of the audit: crude, or at equal activity."""
        cell = find(audit, exposure, outcome)
        if cell is None:
            return self.say("units.no_data", outcome=self.outcome(outcome))
        return self.units(cell.adjusted if equal else cell.crude, outcome, exposure=exposure, equal=equal)

    def units(self, fit: Fit, outcome: str, *, exposure: str = "total", equal: bool = False) -> str:
        """What one unit more of a score goes with, in sales units, with range and average.

        Parameters
        ----------
        fit : Fit
            Counts are per seller and quarter; rates are turned into cases out of 100.
        outcome, exposure : str
        equal : bool
            Is this the estimate at equal activity?
        """
        if not fit.known:
            empty = fit.n_people > 0 and fit.n_events == 0
            return self.say("units.no_events" if empty else "units.no_data", outcome=self.outcome(outcome))
        if not (fit.rr <= WILD_RATIO and math.isfinite(fit.low) and fit.low >= 0):
            return self.say("units.wild", outcome=self.outcome(outcome))
        step = self.step(exposure, equal=equal)
        if not fit.mean > 0:  # also when it is NaN
            return self.say(
                "units.percent",
                step=step,
                outcome=self.outcome(outcome),
                x=self._percent_phrase(fit.rr),
                low=self._percent_phrase(fit.low),
                high=self._percent_phrase(fit.high),
            )
        mean = fit.mean * (100 if outcome in (*schema.RATE_OUTCOMES, *schema.BINARY_OUTCOMES) else 1)
        return self.say(
            f"units.{outcome}.{'more' if fit.rr >= 1 else 'fewer'}",
            step=step,
            x=self._size(mean * (fit.rr - 1), outcome),
            low=self._size_phrase(fit.low, mean, outcome),
            high=self._size_phrase(fit.high, mean, outcome),
            mean=self._amount(mean, outcome),
        )

    def step(self, exposure: str, *, equal: bool = False) -> str:
        """What is compared: ten points of the total, two and a half of a pillar."""
        suffix = "_equal" if equal else ""
        if exposure == "total":
            return self.say(f"step.total{suffix}")
        return self.say(f"step.pillar{suffix}", pillar=self.exposure(exposure))

    def _amount(self, value: float, outcome: str) -> str:
        if outcome == "revenue":
            return self.money(value, self.currency)
        return self.number(value, _UNIT_DIGITS.get(outcome, 1))

    def _size(self, change: float, outcome: str) -> str:
        """The size of a change; one that would print as zero is "less than" the smallest printed one."""
        smallest = 10.0 ** -_UNIT_DIGITS.get(outcome, 1)
        if abs(change) < smallest / 2:
            return self.say("number.under", x=self._amount(smallest, outcome))
        return self._amount(abs(change), outcome)

    def _size_phrase(self, ratio: float, mean: float, outcome: str) -> str:
        if not ratio <= WILD_RATIO:
            return self.say("number.huge")
        fewer = "less" if outcome == "revenue" else "fewer"
        return self.say(f"number.{'more' if ratio >= 1 else fewer}", x=self._size(mean * (ratio - 1), outcome))

    def _percent_phrase(self, ratio: float) -> str:
        if not ratio <= WILD_RATIO:
            return self.say("number.huge")
        share = abs(ratio - 1)
        text = self.say("number.under", x=self.percent(0.01)) if share < 0.005 else self.percent(share)
        return self.say("number.higher" if ratio >= 1 else "number.lower", x=text)

    def link_sentence(self, link: Correlation, exposure: str, outcome: str) -> str:
        """One link: words, number, range, how many sellers, caveat."""
        names = {"exposure": self.exposure(exposure), "outcome": self.outcome(outcome)}
        if link_code(link) == "no_data":
            return self.say("link.sentence_no_data", **names)
        return self.say(
            "link.sentence",
            n=link.n_people,
            word=self.link_word(link),
            r=self.link(link.r),
            range=self.range(link.low, link.high),
            **names,
        )

    def fit_sentence(self, fit: Fit, exposure: str, outcome: str, *, equal: bool = True) -> str:
        """One effect: word, sales units, range, caveat."""
        sentence = self.units(fit, outcome, exposure=exposure, equal=equal)
        if not fit.known:
            return sentence
        word = self.effect_word(fit, outcome)
        return f"**{word[:1].upper()}{word[1:]}.** {sentence} {self.say('units.caveat')}"

    def reason(self, cell: Cell) -> str:
        """The step of the rule that decided a cell."""
        return self.say(f"reason.{cell.reason}")

    # -- facts of the first screen --

    def facts(self, audit: Audit) -> list[tuple[str, str]]:
        """Label and text of the four facts: evidence, holds up, in parts, not shown."""
        return [
            (self.say("fact.evidence"), self.evidence(audit)),
            (self.say("fact.holds"), self.holds(spec_counts(audit.specification))),
            (self.say("fact.parts"), self.parts(audit.overall)),
            (self.say("fact.not_shown"), self.say("fact.cause")),
        ]

    def evidence(self, audit: Audit) -> str:
        """How much the verdict rests on."""
        details = [self.say("count.people", n=int(audit.data.get("people") or 0))]
        if audit.data.get("periods"):
            details.append(self.say(f"count.{audit.data.get('period', 'week')}", n=int(audit.data["periods"])))
        matched = [check.facts["share"] for check in audit.trust if check.id == "matched"]
        details.extend(self.say("count.matched", share=self.percent(share)) for share in matched)
        return self.say(f"fact.{evidence_code(audit)}", details=", ".join(details))

    def holds(self, spec: Spec | None) -> str:
        """How many other analyses agree."""
        if spec is None:
            return self.say("fact.holds_unknown")
        code = "yes" if spec.share >= HOLDS else "mostly" if spec.share >= MOSTLY else "no"
        return self.say(f"fact.holds_{code}", n=spec.n, agree=spec.agree)

    # -- "can't tell yet" --

    def open_points(self, audit: Audit) -> list[tuple[str, str]]:
        """What is clear, what is ruled out, what is open, and what would settle it."""
        return [
            (self.say("open.clear"), self.clear(audit)),
            (self.say("open.ruled_out"), self.ruled_out(audit)),
            (self.say("open.still"), self.still_open(audit)),
            (self.say("open.settle"), " ".join(self.settle(audit))),
        ]

    def clear(self, audit: Audit) -> str:
        """What these data already say."""
        sentences = []
        if audit.overall.tracks_activity in ("yes", "no"):
            share = self.percent(max(audit.overall.r2_activity, 0.0))
            sentences.append(self.say(f"open.activity_{audit.overall.tracks_activity}", share=share))
        cells = [find(audit, "total", outcome) for outcome in schema.PRIMARY_OUTCOMES]
        settled = [
            self.say("open.settled_item", outcome=self.outcome(cell.outcome), word=self.verdict_word(cell.verdict))
            for cell in cells
            if cell is not None and cell.verdict != schema.INCONCLUSIVE
        ]
        if settled:
            sentences.append(self.say("open.settled", list=self.enumerate(settled)))
        return " ".join(sentences) or self.say("open.nothing_clear")

    def ruled_out(self, audit: Audit) -> str:
        """Is an effect of the size of LinkedIn's own figure outside our range?"""
        for outcome in ("opportunities", "inquiries"):
            cell = find(audit, "total", outcome)
            if cell is not None and cell.crude.known:
                return self.against_claim(cell.crude, outcome)
        return self.say("open.nothing_out")

    def against_claim(self, fit: Fit, outcome: str, claimed: float = CLAIMED_OPPORTUNITIES) -> str:
        """Our range beside LinkedIn's own figure, each in its own sentence."""
        target = per_ten(claimed)
        code = "out" if fit.high < target else "above" if fit.low > target else "open"
        ends = {"low": self.change(fit.low), "high": self.change(fit.high)}
        return self.say(f"open.claim_{code}", claimed=self.percent(target - 1), outcome=self.outcome(outcome), **ends)

    def still_open(self, audit: Audit) -> str:
        """The main outcomes without an answer."""
        return self.say("open.open_list", list=self.outcomes(open_outcomes(audit)))

    def settle(self, audit: Audit) -> list[str]:
        """How many sellers or weeks, or which other data, would give an answer."""
        n_people = int(audit.data.get("people") or 0)
        reasons = {outcome: _reason_of(audit, outcome) for outcome in open_outcomes(audit)}
        if n_people < MIN_PEOPLE or (reasons and set(reasons.values()) <= {"few_people", "few_df"}):
            return [self.say("open.few_people", n=n_people)]
        sentences = []
        if "no_activity_data" in reasons.values():
            sentences.append(self.say("open.no_activity"))
        multiple = needed_multiple(audit)
        if multiple > 1:
            sentences.append(self._more_data(audit, multiple))
        if {"lead_placebo", "negative_control"} & set(reasons.values()):
            sentences.append(self.say("open.doubt"))
        if "activity_not_ruled_out" in reasons.values():
            sentences.append(self.say("open.log"))
        missing = [outcome for outcome, reason in reasons.items() if reason == "no_estimate"]
        if missing:
            sentences.append(self.say("open.no_estimate", list=self.outcomes(missing)))
        return sentences[:2] or [self.say("open.few_people", n=n_people)]

    def _more_data(self, audit: Audit, multiple: float) -> str:
        if multiple > FAR_MULTIPLE:
            return self.say("open.far", times=self.count(FAR_MULTIPLE))
        gaps = {
            "times": self.number(multiple, 1) if multiple < 10 else self.significant(multiple),
            "people": self.significant(int(audit.data.get("people") or 0) * multiple),
            "offices": self.count(math.ceil(multiple)),
        }
        weeks = math.ceil(int(audit.data.get("periods") or 0) * multiple)
        if audit.data.get("period", "week") == "week" and 0 < weeks <= MAX_WEEKS:
            return self.say("open.all", weeks=self.count(weeks), **gaps)
        return self.say("open.people", **gaps)

    # -- the sections below --

    def fading_title(self, audit: Audit) -> str:
        """What the picture of the first screen shows."""
        codes = [link_code(step_link(audit, "total", step)) for step in FUNNEL]
        return self.say(f"fading.{fading_code(codes)}")

    def pillars_title(self, audit: Audit) -> str:
        """Which pillars go with closed deals."""
        codes = {pillar: link_code(step_link(audit, pillar, "deals")) for pillar in schema.PILLARS}
        if set(codes.values()) == {"no_data"}:
            return self.say("pillars.no_data")
        up = [name for name, code in codes.items() if code in ("weak", "moderate", "strong")]
        down = [name for name, code in codes.items() if code.endswith("_negative")]
        if len(up) == len(codes):
            return self.say("pillars.all")
        for key, names in (("some", up), ("other_way", down)):
            if names:
                listed = self.enumerate([self.exposure(name) for name in names])
                return self.say(f"pillars.{key}", n=len(names), list=listed)
        if all(code in ("cant_tell", "no_data") for code in codes.values()):
            return self.say("pillars.open")
        return self.say("pillars.none")

    def luck(self, audit: Audit) -> str:
        """How many of the strip's clear links with results luck alone would give."""
        codes = [link_code(step_link(audit, exposure, step)) for exposure in schema.EXPOSURES for step in FUNNEL[1:]]
        known = [code for code in codes if code != "no_data"]
        if not known:
            return ""
        # A 95 % range misses the true value one time in twenty.
        luck = self.count(max(1, round(len(known) / 20)))
        return self.say("pillars.luck", total=len(known), clear=sum(map(is_clear, known)), luck=luck)

    def watch_title(self, audit: Audit) -> str:
        """Instead of the score, or beside it."""
        positive = audit.overall.verdict in (schema.LEADING_INDICATOR, schema.EFFECTIVENESS_MEASURE)
        return self.say("watch.title_beside" if positive else "watch.title_instead")

    def indicator(self, name: str) -> str:
        """Label of an indicator; an unknown one keeps its own name."""
        name = "ssi" if name == "total" else name
        return self.say(f"indicator.{name}") if self.has(f"indicator.{name}") else name.replace("_", " ")

    def skill_word(self, indicator: Indicator) -> str:
        """Does it help?"""
        return self.say(f"watch.{skill_code(indicator)}")

    def left_out(self, indicators: Iterable[Indicator]) -> str:
        """Indicators that could not be ranked, and why."""
        items = [
            self.say("watch.left_out_item", name=self.indicator(item.name), reason=self._left_out_reason(item))
            for item in indicators
            if skill_code(item) == "left_out"
        ]
        return self.say("watch.left_out", list=self.enumerate(items)) if items else ""

    def _left_out_reason(self, indicator: Indicator) -> str:
        key = f"watch.{indicator.left_out or 'too_few'}"
        return self.say(key) if self.has(key) else indicator.left_out

    def trust(self, check: TrustCheck) -> tuple[str, str, str]:
        """State, name and sentence of one check.

        Raises
        ------
        ValueError
            If the check is not one of `TRUST_FACTS`, or lacks one of its facts.
        """
        if check.id not in TRUST_FACTS:
            raise ValueError(f"no words for trust check {check.id!r}; known: {', '.join(TRUST_FACTS)}")
        lacking = [fact for fact in TRUST_FACTS[check.id] if fact not in check.facts]
        if lacking:
            raise ValueError(f"trust check {check.id!r} needs the fact {lacking[0]!r}")
        text = self.say(f"trust.{check.id}.{check.state}", **self._trust_gaps(check))
        return self.say(f"trust.{check.state}"), self.say(f"trust.{check.id}.name"), text

    def _trust_gaps(self, check: TrustCheck) -> dict[str, Any]:
        facts = check.facts
        match check.id:
            case "enough":
                return {"n": int(facts["n_people"]), "size": self.change(facts["mdrr"])}
            case "matched":
                return {"share": self.percent(facts["share"]), "left_out": self.count(facts["left_out"])}
            case "complete":
                return {"known": self.count(facts["known"]), "n": int(facts["n"])}
            case "score_break":
                return {"dates": self.enumerate([self.date(_as_date(day)) for day in facts["dates"]])}
            case "activity_log":
                return {"pillars": self.enumerate([self.exposure(name) for name in facts["pillars"]])}
            case "ceiling":
                return {"share": self.percent(facts["share"])}
        return {"size": self.count(facts["size"]), "least": self.count(facts["least"])}

    def spec(self, spec: Spec) -> str:
        """Does the answer depend on how we ask?"""
        code = "hardly" if spec.share >= HOLDS else "somewhat" if spec.share >= MOSTLY else "much"
        return self.say(f"spec.{code}", n=spec.n, agree=spec.agree)

    def spec_counts(self, spec: Spec) -> str:
        """How many analyses show more, fewer, neither."""
        return self.say("spec.counts", up=spec.up, down=spec.down, open=spec.open)

    def claim(self, claim_id: str) -> str:
        """A published claim in one sentence of our own; an added one keeps its id."""
        return self.say(f"claim.{claim_id}") if self.has(f"claim.{claim_id}") else claim_id

    def claim_state(self, state: str) -> str:
        """What these data say to a claim."""
        return self.say(f"claim_state.{state}")

    def claim_scale(self, claim: ClaimResult) -> str:
        """A published ratio restated for ten points, where it is a ratio between groups of sellers."""
        if claim.id not in RATIO_CLAIMS or not claim.claimed > 0:
            return self.say("claims.no_scale")
        return self.say("claims.per_ten", x=self.percent(per_ten(claim.claimed) - 1))

    def claim_estimate(self, claim: ClaimResult) -> str:
        """Our number for a claim with its range, or nothing when there is none."""
        if not all(map(math.isfinite, (claim.estimate, claim.low, claim.high))):
            return ""
        write = self.percent if claim.id in SHARE_CLAIMS else self.ratio
        numbers = {"x": claim.estimate, "low": claim.low, "high": claim.high}
        return self.say("number.with_range", **{name: write(value) for name, value in numbers.items()})

    def claim_counts(self, claims: Iterable[ClaimResult]) -> str:
        """How many published statements ended in which state."""
        claims = list(claims)
        states = [claim.state for claim in claims]
        sides = [claim.side for claim in claims]
        return self.say(
            "claims.counts",
            total=self.count(len(claims)),
            pro=self.count(sides.count("for")),
            contra=self.count(sides.count("against")),
            supported=self.count(states.count("supported")),
            smaller=self.count(states.count("supported_smaller")),
            contradicted=self.count(states.count("contradicted")),
            not_enough=self.count(states.count("not_enough_data")),
            not_testable=self.count(states.count("not_testable")),
        )

    def suggestions(self, audit: Audit) -> list[tuple[str, str]]:
        """At most three suggestions for the next quarter, each following from a number of the page."""
        ideas: list[tuple[str, dict[str, Any]]] = []
        match audit.overall.verdict:
            case schema.EFFECTIVENESS_MEASURE:
                ideas.append(("keep", {"list": self.outcomes(outcomes_with(audit, schema.EFFECTIVENESS_MEASURE))}))
            case schema.LEADING_INDICATOR:
                ideas.append(("early", {"list": self.outcomes(outcomes_with(audit, schema.LEADING_INDICATOR))}))
            case schema.ACTIVITY_GAUGE:
                ideas.append(("targets", {}))
            case schema.NO_ASSOCIATION:
                ideas.append(("targets_nothing", {}))
            case _:
                ideas.append(("wait", {}))
        against = negative_outcomes(audit)
        if against:
            ideas.append(("second_look", {"list": self.outcomes(against)}))
        ideas.extend(self._data_ideas(audit))
        if audit.overall.verdict == schema.INCONCLUSIVE:
            ideas.extend(self._collect_ideas(audit))
        else:
            ideas.extend(self._watch_idea(audit))
            ideas.append(("test", {}))
        return [
            (self.say(f"next.{key}.title", **gaps), self.say(f"next.{key}.text", **gaps)) for key, gaps in ideas[:3]
        ]

    def _data_ideas(self, audit: Audit) -> list[tuple[str, dict[str, Any]]]:
        ideas = []
        for check in audit.trust:
            if check.id == "matched" and check.state == "fail":
                ideas.append(("match", {"left_out": self.count(check.facts["left_out"])}))
        open_for_activity = {_reason_of(audit, outcome) for outcome in open_outcomes(audit)}
        if open_for_activity & {"no_activity_data", "activity_not_ruled_out"}:
            ideas.append(("activity", {}))
        return ideas

    def _collect_ideas(self, audit: Audit) -> list[tuple[str, dict[str, Any]]]:
        multiple = needed_multiple(audit)
        ideas: list[tuple[str, dict[str, Any]]] = []
        if multiple > 1 or int(audit.data.get("people") or 0) < MIN_PEOPLE:
            ideas.append(("collect", {"settle": self.settle(audit)[0]}))
        if 1 < multiple <= FAR_MULTIPLE:
            ideas.append(("pool", {"n": math.ceil(multiple)}))
        return ideas

    def _watch_idea(self, audit: Audit) -> list[tuple[str, dict[str, Any]]]:
        helpful = [item for item in ranked(audit.watch) if skill_code(item) == "clear" and not is_score(item)][:2]
        positive = audit.overall.verdict in (schema.LEADING_INDICATOR, schema.EFFECTIVENESS_MEASURE)
        if not helpful or positive:
            return []
        names = self.enumerate([self.indicator(item.name) for item in helpful])
        gains = self.enumerate([self.percent(item.skill, 1) for item in helpful])
        return [("watch", {"n": len(helpful), "list": names, "gains": gains})]


FUNNEL = ("activity", "inquiries", "meetings", "deals")


def deals_code(cell: Cell) -> str:
    """Code of the sentence about deals; empty when only the sales units can speak.

    The link and the ratio are two measures of the same thing. When one is clear and the other is not,
    or they point in different directions, the sentence says so.
    """
    code = link_code(cell.link)
    # With a smallest effect of 1 no range is "too small": only its side of 1 is asked for.
    ratio = effect_code(cell.crude, 1.0) if cell.crude.known else ""
    if code == "no_data":
        return "" if ratio else "no_data"
    by_link = "fewer" if code.endswith("_negative") else "more" if is_clear(code) else ""
    by_ratio = ratio if ratio in ("more", "fewer") else ""
    if ratio and by_link != by_ratio:
        return "mixed"
    return "negative" if by_link == "fewer" else code


def fading_code(codes: list[str]) -> str:
    """Code of the picture's title from the words of activity, inquiries, meetings and deals."""
    activity, inquiries, meetings, deals = codes
    if set(codes) == {"no_data"}:
        return "no_data"
    if deals.endswith("_negative"):
        return "turns"
    if is_clear(deals):
        return "reaches" if is_clear(inquiries) or is_clear(meetings) else "skips"
    if "cant_tell" in (inquiries, meetings, deals) or deals == "no_data":
        return "open" if is_clear(activity) else "unknown"
    if is_clear(inquiries) or is_clear(meetings):
        return "fades"
    return "activity_only" if is_clear(activity) else "none"


def open_outcomes(audit: Audit) -> list[str]:
    """Main outcomes without a verdict for the total score; those that were not tried are among them."""
    cells = {outcome: find(audit, "total", outcome) for outcome in schema.PRIMARY_OUTCOMES}
    return [name for name, cell in cells.items() if cell is None or cell.verdict == schema.INCONCLUSIVE]


def needed_multiple(audit: Audit) -> float:
    """So many times the data would settle every main outcome that is only too wide; NaN when none is."""
    multiples = []
    for outcome in open_outcomes(audit):
        cell = find(audit, "total", outcome)
        if cell is not None and cell.reason in ("too_wide", "crude_unknown"):
            fit = cell.crude if cell.reason == "crude_unknown" else cell.adjusted
            multiples.append(fit.needed_multiple)
    finite = [multiple for multiple in multiples if math.isfinite(multiple)]
    return max(finite, default=math.nan)


def is_score(indicator: Indicator) -> bool:
    """Is this indicator the score itself?"""
    return indicator.name in ("ssi", "total")


def ranked(indicators: Iterable[Indicator]) -> list[Indicator]:
    """Indicators with a result, best first, the score last for comparison."""
    known = [item for item in indicators if skill_code(item) != "left_out"]
    return sorted(known, key=lambda item: (is_score(item), -item.skill, item.name))


def _which(outcomes: list[str]) -> str:
    return outcomes[0] if len(outcomes) == 1 else "both"


def _reason_of(audit: Audit, outcome: str) -> str:
    cell = find(audit, "total", outcome)
    return cell.reason if cell is not None else "no_estimate"


def _as_date(day: dt.date | str) -> dt.date:
    return dt.date.fromisoformat(day[:10]) if isinstance(day, str) else day
