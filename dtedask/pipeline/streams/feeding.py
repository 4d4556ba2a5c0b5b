"""GRIB files as a stream of messages in the order of the files, as MultIO's feed gives them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from dtedask.core.errors import InvalidValueError, PlanError
from dtedask.grib import coordinates, decode, scan
from dtedask.pipeline.message import Kind, Message

if TYPE_CHECKING:
    from dtedask.grib import Coordinate
    from dtedask.grib import Message as GribMessage
    from dtedask.pipeline.plan import Plan

__all__ = ["Decode", "check_encoded", "count_fields", "feed", "parse_step_range"]

Decode = Literal["no", "double", "single"]
_TIMES = ("date", "time", "step")
_NEED_NO_VALUES = frozenset({"select", "print", "sink", "single-field-sink", "debug-sink", "null", "transport"})


@dataclass(frozen=True, slots=True)
class StepRange:
    """Steps to take, in hours, both ends included."""

    first: float
    last: float

    def takes(self, message: GribMessage) -> bool:
        """Whether the step of a message, or its end, lies within."""
        return self.first * 3600 <= message.field.step_seconds <= self.last * 3600


def feed(
    paths: Iterable[str], *, decoded: Decode = "double", steps: StepRange | None = None, by_time: bool = False
) -> Iterator[Message]:
    """Give the fields of files as they stand there, and a flush wherever the step changes.

    Parameters
    ----------
    paths : iterable of str
        GRIB files.
    decoded : {"no", "double", "single"}
        Whether fields have values, float64 or rounded to float32; else they stay GRIB messages, byte for byte.
    steps : StepRange, optional
        Leave out all other steps.
    by_time : bool
        Go by valid times instead of the order of the files: statistics need that.

    Yields
    ------
    Message
        Fields and flushes.
    """
    found: Iterable[GribMessage] = _taken(paths, steps)
    if by_time:
        found = sorted(found, key=lambda one: Message.of_field(one.field, None).valid_time)
    places: dict[str, Mapping[str, Coordinate]] = {}
    for moment, group in groupby(found, key=_moment):
        for one in group:
            yield _encoded(one) if decoded == "no" else _decoded(one, decoded, places)
        yield Message.flush("step", **dict(moment))


def count_fields(paths: Iterable[str], *, steps: StepRange | None = None) -> int:
    """Count the fields that `feed` would give."""
    return sum(1 for _ in _taken(paths, steps))


def parse_step_range(text: str) -> StepRange:
    """Read a range of steps such as ``0-24``, or one step.

    Raises
    ------
    InvalidValueError
        If it is none.
    """
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", text.strip())
    if match is None or int(match[2] or match[1]) < int(match[1]):
        raise InvalidValueError(f"{text!r} is no range of steps.", hint="Write such as 0-24, in hours.")
    return StepRange(int(match[1]), int(match[2] or match[1]))


def check_encoded(plan: Plan) -> None:
    """Fail if a plan needs values of fields.

    Raises
    ------
    PlanError
        Naming the first action that does.
    """
    for pipeline in plan.pipelines:
        for position, action in enumerate(pipeline.actions, start=1):
            if action.options.type not in _NEED_NO_VALUES:
                raise PlanError(
                    f"Action {position} ({action.options.type}) of the pipeline {pipeline.name!r} needs values, but "
                    "fields are fed as GRIB messages.",
                    hint="Decode them: --decode.",
                )


def _taken(paths: Iterable[str], steps: StepRange | None) -> Iterator[GribMessage]:
    return (message for path in paths for message in scan(path) if steps is None or steps.takes(message))


def _moment(message: GribMessage) -> tuple[tuple[str, str], ...]:
    keys = message.field.keys
    return tuple((key, keys[key]) for key in _TIMES if key in keys)


def _encoded(message: GribMessage) -> Message:
    described = message.field
    return Message(
        Kind.FIELD, dict(described.keys), None, described, None, bytes(message.read()), f"{_origin_of(message)}"
    )


def _decoded(message: GribMessage, decoded: Decode, places: dict[str, Mapping[str, Coordinate]]) -> Message:
    uid = message.field.grid.uid
    if uid not in places:
        places[uid] = coordinates(message)
    values = decode(message.read(), message.field.order, dtype="float64" if decoded == "double" else "float32")
    return Message.of_field(
        message.field, values.astype("float64", copy=False), coordinates=places[uid], origin=_origin_of(message)
    )


def _origin_of(message: GribMessage) -> str:
    return f"{message.location}:{message.offset}"
