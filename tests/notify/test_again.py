"""Who commits does not wait for what is tried again."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading

import dask.config
import pytest

from dtedask.core.errors import TriggerError
from dtedask.notify import catch_up, listening, open_log, plugin
from dtedask.notify.delivery import again

CUBE = "od/oper/0001"


def document(function, **trigger):
    trigger = {"type": "function", "function": function, "retry_delay": "10ms", **trigger}
    return {"listeners": [{"name": "l", "triggers": [trigger]}]}


def test_what_failed_in_a_commit_is_tried_again_in_order_while_the_process_goes_on(root, make_commit):
    heard, failures = queue.Queue(), iter([True, True])

    def hear(event):
        if next(failures, False):
            raise ValueError("no disk yet")
        heard.put(event.sequence)

    with listening(document(hear)):
        (failure,) = plugin.after_commit(make_commit(root, 1, params=("130",)))
        assert isinstance(failure, TriggerError)
        assert "(attempt 1; again in 0.0" in failure.message
        plugin.after_commit(make_commit(root, 2, params=("130",)))
        assert [heard.get(timeout=30), heard.get(timeout=30)] == [1, 2]
    assert open_log(root).failures() == []
    assert open_log(root).cursors("l") == {CUBE: 2}


def test_what_never_succeeds_is_a_dead_letter_and_the_next_event_is_delivered(root, make_commit):
    heard = queue.Queue()

    def hear(event):
        heard.put(event.sequence)
        if event.sequence == 1:
            raise ValueError("no disk")

    with listening(document(hear, retries=2)):
        plugin.after_commit(make_commit(root, 1, params=("130",)))
        plugin.after_commit(make_commit(root, 2, params=("130",)))
        assert [heard.get(timeout=30) for _ in range(4)] == [1, 1, 1, 2]
    (letter,) = open_log(root).failures()
    assert (letter.news.id, letter.attempts) == (f"{CUBE}@1.0", 3)


def test_a_recipe_that_ends_leaves_what_is_to_be_tried_again_to_the_next_start(root, make_commit, caplog):
    heard = []

    def hear(event):
        heard.append(event.sequence)
        if len(heard) == 1:
            raise ValueError("no disk yet")

    with listening(document(hear, retry_delay="5m")):
        plugin.after_commit(make_commit(root, 1, params=("130",)))
    assert "What listener 'l' is to try again waits for the next start." in caplog.text
    assert not again._waiting
    with listening(document(hear)):
        catch_up(root, cubes=lambda _: [])
    assert heard == [1]  # it is not yet time
    with listening(document(hear, retry_delay="5m")):
        assert open_log(root).state.hand("l", ["function"]).tries[0].attempts == 1


@pytest.mark.slow
def test_the_end_of_a_process_waits_for_the_trigger_that_runs_and_for_no_other(root, make_commit, tmp_path):
    code = """
import pickle, sys, threading, time
from pathlib import Path
from dtedask.notify import listening, plugin

tries = []
begun = threading.Event()

def hear(event):
    tries.append(event)
    if len(tries) == 1:
        raise ValueError("no disk yet")
    begun.set()
    time.sleep(0.3)
    Path(sys.argv[1], "done").touch()
    raise ValueError("not yet")

import atexit
trigger = {"type": "function", "function": hear, "retry_delay": "1ms", "retries": 1000}
context = listening({"listeners": [{"name": "l", "triggers": [trigger]}]})
context.__enter__()
plugin.after_commit(pickle.load(sys.stdin.buffer))
begun.wait(30)
"""
    import pickle

    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        input=pickle.dumps(make_commit(root, 1, params=("130",))),
        capture_output=True,
        timeout=30,
        check=True,
    )
    assert (tmp_path / "done").exists()
    assert b"waits for the next start" in done.stderr
    assert open_log(root).state.hand("l", ["function"]).tries[0].attempts == 2


def test_a_listener_that_is_no_more_in_the_settings_is_not_served_again(root, make_commit, tmp_path):
    file = tmp_path / "l.yaml"
    file.write_text("listeners: [{name: l, triggers: [{type: command, command: 'false', retry_delay: 50ms}]}]\n")
    with dask.config.set({"dtedask.notify.listeners": [str(file)]}):
        plugin.after_commit(make_commit(root, 1, params=("130",)))
        (one,) = again._waiting.values()
    one.thread.join(30)
    assert not one.thread.is_alive()
    assert open_log(root).failures() == []
    assert threading.active_count() < 20
