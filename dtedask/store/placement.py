"""Give every field of a transaction its slot, and grow the axes of its cube."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.store.chunk_io import run_async
from dtedask.store.group import Group, grid_attribute, with_free
from dtedask.store.growth import AxisGrowth, GroupGrowth
from dtedask.store.handover import Known
from dtedask.store.identity import Address, VariableSpec
from dtedask.store.labels import Dimension
from dtedask.store.layouts import Codec, codec_of_values
from dtedask.store.opaque import OpaqueCodec, array_document, is_opaque
from dtedask.store.snapshot import FORMAT, Snapshot

if TYPE_CHECKING:
    import icechunk

    from dtedask.grib import Coordinate

LABELS_PER_CHUNK = 16_384
CoordinatesOf = Callable[[Address], Mapping[str, "Coordinate"]]


@dataclass
class Placement:
    """Slots of all fields of a transaction, and the growth that they need.

    Parameters
    ----------
    keys : list of str
        Zarr key of each field's chunk, in the order of the fields.
    codecs : list of Codec
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

    def known(self) -> Known | None:
        """What is known of the snapshot that the growth makes; None where it is the first of its cube."""
        if not self.snapshot.attributes:
            return None
        grown = {name: growth.grown() for name, growth in self.groups.items()}
        groups = {**self.snapshot.read_groups, **grown}
        names = tuple(sorted({*self.snapshot.group_names, *self.groups}))
        return Known(
            self.snapshot.attributes, names, {name: group for name, group in groups.items() if group is not None}
        )

    def existing(self, session: icechunk.Session | None = None) -> list[bool]:
        """Whether each field stands in the cube already.

        Parameters
        ----------
        session : icechunk.Session, optional
            That of the transaction, before anything is written into it, which has read most of what is asked. What it
            goes by is compared with its digest when the commit replaces it.
        """
        found = [False] * len(self.keys)
        asked = [index for index, is_fresh in enumerate(self.fresh) if not is_fresh]
        answers = self.snapshot.exist([self.coordinates[index] for index in asked], session)
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
    longer = {f"{growth.name}/{name}": axis for name, axis in growth.axes.items() if axis.added and axis.old}
    for name, axis in growth.axes.items():
        if axis.added and not axis.old:
            _create_axis(store, f"{growth.name}/{name}", axis)
    for name, spec in growth.variables.items():
        if growth.group is None or name not in growth.group.variables:
            _create_variable(store, growth, spec)
    if growth.group is not None:
        _grow_stored(store, growth, growth.group, longer)


def _grow_stored(store: Any, growth: GroupGrowth, group: Group, longer: Mapping[str, AxisGrowth]) -> None:
    """Change what stands in the group already: labels, documents of arrays, and which slots are free."""
    changed = {name: found for name, found in growth.grown_variables().items() if found is not group.variables[name]}
    documents = {f"{group.name}/{name}/zarr.json": found.metadata for name, found in changed.items()}
    writes = [_lengthen_axis(store, path, axis) for path, axis in longer.items()]
    writes += [store.set(key, _as_json(document)) for key, document in documents.items()]
    if growth.gives_or_takes_slots:
        free = {name: axis.free for name, axis in group.axes.items()}
        free |= {name: frozenset(axis.free) for name, axis in growth.axes.items()}
        writes.append(write_free(store, group.name, group.attributes, free))
    if writes:
        run_async(_all_of(writes))


async def _all_of(writes: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*writes)


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


def _create_axis(store: Any, path: str, axis: AxisGrowth) -> None:
    import zarr
    from zarr.codecs import Crc32cCodec, ZstdCodec

    labels = axis.labels()
    array = zarr.create_array(
        store,
        name=path,
        shape=labels.shape,
        chunks=(LABELS_PER_CHUNK,),
        dtype=str if axis.dimension.dtype == "string" else axis.dimension.dtype,
        compressors=[ZstdCodec(level=3), Crc32cCodec()],
        dimension_names=[axis.dimension.name],
        attributes=_axis_attributes(axis.dimension),
        config={"write_empty_chunks": True},
    )
    array[:] = labels


async def _lengthen_axis(store: Any, path: str, axis: AxisGrowth) -> None:
    """Write the chunks anew that hold new labels, and the length; nothing of the array is read for it but its document.

    Opening the array, resizing it and changing a part of a chunk, as Zarr does it, takes several times as long.
    """
    from zarr import AsyncArray
    from zarr.core.buffer import default_buffer_prototype
    from zarr.core.metadata import ArrayV3Metadata
    from zarr.storage import StorePath

    key = f"{path}/zarr.json"
    stored = await store.get(key, default_buffer_prototype())
    labels = axis.labels()
    document = {**json.loads(stored.to_bytes()), "shape": list(labels.shape)}
    metadata = ArrayV3Metadata.from_dict(document)
    array = AsyncArray(metadata, StorePath(store, path), config={"write_empty_chunks": True})
    first, last = (slot // LABELS_PER_CHUNK for slot in (min(axis.added.values()), max(axis.added.values())))
    part = slice(first * LABELS_PER_CHUNK, min((last + 1) * LABELS_PER_CHUNK, len(labels)))
    await asyncio.gather(store.set(key, _as_json(document)), array.setitem(part, labels[part]))


def _axis_attributes(dimension: Dimension) -> dict[str, Any]:
    typed = {"dtedask_type": dimension.type} if dimension.type else {}
    return {**dimension.attributes, **typed, "dtedask_role": "axis"}


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
    codec = codec_of_values(spec.values, grid)
    if grid.dims != ("latitude", "longitude") and grid.kind != "sh":
        attributes["coordinates"] = "latitude longitude"
    attributes |= codec.attributes
    zarr.create_array(
        store,
        name=f"{growth.name}/{spec.name}",
        shape=(*(growth.length(name) for name in spec.dims), *grid.shape),
        dtype=codec.dtype,
        fill_value=np.nan,
        dimension_names=(*spec.dims, *grid.dims),
        attributes=attributes,
        **codec.array_options(grid.shape, len(spec.dims)),
    )


async def _create_items(store: Any, growth: GroupGrowth, spec: VariableSpec, attributes: dict[str, Any]) -> None:
    grid = growth.address.grid
    shape = (*(growth.length(name) for name in spec.dims), *grid.shape)
    document = array_document(shape, (*spec.dims, *grid.dims), attributes)
    await store.set(f"{growth.name}/{spec.name}/zarr.json", _as_json(document))


def _as_json(document: Mapping[str, Any]) -> Any:
    from zarr.core.buffer import cpu

    return cpu.Buffer.from_bytes(json.dumps(document).encode())


async def write_free(store: Any, group: str, attributes: Mapping[str, Any], free: Mapping[str, Iterable[int]]) -> None:
    """Write which slots of a group's axes are free into its document."""
    document = {"zarr_format": 3, "node_type": "group", "attributes": with_free(attributes, free)}
    await store.set(f"{group}/zarr.json", _as_json(document))


def _codec(growth: GroupGrowth, spec: VariableSpec) -> Codec:
    stored = growth.group.variables.get(spec.name) if growth.group else None
    if is_opaque(growth.address.grid):
        return OpaqueCodec()
    return stored.codec if stored else codec_of_values(growth.variables[spec.name].values, growth.address.grid)


def _is_fresh(growth: GroupGrowth, address: Address) -> bool:
    if growth.group is None or address.variable.name not in growth.group.variables:
        return True
    labels = zip(address.variable.dims, address.labels, strict=True)
    return any(label in growth.axes[name].added for name, label in labels)
