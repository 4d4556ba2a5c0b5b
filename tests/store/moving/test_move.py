"""Moves between roots: nothing is lost, whatever happens in between."""

import os
import signal
import subprocess
import sys

import dask.config
import numpy as np
import pytest

import dtedask
from dtedask.core.errors import ControlledError, NotFoundError, ReadOnlyError, RequestError
from dtedask.store.schema import Schema

REQUEST = "class=rd,expver=test"


@pytest.fixture
def filled(store, make_field):
    """Two cubes of two steps and two members, and an item of bytes."""
    for expver in ("test", "0002"):
        for step in ("0", "6"):
            for number in ("1", "2"):
                store.archive(*make_field(int(step) + int(number), number=number, step=step, expver=expver))
    store.archive(b"a warning", {"class": "rd", "stream": "oper", "expver": "test"})
    store.flush()
    return store


def held(root):
    """Every field of a root by its keys, with its values or bytes."""
    try:
        return {frozenset(record.keys.items()): data for record, data in contents(dtedask.open(root))}
    except NotFoundError:
        return {}


def contents(store):
    for record in store.list("grid=opaque"):
        ((_, data),) = store.read({**record.keys, "grid": "opaque"})
        yield record, data
    for part in store.select():
        if part.group.grid.label != "opaque":
            for record in part.records():
                ((_, values),) = store.values({**record.keys, "grid": record.grid.label})
                yield record, values.tobytes()


@pytest.mark.slow
def test_what_is_moved_is_there_and_no_longer_here(filled, tmp_path):
    before = held(filled.root)
    done = filled.move(REQUEST, tmp_path / "other", doit=True)
    assert (done.fields, done.left, len(done.commits)) == (5, (), 2)
    assert held(tmp_path / "other") == {keys: data for keys, data in before.items() if ("expver", "test") in keys}
    assert held(filled.root) == {keys: data for keys, data in before.items() if ("expver", "0002") in keys}
    assert sum(change.fields for change in done.changes) == 5
    assert filled.verify().is_whole


@pytest.mark.slow
def test_without_doit_nothing_is_done(filled, tmp_path):
    before = held(filled.root)
    planned = filled.move(REQUEST, tmp_path / "other")
    assert (planned.is_done, planned.fields) == (False, 5)
    assert not (tmp_path / "other").exists()
    assert held(filled.root) == before


@pytest.mark.slow
def test_a_field_that_is_replaced_meanwhile_stays_and_is_told(filled, tmp_path, make_field):
    field, keys = make_field(99, number="1", step="6")

    def replace(_progress):
        filled.archive(field, keys)
        filled.archive(*make_field(5, number="7", step="12"))
        filled.flush()

    done = filled.move(f"{REQUEST},stream=enfo", tmp_path / "other", doit=True, on_progress=replace)
    (left,) = done.left
    assert (done.fields, left.fields, left.variable) == (3, 1, "t")
    assert "replaced while it was moved" in left.reason
    ((_, values),) = filled.values(f"{REQUEST},step=6,grid=all,stream=enfo")
    np.testing.assert_array_equal(values, field.values)
    again = filled.move(f"{REQUEST},stream=enfo", tmp_path / "other", doit=True)
    assert (again.copy.new, again.copy.replaced, again.fields) == (1, 1, 2)


@pytest.mark.slow
def test_a_slot_that_another_field_took_meanwhile_is_not_wiped(filled, tmp_path, make_field):
    def take_its_place(_progress):
        if "6" in filled.axes(f"{REQUEST},stream=enfo")["step"]:
            filled.wipe(f"{REQUEST},stream=enfo,step=6", doit=True)
            filled.archive(*make_field(5, number="1", step="18"))  # takes the slot of step 6
            filled.flush()

    done = filled.move(f"{REQUEST},stream=enfo", tmp_path / "other", doit=True, on_progress=take_its_place)
    assert (done.fields, done.left) == (2, ())
    assert filled.axes(f"{REQUEST},stream=enfo")["step"] == ["18"]
    assert dtedask.open(tmp_path / "other").axes("stream=enfo")["step"] == ["0", "6"]


def test_what_the_target_holds_with_fewer_bits_stays(tmp_path, make_field):
    store = dtedask.open(tmp_path / "root", schema=Schema.model_validate({"values": {"dtype": "float64"}}))
    field, keys = make_field(1)
    store.archive(field.astype("float64") + 1e-9, keys)
    store.flush()
    done = store.move(REQUEST, tmp_path / "other", doit=True, schema=Schema())
    assert (done.fields, done.copy.rounded, done.commits) == (0, 1, ())
    assert "it differs" in done.left[0].reason
    assert len(list(store.list())) == 1


def test_a_move_is_refused_as_a_wipe_is(filled, tmp_path):
    with pytest.raises(RequestError, match="A move must name class and expver"):
        filled.move("class=rd", tmp_path / "other", doit=True)
    filled.lock("step=6", ["wipe"], "keep")
    with pytest.raises(ControlledError, match="keep"):
        filled.move(REQUEST, tmp_path / "other", doit=True)
    assert not (tmp_path / "other").exists()
    with pytest.raises(ReadOnlyError, match="cannot be written"):
        filled.pinned().move(REQUEST, tmp_path / "other", doit=True)


# Says where it is and waits for a line before it goes on: the test decides where it dies.
SLOW_MOVE = """
import sys
import dask.config
import dtedask
from dtedask.store.moving.verifying import Verifier
from dtedask.store.transaction import Transaction

def stop(name):
    print(name, flush=True)
    sys.stdin.readline()

def around(kind, name):
    before = getattr(kind, name)
    def slowly(self, *arguments):
        stop(f"before {name}")
        found = before(self, *arguments)
        stop(f"after {name}")
        return found
    setattr(kind, name, slowly)

around(Transaction, "_flush")
around(Transaction, "_move")
around(Verifier, "check")
with dask.config.set({"dtedask.store.copy-bytes": 2 * 262144}):
    dtedask.open(sys.argv[1]).move("class=rd,expver=test", sys.argv[2], doit=True)
print("done", flush=True)
"""
STOPS = 2 * 2 * 3 + 2 * 3 + 2 * 2 * 2  # of three commits to the target, three verifications and two wipes


@pytest.mark.slow
@pytest.mark.parametrize("stop", range(1, STOPS + 1, 4))
def test_a_move_that_is_killed_anywhere_loses_nothing_and_can_be_finished(filled, tmp_path, stop):
    wanted = {keys: data for keys, data in held(filled.root).items() if ("expver", "test") in keys}
    other = tmp_path / "other"
    command = [sys.executable, "-c", SLOW_MOVE, filled.root, str(other)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        for _ in range(stop):
            assert process.stdout.readline().startswith(("before", "after"))
            process.stdin.write("\n")
            process.stdin.flush()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    here, there = held(filled.root), held(other)
    assert {keys: {**there, **here}.get(keys) for keys in wanted} == wanted
    assert all(there[keys] == data for keys, data in wanted.items() if keys in there)
    if any(("expver", "test") in keys for keys in here):
        assert dtedask.open(filled.root).move(REQUEST, other, doit=True).left == ()
    assert held(other) == wanted
    assert {dict(keys)["expver"] for keys in held(filled.root)} == {"0002"}


@pytest.mark.slow
def test_what_somebody_wipes_in_the_target_meanwhile_stays_here(filled, tmp_path):
    seen = []

    def wipe_there(progress):
        seen.append(progress.fields_done)
        if seen == [1, 1, 2, 2, 3, 3, 4, 4]:  # of the end of each task, and of each commit; nothing is read back yet
            dtedask.open(tmp_path / "other").wipe("class=rd,expver=test,step=6,number=1", doit=True)

    with dask.config.set({"dtedask.store.copy-bytes": 1}):
        done = filled.move(f"{REQUEST},stream=enfo", tmp_path / "other", doit=True, on_progress=wipe_there)
    (left,) = done.left
    assert (done.fields, left.fields) == (3, 1)
    assert "it is not there" in left.reason
    assert [record.keys["step"] for record in filled.list(f"{REQUEST},stream=enfo")] == ["6"]


@pytest.mark.slow
def test_a_move_and_a_comparison_on_workers_are_the_same(filled, tmp_path, many_tasks):
    distributed = pytest.importorskip("distributed")
    before = {keys: data for keys, data in held(filled.root).items() if ("expver", "test") in keys}
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": "127.0.0.1:0"}
    with (
        distributed.LocalCluster(local_directory=str(tmp_path / "workers"), **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        execution = dtedask.store.Execution(client=client)
        filled.copy(REQUEST, tmp_path / "third", execution=execution)
        assert filled.move(REQUEST, tmp_path / "other", doit=True, execution=execution).fields == 5
        found = dtedask.open(tmp_path / "other").compare(None, tmp_path / "third", execution=execution)
    assert (found.is_equal, found.compared) == (True, 5)
    assert held(tmp_path / "other") == before
