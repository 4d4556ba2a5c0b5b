"""Means of the points that fall into cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.interpolation.method import Method

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from dtedask.geo.grid import Grid


class PointsByCell(NamedTuple):
    """Source points by the target cell in which they lie.

    Parameters
    ----------
    indptr : numpy.ndarray of int64, shape (cells + 1,)
        Where the points of each cell begin.
    points : numpy.ndarray of int64, shape (n,)
        In ascending order for each cell.
    """

    indptr: NDArray[np.int64]
    points: NDArray[np.int64]


def points_by_cell(points: NDArray[np.int64], cells: NDArray[np.int64], size: int) -> PointsByCell:
    """Put points, which ascend, in the order of their cells."""
    counts = np.bincount(cells, minlength=size)
    return PointsByCell(
        np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]), points[np.argsort(cells, kind="stable")]
    )


class Binning(Method):
    """The mean of the source points that lie in each target cell, all alike; a cell without any gets no value.

    Each point counts in one cell. For points of any kind, such as observations or a grid that is much finer than the
    target, whose own cells do not matter. What Atlas calls binning is the transpose of an interpolation.
    """

    def prepare(self, source: Grid, target: Grid) -> Any:
        """Find the cell of each source point."""
        from dtedask.geo.cells.of_grid import cells_of
        from dtedask.geo.cells.places import cells_at

        cells = cells_at(cells_of(target), source.points())
        points = np.flatnonzero(cells >= 0)
        return points_by_cell(points, cells[points], target.size)

    def block(self, prepared: PointsByCell, source: Grid, target: Grid, first: int, last: int) -> csr_array:  # noqa: ARG002
        """Weigh the points in each cell alike."""
        from scipy.sparse import csr_array

        indptr = prepared.indptr[first : last + 1]
        counts = np.diff(indptr)
        indices = prepared.points[indptr[0] : indptr[-1]]
        weights = np.repeat(1.0 / np.maximum(counts, 1), counts)
        return csr_array((weights, indices, indptr - indptr[0]), shape=(last - first, source.size))
