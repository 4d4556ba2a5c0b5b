"""The points of a grid that lie in an area, as a grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import FieldError, GridError
from dtedask.geo.area import Area, read_area
from dtedask.geo.grids.angles import CIRCLE, columns_between, snap, tidy
from dtedask.geo.grids.described import LATLON, PLANE, VALUES, Described
from dtedask.geo.grids.gaussian_rows import eastwards, latitudes_of, points_between

if TYPE_CHECKING:
    from dtedask.geo.grid import Grid
    from dtedask.geo.grids.rows import Points

_EDGE = 1e-6  # degrees that points may lie outside
_TURNED = ("south_pole_latitude", "south_pole_longitude", "angle")
_STRETCHED = ("stretching_factor", "stretching_pole_latitude", "stretching_pole_longitude")


class Cut(NamedTuple):
    """Some points of a grid, as a grid.

    Parameters
    ----------
    described : Described
        The grid that they are.
    places : numpy.ndarray of int64
        Where its points stand in the other grid, in its order.
    """

    described: Described
    places: NDArray[np.int64]


def cut(grid: Grid, area: Sequence[float]) -> Cut:
    """Find the points of a grid that lie in an area, edges included; those of turned grids in their own system.

    Regular and Gaussian grids stay of their kind, maps become the smallest rectangle that holds all points in the area;
    of all others a grid of the kind `part` is made, in the order of the whole one.

    Raises
    ------
    GridError
        If no point lies in it.
    """
    from dtedask.geo.grids.points import base_kind

    edges = read_area(area)
    find = _CUTTERS.get(base_kind(grid.kind), _choose)
    found = find(grid, edges)
    if found is None or not found.places.size:
        raise GridError(
            f"No point of the grid {grid.label} lies in the area {'/'.join(f'{edge:g}' for edge in area)}.",
            hint="An area is north/west/south/east.",
        )
    described = found.described
    if described.kind in (grid.kind, "part"):
        return found
    place = grid.description
    moved = {key: place[key] for key in (*_TURNED, *_STRETCHED) if key in place}
    dims = PLANE if described.dims == LATLON else described.dims
    return Cut(Described(grid.kind, described.description | moved, dims, described.shape), found.places)


def is_inside(points: Points, area: Area) -> NDArray[np.bool_]:
    """Which points lie in an area that `read_area` has read, edges included."""
    north, west, south, east = area
    is_between = (points.latitude <= north + _EDGE) & (points.latitude >= south - _EDGE)
    from_west = (points.longitude - west + _EDGE) % CIRCLE
    inside: NDArray[np.bool_] = is_between & (from_west <= east - west + 2 * _EDGE)
    return inside


def _regular_ll(grid: Grid, area: Area) -> Cut | None:
    from dtedask.geo.grid import Grid as Regular
    from dtedask.geo.subset import subset

    place = grid.description
    plain = {key: place[key] for key in ("north", "south", "west", "east", "dx", "dy", "ni", "nj", "periodic")}
    try:
        found = subset(Regular.of("regular_ll", plain, LATLON, (plain["nj"], plain["ni"])), area=area)
    except FieldError:
        return None
    description = found.grid.description
    del description["kind"]
    for step, count in (("dx", "ni"), ("dy", "nj")):
        description[step] = description[step] if description[count] > 1 else place[step]
    described = Described("regular_ll", description, LATLON, found.grid.shape)
    return Cut(described, _crossed(found.rows, found.columns, plain["ni"]))


def _crossed(rows: NDArray[np.int64], columns: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Places of the points on some rows and columns of a table with rows of `length` points."""
    found: NDArray[np.int64] = (rows.astype(np.int64)[:, None] * length + columns).ravel()
    return found


def _rows_between(place: dict[str, Any], area: Area) -> tuple[int, int]:
    """The first row, counted in the whole Gaussian grid, and how many."""
    latitude = latitudes_of(place)
    rows = np.flatnonzero((latitude <= area[0] + _EDGE) & (latitude >= area[2] - _EDGE))
    before = place["rows"][0] if "rows" in place else 0
    return (before + int(rows[0]), rows.size) if rows.size else (0, 0)


def _regular_gg(grid: Grid, area: Area) -> Cut | None:
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
    edges, _ = columns_between(west, east, columns.size, increment=place["dx"])
    part = {} if count == 2 * place["n"] else {"rows": [first, count]}
    description = {"n": place["n"], "ni": columns.size} | part | edges
    before = place["rows"][0] if "rows" in place else 0
    rows_there = np.arange(first - before, first - before + count)
    described = Described("regular_gg", description, LATLON, (count, columns.size))
    return Cut(described, _crossed(rows_there, columns, place["ni"]))


def _reduced_gg(grid: Grid, area: Area) -> Cut | None:
    """Edges are those of the outermost points, as MIR writes them; rows that are all whole begin at Greenwich."""
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
    if (number == lengths).all():
        start = np.zeros_like(start)
    places = _along_rows(np.array(place["pl"], np.int64), first - before, start, number)
    if size == lengths.sum() and count == 2 * place["n"]:
        return Cut(Described("reduced_gg", {"n": place["n"], "pl": lengths.tolist()}, VALUES, (size,)), places)
    step, has = CIRCLE / lengths, number > 0
    outer = [float((start * step)[has].min()), float(((start + number - 1) * step)[has].max())]
    edges = {name: snap(edge % CIRCLE, 1e-6) for name, edge in zip(("west", "east"), outer, strict=True)}
    description = {"n": place["n"], "pl": lengths.tolist(), "rows": [first, count], "size": size} | edges
    return Cut(Described("reduced_gg", description, VALUES, (size,)), places)


def _along_rows(
    lengths: NDArray[np.int64], row: int, start: NDArray[np.int64], number: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Places of `number` points of each row from the given `row` on, beginning at column `start`, around the globe."""
    before = (np.cumsum(lengths) - lengths)[row : row + number.size]
    column = np.arange(int(number.sum())) - np.repeat(np.cumsum(number) - number, number)
    around = np.repeat(lengths[row : row + number.size], number)
    found: NDArray[np.int64] = np.repeat(before, number) + (np.repeat(start, number) + column) % around
    return found


def _choose(grid: Grid, area: Area) -> Cut | None:
    """Name the whole grid and the area: for grids that are lists of points; of maps, a smaller map."""
    if len(grid.shape) == 2:
        return _map(grid, area)
    if grid.kind == "part":
        raise GridError(f"The grid {grid.label} is cut already.", hint="Cut the whole grid to the smaller area.")
    places = np.flatnonzero(is_inside(grid.points(), area)).astype(np.int64)
    description = {"of": grid.description, "area": [tidy(edge) for edge in area], "size": places.size}
    return Cut(Described("part", description, VALUES, (places.size,)), places)


def _map(grid: Grid, area: Area) -> Cut | None:
    from dtedask.geo.grids.maps import cut_map

    inside = is_inside(grid.points(), area).reshape(grid.shape)
    if not inside.any():
        return None
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    described = cut_map(grid, (int(rows[0]), int(rows[-1])), (int(columns[0]), int(columns[-1])))
    rows, columns = (np.arange(one[0], one[-1] + 1) for one in (rows, columns))
    return Cut(described, _crossed(rows, columns, grid.shape[1]))


_CUTTERS: dict[str, Callable[[Grid, Area], Cut | None]] = {
    "regular_ll": _regular_ll,
    "regular_gg": _regular_gg,
    "reduced_gg": _reduced_gg,
}
