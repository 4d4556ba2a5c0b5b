import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.geo import Grid, regrid
from dtedask.geo.cells.rows import grid_boxes
from dtedask.geo.interpolation.method import method_class

names = st.sampled_from(["O4", "F4", "20/15", "H2", "H2-nested", "12/7.5", "L12x6"])
areas = st.sampled_from([(60, 0, 30, 40), (45, -40, -30, 40), (90, 100, 0, 200)])


def regular(step, north, west, south, east):
    ni, nj = round((east - west) / step) + 1, round((north - south) / step) + 1
    said = {"north": north, "west": west, "south": south, "east": east, "ni": ni, "nj": nj, "dx": step, "dy": step}
    return Grid.of("regular_ll", said | {"periodic": False}, ("latitude", "longitude"), (nj, ni))


def weights(name, source, target, **options):
    kind = method_class(name)
    method = kind(kind.Options(**options))
    source, target = (grid if isinstance(grid, Grid) else Grid(grid) for grid in (source, target))
    prepared = method.prepare(source, target)
    return method.block(prepared, source, target, 0, target.size)


@pytest.fixture(scope="module")
def mir_weights(mir_values):
    made = pytest.importorskip("mir.weight_matrix").WeightMatrix.from_regrid
    return lambda source, target: made(source, target, interpolation="grid-box-average").to_csr()


@pytest.mark.parametrize(
    ("source", "target", "specs"),
    [
        ("O8", "10/10", ("{grid: O8}", "{grid: [10, 10]}")),
        ("10/10", "F8", ("{grid: [10, 10]}", "{grid: F8}")),
        ("N32", "5/5", ("{grid: N32}", "{grid: [5, 5]}")),
        ("O8", regular(10, 60, 0, 30, 40), ("{grid: O8}", "{grid: [10, 10], area: [60, 0, 30, 40]}")),
    ],
)
def test_averages_over_boxes_are_those_of_mir(source, target, specs, mir_weights):
    difference = weights("grid-box-average", source, target) - mir_weights(*specs)
    assert abs(difference).max() < 1e-13


@pytest.mark.slow
@given(names, names)
def test_averages_conserve_the_integral(source, target):
    matrix = weights("grid-box-average", source, target)
    from_areas, to_areas = grid_boxes(Grid(source)).areas(), grid_boxes(Grid(target)).areas()
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(to_areas @ matrix, from_areas, rtol=1e-12)
    assert matrix.has_sorted_indices
    assert (matrix.data > 0).all()


@given(names, areas)
def test_boxes_that_are_not_covered_have_no_average_unless_asked_for(name, area):
    source = regular(5, *area)
    strict, loose = (weights("grid-box-average", source, name, least_covered=part) for part in (1.0, 0.0))
    covered = loose.sum(axis=1) > 0
    np.testing.assert_allclose(loose.sum(axis=1)[covered], 1.0, rtol=1e-12)
    assert strict.nnz <= loose.nnz
    assert set(np.round(np.unique(strict.sum(axis=1)), 12)) <= {0.0, 1.0}


def test_blocks_are_rows_of_the_whole():
    kind = method_class("grid-box-average")
    method, source, target = kind(), Grid("H2-nested"), Grid("O4")
    prepared = method.prepare(source, target)
    whole = method.block(prepared, source, target, 0, target.size)
    part = method.block(prepared, source, target, 30, 90)
    assert abs(whole[30:90] - part).max() == 0


STATISTICS = ["maximum", "minimum", "count", "mean", "variance", "skewness", "kurtosis", "standard-deviation"]


@pytest.mark.parametrize(("source", "target"), [("N32", "15/15"), ("O32", "10/10")])
@pytest.mark.parametrize("statistic", STATISTICS)
def test_statistics_of_the_points_in_boxes_are_those_of_mir(source, target, statistic, mir_values):
    field = np.random.default_rng(4).normal(20, 3, Grid(source).size)
    words = {"interpolation-statistics": "stddev" if statistic == "standard-deviation" else statistic}
    expected = mir_values("grid-box-statistics", source, target, field, **words)
    method = "grid-box-statistics"
    found = regrid(field, Grid(target), method=method, source=Grid(source), statistic=statistic, cache=False)
    np.testing.assert_allclose(np.ravel(found), expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("source", "target"), [("N32", "15/15"), ("5/5", "O16")])
def test_the_box_that_covers_most_is_one_of_those_that_mir_may_take(source, target, mir_values):
    field = np.arange(Grid(source).size, dtype=float)
    taken = mir_values("grid-box-maximum-matrix-free", source, target, field).round().astype(int)
    average = weights("grid-box-average", source, target)
    ours = weights("grid-box-maximum", source, target)
    assert set(ours.data) == {1.0}
    np.testing.assert_allclose(average[np.arange(len(taken)), taken], average[np.arange(len(taken)), ours.indices])
    np.testing.assert_allclose(average.max(axis=1).toarray().ravel(), average[np.arange(len(taken)), taken])


@given(names, names)
def test_classes_go_where_they_cover_most(source, target):
    average, most = (weights(name, source, target) for name in ("grid-box-average", "grid-box-maximum"))
    classes = np.random.default_rng(0).integers(0, 9, average.shape[1])
    dense = average.toarray()
    np.testing.assert_array_equal(
        most @ classes, classes[(dense >= dense.max(axis=1)[:, None] * (1 - 1e-9)).argmax(axis=1)]
    )


def test_points_on_the_border_count_in_both_boxes_and_those_outside_in_none():
    matrix = weights("grid-box-statistics", "5/5", regular(10, 60, 0, 30, 40), statistic="count")
    count = np.diff(matrix.indptr).reshape(4, 5)
    np.testing.assert_array_equal(count[1:-1, 1:-1], 9)
    np.testing.assert_array_equal(count[0, 0], 4)
