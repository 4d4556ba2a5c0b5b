"""What travels to workers and back arrives as it left, and is small."""

import pickle

import numpy as np
import pytest

from dtedask.geo import PointOrder
from dtedask.store.layouts import ChunkCodec, Reference
from dtedask.store.write import FileSlice, WriteItem

CODEC = ChunkCodec("float32", "lz4", 1, "bitshuffle")
SOURCES = {
    "file": FileSlice("/data/forecast.grib2", 880, 440),
    "bytes": b"GRIB7777",
    "reference": Reference("file:///data/forecast.grib2", 880, 440),
}


def item(source, number=0, **given):
    key = f"fc/pl/t/c/0/{number}/0/0"
    return WriteItem(key, source, None, CODEC, False, 4_152_960, f"forecast.grib2 at offset {880 * number}", **given)


@pytest.mark.parametrize("name", SOURCES)
def test_a_field_arrives_as_it_left(name):
    sent = item(SOURCES[name], 3, before=SOURCES["reference"], objects="pack")
    arrived = pickle.loads(pickle.dumps(sent))
    assert arrived == sent
    assert {getattr(arrived, slot) == getattr(sent, slot) for slot in WriteItem.__slots__} == {True}


def test_an_array_arrives_as_it_left():
    sent = item(np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(sent)).source, sent.source)


def test_fields_of_a_task_share_what_they_have_in_common():
    order = PointOrder((10_000,), row_lengths=tuple(range(10_000)))
    one, many = (
        len(pickle.dumps(tuple(WriteItem(f"t/c/{n}", b"", order, CODEC, False, 40_000) for n in range(count))))
        for count in (1, 101)
    )
    assert (many - one) / 100 < 50
