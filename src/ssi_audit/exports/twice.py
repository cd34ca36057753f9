"""The same event told twice: by two exports of a system, by a CRM and a calendar, by two CRMs.

A record is known by its system's id. Between systems nothing has a common id,
so an event counts once only where enough agrees: a meeting of a person by its
start (or its day and subject), a deal by its company and its days. Which copy
was kept, and where, stands in the ledger; what does not agree stays two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ssi_audit.exports.crm import STATE_ONLY
from ssi_audit.exports.restarted import Telling, other_deals
from ssi_audit.exports.stages import GONE, LOST, WON

SAME_EVENT = "the same event in another row or export"
LATER_EXPORT = "a later export tells this deal"
TAKEN_BACK = "a later export takes it back: cancelled, deleted or not counted there"
OTHER_LIST = "the same event in another list"
BY_NAME = "the file name (of sheets, their order) was taken to say which is later"
# Sheet that is read as a file → its workbook, and its place there.
Tabs = dict[str, tuple[str, int]]
APART = "numbers of several deals"
IDS_APART = "numbers of several inquiries or meetings"
QUOTAS_CONFLICT = "quotas of which none counts"
QUOTAS_BY_NAME = "quotas of the later file by its name"
PLANNED = "planned: it lies behind everything else these files know"
SAME_MEETING = "the same meeting in another system"
SAME_DEAL = "the same deal in another system"

# A deal is opened, won or lost once; a deal may have many meetings.
ONCE_A_DEAL = ("opportunity", "deal_won", "deal_lost")
CLOSINGS = ("deal_won", "deal_lost")
ENDS = {WON: "deal_won", LOST: "deal_lost"}
# A mark that a reader made because the file has no ids (`crm.deal_ids`).
MADE_ID = "~"
CALENDARS = "calendars"
# What is counted from 1 in a file. The long numbers of a system stand for one record, whatever became of it.
COUNTED = r"\D{0,4}\d{1,6}"
# Two lists without ids overlap when they tell the same for most of the days that both cover.
OVERLAP_SHARE, OVERLAP_MIN = 0.5, 3
# Remarks → the notes that say them, of how many events or deals, and of which files.
NOTES = {
    APART: "{files}: {n:,} deal numbers stand for another deal in another file (no title, day or amount agrees): "
    "each deal counts, with the name of its file before its number",
    IDS_APART: "{files}: {n:,} numbers of inquiries or meetings stand for another one in another file (neither day nor "
    "subject agrees): each counts",
    QUOTAS_CONFLICT: "{files}: {n:,} quotas stand beside another amount or currency for the same person and days: none "
    "of them counts; leave one row of each, or their sum",
    QUOTAS_BY_NAME: "{files}: {n:,} quotas are told differently and nothing dates the files: " + BY_NAME,
    BY_NAME: "{files}: {n:,} events are told differently and nothing dates the files: " + BY_NAME,
}
MOST_NAMED = 6
WHAT_IS_TOLD = ("person", "date", "kind", "amount", "currency", "source", "time", "about")


@dataclass
class Events:
    """CRM events on their way to being counted once.

    Attributes
    ----------
    frame : pandas.DataFrame
        Columns of `settle.COLUMNS` with ``unit`` and ``file``, persons as codes.
    systems : numpy.ndarray of object
        Reader of each unit.
    files : list of str
        File of each unit.
    tabs : dict of str to tuple of (str, int)
        Which of the files are sheets, of what workbook, and where they stand in it.
    dropped : list of (pandas.DataFrame, str, str)
        What does not count, why, and where the copy that does is.
    remarks : dict of str to tuple of (int, set of str)
        Of `NOTES`: how many there are, and the files they are about.
    """

    frame: pd.DataFrame
    systems: np.ndarray
    files: list[str]
    tabs: Tabs = field(default_factory=dict)
    dropped: list[tuple[pd.DataFrame, str, str]] = field(default_factory=list)
    remarks: dict[str, tuple[int, set[str]]] = field(default_factory=dict)

    def system(self) -> pd.Series:
        """System of each row."""
        return pd.Series(self.systems[self.frame["unit"].to_numpy()], index=self.frame.index)

    def drop(
        self, where: pd.Series | np.ndarray, reason: str, kept: pd.Series | None = None,
        by_name: pd.Series | None = None, said: str = "counted in",
    ) -> None:  # fmt: skip
        """Leave rows out.

        Parameters
        ----------
        kept : pandas.Series, optional
            Unit of the copy that stays, by row label.
        by_name : pandas.Series, optional
            Whether nothing but the name of its file made that copy the later one, by row label.
        said : str
            What the file of the copy does with it.
        """
        mask = np.asarray(where, dtype=bool)
        if not mask.any():
            return
        gone = self.frame[mask]
        if kept is None:
            self.dropped.append((gone, reason, ""))
        else:
            unit = kept.reindex(gone.index).astype("int64")
            named = False if by_name is None else by_name.reindex(gone.index).astype("bool")
            for (at, guessed), part in gone.assign(_unit=unit, _named=named).groupby(["_unit", "_named"]):
                where_kept = f"{said} {self.files[at]}"
                if guessed:
                    where_kept += f"; {BY_NAME}"
                    self.remark(
                        BY_NAME, len(part), {self.files[at], *(self.files[own] for own in part["unit"].unique())}
                    )
                self.dropped.append((part[gone.columns], reason, where_kept))
        self.frame = self.frame[~mask]

    def remark(self, what: str, n: int, files: set[str]) -> None:
        """Something to say once, however often it was met."""
        add_remarks(self.remarks, {what: (n, files)})


def add_remarks(remarks: dict[str, tuple[int, set[str]]], more: dict[str, tuple[int, set[str]]]) -> None:
    """Put further remarks to those that there are."""
    for what, (n, files) in more.items():
        before, known = remarks.get(what, (0, set()))
        remarks[what] = before + n, known | files


def notes(remarks: dict[str, tuple[int, set[str]]]) -> list[str]:
    """Remarks as notes for the user, naming a few files."""
    said = []
    for what, (n, files) in sorted(remarks.items()):
        named = sorted(files, key=name_key)
        more = f" and {len(named) - MOST_NAMED:,} more" if len(named) > MOST_NAMED else ""
        said.append(NOTES[what].format(files=", ".join(named[:MOST_NAMED]) + more, n=n))
    return said


def count_once(
    frame: pd.DataFrame, readers: list[str], files: list[str], known_until: pd.Timestamp, tabs: Tabs
) -> Events:
    """Leave out every event that another row tells, or that a later export takes back.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows with the state `stages.GONE` tell of a record that is no event any more.
    readers, files : list of str
        Of each unit.
    known_until : pandas.Timestamp
        The last day that anything else in the folder tells of; NaT where nothing does. A meeting after it is planned.
    tabs : dict of str to tuple of (str, int)
        Of `Events`.
    """
    events = Events(frame, np.array(readers, dtype=object), files, tabs)
    if not len(frame):
        return events
    if frame["file"].nunique() > 1:
        tell_files_apart(events)
        _taken_back(events)
        _older_exports(events)
    same_record(events)
    planned(events, known_until)
    if events.frame["file"].nunique() > 1:
        _overlapping_lists(events)
        _same_meeting(events)
        _tell_ids_apart(events)
        _same_deal(events)
    return events


# --------------------------------------------------------------------------- which is later


def name_key(name: str, tabs: Tabs | None = None) -> tuple:
    """Order of files by their names, then by their folders: "deals", "deals (2)", "deals (10)".

    Sheets of a workbook stand in its place, in their order there. A browser puts (1) behind the name of a file that
    is there already, and it is put before the extension: that does not count, or "deals.csv" would come last.
    """
    book, place = (tabs or {}).get(name, (name, 0))
    *folders, base = PurePosixPath(book).parts
    return _natural(base), tuple(_natural(folder) for folder in folders), place, name


def _natural(part: str) -> tuple[str | int, ...]:
    pieces = re.split(r"(\d+)", PurePosixPath(part).stem.casefold())
    return tuple(int(piece) if at % 2 else piece for at, piece in enumerate(pieces))


def _in_order(events: Events) -> tuple[list[str], np.ndarray]:
    """Names of the files in their order, and the place of each unit's file in it."""
    names = sorted(set(events.files), key=lambda name: name_key(name, events.tabs))
    place = {name: at for at, name in enumerate(names)}
    return names, np.array([place[name] for name in events.files], dtype=np.int64)


def _versions(events: Events, rows: pd.Index) -> pd.DataFrame:
    """When rows were told, as far as anything says so, from the earliest to the latest.

    By the last change of the record, then by the day on which its file was made; where both are silent or the same,
    by the name of the file, and in a file from the top.
    """
    frame = events.frame.loc[rows]
    told = pd.DataFrame(
        {
            "changed": frame["changed"].fillna(frame["told"]).fillna(pd.Timestamp(0)),
            "told": frame["told"].fillna(pd.Timestamp(0)),
            "name": _in_order(events)[1][frame["unit"].to_numpy()],
            "unit": frame["unit"],
        }
    )
    return told.sort_values(["changed", "told", "name"], kind="stable")


def _last_of(number: pd.Series) -> pd.Series:
    """Label of the last row of each row's number; rows from the earliest to the latest."""
    last = number.drop_duplicates(keep="last")
    return pd.Series(pd.Series(last.index, index=last.to_numpy()).loc[number].to_numpy(), index=number.index)


def _only_by_name(
    events: Events, version: pd.DataFrame, kept: pd.Series, facts: tuple[str, ...] = ("person", "state")
) -> pd.Series:
    """Whether rows tell other facts than the rows that are kept of them, and only file names say which is later."""
    one, other = version.loc[kept.index], version.loc[kept]
    guessed = (one["name"].to_numpy() != other["name"].to_numpy()) & (
        one[["changed", "told"]].to_numpy() == other[["changed", "told"]].to_numpy()
    ).all(axis=1)
    differ = np.zeros(len(kept), dtype=bool)
    for fact in facts:
        code = pd.Series(pd.factorize(events.frame[fact].loc[version.index])[0], index=version.index)
        differ |= code.loc[kept.index].to_numpy() != code.loc[kept].to_numpy()
    return pd.Series(guessed & differ, index=kept.index)


# --------------------------------------------------------------------------- within a system


def tell_files_apart(events: Events) -> None:
    """Numbers that begin again in each file (`restarted`) get the name of their file in front.

    Those of deals in all that belongs to the deal; those of inquiries and meetings in themselves, and in their case
    where it goes by the same number.
    """
    kind, deal = events.frame["kind"], events.frame["deal"]
    new = _named_apart(events, "deal", deal.notna(), kind.isin(ONCE_A_DEAL), APART)
    if len(new):
        events.frame = events.frame.assign(deal=deal.astype("str").where(~deal.index.isin(new.index), new))
    counted = events.frame["id"].dropna()
    counted = counted[counted.str.fullmatch(COUNTED)].index
    for one in ("inquiry", "meeting") if len(counted) else ():
        mine = (kind == one) & kind.index.isin(counted)
        new = _named_apart(events, "id", mine, mine, IDS_APART)
        if len(new):
            frame, ids = events.frame.copy(), events.frame.loc[new.index, "id"]
            case = new.index[(frame.loc[new.index, "deal"] == ids).to_numpy(dtype=bool)]
            frame = frame.astype({"id": "str", "deal": "str"})
            frame.loc[new.index, "id"] = new
            frame.loc[case, "deal"] = new.loc[case]
            events.frame = frame


def _named_apart(events: Events, column: str, mine: pd.Series, telling: pd.Series, remark: str) -> pd.Series:
    """The numbers in a column that stand for several records, each with the name of its file in front.

    Parameters
    ----------
    mine, telling : pandas.Series of bool
        Rows that have such numbers, and those of them that tell of the record itself.
    """
    mine = events.frame[mine]
    once = mine[telling.loc[mine.index]]
    if once["file"].nunique() < 2:
        return pd.Series(dtype="str")
    names, place = _in_order(events)
    unit = mine["unit"].to_numpy()
    told = pd.DataFrame(
        {
            "system": pd.factorize(events.systems)[0][unit],
            "own": mine[column],
            "file": place[unit],
            "person": pd.factorize(mine["person"])[0],
        }
    )
    told["number"] = told.groupby(["system", "own"], sort=False, observed=True).ngroup()
    records = other_deals(_facts(told.loc[once.index], once))
    label = {number: _labels(found, names) for number, found in records.items()}
    for found in records.values():
        events.remark(remark, 1, {names[file] for one in found for file in one.files})
    told = told[told["number"].isin(set(records))]
    new = [
        _named_after(label[number].get(("file", file)) or label[number].get(("person", person)), str(own))
        for number, file, person, own in told[["number", "file", "person", "own"]].itertuples(index=False)
    ]
    return pd.Series(new, index=told.index, dtype="str")


def _facts(told: pd.DataFrame, once: pd.DataFrame) -> pd.DataFrame:
    """What `restarted` compares."""
    about, distinct = pd.factorize(once["about"])
    words = plain_words(pd.Series(distinct, dtype="str")).to_numpy(dtype=object)
    said = pd.Series(np.append(words, "")[about], index=once.index)
    return told[["number", "file", "person"]].assign(
        about=said.where(said != ""),
        opened=once["date"].where(~once["kind"].isin(CLOSINGS)),
        ended=once["date"].where(once["kind"].isin(CLOSINGS)),
        amount=once["amount"],
    )


def _labels(deals: list[Telling], names: list[str]) -> dict[tuple[str, int], str]:
    """The name of each deal's first file, for its files and for what its seller did in files that tell no deal."""
    label = {}
    for deal in deals:
        label |= {("file", file): names[min(deal.files)] for file in deal.files}
        for person in deal.persons:  # whoever has several of these deals: nobody knows which is meant
            several = sum(person in one.persons for one in deals) > 1
            label[("person", person)] = "" if several else names[min(deal.files)]
    return label


def _named_after(file: str | None, deal: str) -> str:
    """A deal with the name of its file in front; a made id stays one."""
    if not file:
        return deal
    return f"{MADE_ID}{file} {deal}" if deal.startswith(MADE_ID) else f"{file} {deal}"


def _taken_back(events: Events) -> None:
    """What an export tells does not count where a later one says that it was cancelled, deleted or left by its owner.

    A record that is merely absent from the later one stays: exports may be partial. A file that tells a record as an
    event, too, takes nothing back (one row for each attendee).
    """
    frame = events.frame
    gone = frame["state"] == GONE
    if not gone.any():
        return
    of_deal = frame["kind"].isin(ONCE_A_DEAL)
    record = pd.DataFrame(
        {
            "system": events.system(),
            "what": frame["kind"].astype("str").mask(of_deal, "deal"),
            "key": frame["id"].mask(of_deal, frame["deal"]),
        }
    ).dropna()
    number = record.groupby(list(record.columns), sort=False).ngroup()
    number = number[number.isin(number[gone.loc[number.index]])]
    place = pd.DataFrame({"number": number, "file": frame["file"].loc[number.index]})
    alive = place[~gone.loc[number.index]]
    both = pd.MultiIndex.from_frame(place).isin(pd.MultiIndex.from_frame(alive))
    number = number[~(gone.loc[number.index].to_numpy() & both)]
    version = _versions(events, number.index)
    number = number.loc[version.index]
    kept = _last_of(number)
    kept = kept[gone.loc[kept].to_numpy() & ~gone.loc[kept.index].to_numpy()]
    unit = frame["unit"].loc[kept].set_axis(kept.index)
    by_name = _only_by_name(events, version, kept)
    events.drop(frame.index.isin(kept.index), TAKEN_BACK, unit, by_name, said="see")
    events.frame = events.frame[events.frame["state"] != GONE]


def _older_exports(events: Events) -> None:
    """Of a deal that two exports tell as a whole (``state``), the later one counts: it may have been reopened.

    What it leaves open stays: a view without a column of the opening day does not say that a deal was never opened.
    """
    frame = events.frame
    whole = frame[frame["state"].notna() & frame["deal"].notna()]
    if whole["file"].nunique() < 2:
        events.frame = frame[frame["kind"] != STATE_ONLY]
        return
    version = _versions(events, whole.index)
    deal = pd.DataFrame({"system": events.system().loc[version.index], "deal": whole["deal"].loc[version.index]})
    number = deal.groupby(["system", "deal"], sort=False).ngroup()
    kept = _last_of(number)
    kept = kept[frame["file"].loc[kept.index].to_numpy() != frame["file"].loc[kept].to_numpy()]
    told = pd.MultiIndex.from_arrays([number, frame["file"].loc[number.index], frame["kind"].loc[number.index]])
    kind, by = frame["kind"].loc[kept.index].astype("str"), frame.loc[kept]
    again = pd.MultiIndex.from_arrays([number.loc[kept.index], by["file"], kind]).isin(told)
    other_end = kind.isin(CLOSINGS).to_numpy() & (kind.to_numpy() != by["state"].astype("str").map(ENDS).to_numpy())
    kept = kept[again | other_end | (kind == STATE_ONLY).to_numpy()]
    unit = frame["unit"].loc[kept].set_axis(kept.index)
    silent = (frame["kind"].loc[kept] == STATE_ONLY).set_axis(kept.index)
    by_name = _only_by_name(events, version, kept)
    for which, said in ((kept.index[~silent], "counted in"), (kept.index[silent], "see")):
        events.drop(events.frame.index.isin(which), LATER_EXPORT, unit, by_name, said)
    events.frame = events.frame[events.frame["kind"] != STATE_ONLY]


def same_record(events: Events) -> None:
    """An event known by its id, or by its deal, counts once; the row that was told last says how."""
    frame = events.frame
    of_deal = (frame["deal"].notna() & frame["kind"].isin(ONCE_A_DEAL)).to_numpy()
    has_id = frame["id"].notna().to_numpy()
    if not of_deal.any() and not has_id.any():
        return
    key = frame["id"].where(has_id, frame["deal"]) if has_id.any() else frame["deal"]
    system = pd.factorize(events.systems)[0][frame["unit"].to_numpy()]
    kind, kinds = pd.factorize(frame["kind"])
    record, _ = pd.factorize(key)
    number = pd.Series((record * (system.max() + 1) + system) * len(kinds) + kind, index=frame.index)
    number = number if of_deal.all() else number[of_deal | has_id]
    if number.max() < 8 * len(number) and np.bincount(number.to_numpy()).max() <= 1:
        return
    number = number[number.duplicated(keep=False)]
    if not len(number):
        return
    version = _versions(events, number.index)
    number = number.loc[version.index]
    kept = _last_of(number)[number.duplicated(keep="last")]
    unit = frame["unit"].loc[kept].set_axis(kept.index)
    by_name = _only_by_name(events, version, kept, ("person", "state", "date"))
    events.drop(frame.index.isin(kept.index), SAME_EVENT, unit, by_name)


def planned(events: Events, known_until: pd.Timestamp) -> None:
    frame = events.frame
    if pd.notna(known_until):
        events.drop((frame["kind"] == "meeting") & (frame["date"] > known_until), PLANNED)


def _overlapping_lists(events: Events) -> None:
    """Events without any id in two files of a system: told once where the files overlap.

    Two inquiries on one day are two inquiries, also when two files tell them; only files that agree on most of what
    they both cover are exports of the same list. Then the larger number of equal rows counts.
    """
    frame = events.frame
    loose = frame[frame["id"].isna() & (frame["deal"].isna() | ~frame["kind"].isin(ONCE_A_DEAL))]
    if loose["file"].nunique() < 2:
        return
    told = loose[list(WHAT_IS_TOLD)].assign(system=events.system().loc[loose.index])
    key = pd.Series(told.groupby(list(told.columns), dropna=False, sort=False).ngroup(), index=loose.index)
    number = key.groupby([key, loose["file"]]).cumcount()
    twin = pd.DataFrame({"key": key, "number": number, "file": loose["file"], "date": loose["date"],
                         "unit": loose["unit"], "system": told["system"]})  # fmt: skip
    for _, own in twin.groupby("system", sort=True):
        files = sorted(own["file"].unique())
        for at, later in enumerate(files):
            for earlier in files[:at]:
                _drop_overlap(events, own[own["file"] == earlier], own[own["file"] == later])


def _drop_overlap(events: Events, one: pd.DataFrame, other: pd.DataFrame) -> None:
    one, other = one[one.index.isin(events.frame.index)], other[other.index.isin(events.frame.index)]
    first, last = max(one["date"].min(), other["date"].min()), min(one["date"].max(), other["date"].max())
    both = one.reset_index().merge(other, on=["key", "number"], suffixes=("", "_kept")).set_index("index")
    covered = min(part["date"].between(first, last).sum() for part in (one, other))
    if len(both) >= max(OVERLAP_MIN, OVERLAP_SHARE * covered):
        events.drop(events.frame.index.isin(both.index), OTHER_LIST, both["unit_kept"])


# --------------------------------------------------------------------------- meetings


def _same_meeting(events: Events) -> None:
    """A meeting of a person in two systems, or in two calendars: the CRM's copy stays, it may know the deal.

    The same start is the same meeting. Where one side does not know the time, day and subject must agree.
    """
    frame = events.frame[events.frame["kind"] == "meeting"]
    system = events.system().loc[frame.index]
    space = system.where(system != CALENDARS, CALENDARS + frame["file"].astype("str"))
    if space.nunique() < 2:
        return
    rank = pd.DataFrame(
        {"calendar": system == CALENDARS, "no_deal": frame["deal"].isna(), "file": frame["file"], "row": frame["row"]}
    )
    order = rank.sort_values(["calendar", "no_deal", "file", "row"], kind="stable").index
    start = frame["time"].dt.floor("min").loc[order]
    _drop_copies(events, [frame["person"].loc[order], start], space.loc[order], start.notna())
    left = order[order.isin(events.frame.index)]
    subject = plain_words(frame["about"].loc[left])
    _drop_untimed(events, frame.loc[left], subject, space.loc[left])


def _drop_copies(events: Events, keys: list[pd.Series], space: pd.Series, usable: pd.Series) -> None:
    """Of rows with equal keys in several spaces keep, for each, the first space's; rows are in order of preference."""
    # Not the whole `space`: put into a frame that has no rows left, it would bring back its own.
    table = pd.concat(keys, axis=1, ignore_index=True)[usable].assign(space=space[usable])
    table["number"] = table.groupby(list(table.columns), dropna=False, sort=False).cumcount()
    by = [column for column in table.columns if column != "space"]
    first = table.drop_duplicates(by)
    kept = table.reset_index(names="at").merge(first.reset_index(names="kept"), on=by, suffixes=("", "_kept"))
    copies = kept[(kept["at"] != kept["kept"]) & (kept["space"] != kept["space_kept"])].set_index("at")
    unit = events.frame["unit"].loc[copies["kept"]].set_axis(copies.index)
    events.drop(events.frame.index.isin(copies.index), SAME_MEETING, unit)


def _drop_untimed(events: Events, frame: pd.DataFrame, subject: pd.Series, space: pd.Series) -> None:
    """Meetings of one person, day and subject of which one copy has no time."""
    key = [frame["person"], frame["date"], subject]
    timeless = frame["time"].isna()
    some = timeless.groupby(key).transform("any") & (subject != "")
    _drop_copies(events, key, space, some)


def plain_words(words: pd.Series) -> pd.Series:
    """Text as its letters and digits without case and accents, for comparing."""
    cells = pc.utf8_lower(pc.utf8_normalize(pa.array(words.fillna("").array, pa.large_string()), form="NFKD"))
    cells = pc.replace_substring_regex(cells, r"\p{M}|[^\p{L}\p{N}]", "")
    return pd.Series(pd.array(cells.to_pylist(), dtype="str"), index=words.index)


# --------------------------------------------------------------------------- deals


def _same_deal(events: Events) -> None:
    """A deal in two systems counts once: the same seller and two more facts, or three without the company.

    Facts are the company (or title), the day it was opened, the day and way it was closed, and the amount. A deal
    closed in another way is another deal.
    """
    deals = _deals(events)
    if deals["space"].nunique() < 2:
        return
    weight = deals.groupby("space")["n"].sum()
    deals["weight"] = deals["space"].map(weight) - 1e12 * deals["space"].str.endswith(MADE_ID)
    pairs = pd.concat([_pairs(deals, ["person", "opened"]), _pairs(deals, ["person", "ended", "way"])])
    pairs = pairs.drop_duplicates(["at", "at_other"])
    same = {name: pairs[name].notna() & (pairs[name] == pairs[f"{name}_other"]) for name in ("opened", "ended", "way")}
    company = (pairs["about"] != "") & (pairs["about"] == pairs["about_other"])
    other_currency = pairs["currency"].notna() & pairs["currency_other"].notna()
    other_currency &= pairs["currency"] != pairs["currency_other"]
    amount = pairs["amount"].notna() & (pairs["amount"] == pairs["amount_other"]) & ~other_currency
    closed = same["ended"] & same["way"]
    contradicts = pairs["way"].notna() & pairs["way_other"].notna() & ~closed
    facts = same["opened"].astype(int) + closed + amount
    pairs = pairs.assign(score=facts + 2 * company)[~contradicts & ((company & (facts >= 1)) | (facts >= 3))]
    pairs = pairs.sort_values(["score", "at", "at_other"], ascending=[False, True, True], kind="stable")
    _merge_deals(events, deals, _one_to_one(pairs))


def _deals(events: Events) -> pd.DataFrame:
    """One row a deal: space, deal, person, days, amount, whom it is with, and its number of events."""
    frame = events.frame[events.frame["deal"].notna() & events.frame["kind"].isin(ONCE_A_DEAL)]
    space = events.system().loc[frame.index] + np.where(frame["deal"].str.startswith(MADE_ID), MADE_ID, "")
    told = frame.assign(
        space=space,
        opened=frame["date"].where(frame["kind"] == "opportunity"),
        ended=frame["date"].where(frame["kind"].isin(CLOSINGS)),
        way=frame["kind"].where(frame["kind"].isin(CLOSINGS)),
        n=1,
    )
    first = dict.fromkeys(("person", "opened", "ended", "way", "amount", "currency", "about", "unit"), "first")
    deals = told.groupby(["space", "deal"], sort=True).agg({**first, "n": "sum"}).reset_index()
    return deals.assign(about=plain_words(deals["about"]), at=np.arange(len(deals)))


def _pairs(deals: pd.DataFrame, on: list[str]) -> pd.DataFrame:
    """Deals of different spaces that agree in some columns; the better known space stands first."""
    known = deals.dropna(subset=on)
    both = known.merge(known, on=on, suffixes=("", "_other"))
    for column in on:
        both[f"{column}_other"] = both[column]
    first = (both["weight"] > both["weight_other"]) | (
        (both["weight"] == both["weight_other"]) & (both["space"] < both["space_other"])
    )
    return both[(both["space"] != both["space_other"]) & first]


def _one_to_one(pairs: pd.DataFrame) -> list[tuple[int, int]]:
    """The best pairs in which every deal of the lesser space occurs once, and meets each space once."""
    taken: set[tuple[int, str]] = set()
    chosen = []
    for at, other, space, space_other in pairs[["at", "at_other", "space", "space_other"]].itertuples(index=False):
        if (at, space_other) in taken or (other, space) in taken or (other, "") in taken:
            continue
        taken |= {(at, space_other), (other, space), (other, "")}
        chosen.append((at, other))
    return chosen


def _merge_deals(events: Events, deals: pd.DataFrame, pairs: list[tuple[int, int]]) -> None:
    if not pairs:
        return
    into = {other: at for at, other in pairs}

    def root(at: int) -> int:
        while at in into:
            at = into[at]
        return at

    target = pd.Series({other: root(other) for other in into})
    lesser, better = deals.loc[target.index], deals.loc[target.to_numpy()]
    table = pd.DataFrame(
        {
            "space": lesser["space"].to_numpy(), "deal": lesser["deal"].to_numpy(),
            "kept_deal": better["deal"].to_numpy(), "kept_space": better["space"].to_numpy(),
            "kept_unit": better["unit"].to_numpy(),
        }
    )  # fmt: skip
    frame = events.frame
    space = events.system() + np.where(frame["deal"].str.startswith(MADE_ID).fillna(False), MADE_ID, "")
    mine = pd.DataFrame({"space": space, "deal": frame["deal"], "kind": frame["kind"]}).reset_index(names="label")
    mine = mine.merge(table, on=["space", "deal"]).set_index("label")
    known = pd.MultiIndex.from_arrays([space, frame["deal"], frame["kind"]])
    asked = pd.MultiIndex.from_arrays([mine["kept_space"], mine["kept_deal"], mine["kind"]])
    twice = mine["kind"].isin(ONCE_A_DEAL) & asked.isin(known)
    frame = frame.copy()
    frame.loc[mine.index, "deal"] = mine["kept_deal"]
    events.frame = frame
    events.drop(frame.index.isin(mine.index[twice]), SAME_DEAL, mine["kept_unit"])
    _closed_twice(events)


def _closed_twice(events: Events) -> None:
    """Three systems that tell the same deal leave each kind of event once."""
    frame = events.frame
    once = frame[frame["deal"].notna() & frame["kind"].isin(ONCE_A_DEAL)]
    again = once.duplicated(["person", "deal", "kind", "date"])
    events.drop(frame.index.isin(once.index[again]), SAME_DEAL)


def _tell_ids_apart(events: Events) -> None:
    """Ids that two systems use for different deals get the name of their system in front."""
    frame, system = events.frame, events.system()
    told = pd.DataFrame({"deal": frame["deal"], "system": system}).dropna().drop_duplicates()
    shared = told[told.duplicated("deal", keep=False)]
    if not len(shared):
        return
    once = frame[frame["kind"].isin(ONCE_A_DEAL) & frame["deal"].isin(shared["deal"])]
    owners = pd.DataFrame({"deal": once["deal"], "system": system.loc[once.index]}).drop_duplicates()
    apart = owners.loc[owners.duplicated("deal", keep=False), "deal"].unique()
    where = frame["deal"].isin(apart)
    events.frame = frame.assign(deal=frame["deal"].where(~where, system.astype("str") + " " + frame["deal"]))
