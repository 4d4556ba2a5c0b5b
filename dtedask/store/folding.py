"""Fold a set of points of a grid into few boxes: exact, and no point in two of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

Box = tuple[list[int], ...]
_LARGEST = 2**62


def fold(points: np.ndarray) -> list[Box]:
    """Boxes that hold exactly some points, none of them twice.

    Along the axis where most values have the same points behind them, those values share a box; what differs is folded
    further. A full grid becomes one box.

    Parameters
    ----------
    points : numpy.ndarray of int64, shape (points, axes)
        Places along each axis, not negative; repeats count once.

    Returns
    -------
    list of tuple of list of int
        Places along each axis of each box, ascending.
    """
    if not len(points):
        return []
    return list(_fold(_distinct(points)))


def fold_gaps(points: np.ndarray, sizes: Sequence[int]) -> list[Box]:
    """Boxes that hold exactly the points of a grid that are not among some.

    Parameters
    ----------
    points : numpy.ndarray of int64, shape (points, axes)
        Those that are there.
    sizes : sequence of int
        Length of each axis.
    """
    if not sizes:
        return [] if len(points) else [()]
    return list(_gaps(_distinct(points), sizes))


def _distinct(points: np.ndarray) -> np.ndarray:
    """Points in order, without repeats."""
    found: np.ndarray = points[np.unique(_codes(points), return_index=True)[1]]
    return found


def _fold(points: np.ndarray) -> Iterator[Box]:
    used = [np.flatnonzero(np.bincount(column)) for column in points.T]
    if math.prod(map(len, used)) == len(points):
        yield tuple(values.tolist() for values in used)
        return
    groups: list[tuple[list[int], np.ndarray]] = []
    best = -1
    for axis in range(points.shape[1]):
        if len(used[axis]) == 1:
            continue
        found = _alike(points, axis)
        if best < 0 or len(found) < len(groups):
            best, groups = axis, found
    for values, rest in groups:
        for box in _fold(rest):
            yield (*box[:best], values, *box[best:])


def _gaps(points: np.ndarray, sizes: Sequence[int]) -> Iterator[Box]:
    if len(points) == math.prod(sizes):
        return
    if not len(points):
        yield tuple(list(range(size)) for size in sizes)
        return
    groups = _alike(points, 0)
    there = {value for values, _ in groups for value in values}
    empty = [value for value in range(sizes[0]) if value not in there]
    if empty:
        yield (empty, *(list(range(size)) for size in sizes[1:]))
    for values, rest in groups if len(sizes) > 1 else []:
        for box in _gaps(rest, sizes[1:]):
            yield (values, *box)


def _alike(points: np.ndarray, axis: int) -> list[tuple[list[int], np.ndarray]]:
    """Values of an axis that have the same points behind them, together with those points."""
    rest = np.delete(points, axis, axis=1)
    codes = _codes(rest)
    order = np.lexsort((codes, points[:, axis]))
    values, starts = np.unique(points[order, axis], return_index=True)
    parts: dict[bytes, list[int]] = {}
    places: dict[bytes, np.ndarray] = {}
    for value, part in zip(values.tolist(), np.split(order, starts[1:]), strict=True):
        name = codes[part].tobytes()
        parts.setdefault(name, []).append(value)
        places.setdefault(name, part)
    return [(found, rest[places[name]]) for name, found in parts.items()]


def _codes(points: np.ndarray) -> np.ndarray:
    """One number a point, equal for equal points only."""
    codes, size = np.zeros(len(points), dtype=np.int64), 1
    for column in points.T:
        width = int(column.max(initial=0)) + 1
        if size * width > _LARGEST:
            codes = np.unique(codes, return_inverse=True)[1]
            size = int(codes.max(initial=0)) + 1
        codes, size = codes * width + column, size * width
    return codes
