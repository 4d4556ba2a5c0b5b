"""Many listeners at once: none waits for another."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from dtedask.core.errors import NoticeError
from dtedask.notify.delivery import Delivery
from dtedask.notify.delivery import crew as module
from dtedask.notify.delivery.crew import Crew

BEGIN = datetime(2024, 6, 3, tzinfo=UTC)


class Serves:
    """Serves by a function, and says how often it was asked."""

    def __init__(self, serve, name="l"):
        self.serve, self.name, self.asked = serve, name, 0

    def deliver(self, stop):
        self.asked += 1
        return self.serve(stop) or Delivery()


def turn_until(crew, is_true):
    for _ in range(3000):
        if is_true():
            return
        crew.turn(0.01)
    raise AssertionError("it never came to that")


def test_a_slow_listener_holds_up_nobody():
    free, stop = threading.Event(), threading.Event()
    slow, fast = Serves(lambda _: free.wait(30) and None, "slow"), Serves(lambda _: Delivery(events=1), "fast")
    crew = Crew([slow, fast], threads=2, stop=stop)
    for count in range(1, 6):
        crew.news()
        turn_until(crew, lambda count=count: crew.total.events >= count)
    assert slow.asked == 1
    free.set()
    crew.end()


def test_no_more_triggers_run_at_once_than_there_are_threads():
    lock, running, most, stop = threading.Lock(), [], [], threading.Event()

    def serve(_):
        with lock:
            running.append(1)
            most.append(len(running))
        threading.Event().wait(0.01)
        with lock:
            running.pop()
        return Delivery(events=1)

    crew = Crew([Serves(serve, str(number)) for number in range(12)], threads=3, stop=stop)
    crew.serve_all()
    crew.end()
    assert crew.total.events == 12
    assert max(most) <= 3


def test_whoever_waits_for_a_trigger_takes_no_thread_and_is_asked_again_when_it_is_time():
    now, stop = [BEGIN], threading.Event()
    waiting = Serves(lambda _: Delivery(due=BEGIN + timedelta(minutes=5)), "waiting")
    other = Serves(lambda _: Delivery(events=1), "other")
    crew = Crew([waiting, other], threads=1, stop=stop, clock=lambda: now[0])
    for count in (1, 2, 3):
        crew.news()
        turn_until(crew, lambda count=count: crew.total.events >= count and waiting.asked)
    assert waiting.asked == 1
    assert not crew.is_idle
    waiting.serve = lambda _: Delivery(events=10)
    now[0] += timedelta(minutes=6)
    crew.serve_all()
    assert (waiting.asked, crew.total.events, crew.is_idle) == (2, 13, True)
    crew.end()


def test_files_that_cannot_be_used_are_tried_again_ever_more_seldom(caplog):
    now, stop = [BEGIN], threading.Event()

    def fail(_):
        raise NoticeError("The disk is full.")

    serves = Serves(fail)
    crew = Crew([serves], threads=1, stop=stop, clock=lambda: now[0])
    for asked, pause_s in [(1, 1), (2, 2), (3, 4), (4, 8)]:
        turn_until(crew, lambda asked=asked: serves.asked == asked and f"wait {2 ** (asked - 1)} s" in caplog.text)
        assert f"Listener 'l' has to wait {pause_s} s: The disk is full." in caplog.text
        now[0] += timedelta(seconds=pause_s)
    serves.serve = lambda _: Delivery(events=1)
    crew.serve_all()
    crew.end()
    assert crew.total.events == 1
    assert module.LONGEST_PAUSE_S == 60


def test_who_waits_for_a_server_is_asked_at_once_when_it_has_news():
    stop, serves = threading.Event(), Serves(lambda _: Delivery(events=1))
    crew = Crew([serves], threads=1, stop=stop, clock=lambda: BEGIN)

    def fail(_):
        raise NoticeError("The server is away.")

    serves.serve = fail
    turn_until(crew, lambda: serves.asked == 1 and not crew._posts[0].is_busy)
    serves.serve = lambda _: Delivery(events=1)
    crew.news()
    crew.turn(0.01)
    assert serves.asked == 1
    crew.news(is_certain=True)
    turn_until(crew, lambda: crew.total.events == 1)
    crew.end()


def test_a_mistake_in_the_program_is_no_failure_that_is_tried_again():
    def fail(_):
        raise ZeroDivisionError

    crew = Crew([Serves(fail)], threads=1, stop=threading.Event())
    with pytest.raises(ZeroDivisionError):
        crew.serve_all()
    crew.end()


def test_stopping_waits_for_the_trigger_that_runs_and_begins_no_other():
    stop, began = threading.Event(), threading.Event()

    def serve(told):
        began.set()
        assert told.wait(30)
        return Delivery(events=1)

    serves = Serves(serve)
    crew = Crew([serves, Serves(serve, "other")], threads=1, stop=stop)
    turn_until(crew, began.is_set)
    stop.set()
    crew.serve_all()
    crew.end()
    assert crew.total.events == 2
