"""Sales Navigator: totals over a period, scores of its last day, actions by seat."""

from __future__ import annotations

import json

import pytest

from ssi_audit.exports.sales_navigator import (
    CUMULATIVE_NOTE,
    NO_SETUP,
    OTHER_ACTION,
    OUTCOME,
    SAME_ACTION,
    SUMMARY_ROW,
)

from .folders import SHARED, complaint, fates, named, needs_shared, reading

HEADER = "First Name,Last Name,Email,Days active,Searches performed,Profile views,Leads saved,SSI score"
REPORT = (
    f"{HEADER}\nAda,Berg,ada@x.example,19,84,412,33,63\nBo,Lind,bo@x.example,0,0,0,0,47\nCy,Moe,cy@x.example,,,,,\n"
)
NAME = "usage_2026-02-01_2026-02-28.csv"
PEOPLE = "person,email,salesnav_seat_id\nAda Berg,ada@x.example,31001\nBo Lind,bo@x.example,31002\n"
ACTIONS = "activityId,activityType,createdAt,seatId,memberIdentityKey\n"


def totals(read) -> dict[tuple[str, str], tuple]:
    """Person and metric → count, first and last day."""
    return {(row[0], row[2]): (row[3], row[4], row[1]) for row in named(read, "activity")}


def scores(read) -> dict[tuple[str, str], float]:
    """Person and day → total."""
    return {(row[0], row[1]): row[6] for row in named(read, "ssi")}


def test_totals_carry_their_first_day_and_scores_the_last(tmp_path):
    """A count is of the whole period; days active is a count of days; zeros of a seat in use are zeros."""
    read = reading(tmp_path, {NAME: REPORT})
    period = ("2026-02-01", "2026-02-28")
    assert totals(read) == {
        ("Ada Berg", "days_active"): (19, *period),
        ("Ada Berg", "searches"): (84, *period),
        ("Ada Berg", "profile_views"): (412, *period),
        ("Ada Berg", "leads_saved"): (33, *period),
        ("Bo Lind", "days_active"): (0, *period),
        ("Bo Lind", "searches"): (0, *period),
        ("Bo Lind", "profile_views"): (0, *period),
        ("Bo Lind", "leads_saved"): (0, *period),
    }
    assert scores(read) == {("Ada Berg", "2026-02-28"): 63, ("Bo Lind", "2026-02-28"): 47}
    assert CUMULATIVE_NOTE in read.tables.notes


def test_a_seat_that_was_never_set_up_has_no_zero_activity(tmp_path):
    """Cy has a name and no numbers: nothing is known of him."""
    read = reading(tmp_path, {NAME: REPORT})
    assert not any("Cy Moe" in row for row in named(read, "activity"))
    assert fates(read, NAME) == [(2, 3, "used", ""), (4, 4, "skipped", NO_SETUP)]


@pytest.mark.parametrize(
    ("name", "report", "settings"),
    [
        ("usage_02-01-2026_02-28-2026.csv", REPORT, {}),
        ("usage 2026-02.csv", REPORT, {}),
        ("usage.csv", f"Usage report,02/01/2026 - 02/28/2026\n\n{REPORT}", {}),
        ("usage.csv", REPORT, {"periods": {"usage.csv": ("2026-02-01", "2026-02-28")}}),
    ],
)
def test_the_period_comes_from_the_name_the_lines_above_or_the_settings(tmp_path, name, report, settings):
    """US days, a month, two days above the header, and the user's own answer."""
    read = reading(tmp_path, {name: report}, **settings)
    assert totals(read)["Ada Berg", "searches"] == (84, "2026-02-01", "2026-02-28")


def test_a_report_of_an_unknown_period_is_asked_about(tmp_path):
    """The problem names both ways to answer."""
    said = complaint(tmp_path, {"usage_2026-03-02.csv": REPORT})
    assert "neither the file nor its name says which" in said
    assert "[periods]" in said and "usage_2026-02-01_2026-02-28.csv" in said


def test_other_words_another_order_and_spare_columns_change_nothing(tmp_path):
    """No header line is known for certain: columns are found by their words."""
    header = "Profiles viewed,Seat Holder,Saved leads,InMail acceptance rate,Social Selling Index,Active days"
    report = f"{header},Number of searches\n412,Ada Berg,33,28.6%,63,19,84\n"
    read = reading(tmp_path, {NAME: report})
    found = {metric: count for (_, metric), (count, *_) in totals(read).items()}
    assert found == {"days_active": 19, "searches": 84, "profile_views": 412, "leads_saved": 33}
    assert scores(read) == {("Ada Berg", "2026-02-28"): 63}
    assert any("columns left alone: InMail acceptance rate" in note for note in read.tables.notes)


def test_the_users_map_names_columns_of_another_language(tmp_path):
    """[columns.activity] and [columns.ssi] answer for any language."""
    report = "Name,Aktive Tage,Suchen,Days active\nAda Berg,19,84,1\n"
    read = reading(tmp_path, {NAME: report}, columns={"activity": {"days_active": "Aktive Tage", "searches": "Suchen"}})
    found = {metric: count for (_, metric), (count, *_) in totals(read).items()}
    assert found == {"days_active": 19, "searches": 84}


def test_lines_of_totals_are_no_seats(tmp_path):
    """A total over all seats belongs to nobody."""
    read = reading(tmp_path, {NAME: f"{REPORT}Total,,,19,84,412,33,\n"})
    assert (5, 5, "skipped", SUMMARY_ROW) in fates(read, NAME)


def test_thousands_of_views_may_be_grouped(tmp_path):
    """A count has no decimals: 1,234 views are many."""
    read = reading(tmp_path, {NAME: f'{HEADER}\nAda,Berg,ada@x.example,19,84,"1,234",33,63\n'})
    assert totals(read)["Ada Berg", "profile_views"][0] == 1234


def test_actions_by_seat_are_dated_in_utc_month_first(tmp_path):
    """MM-DD-YYYY in UTC whatever the user says of his own files; the seat is known from people.csv."""
    rows = "a1,SEARCH_PERFORMED,02-03-2026 08:55:10,31001,\na2,PROFILE_VIEWED,02-04-2026 23:50:00,31002,AEM-1\n"
    files = {"activity_export.csv": ACTIONS + rows, "people.csv": PEOPLE}
    read = reading(tmp_path, files, day_first=True, timezone="Europe/Helsinki")
    assert [row[:4] for row in named(read, "activity")] == [
        ("Ada Berg", "2026-02-03", "searches", 1),
        ("Bo Lind", "2026-02-05", "profile_views", 1),
    ]


def test_actions_that_no_metric_counts_and_repeated_ones_are_left_out(tmp_path):
    """An unknown type is named in the ledger, an action exported twice counts once."""
    row = "a1,INMAIL_SENT,02-13-2026 08:55:10,31001,\n"
    rows = f"{row}{row}a2,FOLDER_MADE,02-13-2026 08:00:00,31001,\n"
    read = reading(tmp_path, {"activity_export.csv": ACTIONS + rows, "people.csv": PEOPLE})
    assert [row[2:4] for row in named(read, "activity")] == [("inmails_sent", 1)]
    assert fates(read, "activity_export.csv")[1:] == [(3, 3, "skipped", SAME_ACTION), (4, 4, "skipped", OTHER_ACTION)]


def test_outcomes_are_not_actions(tmp_path):
    """What others did with a message is not what the seat holder did."""
    read = reading(tmp_path, {"outcomes.csv": "activityId,activityType,outcome\na1,INMAIL_ACCEPTED,x\n"})
    assert fates(read, "outcomes.csv") == [(2, 2, "skipped", OUTCOME)]


SEATS = "Seat ID,Seat Holder,Seat Status,SSI,Establish your professional brand,Total connections,Leads saved\n"


def test_the_seat_export_gives_scores_and_the_names_behind_seat_ids(tmp_path):
    """Leads saved are a stock there; without people.csv its names tell whose the actions of a seat are."""
    files = {
        "seats_2026-03-02.csv": f"{SEATS}31001,Ada Berg,ACTIVE,63,17,2310,33\n31002,Bo Lind,ACTIVE,,,,\n",
        "activity_export.csv": f"{ACTIONS}a1,SEARCH_PERFORMED,02-23-2026 08:55:10,31001,\n",
    }
    read = reading(tmp_path, files)
    assert scores(read) == {("Ada Berg", "2026-03-02"): 63}
    assert [row[:4] for row in named(read, "activity")] == [("Ada Berg", "2026-02-23", "searches", 1)]
    assert (3, 3, "skipped", NO_SETUP) in fates(read, "seats_2026-03-02.csv")


def test_seats_of_no_day_are_asked_about(tmp_path):
    """A score needs its day."""
    assert "of which day" in complaint(tmp_path, {"seats.csv": f"{SEATS}31001,Ada Berg,ACTIVE,63,17,2310,33\n"})


def _rows(expected: dict, key: str) -> set[tuple]:
    return {(row["person"], row["date"], row["total"]) for row in expected[key]}


@pytest.mark.shared
@needs_shared
def test_the_shared_reports_give_their_rows(tmp_path):
    """Scores of the last day, totals of February for three seats and none for the fourth, seven actions."""
    source = SHARED / "fixtures"
    every = json.loads((source / "expected.json").read_text(encoding="utf-8"))
    name = "usage_report_2026-02-01_2026-02-28.csv"
    expected = every[f"salesnav/{name}"]
    people = (source / "people.csv").read_bytes()
    usage = reading(tmp_path / "a", {name: (source / "salesnav" / name).read_bytes(), "people.csv": people})
    assert {(row[0], row[1], row[6]) for row in named(usage, "ssi")} == _rows(expected, "ssi_rows")
    pillars = {row[0]: row[2:6] for row in named(usage, "ssi")}
    assert pillars["Nora Whitfield"] == (17, 15, 11, 20)
    found: dict[str, dict] = {}
    for (person, metric), (count, first, last) in totals(usage).items():
        assert [first, last] == expected["period"]
        found.setdefault(person, {})[metric] = count
    assert found == expected["activity_totals"]
    actions = (source / "salesnav" / "activity_export.csv").read_bytes()
    read = reading(tmp_path / "b", {"activity_export.csv": actions, "people.csv": people})
    rows = every["salesnav/activity_export.csv"]["rows"]
    assert {row[:4] for row in named(read, "activity")} == {
        (row["person"], row["date"], row["metric"], row["count"]) for row in rows
    }
