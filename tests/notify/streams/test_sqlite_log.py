"""The log of notifications in a SQLite file."""

from __future__ import annotations

import multiprocessing
import threading
import tracemalloc
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from dtedask.core.errors import FormatVersionError
from dtedask.notify.event_log import EventLog
from dtedask.notify.notification import Draft
from dtedask.notify.streams import SqliteEventLog
from dtedask.testing import EventLogSuite


class TestSqliteEventLog(EventLogSuite):
    def open(self, folder):
        return SqliteEventLog(folder / "events.sqlite")


@pytest.fixture
def log(tmp_path):
    with SqliteEventLog(tmp_path / "events.sqlite") as found:
        yield found


def test_it_is_a_log_of_notifications(log):
    assert isinstance(log, EventLog)


def test_reading_waits_for_no_writer(log):
    written = log.append([Draft("flight", {})])
    with log._written.write() as connection:
        connection.execute("DELETE FROM notifications")
        found, thread = [], threading.Thread(target=lambda: found.append(log.page("flight", 0)))
        thread.start()
        thread.join(10)
        assert found == [written]


def test_a_clock_that_goes_back_leaves_times_in_order(tmp_path):
    now = datetime(2024, 6, 3, tzinfo=UTC)
    clock = iter([now, now - timedelta(hours=1), now + timedelta(hours=1)])
    with SqliteEventLog(tmp_path / "events.sqlite", now=lambda: next(clock)) as log:
        times = [log.append([Draft("flight", {})])[0].time for _ in range(3)]
    assert times == [now, now, now + timedelta(hours=1)]


@pytest.mark.slow
def test_a_long_log_is_read_in_little_memory(log):
    count = 20_000
    log.append([Draft("flight", {"n": str(n)}, "x" * 100) for n in range(count)])
    tracemalloc.start()
    try:
        after, seen = 0, 0
        while page := log.page("flight", after):
            assert [one.sequence for one in page] == list(range(after + 1, after + 1 + len(page)))
            after, seen = page[-1].sequence, seen + len(page)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seen == count
    assert peak < 5_000_000


def _write(path, worker, barrier, results):
    with SqliteEventLog(path) as log:
        barrier.wait(60)
        written = []
        for number in range(40):
            written += log.append([Draft("ab"[number % 2], {"worker": str(worker), "n": str(number)})])
            if number % 10 == 9:
                log.trim("a", keep=5)
        results.put([(one.event_type, one.sequence, dict(one.identifier)) for one in written])


@pytest.mark.slow
def test_processes_that_append_at_once_give_each_number_once_and_in_their_order(tmp_path):
    path, context = tmp_path / "events.sqlite", multiprocessing.get_context("fork")
    barrier, results = context.Barrier(4), context.Queue()
    workers = [context.Process(target=_write, args=(path, worker, barrier, results)) for worker in range(4)]
    for worker in workers:
        worker.start()
    written = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(60)
    numbers = defaultdict(list)
    for own in written:
        for name in "ab":
            mine = [sequence for event_type, sequence, _ in own if event_type == name]
            assert mine == sorted(mine)
            numbers[name] += mine
    assert {name: sorted(found) for name, found in numbers.items()} == {name: list(range(1, 81)) for name in "ab"}
    with SqliteEventLog(path) as log:
        expected = {sequence: identifier for own in written for name, sequence, identifier in own if name == "b"}
        assert {one.sequence: one.identifier for one in log.page("b", 0)} == expected
        assert log.heads() == {"a": 80, "b": 80}


def test_a_forked_child_appends_for_itself(log, tmp_path):
    log.append([Draft("flight", {})])
    child = multiprocessing.get_context("fork").Process(target=log.append, args=([Draft("flight", {})],))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert log.append([Draft("flight", {})])[0].sequence == 3


def test_a_log_of_a_newer_dtedask_is_refused(log):
    with log._written.write() as connection:
        connection.execute("PRAGMA user_version = 99")
    with (
        SqliteEventLog(log.path) as other,
        pytest.raises(FormatVersionError, match="has format 99; this dtedask"),
    ):
        other.heads()
