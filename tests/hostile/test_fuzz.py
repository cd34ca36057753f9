"""Bytes in: rows or a DataError, nothing else."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hostile.fuzz import FOUND, NASTY, draw, read, run, seeds
from tests.hostile.made import GOOD

# What `make fuzz` may take.
MINUTES = float(os.environ.get("MINUTES") or 5)
NAMES = ("ssi.csv", "people.csv", "deals.csv", "x.xlsx", "x.json", "x.html", "x.ics", "x.sqlite", "x.parquet", "x.zip")


def test_seeds_are_valid():
    """What the changes start from is read: a file that is refused as it stands would try nothing."""
    assert len(seeds()) >= 20
    n_read, n_refused = read({f"{number}_{name.rpartition('/')[2]}": data for number, (name, data) in
                              enumerate(sorted(seeds().items()))})  # fmt: skip
    assert n_refused <= 2 < n_read


def test_a_reader_that_fails_is_noticed(monkeypatch):
    """The search would find a fault: a reader that raises anything but `Unreadable` is one."""
    monkeypatch.setattr("ssi_audit.exports.plain.read", lambda file, context: iter([{}["missing"]]))
    for settle in (True, False):
        with pytest.raises(AssertionError, match="fails on this file: KeyError"):
            read({"ssi.csv": GOOD.encode()}, settle)


@pytest.mark.parametrize("seed", range(4))
def test_changed_files(seed):
    """A dozen changed files of different formats, read as one folder."""
    n_read, n_refused = read(draw(random.Random(seed), 12))
    assert n_read + n_refused == 12


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
@given(st.sampled_from(NAMES), st.lists(st.one_of(st.binary(max_size=40), st.sampled_from(NASTY)), max_size=30))
def test_any_bytes(name, pieces):
    """Bytes of no format at all, under any name."""
    assert sum(read({name: b"".join(pieces)}, settle=False)) == 1


@pytest.mark.parametrize("path", sorted(FOUND.glob("*_*")), ids=lambda path: path.name)
def test_found_before(path):
    """Files that a reader once failed on."""
    assert sum(read({path.name.partition("_")[2]: path.read_bytes()})) == 1


@pytest.mark.slow
def test_for_minutes():
    """As many changed files as fit into the time."""
    seed = random.SystemRandom().randrange(10**9)
    ends, faults = run(MINUTES, seed)
    print(f"\n{len(seeds())} files to start from, seed {seed}: {dict(ends)}")
    assert faults == {}, f"kept in {FOUND}"
