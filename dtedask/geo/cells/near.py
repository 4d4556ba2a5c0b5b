"""Pairs of cells of two grids that may overlap."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.cells.boxes import Boxes
from dtedask.geo.cells.polygons import unit_vectors

_Array = NDArray[np.float64]
_Indices = NDArray[np.int64]
_QUARTER = 90.0


def box_circles(boxes: Boxes) -> tuple[_Array, _Array]:
    """Return centres (unit vectors, shape (size, 3)) and distances from them within which boxes lie, shape (size,)."""
    north, west, south, east = boxes.edges()
    centres = unit_vectors(0.5 * (north + south), 0.5 * (west + east))
    corners = [unit_vectors(latitude, longitude) for latitude in (north, south) for longitude in (west, east)]
    radii = np.max([np.linalg.norm(corner - centres, axis=1) for corner in corners], axis=0)
    return centres, np.where(east - west > _QUARTER, 2.0, radii * (1.0 + 1e-9))


def near_pairs(tree: Any, radii: _Array, centres: _Array, reaches: _Array) -> tuple[_Indices, _Indices]:
    """Return the pairs of cells whose circles meet.

    Parameters
    ----------
    tree : scipy.spatial.cKDTree
        Over the centres of the source's cells.
    radii : numpy.ndarray of float64, shape (sources,)
        Distances within which they lie.
    centres, reaches : numpy.ndarray of float64, shapes (targets, 3) and (targets,)
        The same of the target's cells.

    Returns
    -------
    tuple of numpy.ndarray of int64
        Target and source of each pair, by targets in ascending order.
    """
    if centres.size == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    found = tree.query_ball_point(centres, reaches + radii.max(), return_sorted=False)
    counts = np.fromiter((len(some) for some in found), np.int64, len(found))
    targets = np.repeat(np.arange(len(found), dtype=np.int64), counts)
    sources = np.fromiter(chain.from_iterable(found), np.int64, int(counts.sum()))
    distance = np.linalg.norm(tree.data[sources] - centres[targets], axis=1)
    is_near = distance <= radii[sources] + reaches[targets]
    return targets[is_near], sources[is_near]
