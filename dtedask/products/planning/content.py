"""What stands for the content of fields of cubes, without reading them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from dtedask.pipeline.sources.cubes import unread_records
from dtedask.store.past.field_history import FieldHistory

if TYPE_CHECKING:
    from dtedask.store.location import Location
    from dtedask.store.selection import Record

__all__ = ["Contents"]


class Contents:
    """Says what stands for the content of a field: the commit that wrote it last.

    Later commits that leave the field alone change nothing. Where the history does not say it, since it was purged or
    rolled back, the values themselves do: the field is read, once.
    """

    def __init__(self) -> None:
        self._past: dict[str, _Past] = {}
        self._read: dict[str, str] = {}

    def of(self, record: Record, location: Location) -> str:
        """What stands for the content of a field."""
        snapshot = record.selection.snapshot
        keys = ",".join(f"{key}={value}" for key, value in sorted(record.keys.items()))
        place = f"{snapshot.cube} {record.group} {keys}"
        url = location.cube_url(snapshot.cube)
        past = self._past.get(url)
        if past is None:
            past = self._past[url] = _Past(location, snapshot.cube)
        commit = past.last_change(record)
        if commit:
            return f"cube {place} {commit}"
        known = f"{url} {snapshot.id} {place}"
        if known not in self._read:
            (unread,) = unread_records(iter([record]))
            values = np.asarray(unread.read(), dtype=np.float32)
            self._read[known] = f"values {hashlib.sha256(values.tobytes()).hexdigest()}"
        return f"cube {place} {self._read[known]}"


class _Past:
    """The history of a cube up to the snapshot that is read, never further."""

    def __init__(self, location: Location, cube: str) -> None:
        self._history = FieldHistory(location, cube)
        self._tip = ""
        self._commits: dict[int, str] = {}

    def last_change(self, record: Record) -> str:
        """The snapshot of the commit that wrote a field last; "" where that is not known."""
        tip = record.selection.snapshot.id
        if tip != self._tip:
            beginnings = self._history.beginnings
            commits = self._history.update(tip)
            if self._history.beginnings != beginnings:
                self._commits.clear()
            self._commits.update({commit.sequence: commit.snapshot for commit in commits})
            self._tip = tip
        number = self._history.last_change_of(record.group, record.variable, record.keys)
        return self._commits.get(number, "")
