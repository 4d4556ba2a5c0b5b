"""Plain numpy arrays with keys: the key `grid` says where their points are."""

import numpy as np
import pytest

import dtedask
from dtedask.core.errors import FieldError
from dtedask.grib import scan

KEYS = {"class": "rd", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "sfc", "date": "20240101"}


def test_a_plain_array_is_the_field_of_a_data_array_with_its_axes(memory_store, make_field):
    import xarray as xr

    values = np.random.default_rng(1).normal(size=(19, 36)).astype("float32")
    axes = {"latitude": np.arange(90.0, -91, -10), "longitude": np.arange(0.0, 360, 10)}
    array = xr.DataArray(values, dims=tuple(axes), coords=axes, name="2t")
    with memory_store:
        memory_store.archive(array, {**KEYS, "step": 0})
        memory_store.archive(values, {**KEYS, "param": "2t", "grid": "10x10", "step": 6})
    dataset = memory_store.retrieve("param=2t")
    assert dataset.sizes["step"] == 2
    assert np.array_equal(dataset["2t"][0, 0], values)
    assert np.array_equal(dataset["2t"][0, 1], values)


def test_a_grid_that_the_root_holds_gives_a_plain_array_its_points(memory_store, grib_folder):
    (message,) = scan(grib_folder / "reduced-gg.grib")
    with memory_store:
        memory_store.archive(message)
    label = message.field.grid.label
    values = np.arange(message.field.grid.size, dtype="float32")
    with memory_store:
        memory_store.archive(values, [*KEYS.items(), ("param", "2t"), ("grid", label), ("step", 6)])
    first, second = (memory_store.retrieve({"class": name}) for name in (message.field.keys["class"], "rd"))
    assert np.array_equal(second["2t"].squeeze(), values)
    assert second.attrs["grid_spec"] == first.attrs["grid_spec"]
    assert second["latitude"].equals(first["latitude"])
    assert [data[:4] for data in memory_store.to_grib("class=rd")] == [b"GRIB"]


@pytest.mark.parametrize(
    ("shape", "grid", "said"),
    [
        ((19, 36), None, "needs the key grid"),
        ((19, 35), "10x10", r"shape \(19, 35\) is no field of the grid 10x10, which has \(19, 36\)"),
        ((19, 36), "7x7", "do not divide the globe"),
        ((4, 4), "O320", "holds no field on the grid 'O320'"),
    ],
)
def test_an_array_whose_points_are_not_known_is_refused(memory_store, shape, grid, said):
    key = {**KEYS, "param": "2t", "step": 0} | ({"grid": grid} if grid else {})
    with pytest.raises(FieldError, match=said):
        memory_store.archive(np.zeros(shape), key)
    assert not memory_store.dirty


def test_a_flush_without_fields_makes_no_root(store):
    assert store.flush() == []
    with pytest.raises(dtedask.core.errors.NotFoundError, match="There is no root"):
        store.cubes()
