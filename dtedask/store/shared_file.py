"""A small file of a root that several processes change: by compare-and-set, so that nobody loses what another wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dtedask.core.errors import ConflictError
from dtedask.core.settings import setting
from dtedask.store.lock import cube_lock
from dtedask.store.root_files import RootFiles
from dtedask.store.syncing import sync_to_disk

if TYPE_CHECKING:
    from dtedask.store.location import Location

_ATTEMPTS = 50
Edit = Callable[[bytes | None], bytes | None]


def change_file(location: Location, name: str, edit: Edit) -> None:
    """Read a file, change it, and write it if nobody else did so meanwhile; else begin again.

    On local disk and in memory a lock of its own keeps others out; in an object store the conditional put decides.

    Parameters
    ----------
    location : Location
        The root.
    name : str
        The file, such as ``".dtedask/control.json"``.
    edit : callable
        Takes the contents (None where there is no file) and gives the new ones; None leaves the file as it is. It may
        be called several times.

    Raises
    ------
    ConflictError
        If others change the file all the time.
    LockedError
        If the lock cannot be had within ``dtedask.store.lock-timeout``.
    ReadOnlyError
        If the root cannot be written.
    """
    files = RootFiles(location)
    with cube_lock(location, name, setting("store.lock-timeout")):
        for _ in range(_ATTEMPTS):
            before, version = files.read_version(name)
            after = edit(before)
            if after is None or files.replace(name, after, version):
                break
        else:
            raise ConflictError(f"The file {location.cube_url(name)!r} was changed by others {_ATTEMPTS} times.")
    if setting("store.durable"):
        sync_to_disk(location)
