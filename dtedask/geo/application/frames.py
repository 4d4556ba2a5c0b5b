"""Where east and north point at the points of a grid, as vectors in space."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError

if TYPE_CHECKING:
    from dtedask.geo.grid import Grid

Directions = Literal["north", "grid"]
"""What components of a wind count from: true east and north, or the directions of the columns and rows of the grid."""
_Array = NDArray[np.float64]


@lru_cache(8)
def frames(grid: Grid, directions: Directions) -> tuple[_Array, _Array]:
    """Return unit vectors along which the two components of a wind count.

    Parameters
    ----------
    grid : Grid
        Any grid whose points are known.
    directions : {"north", "grid"}
        ``grid`` is different for grids with a turned pole and for maps only.

    Returns
    -------
    east, north : numpy.ndarray of float64, shape (3, *grid.shape)
        Cartesian: x through Greenwich on the equator, z through the North Pole. At a pole they are those of the
        point's longitude. Not to be changed.

    Raises
    ------
    GridError
        If the grid does not say how its columns run.
    """
    made = _true(grid) if directions == "north" else _of_grid(grid)
    for vectors in made:
        vectors.flags.writeable = False
    return made


def _true(grid: Grid) -> tuple[_Array, _Array]:
    points = grid.points()
    return _at(points.latitude.reshape(grid.shape), points.longitude.reshape(grid.shape))


def _at(latitude: _Array, longitude: _Array) -> tuple[_Array, _Array]:
    """East is the derivative of the place by longitude, north by latitude, each of length 1."""
    height, turn = np.deg2rad(latitude), np.deg2rad(longitude)
    east = np.stack([-np.sin(turn), np.cos(turn), np.zeros_like(turn)])
    north = np.stack([-np.sin(height) * np.cos(turn), -np.sin(height) * np.sin(turn), np.cos(height)])
    return east, north


def _of_grid(grid: Grid) -> tuple[_Array, _Array]:
    place = grid.description
    if "south_pole_latitude" in place:
        return _turned(grid, place)
    if grid.structure() is not None:
        return _true(grid)
    if len(grid.shape) == 2 and min(grid.shape) > 2:
        return _on_map(grid)
    raise GridError(
        f"How the columns of the grid {grid.label} run is not known.", hint="Give winds towards east and north."
    )


def _turned(grid: Grid, place: Mapping[str, Any]) -> tuple[_Array, _Array]:
    """The directions in the grid's own system, turned as the grid is."""
    from dtedask.geo.grids.points import axes
    from dtedask.geo.projection import unrotate

    turn = _places(*unrotate(place, np.array([0.0, 0.0, 90.0]), np.array([0.0, 90.0, 0.0])))
    if grid.kind == "rotated_ll":
        latitude, longitude = np.meshgrid(*axes(dict(place)), indexing="ij")
    else:
        own = np.tensordot(turn.T, _places(*grid.points()), 1).reshape(3, *grid.shape)
        latitude, longitude = np.rad2deg(np.arcsin(np.clip(own[2], -1, 1))), np.rad2deg(np.arctan2(own[1], own[0]))
    east, north = (np.tensordot(turn, vectors, 1) for vectors in _at(latitude, longitude))
    return east, north


def _on_map(grid: Grid) -> tuple[_Array, _Array]:
    """East is where the next column lies, by differences of second order; north is at a right angle to it."""
    points = grid.points()
    here = _places(points.latitude, points.longitude).reshape(3, *grid.shape)
    along = np.gradient(here, axis=2, edge_order=2)
    along -= here * (here * along).sum(axis=0)
    east = along / np.sqrt((along * along).sum(axis=0))
    return east, np.cross(here, east, axis=0)


def _places(latitude: _Array, longitude: _Array) -> _Array:
    """Points of the unit sphere in space, shape (3, points)."""
    height, turn = np.deg2rad(latitude), np.deg2rad(longitude)
    return np.stack([np.cos(height) * np.cos(turn), np.cos(height) * np.sin(turn), np.sin(height)])
