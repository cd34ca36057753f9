"""A world as LinkedIn would export it: an archive a person, answers of the score, a usage report.

With every quirk that the readers must live with: comments with backslashes,
posts with quotes at their line breaks, US times in invitations, days newest
first. Reading these files back gives the tables of the plain format but for the
rows that say "nothing on this day": an archive has no place for a zero.

All bytes follow from the tables; the texts are invented and say nothing.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from anyascii import anyascii

from ssi_audit.schema import PILLARS

LINK = "https://www.linkedin.com/feed/update/urn%3Ali%3Ashare%3A71{:017d}"
# The first action of a day, and the minutes from one to the next: they stay within the day for 80 actions.
FIRST_MINUTE, STEP = 7 * 60 + 5, 12
COMMENTS = (
    "Well put!",
    'As they say, "ask twice, sell once", and it holds.',
    "Agreed, but who pays?\n\nI would start with the buyer.",
    "Thanks; a \\ in the path is all it took.",
)
POSTS = ("Back from the fair.", "Three things I learned.\n\n1. Listen, 2. ask, 3. write it down.\n#sales")
SEARCHES = ("head of procurement", "operations manager, oak trade", '"buyer"')
REACTIONS = ("LIKE", "PRAISE", "EMPATHY", "INTEREST", "APPRECIATION", "ENTERTAINMENT")
PROFILE_COLUMNS = (
    "First Name,Last Name,Maiden Name,Address,Birth Date,Headline,Summary,Industry,Zip Code,Geo Location,"
    "Twitter Handles,Websites,Instant Messengers"
)
# Ours → what the extension's store calls it.
STORE_FIELDS = dict(zip(PILLARS, ("prof_brand", "find_right_people", "insight_engagement", "relationship")))
USAGE_COLUMNS = (
    "First Name", "Last Name", "Email", "Group", "Days active", "Searches performed", "Profile views", "Leads saved",
    "Accounts saved", "Messages sent", "InMail messages sent", "SSI score", "Establish your professional brand",
    "Find the right people", "Engage with insights", "Build relationships",
)  # fmt: skip


# --------------------------------------------------------------------------- archives


def write_linkedin_zip(tables: dict[str, pd.DataFrame], folder: Path) -> list[Path]:
    """Write one archive a person, each in a folder of its own, as LinkedIn names them.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        As `world_tables.world_tables` makes them: people and activity.
    folder : path
        Archives go to ``linkedin/<person>/Complete_LinkedInDataExport_MM-DD-YYYY.zip`` below it.

    Returns
    -------
    list of pathlib.Path
        One for each row of people.
    """
    activity = tables["activity"]
    done = activity[activity["count"] > 0]
    asked_on = activity["date"].max() + pd.Timedelta(days=1)
    paths = []
    for person in tables["people"].to_dict("records"):
        own = done[done["person"] == person["person"]]
        path = (
            folder / "linkedin" / file_words(person["person"]) / f"Complete_LinkedInDataExport_{asked_on:%m-%d-%Y}.zip"
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_zip(path, _archive(person, own), asked_on)
        paths.append(path)
    return paths


def file_words(name: str) -> str:
    """A name as part of a file's name: ASCII, a hyphen between words."""
    return "-".join(anyascii(name).replace("'", "").split())


def _archive(person: dict, activity: pd.DataFrame) -> dict[str, str]:
    """Name → content of the files of one archive."""
    first, _, last = person["person"].partition(" ")
    files = {"Profile.csv": f"{PROFILE_COLUMNS}\n{_row(first, last, *[''] * 11)}"}
    for metric, (name, write) in FILES.items():
        files[name] = write(person, _times(activity[activity["metric"] == metric]))
    return files


def _times(activity: pd.DataFrame) -> list[pd.Timestamp]:
    """A time for each action, newest first, all on the day of their row."""
    day = np.repeat(activity["date"].to_numpy(), activity["count"].to_numpy(dtype=int))
    place = pd.Series(day).groupby(day).cumcount().to_numpy()
    minutes = (FIRST_MINUTE + STEP * place) % (24 * 60)
    return sorted(pd.to_datetime(day) + pd.to_timedelta(minutes, unit="min"), reverse=True)


def _row(*cells: object) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()


def _shares(person: dict, times: list[pd.Timestamp]) -> str:
    rows = ["Date,ShareLink,ShareCommentary,SharedUrl,MediaUrl,Visibility\n"]
    for at, time in enumerate(times):
        text = POSTS[at % len(POSTS)].replace("\n", '"\n"')
        rows.append(_row(f"{time:%Y-%m-%d %H:%M:%S}", LINK.format(at), text, "", "", "MEMBER_NETWORK"))
    return "".join(rows)


def _comments(person: dict, times: list[pd.Timestamp]) -> str:
    """Quotes and backslashes inside a comment have a backslash, commas and line breaks make it quoted."""
    rows = ["Date,Link,Message\n"]
    for at, time in enumerate(times):
        text = COMMENTS[at % len(COMMENTS)].replace("\\", "\\\\").replace('"', '\\"')
        quoted = f'"{text}"' if any(char in text for char in ',"\n') else text
        rows.append(f"{time:%Y-%m-%d %H:%M:%S},{LINK.format(at)},{quoted}\n")
    return "".join(rows)


def _reactions(person: dict, times: list[pd.Timestamp]) -> str:
    rows = [
        _row(f"{time:%Y-%m-%d %H:%M:%S}", REACTIONS[at % len(REACTIONS)], LINK.format(at))
        for at, time in enumerate(times)
    ]
    return "".join(["Date,Type,Link\n", *rows])


def _searches(person: dict, times: list[pd.Timestamp]) -> str:
    rows = [_row(f"{time:%Y/%m/%d %H:%M:%S} UTC", SEARCHES[at % len(SEARCHES)]) for at, time in enumerate(times)]
    return "".join(["Time,Search Query\n", *rows])


def _invitations(person: dict, times: list[pd.Timestamp]) -> str:
    rows = ["From,To,Sent At,Message,Direction,inviterProfileUrl,inviteeProfileUrl\n"]
    for at, time in enumerate(times):
        sent_at = f"{time.month}/{time.day}/{time:%y}, {time.hour % 12 or 12}:{time:%M %p}"
        invited = f"https://www.linkedin.com/in/prospect-{at}-example"
        rows.append(_row(person["person"], f"Prospect {at}", sent_at, "", "OUTGOING", person["linkedin_url"], invited))
    return "".join(rows)


FILES: dict[str, tuple[str, Callable[[dict, list[pd.Timestamp]], str]]] = {
    "posts": ("Shares.csv", _shares),
    "comments": ("Comments.csv", _comments),
    "reactions": ("Reactions.csv", _reactions),
    "searches": ("SearchQueries.csv", _searches),
    "invitations_sent": ("Invitations.csv", _invitations),
}


def _write_zip(path: Path, files: dict[str, str], day: pd.Timestamp) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, date_time=(day.year, day.month, day.day, 9, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content.encode("utf-8"))


# --------------------------------------------------------------------------- scores


def write_ssi_answers(tables: dict[str, pd.DataFrame], folder: Path) -> list[Path]:
    """Write the readings of each person as the store of a browser extension: one file a person, newest first.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        ssi, as `world_tables.world_tables` makes it.
    folder : path
        Files go to ``ssi/ssiHistory_<person>.json`` below it.
    """
    (folder / "ssi").mkdir(parents=True, exist_ok=True)
    paths = []
    for person, own in tables["ssi"].groupby("person", sort=True):
        entries = [_entry(row) for row in own.sort_values("date", ascending=False).to_dict("records")]
        path = folder / "ssi" / f"ssiHistory_{file_words(str(person))}.json"
        path.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8", newline="\n")
        paths.append(path)
    return paths


def _entry(row: dict) -> dict:
    day = f"{row['date']:%Y-%m-%d}"
    groups = {
        name: {"ssi": average, "top": _number(row[f"{name}_rank"]), "people_amount": size, "name": ""}
        for name, average, size in (("industry", 31, 120_000), ("network", 36, 900))
    }
    own = {theirs: _number(row[ours]) for ours, theirs in STORE_FIELDS.items()}
    parsed = {"overall": _number(row["total"]), **own, **groups}
    return {"date": day, "collectedAt": f"{day}T18:05:00.000Z", "parsed": parsed, "raw": None}


def _number(value: float) -> float | int | None:
    if pd.isna(value):
        return None
    return int(value) if float(value).is_integer() else round(float(value), 4)


# --------------------------------------------------------------------------- usage report


def write_usage_report(
    tables: dict[str, pd.DataFrame], folder: Path, first_day: pd.Timestamp | str, last_day: pd.Timestamp | str
) -> Path:
    """Write the usage report of Sales Navigator for a period: one row a seat, totals, the last score.

    Numbers that a world does not have (profile views, saved leads, messages) are left empty. Somebody without a
    reading in the period is a seat that was never set up: a name and nothing else.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        people, activity and ssi.
    folder : path
        The report goes to ``salesnav/usage_report_<first>_<last>.csv`` below it.
    first_day, last_day : day
        Both belong to the period.
    """
    first, last = pd.Timestamp(first_day), pd.Timestamp(last_day)
    activity, ssi = (frame[frame["date"].between(first, last)] for frame in (tables["activity"], tables["ssi"]))
    activity = activity[activity["count"] > 0]
    rows = [",".join(USAGE_COLUMNS) + "\n"]
    for person in tables["people"].to_dict("records"):
        given, _, family = person["person"].partition(" ")
        own = activity[activity["person"] == person["person"]]
        readings = ssi[ssi["person"] == person["person"]].sort_values("date")
        numbers = [""] * 12
        if len(readings):
            score = readings.iloc[-1]
            searches = int(own.loc[own["metric"] == "searches", "count"].sum())
            numbers = [
                own["date"].nunique(),
                searches,
                *[""] * 5,
                *(_number(score[key]) for key in ("total", *PILLARS)),
            ]
        rows.append(_row(given, family, person["email"], person["team"], *numbers))
    path = folder / "salesnav" / f"usage_report_{first:%Y-%m-%d}_{last:%Y-%m-%d}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(rows), encoding="utf-8", newline="\n")
    return path
