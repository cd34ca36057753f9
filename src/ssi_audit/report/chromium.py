"""The browser that prints and photographs pages: found, started, and kept off the network.

Nothing of it is needed to make a report. It runs without a profile of the
user's, and every name resolves to nowhere, so a page can ask for nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ssi_audit.errors import Problem, SettingsError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
# Where the installers of Windows and macOS put it, which is not on the search path.
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
QUIET = (
    "--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--no-default-browser-check",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--font-render-hinting=none",
)  # fmt: skip
SECONDS = 120


def find_chromium() -> str | None:
    """Path of an installed Chromium, Chrome or Edge; None when there is none."""
    on_path = (shutil.which(name) for name in NAMES)
    installed = (place for place in PLACES if Path(place).is_file())
    return next((found for found in (*on_path, *installed) if found), None)


def run_chromium(page: Path, made: Path, options: Sequence[str]) -> Path:
    """Open a page without a window and let Chromium write one file from it.

    Parameters
    ----------
    page : Path
        An HTML file.
    made : Path
        The file that `options` make Chromium write; it is replaced only by a complete one.
    options : sequence of str
        With ``{}`` where the path of the file belongs.

    Raises
    ------
    SettingsError
        If there is no page or no browser, or if the browser writes nothing.
    """
    if not page.is_file():
        raise SettingsError(Problem(str(page), "no such page", "make the report first: make report"))
    browser = find_chromium()
    if browser is None:
        fix = "install Chromium or Chrome (Debian, Ubuntu: apt install chromium), or print index.html from any browser"
        raise SettingsError(Problem("", "no Chromium was found to print with", fix))
    # Chromium's own sandbox refuses to run as the superuser, as inside most containers.
    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / made.name
        given = [option.format(part) for option in options]
        command = [browser, *QUIET, *as_root, f"--user-data-dir={folder}/profile", *given, page.resolve().as_uri()]
        try:
            ran = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
            why = f"it ended with code {ran.returncode}"
        except subprocess.TimeoutExpired:
            why = f"it did not end within {SECONDS} seconds"
        if not part.is_file() or not part.stat().st_size:
            raise SettingsError(Problem(browser, f"Chromium wrote no {made.suffix[1:]}: {why}"))
        made.parent.mkdir(parents=True, exist_ok=True)
        beside = made.with_name(f".{made.name}.part")
        shutil.copyfile(part, beside)
        beside.replace(made)
    return made
