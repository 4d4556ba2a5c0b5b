"""Keys whose values are polygons and clouds of points, in latitude and longitude."""

from __future__ import annotations

import json
import math
import re
from typing import Any, ClassVar, Literal

from pydantic import Field

from dtedask.notify.event_types.keys import Key, ValueProblem
from dtedask.notify.filters.conditions import Condition
from dtedask.notify.filters.spatial import Contains, HasPointIn, Intersects, Pairs, crosses_itself

__all__ = ["PointCloudKey", "PolygonKey", "read_point"]

_MOST = 10_000
_MOST_CROSSING = 1000  # looking into one that crosses itself takes a microsecond for each of its points
_PAIR = "A point is [latitude, longitude], in degrees."
_POLYGON = "A polygon is [[latitude, longitude], ...], its first point repeated last."


class PolygonKey(Key):
    """A closed polygon of [latitude, longitude] pairs."""

    handler: ClassVar[str] = "PolygonHandler"
    operators: ClassVar[tuple[str, ...]] = ()
    is_geometry: ClassVar[bool] = True

    type: Literal["polygon"] = "polygon"
    default: None = None
    """Polygons have none."""

    def canonical(self, value: Any) -> list[list[float]]:
        """Write it as a list of pairs of floats."""
        pairs = _read(value, is_polygon=True)
        if len(pairs) < 4 or pairs[0] != pairs[-1]:
            raise ValueProblem("it is no closed polygon of at least four points", _POLYGON)
        longitudes = [longitude for _, longitude in pairs]
        if max(longitudes) - min(longitudes) > 360.0:
            raise ValueProblem("it is wider than the globe")
        if len(pairs) > _MOST_CROSSING and crosses_itself(pairs):
            raise ValueProblem(f"it crosses itself, and has more than {_MOST_CROSSING} points")
        return pairs

    def condition(self, name: str, wanted: Any) -> Condition:
        """Read a polygon that the others must meet."""
        return Intersects(name, _frozen(self.canonical(wanted)))

    def contains(self, name: str, point: Any) -> Condition:
        """Read a point that polygons must hold."""
        return Contains(name, read_point(point))


class PointCloudKey(Key):
    """Points, as [latitude, longitude] pairs; a filter takes those with a point in its polygon."""

    handler: ClassVar[str] = "PointCloudHandler"
    operators: ClassVar[tuple[str, ...]] = ()
    is_geometry: ClassVar[bool] = True

    type: Literal["point_cloud"] = "point_cloud"
    default: None = None
    """Clouds have none."""
    max_points: int = Field(_MOST, gt=0, le=_MOST)
    """The most points."""

    def canonical(self, value: Any) -> list[list[float]]:
        """Write it as a list of pairs of floats."""
        pairs = _read(value, is_polygon=False)
        if len(pairs) > self.max_points:
            raise ValueProblem(f"it has {len(pairs)} points, and at most {self.max_points} are allowed")
        return pairs

    def condition(self, name: str, wanted: Any) -> Condition:
        """Read a polygon that must hold one of the points."""
        return HasPointIn(name, _frozen(PolygonKey().canonical(wanted)))

    def _options(self) -> dict[str, Any]:
        return {"max_points": self.max_points}


def read_point(value: Any) -> tuple[float, float]:
    """Read a point, as a pair or as text such as ``52.5,13.4``.

    Raises
    ------
    ValueProblem
        If it is none.
    """
    found = _from_text(value, _PAIR) if isinstance(value, str) else value
    latitude, longitude = _pair(found)
    return latitude, longitude


def _read(value: Any, *, is_polygon: bool) -> list[list[float]]:
    """Read pairs; polygons may be a text of numbers too."""
    found = _from_text(value, _POLYGON) if isinstance(value, str) else value
    if is_polygon and isinstance(value, str) and found and not isinstance(found[0], list):
        if len(found) % 2:
            raise ValueProblem("it has a latitude without a longitude", _POLYGON)
        found = [found[place : place + 2] for place in range(0, len(found), 2)]
    if not isinstance(found, list | tuple) or not found:
        raise ValueProblem("it is no list of points", _POLYGON if is_polygon else _PAIR)
    if len(found) > _MOST:
        raise ValueProblem(f"it has {len(found)} points, and at most {_MOST} are allowed")
    return [_pair(one) for one in found]


def _from_text(text: str, hint: str) -> list[Any]:
    """Read numbers with commas between them, with or without parentheses, or JSON."""
    inner = text.strip()
    if inner.startswith("(") and inner.endswith(")"):
        inner = inner[1:-1]
    if not re.fullmatch(r"[][0-9eE+.,\s-]{1,1000000}", inner):
        raise ValueProblem("it is no list of numbers", hint)
    try:
        found = json.loads(inner if inner.lstrip().startswith("[") else f"[{inner}]")
    except (ValueError, RecursionError) as error:
        raise ValueProblem("it is no list of numbers", hint) from error
    return list(found)


def _pair(value: Any) -> list[float]:
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(map(_is_number, value)):
        raise ValueProblem(f"{str(value)[:40]} is no point", _PAIR)
    latitude, longitude = (float(number) + 0.0 for number in value)
    if not -90 <= latitude <= 90:
        raise ValueProblem(f"the latitude {latitude:g} is not in [-90, 90]", _PAIR)
    if not -180 <= longitude <= 540:
        raise ValueProblem(f"the longitude {longitude:g} is not in [-180, 540]", _PAIR)
    return [latitude, longitude]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9 and math.isfinite(value)


def _frozen(pairs: list[list[float]]) -> Pairs:
    return tuple((latitude, longitude) for latitude, longitude in pairs)
