"""Regular latitude-longitude grids from the distances of their points."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dtedask.core.errors import GridError
from dtedask.geo.area import Area, read_area
from dtedask.geo.grids.angles import CIRCLE, columns_between, exact, snap, tidy
from dtedask.geo.grids.described import LATLON, Described

_NOISE = 1e-6  # of a distance
_RESOLUTION = 1e-6
_GLOBE: Area = (90.0, 0.0, -90.0, CIRCLE)


def latlon(
    dx: float, dy: float, *, area: Sequence[float] | None = None, reference: tuple[float, float] | None = None
) -> Described:
    """Describe the regular latitude-longitude grid with the given distances, as MIR and eckit understand them.

    Parameters
    ----------
    dx, dy : float
        Degrees between columns and between rows.
    area : sequence of float, optional
        North, west, south, east; by default the globe. Its west and south edges are a column and a row, unless a
        reference is given; points stand inside it.
    reference : tuple of float, optional
        Longitude and latitude of a point of the grid; 0, 0 by default for the globe.

    Raises
    ------
    GridError
        If no point lies in the area, or the distances are impossible.
    """
    if not (0 < dx <= CIRCLE and 0 < dy <= 180.0):
        raise GridError(f"Distances of {dx:g} and {dy:g} degrees cannot be.", hint="They are more than 0.")
    dx, dy = exact(dx), exact(dy)
    north, west, south, east = _GLOBE if area is None else read_area(area)
    at = reference or ((west, south) if area is not None else (0.0, 0.0))
    south = at[1] + math.ceil((south - at[1]) / dy - _NOISE) * dy
    nj = math.floor((north - south) / dy + _NOISE) + 1
    west = at[0] + math.ceil((west - at[0]) / dx - _NOISE) * dx
    ni = math.floor((east - west) / dx + _NOISE) + 1
    if nj < 1 or ni < 1:
        raise GridError(
            f"No point of the grid {dx:g}/{dy:g} lies in the area {'/'.join(f'{edge:g}' for edge in area or ())}.",
            hint="An area is north/west/south/east, and its west and south edges are a column and a row.",
        )
    if ni > 1 and (ni - 1) * dx > CIRCLE - _NOISE:
        ni -= 1  # the east edge of the globe is its west edge
    return rows_and_columns(south + (nj - 1) * dy, west, south, west + (ni - 1) * dx, (nj, ni), (dx, dy))


def rows_and_columns(
    north: float, west: float, south: float, east: float, shape: tuple[int, int], steps: tuple[float, float]
) -> Described:
    """Describe rows from north to south and columns from west to east, edges included, as messages are read."""
    nj, ni = shape
    west, east = (snap(edge, _RESOLUTION) for edge in (west, east))
    described, _ = columns_between(west, east, ni, increment=steps[0])
    north, south = snap(north, _RESOLUTION), snap(south, _RESOLUTION)
    dy = tidy((north - south) / (nj - 1)) if nj > 1 else tidy(steps[1])
    description = described | {"north": north, "south": south, "dy": dy, "ni": ni, "nj": nj}
    return Described("regular_ll", description, LATLON, shape)


def global_latlon(ni: int, nj: int, *, is_shifted: tuple[bool, bool] = (False, False)) -> Described:
    """Describe a global grid by its numbers of columns and rows, as Atlas names them.

    Parameters
    ----------
    ni, nj : int
        Columns and rows.
    is_shifted : tuple of bool
        Whether columns begin half a step east of Greenwich (`Slon`), and rows half a step from the poles (`Slat`).
    """
    if ni < 1 or nj < 1 or (nj < 2 and not is_shifted[1]):
        raise GridError(f"A global grid of {ni} columns and {nj} rows cannot be.", hint="It has at least two rows.")
    dx = CIRCLE / ni
    dy = 180.0 / (nj if is_shifted[1] else nj - 1)
    west, edge = (dx / 2.0 if is_shifted[0] else 0.0), (dy / 2.0 if is_shifted[1] else 0.0)
    return rows_and_columns(90.0 - edge, west, edge - 90.0, west + CIRCLE - dx, (nj, ni), (dx, dy))
