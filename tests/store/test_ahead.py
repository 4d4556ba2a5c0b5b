"""Fields that are encoded while others come: the same chunks, wherever they are written and however they are stored."""

import pickle

import numpy as np
import pytest

import dtedask
from dtedask.grib import Field
from dtedask.store.ahead import Ahead, encoding_ahead
from dtedask.store.arrays import parts_of_array
from dtedask.store.layouts.map import ChunkCodec
from dtedask.store.schema import Schema, Values
from dtedask.testing import make_field


def fields(count, value=0.0):
    for step in range(count):
        array, keys = make_field(value + step, step=str(step))
        (part,) = parts_of_array(array, keys)
        yield Field(part.description, array.to_numpy().astype("f8"), part.coordinates)


@pytest.mark.parametrize("layout", ["map", "messages"])
def test_a_root_holds_the_same_bytes(tmp_path, layout):
    for name, ahead in (("ahead", True), ("plain", False)):
        store = dtedask.open(tmp_path / name, schema=Schema(layout=layout))
        assert store.archive_fields(fields(4), ahead=ahead) == 4
        store.flush()
    one, other = (dtedask.open(tmp_path / name) for name in ("ahead", "plain"))
    assert [v.tobytes() for _, v in one.values({})] == [v.tobytes() for _, v in other.values({})]
    assert list(one.to_grib()) == list(other.to_grib())


def test_a_variable_that_is_stored_otherwise_stays_so(tmp_path):
    store = dtedask.open(tmp_path / "data", schema=Schema(values=Values(codec="blosc-zlib")))
    store.archive_fields(fields(1))
    store.flush()
    store.archive_fields(fields(2), ahead=True)
    (commit,) = store.flush()
    assert (commit.new, commit.unchanged) == (1, 1)


def test_values_travel_without_their_chunk():
    values = np.arange(12, dtype="f4").reshape(3, 4)
    codec = ChunkCodec.from_values(Values())
    made = encoding_ahead(values, codec)
    assert made.encoded(codec) == codec.encode(values)
    assert made.encoded(ChunkCodec.from_values(Values(codec="blosc-zlib"))) is None
    moved = pickle.loads(pickle.dumps(made))
    assert type(moved) is np.ndarray
    np.testing.assert_array_equal(moved, values)
    assert isinstance(made[:1], Ahead)
    assert made[:1].encoded(codec) is None
