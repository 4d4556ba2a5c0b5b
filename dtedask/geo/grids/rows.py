"""Points of a grid, and the rows in which they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Points(NamedTuple):
    """Places on the Earth, in our order of points.

    Parameters
    ----------
    latitude, longitude : numpy.ndarray of float64, shape (size,)
        Degrees; longitudes in [0, 360), but areas that cross Greenwich run from west of 0 to east of it.
    """

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of equally spaced points on circles of latitude, north to south.

    Parameters
    ----------
    latitude : numpy.ndarray of float64, shape (rows,)
        Degrees.
    first : numpy.ndarray of int64, shape (rows,)
        Index of the first point of each row.
    count : numpy.ndarray of int64, shape (rows,)
        Points of each row.
    west : numpy.ndarray of float64, shape (rows,)
        Longitude of the first point of each row.
    step : numpy.ndarray of float64, shape (rows,)
        Degrees from point to point.
    is_periodic : numpy.ndarray of bool, shape (rows,)
        Whether a row goes around the globe: its last point is one step west of its first.
    """

    latitude: NDArray[np.float64]
    first: NDArray[np.int64]
    count: NDArray[np.int64]
    west: NDArray[np.float64]
    step: NDArray[np.float64]
    is_periodic: NDArray[np.bool_]

    @property
    def size(self) -> int:
        """Number of points."""
        return int(self.count.sum())

    def points(self) -> Points:
        """Return all points, row after row."""
        column = np.arange(self.size, dtype=np.int64) - np.repeat(self.first, self.count)
        longitude = np.repeat(self.west, self.count) + column * np.repeat(self.step, self.count)
        return Points(np.repeat(self.latitude, self.count), tidied(longitude))


def rows_of(
    latitude: NDArray[np.float64],
    count: NDArray[np.int64],
    west: NDArray[np.float64] | float,
    step: NDArray[np.float64] | float,
    is_periodic: NDArray[np.bool_] | bool,
) -> Rows:
    """Make rows that follow each other without gaps; one value for all rows or one a row."""
    shape = latitude.shape
    return Rows(
        latitude,
        np.cumsum(count) - count,
        count,
        np.broadcast_to(np.asarray(west, np.float64), shape),
        np.broadcast_to(np.asarray(step, np.float64), shape),
        np.broadcast_to(np.asarray(is_periodic), shape),
    )


def tidied(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round away the noise of arithmetic: to 12 decimals, without a negative zero."""
    rounded: NDArray[np.float64] = np.round(degrees, 12) + 0.0
    return rounded
