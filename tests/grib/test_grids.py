import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import GribUnsupportedError
from dtedask.grib import coordinates, scan
from dtedask.grib.angles import snap
from dtedask.grib.library import eccodes


def only(data):
    (message,) = scan(data)
    return message


def edges(north, west, south, east):
    names = ("latitudeOfFirst", "longitudeOfFirst", "latitudeOfLast", "longitudeOfLast")
    return {f"{name}GridPointInDegrees": value for name, value in zip(names, (north, west, south, east), strict=True)}


def regular(make_message, edition, area, shape):
    rows, columns = shape
    size = {"Ni": columns, "Nj": rows}
    steps = {"iDirectionIncrementInDegrees": 1, "jDirectionIncrementInDegrees": 1}
    return only(make_message(edition, values=np.arange(columns * rows), **size, **edges(*area), **steps))


def from_sample(sample, **keys):
    handle = eccodes.codes_grib_new_from_samples(sample)
    for key, value in keys.items():
        eccodes.codes_set(handle, key, value)
    data = eccodes.codes_get_message(handle)
    eccodes.codes_release(handle)
    return only(data)


@pytest.mark.parametrize(("parts", "columns"), [(3, 1080), (4, 1440), (1, 360), (6, 2160)])
def test_a_global_grid_is_one_grid_in_both_editions_and_from_any_first_longitude(make_message, parts, columns):
    step = 1 / parts
    grids = {
        regular(make_message, edition, (90, west, -90, (west - step) % 360), (180 * parts + 1, columns)).field.grid
        for edition in (1, 2)
        for west in (0, 180)
    }
    assert [grid.label for grid in grids] == [
        f"{step:.9f}".rstrip("0").rstrip(".") + "x" + f"{step:.9f}".rstrip("0").rstrip(".")
    ]


@pytest.mark.parametrize("edition", [1, 2])
def test_a_limited_area_keeps_its_west_edge_and_its_longitudes_grow(make_message, edition):
    across_greenwich = regular(make_message, edition, (51, 350, 34, 19), (18, 30)).field.grid.description
    assert (across_greenwich["west"], across_greenwich["east"]) == (-10, 19)
    pacific = regular(make_message, edition, (51, -170, 34, -151), (18, 20)).field.grid.description
    assert (pacific["west"], pacific["east"]) == (190, 209)


def test_cells_that_straddle_the_pole_are_not_the_grid_with_poles(make_message):
    middle = regular(make_message, 2, (89.5, 0.5, -89.5, 359.5), (180, 360)).field.grid
    assert middle.label.startswith("regular_ll-")
    assert middle.description["west"] == 0.5


@given(st.integers(-360 * 60, 360 * 60), st.sampled_from([3, 9, 12, 60, 100, 1000]))
def test_rounding_of_the_coding_is_undone(number, parts):
    angle = number / parts
    assert snap(round(angle, 3), 1e-3) == pytest.approx(angle, abs=6e-4)
    assert snap(round(angle, 6), 1e-6) == pytest.approx(angle, abs=1e-8)


@pytest.mark.parametrize("number", [32, 48, 80, 128, 320])
def test_original_reduced_gaussian_grids_have_their_names_in_both_editions(number):
    grids = {from_sample(f"reduced_gg_pl_{number}_grib{edition}").field.grid for edition in (1, 2)}
    assert [grid.label for grid in grids] == [f"N{number}"]


@pytest.mark.slow
def test_coordinates_are_those_of_ecCodes(grib_folder, eccodes_arrays):  # noqa: N802
    for path in grib_folder.glob("*.grib*"):
        message = next(scan(path, on_error="skip"))
        grid, order = message.field.grid, message.field.order
        found = coordinates(message)
        if not found:
            assert grid.kind in ("sh", "unstructured")
            continue
        latitude, longitude = found["latitude"].values, found["longitude"].values
        if grid.dims == ("latitude", "longitude"):
            latitude, longitude = np.meshgrid(latitude, longitude, indexing="ij")
        assert latitude.shape == longitude.shape == grid.shape
        if order.alternating:
            continue
        expected = [
            order.apply(points, dtype="float64") for points in eccodes_arrays(message.read(), "latitudes", "longitudes")
        ]
        np.testing.assert_allclose(latitude, expected[0], atol=1e-9)
        np.testing.assert_allclose((longitude - expected[1] + 180) % 360, 180, atol=1e-9)


LAMBERT = {"LaDInDegrees": 45, "LoVInDegrees": 5, "Latin1InDegrees": 44, "Latin2InDegrees": 46}
STEPS = {"DxInMetres": 50000, "DyInMetres": 40000}
PROJECTED = {
    "lambert": LAMBERT | STEPS,
    "polar_stereographic": {"LaDInDegrees": 60, "orientationOfTheGridInDegrees": 10} | STEPS,
    "mercator": {"LaDInDegrees": 20, "DiInMetres": 50000, "DjInMetres": 40000},
}


def projected(make_message, kind, shape=6, **keys):
    first = {"latitudeOfFirstGridPointInDegrees": 40, "longitudeOfFirstGridPointInDegrees": 2}
    plane = {"gridType": kind, "Ni": 5, "Nj": 4, "shapeOfTheEarth": shape, "jScansPositively": 1}
    return only(make_message(2, values=np.arange(20), **(plane | first | PROJECTED[kind] | keys)))


@pytest.mark.parametrize("kind", PROJECTED)
@pytest.mark.parametrize("shape", [0, 2, 4, 6])
def test_projected_points_are_where_ecCodes_puts_them(make_message, eccodes_arrays, kind, shape):  # noqa: N802
    if kind == "polar_stereographic" and shape in (2, 4):
        pytest.skip("ecCodes places polar stereographic points on a sphere only")
    message = projected(make_message, kind, shape)
    found, order = coordinates(message), message.field.order
    for name in ("latitude", "longitude"):
        (points,) = eccodes_arrays(message.read(), f"{name}s")
        difference = found[name].values - order.apply(points, dtype="float64")
        np.testing.assert_allclose((difference + 180) % 360, 180, rtol=0, atol=1e-10 if shape in (0, 6) else 1e-6)
    assert found["y"].values[0] > found["y"].values[-1]
    json.dumps(found["crs"].attrs)


@pytest.mark.parametrize("kind", PROJECTED)
def test_a_projected_grid_is_one_grid_from_any_corner(make_message, kind):
    upwards = projected(make_message, kind)
    found = coordinates(upwards)
    corner = {name: float(found[name].values[0, -1]) for name in ("latitude", "longitude")}
    keys = {f"{name}OfFirstGridPointInDegrees": value for name, value in corner.items()}
    downwards = projected(make_message, kind, **keys, jScansPositively=0, iScansNegatively=1)
    for name in ("latitude", "longitude"):
        np.testing.assert_allclose(coordinates(downwards)[name].values, found[name].values, atol=2e-6)


def test_rotated_points_are_where_ecCodes_puts_them(make_message, eccodes_arrays):  # noqa: N802
    pole = {"latitudeOfSouthernPoleInDegrees": -40, "longitudeOfSouthernPoleInDegrees": 10}
    place = {"gridType": "rotated_ll", "Ni": 5, "Nj": 4} | edges(3, 356, 0, 0) | pole
    message = only(
        make_message(2, values=np.arange(20), **place, iDirectionIncrementInDegrees=1, jDirectionIncrementInDegrees=1)
    )
    found = coordinates(message)
    assert message.field.grid.description["west"] == -4
    for name in ("latitude", "longitude"):
        (points,) = eccodes_arrays(message.read(), f"{name}s")
        np.testing.assert_allclose((found[name].values.ravel() - points + 180) % 360, 180, atol=1e-5)


def test_healpix_ring_and_nested_are_two_grids(grib_folder):
    ring = next(scan(grib_folder / "healpix-h8.grib2"))
    handle = eccodes.codes_new_from_message(ring.read())
    eccodes.codes_set(handle, "orderingConvention", "nested")
    nested = only(eccodes.codes_get_message(handle))
    eccodes.codes_release(handle)
    assert (ring.field.grid.label, nested.field.grid.label) == ("H8", "H8-nested")


def test_icon_says_which_grid_it_means_and_that_it_has_no_coordinates(grib_folder):
    grid = next(scan(grib_folder / "icon.grib")).field.grid
    assert grid.description["uuid"] == "5a0a863d25239515778949 30e3452bc0".replace(" ", "")
    assert "not in the message" in grid.description["coordinates"]


def test_a_reduced_sub_area_has_as_many_points_as_values(make_message):
    rows = np.array([20, 24, 28, 32])
    area = {"gridType": "reduced_gg", "N": 32, "Nj": 4} | edges(87.86, 0, 79.5, 348.75)
    message = only(make_message(2, **area, pl=rows, values=np.arange(rows.sum())))
    assert message.field.grid.description["rows"] == [0, 4]
    assert coordinates(message)["latitude"].values.size == rows.sum() == message.field.grid.size


@pytest.mark.parametrize("number", [2, 32, 80, 640])
def test_every_row_of_a_gaussian_grid_is_found_by_its_latitude(make_message, number):
    latitudes = list(eccodes.codes_get_gaussian_latitudes(number))
    for first in {0, 1, number - 1, number, 2 * number - 2}:
        area = edges(latitudes[first], 0, latitudes[first + 1], 30)
        keys = {"gridType": "regular_gg", "N": number, "Ni": 4, "Nj": 2, "iDirectionIncrementInDegrees": 10}
        assert only(make_message(2, **keys, **area, values=range(8))).field.grid.description["rows"] == [first, 2]


def test_a_latitude_that_is_no_gaussian_row_is_refused(make_message):
    keys = {"gridType": "regular_gg", "N": 80, "Ni": 4, "Nj": 2, "iDirectionIncrementInDegrees": 10}
    with pytest.raises(GribUnsupportedError, match="no row of the Gaussian grid 80"):
        only(make_message(2, **keys, **edges(45, 0, 43.9, 30), values=range(8)))
