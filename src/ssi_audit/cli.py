"""The commands (design.md section 4). Arguments in, exit code out; no logic.

Every import of weight happens inside the command that needs it, so that
``ssi-audit --help`` answers at once. Exit codes: 0 done, 1 a step failed,
2 bad data or settings.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import gc
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from ssi_audit.errors import NotEnoughData, SettingsError, UserError, visible
from ssi_audit.schema import LANGUAGES

DONE, FAILED, BAD_INPUT = 0, 1, 2
NOT_WRITTEN = "Nothing half-written was left behind. Make room, or choose another --out, and run this again."


def run() -> None:
    """Run one command as a process of its own: what `ssi-audit` starts.

    A process that has loaded pandas and a database takes itself apart for half a second, an eighth of an audit. This
    one leaves once threads have ended, files are closed and everything registered with `atexit` has run.
    """
    process, code = os.getpid(), FAILED

    def leave() -> None:  # registered first, so it runs last
        if os.getpid() == process:
            with contextlib.suppress(OSError, ValueError):  # nobody reads any more, or `main` has closed it
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    atexit.register(leave)
    _heed_sigterm()
    try:
        code = main()
    except SystemExit as stop:  # of argparse
        code = stop.code if isinstance(stop.code, int) else DONE if stop.code is None else FAILED
    sys.exit(code)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    # One process per core does the work; threads of linear algebra beside them triple the time (52 s to 19 s at
    # 150 sellers by 104 weeks). Must be said before numpy is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Imports and tables make objects that live to the end: looking through them for garbage is a tenth of an audit.
    gc.set_threshold(100_000, 50, 100)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without ł and ä: a name is no reason to end
            stream.reconfigure(errors="backslashreplace")
    parser = _parser()
    args = parser.parse_args(arguments)
    try:
        code = args.run(args)
        sys.stdout.flush()  # what cannot be printed is an error of this run, not of its end
        return code
    except UserError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except NotEnoughData as error:
        print(f"{error}\nNothing was written.", file=sys.stderr)
        return BAD_INPUT
    except MemoryError:
        print(f"There is not enough memory for this.\n{UserError.closing}", file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:  # `ssi-audit check | head`
        sys.stderr.close()
        return DONE
    except OSError as error:  # a full disk, a folder that is not ours to write to: what is written is written whole
        what, where = error.strerror or str(error), error.filename or ("standard output" if _printing(error) else "")
        print(visible(f"{what}: {where}" if where else what) + f"\n{NOT_WRITTEN}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("\nStopped. Nothing half-written was left behind.", file=sys.stderr)
        return FAILED


def _heed_sigterm() -> None:
    """Let what ends a service or a shut-down end a command as Ctrl-C does, so that it removes what is unfinished.

    Only the command itself: a pool ends its workers with the same signal, and they have nothing to tidy up.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _printing(error: OSError) -> bool:
    """Whether it was raised by a line of this module, which does nothing but print: a full disk names nothing."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return at is not None and at.tb_frame.f_code.co_filename == __file__


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ssi-audit",
        description="Does LinkedIn's Social Selling Index say anything about sales? Run it on your own data and see.",
    )
    parser.add_argument("--version", action="store_true", help="print the version and stop")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    parser.set_defaults(run=lambda args: _no_command(parser, args))

    def command(name: str, run: Any, help_: str, data: bool = True, json_: bool = True) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help_, description=help_)
        sub.set_defaults(run=run)
        if data:
            sub.add_argument("data", nargs="?", default="data/raw", help="folder of exports (default: data/raw)")
            _reading_options(sub)
        if json_:
            sub.add_argument("--json", action="store_true", help="print the facts of the run as JSON")
        return sub

    report = command("report", _report, "everything: read, join, analyse, write the pages")
    report.add_argument("--out", type=Path, default=Path("reports"), help="folder of the pages (default: reports)")
    report.add_argument("--workers", type=int, default=None, help="notebooks at a time (default: number of cores)")

    report.add_argument(
        "--scheduler", metavar="ADDRESS", default=None, help="run the notebooks on this dask cluster, tcp://host:port"
    )

    command("check", _check, "read and check only; print every problem; write nothing")

    load = command("load", _load, "write what was understood as plain tables")
    load.add_argument("--out", type=Path, required=True)
    load.add_argument(
        "--as", dest="as_", choices=("csv", "parquet"), default="csv",
        help="csv: the plain format, with names; parquet: persons as codes, for `ssi-audit panel`",
    )  # fmt: skip

    panel = command("panel", _panel, "write the panel as Parquet, from exports or from tables as Parquet")
    panel.add_argument("--out", type=Path, required=True)
    panel.add_argument("--memory", default=None, help="work in person buckets within this much memory, such as 4GB")
    panel.add_argument("--engine", choices=("duckdb", "spark"), default="duckdb", help="where the SQL runs")
    panel.add_argument("--spark", default=None, metavar="ADDRESS", help="default: SPARK_REMOTE, or this machine")

    audit = command("audit", _audit, "the numbers without pages: answer.json and evidence.json")
    audit.add_argument("--out", type=Path, required=True, help="where answer.json goes")
    audit.add_argument(
        "--everything", action="store_true", help="also claims, what to watch instead and every other analysis"
    )
    audit.add_argument(
        "--evidence", type=Path, default=None, help="where evidence.json for `pool` goes (default: beside --out)"
    )

    pool = command("pool", _pool, "combine evidence.json of several organisations", data=False)
    pool.add_argument("files", nargs="+", type=Path)
    pool.add_argument("--out", type=Path, required=True, help="folder of the page, its tables and answer.json")
    pool.add_argument("--lang", choices=LANGUAGES, default="en", help="of the page (default: en)")

    power = command("power", _power, "what a team of this size could see, and by when", data=False)
    power.add_argument("--people", type=int, required=True)
    power.add_argument("--weeks", type=int, required=True)
    power.add_argument("--from", dest="data", default=None, help="take rates and spread from this folder of exports")

    record = command("record", _record, "append one reading to a history", data=False)
    record.add_argument("--person", required=True)
    record.add_argument("--to", type=Path, required=True, help="the history, a CSV in the plain format")
    record.add_argument("--file", type=Path, default=None, help="saved page or copied JSON answer")
    record.add_argument("--date", default=None, help="day of the reading (default: today)")
    for column in ("brand", "people", "insights", "relationships", "total"):
        record.add_argument(f"--{column}", type=float, default=None)
    for column in ("industry-rank", "network-rank"):
        record.add_argument(f"--{column}", type=float, default=None, help="the N of Top N %%")

    sample = command("sample", _sample, "exports of a known-truth world, and truth.json beside them", data=False)
    sample.add_argument("--world", default="sample", help="name of a world, or sample for the invented organisation")
    sample.add_argument("--people", type=int, default=40)
    sample.add_argument("--weeks", type=int, default=104)
    sample.add_argument("--seed", type=int, default=1)
    sample.add_argument("--as", dest="as_", choices=("plain", "exports"), default="plain")
    sample.add_argument("--out", type=Path, required=True)

    pdf = command("pdf", _pdf, "print the answer page to PDF with Chromium", data=False)
    pdf.add_argument("report", nargs="?", type=Path, default=Path("reports"))

    verify = command("verify", _verify, "check that a report was made from these data, settings and code", data=False)
    verify.add_argument("report", type=Path)
    verify.add_argument("data", nargs="?", default="data/raw")
    return parser


def _reading_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--lang", choices=LANGUAGES, default=None)
    sub.add_argument("--period", choices=("week", "month"), default=None)
    sub.add_argument("--from", dest="start", metavar="DAY", default=None, help="first day that counts, 2025-01-01")
    sub.add_argument("--to", dest="end", metavar="DAY", default=None, help="last day that counts")
    sub.add_argument(
        "--skip-unreadable", action="store_true", help="go on without files that cannot be read, and list them"
    )


def options_of(args: argparse.Namespace) -> dict[str, Any]:
    """Settings given on the command line."""
    given = {
        "language": args.lang,
        "period": args.period,
        "start": args.start,
        "end": args.end,
    }
    return {name: value for name, value in given.items() if value is not None}


def _no_command(parser: argparse.ArgumentParser, args: argparse.Namespace) -> int:
    if args.version:
        from importlib.metadata import version

        print(version("ssi-audit"))
        return DONE
    parser.print_help()
    return BAD_INPUT


def _say(args: argparse.Namespace, facts: dict[str, Any], text: str) -> None:
    print(json.dumps(facts, ensure_ascii=False, indent=1) if args.json else "\n".join(map(visible, text.split("\n"))))


def _report(args: argparse.Namespace) -> int:
    from ssi_audit.report.build import make_report

    stream = sys.stderr if args.json else sys.stdout
    result = make_report(
        args.data, args.out, options_of(args), workers=args.workers, skip_unreadable=args.skip_unreadable,
        scheduler=args.scheduler, stream=stream,
    )  # fmt: skip
    if args.json:
        print(json.dumps(result.facts, ensure_ascii=False, indent=1))
    return DONE if result.ok else FAILED


def _check(args: argparse.Namespace) -> int:
    from ssi_audit import check, workspace
    from ssi_audit.settings import load_settings

    folder, sample = workspace.find_data(args.data)
    found = check.check_folder(folder, load_settings(folder, **options_of(args)), args.skip_unreadable)
    _say(args, check.facts(found), check.text(found, sample=sample))
    return DONE


def _load(args: argparse.Namespace) -> int:
    from ssi_audit import workspace
    from ssi_audit.settings import load_settings

    folder, _ = workspace.find_data(args.data)
    settings = load_settings(folder, **options_of(args))
    written = workspace.write_loaded(
        folder, settings, args.out, as_=args.as_, skip_unreadable=args.skip_unreadable
    )  # fmt: skip
    _say(args, {"written": [path.name for path in written]}, "\n".join(f"Wrote {path}" for path in written))
    return DONE


def _panel(args: argparse.Namespace) -> int:
    import functools

    from ssi_audit import workspace
    from ssi_audit.exports import read_exports
    from ssi_audit.panel import build_panel, write_panel
    from ssi_audit.panel_files import holds_tables, panel_within
    from ssi_audit.settings import load_settings
    from ssi_audit.writing import check_apart

    folder, _ = workspace.find_data(args.data)
    settings = load_settings(folder, **options_of(args))
    if not holds_tables(folder):  # of tables only those are read that have our names
        check_apart(folder, args.out)
    if args.memory or args.engine != "duckdb" or holds_tables(folder) or workspace.may_be_large(folder):
        write = functools.partial(
            workspace.write_loaded, folder, settings, as_="parquet", skip_unreadable=args.skip_unreadable
        )
        done = panel_within(folder, args.out, settings, write, args.memory, args.engine, args.spark)
        people, rows = done.people, done.rows
    else:
        panel = build_panel(read_exports(folder, settings, skip_unreadable=args.skip_unreadable), settings)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        write_panel(panel, args.out)
        people, rows = panel["person"].nunique(), len(panel)
    _say(args, {"people": people, "rows": rows}, f"Wrote {args.out}: {people} people, {rows} rows")
    return DONE


def _audit(args: argparse.Namespace) -> int:
    from ssi_audit import workspace
    from ssi_audit.evidence import answer_json, audit, with_sentence
    from ssi_audit.pool import evidence_name, write_evidence
    from ssi_audit.report.words import Words
    from ssi_audit.settings import load_settings
    from ssi_audit.writing import write_whole

    folder, sample = workspace.find_data(args.data)
    settings = load_settings(folder, **options_of(args))
    found = audit(
        folder, settings, sample=sample, skip_unreadable=args.skip_unreadable,
        fingerprint=workspace.fingerprint(folder), everything=args.everything,
    )  # fmt: skip
    found = with_sentence(found, Words(settings.language, settings.sesoi, found.data["currency"]).headline(found))
    write_whole(args.out, answer_json(found))
    evidence = args.evidence or args.out.with_name(evidence_name(args.out.name))
    write_evidence(found, evidence, settings)
    said = f"Verdict: {found.overall.sentence}\nWrote {args.out} and {evidence}"
    _say(args, found.to_dict()["overall"], said)
    return DONE


def _pool(args: argparse.Namespace) -> int:
    import dataclasses
    import datetime as dt

    from ssi_audit.evidence import with_sentence
    from ssi_audit.pool import pool, write_pool
    from ssi_audit.report.pool_page import pool_context, words_of, write_pool_page

    found = pool(args.files)
    sentence = words_of(found, args.lang).headline(found.audit)
    found = dataclasses.replace(found, audit=with_sentence(found.audit, sentence))
    write_pool(found, args.out)
    page = write_pool_page(found, args.out, pool_context(found, args.lang, dt.datetime.now(tz=dt.UTC).date()))
    _say(args, found.audit.to_dict()["overall"], f"Verdict: {sentence}\nOpen {page}")
    return DONE


def _power(args: argparse.Namespace) -> int:
    from ssi_audit.power import notes, power_table, text_rows

    panel = settings = None
    if args.data:
        from ssi_audit.workspace import load_run

        run = load_run(args.data)
        panel, settings = run.panel, run.settings
    table = power_table(args.people, args.weeks, panel, settings)
    text = "\n".join([aligned(text_rows(table)), *notes(table)])
    _say(args, json.loads(table.frame().to_json(orient="table", index=False)), text)
    return DONE


def aligned(rows: list[tuple[str, ...]]) -> str:
    """Rows of text as columns."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _record(args: argparse.Namespace) -> int:
    import datetime as dt

    from ssi_audit.record import VALUES, read_reading, record

    typed = {name: getattr(args, name) for name in VALUES if getattr(args, name) is not None}
    if bool(args.file) == bool(typed):
        raise SettingsError("give either --file or typed numbers (--brand … --total …)")
    values = read_reading(args.file) if args.file else typed
    try:
        day = dt.date.fromisoformat(args.date) if args.date else dt.datetime.now().astimezone().date()
    except ValueError as error:
        raise SettingsError(f"--date {args.date}: expected a day like 2026-02-27") from error
    new = record(args.to, args.person, day, values)
    done = f"Added {day} to {args.to}" if new else f"{args.to} holds this reading already"
    _say(args, {"added": new, "date": day.isoformat(), **values}, done)
    return DONE


def _sample(args: argparse.Namespace) -> int:
    from ssi_audit.worlds import make_world, write_world

    if args.world == "sample":
        from ssi_audit.world_sample import write_sample

        written = write_sample(args.out)
    else:
        written = write_world(make_world(args.world, args.people, args.weeks, args.seed), args.out, as_=args.as_)
    _say(args, {"written": [path.name for path in written]}, f"Wrote {len(written)} files to {args.out}")
    return DONE


def _pdf(args: argparse.Namespace) -> int:
    from ssi_audit.report.pdf import print_pdf

    path = print_pdf(args.report)
    _say(args, {"pdf": str(path)}, f"Wrote {path}")
    return DONE


def _verify(args: argparse.Namespace) -> int:
    from ssi_audit.verify import verify

    checks = verify(args.report, args.data)
    lines = [f"  {check.what:<20} {'same' if check.holds else 'DIFFERS':<8} {check.found}" for check in checks]
    _say(args, {check.what: check.holds for check in checks}, "\n".join(lines))
    return DONE if all(check.holds for check in checks) else FAILED


if __name__ == "__main__":
    run()
