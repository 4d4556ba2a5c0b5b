"""Constants are loaded once, by whoever asks first, and the oldest are let go."""

import threading

import pytest

from dtedask.cluster import content_key
from dtedask.cluster.workers.constants import Constants


def test_many_who_ask_at_once_get_the_one_that_is_loaded_once():
    constants, loads, together = Constants(), [], threading.Barrier(8)

    def load():
        loads.append(threading.get_ident())
        return object()

    found = []

    def ask():
        together.wait(10)
        found.append(constants.get("weights", load))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1
    assert len({id(one) for one in found}) == 1


def test_one_that_is_being_loaded_keeps_no_other_waiting():
    constants, may_end = Constants(), threading.Event()
    slow = threading.Thread(target=constants.get, args=("slow", may_end.wait))
    slow.start()
    assert constants.get("quick", lambda: 1) == 1
    may_end.set()
    slow.join()
    assert "slow" in constants


def test_those_used_longest_ago_are_let_go_when_there_is_no_room():
    constants = Constants(most_bytes=300)
    for key in "abc":
        constants.get(key, lambda: "x", size_bytes=100)
    constants.get("a", lambda: "y")
    constants.get("d", lambda: "x", size_bytes=150)
    assert [key in constants for key in "abcd"] == [True, False, False, True]
    assert constants.size_bytes == 250
    constants.get("huge", lambda: "x", size_bytes=1000)
    assert constants.size_bytes == 1000


def test_a_failure_is_told_and_the_next_one_tries_again():
    constants = Constants()
    with pytest.raises(ZeroDivisionError, match="by zero"):
        constants.get("weights", lambda: 1 / 0)
    assert constants.get("weights", lambda: 2) == 2


def test_keys_stand_for_content_and_for_nothing_else():
    assert content_key(b"ab", "c") != content_key(b"a", "bc")
    assert content_key("weights") == content_key(b"weights")
