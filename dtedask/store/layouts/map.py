"""Layout ``map``: one field as the bytes of one chunk, and back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from google_crc32c import value as crc32c
from numcodecs import blosc
from numcodecs.bitround import BitRound
from numcodecs.blosc import Blosc

from dtedask.core.errors import DamagedError

if TYPE_CHECKING:
    from dtedask.store.schema import Values

_SHUFFLES = {"noshuffle": 0, "shuffle": 1, "bitshuffle": 2}
_CRC_BYTES = 4


@dataclass(frozen=True, slots=True)
class ChunkCodec:
    """Zarr's codec chain of a variable: little-endian bytes, blosc, crc32c last.

    The bytes are those that zarr writes with the same chain, so that any reader of Zarr v3 opens them.

    Parameters
    ----------
    dtype : str
        ``"float32"`` or ``"float64"``.
    compressor : str
        Name of blosc's compressor; empty for none.
    level : int
        Compression level, 0 to 9.
    shuffle : str
        ``"bitshuffle"``, ``"shuffle"`` or ``"noshuffle"``.
    keep_bits : int, optional
        Bits of the mantissa that are kept; None for all.
    """

    keeps_messages: ClassVar[bool] = False

    dtype: str
    compressor: str
    level: int
    shuffle: str
    keep_bits: int | None = None

    def encode(self, values: np.ndarray) -> bytes:
        """Bytes of a chunk.

        Parameters
        ----------
        values : numpy.ndarray
            One field, of the codec's data type.
        """
        values = np.ascontiguousarray(values, dtype=f"<{np.dtype(self.dtype).str[1:]}")
        if self.keep_bits is not None:
            values = np.asarray(BitRound(self.keep_bits).encode(values)).view(values.dtype).reshape(values.shape)
        packed = bytes(self._blosc().encode(values)) if self.compressor else values.tobytes()
        checksum: int = crc32c(packed)
        return packed + checksum.to_bytes(_CRC_BYTES, "little")

    def decode(self, data: bytes, shape: tuple[int, ...], place: object) -> np.ndarray:
        """Values of a chunk.

        Parameters
        ----------
        data : bytes
            What `encode` gave.
        shape : tuple of int
            Shape of the field.
        place : object
            What to call the chunk in an error.

        Raises
        ------
        DamagedError
            If the checksum does not match.
        """
        packed = checked(data, place)
        values = self._blosc().decode(packed) if self.compressor else packed
        return np.frombuffer(values, dtype=self.dtype).reshape(shape)

    def decode_into(self, out: np.ndarray, data: bytes, place: object) -> None:
        """Put the values of a chunk into an array of its shape, contiguous and of its data type; see `decode`."""
        packed = checked(data, place)
        with blosc_threads():
            self.unpack(out, packed)

    def unpack(self, out: np.ndarray, packed: memoryview | np.ndarray) -> None:
        """Put values into an array, from a chunk without its checksum, which was looked at."""
        if self.compressor:
            self._blosc().decode(packed, out)
        else:
            out[...] = np.frombuffer(packed, dtype=self.dtype).reshape(out.shape)

    def array_options(self, shape: tuple[int, ...], dims: int) -> dict[str, Any]:
        """What `zarr.create_array` must be told of the codec, for fields of a shape behind so many dimensions."""
        return {"chunks": (*(1,) * dims, *shape), "compressors": self.zarr_codecs()}

    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes of the array that say what its codecs do not."""
        return {} if self.keep_bits is None else {"keep_bits": self.keep_bits}

    def to_values(self) -> Values:
        """What a schema says that asks for this codec."""
        from dtedask.store.schema import Values

        codec = f"blosc-{self.compressor}" if self.compressor else "none"
        found = {"dtype": self.dtype, "codec": codec, "level": self.level, "shuffle": self.shuffle}
        return Values.model_validate({**found, "keep_bits": self.keep_bits, "tiles": "none"})

    def zarr_codecs(self) -> list[Any]:
        """Codecs after the bytes, as zarr takes them."""
        from zarr.codecs import BloscCodec, Crc32cCodec

        if not self.compressor:
            return [Crc32cCodec()]
        size = np.dtype(self.dtype).itemsize
        blosc = BloscCodec(
            cname=self.compressor,  # type: ignore[arg-type]
            clevel=self.level,
            shuffle=self.shuffle,  # type: ignore[arg-type]
            typesize=size,
        )
        return [blosc, Crc32cCodec()]

    @classmethod
    def from_values(cls, values: Values) -> ChunkCodec:
        """Codec that a schema asks for."""
        compressor = "" if values.codec == "none" else values.codec.removeprefix("blosc-")
        return cls(values.dtype, compressor, values.level, values.shuffle, values.keep_bits)

    @classmethod
    def from_metadata(cls, dtype: str, codecs: list[dict[str, object]], attributes: dict[str, object]) -> ChunkCodec:
        """Codec of an array that exists, from its Zarr metadata."""
        keep_bits = attributes.get("keep_bits")
        for codec in codecs:
            if codec["name"] == "blosc":
                config = codec["configuration"]
                assert isinstance(config, dict)
                return cls(dtype, config["cname"], config["clevel"], config["shuffle"], keep_bits)  # type: ignore[arg-type]
        return cls(dtype, "", 0, "noshuffle", keep_bits)  # type: ignore[arg-type]

    def _blosc(self) -> Blosc:
        return _blosc(self.compressor, self.level, _SHUFFLES[self.shuffle])


@contextmanager
def blosc_threads() -> Iterator[None]:
    """Let blosc use its threads where the main thread waits for it, which zarr forbids in general; it is twice as fast.

    Elsewhere several chunks are decoded side by side, one thread each.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before, blosc.use_threads = blosc.use_threads, None  # None: in the main thread only
    try:
        yield
    finally:
        blosc.use_threads = before


def checked(data: bytes, place: object) -> memoryview:
    """The bytes before the checksum, which must match."""
    view = memoryview(data)
    packed, stored = view[:-_CRC_BYTES], int.from_bytes(view[-_CRC_BYTES:], "little")
    if crc32c(bytes(packed)) != stored:
        raise DamagedError(
            f"The checksum of {place} does not match: the stored bytes have changed.",
            hint="Archive it again, which replaces it; `dtedask store verify` names an older state that is whole.",
        )
    return packed


@lru_cache(maxsize=16)
def _blosc(name: str, level: int, shuffle: int) -> Blosc:
    return Blosc(cname=name, clevel=level, shuffle=shuffle)
