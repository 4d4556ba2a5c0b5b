"""Messages of files of others as fields that wait to be committed: references to where they lie."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from dtedask.grib import Coordinate, Message, coordinates
from dtedask.store.agreement import place_of
from dtedask.store.identity import Address, address_of
from dtedask.store.layouts import Reference
from dtedask.store.virtual.remote import read_remote
from dtedask.store.virtual.urls import is_url, reference_url
from dtedask.store.writing import Entry

if TYPE_CHECKING:
    from dtedask.store.schema import Schema, Values

CoordinatesGiven = Callable[[], Mapping[str, Coordinate]]


def entries_of(messages: Iterable[Message], schema: Schema) -> Iterator[tuple[Entry, CoordinatesGiven]]:
    """Fields that refer to messages, each with what gives the coordinates of its grid.

    A message that carries its bytes (one of several fields of one message, or of a stream) is copied.
    """
    for message in messages:
        address = _as_messages(address_of(message.field, schema))
        source = message.data if message.data is not None else reference_of(message)
        entry = Entry(address, dict(address.keys), source, message.field.order, place_of(message))
        yield entry, partial(_coordinates, message)


def reference_of(message: Message) -> Reference:
    """Where a message lies, and the state in which its file must be for that to be true."""
    version = message.version
    modified = version if isinstance(version, datetime) else None
    etag = version if isinstance(version, str) else ""
    return Reference(reference_url(message.location), message.offset, message.length, etag, modified)


def read_message(message: Message) -> bytes:
    """Bytes of a message, wherever it lies."""
    if message.data is None and is_url(message.location):
        return read_remote(message.location, message.offset, message.length)
    return message.read()


def _coordinates(message: Message) -> Mapping[str, Coordinate]:
    if message.data is None and is_url(message.location):
        message = replace(message, data=read_message(message))
    return coordinates(message)


def _as_messages(address: Address) -> Address:
    """The address of a field whose variable keeps messages where it is new, whatever the schema says of its layout."""
    spec = address.variable
    return replace(address, variable=replace(spec, values=_keeping_messages(spec.values)))


@lru_cache(maxsize=64)
def _keeping_messages(values: Values) -> Values:
    return values.model_copy(update={"layout": "messages"})
