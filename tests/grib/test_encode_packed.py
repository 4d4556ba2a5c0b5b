"""Fields encoded under the scale of their integers, decoded by ecCodes."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dtedask.core.scale import Scale
from dtedask.grib import decode, encode_packed, scale_of, scan

singles = st.floats(-1e5, 1e5, width=32)
scales = st.builds(Scale, singles, st.integers(-20, 4), st.just(0) | st.integers(-3, 5), st.integers(1, 24))


@pytest.fixture(scope="module")
def small(pack):
    (message,) = scan(pack("grid_simple"))
    return message.field


def back(message):
    (found,) = scan(message)
    return decode(message, found.field.order, dtype="float64")


@pytest.mark.slow
@settings(max_examples=60)
@given(scales, st.data())
@example(Scale(1.0, 0, 0, 8), None)
def test_integers_under_any_scale_come_back(small, scale, data):
    integers = (
        data.draw(arrays.arrays("uint32", 12, elements=st.integers(0, 2**scale.bits - 1)))
        if data
        else np.arange(12) + 3
    )
    missing = data.draw(arrays.arrays("bool", 12)) if data else np.arange(12) % 5 == 0
    values = np.empty(12)
    scale.values_into(values, integers.astype("uint32"))
    values[missing] = np.nan
    message = encode_packed(values.reshape(3, 4), small.keys, small.grid, scale, attributes=small.attributes)
    np.testing.assert_array_equal(back(message).ravel(), values)


@pytest.mark.parametrize("value", [0.0, 280.125, np.pi, 1e300])
def test_constants_come_back(small, value):
    message = encode_packed(
        np.full((3, 4), value), small.keys, small.grid, Scale(value, 0, 0, 0), attributes=small.attributes
    )
    np.testing.assert_array_equal(back(message), np.full((3, 4), value))


def test_integers_that_begin_above_zero_keep_their_scale(small):
    values = (np.arange(12.0) + 40).reshape(3, 4) * 2.0**-3 + np.float32(0.1)
    scale = Scale(float(np.float32(0.1)), -3, 0, 7)
    message = encode_packed(values, small.keys, small.grid, scale, attributes=small.attributes)
    assert scale_of(message) == scale
    np.testing.assert_array_equal(back(message), values)


def test_a_field_with_the_integer_zero_is_packed_by_ccsds(small, eccodes_says):
    values = np.arange(12.0).reshape(3, 4) * 2.0**-3 + 280
    message = encode_packed(values, small.keys, small.grid, Scale(280.0, -3, 0, 9), attributes=small.attributes)
    assert eccodes_says(message, "packingType", "bitsPerValue") == ["grid_ccsds", 9]
