"""Which code a notebook is made to depend on."""

import ast

import pytest

from ssi_audit.report import sources
from tests.unit.report.notebook_maker import write_notebook


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of a few modules in the place of ours."""
    root = tmp_path / "ssi_audit"
    for folder in ("stats", "report/templates"):
        (root / folder).mkdir(parents=True)
    files = {
        "__init__.py": 'HOME = {"audit": "far"}\n',
        "near.py": "from ssi_audit import plain\n\n\ndef f():\n    import pandas.io\n    from .stats.core import g\n",
        "plain.py": "X = 1\n",
        "far.py": "Y = 1\n",
        "lonely.py": "Z = 1\n",
        "claims.toml": "a = 1\n",
        "report/__init__.py": "",
        "report/draw.py": "import os\n\ndef g():\n    import seaborn\n    from ssi_audit import near\n",
        "report/templates/dots.html.j2": "<b></b>",
        "stats/__init__.py": "",
        "stats/core.py": "from scipy import stats\nfrom .. import errors\n\ndef g(): pass\n",
        "errors.py": "",
    }
    for name, text in files.items():
        (root / name).write_text(text)
    monkeypatch.setattr(sources, "ROOT", root)
    fresh()
    yield root
    fresh()


def fresh():
    """Forget what was read: in a run no source changes, in these tests it does."""
    sources._module_names.cache_clear()
    sources._modules.cache_clear()


def test_modules_are_followed_through_imports_inside_functions(package):
    """A module reached through another one's function counts, relative imports too."""
    used = sources.used_modules("from ssi_audit.near import f")
    assert list(used) == [
        "ssi_audit", "ssi_audit.errors", "ssi_audit.near", "ssi_audit.plain", "ssi_audit.stats", "ssi_audit.stats.core",
    ]  # fmt: skip


def test_public_face_counts_for_what_it_loads_on_demand(package):
    """`import ssi_audit` itself depends on the modules that it names in strings."""
    assert "ssi_audit.far" in sources.used_modules("import ssi_audit as sa")
    assert "ssi_audit.far" not in sources.used_modules("import ssi_audit.plain")


def test_package_that_looks_into_its_own_folder_counts_whole(package):
    """Readers that are found by listing their folder belong to whoever uses that package."""
    (package / "stats" / "__init__.py").write_text("import pkgutil\nfound = pkgutil.iter_modules(__path__)\n")
    (package / "stats" / "other.py").write_text("")
    assert "ssi_audit.stats.other" in sources.used_modules("from ssi_audit import stats")
    assert "ssi_audit.stats.other" not in sources.used_modules("from ssi_audit.stats import core")


def test_similar_names_are_not_ours(package):
    """A package whose name begins like ours is not ours."""
    assert sources.used_modules("import ssi_auditor\nfrom ssi_audit_x import plain") == {}


def test_libraries_are_the_declared_ones(package):
    """Loaded first are declared dependencies that modules load too; the standard library and others are not."""
    found = sources.loaded_first("import os, torch, pandas.io\nfrom ssi_audit.stats import core")
    assert found == ("pandas.io", "scipy.stats", "ssi_audit.stats.core")


def test_what_draws_later_is_loaded_first(package):
    """A drawing module's functions load their libraries before the fork; what other modules do later waits."""
    assert sources.loaded_first("from ssi_audit.report.draw import g") == ("seaborn", "ssi_audit.report.draw")
    assert sources.loaded_first("from ssi_audit import near") == ("ssi_audit.near",)


@pytest.mark.parametrize(
    "code",
    [
        "import a, b.c as d  # why",
        "from a import (  # why\n    b,\n    c as d,  # because, of this\n)",
        "from .. import a, b",
        "from .a.b import c",
        "from . import (a)",
        "if x: import a; from b import c",
        "import a, \\\n    b",
        "try:\n\timport a\nexcept ImportError:\n\tfrom b import c, d",
        "x = 'import a'\nimport_b = 1",
    ],
)
def test_patterns_read_what_the_parser_reads(code):
    """All ways to write an import are found, with the names that Python itself sees."""
    assert set(sources._imports(code, "p.q")) == set(parsed_imports(code, "p.q"))


def test_no_import_of_the_package_is_passed_over():
    """The patterns find every import that the parser finds, in every module: one too few shows an old number."""
    for module, path in sources._modules().items():
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        code = path.read_text(encoding="utf-8")
        assert set(parsed_imports(code, package)) <= set(sources._imports(code, package)), module


def parsed_imports(code, package):
    """Names that Python's own parser sees imported."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parts, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("near.py", True),
        ("stats/core.py", True),
        ("claims.toml", True),
        ("report/templates/dots.html.j2", True),
        ("lonely.py", False),
        ("far.py", False),
    ],
)
def test_digest_changes_only_with_what_is_used(package, tmp_path, changed, expected):
    """A notebook's sources change with modules and data files it depends on, and with nothing else."""
    notebook = write_notebook(tmp_path / "n.ipynb", "# Q", "from ssi_audit.near import f")
    before = sources.notebook_sources(notebook)
    (package / changed).write_text((package / changed).read_text() + "\n# more\n")
    fresh()
    assert (sources.notebook_sources(notebook) != before) is expected


def test_outputs_of_a_notebook_do_not_matter(tmp_path):
    """Running a notebook in JupyterLab does not make it another notebook."""
    clean = write_notebook(tmp_path / "n.ipynb", "# Q", "1 + 1")
    before = sources.notebook_sources(clean)
    ran = clean.read_text().replace(
        '"outputs": []', '"outputs": [{"name": "stdout", "output_type": "stream", "text": "2"}]'
    )
    clean.write_text(ran.replace('"execution_count": null', '"execution_count": 7'))
    assert sources.notebook_sources(clean) == before


def test_magics_do_not_stop_the_reading(tmp_path):
    """Lines that only IPython understands are passed over."""
    notebook = write_notebook(tmp_path / "n.ipynb", "# Q", "%matplotlib inline\n!ls\nimport ssi_audit.schema")
    assert "ssi_audit.schema" in sources.used_modules(sources.notebook_code(notebook))


def test_every_module_of_the_package_can_be_read():
    """The real package has no import that the reading trips over."""
    assert "ssi_audit.schema" in sources.used_modules("import ssi_audit as sa")
    assert len(sources.source_fingerprint()) == len(sources.source_fingerprint("ssi_audit.panel")) == 64


def test_versions_cover_what_computes_and_draws():
    """Another version of a declared library makes another key."""
    assert {"python", "numpy", "pandas", "scipy", "matplotlib", "seaborn"} <= set(sources.library_versions())
