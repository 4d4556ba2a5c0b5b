"""Listing, inspecting and explaining over a real object store: the same answers, sizes included."""

from uuid import uuid4

import numpy as np
import pytest
import xarray as xr

import dtedask
from dtedask.core.errors import MissingFieldsError

KEYS = {"class": "rd", "stream": "enfo", "expver": "test", "type": "pf", "levtype": "pl"}
KEYS |= {"levelist": "500", "param": "t", "date": "20240101", "time": "0000", "number": "1"}


@pytest.fixture
def store(s3):
    """Six steps in one commit, and one of them again."""
    found = dtedask.open(f"s3://{s3['S3_BUCKET']}/find/{uuid4().hex}")
    coordinates = {"latitude": np.arange(20.0, -20, -1), "longitude": np.arange(40.0)}
    noise = np.random.default_rng(1).normal(size=(40, 40)).astype("float32")
    array = xr.DataArray(noise, dims=("latitude", "longitude"), coords=coordinates)
    for step in range(6):
        found.archive(array + step, {**KEYS, "step": str(step)})
    found.flush()
    found.archive(array + 100, {**KEYS, "step": "3"})
    found.flush()
    return found


def test_records_say_where_they_lie_how_large_they_are_and_what_was_replaced(store):
    records = list(store.list(masked=True))
    assert [record.keys["step"] for record in records] == ["0", "1", "2", "3", "4", "5", "3"]
    assert [record.is_masked for record in records] == [False] * 6 + [True]
    assert all(record.location.startswith(f"{store.root}/rd/enfo/test/pf/pl/") for record in records)
    for record in records:
        (data,) = record.selection.snapshot.read_chunks([record.chunk])
        assert record.size_bytes == len(data) > 512


def test_full_requests_are_answered_in_their_order_or_say_what_is_missing(store):
    assert [record.keys["step"] for record in store.inspect({**KEYS, "step": "5/2"})] == ["5", "2"]
    with pytest.raises(MissingFieldsError, match="step=9") as caught:
        store.inspect({**KEYS, "step": "5/9"})
    assert [one["step"] for one in caught.value.missing] == [("9",)]


def test_requests_that_match_nothing_are_explained(store):
    assert store.explain({**KEYS, "step": "9"}).relax == (("step",),)
    assert list(store.list("class=od")) == []
    assert [str(place.cube) for place in store.list("class=rd", depth=1)] == ["rd/enfo/test"]
