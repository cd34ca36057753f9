"""What was received twice counts once, and the ledger says so."""

from __future__ import annotations

from tests.unit.exports.folders import SSI_HEADER, fates, named, reading

DUPLICATE = "exact duplicate"
OTHER = "another reading of the same day counts"


def ssi(*rows: str) -> str:
    return "\n".join([SSI_HEADER, *rows, ""])


def test_later_row_of_a_day_counts(tmp_path):
    """Two readings on a day in one file: the lower row counts."""
    read = reading(tmp_path, {"ssi.csv": ssi("Ann,2026-03-02,10,10,10,10,40", "Ann,2026-03-02,11,10,10,10,41")})
    assert named(read, "ssi")[0][2] == 11
    assert fates(read, "ssi.csv") == [(2, 2, "skipped", OTHER), (3, 3, "used", "")]


def test_later_time_of_a_day_counts_whatever_the_order(tmp_path):
    """Where the time is known it decides, not the row and not the file."""
    read = reading(
        tmp_path,
        {
            "a.csv": ssi("Ann,2026-03-02 18:00,11,10,10,10,41", "Ann,2026-03-02 09:00,10,10,10,10,40"),
            "b.csv": ssi("Ann,2026-03-02 17:00,12,10,10,10,42"),
        },
    )
    assert [row[2] for row in named(read, "ssi")] == [11]


def test_exact_twins_are_told_from_other_readings(tmp_path):
    """The same values, 32-bit leftovers aside, are a duplicate; other values are another reading."""
    read = reading(
        tmp_path,
        {
            "a.csv": ssi("Ann,2026-03-02,8.75,10,10,10,38.75"),
            "b.csv": ssi("Ann,2026-03-02,8.750002,10,10,10,38.750002"),
        },
    )
    assert fates(read, "a.csv") == [(2, 2, "skipped", DUPLICATE)]


def test_fuller_and_more_exact_reading_counts_between_files(tmp_path):
    """A team sheet rounds what an answer gives exactly: the exact one counts, whichever file comes first."""
    exact = ssi("Ann,2026-03-02,10.123,10,10,10,40.123")
    for names in (("a.csv", "b.csv"), ("b.csv", "a.csv")):
        files = dict(zip(names, (exact, "person,date,total\nAnn,2026-03-02,40\n")))
        assert named(reading(tmp_path / names[0], files), "ssi")[0][2:7] == (10.123, 10, 10, 10, 40.123)


def test_same_person_under_two_spellings_is_one_day(tmp_path):
    """Readings are compared after persons are resolved."""
    read = reading(
        tmp_path,
        {
            "people.csv": "person,email\nAnn Lee,ann@x.example\n",
            "ssi.csv": ssi("Ann Lee,2026-03-02,10,10,10,10,40", "ann@x.example,2026-03-02,10,10,10,10,40"),
        },
    )
    assert len(read.tables.ssi) == 1


def test_activity_in_two_files_counts_the_larger(tmp_path):
    """Two archives of overlapping time: of the same day and metric the larger count."""
    head = "person,date,metric,count\n"
    read = reading(
        tmp_path,
        {
            "activity_1.csv": f"{head}Ann,2026-03-01,posts,2\nAnn,2026-03-02,posts,1\n",
            "activity_2.csv": f"{head}Ann,2026-03-02,posts,3\nAnn,2026-03-03,posts,1\n",
        },
    )
    assert [(row[1], row[3]) for row in named(read, "activity")] == [
        ("2026-03-01", 2),
        ("2026-03-02", 3),
        ("2026-03-03", 1),
    ]
    assert fates(read, "activity_1.csv") == [(2, 2, "used", ""), (3, 3, "skipped", "counted in another file too")]


def test_period_totals_are_no_daily_counts(tmp_path):
    """A total over a month and a day's count of the same date stand side by side."""
    read = reading(
        tmp_path,
        {
            "activity.csv": "person,date,metric,count,first_day\nAnn,2026-02-28,searches,84,2026-02-01\n"
            "Ann,2026-02-28,searches,3,\n",
        },
    )
    assert {(row[3], row[4]) for row in named(read, "activity")} == {(84, "2026-02-01"), (3, None)}


def test_deal_in_two_exports_counts_once(tmp_path):
    """A deal is opened and won once; the later export says on which day and by whom."""
    head = "person,date,kind,amount,currency,source,deal\n"
    read = reading(
        tmp_path,
        {
            "crm_events_1.csv": f"{head}Ann,2026-01-05,opportunity,100,EUR,Web,D1\n",
            "crm_events_2.csv": f"{head}Bo,2026-01-05,opportunity,120,EUR,Web,D1\n"
            "Bo,2026-02-05,deal_won,120,EUR,Web,D1\n",
        },
    )
    assert [(row[0], row[2], row[3]) for row in named(read, "crm_events")] == [
        ("Bo", "opportunity", 120), ("Bo", "deal_won", 120),
    ]  # fmt: skip
    assert fates(read, "crm_events_1.csv") == [(2, 2, "skipped", "the same event in another row or export")]


def test_events_without_an_id_are_never_merged(tmp_path):
    """Two inquiries on one day are two inquiries; meetings of one deal are many."""
    read = reading(
        tmp_path,
        {
            "crm_events.csv": "person,date,kind,deal\nAnn,2026-01-05,inquiry,\nAnn,2026-01-05,inquiry,\n"
            "Ann,2026-01-05,meeting,D1\nAnn,2026-01-05,meeting,D1\n"
        },
    )
    assert [row[2] for row in named(read, "crm_events")] == ["inquiry", "inquiry", "meeting", "meeting"]
