"""Other models a reader may ask for: between persons, risk ratios, overdispersion, other clustering.

None of them carries the verdict. They answer "would another reasonable
analysis say something else?", and they reproduce what other programs print.
Estimators that statsmodels has are taken from there; the person clustering
is ours throughout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.clusters import Interval, cr1, cr2
from ssi_audit.stats.distributions import normal_quantile
from ssi_audit.stats.fixed_effects import fe_ols, pooled_ols, pooled_poisson
from ssi_audit.stats.working import ModelFit, factorize, weighted_fit


@dataclass(frozen=True)
class GroupRatio:
    """Ratio of a yes/no group's rate or risk to the rest's.

    Attributes
    ----------
    interval : Interval
        Of the log ratio, CR2 on persons.
    n_exposed, n_unexposed : int
        Persons ever in either group (one who changed sides counts in both).
    fit : ModelFit
    """

    interval: Interval
    n_exposed: int
    n_unexposed: int
    fit: ModelFit


@dataclass(frozen=True)
class Mundlak:
    """Within and between slopes from one pooled model.

    Attributes
    ----------
    within : tuple of Interval
        One per column of X: a person's own deviations.
    between : tuple of Interval
        Persons with higher means; never an effect.
    contextual : tuple of Interval
        Between minus within: what stable differences between persons add.
    fit : ModelFit
    """

    within: tuple[Interval, ...]
    between: tuple[Interval, ...]
    contextual: tuple[Interval, ...]
    fit: ModelFit


@dataclass(frozen=True, eq=False)
class ModelTable:
    """Coefficients and standard errors of a model.

    Attributes
    ----------
    coef, se : ndarray, shape (p + 1,)
        Columns of X, then the intercept.
    se_robust : ndarray, shape (p + 1,)
        Sandwich without small-sample factor: over rows, or over persons where the model has persons.
    log_likelihood : float
        NaN where the model has none.
    extra : dict of str to float
        What the model has besides: dispersion, correlation.
    n_rows : int
    """

    coef: np.ndarray
    se: np.ndarray
    se_robust: np.ndarray
    log_likelihood: float
    extra: dict[str, float]
    n_rows: int


@dataclass(frozen=True, eq=False)
class NegativeBinomial:
    """A negative binomial model.

    Attributes
    ----------
    fit : ModelFit
        Coefficients (intercept last) and everything for clustering; ``fit.bread`` is the model covariance.
    alpha : float
        Dispersion, variance = mu + alpha mu^2; R's 1/theta.
    log_likelihood : float
    """

    fit: ModelFit
    alpha: float
    log_likelihood: float


@dataclass(frozen=True)
class StandardisedRisk:
    """Risks if everybody were exposed and if nobody were, averaged over the rows (g-computation).

    Attributes
    ----------
    risk_exposed, risk_unexposed : float
    ratio : float
    se_log_ratio : float
        Delta method from the model's own covariance.
    low, high : float
        95 % interval of the ratio.
    """

    risk_exposed: float
    risk_unexposed: float
    ratio: float
    se_log_ratio: float
    low: float
    high: float


# ---- with our own clustering -----------------------------------------------------------------------------


def group_ratio(
    y: ArrayLike,
    exposed: ArrayLike,
    groups: ArrayLike,
    covariates: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    calendar: ArrayLike | None = None,
    null: float = 0.0,
) -> GroupRatio:
    """Rate ratio of a yes/no group, pooled Poisson with CR2; for a yes/no outcome the risk ratio.

    For 0/1 outcomes this is Zou's modified Poisson regression: the estimate
    is the risk ratio and the sandwich takes care of the wrong variance.

    Parameters
    ----------
    y : array, shape (n,)
        Counts, or 0/1.
    exposed : array, shape (n,)
        0/1; a row with a missing value is left out (neither group).
    groups, offset, calendar
        As in `fe_poisson`.
    covariates : array, shape (n, c), optional
    null : float
        Log ratio tested, for example log(1.45).

    Raises
    ------
    NotEnoughData
        If one of the groups is empty.

    References
    ----------
    Zou (2004), Am. J. Epidemiology 159.
    """
    exposed = np.asarray(exposed, float)
    if not np.isin(exposed[~np.isnan(exposed)], (0, 1)).all():
        raise ValueError("exposed must be 0 or 1 in every row (missing: neither).")
    fit = pooled_poisson(y, np.column_stack([exposed, *_columns(covariates)]), groups, offset, calendar)
    side = exposed[fit.rows]
    sums = np.add.reduceat(side, fit.starts)
    n_exposed, n_unexposed = int((sums > 0).sum()), int((sums < fit.counts).sum())
    if not (n_exposed and n_unexposed):
        raise NotEnoughData(f"One group is empty: {n_exposed} people exposed, {n_unexposed} not.")
    return GroupRatio(cr2(fit, 0, null), n_exposed, n_unexposed, fit)


def mundlak(
    y: ArrayLike,
    X: ArrayLike,
    groups: ArrayLike,
    covariates: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    calendar: ArrayLike | None = None,
    *,
    model: str = "poisson",
) -> Mundlak:
    """Split slopes into within and between persons by adding person means, CR2 on persons.

    Parameters
    ----------
    y, X, groups, offset, calendar
        As in `fe_poisson`; rows with a missing value are left out before the means are taken.
    covariates : array, shape (n, c), optional
        Further columns, for example territory and tenure, not split.
    model : {"poisson", "ols"}

    References
    ----------
    Mundlak (1978), Econometrica 46.
    """
    if model not in ("poisson", "ols"):
        raise ValueError(f'model is "poisson" or "ols", got {model!r}')
    X, others = _columns(X)[0], _columns(covariates)
    y = np.asarray(y, float)
    codes, people = factorize(groups)
    keep = np.isfinite(np.column_stack([y, X, *others])).all(axis=1) & (codes >= 0)
    if offset is not None:
        keep &= np.isfinite(np.asarray(offset, float))
    if calendar is not None:
        keep &= factorize(calendar)[0] >= 0
    count = np.bincount(codes[keep], minlength=len(people))
    sums = [np.bincount(codes[keep], column[keep], len(people)) for column in X.T]
    mean = (np.column_stack(sums) / np.maximum(count, 1)[:, None])[codes]
    y = np.where(keep, y, np.nan)

    def fitted(first: np.ndarray) -> ModelFit:
        columns = np.column_stack([first, mean, *others])
        if model == "ols":
            return pooled_ols(y, columns, groups, calendar)
        return pooled_poisson(y, columns, groups, offset, calendar)

    # The same model in two parametrisations: deviations beside means, and values beside means.
    split, raw = fitted(X - mean), fitted(X)
    k = X.shape[1]
    return Mundlak(
        within=tuple(cr2(split, j) for j in range(k)),
        between=tuple(cr2(split, k + j) for j in range(k)),
        contextual=tuple(cr2(raw, k + j) for j in range(k)),
        fit=split,
    )


def logit(y: ArrayLike, X: ArrayLike, groups: ArrayLike, trials: ArrayLike | None = None) -> ModelFit:
    """Logit of 0/1 outcomes or of y successes in `trials`, ready for `cr1`, `cr2` and `cv3l`.

    Parameters
    ----------
    y, trials : array, shape (n,)
    X : array, shape (n, p) or (n,)
        Rows with a missing value are left out; the intercept is the last coefficient.
    groups : array, shape (n,)
        Person of each row.
    """
    import statsmodels.api as sm

    keep, y, X = _complete(y, X, trials)
    trials = np.ones(len(y)) if trials is None else np.asarray(trials, float)[keep]
    result = sm.GLM(y / trials, X, family=sm.families.Binomial(), var_weights=trials).fit(tol=1e-12)
    p = np.asarray(result.fittedvalues)
    return weighted_fit(result.params, X, trials * p * (1 - p), y - trials * p, _take(groups, keep))


def negative_binomial(
    y: ArrayLike, X: ArrayLike, groups: ArrayLike, offset: ArrayLike | None = None
) -> NegativeBinomial:
    """Negative binomial regression (NB2) by maximum likelihood, ready for clustering.

    The dispersion counts as known in the standard errors, as in R's `glm.nb`;
    the weights are the expected ones.

    Parameters
    ----------
    y, X, groups
        As in `logit`.
    offset : array, shape (n,), optional

    Raises
    ------
    NotEnoughData
        If the dispersion does not settle (the counts vary no more than Poisson counts).
    """
    import statsmodels.api as sm

    keep, y, X = _complete(y, X, offset)
    offset = None if offset is None else np.asarray(offset, float)[keep]
    start = sm.GLM(y, X, family=sm.families.Poisson(), offset=offset).fit().params
    with np.errstate(divide="ignore", invalid="ignore"):  # the search may touch a dispersion of 0
        joint = sm.NegativeBinomial(y, X, offset=offset).fit(
            np.append(start, 1.0), method="bfgs", maxiter=500, gtol=1e-8, disp=0, warn_convergence=False
        )
    alpha = float(joint.params[-1])
    if not joint.mle_retvals["converged"] or not alpha > 0:
        raise NotEnoughData("The dispersion of the negative binomial model cannot be told from these data.")
    family = sm.families.NegativeBinomial(alpha=alpha)
    result = sm.GLM(y, X, family=family, offset=offset).fit(tol=1e-12)
    mu = np.asarray(result.fittedvalues)
    inflated = 1 + alpha * mu
    fit = weighted_fit(result.params, X, mu / inflated, (y - mu) / inflated, _take(groups, keep))
    return NegativeBinomial(fit, alpha, float(joint.llf))


# ---- from statsmodels ------------------------------------------------------------------------------------


def gee_poisson(y: ArrayLike, X: ArrayLike, groups: ArrayLike, offset: ArrayLike | None = None) -> ModelTable:
    """Poisson by generalised estimating equations, exchangeable within persons, sandwich over persons.

    Parameters as in `negative_binomial`. ``extra["correlation"]`` is the
    common correlation of two rows of one person.
    """
    import statsmodels.api as sm

    keep, y, X = _complete(y, X, offset)
    offset = None if offset is None else np.asarray(offset, float)[keep]
    exchangeable = sm.cov_struct.Exchangeable()
    model = sm.GEE(
        y, X, groups=factorize(_take(groups, keep))[0], family=sm.families.Poisson(), cov_struct=exchangeable,
        offset=offset,
    )  # fmt: skip
    result = model.fit()
    extra = {"correlation": float(exchangeable.dep_params)}
    se = np.asarray(result.standard_errors("naive"))
    return ModelTable(np.asarray(result.params), se, np.asarray(result.bse), np.nan, extra, len(y))


def standardised_risk(y: ArrayLike, exposed: ArrayLike, covariates: ArrayLike | None = None) -> StandardisedRisk:
    """Marginal risk ratio of a 0/1 exposure from a logit model: predict everybody both ways and average.

    Parameters
    ----------
    y, exposed : array, shape (n,)
        0/1, independent rows; rows with a missing value are left out.
    covariates : array, shape (n, c), optional
    """
    import statsmodels.api as sm

    _, y, X = _complete(y, np.column_stack([np.asarray(exposed, float), *_columns(covariates)]))
    result = sm.GLM(y, X, family=sm.families.Binomial()).fit(tol=1e-12)
    risks, slopes = [], []
    for value in (1.0, 0.0):
        everybody = X.copy()
        everybody[:, 0] = value
        p = special.expit(everybody @ result.params)
        risks.append(p.mean())
        # d log(mean risk) / d coefficients
        slopes.append((p * (1 - p)) @ everybody / p.sum())
    step = slopes[0] - slopes[1]
    se = float(np.sqrt(step @ result.cov_params() @ step))
    log_ratio = np.log(risks[0] / risks[1])
    low, high = np.exp(log_ratio + np.array([-1, 1]) * normal_quantile(0.975) * se)
    return StandardisedRisk(float(risks[0]), float(risks[1]), float(np.exp(log_ratio)), se, float(low), float(high))


def twoway_ols(y: ArrayLike, X: ArrayLike, groups: ArrayLike, periods: ArrayLike) -> ModelTable:
    """Least squares clustered by person and by period at once.

    `se_robust` is Cameron, Gelbach & Miller's: persons + periods - cells, each
    with its own factor G/(G-1) (n-1)/(n-k). ``extra`` has the standard error
    of the first column by person and by period alone. Needs many periods AND
    many persons; with few of either it is too small.

    Parameters
    ----------
    y, X, groups
        As in `logit`.
    periods : array, shape (n,)
        Rows without a person or a period are left out.
    """
    import statsmodels.api as sm

    of_person, of_period = factorize(groups)[0], factorize(periods)[0]
    # A row of nobody or of no time would otherwise be a cluster of its own.
    y = np.where((of_person >= 0) & (of_period >= 0), np.asarray(y, float), np.nan)
    keep, y, X = _complete(y, X)
    person, period = of_person[keep], of_period[keep]
    model = sm.OLS(y, X)

    def clustered(by: np.ndarray) -> np.ndarray:
        return np.asarray(model.fit(cov_type="cluster", cov_kwds={"groups": by}).bse)

    both = clustered(np.column_stack([person, period]))
    extra = {"se_person": float(clustered(person)[0]), "se_period": float(clustered(period)[0])}
    plain = model.fit()
    return ModelTable(np.asarray(plain.params), np.asarray(plain.bse), both, float(plain.llf), extra, len(y))


def driscoll_kraay(y: ArrayLike, X: ArrayLike, groups: ArrayLike, periods: ArrayLike, max_lag: int = 3) -> ModelTable:
    """Within estimator with Driscoll-Kraay errors: persons may move together, periods up to `max_lag` apart too.

    Bartlett weights, no small-sample factor. `coef` has no intercept; `se_robust` is Driscoll-Kraay's, `se` the
    sandwich over persons (Arellano). Trustworthy only with many periods.

    References
    ----------
    Driscoll & Kraay (1998), REStat 80.
    """
    import statsmodels.api as sm

    fit = fe_ols(y, X, groups)
    columns = fit.columns.T
    time = factorize(np.asarray(periods)[fit.rows])[0]
    demeaned = fit.residual + columns @ fit.coef[fit.kept]
    kernel = {"time": time, "maxlags": max_lag, "use_correction": False}
    result = sm.OLS(demeaned, columns).fit(cov_type="hac-groupsum", cov_kwds=kernel)
    coef, se, robust = (np.full(len(fit.coef), np.nan) for _ in range(3))
    coef[fit.kept], robust[fit.kept] = result.params, result.bse
    without_factor = np.sqrt((fit.n_people - 1) / fit.n_people)
    se[fit.kept] = [cr1(fit, int(column)).se * without_factor for column in fit.kept]
    return ModelTable(coef, se, robust, float(result.llf), {"max_lag": float(max_lag)}, fit.n_rows)


def _columns(block: ArrayLike | None) -> list[np.ndarray]:
    if block is None:
        return []
    block = np.asarray(block, float)
    return [block[:, None] if block.ndim == 1 else block]


def _complete(y: ArrayLike, X: ArrayLike, more: ArrayLike | None = None) -> tuple[np.ndarray, ...]:
    """Which rows have all values; y and X with an intercept in those rows."""
    y, X = np.asarray(y, float), _columns(X)[0]
    keep = np.isfinite(np.column_stack([y, X, *_columns(more)])).all(axis=1)
    return keep, y[keep], np.column_stack([X[keep], np.ones(keep.sum())])


def _take(labels: ArrayLike, keep: np.ndarray) -> np.ndarray:
    return np.asarray(labels)[keep]
