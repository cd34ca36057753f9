"""Nobody is exposed: one report of a folder full of planted words, searched byte by byte."""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import re
import shutil
import stat
import tempfile
import threading
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import pytest

from ssi_audit.cli import DONE, FAILED, main
from ssi_audit.report.offline import requests_of
from ssi_audit.settings import Settings
from ssi_audit.workspace import PROCESSED_VARIABLE
from tests.hostile.planted import MARKUP, PEOPLE, PLANT, TEAMS, email_of, name_of, plant, texts

MIN_GROUP = Settings().min_group
SMALL = TEAMS.count("Tiny")


@dataclass(frozen=True)
class Made:
    """A report and where everything about it lies; what was seen in the folder for temporary files meanwhile."""

    place: Path
    seen: dict[str, int]
    day: dt.date

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
    day = dt.datetime.now(tz=dt.UTC).date()
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
    return Made(place, seen, day)


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


# --------------------------------------------------------------------------- the same again, and told from another


class _Clock(dt.datetime):
    """A clock that stands still on another day."""

    @classmethod
    def now(cls, tz=None):
        """Return the day on which the second report is made."""
        return cls(2031, 5, 17, 12, 0, tzinfo=tz)


def test_another_day_gives_the_same_bytes_but_for_the_date(made, monkeypatch):
    """A report of the same data on another day, from the cache, differs in the date of the run alone."""
    monkeypatch.setenv(PROCESSED_VARIABLE, str(made.place / "processed"))
    _compare_on_another_day(made, made.place / "another-day", monkeypatch)


@pytest.mark.slow
def test_another_day_gives_the_same_bytes_from_nothing(made, monkeypatch, tmp_path):
    """As above, with everything computed again: no processed data, no cache, another folder."""
    monkeypatch.setenv(PROCESSED_VARIABLE, str(tmp_path / "processed"))
    _compare_on_another_day(made, tmp_path / "elsewhere" / "reports", monkeypatch)


def _compare_on_another_day(made: Made, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssi_audit.report.build.dt", SimpleNamespace(datetime=_Clock, UTC=dt.UTC))
    assert main(["report", str(made.place / "data"), "--out", str(out)]) == DONE
    first, second = _dated(made.report), _dated(out)
    today = (made.day.isoformat(), f"{made.day.day} {made.day:%b %Y}")
    assert first.keys() == second.keys()
    different = [name for name in first if first[name] != second[name]]
    assert different and all(name.endswith(".html") for name in different)
    for name in different:
        assert len(first[name]) == len(second[name])
        lines = [(one, other) for one, other in zip(first[name], second[name]) if one != other]
        for one, other in lines:
            assert _without(other, "2031-05-17", "17 May 2031") == _without(one, *today), (name, one[:200], other[:200])


def _without(line: bytes, *days: str) -> bytes:
    for day in days:
        line = line.replace(day.encode(), b"<day of the run>")
    return line


def _dated(report: Path) -> dict[str, list[bytes]]:
    """Lines of all files but the manifest, which holds the digests of the pages."""
    paths = [path for path in report.rglob("*") if path.is_file() and path.name != ".manifest.json"]
    return {path.relative_to(report).as_posix(): path.read_bytes().split(b"\n") for path in paths}


@pytest.fixture
def copied(made, tmp_path, monkeypatch) -> Path:
    """Report and data, to be changed."""
    monkeypatch.setenv(PROCESSED_VARIABLE, str(made.place / "processed"))
    shutil.copytree(made.place / "data", tmp_path / "data")
    shutil.copytree(made.report, tmp_path / "reports")
    return tmp_path


def verdicts(place: Path, capsys: pytest.CaptureFixture) -> tuple[int, list[str]]:
    """Exit code of verify, and what differs."""
    capsys.readouterr()
    code = main(["verify", str(place / "reports"), str(place / "data"), "--json"])
    return code, [what for what, holds in json.loads(capsys.readouterr().out).items() if not holds]


def test_verify_confirms(copied, capsys):
    """A copy of the report and of its data is recognised as such."""
    assert verdicts(copied, capsys) == (DONE, [])


def _change_row(place: Path) -> None:
    path = place / "data" / "ssi.csv"
    path.write_text(path.read_text().replace("2024", "2025", 1))


def _change_page(place: Path) -> None:
    path = place / "reports" / "index.html"
    path.write_text(path.read_text() + " ")


def _change_setting(place: Path) -> None:
    path = place / "data" / "ssi-audit.toml"
    path.write_text("seed = 5\n" + path.read_text())


@pytest.mark.parametrize(
    ("change", "what"),
    [(_change_row, "data"), (_change_page, "files of the report"), (_change_setting, "settings")],
)
def test_verify_tells_what_changed(copied, capsys, change, what):
    """One changed row, one changed page, one changed setting: each is told by name."""
    change(copied)
    assert verdicts(copied, capsys) == (FAILED, [what])


def test_verify_tells_other_code(copied, capsys, monkeypatch):
    """A report made by other code, or with other libraries, is told from one made by this."""
    monkeypatch.setattr("ssi_audit.report.sources.library_versions", lambda: {"numpy": "0"})
    assert verdicts(copied, capsys) == (FAILED, ["code and libraries"])
