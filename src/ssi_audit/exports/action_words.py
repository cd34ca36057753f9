"""Words for what is done on LinkedIn → our metrics: "connection_request_sent", "Profile visited", "invited_date".

Tools for automation write the same actions in a dozen spellings. The first rule
whose words occur decides; "" is an action that is known and counts as nothing (a
withdrawn invitation, an e-mail), None one that is not known.
"""

from __future__ import annotations

import re
from functools import lru_cache

from anyascii import anyascii

NOTHING = ""
# Order matters: a reply to a message is received, an accepted invitation is a connection, a liked post is a reaction.
RULES = (
    (r"\b(?:withdr|cancel|unfollow|unlik|bounc|e ?mails?\b|clicked|opened|extract|scrap|enrich|tagg|import|export)",
     NOTHING),
    (r"\b(?:endors|skip|fail|error|exclud|queue|pending|schedul|wait|already|not connected|disconnect|remov)", NOTHING),
    (r"\b(?:event|page|group|newsletter|company) invit|invit\w* to (?:event|page|group|follow)", NOTHING),
    (r"\b(?:invit\w*|(?:connection )?requests?) (?:was )?received|received (?:invit|connection)",
     "invitations_received"),
    (r"\b(?:repl(?:y|ied|ies)|answer|respon|received|incoming|inbound|odpowied|rispost|antwort|vastau|respuest)",
     "messages_received"),
    (r"\b(?:accept|connected\b|new connections?\b|connections? (?:made|added|established)|became connect|akcept)",
     "connections_added"),
    (r"\bin ?mails?\b", "inmails_sent"),
    (r"\b(?:invit|connects?\b|connection|auto ?connect|request(?:s|ed)? sent|friend request)", "invitations_sent"),
    (r"\b(?:zaprosze|inviti?\b|einladung|kutsu|invitacion|convite)", "invitations_sent"),
    (r"\b(?:messag|msgs?\b|dms?\b|follow ?ups?\b|wiadomos|messaggi|nachricht|viesti|mensaj|mensagen)",
     "messages_sent"),
    (r"\b(?:lik(?:e|es|ed)\b|react|polubi|mi piace|gefallt|tykka|me gusta|j aime|curtid)", "reactions"),
    (r"\b(?:repost|reshar)", "reposts"),
    (r"\b(?:comment|komentar|kommentar|kommentti|kommentoi|comentari)", "comments"),
    (r"\bfollow(?:s|ed|ing)?\b|\b(?:obserw|segui|seguid|folgt|gefolgt|seuraa)", "follows"),
    (r"\b(?:sav\w* (?:as )?leads?|leads? saved)\b", "leads_saved"),
    (r"\bsearch|\b(?:wyszuk|ricerch|busqued|haku)", "searches"),
    (r"\b(?:visit|view(?:s|ed|ing)?\b|profile open|odwiedz|wizyt|besuch|vierail|visualizz)", "profile_views"),
    (r"\b(?:posts?\b|posted|publish|shar(?:e|es|ed)\b)", "posts"),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern), metric) for pattern, metric in RULES)


@lru_cache(maxsize=4096)
def spaced(words: str) -> str:
    """A name as plain lower-case words: camel case, underscores and accents gone."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", anyascii(words))
    return " ".join(re.split(r"[^0-9a-z]+", words.lower())).strip()


@lru_cache(maxsize=4096)
def metric_of(words: str) -> str | None:
    """The metric that an action counts as, "" for none, None where the words are not known."""
    plain = spaced(words)
    return next((metric for pattern, metric in _COMPILED if pattern.search(plain)), None)
