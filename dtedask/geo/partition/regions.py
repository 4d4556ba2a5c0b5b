"""Regions of equal area and small diameter (Leopardi 2006, https://etna.ricam.oeaw.ac.at/vol.25.2006/pp309-327.dir)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError


@dataclass(frozen=True, slots=True)
class Zones:
    """The globe cut along circles of latitude into zones, and each zone along meridians into regions of one area.

    Parameters
    ----------
    counts : tuple of int
        Regions of each zone, from north to south; the caps around the poles are one each.
    latitudes : tuple of float
        Southern bound of each zone in degrees; the last is -90.
    """

    counts: tuple[int, ...]
    latitudes: tuple[float, ...]

    @property
    def regions(self) -> int:
        """Number of all regions."""
        return sum(self.counts)

    def bounds(self) -> NDArray[np.float64]:
        """Return north, west, south, east of each region in degrees, shape (regions, 4); the caps' go all around."""
        north = (90.0, *self.latitudes[:-1])
        return np.array(
            [
                (top, 360.0 * column / count, bottom, 360.0 * (column + 1) / count)
                for count, top, bottom in zip(self.counts, north, self.latitudes, strict=True)
                for column in range(count)
            ]
        )


def equal_zones(regions: int) -> Zones:
    """Cut the globe into regions of equal area whose diameters are about as small as can be.

    Two caps of one region's area are taken off at the poles. The rest is cut into the whole number of collars whose
    height comes nearest to the side of a square of that area; each gets the whole number of regions that is nearest to
    what its area asks for, what was rounded away being handed on to the next; then the bounds are moved so that all
    regions have one area (Leopardi's algorithm EQ(2, N)).

    Raises
    ------
    GridError
        If `regions` is less than 1.
    """
    if regions < 1:
        raise GridError(f"The globe cannot be cut into {regions} regions.", hint="Ask for 1 or more.")
    if regions <= 2:
        return Zones((1,) * regions, (0.0, -90.0)[-regions:])
    area = 4.0 * math.pi / regions
    cap = _radius(area)
    collars = max(1, _rounded((math.pi - 2.0 * cap) / math.sqrt(area)))
    height = (math.pi - 2.0 * cap) / collars
    counts, left_over = [1], 0.0
    for collar in range(collars):
        wanted = (_area(cap + (collar + 1) * height) - _area(cap + collar * height)) / area + left_over
        counts.append(_rounded(wanted))
        left_over = wanted - counts[-1]
    counts.append(1)
    colatitudes = [_radius(area * within) for within in np.cumsum(counts)[:-1]]
    return Zones(tuple(counts), (*(90.0 - math.degrees(colatitude) for colatitude in colatitudes), -90.0))


def _area(radius: float) -> float:
    """Area of a cap of the unit sphere."""
    return 4.0 * math.pi * math.sin(0.5 * radius) ** 2


def _radius(area: float) -> float:
    """Angle from the middle of a cap of the unit sphere to its rim."""
    return 2.0 * math.asin(min(1.0, 0.5 * math.sqrt(area / math.pi)))


def _rounded(number: float) -> int:
    return math.floor(number + 0.5)
