"""Where the points of a field are on the Earth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtedask.geo import Grid, grid_mapping, project, unproject, unrotate
from dtedask.grib.field import Message
from dtedask.grib.gaussian import gaussian_latitudes
from dtedask.grib.handles import Handle

_LATITUDE = {"standard_name": "latitude", "long_name": "latitude", "units": "degrees_north"}
_LONGITUDE = {"standard_name": "longitude", "long_name": "longitude", "units": "degrees_east"}
_PLACELESS = frozenset({"sh", "unstructured"})
_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Coordinate:
    """A coordinate variable of a grid.

    Parameters
    ----------
    dims : tuple of str
        Its dimensions, of the grid's; none for `crs`.
    values : numpy.ndarray of float64
        In our order of points.
    attrs : dict
        CF attributes.
    """

    dims: tuple[str, ...]
    values: _Array
    attrs: dict[str, Any] = field(default_factory=dict)


def coordinates(message: Message) -> dict[str, Coordinate]:
    """Return the coordinates of a message's grid.

    They follow from the grid alone: messages of one grid have the same, whatever their edition and scan order.

    Returns
    -------
    dict
        `latitude` and `longitude`: one-dimensional for regular grids, over the points for others. Projected and
        rotated grids have `y`, `x` and the CF grid mapping `crs` as well. Empty when the message does not say where
        its points are (unstructured grids), and for spherical harmonics.
    """
    grid = message.field.grid
    if grid.kind in _PLACELESS:
        return {}
    if grid.kind in _FROM_GRID and not (grid.kind == "reduced_gg" and "rows" in grid.description):
        return _FROM_GRID[grid.kind](grid)
    with Handle(message.read()) as handle:
        latitude, longitude = handle.array("latitudes"), handle.array("longitudes")
    order = message.field.order
    return _over_points(grid, order.apply(latitude, dtype="float64"), order.apply(longitude, dtype="float64"))


def _over_points(grid: Grid, latitude: NDArray[Any], longitude: NDArray[Any]) -> dict[str, Coordinate]:
    return {
        "latitude": Coordinate(grid.dims, latitude, dict(_LATITUDE)),
        "longitude": Coordinate(grid.dims, longitude, dict(_LONGITUDE)),
    }


def _regular_ll(grid: Grid) -> dict[str, Coordinate]:
    place = grid.description
    return _axes(_line(place["north"], place["south"], place["nj"]), _line(place["west"], place["east"], place["ni"]))


def _regular_gg(grid: Grid) -> dict[str, Coordinate]:
    place = grid.description
    first, count = place.get("rows", (0, 2 * place["n"]))
    latitude = gaussian_latitudes(place["n"])[first : first + count]
    return _axes(latitude, _line(place["west"], place["east"], place["ni"]))


def _axes(latitude: _Array, longitude: _Array) -> dict[str, Coordinate]:
    return {
        "latitude": Coordinate(("latitude",), latitude, dict(_LATITUDE)),
        "longitude": Coordinate(("longitude",), longitude, dict(_LONGITUDE)),
    }


def _reduced_gg(grid: Grid) -> dict[str, Coordinate]:
    lengths = np.array(grid.description["pl"])
    latitude = np.repeat(gaussian_latitudes(grid.description["n"]), lengths)
    longitude = np.concatenate([np.arange(length) * (360.0 / length) for length in lengths])
    return _over_points(grid, latitude, longitude)


def _rotated_ll(grid: Grid) -> dict[str, Coordinate]:
    place = grid.description
    y, x = _line(place["north"], place["south"], place["nj"]), _line(place["west"], place["east"], place["ni"])
    latitude, longitude = unrotate(place, *np.meshgrid(y, x, indexing="ij"))
    words = {"units": "degrees"}
    return _on_plane(
        grid, {"standard_name": "grid_latitude"} | words, {"standard_name": "grid_longitude"} | words, y, x
    ) | (_over_points(grid, latitude, longitude))


def _projected(grid: Grid) -> dict[str, Coordinate]:
    place = grid.description
    west, south = (float(value) for value in project(place, place["southwest_latitude"], place["southwest_longitude"]))
    x, y = west + np.arange(place["nx"]) * place["dx"], south + np.arange(place["ny"])[::-1] * place["dy"]
    latitude, longitude = unproject(place, *np.meshgrid(x, y))
    y_words, x_words = ({"standard_name": f"projection_{axis}_coordinate", "units": "m"} for axis in "yx")
    return _on_plane(grid, y_words, x_words, y, x) | _over_points(grid, latitude, longitude)


def _on_plane(
    grid: Grid, y_words: dict[str, str], x_words: dict[str, str], y: _Array, x: _Array
) -> dict[str, Coordinate]:
    return {
        "y": Coordinate(("y",), y, y_words | {"axis": "Y"}),
        "x": Coordinate(("x",), x, x_words | {"axis": "X"}),
        "crs": Coordinate((), np.array(0.0), grid_mapping(grid.description)),
    }


def _line(first: float, last: float, count: int) -> _Array:
    return np.round(np.linspace(first, last, count), 9) + 0.0


_FROM_GRID: dict[str, Callable[[Grid], dict[str, Coordinate]]] = {
    "regular_ll": _regular_ll,
    "regular_gg": _regular_gg,
    "reduced_gg": _reduced_gg,
    "rotated_ll": _rotated_ll,
    "lambert": _projected,
    "polar_stereographic": _projected,
    "mercator": _projected,
}
