"""Where the points of each kind of grid are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.grids.angles import CIRCLE
from dtedask.geo.grids.cubed_sphere import cube_points
from dtedask.geo.grids.gaussian_rows import latitudes_of, reduced_rows
from dtedask.geo.grids.healpix import nested_points, ring_rows
from dtedask.geo.grids.maps import KINDS, map_points
from dtedask.geo.grids.placing import is_rotated, placed, stretched
from dtedask.geo.grids.rows import Points, Rows, rows_of, tidied
from dtedask.geo.grids.unstructured import unstructured_points

if TYPE_CHECKING:
    from dtedask.geo.grid import Grid

_Array = NDArray[np.float64]
_Place = dict[str, Any]
MOVED_KINDS = tuple(
    f"{reduced}{moved}_{base}"
    for moved in ("rotated", "stretched", "stretched_rotated")
    for reduced, base in (("", "ll"), ("", "gg"), ("reduced_", "ll"), ("reduced_", "gg"))
)
"""Kinds of grids that are stretched, or whose pole is turned away, as ecCodes calls them."""


def structure(grid: Grid) -> Rows | None:
    """Return the rows of a grid whose points stand on circles of latitude, else None."""
    place = grid.description
    return None if is_rotated(place) else own_rows(place)


def points(grid: Grid) -> Points:
    """Return the points of a grid.

    Raises
    ------
    GridError
        If the grid does not say where its points are.
    """
    place = grid.description
    rows = own_rows(place)
    if rows is not None:
        return placed(place, rows.points())
    make = _OTHERS.get(grid.kind)
    if make is None or (grid.kind == "healpix" and place["ordering"] != "nested"):
        raise GridError(
            f"Where the points of the grid {grid.label} are is not known.",
            hint="Give their coordinates, or put the field on a grid that is known.",
        )
    return placed(place, make(place))


def _in_area(place: _Place) -> Points:
    """Points of another grid, in its order; longitudes grow across Greenwich."""
    from dtedask.geo.grid import Grid
    from dtedask.geo.grids.sub_area import is_inside

    area = place["area"]
    latitude, longitude = points(Grid(place["of"]))
    inside = is_inside(Points(latitude, longitude), area)
    turned = longitude[inside]
    return Points(latitude[inside], np.where(turned > area[3] + 1e-6, turned - CIRCLE, turned))


def own_rows(place: _Place) -> Rows | None:
    """Return the rows of a grid's description in its own system, which may be turned, stretched already; else None."""
    make = _ROWS.get(base_kind(place["kind"]))
    rows = None if make is None else make(place)
    if rows is None or "stretching_factor" not in place:
        return rows
    return rows_of(stretched(place, rows.latitude), rows.count, rows.west, rows.step, rows.is_periodic)


def base_kind(kind: str) -> str:
    """Return the kind of a grid that is neither stretched nor turned."""
    base = kind.replace("stretched_", "").replace("rotated_", "")
    return {"ll": "regular_ll", "gg": "regular_gg"}.get(base, base)


def axes(place: _Place) -> tuple[_Array, _Array]:
    """Return the latitudes (north to south) and longitudes of the rows and columns of a regular grid's description."""
    longitude = tidied(place["west"] + np.arange(place["ni"]) * _column_step(place))
    return stretched(place, _latitudes(place)), longitude


def _latitudes(place: _Place) -> _Array:
    if "n" in place:
        return latitudes_of(place)
    rows = place["nj"] if "nj" in place else len(place["pl"])
    return tidied(np.linspace(place["north"], place["south"], rows))


def _column_step(place: _Place) -> float:
    if place["periodic"]:
        return CIRCLE / float(place["ni"])
    return (place["east"] - place["west"]) / (place["ni"] - 1) if place["ni"] > 1 else float(place["dx"])


def _regular(place: _Place) -> Rows:
    latitude = _latitudes(place)
    count = np.full(latitude.shape, place["ni"], np.int64)
    return rows_of(latitude, count, place["west"], _column_step(place), place["periodic"])


def _reduced_ll(place: _Place) -> Rows:
    """Rows that go around the globe, or that share out the area's width, as ecCodes understands them."""
    lengths = np.array(place["pl"], np.int64)
    span = (place["east"] - place["west"]) % CIRCLE
    if span > CIRCLE - 1.5 * CIRCLE / lengths.max():
        return rows_of(_latitudes(place), lengths, place["west"], CIRCLE / lengths, True)
    west = place["west"] - (CIRCLE if place["west"] + span >= CIRCLE else 0.0)
    return rows_of(_latitudes(place), lengths, west, span / np.maximum(lengths - 1, 1), False)


def _healpix(place: _Place) -> Rows | None:
    return ring_rows(place["nside"], place.get("first_longitude", 45.0)) if place["ordering"] == "ring" else None


_ROWS: dict[str, Callable[[_Place], Rows | None]] = {
    "regular_ll": _regular,
    "regular_gg": _regular,
    "reduced_gg": reduced_rows,
    "reduced_ll": _reduced_ll,
    "healpix": _healpix,
}
_OTHERS: dict[str, Callable[[_Place], Points]] = {
    "healpix": lambda place: nested_points(place["nside"], place.get("first_longitude", 45.0)),
    "cubed_sphere": cube_points,
    "part": _in_area,
    "unstructured": unstructured_points,
} | dict.fromkeys(KINDS, map_points)
