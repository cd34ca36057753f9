"""The tool that makes every small change to a module: what it changes, and that a change arrives."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path

import pytest

from tests.mutants.changes import changes, plant

SOURCE = '''
"""Words stay: 3 < 4."""
LIMIT = 5

def above(x: int = 2, most: float = 0.5) -> bool:
    if x > LIMIT and not x == most:
        raise ValueError(f"{x + 1} is too much")
    x += 1
    return max(x, len(str(x), base=10))
'''


def made() -> set[tuple[str, str]]:
    return {(change.old, change.new) for change in changes(ast.parse(SOURCE))}


def test_every_kind_of_change_is_made():
    """Comparisons, words for and, or, not, numbers, defaults, arguments, results, names and statements change."""
    condition = "if x > LIMIT and (not x == most):"
    assert {
        (condition, "if x >= LIMIT and (not x == most):"),
        (condition, "if x > LIMIT or not x == most:"),
        (condition, "if x > LIMIT and x == most:"),
        (condition, "if not (x > LIMIT and (not x == most)):"),
        ("LIMIT = 5", "LIMIT = 6"),
        ("x += 1", "x -= 1"),
        ("x += 1", "pass"),
        ("return max(x, len(str(x), base=10))", "return None"),
        ("return max(x, len(str(x), base=10))", "return min(x, len(str(x), base=10))"),
        ("return max(x, len(str(x), base=10))", "return max(x, len(str(x)))"),
    } <= made()
    heads = {new for _, new in made() if new.startswith("def")}
    assert "def above(x: int=3, most: float=0.5) -> bool:" in heads
    assert "def above(x: int=2, most: float=0.45) -> bool:" in heads


def test_words_and_types_stay_and_nothing_is_made_twice():
    """Docstrings, messages and annotations do not change; the tree is whole again at the end."""
    tree = ast.parse(SOURCE)
    before = ast.dump(tree)
    found = [(change.line, change.old, change.new) for change in changes(tree)]
    assert ast.dump(tree) == before
    assert len(found) == len(set(found))
    assert not any("Words" in new or "too much" in new for _, _, new in found)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module with a constant, a default, a cached function and one that calls it."""
    file = tmp_path / "planted.py"
    file.write_text(
        "from functools import lru_cache\nLIMIT = 5\n@lru_cache\ndef twice(x):\n    return 2 * x\n"
        "def call(x=LIMIT):\n    return twice(x) + LIMIT\n"
    )
    spec = importlib.util.spec_from_file_location("planted", file)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "planted", module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("new", "in_function", "result"), [("return 2 / x", True, 5.4), ("LIMIT = 6", False, 18)])
def test_a_change_reaches_whoever_imported_the_function(module, new, in_function, result):
    """Code goes into the function that is there already, constants and defaults to where they were imported."""
    call, twice = module.call, module.twice.__wrapped__
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    for change in changes(tree):
        if change.new == new:
            code = compile(ast.fix_missing_locations(tree), module.__file__, "exec", dont_inherit=True)
            plant(module, code, [call, twice], in_function)
    assert call() == result
