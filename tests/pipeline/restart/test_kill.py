"""A run that is killed at any moment and goes on leaves what one leaves that nobody disturbs, to the last bit."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.notify.log import NoticeLog, log_path
from tests.pipeline.restart import killed


class Program:
    """The program that runs plans in processes of its own."""

    def __init__(self):
        command = [sys.executable, "-m", "tests.pipeline.restart.killed"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "start_new_session": True}
        self._process = subprocess.Popen(command, **pipes)

    def begin(self, folder, *, kill=None, every=1, threads=1):
        job = {"folder": str(folder), "kill": kill, "every": every, "threads": threads}
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()

    def run(self, folder, **options):
        self.begin(folder, **options)
        answer = json.loads(self._process.stdout.readline())
        assert not answer.get("error"), answer["error"]
        return answer

    def kill(self):
        """Kill it and what it began: it is a group of its own."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self.close()

    def close(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)


@pytest.fixture(scope="module")
def program():
    found = Program()
    yield found
    found.close()


@pytest.fixture(scope="module")
def undisturbed(program, tmp_path_factory):
    folder = prepared(tmp_path_factory.mktemp("undisturbed"))
    moments = program.run(folder)["moments"]
    return moments, left(folder)


def prepared(folder):
    (folder / "plan.yaml").write_text(killed.PLAN)
    return folder


def left(folder):
    """All that a run left: fields of the cube, how they came there, bytes of the file, notices of it."""
    store = dtedask.open(folder / "out")
    fields = {tuple(sorted(record.keys.items())): values.tobytes() for record, values in store.values({})}
    commits = [
        (one.sequence, one.new, one.replaced, [change.keys for change in one.changes]) for one in store.history()
    ]
    with NoticeLog(log_path(str(folder / "out"))) as log:
        entries = [entry for entry in log.entries() if entry.cube == "plan/raw"]
    notices = [(entry.sequence, [sorted(event.keys.items()) for event in entry.events]) for entry in entries]
    return fields, commits, (folder / "all.grib2").read_bytes(), notices


@pytest.mark.slow
@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_killed_anywhere_and_run_again_all_is_as_if_nothing_had_happened(program, undisturbed, tmp_path, data):
    moments, expected = undisturbed
    every, threads = data.draw(st.sampled_from([1, 4])), data.draw(st.sampled_from([1, 2]))
    folder = tmp_path / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    prepared(folder)
    for _ in range(data.draw(st.integers(1, 3))):
        program.run(folder, kill=data.draw(st.integers(0, moments - 1)), every=every, threads=threads)
    assert program.run(folder, every=every, threads=threads)["status"] == 0
    assert left(folder) == expected


@pytest.mark.slow
def test_there_is_one_notice_a_step(undisturbed):
    _, (_, commits, _, notices) = undisturbed
    assert [sequence for sequence, _ in notices] == list(range(1, killed.STEPS + 1))
    assert [dict(events[0])["step"] for _, events in notices] == [str(step) for step in range(1, killed.STEPS + 1)]
    assert len(commits) == killed.STEPS // 5


@pytest.mark.slow
def test_killed_from_outside_it_goes_on(program, undisturbed, tmp_path):
    _, expected = undisturbed
    prepared(tmp_path)
    whole, written = len(expected[2]), tmp_path / "all.grib2"
    for part in (0.3, 0.6):
        begun = Program()
        begun.begin(tmp_path)
        waited = time.monotonic() + 60
        while not written.exists() or written.stat().st_size < part * whole:
            assert time.monotonic() < waited
        begun.kill()
    assert program.run(tmp_path)["status"] == 0
    assert left(tmp_path) == expected


@pytest.mark.slow
def test_a_run_that_is_killed_and_goes_on_leaves_what_an_undisturbed_one_leaves(program, undisturbed, tmp_path):
    moments, expected = undisturbed
    prepared(tmp_path)
    assert program.run(tmp_path, kill=2 * moments // 3)["status"] == -9
    answer = program.run(tmp_path)
    assert answer["status"] == 0
    assert answer["moments"] < moments
    assert left(tmp_path) == expected
