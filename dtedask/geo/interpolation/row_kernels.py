"""Positions in rows of points, as compiled functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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


@compiled
def are_inside(
    rows: RowTable,
    poles: tuple[bool, bool],
    latitude: NDArray[np.float64],
    longitude: NDArray[np.float64],
    inside: NDArray[np.bool_],
) -> None:
    """Note which points are not outside of a grid: beyond its outermost rows, or the ends of both rows beside them."""
    last = len(rows) - 1
    for point in range(len(latitude)):
        inside[point] = False
        if not (np.isfinite(latitude[point]) and np.isfinite(longitude[point])):
            continue
        above = row_above(rows, latitude[point])
        if (above < 0 and not poles[0]) or (above == last and not poles[1] and latitude[point] < rows[last].latitude):
            continue
        for row in (max(above, 0), min(above + 1, last)):
            if is_within(rows, row, position(rows, row, longitude[point])):
                inside[point] = True
