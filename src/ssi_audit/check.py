"""`make check`: what was recognised as what, what became of every row, and which claims these files can test.

Reads and judges; writes nothing. Names that belong to nobody known are shown
here and only here, because whoever runs the check is the one who can mend
them; people who are known are codes, as on every page.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ssi_audit import schema
from ssi_audit.claim_data import Case
from ssi_audit.claim_needs import missing_for
from ssi_audit.claims import load_claims
from ssi_audit.errors import NotEnoughData
from ssi_audit.exports import Reading, read_folder
from ssi_audit.exports.summary import Summary, summarise
from ssi_audit.panel import build_panel
from ssi_audit.settings import Settings

# A letter of the picture of gaps stands for four weeks, or for more where a strip would not fit beside another.
WEEKS_PER_MARK = 4
STRIP = 26
SHADES = " .:#"
MAX_LINES = 40
# A deal is booked after its seller has left; a tenth of everything is more than that.
SOME_OUTSIDE = 0.1


@dataclass(frozen=True)
class Coverage:
    """In which weeks each person has a score, and activity that was logged.

    Attributes
    ----------
    first, last : str
        First and last day with either, ISO; "" without any.
    weeks : int
        From the first to the last.
    per_mark : int
        Weeks to a letter.
    people : pandas.DataFrame
        Index: person (code, or the name where the settings say so), those with most weeks without a score first.
        Columns: score, activity (number of weeks), score_marks, activity_marks (a letter per `per_mark` weeks:
        blank none, ``#`` all).
    """

    first: str
    last: str
    weeks: int
    per_mark: int
    people: pd.DataFrame


@dataclass(frozen=True)
class Check:
    """What a check found.

    Attributes
    ----------
    summary : Summary
    missing : dict of str to str
        Outcome or question → which file or column would be needed; empty where everything is there.
    claims : dict of str to str
        Id of a published claim → what it lacks in these files; "" where it can be tested.
    coverage : Coverage
    proposals : pandas.DataFrame
        Unknown names with the nearest known one.
    problem : str
        Why no panel can be built; empty when one can.
    """

    summary: Summary
    missing: dict[str, str]
    claims: dict[str, str]
    coverage: Coverage
    proposals: pd.DataFrame
    problem: str = ""


def check_folder(folder: Path, settings: Settings, skip_unreadable: bool = False) -> Check:
    """Read a folder and judge it.

    Raises
    ------
    DataError
        Every problem of every file at once.
    """
    reading = read_folder(folder, settings, skip_unreadable=skip_unreadable)
    summary, covered = summarise(reading), coverage(reading.tables, show_names=settings.show_names)
    summary = replace(summary, notes=(*summary.notes, *outside_employment(reading.tables)))
    register = load_claims()
    try:
        panel = build_panel(reading.tables, settings)
    except NotEnoughData as error:
        lacking = {claim.id: str(error) for claim in register}
        return Check(summary, {}, lacking, covered, reading.proposals, str(error))
    case = Case(panel, reading.tables, settings)
    lacking = {claim.id: missing_for(claim, case) for claim in register}
    return Check(summary, _missing(reading, panel), lacking, covered, reading.proposals)


def outside_employment(tables: schema.Tables) -> list[str]:
    """Readings and events of people before they were hired or after they left: the panel has no row for those days.

    Told of people with more than a few.

    Returns
    -------
    list of str
        One note a column of people.csv that most likely holds a wrong date.
    """
    employed = tables.people.set_index("person")[["hired_on", "left_on"]]
    rows = pd.concat([tables.ssi[["person", "date"]], tables.crm_events[["person", "date"]]], ignore_index=True)
    dates = employed.reindex(rows["person"]).reset_index(drop=True)
    notes = []
    for column, outside in (
        ("hired_on", rows["date"] < dates["hired_on"]),
        ("left_on", rows["date"] > dates["left_on"]),
    ):
        share = outside.groupby(rows["person"]).mean()
        people = share.index[share > SOME_OUTSIDE]
        if len(people):
            n, side = outside[rows["person"].isin(people)].sum(), "before" if column == "hired_on" else "after"
            notes.append(
                f"people.csv: {n:,} readings and CRM events are dated {side} the {column} of their seller (sellers: "
                f"{len(people)}). Days outside employment are left out of the analysis: is the date right?"
            )
    return notes


def _missing(reading: Reading, panel: pd.DataFrame) -> dict[str, str]:
    """What the files cannot answer, from the panel's own rules and from what other questions need."""
    missing = dict(panel.attrs["facts"]["missing"])
    types = panel.attrs["facts"]["activity_types"]
    for kind in schema.ACTIVITY_TYPES:
        if kind not in types:
            metrics = ", ".join(schema.ACTIVITY_TYPES[kind])
            missing[f"activity: {kind}"] = f"no logged {metrics}"
    people = reading.tables.people
    if people["licence_start"].isna().all():
        missing["what a licence does to the score"] = "column licence_start in people.csv"
    if people["hired_on"].isna().all():
        missing["beginners against experienced sellers"] = "column hired_on in people.csv"
    metrics = set(reading.tables.activity["metric"])
    if not metrics & set(schema.REACH_METRICS):
        missing["activity that earns no reach"] = "LinkedIn content analytics (xlsx)"
    return missing


def coverage(tables: schema.Tables, *, show_names: bool = False) -> Coverage:
    """In which weeks each person has a score and logged activity, as numbers and as a picture.

    Parameters
    ----------
    tables : Tables
    show_names : bool
        Names instead of codes (setting ``show_names``).
    """
    days = pd.concat([tables.ssi["date"], tables.activity["date"]])
    if days.empty:
        return Coverage("", "", 0, WEEKS_PER_MARK, pd.DataFrame(columns=["score", "activity"]))
    first = days.min().normalize()
    weeks = (days.max() - first).days // 7 + 1
    per_mark = WEEKS_PER_MARK * -(-weeks // (WEEKS_PER_MARK * STRIP))
    known = sorted({*tables.ssi["person"].unique(), *tables.activity["person"].unique()})
    people = pd.DataFrame(index=pd.Index(known, dtype="str"))
    for name, frame in (("score", tables.ssi), ("activity", tables.activity)):
        week = ((frame["date"] - first).dt.days // 7).astype("int64")
        seen = pd.DataFrame({"person": frame["person"], "week": week}).drop_duplicates()
        counts = pd.crosstab(seen["person"], seen["week"] // per_mark)
        counts = counts.reindex(index=people.index, columns=range(-(-weeks // per_mark)), fill_value=0)
        possible = [min(per_mark, weeks - at * per_mark) for at in counts.columns]
        people[name] = counts.sum(axis=1)
        people[f"{name}_marks"] = [_strip(row, possible) for row in counts.to_numpy()]
    people = people.sort_values("score", kind="stable")
    if show_names:
        people.index = tables.people.set_index("person")["name"].reindex(people.index)
    return Coverage(str(first.date()), str(days.max().date()), weeks, per_mark, people)


def _strip(counts: np.ndarray, possible: list[int]) -> str:
    """A letter for each count: the last shade only where every week is there."""
    top = len(SHADES) - 1
    level = (top if count == most else min(-(-count * top // most), top - 1) for count, most in zip(counts, possible))
    return "".join(SHADES[at] for at in level)


def facts(found: Check) -> dict[str, Any]:
    """The check for machines."""
    summary = found.summary
    return {
        "totals": summary.totals,
        "files": summary.files.to_dict("records"),
        "reasons": summary.reasons.to_dict("records"),
        "unknown_names": summary.strangers.to_dict("records"),
        "people": len(summary.people),
        "cannot_answer": found.missing,
        "claims": [{"id": claim, "testable": not why, "missing": why} for claim, why in found.claims.items()],
        "weeks": found.coverage.weeks,
        "coverage": found.coverage.people[["score", "activity"]].rename_axis("person").reset_index().to_dict("records"),
        "problem": found.problem,
        "notes": list(summary.notes),
    }


def text(found: Check, *, sample: bool = False) -> str:
    """The check for people."""
    summary = found.summary
    lines = ["Sample: all data invented (data/raw/ is empty)"] if sample else []
    lines += ["Files", *_table(summary.files[["file", "kind", "received", "used", "repaired", "skipped", "unmatched"]])]
    total = summary.totals
    lines.append(
        f"  {total['received']} rows received: {total['used']} used, {total['repaired']} repaired, "
        f"{total['skipped']} skipped, {total['unmatched']} unmatched"
    )
    if len(summary.reasons):
        lines += ["", "Why rows were not used as they came", *_table(summary.reasons)]
    if len(summary.strangers):
        lines += ["", "Names that belong to nobody known", *_table(summary.strangers)]
    if len(found.proposals):
        lines += ["", f"{len(found.proposals)} of them look like somebody: ssi-audit load writes people-review.csv"]
    lines += [*_picture(found.coverage), *_claims(found.claims)]
    if found.missing:
        lines += ["", "What these files cannot answer, and what is missing"]
        lines += [f"  {what}: {why}" for what, why in found.missing.items()]
    lines += [f"  note: {note}" for note in summary.notes]
    lines += ["", found.problem or "Nothing was written. make report builds the report."]
    return "\n".join(lines)


def _picture(covered: Coverage) -> list[str]:
    """Strips of weeks a person: the gaps are to be seen, not read."""
    if not covered.weeks:
        return []
    shown = covered.people.head(MAX_LINES)
    width = min(max(len(name) for name in shown.index), 28)
    strip = -(-covered.weeks // covered.per_mark)
    lines = [
        "",
        f"Weeks covered, {covered.first} to {covered.last} (a letter: {covered.per_mark} weeks; # all, blank none)",
        f"  {'':<{width}}  {'score':<{max(strip, 5)}}   activity",
    ]
    for name, score, activity in zip(shown.index, shown["score_marks"], shown["activity_marks"], strict=True):
        lines.append(f"  {name[:28]:<{width}} |{score}| {'':<{max(5 - strip, 0)}}|{activity}|")
    if len(covered.people) > MAX_LINES:
        lines.append(f"  and {len(covered.people) - MAX_LINES} more people, with fewer gaps")
    return lines


def _claims(lacking: dict[str, str]) -> list[str]:
    """Which claims can be tested, and what the others lack, one line for each thing that is missing."""
    able = [claim for claim, why in lacking.items() if not why]
    lines = ["", f"Published claims: {len(able)} of {len(lacking)} can be tested with these files"]
    if able:
        lines += textwrap.wrap(
            ", ".join(able), 100, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
        )
    for reason in dict.fromkeys(why for why in lacking.values() if why):
        lines.append(f"  not testable: {', '.join(claim for claim, why in lacking.items() if why == reason)}")
        lines.append(f"    -> {reason}")
    return lines


def _table(frame: pd.DataFrame) -> list[str]:
    """A frame as aligned text, header first."""
    cells = [list(map(str, frame.columns)), *[list(map(str, row)) for row in frame.itertuples(index=False)]]
    cells = cells[: MAX_LINES + 1]
    widths = [min(max(len(row[k]) for row in cells), 48) for k in range(len(cells[0]))]
    numeric = [pd.api.types.is_numeric_dtype(frame.iloc[:, k]) for k in range(frame.shape[1])]
    lines = [
        "  " + "  ".join(
            cell[:48].rjust(width) if number else cell[:48].ljust(width)
            for cell, width, number in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in cells
    ]  # fmt: skip
    if len(frame) > MAX_LINES:
        lines.append(f"  and {len(frame) - MAX_LINES} more")
    return lines
