"""`kill -9` of writers at 50 random moments, while readers poll."""

import os
import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import dask
import numpy as np
import pytest

import dtedask
from dtedask.core.errors import NotFoundError
from tests.store.faults.workers import LEVELS, running, values_of, write_steps

KILLS = 50
CUBE = "rd/oper/test"


class Poll(threading.Thread):
    """A reader that looks again and again and notes what must never be seen."""

    def __init__(self, root, acknowledged):
        super().__init__(daemon=True)
        self.root, self.acknowledged = root, acknowledged
        self.polls, self.wrong = 0, []
        self._end = threading.Event()

    def run(self):
        try:
            while not self._end.is_set():
                self.look()
                self.polls += 1
        except Exception as error:  # noqa: BLE001 - whatever a reader meets is wrong
            self.wrong.append(repr(error))

    def look(self):
        due = set(self.acknowledged)
        store = dtedask.open(self.root)
        try:
            seen = Counter(int(record.keys["step"]) for record in store.list())
        except NotFoundError:
            seen = Counter()
        self.wrong += [f"step {step} has {count} fields" for step, count in seen.items() if count != len(LEVELS)]
        self.wrong += [f"step {step} is lost" for step in due - set(seen)]
        if seen:
            self.check_values(store, max(seen))

    def check_values(self, store, step):
        array = store.retrieve(f"step={step}")["t"].sel(level=[float(level) for level in LEVELS])
        expected = np.stack([values_of(step, level) for level in LEVELS])
        if not np.array_equal(array.to_numpy().reshape(expected.shape), expected):
            self.wrong.append(f"step {step} has other values")

    def stop(self):
        self._end.set()
        self.join(60)
        assert not self.is_alive()


def write_and_kill(root, acknowledged, choice):
    """One writer that goes on where the last one was acknowledged, until it is killed."""
    first = max(acknowledged, default=-1) + 1
    with running(write_steps, root, first) as (process, connection):
        for _ in range(2 * choice.randrange(3) + 1):
            note(connection, acknowledged)
        connection.poll(choice.uniform(0, 0.06))  # a moment within the next commit
        os.kill(process.pid, signal.SIGKILL)
        process.join(30)
        assert process.exitcode == -signal.SIGKILL
        while connection.poll(0):
            try:
                note(connection, acknowledged)
            except EOFError:
                break


def note(connection, acknowledged):
    assert connection.poll(60)
    said, step = connection.recv()
    if said == "done":
        acknowledged.append(step)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_writers_killed_at_random_moments_lose_nothing_and_show_nothing_partial(tmp_path):
    root, acknowledged = str(tmp_path / "root"), []
    choice = random.Random(20240603)
    poll = Poll(root, acknowledged)
    poll.start()
    try:
        for _ in range(KILLS):
            write_and_kill(root, acknowledged, choice)
        last = max(acknowledged) + 1
        with running(write_steps, root, last, 2) as (process, _):
            process.join(60)
            assert process.exitcode == 0  # the next run completes
        acknowledged += [last, last + 1]
        polls = poll.polls
        deadline = time.monotonic() + 30
        while poll.polls < polls + 2 and not poll.wrong and time.monotonic() < deadline:
            threading.Event().wait(0.01)
    finally:
        poll.stop()
    assert poll.wrong == []
    assert poll.polls > KILLS // 2
    assert sorted(acknowledged) == list(range(last + 2))
    check_leftovers_are_collected(Path(root), last + 2)


def check_leftovers_are_collected(root, steps):
    def chunks():
        return len(list((root / CUBE / "chunks").iterdir()))

    store = dtedask.open(root)
    with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
        store.purge(keep_commits=1)
    assert chunks() == steps * len(LEVELS) == len(list(store.list()))
    assert list((root / CUBE / "snapshots").iterdir()) != []
    assert list((root / ".dtedask" / "open").rglob("*.json")) == []
    assert store.purge().objects == 0
