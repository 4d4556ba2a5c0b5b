"""What fields would look like as a dataset if they were archived, which they are not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from xarray.backends import BackendArray

from dtedask.core.errors import KeyCollisionError
from dtedask.store.dataset import dataset_of
from dtedask.store.group import Axis, Group, Variable
from dtedask.store.identity import Address, address_of
from dtedask.store.labels import Dimension
from dtedask.store.schema.document import default_schema

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.grib import Coordinate, FieldDescription
    from dtedask.store.schema import Schema
    from dtedask.store.snapshot import Snapshot

__all__ = ["Unwritten", "datasets_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Unwritten:
    """A field that is in no cube.

    Parameters
    ----------
    description : FieldDescription
        What it is, with its keys.
    value : object
        What stands for its values.
    coordinates : mapping of str to Coordinate
        Of its grid.
    """

    description: FieldDescription
    value: Any
    coordinates: Mapping[str, Coordinate] = field(default_factory=dict)


ArrayOf = Callable[[str, tuple[int, ...], Mapping[tuple[int, ...], Unwritten]], Any]


def datasets_of(fields: Iterable[Unwritten], array_of: ArrayOf, schema: Schema | None = None) -> dict[str, xr.Dataset]:
    """Place fields as a root would: one dataset for each cube and group.

    Parameters
    ----------
    fields : iterable of Unwritten
        In any order.
    array_of : callable (name, shape, fields by place) -> array
        Makes the values of a variable; places that no field has are missing.
    schema : Schema, optional
        Of the root that they would go to; by default the one of new roots.

    Returns
    -------
    dict of str to xarray.Dataset
        By ``cube/group``; variables, dimensions, coordinates and attributes are those that `Store.retrieve` gives after
        the fields were archived, but for the names of snapshots.

    Raises
    ------
    FieldError
        If a field lacks a key that every field needs.
    KeyCollisionError
        If two fields have the same keys.
    """
    chosen = schema or default_schema()
    placed: dict[tuple[str, str], dict[str, list[tuple[Address, Unwritten]]]] = {}
    for one in fields:
        address = address_of(one.description, chosen)
        variables = placed.setdefault((address.cube, address.group), {})
        variables.setdefault(address.variable.name, []).append((address, one))
    return {f"{cube}/{group}": _dataset(variables, array_of) for (cube, group), variables in placed.items()}


@dataclass(frozen=True)
class _NoSnapshot:
    """The cube that there is not."""

    keys: Mapping[str, str]
    small_coordinates: Mapping[str, np.ndarray]
    id: str = ""


@dataclass(frozen=True)
class _Part:
    """The fields of one variable, as `dataset_of` takes them."""

    snapshot: Snapshot
    cube: str
    group: Group
    variable: Variable
    slots: np.ndarray


class _Room(BackendArray):
    """Stands for values until the dataset is made."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape, self.dtype = shape, np.dtype("float64")


def _dataset(variables: Mapping[str, Sequence[tuple[Address, Unwritten]]], array_of: ArrayOf) -> xr.Dataset:
    first, one = next(iter(variables.values()))[0]
    axes = _axes(variables)
    coordinates = next((u.coordinates for parts in variables.values() for _, u in parts if u.coordinates), {})
    group = Group(
        name=first.group,
        grid=one.description.grid,
        keys=dict(first.group_keys),
        attributes={},
        axes=axes,
        variables={},
        coordinates={name: _document(found) for name, found in coordinates.items()},
    )
    values = {f"{group.name}/{name}": found.values for name, found in coordinates.items()}
    snapshot = cast("Snapshot", _NoSnapshot(dict(first.cube_keys), values))
    parts = [_part(name, found, group, snapshot) for name, found in variables.items()]
    arrays = {name: _places(found, axes) for name, found in variables.items()}
    rooms = {part.variable.name: _Room(part.variable.shape) for part in parts}
    dataset = dataset_of(
        cast("Any", None), parts, array_of=lambda _, part, __: cast("Any", rooms[part.variable.name])
    ).drop_attrs(deep=False)
    made = {}
    for part in parts:
        name, shape = part.variable.name, part.variable.shape
        known = dataset.variables[name]
        made[name] = (known.dims, array_of(name, shape, arrays[name]), known.attrs)
    return dataset.assign(made).assign_attrs(_attributes(first, one))


def _axes(variables: Mapping[str, Sequence[tuple[Address, Unwritten]]]) -> dict[str, Axis]:
    labels: dict[str, set[Any]] = {}
    dimensions: dict[str, Dimension] = {}
    for parts in variables.values():
        for address, _ in parts:
            for name, label in zip(address.variable.dims, address.labels, strict=True):
                labels.setdefault(name, set()).add(label)
                dimensions.setdefault(name, Dimension(name, address.types.get(name, "")))
    return {name: _axis(dimensions[name], found) for name, found in labels.items()}


def _axis(dimension: Dimension, labels: Iterable[Any]) -> Axis:
    dtype = object if dimension.dtype == "string" else dimension.dtype
    return Axis(dimension, np.array(sorted(labels), dtype=dtype))


def _part(name: str, parts: Sequence[tuple[Address, Unwritten]], group: Group, snapshot: Snapshot) -> _Part:
    dims = parts[0][0].variable.dims
    shape = (*(len(group.axes[dim].labels) for dim in dims), *group.grid.shape)
    variable = Variable(name, dims, shape, cast("Any", None), _merged(parts), {})
    slots = np.array([_slots(address, group.axes) for address, _ in parts], dtype=np.int64).reshape(-1, len(dims))
    return _Part(snapshot, parts[0][0].cube, group, variable, slots)


def _merged(parts: Sequence[tuple[Address, Unwritten]]) -> dict[str, Any]:
    """Attributes of a variable: those of the newest edition win, of one edition those of the first field."""
    specs = dict.fromkeys((address.variable.edition, address.variable.attributes) for address, _ in reversed(parts))
    found: dict[str, Any] = {}
    for edition, attributes in sorted(specs, key=lambda spec: spec[0]):
        found |= dict(attributes) | {"GRIB_edition": edition}
    return found


def _slots(address: Address, axes: Mapping[str, Axis]) -> tuple[int, ...]:
    return tuple(axes[n].slots[label] for n, label in zip(address.variable.dims, address.labels, strict=True))


def _places(parts: Sequence[tuple[Address, Unwritten]], axes: Mapping[str, Axis]) -> dict[tuple[int, ...], Unwritten]:
    found: dict[tuple[int, ...], Unwritten] = {}
    for address, one in parts:
        if address.variable.dims != parts[0][0].variable.dims:
            raise KeyCollisionError(
                f"Fields of the variable {address.variable.name!r} differ in their dimensions: {address} and "
                f"{parts[0][0]}."
            )
        slots = _slots(address, axes)
        if slots in found:
            raise KeyCollisionError(f"Two fields have the same keys: {address}.")
        found[slots] = one
    return found


def _document(coordinate: Coordinate) -> dict[str, Any]:
    return {"dimension_names": list(coordinate.dims), "attributes": dict(coordinate.attrs)}


def _attributes(address: Address, one: Unwritten) -> dict[str, Any]:
    keys = {**dict(address.cube_keys), **dict(address.group_keys)}
    return {
        "Conventions": "CF-1.11",
        **{f"mars_{key}": value for key, value in keys.items()},
        "grid": one.description.grid.label,
        "grid_spec": one.description.grid.spec,
    }
