"""Points anywhere: unstructured grids, and grids whose order is not known."""

from __future__ import annotations

from typing import Any

import numpy as np

from dtedask.core.cores import cores
from dtedask.core.errors import GridError
from dtedask.geo.area import Area
from dtedask.plot.sampling.sampler import Indices, Sampler, Values, shortest_arc

__all__ = ["ScatteredSampler"]

_NEIGHBOURS, _CELL = 4, 7  # for means; a point and the neighbours of its cell
_TINY = 1e-12


class ScatteredSampler(Sampler):
    """Points anywhere, found by a tree of their places in space.

    A place that is farther from its nearest point than that point's sixth neighbour is is one that the grid does not
    reach.

    Parameters
    ----------
    latitude, longitude : numpy.ndarray, shape (points,)
        Degrees; points whose place is NaN are never found.
    """

    def __init__(self, latitude: Values, longitude: Values) -> None:
        self._numbers = np.flatnonzero(np.isfinite(latitude) & np.isfinite(longitude))
        if not self._numbers.size:
            raise GridError("The field has no point whose place is known.", hint="Look at its coordinates.")
        self._latitude, self._longitude = latitude[self._numbers], longitude[self._numbers]
        self._points = _in_space(self._latitude, self._longitude)
        self._tree: Any = None

    @property
    def area(self) -> Area:
        """See `Sampler`."""
        north, south = float(self._latitude.max()), float(self._latitude.min())
        west, east = shortest_arc(np.round(self._longitude, 2))
        return north, west, south, east

    def nearest(self, latitude: Values, longitude: Values) -> Indices:
        """See `Sampler`."""
        distance, found = self._query(_in_space(latitude, longitude), 1)
        reached = distance <= self._reach(found)
        return np.where(reached, self._numbers[found], -1)

    def linear(self, values: Values, latitude: Values, longitude: Values) -> Values:
        """See `Sampler`: the mean of the nearest points, weighted by the inverse square of their distances."""
        count = min(_NEIGHBOURS, len(self._numbers))
        distance, found = self._query(_in_space(latitude, longitude), count)
        distance, found = distance.reshape(*latitude.shape, count), found.reshape(*latitude.shape, count)
        weights = 1.0 / (distance**2 + _TINY)
        mean = (weights * values[self._numbers[found]]).sum(axis=-1) / weights.sum(axis=-1)
        return np.where(distance[..., 0] <= self._reach(found[..., 0]), mean, np.nan)

    def _reach(self, found: Indices) -> Values:
        """How far each point that was found reaches: to the sixth of its neighbours."""
        count = min(_CELL, len(self._numbers))
        if count == 1:
            return np.full(found.shape, np.deg2rad(1.0))
        unique, place = np.unique(found, return_inverse=True)
        distance, _ = self._query(self._points[unique], count)
        return np.asarray(distance[:, -1])[place].reshape(found.shape)

    def _query(self, points: Values, count: int) -> tuple[Any, Any]:
        from scipy.spatial import KDTree

        if self._tree is None:
            # Trees that are not balanced are built in a third of the time.
            self._tree = KDTree(self._points, balanced_tree=False, compact_nodes=False)
        distance, found = self._tree.query(points, k=count, workers=cores())
        return distance, found


def _in_space(latitude: Values, longitude: Values) -> Values:
    phi, lam = np.deg2rad(latitude), np.deg2rad(longitude)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)
