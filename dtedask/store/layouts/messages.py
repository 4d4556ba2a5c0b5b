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


def with_checksum(message: bytes) -> bytes:
    """A message as it stands in a pack: followed by its crc32c, little-endian, which readers of GRIB pass over."""
    checksum: int = crc32c(message)
    return message + checksum.to_bytes(_CRC_BYTES, "little")


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
        length = int.from_bytes(data[8:16] if data[7:8] == b"\x02" else data[4:7], "big") if len(data) > 16 else -1
        if data[:4] == b"GRIB" and len(data) == length:
            return data
        message, stored = data[:-_CRC_BYTES], int.from_bytes(data[-_CRC_BYTES:], "little")
        if crc32c(message) != stored:
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
            raise _damaged(place, error.message) from error

    def array_options(self) -> dict[str, Any]:
        """What `zarr.create_array` must be told of the codec."""
        from dtedask.store.layouts.zarr_codecs import GribCodec

        return {"serializer": GribCodec(), "compressors": None, "filters": None}

    def to_values(self) -> Values:
        """What a schema says that asks for this codec."""
        from dtedask.store.schema import Values

        return Values.model_validate({"dtype": self.dtype, "layout": "messages"})


def _damaged(place: object, reason: str = "the stored bytes have changed") -> DamagedError:
    return DamagedError(
        f"The GRIB message of {place} is damaged: {reason.rstrip('.')}.",
        hint="Archive it again, which replaces it; `dtedask store verify` names an older state that is whole.",
    )
