"""Which nodes make an element, an edge, and what touches a node: arrays of integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.meshes.sphere import Array, turns

Integers = NDArray[np.int64]
NONE = -1
"""What stands in a connectivity where there is nothing."""
_BLOCK = 1 << 18
"""Elements that are cleaned at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Edges of a mesh, each once.

    Parameters
    ----------
    nodes : numpy.ndarray of int64, shape (edges, 2)
        The lower node first; sorted.
    elements : numpy.ndarray of int64, shape (edges, 2)
        The elements to the left and to the right on the way from the first node to the second; -1 where the mesh ends.
    """

    nodes: Integers
    elements: Integers

    @property
    def is_boundary(self) -> NDArray[np.bool_]:
        """Whether the mesh ends at an edge, shape (edges,)."""
        return np.asarray((self.elements == NONE).any(axis=1))


def padded(*blocks: Integers) -> Integers:
    """Put elements of different numbers of nodes into one array, with -1 behind those that have fewer."""
    width = max(block.shape[1] for block in blocks)
    return np.concatenate(
        [np.pad(block, ((0, 0), (0, width - block.shape[1])), constant_values=NONE) for block in blocks]
    )


def sizes(elements: Integers) -> Integers:
    """Number of nodes of each element."""
    return np.asarray((elements != NONE).sum(axis=1), np.int64)


def cleaned(elements: Integers, node_of_point: Integers, xyz: Array) -> Integers:
    """Bring elements of points to nodes: without those that vanish, counter-clockwise seen from outside.

    Parameters
    ----------
    elements : numpy.ndarray of int64, shape (elements, width)
        Indices of points, -1 behind the last of each.
    node_of_point : numpy.ndarray of int64, shape (points,)
        Points at one place are one node.
    xyz : numpy.ndarray of float64, shape (nodes, 3)
    """
    parts = [
        _cleaned(elements[first : first + _BLOCK], node_of_point, xyz) for first in range(0, len(elements), _BLOCK)
    ]
    found = np.concatenate(parts)
    while found.shape[1] > 3 and (found[:, -1] == NONE).all():
        found = found[:, :-1]
    return np.ascontiguousarray(found)


def _cleaned(elements: Integers, node_of_point: Integers, xyz: Array) -> Integers:
    found = np.where(elements == NONE, NONE, node_of_point[elements])
    is_twice = found == _behind(found)
    if is_twice.any():
        found = np.where(is_twice, NONE, found)
        found = np.take_along_axis(found, np.argsort(found == NONE, axis=1, kind="stable"), axis=1)
        found = found[sizes(found) >= 3]
    is_clockwise = turns(*(xyz[found[:, corner]] for corner in range(3))) < 0.0
    found[is_clockwise] = _reversed(found[is_clockwise])
    return found


def _behind(elements: Integers) -> Integers:
    """The next node of each node around its element; behind the last, the first."""
    after = np.concatenate([elements[:, 1:], elements[:, :1]], axis=1)
    return np.where(after == NONE, elements[:, :1], after)


def _reversed(elements: Integers) -> Integers:
    """The other way around, from the same first node."""
    number, column = sizes(elements)[:, None], np.arange(elements.shape[1])
    place = np.where((column > 0) & (column < number), number - column, column)
    return np.take_along_axis(elements, place, axis=1)


def edges_of(elements: Integers, nodes: int) -> Edges:
    """Find the edges of elements that go around counter-clockwise.

    Raises
    ------
    GridError
        If two elements lie on the same side of an edge.
    """
    is_side = elements != NONE
    element = np.broadcast_to(np.arange(len(elements))[:, None], elements.shape)[is_side]
    start, end = elements[is_side], _behind(elements)[is_side]
    key, edge = np.unique(np.minimum(start, end) * nodes + np.maximum(start, end), return_inverse=True)
    side = edge * 2 + (start > end)
    if np.bincount(side).max() > 1:
        raise GridError(
            "Two elements of the mesh overlap: they lie on the same side of an edge.",
            hint="Points that stand too close to each other are one cause; build the mesh by method='delaunay'.",
        )
    around = np.full(key.size * 2, NONE, np.int64)
    around[side] = element
    return Edges(np.stack(np.divmod(key, nodes), axis=1), around.reshape(-1, 2))


def lists(owner: Integers, item: Integers, owners: int) -> tuple[Integers, Integers]:
    """Gather items by their owner.

    Returns
    -------
    offsets : numpy.ndarray of int64, shape (owners + 1,)
    items : numpy.ndarray of int64
        Those of owner k, in the order given, are ``items[offsets[k]:offsets[k + 1]]``.
    """
    order = np.argsort(owner, kind="stable")
    offsets = np.zeros(owners + 1, np.int64)
    np.cumsum(np.bincount(owner, minlength=owners), out=offsets[1:])
    return offsets, item[order]
