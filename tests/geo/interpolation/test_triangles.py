import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import GridError
from dtedask.geo import Grid, Points
from dtedask.geo.interpolation.cloud import unit_vectors
from dtedask.geo.interpolation.linear import Linear
from dtedask.geo.interpolation.triangles import Triangles


def scattered(count, seed=0):
    random = np.random.default_rng(seed)
    return Points(np.rad2deg(np.arcsin(random.uniform(-1, 1, count))), random.uniform(0, 360, count))


@pytest.mark.slow
@settings(max_examples=30)
@given(count=st.integers(30, 300), seed=st.integers(0, 100))
def test_corners_are_around_the_point_wherever_the_points_are(count, seed):
    source, target = scattered(count, seed), scattered(200, seed + 1)
    columns, weights = Triangles.of(source).weights(*target)
    seen = np.sum(weights[:, :, None] * unit_vectors(*source)[columns], axis=1)
    np.testing.assert_allclose(seen / np.linalg.norm(seen, axis=1)[:, None], unit_vectors(*target), atol=1e-11)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-12)


def test_points_of_the_source_are_taken_as_they_are():
    source = scattered(500)
    columns, weights = Triangles.of(source).weights(*source)
    best = np.argmax(weights, axis=1)[:, None]
    np.testing.assert_array_equal(np.take_along_axis(columns, best, 1)[:, 0], np.arange(500))
    np.testing.assert_allclose(np.take_along_axis(weights, best, 1), 1, rtol=1e-12)


def test_of_points_at_the_same_place_the_first_is_taken():
    once = scattered(100)
    twice = Points(np.tile(once.latitude, 2), np.tile(once.longitude, 2) + np.repeat([0, 360.0], 100))
    columns, _ = Triangles.of(twice).weights(*scattered(300, 3))
    assert columns.max() < 100


@pytest.mark.parametrize("source", ["O8", "H4"])
def test_triangles_of_rows_as_points_are_the_best_there_are(source, grid):
    """Delaunay's triangles and those between rows differ, yet of a smooth field they say the same."""
    target = grid("7.5/9")

    def smooth(points):
        x, y, z = unit_vectors(*points).T
        return 1 + x * y + z

    columns, weights = Triangles.of(grid(source).points()).weights(*target.points())
    values = np.sum(weights * smooth(grid(source).points())[columns], axis=1)
    assert np.abs(values - smooth(target.points())).max() < 0.1


def part_of_healpix():
    return Grid("H16").within((60, 0, 20, 50))


def test_outside_of_a_region_is_nothing_unless_the_nearest_point_is_wanted(weights, grid):
    matrix = weights("linear", part_of_healpix(), "5/5")
    latitude, longitude = grid("5/5").points()
    is_inside = (latitude < 55) & (latitude > 25) & (longitude < 45) & (longitude > 5)
    is_outside = (latitude > 65) | (latitude < 15) | ((longitude > 55) & (longitude < 355))
    lengths = np.diff(matrix.indptr)
    assert (lengths[is_inside] > 0).all()
    assert (lengths[is_outside] == 0).all()
    filled = weights("linear", part_of_healpix(), "5/5", outside="nearest")
    np.testing.assert_allclose(filled.sum(axis=1), 1.0, rtol=1e-12)


def test_triangles_with_long_edges_are_left_out(weights):
    few = weights("linear", part_of_healpix(), "2/2", longest_edge_m=8e5)
    many = weights("linear", part_of_healpix(), "2/2")
    assert 0 < few.nnz < many.nnz
    with pytest.raises(GridError, match="too long"):
        weights("linear", part_of_healpix(), "2/2", longest_edge_m=1e3)


def test_what_is_prepared_can_be_sent_to_workers():
    source, target = part_of_healpix(), Grid("5/5")
    prepared = Linear().prepare(source, target)
    sent = pickle.loads(pickle.dumps(prepared))
    first, second = (Linear().block(one, source, target, 500, 900) for one in (prepared, sent))
    assert abs(first - second).nnz == 0


def test_too_few_points_have_no_triangles():
    with pytest.raises(GridError, match="3 points"):
        Triangles.of(scattered(3))


def test_points_that_a_map_has_no_place_for_are_neither_source_nor_target(weights):
    space_view = "+proj=geos +h=35785831 +lon_0=0 +a=6371229 +b=6371229"
    place = {"projection": space_view, "x": -6e6, "y": -6e6, "dx": 5e5, "dy": 5e5, "nx": 25, "ny": 25}
    disk = Grid.of("projected", place, ("y", "x"), (25, 25))
    latitude, longitude = disk.points()
    assert np.isnan(latitude).any()
    for method in ("linear", "nearest", "bilinear"):
        onto = weights(method, "O16", disk)
        np.testing.assert_array_equal(np.diff(onto.indptr) > 0, np.isfinite(latitude))
    back = weights("nearest", disk, "5/5", outside="nearest")
    assert np.isfinite(latitude[back.indices]).all()
    columns, _ = Triangles.of(Points(latitude, longitude)).weights(np.array([0.0, np.nan]), np.array([0.0, 1.0]))
    assert columns[1, 0] == -1


@pytest.mark.parametrize("name", ["CS-LFR-6", "CS-EA-5"])
def test_cubed_spheres_cover_the_globe(name, weights, vectors):
    matrix = weights("linear", name, "7.5/9")
    seen = matrix @ vectors(name)
    np.testing.assert_allclose(seen / np.linalg.norm(seen, axis=1)[:, None], vectors("7.5/9"), atol=1e-11)
