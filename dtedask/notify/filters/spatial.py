"""Polygons and points on the globe: whether they meet.

Latitude and longitude are taken as plane coordinates, as aviso-server does: an edge is a straight line in them, and one
from 170 to -170 goes the long way round. Beside that the globe is closed: longitudes that differ by 360 degrees are the
same, so a polygon across the antimeridian is written with longitudes up to 190, and a pole is one point, whatever its
longitude. What lies on an edge is inside.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from dtedask.notify.filters.conditions import Condition
from dtedask.notify.filters.even_odd import is_inside

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

__all__ = ["Contains", "HasPointIn", "Intersects", "Pairs", "box", "crosses_itself"]

Pairs = tuple[tuple[float, float], ...]

_TURNS = (0.0, 360.0, -360.0, 720.0, -720.0)  # longitudes are in [-180, 540]
_REMEMBERED = 256


def box(north: float, west: float, south: float, east: float) -> list[list[float]]:
    """Give an area as a closed polygon of [latitude, longitude] pairs.

    Parameters
    ----------
    north, west, south, east : float
        Degrees. Its west edge comes to lie in [-180, 180), and its east edge beyond 180 where it crosses the
        antimeridian.
    """
    width = 360.0 if east - west >= 360.0 else (east - west) % 360.0
    left = -180.0 if width == 360.0 else (west + 180.0) % 360.0 - 180.0
    right = left + width
    return [[north, left], [north, right], [south, right], [south, left], [north, left]]


def crosses_itself(pairs: Sequence[Sequence[float]]) -> bool:
    """Whether a polygon crosses itself, touches itself along an edge, or has no area."""
    return _Shape(pairs).polygon is None


@dataclass(frozen=True, slots=True)
class Intersects(Condition):
    """The polygon of the identifier and another one have a point in common.

    Parameters
    ----------
    pairs : tuple of pairs of float
        Latitude and longitude of the corners of the other one, closed.
    """

    is_slow: ClassVar[bool] = True
    pairs: Pairs

    def test(self, identifier: Mapping[str, Any]) -> bool:
        """Whether they have."""
        found = identifier.get(self.key)
        return isinstance(found, list) and _shape(found).meets(_shape(self.pairs))

    def document(self) -> Any:
        """The pairs."""
        return [list(pair) for pair in self.pairs]


@dataclass(frozen=True, slots=True)
class Contains(Condition):
    """The polygon of the identifier holds a point.

    Parameters
    ----------
    point : pair of float
        Latitude and longitude.
    """

    is_slow: ClassVar[bool] = True
    point: tuple[float, float]

    def test(self, identifier: Mapping[str, Any]) -> bool:
        """Whether it does."""
        found = identifier.get(self.key)
        return isinstance(found, list) and _shape(found).holds(*self.point)

    def document(self) -> Any:
        """Such as ``{"point": [52.5, 13.4]}``."""
        return {"point": list(self.point)}


@dataclass(frozen=True, slots=True)
class HasPointIn(Condition):
    """At least one of the points of the identifier lies in a polygon.

    Parameters
    ----------
    pairs : tuple of pairs of float
        Latitude and longitude of the corners of the polygon, closed.
    """

    is_slow: ClassVar[bool] = True
    pairs: Pairs

    def test(self, identifier: Mapping[str, Any]) -> bool:
        """Whether one does."""
        found = identifier.get(self.key)
        if not isinstance(found, list):
            return False
        shape = _shape(self.pairs)
        return any(shape.holds(latitude, longitude) for latitude, longitude in found)

    def document(self) -> Any:
        """Such as ``{"polygon": [[52.5, 13.4], ...]}``."""
        return {"polygon": [list(pair) for pair in self.pairs]}


class _Shape:
    """A polygon, with the box around it; its geometry is made when a box does not decide.

    Shapely decides exactly for polygons that do not cross themselves. Of the others it would move the crossings by
    rounding, so they are taken as lines, and points by `even_odd`.
    """

    __slots__ = ("_line", "_polygon", "east", "north", "pairs", "south", "west")

    def __init__(self, pairs: Sequence[Sequence[float]]) -> None:
        self.pairs = pairs
        self._polygon: BaseGeometry | None = None
        self._line: BaseGeometry | None = None
        self.south, self.north = min(pair[0] for pair in pairs), max(pair[0] for pair in pairs)
        self.west, self.east = min(pair[1] for pair in pairs), max(pair[1] for pair in pairs)

    @property
    def polygon(self) -> BaseGeometry | None:
        """The polygon; None where it crosses itself or has no area."""
        if self._polygon is None and self._line is None:
            import shapely

            corners = [(longitude, latitude) for latitude, longitude in self.pairs]
            polygon = shapely.Polygon(corners)
            if polygon.is_valid:
                shapely.prepare(polygon)
                self._polygon = polygon
            else:
                self._line = shapely.LineString(corners)
        return self._polygon

    @property
    def line(self) -> BaseGeometry:
        """The edges."""
        polygon = self.polygon
        return self._line if polygon is None else polygon.exterior

    def meets(self, other: _Shape) -> bool:
        if self.south > other.north or other.south > self.north:
            return False
        if (self.north == other.north == 90.0) or (self.south == other.south == -90.0):
            return True
        return any(self._meets(other, turn) for turn in _TURNS)

    def holds(self, latitude: float, longitude: float) -> bool:
        if not self.south <= latitude <= self.north:
            return False
        if abs(latitude) == 90.0:
            return True
        return any(self.holds_here(latitude, longitude + turn) for turn in _TURNS)

    def _meets(self, other: _Shape, turn: float) -> bool:
        if self.west + turn > other.east or other.west > self.east + turn:
            return False
        moved = _Shape([(latitude, longitude + turn) for latitude, longitude in self.pairs]) if turn else self
        if moved.polygon is not None and other.polygon is not None:
            return bool(other.polygon.intersects(moved.polygon))
        if other.line.intersects(moved.line):
            return True
        return other.holds_here(*moved.pairs[0]) or moved.holds_here(*other.pairs[0])

    def holds_here(self, latitude: float, longitude: float) -> bool:
        if not self.west <= longitude <= self.east:
            return False
        if self.polygon is None:
            return is_inside((latitude, longitude), self.pairs)
        import shapely

        return bool(shapely.intersects_xy(self.polygon, longitude, latitude))


_lock = threading.Lock()
_shapes: OrderedDict[int, tuple[object, _Shape]] = OrderedDict()


def _shape(pairs: Sequence[Sequence[float]]) -> _Shape:
    """Shape of a polygon: one for each list, however many filters look at the same notification."""
    known = _shapes.get(id(pairs))
    if known is not None and known[0] is pairs:  # it holds the list, so nothing else can have its id
        return known[1]
    shape = _Shape(pairs)
    with _lock:
        _shapes[id(pairs)] = (pairs, shape)
        while len(_shapes) > _REMEMBERED:
            _shapes.popitem(last=False)
    return shape
