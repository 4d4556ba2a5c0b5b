"""Points at the crossings of two axes: latitudes and longitudes, or y and x of a projected or rotated grid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dtedask.geo.area import Area
from dtedask.plot.sampling.sampler import Indices, Sampler, Values, between, shortest_arc

__all__ = ["AxesSampler", "Axis", "Plane"]

Plane = Callable[[Values, Values], tuple[Values, Values]]


class Axis:
    """Places of points along an axis, in any order.

    Parameters
    ----------
    places : numpy.ndarray, shape (n,)
        Degrees or metres.
    circle : float, optional
        Length of the circle that it goes around, or part of it: 360 for longitudes.
    ends : tuple of float, optional
        Where the axis can go at most: -90 and 90 for latitudes. Points that come nearer to an end than twice the
        distance between points are taken to reach it.
    """

    def __init__(self, places: Values, *, circle: float | None = None, ends: tuple[float, float] | None = None) -> None:
        places = np.asarray(places, float)
        self._circle = circle
        self._origin = 0.0
        if circle is not None:
            self._origin = _behind_widest_gap(places % circle, circle)
            places = (places - self._origin) % circle
        self._order = np.argsort(places, kind="stable")
        self._sorted = places[self._order]
        self._step = float(np.median(np.diff(self._sorted))) if len(places) > 1 else 1.0
        self.is_periodic = len(places) > 2 and self._gap() < 1.5 * self._step
        if circle is not None and self.is_periodic:
            self._order = np.append(self._order, self._order[0])
            self._sorted = np.append(self._sorted, circle)
        self._low, self._high = self._sorted[0] - self._step / 2, self._sorted[-1] + self._step / 2
        if ends is not None:
            self._low = ends[0] if self._low - ends[0] < self._step else max(self._low, ends[0])
            self._high = ends[1] if ends[1] - self._high < self._step else min(self._high, ends[1])

    def _gap(self) -> float:
        """From the last point around to the first one."""
        return np.inf if self._circle is None else float(self._circle - self._sorted[-1])

    def nearest(self, places: Values) -> Indices:
        """Return the number of the nearest point on the axis, -1 beyond its ends."""
        inside = self._inside(places)
        middles = (self._sorted[1:] + self._sorted[:-1]) / 2
        found = self._order[np.searchsorted(middles, inside)]
        return np.where((inside >= self._low) & (inside <= self._high), found, -1)

    def between(self, places: Values) -> tuple[Indices, Indices, Values]:
        """Return the points on both sides and the share of the second; -1 twice beyond the ends."""
        inside = self._inside(places)
        if len(self._sorted) == 1:
            one = np.where((inside >= self._low) & (inside <= self._high), 0, -1)
            return one, one, np.zeros(inside.shape)
        lower = np.clip(np.searchsorted(self._sorted, inside, side="right") - 1, 0, len(self._sorted) - 2)
        start, end = self._sorted[lower], self._sorted[lower + 1]
        share = np.clip((inside - start) / (end - start), 0.0, 1.0)
        is_inside = (inside >= self._low) & (inside <= self._high)
        return np.where(is_inside, self._order[lower], -1), np.where(is_inside, self._order[lower + 1], -1), share

    def _inside(self, places: Values) -> Values:
        if self._circle is None:
            return places
        turned = (places - self._origin) % self._circle
        # Just west of the first point is far east of the last one.
        return np.where((turned > self._high) & (turned - self._circle >= self._low), turned - self._circle, turned)


def _behind_widest_gap(places: Values, circle: float) -> float:
    """Where points on a circle begin, if they do not go around."""
    ascending = np.unique(places)
    gaps = np.diff(ascending, append=ascending[0] + circle)
    widest = int(np.argmax(gaps))
    # Where all gaps are the same up to rounding, any point will do: the first that was given.
    goes_around = gaps[widest] < 1.5 * np.median(gaps)
    return float(places[0] if goes_around else ascending[(widest + 1) % len(ascending)])


class AxesSampler(Sampler):
    """Points at the crossings of two axes.

    Parameters
    ----------
    y, x : Axis
        Axes of the rows and columns.
    shape : tuple of int
        Number of rows and columns.
    area : tuple of float
        Where the points are.
    plane : callable, optional
        Gives y and x of latitudes and longitudes; they are those themselves by default.
    """

    def __init__(self, y: Axis, x: Axis, shape: tuple[int, int], area: Area, plane: Plane | None = None) -> None:
        self._y, self._x, self._shape, self._area = y, x, shape, area
        self._plane: Plane = plane or (lambda latitude, longitude: (latitude, longitude))

    @classmethod
    def of_degrees(cls, latitude: Values, longitude: Values) -> AxesSampler:
        """Make that of a regular grid."""
        y, x = Axis(latitude, ends=(-90.0, 90.0)), Axis(longitude, circle=360.0)
        west, east = (-180.0, 180.0) if x.is_periodic else shortest_arc(longitude)
        area = (float(np.max(latitude)), west, float(np.min(latitude)), east)
        return cls(y, x, (len(latitude), len(longitude)), area)

    @property
    def area(self) -> Area:
        """See `Sampler`."""
        return self._area

    def nearest(self, latitude: Values, longitude: Values) -> Indices:
        """See `Sampler`."""
        y, x = self._plane(latitude, longitude)
        row, column = self._y.nearest(y), self._x.nearest(x)
        return np.where((row >= 0) & (column >= 0), row * self._shape[1] + column, -1)

    def linear(self, values: Values, latitude: Values, longitude: Values) -> Values:
        """See `Sampler`: bilinear in the axes."""
        y, x = self._plane(latitude, longitude)
        table = np.reshape(values, self._shape)
        above, below, down = self._y.between(y)
        left, right, east = self._x.between(x)
        upper = between(table[above, left], table[above, right], east)
        lower = between(table[below, left], table[below, right], east)
        return np.where((above >= 0) & (left >= 0), between(upper, lower, down), np.nan)
