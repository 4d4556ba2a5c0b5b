"""Forecasts that become time series, and what must be true of these at any time."""

import numpy as np
import pytest
import zarr

from dtedask.store.location import Location
from dtedask.store.repository import head

CUBE = "rd/enfo/test"
SHAPE = (40, 37)  # more than one patch in each direction, none of them full
STEPS = ("0", "6", "12", "18")


@pytest.fixture(name="archive_run")
def _archive_run(make_field):
    def archive_run(store, *, steps=STEPS, value=0.0, shape=SHAPE, **keys):
        for step in steps:
            store.archive(*make_field(value + int(step) * 100, shape=shape, step=step, number="1", **keys))
        return store.flush()

    return archive_run


@pytest.fixture(scope="session")
def blocks():
    """Gives the blocks of a root, each as plain Zarr reads it, with what its fields say."""
    return _blocks


@pytest.fixture(scope="session")
def is_true():
    """Says whether all time series of a root hold what the fields hold."""
    return lambda store: all(np.array_equal(copy, fields, equal_nan=True) for copy, fields in _blocks(store))


def _blocks(store):
    snapshot = head(Location.parse(store.root), CUBE)
    found = []
    for name in snapshot.group_names:
        group = snapshot.group(name)
        for variable, series in group.series.items():
            copy = zarr.open_array(snapshot.session.store, path=series.path, mode="r")
            whole = zarr.open_array(snapshot.session.store, path=f"{name}/{variable}", mode="r")
            for block in np.ndindex(*copy.cdata_shape[: len(series.dims)]):
                (exists,) = snapshot.exist([(series.path, series.coordinates(block))])
                if exists:
                    box = [slice(place, place + 1) for place in block]
                    first = block[series.step_position] * series.block_steps
                    box[series.step_position] = slice(first, first + series.block_steps)
                    found.append((copy[tuple(box)], whole[tuple(box)][..., : copy.shape[series.step_position], :, :]))
    return found
