"""Numbers that begin again in each file: the same number, but not the same deal (nor inquiry, nor meeting).

Two files of a system tell the same deal under a number if they agree on
anything that is seldom the same by chance (`FACTS`). Where both know such a
fact and none agrees, they tell two deals; where they have none in common,
nothing speaks against the number. Where two files count alike but hardly a day
is the same, equal words ("Demo", a customer who comes back) are chance. An inquiry is known by its company and its
day, a meeting by its subject and its day: they are deals that never close.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations

import pandas as pd

# Whom it is with, the day it was opened, and the day it was closed together with its amount or its owner.
FACTS = (("about",), ("opened",), ("ended", "amount"), ("ended", "person"))
CLOSING = {2, 3}
# Files that share so many numbers, and so large a part of the smaller one's, but so few of their days, begin again.
SHARED_MIN, SHARED_PART, SAME_DAYS = 3, 0.5, 0.25


@dataclass
class Telling:
    """A deal as some files tell it.

    Attributes
    ----------
    files, persons : set of int
    facts : dict of int to set of int
        Which of `FACTS` → what they say.
    """

    files: set[int] = field(default_factory=set)
    persons: set[int] = field(default_factory=set)
    facts: dict[int, set[int]] = field(default_factory=dict)

    def agrees(self, other: Telling) -> bool:
        """Whether any fact is the same."""
        return any(said & other.facts.get(fact, set()) for fact, said in self.facts.items())

    def may_be(self, other: Telling) -> bool:
        """Whether no fact is known to both, or only the close, which may have moved, of a deal of the same seller."""
        both = self.facts.keys() & other.facts.keys()
        return not both or (both <= CLOSING and bool(self.persons & other.persons))

    def join(self, other: Telling) -> None:
        """Put what other files tell to it."""
        self.files |= other.files
        self.persons |= other.persons
        for fact, said in other.facts.items():
            self.facts.setdefault(fact, set()).update(said)


def other_deals(told: pd.DataFrame) -> dict[int, list[Telling]]:
    """Numbers that stand for several deals → these deals.

    Parameters
    ----------
    told : pandas.DataFrame
        One row an event: number, file, person (as integers, files in their order), about, opened, ended, amount.
    """
    n_files = told.drop_duplicates(["number", "file"]).groupby("number").size()
    if (n_files > 1).sum() >= SHARED_MIN and told["about"].notna().any() and (again := _begin_again(told)):
        opened = told.groupby(["number", "file"])["opened"].transform("count") > 0
        told = told.assign(about=told["about"].mask(opened & told["file"].isin(again)))
    told = told[told["number"].isin(n_files.index[n_files > 1])]
    if not len(told):
        return {}
    # Nearly always all files agree on something, or have nothing in common: that is told without looking at each.
    parts: list[pd.DataFrame] = []
    for fact in range(len(FACTS)):
        part = _said(told, fact)
        alike = part.groupby(["number", "value"], sort=False).size()
        number = alike.index.get_level_values("number")
        agreed = number[alike.to_numpy() == n_files.loc[number].to_numpy()]
        told = told[~told["number"].isin(agreed)] if len(agreed) else told
        parts.append(part)
    facts = pd.concat(parts, ignore_index=True)
    facts = facts[facts["number"].isin(told["number"])]
    known = facts.drop_duplicates(["number", "fact", "file"]).groupby(["number", "fact"]).size()
    asked = set(known.index.get_level_values("number")[known > 1])
    if not asked:
        return {}
    tellings: dict[int, dict[int, Telling]] = {}
    own = told[told["number"].isin(asked)].sort_values(["number", "file"], kind="stable")
    for number, file, person in own[["number", "file", "person"]].itertuples(index=False):
        telling = tellings.setdefault(number, {}).setdefault(file, Telling({file}))
        telling.persons.add(person)
    for number, file, fact, value in facts[facts["number"].isin(asked)].itertuples(index=False):
        tellings[number][file].facts.setdefault(fact, set()).add(value)
    deals = {number: _deals(of_file.values()) for number, of_file in tellings.items()}
    return {number: found for number, found in deals.items() if len(found) > 1}


def _begin_again(told: pd.DataFrame) -> set[int]:
    """Files that count as another one does, of other days."""
    days = told.dropna(subset=["opened"]).drop_duplicates(["number", "file"])
    seen = days.groupby("number")["opened"].agg(["size", "nunique"])
    odd = seen.index[(seen["size"] > 1) & (seen["size"] == seen["nunique"])]
    if len(odd) < SHARED_MIN:
        return set()
    of_file = {file: own.set_index("number")["opened"] for file, own in days.groupby("file")}
    found: set[int] = set()
    for one, other in combinations(sorted(days.loc[days["number"].isin(odd), "file"].unique()), 2):
        both = of_file[one].index.intersection(of_file[other].index)
        smaller = min(len(of_file[one]), len(of_file[other]))
        if len(both) >= max(SHARED_MIN, SHARED_PART * smaller):
            same = of_file[one].loc[both].to_numpy() == of_file[other].loc[both].to_numpy()
            found |= {one, other} if same.mean() <= SAME_DAYS else set()
    return found


def _said(told: pd.DataFrame, fact: int) -> pd.DataFrame:
    """What each file says of each number: number, file, fact, value."""
    known = told.dropna(subset=list(FACTS[fact]))
    value = known.groupby(list(FACTS[fact]), sort=False).ngroup()
    return known[["number", "file"]].assign(fact=fact, value=value).drop_duplicates()


def _deals(tellings: Iterable[Telling]) -> list[Telling]:
    """Tellings of one number put together to deals: first those that agree, then those that may be the same."""
    deals: list[Telling] = []
    for telling in tellings:
        same = [deal for deal in deals if deal.agrees(telling)]
        for deal in same:
            telling.join(deal)
        deals = [*(deal for deal in deals if not any(deal is one for one in same)), telling]
    for same_person in (True, False):
        left: list[Telling] = []
        for deal in deals:
            home = next(
                (one for one in left if one.may_be(deal) and (not same_person or one.persons & deal.persons)), None
            )
            left.append(deal) if home is None else home.join(deal)
        deals = left
    return deals
