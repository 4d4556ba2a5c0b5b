"""Projections: back and forth, and nothing beyond the rim."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dtedask.core.errors import GridError
from dtedask.plot.frame import GLOBE, frame_of
from dtedask.plot.projection import PROJECTIONS, Projection


@pytest.mark.parametrize("name", PROJECTIONS)
@given(latitude=st.floats(-89, 89), turned=st.floats(-179, 179), middle=st.floats(-180, 180))
def test_places_that_a_map_shows_come_back(name, latitude, turned, middle):
    projection = Projection(name, 30.0, middle)
    x, y = projection.forward(latitude, middle + turned)
    assume(np.isfinite(x) and abs(x) + abs(y) < 1e8)
    back_latitude, back_longitude = projection.inverse(x, y)
    assert back_latitude == pytest.approx(latitude, abs=1e-5)
    apart = (float(back_longitude) - middle - turned + 180) % 360 - 180
    assert apart * np.cos(np.deg2rad(latitude)) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("name", ["robinson", "orthographic"])
def test_corners_of_a_round_map_show_nothing(name):
    latitude, _ = frame_of(name, None, None, GLOBE).fitted(400, 400).places()
    assert np.isnan(latitude[[0, 0, -1, -1], [0, -1, 0, -1]]).all()
    assert np.isfinite(latitude[latitude.shape[0] // 2, latitude.shape[1] // 2])


@pytest.mark.parametrize("name", [name for name in PROJECTIONS if name != "south-polar"])
def test_a_frame_shows_all_of_its_area(name):
    frame = frame_of(name, (70.0, -20.0, 35.0, 40.0), (50.0, 10.0), GLOBE)
    x, y = frame.projection.forward([70, 70, 35, 35], [-19.999, 39.999, -19.999, 39.999])
    hair = 1e-4 * (frame.right - frame.left)
    assert np.all((x >= frame.left - hair) & (x <= frame.right + hair))
    assert np.all((y >= frame.bottom - hair) & (y <= frame.top + hair))


def test_an_area_behind_the_horizon_is_refused():
    with pytest.raises(GridError, match="does not show the area"):
        frame_of("orthographic", (-10.0, 170.0, -30.0, 200.0), (40.0, 0.0), GLOBE)
