"""Which entries of a calendar are meetings with a customer.

A calendar holds dentists, deadlines and stand-ups as well. An entry counts when
somebody from outside was invited, and it was neither cancelled nor declined,
private, for whole days, nor away from work. The user's words overrule that: what
holds one of ``meeting_words`` counts, what holds one of ``not_meeting_words``
never does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ssi_audit.exports import crm
from ssi_audit.exports.table import Context

DECLINED = "declined"
PRIVATE = "a private entry"
ALL_DAY = "an entry for whole days"
AWAY = "away from work"
ALONE = "nobody else was invited"
INTERNAL = "only colleagues were invited"

# Addresses of a provider say nothing about the organisation.
_FREE_MAIL = frozenset({
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "icloud.com", "me.com",
    "gmx.net", "gmx.de", "web.de", "wp.pl", "onet.pl", "o2.pl", "interia.pl", "libero.it", "virgilio.it", "proton.me",
    "protonmail.com", "aol.com", "mail.com",
})  # fmt: skip
_ROOM = re.compile(
    r"@(?:resource|group|import)\.calendar\.google\.com$|^(?:room|raum|sala|resource)[-.\s]", re.IGNORECASE
)
_ADDRESS = re.compile(r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)+", re.UNICODE)


@dataclass(frozen=True)
class Guests:
    """Who was invited beside the owner of the calendar.

    Attributes
    ----------
    addresses : frozenset of str
        E-mail addresses, lower case.
    names : frozenset of str
        People of whom only a name is written.
    """

    addresses: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()


def guests(entries: list[str], owner: str = "") -> Guests:
    """People in the attendee cells of an entry; rooms, groups and the owner are none."""
    addresses, names = set(), set()
    for entry in entries:
        found = _ADDRESS.findall(entry)
        if found:
            addresses |= {address.lower() for address in found if not _ROOM.search(address)}
        elif entry.strip() and not _ROOM.search(entry.strip()):
            names.add(entry.strip())
    return Guests(frozenset(addresses - {owner.lower()}), frozenset(names))


def own_domains(context: Context, owner: str) -> tuple[str, ...]:
    """Domains of the organisation: the setting, else that of the calendar's owner."""
    if context.settings.own_domains:
        return tuple(domain.lower().lstrip("@.") for domain in context.settings.own_domains)
    domain = owner.lower().partition("@")[2]
    return (domain,) if domain and domain not in _FREE_MAIL else ()


def is_external(address: str, domains: tuple[str, ...]) -> bool:
    """Whether an address is of none of the organisation's domains."""
    domain = address.partition("@")[2]
    return not any(domain == own or domain.endswith(f".{own}") for own in domains)


def reasons(entries: pd.DataFrame, context: Context, domains: tuple[str, ...]) -> np.ndarray:
    """Why each entry is no meeting; "" where it is one.

    Parameters
    ----------
    entries : pandas.DataFrame
        subject, words (subject and categories), guests (`Guests`), and the truths cancelled, declined, private,
        all_day, away.
    domains : tuple of str
        As `own_domains` gives them; empty: every guest counts as a customer.
    """
    settings = context.settings
    why = np.full(len(entries), "", dtype=object)

    def mark(where, reason: str) -> None:
        why[(why == "") & np.asarray(where, dtype=bool)] = reason

    mark(entries["cancelled"], crm.NOT_HELD)
    mark(crm.not_held(entries["subject"]), crm.NOT_HELD)
    mark(entries["declined"], DECLINED)
    mark(entries["private"], PRIVATE)
    mark(crm.says_any(entries["words"], settings.not_meeting_words), crm.NOT_MEETING)
    other = ~crm.says_any(entries["words"], settings.meeting_words)
    mark(entries["all_day"] & other, ALL_DAY)
    mark(entries["away"] & other, AWAY)
    company = [_company(one, domains) for one in entries["guests"]]
    mark(other & np.array([one == ALONE for one in company], dtype=bool), ALONE)
    mark(other & np.array([one == INTERNAL for one in company], dtype=bool), INTERNAL)
    return why


def _company(invited: Guests, domains: tuple[str, ...]) -> str:
    if not invited.addresses and not invited.names:
        return ALONE
    if not domains or any(is_external(address, domains) for address in invited.addresses):
        return ""
    # A name without an address may be anybody, unless colleagues are all that is known.
    return INTERNAL if invited.addresses else ""
