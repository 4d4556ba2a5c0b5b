"""Loops over polygons on the sphere and what overlaps them; they release the lock of Python.

Corners are unit vectors, counter-clockwise seen from outside. The side that follows a corner is part of a great circle,
or of a circle of latitude where `kinds` says 1.
"""

# mypy: allow-untyped-defs, allow-incomplete-defs
# ruff: noqa: ANN001, PLR0917

from __future__ import annotations

from typing import Any

import numpy as np

from dtedask.geo.compiled import compiled

_TANGENT = 1e-7


@compiled
def measure(corners, kinds, count, moment) -> Any:
    """Return the area of a polygon on a sphere of radius 1, and add the integral of the unit vector to `moment`.

    Triangles by Van Oosterom and Strackee (1983) of differences of corners, which keep the digits of small ones; sides
    along circles of latitude add what lies between circle and great circle. The integral is half that of x times dx
    along the sides, by Stokes.
    """
    area = 0.0
    for i in range(1, count - 1):
        area += _triangle(corners[0], corners[i], corners[i + 1])
    for i in range(count):
        a, b = corners[i], corners[i + 1 if i + 1 < count else 0]
        if kinds[i] == 1:
            turn = np.arctan2(a[0] * b[1] - a[1] * b[0], a[0] * b[0] + a[1] * b[1])
            area += _lens(a[2], turn)
            moment[0] -= 0.5 * a[2] * (b[1] - a[1])
            moment[1] += 0.5 * a[2] * (b[0] - a[0])
            moment[2] += 0.5 * (a[0] * a[0] + a[1] * a[1]) * turn
        else:
            x, y, z = _cross_of_near(a, b)
            sine = np.sqrt(x * x + y * y + z * z)
            half = 0.5
            if sine > 0.0:
                half *= np.arctan2(sine, a[0] * b[0] + a[1] * b[1] + a[2] * b[2]) / sine
            moment[0] += half * x
            moment[1] += half * y
            moment[2] += half * z
    return area


@compiled
def _cross_of_near(a, b) -> Any:
    x, y, z = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    return a[1] * z - a[2] * y, a[2] * x - a[0] * z, a[0] * y - a[1] * x


@compiled
def _triangle(a, b, c) -> Any:
    x, y, z = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    u, v, w = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    volume = a[0] * (v * z - w * y) + a[1] * (w * x - u * z) + a[2] * (u * y - v * x)
    sides = 1.0
    for k in range(3):
        sides += a[k] * b[k] + b[k] * c[k] + c[k] * a[k]
    return 2.0 * np.arctan2(volume, sides)


@compiled
def _lens(height, turn) -> Any:
    """Return the area between a circle of latitude and the great circle through two of its points."""
    up = abs(height)
    square = (1.0 - up) / (1.0 + up)
    triangle = 2.0 * np.arctan2(square * np.sin(turn), 1.0 + square * np.cos(turn))
    lens = (1.0 - up) * turn - triangle
    return lens if height >= 0.0 else -lens


@compiled
def cut_by_plane(corners, count, x, y, z, out) -> Any:
    """Write the part of a polygon beyond a plane through the Earth's centre to `out` (Sutherland and Hodgman 1974)."""
    made = 0
    for i in range(count):
        j = i + 1 if i + 1 < count else 0
        here = corners[i, 0] * x + corners[i, 1] * y + corners[i, 2] * z
        there = corners[j, 0] * x + corners[j, 1] * y + corners[j, 2] * z
        if here >= 0.0:
            copy_corner(corners, i, out, made)
            made += 1
        if (here > 0.0 and there < 0.0) or (here < 0.0 and there > 0.0):
            _between(corners[i], corners[j], here / (here - there), out[made])
            made += 1
    return made


@compiled
def copy_corner(corners, i, out, place) -> Any:
    """Copy a corner; loops compile in a tenth of the time of slices."""
    for axis in range(3):
        out[place, axis] = corners[i, axis]


@compiled
def _between(a, b, part, out) -> Any:
    square = 0.0
    for k in range(3):
        out[k] = a[k] + part * (b[k] - a[k])
        square += out[k] * out[k]
    for k in range(3):
        out[k] /= np.sqrt(square)


@compiled
def cut_by_latitude(corners, kinds, count, sign, height, out, out_kinds) -> Any:
    """Write the part of a polygon beyond a circle of latitude to `out`: where sign * z >= sign * height."""
    made = 0
    for i in range(count):
        a, b = corners[i], corners[i + 1 if i + 1 < count else 0]
        is_in, will_be_in = sign * (a[2] - height) >= 0.0, sign * (b[2] - height) >= 0.0
        if is_in:
            copy_corner(corners, i, out, made)
            out_kinds[made] = kinds[i]
            made += 1
        if kinds[i] == 1:
            continue
        enters, leaves, length = _crossings(a, b, sign, height)
        if is_in != will_be_in:
            _along(a, b, leaves if is_in else enters, length, height, out[made])
            out_kinds[made] = 1 if is_in else 0
            made += 1
            continue
        first, second = (leaves, enters) if is_in else (enters, leaves)
        if -_TANGENT < first < second < length + _TANGENT:
            _along(a, b, first, length, height, out[made])
            _along(a, b, second, length, height, out[made + 1])
            out_kinds[made], out_kinds[made + 1] = (1, 0) if is_in else (0, 1)
            made += 2
    return made


@compiled
def _crossings(a, b, sign, height) -> Any:
    """Return where on the way from `a` to `b` a great circle enters and leaves the heights beyond, and the way.

    Along the way the height is ``most * cos(s - top)``. Both alike where it never does, but for rounding.
    """
    x, y, z = _cross_of_near(a, b)
    sine = np.sqrt(x * x + y * y + z * z)
    length = np.arctan2(sine, a[0] * b[0] + a[1] * b[1] + a[2] * b[2])
    # the normal times a is the way that leads from a to b
    forward = (x * a[1] - y * a[0]) / sine if sine > 0.0 else 0.0
    top, most = np.arctan2(forward, a[2]), np.hypot(forward, a[2])
    if sine == 0.0 or most <= abs(height):
        part = abs(a[2] - height) / max(abs(a[2] - height) + abs(b[2] - height), 1e-300)
        return part * length, part * length, length
    reach = np.arccos(height / most)
    rises, falls = _near(top - reach, 0.5 * length), _near(top + reach, 0.5 * length)
    return (rises, falls, length) if sign > 0.0 else (falls, rises, length)


@compiled
def _near(angle, middle) -> Any:
    """Return an angle less than half a circle away from another."""
    return middle + (angle - middle + np.pi) % (2.0 * np.pi) - np.pi


@compiled
def _along(a, b, way, length, height, out) -> Any:
    """Write the point some way along a great circle, which lies on a circle of latitude."""
    way, sine = min(max(way, 0.0), length), np.sin(length)
    u, v = (1.0, 0.0) if sine == 0.0 else (np.sin(length - way) / sine, np.sin(way) / sine)
    x, y = u * a[0] + v * b[0], u * a[1] + v * b[1]
    flat, radius = np.sqrt(x * x + y * y), np.sqrt(max(0.0, 1.0 - height * height))
    out[0], out[1] = (x / flat * radius, y / flat * radius) if flat > 0.0 else (radius, 0.0)
    out[2] = height
