"""What differs between two documents, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

__all__ = ["difference"]
_SHOWN = 60
_ABSENT = object()


def difference(before: Any, after: Any) -> list[str]:
    """List what differs, one line each: where, what it was, what it is."""
    # What was saved went through JSON: tuples became lists.
    return list(_differences(before, json.loads(json.dumps(after, default=str)), ""))


def _differences(before: Any, after: Any, place: str) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            yield from _differences(before.get(key, _ABSENT), after.get(key, _ABSENT), f"{place}.{key}".lstrip("."))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for position, (one, other) in enumerate(zip(before, after, strict=True), 1):
            yield from _differences(one, other, f"{place}[{position}]")
    elif before != after:
        yield f"{place or 'all'}: {_said(before)} was, {_said(after)} is"


def _said(value: Any) -> str:
    if value is _ABSENT:
        return "nothing"
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
