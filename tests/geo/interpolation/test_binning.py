import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.geo import Grid
from dtedask.geo.cells.of_grid import cells_of
from dtedask.geo.cells.places import cells_at
from dtedask.geo.grids.rows import Points
from dtedask.geo.interpolation.method import method_class

ROTATED = {"grid": "F6", "rotation": [-35, 20]}
globes = st.sampled_from(["O4", "F4", "20/15", "H2", "H4-nested", "CS-LFR-3", ROTATED]).map(Grid)
seeds = st.integers(0, 2**32 - 1)


def made(source, target):
    method = method_class("binning")()
    prepared = method.prepare(source, target)
    return method.block(prepared, source, target, 0, target.size)


@pytest.mark.slow
@given(globes)
def test_points_of_a_grid_lie_in_their_own_cells(grid):
    np.testing.assert_array_equal(cells_at(cells_of(grid), grid.points()), np.arange(grid.size))


@given(globes, seeds)
def test_random_points_all_lie_somewhere_and_as_often_as_cells_are_large(grid, seed):
    random = np.random.default_rng(seed)
    latitude = np.rad2deg(np.arcsin(random.uniform(-1, 1, 4000)))
    found = cells_at(cells_of(grid), Points(latitude, random.uniform(-360, 360, 4000)))
    assert (found >= 0).all()
    expected = 4000 * cells_of(grid).areas() / (4 * np.pi)
    assert (abs(np.bincount(found, minlength=grid.size) - expected) < 7 * np.sqrt(expected) + 5).all()


def test_means_are_of_the_points_that_fall_into_a_cell_of_a_nested_grid():
    source, target = Grid("H8-nested"), Grid("H2-nested")
    field = np.random.default_rng(2).normal(size=source.size)
    np.testing.assert_allclose(made(source, target) @ field, field.reshape(-1, 16).mean(axis=1), rtol=1e-13)


def test_cells_without_points_get_no_value():
    target = Grid("5/5")
    matrix = made(Grid("H2"), target)
    assert (np.diff(matrix.indptr) == 0).any()
    assert matrix.nnz == 48
    assert set(np.round(matrix.sum(axis=1), 12)) == {0.0, 1.0}


def test_points_outside_an_area_count_nowhere():
    target = Grid({"grid": [5, 5], "area": [60, -10, 30, 40]})
    matrix = made(Grid("2/2"), target)
    latitude, longitude = Grid("2/2").points()
    inside = (latitude <= 60) & (latitude >= 30) & ((longitude + 10) % 360 <= 50)
    np.testing.assert_array_equal(np.unique(matrix.indices), np.flatnonzero(inside))


@pytest.mark.parametrize("name", ["CS-LFR-4", "CS-EA-3", "CS-ED-2"])
def test_cells_of_the_cubed_sphere_cover_it(name):
    cells = cells_of(Grid(name))
    assert cells.areas().sum() == pytest.approx(4 * np.pi, rel=1e-13)
    assert cells.is_convex
    assert cells.areas().min() > 0


def test_unstructured_points_have_the_cells_nearest_to_them():
    points = Grid("O4").points()
    grid = Grid.unstructured(*points)
    assert grid.areas().sum() == pytest.approx(Grid("O4").areas().sum(), rel=1e-12)
    np.testing.assert_array_equal(cells_at(cells_of(grid), points), np.arange(grid.size))


@pytest.mark.slow
def test_points_of_a_part_of_the_globe_have_cells_that_end_near_them():
    random = np.random.default_rng(5)
    latitude, longitude = random.uniform(40, 50, 300), random.uniform(0, 10, 300)
    grid = Grid.unstructured(latitude, longitude)
    cells = cells_of(grid)
    square = np.deg2rad(10) * (np.sin(np.deg2rad(50)) - np.sin(np.deg2rad(40)))
    assert cells.areas().sum() == pytest.approx(square, rel=0.15)
    assert cells.areas().max() < 0.05 * square
    np.testing.assert_array_equal(cells_at(cells, grid.points()), np.arange(grid.size))
