"""Arrays in, arrays out: what was retrieved can be archived again."""

import numpy as np
import pytest
import xarray as xr

import dtedask
from dtedask.core.errors import FieldError
from dtedask.grib import scan


def listed(store):
    return sorted(tuple(sorted(record.to_dict().items())) for record in store.list())


FILES = ("ens-50.grib", "reduced-gg.grib", "healpix-h8.grib2", "spherical-harmonics.grib", "lambert.grib", "o32.grib2")


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_what_was_retrieved_can_be_archived_again(tmp_path, grib_folder, name):
    first, second = dtedask.open(tmp_path / "first"), dtedask.open(tmp_path / "second")
    first.archive(scan(grib_folder / name))
    first.flush()
    for leaf in first.retrieve_tree({}).leaves:
        second.archive(leaf.to_dataset())
    second.flush()
    assert listed(second) == listed(first)
    for record in first.list():
        (before,), (after,) = (
            list(s.retrieve(dict(record.keys) | {"grid": record.grid.label}).values()) for s in (first, second)
        )
        assert np.array_equal(before.to_numpy(), after.to_numpy(), equal_nan=True)
        assert set(before.coords) == set(after.coords)


@pytest.mark.slow
def test_intervals_and_controls_survive_the_way_through_an_array(tmp_path, make_field):
    first, second = dtedask.open(tmp_path / "first"), dtedask.open(tmp_path / "second")
    first.archive(*make_field(1.0, param="176", levtype="sfc", type="cf", step="24-48"))
    first.archive(*make_field(1.0, param="176", levtype="sfc", number="1", step="24-48"))
    first.flush()
    second.archive(first.retrieve({}))
    second.flush()
    assert listed(second) == listed(first)


def test_rows_from_south_to_north_and_columns_from_180_are_put_in_order(store, make_field):
    array, keys = make_field(type="fc", levelist="500", shape=(19, 36))
    array = array.assign_coords(latitude=np.arange(90.0, -91, -10), longitude=np.arange(0.0, 360, 10))
    store.archive(array.isel(latitude=slice(None, None, -1)).roll(longitude=18, roll_coords=True), keys)
    store.flush()
    found = store.retrieve({})["t"]
    assert np.array_equal(found.to_numpy().squeeze(), array.to_numpy())
    assert store.axes()["grid"] == ["10x10"]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (xr.DataArray(np.zeros((2, 2)), dims=("a", "b")), "has no grid at its end"),
        (xr.DataArray(np.zeros(4), dims="values", name="t"), "cannot be told from its coordinates"),
        (
            xr.DataArray(
                np.zeros((2, 3)), dims=("latitude", "longitude"), coords={"latitude": [1, 0], "longitude": [0, 1, 3]}
            ),
            "not equally far apart",
        ),
    ],
)
def test_an_array_without_a_grid_is_refused(store, array, message):
    with pytest.raises(FieldError, match=message):
        store.archive(array, {"class": "rd"})


def test_an_array_without_a_key_that_all_fields_need_names_it(store, make_field):
    array, keys = make_field(type="fc", levelist="500")
    del keys["stream"]
    with pytest.raises(FieldError, match="without the key 'stream'"):
        store.archive(array, keys)


def test_each_chunk_of_a_lazy_array_is_computed_once(tmp_path, make_field):
    parts = [make_field(step, step=str(step), levelist=str(level)) for step in range(6) for level in (500, 850)]
    first = dtedask.open(tmp_path / "first")
    for array, keys in parts:
        first.archive(array, keys)
    first.flush()
    data = first.retrieve({}).load().chunk({"step": 4, "level": 1})
    computed = []

    def counted(block):
        computed.append(block.shape)
        return block

    lazy = data.assign(
        t=data["t"].copy(data=data["t"].data.map_blocks(counted, meta=np.empty((0,) * data["t"].ndim, "f4")))
    )
    second = dtedask.open(tmp_path / "second")
    second.archive(lazy)
    second.flush()
    assert len(computed) == 4
    xr.testing.assert_equal(second.retrieve({})["t"].load(), data["t"].load())
