"""Can we trust this? Checks of the data and their coverage, before anybody reads a result.

Each check is pass, care or fail by a limit that stands here, with the numbers
its sentence needs. No check looks at which way the answer goes. Facts are
counts and shares of the whole, never of a person or of a small group.
"""

from __future__ import annotations

import math

import pandas as pd

from ssi_audit import schema, verdict
from ssi_audit.panel import both_sides, source_class
from ssi_audit.results import ActivityLink, Cell, TrustCheck
from ssi_audit.schema import CAP
from ssi_audit.settings import Settings
from ssi_audit.teams import team_sizes

PASS, CARE, FAIL = "pass", "care", "fail"

# Share of the rows of all files that found their seller.
MATCHED_PASS, MATCHED_CARE = 0.90, 0.75
# Share of persons known to one side only (a score but no CRM, or the reverse) that needs a second look.
ONE_SIDED_CARE = 0.10
# Share of the seller-periods with a score.
COMPLETE_PASS, COMPLETE_CARE = 0.90, 0.60
# methods.md section 1: warn above 10 % at the cap. At half, the score cannot tell people apart.
CEILING_CARE, CEILING_FAIL = 0.10, 0.50
# A stretch between two redefinitions of the score shorter than the 90 days it sums up shows neither definition.
SHORTEST_STRETCH_WEEKS = 13
# Won deals in a currency that cannot be converted: up to this share they hardly matter (see `panel.MAX_FOREIGN`).
FOREIGN_CARE = 0.01


def trust_checks(
    panel: pd.DataFrame,
    tables: schema.Tables,
    settings: Settings,
    cells: tuple[Cell, ...] | list[Cell],
    activity: ActivityLink,
) -> tuple[TrustCheck, ...]:
    """Check whether the data can carry an answer.

    Parameters
    ----------
    panel : pandas.DataFrame
        As `build_panel` returns it.
    tables : Tables
        The same run's tables; an empty ledger (tables that did not come from files) is replaced by counts of rows.
    settings : Settings
    cells : sequence of Cell
        Those of the total say how small an effect would have been seen.
    activity : ActivityLink

    Returns
    -------
    tuple of TrustCheck
        In reading order; a check that these data have no use for (one team, no amounts) is left out.
    """
    facts = panel.attrs["facts"]
    checks = (
        _enough(panel, cells, settings),
        _matched(tables),
        _complete(panel),
        _score_break(panel),
        _activity_log(activity),
        _ceiling(panel),
        _inquiry_source(tables, settings, facts["inquiry_source"]),
        _currency(tables, settings, facts["currency"]),
        _small_teams(panel, settings),
    )
    return tuple(check for check in checks if check is not None)


def _enough(panel: pd.DataFrame, cells: tuple[Cell, ...] | list[Cell], settings: Settings) -> TrustCheck:
    """Sellers, and the smallest effect on each main outcome that these data would find with 80 % power."""
    n_people = int(panel.loc[panel["ssi"].notna(), "person"].nunique())
    found = {
        cell.outcome: cell.adjusted.mdrr
        for cell in cells
        if cell.exposure == "total" and cell.outcome in schema.PRIMARY_OUTCOMES and cell.adjusted.known
    }
    # The outcome that is hardest to see decides: the answer speaks of all of them.
    worst = max(found.values(), default=math.nan)
    facts = {"n_people": n_people, "mdrr": worst, "by_outcome": found}
    if n_people < verdict.MIN_PEOPLE or not math.isfinite(worst):
        return TrustCheck("enough", FAIL, facts)
    small = all(ratio <= settings.sesoi[outcome] for outcome, ratio in found.items())
    return TrustCheck("enough", PASS if small and len(found) == len(schema.PRIMARY_OUTCOMES) else CARE, facts)


def _matched(tables: schema.Tables) -> TrustCheck:
    """Rows that found their seller, and persons whom only one side knows."""
    sides = {why: len(who) for why, who in both_sides(tables).items()}
    if len(tables.ledger):
        rows = tables.ledger.groupby("status")["rows"].sum()
        matched = int(rows.reindex(["used", "repaired"]).fillna(0).sum())
        left_out = int(rows.get("unmatched", 0))
    else:
        persons = pd.concat([tables.ssi["person"], tables.activity["person"], tables.crm_events["person"]])
        known = persons.isin(set(tables.people["person"]))
        matched, left_out = int(known.sum()), int((~known).sum())
    share = matched / (matched + left_out) if matched + left_out else math.nan
    one_sided = sides["no_ssi"] + sides["no_crm"]
    facts = {"share": share, "left_out": left_out, "no_ssi": sides["no_ssi"], "no_crm": sides["no_crm"]}
    if not share >= MATCHED_CARE:
        return TrustCheck("matched", FAIL, facts)
    alone = one_sided / max(one_sided + sides["both"], 1)
    return TrustCheck("matched", PASS if share >= MATCHED_PASS and alone <= ONE_SIDED_CARE else CARE, facts)


def _complete(panel: pd.DataFrame) -> TrustCheck:
    """Periods with a score for a seller on average, of those in which he worked."""
    n = int(panel["period"].nunique())
    share = float(panel["ssi"].notna().mean())
    state = PASS if share >= COMPLETE_PASS else CARE if share >= COMPLETE_CARE else FAIL
    return TrustCheck("complete", state, {"known": math.floor(share * n + 0.5), "n": n, "share": share})


def _score_break(panel: pd.DataFrame) -> TrustCheck:
    """Did LinkedIn redefine the score in the period, and does that leave stretches long enough to compare?"""
    dates = [day.isoformat() for day in panel.attrs["facts"]["breaks"]]
    weeks = panel["period"].nunique() * (1 if panel.attrs["facts"]["period"] == "week" else 52 / 12)
    if not dates:
        state = PASS
    else:
        state = CARE if weeks / (len(dates) + 1) >= SHORTEST_STRETCH_WEEKS else FAIL
    return TrustCheck("score_break", state, {"dates": dates})


def _activity_log(activity: ActivityLink) -> TrustCheck:
    """Pillars that no logged activity stands for, and how much of the score the log explains."""
    facts = {"pillars": list(activity.pillars_without), "r2": activity.r2, "types": list(activity.types)}
    if not activity.types:
        return TrustCheck("activity_log", FAIL, facts)
    return TrustCheck("activity_log", CARE if activity.pillars_without else PASS, facts)


def _ceiling(panel: pd.DataFrame) -> TrustCheck | None:
    """Share of readings at the top of the scale: of the total, or of the pillar with most of them."""
    shares = {
        name: float((panel[column].dropna() >= CAP[column]).mean())
        for name, column in schema.PANEL_EXPOSURE.items()
        if panel[column].notna().any()
    }
    if not shares:
        return None
    worst = max(shares, key=shares.get)
    state = PASS if shares[worst] <= CEILING_CARE else CARE if shares[worst] <= CEILING_FAIL else FAIL
    return TrustCheck("ceiling", state, {"share": shares[worst], "exposure": worst, "by_exposure": shares})


def _inquiry_source(tables: schema.Tables, settings: Settings, source: str) -> TrustCheck | None:
    """Can inquiries that LinkedIn brought be told from the others?"""
    inquiries = tables.crm_events[tables.crm_events["kind"] == "inquiry"]
    if inquiries.empty:
        return None
    classes = source_class(sorted(inquiries["source"].dropna().astype(str).unique()), settings.linkedin_sources)
    known = float((inquiries["source"].map(classes).fillna("unknown") != "unknown").mean())
    return TrustCheck("inquiry_source", PASS if source == "linkedin" else CARE, {"source": source, "share": known})


def _currency(tables: schema.Tables, settings: Settings, main: str) -> TrustCheck | None:
    """Won deals whose amount is in a currency that cannot be added up."""
    crm = tables.crm_events
    priced = crm[(crm["kind"] == "deal_won") & crm["amount"].notna() & crm["currency"].notna()]
    if priced.empty:
        return None
    foreign = priced.loc[~priced["currency"].isin([main, *settings.rates]), "currency"]
    share = len(foreign) / len(priced)
    facts = {"currency": main, "others": sorted(set(foreign.astype(str))), "share": share}
    return TrustCheck("currency", PASS if share <= FOREIGN_CARE else CARE, facts)


def _small_teams(panel: pd.DataFrame, settings: Settings) -> TrustCheck | None:
    """Are the teams large enough to be read one by one?"""
    sizes = team_sizes(panel)
    if len(sizes) < 2:
        return None
    large = sum(n >= settings.min_score for n in sizes.values())
    facts = {"teams": len(sizes), "large": large, "least": settings.min_score}
    return TrustCheck("small_teams", PASS if large == len(sizes) else CARE if large else FAIL, facts)
