"""Where the points of a field are on the Earth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo import Grid, grid_mapping
from dtedask.geo.grids.maps import KINDS, plane
from dtedask.geo.grids.points import axes
from dtedask.grib.field import Message
from dtedask.grib.handles import Handle

_LATITUDE = {"standard_name": "latitude", "long_name": "latitude", "units": "degrees_north"}
_LONGITUDE = {"standard_name": "longitude", "long_name": "longitude", "units": "degrees_east"}
_PLACELESS = frozenset({"sh", "opaque"})
_AXES = ("latitude", "longitude")
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
        rotated grids have `y`, `x` and the CF grid mapping `crs` as well. Empty for unstructured grids whose
        coordinates nobody gave (`Grid.locate`), and for spherical harmonics.
    """
    grid = message.field.grid
    if grid.kind in _PLACELESS:
        return {}
    found = of_grid(grid)
    if found is not None or grid.kind == "unstructured":
        return found or {}
    with Handle(message.read()) as handle:
        latitude, longitude = handle.array("latitudes"), handle.array("longitudes")
    order = message.field.order
    return _over_points(grid, order.apply(latitude, dtype="float64"), order.apply(longitude, dtype="float64"))


def of_grid(grid: Grid) -> dict[str, Coordinate] | None:
    """Return the coordinates of a grid; None if only its messages know where its points are."""
    place = grid.description
    if grid.dims == ("latitude", "longitude") and grid.kind in ("regular_ll", "regular_gg"):
        return _axes(*axes(place))
    try:
        latitude, longitude = grid.points()
    except GridError:
        return None
    found = _over_points(grid, latitude.reshape(grid.shape), longitude.reshape(grid.shape))
    if grid.kind in KINDS:
        y_words, x_words = ({"standard_name": f"projection_{axis}_coordinate", "units": "m"} for axis in "yx")
        return _on_plane(grid, y_words, x_words, *plane(place)) | found
    if grid.dims == ("y", "x") and "south_pole_latitude" in place:
        y_words, x_words = ({"standard_name": f"grid_{name}", "units": "degrees"} for name in _AXES)
        return _on_plane(grid, y_words, x_words, *axes(place)) | found
    return found


def _over_points(grid: Grid, latitude: NDArray[Any], longitude: NDArray[Any]) -> dict[str, Coordinate]:
    return {
        "latitude": Coordinate(grid.dims, latitude, dict(_LATITUDE)),
        "longitude": Coordinate(grid.dims, longitude, dict(_LONGITUDE)),
    }


def _axes(latitude: _Array, longitude: _Array) -> dict[str, Coordinate]:
    return {
        "latitude": Coordinate(("latitude",), latitude, dict(_LATITUDE)),
        "longitude": Coordinate(("longitude",), longitude, dict(_LONGITUDE)),
    }


def _on_plane(
    grid: Grid, y_words: dict[str, str], x_words: dict[str, str], y: _Array, x: _Array
) -> dict[str, Coordinate]:
    return {
        "y": Coordinate(("y",), y, y_words | {"axis": "Y"}),
        "x": Coordinate(("x",), x, x_words | {"axis": "X"}),
        "crs": Coordinate((), np.array(0.0), grid_mapping(grid.description)),
    }
