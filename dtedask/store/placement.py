"""Give every field of a transaction its slot, and grow the axes of its cube."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import FieldError, KeyCollisionError
from dtedask.store.chunks import ChunkCodec, Codec
from dtedask.store.identity import Address, VariableSpec
from dtedask.store.labels import Dimension, Label
from dtedask.store.opaque import OpaqueCodec, array_document, is_opaque
from dtedask.store.snapshot import FORMAT, Axis, Group, Snapshot, Variable, free_attribute, grid_attribute, run_async

if TYPE_CHECKING:
    from dtedask.grib import Coordinate

LABELS_PER_CHUNK = 16_384
CoordinatesOf = Callable[[Address], Mapping[str, "Coordinate"]]


@dataclass
class AxisGrowth:
    """An axis with the labels that a transaction adds.

    Parameters
    ----------
    known : Axis
        The axis before the transaction.
    """

    known: Axis
    added: dict[Label, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.old = self.length = len(self.known.labels)
        self.free = {slot: self.known.labels[slot] for slot in sorted(self.known.free)}
        self._stale = {label: slot for slot, label in self.free.items()}

    @property
    def dimension(self) -> Dimension:
        """What the labels are."""
        return self.known.dimension

    def slot(self, label: Label) -> int:
        """Slot of a label; a new one takes a free slot, the lowest first, before the axis gets longer."""
        found = self.known.slots.get(label, self.added.get(label))
        if found is None:
            found = self.added[label] = self._take(label)
        return found

    def _take(self, label: Label) -> int:
        # A label that was wiped gets its old slot where that is free still, so that none ever stands there twice.
        slot = self._stale.get(label, -1)
        if slot not in self.free:
            slot = next(iter(self.free), self.length)
        if self.free.pop(slot, None) is None:
            self.length += 1
        return slot

    def labels(self) -> np.ndarray:
        """Labels of all slots after the transaction."""
        dtype = object if self.dimension.dtype == "string" else self.dimension.dtype
        found = np.empty(self.length, dtype=dtype)
        found[: self.old] = self.known.labels
        for label, slot in self.added.items():
            found[slot] = label
        return found


@dataclass
class GroupGrowth:
    """A group with what a transaction adds to it."""

    address: Address
    group: Group | None
    axes: dict[str, AxisGrowth] = field(default_factory=dict)
    variables: dict[str, VariableSpec] = field(default_factory=dict)
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Full name of the group."""
        return self.address.group

    def place(self, address: Address) -> tuple[int, ...]:
        """Slots of a field on the dimensions of its variable."""
        self._check_grid(address)
        self._check_variable(address)
        return tuple(
            self._axis(name).slot(label) for name, label in zip(address.variable.dims, address.labels, strict=True)
        )

    def length(self, dimension: str) -> int:
        """Slots of an axis after the transaction."""
        return self._axis(dimension).length

    def _axis(self, name: str) -> AxisGrowth:
        if name not in self.axes:
            known = self.group.axes.get(name) if self.group else None
            self.axes[name] = AxisGrowth(known or Axis(Dimension(name), np.empty(0, dtype=object)))
        return self.axes[name]

    def _check_grid(self, address: Address) -> None:
        grid = self.group.grid if self.group else self.address.grid
        if grid != address.grid:
            raise KeyCollisionError(
                f"The group {address.group!r} of the cube {address.cube!r} holds another grid of the same name.",
                hint=f"It holds {grid.spec}; the field has {address.grid.spec}.",
            )

    def _check_variable(self, address: Address) -> None:
        spec = address.variable
        known = self.variables.get(spec.name)
        if known is spec:
            return
        stored = self.group.variables.get(spec.name) if self.group else None
        if known is None and stored is None:
            self.variables[spec.name] = spec
            return
        dims = known.dims if known else stored.dims if stored else ()
        if dims != spec.dims:
            raise FieldError(_dimension_message(address, dims))
        if known is None or known.attributes != spec.attributes or known.edition != spec.edition:
            self._join(address, known, stored)

    def _join(self, address: Address, known: VariableSpec | None, stored: Variable | None) -> None:
        """Attributes of several messages become those of the newest edition, whichever came first."""
        spec = address.variable
        if known is not None:
            before, edition = dict(known.attributes), known.edition
        else:
            assert stored is not None
            before, edition = _own_attributes(stored.attributes), int(stored.attributes["GRIB_edition"])
        after = dict(spec.attributes)
        _check_units(address, before, after)
        if edition == spec.edition:
            _check_equal(address, before, after)
        merged = after | before if edition >= spec.edition else before | after
        joined = VariableSpec(
            spec.name, spec.dims, tuple(sorted(merged.items())), max(edition, spec.edition), spec.values
        )
        self.variables[spec.name] = joined
        stored = self.group.variables.get(spec.name) if self.group else None
        described = merged | {"GRIB_edition": joined.edition}
        if stored is not None and described.items() - stored.attributes.items():
            self.attributes[spec.name] = described


@dataclass
class Placement:
    """Slots of all fields of a transaction, and the growth that they need.

    Parameters
    ----------
    keys : list of str
        Zarr key of each field's chunk, in the order of the fields.
    codecs : list of ChunkCodec
        How each is encoded.
    fresh : list of bool
        Whether a label of the field is new, so that nothing can be there yet.
    """

    snapshot: Snapshot
    groups: dict[str, GroupGrowth]
    keys: list[str]
    coordinates: list[tuple[str, tuple[int, ...]]]
    codecs: list[Codec]
    fresh: list[bool]

    @property
    def renames_attributes(self) -> bool:
        """Whether a newer edition describes a variable anew."""
        return any(growth.attributes for growth in self.groups.values())

    def existing(self) -> list[bool]:
        """Whether each field stands in the cube already."""
        found = [False] * len(self.keys)
        asked = [index for index, is_fresh in enumerate(self.fresh) if not is_fresh]
        answers = self.snapshot.exist([self.coordinates[index] for index in asked])
        for index, present in zip(asked, answers, strict=True):
            found[index] = present
        return found


def place(snapshot: Snapshot, addresses: Iterable[Address]) -> Placement:
    """Find the slot of every field, in order of arrival.

    Raises
    ------
    FieldError
        If a field has other dimensions or units than its variable.
    KeyCollisionError
        If a field has the keys of a different one.
    """
    result = Placement(snapshot, {}, [], [], [], [])
    for address in addresses:
        growth = result.groups.get(address.group)
        if growth is None:
            group = snapshot.group(address.group) if address.group in snapshot.group_names else None
            growth = result.groups[address.group] = GroupGrowth(address, group)
        slots = growth.place(address)
        path = f"{address.group}/{address.variable.name}"
        indices = (*slots, *(0 for _ in address.grid.dims))
        result.keys.append(f"{path}/c/{'/'.join(map(str, indices))}")
        result.coordinates.append((path, indices))
        result.codecs.append(_codec(growth, address.variable))
        result.fresh.append(_is_fresh(growth, address))
    return result


def grow(placement: Placement, store: Any, coordinates_of: CoordinatesOf) -> None:
    """Write the growth into a fork: groups, labels and arrays; made once, before any task."""
    import zarr

    if not placement.snapshot.attributes:
        first = next(iter(placement.groups.values())).address
        attributes = {"dtedask": {"format": FORMAT, "keys": dict(first.cube_keys)}, "Conventions": "CF-1.11"}
        zarr.create_group(store, zarr_format=3, attributes=attributes)
    for growth in placement.groups.values():
        _grow_group(growth, store, coordinates_of)


def _grow_group(growth: GroupGrowth, store: Any, coordinates_of: CoordinatesOf) -> None:
    import zarr

    if growth.group is None:
        attributes = {"dtedask": {"grid": grid_attribute(growth.address.grid), "keys": dict(growth.address.group_keys)}}
        zarr.create_group(store, path=growth.name, zarr_format=3, attributes=attributes, overwrite=False)
        for name, coordinate in coordinates_of(growth.address).items():
            _write_coordinate(store, f"{growth.name}/{name}", coordinate)
    for name, axis in growth.axes.items():
        _grow_axis(store, f"{growth.name}/{name}", axis)
    for name, spec in growth.variables.items():
        if growth.group is None or name not in growth.group.variables:
            _create_variable(store, growth, spec)
    run_async(_update_variables(store, growth))
    if any(axis.free.keys() != axis.known.free for axis in growth.axes.values()):
        assert growth.group is not None
        free = {name: axis.free for name, axis in growth.group.axes.items()}
        free |= {name: frozenset(axis.free) for name, axis in growth.axes.items()}
        run_async(write_free(store, growth.name, growth.group.attributes, free))


def _write_coordinate(store: Any, path: str, coordinate: Coordinate) -> None:
    import zarr
    from zarr.codecs import BloscCodec, Crc32cCodec

    values = np.asarray(coordinate.values)
    array = zarr.create_array(
        store,
        name=path,
        shape=values.shape,
        chunks=values.shape,
        dtype=values.dtype,
        compressors=[BloscCodec(cname="zstd", clevel=3, shuffle="shuffle"), Crc32cCodec()]
        if values.ndim
        else [Crc32cCodec()],
        dimension_names=coordinate.dims,
        attributes=dict(coordinate.attrs) | {"dtedask_role": "coordinate"},
        config={"write_empty_chunks": True},
    )
    array[...] = values


def _grow_axis(store: Any, path: str, axis: AxisGrowth) -> None:
    import zarr
    from zarr.codecs import Crc32cCodec, ZstdCodec

    if not axis.added:
        return
    labels = axis.labels()
    if axis.old:
        array = zarr.open_array(store, path=path, mode="r+", config={"write_empty_chunks": True})
        array.resize(labels.shape)
    else:
        array = zarr.create_array(
            store,
            name=path,
            shape=labels.shape,
            chunks=(LABELS_PER_CHUNK,),
            dtype=str if axis.dimension.dtype == "string" else axis.dimension.dtype,
            compressors=[ZstdCodec(level=3), Crc32cCodec()],
            dimension_names=[axis.dimension.name],
            attributes={**axis.dimension.attributes, "dtedask_role": "axis"},
            config={"write_empty_chunks": True},
        )
    first, last = min(axis.added.values()), max(axis.added.values())
    array[first : last + 1] = labels[first : last + 1]


def _create_variable(store: Any, growth: GroupGrowth, spec: VariableSpec) -> None:
    import zarr

    grid = growth.address.grid
    attributes: dict[str, Any] = dict(spec.attributes) | {
        "GRIB_edition": spec.edition,
        "dtedask_role": "variable",
        "dtedask_dims": len(spec.dims),
    }
    if is_opaque(grid):
        run_async(_create_items(store, growth, spec, attributes))
        return
    codec = ChunkCodec.from_values(spec.values)
    if grid.dims != ("latitude", "longitude") and grid.kind != "sh":
        attributes["coordinates"] = "latitude longitude"
    if codec.keep_bits is not None:
        attributes["keep_bits"] = codec.keep_bits
    zarr.create_array(
        store,
        name=f"{growth.name}/{spec.name}",
        shape=(*(growth.length(name) for name in spec.dims), *grid.shape),
        chunks=(*(1 for _ in spec.dims), *grid.shape),
        dtype=codec.dtype,
        fill_value=np.nan,
        compressors=codec.zarr_codecs(),
        dimension_names=(*spec.dims, *grid.dims),
        attributes=attributes,
    )


async def _create_items(store: Any, growth: GroupGrowth, spec: VariableSpec, attributes: dict[str, Any]) -> None:
    grid = growth.address.grid
    shape = (*(growth.length(name) for name in spec.dims), *grid.shape)
    document = array_document(shape, (*spec.dims, *grid.dims), attributes)
    await store.set(f"{growth.name}/{spec.name}/zarr.json", _as_json(document))


def _as_json(document: Mapping[str, Any]) -> Any:
    from zarr.core.buffer import cpu

    return cpu.Buffer.from_bytes(json.dumps(document).encode())


async def _update_variables(store: Any, growth: GroupGrowth) -> None:
    """Give every array of the group the new lengths of its axes; its document is all that changes."""
    writes = []
    for name, variable in growth.group.variables.items() if growth.group else ():
        lengths = [growth.length(dim) for dim in variable.dims]
        shape = [*lengths, *variable.shape[len(lengths) :]]
        attributes = dict(variable.attributes) | growth.attributes.get(name, {})
        if shape != list(variable.shape) or attributes != variable.attributes:
            document = {**variable.metadata, "shape": shape, "attributes": attributes}
            writes.append(store.set(f"{growth.name}/{name}/zarr.json", _as_json(document)))
    await asyncio.gather(*writes)


async def write_free(store: Any, group: str, attributes: Mapping[str, Any], free: Mapping[str, Iterable[int]]) -> None:
    """Write which slots of a group's axes are free into its document."""
    ours = {key: value for key, value in attributes["dtedask"].items() if key != "free"}
    found = free_attribute(free)
    document = {
        "zarr_format": 3,
        "node_type": "group",
        "attributes": {**attributes, "dtedask": {**ours, "free": found} if found else ours},
    }
    await store.set(f"{group}/zarr.json", _as_json(document))


def _codec(growth: GroupGrowth, spec: VariableSpec) -> Codec:
    stored = growth.group.variables.get(spec.name) if growth.group else None
    if is_opaque(growth.address.grid):
        return OpaqueCodec()
    return stored.codec if stored else ChunkCodec.from_values(growth.variables[spec.name].values)


def _is_fresh(growth: GroupGrowth, address: Address) -> bool:
    if growth.group is None or address.variable.name not in growth.group.variables:
        return True
    labels = zip(address.variable.dims, address.labels, strict=True)
    return any(label in growth.axes[name].added for name, label in labels)


def _own_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    ours = ("GRIB_edition", "dtedask_role", "dtedask_dims", "coordinates", "keep_bits")
    return {name: value for name, value in attributes.items() if name not in ours}


def _check_units(address: Address, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    if before.get("units", "") != after.get("units", ""):
        raise FieldError(
            f"{address} has units {after.get('units')!r}; the variable has {before.get('units')!r}.",
            hint="Convert the field, or archive it under another expver.",
        )


def _check_equal(address: Address, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    differing = [name for name in sorted({*before} & {*after}) if before[name] != after[name]]
    if differing:
        pairs = ", ".join(f"{name} is {before.get(name)} and {after.get(name)}" for name in differing)
        raise KeyCollisionError(
            f"{address} has the keys of a different field: {pairs}.",
            hint="Archive one of them under another expver, or set the key that tells them apart.",
        )


def _dimension_message(address: Address, dims: tuple[str, ...]) -> str:
    lacking = [name for name in dims if name not in address.variable.dims]
    extra = [name for name in address.variable.dims if name not in dims]
    parts = [f"lacks {', '.join(lacking)}"] if lacking else []
    parts += [f"has {', '.join(extra)} in addition"] if extra else []
    known = ", ".join(dims) or "none"
    return f"{address} does not fit into its variable, which has the dimensions {known}: it {' and '.join(parts)}."
