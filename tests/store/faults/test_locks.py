"""Locks that nobody gives back."""

import os
import signal
import threading

import pytest

import dtedask
from dtedask.core.errors import LockedError
from dtedask.store import lock
from dtedask.store.location import Location
from tests.store.faults.workers import archive_step, field, running

CUBE = "rd/oper/test"


def file_of(root):
    return root / ".dtedask" / "locks" / "rd+oper+test.lock"


def flush_within(root, limit):
    import dask

    with dask.config.set({"dtedask.store.lock-timeout": limit}):
        store = dtedask.open(root)
        store.archive(*field(0, 500))
        try:
            return store.flush()
        finally:
            store.discard()


def hold(connection, root):
    """Commit, and stop while the lock is held."""
    from dtedask.store.transaction import Transaction

    def stop(self):
        connection.send("held")
        connection.recv()

    Transaction.prepare = stop
    archive_step(dtedask.open(root), 0)


@pytest.mark.slow
def test_the_lock_of_a_killed_writer_is_taken_over_and_that_of_a_living_one_is_not(tmp_path):
    with running(hold, str(tmp_path)) as (process, connection):
        assert connection.poll(60)
        with pytest.raises(LockedError, match=rf"is held by process {process.pid} on .* for more than 0\.2 s"):
            flush_within(tmp_path, 0.2)
        os.kill(process.pid, signal.SIGKILL)
        process.join(30)
        assert [commit.new for commit in flush_within(tmp_path, 10)] == [1]


def test_a_lock_of_another_host_is_never_taken_over_and_its_holder_is_named(tmp_path):
    file_of(tmp_path).parent.mkdir(parents=True)
    file_of(tmp_path).write_text("4711\nnode7.example\n")
    with pytest.raises(LockedError, match=r"is held by process 4711 on node7\.example .* remove '.*test\.lock'"):
        flush_within(tmp_path, 0.2)
    file_of(tmp_path).unlink()
    assert len(flush_within(tmp_path, 10)) == 1


def test_a_lock_that_names_nobody_is_removed_after_a_while(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(lock, "OWNERLESS_S", 0.1)
    file_of(tmp_path).parent.mkdir(parents=True)
    file_of(tmp_path).write_bytes(b"")
    assert len(flush_within(tmp_path, 30)) == 1
    assert "named nobody" in caplog.text
    assert not file_of(tmp_path).exists()


def test_a_lock_that_is_being_made_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "OWNERLESS_S", 3600)
    file_of(tmp_path).parent.mkdir(parents=True)
    file_of(tmp_path).write_bytes(b"")
    with pytest.raises(LockedError, match="is held by another process"):
        flush_within(tmp_path, 0.1)


def test_a_lock_that_another_host_takes_meanwhile_stays(tmp_path):
    path = file_of(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text("4711\nnode7.example\n")
    lock._remove_ownerless(path, (1, 1))
    assert path.read_text() == "4711\nnode7.example\n"
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_only_one_of_many_threads_holds_a_lock(tmp_path):
    inside, most = [], []

    def work():
        for _ in range(5):
            with lock.cube_lock(Location.parse(tmp_path), CUBE, 30):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most == [1] * 20
