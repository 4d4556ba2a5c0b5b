"""Purge takes nothing that the log or a listener has still to read, and the log forgets what is gone."""

from __future__ import annotations

import dask.config
import pytest

from dtedask.notify import listen, load_listeners, open_log, plugin
from dtedask.plugins import run_oldest_needed

CUBE = "od/oper/0001"


def fails(event):
    raise RuntimeError(f"no room for {event.id}")


def document(function, name):
    return load_listeners({"listeners": [{"name": name, "triggers": [{"type": "function", "function": function}]}]})


@pytest.fixture
def log(root, make_commit):
    log = open_log(root)
    log.append([make_commit(root, number) for number in range(1, 7)])
    return log


def test_a_root_without_a_log_needs_nothing_and_gets_none(root):
    assert run_oldest_needed(str(root), CUBE) == ()
    plugin.after_purge(str(root), CUBE, 3)
    assert list(root.iterdir()) == []


def test_the_log_needs_what_it_lacks(root, log):
    (need,) = run_oldest_needed(str(root), CUBE)
    assert (need.sequence, need.reason) == (7, "the log of notices, which has 6 commits")
    assert run_oldest_needed(str(root), "od/enfo/0001")[0].sequence == 1


def test_the_listener_that_is_furthest_behind_decides_and_can_be_forgotten(root, log):
    log.register("fast", {CUBE: 5})
    log.register("slow", {CUBE: 2})
    (need,) = run_oldest_needed(str(root), CUBE)
    assert need.sequence == 3
    assert need.reason == "listener 'slow', which has heard of 2 commits (`dtedask listen --forget slow`)"
    assert log.forget("slow")
    assert not log.forget("slow")
    assert run_oldest_needed(str(root), CUBE)[0].sequence == 6
    log.register("new", {})
    assert run_oldest_needed(str(root), CUBE)[0].sequence == 1


def test_the_log_forgets_what_is_gone_and_goes_on_counting(root, log, make_commit):
    log.append([make_commit(root, number, cube="od/enfo/0001") for number in range(1, 4)])
    with dask.config.set({"dtedask.notify.retries": 0}):
        listen(document(fails, "l"), root, mode="catchup", once=True, cubes=lambda _: [])
    before = len(log.failures())
    plugin.after_purge(str(root), CUBE, 4)
    assert [entry.sequence for entry in log.entries() if entry.cube == CUBE] == [4, 5, 6]
    assert [entry.sequence for entry in log.entries() if entry.cube != CUBE] == [1, 2, 3]
    assert before == 18
    assert len([failure for failure in log.failures() if failure.news.cube == CUBE]) == 6
    assert len(log.failures()) == 12
    assert log.append([make_commit(root, 7)]) == 1
    assert log.heads()[CUBE] == 7


def test_a_listener_that_begins_now_hears_of_what_is_left(root, log):
    log.trim(CUBE, 5)
    heard = []
    listen(document(lambda event: heard.append(event.id), "late"), root, mode="catchup", once=True, cubes=lambda _: [])
    assert heard == [f"{CUBE}@{number}.{index}" for number in (5, 6) for index in (0, 1)]
