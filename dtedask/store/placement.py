"""Give every field of a transaction its slot, and grow the axes of its cube."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.store.growth import AxisGrowth, GroupGrowth
from dtedask.store.handover import Known
from dtedask.store.identity import Address, VariableSpec
from dtedask.store.labels import Dimension
from dtedask.store.layouts import Codec, codec_of_values
from dtedask.store.opaque import OpaqueCodec, array_document, is_opaque
from dtedask.store.snapshot import FORMAT, Snapshot, grid_attribute, run_async, with_free

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
    for name, axis in growth.axes.items():
        _grow_axis(store, f"{growth.name}/{name}", axis)
    for name, spec in growth.variables.items():
        if growth.group is None or name not in growth.group.variables:
            _create_variable(store, growth, spec)
    _update_variables(store, growth)
    if growth.gives_or_takes_slots:
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
            attributes=_axis_attributes(axis.dimension),
            config={"write_empty_chunks": True},
        )
    first, last = min(axis.added.values()), max(axis.added.values())
    array[first : last + 1] = labels[first : last + 1]


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


def _update_variables(store: Any, growth: GroupGrowth) -> None:
    """Give every array of the group the new lengths of its axes; its document is all that changes."""
    known = growth.group.variables if growth.group else {}
    changed = {name: found for name, found in growth.grown_variables().items() if found is not known[name]}
    documents = {f"{growth.name}/{name}/zarr.json": found.metadata for name, found in changed.items()}
    if documents:
        run_async(_set_all(store, documents))


async def _set_all(store: Any, documents: Mapping[str, Mapping[str, Any]]) -> None:
    await asyncio.gather(*(store.set(key, _as_json(document)) for key, document in documents.items()))


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
