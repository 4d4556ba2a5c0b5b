"""Files of GRIB: what names, patterns and folders stand for."""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dtedask.core.errors import NotFoundError
from dtedask.core.nearest import did_you_mean

logger = logging.getLogger(__name__)
_UNFINISHED = (".part", ".tmp")
GRIB_NAMES = (".grib", ".grib1", ".grib2", ".grb", ".grb1", ".grb2")

Name = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of GRIB as it is now.

    Parameters
    ----------
    path : str
        Absolute path; of standard input the file that holds what was read.
    size : int
        Bytes.
    mtime_ns : int
        Time of the last change, nanoseconds since 1970.
    name : str
        What to call it.
    """

    path: str
    size: int
    mtime_ns: int
    name: str

    @property
    def tag(self) -> str:
        """Name, size and time: what the history records of a file that is in the cube as a whole."""
        seconds, nanoseconds = divmod(self.mtime_ns, 10**9)
        moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self.name} [{self.size} bytes, {moment}.{nanoseconds:09d}Z]"

    @classmethod
    def at(cls, path: Name, status: os.stat_result | None = None) -> SourceFile:
        """The file at a path, as it is now."""
        absolute = os.path.abspath(path)
        status = status or os.stat(absolute)  # noqa: PTH116 - in a hot loop
        return cls(absolute, status.st_size, status.st_mtime_ns, absolute)


def is_left_alone(name: str) -> bool:
    """Whether a file is hidden or still being written, by its name."""
    return name.startswith(".") or name.endswith(_UNFINISHED)


def is_grib(path: Name) -> bool:
    """Whether a file found in a folder is GRIB: by its first bytes, or it says so by its name."""
    if os.fspath(path).lower().endswith(GRIB_NAMES):
        return True
    try:
        with Path(path).open("rb") as file:
            return file.read(4) == b"GRIB"
    except PermissionError:
        logger.warning("cannot read %s: no permission; it is left out", os.fspath(path))
        return False


def grib_files(folder: Name) -> Iterator[str]:
    """GRIB files below a folder, sorted; hidden and unfinished ones are left alone."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = os.path.join(place, name)  # noqa: PTH118 - in a hot loop
            if not is_left_alone(name) and Path(path).is_file() and is_grib(path):
                yield path


def expand(name: str) -> Sequence[str]:
    """Files that a name stands for: a file, a pattern of the shell, or a folder with all GRIB below it.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    name = os.path.expanduser(name)  # noqa: PTH111 - a pattern is no path
    path = Path(name)
    if path.is_dir():
        files = list(grib_files(path))
        if not files:
            raise NotFoundError(
                f"There is no GRIB below {name!r}.", hint="Hidden files, *.part and *.tmp are left alone."
            )
        return files
    if path.exists():
        return [name]
    if glob.has_magic(name):
        return _expand_pattern(name)
    nearby = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    raise NotFoundError(f"There is no file {name!r}.", hint=did_you_mean(path.name, nearby))


def _expand_pattern(pattern: str) -> list[str]:
    found: list[str] = []
    for name in sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207 - an absolute pattern too
        if Path(name).is_dir():
            if not pattern.endswith("**"):
                found += grib_files(name)
        elif not is_left_alone(Path(name).name):
            found.append(name)
    if not found:
        raise NotFoundError(
            f"No file matches {pattern!r}.", hint="Patterns are those of the shell; ** goes down folders."
        )
    return found
