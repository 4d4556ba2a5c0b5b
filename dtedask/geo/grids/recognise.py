"""Tell the grid of an xarray object from its attributes or its coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import FieldError, GridError
from dtedask.geo.grid import Grid
from dtedask.geo.grids.axes import grid_of_axes
from dtedask.geo.grids.described import PLANE, VALUES
from dtedask.geo.grids.lists import grid_of_points
from dtedask.geo.grids.projected import on_map
from dtedask.geo.grids.unstructured import NOT_IN_THE_MESSAGE

if TYPE_CHECKING:
    import xarray as xr

_Array = NDArray[np.float64]
_NAMES = {
    "latitude": ("latitude", "lat", "nav_lat", "clat", "gphit", "y_lat"),
    "longitude": ("longitude", "lon", "nav_lon", "clon", "glamt", "x_lon"),
}


def recognise(data: xr.DataArray | xr.Dataset) -> Grid:
    """Tell the grid of an xarray object.

    Looked for, in this order: the attribute ``grid_spec``; the grid mapping of HEALPix; latitudes and longitudes as
    axes (regular, or Gaussian), as a list of points (reduced Gaussian, HEALPix, or unstructured) or as a table on a
    map or a turned pole that its grid mapping describes. Points that are on no known grid are unstructured, and their
    coordinates are kept.

    Parameters
    ----------
    data : xarray.DataArray or xarray.Dataset
        Of a dataset all coordinates count. Its values are not looked at.

    Raises
    ------
    GridError
        If nothing says where the points are, or they are not in our order: rows from north to south.
    """
    for attributes in _attributes(data):
        if "grid_spec" in attributes:
            return Grid(str(attributes["grid_spec"]))
    mapping = _mapping(data)
    if mapping.get("grid_mapping_name") == "healpix":
        return _healpix(mapping)
    latitude, longitude = (_coordinate(data, name) for name in ("latitude", "longitude"))
    if latitude is None or longitude is None:
        raise GridError(
            f"Nothing says which grid the data over {', '.join(map(str, data.dims)) or 'nothing'} are on.",
            hint="Set the attribute grid_spec (grid.spec), or give coordinates latitude and longitude.",
        )
    if latitude.ndim == 1 and longitude.ndim == 1 and latitude.dims != longitude.dims:
        return grid_of_axes(_degrees(latitude), _degrees(longitude))
    if latitude.ndim == 2 and mapping:
        found = _on_axes(data, mapping)
        if found is not None:
            return found
    if latitude.dims != longitude.dims:
        raise GridError(
            f"Latitudes over {latitude.dims} and longitudes over {longitude.dims} are no points.",
            hint="They have the same dimensions, or are axes.",
        )
    points = _degrees(latitude).ravel(), _degrees(longitude).ravel()
    uuid = str(data.attrs.get("uuidOfHGrid", "")).replace("-", "").lower()
    if uuid:
        return _of_icon(*points, int(data.attrs.get("number_of_grid_used", 0)), uuid)
    return grid_of_points(*points, name=str(data.attrs.get("name", "")))


def _of_icon(latitude: _Array, longitude: _Array, number: int, uuid: str) -> Grid:
    """The grid of ICON's cells as GRIB messages name it, with points that are known from now on."""
    description = {
        "number": number,
        "reference": 1,
        "uuid": uuid,
        "size": latitude.size,
        "coordinates": NOT_IN_THE_MESSAGE,
    }
    grid = Grid.of("unstructured", description, VALUES, (latitude.size,))
    grid.locate(latitude, longitude)
    return grid


def _attributes(data: xr.DataArray | xr.Dataset) -> list[Mapping[Any, Any]]:
    variables = getattr(data, "data_vars", {})
    return [data.attrs, *(variables[name].attrs for name in variables)]


def _mapping(data: xr.DataArray | xr.Dataset) -> Mapping[Any, Any]:
    """Attributes of the grid mapping, by CF's word for it or by the variable `crs`."""
    names = [attributes.get("grid_mapping") for attributes in _attributes(data)] + ["crs"]
    everything = {**data.coords, **getattr(data, "data_vars", {})}
    for name in names:
        if name in everything and "grid_mapping_name" in everything[name].attrs:
            found: Mapping[Any, Any] = everything[name].attrs
            return found
    return {}


def _healpix(mapping: Mapping[Any, Any]) -> Grid:
    nside = mapping.get("healpix_nside", mapping.get("nside"))
    level = mapping.get("refinement_level")
    order = str(mapping.get("healpix_order", mapping.get("indexing_scheme", "ring"))).lower()
    if nside is None and level is None:
        raise GridError(
            "The grid mapping of HEALPix has neither refinement_level nor healpix_nside.", hint="Set one of them."
        )
    number = int(nside) if nside is not None else 2 ** int(level or 0)
    return Grid({"grid": f"H{number}", "order": order})


def _coordinate(data: xr.DataArray | xr.Dataset, name: str) -> xr.DataArray | None:
    for known in data.coords:
        if data.coords[known].attrs.get("standard_name") == name:
            return data.coords[known]
    for known in _NAMES[name]:
        if known in data.coords or known in getattr(data, "data_vars", {}):
            return data[known]
    return None


def _degrees(coordinate: xr.DataArray) -> _Array:
    values = coordinate.to_numpy()
    if str(coordinate.attrs.get("units", "")).startswith("radian"):
        return np.rad2deg(values.astype(np.float64))
    return values  # its type says how exact it is


def _on_axes(data: xr.DataArray | xr.Dataset, mapping: Mapping[Any, Any]) -> Grid | None:
    """A grid that is regular on a map or with a turned pole: axes `y` and `x`, and a grid mapping."""
    axes = [_axis(data, name) for name in ("Y", "X")]
    if axes[0] is None or axes[1] is None or min(axis.size for axis in axes if axis is not None) < 2:
        return None
    y, x = (axis.to_numpy() for axis in axes if axis is not None)
    if mapping["grid_mapping_name"] == "rotated_latitude_longitude":
        return _rotated(mapping, y, x)
    from dtedask.geo.library import pyproj

    steps = [float((axis[-1] - axis[0]) / (axis.size - 1)) for axis in (x.astype(np.float64), y.astype(np.float64))]
    if steps[1] > 0:
        raise GridError(
            "The rows of the map run from south to north.", hint="Turn y around: .isel(y=slice(None, None, -1))."
        )
    crs = pyproj.CRS.from_cf({str(key): value for key, value in mapping.items()})
    first = {"x": float(x[0]), "y": float(y[-1])}
    said = {"projection": crs.to_wkt(), "grid": [steps[0], -steps[1]], "shape": [y.size, x.size], "first": first}
    try:
        return Grid.of(*on_map(said))
    except FieldError:
        return None


def _axis(data: xr.DataArray | xr.Dataset, letter: str) -> xr.DataArray | None:
    for name in data.coords:
        if data.coords[name].attrs.get("axis") == letter and data.coords[name].ndim == 1:
            return data.coords[name]
    name = letter.lower()
    return data.coords.get(name)


def _rotated(mapping: Mapping[Any, Any], y: _Array, x: _Array) -> Grid:
    plain = grid_of_axes(y, x)
    description = plain.description
    del description["kind"]
    moved = {
        "south_pole_latitude": -float(mapping["grid_north_pole_latitude"]),
        "south_pole_longitude": (float(mapping["grid_north_pole_longitude"]) + 180.0) % 360.0,
        "angle": float(mapping.get("north_pole_grid_longitude", 0.0)),
    }
    return Grid.of("rotated_" + plain.kind.removeprefix("regular_"), description | moved, PLANE, plain.shape)
