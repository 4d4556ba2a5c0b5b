"""Encoding many fields: headers are made once, and every message is what ecCodes would say of the field."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import eccodes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import GribUnsupportedError
from dtedask.geo import regular_latlon
from dtedask.grib import Encoder, decode, describe, encode, forget_headers, scan

GRID = regular_latlon(np.linspace(90, -90, 7), np.arange(0, 360, 30.0))
KEYS = {"class": "od", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "pl", "levelist": "500"}
KEYS |= {"date": "20240601", "time": "0000", "step": "24", "param": "130"}
FILES = [
    "aifs-single-t500.grib2",
    "alternate-scanning.grib",
    "ens-50.grib",
    "era5-levels-members.grib",
    "healpix-h8.grib2",
    "icon.grib",
    "ifs-oper-surface.grib2",
    "missing-values.grib",
    "o32.grib2",
    "pl-regular-ll.grib",
    "reduced-gg.grib",
    "regular-gg-model-levels.grib2",
    "spherical-harmonics.grib",
    "step-60m.grib",
    "t-on-different-level-types.grib",
]


def values_like(grid=GRID, seed=0):
    return 250 + 30 * np.random.default_rng(seed).random(grid.shape)


def asked(message, *keys):
    """What ecCodes itself reads in a message."""
    handle = eccodes.codes_new_from_message(message)
    try:
        return [eccodes.codes_get(handle, key, str) for key in keys]
    finally:
        eccodes.codes_release(handle)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_real_fields_keep_keys_and_grid(grib_folder, name):
    encoder = Encoder(bits_per_value=12)
    for message in list(scan(grib_folder / name))[:6]:
        field = message.field
        values = decode(message.read(), field.order, dtype="float64")
        made = encoder.encode(values, field.keys, field.grid, attributes=field.attributes, interval=field.interval)
        told = describe(made)
        assert (told.keys, told.grid, told.interval) == (field.keys, field.grid, field.interval)
        found = decode(made, told.order, dtype="float64")
        assert np.array_equal(np.isnan(found), np.isnan(values))
        if field.grid.kind != "sh":  # whose packing is exact for the longest waves only
            assert np.nanmax(np.abs(found - values)) <= np.ptp(values[~np.isnan(values)]) / (2**12 - 1)


@pytest.mark.parametrize("interval", [None, (0, 86400), (21600, 43200)], ids=["instant", "from-start", "window"])
def test_kept_headers_give_the_same_bytes(interval):
    forget_headers()
    keys = KEYS if interval is None else {**KEYS, "param": "228228", "levtype": "sfc"}
    if interval is not None:
        keys = {key: value for key, value in keys.items() if key != "levelist"}
    for changes in (
        {},
        {"step": "30"},
        {"date": "20240731", "time": "1800"},
        {"step": "31m"},
        {"step": "0"},
        *([{"levelist": "850"}, {"levelist": "0.5"}, {"levelist": "1"}] if interval is None else []),
    ):
        said = {**keys, **changes}
        shifted = interval
        if interval is not None:
            said, shifted = {**said, "step": "36"}, (129600 - interval[1] + interval[0], 129600)
        one, other = (
            Encoder(cached=cached).encode(values_like(), said, GRID, interval=shifted) for cached in (True, False)
        )
        assert one == other, changes


def test_members_share_a_header():
    forget_headers()
    keys = {**KEYS, "type": "pf", "stream": "enfo"}
    for number in ("1", "2", "50"):
        said = {**keys, "number": number}
        assert Encoder().encode(values_like(), said, GRID) == encode(values_like(), said, GRID)


@settings(max_examples=25, deadline=None)
@given(
    st.floats(1e-6, 1e4), st.floats(-1e6, 1e6), st.floats(1e-3, 1e5), st.sampled_from(["ccsds", "simple", "complex"])
)
def test_no_value_is_further_off_than_the_accuracy(accuracy, offset, span, packing):
    values = offset + span * np.random.default_rng(3).random(GRID.shape)
    if span / accuracy > 2**29 and packing != "complex":
        with pytest.raises(GribUnsupportedError, match="bits"):
            Encoder(accuracy=accuracy / 16, packing=packing).encode(values, KEYS, GRID)
        return
    if packing == "complex" and accuracy < 2 * np.spacing(np.float32(np.abs(values).max())):
        with pytest.raises(GribUnsupportedError, match="float32"):
            Encoder(accuracy=accuracy, packing=packing).encode(values, KEYS, GRID)
        return
    message = Encoder(accuracy=accuracy, packing=packing).encode(values, KEYS, GRID)
    found = decode(message, describe(message).order, dtype="float64")
    assert np.abs(found - values).max() <= accuracy


@pytest.mark.parametrize(
    ("packing", "name"),
    [
        ("ccsds", "grid_ccsds"),
        ("simple", "grid_simple"),
        ("ieee", "grid_ieee"),
        ("complex", "grid_complex"),
        ("second-order", "grid_complex_spatial_differencing"),
    ],
)
def test_values_are_packed_as_asked(packing, name):
    message = Encoder(packing=packing, bits_per_value=14).encode(values_like(), KEYS, GRID)
    assert asked(message, "packingType") == [name]
    found = decode(message, describe(message).order, dtype="float64")
    limit = 0 if packing == "ieee" else 30 / (2**14 - 1)
    assert np.abs(found - values_like()).max() <= limit


def test_statistics_have_the_product_of_an_interval():
    keys = {**KEYS, "param": "228228", "levtype": "sfc"}
    del keys["levelist"]
    message = Encoder().encode(values_like(), keys, GRID, interval=(0, 86400))
    said = asked(message, "productDefinitionTemplateNumber", "typeOfStatisticalProcessing", "stepRange")
    assert said == ["8", "accum", "0-24"]


def test_a_template_says_what_the_keys_do_not():
    template = encode(values_like(seed=1), {**KEYS, "param": "129", "step": "0"}, GRID)
    template = Encoder(overwrite=(("generatingProcessIdentifier", 77),), template=template).encode(
        values_like(), KEYS, GRID
    )
    message = Encoder(template=template).encode(values_like(), {**KEYS, "levelist": "850"}, GRID)
    assert asked(message, "generatingProcessIdentifier", "paramId", "level", "step") == ["77", "130", "850", "24"]
    assert describe(message).grid == GRID


@pytest.mark.slow
def test_a_template_of_another_grid_and_kind_is_changed():
    template = encode(values_like(), KEYS, GRID)
    grid = regular_latlon(np.linspace(60, 0, 5), np.linspace(0, 40, 9))
    keys = {**KEYS, "type": "pf", "stream": "enfo", "number": "7"}
    told = describe(Encoder(template=template).encode(values_like(grid), keys, grid))
    assert (told.grid, told.keys["number"]) == (grid, "7")


def test_what_cannot_be_encoded_is_named_with_parameter_and_grid(grib_folder, capfd):
    (message,) = scan(grib_folder / "lambert.grib")
    values = decode(message.read(), message.field.order, dtype="float64")
    with pytest.raises(GribUnsupportedError, match=r"field of param=3112 on the grid \S+ cannot be encoded: ecCodes"):
        Encoder().encode(values, message.field.keys, message.field.grid, attributes=message.field.attributes)


def test_an_accuracy_that_cannot_be_packed_is_an_error_with_the_remedy():
    with pytest.raises(GribUnsupportedError, match=r"takes \d+ bits\. Up to 31 bits are packed; take the packing ieee"):
        Encoder(accuracy=1e-12).encode(values_like(), KEYS, GRID)


def test_encoders_travel_and_work_in_threads():
    encoder = pickle.loads(pickle.dumps(Encoder(accuracy=0.01)))
    steps = [{**KEYS, "step": str(step)} for step in range(24)]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda keys: encoder.encode(values_like(), keys, GRID), steps))
    assert [describe(message).keys["step"] for message in made] == [keys["step"] for keys in steps]
