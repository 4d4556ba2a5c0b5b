from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import GribSyntaxError, GribUnsupportedError
from dtedask.grib import coordinates, decode, scan

PACKINGS = [
    *("grid_simple", "grid_ccsds", "grid_jpeg", "grid_png", "grid_ieee"),
    *("grid_complex", "grid_complex_spatial_differencing"),
]


def only(data):
    (message,) = scan(data)
    return message


@pytest.mark.slow
def test_real_values_are_ecCodes_values_rounded_to_float32_bit_for_bit(grib_folder, eccodes_arrays):  # noqa: N802
    for path in grib_folder.glob("*.grib*"):
        for message in list(scan(path, on_error="skip"))[:3]:
            (expected,) = eccodes_arrays(message.read(), "values")
            got = decode(message.read(), message.field.order)
            assert got.dtype == np.float32
            assert got.shape == message.field.grid.shape
            if message.field.order.is_identity and not message.field.has_bitmap:
                np.testing.assert_array_equal(got.ravel(), expected.astype("float32"))


@pytest.mark.parametrize("packing", PACKINGS)
def test_every_packing_decodes_as_ecCodes_does(pack, packing, eccodes_arrays):  # noqa: N802
    data = pack(packing, values=np.linspace(250, 300, 12))
    np.testing.assert_array_equal(
        decode(data, only(data).field.order, dtype="float64").ravel(), *eccodes_arrays(data, "values")
    )


@pytest.mark.parametrize("sample", ["sh_ml_grib2", "sh_ml_grib1"])
@pytest.mark.parametrize("packing", ["spectral_simple", "spectral_complex"])
def test_spectral_coefficients_are_decoded(sample, packing):
    from dtedask.grib.library import eccodes

    handle = eccodes.codes_grib_new_from_samples(sample)
    eccodes.codes_set(handle, "packingType", packing)
    data, expected = eccodes.codes_get_message(handle), eccodes.codes_get_values(handle)
    eccodes.codes_release(handle)
    message = only(data)
    assert message.field.grid.kind == "sh"
    np.testing.assert_array_equal(decode(data, message.field.order, dtype="float64"), expected)


@pytest.mark.slow
@given(st.integers(0, 15), st.sampled_from([0, 10, 20, 30, 180]), st.sampled_from([1, 2]))
def test_every_scan_order_puts_each_value_at_its_place(make_message, latlon, mode, west, edition):
    """Values say where they are: 100 times latitude plus longitude."""
    if edition == 1:
        mode &= 14
    i_reversed, j_reversed, j_first, alternating = (bool(mode & bit) for bit in (8, 4, 2, 1))
    columns = [west + 90 * column for column in range(4)]
    rows = [10, 5, 0]
    columns, rows = columns[:: -1 if i_reversed else 1], rows[:: -1 if j_reversed else 1]
    lines = (
        [[(row, column) for row in rows] for column in columns]
        if j_first
        else [[(row, column) for column in columns] for row in rows]
    )
    if alternating:
        lines = [line[::-1] if number % 2 else line for number, line in enumerate(lines)]
    values = [100 * row + column % 360 for line in lines for row, column in line]
    keys = latlon | {
        "latitudeOfFirstGridPointInDegrees": rows[0], "latitudeOfLastGridPointInDegrees": rows[-1],
        "longitudeOfFirstGridPointInDegrees": columns[0] % 360, "longitudeOfLastGridPointInDegrees": columns[-1] % 360,
        "iDirectionIncrementInDegrees": 60, "scanningMode": mode << 4,
    }  # fmt: skip
    data = make_message(edition, values=values, **keys, bitsPerValue=24)
    message = only(data)
    where = coordinates(message)
    latitude, longitude = where["latitude"].values, where["longitude"].values
    assert latitude.tolist() == [10, 5, 0]
    assert (np.diff(longitude) > 0).all()
    assert 0 <= longitude[0] < 90
    expected = 100 * latitude[:, None] + longitude[None] % 360
    np.testing.assert_allclose(decode(data, message.field.order, dtype="float64"), expected, atol=1e-3)


def test_missing_points_are_nan_and_9999_can_be_a_value(make_message, latlon):
    values = np.array([9999.0] * 6 + [1e36] * 5 + [0.0])
    data = make_message(**latlon, bitmapPresent=1, missingValue=1e36, bitsPerValue=24, values=values)
    got = decode(data, only(data).field.order).ravel()
    np.testing.assert_allclose(got[:6], 9999, rtol=1e-6)
    assert np.isnan(got[6:11]).all()
    assert got[11] == 0


@pytest.mark.parametrize("edition", [1, 2])
def test_a_constant_field_is_constant(make_message, latlon, edition):
    data = make_message(edition, values=[273.25] * 12, **latlon)
    message = only(data)
    assert message.field.bits_per_value == 0
    assert (decode(data, message.field.order) == np.float32(273.25)).all()


def test_values_beyond_float32_are_refused_and_decode_as_float64(pack):
    data = pack("grid_ieee", values=np.linspace(0, 1e300, 12), precision=2)
    order = only(data).field.order
    with pytest.raises(GribUnsupportedError, match="do not fit into float32.*float64"):
        decode(data, order)
    assert decode(data, order, dtype="float64").max() == 1e300


def test_values_are_written_into_an_array_that_is_given(pack):
    data, out = pack("grid_simple"), np.full((3, 4), -1, "float32")
    assert decode(data, only(data).field.order, out=out) is out
    np.testing.assert_allclose(out.ravel(), range(12), atol=0.1)


def test_a_view_of_bytes_is_enough(pack):
    data = pack("grid_simple")
    order = only(data).field.order
    np.testing.assert_array_equal(decode(memoryview(data), order), decode(data, order))


def test_cut_bytes_are_refused(pack):
    data = pack("grid_simple")
    with pytest.raises(GribSyntaxError, match="no message"):
        decode(data[:-1], only(data).field.order)


def test_threads_decode_the_same(grib_folder):
    messages = [(m.read(), m.field.order) for m in scan(grib_folder / "era5-levels-members.grib")]
    expected = [decode(*message) for message in messages]
    with ThreadPoolExecutor(4) as pool:
        for got, want in zip(pool.map(lambda message: decode(*message), messages), expected, strict=True):
            np.testing.assert_array_equal(got, want)


def test_missing_points_of_complex_packing_are_nan_without_a_bitmap(pack, eccodes_arrays):
    data = bytearray(pack("grid_complex", values=[*range(11), 255]))
    section = data.index(b"\x05", 16 + 21 + 72)
    data[section - 4 + 22] = 1
    message = only(bytes(data))
    (expected,) = eccodes_arrays(bytes(data), "values")
    assert message.field.has_bitmap
    got = decode(bytes(data), message.field.order, dtype="float64").ravel()
    np.testing.assert_array_equal(np.isnan(got), expected == 9999)
    np.testing.assert_array_equal(got[~np.isnan(got)], expected[expected != 9999])
