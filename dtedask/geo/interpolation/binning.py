"""Means of the points that fall into cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.interpolation.method import Method

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from dtedask.geo.grid import Grid


class _Prepared(NamedTuple):
    indptr: NDArray[np.int64]
    points: NDArray[np.int64]


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
        is_in = cells >= 0
        points = np.flatnonzero(is_in)
        counts = np.bincount(cells[is_in], minlength=target.size)
        order = np.argsort(cells[is_in], kind="stable")
        return _Prepared(np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]), points[order])

    def block(self, prepared: Any, source: Grid, target: Grid, first: int, last: int) -> csr_array:  # noqa: ARG002
        """Weigh the points in each cell alike."""
        from scipy.sparse import csr_array

        indptr = prepared.indptr[first : last + 1]
        counts = np.diff(indptr)
        indices = prepared.points[indptr[0] : indptr[-1]]
        weights = np.repeat(1.0 / np.maximum(counts, 1), counts)
        return csr_array((weights, indices, indptr - indptr[0]), shape=(last - first, source.size))
