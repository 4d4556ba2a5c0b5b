"""What a message would say of fields that are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from dtedask.geo import PointOrder
from dtedask.grib import FieldDescription
from dtedask.request import parse_step
from dtedask.store.intervals import interval_of
from dtedask.store.past.stored import coordinates_of
from dtedask.store.write import StoredField

if TYPE_CHECKING:
    from dtedask.grib import Coordinate
    from dtedask.store.location import Location
    from dtedask.store.selection import Record, Selection


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """A stored field that is not read yet; it travels as a few names.

    Parameters
    ----------
    description : FieldDescription
        What it is.
    source : StoredField
        Where it is: ``source.read()`` gives its values.
    coordinates : callable
        Gives the coordinates of its grid.
    """

    description: FieldDescription
    source: StoredField
    coordinates: Callable[[], Mapping[str, Coordinate]]


def described(records: Iterable[Record], location: Location) -> Iterator[Described]:
    """What messages would say of stored fields.

    Parameters
    ----------
    records : iterable of Record
        As a store lists them.
    location : Location
        The root.
    """
    variables: dict[tuple[str, str, str], FieldDescription] = {}
    for record in records:
        selection = record.selection
        variable, snapshot = selection.variable, selection.snapshot
        place = (snapshot.id, selection.group.name, variable.name)
        if place not in variables:
            variables[place] = describe_variable(selection)
        shape = variable.shape[len(variable.dims) :]
        yield Described(
            with_keys(variables[place], variable.attributes, record.keys),
            StoredField(location, snapshot.cube, snapshot.id, record.chunk, variable.codec, shape),
            partial(coordinates_of, snapshot, selection.group.name),
        )


def describe_variable(selection: Selection) -> FieldDescription:
    """What a message would say of a field of a variable, but for its keys and its step."""
    attributes = selection.variable.attributes
    grid = selection.group.grid
    return FieldDescription(
        keys={},
        short_name=str(attributes.get("GRIB_shortName", "")),
        name=str(attributes.get("long_name", "")),
        units=str(attributes.get("units", "")),
        standard_name=str(attributes.get("standard_name", "")),
        step_type=str(attributes.get("GRIB_stepType", "")),
        interval=None,
        step_seconds=0,
        level_type=str(attributes.get("GRIB_typeOfLevel", "")),
        level=attributes.get("GRIB_level"),
        edition=int(attributes["GRIB_edition"]),
        grid=grid,
        order=PointOrder(grid.shape),
        packing="",
        bits_per_value=0,
        has_bitmap=False,
        product=(),
        attributes={},
    )


def with_keys(
    variable: FieldDescription, attributes: Mapping[str, str | int | float], keys: Mapping[str, str]
) -> FieldDescription:
    """What a message would say of one field of a variable.

    Parameters
    ----------
    variable : FieldDescription
        What all of its fields share.
    attributes : mapping
        Attributes of the variable.
    keys : mapping
        Keys of the field.
    """
    step_seconds = parse_step(keys.get("step", "0")).end_s
    return replace(variable, keys=keys, interval=interval_of(attributes, keys), step_seconds=step_seconds)
