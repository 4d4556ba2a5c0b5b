import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from numcodecs.bitround import BitRound
from zarr.core.buffer import cpu, default_buffer_prototype
from zarr.core.sync import sync

from dtedask.core.errors import DamagedError
from dtedask.store.layouts import ChunkCodec, TileCodec
from dtedask.store.layouts.tiling import Tiling, Window, tile_shape


@st.composite
def codecs(draw, dims):
    inner = ChunkCodec(
        draw(st.sampled_from(["float32", "float64"])),
        draw(st.sampled_from(["lz4", "zstd", ""])),
        draw(st.integers(0, 9)),
        draw(st.sampled_from(["bitshuffle", "shuffle", "noshuffle"])),
        draw(st.none() | st.integers(1, 20)),
    )
    if not inner.compressor:
        inner = ChunkCodec(inner.dtype, "", 0, "noshuffle", inner.keep_bits)
    return TileCodec(inner, draw(st.tuples(*[st.integers(1, 9)] * dims)), 64)


@st.composite
def fields(draw):
    """A codec and a field of 1 or 2 dimensions, with missing points, blocks of them and blocks of one value."""
    shape = draw(st.sampled_from([st.tuples(st.integers(1, 60)), st.tuples(st.integers(1, 20), st.integers(1, 20))]))
    shape = draw(shape)
    codec = draw(codecs(len(shape)))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = generator.normal(280, 30, shape).round(draw(st.integers(0, 6))).astype(codec.dtype)
    values[generator.random(shape) < draw(st.sampled_from([0, 0.1, 1]))] = np.nan
    for missing in draw(st.lists(st.sampled_from(list(codec.tiling(shape).slices)), max_size=4)):
        values[missing] = np.nan
    return codec, values


def zarr_array(codec, shape, store):
    return zarr.create_array(
        store,
        name="a",
        shape=(2, *shape),
        dtype=codec.dtype,
        fill_value=np.nan,
        **codec.array_options(shape, 1),
    )


def key_of(shape):
    return "/".join(["a/c/1", *("0" for _ in shape)])


def rounded(codec, values):
    bits = codec.inner.keep_bits
    return (
        values if bits is None else np.asarray(BitRound(bits).encode(values)).view(values.dtype).reshape(values.shape)
    )


@pytest.mark.slow
@given(fields())
def test_a_field_comes_back_as_it_was_stored(field):
    codec, values = field
    np.testing.assert_array_equal(codec.decode(codec.encode(values), values.shape, "it"), rounded(codec, values))


@pytest.mark.slow
@settings(deadline=None)
@given(fields())
def test_the_bytes_are_those_that_zarr_writes(field):
    codec, values = field
    store = zarr.storage.MemoryStore()
    zarr_array(codec, values.shape, store)[1] = rounded(codec, values)
    written = sync(store.get(key_of(values.shape), default_buffer_prototype()))
    ours = codec.encode(values)
    if np.isnan(values).all():  # zarr stores no such chunk; ours says that the field is there
        assert written is None
        assert len(ours) == codec.index_bytes(codec.tiling(values.shape))
    else:
        assert ours == written.to_bytes()


@pytest.mark.slow
@settings(deadline=None)
@given(fields())
def test_zarr_reads_what_is_written(field):
    codec, values = field
    store = zarr.storage.MemoryStore()
    array = zarr_array(codec, values.shape, store)
    sync(store.set(key_of(values.shape), cpu.Buffer.from_bytes(codec.encode(values))))
    np.testing.assert_array_equal(array[1], rounded(codec, values))
    assert np.isnan(array[0]).all()


@pytest.mark.slow
@settings(deadline=None)
@given(fields(), st.booleans())
def test_what_zarr_writes_is_read(field, is_every_tile_stored):
    codec, values = field
    store = zarr.storage.MemoryStore()
    config = {"write_empty_chunks": is_every_tile_stored}
    zarr_array(codec, values.shape, store)
    zarr.open_array(store, path="a", mode="r+", config=config)[1] = values
    written = sync(store.get(key_of(values.shape), default_buffer_prototype()))
    if written is not None:
        np.testing.assert_array_equal(codec.decode(written.to_bytes(), values.shape, "it"), values)


@st.composite
def keys(draw, shape):
    """An outer index: for each dimension a number, a slice or an array that is not empty."""
    found = []
    for size in shape:
        numbers = st.integers(-size, size - 1)
        some = draw(
            numbers | st.slices(size) | st.lists(numbers, min_size=1, max_size=12).map(np.array) | st.just(slice(None))
        )
        found.append(slice(None) if isinstance(some, slice) and not len(range(size)[some]) else some)
    return tuple(found)


def outer(values, key):
    """What numpy says: one dimension after the other."""
    for axis, part in enumerate(key):
        values = np.take(values, np.atleast_1d(np.arange(values.shape[axis])[part]), axis=axis)
    return values


@pytest.mark.slow
@given(st.data())
def test_a_window_takes_what_numpy_takes(data):
    codec, values = data.draw(fields())
    key = data.draw(keys(values.shape))
    tiling = codec.tiling(values.shape)
    window = Window.of(tiling, key)
    out = np.empty(window.shape, values.dtype)
    codec.decode_window(out, codec.split(codec.encode(values), tiling, window, "it"), window, "it")
    np.testing.assert_array_equal(out, outer(rounded(codec, values), key))


@given(st.data())
def test_a_window_touches_no_tile_in_vain(data):
    shape = data.draw(st.sampled_from([(50,), (17, 23)]))
    tiling = Tiling(shape, data.draw(st.tuples(*[st.integers(1, 9)] * len(shape))))
    key = data.draw(keys(shape))
    numbers = np.empty(tiling.padded, int)
    for number, place in enumerate(tiling.slices):
        numbers[place] = number
    wanted = np.unique(outer(numbers[tuple(map(slice, shape))], key))
    assert sorted(Window.of(tiling, key).tiles) == wanted.tolist()


@given(st.sampled_from([(721, 1440), (1801, 3600), (421_120,), (6_599_680,), (657, 1377)]), st.integers(1000, 60_000))
def test_tiles_have_about_the_points_that_are_asked_for(shape, points):
    tiling = Tiling(shape, tile_shape(shape, points))
    size = int(np.prod(tiling.tile))
    assert size % 8 == 0
    assert 0.5 * min(points, shape[-1]) <= size <= 1.25 * points + 8
    assert np.prod(tiling.padded) <= 1.25 * np.prod(shape)


@given(st.sampled_from([(721, 1440), (1801, 3600), (421_120,), (6_599_680,)]), st.integers(5000, 200_000))
def test_the_points_of_a_tile_lie_together_in_the_field(shape, points):
    tiling = Tiling(shape, tile_shape(shape, points))
    field = np.empty(shape, np.int8)
    assert all(field[place].flags.c_contiguous for place in tiling.slices)


@pytest.mark.slow
@given(fields(), st.data())
def test_a_flipped_bit_never_becomes_data(field, data):
    codec, values = field
    stored = bytearray(codec.encode(values))
    stored[data.draw(st.integers(0, len(stored) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(DamagedError, match="The checksum of the (tile|index of the tiles) of it"):
        codec.decode(bytes(stored), values.shape, "it")
    assert codec.is_whole(codec.encode(values), values.shape)
    assert not codec.is_whole(bytes(stored), values.shape)


@pytest.mark.slow
@given(fields(), st.data())
def test_a_field_that_was_cut_short_is_damaged(field, data):
    codec, values = field
    stored = codec.encode(values)
    with pytest.raises(DamagedError, match="have changed"):
        codec.decode(stored[: data.draw(st.integers(0, len(stored) - 1))], values.shape, "it")


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 2), (64, 4)])
def test_threads_decode_what_one_thread_does(monkeypatch, cores, threads):
    monkeypatch.setattr("dtedask.core.cores._given", cores)
    codec = TileCodec(ChunkCodec("float32", "lz4", 1, "bitshuffle"), (10, 2000), 20_000)
    values = np.random.default_rng(1).normal(size=(171, 2000)).astype("float32")
    assert codec._threads(codec.tiling(values.shape).whole) == threads
    stored = bytearray(codec.encode(values))
    np.testing.assert_array_equal(codec.decode(bytes(stored), values.shape, "it"), values)
    stored[len(stored) // 2] ^= 1
    with pytest.raises(DamagedError, match="checksum of the tile"):
        codec.decode(bytes(stored), values.shape, "it")
