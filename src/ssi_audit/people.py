"""Names in files → people: codes, and proposals for unknown names, never guesses.

A reader does not know who "Tom O." is. It writes down what the file says, as an
identity: a name, an e-mail address, a system's id, the words of a file's name.
After all files are read the distinct identities, a few hundred, are resolved
against `people.csv` (ids first, then addresses, then names); the rows get their
codes by one vectorised look-up. Without `people.csv` the people are the names in
the files, equal after folding. What is merely similar is proposed in a review
file and counts only when the user has said yes to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ssi_audit import schema
from ssi_audit.errors import Problem
from ssi_audit.names import (
    ANY,
    LABEL,
    NAME_NOISE,
    TECHNICAL_NAMES,
    as_received,
    folded_words,
    join_identity,
    name_tokens,
    split_identity,
)
from ssi_audit.roster import (
    LOOKS_ALIKE,
    NAMESAKES,
    NO_OWNER,
    NOBODY_NAMED,
    OTHER_ID,
    TECHNICAL,
    UNKNOWN,
    UNKNOWN_ID,
    Index,
    Person,
    match_label,
    people_from_names,
    people_from_roster,
)

# A proposal below this similarity (0 to 100) helps nobody.
PROPOSE_FROM = 72
REVIEW_COLUMNS = ("accept", "received", "person", "similarity", "reason", "rows", "files")

PEOPLE_FIRST = ("person", "name", "email", "team", "territory", "hired_on", "left_on", "licence_start")


@dataclass
class Matching:
    """Who is who.

    Attributes
    ----------
    people : pandas.DataFrame
        One row a person, `PEOPLE_FIRST` and all other columns of people.csv.
    codes : dict of str to str
        Identity → code, "" for nobody known.
    why : dict of str to (str, str, str)
        Identity without a code → ledger status, reason, the name as received.
    left_out : set of str
        Identities of owners that are no people.
    proposals : pandas.DataFrame
        `REVIEW_COLUMNS`.
    """

    people: pd.DataFrame
    codes: dict[str, str]
    why: dict[str, tuple[str, str, str]]
    left_out: set[str]
    proposals: pd.DataFrame
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def resolve(seen: pd.DataFrame, roster: pd.DataFrame | None = None, accepted: pd.DataFrame | None = None) -> Matching:
    """Find the person behind every identity.

    Parameters
    ----------
    seen : pandas.DataFrame
        ``identity, table, file, rows``: where each identity occurs.
    roster : pandas.DataFrame, optional
        Rows of people.csv with ``file`` and ``row``. Without it the people are the names in the files.
    accepted : pandas.DataFrame, optional
        ``received, person``: proposals the user said yes to.

    Returns
    -------
    Matching
    """
    distinct = sorted(seen["identity"].unique())
    pieces = {identity: split_identity(identity) for identity in distinct}
    if accepted is not None:
        answers = dict(zip(accepted["received"].map(_answer_key), accepted["person"]))
        for identity in distinct:
            answer = answers.get(_answer_key(as_received(identity)))
            if answer is not None:
                pieces[identity] = {ANY: answer}
    notes: list[str] = []
    problems: list[Problem] = []
    why: dict[str, tuple[str, str, str]] = {}
    if roster is None:
        weight = seen.groupby("identity")["rows"].sum().to_dict()
        known, namesakes = people_from_names(pieces, weight)
        notes.append("there is no people.csv: people are the names found in the files")
    else:
        known, problems = people_from_roster(roster)
        namesakes = set()
    index = Index(known)
    found: dict[str, int] = {}
    for identity in distinct:
        who, reason = _match(pieces[identity], index, namesakes, with_roster=roster is not None)
        if who is not None:
            found[identity] = who
            if reason:
                notes.append(f"{as_received(identity)}: {reason} {known[who].name}")
        else:
            status = "skipped" if reason in (NO_OWNER, TECHNICAL) else "unmatched"
            why[identity] = (status, reason, as_received(identity))
    nameless = sorted({file for identity, file in zip(seen["identity"], seen["file"]) if _says_nothing(why, identity)})
    if nameless:
        more = f" and {len(nameless) - 1} more files do" if len(nameless) > 1 else " does"
        notes.append(
            f"{nameless[0]}{more} not say whose {'they are' if len(nameless) > 1 else 'it is'}: "
            f'add to ssi-audit.toml: [persons]  "{nameless[0]}" = "the person" (a folder or ssi_* will do, too)'
        )
    codes = _codes(known)
    return Matching(
        people=_people_frame(known, codes),
        codes={identity: codes[found[identity]] if identity in found else "" for identity in distinct},
        why=why,
        left_out={identity for identity, (status, *_) in why.items() if status == "skipped"},
        proposals=_propose(seen, why, known, found, with_roster=roster is not None),
        notes=notes,
        problems=problems,
    )


def _says_nothing(why: dict[str, tuple[str, str, str]], identity: str) -> bool:
    return identity in why and why[identity][1] == NOBODY_NAMED


def _answer_key(received: str) -> str:
    return " ".join(received.lower().split())


def _match(pieces, index: Index, namesakes: set, *, with_roster: bool) -> tuple[int | None, str]:
    """Position of the person, and how (for a note); or None and the reason."""
    if not pieces:
        return None, NO_OWNER
    if LABEL in pieces:
        return match_label(pieces[LABEL], index, with_roster=with_roster)
    hits = index.by_keys(pieces)
    if len(hits) == 1:
        return hits.pop(), ""
    ambiguous = contradicted = False
    for kind in ("hubspot_owner", "pipedrive_user", "dynamics_owner", "name", ANY):
        if kind not in pieces:
            continue
        hits = index.by_anything(pieces[kind]) if kind == ANY else index.by_name(pieces[kind])
        if len(hits) == 1:
            (who,) = hits
            if not index.known[who].contradicts(pieces):
                return who, ""
            contradicted = True
        ambiguous = ambiguous or len(hits) > 1
    shown = as_received(join_identity(pieces))
    if " ".join(name_tokens(shown)) in TECHNICAL_NAMES:
        return None, TECHNICAL
    if ambiguous or tuple(sorted(name_tokens(shown))) in namesakes:
        return None, NAMESAKES
    if contradicted:
        return None, OTHER_ID
    return None, UNKNOWN if with_roster else UNKNOWN_ID


# --------------------------------------------------------------------------- codes, frames, proposals


def _codes(known: list[Person]) -> list[str]:
    """``P001`` … in an order that says nothing of the names."""
    order = sorted(range(len(known)), key=lambda at: known[at].mark)
    rank = {at: place for place, at in enumerate(order, start=1)}
    width = max(3, len(str(len(known))))
    return [f"P{rank[at]:0{width}d}" for at in range(len(known))]


def _people_frame(known: list[Person], codes: list[str]) -> pd.DataFrame:
    records = []
    for person, code in zip(known, codes):
        facts = {key: value for key, value in person.facts.items() if key != "person"}
        records.append({**facts, "person": code, "name": person.name})
    columns = dict.fromkeys(column for record in records for column in record)
    also = [column for column in (*schema.PEOPLE_COLUMNS, *schema.SYSTEM_IDS) if column not in PEOPLE_FIRST]
    own = [column for column in columns if column not in (*PEOPLE_FIRST, *also)]
    records.sort(key=lambda record: record["person"])
    frame = {column: _fact(column, [record.get(column) for record in records])
             for column in (*PEOPLE_FIRST, *also, *own)}  # fmt: skip
    return pd.DataFrame(frame, index=pd.RangeIndex(len(records)), copy=False)


def _fact(column: str, values: list) -> pd.Series | np.ndarray:
    """What is known of each person: a day, or text; missing where nothing is said."""
    blank = [value is None or value == "" or value != value for value in values]
    if column in ("hired_on", "left_on", "licence_start"):
        if all(blank):
            return np.full(len(values), np.datetime64("NaT", "us"))
        return pd.to_datetime(pd.Series(values)).astype("datetime64[us]")
    return pd.Series([None if nothing else str(value) for value, nothing in zip(values, blank)], dtype="str")


def _propose(seen, why, known: list[Person], found: dict[str, int], *, with_roster: bool) -> pd.DataFrame:
    """For every name that is not known the nearest one that is; without people.csv also names that look alike."""
    strangers = [
        (identity, received, reason)
        for identity, (status, reason, received) in why.items()
        if status == "unmatched" and received and reason != NAMESAKES
    ]
    sides = {at: set() for at in range(len(known))}
    for identity, table in zip(seen["identity"], seen["table"]):
        if identity in found:
            sides[found[identity]].add(table)
    lines = []
    for identity, received, reason in strangers:
        lines.append((identity, received, reason, *_nearest(received, known, range(len(known)))))
    if not with_roster:
        lines += _look_alikes(found, known, sides)
    rows = seen.groupby("identity")["rows"].sum()
    files = seen.groupby("identity")["file"].agg(lambda names: "; ".join(sorted(set(names))[:3]))
    records = [
        ("", received, person, similarity, reason, int(rows[identity]), files[identity])
        for identity, received, reason, person, similarity in lines
    ]
    frame = pd.DataFrame(records, columns=list(REVIEW_COLUMNS)).drop_duplicates(["received", "person"])
    return frame.sort_values(["received", "person"]).reset_index(drop=True)


def _look_alikes(found: dict[str, int], known: list[Person], sides: dict[int, set]) -> list[tuple]:
    """People of the files who are never in the same table and have names alike: perhaps one person, spelled twice."""
    lines: dict[frozenset[int], tuple] = {}
    by_tables: dict[frozenset[str], list[int]] = defaultdict(list)
    for at, tables in sides.items():
        by_tables[frozenset(tables)].append(at)
    for identity, at in sorted(found.items()):
        apart = [other for tables, members in by_tables.items() if not tables & sides[at] for other in members]
        name, similarity = _nearest(as_received(identity), known, apart)
        if name and apart:
            pair = frozenset((at, next(other for other in apart if known[other].name == name)))
            if pair not in lines or similarity > lines[pair][-1]:
                lines[pair] = (identity, as_received(identity), LOOKS_ALIKE, name, similarity)
    return list(lines.values())


def _nearest(received: str, known: list[Person], among: Iterable[int]) -> tuple[str, int]:
    """The most similar name and how similar, 0 to 100; "" below `PROPOSE_FROM`."""
    words = [word for word in folded_words(received.partition("@")[0]) if word not in NAME_NOISE]
    words = words or folded_words(received)
    best, score = "", 0.0
    for at in among:
        for tokens in known[at].names or {name_tokens(known[at].name)}:
            similarity = _similarity(words, list(tokens))
            if similarity > score:
                best, score = known[at].name, similarity
    return (best, round(score)) if score >= PROPOSE_FROM else ("", 0)


def _similarity(words: list[str], tokens: list[str]) -> float:
    """How alike two names are, 0 to 100: spelling in any order, or an initial for a whole word ("Tom O.")."""
    from rapidfuzz import fuzz

    alike = fuzz.token_sort_ratio(" ".join(words), " ".join(tokens))
    fits = all(any(token.startswith(word) for token in tokens) for word in words)
    return max(alike, 85.0 if fits and words else 0.0)
