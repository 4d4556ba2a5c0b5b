"""The value of a place is that of its nearest point, by comparison with all points."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dtedask.core.errors import GridError
from dtedask.geo import Grid, grid_mapping, unproject, unrotate
from dtedask.plot.sampling import sampler_of
from dtedask.plot.sampling.axes import AxesSampler
from dtedask.plot.sampling.rows import RowsSampler, rows_of_points
from dtedask.plot.sampling.scattered import ScatteredSampler

PLACES = st.tuples(st.floats(-90, 90), st.floats(-180, 540))


def distances(latitude, longitude, place):
    """Degrees from a place to points."""
    phi, lam = np.deg2rad(latitude), np.deg2rad(longitude - place[1])
    other = np.deg2rad(place[0])
    half = np.sin((phi - other) / 2) ** 2 + np.cos(phi) * np.cos(other) * np.sin(lam / 2) ** 2
    return np.rad2deg(2 * np.arcsin(np.sqrt(half)))


def over_points(latitude, longitude):
    values = np.arange(len(latitude), dtype=float)
    return xr.DataArray(
        values, dims="values", coords={"latitude": ("values", latitude), "longitude": ("values", longitude)}
    )


def at(sampler, place):
    return int(sampler.nearest(np.array([place[0]]), np.array([place[1]]))[0])


REDUCED = {name: Grid(name).points() for name in ("O16", "N32", "H4", "H4-nested")}
SAMPLERS = {name: sampler_of(over_points(*points)) for name, points in REDUCED.items()}


@pytest.mark.parametrize("name", REDUCED)
@given(place=PLACES)
def test_rows_of_reduced_grids_and_healpix_find_the_nearest_of_all_points(name, place):
    latitude, longitude = REDUCED[name]
    sampler = SAMPLERS[name]
    assert isinstance(sampler, RowsSampler)
    found = distances(latitude, longitude, place)
    assert found[at(sampler, place)] <= found.min() + 1e-6


@given(place=PLACES, step=st.sampled_from([2, 5, 10]), west=st.integers(-180, 180), upwards=st.booleans())
def test_regular_grids_find_the_nearest_of_the_nearest_row(place, step, west, upwards):
    latitude, longitude = np.arange(90.0, -91, -step), west + np.arange(0.0, 360, step)
    latitude = latitude[::-1] if upwards else latitude
    values = np.arange(len(latitude) * len(longitude), dtype=float).reshape(len(latitude), -1)
    field = xr.DataArray(values, dims=("latitude", "longitude"), coords={"latitude": latitude, "longitude": longitude})
    row, column = divmod(at(sampler_of(field), place), len(longitude))
    assert abs(latitude[row] - place[0]) <= step / 2 + 1e-9
    assert abs((longitude[column] - place[1] + 180) % 360 - 180) <= step / 2 + 1e-9


@given(seed=st.integers(0, 1000), place=PLACES)
@settings(max_examples=40)
def test_scattered_points_find_the_nearest_of_all_points_that_are_known(seed, place):
    random = np.random.default_rng(seed)
    latitude = np.rad2deg(np.arcsin(random.uniform(-1, 1, 300)))
    longitude = random.uniform(0, 360, 300)
    latitude[:3] = np.nan
    sampler = sampler_of(over_points(latitude, longitude))
    assert isinstance(sampler, ScatteredSampler)
    found, number = distances(latitude, longitude, place), at(sampler, place)
    assume(number >= 0)
    assert found[number] <= np.nanmin(found) + 1e-6


@given(place=st.tuples(st.floats(35, 65), st.floats(-15, 35)))
def test_nothing_is_found_where_a_grid_does_not_reach(place):
    latitude, longitude = np.arange(60.0, 39, -1), np.arange(-10.0, 31)
    field = xr.DataArray(
        np.zeros((21, 41)), dims=("latitude", "longitude"), coords={"latitude": latitude, "longitude": longitude}
    )
    is_inside = 39.5 <= place[0] <= 60.5 and -10.5 <= place[1] <= 30.5
    assert (at(sampler_of(field), place) >= 0) == is_inside


def test_part_of_a_reduced_grid_reaches_half_a_step_beyond_its_points():
    latitude, longitude = Grid("O32").points()
    inside = (latitude > 30) & (latitude < 60) & ((longitude + 180) % 360 - 180 >= 0) & (longitude < 40)
    sampler = sampler_of(over_points(latitude[inside], longitude[inside]))
    assert isinstance(sampler, RowsSampler)
    assert at(sampler, (45, 0.0)) >= 0
    assert at(sampler, (45, -1.0)) >= 0
    assert at(sampler, (45, -5.0)) == -1
    assert at(sampler, (45, 180.0)) == -1
    assert at(sampler, (65, 20.0)) == -1
    assert sampler.area[1] == 0.0


def test_scattered_points_reach_no_farther_than_their_neighbours():
    latitude, longitude = (one.ravel() for one in np.meshgrid(np.arange(40.0, 50), np.arange(0.0, 10)))
    latitude = latitude + 0.1 * np.sin(np.arange(100))
    sampler = sampler_of(over_points(latitude, longitude))
    assert isinstance(sampler, ScatteredSampler)
    assert at(sampler, (45, 5)) >= 0
    assert at(sampler, (60, 5)) == -1


def test_points_in_no_rows_make_none():
    random = np.random.default_rng(1)
    assert rows_of_points(random.uniform(-90, 90, 100), random.uniform(0, 360, 100)) is None


def test_a_field_without_places_is_refused():
    with pytest.raises(GridError, match="does not say where its points are.*assign_coords"):
        sampler_of(xr.DataArray(np.zeros(4), dims="values"))


def test_spherical_harmonics_are_refused():
    field = xr.DataArray(np.zeros(4), dims="values", attrs={"grid_spec": '{"kind":"sh","truncation":1}'})
    with pytest.raises(GridError, match="spherical harmonics"):
        sampler_of(field)


def test_places_come_from_the_description_of_the_grid_where_no_coordinates_do():
    grid = Grid("O16")
    sampler = sampler_of(xr.DataArray(np.zeros(grid.size), dims="values", attrs={"grid_spec": grid.spec}))
    assert isinstance(sampler, RowsSampler)


def on_plane(kind, y, x, **projection):
    description = {"kind": kind, **projection}
    turn = unrotate if kind == "rotated_ll" else lambda grid, north, east: unproject(grid, east, north)
    latitude, longitude = turn(description, *np.meshgrid(y, x, indexing="ij"))
    places = {"latitude": (("y", "x"), latitude), "longitude": (("y", "x"), longitude)}
    coordinates = {"y": y, "x": x, "crs": ((), 0.0, grid_mapping(description)), **places}
    values = np.arange(latitude.size, dtype=float).reshape(latitude.shape)
    return xr.DataArray(values, dims=("y", "x"), coords=coordinates)


METRES = np.arange(-4e6, 4.1e6, 2e5)
EARTH = {"semi_major": 6371229.0, "semi_minor": 6371229.0}
CONE = {"lad": 50.0, "lov": 3.0, "latin1": 45.0, "latin2": 55.0}
PLANES = {
    "rotated": on_plane(
        "rotated_ll",
        np.arange(20.0, -21, -2),
        np.arange(-30.0, 31, 2),
        south_pole_latitude=-35.0,
        south_pole_longitude=-170.0,
        angle=20.0,
    ),
    "polar": on_plane("polar_stereographic", METRES[::-1], METRES, lad=60.0, lov=-45.0, **EARTH),
    "lambert": on_plane(
        "lambert", METRES[30:10:-1], METRES[10:30], lad=50.0, lov=3.0, latin1=45.0, latin2=55.0, **EARTH
    ),
}
PLANE_SAMPLERS = {name: sampler_of(field) for name, field in PLANES.items()}


@pytest.mark.parametrize("name", PLANES)
@given(data=st.data(), north=st.floats(-0.9, 0.9), east=st.floats(-0.9, 0.9))
def test_rotated_and_projected_grids_find_a_point_that_is_as_near_as_any(name, data, north, east):
    field, sampler = PLANES[name], PLANE_SAMPLERS[name]
    assert isinstance(sampler, AxesSampler)
    latitude, longitude = field.latitude.to_numpy().ravel(), field.longitude.to_numpy().ravel()
    near = data.draw(st.integers(0, field.size - 1))
    place = float(np.clip(latitude[near] + north, -90, 90)), longitude[near] + east
    number, found = at(sampler, place), distances(latitude, longitude, place)
    assert number >= 0 or found.min() > 0.8
    assert number < 0 or found[number] <= 1.1 * found.min() + 0.05  # the nearest on the plane


@pytest.mark.parametrize("name", ["CS-LFR-16", "O32", "H8", "F24"])
def test_points_all_around_the_globe_go_around(name):
    latitude, longitude = Grid(name).points()
    _, west, _, east = sampler_of(over_points(latitude, longitude)).area
    assert (west, east) == (-180.0, 180.0)


@pytest.mark.parametrize(("first", "count"), [(340, 61), (160, 71), (0, 360), (-180, 360)])
def test_longitudes_that_wrap_around_are_one_arc(first, count):
    longitude = (first + np.arange(count)) % 360.0
    coordinates = {"latitude": np.arange(60.0, 29, -1), "longitude": longitude}
    values = np.broadcast_to(np.arange(count, dtype=float), (31, count))
    field = xr.DataArray(values, dims=("latitude", "longitude"), coords=coordinates)
    sampler = sampler_of(field)
    _, west, _, east = sampler.area
    assert (west, east) == ((-180, 180) if count == 360 else (first if first < 180 else first - 360, west + count - 1))
    for place in (first, first + count // 2, first + count - 1):
        assert at(sampler, (45.0, float(place))) % count == (place - first)
