"""Notebooks are thin, stripped, and run top to bottom as they are in JupyterLab's own way."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest

from ssi_audit.worlds import make_world, write_world

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MAX_LINES = 14


def code_cells(path: Path) -> list:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_thin(path):
    """No output, no function, no path, one parameters cell of plain literals, text beside the code."""
    notebook = nbformat.read(path, as_version=4)
    cells = code_cells(path)
    assert not any(cell.outputs or cell.execution_count for cell in cells)
    assert "papermill" not in notebook.metadata
    trees = [ast.parse(cell.source) for cell in cells]
    defined = [
        node
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Lambda))
    ]
    assert not defined
    assert all(len(cell.source.splitlines()) <= MAX_LINES for cell in cells)
    assert "parameters" in cells[0].metadata.get("tags", [])
    assert all(isinstance(node, ast.Assign) and _is_literal(node.value) for node in trees[0].body)
    n_text = sum(cell.cell_type == "markdown" for cell in notebook.cells)
    assert n_text >= len(cells) / 2
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith("# ")


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True


def test_there_are_notebooks():
    """The tests above cannot pass on an empty folder."""
    assert {"00-answer", "01-data-quality", "02-correlation", "03-regression"} <= {path.stem for path in NOTEBOOKS}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world") / "data"
    write_world(make_world("activity_gauge", 10, 30, 2), folder)
    return folder


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_as_in_jupyterlab(path, small, monkeypatch):
    """A plain kernel started in the notebook's own folder runs every cell without help from the report."""
    from nbclient import NotebookClient

    monkeypatch.chdir(FOLDER)
    notebook = nbformat.read(path, as_version=4)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    first.source += f"\ndata = {str(small)!r}"
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    ).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("text/html" in output.get("data", {}) for output in outputs)
    assert not [output for output in outputs if output.output_type == "error"]
