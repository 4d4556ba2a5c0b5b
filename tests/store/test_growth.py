"""Axes of a cube that grow: what stands in them, as Zarr reads it."""

import json

import numpy as np
import pytest
import zarr

from dtedask.store import placement
from dtedask.store.location import Location
from dtedask.store.repository import open_repository

CUBE = "rd/enfo/test"


def stored(store, path):
    session = open_repository(Location.parse(store.root), CUBE).readonly_session("main")
    return zarr.open_array(session.store, path=path, mode="r")


@pytest.mark.slow
@pytest.mark.parametrize("chunk", [1, 3, 16_384])
def test_labels_of_axes_that_grow_are_what_zarr_reads(store, make_field, monkeypatch, chunk):
    monkeypatch.setattr(placement, "LABELS_PER_CHUNK", chunk)
    steps = [str(step) for step in range(0, 40, 5)]
    for part in (steps[:1], steps[1:2], steps[2:5], steps[5:]):
        for step in part:
            store.archive(*make_field(float(step), number="1", levelist="500", step=step))
        store.flush()
    (record, *_) = store.list()
    array = stored(store, f"{record.selection.group.name}/step")
    assert array.chunks == (chunk,)
    assert array[:].tolist() == [3600 * int(step) for step in steps]
    values = store.retrieve({})["t"].to_numpy().ravel()[::12]
    assert np.array_equal(values, [float(step) for step in steps])


def test_a_slot_that_is_used_again_gets_its_new_label(store, make_field, monkeypatch):
    monkeypatch.setattr(placement, "LABELS_PER_CHUNK", 2)
    for step in ("0", "5", "10", "15", "20"):
        store.archive(*make_field(float(step), number="1", levelist="500", step=step))
    store.flush()
    (record, *_) = store.list()
    store.wipe("step=5", doit=True, minimum_keys=())
    store.archive(*make_field(30.0, number="1", levelist="500", step="30"))
    store.flush()
    path = f"{record.selection.group.name}/step"
    assert stored(store, path)[:].tolist() == [3600 * step for step in (0, 30, 10, 15, 20)]
    assert "free" not in json.dumps(dict(stored(store, path).attrs))
    assert store.retrieve("step=30")["t"].to_numpy().ravel()[0] == 30.0


def test_text_labels_grow_too(store, make_field):
    for number, quantile in enumerate(("1:4", "11:100", "2:4")):
        store.archive(*make_field(float(number), number="1", levelist="500", quantile=quantile))
        store.flush()
    (record, *_) = store.list()
    assert stored(store, f"{record.selection.group.name}/quantile")[:].tolist() == ["1:4", "11:100", "2:4"]
    assert store.retrieve("quantile=11:100")["t"].to_numpy().ravel()[0] == 1.0
