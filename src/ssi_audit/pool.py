"""Pool the answers of several teams without sharing a row.

Twelve sellers in one office cannot tell; twenty such offices can. Each office
hands over `evidence.json`: for every score and result an effect, its standard
error and degrees of freedom. No person, no name, no team is in it. Effects are
combined by random effects (REML, Hartung-Knapp interval, prediction interval),
because offices differ, and the same printed rule judges the pooled estimates.
Definitions must match: an effect "per ten points, within 90 days" is another
number when somebody counts months.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ssi_audit import schema, verdict
from ssi_audit.errors import DataError, NotEnoughData, Problem
from ssi_audit.evidence import adjust_families
from ssi_audit.results import ActivityLink, Audit, Cell, ClaimResult, Correlation, Fit, Indicator
from ssi_audit.settings import Settings
from ssi_audit.writing import write_whole

if TYPE_CHECKING:
    from ssi_audit.stats.meta import RandomEffects

EVIDENCE_FILE = "evidence.json"
KIND = "ssi-audit evidence"
SCHEMA = 1
FITS = ("crude", "adjusted", "between", "lead_placebo", "negative_control")
# What a pooled number can be made of. Ratios are pooled as logarithms and shown as ratios: beyond this one the ends of
# a range of two offices no longer are a number. An error below the least would leave the others no weight at all, and
# Satterthwaite's degrees of freedom are 1 or more, but for rounding.
LARGEST_LOG, LARGEST, LEAST_SE, LEAST_DF = 20.0, 1e4, 1e-6, 0.9
CORRELATIONS = ("spearman_between", "rmcorr", "link")
ONLY_ONE = "only one of the files has an estimate"
NONE = "none of the files has an estimate"
# Definitions that depend on what an office's files hold; an office that lacks the outcome has none.
DATA_DEFINITIONS = ("inquiry_source", "win_denominator")


# ---- one office: what it hands over ----------------------------------------------------------------------


def write_evidence(audit: Audit, path: Path | str, settings: Settings | None = None) -> Path:
    """Write what pooling needs from one office, whole or not at all.

    Parameters
    ----------
    audit : Audit
    path : path
        The file, or a folder that gets ``evidence.json``.
    settings : Settings, optional
        Those of the audit; they define what the effects mean.

    Returns
    -------
    pathlib.Path
        The file.
    """
    path = Path(path)
    if path.is_dir():
        path = path / EVIDENCE_FILE
    write_whole(path, evidence_json(audit, settings or Settings()))
    return path


def evidence_name(answer: str) -> str:
    """Name of the evidence beside an answer: ``answer.json`` → ``evidence.json``, ``x.json`` → ``x-evidence.json``."""
    stem = answer.removesuffix(".json")
    return EVIDENCE_FILE if stem == "answer" else f"{stem}-{EVIDENCE_FILE}"


def evidence_json(audit: Audit, settings: Settings) -> str:
    """`evidence.json` as text: the same input gives the same bytes."""
    return json.dumps(evidence_of(audit, settings), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def evidence_of(audit: Audit, settings: Settings) -> dict[str, Any]:
    """The content of `evidence.json`: effects, standard errors, counts; nothing about a person or a team."""
    definitions = _definitions(settings)
    data = audit.data
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "version": audit.version,
        "definitions": definitions,
        "definitions_fingerprint": _fingerprint(definitions),
        "data_definitions": {name: str(data.get(name) or "") for name in DATA_DEFINITIONS},
        "data": {
            name: data.get(name) for name in ("people", "periods", "rows", "start", "end", "sample", "fingerprint")
        }
        | {"score_break": bool(data.get("score_breaks"))},
        "activity": {
            "r2": _finite(audit.activity.r2),
            "types": list(audit.activity.types),
            "pillars_without": list(audit.activity.pillars_without),
            "n_people": int(audit.activity.n_people),
            "n_rows": int(audit.activity.n_rows),
            "links": {name: _correlation_part(link) for name, link in audit.activity.links.items()},
        },
        "cells": [
            {
                "exposure": cell.exposure,
                "outcome": cell.outcome,
                **{name: _fit_part(getattr(cell, name)) for name in FITS},
                **{name: _correlation_part(getattr(cell, name)) for name in CORRELATIONS},
            }
            for cell in audit.cells
        ],
        "claims": [_claim_part(claim, settings) for claim in audit.claims],
        "watch": [
            {"name": item.name, **_estimate_part(item.skill, item.low, item.high, item.n_people)}
            for item in audit.watch
            if not item.left_out
        ],
    }


def _definitions(settings: Settings) -> dict[str, Any]:
    """What an effect depends on besides the data."""
    return {
        "schema": SCHEMA,
        "period": settings.period,
        "alpha": settings.alpha,
        "window_weeks": settings.window_weeks,
        "lead_weeks": settings.lead_weeks,
        **{f"horizon_weeks {rate}": weeks for rate, weeks in sorted(settings.horizon_weeks.items())},
        **{f"sesoi {outcome}": ratio for outcome, ratio in sorted(settings.sesoi.items())},
        **{f"unit {exposure}": unit for exposure, unit in sorted(schema.EXPOSURE_UNIT.items())},
    }


def _fingerprint(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _fit_part(fit: Fit) -> dict[str, Any] | None:
    log_rr = math.log(fit.rr) if fit.known and fit.rr > 0 else math.nan
    if not (abs(log_rr) <= LARGEST_LOG and LEAST_SE <= fit.se_log <= LARGEST_LOG and LEAST_DF <= fit.df < math.inf):
        return None
    return {
        "log_rr": log_rr, "se": fit.se_log, "df": _finite(fit.df), "n_people": int(fit.n_people),
        "n_rows": int(fit.n_rows), "n_events": float(fit.n_events), "mean": _finite(fit.mean),
    }  # fmt: skip


def _correlation_part(link: Correlation) -> dict[str, Any] | None:
    """A correlation on Fisher's scale; a perfect one, as five sellers may have, has no place there."""
    if not (link.known and -1 < link.low < link.high < 1 and abs(link.r) < 1):
        return None
    part = _estimate_part(math.atanh(link.r), math.atanh(link.low), math.atanh(link.high), link.n_people)
    return part | {"n_rows": int(link.n_rows)}


def _claim_part(claim: ClaimResult, settings: Settings) -> dict[str, Any]:
    """State and numbers of a claim; no numbers of a group that is too small to be shown."""
    shown = claim.n_people >= settings.min_group
    numbers = (_scaled(value, claim.unit) if shown else math.nan for value in (claim.estimate, claim.low, claim.high))
    return {
        "id": claim.id, "side": claim.side, "unit": claim.unit, "claimed": _finite(claim.claimed),
        "state": claim.state, "outcome": claim.details.get("outcome"),
        **_estimate_part(*numbers, claim.n_people),
    }  # fmt: skip


def _estimate_part(estimate: float, low: float, high: float, n_people: int) -> dict[str, Any]:
    """An estimate with the standard error that its 95 % range implies (t with persons - 1 degrees of freedom)."""
    from ssi_audit.stats.distributions import t_quantile

    n_people = int(n_people)
    df = max(n_people - 1, 1)
    se = float((high - low) / (2 * t_quantile(0.975, df)))
    known = abs(estimate) <= LARGEST and LEAST_SE <= se <= LARGEST and n_people > 1
    return {
        "estimate": estimate if known else None,
        "se": se if known else None,
        "df": df,
        "n_people": n_people,
    }


def is_ratio(unit: str) -> bool:
    """Is this claim's scale pooled as a logarithm?"""
    return unit.startswith("ratio")


def _scaled(value: float, unit: str) -> float:
    """A claim's number on the scale on which errors are symmetric."""
    if is_ratio(unit):
        return math.log(value) if math.exp(-LARGEST_LOG) < value < math.exp(LARGEST_LOG) else math.nan
    if unit == "correlation":
        return math.atanh(value) if -1 < value < 1 else math.nan
    return value


def _unscaled(value: float, unit: str) -> float:
    if is_ratio(unit):
        return math.exp(value)
    return math.tanh(value) if unit == "correlation" else value


def _finite(value: float) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


# ---- several offices: what they say together -------------------------------------------------------------


@dataclass(frozen=True)
class ForestRow:
    """One office's estimate in a forest plot.

    Attributes
    ----------
    label : str
        Name of the file.
    estimate, low, high : float
        With its own 95 % range, on the scale that is shown (ratios as ratios).
    weight : float
        Share of the pooled estimate.
    n_people : int
    """

    label: str
    estimate: float
    low: float
    high: float
    weight: float
    n_people: int


@dataclass(frozen=True)
class Forest:
    """All estimates of one quantity and what they come to.

    Attributes
    ----------
    exposure, outcome, measure : str
        Which quantity; of a claim: ``""``, its id, and its unit.
    rows : tuple of ForestRow
    estimate, low, high : float
        Pooled, with the Hartung-Knapp 95 % interval.
    predict_low, predict_high : float
        95 % prediction interval for another office.
    tau2, i2, q, q_p : float
        Variance of the true effects (on the scale of pooling), share of it in per cent, Cochran's Q and its p.
    p : float
        Of no effect.
    """

    exposure: str
    outcome: str
    measure: str
    rows: tuple[ForestRow, ...]
    estimate: float
    low: float
    high: float
    predict_low: float
    predict_high: float
    tau2: float
    i2: float
    q: float
    q_p: float
    p: float


@dataclass(frozen=True)
class Office:
    """One evidence file; `activity`: does it hold any record of LinkedIn activity?"""

    label: str
    people: int
    periods: int
    start: str
    end: str
    activity: bool = True


@dataclass(frozen=True)
class PooledAnswer:
    """The answer of several offices together.

    Attributes
    ----------
    audit : Audit
        Shaped as the audit of one office, so that the same words and pages can tell it; `trust` and `specification`
        are each office's own business and stay empty.
    offices : tuple of Office
    forests : tuple of Forest
        One per fit of each pair of score and result, and one per claim with a number.
    definitions_fingerprint : str
    definitions : dict
        What every file agrees on; of `DATA_DEFINITIONS` the value of the files that have one, or ``""``.
    """

    audit: Audit
    offices: tuple[Office, ...]
    forests: tuple[Forest, ...]
    definitions_fingerprint: str
    definitions: dict[str, Any] = field(default_factory=dict)

    def forest(self, exposure: str, outcome: str, measure: str = "adjusted") -> Forest:
        """The forest of one quantity.

        Raises
        ------
        KeyError
            If fewer than two offices have it.
        """
        for forest in self.forests:
            if (forest.exposure, forest.outcome, forest.measure) == (exposure, outcome, measure):
                return forest
        raise KeyError(f"fewer than two files have {measure} of {exposure} and {outcome}")

    def to_dict(self) -> dict[str, Any]:
        """`answer.json` of one office plus ``pooled``: offices and forests."""
        pooled = {
            "definitions_fingerprint": self.definitions_fingerprint,
            "definitions": self.definitions,
            "offices": [dataclasses.asdict(office) for office in self.offices],
            "forests": [dataclasses.asdict(forest) for forest in self.forests],
        }
        return {**self.audit.to_dict(), "pooled": pooled}


def pool(paths: Sequence[Path | str]) -> PooledAnswer:
    """Combine the evidence of several offices, regions or years.

    Parameters
    ----------
    paths : sequence of path
        At least two `evidence.json` files, or folders that hold one.

    Raises
    ------
    DataError
        If a file cannot be read, definitions differ, or the same evidence is given twice.
    """
    from ssi_audit.pool_read import read_evidence

    files = [_file(path) for path in paths]
    read = [read_evidence(path) for path in files]
    problems = [problem for found in read if isinstance(found, list) for problem in found]
    if problems:
        raise DataError(problems)
    evidence = dict(zip(_labels(files), read, strict=True))
    _check_poolable(evidence)
    return _combine(evidence)


def run_pool(paths: Sequence[Path | str], out: Path | str) -> PooledAnswer:
    """Pool and write; errors as `pool`."""
    answer = pool(paths)
    write_pool(answer, out)
    return answer


def write_pool(answer: PooledAnswer, out: Path | str) -> None:
    """Write ``answer.json`` and ``tables/pool-*.csv`` into a folder."""
    out = Path(out)
    for name, table in pool_tables(answer).items():
        write_whole(out / "tables" / f"pool-{name}.csv", table.to_csv(index=False, lineterminator="\n"))
    text = json.dumps(answer.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(out / "answer.json", text + "\n")


def pool_tables(answer: PooledAnswer) -> dict[str, pd.DataFrame]:
    """The numbers behind every pooled picture: one row per quantity, and one per office and quantity."""
    names = ("exposure", "outcome", "measure")
    summary = [
        {item.name: getattr(forest, item.name) for item in dataclasses.fields(forest) if item.name != "rows"}
        | {"files": len(forest.rows), "people": sum(row.n_people for row in forest.rows)}
        for forest in answer.forests
    ]
    rows = [
        {name: getattr(forest, name) for name in names} | dataclasses.asdict(row)
        for forest in answer.forests
        for row in forest.rows
    ]
    offices = [dataclasses.asdict(office) for office in answer.offices]
    return {"summary": pd.DataFrame(summary), "forest": pd.DataFrame(rows), "offices": pd.DataFrame(offices)}


# ---- reading and checking --------------------------------------------------------------------------------


def _file(path: Path | str) -> Path:
    path = Path(path)
    return path / EVIDENCE_FILE if path.is_dir() else path


def _labels(files: Sequence[Path]) -> list[str]:
    """Names for the forest plot: the file's, or its folder's where every file has the same name."""
    names = [path.parent.resolve().name if path.name == EVIDENCE_FILE else path.stem for path in files]
    again = Counter(names)
    seen: Counter[str] = Counter()
    labels = []
    for name in names:
        seen[name] += 1
        labels.append(f"{name} ({seen[name]})" if again[name] > 1 else name)
    return labels


def _check_poolable(evidence: dict[str, dict[str, Any]]) -> None:
    if len(evidence) < 2:
        raise DataError(f"{len(evidence)} evidence file to pool; at least two are needed")
    problems = [*_same_twice(evidence), *_other_definitions(evidence)]
    if problems:
        raise DataError(problems)


def _same_twice(evidence: dict[str, dict[str, Any]]) -> list[Problem]:
    """The same people counted twice would make the answer look more certain than it is."""
    problems, first = [], {}
    for label, one in evidence.items():
        content = _fingerprint(one["cells"])
        if content in first:
            problems.append(Problem(label, f"holds the same evidence as {first[content]}", "leave one of them out"))
        first.setdefault(content, label)
    return problems


def _other_definitions(evidence: dict[str, dict[str, Any]]) -> list[Problem]:
    """Each definition that differs from the first file's, with both values."""
    problems = []
    label_of_first, reference = next(iter(evidence.items()))
    for label, one in evidence.items():
        mine, theirs = one["definitions"], reference["definitions"]
        for name in sorted(set(mine) | set(theirs)):
            if mine.get(name) != theirs.get(name):
                problems.append(
                    Problem(
                        label, f"{name} is {mine.get(name)}, in {label_of_first} it is {theirs.get(name)}",
                        "run ssi-audit audit with the same settings everywhere",
                    )
                )  # fmt: skip
    for name in DATA_DEFINITIONS:
        values = {label: one.get("data_definitions", {}).get(name, "") for label, one in evidence.items()}
        known = {label: value for label, value in values.items() if value}
        if len(set(known.values())) > 1:
            label_of_first, first = next(iter(known.items()))
            problems.extend(
                Problem(
                    label, f"{name} is {value}, in {label_of_first} it is {first}",
                    "count the same events everywhere: set inquiry_source, or export the same stages",
                )
                for label, value in known.items()
                if value != first
            )  # fmt: skip
    return problems


# ---- combining -------------------------------------------------------------------------------------------


@dataclass
class _Collector:
    """Pools one quantity after the other and keeps the forests."""

    forests: list[Forest]

    def pooled(
        self, parts: dict[str, dict[str, Any]], name: tuple[str, str, str], shown: Callable[[float], float]
    ) -> RandomEffects:
        """Random effects over offices; `parts` have ``estimate``, ``se``, ``df`` and ``n_people``."""
        from ssi_audit.stats.distributions import t_quantile
        from ssi_audit.stats.meta import random_effects

        estimates = np.array([part["estimate"] for part in parts.values()], float)
        errors = np.array([part["se"] for part in parts.values()], float)
        found = random_effects(estimates, errors**2)
        weight = 1 / (errors**2 + found.tau2)
        half = np.array([t_quantile(0.975, part["df"]) for part in parts.values()]) * errors
        rows = tuple(
            ForestRow(label, shown(value), shown(value - h), shown(value + h), float(share), int(part["n_people"]))
            for (label, part), value, h, share in zip(
                parts.items(), estimates.tolist(), half.tolist(), weight / weight.sum(), strict=True
            )
        )
        ends = (found.estimate, found.low, found.high, found.predict_low, found.predict_high)
        self.forests.append(Forest(*name, rows, *map(shown, ends), found.tau2, found.i2, found.q, found.q_p, found.p))
        return found


def _combine(evidence: dict[str, dict[str, Any]]) -> PooledAnswer:
    first = next(iter(evidence.values()))
    sesoi = {name.removeprefix("sesoi "): x for name, x in first["definitions"].items() if name.startswith("sesoi ")}
    alpha = first["definitions"]["alpha"]
    collector = _Collector([])
    activity = _activity(evidence, collector)
    data = _data(evidence)
    seller_years = verdict.seller_years(data["rows"], data["period"])
    cells = _cells(evidence, activity, seller_years, sesoi, alpha, collector)
    score_break = any(one["data"].get("score_break") for one in evidence.values())
    audit = Audit(
        data=data,
        overall=verdict.judge_overall(cells, activity, score_break=score_break),
        activity=activity,
        cells=tuple(cells),
        claims=_claims(evidence, cells, activity, seller_years, sesoi, collector),
        watch=_watch(evidence, collector),
        settings_fingerprint=first["definitions_fingerprint"],
        version=version("ssi-audit"),
    )
    offices = tuple(
        Office(
            label, *(one["data"].get(name) for name in ("people", "periods", "start", "end")),
            activity=bool(one["activity"]["types"]),
        )
        for label, one in evidence.items()
    )  # fmt: skip
    found = {name: _first(one.get("data_definitions", {}).get(name) for one in evidence.values())
             for name in DATA_DEFINITIONS}  # fmt: skip
    return PooledAnswer(
        audit, offices, tuple(collector.forests), first["definitions_fingerprint"], first["definitions"] | found
    )


def _first(values: Iterable[str | None]) -> str:
    return next((value for value in values if value), "")


def _data(evidence: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Counts over all offices, in the shape of one."""
    data = [one["data"] for one in evidence.values()]
    return {
        "people": sum(one["people"] for one in data),
        "periods": max(one["periods"] for one in data),
        "period": next(iter(evidence.values()))["definitions"]["period"],
        "start": min(one["start"] for one in data),
        "end": max(one["end"] for one in data),
        "rows": sum(one["rows"] for one in data),
        "fingerprint": _fingerprint(sorted(str(one["fingerprint"]) for one in data)),
        "sample": any(one["sample"] for one in data),
        "offices": len(data),
    }


def _activity(evidence: dict[str, dict[str, Any]], collector: _Collector) -> ActivityLink:
    """K1 over offices: the mean of the shares explained, by rows; complete is a log that every office has that logs."""
    parts = [one["activity"] for one in evidence.values()]
    known = [part for part in parts if part["r2"] is not None]
    rows = sum(part["n_rows"] for part in known)
    r2 = sum(part["r2"] * part["n_rows"] for part in known) / rows if rows else math.nan
    # An office without any log brings nothing at equal activity, so its log is not missed there.
    logged = known or parts
    types = tuple(kind for kind in schema.ACTIVITY_TYPES if all(kind in part["types"] for part in logged))
    missing = tuple(name for name in schema.PILLARS if any(name in part["pillars_without"] for part in logged))
    links = {
        exposure: _pool_correlation(
            {label: one["activity"]["links"].get(exposure) for label, one in evidence.items()},
            (exposure, "activity", "link"), collector,
        )
        for exposure in schema.EXPOSURES
    }  # fmt: skip
    people = sum(part["n_people"] for part in known)
    why = "" if known else "no LinkedIn activity in the files"
    return ActivityLink(verdict.activity_status(r2), r2, links, types, missing, people, rows, why)


def _cells(
    evidence: dict[str, dict[str, Any]],
    activity: ActivityLink,
    seller_years: float,
    sesoi: dict[str, float],
    alpha: float,
    collector: _Collector,
) -> list[Cell]:
    """Pool every quantity of every pair, adjust the families, and put each pair before the rule."""
    by_pair: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for label, one in evidence.items():
        for cell in one["cells"]:
            by_pair.setdefault((cell["exposure"], cell["outcome"]), {})[label] = cell
    pairs = [(exposure, outcome) for exposure in schema.EXPOSURES for outcome in schema.OUTCOMES]
    pairs = [pair for pair in pairs if pair in by_pair]
    fits: dict[str, dict[tuple[str, str], Fit]] = {name: {} for name in FITS}
    links: dict[str, dict[tuple[str, str], Correlation]] = {name: {} for name in CORRELATIONS}
    for pair in pairs:
        for name in FITS:
            parts = {label: cell[name] for label, cell in by_pair[pair].items()}
            fits[name][pair] = _pool_fit(parts, (*pair, name), sesoi[pair[1]], collector)
        for name in CORRELATIONS:
            parts = {label: cell[name] for label, cell in by_pair[pair].items()}
            links[name][pair] = _pool_correlation(parts, (*pair, name), collector)
    fits["crude"], fits["adjusted"] = adjust_families(fits["crude"]), adjust_families(fits["adjusted"])
    cells = []
    for pair in pairs:
        mine = {name: fits[name][pair] for name in FITS}
        tested = ("crude", "adjusted", "lead_placebo", "negative_control")
        seen = verdict.Evidence(
            pair[1], **{name: mine[name] for name in tested}, activity=activity, seller_years=seller_years
        )
        decided, flags, reason = verdict.judge(seen, sesoi[pair[1]], alpha)
        strict, loose = (verdict.judge(seen, one, alpha)[0] for one in (verdict.STRICT_SESOI, verdict.LOOSE_SESOI))
        mine_links = {name: links[name][pair] for name in CORRELATIONS}
        cells.append(Cell(*pair, decided, flags, reason, **mine, **mine_links, strict=strict, loose=loose))
    return cells


def _known(parts: dict[str, dict[str, Any] | None]) -> dict[str, dict[str, Any]]:
    return {label: part for label, part in parts.items() if part is not None}


def _pool_fit(
    parts: dict[str, dict[str, Any] | None], name: tuple[str, str, str], sesoi: float, collector: _Collector
) -> Fit:
    from ssi_audit.stats.distributions import t_quantile
    from ssi_audit.stats.inference import minimum_detectable_ratio, needed_multiple

    known = _known(parts)
    counts = {
        "n_people": sum(part["n_people"] for part in known.values()),
        "n_rows": sum(part["n_rows"] for part in known.values()),
        "n_events": sum(part["n_events"] for part in known.values()),
    }
    if len(known) < 2:
        return Fit(why=ONLY_ONE if known else NONE, **counts)
    found = collector.pooled(
        {label: part | {"estimate": part["log_rr"]} for label, part in known.items()}, name, math.exp
    )
    narrow = float(t_quantile(0.95, found.df)) * found.se
    means = [(part["mean"], part["n_rows"]) for part in known.values() if part["mean"] is not None]
    return Fit(
        rr=math.exp(found.estimate), low=math.exp(found.low), high=math.exp(found.high),
        low90=math.exp(found.estimate - narrow), high90=math.exp(found.estimate + narrow), p=found.p,
        df=float(found.df), se_log=found.se, mdrr=minimum_detectable_ratio(found.se, found.df),
        needed_multiple=needed_multiple(found.se, sesoi, found.df),
        mean=sum(mean * n for mean, n in means) / sum(n for _, n in means) if means else math.nan, **counts,
    )  # fmt: skip


def _pool_correlation(
    parts: dict[str, dict[str, Any] | None], name: tuple[str, str, str], collector: _Collector
) -> Correlation:
    known = {label: part for label, part in _known(parts).items() if part["se"] is not None}
    counts = {
        "n_people": sum(part["n_people"] for part in known.values()),
        "n_rows": sum(part["n_rows"] for part in known.values()),
    }
    if len(known) < 2:
        return Correlation(why=ONLY_ONE if known else NONE, **counts)
    found = collector.pooled(known, name, math.tanh)
    return Correlation(
        math.tanh(found.estimate), math.tanh(found.low), math.tanh(found.high), found.p, method="pooled", **counts
    )


def _claims(
    evidence: dict[str, dict[str, Any]],
    cells: list[Cell],
    activity: ActivityLink,
    seller_years: float,
    sesoi: dict[str, float],
    collector: _Collector,
) -> tuple[ClaimResult, ...]:
    from ssi_audit.pool_claims import pool_claims

    fits = {name: {(cell.exposure, cell.outcome): getattr(cell, name) for cell in cells} for name in FITS}

    def pooled(parts: dict[str, dict[str, Any]], name: tuple[str, str, str]) -> RandomEffects:
        return collector.pooled(parts, name, lambda value: _unscaled(value, name[2]))

    return pool_claims(evidence, fits, activity, sesoi, pooled, _unscaled, seller_years)


def _watch(evidence: dict[str, dict[str, Any]], collector: _Collector) -> tuple[Indicator, ...]:
    """Skill of each indicator, pooled as it is."""
    names = dict.fromkeys(item["name"] for one in evidence.values() for item in one.get("watch", []))
    ranked = []
    for name in names:
        parts = {
            label: item
            for label, one in evidence.items()
            for item in one.get("watch", [])
            if item["name"] == name and item["se"] is not None
        }
        try:
            found = collector.pooled(parts, ("", name, "skill"), float)
        except NotEnoughData:
            continue
        people = sum(part["n_people"] for part in parts.values())
        ranked.append(Indicator(name, found.estimate, found.low, found.high, people))
    return tuple(sorted(ranked, key=lambda item: (-item.skill, item.name)))
