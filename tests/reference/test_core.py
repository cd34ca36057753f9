"""The core estimators give the numbers of R, and where they exist the printed ones.

`reference.json` states for each entry the program, its version, its
conventions and the relative tolerance within which an independent second
implementation agreed. `README.md` lists what each entry proves.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ssi_audit import stats

HERE = Path(__file__).parent
REFERENCE = json.loads((HERE / "reference.json").read_text(encoding="utf-8"))
# Far below every reference value; lets only a p of 1e-41 differ in its digits.
ATOL = 1e-15


@pytest.fixture
def entry(request):
    """The entry of reference.json that the test is named after."""
    return REFERENCE[request.node.name.removeprefix("test_").split("[")[0]]


def data(entry):
    return pd.read_csv(HERE / entry["data"])


def close(expected, entry):
    return pytest.approx(expected, rel=entry["rel_tol"], abs=ATOL)


def check_coefficient(fit, column, expected, k, entry, scale=1.0):
    """Compare every figure that the reference has for one coefficient; k: columns with all dummies."""
    n, g = fit.n_rows, fit.n_people
    cr1, cr2, cv3l = (f(fit, column) for f in (stats.cr1, stats.cr2, stats.cv3l))
    ours = {
        "estimate": cr2.estimate,
        "se_model": np.sqrt(fit.bread[fit.position(column), fit.position(column)] * scale),
        "se_CR0": cr1.se * np.sqrt((g - 1) / g),
        "se_CR1": cr1.se,
        "se_CR1_stata": cr1.se * np.sqrt((n - 1) / (n - k)),
        "se_CR2": cr2.se,
        "df_satt": cr2.df,
        "p_CR2": cr2.p,
        "se_CV3L": cv3l.se,
    }
    assert {name: ours[name] for name in expected if name in ours} == close(
        {name: value for name, value in expected.items() if name in ours}, entry
    )
    if "ci95_CR2" in expected:
        assert [cr2.low, cr2.high] == close(expected["ci95_CR2"], entry)


def check_table(fit, columns, table, entry, scale=1.0):
    """Compare all coefficients of a model table of reference.json."""
    assert (fit.n_rows, fit.n_people) == (table["n"], table["G"])
    assert set(columns) == set(table["coef"])
    for name, column in columns.items():
        check_coefficient(fit, column, table["coef"][name], table["k"], entry, scale)


def epil_fit():
    epil = pd.read_csv(HERE / "epil.csv")
    epil["product"] = epil.lbase4 * epil.trt01
    return stats.pooled_poisson(epil.y, epil[["lbase4", "trt01", "lage", "V4", "product"]], epil.subject)


EPIL_COLUMNS = {"lbase4": 0, "trt01": 1, "lage": 2, "V4": 3, "lbase4:trt01": 4, "(Intercept)": -1}


def test_poisson_glm_cluster_epil(entry):
    """Pooled Poisson and its CR0, CR1, CR2, Satterthwaite df and CV3L equal R's (MASS epil)."""
    check_table(epil_fit(), EPIL_COLUMNS, entry["values"], entry)


def test_fe_poisson_fatalities(entry):
    """Absorbed state effects with years equal glm() with 55 dummies, clustered on state."""
    d = data(entry)
    fit = stats.fe_poisson(d.fatal, d[["beertax", "unemp"]], d.state, np.log(d["pop"]), d.year)
    check_table(fit, {"beertax": 0, "unemp": 1}, entry["values"], entry)


def test_fe_poisson_oneway_fatalities(entry):
    """Absorbed state effects without years equal glm() with 47 dummies, clustered on state."""
    d = data(entry)
    fit = stats.fe_poisson(d.fatal, d[["beertax", "unemp"]], d.state, np.log(d["pop"]))
    check_table(fit, {"beertax": 0, "unemp": 1}, entry["values"], entry)


def test_negbin_quine(entry):
    """NB2 coefficients, dispersion, likelihood and both standard errors equal MASS::glm.nb's."""
    d, expected = data(entry), entry["values"]
    columns = {"EthN": d.Eth == "N", "SexM": d.Sex == "M", "LrnSL": d.Lrn == "SL"}
    columns |= {f"Age{level}": level == d.Age for level in ("F1", "F2", "F3")}
    model = stats.negative_binomial(d.Days, np.column_stack(list(columns.values())), np.arange(len(d)))
    names = [*columns, "(Intercept)"]
    n = len(d)
    robust = [stats.cr1(model.fit, j).se * np.sqrt((n - 1) / n) for j in range(len(names))]
    assert dict(zip(names, model.fit.coef)) == close(expected["coef"], entry)
    assert dict(zip(names, np.sqrt(np.diag(model.fit.bread)))) == close(expected["se_model"], entry)
    assert dict(zip(names, robust)) == close(expected["se_HC0"], entry)
    assert model.alpha == close(expected["alpha"], entry)
    assert model.log_likelihood == close(expected["loglik"], entry)


def test_ols_twoway_petersen(entry):
    """Petersen's firm, year and two-way clustered errors (.0506, .0334, .0536) are reproduced."""
    d, expected = data(entry), entry["values"]
    n = len(d)
    table = stats.twoway_ols(d.y, d.x, d.firm, d.year)
    assert table.coef[0] == close(expected["estimate"], entry)
    assert table.se[0] == close(expected["se_iid"], entry)
    assert table.se_robust[0] == close(expected["se_twoway"], entry)
    assert table.extra == close({"se_person": expected["se_firm"], "se_period": expected["se_year"]}, entry)
    assert [*table.extra.values(), table.se_robust[0]] == pytest.approx([0.0506, 0.0334, 0.0536], abs=5e-5)

    def by(groups, g):
        return stats.cr1(stats.pooled_ols(d.y, d.x, groups), 0).se ** 2 * (g - 1) / g

    rows = by(np.arange(n), n)
    assert np.sqrt(rows * n / (n - 2)) == close(expected["se_HC1"], entry)
    # Without factors: firms + years - cells, and every cell is one row.
    assert np.sqrt(by(d.firm, 500) + by(d.year, 10) - rows) == close(expected["se_twoway_CR0"], entry)


def test_cr2_ols_grunfeld(entry):
    """CR2 and Satterthwaite df of pooled, one-way and two-way OLS equal clubSandwich's."""
    d = data(entry)
    X = d[["value", "capital"]]
    fits = {
        "pooled": stats.pooled_ols(d.inv, X, d.firm),
        "firm_fe": stats.fe_ols(d.inv, X, d.firm),
        "twoway_fe": stats.fe_ols(d.inv, X, d.firm, d.year),
    }
    for model, fit in fits.items():
        for column, name in enumerate(X):
            ours, expected = stats.cr2(fit, column), entry["values"][model][name]
            assert {"estimate": ours.estimate, "se_CR2": ours.se, "df": ours.df, "p": ours.p} == close(expected, entry)


def test_correlations_swiss(entry):
    """Pearson, Spearman, Kendall, partial and semipartial correlations equal base R's."""
    d, expected = data(entry), entry["values"]
    x, y, others = d.Education, d.Fertility, d[["Agriculture", "Catholic"]]
    pearson = stats.simple_correlation(x, y)
    assert (pearson.r, pearson.p, pearson.df) == close(
        tuple(expected["pearson"][key] for key in ("r", "p", "df")), entry
    )
    assert [pearson.low, pearson.high] == close(expected["pearson"]["ci95"], entry)
    for method, name in (("spearman", "spearman"), ("kendall", "kendall_tau_b")):
        ours = stats.simple_correlation(x, y, method=method)
        assert (ours.r, ours.p) == close((expected[name]["r"], expected[name]["p_asymptotic"]), entry)
    for method in ("pearson", "spearman"):
        ours = stats.simple_correlation(x, y, others, method=method)
        assert {"r": ours.r, "df": ours.df, "p": ours.p} == close(expected[f"partial_{method}"], entry)
    semipartial = stats.semipartial_correlation(x, y, others)
    assert semipartial.r == close(expected["semipartial_x_residualised"]["r"], entry)


def test_rmcorr_bland1995(entry):
    """Bland & Altman's blood data: r = -0.507, 38 df, p = .0008, interval -.707 to -.232."""
    d, expected = data(entry), entry["values"]
    ours = stats.rmcorr(d.pH, d.PacO2, d.Subject)
    assert (ours.r, ours.df, ours.p, ours.slope) == close(
        tuple(expected[key] for key in ("r", "df", "p", "slope")), entry
    )
    assert [ours.low, ours.high] == close(expected["ci95_fisher"], entry)
    assert (round(ours.r, 3), round(ours.p, 4), round(ours.low, 3), round(ours.high, 3)) == (
        -0.507,
        0.0008,
        -0.707,
        -0.232,
    )


def test_mundlak_wagepan150(entry):
    """Slopes beside person means equal the fixed-effects slopes; the means carry between minus within."""
    d, expected = data(entry), entry["values"]
    X = d[["union", "married"]]
    pooled = stats.pooled_ols(d.lwage, d[["union", "married", "union_m", "married_m"]], d.nr)
    scale = pooled.residual @ pooled.residual / (expected["n"] - expected["k"])
    columns = {"union": 0, "married": 1, "union_m": 2, "married_m": 3, "(Intercept)": -1}
    check_table(pooled, columns, expected, entry, scale)

    split = stats.mundlak(d.lwage, X, d.nr, model="ols")
    fixed = stats.fe_ols(d.lwage, X, d.nr)
    k = expected["G"] + 2
    scale = fixed.residual @ fixed.residual / (expected["n"] - k)
    for column, name in enumerate(X):
        check_coefficient(fixed, column, expected["fe"][name], k, entry, scale)
        assert split.within[column].estimate == close(expected["fe"][name]["estimate"], entry)
        contextual = expected["coef"][f"{name}_m"]
        assert (split.contextual[column].estimate, split.contextual[column].se) == close(
            (contextual["estimate"], contextual["se_CR2"]), entry
        )


def test_logit_rr_birthwt(entry):
    """Logit, modified Poisson with HC0 and the standardised risk ratio equal R's."""
    d, expected = data(entry), entry["values"]
    names, n = ["smoke", "race2", "race3", "lwt", "(Intercept)"], len(d)
    X, rows = d[names[:-1]], np.arange(n)
    odds = stats.logit(d.low, X, rows)
    assert dict(zip(names, odds.coef)) == close(expected["logit"], entry)
    assert dict(zip(names, np.sqrt(np.diag(odds.bread)))) == close(expected["logit_se"], entry)

    ratio = stats.group_ratio(d.low, d.smoke, rows, d[["race2", "race3", "lwt"]])
    robust = [stats.cr1(ratio.fit, j).se * np.sqrt((n - 1) / n) for j in range(len(names))]
    assert dict(zip(names, ratio.fit.coef)) == close(expected["modified_poisson_logRR"], entry)
    assert dict(zip(names, robust)) == close(expected["modified_poisson_se_HC0"], entry)
    assert ratio.interval.estimate == ratio.fit.coef[0]

    risk = stats.standardised_risk(d.low, d.smoke, d[["race2", "race3", "lwt"]])
    assert (risk.risk_exposed, risk.risk_unexposed, risk.ratio, risk.se_log_ratio) == close(
        tuple(
            expected[key]
            for key in (
                "standardised_p1",
                "standardised_p0",
                "standardised_RR",
                "se_log_standardised_RR",
            )
        ),
        entry,
    )


def test_conversion_cbpp(entry):
    """A conversion rate as grouped logit, as Poisson rate, and with herd effects equals R's."""
    d, expected = data(entry), entry["values"]
    grouped = stats.logit(d.incidence, d[["p2", "p3", "p4"]], d.herd, d["size"])
    check_table(grouped, {"p2": 0, "p3": 1, "p4": 2, "(Intercept)": -1}, expected["binomial_logit"], entry)
    offset = np.log(d["size"])
    rate = stats.pooled_poisson(d.incidence, d.late, d.herd, offset)
    check_table(rate, {"late": 0, "(Intercept)": -1}, expected["rate_poisson"], entry)
    within = stats.fe_poisson(d.incidence, d.late, d.herd, offset)
    check_table(within, {"late": 0}, expected["fe_rate_poisson"], entry)


def test_tost_sleep(entry):
    """Two one-sided Welch and paired t tests of the sleep data equal R's."""
    d, expected = data(entry), entry["values"]
    first, second = (d.extra[d.group == k].to_numpy() for k in (1, 2))
    for test, name in (
        (stats.welch_equivalence, "welch_bounds2"),
        (stats.paired_equivalence, "paired_bounds2"),
    ):
        check_equivalence(test(first, second, -2, 2), expected[name], entry)


def test_tost_rate_ratio_epil(entry):
    """Equivalence of a rate ratio from its CR2 error and Satterthwaite df, fitted and tested end to end."""
    expected = entry["values"]
    slope = stats.cr2(epil_fit(), EPIL_COLUMNS["V4"])
    assert (slope.estimate, slope.se, slope.df) == close(
        tuple(expected[key] for key in ("estimate", "se", "df")), entry
    )
    for bound in ("1.10", "1.50"):
        edge = np.log(float(bound))
        ours = stats.equivalence(slope.estimate, slope.se, slope.df, -edge, edge)
        check_equivalence(ours, expected[f"sesoi_{bound}"], entry)


def check_equivalence(ours, expected, entry):
    assert (ours.p_lower, ours.p_upper, ours.p) == close(
        tuple(expected[key] for key in ("p_lower", "p_upper", "p")), entry
    )
    assert [ours.low90, ours.high90] == close(expected["ci90"], entry)


def test_multiplicity_bh1995(entry):
    """Adjusted p-values equal p.adjust; at 5 % BH rejects four and Bonferroni three, as printed in 1995."""
    expected = entry["values"]
    assert stats.holm(expected["p"]) == close(expected["holm"], entry)
    assert stats.benjamini_hochberg(expected["p"]) == close(expected["BH"], entry)
    others = {"bonferroni": "bonferroni", "hochberg": "simes-hochberg", "BY": "fdr_by"}
    for name, method in others.items():
        assert stats.adjust(expected["p"], method) == close(expected[name], entry)
    assert (stats.benjamini_hochberg(expected["p"]) <= 0.05).sum() == 4
    assert (stats.adjust(expected["p"], "bonferroni") <= 0.05).sum() == 3


def test_wild_cluster_grunfeld(entry):
    """All 1,024 sign vectors give the restricted wild cluster bootstrap's p of least squares."""
    d = data(entry)
    X = d[["value", "capital"]]
    for name, expected in entry["values"].items():
        model, column = name.split("_")
        ours = stats.score_wild_bootstrap(d.inv, X, d.firm, list(X).index(column), model="ols", absorb=model == "fe")
        assert (ours.n_draws, ours.n_extreme, ours.p) == (1024, expected["n_extreme"], expected["p"])
        assert ours.exhaustive
        # The reference studentises with CR1, we with CR0: the same order of all draws.
        assert ours.t * np.sqrt(9 / 10) == close(expected["t"], entry)


def test_score_wild_cbpp(entry):
    """All 32,768 sign vectors give the score wild bootstrap's p of a Poisson rate."""
    d, expected = data(entry), entry["values"]
    ours = stats.score_wild_bootstrap(
        d.incidence, d.late, d.herd, offset=np.log(d["size"]), absorb=False, max_enumerated=15
    )
    assert (ours.n_draws, ours.n_extreme, ours.n_clusters) == (
        expected["n_boot"],
        expected["n_extreme"],
        expected["G"],
    )
    assert (ours.t, ours.p) == close((expected["t"], expected["p"]), entry)


def test_two_rates_r_doc(entry):
    """The exact comparison of two rates equals poisson.test, also against a ratio of 1.45."""
    expected = entry["values"]
    events_2, time_2, events_1, time_1 = expected["inputs"]
    ours = stats.poisson_two_rates(events_1, time_1, events_2, time_2)
    claim = stats.poisson_two_rates(events_1, time_1, events_2, time_2, expected["null_ratio"])
    assert (ours.ratio, ours.p) == close((expected["ratio"], expected["p_exact"]), entry)
    assert [ours.low, ours.high] == close(expected["ci95_exact"], entry)
    assert [ours.wald_low, ours.wald_high] == close(expected["wald_log_ci95"], entry)
    assert (claim.p, claim.z) == close((expected["p_exact_vs_null"], expected["z_vs_null"]), entry)


def test_gee_exch_epil(entry):
    """Exchangeable GEE has geepack's coefficients and robust errors, up to its nuisance estimator."""
    epil, expected = data(entry), entry["values"]
    epil["product"] = epil.lbase4 * epil.trt01
    table = stats.gee_poisson(epil.y, epil[["lbase4", "trt01", "lage", "V4", "product"]], epil.subject)
    for name, column in EPIL_COLUMNS.items():
        assert table.coef[column] == close(expected["coef"][name], entry)
        assert table.se_robust[column] == close(expected["se_robust"][name], entry)


def test_shapley_swiss(entry):
    """LMG shares of R2 equal those over all 32 subsets in R."""
    d, expected = data(entry), entry["values"]
    shares = stats.shapley_r2(d.Fertility, {name: d[name] for name in expected["shares"]})
    assert shares == close(expected["shares"], entry)
    assert sum(shares.values()) == close(expected["total"], entry)


def test_driscoll_kraay_grunfeld(entry):
    """Driscoll-Kraay and Arellano errors of the within estimator equal plm's."""
    d, expected = data(entry), entry["values"]
    table = stats.driscoll_kraay(d.inv, d[["value", "capital"]], d.firm, d.year, max_lag=3)
    for ours, key in (
        (table.coef, "coef"),
        (table.se_robust, "se_DK_maxlag3_HC0"),
        (table.se, "se_arellano_HC0"),
    ):
        assert dict(zip(["value", "capital"], ours)) == close(expected[key], entry)


def test_every_entry_has_a_test():
    """No entry of reference.json is left unused: each is named by a test of this folder."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(HERE.glob("test_*.py")))
    missing = [name for name in REFERENCE if name not in text]
    assert missing == []
