import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import GridError
from dtedask.geo import weights_handle
from dtedask.geo.interpolation.nearest import KNearest, Nearest

TURNED = [
    {"grid": [10, 15], "rotation": [-40, 20, 5]},
    {"grid": "O8", "rotation": [30, -20]},
    {"grid": "F4", "stretching": [2.4, 46, 2]},
]
names = st.sampled_from(["O8", "F4", "20/15", "H2", "H4-nested", "12/7.5", "L12x6", "F8", *TURNED])
AREA = (5, (60, -30, 20, 40))
R = 6_371_229.0


def chords(points, others):
    return R * np.sqrt(np.maximum(((points[:, None] - others[None]) ** 2).sum(axis=2), 0))


@pytest.mark.slow
@settings(max_examples=30)
@given(source=names, target=names)
def test_the_nearest_point_is_the_first_of_all_at_the_least_distance(source, target, weights, vectors):
    away = chords(vectors(target), vectors(source))
    expected = np.argmax(away < away.min(axis=1)[:, None] * (1 + 1e-9) + 0.01, axis=1)
    matrix = weights("nearest", source, target)
    if source != "H4-nested":  # first along the rings
        np.testing.assert_array_equal(matrix.indices, expected)
    np.testing.assert_allclose(np.take_along_axis(away, matrix.indices[:, None], 1)[:, 0], away.min(axis=1), atol=0.1)
    np.testing.assert_array_equal(matrix.data, 1.0)


@settings(max_examples=30)
@given(source=names, target=names, count=st.integers(1, 12))
def test_weights_are_one_over_the_distance_of_the_nearest_points(source, target, count, weights, vectors):
    away = chords(vectors(target), vectors(source))
    matrix = weights("k-nearest", source, target, count=count)
    nearest = np.sort(away, axis=1)[:, :count]
    is_apart = nearest[:, 0] > 1
    shares = 1 / nearest[is_apart]
    expected = shares / shares.sum(axis=1)[:, None]
    # coincident points (rows at the pole) stand for one another
    found = np.sort(matrix.toarray(), axis=1)[:, ::-1][is_apart, :count]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=1e-12)
    assert (np.diff(matrix.indptr)[~is_apart] == 1).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "of_mir"),
    [
        ({}, {"distance-weighting": "inverse-distance-weighting"}),
        ({"weighting": "inverse-distance-squared"}, {"distance-weighting": "inverse-distance-weighting-squared"}),
        (
            {"weighting": "shepard", "power": 3.0},
            {"distance-weighting": "shepard", "distance-weighting-shepard-power": 3.0},
        ),
        (
            {"weighting": "gaussian", "deviation_m": 3e5},
            {"distance-weighting": "gaussian", "distance-weighting-gaussian-stddev": 3e5},
        ),
        ({"weighting": "none", "count": 7}, {"distance-weighting": "no", "nclosest": 7}),
        (
            {"weighting": "climate-filter", "pick": "distance", "distance_m": 2.1e6, "edge_m": 1e5},
            {
                "distance-weighting": "climate-filter",
                "nearest-method": "distance",
                "distance": 2.1e6,
                "climate-filter-delta": 1e5,
            },
        ),
        (
            {"pick": "distance-or-count", "distance_m": 6e5},
            {
                "distance-weighting": "inverse-distance-weighting",
                "nearest-method": "distance-or-nclosest",
                "distance": 6e5,
            },
        ),
    ],
)
def test_weightings_are_those_of_mir(options, of_mir, weights, mir, vectors):
    ours = weights("k-nearest", "O8", "N32", **options)
    theirs = mir("k-nearest", "O8", "N32", **({"nclosest": 4, "nearest-method": "nclosest"} | of_mir))
    # of points at equal distance MIR takes any
    nearest = np.sort(chords(vectors("N32"), vectors("O8")), axis=1)
    count = options.get("count", 4)
    is_clear = nearest[:, count] - nearest[:, count - 1] > 1
    assert is_clear.mean() > 0.9
    np.testing.assert_allclose((ours - theirs).toarray()[is_clear], 0, atol=1e-9)
    np.testing.assert_allclose(ours.sum(axis=1), 1.0, rtol=1e-12)


def test_points_farther_than_the_distance_are_left_out(weights, vectors):
    options = {"pick": "distance-and-count", "distance_m": 6e5, "count": 3}
    matrix = weights("k-nearest", "O8", "10/10", **options)
    within = np.count_nonzero(chords(vectors("10/10"), vectors("O8")) <= 6e5, axis=1)
    lengths = np.diff(matrix.indptr)
    is_apart = chords(vectors("10/10"), vectors("O8")).min(axis=1) > 1
    np.testing.assert_array_equal(lengths[is_apart], np.minimum(within, 3)[is_apart])
    assert (lengths == 0).any()


def test_outside_of_an_area_is_nothing_unless_it_is_wanted(weights, grid):
    latitude, longitude = grid("5/5").points()
    is_inside = (latitude <= 60) & (latitude >= 20) & ((longitude <= 40) | (longitude >= 330))
    np.testing.assert_array_equal(np.diff(weights("nearest", AREA, "5/5").indptr), is_inside)
    assert (np.diff(weights("nearest", AREA, "5/5", outside="nearest").indptr) == 1).all()


@pytest.mark.slow
@given(source=names, target=names, count=st.integers(1, 6))
def test_a_tree_finds_what_rows_give(source, target, count, grid):
    from dtedask.geo.interpolation.cloud import Cloud

    around = Nearest().prepare(grid(source), grid(target))
    points = around.targets.part(0, grid(target).size)
    by_rows, by_tree = around.find(*points, count, np.inf), Cloud.of(grid(source)).nearest(*points, count, np.inf)
    np.testing.assert_allclose(by_rows[1], by_tree[1] * R**2, rtol=1e-6, atol=1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"pick": "distance"}, "needs a distance"), ({"weighting": "gaussian"}, "needs a standard deviation")],
)
def test_options_that_need_others_say_so(options, message):
    with pytest.raises(ValueError, match=message):
        KNearest.Options(**options)


def test_options_that_do_not_fit_together_are_an_error_of_grids():
    with pytest.raises(GridError, match="'k-nearest' do not fit: 'distance' needs a distance"):
        weights_handle("O8", "10/10", "k-nearest", pick="distance", cache=False)
