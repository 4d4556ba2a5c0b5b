"""The fields of GRIB files as messages, in the order of time, with a flush after each step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING

from dtedask.grib import coordinates, decode, scan
from dtedask.pipeline.message import Message

if TYPE_CHECKING:
    from dtedask.grib import Coordinate
    from dtedask.grib import Message as GribMessage


def messages_of_files(paths: Iterable[str]) -> Iterator[Message]:
    """Give the fields of files in the order of their valid times; after each time a flush of the kind ``step``.

    Parameters
    ----------
    paths : iterable of str
        GRIB files.

    Yields
    ------
    Message
        Fields, decoded to float64, and flushes.
    """
    found = [message for path in paths for message in scan(path)]
    timed = sorted(found, key=_moment)
    places: dict[str, Mapping[str, Coordinate]] = {}
    for (date, time, step), group in groupby(timed, key=_moment_keys):
        for message in group:
            yield _message(message, places)
        yield Message.flush("step", date=date, time=time, step=step)


def _message(message: GribMessage, places: dict[str, Mapping[str, Coordinate]]) -> Message:
    description = message.field
    uid = description.grid.uid
    if uid not in places:
        places[uid] = coordinates(message)
    values = decode(message.read(), description.order, dtype="float64")
    origin = f"{message.location}:{message.offset}"
    return Message.of_field(description, values, coordinates=places[uid], origin=origin)


def _moment_keys(message: GribMessage) -> tuple[str, str, str]:
    keys = message.field.keys
    return keys.get("date", ""), keys.get("time", ""), keys.get("step", "")


def _moment(message: GribMessage) -> tuple[int, tuple[str, str, str]]:
    return Message.of_field(message.field, None).valid_time, _moment_keys(message)
