"""Finite elements on rows of points: triangles between neighbouring rows, found in closed form.

Between two rows every step of one row is the base of a triangle whose apex is the point of the other row that is
nearest, in longitude, to the middle of the step. These are the triangles that Atlas' structured mesh generator makes
by going along the rows and taking the shorter diagonal each time; here none is stored. Edges are arcs of great
circles: a point is projected on its triangle from the centre of the Earth. Weights are areas of triangles in the
gnomonic projection at the point, in which great circles are straight; differences of latitudes and longitudes go in,
not coordinates, so that no digits are lost however fine the grid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.compiled import compiled
from dtedask.geo.interpolation.frame import NORTH, SOUTH, RowTable
from dtedask.geo.interpolation.row_kernels import position, row_above, wrapped

_SAME = 1e-9  # middles of two steps that are this near, in degrees, are at the same place
_OUTSIDE = 1e-9  # relative to the steps: how far outside of its ends a point may still be on a row
_MOST_MOVES = 6
_RADIAN = np.pi / 180.0
_SMALL = 0.1

# What is drawn around a point of the target is an array of shape (6, 4): three corners of a triangle, of which the
# first two are its base, and two ends of an edge, each as its row, its place in it, and how far east and north of the
# point it is; then the point itself: latitude, longitude, sine and cosine of its latitude.
_Drawing = NDArray[np.float64]


@compiled
def linear_weights(
    rows: RowTable,
    poles: tuple[bool, bool],
    latitude: NDArray[np.float64],
    longitude: NDArray[np.float64],
    columns: NDArray[np.int64],
    weights: NDArray[np.float64],
) -> None:
    """Write the corners of the triangle around each point, and their weights.

    Parameters
    ----------
    rows : numpy.ndarray of ROW
        The source.
    poles : tuple of bool
        Whether it covers the north and the south pole.
    latitude, longitude : numpy.ndarray of float64, shape (points,)
        In the frame of the rows.
    columns, weights : numpy.ndarray, shape (points, 4)
        Results. Columns are -1 where there are fewer, and in all places for points outside of the grid.
    """
    drawing = np.empty((6, 4))
    for point in range(len(latitude)):
        columns[point, :] = -1
        weights[point, :] = 0.0
        if not (np.isfinite(latitude[point]) and np.isfinite(longitude[point])):
            continue
        drawing[5, 0], drawing[5, 1] = latitude[point], longitude[point]
        drawing[5, 2], drawing[5, 3] = np.sin(latitude[point] * _RADIAN), np.cos(latitude[point] * _RADIAN)
        top, bottom, strip = _strips(rows, poles, latitude[point])
        if top <= bottom and _found(rows, (top, bottom), strip, drawing, weights[point]):
            _written(rows, drawing, columns[point], weights[point])


@compiled
def _strips(rows: RowTable, poles: tuple[bool, bool], latitude: float) -> tuple[int, int, int]:
    """First and last strip between rows that there are, and the one at a latitude; none outside of the grid.

    Strip -1 and the one that begins with the last row are around the poles.
    """
    last = len(rows) - 1
    strip = row_above(rows, latitude)
    if (strip < 0 and not poles[0]) or (strip == last and not poles[1] and latitude < rows[last].latitude):
        return 0, -1, 0
    top = -1 if poles[0] and rows[0].cosine > 0.0 else 0
    bottom = last if poles[1] and rows[last].cosine > 0.0 else last - 1
    return top, bottom, max(min(strip, bottom), top)


@compiled
def _found(
    rows: RowTable, limits: tuple[int, int], strip: int, drawing: _Drawing, weights: NDArray[np.float64]
) -> bool:
    """Find the triangle around the point and its weights. Edges are arcs, so it may be in a strip beside its own."""
    before = 0
    for _ in range(_MOST_MOVES):
        if not _triangle(rows, strip, drawing):
            return False
        move = _shares(drawing, weights)
        if move in (0, -before) or strip + move < limits[0] or strip + move > limits[1]:
            break
        strip, before = strip + move, move
    return True


@compiled
def _shares(drawing: _Drawing, weights: NDArray[np.float64]) -> int:
    """Barycentric weights of the corners, none below 0, and where the point is if not here: -1 north, 1 south."""
    east, north = drawing[:, 2], drawing[:, 3]
    weights[0] = east[1] * north[2] - north[1] * east[2]
    weights[1] = east[2] * north[0] - north[2] * east[0]
    weights[2] = east[0] * north[1] - north[0] * east[1]
    total = weights[0] + weights[1] + weights[2]
    move = 0
    if weights[2] / total < -_OUTSIDE:
        move = -1 if drawing[0, 0] < drawing[2, 0] else 1
    for corner in range(3):
        weights[corner] = max(weights[corner] / total, 0.0)
    total = weights[0] + weights[1] + weights[2]
    for corner in range(3):
        weights[corner] /= total
    return move


@compiled
def _written(rows: RowTable, drawing: _Drawing, columns: NDArray[np.int64], weights: NDArray[np.float64]) -> None:
    """Name the columns of the corners. Of a row at the pole it is the points at the point's longitude."""
    for corner in range(3):
        row = int(drawing[corner, 0])
        if row < 0 or row == len(rows):
            columns[corner] = NORTH if row < 0 else SOUTH
        elif corner == 2 and rows[row].circle > 0.0 and rows[row].cosine == 0.0:
            place = position(rows, row, drawing[5, 1])
            if not rows[row].is_periodic:
                place = max(min(place, rows[row].count - 1.0), 0.0)
            whole = int(np.floor(place))
            columns[2] = wrapped(rows, row, whole)
            if place > whole:
                columns[3] = wrapped(rows, row, whole + 1)
                weights[3] = weights[2] * (place - whole)
                weights[2] -= weights[3]
        else:
            columns[corner] = wrapped(rows, row, int(drawing[corner, 1]))


@compiled
def _triangle(rows: RowTable, strip: int, drawing: _Drawing) -> bool:
    """Find the triangle between row `strip` and the next in which, or beyond whose base, the point is."""
    last = len(rows) - 1
    if strip < 0 or (rows[strip].circle > 0.0 and rows[strip].cosine == 0.0):
        return _around_pole(rows, strip, strip + 1, drawing)
    if strip == last or (rows[strip + 1].circle > 0.0 and rows[strip + 1].cosine == 0.0):
        return _around_pole(rows, strip + 1, strip, drawing)
    return _between(rows, strip, drawing)


@compiled
def _around_pole(rows: RowTable, pole: int, around: int, drawing: _Drawing) -> bool:
    place = position(rows, around, drawing[5, 1])
    last = rows[around].count - 1
    if not rows[around].is_periodic:
        if place < -_OUTSIDE or place > last + _OUTSIDE or last == 0:
            return False
        place = max(min(place, last - 0.5), 0.0)
    base = int(np.floor(place))
    _corner(rows, around, base, drawing, 0)
    _corner(rows, around, base + 1, drawing, 1)
    drawing[2, 0], drawing[2, 1], drawing[2, 2] = pole, 0.0, 0.0
    drawing[2, 3] = drawing[5, 3] if pole < around else -drawing[5, 3]
    if pole < 0 or pole == len(rows):  # the mean of the points around it is nearer to the centre of the Earth
        drawing[2, 3] *= np.abs(rows[around].sine)
    return True


@compiled
def _sine(angle: float) -> float:
    """Sine of degrees; of small ones by the first terms of its series, exact to the last bit and much faster."""
    angle *= _RADIAN
    if np.abs(angle) > _SMALL:
        return float(np.sin(angle))
    square = angle * angle
    return angle * (1.0 - square / 6.0 * (1.0 - square / 20.0 * (1.0 - square / 42.0 * (1.0 - square / 72.0))))


@compiled
def _corner(rows: RowTable, row: int, place: int, drawing: _Drawing, corner: int) -> None:
    """Draw a point of a row.

    With d the difference of longitudes, and the point of the target at latitude lat, its coordinates in the tangent
    frame there are cos(lat') sin(d) and sin(lat' - lat) + 2 cos(lat') sin(lat) sin(d/2)^2.
    """
    drawing[corner, 0], drawing[corner, 1] = row, place
    away = rows[row].west + place * rows[row].step - drawing[5, 1]
    if rows[row].circle == 0.0:
        drawing[corner, 2], drawing[corner, 3] = away, rows[row].latitude - drawing[5, 0]
        return
    if np.abs(away) > 180.0:
        away -= 360.0 * np.rint(away / 360.0)
    half = _sine(0.5 * away)
    across = 2.0 * rows[row].cosine * half
    drawing[corner, 2] = across * np.sqrt(1.0 - half * half)
    drawing[corner, 3] = _sine(rows[row].latitude - drawing[5, 0]) + across * half * drawing[5, 2]


@compiled
def _is_above_first(rows: RowTable, strip: int, i: int, j: int) -> bool:
    """Whether the middle of step `i` of the upper row is west of that of step `j` of the lower one.

    Where both are at one place there are four corners, which Atlas cuts one way and the other in turns; between rows
    of different lengths the shorter is first, as Atlas has it but for rounding.
    """
    upper = rows[strip].west + (i + 0.5) * rows[strip].step
    lower = rows[strip + 1].west + (j + 0.5) * rows[strip + 1].step
    if np.abs(upper - lower) < _SAME:
        if rows[strip].count != rows[strip + 1].count:
            return bool(rows[strip].count < rows[strip + 1].count)
        return bool((strip + i % rows[strip].count) % 2 == 0)
    return bool(upper < lower)


@compiled
def _first_edge(rows: RowTable, strip: int, longitude: float) -> tuple[int, int]:
    """An edge between two rows that is near a longitude: from a point of the upper row to the apex of its next step."""
    i = int(np.floor(position(rows, strip, longitude)))
    if not rows[strip].is_periodic:
        i = max(min(i, rows[strip].count - 2), 0)
        if rows[strip].count == 1:
            return 0, 0
    middle = rows[strip].west + (i + 0.5) * rows[strip].step - rows[strip + 1].west
    j = int(np.floor((middle - _SAME) / rows[strip + 1].step - 0.5)) + 1
    if not _is_above_first(rows, strip, i, j):
        j += 1
    if not rows[strip + 1].is_periodic:
        j = max(min(j, rows[strip + 1].count - 1), 0)
    return i, j


@compiled
def _is_far(rows: RowTable, row: int, longitude: float) -> bool:
    """Whether a longitude is more than a step beyond the ends of a row."""
    if rows[row].is_periodic:
        return False
    place = position(rows, row, longitude)
    return bool(place < -1.0 or place > rows[row].count)


@compiled
def _side(rows: RowTable, strip: int, i: int, j: int, drawing: _Drawing) -> float:
    """How far the point is east of the edge from place `i` of the upper row to `j` of the lower, in lengths of it."""
    _corner(rows, strip, i, drawing, 3)
    _corner(rows, strip + 1, j, drawing, 4)
    east, north = drawing[3, 2] - drawing[4, 2], drawing[3, 3] - drawing[4, 3]
    return float((drawing[3, 2] * drawing[4, 3] - drawing[3, 3] * drawing[4, 2]) / (east * east + north * north))


@compiled
def _before(rows: RowTable, strip: int, i: int, j: int) -> int:
    """Which row the triangle west of an edge has its base on: 1 for the upper, 2 for the lower, 0 if there is none."""
    may_above = rows[strip].is_periodic or i > 0
    may_below = rows[strip + 1].is_periodic or j > 0
    if may_above and (not may_below or not _is_above_first(rows, strip, i - 1, j - 1)):
        return 1
    return 2 if may_below else 0


@compiled
def _after(rows: RowTable, strip: int, i: int, j: int) -> int:
    """Which row the triangle east of an edge has its base on: 1 for the upper, 2 for the lower, 0 if there is none."""
    may_above = rows[strip].is_periodic or i < rows[strip].count - 1
    may_below = rows[strip + 1].is_periodic or j < rows[strip + 1].count - 1
    if may_above and (not may_below or _is_above_first(rows, strip, i, j)):
        return 1
    return 2 if may_below else 0


@compiled
def _between(rows: RowTable, strip: int, drawing: _Drawing) -> bool:
    """Go from an edge nearby to the two between which the point is, and draw the triangle; False if it is outside."""
    if _is_far(rows, strip, drawing[5, 1]) and _is_far(rows, strip + 1, drawing[5, 1]):
        return False
    i, j = _first_edge(rows, strip, drawing[5, 1])
    side = _side(rows, strip, i, j, drawing)
    while side < 0.0:
        base = _before(rows, strip, i, j)
        if base == 0:
            if side < -_OUTSIDE:
                return False
            break
        i, j = (i - 1, j) if base == 1 else (i, j - 1)
        side = _side(rows, strip, i, j, drawing)
    while True:
        base = _after(rows, strip, i, j)
        if base == 0:
            base = _before(rows, strip, i, j)
            if base == 0 or side > _OUTSIDE:
                return False
            i, j = (i - 1, j) if base == 1 else (i, j - 1)
            break
        east_i, east_j = (i + 1, j) if base == 1 else (i, j + 1)
        side = _side(rows, strip, east_i, east_j, drawing)
        if side <= 0.0:
            break
        i, j = east_i, east_j
    _draw(rows, strip, i, j, base, drawing)
    return True


@compiled
def _draw(rows: RowTable, strip: int, i: int, j: int, base: int, drawing: _Drawing) -> None:
    """Draw the triangle east of an edge, with the base on the upper (1) or lower row (2)."""
    if base == 1:
        _corner(rows, strip, i, drawing, 0)
        _corner(rows, strip, i + 1, drawing, 1)
        _corner(rows, strip + 1, j, drawing, 2)
    else:
        _corner(rows, strip + 1, j, drawing, 0)
        _corner(rows, strip + 1, j + 1, drawing, 1)
        _corner(rows, strip, i, drawing, 2)
