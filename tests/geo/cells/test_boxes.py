import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import GridError
from dtedask.geo import Grid
from dtedask.geo.cells.box_overlaps import box_overlaps
from dtedask.geo.cells.rows import grid_boxes, need_boxes

NAMES = ["O8", "N32", "F8", "10/10", "12/7.5", "H3", "H4", "H4-nested", "L12x6"]
names = st.sampled_from(NAMES)


def regular(step, north, west, south, east):
    ni, nj = round((east - west) / step) + 1, round((north - south) / step) + 1
    said = {"north": north, "west": west, "south": south, "east": east, "ni": ni, "nj": nj, "dx": step, "dy": step}
    return Grid.of("regular_ll", said | {"periodic": False}, ("latitude", "longitude"), (nj, ni))


@pytest.mark.parametrize("name", NAMES)
def test_boxes_of_a_global_grid_cover_the_sphere(name):
    assert grid_boxes(Grid(name)).areas().sum() == pytest.approx(4 * np.pi, rel=1e-13)


@pytest.mark.parametrize(
    ("name", "spec"), [("O8", "O8"), ("N32", "N32"), ("F8", "F8"), ("10/10", [10, 10]), ("H4", "H4")]
)
def test_areas_of_boxes_are_those_of_mir(name, spec):
    mir = pytest.importorskip("mir")
    expected = np.asarray(mir.grid_box_areas(mir.Grid(grid=spec))) / 6_371_229.0**2
    np.testing.assert_allclose(grid_boxes(Grid(name)).areas(), expected, rtol=1e-12)


def test_boxes_of_an_area_are_cut_at_its_outermost_points_as_those_of_mir():
    mir = pytest.importorskip("mir")
    grid = regular(10, 60, 0, 30, 40)
    expected = np.asarray(mir.grid_box_areas(mir.Grid(grid=[10, 10], area=[60, 0, 30, 40]))) / 6_371_229.0**2
    np.testing.assert_allclose(grid_boxes(grid).areas(), expected, rtol=1e-12)


def test_points_of_nested_healpix_have_the_boxes_of_its_rings():
    ring, nested = Grid("H4"), Grid("H4-nested")
    latitude, _ = nested.points()
    order = np.lexsort((np.arange(ring.size), -latitude))
    np.testing.assert_allclose(grid_boxes(nested).areas()[order], grid_boxes(ring).areas())


@pytest.mark.slow
@given(names, names)
def test_overlaps_fill_the_boxes_of_both_grids(source, target):
    source, target = grid_boxes(Grid(source)).boxes, grid_boxes(Grid(target)).boxes
    found = box_overlaps(source, target, np.arange(target.size))
    rows = np.repeat(np.arange(target.size), np.diff(found.indptr))
    np.testing.assert_allclose(np.bincount(rows, found.areas), target.areas(), rtol=1e-12)
    np.testing.assert_allclose(np.bincount(found.indices, found.areas), source.areas(), rtol=1e-12)


def test_moments_of_overlaps_add_up_to_those_of_boxes_by_quadrature():
    target = grid_boxes(Grid("O8")).boxes
    found = box_overlaps(grid_boxes(Grid("10/10")).boxes, target, np.arange(target.size), moments=True)
    moments = np.add.reduceat(found.moments, found.indptr[:-1])
    nodes, weights = np.polynomial.legendre.leggauss(12)
    north, west, south, east = (np.deg2rad(edge)[:, None, None] for edge in target.edges())
    latitude = 0.5 * (north + south) + 0.5 * (north - south) * nodes[:, None]
    longitude = 0.5 * (east + west) + 0.5 * (east - west) * nodes
    area = 0.25 * (north - south) * (east - west) * weights[:, None] * weights * np.cos(latitude)
    x, y = np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude)
    expected = np.stack([(area * part).sum(axis=(1, 2)) for part in (x, y, np.sin(latitude))], axis=1)
    np.testing.assert_allclose(moments, expected, atol=1e-14)


def test_overlaps_of_some_boxes_are_those_of_all():
    source, target = grid_boxes(Grid("O8")).boxes, grid_boxes(Grid("10/10")).boxes
    all_of_them = box_overlaps(source, target, np.arange(target.size))
    some = box_overlaps(source, target, np.array([17, 300]))
    expected = [all_of_them.areas[all_of_them.indptr[i] : all_of_them.indptr[i + 1]] for i in (17, 300)]
    np.testing.assert_array_equal(some.areas, np.concatenate(expected))


def test_longitudes_of_an_area_are_met_wherever_they_are_counted_from():
    globe = grid_boxes(Grid("10/10")).boxes
    area = grid_boxes(regular(10, 60, -20, 30, 20)).boxes
    elsewhere = grid_boxes(regular(5, 60, 340, 30, 380)).boxes
    for source, target in ((globe, area), (area, globe), (area, elsewhere), (elsewhere, area)):
        total = box_overlaps(source, target, np.arange(target.size)).areas.sum()
        assert total == pytest.approx(area.areas().sum(), rel=1e-12)


def test_grids_without_rows_have_no_boxes():
    grid = Grid.of("lambert", {"nx": 2}, ("y", "x"), (2, 2))
    with pytest.raises(GridError, match="do not stand in rows"):
        need_boxes(grid)
