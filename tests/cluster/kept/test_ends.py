"""How kept clusters end: stopped, unused, by a signal, killed, without a scheduler; and starts that fail."""

import os
import pickle
import signal
import subprocess
import threading
import time
from dataclasses import replace

import pytest
from distributed import Client

from dtedask.cluster import client_for, connect, running
from dtedask.cluster.kept import order_for, start, status, stop
from dtedask.cluster.kept.launch import PROCESS
from dtedask.core.errors import ClusterError, MissingExtraError, SettingError
from dtedask.core.processes import is_alive, process_start

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("ends")]


def wait_for_end(pid, birth, deadline_s=60):
    deadline = time.monotonic() + deadline_s
    while is_alive(pid, birth):
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)


@pytest.fixture
def started(tiny):
    """Start a cluster; return number and birth of its process."""

    def go(**options):
        start(order_for(tiny, name="night", **options))
        pid = status("night").pid
        return pid, process_start(pid)

    return go


def test_a_stop_ends_process_and_scheduler_and_gives_the_name_back(started):
    pid, birth = started()
    scheduler = status("night").scheduler
    stop("night")
    assert not is_alive(pid, birth)
    assert running() == []
    with pytest.raises(OSError, match=r"Timed out|refused"):
        Client(scheduler, timeout=0.2)


def test_of_two_starts_at_the_same_time_one_wins_and_the_other_leaves_nothing(tiny, ends):
    outcomes = []

    def go():
        try:
            start(order_for(tiny, name="night"))
            outcomes.append("won")
        except ClusterError as error:
            outcomes.append(error.message)

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(outcomes) == "won"
    assert "'night' is being started" in min(outcomes) or "'night' runs already" in min(outcomes)
    assert len(list((ends / "clusters").iterdir())) == 1


def test_one_that_nobody_uses_ends_and_says_so(started):
    pid, birth = started(idle_s=0.3)
    wait_for_end(pid, birth)
    found = status("night")
    assert found.standing == "ended"
    assert "because nobody used it for 0.3 s" in found.advice
    with pytest.raises(ClusterError, match=r"ended at .* because nobody used it.*Start it again: .*--name night"):
        connect("night")


def test_one_that_is_killed_is_dead_and_can_be_started_again(started):
    pid, birth = started()

    def use_it_meanwhile():
        with client_for("night") as client:
            future = client.submit(sum, (1, 2))  # there is no worker
            os.kill(pid, signal.SIGKILL)
            wait_for_end(pid, birth)
            future.result()

    with pytest.raises(ClusterError, match=r"'night' is dead: its process \d+ on .*Start it again.*end of its log"):
        use_it_meanwhile()
    assert status("night").standing == "dead"
    assert "dtedask cluster stop night" in status("night").advice
    started()
    assert status("night").standing == "running"


def test_what_is_left_of_a_dead_one_is_cleared_away(started, ends):
    pid, birth = started()
    os.kill(pid, signal.SIGKILL)
    wait_for_end(pid, birth)
    stop("night")
    assert running() == []
    assert list((ends / "clusters").iterdir()) == []


def test_a_signal_ends_it_in_order(started):
    pid, birth = started()
    os.kill(pid, signal.SIGTERM)
    wait_for_end(pid, birth)
    assert "because it got the signal SIGTERM" in status("night").advice


def test_one_whose_scheduler_is_shut_down_ends(started):
    pid, birth = started()
    with connect("night") as client:
        client.shutdown()
    wait_for_end(pid, birth)
    assert "because its scheduler ended" in status("night").advice


def test_an_error_of_the_start_is_raised_here_and_nothing_stays(tiny, ends):
    wrong = replace(tiny, kind="class", class_path="nowhere_at_all.Cluster")
    with pytest.raises(MissingExtraError, match=r"needs nowhere_at_all, .*pip install nowhere-at-all"):
        start(order_for(wrong, name="night"))
    assert running() == []
    assert list((ends / "clusters").iterdir()) == []


def test_a_process_that_cannot_even_begin_says_why(tiny, monkeypatch):
    monkeypatch.setattr("dtedask.cluster.kept.launch.PROCESS", ["/bin/false"])
    with pytest.raises(ClusterError, match="'night' ended without a word"):
        start(order_for(tiny, name="night"))


def test_threads_are_no_cluster():
    with pytest.raises(SettingError, match="'local' is of kind 'threads'"):
        order_for("local")


def test_whoever_starts_it_may_die_meanwhile(tiny):
    """The child hears of it when it wants to say that it is ready, and ends."""
    order = pickle.dumps(order_for(tiny, name="night"))
    child = subprocess.Popen([*PROCESS, "night"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdin.write(order)
    child.stdin.close()
    child.stdout.close()
    child.wait()
    deadline = time.monotonic() + 60
    while running() == [] and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    while running():
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)
