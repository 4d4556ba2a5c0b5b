"""The two orders of HEALPix, against the package `healpix`."""

import healpix
import numpy as np
import pytest

from dtedask.core.errors import FieldError
from dtedask.geo import Grid, places_of, regular_latlon, reordered


@pytest.mark.parametrize("nside", [1, 2, 4, 8, 32, 128])
def test_both_orders_are_those_of_healpix(nside):
    everything = np.arange(12 * nside * nside)
    np.testing.assert_array_equal(places_of(nside, "nested"), healpix.nest2ring(nside, everything))
    np.testing.assert_array_equal(places_of(nside, "ring"), healpix.ring2nest(nside, everything))


@pytest.mark.slow
def test_both_orders_are_those_of_healpix_where_bits_are_many():
    everything = np.arange(12 * 512 * 512)
    np.testing.assert_array_equal(places_of(512, "nested"), healpix.nest2ring(512, everything))


def test_a_grid_in_another_order_is_another_grid_with_the_rest_of_its_description():
    grid = Grid.of("healpix", {"nside": 8, "ordering": "ring", "first_longitude": 0.0}, ("values",), (768,))
    nested = reordered(grid, "nested")
    assert nested.description == {"kind": "healpix", "nside": 8, "ordering": "nested", "first_longitude": 0.0}
    assert reordered(nested, "ring") == grid


def test_grids_without_nested_order_are_refused():
    with pytest.raises(FieldError, match=r"nside 6, ring\) has no other order"):
        reordered(Grid.of("healpix", {"nside": 6, "ordering": "ring"}, ("values",), (432,)), "nested")
    with pytest.raises(FieldError, match="The grid 90x90 is no HEALPix grid"):
        reordered(regular_latlon(np.array([90.0, 0.0, -90.0]), np.arange(0.0, 360.0, 90.0)), "nested")
