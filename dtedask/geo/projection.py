"""Map projections of GRIB grids, and rotated poles: between degrees and metres."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dtedask.core.errors import FieldError

Points = tuple[NDArray[np.float64], NDArray[np.float64]]


def project(grid: Mapping[str, Any], latitude: ArrayLike, longitude: ArrayLike) -> Points:
    """Return x and y in metres of points of a projected grid's description.

    Raises
    ------
    FieldError
        If the projection is impossible.
    """
    x, y = _projection(_parameters(grid))(np.asarray(longitude, float), np.asarray(latitude, float))
    return np.asarray(x), np.asarray(y)


def unproject(grid: Mapping[str, Any], x: ArrayLike, y: ArrayLike) -> Points:
    """Return latitude and longitude (in [0, 360)) of points given in metres; NaN for points that are off the map."""
    longitude, latitude = _projection(_parameters(grid))(np.asarray(x, float), np.asarray(y, float), inverse=True)
    is_on_map = np.isfinite(longitude)
    turned = np.where(is_on_map, longitude, 0.0) % 360.0
    return np.where(is_on_map, latitude, np.nan), np.where(is_on_map, turned, np.nan)


def grid_mapping(grid: Mapping[str, Any]) -> dict[str, Any]:
    """Return the CF attributes of a projection or rotated pole."""
    if "south_pole_latitude" in grid:
        return {
            "grid_mapping_name": "rotated_latitude_longitude",
            "grid_north_pole_latitude": -grid["south_pole_latitude"],
            "grid_north_pole_longitude": (grid["south_pole_longitude"] + 180.0) % 360.0,
            "north_pole_grid_longitude": grid["angle"],
        }
    if grid["kind"] == "projected":
        return _mapping_of(grid["projection"])
    common = {"semi_major_axis": grid["semi_major"], "semi_minor_axis": grid["semi_minor"]}
    origin = {"false_easting": 0.0, "false_northing": 0.0}
    if grid["kind"] == "lambert":
        return (
            common
            | origin
            | {
                "grid_mapping_name": "lambert_conformal_conic",
                "standard_parallel": [grid["latin1"], grid["latin2"]],
                "longitude_of_central_meridian": grid["lov"],
                "latitude_of_projection_origin": grid["lad"],
            }
        )
    if grid["kind"] == "polar_stereographic":
        return (
            common
            | origin
            | {
                "grid_mapping_name": "polar_stereographic",
                "straight_vertical_longitude_from_pole": grid["lov"],
                "latitude_of_projection_origin": 90.0 if grid["lad"] >= 0 else -90.0,
                "standard_parallel": grid["lad"],
            }
        )
    if grid["kind"] == "space_view":
        return (
            common
            | origin
            | {
                "grid_mapping_name": "geostationary",
                "perspective_point_height": grid["height"],
                "longitude_of_projection_origin": grid["lov"],
                "latitude_of_projection_origin": 0.0,
                "sweep_angle_axis": "y",
            }
        )
    if grid["kind"] == "lambert_azimuthal_equal_area":
        return (
            common
            | origin
            | {
                "grid_mapping_name": "lambert_azimuthal_equal_area",
                "longitude_of_projection_origin": grid["lov"],
                "latitude_of_projection_origin": grid["lad"],
            }
        )
    return (
        common
        | origin
        | {
            "grid_mapping_name": "mercator",
            "longitude_of_projection_origin": grid["lov"],
            "standard_parallel": grid["lad"],
        }
    )


def _mapping_of(projection: str) -> dict[str, Any]:
    """Have PROJ write a projection as CF does."""
    from dtedask.geo.library import pyproj

    found: dict[str, Any] = pyproj.CRS.from_user_input(projection).to_cf()
    return found


def unrotate(grid: Mapping[str, Any], latitude: ArrayLike, longitude: ArrayLike) -> Points:
    """Return true latitude and longitude (in [0, 360)) of points given in a rotated system."""
    tilt = np.deg2rad(90.0 + grid["south_pole_latitude"])
    turned = np.deg2rad(np.asarray(longitude, float) - grid["angle"])
    height = np.deg2rad(np.asarray(latitude, float))
    x, y, z = np.cos(height) * np.cos(turned), np.cos(height) * np.sin(turned), np.sin(height)
    x, z = np.cos(tilt) * x - np.sin(tilt) * z, np.sin(tilt) * x + np.cos(tilt) * z
    true_longitude = np.rad2deg(np.arctan2(y, x)) + grid["south_pole_longitude"]
    # the arcsine of z would lose digits near the poles
    return np.rad2deg(np.arctan2(z, np.hypot(x, y))), true_longitude % 360.0


def _parameters(grid: Mapping[str, Any]) -> str:
    """Write a grid's projection as PROJ does."""
    if grid["kind"] == "projected":
        return str(grid["projection"])
    earth = f"+a={grid['semi_major']!r} +b={grid['semi_minor']!r} +lon_0={grid['lov']!r} +units=m +no_defs"
    if grid["kind"] == "lambert":
        return f"+proj=lcc +lat_1={grid['latin1']!r} +lat_2={grid['latin2']!r} +lat_0={grid['lad']!r} {earth}"
    if grid["kind"] == "polar_stereographic":
        pole = 90 if grid["lad"] >= 0 else -90
        return f"+proj=stere +lat_0={pole} +lat_ts={grid['lad']!r} {earth}"
    if grid["kind"] == "space_view":
        return f"+proj=geos +h={grid['height']!r} +sweep=y {earth}"
    if grid["kind"] == "lambert_azimuthal_equal_area":
        return f"+proj=laea +lat_0={grid['lad']!r} {earth}"
    return f"+proj=merc +lat_ts={grid['lad']!r} {earth}"


@lru_cache(maxsize=64)
def _projection(parameters: str) -> Any:
    from dtedask.geo.library import pyproj

    try:
        return pyproj.Proj(parameters)
    except pyproj.exceptions.ProjError as error:
        raise FieldError(
            f"The projection '{parameters}' is impossible.", hint="Check the grid's description."
        ) from error
