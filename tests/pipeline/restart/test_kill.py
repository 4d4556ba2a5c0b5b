"""A run that is killed at any moment and goes on leaves what one leaves that nobody disturbs, to the last bit."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dtedask
from tests.pipeline.restart import killed


class Program:
    """The program that runs plans in processes of its own."""

    def __init__(self):
        command = [sys.executable, "-m", "tests.pipeline.restart.killed"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, folder, *, kill=None, every=1, threads=1):
        job = {"folder": str(folder), "kill": kill, "every": every, "threads": threads}
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert not answer.get("error"), answer["error"]
        return answer

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
    """All that a run left: fields of the cube, bytes of the file."""
    store = dtedask.open(folder / "out")
    fields = {tuple(sorted(record.keys.items())): values.tobytes() for record, values in store.values({})}
    return fields, Path(folder / "all.grib2").read_bytes()


@pytest.mark.slow
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
def test_a_run_that_is_killed_and_goes_on_leaves_what_an_undisturbed_one_leaves(program, undisturbed, tmp_path):
    moments, expected = undisturbed
    prepared(tmp_path)
    assert program.run(tmp_path, kill=2 * moments // 3)["status"] == -9
    answer = program.run(tmp_path)
    assert answer["status"] == 0
    assert answer["moments"] < moments
    assert left(tmp_path) == expected
