"""The answer of LinkedIn's `salesApiSsi` address, saved as JSON: one reading.

The answer names neither the person nor the day: both come from the file's name
or from the settings. Its group scores are averages of other people and never a
score of this person; only their ranks are taken (formats.md section 2.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from ssi_audit.exports import scores
from ssi_audit.exports.files import File
from ssi_audit.exports.table import Context, Rows, Table, cell_text
from ssi_audit.exports.text import Unreadable, fold
from ssi_audit.names import file_owner, identities

KIND = "SSI answer (JSON)"
HEADER_WORDS = ()

ERROR_CODES = (401, 403, 429, 999)
ERROR_ANSWER = "an error answer, not a score"
# What wrapped copies call the answer itself.
_WRAPPERS = ("data", "raw", "response", "result", "body")
_DAY_KEYS = ("date", "day", "collectedAt", "collected_at", "fetchedAt", "fetched_at", "timestamp", "savedAt")
_PERSON_KEYS = ("person", "member", "name", "seller", "owner")
_PILLARS = {
    "PROFESSIONAL_BRAND": "brand",
    "FIND_RIGHT_PEOPLE": "people",
    "INSIGHT_ENGAGEMENT": "insights",
    "STRONG_RELATIONSHIP": "relationships",
}


def recognises(file: File) -> float:
    """1 for an object with `memberScore`, less for the thinner shapes and for error answers."""
    if file.kind != "json":
        return 0.0
    try:
        readings = _readings(file.json)
    except Unreadable:
        return 0.0
    if not readings:
        return 0.0
    if all("memberScore" in reading for reading, _ in readings):
        return 1.0
    return 0.8 if all(values_of(reading) for reading, _ in readings) else 0.3


def read(file: File, context: Context) -> Iterator[Rows]:
    """One reading, or one for each answer of a list."""
    readings = _readings(file.json)
    days = file.days_in_name
    records, people = [], []
    for reading, wrapper in readings:
        day = next((cell_text(wrapper[key]) for key in _DAY_KEYS if wrapper.get(key)), "")
        values = {ours: cell_text(value) for ours, value in values_of(reading).items()}
        records.append({"date": day or (str(days[-1]) if days else ""), **values})
        name = next((wrapper[key] for key in _PERSON_KEYS if isinstance(wrapper.get(key), str)), "")
        people.append(identities(any=name).iloc[0] if name else file_owner(file, context))
    yield reading_rows(file, records, people, context)


def reading_rows(file: File, records: list[dict[str, str]], people: list[str], context: Context) -> Rows:
    """Readings that were found in a file without a table, as `Rows`.

    Parameters
    ----------
    records : list of dict
        ``date`` and any of `scores.VALUES`, as text.
    people : list of str
        Identity of each.
    """
    frame = pd.DataFrame(records, dtype="str").reindex(columns=["date", *scores.VALUES]).astype("str").fillna("")
    table = Table(file.name, list(frame.columns), frame, pd.RangeIndex(1, len(frame) + 1).to_numpy())
    ledger = table.ledger(context)
    empty = frame[list(scores.VALUES)].eq("").all(axis=1).to_numpy()
    ledger.skip(empty, ERROR_ANSWER)
    undated = frame["date"].eq("").to_numpy() & ~empty
    if undated.any():
        context.problem(
            file.name,
            "neither the file nor its name says of which day the score is",
            "put the day into the name, such as ssi_nora-whitfield_2026-03-02" + file.base[file.base.rfind(".") :],
        )
    time = table.times("date", context)
    columns = {ours: ours for ours in scores.VALUES}
    rows = scores.score_frame(table, columns, context, ledger, pd.Series(people, dtype="str"), time)
    return Rows(ledger, ssi=rows)


def values_of(answer: dict) -> dict[str, Any]:
    """Pillars by name, total and ranks of one answer in any of its shapes; {} for another object."""
    values: dict[str, Any] = {}
    member = answer.get("memberScore")
    if isinstance(member, dict):
        values["total"] = member.get("overall", member.get("ssi"))
        for part in _items(member.get("subScores")):
            if str(part.get("pillar")) in _PILLARS:
                values[_PILLARS[part["pillar"]]] = part.get("score")
    elif _is_number(member):
        values["total"] = member
    elif _is_number(answer.get("ssi")):
        values["total"] = answer["ssi"]
    else:
        current = (answer.get("socialSellingIndex") or {}) if isinstance(answer.get("socialSellingIndex"), dict) else {}
        score = current.get("currentScore")
        values["total"] = score.get("score") if isinstance(score, dict) else score
    values |= _ranks(answer, member if isinstance(member, dict) else {})
    known = {ours: value for ours, value in values.items() if _is_number(value)}
    return known if known.keys() & {"total", *_PILLARS.values()} else {}


def _ranks(answer: dict, member: dict) -> dict[str, Any]:
    ranks = {}
    for group in _items(answer.get("groupScore")):
        kind = fold(str(group.get("groupType", "")))
        if kind in ("industry", "network"):  # TEAM is no rank among all members
            ranks[f"{kind}_rank"] = group.get("rank")
    for kind in ("industry", "network"):
        for place in (member, answer):
            if isinstance(place.get(kind), dict) and f"{kind}_rank" not in ranks:
                ranks[f"{kind}_rank"] = place[kind].get("top", place[kind].get("rank"))
    return ranks


def _items(value: object) -> list[dict]:
    """The objects of a list; none where something else stands in its place."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _readings(content: Any) -> list[tuple[dict, dict]]:
    """The answers in a file, each with the object around it; [] if it holds anything else."""
    items = content if isinstance(content, list) else [content]
    found = []
    for item in items:
        if not isinstance(item, dict):
            return []
        answer = next((item[key] for key in _WRAPPERS if isinstance(item.get(key), dict)), item)
        if values_of(item):
            answer = item
        if not values_of(answer) and "memberScore" not in answer and not _is_error(answer):
            return []
        found.append((answer, item))
    return found


def _is_error(answer: dict) -> bool:
    return any(answer.get(key) in ERROR_CODES for key in ("status", "statusCode", "code", "error"))
