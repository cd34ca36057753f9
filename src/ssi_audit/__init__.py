"""Does LinkedIn's Social Selling Index say anything about sales?

The public face of design.md section 6. Names are loaded when they are first
used, so that ``import ssi_audit`` and ``ssi-audit --help`` stay quick.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "Audit": "results",
    "Cell": "results",
    "ClaimResult": "results",
    "Correlation": "results",
    "DataError": "errors",
    "Fit": "results",
    "NotEnoughData": "errors",
    "Settings": "settings",
    "SettingsError": "errors",
    "Tables": "schema",
    "audit": "evidence",
    "build_panel": "panel",
    "correlate": "links",
    "decide": "evidence",
    "load_settings": "settings",
    "read_exports": "exports",
    "regress": "models",
    "test_claims": "claims",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'ssi_audit' has no attribute {name!r}")
    return getattr(importlib.import_module(f"ssi_audit.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOME]
