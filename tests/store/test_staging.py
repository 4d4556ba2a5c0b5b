"""A handle sees what waits for a flush in it, and nobody else does: against a dictionary as the model."""

import itertools
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import dask
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.store.upkeep.registry import registrations

SHAPE = (2, 3)
CUBE = "rd/enfo/test"
_NAMES = itertools.count()

fields = st.fixed_dictionaries(
    {
        "param": st.sampled_from(["130", "131"]),
        "step": st.sampled_from(["0", "6", "90m"]),
        "levelist": st.sampled_from(["500", "1000"]),
        "expver": st.sampled_from(["test", "0002"]),
    }
)
actions = st.lists(
    st.one_of(
        st.tuples(st.just("archive"), fields, st.integers(0, 3)),
        st.tuples(st.just("bytes"), fields, st.integers(0, 3)),
        st.tuples(st.sampled_from(["flush", "discard", "look", "commit elsewhere"]), fields, st.integers(4, 6)),
    ),
    min_size=2,
    max_size=14,
)


def identity(keys, *, is_opaque=False):
    return (*sorted((key, keys[key]) for key in ("param", "step", "levelist", "expver")), is_opaque)


def contents(store):
    found = {}
    for record in store.list():
        is_opaque = record.grid.label == "opaque"
        request = {**record.keys, "grid": record.grid.label}
        if is_opaque:
            ((_, value),) = store.read(request)
        else:
            (variable,) = store.retrieve(request).data_vars.values()
            value = variable.to_numpy().tobytes()
        found[identity(record.keys, is_opaque=is_opaque)] = value
    return found


@pytest.mark.slow
@settings(max_examples=10)
@given(actions)
def test_a_handle_sees_the_published_and_what_waits_in_it(make_field, actions):
    name = f"memory://staging-{next(_NAMES)}"
    store, other = dtedask.open(name), dtedask.open(name)
    published, waiting = {}, {}
    for action, keys, value in [*actions, ("look", actions[0][1], 0), ("flush", actions[0][1], 0)]:
        array, key = make_field(value, shape=SHAPE, **keys)
        if action == "archive":
            store.archive(array, key)
            waiting[identity(keys)] = array.to_numpy().tobytes()
        elif action == "bytes":
            store.archive(b"%d" % value, key)
            waiting[identity(keys, is_opaque=True)] = b"%d" % value
        elif action == "flush":
            store.flush()
            published, waiting = published | waiting, {}
        elif action == "discard":
            store.discard()
            waiting = {}
        elif action == "commit elsewhere":
            with dtedask.open(name) as elsewhere:
                elsewhere.archive(array, key)
            published[identity(keys)] = array.to_numpy().tobytes()
        if action == "look":
            assert contents(store) == published | waiting
            steps = {dict(one[:-1])["step"] for one in published | waiting}
            assert set(store.axes().get("step", ())) == steps
            assert contents(other) == published
    assert contents(other) == contents(store) == published


def archive(store, make_field, step, **keys):
    store.archive(*make_field(int(step), step=step, **keys))


def test_what_is_staged_follows_the_next_archive(store, make_field):
    for steps in (["0"], ["0", "6"], ["0", "6", "12"]):
        archive(store, make_field, steps[-1])
        assert store.axes()["step"] == steps
        assert store.retrieve("param=t").sizes["step"] == len(steps)
    assert dtedask.open(store.root).axes() == {}
    assert len(store.flush()[0].changes) == 3
    assert len(store.history()) == 1


def test_a_cube_that_only_waits_is_listed_by_its_handle(store, make_field):
    archive(store, make_field, "0")
    assert store.cubes() == [CUBE]
    assert dtedask.open(store.root).cubes() == []
    store.discard()
    assert store.cubes() == []


def test_a_field_that_does_not_fit_is_told_on_reading_and_on_flush(store, make_field):
    with store:
        archive(store, make_field, "0")
    array, key = make_field(1)
    store.archive(array, {**key, "levelist": 500})
    for use in (store.axes, store.flush):
        with pytest.raises(dtedask.core.errors.FieldError, match="has level in addition"):
            use()
    store.discard()
    assert store.axes()["step"] == ["0"]


def test_fields_that_are_there_already_stage_nothing_new(store, make_field):
    with store:
        archive(store, make_field, "0")
    archive(store, make_field, "0")
    assert store.retrieve("param=t").attrs["snapshot"] == store.history()[0].snapshot
    store.discard()


def test_a_wipe_counts_what_is_published_only(store, make_field):
    with store:
        archive(store, make_field, "0")
    archive(store, make_field, "6")
    assert store.axes()["step"] == ["0", "6"]
    assert store.wipe("class=rd,date=20240101", minimum_keys=("class",)).fields == 1
    store.discard()


def test_what_is_staged_is_an_open_transaction_until_the_handle_is_clean(store, make_field):
    with store:
        archive(store, make_field, "0")
    for end in (store.flush, store.discard):
        archive(store, make_field, "6")
        store.axes()
        assert [one.kind for one in registrations(store._location, CUBE)] == ["transaction"]
        end()
        assert registrations(store._location, CUBE) == []


@pytest.fixture
def no_time_to_wait():
    with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
        yield


def test_purge_leaves_alone_what_is_staged(store, make_field, no_time_to_wait):
    archive(store, make_field, "0", shape=(20, 20))
    staged = store.retrieve("param=t")
    for step in ("6", "12"):
        with dtedask.open(store.root) as other:
            archive(other, make_field, step, shape=(20, 20))
    dtedask.open(store.root).purge(keep_commits=1)
    assert np.array_equal(staged["t"].to_numpy().squeeze(), make_field(0, shape=(20, 20))[0])
    assert store.axes()["step"] == ["0", "6", "12"]
    store.flush()
    assert dtedask.open(store.root).axes()["step"] == ["0", "6", "12"]


def test_a_staged_dataset_opens_in_another_process_as_it_is(store, make_field):
    archive(store, make_field, "0")
    travelled = pickle.loads(pickle.dumps(store.retrieve("param=t")))
    store.discard()
    assert np.array_equal(travelled["t"].to_numpy().squeeze(), make_field(0)[0])


CRASH = """
import sys, os, signal, numpy, xarray, dtedask
store = dtedask.open(sys.argv[1])
array = xarray.DataArray(
    numpy.zeros((3, 4), "float32"), dims=("latitude", "longitude"),
    coords={"latitude": [10.0, 0, -10], "longitude": [0.0, 10, 20, 30]}, name="t",
)
key = {"class": "rd", "stream": "enfo", "expver": "test", "type": "fc", "levtype": "sfc", "date": "20240101", "step": 6}
store.archive(array, key)
assert len(list(store.list())) == int(sys.argv[2])
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
@pytest.mark.parametrize("published", [0, 1])
def test_a_writer_that_is_killed_between_staging_and_flush_leaves_nothing_visible(
    store, make_field, published, no_time_to_wait
):
    for _ in range(published):
        with store:
            archive(store, make_field, "0")
    before = [(record.keys["step"], record.chunk) for record in store.list()] if published else []
    killed = subprocess.run([sys.executable, "-c", CRASH, store.root, str(published + 1)], env=os.environ, check=False)
    assert killed.returncode == -signal.SIGKILL
    after = dtedask.open(store.root)
    assert [(record.keys["step"], record.chunk) for record in after.list()] == before
    assert len(after.history()) == published
    with after:
        archive(after, make_field, "12")
    assert len(after.history()) == published + 1
    before_purge = {path.name for path in Path(store.root).glob("*/*/*/snapshots/*")}
    after.purge(keep_commits=published + 1)
    assert len(before_purge - {path.name for path in Path(store.root).glob("*/*/*/snapshots/*")}) == 1
    assert after.axes()["step"] == (["0", "12"] if published else ["12"])
