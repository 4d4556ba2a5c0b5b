"""Integers under a scale, against float64 arithmetic done one number at a time."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.scale import Scale, power

singles = st.floats(-(2.0**100), 2.0**100, width=32)
scales = st.builds(Scale, singles, st.integers(-60, 60), st.just(0) | st.integers(-8, 8), st.integers(1, 24))


def one_by_one(scale, integers, dtype):
    """Python's floats are float64, and `struct` rounds to float32."""
    values = [(number * 2.0**scale.binary + scale.reference) * power(10, -scale.decimal) for number in integers]
    return np.array(
        values if dtype == "float64" else [struct.unpack("f", struct.pack("f", v))[0] for v in values], dtype
    )


@given(scales, st.lists(st.integers(0, 2**24 - 1), min_size=1, max_size=9), st.sampled_from(["float32", "float64"]))
def test_values_are_float64_arithmetic_rounded_once(scale, integers, dtype):
    out = np.empty(len(integers), dtype)
    scale.values_into(out, np.array(integers, np.uint32))
    assert out.tobytes() == one_by_one(scale, integers, dtype).tobytes()


@given(scales, st.data())
def test_integers_that_are_found_give_the_very_values(scale, data):
    numbers = data.draw(st.lists(st.integers(0, 2**scale.bits - 1), min_size=1, max_size=9))
    values = one_by_one(scale, numbers, "float64")
    found = scale.integers(values)
    if found is None:  # numbers that the reference drowns are not found again
        assert abs(scale.reference) > 2.0 ** (scale.binary + 50)
    else:
        assert one_by_one(scale, found.tolist(), "float64").tobytes() == values.tobytes()


@pytest.mark.parametrize("wrong", [np.pi, np.inf, np.nan, -1.0, 2.0**40, np.nextafter(3.0, 4)])
def test_one_value_that_no_integer_gives_refuses_the_field(wrong):
    values = np.arange(100_000) % 7 * 1.0
    assert Scale(0.0, 0, 0, 3).integers(values) is not None
    values[70_000] = wrong
    assert Scale(0.0, 0, 0, 3).integers(values) is None


@pytest.mark.parametrize("scale", [Scale(0.0, 1000, 0, 8), Scale(0.0, 0, 300, 8), Scale(0.0, 0, 0, 33)])
def test_scales_at_the_ends_of_float64_are_refused(scale):
    assert scale.integers(np.zeros(3)) is None


@pytest.mark.parametrize(("top", "dtype"), [(255, "uint8"), (256, "uint16"), (65535, "uint16"), (65536, "uint32")])
def test_the_smallest_type_holds_them(top, dtype):
    assert Scale(0.0, 0, 0, 24).integers(np.array([0.0, top])).dtype == dtype


def test_a_reference_beyond_float32_is_no_single():
    assert not Scale(1e60, 0, 0, 8).has_single_reference
    assert not Scale(0.1, 0, 0, 8).has_single_reference
    assert Scale(0.5, 0, 0, 8).has_single_reference
