"""Arrays that are archived into layout `messages` come back to the last bit, or are refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import GribUnsupportedError
from dtedask.grib import describe
from dtedask.grib.library import eccodes
from dtedask.store import Schema
from dtedask.store.schema import Values

_NAMES = itertools.count()
REAL = (
    *("ens-50.grib", "o32.grib2", "reduced-gg.grib", "healpix-h8.grib2", "regular-gg-model-levels.grib2"),
    *("alternate-scanning.grib", "missing-values.grib"),
)


def kept(dtype="float32"):
    schema = Schema(values=Values(layout="messages", dtype=dtype))
    return dtedask.open(f"memory://arrays-{next(_NAMES)}", schema=schema)


def any_bits(dtype, seed):
    """Every number there is: normal and subnormal, infinite and none, of both signs."""
    size = np.dtype(dtype).itemsize
    values = np.random.default_rng(seed).integers(0, 256, (10, 36 * size), dtype="u1").view(dtype)
    special = [0.0, -0.0, 9999.0, np.nan, np.inf, -np.inf, np.finfo(dtype).tiny / 3, np.finfo(dtype).max]
    values[0, : len(special)] = special
    return values


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=5)
@given(seed=st.integers(0, 2**32))
def test_every_number_comes_back_to_the_last_bit(make_field, dtype, seed):
    array, keys = make_field(0.0, shape=(10, 36), number="1", levelist="500")
    values = any_bits(dtype, seed)
    store = kept(dtype)
    store.archive(array.copy(data=values), keys)
    store.flush()
    found = store.retrieve({})["t"].to_numpy().reshape(values.shape)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, values)
    there = ~np.isnan(values)
    np.testing.assert_array_equal(np.signbit(found)[there], np.signbit(values)[there])


@pytest.mark.slow
def test_a_value_that_would_become_a_missing_point_is_refused(make_field):
    array, keys = make_field(0.0, number="1", levelist="500")
    values = np.zeros(array.shape)
    values[0, :2] = np.nan, 1e36
    store = kept("float64")
    store.archive(array.copy(data=values), keys)
    with pytest.raises(GribUnsupportedError, match="1 of 12 values would change in GRIB2"):
        store.flush()


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_fields_of_all_kinds_go_from_map_to_messages_and_back(tmp_path, grib_folder, name):
    decoded = dtedask.open(tmp_path / "map")
    decoded.archive(grib_folder / name)
    decoded.flush()
    store = dtedask.open(tmp_path / "messages", schema=Schema(layout="messages"))
    for record in decoded.list():
        dataset = decoded.retrieve(dict(record.keys)).load()
        store.archive(dataset)
    store.flush()
    assert [one.keys for one in store.list()] == [one.keys for one in decoded.list()]
    for (_, found), (_, expected) in zip(store.values({}), decoded.values({}), strict=True):
        np.testing.assert_array_equal(found, expected)
    for message in store.to_grib({}):
        assert describe(message).packing == "grid_ieee"


def test_ecCodes_reads_the_message_that_an_array_became(make_field):  # noqa: N802
    array, keys = make_field(1.5, number="7", levelist="850", step="6")
    store = kept()
    store.archive(array, keys)
    store.flush()
    (message,) = store.to_grib({})
    handle = eccodes.codes_new_from_message(message)
    told = {key: eccodes.codes_get(handle, key, str) for key in ("shortName", "level", "number", "step", "dataDate")}
    values = eccodes.codes_get_values(handle)
    eccodes.codes_release(handle)
    assert told == {"shortName": "t", "level": "850", "number": "7", "step": "6", "dataDate": "20240101"}
    np.testing.assert_array_equal(values.reshape(array.shape), array)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "reason"), [("lambert.grib", "'c96'"), ("spherical-harmonics.grib", "values")])
def test_what_grib2_cannot_say_is_refused_and_nothing_is_committed(tmp_path, grib_folder, name, reason):
    decoded = dtedask.open(tmp_path / "map")
    decoded.archive(grib_folder / name)
    decoded.flush()
    store = kept()
    for record in decoded.list():
        store.archive(decoded.retrieve(dict(record.keys)).load())
    with pytest.raises(GribUnsupportedError, match=reason):
        store.flush()
    assert list(dtedask.open(store.root).list()) == []
