"""What a sink is given: the numbers of a field, or its message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dtedask.core.errors import FieldError
from dtedask.grib import decode, describe
from dtedask.pipeline.actions.encode import encode_field
from dtedask.pipeline.sinks.manifest import Keys, field_keys

if TYPE_CHECKING:
    from dtedask.grib import Encoder, FieldDescription
    from dtedask.pipeline.message import Message

_GRIB = b"GRIB"


def is_grib(data: bytes) -> bool:
    """Whether bytes are a GRIB message, and not raw numbers."""
    return data[:4] == _GRIB


def message_bytes(message: Message, encoder: Encoder) -> bytes:
    """The bytes of a field: those that it carries, else those of its GRIB2 message."""
    if message.data is not None:
        return bytes(message.data)
    return encode_field(message, encoder)(np.asarray(message.values))


def message_keys(message: Message, data: bytes) -> Keys:
    """MARS keys of what is written: an encoded message says them itself."""
    if message.data is not None and is_grib(data):
        return tuple(describe(data).keys.items())
    return field_keys(message.keys)


def field_of(message: Message) -> tuple[FieldDescription, np.ndarray]:
    """What a field is, and its float64 values in the shape of its grid; an encoded one is decoded.

    Raises
    ------
    FieldError
        If it has no grid.
    """
    data = message.data
    if data is not None and is_grib(data):
        described = describe(bytes(data))
        return described, decode(data, described.order, dtype="float64")
    if message.description is None:
        raise FieldError(
            f"The {message} has no grid, so that nobody can say where its points are.",
            hint="Give it one at its source, or write it by the sink 'file' as raw numbers.",
        )
    values = np.frombuffer(data, "<f8") if data is not None else np.asarray(message.values)
    return message.description, values.reshape(message.description.grid.shape)
