"""Contents that were made and are not delivered everywhere yet: they outlive the process and are never made again."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dtedask.products.deliveries.aside import Aside, remove, sweep
from dtedask.products.deliveries.checksum import checksum_of_path

if TYPE_CHECKING:
    from dtedask.products.product import Part

__all__ = ["PARTS", "Staged", "Staging"]

Writing = Callable[["Path"], "Sequence[bytes] | None"]
_SEAL = "seal.json"
_MOST_PIECES = 1024  # IOV_MAX
PARTS = ".parts"
"""Behind a digest: the fields of a content."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A file or folder of a content, in the state folder.

    Parameters
    ----------
    path : Path
        The file or folder.
    checksum : str
        As `Content` has it.
    size_bytes : int
        How many bytes.
    is_kept : bool
        Whether it outlives this process.
    """

    path: Path
    checksum: str
    size_bytes: int
    is_kept: bool = True

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
        self._folder = f"{self.folder}{os.sep}"
        self._aside = Aside(self.folder)
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

    @contextmanager
    def written(self, suffix: str, write: Writing) -> Iterator[Staged]:
        """A content that is written, and not staged: it is there inside of the block only.

        Parameters
        ----------
        suffix : str
            What the name of the file ends with.
        write : callable
            Writes the file or folder to the path that it is given; or gives what is to be written.
        """
        with self._aside.name(suffix) as path:
            pieces = write(path)
            checksum, size = checksum_of_path(path) if pieces is None else _write(path, pieces)
            yield Staged(path, checksum, size, is_kept=False)

    def keep(self, digest: str, written: Staged) -> None:
        """Stage what is written, whole or not at all; where another process was faster, its content stays."""
        with self._aside.name() as path:
            path.mkdir()
            content = path / f"content{''.join(written.path.suffixes)}"
            os.rename(written.path, content)  # noqa: PTH104 - the tests count the calls of `os`
            seal = {"name": content.name, "checksum": written.checksum, "size": written.size_bytes}
            (path / _SEAL).write_text(json.dumps(seal))
            self._put(path, digest)

    def write(self, digest: str, suffix: str, write: Writing) -> None:
        """Write a content as `written` does, and stage it."""
        with self.written(suffix, write) as found:
            self.keep(digest, found)

    def write_parts(self, digest: str, parts: Sequence[Part]) -> None:
        """Stage the fields of a content, for deliveries that take fields and failed."""
        data = pickle.dumps(tuple(parts))
        self.write(digest + PARTS, ".pickle", lambda _: [data])

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

    def forget(self, older_than: datetime, *, doit: bool = True) -> int:
        """Remove contents that were staged before a time, or only count them; returns how many."""
        count = 0
        for digest in self.digests():
            with suppress(FileNotFoundError):
                seen = datetime.fromtimestamp((self.folder / digest).stat().st_mtime, UTC)
                count += seen < older_than and (not doit or self.remove(digest))
        return count

    def close(self) -> None:
        """Tidy up."""
        self._aside.close()
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
        path = self._folder + digest
        try:
            number = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(number, how)
            if os.path.samestat(os.fstat(number), os.stat(path)):  # noqa: PTH116 - called for each product
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


def _write(path: Path, pieces: Sequence[bytes]) -> tuple[str, int]:
    """Write a file; returns its checksum and size."""
    digest, size = hashlib.sha256(), 0
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        for begin in range(0, len(pieces), _MOST_PIECES):
            some = pieces[begin : begin + _MOST_PIECES]
            _write_whole(number, some)
            for piece in some:
                digest.update(piece)
                size += len(piece)
    finally:
        os.close(number)
    return f"sha256:{digest.hexdigest()}", size


def _write_whole(number: int, pieces: Sequence[bytes]) -> None:
    """Write pieces in one call, unless the system takes some of them only."""
    left = sum(map(len, pieces)) - os.writev(number, pieces)
    if left:
        rest = memoryview(b"".join(pieces))
        while left:
            left -= os.write(number, rest[len(rest) - left :])
