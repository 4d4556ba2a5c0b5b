"""Contents that were made and are not delivered everywhere yet: they outlive the process and are never made again."""

from __future__ import annotations

import fcntl
import json
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dtedask.products.deliveries.aside import aside, remove, sweep
from dtedask.products.deliveries.checksum import checksum_of_path

if TYPE_CHECKING:
    from dtedask.products.product import Part

__all__ = ["PARTS", "Staged", "Staging"]

_SEAL = "seal.json"
PARTS = ".parts"
"""Behind a digest: the fields of a content."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A content in the state folder.

    Parameters
    ----------
    path : Path
        The file or folder.
    checksum : str
        As `Content` has it.
    size_bytes : int
        How many bytes.
    """

    path: Path
    checksum: str
    size_bytes: int

    def load(self) -> tuple[Part, ...]:
        """The fields that `Staging.write_parts` kept."""
        found: tuple[Part, ...] = pickle.loads(self.path.read_bytes())
        return found


class Staging:
    """The folder ``staged`` of a state folder: a folder for each content, named by its digest.

    Contents are sealed by their checksum, so that one which a power cut left half is not taken for whole.

    Parameters
    ----------
    folder : Path
        The state folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "staged"
        self._whole: dict[str, int] = {}  # those that were checked in this process, by the number of their folder
        sweep(self.folder)

    @contextmanager
    def held(self, digest: str) -> Iterator[Staged | None]:
        """What there is of a content, whole; nobody removes it inside of the block."""
        number = self._locked(digest, fcntl.LOCK_SH)
        try:
            yield None if number is None else self._sealed(digest, number)
        finally:
            if number is not None:
                os.close(number)

    def write(self, digest: str, suffix: str, write: Callable[[Path], None]) -> None:
        """Stage a content, whole or not at all; where another process was faster, its content stays.

        Parameters
        ----------
        digest : str
            Of the content.
        suffix : str
            What the name of the file ends with.
        write : callable
            Writes the file or folder to the path that it is given.
        """
        with aside(self.folder, tidy=False) as path:
            path.mkdir()
            content = path / f"content{suffix}"
            write(content)
            checksum, size = checksum_of_path(content)
            (path / _SEAL).write_text(json.dumps({"name": content.name, "checksum": checksum, "size": size}))
            self._put(path, digest)

    def write_parts(self, digest: str, parts: Sequence[Part]) -> None:
        """Stage the fields of a content, for deliveries that take fields and failed."""
        data = pickle.dumps(tuple(parts))
        self.write(digest + PARTS, ".pickle", lambda path: _fill(path, data))

    def has(self, digest: str) -> bool:
        """Whether there is a content, whole."""
        with self.held(digest) as staged:
            return staged is not None

    def remove(self, digest: str) -> bool:
        """Remove a content, unless somebody holds it."""
        number = self._locked(digest, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if number is None:
            return False
        try:
            (self.folder / digest / _SEAL).unlink(missing_ok=True)  # from here on it is not there
            remove(self.folder / digest)
        finally:
            os.close(number)
        self._whole.pop(digest, None)
        return True

    def digests(self) -> list[str]:
        """What there is."""
        with suppress(FileNotFoundError):
            return sorted(one.name for one in self.folder.iterdir() if not one.name.startswith("."))
        return []

    def forget(self, older_than: datetime) -> int:
        """Remove contents that were staged before a time; returns how many."""
        count = 0
        for digest in self.digests():
            with suppress(FileNotFoundError):
                seen = datetime.fromtimestamp((self.folder / digest).stat().st_mtime, UTC)
                count += seen < older_than and self.remove(digest)
        return count

    def close(self) -> None:
        """Tidy up."""
        sweep(self.folder)

    def _put(self, path: Path, digest: str) -> None:
        if self.has(digest):
            return
        if (self.folder / digest).exists():  # half, or of other bytes: it lost its seal
            self.remove(digest)
        number = path.stat().st_ino
        with suppress(FileExistsError):
            os.rename(path, self.folder / digest)  # noqa: PTH104 - the tests count the calls of `os`
            self._whole[digest] = number

    def _locked(self, digest: str, how: int) -> int | None:
        path = self.folder / digest
        try:
            number = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(number, how)
            if os.path.samestat(os.fstat(number), path.stat()):
                return number
        except (BlockingIOError, FileNotFoundError):
            pass
        os.close(number)
        return None

    def _sealed(self, digest: str, number: int) -> Staged | None:
        folder = self.folder / digest
        try:
            said = json.loads((folder / _SEAL).read_text())
            path, seal = folder / said["name"], (said["checksum"], said["size"])
            inode = os.fstat(number).st_ino
            if self._whole.get(digest) != inode and checksum_of_path(path) != seal:
                return None
        except (OSError, ValueError, KeyError):
            return None
        self._whole[digest] = inode
        return Staged(path, *seal)


def _fill(path: Path, data: bytes) -> None:
    path.write_bytes(data)
