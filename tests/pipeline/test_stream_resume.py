"""A stream that was interrupted goes on behind the last step that all sources had flushed, and gives the same bits."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import dtedask
from dtedask.core.errors import LockedError, PlanError
from dtedask.pipeline.runs.status import find_status
from dtedask.pipeline.streams.stream import Stream

REPOSITORY = Path(__file__).parents[2]
KEYS = {"class": "rd", "stream": "oper", "expver": "test", "type": "fc", "levtype": "sfc"}
KEYS |= {"param": "2t", "date": 20240601, "time": 0}
SIZE, SOURCES, STEPS = 12, 3, 12
FIELDS = np.random.default_rng(1).standard_normal((STEPS + 1, SIZE)) * 1e3


def plan(**checkpoint):
    statistics = {"type": "statistics", "operations": ["average", "stddev"], "output-frequency": "6h"}
    actions = [{"type": "aggregate"}, statistics, {"type": "sink", "sinks": [{"type": "cube"}]}]
    return {"name": "live", "actions": actions, "checkpoint": {"every": 1, **checkpoint}}


def open_stream(folder, **options):
    return Stream(plan(), output=str(folder), grids={"land": "90x90"}, sources=SOURCES, **options)


def run_model(stream, first, last, stops_at=None):
    """All sources side by side; one of them is gone before it flushes the step `stops_at`."""
    failed = []

    def one(number):
        client, mine = stream.client(number), np.arange(number, SIZE, SOURCES)
        try:
            client.write_domain({"name": "land", "representation": "unstructured", "globalSize": SIZE}, mine)
            for step in range(first, last + 1):
                client.write_field({**KEYS, "domain": "land", "step": step}, FIELDS[step][mine])
                if step == stops_at and number == 1:
                    return
                client.flush({"date": 20240601, "time": 0, "step": step})
        except PlanError as error:
            failed.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(SOURCES)]
    for thread in threads:
        thread.start()
    threads[1].join(20)
    if stops_at is not None:
        stream._end(KeyboardInterrupt, KeyboardInterrupt(), None)  # the process is gone: nothing more is flushed
    for thread in threads:
        thread.join(20)
    return failed


def values_in(folder):
    store = dtedask.open(folder)
    return {tuple(sorted(record.keys.items())): values.tobytes() for record, values in store.values("")}


@pytest.mark.slow
@pytest.mark.parametrize("stops_at", [1, 6, 7])
def test_what_an_interrupted_stream_gives_is_what_one_in_one_go_gives(tmp_path, stops_at):
    with open_stream(tmp_path / "whole") as stream:
        assert run_model(stream, 1, STEPS) == []
    stream = open_stream(tmp_path / "data", resume="auto", threads=2)
    assert stream.resumed_after is None
    failed = run_model(stream, 1, STEPS, stops_at)
    assert [str(error) for error in failed] == ["The stream is closed. Open another one."] * (SOURCES - 1)
    with open_stream(tmp_path / "data", resume="auto") as stream:
        after = int(stream.resumed_after["step"]) if stream.resumed_after else 0
        assert after == stops_at - 1
        assert run_model(stream, after + 1, STEPS) == []
    assert values_in(tmp_path / "data") == values_in(tmp_path / "whole")
    assert len(values_in(tmp_path / "data")) == 4
    assert open_stream(tmp_path / "data", resume="auto").resumed_after is None


CHILD = """
import sys
from tests.pipeline.test_stream_resume import *
stream = open_stream(sys.argv[1], resume="auto")
after = int(stream.resumed_after["step"]) if stream.resumed_after else 0
for step in range(after + 1, STEPS + 1):
    assert run_model(stream, step, step) == []
    print(step, flush=True)
stream.close()
"""


@pytest.mark.slow
def test_a_model_that_is_killed_and_starts_again_gives_what_one_in_one_go_gives(tmp_path):
    with open_stream(tmp_path / "whole") as stream:
        assert run_model(stream, 1, STEPS) == []
    for killed_behind in ("4", None):
        command = [sys.executable, "-c", CHILD, str(tmp_path / "data")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as child:
            for line in child.stdout:
                if line.strip() == killed_behind:
                    child.kill()
        assert child.returncode == (0 if killed_behind is None else -signal.SIGKILL)
    assert values_in(tmp_path / "data") == values_in(tmp_path / "whole")


@pytest.mark.slow
def test_the_status_of_a_stream_is_read_as_that_of_a_run(tmp_path):
    stream = open_stream(tmp_path / "data", resume="auto")
    assert run_model(stream, 1, 6) == []
    (status,) = find_status(tmp_path / "data")
    assert status.document["status"] == "running"
    stream.close()
    (status,) = find_status(tmp_path / "data")
    said = status.document
    assert (said["status"], said["source"], said["fields"]) == ("done", {"kind": "stream"}, 6 * SOURCES)


def test_two_streams_of_one_plan_into_one_output_are_refused(tmp_path):
    with open_stream(tmp_path / "data", resume="auto"), pytest.raises(LockedError, match="'live'"):
        open_stream(tmp_path / "data", resume="auto")


def test_a_stream_that_must_go_on_and_has_nothing_to_go_on_with_says_so(tmp_path):
    with pytest.raises(PlanError, match="'live' has no run that was interrupted: there is nothing to go on with"):
        open_stream(tmp_path / "data", resume="must")
