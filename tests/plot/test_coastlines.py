"""Coast lines: cut at seams and rims, and never drawn across a map."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.plot.coastlines import coastlines, line_on_map
from dtedask.plot.projection import Projection

ROUND = [
    Projection(name, 0, longitude) for name in ("plate-carree", "robinson", "mercator") for longitude in (0, 150.0)
]
CAPS = [Projection("orthographic", 40, 170), Projection("orthographic", -90, 0), Projection("north-polar")]


def lengths(x, y):
    found = np.hypot(np.diff(x), np.diff(y))
    return found[np.isfinite(found)]


@pytest.mark.parametrize("scale", ["110m", "50m"])
def test_lines_stay_on_the_globe_and_touch_no_side_of_a_polygon(scale):
    latitude, longitude = coastlines(scale)
    assert np.nanmax(np.abs(latitude)) < 89
    assert np.nanmax(np.abs(longitude)) <= 180
    along_date_line = (np.abs(longitude[1:]) > 179.995) & (np.abs(longitude[:-1]) > 179.995)
    assert not np.any(along_date_line & (np.abs(np.diff(latitude)) > 0.5))


def test_known_places_lie_at_a_coast():
    latitude, longitude = coastlines("50m")
    for north, east in ((50.06, -5.71), (36.0, -5.61), (-34.83, 20.0), (-55.9, -67.3), (71.1, 25.7)):  # capes
        apart = np.hypot(latitude - north, (longitude - east) * np.cos(np.deg2rad(north)))
        assert np.nanmin(apart) < 0.2


@pytest.mark.parametrize("projection", [*ROUND, *CAPS], ids=lambda one: f"{one.name}{one.longitude:g}")
def test_no_line_crosses_the_map(projection):
    x, y = line_on_map(projection, *coastlines())
    width = np.nanmax(x) - np.nanmin(x)
    longest = 0.03 if not projection.is_circular else 0.06
    assert lengths(x, y).max() < longest * width


@given(west=st.floats(-180, 180), latitude=st.floats(-60, 60), middle=st.floats(-180, 180))
@settings(max_examples=50)
def test_a_parallel_is_cut_once_at_the_seam_and_reaches_both_sides(west, latitude, middle):
    projection = Projection("plate-carree", 0, middle)
    around = west + np.arange(0.0, 361)
    x, y = line_on_map(projection, np.full(361, latitude), around)
    assert np.nanmin(x) == pytest.approx(middle - 180, abs=1e-6)
    assert np.nanmax(x) == pytest.approx(middle + 180, abs=1e-6)
    assert lengths(x, y).sum() == pytest.approx(360, abs=1e-3)


def test_a_meridian_ends_at_the_horizon():
    projection = Projection("orthographic", 0, 0)
    x, _ = line_on_map(projection, np.arange(-80.0, 81), np.full(161, 0.0))
    np.testing.assert_allclose(x, 0, atol=1e-6)
    x, _ = line_on_map(projection, np.zeros(181), np.arange(0.0, 181))
    assert np.nanmax(x) == pytest.approx(6371229, rel=1e-6)
    assert np.isnan(x[-1])
