"""Meshes of grids whose points stand in rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dtedask.geo.meshes.connectivity import Integers, padded

if TYPE_CHECKING:
    from dtedask.geo.grids.rows import Rows

_SAME = 1e-9
"""Parts of a step below which two points stand on one meridian."""
_NO_TRIANGLES = np.zeros((0, 3), np.int64)
_NO_QUADRILATERALS = np.zeros((0, 4), np.int64)


def elements_of_rows(rows: Rows, *, is_patched: bool) -> Integers:
    """Join neighbouring rows by elements.

    Where two rows have points on the same meridians they are joined by quadrilaterals, else by triangles: each interval
    of a row with the point of the other row that is nearest in longitude to the interval's middle. The elements then
    never cross, for the middles of both rows' intervals say the order in which one goes from west to east; of two on
    one meridian that of the longer interval comes first, as with Atlas.

    Parameters
    ----------
    rows : Rows
    is_patched : bool
        Whether the hole that rows around a pole leave is closed, by triangles that go to and fro over the pole.

    Returns
    -------
    numpy.ndarray of int64, shape (elements, 4)
        Points of each element, -1 behind those of triangles.
    """
    triangles, quadrilaterals = [_NO_TRIANGLES], [_NO_QUADRILATERALS]
    for north in range(len(rows.latitude) - 1):
        found, squares = _between(rows, north, north + 1)
        triangles.append(found)
        quadrilaterals.append(squares)
    if is_patched:
        triangles += [_patch(rows, row) for row in (0, len(rows.latitude) - 1) if _is_around_pole(rows, row)]
    return padded(np.concatenate(quadrilaterals), np.concatenate(triangles))


def elements_of_table(down: int, across: int) -> Integers:
    """Join the points of a table of `down` rows and `across` columns by quadrilaterals, shape (elements, 4)."""
    point = np.arange(down * across, dtype=np.int64).reshape(down, across)
    corners = point[:-1, :-1], point[1:, :-1], point[1:, 1:], point[:-1, 1:]
    return np.stack([corner.ravel() for corner in corners], axis=1)


def _between(rows: Rows, north: int, south: int) -> tuple[Integers, Integers]:
    """Triangles and quadrilaterals between two rows."""
    upper, lower = _intervals(rows, north), _intervals(rows, south)
    is_upper_first = bool(rows.step[north] >= rows.step[south])
    of_upper, is_aligned = _places(rows, north, south, upper, is_tie_before=not is_upper_first)
    of_lower, _ = _places(rows, south, north, lower, is_tie_before=is_upper_first)
    is_table = upper.size == lower.size > 0 and abs(rows.step[north] - rows.step[south]) < _SAME * rows.step[north]
    if is_table and is_aligned.all():
        west, east = _point(rows, north, upper), _point(rows, north, upper + 1)
        below, beside = _point(rows, south, of_upper), _point(rows, south, of_upper + 1)
        return _NO_TRIANGLES, np.stack([west, below, beside, east], axis=1)
    down = [_point(rows, north, upper), _point(rows, south, of_upper), _point(rows, north, upper + 1)]
    up = [_point(rows, south, lower), _point(rows, south, lower + 1), _point(rows, north, of_lower)]
    return np.concatenate([np.stack(down, axis=1), np.stack(up, axis=1)]), _NO_QUADRILATERALS


def _intervals(rows: Rows, row: int) -> Integers:
    """Numbers of the intervals of a row, each called by its western point."""
    count = int(rows.count[row])
    return np.arange(count if rows.is_periodic[row] and count > 1 else count - 1, dtype=np.int64)


def _places(
    rows: Rows, row: int, other: int, intervals: Integers, *, is_tie_before: bool
) -> tuple[Integers, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Return how many intervals of the other row have their middle west of that of each interval, and where they agree.

    That number is the column of the point of the other row that lies nearest. Rows around the globe count on, beyond
    their ends; rows of a region end with their last point.
    """
    middle = rows.west[row] + (intervals + 0.5) * rows.step[row]
    passed = (middle - rows.west[other]) / rows.step[other] - 0.5
    is_aligned = np.abs(passed - np.rint(passed)) < _SAME
    found = np.where(is_aligned, np.rint(passed) + is_tie_before, np.ceil(passed)).astype(np.int64)
    if not rows.is_periodic[other]:
        is_aligned &= (found >= 0) & (found < rows.count[other] - 1)
        found = np.clip(found, 0, rows.count[other] - 1)
    return found, is_aligned


def _point(rows: Rows, row: int, column: Integers) -> Integers:
    return np.asarray(rows.first[row] + column % rows.count[row], np.int64)


def _is_around_pole(rows: Rows, row: int) -> bool:
    """Whether a row goes around a pole, not further from it than from the next row."""
    if len(rows.latitude) < 2 or not rows.is_periodic[row] or rows.count[row] < 3:
        return False
    beside = rows.latitude[1 if row == 0 else row - 1]
    distance = 90.0 - abs(rows.latitude[row])
    return bool(distance <= abs(rows.latitude[row] - beside) * (1.0 + _SAME))


def _patch(rows: Rows, row: int) -> Integers:
    """Triangles over a pole: from the first point to the last, the second, the last but one, ..."""
    count = int(rows.count[row])
    way = np.empty(count, np.int64)
    way[0::2], way[1::2] = np.arange((count + 1) // 2), count - 1 - np.arange(count // 2)
    return np.asarray(rows.first[row] + np.stack([way[:-2], way[1:-1], way[2:]], axis=1), np.int64)
