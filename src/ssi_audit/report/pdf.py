"""The answer on paper: `make pdf` prints index.html to two A4 pages that can be forwarded.

The layout is the print part of style.css; Chromium adds the tags that let a
screen reader follow the PDF.
"""

from __future__ import annotations

from pathlib import Path

from ssi_audit.report.chromium import run_chromium

FILE = "answer.pdf"


def print_pdf(report: Path | str) -> Path:
    """Print the first page of a report to ``answer.pdf`` beside it.

    Parameters
    ----------
    report : path
        Folder of a report.

    Raises
    ------
    SettingsError
        If the folder holds no report, or if no Chromium is installed; says what to install.
    """
    report = Path(report)
    options = ("--no-pdf-header-footer", "--export-tagged-pdf", "--print-to-pdf={}")
    return run_chromium(report / "index.html", report / FILE, options)
