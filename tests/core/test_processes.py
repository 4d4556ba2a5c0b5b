"""Whether a process that wrote its number down still lives."""

import os
import subprocess
import sys

from dtedask.core.processes import is_alive, process_start


def test_a_process_lives_until_it_ends():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    start = process_start(child.pid)
    assert is_alive(child.pid, start)
    child.communicate(b"\n")
    assert not is_alive(child.pid, start)


def test_one_that_ended_and_that_nobody_has_asked_for_does_not_live():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    start = process_start(child.pid)
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(child.pid, start)
    child.wait()


def test_a_number_that_was_given_to_another_process_is_not_taken_for_the_first():
    assert is_alive(os.getpid(), process_start(os.getpid()))
    assert not is_alive(os.getpid(), "1")
