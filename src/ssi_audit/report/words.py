"""Results to sentences: the only place where a code or a number becomes words.

A page, a chart, a table, the terminal and `answer.json` say the same because
they all ask `Words`. Every finding reads: plain words, number, range, caveat.
Nothing here knows which answer anybody hopes for. Words for one result come
from phrases.py, the codes behind them from codes.py, their text from messages/.
"""

from __future__ import annotations

import math
import re
from typing import Any

from ssi_audit import schema
from ssi_audit.report.codes import (
    CLAIMED_OPPORTUNITIES,
    FAR_MULTIPLE,
    FUNNEL,
    HOLDS,
    MAX_WEEKS,
    MIN_PEOPLE,
    MOSTLY,
    Spec,
    deals_code,
    disagreeing_deals,
    evidence_code,
    fading_code,
    few_years,
    find,
    is_clear,
    is_score,
    link_code,
    needed_multiple,
    negative_outcomes,
    open_outcomes,
    outcomes_with,
    per_ten,
    ranked,
    reason_of,
    skill_code,
    spec_counts,
    step_link,
    which,
)
from ssi_audit.report.phrases import Phrases
from ssi_audit.results import ActivityLink, Audit, Cell, Correlation, Fit, Overall

_BOLD = re.compile(r"\*\*(.+?)\*\*")


def plain(text: str) -> str:
    """A sentence without the stars that mark bold."""
    return _BOLD.sub(r"\1", text)


class Words(Phrases):
    """Everything the reports say, in one language.

    Parameters are those of `Phrases`.
    """

    # -- the verdict --

    def verdict(self, audit: Audit) -> tuple[str, str]:
        """The two short sentences of the verdict, the biggest text of the page."""
        code = audit.overall.verdict
        first = self.say(f"verdict.{code}.first")
        if code in (schema.LEADING_INDICATOR, schema.EFFECTIVENESS_MEASURE):
            return first, self.say(f"verdict.{code}.{which(outcomes_with(audit, code))}")
        if code == schema.INCONCLUSIVE:
            return first, self.say(f"verdict.{code}.{audit.overall.tracks_activity}")
        if "negative" in audit.overall.flags:
            return first, self.say("verdict.negative.second")
        return first, self.say(f"verdict.{code}.second")

    def headline(self, audit: Audit) -> str:
        """The verdict in one line, for the terminal and `answer.json`."""
        return " ".join(self.verdict(audit))

    # The command line's name for the same line.
    answer_sentence = headline

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
        against = negative_outcomes(audit)
        outcomes = self.outcomes(against) if against else ""
        sentences = [
            self.say(f"flag.{flag}", **({"outcomes": outcomes} if flag == "negative" else {}))
            for flag in dict.fromkeys(audit.overall.flags)
            if flag != "negative" or outcomes
        ]
        if disagreeing_deals(audit):
            sentences.append(self.say("flag.deals", units=self.units_of(audit, "deals", equal=True)))
        return sentences

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
        if cell is not None and deals_code(cell) in ("weak", "moderate", "strong", "mixed"):
            # What the verdict rests on: nothing of the link is left in the main results.
            main = [*outcomes_with(audit, verdict), *schema.PRIMARY_OUTCOMES][0]
            sentences.append(self.units_of(audit, main, equal=True))
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

    def units_of(self, audit: Audit, outcome: str, *, equal: bool = False, exposure: str = "total") -> str:
        """`units` for a cell of the audit: crude, or at equal activity."""
        cell = find(audit, exposure, outcome)
        if cell is None:
            return self.say("units.no_data", outcome=self.outcome(outcome))
        return self.units(cell.adjusted if equal else cell.crude, outcome, exposure=exposure, equal=equal)

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
            (self.say("open.ruled_out" if self._claim_is_out(audit) else "open.not_ruled_out"), self.ruled_out(audit)),
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
        cell = self._claimed_cell(audit)
        if cell is None:
            return self.say("open.nothing_out")
        return self.against_claim(cell.crude, cell.outcome, short=few_years(audit))

    def _claimed_cell(self, audit: Audit) -> Cell | None:
        """The result that LinkedIn's own figure is about, or the nearest one with an estimate."""
        cells = [find(audit, "total", outcome) for outcome in ("opportunities", "inquiries")]
        return next((cell for cell in cells if cell is not None and cell.crude.known), None)

    def _claim_is_out(self, audit: Audit) -> bool:
        cell = self._claimed_cell(audit)
        return cell is not None and cell.crude.high < per_ten(CLAIMED_OPPORTUNITIES) and not few_years(audit)

    def against_claim(
        self, fit: Fit, outcome: str, claimed: float = CLAIMED_OPPORTUNITIES, *, short: bool = False
    ) -> str:
        """Our range beside LinkedIn's own figure, each in its own sentence; a short panel rules nothing out."""
        target = per_ten(claimed)
        code = ("short" if short else "out") if fit.high < target else "above" if fit.low > target else "open"
        ends = {"low": self.change(fit.low), "high": self.change(fit.high)}
        return self.say(f"open.claim_{code}", claimed=self.percent(target - 1), outcome=self.outcome(outcome), **ends)

    def still_open(self, audit: Audit) -> str:
        """The main outcomes without an answer."""
        return self.say("open.open_list", list=self.outcomes(open_outcomes(audit)))

    def settle(self, audit: Audit) -> list[str]:
        """How many sellers or weeks, or which other data, would give an answer."""
        n_people, n_offices = int(audit.data.get("people") or 0), int(audit.data.get("offices") or 0)
        reasons = {outcome: reason_of(audit, outcome) for outcome in open_outcomes(audit)}
        if n_offices and "few_df" in reasons.values():
            return [self.say("open.few_offices", n=self._n_pooled(audit))]
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
        return sentences[:2] or [self.say("open.border")]

    @staticmethod
    def _n_pooled(audit: Audit) -> int:
        """Offices in the largest main result that is open for want of offices; their pooled range has one df less."""
        cells = [find(audit, "total", outcome) for outcome in open_outcomes(audit)]
        return 1 + max(int(cell.adjusted.df) for cell in cells if cell is not None and cell.reason == "few_df")

    def _more_data(self, audit: Audit, multiple: float) -> str:
        if multiple > FAR_MULTIPLE:
            return self.say("open.far", times=self.count(FAR_MULTIPLE))
        offices = int(audit.data.get("offices") or 0)
        if offices:
            times = self.number(multiple, 1) if multiple < 10 else self.significant(multiple)
            return self.say("open.pooled", times=times, offices=self.count(math.ceil(multiple * offices)), now=offices)
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
        links = {step: step_link(audit, "total", step) for step in FUNNEL}
        code = fading_code([link_code(link) for link in links.values()])
        words = {step: self.link_word(links[step]) for step in ("activity", "deals")}
        title = self.say(f"fading.{code}", **(words if code == "compare" else {}))
        return title[:1].upper() + title[1:]

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
        ideas.extend(self._watch_idea(audit))
        ideas.append(("test", {}))
        return [self._idea(audit, key, gaps) for key, gaps in ideas[:3]]

    def _data_ideas(self, audit: Audit) -> list[tuple[str, dict[str, Any]]]:
        ideas = []
        for check in audit.trust:
            if check.id == "matched" and check.state == "fail":
                ideas.append(("match", {"left_out": self.count(check.facts["left_out"])}))
        open_for_activity = {reason_of(audit, outcome) for outcome in open_outcomes(audit)}
        if open_for_activity & {"no_activity_data", "activity_not_ruled_out"}:
            ideas.append(("activity", {}))
        return ideas

    def _collect_ideas(self, audit: Audit) -> list[tuple[str, dict[str, Any]]]:
        multiple = needed_multiple(audit)
        ideas: list[tuple[str, dict[str, Any]]] = []
        few = int(audit.data.get("people") or 0) < MIN_PEOPLE
        few = few or "few_df" in {reason_of(audit, outcome) for outcome in open_outcomes(audit)}
        if multiple > 1 or few:
            ideas.append(("collect", {"settle": self.settle(audit)[0]}))
        if 1 < multiple <= FAR_MULTIPLE and not audit.data.get("offices"):
            ideas.append(("pool", {"n": math.ceil(multiple)}))
        reasons = {reason_of(audit, outcome) for outcome in open_outcomes(audit)}
        if not ideas and reasons <= {"too_wide", "crude_unknown"}:
            ideas.append(("again", {}))
        return ideas

    def _watch_idea(self, audit: Audit) -> list[tuple[str, dict[str, Any]]]:
        helpful = [item for item in ranked(audit.watch) if skill_code(item) == "clear" and not is_score(item)][:2]
        positive = audit.overall.verdict in (schema.LEADING_INDICATOR, schema.EFFECTIVENESS_MEASURE)
        if not helpful or positive:
            return []
        names = self.enumerate([self.indicator(item.name) for item in helpful])
        gains = self.enumerate([self.percent(item.skill, 1) for item in helpful])
        return [("watch", {"n": len(helpful), "list": names, "gains": gains})]

    def _idea(self, audit: Audit, key: str, gaps: dict[str, Any]) -> tuple[str, str]:
        """Title and text of one suggestion; an open question replaces nothing by another number."""
        waiting = key == "watch" and audit.overall.verdict == schema.INCONCLUSIVE
        return self.say("next.meanwhile.title" if waiting else f"next.{key}.title", **gaps), self.say(
            f"next.{key}.text", **gaps
        )
