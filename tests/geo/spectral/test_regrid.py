"""Spherical harmonics are a source of regridding like any other."""

import numpy as np
import pytest
import xarray as xr

from dtedask import geo
from dtedask.geo import Grid, spectral

HARMONICS = spectral.spectral_grid(21)
FIELD = xr.DataArray(
    np.random.default_rng(1).normal(size=(3, HARMONICS.size)),
    {"step": [0, 6, 12]},
    ("step", "values"),
    "z",
    {"grid_spec": HARMONICS.spec, "units": "m2 s-2"},
)


@pytest.mark.parametrize("grid", ["O24", "5/5", "H8"])
def test_arrays_go_through_the_inverse_transform(grid):
    expected = spectral.inverse(FIELD, grid)
    found = geo.regrid(FIELD, grid)
    xr.testing.assert_allclose(found.reset_coords(drop=True), expected.reset_coords(drop=True), rtol=1e-12)
    assert found.attrs["units"] == "m2 s-2"
    lazy = geo.regrid(FIELD.chunk(step=1), grid)
    assert lazy.chunks is not None
    assert lazy.to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-12)


def test_plain_arrays_areas_and_truncations():
    plain = geo.regrid(FIELD.to_numpy(), "5/5", source=HARMONICS)
    assert plain == pytest.approx(spectral.inverse(FIELD, "5/5").to_numpy(), abs=1e-12)
    part = geo.regrid(FIELD, "5/5", area=(60, 10, 20, 90))
    whole = spectral.inverse(FIELD, "5/5").sel(latitude=slice(60, 20), longitude=slice(10, 90))
    assert part.to_numpy() == pytest.approx(whole.to_numpy(), abs=1e-12)
    smooth = geo.regrid(FIELD, "15/15", truncation="linear")
    assert spectral.matching_truncation(Grid("15/15")) == 11
    assert smooth.to_numpy() == pytest.approx(spectral.inverse(FIELD, "15/15", truncation=11).to_numpy(), abs=1e-12)
