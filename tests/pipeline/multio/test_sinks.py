"""Files of the real MultIO and ours: the same bytes of raw fields, the same keys of encoded ones."""

import numpy as np
import pytest

from dtedask.grib import Encoder, decode, describe, scan
from tests.pipeline.multio import ours
from tests.pipeline.multio.real import mars_metadata, metadata

VALUES = [np.random.default_rng(seed).standard_normal(50) for seed in range(3)]
CALLS = [*(("field", metadata(step), values) for step, values in enumerate(VALUES, 1)), ("flush", {"step": 3})]


def file_sink(path, **options):
    return {"type": "sink", "sinks": [{"type": "file", "path": str(path), **options}]}


@pytest.mark.parametrize("append", [False, True])
def test_raw_fields_are_the_same_bytes_in_a_file(multio, tmp_path, append):
    actions = [{"type": "encode", "format": "raw"}]
    multio.run([*actions, file_sink(tmp_path / "theirs", append=append)], CALLS, collect=False)
    ours.run([*actions, file_sink(tmp_path / "ours", append=append)], CALLS)
    assert (
        (tmp_path / "ours").read_bytes()
        == (tmp_path / "theirs").read_bytes()
        == b"".join(values.tobytes() for values in VALUES)
    )


@pytest.mark.slow
def test_encoded_fields_have_the_keys_that_the_real_encoder_gives_them(multio, tmp_path):
    size = 5248
    values = 250 + 30 * np.random.default_rng(5).random(size)
    more = {"packing": "simple", "misc-bitsPerValue": 16, "model": "IFS"}
    keys = mars_metadata(6, param=130, size=size, grid="O32", levtype="pl", levelist=500, **more)
    multio.run([{"type": "encode-mtg2"}, file_sink(tmp_path / "theirs")], [("field", keys, values)], collect=False)
    (theirs,) = scan(tmp_path / "theirs")
    field = theirs.field
    ours = Encoder(packing="simple", bits_per_value=field.bits_per_value).encode(values, field.keys, field.grid)
    assert describe(ours).keys == field.keys
    assert describe(ours).grid == field.grid
    np.testing.assert_array_equal(
        decode(ours, field.order, dtype="float64"), decode(theirs.read(), field.order, dtype="float64")
    )
