"""Fields between spherical harmonics and points: closed forms, round trips, Parseval, laziness."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import GridError
from dtedask.geo import Grid, regular_latlon, spectral
from dtedask.geo.spectral.coefficients import EARTH_RADIUS_M, wavenumbers
from dtedask.testing import raise_if_computes

GRIDS = ["F16", "O24", "N32", "5/5", "L36x19", "H8", "H8-nested"]


def random_field(truncation, *, fields=1, seed=0):
    """Fields of random real coefficients; those of m = 0 have no imaginary part."""
    zonal = wavenumbers(truncation).zonal
    values = np.random.default_rng(seed).normal(size=(fields, zonal.size, 2))
    values[:, zonal == 0, 1] = 0
    return on_harmonics(values.reshape(fields, -1), truncation)


def on_harmonics(values, truncation):
    attrs = {"grid_spec": spectral.spectral_grid(truncation).spec}
    return xr.DataArray(values, dims=("step", "values")[-np.ndim(values) :], attrs=attrs)


def single(truncation, n, m, value=1.0):
    total, zonal = wavenumbers(truncation)
    values = np.where((total == n) & (zonal == m), value, 0).astype(complex)
    return on_harmonics(values.view(float), truncation)


def radians(grid):
    return tuple(np.deg2rad(part) for part in Grid(grid).points())


def flat(field, grid):
    return field.to_numpy().reshape(*field.shape[: -len(Grid(grid).dims)], -1)


@pytest.mark.parametrize("grid", GRIDS)
def test_single_harmonics_are_their_closed_forms(grid):
    latitude, longitude = radians(grid)
    sine, cosine = np.sin(latitude), np.cos(latitude)
    forms = {
        (0, 0): np.ones_like(sine),
        (1, 0): np.sqrt(3) * sine,
        (2, 0): np.sqrt(5) * (3 * sine**2 - 1) / 2,
        (1, 1): 2 * np.sqrt(1.5) * cosine * np.cos(longitude),
        (2, 1): 2 * np.sqrt(7.5) * sine * cosine * np.cos(longitude),
        (2, 2): 2 * np.sqrt(15 / 8) * cosine**2 * np.cos(2 * longitude),
    }
    for (n, m), form in forms.items():
        assert flat(spectral.inverse(single(3, n, m), grid), grid) == pytest.approx(form, abs=1e-13)
    eastward = spectral.inverse(single(3, 1, 1, 1j), grid)
    assert flat(eastward, grid) == pytest.approx(-2 * np.sqrt(1.5) * cosine * np.sin(longitude), abs=1e-13)


@pytest.mark.parametrize(
    ("grid", "truncation"),
    [("F16", 31), ("O24", 23), ("O24", 31), ("N32", 63), ("L60x31", 28), ("H8", 12), ("H8-nested", 12)],
)
def test_a_field_comes_back_from_points_to_1e_12(grid, truncation):
    field = random_field(truncation, fields=2)
    back = spectral.direct(spectral.inverse(field, grid), truncation)
    assert back.to_numpy() == pytest.approx(field.to_numpy(), abs=1e-12)
    assert back.attrs["grid_spec"] == field.attrs["grid_spec"]


@pytest.mark.parametrize(("grid", "truncation"), [("F16", 31), ("N32", 63), ("O24", 23), ("L60x31", 28)])
def test_vorticity_and_divergence_come_back_from_winds(grid, truncation):
    vorticity, divergence = (random_field(truncation, seed=seed) for seed in (1, 2))
    wind = spectral.wind(vorticity, divergence, grid)
    back = spectral.vorticity_divergence(wind.u, wind.v, truncation)
    for found, given_ in ((back.vo, vorticity), (back.d, divergence)):
        assert found.to_numpy()[:, 2:] == pytest.approx(given_.to_numpy()[:, 2:], abs=1e-11)


@pytest.mark.parametrize("grid", [*GRIDS, "10/10"])
def test_solid_body_rotation_has_its_winds_and_the_poles_too(grid):
    latitude, longitude = radians(grid)
    speed = 40.0
    about_the_poles = single(4, 1, 0, 2 * speed / EARTH_RADIUS_M / np.sqrt(3))
    nothing = single(4, 1, 0, 0.0)
    wind = spectral.wind(about_the_poles, nothing, grid)
    assert flat(wind.u, grid) == pytest.approx(speed * np.cos(latitude), abs=1e-11)
    assert flat(wind.v, grid) == pytest.approx(0, abs=1e-11)
    about_0_0 = single(4, 1, 1, 2 * speed / EARTH_RADIUS_M / np.sqrt(6))
    wind = spectral.wind(about_0_0, nothing, grid)
    assert flat(wind.u, grid) == pytest.approx(-speed * np.sin(latitude) * np.cos(longitude), abs=1e-11)
    assert flat(wind.v, grid) == pytest.approx(speed * np.sin(longitude), abs=1e-11)


def test_divergent_winds_blow_along_the_gradient_of_the_potential():
    divergence = random_field(20, seed=3)
    wind = spectral.wind(divergence * 0, divergence, "10/10")
    gradient = spectral.gradient(spectral.inverse_laplacian(divergence), "10/10")
    assert wind.u.to_numpy() == pytest.approx(gradient.east.to_numpy(), rel=1e-12, abs=1e-6)
    assert wind.v.to_numpy() == pytest.approx(gradient.north.to_numpy(), rel=1e-12, abs=1e-6)


def test_coefficients_of_winds_times_cosine_lose_nothing():
    vorticity, divergence = (random_field(20, seed=seed) for seed in (4, 5))
    wind = spectral.wind(vorticity, divergence, "F16")
    scaled = spectral.wind_coefficients(vorticity, divergence)
    cosine = np.cos(np.deg2rad(wind.latitude))
    largest = float(abs(wind.u).max())
    for name in "uv":
        found = spectral.inverse(scaled[f"{name}_cos"], "F16")
        assert found.to_numpy() == pytest.approx((wind[name] * cosine).to_numpy(), abs=1e-13 * largest)


@settings(max_examples=25)
@given(st.integers(1, 24), st.integers(0, 2**32 - 1))
def test_the_spectrum_adds_up_to_the_mean_square(truncation, seed):
    from ducc0.misc import GL_weights

    field = random_field(truncation, seed=seed)
    points = spectral.inverse(field, "F16").to_numpy()[0]
    mean_square = (points**2).mean(axis=1) @ GL_weights(32, 1) / (4 * np.pi)
    assert float(spectral.spectrum(field).sum()) == pytest.approx(mean_square, rel=1e-12)


@pytest.mark.slow
@settings(max_examples=25)
@given(st.integers(0, 12), st.integers(0, 12))
def test_truncation_keeps_what_both_have(low, high):
    low, high = sorted((low, high))
    field = random_field(high)
    cut = spectral.truncate(field, low)
    padded = spectral.truncate(cut, high)
    total = wavenumbers(high).total
    assert np.array_equal(padded.to_numpy(), np.where(np.repeat(total, 2) <= low, field.to_numpy(), 0))
    expected = spectral.inverse(cut, "F16").to_numpy()
    assert spectral.inverse(field, "F16", truncation=low).to_numpy() == pytest.approx(expected, abs=1e-13)


def test_the_laplacian_multiplies_by_its_eigenvalues_and_has_an_inverse():
    field = single(6, 4, 2)
    assert spectral.laplacian(field).to_numpy() == pytest.approx(-20 / EARTH_RADIUS_M**2 * field.to_numpy())
    random = random_field(6)
    back = spectral.inverse_laplacian(spectral.laplacian(random)).to_numpy()
    assert back[:, 2:] == pytest.approx(random.to_numpy()[:, 2:])
    assert back[0, 0] == 0


def test_parts_of_rows_and_other_points_have_the_values_of_the_whole():
    field = random_field(20)
    whole = spectral.inverse(field, "5/5")
    part = whole.sel(latitude=slice(60, 20), longitude=slice(10, 95))
    area = regular_latlon(part.latitude.to_numpy(), part.longitude.to_numpy())
    assert spectral.inverse(field, area).to_numpy() == pytest.approx(part.to_numpy(), abs=1e-12)
    odd = regular_latlon(part.latitude.to_numpy(), np.arange(10, 96, 17.0))
    columns = spectral.inverse(field, regular_latlon(part.latitude.to_numpy(), np.arange(0, 360, 1.0)))
    expected = columns.sel(longitude=np.arange(10, 96, 17.0)).to_numpy()
    assert spectral.inverse(field, odd).to_numpy() == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_chunked_fields_stay_lazy_and_keep_their_chunks(dtype):
    field = random_field(15, fields=4).astype(dtype)
    with raise_if_computes():
        lazy = spectral.inverse(field.chunk(step=2, values=100), "O24")
        back = spectral.direct(lazy, 15)
        wind = spectral.wind(field.chunk(step=2), field.chunk(step=2), "O24")
    assert lazy.chunks == ((2, 2), (Grid("O24").size,))
    assert lazy.dtype == back.dtype == wind.u.dtype == dtype
    assert any(name.startswith("inverse") for name in lazy.data.dask.layers)
    assert lazy.to_numpy() == pytest.approx(spectral.inverse(field, "O24").to_numpy(), abs=1e-12, rel=1e-6)
    assert back.to_numpy() == pytest.approx(field.to_numpy(), abs=1e-12 if dtype == "float64" else 1e-5)
    assert (
        spectral.inverse(field.chunk(step=2), "O24").data.name == spectral.inverse(field.chunk(step=2), "O24").data.name
    )


def test_words_stand_for_what_a_grid_can_carry():
    assert spectral.matching_truncation(Grid("F32")) == 63
    assert spectral.matching_truncation(Grid("O32"), "cubic") == 31
    assert spectral.matching_truncation(Grid("N48"), "quadratic") == 63
    assert spectral.matching_truncation(Grid("5/5")) == 35
    field = random_field(40)
    truncated = spectral.inverse(spectral.truncate(field, 31), "F16").to_numpy()
    assert spectral.inverse(field, "F16", truncation="linear").to_numpy() == pytest.approx(truncated, abs=1e-13)


def test_rows_that_leave_out_the_poles_have_an_exact_direct_transform():
    between = regular_latlon(np.arange(87.5, -90, -5.0), np.arange(0, 360, 5.0))
    field = random_field(35)
    assert spectral.direct(spectral.inverse(field, between), 35).to_numpy() == pytest.approx(
        field.to_numpy(), abs=1e-12
    )


def test_what_cannot_be_transformed_is_refused():
    field = random_field(20)
    with pytest.raises(GridError, match="7 numbers are no spherical harmonics"):
        spectral.inverse(xr.DataArray(np.zeros(7), dims="values"), "F16")
    with pytest.raises(GridError, match="T20 is a spectral grid"):
        spectral.inverse(field, spectral.spectral_grid(20))
    with pytest.raises(GridError, match="truncation 32 cannot be told from the grid F16"):
        spectral.direct(spectral.inverse(field, "F16"), 32)
    with pytest.raises(GridError, match="truncations 19, 20 do not belong together"):
        spectral.wind(field, random_field(19), "F16")
    with pytest.raises(GridError, match="no direct spectral transform"):
        spectral.direct(spectral.inverse(field, "5/5").isel(longitude=slice(3)).drop_attrs(), 5)
    with pytest.raises(GridError, match="does not settle"):
        spectral.direct(spectral.inverse(field, "O48"), 95)


@pytest.mark.parametrize(
    ("grid", "highest"),
    [
        (Grid({"grid": [10, 10], "rotation": [-40, 20]}), 17),
        (Grid("O24").within((60, -20, 10, 50)), 47),
        (Grid("F16").within((60, 10, 10, 50)), 31),
        (Grid("H8").within((60, 10, 10, 50)), 31),
        (Grid("CS-LFR-8"), 15),
    ],
    ids=["rotated", "part of O24", "part of F16", "part of H8", "cubed sphere"],
)
def test_parts_turned_grids_and_lists_of_points_have_closed_forms_too(grid, highest):
    latitude, longitude = (np.deg2rad(part) for part in grid.points())
    form = 2 * np.sqrt(7.5) * np.sin(latitude) * np.cos(latitude) * np.cos(longitude)
    assert spectral.inverse(single(5, 2, 1), grid).to_numpy().ravel() == pytest.approx(form, abs=1e-11)
    turning = single(4, 1, 0, 2 * 40.0 / EARTH_RADIUS_M / np.sqrt(3))
    wind = spectral.wind(turning, turning * 0, grid)
    assert wind.u.to_numpy().ravel() == pytest.approx(40 * np.cos(latitude), abs=1e-9)
    assert spectral.matching_truncation(grid) == highest
    with pytest.raises(GridError, match="no direct spectral transform"):
        spectral.direct(spectral.inverse(turning, grid), 4)
