"""Grids of xarray objects, told from their attributes or coordinates."""

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import GridError
from dtedask.geo import Grid
from dtedask.geo.grids import unstructured
from dtedask.grib import coordinates, scan
from dtedask.grib.coordinates import of_grid


@pytest.fixture(autouse=True, scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unstructured, "_IN_MEMORY", {})
        with dask.config.set({"dtedask.geo.coordinates": str(tmp_path_factory.mktemp("kept"))}):
            yield


def array_on(grid, dtype="float64"):
    """A field with the coordinates of a grid and no other word of it."""
    latitude, longitude = (one.astype(dtype).reshape(grid.shape) for one in grid.points())
    if grid.dims == ("latitude", "longitude"):
        coords = {"latitude": latitude[:, 0], "longitude": longitude[0]}
    else:
        coords = {"latitude": (grid.dims, latitude), "longitude": (grid.dims, longitude)}
    return xr.DataArray(np.zeros(grid.shape, "float32"), dims=grid.dims, coords=coords)


NAMES = ["1/1", "L360x181", "S36x18", "F32", "O32", "N32", "H8", "H8-nested", "H3", {"grid": [1 / 3, 1 / 3]}]
NAMES += [{"grid": [1, 1], "area": [60, -10, 40, 20]}, {"grid": "F32", "area": [60, -10, 40, 20]}]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_grid_is_known_by_its_coordinates(name, dtype):
    assert Grid.from_dataset(array_on(Grid(name), dtype)) == Grid(name)


@settings(max_examples=30)
@given(st.integers(2, 200), st.sampled_from("OF"))
def test_every_gaussian_grid_is_known_by_its_coordinates(number, letter):
    assert Grid.from_dataset(array_on(Grid(f"{letter}{number}"))) == Grid(f"{letter}{number}")


def test_an_attribute_says_more_than_coordinates():
    field = array_on(Grid("O16")).drop_vars(["latitude", "longitude"]).assign_attrs(grid_spec=Grid("O16").spec)
    assert Grid.from_dataset(field) == Grid.from_dataset(xr.Dataset({"t": field})) == Grid("O16")


def test_healpix_is_known_by_its_grid_mapping():
    crs = xr.DataArray(0, attrs={"grid_mapping_name": "healpix", "refinement_level": 3, "indexing_scheme": "nested"})
    field = xr.DataArray(np.zeros(768), dims="cell", attrs={"grid_mapping": "crs"})
    assert Grid.from_dataset(xr.Dataset({"t": field, "crs": crs})) == Grid("H8-nested")


def test_other_points_are_unstructured():
    random = np.random.default_rng(1)
    points = {"lat": ("cell", random.uniform(-80, 80, 30)), "lon": ("cell", random.uniform(0, 360, 30))}
    grid = Grid.from_dataset(xr.DataArray(np.zeros(30), dims="cell", coords=points))
    assert grid.kind == "unstructured"
    np.testing.assert_array_equal(grid.points().latitude, points["lat"][1])


def test_a_curvilinear_ocean_grid_is_unstructured_row_after_row():
    y, x = np.mgrid[60:20:10j, 0:40:12j]
    points = {"nav_lat": (("j", "i"), y + x / 10), "nav_lon": (("j", "i"), x)}
    grid = Grid.from_dataset(xr.Dataset(coords=points))
    np.testing.assert_array_equal(grid.points().latitude, (y + x / 10).ravel())


@pytest.mark.slow
def test_a_grid_file_of_icon_makes_the_grid_of_its_messages_known(grib_folder):
    first = next(scan(grib_folder / "icon.grib"))
    message = first.field.grid
    assert coordinates(first) == {}
    random = np.random.default_rng(1)
    radians = {"units": "radian"}
    clat = xr.DataArray(np.arcsin(random.uniform(-1, 1, message.size)), dims="cell", attrs=radians)
    clon = xr.DataArray(random.uniform(-np.pi, np.pi, message.size), dims="cell", attrs=radians)
    said = message.description
    attributes = {"uuidOfHGrid": said["uuid"], "number_of_grid_used": said["number"]}
    grid = Grid.from_dataset(xr.Dataset({"clat": clat, "clon": clon}, attrs=attributes))
    assert grid == message
    np.testing.assert_allclose(message.points().latitude, np.rad2deg(clat))
    np.testing.assert_array_equal(coordinates(first)["latitude"].values, message.points().latitude)


@pytest.mark.parametrize(
    "said",
    [
        {"grid": [1, 1], "area": [10, -10, -10, 10], "rotation": [-40, 10]},
        {
            "projection": "+proj=lcc +lat_1=45 +lon_0=5 +R=6371229",
            "grid": [9e3, 9e3],
            "shape": [4, 5],
            "first": [2, 40],
        },
    ],
)
def test_maps_and_turned_poles_are_known_by_their_grid_mapping(said):
    grid = Grid(said)
    coords = {name: (one.dims, one.values, one.attrs) for name, one in of_grid(grid).items()}
    found = Grid.from_dataset(xr.DataArray(np.zeros(grid.shape), dims=grid.dims, coords=coords))
    assert found.kind == grid.kind
    np.testing.assert_allclose(found.points().latitude, grid.points().latitude, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.points().longitude, grid.points().longitude, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (xr.DataArray(np.zeros(3), dims="x"), "Nothing says which grid"),
        (
            xr.DataArray(np.zeros((2, 3)), coords={"lat": [0, 10], "lon": [0, 1, 2]}, dims=["lat", "lon"]),
            "south to north",
        ),
    ],
)
def test_what_cannot_be_told_is_an_error(data, match):
    with pytest.raises(GridError, match=match):
        Grid.from_dataset(data)
