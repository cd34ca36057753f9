"""Nobody is exposed: one report of a folder full of planted words, searched byte by byte."""

from __future__ import annotations

import csv
import json
import os
import re
import stat
import tempfile
import threading
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest

from ssi_audit.cli import DONE, main
from ssi_audit.report.offline import requests_of
from ssi_audit.settings import Settings
from ssi_audit.workspace import PROCESSED_VARIABLE
from tests.hostile.planted import MARKUP, PEOPLE, PLANT, TEAMS, email_of, name_of, plant, texts

MIN_GROUP = Settings().min_group
SMALL = TEAMS.count("Tiny")


@dataclass
class Made:
    """A report and where everything about it lies; what was seen in the folder for temporary files meanwhile."""

    place: Path
    seen: dict[str, int]

    @property
    def report(self) -> Path:
        return self.place / "reports"

    def written(self) -> list[tuple[str, str]]:
        """All that was written, by name: report, processed data, cache."""
        return [(f"{part}/{name}", text) for part in ("reports", "processed", ".cache")
                for name, text in texts(self.place / part)]  # fmt: skip

    def pages(self) -> dict[str, str]:
        return {path.name: path.read_text(encoding="utf-8") for path in sorted(self.report.glob("*.html"))}

    def tables(self) -> dict[str, list[dict[str, str]]]:
        found = {}
        for path in sorted((self.report / "tables").glob("*.csv")):
            with path.open(encoding="utf-8", newline="") as file:
                found[path.stem] = list(csv.DictReader(file))
        return found


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """One report of the planted folder, by the command line."""
    place = tmp_path_factory.mktemp("planted")
    plant(place / "data")
    (place / "temporary").mkdir(mode=0o755)
    seen: dict[str, int] = {}
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(place / "temporary", seen, done))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(place / "temporary"))
        patch.setattr(tempfile, "tempdir", str(place / "temporary"))
        patch.setenv(PROCESSED_VARIABLE, str(place / "processed"))
        watcher.start()
        try:
            assert main(["report", str(place / "data"), "--out", str(place / "reports")]) == DONE
        finally:
            done.set()
            watcher.join()
    return Made(place, seen)


def _watch(folder: Path, seen: dict[str, int], done: threading.Event) -> None:
    """Note the mode of everything that lies directly in a folder, until told to stop."""
    while not done.wait(0.01):
        for entry in os.scandir(folder):
            try:
                seen[entry.name] = entry.stat(follow_symlinks=False).st_mode
            except FileNotFoundError:  # gone since it was listed
                continue


def test_the_plants_are_read(made):
    """The words looked for are in what was read, and people of several formats were matched."""
    read = "".join(text for _, text in texts(made.place / "data"))
    for number in range(PEOPLE):
        assert {name_of(number) in read, email_of(number) in read} == {True}
    answer = json.loads((made.report / "answer.json").read_text())
    assert answer["data"]["people"] == PEOPLE
    assert answer["data"]["ledger"]["used"] > 15_000


def test_no_planted_word_is_written(made):
    """No name, address, URL, deal, id, text or file name is in any byte of report, processed data or cache."""
    where = [name for name, text in made.written() if PLANT in text.casefold()]
    assert where == []


def test_a_person_is_found_where_names_are_asked_for(made):
    """The search would find a name: it does in the input's own words, packed and unpacked."""
    found = {name.partition("/")[0] for name, text in texts(made.place / "data") if PLANT in text.casefold()}
    assert {"ssi.csv", "archives", f"notes-{PLANT}.sqlite", PLANT} <= found


def test_no_markup_of_the_data_is_on_a_page(made):
    """Names of teams and of the organisation are shown as text; no page loads or runs anything."""
    for name, page in made.pages().items():
        assert MARKUP not in page
        assert not re.search(r"<(b|i)>(West|Sons)", page), name
        assert requests_of(page) == [], name
    assert "Acme &amp; &lt;i&gt;Sons&lt;/i&gt;" in made.pages()["index.html"]


def test_the_small_team_is_named_nowhere(made):
    """The name of a team of three is in no page, picture, alternative text, table or file of numbers."""
    assert [name for name, text in made.written() if re.search(r"\bTiny\b", text) and ".parquet" not in name] == []


def test_no_team_follows_from_subtracting_what_is_shown(made):
    """All teams shown, in any combination, leave nobody or at least `min_group`: on pages, in tables and numbers."""
    answer = json.loads((made.report / "answer.json").read_text())
    rows = made.tables()["01-data-quality-teams"]
    shown = {row["team"]: int(row["people"]) for row in rows if row["people"].isdigit()}
    for teams in (answer["data"]["teams"], shown, _team_pages(made)):
        assert teams, "no team is shown at all: nothing to subtract"
        for count in range(1, len(teams) + 1):
            for some in combinations(teams.values(), count):
                rest = answer["data"]["people"] - sum(some)
                assert rest == 0 or rest >= MIN_GROUP
        assert all(size >= MIN_GROUP for size in teams.values())
    assert answer["data"]["people"] - sum(answer["data"]["teams"].values()) != SMALL


def _team_pages(made: Made) -> dict[str, int]:
    tables = made.tables()
    names = {name.split("-")[2] for name in tables if name.startswith("06-team-")}
    return {name: max(int(row["n_people"]) for row in tables[f"06-team-{name}-links"]) for name in names}


def test_no_group_of_people_is_smaller_than_min_group(made):
    """Every count of the people of a group, in every table and in answer.json, is at least `min_group`, or none."""
    small = []
    tables = {name: rows for name, rows in made.tables().items() if "overlap" not in name}  # "people" is a pillar there
    for name, rows in tables.items():
        for row in rows:
            for column in ("n_people", "people", "sellers"):
                value = row.get(column) or ""
                if value.replace(".", "").isdigit() and 0 < float(value) < MIN_GROUP:
                    small.append((name, row))
    answer = json.loads((made.report / "answer.json").read_text())
    for claim in answer["claims"]:
        for group, facts in (claim.get("details") or {}).get("groups", {}).items():
            value = facts.get("people")
            if isinstance(value, int | float) and 0 < value < MIN_GROUP:
                small.append((claim["id"], group, facts))
    assert small == []


def test_no_sentence_counts_a_small_group(made):
    """No page, and no text beside a picture, speaks of one to four sellers."""
    counted = re.compile(
        r"\b(?:only |the )?([1-4]) (?:of the )?(?:sellers|people)\b(?! or| are needed)|\band ([1-4]) below\b"
    )
    found = {name: match.group() for name, page in made.pages().items() if (match := counted.search(_text_of(page)))}
    assert found == {}


def _text_of(page: str) -> str:
    alternative = " ".join(re.findall(r'(?:alt|aria-label|title)="([^"]*)"', page))
    return re.sub(r"\s+", " ", re.sub(r"<(style|svg)\b.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)) + alternative


def test_evidence_for_others_carries_no_person(made):
    """What may be sent to other organisations holds numbers and our own words: no code, no team, no organisation."""
    evidence = (made.report / "evidence.json").read_text()
    assert not re.search(r"\bP\d{3}\b", evidence)
    for word in ("Acme", *set(TEAMS)):
        assert word not in evidence


def test_temporary_files_are_private_and_gone(made):
    """What is written while a report is made can be read by its user only, and nothing of it stays."""
    assert made.seen, "nothing was seen: the watcher looked at the wrong folder"
    for name, mode in made.seen.items():
        assert stat.S_IMODE(mode) & 0o077 == 0, name
    assert list((made.place / "temporary").iterdir()) == []


def test_cache_is_private(made):
    """Results kept for the next run are the user's alone."""
    private = [path for path in (made.place / ".cache").rglob("*") if path.is_file() and path.stat().st_size]
    assert private
    top = made.place / ".cache" / "ssi-audit"
    for path in private:
        ways = [path, *(folder for folder in path.parents if folder.is_relative_to(top))]
        assert any(stat.S_IMODE(way.stat().st_mode) & 0o077 == 0 for way in ways), path


def test_no_cell_of_a_table_is_a_formula(made):
    """No text of a CSV begins with what a spreadsheet program would run."""
    for name, rows in made.tables().items():
        for row in rows:
            for cell in (*row, *row.values()):
                number = re.fullmatch(r"[-+]?[\d.,\u202f ]+(?:e[-+]?\d+)?\s*%?|[-–—]?", cell or "")
                assert number or not cell.startswith(("=", "+", "-", "@", "\t", "\r")), (name, row)
