"""Codec ``grib-int`` of the layout ``map``: the integers that a message packs, and their scale.

A chunk is little-endian: a head of 24 bytes (`_HEAD`), a bitmap of missing points compressed by blosc where there are
any, a body compressed by blosc, and crc32c of all that. What the body is, the head says: nothing (every point has the
value ``reference``), plain values of the array's data type, or folded differences of the integers of present points;
a missing point repeats the integer before it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from google_crc32c import value as crc32c
from numcodecs.blosc import Blosc

from dtedask.core.errors import DamagedError
from dtedask.core.scale import Scale
from dtedask.store.layouts.map import blosc_threads, checked
from dtedask.store.layouts.prediction import best_predictor, differences, restore

if TYPE_CHECKING:
    from dtedask.geo import PointOrder
    from dtedask.store.schema import Values

_HEAD = struct.Struct("<BBBBhhIId")  # version, kind, bytes of an integer, predictor, exponents, bits, bytes of bitmap
_VERSION = 1
_PLAIN, _CONSTANT, _INTEGERS = 0, 1, 2
_MOST_OF_MESSAGE = 1.1
_BITSHUFFLE, _NO_SHUFFLE = 2, 0


@dataclass(frozen=True, slots=True)
class _Head:
    """What a chunk says of itself; of a constant the reference is the value."""

    kind: int
    scale: Scale
    item_bytes: int = 0
    predictor: int = 0
    bitmap_bytes: int = 0

    def pack(self) -> bytes:
        scale = self.scale
        exponents = (scale.binary, scale.decimal)
        return _HEAD.pack(
            _VERSION, self.kind, self.item_bytes, self.predictor, *exponents, scale.bits, self.bitmap_bytes,
            scale.reference,
        )  # fmt: skip

    @classmethod
    def unpack(cls, data: memoryview, place: object) -> _Head:
        if len(data) < _HEAD.size or data[0] != _VERSION or data[1] > _INTEGERS:
            raise DamagedError(
                f"The chunk of {place} is no chunk of grib-int that this dtedask knows.",
                hint="Read it with a newer dtedask, or archive it again.",
            )
        _, kind, size, predictor, binary, decimal, bits, bitmap, reference = _HEAD.unpack_from(data)
        return cls(kind, Scale(reference, binary, decimal, bits), size, predictor, bitmap)


_NO_SCALE = Scale(0.0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class IntegerCodec:
    """The packed integers of GRIB, in Zarr's array-to-bytes codec ``dtedask.grib-int``.

    Values come back to the last bit. A field whose values are not those of integers is kept as plain values.

    Parameters
    ----------
    dtype : str
        ``"float32"`` or ``"float64"``: what ecCodes' float64 values are rounded to.
    level : int
        Level of blosc, 0 to 9.
    """

    name: ClassVar[str] = "dtedask.grib-int"
    keeps_messages: ClassVar[bool] = False

    dtype: str
    level: int = 1

    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes of the array that say what its codecs do not."""
        return {}

    def encode(self, values: np.ndarray) -> bytes:
        """Bytes of a chunk of values without a scale, plain.

        Parameters
        ----------
        values : numpy.ndarray
            One field, of the codec's data type.
        """
        values = np.ascontiguousarray(values, dtype=f"<{np.dtype(self.dtype).str[1:]}")
        return self._close(_Head(_PLAIN, _NO_SCALE, values.itemsize), b"", self._press(values))

    def encode_scaled(self, values: np.ndarray, scale: Scale | None, message_bytes: int = 0) -> bytes:
        """Bytes of a chunk: integers where they give the very values, else plain values.

        Parameters
        ----------
        values : numpy.ndarray of float64, shape of the grid
            As ecCodes decodes them; NaN is missing.
        scale : Scale, optional
            Of the message that they came from.
        message_bytes : int
            Size of that message. What LZ4 leaves a tenth larger is compressed by zstd.

        Raises
        ------
        FloatingPointError
            If values do not fit into the data type.
        """
        missing = np.isnan(values).ravel()
        present = values.ravel() if not missing.any() else values.ravel()[~missing]
        constant = _constant(present)
        if constant is not None and _is_held(constant, self.dtype):
            bitmap = self._bitmap(missing, present)
            return self._close(_Head(_CONSTANT, replace(_NO_SCALE, reference=constant)), bitmap, b"")
        integers = scale.integers(present) if scale is not None else None
        if integers is None or scale is None or not scale.fits(self.dtype, int(integers.max())):
            with np.errstate(over="raise", under="ignore"):
                return self.encode(values.astype(self.dtype))
        return self._encode_integers(integers, missing, values.shape, scale, message_bytes)

    def encode_message(self, message: bytes, order: PointOrder | None = None) -> bytes:
        """Bytes of a chunk of a GRIB message.

        Parameters
        ----------
        message : bytes
            One field.
        order : PointOrder, optional
            How its values become the order of the grid; the message is asked where it is not given.

        Raises
        ------
        GribError
            If it cannot be decoded, or its values do not fit into the data type.
        """
        from dtedask.grib import decode, describe, scale_of

        order = order or describe(message).order
        values = decode(message, order, dtype="float64")
        try:
            return self.encode_scaled(values, scale_of(message), len(message))
        except FloatingPointError:
            return self.encode(decode(message, order, dtype=self.dtype))  # which says what does not fit

    def encode_stored(self, data: bytes, source: IntegerCodec, shape: tuple[int, ...], place: object) -> bytes:
        """Bytes of a chunk that another array of grib-int holds: integers stay what they are.

        Parameters
        ----------
        data : bytes
            The chunk.
        source : IntegerCodec
            Of the array that it is from.
        shape : tuple of int
            Shape of the field.
        place : object
            What to call the chunk in an error.

        Raises
        ------
        DamagedError
            If the checksum does not match.
        """
        scale = source.scale(data, place)
        if self.dtype == source.dtype or (scale is not None and self.dtype == "float64"):
            return data
        values = source.decode(data, shape, place)
        return self.encode(values.astype(self.dtype)) if scale is None else self.encode_scaled(values, scale)

    def decode(self, data: bytes, shape: tuple[int, ...], place: object) -> np.ndarray:
        """Values of a chunk.

        Parameters
        ----------
        data : bytes
            What `encode` or `encode_scaled` gave.
        shape : tuple of int
            Shape of the field.
        place : object
            What to call the chunk in an error.

        Raises
        ------
        DamagedError
            If the checksum does not match.
        """
        out = np.empty(shape, self.dtype)
        self.decode_into(out, data, place)
        return out

    def decode_into(self, out: np.ndarray, data: bytes, place: object) -> None:
        """Put the values of a chunk into an array of its shape, contiguous and of its data type; see `decode`."""
        packed = checked(data, place)
        head = _Head.unpack(packed, place)
        body = packed[_HEAD.size + head.bitmap_bytes :]
        if head.kind == _PLAIN:
            with blosc_threads():
                Blosc().decode(body, out)
        elif head.kind == _CONSTANT:
            out[...] = head.scale.reference
        else:
            head.scale.values_into(out.reshape(-1), _integers(head, body, out.shape))
        if head.bitmap_bytes:
            bitmap = np.frombuffer(Blosc().decode(packed[_HEAD.size : _HEAD.size + head.bitmap_bytes]), np.uint8)
            out.reshape(-1)[np.unpackbits(bitmap, count=out.size).view(bool)] = np.nan

    def scale(self, data: bytes, place: object) -> Scale | None:
        """Scale of the integers of a chunk, with 0 bits for a constant; None where its values are plain.

        Raises
        ------
        DamagedError
            If the checksum does not match.
        """
        head = _Head.unpack(checked(data, place), place)
        return None if head.kind == _PLAIN else head.scale

    def array_options(self, shape: tuple[int, ...], dims: int) -> dict[str, Any]:
        """What `zarr.create_array` must be told of the codec, for fields of a shape behind so many dimensions."""
        from dtedask.store.layouts.zarr_codecs import GribIntegerCodec

        chunks = (*(1,) * dims, *shape)
        return {
            "chunks": chunks,
            "serializer": GribIntegerCodec(self.level),
            "compressors": None,
            "filters": None,
        }

    def to_values(self) -> Values:
        """What a schema says that asks for this codec."""
        from dtedask.store.schema import Values

        return Values.model_validate({"dtype": self.dtype, "codec": "grib-int", "level": self.level})

    def _encode_integers(
        self, integers: np.ndarray, missing: np.ndarray, shape: tuple[int, ...], scale: Scale, message_bytes: int
    ) -> bytes:
        scale = replace(scale, bits=max(scale.bits, int(integers.max()).bit_length()))
        bitmap = self._bitmap(missing, integers)
        field = _filled(integers, missing).reshape(shape) if bitmap else integers.reshape(shape)
        predictor = best_predictor(field, lambda sample: len(self._press(sample)))
        steps = differences(field, predictor)
        body = self._press(steps)
        if message_bytes and len(body) + len(bitmap) > _MOST_OF_MESSAGE * message_bytes:
            body = min(body, self._press(steps, "zstd"), key=len)
        head = _Head(_INTEGERS, scale, integers.itemsize, predictor, len(bitmap))
        return self._close(head, bitmap, body)

    def _press(self, values: np.ndarray, compressor: str = "lz4") -> bytes:
        return bytes(Blosc(compressor, self.level, _BITSHUFFLE).encode(values))

    def _bitmap(self, missing: np.ndarray, present: np.ndarray) -> bytes:
        if present.size == missing.size:
            return b""
        return bytes(Blosc("zstd", self.level, _NO_SHUFFLE).encode(np.packbits(missing)))

    @staticmethod
    def _close(head: _Head, bitmap: bytes, body: bytes) -> bytes:
        data = replace(head, bitmap_bytes=len(bitmap)).pack() + bitmap + body
        checksum: int = crc32c(data)
        return data + checksum.to_bytes(4, "little")


def is_plain(data: bytes) -> bool:
    """Whether a chunk of grib-int holds plain values, as no integers give them."""
    return data[1] == _PLAIN


def _integers(head: _Head, body: memoryview, shape: tuple[int, ...]) -> np.ndarray:
    found = np.empty(int(np.prod(shape)), f"u{head.item_bytes}")
    with blosc_threads():
        Blosc().decode(body, found)
    restore(found, head.predictor, shape[-1])
    return found


def _constant(present: np.ndarray) -> float | None:
    """The one value of all points, to the last bit; None where they differ."""
    if not present.size:
        return float("nan")
    bits = present.view(np.int64)
    return float(present[0]) if (bits == bits[0]).all() else None


def _is_held(value: float, dtype: str) -> bool:
    return not abs(value) > np.finfo(dtype).max


def _filled(integers: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Integers of all points: a missing one repeats the one before it, or else the first."""
    places = np.maximum(np.cumsum(~missing) - 1, 0)
    filled: np.ndarray = integers[places]
    return filled
