"""Settings: defaults, unknown names, wrong values."""

from __future__ import annotations

import pytest

from ssi_audit.errors import SettingsError
from ssi_audit.settings import Settings, load_settings


def write(folder, text):
    (folder / "ssi-audit.toml").write_text(text, encoding="utf-8")
    return folder


def test_defaults_without_a_file(tmp_path):
    """No settings file means the recommended analysis."""
    assert load_settings(tmp_path) == Settings()


def test_all_problems_at_once_with_the_nearest_name(tmp_path):
    """Misspelt names and wrong values are all listed, each with a fix."""
    write(tmp_path, 'perod = "month"\nmin_group = 1\ntimezone = "Mars/Base"\n[sesoi]\nsales = 1.1\n')
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path)
    text = str(caught.value)
    assert "ssi-audit.toml: 4 problems" in text
    assert 'unknown setting "perod"' in text
    assert 'did you mean "period"?' in text
    assert "min_group" in text
    assert "Mars/Base" in text
    assert "unknown outcome 'sales'" in text


def test_broken_toml_names_the_line(tmp_path):
    """A file that is no TOML says where."""
    with pytest.raises(SettingsError, match="line 1"):
        load_settings(write(tmp_path, "organisation = Acme"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("organisation = 3", '"organisation" = 3: expected text in quotes'),
        ('own_domains = "firm.example"', "expected a list, ["),
        ('persons = "Ada"', "expected a table: [persons] on a line of its own"),
        ('show_names = "maybe"', "expected true or false, without quotes"),
        ('day_first = "yes, please"', '"day_first" = '),
        ('start = "March"', "expected a day like 2025-01-31"),
        ("end = 20250131", "expected a day like 2025-01-31"),
        ('min_group = "many"', "expected a whole number, without quotes"),
    ],
)
def test_wrong_types_are_told_in_words_of_the_file(tmp_path, line, expected):
    """Nobody who keeps a settings file knows what a tuple or a dictionary is."""
    with pytest.raises(SettingsError) as caught:
        load_settings(write(tmp_path, line))
    assert expected in str(caught.value)
    assert not any(word in str(caught.value) for word in ("tuple", "dict", "datetime", "input should"))


def test_command_line_wins_over_the_file(tmp_path):
    """Options that were given override the file; those that were not leave it alone."""
    write(tmp_path, 'period = "month"\nlanguage = "pl"\n')
    assert load_settings(tmp_path, language="it", period=None) == Settings(period="month", language="it")


def test_sesoi_is_completed_with_defaults():
    """Naming one outcome keeps the others."""
    assert Settings(sesoi={"deals": 1.2}).sesoi["deals"] == 1.2
    assert Settings(sesoi={"deals": 1.2}).sesoi["inquiries"] == 1.10


def test_fingerprint_follows_every_option():
    """Another value, another fingerprint."""
    assert Settings().fingerprint() == Settings().fingerprint()
    assert Settings().fingerprint() != Settings(seed=2).fingerprint()
