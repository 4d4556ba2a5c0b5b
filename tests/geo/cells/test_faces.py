import healpix
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array, csr_array

from dtedask.geo import Grid
from dtedask.geo.cells.faces import boxes_in_cells, cells_in_boxes, faces_of, meet_faces
from dtedask.geo.cells.rows import grid_boxes

names = st.sampled_from(["H1", "H3", "H4-nested", "H5", "H8"])
boxes = st.sampled_from(["O4", "F4", "20/15", "L3x5", "L1x2", "12/7.5"])


def matrix(found, columns):
    return csr_array((found.areas, found.indices, found.indptr), shape=(found.indptr.size - 1, columns))


@pytest.mark.slow
@settings(max_examples=20)
@given(names, boxes)
def test_boxes_and_healpix_fill_each_other(name, box):
    faces, boxes = faces_of(Grid(name)), grid_boxes(Grid(box)).boxes
    found = matrix(cells_in_boxes(faces, boxes, np.arange(boxes.size)), faces.size)
    np.testing.assert_allclose(found.sum(axis=1), boxes.areas(), rtol=1e-12)
    np.testing.assert_allclose(found.sum(axis=0), faces.areas(), rtol=1e-12)
    turned = matrix(boxes_in_cells(boxes, faces, np.arange(faces.size)), boxes.size)
    assert abs(found.T - turned).max() < 1e-14


@pytest.mark.slow
@given(names, names)
def test_healpix_fills_healpix(source, target):
    source, target = faces_of(Grid(source)), faces_of(Grid(target))
    found = matrix(meet_faces(source, target, np.arange(target.size)), source.size)
    np.testing.assert_allclose(found.sum(axis=1), target.areas(), rtol=1e-12)
    np.testing.assert_allclose(found.sum(axis=0), source.areas(), rtol=1e-12)


@pytest.mark.slow
def test_random_points_fall_into_overlaps_as_often_as_these_are_large():
    number = 400_000
    random = np.random.default_rng(1)
    latitude = np.rad2deg(np.arcsin(random.uniform(-1, 1, number)))
    longitude = random.uniform(0, 360, number)
    cell = healpix.ang2pix(3, longitude, latitude, lonlat=True)
    boxes = grid_boxes(Grid("20/15")).boxes
    row = np.searchsorted(-boxes.south, -latitude)
    column = np.floor((longitude - boxes.west[row]) / boxes.step[row]).astype(int) % boxes.count[row]
    ones = np.full(number, 4 * np.pi / number)
    shape = (boxes.size, 108)
    counted = coo_array((ones, (boxes.first[row] + column, cell)), shape=shape).toarray()
    found = matrix(cells_in_boxes(faces_of(Grid("H3")), boxes, np.arange(boxes.size)), 108).toarray()
    spread = np.sqrt(found * 4 * np.pi / number)
    assert (abs(found - counted) <= 5 * spread).all()


def test_a_finer_nested_grid_has_four_cells_in_each():
    source, target = faces_of(Grid("H8-nested")), faces_of(Grid("H4-nested"))
    found = meet_faces(source, target, np.arange(target.size))
    np.testing.assert_array_equal(np.sort(found.indices.reshape(-1, 4)), np.arange(source.size).reshape(-1, 4))


def test_grids_turned_by_a_quarter_share_their_faces():
    turned = Grid.of("healpix", {"nside": 2, "ordering": "ring", "first_longitude": 135.0}, ("values",), (48,))
    target = faces_of(turned)
    found = meet_faces(faces_of(Grid("H2")), target, np.arange(48))
    place, turned_place = Grid("H2").points(), turned.points()
    np.testing.assert_allclose(place.latitude[found.indices], turned_place.latitude)
    np.testing.assert_allclose(place.longitude[found.indices] % 360, turned_place.longitude % 360, atol=1e-9)


@pytest.mark.parametrize("turn", [0.0, 10.0])
def test_points_of_healpix_lie_in_the_boxes_that_their_cells_meet(turn):
    said = {"nside": 4, "ordering": "ring", "first_longitude": 45.0 + turn}
    grid = Grid.of("healpix", said, ("values",), (192,))
    boxes, faces = grid_boxes(Grid("10/10")).boxes, faces_of(grid)
    found = matrix(boxes_in_cells(boxes, faces, np.arange(faces.size)), boxes.size)
    latitude, longitude = grid.points()
    row = np.searchsorted(-boxes.south, -latitude)
    column = np.floor((longitude - boxes.west[row]) / boxes.step[row]).astype(int) % boxes.count[row]
    assert (found[np.arange(192), boxes.first[row] + column] > 0).all()
