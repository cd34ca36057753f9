"""Pictures for the README: which pages, at which size, and nothing without a browser."""

from __future__ import annotations

import pytest

from ssi_audit.errors import SettingsError
from ssi_audit.report import pictures


def test_every_picture_is_of_a_page_of_the_report(tmp_path, monkeypatch):
    """Each name of PICTURES is one PNG of its page at its size."""
    taken = []
    monkeypatch.setattr(pictures, "run_chromium", lambda page, made, options: taken.append((page, options)) or made)
    made = pictures.photograph(tmp_path / "report", tmp_path / "docs")
    assert [path.name for path in made] == [f"{name}.png" for name in pictures.PICTURES]
    assert [page.name for page, _ in taken] == [f"{page}.html" for page, _ in pictures.PICTURES.values()]
    assert [options[0] for _, options in taken] == [
        f"--window-size={width},{height}" for _, (width, height) in pictures.PICTURES.values()
    ]


def test_the_first_screen_has_the_size_at_which_all_of_it_is_seen():
    """ux.md section 2."""
    assert pictures.PICTURES["first-screen"] == ("index", (1280, 900))


def test_a_folder_without_a_report_is_named(tmp_path):
    """And what to do first."""
    with pytest.raises(SettingsError, match="make the report first"):
        pictures.photograph(tmp_path, tmp_path)
    assert not list(tmp_path.iterdir())
