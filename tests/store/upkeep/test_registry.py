"""What is under way says so, and what died is known to be dead."""

import json
import os
import signal
import socket
import subprocess
import sys

import dask
import pytest

import dtedask
from dtedask.core.errors import StoreError
from dtedask.store.location import Location
from dtedask.store.root_files import RootFiles
from dtedask.store.upkeep.registry import folder_of, registered, registrations

CUBE = "rd/enfo/test"
DIES = """
import os, signal, sys
from dtedask.store.location import Location
from dtedask.store.upkeep.registry import registered
with registered(Location.parse(sys.argv[1]), "rd/enfo/test"):
    print("open", flush=True)
    sys.stdin.readline()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("root", ["{path}/root", "memory://registry"])
def test_a_registration_lasts_as_long_as_its_block(tmp_path, root):
    location = Location.parse(root.format(path=tmp_path))
    with registered(location, CUBE), registered(location, CUBE, "reader"):
        found = registrations(location, CUBE)
        assert sorted(one.kind for one in found) == ["reader", "transaction"]
        assert not any(one.is_dead for one in found)
        assert registrations(location, "rd/enfo/0001") == []
    assert registrations(location, CUBE) == []


def test_a_killed_process_is_known_to_be_dead_and_its_registration_is_removed(store, make_field):
    store.archive(*make_field(1.0, number="1", levelist="500"))
    store.flush()
    command = [sys.executable, "-c", DIES, store.root]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "open\n"
        (found,) = registrations(Location.parse(store.root), CUBE)
        assert (found.pid, found.is_dead) == (process.pid, False)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.wait(30) == -signal.SIGKILL
    assert found.is_dead
    assert store.purge().cubes[0].removed.registrations == 1
    assert registrations(Location.parse(store.root), CUBE) == []


def test_a_process_on_another_host_is_believed_and_named(store, make_field):
    for value in (1.0, 2.0):
        store.archive(*make_field(value, number="1", levelist="500"))
        store.flush()
    content = (
        b'{"kind": "transaction", "host": "node7", "pid": 12, "process_start": "", "since": "2020-01-01T00:00+00:00"}'
    )
    RootFiles(Location.parse(store.root)).write(f"{folder_of(CUBE)}/other.json", content)
    with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
        (cube,) = store.purge(keep_commits=1).cubes
    assert cube.expired == ()
    assert cube.held == ("the transaction of process 12 on node7 since 2020-01-01 00:00:00",)
    assert registrations(Location.parse(store.root), CUBE) != []


def test_a_process_number_that_was_given_out_again_is_another_process(tmp_path):
    location = Location.parse(tmp_path)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        for start, name in (("1", "then"), ("", "unknown")):
            content = {"kind": "reader", "host": socket.gethostname(), "pid": process.pid, "process_start": start}
            data = json.dumps({**content, "since": None}).encode()
            RootFiles(location).write(f"{folder_of(CUBE)}/{name}.json", data)
        dead = {one.name.rsplit("/")[-1]: one.is_dead for one in registrations(location, CUBE)}
        process.communicate(b"\n")
    assert dead == {"then.json": True, "unknown.json": False}


def test_a_registration_that_cannot_be_read_stops_purge(store, make_field):
    store.archive(*make_field(1.0, number="1", levelist="500"))
    store.flush()
    RootFiles(Location.parse(store.root)).write(f"{folder_of(CUBE)}/torn.json", b"{")
    with pytest.raises(StoreError, match=r"torn\.json' in the root .* cannot be read"):
        store.purge()


def test_a_commit_leaves_no_registration_and_its_failure_neither(store, make_field, monkeypatch):
    from dtedask.store.transaction import Transaction

    store.archive(*make_field(1.0, number="1", levelist="500"))
    seen, prepare = [], Transaction.prepare

    def look(self):
        seen.extend(registrations(self.location, self.cube))
        raise StoreError("no disk")

    monkeypatch.setattr(Transaction, "prepare", look)
    with pytest.raises(StoreError, match="no disk"):
        store.flush()
    monkeypatch.setattr(Transaction, "prepare", prepare)
    store.flush()
    assert [(one.kind, one.pid) for one in seen] == [("transaction", os.getpid())]
    assert registrations(Location.parse(store.root), CUBE) == []
    assert dtedask.open(store.root).history()[0].sequence == 1
