"""One committer at a time: the lock of a cube on local and network disks."""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dtedask.core.errors import LockedError
from dtedask.store.failures import storage_error
from dtedask.store.location import Location

if TYPE_CHECKING:
    from filelock import BaseFileLock

logger = logging.getLogger(__name__)
LOCKS = ".dtedask/locks"
OWNERLESS_S = 5.0
_POLL_S = 0.01

_threads: dict[str, threading.RLock] = {}
_guard = threading.Lock()


@contextmanager
def cube_lock(location: Location, cube: str, timeout_s: float) -> Iterator[None]:
    """Hold the lock of a cube, across threads, processes and hosts.

    The lock is a file that names host and process of its holder; one whose holder died on this host is taken over, and
    so is one that has named nobody for five seconds: its maker died before it wrote its name.
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
    from filelock import FileLock, SoftFileLock, Timeout

    if not location.is_local:
        yield
        return
    path = _path(location, cube)
    deadline = time.monotonic() + timeout_s
    with ExitStack() as held:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Within this host the kernel decides, so that a file without a name is known not to be one being made here.
            with suppress(NotImplementedError):  # a file system without kernel locks
                held.enter_context(FileLock(path.with_suffix(".host"), timeout=timeout_s, poll_interval=_POLL_S))
            lock = SoftFileLock(path, poll_interval=_POLL_S)
            acquire(lock, path, deadline)
            held.callback(lock.release)
        except Timeout as error:
            raise LockedError(
                f"The cube {location.cube_url(cube)!r} is held by {_holder(path)} for more than {timeout_s:g} s.",
                hint=f"Wait for it, or set dtedask.store.lock-timeout; if that process is gone, remove {str(path)!r}.",
            ) from error
        except OSError as error:
            raise storage_error(error, location.url) from error
        yield


def acquire(lock: BaseFileLock, path: Path, deadline: float) -> None:
    """Wait for a lock until the deadline; remove a file that names nobody, which a process left that died making it."""
    from filelock import Timeout

    seen, since = None, time.monotonic()
    while True:
        now = time.monotonic()
        try:
            lock.acquire(timeout=max(min(deadline - now, OWNERLESS_S / 5), 0))
        except Timeout:
            if now >= deadline:
                raise
        else:
            return
        found = _ownerless(path)
        if found is None or found != seen:
            seen, since = found, now
        elif now - since >= OWNERLESS_S:
            _remove_ownerless(path, found)


def _ownerless(path: Path) -> tuple[int, int] | None:
    """What tells a lock's file that names nobody from others; None where there is none such."""
    try:
        found = path.stat()
    except OSError:
        return None
    return None if found.st_size else (found.st_ino, found.st_mtime_ns)


def _remove_ownerless(path: Path, expected: tuple[int, int]) -> None:
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    with suppress(FileNotFoundError):
        path.rename(aside)
        if _ownerless(aside) == expected:
            logger.warning("The lock %s named nobody for %g s and was removed", path, OWNERLESS_S)
        else:  # another host was faster and holds it now
            with suppress(FileExistsError):
                os.link(aside, path)
        aside.unlink()


def holder_of(location: Location, cube: str) -> str:
    """Who holds the lock of a cube, such as ``process 12 on host``; empty where nobody does, or there are no locks."""
    path = _path(location, cube)
    return _holder(path) if location.is_local and path.exists() else ""


def _path(location: Location, cube: str) -> Path:
    return Path(location.url) / LOCKS / f"{cube.replace('/', '+')}.lock"


def _holder(path: Path) -> str:
    try:
        pid, host, *_ = path.read_text().split()
    except (OSError, ValueError):
        return "another process"
    return f"process {pid} on {host}"
