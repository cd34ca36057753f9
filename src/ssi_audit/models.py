"""The estimands of methods.md section 2: which model answers which question, and what is read off it.

C (crude within), D (beyond activity), B (between), the lead placebo, the
negative control and K1. `design.py` chooses the rows, `stats` does the
arithmetic, `links.py` holds the correlations.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ssi_audit import schema, verdict
from ssi_audit.design import Columns, Design, check_exposure, check_outcome, columns, design
from ssi_audit.errors import NotEnoughData
from ssi_audit.links import cannot, quarter_link
from ssi_audit.results import ActivityLink, Fit

if TYPE_CHECKING:
    from ssi_audit.stats.working import ModelFit

# Fewer clusters than this: not even a descriptive figure.
MIN_PEOPLE = 3
# Territory enters the comparison of persons only when there are this many persons per territory.
PEOPLE_PER_TERRITORY = 4


def regress(
    panel: pd.DataFrame | Columns,
    exposure: str,
    outcome: str,
    adjusted: bool = True,
    *,
    sesoi: float | None = None,
    seed: int | None = 1,
) -> Fit:
    """Rate ratio of an outcome per exposure unit, within persons: estimand C or D of methods.md section 2.

    Parameters
    ----------
    panel : pandas.DataFrame or Columns
        As `build_panel` returns it.
    exposure, outcome : str
        ``brand`` … ``total``; a name of `schema.OUTCOMES`.
    adjusted : bool
        True: beyond logged activity (D). False: crude (C).
    sesoi : float, optional
        Smallest effect of interest; default by outcome.
    seed : int, optional
        Of the wild bootstrap's signs; None: no wild bootstrap.

    Returns
    -------
    Fit
        With `why` set when these data cannot give it.

    Raises
    ------
    ValueError
        For an unknown exposure or outcome.
    """
    check_exposure(exposure)
    check_outcome(outcome)
    given = columns(panel)
    why = cannot(given, outcome, adjusted)
    if why:
        return Fit(why=why)
    return fit_design(design(given, exposure, outcome, adjusted), sesoi or smallest_effect(outcome), seed)


def lead_placebo(panel: pd.DataFrame | Columns, exposure: str, outcome: str) -> Fit:
    """D plus the reading at the end of the lead; returns the lead's coefficient.

    In a causal story the score of the next quarter cannot move this week's outcome (methods.md section 7).
    """
    given = columns(panel)
    why = cannot(given, outcome, adjusted=True)
    if why:
        return Fit(why=why)
    lead, now = given.exposure(exposure, "lead_"), given.exposure(exposure)
    return fit_design(design(given, exposure, outcome, True, extra=now, x=lead), smallest_effect(outcome))


def negative_control(panel: pd.DataFrame | Columns, exposure: str) -> Fit:
    """D on inquiries that did not come from LinkedIn: LinkedIn cannot have brought those."""
    given = columns(panel)
    if given.facts["inquiry_source"] != "linkedin":
        return Fit(why="the files do not say which inquiries came from LinkedIn (column source of crm_events)")
    if not np.nansum(given["inquiries_other"]) > 0:
        return Fit(why="every inquiry with a known source came from LinkedIn")
    why = cannot(given, "inquiries", adjusted=True)
    if why:
        return Fit(why=why)
    return fit_design(design(given, exposure, "inquiries_other", True), smallest_effect("inquiries"))


def between(panel: pd.DataFrame | Columns, exposure: str, outcome: str) -> Fit:
    """Estimand B: coefficient of the person's mean score (Mundlak), with territory and tenure. Never an effect."""
    from ssi_audit.stats.fixed_effects import pooled_poisson

    given = columns(panel)
    why = cannot(given, outcome, adjusted=False)
    if why:
        return Fit(why=why)
    x = given.exposure(exposure)
    y, weight, _ = given.outcome(outcome)
    used = np.isfinite(x) & np.isfinite(y) & (weight > 0)  # the mean is over the rows that are used
    n_used = np.bincount(given.person, used)
    with np.errstate(invalid="ignore"):
        mean = (np.bincount(given.person, np.where(used, x, 0.0)) / n_used)[given.person]
    others = [x - mean, *_territories(given)]
    if np.isfinite(given["tenure_weeks"]).all():
        others.append(given["tenure_weeks"] / 52)
    model = design(given, exposure, outcome, False, extra=np.column_stack(others), x=mean)
    if model.n_people <= model.X.shape[1] + 1:
        return Fit(why=f"only {model.n_people} people to compare", **_counts(model))
    return _read_off(
        lambda: pooled_poisson(model.y, model.X, model.person, model.offset, model.calendar),
        model, smallest_effect(outcome),
    )  # fmt: skip


def _territories(given: Columns) -> list[np.ndarray]:
    """Dummies of all territories but the first, where there are enough persons in each to compare."""
    codes, names = given.territory
    if not 1 < len(names) <= (given.person.max(initial=0) + 1) / PEOPLE_PER_TERRITORY:
        return []
    return [(codes == k).astype("float64") for k in range(1, len(names))]


def fit_design(model: Design, sesoi: float, seed: int | None = None) -> Fit:
    """Fit the FE Poisson of one design and read off column 0: CR2, detectability and (with a seed) the wild p."""
    from ssi_audit.stats.bootstrap import score_wild_bootstrap
    from ssi_audit.stats.fixed_effects import fe_poisson

    if model.n_people < MIN_PEOPLE:
        return Fit(why=f"only {model.n_people} people have both the score and the outcome", **_counts(model))
    if not model.y.sum() > 0:
        return Fit(why="the outcome never happened in the rows with a score", **_counts(model))
    data = (model.offset, model.calendar)
    found = _read_off(lambda: fe_poisson(model.y, model.X, model.group, *data, clusters=model.clusters), model, sesoi)
    if seed is None or not found.known:
        return found
    wild = score_wild_bootstrap(model.y, model.X, model.group, 0, *data, clusters=model.clusters, seed=seed)
    return dataclasses.replace(found, p_wild=wild.p)


def _read_off(fit: Callable[[], ModelFit], model: Design, sesoi: float) -> Fit:
    """Column 0 of a fitted model as a rate ratio; what these data cannot tell becomes the reason."""
    from ssi_audit.stats.clusters import interval
    from ssi_audit.stats.inference import minimum_detectable_ratio, needed_multiple

    try:
        fitted = fit()
        result = interval(fitted, 0)
    except NotEnoughData as error:
        return Fit(why=str(error), **_counts(model))
    return Fit(
        rr=math.exp(result.estimate),
        low=math.exp(result.low),
        high=math.exp(result.high),
        low90=math.exp(result.low90),
        high90=math.exp(result.high90),
        p=result.p,
        df=result.df,
        se_log=result.se,
        mdrr=minimum_detectable_ratio(result.se, result.df),
        needed_multiple=needed_multiple(result.se, sesoi, result.df),
        **{**_counts(model), "n_people": result.n_clusters, "n_rows": fitted.n_rows},
    )


def _counts(model: Design) -> dict[str, float]:
    return {
        "n_people": model.n_people,
        "n_rows": len(model.y),
        "n_events": float(model.y.sum()),
        "mean": model.mean,
    }


def activity_link(panel: pd.DataFrame | Columns, *, seed: int = 1) -> ActivityLink:
    """K1: how much of the score's movement logged activity explains, leaving one person out at a time."""
    from ssi_audit.stats.skill import within_r2_lopo

    given = columns(panel)
    types = given.facts["activity_types"]
    logged = {schema.PILLAR_OF_ACTIVITY[kind] for kind in types}
    without = tuple(pillar for pillar in schema.PILLARS if pillar not in logged)
    if not types:
        return ActivityLink("unknown", math.nan, {}, (), without, why="no LinkedIn activity in the files")
    y = given["ssi"]
    used = np.isfinite(y) & np.isfinite(given.log_activity).all(axis=1)
    size = {"n_people": len(np.unique(given.person[used])), "n_rows": int(used.sum())}
    links = {exposure: quarter_link(given, exposure, "activity", seed=seed) for exposure in schema.EXPOSURES}
    if size["n_people"] < verdict.MIN_PEOPLE:
        why = f"only {size['n_people']} people have a score and 90 days of logged activity before it"
        return ActivityLink("unknown", math.nan, links, types, without, **size, why=why)
    try:
        # A redefined score moves without anybody's doing: one level per person and definition.
        calendar = given.calendar_unit(used, y)
        found = within_r2_lopo(y[used], given.log_activity[used], given.group[used], calendar, given.person[used])
    except NotEnoughData as error:
        return ActivityLink("unknown", math.nan, links, types, without, **size, why=str(error))
    status = verdict.activity_status(found.r2, found.high)
    return ActivityLink(status, found.r2, links, types, without, **size)


def with_family(fits: Sequence[Fit], method: str = "holm") -> list[Fit]:
    """Adjust the p-values of one family of tests; those without an estimate stay out of the count."""
    from ssi_audit.stats.inference import benjamini_hochberg, holm

    adjust, field = (holm, "p_holm") if method == "holm" else (benjamini_hochberg, "p_bh")
    adjusted = adjust([fit.p if fit.known else math.nan for fit in fits])
    return [dataclasses.replace(fit, **{field: float(p)}) for fit, p in zip(fits, adjusted, strict=True)]


def smallest_effect(outcome: str) -> float:
    """Default smallest effect of interest of an outcome (methods.md section 8)."""
    return schema.SESOI[outcome if outcome in schema.SESOI else "inquiries"]
