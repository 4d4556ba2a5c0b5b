"""Locks on fields: what they refuse, to whom, and that nobody loses one."""

import itertools
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import dask
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import (
    ControlledError,
    DamagedError,
    InvalidValueError,
    NoMatchError,
    NotFoundError,
)
from dtedask.request import Request
from dtedask.store.control import FILE, VERBS, Control
from dtedask.store.control import takes as takes_entry
from dtedask.store.upkeep.registry import open_cube

AXES = {"step": ["0", "6"], "levelist": ["500", "850"], "number": ["1", "2"], "param": ["130", "157"]}
FIELDS = [dict(zip(AXES, values, strict=True)) for values in itertools.product(*AXES.values())]
REQUESTS = st.fixed_dictionaries(
    {}, optional={key: st.lists(st.sampled_from(values), min_size=1, unique=True) for key, values in AXES.items()}
)


@pytest.fixture(scope="module")
def full(make_field):
    """A root in memory with all of FIELDS."""
    store = dtedask.open("memory://control")
    for keys in FIELDS:
        store.archive(*make_field(1.0, **keys))
    store.flush()
    return store


@contextmanager
def locked(store, *arguments, **options):
    lock = store.lock(*arguments, **options)
    try:
        yield lock
    finally:
        store.unlock(lock.id)


def takes(request, keys):
    return all(keys[key] in values for key, values in request.items())


def is_refused(call):
    try:
        call()
    except ControlledError:
        return True
    except NoMatchError:
        return False
    return False


@pytest.mark.slow
@settings(max_examples=25)
@given(lock=REQUESTS, request=REQUESTS, verbs=st.sets(st.sampled_from(VERBS), min_size=1))
def test_exactly_what_touches_a_locked_field_is_refused(full, make_field, lock, request, verbs):
    meets = any(takes(lock, keys) and takes(request, keys) for keys in FIELDS)
    keys = {key: request[key][0] if key in request else values[0] for key, values in AXES.items()}
    with locked(full, lock, verbs=verbs):
        assert is_refused(lambda: list(full.list(request))) == (meets and "list" in verbs)
        assert is_refused(lambda: full.axes(request)) == (meets and "list" in verbs)
        assert is_refused(lambda: full.retrieve(request)) == (meets and "retrieve" in verbs)
        assert is_refused(lambda: next(full.to_grib(request))) == (meets and "retrieve" in verbs)
        assert is_refused(lambda: next(full.read(request))) == (meets and "retrieve" in verbs)
        assert is_refused(lambda: full.wipe(request, minimum_keys=())) == (meets and "wipe" in verbs)
        assert is_refused(lambda: full.archive(*make_field(**keys))) == (takes(lock, keys) and "archive" in verbs)
        full.discard()


def test_a_refusal_says_who_locked_what_why_and_how_to_unlock(full):
    with (
        locked(full, "step=6,param=t", verbs=["retrieve"], reason="being verified") as lock,
        pytest.raises(ControlledError, match=rf"step=6.*{lock.id} \(retrieve of step=6,param=t, by .+@") as caught,
    ):
        full.retrieve("step=6,levelist=500")
    assert "UTC: being verified)" in caught.value.message
    assert caught.value.hint.endswith(f"`dtedask store unlock {lock.id} --root {full.root}` takes it away.")
    assert isinstance(caught.value, PermissionError)
    assert pickle.loads(pickle.dumps(caught.value)).code == "controlled"


def test_a_step_over_an_interval_is_locked_by_its_end_and_by_its_interval(memory_store, make_field):
    array, keys = make_field(param="176", step="0-24")
    memory_store.archive(array, keys)
    memory_store.flush()
    for request in ("step=24", "step=0-24"):
        with locked(memory_store, request, verbs=["archive", "list"]):
            assert is_refused(lambda: memory_store.archive(array, keys))
            assert is_refused(lambda: list(memory_store.list()))
    with locked(memory_store, "step=0", verbs=["archive", "list"]):
        memory_store.archive(array, keys)
        assert len(list(memory_store.list())) == 1


def test_the_control_forecast_is_locked_as_itself_and_as_member_0(memory_store, make_field):
    array, keys = make_field(type="cf")
    for request in ("type=cf", "number=0", "type=cf,number=0"):
        memory_store.archive(array, keys)
        memory_store.flush()
        with locked(memory_store, request, verbs=["archive", "list"]):
            assert is_refused(lambda: memory_store.archive(array, keys))
            assert is_refused(lambda: list(memory_store.list()))
    with locked(memory_store, "type=pf,number=all", verbs=["archive", "list"]):
        memory_store.archive(array, keys)
        assert len(list(memory_store.list())) == 1


def test_a_lock_that_is_set_while_fields_are_written_wins(store, make_field, monkeypatch):
    store.archive(*make_field())
    store.flush()
    store.archive(*make_field(7.0))
    from dtedask.store.writing import WriteTransaction

    write = WriteTransaction._write

    other = dtedask.open(store.root)
    locking = threading.Thread(target=other.lock, args=(None,), kwargs={"reason": "frozen"})

    def lock_meanwhile(*arguments):
        locking.start()
        wait_until(other.locks)
        assert locking.is_alive()  # it waits for this commit
        return write(*arguments)

    monkeypatch.setattr(WriteTransaction, "_write", lock_meanwhile)
    with pytest.raises(ControlledError, match="frozen"):
        store.flush()
    locking.join(30)
    assert not locking.is_alive()
    assert [commit.sequence for commit in store.history()] == [1]


def wait_until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline


def test_a_lock_on_a_cube_that_is_in_use_for_too_long_says_what_may_still_appear(store, make_field, caplog):
    store.archive(*make_field())
    store.flush()
    with (
        open_cube(store._location, "rd/enfo/test", 1),
        ThreadPoolExecutor(1) as pool,
        dask.config.set({"dtedask.store.lock-timeout": "0.1 s"}),
    ):
        pool.submit(store.lock, "expver=other").result(30)
        assert caplog.text == ""
        pool.submit(store.lock, "expver=test").result(30)
    assert "rd/enfo/test has been in use for more than 0.1 s" in caplog.text
    assert len(store.locks()) == 2


def test_a_locked_field_is_neither_wiped_nor_rolled_back(memory_store, make_field):
    for step in (0, 6):
        memory_store.archive(*make_field(step=step))
        memory_store.flush()
    first, _ = memory_store.history()
    memory_store.lock("step=6", verbs=["wipe"])
    for call in (
        lambda: memory_store.wipe("class=rd,expver=test"),
        lambda: memory_store.wipe("class=rd,expver=test", doit=True),
        lambda: memory_store.rollback(to=first.snapshot, doit=True),
    ):
        with pytest.raises(ControlledError, match="step=6"):
            call()
    assert memory_store.wipe("class=rd,expver=test,step=0", doit=True).fields == 1
    assert memory_store.axes()["step"] == ["6"]


@pytest.mark.slow
def test_another_process_honours_a_lock(store, make_field):
    store.archive(*make_field())
    store.flush()
    script = f"import dtedask; dtedask.open({store.root!r}).lock('param=t', verbs=['list'], reason='elsewhere')"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
    with pytest.raises(ControlledError, match="elsewhere"):
        list(store.list())
    with pytest.raises(ControlledError, match="elsewhere"):
        store.axes()


def test_a_cube_that_is_opened_without_its_root_honours_the_locks(store, make_field):
    store.archive(*make_field())
    store.flush()
    store.lock("levtype=pl", verbs=["retrieve"])
    with pytest.raises(ControlledError, match="Retrieving"):
        dtedask.open_cube(f"{store.root}/rd/enfo/test")
    store.unlock("levtype=pl")
    store.lock("levtype=sfc", verbs=["retrieve"])
    dtedask.open_cube(f"{store.root}/rd/enfo/test")


@pytest.mark.parametrize("kind", ["store", "memory_store"])
def test_locks_set_at_once_are_all_kept(kind, request, make_field):
    store = request.getfixturevalue(kind)
    store.archive(*make_field())
    store.flush()
    with ThreadPoolExecutor(8) as pool:
        set_ = list(pool.map(lambda number: store.lock({"number": number}), range(24)))
    assert {lock.id for lock in store.locks()} == {lock.id for lock in set_}


def test_what_another_writes_between_reading_and_writing_is_kept(memory_store, make_field, monkeypatch):
    memory_store.archive(*make_field())
    memory_store.flush()
    from dtedask.store import shared_file

    replace, others = shared_file.RootFiles.replace, iter(["number=7"])

    def replace_late(files, name, data, version):
        for request in others:
            done = threading.Thread(target=_put_unguarded, args=(memory_store, request))
            done.start()
            done.join()
        return replace(files, name, data, version)

    monkeypatch.setattr(shared_file.RootFiles, "replace", replace_late)
    memory_store.lock("number=8")
    assert [str(lock.request) for lock in memory_store.locks()] == ["number=7", "number=8"]


def _put_unguarded(store, request):
    """Write a lock as another host would: past the lock of this process."""
    from dtedask.store.root_files import RootFiles

    other = dtedask.open("memory://elsewhere")
    RootFiles(other._location).write(".dtedask/root.yaml", b"format: 1\nschema: {}")
    other.lock(request)
    data = RootFiles(other._location).read(FILE)
    RootFiles(store._location).write(FILE, data)


def test_locks_are_listed_by_the_fields_that_they_can_be_on(full):
    with locked(full, "step=6,param=t") as one, locked(full, "levelist=500") as two:
        assert full.locks() == (one, two)
        assert full.locks("param=130,levelist=850") == (one,)
        assert full.locks("step=0") == (two,)
        assert full.locks("step=0,levelist=850") == ()


def test_a_lock_is_taken_away_by_its_identifier_or_its_request(full):
    one, two = full.lock("step=6/0"), full.lock("step=0")
    assert full.unlock("step=0/6") == (one,)
    assert full.unlock(two.id) == (two,)
    with pytest.raises(NoMatchError, match="Nothing is locked"):
        full.unlock(two.id)


def test_what_cannot_be_locked_is_refused(full, tmp_path):
    with pytest.raises(InvalidValueError, match="Did you mean 'archive'"):
        full.lock("step=0", verbs=["archiv"])
    with pytest.raises(InvalidValueError, match="Cannot lock ''"):
        full.lock("step=0", verbs=[])
    with pytest.raises(NotFoundError, match="no root"):
        dtedask.open(tmp_path / "none").lock("step=0")
    assert not (tmp_path / "none").exists()


def test_locks_that_cannot_be_read_refuse_everything(store, make_field):
    store.archive(*make_field())
    store.flush()
    store.lock("step=0", verbs=["list"])
    path = Path(store.root, FILE)
    path.write_bytes(path.read_bytes()[:20])
    for call in (lambda: store.retrieve("step=0"), lambda: store.archive(*make_field())):
        with pytest.raises(DamagedError, match=r"control\.json"):
            call()


def test_nothing_found_is_told_from_nothing_allowed(full):
    with locked(full, "step=0", verbs=["list"]):
        with pytest.raises(NoMatchError, match="may not be listed"):
            full.retrieve("step=12")
        assert full.retrieve("step=0,param=t").sizes["step"] == 1


def test_looking_for_locks_costs_next_to_nothing_where_there_are_none(store, make_field):
    store.archive(*make_field())
    store.flush()
    control, begin = Control(store._location), time.process_time()
    for _ in range(1000):
        assert control.locks() == ()
    assert time.process_time() - begin < 0.5  # 6 us each were measured; half a millisecond is allowed


def identity(keys):
    return tuple(sorted(keys.items()))


def check_same_fields(data, name):
    """Each value of each key takes the same fields while they are archived as it does once they are there."""
    store = dtedask.open(f"memory://control-{name}")
    store.archive(data)
    entries = [entry for waiting in store._archive._entries.values() for entry in waiting.values()]
    store.flush()
    for key, values in store.axes().items():
        for value in values:
            request = Request({key: value})
            listed = {identity(record.keys) for record in store.list(request)}
            assert {identity(entry.keys) for entry in entries if takes_entry(request, entry)} == listed, (key, value)


def test_a_lock_takes_real_fields_before_they_are_there_as_a_request_does_after(grib_folder):
    check_same_fields((grib_folder / "ens-50.grib").read_bytes(), "members")


@pytest.mark.slow
def test_a_lock_takes_all_kinds_of_real_fields_before_they_are_there(grib_folder):
    paths = [path for path in sorted(grib_folder.glob("*.grib*")) if "corrupted" not in path.name]
    assert len(paths) > 10
    for path in paths:
        check_same_fields(path.read_bytes(), path.name)


WRITER = """
import itertools, sys
import numpy as np, xarray as xr
import dtedask
from dtedask.core.errors import ControlledError

root, member = sys.argv[1:]
coordinates = {"latitude": [1, 0], "longitude": [0, 1]}
array = xr.DataArray(np.zeros((2, 2), "f4"), dims=("latitude", "longitude"), coords=coordinates)
keys = {"class": "rd", "stream": "enfo", "expver": "test", "type": "pf", "levtype": "pl", "levelist": 500, "param": "t"}
store = dtedask.open(root)
for step in itertools.count():
    store.archive(array, {**keys, "date": 20240101, "time": 0, "number": member, "step": step})
    store.flush()
    print(step, flush=True)
"""


@pytest.mark.slow
def test_nothing_that_is_locked_appears_once_the_lock_is_set_while_others_write(store, make_field):
    store.archive(*make_field())
    store.flush()
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, store.root, member], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for member in ("1", "2", "3")
    ]
    for writer in writers:
        writer.stdout.readline()
    store.lock("number=1/2", reason="enough")
    head = store.history()[-1].sequence
    told = [writer.communicate(timeout=60) for writer in writers[:2]]
    others = store.history(after=head)
    writers[2].kill()
    writers[2].communicate()
    assert all(b"ControlledError" in errors and b"enough" in errors for _, errors in told)
    assert {change.keys["number"] for commit in others for change in commit.changes} <= {"3"}
    assert {record.keys["number"] for record in store.list("number=1/2/3")} == {"1", "2", "3"}
