"""What to ingest: files, patterns, folders and standard input as one list of files."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from dtedask.grib.files import Name, SourceFile, expand

STANDARD_INPUT = "-"


@contextmanager
def open_sources(sources: Name | Iterable[Name], *, stream: BinaryIO | None = None) -> Iterator[list[SourceFile]]:
    """Find all files that sources name, each once, in the order of the sources.

    Parameters
    ----------
    sources : str, path or iterable of them
        Files, patterns such as ``"run/*.grib2"`` or ``"run/**/*.grib2"``, folders (all GRIB below them), and
        ``"-"`` for standard input.
    stream : binary stream, optional
        What stands for standard input.

    Yields
    ------
    list of SourceFile
        What was read from standard input is removed in the end.

    Raises
    ------
    NotFoundError
        If a source names nothing.
    """
    names = [os.fspath(s) for s in ([sources] if isinstance(sources, str | os.PathLike) else sources)]
    with tempfile.TemporaryDirectory(prefix="dtedask-") as spool:
        found: dict[str, SourceFile] = {}
        for name in names:
            if name == STANDARD_INPUT:
                file = _spool(stream or sys.stdin.buffer, Path(spool) / "standard-input.grib")
                found.setdefault(file.path, file)
                continue
            for path in expand(name):
                found.setdefault(os.path.realpath(path), SourceFile.at(path))
        yield list(found.values())


def _spool(stream: BinaryIO, path: Path) -> SourceFile:
    if not path.exists():
        with path.open("wb") as file:
            shutil.copyfileobj(stream, file, 1 << 20)
    status = path.stat()
    return SourceFile(str(path), status.st_size, status.st_mtime_ns, "standard input")
