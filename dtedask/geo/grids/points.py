"""Where the points of each kind of grid are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.grids.gaussian import gaussian_latitudes
from dtedask.geo.grids.rows import Points, Rows, rows_of, tidied
from dtedask.geo.projection import project, unproject, unrotate

if TYPE_CHECKING:
    from dtedask.geo.grid import Grid

_Array = NDArray[np.float64]
_CIRCLE = 360.0


def structure(grid: Grid) -> Rows | None:
    """Return the rows of a grid whose points stand on circles of latitude, else None."""
    make = _ROWS.get(grid.kind)
    return None if make is None else make(grid.description)


def points(grid: Grid) -> Points:
    """Return the points of a grid.

    Raises
    ------
    GridError
        If the grid does not say where its points are.
    """
    rows = structure(grid)
    if rows is not None:
        return rows.points()
    if grid.kind not in _OTHERS:
        raise GridError(
            f"Where the points of the grid {grid.label} are is not known.",
            hint="Give their coordinates, or put the field on a grid that is known.",
        )
    return _OTHERS[grid.kind](grid.description)


def axes(place: dict[str, Any]) -> tuple[_Array, _Array]:
    """Return the latitudes (north to south) and longitudes of the rows and columns of a regular grid's description."""
    return _latitudes(place), tidied(place["west"] + np.arange(place["ni"]) * _column_step(place))


def plane(place: dict[str, Any]) -> tuple[_Array, _Array]:
    """Return y (north to south) and x in metres of the rows and columns of a projected grid's description."""
    west, south = (float(value) for value in project(place, place["southwest_latitude"], place["southwest_longitude"]))
    return south + np.arange(place["ny"])[::-1] * place["dy"], west + np.arange(place["nx"]) * place["dx"]


def _latitudes(place: dict[str, Any]) -> _Array:
    if "n" in place:
        first, count = place.get("rows", (0, 2 * place["n"]))
        return gaussian_latitudes(place["n"])[first : first + count]
    rows = place["nj"] if "nj" in place else len(place["pl"])
    return tidied(np.linspace(place["north"], place["south"], rows))


def _column_step(place: dict[str, Any]) -> float:
    if place["periodic"]:
        return _CIRCLE / float(place["ni"])
    return (place["east"] - place["west"]) / (place["ni"] - 1) if place["ni"] > 1 else float(place["dx"])


def _regular(place: dict[str, Any]) -> Rows:
    latitude = _latitudes(place)
    count = np.full(latitude.shape, place["ni"], np.int64)
    return rows_of(latitude, count, place["west"], _column_step(place), place["periodic"])


def _reduced(place: dict[str, Any]) -> Rows | None:
    if "size" in place:
        return None
    count = np.array(place["pl"], np.int64)
    return rows_of(_latitudes(place), count, 0.0, _CIRCLE / count, True)


def _healpix(place: dict[str, Any]) -> Rows | None:
    return _healpix_rings(place["nside"], place.get("first_longitude", 45.0)) if place["ordering"] == "ring" else None


def _healpix_rings(nside: int, first_longitude: float) -> Rows:
    """Rings of HEALPix (Gorski et al. 2005, equations 4 to 9)."""
    ring = np.arange(1, 4 * nside, dtype=np.int64)
    cap = np.minimum(ring, 4 * nside - ring)
    count = 4 * np.minimum(cap, nside)
    height = np.where(cap < nside, 1.0 - cap**2 / (3.0 * nside**2), (2.0 / 3.0) * (2.0 - cap / nside))
    # near the poles the arcsine of the height loses digits, the distance from the pole does not
    polar = np.rad2deg(2.0 * np.arcsin(cap / (nside * np.sqrt(6.0))))
    north = np.where(cap < nside, 90.0 - polar, np.rad2deg(np.arcsin(height)))
    latitude = np.where(ring > 2 * nside, -north, north)
    is_shifted = (cap < nside) | ((ring - nside) % 2 == 0)
    step = _CIRCLE / count
    west = np.where(is_shifted, 0.5 * step, 0.0)
    west = west if first_longitude == 45.0 else (west + first_longitude - 45.0) % _CIRCLE
    return rows_of(latitude, count, west, step, True)


def _healpix_nested(place: dict[str, Any]) -> Points:
    from dtedask.geo.healpix import places_of

    latitude, longitude = _healpix_rings(place["nside"], place.get("first_longitude", 45.0)).points()
    places = places_of(place["nside"], "nested")
    return Points(latitude[places], longitude[places])


def _rotated(place: dict[str, Any]) -> Points:
    y, x = axes(place | {"periodic": place.get("periodic", False)})
    latitude, longitude = unrotate(place, *np.meshgrid(y, x, indexing="ij"))
    return Points(latitude.ravel(), longitude.ravel())


def _projected(place: dict[str, Any]) -> Points:
    y, x = plane(place)
    latitude, longitude = unproject(place, *np.meshgrid(x, y))
    return Points(latitude.ravel(), longitude.ravel())


_ROWS: dict[str, Callable[[dict[str, Any]], Rows | None]] = {
    "regular_ll": _regular,
    "regular_gg": _regular,
    "reduced_gg": _reduced,
    "healpix": _healpix,
}
_OTHERS: dict[str, Callable[[dict[str, Any]], Points]] = {
    "healpix": _healpix_nested,
    "rotated_ll": _rotated,
    "lambert": _projected,
    "polar_stereographic": _projected,
    "mercator": _projected,
}
