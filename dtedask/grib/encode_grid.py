"""Write a grid into the grid section of a GRIB2 message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GribUnsupportedError
from dtedask.geo import Grid
from dtedask.geo.grids.gaussian import gaussian_latitudes
from dtedask.geo.grids.points import MOVED_KINDS, base_kind
from dtedask.grib.handles import Handle

_FIRST = "OfFirstGridPointInDegrees"
_LAST = "OfLastGridPointInDegrees"


def write_grid(handle: Handle, grid: Grid) -> None:
    """Set the keys of a grid; rows run north to south, except those of projected grids.

    Raises
    ------
    GribUnsupportedError
        If GRIB2 or ecCodes has no way to write it.
    """
    if grid.kind not in _WRITERS:
        raise GribUnsupportedError(
            f"A grid of kind '{grid.kind}' cannot be encoded.", hint="Regrid it, or keep the original messages."
        )
    _WRITERS[grid.kind](handle, grid.description)


def message_order(values: NDArray[Any], grid: Grid) -> NDArray[Any]:
    """Return values in the order in which `write_grid` says they are: projected grids run south to north."""
    return values[::-1] if grid.kind in _PROJECTED else values


def _set(handle: Handle, keys: dict[str, Any]) -> None:
    for key, value in keys.items():
        handle.set(key, value)


def _regular_ll(handle: Handle, place: dict[str, Any], kind: str = "regular_ll") -> None:
    _set(handle, {"gridType": kind, "Ni": place["ni"], "Nj": place["nj"]} | _corners(place))
    _set(handle, {"iDirectionIncrementInDegrees": place["dx"], "jDirectionIncrementInDegrees": place["dy"]})


def _corners(place: dict[str, Any]) -> dict[str, float]:
    return {
        f"latitude{_FIRST}": place["north"],
        f"longitude{_FIRST}": place["west"] % 360.0,
        f"latitude{_LAST}": place["south"],
        f"longitude{_LAST}": place["east"] % 360.0,
    }


def _gaussian_edges(place: dict[str, Any]) -> dict[str, float]:
    first, count = place.get("rows", (0, 2 * place["n"]))
    latitudes = gaussian_latitudes(place["n"])
    return {f"latitude{_FIRST}": float(latitudes[first]), f"latitude{_LAST}": float(latitudes[first + count - 1])}


def _regular_gg(handle: Handle, place: dict[str, Any], kind: str = "regular_gg") -> None:
    count = place.get("rows", (0, 2 * place["n"]))[1]
    edges = _gaussian_edges(place) | {
        f"longitude{_FIRST}": place["west"] % 360.0,
        f"longitude{_LAST}": place["east"] % 360.0,
        "iDirectionIncrementInDegrees": place["dx"],
    }
    _set(handle, {"gridType": kind, "N": place["n"], "Ni": place["ni"], "Nj": count} | edges)


def _reduced_gg(handle: Handle, place: dict[str, Any], kind: str = "reduced_gg") -> None:
    lengths = np.array(place["pl"])
    _set(handle, {"gridType": kind, "N": place["n"], "Nj": len(lengths)} | _gaussian_edges(place))
    west, east = place.get("west", 0.0), place.get("east", 360.0 - 360.0 / float(lengths.max()))
    _set(handle, {f"longitude{_FIRST}": west, f"longitude{_LAST}": east, "pl": lengths})


def _moved(handle: Handle, place: dict[str, Any]) -> None:
    """A grid that is stretched or turned: the one that it is made of, and how it is moved."""
    kind = place["kind"]
    _BASES[base_kind(kind)](handle, place, kind)
    if "south_pole_latitude" in place:
        handle.set("latitudeOfSouthernPoleInDegrees", place["south_pole_latitude"])
        handle.set("longitudeOfSouthernPoleInDegrees", place["south_pole_longitude"])
        handle.set("angleOfRotationInDegrees", place["angle"])
    if "stretching_factor" in place:
        handle.set("latitudeOfThePoleOfStretching", round(place["stretching_pole_latitude"] * 1e6))
        handle.set("longitudeOfThePoleOfStretching", round(place["stretching_pole_longitude"] * 1e6))
        handle.set("stretchingFactorScaled", round(place["stretching_factor"] * 1e6))


def _healpix(handle: Handle, place: dict[str, Any]) -> None:
    _set(handle, {"gridType": "healpix", "Nside": place["nside"], "orderingConvention": place["ordering"]})
    handle.set(f"longitude{_FIRST}", place.get("first_longitude", 45.0))


def _spectral(handle: Handle, place: dict[str, Any]) -> None:
    _set(handle, {"gridType": "sh"} | dict.fromkeys(("J", "K", "M"), place["truncation"]))


def _unstructured(handle: Handle, place: dict[str, Any]) -> None:
    keys = {"numberOfGridUsed": place["number"], "numberOfGridInReference": place["reference"]}
    _set(handle, {"gridType": "unstructured_grid", "numberOfDataPoints": place["size"]} | keys)
    if place["uuid"]:
        handle.set("uuidOfHGrid", place["uuid"])


def _lambert(handle: Handle, place: dict[str, Any]) -> None:
    parallels = {f"Latin{number}InDegrees": place[f"latin{number}"] for number in (1, 2)}
    plane = {"LaDInDegrees": place["lad"], "LoVInDegrees": place["lov"]} | parallels
    _projected(handle, place, "lambert", plane | {"DxInMetres": place["dx"], "DyInMetres": place["dy"]})


def _polar_stereographic(handle: Handle, place: dict[str, Any]) -> None:
    plane = {"LaDInDegrees": place["lad"], "orientationOfTheGridInDegrees": place["lov"]}
    handle.set("gridType", "polar_stereographic")
    handle.set("projectionCentreFlag", 0 if place["lad"] >= 0 else 128)
    _projected(handle, place, "polar_stereographic", plane | {"DxInMetres": place["dx"], "DyInMetres": place["dy"]})


def _lambert_azimuthal(handle: Handle, place: dict[str, Any]) -> None:
    plane = {"standardParallelInDegrees": place["lad"], "centralLongitudeInDegrees": place["lov"]}
    steps = {"DxInMetres": place["dx"], "DyInMetres": place["dy"]}
    _projected(handle, place, "lambert_azimuthal_equal_area", plane | steps)


def _mercator(handle: Handle, place: dict[str, Any]) -> None:
    steps = {"DiInMetres": place["dx"], "DjInMetres": place["dy"]}
    _projected(handle, place, "mercator", {"LaDInDegrees": place["lad"]} | steps)


def _projected(handle: Handle, place: dict[str, Any], kind: str, plane: dict[str, Any]) -> None:
    _set(
        handle, {"gridType": kind, "Ni": place["nx"], "Nj": place["ny"], "jScansPositively": 1} | _earth(place) | plane
    )
    _set(handle, {f"latitude{_FIRST}": place["southwest_latitude"], f"longitude{_FIRST}": place["southwest_longitude"]})


def _earth(place: dict[str, Any]) -> dict[str, int]:
    known = {6367470.0: 0, 6371229.0: 6, 6371200.0: 8}
    major, minor = place["semi_major"], place["semi_minor"]
    if major == minor and major in known:
        return {"shapeOfTheEarth": known[major]}
    if major == minor:
        return _scaled("Radius", major) | {"shapeOfTheEarth": 1}
    return {"shapeOfTheEarth": 7} | _scaled("EarthMajorAxis", major) | _scaled("EarthMinorAxis", minor)


def _scaled(name: str, metres: float) -> dict[str, int]:
    place = "OfRadiusOfSphericalEarth" if name == "Radius" else f"Of{name}"
    return {f"scaleFactor{place}": 2, f"scaledValue{place}": round(metres * 100)}


_BASES: dict[str, Callable[[Handle, dict[str, Any], str], None]] = {
    "regular_ll": _regular_ll,
    "regular_gg": _regular_gg,
    "reduced_gg": _reduced_gg,
}
_PROJECTED = frozenset({"lambert", "lambert_azimuthal_equal_area", "polar_stereographic", "mercator"})
_WRITERS: dict[str, Callable[[Handle, dict[str, Any]], None]] = {
    "regular_ll": _regular_ll,
    "regular_gg": _regular_gg,
    "reduced_gg": _reduced_gg,
    "healpix": _healpix,
    "sh": _spectral,
    "unstructured": _unstructured,
    "lambert": _lambert,
    "polar_stereographic": _polar_stereographic,
    "mercator": _mercator,
    "lambert_azimuthal_equal_area": _lambert_azimuthal,
} | dict.fromkeys((kind for kind in MOVED_KINDS if base_kind(kind) in _BASES), _moved)
