"""One committer at a time: the lock of a cube on local and network disks, and syncing to disk."""

from __future__ import annotations

import ctypes
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dtedask.core.errors import LockedError, ReadOnlyError
from dtedask.store.location import Location

logger = logging.getLogger(__name__)
LOCKS = ".dtedask/locks"

_threads: dict[str, threading.RLock] = {}
_guard = threading.Lock()


@contextmanager
def cube_lock(location: Location, cube: str, timeout_s: float) -> Iterator[None]:
    """Hold the lock of a cube, across threads, processes and hosts.

    The lock is a file that names host and process of its holder; one whose holder died on this host is taken over.
    A root in an object store needs none: there the conditional put decides.

    Raises
    ------
    LockedError
        If it cannot be had within `timeout_s` seconds.
    ReadOnlyError
        If the root cannot be written.
    """
    with _guard:
        in_process = _threads.setdefault(location.cube_url(cube), threading.RLock())
    if not in_process.acquire(timeout=timeout_s):
        raise LockedError(
            f"Another thread of this process holds the cube {location.cube_url(cube)!r} for more than {timeout_s:g} s."
        )
    try:
        with _file_lock(location, cube, timeout_s):
            yield
    finally:
        in_process.release()


@contextmanager
def _file_lock(location: Location, cube: str, timeout_s: float) -> Iterator[None]:
    from filelock import SoftFileLock, Timeout

    if not location.is_local:
        yield
        return
    path = Path(location.url) / LOCKS / f"{cube.replace('/', '+')}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = SoftFileLock(path, timeout=timeout_s, poll_interval=0.01)
        lock.acquire()
    except Timeout as error:
        raise LockedError(
            f"The cube {location.cube_url(cube)!r} is held by {_holder(path)} for more than {timeout_s:g} s.",
            hint=f"Wait for it, or set dtedask.store.lock-timeout; if that process is gone, remove {str(path)!r}.",
        ) from error
    except PermissionError as error:
        raise ReadOnlyError(f"The root {location.url!r} cannot be written: {error}") from error
    try:
        yield
    finally:
        lock.release()


def _holder(path: Path) -> str:
    try:
        pid, host, *_ = path.read_text().split()
    except (OSError, ValueError):
        return "another process"
    return f"process {pid} on {host}"


def sync_to_disk(location: Location) -> None:
    """Wait until everything written to the file system of a root is on disk.

    Raises
    ------
    OSError
        If the kernel reports that something could not be written.
    """
    if not location.is_local:
        return
    descriptor = os.open(location.url, os.O_RDONLY)
    try:
        if _LIBC is None:
            os.sync()
        elif _LIBC.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), location.url)
    finally:
        os.close(descriptor)


def _load_libc() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None, use_errno=True)
    return library if hasattr(library, "syncfs") else None


_LIBC = _load_libc()
