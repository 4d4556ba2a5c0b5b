"""Cells of points that stand in rows: boxes of latitude and longitude."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.grids.gaussian import gaussian_latitudes

if TYPE_CHECKING:
    from dtedask.geo.grids.rows import Rows

_Array = NDArray[np.float64]
_CIRCLE = 360.0
_TOUCH = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Boxes around the points of rows, bounded half-way to the next row and to the next point of the row.

    The boxes of a grid that goes around the globe and leaves no room for a row between it and a pole reach to that
    pole. Those of others end where their outermost points are, as MIR's do: a grid covers its area and no more.
    Rows of Gaussian grids are bounded so that the areas are those of the quadrature, as MIR's are too.

    Parameters
    ----------
    north, south : numpy.ndarray of float64, shape (rows,)
        Degrees.
    first, count : numpy.ndarray of int64, shape (rows,)
        Index of the first box of each row, and boxes of it.
    west, step : numpy.ndarray of float64, shape (rows,)
        Western edge of the first box of each row before it is cut at `left`, and width of a box, in degrees.
    left, right : numpy.ndarray of float64, shape (rows,)
        Longitudes where the rows end; where they go around, the western edge and 360 degrees more.
    is_periodic : numpy.ndarray of bool, shape (rows,)
        Whether a row goes around the globe.
    """

    north: _Array
    south: _Array
    first: NDArray[np.int64]
    count: NDArray[np.int64]
    west: _Array
    step: _Array
    left: _Array
    right: _Array
    is_periodic: NDArray[np.bool_]

    @property
    def size(self) -> int:
        """Number of boxes."""
        return int(self.count.sum())

    def edges(self) -> tuple[_Array, _Array, _Array, _Array]:
        """Return north, west, south and east of each box in degrees, each of shape (size,)."""
        column = np.arange(self.size, dtype=np.int64) - np.repeat(self.first, self.count)
        west, step, left, right = (
            np.repeat(values, self.count) for values in (self.west, self.step, self.left, self.right)
        )
        return (
            np.repeat(self.north, self.count),
            np.maximum(west + column * step, left),
            np.repeat(self.south, self.count),
            np.minimum(west + (column + 1) * step, right),
        )

    def areas(self) -> _Array:
        """Return the areas of the boxes on a sphere of radius 1, shape (size,)."""
        north, west, south, east = self.edges()
        return zone(north, south) * np.deg2rad(east - west)

    def moments(self) -> _Array:
        """Return the integrals of the unit vector over the boxes on a sphere of radius 1, shape (size, 3)."""
        north, west, south, east = (np.deg2rad(edge) for edge in self.edges())
        middle, half, turn = 0.5 * (north + south), 0.5 * (north - south), 0.5 * (east + west)
        across = (half + 0.5 * np.cos(2.0 * middle) * np.sin(2.0 * half)) * 2.0 * np.sin(0.5 * (east - west))
        up = np.sin(2.0 * middle) * np.sin(2.0 * half) * 0.5 * (east - west)
        return np.stack([across * np.cos(turn), across * np.sin(turn), up], axis=1)


def zone(north: _Array, south: _Array) -> _Array:
    """Return the difference of the sines of two latitudes in degrees, with all its digits at the poles too."""
    high, low = np.deg2rad(north), np.deg2rad(south)
    difference: _Array = 2.0 * np.cos(0.5 * (high + low)) * np.sin(0.5 * (high - low))
    return difference


def boxes_of(rows: Rows, edges: _Array | None = None) -> Boxes:
    """Make the boxes of rows.

    Parameters
    ----------
    rows : Rows
        North to south.
    edges : numpy.ndarray of float64, shape (rows + 1,), optional
        Latitudes that bound the rows, where they are not half-way between them.
    """
    edges = row_edges(rows) if edges is None else edges
    west, last = rows.west - 0.5 * rows.step, rows.west + (rows.count - 1) * rows.step
    is_around, gap = _goes_around(rows), _CIRCLE - (last - rows.west)
    is_one_point = bool(last.max() <= rows.west.min())
    left = np.where(is_one_point, west, rows.west.min())
    right = np.where(is_one_point, west + rows.step, last.max())
    left = np.where(rows.is_periodic, west, np.where(is_around, rows.west - 0.5 * gap, left))
    right = np.where(rows.is_periodic, west + _CIRCLE, np.where(is_around, last + 0.5 * gap, right))
    return Boxes(edges[:-1], edges[1:], rows.first, rows.count, west, rows.step, left, right, rows.is_periodic)


def _goes_around(rows: Rows) -> NDArray[np.bool_]:
    """Whether rows leave no room for another point, even if they do not quite divide the circle."""
    gap = _CIRCLE - (rows.count - 1) * rows.step
    found: NDArray[np.bool_] = rows.is_periodic | ((gap <= rows.step * (1.0 + _TOUCH)) & (rows.count > 1))
    return found


def gaussian_edges(number: int, first: int, count: int, *, is_periodic: bool) -> _Array:
    """Return the latitudes that bound rows of a Gaussian grid: zones as large as the weights of the quadrature.

    Parameters
    ----------
    number : int
        Rows between a pole and the equator.
    first, count : int
        Which rows of all.
    is_periodic : bool
        Whether the rows go around the globe; those of others end at their outermost points.
    """
    import ducc0

    # the sum of weights from the pole is 1 - sin(latitude), half of it the square of the sine of half the distance
    from_pole = np.cumsum(ducc0.misc.GL_weights(2 * number, 1)[: number - 1]) / (2.0 * np.pi)
    half = 90.0 - np.rad2deg(2.0 * np.arcsin(np.sqrt(0.5 * from_pole)))
    edges: _Array = np.concatenate([[90.0], half, [0.0], -half[::-1], [-90.0]])[first : first + count + 1]
    if not (is_periodic and first == 0):
        edges[0] = gaussian_latitudes(number)[first]
    if not (is_periodic and first + count == 2 * number):
        edges[-1] = gaussian_latitudes(number)[first + count - 1]
    return edges


def row_edges(rows: Rows) -> _Array:
    """Return the latitudes that bound rows, shape (rows + 1,): half-way between them, and where the outermost end."""
    latitude = rows.latitude
    if latitude.size == 1:
        half = 0.5 * float(rows.step[0])
        return np.clip([float(latitude[0]) + half, float(latitude[0]) - half], -90.0, 90.0)
    first, last = float(latitude[0]), float(latitude[-1])
    if _goes_around(rows).all():
        first = 90.0 if 2.0 * first - float(latitude[1]) > 90.0 - _TOUCH else first
        last = -90.0 if 2.0 * last - float(latitude[-2]) < -90.0 + _TOUCH else last
    edges: _Array = np.concatenate([[first], 0.5 * (latitude[:-1] + latitude[1:]), [last]])
    return edges
