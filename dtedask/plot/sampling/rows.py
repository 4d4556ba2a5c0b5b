"""Points in rows along parallels, each row with its own number of points: reduced grids and rings of HEALPix."""

from __future__ import annotations

import numpy as np

from dtedask.geo import Rows
from dtedask.geo.area import Area
from dtedask.plot.sampling.sampler import Indices, Sampler, Values, between, shortest_arc

__all__ = ["RowsSampler", "rows_of_points"]

_SAME_LATITUDE, _SAME_STEP = 1e-6, 2e-4
_FEWEST = 3.0  # points a row, on average; with fewer, points that lie anywhere would look like rows


def rows_of_points(latitude: Values, longitude: Values) -> tuple[Rows, Indices | None] | None:
    """Find the rows that points make; None where they make none.

    Returns
    -------
    rows : Rows
        The rows.
    order : numpy.ndarray of int64, optional
        Number of each point of the rows among those that were given; None where they stand in the same order.
    """
    order: Indices | None = None
    if np.any(np.diff(latitude) > _SAME_LATITUDE):
        order = np.lexsort((longitude % 360.0, -np.round(latitude, 6)))
        latitude, longitude = latitude[order], longitude[order]
    first = np.concatenate([[0], np.flatnonzero(np.diff(latitude) < -_SAME_LATITUDE) + 1])
    count = np.diff(first, append=len(latitude))
    if len(latitude) < _FEWEST * len(first):
        return None
    step = _steps(longitude, first, count)
    if step is None:
        return None
    around = np.abs(count * step - 360.0) < np.minimum(0.1 * step, 1e-2 * 360.0)
    return Rows(latitude[first], first, count, longitude[first], step, around & (count > 1)), order


def _steps(longitude: Values, first: Indices, count: Indices) -> Values | None:
    """Distance of the points of each row; None where those of a row are not evenly spaced."""
    steps = np.diff(longitude, append=0.0) % 360.0
    is_last = np.zeros(len(longitude), bool)
    is_last[first + count - 1] = True
    lowest = np.minimum.reduceat(np.where(is_last, np.inf, steps), first)
    highest = np.maximum.reduceat(np.where(is_last, -np.inf, steps), first)
    several = count > 1
    if np.any(highest[several] - lowest[several] > _SAME_STEP) or np.any(lowest[several] < 1e-9):
        return None
    typical = float(np.median(lowest[several])) if several.any() else 360.0
    # The mean is free of the rounding of single longitudes.
    last = longitude[first + count - 1]
    whole = np.round((count - 1) * lowest - (last - longitude[first]), -1)
    turns = 360.0 * np.round(whole / 360.0)
    mean = (last - longitude[first] + turns) / np.maximum(count - 1, 1)
    return np.where(several, mean, typical)


class RowsSampler(Sampler):
    """Points in rows along parallels.

    Parameters
    ----------
    rows : Rows
        The rows.
    order : numpy.ndarray of int64, optional
        Number in the field of each point of the rows; None where they stand in the same order.
    longitude : numpy.ndarray
        Of all points, to know how far they reach.
    """

    def __init__(self, rows: Rows, order: Indices | None, longitude: Values) -> None:
        self._rows, self._order = rows, order
        self._upwards = rows.latitude[::-1]
        self._middles = (self._upwards[1:] + self._upwards[:-1]) / 2
        gaps = np.abs(np.diff(rows.latitude))
        self._gap = float(np.median(gaps)) if len(gaps) else 1.0
        self._longitude = longitude

    @property
    def area(self) -> Area:
        """See `Sampler`."""
        latitude = self._rows.latitude
        globe = bool(self._rows.is_periodic.any())
        west, east = (-180.0, 180.0) if globe else shortest_arc(self._longitude)
        return float(latitude[0]), west, float(latitude[-1]), east

    def nearest(self, latitude: Values, longitude: Values) -> Indices:
        """See `Sampler`: the nearest point of each of the four rows around, and of those the nearest."""
        rows = len(self._rows.latitude)
        closest = rows - 1 - np.searchsorted(self._middles, latitude)
        best = np.full(latitude.shape, np.inf)
        found = np.full(latitude.shape, -1, np.int64)
        for offset in (0, -1, 1, -2, 2)[: 2 * min(rows, 3) - 1]:
            row = np.clip(closest + offset, 0, rows - 1)
            column, is_reached = self._column(row, longitude)
            distance = np.where(is_reached, self._distance(row, column, latitude, longitude), np.inf)
            is_better = distance < best
            best = np.where(is_better, distance, best)
            found = np.where(is_better, self._rows.first[row] + column, found)
        found = np.where(self._reaches(latitude), found, -1)
        return found if self._order is None else np.where(found >= 0, self._order[found], -1)

    def linear(self, values: Values, latitude: Values, longitude: Values) -> Values:
        """See `Sampler`: linear in longitude on the rows above and below, and in latitude between these."""
        rows = len(self._rows.latitude)
        below = np.clip(rows - np.searchsorted(self._upwards, latitude), 0, rows - 1)
        above = np.clip(below - 1, 0, rows - 1)
        gap = self._rows.latitude[above] - self._rows.latitude[below]
        share = np.clip((self._rows.latitude[above] - latitude) / np.where(gap > 0, gap, 1.0), 0.0, 1.0)
        upper, lower = self._along(values, above, longitude), self._along(values, below, longitude)
        return np.where(self._reaches(latitude), between(upper, lower, share), np.nan)

    def _along(self, values: Values, row: Indices, longitude: Values) -> Values:
        steps = ((longitude - self._rows.west[row]) % 360.0) / self._rows.step[row]
        count, around = self._rows.count[row], self._rows.is_periodic[row]
        turn = 360.0 / self._rows.step[row]
        steps = np.where(~around & (steps > count - 0.5) & (steps - turn >= -0.5), 0.0, steps)
        left = np.floor(steps).astype(np.int64)
        share = np.where(~around & (left >= count - 1), 0.0, steps - left)
        is_reached = around | (steps <= count - 0.5)
        left = np.where(around, left % count, np.clip(left, 0, count - 1))
        right = np.where(around, (left + 1) % count, np.clip(left + 1, 0, count - 1))
        first = self._rows.first[row]
        west, east = self._take(values, first + left), self._take(values, first + right)
        return np.where(is_reached, between(west, east, share), np.nan)

    def _take(self, values: Values, places: Indices) -> Values:
        return values[places] if self._order is None else values[self._order[places]]

    def _column(self, row: Indices, longitude: Values) -> tuple[Indices, np.ndarray]:
        """The nearest point of a row, and whether the row reaches so far."""
        step, count = self._rows.step[row], self._rows.count[row]
        steps = ((longitude - self._rows.west[row]) % 360.0) / step
        column = np.round(steps).astype(np.int64)
        around = self._rows.is_periodic[row]
        from_west = 360.0 / step - steps  # steps west of the first point
        beyond = ~around & (column > count - 1)
        column = np.where(around, column % count, np.where(beyond & (from_west <= 0.5), 0, column))
        return np.clip(column, 0, count - 1), around | ~beyond | (from_west <= 0.5)

    def _distance(self, row: Indices, column: Indices, latitude: Values, longitude: Values) -> Values:
        """The square of the sine of half the distance."""
        phi, row_phi = np.deg2rad(latitude), np.deg2rad(self._rows.latitude[row])
        lam = np.deg2rad(longitude - self._rows.west[row] - column * self._rows.step[row])
        found: Values = np.sin((phi - row_phi) / 2) ** 2 + np.cos(phi) * np.cos(row_phi) * np.sin(lam / 2) ** 2
        return found

    def _reaches(self, latitude: Values) -> np.ndarray:
        north, south = self._rows.latitude[0], self._rows.latitude[-1]
        reach = [north + self._gap / 2, south - self._gap / 2]
        if 90.0 - reach[0] < self._gap:
            reach[0] = 90.0
        if reach[1] + 90.0 < self._gap:
            reach[1] = -90.0
        found: np.ndarray = (latitude <= reach[0]) & (latitude >= reach[1])
        return found
