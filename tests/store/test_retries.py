"""Tasks of a transaction that fail half-way: every field is written once, or none is."""

import errno
import os

import dask
import numpy as np
import pytest

import dtedask
from dtedask.core.errors import GribError, StoreError, TaskMemoryError
from dtedask.store import Execution, write

NAMES = ("lz4", "packs", "messages")
SCHEMAS = {"lz4": {}, "packs": {"values": {"objects": "pack"}}, "messages": {"layout": "messages"}}


@pytest.fixture(autouse=True)
def _tasks_of_two_fields(_no_dask_settings_leak):
    with dask.config.set({"dtedask.ingest.batch-bytes": 2 * 4 * 12 * 18}):
        yield


@pytest.fixture(params=NAMES)
def filled(request, tmp_path, make_field):
    """A root of one commit, and eight fields that wait; the first two replace what is there."""
    store = dtedask.open(tmp_path / "root", schema=dtedask.store.Schema(**SCHEMAS[request.param]))
    for step in range(2):
        store.archive(*make_field(100.0, shape=(12, 18), step=str(step), number="1", levelist="500"))
    store.flush()
    for step in range(8):
        store.archive(*make_field(step, shape=(12, 18), step=str(step), number="1", levelist="500"))
    return store


@pytest.fixture
def failing(monkeypatch):
    """Makes the tasks that begin with a field fail, once some of them is written, so many times."""

    def failing(error, *, times=1, most_fields=0):
        left, original = {"times": times}, write._write_part

        def write_part(part, writer, result):
            original(part, writer, result)
            if left["times"] and writer._fields > most_fields:
                left["times"] -= 1
                raise error

        monkeypatch.setattr(write, "_write_part", write_part)
        monkeypatch.setattr("dtedask.store.attempts._FIRST_PAUSE_S", 0.0)

    return failing


def check(store, commits):
    """All eight fields stand there as they were archived, and are counted once."""
    (commit,) = commits
    assert (commit.new, commit.replaced, store.unchanged) == (6, 2, 0)
    values = store.retrieve({}).t.values.squeeze()
    np.testing.assert_array_equal(values[:, 0, 0], np.arange(8))


@pytest.mark.parametrize(
    "error", [MemoryError(), OSError(errno.ESTALE, os.strerror(errno.ESTALE))], ids=["memory", "nfs"]
)
def test_what_is_written_twice_stands_there_once(filled, failing, error):
    heard = []
    failing(error, times=2)
    check(filled, filled.flush(execution=Execution(on_done=heard.append)))
    assert sum(len(one.new) + len(one.replaced) for one in heard) == 8


def test_fields_that_fit_only_one_by_one_are_written_one_by_one(filled, failing):
    failing(MemoryError(), times=99, most_fields=1)
    check(filled, filled.flush())


@pytest.mark.parametrize(
    "error", [MemoryError(), OSError(errno.ESTALE, "stale"), GribError("bad")], ids=["memory", "nfs", "grib"]
)
def test_what_does_not_pass_is_raised_and_nothing_is_published(filled, failing, error):
    failing(error, times=99)
    with pytest.raises((TaskMemoryError, StoreError, GribError), match="needs about|stale|bad"):
        filled.flush()
    np.testing.assert_array_equal(dtedask.open(filled.root).retrieve({}).t.values.squeeze()[:, 0, 0], [100, 100])


def test_bad_data_is_never_tried_again(filled, failing):
    failing(GribError("bad"), times=1)
    with pytest.raises(GribError, match="bad"):
        filled.flush()
