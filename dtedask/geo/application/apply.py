"""Apply weights to fields in memory, many at a time, on all cores."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dtedask.core.cores import cores
from dtedask.core.errors import GridError
from dtedask.geo.application.missing import DEFAULT, MissingPolicy, code_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from dtedask.geo.application.compact import CompactWeights

_LANE_BYTES = 128  # of the fields that are treated in one step
_LINE_BYTES = 64
_FEW = 5
_WORTH_A_THREAD = 500_000  # values that a thread should make
_PARTS_PER_THREAD = 4


def apply(
    weights: CompactWeights,
    fields: NDArray[Any],
    *,
    missing: MissingPolicy = DEFAULT,
    out: NDArray[np.floating] | None = None,
) -> NDArray[np.floating]:
    """Make the weighted sums of many fields.

    Sums are made in float64, in the order of the entries of a row, and rounded once to the type of the values.

    Parameters
    ----------
    weights : CompactWeights
        For the policy ``heaviest`` those with the heaviest entries only.
    fields : numpy.ndarray, shape (fields, source points)
        Any strides: fields one after the other, or the transpose of points one after the other. float32 and float64
        are read as they are; other types are copied to the smallest of the two that holds them. NaN is missing.
    missing : MissingPolicy
        What becomes of points with missing values.
    out : numpy.ndarray, shape (fields, target points), optional
        Written in place, any strides. By default a new array in the order of `fields`.

    Returns
    -------
    numpy.ndarray, shape (fields, target points)
        `out`, or the new array. Points whose row is empty are NaN.

    Raises
    ------
    GridError
        If shapes or types do not fit.
    """
    rows, source = weights.shape
    if fields.ndim != 2 or fields.shape[1] != source:
        raise GridError(f"Fields of shape {fields.shape} do not have the {source} points of the source grid.")
    fields = as_floating(fields)
    if out is None:
        out = _like(fields, rows)
    if out.shape != (len(fields), rows) or out.dtype != fields.dtype or not out.dtype.isnative:
        raise GridError(f"The result has shape {(len(fields), rows)} and type {fields.dtype}, not those of `out`.")
    if out.size:
        _run(weights, fields, out, code_of(missing))
    return out


def as_floating(values: NDArray[Any]) -> NDArray[np.floating]:
    """Return values as float32 or float64 of the machine: as they are, or copied."""
    single = values.dtype.kind == "f" and values.dtype.itemsize <= 4
    is_small = single or (values.dtype.kind in "biu" and values.dtype.itemsize <= 2)
    if values.dtype.kind not in "fbiu":
        raise GridError(f"Values of type {values.dtype} cannot be interpolated.", hint="Make numbers of them.")
    wanted = np.dtype(np.float32 if is_small else np.float64)
    return values if values.dtype == wanted and _is_aligned(values) else values.astype(wanted)


def _is_aligned(values: NDArray[Any]) -> bool:
    return bool(values.flags.aligned)


def _like(fields: NDArray[np.floating], rows: int) -> NDArray[np.floating]:
    """Make an array for the result whose points or fields are neighbours, as those of the source are."""
    is_point_major = abs(fields.strides[0]) < abs(fields.strides[1]) and len(fields) > 1
    if is_point_major:
        return _at_lines((rows, len(fields)), fields.dtype).T
    return _at_lines((len(fields), rows), fields.dtype)


def _at_lines(shape: tuple[int, int], dtype: np.dtype[Any]) -> NDArray[np.floating]:
    """Make an array that begins with a line of the cache, which saves a tenth of the time."""
    size = shape[0] * shape[1] * dtype.itemsize
    room = np.empty(size + _LINE_BYTES, np.uint8)
    start = -room.__array_interface__["data"][0] % _LINE_BYTES
    made: NDArray[np.floating] = room[start : start + size].view(dtype).reshape(shape)
    return made


def _run(weights: CompactWeights, fields: NDArray[np.floating], out: NDArray[np.floating], policy: int) -> None:
    """Treat fields in lanes; the few that are left over are faster one by one."""
    lanes = _LANE_BYTES // fields.itemsize
    left = len(fields) % lanes
    many = len(fields) - left if left <= _FEW else len(fields)
    if many:
        _run_lanes(weights, fields[:many], out[:many], policy)
    if many < len(fields):
        _run_rows(weights, fields[many:], out[many:], policy)


def _run_lanes(weights: CompactWeights, fields: NDArray[np.floating], out: NDArray[np.floating], policy: int) -> None:
    from dtedask.geo.application.kernels import apply_blocks

    def part(first: int, last: int) -> None:
        scratch = _at_lines((weights.scratch_points, _LANE_BYTES // fields.itemsize), fields.dtype)
        scratch[...] = 0
        where = where_of(fields), where_of(out)
        apply_blocks(scratch, weights.arrays, policy, *where, len(fields), fields.shape[1], first, last)

    in_parts(part, len(weights.blocks) - 1, out.size)


def _run_rows(weights: CompactWeights, fields: NDArray[np.floating], out: NDArray[np.floating], policy: int) -> None:
    from dtedask.geo.application.row_kernels import sum_fields

    witness = np.zeros((1, 1), fields.dtype)
    rows = (weights.starts, weights.columns, weights.data, weights.heaviest)

    def part(first: int, last: int) -> None:
        edges = (int(weights.blocks[first]), int(weights.blocks[last]))
        sum_fields(witness, rows, policy, where_of(fields), out, edges)

    in_parts(part, len(weights.blocks) - 1, out.size)


def where_of(array: NDArray[np.floating]) -> tuple[int, int, int]:
    """Address and strides of an array of two dimensions."""
    return array.__array_interface__["data"][0], array.strides[0], array.strides[1]


def in_parts(part: Callable[[int, int], None], count: int, values: int) -> None:
    """Run `part(first, last)` for all of `count` blocks, on as many threads as `values` results are worth."""
    threads = min(cores(), count, max(values // _WORTH_A_THREAD, 1))
    if threads == 1:
        part(0, count)
        return
    edges = np.linspace(0, count, min(threads * _PARTS_PER_THREAD, count) + 1).astype(int).tolist()
    list(_pool(os.getpid(), cores()).map(part, edges[:-1], edges[1:]))


@lru_cache(1)
def _pool(_process: int, threads: int) -> ThreadPoolExecutor:
    """Threads that all of this process share: several tasks at a time keep as many cores busy as one."""
    return ThreadPoolExecutor(threads, thread_name_prefix="regrid")
