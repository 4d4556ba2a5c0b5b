"""Progress: lines in a batch job, a display at a terminal, nothing with --quiet."""

import io
import threading
from contextlib import suppress

import pytest

from dtedask.cli import progress as progress_module
from dtedask.cli.entry import mode
from dtedask.cli.progress import Display, progress
from dtedask.cli.progress_lines import Lines
from dtedask.cli.progress_live import Picture
from dtedask.cluster.watching.now import WorkersNow
from dtedask.core.stages import listening_to_stages, note, stage
from dtedask.store import Progress


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def lines(clock):
    """What a display writes as lines, and a way to let time pass."""
    written = []
    display = Display(Lines(), write=written.append, clock=clock)

    def passes(seconds):
        for _ in range(seconds):
            clock.now += 1
            display.tick()

    with listening_to_stages(display):
        yield written, display, passes


def test_stages_that_last_are_told_at_begin_and_end_and_short_ones_are_not(lines):
    written, _, passes = lines
    with stage("survey"):
        passes(3)
    with stage("write", detail="od/oper/0001"):
        with stage("merge"):
            pass
        passes(2)
    with stage("commit"):
        pass
    assert written == [
        "survey: begins",
        "survey: done in 3.0 s",
        "write: begins (od/oper/0001)",
        "write: done in 2.0 s",
    ]


def test_a_stage_of_many_units_is_told_once(lines):
    written, _, passes = lines
    for _ in range(5):
        with stage("write"):
            passes(2)
    assert written == ["write: begins", "write: done in 2.0 s"]


def test_a_stage_that_fails_says_so(lines):
    written, _, passes = lines
    with suppress(OSError), stage("commit"):
        passes(2)
        raise OSError
    assert written[-1] == "commit: failed after 2.0 s"


def test_a_batch_job_gets_a_line_now_and_then(lines, clock):
    written, display, _ = lines
    for second in range(1, 31):
        clock.now = 100.0 + second
        display.on_progress(Progress(second * 10, 400, second * 1_000_000, 40_000_000, float(second)))
    assert written == [
        "100 of 400 fields, 1.0 MB/s, 30 s left",
        "200 of 400 fields, 1.0 MB/s, 20 s left",
        "300 of 400 fields, 1.0 MB/s, 10 s left",
    ]


class FakeClient:
    dashboard_link = "http://127.0.0.1:8787/status"


def test_workers_are_told_when_their_number_changes_and_while_they_are_awaited(lines, monkeypatch):
    written, display, passes = lines
    now = [WorkersNow(0, 4, ("job 123 PENDING (Resources)",))]
    monkeypatch.setattr("dtedask.cluster.watching.now.workers_now", lambda _client: now[0])
    display.on_client(FakeClient())
    passes(70)
    now[0] = WorkersNow(3, 4, ("job 124 PENDING (Priority)",))
    passes(10)
    now[0] = WorkersNow(4, 4)
    passes(200)
    waiting = "waiting for workers: 0 of 4, job 123 PENDING (Resources)"
    assert written == [
        "dashboard: http://127.0.0.1:8787/status",
        waiting,
        waiting,
        "workers: 3 of 4, job 124 PENDING (Priority)",
        "workers: 4 of 4",
    ]


def test_a_note_is_a_line(lines):
    written, _, _ = lines
    note("something")
    assert written == ["something"]


def drawn(picture):
    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=100, force_terminal=False, legacy_windows=False).print(picture)
    return out.getvalue()


def test_the_display_shows_stage_fields_workers_and_dashboard(clock):
    picture = Picture("Ingesting")
    display = Display(picture, clock=clock)
    display.on_client(FakeClient())
    with listening_to_stages(display), stage("series", beside=True), stage("write"):
        pass  # told to nobody: it is part of the series
    with listening_to_stages(display), stage("write", detail="od/oper/0001"):
        clock.now = 12.0
        display.on_progress(Progress(30, 400, 3_000_000, 40_000_000, 10.0))
        picture.counted(WorkersNow(1, 2, ("job 7 PENDING (Priority)",)), clock.now)
        picture.tick(clock.now)
        text = drawn(picture)
    assert "write od/oper/0001, 12 s" in text
    assert "30/400 fields" in text
    assert "Workers: 1 of 2, job 7 PENDING (Priority)" in text
    assert "Dashboard: http://127.0.0.1:8787/status" in text
    assert "write" not in drawn(picture)
    picture.counted(WorkersNow(0, 2), clock.now)
    assert "Waiting for workers: 0 of 2" in drawn(picture)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("environment", "is_live"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_a_terminal_gets_a_display_unless_it_wants_none(monkeypatch, environment, is_live):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with progress() as display, stage("write"):
        display.on_progress(Progress(1, 2, 1, 2, 1.0))
    assert ("\x1b" in terminal.getvalue()) == is_live


def test_quiet_is_silent_and_nothing_is_left_behind(monkeypatch, capsys):
    monkeypatch.setattr(mode, "quiet", True)
    with progress() as display, stage("write"):
        assert display.on_progress is None
        display.on_client(FakeClient())
    assert capsys.readouterr().err == ""
    assert not [thread for thread in threading.enumerate() if thread.name == "progress"]


def test_lines_have_the_time(monkeypatch, capsys):
    monkeypatch.setattr(progress_module, "_TICK_S", 0.01)
    with progress() as display:
        display.on_client(FakeClient())
    assert capsys.readouterr().err.endswith("Z dashboard: http://127.0.0.1:8787/status\n")
