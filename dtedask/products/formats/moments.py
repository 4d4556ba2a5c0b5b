"""Which fields of a product go where: their variable, their times, and their other labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.grids.rows import Points
from dtedask.pipeline.message import valid_time_of
from dtedask.pipeline.sinks.cf import Moment
from dtedask.store.identity import address_of
from dtedask.store.labels import Dimension
from dtedask.store.schema import Schema

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription
    from dtedask.products.product import Part

__all__ = ["Labelled", "Remembered", "labelled", "labelled_apart", "moment_of", "points_of"]

T = TypeVar("T")
_NOT_IN_NAMES = re.compile(r"[^0-9A-Za-z]+")
_REFERENCE, _STEP = "forecast_reference_time", "step"


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a field is in a table.

    Parameters
    ----------
    variable : str
        Name of the variable; with the kind of its levels, where those are not of pressure.
    labels : tuple of (str, label)
        Its labels by dimension, times and steps in seconds; in the order of the dimensions.
    attributes : mapping
        Words of the variable: ``units``, ``long_name``, ...
    constants : tuple of (str, str)
        MARS keys that are no labels.
    """

    variable: str
    labels: tuple[tuple[str, Any], ...]
    attributes: Mapping[str, Any]
    constants: tuple[tuple[str, str], ...] = ()

    @property
    def valid_time(self) -> int | None:
        """Seconds since 1970; None for climatologies, which are of no year."""
        known = dict(self.labels)
        return None if _REFERENCE not in known else int(known[_REFERENCE]) + int(known.get(_STEP, 0))


class Remembered(Generic[T]):
    """Makes something of what fields are, but for their grid, once for all grids that they are brought to.

    Parameters
    ----------
    make : callable
        Takes a field; what it gives must not depend on the grid.
    most : int
        How many are kept.
    """

    def __init__(self, make: Callable[[FieldDescription], T], most: int = 65_536) -> None:
        self._make = make
        self._most = most
        self._known: dict[Any, tuple[FieldDescription, T]] = {}

    def __call__(self, field: FieldDescription) -> T:
        """Return what is made of a field."""
        # Fields that are kept hold on to their keys and attributes, so that nothing else gets their places in memory.
        place = (
            id(field.keys), id(field.attributes), field.interval, field.step_type, field.short_name, field.name,
            field.units, field.standard_name, field.level_type, field.level, field.step_seconds, field.edition,
            field.grid.kind == "opaque",
        )  # fmt: skip
        known = self._known.get(place)
        if known is None:
            if len(self._known) >= self._most:
                self._known.clear()
            known = self._known[place] = (field, self._make(field))
        return known[1]


def labelled(field: FieldDescription) -> Labelled:
    """Say what a field is in a table.

    Raises
    ------
    FieldError
        If it lacks a key that every field needs.
    """
    return _labelled(field)


def _label(field: FieldDescription) -> Labelled:
    address = address_of(field, _schema())
    labels = dict(zip(address.variable.dims, address.labels, strict=True))
    levtype = field.keys.get("levtype", "sfc")
    suffix = f"_{levtype}" if "level" in labels and levtype not in ("sfc", "pl") else ""
    varying = {"date", "time", "step", "number", *(Dimension(name).key for name in labels)}
    constants = {key: value for key, value in sorted(field.keys.items()) if key not in varying}
    if constants.get("type") == "cf":
        constants["type"] = "pf"  # a control forecast is member 0
    name, words = f"{address.variable.name}{suffix}", dict(address.variable.attributes)
    return Labelled(name, tuple(labels.items()), words, tuple(constants.items()))


def labelled_apart(fields: Sequence[FieldDescription]) -> list[Labelled]:
    """Say what the fields of one file are, by names that tell their variables apart.

    Where fields of one variable differ in keys that are no labels, such as the mean and the spread of an ensemble, the
    values of those keys stand behind the name: ``2t_em`` and ``2t_es``.

    Raises
    ------
    FieldError
        If one lacks a key that every field needs.
    """
    said = [labelled(field) for field in fields]
    kinds: dict[str, dict[tuple[tuple[str, str], ...], None]] = {}
    for one in said:
        kinds.setdefault(one.variable, {})[one.constants] = None
    different = {name: _differences(list(found)) for name, found in kinds.items() if len(found) > 1}
    return [_renamed(one, different[one.variable]) if one.variable in different else one for one in said]


def _differences(constants: Sequence[tuple[tuple[str, str], ...]]) -> list[str]:
    known = [dict(one) for one in constants]
    keys = dict.fromkeys(key for one in known for key in one)
    return [key for key in keys if len({one.get(key) for one in known}) > 1]


def _renamed(said: Labelled, keys: Sequence[str]) -> Labelled:
    known = dict(said.constants)
    values = [_NOT_IN_NAMES.sub("-", known[key]) for key in keys if key in known]
    return replace(said, variable="_".join([said.variable, *values]))


def moment_of(field: FieldDescription) -> Moment:
    """When a field is valid, of which forecast it is, and since when."""
    reference = valid_time_of({key: field.keys[key] for key in ("date", "time") if key in field.keys})
    valid = valid_time_of(field.keys)
    return Moment(valid, reference, valid if field.interval is None else reference + field.interval[0])


def points_of(part: Part) -> Points:
    """Where the points of a part are, in its order.

    Raises
    ------
    GridError
        If nobody knows.
    """
    known = part.coordinates
    if "latitude" not in known or "longitude" not in known:
        return part.description.grid.points()
    latitude, longitude = (_float(known[name].values) for name in ("latitude", "longitude"))
    if part.description.grid.dims == ("latitude", "longitude"):
        latitude, longitude = np.broadcast_arrays(latitude[:, None], longitude[None, :])
    return Points(latitude.ravel(), longitude.ravel())


def _float(values: Any) -> NDArray[np.float64]:
    return np.asarray(values, np.float64)


@cache
def _schema() -> Schema:
    return Schema()


_labelled = Remembered(_label)
