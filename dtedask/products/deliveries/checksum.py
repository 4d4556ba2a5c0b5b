"""Checksums of products: SHA-256, of a file, of a folder, of fields."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dtedask.products.product import Part

__all__ = ["checksum_of_bytes", "checksum_of_parts", "checksum_of_path", "files_in"]

_BLOCK = 1 << 20


def checksum_of_path(path: Path) -> tuple[str, int]:
    """Checksum and size of a file or a folder.

    That of a folder is of the lines that ``sha256sum`` writes for its files, ordered by their names below the folder.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    if not os.path.isdir(path):  # noqa: PTH112 - called for each product
        return _of_file(path)
    digest, size = hashlib.sha256(), 0
    for name in files_in(path):
        found, length = _of_file(path / name)
        digest.update(f"{found.removeprefix('sha256:')}  {name}\n".encode())
        size += length
    return f"sha256:{digest.hexdigest()}", size


def checksum_of_bytes(data: bytes) -> str:
    """``sha256:`` and hexadecimal digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def checksum_of_parts(parts: Iterable[Part]) -> tuple[str, int]:
    """Checksum and size of fields: of the keys of each as JSON, and its bytes or its float64 values, little-endian."""
    digest, size = hashlib.sha256(), 0
    for part in parts:
        payload = part.payload
        data = bytes(payload) if isinstance(payload, bytes | memoryview) else _values(payload)
        digest.update(json.dumps(dict(part.description.keys), sort_keys=True).encode())
        digest.update(data)
        size += len(data)
    return f"sha256:{digest.hexdigest()}", size


def files_in(folder: Path) -> list[str]:
    """Names of all files below a folder, with ``/``, sorted by their bytes."""
    return sorted(_names(folder), key=str.encode)


def _names(folder: Path) -> Iterator[str]:
    for base, _, names in os.walk(folder):
        below = Path(base).relative_to(folder).as_posix()
        yield from (name if below == "." else f"{below}/{name}" for name in names)


def _of_file(path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return f"sha256:{digest.hexdigest()}", size


def _values(payload: object) -> bytes:
    return np.ascontiguousarray(payload, dtype="<f8").tobytes()
