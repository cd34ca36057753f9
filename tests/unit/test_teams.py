"""Which teams may be shown, so that no page tells about a person."""

import pytest

from ssi_audit.errors import SettingsError
from ssi_audit.settings import Settings
from ssi_audit.teams import plan_teams, team_results


def test_only_large_teams_have_a_page():
    """Ten sellers are scored, five are listed, the rest are put together."""
    plan = plan_teams({"B": 12, "A": 10, "C": 7, "D": 3, "E": 2}, 34)
    assert plan.pages == {"T01": "A", "T02": "B"}
    assert plan.listed == {"C": 7}
    assert plan.others == 5


def test_one_small_team_cannot_be_found_by_subtraction():
    """A single team of four would be what is left of the whole: the next larger one joins it."""
    plan = plan_teams({"A": 15, "B": 14, "C": 7, "D": 4}, 40)
    assert plan.listed == {}
    assert plan.others == 11
    assert list(plan.pages.values()) == ["A", "B"]


def test_a_page_is_given_up_before_one_person_is_left_over():
    """Eleven in one team and one without: neither has a page."""
    plan = plan_teams({"A": 11}, 12)
    assert plan.pages == {}
    assert plan.others == 12


@pytest.mark.parametrize("sizes", [{"A": 20}, {"A": 12, "B": 9}, {"A": 11, "B": 11, "C": 4, "D": 1}, {"": 30}, {}])
@pytest.mark.parametrize("alone", [0, 1, 6])
def test_what_is_left_is_nobody_or_a_group(sizes, alone):
    """Whatever the teams are, whole minus pages and list leaves none or at least `min_group`."""
    n_people = sum(sizes.values()) + alone
    plan = plan_teams(sizes, n_people)
    shown = sum(sizes[name] for name in plan.pages.values()) + sum(plan.listed.values())
    assert plan.others == n_people - shown
    assert plan.others == 0 or plan.others >= min(5, n_people)
    assert all(sizes[name] >= 10 for name in plan.pages.values())


def test_only_teams_that_were_asked_for():
    """The setting `teams` names who is shown; the others are put together."""
    plan = plan_teams({"A": 10, "B": 12}, 22, Settings(teams=("B",)))
    assert plan.pages == {"T02": "B"}
    assert plan.others == 10


def test_a_small_team_is_not_estimated():
    """The notebook cannot be talked into a page of nine."""
    import pandas as pd

    panel = pd.DataFrame({"person": [f"P{k}" for k in range(9)], "team": "A", "ssi": 50.0})
    with pytest.raises(SettingsError, match="9 sellers"):
        team_results(panel, "A")
