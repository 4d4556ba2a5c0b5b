"""Read the grid of a message, and how its points stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dtedask.core.errors import GribUnsupportedError
from dtedask.geo import Grid, PointOrder, ScanMode
from dtedask.geo.grids.points import MOVED_KINDS, base_kind
from dtedask.geo.grids.unstructured import NOT_IN_THE_MESSAGE
from dtedask.grib.angles import columns, degrees, read_scan_mode, rows, tidy
from dtedask.grib.handles import Handle
from dtedask.grib.projected import lambert, lambert_azimuthal, mercator, polar_stereographic, space_view

_ROW_TOLERANCE = 0.3
_MOST_GAUSSIAN = 20_000
_Read = Callable[[Handle], tuple[Grid, PointOrder]]


def read_grid(handle: Handle) -> tuple[Grid, PointOrder]:
    """Return the grid of a message in canonical form, and the order of the message's points.

    Raises
    ------
    GribUnsupportedError
        If the description contradicts itself or the number of values.
    """
    kind = handle.text("gridType", "unknown")
    grid, order = _READERS.get(kind, _other)(handle)
    points = handle.integer("numberOfDataPoints", grid.size)
    if kind != "sh" and points != grid.size:
        raise GribUnsupportedError(
            f"The grid {grid.label} has {grid.size} points but the message says {points}.",
            hint="The grid section is damaged: fetch the message again.",
        )
    return grid, order


def _latlon(handle: Handle) -> tuple[dict[str, Any], PointOrder]:
    shape = (handle.need("Nj"), handle.need("Ni"))
    mode = read_scan_mode(handle)
    described, roll = columns(handle, mode, shape[1])
    return described | rows(handle, mode, shape[0]), mode.order(shape, roll=roll)


def _regular_ll(handle: Handle) -> tuple[Grid, PointOrder]:
    description, order = _latlon(handle)
    nj, ni = order.shape
    described = description | {"ni": ni, "nj": nj}
    return Grid.of("regular_ll", described, ("latitude", "longitude"), order.shape), order


def _gaussian_rows(handle: Handle, mode: ScanMode, number: int, count: int) -> dict[str, Any]:
    """Nothing for a global grid, else the first row (from the north) and how many follow."""
    if count == 2 * number:
        return {}
    key = "latitudeOfLastGridPointInDegrees" if mode.rows_reversed else "latitudeOfFirstGridPointInDegrees"
    latitude = handle.need(key, float)
    row = (90.0 - latitude) * (2 * number + 0.5) / 180.0 - 0.75  # the zeros of a Legendre polynomial, to 2 % of a row
    first = round(row)
    if abs(row - first) > _ROW_TOLERANCE or not 0 <= first <= 2 * number - count:
        raise GribUnsupportedError(
            f"Latitude {latitude} is no row of the Gaussian grid {number}, or {count} rows do not fit.",
            hint="The grid section is damaged: fetch the message again.",
        )
    return {"rows": [first, count]}


def _regular_gg(handle: Handle) -> tuple[Grid, PointOrder]:
    shape = (handle.need("Nj"), handle.need("Ni"))
    number, mode = _gaussian_number(handle), read_scan_mode(handle)
    described, roll = columns(handle, mode, shape[1])
    description = {"n": number, "ni": shape[1]} | _gaussian_rows(handle, mode, number, shape[0]) | described
    return Grid.of("regular_gg", description, ("latitude", "longitude"), shape), mode.order(shape, roll=roll)


def _gaussian_number(handle: Handle) -> int:
    number: int = handle.need("N")
    if not 0 < number <= _MOST_GAUSSIAN:
        raise GribUnsupportedError(f"The Gaussian number {number} is impossible.", hint="The grid section is damaged.")
    return number


def _row_lengths(handle: Handle, mode: ScanMode) -> list[int]:
    lengths = [int(length) for length in handle.array("pl", int)]
    if not lengths or min(lengths) < 1:
        raise GribUnsupportedError(
            "A row of the reduced grid has no points.", hint="The grid section is damaged: fetch the message again."
        )
    return lengths[::-1] if mode.rows_reversed else lengths


def _reduced_gg(handle: Handle) -> tuple[Grid, PointOrder]:
    number, mode = _gaussian_number(handle), read_scan_mode(handle)
    lengths = _row_lengths(handle, mode)
    description: dict[str, Any] = {"n": number, "pl": lengths}
    size = sum(lengths)
    points = handle.integer("numberOfDataPoints", size)
    if points != size or len(lengths) != 2 * number:
        west, east = (degrees(handle, f"longitudeOf{end}GridPointInDegrees") for end in ("First", "Last"))
        description |= _gaussian_rows(handle, mode, number, len(lengths)) or {"rows": [0, len(lengths)]}
        description |= {"west": west, "east": east, "size": points}
        size = points
    return _reduced("reduced_gg", description, size, lengths, mode)


def _reduced_ll(handle: Handle) -> tuple[Grid, PointOrder]:
    mode = read_scan_mode(handle)
    lengths = _row_lengths(handle, mode)
    west, east = (degrees(handle, f"longitudeOf{end}GridPointInDegrees") for end in ("First", "Last"))
    description = {"pl": lengths, "west": west, "east": east} | rows(handle, mode, len(lengths))
    return _reduced("reduced_ll", description, sum(lengths), lengths, mode)


def _reduced(
    kind: str, description: dict[str, Any], size: int, lengths: list[int], mode: ScanMode
) -> tuple[Grid, PointOrder]:
    grid = Grid.of(kind, description, ("values",), (size,))
    if mode.is_usual:
        return grid, PointOrder((size,))
    if mode.rows_fastest or size != sum(lengths):
        raise GribUnsupportedError(
            f"The scan order of this {kind} grid is not known.", hint="Bring it to the usual order with grib_set."
        )
    return grid, mode.order((size,), row_lengths=tuple(lengths))


def _moved(handle: Handle) -> tuple[Grid, PointOrder]:
    """A grid that is stretched or whose pole is turned away: as the one that it is made of, and how it is moved."""
    kind = handle.text("gridType")
    grid, order = _READERS[base_kind(kind)](handle)
    description = grid.description
    del description["kind"]
    if "rotated" in kind:
        description |= {
            "south_pole_latitude": degrees(handle, "latitudeOfSouthernPoleInDegrees"),
            "south_pole_longitude": degrees(handle, "longitudeOfSouthernPoleInDegrees") % 360.0,
            "angle": tidy(handle.get("angleOfRotationInDegrees", float, 0.0)),
        }
    if "stretched" in kind:
        description |= {
            "stretching_factor": tidy(handle.need("stretchingFactor", float)),
            "stretching_pole_latitude": degrees(handle, "latitudeOfStretchingPoleInDegrees"),
            "stretching_pole_longitude": degrees(handle, "longitudeOfStretchingPoleInDegrees") % 360.0,
        }
    return Grid.of(kind, description, ("y", "x") if len(grid.shape) == 2 else grid.dims, grid.shape), order


def _healpix(handle: Handle) -> tuple[Grid, PointOrder]:
    nside, ordering = handle.need("Nside"), handle.text("orderingConvention", "ring")
    description: dict[str, Any] = {"nside": nside, "ordering": ordering}
    first = handle.get("longitudeOfFirstGridPointInDegrees", float, 45.0)
    if first != 45.0:
        description["first_longitude"] = tidy(first)
    size = 12 * nside * nside
    return Grid.of("healpix", description, ("values",), (size,)), PointOrder((size,))


def _unstructured(handle: Handle) -> tuple[Grid, PointOrder]:
    size = handle.need("numberOfDataPoints")
    description = {
        "number": handle.integer("numberOfGridUsed"),
        "reference": handle.integer("numberOfGridInReference"),
        "uuid": handle.text("uuidOfHGrid"),
        "size": size,
        "coordinates": NOT_IN_THE_MESSAGE,
    }
    return Grid.of("unstructured", description, ("values",), (size,)), PointOrder((size,))


def _spectral(handle: Handle) -> tuple[Grid, PointOrder]:
    bounds = [handle.need(key) for key in ("J", "K", "M")]
    if len(set(bounds)) > 1:
        raise GribUnsupportedError(
            f"Spherical harmonics with J, K, M = {bounds} are not triangular.", hint="Only J = K = M is supported."
        )
    size = (bounds[0] + 1) * (bounds[0] + 2)
    return Grid.of("sh", {"truncation": bounds[0]}, ("values",), (size,)), PointOrder((size,))


def _other(handle: Handle) -> tuple[Grid, PointOrder]:
    """Any other grid: told apart by what ecCodes says of it, with its points where ecCodes knows them."""
    description = {key: value for key, value in handle.namespace("geography") if key != "gridType"}
    kind = handle.text("gridType", "unknown").replace("/", "_")
    across, down = handle.get("Nx", int) or handle.get("Ni", int), handle.get("Ny", int) or handle.get("Nj", int)
    points = handle.need("numberOfDataPoints")
    if not across or not down or across * down != points:
        return Grid.of(kind, description | {"size": points}, ("values",), (points,)), PointOrder((points,))
    shape = (down, across)
    return Grid.of(kind, description, ("y", "x"), shape), read_scan_mode(handle).order(shape)


_READERS: dict[str, _Read] = {
    "regular_ll": _regular_ll,
    "regular_gg": _regular_gg,
    "reduced_gg": _reduced_gg,
    "reduced_ll": _reduced_ll,
    "healpix": _healpix,
    "unstructured_grid": _unstructured,
    "sh": _spectral,
    "lambert": lambert,
    "polar_stereographic": polar_stereographic,
    "mercator": mercator,
    "lambert_azimuthal_equal_area": lambert_azimuthal,
    "space_view": space_view,
}
_READERS.update(dict.fromkeys(MOVED_KINDS, _moved))
