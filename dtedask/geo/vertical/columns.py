"""Fields on levels as arrays of columns, lazily: levels in one chunk, everything else as it is chunked."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError

if TYPE_CHECKING:
    import xarray as xr

LEVEL = "level"
_Reals = NDArray[np.float64]


def downwards(field: xr.DataArray, name: str) -> xr.DataArray:
    """A field whose levels run from the top down, as numbers of model levels do, in one chunk.

    Raises
    ------
    GridError
        If it has no dimension ``level``.
    """
    if LEVEL not in field.dims:
        raise GridError(
            f"The {name} has no dimension 'level': it is over {', '.join(map(str, field.dims)) or 'nothing'}.",
            hint="Give a field on model levels.",
        )
    if LEVEL in field.coords and field.sizes[LEVEL] > 1:
        numbers = field[LEVEL].to_numpy()
        if not (np.diff(numbers) > 0).all():
            field = field.sortby(LEVEL)
    return field if field.chunks is None else field.chunk({LEVEL: -1})


def on_columns(
    do: Callable[..., _Reals],
    on_levels: list[xr.DataArray],
    single: list[xr.DataArray],
    *,
    count: int,
    coordinate: xr.DataArray,
    dtype: Any = np.float64,
    **options: Any,
) -> xr.DataArray:
    """Apply a function of columns: fields on levels (levels, columns) and single ones (columns,) to (count, columns).

    The new dimension ``level`` with `coordinate` stands where that of the first field was.
    """
    import xarray as xr

    first = on_levels[0]
    others = [field.drop_vars(LEVEL, errors="ignore") for field in (*on_levels, *single)]
    found: xr.DataArray = xr.apply_ufunc(
        _model_levels,
        *others,
        kwargs={"do": do, "on_levels": len(on_levels), "dtype": np.dtype(dtype), "options": options},
        input_core_dims=[[LEVEL]] * len(on_levels) + [[]] * len(single),
        output_core_dims=[["_level"]],
        dask="parallelized",
        output_dtypes=[dtype],
        dask_gufunc_kwargs={"output_sizes": {"_level": count}},
        join="exact",
        keep_attrs=True,
    )
    found = found.rename(_level=LEVEL).assign_coords({LEVEL: coordinate})
    order = [name for name in found.dims if name != LEVEL]
    behind = {name for name in first.dims[first.dims.index(LEVEL) :] if name != LEVEL}
    place = next((number for number, name in enumerate(order) if name in behind), len(order))
    return found.transpose(*order[:place], LEVEL, *order[place:])


def _model_levels(*arrays: NDArray[Any], do: Any, on_levels: int, dtype: np.dtype[Any], options: dict[str, Any]) -> Any:
    levelled, single = arrays[:on_levels], arrays[on_levels:]
    shape = np.broadcast_shapes(*(array.shape[:-1] for array in levelled), *(array.shape for array in single))
    columns = math.prod(shape)
    flat = []
    for number, array in enumerate(arrays):
        if number < on_levels:
            wide = np.broadcast_to(array, (*shape, array.shape[-1]))
            ordered = np.moveaxis(wide, -1, 0)
            flat.append(np.ascontiguousarray(ordered.reshape(ordered.shape[0], columns), np.float64))
        else:
            flat.append(np.ascontiguousarray(np.broadcast_to(array, shape).reshape(columns), np.float64))
    result = do(*flat, **options)
    return np.moveaxis(result.astype(dtype, copy=False).reshape(-1, *shape), 0, -1)
