"""What a file says of a person: identities, and names folded so that they can be compared.

A reader does not know who "Tom O." is. It writes down what the file says, as an
identity: one string with a name, an e-mail address, a system's id, the words
of a file's name. `people` finds the person behind it.
"""

from __future__ import annotations

import fnmatch
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

import numpy as np
import pandas as pd
from anyascii import anyascii

from ssi_audit import schema

if TYPE_CHECKING:
    from ssi_audit.exports.files import File
    from ssi_audit.exports.table import Context

# Owners that are no people (formats.md section 6.2 and the CRMs' own names for "nobody").
TECHNICAL_NAMES = frozenset({
    "admin", "admin user", "administrator", "api", "api user", "automated process", "automation", "automation user",
    "bot", "chatter expert", "crm admin", "crmadmin", "crm administrator", "data import", "data loader",
    "deactivated user", "default owner", "default user", "dynamics 365", "hubspot", "hubspot user", "import",
    "insights integration", "integration", "integration user", "insights integration user", "marketing automation",
    "migration user", "no owner", "none", "pipedrive", "platform integration user", "queue", "sales admin",
    "salesforce", "salesforce administrator", "salesforce admin", "security user", "service account", "site guest user",
    "super admin", "support user", "system", "system admin", "system administrator", "system user", "unassigned",
    "unknown", "workflow", "zapier", "zoho", "zoho crm", "analytics cloud integration user",
    "analytics cloud security user", "b2bma integration",
})  # fmt: skip
# Only these name one record of a system; the other columns of `schema.SYSTEM_IDS` hold names.
TRUE_IDS = ("salesforce_user_id", "zoho_owner_id", "salesnav_seat_id")
TITLES = frozenset({
    "mr", "mrs", "ms", "miss", "dr", "prof", "professor", "sir", "dame", "mba", "phd", "msc", "bsc", "jr",
    "sr", "mgr", "inz", "ing", "dott", "dottssa", "rag", "avv", "herr", "frau", "dipl", "khun",
})  # fmt: skip
# Words of file and folder names that are no part of a person's name.
NAME_NOISE = frozenset({
    "a", "about", "active", "activities", "activity", "all", "analytics", "answer", "api", "archive", "audit",
    "average", "backup", "basic", "by", "campaign", "complete", "content", "copia", "copie", "copy", "crm",
    "csv", "current", "daily", "dane", "dashboard", "data", "dataexport", "date", "dati", "de", "demo",
    "details", "download", "downloads", "eksport", "engagement", "export", "exporte", "exports", "extension",
    "feed", "file", "files", "final", "folder", "for", "from", "full", "get", "history", "historia",
    "historial", "html", "in", "inbox", "index", "input", "json", "kopia", "kopie", "la", "latest", "li",
    "lin", "linked", "linkedin", "list", "log", "logs", "me", "member", "messages", "monthly", "my",
    "navigator", "new", "of", "old", "output", "overview", "page", "pagina", "pages", "people", "personal",
    "post", "posts", "processed", "profile", "raport", "raports", "raw", "reading", "readings", "record",
    "records", "report", "reports", "result", "results", "sales", "salesapi", "salesnav", "sample", "saved",
    "score", "scores", "screenshot", "screen", "selling", "seller", "sellers", "sheet", "site", "snapshot",
    "social", "sqlite", "ssi", "stats", "store", "table", "tables", "team", "test", "tracker", "txt",
    "update", "usage", "user", "users", "v", "web", "weekly", "week", "xls", "xlsx", "year", "zip", "db",
    "pulpit", "tabela", "wynik", "wyniki", "zespol",
    "action", "actions", "aggregate", "automation", "buster", "campaigns", "connection", "connections", "contacts",
    "contenido", "day", "days", "dripify", "dux", "duxsoup", "expandi", "helper", "heyreach", "invitations", "invites",
    "leads", "octopus", "phantom", "phantombuster", "prospects", "requests", "sent", "soup", "tool", "visits",
    "waalaxy",
    "agenda", "appointments", "calendar", "calendario", "calendars", "calendrier", "event", "events", "google", "ics",
    "kalendarz", "kalender", "kalenteri", "meeting", "meetings", "office", "outlook", "schedule", "work",
})  # fmt: skip

# An identity is one string: pieces "key=value", this character between them.
_BETWEEN = "\x1f"
ANY = "any"
LABEL = "label"


# --------------------------------------------------------------------------- identities


def identities(**pieces: pd.Series | str | None) -> pd.Series:
    """What a file says of the person of each row, as one string a row.

    Parameters
    ----------
    **pieces : pandas.Series of str, or str, or None
        Any of ``name``, ``email``, ``url`` (LinkedIn profile), the columns of `schema.SYSTEM_IDS`
        (``salesforce_user_id=…``), ``any`` (a name, an address or an id: not known which). A series gives a value a
        row; a string holds for all rows; None and blank values say nothing.

    Returns
    -------
    pandas.Series of str
        "" where nothing is said. If all pieces are strings, one row.
    """
    given = {key: value for key, value in pieces.items() if value is not None}
    series = {key: value for key, value in given.items() if isinstance(value, pd.Series)}
    if not series:
        return pd.Series([join_identity({key: str(value) for key, value in given.items()})], dtype="str")
    frame = pd.DataFrame({key: value.reset_index(drop=True) for key, value in series.items()})
    codes, distinct = _distinct_rows(frame)
    fixed = {key: str(value) for key, value in given.items() if key not in series}
    joined = [join_identity(dict(zip(frame.columns, row)) | fixed) for row in distinct]
    return pd.Series(pd.array(joined, dtype="str").take(codes) if joined else [], dtype="str")


def _distinct_rows(frame: pd.DataFrame) -> tuple[np.ndarray, list[tuple]]:
    """Code of each row and the distinct rows, in order of appearance."""
    codes = np.zeros(len(frame), dtype=np.int64)
    for column in frame.columns:
        own, values = pd.factorize(frame[column], use_na_sentinel=False)
        codes, _ = pd.factorize(codes * max(len(values), 1) + own)
    _, first = np.unique(codes, return_index=True)
    return codes, [tuple("" if pd.isna(value) else value for value in row) for row in frame.iloc[first].to_numpy()]


def join_identity(pieces: dict[str, str]) -> str:
    cleaned = {key: " ".join(value.replace(_BETWEEN, " ").split()) for key, value in pieces.items()}
    return _BETWEEN.join(f"{key}={value}" for key, value in sorted(cleaned.items()) if value)


def split_identity(identity: str) -> dict[str, str]:
    """The pieces of an identity."""
    return dict(piece.split("=", 1) for piece in identity.split(_BETWEEN)) if identity else {}


def as_received(identity: str) -> str:
    """How the file itself names the person: the name, else the address, else an id, else the file's own words."""
    pieces = split_identity(identity)
    for key in ("name", ANY, "email", *schema.SYSTEM_IDS, "url"):
        if key in pieces:
            return pieces[key]
    return pieces.get(LABEL, "").split("/")[0]


def file_owner(file: File, context: Context, part: str = "") -> str:
    """The identity of a file that does not say whose it is: the user's own answer, else the words of its name.

    The setting ``[persons]`` maps a file's name, its path, a folder or a pattern (``ssi_*.csv``) to a person.
    `part` is what comes nearer than the file's name: the name of a sheet.
    """
    answer = context.settings.persons
    book = file.book
    parts = book.name.split("/")
    folders = ["/".join(parts[:depth]) for depth in range(len(parts) - 1, 0, -1)]
    own = dict.fromkeys((file.name, file.base, book.name, book.base))
    for name in (*own, file.stem, *folders, *reversed(parts[:-1])):
        if name in answer:
            return identities(any=answer[name]).iloc[0]
    for pattern in sorted(answer):
        if any(fnmatch.fnmatch(name, pattern) for name in own):
            return identities(any=answer[pattern]).iloc[0]
    levels = [" ".join(re.split(r"[\W\d_]+", part)), *file.name_words] if part else file.name_words
    return f"{LABEL}={'/'.join(levels)}"


# --------------------------------------------------------------------------- folding


@lru_cache(maxsize=65_536)
def name_tokens(name: str) -> tuple[str, ...]:
    """A name as its folded words, given name first.

    Case, accents, titles, brackets and punctuation are gone, letters of any script are Latin, "Last, First" is
    turned round.
    """
    name = re.sub(r"\([^)]*\)|\[[^\]]*\]", " ", name)
    before, _, behind = name.partition(",")
    turned = [*_without_titles(behind), *_without_titles(before)] if _without_titles(behind) else []
    return tuple(turned or _without_titles(name) or folded_words(name))


def folded_words(text: str) -> list[str]:
    """The words of a text, folded."""
    plain = re.sub(r"['’`´]", "", anyascii(text).lower())
    return [word for word in re.split(r"[^0-9a-z]+", plain) if word]


def _without_titles(text: str) -> list[str]:
    return [word for word in folded_words(text) if word not in TITLES]


def email_key(address: str) -> str:
    return address.strip().lower()


def url_key(address: str) -> str:
    found = re.search(r"linkedin\.com/(?:mwlite/)?(?:in|pub)/([^/?#\s]+)", address, re.IGNORECASE)
    plain = found.group(1) if found else re.sub(r"^https?://(?:www\.)?", "", address.strip()).rstrip("/")
    return anyascii(unquote(plain)).lower()


def id_key(kind: str, value: str) -> str:
    value = value.strip()
    if kind == "salesforce_user_id" and len(value) == 18:
        return value[:15]  # the last three are a check sum: ids of 15 and of 18 characters name the same record
    if kind == "zoho_owner_id":
        return value.removeprefix("zcrm_")
    return value if kind in TRUE_IDS else " ".join(name_tokens(value)) or value.lower()
