"""Points in no order, as vectors from the centre of the Earth with a tree to find the nearest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.interpolation.nearest_kernel import order

if TYPE_CHECKING:
    from dtedask.geo.grid import Grid

_Array = NDArray[np.float64]
_EQUALLY_NEAR = 4


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """Points of a grid and a tree of them.

    Parameters
    ----------
    vectors : numpy.ndarray of float64, shape (size, 3)
        Points on the unit sphere.
    tree : scipy.spatial.cKDTree
        Of the vectors.
    numbers : numpy.ndarray of int64, shape (size,)
        Which points of the grid they are: all but those that a map has no place for.
    """

    vectors: _Array
    tree: Any
    numbers: NDArray[np.int64]

    @classmethod
    def of(cls, grid: Grid) -> Cloud:
        """Make the tree of a grid's points."""
        latitude, longitude = grid.points()
        known = np.flatnonzero(np.isfinite(latitude) & np.isfinite(longitude))
        return cls.around(unit_vectors(latitude[known], longitude[known]), known)

    @classmethod
    def around(cls, vectors: _Array, numbers: NDArray[np.int64]) -> Cloud:
        """Make the tree of places on the unit sphere."""
        from scipy.spatial import cKDTree

        return cls(vectors, cKDTree(vectors, balanced_tree=False, compact_nodes=False), numbers)

    def nearest(self, latitude: _Array, longitude: _Array, count: int, most: float) -> tuple[NDArray[np.int64], _Array]:
        """Return the nearest points and squares of their distances, nearest first; -1 where there are no more.

        Of points at equal distance the first of the grid comes first.
        """
        wanted = min(count + _EQUALLY_NEAR - 1, len(self.vectors))
        known = np.flatnonzero(np.isfinite(latitude) & np.isfinite(longitude))
        away, found = self.tree.query(unit_vectors(latitude[known], longitude[known]), k=np.arange(1, wanted + 1))
        columns, squares = np.full((len(latitude), count), -1, np.int64), np.full((len(latitude), count), np.inf)
        of_known, squares_of_known = columns[known], squares[known]
        order(self.numbers[found], away**2, most, of_known, squares_of_known)
        columns[known], squares[known] = of_known, squares_of_known
        return columns, squares


def unit_vectors(latitude: _Array, longitude: _Array) -> _Array:
    """Return places on the unit sphere, shape (points, 3)."""
    phi, lam = np.deg2rad(latitude), np.deg2rad(longitude)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=1)
