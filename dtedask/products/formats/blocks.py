"""Fields of a product that share all labels but time and level, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.grids.rows import Points
from dtedask.products.formats.moments import Labelled, labelled_apart, points_of

if TYPE_CHECKING:
    from dtedask.products.formats.stations import Stations
    from dtedask.products.product import Part

__all__ = ["Block", "blocks_of"]

_VARYING = frozenset({"date", "time", "step", "param", "levelist"})


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Fields that share all labels but time and level.

    Parameters
    ----------
    variables : mapping of str to numpy.ndarray, shape (times, levels, points)
        Values; NaN where there is no field.
    attributes : mapping of str to mapping
        Words of each variable.
    times : tuple of int
        Valid times, seconds since 1970, ascending.
    levels : tuple of float
        Ascending; None alone where there are none.
    levtype : str, optional
        What kind of levels they are.
    points : Points
        Where the values are.
    axes : tuple of numpy.ndarray, optional
        Latitudes and longitudes where the points stand in rows and columns.
    names : tuple of str
        What the points are called; empty where they have no names.
    keys : mapping
        MARS keys that all of its fields share.
    labels : str
        What tells it from the others.
    """

    variables: Mapping[str, NDArray[np.floating]]
    attributes: Mapping[str, Mapping[str, Any]]
    times: tuple[int, ...]
    levels: tuple[float | None, ...]
    levtype: str | None
    points: Points
    axes: tuple[NDArray[np.float64], NDArray[np.float64]] | None
    names: tuple[str, ...]
    keys: Mapping[str, str]
    labels: str


def blocks_of(parts: Sequence[Part], stations: Stations | None) -> list[Block]:
    """Put fields together that share all labels but time and level."""
    groups: dict[Any, list[tuple[Labelled, Part]]] = {}
    for said, part in zip(labelled_apart([part.description for part in parts]), parts, strict=True):
        kept = tuple((name, label) for name, label in said.labels if name not in ("step", "level"))
        kind = part.description.keys.get("levtype") if "level" in dict(said.labels) else None
        groups.setdefault((kept, kind, part.description.grid), []).append((said, part))
    return [_block(found, kept, kind, stations) for (kept, kind, _), found in groups.items()]


def _block(
    found: list[tuple[Labelled, Part]], kept: tuple[Any, ...], levtype: str | None, stations: Stations | None
) -> Block:
    said, parts = [one for one, _ in found], [part for _, part in found]
    times = tuple(sorted({one.valid_time or 0 for one in said}))
    levels = tuple(sorted({dict(one.labels).get("level") for one in said}, key=lambda level: level or 0.0))
    points = points_of(parts[0]) if stations is None else Points(stations.latitude, stations.longitude)
    dtype = np.result_type(*(np.asarray(part.payload).dtype for part in parts))
    shape = (len(times), len(levels), points.latitude.size)
    values: dict[str, NDArray[np.floating]] = {}
    for one, part in zip(said, parts, strict=True):
        array = values.setdefault(one.variable, np.full(shape, np.nan, dtype))
        place = times.index(one.valid_time or 0), levels.index(dict(one.labels).get("level"))
        array[place] = np.asarray(part.payload).ravel()
    shared = set(parts[0].description.keys.items()).intersection(*(part.description.keys.items() for part in parts))
    keys = {key: value for key, value in parts[0].description.keys.items() if (key, value) in shared}
    dims = parts[0].description.grid.dims
    return Block(
        values,
        {one.variable: one.attributes for one in said},
        times,
        levels,
        levtype,
        points,
        _axes(points, parts[0]) if stations is None and dims == ("latitude", "longitude") else None,
        () if stations is None else stations.names,
        {key: value for key, value in keys.items() if key not in _VARYING},
        " ".join(f"{name} {label}" for name, label in kept if name != "forecast_reference_time"),
    )


def _axes(points: Points, part: Part) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows, columns = part.description.grid.shape
    return points.latitude.reshape(rows, columns)[:, 0], points.longitude.reshape(rows, columns)[0]
