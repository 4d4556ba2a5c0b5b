"""A mesh as a value: nodes on the sphere, elements between them, and what follows from both."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import GridError
from dtedask.geo.meshes.connectivity import Edges, Integers, edges_of, lists, sizes
from dtedask.geo.meshes.sphere import EARTH_RADIUS_M, Array, unit_vectors

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.geo.meshes.dual import Dual

_SAME_PLACE = 1e-10
"""Distance on the unit sphere, 0.6 mm on the Earth, below which points are one node."""

_NEAR_POLE = 89.999


@dataclass(frozen=True, eq=False)
class Mesh:
    """Elements between the points of a grid.

    Points at one place, as the rows of regular grids at the poles have them, are one node. Equal meshes have equal
    nodes and elements. A mesh that was made of a grid is pickled as the grid, and built again where it arrives.

    Parameters
    ----------
    latitude, longitude : numpy.ndarray of float64, shape (nodes,)
        Degrees.
    elements : numpy.ndarray of int64, shape (elements, width)
        Nodes of each element, counter-clockwise seen from outside; -1 behind the last of those with fewer nodes.
    node_of_point : numpy.ndarray of int64, shape (points,)
        The node of each point of the grid.
    point_longitude : numpy.ndarray of float64, shape (points,)
        Longitude of each point: points of a row at a pole are one node, but their winds are written by their meridians.
    name : str
        What it is called, such as ``O32 structured``.
    origin : tuple, optional
        The function and its arguments that build it again.
    """

    latitude: Array = field(repr=False)
    longitude: Array = field(repr=False)
    elements: Integers = field(repr=False)
    node_of_point: Integers = field(repr=False)
    point_longitude: Array = field(repr=False)
    name: str = "mesh"
    origin: tuple[Callable[..., Mesh], tuple[Any, ...]] | None = field(default=None, repr=False)

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return self.latitude.size

    @property
    def points(self) -> int:
        """Number of points of the grid."""
        return self.node_of_point.size

    @property
    def has_shared_nodes(self) -> bool:
        """Whether several points are one node."""
        return self.nodes != self.points

    @cached_property
    def xyz(self) -> Array:
        """Nodes on the unit sphere, shape (nodes, 3)."""
        return unit_vectors(self.latitude, self.longitude)

    @cached_property
    def edges(self) -> Edges:
        """Edges, with their nodes and the elements beside them."""
        return edges_of(self.elements, self.nodes)

    @cached_property
    def node_edges(self) -> tuple[Integers, Integers]:
        """Offsets, shape (nodes + 1,), and edges: those at node k are ``edges[offsets[k]:offsets[k + 1]]``."""
        ends = self.edges.nodes
        return lists(ends.T.ravel(), np.tile(np.arange(len(ends)), 2), self.nodes)

    @cached_property
    def dual(self) -> Dual:
        """Cells of the nodes on the unit sphere."""
        from dtedask.geo.meshes.dual import dual_of

        return dual_of(np.ascontiguousarray(self.xyz.T), self.elements, self.edges)

    @cached_property
    def dual_areas(self) -> Array:
        """Areas of the cells of the nodes in m2, shape (nodes,)."""
        return self.dual.areas * EARTH_RADIUS_M**2

    @cached_property
    def element_areas(self) -> Array:
        """Areas of the elements in m2, shape (elements,)."""
        from dtedask.geo.meshes.dual import element_areas

        return element_areas(np.ascontiguousarray(self.xyz.T), self.elements) * EARTH_RADIUS_M**2

    @property
    def is_closed(self) -> bool:
        """Whether the mesh ends nowhere: it covers the globe."""
        return not self.edges.is_boundary.any()

    @property
    def euler_characteristic(self) -> int:
        """Nodes that belong to elements, less edges, plus elements: 2 for a mesh that covers the globe."""
        used = np.unique(self.edges.nodes).size
        return int(used - len(self.edges.nodes) + len(self.elements))

    @cached_property
    def uid(self) -> str:
        """sha256 of nodes and elements, in hexadecimal."""
        digest = hashlib.sha256(repr(self.elements.shape).encode())
        for part in (self.latitude, self.longitude, self.elements, self.node_of_point, self.point_longitude):
            digest.update(part.tobytes())
        return digest.hexdigest()

    def to_ugrid(self, *, name: str = "mesh") -> xr.Dataset:
        """Describe the mesh by the conventions CF-1.11 and UGRID-1.0; see `dtedask.geo.meshes.ugrid`."""
        from dtedask.geo.meshes.ugrid import to_ugrid

        return to_ugrid(self, name=name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mesh):
            return NotImplemented
        return self is other or self.uid == other.uid

    def __hash__(self) -> int:
        return hash(self.uid)

    def __dask_tokenize__(self) -> str:
        return self.uid

    def __reduce__(self) -> tuple[Callable[..., Mesh], tuple[Any, ...]]:
        arrays = (self.latitude, self.longitude, self.elements, self.node_of_point, self.point_longitude, self.name)
        return self.origin or (Mesh, arrays)

    def __repr__(self) -> str:
        number, count = np.unique(sizes(self.elements), return_counts=True)
        words = {3: "triangles", 4: "quadrilaterals"}
        parts = [f"{many:,} {words.get(int(kind), f'{kind}-gons')}" for kind, many in zip(number, count, strict=True)]
        return f"<Mesh {self.name}: {self.nodes:,} nodes, {len(self.edges.nodes):,} edges, {', '.join(parts)}>"

    def _repr_html_(self) -> str:
        areas = self.dual_areas
        shown = {
            "nodes": f"{self.nodes:,}",
            "points of the grid": f"{self.points:,}",
            "edges": f"{len(self.edges.nodes):,}",
            "elements": f"{len(self.elements):,}",
            "covers the globe": "yes" if self.is_closed else "no",
            "cells of nodes": f"{areas.min() / 1e6:,.4g} to {areas.max() / 1e6:,.4g} km²",
        }
        rows = "".join(f"<tr><th>{key}</th><td>{html.escape(value)}</td></tr>" for key, value in shown.items())
        return f"<table><caption>Mesh {html.escape(self.name)}</caption>{rows}</table>"


def places(latitude: Array, longitude: Array, *, only_at_poles: bool = False) -> tuple[Integers, Integers]:
    """Find points that are at one place.

    Parameters
    ----------
    latitude, longitude : numpy.ndarray of float64, shape (points,)
    only_at_poles : bool
        Whether points that are not at a pole are known to be at places of their own.

    Returns
    -------
    first : numpy.ndarray of int64, shape (nodes,)
        The first point at each place, ascending.
    node_of_point : numpy.ndarray of int64, shape (points,)

    Raises
    ------
    GridError
        If a coordinate is missing.
    """
    from scipy.spatial import cKDTree

    if not (np.isfinite(latitude).all() and np.isfinite(longitude).all()):
        raise GridError("Some points of the mesh have no coordinates.", hint="Leave them out before.")
    first = np.arange(latitude.size)
    asked = np.flatnonzero(np.abs(latitude) > _NEAR_POLE) if only_at_poles else first
    tree = cKDTree(unit_vectors(latitude[asked], longitude[asked]))
    pairs = asked[tree.query_pairs(_SAME_PLACE, output_type="ndarray")]
    first = first.copy()
    np.minimum.at(first, pairs.max(axis=1), pairs.min(axis=1))
    node, node_of_point = np.unique(first[first], return_inverse=True)
    return node, node_of_point
