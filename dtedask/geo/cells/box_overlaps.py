"""Overlaps of boxes with boxes, in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.cells.box_kernels import meet
from dtedask.geo.cells.boxes import Boxes
from dtedask.geo.cells.overlaps import Overlaps

_Indices = NDArray[np.int64]


def box_overlaps(
    source: Boxes, target: Boxes, points: _Indices, *, tolerance: float = 1e-11, moments: bool = False
) -> Overlaps:
    """Intersect boxes of a target with those of a source.

    An overlap is the product of a difference of sines of latitude and one of longitudes.

    Parameters
    ----------
    source, target : Boxes
        Cells of both grids.
    points : numpy.ndarray of int64, shape (n,)
        Which boxes of the target.
    tolerance : float
        Boxes that overlap by less than this part of the narrower of the two, in latitude or in longitude, only touch.
    moments : bool
        Whether to return the integrals of the unit vector too.
    """
    # rows run north to south: those of the source that each row of the target meets follow each other
    begin = np.searchsorted(-source.south, -target.north, side="right")
    end = np.searchsorted(-source.north, -target.south, side="left")
    given = (_plain(source), _plain(target), begin, end, points, tolerance)
    counts = np.empty(points.size, np.int64)
    meet(*given, False, counts, np.empty(0, np.int64), np.empty(0), np.empty((0, 3)))
    indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    total = int(indptr[-1])
    found = Overlaps(indptr, np.empty(total, np.int64), np.empty(total), np.empty((total if moments else 0, 3)))
    meet(*given, True, *found)
    return found


def _plain(boxes: Boxes) -> tuple[Any, ...]:
    """Return the arrays of boxes as the kernel takes them; rows that go around have no ends."""
    left = np.where(boxes.is_periodic, -np.inf, boxes.left)
    right = np.where(boxes.is_periodic, np.inf, boxes.right)
    return boxes.north, boxes.south, boxes.first, boxes.count, boxes.west, boxes.step, left, right
