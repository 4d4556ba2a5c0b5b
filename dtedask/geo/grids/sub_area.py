"""The points of a grid that lie in an area, as a grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import FieldError, GridError
from dtedask.geo.grids.angles import CIRCLE, columns_between, snap, tidy
from dtedask.geo.grids.described import LATLON, PLANE, VALUES, Described
from dtedask.geo.grids.gaussian_rows import eastwards, latitudes_of, points_between
from dtedask.geo.grids.latlon import area_of

if TYPE_CHECKING:
    from dtedask.geo.grid import Grid
    from dtedask.geo.grids.rows import Points

Area = tuple[float, float, float, float]
_EDGE = 1e-6  # degrees that points may lie outside
_TURNED = ("south_pole_latitude", "south_pole_longitude", "angle")
_STRETCHED = ("stretching_factor", "stretching_pole_latitude", "stretching_pole_longitude")


def within(grid: Grid, area: Sequence[float]) -> Described:
    """Describe the points of a grid that lie in an area, edges included; those of turned grids in their own system.

    Regular and Gaussian grids stay of their kind; maps become the smallest rectangle that holds all points in the area.

    Raises
    ------
    GridError
        If no point lies in it.
    """
    from dtedask.geo.grids.points import base_kind

    edges = area_of(area)
    kind = base_kind(grid.kind)
    cut = _CUTTERS.get(kind, _choose)
    found = cut(grid, edges)
    if found is None or 0 in found.shape:
        raise GridError(
            f"No point of the grid {grid.label} lies in the area {'/'.join(f'{edge:g}' for edge in area)}.",
            hint="An area is north/west/south/east.",
        )
    if found.kind == grid.kind:
        return found
    place = grid.description
    moved = {key: place[key] for key in (*_TURNED, *_STRETCHED) if key in place}
    dims = PLANE if found.dims == LATLON else found.dims
    return Described(grid.kind, found.description | moved, dims, found.shape)


def is_inside(points: Points, area: Area) -> NDArray[np.bool_]:
    """Which points lie in an area that `area_of` has read, edges included."""
    north, west, south, east = area
    is_between = (points.latitude <= north + _EDGE) & (points.latitude >= south - _EDGE)
    from_west = (points.longitude - west + _EDGE) % CIRCLE
    inside: NDArray[np.bool_] = is_between & (from_west <= east - west + 2 * _EDGE)
    return inside


def _regular_ll(grid: Grid, area: Area) -> Described | None:
    from dtedask.geo.grid import Grid as Regular
    from dtedask.geo.subset import subset

    place = grid.description
    plain = {key: place[key] for key in ("north", "south", "west", "east", "dx", "dy", "ni", "nj", "periodic")}
    try:
        found = subset(Regular.of("regular_ll", plain, LATLON, (plain["nj"], plain["ni"])), area=area).grid
    except FieldError:
        return None
    description = found.description
    del description["kind"]
    for step, count in (("dx", "ni"), ("dy", "nj")):
        description[step] = description[step] if description[count] > 1 else place[step]
    return Described("regular_ll", description, LATLON, found.shape)


def _rows_between(place: dict[str, Any], area: Area) -> tuple[int, int]:
    """The first row, counted in the whole Gaussian grid, and how many."""
    latitude = latitudes_of(place)
    rows = np.flatnonzero((latitude <= area[0] + _EDGE) & (latitude >= area[2] - _EDGE))
    before = place["rows"][0] if "rows" in place else 0
    return (before + int(rows[0]), rows.size) if rows.size else (0, 0)


def _regular_gg(grid: Grid, area: Area) -> Described | None:
    from dtedask.geo.subset import eastwards as columns_inside

    place = grid.description
    first, count = _rows_between(place, area)
    longitude = place["west"] + np.arange(place["ni"]) * (
        CIRCLE / place["ni"] if place["periodic"] else float(place["dx"])
    )
    columns, places = columns_inside(longitude, np.full(longitude.shape, True), place["dx"], area)
    if not (count and columns.size):
        return None
    west, east = snap(float(places[0]), 1e-6), snap(float(places[-1]), 1e-6)
    described, _ = columns_between(west, east, columns.size, increment=place["dx"])
    rows = {} if count == 2 * place["n"] else {"rows": [first, count]}
    description = {"n": place["n"], "ni": columns.size} | rows | described
    return Described("regular_gg", description, LATLON, (count, columns.size))


def _reduced_gg(grid: Grid, area: Area) -> Described | None:
    """Points of whole rows are numbered from Greenwich; edges are those of the outermost points, as MIR writes them."""
    place = grid.description
    if "size" in place and place["size"] != sum(place["pl"]):
        return _choose(grid, area)
    first, count = _rows_between(place, area)
    if not count:
        return None
    before = place["rows"][0] if "rows" in place else 0
    lengths = np.array(place["pl"][first - before : first - before + count], np.int64)
    west, span = eastwards(area[1], area[3] - area[1])
    start, number = points_between(lengths, west, span, _EDGE)
    size = int(number.sum())
    if not size:
        return None
    if size == lengths.sum() and count == 2 * place["n"]:
        return Described("reduced_gg", {"n": place["n"], "pl": lengths.tolist()}, VALUES, (size,))
    step, has = CIRCLE / lengths, number > 0
    start = np.where(number == lengths, 0, start)
    outer = [float((start * step)[has].min()), float(((start + number - 1) * step)[has].max())]
    edges = {name: snap(edge % CIRCLE, 1e-6) for name, edge in zip(("west", "east"), outer, strict=True)}
    description = {"n": place["n"], "pl": lengths.tolist(), "rows": [first, count], "size": size} | edges
    return Described("reduced_gg", description, VALUES, (size,))


def _choose(grid: Grid, area: Area) -> Described | None:
    """Keep the kind and name the area: for grids that are lists of points, or maps."""
    if len(grid.shape) == 2:
        return _map(grid, area)
    place = grid.description
    del place["kind"]
    if "area" in place:
        raise GridError(f"The grid {grid.label} is cut already.", hint="Cut the whole grid to the smaller area.")
    size = int(np.count_nonzero(is_inside(grid.points(), area)))
    description = place | {"area": [tidy(edge) for edge in area], "size": size}
    return Described(grid.kind, description, VALUES, (size,))


def _map(grid: Grid, area: Area) -> Described | None:
    from dtedask.geo.grids.maps import cut_map

    inside = is_inside(grid.points(), area).reshape(grid.shape)
    if not inside.any():
        return None
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    return cut_map(grid, (int(rows[0]), int(rows[-1])), (int(columns[0]), int(columns[-1])))


_CUTTERS: dict[str, Callable[[Grid, Area], Described | None]] = {
    "regular_ll": _regular_ll,
    "regular_gg": _regular_gg,
    "reduced_gg": _reduced_gg,
}
