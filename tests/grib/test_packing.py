"""Scales read from messages, and their integers, against ecCodes."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.grib import decode, scale_of, scan

PACKINGS = {
    2: [
        "grid_simple",
        "grid_ccsds",
        "grid_complex",
        "grid_complex_spatial_differencing",
        "grid_second_order",
        "grid_png",
        "grid_jpeg",
    ],
    1: ["grid_simple", "grid_second_order"],
}
KEYS = ("referenceValue", "binaryScaleFactor", "decimalScaleFactor", "bitsPerValue")


def of(message, order):
    values = decode(message, order, dtype="float64").ravel()
    return values[~np.isnan(values)]


def test_scales_of_real_files_are_those_that_ecCodes_reads(grib_folder, eccodes_says):  # noqa: N802
    for file in sorted(grib_folder.glob("*.grib*")):
        for message in () if "corrupted" in file.name or "spherical" in file.name else islice(scan(file), 3):
            scale = scale_of(message.read())
            told = [float(number) for number in eccodes_says(message.read(), *KEYS)]
            assert [scale.reference, scale.binary, scale.decimal, scale.bits] == told


def test_values_of_real_files_are_integers_under_their_scale(grib_folder):
    for file in sorted(grib_folder.glob("*.grib*")):
        for message in () if "corrupted" in file.name or "spherical" in file.name else islice(scan(file), 3):
            assert scale_of(message.read()).integers(of(message.read(), message.field.order)) is not None


@pytest.mark.parametrize("file", ["spherical-harmonics.grib"])
def test_spectral_coefficients_have_no_scale(grib_folder, file):
    (message,) = scan(grib_folder / file)
    assert scale_of(message.read()) is None


def test_ieee_values_have_no_scale(pack):
    assert scale_of(pack("grid_ieee")) is None


@pytest.mark.slow
@pytest.mark.parametrize(("edition", "packing"), [(e, packing) for e, names in PACKINGS.items() for packing in names])
@settings(max_examples=30)
@given(data=st.data())
def test_every_packing_is_integers_under_a_scale(pack, make_message, latlon, edition, packing, data):
    values = data.draw(st.lists(st.floats(-1e5, 1e5, width=32), min_size=12, max_size=12, unique=True))
    decimal, bits = data.draw(st.integers(-2, 4)), data.draw(st.integers(1, 24))
    if packing == "grid_png":
        message = pack(packing, values=values)
    else:
        keys = {"packingType": packing, "decimalScaleFactor": decimal, "bitsPerValue": bits}
        message = make_message(edition, values, **latlon, **keys)
    (found,) = scan(message)
    decoded = of(message, found.field.order)
    assert len(set(decoded)) == 1 or scale_of(message).integers(decoded) is not None


@pytest.mark.parametrize("cut", [0, 7, 40, -30])
def test_bytes_that_are_no_message_have_no_scale(pack, cut):
    assert scale_of(pack("grid_simple")[:cut]) is None
