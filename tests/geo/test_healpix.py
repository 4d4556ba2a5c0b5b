"""The two orders of HEALPix, against a closed form."""

import numpy as np
import pytest

from dtedask.core.errors import FieldError
from dtedask.geo import Grid, places_of, regular_latlon, reordered
from dtedask.geo.healpix import ring_places


def bits(number, first):
    """Every second bit of a number."""
    return sum(((number >> (2 * place + first)) & 1) << place for place in range(12))


@pytest.mark.parametrize("nside", [1, 2, 4, 8, 16])
def test_both_orders_are_those_of_faces_whose_cells_are_numbered_by_bits(nside):
    face, within = np.divmod(np.arange(12 * nside * nside), nside * nside)
    columns, rows = (np.array([bits(int(one), first) for one in within]) for first in (0, 1))
    rings = ring_places(face, columns, rows, nside)
    np.testing.assert_array_equal(places_of(nside, "nested"), rings)
    np.testing.assert_array_equal(places_of(nside, "ring")[rings], np.arange(12 * nside * nside))


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
