"""A grid from its latitudes and longitudes as axes: regular, or Gaussian."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import FieldError, GridError
from dtedask.geo.grid import Grid
from dtedask.geo.grids.angles import CIRCLE, columns_between, snap
from dtedask.geo.grids.described import LATLON
from dtedask.geo.grids.gaussian import gaussian_latitudes
from dtedask.geo.grids.latlon import rows_and_columns
from dtedask.geo.regular import regular_latlon

_Array = NDArray[np.floating]
_EVEN = 1e-4  # of a step


def grid_of_axes(latitude: _Array, longitude: _Array) -> Grid:
    """Tell the grid that two axes span.

    Parameters
    ----------
    latitude : numpy.ndarray, shape (rows,)
        Degrees, north to south.
    longitude : numpy.ndarray, shape (columns,)
        Degrees, west to east, equally far apart.

    Raises
    ------
    GridError
        If an axis runs backwards. Points that are neither equally far apart nor Gaussian make an unstructured grid.
    """
    if latitude.size > 1 and latitude[0] < latitude[-1]:
        raise GridError(
            "The rows of the field run from south to north.",
            hint="Sort it: field.isel(latitude=slice(None, None, -1)).",
        )
    resolution = resolution_of(latitude)
    found = gaussian_rows(latitude, resolution)
    if found is not None and _is_even(longitude) and _is_nearer(latitude, *found):
        return _gaussian(*found, longitude, resolution)
    if not (_is_even(latitude) and _is_even(longitude)):
        return Grid.unstructured(*(one.ravel() for one in np.meshgrid(latitude, longitude, indexing="ij")))
    try:
        plain = regular_latlon(latitude, longitude)
    except FieldError as error:
        raise GridError(error.message, hint="Longitudes run from west to east, equally far apart.") from error
    place = plain.description
    north, west, south, east = (snap(place[edge], resolution) for edge in ("north", "west", "south", "east"))
    _, roll = columns_between(west, east, place["ni"], increment=place["dx"], resolution=resolution)
    if roll or (place["periodic"] and west < 0):
        return plain
    shape = (latitude.size, longitude.size)
    return Grid.of(*rows_and_columns(north, west, south, east, shape, (place["dx"], place["dy"])))


def gaussian_rows(latitude: _Array, resolution: float) -> tuple[int, int, int] | None:
    """Find the Gaussian grid of which latitudes are rows: its number, the first row, and how many; else None."""
    count = latitude.size
    if count == 1:
        return None
    # rows are 180 / (2 N + 1/2) degrees apart, but for the first
    guess = round((180.0 * (count - 1) / abs(float(latitude[0] - latitude[-1])) - 0.5) / 2.0)
    for number in sorted(range(max(1, guess - 2), guess + 3), key=lambda one: (2 * one != count, abs(one - guess))):
        known = gaussian_latitudes(number)
        first = int(np.abs(known - latitude[0]).argmin())
        rows = known[first : first + count]
        if rows.size == count and np.abs(rows - latitude).max() <= max(resolution, 1e-5):
            return number, first, count
    return None


def _is_nearer(latitude: _Array, number: int, first: int, count: int) -> bool:
    """Whether rows are Gaussian rather than equally far apart, as some of the middle of a Gaussian grid nearly are."""
    even = np.linspace(float(latitude[0]), float(latitude[-1]), count)
    rows = gaussian_latitudes(number)[first : first + count]
    return bool(np.abs(latitude - rows).max() < 0.5 * np.abs(latitude - even).max())


def resolution_of(values: _Array) -> float:
    """To how many degrees coordinates of a type are exact: single precision, or what GRIB holds."""
    return 3e-5 if values.dtype.itemsize <= 4 else 1e-6


def _gaussian(number: int, first: int, count: int, longitude: _Array, resolution: float) -> Grid:
    west, east = (snap(float(one), resolution) for one in (longitude[0], longitude[-1]))
    step = (east - west) / (longitude.size - 1) if longitude.size > 1 else 0.0
    columns, roll = columns_between(west, east, longitude.size, increment=step, resolution=resolution)
    if roll:
        columns |= {"west": west, "east": east}
    rows = {} if count == 2 * number else {"rows": [first, count]}
    description = {"n": number, "ni": longitude.size} | rows | columns
    return Grid.of("regular_gg", description, LATLON, (count, longitude.size))


def _is_even(axis: _Array) -> bool:
    steps = np.diff(axis.astype(np.float64))
    step = (float(axis[-1]) - float(axis[0])) / max(len(steps), 1)
    return bool(len(steps) == 0 or np.abs(steps - step).max() <= max(abs(step) * _EVEN, resolution_of(axis))) and (
        abs(step) <= CIRCLE
    )
