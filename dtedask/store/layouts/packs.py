"""Packs: files of a cube that hold the chunks of one task back to back, for references to point into."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from dtedask.store.layouts.references import Reference, folder_url
from dtedask.store.syncing import start_writing

if TYPE_CHECKING:
    from dtedask.store.location import Location
    from dtedask.store.root_files import FileStream, RootFiles

FOLDER = "packs"
_EARLY_BYTES = 8 * 2**20  # written to disk before a pack is complete
MOST_IN_MEMORY = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Packs:
    """Where the packs of a cube are written.

    Parameters
    ----------
    location : Location
        The root.
    cube : str
        Name of the cube.
    small_bytes : int
        Encoded fields of fewer bytes are put into packs, where the schema leaves it open.
    fewest : int
        Fields of a task that are worth a pack.
    """

    location: Location
    cube: str
    small_bytes: int = 0
    fewest: int = 4

    @property
    def can_be_written(self) -> bool:
        """Whether Icechunk can refer to files of this root; to the memory of a process it cannot."""
        return not self.location.is_memory

    def writer(self, suffix: str) -> PackWriter:
        """A new pack; its file comes into being with the first chunk."""
        name = f"{uuid.uuid4().hex}.{suffix}"
        if self.location.is_local:
            return LocalPack(Path(self.location.cube_url(self.cube)) / FOLDER / name, self._url(name))
        return ObjectPack(self.location, f"{self.cube}/{FOLDER}/{name}", self._url(name))

    def _url(self, name: str) -> str:
        return f"{folder_url(self.location, self.cube)}{name}"


class PackWriter(ABC):
    """One pack while it is written. Nothing refers to it before the transaction is published.

    Parameters
    ----------
    url : str
        What references call it.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._size = 0

    def add(self, *pieces: bytes) -> Reference:
        """Append a chunk, in one piece or several, and say where it lies."""
        length = 0
        for piece in pieces:
            self._write(piece)
            length += len(piece)
        found = Reference(self._url, self._size, length)
        self._size += length
        return found

    @property
    def is_full(self) -> bool:
        """Whether the next chunk should go into another pack."""
        return False

    @abstractmethod
    def close(self) -> None:
        """Finish the file."""

    @abstractmethod
    def discard(self) -> None:
        """Leave nothing behind, since the task failed."""

    @abstractmethod
    def _write(self, data: bytes) -> None:
        """Append bytes."""


class LocalPack(PackWriter):
    """A pack on local disk."""

    def __init__(self, path: Path, url: str) -> None:
        super().__init__(url)
        self._path = path
        self._file: BinaryIO | None = None
        self._begun = 0

    def _write(self, data: bytes) -> None:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("xb")
        self._file.write(data)
        if self._size - self._begun >= _EARLY_BYTES:
            self._begin_writing(self._file)

    def close(self) -> None:
        """Finish the file; it is synced with the transaction."""
        if self._file is not None:
            if self._size >= _EARLY_BYTES:
                self._begin_writing(self._file)
            self._file.close()

    def _begin_writing(self, file: BinaryIO) -> None:
        """Let the disk be busy with what is written, while the rest of the transaction is prepared."""
        file.flush()
        start_writing(file.fileno(), self._begun, self._size - self._begun)
        self._begun = self._size

    def discard(self) -> None:
        """Remove the file."""
        if self._file is not None:
            with suppress(OSError):  # a disk that is full, or gone; purge takes what stays
                self._file.close()
            with suppress(OSError):
                self._path.unlink()


class ObjectPack(PackWriter):
    """A pack in an object store; it appears whole when it is closed.

    It is held in memory until then; one that is full, and goes on, is sent in parts.
    """

    def __init__(self, location: Location, name: str, url: str) -> None:
        super().__init__(url)
        self._location, self._name = location, name
        self._parts: list[bytes] = []
        self._held = 0
        self._stream: FileStream | None = None

    @property
    def is_full(self) -> bool:
        """Whether it holds as much as a pack may hold in memory."""
        return self._size >= MOST_IN_MEMORY

    def _write(self, data: bytes) -> None:
        self._parts.append(data)
        self._held += len(data)
        if self._held >= MOST_IN_MEMORY:
            self._stream = self._stream or self._files.stream(self._name)
            self._stream.write(self._taken())

    def close(self) -> None:
        """Put the object."""
        if self._stream is not None:
            self._stream.write(self._taken())
            self._stream.close()
        elif self._parts:
            self._files.write(self._name, self._taken())

    def discard(self) -> None:
        """Nothing appears in the store of what was not closed."""

    def _taken(self) -> bytes:
        """What is held; it is held no more."""
        found = b"".join(self._parts)
        self._parts, self._held = [], 0
        return found

    @property
    def _files(self) -> RootFiles:
        from dtedask.store.root_files import RootFiles

        return RootFiles(self._location)
