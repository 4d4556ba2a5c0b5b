"""Interpolation of arrays that are not in memory: Dask's stay a graph, others are read when somebody looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from dtedask.geo.application.ahead import ReadAhead

if TYPE_CHECKING:
    from dtedask.geo.application.operation import Window
    from dtedask.geo.grid import Grid

_MANY = 32  # fields that a task should have
_TASK_BYTES = 128 * 2**20  # of the result of a task that is put together from smaller chunks
_PIECE_BYTES = 64 * 2**20  # of what is read at once where there is no Dask


class Interpolates(Protocol):
    """What is done to the fields of one or more arrays of one shape."""

    @property
    def window(self) -> Window:
        """The part of the source that is read."""

    @property
    def target(self) -> Grid:
        """Where values are wanted."""

    def __call__(self, *values: NDArray[Any]) -> NDArray[np.floating]:
        """Interpolate fields; of several arrays the result has a dimension in front."""


def interpolated(variables: Sequence[xr.Variable], operation: Interpolates) -> list[Any]:
    """Interpolate variables of one shape together, whose last dimensions are those of the window.

    Returns
    -------
    list
        For each variable an array of shape (..., target.shape): of numpy, of Dask, or read when it is looked at.
    """
    if any(variable.chunks is not None for variable in variables):
        return in_dask([variable.data for variable in variables], operation)
    if all(variable._in_memory for variable in variables):  # noqa: SLF001 - there is no other way to ask
        cut = _slices(variables[0].ndim, operation.window)
        found = operation(*(variable.to_numpy()[cut] for variable in variables))
        return list(found) if len(variables) > 1 else [found]
    return [indexing.LazilyIndexedArray(Interpolated(variables, operation, number)) for number in range(len(variables))]


def in_dask(arrays: Sequence[Any], operation: Interpolates) -> list[Any]:
    """Interpolate Dask's arrays of one shape: a task has many fields, and reads only chunks that hold source points."""
    import dask.array as da
    from dask.base import tokenize

    inner = len(operation.window)
    cut = _slices(arrays[0].ndim, operation.window)
    parts = [_gathered(da.asarray(array)[cut], inner, operation.target.size) for array in arrays]
    parts = [parts[0], *(part.rechunk(parts[0].chunks) for part in parts[1:])]
    before = tuple(range(parts[0].ndim - inner))
    axes = (*before, *(-1 - axis for axis in range(inner)))
    new = tuple(100 + axis for axis in range(len(operation.target.shape)))
    several = (99,) if len(parts) > 1 else ()
    sizes = dict(zip(new, operation.target.shape, strict=True)) | dict.fromkeys(several, len(parts))
    dtype = _result_type(*(part.dtype for part in parts))
    found = da.blockwise(
        _in_task,
        (*several, *before, *new),
        *(item for part in parts for item in (part, axes)),
        operation=operation,
        new_axes=sizes,
        dtype=dtype,
        concatenate=True,
        meta=np.empty((0,) * (len(several) + len(before) + len(new)), dtype),
        name=f"regrid-{tokenize(operation, *(part.name for part in parts))}",
    )
    return [found[number] for number in range(len(parts))] if several else [found]


def _in_task(*values: NDArray[Any], operation: Interpolates) -> NDArray[np.floating]:
    return operation(*values)


def _gathered(array: Any, inner: int, points: int) -> Any:
    """Put each field into one chunk, and fields of small chunks together."""
    before = array.ndim - inner
    array = array.rechunk(dict.fromkeys(range(before, array.ndim), -1))
    most = max(_TASK_BYTES // (points * max(array.dtype.itemsize, 4)), 1)
    wanted, together = {}, 1
    for axis in range(before - 1, -1, -1):
        size, chunk = array.shape[axis], max(array.chunks[axis], default=1)
        room = max(min(_MANY, most) // together, 1)
        wanted[axis] = min(max(chunk, room), size) if size else chunk
        together *= max(wanted[axis], 1)
    smaller = {axis: chunk for axis, chunk in wanted.items() if chunk > max(array.chunks[axis], default=1)}
    return array.rechunk(smaller) if smaller else array


def _result_type(*types: np.dtype[Any]) -> np.dtype[np.floating]:
    from dtedask.geo.application.apply import as_floating

    return np.result_type(*(as_floating(np.empty(0, dtype)).dtype for dtype in types))


def _slices(dimensions: int, window: Window) -> tuple[slice, ...]:
    outer = (slice(None),) * (dimensions - len(window))
    return (*outer, *(slice(first, last) for first, last in window))


class Interpolated(BackendArray):
    """A lazy array that is interpolated where it is read, some fields at a time.

    Parameters
    ----------
    variables : sequence of xarray.Variable
        Of one shape, not in memory; their last dimensions are those of the source grid.
    operation : Interpolates
        What is done to them together.
    number : int
        Which of its results this is.
    """

    def __init__(self, variables: Sequence[xr.Variable], operation: Interpolates, number: int) -> None:
        self._variables, self._operation, self._number = tuple(variables), operation, number
        first = variables[0]
        self._outer = first.shape[: first.ndim - len(operation.window)]
        self.shape = (*self._outer, *operation.target.shape)
        self.dtype = _result_type(*(variable.dtype for variable in variables))
        self._ahead = ReadAhead(self._outer, self._piece_fields(), self._interpolate)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> NDArray[np.floating]:
        outer, inner = key[: len(self._outer)], key[len(self._outer) :]
        chosen = [np.atleast_1d(np.arange(size)[part]) for size, part in zip(self._outer, outer, strict=True)]
        counts = tuple(map(len, chosen))
        found: NDArray[np.floating] | None = None
        for piece in _pieces(counts, self._piece_fields()):
            part = self._fields([places[cut] for places, cut in zip(chosen, piece, strict=True)])
            part = part[(..., *_orthogonal(inner))]
            if found is None:
                found = np.empty((*counts, *part.shape[len(counts) :]), self.dtype)
            found[piece] = part
        if found is None:
            points = np.empty(self._operation.target.shape, bool)[_orthogonal(inner)]
            found = np.empty((*counts, *points.shape), self.dtype)
        return found[tuple(0 if np.ndim(part) == 0 and not isinstance(part, slice) else slice(None) for part in outer)]

    def _fields(self, places: list[NDArray[np.intp]]) -> NDArray[np.floating]:
        if all(len(numbers) == 1 for numbers in places):
            return self._ahead.field(tuple(int(numbers[0]) for numbers in places))
        return self._interpolate(places)

    def _piece_fields(self) -> int:
        largest = max(self._operation.target.size, *(last - first for first, last in self._operation.window))
        return max(_PIECE_BYTES // (largest * self.dtype.itemsize), 1)

    def _interpolate(self, places: Sequence[NDArray[np.intp]]) -> NDArray[np.floating]:
        cut = tuple(slice(first, last) for first, last in self._operation.window)
        found = self._operation(*(variable[(*places, *cut)].to_numpy() for variable in self._variables))
        return found[self._number] if len(self._variables) > 1 else found


def _pieces(counts: tuple[int, ...], most: int) -> list[tuple[slice, ...]]:
    """Cut dimensions into boxes of about as many items as `most`: the last ones stay whole as long as they fit."""
    if 0 in counts:
        return []
    boxes: list[tuple[slice, ...]] = [()]
    for size in reversed(counts):
        step = min(max(most, 1), size)
        boxes = [(slice(at, min(at + step, size)), *box) for at in range(0, size, step) for box in boxes]
        most //= step
    return boxes


def _orthogonal(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """Turn an outer key into one that numpy reads so; each slice or array takes its own dimension."""
    arrays = [number for number, part in enumerate(key) if isinstance(part, np.ndarray)]
    if len(arrays) < 2:
        return key
    turned = list(key)
    for place, number in enumerate(arrays):
        turned[number] = key[number].reshape((-1,) + (1,) * (len(arrays) - 1 - place))
    return tuple(turned)
