import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import GridError
from dtedask.geo import Grid
from dtedask.geo.cells.clipping import polygons_in_boxes, polygons_in_polygons
from dtedask.geo.cells.of_grid import cells_of, outlines
from dtedask.geo.cells.rows import grid_boxes
from dtedask.geo.cells.voronoi import voronoi

seeds = st.integers(0, 2**32 - 1)


def random_points(seed, number):
    points = np.random.default_rng(seed).normal(size=(number, 3))
    points[:6] = [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]]  # no half of the globe is free
    return points / np.linalg.norm(points, axis=1)[:, None]


def all_pairs(one, other):
    return (index.ravel() for index in np.meshgrid(np.arange(one), np.arange(other), indexing="ij"))


@pytest.mark.slow
@settings(max_examples=20)
@given(seeds)
def test_voronoi_cells_cover_the_sphere_and_hold_their_points(seed):
    points = random_points(seed, 40)
    cells = voronoi(points)
    assert cells.areas().sum() == pytest.approx(4 * np.pi, rel=1e-13)
    assert cells.is_convex
    owner = np.repeat(np.arange(40), np.diff(cells.starts))
    distance = np.linalg.norm(cells.vertices[:, None] - points, axis=2)
    np.testing.assert_allclose(distance[np.arange(len(owner)), owner], distance.min(axis=1), atol=1e-9)


@pytest.mark.slow
@settings(max_examples=20)
@given(seeds, seeds)
def test_polygons_fill_each_other(seed, other):
    one, two = voronoi(random_points(seed, 30)), voronoi(random_points(other, 20))
    i, j = all_pairs(30, 20)
    shapes = (one.starts, one.vertices, two.starts, two.vertices, two.centres)
    areas, moments = polygons_in_polygons(i, j, *shapes, True)
    np.testing.assert_allclose(np.bincount(i, areas), one.areas(), rtol=1e-11)
    np.testing.assert_allclose(np.bincount(j, areas), two.areas(), rtol=1e-11)
    for axis in range(3):
        np.testing.assert_allclose(np.bincount(j, moments[:, axis]), two.measures[1][:, axis], atol=1e-14)
    in_triangles, _ = polygons_in_polygons(i, j, *shapes, False)
    np.testing.assert_allclose(in_triangles, areas, atol=1e-14)


@pytest.mark.slow
@settings(max_examples=20)
@given(seeds, st.sampled_from(["O4", "20/15", "L3x5", "L1x2", "H2"]))
def test_polygons_and_boxes_fill_each_other(seed, name):
    polygons, boxes = voronoi(random_points(seed, 25)), grid_boxes(Grid(name)).boxes
    i, j = all_pairs(25, boxes.size)
    areas, moments = polygons_in_boxes(i, j, polygons.starts, polygons.vertices, *boxes.edges())
    np.testing.assert_allclose(np.bincount(i, areas), polygons.areas(), rtol=1e-11)
    np.testing.assert_allclose(np.bincount(j, areas), boxes.areas(), rtol=1e-11)
    for axis in range(3):
        np.testing.assert_allclose(np.bincount(i, moments[:, axis]), polygons.measures[1][:, axis], atol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["O4", "N32", "10/10", "L3x5", "H1", "H4-nested"])
def test_outlines_leave_no_gaps(name):
    shapes = outlines(cells_of(Grid(name)))
    assert shapes.areas().sum() == pytest.approx(4 * np.pi, rel=1e-13)
    np.testing.assert_allclose(shapes.areas(), cells_of(Grid(name)).areas(), rtol=0.01)
    np.testing.assert_allclose(shapes.measures[1].sum(axis=0), 0.0, atol=1e-13)


def test_points_that_coincide_have_no_cells():
    points = random_points(1, 10)
    points[8] = points[7]
    with pytest.raises(GridError, match="cells of 10 points"):
        voronoi(points)
