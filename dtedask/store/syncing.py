"""Waiting until what was written is on disk, so that it survives a loss of power."""

from __future__ import annotations

import ctypes
import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from dtedask.store.location import Location

_WORTH_BYTES = 16 * 2**20  # syncing less takes about as long as asking for it


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


def sync_branch(location: Location, cube: str, branch: str) -> None:
    """Wait until the file that names the newest snapshot of a branch is on disk, where all else is already.

    Only this file is waited for, and not what other programs write at the same time.

    Raises
    ------
    OSError
        If the kernel reports that it could not be written.
    """
    if location.is_local:
        folder = f"{location.cube_url(cube)}/refs/branch.{branch}"
        for path in (f"{folder}/ref.json", folder):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


class Syncing:
    """Syncs a root while more is written, so that less is left for the sync at the end.

    Parameters
    ----------
    location : Location
        The root.
    """

    def __init__(self, location: Location) -> None:
        self._location = location
        self._pool = ThreadPoolExecutor(1, "dtedask-sync")
        self._written_bytes = 0
        self._last: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._pool.shutdown()

    def wrote(self, size_bytes: int) -> None:
        """Hear that so much more was written; raises as `wait` if a sync failed that is over."""
        self._written_bytes += size_bytes
        if self._written_bytes < _WORTH_BYTES or (self._last is not None and not self._last.done()):
            return
        self.wait()
        self._written_bytes = 0
        self._last = self._pool.submit(sync_to_disk, self._location)

    def wait(self) -> None:
        """Wait for the sync under way: the kernel tells an error once, and a later sync would not hear of it.

        Raises
        ------
        OSError
            If the kernel reports that something could not be written.
        """
        if self._last is not None:
            self._last.result()


def start_writing(descriptor: int, offset: int, length: int) -> None:
    """Let the kernel begin to write a part of a file to disk, without waiting for it; no more than a hint.

    What was written so is synced in less time later. Errors are those of the sync.
    """
    if _SYNC_FILE_RANGE is not None:
        _SYNC_FILE_RANGE(descriptor, ctypes.c_int64(offset), ctypes.c_int64(length), _BEGIN)


def _load_libc() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None, use_errno=True)
    return library if hasattr(library, "syncfs") else None


_LIBC = _load_libc()
_SYNC_FILE_RANGE = getattr(_LIBC, "sync_file_range", None)  # Linux with glibc
_BEGIN = 2  # SYNC_FILE_RANGE_WRITE
