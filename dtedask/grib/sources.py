"""Where the bytes of messages come from: files, streams and memory, all read by offset."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from typing_extensions import TypeIs

_WINDOW = 1 << 20
_SMALL_WINDOW = 1 << 13
_BIG_MESSAGE = 1 << 16


class Source(Protocol):
    """Bytes that are asked for by offset, mostly forwards."""

    name: str
    location: str
    version: str | datetime

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes; fewer only at the end."""

    def advance(self, offset: int) -> None:
        """Promise to read nothing before `offset` again."""


Readable = str | os.PathLike[str] | BinaryIO | bytes | bytearray | memoryview | Source


def version_of(status: os.stat_result) -> str:
    """State of a file on local disk as object stores name it: inode, time of its last change and size."""
    return f"{status.st_ino:x}-{status.st_mtime_ns // 1000:x}-{status.st_size:x}"


class FileSource:
    """A regular file, read in windows: one read for many small messages, and only the heads of big ones.

    Not mapped into memory: a file that another process cuts short would kill this one.
    """

    def __init__(self, file: BinaryIO, path: str) -> None:
        self.name = self.location = path
        self._descriptor = file.fileno()
        self.version: str | datetime = version_of(os.fstat(self._descriptor))
        self._start = 0
        self._window = b""
        self._last_message = 0
        self._size = _WINDOW

    def read(self, offset: int, length: int) -> bytes:  # noqa: D102  # see Source
        first = offset - self._start
        if first < 0 or first + length > len(self._window):
            self._window = self._fetch(offset, max(length, self._size))
            self._start, first = offset, 0
        return self._window[first : first + length]

    def advance(self, offset: int) -> None:  # noqa: D102  # see Source
        self._size = _SMALL_WINDOW if offset - self._last_message > _BIG_MESSAGE else _WINDOW
        self._last_message = offset

    def _fetch(self, offset: int, length: int) -> bytes:
        window = os.pread(self._descriptor, length, offset)
        if 0 < len(window) < length:  # the end of the file, or a network file system that gives less than asked
            parts = [window]
            while part := os.pread(self._descriptor, length - sum(map(len, parts)), offset + sum(map(len, parts))):
                parts.append(part)
            window = b"".join(parts)
        return window


class StreamSource:
    """A stream that can only be read forwards; holds one message at a time."""

    location = ""
    version: str | datetime = ""

    def __init__(self, stream: BinaryIO) -> None:
        self.name = str(getattr(stream, "name", "stream"))
        self._stream = stream
        self._start = 0
        self._buffer = bytearray()
        self._is_finished = False

    def read(self, offset: int, length: int) -> bytes:  # noqa: D102  # see Source
        first = offset - self._start
        missing = first + length - len(self._buffer)
        while missing > 0 and not self._is_finished:
            part = self._stream.read(min(max(missing, 1 << 16), 1 << 24))
            self._is_finished = not part
            self._buffer += part or b""
            missing = first + length - len(self._buffer)
        return bytes(self._buffer[first : first + length])

    def advance(self, offset: int) -> None:  # noqa: D102  # see Source
        del self._buffer[: offset - self._start]
        self._start = offset


class MemorySource:
    """Bytes in memory."""

    location = ""
    version: str | datetime = ""
    name = "bytes"

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        # All of some bytes is no copy of them; a message that comes alone is not copied.
        self._data = data if isinstance(data, bytes) else memoryview(data).cast("B")

    def read(self, offset: int, length: int) -> bytes:  # noqa: D102  # see Source
        return bytes(self._data[offset : offset + length])

    def advance(self, offset: int) -> None:  # noqa: D102  # see Source
        pass


@contextmanager
def open_source(source: Readable) -> Iterator[Source]:
    """Open whatever messages can be read from; what was open already stays open."""
    if isinstance(source, bytes | bytearray | memoryview):
        yield MemorySource(source)
    elif is_source(source):
        yield source
    elif isinstance(source, str | os.PathLike):
        path = os.path.abspath(source)  # links stay links: the path is stored in references
        with Path(path).open("rb", buffering=0) as file:
            is_file = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            yield FileSource(file, path) if is_file else StreamSource(file)
    else:
        yield StreamSource(source)


def is_source(source: object) -> TypeIs[Source]:
    """Whether something is read by offset already."""
    return hasattr(source, "advance")
