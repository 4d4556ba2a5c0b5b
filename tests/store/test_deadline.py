"""Calls that must answer in time."""

import threading

import pytest

from dtedask.store.deadline import answer_within


def test_what_a_call_returns_or_raises_comes_back():
    assert answer_within(5, lambda: 3) == 3
    with pytest.raises(ZeroDivisionError, match="division"):
        answer_within(5, lambda: 1 / 0)


def test_calls_wait_for_no_other_that_takes_long_or_never_comes_back():
    never, began = threading.Event(), threading.Event()

    def hang():
        began.set()
        never.wait(30)

    stuck = threading.Thread(target=lambda: answer_within(30, hang))
    stuck.start()
    assert began.wait(10)
    with pytest.raises(TimeoutError, match="^$"):
        answer_within(0.05, lambda: never.wait(30))
    assert answer_within(10, threading.get_ident) != threading.get_ident()
    never.set()
    stuck.join(10)
    assert not stuck.is_alive()
