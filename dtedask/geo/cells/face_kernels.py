"""Loops over cells of HEALPix and what overlaps them, on the faces; they release the lock of Python.

A face has coordinates u and v from 0 to 1. With `height` the distance from the north pole in units of a face's half
diagonal (0 at the north pole, 2 at the equator, 4 at the south pole) and `x` the distance to the east of the face's
middle meridian, u = (ring - height + x) / 2 and v = (ring - height - x) / 2, where `ring` is 2, 3 or 4. Around the
equator x is the longitude in eighths of a circle from that meridian; in the caps it is that times the distance from the
pole. The area on a sphere of radius 1 is pi / 3 that on the face.
"""

# mypy: allow-untyped-defs, allow-incomplete-defs
# ruff: noqa: ANN001, PLR0913, PLR0917

from __future__ import annotations

from typing import Any

import numpy as np

from dtedask.geo.compiled import compiled

_RING = np.array([2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4])
_MIDDLE = np.array([1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7])
_CIRCLE = 8.0
_SLIVER = 1e-13
_BESIDE = 8.0
_FACE = np.pi / 3.0
_EIGHTH = np.pi / 4.0
_GAUSS = [np.polynomial.legendre.leggauss(order) for order in (4, 8, 16)]
_NODES = np.concatenate([0.5 * (1.0 + nodes) for nodes, _ in _GAUSS])
_WEIGHTS = np.concatenate([0.5 * weights for _, weights in _GAUSS])


@compiled
def cells_of_cells(cells, nside, others, turns, has_moments) -> Any:
    """Intersect cells with those of a HEALPix of `others` a side: products of overlaps along u and v."""
    strip, made, rest = np.empty((12, 2)), np.empty((12, 2)), np.empty((12, 2))
    ratio = others / nside
    room = int(np.ceil(ratio)) + 1
    indptr = np.zeros(cells.size + 1, np.int64)
    indices = np.empty(cells.size * room * room, np.int64)
    areas, moments = np.empty(indices.size), np.zeros((indices.size if has_moments else 0, 3))
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
                if has_moments:
                    left, low = (
                        max(x * others, a * nside) / (nside * others),
                        max(y * others, b * nside) / (nside * others),
                    )
                    _rectangle(strip, left, low, wide / (nside * others), high / (nside * others))
                    _parts_moment(strip, face, made, rest, moments[place])
                place += 1
        indptr[i + 1] = place
    return indptr, indices[:place].copy(), areas[:place].copy(), moments[:place].copy()


@compiled
def moments_of_cells(cells, nside) -> Any:
    """Return the integrals of the unit vector over cells."""
    moments = np.zeros((cells.size, 3))
    strip, made, rest = np.empty((12, 2)), np.empty((12, 2)), np.empty((12, 2))
    for i in range(cells.size):
        x, y, face = cells[i] % nside, cells[i] // nside % nside, cells[i] // (nside * nside)
        _rectangle(strip, x / nside, y / nside, 1.0 / nside, 1.0 / nside)
        _parts_moment(strip, face, made, rest, moments[i])
    return moments


@compiled
def _rectangle(shape, u, v, wide, high) -> Any:
    for corner in range(4):
        shape[corner, 0] = u + (wide if 0 < corner < 3 else 0.0)
        shape[corner, 1] = v + (high if corner > 1 else 0.0)


@compiled
def _parts_moment(shape, face, made, rest, moment) -> Any:
    """Add the integral of the unit vector over a rectangle on a face, which is cut where a cap begins."""
    for part in range(3):
        for i in range(4):
            # height and x in place of u and v, so that the cut is along an axis
            made[i, 0] = _RING[face] - shape[i, 0] - shape[i, 1]
            made[i, 1] = shape[i, 0] - shape[i, 1]
        count = _cut_side(made, 4, 0, 2.0 * part - 1.0, 1.0, rest)
        count = _cut_side(rest, count, 0, 2.0 * part + 1.0, -1.0, made)
        for i in range(count):
            height, x = made[i, 0], made[i, 1]
            made[i, 0], made[i, 1] = 0.5 * (_RING[face] - height + x), 0.5 * (_RING[face] - height - x)
        add_moment(made, count, face, part, 1, moment)


@compiled
def add_moment(shape, count, face, part, nside, moment) -> Any:
    """Add the integral of the unit vector over a polygon in a cap (0, 2) or around the equator (1).

    It is half the integral of x times dx along its sides, by Stokes, taken at Gauss's points: sides are smooth.
    """
    if count < 3:
        return
    sign = 0.5 if _doubled(shape, count, 0.0, 0.0) > 0.0 else -0.5
    height = _RING[face] - (shape[0, 0] + shape[0, 1]) / nside
    order = 4 if part == 1 and nside >= 32 else 8
    if part != 1 and min(height, 4.0 - height) * nside < _BESIDE:
        order = 16  # beside the poles sides are curved, on fine grids as on coarse ones
    first = order - 4
    for i in range(count):
        j = i + 1 if i + 1 < count else 0
        du, dv = (shape[j, 0] - shape[i, 0]) / nside, (shape[j, 1] - shape[i, 1]) / nside
        for k in range(first, first + order):
            u, v = shape[i, 0] / nside + _NODES[k] * du, shape[i, 1] / nside + _NODES[k] * dv
            x, y, z = _turning(face, part, u, v, du, dv)
            weight = sign * _WEIGHTS[k]
            moment[0] += weight * x
            moment[1] += weight * y
            moment[2] += weight * z


@compiled
def _turning(face, part, u, v, du, dv) -> Any:
    """Return the unit vector times its change, for a place on a face and a change of it."""
    height, x, dheight, dx = _RING[face] - u - v, u - v, -du - dv, du - dv
    if part == 1:
        z = (2.0 - height) / 1.5
        flat = np.sqrt(1.0 - z * z)
        up, angle, turn = -dheight / 1.5 / flat, x, dx
        across = flat * turn
    else:
        pole, side = (height, 1.0) if part == 0 else (4.0 - height, -1.0)
        dpole = side * dheight
        ratio = np.sqrt((2.0 - pole * pole / 3.0) / 3.0)
        z, flat = side * (1.0 - pole * pole / 3.0), pole * ratio
        angle = x / pole if pole > 0.0 else 0.0
        up, across = -side * dpole / (1.5 * ratio), ratio * (dx - angle * dpole)
    longitude = (angle + _MIDDLE[face]) * _EIGHTH
    across *= _EIGHTH
    sine, cosine = np.sin(longitude), np.cos(longitude)
    return sine * up - z * cosine * across, -cosine * up - z * sine * across, flat * across


@compiled
def cells_of_boxes(boxes, rows, nside, has_moments) -> Any:
    """Intersect boxes with the cells of HEALPix."""
    north, south, first, _, west, step, left, right = rows
    indptr = np.zeros(boxes.size + 1, np.int64)
    found, place = _room(boxes.size * 4 + 64, has_moments), 0
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
                        place, found = _spread(shape, count, face, part, nside, place, found, strip, made, rest)
                turn += 1.0
        indptr[i + 1] = place
    return indptr, found[0][:place].copy(), found[1][:place].copy(), found[2][:place].copy()


@compiled
def _spread(shape, count, face, part, nside, place, found, strip, made, rest) -> Any:
    """Write the overlaps of a polygon with the cells of a face; return the next place, and the arrays."""
    low, high = _range(shape, count, 0, nside)
    for x in range(low, high):
        inside = _cut(shape, count, 0, x, x + 1, strip, rest)
        bottom, top = _range(strip, inside, 1, nside) if inside > 2 else (0, 0)
        for y in range(bottom, top):
            corners = _cut(strip, inside, 1, y, y + 1, made, rest)
            area = 0.5 * abs(_doubled(made, corners, x, y))
            if area > _SLIVER:
                if place == found[0].size:
                    found = _grown(found)
                found[0][place] = (face * nside + y) * nside + x
                found[1][place] = area * _FACE / (nside * nside)
                if found[2].size > 0:
                    add_moment(made, corners, face, part, nside, found[2][place])
                place += 1
    return place, found


@compiled
def boxes_of_cells(cells, rows, nside, has_moments) -> Any:
    """Intersect cells of HEALPix with boxes."""
    north, south, first, count, west, step, left, right = rows
    indptr = np.zeros(cells.size + 1, np.int64)
    found, place = _room(cells.size * 4 + 64, has_moments), 0
    work = np.empty((4, 12, 2))
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
                    if place == found[0].size:
                        found = _grown(found)
                    area = _box_in_cell(face, x, y, north[row], south[row], a, b, nside, place, found, work)
                    if area > _SLIVER:
                        found[0][place] = first[row] + k % count[row]
                        found[1][place] = area * _FACE / (nside * nside)
                        place += 1
                    k += 1
                turn += 1
        indptr[i + 1] = place
    return indptr, found[0][:place].copy(), found[1][:place].copy(), found[2][:place].copy()


@compiled
def _box_in_cell(face, x, y, north, south, west, east, nside, place, found, work) -> Any:
    """Return the area of the part of a box in a cell, and write its moment where there is room."""
    shape, strip, made, rest = work[0], work[1], work[2], work[3]
    area = 0.0
    if found[2].size > 0:
        found[2][place, 0], found[2][place, 1], found[2][place, 2] = 0.0, 0.0, 0.0
    for part in range(3):
        corners = _piece(shape, face, part, north, south, west, east, nside)
        inside = _cut(shape, corners, 0, x, x + 1, strip, rest) if corners > 0 else 0
        inside = _cut(strip, inside, 1, y, y + 1, made, rest) if inside > 2 else 0
        if inside > 2:
            area += 0.5 * abs(_doubled(made, inside, x, y))
            if found[2].size > 0:
                add_moment(made, inside, face, part, nside, found[2][place])
    return area


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
        x = a if corner % 3 == 0 else b
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
def _doubled(shape, count, x, y) -> Any:
    """Return twice the area of a polygon, negative if it runs clockwise, of coordinates counted from near it."""
    double = 0.0
    for i in range(count):
        j = i + 1 if i + 1 < count else 0
        double += (shape[i, 0] - x) * (shape[j, 1] - y) - (shape[j, 0] - x) * (shape[i, 1] - y)
    return double


@compiled
def _room(size, has_moments) -> Any:
    return np.empty(size, np.int64), np.empty(size), np.zeros((size if has_moments else 0, 3))


@compiled
def _grown(found) -> Any:
    """Return arrays with twice the room."""
    size = found[0].size
    larger = _room(2 * size, found[2].size > 0)
    # loops compile in a tenth of the time of slices
    for i in range(size):
        larger[0][i], larger[1][i] = found[0][i], found[1][i]
    for i in range(found[2].shape[0]):
        for axis in range(3):
            larger[2][i, axis] = found[2][i, axis]
    return larger
