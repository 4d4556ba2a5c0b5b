"""The order in which fields that are known beforehand go through a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from dtedask.pipeline.message import Message, valid_time_of
from dtedask.request.vocabulary import key_order

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription

__all__ = ["Moment", "flush_after", "in_one_order", "moment_key", "moment_of", "order_of", "with_flushes"]

Moment = tuple[int, str, str, str]
"""Valid time in seconds since 1970, then date, time and step."""
_TIMES = frozenset({"date", "time", "step"})


def with_flushes(fields: Iterable[Message]) -> Iterator[Message]:
    """Give fields in the order of time, those of a time in the order of their keys, and a flush after each step.

    Wherever the fields come from, it is the same order: what depends on it in the last bit, such as a mean over
    members, is the same too.
    """
    timed = sorted(fields, key=lambda message: order_of(message.keys))
    for moment, group in groupby(timed, key=lambda message: moment_of(message.keys)):
        yield from group
        yield flush_after(moment)


def flush_after(moment: tuple[str, str, str]) -> Message:
    """The flush that ends a step."""
    named = {key: text for key, text in zip(("date", "time", "step"), moment, strict=True) if text}
    return Message.flush("step", **named)


def moment_of(keys: Mapping[str, Any]) -> tuple[str, str, str]:
    """What fields of one step share: date, time and step."""
    return str(keys.get("date", "")), str(keys.get("time", "")), str(keys.get("step", ""))


def moment_key(keys: Mapping[str, Any]) -> Moment:
    """The step of a field, such that steps sort by time."""
    return (valid_time_of(keys), *moment_of(keys))


def in_one_order(description: FieldDescription) -> FieldDescription:
    """A field with its keys in the usual order: files and cubes have others, and manifests keep what they get."""
    keys = description.keys
    return replace(description, keys={key: keys[key] for key in sorted(keys, key=_place_of)})


@lru_cache(1024)
def _place_of(key: str) -> tuple[int, str]:
    known = key_order()
    return known.get(key, len(known)), key


def order_of(keys: Mapping[str, Any]) -> tuple[Any, ...]:
    """Where a field comes: by valid time, then by its step, then by its other keys, numbers as such."""
    others = sorted((key, *_natural(str(value))) for key, value in keys.items() if key not in _TIMES)
    return (*moment_key(keys), others)


def _natural(text: str) -> tuple[float, str]:
    try:
        return float(text), ""
    except ValueError:
        return float("inf"), text
