"""Masks as bytes: what was written is read, in the form that MultIO has."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import FieldError
from dtedask.pipeline.values.mask_codec import decode_mask, encode_mask

RUNS = st.lists(st.integers(1, 300), max_size=12)


def mask_of(runs, first):
    values = [[first, not first][place % 2] for place in range(len(runs))]
    return np.repeat(np.array(values, bool), runs)


def plainly_read(data):
    """Read the bytes one bit after the other, as the form is described."""
    size = int.from_bytes(data[1:5], "big")
    if not data[0] >> 7:
        return [bool(data[5 + place // 8] >> place % 8 & 1) for place in range(size)]
    width, value, found = (data[0] & 63) + 1, bool(data[0] >> 6 & 1), []
    bits = "".join(f"{byte:08b}" for byte in data[5:])
    while len(found) < size:
        length, bits = int(bits[:width], 2) + 1, bits[width:]
        found += [value] * length
        value = not value
    return found


@pytest.mark.slow
@settings(max_examples=60)
@given(RUNS, st.booleans(), st.sampled_from(["bits", "runs", None]))
def test_what_was_written_is_read(runs, first, form):
    mask = mask_of(runs, first)
    data = encode_mask(mask, form=form)
    np.testing.assert_array_equal(decode_mask(data), mask)
    assert plainly_read(data) == mask.tolist()


@given(RUNS, st.booleans())
def test_the_shorter_form_is_taken(runs, first):
    mask = mask_of(runs, first)
    assert len(encode_mask(mask)) == min(len(encode_mask(mask, form=form)) for form in ("bits", "runs"))


def test_a_mask_of_two_halves_is_two_lengths():
    mask = np.repeat([True, False], 8)
    assert encode_mask(mask, form="runs") == bytes([0x80 | 0x40 | 2, 0, 0, 0, 16, 0b11111100])
    assert encode_mask(mask, form="bits") == bytes([0, 0, 0, 0, 16, 0xFF, 0x00])


def test_a_grid_of_points_is_read_as_a_row():
    mask = np.arange(12).reshape(3, 4) % 5 == 0
    np.testing.assert_array_equal(decode_mask(encode_mask(mask)), mask.ravel())


@given(RUNS.filter(lambda runs: sum(runs) > 8), st.booleans(), st.sampled_from(["bits", "runs"]), st.data())
def test_bytes_that_are_cut_are_refused(runs, first, form, data):
    whole = encode_mask(mask_of(runs, first), form=form)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(FieldError, match=r"A mask of \d+ (bytes is cut|points has \d+ in its)"):
        decode_mask(whole[:cut])
