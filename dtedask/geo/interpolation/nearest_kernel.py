"""The points of rows that are nearest to others, found row by row from the nearest row on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.compiled import compiled
from dtedask.geo.interpolation.frame import RowTable
from dtedask.geo.interpolation.row_kernels import position, row_above, wrapped

_RADIAN = np.pi / 180.0
_TIE = 1e-10  # squares of distances whose difference is a smaller part of them are equal
_NONE = 1e-20  # squares of distances that are smaller are 0


@compiled
def nearest_points(
    rows: RowTable,
    latitude: NDArray[np.float64],
    longitude: NDArray[np.float64],
    most: float,
    columns: NDArray[np.int64],
    squares: NDArray[np.float64],
) -> None:
    """Write the nearest points of each point, nearest first; of points at equal distance the first of the source.

    Parameters
    ----------
    rows : numpy.ndarray of ROW
        The source.
    latitude, longitude : numpy.ndarray of float64, shape (points,)
        In the frame of the rows.
    most : float
        The largest square of a distance.
    columns, squares : numpy.ndarray, shape (points, count)
        Results: the points, -1 where there are fewer, and squares of their distances: of straight lines through a
        sphere of radius 1, or of metres on a plane.
    """
    for point in range(len(latitude)):
        columns[point, :] = -1
        squares[point, :] = np.inf
        if np.isfinite(latitude[point]) and np.isfinite(longitude[point]):
            _search(rows, latitude[point], longitude[point], most, columns[point], squares[point])


@compiled
def order(
    found: NDArray[np.int64],
    away: NDArray[np.float64],
    most: float,
    columns: NDArray[np.int64],
    squares: NDArray[np.float64],
) -> None:
    """Take from what a tree found, and squares of distances, the nearest in the order of `nearest_points`."""
    for point in range(len(found)):
        for place in range(found.shape[1]):
            if away[point, place] <= most:
                _insert(found[point, place], away[point, place], columns[point], squares[point])


@compiled
def _search(
    rows: RowTable,
    latitude: float,
    longitude: float,
    most: float,
    columns: NDArray[np.int64],
    squares: NDArray[np.float64],
) -> None:
    cosine = np.cos(latitude * _RADIAN)
    north = row_above(rows, latitude)
    south = north + 1
    to_north, to_south = _to_row(rows, north, latitude), _to_row(rows, south, latitude)
    while True:
        is_north = to_north <= to_south
        nearer = to_north if is_north else to_south
        if not nearer <= min(most, _farthest(squares)):
            return
        row = north if is_north else south
        _search_row(rows, row, (longitude, cosine, nearer), most, columns, squares)
        if is_north:
            north -= 1
            to_north = _to_row(rows, north, latitude)
        else:
            south += 1
            to_south = _to_row(rows, south, latitude)


@compiled
def _farthest(squares: NDArray[np.float64]) -> float:
    """The distance beyond which no point is wanted any more; a little more, for points at equal distances."""
    last = squares[len(squares) - 1]
    return float(last + _TIE * (last + _NONE))


@compiled
def _to_row(rows: RowTable, row: int, latitude: float) -> float:
    """Square of the distance to the circle of a row; infinite for rows that there are not."""
    if row < 0 or row >= len(rows):
        return np.inf
    away = rows[row].latitude - latitude
    if rows[row].circle == 0.0:
        return float(away * away)
    half = np.sin(0.5 * away * _RADIAN)
    return float(4.0 * half * half)


@compiled
def _search_row(
    rows: RowTable,
    row: int,
    seen: tuple[float, float, float],
    most: float,
    columns: NDArray[np.int64],
    squares: NDArray[np.float64],
) -> None:
    """Go from the longitude of the point (`seen`: longitude, cosine of latitude, square to the row) to both sides."""
    count = rows[row].count
    place = position(rows, row, seen[0])
    if not rows[row].is_periodic:
        place = max(min(place, count - 1.0), 0.0)
    west = int(np.floor(place))
    east = west + 1
    left = count
    for step in (-1, 1):
        at = west if step < 0 else east
        while left > 0 and (rows[row].is_periodic or (at >= 0 and at < count)):
            square = seen[2] + _along(rows, row, at, seen[0], seen[1])
            if not square <= min(most, _farthest(squares)):
                break
            _insert(wrapped(rows, row, at), square, columns, squares)
            left -= 1
            at += step


@compiled
def _along(rows: RowTable, row: int, place: int, longitude: float, cosine: float) -> float:
    """What the difference of longitudes adds to the square of the distance."""
    away = rows[row].west + place * rows[row].step - longitude
    if rows[row].circle == 0.0:
        return float(away * away)
    half = np.sin(0.5 * away * _RADIAN)
    return float(4.0 * cosine * rows[row].cosine * half * half)


@compiled
def _insert(column: int, square: float, columns: NDArray[np.int64], squares: NDArray[np.float64]) -> None:
    """Put a point where it belongs; of equally distant ones the first of the source comes first."""
    last = len(columns) - 1
    if not _is_before(column, square, columns[last], squares[last]):
        return
    place = last
    while place > 0 and _is_before(column, square, columns[place - 1], squares[place - 1]):
        columns[place], squares[place] = columns[place - 1], squares[place - 1]
        place -= 1
    columns[place], squares[place] = column, square


@compiled
def _is_before(column: int, square: float, other: int, other_square: float) -> bool:
    if other < 0:
        return True
    if np.abs(square - other_square) <= _TIE * (other_square + _NONE):
        return column < other
    return square < other_square
