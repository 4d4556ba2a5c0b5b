"""Chunks that are encoded while more fields come, so that a flush has only to write them."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np

from dtedask.store.layouts import TileCodec
from dtedask.store.layouts.map import ChunkCodec
from dtedask.store.pool import decoding_pool

if TYPE_CHECKING:
    from dtedask.store.layouts import FieldCodec

__all__ = ["Ahead", "encoding_ahead"]


class Ahead(np.ndarray):
    """Values of a field whose chunk is being encoded; what is made of it by numpy is such no more, nor what travels."""

    codec: ChunkCodec | TileCodec | None = None
    chunk: Future[bytes] | None = None

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return np.asarray(self).__reduce_ex__(protocol)

    def encoded(self, codec: FieldCodec) -> bytes | None:
        """The chunk, if it was encoded as it is wanted."""
        return self.chunk.result() if self.chunk is not None and self.codec == codec else None


def encoding_ahead(values: np.ndarray, codec: FieldCodec) -> np.ndarray:
    """Begin to encode a field that will be written; values of other layouts than `map` are left as they are."""
    if not isinstance(codec, ChunkCodec | TileCodec):
        return values
    made = values.view(Ahead)
    made.codec, made.chunk = codec, decoding_pool().submit(codec.encode, values)
    return made
