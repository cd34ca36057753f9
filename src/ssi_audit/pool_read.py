"""What an evidence file must hold, checked whole before a number of it is used.

The files come from other offices, by mail and through editors. One wrong value
would end in a traceback or, worse, in an answer; so every value that pooling
uses has a type and a range here, and each one that does not fit is told with
its place in the file. Values that nothing uses are left out.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import reprlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)

from ssi_audit import schema
from ssi_audit.claims import UNITS, Claim, load_claims
from ssi_audit.errors import Problem
from ssi_audit.pool import EVIDENCE_FILE, KIND, LARGEST, LARGEST_LOG, LEAST_DF, LEAST_SE, SCHEMA, is_ratio

WORDS = {"None": "null", "True": "true", "False": "false"}
WRITE_AGAIN = "write it again with ssi-audit audit"
# Beyond it a count has no meaning, and sums of such counts are no longer exact.
LARGEST_COUNT = 10**15


def read_evidence(path: Path) -> dict[str, Any] | list[Problem]:
    """The content of an evidence file, as far as pooling uses it, or everything that is wrong with it."""
    expected = f"give an {EVIDENCE_FILE} that ssi-audit audit wrote"
    try:
        value = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
    except RecursionError:
        return [Problem(str(path), "cannot be read: lists within lists without end", expected)]
    except OSError as error:
        return [Problem(str(path), f"cannot be read: {error.strerror or error}", expected)]
    except ValueError as error:  # also no text at all, and numbers of thousands of digits
        return [Problem(str(path), f"cannot be read: {error}", expected)]
    if not isinstance(value, dict) or value.get("kind") != KIND:
        return [Problem(str(path), "is not an evidence file", expected)]
    if value.get("schema") != SCHEMA:
        return [
            Problem(
                str(path), f"has version {_text(value.get('schema'))} of the format, {SCHEMA} was expected",
                "write it again with the same release of ssi-audit everywhere",
            )
        ]  # fmt: skip
    try:
        checked = Evidence.model_validate(value).model_dump(exclude={"definitions"})
    except ValidationError as error:
        return [_problem(str(path), value, item) for item in error.errors()]
    return checked | {"definitions": value["definitions"]}


def _no_number(name: str) -> Any:
    raise ValueError(f"it holds {name}, which is no number")


def _problem(file: str, value: dict[str, Any], item: dict[str, Any]) -> Problem:
    """One wrong value: where in the file, what is there, what belongs there."""
    *above, last = item["loc"]
    if item["type"] == "missing":
        return Problem(file, f"{_place(value, above)} lacks {last}".lstrip(), WRITE_AGAIN)
    found = _place(value, item["loc"]) + _shown(item["input"])
    # Pydantic's own words, but for the names of classes.
    message = item["msg"].removeprefix("Value error, ").removeprefix("Input ").partition(" or instance of ")[0]
    return Problem(file, f"{found}: {message}", WRITE_AGAIN)


def _shown(value: Any) -> str:
    """What is there; of a whole entry only its place is told."""
    return "" if isinstance(value, (dict, list)) and value else f" is {_text(value)}"


def _text(value: Any) -> str:
    """A value as the file has it, cut where it is long."""
    return WORDS.get(str(value)) or reprlib.repr(value)


def _place(value: Any, steps: Sequence[str | int]) -> str:
    """``cells[3] (total, meetings) adjusted.se``: the way to a value, with the names of the entries it passes."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            value = value[step]
            text += f"[{step}]{_name(value)}"
        elif step != "[key]":  # the way pydantic says that the name itself is wrong
            value = value.get(step) if isinstance(value, dict) else None
            text += f".{step}" if text and not text.endswith(" ") else step
    return text.rstrip()


def _name(entry: Any) -> str:
    """What an entry of a list is about; a claim and an indicator have one name, a cell has two."""
    if not isinstance(entry, dict):
        return ""
    keys = next((keys for keys in (("id",), ("name",)) if keys[0] in entry), ("exposure", "outcome"))
    names = [entry[key] for key in keys if isinstance(entry.get(key), str)]
    return f" ({', '.join(names)}) " if names else ""


# ---- the values ------------------------------------------------------------------------------------------


def _day(value: str) -> str:
    try:
        dt.date.fromisoformat(value)
    except ValueError:
        raise ValueError("should be a day such as 2024-12-31") from None
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        value.encode()  # half a character cannot be written again
    if not isinstance(value, (str, int, float)):
        raise ValueError("should be a text or a number")
    return value


def _once(entries: list[Any], names: Sequence[str]) -> list[Any]:
    """Of two entries for the same thing only the last would count."""
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise ValueError(f"has two entries for {twice[0]}")
    return entries


@functools.cache
def _register() -> dict[str, Claim]:
    return {claim.id: claim for claim in load_claims()}


Count = Annotated[int, Field(ge=0, le=LARGEST_COUNT)]
Several = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]
Number = Annotated[float, Field(ge=-LARGEST_COUNT, le=LARGEST_COUNT)]
Estimate = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Error = Annotated[float, Field(ge=LEAST_SE, le=LARGEST)]
LogEstimate = Annotated[float, Field(ge=-LARGEST_LOG, le=LARGEST_LOG)]
LogError = Annotated[float, Field(ge=LEAST_SE, le=LARGEST_LOG)]
Day = Annotated[str, AfterValidator(_day)]
Exposure, Outcome = Literal[schema.EXPOSURES], Literal[schema.OUTCOMES]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)


# ---- the parts -------------------------------------------------------------------------------------------


class FitPart(_Part):
    """A log rate ratio."""

    log_rr: LogEstimate
    se: LogError
    df: Annotated[float, Field(ge=LEAST_DF, le=LARGEST_COUNT)]
    n_people: Several
    n_rows: Several
    n_events: Number
    mean: Number | None


class EstimatePart(_Part):
    """An estimate and its standard error, or null for both."""

    estimate: Estimate | None
    se: Error | None
    df: Several
    n_people: Count

    @model_validator(mode="after")
    def _both_or_none(self) -> EstimatePart:
        if (self.estimate is None) != (self.se is None):
            raise ValueError("should have an estimate and its se, or null for both")
        return self


class CorrelationPart(EstimatePart):
    """A correlation on Fisher's scale."""

    estimate: LogEstimate | None
    se: LogError | None
    n_rows: Count


class CellPart(_Part):
    """A score and a result."""

    exposure: Exposure
    outcome: Outcome
    crude: FitPart | None
    adjusted: FitPart | None
    between: FitPart | None
    lead_placebo: FitPart | None
    negative_control: FitPart | None
    spearman_between: CorrelationPart | None
    rmcorr: CorrelationPart | None
    link: CorrelationPart | None


class ClaimPart(EstimatePart):
    """A published claim; its numbers are on the scale of its unit."""

    id: str
    side: Literal["for", "against"]
    unit: Literal[UNITS]
    claimed: Number | None
    state: Literal[schema.CLAIM_STATES]
    outcome: Outcome | None

    @field_validator("id")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in _register():
            raise ValueError("should be a claim of this release of ssi-audit")
        return value

    @field_validator("unit")
    @classmethod
    def _unit_of_claim(cls, value: str, info: ValidationInfo) -> str:
        claim = _register().get(info.data.get("id"))
        if claim is not None and value != claim.unit:
            raise ValueError(f"should be '{claim.unit}'")
        return value

    @model_validator(mode="after")
    def _log_in_range(self) -> ClaimPart:
        if is_ratio(self.unit) and self.se is not None and max(abs(self.estimate), self.se) > LARGEST_LOG:
            raise ValueError(f"should have the estimate and se of a log ratio, at most {LARGEST_LOG:g}")
        return self


class WatchPart(EstimatePart):
    """Skill of an indicator."""

    name: str


class ActivityPart(_Part):
    """What is known of activity."""

    r2: Estimate | None
    types: list[Literal[tuple(schema.ACTIVITY_TYPES)]]
    pillars_without: list[Literal[schema.PILLARS]]
    n_people: Count
    n_rows: Count
    links: dict[Exposure, CorrelationPart | None]


class DataPart(_Part):
    """How much there is, and from when."""

    people: Count
    periods: Count
    rows: Count
    start: Day
    end: Day
    sample: bool
    fingerprint: str
    score_break: bool = False


class _Definitions(_Part):
    """All that files must agree on; a later release may define more."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Annotated[Any, AfterValidator(_plain)]]


Definitions = create_model(
    "Definitions",
    __base__=_Definitions,
    period=(Literal["week", "month"], ...),
    alpha=(Annotated[float, Field(gt=0, lt=0.5)], ...),
    **{f"sesoi {outcome}": (Annotated[float, Field(gt=1, lt=10)], ...) for outcome in schema.OUTCOMES},
)


class Evidence(_Part):
    """A whole file."""

    definitions: Definitions
    definitions_fingerprint: str
    data_definitions: dict[str, str] = Field(default_factory=dict)
    data: DataPart
    activity: ActivityPart
    cells: list[CellPart]
    claims: list[ClaimPart] = Field(default_factory=list)
    watch: list[WatchPart] = Field(default_factory=list)

    @field_validator("cells")
    @classmethod
    def _pairs_once(cls, value: list[CellPart]) -> list[CellPart]:
        return _once(value, [f"{cell.exposure}, {cell.outcome}" for cell in value])

    @field_validator("claims")
    @classmethod
    def _claims_once(cls, value: list[ClaimPart]) -> list[ClaimPart]:
        return _once(value, [claim.id for claim in value])

    @field_validator("watch")
    @classmethod
    def _indicators_once(cls, value: list[WatchPart]) -> list[WatchPart]:
        return _once(value, [item.name for item in value])
