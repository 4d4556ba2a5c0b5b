"""Listeners hear of everything, in order, whatever fails."""

from __future__ import annotations

import itertools
import logging
import threading

import dask.config
import pytest

from dtedask.notify.delivery import Carrier, CommitSource, first_cursors
from dtedask.notify.listeners import Listener
from dtedask.notify.log import NoticeLog

HEADS = {"a": 5, "b": 2}


@pytest.fixture(autouse=True)
def _no_retries():
    with dask.config.set({"dtedask.notify.retries": 0}):
        yield


def deliver(log, listener):
    return Carrier(listener, CommitSource(log), log.state).deliver()


def listener_of(*functions, name="l", **request):
    triggers = [{"type": "function", "function": function} for function in functions]
    return Listener(name=name, request=request, triggers=triggers)


@pytest.mark.parametrize(
    ("mode", "known", "expected"),
    [
        ("new", None, HEADS),
        ("new", {"a": 3}, {"a": 3}),
        ("catchup", None, {}),
        ("catchup", {"a": 3}, {"a": 3}),
        ("now", None, HEADS),
        ("now", {"a": 3}, HEADS),
    ],
)
def test_a_listener_begins_where_its_mode_says(mode, known, expected):
    assert first_cursors(mode, known, HEADS) == expected


def test_a_listener_hears_what_it_asks_for_once_and_in_order(root, make_commit):
    heard = []
    with NoticeLog(root / "log.sqlite") as log:
        log.register("l", {"od/oper/0001": 1})
        log.append([make_commit(root, n) for n in range(1, 5)])
        result = deliver(log, listener_of(lambda event: heard.append(event.id), param="131", step="2/3"))
        assert (result.events, result.triggers, result.failures) == (2, 2, ())
        assert deliver(log, listener_of(lambda event: heard.append(event.id))).events == 0
        assert log.cursors("l") == {"od/oper/0001": 4}
    assert heard == ["od/oper/0001@2.1", "od/oper/0001@3.1"]


def test_a_failing_trigger_is_logged_recorded_and_stops_neither_triggers_nor_events(root, make_commit, caplog):
    heard = []

    def fail(event):
        raise RuntimeError(f"cannot plot {event.variable}")

    with NoticeLog(root / "log.sqlite") as log:
        log.register("l", {})
        log.append([make_commit(root, 1), make_commit(root, 2)])
        result = deliver(log, listener_of(fail, lambda event: heard.append(event.id), param="130"))
        assert (result.events, result.triggers, len(result.failures)) == (2, 4, 2)
        assert heard == ["od/oper/0001@1.0", "od/oper/0001@2.0"]
        assert [(f.listener, f.news.id, f.label) for f in log.failures()] == [("l", i, "function") for i in heard]
        assert deliver(log, listener_of(fail)).events == 0
    (first, _) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert first.getMessage() == (
        "Trigger 'function' of listener 'l' failed for od/oper/0001@1.0: RuntimeError: cannot plot v130"
    )
    assert first.exc_info is not None


def test_what_was_not_saved_is_delivered_again(root, make_commit):
    heard = []

    def interrupted(event):
        heard.append(event.sequence)
        if heard == [1, 2]:
            raise KeyboardInterrupt

    with NoticeLog(root / "log.sqlite") as log:
        log.register("l", {})
        log.append([make_commit(root, n, params=("130",)) for n in (1, 2, 3)])
        with pytest.raises(KeyboardInterrupt):
            deliver(log, listener_of(interrupted))
        deliver(log, listener_of(interrupted))
    assert heard == [1, 2, 2, 3]


def test_two_threads_bring_a_listener_each_event_once_and_leave_nothing_behind(root, make_commit):
    heard = []
    commits = [make_commit(root, n, params=("130",)) for n in range(1, 41)]
    todo = iter(commits)
    with NoticeLog(root / "log.sqlite") as log:
        log.register("l", {})
    lock = threading.Lock()

    def work():
        with NoticeLog(root / "log.sqlite") as log:
            while True:
                with lock:
                    batch = list(itertools.islice(todo, 1))
                    log.append(batch)
                if not batch:
                    return
                deliver(log, listener_of(lambda event: heard.append(event.sequence)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert heard == list(range(1, 41))


def test_a_trigger_that_commits_is_heard_of_after_it_returned(root, make_commit):
    heard = []
    with NoticeLog(root / "log.sqlite") as log:

        def derive(event):
            heard.append(event.sequence)
            if event.sequence < 3:
                log.append([make_commit(root, event.sequence + 1, params=("130",))])
                assert deliver(log, listener).events == 0

        log.register("l", {})
        listener = listener_of(derive)
        log.append([make_commit(root, 1, params=("130",))])
        assert deliver(log, listener).events == 3
    assert heard == [1, 2, 3]
