"""Columns of readings → rows of the table `ssi`: which column is which, and what a reading may be.

Shared by every reader that meets the score in a table. A reading of zero in
every pillar is a failed one, never a score (formats.md rule 2); the total shown
is the rounded sum of the pillars, so a total that is more than one point off is
said aloud (rule 3).
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from ssi_audit.exports import text
from ssi_audit.exports.ledger import Ledger
from ssi_audit.exports.table import Context, Table
from ssi_audit.schema import PILLARS
from ssi_audit.settings import Settings

VALUES = (*PILLARS, "total", "industry_rank", "network_rank")
FAILED = "failed reading (all zero)"
NO_READING = "no reading in this row"
TOTAL_IS_SUM = "the total is missing: the sum of the four pillars"
# A shown total is rounded; beyond this distance from the sum of the pillars something is wrong.
TOTAL_TOLERANCE = 1.0

# Header words as found in logs, sheets and reports (formats.md section 2), folded by `text.fold`.
WORDS = {
    "total": (
        "total", "ssi", "overall", "score", "total ssi", "ssi total", "ssi score", "overall score", "total score",
        "ssi_overall_score", "overall ssi", "social selling index", "current ssi", "ssi index", "sales ssi",
        "social selling index (ssi)", "ssi (total)", "wynik ssi", "punteggio ssi", "punteggio totale", "yhteensä",
    ),
    "brand": (
        "brand", "professional brand", "prof_brand", "prof brand", "establish your professional brand", "brand_score",
        "establish_brand", "establish brand", "SSIProfessionalBrand", "marca", "marca profissional", "marka",
        "estabelecer sua marca profissional", "crear tu marca profesional", "definisci il tuo brand professionale",
        "personal brand", "professional_brand",
    ),
    "people": (
        "people", "find the right people", "right people", "find_right_people", "find people", "people_score",
        "SSIFindRightPeople", "localizar as pessoas certas", "pessoas", "people pillar", "find_the_right_people",
        "encontrar a las personas adecuadas", "trova le persone giuste", "search",
    ),
    "insights": (
        "insights", "insight", "engage with insights", "insight_engagement", "insight_score", "insights_score",
        "SSIEngageWithInsights", "engagement", "interagir oferecendo insights", "engage_with_insights", "engage",
    ),
    "relationships": (
        "relationships", "relationship", "build relationships", "build strong relationships", "relationship_score",
        "SSIBuildRelationships", "strong relationships", "build_relationships", "criar relacionamentos", "relacje",
        "relationships_score", "crear relaciones", "costruisci relazioni",
    ),
    "industry_rank": (
        "industry rank", "industry ssi rank", "industry_rank", "ssi_rank_industry", "industry top", "top industry",
        "industry %", "industry top %", "rank industry", "industry percentile", "rank in industry",
    ),
    "network_rank": (
        "network rank", "network ssi rank", "network_rank", "ssi_rank_network", "network top", "top network",
        "network %", "network top %", "rank network", "network percentile", "rank in network",
    ),
}  # fmt: skip
# Beyond the exact words: a part of a header that says which column it is.
_PARTS = {
    "brand": r"brand|marca|marke|marka",
    "people": r"rightpeople|findpeople|pessoascertas|personasadecuadas|personegiuste|peoplepillar|peoplescore",
    "insights": r"insight",
    "relationships": r"relationship|relacionamento|relaciones|relazioni|relacje",
    "industry_rank": r"(?:industry|sector|setor|branz).*(?:rank|top|%|percent)|(?:rank|top).*(?:industry|sector|setor)",
    "network_rank": r"(?:network|rede|siec).*(?:rank|top|%|percent)|(?:rank|top).*(?:network|rede)",
}
# Columns about something else: plans, changes, averages of other people.
_NEVER = re.compile(
    r"limit|prob|increase|change|delta|diff|avg|average|mean|benchmark|target|goal|group|amount|size|count$"
)

PERSON_WORDS = (
    "person", "name", "full name", "seller", "sales rep", "rep", "employee", "member", "team member", "salesperson",
    "user", "account executive", "owner", "seat holder", "colleague", "sprzedawca", "osoba", "nome", "imię i nazwisko",
    "nimi", "nombre", "pracownik", "venditore", "myyjä",
)  # fmt: skip
DATE_WORDS = (
    "date", "day", "week", "reading date", "date_created", "collected", "collected at", "snapshot", "snapshot date",
    "timestamp", "as of", "recorded", "recorded on", "measured", "data", "datum", "fecha", "päivä", "päivämäärä",
    "dzień", "tydzień", "week of", "week starting", "created at", "data_referencia",
)  # fmt: skip
EMAIL_WORDS = ("email", "e-mail", "email address", "mail")


def score_columns(table: Table, section: dict[str, str] | None = None) -> dict[str, str]:
    """Which column holds which value of a reading.

    Parameters
    ----------
    table : Table
    section : dict, optional
        The user's own map (setting ``columns.ssi``): ours → theirs.

    Returns
    -------
    dict of str to str
        Of `VALUES`, those that were found. The user's answer first, then equal words, then parts of words.
    """
    found = {ours: table.find(theirs) for ours, theirs in (section or {}).items() if ours in VALUES}
    found = {ours: column for ours, column in found.items() if column}
    for ours, words in WORDS.items():
        column = table.find(*words)
        if ours not in found and column and column not in found.values():
            found[ours] = column
    for ours, pattern in _PARTS.items():
        if ours in found:
            continue
        fits = [
            column
            for column in table.frame.columns
            if column not in found.values()
            and re.search(pattern, text.fold(column))
            and not _NEVER.search(text.fold(column))
        ]
        if len(fits) == 1:
            found[ours] = fits[0]
    return found


def pillars_by_order(table: Table, columns: dict[str, str]) -> dict[str, str]:
    """The four pillars as four neighbouring columns that add up to the total in every row; {} where there are none.

    Labels come in the member's language; the order of the pillars does not, and their sum is a check.
    """
    if "total" not in columns:
        return {}
    quiet = Context(Settings())
    total = table.numbers(columns["total"], quiet, low=0, high=100)
    taken = {column for ours, column in columns.items() if ours not in PILLARS}
    names = list(table.frame.columns)
    fitting = []
    for at in range(len(names) - len(PILLARS) + 1):
        four = names[at : at + len(PILLARS)]
        known = [columns.get(pillar, column) == column for pillar, column in zip(PILLARS, four)]
        if taken & set(four) or not all(known):
            continue
        own = Context(Settings())
        values = np.array([table.numbers(column, own, low=0, high=25) for column in four])
        compared = ~np.isnan(total) & (total > 0)
        sums = values[:, compared].sum(axis=0)
        if not own.problems and compared.any() and (np.abs(sums - total[compared]) <= TOTAL_TOLERANCE).all():
            fitting.append(four)
    return dict(zip(PILLARS, fitting[0])) if len(fitting) == 1 else {}


def score_frame(
    table: Table, columns: dict[str, str], context: Context, ledger: Ledger, person: pd.Series, time: pd.Series
) -> pd.DataFrame:
    """Rows of the table `ssi`; rows without a reading are skipped in the ledger.

    Parameters
    ----------
    table : Table
    columns : dict of str to str
        As `score_columns` gives them.
    ledger : Ledger
        With one row for each row of the table, or more.
    person : pandas.Series
        Identities.
    time : pandas.Series
        ``datetime64``; the day of the reading, with the time of day where it is known.
    """
    values = {ours: _values(table, columns.get(ours), ours, context) for ours in VALUES}
    frame = pd.DataFrame({"person": person.to_numpy(), "date": time.dt.floor("D"), **values})
    frame["time"] = time.where(time != frame["date"])
    frame["row"] = table.rows
    scores = frame[[*PILLARS, "total"]]
    empty = scores.isna().all(axis=1).to_numpy()
    failed = ~empty & (scores.fillna(0) == 0).all(axis=1).to_numpy()
    ledger.skip(ledger.at(table.rows[empty]), NO_READING)
    ledger.skip(ledger.at(table.rows[failed]), FAILED)
    no_total = frame["total"].isna() & frame[list(PILLARS)].notna().all(axis=1)
    ledger.repair(ledger.at(table.rows[no_total]), TOTAL_IS_SUM)
    sums = frame[list(PILLARS)].sum(axis=1, min_count=len(PILLARS))
    frame["total"] = frame["total"].where(~no_total, sums)
    off = ((frame["total"] - sums).abs() > TOTAL_TOLERANCE) & ~(empty | failed)
    if off.any():
        first = frame[off].iloc[0]
        context.count(
            int(off.sum()),
            lambda n: (
                f"{table.file}: in {n:,} rows the total is more than {TOTAL_TOLERANCE:g} away from the sum of the "
                f"four pillars (row {first['row']}: {first['total']:g})"
            ),
        )
    return frame[~(empty | failed)]


def _values(table: Table, column: str | None, ours: str, context: Context) -> np.ndarray:
    if ours in PILLARS:
        too_much = "a pillar cannot exceed 25. Is the decimal sign wrong?"
        return table.numbers(column, context, low=0, high=25, expected=too_much)
    if ours == "total":
        return table.numbers(column, context, low=0, high=100, expected="the index is a number from 0 to 100")
    values = table.numbers(column, context, low=0, high=100, expected='a rank is "top N %", from 0 to 100')
    if column is not None and table.are_shares(column, values, context):
        context.note(f'{table.file}, "{column}": ranks are shares of one (0.05): read as per cent (5)')
        return values * 100
    return values
