"""Loops over boxes that overlap; they release the lock of Python."""

# mypy: allow-untyped-defs, allow-incomplete-defs
# ruff: noqa: ANN001, PLR0913, PLR0917

from __future__ import annotations

from typing import Any

import numpy as np

from dtedask.geo.compiled import compiled

_CIRCLE = 360.0
_DEGREE = np.pi / 180.0


@compiled
def meet(source, target, begin, end, points, tolerance, is_filling, places, indices, areas, moments) -> Any:
    """Count the overlaps of each point into `places`, or write them from `places` on."""
    north, south, first, _, west, step, left, right = target
    for i in range(points.size):
        row = np.searchsorted(first, points[i], side="right") - 1
        column = points[i] - first[row]
        a = max(west[row] + column * step[row], left[row])
        b = min(west[row] + (column + 1) * step[row], right[row])
        place = places[i] if is_filling else 0
        for other in range(begin[row], end[row]):
            high, low = min(north[row], source[0][other]), max(south[row], source[1][other])
            narrow = min(north[row] - south[row], source[0][other] - source[1][other])
            if high - low > tolerance * narrow:
                place = _meet_row(source, other, a, b, high, low, tolerance, is_filling, place, indices, areas, moments)
        if not is_filling:
            places[i] = place


@compiled
def _meet_row(source, row, a, b, high, low, tolerance, is_filling, place, indices, areas, moments) -> Any:
    """Intersect the longitudes `a` to `b` with the boxes of a row; return the next place."""
    _, _, first, count, west, step, left, right = source
    number, width = count[row], step[row]
    is_around = left[row] == -np.inf
    turn = 0 if is_around else int(np.ceil((left[row] - b) / _CIRCLE))
    last_turn = 0 if is_around else int(np.floor((right[row] - a) / _CIRCLE))
    while turn <= last_turn:
        begin, end = a + turn * _CIRCLE, b + turn * _CIRCLE
        narrow = tolerance * min(width, b - a)
        k = int(np.floor((begin - west[row]) / width))
        k = k if is_around else max(k, 0)
        while west[row] + k * width < end and (is_around or k < number):
            from_ = max(begin, west[row] + k * width, left[row])
            to = min(end, west[row] + (k + 1) * width, right[row])
            if to - from_ > narrow:
                if is_filling:
                    indices[place] = first[row] + k % number
                    _measure(high, low, from_, to, place, areas, moments)
                place += 1
            k += 1
        turn += 1
    return place


@compiled
def _measure(north, south, west, east, place, areas, moments) -> Any:
    """Write the area and, where there is room, the integral of the unit vector of a box."""
    middle, half = 0.5 * (north + south) * _DEGREE, 0.5 * (north - south) * _DEGREE
    zone = 2.0 * np.cos(middle) * np.sin(half)
    width = (east - west) * _DEGREE
    areas[place] = zone * width
    if moments.shape[0] > 0:
        centre = 0.5 * (east + west) * _DEGREE
        across = (half + 0.5 * np.cos(2.0 * middle) * np.sin(2.0 * half)) * 2.0 * np.sin(0.5 * width)
        moments[place, 0] = across * np.cos(centre)
        moments[place, 1] = across * np.sin(centre)
        moments[place, 2] = zone * np.sin(middle) * np.cos(half) * width
