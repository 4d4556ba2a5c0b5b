"""Files and folders that are written aside, and appear whole or not at all, also after a power cut."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import itertools
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

__all__ = ["ASIDE", "Aside", "aside", "copy_aside", "link", "make_folder", "place", "remove", "sweep", "sync_folder"]

ASIDE = ".delivering"
"""Folder at a place of delivery for what is being written; it is there for as long as it is needed."""
_BLOCK = 1 << 20
_EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2)
_IN_THE_WAY = (errno.ENOTEMPTY, errno.EEXIST, errno.EISDIR, errno.ENOTDIR)


@contextmanager
def aside(folder: Path) -> Iterator[Path]:
    """A new name below a folder, for a file or folder that is to be moved from there; what is left there is removed."""
    own = Aside(folder)
    try:
        with own.name() as path:
            yield path
    finally:
        own.close()


class Aside:
    """New names below a folder, for files and folders that are to be moved from there; safe for many threads.

    They are in a folder of this object, which is made when it is first needed and kept until `close`. It is locked for
    as long, by which others see that its writer lives.

    Parameters
    ----------
    folder : Path
        It is made when it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.Lock()
        self._numbers = itertools.count()
        self._own: _Own | None = None

    @contextmanager
    def name(self, suffix: str = "") -> Iterator[Path]:
        """A name at which nothing is; what is left there in the end is removed."""
        path = Path(f"{self._opened()}{os.sep}{next(self._numbers)}{suffix}")
        try:
            yield path
        finally:
            remove(path)

    def close(self) -> None:
        """Remove the folder of this object, and the one for what is written aside unless others use it."""
        with self._guard:
            own, self._own = self._own, None
        if own is not None and own.process == os.getpid():
            remove(own.path)
            os.close(own.number)
            with suppress(OSError):  # others are at it
                own.path.parent.rmdir()

    def _opened(self) -> str:
        own = self._own
        if own is not None and own.process == os.getpid() and os.path.isdir(own.text):  # noqa: PTH112 - is called often
            return own.text
        with self._guard:
            if self._own is None or self._own is own:
                make_folder(self._folder)
                self._own = _Own.new(self._folder / ASIDE)
                if own is not None and own.process == os.getpid():  # somebody has removed it
                    os.close(own.number)
            return self._own.text


@dataclass(frozen=True, slots=True)
class _Own:
    """A folder, the lock on it, and the process that holds it."""

    path: Path
    text: str
    number: int
    process: int

    @classmethod
    def new(cls, parent: Path) -> _Own:
        while True:
            path = parent / uuid4().hex
            with suppress(FileNotFoundError, FileExistsError):  # the folder above is removed by others as they end
                parent.mkdir(exist_ok=True)
                path.mkdir()
                number = os.open(path, os.O_RDONLY)
                fcntl.flock(number, fcntl.LOCK_EX)
                if path.exists():
                    return cls(path, str(path), number, os.getpid())
                os.close(number)


def copy_aside(source: Path, path: Path, *, may_link: bool) -> None:
    """Let a copy of a file or folder be at a new name, on disk for good once its name is.

    Parameters
    ----------
    source, path : Path
        From where, and to where; nothing is there yet.
    may_link : bool
        Whether a file may get a second name instead of a copy.
    """
    if may_link:
        with suppress(OSError):  # a folder, another file system, or one without links
            os.link(source, path)
            _sync(path)
            return
    if source.is_dir():
        _copy_folder(source, path)
    else:
        _copy_file(source, path)


def link(source: Path, target: Path) -> bool:
    """Give a file a second name, on disk for good, where nothing has that name; False where that cannot be done.

    The folder of the name is made when it is missing. Raises OSError if it cannot be put on disk.
    """
    _sync(source)
    try:
        try:
            os.link(source, target)
        except FileNotFoundError:
            make_folder(target.parent)
            os.link(source, target)
    except OSError:  # something is there, it is a folder, or on another file system, or on one without links
        return False
    sync_folder(target.parent)
    return True


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
    try:
        os.unlink(path)  # noqa: PTH108 - the tests count the calls of `os`
    except FileNotFoundError:
        pass
    except OSError:
        if path.is_symlink() or not path.is_dir():
            raise
        shutil.rmtree(path, ignore_errors=True)


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
