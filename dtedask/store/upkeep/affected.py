"""Which fields damage is about, as requests."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dtedask.core.errors import DtedaskError
from dtedask.request import Request
from dtedask.store.commits import changes_of
from dtedask.store.selection import select_variable, whole_variable
from dtedask.store.series.array import FOLDER, STEP

if TYPE_CHECKING:
    from dtedask.store.selection import Selection
    from dtedask.store.snapshot import Snapshot

Rows = Sequence[Sequence[int]]


class Affected:
    """Names the fields of one snapshot.

    Parameters
    ----------
    snapshot : Snapshot
        The snapshot; it is read without comparing anything.
    cube : str
        Name of the cube.
    unlisted : set of str
        Paths of arrays that must not be listed, since their manifests are damaged.
    """

    def __init__(self, snapshot: Snapshot, cube: str, unlisted: frozenset[str] = frozenset()) -> None:
        self._snapshot = snapshot
        self._cube = cube
        self._unlisted = unlisted

    def fields(self, path: str, rows: Rows) -> tuple[str, ...]:
        """Requests that take exactly some fields of a variable, given by the coordinates of their chunks.

        Where they cannot be told, a request that takes all fields of the group.
        """
        selection = self._selection(path)
        if selection is None:
            return self.all_of(path)
        group, variable = path.rsplit("/", 1)
        count = len(selection.variable.dims)
        slots = {tuple(int(slot) for slot in row[:count]) for row in rows}
        known = [row for row in sorted(slots) if all(map(int.__lt__, row, selection.variable.shape))]
        keys = [(group, variable, dict(selection.keys_of(row))) for row in known]
        return tuple(_text(dict(change.request)) for change in changes_of(keys))

    def runs(self, path: str, row: Sequence[int]) -> tuple[str, ...]:
        """A request that takes the fields of a chunk of time series."""
        group, _, variable = path.partition(f"/{FOLDER}/")
        selection = self._selection(f"{group}/{variable}")
        if selection is None or STEP not in selection.variable.dims:
            return self.all_of(path)
        slots = [0 if name == STEP else slot for name, slot in zip(selection.variable.dims, row, strict=False)]
        keys = selection.keys_of(tuple(slots))
        return (_text({key: value for key, value in keys.items() if key != STEP}),)

    def all_of(self, path: str) -> tuple[str, ...]:
        """A request that takes the fields of the group that an array stands in."""
        group = path.rsplit("/", 1)[0]
        type_, levtype, grid = (*group.split("/"), "", "")[:3]
        named = {"type": "cf/pf" if type_ == "pf" else type_, "levtype": levtype, "grid": grid}
        return (_text({**self._snapshot.keys, **{key: value for key, value in named.items() if value != "none"}}),)

    def everything(self) -> tuple[str, ...]:
        """A request that takes all fields of the cube."""
        return (_text(dict(self._snapshot.keys)),) if self._snapshot.keys else ()

    def rows(self, path: str, request: Request) -> np.ndarray | None:
        """Coordinates of the chunks of a variable that a request takes; None where that cannot be told."""
        selection = self._selection(path)
        if selection is None or path in self._unlisted:
            return None
        taken = select_variable(self._snapshot, self._cube, selection.group, selection.variable, request)
        if taken is None:
            return np.empty((0, len(selection.variable.shape)), dtype=np.int64)
        width = len(selection.variable.shape) - taken.slots.shape[1]
        return np.pad(taken.slots, ((0, 0), (0, width)))

    def _selection(self, path: str) -> Selection | None:
        """All fields of a variable; None where it is none, or the labels of its group cannot be read."""
        group, name = path.rsplit("/", 1)
        with contextlib.suppress(DtedaskError):
            found = self._snapshot.group(group)
            if name in found.variables and self._unlisted.isdisjoint(f"{group}/{axis}" for axis in found.axes):
                return whole_variable(self._snapshot, self._cube, found, found.variables[name])
        return None


class Place:
    """What an error calls a chunk: its key, and those of its field, which are looked up when the error is written."""

    __slots__ = ("_key", "_snapshot")

    def __init__(self, snapshot: Snapshot, key: str) -> None:
        self._snapshot = snapshot
        self._key = key

    def __str__(self) -> str:
        path, _, slots = self._key.partition("/c/")
        named: tuple[str, ...] = ()
        with contextlib.suppress(DtedaskError):
            named = Affected(self._snapshot, "").fields(path, [[int(slot) for slot in slots.split("/")]])
        keys = f" ({named[0]})" if named else ""
        return f"the field {self._key}{keys} of the cube {self._snapshot.url!r}"


def _text(keys: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in keys.items() if value)
