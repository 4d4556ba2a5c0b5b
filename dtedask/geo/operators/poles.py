"""From the points of a grid to the nodes of its mesh, where several points at a pole are one node, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dtedask.geo.meshes.sphere import Array, frames
from dtedask.geo.meshes.value import Mesh

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def scalar_to_nodes(mesh: Mesh) -> csr_array:
    """Mean of the values at each node's points, shape (nodes, points)."""
    from scipy.sparse import csr_array

    point = np.arange(mesh.points)
    many = np.bincount(mesh.node_of_point, minlength=mesh.nodes)
    return csr_array((1.0 / many[mesh.node_of_point], (mesh.node_of_point, point)), shape=(mesh.nodes, mesh.points))


def vector_to_nodes(mesh: Mesh) -> csr_array:
    """Mean of the winds at each node's points, shape (2 nodes, 2 points).

    A wind at a pole is written by east and north of the longitude of its point; before the mean it is turned to those
    of the node.
    """
    from scipy.sparse import block_array

    along, across = _turns(mesh)
    mean = scalar_to_nodes(mesh)
    return block_array([[mean * along, mean * across], [mean * -across, mean * along]], format="csr")


def vector_to_points(mesh: Mesh) -> csr_array:
    """Turn the winds of nodes to the east and north of each of their points, shape (2 points, 2 nodes)."""
    from scipy.sparse import block_array

    along, across = (part[:, None] for part in _turns(mesh))
    spread = scalar_to_points(mesh)
    return block_array([[spread * along, spread * -across], [spread * across, spread * along]], format="csr")


def scalar_to_points(mesh: Mesh) -> csr_array:
    """Give each point the value of its node, shape (points, nodes)."""
    from scipy.sparse import csr_array

    point = np.arange(mesh.points)
    return csr_array((np.ones(mesh.points), (point, mesh.node_of_point)), shape=(mesh.points, mesh.nodes))


def _turns(mesh: Mesh) -> tuple[Array, Array]:
    """Parts of each point's east along its node's east, and of its north."""
    node = mesh.node_of_point
    east, _ = frames(mesh.latitude[node], mesh.longitude[node])
    own_east, own_north = frames(mesh.latitude[node], mesh.point_longitude)
    return np.einsum("pi,pi->p", own_east, east), np.einsum("pi,pi->p", own_north, east)
