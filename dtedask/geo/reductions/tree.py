"""From fields to states, lazily: a state of each block, merged as a tree."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dtedask.core.cores import cores
from dtedask.core.errors import GridError
from dtedask.geo.reductions.kinds import KINDS, Kind, KindName, States

if TYPE_CHECKING:
    import xarray as xr

_Reals = NDArray[np.float64]
STATE = "state"
_SMALL = 1 << 18  # values that are not worth a second thread
_AT_ONCE = 16  # states that are merged in one task


def states_of(
    data: xr.DataArray, dim: str | Iterable[Hashable] | None, kind: KindName, weights: xr.DataArray | None = None
) -> xr.DataArray:
    """Reduce dimensions to states of a kind.

    Returns
    -------
    xarray.DataArray of int64, shape (..., state)
        Over the dimensions that are left, in their order; lazy where the data are.
    """
    import xarray as xr

    reduced = reduced_dims(data, dim)
    kept = tuple(name for name in data.dims if name not in reduced)
    variable = data.variable.transpose(*kept, *reduced)
    _check_type(data)
    against = None if weights is None else _like(weights, data, (*kept, *reduced))
    arrays = [variable.data] if against is None else [variable.data, against]
    if any(hasattr(array, "dask") for array in arrays):
        states: Any = _lazily(arrays, len(kept), kind)
    else:
        starts = [np.zeros(1, np.int64)] * len(reduced)
        states = _block(*arrays, *starts, kind=kind, kept=len(kept), shape=variable.shape[len(kept) :], threads=cores())
        states = states.reshape(*variable.shape[: len(kept)], KINDS[kind].size)
    coords = {name: coord for name, coord in data.coords.items() if set(coord.dims) <= set(kept)}
    return xr.DataArray(states, coords, (*kept, STATE), data.name, attrs={"reduction": kind})


def reduced_dims(data: xr.DataArray, dim: str | Iterable[Hashable] | None) -> tuple[Hashable, ...]:
    """Dimensions that are reduced, in the order of the data; all by default.

    Raises
    ------
    GridError
        If the data have no dimension of a name.
    """
    asked = set(data.dims) if dim is None else {dim} if isinstance(dim, str) else set(dim)
    unknown = asked - set(data.dims)
    if unknown:
        raise GridError(
            f"There is no dimension {min(map(str, unknown))!r} in these data.",
            hint=f"They have {', '.join(map(str, data.dims))}.",
        )
    return tuple(name for name in data.dims if name in asked)


def merged(states: NDArray[np.int64], axis: tuple[int, ...], kind: KindName) -> States:
    """Merge states along axes, of an array (..., size)."""
    left = [number for number in range(states.ndim - 1) if number not in axis]
    moved = states.transpose(*left, *axis, states.ndim - 1)
    shape = [states.shape[number] for number in left]
    many = math.prod(states.shape[number] for number in axis)
    flat = np.ascontiguousarray(moved.reshape(math.prod(shape), many, states.shape[-1]))
    return KINDS[kind].merge(flat).reshape(*shape, states.shape[-1])


def _check_type(data: xr.DataArray) -> None:
    if data.dtype.kind == "f" and data.dtype.itemsize <= 8:
        return
    if data.dtype.kind in "iub" and data.dtype.itemsize <= 4:
        return
    raise GridError(
        f"Values of the type {data.dtype} have no exact float64.",
        hint="Bring them to float64 first: data.astype(float).",
    )


def _like(weights: xr.DataArray, data: xr.DataArray, dims: tuple[Hashable, ...]) -> Any:
    """Weights as an array of the dimensions of the data, chunked like them where either is lazy."""
    import xarray as xr

    unknown = set(weights.dims) - set(data.dims)
    if unknown:
        raise GridError(
            f"The weights have a dimension {min(map(str, unknown))!r} that the data do not have.",
            hint="Weights are over some or all dimensions of the data.",
        )
    template = data.reset_coords(drop=True).drop_vars(list(data.coords))
    plain = weights.reset_coords(drop=True).drop_vars(list(weights.coords)).astype(np.float64)
    spread = xr.broadcast(plain, template)[0].transpose(*dims).variable
    if data.chunks is not None:
        chunks = dict(zip(data.dims, data.chunks, strict=True))
        return spread.chunk(chunks).data
    return spread.data


def _lazily(arrays: list[Any], kept: int, kind: KindName) -> Any:
    import dask.array as da
    from dask.base import tokenize

    first = da.asarray(arrays[0])
    others = [da.asarray(array).rechunk(first.chunks) for array in arrays[1:]]
    token = tokenize(first, *others, kept, kind)
    indices = tuple(range(first.ndim))
    pairs: list[Any] = []
    for array in (first, *others):
        pairs += [array, indices]
    for axis in indices[kept:]:
        pairs += [da.arange(first.shape[axis], chunks=(first.chunks[axis],), dtype=np.int64), (axis,)]
    do = partial(_block, kind=kind, kept=kept, shape=first.shape[kept:], threads=1)
    blocks = da.blockwise(
        do,
        (*indices, first.ndim),
        *pairs,
        new_axes={first.ndim: KINDS[kind].size},
        adjust_chunks=dict.fromkeys(indices[kept:], _one),
        dtype=np.int64,
        meta=np.empty((0,) * (first.ndim + 1), np.int64),
        name=f"{kind}-states-{token}",
    )
    if kept == first.ndim:
        return blocks
    return da.reduction(
        blocks,
        chunk=_unchanged,
        aggregate=partial(_merge, kind=kind),
        combine=partial(_merge_keeping, kind=kind),
        axis=indices[kept:],
        dtype=np.int64,
        meta=np.empty((0,) * (kept + 1), np.int64),
        split_every=_AT_ONCE,
        name=f"{kind}-merged-{token}",
    )


def _one(_length: int) -> int:
    return 1


def _unchanged(states: States, axis: Any, keepdims: bool) -> States:  # noqa: ARG001
    return states


def _merge(states: States, axis: tuple[int, ...], keepdims: bool, *, kind: KindName) -> States:  # noqa: ARG001
    return merged(states, axis, kind)


def _merge_keeping(states: States, axis: tuple[int, ...], keepdims: bool, *, kind: KindName) -> States:  # noqa: ARG001
    return np.expand_dims(merged(states, axis, kind), axis)


def _block(*arrays: NDArray[Any], kind: KindName, kept: int, shape: tuple[int, ...], threads: int) -> States:
    """States of one block, shape (kept..., 1 for each reduced dimension, size).

    The last arrays are the places of the block along each reduced dimension, of which the first is looked at.
    """
    values, starts = arrays[0], [int(array[0]) if len(array) else 0 for array in arrays[len(arrays) - len(shape) :]]
    weights = arrays[1] if len(arrays) > len(shape) + 1 else None
    rows, columns = math.prod(values.shape[:kept]), math.prod(values.shape[kept:])
    flat = _flat(values, rows, columns)
    flat_weights = None if weights is None else _flat(weights, rows, columns)
    places = _places(starts, values.shape[kept:], shape) if KINDS[kind].has_places else np.zeros(0, np.int64)
    states = _in_threads(KINDS[kind], flat, flat_weights, places, threads)
    return states.reshape(*values.shape[:kept], *(1,) * len(shape), KINDS[kind].size)


def _flat(values: NDArray[Any], rows: int, columns: int) -> NDArray[np.float64]:
    return np.ascontiguousarray(values.reshape(rows, columns), np.float64)


def _places(starts: list[int], local: tuple[int, ...], whole: tuple[int, ...]) -> NDArray[np.int64]:
    """Places of a block's values among all that are reduced, counted along the last dimension first."""
    places = np.zeros((1,), np.int64)
    for start, length, size in zip(starts, local, whole, strict=True):
        places = (places[:, None] * size + (start + np.arange(length, dtype=np.int64))).ravel()
    return places


def _in_threads(
    kind: Kind,
    values: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    places: NDArray[np.int64],
    threads: int,
) -> States:
    rows, columns = values.shape
    parts = min(threads, max(1, values.size // _SMALL))
    if parts <= 1:
        return kind.absorb(values, weights, places)
    by_rows = rows >= parts
    bounds = np.linspace(0, rows if by_rows else columns, parts + 1).astype(int)

    def absorb(first: int, last: int) -> States:
        cut = (slice(first, last), slice(None)) if by_rows else (slice(None), slice(first, last))
        part = None if weights is None else np.ascontiguousarray(weights[cut])
        return kind.absorb(np.ascontiguousarray(values[cut]), part, places if by_rows else places[first:last])

    with ThreadPoolExecutor(parts) as pool:
        states = list(pool.map(absorb, bounds[:-1], bounds[1:]))
    return np.concatenate(states) if by_rows else kind.merge(np.stack(states, axis=1))


def finished(states: xr.DataArray, finish: Callable[..., NDArray[Any]], dtype: Any, **options: Any) -> xr.DataArray:
    """Values of states of shape (..., state), lazily."""
    import xarray as xr

    found: xr.DataArray = xr.apply_ufunc(
        finish,
        states,
        kwargs=options,
        input_core_dims=[[STATE]],
        dask="parallelized",
        output_dtypes=[dtype],
        keep_attrs=False,
    )
    return found
