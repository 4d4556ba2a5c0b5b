"""The rows of a source grid as kernels take them, in the frame in which they are straight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.grids.maps import KINDS, plane
from dtedask.geo.grids.placing import is_rotated
from dtedask.geo.grids.points import own_rows
from dtedask.geo.projection import project

if TYPE_CHECKING:
    from dtedask.geo.grid import Grid
    from dtedask.geo.grids.rows import Rows

_Array = NDArray[np.float64]
_POLE = 90.0
_NOISE = 1e-9
_REACH = 1.25  # of the distance between rows; Gaussian rows begin 0.75 from the pole, without the first 1.75


NORTH, SOUTH = -2, -3
"""Columns that stand for the poles."""

RowTable = NDArray[np.void]
"""One record of `ROW` for each row, from north to south."""

ROW = np.dtype(
    [
        ("latitude", "f8"),  # degrees; metres on a plane
        ("sine", "f8"),  # of the latitude; not used on a plane
        ("cosine", "f8"),  # exactly 0 at the poles
        ("first", "i8"),  # index of the first point
        ("count", "i8"),
        ("west", "f8"),  # place of the first point, degrees or metres
        ("step", "f8"),  # to the next point
        ("circle", "f8"),  # 360, or 0 on a plane
        ("is_periodic", "?"),  # whether the row goes around the globe
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Rows of a grid, the way into their frame, and where their points stand in the grid.

    Parameters
    ----------
    rows : numpy.ndarray of ROW, shape (rows,)
        In the frame.
    has_north, has_south : bool
        Whether the grid covers the pole: all of its rows go around the globe, and the outermost is about as near
        to the pole as to its neighbour.
    place : dict or None
        Description of the rotation or projection; None where the frame is that of the Earth.
    places : numpy.ndarray of int64, shape (size,) or None
        Index in the grid of each point of the rows; None where they are the same.
    """

    rows: RowTable
    has_north: bool = False
    has_south: bool = False
    place: dict[str, Any] | None = None
    places: NDArray[np.int64] | None = None

    def enter(self, latitude: _Array, longitude: _Array) -> tuple[_Array, _Array]:
        """Give the places of points in the frame: degrees, or y and x in metres."""
        if self.place is None:
            return latitude, longitude
        if self.place["kind"] not in KINDS:
            return _into_own(self.place, latitude, longitude)
        x, y = project(self.place, latitude, longitude)
        return np.ascontiguousarray(y), np.ascontiguousarray(x)


def frame_of(grid: Grid) -> Frame | None:
    """Find the frame in which a grid has rows; None for grids that have none in any."""
    if grid.kind in KINDS:
        return Frame(_plane(grid), place=grid.description)
    if grid.kind == "healpix" and grid.description["ordering"] == "nested":
        from dtedask.geo.healpix import places_of, reordered

        rows = reordered(grid, "ring").structure()
        assert rows is not None
        return _on_sphere(rows, places=places_of(grid.description["nside"], "ring"))
    place = grid.description
    rows = own_rows(place)
    return None if rows is None else _on_sphere(rows, place=place if is_rotated(place) else None)


def _on_sphere(rows: Rows, *, place: dict[str, Any] | None = None, places: NDArray[np.int64] | None = None) -> Frame:
    latitude = np.asarray(rows.latitude, np.float64)
    table = np.empty(len(latitude), ROW)
    table["latitude"] = latitude
    table["sine"] = np.sin(np.deg2rad(latitude))
    table["cosine"] = np.where(_POLE - np.abs(latitude) < _NOISE, 0.0, np.cos(np.deg2rad(latitude)))
    for name in ("first", "count", "west", "step", "is_periodic"):
        table[name] = getattr(rows, name)
    table["circle"] = 360.0
    goes_around = bool(np.all(rows.is_periodic))
    between = -np.diff(latitude) if len(latitude) > 1 else np.array([2 * _POLE])
    has_north = goes_around and bool(_POLE - latitude[0] <= _REACH * between[0])
    has_south = goes_around and bool(latitude[-1] + _POLE <= _REACH * between[-1])
    return Frame(table, has_north, has_south, place, places)


def rotate(place: dict[str, Any], latitude: _Array, longitude: _Array) -> tuple[_Array, _Array]:
    """Give the places of points in a system whose south pole is a given one, turned by an angle; undoes `unrotate`."""
    phi, lam = np.deg2rad(latitude), np.deg2rad(longitude - place["south_pole_longitude"])
    tilt = np.deg2rad(_POLE + place["south_pole_latitude"])
    x, y, z = np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)
    along, up = np.cos(tilt) * x + np.sin(tilt) * z, np.cos(tilt) * z - np.sin(tilt) * x
    turned = np.rad2deg(np.arctan2(y, along)) + place["angle"]
    return np.rad2deg(np.arctan2(up, np.hypot(along, y))), turned


def _into_own(place: dict[str, Any], latitude: _Array, longitude: _Array) -> tuple[_Array, _Array]:
    """Give the places of points in the system of a grid that is turned, or stretched around a pole of its own."""
    if "south_pole_latitude" in place:
        latitude, longitude = rotate(place, latitude, longitude)
    if "stretching_factor" in place and place["stretching_pole_latitude"] != _POLE:
        pole = {
            "south_pole_latitude": -place["stretching_pole_latitude"],
            "south_pole_longitude": place["stretching_pole_longitude"] + 180.0,
            "angle": 0.0,
        }
        latitude, longitude = rotate(pole, latitude, longitude)
    return latitude, longitude


def _plane(grid: Grid) -> RowTable:
    y, x = plane(grid.description)
    table = np.zeros(len(y), ROW)
    table["latitude"], table["west"] = y, x[0]
    table["cosine"], table["count"] = 1.0, len(x)
    table["first"] = np.arange(len(y), dtype=np.int64) * len(x)
    table["step"] = x[1] - x[0] if len(x) > 1 else 1.0
    return table
