"""Won, lost or open: what a CRM's own words for the state of a deal mean.

Organisations rename their stages, translate them and add emoji. A flag or a
status of the system decides first, the user's own answer before everything;
the name of a stage decides only where nothing better exists (formats.md section
6). A name that could mean either is never guessed in silence: it is listed,
with the setting that answers it.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
import pandas as pd
from anyascii import anyascii

from ssi_audit.exports import numbers, text
from ssi_audit.exports.table import Context, Table
from ssi_audit.exports.text import Unreadable

WON, LOST, OPEN, UNKNOWN = "won", "lost", "open", ""
# Of a record that is no event any more: deleted, cancelled, without an owner.
GONE = "gone"

# Checkbox cells of the systems in the languages of their users, folded.
_TRUE = frozenset({
    "1", "true", "yes", "y", "x", "checked", "ja", "si", "oui", "tak", "kylla", "sim", "wahr", "vero", "vrai",
    "verdadero", "verdadeiro", "prawda", "tosi", "waar", "won", "on", "ein",
})  # fmt: skip
_FALSE = frozenset({
    "0", "false", "no", "n", "unchecked", "nein", "nee", "non", "nie", "ei", "nao", "falsch", "falso", "faux",
    "falsz", "epatosi", "onwaar", "notwon", "off", "aus",
})  # fmt: skip

_WON_WORDS = re.compile(
    r"\b(?:closed ?won|won(?! ?'?t\b)|gewonnen\w?|ganad[oa]s?|vint[oaie]|acquisit[oa]|aggiudicat[oa]|wygran[aey]?|"
    r"voitettu|gagnee?s?|remportee?s?|ganh[oa]s?|vunn(?:en|et|a)|vundet|chna)\b"
)
_LOST_WORDS = re.compile(
    r"\b(?:closed ?lost|lost|verloren\w?|perdid[oa]s?|pers[oaie]|przegran[aey]?|utracon[aey]|stracon[aey]|havitty|"
    r"menetetty|perdue?s?|perte|tapt|forlorad|tabt|disqualified|dropped|abandoned|declined|rejected|cancell?ed|dead|"
    r"no sale|no decision|abgelehnt|storniert|annullat[oa]|anulowan[aey]|odrzucon[aey]|rechazad[oa]|cancelad[oa]|"
    r"descartad[oa]|not won|nicht gewonnen|non vint[oa]|aeph)\b"
)
# Beginnings of words that name a step on the way; "closed", "signed" or "completed" beside one leaves it undecided.
_ON_THE_WAY = (
    "prospect", "qualif", "kwalif", "kvalif", "calific", "cualific", "need", "bedarf", "analy", "propos",
    "propuest", "propost", "quot", "angebot", "offert", "ofert", "offre", "devis", "tarjous", "wycen", "negot",
    "negoz", "negoc", "neuvott", "verhandl", "trattativ", "demo", "meet", "vereinbart", "appoint", "schedul", "present",
    "discover", "contact", "kontakt", "decision", "review", "evaluat", "engag", "pending", "new", "neu", "nuov",
    "now", "lead", "interest", "verbal", "forecast", "commit", "pipeline", "upside", "open", "offen", "abiert",
    "apert", "otwart", "avoin", "progress", "arbeit", "bearbeitung", "value", "perception", "identif", "develop",
    "hold", "wait", "follow", "nurtur", "first", "initial", "erst", "sent", "enviad", "inviat", "wyslan",
    "contractsent", "spotkan", "id", "approach", "opportunit", "solution", "trial", "pilot", "prepar", "solicit",
    "visit", "budget",
)  # fmt: skip
_DECIDED = re.compile(
    r"\b(?:closed?|signed|done|completed?|finished|paid|live|invoiced|delivered|onboarded|geschlossen|abgeschlossen|"
    r"unterschrieben|cerrad[oa]|chius[oa]|firmad?[oa]?|zamkniet[aey]|podpisan[aey]|ferme|signe|suljettu)\b"
)


def flags(table: Table, column: str | None) -> np.ndarray:
    """A column of checkboxes: 1.0 for ticked, 0.0 for not, NaN for blank or anything else.

    Parameters
    ----------
    column : str, optional
        None gives NaN in every row.
    """
    codes, distinct = table.coded(column)
    known = [1.0 if (word := text.fold(cell)) in _TRUE else 0.0 if word in _FALSE else np.nan for cell in distinct]
    return np.array([*known, np.nan])[codes]


@lru_cache(maxsize=4096)
def stage_meaning(name: str) -> str:
    """What the name of a stage or a status says by itself: ``won``, ``lost``, ``open``, or "" for not known."""
    plain = re.sub(r"[_/\-–—:]+", " ", anyascii(name).lower())
    won, lost = _WON_WORDS.search(plain), _LOST_WORDS.search(plain)
    if won and lost:
        return WON if won.start() < lost.start() else LOST
    if won or lost:
        return WON if won else LOST
    if _DECIDED.search(plain):
        return UNKNOWN
    tokens = re.findall(r"[a-z]+", plain)
    return OPEN if any(token.startswith(_ON_THE_WAY) for token in tokens) else UNKNOWN


def outcomes(table: Table, columns: dict[str, str | None], context: Context, look: np.ndarray) -> np.ndarray:
    """State of the deal of each row; rows that say the same are judged once.

    The user's ``[stages]`` come first, then the status and the flags of the system, then the name of the stage,
    then a probability of 0 or 100 %. What is left is open where other stages of its pipeline are recognised as won
    or lost (that is noted), and a problem where none is.

    Parameters
    ----------
    columns : dict
        Any of stage, status, won, lost, closed, probability, pipeline → column of the table or None.
    look : numpy.ndarray of bool
        Rows whose state matters; others are never asked about.

    Returns
    -------
    numpy.ndarray of object
        ``won``, ``lost`` or ``open``.
    """
    kind, once = table.distinct(*(name for name in columns.values() if name is not None))
    asked = np.bincount(kind, weights=look, minlength=len(once)) > 0
    return _judged(once, columns, context, asked)[kind]


def known(table: Table, columns: dict[str, str | None], context: Context) -> np.ndarray:
    """As `outcomes`, with "" where nothing says for certain what a row means; nothing is asked or noted."""
    kind, once = table.distinct(*(name for name in columns.values() if name is not None))
    return _told(once, columns, context)[kind]


def _told(table: Table, columns: dict[str, str | None], context: Context) -> np.ndarray:
    stage, status = table.words(columns.get("stage")), table.words(columns.get("status"))
    answers = {text.fold(name): meaning for name, meaning in context.settings.stages.items()}
    state = _each(stage, lambda name: answers.get(text.fold(name), UNKNOWN))
    _fill(state, _each(status, lambda name: answers.get(text.fold(name), UNKNOWN)))
    _fill(state, _each(status, stage_meaning))
    _fill(state, _from_flags(table, columns))
    _fill(state, _each(stage, stage_meaning))
    if (state == UNKNOWN).any():
        _fill(state, _from_probability(table, columns.get("probability")))
    return state


def _judged(table: Table, columns: dict[str, str | None], context: Context, look: np.ndarray) -> np.ndarray:
    stage, status = table.words(columns.get("stage")), table.words(columns.get("status"))
    state = _told(table, columns, context)
    unknown = state == UNKNOWN
    shown = stage.where(stage != "", status).to_numpy(dtype=object)
    unknown &= shown != ""
    if (unknown & look).any():
        pipeline = table.words(columns.get("pipeline")).to_numpy(dtype=object)
        _judge(table, shown, pipeline, state, unknown & look, context)
    state[state == UNKNOWN] = OPEN
    return state


def by_dates(won_on: pd.Series, lost_on: pd.Series) -> np.ndarray:
    """State of deals of which only the days are told on which they were won or lost."""
    state = np.full(len(won_on), OPEN, dtype=object)
    state[lost_on.notna().to_numpy()] = LOST
    state[won_on.notna().to_numpy()] = WON
    return state


def _each(words: pd.Series, meaning) -> np.ndarray:
    codes, distinct = pd.factorize(words)
    known = np.array([*(meaning(word) if word else UNKNOWN for word in distinct), UNKNOWN], dtype=object)
    return known[codes]


def _fill(state: np.ndarray, more: np.ndarray) -> None:
    empty = state == UNKNOWN
    state[empty] = more[empty]


def _from_flags(table: Table, columns: dict[str, str | None]) -> np.ndarray:
    won, lost, closed = (flags(table, columns.get(name)) for name in ("won", "lost", "closed"))
    state = np.full(len(table), UNKNOWN, dtype=object)
    state[closed == 0] = OPEN
    state[lost == 1] = LOST
    state[(closed == 1) & (won == 0)] = LOST
    state[won == 1] = WON
    return state


def _from_probability(table: Table, column: str | None) -> np.ndarray:
    state = np.full(len(table), UNKNOWN, dtype=object)
    if column is None:
        return state
    try:
        chance = numbers.parse_numbers(table.frame[column], low=0, high=100).values
    except Unreadable:  # not needed for anything else: the stage is asked about instead
        return state
    certain = 1.0 if np.nanmax(chance, initial=0) <= 1 else 100.0
    state[(chance > 0) & (chance < certain)] = OPEN
    state[chance == certain] = WON
    state[chance == 0] = LOST
    return state


def _judge(table: Table, shown, pipeline, state, unknown: np.ndarray, context: Context) -> None:
    """Stages of no known meaning: open beside known ends of the same pipeline, a question without them."""
    ends = set(pipeline[(state == WON) | (state == LOST)])
    told = np.array([name in ends for name in pipeline[unknown]])
    names = shown[unknown]
    taken = sorted(set(names[told]))
    if taken:
        listed = ", ".join(f'"{name}"' for name in taken[:12])
        context.note(f"{table.file}: stages taken as open: {listed}; if one of them is an end, name it under [stages]")
    asked = sorted(set(names[~told]))
    if asked:
        listed = ", ".join(f'"{name}"' for name in asked[:12])
        lines = "\n".join(f'"{name}" = "won"    # or "lost", or "open"' for name in asked[:12])
        context.problem(
            table.file,
            f"no stage says which deals were won or lost. Stages without a known meaning: {listed}",
            f"add to ssi-audit.toml what they mean:\n[stages]\n{lines}",
        )
