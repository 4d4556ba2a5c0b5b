"""Threads that write at once share what writing costs."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from dtedask.core.errors import NoticeError
from dtedask.notify.streams.group_commit import GroupCommit


def test_what_comes_while_one_is_written_is_written_together():
    groups, begun, may_end = [], threading.Event(), threading.Event()

    def write(items):
        groups.append(list(items))
        begun.set()
        assert may_end.wait(10)
        return [item * 10 for item in items]

    commit = GroupCommit(write)
    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(commit, 0)
        assert begun.wait(10)
        others = [pool.submit(commit, n) for n in range(1, 6)]
        while len(commit._waiting) < 5:
            wait(others, timeout=0.001)
        may_end.set()
        assert [one.result(10) for one in (first, *others)] == [0, 10, 20, 30, 40, 50]
    assert [sorted(group) for group in groups] == [[0], [1, 2, 3, 4, 5]]


def test_many_threads_each_get_what_is_theirs():
    commit = GroupCommit(lambda items: [item + 1 for item in items])
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda worker: [commit(worker * 1000 + n) for n in range(200)], range(16)))
    assert found == [[worker * 1000 + n + 1 for n in range(200)] for worker in range(16)]


def test_all_who_were_in_a_group_hear_that_it_failed_and_the_next_one_is_written():
    def write(items):
        if "bad" in items:
            raise NoticeError("The disk is full.")
        return items

    commit = GroupCommit(write)
    with pytest.raises(NoticeError, match="The disk is full"):
        commit("bad")
    assert commit("good") == "good"


def test_a_writer_that_is_interrupted_leaves_the_others_an_error_and_the_turn():
    begun, may_end = threading.Event(), threading.Event()

    def write(items):
        if items == ["first"]:
            begun.set()
            assert may_end.wait(10)
            raise KeyboardInterrupt
        return items

    commit = GroupCommit(write)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(commit, "first")
        assert begun.wait(10)
        second = pool.submit(commit, "second")
        while not commit._waiting:
            wait([second], timeout=0.001)
        may_end.set()
        with pytest.raises(KeyboardInterrupt):
            raise first.exception(10)
        assert second.result(10) == "second"
