"""Where a field stands in a file by the CF conventions: its variable, its time, and the slots of its other axes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import FieldError
from dtedask.grib import Coordinate
from dtedask.store.identity import address_of, timespan
from dtedask.store.labels import Dimension
from dtedask.store.schema import Schema

if TYPE_CHECKING:
    import numpy as np

    from dtedask.geo import Grid
    from dtedask.grib import FieldDescription

Label = Any
CONVENTIONS = "CF-1.11"
TIME_UNITS = {"units": "seconds since 1970-01-01T00:00:00", "calendar": "proleptic_gregorian"}
_TIMES = ("forecast_reference_time", "step")
_ATTRIBUTES = ("standard_name", "long_name", "units", "cell_methods")
_VARYING = frozenset({"date", "time", "step", "number", "levelist"})


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A time of an axis: when fields are valid, of which forecast, and since when; the first is the least.

    Parameters
    ----------
    valid, reference, start : int
        Seconds since 1970; `start` is `valid` for an instant.
    """

    valid: int
    reference: int
    start: int


@dataclass(frozen=True, slots=True)
class Spot:
    """Where one field stands.

    Parameters
    ----------
    variable : str
        Name of the variable.
    time : str
        Name of its time axis: ``time``, or for statistics that and the length of the interval.
    moment : Moment
        Where on it.
    axes : tuple of (str, label)
        The axes between time and grid, and where on them.
    grid : Grid
        Where the points are.
    coordinates : mapping
        Of the grid.
    attributes : mapping
        Of the variable.
    is_interval : bool
        Whether the time axis has bounds.
    """

    variable: str
    time: str
    moment: Moment
    axes: tuple[tuple[str, Label], ...]
    grid: Grid
    coordinates: Mapping[str, Coordinate] = field(repr=False)
    attributes: Mapping[str, Any] = field(repr=False)
    is_interval: bool = False

    @property
    def dims(self) -> tuple[str, ...]:
        """Dimensions of the variable."""
        return (self.time, *(name for name, _ in self.axes), *self.grid.dims)


def spot_of(described: FieldDescription, moment: Moment, coordinates: Mapping[str, Coordinate]) -> Spot:
    """Find the place of a field.

    Raises
    ------
    FieldError
        If it lacks a key that every field needs.
    """
    address = address_of(described, Schema())
    spec, keys = address.variable, described.keys
    labels = dict(zip(spec.dims, address.labels, strict=True))
    levtype = keys.get("levtype", "sfc")
    suffix = "" if levtype in ("sfc", "pl") else f"_{levtype}"
    axes = tuple((_axis(name, suffix), label) for name, label in labels.items() if name not in _TIMES)
    time = "time" if described.interval is None else f"time_{timespan(described) or 'fs'}"
    return Spot(
        variable=f"{spec.name}{suffix}" if "level" in labels else spec.name,
        time=time,
        moment=moment,
        axes=axes,
        grid=described.grid,
        coordinates=coordinates,
        attributes=_attributes(dict(spec.attributes), _constants(keys, labels), described.grid, coordinates, time),
        is_interval=described.interval is not None,
    )


def axis_attributes(name: str) -> dict[str, str]:
    """CF attributes of an axis other than time and grid."""
    if name == "level":
        return {"long_name": "pressure", "standard_name": "air_pressure", "units": "hPa", "positive": "down"}
    return Dimension(name.split("_", 1)[0] if name.startswith("level_") else name).attributes


def axis_dtype(name: str) -> str:
    """Type of the labels of an axis: ``int64``, ``float64`` or ``string``."""
    return Dimension("level" if name.startswith("level_") else name).dtype


def time_attributes(name: str, *, is_interval: bool) -> dict[str, str]:
    """CF attributes of a time axis."""
    bounds = {"bounds": f"{name}_bounds"} if is_interval else {}
    return {"standard_name": "time", "long_name": "time at which it is valid", "axis": "T", **TIME_UNITS, **bounds}


def time_companions(name: str, *, is_interval: bool) -> dict[str, dict[str, str]]:
    """What stands beside a time axis, with its attributes."""
    found = {
        f"{name}_reference": {
            "standard_name": "forecast_reference_time",
            "long_name": "initial time of the forecast",
            **TIME_UNITS,
        }
    }
    return found | ({f"{name}_bounds": {}} if is_interval else {})


def companions_of(moment: Moment) -> tuple[int, tuple[int, int]]:
    """Values of what stands beside a time."""
    return moment.reference, (moment.start, moment.valid)


class Slots:
    """The axes of one file, and which slot each label has; labels stand in the order of their arrival.

    Parameters
    ----------
    axes : mapping of str to list
        Labels that are there; moments for time axes.
    constants : mapping of str to str
        Of each variable that is there, the keys that all its fields share.
    grid : str
        Identifier of the grid of all fields; empty where there is none yet.
    """

    def __init__(self, axes: Mapping[str, list[Label]], constants: Mapping[str, str], grid: str) -> None:
        self.axes = {name: {label: slot for slot, label in enumerate(labels)} for name, labels in axes.items()}
        self.constants = dict(constants)
        self.grid = grid

    def place(self, spots: Iterable[Spot], file: object) -> list[tuple[int, ...]]:
        """Give each field its slots, new ones where its labels are new.

        Raises
        ------
        FieldError
            If a field has another grid, or is another kind of field than its variable holds.
        """
        return [self._place(spot, file) for spot in spots]

    def arrange(self, spots: Iterable[Spot]) -> None:
        """Give new labels slots in ascending order, as CF wants axes to be, before any field takes its place."""
        found: dict[str, set[Label]] = {}
        for spot in spots:
            for axis, label in ((spot.time, spot.moment), *spot.axes):
                found.setdefault(axis, set()).add(label)
        for axis, labels in found.items():
            for label in sorted(labels):
                self._slot(axis, label)

    def labels(self, axis: str) -> list[Label]:
        """Labels of an axis, slot by slot."""
        return list(self.axes[axis])

    def _place(self, spot: Spot, file: object) -> tuple[int, ...]:
        if self.grid not in ("", spot.grid.uid):
            raise FieldError(
                f"A field of {spot.variable} on the grid {spot.grid.label} cannot stand in {str(file)!r}, which holds "
                "fields of another grid.",
                hint="Select one grid, or name files by a key that tells them apart, as {levtype}; a cube takes any.",
            )
        self.grid = spot.grid.uid
        said = self.constants.setdefault(spot.variable, spot.attributes["mars"])
        if said != spot.attributes["mars"]:
            raise FieldError(
                f"The variable {spot.variable} of {str(file)!r} holds fields of {said}; this one is of "
                f"{spot.attributes['mars']}.",
                hint="Name files by the keys that tell them apart, such as {type}_{stream}; a cube takes all.",
            )
        return tuple(self._slot(axis, label) for axis, label in ((spot.time, spot.moment), *spot.axes))

    def _slot(self, axis: str, label: Label) -> int:
        known = self.axes.setdefault(axis, {})
        return known.setdefault(label, len(known))


def grid_variables(spot: Spot) -> dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, Any]]]:
    """Coordinates of a grid: dimensions, values and attributes."""
    return {name: (one.dims, one.values, dict(one.attrs)) for name, one in spot.coordinates.items()}


def _axis(name: str, suffix: str) -> str:
    return f"{name}{suffix}" if name == "level" else name


def _constants(keys: Mapping[str, str], labels: Iterable[str]) -> dict[str, str]:
    """Keys that all fields of a variable share; a control forecast stands with its ensemble."""
    varying = _VARYING | {Dimension(name).key for name in labels}
    constant = {key: value for key, value in sorted(keys.items()) if key not in varying}
    constant["type"] = "pf" if constant.get("type") == "cf" else constant.get("type", "")
    return constant


def _attributes(
    found: Mapping[str, Any], constants: Mapping[str, str], grid: Grid, coordinates: Mapping[str, Coordinate], time: str
) -> dict[str, Any]:
    kept = {name: value for name, value in found.items() if name in _ATTRIBUTES or name.startswith("GRIB_")}
    if "cell_methods" in kept:
        kept["cell_methods"] = str(kept["cell_methods"]).replace("step:", f"{time}:")
    beside = [f"{time}_reference"]
    if grid.dims != ("latitude", "longitude") and "latitude" in coordinates:
        beside += ["latitude", "longitude"]
    kept["coordinates"] = " ".join(beside)
    if "crs" in coordinates:
        kept["grid_mapping"] = "crs"
    kept["mars"] = json.dumps(constants)
    return kept
