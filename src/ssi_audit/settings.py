"""ssi-audit.toml as one typed model; every option is documented here and only here.

The defaults are the recommended analysis. A misspelt option is an error that
names the nearest option, because a setting that is silently ignored changes
an answer without anybody noticing.
"""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
import json
import math
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from ssi_audit import schema
from ssi_audit.errors import Problem, SettingsError

FILE_NAME = "ssi-audit.toml"


class Settings(BaseModel):
    """All options of a run.

    Attributes
    ----------
    organisation : str
        Shown on every page.
    language : str
        ``en``, ``pl``, ``it``, ``fi`` or ``th``.
    show_names : bool
        Names instead of codes in the report. Off: no person is named in any output.
    period : {"week", "month"}
        Length of a panel period.
    timezone : str
        IANA name; times with a zone become days in this zone, times without one are taken as they stand.
    archive_shift_hours : float
        Added to times of LinkedIn archives, which carry no zone and are read as UTC.
    start, end : date, optional
        First and last day that counts; default: what the files cover.
    day_first : bool or table, optional
        Is 03/04/2025 the third of April? For all files, or per file or column
        (``"deals.csv"`` or ``"deals.csv:Close Date"``). Asked for only where the values do not settle it.
    decimal : {",", "."}, optional
        Decimal sign, asked for only where the values of a column do not settle it.
    encoding : table
        File name → encoding, where it could not be told from the content.
    currency : str, optional
        Currency of amounts that carry none, and the one that amounts are converted to.
    rates : table
        Currency code → units of `currency` for one unit of it. Without it, currencies are never added up.
    columns : table
        Table (``ssi``, ``activity``, ``crm_events``, ``people``) → our column → the file's header.
    stages : table
        The CRM's stage name → ``won``, ``lost`` or ``open``.
    linkedin_sources : list of str
        Words of a CRM source that mean LinkedIn (compared without case, as part of the text).
    inquiry_source : {"auto", "linkedin", "all"}
        Which inquiries are the outcome; auto: those from LinkedIn where sources are known.
    meeting_words, not_meeting_words : list of str
        Calendar entries that count as a meeting with a customer, or never do.
    own_domains : list of str
        E-mail domains of the organisation itself: a meeting with only these is internal.
    pipelines : list of str
        CRM pipelines that count; empty: all.
    persons : table
        File name or folder → person, for files that do not say whose they are.
    periods : table
        File name → first and last day, for reports of totals that do not say which days they cover.
    teams : list of str
        Teams to show; empty: all that are large enough.
    min_group : int
        Smaller groups are never shown on their own.
    min_score : int
        Smaller groups are not scored.
    sesoi : table
        Outcome → smallest effect of interest, as a rate ratio per +10 SSI points.
    alpha : float
        Level of the tests; intervals are 95 % whatever it is.
    seed : int
        Of every random draw.
    stale_days_week, stale_days_month : int
        A reading older than this at the end of the period before is not carried on.
    window_weeks : int
        Weeks of activity that a score summarises (LinkedIn: 90 days).
    lead_weeks : int
        How far ahead the lead placebo looks.
    horizon_weeks : table
        Rate → weeks after which an open case counts as not converted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    organisation: str = ""
    language: Literal[*schema.LANGUAGES] = "en"
    show_names: bool = False
    period: Literal["week", "month"] = "week"
    timezone: str = "UTC"
    archive_shift_hours: float = Field(default=0.0, ge=-48, le=48, allow_inf_nan=False)
    start: dt.date | None = None
    end: dt.date | None = None
    day_first: bool | dict[str, bool] | None = None
    decimal: Literal[",", "."] | None = None
    encoding: dict[str, str] = Field(default_factory=dict)
    currency: str | None = None
    rates: dict[str, float] = Field(default_factory=dict)
    columns: dict[str, dict[str, str]] = Field(default_factory=dict)
    stages: dict[str, Literal["won", "lost", "open"]] = Field(default_factory=dict)
    linkedin_sources: tuple[str, ...] = ("linkedin", "sales navigator", "social selling", "inmail")
    inquiry_source: Literal["auto", "linkedin", "all"] = "auto"
    meeting_words: tuple[str, ...] = ()
    not_meeting_words: tuple[str, ...] = ()
    own_domains: tuple[str, ...] = ()
    pipelines: tuple[str, ...] = ()
    persons: dict[str, str] = Field(default_factory=dict)
    periods: dict[str, tuple[dt.date, dt.date]] = Field(default_factory=dict)
    teams: tuple[str, ...] = ()
    min_group: int = Field(default=5, ge=2)
    min_score: int = Field(default=10, ge=2)
    sesoi: dict[str, float] = Field(default_factory=lambda: dict(schema.SESOI))
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    seed: int = Field(default=20260101, ge=0)
    stale_days_week: int = Field(default=14, ge=1)
    stale_days_month: int = Field(default=31, ge=1)
    window_weeks: int = Field(default=13, ge=1, le=52)
    lead_weeks: int = Field(default=13, ge=1, le=52)
    horizon_weeks: dict[str, int] = Field(default_factory=lambda: {"meeting_rate": 4, "win_rate": 13})

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        from zoneinfo import ZoneInfo

        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"no time zone of this name: {value!r}; expected one like 'Europe/Warsaw'") from error
        return value

    @field_validator("end")
    @classmethod
    def _ends_after_start(cls, value: dt.date | None, info: ValidationInfo) -> dt.date | None:
        start = info.data.get("start")
        if value is not None and start is not None and value < start:
            raise ValueError(f"the last day that counts is before the first, {start}")
        return value

    @field_validator("rates")
    @classmethod
    def _possible_rates(cls, value: dict[str, float]) -> dict[str, float]:
        wrong = [code for code, rate in value.items() if not 0 < rate < math.inf]
        if wrong:
            raise ValueError(f"the rate of {wrong[0]} must be a number above 0")
        return value

    @field_validator("periods")
    @classmethod
    def _ordered_periods(cls, value: dict[str, tuple[dt.date, dt.date]]) -> dict[str, tuple[dt.date, dt.date]]:
        for name, (first, last) in value.items():
            if last < first:
                raise ValueError(f"the period of {name} ends before it begins")
        return value

    @field_validator("sesoi")
    @classmethod
    def _complete_sesoi(cls, value: dict[str, float]) -> dict[str, float]:
        unknown = sorted(set(value) - set(schema.OUTCOMES))
        if unknown:
            raise ValueError(f"unknown outcome {unknown[0]!r}; expected one of {', '.join(schema.OUTCOMES)}")
        if any(not 1 < ratio < 10 for ratio in value.values()):
            raise ValueError("a smallest effect is a rate ratio above 1, such as 1.10")
        return {**schema.SESOI, **value}

    @field_validator("horizon_weeks")
    @classmethod
    def _complete_horizon(cls, value: dict[str, int]) -> dict[str, int]:
        unknown = sorted(set(value) - set(schema.RATE_OUTCOMES))
        if unknown:
            raise ValueError(f"unknown rate {unknown[0]!r}; expected one of {', '.join(schema.RATE_OUTCOMES)}")
        if any(not 1 <= weeks <= 104 for weeks in value.values()):
            raise ValueError("a horizon is 1 to 104 weeks")
        return {"meeting_rate": 4, "win_rate": 13, **value}

    def fingerprint(self) -> str:
        """Sha256 of all options, defaults included."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def load_settings(folder: Path | str | None = None, **overrides: Any) -> Settings:
    """Read ``ssi-audit.toml`` of a folder, if there is one.

    Parameters
    ----------
    folder : path, optional
        The data folder (or the file itself). Without the file: the defaults.
    **overrides
        Options given on the command line; None means not given.

    Raises
    ------
    SettingsError
        Every unknown name and every wrong value at once.
    """
    path = Path(folder) if folder is not None else None
    if path is not None and path.is_dir():
        path = path / FILE_NAME
    values: dict[str, Any] = {}
    if path is not None and path.name == FILE_NAME and path.exists() and not path.is_file():
        raise SettingsError(Problem(path.name, "is a folder or a device, not a file", "rename it, or take it out"))
    if path is not None and path.is_file():
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (ValueError, RecursionError) as error:  # also no text at all, and numbers of thousands of digits
            raise SettingsError(
                Problem(path.name, f"not readable as TOML: {error}", "strings need quotes, tables need [brackets]")
            ) from error
    values.update({name: value for name, value in overrides.items() if value is not None})
    try:
        return Settings(**values)
    except ValidationError as error:
        name = path.name if path is not None else "settings"
        raise SettingsError([_problem(name, item) for item in error.errors()]) from error


# What pydantic calls a type, in the words of the file that the user writes.
_EXPECTED = {
    "string_type": 'text in quotes, "like this"',
    "tuple_type": 'a list, ["like", "this"]',
    "dict_type": 'a table: [{option}] on a line of its own, below it "name" = value',
    "bool_type": "true or false, without quotes",
    "bool_parsing": "true or false, without quotes",
    "int_type": "a whole number, without quotes",
    "int_parsing": "a whole number, without quotes",
    "int_from_float": "a whole number, without quotes",
    "float_type": "a number, without quotes",
    "float_parsing": "a number, without quotes",
    "date_type": "a day like 2025-01-31",
    "date_parsing": "a day like 2025-01-31",
    "date_from_datetime_parsing": "a day like 2025-01-31",
    "date_from_datetime_inexact": "a day like 2025-01-31",
}
# Parts of a place that pydantic adds for options of several types: no setting is called so.
_TYPES_OF_A_UNION = ("bool", "dict[str,bool]")


def _problem(file: str, item: dict[str, Any]) -> Problem:
    option = ".".join(str(part) for part in item["loc"] if part not in _TYPES_OF_A_UNION)
    if item["type"] == "extra_forbidden":
        near = difflib.get_close_matches(option, Settings.model_fields, n=1, cutoff=0.5)
        fix = f'did you mean "{near[0]}"?' if near else "options: " + ", ".join(sorted(Settings.model_fields))
        return Problem(file, f'unknown setting "{option}"', fix)
    expected = _EXPECTED.get(item["type"])
    if expected is not None:
        return Problem(file, f'"{option}" = {item.get("input")!r}: expected {expected.format(option=option)}')
    message = item["msg"].removeprefix("Value error, ")
    return Problem(file, f'"{option}" = {item.get("input")!r}: {message[:1].lower()}{message[1:]}')
