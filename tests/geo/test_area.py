"""Areas are read in one way, wherever they are given."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask import geo
from dtedask.core.errors import GridError
from dtedask.geo import Grid, read_area

LATITUDES = st.tuples(st.integers(-90, 90), st.integers(-90, 90)).map(sorted)


@given(LATITUDES, st.integers(-720, 720), st.integers(-720, 720))
def test_the_east_is_at_most_a_turn_east_of_the_west_and_the_same_place(latitudes, west, east):
    south, north = latitudes
    found = read_area(f"{north}/{west}/{south}/{east}")
    assert found == read_area([north, west, south, east])
    assert found[:3] == (north, west, south)
    assert 0 <= found[3] - west <= 360
    assert (found[3] - east) % 360 == 0


@pytest.mark.parametrize(("area", "said"), [("1/2/3", "is no area"), ((1, 2), "is no area"), ("a/b/c/d", "is no area")])
def test_what_is_no_area_is_refused(area, said):
    with pytest.raises(GridError, match=said):
        read_area(area)


@pytest.mark.parametrize("area", ["10/0/20/30", "91/0/20/30", "10/nan/0/30", (10, 0, 0, float("inf"))])
def test_an_impossible_area_is_refused(area):
    with pytest.raises(GridError, match="is impossible"):
        read_area(area)


def test_an_area_may_be_text_where_fields_are_regridded():
    values = np.arange(Grid("O16").size, dtype="f4")
    found = geo.regrid(values, "10/10", source="O16", area="50/-20/30/40", cache=False)
    np.testing.assert_array_equal(found, geo.regrid(values, "10/10", source="O16", area=(50, -20, 30, 40), cache=False))
