"""Overlaps of polygons with polygons and with boxes, of pairs that are near each other; loops without Python's lock."""

# mypy: allow-untyped-defs, allow-incomplete-defs
# ruff: noqa: ANN001, PLR0917

from __future__ import annotations

from typing import Any

import numpy as np

from dtedask.geo.cells.polygon_kernels import copy_corner, cut_by_latitude, cut_by_plane, measure
from dtedask.geo.compiled import compiled

_EXTRA = 64
_DEGREE = np.pi / 180.0
_WIDE = 120.0
_LIMIT = 1.0 - 1e-15


@compiled
def areas_of(starts, vertices) -> Any:
    """Return the areas of polygons, and the integrals of the unit vector over them."""
    size = starts.size - 1
    areas, moments = np.empty(size), np.zeros((size, 3))
    kinds = np.zeros(_most(starts), np.int8)
    for i in range(size):
        areas[i] = measure(vertices[starts[i] : starts[i + 1]], kinds, starts[i + 1] - starts[i], moments[i])
    return areas, moments


@compiled
def are_convex(starts, vertices) -> Any:
    """Whether no corner of any polygon is turned inward."""
    for i in range(starts.size - 1):
        count = starts[i + 1] - starts[i]
        for k in range(count):
            a, b = vertices[starts[i] + k], vertices[starts[i] + (k + 1) % count]
            c = vertices[starts[i] + (k + 2) % count]
            x, y, z = c[0] - b[0], c[1] - b[1], c[2] - b[2]
            u, v, w = b[0] - a[0], b[1] - a[1], b[2] - a[2]
            turn = b[0] * (v * z - w * y) + b[1] * (w * x - u * z) + b[2] * (u * y - v * x)
            if turn < -1e-14 * np.sqrt((u * u + v * v + w * w) * (x * x + y * y + z * z)):
                return False
    return True


@compiled
def depths(points, firsts, seconds, starts, vertices) -> Any:
    """Return how far the point of each pair is within the polygon of the pair: negative beyond a side."""
    found = np.empty(firsts.size)
    for pair in range(firsts.size):
        point, begin, end = points[firsts[pair]], starts[seconds[pair]], starts[seconds[pair] + 1]
        found[pair] = np.inf
        for k in range(begin, end):
            a, b = vertices[k], vertices[k + 1 if k + 1 < end else begin]
            u, v, w = b[0] - a[0], b[1] - a[1], b[2] - a[2]
            x, y, z = a[1] * w - a[2] * v, a[2] * u - a[0] * w, a[0] * v - a[1] * u
            length = np.sqrt(x * x + y * y + z * z)
            if length > 0.0:
                found[pair] = min(found[pair], (x * point[0] + y * point[1] + z * point[2]) / length)
    return found


@compiled
def _most(starts) -> Any:
    most = 0
    for i in range(starts.size - 1):
        most = max(most, starts[i + 1] - starts[i])
    return most


@compiled
def polygons_in_polygons(firsts, seconds, a_starts, a_vertices, b_starts, b_vertices, centres, is_convex) -> Any:
    """Intersect pairs of polygons; those of `b` are cut into triangles about their centres where not convex."""
    areas, moments = np.empty(firsts.size), np.zeros((firsts.size, 3))
    room = _most(a_starts) + _most(b_starts) + _EXTRA
    one, other, fan = np.empty((room, 3)), np.empty((room, 3)), np.empty((3, 3))
    kinds = np.zeros(room, np.int8)
    for pair in range(firsts.size):
        subject = a_vertices[a_starts[firsts[pair]] : a_starts[firsts[pair] + 1]]
        around = b_vertices[b_starts[seconds[pair]] : b_starts[seconds[pair] + 1]]
        if is_convex:
            areas[pair] = _clip(subject, around, one, other, kinds, moments[pair])
            continue
        total = 0.0
        copy_corner(centres, seconds[pair], fan, 0)
        for k in range(around.shape[0]):
            copy_corner(around, k, fan, 1)
            copy_corner(around, (k + 1) % around.shape[0], fan, 2)
            total += _clip(subject, fan, one, other, kinds, moments[pair])
        areas[pair] = total
    return areas, moments


@compiled
def _clip(subject, around, one, other, kinds, moment) -> Any:
    """Return the area of the part of a polygon in a convex one, and add its moment."""
    count = subject.shape[0]
    for k in range(count):
        copy_corner(subject, k, one, k)
    for k in range(around.shape[0]):
        a, b = around[k], around[k + 1 if k + 1 < around.shape[0] else 0]
        u, v, w = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        x, y, z = a[1] * w - a[2] * v, a[2] * u - a[0] * w, a[0] * v - a[1] * u
        if x * x + y * y + z * z < 1e-30:
            continue
        count = cut_by_plane(one, count, x, y, z, other)
        if count < 3:
            return 0.0
        one, other = other, one
    return measure(one, kinds, count, moment)


@compiled
def polygons_in_boxes(polygons, boxes, starts, vertices, north, west, south, east) -> Any:
    """Intersect pairs of a polygon and a box of latitude and longitude."""
    areas, moments = np.empty(polygons.size), np.zeros((polygons.size, 3))
    room = 2 * _most(starts) + _EXTRA
    one, other = np.empty((room, 3)), np.empty((room, 3))
    kinds, other_kinds = np.zeros(room, np.int8), np.zeros(room, np.int8)
    for pair in range(polygons.size):
        polygon, box = polygons[pair], boxes[pair]
        subject = vertices[starts[polygon] : starts[polygon + 1]]
        parts = int(np.ceil((east[box] - west[box]) / _WIDE))
        width = (east[box] - west[box]) / parts
        total = 0.0
        for part in range(parts):
            a, b = west[box] + part * width, west[box] + (part + 1) * width
            b = east[box] if part == parts - 1 else b
            total += _clip_box(subject, north[box], a, south[box], b, one, other, kinds, other_kinds, moments[pair])
        areas[pair] = total
    return areas, moments


@compiled
def _clip_box(subject, north, west, south, east, one, other, kinds, other_kinds, moment) -> Any:
    """Return the area of the part of a polygon in a box, and add its moment."""
    count = subject.shape[0]
    for k in range(count):
        copy_corner(subject, k, one, k)
    count = cut_by_plane(one, count, -np.sin(west * _DEGREE), np.cos(west * _DEGREE), 0.0, other)
    count = cut_by_plane(other, count, np.sin(east * _DEGREE), -np.cos(east * _DEGREE), 0.0, one)
    if count < 3:
        return 0.0
    for k in range(count):
        kinds[k] = 0
    low, high = np.sin(south * _DEGREE), np.sin(north * _DEGREE)
    if low > -_LIMIT:
        count = cut_by_latitude(one, kinds, count, 1.0, low, other, other_kinds)
        one, other, kinds, other_kinds = other, one, other_kinds, kinds
    if high < _LIMIT:
        count = cut_by_latitude(one, kinds, count, -1.0, high, other, other_kinds)
        one, other, kinds, other_kinds = other, one, other_kinds, kinds
    return measure(one, kinds, count, moment) if count > 1 else 0.0
