"""One result to one sentence: words, sales units, range, caveat, in this order.

Effects come in sales units first (deals per seller and quarter for ten points).
Nothing here says "causes"; no statistic is computed.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup

from ssi_audit import schema
from ssi_audit.report.codes import (
    HOLDS,
    MIN_PEOPLE,
    MOSTLY,
    RATIO_CLAIMS,
    WILD_RATIO,
    Spec,
    effect_code,
    link_code,
    per_ten,
    skill_code,
)
from ssi_audit.report.language import Language
from ssi_audit.results import Cell, ClaimResult, Correlation, Fit, Indicator, TrustCheck

# Facts that each trust check must bring (results.TrustCheck.facts).
TRUST_FACTS = {
    "enough": ("n_people", "mdrr"),  # mdrr: smallest ratio per ten points found with 80 % power
    "matched": ("share", "left_out"),  # of the rows of all tables; left_out: rows
    "complete": ("known", "n"),  # periods with a reading, all periods
    "score_break": ("dates",),  # list of date or ISO text; empty when there is none
    "activity_log": ("pillars",),  # pillars without any logged activity
    "ceiling": ("share",),  # of readings at the top of the scale
    "inquiry_source": ("source", "share"),  # which inquiries are counted; share with a known source
    "currency": ("currency", "others", "share"),  # main currency; those left out, and their share of won deals
    "small_teams": ("teams", "large", "least"),  # all teams; those of at least so many sellers
}

# Units of claims that are a part of a whole (claims.toml).
SHARE_UNITS = ("share", "probability")

_UNIT_DIGITS = {"revenue": 0}


def _is_number(value: float | None) -> bool:
    """Is there a number? What was not one comes back from answer.json as None."""
    return value is not None and math.isfinite(value)


def ledger_key(reason: str) -> str:
    """Name of the message for a reason of the ledger: its words, with hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", reason.lower()).strip("-")[:48].strip("-")


class Phrases(Language):
    """Sentences about one result at a time, in one language.

    Parameters
    ----------
    lang : {"en", "pl", "it", "fi", "th"}
    sesoi : dict, optional
        Smallest effect of interest by outcome; default: the recommended ones.
    currency : str
        ISO code of amounts.
    period : {"week", "month"}
        Length of a period of the run: a message `x` has a message `x_month` beside it where it names one.
    """

    def __init__(
        self, lang: str = "en", sesoi: Mapping[str, float] | None = None, currency: str = "", period: str = "week"
    ) -> None:
        super().__init__(lang)
        self.sesoi = {**schema.SESOI, **(sesoi or {})}
        self.currency = currency
        self.period = period

    def say(self, key: str, **gaps: Any) -> str:
        """A message as `Language.say` gives it, of months in a run by month."""
        by_month = f"{key}_month"
        return super().say(by_month if self.period == "month" and self.has(by_month) else key, **gaps)

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

    def column(self, key: str) -> str:
        """Header of a table's column; an unknown one keeps its own name."""
        return self._known(f"column.{key}", key.replace("_", " "))

    def table_name(self, name: str) -> str:
        """Name of a table of ours; none where a file became no table."""
        return self._known(f"table_name.{name}", name)

    def ledger_reason(self, reason: str) -> str:
        """Why a row was not used as it came, in the reader's language; one without words there stays English."""
        return self._known(f"ledger.{ledger_key(reason)}", reason)

    def csv_link(self, address: str, title: str = "") -> Markup:
        """Link to the file of numbers behind a table or a picture; `title` tells several apart for ears."""
        hidden = Markup('<span class="hidden">: {}</span>').format(title) if title else ""
        return Markup('<a class="csv" href="{}" download>{}{}</a>').format(address, self.say("frame.csv"), hidden)

    def link_word(self, link: Correlation) -> str:
        """The word for a link."""
        if link.known and not math.isfinite(link.low):
            return self.say("link.no_range")
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

    # -- one finding --

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
            return self.money(_significant(value), self.currency)
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

    def link_list(self, links: Mapping[str, Correlation], exposure: str) -> list[str]:
        """Links of one score by outcome, a sentence each; what they do not show is said once, by `link_caveat`."""
        return [
            self.say(
                "link.item", exposure=self.exposure(exposure), outcome=self.outcome(outcome),
                word=self.link_word(link), r=self.link(link.r), range=self.range(link.low, link.high),
            )
            for outcome, link in links.items()
            if link_code(link) != "no_data"
        ]  # fmt: skip

    def link_caveat(self, links: Iterable[Correlation]) -> str:
        """How many sellers the links rest on, and what they do not show; empty without any link."""
        people = [link.n_people for link in links if link_code(link) != "no_data"]
        return self.say("link.caveat", n=max(people)) if people else ""

    def fit_list(self, fits: Mapping[str, Fit], exposure: str) -> list[str]:
        """Effects of one score at equal activity, a sentence each; `units.caveat` is said once beside them."""
        return [
            f"**{self._capital(self.effect_word(fit, outcome))}.** "
            f"{self.units(fit, outcome, exposure=exposure, equal=True)}"
            for outcome, fit in fits.items()
            if fit.known
        ]

    @staticmethod
    def _capital(word: str) -> str:
        return word[:1].upper() + word[1:]

    def fit_sentence(self, fit: Fit, exposure: str, outcome: str, *, equal: bool = True) -> str:
        """One effect: word, sales units, range, caveat."""
        sentence = self.units(fit, outcome, exposure=exposure, equal=equal)
        if not fit.known:
            return sentence
        word = self.effect_word(fit, outcome)
        return f"**{self._capital(word)}.** {sentence} {self.say('units.caveat')}"

    def reason(self, cell: Cell) -> str:
        """The step of the rule that decided a cell."""
        # Not wide, but not clear either once the four main results are judged together (Holm).
        alone = cell.reason == "too_wide" and effect_code(cell.adjusted, 1.0) in ("more", "fewer")
        return self.say("reason.too_wide_alone" if alone else f"reason.{cell.reason}")

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
        state = check.state
        if check.id == "enough" and check.facts["n_people"] >= MIN_PEOPLE and not _is_number(check.facts["mdrr"]):
            state = "unknown"  # sellers enough, but no estimate: another sentence than too few of them
        text = self.say(f"trust.{check.id}.{state}", **self._trust_gaps(check))
        return self.say(f"trust.{check.state}"), self.say(f"trust.{check.id}.name"), text

    def _trust_gaps(self, check: TrustCheck) -> dict[str, Any]:
        facts = check.facts
        match check.id:
            case "enough":
                size = self.change(facts["mdrr"]) if _is_number(facts["mdrr"]) else ""
                return {"n": int(facts["n_people"]), "size": size}
            case "matched":
                return {"share": self.percent(facts["share"]), "left_out": self.count(facts["left_out"])}
            case "complete":
                return {"known": self.count(facts["known"]), "n": int(facts["n"])}
            case "score_break":
                return {"dates": self.enumerate([self.date(_as_date(day)) for day in facts["dates"]])}
            case "activity_log":
                return {"pillars": self.enumerate([self.exposure(name) for name in facts["pillars"]])}
            case "ceiling" | "inquiry_source":
                return {"share": self.percent(facts["share"])}
            case "currency":
                others = self.enumerate([str(name) for name in facts["others"]])
                return {"currency": str(facts["currency"]), "others": others, "share": self.percent(facts["share"])}
        return {"n": int(facts["large"]), "teams": self.count(facts["teams"]), "least": self.count(facts["least"])}

    def spec(self, spec: Spec) -> str:
        """Does the answer depend on how we ask?"""
        code = "hardly" if spec.share >= HOLDS else "somewhat" if spec.share >= MOSTLY else "much"
        return self.say(f"spec.{code}", n=spec.n, agree=spec.agree)

    def spec_counts(self, spec: Spec) -> str:
        """How many of the shown analyses show more, fewer, neither."""
        counts = self.say("spec.counts", up=spec.up, down=spec.down, open=spec.open)
        return self.say("spec.of", outcome=self.outcome(spec.outcome), counts=counts) if spec.outcome else counts

    def choices(self, chosen: Mapping[str, str]) -> str:
        """What one analysis chose, in words."""
        return ", ".join(self.choice(name, option) for name, option in chosen.items())

    def choice(self, name: str, option: str = "") -> str:
        """A choice of an analyst, or one option of it; an unknown one keeps its own name."""
        label = self._known(f"choice.{name}", name)
        if not option:
            return label
        return self.say("choice.is", choice=label, option=self.option(option))

    def option(self, name: str) -> str:
        """One option of a choice; an unknown one keeps its own name."""
        return self._known(f"option.{name.replace(' ', '-')}", name)

    def _known(self, key: str, default: str) -> str:
        return self.say(key) if self.has(key) else default

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
        """Our number for a claim on the claim's own scale, with its range; empty when there is none."""
        if not math.isfinite(claim.estimate):
            return ""
        if not (math.isfinite(claim.low) and math.isfinite(claim.high)):
            return self.claim_number(claim.estimate, claim.unit)
        return self.say(
            "number.with_range",
            x=self.claim_number(claim.estimate, claim.unit),
            low=self._claim_scale_number(claim.low, claim.unit),
            high=self._claim_scale_number(claim.high, claim.unit),
        )

    def claim_number(self, value: float, unit: str) -> str:
        """A number on the scale of a claim: per cent, weeks or points by name, else two decimals."""
        text = self._claim_scale_number(value, unit)
        return self.say(f"number.{unit}", x=text) if unit in ("weeks", "points") else text

    def _claim_scale_number(self, value: float, unit: str) -> str:
        if unit in SHARE_UNITS:
            return self.percent(value)
        if unit == "skill":
            return self.percent(value, 1)
        if unit in ("weeks", "points"):
            return self.number(value, 1)
        return self.link(value) if unit == "correlation" else self.ratio(value)

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


def _as_date(day: dt.date | str) -> dt.date:
    return dt.date.fromisoformat(day[:10]) if isinstance(day, str) else day


def _significant(value: float) -> float:
    """An amount rounded to three digits that count: a ledger has more, an estimate has not."""
    if not value:
        return value
    step = 10.0 ** max(math.floor(math.log10(abs(value))) - 2, 0)
    return round(value / step) * step
