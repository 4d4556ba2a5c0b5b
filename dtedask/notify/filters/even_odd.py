"""Points and polygons that cross themselves, exactly: what is enclosed an odd number of times is inside, edges too."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

__all__ = ["is_inside"]

_CLEAR = 1e-6  # far more than what rounding does to a product of two differences of angles
Point = Sequence[float]


def is_inside(point: Point, polygon: Sequence[Point]) -> bool:
    """Whether a point lies in a closed polygon, or on its edge.

    Parameters
    ----------
    point : pair of float
        Latitude and longitude.
    polygon : sequence of pairs of float
        Its corners, the first one repeated last.
    """
    is_odd = False
    for first, last in pairwise(polygon):
        side = _side(first, last, point)
        if side == 0 and _is_between(first, last, point):
            return True
        if (first[0] > point[0]) != (last[0] > point[0]) and (side < 0) == (last[0] > first[0]):
            is_odd = not is_odd
    return is_odd


def _side(first: Point, last: Point, point: Point) -> float:
    """On which side of an edge a point lies; 0 exactly on its line."""
    found = (last[0] - first[0]) * (point[1] - first[1]) - (last[1] - first[1]) * (point[0] - first[0])
    if abs(found) > _CLEAR:
        return found
    a, b, c, d, e, f = (Fraction(number) for pair in (first, last, point) for number in pair)
    return float((c - a) * (f - b) - (d - b) * (e - a))


def _is_between(first: Point, last: Point, point: Point) -> bool:
    return all(min(first[axis], last[axis]) <= point[axis] <= max(first[axis], last[axis]) for axis in (0, 1))
