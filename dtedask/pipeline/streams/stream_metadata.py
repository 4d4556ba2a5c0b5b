"""What a model says of its fields becomes keys and descriptions of messages."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import FieldError
from dtedask.request import canonical_value, format_step, is_key, parameter, parse_step

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.grib import Coordinate, FieldDescription

__all__ = ["Grids", "Place", "keys_of", "values_of"]

_SAME = {
    "paramId": "param",
    "shortName": "param",
    "startDate": "date",
    "startTime": "time",
    "endStep": "step",
    "misc-globalSize": "globalSize",
    "misc-missingValue": "missingValue",
    "misc-bitmapPresent": "bitmapPresent",
}
_LEVELS = ("pl", "ml", "pt", "pv", "hl", "sol", "o3d", "al")
_NEVER_MARS = ("domain", "source", "grid")
_TIMES = ("date", "time", "step")


def keys_of(metadata: Mapping[str, Any], **further: Any) -> dict[str, Any]:
    """Keys of a message: MARS keys as canonical texts, others as they are.

    MultIO's other names are understood (``paramId``, ``startDate``, ``level`` on levels), and a step that is counted in
    units of ``timeStep`` seconds becomes a step of MARS.

    Raises
    ------
    InvalidValueError
        If a MARS key has an impossible value.
    """
    keys = {**metadata, **further}
    for name, ours in _SAME.items():
        if name in keys:
            value = keys.pop(name)
            keys.setdefault(ours, value)
    if "levelist" not in keys and keys.get("levtype") in _LEVELS and "level" in keys:
        keys["levelist"] = keys.pop("level")
    if "timeStep" in keys and str(keys.get("step", "")).isdecimal():
        keys["step"] = format_step(int(keys["step"]) * int(keys["timeStep"]))
    return {key: _canonical(key, value) for key, value in keys.items()}


def _canonical(key: str, value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if is_key(key) and key not in _NEVER_MARS:
        if not isinstance(value, Hashable):
            raise FieldError(f"The key {key!r} has the value {value!r}.", hint="A field has one value of each key.")
        return _of_mars(key, type(value), value)
    return value


@lru_cache(65_536)
def _of_mars(key: str, _type: type, value: Any) -> str:  # 1, 1.0 and True are one to a cache
    return canonical_value(key, value)


def values_of(values: Any, keys: Mapping[str, Any]) -> np.ndarray:
    """A copy of the values in float64, missing points NaN.

    Parameters
    ----------
    values : array of numbers
        float32 and float64 keep their values to the last bit.
    keys : mapping
        With ``missingValue`` points of this value are missing, unless ``bitmapPresent`` is false.

    Raises
    ------
    FieldError
        If they are no numbers.
    """
    given = np.asarray(values)
    if given.dtype.kind not in "fiu":
        raise FieldError(f"Values of a field are numbers, not {given.dtype}.", hint="Give float32 or float64.")
    found = given.astype(np.float64)
    if "missingValue" in keys and keys.get("bitmapPresent", True):
        found[given == given.dtype.type(keys["missingValue"])] = np.nan
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A field of a model with its place: all but its values.

    Parameters
    ----------
    description : FieldDescription
        What it is, and its grid.
    coordinates : mapping of str to Coordinate
        Where the points of the grid are.
    order : numpy.ndarray of int, optional
        For each point of the grid its place among the model's values; None if they are in the same order.
    """

    description: FieldDescription
    coordinates: Mapping[str, Coordinate]
    order: np.ndarray | None

    def values(self, given: np.ndarray) -> np.ndarray:
        """Bring the values of a whole field into the shape and order of the grid.

        Raises
        ------
        FieldError
            If there are more or fewer than the grid has points.
        """
        grid = self.description.grid
        if given.size != grid.size:
            raise FieldError(
                f"The field {_said(self.description.keys)} has {given.size} values; its grid has {grid.size} points.",
                hint="A part of a field names its domain.",
            )
        return (given if self.order is None else given.ravel()[self.order]).reshape(grid.shape)


class Grids:
    """Where the points of a model's fields are, by the name of a domain or grid.

    Parameters
    ----------
    templates : mapping of str to DataArray or str
        Arrays with coordinates (or the attribute ``grid_spec``) in the order of the model's values, or global steps in
        degrees such as ``0.25x0.25``.
    """

    def __init__(self, templates: Mapping[str, xr.DataArray | str]) -> None:
        self._templates = dict(templates)
        self._grids: dict[str, Place | None] = {}
        self._series: dict[tuple[Any, ...], Place] = {}

    def place(self, keys: Mapping[str, Any]) -> Place | None:
        """Describe a field by its keys; None if nobody says where its points are.

        The key ``grid`` names the grid, else the key ``domain``.

        Raises
        ------
        FieldError
            If parts would have to be put into another order.
        """
        name = str(keys.get("grid", keys.get("domain", "")))
        mars = {key: str(value) for key, value in keys.items() if is_key(key) and key not in _NEVER_MARS}
        series = (name, *((key, value) for key, value in mars.items() if key not in _TIMES))
        found = self._series.get(series)
        if found is None:
            first = self._grid(name, mars)
            if first is None:
                return None
            found = self._series[series] = replace(first, description=_named(first.description, mars))
        if found.order is not None and "domain" in keys and "grid" not in keys:
            raise FieldError(
                f"The grid of the domain {name!r} does not run from north to south and from 0 degrees eastwards.",
                hint="Number its points in that order; only whole fields are put into it.",
            )
        return replace(found, description=_at(found.description, mars, str(keys.get("stepType", "instant"))))

    def _grid(self, name: str, mars: Mapping[str, str]) -> Place | None:
        if name not in self._grids:
            self._grids[name] = self._made(name, mars)  # at once: another thread may look meanwhile
        return self._grids[name]

    def _made(self, name: str, mars: Mapping[str, str]) -> Place | None:
        from dtedask.store.arrays import fields_of_array

        template = self._template(name)
        if template is None:
            return None
        numbers = template.copy(data=np.arange(template.size).reshape(template.shape))
        (field,) = fields_of_array(numbers, {**mars, "step": "0"})
        order = np.ravel(field.values)
        is_same = np.array_equal(order, np.arange(order.size))
        return Place(field.description, field.coordinates, None if is_same else order)

    def _template(self, name: str) -> xr.DataArray | None:
        import xarray as xr

        from dtedask.store.plain import global_coordinates

        found = self._templates.get(name, name)
        if not isinstance(found, str):
            return found
        coordinates = global_coordinates(found)
        if coordinates is None:
            if found != name:
                raise FieldError(f"The grid {name!r} is {found!r}, which does not say where its points are.")
            return None
        shape = tuple(map(len, coordinates.values()))
        return xr.DataArray(np.broadcast_to(np.float32(0), shape), coordinates, tuple(coordinates))


def _named(description: FieldDescription, mars: Mapping[str, str]) -> FieldDescription:
    found = parameter(mars["param"])
    return replace(description, short_name=found.short_name, name=found.name, units=found.units)


def _at(description: FieldDescription, mars: Mapping[str, str], step_type: str) -> FieldDescription:
    step = parse_step(mars.get("step", "0"))
    start = 0 if step.start_s is None and step_type == "accum" else step.start_s
    interval = None if start is None else (start, step.end_s)
    return replace(description, keys=mars, step_seconds=step.end_s, interval=interval, step_type=step_type)


def _said(keys: Mapping[str, Any]) -> str:
    return ",".join(f"{key}={value}" for key, value in keys.items())
