"""Points that tables and coverages are made for: places with names, from the requirement itself or from a file."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from dtedask.core.errors import ProductError
from dtedask.geo import Grid
from dtedask.products.format import FormatOptions
from dtedask.products.formats.beside import beside

__all__ = ["Station", "StationOptions", "Stations", "stations_of"]

_NAMES = {
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon", "lng", "long"),
    "name": ("name", "station", "id", "wmo"),
}


class Station(BaseModel):
    """A place."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)

    latitude: float = Field(ge=-90, le=90)
    """Degrees north."""
    longitude: float = Field(ge=-360, le=360)
    """Degrees east."""
    name: str = ""
    """What it is called."""


def _station(value: Any) -> Any:
    """A place may be written as ``[latitude, longitude, name]``, too."""
    if isinstance(value, (list, tuple)) and 2 <= len(value) <= 3:
        return dict(zip(("latitude", "longitude", "name"), value, strict=False))
    return value


class StationOptions(FormatOptions):
    """What formats of points have in common."""

    points: str | tuple[Annotated[Station, BeforeValidator(_station)], ...] = ()
    """Places to make values for: a list of ``{name, latitude, longitude}``, or a file of them (CSV, JSON, YAML or
    GeoJSON). Without, every point of the grid."""
    method: Literal["nearest", "linear", "bilinear"] = "nearest"
    """The value at a place is that of the nearest point of the grid, or lies between those around it: on triangles of
    any grid, or in the cells of one with rows."""
    outside: Literal["missing", "nearest"] = "missing"
    """What places outside of a regional grid get: no value, or that of the nearest point."""

    @field_validator("points", mode="after")
    @classmethod
    def _can_be_read(cls, points: Any, info: ValidationInfo) -> Any:
        """A file is looked for beside the document, where its reader says which that is, and read at once."""
        if not isinstance(points, str):
            return points
        path = beside(points, info)
        try:
            read_stations(path)
        except ProductError as error:
            raise ValueError(f"{error.message} {error.hint or ''}".strip()) from error
        return str(path)

    def identity(self) -> str:
        """What the content of a file depends on; of the places, and not of the name of their file."""
        stations = self.stations
        digest = "" if stations is None else stations.digest
        return json.dumps({**self.model_dump(mode="json", exclude={"points"}), "points": digest}, sort_keys=True)

    @cached_property
    def stations(self) -> Stations | None:
        """The places; None for every point of the grid. A file is read once for the same options."""
        if not self.points:
            return None
        return read_stations(Path(self.points)) if isinstance(self.points, str) else stations_of(self.points)


@dataclass(frozen=True, slots=True, eq=False)
class Stations:
    """Places in their order.

    Parameters
    ----------
    names : tuple of str
        What they are called.
    latitude, longitude : numpy.ndarray, shape (places,)
        Degrees, as they were given.
    digest : str
        Of all of this.
    """

    names: tuple[str, ...]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    digest: str

    @property
    def grid(self) -> Grid:
        """The places as a grid of points in no order."""
        return _grid_of(self)


@lru_cache(64)
def _grid_of(stations: Stations) -> Grid:
    return Grid.unstructured(stations.latitude, stations.longitude, name="stations")


@lru_cache(256)
def stations_of(places: tuple[Station, ...]) -> Stations:
    """Put places together."""
    said = [(one.name, one.latitude, one.longitude) for one in places]
    return Stations(
        tuple(name for name, _, _ in said),
        np.array([latitude for _, latitude, _ in said], np.float64),
        np.array([longitude for _, _, longitude in said], np.float64),
        hashlib.sha256(json.dumps(said).encode()).hexdigest(),
    )


def read_stations(path: Path) -> Stations:
    """Read a file of places; it is read again when it has changed.

    Raises
    ------
    ProductError
        If there is none, or a line of it is no place.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise ProductError(
            f"The points {str(path)!r} cannot be read: {error.strerror or error}.",
            hint="Give a file of places, or list them as {name, latitude, longitude}.",
        ) from error
    return _read(path, state.st_mtime_ns, state.st_size)


@lru_cache(64)
def _read(path: Path, mtime_ns: int, size: int) -> Stations:  # noqa: ARG001 - another state is read anew
    try:
        found = tuple(_checked(path, _places(path)))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ProductError(f"The points {str(path)!r} cannot be read: {error}") from error
    if not found:
        raise ProductError(f"There are no points in {str(path)!r}.", hint="One place a line: name,latitude,longitude.")
    return stations_of(found)


def _checked(path: Path, places: Iterable[tuple[str, Any]]) -> Iterator[Station]:
    for where, place in places:
        try:
            yield Station.model_validate(_station(place))
        except ValidationError as error:
            first = error.errors()[0]
            key = "/".join(map(str, first["loc"])) or "it"
            raise ProductError(
                f"{path}, {where}: {key} is no part of a place: {first['msg']}.",
                hint="A place has a latitude and a longitude in degrees, and may have a name.",
            ) from error


def _places(path: Path) -> Iterator[tuple[str, Any]]:
    text = path.read_text("utf-8-sig")
    if path.suffix.lower() in (".json", ".geojson", ".yaml", ".yml"):
        yield from _of_document(text)
    else:
        yield from _of_table(text)


def _of_document(text: str) -> Iterator[tuple[str, Any]]:
    import yaml

    found = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    if isinstance(found, Mapping) and found.get("type") == "FeatureCollection":
        found = [_of_feature(one) for one in found.get("features", ())]
    for number, place in enumerate(found or (), 1):
        yield f"place {number}", place


def _of_feature(feature: Any) -> Any:
    try:
        longitude, latitude = feature["geometry"]["coordinates"][:2]
        said = feature.get("properties") or {}
        name = next((said[key] for key in _NAMES["name"] if key in said), feature.get("id", ""))
        return {"latitude": latitude, "longitude": longitude, "name": str(name)}
    except (KeyError, TypeError, ValueError):
        return {"feature": feature}


def _of_table(text: str) -> Iterator[tuple[str, Any]]:
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip() and line[0] != "#"]
    if not lines:
        return
    delimiter = max(",;\t", key=lines[0][1].count)
    rows = csv.reader((line for _, line in lines), delimiter=delimiter, skipinitialspace=True)
    heads = [head.strip().lower() for head in next(rows)]
    columns = {name: _column(heads, words) for name, words in _NAMES.items()}
    for (number, _), row in zip(lines[1:], rows, strict=True):
        place = {
            name: row[column].strip() for name, column in columns.items() if column is not None and column < len(row)
        }
        yield f"line {number}", place


def _column(heads: list[str], words: tuple[str, ...]) -> int | None:
    return next((heads.index(word) for word in words if word in heads), None)
