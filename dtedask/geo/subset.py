"""Points of a regular grid that are a regular grid themselves: an area, or every n-th row and column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import FieldError
from dtedask.geo.area import Area
from dtedask.geo.grid import Grid
from dtedask.geo.regular import regular_latlon

_CIRCLE = 360.0
_TOLERANCE = 1e-4  # of the distance of two points


@dataclass(frozen=True, slots=True, eq=False)
class Subset:
    """Part of the points of a regular latitude-longitude grid.

    Parameters
    ----------
    grid : Grid
        The points, as a grid.
    latitude, longitude : numpy.ndarray
        Its axes.
    rows, columns : numpy.ndarray of int
        Where its rows and columns stand in the other grid.
    """

    grid: Grid
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]

    def take(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Copy the points out of an array of shape (..., rows, columns)."""
        return values[..., self.rows[:, None], self.columns]


def subset(grid: Grid, *, spacing: tuple[float, float] | None = None, area: Area | None = None) -> Subset:
    """Find the points of a regular latitude-longitude grid that are wanted; nothing is interpolated.

    Parameters
    ----------
    grid : Grid
        The grid, of the kind ``regular_ll``.
    spacing : tuple of float, optional
        Degrees between columns and between rows; points are then at multiples of them. By default those of the grid.
    area : tuple of float, optional
        North, west, south, east in degrees, the MARS order, edges included. By default the whole grid.

    Raises
    ------
    FieldError
        If the grid is of another kind, if no point lies in the area, or if points that are wanted are not in the grid.
    """
    if grid.kind != "regular_ll":
        raise FieldError(f"The points of the grid {grid.label} are not in rows and columns of equal distances.")
    said = grid.description
    latitude = np.linspace(said["north"], said["south"], int(said["nj"]))
    longitude = np.linspace(said["west"], said["east"], int(said["ni"]))
    of_rows, of_columns = np.full(latitude.shape, True), np.full(longitude.shape, True)
    if spacing is not None:
        of_columns = _multiples(grid, longitude, said["dx"], spacing[0])
        of_rows = _multiples(grid, latitude, said["dy"], spacing[1])
    if spacing is not None and said["periodic"] and not _divides(spacing[0], _CIRCLE):
        raise _not_there(grid, spacing[0])
    rows = np.flatnonzero(of_rows & between(latitude, said["dy"], area))
    columns, longitude = eastwards(longitude, of_columns, said["dx"], area)
    if not (rows.size and columns.size):
        wanted = "/".join(f"{edge:g}" for edge in area or ())
        raise FieldError(
            f"No point of the grid {grid.label} lies in the area {wanted}.", hint="An area is north/west/south/east."
        )
    return Subset(regular_latlon(latitude[rows], longitude), latitude[rows], longitude, rows, columns)


def _multiples(grid: Grid, axis: NDArray[np.float64], distance: float, spacing: float) -> NDArray[np.bool_]:
    """Which points of an axis are at multiples of a spacing; all multiples must be points."""
    if len(axis) > 1 and not _divides(distance, spacing):
        raise _not_there(grid, spacing)
    found: NDArray[np.bool_] = np.abs(axis - np.round(axis / spacing) * spacing) < _TOLERANCE * spacing
    if not found.any():
        raise _not_there(grid, spacing)
    return found


def _divides(distance: float, length: float) -> bool:
    times = length / distance
    return round(times) >= 1 and abs(times - round(times)) < _TOLERANCE


def _not_there(grid: Grid, spacing: float) -> FieldError:
    return FieldError(
        f"The grid {grid.label} does not have the points at all multiples of {spacing:g} degrees.",
        hint="Take a multiple of its own spacing.",
    )


def between(latitude: NDArray[np.float64], distance: float, area: Area | None) -> NDArray[np.bool_]:
    """Which of the latitudes, `distance` degrees apart, are in an area, edges included."""
    if area is None:
        return np.full(latitude.shape, True)
    edge = _TOLERANCE * distance
    return (latitude <= area[0] + edge) & (latitude >= area[2] - edge)


def eastwards(
    longitude: NDArray[np.float64], wanted: NDArray[np.bool_], distance: float, area: Area | None
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Columns in an area from west to east, and their longitudes: in [0, 360), or from west of 0 to east of it."""
    edge = max(_TOLERANCE * distance, 1e-9)
    everything = np.flatnonzero(wanted)
    if area is None or abs(area[3] - area[1]) > _CIRCLE - edge:
        return everything, longitude[everything]
    east_of_edge = (longitude - area[1] + edge) % _CIRCLE - edge
    inside = np.flatnonzero(wanted & (east_of_edge <= (area[3] - area[1]) % _CIRCLE + edge))
    if inside.size == everything.size:
        return everything, longitude[everything]
    found = inside[np.argsort(east_of_edge[inside])]
    places = area[1] + east_of_edge[found]
    if found.size:
        places -= np.floor((places[0] + edge) / _CIRCLE) * _CIRCLE
        places -= _CIRCLE if places[-1] > _CIRCLE - edge else 0.0
    return found, np.round(places, 9) + 0.0
