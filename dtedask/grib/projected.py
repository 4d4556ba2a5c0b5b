"""Read grids that are regular on a map: Lambert's two, polar stereographic, Mercator, satellites."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dtedask.core.errors import FieldError, GribUnsupportedError
from dtedask.geo import Grid, PointOrder, project, unproject
from dtedask.grib.angles import degrees, read_scan_mode, tidy
from dtedask.grib.handles import Handle


def lambert(handle: Handle) -> tuple[Grid, PointOrder]:
    """Read a Lambert conformal grid."""
    parallels = {f"latin{number}": degrees(handle, f"Latin{number}InDegrees") for number in (1, 2)}
    plane = parallels | {"lad": degrees(handle, "LaDInDegrees"), "lov": degrees(handle, "LoVInDegrees") % 360.0}
    return _projected(handle, "lambert", plane, ("DxInMetres", "DyInMetres"))


def polar_stereographic(handle: Handle) -> tuple[Grid, PointOrder]:
    """Read a polar stereographic grid; the sign of `lad` says which pole."""
    is_south = handle.integer("southPoleOnProjectionPlane") == 1
    true_at = abs(degrees(handle, "LaDInDegrees"))
    plane = {"lad": -true_at if is_south else true_at, "lov": degrees(handle, "orientationOfTheGridInDegrees") % 360.0}
    return _projected(handle, "polar_stereographic", plane, ("DxInMetres", "DyInMetres"))


def lambert_azimuthal(handle: Handle) -> tuple[Grid, PointOrder]:
    """Read a Lambert azimuthal equal-area grid."""
    plane = {
        "lad": degrees(handle, "standardParallelInDegrees"),
        "lov": degrees(handle, "centralLongitudeInDegrees") % 360.0,
    }
    return _projected(handle, "lambert_azimuthal_equal_area", plane, ("DxInMetres", "DyInMetres"))


def space_view(handle: Handle) -> tuple[Grid, PointOrder]:
    """Read what a geostationary satellite sees; coordinates on the map are scanning angles times its height.

    The formulas of the Coordination Group for Meteorological Satellites (CGMS 03, LRIT/HRIT Global Specification, 4.4).
    """
    shape = (handle.need("Ny"), handle.need("Nx"))
    mode, earth = read_scan_mode(handle), _earth(handle)
    if handle.get("latitudeOfSubSatellitePointInDegrees", float, 0.0) or handle.integer("orientationOfTheGrid"):
        raise GribUnsupportedError("A satellite that is not above the equator, or turned, is not supported.")
    distance = handle.need("Nr") * 1e-6  # from the middle of the Earth, in half axes
    if distance <= 1.0:
        raise GribUnsupportedError(f"A satellite at {distance} radii is not in space.", hint="The section is damaged.")
    height = (distance - 1.0) * earth["semi_major"]
    disc = 2.0 * math.asin(1.0 / distance)
    across = disc / handle.need("dx") * height
    down = disc / handle.need("dy") * height * earth["semi_minor"] / earth["semi_major"]
    column = handle.need("Xp") * 1e-3 - handle.integer("xCoordinateOfOriginOfSectorImage")
    row = handle.need("Yp") * 1e-3 - handle.integer("yCoordinateOfOriginOfSectorImage")
    column = shape[1] - 1 - column if mode.columns_reversed else column
    row = row if mode.rows_reversed else shape[0] - 1 - row  # counted from the south
    described = earth | {
        "lov": degrees(handle, "longitudeOfSubSatellitePointInDegrees") % 360.0,
        "height": tidy(height),
        "x": tidy(-column * across),
        "y": tidy(-row * down),
        "dx": across,
        "dy": down,
        "nx": shape[1],
        "ny": shape[0],
    }
    return Grid.of("space_view", described, ("y", "x"), shape), mode.order(shape)


def mercator(handle: Handle) -> tuple[Grid, PointOrder]:
    """Read a Mercator grid; its central meridian is that of the first point's map, 0."""
    if handle.get("orientationOfTheGridInDegrees", float, 0.0):
        raise GribUnsupportedError("A turned Mercator grid is not supported.", hint="Regrid it before archiving it.")
    plane = {"lad": degrees(handle, "LaDInDegrees"), "lov": 0.0}
    return _projected(handle, "mercator", plane, ("DiInMetres", "DjInMetres"))


def _projected(handle: Handle, kind: str, plane: dict[str, Any], steps: tuple[str, str]) -> tuple[Grid, PointOrder]:
    shape = (handle.need("Nj"), handle.need("Ni"))
    mode = read_scan_mode(handle)
    dx, dy = (tidy(handle.need(key, float)) for key in steps)
    described = plane | _earth(handle) | {"kind": kind, "dx": dx, "dy": dy, "nx": shape[1], "ny": shape[0]}
    latitude = degrees(handle, "latitudeOfFirstGridPointInDegrees")
    longitude = degrees(handle, "longitudeOfFirstGridPointInDegrees") % 360.0
    if not _is_on_map(described, latitude, longitude):
        raise GribUnsupportedError(
            f"The first point {latitude}, {longitude} is not on the map of this {kind} grid.",
            hint="The grid section is damaged: fetch the message again.",
        )
    if mode.columns_reversed or not mode.rows_reversed:
        x, y = project(described, latitude, longitude)
        x = x - (shape[1] - 1) * dx if mode.columns_reversed else x
        y = y if mode.rows_reversed else y - (shape[0] - 1) * dy
        south, west = unproject(described, x, y)
        latitude, longitude = round(float(south), 6), round(float(west), 6)
    described |= {"southwest_latitude": latitude, "southwest_longitude": longitude}
    del described["kind"]
    return Grid.of(kind, described, ("y", "x"), shape), mode.order(shape)


def _is_on_map(described: dict[str, Any], latitude: float, longitude: float) -> bool:
    try:
        return bool(np.isfinite(project(described, latitude, longitude)).all())
    except FieldError:
        return False


def _earth(handle: Handle) -> dict[str, float]:
    """Half axes in metres."""
    radius = handle.get("radius", float)
    major, minor = (handle.get(f"earth{axis}AxisInMetres", float) or radius for axis in ("Major", "Minor"))
    if handle.integer("edition") == 1 and handle.integer("earthIsOblate"):
        major, minor = 6378160.0, 6356775.0
    if not major or not 6e6 < minor <= major < 7e6:
        raise GribUnsupportedError(
            f"The shape of the Earth is not known: half axes {major} and {minor} m.",
            hint="Set 'shapeOfTheEarth' with grib_set.",
        )
    return {"semi_major": float(major), "semi_minor": float(minor)}
