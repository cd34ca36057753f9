"""Content analytics in several languages: by shape, with the order of dates told by the days."""

from __future__ import annotations

import json

import pytest

from ssi_audit import schema
from ssi_audit.exports.linkedin_content import OTHER_SHEET

from .crm_files import workbook_of
from .folders import SHARED, complaint, fates, fill, named, needs_shared, reading

POST = "https://www.linkedin.com/feed/update/urn:li:activity:7100000000000000001"
ENGLISH = {
    "DISCOVERY": [["Overall Performance", "3/1/2026 - 3/3/2026"], ["Impressions", 30], ["Members reached", 12]],
    "ENGAGEMENT": [
        ["Date", "Impressions", "Engagements"],
        ["3/1/2026", 10, 1],
        ["3/2/2026", 0, 0],
        ["3/3/2026", 20, 4],
    ],
    "TOP POSTS": [
        ["Maximum of 50 posts", *[None] * 6],
        [None] * 7,
        ["Post URL", "Post publish date", "Engagements", None, "Post URL", "Post publish date", "Impressions"],
        [POST, "3/1/2026", 5, None, POST, "3/1/2026", 30],
    ],
    "FOLLOWERS": [
        ["Total followers on 3/3/2026:", 2214],
        [None, None],
        ["Date", "New followers"],
        ["3/1/2026", 2],
        ["3/2/2026", 0],
        ["3/3/2026", 1],
    ],
    "DEMOGRAPHICS": [["Top Demographics", "Value", "Percentage"], ["Job titles", "Founder", 0.061]],
}
SPANISH = {
    "INTERACCIÓN": [["Fecha", "Impresiones", "Interacciones"], ["30/10/2023", "1.204", "7"], ["31/10/2023", "12", "0"]],
    "PUBLICACIONES PRINCIPALES": ENGLISH["TOP POSTS"],
    "SEGUIDORES": [
        ["Total de seguidores el 31/10/2023:", "1.214"],
        [None, None],
        ["Fecha", "Nuevos seguidores"],
        ["30/10/2023", "3"],
        ["31/10/2023", "0"],
    ],
    "INFORMACIÓN DETALLADA": [["Datos", "Valor", "Porcentaje"], ["Cargos", "Socio", "< 1%"]],
}


def rows_of(read) -> list[tuple]:
    """Day, metric, count."""
    return [row[1:4] for row in named(read, "activity")]


def test_reach_by_day_with_days_of_none(tmp_path):
    """Every day is a row, zero days too; the month is first because then the days follow each other."""
    read = reading(tmp_path, {"AggregateAnalytics_Ada Berg_2026-03-01_2026-03-03.xlsx": workbook_of(ENGLISH)})
    assert list(read.tables.people["name"]) == ["Ada Berg"]
    assert rows_of(read) == [
        ("2026-03-01", "new_followers", 2),
        ("2026-03-01", "post_engagements", 1),
        ("2026-03-01", "post_impressions", 10),
        ("2026-03-02", "new_followers", 0),
        ("2026-03-02", "post_engagements", 0),
        ("2026-03-02", "post_impressions", 0),
        ("2026-03-03", "new_followers", 1),
        ("2026-03-03", "post_engagements", 4),
        ("2026-03-03", "post_impressions", 20),
    ]


def test_a_spanish_workbook_is_known_by_its_shape(tmp_path):
    """Other sheet names, days first, numbers as text with grouping points."""
    read = reading(tmp_path, {"Contenido Ada Berg.xlsx": workbook_of(SPANISH)})
    assert rows_of(read) == [
        ("2023-10-30", "new_followers", 3),
        ("2023-10-30", "post_engagements", 7),
        ("2023-10-30", "post_impressions", 1204),
        ("2023-10-31", "new_followers", 0),
        ("2023-10-31", "post_engagements", 0),
        ("2023-10-31", "post_impressions", 12),
    ]


def test_the_order_of_dates_is_told_by_days_that_follow_each_other(tmp_path):
    """1/3, 2/3, 3/3 in a European export are three days of March: read the other way they are months apart."""
    european = {
        "VUORIT": [["Päivä", "Näyttökerrat", "Reaktiot"], ["1/3/2026", 10, 1], ["2/3/2026", 11, 2], ["3/3/2026", 9, 1]],
        "SEURAAJAT": [["Seuraajia 3/3/2026:", 90], [], ["Päivä", "Uudet"], ["1/3/2026", 1], ["2/3/2026", 0]],
    }
    days = {day for day, *_ in rows_of(reading(tmp_path, {"Ada Berg.xlsx": workbook_of(european)}))}
    assert days == {"2026-03-01", "2026-03-02", "2026-03-03"}


def test_a_single_day_that_fits_both_orders_is_asked_about(tmp_path):
    """One row cannot tell; the answer names the setting."""
    one = {name: [list(row) for row in rows[:-2]] for name, rows in ENGLISH.items() if len(rows) > 3}
    one["ENGAGEMENT"][1][0] = one["FOLLOWERS"][3][0] = "3/4/2026"
    assert "day_first" in complaint(tmp_path, {"Ada Berg.xlsx": workbook_of(one)})
    read = reading(tmp_path, day_first=False)
    assert {day for day, *_ in rows_of(read)} == {"2026-03-04"}


def test_other_sheets_are_in_the_ledger_as_left_out(tmp_path):
    """Totals, single posts and groups of readers are counted and not used."""
    read = reading(tmp_path, {"Ada Berg.xlsx": workbook_of(SPANISH)})
    assert fates(read, "Ada Berg.xlsx") == [(2, 3, "used", "")]
    assert fates(read, "Ada Berg.xlsx [SEGUIDORES]") == [(4, 5, "used", "")]
    assert fates(read, "Ada Berg.xlsx [INFORMACIÓN DETALLADA]") == [(1, 2, "skipped", OTHER_SHEET)]


def test_of_two_exports_the_larger_reach_of_a_day_counts(tmp_path):
    """LinkedIn raises the numbers of the last days later on."""
    later = {**ENGLISH, "ENGAGEMENT": [*ENGLISH["ENGAGEMENT"][:3], ["3/3/2026", 25, 5]]}
    read = reading(tmp_path, {"ada berg/1.xlsx": workbook_of(ENGLISH), "ada berg/2.xlsx": workbook_of(later)})
    assert ("2026-03-03", "post_impressions", 25) in rows_of(read)
    assert len(rows_of(read)) == 9


def test_reach_is_not_activity():
    """No metric of this reader is among those a member's activity is made of."""
    assert not {"post_impressions", "post_engagements", "new_followers"} & set(schema.ACTIVITY_METRICS)


@pytest.mark.parametrize(
    "sheets",
    [
        {"Daily": [["Day", "Calls", "Mails"], ["3/1/2026", 10, 1], ["3/2/2026", 0, 0]]},
        {"A": [["x"]], "B": [["3/1/2026", 1, 2]]},
    ],
)
def test_other_workbooks_are_left_to_others(tmp_path, sheets):
    """A day and two numbers a row alone could be anything."""
    read = reading(fill(tmp_path, {"x.xlsx": workbook_of(sheets)}))
    assert "LinkedIn content analytics" not in read.kinds.values()


@pytest.mark.shared
@needs_shared
def test_the_shared_workbook_gives_its_9_rows(tmp_path):
    """Three days of three metrics for the one person who is called so in people.csv."""
    name = "linkedin_content_nora_2026-02-23_2026-02-25.xlsx"
    source = SHARED / "fixtures"
    files = {name: (source / name).read_bytes(), "people.csv": (source / "people.csv").read_bytes()}
    expected = json.loads((source / "expected.json").read_text(encoding="utf-8"))[name]["rows"]
    found = {row[:4] for row in named(reading(tmp_path, files), "activity")}
    assert found == {(row["person"], row["date"], row["metric"], row["count"]) for row in expected}
