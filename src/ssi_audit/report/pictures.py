"""Pictures of the report for the README, made from the sample and never by hand.

`make pictures` makes the report of the sample in a folder of its own and
photographs its pages into docs/, so that a picture never shows what an older
version said.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from ssi_audit.errors import UserError
from ssi_audit.report.chromium import run_chromium

SIZE = (1280, 900)
# Name of the picture → page, and size of the window.
PICTURES = {
    "first-screen": ("index", SIZE),
    "at-equal-activity": ("03-regression-total", (1280, 1010)),
    "phone": ("index", (500, 900)),
}


def first_screen(report: Path | str, picture: Path | str, size: tuple[int, int] = SIZE, page: str = "index") -> Path:
    """Photograph the first screen of a page of a report.

    Parameters
    ----------
    report : path
        Folder of a report.
    picture : path
        PNG to write.
    size : (int, int)
        Width and height of the window in pixels.
    page : str
        Name of the page.

    Raises
    ------
    SettingsError
        If the folder holds no such page, or if no Chromium is installed.
    """
    options = (f"--window-size={size[0]},{size[1]}", "--screenshot={}")
    return run_chromium(Path(report) / f"{page}.html", Path(picture), options)


def photograph(report: Path | str, folder: Path | str) -> list[Path]:
    """Make all pictures of the README from a report that is there.

    Parameters
    ----------
    report : path
        Folder of a report.
    folder : path
        Where the pictures go.
    """
    return [first_screen(report, Path(folder) / f"{name}.png", size, page) for name, (page, size) in PICTURES.items()]


def main(folder: str = "docs") -> None:
    """Make the report of the sample in a folder of its own, and its pictures in `folder`."""
    from ssi_audit.report.build import make_report
    from ssi_audit.workspace import PROJECT

    with tempfile.TemporaryDirectory() as scratch:
        made = make_report(str(PROJECT / "data" / "sample"), Path(scratch) / "report")
        for picture in photograph(made.out, folder):
            print(f"Wrote {picture}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:2])
    except UserError as error:
        sys.exit(str(error))
