"""In which cell of a grid points lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.cells.boxes import Boxes
from dtedask.geo.cells.clipping import depths
from dtedask.geo.cells.faces import Faces
from dtedask.geo.cells.near import near_pairs
from dtedask.geo.cells.of_grid import Cells, TurnedBoxes
from dtedask.geo.cells.polygons import Polygons, unit_vectors

if TYPE_CHECKING:
    from dtedask.geo.grids.rows import Points

_Array = NDArray[np.float64]
_Indices = NDArray[np.int64]
_CIRCLE = 360.0
_TOUCH = 1e-9
_TOGETHER = 65_536


def cells_at(cells: Cells, points: Points) -> _Indices:
    """Return the cell in which each point lies, -1 for none.

    Points on a border are in the cell to the south and to the east of it, at the south pole in that to the north;
    between polygons in one of both.
    """
    if isinstance(cells, TurnedBoxes):
        return _boxes_at(cells, points)
    if isinstance(cells, Faces):
        return _faces_at(cells, points)
    return _polygons_at(cells, unit_vectors(*points))


def boxes_that_hold(boxes: Boxes, points: Points) -> tuple[_Indices, _Indices]:
    """Return all pairs of a point and a box that holds it, as indices of both; boxes hold their borders."""
    number = np.arange(points.latitude.size, dtype=np.int64)
    pairs = []
    for north in (-_TOUCH, _TOUCH):
        for east in (-_TOUCH, _TOUCH):
            found = _in_rows(boxes, points.latitude + north, points.longitude + east)
            pairs.append((number * boxes.size + found)[found >= 0])
    held = np.unique(np.concatenate(pairs))
    return held // boxes.size, held % boxes.size


def _boxes_at(cells: TurnedBoxes, points: Points) -> _Indices:
    latitude, longitude = points
    if not np.array_equal(cells.matrix, np.eye(3)):
        x, y, z = (unit_vectors(latitude, longitude) @ cells.matrix).T
        latitude, longitude = np.rad2deg(np.arctan2(z, np.hypot(x, y))), np.rad2deg(np.arctan2(y, x))
    return _in_rows(cells.boxes, latitude - _TOUCH, longitude + _TOUCH)


def _in_rows(boxes: Boxes, latitude: _Array, longitude: _Array) -> _Indices:
    """Return the box that holds each point, -1 for none; outer borders reach a little farther."""
    row = np.minimum(np.searchsorted(-boxes.south, -latitude, side="left"), boxes.south.size - 1)
    is_in = (latitude <= boxes.north[row] + 2.0 * _TOUCH) & (latitude >= boxes.south[row] - 2.0 * _TOUCH)
    left, right = boxes.left[row], boxes.right[row]
    turned = left - 2.0 * _TOUCH + (longitude - left + 2.0 * _TOUCH) % _CIRCLE
    is_in &= boxes.is_periodic[row] | (turned <= right + 2.0 * _TOUCH)
    column = np.floor((turned - boxes.west[row]) / boxes.step[row]).astype(np.int64)
    last = boxes.count[row] - 1
    column = np.where(boxes.is_periodic[row], column % boxes.count[row], np.clip(column, 0, last))
    return np.where(is_in, boxes.first[row] + column, -1)


def _faces_at(faces: Faces, points: Points) -> _Indices:
    import healpix

    latitude = np.clip(points.latitude, -90.0, 90.0)
    ring = healpix.ang2pix(faces.nside, (points.longitude - faces.turn) % _CIRCLE, latitude, lonlat=True)
    found: _Indices = faces.of_rings()[ring]
    return found


def _polygons_at(polygons: Polygons, points: _Array) -> _Indices:
    """Return the polygon that holds each point; of those near it the one beyond whose sides it lies least."""
    from scipy.spatial import cKDTree

    tree = cKDTree(polygons.centres)
    found = np.full(len(points), -1, np.int64)
    for first in range(0, len(points), _TOGETHER):
        some = points[first : first + _TOGETHER]
        pairs, candidates = near_pairs(tree, polygons.radii, some, np.full(len(some), _TOUCH))
        depth = depths(some, pairs, candidates, polygons.starts, polygons.vertices)
        order = np.lexsort((candidates, -depth, pairs))
        pairs, candidates, depth = pairs[order], candidates[order], depth[order]
        is_first = np.concatenate([[True], pairs[1:] != pairs[:-1]]) if pairs.size else np.zeros(0, bool)
        is_held = is_first & (depth > -_TOUCH)
        found[first + pairs[is_held]] = candidates[is_held]
    return found
