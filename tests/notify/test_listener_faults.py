"""Listeners that are killed while a trigger runs, and a disk that fills below their cursors."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

from dtedask.core.errors import NoticeError
from dtedask.notify import open_log
from dtedask.notify.delivery import Carrier, DeliveryState, LogSource
from dtedask.notify.listeners import Listener
from dtedask.notify.notification import Draft
from dtedask.notify.streams import SqliteEventLog
from tests.notify.streams.test_disks import disk, only_so_many_pages

__all__ = ["disk"]

LISTENING = """
import os
import sys
from pathlib import Path

import dask
import filelock
from dtedask.notify import listen, load_listeners
from dtedask.notify.delivery import crew, finding, lookout

folder = Path(sys.argv[1])

def write(name, event):
    with open(folder / name, "a", buffering=1) as file:
        file.write(f"{event.sequence}\\n")

def first(event):
    write("first", event)
    if event.sequence % 7 == 0:
        write("attempts", event)
        if (folder / "attempts").read_text().split().count(str(event.sequence)) == 1:
            raise ValueError("the seventh fails the first time")

def second(event):
    write("begun", event)
    write("second", event)

triggers = [{"type": "function", "function": function, "retry_delay": "2ms"} for function in (first, second)]
document = load_listeners({"listeners": [{"name": "l", "triggers": triggers}]})
nowhere = {"cubes": lambda _: [], "history": lambda *_: []}
for line in sys.stdin:  # each line starts a listener, in a process of its own
    if child := os.fork():
        print(child, flush=True)
        print(os.waitpid(child, 0)[1], flush=True)
        continue
    with dask.config.set({"dtedask.notify.poll-interval": "1 ms"}):
        listen(document, folder / "root", mode="catchup", **nowhere)
"""


def numbers(file):
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def wait_until(is_true, deadline):
    while not is_true():
        assert time.monotonic() < deadline
        threading.Event().wait(0.005)


class Listeners:
    """Starts listeners, one after the other, from a process that has everything imported already."""

    def __init__(self, folder):
        command = [sys.executable, "-c", LISTENING, str(folder)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def start(self):
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def kill(self, process):
        os.kill(process, signal.SIGKILL)
        return int(self._process.stdout.readline()) == signal.SIGKILL

    def close(self):
        self._process.communicate()


@pytest.mark.slow
def test_a_listener_that_is_killed_thirty_times_repeats_only_what_it_had_in_hand(tmp_path, make_commit):
    root, chance, count = tmp_path / "root", random.Random(10), itertools.count(1)
    root.mkdir()
    log, listeners, deadline = open_log(root), Listeners(tmp_path), time.monotonic() + 100
    stop, kills = threading.Event(), 0

    def commit():
        while not stop.wait(0.02):
            log.append([make_commit(root, next(count), params=("130",))])

    writer = threading.Thread(target=commit)
    writer.start()
    try:
        for _ in range(30):
            before = len(numbers(tmp_path / "second"))
            process = listeners.start()
            wait_until(lambda before=before: len(numbers(tmp_path / "second")) > before, deadline)
            threading.Event().wait(chance.uniform(0, 0.05))
            kills += listeners.kill(process)
    finally:
        stop.set()
        writer.join()
    last = log.last("od/oper/0001")
    process = listeners.start()
    wait_until(lambda: last in numbers(tmp_path / "second"), deadline)
    listeners.kill(process)
    listeners.close()
    assert kills == 30
    for name in ("first", "second"):
        heard = numbers(tmp_path / name)
        assert sorted(set(heard)) == list(range(1, last + 1))
        assert all(after in (before, before + 1) for before, after in itertools.pairwise(heard))
    assert len(numbers(tmp_path / "second")) <= last + kills
    assert log.failures() == []


@pytest.mark.slow
def test_a_full_disk_below_the_cursors_repeats_no_trigger_and_all_goes_on_when_there_is_room(disk, tmp_path):
    heard, failed = [], []
    function = {"type": "function", "function": lambda news: heard.append(news.sequence)}
    listener = Listener(name="l", event="flight", triggers=[function])
    with SqliteEventLog(tmp_path / "events.sqlite") as log, DeliveryState(disk / "deliveries.sqlite") as state:
        state.register("l", "flight", {})
        carrier = Carrier(listener, LogSource(log, "flight"), state)
        for pages in range(24):
            log.append([Draft("flight", {"n": str(number)}) for number in range(6)])
            with only_so_many_pages(disk, pages):
                for _ in range(3):
                    try:
                        carrier.deliver()
                    except NoticeError as error:
                        failed.append(str(error))
            carrier.deliver()
            assert heard == list(range(1, 6 * pages + 7))
            assert state.cursors("l", "flight") == {"flight": heard[-1]}
    assert len(failed) >= 12
    assert all("deliveries.sqlite' cannot be used" in text for text in failed)
