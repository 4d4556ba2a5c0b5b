"""The frame of a picture: which part of a projected map it shows, and where its pixels are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.area import Area
from dtedask.plot.projection import Projection, check_projection

__all__ = ["GLOBE", "Area", "Frame", "frame_of"]

Values = NDArray[np.float64]
GLOBE: Area = (90.0, -180.0, -90.0, 180.0)
_VISIBLE = 1e-3  # degrees
_POLEWARD, _TO_MERCATOR = 25.0, 80.0


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle on the paper of a projection.

    Parameters
    ----------
    projection : Projection
        The map.
    left, right, bottom, top : float
        Edges, in the units of the projection.
    columns, rows : int
        Number of pixels.
    """

    projection: Projection
    left: float
    right: float
    bottom: float
    top: float
    columns: int = 800
    rows: int = 400

    @property
    def aspect(self) -> float:
        """Width of the picture over its height."""
        return (self.right - self.left) / (self.top - self.bottom)

    @property
    def degrees(self) -> float:
        """Roughly how many degrees of latitude its height shows."""
        height = self.top - self.bottom
        return height if self.projection.name == "plate-carree" else height / 111_200.0

    def fitted(self, width: float, height: float) -> Frame:
        """Return it with as many pixels as a box of so many pixels can show."""
        scale = min(width / self.aspect, height)
        rows = int(np.clip(round(scale), 16, 4000))
        return replace(self, rows=rows, columns=int(np.clip(round(scale * self.aspect), 16, 8000)))

    def centres(self) -> tuple[Values, Values]:
        """Return x of the columns, left to right, and y of the rows, top to bottom."""
        x: Values
        y: Values
        x = self.left + (np.arange(self.columns, dtype=np.float64) + 0.5) * ((self.right - self.left) / self.columns)
        y = self.top - (np.arange(self.rows, dtype=np.float64) + 0.5) * ((self.top - self.bottom) / self.rows)
        return x, y

    def places(self) -> tuple[Values, Values]:
        """Return latitude and longitude of the centres of the pixels, shape (rows, columns); NaN off the map.

        They are kept for the next field, so leave them untouched.
        """
        return _places(self)


@lru_cache(maxsize=4)
def _places(frame: Frame) -> tuple[Values, Values]:
    x, y = frame.centres()
    latitude, longitude = frame.projection.inverse(x[None, :], y[:, None])
    latitude.flags.writeable = longitude.flags.writeable = False
    return latitude, longitude


def frame_of(projection: str, area: Area | None, center: tuple[float, float] | None, covered: Area) -> Frame:
    """Choose what a picture shows.

    Parameters
    ----------
    projection : str
        Name of the projection.
    area : tuple of float, optional
        North, west, south, east that must be shown.
    center : tuple of float, optional
        Latitude and longitude of the projection's centre; that of the area by default.
    covered : tuple of float
        Where the field has points: shown where no area is wanted, and the projection does not show the globe.

    Raises
    ------
    GridError
        If there is no such projection, or it cannot show the area.
    """
    check_projection(projection)
    covered = _with_extent(covered)
    is_global = covered[1] + 359.0 <= covered[3]
    shown = area or (None if is_global or (projection in ("orthographic", "robinson")) else covered)
    made = _projection(projection, shown, center, covered)
    if shown is None:
        return _whole(made)
    return _around(made, shown)


def _with_extent(covered: Area) -> Area:
    """Give the area of one point, or of one row or column of points, two degrees to be seen in."""
    north, west, south, east = covered
    if north - south < _VISIBLE:
        north, south = min(north + 1.0, 90.0), max(south - 1.0, -90.0)
    return (north, west, south, east) if east - west >= _VISIBLE else (north, west - 1.0, south, east + 1.0)


def _projection(name: str, shown: Area | None, center: tuple[float, float] | None, covered: Area) -> Projection:
    north, west, south, east = shown or (covered if covered[1] + 359.0 > covered[3] else GLOBE)
    latitude, longitude = center or ((north + south) / 2, _middle(west, east))
    if name.endswith("-polar") and center is None and east - west > 180.0:
        longitude = 0.0
    sixth = (north - south) / 6
    parallels = (south + sixth, north - sixth) if abs(north + south) > 1e-3 else (latitude + 10.0, latitude + 10.0)
    if name == "lambert" and (north > 89.9 and south < -89.9):
        raise GridError("A Lambert map cannot show the globe.", hint="Give an area, as area='75/-30/30/50'.")
    return Projection(name, float(latitude), float(longitude), parallels)


def _middle(west: float, east: float) -> float:
    return 0.0 if east - west >= 359.0 and west <= 0.0 <= east else (west + east) / 2


def _whole(projection: Projection) -> Frame:
    name, around = projection.name, projection.longitude
    if name == "plate-carree":
        return Frame(projection, around - 180.0, around + 180.0, -90.0, 90.0)
    outline = projection.outline()
    if outline is not None:
        x, y = (1.005 * edge for edge in outline)
        return Frame(projection, float(x.min()), float(x.max()), float(y.min()), float(y.max()))
    if name == "mercator":
        width = abs(float(projection.forward(0.0, around - 180.0)[0]))
        height = float(projection.forward(_TO_MERCATOR, around)[1])
        return Frame(projection, -width, width, -height, height)
    sign = 1.0 if name == "north-polar" else -1.0
    radius = abs(float(projection.forward(sign * _POLEWARD, around)[1]))
    return Frame(projection, -radius, radius, -radius, radius)


def _around(projection: Projection, area: Area) -> Frame:
    """The smallest frame that shows an area, its edges and what is between them."""
    north, west, south, east = area
    if projection.name == "plate-carree":
        shift = 360.0 * round((projection.longitude - (west + east) / 2) / 360.0)
        return Frame(projection, west + shift, east + shift, south, north)
    if projection.name == "mercator":
        south, north = max(south, -85.0), min(north, 85.0)
    inside = 1e-9 * (east - west)
    latitude, longitude = np.meshgrid(np.linspace(south, north, 61), np.linspace(west + inside, east - inside, 121))
    x, y = projection.forward(latitude, longitude)
    if not (np.isfinite(x).any() and np.ptp(x[np.isfinite(x)]) > 0 and np.ptp(y[np.isfinite(y)]) > 0):
        raise GridError(
            f"The {projection.name} map does not show the area {north:g}/{west:g}/{south:g}/{east:g}.",
            hint="Take another projection, or another centre.",
        )
    return Frame(projection, float(np.nanmin(x)), float(np.nanmax(x)), float(np.nanmin(y)), float(np.nanmax(y)))
