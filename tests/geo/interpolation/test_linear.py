import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.geo import Grid

TURNED = [
    # of its points at its pole nobody on the Earth knows the longitude
    {"grid": [10, 15], "rotation": [-40, 20, 5]},
    {"grid": "O8", "rotation": [30, -20]},
    {"grid": "F4", "stretching": [2.4, 46, 2]},
]
names = st.sampled_from(["O8", "F4", "20/15", "H2", "H4-nested", "12/7.5", "L12x6", "N32", *TURNED])
AREA = (10, (60, -30, 20, 40))


@pytest.mark.parametrize(
    ("source", "target"),
    [("O32", "2/2"), ("F8", "5/5"), ("10/10", "5/5"), ("N32", "2/2"), ("1.5/1.5", "O32"), ("O16", "H16")],
)
def test_triangles_are_those_of_mir_between_the_outermost_rows(source, target, weights, mir, grid):
    ours, theirs = weights("linear", source, target), mir("linear", source, target)
    away = np.asarray(abs(ours - theirs).max(axis=1).todense()).ravel()
    latitude = grid(target).points().latitude
    outermost = grid(source).structure().latitude[[0, -1]]
    is_between = (latitude < outermost[0]) & (latitude > outermost[1]) & (np.abs(latitude) < 80)
    assert away[is_between].max() < 1e-9


@pytest.mark.slow
@given(source=names, target=names)
def test_corners_are_around_the_point(source, target, weights, vectors):
    matrix, corners, points = weights("linear", source, target), vectors(source), vectors(target)
    seen = matrix @ corners
    height = np.linalg.norm(seen, axis=1)
    np.testing.assert_allclose(seen / height[:, None], points, atol=1e-11)
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=1e-12)
    assert (matrix.data > 0).all()
    assert matrix.has_sorted_indices


@given(source=names.filter(lambda said: said != TURNED[0]))
def test_points_of_the_source_are_taken_as_they_are(source, weights, grid):
    matrix = weights("linear", source, source)
    is_polar = np.abs(grid(source).points().latitude) == 90
    assert (np.diff(matrix.indptr) == 1).all()
    np.testing.assert_array_equal(matrix.data, 1.0)
    np.testing.assert_array_equal(matrix.indices[~is_polar], np.flatnonzero(~is_polar))


@given(source=names)
def test_the_pole_of_a_grid_without_points_there_is_the_mean_of_the_row_around_it(source, weights, grid):
    rows = grid(source).structure()
    if rows is None or rows.latitude[0] == 90:
        return
    matrix = weights("linear", source, "90/90")
    np.testing.assert_allclose(matrix[[0]].toarray()[0, : rows.count[0]], 1 / rows.count[0])


@settings(max_examples=20)
@given(longitude=st.floats(-30, 40), latitude=st.floats(20, 60))
def test_inside_of_an_area_all_points_have_values(longitude, latitude, weights, grid):
    target = (1, (latitude, longitude, latitude, longitude))
    assert weights("linear", AREA, target).sum() == pytest.approx(1)


def test_outside_of_an_area_is_nothing_unless_the_nearest_point_is_wanted(weights, grid):
    latitude, longitude = grid("5/5").points()
    is_inside = (latitude <= 60) & (latitude >= 20) & ((longitude <= 40) | (longitude >= 330))
    lengths = np.diff(weights("linear", AREA, "5/5").indptr)
    np.testing.assert_array_equal(lengths > 0, is_inside)
    filled = weights("linear", AREA, "5/5", outside="nearest")
    assert (np.diff(filled.indptr)[~is_inside] == 1).all()


def test_blocks_are_parts_of_the_whole(weights, grid):
    from dtedask.geo.interpolation.linear import Linear

    source, target = grid("O8"), grid("5/5")
    prepared = Linear().prepare(source, target)
    part = Linear().block(prepared, source, target, 100, 333)
    assert abs(part - weights("linear", source, target)[100:333]).nnz == 0


@pytest.mark.parametrize("method", ["linear", "bilinear", "bicubic", "nearest"])
@pytest.mark.parametrize("name", ["O32", "N32", "F16"])
def test_inside_of_part_of_a_gaussian_grid_all_points_have_values_of_the_whole(method, name, weights, grid):
    part = Grid({"grid": name, "area": [60, 10, 20, 60]})
    latitude, longitude = grid("2/2").points()
    north, west, south, east = part.bounding_box
    step = part.structure().step.max()
    is_inside = (latitude < north - 6) & (latitude > south + 6) & (longitude > west + step) & (longitude < east - step)
    matrix, whole = weights(method, part, "2/2")[is_inside], weights(method, name, "2/2")[is_inside]
    assert (np.diff(matrix.indptr) > 0).all()
    field = np.cos(np.deg2rad(3 * part.points().latitude)), np.cos(np.deg2rad(3 * grid(name).points().latitude))
    np.testing.assert_allclose(matrix @ field[0], whole @ field[1], atol=2e-3 if method == "linear" else 1e-12)


@pytest.mark.parametrize("line", [(10, (50, 0, 50, 40)), (10, (50, 20, 10, 20)), (10, (50, 20, 50, 20))])
def test_lines_of_points_are_linear_along_themselves(line, weights, grid):
    north, west = line[1][:2]
    finer = (5, line[1])
    points, found = grid(line).points(), weights("linear", line, finer)
    np.testing.assert_allclose(found @ points.latitude, grid(finer).points().latitude)
    np.testing.assert_allclose(found @ points.longitude, grid(finer).points().longitude)
    assert weights("linear", line, (1, (north + 1, west, north + 1, west))).nnz == 0


@pytest.mark.parametrize("name", ["F1", "L3x3", "L4x2", "H1", "O1"])
def test_the_coarsest_grids_cover_the_globe(name, weights):
    np.testing.assert_allclose(weights("linear", name, "20/15").sum(axis=1), 1.0, rtol=1e-12)
