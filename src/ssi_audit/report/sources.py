"""Which code a notebook depends on, found by reading imports, never by importing.

A notebook is run again only when something it uses changed, so its key needs
the source of every module it reaches. Imports inside functions count, and so
does a module named in a string (the public face loads its modules that way):
one run too many costs seconds, one too few shows an old number.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import json
import platform
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

PACKAGE = "ssi_audit"
ROOT = Path(__file__).resolve().parents[1]


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
        imported, loadable = _module_names(name)
        waiting.extend((other, True) for other in _own_modules(imported | loadable if on_purpose else imported))
        waiting.extend((parent, False) for parent in _parents(name))
    return {name: _module_file(name) for name, _ in sorted(found)}


def used_libraries(code: str) -> tuple[str, ...]:
    """Modules of declared dependencies that a piece of code imports, directly or through this package."""
    allowed = {name.replace("-", "_").lower() for name in _dependencies()}
    names = _names(code).union(*(_module_names(module)[0] for module in used_modules(code)))
    return tuple(sorted(name for name in names if name.split(".")[0].lower() in allowed))


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


def template_fingerprint() -> str:
    """Sha256 of the templates and the style of pages."""
    return fingerprint(_digests(path for path in (ROOT / "report" / "templates").iterdir() if path.is_file()))


@cache
def library_versions() -> dict[str, str]:
    """Versions of Python and of the declared dependencies: another version may give another number."""
    versions = {name: importlib.metadata.version(name) for name in _dependencies()}
    return {"python": platform.python_version(), "machine": platform.machine(), **versions}


def notebook_sources(notebook: Path) -> dict[str, str]:
    """Digest of the notebook and of each module and data file that it depends on."""
    cells = [(cell["cell_type"], cell["source"], cell["metadata"].get("tags", [])) for cell in notebook_cells(notebook)]
    own = {"notebook": fingerprint(cells)}
    return {**own, **_digests(used_modules(notebook_code(notebook)).values()), **_data_files()}


def fingerprint(value: object) -> str:
    """Sha256 of a value made of dicts, lists, strings, numbers, booleans and None."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _names(code: str) -> frozenset[str]:
    return frozenset(name for node in ast.walk(ast.parse(code)) for name in _imports(node, package=""))


@cache
def _module_names(module: str) -> tuple[frozenset[str], frozenset[str]]:
    """What a module imports, and which of our modules it could load on demand."""
    path = _module_file(module)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    imported, loadable = set(), set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        imported.update(_imports(node, package))
        loadable.update(_loadable(node, package))
    return frozenset(imported), frozenset(loadable)


def _imports(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        parts = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        base = ".".join([*parts, *([node.module] if node.module else [])])
        yield from (f"{base}.{alias.name}" for alias in node.names)


def _loadable(node: ast.AST, package: str) -> Iterator[str]:
    """What could be loaded on demand: a name in a string, full or a neighbour's, or all modules of a folder."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        name = node.value.lstrip(".")
        full = name if name.startswith(PACKAGE) else f"{package}.{name}"
        if all(part.isidentifier() for part in full.split(".")) and _module_file(full) is not None:
            yield full
    elif isinstance(node, ast.Name) and node.id == "__path__":
        yield from (f"{package}.{path.stem}" for path in _module_file(package).parent.glob("[!_]*.py"))


def _own_modules(names: Iterable[str]) -> Iterator[str]:
    """Modules of this package among names: `from a.b import c` names a module c, or a thing in module b."""
    for name in names:
        while name.split(".")[0] == PACKAGE:
            if _module_file(name) is not None:
                yield name
                break
            name = name.rpartition(".")[0]


def _parents(module: str) -> Iterator[str]:
    while module := module.rpartition(".")[0]:
        yield module


@cache
def _module_file(module: str) -> Path | None:
    package, *rest = module.split(".")
    if package != PACKAGE:
        return None
    path = ROOT.joinpath(*rest)
    for candidate in (path / "__init__.py", path.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


def _digests(files: Iterable[Path]) -> dict[str, str]:
    return {path.relative_to(ROOT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _data_files() -> dict[str, str]:
    """Files of the package that are not code, such as the register of claims; templates belong to pages."""
    files = (path for path in ROOT.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return _digests(path for path in files if path.suffix != ".py" and path.parent.name != "templates")


@cache
def _dependencies() -> tuple[str, ...]:
    """Names of the libraries that this package declares, extras and other systems' ones left out."""
    lines = importlib.metadata.requires("ssi-audit") or []
    return tuple(sorted(re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in lines if ";" not in line))
