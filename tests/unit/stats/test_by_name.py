"""Models named by words."""

from __future__ import annotations

import numpy as np
import pytest

from ssi_audit.stats.by_name import as_columns, fit_by_name
from ssi_audit.stats.fixed_effects import fe_ols, fe_poisson, pooled_ols, pooled_poisson
from tests.unit.stats.simulated import team


@pytest.mark.parametrize(
    ("model", "absorb", "function"),
    [
        ("poisson", True, fe_poisson),
        ("poisson", False, pooled_poisson),
        ("ols", True, fe_ols),
        ("ols", False, pooled_ols),
    ],
)
def test_each_name_is_its_function(model, absorb, function):
    """A name and the absorption of person effects choose one of the four estimators."""
    one = team(np.random.default_rng(1), people=10, weeks=20)
    named = fit_by_name(model, one.events, one.score, one.people, calendar=one.quarter, absorb=absorb)
    direct = function(one.events, one.score, one.people, calendar=one.quarter)
    assert named.coef == pytest.approx(direct.coef, abs=0)


def test_an_unknown_model_is_named():
    """A misspelt model lists what there is."""
    with pytest.raises(ValueError, match='"poisson" or "ols", got \'logit\''):
        fit_by_name("logit", [1.0], [1.0], [0])


def test_least_squares_refuse_an_offset():
    """An offset that would be ignored in silence is an error."""
    with pytest.raises(ValueError, match="no offset"):
        fit_by_name("ols", np.ones(4), np.arange(4.0), [0, 0, 1, 1], offset=np.zeros(4))


def test_covariates_become_columns():
    """None is no column, a vector one column, a matrix itself."""
    assert as_columns(None, 3).shape == (3, 0)
    assert as_columns([1, 2, 3], 3).shape == (3, 1)
    assert as_columns(np.ones((3, 2)), 3).shape == (3, 2)


def test_covariates_of_another_length_are_refused():
    """Twice as many values are not two columns."""
    with pytest.raises(ValueError, match="6 rows, the outcome has 3"):
        as_columns(np.ones(6), 3)
