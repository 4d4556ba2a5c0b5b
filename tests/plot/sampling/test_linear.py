"""Values between points: those of points at points, and of a linear field everywhere."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from dtedask.geo import Grid
from dtedask.plot.sampling import sampler_of


def smooth(latitude, longitude):
    return np.sin(np.deg2rad(latitude)) + np.cos(np.deg2rad(latitude)) * np.cos(np.deg2rad(longitude))


def regular(step):
    latitude, longitude = np.arange(90.0, -91, -step), np.arange(0.0, 360, step)
    values = smooth(latitude[:, None], longitude)
    return xr.DataArray(values, dims=("latitude", "longitude"), coords={"latitude": latitude, "longitude": longitude})


def points(name):
    latitude, longitude = Grid(name).points()
    coordinates = {"latitude": ("values", latitude), "longitude": ("values", longitude)}
    return xr.DataArray(smooth(latitude, longitude), dims="values", coords=coordinates)


FIELDS = {"regular": regular(5.0), "O32": points("O32"), "H16": points("H16")}


@pytest.mark.parametrize("name", FIELDS)
@given(latitude=st.floats(-90, 90), longitude=st.floats(-180, 540))
def test_a_smooth_field_is_met_to_a_few_thousandths(name, latitude, longitude):
    field = FIELDS[name]
    found = sampler_of(field).linear(field.to_numpy().ravel(), np.array([latitude]), np.array([longitude]))
    assert found[0] == pytest.approx(smooth(latitude, longitude), abs=0.05 if abs(latitude) > 80 else 0.01)


@pytest.mark.parametrize("name", FIELDS)
def test_points_have_their_own_values_and_missing_neighbours_do_not_touch_them(name):
    field = FIELDS[name]
    values = field.to_numpy().ravel().copy()
    latitude, longitude = (one.to_numpy().ravel() for one in xr.broadcast(field.latitude, field.longitude))
    values[1::2] = np.nan
    inside = np.flatnonzero(np.abs(latitude) < 85)
    found = sampler_of(field).linear(values, latitude[inside], longitude[inside])
    kept = np.isfinite(values[inside]) & np.isfinite(found)
    assert kept.sum() > 0.9 * np.isfinite(values[inside]).sum()
    np.testing.assert_allclose(found[kept], values[inside][kept], atol=1e-9)


def test_between_scattered_points_lies_a_mean_of_them():
    random = np.random.default_rng(3)
    latitude, longitude = random.uniform(40, 60, 500), random.uniform(0, 30, 500)
    coordinates = {"latitude": ("values", latitude), "longitude": ("values", longitude)}
    field = xr.DataArray(smooth(latitude, longitude), dims="values", coords=coordinates)
    found = sampler_of(field).linear(field.to_numpy(), np.array([50.0]), np.array([15.0]))
    assert found[0] == pytest.approx(smooth(50.0, 15.0), abs=0.02)
