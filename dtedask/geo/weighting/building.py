"""Weights made in parallel: blocks of target points in threads, put together without a second copy of them all."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dtedask.core.cores import cores
from dtedask.core.errors import GridError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from dtedask.geo.weighting.interpolation import Interpolation

_SMALLEST_BLOCK, _LARGEST_BLOCK = 1 << 12, 1 << 17  # points
_BLOCKS_OF_A_THREAD = 8
_INT32 = np.iinfo(np.int32).max
logger = logging.getLogger(__name__)


def build(interpolation: Interpolation, *, threads: int | None = None) -> csr_array:
    """Make the weights, without a look at any cache.

    Parameters
    ----------
    interpolation : Interpolation
        What is wanted; its masks are left out of account.
    threads : int, optional
        Blocks that are made at once; by default the cores of this process. The weights do not depend on it.

    Returns
    -------
    scipy.sparse.csr_array of float64, shape (target.size, source.size)
        Rows are sorted; indices are int32 where they fit.

    Raises
    ------
    GridError
        If the method cannot do these grids, or a block has the wrong shape.
    """
    started = time.monotonic()
    method, source, target = interpolation.make_method(), interpolation.source, interpolation.target
    prepared = method.prepare(source, target)
    make = method.block if interpolation.part == "weights" else method.limits
    workers = max(1, cores() if threads is None else threads)
    with ThreadPoolExecutor(workers, thread_name_prefix="weights") as pool:
        made = [
            (last - first, pool.submit(make, prepared, source, target, first, last))
            for first, last in pairwise(_edges(target.size, workers))
        ]
        try:
            weights = joined(_finished(made, interpolation), source.size)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    took = time.monotonic() - started
    logger.info("built %s: %d weights in %.2f s, %d threads", interpolation, weights.nnz, took, workers)
    return weights


def _edges(size: int, workers: int) -> list[int]:
    length = -(-size // (workers * _BLOCKS_OF_A_THREAD))
    length = min(max(length, _SMALLEST_BLOCK), _LARGEST_BLOCK)
    return [*range(0, size, length), size]


def _finished(made: list[tuple[int, Future[Any]]], interpolation: Interpolation) -> Iterator[csr_array]:
    for number, (rows, future) in enumerate(made):
        block = future.result()
        made[number] = (rows, Future())  # its result goes as soon as it was copied
        if block.shape != (rows, interpolation.source.size):
            raise GridError(
                f"A block of the method {interpolation.method!r} has the shape {block.shape}, "
                f"where ({rows}, {interpolation.source.size}) was wanted.",
                hint="Method.block returns one row for each point of the target that it is asked for.",
            )
        yield block


def joined(blocks: Iterator[csr_array], columns: int) -> csr_array:
    """Stack blocks of rows; each is let go once it was copied.

    Parameters
    ----------
    blocks : iterator of scipy.sparse.csr_array
        In order.
    columns : int
        Points of the source.
    """
    lengths: list[NDArray[np.int64]] = []
    indices: list[NDArray[np.integer]] = []
    data: list[NDArray[np.float64]] = []
    for block in blocks:
        block.sort_indices()
        lengths.append(np.diff(block.indptr).astype(np.int64))
        indices.append(block.indices.astype(index_type(columns, 0), copy=False))
        data.append(block.data.astype(np.float64, copy=False))
    indptr = np.concatenate([np.zeros(1, np.int64), *lengths]).cumsum()
    entries = int(indptr[-1])
    kind = index_type(columns, entries)
    return matrix_of(indptr, _emptied(indices, entries, kind), _emptied(data, entries, np.dtype(np.float64)), columns)


def _emptied(parts: list[Any], size: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """One array of all parts, which are let go one by one while its memory is first touched."""
    whole = np.empty(size, dtype)
    start = 0
    parts.reverse()
    while parts:
        part = parts.pop()
        whole[start : start + part.size] = part
        start += part.size
    return whole


def index_type(columns: int, entries: int) -> np.dtype[Any]:
    """Type of indices: int32 where places of columns and entries fit."""
    return np.dtype(np.int32 if max(columns, entries) <= _INT32 else np.int64)


def matrix_of(
    indptr: NDArray[np.integer], indices: NDArray[np.integer], data: NDArray[np.float64], columns: int
) -> csr_array:
    """Make a matrix of arrays that are known to be good; they are not copied unless their types differ."""
    from scipy.sparse import csr_array

    kind = index_type(columns, data.size)
    parts = (data, indices.astype(kind, copy=False), indptr.astype(kind, copy=False))
    matrix = csr_array(parts, shape=(indptr.size - 1, columns), copy=False)
    matrix.has_sorted_indices = True
    return matrix
