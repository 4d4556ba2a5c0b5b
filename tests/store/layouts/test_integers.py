"""Codec `grib-int`: values are those of ecCodes to the last bit, whatever a chunk holds."""

from __future__ import annotations

import logging
from itertools import islice

import numpy as np
import pytest
import zarr
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import dtedask
from dtedask.core.errors import DamagedError, DocumentError, GribUnsupportedError
from dtedask.core.scale import Scale
from dtedask.grib import decode, scan
from dtedask.store import Schema
from dtedask.store.layouts import IntegerCodec, prediction
from dtedask.store.layouts.integers import is_plain
from dtedask.store.schema import Values, load_schema

INTEGERS = Schema(values=Values(codec="grib-int"))
DOUBLE = Values(dtype="float64")
DTYPES = st.sampled_from(["float32", "float64"])


def same_bits(one, two):
    return (
        one.dtype == two.dtype
        and np.array_equal(one, two, equal_nan=True)
        and not (np.signbit(one) ^ np.signbit(two))[~np.isnan(one)].any()
    )


@pytest.fixture
def cube(tmp_path, grib_folder):
    """A root of grib-int with a field of sixteen bits."""
    store = dtedask.open(tmp_path / "root", schema=INTEGERS)
    store.archive(grib_folder / "o32.grib2")
    store.flush()
    return store


@pytest.mark.slow
@given(
    arrays.arrays(st.sampled_from(["uint8", "uint16", "uint32"]), arrays.array_shapes(max_dims=2, max_side=40)),
    st.sampled_from([prediction.NOTHING, prediction.BEFORE, prediction.PLANE]),
)
def test_differences_are_undone(integers, predictor):
    if integers.ndim == 1 and predictor == prediction.PLANE:
        predictor = prediction.BEFORE
    before = integers.copy()
    steps = prediction.differences(integers, predictor)
    prediction.restore(steps, predictor, integers.shape[-1])
    assert np.array_equal(steps.reshape(integers.shape), before)
    assert np.array_equal(integers, before)


def test_differences_of_fields_of_several_blocks_are_undone():
    integers = np.random.default_rng(1).integers(0, 2**16, (601, 703), dtype="uint16")
    for predictor in (prediction.BEFORE, prediction.PLANE):
        steps = prediction.differences(integers, predictor)
        prediction.restore(steps, predictor, 703)
        assert np.array_equal(steps.reshape(integers.shape), integers)


@given(DTYPES, st.data())
@settings(max_examples=60)
def test_every_field_comes_back_to_the_last_bit(dtype, data):
    scale = Scale(
        data.draw(st.floats(-1e3, 1e3, width=16)), data.draw(st.integers(-20, 3)), data.draw(st.integers(-2, 2)), 16
    )
    integers = data.draw(arrays.arrays("uint16", (5, 7)))
    missing = data.draw(arrays.arrays("bool", (5, 7)))
    values = np.empty((5, 7))
    scale.values_into(values.reshape(-1), integers.reshape(-1))
    values[missing] = np.nan
    if data.draw(st.booleans()):
        values[2, 3] = data.draw(st.floats(-1e30, 1e30))
    codec = IntegerCodec(dtype)
    chunk = codec.encode_scaled(values, scale)
    assert same_bits(codec.decode(chunk, (5, 7), "x"), values.astype(dtype))


@example(-0.0, 0)
@example(np.float64(1) / 3, 5)
@given(st.floats(-1e30, 1e30), st.integers(0, 12))
def test_constant_fields_need_no_scale(value, gaps):
    values = np.full(12, value)
    values[:gaps] = np.nan
    for dtype in ("float32", "float64"):
        chunk = IntegerCodec(dtype).encode_scaled(values, None)
        assert not is_plain(chunk)
        assert same_bits(IntegerCodec(dtype).decode(chunk, (12,), "x"), values.astype(dtype))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_real_files_come_back_as_ecCodes_decodes_them(grib_folder, dtype):  # noqa: N802
    codec = IntegerCodec(dtype)
    for file in sorted(grib_folder.glob("*.grib*")):
        for message in () if "corrupted" in file.name else islice(scan(file), 3):
            order = message.field.order
            chunk = codec.encode_message(message.read(), order)
            expected = decode(message.read(), order, dtype=dtype)
            assert same_bits(codec.decode(chunk, order.shape, "x"), expected)
            assert is_plain(chunk) == (file.name == "spherical-harmonics.grib")
            assert message.length < 5000 or len(chunk) < 1.1 * message.length or is_plain(chunk)


@pytest.mark.slow
def test_a_store_gives_the_values_of_blosc(tmp_path, grib_folder):
    plain, packed = dtedask.open(tmp_path / "a"), dtedask.open(tmp_path / "b", schema=INTEGERS)
    for store in (plain, packed):
        store.archive(grib_folder / "missing-values.grib")
        store.archive(grib_folder / "ens-50.grib")
        store.flush()
    for (one, values), (two, expected) in zip(packed.values(""), plain.values(""), strict=True):
        assert one.keys == two.keys
        assert same_bits(values, expected)


def test_fields_without_integers_are_kept_and_counted(tmp_path, grib_folder, caplog):
    store = dtedask.open(tmp_path / "root", schema=INTEGERS)
    store.archive(grib_folder / "spherical-harmonics.grib")
    with caplog.at_level(logging.WARNING):
        store.flush()
    assert "1 of 1 fields of" in caplog.text
    (message,) = scan(grib_folder / "spherical-harmonics.grib")
    ((_, values),) = store.values("")
    assert same_bits(values, decode(message.read(), message.field.order))


@pytest.mark.slow
@pytest.mark.parametrize("file", ["o32.grib2", "missing-values.grib", "alternate-scanning.grib", "ens-50.grib"])
def test_messages_that_go_out_decode_to_the_very_values(tmp_path, grib_folder, file):
    store = dtedask.open(tmp_path / "root", schema=INTEGERS)
    store.archive(grib_folder / file)
    store.flush()
    came = {tuple(sorted(one.field.keys.items())): values(one) for one in scan(grib_folder / file)}
    gone = {tuple(sorted(one.field.keys.items())): values(one) for one in scan(b"".join(store.to_grib()))}
    assert came.keys() == gone.keys()
    for keys, expected in came.items():
        assert same_bits(gone[keys], expected)


def values(message):
    return decode(message.read(), message.field.order, dtype="float64")


def test_sent_again_nothing_changes(cube, grib_folder):
    cube.archive(grib_folder / "o32.grib2")
    assert cube.flush() == []


@pytest.mark.slow
@pytest.mark.parametrize("source", [INTEGERS, Schema(layout="messages"), Schema(layout="messages", values=DOUBLE)])
def test_copies_have_the_integers(tmp_path, grib_folder, source):
    first = dtedask.open(tmp_path / "first", schema=source)
    first.archive(grib_folder / "o32.grib2")
    first.flush()
    (message,) = scan(grib_folder / "o32.grib2")
    for dtype in ("float32", "float64"):
        copy = dtedask.open(tmp_path / dtype, schema=Schema(values=Values(codec="grib-int", dtype=dtype)))
        first.copy("", copy)
        ((record, values),) = copy.values("")
        assert same_bits(values, decode(message.read(), message.field.order, dtype=dtype))
        assert record.size_bytes < message.length


def test_doubles_that_are_copied_to_singles_keep_the_integers(tmp_path, grib_folder):
    first = dtedask.open(tmp_path / "first", schema=Schema(values=Values(codec="grib-int", dtype="float64")))
    first.archive(grib_folder / "o32.grib2")
    first.flush()
    copy = dtedask.open(tmp_path / "copy", schema=INTEGERS)
    first.copy("", copy)
    ((one, singles),), ((two, doubles),) = copy.values(""), first.values("")
    assert same_bits(singles, doubles.astype("float32"))
    assert one.size_bytes == two.size_bytes


def test_zarr_reads_and_writes_it(tmp_path, cube):
    from dtedask.store.layouts.zarr_codecs import GribIntegerCodec

    ((record, expected),) = cube.values("")
    snapshot = record.selection.snapshot
    group = zarr.open_group(snapshot.session.store, mode="r")
    path, _, slots = record.chunk.partition("/c/")
    assert same_bits(
        group[path].get_block_selection(tuple(map(int, slots.split("/")))).reshape(expected.shape), expected
    )
    array = zarr.create_array(
        zarr.storage.MemoryStore(),
        shape=(8, 6),
        chunks=(4, 3),
        dtype="float32",
        serializer=GribIntegerCodec(),
        compressors=None,
    )
    array[...] = np.arange(48, dtype="float32").reshape(8, 6) / 7
    assert np.array_equal(array[2:7, 1:5], (np.arange(48, dtype="float32").reshape(8, 6) / 7)[2:7, 1:5])


def test_verify_names_the_field_of_a_flipped_bit(cube, tmp_path):
    ((record, _),) = cube.values("")
    (chunk,) = [path for path in (tmp_path / "root").rglob("chunks/*") if path.stat().st_size == record.size_bytes]
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    chunk.write_bytes(data)
    (finding,) = cube.verify().findings
    assert "param=130" in str(finding)


@given(st.data())
@settings(max_examples=50)
def test_every_flipped_bit_is_damage(data):
    values = np.where(np.arange(300) % 7 == 0, np.nan, np.arange(300) % 50 * 1.0).reshape(15, 20)
    chunk = bytearray(IntegerCodec("float32").encode_scaled(values, Scale(0.0, 0, 0, 6)))
    chunk[data.draw(st.integers(0, len(chunk) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(DamagedError, match="the field"):
        IntegerCodec("float32").decode(bytes(chunk), (15, 20), "the field")


def test_a_newer_version_is_not_read_as_data(cube):
    chunk = bytearray(IntegerCodec("float32").encode(np.zeros(3, "float32"))[:-4])
    chunk[0] = 9
    from google_crc32c import value as crc32c

    with pytest.raises(DamagedError, match="no chunk of grib-int that this dtedask knows"):
        IntegerCodec("float32").decode(bytes(chunk) + crc32c(bytes(chunk)).to_bytes(4, "little"), (3,), "x")


def test_values_beyond_float32_are_refused(tmp_path, make_double):
    store = dtedask.open(tmp_path / "root", schema=INTEGERS)
    store.archive(make_double)
    with pytest.raises(GribUnsupportedError, match="do not fit into float32"):
        store.flush()


@pytest.mark.parametrize(("other", "reason"), [("keep_bits: 9", "drops some"), ("tiles: 64", "are stored whole")])
def test_what_contradicts_integers_is_refused(tmp_path, other, reason):
    (tmp_path / "schema.yaml").write_text(f"values: {{codec: grib-int, {other}}}\n")
    with pytest.raises(DocumentError, match=reason):
        load_schema(tmp_path / "schema.yaml")


@pytest.fixture
def make_double():
    """A message of float64 values that float32 cannot hold."""
    from dtedask.grib.library import eccodes

    handle = eccodes.codes_grib_new_from_samples("regular_ll_pl_grib2")
    for key, value in {"packingType": "grid_ieee", "precision": 2}.items():
        eccodes.codes_set(handle, key, value)
    eccodes.codes_set_values(handle, np.linspace(1, 1e300, 16 * 31))
    data = eccodes.codes_get_message(handle)
    eccodes.codes_release(handle)
    return data
