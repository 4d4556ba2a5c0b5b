"""Events as rows of the log of notices."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from dtedask.notify.event import Event

COLUMNS = ("number", "grp", "variable", "request", "fields", "bytes", "checksum", "area")
"""Columns of an event, behind those that say of which commit it is."""

Row = tuple[Any, ...]


def row_of(event: Event) -> Row:
    """Give the columns of an event."""
    return (
        event.index,
        event.group,
        event.variable,
        json.dumps(event.request),
        event.fields,
        event.size_bytes,
        event.checksum or None,
        None if event.area is None else json.dumps(event.area),
    )


def event_of(cube: str, sequence: int, snapshot: str, root: str, time: datetime, row: Sequence[Any]) -> Event:
    """Make an event of the columns of its commit and its own."""
    index, group, variable, request, fields, size_bytes, checksum, area = row
    keys = tuple((key, value) for key, value in json.loads(request))
    return Event(
        cube,
        sequence,
        index,
        group,
        variable,
        keys,
        fields,
        snapshot,
        root,
        time,
        size_bytes,
        checksum or "",
        _area(area),
    )


@lru_cache(maxsize=256)
def _area(text: str | None) -> tuple[float, float, float, float] | None:
    if text is None:
        return None
    north, west, south, east = json.loads(text)
    return north, west, south, east
