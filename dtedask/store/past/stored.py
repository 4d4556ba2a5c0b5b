"""Fields of a snapshot as entries of a new transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from dtedask.grib import Coordinate
from dtedask.store.chunk_io import run_async
from dtedask.store.growth import own_attributes
from dtedask.store.identity import Address, VariableSpec
from dtedask.store.opaque import OpaqueCodec
from dtedask.store.removal import chunk_keys
from dtedask.store.schema import Values
from dtedask.store.write import StoredField
from dtedask.store.writing import Entry

if TYPE_CHECKING:
    from dtedask.store.group import Variable
    from dtedask.store.layouts import Codec
    from dtedask.store.location import Location
    from dtedask.store.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A field of a snapshot.

    Parameters
    ----------
    snapshot : Snapshot
        Where it stands.
    group, variable : str
        Its array.
    slots : tuple of int
        Its slots there.
    """

    snapshot: Snapshot
    group: str
    variable: str
    slots: tuple[int, ...]


def entry_of(location: Location, cube: str, row: StoredRow, keys: dict[str, str]) -> Entry:
    """A field of a snapshot that is to be written again."""
    snapshot = row.snapshot
    group = snapshot.group(row.group)
    variable = group.variables[row.variable]
    labels = tuple(
        group.axes[name].labels[[slot]].tolist()[0] for name, slot in zip(variable.dims, row.slots, strict=True)
    )
    address = Address(
        cube=cube,
        group=group.name,
        variable=_spec(snapshot, row.group, row.variable),
        labels=labels,
        grid=group.grid,
        cube_keys=tuple(snapshot.keys.items()),
        group_keys=tuple(group.keys.items()),
    )
    (key,) = chunk_keys(group, variable, np.array([row.slots], dtype=np.int64))
    source = StoredField(location, cube, snapshot.id, key, variable.codec, group.grid.shape)
    return Entry(address, keys, source, None, f"the field of the snapshot {snapshot.id}")


@lru_cache(maxsize=256)
def _spec(snapshot: Snapshot, group: str, name: str) -> VariableSpec:
    variable: Variable = snapshot.group(group).variables[name]
    attributes = own_attributes(variable.attributes)
    edition = int(variable.attributes["GRIB_edition"])
    return VariableSpec(
        name, variable.dims, tuple(sorted(attributes.items())), edition, values_of_codec(variable.codec)
    )


def values_of_codec(codec: Codec) -> Values:
    """What a schema says of arrays that are encoded so."""
    return Values() if isinstance(codec, OpaqueCodec) else codec.to_values()


def coordinates_of(snapshot: Snapshot, group: str) -> Mapping[str, Coordinate]:
    """Coordinates of the grid of a group, as they are stored."""
    from zarr import AsyncArray
    from zarr.core.metadata import ArrayV3Metadata
    from zarr.storage import StorePath

    found = {}
    for name, metadata in snapshot.group(group).coordinates.items():
        path = StorePath(snapshot.session.store, f"{group}/{name}")
        array = AsyncArray(ArrayV3Metadata.from_dict(dict(metadata)), path)
        values = np.asarray(run_async(array.getitem(...)))
        attributes = {key: value for key, value in metadata["attributes"].items() if key != "dtedask_role"}
        found[name] = Coordinate(tuple(metadata.get("dimension_names") or ()), values, attributes)
    return found
