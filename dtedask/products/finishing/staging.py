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

from dtedask.products.deliveries.aside import aside, sweep
from dtedask.products.deliveries.checksum import checksum_of_bytes, checksum_of_path

if TYPE_CHECKING:
    from dtedask.products.product import Part

__all__ = ["Staged", "Staging"]

_SEAL = "seal.json"
_PARTS = "parts.pickle"


@dataclass(frozen=True, slots=True)
class Staged:
    """A content in the state folder.

    Parameters
    ----------
    path : Path, optional
        The file or folder; None where the format writes none.
    checksum : str
        As `Content` has it.
    size_bytes : int
        How many bytes.
    parts : Path, optional
        The fields, for deliveries that take fields; None where they were not needed.
    """

    path: Path | None
    checksum: str
    size_bytes: int
    parts: Path | None = None

    def load_parts(self) -> tuple[Part, ...]:
        """The fields."""
        if self.parts is None:
            return ()
        found: tuple[Part, ...] = pickle.loads(self.parts.read_bytes())
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
        sweep(self.folder)

    @contextmanager
    def held(self, digest: str) -> Iterator[Staged | None]:
        """What there is of a content, whole; nobody removes it inside of the block."""
        number = self._locked(digest, fcntl.LOCK_SH)
        try:
            yield None if number is None else self._sealed(digest)
        finally:
            if number is not None:
                os.close(number)

    def write(
        self, digest: str, suffix: str, write: Callable[[Path], None] | None, parts: Sequence[Part] | None = None
    ) -> None:
        """Stage a content, whole or not at all; where another process was faster, its content stays.

        Parameters
        ----------
        digest : str
            Of the content.
        suffix : str
            What the name of the file ends with.
        write : callable, optional
            Writes the file or folder to the path that it is given; None where there is none.
        parts : sequence of Part, optional
            The fields, if deliveries need them again.
        """
        with aside(self.folder) as path:
            path.mkdir()
            content = path / f"content{suffix}"
            if write is not None:
                write(content)
            checksum, size = checksum_of_path(content) if write is not None else ("", 0)
            data = b"" if parts is None else pickle.dumps(tuple(parts))
            if parts is not None:
                (path / _PARTS).write_bytes(data)
            said = {
                "name": content.name if write is not None else "",
                "checksum": checksum,
                "size": size,
                "parts": checksum_of_bytes(data) if parts is not None else "",
            }
            (path / _SEAL).write_text(json.dumps(said))
            self._put(path, digest)

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
            with aside(self.folder) as path:
                os.replace(self.folder / digest, path)  # noqa: PTH105 - gone at once, and then bit by bit
        finally:
            os.close(number)
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

    def _put(self, path: Path, digest: str) -> None:
        with self.held(digest) as there:
            if there is not None:
                return
        if (self.folder / digest).exists():  # half, or of other bytes: it lost its seal
            self.remove(digest)
        with suppress(FileExistsError):
            os.rename(path, self.folder / digest)  # noqa: PTH104 - the tests count the calls of `os`

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

    def _sealed(self, digest: str) -> Staged | None:
        folder = self.folder / digest
        try:
            said = json.loads((folder / _SEAL).read_text())
            path = folder / said["name"] if said["name"] else None
            if path is not None and checksum_of_path(path) != (said["checksum"], said["size"]):
                return None
            parts = folder / _PARTS if said["parts"] else None
            if parts is not None and checksum_of_bytes(parts.read_bytes()) != said["parts"]:
                return None
        except (OSError, ValueError, KeyError):
            return None
        return Staged(path, said["checksum"], said["size"], parts)
