"""Readers in the middle of a read, while the field is replaced, wiped or purged."""

import threading

import numpy as np
import pytest

import dtedask
from dtedask.store.layouts import ChunkCodec
from tests.store.faults.workers import KEYS, LEVELS, archive_step, field, values_of

ALL = "class=rd,expver=test"


def replace(store):
    array, keys = field(0, 500)
    store.archive(array + 5, keys)
    store.flush()


def wipe(store):
    store.wipe(f"{ALL},step=0", doit=True)


def grow_and_wipe(store):
    archive_step(store, 6)
    wipe(store)
    archive_step(store, 12)  # takes the slots that became free


@pytest.mark.parametrize("change", [replace, wipe, grow_and_wipe])
def test_a_read_that_has_begun_goes_on_with_what_it_began_with(tmp_path, monkeypatch, change):
    archive_step(dtedask.open(tmp_path), 0)
    begun, changed, decode = threading.Event(), threading.Event(), ChunkCodec.decode_into

    def wait_once(self, out, data, place):
        begun.set()
        assert changed.wait(30)
        decode(self, out, data, place)

    monkeypatch.setattr(ChunkCodec, "decode_into", wait_once)
    dataset = dtedask.open(tmp_path).retrieve({**KEYS, "step": "0"})
    found = []
    reader = threading.Thread(target=lambda: found.append(dataset["t"].sel(level=[int(one) for one in LEVELS]).load()))
    reader.start()
    assert begun.wait(30)
    change(dtedask.open(tmp_path))
    changed.set()
    reader.join(30)
    expected = np.stack([values_of(0, level) for level in LEVELS])
    assert np.array_equal(found[0].to_numpy().reshape(expected.shape), expected)


@pytest.mark.parametrize("change", [replace, wipe, grow_and_wipe])
def test_a_dataset_that_is_open_shows_one_state_for_good(tmp_path, change):
    store = dtedask.open(tmp_path)
    archive_step(store, 0)
    dataset = store.retrieve("step=0")
    one = dataset["t"].sel(level=850).to_numpy()
    change(dtedask.open(tmp_path))
    other = dataset["t"].sel(level=500).to_numpy()
    assert np.array_equal(one.squeeze(), values_of(0, 850))
    assert np.array_equal(other.squeeze(), values_of(0, 500))


@pytest.mark.parametrize("change", [replace, wipe, grow_and_wipe])
def test_a_list_that_has_begun_ends_with_what_it_began_with(tmp_path, change):
    store = dtedask.open(tmp_path)
    archive_step(store, 0)
    records = iter(store.list())
    first = next(records)
    change(dtedask.open(tmp_path))
    rest = list(records)
    assert [record.keys["step"] for record in (first, *rest)] == ["0"] * 3
    assert {record.snapshot for record in (first, *rest)} == {first.snapshot}
