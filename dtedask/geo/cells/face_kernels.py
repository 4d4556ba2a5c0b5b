"""Loops over cells of HEALPix and what overlaps them, on the faces; they release the lock of Python.

A face has coordinates u and v from 0 to 1. With `height` the distance from the north pole in units of a face's half
diagonal (0 at the north pole, 2 at the equator, 4 at the south pole) and `x` the distance to the east of the face's
middle meridian, u = (ring - height + x) / 2 and v = (ring - height - x) / 2, where `ring` is 2, 3 or 4. Around the
equator x is the longitude in eighths of a circle from that meridian; in the caps it is that times the distance from the
pole. The area on a sphere of radius 1 is pi / 3 that on the face.
"""

# mypy: allow-untyped-defs, allow-incomplete-defs
# ruff: noqa: ANN001, PLR0917

from __future__ import annotations

from typing import Any

import numpy as np

from dtedask.geo.compiled import compiled

_RING = np.array([2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4])
_MIDDLE = np.array([1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7])
_CIRCLE = 8.0
_SLIVER = 1e-13
_FACE = np.pi / 3.0


@compiled
def cells_of_cells(cells, nside, others, turns) -> Any:
    """Intersect cells with those of a HEALPix of `others` a side: products of overlaps along u and v."""
    ratio = others / nside
    room = int(np.ceil(ratio)) + 1
    indptr = np.zeros(cells.size + 1, np.int64)
    indices = np.empty(cells.size * room * room, np.int64)
    areas = np.empty(indices.size)
    place = 0
    for i in range(cells.size):
        x, y, face = cells[i] % nside, cells[i] // nside % nside, cells[i] // (nside * nside)
        face = 4 * (face // 4) + (face + turns) % 4
        for b in range(y * others // nside, min(others, ((y + 1) * others + nside - 1) // nside)):
            high = min((y + 1) * others, (b + 1) * nside) - max(y * others, b * nside)
            for a in range(x * others // nside, min(others, ((x + 1) * others + nside - 1) // nside)):
                wide = min((x + 1) * others, (a + 1) * nside) - max(x * others, a * nside)
                indices[place] = (face * others + b) * others + a
                areas[place] = _FACE * (wide / (nside * others)) * (high / (nside * others))
                place += 1
        indptr[i + 1] = place
    return indptr, indices[:place].copy(), areas[:place].copy()


@compiled
def cells_of_boxes(boxes, rows, nside) -> Any:
    """Intersect boxes with the cells of HEALPix."""
    north, south, first, _, west, step, left, right = rows
    indptr = np.zeros(boxes.size + 1, np.int64)
    indices, areas, place = np.empty(boxes.size * 4 + 64, np.int64), np.empty(boxes.size * 4 + 64), 0
    shape, strip, made, rest = np.empty((12, 2)), np.empty((12, 2)), np.empty((12, 2)), np.empty((12, 2))
    for i in range(boxes.size):
        row = np.searchsorted(first, boxes[i], side="right") - 1
        column = boxes[i] - first[row]
        a, b = max(west[row] + column * step[row], left[row]), min(west[row] + (column + 1) * step[row], right[row])
        for face in range(12):
            turn = np.ceil((_MIDDLE[face] - 1.0 - b) / _CIRCLE)
            while a + turn * _CIRCLE < _MIDDLE[face] + 1.0:
                for part in range(3):
                    begin, end = a + turn * _CIRCLE, b + turn * _CIRCLE
                    count = _piece(shape, face, part, north[row], south[row], begin, end, nside)
                    if count > 0:
                        place, indices, areas = _spread(
                            shape, count, face, nside, place, indices, areas, strip, made, rest
                        )
                turn += 1.0
        indptr[i + 1] = place
    return indptr, indices[:place].copy(), areas[:place].copy()


@compiled
def _spread(shape, count, face, nside, place, indices, areas, strip, made, rest) -> Any:
    """Write the overlaps of a polygon with the cells of a face; return the next place, and the arrays."""
    low, high = _range(shape, count, 0, nside)
    for x in range(low, high):
        inside = _cut(shape, count, 0, x, x + 1, strip, rest)
        bottom, top = _range(strip, inside, 1, nside) if inside > 2 else (0, 0)
        for y in range(bottom, top):
            area = _square(strip, inside, x, y, made, rest)
            if area > _SLIVER:
                if place == indices.size:
                    indices, areas = _grown(indices, areas)
                indices[place] = (face * nside + y) * nside + x
                areas[place] = area * _FACE / (nside * nside)
                place += 1
    return place, indices, areas


@compiled
def boxes_of_cells(cells, rows, nside) -> Any:
    """Intersect cells of HEALPix with boxes."""
    north, south, first, count, west, step, left, right = rows
    indptr = np.zeros(cells.size + 1, np.int64)
    indices, areas, place = np.empty(cells.size * 4 + 64, np.int64), np.empty(cells.size * 4 + 64), 0
    shape, strip, made, rest = np.empty((12, 2)), np.empty((12, 2)), np.empty((12, 2)), np.empty((12, 2))
    for i in range(cells.size):
        x, y, face = cells[i] % nside, cells[i] // nside % nside, cells[i] // (nside * nside)
        top, bottom = _RING[face] - (x + y + 2) / nside, _RING[face] - (x + y) / nside
        from_, to = _longitudes(face, x, y, nside)
        begin, end = np.searchsorted(south, top, side="right"), np.searchsorted(north, bottom, side="left")
        for row in range(begin, end):
            is_around = left[row] == -np.inf
            turn = 0 if is_around else int(np.ceil((left[row] - to) / _CIRCLE))
            last_turn = 0 if is_around else int(np.floor((right[row] - from_) / _CIRCLE))
            while turn <= last_turn:
                k = int(np.floor((from_ + turn * _CIRCLE - west[row]) / step[row]))
                k = k if is_around else max(k, 0)
                while west[row] + k * step[row] < to + turn * _CIRCLE and (is_around or k < count[row]):
                    a = max(west[row] + k * step[row], left[row]) - turn * _CIRCLE
                    b = min(west[row] + (k + 1) * step[row], right[row]) - turn * _CIRCLE
                    area = 0.0
                    for part in range(3):
                        corners = _piece(shape, face, part, north[row], south[row], a, b, nside)
                        if corners > 0:
                            inside = _cut(shape, corners, 0, x, x + 1, strip, rest)
                            area += _square(strip, inside, x, y, made, rest)
                    if area > _SLIVER:
                        if place == indices.size:
                            indices, areas = _grown(indices, areas)
                        indices[place] = first[row] + k % count[row]
                        areas[place] = area * _FACE / (nside * nside)
                        place += 1
                    k += 1
                turn += 1
        indptr[i + 1] = place
    return indptr, indices[:place].copy(), areas[:place].copy()


@compiled
def _longitudes(face, x, y, nside) -> Any:
    """Return the longitudes between which a cell lies; along its sides they change one way, so corners tell."""
    low, high = np.inf, -np.inf
    for corner in range(4):
        u, v = (x + corner % 2) / nside, (y + corner // 2) / nside
        height = _RING[face] - u - v
        scale = min(1.0, height, 4.0 - height)
        if scale > 0.0:
            low, high = min(low, (u - v) / scale), max(high, (u - v) / scale)
    return _MIDDLE[face] + max(low, -1.0), _MIDDLE[face] + min(high, 1.0)


@compiled
def _piece(shape, face, part, north, south, west, east, nside) -> Any:
    """Write the corners of the part of a box in a cap (0, 2) or around the equator (1), on a face; return how many."""
    if (part == 0 and face > 3) or (part == 2 and face < 8):
        return 0
    top, bottom = max(north, 2.0 * part - 1.0), min(south, 2.0 * part + 1.0)
    a, b = max(west - _MIDDLE[face], -1.0), min(east - _MIDDLE[face], 1.0)
    if bottom <= top or b <= a:
        return 0
    for corner in range(4):
        height = top if corner < 2 else bottom
        x = a if corner in {0, 3} else b
        if part != 1:
            x *= height if part == 0 else 4.0 - height
        shape[corner, 0] = 0.5 * nside * (_RING[face] - height + x)
        shape[corner, 1] = 0.5 * nside * (_RING[face] - height - x)
    return 4


@compiled
def _range(shape, count, axis, nside) -> Any:
    """Return the columns that a polygon meets, the last exclusive."""
    low, high = shape[0, axis], shape[0, axis]
    for i in range(1, count):
        low, high = min(low, shape[i, axis]), max(high, shape[i, axis])
    return max(0, int(np.floor(low))), min(nside, int(np.ceil(high)))


@compiled
def _cut(shape, count, axis, low, high, out, rest) -> Any:
    """Write the part of a polygon between two lines to `out`; return its corners."""
    count = _cut_side(shape, count, axis, low, 1.0, rest)
    return _cut_side(rest, count, axis, high, -1.0, out)


@compiled
def _cut_side(shape, count, axis, limit, sign, out) -> Any:
    """Write the part of a polygon beyond a line (Sutherland and Hodgman 1974) to `out`; return its corners."""
    made = 0
    for i in range(count):
        j = i + 1 if i + 1 < count else 0
        here, there = sign * (shape[i, axis] - limit), sign * (shape[j, axis] - limit)
        if here >= 0.0:
            out[made, 0], out[made, 1] = shape[i, 0], shape[i, 1]
            made += 1
        if (here > 0.0 and there < 0.0) or (here < 0.0 and there > 0.0):
            part = here / (here - there)
            out[made, axis] = limit
            out[made, 1 - axis] = shape[i, 1 - axis] + part * (shape[j, 1 - axis] - shape[i, 1 - axis])
            made += 1
    return made


@compiled
def _square(strip, count, x, y, made, rest) -> Any:
    """Return the area of the part of a polygon in the square whose south corner is at `x`, `y`."""
    if count < 3:
        return 0.0
    count = _cut(strip, count, 1, y, y + 1, made, rest)
    double = 0.0
    for i in range(count):
        j = i + 1 if i + 1 < count else 0
        double += (made[i, 0] - x) * (made[j, 1] - y) - (made[j, 0] - x) * (made[i, 1] - y)
    return 0.5 * abs(double)


@compiled
def _grown(indices, areas) -> Any:
    more, larger = np.empty(2 * indices.size, np.int64), np.empty(2 * indices.size)
    more[: indices.size], larger[: areas.size] = indices, areas
    return more, larger
