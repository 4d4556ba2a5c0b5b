"""Codecs of ours for Zarr v3, found by its entry points, so that plain Zarr reads what the store writes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from zarr.abc.codec import ArrayBytesCodec

from dtedask.store.layouts.integers import IntegerCodec
from dtedask.store.layouts.messages import MessageCodec

if TYPE_CHECKING:
    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer, NDBuffer
    from zarr.core.common import JSON


@dataclass(frozen=True)
class GribCodec(ArrayBytesCodec):
    """A chunk is a GRIB message, decoded by ecCodes; nothing is encoded."""

    is_fixed_size = False

    @classmethod
    def from_dict(cls, data: dict[str, JSON]) -> Self:  # noqa: ARG003 - an entry without configuration
        """The codec of an array's document; it has no configuration."""
        return cls()

    def to_dict(self) -> dict[str, JSON]:
        """Its entry in the document of an array."""
        return {"name": MessageCodec.name, "configuration": {}}

    async def _decode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        return await asyncio.to_thread(self._decode, chunk_bytes, chunk_spec)

    def _decode(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        codec = MessageCodec(str(chunk_spec.dtype.to_native_dtype()))
        shape = tuple(size for size in chunk_spec.shape)
        values = codec.decode(chunk_bytes.to_bytes(), shape, "a chunk")
        return chunk_spec.prototype.nd_buffer.from_numpy_array(values)

    async def _encode_single(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> Buffer | None:
        MessageCodec(str(chunk_spec.dtype.to_native_dtype())).encode(chunk_array.as_numpy_array())
        return None

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        """Not known before a message is there.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class GribIntegerCodec(ArrayBytesCodec):
    """A chunk is the packed integers of a GRIB message with their scale, or plain values; what is encoded is plain.

    Parameters
    ----------
    level : int
        Level of blosc, 0 to 9.
    """

    is_fixed_size = False
    level: int = 1

    @classmethod
    def from_dict(cls, data: dict[str, JSON]) -> Self:
        """The codec of an array's document."""
        found = data.get("configuration") or {}
        assert isinstance(found, dict)
        return cls(**found)

    def to_dict(self) -> dict[str, JSON]:
        """Its entry in the document of an array."""
        return {"name": IntegerCodec.name, "configuration": {"level": self.level}}

    async def _decode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        return await asyncio.to_thread(self._decode, chunk_bytes, chunk_spec)

    def _decode(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        values = self._codec(chunk_spec).decode(chunk_bytes.to_bytes(), tuple(chunk_spec.shape), "a chunk")
        return chunk_spec.prototype.nd_buffer.from_numpy_array(values)

    async def _encode_single(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> Buffer | None:
        data = await asyncio.to_thread(self._codec(chunk_spec).encode, chunk_array.as_numpy_array())
        return chunk_spec.prototype.buffer.from_bytes(data)

    def _codec(self, chunk_spec: ArraySpec) -> IntegerCodec:
        return IntegerCodec(chunk_spec.dtype.to_native_dtype().name, self.level)

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        """Not known before a chunk is encoded.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError
