"""A folder read in blocks gives what it gives read whole: tables, ledger, notes, proposals, complaints."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ssi_audit.exports import chunks, text
from ssi_audit.exports.files import File
from ssi_audit.settings import Settings
from tests.unit.exports.folders import SSI_HEADER, fill
from tests.unit.exports.in_blocks import read_in_blocks, same, tiny_blocks  # noqa: F401

pytestmark = pytest.mark.usefixtures("tiny_blocks")

ACTIVITY = "person,date,metric,count"
EVENTS = "person,date,kind,amount,currency,source,deal,started"
PEOPLE = "person,email,team\nAnn Lee,ann@x.example,North\nBo Berg,bo@x.example,South\nCy Diaz,cy@x.example,South\n"


def lines(*rows: str) -> str:
    return "\n".join(rows) + "\n"


def readings(*days: str, person: str = "Ann Lee", rest: str = "10,10,10,10,40") -> list[str]:
    return [f"{person},{day},{rest}" for day in days]


DAYS = [f"2026-03-{day:02d}" for day in range(1, 9)]
CLEAN = {
    "people.csv": PEOPLE,
    "ssi.csv": lines(SSI_HEADER, *readings(*DAYS), *readings(*DAYS, person="Bo Berg"), *readings(*DAYS[3:5])),
    "activity.csv": lines(
        ACTIVITY,
        *(
            f"{who},{day},posts,{n}"
            for n, day in enumerate(DAYS[:4])
            for who in ("Cy Diaz", "ann@x.example", "Ann Lee")
        ),
    ),
    "crm_events.csv": lines(
        EVENTS,
        *(
            f"Bo Berg,{day},{kind},,,Web,D{n // 2},"
            for n, day in enumerate(DAYS[:4])
            for kind in ("inquiry", "meeting", "deal_won")
        ),
    ),
    "quotas.csv": lines(
        "person,period_start,period_end,quota",
        "Ann Lee,2026-01-01,2026-03-31,1000",
        "Eve,2026-01-01,2026-03-31,5",
    ),
}

# Name → files, settings. What is told of each is whatever reading it whole tells.
UNDERSTOOD = {
    "clean": (CLEAN, {}),
    "without people.csv": ({name: content for name, content in CLEAN.items() if name != "people.csv"}, {}),
    "order of the date told by the last row": (
        {"ssi.csv": lines(SSI_HEADER, *readings("01/02/2026", "03/02/2026", "05/02/2026", "06/02/2026", "13/02/2026"))},
        {"day_first": False},
    ),
    "order of the date answered": (
        {"ssi.csv": lines(SSI_HEADER, *readings("01/02/2026", "03/04/2026"))},
        {"day_first": {"ssi.csv:date": True}},
    ),
    "decimal comma told by the last row": (
        {
            "crm_events.csv": lines(
                "person;date;kind;amount",
                *(f"Ann;{day};deal_won;1.234" for day in DAYS[:5]),
                "Ann;2026-03-20;deal_won;12,5",
            )
        },
        {},
    ),
    "decimal sign of another column": (
        {
            "crm_events.csv": lines(
                "person,date,kind,amount,note",
                *(f'Ann,{day},deal_won,"12,500",' for day in DAYS[:5]),
                "Ann,2026-03-20,meeting,,1.5",
            )
        },
        {},
    ),
    "grouped counts": (
        {
            "activity.csv": lines(
                ACTIVITY,
                'Ann,2026-03-01,posts,"1,234"',
                "Ann,2026-03-02,posts,7",
                "Ann,2026-03-03,posts,8",
                "Ann,2026-03-04,posts,9",
            )
        },
        {},
    ),
    "ranks as shares of one": (
        {
            "ssi.csv": lines(
                "person,date,total,industry_rank,network_rank",
                *(f"Ann,{day},40,{rank},{rank}" for day, rank in zip(DAYS, ("0", "1", "", "0.05", "1"))),
            )
        },
        {},
    ),
    "ranks that only begin like shares": (
        {
            "ssi.csv": lines(
                "person,date,total,industry_rank", *(f"Ann,{day},40,0.5" for day in DAYS), "Ann,2026-04-01,40,2"
            )
        },
        {},
    ),
    "failed, empty, summed and odd readings": (
        {
            "ssi.csv": lines(
                SSI_HEADER,
                *readings("2026-03-01", "2026-03-02", rest="0,0,0,0,0"),
                *readings("2026-03-03", rest=",,,,"),
                *readings("2026-03-04", "2026-03-05", rest="1,2,3,4,"),
                *readings("2026-03-06", rest="10,10,10,10,47"),
                *readings("2026-03-07", rest="9,9,9,9,50"),
            )
        },
        {},
    ),
    "readings of one day in several rows and files": (
        {
            "a/ssi.csv": lines(
                "person,date,total",
                "Ann,2026-03-01,40",
                "Ann,2026-03-02,41",
                "Ann,2026-03-01,42",
                "Ann,2026-03-01 09:30,43",
                "Ann,2026-03-01 08:30,44",
            ),
            "b/ssi.csv": lines(
                SSI_HEADER, "Ann,2026-03-01,10.1,10,10,10,40.1", "Ann,2026-03-02,,,,,41", "Bo,2026-03-02,,,,,3"
            ),
        },
        {},
    ),
    "counts repeated in a file and across files": (
        {
            "activity_1.csv": lines(
                ACTIVITY,
                "Ann,2026-03-01,posts,1",
                "Bo,2026-03-01,posts,1",
                "Ann,2026-03-01,posts,2",
                "Ann,2026-03-01,posts,1",
                "Ann,2026-03-01,posts,",
                "ann,2026-03-01,posts,2",
                ",2026-03-01,posts,1",
                ",2026-03-01,posts,1",
            ),
            "activity_2.csv": lines(
                ACTIVITY, "Ann,2026-03-01,posts,9", "Bo,2026-03-01,posts,1", "Bo,2026-03-02,posts,0"
            ),
        },
        {},
    ),
    "totals over periods": (
        {
            "activity.csv": lines(f"{ACTIVITY},first_day", *(f"Ann,{day},searches,2," for day in DAYS)),
            "activity_usage.csv": lines(
                f"{ACTIVITY},first_day",
                "Ann,2026-03-08,searches,9,2026-03-02",
                "Ann,2026-03-28,searches,99,2026-03-01",
                "Bo,2026-03-08,searches,3,2026-03-02",
            ),
        },
        {},
    ),
    "totals that overlap by some days": (
        {
            "activity.csv": lines(
                f"{ACTIVITY},first_day",
                "Ann,2026-03-15,searches,30,2026-03-01",
                "Ann,2026-03-20,searches,40,2026-03-12",
                "Bo,2026-03-15,searches,30,2026-03-01",
                "Cy,2026-03-15,searches,30,2026-03-01",
                "Cy,2026-03-03,searches,3,",
            ),
            "activity_usage.csv": lines(
                f"{ACTIVITY},first_day",
                "Ann,2026-03-13,searches,9,2026-03-10",
                "Bo,2026-03-28,searches,99,2026-03-10",
                "Cy,2026-03-04,searches,9,2026-03-02",
            ),
            "usage_2026-03-14_2026-04-05.csv": lines(
                "Name,Days active,Searches performed,Profile views,SSI", "Ann,4,50,6,40", "Bo,4,50,6,41", "Cy,4,5,6,41"
            ),
            "ssi.csv": lines(SSI_HEADER, *readings(*DAYS, "2026-04-05", person="Bo")),
        },
        {},
    ),
    "nobody known": (
        {
            "people.csv": PEOPLE,
            "people-review.csv": "accept,received,person\nyes,Boo,Bo Berg\nno,Ane,Ann Lee\n",
            "ssi.csv": lines(
                SSI_HEADER,
                *readings(*DAYS[:3], person="Zed"),
                *readings(*DAYS[:2], person="Ane Lee"),
                *readings(*DAYS[:2]),
                *readings(*DAYS[:2], person="Boo"),
                *readings(DAYS[0], person=""),
            ),
            "activity.csv": lines(
                ACTIVITY, *(f"{who},{day},posts,1" for who in ("API User", "Zed", "A. Lee") for day in DAYS[:3])
            ),
            "crm_events.csv": lines(
                EVENTS, *(f"{who},{day},inquiry,,,,," for who in ("Zed", "Queue", "") for day in DAYS[:3])
            ),
        },
        {},
    ),
    "blank lines, headers again, empty cells, a trailer": (
        {
            "ssi.csv": lines(
                SSI_HEADER,
                *readings(*DAYS[:2]),
                "",
                ",,,,,,",
                SSI_HEADER,
                *readings(*DAYS[2:5], rest="1,2,3,4,10,,"),
                SSI_HEADER,
                *readings(DAYS[6]),
                "",
                "Total 7",
                "",
            )
        },
        {},
    ),
    "rows wider than the header": ({"ssi.csv": lines(SSI_HEADER, *readings(*DAYS, rest="1,2,3,4,10,"))}, {}),
    "a title, a line sep=, Windows' line ends": (
        {"ssi.csv": "sep=;\r\nOur scores\r\n\r\nperson;date;total\r\n" + "".join(f"Ann;{day};40\r\n" for day in DAYS)},
        {},
    ),
    "cells over several lines, long cells, no last line end": (
        {
            "crm_events.csv": "\ufeff"
            + lines(
                "person,date,kind,source",
                *(f'Ann,{day},inquiry,"a\nb, ""c"""' for day in DAYS),
                f"Ann,2026-03-20,inquiry,{'long ' * 300}",
            ).rstrip("\n")
        },
        {},
    ),
    "a header alone": ({"ssi.csv": SSI_HEADER + "\n", "activity.csv": ACTIVITY, "people.csv": PEOPLE}, {}),
    "the same file twice": (
        {
            "a/ssi.csv": CLEAN["ssi.csv"],
            "b/ssi.csv": CLEAN["ssi.csv"],
            "crm_events.csv": CLEAN["crm_events.csv"],
            "crm_events copy.csv": CLEAN["crm_events.csv"],
        },
        {},
    ),
    "the same file twice, read in two ways": (
        {
            "one.csv": lines(SSI_HEADER, *readings("01/02/2026", "03/04/2026")),
            "two.csv": lines(SSI_HEADER, *readings("01/02/2026", "03/04/2026")),
        },
        {"day_first": {"one.csv": True, "two.csv": False}},
    ),
    "deals told again, meetings ahead": (
        {
            "crm_events.csv": lines(
                EVENTS,
                "Ann,2026-03-01,opportunity,,,,D1,",
                "Bo,2026-03-02,inquiry,,,,D1,",
                "Bo,2026-03-05,deal_won,5,EUR,,D1,",
                "Bo,2026-03-06,deal_won,6,EUR,,D1,",
                "Ann,2026-03-03,meeting,,,,D1,",
                "Ann,2026-09-03,meeting,,,,,",
                "Bo,2026-03-01,inquiry,,,,,",
                "Bo,2026-03-04,meeting,,,,D2,2026-03-01",
            )
        },
        {},
    ),
    "events of several files, one list after the other": (
        {
            "crm_events_1.csv": lines(EVENTS, *(f"Ann,{day},inquiry,,,Web,D{day},,"[:-1] for day in DAYS[:6])),
            "crm_events_2.csv": lines(
                EVENTS,
                *(f"Ann,{day},inquiry,,,Web,,,"[:-1] for day in DAYS[5:]),
                f"Ann,{DAYS[7]},deal_won,4,EUR,,D{DAYS[2]},",
            ),
        },
        {},
    ),
    "events of several files, the same list in part": (
        {
            "crm_events_1.csv": lines(EVENTS, *(f"Ann,{day},inquiry,,,Web,," for day in DAYS[:8])),
            "crm_events_2.csv": lines(EVENTS, *(f"Ann,{day},inquiry,,,Web,," for day in DAYS[2:])),
        },
        {},
    ),
    "deals told in numbered copies": (
        {
            "crm_events.csv": lines(
                EVENTS,
                *(f"Ann,{day},opportunity,7,EUR,,D{day}," for day in DAYS),
                *(f"Ann,2026-03-2{at},deal_won,7,EUR,,D{day}," for at, day in enumerate(DAYS[:5])),
            ),
            "crm_events (1).csv": lines(
                EVENTS,
                *(f"Bo,{day},opportunity,7,EUR,,D{day}," for day in DAYS[2:]),
                *(f"Ann,2026-03-2{at + 1},deal_won,7,EUR,,D{day}," for at, day in enumerate(DAYS[2:7])),
            ),
        },
        {},
    ),
    "deal numbers that begin again in each file": (
        {
            "crm_events_1.csv": lines(
                EVENTS, *(f"Ann,{day},deal_won,7,EUR,,{at},{day}" for at, day in enumerate(DAYS[:6]))
            ),
            "crm_events_2.csv": lines(
                EVENTS,
                *(f"Bo,{day},deal_won,8,EUR,,{at},{day}" for at, day in enumerate(DAYS[3:])),
                *(f"Ann,{day},meeting,,,,{at}," for at, day in enumerate(DAYS[:4])),
            ),
            "crm_events_3.csv": lines(
                EVENTS,
                *(f"Ann,{day},deal_won,7,EUR,,{at},{day}" for at, day in enumerate(DAYS[:2])),
                *(f"Ann,{day},meeting,,,,{at}," for at, day in enumerate(DAYS[3:])),
            ),
        },
        {},
    ),
    "deals with made ids in several files": (
        {
            "crm_events_1.csv": lines(EVENTS, *(f"Ann,{day},opportunity,7,EUR,,D{day}," for day in DAYS[:3])),
            "crm_events_2.csv": lines(EVENTS, *(f"Ann,{day},opportunity,7,EUR,,~{day}," for day in DAYS[:3])),
        },
        {},
    ),
    "another system's export beside it": (
        {
            "crm_events.csv": CLEAN["crm_events.csv"],
            "deals.csv": lines(
                "Deal - Title,Deal - Owner,Deal - Status,Deal - Deal created,Deal - Won time,Deal - Value,Deal - ID",
                "Big one,Bo Berg,Won,2026-03-01 08:00:00,2026-03-05 09:00:00,500,D1",
            ),
        },
        {},
    ),
    "Buddhist years late in the column, times with a zone": (
        {
            "ssi.csv": lines(SSI_HEADER, *readings(*DAYS[:4], "2569-03-20")),
            "crm_events.csv": lines("person,date,kind", *(f"Ann,{day}T23:30:00Z,meeting" for day in DAYS[:4])),
        },
        {"timezone": "Europe/Helsinki"},
    ),
    "columns by the user's names, and others left alone": (
        {
            "scores.csv": lines(
                "who,date,brand,people,insights,relacoes,mood", *(f"Ann,{day},1,2,3,4,fine" for day in DAYS)
            )
        },
        {"columns": {"ssi": {"person": "who", "relationships": "relacoes"}}},
    ),
    "a file that is not UTF-8 beside one that is": (
        {
            "ssi.csv": lines(SSI_HEADER, *readings(*DAYS, person="José Muñoz")).encode("cp1252"),
            "activity.csv": CLEAN["activity.csv"],
        },
        {"encoding": {"ssi.csv": "cp1252"}},
    ),
    "separated by tabs, under another name": (
        {"ssi.csv": CLEAN["ssi.csv"], "mine.txt": CLEAN["activity.csv"].replace(",", "\t")},
        {},
    ),
}


# One case of every kind of decision and of every table is enough for every day.
EVERY_DAY = (
    "order of the date told by the last row",
    "decimal comma told by the last row",
    "ranks that only begin like shares",
    "failed, empty, summed and odd readings",
    "readings of one day in several rows and files",
    "counts repeated in a file and across files",
    "nobody known",
    "blank lines, headers again, empty cells, a trailer",
    "deals told again, meetings ahead",
    "events of several files, the same list in part",
    "deals told in numbered copies",
    "deal numbers that begin again in each file",
)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in EVERY_DAY else pytest.mark.slow) for n in UNDERSTOOD]
)
def test_the_same_tables_and_ledger(tmp_path, name):
    """Every row, its fate, every note and every proposal is the same."""
    files, options = UNDERSTOOD[name]
    found = same(fill(tmp_path, files), Settings(**options))
    assert not found.complaint
    assert found.in_blocks


REFUSED = {
    "order of the date open": ({"ssi.csv": lines(SSI_HEADER, *readings(*["03/04/2026"] * 5))}, {}),
    "orders of the date mixed": (
        {"ssi.csv": lines(SSI_HEADER, *readings("13/04/2026", "01/02/2026", "04/13/2026"))},
        {},
    ),
    "decimal sign open": (
        {"crm_events.csv": lines("person,date,kind,amount", *(f'Ann,{day},deal_won,"12,500"' for day in DAYS))},
        {},
    ),
    "decimal signs mixed": (
        {
            "crm_events.csv": lines(
                "person,date,kind,amount",
                *readings("2026-03-01", rest='deal_won,"1,5"'),
                *readings(*DAYS[:4], rest="deal_won,1.5"),
            )
        },
        {},
    ),
    "wrong words, in a later block first": (
        {
            "activity.csv": lines(
                ACTIVITY,
                *(f"Ann,{day},posts,1" for day in DAYS[:4]),
                *(f"Ann,{day},post,-1" for day in DAYS),
                "Ann,x,likes,y",
            ),
            "crm_events.csv": lines(
                "person,date,kind,currency",
                *(f"Ann,{day},meeting,euros" for day in DAYS[:3]),
                *(f"Ann,{day},dealwn," for day in DAYS[:6]),
            ),
        },
        {},
    ),
    "values out of range, dates that cannot be": (
        {
            "ssi.csv": lines(
                SSI_HEADER,
                *readings(*DAYS[:3], rest="27.5,10,10,10,140"),
                *readings("2026-02-30", "", "1999-01-01"),
                *readings(*DAYS[:4], rest="-1,ten,10,10,40"),
                *readings("", person=""),
            )
        },
        {},
    ),
    "first day behind the last": (
        {"activity.csv": lines(f"{ACTIVITY},first_day", *(f"Ann,{day},posts,1,2026-03-05" for day in DAYS))},
        {},
    ),
    "lines of another length": (
        {
            "ssi.csv": lines(
                SSI_HEADER, *readings(*DAYS[:2]), *["Ann,2026-03-02,10"] * 7, *readings(DAYS[4]), "Sum", "a,b"
            )
        },
        {},
    ),
    "a quotation mark that is not closed": (
        {"ssi.csv": lines(SSI_HEADER, *readings(*DAYS[:3]), '"Ann,2026-03-02,1,1,1,1,4')},
        {},
    ),
    "a NUL byte": (
        {
            "ssi.csv": lines(SSI_HEADER, *readings(*DAYS[:3]), "Ann,2026-03-02,1\0,1,1,1,4"),
            "activity.csv": f"{ACTIVITY}\nAnn,2026-03-02,posts,x\n",
        },
        {},
    ),
    "a column twice": (
        {
            "ssi.csv": lines("person,date,total,total", *(f"Ann,{day},4,{n}" for n, day in enumerate(DAYS))),
            "activity.csv": f"{ACTIVITY}\nAnn,2026-03-02,posts,x\n",
        },
        {},
    ),
    "a column spelled wrong": (
        {"ssi.csv": lines(SSI_HEADER.replace("relationships", "relatoinships"), *readings(*DAYS[:3]))},
        {},
    ),
    "people that contradict each other": (
        {"people.csv": PEOPLE + "Ann Lee,other@x.example,\nX Y,ann@x.example,\n", "ssi.csv": CLEAN["ssi.csv"]},
        {},
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_same_complaints(tmp_path, name):
    """The same cells are shown, the same number of others counted, in the same order."""
    files, options = REFUSED[name]
    assert same(fill(tmp_path, files), Settings(**options)).complaint


def test_files_left_out_are_told_with_their_rows(tmp_path):
    """With --skip-unreadable a large file with problems is one line of the ledger, and the rest counts."""
    files, _ = REFUSED["values out of range, dates that cannot be"]
    found = same(fill(tmp_path, {"bad.csv": files["ssi.csv"], "ssi.csv": CLEAN["ssi.csv"]}), skip=True)
    bad = found.frames["ledger"].query("file == 'bad.csv'")
    assert bad[["rows", "status", "reason"]].to_numpy().tolist() == [[11, "skipped", "unreadable"]]


@pytest.mark.slow
@pytest.mark.parametrize("bucket_rows", [1, 1000])
def test_buckets_do_not_show(tmp_path, bucket_rows):
    """A bucket for each person, or one for all: the same."""
    names = ("activity.csv", "crm_events.csv", "people.csv")
    same(fill(tmp_path, {name: CLEAN[name] for name in names}), bucket_rows=bucket_rows)


def test_a_large_file_is_never_held_whole(tmp_path, monkeypatch):
    """Of a file that is read in blocks nobody asks for all bytes."""
    asked = []
    load = File.data.func
    monkeypatch.setattr(chunks, "BEGINNING", 200)
    monkeypatch.setattr(text, "HEAD_BYTES", 150)
    monkeypatch.setattr(File, "data", property(lambda file: asked.append((file.name, len(load(file)))) or load(file)))
    file = fill(tmp_path, {"activity.csv": CLEAN["activity.csv"]}) / "activity.csv"
    assert read_in_blocks(tmp_path, Settings()).in_blocks == 1
    assert file.stat().st_size > 300
    assert max(n for _, n in asked) <= 200


def test_a_file_that_stops_being_utf8_is_read_whole(tmp_path, monkeypatch):
    """The beginning of a file does not tell its encoding: found out behind it, the file goes the usual way."""
    monkeypatch.setattr(chunks, "BEGINNING", 200)
    files = {"ssi.csv": lines(SSI_HEADER, *readings(*DAYS), *readings(DAYS[0], person="José Muñoz")).encode("cp1252")}
    assert same(fill(tmp_path, files)).in_blocks == 0


def test_small_folders_are_read_whole(tmp_path):
    """Below the size from which it pays, nothing is read in blocks."""
    from ssi_audit.exports import receive
    from ssi_audit.exports.spool import Spool
    from ssi_audit.workspace import LARGE

    (tmp_path / "rows").mkdir()
    folder = fill(tmp_path / "data", CLEAN)
    assert receive(folder, Settings(), spool=Spool(tmp_path / "rows", from_bytes=LARGE)) is None


CELLS = {
    "person": ["Ann Lee", "ann lee", "Bo Berg", "Zed", "", "System", "A. Lee"],
    "date": ["2026-03-01", "2026-03-02", "2026-03-02 10:00", "03/02/2026", "13/02/2026", "x", ""],
    "count": ["1", "2", "1.5", '"1,5"', "1.234", '"1,234"', "n/a", "", "-3", "30"],
    "metric": ["posts", "Posts", "searches", "comments"],
    "kind": ["inquiry", "meeting", "deal_won", "opportunity"],
    "deal": ["", "", "D1", "D2", "~1"],
}
WEIGHTS = {"date": 3, "count": 3, "person": 4}


def columns(*names: str) -> st.SearchStrategy[list[str]]:
    """Rows whose cells are mostly of the plain kind, so that whole files are often understood."""
    cell = {
        name: st.one_of(*[st.sampled_from(CELLS[name][: WEIGHTS.get(name, 99)])] * 9, st.sampled_from(CELLS[name]))
        for name in names
    }
    row = st.tuples(*(cell[name] for name in names)).map(",".join)
    return st.lists(st.one_of(*[row] * 12, st.sampled_from(["", "Total", ",".join(names)])), max_size=12)


@pytest.mark.slow
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    one=columns("person", "date", "count"),
    two=columns("person", "date", "count"),
    done=columns("person", "date", "metric", "count"),
    told=columns("person", "date", "kind", "count", "deal"),
    with_people=st.booleans(),
    day_first=st.sampled_from([None, True, False]),
)
def test_any_rows_read_alike(tmp_path_factory, one, two, done, told, with_people, day_first):
    """Whatever the rows: the same result, or the same complaint."""
    files = {
        "ssi_1.csv": lines("person,date,total", *one),
        "ssi_2.csv": lines("person,date,total", *two),
        "activity.csv": lines(ACTIVITY, *done),
        "crm_events.csv": lines("person,date,kind,amount,deal", *told),
    }
    folder = fill(tmp_path_factory.mktemp("any"), files | ({"people.csv": PEOPLE} if with_people else {}))
    same(folder, Settings(day_first=day_first, decimal="."))


def test_deciding_cells_stand_for_their_column():
    """The cells kept of the parts of a column are decided as the whole of it, and few."""
    from ssi_audit.exports import dates, numbers

    rng = np.random.default_rng(7)
    amounts = pd.Series(rng.choice(["1,234", "12,50", "7", "999", "n/a", ""], 400), dtype="str")
    kept = amounts.iloc[:0]
    for at in range(0, 400, 7):
        kept = numbers.deciding(pd.concat([kept, amounts.iloc[at : at + 7]], ignore_index=True))
    assert len(kept) <= 10
    assert numbers.parse_numbers(kept.reset_index(drop=True)).decimal == numbers.parse_numbers(amounts).decimal == ","
    days = pd.Series(["01/02/2026"] * 50 + ["02/13/2026"], dtype="str")
    kept = dates.deciding(pd.concat([dates.deciding(days.iloc[:50]), days.iloc[50:]], ignore_index=True))
    assert dates.parse_dates(kept.reset_index(drop=True)).day_first is dates.parse_dates(days).day_first is False
