"""Weights from overlaps of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from dtedask.geo.cells.overlaps import Overlaps

_ROUNDING = 1e-9


def overlap_matrix(overlaps: Overlaps, columns: int, places: NDArray[np.int64] | None = None) -> csr_array:
    """Put overlaps into a sparse matrix of areas.

    Parameters
    ----------
    overlaps : Overlaps
        Of some target cells.
    columns : int
        Source cells.
    places : numpy.ndarray of int64, shape (columns,), optional
        The source point of each source cell, where they differ.

    Returns
    -------
    scipy.sparse.csr_array of float64, shape (targets, columns)
        Indices are sorted and occur once.
    """
    from scipy.sparse import csr_array

    kind = np.int32 if max(columns, int(overlaps.indptr[-1])) < np.iinfo(np.int32).max else np.int64
    indices = overlaps.indices if places is None else places[overlaps.indices]
    shape = (overlaps.indptr.size - 1, columns)
    matrix = csr_array((overlaps.areas, indices.astype(kind), overlaps.indptr.astype(kind)), shape=shape)
    matrix.sum_duplicates()
    return matrix


def normalised(matrix: csr_array, areas: NDArray[np.float64], *, by_cell: bool, least_covered: float) -> csr_array:
    """Divide areas of overlaps by those of target cells.

    Parameters
    ----------
    matrix : csr_array of float64, shape (targets, sources)
        Areas of overlaps; it is changed.
    areas : numpy.ndarray of float64, shape (targets,)
        Areas of the target cells.
    by_cell : bool
        Divide by the area of the cell, not by that of its part which the source covers.
    least_covered : float
        Cells of which a smaller part is covered get no weights.
    """
    lengths = np.diff(matrix.indptr)
    covered = matrix.sum(axis=1)
    scale = areas if by_cell else covered
    is_out = (covered < (least_covered - _ROUNDING) * areas) | (covered <= 0.0)
    factor = np.divide(1.0, scale, out=np.zeros_like(scale), where=~is_out)
    matrix.data *= np.repeat(factor, lengths)
    if is_out.any():
        matrix.eliminate_zeros()
    return matrix


def heaviest(matrix: csr_array) -> csr_array:
    """Return a matrix with a weight of 1 where the greatest of each row is, the first but for rounding."""
    from scipy.sparse import csr_array

    lengths = np.diff(matrix.indptr)
    filled = np.flatnonzero(lengths)
    most = np.zeros(lengths.size)
    most[filled] = np.maximum.reduceat(matrix.data, matrix.indptr[filled]) if filled.size else 0.0
    candidates = np.flatnonzero(matrix.data >= np.repeat(most, lengths) * (1.0 - _ROUNDING))
    chosen = candidates[np.searchsorted(candidates, matrix.indptr[filled])]
    indptr = np.concatenate([np.zeros(1, matrix.indptr.dtype), np.cumsum(lengths > 0, dtype=matrix.indptr.dtype)])
    return csr_array((np.ones(chosen.size), matrix.indices[chosen], indptr), shape=matrix.shape)
