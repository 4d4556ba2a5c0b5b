"""Operators on meshes: adjoint, conservative, and as near to closed forms as their order says."""

import pickle
from functools import lru_cache

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import GridError
from dtedask.geo import Grid
from dtedask.geo.meshes import mesh
from dtedask.geo.meshes.sphere import EARTH_RADIUS_M, frames, unit_vectors
from dtedask.geo.operators import Nabla
from dtedask.testing import raise_if_computes

NAMES = ["O8", "N16", "F8", "10/10", "H4", "H4-nested"]
AXIS = np.array([0.3, 0.5, 0.8])


def field(values):
    return xr.DataArray(values, dims="values")


@lru_cache(maxsize=16)
def nabla_of(name, kind=None):
    return Nabla(mesh(Grid(name), kind=kind))


def regular(north, west, south, east, step):
    """A regular grid of an area."""
    across, down = round((east - west) / step) + 1, round((north - south) / step) + 1
    place = {"north": north, "west": west, "south": south, "east": east, "dx": step, "dy": step}
    described = place | {"ni": across, "nj": down, "periodic": False}
    return Grid.of("regular_ll", described, ("latitude", "longitude"), (down, across))


def parts(grid, vectors):
    """East and north parts of vectors in three dimensions."""
    east, north = frames(*grid.points())
    return field(np.einsum("pi,pi->p", vectors, east)), field(np.einsum("pi,pi->p", vectors, north))


def harmonic(grid):
    """A spherical harmonic of degree 2, x y + z x, its gradient per m, and its Laplacian per m2 (-6 / R^2 times it)."""
    x, y, z = unit_vectors(*grid.points()).T
    east, north = parts(grid, np.stack([y + z, x, x], axis=1) / EARTH_RADIUS_M)
    return field(x * y + z * x), east, north, -6.0 * (x * y + z * x) / EARTH_RADIUS_M**2


def error(nabla, found, expected):
    """Root of the mean square of the difference, relative."""
    weigh = nabla.areas
    return float(np.sqrt((weigh * (found - expected) ** 2).sum() / (weigh * expected**2).sum()))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_gradient_and_divergence_are_adjoint(name, seed):
    nabla = nabla_of(name)
    scalar, u, v = np.random.default_rng(seed).normal(size=(3, nabla.mesh.points))
    slope, spread = nabla.gradient(field(scalar)), nabla.divergence(field(u), field(v)).values
    by_parts = nabla.areas * (slope.eastward.values * u + slope.northward.values * v)
    assert abs((nabla.areas * scalar * spread).sum() + by_parts.sum()) < 1e-13 * np.abs(by_parts).sum()


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_divergence_and_curl_add_up_to_nothing_over_the_globe(name, seed):
    nabla = nabla_of(name)
    u, v = (field(part) for part in np.random.default_rng(seed).normal(size=(2, nabla.mesh.points)))
    for found in (nabla.divergence(u, v).values, nabla.curl(u, v).values):
        assert abs((nabla.areas * found).sum()) < 1e-12 * (nabla.areas * np.abs(found)).sum()


@pytest.mark.parametrize("name", NAMES)
def test_volumes_fill_the_globe_and_constants_have_no_slope(name):
    nabla = nabla_of(name)
    assert nabla.areas.sum() == pytest.approx(4 * np.pi * EARTH_RADIUS_M**2, rel=1e-13)
    slope = nabla.gradient(field(np.full(nabla.mesh.points, 300.0)))
    assert np.abs(slope.to_dataarray()).max() < 300 * 1e-15 * np.abs(nabla.matrix("gradient")).sum(axis=1).max()


def test_where_fields_vanish_at_the_rim_they_are_adjoint_on_regions_too():
    nabla = Nabla(mesh(regular(60, -10, 30, 40, 2)))
    edges = nabla.mesh.edges
    is_inside = np.ones(nabla.mesh.points)
    is_inside[edges.nodes[edges.is_boundary]] = 0.0
    scalar, u, v = np.random.default_rng(0).normal(size=(3, nabla.mesh.points))
    scalar *= is_inside
    by_parts = nabla.matrix("gradient") @ scalar * np.concatenate([u, v]) * np.tile(nabla.areas, 2)
    spread = nabla.matrix("divergence") @ np.concatenate([u, v])
    assert abs((nabla.areas * scalar * spread).sum() + by_parts.sum()) < 1e-13 * np.abs(by_parts).sum()


def test_on_regions_the_slope_of_a_linear_field_is_exact_up_to_the_rim():
    grid = regular(0.05, 0, -0.05, 0.2, 0.01)
    nabla, (latitude, longitude) = Nabla(mesh(grid)), grid.points()
    slope = nabla.gradient(field(3 * np.radians(longitude) + 5 * np.radians(latitude)))
    np.testing.assert_allclose(slope.eastward * EARTH_RADIUS_M, 3, rtol=1e-5)
    np.testing.assert_allclose(slope.northward * EARTH_RADIUS_M, 5, rtol=1e-5)


@pytest.mark.parametrize(
    ("coarse", "fine", "kind", "order"),
    [
        ("O8", "O16", None, 1.2),
        ("N16", "N32", None, 1.2),
        ("F8", "F16", None, 1.8),
        ("10/10", "5/5", None, 1.8),
        ("H8", "H16", None, 1.3),
        ("O8", "O16", "delaunay", 1.2),
    ],
)
def test_errors_fall_with_the_distance_of_points_at_the_stated_order(coarse, fine, kind, order):
    errors = []
    for name in (coarse, fine):
        grid, nabla = Grid(name), nabla_of(name, kind)
        scalar, east, north, laplacian = harmonic(grid)
        slope = nabla.gradient(scalar)
        both = np.concatenate([slope.eastward.values, slope.northward.values])
        weigh = np.tile(nabla.areas, 2)
        expected = np.concatenate([east.values, north.values])
        whirl = 2.0 * unit_vectors(*grid.points()) @ AXIS / EARTH_RADIUS_M
        rotation = parts(grid, np.cross(AXIS, unit_vectors(*grid.points())))
        errors.append(
            [
                np.sqrt((weigh * (both - expected) ** 2).sum() / (weigh * expected**2).sum()),
                error(nabla, nabla.divergence(east, north).values, laplacian),
                error(nabla, nabla.curl(*rotation).values, whirl),
            ]
        )
    assert np.log2(np.divide(*errors)).min() > order, np.log2(np.divide(*errors))


@pytest.mark.parametrize("name", ["F16", "5/5", "H16", "O16"])
def test_no_point_is_far_from_the_closed_form_not_even_at_a_pole(name):
    grid, nabla = Grid(name), nabla_of(name)
    scalar, east, north, laplacian = harmonic(grid)
    slope, largest = nabla.gradient(scalar), np.hypot(east, north).max()
    assert np.hypot(slope.eastward - east, slope.northward - north).max() < 0.05 * largest
    spread = nabla.divergence(east, north).values
    assert np.abs(spread - laplacian).max() < 0.08 * np.abs(laplacian).max()


def test_the_wind_at_a_pole_is_one_vector_whatever_the_longitude_of_its_points():
    grid, nabla = Grid("10/10"), nabla_of("10/10")
    x = unit_vectors(*grid.points())[:, 0]
    slope = nabla.gradient(field(x)) * EARTH_RADIUS_M
    longitude = np.radians(grid.points().longitude[:36])
    np.testing.assert_allclose(slope.eastward[:36], -np.sin(longitude), atol=0.02)
    np.testing.assert_allclose(slope.northward[:36], -np.cos(longitude), atol=0.02)


def test_the_laplacian_is_symmetric_and_never_positive():
    nabla = nabla_of("H4")
    weighed = nabla.matrix("laplacian").toarray() * nabla.areas[:, None]
    np.testing.assert_allclose(weighed, weighed.T, atol=1e-14 * np.abs(weighed).max())
    assert np.linalg.eigvalsh((weighed + weighed.T) / 2).max() < 1e-12 * np.abs(weighed).max()


def test_matrices_over_points_say_the_same_as_the_operators():
    nabla = nabla_of("10/10")
    u, v = np.random.default_rng(3).normal(size=(2, nabla.mesh.points))
    np.testing.assert_allclose(
        nabla.matrix("curl") @ np.concatenate([u, v]), nabla.curl(field(u), field(v)), rtol=0, atol=1e-20
    )
    with pytest.raises(GridError, match="no operator 'div'"):
        nabla.matrix("div")


def test_lazy_fields_stay_lazy_and_give_the_same():
    nabla = nabla_of("F8")
    whole = xr.DataArray(
        np.random.default_rng(4).normal(size=(3, 2, 16, 32)).astype("f4"),
        dims=("step", "level", "latitude", "longitude"),
        attrs={"units": "K"},
    )
    lazy = whole.chunk({"step": 1, "latitude": 4})
    with raise_if_computes():
        slope, curved = nabla.gradient(lazy), nabla.laplacian(lazy)
    assert slope.eastward.dtype == "f4"
    assert slope.eastward.attrs == {"units": "K m**-1"}
    xr.testing.assert_identical(slope.compute(), nabla.gradient(whole))
    xr.testing.assert_identical(curved.compute(), nabla.laplacian(whole))


def test_winds_have_a_vorticity_by_cf():
    nabla = nabla_of("O8")
    wind = field(np.zeros(544)).assign_attrs(units="m s**-1", standard_name="eastward_wind")
    assert nabla.curl(wind, wind).attrs == {"units": "s**-1", "standard_name": "atmosphere_relative_vorticity"}
    assert nabla.divergence(wind, wind).attrs == {"units": "s**-1", "standard_name": "divergence_of_wind"}


def test_operators_travel_as_their_grid_and_are_built_once_where_they_arrive():
    sent = pickle.dumps(nabla_of("O8"))
    assert len(sent) < 2000
    assert pickle.loads(sent) is pickle.loads(sent)


def test_fields_of_other_grids_are_refused():
    with pytest.raises(GridError, match="does not stand on the 544 points"):
        nabla_of("O8").gradient(field(np.zeros(10)))


@pytest.mark.slow
def test_large_meshes_give_the_numbers_of_their_matrices():
    nabla = nabla_of("0.75/0.75")
    u, v = np.random.default_rng(5).normal(size=(2, 2, nabla.mesh.points)).astype("f4")
    whole = nabla.curl(*(xr.DataArray(part, dims=("level", "values")) for part in (u, v)))
    to_nodes, curl, to_points = nabla._chain("curl")
    expected = to_points @ (curl @ (to_nodes @ np.concatenate([u, v], axis=1).astype("f8").T))
    np.testing.assert_allclose(whole, expected.T, rtol=1e-6, atol=1e-12 * np.abs(expected).max())
    one = nabla.curl(*(xr.DataArray(part[:1], dims=("level", "values")) for part in (u, v)))
    np.testing.assert_array_equal(one, whole[:1])
