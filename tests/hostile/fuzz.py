"""Valid files of every format, changed at random: what no author of a test would think of.

`python -m tests.hostile.fuzz MINUTES` (`make fuzz`) goes on until the time is over and keeps every file on which a
reader failed in ``tests/hostile/found``, where the tests read it ever after.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from ssi_audit import exports
from ssi_audit.errors import DataError
from ssi_audit.exports import FAULT, read_folder
from ssi_audit.exports.bounds import BROKEN_ZIP
from ssi_audit.exports.files import ReadingRules, open_folder
from ssi_audit.settings import Settings
from tests.hostile.made import GOOD, in_zip
from tests.hostile.planted import others

FOUND = Path(__file__).with_name("found")
# A file of a few kilobytes that is read for longer than this is a hang to whoever waits.
SLOW = 20.0
# Files that are read as one folder: resolving people costs as much for one file as for a dozen.
AT_ONCE = 12
NASTY = (
    b"", b"NaN", b"inf", b"1e999", b"-0", b"-1", b"99999999999999999999", b"0x1F", b"1,234.5", b"1.234,5", b'"', b'""',
    b"'", b"\\", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\xf0\x9f\x98\x80", b"=1+1", b"null", b"[]", b"{}",
    b"true", b"2026-02-30", b"31/12/9999", b"0000-00-00", b"9999999999999", b"2026-W60", b"Infinity", b"</", b"<!--",
    b"\r", b"\n", b"\r\n", b",", b";", b"\t", b"#REF!", b"%", b"sep=;", b"BEGIN:VEVENT", b"END:VEVENT",
)  # fmt: skip


ODD_VALUES = (
    None, True, -1, 0, 1e308, float("nan"), float("inf"), 10**30, "", "x", "NaN", "2026-02-30", "\u202e", [], {}, [[]],
    [None], {"": None}, [{"a": [1, {"b": []}]}], "9" * 400,
)  # fmt: skip


@cache
def seeds() -> dict[str, bytes]:
    """Small valid files by name, of every format that can be made."""
    from ssi_audit.worlds import make_world, write_world

    found = {"ssi.csv": GOOD.encode(), **others(), **_small_tables()}
    with tempfile.TemporaryDirectory() as place:
        write_world(make_world("activity_gauge", 4, 14, 5), Path(place), as_="exports")
        for path in sorted(Path(place).rglob("*")):
            if path.is_file() and path.name not in ("truth.json", "ssi-audit.toml"):
                # The name tells some formats: the last part stays as it is.
                name = path.relative_to(place).as_posix().replace("/", "_").replace(path.name, f"/{path.name}")
                found[name] = _shortened(path.read_bytes()) if path.suffix == ".csv" else path.read_bytes()
    return found


def _shortened(data: bytes) -> bytes:
    """The first lines of a long table: most of what can go wrong is in them."""
    return b"\n".join(data.split(b"\n")[:40]) + b"\n" if data.count(b"\n") > 40 else data


def _small_tables() -> dict[str, bytes]:
    import pandas as pd

    parquet = io.BytesIO()
    pd.read_csv(io.StringIO(GOOD)).to_parquet(parquet)
    answer = (
        b'[{"date": "2026-03-02", "person": "Ann Lee", "data": {"memberScore": {"overall": 40.5, "subScores": '
        b'[{"pillar": "PROFESSIONAL_BRAND", "score": 10.2}]}, "groupScore": [{"groupType": "INDUSTRY", "rank": 4}]}}]'
    )
    return {
        "ssi.parquet": parquet.getvalue(),
        "ssi_answer.json": answer,
        "people.csv": b"person,email,team,hired_on,aliases\nAnn Lee,a@x.example,North,2020-01-01,A. Lee;Annie\n",
        "quotas.csv": b"person,period_start,period_end,quota,currency\nAnn Lee,2026-01-01,2026-03-31,900,EUR\n",
        "absences.csv": b"person,first_day,last_day\nAnn Lee,2026-01-01,2026-01-05\n",
        "activity.csv": b"person,date,metric,count,first_day\nAnn Lee,2026-03-02,posts,3,2026-03-01\n",
        "people-review.csv": b"accept,received,person\nyes,A Lee,Ann Lee\n",
        "usage_2026-02-01_2026-02-28.csv": b"First Name,Last Name,Email,Days active,Searches performed,SSI score\n"
        b"Ada,Berg,ada@x.example,19,84,63\nBo,Lind,bo@x.example,0,0,47\n",
        "events.csv": b"person,date,kind,amount,currency,source,deal,started\n"
        b"Ann Lee,2026-03-02,deal_won,100.5,EUR,LinkedIn,D1,2026-01-05\n",
    }  # fmt: skip


def changed(data: bytes, chance: random.Random, depth: int = 0) -> bytes:
    """A file with one to five random changes; of a zip mostly in one of the files inside it."""
    if data[:4] == b"PK\x03\x04" and depth < 2 and chance.random() < 0.8:
        return _repacked(data, chance, depth)
    if data.lstrip()[:1] in (b"{", b"[") and chance.random() < 0.7:
        return _other_json(data, chance)
    made = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 3, 5))):
        chance.choice(CHANGES)(made, chance)
    return bytes(made)


def _repacked(data: bytes, chance: random.Random, depth: int) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except BROKEN_ZIP:
        return data
    if not members:
        return data
    name = chance.choice(sorted(members))
    members[name] = changed(members[name], chance, depth + 1)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return made.getvalue()


def _other_json(data: bytes, chance: random.Random) -> bytes:
    """JSON with one to three values of another type, or under another key."""
    try:
        content = json.loads(data)
    except ValueError:
        return data
    places = list(_places(content))
    for inside, key in chance.sample(places, min(len(places), chance.choice((1, 1, 2, 3)))):
        other = chance.choice((*ODD_VALUES, chance.choice(places)[0]))
        if isinstance(inside, dict) and chance.random() < 0.2:
            inside[chance.choice(("", "date", "data", "memberScore", "x"))] = other
        else:
            inside[key] = other
    try:
        return json.dumps(content).encode()
    except ValueError:  # a value within itself
        return data


def _places(content: object):
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield content, key
        yield from _places(value)


def _flip(made: bytearray, chance: random.Random) -> None:
    if made:
        made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)


def _cut(made: bytearray, chance: random.Random) -> None:
    del made[chance.randrange(len(made) + 1) :]


def _drop(made: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(made) + 1)
    del made[at : at + chance.choice((1, 2, 8, 64))]


def _repeat(made: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(made) + 1)
    piece = made[at : at + chance.choice((1, 4, 30, 200))]
    made[at:at] = piece * chance.choice((1, 2, 50))


def _insert(made: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(made) + 1)
    made[at:at] = chance.choice(NASTY)


def _cell(made: bytearray, chance: random.Random) -> None:
    """Another content for one cell, value or word."""
    lines = bytes(made).split(b"\n")
    line = chance.randrange(len(lines))
    mark = chance.choice((b",", b";", b"\t", b":", b'"', b">"))
    cells = lines[line].split(mark)
    cells[chance.randrange(len(cells))] = chance.choice((*NASTY, chance.choice(cells)))
    lines[line] = mark.join(cells)
    made[:] = b"\n".join(lines)


def _swap_lines(made: bytearray, chance: random.Random) -> None:
    lines = bytes(made).split(b"\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    made[:] = b"\n".join(lines)


def _noise(made: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(made) + 1)
    made[at : at + 16] = chance.randbytes(16)


CHANGES = (_flip, _cut, _drop, _repeat, _insert, _insert, _cell, _cell, _cell, _swap_lines, _noise)


def read(files: dict[str, bytes], settle: bool = True) -> tuple[int, int]:
    """Read a folder of files; those that cannot be read are left out, as `--skip-unreadable` does.

    Parameters
    ----------
    files : dict of str to bytes
        By name.
    settle : bool
        Also resolve people and doubles, which takes longer than all the rest.

    Returns
    -------
    tuple of (int, int)
        How many were read, and how many refused.

    Raises
    ------
    Exception
        Whatever a reader raises but `DataError`; AssertionError where a file made one fail, or takes too long.
    """
    place = Path(tempfile.mkdtemp(prefix="fuzz-"))
    try:
        for name, data in files.items():
            (place / name).write_bytes(data)
        began = time.process_time()
        try:
            notes = _notes(place, settle)
            refused = sum(" was left out: " in note for note in notes)
        except DataError as error:
            notes, refused = (str(error),), len(files)
        took = time.process_time() - began
        failed = [note for note in notes if FAULT in note]
        assert not failed, failed[0]
        assert took < SLOW, f"{took:.0f} seconds for {', '.join(files)}"
        return len(files) - min(refused, len(files)), min(refused, len(files))
    finally:
        shutil.rmtree(place)


def _notes(place: Path, settle: bool) -> Sequence[str]:
    if settle:
        return read_folder(place, Settings(), skip_unreadable=True).tables.notes
    received = exports.Received(str(place))
    top, _, refused = open_folder(place, ReadingRules(Settings(), exports.header_words()))
    for problem in refused:
        received.problem(problem, skip=True)
    for reader, source, files in exports._units(top):
        exports._read_unit(reader, source, files, Settings(), received, skip_unreadable=True)
    return received.notes


def keep(name: str, data: bytes) -> Path:
    """Keep a file that a reader failed on, for the tests."""
    FOUND.mkdir(exist_ok=True)
    path = FOUND / f"{hashlib.sha256(data).hexdigest()[:8]}_{Path(name).name}"
    path.write_bytes(data)
    return path


def draw(chance: random.Random, count: int) -> dict[str, bytes]:
    """Changed files of different formats, by names that tell nothing apart."""
    names = chance.sample(sorted(seeds()), count)
    return {Path(name).name: changed(seeds()[name], chance) for name in names}


def run(minutes: float, seed: int) -> tuple[Counter, dict[str, str]]:
    """Feed changed files to all readers until the time is over.

    Returns
    -------
    tuple of (Counter, dict)
        How often which end came; file kept → what went wrong, one for each fault.
    """
    chance = random.Random(seed)
    ends: Counter = Counter()
    faults: dict[str, str] = {}
    until = time.monotonic() + 60 * minutes
    while time.monotonic() < until:
        files = draw(chance, AT_ONCE)
        try:
            ends.update(dict(zip(("read", "refused"), read(files, settle=chance.random() < 0.2))))
            continue
        except Exception as error:
            whole = error
        alone = dict(filter(lambda item: item[1], ((name, failure(name, data)) for name, data in files.items())))
        if not alone:  # only together: kept as a zip, which is read as a folder
            alone = {"together.zip": f"{type(whole).__name__}: {whole}"[:300]}
            files["together.zip"] = in_zip(files)
        for name, what in alone.items():
            ends["failed"] += 1
            if what not in faults.values() and len(faults) < 40:
                faults[str(keep(name, files[name]))] = what
    return ends, faults


def failure(name: str, data: bytes) -> str:
    """What goes wrong with one file; "" where nothing does."""
    try:
        read({name: data})
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:300]
    return ""


if __name__ == "__main__":
    asked = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    drawn = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**9)
    counted, wrong = run(asked, drawn)
    print(f"{len(seeds())} files to start from, seed {drawn}: {dict(counted)}")
    for path, what in wrong.items():
        print(f"{path}\n  {what}")
    sys.exit(bool(wrong))
