"""Panel columns to estimates: which rows, which regressors, which estimator answers which question.

The estimands C (crude within), D (beyond activity), B (between), the lead
placebo, the negative control and K1 are those of methods.md section 2 to 7.
The arithmetic lives in `stats`; this module only says what goes in.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ssi_audit import schema, verdict
from ssi_audit.errors import NotEnoughData
from ssi_audit.results import ActivityLink, Correlation, Fit

WEEKS_PER_QUARTER = 13
# Calendar effects, methods.md section 2.
MIN_EVENTS_PER_MONTH = 10
MIN_PEOPLE_FOR_WEEKS = 100
# Fewer clusters than this: descriptive figures only (methods.md section 4).
MIN_PEOPLE = 3
METHODS = ("link", "rmcorr", "partial", "spearman_between", "kendall_between", "spearman_pooled")
# A quarter of one person counts for the quarterly link when at least half of its periods are known.
MIN_QUARTER_SHARE = 0.5


@dataclass(frozen=True)
class Design:
    """The rows and columns of one model.

    Attributes
    ----------
    y : ndarray, shape (n,)
        Outcome of the row.
    X : ndarray, shape (n, k)
        Regressors; the tested one is column 0.
    names : tuple of str
        One per column of X.
    person, group : ndarray of int, shape (n,)
        Cluster; unit whose effect is absorbed (person by score regime).
    offset : ndarray, shape (n,) or None
        Log exposure time or log denominator.
    calendar : ndarray of int, shape (n,)
        Calendar unit of the row.
    mean : float
        Outcome per person and quarter; for rates the mean rate.
    index : pandas.Index
        Rows of the panel that are used.
    """

    y: np.ndarray
    X: np.ndarray
    names: tuple[str, ...]
    person: np.ndarray
    group: np.ndarray
    offset: np.ndarray | None
    calendar: np.ndarray
    mean: float
    index: pd.Index


def exposure_values(panel: pd.DataFrame, exposure: str, prefix: str = "") -> pd.Series:
    """Exposure in units of 10 points of the total or 2.5 points of a pillar."""
    check_exposure(exposure)
    return panel[prefix + schema.PANEL_EXPOSURE[exposure]] / schema.EXPOSURE_UNIT[exposure]


def log_activity(panel: pd.DataFrame) -> pd.DataFrame:
    """log(1 + A_k) for every type that was logged, shape (rows, types)."""
    types = panel.attrs["facts"]["activity_types"]
    return np.log1p(panel[[f"A_{kind}" for kind in types]])


def check_exposure(exposure: str) -> None:
    """Raise ValueError for a name that is no exposure, listing those that are."""
    if exposure not in schema.EXPOSURES:
        raise ValueError(f"unknown exposure {exposure!r}; expected one of {', '.join(schema.EXPOSURES)}")


def check_outcome(outcome: str) -> None:
    """Raise ValueError for a name that is no outcome, listing those that are."""
    if outcome not in (*schema.OUTCOMES, "inquiries_other"):
        raise ValueError(f"unknown outcome {outcome!r}; expected one of {', '.join(schema.OUTCOMES)}")


def design(
    panel: pd.DataFrame,
    exposure: str,
    outcome: str,
    adjusted: bool,
    extra: pd.DataFrame | None = None,
    x: pd.Series | None = None,
) -> Design:
    """Choose the rows and build the regressors of one model.

    Parameters
    ----------
    panel : pandas.DataFrame
        As `build_panel` returns it.
    exposure, outcome : str
        Names of `schema.EXPOSURES` and `schema.OUTCOMES`.
    adjusted : bool
        Add log(1 + A_k) of every logged type of activity.
    extra : pandas.DataFrame, optional
        More regressors, one row per row of the panel, put after the exposure.
    x : pandas.Series, optional
        Takes the place of the exposure.

    Raises
    ------
    ValueError
        For an unknown exposure or outcome.
    """
    check_outcome(outcome)
    x = exposure_values(panel, exposure) if x is None else x
    columns = [x.rename("x")]
    if extra is not None:
        columns.append(extra)
    if adjusted:
        columns.append(log_activity(panel))
    regressors = pd.concat(columns, axis=1)
    y, offset, weight = _outcome(panel, outcome)
    usable = regressors.notna().all(axis=1) & y.notna() & (weight > 0)
    rows = panel[usable]
    y, weight = y[usable], weight[usable]
    person = pd.factorize(rows["person"])[0]
    return Design(
        y=y.to_numpy("float64"),
        X=regressors[usable].to_numpy("float64"),
        names=tuple(regressors.columns),
        person=person,
        group=pd.factorize(rows["person"].astype(str) + "\x1f" + rows["regime"].astype(str))[0],
        offset=np.log(weight.to_numpy("float64")) if offset else None,
        calendar=calendar_unit(rows, y, panel.attrs["facts"]["period"]),
        mean=_mean(y, weight, outcome, panel.attrs["facts"]["period"]),
        index=rows.index,
    )


def _outcome(panel: pd.DataFrame, outcome: str) -> tuple[pd.Series, bool, pd.Series]:
    """Outcome, whether it has an offset, and what the offset is the log of."""
    if outcome in schema.RATE_OUTCOMES:
        return panel[f"{outcome}_num"], True, panel[f"{outcome}_den"].fillna(0)
    if outcome in schema.BINARY_OUTCOMES:
        return panel[outcome], False, pd.Series(1.0, index=panel.index)
    return panel[outcome], True, panel["on_duty"]


def _mean(y: pd.Series, weight: pd.Series, outcome: str, period: str) -> float:
    if not len(y) or weight.sum() == 0:
        return math.nan
    mean = float(y.sum() / weight.sum())
    if outcome in schema.RATE_OUTCOMES + schema.BINARY_OUTCOMES:
        return mean
    return mean * (WEEKS_PER_QUARTER if period == "week" else 3)


def calendar_unit(rows: pd.DataFrame, y: pd.Series, period: str) -> np.ndarray:
    """Calendar effect of each row: period, month or quarter, by how much there is to estimate it from."""
    if rows.empty:
        return np.zeros(0, dtype="int64")
    month = rows["period"].dt.year * 12 + rows["period"].dt.month
    if rows["person"].nunique() >= MIN_PEOPLE_FOR_WEEKS:
        unit = rows["period"]
    elif y.sum() / month.nunique() >= MIN_EVENTS_PER_MONTH:
        unit = month
    else:
        unit = quarter_number(rows["period"], rows["period"].min(), period)
    return pd.factorize(unit, sort=True)[0]


def quarter_number(period: pd.Series, first: pd.Timestamp, length: str) -> pd.Series:
    """Number of the 13-week (or 3-month) block, counted from the first period."""
    if length == "week":
        return (period - first).dt.days // (7 * WEEKS_PER_QUARTER)
    return ((period.dt.year - first.year) * 12 + period.dt.month - first.month) // 3


def regress(
    panel: pd.DataFrame,
    exposure: str,
    outcome: str,
    adjusted: bool = True,
    *,
    sesoi: float | None = None,
    seed: int = 1,
) -> Fit:
    """Rate ratio of an outcome per exposure unit, within persons: estimand C or D of methods.md section 2.

    Parameters
    ----------
    panel : pandas.DataFrame
        As `build_panel` returns it.
    exposure, outcome : str
        ``brand`` … ``total``; a name of `schema.OUTCOMES`.
    adjusted : bool
        True: beyond logged activity (D). False: crude (C).
    sesoi : float, optional
        Smallest effect of interest; default by outcome.
    seed : int
        Of the wild bootstrap's signs.

    Returns
    -------
    Fit
        With `why` set when these data cannot give it.
    """
    why = _cannot(panel, outcome, adjusted)
    if why:
        return Fit(why=why)
    return fit_design(design(panel, exposure, outcome, adjusted), sesoi or _sesoi(outcome), seed)


def lead_placebo(panel: pd.DataFrame, exposure: str, outcome: str, *, seed: int = 1) -> Fit:
    """D plus the reading at the end of the lead; returns the lead's coefficient.

    In a causal story the score of the next quarter cannot move this week's outcome (methods.md section 7).
    """
    why = _cannot(panel, outcome, adjusted=True)
    if why:
        return Fit(why=why)
    lead = exposure_values(panel, exposure, "lead_")
    now = exposure_values(panel, exposure).rename("now").to_frame()
    return fit_design(design(panel, exposure, outcome, True, extra=now, x=lead), _sesoi(outcome), seed)


def negative_control(panel: pd.DataFrame, exposure: str, *, seed: int = 1) -> Fit:
    """D on inquiries that did not come from LinkedIn: LinkedIn cannot have brought those."""
    if panel.attrs["facts"]["inquiry_source"] != "linkedin":
        return Fit(why="the files do not say which inquiries came from LinkedIn (column source of crm_events)")
    if not panel["inquiries_other"].sum() > 0:
        return Fit(why="every inquiry with a known source came from LinkedIn")
    why = _cannot(panel, "inquiries", adjusted=True)
    if why:
        return Fit(why=why)
    return fit_design(design(panel, exposure, "inquiries_other", True), _sesoi("inquiries"), seed)


def fit_design(model: Design, sesoi: float, seed: int = 1) -> Fit:
    """Fit the FE Poisson of one design and read off column 0 with CR2, wild bootstrap and detectability."""
    from ssi_audit.stats.bootstrap import score_wild_bootstrap
    from ssi_audit.stats.clusters import interval
    from ssi_audit.stats.fixed_effects import fe_poisson
    from ssi_audit.stats.inference import minimum_detectable_ratio, needed_multiple

    n_people = len(np.unique(model.person))
    counts = {"n_people": n_people, "n_rows": len(model.y), "n_events": float(model.y.sum()), "mean": model.mean}
    if n_people < MIN_PEOPLE:
        return Fit(why=f"only {n_people} people have both the score and the outcome", **counts)
    if not model.y.sum() > 0:
        return Fit(why="the outcome never happened in the rows with a score", **counts)
    # Persons whose score was redefined have one effect per regime; they are still one cluster each.
    clusters = None if np.array_equal(model.group, model.person) else model.person
    try:
        fit = fe_poisson(model.y, model.X, model.group, model.offset, model.calendar, clusters=clusters)
        result = interval(fit, 0)
        wild = score_wild_bootstrap(
            model.y, model.X, model.group, 0, model.offset, model.calendar, clusters=clusters, seed=seed
        ).p
    except NotEnoughData as error:
        return Fit(why=str(error), **counts)
    counts |= {"n_people": fit.n_people, "n_rows": fit.n_rows}
    return Fit(
        rr=math.exp(result.estimate),
        low=math.exp(result.low),
        high=math.exp(result.high),
        low90=math.exp(result.low90),
        high90=math.exp(result.high90),
        p=result.p,
        p_wild=wild,
        df=result.df,
        se_log=result.se,
        mdrr=minimum_detectable_ratio(result.se, result.df),
        needed_multiple=needed_multiple(result.se, sesoi, result.df),
        **counts,
    )


def between(panel: pd.DataFrame, exposure: str, outcome: str) -> Fit:
    """Estimand B: coefficient of the person's mean score (Mundlak), with territory and tenure. Never an effect."""
    from ssi_audit.stats.clusters import interval
    from ssi_audit.stats.fixed_effects import pooled_poisson
    from ssi_audit.stats.inference import minimum_detectable_ratio, needed_multiple

    why = _cannot(panel, outcome, adjusted=False)
    if why:
        return Fit(why=why)
    x = exposure_values(panel, exposure)
    y, _, weight = _outcome(panel, outcome)
    x = x.where(y.notna() & (weight > 0))  # the mean is over the rows that are used
    mean = x.groupby(panel["person"]).transform("mean")
    others = [(x - mean).rename("within")]
    territory = panel["territory"].fillna("").astype(str)
    if 1 < territory.nunique() <= panel["person"].nunique() / 4:
        others.append(pd.get_dummies(territory, prefix="territory", drop_first=True, dtype="float64"))
    if panel["tenure_weeks"].notna().all():
        others.append((panel["tenure_weeks"] / 52).rename("tenure_years"))
    model = design(panel, exposure, outcome, False, extra=pd.concat(others, axis=1), x=mean)
    n_people = len(np.unique(model.person))
    counts = {"n_people": n_people, "n_rows": len(model.y), "n_events": float(model.y.sum()), "mean": model.mean}
    if n_people <= model.X.shape[1] + 1:
        return Fit(why=f"only {n_people} people to compare", **counts)
    try:
        fit = pooled_poisson(model.y, model.X, model.person, model.offset, model.calendar)
        result = interval(fit, 0)
    except NotEnoughData as error:
        return Fit(why=str(error), **counts)
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
        needed_multiple=needed_multiple(result.se, _sesoi(outcome), result.df),
        **counts,
    )


def activity_link(panel: pd.DataFrame) -> ActivityLink:
    """K1: how much of the score's movement logged activity explains, leaving one person out at a time."""
    from ssi_audit.stats.skill import within_r2_lopo

    types = panel.attrs["facts"]["activity_types"]
    without = tuple(
        pillar for pillar in schema.PILLARS if pillar not in {schema.PILLAR_OF_ACTIVITY[kind] for kind in types}
    )
    if not types:
        return ActivityLink("unknown", math.nan, {}, (), without, why="no LinkedIn activity in the files")
    y = panel["ssi"]
    regressors = log_activity(panel)
    usable = y.notna() & regressors.notna().all(axis=1)
    rows = panel[usable]
    n_people = rows["person"].nunique()
    if n_people < MIN_PEOPLE:
        return ActivityLink(
            "unknown", math.nan, {}, types, without, n_people, len(rows),
            why="fewer than 3 people have a score and 90 days of logged activity",
        )  # fmt: skip
    r2 = within_r2_lopo(
        y[usable].to_numpy("float64"),
        regressors[usable].to_numpy("float64"),
        rows["person"].to_numpy(),
        calendar_unit(rows, y[usable], panel.attrs["facts"]["period"]),
    )
    r2 = float(getattr(r2, "r2", r2))
    links = {exposure: quarter_link(panel, exposure, "activity") for exposure in schema.EXPOSURES}
    return ActivityLink(verdict.activity_status(r2), r2, links, types, without, n_people, len(rows))


def quarter_link(panel: pd.DataFrame, exposure: str, outcome: str, *, seed: int = 1) -> Correlation:
    """Within-person link on quarters: the number of the first screen.

    Mean score against the outcome per working day (or the rate, or logged activity), one point per person and
    quarter, person and quarter effects removed. Quarters because a week of one seller is mostly luck.
    """
    from ssi_audit.stats.correlation import within_correlation

    if outcome != "activity":
        why = _cannot(panel, outcome, adjusted=False)
    else:
        why = "" if panel.attrs["facts"]["activity_types"] else "no LinkedIn activity in the files"
    if why:
        return Correlation(why=why)
    quarters = quarter_table(panel, exposure, outcome)
    try:
        found = within_correlation(
            quarters["x"], quarters["y"], quarters["person"], calendar=quarters["quarter"], seed=seed
        )
    except NotEnoughData as error:
        return Correlation(why=str(error), n_people=quarters["person"].nunique(), n_rows=len(quarters))
    return _correlation(found, "within sellers, by quarter")


def quarter_table(panel: pd.DataFrame, exposure: str, outcome: str) -> pd.DataFrame:
    """One row per person and quarter: ``person, quarter, x`` (points) and ``y`` (see `quarter_link`)."""
    length = panel.attrs["facts"]["period"]
    per_quarter = WEEKS_PER_QUARTER if length == "week" else 3
    x = panel[schema.PANEL_EXPOSURE[exposure]]
    if outcome == "activity":
        y, weight = log_activity(panel).mean(axis=1, skipna=False), pd.Series(1.0, index=panel.index)
    else:
        y, _, weight = _outcome(panel, outcome)
    needs_all = outcome not in schema.BINARY_OUTCOMES
    usable = x.notna() & y.notna() & (weight > 0 if outcome not in schema.RATE_OUTCOMES else weight.notna())
    table = pd.DataFrame(
        {
            "person": panel["person"],
            "quarter": quarter_number(panel["period"], panel["period"].min(), length),
            "x": x,
            "y": y,
            "weight": weight,
        }
    )[usable]
    grouped = table.groupby(["person", "quarter"], sort=True)
    quarters = grouped.agg(x=("x", "mean"), y=("y", "sum"), weight=("weight", "sum"), n=("x", "size")).reset_index()
    quarters = quarters[quarters["weight"] > 0]
    if needs_all:
        quarters = quarters[quarters["n"] >= MIN_QUARTER_SHARE * per_quarter]
    quarters["y"] = quarters["y"] / quarters["weight"]
    several = quarters.groupby("person")["x"].transform("size") >= 2
    return quarters.loc[several, ["person", "quarter", "x", "y"]].reset_index(drop=True)


def correlate(panel: pd.DataFrame, exposure: str, outcome: str, method: str = "link", *, seed: int = 1) -> Correlation:
    """Correlate a score with an outcome.

    Parameters
    ----------
    panel : pandas.DataFrame
        As `build_panel` returns it.
    exposure, outcome : str
    method : {"link", "rmcorr", "partial", "spearman_between", "kendall_between", "spearman_pooled"}
        Within persons by quarter; within persons by period; the same given log activity and calendar; across
        person means (two measures); all rows, which is descriptive only.
    seed : int
        Of the permutations.
    """
    from ssi_audit.stats import correlation as stats

    check_exposure(exposure)
    check_outcome(outcome)
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; expected one of {', '.join(METHODS)}")
    if method == "link":
        return quarter_link(panel, exposure, outcome, seed=seed)
    why = _cannot(panel, outcome, adjusted=method == "partial")
    if why:
        return Correlation(why=why)
    x = panel[schema.PANEL_EXPOSURE[exposure]]
    y, _, weight = _outcome(panel, outcome)
    usable = x.notna() & y.notna() & (weight > 0)
    covariates = log_activity(panel) if method == "partial" else None
    if covariates is not None:
        usable &= covariates.notna().all(axis=1)
    rows = panel[usable]
    x, y, weight = x[usable], y[usable], weight[usable]
    try:
        if method in ("rmcorr", "partial"):
            given = None if covariates is None else covariates[usable]
            calendar = calendar_unit(rows, y, panel.attrs["facts"]["period"]) if method == "partial" else None
            found = stats.within_correlation(x, y / weight, rows["person"], given, calendar, seed=seed)
            return _correlation(found, "within sellers, by period")
        if method == "spearman_pooled":
            found = stats.pooled_spearman(x, y / weight, rows["person"], rows["period"], seed=seed)
            return _correlation(found, "all rows, descriptive")
        # One row per person: mean score, and the outcome per day worked or the rate over the whole time.
        sums = pd.DataFrame({"x": x, "y": y, "weight": weight}).groupby(rows["person"])
        person = sums.agg(x=("x", "mean"), y=("y", "sum"), weight=("weight", "sum"))
        between = {"spearman_between": stats.between_spearman, "kendall_between": stats.between_kendall}[method]
        found = between(person["x"], person["y"] / person["weight"], person.index, seed=seed)
        return dataclasses.replace(_correlation(found, "across sellers"), n_rows=len(rows))
    except NotEnoughData as error:
        return Correlation(why=str(error), n_people=rows["person"].nunique(), n_rows=len(rows))


def _correlation(found: object, method: str) -> Correlation:
    return Correlation(
        r=float(found.r), low=float(found.low), high=float(found.high), p=float(found.p),
        n_people=int(found.n_people), n_rows=int(found.n_rows), method=method,
    )  # fmt: skip


def with_family(fits: Sequence[Fit], method: str = "holm") -> list[Fit]:
    """Adjust the p-values of one family of tests; those without an estimate stay out of the count."""
    from ssi_audit.stats.inference import benjamini_hochberg, holm

    adjust, field = (holm, "p_holm") if method == "holm" else (benjamini_hochberg, "p_bh")
    adjusted = adjust([fit.p if fit.known else math.nan for fit in fits])
    return [dataclasses.replace(fit, **{field: float(p)}) for fit, p in zip(fits, adjusted, strict=True)]


def _sesoi(outcome: str) -> float:
    return schema.SESOI[outcome if outcome in schema.SESOI else "inquiries"]


def _cannot(panel: pd.DataFrame, outcome: str, adjusted: bool) -> str:
    facts = panel.attrs["facts"]
    if outcome in facts["missing"]:
        return facts["missing"][outcome]
    if adjusted and not facts["activity_types"]:
        return "no LinkedIn activity in the files, so nothing can be held equal"
    return ""
