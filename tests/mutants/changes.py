"""Every small change to a module: which of them do the tests let pass?

    python -m tests.mutants.changes stats/power.py verdict.py --sample 100

prints how many changes were made, noticed and not, and writes each that was not to a file. Made for modules of
numbers: the libraries and the tests are loaded once; each change is planted in a fork, into the functions that are
already there, and only the tests that reach the changed line are run, its own and quick ones first, until one fails.

Not planted: changes to words (messages, names of columns), and what a change to a constant would do to defaults
of functions in other modules.
"""

from __future__ import annotations

import argparse
import ast
import gc
import importlib
import os
import pickle
import random
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import coverage
import pytest

TESTS = ("tests/unit/stats", "tests/reference", "tests/unit/test_verdict.py")
# After the module's own tests, so much of the others, the quickest first: what they let pass is looked at by hand.
MAX_SECONDS = 2.0
MEMORY = 4 << 30
VERDICTS = ("noticed", "not noticed", "not reached", "out of time")

SWAPPED = {
    ast.Lt: [ast.LtE], ast.LtE: [ast.Lt], ast.Gt: [ast.GtE], ast.GtE: [ast.Gt],
    ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq], ast.Is: [ast.IsNot], ast.IsNot: [ast.Is],
    ast.In: [ast.NotIn], ast.NotIn: [ast.In],
    ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Div], ast.Div: [ast.Mult], ast.FloorDiv: [ast.Div],
    ast.Mod: [ast.Mult], ast.Pow: [ast.Mult], ast.BitAnd: [ast.BitOr], ast.BitOr: [ast.BitAnd],
    ast.And: [ast.Or], ast.Or: [ast.And],
}  # fmt: skip
TWINS = [("min", "max"), ("minimum", "maximum"), ("any", "all"), ("floor", "ceil"), ("argmin", "argmax"),
         ("mean", "median"), ("zeros", "ones"), ("nanmin", "nanmax"), ("log", "log1p"), ("exp", "expm1")]  # fmt: skip
# Arguments that guard against another kind of input or only steer a search.
UNTOUCHED = (None, "dtype", "method", "options", "strict")
OTHER_NAME = {**dict(TWINS), **{b: a for a, b in TWINS}}


@dataclass(frozen=True)
class Change:
    """One change: where, what it was and became."""

    line: int
    last_line: int
    in_function: bool
    old: str
    new: str


def changes(tree: ast.Module) -> Iterator[Change]:
    """Every change to a module, each once; the tree has it until the next one is asked for."""
    seen = set()
    for parent, field, place, node, statement, in_function in list(_nodes(tree)):
        old = ast.unparse(statement)
        for other in _alternatives(node, parent, field):
            _put(parent, field, place, other)
            holder = other if isinstance(node, ast.stmt) else statement
            new = ast.unparse(holder)
            if new != old and (statement, new) not in seen:
                seen.add((statement, new))
                yield Change(*_lines(statement), in_function, _head(old), _head(new.replace(", **{}", "")))
            _put(parent, field, place, node)


def _nodes(tree: ast.Module) -> Iterator[tuple]:
    """Every node that may change, with where it hangs and the statement it is part of."""

    def walk(parent: ast.AST, statement: ast.stmt | None, in_function: bool) -> Iterator[tuple]:
        for field, value in ast.iter_fields(parent):
            if field in ("annotation", "returns", "decorator_list", "type_params"):
                continue
            inside = (
                in_function
                or (isinstance(parent, ast.FunctionDef) and field == "body")
                or (isinstance(parent, ast.Lambda) and field == "body")
            )
            for place, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if not isinstance(node, ast.AST) or isinstance(node, (ast.Raise, ast.JoinedStr, ast.Import)):
                    continue
                own = node if isinstance(node, ast.stmt) else statement
                yield parent, field, place, node, own, inside
                yield from walk(node, own, inside)

    yield from walk(tree, None, False)


def _alternatives(node: ast.AST, parent: ast.AST, field: str) -> list[ast.AST]:
    """What a node may become."""
    found: list[ast.AST] = [new() for new in SWAPPED.get(type(node), [])]
    if isinstance(node, ast.Constant) and not isinstance(parent, ast.Expr):
        found += [ast.Constant(value) for value in _other_values(node.value)]
    elif isinstance(node, ast.UnaryOp) and not isinstance(node.operand, ast.Constant):
        found.append(node.operand)
    elif isinstance(node, ast.Name | ast.Attribute) and field == "func":
        name = node.id if isinstance(node, ast.Name) else node.attr
        if name in OTHER_NAME:
            other = OTHER_NAME[name]
            found.append(
                ast.Name(other, node.ctx) if isinstance(node, ast.Name) else ast.Attribute(node.value, other, node.ctx)
            )
    elif isinstance(node, ast.Return) and node.value is not None:
        found.append(ast.Return(ast.Constant(None)))
    elif isinstance(node, ast.keyword) and node.arg not in UNTOUCHED:
        found.append(ast.keyword(None, ast.Dict([], [])))  # left out: an empty `**{}`
    elif isinstance(node, ast.Break | ast.Continue):
        found.append(ast.Continue() if isinstance(node, ast.Break) else ast.Break())
    elif _can_go(node):
        found.append(ast.Pass())
    if field == "test" and not isinstance(parent, ast.Assert) and not isinstance(node, ast.UnaryOp):
        found.append(ast.UnaryOp(ast.Not(), node))
    return [ast.copy_location(new, node) if hasattr(node, "lineno") else new for new in found]


def _other_values(value: object) -> list[object]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    if isinstance(value, float):
        # A tolerance must be wrong by orders to matter, any other number by little.
        return [value * 1e3 if 0 < abs(value) < 1e-3 else value * 0.9 if value else 1.0]
    return []


def _can_go(node: ast.AST) -> bool:
    """Statements that only have an effect: a call, a change in place."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call)
    if isinstance(node, ast.Assign):
        return isinstance(node.targets[0], ast.Subscript | ast.Attribute)
    return isinstance(node, ast.AugAssign)


def _put(parent: ast.AST, field: str, place: int | None, node: ast.AST) -> None:
    """Hang a node where another hung."""
    if place is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[place] = node


def _lines(statement: ast.stmt) -> tuple[int, int]:
    """First and last line of a statement, of its head where it has a body."""
    body = getattr(statement, "body", None)
    return statement.lineno, (max(statement.lineno, body[0].lineno - 1) if body else statement.end_lineno)


def _head(text: str) -> str:
    lines = [line.strip() for line in text.splitlines()]
    return next((line for line in lines if line and not line.startswith("@")), "")


# ---- planting --------------------------------------------------------------------------------------------


def plant(module: ModuleType, code: CodeType, functions: list[FunctionType], in_function: bool) -> None:
    """Give the module's functions the changed code; every module that has imported one sees it."""
    codes = {(code.co_qualname, code.co_firstlineno): code for code in _codes(code)}
    for function in functions:
        function.__code__ = codes[function.__code__.co_qualname, function.__code__.co_firstlineno]
    if not in_function:
        _plant_values(module, code)


def _plant_values(module: ModuleType, code: CodeType) -> None:
    """Constants, wherever they were imported to, and defaults of functions."""
    fresh: dict[str, object] = {"__name__": module.__name__, "__file__": module.__file__}
    exec(code, fresh)
    for name, old in list(vars(module).items()):
        new = fresh.get(name)
        if name.startswith("__") or isinstance(old, ModuleType):
            continue
        if isinstance(old, FunctionType):
            old.__defaults__, old.__kwdefaults__ = new.__defaults__, new.__kwdefaults__
        elif isinstance(old, type):
            for method, own in vars(old).items():
                if isinstance(own, FunctionType) and own.__defaults__:
                    own.__defaults__ = vars(new)[method].__defaults__
        elif not callable(old) and repr(old) != repr(new):
            for other in list(sys.modules.values()):
                if getattr(other, "__dict__", {}).get(name) is old:
                    setattr(other, name, new)


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


# ---- running ---------------------------------------------------------------------------------------------


class EveryChange:
    """A pytest plugin that runs the collected tests once per change instead of once."""

    def __init__(self, modules: list[str], sample: int | None, workers: int, out: Path) -> None:
        self.modules, self.sample, self.workers, self.out = modules, sample, workers, out
        self.failed = False
        self.running: dict[int, tuple[str, Change, int]] = {}
        self.found: list[tuple[str, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed |= report.failed

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Plant, fork, judge."""
        files = {name: importlib.import_module("ssi_audit." + name[:-3].replace("/", ".")) for name in self.modules}
        reached, seconds = _in_child(lambda: self._who_reaches_what(session.items, files))
        everything = [thing for thing in gc.get_objects() if isinstance(thing, FunctionType)]
        for name, module in files.items():
            file = module.__file__
            functions = [function for function in everything if function.__code__.co_filename == file]
            assert functions
            by_line, own = reached[name], f"test_{Path(file).name}"
            items = sorted(session.items, key=partial(_turn, own, seconds))
            tree = ast.parse(Path(file).read_text(encoding="utf-8"))
            by_number = range(sum(1 for _ in changes(tree)))
            few = self.sample is None or self.sample >= len(by_number)
            numbers = by_number if few else set(random.Random(0).sample(by_number, self.sample))
            for number, change in enumerate(changes(tree)):
                if number not in numbers:
                    continue
                code = compile(ast.fix_missing_locations(tree), file, "exec", dont_inherit=True)
                lines = range(change.line, change.last_line + 1) if change.in_function else by_line
                who = set().union(*(by_line.get(line, ()) for line in lines))
                reaching = [item for item in items if item.nodeid in who]
                spent = accumulate(seconds[item.nodeid] * (item.path.name != own) for item in reaching)
                chosen = [item for item, total in zip(reaching, spent) if total < MAX_SECONDS]
                planting = partial(plant, module, code, functions, change.in_function)
                self._judge(name, change, chosen, seconds, planting)
            while self.running:
                self._wait()
            verdicts = [verdict for module, verdict in self.found if module == name]
            cells = [name, len(by_number), len(verdicts), *(verdicts.count(verdict) for verdict in VERDICTS)]
            print("|", " | ".join(str(cell) for cell in cells), "|", file=sys.__stdout__, flush=True)
        return True

    def _who_reaches_what(self, items: list[pytest.Item], files: dict[str, ModuleType]) -> tuple[dict, dict]:
        """Tests by line of each module, and how long each test takes."""
        trace = coverage.Coverage(data_file=None, include=[module.__file__ for module in files.values()])
        trace.start()
        seconds = {}
        for item, after in zip(items, [*items[1:], None], strict=True):
            trace.switch_context(item.nodeid)
            before = time.process_time()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            seconds[item.nodeid] = time.process_time() - before
            if self.failed:
                raise SystemExit(f"{item.nodeid} fails without any change")
        trace.stop()
        data = trace.get_data()
        lines = {name: data.contexts_by_lineno(module.__file__) for name, module in files.items()}
        return lines, seconds

    def _judge(
        self, name: str, change: Change, chosen: list[pytest.Item], seconds: dict[str, float], do: Callable[[], None]
    ) -> None:
        if not chosen:
            self._note(name, change, "not reached", 0)
            return
        while len(self.running) >= self.workers:
            self._wait()
        child = os.fork()
        if child:
            self.running[child] = (name, change, len(chosen))
            return
        status = 1
        try:
            _quietly()
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            do()
            for item, after in zip(chosen, [*chosen[1:], None], strict=True):
                signal.setitimer(signal.ITIMER_PROF, 2 + 10 * seconds[item.nodeid])
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
                if self.failed:
                    break
            status = 1 if self.failed else 0
        finally:
            os._exit(status)

    def _wait(self) -> None:
        child, status = os.wait()
        name, change, n_tests = self.running.pop(child)
        verdict = "out of time" if os.WIFSIGNALED(status) else "noticed" if os.WEXITSTATUS(status) else "not noticed"
        self._note(name, change, verdict, n_tests)

    def _note(self, name: str, change: Change, verdict: str, n_tests: int) -> None:
        self.found.append((name, verdict))
        if verdict in ("not noticed", "not reached"):
            with self.out.open("a", encoding="utf-8") as file:
                file.write(f"{name}:{change.line}\t{verdict}\t{n_tests}\t{change.old}\t{change.new}\n")


def _turn(own: str, seconds: dict[str, float], item: pytest.Item) -> tuple[bool, float]:
    return item.path.name != own, seconds[item.nodeid]


def _in_child(work: Callable[[], Any]) -> Any:
    """What a function returns, with nothing it has cached left in this process."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            _quietly()
            with os.fdopen(writing, "wb") as pipe:
                pickle.dump(work(), pipe)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return pickle.loads(answer)


def _quietly() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def main() -> None:
    """Run the changes of the modules that are named, or of all in `stats` and of the verdict."""
    root = Path(__file__).resolve().parents[2]
    package = root / "src" / "ssi_audit"
    everything = [*sorted(f"stats/{file.name}" for file in (package / "stats").glob("[a-z]*.py")), "verdict.py"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", default=everything)
    parser.add_argument("--tests", nargs="+", default=TESTS)
    parser.add_argument("--sample", type=int, help="so many changes of each module, drawn at random")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("changes.tsv"))
    given = parser.parse_args()
    print("| module | changes | run | " + " | ".join(VERDICTS) + " |")
    plugin = EveryChange(given.modules, given.sample, given.workers, given.out)
    arguments = ["-o", "addopts=", "-m", "not slow", "-p", "no:cacheprovider", "--capture=sys", "-q", *given.tests]
    pytest.main(arguments, plugins=[plugin])


if __name__ == "__main__":
    main()
