"""Weights as the kernels read them: rows in blocks, with the places of what each block needs of the source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_MOST_ROWS = 8192  # of a block
_MOST_TILES = 512  # of 16 points that a block reads: a megabyte of scratch memory, half of a usual second cache


@dataclass(frozen=True, slots=True, eq=False)
class CompactWeights:
    """Weights of a matrix, cut into blocks of rows.

    Parameters
    ----------
    shape : tuple of int
        Points of the target and of the source.
    starts : numpy.ndarray of int64, shape (target points + 1,)
        Where the entries of each row begin.
    places : numpy.ndarray of uint32, shape (entries,)
        Place of each entry's source point in the scratch memory of its block.
    columns : numpy.ndarray of uint32, shape (entries,)
        The source point of each entry.
    data : numpy.ndarray of float64, shape (entries,)
        The weights.
    heaviest : numpy.ndarray of int64, shape (target points,)
        The entry of each row with the largest weight, the first of several; -1 in a row without any.
    blocks, tile_starts : numpy.ndarray of int64, shape (blocks + 1,)
        The first row of each block, and where its tiles begin in `tiles`.
    tiles : numpy.ndarray of int64
        Which tiles of 16 points of the source the blocks read.
    """

    shape: tuple[int, int]
    starts: NDArray[np.int64]
    places: NDArray[np.uint32]
    columns: NDArray[np.uint32]
    data: NDArray[np.float64]
    heaviest: NDArray[np.int64]
    blocks: NDArray[np.int64]
    tile_starts: NDArray[np.int64]
    tiles: NDArray[np.int64]

    @property
    def scratch_points(self) -> int:
        """Points that the largest block keeps in scratch memory."""
        return int(np.diff(self.tile_starts).max(initial=0)) * 16

    @property
    def size_bytes(self) -> int:
        """Memory that the weights take."""
        return sum(array.nbytes for array in self.arrays)

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """All arrays, as the kernels take them."""
        return (
            self.blocks,
            self.tile_starts,
            self.tiles,
            self.starts,
            self.places,
            self.columns,
            self.data,
            self.heaviest,
        )


def compact(matrix: csr_array, *, heaviest_only: bool = False) -> CompactWeights:
    """Cut the weights of a matrix into blocks.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array, shape (target points, source points)
        Left untouched. The data may be of any type that float64 holds; the indices may be in any order.
    heaviest_only : bool
        Keep the largest weight of each row only, as 1.

    Raises
    ------
    GridError
        If indices lie outside the matrix.
    """
    from dtedask.geo.application.kernels import cut, heaviest_entries

    starts, data = matrix.indptr.astype(np.int64), np.ascontiguousarray(matrix.data, np.float64)
    columns = np.ascontiguousarray(matrix.indices)
    rows, source = (int(size) for size in matrix.shape)
    if columns.size and (columns.min() < 0 or columns.max() >= source):
        raise GridError(f"The weights name points outside the {source} of the source.", hint="Build them again.")
    heaviest = heaviest_entries(starts, data)
    if heaviest_only:
        has_any = heaviest >= 0
        columns, data = columns[heaviest[has_any]], np.ones(int(has_any.sum()))
        starts = np.concatenate([[0], np.cumsum(has_any)]).astype(np.int64)
        heaviest = np.where(has_any, starts[:-1], -1)
    blocks, tile_starts, tiles, places = cut(starts, columns, source, _MOST_ROWS, _MOST_TILES)
    columns = columns.astype(np.uint32)
    return CompactWeights((rows, source), starts, places, columns, data, heaviest, blocks, tile_starts, tiles)
