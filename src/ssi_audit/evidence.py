"""From a panel to everything `answer.json` holds: each pair estimated once, judged once.

The order is fixed here and nowhere else: estimates, families of tests,
verdicts, claims, trust. `audit` is the whole way from a folder; the notebooks
and `ssi-audit audit` call the same functions.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import threading
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ssi_audit import links, models, parallel, schema, verdict
from ssi_audit.design import Columns, columns
from ssi_audit.results import ActivityLink, Audit, Cell, Correlation, Fit, Overall
from ssi_audit.settings import Settings, load_settings
from ssi_audit.teams import plan_teams, team_sizes
from ssi_audit.trust import trust_checks

if TYPE_CHECKING:
    from ssi_audit.stats.pictures import Scatter


def audit(
    data: Path | str,
    settings: Settings | None = None,
    *,
    sample: bool = False,
    fingerprint: str = "",
    everything: bool = True,
    **options: Any,
) -> Audit:
    """Read a folder of exports and answer the question.

    Parameters
    ----------
    data : path
        Folder with any mix of exports (design.md section 3).
    settings : Settings, optional
        Default: ``ssi-audit.toml`` of the folder.
    sample : bool
        The data are the invented sample; every output says so.
    fingerprint : str
        Of the input files, as the report's footer shows it; default: the reader's own.
    everything : bool
        As in `audit_panel`.
    **options
        Passed to `read_exports`.

    Raises
    ------
    DataError, SettingsError
        With every problem at once.
    NotEnoughData
        If no panel can be built at all.
    """
    from ssi_audit.exports import read_exports
    from ssi_audit.panel import build_panel

    settings = settings or load_settings(data)
    tables = read_exports(data, settings, **options)
    tables = dataclasses.replace(tables, sample=sample, fingerprint=fingerprint or tables.fingerprint)
    # The panel is built by DuckDB, which leaves Python free: a quarter of a second of imports costs nothing meanwhile.
    threading.Thread(target=importlib.import_module, args=("ssi_audit.stats.skill",), daemon=True).start()
    return audit_panel(build_panel(tables, settings), tables, settings, everything=everything)


def audit_panel(
    panel: pd.DataFrame, tables: schema.Tables, settings: Settings | None = None, *, everything: bool = True
) -> Audit:
    """Answer the question from a panel.

    Parameters
    ----------
    panel : pandas.DataFrame
        As `build_panel` returns it.
    tables : Tables
        Needed for counts, and for claims and indicators that the panel does not hold.
    settings : Settings, optional
    everything : bool
        False: the verdict and what it rests on; True: also the published claims, what to watch instead and every
        other reasonable analysis.
    """
    settings = settings or Settings()
    activity = models.activity_link(panel, seed=settings.seed)
    cells = estimate_cells(panel, activity, settings)
    found = Audit(
        data=data_facts(panel, tables, settings),
        overall=verdict.judge_overall(cells, activity, score_break=bool(panel.attrs["facts"]["breaks"])),
        activity=activity,
        cells=tuple(cells),
        trust=trust_checks(panel, tables, settings, cells, activity),
        settings_fingerprint=settings.fingerprint(),
        version=version("ssi-audit"),
    )
    return with_everything(found, panel, tables, settings) if everything else found


def with_everything(found: Audit, panel: pd.DataFrame, tables: schema.Tables, settings: Settings) -> Audit:
    """Add what to watch instead, the specification curve and the published claims, which may use the other two."""
    from ssi_audit.claims import test_claims
    from ssi_audit.limits import headline_outcome, specification_curve
    from ssi_audit.watch import rank_indicators

    found = dataclasses.replace(
        found,
        watch=rank_indicators(panel, tables, settings),
        specification=specification_curve(panel, tables, settings, headline_outcome(found)),
    )
    return dataclasses.replace(found, claims=tuple(test_claims(panel, tables, settings, found)))


NOT_ASKED = "not asked for"


@dataclass(frozen=True)
class Estimates:
    """What is computed for one pair before families of tests are formed; fields as in `Cell`."""

    crude: Fit
    adjusted: Fit
    between: Fit
    lead_placebo: Fit
    spearman_between: Correlation
    rmcorr: Correlation
    link: Correlation


def estimate_pair(panel: Columns, exposure: str, outcome: str, settings: Settings) -> Estimates:
    """Every estimate of one exposure and one outcome."""
    sesoi, seed = settings.sesoi[outcome], settings.seed
    return Estimates(
        crude=models.regress(panel, exposure, outcome, False, sesoi=sesoi, seed=seed),
        adjusted=models.regress(panel, exposure, outcome, True, sesoi=sesoi, seed=seed),
        between=models.between(panel, exposure, outcome),
        lead_placebo=models.lead_placebo(panel, exposure, outcome),
        spearman_between=links.correlate(panel, exposure, outcome, "spearman_between", seed=seed),
        rmcorr=links.correlate(panel, exposure, outcome, "rmcorr", seed=seed),
        link=links.quarter_link(panel, exposure, outcome, seed=seed),
    )


def estimate_cells(panel: pd.DataFrame, activity: ActivityLink, settings: Settings) -> list[Cell]:
    """Every exposure by every outcome: estimates, then families, then verdicts."""
    given = columns(panel)
    pairs = [(exposure, outcome) for exposure in schema.EXPOSURES for outcome in schema.OUTCOMES]
    controls = {exposure: models.negative_control(given, exposure) for exposure in schema.EXPOSURES}
    found = dict(zip(pairs, parallel.starmap(estimate_pair, given, pairs, settings), strict=True))
    crude = adjust_families({pair: estimates.crude for pair, estimates in found.items()})
    adjusted = adjust_families({pair: estimates.adjusted for pair, estimates in found.items()})
    return [
        judge_pair(
            pair, dataclasses.replace(found[pair], crude=crude[pair], adjusted=adjusted[pair]),
            controls[pair[0]], activity, given.seller_years, settings,
        )
        for pair in pairs
    ]  # fmt: skip


def adjust_families(fits: dict[tuple[str, str], Fit]) -> dict[tuple[str, str], Fit]:
    """Holm within the primary and the secondary family, Benjamini-Hochberg over the rest (methods.md section 4)."""
    primary = [pair for pair in fits if pair[0] == "total" and pair[1] in schema.PRIMARY_OUTCOMES]
    secondary = [pair for pair in fits if pair[0] != "total" and pair[1] in schema.PRIMARY_OUTCOMES]
    rest = [pair for pair in fits if pair[1] not in schema.PRIMARY_OUTCOMES]
    result: dict[tuple[str, str], Fit] = {}
    for family, method in ((primary, "holm"), (secondary, "holm"), (rest, "benjamini-hochberg")):
        adjusted = models.with_family([fits[pair] for pair in family], method)
        result |= dict(zip(family, adjusted, strict=True))
    return result


def judge_pair(
    pair: tuple[str, str],
    found: Estimates,
    control: Fit,
    activity: ActivityLink,
    seller_years: float,
    settings: Settings,
) -> Cell:
    """Put the estimates of one pair before the rule."""
    exposure, outcome = pair
    seen = verdict.Evidence(
        outcome=outcome,
        crude=found.crude,
        adjusted=found.adjusted,
        lead_placebo=found.lead_placebo,
        negative_control=control,
        activity=activity,
        seller_years=seller_years,
    )
    decided, flags, reason = verdict.judge(seen, settings.sesoi[outcome], settings.alpha)
    return Cell(
        exposure=exposure,
        outcome=outcome,
        verdict=decided,
        flags=flags,
        reason=reason,
        negative_control=control,
        strict=verdict.judge(seen, verdict.STRICT_SESOI, settings.alpha)[0],
        loose=verdict.judge(seen, verdict.LOOSE_SESOI, settings.alpha)[0],
        **{item.name: getattr(found, item.name) for item in dataclasses.fields(found)},
    )


def decide(panel: pd.DataFrame, settings: Settings | None = None) -> Overall:
    """The three verdicts on a panel, by the rule of methods.md section 8.

    Only what the rule looks at is estimated: the total score against the four primary outcomes.
    """
    settings = settings or Settings()
    given = columns(panel)
    activity = models.activity_link(given, seed=settings.seed)
    pairs = [("total", outcome) for outcome in schema.PRIMARY_OUTCOMES]
    control = models.negative_control(given, "total")
    crude, adjusted = (
        adjust_families({pair: models.regress(given, *pair, kind, seed=None) for pair in pairs})
        for kind in (False, True)
    )
    cells = []
    for pair in pairs:
        found = Estimates(
            crude[pair], adjusted[pair], Fit(why=NOT_ASKED), models.lead_placebo(given, *pair),
            *[Correlation(why=NOT_ASKED)] * 3,
        )  # fmt: skip
        cells.append(judge_pair(pair, found, control, activity, given.seller_years, settings))
    return verdict.judge_overall(cells, activity, score_break=bool(panel.attrs["facts"]["breaks"]))


def seller_pictures(panel: pd.DataFrame, min_group: int) -> dict[str, Scatter | None]:
    """The two pictures of the first page: mean score of each seller against activity and against deals."""
    from ssi_audit.stats.pictures import scatter

    means = links.seller_means(panel)
    return {outcome: scatter(means["ssi"], means[outcome], min_group) for outcome in ("activity", "deals")}


def data_facts(panel: pd.DataFrame, tables: schema.Tables, settings: Settings) -> dict[str, Any]:
    """Counts and coverage: the `data` part of `answer.json`."""
    facts = panel.attrs["facts"]
    scored = panel[panel["ssi"].notna()]
    rows = tables.ledger.groupby("status")["rows"].sum() if len(tables.ledger) else pd.Series(dtype="int64")
    counts = {status: int(rows.get(status, 0)) for status in schema.LEDGER_STATUS}
    teams = team_sizes(panel)
    # Small teams are not named here either: whoever has this file could subtract.
    plan = plan_teams(teams, scored["person"].nunique(), settings)
    return {
        "people": int(scored["person"].nunique()),
        "periods": int(scored["period"].nunique()),
        "period": facts["period"],
        "start": facts["first"].isoformat(),
        "end": _last_day(panel).isoformat(),
        "rows": len(scored),
        "fingerprint": tables.fingerprint,
        "sample": tables.sample,
        "ledger": {
            "received": sum(counts.values()),
            "used": counts["used"] + counts["repaired"],
            "repaired": counts["repaired"],
            "skipped": counts["skipped"],
            "unmatched": counts["unmatched"],
        },
        "people_known": len(tables.people),
        "people_left_out": facts["left_out"],
        "teams": {**{team: teams[team] for team in plan.pages.values()}, **plan.listed},
        "teams_others": plan.others,
        "teams_all": len(teams),
        "outcomes_missing": facts["missing"],
        "activity_types": list(facts["activity_types"]),
        "inquiry_source": facts["inquiry_source"],
        "win_denominator": facts["win_denominator"],
        "currency": facts["currency"],
        "score_breaks": [day.isoformat() for day in facts["breaks"]],
        "at_cap": {
            name: float((panel[column].dropna() >= schema.CAP[column]).mean()) if panel[column].notna().any() else None
            for name, column in schema.PANEL_EXPOSURE.items()
        },
        "score_known": float(panel["ssi"].notna().mean()),
        "totals": {
            outcome: float(panel[outcome].sum())
            for outcome in (*schema.COUNT_OUTCOMES, *schema.AMOUNT_OUTCOMES)
            if panel[outcome].notna().any()
        },
    }


def _last_day(panel: pd.DataFrame) -> pd.Timestamp:
    last = pd.Timestamp(panel.attrs["facts"]["last"])
    step = pd.offsets.MonthBegin(1) if panel.attrs["facts"]["period"] == "month" else pd.Timedelta(days=7)
    return (last + step - pd.Timedelta(days=1)).date()


def answer_json(found: Audit) -> str:
    """`answer.json` as text: the same input gives the same bytes."""
    return json.dumps(found.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def with_sentence(found: Audit, sentence: str) -> Audit:
    """Put the sentence of the first screen into the result, so that page and JSON carry the same words."""
    return dataclasses.replace(found, overall=dataclasses.replace(found.overall, sentence=sentence))
