"""The command line: exit codes, all problems at once, nothing half-written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ssi_audit import power
from ssi_audit.cli import main
from ssi_audit.errors import DataError, SettingsError
from ssi_audit.pool import KIND
from ssi_audit.power import power_table
from ssi_audit.report import build
from ssi_audit.report.build import make_report
from ssi_audit.report.kernels import Kernels
from ssi_audit.worlds import make_world, write_world

FULL = Path("/dev/full")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A world of 10 sellers and 30 weeks as files."""
    folder = tmp_path_factory.mktemp("world") / "data"
    write_world(make_world("activity_gauge", 10, 30, 1), folder)
    return folder


@pytest.fixture
def broken(tmp_path):
    """A folder in which nearly everything is wrong in a different way."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "ssi.csv").write_text("person,date,brand\nAnna Nowak,2025-01-05,27.5\n")
    (folder / "activity.csv").write_text("person,metric,count\nAnna Nowak,posts,3\n")
    (folder / "crm_events.csv").write_text("person,date,kind\nAnna Nowak,2025-01-06,lunch\n")
    (folder / "archive.zip").write_bytes(b"PK\x03\x04 half a zip")
    return folder


def test_all_problems_at_once_and_nothing_written(broken, tmp_path, capsys):
    """A pillar of 27.5, a missing column, an unknown kind and half a zip: one run, one list, exit 2, no output."""
    out = tmp_path / "out"
    assert main(["report", str(broken), "--out", str(out)]) == 2
    text = capsys.readouterr().err
    assert 'ssi.csv: 1 problem\n  row 2, "brand" = 27.5' in text
    assert "activity.csv: 1 problem" in text
    assert 'column "date"' in text
    assert "lunch" in text
    assert "archive.zip" in text
    assert "Traceback" not in text
    assert "Nothing was run" in text
    assert not out.exists()


@pytest.mark.parametrize("command", [["audit"], ["panel"], ["load"], ["check"]])
def test_every_command_refuses_bad_data(broken, tmp_path, capsys, command):
    """All commands that read give the same messages and exit 2."""
    where = [] if command == ["check"] else ["--out", str(tmp_path / "out")]
    assert main([*command, str(broken), *where]) == 2
    assert "27.5" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["report", "panel", "load"])
def test_no_command_writes_into_the_folder_it_reads(small, tmp_path, capsys, command):
    """The next run would read the tables of this one: refused before anything is read."""
    data = tmp_path / "data"
    shutil.copytree(small, data)
    before = sorted(data.rglob("*"))
    assert main([command, str(data), "--out", str(data / "out")]) == 2
    assert "lies in the data folder itself" in capsys.readouterr().err
    assert sorted(data.rglob("*")) == before


def test_a_misspelt_setting_stops_before_anything_is_read(small, tmp_path, capsys):
    """Unknown options name the nearest one."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "ssi-audit.toml").write_text('perod = "month"\n')
    assert main(["report", str(folder), "--out", str(tmp_path / "out")]) == 2
    assert 'did you mean "period"?' in capsys.readouterr().err


def test_a_folder_that_is_not_there(capsys, tmp_path):
    """No data, no traceback."""
    assert main(["check", str(tmp_path / "nowhere")]) == 2
    assert "no such folder" in capsys.readouterr().err


def test_a_file_instead_of_a_folder(small, capsys):
    """Who names an export is told to name its folder, not that there is no such thing."""
    assert main(["check", str(small / "ssi.csv")]) == 2
    said = capsys.readouterr().err
    assert "is a file, not a folder" in said
    assert f"name the folder it lies in: {small}\n" in said


@pytest.mark.parametrize("command", ["check", "audit", "panel", "power"])
@pytest.mark.parametrize(
    ("column", "value", "said"),
    [("person", "R{}", "nobody has both a score and CRM events"), ("left_on", "2001-01-01", "no seller was at work")],
)
def test_nobody_to_analyse_is_said(small, tmp_path, capsys, command, column, value, said):
    """A CRM that calls sellers by initials and no people.csv that knows them: the usual first run of all."""
    import pandas as pd

    data = tmp_path / "data"
    shutil.copytree(small, data)
    (data / "people.csv").unlink()
    people = pd.read_csv(small / "people.csv", dtype=str)
    if column == "person":
        events = pd.read_csv(data / "crm_events.csv", dtype=str)
        numbers = {name: value.format(k) for k, name in enumerate(events["person"].unique())}
        events.assign(person=events["person"].map(numbers)).to_csv(data / "crm_events.csv", index=False)
    else:
        people.assign(hired_on="2000-01-01", left_on=value).to_csv(data / "people.csv", index=False)
    options = {"check": [], "power": ["--people", "20", "--weeks", "52", "--from"]}.get(command)
    where = [*options, str(data)] if options is not None else [str(data), "--out", str(tmp_path / "out")]
    assert main([command, *where]) == (0 if command == "check" else 2)
    output = capsys.readouterr()
    assert said in (output.out if command == "check" else output.err)
    assert not (tmp_path / "out").exists()


def test_audit_writes_the_answer(small, tmp_path, capsys):
    """answer.json holds the contract's parts; the same input gives the same bytes."""
    assert main(["audit", str(small), "--out", str(tmp_path / "a.json")]) == 0
    assert main(["audit", str(small), "--out", str(tmp_path / "b.json"), "--json"]) == 0
    answer = json.loads((tmp_path / "a.json").read_text())
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert json.loads((tmp_path / "a-evidence.json").read_text())["kind"] == KIND
    assert answer["schema"] == 1
    assert answer["data"]["people"] == 10
    assert answer["overall"]["verdict"] == "inconclusive"
    assert {"data", "overall", "cells", "claims", "settings_fingerprint", "version"} <= set(answer)
    fit = answer["cells"][0]["crude"]
    assert {
        "rr",
        "low",
        "high",
        "low90",
        "high90",
        "p",
        "p_holm",
        "p_wild",
        "df",
        "se_log",
        "n_people",
        "n_rows",
    } <= set(fit)


def test_load_reads_back_to_the_same_panel(small, tmp_path):
    """What load writes is input again."""
    import pandas as pd

    assert main(["load", str(small), "--out", str(tmp_path / "plain")]) == 0
    assert main(["panel", str(small), "--out", str(tmp_path / "a.parquet")]) == 0
    (tmp_path / "plain" / "ledger.csv").unlink()
    assert main(["panel", str(tmp_path / "plain"), "--out", str(tmp_path / "b.parquet")]) == 0
    one, other = (pd.read_parquet(tmp_path / name).drop(columns="person") for name in ("a.parquet", "b.parquet"))
    columns = ["period", "ssi", "A_posts", "inquiries", "meetings", "deals", "revenue"]
    one, other = (frame[columns].sort_values(columns, ignore_index=True) for frame in (one, other))
    pd.testing.assert_frame_equal(one, other, check_dtype=False)


def test_settings_of_words_are_in_the_fingerprint_of_a_run_that_is_kept(small):
    """A run in another language takes the numbers that are there, not the fingerprint of the settings they had."""
    from ssi_audit.workspace import load_run

    for options in ({}, {"language": "pl"}, {"language": "it"}):
        run = load_run(small, options)
        assert run.audit.settings_fingerprint == run.settings.fingerprint()


@pytest.mark.parametrize("answer", ["[]", "null", "{}", '{"data": {}}', '{"data": 3, "version": 1}', "half a fil"])
def test_verify_says_that_a_folder_holds_no_report_of_ours(small, tmp_path, capsys, answer):
    """An answer.json of another program, or one that was cut off: exit 2 and no traceback."""
    (tmp_path / "answer.json").write_text(answer)
    assert main(["verify", str(tmp_path), str(small)]) == 2
    assert "no report of ssi-audit here" in capsys.readouterr().err


def test_a_sample_of_a_thousand_years_is_refused(tmp_path, capsys):
    """Dates end before: a message, not a traceback."""
    assert main(["sample", "--world", "null", "--people", "3", "--weeks", "52000", "--out", str(tmp_path / "new")]) == 2
    assert "at most 5200 weeks" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_sample_behind_a_link_leaves_the_link(tmp_path):
    """The folder that a link leads to gets the files; nothing is left beside either."""
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    for _ in range(2):
        assert main(["sample", "--world", "null", "--people", "3", "--weeks", "9", "--out", str(link)]) == 0
    assert link.is_symlink()
    assert (real / "ssi.csv").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


def test_pool_names_a_missing_file_once(tmp_path, capsys):
    """What is wrong, without the system's number for it."""
    assert main(["pool", str(tmp_path / "nowhere.json"), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "cannot be read: No such file or directory\n" in said
    assert "Errno" not in said


def test_record_appends(tmp_path, capsys):
    """Typed numbers go into a history; a failed reading does not."""
    history = tmp_path / "ssi.csv"
    arguments = ["record", "--person", "Anna", "--to", str(history), "--date", "2026-02-27"]
    assert main([*arguments, "--total", "44"]) == 0
    assert main([*arguments, "--total", "0"]) == 2
    assert history.read_text().splitlines()[1].startswith("Anna,2026-02-27")


@pytest.mark.parametrize("size", [("1", "52"), ("0", "52"), ("24", "-1"), ("24", "1")])
def test_power_refuses_a_size_without_a_plan(size, capsys):
    """Exit 2 and the option's name, no traceback and no table."""
    assert main(["power", "--people", size[0], "--weeks", size[1]]) == 2
    said = capsys.readouterr()
    assert ("--people" if size[1] == "52" else "--weeks") in said.err
    assert "Nothing was run" in said.err and said.out == ""


def test_power_says_that_few_sellers_never_get_a_verdict(capsys):
    """The sentence stands below the table, and in the rows for programs."""
    assert main(["power", "--people", "3", "--weeks", "52"]) == 0
    text = capsys.readouterr().out
    assert "years" not in text and text.rstrip().endswith("no verdict, however long they are watched.")


def test_power_plans_with_the_settings_of_the_folder(small, tmp_path, capsys, monkeypatch):
    """What matters and how long cases stay open are the folder's own."""
    monkeypatch.setenv("SSI_AUDIT_PROCESSED", str(tmp_path / "processed"))
    folder = shutil.copytree(small, tmp_path / "data")
    (folder / "ssi-audit.toml").write_text("[sesoi]\ninquiries = 1.5\n[horizon_weeks]\nwin_rate = 20\n")
    asked = {}
    monkeypatch.setattr(power, "power_table", lambda *given: asked.update(settings=given[3]) or power_table(*given))
    assert main(["power", "--people", "24", "--weeks", "52", "--from", str(folder)]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[3] for row in rows if row[:2] == ["inquiries", "plain"]] == ["+50%"]
    assert asked["settings"].horizon_weeks["win_rate"] == 20


def test_help_is_quick_and_light():
    """--help imports nothing heavy."""
    code = (
        "import sys; from ssi_audit.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'pandas', 'numpy', 'duckdb', 'papermill', 'matplotlib', 'pydantic'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("lambda: print('done') or atexit.register(print, 'afterwards') and 3", 3, "done\nafterwards\n"),
        ("lambda: sys.exit(2)", 2, ""),
        ("lambda: 1 / 0", 1, ""),
    ],
)
def test_a_process_leaves_with_its_code_after_all_is_printed(body, code, said):
    """Nothing that is registered to happen at the end is left out, and a mistake of ours is not exit code 0."""
    script = f"import atexit, sys; from ssi_audit import cli; cli.main = {body}; cli.run()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (code, said)
    assert ("ZeroDivisionError" in done.stderr) == (code == 1)


@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
def test_what_cannot_be_printed_is_an_error():
    """An answer that is piped onto a full disk does not end in exit code 0."""
    command = [sys.executable, "-m", "ssi_audit.cli", "--version"]
    with FULL.open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "standard output" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_full_disk_names_the_file_that_did_not_fit(tmp_path):
    """The system names no file then, and standard output had nothing to do with it."""
    history = tmp_path / "ssi.csv"
    code = (
        "import resource, sys; from ssi_audit.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        f"sys.exit(main(['record', '--person', 'Anna', '--total', '44', '--to', {str(history)!r}]))"
    )
    done = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"File too large: {history}\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_stopped_command_tidies_up_and_says_so(tmp_path, name):
    """The end of a service is no reason to leave half a sample beside the target, nor tracebacks of workers."""
    send = "os.killpg(0, signal.SIGINT)" if name == "SIGINT" else "os.kill(os.getppid(), signal.SIGTERM)"
    code = f"""
import os, signal, sys, time
from ssi_audit import cli, parallel, world_tables

def write(tables, folder):
    parallel.starmap(work, range(2), [(1,), (2,)], min_rows=0)

def work(table, question):
    if question == 1:
        {send}
    time.sleep(20)

signal.signal(signal.SIGINT, signal.default_int_handler)  # also in the background of a shell
world_tables.FORMATS["plain"] = write
sys.argv[1:] = ["sample", "--world", "null", "--people", "5", "--weeks", "9", "--out", {str(tmp_path / "new")!r}]
cli.run()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, start_new_session=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (1, "\nStopped. Nothing half-written was left behind.\n")
    assert list(tmp_path.iterdir()) == []


def test_check_does_not_import_what_draws(small):
    """`check` stays away from everything that makes pages."""
    code = (
        "import sys; from ssi_audit.cli import main\n"
        f"assert main(['check', {str(small)!r}]) == 0\n"
        "heavy = {'matplotlib', 'seaborn', 'papermill', 'nbconvert', 'statsmodels'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_misspelt_pillar_is_refused_before_a_notebook_starts(small):
    """A wrong value for a notebook's parameter names the ones that exist."""
    from ssi_audit.report.sheet import check_choice

    with pytest.raises(SettingsError, match="brand, people, insights, relationships"):
        check_choice("pillar", "brnad")


def _no_kernels(*_, **__):
    raise AssertionError("libraries were loaded for notebooks that nobody runs")


def test_report_end_to_end(small, tmp_path, monkeypatch):
    """All pages, tables and answer.json; the second run starts nothing; fresh options make a new report."""
    out = tmp_path / "reports"
    result = make_report(str(small), out, stream=None)
    assert result.ok, result.failures
    pages = {path.name for path in out.glob("*.html")}
    pillars = ("brand", "people", "insights", "relationships", "total")
    assert pages >= {"index.html", "01-data-quality.html", "glossary.html"}
    assert pages >= {f"{kind}-{pillar}.html" for kind in ("02-correlation", "03-regression") for pillar in pillars}
    assert json.loads((out / "answer.json").read_text())["overall"]["sentence"]
    assert list((out / "tables").glob("02-correlation-brand-*.csv"))
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.html")}
    with monkeypatch.context() as patch:
        patch.setattr(Kernels, "__init__", _no_kernels)
        assert make_report(str(small), out, stream=None).unchanged
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.html")} == before
    assert not make_report(str(small), out, {"language": "pl"}, stream=None).unchanged
    assert 'lang="pl"' in (out / "index.html").read_text(encoding="utf-8")


def test_report_starts_no_kernels_when_the_settings_are_wrong(tmp_path, monkeypatch):
    """A wrong setting is told before anything is started."""
    monkeypatch.setattr(Kernels, "__init__", _no_kernels)
    with pytest.raises(SettingsError):
        make_report(str(tmp_path), tmp_path / "out", {"period": "century"}, stream=None)


def test_report_ends_its_kernels_when_the_data_are_wrong(broken, tmp_path, monkeypatch):
    """Libraries load while the data are read; bad data leave no process and no folder behind."""
    started = []
    start = build.start_kernels
    monkeypatch.setattr(build, "start_kernels", lambda notebooks: started.append(start(notebooks)) or started[0])
    with pytest.raises(DataError):
        make_report(str(broken), tmp_path / "out", stream=None)
    assert started[0].closed
    assert not started[0].folder.exists()
