"""Fields of one root as entries of another: where they belong there, and where their values are now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from dtedask.grib import FieldDescription
from dtedask.store.described import describe_variable, with_keys
from dtedask.store.growth import own_attributes
from dtedask.store.identity import Address, VariableSpec, address_of
from dtedask.store.past.stored import coordinates_of, values_of_codec
from dtedask.store.write import StoredField
from dtedask.store.writing import Entry

if TYPE_CHECKING:
    from dtedask.grib import Coordinate
    from dtedask.store.layouts import Codec
    from dtedask.store.location import Location
    from dtedask.store.schema import Schema, Values
    from dtedask.store.selection import Record, Selection

MovedLayout = Literal["map", "messages"]
_DATING = ("date_text", "time_text")
CoordinatesOf = Callable[[], Mapping[str, "Coordinate"]]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What all fields of a stored variable share."""

    description: FieldDescription
    attributes: Mapping[str, str | int | float]
    specs: dict[VariableSpec, VariableSpec]


class Carrier:
    """Makes entries of one root of fields of another.

    Attributes of variables, grids and coordinates are taken as they are stored; cube, group, dimensions and labels are
    those that the schema of the target gives to the keys.

    Parameters
    ----------
    source : Location
        The root that holds the fields.
    schema : Schema
        That of the target.
    keeps_values : bool
        Whether new variables store their values as those of the source do, and not as the schema says.
    layout : {"map", "messages"}, optional
        Layout of new variables, whatever the schema says.
    """

    def __init__(
        self, source: Location, schema: Schema, *, keeps_values: bool, layout: MovedLayout | None = None
    ) -> None:
        self._source = source
        self._schema = schema
        self._keeps_values = keeps_values
        self._layout = layout
        self._kinds: dict[tuple[str, str, str, str], _Kind] = {}

    def entry(self, record: Record, changed: Mapping[str, str] | None = None) -> tuple[Entry, CoordinatesOf]:
        """A field to write, and what gives the coordinates of its grid.

        Parameters
        ----------
        record : Record
            The field.
        changed : mapping of str to str, optional
            Keys that it gets in place of its own.

        Raises
        ------
        FieldError
            If the schema of the target refuses it.
        """
        selection = record.selection
        variable, snapshot = selection.variable, selection.snapshot
        address = self._address(record, {**record.keys, **(changed or {})})
        shape = variable.shape[len(variable.dims) :]
        source = StoredField(self._source, snapshot.cube, snapshot.id, record.chunk, variable.codec, shape)
        if said := {**snapshot.seen_as, **(changed or {})}:  # a message says its keys itself
            source = replace(source, keys=tuple(said.items()))
        entry = Entry(address, dict(address.keys), source, None, record.location)
        return entry, partial(coordinates_of, snapshot, selection.group.name)

    def _address(self, record: Record, keys: dict[str, str]) -> Address:
        kind = self._kind(record.selection)
        address = address_of(with_keys(kind.description, kind.attributes, keys), self._schema)
        return replace(address, variable=self._spec(kind, record.selection, address.variable))

    def _spec(self, kind: _Kind, selection: Selection, told: VariableSpec) -> VariableSpec:
        """What the array must look like; one object for all fields of it, which makes comparing them quick."""
        if told not in kind.specs:
            dating = {name: value for name, value in told.attributes if name in _DATING}
            attributes = {name: value for name, value in kind.attributes.items() if name not in _DATING} | dating
            values = self._values(selection.variable.codec, told.values)
            kind.specs[told] = replace(told, attributes=tuple(sorted(attributes.items())), values=values)
        return kind.specs[told]

    def _values(self, codec: Codec, told: Values) -> Values:
        """How a new variable stores its values."""
        kept = values_of_codec(codec) if self._keeps_values else told
        if self._layout is None or self._layout == (kept.layout or "map"):
            return kept
        # Of a variable in another layout only the data type can be kept.
        dtype = kept.dtype if self._keeps_values else told.dtype
        return told.model_copy(update={"layout": self._layout, "dtype": dtype})

    def _kind(self, selection: Selection) -> _Kind:
        place = (selection.cube, selection.snapshot.id, selection.group.name, selection.variable.name)
        if place not in self._kinds:
            self._kinds[place] = _Kind(describe_variable(selection), own_attributes(selection.variable.attributes), {})
        return self._kinds[place]
