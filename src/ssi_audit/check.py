"""`make check`: what was recognised as what, what became of every row, and which questions these files can answer.

Reads and judges; writes nothing. Names are shown here and only here, because
whoever runs the check is the one who can mend them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ssi_audit import schema
from ssi_audit.errors import NotEnoughData
from ssi_audit.exports import Reading, read_folder
from ssi_audit.exports.summary import Summary, summarise
from ssi_audit.panel import build_panel
from ssi_audit.settings import Settings

# One letter per four weeks in the picture of gaps.
WEEKS_PER_MARK = 4
SHADES = " .:#"
MAX_LINES = 40


@dataclass(frozen=True)
class Check:
    """What a check found.

    Attributes
    ----------
    summary : Summary
    missing : dict of str to str
        Outcome or question → which file or column would be needed; empty where everything is there.
    marks : dict of str to str
        Name of a person → picture of the weeks with a score, one letter per four weeks.
    first, last : str
        First and last day with a score, ISO.
    proposals : pandas.DataFrame
        Unknown names with the nearest known one.
    problem : str
        Why no panel can be built; empty when one can.
    """

    summary: Summary
    missing: dict[str, str]
    marks: dict[str, str]
    first: str
    last: str
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
    missing, problem = _missing(reading, settings)
    days = reading.tables.ssi["date"]
    span = (str(days.min().date()), str(days.max().date())) if len(days) else ("", "")
    return Check(summarise(reading), missing, _marks(reading), *span, reading.proposals, problem)


def _missing(reading: Reading, settings: Settings) -> tuple[dict[str, str], str]:
    """What the files cannot answer, from the panel's own rules and from what claims need."""
    try:
        panel = build_panel(reading.tables, settings)
    except NotEnoughData as error:
        return {}, str(error)
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
    return missing, ""


def _marks(reading: Reading) -> dict[str, str]:
    """Weeks with a score per person, four weeks to a letter: blank none, '#' all."""
    ssi = reading.tables.ssi
    if ssi.empty:
        return {}
    first = ssi["date"].min().normalize()
    week = ((ssi["date"] - first).dt.days // 7).astype(int)
    n_marks = week.max() // WEEKS_PER_MARK + 1
    seen = pd.DataFrame({"person": ssi["person"], "week": week}).drop_duplicates()
    counts = pd.crosstab(seen["person"], seen["week"] // WEEKS_PER_MARK).reindex(columns=range(n_marks), fill_value=0)
    names = reading.tables.people.set_index("person")["name"]
    level = counts.clip(upper=len(SHADES) - 1).to_numpy()
    return {
        str(names.get(person, person)): "".join(SHADES[k] for k in row)
        for person, row in zip(counts.index, level, strict=True)
    }


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
    if found.marks:
        lines += ["", f"Weeks with a score, {found.first} to {found.last} (one letter: 4 weeks; # all, blank none)"]
        width = min(max(len(name) for name in found.marks), 28)
        shown = list(found.marks.items())[:MAX_LINES]
        lines += [f"  {name[:28]:<{width}} |{marks}|" for name, marks in shown]
        if len(found.marks) > MAX_LINES:
            lines.append(f"  and {len(found.marks) - MAX_LINES} more people")
    if found.missing:
        lines += ["", "What these files cannot answer, and what is missing"]
        lines += [f"  {what}: {why}" for what, why in found.missing.items()]
    lines += [f"  note: {note}" for note in summary.notes]
    lines += ["", found.problem or "Nothing was written. make report builds the report."]
    return "\n".join(lines)


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
