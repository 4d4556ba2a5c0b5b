import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import GribUnsupportedError
from dtedask.geo import Grid
from dtedask.grib import decode, describe, encode, scan

GRID = {
    "north": 10.0,
    "south": 0.0,
    "west": 0.0,
    "east": 30.0,
    "dx": 10.0,
    "dy": 5.0,
    "ni": 4,
    "nj": 3,
    "periodic": False,
}
KEYS = {
    "class": "od",
    "stream": "oper",
    "expver": "0001",
    "type": "fc",
    "levtype": "pl",
    "levelist": "500",
    "param": "130",
    "date": "20240603",
    "time": "0000",
    "step": "24",
}


def regular():
    return Grid.of("regular_ll", GRID, ("latitude", "longitude"), (3, 4))


def again(message):
    return decode(message, describe(message).order, dtype="float64")


def packing_error(values, bits):
    """Half a step of the packing, and the rounding of the reference value to a float."""
    step = 2.0 ** np.ceil(np.log2(max(np.ptp(values), 1e-30) / (2**bits - 1)))
    return step + np.abs(values).max() * 2**-23


@pytest.mark.slow
@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=12, max_size=12),
    st.integers(8, 24),
    st.sampled_from(["grid_ccsds", "grid_simple"]),
)
def test_decoding_what_was_encoded_gives_it_back_within_the_packing(values, bits, packing):
    values = np.array(values)
    message = encode(values, KEYS, regular(), bits_per_value=bits, packing=packing)
    assert np.abs(again(message).ravel() - values).max() <= packing_error(values, bits)
    field = describe(message)
    assert (field.keys, field.grid) == (KEYS, regular())


@pytest.mark.slow
def test_real_fields_come_back_with_their_keys_grid_and_values(grib_folder):
    for path in sorted(grib_folder.glob("*.grib*")):
        if path.name == "lambert.grib":
            continue
        for message in list(scan(path, on_error="skip"))[::7]:
            field = message.field
            values = decode(message.read(), field.order, dtype="float64")
            bits = field.bits_per_value or 16
            known = {"attributes": field.attributes, "interval": field.interval}
            data = encode(values, field.keys, field.grid, bits_per_value=bits, **known)
            told = describe(data)
            assert (told.keys, told.grid, told.short_name) == (field.keys, field.grid, field.short_name), path.name
            there = np.isfinite(values)
            np.testing.assert_array_equal(np.isfinite(again(data)), there)
            if there.any():
                assert np.abs(again(data) - values)[there].max() <= packing_error(values[there], bits), path.name


def test_a_parameter_that_grib_2_does_not_have_is_refused_by_name(grib_folder):
    field = next(scan(grib_folder / "lambert.grib")).field
    with pytest.raises(GribUnsupportedError, match="param=3112"):
        encode(np.zeros(field.grid.shape), field.keys, field.grid, attributes=field.attributes)


def test_nan_becomes_missing():
    values = np.arange(12.0)
    values[3] = np.nan
    message = encode(values, KEYS, regular())
    assert describe(message).has_bitmap
    assert np.isnan(again(message).ravel()).nonzero()[0].tolist() == [3]


def test_only_missing_points_come_back_as_such():
    assert np.isnan(again(encode(np.full(12, np.nan), KEYS, regular()))).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    "keys",
    [
        {"type": "pf", "stream": "enfo", "number": "7"},
        {"type": "cf", "stream": "enfo"},
        {"levtype": "ml", "levelist": "137"},
        {"levelist": "0.5"},
        {"levtype": "sfc", "levelist": None, "param": "167"},
        {"levtype": "pv", "levelist": "2", "param": "60"},
        {"levtype": "sol", "levelist": "3", "param": "260199"},
        {"step": "90m"},
        {"class": "ai", "model": "aifs-single"},
        {"class": "lfpw"},
        {"class": "c96"},
        {"param": "0.19.250"},
    ],
    ids=str,
)
def test_keys_of_many_kinds_come_back(keys):
    wanted = {key: value for key, value in (KEYS | keys).items() if value is not None}
    attributes = {"GRIB_centre": wanted["class"].removeprefix("c")} if wanted["class"] in ("lfpw", "c96") else {}
    assert describe(encode(np.arange(12), wanted, regular(), attributes=attributes)).keys == wanted


@pytest.mark.parametrize("member", [{}, {"type": "pf", "stream": "enfo", "number": "3"}])
def test_accumulations_come_back_with_their_interval(member):
    keys = (
        {key: value for key, value in KEYS.items() if key != "levelist"} | {"levtype": "sfc", "param": "228"} | member
    )
    field = describe(encode(np.arange(12), keys, regular(), interval=(6 * 3600, 24 * 3600)))
    assert (field.keys, field.interval, field.step_type) == (keys, (21600, 86400), "accum")


def test_keys_that_grib_2_cannot_say_are_refused_by_name():
    with pytest.raises(GribUnsupportedError, match="levtype"):
        encode(np.arange(12), KEYS | {"levtype": "sfc"}, regular())


def test_a_grid_that_cannot_be_written_is_refused_by_kind():
    grid = Grid.of("space_view", {}, ("values",), (12,))
    with pytest.raises(GribUnsupportedError, match="'space_view'"):
        encode(np.arange(12), KEYS, grid)


def test_bits_are_sixteen_unless_the_attributes_or_the_caller_say_more():
    values = np.linspace(0, 1, 12)
    assert describe(encode(values, KEYS, regular())).bits_per_value == 16
    assert describe(encode(values, KEYS, regular(), attributes={"GRIB_bitsPerValue": 12})).bits_per_value == 12
