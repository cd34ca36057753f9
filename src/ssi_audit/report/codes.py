"""Results to codes: which word is meant, in no language yet.

Each function is a table lookup over numbers that were computed elsewhere; the
page, the charts and the sentences ask the same ones. Numbers are compared as
they are printed, so that a page never says "0.30" and "weak" in one line.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ssi_audit import schema
from ssi_audit.results import Audit, Cell, Correlation, Fit, Indicator
from ssi_audit.verdict import MIN_SELLER_YEARS, seller_years, times_short

# The steps of the first screen, from use of the platform to a sale.
FUNNEL = ("activity", "inquiries", "meetings", "deals")

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

# Beyond these, a size in sales units would only pretend to know (a ratio of ten), and a plan to collect
# more data is none (fifty times the data, three years of waiting).
WILD_RATIO = 10.0
FAR_MULTIPLE = 50.0
MAX_WEEKS = 156
MIN_PEOPLE = 8

# Shares of analyses with the same answer: "yes", "mostly", else "it depends".
HOLDS = 0.90
MOSTLY = 0.70


@dataclass(frozen=True)
class Spec:
    """What the specification curve comes to: counts only, for words and for the picture's title.

    Attributes
    ----------
    outcome : str
        Whose curve the picture shows; empty when it was not said.
    n, agree : int
        Analyses of all main outcomes; those that answer as the main one does.
    shown, up, down : int
        Analyses in the picture; with a range above, below "no difference".
    """

    outcome: str
    n: int
    agree: int
    shown: int
    up: int
    down: int

    @property
    def open(self) -> int:
        """Shown analyses whose range includes "no difference"."""
        return self.shown - self.up - self.down

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
    # A part of a claim comes with its 95 % range alone, which only makes the test harder to pass.
    low, high = (fit.low90, fit.high90) if math.isfinite(fit.low90) else (fit.low, fit.high)
    if low > 1 / sesoi and high < sesoi:
        return "too_small"
    if round(fit.low, 2) > 1:
        return "more"
    return "fewer" if round(fit.high, 2) < 1 else "cant_tell"


def skill_code(indicator: Indicator) -> str:
    """Does an indicator foretell deals: ``clear``, ``none``, ``negative`` or ``left_out``?"""
    if indicator.left_out or not math.isfinite(indicator.skill):
        return "left_out"
    if round(indicator.low, 3) > 0:  # per cent with one decimal, as it is printed
        return "clear"
    return "negative" if round(indicator.high, 3) < 0 else "none"


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
    """Main outcomes that go the other way; not those of too few seller-years, which go no way yet."""
    cells = [find(audit, "total", outcome) for outcome in schema.PRIMARY_OUTCOMES]
    return [
        cell.outcome
        for cell in cells
        if cell is not None and "negative" in cell.flags and cell.verdict != schema.INCONCLUSIVE
    ]


def spec_counts(specification: Mapping[str, Any]) -> Spec | None:
    """Counts of a specification curve, None when it was not run.

    Parameters
    ----------
    specification : dict
        As `limits.specification_curve` returns it: ``rows`` of one outcome with ``low`` and ``high`` (ratios per
        ten points) and ``agrees``; ``n_all`` and ``agree_all`` over all main outcomes where there are several.
    """
    rows = specification.get("rows") or []
    if not rows:
        return None
    return Spec(
        outcome=str(specification.get("outcome", "")),
        n=int(specification.get("n_all", len(rows))),
        agree=int(specification.get("agree_all", sum(bool(row["agrees"]) for row in rows))),
        shown=len(rows),
        up=sum(row["low"] > 1 for row in rows),
        down=sum(row["high"] < 1 for row in rows),
    )


def per_ten(ratio: float, points: float = POINTS_APART) -> float:
    """A ratio between sellers so many points apart, restated for ten points."""
    return ratio ** (10 / points)


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


def disagreeing_deals(audit: Audit) -> bool:
    """Do closed deals clearly go up at equal activity, although the verdict says that nothing is left?

    Deals are not among the four main results that the rule looks at, so the first screen says it beside them.
    """
    cell = find(audit, "total", "deals")
    settled = audit.overall.verdict in (schema.ACTIVITY_GAUGE, schema.NO_ASSOCIATION)
    return settled and cell is not None and effect_code(cell.adjusted, 1.0) == "more"


def fading_code(codes: list[str]) -> str:
    """Code of the picture's title from the words of activity, inquiries, meetings and deals."""
    activity, inquiries, meetings, deals = codes
    if set(codes) == {"no_data"}:
        return "no_data"
    if deals.endswith("_negative"):
        return "turns"
    if is_clear(deals):
        if not (is_clear(inquiries) or is_clear(meetings)):
            return "skips"
        return "compare" if activity in ("weak", "moderate", "strong") and activity != deals else "reaches"
    if "cant_tell" in (inquiries, meetings, deals) or deals == "no_data":
        return "open" if is_clear(activity) else "unknown"
    if is_clear(inquiries) or is_clear(meetings):
        return "fades"
    return "activity_only" if is_clear(activity) else "none"


def open_outcomes(audit: Audit) -> list[str]:
    """Main outcomes without a verdict for the total score; those that were not tried are among them."""
    cells = {outcome: find(audit, "total", outcome) for outcome in schema.PRIMARY_OUTCOMES}
    return [name for name, cell in cells.items() if cell is None or cell.verdict == schema.INCONCLUSIVE]


def few_years(audit: Audit) -> bool:
    """Are there fewer seller-years than settle anything about sales?"""
    return _seller_years(audit) < MIN_SELLER_YEARS


def _seller_years(audit: Audit) -> float:
    return seller_years(audit.data.get("rows") or 0, audit.data.get("period") or "week")


def needed_multiple(audit: Audit) -> float:
    """So many times the data would settle every main outcome that is too wide or too short; NaN when none is."""
    multiples = []
    for outcome in open_outcomes(audit):
        cell = find(audit, "total", outcome)
        if cell is not None and cell.reason in ("too_wide", "crude_unknown"):
            fit = cell.crude if cell.reason == "crude_unknown" else cell.adjusted
            multiples.append(fit.needed_multiple)
        if cell is not None and cell.reason == "few_years":
            multiples.append(1.0)  # as narrow as it has to be: what it lacks is added below
    finite, years = [multiple for multiple in multiples if math.isfinite(multiple)], _seller_years(audit)
    if finite and 0 < years < MIN_SELLER_YEARS:
        finite.append(times_short(years))  # however narrow a range gets, nothing is settled before
    return max(finite, default=math.nan)


def is_score(indicator: Indicator) -> bool:
    """Is this indicator the score itself?"""
    return indicator.name in ("ssi", "total")


def ranked(indicators: Iterable[Indicator]) -> list[Indicator]:
    """Indicators with a result, best first, the score last for comparison."""
    known = [item for item in indicators if skill_code(item) != "left_out"]
    return sorted(known, key=lambda item: (is_score(item), -item.skill, item.name))


def which(outcomes: list[str]) -> str:
    """The message for one outcome or for both."""
    return outcomes[0] if len(outcomes) == 1 else "both"


def reason_of(audit: Audit, outcome: str) -> str:
    """Code of the step of the rule that decided a main outcome."""
    cell = find(audit, "total", outcome)
    return cell.reason if cell is not None else "no_estimate"
