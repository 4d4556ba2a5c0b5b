"""Fields as xarray has them: which grid they are on, and how they are put on another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import GridError
from dtedask.geo.grid import Grid

if TYPE_CHECKING:
    import xarray as xr

_LATITUDE = {"standard_name": "latitude", "long_name": "latitude", "units": "degrees_north"}
_LONGITUDE = {"standard_name": "longitude", "long_name": "longitude", "units": "degrees_east"}
_PLACES = ("latitude", "longitude", "y", "x", "values", "crs")


def grid_of(field: xr.DataArray) -> Grid:
    """Tell the grid of a field.

    Parameters
    ----------
    field : xarray.DataArray, shape (..., grid)
        It has the attribute ``grid_spec``, as fields of a store have, or coordinates that `Grid.from_dataset` knows.

    Raises
    ------
    GridError
        If neither is there, rows do not run from north to south, or the sizes of the field are not the grid's.
    """
    spec = field.attrs.get("grid_spec")
    if spec is not None:
        return _grid_of_spec(field, spec)
    from dtedask.geo.grids.recognise import recognise

    grid = recognise(field)
    if field.shape[-len(grid.shape) :] != grid.shape:
        raise GridError(
            f"A field of shape {field.shape} has coordinates of the grid {grid.label}, which has {grid.shape}.",
            hint="The dimensions of the grid are the last ones: field.transpose(..., *dims of the grid).",
        )
    return grid


def on_grid(field: xr.DataArray, grid: Grid) -> xr.DataArray:
    """Give a field the coordinates and the description of a grid.

    Parameters
    ----------
    field : xarray.DataArray, shape (..., grid.shape)
        Its last dimensions are `grid.dims`; what it says of another grid is dropped. It stays lazy.
    """
    stale = [name for name in _PLACES if name in field.coords]
    placed = field.drop_vars(stale).assign_coords(_coordinates(grid))
    return placed.assign_attrs(grid_spec=grid.spec)


def _grid_of_spec(field: xr.DataArray, spec: str) -> Grid:
    kind = json.loads(spec)["kind"]
    last = field.dims[-2:]
    count = 2 if last in (("latitude", "longitude"), ("y", "x")) else 1
    dims = tuple(str(name) for name in field.dims[-count:])
    grid = Grid(kind, spec, dims, field.shape[-count:])
    rows = grid.structure()
    if rows is not None and rows.size != grid.size:
        raise GridError(
            f"A field of {grid.size} points says that it is on {grid.label}, which has {rows.size}.",
            hint="Drop the attribute grid_spec where a part of a field was selected, or set that of the part.",
        )
    return grid


def _coordinates(grid: Grid) -> dict[str, Any]:
    if grid.kind == "sh":
        return {}
    rows = grid.structure()
    if grid.dims == ("latitude", "longitude") and rows is not None:
        columns = rows.points().longitude[: grid.shape[1]]
        return {"latitude": ("latitude", rows.latitude, _LATITUDE), "longitude": ("longitude", columns, _LONGITUDE)}
    latitude, longitude = (part.reshape(grid.shape) for part in grid.points())
    return {"latitude": (grid.dims, latitude, _LATITUDE), "longitude": (grid.dims, longitude, _LONGITUDE)}
