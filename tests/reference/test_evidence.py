"""The evidence methods give the numbers of other programs (reference.json, metafor_bcg.json).

Each entry of reference.json names its program, its conventions and the
relative tolerance that several programs agree within.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ssi_audit import stats

HERE = Path(__file__).parent
# R prints 13 digits and stops its iterations at 1e-14; the rest is the order of summation.
METAFOR_RTOL = 1e-9


@pytest.fixture(scope="module")
def reference() -> dict:
    """All entries of reference.json."""
    return json.loads((HERE / "reference.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def bcg() -> dict:
    """Metafor's answers for the 13 BCG trials, and their counts."""
    return json.loads((HERE / "metafor_bcg.json").read_text(encoding="utf-8"))


def data(entry: dict) -> pd.DataFrame:
    return pd.read_csv(HERE / entry["data"])


def close(expected: object, entry: dict) -> object:
    return pytest.approx(expected, rel=entry["rel_tol"])


def test_vif_equals_car(reference):
    """Variance inflation of the swiss regressors equals car's vif()."""
    entry = reference["vif_swiss"]
    names = list(entry["values"])
    assert stats.vif(data(entry)[names].to_numpy()) == close(list(entry["values"].values()), entry)


def test_vif_equals_the_diagonal_of_the_inverse_correlations(reference):
    """1/(1 - R2) is also the diagonal of the inverse correlation matrix."""
    entry = reference["vif_swiss"]
    columns = data(entry)[list(entry["values"])]
    assert stats.vif(columns.to_numpy()) == pytest.approx(np.diag(np.linalg.inv(columns.corr())), rel=1e-10)


@pytest.fixture(scope="module")
def attitude(reference) -> tuple[dict, pd.DataFrame]:
    """The entry and its four items."""
    entry = reference["reliability_attitude"]
    return entry, data(entry)[list(entry["values"]["ml_loadings"])]


def test_alpha_and_item_correlations_equal_psych(attitude):
    """Cronbach's alpha, item-total and item-rest correlations equal psych::alpha()."""
    entry, items = attitude
    values, found = entry["values"], stats.scale_statistics(items.to_numpy())
    assert found.alpha_raw == close(values["alpha_raw"], entry)
    assert found.alpha_std == close(values["alpha_std"], entry)
    assert found.item_total == close(list(values["item_total"].values()), entry)
    assert found.item_rest == close(list(values["item_rest"].values()), entry)


def test_one_factor_equals_factanal(attitude):
    """Loadings, uniquenesses and omega of one ML factor equal factanal()'s."""
    entry, items = attitude
    values, found = entry["values"], stats.one_factor(items.corr().to_numpy())
    assert found.loadings == close(list(values["ml_loadings"].values()), entry)
    assert found.uniquenesses == close(list(values["uniqueness"].values()), entry)
    assert found.omega == close(values["omega_total_1factor"], entry)
    assert not found.heywood


def test_eigenvalues_equal_r(attitude):
    """The eigenvalues of the overlap between persons are those of R's eigen()."""
    entry, items = attitude
    found = stats.overlap_between(items.to_numpy(), np.arange(len(items)))
    assert found.eigenvalues == close(entry["values"]["eigenvalues"], entry)
    assert found.first_share == close(entry["values"]["eigenvalues"][0] / 4, entry)


def test_icc_equals_psych_and_the_published_table(reference):
    """The six intraclass correlations equal psych::ICC() and, to two decimals, Shrout & Fleiss 1979."""
    entry = reference["icc_shrout_fleiss"]
    ratings = data(entry).pivot(index="target", columns="rater", values="score").to_numpy()
    found = stats.intraclass(ratings)
    forms = [found.icc1, found.icc2, found.icc3, found.icc1k, found.icc2k, found.icc3k]
    assert forms == close(list(entry["values"].values()), entry)
    assert np.round(forms, 2).tolist() == [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]


def test_change_on_baseline_equals_r(reference):
    """Naive, Oldham, Pitman-Morgan and Blomqvist numbers of the anorexia trial equal R's."""
    entry = reference["rtm_anorexia_ft"]
    values, frame = entry["values"], data(entry)
    first, last = frame["Prewt"].to_numpy(), frame["Postwt"].to_numpy()
    naive, fair = stats.naive_change(first, last), stats.oldham(first, last)
    corrected = stats.blomqvist(first, last, values["blomqvist_reliability"])
    assert naive.r == close(values["naive_r_change_baseline"], entry)
    assert naive.slope == close(values["naive_slope"], entry)
    assert (fair.r, fair.t, fair.p) == close((values["oldham_r"], values["pitman_t"], values["pitman_p"]), entry)
    assert corrected.slope == close(values["blomqvist_slope"], entry)


def test_superiority_equals_r(reference):
    """Probability of superiority, Mann-Whitney p and Brunner-Munzel interval of sprays E over D equal R's."""
    entry = reference["superiority_insectsprays"]
    values, frame = entry["values"], data(entry)
    spray = {name: part["count"].to_numpy() for name, part in frame.groupby("spray")}
    found = stats.probability_of_superiority(spray["E"], spray["D"])
    assert found.p_above == close(values["p_y_over_x"], entry)
    assert found.p_mann_whitney == close(values["mannwhitney_p_normal"], entry)
    assert (found.statistic, found.df, found.p) == close(
        (values["bm_stat_y_minus_x"], values["bm_df"], values["bm_p"]), entry
    )
    assert (found.low, found.high) == close(tuple(values["bm_ci95_y_over_x"]), entry)
    assert stats.probability_of_superiority(spray["D"], spray["E"]).p_above == close(values["auc_x_over_y"], entry)


def test_sun_abraham_equals_r(reference):
    """Cohort effects, their CR0 errors and the averages by event time equal R's lm on the dummies."""
    entry = reference["sunab_jtrain_hrsemp"]
    values, frame = entry["values"], data(entry)
    start = frame["cohort"].replace(0, np.nan)
    found = stats.sun_abraham(frame["y"], frame["fcode"], frame["year"], start, kind="CR0")
    names = [f"c{cohort}_e{event}" for cohort, event in zip(found.cohort, found.cohort_event)]
    assert dict(zip(names, found.cohort_effect)) == close(values["cohort_coefs"], entry)
    assert dict(zip((f"Dm{name}" for name in names), found.cohort_se)) == close(values["se_CR0"], entry)
    assert found.event.tolist() == [-2, 0, 1]
    assert found.effect == close([values["att_em2"], values["att_e0"], values["att_e1"]], entry)
    assert found.se[1] == close(values["se_att_e0_CR0"], entry)
    assert found.n_exposed == sum(values["n_cohort"].values())


def test_log_risk_ratio_equals_escalc(bcg):
    """Log risk ratios and variances of the BCG trials equal metafor's escalc()."""
    ratio, variance = stats.log_risk_ratio(
        bcg["vaccinated_cases"], bcg["vaccinated_total"], bcg["control_cases"], bcg["control_total"]
    )
    assert ratio == pytest.approx(bcg["log_rr"], rel=METAFOR_RTOL)
    assert variance == pytest.approx(bcg["variance"], rel=METAFOR_RTOL)


def test_random_effects_equal_metafor(bcg):
    """REML, Hartung-Knapp, Q, I2 and the prediction interval equal metafor's rma(test = "knha")."""
    found = stats.random_effects(bcg["log_rr"], bcg["variance"])
    assert (found.estimate, found.tau2) == pytest.approx((bcg["estimate"], bcg["tau2"]), rel=METAFOR_RTOL)
    assert (found.se, found.t, found.p) == pytest.approx((bcg["se_hk"], bcg["t_hk"], bcg["p_hk"]), rel=METAFOR_RTOL)
    assert (found.low, found.high) == pytest.approx(tuple(bcg["ci95_hk"]), rel=METAFOR_RTOL)
    assert (found.predict_low, found.predict_high) == pytest.approx(tuple(bcg["prediction95_hk"]), rel=METAFOR_RTOL)
    assert (found.q, found.i2) == pytest.approx((bcg["Q"], bcg["I2"]), rel=METAFOR_RTOL)
    assert found.q_p == pytest.approx(bcg["Q_p"], rel=1e-6)


def test_random_effects_equal_the_published_figures(bcg):
    """The documentation of metafor prints -0.7145 and tau2 0.3132 for these trials."""
    found = stats.random_effects(bcg["log_rr"], bcg["variance"])
    assert (round(found.estimate, 4), round(found.tau2, 4)) == (-0.7145, 0.3132)


def test_teams_alike_equal_metafors_modified_interval(bcg):
    """Where the teams agree better than their errors allow, the numbers are those of rma(test = "adhoc")."""
    found = stats.random_effects([0.10, 0.14, 0.09], [0.04, 0.05, 0.03])
    expected = bcg["alike_estimate_se_p"] + bcg["alike_ci95"]
    assert [found.estimate, found.se, found.p, found.low, found.high] == pytest.approx(expected, rel=METAFOR_RTOL)
