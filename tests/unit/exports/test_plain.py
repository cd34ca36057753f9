"""The plain format: headers, checks, messages, Parquet."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from tests.unit.exports.folders import SSI_HEADER, complaint, fates, named, reading

ROW = "Ann Lee,2026-03-02,10,10,10,10,40"


def test_ssi_in_any_column_order(tmp_path):
    """Columns are found by name; extra columns are left alone and listed."""
    read = reading(tmp_path, {"scores.csv": "mood,Total,Date,Person\nfine,61,2026-03-02,Ann Lee\n"})
    assert named(read, "ssi") == [("Ann Lee", "2026-03-02", None, None, None, None, 61, None, None)]
    assert "scores.csv: columns left alone: mood" in read.tables.notes


def test_own_column_names_through_the_settings(tmp_path):
    """The setting columns.ssi maps a header of the user's own."""
    text = "who,date,brand,people,insights,relacoes\nAnn Lee,2026-03-02,10,11,12,13\n"
    read = reading(tmp_path, {"scores.csv": text}, columns={"ssi": {"person": "who", "relationships": "relacoes"}})
    assert named(read, "ssi")[0][2:7] == (10, 11, 12, 13, 46)


@pytest.mark.parametrize(
    ("header", "missing", "line"),
    [
        ("who,date,brand,people,insights,relationships,total", "person", 'person = "'),
        ("person,date,brand,people,insights,relatoinships,total", "relationships", 'relationships = "relatoinships"'),
        ("person,dat,brand,people,insights,relationships,total", "date", 'date = "dat"'),
    ],
)
def test_missing_column_is_named_with_what_was_found(tmp_path, header, missing, line):
    """The message names the columns found and the line that maps the nearest."""
    text = complaint(tmp_path, {"ssi.csv": f"{header}\n{ROW}\n"})
    assert f'column "{missing}" is missing. Found: {header.replace(",", ", ")}' in text
    assert f"-> add to ssi-audit.toml:  [columns.ssi]  {line}" in text


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "Ann,2026-03-02,27.5,10,10,10,40",
            'row 2, "brand" = 27.5: a pillar cannot exceed 25. Is the decimal sign wrong?',
        ),
        ("Ann,2026-03-02,-1,10,10,10,40", 'row 2, "brand" = -1 cannot be negative'),
        ("Ann,2026-03-02,10,10,10,10,140", 'row 2, "total" = 140: the index is a number from 0 to 100'),
        ("Ann,2026-03-02,ten,10,10,10,40", 'row 2, "brand" = ten is not a number'),
        ("Ann,2026-02-30,10,10,10,10,40", 'row 2, "date" = 2026-02-30 is not a date that can be right'),
        ("Ann,,10,10,10,10,40", 'row 2, "date" is empty: every row needs a day'),
    ],
)
def test_values_out_of_range_are_named_with_row_and_column(tmp_path, row, message):
    """Range errors stop the run and say which cell it is."""
    assert message in complaint(tmp_path, {"ssi.csv": f"{SSI_HEADER}\n{row}\n"})


def test_leftovers_of_32_bit_numbers_are_in_range(tmp_path):
    """25.000002 is a full pillar."""
    read = reading(tmp_path, {"ssi.csv": f"{SSI_HEADER}\nAnn,2026-03-02,25.000002,10,10,10,55\n"})
    assert named(read, "ssi")[0][2] == 25


def test_total_far_from_its_pillars_is_noted(tmp_path):
    """A total more than one point off is used and said aloud; a rounded one is silent."""
    files = {"ssi.csv": f"{SSI_HEADER}\nAnn,2026-03-02,10,10,10,10,45\nAnn,2026-03-03,10.4,10,10,10,40\n"}
    read = reading(tmp_path, files)
    assert any("in 1 rows the total is more than 1 away" in note for note in read.tables.notes)
    assert len(read.tables.ssi) == 2


def test_ambiguous_dates_name_the_setting_for_the_column(tmp_path):
    """The question names the column and both ways to answer it; the answer is taken."""
    files = {"ssi.csv": f"{SSI_HEADER}\nAnn,03/04/2025,10,10,10,10,40\n"}
    text = complaint(tmp_path, files)
    assert 'column "date": 03/04/2025 can be day first or month first' in text
    assert '[day_first]  "ssi.csv:date" = true' in text
    assert named(reading(tmp_path, files, day_first=True), "ssi")[0][1] == "2025-04-03"
    assert named(reading(tmp_path, files, day_first={"ssi.csv:date": False}), "ssi")[0][1] == "2025-03-04"


def test_ambiguous_amounts_name_the_setting(tmp_path):
    """12,500 in every row of the amounts is asked about; another column of the file can settle it."""
    head = "person,date,kind,amount,note\nAnn,2026-03-02,deal_won,"
    text = complaint(tmp_path / "1", {"crm_events.csv": head + '"12,500",\n'})
    assert 'column "amount": 12,500 can be 12.5 or 12500' in text
    read = reading(tmp_path / "2", {"crm_events.csv": head + '"12,500",1.5\n'})
    assert named(read, "crm_events")[0][3] == 12500
    assert any("the decimal sign is that of the other columns" in note for note in read.tables.notes)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("activity.csv", "person,date,metric,count\nAnn,2026-03-02,post,1\n", '"metric" = post is not known'),
        ("activity.csv", "person,date,metric,count\nAnn,2026-03-02,posts,-1\n", '"count" = -1 cannot be negative'),
        (
            "activity.csv",
            "person,date,metric,count,first_day\nAnn,2026-03-02,posts,1,2026-03-05\n",
            '"first_day" = 2026-03-05 is later than the date of the row',
        ),
        (
            "crm_events.csv",
            "person,date,kind\nAnn,2026-03-02,sale\n",
            "one of: inquiry, meeting, opportunity, deal_won",
        ),
        ("crm_events.csv", "person,date,kind,currency\nAnn,2026-03-02,meeting,euros\n", "use a code of three letters"),
        (
            "quotas.csv",
            "person,period_start,period_end,quota\nAnn,2026-03-02,2026-01-02,5\n",
            "is before the start of the period",
        ),
        ("absences.csv", "person,first_day,last_day\nAnn,2026-03-02,2026-03-01\n", "is before the first day"),
        ("people.csv", "name,email\nAnn,a@x.example\n", 'column "person" is missing. Found: name, email'),
    ],
)
def test_checks_of_the_other_tables(tmp_path, file, text, message):
    """Words that are not known and values that cannot be are named."""
    assert message in complaint(tmp_path, {file: text})


def test_nearest_word_is_suggested(tmp_path):
    """A misspelt kind comes with the nearest known one."""
    assert "did you mean deal_won?" in complaint(
        tmp_path, {"crm_events.csv": "person,date,kind\nAnn,2026-03-02,dealwn\n"}
    )


def test_words_are_known_in_any_spelling(tmp_path):
    """Profile Views and Deal won are metrics and kinds."""
    read = reading(
        tmp_path,
        {
            "activity.csv": 'person,date,metric,count\nAnn,2026-03-02,Profile Views,"1,100"\n',
            "crm_events.csv": "person,date,kind,currency\nAnn,2026-03-02,Deal won,€\n",
        },
    )
    assert named(read, "activity")[0][2:4] == ("profile_views", 1100)
    assert named(read, "crm_events")[0][2:5] == ("deal_won", None, "EUR")


def test_repeated_counts_of_a_file(tmp_path):
    """The same count twice counts once, of two counts for a day the larger; a row without a count is no zero."""
    rows = ["Ann,2026-03-02,posts,1", "Ann,2026-03-02,posts,1", "Ann,2026-03-02,posts,4", "Ann,2026-03-03,posts,"]
    read = reading(tmp_path, {"activity.csv": "person,date,metric,count\n" + "\n".join(rows)})
    assert [(row[1], row[3]) for row in named(read, "activity")] == [("2026-03-02", 4)]
    assert [fate[3] for fate in fates(read, "activity.csv")] == [
        "another count for the same day and metric; the larger counts", "exact duplicate", "", "no count in this row",
    ]  # fmt: skip


def test_ragged_lines_are_named(tmp_path):
    """A line with too few cells is a problem, one with empty cells too many is mended."""
    text = complaint(tmp_path / "1", {"ssi.csv": f"{SSI_HEADER}\nAnn,2026-03-02,10\n{ROW}\n"})
    assert "row 2 has 3 fields, the header has 7" in text
    read = reading(tmp_path / "2", {"ssi.csv": f"{SSI_HEADER}\n{ROW}\n{ROW.replace('02', '03')},,\n"})
    assert fates(read, "ssi.csv")[1] == (3, 3, "repaired", "empty cells behind the last column")


def test_header_that_occurs_twice_is_a_question(tmp_path):
    """Two columns of one name with different values cannot both be meant."""
    text = complaint(tmp_path / "1", {"ssi.csv": "person,date,total,total\nAnn,2026-03-02,40,41\n"})
    assert 'column "total" stands in the header twice' in text
    read = reading(tmp_path / "2", {"ssi.csv": "person,date,total,total\nAnn,2026-03-02,40,40\n"})
    assert len(read.tables.ssi) == 1


def test_shares_of_one_are_ranks_in_per_cent(tmp_path):
    """A spreadsheet's 5 % arrives as 0.05."""
    read = reading(tmp_path, {"ssi.csv": "person,date,total,industry_rank\nAnn,2026-03-02,40,0.05\n"})
    assert named(read, "ssi")[0][7] == pytest.approx(5)


def test_parquet_reads_as_the_same_table(tmp_path):
    """The same columns as Parquet, typed or as text, give the same rows as CSV."""
    frame = pd.DataFrame(
        {
            "person": ["Ann Lee", "Bo"],
            "date": pd.to_datetime(["2026-03-02", "2026-03-03"]),
            "metric": pd.Categorical(["posts", "searches"]),
            "count": [1, 1234],
        }
    )
    wanted = named(reading(tmp_path / "csv", {"activity.csv": frame.to_csv(index=False)}), "activity")
    for name, own in (("typed", frame), ("text", frame.astype("str"))):
        buffer = io.BytesIO()
        own.to_parquet(buffer)
        assert named(reading(tmp_path / name, {"a.parquet": buffer.getvalue()}), "activity") == wanted


def test_a_count_repeated_far_below_counts_once(tmp_path):
    """A million rows lie between a count and its repetition, and between a clear date and one that needs it."""
    days = np.datetime64("2026-02-13") + np.arange(2)
    date = np.resize(days, 1_000_002).astype("datetime64[D]").astype(object)
    text = pd.Series(date).map({day: day.strftime("%d/%m/%Y") for day in set(date)})
    text.iloc[-1] = "03/02/2026"
    frame = pd.DataFrame({"person": "Ann", "date": text, "metric": "posts", "count": 5})
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    read = reading(tmp_path, {"activity.parquet": buffer.getvalue()})
    assert sorted(read.tables.activity["date"].dt.strftime("%Y-%m-%d")) == ["2026-02-03", "2026-02-13", "2026-02-14"]
    assert read.tables.activity["count"].tolist() == [5, 5, 5]


def test_parquet_values_are_checked_too(tmp_path):
    """Typed columns pass the same checks: ranges and infinities."""
    buffer = io.BytesIO()
    date = pd.to_datetime(["2026-03-02"] * 2)
    pd.DataFrame({"person": "Ann", "date": date, "metric": "posts", "count": [-1.0, np.inf]}).to_parquet(buffer)
    text = complaint(tmp_path, {"activity.parquet": buffer.getvalue()})
    assert 'row 1, "count" = -1.0 cannot be negative' in text
    assert 'row 2, "count" = inf is not a number' in text


def test_workbook_reads_as_a_plain_table(tmp_path):
    """Typed cells of an xlsx are days and numbers whatever they look like as text."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Our scores"])
    sheet.append([])
    sheet.append(["person", "date", "brand", "people", "insights", "relationships", "total"])
    sheet.append(["Ann", pd.Timestamp("2026-03-04").to_pydatetime(), 19.813, 1, 1, 1, 22.813])
    hidden = book.create_sheet("old")
    hidden.sheet_state = "hidden"
    hidden.append(["person", "date", "total"])
    hidden.append(["Bo", "2026-03-04", 1])
    buffer = io.BytesIO()
    book.save(buffer)
    read = reading(tmp_path, {"ssi.xlsx": buffer.getvalue()})
    assert named(read, "ssi") == [("Ann", "2026-03-04", 19.813, 1, 1, 1, 22.813, None, None)]
    assert fates(read, "ssi.xlsx") == [(4, 4, "used", "")]


def test_time_zone_of_the_settings(tmp_path):
    """A time with a zone falls on the user's day."""
    files = {"crm_events.csv": "person,date,kind\nAnn,2026-03-02T23:30:00Z,meeting\n"}
    assert named(reading(tmp_path, files), "crm_events")[0][1] == "2026-03-02"
    assert named(reading(tmp_path, files, timezone="Europe/Helsinki"), "crm_events")[0][1] == "2026-03-03"
