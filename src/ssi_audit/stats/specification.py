"""Would another reasonable analysis have given another answer?

Every choice an analyst makes (which outcome, which lag, with or without
activity, this calendar or that) is one specification. The curve shows all of
them, how many agree with the main one, and which choice moves the answer
most. Its joint test asks one question of the whole curve: how often would
handing whole exposure histories to other persons give a curve this far from
zero? Refitting every specification on every draw would take minutes, so each
is fitted once without the exposure; a draw is then a few sums of entries of
person-by-person tables (one Newton step from the null, exact for least
squares).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.bootstrap import SEED, person_period_matrix
from ssi_audit.stats.by_name import as_columns, fit_by_name
from ssi_audit.stats.clusters import interval
from ssi_audit.stats.working import ModelFit, cluster_scores, factorize

DRAWS = 499
# A specification counts as "clear" in the joint test beyond this |t|.
CLEAR_T = 1.96
CONCLUSIONS = ("positive", "negative", "too_small", "unclear", "failed")
# Entries of one batch of gathered person tables (64 MB).
BATCH_ELEMENTS = 1 << 23


@dataclass(frozen=True, eq=False)
class Specification:
    """One way to analyse the data.

    Attributes
    ----------
    choices : dict of str to str
        What was chosen for each question ("outcome": "meetings", "lag": "9 weeks").
    y, x : array, shape (n,)
        Outcome, and exposure in units of the rate ratio (points / 10).
    people, periods : array, shape (n,)
        Who and when; one row per person and period. Give all rows, also those that `rows` leaves out: a person
        left out still lends his exposure history to the joint test.
    covariates : array, shape (n, k), optional
    calendar, offset : array, shape (n,), optional
        As in `fe_poisson`.
    rows : array of bool, shape (n,), optional
        Rows of this specification.
    model : {"poisson", "ols"}
        Effects are log rate ratios; an OLS outcome must be on a log scale to stand on one curve with them.
    absorb : bool
        One effect per person (within persons); False: one intercept.
    """

    choices: dict[str, str]
    y: ArrayLike
    x: ArrayLike
    people: ArrayLike
    periods: ArrayLike
    covariates: ArrayLike | None = None
    calendar: ArrayLike | None = None
    offset: ArrayLike | None = None
    rows: ArrayLike | None = None
    model: str = "poisson"
    absorb: bool = True


@dataclass(frozen=True)
class ChoiceInfluence:
    """How much one choice moves the answer.

    Attributes
    ----------
    choice : str
    change : float
        Mean absolute change of the effect between two specifications that differ in this choice alone.
    largest : float
        The largest such change.
    flips : float
        Share of those pairs that come to another conclusion.
    n_pairs : int
    means : dict of str to float
        Mean effect of the specifications with each option.
    """

    choice: str
    change: float
    largest: float
    flips: float
    n_pairs: int
    means: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class SpecificationCurve:
    """All specifications, in the order given.

    Attributes
    ----------
    choices : tuple of dict
    effect, se, df, low, high, low90, high90, p : numpy.ndarray, shape (S,)
        CR2 (above 200 persons CR1); NaN where a specification could not be fitted.
    n_people, n_rows : numpy.ndarray, shape (S,)
    conclusion : tuple of str
        One of `CONCLUSIONS`.
    why : tuple of str
        Reason of each "failed", else empty.
    main : int
        Position of the main specification.
    n_fitted, n_agree, n_same_sign : int
        Specifications with an estimate; of those, with the main one's conclusion; with its sign.
    influence : tuple of ChoiceInfluence
        One per choice with at least two options, the one that moves the answer most first.
    """

    choices: tuple[dict[str, str], ...]
    effect: np.ndarray
    se: np.ndarray
    df: np.ndarray
    low: np.ndarray
    high: np.ndarray
    low90: np.ndarray
    high90: np.ndarray
    p: np.ndarray
    n_people: np.ndarray
    n_rows: np.ndarray
    conclusion: tuple[str, ...]
    why: tuple[str, ...]
    main: int
    n_fitted: int
    n_agree: int
    n_same_sign: int
    influence: tuple[ChoiceInfluence, ...]

    @property
    def share_agree(self) -> float:
        """Share of the fitted specifications that conclude what the main one does."""
        return self.n_agree / self.n_fitted

    def table(self) -> pd.DataFrame:
        """One row per specification: its choices, then its numbers."""
        numbers = {
            name: getattr(self, name)
            for name in ("effect", "se", "df", "low", "high", "p", "n_people", "n_rows", "conclusion", "why")
        }
        return pd.concat([pd.DataFrame(list(self.choices)), pd.DataFrame(numbers)], axis=1)


@dataclass(frozen=True, eq=False)
class JointTest:
    """One test for a whole curve, by permutation of exposure histories between persons.

    Attributes
    ----------
    mean_t, median_effect : float
        Mean studentised score and median one-step effect over the specifications.
    n_clear : int
        Specifications with |t| above `CLEAR_T` in the commoner direction.
    p : float
        Of |mean_t|: the headline.
    p_median, p_clear : float
        Of |median_effect| and of n_clear.
    t, effect : numpy.ndarray, shape (S,)
        Studentised score and one-step effect of each specification; NaN where it could not be fitted.
    draws : numpy.ndarray, shape (n_draws, 3)
        mean_t, median_effect and n_clear of each permutation.
    n_draws, n_people, n_specifications : int
        People: in any specification. Specifications: in the test.
    """

    mean_t: float
    median_effect: float
    n_clear: int
    p: float
    p_median: float
    p_clear: float
    t: np.ndarray
    effect: np.ndarray
    draws: np.ndarray
    n_draws: int
    n_people: int
    n_specifications: int


def specification_curve(
    specifications: Sequence[Specification], *, main: int = 0, margin: float = np.log(1.10)
) -> SpecificationCurve:
    """Fit every specification and compare the answers.

    Parameters
    ----------
    specifications : sequence of Specification
        At least one; all with the same choices named.
    main : int
        Position of the main analysis.
    margin : float
        Log of the smallest effect of interest; a 90 % interval inside it is "too_small", whatever its p.

    Raises
    ------
    NotEnoughData
        If no specification, or not the main one, can be fitted.
    ValueError
        If specifications name different choices.

    References
    ----------
    Simonsohn, Simmons & Nelson 2020 (Nature Human Behaviour 4).
    """
    names = set(specifications[0].choices)
    odd = next((item for item in specifications if set(item.choices) != names), None)
    if odd is not None:
        raise ValueError(f"specifications name different choices: {sorted(names)} and {sorted(odd.choices)}")
    columns = ("estimate", "se", "df", "low", "high", "low90", "high90", "p")
    numbers = np.full((len(specifications), len(columns)), np.nan)
    sizes = np.zeros((len(specifications), 2), int)
    conclusions, reasons = [], []
    for i, item in enumerate(specifications):
        try:
            fit = _fit(item, with_exposure=True)
            found = interval(fit, 0)
        except NotEnoughData as error:
            conclusions.append("failed")
            reasons.append(str(error))
            continue
        numbers[i] = [getattr(found, column) for column in columns]
        sizes[i] = fit.n_people, fit.n_rows
        conclusions.append(_conclusion(found.low, found.high, found.low90, found.high90, margin))
        reasons.append("")
    if conclusions[main] == "failed":
        raise NotEnoughData(f"the main specification could not be fitted: {reasons[main]}")
    fitted = np.array([name != "failed" for name in conclusions])
    same_sign = np.sign(numbers[:, 0]) == np.sign(numbers[main, 0])
    choices = tuple(dict(item.choices) for item in specifications)
    return SpecificationCurve(
        choices, *numbers.T, sizes[:, 0], sizes[:, 1], tuple(conclusions), tuple(reasons), main, int(fitted.sum()),
        conclusions.count(conclusions[main]), int((same_sign & fitted).sum()),
        _influences(choices, numbers[:, 0], conclusions),
    )  # fmt: skip


def joint_permutation(specifications: Sequence[Specification], *, draws: int = DRAWS, seed: int = SEED) -> JointTest:
    """Test the whole curve: is it further from zero than other people's exposure would put it?

    Parameters
    ----------
    specifications : sequence of Specification
    draws, seed : int
        Random permutations of persons, the same in every specification.

    Returns
    -------
    JointTest
        p = (1 + draws at least as far) / (1 + draws).

    Raises
    ------
    NotEnoughData
        If no specification can be fitted, or with fewer than four persons.

    Notes
    -----
    With r and w the residuals and weights of the model without the exposure, Z the other columns, and x_j the
    history of person j free of Z (what is handed around is what the index adds to them): numerator
    sum_i r_i'x_pi(i), information sum_i (w_i'x^2 - (w_i'x)^2 / sum w_i) minus its part along Z.
    A gap in a history is bridged from its neighbours, so that a person with other gaps can borrow it.

    References
    ----------
    Simonsohn, Simmons & Nelson 2020; methods.md section 4 (studentised permutation of persons).
    """
    everyone = _union([item.people for item in specifications])
    if len(everyone) < 4:
        raise NotEnoughData(f"{len(everyone)} persons; handing histories around needs at least 4.")
    rng = np.random.default_rng(seed)
    orders = np.vstack([np.arange(len(everyone)), [rng.permutation(len(everyone)) for _ in range(draws)]])

    effect = np.full((draws + 1, len(specifications)), np.nan)
    t = effect.copy()
    for s, item in enumerate(specifications):
        try:
            tables = _exchange_tables(item, everyone)
        except NotEnoughData:  # the curve itself says why; the test speaks of what could be fitted
            continue
        effect[:, s], t[:, s] = _one_step(tables, orders)
    used = np.isfinite(t[0])
    if not used.any():
        raise NotEnoughData("no specification could be fitted.")
    summary = np.column_stack(
        [
            np.nanmean(t[:, used], axis=1),
            np.nanmedian(effect[:, used], axis=1),
            np.maximum((t[:, used] > CLEAR_T).sum(axis=1), (t[:, used] < -CLEAR_T).sum(axis=1)),
        ]
    )
    as_far = np.abs(summary[1:]) >= np.abs(summary[0]) * (1 - 1e-9)
    p = (1 + as_far.sum(axis=0)) / (1 + draws)
    return JointTest(
        float(summary[0, 0]), float(summary[0, 1]), int(summary[0, 2]), float(p[0]), float(p[1]), float(p[2]),
        t[0], effect[0], summary[1:], draws, len(everyone), int(used.sum()),
    )  # fmt: skip


# ---- fitting ---------------------------------------------------------------------------------------------


def _fit(item: Specification, *, with_exposure: bool) -> ModelFit:
    """The model with the exposure as column 0, or on the same rows without it."""
    x = np.asarray(item.x, float)
    use = np.isfinite(x) if item.rows is None else np.isfinite(x) & np.asarray(item.rows, bool)
    y = np.where(use, np.asarray(item.y, float), np.nan)
    columns = as_columns(item.covariates, len(y))
    columns = np.column_stack([x, columns]) if with_exposure else columns
    return fit_by_name(item.model, y, columns, item.people, item.offset, item.calendar, absorb=item.absorb)


def _conclusion(low: float, high: float, low90: float, high90: float, margin: float) -> str:
    if -margin < low90 and high90 < margin:
        return "too_small"
    if low > 0:
        return "positive"
    return "negative" if high < 0 else "unclear"


def _influences(
    choices: tuple[dict[str, str], ...], effect: np.ndarray, conclusions: list[str]
) -> tuple[ChoiceInfluence, ...]:
    fitted = [i for i in range(len(choices)) if np.isfinite(effect[i])]
    found = []
    for name in choices[0]:
        options: dict[str, list[float]] = {}
        twins: dict[tuple[str, ...], list[int]] = {}
        for i in fitted:
            options.setdefault(choices[i][name], []).append(effect[i])
            twins.setdefault(tuple(value for key, value in choices[i].items() if key != name), []).append(i)
        if len(options) < 2:
            continue
        pairs = [(i, j) for group in twins.values() for k, i in enumerate(group) for j in group[k + 1 :]]
        change = np.array([abs(effect[i] - effect[j]) for i, j in pairs])
        flips = [conclusions[i] != conclusions[j] for i, j in pairs]
        means = {option: float(np.mean(values)) for option, values in options.items()}
        moved = (float(change.mean()), float(change.max()), float(np.mean(flips))) if pairs else (np.nan,) * 3
        found.append(ChoiceInfluence(name, *moved, len(pairs), means))
    return tuple(sorted(found, key=lambda one: -np.nan_to_num(one.change, nan=-1.0)))


# ---- permutation without refitting -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Exchange:
    """Sums for every receiver i (persons of the fit) and lender j (all persons).

    Attributes
    ----------
    place : shape (G,), where the receivers stand among all persons.
    score : shape (G, N), r_i'x_j.
    square : shape (G, N), w_i'x_j^2 (absorbed: minus the share of the person effect).
    cross : shape (G, N, k), Z~_i'x_j, the other columns weighted and demeaned.
    nuisance : shape (G, k), Z_i'r_i. bread : shape (k, k).
    """

    place: np.ndarray
    score: np.ndarray
    square: np.ndarray
    cross: np.ndarray
    nuisance: np.ndarray
    bread: np.ndarray


def _exchange_tables(item: Specification, everyone: np.ndarray) -> _Exchange:
    fit = _fit(item, with_exposure=False)
    x, owners, periods = person_period_matrix(_free_of_others(item, fit), item.people, item.periods)
    history = np.zeros((len(everyone), len(periods)))
    history[np.searchsorted(everyone, owners)] = _bridged(x, item.absorb)

    time = np.searchsorted(periods, np.asarray(item.periods)[fit.rows])
    who = np.repeat(np.arange(fit.n_people), fit.counts)
    cells = (fit.n_people, len(periods))
    residual, weight = np.zeros(cells), np.zeros(cells)
    residual[who, time], weight[who, time] = fit.residual, fit.weight
    square = weight @ (history**2).T
    if fit.absorbed:
        square -= (weight @ history.T) ** 2 / weight.sum(axis=1, keepdims=True)
    k = fit.n_params
    others = fit.design * np.sqrt(fit.weight)[:, None]
    cross = np.empty((fit.n_people, len(everyone), k))
    for i, (first, count) in enumerate(zip(fit.starts, fit.counts)):
        own = slice(first, first + count)
        cross[i] = history[:, time[own]] @ others[own]
    bread = fit.bread if k else np.zeros((0, 0))
    return _Exchange(
        np.searchsorted(everyone, fit.people), residual @ history.T, square, cross, cluster_scores(fit), bread
    )


def _free_of_others(item: Specification, fit: ModelFit) -> np.ndarray:
    """The exposure minus what the other columns say about it, for all rows, also those of other persons.

    Handing round the raw exposure would part it from the activity it goes with, and the borrowed effects would be
    estimated more precisely than the real one.
    """
    x = np.asarray(item.x, float)
    slopes = fit.bread @ (fit.design.T @ (np.sqrt(fit.weight) * x[fit.rows])) if fit.n_params else np.zeros(0)
    q = len(fit.columns)
    free = x.copy()
    covariates = as_columns(item.covariates, len(x))
    real = fit.kept < covariates.shape[1]  # the intercept of a pooled model is no covariate
    free -= covariates[:, fit.kept[real]] @ slopes[:q][real]
    if fit.n_units > 1:
        codes, units = factorize(item.calendar)
        code_of_unit = np.zeros(len(units), int)
        code_of_unit[codes[fit.rows]] = fit.unit
        free -= np.append(0.0, slopes[q:])[code_of_unit][codes]
    return free


def _bridged(x: np.ndarray, absorb: bool) -> np.ndarray:
    """Histories without gaps: a line between neighbours, the nearest value at the ends.

    Centred, on each person's own mean where the model looks inside persons
    (which changes nothing but rounding), else on the common one. A person
    without any value lends a flat line.
    """
    filled = np.zeros(x.shape)
    time = np.arange(x.shape[1])
    common = np.nanmean(x)
    for line, out in zip(x, filled):
        known = np.isfinite(line)
        if known.any():
            out[:] = np.interp(time, time[known], line[known])
            out -= out.mean() if absorb else common
    return filled


def _one_step(tables: _Exchange, orders: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One-step effect and studentised score for each order of persons, shape (len(orders),) each."""
    n_fit, _, k = tables.cross.shape
    effect, t = np.empty(len(orders)), np.empty(len(orders))
    receivers = np.arange(n_fit)
    batch = max(BATCH_ELEMENTS // (n_fit * (k + 2)), 1)
    for first in range(0, len(orders), batch):
        rows = slice(first, first + batch)
        lenders = orders[rows][:, tables.place]
        along = tables.cross[receivers, lenders].sum(axis=1)
        project = along @ tables.bread
        information = tables.square[receivers, lenders].sum(axis=1) - np.einsum("dk,dk->d", along, project)
        score = tables.score[receivers, lenders] - project @ tables.nuisance.T
        total = score.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            effect[rows] = total / information
            t[rows] = total / np.sqrt(np.einsum("dg,dg->d", score, score))
    return effect, t


def _union(people: Sequence[ArrayLike]) -> np.ndarray:
    return factorize(np.concatenate([np.asarray(one) for one in people]))[1]
