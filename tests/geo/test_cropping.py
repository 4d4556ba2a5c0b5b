"""Parts of grids, and where their points stand in the whole."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dtedask.core.errors import GridError
from dtedask.geo import Grid
from dtedask.geo.cropping import cropped

NAMES = ["O16", "N32", "F8", "10/10", "7.5/5", "H8", "H8-nested"]
AREAS = st.tuples(st.integers(-80, 90), st.integers(-180, 350), st.integers(5, 60), st.integers(10, 355)).map(
    lambda edges: (edges[0], edges[1], max(edges[0] - edges[2], -90), edges[1] + edges[3])
)
_NEAR = 1e-6


def is_there(points, area):
    north, west, south, east = area
    between = (points.latitude <= north + _NEAR) & (points.latitude >= south - _NEAR)
    return between & ((points.longitude - west + _NEAR) % 360 <= east - west + 2 * _NEAR)


@given(st.sampled_from(NAMES), AREAS)
def test_a_part_has_the_points_in_the_area_and_says_where_they_are(name, area):
    whole = Grid(name)
    points = whole.points()
    expected = np.flatnonzero(is_there(points, area))
    assume(expected.size and area[3] % 360)
    part = cropped(whole, area)
    np.testing.assert_array_equal(np.sort(part.places), expected)
    of_part = part.grid.points()
    np.testing.assert_allclose(of_part.latitude, points.latitude[part.places], atol=1e-6)
    turned = (of_part.longitude - points.longitude[part.places] + 180) % 360 - 180
    np.testing.assert_allclose(turned, 0, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_globe_is_the_grid_itself(name):
    part = cropped(Grid(name), (90, 0, -90, 360))
    assert part.grid == Grid(name)
    np.testing.assert_array_equal(part.places, np.arange(Grid(name).size))


def test_turned_grids_are_cut_in_their_own_system():
    whole = Grid({"grid": [5, 5], "rotation": [-40, 20]})
    part = cropped(whole, (30, -10, -30, 20))
    rows, columns = np.divmod(part.places.reshape(part.grid.shape), 72)
    assert part.grid.shape == (13, 7)
    assert (rows == np.arange(12, 25)[:, None]).all()
    assert (columns == np.array([70, 71, 0, 1, 2, 3, 4])).all()


def test_an_area_without_points_is_refused():
    with pytest.raises(GridError, match="No point of the grid"):
        cropped(Grid("20/20"), (9, 1, 1, 9))
