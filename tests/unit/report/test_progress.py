"""The lines of a run, on a terminal and in a log."""

import io
import re

import pytest

from ssi_audit.report.progress import Progress, duration, is_live, write_line

STEPS = [("data quality", 1), ("correlation", 5), ("claims", 1)]


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        """Yes."""
        return True


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self):
        """Seconds."""
        return self.now


def screen(text):
    """What a terminal shows in the end: lines, after the cursor was moved up and lines were cleared."""
    lines, row = [], 0
    for piece in re.split(r"(\x1b\[\d*[AKJ]|\n)", text):
        if match := re.fullmatch(r"\x1b\[(\d+)A", piece):
            row -= int(match[1])
        elif piece == "\x1b[2K":
            lines[row:] = ["", *lines[row + 1 :]]
        elif piece == "\x1b[J":
            del lines[row:]
        elif piece == "\n":
            row += 1
        elif piece:
            lines[row : row + 1] = [piece]
    return [re.sub(r"\x1b\[[\d;]*m", "", line) for line in lines]


def run(progress):
    """A run in which the middle step takes longest and the last one fails."""
    for _ in range(5):
        progress.start(1)
    progress.start(0)
    progress.done(0, seconds=0.4)
    progress.settle(0, "124 sellers, 94 % matched")
    progress.start(2)
    progress.done(2, seconds=12.0, failed=True)
    for _ in range(5):
        progress.done(1, seconds=6.2)
    progress.settle(1)
    progress.close()


EXPECTED = [
    "  1/3 data quality        ok  0.4 s   124 sellers, 94 % matched",
    "  2/3 correlation  5 of 5 ok   31 s",
    "  3/3 claims              failed   12 s",
]


def test_log_has_one_line_per_step_in_order():
    """Not a terminal: each line once, in the order of the steps, no colours, no control characters."""
    stream = io.StringIO()
    run(Progress(STEPS, stream))
    assert stream.getvalue().splitlines() == EXPECTED


def test_log_line_comes_as_soon_as_the_step_is_done():
    """A reader of a log sees a finished step at once, unless an earlier one still runs."""
    stream = io.StringIO()
    progress = Progress(STEPS, stream)
    progress.done(2, seconds=1.0)
    progress.settle(2, "done")
    assert stream.getvalue() == ""
    progress.done(0, seconds=1.0)
    progress.settle(0, "first")
    assert stream.getvalue().count("\n") == 1


def test_terminal_ends_with_the_same_lines():
    """On a terminal the lines are drawn again and again, and in the end read as in a log."""
    stream = Terminal()
    run(Progress(STEPS, stream))
    assert screen(stream.getvalue()) == EXPECTED


def test_terminal_shows_what_runs_and_how_long_it_will_take():
    """While notebooks run: how many of a step are done, and a guess about the rest once there is one."""
    stream, clock = Terminal(), Clock()
    progress = Progress([("team", 10)], stream, clock=clock)
    progress.start(0)
    for _ in range(2):
        progress.done(0, seconds=8.0)
    assert screen(stream.getvalue())[-2:] == ["  1/1 team  2 of 10 …    16 s", "  about 32 s left"]


def test_live_lines_never_wrap(monkeypatch):
    """While it is drawn again, a long summary is cut to the terminal; in the end it is whole."""
    monkeypatch.setenv("COLUMNS", "40")
    stream = Terminal()
    progress = Progress(STEPS, stream)
    progress.done(0, seconds=0.4)
    progress.settle(0, "124 sellers, 6 448 weeks, 94 % matched")
    assert max(len(line) for line in screen(stream.getvalue())) == 39
    progress.close()
    assert screen(stream.getvalue())[0].endswith("94 % matched")


def test_ticks_draw_only_after_a_while():
    """Waiting does not flood the terminal."""
    stream, clock = Terminal(), Clock()
    progress = Progress(STEPS, stream, clock=clock)
    progress.start(0)
    drawn = len(stream.getvalue())
    progress.tick()
    assert len(stream.getvalue()) == drawn
    clock.now = 1.0
    progress.tick()
    assert len(stream.getvalue()) > drawn


def test_kept_results_cost_no_time():
    """A step taken from an earlier run says so instead of a time."""
    stream = io.StringIO()
    progress = Progress([("claims", 2)], stream)
    for _ in range(2):
        progress.done(0, seconds=9.0, kept=True)
    progress.settle(0, "9 for")
    assert stream.getvalue() == "  1/1 claims 2 of 2 ok   kept   9 for\n"


def test_failures_are_not_counted_as_done():
    """Four of five pages is what a reader gets when one failed."""
    stream = io.StringIO()
    progress = Progress([("regression", 5)], stream)
    for number in range(5):
        progress.done(0, seconds=1.0, failed=number == 2)
    progress.close()
    assert stream.getvalue() == "  1/1 regression 4 of 5 failed  5.0 s\n"


@pytest.mark.parametrize(("variable", "coloured"), [("", True), ("1", False)])
def test_no_color_is_respected(monkeypatch, variable, coloured):
    """Colours on a terminal unless NO_COLOR is set to something."""
    monkeypatch.setenv("NO_COLOR", variable)
    stream = Terminal()
    run(Progress(STEPS, stream))
    assert ("\x1b[32m" in stream.getvalue()) is coloured


def test_dumb_terminal_gets_plain_lines(monkeypatch):
    """A terminal that cannot move its cursor is treated as a log."""
    monkeypatch.setenv("TERM", "dumb")
    assert not is_live(Terminal())


def test_letters_that_a_terminal_lacks_do_not_stop_the_run():
    """An ASCII terminal shows a question mark instead of an error."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    write_line(stream, "Śląsk … ok\n")
    assert raw.getvalue() == b"?l?sk ? ok\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (31.4, "31 s"),
        (99.4, "99 s"),
        (99.6, "1 min 40 s"),
        (125, "2 min 5 s"),
    ],
)
def test_durations_read_as_people_say_them(seconds, text):
    """Tenths below ten seconds, minutes from a hundred."""
    assert duration(seconds) == text
