"""Finite volumes of the nodes of a mesh: their areas, and the faces between them.

On triangles these are the medians' dual cells. A quadrilateral counts as the mean of the two ways to cut it into
triangles: then the gradient of a linear field is exact on any mesh in the plane, while the medians of a quadrilateral
give that only where it is a parallelogram.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dtedask.core.errors import GridError
from dtedask.geo.meshes.connectivity import NONE, Integers, sizes
from dtedask.geo.meshes.dual import blocks, sides
from dtedask.geo.meshes.sphere import Array, unit
from dtedask.geo.meshes.value import Mesh


@dataclass(frozen=True, slots=True, eq=False)
class Volumes:
    """Finite volumes on the unit sphere.

    Parameters
    ----------
    areas : numpy.ndarray of float64, shape (nodes,)
        Steradians; their sum is the mesh's area.
    pairs : numpy.ndarray of int64, shape (faces, 2)
        The two nodes between which a face lies: those of the mesh's edges, then of the quadrilaterals' diagonals.
    faces : numpy.ndarray of float64, shape (3, faces)
        Normal of each face, from the first node to the second, times its length in radians.
    """

    areas: Array
    pairs: Integers
    faces: Array


def volumes_of(mesh: Mesh) -> Volumes:
    """Build the finite volumes of all nodes.

    Raises
    ------
    GridError
        If an element has more than four nodes.
    """
    number = sizes(mesh.elements)
    if number.max() > 4:
        raise GridError(
            f"An element of {mesh!r} has {number.max()} nodes.",
            hint="Operators take triangles and quadrilaterals: build the mesh with kind='delaunay'.",
        )
    squares = mesh.elements[number == 4] if mesh.elements.shape[1] == 4 else np.zeros((0, 4), np.int64)
    pairs = np.concatenate([mesh.edges.nodes, squares[:, 0::2], squares[:, 1::2]])
    volumes = Volumes(np.zeros(mesh.nodes), pairs, np.zeros((3, len(pairs))))
    xyz = np.ascontiguousarray(mesh.xyz.T)
    for block in blocks(len(mesh.edges.nodes)):
        _add_edges(mesh, number, xyz, volumes, block)
    for block in blocks(len(squares)):
        _add_diagonals(squares[block], xyz, volumes, len(mesh.edges.nodes) + block.start, len(squares))
    return volumes


def _add_edges(mesh: Mesh, number: Integers, xyz: Array, volumes: Volumes, block: slice) -> None:
    """Add what the triangles beside edges give; a quadrilateral has two at each edge, each counts half."""
    first, second = mesh.edges.nodes[block].T
    faces = volumes.faces[:, block]
    left, right = mesh.edges.elements[block].T
    for start, end, element, sign in ((first, second, left, 1.0), (second, first, right, -1.0)):
        for corner in range(mesh.elements.shape[1]):
            third = np.where(element == NONE, NONE, mesh.elements[element, corner])
            is_there = (third != NONE) & (third != start) & (third != end)
            nodes = start[is_there], end[is_there], third[is_there]
            share = 1.0 / (number[element[is_there]] - 2)
            faces[:, is_there] += sign * _added(volumes.areas, xyz, nodes, share)


def _add_diagonals(squares: Integers, xyz: Array, volumes: Volumes, first: int, count: int) -> None:
    """Add the faces between nodes that are opposite in a quadrilateral, which is cut along both diagonals."""
    for way in range(2):
        a, b, c, d = (squares[:, (way + corner) % 4] for corner in range(4))
        here = volumes.faces[:, first + way * count :][:, : len(squares)]
        here += _added(volumes.areas, xyz, (a, c, d), 0.5)
        here -= _added(volumes.areas, xyz, (c, a, b), 0.5)


def _added(areas: Array, xyz: Array, nodes: tuple[Integers, Integers, Integers], share: Array | float) -> Array:
    """Add the areas beside the first edge of triangles, and return the faces across it."""
    a, b, c = (xyz[:, node] for node in nodes)
    face, of_a, of_b = sides(a, b, unit(a + b + c))
    np.add.at(areas, nodes[0], of_a * share)
    np.add.at(areas, nodes[1], of_b * share)
    return face * share
