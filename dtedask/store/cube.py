"""Open one cube by its path or URL, without its root."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING

from dtedask.core.errors import NoMatchError
from dtedask.request import Request
from dtedask.store.dataset import Time, dataset_of
from dtedask.store.location import Location
from dtedask.store.repository import snapshot_at
from dtedask.store.schema import CUBE_KEYS
from dtedask.store.selection import select

if TYPE_CHECKING:
    import xarray as xr

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
    """
    snapshot, location, name = open_snapshot(cube, at)
    full = snapshot.find_group(group)
    selections = [part for part in select(snapshot, name, Request({})) if part.group.name == full]
    if not selections:
        raise NoMatchError(f"The group {full!r} of the cube {str(cube)!r} holds no fields.")
    return dataset_of(location, selections, time=time)


def open_snapshot(cube: str | os.PathLike[str], at: str | datetime | None) -> tuple[Snapshot, Location, str]:
    """Snapshot of a cube, the root that it lies in, and its name there."""
    whole = Location.parse(cube).url
    root, *parts = whole.rsplit("/", len(CUBE_KEYS))
    name = "/".join(parts)
    location = Location(root)
    return snapshot_at(location, name, at), location, name
