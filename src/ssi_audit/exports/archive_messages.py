"""Which messages of an archive its owner sent.

`messages.csv` says who wrote a message, not which of the two is the owner. The
owner is known by the name in Profile.csv and, better, by a profile address;
where neither is there, by being the one who takes part in every conversation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ssi_audit.exports.table import Table
from ssi_audit.names import name_tokens, url_key

# LinkedIn's name for everybody who closed the account.
NOBODY = "LinkedIn Member"


@dataclass(frozen=True)
class Owner:
    """The member whose archive it is.

    Attributes
    ----------
    identity : str
        As `names.identities` makes it.
    name : str
        Folded words of the name; "" where the archive does not say it.
    url : str
        Key of the profile address, "" where it is not known.
    """

    identity: str
    name: str = ""
    url: str = ""


def folded_name(name: str) -> str:
    """A name so that two spellings of it are equal."""
    return " ".join(name_tokens(name)) if name else ""


def own_address(invitations: Table) -> str:
    """The owner's profile address from the invitations: sender of the outgoing, receiver of the incoming ones."""
    direction = invitations.words(invitations.find("Direction")).str.upper()
    inviter = invitations.words(invitations.find("inviterProfileUrl"))
    invitee = invitations.words(invitations.find("inviteeProfileUrl"))
    own = inviter.where(direction == "OUTGOING", invitee)[direction.isin(("OUTGOING", "INCOMING"))]
    return _commonest(url_key(url) for url in own if url)


def drafts(messages: Table) -> np.ndarray:
    """True for messages that were written and not sent."""
    marks = [messages.words(messages.find(name)) for name in ("IS MESSAGE DRAFT", "IS CONVERSATION DRAFT")]
    marked = [mark.str.lower().isin(("yes", "true", "1")) for mark in marks]
    folder = messages.words(messages.find("FOLDER")).str.upper().isin(("DRAFT", "DRAFTS"))
    return (marked[0] | marked[1] | folder).to_numpy()


def sent_by(owner: Owner, messages: Table) -> np.ndarray | None:
    """True for messages that the owner wrote; None where it cannot be told who the owner is.

    A direction (2018) decides; then the profile address; the name only where a message has no address.
    """
    direction = messages.words(messages.find("Direction")).str.upper()
    if direction.isin(("OUTGOING", "INCOMING")).any():
        return (direction == "OUTGOING").to_numpy()
    sender, url = messages.words(messages.find("FROM")), messages.words(messages.find("SENDER PROFILE URL"))
    names, keys = sender.map(folded_name), url.map(lambda cell: url_key(cell) if cell else "")
    if owner.name and (owner.url or _takes_part(owner, messages, names)):
        key = owner.url or _commonest(keys[(names == owner.name) & (keys != "")])
        return _written(owner.name, key, names, keys)
    key = _in_every_conversation([_keys(cell) for cell in _both(messages, url, "RECIPIENT PROFILE URLS")])
    if key:
        return (keys == key).to_numpy()
    name = _in_every_conversation([{cell} | _listed(to) for cell, to in zip(sender, messages.words(_to(messages)))])
    return (sender == name).to_numpy() if name else None


def _written(name: str, key: str, names: pd.Series, keys: pd.Series) -> np.ndarray:
    by_name = (names == name) & ((keys == "") | (key == ""))
    return (by_name | ((keys == key) & (key != ""))).to_numpy()


def _takes_part(owner: Owner, messages: Table, names: pd.Series) -> bool:
    """Whether the name of Profile.csv is that of the messages: people marry, old messages keep the old name."""
    words = set(owner.name.split())
    receives = messages.words(_to(messages)).map(lambda cell: words <= set(name_tokens(cell.replace(",", " "))))
    return bool(((names == owner.name) | receives).mean() > 0.5)


def _to(messages: Table) -> str | None:
    return messages.find("TO")


def _both(messages: Table, url: pd.Series, receivers: str) -> pd.Series:
    return url + "," + messages.words(messages.find(receivers))


def _keys(cell: str) -> set[str]:
    return {url_key(part) for part in cell.split(",") if part.strip()}


def _listed(cell: str) -> set[str]:
    return {part.strip() for part in cell.split(",")}


def _in_every_conversation(parties: list[set[str]]) -> str:
    """Who is in most messages, "" if two are in equally many: with one partner only, nobody can tell."""
    counted = Counter(party for row in parties for party in row if party and party != NOBODY)
    first = counted.most_common(2)
    if not first or (len(first) > 1 and first[0][1] == first[1][1]):
        return ""
    return first[0][0]


def _commonest(values: Iterable[str]) -> str:
    counted = Counter(values)
    return max(counted, key=lambda value: (counted[value], value), default="")
