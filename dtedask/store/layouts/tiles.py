"""A field in tiles: one object, a shard of Zarr, of which parts can be read."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from google_crc32c import value as crc32c

from dtedask.core.cores import cores
from dtedask.core.errors import DamagedError
from dtedask.store.layouts.map import ChunkCodec
from dtedask.store.layouts.tiling import Piece, Tiling, Window, tile_shape, tiling_of
from dtedask.store.pool import decoding_pool

if TYPE_CHECKING:
    from dtedask.geo import Grid
    from dtedask.store.schema import Values

CRC_BYTES = 4
RANGE_BYTES = 16
NOWHERE = 2**64 - 1
AUTO_POINTS = 65_536
AUTO_LEAST_POINTS = 500_000
_of_thread = threading.local()
_THREADED_BYTES, _PIECES_PER_THREAD = 2**16, 4


@dataclass(frozen=True, slots=True)
class TileCodec:
    """Zarr's sharding of a variable: tiles, each encoded by itself, and an index of them at the end.

    The bytes are those that zarr-python writes, so that any reader of Zarr v3 opens them.

    Parameters
    ----------
    inner : ChunkCodec
        How a tile is encoded.
    tile : tuple of int
        Shape of a tile.
    points : int
        Points of a tile that were asked for.
    """

    name: ClassVar[str] = "sharding_indexed"
    keeps_messages: ClassVar[bool] = False

    inner: ChunkCodec
    tile: tuple[int, ...]
    points: int

    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes of the array that say what its codecs do not."""
        return {**self.inner.attributes, "tile_points": self.points}

    @property
    def dtype(self) -> str:
        """Data type of the values."""
        return self.inner.dtype

    @property
    def tile_bytes(self) -> int:
        """Size of a decoded tile."""
        return math.prod(self.tile) * np.dtype(self.dtype).itemsize

    def tiling(self, shape: tuple[int, ...]) -> Tiling:
        """How a field of a shape is cut."""
        return tiling_of(shape, self.tile)

    def encode(self, values: np.ndarray) -> bytes:
        """Bytes of a field; tiles of nothing but missing points take none.

        Parameters
        ----------
        values : numpy.ndarray
            One field, of the codec's data type.
        """
        tiling = self.tiling(values.shape)
        ranges = np.full((tiling.count, 2), NOWHERE, dtype="<u8")
        parts: list[bytes] = []
        end = 0
        for number in tiling.order:
            part = self._encoded(values[tiling.slices[number]])
            if part is not None:
                ranges[number] = end, len(part)
                parts.append(part)
                end += len(part)
        index = ranges.tobytes()
        checksum: int = crc32c(index)
        return b"".join((*parts, index, checksum.to_bytes(CRC_BYTES, "little")))

    def decode(self, data: bytes, shape: tuple[int, ...], place: object) -> np.ndarray:
        """Values of a field.

        Parameters
        ----------
        data : bytes
            What `encode` gave.
        shape : tuple of int
            Shape of the field.
        place : object
            What to call it in an error.

        Raises
        ------
        DamagedError
            If the checksum of the index or of a tile does not match.
        """
        out = np.empty(shape, self.dtype)
        self.decode_into(out, data, place)
        return out

    def decode_into(self, out: np.ndarray, data: bytes, place: object) -> None:
        """Put the values of a field into an array of its shape and data type; see `decode`."""
        tiling = self.tiling(out.shape)
        self.decode_window(out, self.split(data, tiling, tiling.whole, place), tiling.whole, place)

    def is_whole(self, data: bytes, shape: tuple[int, ...]) -> bool:
        """Whether the checksums of a stored field, of its index and of each tile, match its bytes."""
        tiling = self.tiling(shape)
        try:
            for part in self.split(data, tiling, tiling.whole, "").values():
                _checked(part, "tile", "")
        except DamagedError:
            return False
        return True

    def split(self, data: bytes, tiling: Tiling, window: Window, place: object) -> dict[int, np.ndarray]:
        """Stored bytes of the tiles that a window touches, from those of the field."""
        view = np.frombuffer(data, np.uint8)
        ranges = self.index(view[-self.index_bytes(tiling) :], tiling, place)[list(window.tiles)]
        found = zip(window.tiles, ranges.tolist(), strict=True)
        return {tile: view[first:end] for tile, (first, end) in found if first >= 0}

    def decode_window(self, out: np.ndarray, stored: Mapping[int, np.ndarray], window: Window, place: object) -> None:
        """Decode a part of a field.

        Parameters
        ----------
        out : numpy.ndarray
            Of the shape of the window and the codec's data type.
        stored : mapping of int to numpy.ndarray of uint8
            Stored bytes of the tiles that the window touches, by number; a tile that is not stored is missing.
        window : Window
            The part.
        place : object
            What to call the field in an error.

        Raises
        ------
        DamagedError
            If the checksum of a tile does not match.
        """
        threads = self._threads(window)
        shares = [window.pieces[number::threads] for number in range(threads)]
        others = [decoding_pool().submit(self._decode_pieces, out, stored, share, place) for share in shares[1:]]
        try:
            self._decode_pieces(out, stored, shares[0], place)
        finally:
            wait(others)
        for other in others:
            other.result()

    def index_bytes(self, tiling: Tiling) -> int:
        """Length of the index at the end of a stored field."""
        return RANGE_BYTES * tiling.count + CRC_BYTES

    def index(self, data: np.ndarray, tiling: Tiling, place: object) -> np.ndarray:
        """Where the tiles of a stored field lie, from its last bytes.

        Returns
        -------
        numpy.ndarray of int64, shape (tiles, 2)
            First byte of each tile and the byte after its last; -1 for a tile of missing points, which is not stored.

        Raises
        ------
        DamagedError
            If its checksum does not match.
        """
        if len(data) != self.index_bytes(tiling):
            raise _damaged("index of the tiles", place)
        found = _checked(data, "index of the tiles", place).view("<u8").reshape(-1, 2)
        is_stored = found[:, :1] != NOWHERE
        ranges = np.where(is_stored, found, 0).astype(np.int64)
        ranges[:, 1] += ranges[:, 0]
        return np.where(is_stored, ranges, -1)

    def array_options(self, shape: tuple[int, ...], dims: int) -> dict[str, Any]:
        """What `zarr.create_array` must be told of the codec, for fields of a shape behind so many dimensions."""
        ones = (1,) * dims
        return {
            "chunks": (*ones, *self.tile),
            "shards": (*ones, *self.tiling(shape).padded),
            "compressors": self.inner.zarr_codecs(),
        }

    @classmethod
    def from_values(cls, values: Values, shape: tuple[int, ...], points: int) -> TileCodec:
        """Codec that a schema asks for, for fields of a shape, in tiles of about so many points."""
        return cls(ChunkCodec.from_values(values), tile_shape(shape, points), points)

    @classmethod
    def from_metadata(cls, dtype: str, sharding: Mapping[str, Any], attributes: Mapping[str, Any]) -> TileCodec:
        """Codec of an array that exists, from the configuration of its sharding."""
        inner = ChunkCodec.from_metadata(dtype, list(sharding["codecs"]), dict(attributes))
        tile = tuple(sharding["chunk_shape"][int(attributes["dtedask_dims"]) :])
        return cls(inner, tile, int(attributes.get("tile_points", math.prod(tile))))

    def to_values(self) -> Values:
        """What a schema says that asks for this codec."""
        return self.inner.to_values().model_copy(update={"tiles": self.points})

    def _encoded(self, values: np.ndarray) -> bytes | None:
        """Bytes of one tile; None where all of its points are missing."""
        if np.isnan(values[(0,) * values.ndim]) and np.isnan(values).all():
            return None
        if values.shape != self.tile:
            padded = np.full(self.tile, np.nan, values.dtype)
            padded[tuple(slice(size) for size in values.shape)] = values
            values = padded
        return self.inner.encode(values)

    def _decode_pieces(
        self, out: np.ndarray, stored: Mapping[int, np.ndarray], pieces: Sequence[Piece], place: object
    ) -> None:
        buffer = _scratch(self.tile, self.dtype)
        for piece in pieces:
            data = stored.get(piece.tile)
            if data is None:
                out[piece.target] = np.nan
                continue
            packed = _checked(data, "tile", place)
            if piece.is_all and (target := out[piece.target]).flags.c_contiguous:
                self.inner.unpack(target, packed)
            else:
                self.inner.unpack(buffer, packed)
                out[piece.target] = buffer[piece.source]

    def _threads(self, window: Window) -> int:
        """Threads to decode in: several where the main thread waits for one field, and tiles are not too small.

        Elsewhere fields are decoded side by side. Threads wait for each other longer than they decode small tiles.
        """
        if self.tile_bytes < _THREADED_BYTES or threading.current_thread() is not threading.main_thread():
            return 1
        return max(min(len(window.pieces) // _PIECES_PER_THREAD, cores()), 1)


def tile_points(asked: int | str, grid: Grid) -> int:
    """Points of the tiles of a grid's fields; 0 where fields are one chunk.

    Parameters
    ----------
    asked : int or {"auto", "none"}
        What a schema says.
    grid : Grid
        Spectral coefficients have no places, so that nobody wants a part of them.
    """
    if isinstance(asked, int):
        return asked
    return AUTO_POINTS if asked == "auto" and grid.size >= AUTO_LEAST_POINTS and grid.kind != "sh" else 0


def _scratch(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Room for one tile, of the calling thread; its content means nothing."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room: np.ndarray | None = getattr(_of_thread, "room", None)
    if room is None or room.nbytes < size:
        room = _of_thread.room = np.empty(size, np.uint8)
    return room[:size].view(dtype).reshape(shape)


def _checked(data: np.ndarray, what: str, place: object) -> np.ndarray:
    """The bytes before the checksum, which must match."""
    packed, stored = data[:-CRC_BYTES], int.from_bytes(data[-CRC_BYTES:].tobytes(), "little")
    if crc32c(packed) != stored:
        raise _damaged(what, place)
    return packed


def _damaged(what: str, place: object) -> DamagedError:
    return DamagedError(
        f"The checksum of the {what} of {place} does not match: the stored bytes have changed.",
        hint="Archive it again, which replaces it; `dtedask store verify` names an older state that is whole.",
    )
