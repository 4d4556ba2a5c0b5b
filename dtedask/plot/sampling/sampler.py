"""What all ways to find points near a place have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.area import Area

__all__ = ["Indices", "Sampler", "Values", "between", "shortest_arc"]

_HARDLY = 8.0  # degrees
_NONE = 1e-9  # of a step, which is rounding
Values = NDArray[np.float64]
Indices = NDArray[np.int64]


class Sampler(ABC):
    """Finds points of a grid near places on the Earth.

    Places are degrees, arrays of one shape without NaN; points are numbered as the values of the field lie, row by row.
    """

    @property
    @abstractmethod
    def area(self) -> Area:
        """North, west, south and east of the points; 360 degrees wide where they go around the globe."""

    @abstractmethod
    def nearest(self, latitude: Values, longitude: Values) -> Indices:
        """Return the number of the nearest point of each place, -1 where the grid does not reach."""

    @abstractmethod
    def linear(self, values: Values, latitude: Values, longitude: Values) -> Values:
        """Return values between points, NaN where the grid does not reach, or a point is missing.

        Parameters
        ----------
        values : numpy.ndarray, shape (points,)
            Of the field.
        latitude, longitude : numpy.ndarray
            Places.
        """


def between(first: Values, second: Values, share: Values) -> Values:
    """Return what lies between values, at a share of the way; a missing one that has no share does not count."""
    found = np.where(share < _NONE, first, first + share * (second - first))
    return np.where(share > 1.0 - _NONE, second, found)


def shortest_arc(longitudes: Values) -> tuple[float, float]:
    """Return west and east of the shortest arc that holds all longitudes; the west in [-180, 180)."""
    sorted_ = np.unique(np.asarray(longitudes, float) % 360.0)
    gaps = np.diff(sorted_, append=sorted_[0] + 360.0)
    widest = int(np.argmax(gaps))
    # A gap that is as wide as the others is no gap, and one that hardly shows is none either: the points go around.
    if len(sorted_) > 3 and gaps[widest] < max(min(2.5 * np.median(gaps), 60.0), _HARDLY):
        return -180.0, 180.0
    east = sorted_[widest]
    west = sorted_[(widest + 1) % len(sorted_)]
    first = (west + 180.0) % 360.0 - 180.0
    return float(first), float(first + (east - west) % 360.0)
