"""Small notebooks for tests, written as a list of cells."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook


def write_notebook(path: Path, *cells: str, parameters: str = "") -> Path:
    """Write a notebook: texts that begin with # and a space are Markdown, all others code.

    Parameters
    ----------
    path : Path
    *cells : str
    parameters : str
        Source of the cell tagged ``parameters``, placed second.
    """
    made = [
        new_markdown_cell(text) if text.startswith(("# ", "## ", "Text:")) else new_code_cell(text) for text in cells
    ]
    if parameters:
        made.insert(1, new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    for number, cell in enumerate(made):
        cell["id"] = f"c{number}"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=made), path)
    return path
