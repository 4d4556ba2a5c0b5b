"""Areas of cells and boxes of points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.geo import Grid

SPHERE = 4 * np.pi * 6_371_229.0**2


@pytest.mark.parametrize(
    "said",
    [
        "O32",
        "N32",
        "F32",
        "1/1",
        "0.7/0.7",
        "S36x18",
        "Slon36x19",
        "Slat36x18",
        "H8",
        "H6",
        "H8-nested",
        "CS-LFR-8",
        "CS-ED-5",
        {"grid": "O32", "rotation": [-40, 10]},
        {"grid": "O32", "stretching": [2.4]},
        {"grid": [5, 5], "rotation": [-30, 7], "stretching": [3.5, 46, 2]},
    ],
)
def test_areas_of_a_global_grid_are_those_of_the_earth(said):
    areas = Grid(said).areas()
    assert areas.shape == (Grid(said).size,)
    assert areas.min() > 0
    assert areas.sum() == pytest.approx(SPHERE, rel=1e-12)


def test_areas_of_rows_are_closed_forms():
    areas = Grid("10/10").areas().reshape(19, 36)
    cap = SPHERE / 2 * (1 - np.sin(np.deg2rad(85)))
    assert areas[0].sum() == pytest.approx(cap, rel=1e-12)
    assert areas[9, 0] == pytest.approx(SPHERE / 36 * np.sin(np.deg2rad(5)), rel=1e-12)


def test_areas_of_part_of_a_gaussian_grid_are_those_of_the_whole_but_at_its_border():
    whole, part = Grid("F16"), Grid({"grid": "F16", "area": [60, -10, 40, 20]})
    found = dict(zip(np.round(whole.points().latitude, 9), whole.areas(), strict=True))
    expected = np.reshape([found[latitude] for latitude in np.round(part.points().latitude, 9)], part.shape)
    areas = part.areas().reshape(part.shape)
    np.testing.assert_allclose(areas[1:-1, 1:-1], expected[1:-1, 1:-1], rtol=1e-12)
    np.testing.assert_allclose(areas[1:-1, 0], expected[1:-1, 0] / 2, rtol=1e-12)
    assert (areas[0] < expected[0]).all()


def test_areas_of_an_equal_area_map_are_those_on_the_map():
    projection = "+proj=laea +lat_0=52 +lon_0=10 +R=6371229 +units=m"
    grid = Grid({"projection": projection, "grid": [20_000, 10_000], "shape": [40, 50], "first": [0, 45]})
    np.testing.assert_allclose(grid.areas(), 2e8, rtol=1e-5)


@given(st.integers(-170, 170), st.integers(1, 100), st.integers(-80, 60))
def test_a_box_across_the_date_line_or_greenwich_is_as_wide_as_its_area(west, width, south):
    grid = Grid({"grid": [1, 1], "area": [south + 20, west, south, west + width]})
    north, left, bottom, right = grid.bounding_box
    assert (north, bottom, right - left) == (south + 20, south, width)
    assert (left - west) % 360 == 0


@pytest.mark.parametrize("name", ["O32", "F16", "1/1", "S36x18", "H8", "H8-nested"])
def test_a_global_grid_has_the_globe_as_its_box(name):
    assert Grid(name).bounding_box == (90, 0, -90, 360)


def test_the_box_of_a_map_around_the_pole_holds_the_pole():
    projection = "+proj=stere +lat_0=90 +R=6371229"
    grid = Grid({"projection": projection, "grid": [1e5, 1e5], "shape": [21, 21], "first": {"x": -1e6, "y": -1e6}})
    north, west, south, east = grid.bounding_box
    assert (north, west, east) == (90, 0, 360)
    assert south == pytest.approx(grid.points().latitude.min())


def test_the_box_of_points_across_the_date_line_is_narrow():
    grid = Grid({"grid": [5, 5], "area": [10, -10, -10, 10], "rotation": [-90, 180]})
    assert grid.bounding_box == pytest.approx((10, 170, -10, 190))


def test_areas_of_a_part_are_those_of_the_whole():
    whole = Grid("CS-EA-12")
    part, places = whole.crop([60, -10, 20, 80])
    np.testing.assert_allclose(part.areas(), whole.areas()[places], rtol=1e-12)
    assert part.size == places.size > 10
