"""Bytes of any kind, stored under MARS keys as they are."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google_crc32c import value as crc32c

from dtedask.core.errors import DamagedError, OpaqueError
from dtedask.geo import Grid

if TYPE_CHECKING:
    from dtedask.store.dataset import Part

GRID = Grid.of("opaque", {}, ("item",), (1,))
_HEAD = struct.Struct("<II")
_CRC_BYTES = 4


@dataclass(frozen=True, slots=True)
class Opaque:
    """Bytes that are archived as they are."""

    data: bytes


@dataclass(frozen=True, slots=True)
class OpaqueCodec:
    """One item as one chunk: zarr's ``vlen-bytes``, then crc32c."""

    dtype = "bytes"

    def encode(self, data: bytes) -> bytes:
        """Bytes of a chunk."""
        body = _HEAD.pack(1, len(data)) + data
        checksum: int = crc32c(body)
        return body + checksum.to_bytes(_CRC_BYTES, "little")

    def decode(self, data: bytes, place: object) -> bytes:
        """The item in a chunk.

        Raises
        ------
        DamagedError
            If the checksum does not match.
        """
        body, stored = data[:-_CRC_BYTES], int.from_bytes(data[-_CRC_BYTES:], "little")
        if crc32c(body) != stored or len(body) < _HEAD.size:
            raise DamagedError(
                f"The checksum of {place} does not match: the stored bytes have changed.",
                hint="Archive it again, which replaces it; `dtedask store verify` names an older state that is whole.",
            )
        return body[_HEAD.size :]


def is_opaque(grid: Grid) -> bool:
    """Whether what stands in a group is bytes, not fields."""
    return grid.kind == GRID.kind


def array_document(shape: tuple[int, ...], dims: tuple[str, ...], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Zarr's document of an array of items, one a chunk.

    It is written here because zarr-python warns of the data type on creation; every reader that knows ``vlen-bytes``
    opens it.
    """
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": "variable_length_bytes",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1] * len(shape)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": "",
        "codecs": [{"name": "vlen-bytes", "configuration": {}}, {"name": "crc32c"}],
        "attributes": dict(attributes),
        "dimension_names": list(dims),
        "storage_transformers": [],
    }


def check_fields(parts: Iterable[Part]) -> None:
    """Check that all that was selected is fields.

    Raises
    ------
    OpaqueError
        If some is opaque bytes.
    """
    for part in parts:
        if is_opaque(part.group.grid):
            raise OpaqueError(
                f"{part.cube}/{part.group.name}/{part.variable.name} holds bytes, not fields.",
                hint="Read them with `store.read(request)` or `dtedask store read`, or name another grid.",
            )
