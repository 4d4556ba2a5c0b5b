"""Specifications mean what they mean to eckit and MIR: same points, in the same order."""

import eckit.geo
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dtedask.core.errors import GridError
from dtedask.geo import Grid
from dtedask.geo.grids.sub_area import is_inside

TOLERANCE = 1e-11
STEPS = st.sampled_from([0.25, 0.5, 0.7, 1.0, 1.25, 2.5, 3.0])


@st.composite
def areas(draw):
    north, south = draw(st.integers(-60, 85)), draw(st.integers(10, 60))
    west, width = draw(st.integers(-180, 350)), draw(st.integers(10, 180))
    return [north, west, max(north - south, -90), west + width]


def assert_same_points(specification, tolerance=TOLERANCE):
    found = Grid(specification).points()
    latitude, longitude = (np.asarray(one) for one in eckit.geo.Grid(specification).to_latlons())
    assert found.latitude.shape == latitude.shape
    # eckit takes the arcsine of heights: one rounding is 6e-15 degrees over the cosine, and 3e-6 at the very pole
    allowed = np.maximum(tolerance, np.minimum(6e-14 / np.maximum(np.cos(np.deg2rad(latitude)), 1e-9), 3e-6))
    assert (np.abs(found.latitude - latitude) <= allowed).all()
    # the same place, whatever the turn; at the poles whatever the longitude
    apart = np.cos(np.deg2rad(latitude)) * ((found.longitude - longitude + 180) % 360 - 180)
    assert (np.abs(apart) <= allowed).all()


@pytest.mark.parametrize(
    "name", ["O32", "O48", "N16", "N24", "N32", "N64", "F16", "1/1", "0.7/0.7", "5/2.5", "H4", "H8n"]
)
def test_names_have_the_points_of_eckit(name):
    assert_same_points(name)


@settings(max_examples=25)
@given(STEPS, STEPS, areas())
def test_areas_of_regular_grids_are_those_of_eckit(dx, dy, area):
    assert_same_points({"grid": [dx, dy], "area": area}, 2e-10)


@settings(max_examples=20)
@given(st.sampled_from(["O16", "O32", "N16", "N32", "F16", "F32"]), areas())
def test_areas_of_gaussian_grids_are_those_of_eckit(name, area):
    assume(area[3] - area[1] > 45 and area[2] > -60)  # eckit 2.5 fails on rows without points
    assert_same_points({"grid": name, "area": area})


@settings(max_examples=25)
@given(st.sampled_from(["O16", "N16", "F16", [5, 5]]), st.integers(-89, 89), st.integers(-180, 180))
def test_turned_grids_have_the_points_of_eckit(grid, latitude, longitude):
    assert_same_points({"grid": grid, "rotation": [latitude, longitude]})


def test_a_reference_moves_the_rows_and_columns():
    grid = Grid({"grid": [1, 1], "reference": [0.5, 0.5]})
    assert grid == Grid("S360x180")
    cut = Grid({"grid": [1, 1], "reference": [0.5, 0.5], "area": [60, -10, 40, 20]})
    assert cut.bounding_box == (59.5, -9.5, 40.5, 19.5)


def test_row_lengths_make_a_reduced_grid():
    assert Grid({"pl": Grid("O32").description["pl"]}) == Grid("O32")
    assert Grid({"shape": [181, 360]}) == Grid("1/1")


@pytest.mark.parametrize(
    "said",
    [
        "O32",
        "5/5",
        "H4-nested",
        "T63",
        {"grid": "O32", "area": [60, -10, 40, 20]},
        {"grid": "F32", "area": [60, -10, 40, 20]},
        {"grid": "H4", "area": [60, -10, 40, 20]},
        {"grid": "N32", "rotation": [-40, 10, 5], "stretching": [2.4, 46, 2]},
        {"grid": [5, 5], "stretching": [3]},
        {"projection": "+proj=lcc +lat_1=45 +lon_0=5", "grid": [9000, 9000], "shape": [4, 5], "first": [2, 40]},
    ],
)
def test_a_grid_comes_back_from_its_description(said):
    grid = Grid(said)
    assert Grid(grid.description) == Grid(grid.spec) == grid


@pytest.mark.parametrize("grid", ["5/5", "O16", "F16", "H8", "H8-nested"])
@settings(max_examples=25)
@given(area=areas())
def test_points_within_an_area_are_all_that_lie_in_it(grid, area):
    whole = Grid(grid)
    latitude, longitude = whole.points()
    inside = (latitude <= area[0] + 1e-9) & (latitude >= area[2] - 1e-9)
    inside &= (longitude - area[1] + 1e-9) % 360 <= area[3] - area[1] + 2e-9
    if not inside.any():
        with pytest.raises(GridError, match="No point of the grid"):
            whole.within(area)
        return
    part = whole.within(area)
    expected = set(zip(np.round(latitude[inside], 8), np.round(longitude[inside], 8), strict=True))
    found = part.points()
    assert set(zip(np.round(found.latitude, 8), np.round(found.longitude % 360, 8) % 360, strict=True)) == expected
    assert part.size == inside.sum()


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"grid": [1, 1], "area": [40, 0, 60, 10]}, "area 40/0/60/10 is impossible"),
        ({"grid": [1, 1], "area": [40, 0]}, "is no area"),
        ({"grid": "O32", "rotation": [1]}, "rotation .* is none"),
        ({"grid": "O32", "stretching": [0]}, "stretching factor 0 cannot be"),
        ({"area": [60, 0, 40, 10]}, "names no grid"),
        ({"kind": "lambert", "dx": 2500.0}, "does not say how many points"),
        ("{x}", "no JSON"),
        ({"projection": "+proj=lcc", "grid": [1, 1]}, "not complete"),
        ({"projection": "+proj=no", "grid": [1, 1], "shape": [2, 2], "first": [0, 0]}, "impossible"),
    ],
)
def test_what_cannot_be_says_why(said, match):
    with pytest.raises(GridError, match=match):
        Grid(said)


@settings(max_examples=60)
@given(
    st.sampled_from(["O16", "N32", "F8", "10/10"]),
    st.tuples(st.integers(-90, 90), st.integers(-90, 90)).map(sorted),
    st.integers(-360, 360),
    st.sampled_from([10, 90, 354.5, 355, 359, 360]),
)
def test_the_points_of_a_part_are_those_at_their_places_in_the_whole(name, latitudes, west, width):
    whole = Grid(name)
    area, expected = (latitudes[1], west, latitudes[0], west + width), whole.points()
    assume(is_inside(expected, area).any())
    part, places = whole.crop(area)
    found = part.points()
    assert len(set(places.tolist())) == part.size == found.latitude.size
    np.testing.assert_allclose(found.latitude, expected.latitude[places], rtol=0, atol=1e-9)
    apart = (found.longitude - expected.longitude[places] + 180) % 360 - 180
    np.testing.assert_allclose(apart, 0, rtol=0, atol=1e-8)


def test_a_map_that_has_no_place_for_its_first_point_is_refused():
    far = {"projection": "+proj=geos +h=35785831 +a=6378137 +b=6378137", "grid": [3000, 3000], "shape": [10, 10]}
    with pytest.raises(GridError, match="no place for its first point, latitude 60 and longitude 170"):
        Grid({**far, "first": [170, 60]})
