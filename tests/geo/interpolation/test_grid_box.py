import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.geo import Grid
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
def mir_weights(tmp_path_factory):
    os.environ["MIR_CACHE_PATH"] = str(tmp_path_factory.mktemp("mir"))
    made = pytest.importorskip("mir.weight_matrix").WeightMatrix.from_regrid
    yield lambda source, target: made(source, target, interpolation="grid-box-average").to_csr()
    del os.environ["MIR_CACHE_PATH"]


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


@pytest.mark.parametrize(
    ("name", "options", "reduction"),
    [
        ("grid-box-maximum", {}, "maximum"),
        ("grid-box-minimum", {}, "minimum"),
        ("grid-box-statistics", {}, "maximum"),
        ("grid-box-statistics", {"statistic": "kurtosis"}, "kurtosis"),
    ],
)
def test_statistics_take_the_boxes_that_overlap(name, options, reduction):
    kind = method_class(name)
    assert kind(kind.Options(**options)).reduction == reduction
    # boxes of 7.5 degrees around points, four of them a box of 15 degrees; at the poles and edges as they come
    matrix = weights(name, "7.5/7.5", "15/15", **options)
    inner = matrix[[24 * 5 + 3]]
    assert inner.nnz == 9


def shifted(step):
    ni, nj = round(360 / step), round(180 / step)
    said = {"north": 90 - step / 2, "south": step / 2 - 90, "west": step / 2, "east": 360 - step / 2, "dx": step}
    return Grid.of("regular_ll", said | {"ni": ni, "nj": nj, "periodic": True}, ("latitude", "longitude"), (nj, ni))


def test_boxes_that_only_touch_take_no_part():
    matrix = weights("grid-box-maximum", shifted(5 / 3), shifted(5))
    assert set(np.diff(matrix.indptr)) == {9}
