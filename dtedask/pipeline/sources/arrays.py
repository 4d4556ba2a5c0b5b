"""Fields that a program hands over: messages, arrays, GRIB."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import FieldError
from dtedask.grib import Message as GribMessage
from dtedask.grib import coordinates, scan
from dtedask.pipeline.message import Message
from dtedask.pipeline.sources.files import values_of
from dtedask.pipeline.sources.order import flush_after, in_one_order, moment_of, order_of
from dtedask.pipeline.sources.source import DType

if TYPE_CHECKING:
    from dtedask.grib import Coordinate

__all__ = ["messages_of"]


def messages_of(fields: Iterable[Any], *, dtype: DType = "float32", **keys: Any) -> Iterator[Message]:
    """Give what a program hands over as messages, in the order in which it comes.

    Parameters
    ----------
    fields : iterable
        Of `Message`; of DataArrays or Datasets as a store retrieves them, whose own fields come in the order of time;
        of bytes of GRIB; of messages of `dtedask.grib.scan`. Messages pass as they are. After the last of the other
        fields of a step there comes a flush.
    dtype : {"float32", "float64"}
        What values of GRIB are rounded to before they are float64.
    **keys
        MARS keys that arrays do not say themselves.

    Raises
    ------
    FieldError
        If something is no field.
    """
    moment: tuple[str, str, str] | None = None
    places: dict[str, Any] = {}
    for one in fields:
        if isinstance(one, Message):
            yield one
            continue
        for message in _messages(one, dtype, places, keys):
            now = moment_of(message.keys)
            if moment is not None and now != moment:
                yield flush_after(moment)
            moment = now
            yield message
    if moment is not None:
        yield flush_after(moment)


def _messages(one: Any, dtype: DType, places: dict[str, Any], keys: dict[str, Any]) -> Iterable[Message]:
    if isinstance(one, GribMessage):
        return [_of_grib(one, dtype, places)]
    if isinstance(one, bytes | bytearray | memoryview):
        return (_of_grib(message, dtype, places) for message in scan(bytes(one)))
    if hasattr(one, "dims") and hasattr(one, "coords"):
        return sorted(_of_array(one, keys), key=lambda message: order_of(message.keys))
    raise FieldError(
        f"A {type(one).__name__} is no field.", hint="Give messages, DataArrays, Datasets, or bytes of GRIB."
    )


def _of_grib(message: GribMessage, dtype: DType, places: dict[str, Any]) -> Message:
    described = message.field
    if described.grid.uid not in places:
        places[described.grid.uid] = coordinates(message)
    known: dict[str, Coordinate] = places[described.grid.uid]
    values = values_of(message.read(), described.order, dtype)
    return Message.of_field(
        in_one_order(described), values, coordinates=known, origin=f"{message.location or 'bytes'}:{message.offset}"
    )


def _of_array(data: Any, keys: dict[str, Any]) -> Iterator[Message]:
    from dtedask.store.arrays import arrays_of, fields_of_array

    for array in arrays_of(data):
        for field in fields_of_array(array, keys):
            values = np.asarray(field.values, dtype=np.float64)
            yield Message.of_field(
                in_one_order(field.description), values, coordinates=field.coordinates, origin=str(array.name)
            )
