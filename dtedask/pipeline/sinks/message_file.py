"""A file of messages back to back, in which a reader never sees a part of one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from google_crc32c import value as crc32c

from dtedask.core.errors import GribError, SinkError
from dtedask.grib import scan

_HEAD = b"GRIB"


class MessageFile:
    """One file that messages are added to, a block at a time.

    A new file is written beside its place as ``NAME.part``, synced, and renamed. Behind what a file holds already a
    block is first written without the letters that begin each message, and synced; the letters come last, four bytes
    at a time. So who reads meanwhile, or after this process was killed, finds whole messages only.

    Parameters
    ----------
    path : Path
        Where it is, or is to be.
    length : int, optional
        How much of it has been acknowledged before, by a run that goes on; what lies behind is kept only if it is
        what comes again.
    append : bool
        Whether messages of an older run stay. Those that come again, byte for byte, are not written twice.
    """

    def __init__(self, path: Path, *, length: int | None = None, append: bool = False) -> None:
        self.path = path
        self.length = length
        self._places: dict[tuple[int, int], int] = {}
        if length is None and append and path.exists():
            self._adopt()

    def add(self, block: Sequence[bytes]) -> list[tuple[int, bool]]:
        """Write messages, durably.

        Returns
        -------
        list of (int, bool)
            Where each begins, and whether it is new there.

        Raises
        ------
        SinkError
            If the disk is full or the file cannot be written; it stays as it was.
        """
        known = [self._places.get(_name(data)) for data in block]
        fresh = [data for data, place in zip(block, known, strict=True) if place is None]
        with _told(self.path):
            start, is_new = self._write(fresh) if fresh else (self.length or 0, False)
        found = []
        for data, place in zip(block, known, strict=True):
            found.append((start, is_new) if place is None else (place, False))
            start += len(data) if place is None else 0
        return found

    def _write(self, block: list[bytes]) -> tuple[int, bool]:
        if not self.length:
            is_there = self.length == 0 and _holds(self.path, 0, b"".join(block))
            is_new = False if is_there else self._create(block)
            self.length = sum(map(len, block))
            return 0, is_new
        start = self.length
        is_new = self._extend(start, block)
        self.length = start + sum(map(len, block))
        return start, is_new

    def _create(self, block: list[bytes]) -> bool:
        content = b"".join(block)
        if _holds(self.path, 0, content, exactly=True):
            return False
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_name(f"{self.path.name}.part")
        try:
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        _sync_folder(self.path.parent)
        return True

    def _extend(self, start: int, block: list[bytes]) -> bool:
        if _holds(self.path, start, b"".join(block)):
            return False
        with self.path.open("r+b", buffering=0) as file:
            try:
                file.truncate(start)
                _write_at(file.fileno(), start, b"".join(map(_headless, block)))
                os.fsync(file.fileno())
                for place in _places(start, block):
                    _write_at(file.fileno(), place, _HEAD)
                os.fsync(file.fileno())
            except BaseException:
                file.truncate(start)
                raise
        return True

    def _adopt(self) -> None:
        """Take over what whole messages an older run has left."""
        end = 0
        try:
            for message in scan(self.path):
                end = message.offset + message.length
                self._places[_name(message.read())] = message.offset
        except GribError:
            if not end and self.path.stat().st_size:
                raise
        self.length = end


def _name(data: bytes) -> tuple[int, int]:
    return len(data), crc32c(data)


def _headless(data: bytes) -> bytes:
    return b"\0\0\0\0" + data[4:] if data[:4] == _HEAD else data


def _places(start: int, block: Sequence[bytes]) -> Iterator[int]:
    for data in block:
        if data[:4] == _HEAD:
            yield start
        start += len(data)


def _write_at(descriptor: int, place: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, place)
        view, place = view[written:], place + written


def _holds(path: Path, start: int, content: bytes, *, exactly: bool = False) -> bool:
    """Whether a file has this very content from a place on."""
    try:
        size = path.stat().st_size
        if size < start + len(content) or (exactly and size != len(content)):
            return False
        with path.open("rb") as file:
            file.seek(start)
            return file.read(len(content)) == content
    except FileNotFoundError:
        return False


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SinkError(
            f"The file {str(path)!r} cannot be written: {error.strerror or error}.",
            hint="What was acknowledged stays. When there is room again, the same flush writes what is left.",
        ) from error
