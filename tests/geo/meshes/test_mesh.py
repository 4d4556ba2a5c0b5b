"""Meshes of grids: they cover the globe once, as Atlas' do, and go to other programs and back."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import GridError
from dtedask.geo import Grid
from dtedask.geo.meshes import Mesh, delaunay, mesh
from dtedask.geo.meshes.connectivity import sizes

TURNED = [-30, 20]
GLOBAL = ["O8", "N16", "F8", "10/10", "L16x9", "S16x8", "H1", "H4", "H4-nested", "CS-LFR-6"]
GLOBAL += [{"grid": name, "rotation": TURNED} for name in ("O8", "F8", [10, 10])]


def kinds(found: Mesh) -> dict[int, int]:
    return dict(zip(*(part.tolist() for part in np.unique(sizes(found.elements), return_counts=True)), strict=True))


def scattered(seed: int, number: int) -> tuple[np.ndarray, np.ndarray]:
    places = np.random.default_rng(seed).normal(size=(number, 3))
    x, y, z = (places / np.linalg.norm(places, axis=1, keepdims=True)).T
    return np.degrees(np.arcsin(z)), np.degrees(np.arctan2(y, x)) % 360


@pytest.mark.parametrize("name", GLOBAL, ids=str)
@pytest.mark.parametrize("kind", [None, "delaunay"])
def test_global_meshes_are_spheres_without_gaps(name, kind):
    found = mesh(Grid(name), kind=kind)
    assert found.is_closed
    assert found.euler_characteristic == 2
    assert found.dual.areas.sum() == pytest.approx(4 * np.pi, rel=1e-13)
    assert found.dual.areas.min() > 0
    assert found.element_areas.min() > 0
    assert found.element_areas.sum() == pytest.approx(found.dual_areas.sum(), rel=1e-13)


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(40, 200))
def test_any_points_have_a_delaunay_mesh(seed, number):
    found = delaunay(*scattered(seed, number))
    assert found.euler_characteristic == 2
    assert found.dual.areas.sum() == pytest.approx(4 * np.pi)


def test_no_point_lies_inside_the_circle_of_a_delaunay_triangle():
    found = delaunay(*scattered(1, 60))
    a, b, c = (found.xyz[found.elements[:, corner]] for corner in range(3))
    axis = np.cross(b - a, c - a)
    height = (axis @ found.xyz.T) - np.einsum("ti,ti->t", axis, a)[:, None]
    assert height.max() < 1e-12


@pytest.mark.parametrize(
    ("name", "poles", "counts"),
    [
        ("O8", "open", {3: 952, 4: 48}),
        ("O8", "patch", {3: 988, 4: 48}),
        ("N16", "open", {3: 1176, 4: 1080}),
        ("H8", "patch", {3: 8, 4: 762}),
    ],
)
def test_structured_meshes_have_the_elements_of_atlas(name, poles, counts):
    assert kinds(mesh(Grid(name), poles=poles)) == counts


def test_regular_grids_are_quadrilaterals_with_triangles_at_the_poles():
    found = mesh(Grid("10/10"))
    assert kinds(found) == {3: 72, 4: 36 * 16}
    assert (found.nodes, found.points) == (2 + 36 * 17, 36 * 19)
    assert len(np.unique(found.node_of_point[:36])) == 1


def test_turned_grids_have_the_elements_of_those_that_are_not():
    for name in ("O8", [10, 10]):
        turned, straight = mesh(Grid({"grid": name, "rotation": TURNED})), mesh(Grid({"grid": name}))
        np.testing.assert_array_equal(turned.elements, straight.elements)
        np.testing.assert_allclose(turned.dual_areas, straight.dual_areas, rtol=1e-6)


def test_maps_are_tables_of_quadrilaterals():
    described = {"nx": 5, "ny": 4, "dx": 1e4, "dy": 1e4, "lad": 50.0, "lov": 8.0, "latin1": 50.0, "latin2": 50.0}
    described |= {"southwest_latitude": 45.0, "southwest_longitude": 5.0}
    described |= {"semi_major": 6371229.0, "semi_minor": 6371229.0}
    found = mesh(Grid.of("lambert", described, ("y", "x"), (4, 5)))
    assert kinds(found) == {4: 12}
    assert found.dual_areas.sum() == pytest.approx(12e8, rel=0.01)


def test_rows_without_patches_leave_a_hole_at_each_pole():
    found = mesh(Grid("O8"), poles="open")
    assert not found.is_closed
    assert found.euler_characteristic == 0
    assert found.edges.is_boundary.sum() == 40


def test_a_region_has_an_edge_and_the_area_of_its_elements():
    place = {"north": 60.0, "west": -10.0, "south": 50.0, "east": 20.0, "dx": 1.0, "dy": 1.0}
    described = place | {"ni": 31, "nj": 11, "periodic": False}
    grid = Grid.of("regular_ll", described, ("latitude", "longitude"), (11, 31))
    for kind in ("structured", "delaunay"):
        found = mesh(grid, kind=kind)
        assert found.euler_characteristic == 1
        assert found.dual_areas.sum() == pytest.approx(found.element_areas.sum(), rel=1e-12)


def test_elements_go_around_counter_clockwise_and_edges_know_both_sides():
    found = mesh(Grid("O8"))
    left = found.elements[found.edges.elements[:, 0]]
    first, second = found.edges.nodes.T
    at = (left == first[:, None]).argmax(axis=1)
    after = np.take_along_axis(left, ((at + 1) % sizes(left))[:, None], axis=1)[:, 0]
    np.testing.assert_array_equal(after, second)


def test_edges_of_a_node_are_those_that_name_it():
    found = mesh(Grid("H4"))
    offsets, edges = found.node_edges
    for node in (0, 17, found.nodes - 1):
        expected = np.flatnonzero((found.edges.nodes == node).any(axis=1))
        np.testing.assert_array_equal(np.sort(edges[offsets[node] : offsets[node + 1]]), expected)


def test_both_orders_of_healpix_have_one_mesh():
    from dtedask.geo import places_of

    ring, nested = mesh(Grid("H4")), mesh(Grid("H4-nested"))
    to_ring = places_of(4, "nested")
    moved = np.where(nested.elements < 0, -1, to_ring[nested.elements])
    assert {frozenset(element) for element in moved.tolist()} == {frozenset(e) for e in ring.elements.tolist()}


def test_meshes_are_values_and_travel_as_their_grid():
    found = mesh(Grid("O8"))
    sent = pickle.dumps(found)
    assert len(sent) < 2000
    assert pickle.loads(sent) == found
    loose = delaunay(*scattered(2, 30))
    assert pickle.loads(pickle.dumps(loose)) == loose != found
    assert hash(pickle.loads(pickle.dumps(loose))) == hash(loose)


def test_a_mesh_shows_what_it_is():
    found = mesh(Grid("O8"))
    assert repr(found) == "<Mesh O8 structured: 544 nodes, 1,578 edges, 988 triangles, 48 quadrilaterals>"
    assert "covers the globe" in found._repr_html_()


def test_what_cannot_be_a_mesh_is_refused():
    with pytest.raises(GridError, match="no HEALPix grid"):
        mesh(Grid("O8"), kind="healpix")
    with pytest.raises(GridError, match="no Delaunay mesh"):
        delaunay([0, 0, 0], [0, 10, 20])
    with pytest.raises(GridError, match="no coordinates"):
        delaunay([0, 0, np.nan, 50], [0, 10, 20, 30])
    with pytest.raises(GridError, match="no mesh of kind"):
        mesh(Grid("O8"), kind="hexagons")
