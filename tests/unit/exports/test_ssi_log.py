"""Logs of people and tools: which columns, whose, and what is no reading."""

from __future__ import annotations

import io
import json
import sqlite3

import pytest

from tests.unit.exports.folders import complaint, fates, named, reading

TRACKER = (
    "Date,Total_SSI,Industry_Rank,Network_Rank,Brand,People,Insights,Relationships,SSI_Increase,Connection_Limit\n"
    "2026-03-01,44.0,19,21,10.5,8.75,4.9,19.813,0.0,5\n"
    "2026-03-02,0.0,0,0,0.0,0.0,0.0,0.0,-44.0,8\n"
)
LONG_HEADER = (
    "data_referencia;hora_referencia;secao;campo;valor_original;unidade;valor_numerico;escala;observacao;fonte\n"
)


def test_tracker_row_of_zeros_is_a_failed_reading(tmp_path):
    """Pillars by name, ranks, and a failed reading that is missing, not zero; limits are no scores."""
    read = reading(tmp_path, {"ssi_history_tom-okafor.csv": TRACKER})
    assert named(read, "ssi") == [("Tom Okafor", "2026-03-01", 10.5, 8.75, 4.9, 19.813, 44, 19, 21)]
    assert fates(read, "ssi_history_tom-okafor.csv")[1] == (3, 3, "skipped", "failed reading (all zero)")


def test_log_of_nobody_is_listed_with_the_way_to_say_whose_it_is(tmp_path):
    """A file whose name says nothing is unmatched; the note shows the setting."""
    read = reading(tmp_path, {"ssi_history.csv": TRACKER})
    assert len(read.tables.ssi) == 0
    assert fates(read, "ssi_history.csv")[0] == (2, 2, "unmatched", "the file does not say whose it is")
    assert any('[persons]  "ssi_history.csv" = "the person"' in note for note in read.tables.notes)


def test_folder_may_name_the_person(tmp_path):
    """exports/tom-okafor/ssi_history.csv is Tom's."""
    assert named(reading(tmp_path, {"exports/tom-okafor/ssi_history.csv": TRACKER}), "ssi")[0][0] == "Tom Okafor"


@pytest.mark.parametrize(
    "header",
    [
        "Name,Date,SSI,Establish your professional brand,Find the right people,Engage with insights,"
        "Build relationships,Industry SSI rank,Network SSI rank",
        "Seller,Week,Total score,prof_brand,find_right_people,insight_engagement,relationship,"
        "Top % industry,Top % network",
        "Sprzedawca,Dzień,Wynik SSI,Marka osobista,Right people,Insights,Relacje,Industry top,Network top",
    ],
)
def test_team_sheet_in_the_words_of_several_tools(tmp_path, header):
    """Headers are matched by their words; which is which is said in a note."""
    read = reading(tmp_path, {"team.csv": f"{header}\nAnn Lee,2026-03-02,61,17.25,12.9,11,19.9,Top 5%,Top 8%\n"})
    assert named(read, "ssi") == [("Ann Lee", "2026-03-02", 17.25, 12.9, 11, 19.9, 61, 5, 8)]
    assert any(note.startswith("columns of readings: brand = ") for note in read.tables.notes)


def test_lines_of_averages_are_no_people(tmp_path):
    """Averages and totals below a sheet are left out and counted."""
    text = "Name,Date,SSI,Brand,People,Insights,Relationships\nAnn Lee,2026-03-02,40,10,10,10,10\n"
    read = reading(tmp_path, {"team.csv": f"{text}Team average,2026-03-02,40,10,10,10,10\n,,40,10,10,10,10\n"})
    assert len(read.tables.people) == 1
    assert [fate[3] for fate in fates(read, "team.csv")] == [
        "",
        "a line of totals or averages, not a person",
        "no owner",
    ]


def test_pillars_by_their_order_where_the_labels_are_unknown(tmp_path):
    """Four neighbouring columns that add up to the total are the pillars, and a note says so."""
    text = (
        "Name;Date;SSI;Eins;Zwei;Drei;Vier\nAnn Lee;2.3.2026;61,5;17,25;12,9;11,45;19,9\nBo;16.3.2026;40;10;11;9;10\n"
    )
    read = reading(tmp_path, {"team.csv": text})
    assert named(read, "ssi")[0][2:7] == (17.25, 12.9, 11.45, 19.9, 61.5) or named(read, "ssi")[1][2] == 17.25
    assert any("pillars by their order, because the four add up" in note for note in read.tables.notes)


def test_columns_that_do_not_add_up_are_not_taken_for_pillars(tmp_path):
    """Without the sum as a check nothing is assigned by order."""
    text = "Name;Date;SSI;Eins;Zwei;Drei;Vier\nAnn Lee;16.3.2026;61;1;2;3;4\n"
    assert named(reading(tmp_path, {"team.csv": text}), "ssi")[0][2:7] == (None, None, None, None, 61)


def test_half_known_pillars_are_a_question(tmp_path):
    """A pillar under an unknown header is asked for, not lost."""
    text = complaint(
        tmp_path, {"team.csv": "date,seller,brand,people,insights,relacoes\n2026-03-02,Ann Lee,10,10,10,10\n"}
    )
    assert 'column "relationships" is missing. Found: date, seller, brand, people, insights, relacoes' in text
    assert '[columns.ssi]  relationships = "relacoes"' in text


def test_unknown_header_over_names_is_a_question(tmp_path):
    """A column of names under an unknown header would else give all rows to the file's name."""
    header = "quien,date,total,brand,people,insights,relationships"
    rows = "Ann Lee,2026-03-02,40,10,10,10,10\nBo Ray,2026-03-02,41,11,10,10,10\n"
    assert '[columns.ssi]  person = "quien"' in complaint(tmp_path, {"april.csv": f"{header}\n{rows}"})


def test_day_of_the_files_name(tmp_path):
    """A sheet without a date column takes the one day of its name."""
    read = reading(
        tmp_path, {"team_2026-03-02.csv": "Name,SSI,Brand,People,Insights,Relationships\nAnn Lee,40,10,10,10,10\n"}
    )
    assert named(read, "ssi")[0][:2] == ("Ann Lee", "2026-03-02")


def test_sheet_of_each_person(tmp_path):
    """A workbook with a sheet a person: the sheet's name says whose it is."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for at, name in enumerate(("Ann Lee", "Bo Ray", "Notes")):
        sheet = book.create_sheet(name)
        sheet.append(["Date", "SSI", "Brand", "People", "Insights", "Relationships"] if at < 2 else ["To do"])
        sheet.append(["2026-03-02", 40 + at, 10 + at, 10, 10, 10] if at < 2 else ["nothing"])
    del book["Sheet"]
    buffer = io.BytesIO()
    book.save(buffer)
    read = reading(tmp_path, {"ssi.xlsx": buffer.getvalue()})
    assert sorted((row[0], row[6]) for row in named(read, "ssi")) == [("Ann Lee", 40), ("Bo Ray", 41)]
    assert any("sheets without readings left alone: Notes" in note for note in read.tables.notes)


def test_own_actions_beside_the_score(tmp_path):
    """The tool's daily counts are activity, running totals are not; a day without a score still has its actions."""
    text = (
        "Date,ActiveMinutes,Reactions,Comments,Connects,Messages,Reposts,Posts,SSI,SSIProfessionalBrand,SSIFindRightPeople,"
        "SSIEngageWithInsights,SSIBuildRelationships,ProfileViewers,ProfileViewersRangeDays\n"
        "2026-02-23,42,9,3,4,6,0,1,58,15.1,13.2,9.9,19.8,120,90\n2026-02-24,12,2,0,0,3,0,,,,,,,,\n"
    )
    read = reading(tmp_path, {"linkedin-activity-ann-lee.csv": text})
    assert len(read.tables.ssi) == 1
    counts = {(row[1], row[2]): row[3] for row in named(read, "activity")}
    assert counts["2026-02-23", "invitations_sent"] == 4
    assert counts["2026-02-24", "reactions"] == 2
    assert ("2026-02-24", "posts") not in counts
    assert set(read.tables.activity["metric"]) == {
        "active_minutes", "reactions", "comments", "invitations_sent", "messages_sent", "reposts", "posts",
    }  # fmt: skip
    assert fates(read, "linkedin-activity-ann-lee.csv") == [(2, 3, "used", "")]


@pytest.mark.parametrize(
    ("current", "pillars", "ranks"),
    [
        ("Resumo SSI", "Componentes da pontuação", "Classificação"),
        ("Social Selling Index atual", "Os quatro componentes da sua pontuação", "Sua classificação"),
    ],
)
def test_long_table_tells_own_pillars_from_averages_by_section(tmp_path, current, pillars, ranks):
    """Two spellings of the sections; the averages use the same words for the pillars and are left out."""
    lines = [
        (current, "Social Selling Index atual", "53 de 100", "53"),
        (pillars, "Estabelecer sua marca profissional", "21,048", "21.048"),
        (pillars, "Localizar as pessoas certas", "6,5", "6.5"),
        (pillars, "Interagir oferecendo insights", "10,25", "10.25"),
        (pillars, "Criar relacionamentos", "15", "15.0"),
        (ranks, "Classificação SSI do setor", "Primeiros 10%", "10"),
        (ranks, "Classificação SSI da rede", "Primeiros 12%", "12"),
        ("Benchmark", "SSI médio do setor", "35 de 100", "35"),
        ("Pessoas no seu setor", "Estabelecer sua marca profissional", "11,79", "11.79"),
    ]
    text = LONG_HEADER + "".join(f"2026-05-12;17:55;{s};{c};{o};pontos;{n};0-25;;x\n" for s, c, o, n in lines)
    read = reading(tmp_path, {"ssi_ann-lee_2026-05-12.csv": text})
    assert named(read, "ssi") == [("Ann Lee", "2026-05-12", 21.048, 6.5, 10.25, 15, 53, 10, 12)]
    assert fates(read, "ssi_ann-lee_2026-05-12.csv") == [
        (2, 8, "used", ""), (9, 10, "skipped", "average of other people, or a remark"),
    ]  # fmt: skip


def test_rows_of_one_reading_share_its_fate(tmp_path):
    """The seven lines of a reading of nobody are unmatched, all seven."""
    text = LONG_HEADER + "2026-05-12;17:55;Resumo SSI;Social Selling Index atual;53;p;53;;;\n"
    text += "2026-05-12;17:55;Classificação;Classificação SSI da rede;12;p;12;;;\n"
    assert fates(reading(tmp_path, {"ssi_2026-05-12.csv": text}), "ssi_2026-05-12.csv")[0][:3] == (2, 3, "unmatched")


def test_later_reading_of_a_day_in_the_long_table(tmp_path):
    """Two hours of a day are two readings; the later counts."""
    text = LONG_HEADER + "".join(
        f"2026-05-12;{hour}:00;Resumo SSI;Social Selling Index atual;{total};p;{total};;;\n"
        for hour, total in (("18", 53), ("09", 51))
    )
    assert [row[6] for row in named(reading(tmp_path, {"ssi_ann-lee.csv": text}), "ssi")] == [53]


def test_store_of_the_extension(tmp_path):
    """Own values from `parsed`, or from `raw` where that is all there is; averages are left out."""
    entries = [
        {
            "date": "2026-03-01",
            "collectedAt": 1772355600000,
            "parsed": {
                "overall": 63.1, "prof_brand": 17.25, "find_right_people": 14.6, "insight_engagement": 11.35,
                "relationship": 19.9, "industry": {"ssi": 31.0, "top": 4}, "network": {"ssi": 33.1, "top": 7},
            },
        },
        {"date": "2026-02-22", "raw": {"memberScore": {"overall": 61.9, "subScores": []}, "groupScore": []}},
    ]  # fmt: skip
    for name, content in (("list", entries), ("object", {"ssiHistory": entries, "version": 3})):
        read = reading(tmp_path / name, {"ssiHistory_ann-lee.json": json.dumps(content)})
        assert [row[1:] for row in named(read, "ssi")] == [
            ("2026-02-22", None, None, None, None, 61.9, None, None),
            ("2026-03-01", 17.25, 14.6, 11.35, 19.9, 63.1, 4, 7),
        ]


@pytest.mark.parametrize("journal", ["delete", "wal"])
@pytest.mark.parametrize(
    "layout",
    [
        "create table ssi_history(id integer, date text, total_ssi real, people_score real, insight_score real,"
        " brand_score real, relationship_score real, ssi_rank_industry int, ssi_rank_network int);"
        "insert into ssi_history values (1, '2026-03-02', 46, 9.125, 6.65, 10.5, 19.813, 17, 19)",
        "create table ssi_scores(ssi_overall_score real, establish_your_professional_brand real,"
        " find_the_right_people real, engage_with_insights real, build_relationships real, date_created text);"
        "insert into ssi_scores values (46, 10.5, 9.125, 6.65, 19.813, '2026-03-02 10:11:12')",
    ],
)
def test_sqlite_tables_go_by_name(tmp_path, layout, journal):
    """The order of the pillars differs between layouts; other tables are left alone; the file is not written."""
    path = tmp_path / "ann-lee" / "tracker.db"
    path.parent.mkdir()
    base = sqlite3.connect(path)
    base.execute(f"pragma journal_mode={journal}")
    base.executescript(layout + "; create table runs(id integer); insert into runs values (1);")
    base.close()
    before = path.read_bytes()
    read = reading(tmp_path)
    assert named(read, "ssi")[0][:7] == ("Ann Lee", "2026-03-02", 10.5, 9.125, 6.65, 19.813, 46)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["tracker.db"]


def test_tables_about_something_else_are_not_readings(tmp_path):
    """Words like score, people and engagement occur in other tables too."""
    files = {
        "survey.csv": "date,people,engagement,score\n2026-03-02,10,3,5\n",
        "budget.csv": "name,date,total\nAnn,2026-03-02,40\n",
    }
    read = reading(tmp_path, files)
    assert [fates(read, name)[0][3] for name in files] == ["not recognised"] * 2
