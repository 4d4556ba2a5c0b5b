"""Cells of the nodes of a mesh: their areas, and the faces between them.

The cell of a node is its median dual: its corners are the middles of the edges at the node and the centroids of the
elements around it, joined by great circles (Kühnlein et al. 2019, https://doi.org/10.5194/gmd-12-651-2019, on the
sphere itself instead of the plane of longitude and latitude).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dtedask.geo.meshes.connectivity import NONE, Edges, Integers
from dtedask.geo.meshes.sphere import Array, right_normals, solid_angles, unit

_BLOCK = 1 << 17
"""Edges that are done at once: what they need fits into the cache of a processor."""


@dataclass(frozen=True, slots=True, eq=False)
class Dual:
    """Cells of the nodes on the unit sphere.

    Parameters
    ----------
    areas : numpy.ndarray of float64, shape (nodes,)
        Steradians.
    faces : numpy.ndarray of float64, shape (3, edges)
        Normal of the face between the two cells of an edge, from the first to the second, times its length in radians.
    rims : numpy.ndarray of float64, shape (2, 3, boundary edges)
        Outward normals times lengths of the two halves of the edges where the mesh ends, of the first node's cell and
        of the second's.
    """

    areas: Array
    faces: Array
    rims: Array


def centroids(xyz: Array, elements: Integers) -> Array:
    """Return the mean of each element's nodes, on the unit sphere; shapes (3, nodes) and (3, elements)."""
    total = np.zeros((3, len(elements)))
    for corner in elements.T:
        total += np.where(corner == NONE, 0.0, xyz[:, corner])
    return unit(total)


def dual_of(xyz: Array, elements: Integers, edges: Edges) -> Dual:
    """Build the cells of all nodes, given their places in shape (3, nodes)."""
    areas, faces = np.zeros(xyz.shape[1]), np.zeros((3, len(edges.nodes)))
    middles = centroids(xyz, elements)
    for block in blocks(len(edges.nodes)):
        first, second = edges.nodes[block].T
        for ends, element, sign in zip(
            ((first, second), (second, first)), edges.elements[block].T, (1.0, -1.0), strict=True
        ):
            is_there = element != NONE
            a, b = ends[0][is_there], ends[1][is_there]
            face, of_a, of_b = sides(xyz[:, a], xyz[:, b], middles[:, element[is_there]])
            faces[:, block][:, is_there] += sign * face
            np.add.at(areas, a, of_a)
            np.add.at(areas, b, of_b)
    return Dual(areas, faces, rims_of(xyz, edges))


def sides(a: Array, b: Array, centre: Array) -> tuple[Array, Array, Array]:
    """Describe what lies between edges and the centres of the elements to their left.

    Parameters
    ----------
    a, b, centre : numpy.ndarray of float64, shape (3, edges)
        Start and end of each edge, and the centre to its left.

    Returns
    -------
    face : numpy.ndarray of float64, shape (3, edges)
        Normal towards `b` of the way from the edge's middle to the centre, times its length.
    of_a, of_b : numpy.ndarray of float64, shape (edges,)
        Areas on both sides of that way.
    """
    middle = unit(a + b)
    return right_normals(middle, centre), solid_angles(a, middle, centre), solid_angles(b, centre, middle)


def blocks(number: int) -> Iterator[slice]:
    """Cut a number of edges into parts."""
    for start in range(0, number, _BLOCK):
        yield slice(start, min(start + _BLOCK, number))


def rims_of(xyz: Array, edges: Edges) -> Array:
    """Return the outward normals of the halves of edges without an element on one side; see `Dual`."""
    is_rim = edges.is_boundary
    first, second = (xyz[:, node] for node in edges.nodes[is_rim].T)
    middle = unit(first + second)
    # The way along an edge with the outside to its right, or back along one with the outside to its left.
    sign = np.where(edges.elements[is_rim, 0] != NONE, 1.0, -1.0)
    return np.stack([right_normals(first, middle) * sign, right_normals(middle, second) * sign])


def element_areas(xyz: Array, elements: Integers) -> Array:
    """Return the areas of the elements in steradians, shape (elements,); places in shape (3, nodes)."""
    areas = np.zeros(len(elements))
    for corner in range(1, elements.shape[1] - 1):
        a, b, c = elements[:, 0], elements[:, corner], elements[:, corner + 1]
        angles = solid_angles(xyz[:, a], xyz[:, b], xyz[:, c])
        areas += np.where(c == NONE, 0.0, angles)
    return areas
