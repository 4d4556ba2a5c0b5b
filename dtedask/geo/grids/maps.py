"""Grids that are regular on a map: axes in metres, points, and parts of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.grids.angles import tidy
from dtedask.geo.grids.described import PLANE, Described
from dtedask.geo.grids.rows import Points
from dtedask.geo.projection import project, unproject

if TYPE_CHECKING:
    from dtedask.geo.grid import Grid

_Array = NDArray[np.float64]
KINDS = frozenset(
    {"lambert", "lambert_azimuthal_equal_area", "polar_stereographic", "mercator", "space_view", "projected"}
)


def plane(place: dict[str, Any]) -> tuple[_Array, _Array]:
    """Return y (north to south) and x in metres of the rows and columns of a projected grid's description."""
    if "x" in place:
        west, south = float(place["x"]), float(place["y"])
    else:
        corner = project(place, place["southwest_latitude"], place["southwest_longitude"])
        west, south = (float(value) for value in corner)
    return south + np.arange(place["ny"])[::-1] * place["dy"], west + np.arange(place["nx"]) * place["dx"]


def map_points(place: dict[str, Any]) -> Points:
    """Return the points of a projected grid's description, rows from north to south; NaN where the map has none."""
    y, x = plane(place)
    latitude, longitude = unproject(place, *np.meshgrid(x, y))
    return Points(latitude.ravel(), longitude.ravel())


def cut_map(grid: Grid, rows: tuple[int, int], columns: tuple[int, int]) -> Described:
    """Describe some neighbouring rows and columns of a map; ends are included."""
    place = grid.description
    y, x = plane(place)
    south, west = float(y[rows[1]]), float(x[columns[0]])
    shape = (rows[1] - rows[0] + 1, columns[1] - columns[0] + 1)
    del place["kind"]
    if "x" in place:
        corner = {"x": tidy(west), "y": tidy(south)}
    else:
        latitude, longitude = unproject(grid.description, west, south)
        corner = {"southwest_latitude": tidy(float(latitude)), "southwest_longitude": tidy(float(longitude))}
    return Described(grid.kind, place | corner | {"nx": shape[1], "ny": shape[0]}, PLANE, shape)
