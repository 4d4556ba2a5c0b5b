"""Regional grids on any map that PROJ knows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dtedask.core.errors import FieldError, GridError
from dtedask.geo.grids.angles import tidy
from dtedask.geo.grids.described import PLANE, Described
from dtedask.geo.projection import project, unproject

_TOUCH = 1e-6  # degrees


def on_map(said: Mapping[str, Any]) -> Described:
    """Describe a grid by its projection, the distances of its columns and rows, its shape and its first point.

    Parameters
    ----------
    said : mapping
        `projection`: a string of PROJ; `grid`: distances of columns and rows in metres; `shape`: rows and columns;
        `first`: longitude and latitude of the south-western point, or `x` and `y` of it in metres as
        ``{"x": ..., "y": ...}``.

    Raises
    ------
    GridError
        If one of them is missing or impossible.
    """
    try:
        dx, dy = (float(one) for one in said["grid"])
        ny, nx = (int(one) for one in said["shape"])
        first = said["first"]
        projection = str(said["projection"])
        place = {"kind": "projected", "projection": projection}
        if isinstance(first, Mapping):
            x, y = float(first["x"]), float(first["y"])
        else:
            longitude, latitude = (float(one) for one in first)
            x, y = (float(one) for one in project(place, latitude, longitude))
            _check_on_map(place, latitude, longitude, x, y)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, GridError):
            raise
        if isinstance(error, FieldError):
            raise GridError(error.message, hint=error.hint) from error
        raise GridError(
            f"The specification {dict(said)} of a grid on a map is not complete.",
            hint="Give projection, grid, shape and first: the south-western point as [longitude, latitude].",
        ) from error
    if not (nx > 0 and ny > 0 and dx > 0 and dy > 0):
        raise GridError(f"A map of {ny} rows and {nx} columns, {dx:g} m and {dy:g} m apart, cannot be.")
    description = {"projection": projection, "x": tidy(x), "y": tidy(y), "dx": dx, "dy": dy, "nx": nx, "ny": ny}
    return Described("projected", description, PLANE, (ny, nx))


def _check_on_map(place: Mapping[str, Any], latitude: float, longitude: float, x: float, y: float) -> None:
    """PROJ gives some maps a place for what they do not show: it is where another point is."""
    there = unproject(place, x, y) if math.isfinite(x) and math.isfinite(y) else (math.nan, math.nan)
    apart = abs((float(there[1]) - longitude + 180.0) % 360.0 - 180.0) * math.cos(math.radians(latitude))
    if not (abs(float(there[0]) - latitude) < _TOUCH and apart < _TOUCH):
        raise GridError(
            f"The map {place['projection']!r} has no place for its first point, latitude {latitude:g} and longitude "
            f"{longitude:g}.",
            hint="Give first in metres, as {'x': ..., 'y': ...}, or a point that the map shows.",
        )
