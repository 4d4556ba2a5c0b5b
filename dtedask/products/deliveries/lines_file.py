"""A manifest as a file: lines are appended by any number of processes, each once, and never half."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from dtedask.products.deliveries.aside import sync_folder
from dtedask.products.deliveries.manifest import Known

__all__ = ["LinesFile"]


class LinesFile:
    """What is known of a manifest's file, so that only what others appended is read again.

    Parameters
    ----------
    path : Path
        The file; its folder is there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known = Known(str(path))
        self._state = (0, 0)

    def append(self, lines: Sequence[str]) -> None:
        """Append those lines that the file lacks, on disk; half a line that a kill has left is cut off.

        Raises
        ------
        DeliveryError
            If the file is no manifest.
        OSError
            If it cannot be written.
        """
        with self.path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            size = self._read(file)
            new = self._known.missing(lines)
            data = "".join(f"{line}\n" for line in new).encode()
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            self._known.read(new)
            self._state = (os.fstat(file.fileno()).st_ino, size + len(data))
        if not size:
            sync_folder(self.path.parent)

    def _read(self, file: IO[bytes]) -> int:
        """Read what is not known yet; returns where the last whole line ends."""
        status = os.fstat(file.fileno())
        number, begin = self._state
        if number != status.st_ino or status.st_size < begin:  # another file
            self._known, begin = Known(str(self.path)), 0
        file.seek(begin)
        data = file.read()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            file.truncate(begin + whole)
        self._known.read(data[:whole].decode().splitlines())
        return begin + whole
