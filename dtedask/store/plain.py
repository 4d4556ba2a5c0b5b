"""Plain numpy arrays with keys: the key `grid` says where their points are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from dtedask.core.errors import FieldError, NotFoundError
from dtedask.request import canonical_value
from dtedask.store.opaque import is_opaque

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.store.reader import Reader
    from dtedask.store.selection import Selection


def with_grid(values: np.ndarray, key: Mapping[str, object], reader: Reader) -> tuple[xr.DataArray, dict[str, object]]:
    """Give an array of one field the coordinates of the grid that its keys name.

    Parameters
    ----------
    values : numpy.ndarray, shape of the grid
        Rows north to south, columns west to east.
    key : mapping
        MARS keys; ``grid`` is a grid that the root holds, or global steps in degrees such as ``0.25x0.25``.
    reader : Reader
        The root.

    Returns
    -------
    tuple of (xarray.DataArray, dict)
        The array, and the keys without ``grid``.

    Raises
    ------
    FieldError
        If there is no such grid, or the array has another shape.
    """
    import xarray as xr

    from dtedask.store.dataset import grid_coordinates

    if "grid" not in key:
        raise FieldError(
            "A plain array needs the key grid, which says where its points are.",
            hint="Give grid=0.25x0.25 or a grid that the root holds, or an xarray.DataArray with coordinates.",
        )
    label = canonical_value("grid", key["grid"])
    keys = {name: value for name, value in key.items() if name != "grid"}
    found = global_coordinates(label)
    if found is not None:
        _check_shape(label, values, tuple(map(len, found.values())))
        return xr.DataArray(values, dims=tuple(found), coords=found), keys
    part = _known(label, reader)
    _check_shape(label, values, part.group.grid.shape)
    coordinates = grid_coordinates(part.group, part.snapshot)
    return xr.DataArray(values, coordinates, part.group.grid.dims, attrs={"grid_spec": part.group.grid.spec}), keys


def global_coordinates(label: str) -> dict[str, np.ndarray] | None:
    """Coordinates of a global regular grid that is named by its steps in degrees; None for other names.

    Raises
    ------
    FieldError
        If the steps do not divide the globe.
    """
    match = re.fullmatch(r"([0-9.]+)x([0-9.]+)", label)
    if match is None:
        return None
    dx, dy = map(float, match.groups())
    columns, rows = (round(360 / dx), round(180 / dy)) if dx and dy else (0, 0)
    if not columns or not rows or not np.isclose(columns * dx, 360) or not np.isclose(rows * dy, 180):
        raise FieldError(f"The steps of the grid {label!r} do not divide the globe.", hint="Give a DataArray.")
    return {"latitude": 90 - dy * np.arange(rows + 1), "longitude": dx * np.arange(columns)}


def _known(label: str, reader: Reader) -> Selection:
    """Fields of the root on the grid, whose coordinates stand there."""
    try:
        found = next(iter(reader.select({"grid": label})), None)
    except NotFoundError:
        found = None
    if found is None or is_opaque(found.group.grid):
        raise FieldError(
            f"The root {reader.root!r} holds no field on the grid {label!r} that could say where its points are.",
            hint="Give an xarray.DataArray with coordinates or the attribute grid_spec.",
        )
    return found


def _check_shape(label: str, values: np.ndarray, shape: tuple[int, ...]) -> None:
    if values.shape != shape:
        raise FieldError(f"An array of shape {values.shape} is no field of the grid {label}, which has {shape}.")
