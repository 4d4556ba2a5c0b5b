"""Against the real MIR, on a real spectral field."""

import numpy as np
import pytest
import xarray as xr

from dtedask.geo import Grid, spectral
from dtedask.geo.spectral.coefficients import wavenumbers
from dtedask.grib import decode, encode, scan

mir = pytest.importorskip("mir")
EXACTLY = {"truncation": "none", "intgrid": "none", "caching": "false"}


def mir_values(source, **options):
    output, job = mir.ArrayOutput(), mir.Job()
    for name, value in options.items():
        job.set(name, value)
    job.execute(source, output)
    return np.array(output.values()).ravel()


def without_last_zonal(values, truncation):
    """MIR (Atlas' TransLocal) leaves out the zonal wave number m = T."""
    return np.where(np.repeat(wavenumbers(truncation).zonal, 2) < truncation, values, 0.0)


@pytest.fixture(scope="module")
def geopotential(grib_folder):
    path = grib_folder / "spherical-harmonics.grib"
    (message,) = scan(path.read_bytes())
    values = decode(path.read_bytes(), message.field.order, dtype="float64")
    return path, xr.DataArray(values, dims="values", attrs={"grid_spec": message.field.grid.spec})


@pytest.mark.parametrize(
    "grid", ["F32", *(pytest.param(grid, marks=pytest.mark.slow) for grid in ("F64", "2.5/2.5", "O96", "N80"))]
)
def test_values_on_a_grid_are_those_of_mir(geopotential, grid):
    path, field = geopotential
    expected = mir_values(mir.GribFileInput(str(path)), grid=grid, **EXACTLY)
    found = spectral.inverse(field.copy(data=without_last_zonal(field.to_numpy(), 63)), grid).to_numpy().ravel()
    assert found == pytest.approx(expected, abs=1e-9 * np.abs(expected).max())


def test_mir_truncates_first_and_our_words_do_the_same(geopotential):
    path, field = geopotential
    expected = mir_values(mir.GribFileInput(str(path)), grid="F16", caching="false")
    assert spectral.matching_truncation(Grid("F16")) == 31
    truncated = spectral.truncate(field, 31)
    found = spectral.inverse(truncated.copy(data=without_last_zonal(truncated.to_numpy(), 31)), "F16")
    assert found.to_numpy().ravel() == pytest.approx(expected, abs=1e-9 * np.abs(expected).max())


def test_truncation_is_that_of_mir(geopotential):
    path, field = geopotential
    expected = mir_values(mir.GribFileInput(str(path)), truncation="21")
    assert np.array_equal(spectral.truncate(field, 21).to_numpy(), expected)


@pytest.fixture(scope="module")
def rotation(tmp_path_factory):
    """Vorticity and divergence of T21 without its last wave number, as messages of MIR's input and as decoded."""
    (total, zonal), random = wavenumbers(21), np.random.default_rng(1)
    values = 1e-5 * random.normal(size=(2, total.size, 2)) * ((total > 0) & (total < 21))[:, None]
    values /= 1.0 + total[:, None]
    values[:, zonal == 0, 1] = 0
    keys = {"class": "od", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "pl", "levelist": "500"}
    keys |= {"date": "20240603", "time": "0000", "step": "0"}
    grid = spectral.spectral_grid(21)
    parts = [
        encode(part.ravel(), keys | {"param": str(param)}, grid, bits_per_value=24)
        for part, param in zip(values, (138, 155), strict=True)
    ]
    path = tmp_path_factory.mktemp("rotation") / "in.grib"
    path.write_bytes(b"".join(parts))
    decoded = [decode(part, message.field.order, dtype="float64") for part in parts for message in scan(part)]
    return path, [xr.DataArray(part, dims="values") for part in decoded]


def mir_winds(path, grid):
    job, written = mir.Job(), path.with_suffix(".out")
    for name, value in {"grid": grid, "vod2uv": "true", "packing": "ieee", **EXACTLY}.items():
        job.set(name, value)
    job.execute(mir.MultiDimensionalGribFileInput(str(path), 2), mir.GribFileOutput(str(written)))
    found = scan(written.read_bytes())
    return [decode(message.read(), message.field.order, dtype="float64") for message in found]


@pytest.mark.slow
def test_winds_are_those_of_mir_and_at_the_poles_too(rotation):
    path, fields = rotation
    wind = spectral.wind(*fields, "5/5")
    for found, expected in zip((wind.u, wind.v), mir_winds(path, "5/5"), strict=True):
        assert found.to_numpy() == pytest.approx(expected, abs=2e-7 * np.abs(expected).max())


@pytest.mark.slow
def test_coefficients_of_winds_are_those_of_mir_which_cuts_their_last_wave_number(rotation):
    path, fields = rotation
    scaled = spectral.wind_coefficients(*fields)
    for found, expected in zip((scaled.u_cos, scaled.v_cos), mir_winds(path, "F16"), strict=True):
        cut = spectral.truncate(found, 21)
        points = spectral.inverse(cut.copy(data=without_last_zonal(cut.to_numpy(), 21)), "F16")
        winds = points / np.cos(np.deg2rad(points.latitude))
        assert winds.to_numpy() == pytest.approx(expected, abs=2e-7 * np.abs(expected).max())
