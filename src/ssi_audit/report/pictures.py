"""Pictures of the report for the README, made from the sample and never by hand.

`python -m ssi_audit.report.pictures REPORT PICTURE.png` photographs the first
screen of a report that was made before.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ssi_audit.errors import UserError
from ssi_audit.report.chromium import run_chromium

SIZE = (1280, 900)


def first_screen(report: Path | str, picture: Path | str, size: tuple[int, int] = SIZE) -> Path:
    """Photograph the first screen of a report.

    Parameters
    ----------
    report : path
        Folder of a report.
    picture : path
        PNG to write.
    size : (int, int)
        Width and height of the window in pixels.

    Raises
    ------
    SettingsError
        If the folder holds no report, or if no Chromium is installed.
    """
    options = (f"--window-size={size[0]},{size[1]}", "--screenshot={}")
    return run_chromium(Path(report) / "index.html", Path(picture), options)


if __name__ == "__main__":
    try:
        print(f"Wrote {first_screen(*sys.argv[1:3])}")
    except UserError as error:
        sys.exit(str(error))
