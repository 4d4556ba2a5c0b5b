"""What every layout's codec does: one field as the bytes of one chunk, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from dtedask.store.layouts.integers import IntegerCodec
from dtedask.store.layouts.map import ChunkCodec
from dtedask.store.layouts.messages import MessageCodec
from dtedask.store.layouts.tiles import TileCodec, tile_points
from dtedask.store.opaque import OpaqueCodec

if TYPE_CHECKING:
    from dtedask.geo import Grid
    from dtedask.store.schema import Values


class FieldCodec(Protocol):
    """How the fields of a variable are stored; hashable, picklable, and equal where the bytes are alike."""

    @property
    def dtype(self) -> str:
        """``"float32"`` or ``"float64"``."""

    @property
    def keeps_messages(self) -> bool:
        """Whether a chunk is the GRIB message itself, so that nothing is decoded on writing."""

    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes of the array that say what its codecs do not."""

    def encode(self, values: np.ndarray) -> bytes:
        """Bytes of a chunk that holds a field, shape of the grid."""

    def decode(self, data: bytes, shape: tuple[int, ...], place: object) -> np.ndarray:
        """Values of a chunk in a grid's shape; `place` names it in a `DamagedError`."""

    def decode_into(self, out: np.ndarray, data: bytes, place: object) -> None:
        """Put the values of a chunk into a contiguous array of the grid's shape and the codec's data type."""

    def array_options(self, shape: tuple[int, ...], dims: int) -> dict[str, Any]:
        """What `zarr.create_array` must be told of the codec, for fields of a shape behind so many dimensions."""

    def to_values(self) -> Values:
        """What a schema says that asks for this codec."""


Codec = FieldCodec | OpaqueCodec


def codec_of(metadata: Mapping[str, Any]) -> Codec:
    """Codec of an array that exists, from its Zarr document."""
    dtype, codecs, attributes = metadata["data_type"], metadata["codecs"], metadata["attributes"]
    if dtype == "variable_length_bytes":
        return OpaqueCodec()
    if codecs[0]["name"] == MessageCodec.name:
        return MessageCodec(dtype)
    if codecs[0]["name"] == IntegerCodec.name:
        return IntegerCodec(dtype, codecs[0]["configuration"]["level"])
    if codecs[0]["name"] == TileCodec.name:
        return TileCodec.from_metadata(dtype, codecs[0]["configuration"], attributes)
    return ChunkCodec.from_metadata(dtype, codecs, attributes)


def codec_of_values(values: Values, grid: Grid) -> FieldCodec:
    """Codec that a schema asks for, for the fields of a grid."""
    if values.layout == "messages":
        return MessageCodec(values.dtype)
    if values.codec == "grib-int":
        return IntegerCodec(values.dtype, values.level)
    points = tile_points(values.tiles, grid)
    return TileCodec.from_values(values, grid.shape, points) if points else ChunkCodec.from_values(values)
