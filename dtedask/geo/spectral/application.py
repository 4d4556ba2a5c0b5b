"""How functions of coefficients and points are applied to fields, lazily where the fields are."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dtedask.core.cores import cores
from dtedask.core.errors import GridError
from dtedask.geo.fields import on_grid
from dtedask.geo.grid import Grid
from dtedask.geo.spectral.groups import in_groups

if TYPE_CHECKING:
    import xarray as xr

VALUES = "values"
_Values = NDArray[np.floating]


def applied(
    do: Callable[..., Any], name: str, fields: list[xr.DataArray], targets: list[Grid], source: Grid | None = None
) -> list[xr.DataArray]:
    """Apply a function of (fields, points) arrays along the dimensions of the grid, keeping what else there is."""
    import xarray as xr

    dims = [source.dims if source else (VALUES,)] * len(fields)
    _check_dims(fields, dims[0])
    is_lazy = any(field.chunks is not None for field in fields)
    dtype = np.result_type(np.float32, *(field.dtype for field in fields))
    task = _Task(do, name, len(dims[0]), tuple(target.shape for target in targets), dtype, 1 if is_lazy else cores())
    sizes = dict(zip(targets[0].dims, targets[0].shape, strict=True))
    stale = {str(name) for field in fields for name in field.coords if set(field[name].dims) & set(dims[0])}
    found = xr.apply_ufunc(
        task,
        *(whole_grid(field, dims[0]).drop_vars(stale, errors="ignore") for field in fields),
        input_core_dims=dims,
        output_core_dims=[target.dims for target in targets],
        exclude_dims=set(dims[0]),
        dask="parallelized",
        output_dtypes=[dtype] * len(targets),
        dask_gufunc_kwargs={"output_sizes": sizes},
        join="exact",
        keep_attrs=True,
    )
    return list(found) if isinstance(found, tuple) else [found]


def whole_grid(field: xr.DataArray, dims: tuple[str, ...]) -> xr.DataArray:
    """A field whose grid is in one chunk."""
    return field if field.chunks is None else field.chunk(dict.fromkeys(dims, -1))


def _check_dims(fields: list[xr.DataArray], dims: tuple[str, ...]) -> None:
    for field in fields:
        if field.dims[-len(dims) :] != dims:
            raise GridError(
                f"An array over {', '.join(map(str, field.dims))} is not on a grid over {', '.join(dims)}.",
                hint="The dimensions of the grid stand last; see DataArray.transpose.",
            )


def dataset_of(parts: dict[str, tuple[xr.DataArray, dict[str, str]]], grid: Grid) -> xr.Dataset:
    """A dataset of fields on a grid, each with the attributes that it gets."""
    import xarray as xr

    return xr.Dataset(
        {name: on_grid(part.drop_attrs(), grid).assign_attrs(words) for name, (part, words) in parts.items()}
    )


@dataclass(frozen=True, slots=True)
class _Task:
    """What is done with a chunk: all its fields in one call."""

    do: Callable[..., Any]
    name: str
    dims: int
    shapes: tuple[tuple[int, ...], ...]
    dtype: np.dtype[Any]
    threads: int

    @property
    def __name__(self) -> str:
        return self.name

    def __call__(self, *arrays: _Values) -> _Values | tuple[_Values, ...]:
        before = arrays[0].shape[: -self.dims]
        flat = [array.reshape(math.prod(before), math.prod(array.shape[-self.dims :])) for array in arrays]
        points = [math.prod(shape) for shape in self.shapes]
        results = in_groups(partial(self.do, threads=self.threads), flat, points, self.dtype)
        shaped = tuple(part.reshape(before + shape) for part, shape in zip(results, self.shapes, strict=True))
        return shaped if len(shaped) > 1 else shaped[0]
