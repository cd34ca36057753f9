"""The register of published claims, and the test of each one on these data.

The register is `claims.toml`: one entry per claim, with the kind of test that
answers it and what that test needs to know. Another claim of a known kind is
another entry; no code is needed. Every claim ends in one of five states, and
each kind of test can end in favour and against (`claim_rules`).
"""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ssi_audit import (
    claim_tests_beyond,
    claim_tests_change,
    claim_tests_groups,
    claim_tests_results,
    claim_tests_score,
    parallel,
    schema,
)
from ssi_audit.claim_data import Case
from ssi_audit.claim_rules import (
    NOT_ENOUGH,
    NOT_TESTABLE,
    Finding,
    NotTestable,
    Parameters,
    result_of,
    unless_short,
)
from ssi_audit.errors import NotEnoughData, Problem, SettingsError
from ssi_audit.results import Audit, ClaimResult
from ssi_audit.settings import Settings

REGISTER = Path(__file__).with_name("claims.toml")
# Scales of `number` and of the estimate. Ratios, probabilities, shares and correlations have no unit; a `ratio_per_…`
# is per ten points, per 2.5 points of a pillar, or per year of tenure; `skill` is a share of deviance.
UNITS = (
    "ratio", "ratio_per_10", "ratio_per_pillar_step", "ratio_per_year", "ratio_of_ratios", "probability", "share",
    "correlation", "points", "weeks", "skill",
)  # fmt: skip
KINDS: dict[str, tuple[type[Parameters], Callable[[Case, Any, float], Finding]]] = {
    **claim_tests_groups.KINDS, **claim_tests_results.KINDS, **claim_tests_beyond.KINDS,
    **claim_tests_score.KINDS, **claim_tests_change.KINDS,
}  # fmt: skip
# Kinds about effects on sales, which a panel that is too short for a verdict settles neither way. The others are about
# what the score is made of and how it moves.
ON_SALES = frozenset(
    {
        "group_ratio", "superiority", "small_gap", "dose_response", "every_exposure", "early_stage", "no_link",
        "beyond_activity", "fades_with_tenure", "lag_peak", "better_indicator", "discordance",
    }
)  # fmt: skip
# Kinds that compare with a published size, which they then need.
NEEDS_NUMBER = ("group_ratio", "superiority", "licence_lift", "lag_peak", "pillar_overlap")
# Kind and unit → what its published size lies between: its rule (`claim_rules.size`) is for more than no difference.
SIZES = {("group_ratio", "ratio"): (1.0, math.inf), ("superiority", "probability"): (0.5, 1.0)}


class _Entry(BaseModel):
    """One [[claim]] of the register; `claims.toml` says what each key means."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    claim: str = Field(min_length=1)
    side: Literal["for", "against"]
    sources: tuple[str, ...] = Field(min_length=1)
    number: float | None = None
    unit: Literal[UNITS]
    kind: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    estimand: str = Field(min_length=1)
    needs: tuple[str, ...] = Field(min_length=1)
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """A published statement and how it is tested.

    Attributes
    ----------
    id, claim, side, sources, number, unit, kind, estimand, needs, beside
        As in `claims.toml`; `number` is None where no size was published.
    parameters : Parameters
        Checked parameters of the kind.
    source : str
        The sources in words.
    """

    id: str
    claim: str
    side: str
    sources: tuple[str, ...]
    source: str
    number: float | None
    unit: str
    kind: str
    parameters: Parameters
    estimand: str
    needs: tuple[str, ...]
    beside: tuple[str, ...]


def load_claims(path: Path | str = REGISTER) -> tuple[Claim, ...]:
    """Read and check a register of claims.

    Parameters
    ----------
    path : path
        A TOML file like `claims.toml`.

    Raises
    ------
    SettingsError
        With every wrong or missing key, unknown kind, unknown source and repeated id at once.
    """
    path = Path(path)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(Problem(path.name, f"cannot be read: {error}")) from error
    problems = [
        Problem(path.name, f"unknown key {key!r}", _nearest(key, ("claim", "sources")))
        for key in raw
        if key not in ("claim", "sources")
    ]
    sources = raw.get("sources", {})
    claims: list[Claim] = []
    for place, entry in enumerate(raw.get("claim", []), start=1):
        found, wrong = _read_entry(entry, sources)
        name = f"claim {entry.get('id', place)!r}"
        if found and found.id in {claim.id for claim in claims}:
            wrong = [("the id is used twice", "give each claim its own id")]
        problems.extend(Problem(path.name, f"{name}: {what}", fix) for what, fix in wrong)
        if found:
            claims.append(found)
    if not claims and not problems:
        problems.append(Problem(path.name, "holds no [[claim]]"))
    if problems:
        raise SettingsError(problems)
    return tuple(claims)


def _read_entry(entry: dict[str, Any], sources: dict[str, str]) -> tuple[Claim | None, list[tuple[str, str]]]:
    """A checked claim, or what is wrong with it as pairs (what, what to do)."""
    try:
        read = _Entry.model_validate(entry)
    except ValidationError as error:
        return None, _wrong(error, tuple(_Entry.model_fields))
    if read.kind not in KINDS:
        return None, [(f"unknown kind {read.kind!r}", _nearest(read.kind, tuple(KINDS)))]
    wrong = [
        (f"unknown source {name!r}", _nearest(name, tuple(sources))) for name in read.sources if name not in sources
    ]
    if read.kind in NEEDS_NUMBER and read.number is None:
        wrong.append((f"number is missing, and a {read.kind} is compared with one", "give the published size"))
    least, most = SIZES.get((read.kind, read.unit), (-math.inf, math.inf))
    if read.number is not None and not least < read.number < most:
        wrong.append((f"number: a {read.unit} of a {read.kind} lies above {least:g} and below {most:g}", ""))
    asked = KINDS[read.kind][0]
    try:
        parameters = asked.model_validate(read.parameters)
    except ValidationError as error:
        return None, wrong + _wrong(error, tuple(asked.model_fields), "parameters.")
    if wrong:
        return None, wrong
    given = {name: getattr(read, name) for name in _Entry.model_fields if name != "parameters"}
    return Claim(**given, parameters=parameters, source="; ".join(sources[name] for name in read.sources)), []


def _wrong(error: ValidationError, known: tuple[str, ...], prefix: str = "") -> list[tuple[str, str]]:
    found = []
    for item in error.errors():
        key = str(item["loc"][0]) if item["loc"] else ""
        if item["type"] == "extra_forbidden":
            found.append((f"unknown key {prefix}{key!r}", _nearest(key, known)))
        elif item["type"] == "missing":
            found.append((f"{prefix}{key} is missing", ""))
        else:
            found.append((f"{prefix}{key}: {item['msg'].removeprefix('Value error, ')}", ""))
    return found


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f'did you mean "{near[0]}"?' if near else f"known: {', '.join(known)}"


def test_claims(
    panel: pd.DataFrame,
    tables: schema.Tables,
    settings: Settings | None = None,
    audit: Audit | None = None,
    *,
    claims: Sequence[Claim] | None = None,
) -> list[ClaimResult]:
    """Test every published claim on these data.

    Parameters
    ----------
    panel : pandas.DataFrame
        As `build_panel` returns it.
    tables : Tables
        The tables it was built from: licences, readings by day and activity by metric are not in the panel.
    settings : Settings, optional
    audit : Audit, optional
        Its fits and its ranking of indicators are used instead of making them again; the results are the same.
    claims : sequence of Claim, optional
        Default: the register of the package.

    Returns
    -------
    list of ClaimResult
        In the order of the register. A claim whose data are missing is "not testable" and names them; one whose data
        do not suffice is "not enough data" and says what would; no claim is left out.
    """
    case = Case(panel, tables, settings or Settings(), audit)
    asked = load_claims() if claims is None else claims
    return parallel.starmap(_test, case, [(claim,) for claim in asked])


# pytest takes functions of this name for tests wherever they are imported.
test_claims.__test__ = False


def _test(case: Case, claim: Claim) -> ClaimResult:
    number = float("nan") if claim.number is None else claim.number
    try:
        found = KINDS[claim.kind][1](case, claim.parameters, number)
    except NotTestable as why:
        found = Finding(NOT_TESTABLE, _sentence(why))
    except NotEnoughData as why:
        found = Finding(NOT_ENOUGH, _sentence(why))
    if claim.kind in ON_SALES:
        found = unless_short(found, case.columns.seller_years)
    return result_of(claim.id, claim.side, claim.unit, number, claim.beside, found)


def _sentence(why: Exception) -> str:
    text = str(why)
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
