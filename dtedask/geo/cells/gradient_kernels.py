"""Loops over cells and their neighbours; they release the lock of Python."""

# mypy: allow-untyped-defs, allow-incomplete-defs
# ruff: noqa: ANN001, PLR0917

from __future__ import annotations

from typing import Any

import numpy as np

from dtedask.geo.compiled import compiled

_CIRCLE = 360.0
_FLAT = 1e-10


@compiled
def row_neighbours(cells, first, count, west, step, is_periodic, north, south) -> Any:
    """Return the boxes beside each box: west, east, two to the north and two to the south, or across a pole."""
    found = np.full((cells.size, 7), -1, np.int64)
    rows = first.size
    for i in range(cells.size):
        row = np.searchsorted(first, cells[i], side="right") - 1
        column = cells[i] - first[row]
        longitude = west[row] + (column + 0.5) * step[row]
        found[i, 0] = _box(row, column - 1, first, count, is_periodic)
        found[i, 1] = _box(row, column + 1, first, count, is_periodic)
        for side in range(2):
            other = row - 1 + 2 * side
            if 0 <= other < rows:
                place = (longitude - west[other]) / step[other] - 0.5
                left = int(np.floor(place))
                found[i, 2 + 2 * side] = _box(other, left, first, count, is_periodic)
                found[i, 3 + 2 * side] = _box(other, left + 1, first, count, is_periodic)
            elif is_periodic[row] and (north[row] >= 90.0 if side == 0 else south[row] <= -90.0):
                found[i, 6] = _box(row, column + count[row] // 2, first, count, is_periodic)
                found[i, 2 + 2 * side] = _box(row, column + count[row] // 4, first, count, is_periodic)
                found[i, 3 + 2 * side] = _box(row, column - count[row] // 4, first, count, is_periodic)
    return found


@compiled
def _box(row, column, first, count, is_periodic) -> Any:
    if is_periodic[row]:
        return first[row] + column % count[row]
    return first[row] + column if 0 <= column < count[row] else -1


@compiled
def fit(cells, neighbours, barycentres) -> Any:
    """Return the coefficients of gradients by least squares, with weights of one over the distance squared.

    The gradient is that in the plane which touches the sphere at the cell; it is 0 where neighbours lie on a line.
    """
    size, most = neighbours.shape
    found = np.zeros((size, most, 3))
    for i in range(size):
        centre = barycentres[cells[i]]
        length = np.sqrt(centre[0] ** 2 + centre[1] ** 2 + centre[2] ** 2)
        a, b, c = centre[0] / length, centre[1] / length, centre[2] / length
        east, north = _axes(a, b, c)
        xx, xy, yy = 0.0, 0.0, 0.0
        for k in range(most):
            x, y, weight = _place(neighbours[i, k], cells[i], barycentres, east, north)
            xx, xy, yy = xx + weight * x * x, xy + weight * x * y, yy + weight * y * y
        determinant = xx * yy - xy * xy
        if determinant <= _FLAT * (xx + yy) ** 2:
            continue
        for k in range(most):
            x, y, weight = _place(neighbours[i, k], cells[i], barycentres, east, north)
            along = weight * (yy * x - xy * y) / determinant
            across = weight * (xx * y - xy * x) / determinant
            for axis in range(3):
                found[i, k, axis] = along * east[axis] + across * north[axis]
    return found


@compiled
def _axes(a, b, c) -> Any:
    """Return two unit vectors that are at right angles to each other and to the one given."""
    if abs(c) < 0.9:
        flat = np.sqrt(a * a + b * b)
        return (-b / flat, a / flat, 0.0), (-c * a / flat, -c * b / flat, flat)
    flat = np.sqrt(b * b + c * c)
    return (0.0, c / flat, -b / flat), (-flat, a * b / flat, a * c / flat)


@compiled
def _place(neighbour, cell, barycentres, east, north) -> Any:
    """Return where a neighbour is in the plane that touches the sphere at a cell, and its weight."""
    if neighbour < 0 or neighbour == cell:
        return 0.0, 0.0, 0.0
    x, y = 0.0, 0.0
    for axis in range(3):
        away = barycentres[neighbour, axis] - barycentres[cell, axis]
        x += away * east[axis]
        y += away * north[axis]
    square = x * x + y * y
    return (x, y, 1.0 / square) if square > 0.0 else (0.0, 0.0, 0.0)


@compiled
def second_order(indices, areas, moments, places, neighbours, coefficients, barycentres) -> Any:
    """Return columns and values of rows with one entry for each overlap and one for each neighbour of its source cell.

    What a cell holds varies linearly about its barycentre: an overlap adds its area times the cell's value, and the
    gradient times its moment about the barycentre, which over all overlaps of the cell add up to nothing.
    """
    most = neighbours.shape[1]
    room = indices.size * (most + 1)
    columns, values = np.empty(room, np.int64), np.empty(room)
    for n in range(indices.size):
        cell, local, place = indices[n], places[n], n * (most + 1)
        columns[place], values[place] = cell, areas[n]
        for k in range(most):
            at = place + 1 + k
            columns[at], values[at] = max(neighbours[local, k], 0), 0.0
            for axis in range(3):
                about = moments[n, axis] - areas[n] * barycentres[cell, axis]
                values[at] += coefficients[local, k, axis] * about
            values[place] -= values[at]
    return columns, values
