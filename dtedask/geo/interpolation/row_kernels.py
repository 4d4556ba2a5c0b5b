"""Positions in rows of points, as compiled functions."""

from __future__ import annotations

import numpy as np

from dtedask.geo.compiled import compiled
from dtedask.geo.interpolation.frame import RowTable

SNAP = 1e-10
"""A position this near to a point, in steps of its row, is the point."""


@compiled
def row_above(rows: RowTable, latitude: float) -> int:
    """Find the last row that is not south of a latitude; -1 if all are."""
    low, high = -1, len(rows)
    while high - low > 1:
        middle = (low + high) // 2
        if rows[middle].latitude >= latitude:
            low = middle
        else:
            high = middle
    return low


@compiled
def position(rows: RowTable, row: int, where: float) -> float:
    """Give the place of a longitude in a row, in steps from the row's first point.

    It is in [0, count) in a row that goes around. Else it may be anything up to a full circle; places that are west
    of the row by less than they are east of it are negative.
    """
    place = where - rows[row].west
    if rows[row].circle > 0.0:
        place -= rows[row].circle * np.floor(place / rows[row].circle)
        if not rows[row].is_periodic:
            length = (rows[row].count - 1) * rows[row].step
            if place - length > rows[row].circle - place:
                place -= rows[row].circle
    place /= rows[row].step
    near = np.rint(place)
    if np.abs(place - near) < SNAP * max(1.0, np.abs(near)):
        place = near
    if rows[row].is_periodic and place >= rows[row].count:
        place -= rows[row].count
    return float(place)


@compiled
def wrapped(rows: RowTable, row: int, place: int) -> int:
    """Give the index of the point at a place of a row; places go on around the globe."""
    if rows[row].is_periodic:
        place = place % rows[row].count
    return int(rows[row].first + place)


@compiled
def is_within(rows: RowTable, row: int, place: float) -> bool:
    """Whether a place is not outside of a row's ends."""
    return bool(rows[row].is_periodic or (place >= -SNAP and place <= rows[row].count - 1 + SNAP))
