"""Linear and cubic interpolation along rows of points, then across rows.

Weights are Lagrange's: those of the polynomial through the points, in each row of the longitude, then of the latitude.
Beyond a pole the rows go on by reflection: the row that is as far beyond the pole, turned by 180 degrees.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.compiled import compiled
from dtedask.geo.interpolation.frame import RowTable
from dtedask.geo.interpolation.row_kernels import is_within, position, row_above, wrapped

_MOST = 4


@compiled
def stencil_weights(
    rows: RowTable,
    poles: tuple[bool, bool],
    points: tuple[NDArray[np.float64], NDArray[np.float64]],
    orders: tuple[int, int, int],
    columns: NDArray[np.int64],
    weights: NDArray[np.float64],
) -> None:
    """Write the points around each point, and their weights.

    Parameters
    ----------
    rows : numpy.ndarray of ROW
        The source.
    poles : tuple of bool
        Whether it covers the north and the south pole.
    points : tuple of numpy.ndarray of float64, each of shape (points,)
        Latitude and longitude in the frame of the rows.
    orders : tuple of int
        How many rows are taken, how many points of each of the two rows beside the point, and how many of the others:
        2 or 4. Fewer where the grid has no more.
    columns, weights : numpy.ndarray, shape (points, width)
        Results; -1 where there are fewer, and in all places for points outside of the grid. The four (or fewer)
        points of the two rows beside the point that are around it come first.
    """
    near = np.empty(_MOST)
    across = np.empty(_MOST)
    along = np.empty(_MOST)
    for point in range(len(points[0])):
        columns[point, :] = -1
        weights[point, :] = 0.0
        latitude, longitude = points[0][point], points[1][point]
        if not (np.isfinite(latitude) and np.isfinite(longitude)):
            continue
        above = _row_beside(rows, poles, latitude, longitude)
        if above < -1:
            continue
        first, taken = _window(above, orders[0], len(rows), poles)
        for number in range(taken):
            near[number] = _mirrored(rows, first + number)[1]
        _lagrange(near, taken, latitude, across)
        _fill(
            rows,
            (first, taken, above),
            (longitude, orders[1], orders[2]),
            (across, along),
            columns[point],
            weights[point],
        )


@compiled
def _row_beside(rows: RowTable, poles: tuple[bool, bool], latitude: float, longitude: float) -> int:
    """The last row that is not south of a point, -1 for one beyond the pole; -2 for points outside of the grid."""
    above, last = row_above(rows, latitude), len(rows) - 1
    if (above < 0 and not poles[0]) or (above == last and not poles[1] and latitude < rows[last].latitude):
        return -2
    if above == last and not poles[1]:
        above = max(last - 1, 0)
    for row in (above, above + 1):
        if row >= 0 and row <= last and not is_within(rows, row, position(rows, row, longitude)):
            return -2
    return above


@compiled
def _window(above: int, order: int, rows: int, poles: tuple[bool, bool]) -> tuple[int, int]:
    """First row and number of rows around the gap below row `above`; only past a pole there are rows outside."""
    first, last = above - order // 2 + 1, above + order // 2
    if not poles[1] and last > rows - 1:
        first, last = first - (last - rows + 1), rows - 1
    if not poles[0] and first < 0:
        first, last = 0, last - first
        if not poles[1]:
            last = min(last, rows - 1)
    return first, last - first + 1


@compiled
def _mirrored(rows: RowTable, row: int) -> tuple[int, float, float]:
    """The row that stands for a row beyond a pole, its latitude as seen from here, and by how much it is turned."""
    last = len(rows) - 1
    if row < 0:
        row = -row if rows[0].cosine == 0.0 else -row - 1
        return row, 180.0 - rows[row].latitude, 180.0
    if row > last:
        row = 2 * last - row if rows[last].cosine == 0.0 else 2 * last + 1 - row
        return row, -180.0 - rows[row].latitude, 180.0
    return row, rows[row].latitude, 0.0


@compiled
def _lagrange(nodes: NDArray[np.float64], count: int, where: float, weights: NDArray[np.float64]) -> None:
    """Weights of the polynomial through `count` nodes."""
    for node in range(count):
        product = 1.0
        for other in range(count):
            if other != node:
                product *= (where - nodes[other]) / (nodes[node] - nodes[other])
        weights[node] = product


@compiled
def _fill(
    rows: RowTable,
    window: tuple[int, int, int],
    order: tuple[float, int, int],
    scratch: tuple[NDArray[np.float64], NDArray[np.float64]],
    columns: NDArray[np.int64],
    weights: NDArray[np.float64],
) -> None:
    """Write what all rows of a window (first, number, row above the point) have to give; see `stencil_weights`."""
    first, taken, above = window
    across, along = scratch
    used = 4  # the points around have the first four places
    for number in range(taken):
        row, _, turn = _mirrored(rows, first + number)
        is_beside = first + number in (above, above + 1)
        at = position(rows, row, order[0] + turn)
        start, count = _span(rows, row, at, order[1] if is_beside else order[2], along)
        whole = max(min(int(np.floor(at)), start + count - 2), start)
        for node in range(count):
            place = start + node
            slot = used
            if is_beside and place in (whole, whole + 1):
                slot = 2 * (first + number - above) + place - whole
            else:
                used += 1
            columns[slot] = wrapped(rows, row, place)
            weights[slot] = across[number] * along[node]


@compiled
def _span(rows: RowTable, row: int, at: float, order: int, along: NDArray[np.float64]) -> tuple[int, int]:
    """First place and number of the points of a row that are taken for a place, and their weights."""
    count = order
    whole = int(np.floor(at))
    start = whole - order // 2 + 1
    if not rows[row].is_periodic:
        at = max(min(at, rows[row].count - 1.0), 0.0)
        count = min(order, rows[row].count)
        start = max(min(start, rows[row].count - count), 0)
    for node in range(count):
        product = 1.0
        for other in range(count):
            if other != node:
                product *= (at - start - other) / (node - other)
        along[node] = product
    return start, count
