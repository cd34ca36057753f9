"""Was this report made from these data, settings and code?

The footer's fingerprints are in ``answer.json``; this compares them with what
lies on the disk now, and the files of the report with their manifest.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from ssi_audit import workspace
from ssi_audit.errors import DataError, Problem
from ssi_audit.settings import load_settings


@dataclass(frozen=True)
class Check:
    """One comparison: what it is about, whether it holds, and what was found."""

    what: str
    holds: bool
    found: str


def verify(report: Path, data: str) -> list[Check]:
    """Compare a report with data, settings and code.

    Raises
    ------
    DataError
        If the folder holds no report of ours.
    """
    from ssi_audit.report.build import _KNOWN, NOTEBOOKS
    from ssi_audit.report.publish import read_manifest
    from ssi_audit.report.run import report_key

    manifest = read_manifest(report)
    try:
        answer = json.loads((report / "answer.json").read_text(encoding="utf-8"))
        data_then, sample = answer["data"]["fingerprint"], answer["data"]["sample"]
        settings_then, version_then = answer["settings_fingerprint"], answer["version"]
    except (OSError, ValueError, KeyError, TypeError) as error:  # also somebody else's answer.json
        raise DataError(
            Problem(str(report), "no report of ssi-audit here", "name the folder with answer.json")
        ) from error
    folder, _ = workspace.find_data(data)
    # `load_settings` without options: a report made with options on the command line differs here, and says so.
    settings = load_settings(folder)
    data_now = workspace.fingerprint(folder)
    checks = [
        _same("data", data_then, data_now),
        _same("settings", settings_then, settings.fingerprint()),
        _same("version", version_then, version("ssi-audit")),
    ]
    if manifest is not None:
        # Everything that went into the report has one key; with its own data and settings, what is left is the code.
        notebooks = [path for path in sorted(NOTEBOOKS.glob("*.ipynb")) if path.stem in _KNOWN]
        made_from = {"data": data_then, "settings": settings_then}
        keys = [report_key(notebooks, **made_from, sample=sample, skip_unreadable=skipped) for skipped in (False, True)]
        now = manifest.run_key if manifest.run_key in keys else keys[0]
        checks.append(_same("code and libraries", manifest.run_key, now))
    files = manifest.files if manifest else {}
    changed = [name for name, digest in sorted(files.items()) if _digest(report / name) != digest]
    told = f"{len(files)} files as written" if files and not changed else f"changed: {', '.join(changed[:5])}"
    checks.append(Check("files of the report", bool(files) and not changed, told if files else "no manifest"))
    return checks


def _same(what: str, then: str, now: str) -> Check:
    then = str(then)
    short = f"{then[:12]} in the report, {now[:12]} now"
    return Check(what, then == now, then[:12] if then == now else short)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
