"""Files and folders that are written aside, and appear whole or not at all, also after a power cut."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

__all__ = ["ASIDE", "aside", "copy_aside", "make_folder", "place", "remove", "sweep", "sync_folder"]

ASIDE = ".delivering"
"""Folder at a place of delivery for what is being written; it is there for as long as it is needed."""
_BLOCK = 1 << 20
_EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2)
_IN_THE_WAY = (errno.ENOTEMPTY, errno.EEXIST, errno.EISDIR, errno.ENOTDIR)


@contextmanager
def aside(folder: Path, *, tidy: bool = True) -> Iterator[Path]:
    """A new name below a folder, for a file or folder that is to be moved from there; what is left there is removed.

    Parameters
    ----------
    folder : Path
        It is made when it is missing.
    tidy : bool
        Whether the folder for what is written aside is removed too, unless others use it.
    """
    make_folder(folder)
    path, number = _own_folder(folder / ASIDE)
    try:
        yield path / "content"
    finally:
        remove(path)
        os.close(number)
        if tidy:
            with suppress(OSError):  # others are at it
                path.parent.rmdir()


def copy_aside(source: Path, path: Path, *, may_link: bool) -> None:
    """Let a copy of a file or folder be at a new name, on disk for good once its name is.

    Parameters
    ----------
    source, path : Path
        From where, and to where; nothing is there yet.
    may_link : bool
        Whether a file may get a second name instead of a copy.
    """
    if source.is_dir():
        _copy_folder(source, path)
        return
    if may_link:
        with suppress(OSError):  # another file system, or one without links
            path.hardlink_to(source)
            _sync(path)
            return
    _copy_file(source, path)


def place(path: Path, target: Path) -> None:
    """Give what was written aside its name, in the place of what has it now: at no moment is there nothing."""
    try:
        os.replace(path, target)  # noqa: PTH105 - the tests count the calls of `os`
    except OSError as error:
        if error.errno not in _IN_THE_WAY or not target.exists():
            raise
        _exchange(path, target)
    sync_folder(target.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, for good."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with suppress(FileExistsError):
        os.mkdir(folder)  # noqa: PTH102 - the tests count the calls of `os`
        sync_folder(folder.parent)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it; one that is gone already is no error."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sweep(folder: Path) -> int:
    """Remove what killed processes have left aside below a folder; returns how much that was."""
    count = 0
    with suppress(FileNotFoundError):
        for path in list((folder / ASIDE).iterdir()):
            with suppress(OSError), _unused(path):
                remove(path)
                count += 1
        with suppress(OSError):
            (folder / ASIDE).rmdir()
    return count


def sync_folder(folder: Path) -> None:
    """Let names in a folder be there after a power cut."""
    _sync(folder)


def _own_folder(parent: Path) -> tuple[Path, int]:
    """A new folder and the lock on it, by which others know that its writer lives."""
    while True:
        path = parent / uuid4().hex
        with suppress(FileNotFoundError, FileExistsError):  # the folder above is removed by others as they end
            parent.mkdir(exist_ok=True)
            path.mkdir()
            number = os.open(path, os.O_RDONLY)
            fcntl.flock(number, fcntl.LOCK_EX)
            if path.exists():
                return path, number
            os.close(number)


@contextmanager
def _unused(path: Path) -> Iterator[None]:
    """Hold a folder alone; raises BlockingIOError where its writer lives."""
    number = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(number)


def _copy_folder(source: Path, path: Path) -> None:
    """Copy a folder with all that is in it, the innermost first on disk."""
    path.mkdir()
    for one in sorted(source.iterdir()):
        if one.is_dir():
            _copy_folder(one, path / one.name)
        else:
            _copy_file(one, path / one.name)
    _sync(path)


def _copy_file(source: Path, path: Path) -> None:
    with source.open("rb", buffering=0) as old, path.open("xb", buffering=0) as new:
        shutil.copyfileobj(old, new, _BLOCK)
        os.fsync(new.fileno())


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _exchange(path: Path, target: Path) -> None:
    """Let two names change what they name, at once."""
    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "renameat2"):
        here = ctypes.c_int(-100)  # AT_FDCWD
        if libc.renameat2(here, os.fsencode(path), here, os.fsencode(target), ctypes.c_uint(_EXCHANGE)) == 0:
            return
    # A file system without it: for a moment nothing is there, which is better than half of it.
    os.replace(target, path.with_name("replaced"))  # noqa: PTH105
    os.replace(path, target)  # noqa: PTH105
