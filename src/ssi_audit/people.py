"""Names in files → people: codes, and proposals for unknown names, never guesses.

A reader does not know who "Tom O." is. It writes down what the file says, as an
identity: a name, an e-mail address, a system's id, the words of a file's name.
After all files are read the distinct identities, a few hundred, are resolved
against `people.csv`; the rows get their codes by one vectorised look-up.
"""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from ssi_audit.exports.files import File
    from ssi_audit.exports.table import Context

NO_OWNER = "no owner"

# An identity is one string: pieces "key=value", this character between them.
_BETWEEN = "\x1f"
ANY = "any"
LABEL = "label"


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
        return pd.Series([_join({key: str(value) for key, value in given.items()})], dtype="str")
    frame = pd.DataFrame({key: value.reset_index(drop=True) for key, value in series.items()})
    codes, distinct = _distinct_rows(frame)
    fixed = {key: str(value) for key, value in given.items() if key not in series}
    joined = [_join(dict(zip(frame.columns, row)) | fixed) for row in distinct]
    return pd.Series(pd.array(joined, dtype="str").take(codes) if joined else [], dtype="str")


def _distinct_rows(frame: pd.DataFrame) -> tuple[np.ndarray, list[tuple]]:
    """Code of each row and the distinct rows, in order of appearance."""
    codes = np.zeros(len(frame), dtype=np.int64)
    for column in frame.columns:
        own, values = pd.factorize(frame[column], use_na_sentinel=False)
        codes, _ = pd.factorize(codes * len(values) + own)
    _, first = np.unique(codes, return_index=True)
    return codes, [tuple("" if pd.isna(value) else value for value in row) for row in frame.iloc[first].to_numpy()]


def _join(pieces: dict[str, str]) -> str:
    cleaned = {key: " ".join(value.replace(_BETWEEN, " ").split()) for key, value in pieces.items()}
    return _BETWEEN.join(f"{key}={value}" for key, value in sorted(cleaned.items()) if value)


def split_identity(identity: str) -> dict[str, str]:
    """The pieces of an identity."""
    return dict(piece.split("=", 1) for piece in identity.split(_BETWEEN)) if identity else {}


def file_owner(file: File, context: Context) -> str:
    """The identity of a file that does not say whose it is: the user's own answer, else the words of its name.

    The setting ``[persons]`` maps a file's name, its path, a folder or a pattern (``ssi_*.csv``) to a person.
    """
    answer = context.settings.persons
    parts = file.name.split("/")
    folders = ["/".join(parts[:depth]) for depth in range(len(parts) - 1, 0, -1)]
    for name in (file.name, file.base, file.stem, *folders, *reversed(parts[:-1])):
        if name in answer:
            return identities(any=answer[name]).iloc[0]
    for pattern in sorted(answer):
        if fnmatch.fnmatch(file.name, pattern) or fnmatch.fnmatch(file.base, pattern):
            return identities(any=answer[pattern]).iloc[0]
    return _BETWEEN.join([f"{LABEL}={'/'.join(file.name_words)}"])
