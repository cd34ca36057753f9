"""Tables → the plain format: what `ssi-audit load` writes, and can read again.

Persons carry the names of people.csv (those that are not known, the name as
received), text is safe to open in a spreadsheet program, and a run either
replaces the files completely or leaves them as they were.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pandas as pd

from ssi_audit import schema
from ssi_audit.exports import Reading
from ssi_audit.exports.plain import guarded
from ssi_audit.exports.table import cell_text
from ssi_audit.writing import check_apart

ALWAYS = ("ssi", "activity", "crm_events")
IF_ANY = ("quotas", "absences")
REVIEW_FILE = "people-review.csv"
FILES = (*(f"{name}.csv" for name in (*ALWAYS, *IF_ANY, "people", "ledger")), REVIEW_FILE)


def write_plain(reading: Reading, out: Path | str) -> list[Path]:
    """Write everything that was read as plain tables.

    Parameters
    ----------
    reading : Reading
        As `exports.read_folder` returns it.
    out : path
        Folder; made if it is not there. Our own files in it are replaced, others left alone.

    Returns
    -------
    list of Path
        What was written: ``ssi, activity, crm_events, people, ledger``, and ``quotas, absences, people-review`` if
        there is anything to put into them.

    Raises
    ------
    DataError
        If `out` lies in the folder that was read: the next run would count everything twice.
    """
    out = Path(out)
    check_apart(Path(reading.folder), out)
    out.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        names = [append(frame, made / name) for name, frame in _files(reading).items()]
        move(made, out, names)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return [out / name for name in names]


def _files(reading: Reading) -> dict[str, pd.DataFrame]:
    tables = reading.tables
    names = handles(tables.people)
    files = {}
    for name in (*ALWAYS, *IF_ANY):
        own = getattr(tables, name)
        named = own.assign(person=own["person"].map(names).astype("str"))
        whole = pd.concat([named, reading.unmatched[name]], ignore_index=True)
        if len(whole) or name in ALWAYS:
            files[f"{name}.csv"] = whole
    files["people.csv"] = people_table(tables.people)
    files["ledger.csv"] = tables.ledger
    if len(reading.proposals):
        files[REVIEW_FILE] = reading.proposals
    return files


def handles(people: pd.DataFrame) -> dict[str, str]:
    """Code → how the person is named in the files: the name, for namesakes what tells them apart."""
    twice = people["name"].duplicated(keep=False)
    apart = people["email"]
    for column in schema.SYSTEM_IDS:
        apart = apart.fillna(people[column])
    return dict(zip(people["person"], people["name"].where(~twice, apart.fillna(people["name"]))))


def people_table(people: pd.DataFrame) -> pd.DataFrame:
    """The people as people.csv names its columns; those of which nothing is known are left out."""
    named = people.drop(columns=["person", "in_ssi", "in_crm", "in_activity"]).rename(columns={"name": "person"})
    always = [*schema.PEOPLE_COLUMNS]
    others = [column for column in named.columns if column not in always and named[column].notna().any()]
    return named[[*always, *others]]


def append(frame: pd.DataFrame, path: Path, header: bool = True) -> str:
    """Write the rows of a table behind those that the file holds; returns its name."""
    shown = pd.DataFrame({column: _as_text(frame[column]) for column in frame.columns})
    shown.to_csv(path, mode="a", index=False, header=header, encoding="utf-8", lineterminator="\n")
    return path.name


def _as_text(column: pd.Series) -> pd.Series:
    """A column as it stands in the file; numbers so that no reader can take a point for grouping."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.dt.strftime("%Y-%m-%d").fillna("")
    if pd.api.types.is_float_dtype(column):
        codes, distinct = pd.factorize(column)
        texts = pd.array([*(cell_text(float(value)) for value in distinct), ""], dtype="str")
        return pd.Series(texts.take(codes), index=column.index)  # -1, a missing value, takes the last: ""
    if pd.api.types.is_string_dtype(column):
        return guarded(column.fillna(""))
    return column


def move(made: Path, out: Path, names: list[str]) -> None:
    """Put files into a folder in place of our own that lie there."""
    if not out.exists():
        made.replace(out)
        return
    for name in names:
        (made / name).replace(out / name)
    for name in set(FILES) - set(names):
        (out / name).unlink(missing_ok=True)
