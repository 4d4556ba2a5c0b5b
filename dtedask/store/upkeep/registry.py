"""Who uses a cube right now: transactions and readers say so in the root, and purge keeps what they need."""

from __future__ import annotations

import json
import logging
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from dtedask.core.errors import StoreError
from dtedask.core.processes import is_alive, process_start
from dtedask.store.location import Location
from dtedask.store.lock import cube_lock
from dtedask.store.root_files import RootFiles

Kind = Literal["transaction", "reader", "purge"]

logger = logging.getLogger(__name__)
OPEN = ".dtedask/open"
_ours: set[str] = set()


@dataclass(frozen=True, slots=True)
class Registration:
    """A transaction, reader or purge that is under way, or was when its process died.

    Parameters
    ----------
    name : str
        File in the root.
    kind : {"transaction", "reader", "purge"}
        What it is.
    host, pid : str and int
        Where it runs.
    process_start : str
        What tells the process from a later one of the same number; empty where the system does not say.
    since : datetime
        What was the state of the cube then is needed, and all that came later. By the clock of the storage, which
        agrees with the times of the objects whatever the clock of the host does.
    """

    name: str
    kind: Kind
    host: str
    pid: int
    process_start: str
    since: datetime

    @property
    def is_dead(self) -> bool:
        """Whether it is known to be over: its process on this host is gone, or forgot to say that it ended."""
        if self.host != socket.gethostname():
            return False
        if self.pid == os.getpid():
            return self.name not in _ours
        return not is_alive(self.pid, self.process_start)

    def __str__(self) -> str:
        since = self.since.strftime("%Y-%m-%d %H:%M:%S")
        return f"{self.kind} of process {self.pid} on {self.host} since {since}"


@contextmanager
def registered(
    location: Location, cube: str, kind: Kind = "transaction", *, since: datetime | None = None
) -> Iterator[str]:
    """Say in the root that a cube is in use, until the end of the block.

    Parameters
    ----------
    location : Location
        The root.
    cube : str
        Name of the cube.
    kind : {"transaction", "reader", "purge"}
        What it is.
    since : datetime, optional
        The state of an earlier time is needed too.

    Yields
    ------
    str
        Name of the file.

    Raises
    ------
    ReadOnlyError
        If the root cannot be written.
    """
    files = RootFiles(location)
    name = f"{folder_of(cube)}/{uuid.uuid4().hex}.json"
    content = {
        "kind": kind,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "process_start": process_start(os.getpid()),
        "since": since.isoformat() if since else None,
    }
    _ours.add(name)
    try:
        files.write(name, json.dumps(content).encode())
        yield name
    finally:
        _ours.discard(name)
        _remove(files, name)


@contextmanager
def open_cube(location: Location, cube: str, timeout_s: float) -> Iterator[None]:
    """Hold the lock of a cube as a registered transaction."""
    with cube_lock(location, cube, timeout_s), registered(location, cube):
        yield


def registrations(location: Location, cube: str) -> list[Registration]:
    """Everything that is registered for a cube, the dead included.

    Raises
    ------
    StoreError
        If a file of them cannot be read: what it needs is not known then.
    """
    files = RootFiles(location)
    found = []
    for file in files.files(folder_of(cube)):
        data = files.read(file.name)
        if data is not None:  # it ended between listing and reading
            found.append(_registration(location, file.name, file.modified, data))
    return found


def folder_of(cube: str) -> str:
    """Folder of the registrations of a cube."""
    return f"{OPEN}/{cube.replace('/', '+')}"


def _registration(location: Location, name: str, modified: datetime, data: bytes) -> Registration:
    try:
        content: dict[str, Any] = json.loads(data)
        since = datetime.fromisoformat(content["since"]) if content["since"] else modified
        return Registration(
            name,
            content["kind"],
            content["host"],
            int(content["pid"]),
            content["process_start"],
            min(since, modified),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"The registration {name!r} in the root {location.url!r} cannot be read.",
            hint="Remove it if no transaction or reader is open.",
        ) from error


def _remove(files: RootFiles, name: str) -> None:
    """A file that stays is taken for dead from now on, so that a failure here harms nothing."""
    try:
        files.delete(name)
    except StoreError as error:
        logger.warning("The registration %s could not be removed; the next purge does: %s", name, error)
