"""Find out how the points of a field lie."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import GridError
from dtedask.geo.area import Area
from dtedask.plot.sampling.axes import AxesSampler, Axis, Plane
from dtedask.plot.sampling.rows import RowsSampler, rows_of_points
from dtedask.plot.sampling.sampler import Sampler, Values, shortest_arc
from dtedask.plot.sampling.scattered import ScatteredSampler

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["grid_dims", "sampler_of"]

_LATITUDE, _LONGITUDE = ("latitude", "lat"), ("longitude", "lon")
_UNITS = {"latitude": "degrees_north", "longitude": "degrees_east"}


def grid_dims(field: xr.DataArray) -> tuple[str, ...]:
    """Names of the dimensions of the grid of a field."""
    places = _places(field)
    if places is None:
        return tuple(str(name) for name in field.dims if name in ("y", "x", "values", "latitude", "longitude"))
    wanted = {name for one in places for name in one.dims}
    return tuple(str(name) for name in field.dims if name in wanted)


def sampler_of(field: xr.DataArray) -> Sampler:
    """Make what finds the points of a field.

    Parameters
    ----------
    field : xarray.DataArray, shape of its grid
        One field.

    Raises
    ------
    GridError
        If it does not say where its points are.
    """
    places = _places(field)
    if places is None:
        return _of_points(*_points_of_grid(field))
    latitude, longitude = places
    if latitude.dims != longitude.dims:
        return AxesSampler.of_degrees(_values(latitude), _values(longitude))
    if latitude.ndim == 2:
        latitude, longitude = latitude.transpose(*field.dims), longitude.transpose(*field.dims)
        return _on_plane(field, latitude, longitude) or _of_points(_values(latitude), _values(longitude))
    return _of_points(_values(latitude), _values(longitude))


def _of_points(latitude: Values, longitude: Values) -> Sampler:
    latitude, longitude = latitude.ravel(), longitude.ravel()
    rows = rows_of_points(latitude, longitude) if np.isfinite(latitude).all() else None
    return ScatteredSampler(latitude, longitude) if rows is None else RowsSampler(*rows, longitude)


def _values(array: xr.DataArray) -> Values:
    return np.asarray(array.to_numpy(), dtype=np.float64)


def _places(field: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray] | None:
    latitude, longitude = _coordinate(field, "latitude", _LATITUDE), _coordinate(field, "longitude", _LONGITUDE)
    return None if latitude is None or longitude is None else (latitude, longitude)


def _coordinate(field: xr.DataArray, standard_name: str, names: tuple[str, ...]) -> xr.DataArray | None:
    for name, coordinate in field.coords.items():
        words = (coordinate.attrs.get("standard_name"), coordinate.attrs.get("units"))
        is_named = name in names or words[0] == standard_name or words[1] == _UNITS[standard_name]
        if is_named and set(coordinate.dims) <= set(field.dims) and coordinate.ndim:
            found: xr.DataArray = coordinate
            return found
    return None


def _points_of_grid(field: xr.DataArray) -> tuple[Values, Values]:
    """Latitudes and longitudes by the description of the grid, where the field has one that says."""
    hint = "Give each point its place: field.assign_coords(latitude=('values', ...), longitude=('values', ...))."
    spec = field.attrs.get("grid_spec")
    if spec is None:
        raise GridError("The field does not say where its points are.", hint=hint)
    from dtedask.geo import Grid

    kind = json.loads(spec)["kind"]
    if kind == "sh":
        raise GridError(
            "The field is spherical harmonics, which have no points.", hint="Transform it to a grid, and draw that."
        )
    grid = Grid(kind, spec, tuple(map(str, field.dims)), tuple(field.shape))
    points = getattr(grid, "points", None)
    if points is None:
        raise GridError(f"The points of the grid {grid.label} are not known.", hint=hint)
    latitude, longitude = points()
    return np.asarray(latitude), np.asarray(longitude)


def _on_plane(field: xr.DataArray, latitude: xr.DataArray, longitude: xr.DataArray) -> Sampler | None:
    """Points at the crossings of y and x of a CF grid mapping; None where that is not so."""
    mapping = next((one for one in field.coords.values() if "grid_mapping_name" in one.attrs), None)
    names = [str(name) for name in field.dims]
    if mapping is None or any(name not in field.coords for name in names):
        return None
    y, x = (_values(field.coords[name]) for name in names)
    is_rotated = mapping.attrs["grid_mapping_name"] == "rotated_latitude_longitude"
    plane = _plane(mapping.attrs)
    north, east = _values(latitude), _values(longitude)
    if not _fits(plane, north, east, y, x, 360.0 if is_rotated else None):
        return None
    across = Axis(x, circle=360.0 if is_rotated else None)
    along = Axis(y, ends=(-90.0, 90.0) if is_rotated else None)
    return AxesSampler(along, across, (len(y), len(x)), _area(plane, north, east, y, x), plane)


def _plane(attributes: dict[Any, Any]) -> Plane:
    from dtedask.geo.library import pyproj

    crs = pyproj.CRS.from_cf(attributes)
    turn = pyproj.Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)
    if attributes["grid_mapping_name"] == "rotated_latitude_longitude":
        base = pyproj.CRS.from_proj4("+proj=longlat +R=6371229 +no_defs")
        rotated = pyproj.CRS.from_proj4(
            f"+proj=ob_tran +o_proj=longlat +R=6371229 +o_lat_p={attributes['grid_north_pole_latitude']} "
            f"+o_lon_p={attributes.get('north_pole_grid_longitude', 0.0)} "
            f"+lon_0={(attributes['grid_north_pole_longitude'] + 180.0) % 360.0} +no_defs"
        )
        turn = pyproj.Transformer.from_crs(base, rotated, always_xy=True)

    def plane(latitude: Values, longitude: Values) -> tuple[Values, Values]:
        x, y = turn.transform(longitude, latitude)
        return np.where(np.isfinite(y), y, np.inf), np.where(np.isfinite(x), x, np.inf)

    return plane


def _fits(plane: Plane, latitude: Values, longitude: Values, y: Values, x: Values, circle: float | None) -> bool:
    """Whether some points lie where the plane says, to a tenth of their distance."""
    rows = np.linspace(0, len(y) - 1, 7).astype(int)
    columns = np.linspace(0, len(x) - 1, 7).astype(int)
    found_y, found_x = plane(latitude[np.ix_(rows, columns)], longitude[np.ix_(rows, columns)])
    apart = found_x - x[columns]
    if circle is not None:
        apart = ((apart + circle / 2) % circle - circle / 2) * np.cos(np.deg2rad(y[rows]))[:, None]
    off = np.hypot(found_y - y[rows][:, None], apart)
    return bool(np.nanmax(off) < 0.1 * np.abs(np.diff(y)).min(initial=1e6))


def _area(plane: Plane, latitude: Values, longitude: Values, y: Values, x: Values) -> Area:
    west, east = shortest_arc(np.round(longitude[np.isfinite(longitude)], 2))
    north, south = float(np.nanmax(latitude)), float(np.nanmin(latitude))
    for pole in (90.0, -90.0):
        pole_y, pole_x = (float(one) for one in plane(np.array(pole), np.array(0.0)))
        if y.min() <= pole_y <= y.max() and x.min() <= pole_x <= x.max():
            north, south, west, east = max(north, pole), min(south, pole), -180.0, 180.0
    return north, west, south, east
