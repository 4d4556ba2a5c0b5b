import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.geo import Grid
from dtedask.geo.grids.areas import EARTH_RADIUS_M
from dtedask.geo.interpolation.method import method_class

ROTATED = {"north": 90, "south": -90, "west": 0, "east": 340, "ni": 18, "nj": 10, "dx": 20, "dy": 20, "periodic": True}
POLE = {"south_pole_latitude": -35.0, "south_pole_longitude": 20.0, "angle": 0.0}
EARTH = {"semi_major": EARTH_RADIUS_M, "semi_minor": EARTH_RADIUS_M}
CONE = {"lov": 10.0, "lad": 50.0, "latin1": 50.0, "latin2": 50.0, "dx": 250e3, "dy": 250e3, "nx": 12, "ny": 10}
CORNER = {"southwest_latitude": 40.0, "southwest_longitude": 350.0}


def rotated():
    return Grid.of("rotated_ll", ROTATED | POLE, ("y", "x"), (10, 18))


def lambert():
    return Grid.of("lambert", EARTH | CONE | CORNER, ("y", "x"), (10, 12))


closed = st.sampled_from(["O4", "F4", "20/15", "H2", "H3", "H4-nested", "L12x6"]).map(Grid)
globes = closed | st.just(rotated())


def made(source, target, **options):
    kind = method_class("conservative")
    method = kind(kind.Options(**options))
    prepared = method.prepare(source, target)
    return prepared, method.block(prepared, source, target, 0, target.size)


@given(closed, closed)
def test_integrals_over_the_globe_are_kept_with_exact_areas(source, target):
    _, matrix = made(source, target)
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(target.areas() @ matrix, source.areas(), rtol=1e-12)
    assert (matrix.data > 0).all()
    assert matrix.has_sorted_indices


@pytest.mark.slow
@settings(max_examples=20)
@given(globes, globes)
def test_integrals_over_the_globe_are_kept_for_turned_grids_with_areas_of_outlines(source, target):
    prepared, matrix = made(source, target)
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(prepared.target_areas @ matrix, prepared.source_areas, rtol=1e-11)


@pytest.mark.slow
@settings(max_examples=20)
@given(globes)
def test_a_regional_map_keeps_what_is_in_it(source):
    _, matrix = made(source, lambert())
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=1e-12)
    back, _ = made(lambert(), source)
    held = np.asarray(back.source_areas @ matrix).sum()
    assert held == pytest.approx(lambert().areas().sum() / EARTH_RADIUS_M**2, rel=1e-12)


@pytest.mark.slow
def test_cells_that_are_covered_in_part_are_divided_by_what_is_asked_for():
    target = Grid("20/15")
    _, part = made(lambert(), target)
    _, whole = made(lambert(), target, normalisation="destination-area")
    covered = part.sum(axis=1) > 0
    np.testing.assert_allclose(part.sum(axis=1)[covered], 1.0, rtol=1e-12)
    assert 0 < whole.sum(axis=1).max() <= 1 + 1e-12
    inside = lambert().areas().sum()
    assert (target.areas() @ whole).sum() == pytest.approx(inside, rel=1e-12)
    _, most = made(lambert(), target, least_covered=0.5)
    np.testing.assert_array_equal(most.sum(axis=1) > 0.5, whole.sum(axis=1) >= 0.5)


def test_nested_healpix_is_averaged_over_the_four_cells_of_each():
    field = np.random.default_rng(2).normal(size=Grid("H8-nested").size)
    _, matrix = made(Grid("H8-nested"), Grid("H4-nested"))
    np.testing.assert_allclose(matrix @ field, field.reshape(-1, 4).mean(axis=1), rtol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["O4", "H2"])
def test_blocks_are_rows_of_the_whole(name):
    method = method_class("conservative")()
    source, target = Grid(name), rotated()
    prepared = method.prepare(source, target)
    whole = method.block(prepared, source, target, 0, target.size)
    assert abs(whole[30:90] - method.block(prepared, source, target, 30, 90)).max() == 0


def test_areas_of_a_global_grid_add_up_to_the_sphere():
    for grid in (Grid("O4"), Grid("H3"), rotated()):
        assert grid.areas().sum() == pytest.approx(4 * np.pi * EARTH_RADIUS_M**2, rel=1e-13)
