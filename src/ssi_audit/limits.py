"""Would another reasonable analysis have given another answer? The specification curve of every main outcome.

Each analysis answers the question of its own kind: with activity held equal
it is compared with the main adjusted estimate, without it with the main crude
one, by the printed rule (methods.md section 8), Holm over the four main
outcomes included. The choices that analysts differ on most (period, lag,
score, extreme periods, model) are crossed completely; each further choice
(a lag of a quarter, the calendar, one kind of activity left out, none held
equal, the top seller or beginners left out) is changed alone under both
models. A joint test hands whole score histories to other sellers and asks how
often the whole curve lies this far from no difference.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ssi_audit import models, parallel, schema, verdict
from ssi_audit.design import Columns, columns
from ssi_audit.errors import NotEnoughData
from ssi_audit.links import cannot
from ssi_audit.panel import build_panel, day_number
from ssi_audit.results import Audit, Fit
from ssi_audit.settings import Settings
from ssi_audit.windows import events_of, sum_between

if TYPE_CHECKING:
    from ssi_audit.stats.specification import Specification, SpecificationCurve

# Option → periods between the last reading and the first day of the outcome, beyond the usual. A quarter later is a
# question of its own (claim K6), so it stands beside the crossed choices.
LAGS = {"1 week": {"week": 0, "month": 0}, "5 weeks": {"week": 4, "month": 1}, "13 weeks": {"week": 12, "month": 3}}
CROSSED_LAGS, LATE = ("1 week", "5 weeks"), "13 weeks"
SCORES = ("last reading", "mean of 4 weeks")
CALENDARS = ("quarter", "month")
MODELS = ("poisson", "linear")
ALL_ACTIVITY, NO_ACTIVITY = "all", "none"
KEPT, PULLED_IN, WITHOUT_TOP = "kept", "pulled in", "without the top seller"
EVERYBODY, EXPERIENCED = "everybody", "after half a year"

MEAN_DAYS = 28
# Counts above this quantile of the periods with an event are set to it.
EXTREME = 0.99
BEGINNER_WEEKS = 26
# 1 / 200 is fine enough for a test at 5 %, and a page does not wait for more.
DRAWS = 199
# Above this many sellers a random sample of them is analysed: what one choice changes shows in 400 as in 4,000, and
# the tables of who could lend whom his history grow with the square.
MAX_PEOPLE = 400
# Rows of the panel from which on four curves take longer than starting workers for them.
WORTH_A_WORKER = 500
# Numbers of the curve are rounded for the file: nobody reads the seventh digit of an interval.
DIGITS = 6
# Name in a row of the result → field of the estimate.
ROW_NUMBERS = {"ratio": "rr", "low": "low", "high": "high", "p": "p", "df": "df"}


@dataclass(frozen=True, eq=False)
class _Source:
    """One panel and what its specifications share.

    Attributes
    ----------
    given : Columns
    period : str
    scores : dict of str to ndarray, shape (rows,)
        Option of the score → exposure in units of 10 points, at lag 1.
    line, place : ndarray of int, shape (rows,)
        Cell of each row in a person-by-period matrix.
    """

    given: Columns
    period: str
    scores: dict[str, np.ndarray]
    line: np.ndarray
    place: np.ndarray

    def shifted(self, values: np.ndarray, periods: int) -> np.ndarray:
        """Values of so many periods before; NaN where the person has no row there."""
        if periods == 0:
            return values
        matrix = np.full((self.line.max() + 1, self.place.max() + 1 + periods), np.nan)
        matrix[self.line, self.place + periods] = values
        return matrix[self.line, self.place]


def specification_curve(
    panel: pd.DataFrame, tables: schema.Tables, settings: Settings | None = None, outcome: str = ""
) -> dict[str, Any]:
    """Fit every specification of every main outcome and compare the answers.

    Parameters
    ----------
    panel : pandas.DataFrame
        As `build_panel` returns it.
    tables : Tables
        The same run's tables: the panel of the other period length is built from them.
    settings : Settings, optional
    outcome : str, optional
        Whose curve stands at the top; default: the first main outcome that has one.

    Returns
    -------
    dict
        Ready for JSON, empty when no main outcome could be analysed. Of the outcome at the top: ``outcome``, ``n``,
        ``agree``, ``status`` (of the main analysis: pos, neg, nil or unknown),
        ``rows`` (one per specification: ``choices``, ``ratio``, ``low``, ``high``,
        ``p``, ``df``, ``n_people``, ``n_rows``, ``status``, ``agrees``, ``main``),
        ``failed`` (those without an estimate: ``choices``, ``why``), ``moves_most``, ``influence`` (one per choice),
        ``sesoi`` (agreement for other smallest effects), ``joint`` (permutation test). ``others``: the same for the
        other main outcomes. ``n_all``, ``agree_all``, ``p_joint``: over all of them. ``people``: sellers in the panel
        (``all``) and on the curve (``used``), fewer where there are more than `MAX_PEOPLE`.
    """
    settings = settings or Settings()
    n_people = panel["person"].nunique()
    panel, tables = _sample(panel, tables, settings.seed)
    sources = _sources(panel, tables, settings)
    questions = [(name,) for name in schema.PRIMARY_OUTCOMES]
    made = parallel.starmap(_outcome_curve, panel, questions, sources, settings, min_rows=WORTH_A_WORKER)
    curves = {name: curve for (name,), curve in zip(questions, made, strict=True) if curve is not None}
    if not curves:
        return {}
    _judge(curves, settings)
    top = outcome if outcome in curves else next(iter(curves))
    plain = {name: _plain_curve(name, curve, settings) for name, curve in curves.items()}
    return {
        **plain[top],
        "others": {name: one for name, one in plain.items() if name != top},
        "n_all": sum(one["n"] for one in plain.values()),
        "agree_all": sum(one["agree"] for one in plain.values()),
        "p_joint": _joint_p([curve.joint for curve in curves.values()]),
        "people": {"all": n_people, "used": panel["person"].nunique()},
    }


def headline_outcome(audit: Audit) -> str:
    """The outcome whose curve belongs on the first screen: the first one with the overall verdict, else the default."""
    total = {cell.outcome: cell.verdict for cell in audit.cells if cell.exposure == "total"}
    if audit.overall.verdict in (schema.EFFECTIVENESS_MEASURE, schema.LEADING_INDICATOR):
        for outcome in schema.PRIMARY_OUTCOMES:
            if total.get(outcome) == audit.overall.verdict:
                return outcome
    return ""


def curve_of(specification: Mapping[str, Any], outcome: str) -> Mapping[str, Any]:
    """The part of `specification_curve`'s result that belongs to one outcome.

    Raises
    ------
    KeyError
        If the outcome has no curve.
    """
    return specification if specification.get("outcome") == outcome else specification["others"][outcome]


# ---- which analyses --------------------------------------------------------------------------------------


def _sample(panel: pd.DataFrame, tables: schema.Tables, seed: int) -> tuple[pd.DataFrame, schema.Tables]:
    """Panel and tables of at most `MAX_PEOPLE` sellers, drawn at random."""
    people = np.sort(panel["person"].unique().astype(str))
    if len(people) <= MAX_PEOPLE:
        return panel, tables
    drawn = np.random.default_rng(seed).choice(people, MAX_PEOPLE, replace=False)
    part = panel[panel["person"].isin(drawn)]
    part.attrs = panel.attrs
    return part, replace(tables, people=tables.people[tables.people["person"].isin(drawn)])


def _sources(panel: pd.DataFrame, tables: schema.Tables, settings: Settings) -> dict[str, _Source]:
    """The panel at hand first, then the one of the other period length, where there is one."""
    panels = {settings.period: panel}
    other = "month" if settings.period == "week" else "week"
    # With less than one whole month the choice of the period does not exist.
    with contextlib.suppress(NotEnoughData):
        panels[other] = build_panel(tables, settings.model_copy(update={"period": other}))
    people = pd.Index(sorted({person for one in panels.values() for person in one["person"].unique()}))
    return {period: _source(one, period, tables, people) for period, one in panels.items()}


def _source(panel: pd.DataFrame, period: str, tables: schema.Tables, people: pd.Index) -> _Source:
    given = columns(panel)
    now = given.exposure("total")
    scores = dict(zip(SCORES, (now, np.where(np.isfinite(now), _mean_reading(panel, tables), np.nan)), strict=True))
    if given.facts["breaks"]:
        scores = {name: _within(values, given.group) for name, values in scores.items()}
    line = people.get_indexer(panel["person"])
    return _Source(given, period, scores, line, given.period)


def _mean_reading(panel: pd.DataFrame, tables: schema.Tables) -> np.ndarray:
    """Mean of the readings of the four weeks before each period, in units of 10 points; NaN without one."""
    total = tables.ssi["total"].fillna(tables.ssi[list(schema.PILLARS)].sum(axis=1, skipna=False))
    readings = events_of(tables.ssi.assign(total=total), "total")
    start = day_number(panel["period"]).to_numpy("int64")
    asked = (panel["person"], start - MEAN_DAYS, start)
    points, n = sum_between(readings, *asked), sum_between(readings.assign(value=1.0), *asked)
    return np.divide(points, n * schema.EXPOSURE_UNIT["total"], out=np.full(len(n), np.nan), where=n > 0)


def _within(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Values around the mean of their group: a redefined score moves everybody's level, which is no event of theirs."""
    frame = pd.Series(values)
    return (frame - frame.groupby(group).transform("mean")).to_numpy()


def _choices(source: _Source, periods: list[str], outcome: str) -> list[dict[str, str]]:
    """All specifications in a fixed order, the main one first."""
    main_calendar = _main_calendar(source.given, outcome)
    calendars = sorted(CALENDARS, key=lambda one: one != main_calendar)
    kinds = source.given.facts["activity_types"]
    main = {
        "period": periods[0],
        "lag": CROSSED_LAGS[0],
        "score": SCORES[0],
        "activity": ALL_ACTIVITY if kinds else NO_ACTIVITY,
        "calendar": calendars[0],
        "outliers": KEPT,
        "tenure": EVERYBODY,
        "model": MODELS[0],
    }
    crossed = {
        "period": periods, "lag": CROSSED_LAGS, "score": SCORES, "outliers": (KEPT, PULLED_IN), "model": MODELS,
    }  # fmt: skip
    made = [main | dict(zip(crossed, options, strict=True)) for options in product(*crossed.values())]
    alone = [{"lag": LATE}, {"calendar": calendars[1]}, {"outliers": WITHOUT_TOP}]
    if kinds:
        alone.append({"activity": NO_ACTIVITY})
    if len(kinds) > 1:
        alone += [{"activity": f"without {kind}"} for kind in kinds]
    if _has_beginners(source.given):
        alone.append({"tenure": EXPERIENCED})
    return [*made, *(main | change | {"model": model} for change in alone for model in MODELS)]


def _main_calendar(given: Columns, outcome: str) -> str:
    """The calendar of the main analysis; months where that one has an effect per week, which says nearly the same."""
    y, weight, _ = given.outcome(outcome)
    usable = np.isfinite(given.exposure("total")) & np.isfinite(given.log_activity).all(axis=1)
    usable &= np.isfinite(y) & (weight > 0)
    return "quarter" if np.array_equal(given.calendar_unit(usable, y), given.quarter[usable]) else "month"


def _has_beginners(given: Columns) -> bool:
    tenure = given["tenure_weeks"]
    return bool(np.isfinite(tenure).all() and (tenure < BEGINNER_WEEKS).any() and (tenure >= BEGINNER_WEEKS).any())


def _specification(source: _Source, outcome: str, choices: dict[str, str]) -> Specification:
    """The arrays of one analysis."""
    from ssi_audit.stats.specification import Specification

    given, model = source.given, choices["model"]
    y, weight, _ = given.outcome(outcome)
    weight = np.where((weight > 0) & np.isfinite(y), weight, np.nan)
    if choices["outliers"] == PULLED_IN:
        y, weight = _pulled_in(y, weight, rate=outcome in schema.RATE_OUTCOMES)
    lag = LAGS[choices["lag"]][source.period]
    kept = [k for k, kind in enumerate(given.facts["activity_types"]) if choices["activity"] != f"without {kind}"]
    if choices["activity"] == NO_ACTIVITY:
        kept = []
    rows = None
    if choices["tenure"] == EXPERIENCED:
        rows = given["tenure_weeks"] >= BEGINNER_WEEKS
    elif choices["outliers"] == WITHOUT_TOP:
        rows = source.line != np.argmax(np.bincount(source.line, np.where(np.isfinite(weight), y, 0.0)))
    return Specification(
        choices=choices,
        y=y if model == "poisson" else _relative(y, weight),
        x=source.shifted(source.scores[choices["score"]], lag),
        people=source.line,
        periods=source.place,
        # The activity of the same 90 days as the score: a later outcome moves both back.
        covariates=np.column_stack([source.shifted(given.log_activity[:, k], lag) for k in kept]) if kept else None,
        calendar=given.month if choices["calendar"] == "month" else given.quarter,
        offset=np.log(weight) if model == "poisson" else None,
        rows=rows,
        model="poisson" if model == "poisson" else "ols",
    )


def _relative(y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Outcome per working day (or per case) over its mean, so that a slope is a relative change, as a log ratio is."""
    known = np.isfinite(weight)
    cases = weight[known].sum()
    mean = y[known].sum() / cases if cases else 0.0
    # Without a case (every one is still open) or a success there is no mean; the fit then finds no rows.
    return (y / weight) / (mean or math.nan)


def _pulled_in(y: np.ndarray, weight: np.ndarray, *, rate: bool) -> tuple[np.ndarray, np.ndarray]:
    """Extreme periods set to the quantile; those of a rate keep the rate and lose cases."""
    counted = (weight if rate else y)[np.isfinite(weight) & (y > 0)]
    if not len(counted):
        return y, weight
    limit = float(np.quantile(counted, EXTREME))
    if not rate:
        return np.minimum(y, limit), weight
    shrink = np.minimum(1.0, limit / weight)
    return y * shrink, weight * shrink


# ---- answers ---------------------------------------------------------------------------------------------


@dataclass(eq=False)
class _Curve:
    """One outcome's specifications, their estimates, and what the rule says to each.

    Attributes
    ----------
    curve : SpecificationCurve
    joint : JointTest
    fits : list of Fit
        One per specification, Holm-adjusted over the main outcomes under the same choices.
    """

    curve: SpecificationCurve
    joint: Any
    fits: list[Fit]


def _outcome_curve(panel: pd.DataFrame, outcome: str, sources: dict[str, _Source], settings: Settings) -> _Curve | None:
    """Estimates of one outcome; None when its main specification cannot be fitted."""
    from ssi_audit.stats.specification import joint_permutation
    from ssi_audit.stats.specification import specification_curve as fit_all

    main = sources[settings.period]
    if cannot(main.given, outcome, adjusted=False):
        return None
    choices = _choices(main, list(sources), outcome)
    made = [_specification(sources[one["period"]], outcome, one) for one in choices]
    held = [item for item in made if _question(item.choices) == _question(made[0].choices)]
    try:
        curve = fit_all(made)
        joint = joint_permutation(held, draws=DRAWS, seed=settings.seed)
    except NotEnoughData:
        return None
    return _Curve(curve, joint, [_fit(curve, i) for i in range(len(made))])


def _question(choices: Mapping[str, str]) -> bool:
    """Is activity held equal? Two questions, each with a main answer of its own."""
    return choices["activity"] != NO_ACTIVITY


def _fit(curve: SpecificationCurve, i: int) -> Fit:
    if curve.why[i]:
        return Fit(why=curve.why[i])
    ratio = {name: math.exp(getattr(curve, name)[i]) for name in ("low", "high", "low90", "high90")}
    return Fit(
        rr=math.exp(curve.effect[i]), **ratio, p=float(curve.p[i]), df=float(curve.df[i]),
        se_log=float(curve.se[i]), n_people=int(curve.n_people[i]), n_rows=int(curve.n_rows[i]),
    )  # fmt: skip


def _judge(curves: dict[str, _Curve], settings: Settings) -> None:
    """Holm over the outcomes, separately under each set of choices: each analyst would test the same four."""
    # The order of the choices is the same for every outcome.
    families = zip(*(curve.fits for curve in curves.values()), strict=True)
    adjusted = [models.with_family(family) for family in families]
    for curve, fits in zip(curves.values(), zip(*adjusted, strict=True), strict=True):
        curve.fits = list(fits)


def _status(fit: Fit, choices: Mapping[str, str], sesoi: float, alpha: float) -> str:
    """What the printed rule says to one estimate: pos, neg, nil or unknown."""
    if not fit.known or fit.df < verdict.MIN_DF:
        return verdict.UNKNOWN
    rule = verdict.adjusted_status if _question(choices) else verdict.crude_status
    return rule(fit, sesoi, alpha)


def _answers(made: _Curve, sesoi: float, alpha: float) -> tuple[list[str], list[bool]]:
    """Status of each specification, and whether it is that of the main one of the same question."""
    choices = made.curve.choices
    statuses = [_status(fit, one, sesoi, alpha) for fit, one in zip(made.fits, choices, strict=True)]
    main: dict[bool, str] = {}
    for one, status in zip(choices, statuses, strict=True):
        main.setdefault(_question(one), status)  # the first of each question is its main one
    agrees = [status == main[_question(one)] for one, status in zip(choices, statuses, strict=True)]
    return statuses, agrees


def _plain_curve(outcome: str, made: _Curve, settings: Settings) -> dict[str, Any]:
    """One outcome's curve as JSON knows it."""
    curve, choices = made.curve, made.curve.choices
    statuses, agrees = _answers(made, settings.sesoi[outcome], settings.alpha)
    known = [i for i, fit in enumerate(made.fits) if fit.known]
    influence = [
        {
            "choice": one.choice,
            "factor": _round(math.exp(one.change)),
            "largest": _round(math.exp(one.largest)),
            "n_pairs": one.n_pairs,
            "means": {option: _round(math.exp(mean)) for option, mean in one.means.items()},
        }
        for one in curve.influence
        if one.n_pairs
    ]
    return {
        "outcome": outcome,
        "n": len(known),
        "agree": sum(agrees[i] for i in known),
        "status": statuses[curve.main],
        "rows": [_row(made.fits[i], choices[i], statuses[i], agrees[i], main=i == curve.main) for i in known],
        "failed": [{"choices": choices[i], "why": fit.why} for i, fit in enumerate(made.fits) if not fit.known],
        "moves_most": influence[0]["choice"] if influence else "",
        "influence": influence,
        "sesoi": [_agreement(made, sesoi, settings.alpha) for sesoi in _margins(settings.sesoi[outcome])],
        "joint": {
            "p": _round(made.joint.p),
            "p_clear": _round(made.joint.p_clear),
            "n_clear": made.joint.n_clear,
            "n": made.joint.n_specifications,
            "draws": made.joint.n_draws,
            "n_people": made.joint.n_people,
        },
    }


def _row(fit: Fit, choices: dict[str, str], status: str, agrees: bool, *, main: bool) -> dict[str, Any]:
    numbers = {name: _round(getattr(fit, field)) for name, field in ROW_NUMBERS.items()}
    return {
        "choices": choices, **numbers, "n_people": fit.n_people, "n_rows": fit.n_rows, "status": status,
        "agrees": agrees, "main": main,
    }  # fmt: skip


def _margins(sesoi: float) -> list[float]:
    return sorted({verdict.STRICT_SESOI, sesoi, verdict.LOOSE_SESOI})


def _agreement(made: _Curve, sesoi: float, alpha: float) -> dict[str, Any]:
    """How many agree, and what the main analysis says, when another effect is the smallest that matters."""
    statuses, agrees = _answers(made, sesoi, alpha)
    known = [fit.known for fit in made.fits]
    return {
        "sesoi": sesoi,
        "status": statuses[made.curve.main],
        "n": sum(known),
        "agree": sum(one for one, is_known in zip(agrees, known, strict=True) if is_known),
    }


def _joint_p(tests: list[Any]) -> float:
    """One p for all outcomes: the same permutations of sellers, the sum of squared mean t."""
    observed = sum(test.mean_t**2 for test in tests)
    drawn = np.sum([test.draws[:, 0] ** 2 for test in tests], axis=0)
    return _round((1 + int((drawn >= observed * (1 - 1e-9)).sum())) / (1 + len(drawn)))


def _round(value: float) -> float:
    return round(float(value), DIGITS)
