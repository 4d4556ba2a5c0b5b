"""Ranks of a batch job: the loop that replaces a worker, and the port that is kept for the scheduler."""

import os
import socket
import subprocess

import pytest

from dtedask.cluster.batch.ranks import _LOOP, host_of, reserve
from dtedask.core.errors import ClusterError


def loop(tmp_path, worker):
    """Run a rank whose worker is a script of the shell; returns its status and the lives that it had."""
    command = ["sh", "-c", _LOOP, "rank", "sh", "-c", f"echo $DTEDASK_LIFE >> {tmp_path}/lives; {worker}"]
    done = subprocess.run(command, env={**os.environ, "SLURM_PROCID": "3"}, capture_output=True, text=True, timeout=30)
    return done, (tmp_path / "lives").read_text().split()


def test_a_worker_that_the_scheduler_ended_is_not_replaced(tmp_path):
    done, lives = loop(tmp_path, "exit 0")
    assert (done.returncode, lives) == (0, ["0"])


def test_a_worker_that_is_killed_is_replaced(tmp_path):
    done, lives = loop(tmp_path, "[ $DTEDASK_LIFE = 1 ] || kill -9 $$")
    assert (done.returncode, lives) == (0, ["0", "1"])
    assert "worker 3 ended with status 137" in done.stderr


def test_one_that_always_dies_young_is_given_up(tmp_path):
    done, lives = loop(tmp_path, "exit 7")
    assert (done.returncode, lives) == (7, ["0", "1", "2"])


def test_a_worker_does_not_end_when_its_job_is_told_to(tmp_path):
    done, lives = loop(tmp_path, "kill -TERM $$; exit 0")
    assert (done.returncode, lives) == (0, ["0"])


def test_a_second_socket_may_listen_at_the_port_that_is_kept_and_nobody_else_gets_it():
    with reserve("lo") as kept, socket.socket() as scheduler, socket.socket() as other:
        scheduler.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind(kept.getsockname())
        scheduler.bind(kept.getsockname())
        scheduler.listen()
        with socket.create_connection(kept.getsockname(), timeout=10):
            pass


def test_an_interface_that_a_node_lacks_is_named_with_those_that_it_has():
    with pytest.raises(ClusterError, match="no network interface 'ib7'; it has .*lo"):
        host_of("ib7")
    assert host_of("lo") == "127.0.0.1"
