"""Ways to deal the points of a grid out to parts; all parts have the same number of points, or one more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.grid import Grid
from dtedask.geo.partition.regions import equal_zones
from dtedask.geo.partition.value import Integers, Partition

_MICRODEGREES = 1e6
_MOST_LEVELS = 29
"""HEALPix's pixels have numbers of 64 bits up to nside 2**29."""


class Places(Protocol):
    """What has coordinates in degrees: the points of a grid, or a mesh with its nodes."""

    @property
    def latitude(self) -> NDArray[np.float64]:
        """Degrees north."""

    @property
    def longitude(self) -> NDArray[np.float64]:
        """Degrees east."""


def equal_regions(places: Grid | Places, parts: int) -> Partition:
    """Deal points out to regions of equal area and small diameter, numbered from north to south and west to east.

    Zones and their numbers of regions are those of `equal_zones`. Each zone takes as many points from the north as its
    parts need, and deals them out from west to east: the parts that Atlas' ``equal_regions`` makes.

    Parameters
    ----------
    places : Grid, or an object with `latitude` and `longitude`
        In degrees.
    parts : int

    Raises
    ------
    GridError
        If `parts` is less than 1, or more than there are points.
    """
    return _zoned(places, parts, equal_zones(max(parts, 1)).counts, "equal regions")


def checkerboard(places: Grid | Places, parts: int) -> Partition:
    """Deal points out to zones of latitude that are all cut into the same number of parts; see `equal_regions`.

    The number of zones is the divisor of `parts` that is nearest to making the parts square at the equator.
    """
    divisors = [number for number in range(1, max(parts, 1) + 1) if parts % number == 0]
    zones = min(divisors, key=lambda number: abs(math.log(max(parts, 1) / (2.0 * number * number))))
    return _zoned(places, parts, (parts // zones,) * zones, "checkerboard")


def bands(places: Grid | Places, parts: int) -> Partition:
    """Deal points out from north to south, and from west to east on one latitude; see `equal_regions`.

    The parts of a grid of rows are ranges of its points, and so chunks of an array: those of Atlas' ``equal_bands``.
    """
    latitude, longitude = _coordinates(places, parts)
    return Partition(_ranges(np.lexsort(_microdegrees(latitude, longitude)[::-1]), parts), parts, "bands")


def healpix_ranges(places: Grid | Places, parts: int) -> Partition:
    """Deal points out along the nested order of HEALPix, which keeps near what is near; see `equal_regions`.

    The parts of HEALPix grids in nested order are ranges of their points, and so chunks of an array.
    """
    import healpix

    latitude, longitude = _coordinates(places, parts)
    level = min(_MOST_LEVELS, max(0, math.ceil(math.log2(max(latitude.size, 1) / 12.0) / 2.0)) + 4)
    pixel = healpix.ang2pix(2**level, longitude, latitude, nest=True, lonlat=True)
    return Partition(_ranges(np.argsort(pixel, kind="stable"), parts), parts, "HEALPix ranges")


def _coordinates(places: Grid | Places, parts: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    found: Places = places.points() if isinstance(places, Grid) else places
    latitude, longitude = found.latitude, found.longitude
    if not 1 <= parts <= latitude.size:
        raise GridError(
            f"{latitude.size:,} points cannot be dealt out to {parts} parts.",
            hint="Ask for 1 part or more, and not for more than there are points.",
        )
    return latitude, longitude


def _zoned(places: Grid | Places, parts: int, counts: Sequence[int], name: str) -> Partition:
    """Deal out from north to south to zones, and in each from west to east to its parts."""
    latitude, longitude = _coordinates(places, parts)
    north, east = _microdegrees(latitude, longitude)
    order = np.lexsort((east, north))
    ends = _ends(latitude.size, parts)
    first = 0
    for last in np.cumsum(counts):
        zone = slice(ends[first], ends[last])
        if last - first > 1:
            within = order[zone]
            order[zone] = within[np.lexsort((north[within], east[within]))]
        first = last
    part = np.empty(order.size, np.int64)
    part[order] = np.repeat(np.arange(parts), np.diff(ends))
    return Partition(part, parts, name)


def _microdegrees(latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """From the north, and from Greenwich to the east, without the noise of rounding: what is on one row stays there."""
    return [np.rint(degrees * _MICRODEGREES) for degrees in (-latitude, longitude % 360.0)]


def _ranges(order: Integers, parts: int) -> Integers:
    """Part of each point, when the points in an order are cut into ranges that differ by one point here and there."""
    part = np.empty(order.size, np.int64)
    part[order] = np.arange(order.size, dtype=np.int64) * parts // order.size
    return part


def _ends(size: int, parts: int) -> Integers:
    """Ends of equal ranges, shape (parts + 1,); the first ones have one point more where it does not go even."""
    each, more = divmod(size, parts)
    number = np.arange(parts + 1, dtype=np.int64)
    return number * each + np.minimum(number, more)
