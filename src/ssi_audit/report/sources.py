"""Which code a notebook depends on, found by reading imports, never by importing.

A notebook is run again only when something it uses changed, so its key needs
the source of every module it reaches. Imports inside functions count, and so
does a module named in a string (the public face loads its modules that way):
one run too many costs seconds, one too few shows an old number. Sources are
read with patterns, which may see an import in a docstring and pass none over:
parsing them properly took longer than all the rest of a run without changes.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = "ssi_audit"
DRAWING = f"{PACKAGE}.report."
ROOT = Path(__file__).resolve().parents[1]
# `import a, b as c` and `from .a import (b, c)`: at the start of a line, or behind a colon or semicolon.
IMPORT = re.compile(r"(?m)(?:^|[:;])[ \t]*(?:from[ \t]+([.\w]+)[ \t]+)?import\b[ \t]*(?:\(([^)]*)\)|([^\n;(]+))")
COMMENT = re.compile(r"#.*")
OWN_FOLDER = re.compile(r"\b__path__\b(?![\"'])")
# "panel", ".panel" or "ssi_audit.panel", and nothing else between the quotes.
NAME_IN_STRING = re.compile(r"""["']\.*([A-Za-z_]\w*(?:\.\w+)*)["']""")


def notebook_cells(notebook: Path) -> list[dict]:
    """Cells of a notebook file, with `source` as one string.

    Read as JSON: importing nbformat would cost a second run its two seconds.
    """
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        source = cell["source"]
        cell["source"] = source if isinstance(source, str) else "".join(source)
    return cells


def notebook_code(notebook: Path) -> str:
    """Python of all code cells; lines that only IPython understands are left out."""
    code = [cell["source"] for cell in notebook_cells(notebook) if cell["cell_type"] == "code"]
    return "\n".join(line for line in "\n".join(code).splitlines() if not re.match(r"\s*[%!?]", line))


def used_modules(code: str) -> dict[str, Path]:
    """Modules of this package that a piece of code reaches, directly or through others.

    Returns
    -------
    dict of str to Path
        Module name → file, sorted by name.
    """
    found: set[tuple[str, bool]] = set()
    waiting = [(name, True) for name in _own_modules(_names(code))]
    while waiting:
        name, on_purpose = module = waiting.pop()
        if module in found:
            continue
        found.add(module)
        # Importing a.b runs a/__init__.py too: what that imports counts, what it could load on demand does not.
        names = _module_names(name)
        waiting.extend((other, True) for other in _own_modules(names.all | names.loadable if on_purpose else names.all))
        waiting.extend((parent, False) for parent in _parents(name))
    return {name: _modules()[name] for name, _ in sorted(found)}


def loaded_first(code: str) -> tuple[str, ...]:
    """Modules to import before a piece of code is run: its own ones, and what the drawing ones among them import later.

    Followed are imports at the top of modules only: with those inside functions would come the reading of exports,
    models that no page fits, and the making of reports, with every library they need.
    """
    own = list(_own_modules(_names(code)))
    found: set[str] = set()
    waiting = list(own)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend([*_own_modules(_module_names(name).at_once), *_parents(name)])
    allowed = {name.replace("-", "_").lower() for name in _dependencies()}
    drawing = {name for name in found if name.startswith(DRAWING)}
    names = _names(code).union(
        *(_module_names(name).at_once for name in found), *(_module_names(name).all for name in drawing)
    )
    return (*sorted(name for name in names if name.split(".")[0].lower() in allowed), *sorted(set(own)))


def source_fingerprint(*modules: str) -> str:
    """Sha256 of modules of this package, of all they use and of the package's data files.

    Parameters
    ----------
    *modules : str
        Dotted names, such as ``"ssi_audit.panel"``; none: the whole package.
    """
    if modules:
        files = used_modules("\n".join(f"import {name}" for name in modules)).values()
    else:
        files = (path for path in ROOT.rglob("*.py"))
    return fingerprint({**_digests(files), **_data_files()})


@cache
def library_versions() -> dict[str, str]:
    """Versions of Python and of the declared dependencies: another version may give another number."""
    versions = {name: importlib.metadata.version(name) for name in _dependencies()}
    return {"python": platform.python_version(), "machine": platform.machine(), **versions}


def notebook_fingerprint(notebook: Path) -> str:
    """Sha256 of a notebook without its outputs."""
    cells = notebook_cells(notebook)
    return fingerprint([(cell["cell_type"], cell["source"], cell["metadata"].get("tags", [])) for cell in cells])


def notebook_sources(notebook: Path) -> dict[str, str]:
    """Digest of the notebook and of each module and data file that it depends on."""
    own = {"notebook": notebook_fingerprint(notebook)}
    return {**own, **_digests(used_modules(notebook_code(notebook)).values()), **_data_files()}


def fingerprint(value: object) -> str:
    """Sha256 of a value made of dicts, lists, strings, numbers, booleans and None."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=True)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class _Names:
    """What a module imports, at its top or anywhere, and which of our modules it could load on demand."""

    at_once: frozenset[str]
    all: frozenset[str]
    loadable: frozenset[str]


def _names(code: str) -> frozenset[str]:
    return frozenset(_imports(code, package=""))


@cache
def _module_names(module: str) -> _Names:
    path = _modules()[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    code = path.read_text(encoding="utf-8")
    top = "\n".join(found[0] for found in IMPORT.finditer(code) if found[0].startswith(("import", "from")))
    return _Names(*map(frozenset, (_imports(top, package), _imports(code, package), _loadable(code, package))))


def _imports(code: str, package: str) -> Iterator[str]:
    for base, in_brackets, in_line in IMPORT.findall(code.replace("\\\n", " ")):
        named = COMMENT.sub("", in_brackets or in_line).split(",")
        names = [words[0] for words in map(str.split, named) if words]
        if not base:
            yield from names
            continue
        level = len(base) - len(base.lstrip("."))
        parts = package.split(".")[: len(package.split(".")) - level + 1] if level else []
        full = ".".join([*parts, *filter(None, [base[level:]])])
        yield from (f"{full}.{name}" for name in names)


def _loadable(code: str, package: str) -> Iterator[str]:
    """What could be loaded on demand: a name in a string, full or a neighbour's, or all modules of a folder."""
    for name in NAME_IN_STRING.findall(code):
        full = name if name.startswith(PACKAGE) else f"{package}.{name}"
        if full in _modules():
            yield full
    if OWN_FOLDER.search(code):
        yield from (f"{package}.{path.stem}" for path in _modules()[package].parent.glob("[!_]*.py"))


def _own_modules(names: Iterable[str]) -> Iterator[str]:
    """Modules of this package among names: `from a.b import c` names a module c, or a thing in module b."""
    for name in names:
        while name.split(".")[0] == PACKAGE:
            if name in _modules():
                yield name
                break
            name = name.rpartition(".")[0]


def _parents(module: str) -> Iterator[str]:
    while module := module.rpartition(".")[0]:
        yield module


@cache
def _modules() -> dict[str, Path]:
    """Modules of this package by dotted name."""
    found = {}
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join([PACKAGE, *(parts[:-1] if parts[-1] == "__init__" else parts)])] = path
    return found


def _digests(files: Iterable[Path]) -> dict[str, str]:
    return {path.relative_to(ROOT).as_posix(): _digest(path) for path in files}


def _digest(path: Path) -> str:
    """Sha256 of a file, read again only when the file system says that it changed."""
    status = path.stat()
    return _digest_at(path, status.st_mtime_ns, status.st_size, status.st_ino)


@cache
def _digest_at(path: Path, *_: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _data_files() -> dict[str, str]:
    """Files of the package that are not code: the register of claims, messages, templates."""
    files = (path for path in ROOT.rglob("*") if "__pycache__" not in path.parts and path.suffix != ".py")
    return _digests(path for path in files if path.is_file())


@cache
def _dependencies() -> tuple[str, ...]:
    """Names of the libraries that this package declares, extras and other systems' ones left out."""
    lines = importlib.metadata.requires("ssi-audit") or []
    return tuple(sorted(re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in lines if ";" not in line))
