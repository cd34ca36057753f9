"""Jobs: their keys, and parameters checked before anything starts."""

import dataclasses

import pytest

from ssi_audit.errors import SettingsError
from ssi_audit.report.jobs import Job, StepFailure, check_parameters, declared_parameters
from tests.unit.report.notebook_maker import write_notebook

PARAMETERS = """\
pillar = "brand"  # one of: brand, people, insights, relationships, total
weeks: int = 13
alpha = 0.05
robust = False
team = None
reports_dir = "reports"
"""


@pytest.fixture
def job(tmp_path):
    """A job of a notebook with parameters of each type."""
    notebook = write_notebook(tmp_path / "02-correlation.ipynb", "# Q", "print(pillar)", parameters=PARAMETERS)
    return Job(notebook, "02-correlation-brand", "Brand", {"pillar": "brand"}, depends="data")


def with_parameters(job, **parameters):
    """The same job with other parameters."""
    return dataclasses.replace(job, parameters=parameters)


def test_declared_parameters_are_the_literals_of_the_tagged_cell(job):
    """Names, defaults and allowed values come from the notebook itself."""
    declared = declared_parameters(job.notebook)
    assert {name: parameter.default for name, parameter in declared.items()} == {
        "pillar": "brand", "weeks": 13, "alpha": 0.05, "robust": False, "team": None, "reports_dir": "reports",
    }  # fmt: skip
    assert declared["pillar"].allowed == ("brand", "people", "insights", "relationships", "total")


@pytest.mark.parametrize(
    "given",
    [{"pillar": "total"}, {"weeks": 1, "alpha": 1}, {"team": "T1"}, {"team": None}, {"robust": True}],
    ids=str,
)
def test_right_parameters_pass(job, given):
    """An integer will do for a decimal number, and anything where the default is None."""
    check_parameters([with_parameters(job, **given)])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"pilar": "brand"}, r"unknown parameter pilar\n *-> did you mean pillar\?"),
        ({"xyz": 1}, r"unknown parameter xyz\n *-> parameters: pillar, weeks"),
        ({"pillar": 3}, r"pillar = 3 is not of type str\n *-> such as 'brand'"),
        ({"pillar": "brnad"}, r"pillar = 'brnad'; one of: brand, people.*\n *-> did you mean brand\?"),
        ({"weeks": 1.5}, "weeks = 1.5 is not of type int"),
        ({"weeks": True}, "weeks = True is not of type int"),
        ({"alpha": True}, "alpha = True is not of type float"),
        ({"alpha": "0.05"}, "alpha = '0.05' is not of type float"),
        ({"robust": 1}, "robust = 1 is not of type bool"),
        ({"weeks": None}, "weeks = None is not of type int"),
    ],
    ids=str,
)
def test_wrong_parameters_name_the_fix(job, given, message):
    """A misspelt name, a wrong type or a value that does not exist says what would be right."""
    with pytest.raises(SettingsError, match=message):
        check_parameters([with_parameters(job, **given)])


def test_all_wrong_parameters_are_told_at_once(job):
    """Two jobs with one mistake each give both mistakes, and a repeated one once."""
    jobs = [with_parameters(job, pilar="x"), with_parameters(job, weeks="x"), with_parameters(job, pilar="x")]
    with pytest.raises(SettingsError) as caught:
        check_parameters(jobs)
    assert len(caught.value.problems) == 2


def test_places_must_be_parameters_too(job, tmp_path):
    """A place that the notebook does not ask for is a mistake as well."""
    with pytest.raises(SettingsError, match="unknown parameter data_dir"):
        check_parameters([dataclasses.replace(job, places={"data_dir": tmp_path})])


def test_key_changes_with_what_decides_the_result(job):
    """Parameters, data and the notebook make another key."""
    changed = [with_parameters(job, pillar="people"), dataclasses.replace(job, depends="other data")]
    keys = {job.key(), *(other.key() for other in changed)}
    write_notebook(job.notebook, "# Q", "print(pillar, 1)", parameters=PARAMETERS)
    assert len({*keys, job.key()}) == 4


def test_key_ignores_where_things_are_and_what_they_are_called(job, tmp_path):
    """Another folder, title or weight computes nothing else."""
    other = dataclasses.replace(job, places={"reports_dir": tmp_path / "x"}, title="Other", weight=9.0)
    assert other.key() == job.key()


def test_key_tells_one_from_true(job):
    """Values that compare equal but are written differently are different parameters."""
    assert with_parameters(job, weeks=1).key() != with_parameters(job, weeks=True).key()


def test_failure_reads_as_one_sentence():
    """Notebook, step and reason, without an empty pair of quotes."""
    assert StepFailure("a.ipynb", "Load", "ValueError: x").text() == 'a.ipynb failed at "Load": ValueError: x'
    assert StepFailure("a.ipynb", "", "no answer").text() == "a.ipynb failed: no answer"
