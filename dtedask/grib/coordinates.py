"""Where the points of a field are on the Earth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtedask.geo import Grid
from dtedask.grib.field import Message
from dtedask.grib.handles import Handle

_LATITUDE = {"standard_name": "latitude", "long_name": "latitude", "units": "degrees_north"}
_LONGITUDE = {"standard_name": "longitude", "long_name": "longitude", "units": "degrees_east"}


@dataclass(frozen=True, slots=True)
class Coordinate:
    """A coordinate variable of a grid.

    Parameters
    ----------
    dims : tuple of str
        Its dimensions, of the grid's.
    values : numpy.ndarray of float64
        In our order of points.
    attrs : dict
        CF attributes.
    """

    dims: tuple[str, ...]
    values: NDArray[np.float64]
    attrs: dict[str, Any] = field(default_factory=dict)


def coordinates(message: Message) -> dict[str, Coordinate]:
    """Return the coordinates of a message's grid.

    Returns
    -------
    dict
        `latitude` and `longitude`: one-dimensional for regular grids, over the points for others; `y` and `x` as
        well where the grid has them. Empty when the message does not say where its points are, and for spherical
        harmonics.
    """
    grid = message.field.grid
    if grid.kind in ("sh", "unstructured"):
        return {}
    with Handle(message.read()) as handle:
        latitude, longitude = (
            message.field.order.apply(handle.array(key), dtype="float64") for key in ("latitudes", "longitudes")
        )
    return _named(grid, latitude, longitude)


def _named(grid: Grid, latitude: NDArray[Any], longitude: NDArray[Any]) -> dict[str, Coordinate]:
    if grid.dims != ("latitude", "longitude"):
        return {
            "latitude": Coordinate(grid.dims, latitude, dict(_LATITUDE)),
            "longitude": Coordinate(grid.dims, longitude, dict(_LONGITUDE)),
        }
    return {
        "latitude": Coordinate(("latitude",), latitude[:, 0].copy(), dict(_LATITUDE)),
        "longitude": Coordinate(("longitude",), longitude[0].copy(), dict(_LONGITUDE)),
    }
