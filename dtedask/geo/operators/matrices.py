"""Gradient and divergence on the cells of a mesh's nodes, as sparse matrices.

With the cells' areas A, the normals S of the faces between two cells (their lengths times unit vectors, in three
dimensions) and winds V as vectors in three dimensions, Gauss' theorem says (Kühnlein et al. 2019,
https://doi.org/10.5194/gmd-12-651-2019):

    A_i div(V)_i  = sum over edges ij of  S_ij . (V_i + V_j) / 2
    A_i grad(f)_i = sum over edges ij of  S_ij (f_j + f_i) / 2  -  f_i sum over edges ij of  S_ij

The second sum of the gradient is what the sphere's curvature adds: a constant has no gradient. The two are adjoint,

    sum over i of  A_i f_i div(V)_i  =  - sum over i of  A_i grad(f)_i . V_i,

and what leaves a cell enters its neighbour, so that the integral of a divergence over the globe is 0.

Where the mesh ends, half an edge belongs to each cell; there a field is weighed 5/6 at the cell's own node and 1/6 at
the other (Barth 1992, AGARD R-787), with which the gradient of a linear field is exact on triangles in the plane.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dtedask.geo.meshes.connectivity import Integers
from dtedask.geo.meshes.dual import blocks, rims_of
from dtedask.geo.meshes.sphere import EARTH_RADIUS_M, Array, frames
from dtedask.geo.meshes.value import Mesh
from dtedask.geo.operators.volumes import Volumes, volumes_of

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_OWN, _OTHER = 5.0 / 6.0, 1.0 / 6.0


@dataclass(frozen=True, slots=True, eq=False)
class NodeMatrices:
    """Operators from nodes to nodes, each of shape (nodes, nodes).

    Parameters
    ----------
    east, north : scipy.sparse.csr_array
        The two parts of the gradient, per m.
    from_east, from_north : scipy.sparse.csr_array
        The divergence of a wind to the east, and of one to the north, per m.
    areas : numpy.ndarray of float64, shape (nodes,)
        Of the nodes' volumes, in m2.
    """

    east: csr_array
    north: csr_array
    from_east: csr_array
    from_north: csr_array
    areas: Array


@dataclass(frozen=True, slots=True, eq=False)
class _Terms:
    """Entries of the operators before division by areas: rows, columns, and vectors in three dimensions."""

    row: Integers
    column: Integers
    vector: Array


def node_matrices(mesh: Mesh) -> NodeMatrices:
    """Build gradient and divergence on the nodes of a mesh."""
    volumes = volumes_of(mesh)
    between, rims = _between(volumes), _rims(mesh)
    own = _sums(between, mesh.nodes)
    rim_own, rim_other = (_sums(_scaled(rims, weight), mesh.nodes) for weight in (_OWN, _OTHER))
    aside, node = _joined(between, _scaled(rims, _OTHER)), np.arange(mesh.nodes)
    row, column = np.concatenate([aside.row, node]), np.concatenate([aside.column, node])
    make = _maker(row, column, volumes.areas)
    east, north = frames(mesh.latitude, mesh.longitude)
    slope, spread = -own - rim_other, own + rim_own
    return NodeMatrices(
        east=make(_along(aside, slope, east, row)),
        north=make(_along(aside, slope, north, row)),
        from_east=make(_along(aside, spread, east, column)),
        from_north=make(_along(aside, spread, north, column)),
        areas=volumes.areas * EARTH_RADIUS_M**2,
    )


def _between(volumes: Volumes) -> _Terms:
    """Halves of the faces' normals, from each side."""
    first, second = volumes.pairs.T
    half = 0.5 * volumes.faces.T
    return _Terms(np.concatenate([first, second]), np.concatenate([second, first]), np.concatenate([half, -half]))


def _rims(mesh: Mesh) -> _Terms:
    """Outward normals of the halves of edges where the mesh ends."""
    first, second = mesh.edges.nodes[mesh.edges.is_boundary].T
    rims = rims_of(np.ascontiguousarray(mesh.xyz.T), mesh.edges)
    return _Terms(
        np.concatenate([first, second]), np.concatenate([second, first]), np.concatenate([rims[0].T, rims[1].T])
    )


def _scaled(terms: _Terms, factor: float) -> _Terms:
    return _Terms(terms.row, terms.column, factor * terms.vector)


def _joined(*terms: _Terms) -> _Terms:
    filled = [some for some in terms if some.row.size]
    if len(filled) == 1:
        return filled[0]
    return _Terms(
        np.concatenate([some.row for some in terms]),
        np.concatenate([some.column for some in terms]),
        np.concatenate([some.vector for some in terms]),
    )


def _sums(terms: _Terms, nodes: int) -> Array:
    """Sum of the vectors of each row, shape (nodes, 3)."""
    return np.stack([np.bincount(terms.row, terms.vector[:, axis], nodes) for axis in range(3)], axis=1)


def _along(aside: _Terms, own: Array, direction: Array, node: Integers) -> Array:
    """Parts of the entries' vectors, and of each node's own, along the directions of nodes."""
    found = np.empty(node.size)
    for block in blocks(len(aside.vector)):
        found[block] = np.einsum("ti,ti->t", aside.vector[block], direction[node[block]])
    found[len(aside.vector) :] = np.einsum("ti,ti->t", own, direction)
    return found


def _maker(row: Integers, column: Integers, areas: Array) -> Callable[[Array], csr_array]:
    """Return a function that makes a matrix of its entries, those at one place added, divided by the rows' areas."""
    from scipy.sparse import csr_array

    place, slot = np.unique(row * areas.size + column, return_inverse=True)
    rows, columns = np.divmod(place, areas.size)
    index = np.int32 if place.size < np.iinfo(np.int32).max else np.int64
    ends = np.searchsorted(rows, np.arange(areas.size + 1)).astype(index)
    columns = columns.astype(index)
    scale = 1.0 / (np.where(areas > 0.0, areas, np.nan) * EARTH_RADIUS_M)

    def make(entries: Array) -> csr_array:
        values = np.bincount(slot, entries, place.size) * scale[rows]
        return csr_array((values, columns, ends), shape=(areas.size, areas.size))

    return make
