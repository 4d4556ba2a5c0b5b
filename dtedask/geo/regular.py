"""A regular latitude-longitude grid from the coordinates of an array."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import FieldError
from dtedask.geo.grid import Grid

_CIRCLE = 360.0
_TOLERANCE = 1e-4


def regular_latlon(latitude: NDArray[np.floating], longitude: NDArray[np.floating]) -> Grid:
    """Describe the regular grid that two axes span.

    Parameters
    ----------
    latitude : numpy.ndarray, shape (rows,)
        Degrees, north to south.
    longitude : numpy.ndarray, shape (columns,)
        Degrees, west to east.

    Raises
    ------
    FieldError
        If the points of an axis are not equally far apart.
    """
    dy, dx = _spacing("latitude", -np.asarray(latitude)), _spacing("longitude", np.asarray(longitude))
    west, east = _tidy(longitude[0]), _tidy(longitude[-1])
    description = {
        "north": _tidy(latitude[0]),
        "south": _tidy(latitude[-1]),
        "west": west,
        "east": east,
        "dx": dx,
        "dy": dy,
        "ni": len(longitude),
        "nj": len(latitude),
        "periodic": bool(len(longitude) > 1 and abs(east - west + dx - _CIRCLE) < dx * _TOLERANCE),
    }
    return Grid.of("regular_ll", description, ("latitude", "longitude"), (len(latitude), len(longitude)))


def _spacing(name: str, points: NDArray[np.floating]) -> float:
    steps = np.diff(points.astype(np.float64))
    if not len(steps):
        return 0.0
    step = float(points[-1] - points[0]) / len(steps)
    if step <= 0 or np.abs(steps - step).max() > abs(step) * _TOLERANCE:
        raise FieldError(
            f"The {name}s {points[0]:g} to {points[-1]:g} are not equally far apart.",
            hint="Set the attribute grid_spec, as the datasets of a store have it.",
        )
    return _tidy(step)


def _tidy(value: float) -> float:
    return round(float(value), 9) + 0.0
