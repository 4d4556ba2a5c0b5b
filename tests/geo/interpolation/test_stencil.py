import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.interpolate import RegularGridInterpolator

from dtedask.core.errors import GridError
from dtedask.geo import Grid
from dtedask.geo.interpolation.stencil import QuasiCubic

TURNED = [
    # of its points at its pole nobody on the Earth knows the longitude
    {"grid": [10, 15], "rotation": [-40, 20, 5]},
    {"grid": "O8", "rotation": [30, -20]},
    {"grid": "F4", "stretching": [2.4, 46, 2]},
]
names = st.sampled_from(["O8", "F4", "20/15", "H2", "H4-nested", "12/7.5", "L12x6", "N32", *TURNED])
methods = st.sampled_from(["bilinear", "bicubic", "quasi-cubic"])
AREA = (5, (60, -30, 20, 40))
random = np.random.default_rng(7)


@pytest.mark.parametrize("source", ["O16", "10/10", "F8", "N32"])
@pytest.mark.parametrize(
    ("name", "of_mir"),
    [
        ("bilinear", "structured-bilinear"),
        ("bicubic", "structured-bicubic"),
        ("quasi-cubic", "structured-biquasicubic"),
    ],
)
def test_values_are_those_of_mir(name, of_mir, source, weights, mir_values, grid):
    field = random.normal(size=grid(source).size)
    ours, theirs = weights(name, source, "5/5") @ field, mir_values(of_mir, source, "5/5", field)
    # rows of odd length are half a step off beyond the pole in MIR, which counts whole points
    compared = slice(72, -72) if source == "N32" else slice(None)
    np.testing.assert_allclose(ours[compared], theirs[compared], atol=1e-11)


@pytest.mark.slow
@given(name=methods, source=names, target=names)
def test_weights_sum_to_one(name, source, target, weights):
    matrix = weights(name, source, target)
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=1e-12)
    assert matrix.has_sorted_indices
    assert (matrix.data != 0).all()


@pytest.mark.slow
@given(name=methods, source=names.filter(lambda said: said != TURNED[0]))
def test_points_of_the_source_are_taken_as_they_are(name, source, weights, grid):
    matrix = weights(name, source, source)
    np.testing.assert_array_equal(matrix.data, 1.0)
    np.testing.assert_array_equal(matrix.indices, np.arange(grid(source).size))


@given(latitude=st.floats(20, 60), longitude=st.floats(-30, 40))
def test_bilinear_on_an_area_is_that_of_scipy(latitude, longitude, weights, grid):
    source = grid(AREA)
    field = random.normal(size=source.shape)
    axes = np.linspace(20, 60, 9), np.linspace(-30, 40, 15)
    expected = RegularGridInterpolator(axes, field[::-1])((latitude, longitude))
    found = weights("bilinear", AREA, (1, (latitude, longitude, latitude, longitude))) @ field.ravel()
    np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.slow
@given(powers=st.tuples(st.integers(0, 3), st.integers(0, 3)), latitude=st.floats(20, 60), longitude=st.floats(-30, 40))
def test_bicubic_reproduces_cubics_up_to_the_edges_of_an_area(powers, latitude, longitude, weights, grid):
    def cubic(latitude, longitude):
        return ((latitude - 40) / 20) ** powers[0] * ((longitude - 5) / 35) ** powers[1]

    points = grid(AREA).points()
    found = weights("bicubic", AREA, (1, (latitude, longitude, latitude, longitude))) @ cubic(*points)
    np.testing.assert_allclose(found, cubic(latitude, longitude), atol=1e-9)


@given(name=methods, latitude=st.floats(-90, 90), longitude=st.floats(-180, 360))
def test_outside_of_an_area_is_nothing(name, latitude, longitude, weights):
    east = (longitude + 180) % 360 - 180
    assume(min(abs(latitude - 20), abs(latitude - 60), abs(east + 30), abs(east - 40)) > 1e-6)
    is_inside = 20 < latitude < 60 and -30 < east < 40
    matrix = weights(name, AREA, (1, (latitude, longitude, latitude, longitude)))
    assert (matrix.nnz > 0) == is_inside


@pytest.mark.parametrize("source", ["O8", "10/10"])
def test_limits_are_the_four_points_around(source, grid, weights):
    source, target = grid(source), grid("9/7.5")
    method = QuasiCubic(QuasiCubic.Options(limiter=True))
    limits = method.limits(method.prepare(source, target), source, target, 0, target.size)
    around = weights("bilinear", source, target)
    assert ((around != 0).astype(int) - (limits != 0).astype(int)).max() == 0
    assert np.diff(limits.indptr).max() == 4
    assert QuasiCubic().limits(None, source, target, 0, 1) is None


def test_grids_without_rows_are_refused_with_what_can_be_taken():
    grid = Grid.of("unstructured", {"size": 3}, ("values",), (3,))
    with pytest.raises(GridError, match="has no rows") as refused:
        QuasiCubic().prepare(grid, grid)
    assert "linear" in str(refused.value.hint)
