"""Lists of points: which a part owns, which it borrows, and from where."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.meshes.value import Mesh
from dtedask.geo.partition import Partition

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Points of one part.

    Parameters
    ----------
    own : numpy.ndarray of int64, shape (own points,)
        Points that are the part's, ascending.
    halo : numpy.ndarray of int64, shape (halo points,)
        Points of others that it needs, by owner and ascending.
    owners : numpy.ndarray of int64, shape (halo points,)
        The part that owns each point of the halo.
    places : numpy.ndarray of int64, shape (halo points,)
        Place of each point of the halo among its owner's own points.
    """

    own: Integers
    halo: Integers
    owners: Integers
    places: Integers

    @property
    def points(self) -> Integers:
        """Own points, then those of the halo."""
        return np.concatenate([self.own, self.halo])

    def sources(self) -> list[tuple[int, slice, Integers]]:
        """Return, for each owner, where its points stand in the halo, and their places among the owner's points."""
        owners, start, number = np.unique(self.owners, return_index=True, return_counts=True)
        spans = [slice(first, first + many) for first, many in zip(start.tolist(), number.tolist(), strict=True)]
        return [(int(owner), span, self.places[span]) for owner, span in zip(owners, spans, strict=True)]


@dataclass(frozen=True, slots=True, eq=False)
class Halos:
    """All parts of a grid with their halos.

    Parameters
    ----------
    parts : tuple of Part
    points : int
        Number of points of the grid.
    depth : int
        How often the neighbours of neighbours were taken.
    """

    parts: tuple[Part, ...]
    points: int
    depth: int

    def __repr__(self) -> str:
        most = max(part.halo.size for part in self.parts)
        total = sum(part.halo.size for part in self.parts)
        return (
            f"<Halos of depth {self.depth}: {self.points:,} points in {len(self.parts)} parts, "
            f"{total:,} points borrowed, at most {most:,} by one part>"
        )

    def _repr_html_(self) -> str:
        return f"<code>{html.escape(repr(self))}</code>"


def halos(partition: Partition, stencil: Mesh | csr_array, *, depth: int = 1) -> Halos:
    """List what each part needs of others.

    Parameters
    ----------
    partition : Partition
        Of the mesh's nodes, or of the rows of the stencil.
    stencil : Mesh or scipy.sparse.csr_array, shape (points, points)
        Points need those they share an element with, or those in whose columns their rows have entries.
    depth : int
        1 for what one application of the stencil needs, 2 for two in a row, ...

    Raises
    ------
    GridError
        If partition and stencil differ in size, or `depth` is less than 1.
    """
    needs = _of_mesh(stencil) if isinstance(stencil, Mesh) else stencil
    size = partition.part.size
    if needs.shape != (size, size) or depth < 1:
        raise GridError(
            f"No halo of depth {depth} for {size:,} points and a stencil of shape {needs.shape}.",
            hint="The partition must be of the stencil's points (of a mesh, its nodes), and the depth 1 or more.",
        )
    own = partition.points()
    place = np.empty(size, np.int64)
    for points in own:
        place[points] = np.arange(points.size)
    return Halos(tuple(_part(points, needs, partition.part, place, depth) for points in own), size, depth)


def _part(own: Integers, needs: csr_array, owner: Integers, place: Integers, depth: int) -> Part:
    known = own
    for _ in range(depth):
        known = np.union1d(known, needs[known].indices).astype(np.int64)
    halo = np.setdiff1d(known, own, assume_unique=True)
    halo = halo[np.argsort(owner[halo], kind="stable")]
    return Part(own, halo, owner[halo], place[halo])


def _of_mesh(mesh: Mesh) -> csr_array:
    """Nodes and those they share an element with."""
    from scipy.sparse import coo_array

    element = np.broadcast_to(np.arange(len(mesh.elements))[:, None], mesh.elements.shape)
    is_node = mesh.elements >= 0
    entries = (np.ones(int(is_node.sum()), np.int8), (mesh.elements[is_node], element[is_node]))
    of_node = coo_array(entries, shape=(mesh.nodes, len(mesh.elements))).tocsr()
    return (of_node @ of_node.T).tocsr()
