"""Parts of regular grids: points are chosen, never made up."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dtedask.core.errors import FieldError
from dtedask.geo import Grid, regular_latlon, subset
from dtedask.grib import describe, encode

DX = 10.0
LATITUDE, LONGITUDE = np.arange(90.0, -91.0, -DX), np.arange(0.0, 360.0, DX)
GLOBE = regular_latlon(LATITUDE, LONGITUDE)
VALUES = LATITUDE[:, None] * 1000 + LONGITUDE
KEYS = {"class": "od", "stream": "oper", "expver": "0001", "type": "an", "levtype": "sfc", "param": "167"}
KEYS |= {"date": "20240601", "time": "0000", "step": "0"}
AREAS = st.tuples(st.integers(-90, 90), st.integers(-200, 380), st.integers(-90, 90), st.integers(0, 359)).map(
    lambda edges: (max(edges[0], edges[2]), edges[1], min(edges[0], edges[2]), edges[1] + edges[3])
)


def is_inside(area):
    """By brute force: which points of the globe lie in an area, whichever turn their longitude is given in."""
    north, west, south, east = area
    turns = [any(west <= lon + turn <= east for turn in (-360, 0, 360, 720)) for lon in LONGITUDE]
    return ((north >= LATITUDE) & (south <= LATITUDE))[:, None] & np.array(turns)


@settings(max_examples=25)
@given(AREAS, st.sampled_from([None, 10.0, 20.0, 30.0, 90.0]))
def test_the_points_of_an_area_are_those_inside_with_their_values_at_their_places(area, spacing):
    inside = is_inside(area)
    if spacing:
        inside &= (LATITUDE % spacing == 0)[:, None] & (LONGITUDE % spacing == 0)
    assume(inside.any())
    part = subset(GLOBE, area=area, spacing=spacing and (spacing, spacing))
    assert part.grid.shape == (len(part.latitude), len(part.longitude))
    assert part.take(VALUES).size == inside.sum()
    np.testing.assert_array_equal(part.take(VALUES), part.latitude[:, None] * 1000 + part.longitude % 360)
    assert -350 <= part.longitude[0] < 360
    assert 0 <= part.longitude[-1] < 360


@pytest.mark.slow
@settings(max_examples=4)
@given(AREAS)
def test_the_grid_of_a_part_is_the_one_that_grib_says(area):
    assume(is_inside(area).any())
    grid = subset(GLOBE, area=area).grid
    assume(min(grid.shape) > 1)
    assert describe(encode(np.zeros(grid.shape), KEYS, grid)).grid == grid


def test_every_second_point_of_the_globe_is_a_globe():
    part = subset(GLOBE, spacing=(30.0, 30.0))
    assert part.grid.label == "30x30"
    assert subset(GLOBE, area=(90, -180, -90, 180)).grid == GLOBE


def test_an_area_of_an_area_need_not_be_whole():
    europe = subset(GLOBE, area=(70, -20, 30, 40))
    assert europe.grid.description["west"] == -20
    part = subset(europe.grid, area=(50, 0, -90, 180))
    assert (part.grid.description["west"], part.grid.description["east"]) == (0, 40)


@pytest.mark.parametrize(
    ("grid", "options", "reason"),
    [
        (GLOBE, {"spacing": (15.0, 15.0)}, "does not have the points at all multiples of 15 degrees"),
        (GLOBE, {"spacing": (50.0, 10.0)}, "multiples of 50 degrees"),
        (regular_latlon(LATITUDE, LONGITUDE + 5), {"spacing": (20.0, 20.0)}, "multiples of 20 degrees"),
        (GLOBE, {"area": (9, 1, 1, 9)}, "No point of the grid 10x10 lies in the area 9/1/1/9"),
        (Grid.of("reduced_gg", {"n": 32, "pl": [20]}, ("values",), (20,)), {}, "not in rows and columns"),
    ],
)
def test_points_that_are_not_there_are_an_error(grid, options, reason):
    with pytest.raises(FieldError, match=reason):
        subset(grid, **options)
