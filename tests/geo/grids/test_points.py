"""Points of grids, against ecCodes' iterator."""

import eccodes
import healpix
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.geo import Grid
from dtedask.geo.grids.gaussian import gaussian_latitudes

TOLERANCE = 1e-11


def test_gaussian_latitudes_are_those_of_eccodes():
    for number in (1, 2, 3, 32, 47, 320, 1280):
        np.testing.assert_allclose(
            gaussian_latitudes(number), list(eccodes.codes_get_gaussian_latitudes(number)), rtol=0, atol=TOLERANCE
        )


@pytest.mark.slow
def test_gaussian_latitudes_of_the_finest_grid_are_those_of_eccodes():
    np.testing.assert_allclose(
        gaussian_latitudes(8000), list(eccodes.codes_get_gaussian_latitudes(8000)), rtol=0, atol=TOLERANCE
    )


@pytest.mark.parametrize("name", ["O32", "N32", "F32", "5/2", "L36x19", "H8", "H8-nested", "H3"])
def test_points_are_as_many_as_the_grid_has(name):
    grid = Grid(name)
    latitude, longitude = grid.points()
    assert latitude.shape == longitude.shape == (grid.size,)
    assert np.abs(latitude).max() <= 90
    assert longitude.min() >= 0
    assert longitude.max() < 360


@given(st.integers(1, 40))
def test_points_of_healpix_are_those_of_the_package_healpix(nside):
    for ordering in ("", "-nested")[: 2 if nside & (nside - 1) == 0 else 1]:
        grid = Grid(f"H{nside}{ordering}")
        longitude, latitude = healpix.pix2ang(nside, np.arange(grid.size), nest=bool(ordering), lonlat=True)
        np.testing.assert_allclose(grid.points().latitude, latitude, rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(grid.points().longitude, longitude % 360.0, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", ["O32", "N32", "F32", "5/2", "H8"])
def test_rows_are_contiguous_and_hold_all_points(name):
    grid = Grid(name)
    rows = grid.structure()
    assert rows.size == grid.size
    assert (np.diff(rows.latitude) < 0).all()
    assert (rows.first[1:] == (rows.first + rows.count)[:-1]).all()
    assert rows.is_periodic.all()


def test_nested_healpix_has_no_rows():
    assert Grid("H8-nested").structure() is None
