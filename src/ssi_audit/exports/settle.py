"""What all readers gave → the tables: persons resolved, doubles counted once, the ledger closed.

The rules are those of formats.md section 1: the same file twice counts once;
of two readings on a day the later counts; an event that appears in two exports
of a system counts once. Everything left out is marked in the ledger of its
row, and the tables are sorted, so that the order of files cannot matter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from ssi_audit import people, schema
from ssi_audit.errors import DataError
from ssi_audit.exports import crm, quotas_twice, twice
from ssi_audit.exports.ledger import empty_ledger, ranges
from ssi_audit.exports.stages import GONE
from ssi_audit.exports.table import as_text, spread
from ssi_audit.exports.totals import DAYS_COUNT, OTHER_TOTAL, TOTAL_COUNTS, cut_note, told_twice
from ssi_audit.names import as_received

if TYPE_CHECKING:
    from ssi_audit.exports import Reading, Received

SAME_FILE = "the same file again"
SAME_READING = "exact duplicate"
OTHER_READING = "another reading of the same day counts"
OTHER_COUNT = "counted in another file too"
NOTHING = "nothing to count in this row"
IN_PART = "used without counts that another file tells"
OTHER_STATE = "used without what a later export tells otherwise"
OTHER_QUOTAS = "used without quotas that other rows tell"

COLUMNS = {
    "ssi": (*schema.SSI_COLUMNS, "time"),
    "activity": schema.ACTIVITY_COLUMNS,
    # Beside the table's own: what tells whether two rows are one event (`twice`).
    "crm_events": (*schema.CRM_COLUMNS, "id", "time", "about", "state", "changed", "told", "held"),
    "quotas": (*schema.QUOTA_COLUMNS, "told"),
    "absences": schema.ABSENCE_COLUMNS,
    "teams": ("person", "team", "territory"),
}
# Records that a later export takes back (`twice`): not a table, and of nobody.
LAYOUTS = COLUMNS | {"withdrawn": COLUMNS["crm_events"]}
FINAL = {
    "ssi": schema.SSI_COLUMNS,
    "activity": schema.ACTIVITY_COLUMNS,
    "crm_events": schema.CRM_COLUMNS,
    "quotas": schema.QUOTA_COLUMNS,
    "absences": schema.ABSENCE_COLUMNS,
}
DAYS = (
    "date", "first_day", "last_day", "started", "period_start", "period_end", "time", "changed", "told", "held",
)  # fmt: skip
FLOATS = (*schema.PILLARS, "total", "industry_rank", "network_rank", "count", "amount", "quota")
# 32-bit leftovers (8.750002): the same reading all the same.
READING_DECIMALS = 3
# Why counts are left out that another file tells.
COUNTS_TOLD = (OTHER_COUNT, OTHER_TOTAL, DAYS_COUNT, TOTAL_COUNTS)
# Why a row gives something all the same, of which a part is left out.
IN_PART_OF = dict.fromkeys(COUNTS_TOLD, IN_PART) | dict.fromkeys(quotas_twice.REASONS, OTHER_QUOTAS)
IN_PART_OF[twice.LATER_EXPORT] = OTHER_STATE
# Rows of activity that tell the same.
SAME_COUNT = ("person", "date", "metric", "first_day")
# Where a frame row came from: row of the file, piece of the file, file.
PLACE = ("row", "unit", "file")
# Columns of crm_events that are looked at only where several files tell of events (`twice`).
TELL_FILES_APART = ("about", "state", "changed")
# The last columns of crm_events.
SELDOM_DECIDES = ("deal", "started")
NO_ROWS = np.array([], dtype=np.int64)


def build(received: Received) -> Reading:
    """Resolve persons, settle doubles, close the ledger.

    Raises
    ------
    DataError
        If people.csv contradicts itself.
    """
    from ssi_audit.exports import Reading

    rows = received.rows
    drop_same_files(received)
    frames = {table: combine(rows, table) for table in COLUMNS}
    roster = rosters(rows)
    matching = people.resolve(identities_seen(frames, rows), roster, accepted(rows))
    if matching.problems:
        raise DataError(matching.problems)
    kept, unmatched = known_and_unmatched(frames, rows, matching)
    kept["withdrawn"] = taken_back(rows, frames["crm_events"], matching)
    files = [item.ledger.file for item in rows]
    settled = {
        "ssi": settle_ssi(kept["ssi"]),
        "activity": settle_activity(kept["activity"]),
        "crm_events": settle_events(kept, received.readers, files, received.tabs),
        "quotas": settle_quotas(kept["quotas"], files, received.tabs),
        "absences": Settled(kept["absences"], kept["absences"]),
        "teams": Settled(kept["teams"], kept["teams"]),
    }
    close_ledgers(rows, list(settled.values()))
    final = {table: finished(settled[table].frame, table) for table in FINAL}
    ledger = ledger_of(received)
    tables = schema.Tables(
        **final,
        people=with_presence(with_teams(matching.people, kept["teams"]), final),
        ledger=ledger,
        notes=all_notes(
            received, matching, settled["activity"].cut, settled["crm_events"].remarks | settled["quotas"].remarks
        ),
        fingerprint=received.fingerprint,
    )
    return Reading(tables, unmatched, matching.proposals, received.kinds, received.folder)


def all_notes(
    received: Received, matching: people.Matching, cut: frozenset[tuple], remarks: dict[str, tuple[int, set[str]]]
) -> tuple[str, ...]:
    """What readers, matching and settling say, each once."""
    said = [cut_note(len(cut))] if cut else []
    return tuple(dict.fromkeys([*received.notes, *matching.notes, *said, *twice.notes(remarks)]))


# --------------------------------------------------------------------------- putting together


def known_and_unmatched(
    frames: dict[str, pd.DataFrame], rows: list, matching: people.Matching
) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    """The rows of people, with their codes, and those of nobody known, which are marked in their ledgers."""
    unmatched, kept = {}, {}
    for table, frame in frames.items():
        coded = look_up(frame["person"], matching.codes.__getitem__)
        coded = coded if table == "crm_events" else as_text(coded)
        known = (coded != "").to_numpy()
        if known.all():
            kept[table] = frame.assign(person=coded)
            if table in FINAL:
                unmatched[table] = empty_table(table)
            continue
        strangers = frame[~known]
        mark_strangers(rows, strangers, matching)
        # Rows that a reader gave without any person (leads of a list without owners) are told, but count for nobody.
        left_out = strangers["person"].isin(matching.left_out - {""}).to_numpy()
        strangers = strangers[~left_out]
        if table in FINAL:
            unmatched[table] = finished(strangers.assign(person=look_up(strangers["person"], as_received)), table)
        kept[table] = frame[known].assign(person=coded[known])
    return kept, unmatched


def taken_back(rows: list, events: pd.DataFrame, matching: people.Matching) -> pd.DataFrame:
    """Records that are nobody's events (any more): those of readers, and those whose owner is not known.

    A deal that a later export gives to somebody who is not in people.csv is not the former owner's any more.
    """
    withdrawn = combine(rows, "withdrawn")
    # Plain files do not say of which system a row is a record, nor that they tell a deal as a whole.
    told = (events["id"].notna() | events["state"].notna()).to_numpy(dtype=bool)
    strangers = events[told & (look_up(events["person"], matching.codes.__getitem__) == "").to_numpy()]
    if not len(strangers):
        return withdrawn
    parts = [frame.assign(person="") for frame in (withdrawn, strangers.assign(state=GONE))]
    both = pd.concat([_without_categories(frame) for frame in parts if len(frame)], ignore_index=True)
    return both.assign(person=both["person"].astype("category"))


def drop_same_files(received: Received) -> None:
    """Two files with the same bytes that gave the same rows are one file.

    The rows must agree too: the answer of the SSI page is often the same on two days, and the day stands in the
    file's name only.
    """
    groups: dict[str, list[int]] = {}
    for at, item in enumerate(received.rows):
        groups.setdefault(item.ledger.file, []).append(at)
    seen: dict[str, list[str]] = {}
    for name in sorted(groups):
        digest = received.hashes.get(name)
        if digest is None:
            continue
        mine = [received.rows[at] for at in groups[name]]
        for other in seen.get(digest, []):
            if same_rows(mine, [received.rows[at] for at in groups[other]]):
                for item in mine:
                    item.leave_out(SAME_FILE, other)
                break
        else:
            seen.setdefault(digest, []).append(name)


def same_rows(mine: list, theirs: list) -> bool:
    return len(mine) == len(theirs) and all(one.tells_the_same(other) for one, other in zip(mine, theirs))


def combine(rows: list, table: str) -> pd.DataFrame:
    """One frame of a table over all files, with `PLACE`."""
    sources = [item.export or item.ledger.file for item in rows]
    files = {name: at for at, name in enumerate(dict.fromkeys(sources))}
    given = [
        (unit, frame) for unit, item in enumerate(rows) if (frame := getattr(item, table)) is not None and len(frame)
    ]
    if not given:
        return _nothing(table)
    others = any(item.withdrawn is not None for unit, item in enumerate(rows) if unit != given[0][0])
    if len(given) > 1 or others or table != "crm_events":
        given = [(unit, _without_categories(frame)) for unit, frame in given]
    else:  # a single file, perhaps a large one: what only tells its rows from those of others is not needed
        given = [(unit, frame.drop(columns=[*TELL_FILES_APART], errors="ignore")) for unit, frame in given]
    parts = []
    for units, alike in _alike(given):
        sizes = [len(frame) for frame in alike]
        part = typed(alike[0] if len(alike) == 1 else pd.concat(alike, ignore_index=True), table)
        file = [files[sources[unit]] for unit in units]
        parts.append(part.assign(unit=np.repeat(units, sizes), file=np.repeat(file, sizes)))
    person = pd.api.types.union_categoricals([part["person"] for part in parts]).remove_unused_categories()
    if len(parts) == 1:
        return parts[0].assign(person=person)
    whole = pd.concat([part.drop(columns="person") for part in parts], ignore_index=True).assign(person=person)
    return whole.take(np.argsort(whole["unit"].to_numpy(), kind="stable")).reset_index(drop=True)


def _alike(given: list[tuple[int, pd.DataFrame]]) -> list[tuple[list[int], list[pd.DataFrame]]]:
    """Frames with the same columns of the same types, which are put together before their types are looked at."""
    groups: dict[tuple, tuple[list[int], list[pd.DataFrame]]] = {}
    for unit, frame in given:
        kinds = frame.dtypes
        untyped = any(pd.api.types.is_object_dtype(kind) for kind in kinds)
        own = unit if untyped else -1  # cells of no type say what they are one frame at a time
        units, frames = groups.setdefault((own, *frame.columns, *kinds), ([], []))
        units.append(unit)
        frames.append(frame)
    return list(groups.values())


@cache
def _nothing(table: str) -> pd.DataFrame:
    """A table without rows."""
    empty = pd.DataFrame({column: [] for column in (*LAYOUTS[table], "row")})
    return typed(empty, table).assign(unit=0, file=0).astype(dict.fromkeys(PLACE, "int64"))


def empty_table(table: str) -> pd.DataFrame:
    """A finished table without rows."""
    nothing = _nothing(table)[list(FINAL[table])]
    return nothing.assign(person=nothing["person"].astype("str"))


def _without_categories(frame: pd.DataFrame) -> pd.DataFrame:
    """Text as text again, which can be put together with that of other files; persons stay categories."""
    coded = [name for name, kind in frame.dtypes.items() if isinstance(kind, pd.CategoricalDtype) and name != "person"]
    return frame.assign(**{name: as_text(frame[name]) for name in coded})


def typed(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """Columns in the types of the table: days, floats, text with missing values; identities as categories."""
    columns = {}
    for name in (*LAYOUTS[table], "row"):
        given = frame[name].reset_index(drop=True) if name in frame else None
        if name in DAYS:
            columns[name] = _days(given, len(frame))
        elif name in FLOATS:
            columns[name] = np.full(len(frame), np.nan) if given is None else given.astype("float64")
        elif name == "person":
            columns[name] = given.astype("category")
        else:
            columns[name] = given if name in PLACE else _text(given, len(frame), name not in ("metric", "kind"))
    return pd.DataFrame(columns, index=pd.RangeIndex(len(frame)), copy=False)


def _days(given: pd.Series | None, n: int) -> pd.Series | np.ndarray:
    if given is None:
        return np.full(n, np.datetime64("NaT", "us"))
    known = pd.api.types.is_datetime64_dtype(given)
    return (given if known else pd.to_datetime(given)).astype("datetime64[us]")


def _text(given: pd.Series | None, n: int, blank_is_missing: bool) -> pd.Series:
    """Text, or categories of text, with "" as missing where that means nothing."""
    if given is not None and isinstance(given.dtype, pd.CategoricalDtype):
        return given.cat.remove_categories([""]) if blank_is_missing and "" in given.cat.categories else given
    if given is None or (n and given.isna().all()):
        return pd.Series(pd.array(pa.nulls(n, pa.large_string()), dtype="str"))
    text = given.astype("str")
    blank = text == "" if blank_is_missing else False
    return text.mask(blank) if np.any(blank) else text


def rosters(rows: list) -> pd.DataFrame | None:
    parts = [item.people.assign(file=item.ledger.file) for item in rows if item.people is not None]
    return pd.concat(parts, ignore_index=True) if parts else None


def accepted(rows: list) -> pd.DataFrame | None:
    parts = [item.accepted for item in rows if item.accepted is not None and len(item.accepted)]
    return pd.concat(parts, ignore_index=True) if parts else None


def identities_seen(frames: dict[str, pd.DataFrame], rows: list) -> pd.DataFrame:
    """Distinct identities: in which table and file, with how many rows."""
    parts = []
    for table, frame in frames.items():
        if not len(frame):
            continue
        codes, unit = frame["person"].cat.codes.to_numpy(np.int64), frame["unit"].to_numpy()
        pairs, counts = np.unique(codes * len(rows) + unit, return_counts=True)
        who, where = np.divmod(pairs, len(rows))
        files = [rows[unit].ledger.file for unit in where]
        identity = frame["person"].cat.categories[who]
        parts.append(pd.DataFrame({"identity": identity, "table": table, "file": files, "rows": counts}))
    if not parts:
        return pd.DataFrame({"identity": pd.Series(dtype="str"), "table": "", "file": "", "rows": 0})
    return pd.concat(parts, ignore_index=True)


def look_up(identities: pd.Series, answer: Callable[[str], str]) -> pd.Series:
    """The answer for each row as categories, asked once for each distinct identity."""
    answers = spread((answer(identity) for identity in identities.cat.categories), identities.cat.codes.to_numpy())
    return answers.set_axis(identities.index)


def mark_strangers(rows: list, strangers: pd.DataFrame, matching: people.Matching) -> None:
    for unit, part in strangers.groupby("unit"):
        ledger = rows[unit].ledger
        for identity, own in part.groupby("person", observed=True):
            status, reason, shown = matching.why[identity]
            mark = ledger.skip if status == "skipped" else ledger.unmatch
            mark(ledger.at(own["row"].to_numpy()), reason, shown)


# --------------------------------------------------------------------------- doubles


@dataclass(frozen=True)
class Settled:
    """A table after doubles were left out.

    Attributes
    ----------
    frame : pandas.DataFrame
        What counts.
    counted : pandas.DataFrame
        All rows (``unit``, ``row``) that are in it, also where several were added up.
    dropped : list of (pandas.DataFrame, str) or (pandas.DataFrame, str, str)
        Rows that do not count, why, and which copy does.
    remarks : dict of str to tuple of (int, set of str)
        What there is to say of it (`twice.notes`).
    cut : frozenset of tuple
        File, first and last day of the reports of which only some days count.
    """

    frame: pd.DataFrame
    counted: pd.DataFrame
    dropped: list[tuple] = field(default_factory=list)
    remarks: dict[str, tuple[int, set[str]]] = field(default_factory=dict)
    cut: frozenset[tuple] = frozenset()


def settle_ssi(frame: pd.DataFrame) -> Settled:
    """Of the readings of a person on a day one counts.

    Within a file: the later time, else the lower row. Between files: the later time; where no time is known, the
    fuller and then the more exact one (a team sheet rounds what an answer gives exactly), then the later name.
    """
    if not frame.duplicated(["person", "date"]).any():
        return Settled(frame, frame)
    values = frame[[*schema.PILLARS, "total", "industry_rank", "network_rank"]].round(READING_DECIMALS)
    ranked = frame.assign(
        clock=frame["time"].fillna(pd.Timestamp(0)),
        filled=values.notna().sum(axis=1),
        exact=(values["total"] % 1 != 0) & values["total"].notna(),
    )
    within = ranked.sort_values(["file", "clock", "row"]).drop_duplicates(["person", "date", "file"], keep="last")
    between = within.sort_values(["clock", "filled", "exact", "file"])
    winners = between.drop_duplicates(["person", "date"], keep="last").index
    losers = frame.index.difference(winners)
    reading = values.assign(person=frame["person"], date=frame["date"]).fillna(dict.fromkeys(values.columns, -1.0))
    same = pd.MultiIndex.from_frame(reading.loc[losers]).isin(pd.MultiIndex.from_frame(reading.loc[winners]))
    result, gone = frame[frame.index.isin(winners)], frame.loc[losers]
    return Settled(result, result, [(gone[same], SAME_READING), (gone[~same], OTHER_READING)])


def settle_activity(frame: pd.DataFrame) -> Settled:
    """Each day of a person and metric is told by one file, archive or report: the one that counts more.

    Counts of a file (of an archive) add up. A total over a period and the counts by day inside it are the same
    actions (`totals`); of a total that another one covers in part, the other days are kept.
    """
    settled = _larger_counts(frame)
    why, left = told_twice(settled.frame)
    if not why.any() and not len(left):
        return settled
    cut = settled.frame.iloc[left["at"].to_numpy()]
    reports = frozenset(cut[["file", "first_day", "date"]].itertuples(index=False, name=None))
    counting = settled.frame[why == ""] if cut.empty else _with_stretches(settled.frame, why, left)
    lost = settled.frame.loc[why != "", list(SAME_COUNT)].assign(why=why[why != ""])
    reason = settled.counted.merge(lost, on=list(SAME_COUNT), how="left")["why"].fillna("").to_numpy()
    gone = [(settled.counted[reason == each], each) for each in sorted(set(reason) - {""})]
    return Settled(counting, settled.counted[reason == ""], [*settled.dropped, *gone], cut=reports)


def _with_stretches(frame: pd.DataFrame, why: np.ndarray, left: pd.DataFrame) -> pd.DataFrame:
    """The rows that count, with what is left of the totals that were cut in their place."""
    at = left["at"].to_numpy()
    whole = why == ""
    whole[at] = False
    stretches = frame.iloc[at].assign(**{name: left[name].to_numpy() for name in ("first_day", "date", "count")})
    counting = pd.concat([frame[whole], stretches], ignore_index=True)
    key = [*SAME_COUNT, "file"]
    if not counting.duplicated(key).any():
        return counting
    # Two totals of one file can be cut to the same days; counts of a file add up.
    return counting.groupby(key, dropna=False, sort=False, as_index=False).agg(count=("count", "sum"))


def _larger_counts(frame: pd.DataFrame) -> Settled:
    """Of the same day (or period) and metric in two files the larger count."""
    key = list(SAME_COUNT)
    if not frame.duplicated(key).any():
        return Settled(frame, frame)
    total = frame.groupby([*key, "file"], dropna=False, sort=False, as_index=False).agg(count=("count", "sum"))
    larger = total.sort_values(["count", "file"], ascending=[True, False], kind="stable")
    winners = larger.drop_duplicates(key, keep="last").sort_index()
    chosen = frame.merge(winners[[*key, "file"]].assign(chosen=True), on=[*key, "file"], how="left")["chosen"]
    counts = chosen.notna().to_numpy()
    return Settled(winners, frame[counts], [(frame[~counts], OTHER_COUNT)])


def settle_quotas(frame: pd.DataFrame, files: list[str], tabs: twice.Tabs) -> Settled:
    """One quota for each person and period (`quotas_twice`)."""
    kept, dropped, remarks = quotas_twice.count_once(frame, files, tabs)
    return Settled(kept, kept, dropped, remarks=remarks)


def settle_events(kept: dict[str, pd.DataFrame], readers: list[str], files: list[str], tabs: twice.Tabs) -> Settled:
    """An event that several rows, exports or systems tell counts once (`twice`)."""
    frame = _with_withdrawn(kept["crm_events"], kept["withdrawn"])
    if frame["unit"].nunique() > 1:
        frame = frame.assign(person=as_text(frame["person"]))
    events = twice.count_once(frame, readers, files, known_until(kept), tabs)
    return Settled(crm.with_started(events.frame), events.frame, events.dropped, remarks=events.remarks)


def _with_withdrawn(events: pd.DataFrame, withdrawn: pd.DataFrame) -> pd.DataFrame:
    """Events with the records below them that may take one of them back: those of another file."""
    known = {name: withdrawn[name].isin(events[name].dropna().unique()) for name in ("id", "deal")}
    asked = withdrawn[(known["id"] | known["deal"]).to_numpy(dtype=bool)]
    if not (asked["file"] != (events["file"].iloc[0] if events["file"].nunique() == 1 else -1)).any():
        return events
    both = [frame.assign(person=as_text(frame["person"])) for frame in (events, asked)]
    return pd.concat([_without_categories(frame) for frame in both], ignore_index=True)


def known_until(kept: dict[str, pd.DataFrame]) -> pd.Timestamp:
    """The last day that anything but meetings and closings tells of: those can be dated ahead."""
    events = kept["crm_events"]
    sure = events.loc[events["kind"].isin(("inquiry", "opportunity")), "date"]
    told = events["held"].fillna(events["told"])
    latest = [kept["ssi"]["date"].max(), kept["activity"]["date"].max(), told.max(), sure.max()]
    return max((day for day in latest if pd.notna(day)), default=pd.NaT)


def close_ledgers(rows: list, settled: list[Settled]) -> None:
    """Mark the rows of which nothing was kept, those that lost some of their counts, and those that gave nothing."""
    counted = [_rows_of_unit(result.counted) for result in settled]
    dropped = [(_rows_of_unit(frame), *why) for result in settled for frame, *why in result.dropped]
    # A row keeps its first reason: of one with a score and counts, what became of its counts says more.
    dropped.sort(key=lambda gone: gone[1] in (SAME_READING, OTHER_READING))
    for unit, item in enumerate(rows):
        ledger = item.ledger
        alive = np.zeros(len(ledger), bool)
        for numbers in counted:
            alive |= ledger.at(numbers.get(unit, NO_ROWS))
        for own in (item.people, item.accepted):
            alive |= ledger.at(NO_ROWS if own is None else own["row"].to_numpy())
        for numbers, *why in dropped:
            gone = ledger.at(numbers.get(unit, NO_ROWS))
            ledger.skip(gone & ~alive, *why)
            if why[0] in IN_PART_OF:
                ledger.repair(gone & alive, IN_PART_OF[why[0]], why[0])
        for members in item.parts.values():
            alive |= ledger.at(members)
        ledger.skip(~alive & ledger.in_use, NOTHING)
        for row, members in item.parts.items():
            ledger.share(row, members)
        if not ledger.table:
            ledger.table = "+".join(name for name in (*COLUMNS, "people") if getattr(item, name) is not None)


def _rows_of_unit(frame: pd.DataFrame) -> dict[int, np.ndarray]:
    return {unit: own.to_numpy() for unit, own in frame["row"].groupby(frame["unit"])} if len(frame) else {}


# --------------------------------------------------------------------------- the tables


def finished(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    columns = list(FINAL[table])
    if not len(frame):
        return empty_table(table)
    order = _order(frame[columns])
    taken = {name: as_text(frame[name].take(order)).array for name in columns}
    return pd.DataFrame(taken, index=pd.RangeIndex(len(frame)), columns=columns, copy=False)


def _order(frame: pd.DataFrame) -> np.ndarray:
    """Positions of the rows sorted by all columns, missing values last.

    As `sort_values`, but every column is ranked by its distinct values and ranks are packed into as few integers as
    they fit, so that a million rows are sorted once and not once a column. The ids of deals, nearly all different,
    are ranked for rows only that agree in everything before them.
    """
    if len(frame) < 2:
        return np.arange(len(frame))
    early = [column for column in frame.columns if column not in SELDOM_DECIDES]
    keys = _ranks(frame[early])
    order = _sorted(keys)
    if len(early) == frame.shape[1]:
        return order
    differs = np.ones(len(frame), dtype=bool)
    differs[1:] = np.any([np.diff(key[order]) != 0 for key in keys], axis=0)
    tied = ~differs | np.append(~differs[1:], False)
    rows = order[tied]
    if not len(rows):
        return order
    late = _ranks(frame[[column for column in frame.columns if column in SELDOM_DECIDES]].take(rows))
    order[tied] = rows[np.lexsort([*late, np.cumsum(differs)[tied]])]
    return order


def _sorted(keys: list[np.ndarray]) -> np.ndarray:
    """As `numpy.lexsort`; a single key is sorted together with the positions, which is much faster."""
    n = len(keys[0])
    if len(keys) > 1 or keys[0].max() >= (2**63 - 1) // n:
        return np.lexsort(keys)
    return np.sort(keys[0] * n + np.arange(n)) % n


def _ranks(frame: pd.DataFrame) -> list[np.ndarray]:
    """Ranks of all columns packed into integers, those of the last columns first, as `numpy.lexsort` wants them."""
    keys: list[np.ndarray] = []
    packed, room = np.zeros(len(frame), dtype=np.int64), 1
    for column in frame.columns:
        if isinstance(frame[column].dtype, pd.CategoricalDtype):
            codes, distinct = frame[column].cat.codes.to_numpy(), frame[column].cat.categories
        else:
            codes, distinct = pd.factorize(frame[column])
        rank = np.empty(len(distinct) + 1, dtype=np.int64)
        rank[np.asarray(distinct.argsort())] = np.arange(len(distinct))
        rank[-1] = len(distinct)
        size = len(distinct) + 1
        if room * size >= 2**62:
            keys.append(packed)
            packed, room = np.zeros(len(frame), dtype=np.int64), 1
        packed, room = packed * size + rank[codes], room * size
    return [packed, *reversed(keys)]


def ledger_of(received: Received) -> pd.DataFrame:
    parts = [*received.ledgers, ranges(item.ledger for item in received.rows)]
    ledger = pd.concat([part for part in parts if len(part)] or [empty_ledger()], ignore_index=True)
    return ledger.sort_values(["file", "first_row"], kind="stable").reset_index(drop=True)


def with_teams(roster: pd.DataFrame, teams: pd.DataFrame) -> pd.DataFrame:
    """Teams and territories from lists of sellers, where people.csv leaves them blank."""
    if not len(teams):
        return roster
    roster = roster.copy()
    for column in ("team", "territory"):
        told = teams.dropna(subset=[column]).drop_duplicates("person").set_index("person")[column]
        roster[column] = roster[column].where(roster[column].notna(), roster["person"].map(told).astype("str"))
    return roster


def with_presence(roster: pd.DataFrame, final: dict[str, pd.DataFrame]) -> pd.DataFrame:
    roster = roster.copy()
    for column, table in (("in_ssi", "ssi"), ("in_crm", "crm_events"), ("in_activity", "activity")):
        roster[column] = roster["person"].isin(final[table]["person"].unique())
    return roster
