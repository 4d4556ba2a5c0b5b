"""Rows of weights of a block of points, put together as a sparse matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.compiled import compiled
from dtedask.geo.interpolation.frame import NORTH, SOUTH, Frame, RowTable

if TYPE_CHECKING:
    from scipy.sparse import csr_array

SMALLEST = 1e-10
"""Weights that are smaller are nothing but rounding."""


def assembled(frame: Frame | None, columns: NDArray[np.int64], weights: NDArray[np.float64], *, size: int) -> csr_array:
    """Put columns and weights of each point together as a matrix.

    Parameters
    ----------
    frame : Frame or None
        Rows of the source; None if columns are points of the source as they are.
    columns : numpy.ndarray of int64, shape (points, width)
        Columns, in any order and more than once; -1 for none, `NORTH` and `SOUTH` for the poles. Overwritten.
    weights : numpy.ndarray of float64, shape (points, width)
        Sum of each point: 1, or 0 for a point that gets no value.
    size : int
        Points of the source.
    """
    if frame is None:
        return sparse(columns, weights, size)
    if np.any(columns < -1):
        columns[columns == NORTH], columns[columns == SOUTH] = size, size + 1
        matrix = sparse(columns, weights, size + 2) @ _means_at_poles(frame.rows, size)
        matrix.sort_indices()
    else:
        matrix = sparse(columns, weights, size)
    if frame.places is not None:
        matrix.indices = frame.places.astype(matrix.indices.dtype)[matrix.indices]
        matrix.has_sorted_indices = False
        matrix.sort_indices()
    return matrix


def sparse(columns: NDArray[np.int64], weights: NDArray[np.float64], width: int) -> csr_array:
    """Make a matrix of `width` columns: sorted, added up, without what is nearly 0, and each row's sum exactly 1."""
    from scipy.sparse import csr_array

    kept = np.empty(len(columns) + 1, np.int64)
    tidy(columns, weights, kept)
    start = np.cumsum(kept)
    indices, data = np.empty(start[-1], np.int32 if width < 2**31 else np.int64), np.empty(start[-1])
    gather(columns, weights, start, indices, data)
    pointers = start.astype(indices.dtype) if start[-1] < 2**31 else start
    return csr_array((data, indices, pointers), shape=(len(columns), width))


@compiled
def tidy(columns: NDArray[np.int64], weights: NDArray[np.float64], kept: NDArray[np.int64]) -> None:
    """Sort each row by column, add up what has the same column, drop what is nearly 0; in place.

    `kept` of shape (points + 1,) takes 0 and then how many are left in each row; they stand first.
    """
    kept[0] = 0
    for point in range(columns.shape[0]):
        kept[point + 1] = _tidied(columns[point], weights[point])


@compiled
def _tidied(columns: NDArray[np.int64], weights: NDArray[np.float64]) -> int:
    length = 0
    for entry in range(len(columns)):
        column, weight = columns[entry], weights[entry]
        if column < 0:
            continue
        place = length
        while place > 0 and columns[place - 1] > column:
            place -= 1
        if place > 0 and columns[place - 1] == column:
            weights[place - 1] += weight
            continue
        for moved in range(length, place, -1):
            columns[moved], weights[moved] = columns[moved - 1], weights[moved - 1]
        columns[place], weights[place] = column, weight
        length += 1
    left, total = 0, 0.0
    for entry in range(length):
        if np.abs(weights[entry]) > SMALLEST:
            columns[left], weights[left] = columns[entry], weights[entry]
            total += weights[entry]
            left += 1
    for entry in range(left):
        weights[entry] /= total
    return left


@compiled
def gather(
    columns: NDArray[np.int64],
    weights: NDArray[np.float64],
    start: NDArray[np.int64],
    indices: NDArray[Any],
    data: NDArray[np.float64],
) -> None:
    """Copy what `tidy` left of each row to where the row begins."""
    for point in range(columns.shape[0]):
        begin = start[point]
        for entry in range(start[point + 1] - begin):
            indices[begin + entry] = columns[point, entry]
            data[begin + entry] = weights[point, entry]


def _means_at_poles(rows: RowTable, size: int) -> csr_array:
    """The points as they are, then each pole as the mean of the row around it."""
    from scipy.sparse import csr_array

    first, count = rows["first"][[0, -1]], rows["count"][[0, -1]]
    around = [np.arange(begin, begin + length) for begin, length in zip(first, count, strict=True)]
    indices = np.concatenate([np.arange(size), *around])
    data = np.concatenate([np.ones(size), *(np.full(length, 1.0 / length) for length in count)])
    pointers = np.concatenate([np.arange(size + 1), size + np.cumsum(count)])
    return csr_array((data, indices.astype(np.int32), pointers.astype(np.int32)), shape=(size + 2, size))
