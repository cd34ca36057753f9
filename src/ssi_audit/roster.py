"""Who there is: the people of `people.csv`, or, without one, those whom the files name.

A person has names, and ids and addresses; the index finds the person who has
one of them. People of one name are kept apart by their ids and addresses and
never put together on a guess.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import pandas as pd

from ssi_audit.errors import Problem
from ssi_audit.names import (
    ANY,
    LABEL,
    NAME_NOISE,
    TECHNICAL_NAMES,
    TRUE_IDS,
    email_key,
    folded_words,
    id_key,
    name_tokens,
    url_key,
)

NO_OWNER = "no owner"
TECHNICAL = "technical owner"
UNKNOWN = "not in people.csv"
UNKNOWN_ID = "no people.csv says who this is"
NAMESAKES = "more than one person has this name"
OTHER_ID = "the name is known with another id or address"
LOOKS_ALIKE = "looks like the same person"
NOBODY_NAMED = "the file does not say whose it is"


@dataclass
class Person:
    """One person as the user, or the files, name them.

    Attributes
    ----------
    name : str
    names : set of tuple of str
        All names, folded.
    strong : set of (str, str)
        Ids, e-mail and profile addresses: (kind, key).
    loose : set of str
        Values of alias columns that may be an id of some system.
    facts : dict
        Columns of people.csv.
    """

    name: str
    names: set[tuple[str, ...]] = field(default_factory=set)
    strong: set[tuple[str, str]] = field(default_factory=set)
    loose: set[str] = field(default_factory=set)
    facts: dict = field(default_factory=dict)

    @property
    def mark(self) -> tuple[str, str]:
        """What orders people without saying anything of their names; the second part is for namesakes."""
        return digest(" ".join(name_tokens(self.name))), digest("|".join(sorted(key for _, key in self.strong)))

    def contradicts(self, pieces: dict[str, str]) -> bool:
        """Whether an identity carries another id or address than the person has."""
        for kind, key in strong_keys(pieces):
            own = {known for other, known in self.strong if other == kind}
            if own and key not in own:
                return True
        return False


def strong_keys(pieces: dict[str, str]) -> set[tuple[str, str]]:
    """The ids and addresses of an identity that name one person for certain."""
    keys = {(kind, id_key(kind, pieces[kind])) for kind in TRUE_IDS if kind in pieces}
    if "email" in pieces:
        keys.add(("email", email_key(pieces["email"])))
    if "url" in pieces:
        keys.add(("url", url_key(pieces["url"])))
    return keys


def digest(text: str) -> str:
    """Sha256 of a text, as hex."""
    return hashlib.sha256(text.encode()).hexdigest()


class Index:
    """Everything by which a person can be found → positions in the list of people."""

    def __init__(self, known: list[Person]) -> None:
        self.known = known
        self.strong: dict[tuple[str, str], set[int]] = defaultdict(set)
        self.ordered: dict[tuple[str, ...], set[int]] = defaultdict(set)
        self.sorted: dict[tuple[str, ...], set[int]] = defaultdict(set)
        self.loose: dict[str, set[int]] = defaultdict(set)
        for at, person in enumerate(known):
            for key in person.strong:
                self.strong[key].add(at)
            for value in person.loose:
                self.loose[value].add(at)
            for tokens in person.names:
                self.ordered[tokens].add(at)
                self.sorted[tuple(sorted(tokens))].add(at)

    def by_name(self, name: str) -> set[int]:
        """Who is called so: in this order of the words, else in any."""
        tokens = name_tokens(name)
        return self.ordered.get(tokens) or self.sorted.get(tuple(sorted(tokens)), set())

    def by_keys(self, pieces: dict[str, str]) -> set[int]:
        """Who has the ids and addresses of an identity: ids first, then addresses, then what aliases hold."""
        keys = strong_keys(pieces)
        for kind in (*TRUE_IDS, "email", "url"):
            hits = set().union(*(self.strong.get(key, set()) for key in keys if key[0] == kind))
            if hits:
                return hits
        return set().union(*(self.loose.get(key, set()) for _, key in keys))

    def by_anything(self, value: str) -> set[int]:
        """Who has this name, address or id of any system."""
        keys = dict.fromkeys((*TRUE_IDS, "email", "url"), value)
        return self.by_keys(keys) or self.by_name(value)


def match_label(label: str, index: Index, *, with_roster: bool) -> tuple[int | None, str]:
    """The person whose whole name stands in a file's name or in that of a folder around it, the nearest first.

    With people.csv, the list of all people, a lone word is enough if it is part of one person's name only
    (``linkedin_archive_nora``): that is said in a note.
    """
    levels = [folded_words(level) for level in label.split("/")]
    for words in levels:
        whole = {
            at: len(tokens)
            for tokens, people in index.ordered.items()
            if set(tokens) <= set(words) and not set(tokens) <= NAME_NOISE
            for at in people
        }
        longest = {at for at, length in whole.items() if length == max(whole.values())}
        if len(longest) > 1:
            return None, NAMESAKES
        if longest:
            return longest.pop(), ""
        alone = [word for word in words if word not in NAME_NOISE]
        if with_roster and len(alone) == 1:
            partly = {at for at, person in enumerate(index.known) if any(alone[0] in name for name in person.names)}
            if len(partly) == 1:
                return partly.pop(), "by its file's name; the only person of this name is"
    named = any(word not in NAME_NOISE for words in levels for word in words)
    return None, UNKNOWN if named and with_roster else NOBODY_NAMED


# --------------------------------------------------------------------------- people from people.csv


# Columns of people.csv that name the person; all others that are not described below are aliases.
NAME_COLUMNS = ("person", "linkedin_name", "crm_owner", "hubspot_owner", "pipedrive_user", "dynamics_owner")
FACT_COLUMNS = ("team", "territory", "hired_on", "left_on", "licence_start", "file", "row")


def people_from_roster(roster: pd.DataFrame) -> tuple[list[Person], list[Problem]]:
    """The people of people.csv, and what contradicts itself in it: a person twice, an id of two.

    Parameters
    ----------
    roster : pandas.DataFrame
        Rows of people.csv with ``file`` and ``row``.
    """
    known: list[Person] = []
    problems: list[Problem] = []
    first_seen: dict[tuple, tuple[Person, str, int]] = {}
    for record in roster.to_dict("records"):
        person = _person_from_record(record)
        mark = (tuple(sorted(name_tokens(person.name))), frozenset(person.strong))
        if mark not in first_seen:
            first_seen[mark] = person, str(record["file"]), int(record["row"])
            known.append(person)
        elif str(first_seen[mark][0].facts) != str(person.facts):  # the same line twice is harmless
            _, file, row = first_seen[mark]
            problems.append(
                Problem(
                    str(record["file"]),
                    f'row {record["row"]}, "person" = {person.name}: stands in row {row} of {file} too',
                    "make it one row, or give both an email or an id that tells them apart",
                )
            )
    _add_aliases(known)
    return known, problems + _shared_keys(known, "people.csv")


def _person_from_record(record: dict) -> Person:
    text = {key: value.strip() for key, value in record.items() if isinstance(value, str) and value.strip()}
    name = text.get("person") or text.get("linkedin_name") or text.get("email", "")
    person = Person(name=name, facts={key: value for key, value in record.items() if key not in ("file", "row")})
    ids = {key: value for key, value in text.items() if key in (*TRUE_IDS, "email")}
    if "linkedin_url" in text:
        ids["url"] = text["linkedin_url"]
    person.strong = strong_keys(ids)
    named = [text[column] for column in NAME_COLUMNS if column in text] + text.get("aliases", "").split(";")
    for value in named:
        _add_alias(person, value)
    return person


def _add_alias(person: Person, value: str) -> None:
    value = value.strip()
    if "@" in value:
        person.strong.add(("email", email_key(value)))
    elif "linkedin.com/" in value.lower():
        person.strong.add(("url", url_key(value)))
    elif value:
        person.names.add(name_tokens(value))
        person.loose |= {id_key(kind, value) for kind in TRUE_IDS}


def _add_aliases(known: list[Person]) -> None:
    """Columns without a meaning of their own name a person where their value is one person's only.

    A column "manager" or "region" holds the same value for many, or the name of somebody else: no alias.
    """
    own = (*NAME_COLUMNS, *FACT_COLUMNS, *TRUE_IDS, "email", "linkedin_url", "aliases")
    extra = [
        (person, value)
        for person in known
        for column, value in person.facts.items()
        if column not in own and isinstance(value, str) and value.strip()
    ]
    spread = Counter(name_tokens(value) for _, value in extra)
    named = {tokens for person in known for tokens in person.names}
    for person, value in extra:
        if spread[name_tokens(value)] == 1 and name_tokens(value) not in named:
            _add_alias(person, value)


def _shared_keys(known: list[Person], file: str) -> list[Problem]:
    """Ids and addresses that two people of people.csv share."""
    owners: dict[tuple[str, str], list[str]] = defaultdict(list)
    for person in known:
        for key in person.strong:
            owners[key].append(person.name)
    return [
        Problem(
            file, f"{kind} {key} belongs to {' and to '.join(names)}", "an id or an address is one person's: correct it"
        )
        for (kind, key), names in sorted(owners.items())
        if len(names) > 1
    ]


# --------------------------------------------------------------------------- people from the files


def people_from_names(pieces: dict[str, dict], weight: dict[str, int]) -> tuple[list[Person], set]:
    """People as the files name them: equal names after folding, kept apart where ids or addresses differ.

    Parameters
    ----------
    pieces : dict of str to dict
        Identity → its pieces.
    weight : dict of str to int
        Identity → rows; the commonest spelling of a name is shown.

    Returns
    -------
    tuple of (list of Person, set)
        The people, and the folded names (sorted words) that more than one person has.
    """
    groups = _join_by_keys(pieces)
    by_name: dict[tuple[str, ...], set[int]] = defaultdict(set)
    strong: dict[int, set] = defaultdict(set)
    for identity, group in groups.items():
        strong[group] |= strong_keys(pieces[identity])
        name = _name_of(pieces[identity])
        if name and " ".join(name_tokens(name)) not in TECHNICAL_NAMES:
            by_name[tuple(sorted(name_tokens(name)))].add(group)
    namesakes = {name for name, members in by_name.items() if _differ([strong[group] for group in members])}
    merged = {group: group for group in strong}
    for name, members in sorted(by_name.items()):
        if name not in namesakes:
            target = min(_root(merged, group) for group in members)
            for group in members:
                merged[_root(merged, group)] = target
    members_of: dict[int, list[str]] = defaultdict(list)
    for identity, group in groups.items():
        members_of[_root(merged, group)].append(identity)
    people = [
        person
        for members in members_of.values()
        if (person := _person_of_group(members, pieces, weight, namesakes)) is not None
    ]
    people += _people_of_labels(pieces, people)
    return people, namesakes


def _name_of(pieces: dict[str, str]) -> str:
    named = pieces.get("name") or pieces.get(ANY) or pieces.get("hubspot_owner") or pieces.get("pipedrive_user")
    return named or pieces.get("dynamics_owner", "")


def _join_by_keys(pieces: dict[str, dict]) -> dict[str, int]:
    """Identities that share an id or an address are one group; labels are not in any."""
    parent: dict[int, int] = {}
    group: dict[str, int] = {}
    by_key: dict[tuple[str, str], int] = {}
    for at, (identity, own) in enumerate(pieces.items()):
        if not own or LABEL in own:
            continue
        parent[at] = at
        group[identity] = at
        for key in strong_keys(own):
            if key in by_key:
                parent[_root(parent, at)] = _root(parent, by_key[key])
            by_key[key] = at
    return {identity: _root(parent, at) for identity, at in group.items()}


def _root(parent: dict[int, int], at: int) -> int:
    while parent[at] != at:
        parent[at] = parent[parent[at]]
        at = parent[at]
    return at


def _differ(keys: list[set]) -> bool:
    """Whether two groups have different values of the same kind of id or address."""
    values: dict[str, list[frozenset]] = defaultdict(list)
    for own in keys:
        for kind in {kind for kind, _ in own}:
            values[kind].append(frozenset(key for other, key in own if other == kind))
    return any(
        len(sets) > 1 and any(a.isdisjoint(b) for a in sets for b in sets if a is not b) for sets in values.values()
    )


def _person_of_group(members, pieces, weight, namesakes) -> Person | None:
    counted: Counter = Counter()
    keys: set = set()
    for identity in members:
        name = _name_of(pieces[identity])
        keys |= strong_keys(pieces[identity])
        if name and " ".join(name_tokens(name)) not in TECHNICAL_NAMES:
            counted[name] += weight.get(identity, 0)
    if any(tuple(sorted(name_tokens(name))) in namesakes for name in counted):
        return None
    addresses = sorted(key for kind, key in keys if kind == "email")
    if not counted and not addresses:
        return None
    best = max(sorted(counted), key=counted.__getitem__) if counted else addresses[0]
    shown = " ".join(reversed([part.strip() for part in best.split(",", 1)])) if "," in best else best
    person = Person(shown, {name_tokens(name) for name in counted} | {name_tokens(shown)}, keys)
    if len(addresses) == 1:
        person.facts["email"] = addresses[0]
    return person


def _people_of_labels(pieces: dict[str, dict], people: list[Person]) -> list[Person]:
    """People that only file names know: what is left of a name without the words of formats and days."""
    index = Index(people)
    found: dict[tuple[str, ...], Person] = {}
    for own in pieces.values():
        if LABEL not in own or match_label(own[LABEL], index, with_roster=False)[0] is not None:
            continue
        for level in own[LABEL].split("/"):
            words = [word for word in level.split() if folded_words(word) and folded_words(word)[0] not in NAME_NOISE]
            if words:
                name = " ".join(word[:1].upper() + word[1:] for word in words)
                found.setdefault(tuple(sorted(name_tokens(name))), Person(name, {name_tokens(name)}))
                break
    return list(found.values())
