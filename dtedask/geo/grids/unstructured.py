"""Unstructured grids: points in no order, of ICON, ORCA, FESOM and others, whose coordinates somebody gives.

Coordinates are kept by their digest in a folder that all workers should see, as a grid's description holds only the
digest; those of a grid that is known by a UUID, such as ICON's in GRIB, are found by that too.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dtedask.core.errors import GridError
from dtedask.geo.grids.described import VALUES, Described
from dtedask.geo.grids.rows import Points

NOT_IN_THE_MESSAGE = "not in the message: only the grid's number and UUID are"
"""What the description of a grid from a GRIB message says of its coordinates."""
_IN_MEMORY: dict[str, NDArray[np.float64]] = {}
_SETTING = "dtedask.geo.coordinates"


def unstructured(
    latitude: ArrayLike, longitude: ArrayLike, *, name: str = "", folder: str | os.PathLike[str] | None = None
) -> Described:
    """Describe a grid by its points, and keep them.

    Parameters
    ----------
    latitude, longitude : array-like, shape (size,)
        Degrees.
    name : str
        What the grid is called; a part of what it is.
    folder : path, optional
        Where coordinates are kept; by default the setting ``dtedask.geo.coordinates``.

    Raises
    ------
    GridError
        If the points are none, or cannot be kept.
    """
    points = _checked(latitude, longitude)
    digest = _digest(points)
    _keep(digest, points, folder_of(folder))
    description = {"coordinates": f"sha256:{digest}", "name": name, "size": points.shape[1]}
    return Described("unstructured", description, VALUES, (points.shape[1],))


def locate(
    place: Mapping[str, Any],
    latitude: ArrayLike,
    longitude: ArrayLike,
    *,
    folder: str | os.PathLike[str] | None = None,
) -> None:
    """Keep the coordinates of a grid that is known by its UUID.

    Raises
    ------
    GridError
        If the grid has none, another number of points, or other coordinates already.
    """
    points = _checked(latitude, longitude)
    if not place.get("uuid"):
        raise GridError("The grid has no UUID by which its coordinates could be found.", hint="Make it of its points.")
    if points.shape[1] != place["size"]:
        raise GridError(
            f"The grid {place['uuid']} has {place['size']} points and not {points.shape[1]}.",
            hint="Give the coordinates of its cells, or whatever its fields stand on.",
        )
    where = folder_of(folder)
    known = _read(str(place["uuid"]), where)
    if known is not None and not np.array_equal(known, points):
        raise GridError(
            f"The grid {place['uuid']} has other coordinates already.",
            hint=f"Remove {where / (place['uuid'] + '.npy')} if those are wrong.",
        )
    _keep(str(place["uuid"]), points, where)


def unstructured_points(place: Mapping[str, Any], *, folder: str | os.PathLike[str] | None = None) -> Points:
    """Return the points of an unstructured grid.

    Raises
    ------
    GridError
        If they are not known here.
    """
    where = folder_of(folder)
    said = str(place.get("coordinates", ""))
    keys = [said.removeprefix("sha256:") if said.startswith("sha256:") else "", str(place.get("uuid") or "")]
    for key in filter(None, keys):
        found = _read(key, where)
        if found is not None and found.shape[1] == place.get("size", found.shape[1]):
            return Points(found[0], found[1])
    name = place.get("name") or place.get("uuid") or "without a name"
    raise GridError(
        f"The coordinates of the unstructured grid {name} ({place.get('size', '?')} points) are not known here.",
        hint="Give them once: Grid.unstructured(latitude, longitude), or grid.locate(latitude, longitude) for the grid "
        f"of a GRIB message. They are looked for in {where} (setting {_SETTING}).",
    )


def folder_of(folder: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of coordinates: the one given, that of the setting, or one in the user's cache."""
    if folder is not None:
        return Path(folder)
    import dask

    found = dask.config.get(_SETTING, None)
    if found:
        return Path(str(found)).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "dtedask" / "coordinates"


def _checked(latitude: ArrayLike, longitude: ArrayLike) -> NDArray[np.float64]:
    points = [np.asarray(one, np.float64).ravel() for one in (latitude, longitude)]
    if points[0].size != points[1].size or not points[0].size:
        raise GridError(f"{points[0].size} latitudes and {points[1].size} longitudes are no points.")
    if not (np.isfinite(points[0]).all() and np.isfinite(points[1]).all()) or np.abs(points[0]).max() > 90.0:
        raise GridError(
            "Coordinates are missing, or latitudes beyond the poles.", hint="Give degrees, in radians of ICON rad2deg."
        )
    return np.stack([points[0], points[1] % 360.0])


def _digest(points: NDArray[np.float64]) -> str:
    """Digest coordinates to nine decimals, so that turns and the last bits make no other grid."""
    rounded = np.round(points, 9) + 0.0
    rounded[1] %= 360.0
    return hashlib.sha256(rounded.astype("<f8").tobytes()).hexdigest()


def _keep(key: str, points: NDArray[np.float64], folder: Path) -> None:
    points.flags.writeable = False
    _IN_MEMORY[key] = points
    path = folder / f"{key}.npy"
    if path.exists():
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as file:
            np.save(file, points)
        Path(file.name).replace(path)
    except OSError as error:
        raise GridError(
            f"Coordinates cannot be kept in {folder}: {error}.", hint=f"Set {_SETTING} to a folder of yours."
        ) from error


def _read(key: str, folder: Path) -> NDArray[np.float64] | None:
    if key in _IN_MEMORY:
        return _IN_MEMORY[key]
    try:
        found: NDArray[np.float64] = np.load(folder / f"{key}.npy")
    except FileNotFoundError:
        return None
    found.flags.writeable = False
    _IN_MEMORY[key] = found
    return found
