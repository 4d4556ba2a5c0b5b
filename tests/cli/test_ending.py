"""What the signals of SLURM mean for the run of a batch job."""

import os
import signal
import threading

import pytest

from dtedask.cli import ending as module
from dtedask.cli.ending import Ending


@pytest.fixture
def send():
    """Send this process a signal, and have it wait for something that does not come."""

    def send(number, wait_s=0.0):
        os.kill(os.getpid(), number)
        threading.Event().wait(wait_s)

    return send


def test_what_waits_for_input_stops_when_the_time_left_is_that_which_it_was_promised(send):
    ending = Ending(lambda: 60.0)
    ending.finishes = True
    with ending.heard(), ending.stopping() as stop:
        send(signal.SIGUSR1)
        assert stop.wait(10)
    assert ending.reason == "walltime"


def test_a_signal_that_comes_too_early_stops_nothing_yet(send):
    asked = threading.Event()
    ending = Ending(lambda: asked.set() or 600.0)
    ending.finishes = True
    with ending.heard():
        send(signal.SIGUSR1)
        assert asked.wait(10)
        assert not ending.stop.wait(0.05)


def test_everything_else_is_interrupted_in_the_last_seconds_whatever_it_waits_for(send):
    ending = Ending(lambda: 0.1)
    with ending.heard(), pytest.raises(KeyboardInterrupt):
        send(signal.SIGUSR1, wait_s=20)
    assert ending.reason == "walltime"


def test_a_run_that_finishes_soon_is_left_to_do_so_when_its_job_is_ended_and_told_twice(send):
    ending = Ending()
    ending.finishes = True
    with ending.heard():
        send(signal.SIGTERM)
        send(signal.SIGTERM)
    assert (ending.stop.is_set(), ending.reason) == (True, "terminated")


def test_it_is_interrupted_if_it_does_not(send, monkeypatch):
    monkeypatch.setattr(module, "_TERMINATED_S", 0.1)
    ending = Ending()
    ending.finishes = True
    with ending.heard(), pytest.raises(KeyboardInterrupt):
        send(signal.SIGTERM, wait_s=20)


def test_any_other_run_is_interrupted_once_when_its_job_is_ended(send):
    ending = Ending()
    with ending.heard():
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGTERM)
        send(signal.SIGTERM)
    assert ending.reason == "terminated"


def test_nothing_ends_the_process_once_the_run_has_ended(send, monkeypatch):
    monkeypatch.setattr(module, "_TERMINATED_S", 0.05)
    ending = Ending()
    ending.finishes = True
    with ending.heard():
        send(signal.SIGTERM)
    came = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: came.set())
    try:
        assert not came.wait(0.2)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_signals_mean_afterwards_what_they_meant_before():
    before = signal.getsignal(signal.SIGTERM)
    with Ending().heard():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
