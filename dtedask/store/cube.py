"""Open one cube by its path or URL, without its root."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from dtedask.core.errors import NoMatchError
from dtedask.request import Request
from dtedask.store.control import Control, Lock
from dtedask.store.coverage import used_slots, variables_with_fields
from dtedask.store.location import Location
from dtedask.store.repository import snapshot_at
from dtedask.store.schema import CUBE_KEYS
from dtedask.store.selection import select_group

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.store.dataset import Time
    from dtedask.store.group import Group, Variable
    from dtedask.store.snapshot import Snapshot


def open_cube(
    cube: str | os.PathLike[str],
    group: str | None = None,
    *,
    at: str | datetime | None = None,
    time: Time = "reference",
) -> xr.Dataset:
    """Open a group of a cube as a lazy dataset.

    Parameters
    ----------
    cube : str or path
        Path or URL, such as ``"data/ea/enda/0001"``.
    group : str, optional
        Name of the group, such as ``"an/pl/3x3"``, or the beginning of it where only one group begins so.
    at : str or datetime, optional
        A snapshot's identifier, a tag or a moment (UTC).
    time : {"reference", "valid"}
        ``"valid"`` joins reference time and step into one sorted axis ``time``.

    Raises
    ------
    NotFoundError
        If there is no such cube, group or snapshot.
    SeveralGroupsError
        If several groups begin so.
    NoMatchError
        If the group is empty.
    ControlledError
        If one of its fields is locked for reading.
    """
    from dtedask.store.dataset import dataset_of  # xarray, which a writer that only looks at a cube needs not

    snapshot, location, name = open_snapshot(cube, at)
    found = snapshot.group(snapshot.find_group(group))
    parts = [_Whole(snapshot, name, found, variable) for variable in variables_with_fields(snapshot, found)]
    if not parts:
        raise NoMatchError(f"The group {found.name!r} of the cube {str(cube)!r} holds no fields.")
    control = Control(location)
    if hidden := control.hidden():
        return _without_hidden(location, snapshot, name, found, hidden, time)
    control.check_group("retrieve", snapshot, name, found)
    used = used_slots(snapshot, found, (part.variable for part in parts))
    return dataset_of(location, parts, time=time, used=used)


def _without_hidden(
    location: Location, snapshot: Snapshot, name: str, group: Group, hidden: tuple[Lock, ...], time: Time
) -> xr.Dataset:
    """Those fields of a group that are not hidden."""
    from dtedask.store.dataset import dataset_of
    from dtedask.store.several.scattered import is_scattered, scattered_dataset
    from dtedask.store.views.hidden import without

    parts = without(select_group(snapshot, name, group, Request({})), hidden)
    if not parts:
        raise NoMatchError(f"All fields of the group {group.name!r} of the cube {snapshot.url!r} are hidden.")
    Control(location).check_selections("retrieve", parts)
    if is_scattered(parts):
        return scattered_dataset(Request({}), parts, time)
    return dataset_of(location, parts, time=time)


@dataclass(frozen=True)
class _Whole:
    """All fields of a variable; they are listed only where that is needed."""

    snapshot: Snapshot
    cube: str
    group: Group
    variable: Variable

    @cached_property
    def slots(self) -> np.ndarray:
        return self.snapshot.present(self.group.name, self.variable.name)


def open_snapshot(cube: str | os.PathLike[str], at: str | datetime | None) -> tuple[Snapshot, Location, str]:
    """Snapshot of a cube, the root that it lies in, and its name there."""
    whole = Location.parse(cube).url
    root, *parts = whole.rsplit("/", len(CUBE_KEYS))
    name = "/".join(parts)
    location = Location(root)
    return snapshot_at(location, name, at), location, name
