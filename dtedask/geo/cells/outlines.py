"""Outlines of boxes and of HEALPix cells as polygons, for grids whose own cells meet theirs nowhere in closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.cells.boxes import Boxes
from dtedask.geo.cells.faces import Faces
from dtedask.geo.cells.polygons import Polygons, of_equal_length, unit_vectors

_Array = NDArray[np.float64]
_CIRCLE = 360.0
_EIGHTH = 45.0
_SAME = 1e-9
_GAP = 2.0
_RING = np.array([2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4])
_MIDDLE = np.array([1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7])


def box_outlines(boxes: Boxes) -> Polygons:
    """Make polygons of boxes that leave no gaps between them.

    Circles of latitude become great circles between the corners of the boxes on both sides, two degrees apart at most.
    """
    rows = boxes.north.size
    lines = [_corners(boxes, row - 1, row) for row in range(rows + 1)]
    counts, parts = [np.zeros(1, np.int64)], []
    for row in range(rows):
        column = np.arange(boxes.count[row])
        west = np.maximum(boxes.west[row] + column * boxes.step[row], boxes.left[row])
        east = np.minimum(boxes.west[row] + (column + 1) * boxes.step[row], boxes.right[row])
        south, north = (
            _along(lines[row + 1], west, east, boxes.south[row]),
            _along(lines[row], west, east, boxes.north[row]),
        )
        for low, high in zip(south, north, strict=True):
            parts += [low, high[::-1]]
            counts.append(np.array([len(low) + len(high)]))
    degrees = np.concatenate(parts)
    return Polygons(np.cumsum(np.concatenate(counts)), unit_vectors(degrees[:, 0], degrees[:, 1]))


def _corners(boxes: Boxes, *rows: int) -> tuple[_Array, bool]:
    """Return the longitudes of all corners on the line between two rows, and whether it goes around."""
    found, is_around = [], False
    for row in rows:
        if 0 <= row < boxes.north.size:
            column = np.arange(boxes.count[row] + 1)
            edges = np.clip(boxes.west[row] + column * boxes.step[row], boxes.left[row], boxes.right[row])
            is_around = bool(boxes.is_periodic[row])
            found.append(edges % _CIRCLE if is_around else edges)
    corners = np.sort(np.concatenate(found))
    corners = corners[np.concatenate([[True], np.diff(corners) > _SAME])]
    if is_around and corners[-1] - corners[0] > _CIRCLE - _SAME:
        corners = corners[:-1]
    ends = np.append(corners, corners[0] + _CIRCLE) if is_around else corners
    return _filled(ends)[: -1 if is_around else None], is_around


def _filled(corners: _Array) -> _Array:
    """Put points into gaps of more than two degrees."""
    steps = np.maximum(np.ceil(np.diff(corners) / _GAP), 1).astype(int)
    parts = [np.linspace(a, b, n, endpoint=False) for a, b, n in zip(corners[:-1], corners[1:], steps, strict=True)]
    return np.append(np.concatenate(parts), corners[-1]) if parts else corners


def _along(line: tuple[_Array, bool], west: _Array, east: _Array, latitude: float) -> list[_Array]:
    """Return latitude and longitude of the corners along one side of each box of a row, west to east."""
    corners, is_around = line
    if abs(latitude) == 90.0:
        return [np.array([[latitude, 0.0]])] * west.size
    turn = np.floor(west / _CIRCLE) * _CIRCLE if is_around else np.zeros_like(west)
    if is_around:
        corners = np.concatenate([corners - _CIRCLE, corners, corners + _CIRCLE])
    first = np.searchsorted(corners, west - turn - _SAME)
    last = np.searchsorted(corners, east - turn + _SAME)
    return [np.stack([np.full(b - a, latitude), corners[a:b]], axis=1) for a, b in zip(first, last, strict=True)]


def face_outlines(faces: Faces) -> Polygons:
    """Make polygons of HEALPix cells, in the order of points: their curved sides become 4 to 16 straight ones."""
    nside = faces.nside
    cuts = int(np.clip(np.ceil(64 / nside), 4, 16))
    face, within = np.divmod(faces.cells, nside * nside)
    y, x = np.divmod(within, nside)
    step = np.arange(cuts) / cuts
    one, none = np.ones(cuts), np.zeros(cuts)
    along = np.concatenate([step, one, 1.0 - step, none]), np.concatenate([none, step, one, 1.0 - step])
    u, v = ((column[:, None] + side) / nside for column, side in zip((x, y), along, strict=True))
    height = _RING[face][:, None] - u - v
    from_pole = np.minimum(np.minimum(height, 4.0 - height), 1.0)
    scale = np.maximum(from_pole, 1e-300)
    longitude = (_MIDDLE[face][:, None] + np.clip((u - v) / scale, -1.0, 1.0)) * _EIGHTH + faces.turn
    distance = np.rad2deg(2.0 * np.arcsin(from_pole / np.sqrt(6.0)))
    belt = np.rad2deg(np.arcsin(np.clip((2.0 - height) / 1.5, -1.0, 1.0)))
    latitude = np.where(height < 1.0, 90.0 - distance, np.where(height > 3.0, distance - 90.0, belt))
    return of_equal_length(unit_vectors(latitude, longitude))
