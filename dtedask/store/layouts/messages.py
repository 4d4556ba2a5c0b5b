"""Layout ``messages``: a chunk is the GRIB message itself, decoded by ecCodes when it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from google_crc32c import value as crc32c

from dtedask.core.errors import DamagedError, GribError, GribUnsupportedError

if TYPE_CHECKING:
    from dtedask.store.schema import Values

_CRC_BYTES = 4
_END = b"7777"
_EDITION_2 = 2


class PackedMessage:
    """A message as it stands in a pack: followed by its crc32c, little-endian, which readers of GRIB pass over.

    The two are not joined before they have to be: that would copy the message. Equal to the bytes of both.

    Parameters
    ----------
    message : bytes
        The message.
    """

    __slots__ = ("checksum", "message")

    def __init__(self, message: bytes) -> None:
        self.message = message
        self.checksum = int(crc32c(message)).to_bytes(_CRC_BYTES, "little")

    def __len__(self) -> int:
        return len(self.message) + _CRC_BYTES

    def __bytes__(self) -> bytes:
        return self.message + self.checksum

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, bytes):
            return NotImplemented
        return len(other) == len(self) and other.startswith(self.message) and other.endswith(self.checksum)

    __hash__ = None  # type: ignore[assignment]  # equal to bytes, whose hash is another


def is_whole_message(data: bytes) -> bool:
    """Whether a chunk is a message whose bytes match its checksum; of one without, whether it has both its ends."""
    return _checked(data) is not None


@dataclass(frozen=True, slots=True)
class MessageCodec:
    """GRIB messages as they are, in Zarr's array-to-bytes codec ``dtedask.grib``.

    Four bytes more than the message says are its crc32c; files of others have none.

    Parameters
    ----------
    dtype : str
        ``"float32"`` or ``"float64"``: what the values are rounded to.
    """

    name: ClassVar[str] = "dtedask.grib"
    keeps_messages: ClassVar[bool] = True

    dtype: str

    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes of the array that say what its codecs do not."""
        return {}

    def encode(self, values: np.ndarray) -> bytes:
        """Values alone are no message.

        Raises
        ------
        GribUnsupportedError
            Always.
        """
        raise GribUnsupportedError(
            f"A chunk of layout 'messages' is a GRIB message; {values.size} values without keys are none.",
            hint="Archive them through the store, which knows their keys.",
        )

    def message(self, data: bytes, place: object) -> bytes:
        """The message in a chunk, as it came.

        Raises
        ------
        DamagedError
            If its checksum does not match, or the bytes are no message.
        """
        message = _checked(data)
        if message is None:
            raise _damaged(place)
        return message

    def decode(self, data: bytes, shape: tuple[int, ...], place: object) -> np.ndarray:
        """Values of a chunk.

        Parameters
        ----------
        data : bytes
            The message, with or without its checksum.
        shape : tuple of int
            Shape of the field.
        place : object
            What to call the chunk in an error.

        Raises
        ------
        DamagedError
            If the checksum does not match, or the bytes are no message.
        GribError
            If ecCodes cannot decode a message that is as it came, or its values do not fit into the data type.
        """
        out = np.empty(shape, self.dtype)
        self.decode_into(out, data, place)
        return out

    def decode_into(self, out: np.ndarray, data: bytes, place: object) -> None:
        """Put the values of a chunk into an array of its shape; see `decode`."""
        from dtedask.grib import decode, describe

        message = self.message(data, place)
        try:
            decode(message, describe(message).order, out=out)
        except GribError as error:
            if len(message) == len(data):
                raise _damaged(place, error.message) from error
            # Its checksum matches: it came so.
            raise type(error)(f"The message of {place} cannot be decoded: {error.message}", hint=error.hint) from error

    def array_options(self, shape: tuple[int, ...], dims: int) -> dict[str, Any]:
        """What `zarr.create_array` must be told of the codec, for fields of a shape behind so many dimensions."""
        from dtedask.store.layouts.zarr_codecs import GribCodec

        chunks = (*(1,) * dims, *shape)
        return {"chunks": chunks, "serializer": GribCodec(), "compressors": None, "filters": None}

    def to_values(self) -> Values:
        """What a schema says that asks for this codec."""
        from dtedask.store.schema import Values

        return Values.model_validate({"dtype": self.dtype, "layout": "messages"})


def _checked(data: bytes) -> bytes | None:
    """The message in a chunk, or None if its bytes have changed.

    Which of both kinds a chunk is, its ends say and not the length in its head, which a flipped bit may change.
    """
    if data[:4] != b"GRIB":
        return None
    if data[-2 * _CRC_BYTES : -_CRC_BYTES] == _END:
        message = data[:-_CRC_BYTES]
        if crc32c(message) == int.from_bytes(data[-_CRC_BYTES:], "little"):
            return message
        if len(data) != _length(data):  # else values that look like an end, in a message of others
            return None
    return data if data[-_CRC_BYTES:] == _END else None


def _length(data: bytes) -> int:
    """Length that a message says it has."""
    return int.from_bytes(data[8:16] if data[7] == _EDITION_2 else data[4:7], "big")


def _damaged(place: object, reason: str = "the stored bytes have changed") -> DamagedError:
    return DamagedError(
        f"The GRIB message of {place} is damaged: {reason.rstrip('.')}.",
        hint="Archive it again, which replaces it; `dtedask store verify` names an older state that is whole.",
    )
