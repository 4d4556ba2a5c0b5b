"""Variables whose fields are stored in tiles, through the store."""

import itertools

import icechunk
import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import DamagedError, DocumentError
from dtedask.geo import regular_latlon
from dtedask.store.layouts import TileCodec, codec_of_values, tile_reader
from dtedask.store.layouts.index_cache import IndexCache
from dtedask.store.layouts.tile_reader import spans
from dtedask.store.schema import Schema, Values, load_schema

SHAPE = (37, 48)
STEPS = ("0", "6", "12")
CUBE = "rd/enfo/test"
TILED = Schema(values=Values(tiles=240, codec="none"))


@pytest.fixture(scope="module")
def values():
    """Fields of each step; one of them has missing points, and tiles of nothing else."""
    found = np.random.default_rng(1).normal(size=(len(STEPS), *SHAPE)).astype("float32")
    found[1, 3:20, :] = np.nan
    found[2, ::5, 7] = np.nan
    return found


@pytest.fixture(scope="module")
def root(tmp_path_factory, make_field, values):
    root = tmp_path_factory.mktemp("tiled") / "root"
    archive(root, make_field, values, TILED)
    return root


def archive(root, make_field, values, schema):
    store = dtedask.open(root, schema=schema)
    for step, field in zip(STEPS, values, strict=False):
        array, keys = make_field(shape=SHAPE, type="fc", step=step)
        store.archive(array.copy(data=field), keys)
    store.flush()


@pytest.fixture
def requests(monkeypatch):
    """Bytes of every request for a part of a field; indices that were read before are forgotten."""
    found = []
    before = tile_reader._get

    async def get(*args):
        data = await before(*args)
        found.append(len(data))
        return data

    monkeypatch.setattr(tile_reader, "_get", get)
    monkeypatch.setattr(tile_reader, "_indices", IndexCache(2**20))
    return found


def parts(size):
    numbers = st.integers(-size, size - 1)
    return numbers | st.slices(size) | st.lists(numbers, max_size=12).map(lambda found: np.array(found, dtype=int))


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@given(step=parts(len(STEPS)), latitude=parts(SHAPE[0]), longitude=parts(SHAPE[1]))
def test_any_part_is_what_numpy_takes(root, values, step, latitude, longitude):
    expected = xr.DataArray(values, dims=("step", "latitude", "longitude"))
    stored = dtedask.open(root).retrieve("")["t"].squeeze("forecast_reference_time", drop=True)
    found = stored.isel(step=step, latitude=latitude, longitude=longitude)
    wanted = expected.isel(step=step, latitude=latitude, longitude=longitude)
    np.testing.assert_array_equal(found.to_numpy(), wanted.to_numpy())


def test_points_here_and_there_are_read_by_tiles(root, values, requests):
    latitude, longitude = xr.DataArray([30, 2, 30], dims="place"), xr.DataArray([1, 40, 1], dims="place")
    found = dtedask.open(root).retrieve("step=0")["t"].isel(latitude=latitude, longitude=longitude)
    np.testing.assert_array_equal(found.squeeze(drop=True), values[0][[30, 2, 30], [1, 40, 1]])
    assert len(requests) > 1


def codec_in(root):
    return next(dtedask.open(root).list()).selection.variable.codec


def point_of(root, step="0"):
    return dtedask.open(root).retrieve(f"step={step}")["t"].isel(latitude=20, longitude=30).to_numpy().item()


def test_of_a_point_the_index_and_one_tile_are_read(root, values, requests):
    codec = codec_in(root)
    assert point_of(root) == values[0, 20, 30]
    assert requests == [codec.index_bytes(codec.tiling(SHAPE)), codec.tile_bytes + 4]


def test_an_index_is_read_once_a_snapshot(root, requests):
    for _ in range(3):
        point_of(root)
    assert len(requests) == 1 + 3


def test_of_most_of_a_field_all_is_read_at_once(root, values, requests):
    found = dtedask.open(root).retrieve("step=0")["t"].isel(latitude=slice(2, 30)).squeeze(drop=True)
    np.testing.assert_array_equal(found, values[0, 2:30])
    assert requests == []


def test_a_field_that_does_not_exist_is_nan(tmp_path, make_field, values):
    store = dtedask.open(tmp_path / "root", schema=TILED)
    for step, level in (("0", "500"), ("6", "850")):
        array, keys = make_field(shape=SHAPE, step=step, levelist=level)
        store.archive(array, keys)
    store.flush()
    found = store.retrieve("")["t"].isel(latitude=3, longitude=4).squeeze(drop=True)
    assert np.isnan(found.to_numpy()).tolist() == [[False, True], [True, False]]


def test_zarr_reads_a_tiled_cube(root, values):
    repo = icechunk.Repository.open(icechunk.local_filesystem_storage(str(root / CUBE)))
    (record, *_) = dtedask.open(root).list()
    path = f"{record.group}/{record.variable}"
    array = zarr.open_array(repo.readonly_session("main").store, path=path, mode="r")
    np.testing.assert_array_equal(array[:].reshape(values.shape), values)


@pytest.mark.parametrize("place", ["first tile", "last tile", "index", "checksum of the index"])
def test_a_flipped_bit_is_found_wherever_it_is(tmp_path, make_field, values, place):
    root = tmp_path / "root"
    archive(root, make_field, values[:1], TILED)
    codec = codec_in(root)
    index = codec.index_bytes(codec.tiling(SHAPE))
    (path,) = (one for one in (root / CUBE / "chunks").iterdir() if one.stat().st_size > 5000)
    at = {"first tile": 5, "last tile": -index - 9, "index": -index + 4, "checksum of the index": -1}[place]
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(data)
    (finding,) = dtedask.open(root).verify().findings
    assert "checksum" in finding.problem
    (request,) = finding.requests
    with pytest.raises(DamagedError, match=rf"The checksum of the (tile|index).*\({request}\).*have changed"):
        next(dtedask.open(root).values(request))


def test_a_part_of_a_damaged_field_is_right_or_an_error(tmp_path, make_field, values, requests):
    root = tmp_path / "root"
    archive(root, make_field, values[:1], TILED)
    (path,) = (one for one in (root / CUBE / "chunks").iterdir() if one.stat().st_size > 5000)
    codec = codec_in(root)
    data = bytearray(path.read_bytes())
    data[0] ^= 1  # the first tile is stored first
    path.write_bytes(data)
    assert point_of(root) == values[0, 20, 30]
    with pytest.raises(DamagedError, match=r"The checksum of the tile of the field .*step=0"):
        dtedask.open(root).retrieve("")["t"].isel(latitude=0, longitude=0).load()
    assert codec.tiling(SHAPE).order[0] == 0


@pytest.mark.parametrize(
    ("written", "size", "is_tiled"),
    [("auto", 600, True), ("auto", 499, False), ("none", 600, False), ("1000", 50, True)],
)
def test_large_grids_are_tiled_unless_the_schema_says_otherwise(written, size, is_tiled):
    grid = regular_latlon(np.linspace(90, -90, size), np.linspace(0, 359, 1000))
    codec = codec_of_values(load_schema(f"values: {{tiles: {written}}}").values, grid)
    assert isinstance(codec, TileCodec) == is_tiled


def test_what_a_codec_asks_for_gives_the_codec(root):
    record = next(dtedask.open(root).list())
    codec = record.selection.variable.codec
    assert codec_of_values(codec.to_values(), record.grid) == codec


@pytest.mark.parametrize(
    "written",
    [
        "layout: messages\nvalues: {tiles: 1000}",
        "parameters: {t: {layout: messages, tiles: 1000}}",
        "values: {codec: grib-int, tiles: 1000}",
    ],
)
def test_tiles_of_what_cannot_be_cut_are_refused(written):
    with pytest.raises(DocumentError, match="tiles"):
        load_schema(written)


@pytest.mark.parametrize("written", ["big", "10", "true", "1.5", "[100]"])
def test_what_is_no_size_of_tiles_is_refused_with_what_is_one(written):
    with pytest.raises(DocumentError, match=r"values\.tiles: tiles cannot be .* 'auto', 'none' or a number") as caught:
        load_schema(f"values: {{tiles: {written}}}")
    assert "mistakes" not in caught.value.message


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 40))), st.integers(0, 60))
def test_spans_cover_all_ranges_and_gaps_between_them_are_wide(lengths, gap):
    ranges = [(first, first + length) for first, length in lengths]
    found = spans(ranges, gap)
    assert all(any(a <= first and end <= b for a, b in found) for first, end in ranges)
    assert all(after[0] - before[1] > gap for before, after in itertools.pairwise(found))
    assert {a for a, _ in found} <= {first for first, _ in ranges}


def test_indices_that_were_used_last_are_kept():
    index = np.zeros((10, 2), dtype=np.int64)
    cache = IndexCache(3 * index.nbytes)
    for name in "abc":
        cache.put(("cube", "snapshot", name), index)
    cache.get(("cube", "snapshot", "a"))
    cache.put(("cube", "snapshot", "d"), index)
    assert [name for name in "abcd" if cache.get(("cube", "snapshot", name)) is not None] == ["a", "c", "d"]


@pytest.mark.slow
def test_copies_between_tiles_and_chunks_keep_every_bit(root, values, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    dtedask.open(root).copy(None, one, schema=Schema(values=Values(tiles="none")))
    dtedask.open(one).copy(None, two, schema=TILED)
    assert not isinstance(codec_in(one), TileCodec)
    assert codec_in(two) == codec_in(root)
    for copied in (one, two):
        assert dtedask.open(root).compare(None, copied).is_equal
        np.testing.assert_array_equal([field for _, field in dtedask.open(copied).values("")], values)


@pytest.mark.slow
def test_what_was_wiped_comes_back_in_its_tiles(tmp_path, make_field, values):
    archive(tmp_path / "root", make_field, values, TILED)
    store = dtedask.open(tmp_path / "root")
    codec = codec_in(tmp_path / "root")
    wiped = store.wipe("class=rd,expver=test", doit=True)
    store.rollback(commit=wiped.commits[0], doit=True)
    assert codec_in(tmp_path / "root") == codec
    np.testing.assert_array_equal([field for _, field in store.values("")], values)
    assert store.verify().is_whole


def test_explain_says_what_a_point_takes(root):
    (choice,) = dtedask.open(root).explain("param=t").layouts
    assert choice.field_bytes == len(STEPS) * codec_in(root).tile_bytes
    assert "a point of 3 fields: from map in tiles, 1.7 kB" in str(dtedask.open(root).explain("param=t"))


def test_a_dump_shows_the_tiles(root):
    (group,) = dtedask.open(root).dump(CUBE).groups
    (array,) = (array for array in group.arrays if array.role == "variable")
    (codec,) = array.codecs
    assert codec.startswith("sharding_indexed(chunk_shape=1x1x3x48,codecs=bytes(endian=little)+crc32c,index_codecs=")


@pytest.mark.slow
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_any_points_of_a_reduced_grid_are_what_numpy_takes(reduced, data):
    root, expected = reduced
    part = data.draw(parts(expected.shape[-1]))
    found = dtedask.open(root).retrieve("")["t"].squeeze(drop=True).isel(values=part)
    np.testing.assert_array_equal(found.to_numpy(), expected[..., part])


@pytest.fixture(scope="module")
def reduced(tmp_path_factory, grib_folder):
    """A forecast on O32 in tiles of about 500 points, and its values as one chunk a field holds them."""
    folder = tmp_path_factory.mktemp("reduced")
    for name, schema in (("tiled", Schema(values=Values(tiles=500))), ("plain", None)):
        store = dtedask.open(folder / name, schema=schema)
        store.archive(grib_folder / "o32.grib2")
        store.flush()
    return folder / "tiled", dtedask.open(folder / "plain").retrieve("")["t"].squeeze(drop=True).to_numpy()
